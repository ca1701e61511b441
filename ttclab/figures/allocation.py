"""Figures of chapter 5: who gets how much."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..allocator import Arm
from ..estimators import Estimate
from ..results import adaptive, allocated, beam, gain, lesson, spread, stepwise, uniform, weighted
from ..results.allocation import plan
from ..results.sampling import estimate_hits
from ..results.wording import by_sign
from . import charts, style
from .charts import Series, series
from .drawing import SEED_0, Drawing, drawn
from .words import times

BUDGETS = (4, 8, 16, 32, 64)
LOOKS = (1, 2, 4, 8, 16, 64)


@drawn(SEED_0)
def ways_by_fifth() -> Drawing:
    """What a few ways to spend solve in each fifth of difficulty."""
    ways = {
        "beam, N=64": ("beam", beam(64), False),
        "beam, N=4": ("beam", beam(4), True),
        "best of 64": ("prm", weighted(64), False),
        "best of 4": ("prm", weighted(4), True),
    }
    lines = {name: charts.fifths_of(strategy, arm, dashed=dashed) for name, (strategy, arm, dashed) in ways.items()}
    gains = [beam(64).minus(beam(4), k) for k in range(5)]
    pays = [style.SHORT_FIFTHS[k] for k in range(5) if gains[k].sign > 0]
    return Drawing(
        charts.by_fifth(lines),
        f"Sixteen times the budget pays on {_fifths(pays)}" if pays else "Sixteen times the budget pays in no fifth",
        f"From 4 to 64 places of a beam: {gains[0]:.0 points} on the easiest fifth, {gains[4]:.0 points} on the "
        "hardest.",
        pd.DataFrame(
            {
                "": list(ways),
                **{
                    name: [arm.fifth(k).solved for _, arm, _ in ways.values()]
                    for k, name in enumerate(style.SHORT_FIFTHS)
                },
                "FLOPs per problem": [arm.cost for _, arm, _ in ways.values()],
            }
        ),
    )


def _fifths(names: list[str]) -> str:
    if len(names) == 5:
        return "every fifth"
    return f"the {' and the '.join(names[-2:])} fifth" if len(names) <= 2 else f"the {', '.join(names)} fifths"


@drawn(SEED_0)
def difficulty_estimates() -> Drawing:
    """How often an estimate of difficulty puts a problem into its right fifth, by its FLOPs."""
    scored, counted = {n: estimate_hits(n) for n in LOOKS}, {n: estimate_hits(n, "disagreement") for n in LOOKS[1:]}
    lines = {
        "mean score\nof the PRM": series("prm", scored, cost=True),
        "answers only\ncounted": series("majority", counted, cost=True),
    }
    figure, axes = style.new_axes()
    style.shares(axes, 0.0, 0.9, "right fifth")
    charts.draw(axes, lines, markers=True)
    axes.axhline(0.2, color=style.INK, lw=1, ls=style.DASHED)
    axes.annotate("by chance", (0.02, 0.2), xycoords=axes.get_yaxis_transform(), xytext=(0, 4),
                  textcoords="offset points", fontsize=9)  # fmt: skip
    style.flops(axes, "FLOPs of the estimate per problem")
    difference = counted[4].minus(scored[1])
    cheaper = counted[4].cost <= scored[1].cost
    return Drawing(
        figure,
        f"Counting four answers tells {by_sign(difference, 'more than', 'as much as', 'less than')} scoring one, and "
        f"costs {'less' if cheaper else 'more'}",
        f"One score puts {scored[1].solved:.0%} of the problems into their right fifth, 64 scores "
        f"{scored[64].solved:.0%}; by chance it would be 20%.",
        pd.DataFrame(
            {
                "solutions": LOOKS,
                "mean score: right fifth": [scored[n].solved for n in LOOKS],
                "mean score: FLOPs": [scored[n].cost for n in LOOKS],
                "counted: right fifth": ["", *(counted[n].solved for n in LOOKS[1:])],
                "counted: FLOPs": [float("nan"), *(counted[n].cost for n in LOOKS[1:])],
            }
        ),
    )


@drawn(SEED_0)
def allocation_by_difficulty() -> Drawing:
    """The table of the fitted policy that may use every strategy, as a map: a row a budget, a column a fifth."""
    cells = [[plan("whole", "oracle", n, k) for k in range(5)] for n in BUDGETS]
    families = {"beam": "beam", "best": "prm"}
    figure, axes = style.new_axes(height=2.7, grid=False)
    for row, plans in enumerate(cells):
        for column, text in enumerate(plans):
            strategy = families.get(text.split()[0], "revision")
            share = _places(text) / BUDGETS[-1]
            axes.fill_between(
                [column - 0.47, column + 0.47], row - 0.44, row + 0.44, color=style.COLOURS[strategy], lw=0,
                alpha=0.18 + 0.5 * share**0.5,
            )  # fmt: skip
            axes.text(column, row, _short(text), ha="center", va="center", fontsize=8.5)
    style.tiles(axes, style.SHORT_FIFTHS, [str(n) for n in BUDGETS])
    axes.set(xlabel="fifth of difficulty", ylabel="budget")
    places = np.array([[_places(text) for text in row] for row in cells])
    start = _from(dict(zip(BUDGETS, places[:, 4] > places[:, 0], strict=True)))
    return Drawing(
        figure,
        "The fitted policy spends as much on easy problems as on hard ones"
        if start is None
        else "The fitted policy spends more on harder problems"
        if start == BUDGETS[0]
        else f"From a budget of {start} on, the fitted policy spends more on harder problems",
        f"With a budget of {BUDGETS[-1]} it takes at most {places[-1, 0]} generations on the easiest fifth and "
        f"{places[-1, 4]} on the hardest.",
        pd.DataFrame(cells, columns=style.SHORT_FIFTHS, index=pd.Index(BUDGETS, name="budget")),
    )


def _from(holds: Mapping[int, bool]) -> int | None:
    """The budget from which on something holds; None where it does not hold for the largest."""
    start = None
    for budget, true in reversed(list(holds.items())):
        if not true:
            break
        start = budget
    return start


def _places(text: str) -> int:
    """Generations of a plan in words."""
    numbers = [int(word.strip(",")) for word in text.replace("M=", "").split() if word.strip(",").isdigit()]
    return numbers[0] * numbers[1] if "×" in text else numbers[0]


def _short(text: str) -> str:
    return text.replace(", M=", "\nM=").replace("best of ", "best\nof ").replace(" by ", "\nby ")


@drawn(SEED_0)
def allocated_against_flops() -> Drawing:
    """Policies by difficulty against the same way for everybody, by FLOPs, estimates of difficulty charged."""
    policies = {kind: {n: allocated("whole", kind, n) for n in BUDGETS} for kind in ("oracle", "predicted")}
    alike = {
        "best-of-N": series("prm", {n: weighted(n) for n in BUDGETS}, cost=True),
        "beam": series("beam", {n: beam(n) for n in BUDGETS}, cost=True),
        "one chain": series("revision", {T: stepwise(T) for T in (3, 7, 15, 31)}, cost=True),
    }
    known = series("optimal", policies["oracle"], cost=True)
    predicted = series("optimal", policies["predicted"], cost=True, dashed=True)
    figure, axes = style.new_axes(height=3.0)
    style.shares(axes, 0.7, 0.88)
    axes.set_yticks([0.7, 0.75, 0.8, 0.85])
    charts.draw_unnamed(axes, [*alike.values(), known, predicted], markers=True, bands=False)
    axes.set_xlim(4.5e6, 1.1 * weighted(64).cost)
    _name(axes, "known", known, 2, (-6, 5), ha="right")
    _name(axes, "predicted", predicted, 0, (6, -4))
    _name(axes, "one chain", alike["one chain"], 0, (-6, 5), ha="right")
    _name(axes, "beam", alike["beam"], 4, (-4, 8), ha="center")
    _name(axes, "best-of-N", alike["best-of-N"], 2, (6, -5))
    style.flops(axes, "FLOPs per problem")
    over = {name: gain(policies["oracle"][16], name) for name in ("samples", "beam", "steps")}
    guessed = {n: gain(arm, "beam") for n, arm in policies["predicted"].items()}
    start = _from({n: value.sign >= 0 for n, value in guessed.items()})
    return Drawing(
        figure,
        f"Knowing the difficulty {_beats(over['beam'])} a beam and {_beats(over['steps'])} one chain; "
        "predicting it "
        + (
            "loses to the beam"
            if start is None
            else by_sign(guessed[start]) + f" the beam{f' only from budget {start} on' if start > BUDGETS[0] else ''}"
        ),
        f"At a budget of 16 and equal FLOPs, oracle difficulty minus best-of-N is {over['samples']:.1 points}, minus "
        f"beam search {over['beam']:.1 points}, minus one chain {over['steps']:.1 points}.",
        pd.DataFrame(
            [
                {
                    "": f"{kind} difficulty, budget {n}",
                    "solved": arm.solved,
                    "FLOPs per problem": arm.cost,
                    "minus best-of-N (points)": gain(arm),
                    "minus beam (points)": gain(arm, "beam"),
                    "minus one chain (points)": _gain_over(arm, "steps"),
                }
                for kind, of in policies.items()
                for n, arm in of.items()
            ]
        ),
        {
            "solved": ".1%",
            **dict.fromkeys([f"minus {other} (points)" for other in ("best-of-N", "beam", "one chain")], ".1p"),
        },
    )


def _gain_over(arm: Arm, over: str) -> Estimate | str:
    """`gain`, or words if the arm costs more than any recorded budget of the other strategy."""
    if arm.cost > max(other.cost for other in uniform(over).values()):
        return "costs more than any"
    return gain(arm, over)


def _beats(difference: Estimate) -> str:
    """`by_sign`, which says where the difference is small."""
    little = "slightly " if difference.sign and abs(difference.mean) < 0.03 else ""
    return little + by_sign(difference)


def _name(axes: Axes, name: str, line: Series, i: int, aside: tuple[float, float], ha: str = "left") -> None:
    """Write the name of a line beside its point i, so many points aside."""
    axes.annotate(
        name, (line.at[i], float(line.values.mean[i])), xytext=aside, textcoords="offset points", va="center",
        linespacing=1.05, color=style.COLOURS[line.strategy], ha=ha,
    )  # fmt: skip


@drawn(SEED_0)
def adaptive_stopping() -> Drawing:
    """Sampling until the vote is clear, and spreading a batch's budget, against as many samples for everybody."""
    limits = (4, 8, 16, 32, 64)
    samples = {n: weighted(n) for n in (2, 4, 8, 16, 32, 64)}
    stops = {n: adaptive(n) for n in limits}
    shared = {n: spread("predicted", weighted(n).cost) for n in (4, 16, 64)}
    lines = {
        "the same\nfor all": series("prm", samples, cost=True),
        "stop when clear": series("optimal", stops, cost=True),
        "spread over a batch": series("optimal", shared, cost=True, dashed=True),
    }
    figure, axes = style.new_axes()
    style.shares(axes, 0.55, 0.88)
    charts.draw(axes, {name: lines[name] for name in list(lines)[:1]}, markers=True, bands=False)
    charts.draw_unnamed(axes, list(lines.values())[1:], markers=True, bands=False)
    axes.set_xlim(4e6, 1.1 * samples[64].cost)
    _name(axes, "stop when clear", lines["stop when clear"], 1, (-7, 4), ha="right")
    _name(axes, "spread over a batch", lines["spread over a batch"], 1, (-7, 6), ha="right")
    style.flops(axes, "FLOPs per problem")
    gains = {n: gain(arm) for n, arm in stops.items()}
    better = sum(value.sign > 0 for value in gains.values())
    start = _from({n: gain(arm).sign > 0 for n, arm in shared.items()})
    saves = weighted(64).cost / stops[64].cost
    return Drawing(
        figure,
        "Stopping when the vote is clear "
        f"{'beats' if better == len(limits) else 'mostly beats' if better > 2 else 'hardly beats'} "
        "spending the same FLOPs evenly; spreading them over a batch "
        + ("does not" if start is None else "does, too" if start == 4 else f"does so from {start} samples on"),
        f"With up to 64 samples it solves {stops[64].solved:.1%} for {times(saves)} fewer FLOPs than 64 samples "
        f"for everybody, which solve {weighted(64).solved:.1%}.",
        pd.DataFrame(
            [
                {
                    "": name,
                    "solved": arm.solved,
                    "FLOPs per problem": arm.cost,
                    "minus best-of-N for the same FLOPs (points)": gain(arm),
                }
                for name, arm in (
                    *((f"stop when clear, up to {n}", arm) for n, arm in stops.items()),
                    *((f"spread, the FLOPs of {n} samples", arm) for n, arm in shared.items()),
                )
            ]
        ),
        {"solved": ".1%", "minus best-of-N for the same FLOPs (points)": ".1p"},
    )


