"""Chapter 5, difficulty: its reference and cases."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from ttclab.exercises.exercise import Cases


def difficulty_bins(scores: Sequence[Sequence[float]], bins: int) -> list[int]:
    difficulty = [1 - fmean(row) for row in scores]
    groups = [0] * len(scores)
    for rank, problem in enumerate(sorted(range(len(scores)), key=lambda i: difficulty[i])):
        groups[problem] = rank * bins // len(scores)
    return groups


def _binned(scores: list[list[float]], bins: int) -> tuple[Any, ...]:
    hard = [1 - fmean(row) for row in scores]
    why = f"the difficulties are {[round(x, 4) for x in hard]}, and rank r of {len(scores)} is in group r x {bins} // "
    why += f"{len(scores)}, ranks counted from 0"
    if len(set(hard)) < len(hard):
        why += "; equal difficulties keep their order"
    return why, scores, bins


def _with_means(rng: np.random.Generator, eighths: Sequence[int]) -> list[list[float]]:
    """Four scores for each problem, with these means and in no order."""
    rows = [[mean / 8] * 4 for mean in eighths]
    for row, mean in zip(rows, eighths):
        spread = int(rng.integers(0, min(mean, 8 - mean) + 1)) / 8
        row[0], row[1] = row[0] - spread, row[1] + spread
    return [[row[i] for i in rng.permutation(4)] for row in rows]


def one_score(rng: np.random.Generator) -> Cases:
    yield "the one problem is in the first group", [[0.5]], 5
    for size in (5, 10):
        yield _binned([[int(i) / 16] for i in rng.permutation(size)], 5)
    for bins in (2, 4):
        yield _binned([[int(i) / 16] for i in rng.permutation(bins * 2)], bins)


def several_scores(rng: np.random.Generator) -> Cases:
    yield _binned([[1.0, 0.0], [0.5, 0.75]], 2)
    yield _binned([[1.0, 0.0, 0.0, 0.0], [0.125] * 4], 2)  # their medians are the other way round
    yield _binned([[0.0, 1.0, 1.0, 1.0], [0.875] * 4], 2)
    for bins in (2, 3, 4, 5):
        yield _binned(_with_means(rng, rng.permutation(8).tolist()[: 2 * bins if bins < 5 else 5]), bins)


def unequal_groups(rng: np.random.Generator) -> Cases:
    for size, bins in ((7, 5), (8, 3), (3, 5), (9, 4), (11, 5)):
        yield _binned([[int(i) / 16] for i in rng.permutation(size)], bins)


def equal_difficulties(rng: np.random.Generator) -> Cases:
    yield _binned([[0.5]] * 4, 2)
    yield _binned([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]], 3)
    for _ in range(4):
        same, other = (rng.choice(7, size=2, replace=False) + 1).tolist()
        yield _binned(_with_means(rng, [same, other, same, same, other, same]), 3)
