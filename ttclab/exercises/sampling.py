"""The exercises of chapter 02."""

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

from ttclab.estimators import pass_at_k
from ttclab.exercises.exercise import TOLERANCE, Attempt, Check, Exercise, Wrong


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
        mean = sum(chance * attempt.probability(n, c, k) for c, chance in enumerate(chances))
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
            attempt.expect(float(pass_at_k(1000, c, k)), "the exact value", 1000, c, k)
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


EXERCISES = (
    Exercise(
        id="2.1",
        title="pass@k without bias",
        points=10,
        goal=(
            "From n samples of which c are right, estimate the probability that k samples hold at least one right one: "
            "without bias, to 9 decimals, for every 0 <= c <= n and 1 <= k <= n, up to n = 1000."
        ),
        hint=(
            "Count the ways to take k of the n samples without putting any back. In what share are all k wrong? "
            "For large n, divide as you go, or keep to Python's own whole numbers, which never overflow."
        ),
        function="pass_at_k",
        parameters=("n", "c", "k"),
        example=(4, 2, 2),
        checks=(
            Check("edges", _edges),
            Check("small cases, counted by hand", _by_hand),
            Check("no bias", _unbiased),
            Check("n = 1000", _large),
        ),
        reference=pass_at_k,
    ),
)
