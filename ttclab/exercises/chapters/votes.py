"""Chapter 3, the votes: their references and cases."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ttclab.exercises.exercise import Cases, is_clear

T = TypeVar("T")


def majority_vote(answers: Sequence[str | None]) -> str | None:
    return _elected(answers, [1.0] * len(answers))


def weighted_vote(answers: Sequence[str | None], scores: Sequence[float]) -> str | None:
    return _elected(answers, scores)


def _elected(answers: Sequence[str | None], scores: Sequence[float]) -> str | None:
    if not answers or len(answers) != len(scores):
        raise ValueError(f"a vote needs solutions and a score for each, not {len(answers)} and {len(scores)}")
    return min(_sums(answers, scores).items(), key=lambda vote: (-vote[1], len(vote[0]), vote[0]), default=(None, 0))[0]


def _sums(answers: Sequence[str | None], scores: Sequence[float]) -> dict[str, float]:
    votes: dict[str, float] = {}
    for answer, score in zip(answers, scores):
        if answer is not None:
            votes[answer] = votes.get(answer, 0.0) + score
    return votes


def _polled(answers: list[str | None], scores: list[float] | None = None) -> str:
    """Why an answer is elected: the votes, and the rule if they are equal."""
    votes = sorted(_sums(answers, scores or [1] * len(answers)).items(), key=lambda vote: -vote[1])
    if not votes:
        return "nobody votes"
    said = "the votes are " + ", ".join(f"{answer!r}: {vote:g}" for answer, vote in votes)
    tied = [answer for answer, vote in votes if vote == votes[0][1]]
    if len(tied) == 1:
        return said
    if len(set(map(len, tied))) == 1:
        return f"{said}; of equal votes and equal lengths the first in the order of texts wins"
    return f"{said}; of equal votes the shortest answer wins"


def shuffled(rng: np.random.Generator, items: Sequence[T]) -> list[T]:
    return [items[i] for i in rng.permutation(len(items))]


def eighths(rng: np.random.Generator, size: int) -> list[float]:
    """Scores whose sums and products are exact."""
    return (rng.integers(1, 9, size=size) / 8).tolist()


def clear_votes(rng: np.random.Generator) -> Cases:
    yield "it is the only answer", ["89"]
    for _ in range(10):
        names = rng.choice(np.arange(2, 300), size=3, replace=False).astype(str).tolist()
        answers = shuffled(rng, [names[0]] * 4 + [names[1]] * 3 + [names[2]])
        yield _polled(answers), answers


def silent_votes(rng: np.random.Generator) -> Cases:
    yield "nobody votes: no solution has an answer", [None] * int(rng.integers(1, 5))
    for _ in range(4):
        one, other = rng.choice(np.arange(10, 100), size=2, replace=False).astype(str).tolist()
        answers = shuffled(rng, [None] * 4 + [one] * 2 + [other])
        yield f"{_polled(answers)}; None is no answer and has no vote", answers
    yield "a vote needs at least one solution", []


def tied_votes(rng: np.random.Generator) -> Cases:
    for count in (1, 2, 3):
        short, long = str(rng.integers(6, 10)), str(rng.integers(100, 500))
        same = rng.choice(np.arange(10, 100), size=2, replace=False).astype(str).tolist()
        for one, other in ((short, long), (long, short), same, same[::-1]):
            answers = [one] * count + [other] * count
            yield _polled(answers), answers


def _weighted(answers: list[str | None], scores: list[float]) -> tuple[str, list[str | None], list[float]]:
    return _polled(answers, scores), answers, scores


def heavy_votes(rng: np.random.Generator) -> Cases:
    for _ in range(6):
        many, few, other = rng.choice(np.arange(10, 100), size=3, replace=False).astype(str).tolist()
        # The first has more votes, the second more weight, the third the single best score.
        pairs = [*[(many, 0.125)] * 4, (few, 0.625), (few, 0.5 + 0.125 * int(rng.integers(0, 2))), (other, 0.875)]
        yield _weighted(*map(list, zip(*shuffled(rng, pairs))))
    for _ in range(8):
        size, votes = int(rng.integers(2, 9)), [0.0, 0.0]
        while not is_clear(votes):
            answers, scores = rng.choice(["7", "12", "31", "104"], size=size).tolist(), eighths(rng, size)
            votes = list(_sums(answers, scores).values())
        yield _weighted(answers, scores)


def tied_weights(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        short, long = str(rng.integers(6, 10)), str(rng.integers(100, 500))
        low, high = rng.choice(np.arange(10, 100), size=2, replace=False).astype(str).tolist()
        for one, other in ((short, long), (long, short), (low, high), (high, low)):
            yield _weighted([one, other, other], [0.75, 0.5, 0.25])
        why = f"all weights are 0, and of equal sums the shortest answer wins, here {short!r}"
        yield why, [long, short, long], [0.0, 0.0, 0.0]


def silent_weights(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        one, other = rng.choice(np.arange(10, 100), size=2, replace=False).astype(str).tolist()
        for first, second in ((one, other), (other, one)):
            yield _weighted([None, first, None, second], [1.0, 0.25, 0.875, 0.125])
    size = int(rng.integers(1, 4))
    yield "nobody votes: no solution has an answer", [None] * size, [0.5] * size
    yield "a vote needs at least one solution", [], []
    yield "a vote needs one score for each solution", ["7"] * (size + 1), [0.5] * size
    yield "a vote needs one score for each solution", ["7"] * size, [0.5] * (size + 1)
