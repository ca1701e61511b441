"""Figures of chapter 5: who gets how much."""

import numpy as np
import pandas as pd

from ..allocator import Arm
from ..estimators import Estimate
from ..results import adaptive, allocated, beam, gain, hybrid, lesson, spread, uniform, weighted
from ..results.allocation import ahead, plan
from ..results.sampling import estimate_hits
from ..results.wording import by_sign
from . import charts, style
from .charts import series
from .drawing import Drawing, drawn
from .words import times

BUDGETS = (4, 8, 16, 32, 64)
LOOKS = (1, 2, 4, 8, 16, 64)


@drawn
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
                "FLOPs a problem": [arm.cost for _, arm, _ in ways.values()],
            }
        ),
    )


def _fifths(names: list[str]) -> str:
    if len(names) == 5:
        return "every fifth"
    return f"the {' and the '.join(names[-2:])} fifth" if len(names) <= 2 else f"the {', '.join(names)} fifths"


@drawn
def difficulty_estimates() -> Drawing:
    """How often an estimate of difficulty puts a problem into its right fifth, by its FLOPs."""
    scored, counted = {n: estimate_hits(n) for n in LOOKS}, {n: estimate_hits(n, "disagreement") for n in LOOKS[1:]}
    lines = {
        "mean score\nof the PRM": series("prm", scored, cost=True),
        "answers only\ncounted": series("majority", counted, cost=True),
    }
    figure, axes = style.new_axes()
    style.shares(axes, 0.0, 0.8, "right fifth")
    charts.draw(axes, lines, markers=True)
    axes.axhline(0.2, color=style.INK, lw=1, ls=style.DASHED)
    axes.annotate("by chance", (0.02, 0.2), xycoords=axes.get_yaxis_transform(), xytext=(0, 4),
                  textcoords="offset points", fontsize=9)  # fmt: skip
    style.flops(axes, "FLOPs of the estimate, a problem")
    difference = counted[4].minus(scored[1])
    cheaper = counted[4].cost <= scored[1].cost
    return Drawing(
        figure,
        f"Four answers that are only counted tell {by_sign(difference, 'more than', 'as much as', 'less than')} "
        f"one that is scored, {'for fewer FLOPs' if cheaper else 'for more FLOPs'}",
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


def _plan(name: str) -> Drawing:
    """The table of a fitted policy as a map: a row a budget, a column a fifth."""
    cells = [[plan(name, "oracle", n, k) for k in range(5)] for n in BUDGETS]
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
    spent = np.array([[_places(text) for text in row] for row in cells], dtype=float).mean(axis=0)
    return Drawing(
        figure,
        "The fitted policy searches, and spends more on harder problems"
        if spent[4] > spent[0]
        else "The fitted policy spends as much on easy problems as on hard ones",
        f"Over the five budgets it takes {spent[0]:.0f} places on average on the easiest fifth and {spent[4]:.0f} "
        "on the hardest.",
        pd.DataFrame(cells, columns=style.SHORT_FIFTHS, index=pd.Index(BUDGETS, name="budget")),
    )


def _places(text: str) -> int:
    """Generations of a plan in words."""
    numbers = [int(word.strip(",")) for word in text.replace("M=", "").split() if word.strip(",").isdigit()]
    return numbers[0] * numbers[1] if "×" in text else numbers[0]


def _short(text: str) -> str:
    return text.replace(", M=", "\nM=").replace("best of ", "best\nof ")


@drawn
def allocation_by_difficulty() -> Drawing:
    """What the policy fitted for search does with each fifth, by budget."""
    return _plan("search")


@drawn
def allocated_against_flops() -> Drawing:
    """Policies by difficulty against the same way for everybody, by FLOPs, estimates of difficulty charged."""
    samples = {n: weighted(n) for n in (1, 2, 4, 8, 16, 32, 64)}
    lines = {
        "oracle\ndifficulty": series("oracle", {n: allocated("search", "oracle", n) for n in BUDGETS}, cost=True),
        "beam for all": series("beam", {n: beam(n) for n in BUDGETS}, cost=True),
        "predicted": series(
            "optimal", {n: allocated("search", "predicted", n) for n in BUDGETS}, cost=True, dashed=True
        ),
        "best-of-N\nfor all": series("prm", samples, cost=True),
    }
    over_samples, over_beam = (gain(allocated("search", "oracle", 16), over) for over in ("samples", "beam"))
    predicted = gain(allocated("search", "predicted", 16), "beam")
    return Drawing(
        charts.against_flops(lines, scale=(0.5, 1.0), bands=False),
        f"Knowing the difficulty {by_sign(over_samples)} samples for all, and {by_sign(over_beam)} a beam for all; "
        f"predicting it {by_sign(predicted)} that beam",
        f"At a budget of 16 and equal FLOPs, oracle difficulty minus best-of-N is {over_samples:.1 points}, minus "
        f"beam search {over_beam:.1 points}.",
        pd.DataFrame(
            [
                {
                    "": f"{kind} difficulty, budget {n}",
                    "solved": arm.solved,
                    "FLOPs a problem": arm.cost,
                    "minus best-of-N (points)": gain(arm),
                    "minus beam (points)": gain(arm, "beam"),
                }
                for kind in ("oracle", "predicted")
                for n in BUDGETS
                for arm in (allocated("search", kind, n),)
                if arm.cost <= uniform("beam").at(64, M=4).cost
            ]
        ),
        {"solved": ".1%", "minus best-of-N (points)": ".1p", "minus beam (points)": ".1p"},
    )


@drawn
def adaptive_stopping() -> Drawing:
    """Sampling until the vote is clear, and spreading a batch's budget, against as many samples for everybody."""
    limits = (4, 8, 16, 32, 64)
    samples = {n: weighted(n) for n in (1, 2, 4, 8, 16, 32, 64)}
    stops = {n: adaptive(n) for n in limits}
    shared = {n: spread("predicted", weighted(n).cost) for n in (4, 16, 64)}
    lines = {
        "stop when clear": series("optimal", stops, cost=True),
        "spread over\na batch": series("majority", shared, cost=True, dashed=True),
        "same for all": series("prm", samples, cost=True),
    }
    gains = {n: gain(arm) for n, arm in stops.items()}
    better = sum(value.sign > 0 for value in gains.values())
    saves = weighted(64).cost / stops[64].cost
    return Drawing(
        charts.against_flops(lines, scale=(0.4, 1.0)),
        "Stopping when the vote is clear "
        f"{'beats' if better == len(limits) else 'mostly beats' if better > 2 else 'hardly beats'} "
        "as many FLOPs spent alike on all",
        f"With up to 64 samples it solves {stops[64].solved:.1%} for {times(saves)} fewer FLOPs than 64 samples "
        f"for everybody, which solve {weighted(64).solved:.1%}.",
        pd.DataFrame(
            [
                {
                    "": name,
                    "solved": arm.solved,
                    "FLOPs a problem": arm.cost,
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


def _ahead(arm: Arm) -> Estimate | str:
    found = ahead(arm, "parallel")
    return found if isinstance(found, Estimate) else "costs more than any"


@drawn
def lesson_rule() -> Drawing:
    """The lesson's rule, a fitted policy and samples for all, with the revision model, by FLOPs."""
    shown = (4, 16, 64)
    lines = {
        "fitted": series("oracle", {n: allocated("revision", "oracle", n) for n in shown}, cost=True),
        "samples for all": series("prm", {n: hybrid(n) for n in shown}, cost=True),
        "lesson's rule": series("revision", {n: lesson(n) for n in shown}, cost=True),
    }
    rule, fitted = gain(lesson(16), "parallel"), gain(allocated("revision", "oracle", 16), "parallel")
    return Drawing(
        charts.against_flops(lines, scale=charts.zoom(lines)),
        f"The lesson's rule {by_sign(rule)} samples of equal price; a policy fitted to revisions {by_sign(fitted)} "
        "them",
        f"At a budget of 16 and equal FLOPs the rule minus samples is {rule:.1 points}, the fitted policy minus "
        f"samples {fitted:.1 points}.",
        pd.DataFrame(
            [
                {
                    "": f"{name}, budget {n}",
                    "solved": arm.solved,
                    "FLOPs a problem": arm.cost,
                    "minus samples, same FLOPs (points)": _ahead(arm) if name != "samples" else "",
                    "hardest fifth, minus as many samples (points)": arm.minus(hybrid(n), 4)
                    if name != "samples"
                    else "",
                }
                for n in shown
                for name, arm in (
                    ("lesson's rule", lesson(n)),
                    ("fitted", allocated("revision", "oracle", n)),
                    ("samples", hybrid(n)),
                )
            ]
        ),
        {
            "solved": ".1%",
            "minus samples, same FLOPs (points)": ".1p",
            "hardest fifth, minus as many samples (points)": ".1p",
        },
    )
