"""The directive `{drawn} name`: a figure of `ttclab.figures`, with its numbers folded under it.

    ```{drawn} weighted_against_vote
    An optional line of text under the figure, above its numbers.
    ```

A figure is drawn from the recorded runs while the book is built. Drawn figures are cached beside the built book until
the package or its data change. An unknown name fails the strict build.
"""

import hashlib
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import ttclab
from ttclab import bank, figures
from ttclab.files import write_text

PACKAGE = Path(ttclab.__file__).parent
KINDS = {".py", ".json", ".parquet"}
logger = logging.getLogger(__name__)


@cache
def version() -> str:
    """A digest of all files on which a figure may depend."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in KINDS and "src" not in path.parts:
            digest.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def drawn_html(name: str, folder: Path) -> str:
    """A figure as HTML, from the cache in `folder` if it was drawn before."""
    cached = folder / version() / f"{name}.html"
    if not cached.is_file():
        html = figures.draw(name).html()
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_text(cached, html)
    return cached.read_text(encoding="utf-8")


class Drawn(SphinxDirective):
    """A figure in the page."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        for file in (*Path(figures.__file__).parent.parent.glob("[fr]*/*.py"), *bank.RUNS.glob("*.parquet")):
            self.env.note_dependency(str(file))
        try:
            html = drawn_html(self.arguments[0], Path(self.env.app.outdir).parent / ".figures")
        except ValueError as error:
            logger.warning("not a figure: %s", error, location=self.get_location())
            return []
        if not self.content:
            return [nodes.raw("", html, format="html")]
        note = nodes.container("", *self.parse_content_to_nodes(), classes=["figure-note"])
        end = html.find("<details>") if "<details>" in html else html.rindex("</figure>")
        return [nodes.raw("", html[:end], format="html"), note, nodes.raw("", html[end:], format="html")]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("drawn", Drawn)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
