"""Keys and values of rows that are done, kept for rows that go on from inside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from .cache import Prefix

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

    def of(self, engine: object) -> PrefixCache:
        """What is kept of an engine's rows, of this round and the one before."""
        return {**self._before.get(engine, {}), **self._now.get(engine, {})}

    def add(self, engine: object, prefixes: PrefixCache) -> None:
        """Keep more, in this round."""
        self._now.setdefault(engine, {}).update(prefixes)

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
