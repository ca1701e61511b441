"""Figures of chapter 7: policies that compete for one budget."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.markers import MarkerStyle

from ..estimators import Estimate
from ..results.families import families
from ..results.game import HARD, above_uniform, after_look, first_looks, looks_right, policy
from ..results.seeds import ALL, headline, verdict
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, Series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .words import listed

SHARES = (2, 4, 8)
NAMES = {
    "worked": "keep or draw 8",
    "adaptive": "adaptive",
    "spread": "spread",
    "lesson": "the lesson's rule",
    "fitted": "fitted",
    "drawn again": "always draw again",
}
COLOURS = {"uniform": "prm", "spread": "majority", "lesson": "revision", "fitted": "optimal"}  # as in the game


def by_score() -> list[str]:
    """The policies of the scoreboard, the best over all seeds first."""
    return sorted(NAMES, key=lambda name: -float(headline(f"arena, {name}", ALL).mean))


@drawn(ALL_SEEDS)
def arena_scoreboard() -> Drawing:
    """What each policy solves beyond uniform sampling for the same FLOPs, with 4 generations per problem on average.

    Dots are over the problems of all seeds, rings are the single seeds.
    """
    order = by_score()
    scores = {name: headline(f"arena, {name}", ALL) for name in order}
    rows = {NAMES[name]: Row("optimal", scores[name]) for name in order}
    figure = charts.dots(rows, xlabel="points above uniform sampling, same FLOPs", difference=True, decimals=1)
    [axes] = figure.axes
    by_family = {name: [float(headline(f"arena, {name}", seed).mean) for seed in families()] for name in order}
    for place, means in enumerate(by_family.values()):
        axes.plot(means, [place + 0.3] * len(means), "o", color=style.INK, mfc="none", ms=4.5, alpha=0.7, mew=0.9)
    left, right = axes.get_xlim()
    ends = [mean for means in by_family.values() for mean in means]
    axes.set_xlim(min(left, *ends) - 0.004, max(right, *ends))
    style.marks(
        figure,
        {
            "all seeds together": (style.COLOURS["optimal"], "o"),
            "one seed": (style.INK, MarkerStyle("o", fillstyle="none")),
        },
    )
    always = [f'"{NAMES[name]}"' for name in order if verdict(f"arena, {name}") == "above 0"]
    return Drawing(
        figure,
        f"For the same FLOPs {listed(always)} {'is' if len(always) == 1 else 'are'} ahead of uniform sampling in all "
        "three seeds"
        if always
        else "For the same FLOPs no policy is ahead of uniform sampling in all three seeds",
        f"Over all seeds the best, {NAMES[order[0]]}, solves {scores[order[0]]:.1 points} beyond uniform sampling, the "
        f"last, {NAMES[order[-1]]}, {scores[order[-1]]:.1 points}.",
        pd.DataFrame(
            {
                "policy": [NAMES[name] for name in order],
                "all seeds, above uniform (points)": [scores[name] for name in order],
                **{
                    f"seed {i}": [f"{headline(f'arena, {name}', seed):.1p}" for name in order]
                    for i, seed in enumerate(families())
                },
            }
        ),
        ".1p",
    )


@drawn(SEED_0)
def arena_against_flops() -> Drawing:
    """Spread and uniform sampling against FLOPs, with the generations of each point."""
    shares = {"spread": SHARES, "uniform": (*SHARES, 2 * SHARES[-1])}
    arms = {name: {share: policy(name, share) for share in each} for name, each in shares.items()}
    lines = {name: charts.series(COLOURS[name], each, cost=True) for name, each in arms.items()}
    means = [float(mean) for line in lines.values() for mean in line.values.mean]
    figure = charts.against_flops(lines, scale=(min(means) - 0.03, max(means) + 0.01), bands=False)
    [axes] = figure.axes
    for name, down in (("spread", 6), ("uniform", -12)):
        for share, arm in arms[name].items():
            axes.annotate(
                str(share), (arm.cost, float(arm.correct.mean())), xytext=(0, down), textcoords="offset points",
                ha="center", color=style.COLOURS[COLOURS[name]],
            )  # fmt: skip
    by_count = [arms["spread"][share].minus(arms["uniform"][share]) for share in SHARES]
    by_flops = [above_uniform("spread", share) for share in SHARES]
    return Drawing(
        figure,
        *_spread_says(by_count, by_flops),
        pd.DataFrame(
            {
                "generations per problem": SHARES,
                "spread solves": [arms["spread"][share].solved for share in SHARES],
                "its FLOPs per problem": [arms["spread"][share].cost for share in SHARES],
                "minus uniform, as many generations": by_count,
                "minus uniform, as many FLOPs": by_flops,
            }
        ),
        {
            "spread solves": ".1%",
            **dict.fromkeys(("minus uniform, as many generations", "minus uniform, as many FLOPs"), ".1p"),
        },
    )


@drawn(SEED_0)
def spread_against_uniform() -> Drawing:
    """Spread minus uniform sampling, for as many generations and for as many FLOPs."""
    gains = {
        "as many\ngenerations": [policy("spread", share).minus(policy("uniform", share)) for share in SHARES],
        "as many\nFLOPs": [above_uniform("spread", share) for share in SHARES],
    }
    by_count, by_flops = gains.values()
    lines = {
        name: Series(strategy, Estimate.stack(each), SHARES)
        for (name, each), strategy in zip(gains.items(), ("majority", "optimal"))
    }
    return Drawing(
        charts.gains(lines, xlabel="generations per problem", ylabel="spread minus uniform, points"),
        *_spread_says(by_count, by_flops),
        pd.DataFrame(
            {
                "generations per problem": SHARES,
                "spread solves": [f"{policy('spread', share).solved:.1%}" for share in SHARES],
                "FLOPs of spread": [policy("spread", share).cost for share in SHARES],
                "FLOPs of uniform": [policy("uniform", share).cost for share in SHARES],
                "minus uniform, as many generations": by_count,
                "minus uniform, as many FLOPs": by_flops,
            }
        ),
        dict.fromkeys(("minus uniform, as many generations", "minus uniform, as many FLOPs"), ".1p"),
    )


def _spread_says(by_count: Sequence[Estimate], by_flops: Sequence[Estimate]) -> tuple[str, str]:
    """The finding on spread minus uniform sampling, and the two numbers that show it."""
    return (
        f'At equal generations, "spread" {_always(by_count)} uniform sampling; '
        f"at equal FLOPs it {_always(by_flops)} it",
        f"With {SHARES[1]} generations per problem, spread minus uniform is {by_count[1]:.1 points} for as many "
        f"generations, and {by_flops[1]:.1 points} for as many FLOPs.",
    )


def _always(gains: Sequence[Estimate]) -> str:
    """Words for differences that may not all have one sign."""
    return by_sign(gains[0]) if len({gain.sign for gain in gains}) == 1 else "does not always beat"


@drawn(SEED_0)
def arena_by_budget() -> Drawing:
    """What policies that look solve beyond uniform sampling for the same FLOPs, by generations per problem."""
    scores = {name: [above_uniform(name, share) for share in SHARES] for name in ("spread", "lesson", "fitted")}
    lines = {NAMES[name]: Series(COLOURS[name], Estimate.stack(each), SHARES) for name, each in scores.items()}
    behind = [NAMES[name] for name, each in scores.items() if all(score.sign < 0 for score in each)]
    never = [NAMES[name] for name, each in scores.items() if all(score.sign >= 0 for score in each)]
    found = []
    if behind:
        found.append(f"{listed(behind)} {'loses' if len(behind) == 1 else 'lose'} to uniform sampling at every budget")
    if never:
        found.append(f"{listed(never)} {'is' if len(never) == 1 else 'are'} never clearly behind")
    said = "; ".join(found) or "Whether a look pays depends on the budget"
    return Drawing(
        charts.gains(lines, xlabel="generations per problem", ylabel="points above uniform"),
        said[0].upper() + said[1:],
        f"Above uniform sampling with {SHARES[0]} generations: {scores['spread'][0]:.1 points} for spread, "
        f"{scores['fitted'][0]:.1 points} for fitted.",
        pd.DataFrame({"generations per problem": SHARES, **{NAMES[name]: each for name, each in scores.items()}}),
        ".1p",
    )


@drawn(SEED_0)
def first_attempt_scores() -> Drawing:
    """How the verifier scores first attempts, right ones and wrong ones."""
    scores, right = first_looks()
    edges = np.linspace(0, 1, 11)
    counts = {name: np.histogram(scores[rows], edges)[0] for name, rows in (("right", right), ("wrong", ~right))}
    figure, axes = style.new_axes()
    base = np.zeros(10)
    for name, tone in (("right", "oracle"), ("wrong", "wrong")):
        axes.bar(edges[:-1] + 0.05, counts[name], 0.09, bottom=base, color=style.COLOURS[tone], alpha=0.85, lw=0)
        base += counts[name]
    axes.set(xlabel="the verifier's score of a first attempt", ylabel="problems", xlim=(-0.02, 1.02))
    axes.set_ylim(0, 1.2 * base.max())  # room for the names of the two sides
    axes.grid(axis="x", visible=False)
    axes.axvline(1 - HARD, color=style.INK, lw=1.2, ls=style.DASHED)
    for text, ha, aside in (("looks wrong", "right", -5), ("looks right", "left", 5)):
        axes.annotate(
            text, (1 - HARD, 0.98), xycoords=axes.get_xaxis_transform(), xytext=(aside, 0), textcoords="offset points",
            ha=ha, va="top",
        )  # fmt: skip
    style.key(figure, {"right": style.COLOURS["oracle"], "wrong": style.COLOURS["wrong"]})
    middle = float(((scores > 0.1) & (scores < 0.9)).mean())
    return Drawing(
        figure,
        "The verifier is nearly always sure of a first attempt, and nearly always right"
        if middle < 0.15 and after_look(hard=False) > 0.9
        else "The verifier is often unsure of a first attempt",
        f"{looks_right():.0%} of the first attempts look right, and of those {after_look(hard=False):.1%} are.",
        pd.DataFrame(
            {
                "score": [f"{a:.1f} to {a + 0.1:.1f}" for a in edges[:-1]],
                **{name: [int(n) for n in row] for name, row in counts.items()},
            }
        ),
    )


@drawn(SEED_0)
def after_the_look() -> Drawing:
    """What new samples solve of the problems whose first attempt looks wrong, and of those where it looks right."""
    sizes = (0, 1, 2, 4, 8, 16, 32)
    wrong, right = ([after_look(hard=hard, N=N) for N in sizes] for hard in (True, False))
    figure, axes = style.new_axes()
    style.shares(axes)
    for values, tone in ((right, "oracle"), (wrong, "wrong")):
        axes.plot(range(len(sizes)), values, color=style.COLOURS[tone], marker="o", ms=4)
    axes.set_xticks(range(len(sizes)), ["keep", *map(str, sizes[1:])])
    axes.set_xlabel("new samples instead of the first attempt")
    style.name_ends(
        axes, [right[-1], wrong[-1]], ["attempt\nlooks right", "attempt\nlooks wrong"],
        [style.COLOURS["oracle"], style.COLOURS["wrong"]],
    )  # fmt: skip
    drop, rise = right[0] - right[1], wrong[4] - wrong[0]
    return Drawing(
        figure,
        "Draw again where the attempt looks wrong; keep it where it looks right"
        if drop > 0 < rise
        else "A new sample does no harm even where the attempt looks right",
        f"Where it looks wrong 8 new samples solve {wrong[4]:.0%} instead of {wrong[0]:.0%}; where it looks right "
        f"one new sample solves {right[1]:.1%} instead of {right[0]:.1%}.",
        pd.DataFrame(
            {
                "new samples": ["keep", *map(str, sizes[1:])],
                "attempt looks wrong": [f"{x:.1%}" for x in wrong],
                "attempt looks right": [f"{x:.1%}" for x in right],
            }
        ),
    )
