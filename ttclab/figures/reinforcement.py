"""Figures of before and after reinforcement learning."""

import pandas as pd

from ..estimators import Estimate
from ..results import coverage, stepwise, weighted
from ..results.families import families, of_all
from ..results.reinforcement import (
    cool_coverage,
    cool_temperature,
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
from .charts import Series, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn

SAMPLES = (1, 2, 4, 8, 16, 32, 64)


def _seeds(count: int) -> str:
    """A number of seeds in a sentence: "no seed", "2 of 3 seeds", "all three seeds"."""
    whole = len(families())
    return {0: "no seed", whole: "all three seeds"}.get(count, f"{count} of {whole} seeds")


@drawn(SEED_0)
def coverage_before_and_after() -> Drawing:
    """Coverage before and after reinforcement learning, and before at a low temperature."""
    named = {"before": coverage, "after": rl_coverage, "before, low\ntemperature": cool_coverage}
    looks = {"before": ("oracle", False), "after": ("optimal", False), "before, low\ntemperature": ("oracle", True)}
    lines = {
        name: series(looks[name][0], {N: arm(N) for N in SAMPLES}, dashed=looks[name][1]) for name, arm in named.items()
    }
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    return Drawing(
        charts.curves(lines, xlabel="samples", low=0.4),
        f"After reinforcement learning one sample {by_sign(once, 'is better', 'is no better', 'is worse')}, and many "
        f"cover {by_sign(many, 'more', 'as much', 'less')}",
        f"One sample solves {coverage(1).solved:.0%} before and {rl_coverage(1).solved:.0%} after; from {crossing():g} "
        f"samples on, the original model covers more. The low temperature is {cool_temperature():g}.",
        pd.DataFrame(
            {
                "samples": SAMPLES,
                **{name.replace("\n", " "): [arm(N).solved for N in SAMPLES] for name, arm in named.items()},
            }
        ),
    )


@drawn(ALL_SEEDS)
def coverage_change_by_seed() -> Drawing:
    """Coverage after reinforcement learning minus coverage before, by the number of samples, for each seed."""
    changes = coverage_changes(SAMPLES)
    names = [f"seed {i}" for i in range(len(changes))]
    looks = [("oracle", False, False), ("optimal", True, False), ("noise", False, True)]
    lines = {
        name: Series(strategy, values, SAMPLES, dashed, dotted)
        for name, values, (strategy, dashed, dotted) in zip(names, changes.values(), looks)
    }
    ends = [(change.unstack()[0].sign, change.unstack()[-1].sign) for change in changes.values()]
    narrowed = sum(once > 0 > many for once, many in ends)
    return Drawing(
        charts.gains(lines, xlabel="samples", ylabel="coverage, after minus before"),
        f"In {_seeds(narrowed)} reinforcement learning makes one sample better and lowers the coverage of 64",
        f"One sample gains {by_seed('after minus before, one sample')}; the coverage of 64 changes by "
        f"{by_seed('after minus before, a right one among 64')}. The model "
        f"before covers more from {crossings()} samples on.",
        pd.DataFrame({"samples": SAMPLES, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".1p",
    )


@drawn(ALL_SEEDS)
def search_before_and_after() -> Drawing:
    """One sample, a weighted vote and step-level revisions before and after reinforcement learning, over all seeds."""
    ways = of_all(
        lambda: {
            "weighted vote\nof 16": ("prm", weighted(16), rl_weighted(16)),
            "up to 15\nrevisions": ("revision", stepwise(15), rl_stepwise(15)),
            "one sample": ("single", coverage(1), rl_coverage(1)),
        }
    )
    figure, axes = style.new_axes(height=3.0)
    for strategy, *arms in ways.values():
        solved = Estimate.stack(arm.solved for arm in arms)
        errors = [solved.mean - solved.low, solved.high - solved.mean]
        axes.errorbar(range(2), solved.mean, errors, color=style.COLOURS[strategy], marker="o", ms=5, lw=1.6)
    ends = [float(after.solved.mean) for _, _, after in ways.values()]
    style.shares(axes, 0.4, 0.9)
    axes.set_xlim(-0.15, 1.15)
    axes.set_xticks(range(2), ["before", "after"])
    axes.grid(axis="x", visible=False)
    style.name_ends(axes, ends, list(ways), [style.COLOURS[strategy] for strategy, *_ in ways.values()])
    (_, *searched), *_, (_, *once) = ways.values()
    gains = [search.minus(sample) for search, sample in zip(searched, once, strict=True)]
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
        f"In {_seeds(fewer)} search adds less after reinforcement learning; in {_seeds(more)} "
        f"{'it ends' if more else 'does it end'} higher",
        f"Over all seeds a weighted vote of 16 adds {gains[0]:.0 points} before and {gains[1]:.0 points} after; it "
        f"solves {searched[0].solved:.0%} before and {searched[1].solved:.0%} after.",
        pd.DataFrame(
            [
                (
                    name.replace("\n", " "),
                    before.solved,
                    after.solved,
                    f"{before.minus(once[0]):.1p}",
                    f"{after.minus(once[1]):.1p}",
                )
                if name != "one sample"
                else (name.replace("\n", " "), before.solved, after.solved, "", "")
                for name, (_, before, after) in ways.items()
            ],
            columns=["strategy", "before", "after", "gain before", "gain after"],
        ),
    )
