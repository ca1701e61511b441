"""The style of every figure: colours, sizes, text that takes the page's own colour and font, names beside curves.

Figures are drawn narrow, so that their text is still legible where a phone scales them down.
"""

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

INK = "#010203"  # stands for the page's own text colour until the SVG is written
PAGE = "#fdfcfb"  # stands for the page's own background
# Okabe and Ito's palette for colour-blind readers: one colour per strategy, in pages, figures and simulators.
STRATEGIES = {
    "single": "#767676",
    "majority": "#e69f00",
    "orm": "#56b4e9",
    "prm": "#0072b2",
    "oracle": "#009e73",
    "beam": "#cc79a7",
    "revision": "#d55e00",
    "optimal": INK,
    "large": "#767676",
}
# Things that are no strategy, in tones that no strategy has. A doubted step is drawn like a wrong one.
TONES = {"reading": "#cdb88f", "writing": "#8c7457", "wrong": "#a8324e", "noise": "#8571a5"}
COLOURS = {**STRATEGIES, **TONES}
FIFTHS = ("easiest fifth", "second", "middle", "fourth", "hardest fifth")
SHORT_FIFTHS = ("easiest", "second", "middle", "fourth", "hardest")
DASHED = (0, (4, 2.5))
DOTTED = (0, (1, 1.4))
BAND = "band"  # name of the bands of intervals among what a figure draws
WIDTH, HEIGHT = 4.1, 2.8  # inches
SHOWN_AT = 32  # rem, the most that a page scales a figure of this width up to
STYLE: Any = {
    "figure.figsize": (WIDTH, HEIGHT),
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,  # names beside curves narrow the axes, never widen the figure
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: small files, the page's font, readable by a screen reader
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.22,
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of the book within the block."""
    with mpl.rc_context(STYLE):
        yield


def new_axes(*, height: float = HEIGHT, grid: bool = True) -> tuple[Figure, Axes]:
    """An empty figure in the house style with one pair of axes.

    Parameters
    ----------
    height : float
        Inches.
    grid : bool
        Whether a grid is drawn behind the data.
    """
    with house_style():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(grid)
    return figure, axes


def new_rows(rows: int, columns: int, *, height: float = HEIGHT, **share: Any) -> tuple[Figure, NDArray[np.object_]]:
    """An empty figure with an array of axes: (figure, axes of (rows, columns)). share: as in `Figure.subplots`."""
    with house_style():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **share)
    return figure, axes


def _signed(value: float) -> str:
    text = f"{value:+.0f}"
    return "0" if text in ("+0", "-0") else text.replace("-", "−")


PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.0f}%")
POINTS = FuncFormatter(lambda value, _: _signed(100 * value) if abs(100 * value - round(100 * value)) < 0.01 else "")
TRILLIONS = FuncFormatter(lambda value, _: f"{value / 1e12:g}")
AMOUNT = FuncFormatter(lambda value, _: amount(value) if value else "0")


def whole_points() -> MaxNLocator:
    """A tick every 1, 2, 5 or 10 points, which need no decimals."""
    return MaxNLocator(nbins=7, steps=[1, 2, 5, 10])


def row_names(axes: Axes, names: Sequence[str]) -> None:
    """Names left of rows at 0, 1, 2 and so on; a name may have several lines.

    Each line is a text of its own: one text of several lines is not flush right in the font of a page.
    """
    axes.set_yticks(range(len(names)), [""] * len(names))
    for place, name in enumerate(names):
        lines = name.split("\n")
        for i, line in enumerate(lines):
            down = (i - (len(lines) - 1) / 2) * 1.15 * STYLE["font.size"]
            axes.annotate(
                line, (0, place), xycoords=axes.get_yaxis_transform(), xytext=(-6, -down), textcoords="offset points",
                ha="right", va="center_baseline", annotation_clip=False,
            )  # fmt: skip


def beside(axes: Axes, height: float, text: str, within: Any = None, *, va: str = "center", **look: Any) -> None:
    """Text right of the axes at a height of the data, or of other coordinates."""
    axes.annotate(
        text, (1, height), xycoords=within or axes.get_yaxis_transform(), xytext=(5, 0), textcoords="offset points",
        va=va, annotation_clip=False, **look,
    )  # fmt: skip


def tiles(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    """The frame of a map of tiles, one a row and column, at 0, 1, 2 and so on."""
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))


def key(figure: Figure, colours: Mapping[str, Any]) -> None:
    """A key above the axes: what each colour, or pair of a colour and its opacity, stands for."""
    pairs = {
        name: look if isinstance(look, tuple) and len(look) == 2 else (look, 0.85) for name, look in colours.items()
    }
    handles = [Patch(facecolor=colour, alpha=alpha, label=name) for name, (colour, alpha) in pairs.items()]
    with house_style():
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, handlelength=0.9,
            handleheight=0.9, columnspacing=1.2, handletextpad=0.4, borderpad=0.1,
        )  # fmt: skip


def marks(figure: Figure, looks: Mapping[str, tuple[Any, Any]]) -> None:
    """A key above the axes: what each marker stands for, by its colour and its shape."""
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="", ms=6, label=name) for name, (colour, marker) in looks.items()
    ]
    with house_style():
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, handlelength=0.9,
            columnspacing=1.0, handletextpad=0.3, borderpad=0.1, fontsize=9,
        )  # fmt: skip


def line_key(figure: Figure, looks: Mapping[str, Any]) -> None:
    """A key above the axes: what each style of line stands for, in every colour."""
    handles = [Line2D([], [], color=INK, ls=look, lw=1.3, label=name) for name, look in looks.items()]
    with house_style():
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, handlelength=1.8,
            columnspacing=1.2, handletextpad=0.5, borderpad=0.1, fontsize=9,
        )  # fmt: skip


def shares(axes: Axes, low: float = 0.0, high: float = 1.0, label: str = "problems solved") -> None:
    """A vertical axis of shares in percent, from `low` to `high`."""
    axes.set(ylim=(low, high + 0.02 * (high - low)), ylabel=label)
    axes.yaxis.set_major_formatter(PERCENT)


def band(axes: Axes, at: Sequence[float], values: Any, colour: Any, alpha: float = 0.16) -> None:
    """The 95% band of estimates along an axis, which the line under a figure explains."""
    axes.fill_between(at, values.low, values.high, color=colour, alpha=alpha, lw=0).set_gid(BAND)


def points(axes: Axes, label: str) -> None:
    """A vertical axis of differences in percentage points, with a line at zero."""
    axes.yaxis.set_major_formatter(POINTS)
    axes.yaxis.set_major_locator(whole_points())
    axes.set_ylabel(label)
    axes.axhline(0, color=INK, lw=0.9)


def budgets(axes: Axes, values: Sequence[float], label: str) -> None:
    """A horizontal log2 axis with a tick at each budget."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(list(values)))
    axes.xaxis.set_minor_locator(NullLocator())
    named = set(list(values)[:: 2 if len(values) > 7 else 1])  # more would touch on a phone
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value in named else ""))
    axes.set_xlabel(label)


