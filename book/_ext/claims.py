"""The directive {claims}: every claim of a source with the verdict and numbers that its test returns now.

    ```{claims} lesson
    ```

The tests run while the book is built. One that returns another verdict than `claims.json` says fails the strict build.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from ttclab.claims import load_claims

logger = logging.getLogger(__name__)
COLUMNS = {"The claim": 34, "Here": 12, "What the runs say": 54}


class Claims(SphinxDirective):
    """A table of the claims of one source: "lesson" or "paper"."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        body = nodes.tbody()
        for claim in load_claims():
            if claim.source != self.arguments[0]:
                continue
            found = claim.check()
            if found.verdict != claim.verdict:
                logger.warning("claim %s is now %r, not %r", claim.id, found.verdict, claim.verdict)
            body += _row(claim.says, found.verdict, found.numbers, strong=1)
        if not len(body):
            logger.warning("no claims of %r", self.arguments[0])
        group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in COLUMNS.values()], cols=len(COLUMNS))
        group += nodes.thead("", _row(*COLUMNS))
        group += body
        return [nodes.table("", group, classes=["claims"])]


def _row(*texts: str, strong: int | None = None) -> nodes.row:
    inside = [nodes.strong("", text) if i == strong else nodes.Text(text) for i, text in enumerate(texts)]
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", each)) for each in inside])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims", Claims)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
