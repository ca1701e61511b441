"""Keys and values of rows that are done, kept for rows that go on from inside them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from .cache import Prefix
from .rows import Row

PrefixCache = dict[tuple[int, ...], tuple[Prefix, int]]  # tokens -> where their keys and values are: a set, a row of it


class KeptPrefixes:
    """What the rows of one round leave for the next: their keys and values, up to each place where `at` was written.

    Attributes
    ----------
    at : str
        A row may go on from the end of each token that contains this string, and from the end of its prompt.
    """

    def __init__(self, at: str) -> None:
        self.at = at
        self._before: WeakKeyDictionary[object, PrefixCache] = WeakKeyDictionary()
        self._now: WeakKeyDictionary[object, PrefixCache] = WeakKeyDictionary()
        self._logprobs: WeakKeyDictionary[object, dict[tuple[int, ...], float]] = WeakKeyDictionary()

    def of(self, engine: object) -> PrefixCache:
        """What is kept of an engine's rows, of this round and the one before."""
        return {**self._before.get(engine, {}), **self._now.get(engine, {})}

    def add(self, engine: object, prefixes: PrefixCache) -> None:
        """Keep more, in this round."""
        self._now.setdefault(engine, {}).update(prefixes)

    def add_logprobs(
        self, engine: object, row: Row, tokens: tuple[int, ...], logprobs: Sequence[float], ends: frozenset[int]
    ) -> None:
        """Keep the log-probability of what a row had written after each of its new tokens that `at` is in.

        Parameters
        ----------
        engine : Engine
        row : Row
            As it started.
        tokens : tuple of int
            What it became, context included.
        logprobs : sequence of float
            Of the new tokens.
        ends : frozenset of int
            Ids of the tokens that `at` is in.
        """
        known = self._logprobs.setdefault(engine, {})
        start = len(row.context)
        total = known.get(row.context, math.nan) if row.used else 0.0
        for i, (token, logprob) in enumerate(zip(tokens[start:], logprobs), start=start + 1):
            total += logprob
            if token in ends:
                known[tokens[:i]] = total

    def logprob(self, engine: object, tokens: tuple[int, ...]) -> float:
        """Log-probability of what was written of these tokens, a row up to where `at` was written; NaN if unknown."""
        return self._logprobs.get(engine, {}).get(tokens, math.nan)

    def next_round(self) -> None:
        """Begin a round, and forget the rows that are older than the round before it."""
        self._before, self._now = self._now, WeakKeyDictionary()


_open: ContextVar[KeptPrefixes | None] = ContextVar("kept_prefixes", default=None)


@contextmanager
def prefixes_kept(at: str) -> Iterator[KeptPrefixes]:
    """Inside the block, engines keep the keys and values of the rows that they have generated.

    The rows take memory for as long, so only strategies that go back into a row ask for it.
    """
    kept = KeptPrefixes(at)
    token = _open.set(kept)
    try:
        yield kept
    finally:
        _open.reset(token)


def kept_prefixes() -> KeptPrefixes | None:
    """Those of the innermost block that is open, if any."""
    return _open.get()
