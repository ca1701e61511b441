"""The kinds of charts that figures are made of, in the house style; each returns a matplotlib figure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..allocator import Arm
from ..estimators import Estimate
from . import style
from .style import COLOURS, DASHED, HEIGHT


class Series(NamedTuple):
    """A curve: its strategy, which gives the colour, its estimates along the axis, and where they stand."""

    strategy: str
    values: Estimate
    at: Sequence[float]
    dashed: bool = False


def series(strategy: str, arms: Mapping[int, Arm], *, dashed: bool = False, cost: bool = False) -> Series:
    """A curve of arms by their place on the axis, or with `cost` by their FLOPs a problem."""
    at: list[float] = [arm.cost for arm in arms.values()] if cost else list(arms)
    return Series(strategy, Estimate.stack(arm.solved for arm in arms.values()), at, dashed)


def curves(
    lines: Mapping[str, Series], *, xlabel: str, low: float = 0.0, high: float = 1.0, height: float = HEIGHT
) -> Figure:
    """Accuracy against a budget on a log2 axis, a curve with its 95% band for each line, named at its end."""
    figure, axes = style.new_axes(height=height)
    places = sorted({place for line in lines.values() for place in line.at})
    style.budgets(axes, places, xlabel)
    style.shares(axes, low, high)
    draw(axes, lines)
    return figure


def against_flops(
    lines: Mapping[str, Series],
    *,
    xlabel: str = "FLOPs a problem",
    low: float = 0.0,
    high: float = 1.0,
    height: float = HEIGHT,
) -> Figure:
    """Accuracy against FLOPs on a logarithmic axis, with 95% bands; a line of one point is a point."""
    figure, axes = style.new_axes(height=height)
    style.shares(axes, low, high)
    draw(axes, lines, markers=True)
    style.flops(axes, xlabel)
    return figure


def draw(axes: Axes, lines: Mapping[str, Series], *, markers: bool = False) -> None:
    """Draw curves with bands, and their names right of the axes."""
    for strategy, values, at, dashed in lines.values():
        colour = COLOURS[strategy]
        look: dict[str, Any] = {"color": colour, "ls": DASHED if dashed or strategy == "large" else "-"}
        if len(at) == 1:
            errors = [values.mean - values.low, values.high - values.mean]
            axes.errorbar(at, values.mean, errors, color=colour, marker="D", ms=5, lw=1.2)
            continue
        axes.fill_between(at, values.low, values.high, color=colour, alpha=0.16, lw=0)
        axes.plot(at, values.mean, **look, marker="o" if markers else None, ms=3.5)
    ends = [float(line.values.mean[-1]) for line in lines.values()]
    style.name_ends(axes, ends, list(lines), [COLOURS[line.strategy] for line in lines.values()])


def by_fifth(lines: Mapping[str, Series], *, low: float = 0.0, high: float = 1.0, height: float = HEIGHT) -> Figure:
    """Accuracy in each fifth of difficulty with its 95% interval, a line for each strategy."""
    figure, axes = style.new_axes(height=height)
    for strategy, values, _, dashed in lines.values():
        errors = [values.mean - values.low, values.high - values.mean]
        look = DASHED if dashed or strategy == "large" else "-"
        axes.errorbar(np.arange(5), values.mean, errors, color=COLOURS[strategy], marker="o", ms=4, lw=1.5, ls=look)
    style.shares(axes, low, high)
    axes.set_xticks(range(5), style.SHORT_FIFTHS)
    axes.set_xlabel("fifth of difficulty")
    ends = [float(line.values.mean[-1]) for line in lines.values()]
    style.name_ends(axes, ends, list(lines), [COLOURS[line.strategy] for line in lines.values()])
    return figure


def fifths_of(strategy: str, arm: Arm, *, dashed: bool = False) -> Series:
    """An arm in each fifth of difficulty."""
    return Series(strategy, Estimate.stack(arm.fifth(k).solved for k in range(5)), range(5), dashed)
