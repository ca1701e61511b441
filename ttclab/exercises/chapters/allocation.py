"""The exercises of chapter 05."""

from collections.abc import Sequence
from math import isqrt
from statistics import fmean
from typing import Any

import numpy as np

from ttclab.exercises.chapters.difficulty import (
    difficulty_bins,
    equal_difficulties,
    one_score,
    several_scores,
    unequal_groups,
)
from ttclab.exercises.exercise import NUMBER, WHOLE, Cases, Exercise, agreeing, lists

WHOLES = lists("a list of whole numbers", WHOLE)


def _lesson_policy(difficulty: float, budget: int) -> list[int]:
    if not 0 <= difficulty <= 1 or budget < 2:
        raise ValueError(f"a difficulty is from 0 to 1 and a budget 2 or more, not {difficulty} and {budget}")
    if difficulty < 0.3:
        return [budget, 0]
    N = isqrt(budget) if difficulty < 0.7 else 2
    return [N, budget // N - 1]


def _ruled(difficulty: float, budget: int) -> tuple[Any, ...]:
    if difficulty < 0.3:
        why = "below 0.3 the rule is N = budget and T = 0"
    elif difficulty < 0.7:
        N = isqrt(budget)
        why = f"from 0.3 to below 0.7 N is int(sqrt({budget})) = {N}, and T is {budget} // {N} - 1"
    else:
        why = f"from 0.7 on N is 2, and T is {budget} // 2 - 1"
    return why, difficulty, budget


def _easy(rng: np.random.Generator) -> Cases:
    for hundredths in (0, 29, *rng.integers(1, 29, size=3).tolist()):
        yield _ruled(hundredths / 100, int(rng.integers(3, 65)))


def _middle(rng: np.random.Generator) -> Cases:
    for budget in (16, 20, 2, 3, 8, 10, 48, int(rng.integers(25, 36)), int(rng.integers(50, 63))):
        yield _ruled(int(rng.integers(31, 70)) / 100, budget)
    yield _ruled(0.69, int(rng.integers(9, 36)))


def _hard(rng: np.random.Generator) -> Cases:
    for budget in (2, 3, 16, 9, int(rng.integers(5, 32)) * 2, int(rng.integers(5, 32)) * 2 + 1):
        yield _ruled(int(rng.integers(71, 101)) / 100, budget)
    yield _ruled(1.0, int(rng.integers(5, 65)))


def _boundaries(rng: np.random.Generator) -> Cases:
    budget = int(2 * rng.integers(2, 6)) ** 2
    yield _ruled(0.3, budget)
    yield _ruled(0.7, budget)


def _refused(rng: np.random.Generator) -> Cases:
    budget = int(rng.integers(4, 100))
    for difficulty in (0.1, 0.5, 0.9):
        for too_little in (1, 0, -4):
            yield "the rule has no answer for a budget below 2", difficulty, too_little
    yield "a difficulty is a number from 0 to 1", 1.01, budget
    yield "a difficulty is a number from 0 to 1", -0.01, budget


def _fit_policy(accuracy: Sequence[Sequence[float]], costs: Sequence[float], budget: float) -> list[int]:
    payable = [s for s in range(len(costs)) if costs[s] <= budget]
    if not payable:
        raise ValueError(f"a budget of {budget} pays for no strategy")
    return [min(payable, key=lambda s: (-row[s], costs[s], s)) for row in accuracy]


def _fitted(accuracy: list[list[float]], costs: list[int], budget: int) -> tuple[Any, ...]:
    payable = [s for s in range(len(costs)) if costs[s] <= budget]
    best = [max(row[s] for s in payable) for row in accuracy]
    why = f"a budget of {budget} pays for strategies {payable}, whose best accuracies are {best}"
    if any([row[s] for s in payable].count(most) > 1 for row, most in zip(accuracy, best)):
        why += "; of equally good ones the cheapest is taken, then the first"
    return why, accuracy, costs, budget


def _table(rng: np.random.Generator, groups: int, strategies: int) -> list[list[float]]:
    return [(rng.choice(np.arange(5, 96), size=strategies, replace=False) / 100).tolist() for _ in range(groups)]


def _all_payable(rng: np.random.Generator) -> Cases:
    yield "there is one strategy, and it can be paid", [[0.4], [0.2]], [4], 4
    for _ in range(5):
        strategies = int(rng.integers(3, 6))
        costs = rng.choice(np.arange(1, 33), size=strategies, replace=False).tolist()
        yield _fitted(_table(rng, 5, strategies), costs, 64)


def _too_dear(rng: np.random.Generator) -> Cases:
    for _ in range(5):
        costs = [16, 4, 32, 8]
        table = [[row[i] for i in np.argsort(np.argsort(costs))] for row in map(sorted, _table(rng, 4, 4))]
        yield _fitted(table, costs, int(rng.integers(8, 16)))  # the best can't be paid
        yield _fitted(table, costs, 16)  # to the last unit
    yield "the budget pays for no strategy", [[0.4, 0.6]], [4, 8], int(rng.integers(1, 4))


def _equally_good(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        high, low = int(rng.integers(60, 90)) / 100, int(rng.integers(10, 26)) / 100
        yield _fitted([[high, high, high, low], [low, high, low, high], [low, low, high, low]], [16, 8, 4, 2], 16)
        yield _fitted([[low, high, high], [high, high, low]], [4, 4, 4], 4)


def _paired_interval(a: Sequence[float], b: Sequence[float], resamples: Sequence[Sequence[int]]) -> list[float]:
    difference = [x - y for x, y in zip(a, b)]
    means = sorted(fmean(difference[i] for i in drawn) for drawn in resamples)
    edge, rest = divmod(len(means) - 1, 40)
    if rest:
        raise ValueError(f"the number of resamples is one more than a multiple of 40, not {len(means)}")
    return [fmean(difference), means[edge], means[-1 - edge]]


def _resampled(a: list[int], b: list[int], resamples: list[list[int]]) -> tuple[Any, ...]:
    difference = [x - y for x, y in zip(a, b)]
    means = sorted(fmean(difference[i] for i in drawn) for drawn in resamples)
    edge = (len(means) - 1) // 40
    why = f"the differences are {difference}; "
    if len(means) == 1:
        return why + "there is one resample, and its mean is both ends of the interval", a, b, resamples
    why += (
        f"of the {len(means)} sorted means of the resamples number {edge} and number {len(means) - 1 - edge} (counted "
    )
    return why + "from 0) are the ends", a, b, resamples


def _drawn(rng: np.random.Generator, problems: int, draws: int) -> list[list[int]]:
    return rng.integers(0, problems, size=(draws, problems)).tolist()


def _no_difference(rng: np.random.Generator) -> Cases:
    solved = [1, 0, 1, *rng.integers(0, 2, size=2).tolist()]
    why = "both solve the same problems: every difference is 0, whichever problems are drawn"
    yield why, solved, solved, _drawn(rng, 5, 41)
    why = "one solves all and the other none: every difference is 1, whichever problems are drawn"
    yield why, [1] * 4, [0] * 4, _drawn(rng, 4, 41)
    yield why.replace("is 1", "is -1"), [0] * 4, [1] * 4, _drawn(rng, 4, 41)


def _one_resample(rng: np.random.Generator) -> Cases:
    yield _resampled([1, 1], [0, 1], [[0, 0]])
    yield _resampled([0, 0, 1], [1, 0, 0], [[2, 2, 1]])
    for _ in range(3):
        a, b = rng.integers(0, 2, size=(2, 4)).tolist()
        yield _resampled(a, b, _drawn(rng, 4, 1))


def _some_difference(draws: int, rng: np.random.Generator) -> Cases:
    far = [1, 1, 1, 1, 0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 1, 0, 1, 0, 1]
    near = [1, 1, 1, 1, 0, 0, 0, 1], [1, 1, 1, 1, 0, 0, 0, 0]  # which only pairs can tell apart
    for a, b in (far, near) * 5:
        order = rng.permutation(len(a))
        yield _resampled([a[i] for i in order], [b[i] for i in order], _drawn(rng, len(a), draws))


def _share_budget(accuracy: Sequence[Sequence[float]], budget: int) -> list[int]:
    spent = [0] * len(accuracy)
    for _ in range(budget):
        gains = [row[n + 1] - row[n] if n + 1 < len(row) else 0.0 for row, n in zip(accuracy, spent)]
        if not gains or max(gains) <= 0:
            break
        spent[gains.index(max(gains))] += 1
    return spent


def _shared(accuracy: list[list[float]], budget: int) -> tuple[Any, ...]:
    spent = _share_budget(accuracy, budget)
    total = sum(row[n] for row, n in zip(accuracy, spent))
    gains = [[round(gain, 4) for gain in np.diff(row).tolist()] for row in accuracy]
    why = f"the gains of one more generation are {gains}; "
    why += f"handed out from the largest down, they solve {total:g} problems on average"
    if sum(spent) < budget:
        why += f"; {budget - sum(spent)} generations are left, which nobody gains from"
    return why, accuracy, budget


def _curves(rng: np.random.Generator, lengths: Sequence[int]) -> list[list[float]]:
    """Accuracies that rise less and less, in 256ths, no gain twice."""
    gains = iter(rng.permutation(np.arange(1, 1 + sum(lengths))).tolist())
    rows = [sorted((next(gains) for _ in range(length)), reverse=True) for length in lengths]
    start = int(rng.integers(0, 4))
    return [(np.cumsum([start, *row]) / 256).tolist() for row in rows]


def _enough_for_some(rng: np.random.Generator) -> Cases:
    yield _shared([[0.0, 0.5, 0.625], [0.0, 0.25, 0.375]], 2)
    yield _shared([[0.0, 0.5], [0.25, 0.375, 0.4375, 0.46875]], 3)
    for _ in range(6):
        lengths = rng.integers(3, 6, size=3).tolist()
        yield _shared(_curves(rng, lengths), int(rng.integers(2, sum(lengths))))


def _hopeless_and_solved(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        budget = int(rng.integers(2, 4))
        # The lowest accuracy never rises, the highest has little to gain, the middle one gains most.
        yield _shared([[0.0] * 5, [0.875, 0.9375, 0.96875, 1.0], [0.25, 0.5, 0.6875, 0.8125, 0.84375]], budget)
        yield _shared([[0.875, 0.9375, 0.96875, 1.0], [0.25, 0.5, 0.6875, 0.8125, 0.84375], [0.0] * 5], budget)


def _more_than_enough(rng: np.random.Generator) -> Cases:
    yield "there is nothing to spend", _curves(rng, [3, 2]), 0
    for _ in range(3):
        yield _shared(_curves(rng, [2, 3]), 5 + int(rng.integers(1, 5)))
        yield _shared([[0.5, 0.75, 0.75, 0.75], [0.25, 0.5, 0.625, 0.625]], int(rng.integers(4, 7)))
    yield "no problem ever gains", [[0.5, 0.5], [0.0, 0.0]], int(rng.integers(1, 3))


def _equal_gains(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        gain = int(rng.integers(2, 8)) / 32
        rows = [[0.125, 0.125 + gain, 0.125 + 1.5 * gain], [0.0, gain, 1.5 * gain], [0.25, 0.25 + gain, 0.25 + gain]]
        for budget in (1, 2, 4):
            why, *case = _shared(rows, budget)
            yield f"{why}; of equal gains the first problem gets the generation", *case


EXERCISES = (
    Exercise(
        id="5.1",
        title="difficulty from scores",
        points=10,
        goal=(
            "A problem's difficulty is 1 minus the mean of its scores. Return the group of each problem, from 0 "
            "(easiest) to bins - 1: the problem of rank r among n, counted from 0 for the easiest, is in group r * "
            "bins // n. Problems of equal difficulty rank in the order they are given."
        ),
        hint=(
            "Sort the numbers of the problems by difficulty (Python's sort keeps the order of equal ones), walk "
            "through them, and write each one's group at its own place in the result."
        ),
        returns=WHOLES,
        example=([[0.5, 1.0], [0.25, 0.25]], 2),
        checks=(
            agreeing("one score each", one_score),
            agreeing("several scores each", several_scores),
            agreeing("groups that can't be equal", unequal_groups),
            agreeing("equal difficulties", equal_difficulties),
        ),
        reference=difficulty_bins,
        withheld=("ttclab.estimators.fifths", "ttclab.allocator.difficulty_by_score"),
        payoff="allocation.right_groups",
    ),
    Exercise(
        id="5.2",
        title="the lesson's policy",
        points=10,
        goal=(
            "Return [N, T] by the popular lesson's rule. Difficulty below 0.3: N = budget, T = 0. Below 0.7: N = "
            "int(sqrt(budget)), T = budget // N - 1. Otherwise: N = 2, T = budget // 2 - 1. A budget below 2, or a "
            "difficulty outside 0 to 1, raises ValueError."
        ),
        hint=(
            "Refuse first, then three branches in order. 0.3 belongs to the middle and 0.7 to the hard ones. The "
            "budget is not always spent: 20 gives N = 4 and T = 4, but 7 gives N = 2 and T = 2, one generation short."
        ),
        returns=lists("two whole numbers, [N, T]", WHOLE, 2),
        example=(0.1, 4),
        checks=(
            agreeing("easy", _easy),
            agreeing("middle", _middle),
            agreeing("hard", _hard),
            agreeing("boundaries", _boundaries),
            agreeing("what is refused", _refused),
        ),
        reference=_lesson_policy,
        withheld=("ttclab.allocator.lesson_policy",),
        payoff="allocation.rule_in_the_arena",
    ),
    Exercise(
        id="5.3",
        title="a policy fitted to measurements",
        points=10,
        goal=(
            "accuracy[g][s] is what strategy s was measured to solve in difficulty group g, and costs[s] is its "
            "price. Return the best strategy for each group among those that cost no more than the budget; of equally "
            "good ones the cheapest, then the first. A budget that pays for no strategy raises ValueError."
        ),
        hint=(
            "First list the strategies that can be paid. Then take, for each group, the minimum by a key of three "
            "parts: accuracy with a minus sign, cost, number."
        ),
        returns=WHOLES,
        example=([[0.5, 0.25]], [2, 4], 4),
        checks=(
            agreeing("all can be paid", _all_payable),
            agreeing("some cost too much", _too_dear),
            agreeing("equally good", _equally_good),
        ),
        reference=_fit_policy,
        withheld=("ttclab.allocator.ComputeOptimalPolicy.fit",),
        payoff="allocation.fitted_to_fifths",
    ),
    Exercise(
        id="5.4",
        title="an interval by paired bootstrap",
        points=20,
        goal=(
            "a[i] and b[i] say whether two strategies solved problem i. Return [mean, low, high] of the difference a "
            "- b: its mean, and its 95% interval over the given resamples, each a list of problem numbers with "
            "repeats. Of R sorted means of resamples, low is number (R - 1) // 40 counted from 0, and high the same "
            "number from the end. R is 1, 41, 81 or so: one more than a multiple of 40."
        ),
        hint=(
            "Take the difference of each problem first; a resample then draws differences, so that both strategies "
            "are always compared on the same problems. The mean is that of the data, not of the resamples."
        ),
        returns=lists("three numbers, [mean, low, high]", NUMBER, 3),
        example=([1, 1], [0, 1], [[0, 0], [0, 1], [1, 1]]),
        checks=(
            agreeing("no difference, and nothing but", _no_difference),
            agreeing("1 resample", _one_resample),
            agreeing("41 resamples", lambda rng: _some_difference(41, rng)),
            agreeing("121 resamples", lambda rng: _some_difference(121, rng)),
        ),
        reference=_paired_interval,
        payoff="allocation.interval_by_fifth",
    ),
    Exercise(
        id="5.5",
        title="one budget for a batch of problems",
        points=20,
        goal=(
            "accuracy[i][n] is the chance that problem i is solved with n generations; each further one adds no more "
            "than the one before. Hand out the budget one generation at a time to the problem that gains most from "
            "one more, the first of equals, and stop when it is spent or nobody gains. Return the generations of each "
            "problem."
        ),
        hint=(
            "The gain of problem i, which has n so far, is accuracy[i][n + 1] - accuracy[i][n], or 0 at the end of "
            "its list. What counts is the gain, not the accuracy: a hopeless problem has the lowest and gains "
            "nothing."
        ),
        returns=WHOLES,
        example=([[0.0, 0.5], [0.0, 0.25]], 1),
        checks=(
            agreeing("a budget for some", _enough_for_some),
            agreeing("hopeless and solved problems", _hopeless_and_solved),
            agreeing("more than can be used", _more_than_enough),
            agreeing("equal gains", _equal_gains),
        ),
        reference=_share_budget,
        withheld=("ttclab.spreading.spread_budget",),
        payoff="allocation.shared_samples",
    ),
)
