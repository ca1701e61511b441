"""The exercises of chapter 02."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb
from statistics import fmean
from typing import Any

import numpy as np

from ttclab.estimators import pass_at_k
from ttclab.exercises.exercise import (
    NUMBER,
    PROBABILITY,
    TOLERANCE,
    WHOLE,
    Attempt,
    Check,
    Exercise,
    Wrong,
    agreeing,
    lists,
)


def _cases(rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Every (n, c, k) for n up to 5 and for one larger n."""
    for n in (1, 2, 3, 4, 5, int(rng.integers(6, 9))):
        for c in range(n + 1):
            for k in range(1, n + 1):
                yield n, c, k


def _edge(n: int, c: int, k: int) -> str | None:
    """Why the value is plain to see, where it is."""
    if c == 0:
        return "no sample is right"
    if c == n:
        return "every sample is right"
    if k > n - c:
        return f"with n - c = {n - c} wrong, {k} samples always hold a right one"
    if k == 1:
        return f"one sample is drawn, and {c} of {n} are right"
    return None


def _count(n: int, c: int, k: int) -> tuple[int, int]:
    """How many of the ways to take k of n samples hold one of the first c, and how many ways there are."""
    ways = list(combinations(range(n), k))
    return sum(way[0] < c for way in ways), len(ways)


def _edges(attempt: Attempt, rng: np.random.Generator) -> None:
    for n, c, k in _cases(rng):
        if why := _edge(n, c, k):
            holding, ways = _count(n, c, k)
            attempt.expect(holding / ways, why, n, c, k)


def _by_hand(attempt: Attempt, rng: np.random.Generator) -> None:
    for n, c, k in _cases(rng):
        if not _edge(n, c, k):
            holding, ways = _count(n, c, k)
            why = f"of the {ways} ways to take {k} of the {n} samples, {holding} hold a right one"
            attempt.expect(holding / ways, why, n, c, k)


