"""Figures of chapter 6: the small model, thinking, against one pass of the large one, over all families of models."""

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..allocator import Arm
from ..data import DEFAULT_STEP
from ..estimators import Estimate
from ..results import beam, coverage, greedy, hybrid, stepwise, training_flops, vote, weighted
from ..results.exchange import NOBODY, STEPS, inference_alone, matched, pooled_map
from ..results.families import SHIPPED, each_family, of_all
from ..results.wording import by_sign
from . import charts, style
from .charts import Series, series
from .drawing import ALL_SEEDS, Drawing, drawn

QUESTIONS = 100_000
BEAMS = (4, 16, 64)  # recorded in every family
USUAL = DEFAULT_STEP["large"]  # where the large model of chapter 1 stops
MAPS = (STEPS[max(0, STEPS.index(USUAL) - 1)], STEPS[-1])  # trainings whose maps are drawn
# Who wins has tones of its own: a winner is no strategy.
WINNERS = {"small": style.TONES["noise"], "no difference": "#999999", "large": style.TONES["writing"]}
TILE = 0.55  # opacity of a cell with a winner


@drawn(ALL_SEEDS)
def strategies_against_flops() -> Drawing:
    """Every strategy of the small model against FLOPs, beside the large model's single passes."""
    return of_all(_strategies_against_flops)


def _strategies_against_flops() -> Drawing:
    votes = {N: vote(N) for N in (1, 2, 4, 8, 16, 32, 64, 128)}
    samples = {N: weighted(N) for N in (1, 2, 4, 8, 16, 32, 64)}
    beams = {N: beam(N) for N in BEAMS}
    steps = {T: stepwise(T) for T in (0, 1, 3, 7, 15, 31)}
    shown = (MAPS[0], STEPS[-1])
    lines = {
        "beam search": series("beam", beams, cost=True),
        "step-level revision": series("revision", steps, cost=True),
        "weighted by PRM": series("prm", samples, cost=True),
        "vote": series("majority", votes, cost=True),
    }
    gains = [stepwise(15).minus(greedy("large", at)) for at in shown]
    figure = charts.against_flops(lines, scale=(0.4, 1.0), height=3.3, bands=False)
    [axes] = figure.axes
    axes.set_xlim(left=2e5)
    for at in shown:  # named on the left, where no curve is as high
        large = greedy("large", at)
        height = float(large.correct.mean())
        axes.axhline(height, color=style.COLOURS["large"], lw=1.2, ls=style.DASHED)
        axes.plot([large.cost], [height], "D", color=style.COLOURS["large"], ms=5)
        axes.annotate(
            f"14x, {at} steps", (0, height), xycoords=axes.get_yaxis_transform(), xytext=(3, 3),
            textcoords="offset points", color=style.COLOURS["large"], fontsize=9,
        )  # fmt: skip
    return Drawing(
        figure,
        f"Revising step by step, the small model {by_sign(gains[0])} a 14x model trained for {shown[0]} steps and "
        f"{by_sign(gains[1])} one trained for {shown[1]}",
        f"With at most 15 restarts it solves {stepwise(15).solved:.0%}, one pass of the large model "
        f"{greedy('large', shown[0]).solved:.0%} after {shown[0]} steps and {greedy('large', shown[1]).solved:.0%} "
        f"after {shown[1]}.",
        pd.DataFrame(
            [
                {"": name, "solved": arm.solved, "FLOPs per problem": arm.cost, "FLOPs of all training": float(trained)}
                for name, arm, trained in (
                    ("small, one greedy pass", greedy("small"), training_flops("small")),
                    *((f"vote of {N}", votes[N], training_flops("small")) for N in (16, 64)),
                    *((f"weighted best-of-{N}", samples[N], training_flops("small", "prm")) for N in (4, 16, 64)),
                    *((f"beam search, N={N}", beams[N], training_flops("small", "prm")) for N in BEAMS),
                    *((f"at most {T} restarts", steps[T], training_flops("small", "prm")) for T in (3, 15)),
                    ("rewriting, 4 chains of 4", hybrid(4, 3), training_flops("small", "prm")),
                    ("perfect verifier of 16", coverage(16), training_flops("small")),
                    *((f"14x, {at} steps", greedy("large", at), training_flops("large", at=at)) for at in STEPS),
                )
            ]
        ),
    )


