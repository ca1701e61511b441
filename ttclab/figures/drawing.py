"""What a figure of the book is: a drawing, the finding that it shows, its description and its numbers."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import ParamSpec, overload

import pandas as pd
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from ..files import write_text
from ..tables import written
from .style import BAND, to_svg

P = ParamSpec("P")
FIGURES: dict[str, Callable[..., "Drawing"]] = {}

# Where the numbers of a figure come from, as the line under it says.
SEED_0 = "Seed 0"  # the family whose models ship
ALL_SEEDS = "Seeds 0, 1 and 2"
ONE_PROBLEM = "One problem, seed 0"
CALCULATED = "Calculated, not measured"


@dataclass(frozen=True)
class Drawing:
    """A figure with everything a page or a lab shows of it. As the last line of a cell, it shows itself.

    Attributes
    ----------
    figure : Figure
        The drawing.
    finding : str
        The title: one sentence, without a full stop. Whoever draws chooses its words from the data.
    shown_by : str
        The two numbers that show the finding, in a sentence. With the finding, it is the description for readers who
        cannot see the figure.
    numbers : DataFrame, optional
        Every number of the figure, one row a point; cells are estimates, numbers or text. A diagram has none.
    spec : str or dict
        How estimates are written, such as ".1%" or ".1p", for all columns or by column. See `Estimate`.
    source : str
        Where the numbers come from, such as `SEED_0`. A diagram has none.
    name : str
        The name under which a page finds it.
    intervals : str
        What its bands and error bars are.
    """

    figure: Figure
    finding: str
    shown_by: str
    numbers: pd.DataFrame | None = None
    spec: str | Mapping[str, str] = ".0%"
    source: str = ""
    name: str = "figure"
    intervals: str = "95% intervals"

    @property
    def alt(self) -> str:
        """The finding and the numbers that show it."""
        return f"{self.finding}. {self.shown_by}"

    @property
    def svg(self) -> str:
        """The drawing for the inside of a page."""
        return to_svg(self.figure, self.alt, self.name)

    @property
    def legend(self) -> str:
        """Where the numbers come from, and what the bands and the error bars are, if there are any."""
        bars = [bar for axes in self.figure.axes for bar in axes.containers if isinstance(bar, ErrorbarContainer)]
        shown = {
            "Shaded": any(drawn.get_gid() == BAND for axes in self.figure.axes for drawn in axes.collections),
            "Horizontal lines": any(bar.has_xerr for bar in bars),
            "Vertical lines": any(bar.has_yerr for bar in bars),
        }
        looks = " and ".join(look for look, there in shown.items() if there)
        return ". ".join(filter(None, (self.source, looks and f"{looks}: {self.intervals}")))

    def table(self) -> pd.DataFrame:
        """The numbers written out as a page shows them.

        Raises
        ------
        ValueError
            If the figure has no numbers.
        """
        if self.numbers is None:
            raise ValueError(f"the figure {self.name!r} is a diagram, which has no numbers")
        table = self.numbers.reset_index() if self.numbers.index.name else self.numbers
        if isinstance(self.spec, str):
            return written(table, {}, self.spec)
        return written(table, self.spec, ".0%")

    def html(self) -> str:
        """The title, the drawing, its legend, and the numbers folded under it."""
        title = re.sub(r"(?<=\d) (?=[kMGT]\b)", "\N{NO-BREAK SPACE}", html.escape(self.finding))
        parts = [f"<figcaption><strong>{title}</strong></figcaption>", self.svg]
        if self.legend:
            parts.append(f'<p class="figure-source">{html.escape(self.legend)}</p>')
        if self.numbers is not None:
            table = self.table().to_html(index=False, border=0, classes="results figure-numbers", justify="unset")
            table = table.replace("<th></th>", "<td></td>")  # an empty corner heads nothing
            parts.append(f"<details><summary>The numbers</summary>\n{table}\n</details>")
        body = "\n".join(parts)
        return f'<figure class="ttclab-figure" id="figure-{self.name.replace("_", "-")}">\n{body}\n</figure>'

    def save(self, path: Path) -> None:
        """Write the drawing as a file of its own, dark where the reader's system is."""
        dark = "<style>svg{color:#222;font-family:sans-serif}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
        opening, rest = self.svg.split(">", 1)
        write_text(path, f"{opening}>{dark}{rest}\n")

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return self.alt


@overload
def drawn(figure: Callable[P, Drawing]) -> Callable[P, Drawing]: ...
@overload
def drawn(figure: str) -> Callable[[Callable[P, Drawing]], Callable[P, Drawing]]: ...
def drawn(figure: Callable[P, Drawing] | str) -> Callable[P, Drawing] | Callable[..., Callable[P, Drawing]]:
    """Register a function as the figure of its name: pages show it, labs call it.

    Use it as `@drawn` for a diagram, and as `@drawn(source)` where the figure shows numbers from `source`.

    Raises
    ------
    ValueError
        If another figure has the name.
    """
    if isinstance(figure, str):
        return lambda function: _registered(function, figure)
    return _registered(figure, "")


def _registered(function: Callable[P, Drawing], source: str) -> Callable[P, Drawing]:
    name = function.__name__
    if name in FIGURES:
        raise ValueError(f"two figures have the name {name!r}")

    @wraps(function)
    def named(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        return replace(function(*args, **kwargs), name=name, source=source)

    FIGURES[name] = named
    return named
