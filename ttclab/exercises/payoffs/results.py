"""Payoffs of chapter 6: the learner's comparisons at equal FLOPs, on recorded runs."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ttclab import bank, results
from ttclab.exercises.payoffs.yours import mark
from ttclab.figures import Drawing, charts, style
from ttclab.figures.exchange import TILE, WINNERS
from ttclab.results.exchange import STEPS

SIZES = (1, 2, 4, 8, 16, 32, 64)


def equal_flops(at_equal_flops: Callable[..., float]) -> Drawing:
    """A vote and coverage at the price of one large pass, by the learner's function."""
    arms = {
        "coverage": ("oracle", {N: results.coverage(N) for N in SIZES}),
        "vote": ("majority", {N: results.vote(N) for N in SIZES}),
    }
    large = results.greedy("large")
    mixed = {
        name: at_equal_flops(
            [a.cost for a in row.values()], [float(a.correct.mean()) for a in row.values()], large.cost
        )
        for name, (_, row) in arms.items()
    }
    lines = {name: charts.series(strategy, row, cost=True) for name, (strategy, row) in arms.items()}
    lines["14x, one pass"] = charts.level("large", large, lines["vote"].at[-1])
    figure = charts.against_flops(lines, scale=(0.4, 1.0), bands=False)
    mark(figure, [large.cost] * 2, [*mixed.values()], "your mix")
    return Drawing(
        figure,
        f"At the price of one large pass, by your function, coverage is {mixed['coverage']:.0%} and a vote solves "
        f"{mixed['vote']:.0%}",
        f"The large pass solves {large.solved:.0%} for {large.cost / 1e6:.0f} million FLOPs per problem.",
        pd.DataFrame(
            {"": [*mixed, "large, one pass"], "solved": [*(f"{x:.1%}" for x in mixed.values()), large.solved]}
        ),
    )


def worth_its_flops(frontier: Callable[..., Sequence[int]]) -> Drawing:
    """The recorded ways to spend that the learner's function keeps: votes, weighted votes and large passes."""
    arms = {
        **{f"vote of {N}": ("majority", results.vote(N)) for N in SIZES},
        **{f"weighted by PRM, {N}": ("prm", results.weighted(N)) for N in SIZES},
        **{f"14x, {at} steps": ("large", results.greedy("large", at)) for at in STEPS},
    }
    names, ways = list(arms), [arm for _, arm in arms.values()]
    costs, solved = [arm.cost for arm in ways], [float(arm.correct.mean()) for arm in ways]
    kept = list(frontier(costs, solved))
    figure, axes = style.new_axes()
    style.shares(axes, 0.4)
    for (strategy, _), x, y in zip(arms.values(), costs, solved):
        axes.plot(x, y, "o", color=style.COLOURS[strategy], ms=4)
    style.flops(axes)
    style.marks(figure, {"vote": (style.COLOURS["majority"], "o"), "PRM": (style.COLOURS["prm"], "o"),
                         "14x": (style.COLOURS["large"], "o")})  # fmt: skip
    mark(figure, [costs[i] for i in kept], [solved[i] for i in kept], "your frontier", line=True)
    return Drawing(
        figure,
        f"Of {len(ways)} ways to spend, {len(kept)} are worth their FLOPs",
        f"The cheapest of them, {names[kept[0]]}, solves {solved[kept[0]]:.0%}; the dearest, {names[kept[-1]]}, "
        f"{solved[kept[-1]]:.0%}.",
        pd.DataFrame(
            {
                "on your frontier": [names[i] for i in kept],
                "solved": [ways[i].solved for i in kept],
                "FLOPs per problem": [costs[i] for i in kept],
            }
        ),
    )


def cells(verdict: Callable[..., str]) -> Drawing:
    """Greedy passes of both models, fifth by fifth, along the large model's training."""
    small = bank.load("small", "test", greedy=True).correct[:, 0].astype(int)
    large = {at: bank.load("large", "test", at=at, greedy=True).correct[:, 0].astype(int) for at in STEPS}
    fifths = results.small_fifths()
    found = [
        [str(verdict(small[fifths == k].tolist(), row[fifths == k].tolist(), 5 * len(STEPS))) for row in large.values()]
        for k in range(5)
    ]
    figure, axes = style.new_axes(grid=False)
    for i, j in np.ndindex(5, len(STEPS)):
        if found[i][j] in ("small", "large"):
            colour = WINNERS[found[i][j]]
            axes.fill_between([j - 0.47, j + 0.47], i - 0.44, i + 0.44, color=colour, alpha=TILE, lw=0)
        axes.text(j, i, found[i][j].replace("no difference", "–"), ha="center", va="center", fontsize=8.5)
    style.tiles(axes, [str(at) for at in STEPS], style.SHORT_FIFTHS)
    axes.set_xlabel("steps of training the large model")
    won = sum(row.count("large") for row in found)
    return Drawing(
        figure,
        f"By your verdict, one large pass beats one small pass in {won} of {5 * len(STEPS)} cells",
        f"The small model wins {sum(row.count('small') for row in found)}; in the others chance could do it.",
        pd.DataFrame(found, columns=[str(at) for at in STEPS], index=pd.Index(style.SHORT_FIFTHS, name="fifth")),
    )
