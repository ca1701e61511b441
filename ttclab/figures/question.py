"""Figures of chapter 1: what the price of one large pass buys."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from ..allocator import Arm
from ..estimators import Estimate
from ..results import HARDEST, coverage, greedy, training_flops, vote, weighted
from ..results.exchange import STEPS, bill, matched_samples
from ..results.families import each_family
from ..results.training import steps
from ..results.wording import by_sign
from . import charts, style
from .charts import Row
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn

RESULT = ("wins", "ties", "loses")
PARTS = {"reading": style.COLOURS["reading"], "writing": style.COLOURS["writing"], "verifier": style.COLOURS["prm"]}


@drawn(SEED_0)
def price_of_a_pass() -> Drawing:
    """Where the FLOPs go: one large pass, the samples that cost as much, and fewer with a verifier."""
    many, scored = matched_samples(), matched_samples("prm")
    bars = {
        "large model,\n1 solution": bill("large"),
        f"small model,\n{many} solutions": bill("small", many),
        f"small model,\n{scored} + verifier": bill("small", scored, "prm"),
        "small model,\n1 solution": bill("small"),
    }
    names = [name.replace("\n", " ") for name in bars]
    numbers = pd.DataFrame(
        [
            {"": name, **{f"FLOPs, {part}": parts.get(part, 0.0) for part in PARTS}}
            for name, parts in zip(names, bars.values())
        ]
    )
    figure = charts.stacked(bars, PARTS, xlabel="FLOPs per problem")
    longest = max(sum(parts.values()) for parts in bars.values())
    axes = figure.axes[0]
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= longest])  # no grid line through the amounts
    return Drawing(
        figure,
        f"The price of one large answer buys {many} small ones, or {scored} with a verifier",
        f"One pass of the large model costs {greedy('large').cost / 1e6:.0f} million FLOPs per problem; "
        f"{scored} samples of the small one and their scores cost {weighted(scored).cost / 1e6:.0f} million.",
        numbers,
    )


@drawn(SEED_0)
def equal_price() -> Drawing:
    """What one large pass solves, and what the small model solves for the same FLOPs, by who chooses."""
    many, scored = matched_samples(), matched_samples("prm")
    rows = {
        f"small, 1 greedy pass:\n{greedy('small').cost / greedy('large').cost:.0%} of the price": Row(
            "single", greedy("small").solved
        ),
        f"small, {many} samples:\nvote": Row("majority", vote(many).solved),
        f"small, {scored} samples\nand the PRM's reading": Row("prm", weighted(scored).solved),
        "large, 1 greedy pass": Row("large", greedy("large").solved),
        f"small, {many} samples:\nperfect verifier": Row("oracle", coverage(many).solved),
    }
    by_vote, by_oracle = (arm.minus(greedy("large")) for arm in (vote(many), coverage(many)))
    joined = "and" if by_vote.sign == by_oracle.sign else "but"
    return Drawing(
        charts.dots(rows, xlabel="problems solved", low=0.4, high=1.0),
        f"For the price of one large pass, a vote {by_sign(by_vote, *RESULT)}, {joined} a perfect verifier "
        f"{by_sign(by_oracle, *RESULT)}",
        f"The vote solves {vote(many).solved:.0%}, the large model {greedy('large').solved:.0%}, "
        f"a perfect verifier {coverage(many).solved:.0%}.",
        pd.DataFrame(
            {
                "": [name.replace("\n", " ") for name in rows],
                "solved": [row.value for row in rows.values()],
                "FLOPs per problem": [
                    arm.cost for arm in (greedy("small"), vote(many), weighted(scored), greedy("large"), coverage(many))
                ],
            }
        ),
    )


@drawn(SEED_0)
def equal_price_by_fifth() -> Drawing:
    """The same comparison in each fifth of difficulty."""
    many, large = matched_samples(), greedy("large")
    arms = {
        "perfect\nverifier": ("oracle", coverage(many)),
        "large,\none pass": ("large", large),
        "vote": ("majority", vote(many)),
    }
    lines = {name: charts.fifths_of(*each) for name, each in arms.items()}
    falls = [k for k in range(5) if vote(many).minus(large, k).sign < 0]  # fifths on which the vote loses
    keeps = all(coverage(many).minus(large, k).sign >= 0 for k in range(5))
    where = {(): "no fifth", (HARDEST,): "the hardest fifth", (HARDEST - 1, HARDEST): "the two hardest fifths"}
    hard = vote(many).fifth(HARDEST).solved
    return Drawing(
        charts.by_fifth(lines),
        f"A vote falls behind the large model on {where.get(tuple(falls), f'{len(falls)} of the fifths')}; a perfect "
        f"verifier {'never does' if keeps else 'does, too'}",
        f"On the hardest fifth a perfect verifier solves {coverage(many).fifth(HARDEST).solved:.0%}, "
        f"the large model {large.fifth(HARDEST).solved:.0%}, the vote {hard:.0%}.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                **{name.replace("\n", " "): line.values.unstack() for name, line in lines.items()},
            }
        ),
    )


@drawn(f"{ALL_SEEDS}: 17 samples with free reading, 7 with the reading charged")
def verifier_on_the_bill(free: int = 17, charged: int = 7) -> Drawing:
    """The small model with the PRM minus one large pass in each seed, with the verifier's reading free and charged."""
    ways = (("free", free, vote), ("charged", charged, weighted))
    gains = [each_family(partial(_minus_a_large_pass, N)).values() for _, N, _ in ways]
    paid = [each_family(partial(_in_large_passes, arm, N)).values() for _, N, arm in ways]
    rows = {
        f"seed {seed}, reading {name}": Row("prm", gain, name == "free")
        for seed, pair in enumerate(zip(*gains, strict=True))
        for (name, *_), gain in zip(ways, pair, strict=True)
    }
    prices = [price for pair in zip(*paid, strict=True) for price in pair]  # of what is charged, in large passes
    flattery = [float(gain.mean) for gain in each_family(lambda: weighted(free).minus(weighted(charged))).values()]
    figure = charts.dots(rows, xlabel="small minus large, points", difference=True, decimals=1)
    _join_pairs(figure.axes[0], [float(row.value.mean) for row in rows.values()])
    return Drawing(
        figure,
        f"Leave the PRM's reading off the bill, and the small model looks {100 * min(flattery):.0f} to "
        f"{100 * max(flattery):.0f} points better",
        f"{free} samples, their reading free, and {charged} samples, their reading charged, each cost about one large "
        f"pass: {min(prices):.2f} to {max(prices):.2f} of it.",
        pd.DataFrame(
            {
                "": list(rows),
                "samples": [free if row.hollow else charged for row in rows.values()],
                "minus one large pass (points)": [row.value for row in rows.values()],
                "charged, in large passes": [f"{price:.2f}" for price in prices],
            }
        ),
        {"minus one large pass (points)": ".1p"},
    )