def flops(axes: Axes, label: str = "FLOPs per problem") -> None:
    """A horizontal logarithmic axis of FLOPs, written out: 20 million, 1 billion."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,)))
    low, high = axes.get_xlim()
    if high / low < 60:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 12 else (1.0, 3.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(AMOUNT)
    axes.set_xlabel(label)


def amount(count: float) -> str:
    """A count in short form: 300 k, 20 M, 1.2 G, 30 T."""
    for scale, unit in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.3g}"


def name_ends(axes: Axes, heights: Sequence[float], names: Sequence[str], colours: Sequence[Any]) -> None:
    """Write the names of curves right of the axes, at the heights of their ends or as near as they fit.

    A name may have several lines.
    """
    bottom, top = axes.get_ylim()
    tall = axes.get_window_extent().height / axes.figure.dpi * 72  # points
    a_line = 1.3 * STYLE["font.size"] / tall * (top - bottom)
    lines = [name.count("\n") + 1 for name in names]
    order = sorted(range(len(heights)), key=lambda i: (heights[i], -i))  # of equals, the first on top
    places = {i: float(heights[i]) for i in order}
    for _ in range(200):  # neighbours that overlap push each other apart by the same amount
        moved = False
        for lower, upper in pairwise(order):
            need = a_line * (lines[lower] + lines[upper]) / 2 - (places[upper] - places[lower])
            if need > 1e-6 * (top - bottom):
                places[lower] -= need / 2
                places[upper] += need / 2
                moved = True
        for i in order:
            edge = a_line * lines[i] / 2
            places[i] = min(max(places[i], bottom + edge - a_line / 3), top - edge + a_line / 3)
        if not moved:
            break
    for i in order:
        axes.annotate(
            names[i],
            (1, places[i]),
            xycoords=axes.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=colours[i],
            linespacing=1.05,
            annotation_clip=False,
        )


_DECIMAL = re.compile(r"-?\d+\.\d+")


def to_svg(figure: Figure, alt: str, name: str = "figure") -> str:
    """The figure as SVG for the inside of a page.

    Text takes the page's font, and its colour; the text of a strategy its colour mixed with the page's, so that it is
    legible on light and dark pages.

    Parameters
    ----------
    figure : Figure
        The figure.
    alt : str
        Its description, for readers who cannot see it.
    name : str
        What makes the names inside the SVG unique in a page.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    svg = buffer.getvalue()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in every figure; what is referred to are paths and clips
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font(?:-family)?: [^;\"]*'DejaVu Sans'[^;\"]*(?:; )?", _font, svg)
    svg = re.sub(r'(?<=[ ,("MLCQ])-?\d+\.\d{3,}', lambda number: f"{float(number[0]):.2f}", svg)
    svg = re.sub(r'<path [^>]*style="fill: none"/>', "", svg)
    # a key's square has the color of its marks; only its words are mixed with the text's color
    svg = re.sub(r"(<text [^>]*fill: (#[0-9a-f]{6})[^>]*>)■", r'\1<tspan style="fill: \2">■</tspan>', svg)
    svg = re.sub(r"<text [^>]*>", _readable, svg)
    svg = svg.replace(INK, "currentColor").replace(PAGE, "var(--pst-color-background, Canvas)")
    size = re.search(r'width="([\d.]+)pt" height="[\d.]+pt"', svg)
    assert size, "matplotlib writes the size first"
    most = SHOWN_AT * float(size[1]) / (72 * WIDTH)
    label = html.escape(alt, quote=True)
    attributes = f'role="img" aria-label="{label}" style="width:100%;max-width:{most:.3g}rem;height:auto"'
    svg = svg.replace(size[0], attributes, 1)
    return _compact(svg)