@drawn(ALL_SEEDS)
def crossing_by_seed() -> Drawing:
    """The small model at its best for the FLOPs of one large pass, minus that pass, by the large model's training.

    A dot is a seed with a strategy of its own and its interval. The line is all seeds with one strategy, so it is not
    the dots' mean. Behind them, who wins.
    """
    gains = {at: inference_alone(at) for at in STEPS}
    cells = {at: pooled_map(at)[5][-1] for at in STEPS}
    pooled = Estimate.stack(cell.gain for cell in cells.values())
    families, fair = list(gains[USUAL]), equal_training()
    figure, axes = style.new_axes(height=3.2)
    axes.grid(axis="x", visible=False)
    places = np.array(STEPS)
    axes.set(xlabel="steps of training the large model", xlim=(STEPS[0] - 100, STEPS[-1] + 170))
    _zones(axes, [cells[at].verdict for at in STEPS])
    axes.axvline(fair, color=style.INK, lw=1.1, ls=style.DASHED)
    axes.annotate(
        "trained for about as\nmany FLOPs as the small one", (fair, 0.79),
        xycoords=axes.get_xaxis_transform(), xytext=(5, 0), textcoords="offset points", va="top", fontsize=9,
        color=style.INK,
    )  # fmt: skip
    axes.plot(places, pooled.mean, color=style.INK, lw=2.2, alpha=0.45)
    marks = dict(zip(families, "os^Dv", strict=False))
    for i, (family, mark) in enumerate(marks.items()):
        alone = Estimate.stack(gains[at][family] for at in STEPS)
        errors = [alone.mean - alone.low, alone.high - alone.mean]
        aside = 38 * (i - (len(marks) - 1) / 2)
        axes.errorbar(places + aside, alone.mean, errors, color=style.INK, fmt=mark, ms=4.5, lw=1)
    axes.set_xticks(places, [str(at) for at in STEPS])
    style.points(axes, "small minus large, points")
    axes.set_ylim(top=axes.get_ylim()[1] + 0.08)
    axes.annotate(
        f"line: {_seeds(len(families))}\ntogether", (STEPS[3], float(pooled.mean[3])),
        xytext=(24, 17), textcoords="offset points", fontsize=9, color=style.INK, ha="left", linespacing=1.1,
    )  # fmt: skip
    style.marks(figure, {seed_name(family): (style.INK, mark) for family, mark in marks.items()})
    won = {at: {"small": 1, NOBODY: 0, "large": -1}[cell.verdict] for at, cell in cells.items()}
    signs = {at: {*(gain.sign for gain in gains[at].values()), won[at]} for at in STEPS}
    return Drawing(
        figure,
        _crossing(signs, len(families)),
        f"Small minus large, over {_seeds(len(families))}, goes from {pooled.unstack()[0]:.1 points} at "
        f"{STEPS[0]} steps to {pooled.unstack()[-1]:.1 points} at {STEPS[-1]}.",
        pd.DataFrame(
            {
                "steps": STEPS,
                **{seed_name(family): [gains[at][family] for at in STEPS] for family in families},
                "one strategy for all": pooled.unstack(),
                "wins": ["nobody" if cell.verdict == NOBODY else cell.verdict for cell in cells.values()],
            }
        ),
        ".1p",
    )


def _zones(axes: Axes, verdicts: Sequence[str]) -> None:
    """Shade and name who wins at each of `STEPS`; between two steps, each shade goes half the way."""
    left, right = axes.get_xlim()
    between = [left, *((one + other) / 2 for one, other in pairwise(STEPS)), right]
    start = 0
    for verdict, group in groupby(verdicts):
        end = start + len([*group])
        nobody = verdict == NOBODY
        axes.axvspan(between[start], between[end], color=WINNERS[verdict], alpha=0.16 if nobody else 0.35, lw=0)
        axes.annotate(
            f"{'nobody' if nobody else verdict}\nwins", ((between[start] + between[end]) / 2, 0.975),
            xycoords=axes.get_xaxis_transform(), ha="center", va="top", fontsize=9, color=style.INK, weight="bold",
            linespacing=1.1,
        )  # fmt: skip
        start = end


