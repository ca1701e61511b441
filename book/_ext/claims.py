"""The directives {claims-index}, a table of all claims with a form to filter it, and {claims}, a block for each claim.

A line of the index has the claim in a few words, its source and its verdict, and links to the block `claim-N`. A block
is closed at first; it has the claim, the reason for the verdict, and the numbers of all seeds and of each seed.
`_static/claims.js` opens the block that a link leads to, and shows the form; without it the index is complete and every
block opens by hand. The tests run while the book is built. A verdict that differs from `claims.json` fails the strict
build.
"""

import html
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from ttclab.results.assessed import Assessed, Measured
from ttclab.results.claims import HOLDS, NOT_SEEN, REVERSED, UNDECIDED, Claim, load_claims

logger = logging.getLogger(__name__)
COLUMNS = {"No.": 6, "The claim in a few words": 56, "Source": 14, "Our runs": 24}
MARKS = {HOLDS: "●", REVERSED: "✖", NOT_SEEN: "■", UNDECIDED: "◆"}  # as in `claims_and_evidence`
SOURCES = {"lesson": "the lesson", "paper": "the paper", "later": "a later paper"}


@cache
def _assessed() -> list[tuple[Claim, Assessed]]:
    """All claims with the results of their tests."""
    assessed = [(claim, claim.check()) for claim in load_claims()]
    for claim, found in assessed:
        if found.verdict != claim.verdict:
            logger.warning("claim %s is now %r, not %r", claim.id, found.verdict, claim.verdict)
    return assessed


class ClaimsIndex(SphinxDirective):
    """A line for each claim, and the form."""

    def run(self) -> list[nodes.Node]:
        body = nodes.tbody()
        for number, (claim, found) in enumerate(_assessed(), start=1):
            line = _row(str(number), "", claim.source, "")
            line[1][0] += nodes.reference("", claim.short, refuri=f"#claim-{number}")
            line[3][0] += _marked(found.verdict)
            line["classes"] = [_name(claim.source), _name(found.verdict)]
            body += line
        group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in COLUMNS.values()], cols=len(COLUMNS))
        group += nodes.thead("", _row(*COLUMNS))
        group += body
        return [nodes.raw("", _form(), format="html"), nodes.table("", group, classes=["claims"])]


class Claims(SphinxDirective):
    """A block for each claim."""

    def run(self) -> list[nodes.Node]:
        blocks = [_block(number, claim, found) for number, (claim, found) in enumerate(_assessed(), start=1)]
        for block in blocks:
            self.state.document.note_explicit_target(block)
        return [*blocks]


def _block(number: int, claim: Claim, found: Assessed) -> nodes.container:
    """The block of a claim: closed, with the claim in a few words and its verdict as its summary."""
    name = f"claim-{number}"
    classes = ["claim", _name(claim.source), _name(found.verdict)]
    block = nodes.container("", ids=[name], names=[name], classes=classes)
    mark = f'<span class="verdict {found.verdict.replace(" ", "-")}">{MARKS[found.verdict]} {found.verdict}</span>'
    summary = f"<strong>{number}. {html.escape(claim.short)}</strong> {mark}"
    block += nodes.raw("", f"<details><summary>{summary}</summary>", format="html")
    block += _told(f"Claim of {SOURCES[claim.source]}", claim.says)
    block += _told("Why this verdict", claim.why)
    if found.by_seed:
        seeds = _told("Verdicts of the seeds", "")
        for seed, verdict in enumerate(found.by_seed):
            seeds += [nodes.Text(f"{',' if seed else ''} seed {seed} "), _marked(verdict)]
        block += seeds
    block += _told("Measured over all seeds", f"{found.compares}:")
    block += _numbers(each for each in found.measured.items() if each[1].shown)
    more = [each for each in found.measured.items() if not each[1].shown]
    if more:
        block += _told("Also measured", "the verdict does not rest on these numbers:")
        block += _numbers(more)
    block += nodes.raw("", "</details>", format="html")
    return block


def _told(what: str, text: str) -> nodes.paragraph:
    """A paragraph that begins with what it tells, in bold."""
    return nodes.paragraph("", "", nodes.strong("", f"{what}:"), nodes.Text(f" {text}".rstrip()))


def _numbers(parts: Iterable[tuple[str, Measured]]) -> nodes.bullet_list:
    """What each part is over, its number over all seeds with the interval, and its numbers in the seeds."""
    items = []
    for part, measured in parts:
        number, opening, interval = measured.together.partition(" (")
        *most, last = measured.seeds
        rest = _unbroken(f"{opening}{interval}") + f"; in seeds 0, 1 and 2: {', '.join(most)} and {last}"
        items.append(nodes.paragraph("", f"{part}: ", nodes.strong("", number), nodes.Text(rest)))
    return nodes.bullet_list("", *[nodes.list_item("", item) for item in items])


def _marked(verdict: str) -> nodes.inline:
    """A verdict with its mark, both in the colour of the figure of verdicts."""
    return nodes.inline("", f"{MARKS[verdict]} {verdict}", classes=["verdict", verdict.replace(" ", "-")])


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
    """CSS class of a claim, in the index and in the details."""
    return "claim-" + value.replace(" ", "-")


def _row(*texts: str) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", nodes.Text(text))) for text in texts])


def _load_script(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree and any("claims" in table["classes"] for table in doctree.findall(nodes.table)):
        app.add_js_file("claims.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims-index", ClaimsIndex)
    app.add_directive("claims", Claims)
    app.connect("html-page-context", _load_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
