"""Figures of chapter 7: policies that compete for one budget."""

import numpy as np
import pandas as pd

from ..estimators import Estimate
from ..results.game import HARD, above_uniform, after_look, first_looks, looks_right, policy
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, Series
from .drawing import Drawing, drawn
from .words import listed

SHARES = (2, 4, 8)
NAMES = {
    "worked": "keep or draw 8",
    "adaptive": "adaptive",
    "spread": "spread",
    "lesson": "lesson's rule",
    "fitted": "fitted",
    "drawn again": "always draw again",
}
LOOKS = {
    "worked": "revision",
    "adaptive": "optimal",
    "spread": "majority",
    "lesson": "single",
    "fitted": "oracle",
    "drawn again": "beam",
}


@drawn
def arena_scoreboard() -> Drawing:
    """What each policy solves beyond uniform sampling for the same FLOPs, with 4 generations a problem."""
    scores = {name: above_uniform(name) for name in NAMES}
    order = sorted(NAMES, key=lambda name: -float(scores[name].mean))
    rows = {NAMES[name]: Row(LOOKS[name], scores[name]) for name in order}
    ahead = [NAMES[name] for name in order if scores[name].sign > 0]
    return Drawing(
        charts.dots(rows, xlabel="above uniform sampling, same FLOPs", difference=True, decimals=1),
        f"For the same FLOPs only {len(ahead)} of {len(NAMES)} policies {'is' if len(ahead) == 1 else 'are'} ahead of "
        f"uniform sampling: {listed(ahead)}"
        if ahead
        else "For the same FLOPs no policy is clearly ahead of uniform sampling",
        f"The best, {NAMES[order[0]]}, solves {scores[order[0]]:.1 points} beyond uniform sampling, the last, "
        f"{NAMES[order[-1]]}, {scores[order[-1]]:.1 points}.",
        pd.DataFrame(
            {
                "policy": [NAMES[name] for name in order],
                "solved": [policy(name).solved for name in order],
                "FLOPs a problem": [policy(name).cost for name in order],
                "above uniform (points)": [scores[name] for name in order],
            }
        ),
        {"solved": ".1%", "above uniform (points)": ".1p"},
    )


@drawn
def arena_against_flops() -> Drawing:
    """Policies with 2, 4 and 8 generations a problem against FLOPs, beside uniform sampling."""
    names = {"spread": "majority", "uniform": "prm", "fitted": "oracle", "lesson": "revision"}
    lines = {
        name: charts.series(strategy, {share: policy(name, share) for share in SHARES}, cost=True)
        for name, strategy in names.items()
    }
    by_count, by_flops = policy("spread").minus(policy("uniform")), above_uniform("spread")
    return Drawing(
        charts.against_flops(lines, scale=charts.zoom(lines)),
        f"By generations, spreading the budget {by_sign(by_count)} uniform sampling; by FLOPs it "
        f"{by_sign(by_flops)} it",
        f"With 4 generations a problem spread minus uniform is {by_count:.1 points} for as many generations, and "
        f"{by_flops:.1 points} for as many FLOPs.",
        pd.DataFrame(
            [
                {
                    "": f"{name}, {share} generations each",
                    "solved": policy(name, share).solved,
                    "FLOPs a problem": policy(name, share).cost,
                    "above uniform (points)": above_uniform(name, share) if name != "uniform" else "",
                }
                for share in SHARES
                for name in ("uniform", "lesson", "fitted", "spread")
            ]
        ),
        {"solved": ".1%", "above uniform (points)": ".1p"},
    )


@drawn
def arena_by_budget() -> Drawing:
    """What the policies that look solve beyond uniform sampling for the same FLOPs, by generations a problem."""
    names = ("spread", "lesson", "fitted")
    lines = {
        NAMES[name]: Series(LOOKS[name], Estimate.stack(above_uniform(name, share) for share in SHARES), SHARES)
        for name in names
    }
    early = {name: line.values.unstack()[0] for name, line in lines.items()}
    behind = [name for name, score in early.items() if score.sign < 0]
    return Drawing(
        charts.gains(lines, xlabel="generations a problem", ylabel="above uniform"),
        f"With {SHARES[0]} generations a problem a look does not pay: {listed(behind)} "
        f"{'is' if len(behind) == 1 else 'are'} behind uniform sampling"
        if behind
        else f"Even with {SHARES[0]} generations a problem a look pays for itself",
        f"Above uniform sampling with {SHARES[0]} generations: {early[NAMES['spread']]:.1 points} for spread, "
        f"{early[NAMES['fitted']]:.1 points} for fitted.",
        pd.DataFrame({"generations": SHARES, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".1p",
    )


@drawn
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
    axes.grid(axis="x", visible=False)
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


@drawn
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
        axes, [right[-1], wrong[-1]], ["looked\nright", "looked\nwrong"],
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
                f"difficulty above {HARD:g}": [f"{x:.1%}" for x in wrong],
                f"at most {HARD:g}": [f"{x:.1%}" for x in right],
            }
        ),
    )
