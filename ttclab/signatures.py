"""Explicit signatures for functions that pass keyword options on."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def options_of(receiver: Callable[..., object], names: Iterable[str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: give a function's `**options` the names, types and defaults that the callable they go to declares.

    `help` and completions then show every option, and an unknown option is a TypeError.

    Parameters
    ----------
    receiver : callable
        Function or dataclass that receives the options.
    names : iterable of str
        The options, in the order in which they are shown.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature, received = inspect.signature(function), inspect.signature(receiver).parameters
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        options = [received[name].replace(kind=inspect.Parameter.KEYWORD_ONLY) for name in names]
        explicit = signature.replace(parameters=own + options)

        @wraps(function)
        def checked(*args: P.args, **keywords: P.kwargs) -> R:
            try:
                explicit.bind(*args, **keywords)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            return function(*args, **keywords)

        checked.__signature__ = explicit  # type: ignore[attr-defined]
        return checked

    return decorate
