"""Figures of chapter 4: restarting at the first doubtful step, and how wrong the critic may be."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pandas as pd

from ..allocator import Arm
from ..estimators import Estimate
from ..results import accepted_wrong as accepted
from ..results import beam, critic_gain, greedy, stepwise, weighted
from ..results import rejected_right as rejected
from ..results.revision import OUTCOMES, rewritten_step
from ..results.stepwise import restarted_step
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, series
from .drawing import SEED_0, Drawing, drawn
from .words import listed, times

RESTARTS = (0, 1, 3, 7, 15, 31)
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)
PLACES = (0, 1, 3, 4)  # of the rows of two pairs of bars, with a gap between the pairs


@drawn(SEED_0)
def what_becomes_of_a_step() -> Drawing:
    """Right steps and first wrong steps after a rewrite and after a restart."""
    bars = {
        f"{step} step,\n{kind}": {of: share(of, right=step == "right") for of in OUTCOMES}
        for step in ("right", "wrong")
        for kind, share in (("rewrite", rewritten_step), ("restart", restarted_step))
    }
    looks = {  # pale, so that the numbers on the bars are legible on light and dark pages
        "right": (style.COLOURS["oracle"], 0.5),
        "same error": (style.COLOURS["wrong"], 0.65),
        "new error": (style.COLOURS["noise"], 0.45),
    }
    figure, axes = style.new_axes(height=3.1)
    for place, shares in zip(PLACES, bars.values()):
        parts = {name: float(shares[of].mean) for name, of in zip(looks, ("right", "same", "wrong"))}
        if place in PLACES[:2]:  # the same result of a right step is a right one
            parts = {"right": parts["right"] + parts["same error"], "new error": parts["new error"]}
        left = 0.0
        for part, share in parts.items():
            colour, alpha = looks[part]
            axes.barh(place, share, 0.6, left=left, color=colour, alpha=alpha, lw=0)
            if share > 0.1:
                axes.annotate(f"{share:.0%}", (left + share / 2, place), ha="center", va="center", weight="bold")
            elif share > 0.01 and left:  # the last part of its bar: named behind it
                axes.annotate(
                    f"{share:.0%}", (1, place), xytext=(4, 0), textcoords="offset points", va="center", weight="bold",
                    annotation_clip=False,
                )  # fmt: skip
            elif share > 0.01:  # the first part: named above it, where there is a gap between the two pairs of bars
                axes.annotate(
                    f"{share:.0%}", (share / 2, place - 0.3), xytext=(0, 13), textcoords="offset points", ha="left",
                    va="center", weight="bold", arrowprops={"arrowstyle": "-", "color": style.INK, "lw": 0.8},
                )  # fmt: skip
            left += share
    names = dict(zip(PLACES, bars))
    style.row_names(axes, [names.get(place, "") for place in range(PLACES[-1] + 1)])
    axes.set(ylim=(PLACES[-1] + 0.5, -0.5), xlim=(0, 1), xlabel="what the next attempt writes there")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    style.key(figure, looks)
    repeated, again = rewritten_step("same", right=False), restarted_step("same")
    right, better = rewritten_step("right", right=False), restarted_step("right")
    return Drawing(
        figure,
        "A restart keeps right steps and corrects more of the wrong ones than a rewrite"
        if repeated.low > again.high and right.high < better.low and restarted_step("wrong", right=True).high < 0.05
        else "What becomes of right and of wrong steps",
        f"Of first wrong steps a rewrite repeats {repeated:.0%} and corrects {right:.0%}; a restart repeats "
        f"{again:.0%} and corrects {better:.0%}.",
        pd.DataFrame(
            {
                "step": [name.replace("\n", " ") for name in bars],
                "same result": [shares["same"] for shares in bars.values()],
                "another result, right": [shares["right"] for shares in bars.values()],
                "another result, wrong": [shares["wrong"] for shares in bars.values()],
            }
        ),
    )


@drawn(SEED_0)
def restarting_at_the_doubtful_step() -> Drawing:
    """Step-level revision and a weighted vote of samples against FLOPs; the table also has the rivals of the text."""
    steps = {T: stepwise(T) for T in RESTARTS}
    samples = {N: weighted(N) for N in (1, 2, 4, 8, 16, 32, 64)}
    beams = {N: beam(N) for N in (4, 8, 16, 32, 64)}
    lines = [
        series("revision", steps, cost=True),
        series("prm", samples, cost=True),
    ]
    figure, axes = style.new_axes()
    style.shares(axes, 0.45, 0.92)
    charts.draw_unnamed(axes, lines, markers=True)
    axes.set_xlim(left=5e6)
    style.flops(axes, "FLOPs per problem")
    for name, strategy, arm, side, up in (
        ("restarts", "revision", steps[3], "right", 8),
        ("weighted vote", "prm", samples[2], "left", -10),
    ):
        aside = {"right": -6, "left": 6}[side]
        axes.annotate(
            name, (arm.cost, float(arm.solved.mean)), xytext=(aside, up), textcoords="offset points", ha=side,
            va="center", color=style.COLOURS[strategy], weight="bold",
        )  # fmt: skip
    _compare(axes, samples[16], steps[15])
    verb = partial(by_sign, ahead="beat", level="tie with", behind="lose to")
    by_samples = stepwise(15).minus(weighted(16))
    cheaper = stepwise(15).cost / weighted(16).cost
    return Drawing(
        figure,
        f"Restarts {verb(by_samples)} a weighted vote of 16 samples"
        + (" at less than half the cost" if cheaper < 0.5 else " at a lower cost" if cheaper < 1 else ""),
        f"With at most 15 restarts the small model solves {stepwise(15).solved:.1%} for "
        f"{stepwise(15).cost / 1e6:.0f} million FLOPs per problem, a weighted vote of 16 {weighted(16).solved:.1%} for "
        f"{weighted(16).cost / 1e6:.0f} million.",
        pd.DataFrame(
            [
                {"": name, "solved": arm.solved, "FLOPs per problem": arm.cost}
                for name, arm in (
                    ("one sample, scored by the PRM, mean of all recorded", samples[1]),
                    ("the first attempts of the chains, scored by the PRM", steps[0]),
                    *((f"at most {T} restart{'s' * (T > 1)}", steps[T]) for T in RESTARTS[1:]),
                    *((f"weighted vote of {N}", samples[N]) for N in (4, 16, 64)),
                    *((f"beam search, N={N}", beams[N]) for N in (4, 16, 64)),
                    ("large model, one greedy pass", greedy("large")),
                )
            ]
        ),
        ".1%",
    )


def _compare(axes: style.Axes, sampled: Arm, restarted: Arm) -> None:
    """Circle and name the two points that the title compares, and draw an arrow from the dearer to the cheaper."""
    ends = [(arm.cost, float(arm.solved.mean)) for arm in (sampled, restarted)]
    names = (("16 samples", "prm", (9, -10), "left"), ("15 restarts", "revision", (-8, 9), "right"))
    for place, (name, strategy, aside, side) in zip(ends, names, strict=True):
        axes.plot(*place, color=style.INK, marker="o", ms=11, mfc="none", mew=1.4, ls="none", zorder=5)
        axes.annotate(
            name, place, xytext=aside, textcoords="offset points", ha=side, va="center", color=style.COLOURS[strategy]
        )
    (start, high), (end, low) = ends
    look = {"arrowstyle": "-|>", "color": style.INK, "lw": 1.3, "shrinkA": 7, "shrinkB": 7}
    axes.annotate("", (end, low), (start, high), arrowprops=look)
    axes.text((start * end) ** 0.5, max(high, low) + 0.045, f"{end / start:.0%} of the FLOPs", ha="center", va="bottom")


@drawn(SEED_0)
def restarts_by_fifth() -> Drawing:
    """What at most 15 step-level revisions solve, and cost, in each fifth of difficulty."""
    before, after = stepwise(0), stepwise(15)
    costs = [after.fifth(k).cost for k in range(5)]
    figure, (top, bottom) = _two_rows()
    for strategy, arm in (("revision", after), ("single", before)):
        line = charts.fifths_of(strategy, arm)
        errors = [line.values.mean - line.values.low, line.values.high - line.values.mean]
        top.errorbar(range(5), line.values.mean, errors, color=style.COLOURS[strategy], marker="o", ms=4, lw=1.5)
    style.shares(top)
    style.key(figure, {"at most 15 restarts": style.COLOURS["revision"], "one sample": style.COLOURS["single"]})
    bottom.bar(range(5), costs, 0.55, color=style.COLOURS["revision"], alpha=0.85, lw=0)
    bottom.yaxis.set_major_formatter(style.AMOUNT)
    bottom.set(ylabel="FLOPs", xlabel="fifth of difficulty")
    bottom.set_xticks(range(5), style.SHORT_FIFTHS)
    bottom.grid(axis="x", visible=False)
    rising = all(one <= other for one, other in pairwise(costs))
    hard = after.fifth(4).solved
    return Drawing(
        figure,
        f"The hardest fifth costs {times(costs[4] / costs[0])} as much as the easiest"
        + (", and mostly stays unsolved" if rising and hard.high < 0.5 else ""),
        f"On the hardest fifth it solves {after.fifth(4).solved:.0%} for {costs[4] / 1e6:.0f} million FLOPs per "
        f"problem, on the easiest {after.fifth(0).solved:.0%} for {costs[0] / 1e6:.1f} million.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                "one sample (one draw per problem)": [before.fifth(k).solved for k in range(5)],
                "at most 15 restarts": [after.fifth(k).solved for k in range(5)],
                "FLOPs per problem": costs,
            }
        ),
    )


def _two_rows() -> tuple[style.Figure, tuple[style.Axes, style.Axes]]:
    figure, axes = style.new_rows(2, 1, height=3.4, sharex=True, height_ratios=(2, 1))
    return figure, (axes[0, 0], axes[1, 0])


@drawn(SEED_0)
def how_good_a_critic_must_be() -> Drawing:
    """What restarts gain by the errors of the critic: an oracle with noise, whose errors repeat or not, and the PRM."""
    qualities: list[float | None] = [None, *QUALITIES[::-1]]  # the perfect oracle first
    errors = [_errors("oracle", q) for q in qualities]
    anew = [critic_gain("oracle")] + [critic_gain("oracle", q, forgetful=True) for q in qualities[1:]]
    repeat = [critic_gain("oracle", q) for q in qualities]
    figure, axes = style.new_axes(height=3.3)
    colours = {"anew": style.COLOURS["oracle"], "repeat": style.COLOURS["wrong"], "prm": style.COLOURS["prm"]}
    for gains, colour, aside in ((anew, colours["anew"], 0.006), (repeat, colours["repeat"], -0.006)):
        _with_intervals(axes, [e + aside for e in errors], gains, color=colour, marker="o", ms=4.5, lw=1.7)
    _with_intervals(axes, [_errors("prm")], [critic_gain("prm")], color=colours["prm"], marker="D", ms=6, lw=1.5)
    axes.set(xlim=(-0.07, 1.07), ylim=(-0.12, 0.39), xlabel="wrong steps accepted + right steps rejected")
    for text, place, side, colour in (
        ("errors drawn anew", (0.33, 0.205), "left", colours["anew"]),
        ("errors that repeat", (0.76, -0.1), "right", colours["repeat"]),
        ("our PRM", (-0.05, 0.175), "left", colours["prm"]),
    ):
        axes.text(*place, text, ha=side, va="center", color=colour, weight="bold")
    axes.axhspan(-0.12, 0, color=colours["repeat"], alpha=0.08, lw=0)
    axes.text(-0.05, 0.018, "no gain", ha="left", va="center")
    axes.text(-0.05, -0.022, "harm", ha="left", va="center")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%\nperfect", "25%", "50%", "75%", "100%\na coin"])
    style.points(axes, "last attempt minus first, points")
    falling = all(one.mean > other.mean for gains in (anew, repeat) for one, other in pairwise(gains))
    lower = all(one.mean < other.mean for one, other in zip(repeat[1:], anew[1:], strict=True))
    return Drawing(
        figure,
        "The worse the critic, the less restarts gain, and "
        + ("errors that repeat end in harm" if repeat[-1].sign < 0 else "least if its errors repeat")
        if falling and lower
        else "What restarts gain depends on the errors of the critic",
        f"With error rates that sum to {errors[-1]:.0%}, restarting changes {repeat[-1]:.0 points} if errors repeat "
        f"and {anew[-1]:.0 points} if they are drawn anew.",
        pd.DataFrame(
            {
                "critic": ["oracle", *(f"oracle with noise, AUC {q:g}" for q in qualities[1:]), "PRM"],
                "wrong steps accepted": [f"{accepted('oracle', q):.0%}" for q in qualities]
                + [f"{accepted('prm'):.0%}"],
                "right steps rejected": [f"{rejected('oracle', q):.0%}" for q in qualities]
                + [f"{rejected('prm'):.0%}"],
                "errors that repeat (points)": [*repeat, critic_gain("prm")],
                "errors drawn anew (points)": [*anew, ""],
            }
        ),
        ".1p",
    )


def _with_intervals(axes: style.Axes, places: Sequence[float], gains: Sequence[Estimate], **look: Any) -> None:
    """A line through the means of the gains, with their intervals as error bars."""
    values = Estimate.stack(gains)
    axes.errorbar(places, values.mean, [values.mean - values.low, values.high - values.mean], elinewidth=1.1, **look)


def _errors(critic: str, quality: float | None = None) -> float:
    """Share of wrong steps that a critic accepts plus share of right steps that it rejects: 1 for a coin."""
    return accepted(critic, quality) + rejected(critic, quality)


@drawn(SEED_0)
def trained_critics() -> Drawing:
    """What step-level revisions gain with each trained critic, and with the oracle."""
    critics = {
        "oracle": ("oracle", "oracle"),
        "PRM 14x": ("prm", "prm-large"),
        "PRM": ("prm", "prm"),
        "rollout PRM": ("prm", "prm-rollouts"),
        "same steps,\nexact labels": ("prm", "prm-exact"),
        "weak PRM": ("prm", "prm-weak"),
    }
    gains = {name: critic_gain(of) for name, (_, of) in critics.items()}
    gains = dict(sorted(gains.items(), key=lambda each: each[1].mean, reverse=True))
    rows = {name: Row(critics[name][0], value) for name, value in gains.items()}
    failing = [name.replace("\n", " ") for name, value in gains.items() if value.sign <= 0]
    return Drawing(
        charts.dots(rows, xlabel="last solution minus first, 15 restarts", difference=True),
        "Every trained critic helps; how much depends on the critic"
        if not failing
        else f"Not every trained critic helps: with the {listed(failing)} there is no clear gain",
        f"With the PRM restarting gains {gains['PRM']:.0 points}, with the weak PRM {gains['weak PRM']:.0 points}.",
        pd.DataFrame(
            {
                "critic": [name.replace("\n", " ") for name in gains],
                "accepts wrong steps": [f"{accepted(critics[name][1]):.2f}" for name in gains],
                "rejects right steps": [f"{rejected(critics[name][1]):.2f}" for name in gains],
                "gain (points)": list(gains.values()),
            }
        ),
        ".1p",
    )
