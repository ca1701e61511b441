"""The role {measured}`name`: a number in prose, computed from the recorded runs while the book is built.

What a page says can so never differ from what was measured. A module a chapter has its names, in NUMBERS; a name that
none of them knows fails the strict build.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from ttclab import bank

from . import allocation, arena, connections, making, question, results, revision, verifiers

logger = logging.getLogger(__name__)

CHAPTERS = (question, verifiers, revision, allocation, making, results, arena, connections)


def look_up(name: str) -> Callable[[], str] | None:
    """What says the number of that name, None if nothing does."""
    known = (chapter.NUMBERS[name] for chapter in CHAPTERS if name in chapter.NUMBERS)
    return next(known, None) or verifiers.of_a_judge(name) or results.of_a_cell(name)


class Measured(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        for file in Path(__file__).parent.glob("*.py"):
            self.env.note_dependency(str(file))
        for file in bank.RUNS.glob("*.parquet"):
            self.env.note_dependency(str(file))
        number = look_up(self.text)
        if number is None:
            logger.warning("no measured number is called %r", self.text, location=self.get_location())
            return [], []
        return [nodes.inline("", number(), classes=["measured"])], []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("measured", Measured())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