def _both(small: str, large: str) -> str:
    """The predicates of a comparison with samples at budgets 4 and 16."""
    if small == large:
        return f"{small} samples at budgets 4 and 16"
    return f"{small} samples at budget 4 and {large} them at 16"


@drawn(SEED_0)
def lesson_rule() -> Drawing:
    """The lesson's rule, one chain for all and a fitted policy, all step by step, minus samples for the same FLOPs."""
    arms = {
        "one chain\nfor all": ("revision", {n: stepwise(n - 1) for n in (4, 8, 16, 32)}, False),
        "fitted": ("optimal", {n: allocated("steps", "oracle", n) for n in BUDGETS}, False),
        "lesson's rule": ("optimal", {n: lesson(n) for n in (4, 16, 64)}, True),
    }
    gains = {name: {n: gain(arm) for n, arm in of.items()} for name, (_, of, _) in arms.items()}
    lines = {
        name: Series(strategy, Estimate.stack(gains[name].values()), list(gains[name]), dashed)
        for name, (strategy, _, dashed) in arms.items()
    }
    rule, chain = gains["lesson's rule"], gains["one chain\nfor all"]
    words = {n: by_sign(value) for n, value in rule.items()}
    return Drawing(
        charts.gains(lines, xlabel="budget in generations", ylabel="minus samples, same FLOPs"),
        f"The lesson's rule {_both(words[4], words[16])}; one chain for all "
        f"{_both(by_sign(chain[4]), by_sign(chain[16]))}",
        f"At a budget of 16 and equal FLOPs the rule minus samples is {rule[16]:.1 points}, one chain minus samples "
        f"{chain[16]:.1 points}.",
        pd.DataFrame(
            [
                {
                    "": f"{name.replace(chr(10), ' ')}, budget {n}",
                    "solved": arm.solved,
                    "FLOPs per problem": arm.cost,
                    "minus samples, same FLOPs (points)": gains[name][n],
                    "hardest fifth, minus as many samples (points)": arm.minus(weighted(n), 4),
                }
                for name, (_, of, _) in arms.items()
                for n, arm in of.items()
            ]
        ),
        {
            "solved": ".1%",
            "minus samples, same FLOPs (points)": ".1p",
            "hardest fifth, minus as many samples (points)": ".1p",
        },
    )
