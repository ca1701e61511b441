"""KV cache of finished rows, kept for rows that restart from inside them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from .cache import Prefix
from .rows import Row

PrefixCache = dict[tuple[int, ...], tuple[Prefix, int]]  # tokens -> the set of rows and the row with their KV cache


class KeptPrefixes:
    """KV cache and log-probabilities of the rows of two rounds, for restarts.

    Attributes
    ----------
    at : str
        A row may be restarted after any token that contains this string, and after its prompt.
    """

    def __init__(self, at: str) -> None:
        self.at = at
        self._before: WeakKeyDictionary[object, PrefixCache] = WeakKeyDictionary()
        self._now: WeakKeyDictionary[object, PrefixCache] = WeakKeyDictionary()
        self._logprobs: WeakKeyDictionary[object, dict[tuple[int, ...], float]] = WeakKeyDictionary()

    def of(self, engine: object) -> PrefixCache:
        """Prefixes of an engine's rows, of this round and the previous one."""
        return {**self._before.get(engine, {}), **self._now.get(engine, {})}

    def add(self, engine: object, prefixes: PrefixCache) -> None:
        """Add prefixes to this round."""
        self._now.setdefault(engine, {}).update(prefixes)

    def add_logprobs(
        self, engine: object, row: Row, tokens: tuple[int, ...], logprobs: Sequence[float], ends: frozenset[int]
    ) -> None:
        """Store the log-probability of a row up to each new token that contains `at`.

        Parameters
        ----------
        engine : Engine
        row : Row
            The row as it entered the engine.
        tokens : tuple of int
            Its context and its new tokens.
        logprobs : sequence of float
            Log-probabilities of the new tokens.
        ends : frozenset of int
            Ids of the tokens that contain `at`.
        """
        known = self._logprobs.setdefault(engine, {})
        start = len(row.context)
        total = known.get(row.context, math.nan) if row.used else 0.0
        for i, (token, logprob) in enumerate(zip(tokens[start:], logprobs), start=start + 1):
            total += logprob
            if token in ends:
                known[tokens[:i]] = total

    def logprob(self, engine: object, tokens: tuple[int, ...]) -> float:
        """Log-probability of the generated tokens of a row that ends after `at`; NaN if unknown."""
        return self._logprobs.get(engine, {}).get(tokens, math.nan)

    def next_round(self) -> None:
        """Begin a round, and drop all rows but those of the round that ends."""
        self._before, self._now = self._now, WeakKeyDictionary()


_open: ContextVar[KeptPrefixes | None] = ContextVar("kept_prefixes", default=None)


@contextmanager
def prefixes_kept(at: str) -> Iterator[KeptPrefixes]:
    """Inside the block, engines keep the KV cache of the rows that they generate, for restarts.

    It takes memory, so only strategies that restart rows open such a block.
    """
    kept = KeptPrefixes(at)
    token = _open.set(kept)
    try:
        yield kept
    finally:
        _open.reset(token)


def kept_prefixes() -> KeptPrefixes | None:
    """The prefixes of the innermost open block, None without one."""
    return _open.get()
