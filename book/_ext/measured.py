"""Numbers of the recorded runs, computed while the book is built: a role for sentences, a directive for tables.

    {measured}`vote(16).solved:.0%`

    ```{results}
    | samples | a vote solves |
    for n in 1, 4, 16
    | {n} | {vote(n).solved:.0%} |
    ```

    ```{results} models_table()
    ```

So a number on a page cannot differ from the recorded runs. `ttclab.results.expressions` defines the expressions; an
unknown name fails the strict build.
"""

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.typing import ExtensionMetadata

from ttclab.data import DATA, RUNS
from ttclab.results import expressions
from ttclab.results.tables import markdown

logger = logging.getLogger(__name__)


def _depend(env: BuildEnvironment) -> None:
    for file in (*Path(expressions.__file__).parent.glob("*.*"), *DATA.glob("*.*"), *RUNS.glob("*.parquet")):
        env.note_dependency(str(file))


class Measured(SphinxRole):
    """A number in a sentence."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        _depend(self.env)
        try:
            return [nodes.inline("", expressions.say(self.text), classes=["measured"])], []
        except (ValueError, TypeError, LookupError) as error:
            logger.warning("no number is %r: %s", self.text, error, location=self.get_location())
            return [], []


class Results(SphinxDirective):
    """A table from an expression, or from the lines of the directive."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        _depend(self.env)
        try:
            table = expressions.evaluate(self.arguments[0]) if self.arguments else expressions.table(self.content)
            lines = markdown(table)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            logger.warning("not a table of results: %s", error, location=self.get_location())
            return []
        parsed = self.parse_text_to_nodes("\n".join(lines))
        for node in parsed:
            node["classes"] += ["results", *self.options.get("class", [])]
        return parsed


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_role("measured", Measured())
    app.add_directive("results", Results)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