def _compact(svg: str) -> str:
    """The same drawing in fewer characters, to a tenth of a point: a page has a dozen figures."""
    svg = re.sub(r' d="([^"]*)"', lambda path: f' d="{_short(path[1])}"', svg)
    svg = re.sub(r' (?:x|y|transform|viewBox)="[^"]*"', lambda place: re.sub(_DECIMAL, _tenths, place[0]), svg)
    svg = re.sub(r'style="([^"]*)"', lambda style: f'style="{re.sub("(?<=[:;]) ", "", style[1])}"', svg)
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    svg = re.sub(r"<defs>\s*</defs>|<g/>|<!--.*?-->", "", svg, flags=re.DOTALL)
    parts, dropped = [], []  # of groups that are open, whether their tags are left out
    for part in re.split(r"(</?g\b[^>]*>)", svg):
        if part.startswith("<g"):
            dropped.append(part == "<g>")
            part = "" if dropped[-1] else part
        elif part == "</g>" and dropped.pop():
            part = ""
        parts.append(part)
    return re.sub(r"\s*\n\s*", "\n", "".join(parts)).strip()


def _short(path: str) -> str:
    path = " ".join(re.sub(_DECIMAL, _tenths, path).split())
    return re.sub(r" (?=[A-Za-z])|(?<=[A-Za-z]) ", "", path)


def _tenths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")


def _font(found: re.Match[str]) -> str:
    """The size, weight and slant of a font without its family: the page's own is used."""
    size = re.search(r"([\d.]+)px", found[0])
    if not size:  # the family alone; the size stands in a property of its own
        return ""
    bold = "font-weight: 600; " if re.search(r"\b(bold|[67]00)\b", found[0]) else ""
    slanted = "font-style: italic; " if "italic" in found[0] else ""
    return f"font-size: {size[1]}px; {bold}{slanted}"


def _readable(tag: re.Match[str]) -> str:
    """Text of a strategy's colour: mixed with the page's text colour, which alone remains in an old browser."""
    colour = re.search(r"fill: (#[0-9a-f]{6})", tag[0])
    if not colour:
        return tag[0].replace('style="', 'style="fill: currentColor; ', 1)
    if colour[1] in (INK, PAGE):
        return tag[0]
    mixed = f"fill: currentColor; fill: color-mix(in srgb, {colour[1]} 62%, currentColor)"
    return tag[0].replace(colour[0], mixed)