def _unbiased(attempt: Attempt, rng: np.random.Generator) -> None:
    for _ in range(3):
        n, k, p = int(rng.integers(8, 13)), int(rng.integers(3, 6)), float(rng.integers(2, 7)) / 10
        chances = [comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
        mean = sum(chance * attempt.value(n, c, k) for c, chance in enumerate(chances))
        truth = 1 - (1 - p) ** k
        if abs(mean - truth) > TOLERANCE:
            side = "low" if mean < truth else "high"
            raise Wrong(
                f"a model that is right with probability {p:g} solves the problem within {k} samples with probability "
                f"{truth:.4g}. Your estimate from {n} samples, averaged over every c that can come, is {mean:.4g}: "
                f"too {side} by {abs(mean - truth):.2g}, however many problems you average over."
            )


def _large(attempt: Attempt, rng: np.random.Generator) -> None:
    few, some, many = (int(rng.integers(*ends)) for ends in ((2, 6), (10, 40), (300, 700)))
    for c, k in ((few, many), (some, 100), (many, few), (many, many), (1, many), (999, few)):
        try:
            attempt.agree("the exact value", 1000, c, k)
        except Wrong as wrong:
            raise Wrong(f"{wrong} {_overflow(attempt, rng)}") from None


def _overflow(attempt: Attempt, rng: np.random.Generator) -> str:
    try:
        _by_hand(attempt, rng)
    except Wrong:
        return "Get the small cases right first."
    return (
        "The small cases are right, so a number on the way overflows: the ways to choose 500 of 1000 have 300 digits. "
        "A 64-bit integer wraps round in silence, a float turns into inf at 309 digits."
    )


def _cost(chains: int, revisions: int, sample: int, revision: int, look: int) -> int:
    if chains < 1 or revisions < 0:
        raise ValueError(f"at least one chain and no fewer than 0 revisions, not {chains} and {revisions}")
    return chains * (sample + revisions * revision + (1 + revisions) * look)


def _bill(chains: int, revisions: int, sample: int, revision: int, look: int) -> tuple[str, int, int, int, int, int]:
    """A case with the bill written out."""
    why = (
        f"{chains} first solutions at {sample}, {chains * revisions} revisions at {revision} and "
        f"{chains * (1 + revisions)} looks at {look}"
    )
    return why, chains, revisions, sample, revision, look


def _prices(rng: np.random.Generator) -> tuple[int, int, int]:
    sample = int(rng.integers(20, 80))
    return sample, sample + int(rng.integers(5, 40)), int(rng.integers(2, 20))


def _plain_costs(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for N in (1, *rng.integers(2, 65, size=3).tolist()):
        why, *case = _bill(N, 0, *_prices(rng))
        yield f"best-of-{N} is {N} chains without revisions: {why}", *case
    for T in (1, *rng.integers(2, 16, size=3).tolist()):
        why, *case = _bill(1, T, *_prices(rng))
        yield f"a chain of {T} revisions holds {1 + T} solutions, each of them scored: {why}", *case


def _hybrid_costs(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for _ in range(10):
        chains, revisions = rng.integers(2, 9, size=2).tolist()
        yield _bill(chains, revisions, *_prices(rng))


def _impossible_costs(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    yield "a search needs at least one chain", 0, int(rng.integers(0, 4)), 10, 12, 1
    yield "there are no fewer than 0 revisions", int(rng.integers(1, 4)), -1, 10, 12, 1


def _coverages(rates: Sequence[float], N: int) -> list[float]:
    rate = fmean(rates)
    return [1 - (1 - rate) ** N, fmean(1 - (1 - p) ** N for p in rates)]


def _both(rates: list[float], N: int) -> tuple[str, list[float], int]:
    each = ", ".join(f"{1 - (1 - p) ** N:.4g}" for p in rates)
    why = (
        f"the average rate is {fmean(rates):.4g}, and {N} samples at that rate give the first number; the coverages of "
        f"the problems are {each}, and their mean is the second"
    )
    return why, rates, N


def _alike(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for N in (1, 2, int(rng.integers(3, 9))):
        p = int(rng.integers(1, 10)) / 10
        yield f"all problems have the rate {p:g}, so both numbers are its coverage", [p] * 4, N
    rates = (rng.integers(0, 11, size=5) / 10).tolist()
    yield "with one sample, coverage is the rate itself, so both numbers are the average rate", rates, 1
    yield "the one problem is never solved", [0.0], int(rng.integers(2, 9))
    yield "the one problem is always solved", [1.0], int(rng.integers(2, 9))


def _unlike(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    yield _both([0.0, 1.0], int(rng.integers(2, 9)))
    for _ in range(8):
        rates = sorted((rng.choice(19, size=int(rng.integers(2, 6)), replace=False) / 20 + 0.05).round(2).tolist())
        yield _both(rates, int(rng.integers(2, 17)))


def _mean_coverage(rates: Sequence[float], N: int) -> float:
    return fmean(1 - (1 - p) ** N for p in rates)


def _smallest_n(rates: Sequence[float], target: float) -> int | None:
    reachable = fmean(p > 0 for p in rates)
    if target > reachable or (target == reachable and any(0 < p < 1 for p in rates)):
        return None
    N = 1
    while _mean_coverage(rates, N) < target:
        N += 1
    return N


def _reached(rates: list[float], target: float) -> tuple[str, list[float], float]:
    N = _smallest_n(rates, target)
    if N is None:
        return f"only {sum(p > 0 for p in rates)} of {len(rates)} problems can be solved at all", rates, target
    before = f", and N = {N - 1} gives {_mean_coverage(rates, N - 1):.4g}" if N > 1 else ""
    return f"N = {N} gives a mean coverage of {_mean_coverage(rates, N):.4g}{before}", rates, target


def _one_problem(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for _ in range(6):
        p, N = int(rng.integers(2, 9)) / 20, int(rng.integers(2, 10))
        yield _reached([p], round(_mean_coverage([p], N) - 0.004, 3))  # less than the N-th sample adds
    for N in (1, 2, 3):
        yield f"N = {N} at a rate of 0.5 gives a coverage of exactly {1 - 0.5**N:g}", [0.5], 1 - 0.5**N
    yield _reached([int(rng.integers(5, 9)) / 10], 0.3)


def _many_problems(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for _ in range(6):
        easy, hard = int(rng.integers(6, 10)) / 10, int(rng.integers(1, 5)) / 50
        rates = [easy, easy, int(rng.integers(2, 6)) / 10, hard]
        yield _reached(rates, int(rng.integers(85, 98)) / 100)
    yield _reached([int(rng.integers(5, 10)) / 10, 0.02], 0.8)


def _never(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    p = int(rng.integers(2, 7)) / 10
    yield _reached([p, p, 0.0, 0.0], 0.7)
    yield _reached([0.0], 0.1)
    yield "no number of samples makes a coverage of 1 certain, unless every one is right", [p, 1.0], 1.0
    yield "a single sample is always right", [1.0, 1.0], 1.0
    yield _reached([p, 0.0], 0.45)
    yield _reached([p, p, p, 0.0], 0.8)
    yield "a rate below one half makes no coverage of 1 certain either", [0.3, 1.0], 1.0
    yield "a single sample solves the one problem that can be solved", [1.0, 0.0], 0.5
    yield "N is at least 1, however low the target", [p], 0.0


EXERCISES = (
    Exercise(
        id="2.1",
        title="pass@k without bias",
        points=10,
        goal=(
            "From n samples of which c are right, estimate the probability that k samples hold at least one right "
            "one: without bias, to 9 decimals, for every 0 <= c <= n and 1 <= k <= n, up to n = 1000."
        ),
        hint=(
            "Count the ways to take k of the n samples without putting any back. In what share are all k wrong? For "
            "large n, divide as you go, or keep to Python's own whole numbers, which never overflow."
        ),
        function="pass_at_k",
        parameters=("n", "c", "k"),
        returns=PROBABILITY,
        example=(4, 2, 2),
        checks=(
            Check("edges", _edges),
            Check("small cases, counted by hand", _by_hand),
            Check("no bias", _unbiased),
            Check("n = 1000", _large),
        ),
        reference=pass_at_k,
        withheld=("ttclab.estimators.best_of_n",),
    ),
    Exercise(
        id="2.2",
        title="the bill of a search",
        points=10,
        goal=(
            "Price a search of several chains: each begins with a sample and goes on with revisions, and the verifier "
            "looks at every solution once. Fewer than 1 chain or 0 revisions raise ValueError."
        ),
        hint=(
            "A chain of T revisions holds 1 + T solutions: one sample, T revisions, 1 + T looks. Best-of-N is N "
            "chains with T = 0. A revision reads what it revises, so it has a price of its own."
        ),
        function="search_cost",
        parameters=("chains", "revisions", "sample", "revision", "look"),
        returns=NUMBER,
        example=(2, 3, 10, 15, 4),
        checks=(
            agreeing("best-of-N, and one chain", _plain_costs),
            agreeing("several chains", _hybrid_costs),
            agreeing("what can't be bought", _impossible_costs),
        ),
        reference=_cost,
    ),
    Exercise(
        id="2.3",
        title="the curve of the average, and the average of the curves",
        points=10,
        goal=(
            "Given the rate of each problem, the chance that one sample solves it, return two numbers: the coverage "
            "of N samples for a problem of the average rate, and the average of the problems' own coverages."
        ),
        hint=(
            "Coverage at a rate p is 1 - (1 - p)**N. Average first and apply it once; then apply it to each rate and "
            "average last."
        ),
        function="coverages",
        parameters=("rates", "N"),
        returns=lists("a list of two numbers", NUMBER, 2),
        example=([0.2, 0.6], 4),
        checks=(agreeing("problems alike, or one sample", _alike), agreeing("problems that differ", _unlike)),
        reference=_coverages,
    ),
    Exercise(
        id="2.4",
        title="how many samples for a target",
        points=20,
        goal=(
            "Find the smallest N >= 1 whose coverage, averaged over problems with the given rates, is at least the "
            "target; None if no N reaches it."
        ),
        hint=(
            "Raise N until the average coverage is there. Before you start, make sure it ever is: a problem with rate "
            "0 is never solved, and one with a rate between 0 and 1 never for certain."
        ),
        function="smallest_n",
        parameters=("rates", "target"),
        returns=WHOLE,
        example=([0.5], 0.7),
        checks=(
            agreeing("one problem", _one_problem),
            agreeing("problems that differ", _many_problems),
            agreeing("out of reach", _never),
        ),
        reference=_smallest_n,
    ),
)
