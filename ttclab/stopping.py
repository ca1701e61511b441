"""Rules for when to stop sampling: they look at the votes so far, and say whether more samples are worth drawing.

`ClearLead` looks at a verifier's scores. `Agreement` and `Posterior` count answers, and need no verifier.
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
    """When to look at the votes, and when they are clear.

    Attributes
    ----------
    weighted : bool
        Whether the votes are sums of a verifier's scores, and not counts.
    """

    @property
    def weighted(self) -> bool: ...

    def __hash__(self) -> int: ...

    def looks(self, N: int) -> list[int]:
        """Numbers of samples after which the votes are looked at, ascending, at most N. Sampling ends at the last.

        Raises
        ------
        ValueError
            If N is smaller than the first look.
        """

    def is_clear(self, votes: Votes, drawn: int) -> NDArray[np.bool_]:
        """Whether sampling stops.

        Parameters
        ----------
        votes : array of shape (..., answers)
            The votes of each answer, in any order.
        drawn : int
            Samples drawn, with those that have no answer.

        Returns
        -------
        bool array of shape (...)
        """


@dataclass(frozen=True)
class ClearLead:
    """Stop once the first answer's sum of scores is ahead of the second's by `lead`.

    Parameters
    ----------
    lead : float
    batch : int
        Samples between two looks.
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
    """Double the number of samples until a share of them agrees on an answer (its_hub's adaptive self-consistency).

    Parameters
    ----------
    share : float
        Of the samples drawn.
    first : int
        Samples before the first look.
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
    """Stop once the leading answer is the model's favourite with a given probability (Aggarwal et al. 2023).

    Of adaptive consistency this is the Beta criterion: only the two leading answers count, and before any sample the
    share of the first among them is as likely to be any number from 0 to 1.

    Parameters
    ----------
    probability : float
    batch : int
        Samples between two looks.
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
    """Probability that an answer with `first` votes is more likely than one with `second`, from a uniform prior.

    It is that a Beta(first + 1, second + 1) variable is above 1/2, which for whole numbers is that of at most `first`
    heads in first + second + 1 tosses of a fair coin.
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
    """The votes of the first and the second answer, 0 where there is none, (...,) each."""
    padded = np.concatenate([votes, np.zeros((*votes.shape[:-1], 2))], axis=-1)
    ordered = np.partition(padded, -2, axis=-1)
    return ordered[..., -1], ordered[..., -2]