def seed_name(family: str) -> str:
    return f"seed {0 if family == SHIPPED else family}"


def _seeds(count: int) -> str:
    return {1: "one seed", 2: "both seeds", 3: "all three seeds"}.get(count, f"all {count} seeds")


def _crossing(signs: Mapping[int, set[int]], families: int) -> str:
    """Who is ahead along the large model's training, where all families and the interval over all of them agree."""
    ahead, behind = ([at for at in signs if signs[at] == {sign}] for sign in (1, -1))
    every = f"in {_seeds(families)}"
    if ahead and behind and max(ahead) < min(behind):
        end = f"from step {min(behind)} on" if len(behind) > 1 else f"at step {min(behind)}"
        return f"Thinking beats the large model up to step {max(ahead)} and loses {end}, {every}"
    if ahead or behind:
        side, where = ("beats", ahead) if ahead else ("loses to", behind)
        return f"Thinking {side} the large model at {len(where)} of {len(signs)} points of its training, {every}"
    return f"At no point of the large model's training is there the same winner {every}"


def equal_training() -> int:
    """The step at which the large model's training has cost most nearly as many FLOPs as the small model's."""

    def nearest() -> int:
        spent = training_flops("small")
        return min(STEPS, key=lambda at: abs(training_flops("large", at=at) - spent))

    return of_all(nearest)


@drawn(ALL_SEEDS)
def same_training() -> Drawing:
    """What each model solves by the FLOPs of its training: one pass of each, and the small one thinking."""
    passes = of_all(lambda: Estimate.stack(greedy("large", at).solved for at in STEPS))
    trained = of_all(lambda: [float(training_flops("large", at=at)) for at in STEPS])
    nearest = equal_training()
    once = of_all(lambda: greedy("small").minus(greedy("large", nearest)))
    thinking = pooled_map(nearest)[5][-1]
    small = each_family(
        lambda: (float(training_flops("small")), greedy("small").solved, matched(nearest).solved),
    )
    figure, axes = style.new_axes(height=3.0)
    style.shares(axes, 0.4)
    grey = style.COLOURS["large"]
    style.band(axes, trained, passes, grey)
    axes.plot(trained, passes.mean, color=grey, ls=style.DASHED, marker="o", ms=4)
    for at, aside, ha in ((STEPS[0], (8, -3), "left"), (nearest, (44, 5), "left"), (STEPS[-1], (4, 22), "right")):
        place = STEPS.index(at)
        axes.annotate(
            f"14x, {at} steps", (trained[place], float(passes.mean[place])), xytext=aside, va="top", ha=ha,
            textcoords="offset points", fontsize=9, color=grey,
            arrowprops={"arrowstyle": "-", "color": grey, "lw": 0.8} if at == nearest else None,
        )  # fmt: skip
    marks = dict(zip(small, "os^Dv", strict=False))
    for family, mark in marks.items():
        flops, one, best = small[family]
        axes.plot([flops] * 2, [float(one.mean), float(best.mean)], mark, ls=":", color=style.INK, ms=5.5, lw=1.2)
    places = [flops for flops, *_ in small.values()]
    once_at, best_at = of_all(lambda: float(greedy("small").correct.mean())), max(b.mean for *_, b in small.values())
    for name, spot, aside, ha in (
        ("small, one pass", (max(places), once_at), (9, -6), "left"),
        ("small, thinking", (float(np.mean(places)), float(best_at)), (0, 12), "center"),
    ):
        axes.annotate(
            name, spot, xytext=aside, textcoords="offset points", fontsize=9, ha=ha, va="center", color=style.INK
        )
    style.marks(figure, {f"small, {seed_name(family)}": (style.INK, mark) for family, mark in marks.items()})
    axes.set(xlim=(0.8 * trained[0], 1.04 * trained[-1]), xlabel="FLOPs of training")
    axes.set_xticks([4e12 * i for i in range(1, 1 + int(trained[-1] / 4e12))])
    axes.xaxis.set_major_formatter(style.AMOUNT)
    return Drawing(
        figure,
        f"Trained for about as many FLOPs, the small model {by_sign(once)} the large one if both make one pass, and "
        f"{by_sign(thinking.gain)} it by thinking",
        f"Against the large model after {nearest} steps it is {once:.0 points} with one pass, and "
        f"{thinking.gain:.0 points} with its best strategy for the FLOPs of one large pass.",
        pd.DataFrame(
            [
                *(
                    {"": f"small, {how}, {seed_name(family)}", "solved": solved, "FLOPs of training": flops}
                    for family, (flops, one, best) in small.items()
                    for how, solved in (("one pass", one), ("thinking", best))
                ),
                *(
                    {"": f"14x, {at} steps", "solved": solved, "FLOPs of training": flops}
                    for at, solved, flops in zip(STEPS, passes.unstack(), trained)
                ),
            ]
        ),
    )


