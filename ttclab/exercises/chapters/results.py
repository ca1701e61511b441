"""The exercises of chapter 06."""

from collections.abc import Sequence
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np

from ttclab.exercises.exercise import PROBABILITY, TEXT, WHOLE, Cases, Exercise, agreeing, lists


def _at_equal_flops(costs: Sequence[float], accuracy: Sequence[float], flops: float) -> float:
    for (low, high), (less, more) in zip(pairwise(costs), pairwise(accuracy)):
        if low <= flops <= high:
            share = (flops - low) / (high - low)
            return (1 - share) * less + share * more
    raise ValueError(f"no mix of these budgets costs {flops}")


def _mixed(costs: list[int], accuracy: list[float], flops: int) -> tuple[Any, ...]:
    i = next(i for i, cost in enumerate(costs[1:], start=1) if flops <= cost)
    dearer = (flops - costs[i - 1]) / (costs[i] - costs[i - 1])
    why = (
        f"{flops} lies between {costs[i - 1]} and {costs[i]}: spend {costs[i]} on {dearer:.4g} of the problems and "
        f"{costs[i - 1]} on the others"
    )
    return why, costs, accuracy, flops


def _measured(rng: np.random.Generator) -> tuple[list[int], list[float]]:
    """A strategy at four budgets, each several times the last, whose accuracy rises less and less."""
    first, factor = int(rng.integers(2, 9)), int(rng.integers(3, 6))
    start = int(rng.integers(20, 40))
    return [first * factor**i for i in range(4)], [(start + gain) / 100 for gain in (0, 24, 36, 40)]


def _on_a_budget(rng: np.random.Generator) -> Cases:
    for i in range(4):
        costs, accuracy = _measured(rng)
        yield f"{costs[i]} is one of the budgets, and it was measured", costs, accuracy, costs[i]


def _between_budgets(rng: np.random.Generator) -> Cases:
    for i in range(3):
        costs, accuracy = _measured(rng)
        gap = costs[i + 1] - costs[i]
        yield _mixed(costs, accuracy, costs[i] + gap // 4)
        yield _mixed(costs, accuracy, costs[i + 1] - gap // 4)


def _outside_budgets(rng: np.random.Generator) -> Cases:
    costs, accuracy = _measured(rng)
    yield "no mix is as cheap as that", costs, accuracy, costs[0] - 1
    yield "no mix is as dear as that", costs, accuracy, costs[-1] + 1


def _frontier(costs: Sequence[float], accuracy: Sequence[float]) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -accuracy[i], i)):
        if not kept or accuracy[i] > accuracy[kept[-1]]:
            kept.append(i)
    return kept


def _standing(costs: list[int], accuracy: list[float]) -> tuple[Any, ...]:
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -accuracy[i], i))
    said = ", ".join(f"{i} (costs {costs[i]}, solves {accuracy[i]:g})" for i in order)
    return f"from the cheapest up they are {said}; each is kept that solves more than all before it", costs, accuracy


def _shuffled(rng: np.random.Generator, costs: list[int], accuracy: list[float]) -> tuple[Any, ...]:
    order = rng.permutation(len(costs))
    return _standing([costs[i] for i in order], [accuracy[i] for i in order])


def _rising(rng: np.random.Generator, size: int) -> tuple[list[int], list[float]]:
    costs = np.cumsum(rng.integers(1, 20, size=size)).tolist()
    return costs, (np.sort(rng.choice(np.arange(10, 90), size=size, replace=False)) / 100).tolist()


def _all_on_the_frontier(rng: np.random.Generator) -> Cases:
    yield "there is one, and nothing beats it", [3], [0.4]
    for _ in range(4):
        costs, accuracy = _rising(rng, 4)
        yield _standing(costs, accuracy)
        yield _standing(costs[::-1], accuracy[::-1])


