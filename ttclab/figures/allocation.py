"""Figures of chapter 5: who gets how much."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..allocator import Allocation, Arm, fitted_policy
from ..estimators import Estimate
from ..results import ESTIMATES, adaptive, allocated, beam, gain, lesson, spread, stepwise, weighted
from ..results.families import of_all
from ..results.sampling import estimate_hits
from ..results.seeds import verdict
from ..results.wording import by_sign
from . import charts, style
from .charts import Series, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .words import listed, times

BUDGETS = (4, 8, 16, 32, 64)
CHAINS = (3, 7, 15, 31)  # restarts at most
LOOKS = (1, 2, 4, 8, 16, 64)


@drawn(SEED_0)
def ways_by_fifth() -> Drawing:
    """What a few ways to spend solve in each fifth of difficulty."""
    ways = {
        "beam, N=64": ("beam", beam(64), False),
        "beam, N=4": ("beam", beam(4), True),
        "vote of 64": ("prm", weighted(64), False),
        "vote of 4": ("prm", weighted(4), True),
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
        "mean score\nby the PRM": series("prm", scored, cost=True),
        "disagreement\nof answers": series("majority", counted, cost=True),
    }
    figure, axes = style.new_axes()
    style.shares(axes, 0.0, 0.9, "put into the right fifth")
    charts.draw(axes, lines, markers=True)
    for line, looks, aside in zip(lines.values(), (LOOKS, LOOKS[1:]), ((5, -9), (-5, 8)), strict=True):
        for i, count in enumerate(looks):
            _name(axes, str(count), line, i, aside, ha="center")
    axes.axhline(0.2, color=style.INK, lw=1, ls=style.DASHED)
    axes.annotate("by chance", (0.02, 0.2), xycoords=axes.get_yaxis_transform(), xytext=(0, 4),
                  textcoords="offset points", fontsize=9)  # fmt: skip
    style.flops(axes, "FLOPs per problem (numbers: samples)")
    axes.set_xlim(2.5e6, None)
    difference = counted[4].minus(scored[1])
    ratio = counted[4].cost / scored[1].cost
    price = "at about the same price" if 0.9 < ratio < 1.1 else "for less" if ratio < 1 else "for more"
    return Drawing(
        figure,
        "Counting four answers tells "
        + by_sign(difference, "more than", "as much as", "less than")
        + f" scoring one, {price}",
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
    """The table of the full policy, which may use every strategy, as a map: a row a budget, a column a fifth."""
    table = fitted_policy("whole-oracle").table
    figure, axes = style.new_axes(height=2.8, grid=False)
    for row, budget in enumerate(BUDGETS):
        for column, plan in enumerate(table[budget]):
            strategy = "beam" if plan.M else "revision" if plan.T else "prm"
            axes.fill_between(
                [column - 0.47, column + 0.47], row - 0.44, row + 0.44, color=style.COLOURS[strategy], lw=0,
                alpha=0.18 + 0.5 * (plan.generations / BUDGETS[-1]) ** 0.5,
            )  # fmt: skip
            axes.text(column, row, _planned(plan), ha="center", va="center", fontsize=8.5)
    style.tiles(axes, style.SHORT_FIFTHS, [str(n) for n in BUDGETS])
    axes.set(xlabel="fifth of difficulty (stronger color: more attempts)", ylabel="budget")
    easiest, hardest = (table[BUDGETS[-1]][fifth].generations for fifth in (0, 4))
    easy = {_planned(table[n][fifth]).replace("\n", " ") for n in BUDGETS for fifth in (0, 1)}
    hard = [plan for n in BUDGETS for plan in table[n][3:]]
    mostly = next((name for name, kind in _KINDS.items() if sum(map(kind, hard)) > len(hard) / 2), "plans of all kinds")
    return Drawing(
        figure,
        f"Easy problems get {listed(sorted(easy))}"
        + (", whatever the budget" if len(easy) == 1 else "")
        + f"; hard ones mostly get {mostly}",
        f"With a budget of {BUDGETS[-1]} the full policy uses at most {easiest} generations on the easiest fifth and "
        f"{hardest} on the hardest.",
        pd.DataFrame(
            [
                [f"{_planned(plan)}{f', width {plan.M}' if plan.M else ''}".replace("\n", " ") for plan in table[n]]
                for n in BUDGETS
            ],
            columns=style.SHORT_FIFTHS,
            index=pd.Index(BUDGETS, name="budget"),
        ),
    )


_KINDS: dict[str, Callable[[Allocation], bool]] = {
    "beam searches": lambda plan: plan.M > 0,
    "chains": lambda plan: plan.T > 0,
    "samples": lambda plan: not (plan.M or plan.T),
}


def _planned(plan: Allocation) -> str:
    """A plan in two lines of a cell."""
    if plan.M:
        return f"beam\nof {plan.N}"
    if not plan.T:
        return f"vote\nof {plan.N}"
    kind = "chain" if plan.stepwise else "rewrite"
    return f"a {kind}\nof {1 + plan.T}" if plan.N == 1 else f"{plan.N} {kind}s\nof {1 + plan.T}"


@drawn(ALL_SEEDS)
def allocated_against_flops() -> Drawing:
    """The full policy against the same strategy for every problem, by FLOPs, estimates of difficulty charged."""
    policies = {kind: {n: _pooled(allocated, "whole", kind, n) for n in (4, 16, 64)} for kind in ESTIMATES}
    alike = {
        "weighted vote": series("prm", {n: _pooled(weighted, n) for n in BUDGETS}, cost=True),
        "beam search": series("beam", {n: _pooled(beam, n) for n in BUDGETS}, cost=True),
        "one chain": series("revision", {T: _pooled(stepwise, T) for T in CHAINS}, cost=True),
    }
    known = series("optimal", policies["oracle"], cost=True)
    predicted = series("optimal", policies["predicted"], cost=True, dashed=True)
    figure, axes = style.new_axes(height=3.6)
    style.shares(axes, 0.735, 0.86)
    axes.set_yticks([0.75, 0.8, 0.85])
    votes, chain, beams = alike["weighted vote"], alike["one chain"], alike["beam search"]
    axes.axvline(known.at[1], color=style.INK, lw=1, ls=style.DOTTED, alpha=0.7)
    charts.draw_unnamed(axes, [chain, beams, known, predicted], markers=True, bands=False)
    axes.plot(votes.at[-1:], votes.values.mean[-1:], "o", color=style.COLOURS["prm"], ms=6)
    axes.set_xlim(6e6, 1.25 * votes.at[-1])
    for name, line, i, aside, ha in (
        ("full policy,\ndifficulty\nknown", known, 1, (-12, 36), "right"),
        ("full policy,\ndifficulty predicted", predicted, 0, (26, 26), "left"),
        ("one chain\nfor all", chain, 1, (-8, 8), "right"),
        ("beam search", beams, 4, (-2, 11), "center"),
        ("vote\nof 64", votes, 4, (0, -17), "center"),
    ):
        _name(axes, name, line, i, aside, ha)
    for line, marks in (
        (known, (("4", 0, (-9, -2)), ("16", 1, (-9, 7)), ("64", 2, (-6, 8)))),
        (predicted, (("4", 0, (-8, 0)), ("16", 1, (10, -8)), ("64", 2, (0, -9)))),
        (chain, (("32", 3, (13, 3)),)),
    ):
        for budget, i, aside in marks:
            _name(axes, budget, line, i, aside, ha="center")
    style.flops(axes, "FLOPs per problem (numbers: budgets)")
    over = {name: of_all(partial(_gain_at_16, name)) for name in ("beam", "steps")}
    verdicts = [verdict(f"policy, difficulty known, at most 16, minus {rival}, equal FLOPs") for rival in RIVALS]
    to_beam, to_chain = (_VERBS.get(word, "does not clearly beat") for word in verdicts)
    return Drawing(
        figure,
        f"With a budget of 16 (dotted), knowing the difficulty {to_beam} beam search at equal FLOPs, "
        f"{'and' if to_beam == to_chain else 'but'} {to_chain} one chain",
        f"With a budget of 16 and at equal FLOPs, the full policy with known difficulty minus a beam search is "
        f"{over['beam']:.1 points}, minus one chain {over['steps']:.1 points}.",
        pd.DataFrame(
            [
                {"": name, "budget": budget, "solved": arm.solved, "FLOPs per problem": arm.cost}
                for name, of in (
                    *((f"full policy, difficulty {DIFFICULTY[kind]}", of) for kind, of in policies.items()),
                    ("weighted vote", {n: _pooled(weighted, n) for n in BUDGETS}),
                    ("beam search", {n: _pooled(beam, n) for n in BUDGETS}),
                    ("one chain", {T + 1: _pooled(stepwise, T) for T in CHAINS}),
                )
                for budget, arm in of.items()
            ]
        ),
        ".1%",
    )


RIVALS = ("beam search", "step-level revision")
DIFFICULTY = {"oracle": "known", "predicted": "predicted"}
_VERBS = {"above 0": "beats", "below 0": "loses to"}


def _pooled(arm: Callable[..., Arm], *which: Any) -> Arm:
    """An arm over the problems of all seeds."""
    return of_all(partial(arm, *which))


def _gain_at_16(over: str) -> Estimate:
    return gain(allocated("whole", "oracle", 16), over)


def _name(axes: Axes, name: str, line: Series, i: int, aside: tuple[float, float], ha: str = "left") -> None:
    """Write the name of a line beside its point i, so many points aside."""
    axes.annotate(
        name, (line.at[i], float(line.values.mean[i])), xytext=aside, textcoords="offset points", va="center",
        linespacing=1.05, color=style.COLOURS[line.strategy], ha=ha,
    )  # fmt: skip


@drawn(SEED_0)
def adaptive_stopping() -> Drawing:
    """Adapting and spreading against as many samples for every problem, and against one chain for every problem."""
    limits = (4, 8, 16, 32, 64)
    samples = {n: weighted(n) for n in (2, 4, 8, 16, 32, 64)}
    stops = {n: adaptive(n) for n in limits}
    shared = {n: spread("predicted", weighted(n).cost) for n in (4, 6, 8, 16, 32, 64)}
    lines = {
        "one chain": series("revision", {T: stepwise(T) for T in (1, *CHAINS)}, cost=True),
        "weighted vote": series("prm", samples, cost=True),
        "adapt": series("optimal", stops, cost=True),
        "spread": series("majority", shared, cost=True, dashed=True),
    }
    figure, axes = style.new_axes(height=3.2)
    style.shares(axes, 0.6, 0.87)
    charts.draw_unnamed(axes, list(lines.values()), markers=True, bands=False)
    axes.set_xlim(8e6, 1.1 * max(samples[64].cost, shared[64].cost))
    _name(axes, "one chain for all", lines["one chain"], -1, (0, 10), ha="right")
    _name(axes, "adapt", lines["adapt"], -1, (6, 2))
    _name(axes, "spread", lines["spread"], -1, (-4, 9), ha="right")
    _name(axes, "weighted vote", lines["weighted vote"], 3, (8, -9))
    style.flops(axes, "FLOPs per problem")
    gains = {n: gain(arm) for n, arm in stops.items()}
    better = sum(value.sign > 0 for value in gains.values())
    reach = lines["one chain"].at[-1]
    ahead = any(gain(arm, "steps").sign > 0 for arm in (*stops.values(), *shared.values()) if arm.cost <= reach)
    saves = weighted(64).cost / stops[64].cost
    return Drawing(
        figure,
        "At equal FLOPs, adapting "
        f"{'beats' if better == len(limits) else 'mostly beats' if better > 2 else 'hardly beats'} a vote"
        + ("; as far as the line of one chain goes, nothing clearly beats it" if not ahead else ""),
        f"Adapting with at most 64 samples solves {stops[64].solved:.1%} for {times(saves)} fewer FLOPs than a "
        f"vote of 64 for every problem, which solves {weighted(64).solved:.1%}.",
        pd.DataFrame(
            [
                {
                    "": name,
                    "solved": arm.solved,
                    "FLOPs per problem": arm.cost,
                    "minus a vote for the same FLOPs (points)": gain(arm),
                    "minus one chain": gain(arm, "steps") if arm.cost <= reach else "",
                }
                for name, arm in (
                    *((f"adapt, at most {n} samples", arm) for n, arm in stops.items()),
                    *((f"spread, the FLOPs of {n} samples", arm) for n, arm in shared.items()),
                )
            ]
        ),
        {"solved": ".1%", "minus a vote for the same FLOPs (points)": ".1p", "minus one chain": ".1p"},
    )


@drawn(ALL_SEEDS)
def price_by_fifth() -> Drawing:
    """What three strategies with one budget spend on each fifth of difficulty."""
    arms = {
        "vote of 16": ("prm", _pooled(weighted, 16)),
        "beam of 16": ("beam", _pooled(beam, 16)),
        "chain of 16": ("revision", _pooled(stepwise, 15)),
    }
    figure, axes = style.new_axes()
    for strategy, arm in arms.values():
        spent = [arm.fifth(k).cost for k in range(5)]
        axes.plot(range(5), spent, color=style.COLOURS[strategy], marker="o", ms=4)
    axes.set_xticks(range(5), style.SHORT_FIFTHS)
    axes.set(xlabel="fifth of difficulty", ylabel="FLOPs per problem", ylim=(0, None), xlim=(-0.3, 4.2))
    axes.yaxis.set_major_formatter(style.AMOUNT)
    ends = [arm.fifth(4).cost for _, arm in arms.values()]
    style.name_ends(axes, ends, list(arms), [style.COLOURS[strategy] for strategy, _ in arms.values()])
    chain, search = arms["chain of 16"][1], arms["beam of 16"][1]
    shares = [chain.fifth(k).cost / search.fifth(k).cost for k in (0, 4)]
    return Drawing(
        figure,
        f"One chain costs {shares[0]:.0%} of a beam search on the easiest fifth, and {shares[1]:.0%} on the hardest",
        f"All with a budget of 16. On the easiest fifth the chain solves {chain.fifth(0).solved:.0%} and the beam "
        f"search {search.fifth(0).solved:.0%}, on the hardest {chain.fifth(4).solved:.0%} and "
        f"{search.fifth(4).solved:.0%}.",
        pd.DataFrame(
            [
                {
                    "fifth": name,
                    **{f"{way}, solved": arm.fifth(k).solved for way, (_, arm) in arms.items()},
                    **{f"{way}, FLOPs": arm.fifth(k).cost for way, (_, arm) in arms.items()},
                }
                for k, name in enumerate(style.SHORT_FIFTHS)
            ]
        ),
    )


@drawn(ALL_SEEDS)
def lesson_rule() -> Drawing:
    """What the lesson's rule and one chain for all spend on each fifth, and what they solve there."""
    arms = {
        "lesson's rule": (style.INK, _pooled(lesson, 16)),
        "one chain for all": (style.COLOURS["revision"], _pooled(stepwise, 15)),
    }
    figure, axes = style.new_axes(height=3.0)
    for i, (colour, arm) in enumerate(arms.values()):
        places = np.arange(5) + 0.4 * (i - 0.5)
        spent = [arm.fifth(k).cost for k in range(5)]
        axes.bar(places, spent, 0.36, color=colour, alpha=0.6, lw=0)
        for k, (place, height) in enumerate(zip(places + 0.18 - 0.36 * i, spent, strict=True)):
            label = f"{float(arm.fifth(k).solved.mean):.0%}"
            axes.annotate(
                label, (place, height), xytext=(0, 2), textcoords="offset points", ha=("right", "left")[i], fontsize=9,
            )  # fmt: skip
    axes.set_xticks(range(5), style.SHORT_FIFTHS)
    axes.set(xlabel="fifth of difficulty (on each bar: problems solved)", ylabel="FLOPs per problem")
    axes.yaxis.set_major_formatter(style.AMOUNT)
    axes.grid(axis="x", visible=False)
    style.key(figure, {name: (colour, 0.6) for name, (colour, _) in arms.items()})
    rule, chain = (arm for _, arm in arms.values())
    ratio = rule.fifth(0).cost / chain.fifth(0).cost
    solved = [float(arm.fifth(0).correct.mean()) for arm in (rule, chain)]
    same = (
        "solve everything" if min(solved) == 1 else "solve about as much" if abs(solved[0] - solved[1]) < 0.01 else ""
    )
    return Drawing(
        figure,
        f"With a budget of 16, the lesson's rule costs {times(ratio)} as much as one chain on the easiest fifth"
        + (f", and both {same}" if same else ""),
        f"With a budget of 16, the rule costs {style.amount(rule.fifth(0).cost)} FLOPs per problem on the easiest "
        f"fifth and the chain {style.amount(chain.fifth(0).cost)}. On the hardest fifth the rule solves "
        f"{rule.fifth(4).solved:.0%} and the chain {chain.fifth(4).solved:.0%}.",
        pd.DataFrame(
            [
                {
                    "fifth": name,
                    **{f"{way}, solved": arm.fifth(k).solved for way, (_, arm) in arms.items()},
                    **{f"{way}, FLOPs": arm.fifth(k).cost for way, (_, arm) in arms.items()},
                    "rule minus chain (points)": rule.minus(chain, k),
                }
                for k, name in enumerate(style.SHORT_FIFTHS)
            ]
        ),
        {**{f"{way}, solved": ".0%" for way in arms}, "rule minus chain (points)": ".1p"},
    )
