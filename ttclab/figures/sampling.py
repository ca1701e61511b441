"""Figures of chapter 2: what more samples buy."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..estimators import Estimate
from ..results import BUDGETS, coverage, greedy, small_fifths, vote
from ..results.sampling import one_rate
from ..results.wording import by_sign
from . import charts, style
from .drawing import SEED_0, Drawing, drawn
from .shapes import PASSED

BELOW_64 = (1, 2, 4, 8, 16, 32, 64)


@drawn(SEED_0)
def coverage_against_vote() -> Drawing:
    """Coverage and a majority vote from 1 to 256 samples."""
    lines = {
        "coverage: at least\none is right": charts.series("oracle", {N: coverage(N) for N in BUDGETS}),
        "majority vote": charts.series("majority", {N: vote(N) for N in BUDGETS}),
    }
    rising, late = coverage(256).minus(coverage(16)), vote(256).minus(vote(64))
    figure, one_pass = charts.curves(lines, xlabel="samples"), greedy("small").solved
    figure.axes[0].axhline(float(one_pass.mean), color=style.COLOURS["single"], lw=1.4, zorder=1)
    figure.axes[0].annotate(
        "one greedy pass", (1, one_pass.mean), (4, -16), ("axes fraction", "data"), "offset points",
        color=style.COLOURS["single"],
    )  # fmt: skip
    return Drawing(
        figure,
        f"Coverage {by_sign(rising, 'keeps rising', 'stops rising', 'falls')}; a vote "
        f"{by_sign(late, 'rises slowly', 'stops', 'falls in the end')}",
        f"From 1 to 256 samples coverage goes from {coverage(1).solved:.0%} to {coverage(256).solved:.0%}, "
        f"a vote from {vote(1).solved:.0%} to {vote(256).solved:.0%}; one greedy pass solves {one_pass:.0%}.",
        pd.DataFrame(
            {
                "samples": BUDGETS,
                "coverage": [coverage(N).solved for N in BUDGETS],
                "majority vote": [vote(N).solved for N in BUDGETS],
            }
        ),
    )


@drawn(SEED_0)
def pass_rates() -> Drawing:
    """How many problems have which pass rate: the share of right ones among the recorded samples."""
    rates, fifth = coverage(1).correct, small_fifths()
    edges = np.linspace(0, 1, 11)
    figure, axes = style.new_axes()
    outer = np.isin(fifth, (0, 4))
    total, ends = (np.histogram(these, edges)[0] for these in (rates, rates[outer]))
    axes.bar(edges[:-1] + 0.05, total - ends, 0.092, bottom=ends, color=PASSED, alpha=0.45, lw=0)
    axes.bar(edges[:-1] + 0.05, ends, 0.092, color=style.INK, alpha=0.7, lw=0)
    for place, side, name, k in ((0.11, "left", "hardest", 4), (0.89, "right", "easiest", 0)):
        count = int((fifth == k).sum())
        axes.annotate(f"{name}\nfifth: {count}\nproblems", (place, 0.8 * total.max()), ha=side, va="center")
    axes.grid(axis="x", visible=False)
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.set(xlabel="pass rate of the problem", ylabel="problems", xlim=(-0.02, 1.02))
    low, high = int((rates < 0.1).sum()), int((rates >= 0.9).sum())
    return Drawing(
        figure,
        "The model has no single pass rate: each problem has its own, from near 0 to near 1"
        if min(low, high) > 0.05 * len(rates)
        else "The model has no single pass rate: each problem has its own",
        f"Of {len(rates)} problems {low} are solved by fewer than a tenth of their samples, {high} by nine tenths "
        "or more.",
        pd.DataFrame(
            {
                "pass rate": [f"{100 * a:.0f} to {100 * b:.0f}%" for a, b in pairwise(edges)],
                "problems": [int(n) for n in total],
            }
        ),
    )


@drawn(SEED_0)
def coverage_by_fifth() -> Drawing:
    """Coverage of all problems and of the two fifths that one rate, dashed, misses most."""
    arms = {N: coverage(N) for N in BELOW_64}
    lines = {
        name: charts.series("oracle", {N: arm.fifth(k) for N, arm in arms.items()})
        for k, name in enumerate(style.SHORT_FIFTHS)
    }
    theory = {name: [one_rate(N, k) for N in BELOW_64] for k, name in enumerate(style.SHORT_FIFTHS)}
    whole, promised = charts.series("oracle", arms), [one_rate(N) for N in BELOW_64]
    missed = {
        name: max(abs(p - m) for p, m in zip(theory[name], line.values.mean, strict=True))
        for name, line in lines.items()
    }
    worst = sorted(missed, key=lambda name: -missed[name])[:2]  # fifths that are shown
    figure, axes = style.new_rows(1, 2, height=3.2, sharey=True, width_ratios=(1.25, 1))
    for ax, head in zip(axes[0], ("all problems", "two of the fifths"), strict=True):
        style.budgets(ax, BELOW_64, "samples")
        ax.xaxis.set_major_formatter(lambda N, _: f"{N:g}" if N in (1, 4, 16, 64) else "")
        style.shares(ax, label="")
        ax.set_title(head, fontsize=style.STYLE["font.size"])
    green = style.COLOURS["oracle"]
    pairs = [(axes[0, 0], whole, promised), *((axes[0, 1], lines[name], theory[name]) for name in worst)]
    for ax, line, rates in pairs:
        style.band(ax, line.at, line.values, green, 0.2)
        ax.plot(line.at, line.values.mean, color=green)
        ax.plot(line.at, rates, color=style.INK, lw=1.1, ls=style.DASHED)
    for name, beside, align in zip(worst, ((4, -24), (-8, 3)), ("left", "right"), strict=True):
        place = (8, float(lines[name].values.mean[3]))
        axes[0, 1].annotate(f"{name}\nfifth", place, xytext=beside, textcoords="offset points", ha=align)
    overall = _widest_gap(axes[0, 0], pairs[:1], right=False)
    within = _widest_gap(axes[0, 1], pairs[1:], right=True)
    axes[0, 1].tick_params(axis="y", labelleft=False, length=0)
    axes[0, 0].set_ylabel("coverage")
    with style.house_style():
        figure.legend(
            handles=[
                Line2D([], [], color=green, lw=1.8, label="measured"),
                Line2D([], [], color=style.INK, lw=1.1, ls=style.DASHED, label="the equation, with one rate"),
            ],
            loc="outside upper left", ncols=2, frameon=False, handlelength=1.8, columnspacing=1.2, borderpad=0.1,
            handletextpad=0.5, fontsize=9,
        )  # fmt: skip
    return Drawing(
        figure,
        f"One rate for all problems is wrong by up to {100 * overall:.0f} points; one rate for each fifth, by up to "
        f"{100 * within:.0f}",
        f"One sample is right on {coverage(1).fifth(0).solved:.0%} of the easiest fifth and "
        f"{coverage(1).fifth(4).solved:.0%} of the hardest, where 64 samples cover {coverage(64).fifth(4).solved:.0%} "
        f"and one rate promises {one_rate(64, 4):.0%}.",
        pd.DataFrame(
            {
                "samples": BELOW_64,
                **{
                    column: cells
                    for name, line, rates in (("all", whole, promised), *((k, lines[k], theory[k]) for k in worst))
                    for column, cells in (
                        (name, line.values.unstack()),
                        (f"{name}, the equation", [f"{rate:.0%}" for rate in rates]),
                    )
                },
            }
        ),
    )


def _widest_gap(axes: Axes, pairs: Sequence[Any], *, right: bool) -> float:
    """Mark where a line and what its rate promises are furthest apart; returns that distance.

    right: whether it is written right of its mark, and not inside the axes.
    """
    gaps = [(abs(p - m), at, m, p) for _, line, rates in pairs for at, m, p in zip(line.at, line.values.mean, rates)]
    gap, at, low, high = max(gaps)
    axes.plot([at, at], [low, high], color=style.INK, lw=2.4, solid_capstyle="butt", clip_on=False)
    text, height = ("{:.0f} points", 0.5) if right else ("{:.0f}\npoints", 0.78)
    axes.annotate(
        text.format(100 * gap), (at, low + height * (high - low)), xytext=(5, 0), textcoords="offset points",
        va="center", fontsize=9, linespacing=1.0, annotation_clip=False,
    )  # fmt: skip
    return float(gap)


@drawn(SEED_0)
def vote_by_fifth() -> Drawing:
    """A majority vote in each fifth of difficulty."""
    arms = {N: vote(N) for N in BUDGETS}
    lines = {
        name: charts.series("majority", {N: arm.fifth(k) for N, arm in arms.items()})
        for k, name in enumerate(style.SHORT_FIFTHS)
    }
    enough = [_enough(line.values) for line in lines.values()]
    return Drawing(
        charts.shaded(lines, xlabel="samples"),
        f"After {enough[0]} samples on the easiest fifth, and {enough[2]} on the middle one, a vote is within a point "
        f"of a vote of {BUDGETS[-1]}",
        f"From 1 to 256 samples the vote goes from {vote(1).fifth(4).solved:.0%} to "
        f"{vote(256).fifth(4).solved:.0%} on the "
        f"hardest fifth, and to {vote(256).fifth(2).solved:.0%} on the middle one.",
        pd.DataFrame({"samples": BUDGETS, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


def _enough(solved: Estimate, point: float = 0.01) -> int:
    """The smallest of the budgets from which on a vote is within a point of the vote of the largest."""
    far = np.abs(solved.mean - solved.mean[-1]) > point
    return BUDGETS[int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0]