def _join_pairs(axes: Axes, places: Sequence[float]) -> None:
    """Draw an arrow from the first row of each pair to the second, and say above them which side leads where."""
    for row in range(0, len(places), 2):
        arrow = {"arrowstyle": "-|>", "color": style.INK, "lw": 0.9, "shrinkA": 5, "shrinkB": 5}
        axes.annotate("", (places[row + 1], row + 1), (places[row], row), arrowprops=arrow)
        if row:
            axes.axhline(row - 0.5, color=style.INK, lw=0.5, alpha=0.3)
    axes.axvspan(0, axes.get_xlim()[1], color=style.INK, alpha=0.07, lw=0)
    axes.set_ylim(len(places) - 0.5, -1.3)
    for text, side, aside in (("large ahead", "right", -5), ("small ahead", "left", 5)):
        axes.annotate(text, (0, -0.85), xytext=(aside, 0), textcoords="offset points", ha=side, va="center", fontsize=9)


def _minus_a_large_pass(N: int) -> Estimate:
    return weighted(N).minus(greedy("large"))


def _in_large_passes(arm: Callable[[int], Arm], N: int) -> float:
    return arm(N).cost / greedy("large").cost


@drawn(SEED_0)
def large_model_along_its_training() -> Drawing:
    """One pass of the large model at the points of its training, and what the small one does for its price."""
    many, scored = matched_samples(), matched_samples("prm")
    passes = {at: greedy("large", at) for at in STEPS}
    spent = {at: training_flops("large", at=at) for at in STEPS}
    solved = Estimate.stack(arm.solved for arm in passes.values())
    flat = {
        f"perfect verifier\nof {many}": ("oracle", coverage(many)),
        f"PRM of {scored}": ("prm", weighted(scored)),
        f"vote of {many}": ("majority", vote(many)),
    }
    figure, axes = style.new_axes()
    style.shares(axes, 0.4)
    lines = {
        "large,\none pass": charts.Series("large", solved, list(spent.values())),
        **{
            name: charts.Series(strategy, Estimate.stack([arm.solved] * 2), [min(spent.values()), max(spent.values())])
            for name, (strategy, arm) in flat.items()
        },
    }
    charts.draw(axes, lines, bands=False)
    style.band(axes, list(spent.values()), solved, style.COLOURS["large"], 0.2)
    axes.plot(list(spent.values()), solved.mean, "o", color=style.COLOURS["large"], mfc=style.PAGE, ms=4.5)
    shown = (spent[1500], float(passes[1500].solved.mean))
    axes.annotate(
        "the large model\nof this chapter",
        shown,
        xytext=(min(spent.values()), 0.92),
        arrowprops={"arrowstyle": "-", "lw": 1, "color": style.INK},
    )
    axes.plot(*shown, "o", color=style.INK, mfc=style.PAGE, ms=7.5, mew=1.6)
    axes.set_xlabel(
        f"training of the large model, 10¹² FLOPs\n({steps('large', STEPS[0])} to {steps('large', STEPS[-1]):,} steps)"
    )
    axes.xaxis.set_major_formatter(style.TRILLIONS)
    axes.locator_params(axis="x", nbins=5)
    first, *_, last = (coverage(many).minus(arm).sign for arm in passes.values())
    finding = (
        # One title for seeds in which it overtakes and seeds in which it ties.
        "Trained for longer, the large model catches up with even a perfect verifier"
        if first > 0 >= last
        else "A perfect verifier beats the large model wherever its training stops"
        if first > 0
        else "Not even a perfect verifier beats the large model, wherever its training stops"
    )
    return Drawing(
        figure,
        finding,
        f"One pass solves {passes[STEPS[0]].solved:.0%} after {steps('large', STEPS[0])} steps and "
        f"{passes[STEPS[-1]].solved:.0%} after {steps('large', STEPS[-1])}; the perfect verifier "
        f"{coverage(many).solved:.0%}.",
        pd.DataFrame(
            {
                "steps": STEPS,
                "FLOPs of training": [float(x) for x in spent.values()],
                "one pass solves": solved.unstack(),
                "perfect verifier, minus it (points)": [coverage(many).minus(arm) for arm in passes.values()],
                "vote, minus it (points)": [vote(many).minus(arm) for arm in passes.values()],
            }
        ),
        {
            "one pass solves": ".0%",
            "perfect verifier, minus it (points)": ".0p",
            "vote, minus it (points)": ".0p",
        },
    )
