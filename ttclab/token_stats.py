"""Statistics of the tokens that a policy wrote, and how a caller asks for them.

A policy computes a distribution over its vocabulary before it draws a token. `TokenStats` keeps four numbers of each
such distribution, at temperature 1. They are kept only while a `token_stats_kept` block is open.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

TOP = 20  # tokens that the confidence of a token is a mean over, as in DeepConf
# Log-probabilities count as at least this much, so that a token that is impossible leaves every mean finite.
LEAST_LOGPROB = -100.0


@dataclass(frozen=True, eq=False)
class TokenStats:
    """Statistics of the tokens of one solution, in nats and at temperature 1.

    Parameters
    ----------
    values : array of shape (tokens, 4)
        The four statistics below, in their order.
    """

    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def logprob(self) -> NDArray[np.float32]:
        """Log-probability of each token."""
        return self.values[:, 0]

    @property
    def entropy(self) -> NDArray[np.float32]:
        """Entropy of the distribution that each token was drawn from."""
        return self.values[:, 1]

    @property
    def self_certainty(self) -> NDArray[np.float32]:
        """KL divergence of that distribution from the uniform one, KL(uniform || p) (Kang et al. 2025)."""
        return self.values[:, 2]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Minus the mean log-probability of the TOP likeliest tokens (Fu et al. 2025, DeepConf)."""
        return self.values[:, 3]

    def first(self, tokens: int) -> "TokenStats":
        """The statistics of the first tokens."""
        return TokenStats(self.values[:tokens])

    def followed_by(self, other: "TokenStats") -> "TokenStats":
        """These statistics and then those of the tokens that come after."""
        return TokenStats(np.concatenate([self.values, other.values]))


@dataclass(frozen=True)
class TokenWatch:
    """That statistics of tokens are kept, and which solutions are stopped by them.

    Attributes
    ----------
    window : int
        Tokens of a group. 0: no solution is stopped.
    floors : mapping
        For the id of a problem the confidence of a group below which a solution to this problem is stopped.
    """

    window: int = 0
    floors: Mapping[str, float] = field(default_factory=dict)


_open: ContextVar[TokenWatch | None] = ContextVar("token_watch", default=None)


@contextmanager
def token_stats_kept(window: int = 0, floors: Mapping[str, float] | None = None) -> Iterator[None]:
    """Inside the block, policies that run in this process keep the `TokenStats` of the solutions that they write.

    With `floors` they also stop a solution, unfinished, at the first token at which the mean confidence of the last
    `window` tokens is below the floor of its problem. Tokens written before the call do not count.

    Parameters
    ----------
    window : int
        Tokens of a group; 0 stops no solution.
    floors : mapping, optional
        The floor for the id of a problem. Solutions to other problems are not stopped.

    Raises
    ------
    ValueError
        If window < 0, and for floors without a window of at least 1.
    """
    if window < 0 or (floors and not window):
        raise ValueError(f"solutions are stopped by the confidence of a window of at least 1 token, not {window}")
    token = _open.set(TokenWatch(window, floors or {}))
    try:
        yield
    finally:
        _open.reset(token)


def token_watch() -> TokenWatch | None:
    """That of the innermost block that is open, if any."""
    return _open.get()
