"""The directive {claims}: a table of all claims with their verdicts, reasons and numbers, and a form to filter it.

Under a verdict stand the numbers of all seeds together, and the verdict of each seed where they differ. The tests run
while the book is built. A verdict that differs from `claims.json` fails the strict build. The form is shown only where
scripts run (`_static/claims.js`); without it the table is complete.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from ttclab.results.assessed import Assessed
from ttclab.results.claims import HOLDS, NOT_SEEN, REVERSED, UNDECIDED, load_claims

logger = logging.getLogger(__name__)
COLUMNS = {"The claim": 26, "Our runs, all seeds together": 44, "Why, and each seed": 30}
MARKS = {HOLDS: "●", REVERSED: "✖", NOT_SEEN: "■", UNDECIDED: "◆"}  # as in `claims_and_evidence`
SOURCES = {"lesson": "the lesson", "paper": "the paper", "later": "a later paper"}


class Claims(SphinxDirective):
    """The table of all claims."""

    def run(self) -> list[nodes.Node]:
        body = nodes.tbody()
        for place, claim in enumerate(load_claims(), start=1):
            found = claim.check()
            if found.verdict != claim.verdict:
                logger.warning("claim %s is now %r, not %r", claim.id, found.verdict, claim.verdict)
            row = _row(f"{place}. {claim.says}", "", claim.why, strong=0)
            row[0] += nodes.paragraph("", "", nodes.emphasis("", SOURCES[claim.source]))
            row[1][0] += nodes.strong("", "", _marked(found.verdict))
            row[1] += nodes.paragraph("", f"{found.compares}:")
            row[1] += nodes.bullet_list(
                "",
                *[
                    nodes.list_item(
                        "",
                        nodes.paragraph(
                            "", f"{part}: ", nodes.strong("", number), nodes.Text(_unbroken(f" {interval}".rstrip()))
                        ),
                    )
                    for part, number, interval in _shown(found)
                ],
            )
            row[1] += [
                nodes.paragraph("", f"seed {seed}: ", _marked(verdict), classes=["seed-verdict"])
                for seed, verdict in enumerate(found.by_seed)
            ]
            row[2] += nodes.raw("", "<details><summary>The numbers of each seed</summary>", format="html")
            row[2] += nodes.bullet_list(
                "",
                *[
                    nodes.list_item("", nodes.paragraph("", f"{part}: {_unbroken(str(each))}"))
                    for part, each in found.measured.items()
                ],
            )
            row[2] += nodes.raw("", "</details>", format="html")
            row["classes"] = [_name(claim.source), _name(found.verdict)]
            body += row
        group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in COLUMNS.values()], cols=len(COLUMNS))
        group += nodes.thead("", _row(*COLUMNS))
        group += body
        return [nodes.raw("", _form(), format="html"), nodes.table("", group, classes=["claims"])]


def _marked(verdict: str) -> nodes.inline:
    """A verdict with its mark, both in the colour of the figure of verdicts."""
    return nodes.inline("", f"{MARKS[verdict]} {verdict}", classes=["verdict", verdict.replace(" ", "-")])


def _shown(found: Assessed) -> list[tuple[str, str, str]]:
    """The parts on which a verdict rests: what each is over, its number over all seeds, and the interval."""
    parts = [(part, each.together.partition(" (")) for part, each in found.measured.items() if each.shown]
    return [(part, number, opening.strip() + interval) for part, (number, opening, interval) in parts]


def _unbroken(text: str) -> str:
    """A text whose intervals, such as "(0.0 to +6.3)", do not break between two lines."""
    return re.sub(r"\([^()]+\)", lambda interval: interval[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def _form() -> str:
    """Two native controls and an output for the number of matches, for claims.js."""
    made_by = _options("anybody", SOURCES)
    verdicts = _options("any verdict", {verdict: verdict for verdict in (HOLDS, REVERSED, NOT_SEEN, UNDECIDED)})
    return (
        '<form class="claims-filter" aria-label="Filter the claims" hidden>'
        f'<label>Claims made by <select name="source">{made_by}</select></label> '
        f'<label>with <select name="verdict">{verdicts}</select></label> <output aria-live="polite"></output></form>'
    )


def _options(default: str, choices: dict[str, str]) -> str:
    options = "".join(f'<option value="{_name(value)}">{label}</option>' for value, label in choices.items())
    return f'<option value="">{default}</option>{options}'


def _name(value: str) -> str:
    """CSS class of a row of the table."""
    return "claim-" + value.replace(" ", "-")


def _row(*texts: str, strong: int | None = None) -> nodes.row:
    inside = [nodes.strong("", text) if i == strong else nodes.Text(text) for i, text in enumerate(texts)]
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", each)) for each in inside])


def _load_script(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree and any("claims" in table["classes"] for table in doctree.findall(nodes.table)):
        app.add_js_file("claims.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims", Claims)
    app.connect("html-page-context", _load_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
