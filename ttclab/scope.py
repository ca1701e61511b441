"""Scopes: blocks of work inside which a model keeps what it has computed, and after which it is forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Scope:
    """An open block. Whoever keeps something for the block keys it weakly by this object."""


_open: ContextVar[Scope | None] = ContextVar("open_scope", default=None)


@contextmanager
def scope() -> Iterator[Scope]:
    """Context manager: open a scope. In nested blocks the innermost counts."""
    block = Scope()
    token = _open.set(block)
    try:
        yield block
    finally:
        _open.reset(token)


def open_scope() -> Scope | None:
    """The innermost open scope, if any."""
    return _open.get()