def _some_beaten(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        costs, (a, b, c, d, e) = _rising(rng, 5)
        yield _shuffled(rng, costs, [b, a, d, c, e])
        yield _shuffled(rng, costs, [e, a, b, c, d])  # the cheapest beats them all, and each beats its neighbour
        # Kept, although a mix of its neighbours solves more: a curve may bend the other way.
        yield _shuffled(rng, [10, 20, 30], [0.25, 0.25 + int(rng.integers(1, 8)) / 64, 0.75])


def _frontier_ties(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        costs, (a, b, c) = _rising(rng, 3)
        yield _standing(costs, [a, c, c])  # as good, and dearer
        for better in ([a, b, c], [a, c, b], [b, a, c], [b, c, a]):  # as dear, and better
            yield _standing([costs[0], costs[1], costs[1]], better)
        yield _standing([costs[0]] * 3, [b, c, a])
        yield _standing([costs[0], costs[0], costs[1]], [a, a, b])  # the same twice: the first


def _best_payable(
    queries: int, large: Sequence[int], small_training: int, costs: Sequence[int], accuracy: Sequence[float]
) -> int:
    training, answer = large
    total = training + queries * answer
    payable = [i for i, cost in enumerate(costs) if small_training + queries * cost <= total]
    if not payable:
        raise ValueError(f"a total of {total} pays for none of the strategies")
    return max(payable, key=lambda i: (accuracy[i], -costs[i], -i))


def _lived(
    queries: int, large: list[int], small_training: int, costs: list[int], accuracy: list[float]
) -> tuple[Any, ...]:
    total = large[0] + queries * large[1]
    bills = [small_training + queries * cost for cost in costs]
    why = (
        f"in all the large model costs {large[0]} + {queries} x {large[1]} = {total}, and the strategies, training "
        f"included, cost {bills}"
    )
    return why, queries, large, small_training, costs, accuracy


def _shared_training(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        queries, answer = int(rng.integers(20, 200)), int(rng.integers(20, 60))
        training = int(rng.integers(10, 100)) * 1000
        costs = [answer // 4, answer // 2, answer, 2 * answer]
        yield _lived(queries, [training, answer], training, costs, [0.25, 0.5, 0.625, 0.75])


def _cheaper_training(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        queries, answer = int(rng.integers(20, 200)), int(rng.integers(20, 60))
        small, more = int(rng.integers(10, 100)) * 1000, int(rng.integers(3, 9))
        costs = [answer, answer + more - 1, answer + more, answer + more + 1, 9 * answer]
        accuracy = [0.25, 0.375, 0.5, 0.625, 0.75]
        yield _lived(queries, [small + queries * more, answer], small, costs, accuracy)  # to the last FLOP
        yield _lived(queries, [small + queries * more - 1, answer], small, costs, accuracy)
        yield _lived(queries, [small + queries * 20 * answer, answer], small, costs[::-1], [0.5, 0.75, 0.25, 0.125, 0])


def _dearer_training(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        queries, answer = int(rng.integers(20, 200)), int(rng.integers(20, 60))
        large, less = int(rng.integers(10, 100)) * 1000, int(rng.integers(3, 9))
        costs = [answer - less - 1, answer - less, answer - less + 1, answer]
        yield _lived(queries, [large, answer], large + queries * less, costs, [0.25, 0.375, 0.5, 0.75])
        why = "training the small model alone costs more than the large one does in all"
        yield why, queries, [large, answer], large + queries * answer, costs, [0.25, 0.375, 0.5, 0.75]
    for _ in range(2):
        queries, answer = int(rng.integers(20, 200)), int(rng.integers(20, 60))
        costs = [answer // 2, answer, 2 * answer]
        yield _lived(queries, [queries * answer, answer], 0, costs, [0.25, 0.5, 0.75])  # training that is free
        yield _lived(queries, [0, answer], 0, costs, [0.25, 0.5, 0.75])


def _equally_accurate(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        queries, answer = int(rng.integers(20, 200)), int(rng.integers(20, 60))
        for costs in ([answer, answer - 3, answer - 9], [answer - 9, answer - 9, answer]):
            why, *case = _lived(queries, [5000, answer], 5000, costs, [0.75, 0.75, 0.75])
            yield f"{why}; of equally accurate ones the cheapest is taken, then the first", *case
        yield _lived(queries, [5000, answer], 5000, [answer - 9] * 3 + [answer - 5], [0.25, 0.5, 0.25, 0.75])
        yield _lived(queries, [5000, answer], 5000, [answer - 9] * 4, [0.25, 0.25, 0.25, 0.75])


def _verdict(small: Sequence[int], large: Sequence[int], cells: int) -> str:
    only_small = sum(a > b for a, b in zip(small, large))
    only_large = sum(a < b for a, b in zip(small, large))
    p = _sign_test(only_small, only_large)
    if p > 0.05 / cells:
        return "no difference"
    return "small" if only_small > only_large else "large"


def _sign_test(one: int, other: int) -> float:
    tosses = one + other
    return min(1.0, 2 * sum(comb(tosses, i) for i in range(min(one, other) + 1)) / 2**tosses)


def _tossed(small: list[int], large: list[int], cells: int) -> tuple[Any, ...]:
    only_small = sum(a > b for a, b in zip(small, large))
    only_large = sum(a < b for a, b in zip(small, large))
    why = (
        f"{only_small} problems are solved by the small model alone and {only_large} by the large one alone; if each "
        f"were a toss of a coin, a split as uneven would have p = {_sign_test(only_small, only_large):.4g}, to be "
        f"compared with 0.05 / {cells}"
    )
    return why, small, large, cells


def _outcomes(
    rng: np.random.Generator, only_small: int, only_large: int, both: int, neither: int
) -> tuple[list[int], list[int]]:
    pairs = [(1, 0)] * only_small + [(0, 1)] * only_large + [(1, 1)] * both + [(0, 0)] * neither
    order = rng.permutation(len(pairs))
    return [pairs[i][0] for i in order], [pairs[i][1] for i in order]


def _few(rng: np.random.Generator) -> int:
    return int(rng.integers(2, 9))


def _clear_cells(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        more = int(rng.integers(10, 16))
        yield _tossed(*_outcomes(rng, more, 0, 0, _few(rng)), 1)
        yield _tossed(*_outcomes(rng, 0, more, 0, _few(rng)), 1)
    yield from _close_calls(rng, ((17, 6, 1), (13, 4, 1)))  # p is 0.035 and 0.0490


def _chance(rng: np.random.Generator) -> Cases:
    yield "they solve the same problems, and nothing speaks for either", [1, 0, 1], [1, 0, 1], 1
    for _ in range(3):
        even = _few(rng)
        yield _tossed(*_outcomes(rng, even, even, _few(rng), _few(rng)), 1)
        # p is 0.0625: both ends of the coin's distribution count.
        for sides in ((5, 0), (0, 5)):
            yield _tossed(*_outcomes(rng, *sides, _few(rng), _few(rng)), 1)
    yield from _close_calls(rng, ((16, 6, 1), (22, 10, 1)))  # p is 0.052 and 0.0501


def _close_calls(rng: np.random.Generator, cells: Sequence[tuple[int, int, int]]) -> Cases:
    """Both models solve some problems alone; p is close to what it is compared with."""
    for more, fewer, number in cells:
        for sides in ((more, fewer), (fewer, more)):
            yield _tossed(*_outcomes(rng, *sides, _few(rng), _few(rng)), number)


def _concordant(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        # Of 8 problems that tell, 8 are on one side; 200 that do not tell change nothing.
        same = int(rng.integers(90, 110))
        yield _tossed(*_outcomes(rng, 8, 0, same, 200 - same), 1)
        yield _tossed(*_outcomes(rng, 0, 8, same, 200 - same), 1)


def _many_cells(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        for sides in ((8, 0), (0, 8)):  # p is 0.0078
            case = _outcomes(rng, *sides, _few(rng), _few(rng))
            yield _tossed(*case, 6)
            yield _tossed(*case, 7)
            yield _tossed(*case, 24)
    # In units of 0.05 / cells, p is 0.980, 0.988, 1.014 and 1.018.
    yield from _close_calls(rng, ((24, 8, 7), (19, 4, 19), (17, 5, 3), (14, 3, 4)))


EXERCISES = (
    Exercise(
        id="6.1",
        title="accuracy at equal FLOPs",
        points=10,
        goal=(
            "A strategy was measured at several budgets. costs[i] is the mean cost of budget i per problem, in "
            "ascending order, and accuracy[i] is its accuracy. Mix two neighbouring budgets: some problems, drawn at "
            "random, get the more expensive one, and the others the cheaper one. Return the accuracy of the mix that "
            "costs `flops` per problem. If `flops` is below or above all costs, raise ValueError."
        ),
        hint=(
            "Find the two costs that `flops` lies between. The share of problems with the more expensive budget is how "
            "far `flops` has come from the lower cost towards the higher one. Accuracy mixes with the same shares."
        ),
        returns=PROBABILITY,
        example=([1, 3], [0.25, 0.75], 2),
        checks=(
            agreeing("on a budget", _on_a_budget),
            agreeing("between two budgets", _between_budgets),
            agreeing("outside all budgets", _outside_budgets),
        ),
        reference=_at_equal_flops,
        withheld=("ttclab.results.arms.at_equal_flops",),
        payoff="results.equal_flops",
    ),
    Exercise(
        id="6.2",
        title="what is worth its FLOPs",
        points=10,
        goal=(
            "Strategy i costs costs[i] FLOPs per problem and solves accuracy[i]. A strategy is beaten by one that "
            "costs no more and solves more, or costs less and solves as much. Return the indices of the unbeaten "
            "strategies, from the cheapest to the most expensive. Of two that cost and solve the same, keep the first."
        ),
        hint=(
            "Sort by cost. Of equal costs, put the more accurate first. Then walk up: keep a strategy if it solves "
            "more than the last one kept."
        ),
        returns=lists("a list of whole numbers", WHOLE),
        example=([1, 2], [0.25, 0.5]),
        checks=(
            agreeing("none is beaten", _all_on_the_frontier),
            agreeing("some are beaten", _some_beaten),
            agreeing("equal costs, equal accuracies", _frontier_ties),
        ),
        reference=_frontier,
        payoff="results.worth_its_flops",
    ),
    Exercise(
        id="6.3",
        title="the best that the large model's total pays for",
        points=20,
        goal=(
            "large is [training, answer]: the FLOPs to train the large model, and those of each answer. Training the "
            "small model and its verifier costs small_training, and strategy i costs costs[i] per query. After all "
            "queries, a strategy must not have cost more in all than the large model. Return the index of the most "
            "accurate such strategy; of equally accurate ones the cheapest, then the first. If there is none, raise "
            "ValueError."
        ),
        hint=(
            "Write down both bills: training + queries x cost. Whole numbers need no division. A bill that equals the "
            "large model's is allowed."
        ),
        returns=WHOLE,
        example=(10, [1000, 20], 500, [10, 60], [0.25, 0.5]),
        checks=(
            agreeing("training that costs the same", _shared_training),
            agreeing("training that is cheaper", _cheaper_training),
            agreeing("training that is dearer", _dearer_training),
            agreeing("equally accurate", _equally_accurate),
        ),
        reference=_best_payable,
    ),
    Exercise(
        id="6.4",
        title="who wins a cell of the map",
        points=20,
        goal=(
            "small[i] and large[i] are 1 if that model solved problem i, else 0. Count the problems that only one of "
            "them solved. If the two were equally good, each of these would be a toss of a fair coin. p is the "
            "probability of a split at least as uneven, in either direction, at most 1. If p <= 0.05 / cells, return "
            'the one that has more, "small" or "large", else "no difference". cells is the number of cells in the map.'
        ),
        hint=(
            "Of n tosses, the probability of at most m heads is the sum of comb(n, i) for i up to m, over 2 ** n. Let "
            "m be the smaller side, and double the result: the other direction is as likely."
        ),
        returns=TEXT,
        example=([1, 0], [0, 1], 1),
        checks=(
            agreeing("clear winners", _clear_cells),
            agreeing("what chance can do", _chance),
            agreeing("problems that do not tell", _concordant),
            agreeing("one cell of many", _many_cells),
        ),
        reference=_verdict,
        withheld=("ttclab.estimators.mcnemar",),
        payoff="results.cells",
    ),
)
