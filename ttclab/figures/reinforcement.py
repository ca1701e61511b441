"""Figures of before and after reinforcement learning."""

import pandas as pd
from matplotlib.axes import Axes

from ..allocator import Arm
from ..results import coverage, greedy, stepwise, weighted
from ..results.families import each_family, families, of_all
from ..results.reinforcement import (
    cool_coverage,
    cool_temperature,
    coverage_change,
    coverage_changes,
    crossing,
    crossings,
    rl_coverage,
    rl_stepwise,
    rl_weighted,
)
from ..results.seeds import by_seed, headline
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn

SAMPLES = (1, 2, 4, 8, 16, 32, 64)
BEFORE, AFTER = "optimal", "oracle"  # the colours of the model before and after, as in the diagram of both


def _seeds(count: int) -> str:
    """A number of seeds in a sentence: "no seed", "2 of 3 seeds", "all three seeds"."""
    whole = len(families())
    return {0: "no seed", whole: "all three seeds"}.get(count, f"{count} of {whole} seeds")


@drawn(SEED_0)
def coverage_before_and_after() -> Drawing:
    """Coverage before and after reinforcement learning."""
    lines = {
        "before RL": series(BEFORE, {N: coverage(N) for N in SAMPLES}),
        "after RL": series(AFTER, {N: rl_coverage(N) for N in SAMPLES}),
    }
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    joined = "and" if once.sign == many.sign else "but"
    figure = charts.curves(lines, xlabel="samples", low=0.4)
    figure.axes[0].set_ylabel("at least one sample right")
    return Drawing(
        figure,
        f"After RL one sample is right {by_sign(once, 'more', 'as', 'less')} often, {joined} 64 samples cover "
        f"{by_sign(many, 'more', 'as much', 'less')}",
        f"One sample solves {coverage(1).solved:.0%} before RL and {rl_coverage(1).solved:.0%} after RL; from "
        f"{crossing():g} samples on, the model before RL covers more.",
        pd.DataFrame({"samples": SAMPLES, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


@drawn(ALL_SEEDS)
def coverage_change_by_seed() -> Drawing:
    """Coverage after reinforcement learning minus that before, in each seed and over all of them."""
    changes, pooled = coverage_changes(SAMPLES), coverage_change(SAMPLES)
    figure, axes = style.new_axes(height=2.9)
    style.budgets(axes, SAMPLES, "samples")
    for values in changes.values():
        axes.plot(SAMPLES, values.mean, color=style.COLOURS[AFTER], lw=0.9, alpha=0.55)
    style.band(axes, SAMPLES, pooled, style.COLOURS[AFTER])
    axes.plot(SAMPLES, pooled.mean, color=style.COLOURS[AFTER], lw=2.4)
    axes.axhline(0, color=style.INK, lw=0.9)
    style.points(axes, "change in coverage, points")
    axes.margins(y=0.08)
    _thick_and_thin(axes, 0.55, 0.85)
    sides = [(change.unstack()[0].sign, change.unstack()[-1].sign) for change in changes.values()]
    narrowed = sum(once > 0 > many for once, many in sides)
    return Drawing(
        figure,
        f"In {_seeds(narrowed)} RL helps one sample and costs coverage of 64 samples",
        f"One sample gains {by_seed('after minus before, one sample')}; the coverage of 64 changes by "
        f"{by_seed('after minus before, a right one among 64')}. The model "
        f"before RL covers more from {crossings()} samples on.",
        pd.DataFrame(
            {
                "samples": SAMPLES,
                "all seeds": pooled.unstack(),
                **{f"seed {i}": values.unstack() for i, values in enumerate(changes.values())},
            }
        ),
        ".1p",
    )


@drawn(SEED_0)
def sharper_without_training() -> Drawing:
    """One solution of the model before reinforcement learning, sharpened without training, and one after it."""
    usual, trained = coverage(1), rl_coverage(1)
    without = {
        f"before RL,\ntemperature {cool_temperature():g}": cool_coverage(1),
        "before RL,\ngreedy": greedy("small"),
    }
    rows = {
        "before RL": Row(BEFORE, usual.solved),
        **{name: Row("noise", arm.solved) for name, arm in without.items()},
        "after RL": Row(AFTER, trained.solved),
    }
    gained = float(trained.minus(usual).mean)
    share = min(float(arm.minus(usual).mean) for arm in without.values()) / gained
    many = cool_coverage(64).minus(coverage(64))
    return Drawing(
        charts.dots(rows, xlabel="problems solved with one solution"),
        "Without any training, sharper decoding gains about as much as RL"
        if share > 0.75
        else "Without any training, sharper decoding gains less than RL",
        f"A low temperature solves {cool_coverage(1).solved:.0%}, a greedy pass {greedy('small').solved:.0%}, and one "
        f"sample after RL {trained.solved:.0%}. With 64 samples the low temperature "
        f"{by_sign(many, 'covers more than', 'ties in coverage with', 'covers less than')} the usual one.",
        pd.DataFrame(
            {
                "one solution": [name.replace("\n", " ") for name in rows],
                "solved": [row.value for row in rows.values()],
                "minus one sample before RL (points)": [
                    "",
                    *[f"{arm.minus(usual):.1p}" for arm in without.values()],
                    f"{trained.minus(usual):.1p}",
                ],
            }
        ),
        {"solved": ".1%"},
    )


def _thick_and_thin(axes: Axes, x: float, y: float) -> None:
    """Say at a place of the axes which lines are of one seed."""
    text = "thick: all seeds\nthin: each seed"
    axes.annotate(text, (x, y), xycoords="axes fraction", va="bottom", fontsize=9, alpha=0.8)


@drawn(ALL_SEEDS)
def search_before_and_after() -> Drawing:
    """One sample, a weighted vote and step-level revisions before and after reinforcement learning, for each seed."""
    named = {"weighted vote of 16": "prm", "up to 15 revisions": "revision"}

    def solved() -> list[tuple[Arm, Arm]]:
        return [(weighted(16), rl_weighted(16)), (stepwise(15), rl_stepwise(15)), (coverage(1), rl_coverage(1))]

    *searched, once = of_all(solved)
    seeds = list(each_family(solved).values())
    ways = dict(zip(named, searched, strict=True))
    figure, panels = style.new_rows(1, len(ways), height=3.0, sharey=True)
    for i, (axes, (name, pair)) in enumerate(zip(panels[0], ways.items(), strict=True)):
        colour = style.COLOURS[named[name]]
        style.shares(axes, 0.4, 0.9, "" if i else "problems solved")
        for k, both, tone in ((i, pair, colour), (-1, once, style.COLOURS["single"])):
            for arms in seeds:
                axes.plot(range(2), [arm.solved.mean for arm in arms[k]], color=tone, lw=0.9, alpha=0.55)
            axes.plot(range(2), [arm.solved.mean for arm in both], color=tone, marker="o", ms=5, lw=2.4)
        axes.set_title(name, color=colour, loc="center", fontsize=10)
        axes.set_xlim(-0.3, 1.3)
        axes.set_xticks(range(2), ["before RL", "after RL"])
        axes.grid(axis="x", visible=False)
        for place, (search, sample) in enumerate(zip(pair, once, strict=True)):
            low, high = float(sample.solved.mean), float(search.solved.mean)
            look = {"arrowstyle": "-|>", "color": colour, "shrinkA": 5, "shrinkB": 5}
            axes.annotate("", (place, high), (place, low), arrowprops=look)
            axes.annotate(
                f"{100 * (high - low):+.0f}", (place, (low + high) / 2), xytext=(-6 if place else 6, 0),
                textcoords="offset points", ha="right" if place else "left", va="center", color=colour,
            )  # fmt: skip
        axes.text(
            0.8, float(once[0].solved.mean), "one sample", ha="center", va="center", color=style.COLOURS["single"]
        )
    _thick_and_thin(panels[0, 0], 0.02, 0.02)
    gains = [search.minus(sample) for search, sample in zip(searched[0], once, strict=True)]
    less = [
        [headline(f"after minus before, gain of {search}", family).sign < 0 for family in families()]
        for search in ("weighted best-of-16", "step-level revision")
    ]
    higher = [
        [headline(f"after minus before, {search}", family).sign > 0 for family in families()]
        for search in ("PRM, weighted best-of-16", "step-level revision, at most 15")
    ]
    fewer, more = (sum(map(test, zip(*rows, strict=True))) for test, rows in ((all, less), (any, higher)))
    return Drawing(
        figure,
        f"In {_seeds(fewer)} search with a verifier adds less after RL; in {_seeds(more)} "
        f"{'it ends' if more else 'does it end'} higher",
        f"Over all seeds a weighted vote of 16 adds {gains[0]:.0 points} before RL and {gains[1]:.0 points} after RL; "
        f"it solves {searched[0][0].solved:.0%} before RL and {searched[0][1].solved:.0%} after RL.",
        pd.DataFrame(
            [
                *(
                    (
                        name,
                        before.solved,
                        after.solved,
                        f"{before.minus(once[0]):.1p}",
                        f"{after.minus(once[1]):.1p}",
                    )
                    for name, (before, after) in ways.items()
                ),
                ("one sample", once[0].solved, once[1].solved, "", ""),
            ],
            columns=["strategy", "before RL", "after RL", "gain before RL", "gain after RL"],
        ),
    )
