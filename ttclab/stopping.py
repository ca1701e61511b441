"""Stopping rules of `adaptive.adaptive_search`, which decide by the votes so far whether to draw more samples.

`ClearLead` adds up a verifier's scores. `Agreement` and `Posterior` count answers and need no verifier.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat
from math import comb
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Votes = NDArray[np.floating[Any]]


class StoppingRule(Protocol):
    """Base protocol of stopping rules.

    Attributes
    ----------
    weighted : bool
        True if votes are sums of a verifier's scores, False if they are counts.
    """

    @property
    def weighted(self) -> bool: ...

    def __hash__(self) -> int: ...

    def looks(self, N: int) -> list[int]:
        """Numbers of samples after which the votes are checked, ascending, the last of them N.

        Raises
        ------
        ValueError
            If N is smaller than the first number, and for impossible settings.
        """

    def is_clear(self, votes: Votes, drawn: int) -> NDArray[np.bool_]:
        """Whether to stop sampling.

        Parameters
        ----------
        votes : array of shape (..., answers)
            Votes of each answer, in any order.
        drawn : int
            Samples drawn, including samples without an answer.

        Returns
        -------
        bool array of shape (...)
        """


@dataclass(frozen=True)
class ClearLead:
    """Stop once the sum of scores of the leading answer exceeds that of the second by `lead`.

    Parameters
    ----------
    lead : float
    batch : int
        Samples between two checks.
    """

    lead: float = 1.5
    batch: int = 4
    weighted = True

    def looks(self, N: int) -> list[int]:
        if not 1 <= self.batch <= N or not self.lead > 0:
            raise ValueError(
                "sampling until the vote is clear needs 1 <= batch <= N and lead > 0, not "
                f"{self.batch}, {N} and {self.lead}"
            )
        return _every(self.batch, N)

    def is_clear(self, votes: Votes, drawn: int) -> NDArray[np.bool_]:
        first, second = _top_two(votes)
        return first - second >= self.lead


@dataclass(frozen=True)
class Agreement:
    """Double the number of samples until a share of them agrees on one answer (its_hub's adaptive self-consistency).

    Parameters
    ----------
    share : float
        Share of the samples drawn.
    first : int
        Samples before the first check.
    """

    share: float = 0.75
    first: int = 2
    weighted = False

    def looks(self, N: int) -> list[int]:
        if not 1 <= self.first <= N or not 0 < self.share <= 1:
            raise ValueError(
                "doubling until the samples agree needs 1 <= first <= N and 0 < share <= 1, not "
                f"{self.first}, {N} and {self.share}"
            )
        return [*_below(accumulate(repeat(2), lambda n, by: n * by, initial=self.first), N), N]

    def is_clear(self, votes: Votes, drawn: int) -> NDArray[np.bool_]:
        return _top_two(votes)[0] >= self.share * drawn


@dataclass(frozen=True)
class Posterior:
    """Stop once the leading answer is the model's most likely answer with a given probability (Aggarwal et al. 2023).

    This is the Beta criterion of adaptive consistency: it compares the two leading answers, with a uniform prior on the
    share of the first.

    Parameters
    ----------
    probability : float
    batch : int
        Samples between two checks.
    """

    probability: float = 0.95
    batch: int = 4
    weighted = False

    def looks(self, N: int) -> list[int]:
        if not 1 <= self.batch <= N or not 0 < self.probability < 1:
            raise ValueError(
                "sampling until the favourite is known needs 1 <= batch <= N and 0 < probability < 1, not "
                f"{self.batch}, {N} and {self.probability}"
            )
        return _every(self.batch, N)

    def is_clear(self, votes: Votes, drawn: int) -> NDArray[np.bool_]:
        first, second = (each.astype(np.int64) for each in _top_two(votes))
        pairs, which = np.unique(np.stack([first, second], -1).reshape(-1, 2), axis=0, return_inverse=True)
        ahead = np.array([probability_ahead(int(one), int(other)) for one, other in pairs])
        return np.asarray(ahead[which.reshape(first.shape)] >= self.probability)


@lru_cache(maxsize=1 << 12)
def probability_ahead(first: int, second: int) -> float:
    """Probability that an answer with `first` votes is more likely than one with `second`, with a uniform prior.

    It equals P(Beta(first + 1, second + 1) > 1/2), which for whole numbers is the probability of at most `first` heads
    in first + second + 1 tosses of a fair coin.
    """
    tosses = first + second + 1
    return sum(comb(tosses, heads) for heads in range(first + 1)) / 2**tosses


def _every(batch: int, N: int) -> list[int]:
    return [*range(batch, N, batch), N]


def _below(numbers: Iterator[int], N: int) -> Iterator[int]:
    for number in numbers:
        if number >= N:
            return
        yield number


def _top_two(votes: Votes) -> tuple[Votes, Votes]:
    """Votes of the leading and the second answer, 0 without one, (...,) each."""
    padded = np.concatenate([votes, np.zeros((*votes.shape[:-1], 2))], axis=-1)
    ordered = np.partition(padded, -2, axis=-1)
    return ordered[..., -1], ordered[..., -2]
