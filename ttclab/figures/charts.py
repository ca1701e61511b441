"""The kinds of charts that figures are made of, in the house style; each returns a matplotlib figure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..allocator import Arm
from ..estimators import Estimate
from . import style
from .style import COLOURS, DASHED, DOTTED, HEIGHT


class Series(NamedTuple):
    """A curve: its strategy, which gives the colour, its estimates along the axis, and where they stand."""

    strategy: str
    values: Estimate
    at: Sequence[float]
    dashed: bool = False
    dotted: bool = False

    @property
    def look(self) -> "str | tuple[float, tuple[float, ...]]":
        """The style of its line: the large model is always dashed."""
        return DOTTED if self.dotted else DASHED if self.dashed or self.strategy == "large" else "-"

    @property
    def face(self) -> str:
        """The inside of its markers: open for the large model, which has the same grey as a single pass."""
        return style.PAGE if self.strategy == "large" else COLOURS[self.strategy]


def series(
    strategy: str, arms: Mapping[int, Arm], *, dashed: bool = False, dotted: bool = False, cost: bool = False
) -> Series:
    """A curve of arms by their place on the axis, or with `cost` by their FLOPs per problem."""
    at: list[float] = [arm.cost for arm in arms.values()] if cost else list(arms)
    return Series(strategy, Estimate.stack(arm.solved for arm in arms.values()), at, dashed, dotted)


def curves(lines: Mapping[str, Series], *, xlabel: str, low: float = 0.0, high: float = 1.0) -> Figure:
    """Accuracy against a budget on a log2 axis, a curve with its 95% band for each line, named at its end."""
    figure, axes = style.new_axes()
    places = sorted({place for line in lines.values() for place in line.at})
    style.budgets(axes, places, xlabel)
    style.shares(axes, low, high)
    draw(axes, lines)
    return figure


def against_flops(
    lines: Mapping[str, Series],
    *,
    xlabel: str = "FLOPs per problem",
    scale: tuple[float, float] = (0.0, 1.0),
    height: float = HEIGHT,
    bands: bool = True,
) -> Figure:
    """Accuracy against FLOPs on a logarithmic axis; a line of one point is a point.

    scale: the part of the scale that is shown, such as that of `zoom`; bands: whether the 95% bands are drawn, which
    hide each other where many curves lie close.
    """
    figure, axes = style.new_axes(height=height)
    style.shares(axes, *scale)
    draw(axes, lines, markers=True, bands=bands)
    style.flops(axes, xlabel)
    return figure


def draw(axes: Axes, lines: Mapping[str, Series], *, markers: bool = False, bands: bool = True) -> None:
    """Draw curves with their 95% bands, and their names right of the axes."""
    draw_unnamed(axes, list(lines.values()), markers=markers, bands=bands)
    ends = [float(line.values.mean[-1]) for line in lines.values()]
    style.name_ends(axes, ends, list(lines), [COLOURS[line.strategy] for line in lines.values()])


def draw_unnamed(axes: Axes, lines: Sequence[Series], *, markers: bool = False, bands: bool = True) -> None:
    """Draw curves with their 95% bands, without names."""
    for line in lines:
        values, at, colour = line.values, line.at, COLOURS[line.strategy]
        if len(at) == 1:
            errors = [values.mean - values.low, values.high - values.mean]
            axes.errorbar(at, values.mean, errors, color=colour, marker="D", ms=5, lw=1.2)
            continue
        if bands:
            style.band(axes, at, values, colour)
        marker = "o" if markers and len(at) > 2 else None  # two points are a level
        axes.plot(at, values.mean, color=colour, ls=line.look, marker=marker, ms=3.5, mfc=line.face)


def zoom(lines: Mapping[str, Series]) -> tuple[float, float]:
    """The part of the scale that holds every band, for differences that the whole scale hides."""
    least = min(float(np.min(line.values.low)) for line in lines.values())
    most = max(float(np.max(line.values.high)) for line in lines.values())
    return float(np.floor(20 * least) / 20), float(np.ceil(20 * most) / 20)


def shades(count: int) -> list[tuple[float, ...]]:
    """Colours of groups from the easiest to the hardest, each legible on light and dark pages."""
    return mpl.colormaps["viridis"](np.linspace(0.72, 0.32, count)).tolist()


def shaded(
    lines: Mapping[str, Series],
    *,
    xlabel: str,
    ylabel: str = "problems solved",
    dashed: Mapping[str, Sequence[float]] | None = None,
    ticks: Sequence[str] | None = None,
) -> Figure:
    """Curves with bands of groups of problems, from the easiest to the hardest, in shades of one scale.

    dashed: a second curve for some groups; ticks: names of the places, which are then 0, 1, 2 and so on, instead of a
    log2 axis.
    """
    figure, axes = style.new_axes()
    if ticks:
        axes.set_xticks(range(len(ticks)), ticks)
        axes.set_xlabel(xlabel)
    else:
        style.budgets(axes, sorted({place for line in lines.values() for place in line.at}), xlabel)
    style.shares(axes, label=ylabel)
    colours = shades(len(lines))
    for (name, line), shade in zip(lines.items(), colours):
        style.band(axes, line.at, line.values, shade, 0.2)
        axes.plot(line.at, line.values.mean, color=shade, marker="o" if ticks else None, ms=3.5)
        if dashed and name in dashed:
            axes.plot(line.at, dashed[name], color=shade, lw=1.1, ls=DASHED)
    style.name_ends(axes, [float(line.values.mean[-1]) for line in lines.values()], list(lines), colours)
    return figure


def by_fifth(lines: Mapping[str, Series], *, low: float = 0.0) -> Figure:
    """Accuracy in each fifth of difficulty with its 95% interval, a line for each strategy."""
    figure, axes = style.new_axes()
    for line in lines.values():
        values, colour = line.values, COLOURS[line.strategy]
        errors = [values.mean - values.low, values.high - values.mean]
        axes.errorbar(
            np.arange(5), values.mean, errors, color=colour, marker="o", ms=4, mfc=line.face, lw=1.5, ls=line.look
        )
    style.shares(axes, low, 1.0)
    axes.set_xticks(range(5), style.SHORT_FIFTHS)
    axes.set_xlabel("fifth of difficulty")
    ends = [float(line.values.mean[-1]) for line in lines.values()]
    style.name_ends(axes, ends, list(lines), [COLOURS[line.strategy] for line in lines.values()])
    return figure


def fifths_of(strategy: str, arm: Arm, *, dashed: bool = False) -> Series:
    """An arm in each fifth of difficulty."""
    return Series(strategy, Estimate.stack(arm.fifth(k).solved for k in range(5)), range(5), dashed)


class Row(NamedTuple):
    """A row of a chart of dots: its strategy, which gives the colour, and its estimate."""

    strategy: str
    value: Estimate
    hollow: bool = False


def dots(
    rows: Mapping[str, Row],
    *,
    xlabel: str,
    low: float | None = None,
    high: float | None = None,
    difference: bool = False,
    decimals: int = 0,
) -> Figure:
    """An estimate a row, as a dot with its 95% interval and its value in numbers; the first row is on top.

    Parameters
    ----------
    rows : mapping
        Names of rows, of one line or several.
    xlabel : str
        The name of the axis.
    low, high : float, optional
        The ends of the axis.
    difference : bool
        The values are differences, in points, beside a line at zero.
    decimals : int
        Of the values in numbers.
    """
    lines = sum(1 + 0.45 * name.count("\n") for name in rows)
    figure, axes = style.new_axes(height=0.75 + 0.34 * lines)
    spec = f".{decimals}p" if difference else f".{decimals}%"
    for place, row in enumerate(rows.values()):
        value, colour = row.value, COLOURS[row.strategy]
        errors = [[value.mean - value.low], [value.high - value.mean]]
        large = row.strategy == "large"
        face = style.PAGE if row.hollow or large else colour
        drawn = axes.errorbar([value.mean], [place], xerr=errors, color=colour, marker="o", ms=5.5, mfc=face, lw=1.6)
        if large:
            drawn.lines[2][0].set_linestyle(DASHED)
        axes.annotate(
            f"{value.parts(spec)[0]}{'' if difference else '%'}",
            (1, place), xycoords=axes.get_yaxis_transform(), xytext=(4, 0), textcoords="offset points",
            va="center", color=colour, annotation_clip=False,
        )  # fmt: skip
    style.row_names(axes, list(rows))
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel)
    if difference:
        axes.axvline(0, color=style.INK, lw=0.9)
        ends = [float(end) for row in rows.values() for end in (row.value.low, row.value.high)]
        reach = max(ends) - min(ends)
        least = 0.012  # a difference of less than a point should not look like more
        axes.set_xlim(min(-least, *ends) - 0.05 * reach, max(least, *ends) + 0.05 * reach)
        axes.xaxis.set_major_formatter(style.POINTS)
        axes.xaxis.set_major_locator(style.whole_points())
    else:
        axes.set_xlim(low, high)
        axes.xaxis.set_major_formatter(style.PERCENT)
        axes.locator_params(axis="x", nbins=5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    return figure


def stacked(bars: Mapping[str, Mapping[str, float]], colours: Mapping[str, Any], *, xlabel: str) -> Figure:
    """A horizontal bar a row, made of parts: FLOPs by what they are for. colours: by part, in the order of the key."""
    lines = sum(1 + 0.45 * name.count("\n") for name in bars)
    figure, axes = style.new_axes(height=1.0 + 0.36 * lines)
    widest = max(sum(parts.values()) for parts in bars.values())
    for place, parts in enumerate(bars.values()):
        left = 0.0
        for part, size in parts.items():
            axes.barh(place, size, 0.62, left=left, color=colours[part], alpha=0.85, lw=0)
            left += size
        axes.annotate(
            style.amount(left), (left, place), xytext=(4, 0), textcoords="offset points", va="center",
            annotation_clip=False,
        )  # fmt: skip
    style.row_names(axes, list(bars))
    axes.set(ylim=(len(bars) - 0.5, -0.5), xlabel=xlabel, xlim=(0, 1.16 * widest))
    axes.xaxis.set_major_formatter(style.AMOUNT)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    style.key(figure, {part: colours[part] for part in colours if any(part in parts for parts in bars.values())})
    return figure


def gains(lines: Mapping[str, Series], *, xlabel: str, ylabel: str, ticks: Sequence[str] | None = None) -> Figure:
    """Differences in points with 95% intervals, a line for each name, on either side of zero.

    ticks: names of the places, which are then 0, 1, 2 and so on; without, places are on a log2 axis.
    """
    figure, axes = style.new_axes()
    shift = 0.06
    for i, line in enumerate(lines.values()):
        values, at, colour = line.values, line.at, COLOURS[line.strategy]
        aside = shift * (i - (len(lines) - 1) / 2)
        places = np.array(at, dtype=float) + aside if ticks else np.array(at, dtype=float) * 2**aside
        errors = [values.mean - values.low, values.high - values.mean]
        face = "none" if line.dashed or line.dotted else colour
        axes.errorbar(places, values.mean, errors, color=colour, marker="o", ms=4, lw=1.5, ls=line.look, mfc=face)
    if ticks:
        axes.set_xticks(range(len(ticks)), ticks)
        axes.set_xlabel(xlabel)
    else:
        style.budgets(axes, sorted({place for line in lines.values() for place in line.at}), xlabel)
    style.points(axes, ylabel)
    axes.margins(y=0.08)
    ends = [float(line.values.mean[-1]) for line in lines.values()]
    style.name_ends(axes, ends, list(lines), [COLOURS[line.strategy] for line in lines.values()])
    return figure


def levels(axes: Axes, lines: Mapping[str, tuple[str, float]]) -> None:
    """Horizontal lines across the axes, without their names: name -> (strategy, height)."""
    for strategy, height in lines.values():
        axes.axhline(height, color=COLOURS[strategy], lw=1.2, ls=DASHED)


def level(strategy: str, arm: Arm, until: float) -> Series:
    """An arm as a dashed line from its own cost on to the right."""
    return Series(strategy, Estimate(*(np.full(2, float(x)) for x in arm.solved)), [arm.cost, until], True)