@drawn(ALL_SEEDS)
def who_pays_for_the_verifier() -> Drawing:
    """Accuracy against all FLOPs, training included, with the verifier's training charged to the small model or not."""
    return of_all(_who_pays_for_the_verifier)


def _who_pays_for_the_verifier() -> Drawing:
    arms = [stepwise(T) for T in (1, 3, 7, 15, 31)]
    votes = [vote(N) for N in (1, 2, 4, 8, 16, 32)]

    def total(arm: Arm, made: float) -> float:
        return made + QUESTIONS * arm.cost

    def line(look: str, arms: Sequence[Arm], made: float, **how: Any) -> Series:
        return Series(look, Estimate.stack(arm.solved for arm in arms), [total(arm, made) for arm in arms], **how)

    given, charged = training_flops("small"), training_flops("small", "prm")
    passes = {at: greedy("large", at) for at in STEPS}
    large = [total(arm, training_flops("large", at=at)) for at, arm in passes.items()]
    lines = {
        "verifier given": line("revision", arms, given),
        "verifier trained": line("revision", arms, charged, dotted=True),
        "14x, along its training": Series("large", Estimate.stack(arm.solved for arm in passes.values()), large),
        "vote": line("majority", votes, given),
    }
    figure, axes = style.new_axes()
    style.shares(axes, 0.4)
    charts.draw_unnamed(axes, list(lines.values()), markers=True)
    style.flops(axes, f"FLOPs in all, {QUESTIONS:,} questions")
    for label, place, aside, ha, va in (  # each at its own line, because two lines end at the same height
        ("verifier\ngiven", -1, (0, 9), "center", "bottom"),
        ("verifier\ntrained", 0, (0, -8), "center", "top"),
        ("14x, along\nits training", 3, (9, -2), "left", "top"),
        ("vote", 3, (0, -13), "center", "top"),
    ):
        line_ = lines[label.replace("\n", " ")]
        axes.annotate(
            label, (line_.at[place], float(line_.values.mean[place])), xytext=aside, textcoords="offset points",
            ha=ha, va=va, fontsize=9, color=style.COLOURS[line_.strategy], annotation_clip=False,
        )  # fmt: skip
    opponent = large[STEPS.index(USUAL)]
    saved = [total(stepwise(15), made) / opponent for made in (given, charged)]
    return Drawing(
        figure,
        f"Charged for its verifier's training, the small model costs more in all for {QUESTIONS:,} questions"
        if saved[0] < 1 < saved[1]
        else "Even charged for its verifier's training, the small model costs less in all than the large one"
        if saved[1] < 1
        else "Even with its verifier given the small model costs more in all",
        f"At most 15 restarts and {QUESTIONS:,} questions cost {style.amount(saved[0] * opponent)}FLOPs with the "
        f"verifier given and {style.amount(saved[1] * opponent)}FLOPs with its training; the large model after {USUAL} "
        f"steps {style.amount(opponent)}FLOPs.",
        pd.DataFrame(
            [
                {"": name, "solved": arm.solved, "FLOPs in all": cost}
                for name, arm, cost in (
                    *(
                        (f"at most {T} restarts, verifier {kind}", stepwise(T), total(stepwise(T), made))
                        for T in (3, 15, 31)
                        for kind, made in (("given", given), ("trained", charged))
                    ),
                    *((f"vote of {N}", vote(N), total(vote(N), given)) for N in (4, 16)),
                    *((f"14x, {at} steps", arm, cost) for (at, arm), cost in zip(passes.items(), large)),
                )
            ]
        ),
    )
