"""Votes over recorded samples: answers as numbers, in the order that decides ties."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Floats, checked_scores


def elected(answers: ArrayLike, scores: ArrayLike, correct: ArrayLike) -> NDArray[np.bool_]:
    """Whether the weighted vote of all samples elects a right answer, (problems,), as `sampling.weighted_vote` does.

    Parameters
    ----------
    answers, scores, correct : array of shape (problems, samples)
        As for `weighted_best_of_n`.
    """
    return elected_of(*numbered(np.asarray(answers, dtype=object), np.asarray(correct, dtype=bool)), scores)


def elected_of(names: NDArray[np.intp], wins: NDArray[np.bool_], scores: ArrayLike) -> NDArray[np.bool_]:
    """The same for answers that are `numbered`, or for some columns of them."""
    rows = np.arange(len(wins))
    sums = np.full(wins.shape, -2.0)  # an answer that no sample gives is not elected
    sums[rows[:, None], names] = 0.0
    np.add.at(sums, (rows[:, None], names), checked_scores(scores))
    sums[:, -1] = -1.0  # and no answer only if there is no other
    return np.asarray(wins[rows, sums.argmax(axis=1)])


def numbered(answers: NDArray[np.object_], correct: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Each answer as its place in the order that decides ties, (problems, samples), and which places are right.

    The last place, never right, is of no answer.
    """
    places = [{a: i for i, a in enumerate(sorted(set(row) - {None}, key=lambda a: (len(a), a)))} for row in answers]
    last = max(map(len, places), default=0)
    names = np.array([[place.get(a, last) for a in row] for place, row in zip(places, answers)], dtype=np.intp)
    wins = np.zeros((len(answers), last + 1), dtype=bool)
    np.put_along_axis(wins, names, correct, axis=1)
    wins[:, last] = False
    return names, wins


def leaders(said: NDArray[np.intp], given: Floats, places: int) -> Iterator[NDArray[np.intp]]:
    """After each sample the answer that leads in each row: only the answer that just got a vote can take the lead.

    said, given: (rows, samples), answers by their places and the scores that they bring; the last place: no answer.
    """
    rows, nobody = np.arange(len(said)), places - 1
    sums = np.zeros((len(said), places))
    leader, best = np.full(len(said), nobody), np.full(len(said), -1.0)
    for n in range(said.shape[1]):
        answer = said[:, n]
        sums[rows, answer] += given[:, n]
        now = np.where(answer == nobody, -np.inf, sums[rows, answer])
        ahead = (now > best) | ((now == best) & (answer < leader)) | (answer == leader)
        leader, best = np.where(ahead, answer, leader), np.where(ahead, now, best)
        yield leader
