"""Figures of before and after reinforcement learning."""

import pandas as pd

from ..results import BUDGETS, coverage, stepwise, vote, weighted
from ..results.reinforcement import (
    cool_coverage,
    cool_temperature,
    crossing,
    rl_coverage,
    rl_stepwise,
    rl_vote,
    rl_weighted,
)
from ..results.wording import by_sign
from . import charts
from .charts import Row, series
from .drawing import Drawing, drawn

COOLED = (1, 2, 4, 8, 16, 32, 64)


@drawn
def coverage_before_and_after() -> Drawing:
    """Coverage before and after reinforcement learning, and before at a low temperature."""
    lines = {
        "before": series("oracle", {N: coverage(N) for N in BUDGETS}),
        "after": series("optimal", {N: rl_coverage(N) for N in BUDGETS}),
        "before,\ncooled": series("single", {N: cool_coverage(N) for N in COOLED}, dashed=True),
    }
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    return Drawing(
        charts.curves(lines, xlabel="samples", low=0.3),
        f"After reinforcement learning one sample {by_sign(once, 'is better', 'is no better', 'is worse')}, and many "
        f"cover {by_sign(many, 'more', 'as much', 'less')}",
        f"One sample solves {coverage(1).solved:.0%} before and {rl_coverage(1).solved:.0%} after; from {crossing():g} "
        f"samples on, the model before covers more. Cooled is a temperature of {cool_temperature():g}.",
        pd.DataFrame(
            {
                "samples": COOLED,
                "before": [coverage(N).solved for N in COOLED],
                "after": [rl_coverage(N).solved for N in COOLED],
                "before, cooled": [cool_coverage(N).solved for N in COOLED],
            }
        ),
    )


@drawn
def search_before_and_after() -> Drawing:
    """What a vote, a weighted vote and step-level revisions add to one sample, before and after."""
    ways = {
        "vote of 16": ("majority", vote(16), rl_vote(16)),
        "weighted vote of 16": ("prm", weighted(16), rl_weighted(16)),
        "up to 7 step-level\nrevisions": ("revision", stepwise(7), rl_stepwise(7)),
    }
    rows, table = {}, []
    for name, (strategy, before, after) in ways.items():
        gains = before.minus(coverage(1)), after.minus(rl_coverage(1))
        rows[f"{name}, before"] = Row(strategy, gains[0], hollow=True)
        rows[f"{name}, after"] = Row(strategy, gains[1])
        plain = name.replace("\n", " ")
        table.append((plain, before.solved, after.solved, *(f"{gain:.1p}" for gain in gains)))
    left = rl_weighted(16).minus(rl_coverage(1))
    return Drawing(
        charts.dots(rows, xlabel="points above one sample", difference=True),
        f"After reinforcement learning a weighted vote still {by_sign(left, 'adds', 'adds nothing', 'loses')}, from a "
        "higher start",
        f"A weighted vote of 16 adds {weighted(16).minus(coverage(1)):.0 points} before and {left:.0 points} after.",
        pd.DataFrame(table, columns=["strategy", "before", "after", "gain before", "gain after"]),
    )
