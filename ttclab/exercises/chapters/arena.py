"""The exercises of chapter 07. The last is the capstone: a policy for the arena, played on recorded problems.

Learners play on validation problems, the grader on test problems, in an order that the seed draws. Both are in this
repository for whoever looks, and a submission can read them. A policy is told difficulties to two decimals, too few to
tell most problems apart. A row leaves out the easiest and the hardest fifth, and its first attempts are right as often
as one sample is on average, so a policy that never spends is level with uniform sampling. Of the first attempts about
half look wrong, and the budget pays for 4 samples of each of those, not for the 8 of the chapter's player.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np

from ttclab.exercises.chapters.standings import (
    PROBLEMS,
    SHARE,
    Standing,
    above_uniform,
    absent,
    as_text,
    best_baseline,
    drawn_arena,
    row_of,
    scoreboard,
)
from ttclab.exercises.exercise import (
    NUMBER,
    WHOLE,
    Attempt,
    Cases,
    Exercise,
    Finding,
    Kind,
    Report,
    Wrong,
    agreeing,
    lists,
    shown,
)
from ttclab.exercises.reply import Ask

if TYPE_CHECKING:
    from ttclab.results.arena import Played


WHOLES = lists("a list of whole numbers", WHOLE)


MOVE = Kind("two whole numbers, [N, T]", lists("", WHOLE, length=2).holds)


LEAD = 0.01  # over every baseline, for any points


LEVELS = {  # accuracy above uniform sampling that each needs, besides the lead
    "a point ahead of uniform sampling and of every baseline": 0.01,
    "a point and a half ahead of uniform sampling": 0.015,
    "two points ahead of it": 0.02,
    "two and a half points ahead of it": 0.025,
}


POINTS = 10  # for each of the levels


def _advantage(correct: Sequence[int], flops: Sequence[float], uniform: Sequence[Sequence[float]]) -> float:
    accuracy, cost = sum(correct) / len(correct), sum(flops) / len(flops)
    points = [(0.0, 0.0), *map(tuple, uniform)]
    if cost >= points[-1][0]:
        return accuracy - points[-1][1]
    (x, low), (y, high) = next((a, b) for a, b in pairwise(points) if a[0] <= cost < b[0])
    return accuracy - (low + (high - low) * (cost - x) / (y - x))


def _scored(correct: list[int], flops: list[int], uniform: list[list[float]]) -> tuple[Any, ...]:
    accuracy, cost = sum(correct) / len(correct), sum(flops) / len(flops)
    level = accuracy - _advantage(correct, flops, uniform)
    price = f"{cost:.4g} FLOPs per problem"
    why = f"{accuracy:.4g} is solved for {price}, and uniform sampling solves {level:.4g} for as many"
    return why, correct, flops, uniform


def _curve(rng: np.random.Generator) -> list[list[float]]:
    """Four points of uniform sampling, each more expensive and better than the last, in eighths."""
    heights = np.sort(rng.choice(np.arange(2, 8), size=4, replace=False)) / 8
    return [[float(8 * 2**i), float(y)] for i, y in enumerate(heights)]


def _row(rng: np.random.Generator, mean: float) -> tuple[list[int], list[int]]:
    """Eight problems, some solved, of this mean cost, in eighths. Few are dear: their median is another one."""
    cheap = rng.integers(0, int(mean) // 2 + 1, size=6).tolist()
    dear = int(8 * mean) - sum(cheap)
    costs = [*cheap, dear // 2, dear - dear // 2]
    correct = [1, 0, *rng.integers(0, 2, size=6).tolist()]
    return correct, [costs[i] for i in rng.permutation(8)]


def _on_the_curve(rng: np.random.Generator) -> Cases:
    yield _scored([1, 0], [10, 10], [[10.0, 0.5]])
    for mean in (8, 16, 32, 64):
        yield _scored(*_row(rng, mean), _curve(rng))


def _between(rng: np.random.Generator) -> Cases:
    for mean in (10, 12.5, 20, 24.75, 28, 40.25, 56):
        yield _scored(*_row(rng, mean), _curve(rng))


def _beyond(rng: np.random.Generator) -> Cases:
    for mean in (2, 4.5, 6, 80, 120):
        yield _scored(*_row(rng, mean), _curve(rng))
    yield _scored([1, 0], [0, 0], _curve(rng))
    yield _scored([1, 0], [1, 0], _curve(rng))


def _pay(wanted: Sequence[int], budget: int) -> list[int]:
    if budget < len(wanted):
        raise ValueError(f"{len(wanted)} problems need a generation each, and the budget is {budget}")
    paid, left = [], budget
    for i, wish in enumerate(wanted):
        to_come = len(wanted) - i - 1
        paid.append(max(1, min(wish, left - to_come)) if to_come else left)
        left -= paid[-1]
    return paid


def _paid(wanted: list[int], budget: int) -> tuple[Any, ...]:
    if budget < len(wanted):
        return f"{len(wanted)} problems need a generation each", wanted, budget
    why = "each gets what is wanted, at least 1, as long as 1 is left for every problem to come; the last gets the rest"
    return why, wanted, budget


def _enough(rng: np.random.Generator) -> Cases:
    yield _paid([3], 3)
    for _ in range(4):
        wanted = rng.integers(1, 9, size=5).tolist()
        yield _paid(wanted, sum(wanted))


def _too_much(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        wanted = rng.integers(1, 5, size=4).tolist()
        yield _paid(wanted, sum(wanted) + int(rng.integers(1, 9)))
    yield _paid([2], 9)


def _too_little(rng: np.random.Generator) -> Cases:
    for _ in range(5):
        wanted = rng.integers(4, 12, size=6).tolist()
        yield _paid(wanted, int(rng.integers(7, 14)))
    yield _paid([5, 5, 5], 3)


def _nothing_wanted(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        yield _paid([0, int(rng.integers(2, 5)), 0, 0], int(rng.integers(8, 12)))
    yield _paid([4, 4, 4], 2)
    yield _paid([0] * 5, int(rng.integers(0, 5)))


@dataclass(frozen=True)
class Capstone(Exercise):
    """An exercise with levels: each that a policy passes earns its points, once the rules are kept."""

    def assess(self, ask: Ask, seed: int) -> "CapstoneReport":
        if ask(deepcopy(self.example)) == {"value": None}:
            return CapstoneReport(self, ())
        try:
            played = _played(Attempt(ask, self), seed)
        except Wrong as wrong:
            unscored = [Finding(level, "not scored: the rules come first") for level in LEVELS]
            return CapstoneReport(self, (Finding("the rules", str(wrong)), *unscored))
        findings = Finding("the rules", None), *_levels(played, seed)
        score = row_of("your policy", None, played, seed, _score(played, seed))
        return CapstoneReport(self, findings, score=score, board=tuple(scoreboard([score], seed)))


@dataclass(frozen=True)
class CapstoneReport(Report):
    """What the checks found, with points for each level, and the score and the scoreboard if the rules were kept."""

    score: "Standing | None" = None
    board: tuple["Standing", ...] = ()

    @property
    def points(self) -> int:
        return POINTS * sum(finding.wrong is None for finding in self.findings[1:])

    @property
    def reason(self) -> str:
        return "; ".join([super().reason, self.score.reason]) if self.score else super().reason

    def __str__(self) -> str:
        if not self.score:
            return super().__str__()
        first, *lines = super().__str__().splitlines()
        score = f"  {self.score.reason[0].upper()}{self.score.reason[1:]}."
        return "\n".join([first, score, *lines, "  The scoreboard:", as_text(self.board, "    ")])


def _played(attempt: Attempt, seed: int) -> "Played":
    """Play the whole row. Raises Wrong at the first move against the rules, in the row or with other budgets left."""
    from ttclab.results.arena import Foul, legal, price, spent

    def option(*asked: Any) -> int:
        move = attempt.numbers(*asked)
        try:
            return legal([int(x) for x in move], asked[1])
        except Foul as foul:
            raise Wrong(f"{attempt.call(*asked)} returned {shown(move)}: {foul}") from None

    arena, left, chosen = drawn_arena(seed), PROBLEMS * SHARE, []
    for i, difficulty in enumerate(arena.difficulty):
        chosen.append(option(round(float(difficulty), 2), left, PROBLEMS - i))
        left -= price(chosen[-1])
    for asked in product((0.0, 0.5, 0.72, 1.0), (0, 1, 2, 3, 5, 75), (1, 2, 40)):  # or a mistake costs points by chance
        option(*asked)
    return spent(arena, chosen)


def _levels(played: "Played", seed: int) -> list[Finding]:
    own, best = above_uniform(played, seed), best_baseline(seed)
    needed = {level: max(bar, best + LEAD) for level, bar in LEVELS.items()}
    return [
        Finding(
            level, None if own > bar else f"the score is {_points(own)}, and this level needs more than {_points(bar)}"
        )
        for level, bar in needed.items()
    ]


def _score(played: "Played", seed: int) -> str:
    return (
        f"your policy solves {100 * played.correct.mean():.1f}% "
        f"for {played.flops.mean() / 1e6:.0f} M FLOPs per problem, "
        f"{_points(above_uniform(played, seed))} above uniform sampling for the same FLOPs"
    )


def _points(share: float) -> str:
    return f"{100 * share:+.2f} points"


def standing(name: str, ask: Ask, seed: int) -> Standing:
    """Play a submission on the problems of a seed. What the ask raises is raised; a foul is a row with its reason."""
    report = CAPSTONE.assess(ask, seed)
    if report.score is None:
        return absent(name, (report.findings and report.findings[0].wrong) or report.reason)
    return report.score._replace(name=name, points=report.points, reason=report.reason)


def _arena_policy(difficulty: float, budget_left: int, problems_left: int) -> list[int]:
    share = budget_left / max(1, 0.5 * problems_left)  # for each of those to come that look wrong
    most = min(share, budget_left)
    payable = [N for N in (1, 2, 3, 4, 6) if most >= N]
    return [payable[-1], 0] if difficulty > 0.7 and payable else [0, 0]


CAPSTONE = Capstone(
    id="7.3",
    title="capstone: a policy for the arena",
    points=POINTS * len(LEVELS),
    goal=(
        f"{PROBLEMS} problems arrive one by one, without the easiest and the hardest fifth. One budget holds {SHARE} "
        "generations for each on average. Return [N, T]: N new chains of T revisions, which cost N x (1 + T), or "
        "[0, 0], which keeps the first attempt. Moves are those of the table, and cost no more than is left, however "
        "little that is. The score is accuracy above uniform "
        "sampling for the same FLOPs. 10 points each: a point ahead of uniform sampling and of every baseline (never "
        "spending, the chapter's player, the lesson's rule, the fitted policy), a point and a half ahead of uniform "
        "sampling, two points, two and a half."
    ),
    hint=(
        "Keep a first attempt that looks right: new samples would replace it. The chapter's player knows that, and is "
        "out of budget when many problems are still to come. How many of those will look wrong, and what is left for "
        "each of them?"
    ),
    returns=MOVE,
    example=(0.5, PROBLEMS * SHARE, PROBLEMS),
    checks=(),
    reference=_arena_policy,
    payoff="arena.policy",
)


EXERCISES = (
    Exercise(
        id="7.1",
        title="a score that charges FLOPs",
        points=10,
        goal=(
            "correct and flops say for each problem whether a policy solved it and what it cost. uniform is a list of "
            "[mean FLOPs, accuracy] of uniform sampling, cheapest first. Return the policy's accuracy minus that of "
            "uniform sampling for the same mean FLOPs: on the straight line between two of its points, from [0, 0] to "
            "the first one below it, and that of the last point beyond it."
        ),
        hint=(
            "Take the means first. Put [0, 0] before the points, find the two that the cost lies between, and go the "
            "same share of the way up as along. numpy.interp does just that."
        ),
        returns=NUMBER,
        example=([1, 0], [10, 20], [[10.0, 0.5], [20.0, 0.75]]),
        checks=(
            agreeing("at a point of uniform sampling", _on_the_curve),
            agreeing("between two points", _between),
            agreeing("cheaper than all, dearer than all", _beyond),
        ),
        reference=_advantage,
        payoff="arena.scoreboard",
    ),
    Exercise(
        id="7.2",
        title="spend exactly a budget",
        points=10,
        goal=(
            "wanted says how many generations a policy would like for each problem, in the order they arrive. Pay for "
            "them one by one: what is wanted, at least 1, but never so much that a problem to come is left without "
            "one. The last problem gets all that is left. Return what each is paid. A budget below one generation for "
            "each problem raises ValueError."
        ),
        hint=(
            "Before you pay for problem i, len(wanted) - i - 1 generations are spoken for. Keep count of what is left, "
            "and treat the last problem apart."
        ),
        returns=WHOLES,
        example=([2, 3], 5),
        checks=(
            agreeing("just enough", _enough),
            agreeing("more than is wanted", _too_much),
            agreeing("less than is wanted", _too_little),
            agreeing("nothing wanted, or not enough at all", _nothing_wanted),
        ),
        reference=_pay,
    ),
    CAPSTONE,
)
