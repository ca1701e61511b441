"""Calls of a learner's function, with results as plain JSON. It knows no exercises, so a submission may import it."""

import math
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from types import FrameType
from typing import Any, TypedDict

HUGE = 10**300


class Reply(TypedDict, total=False):
    """Result of a call: `value`, as plain JSON, or `raised`, one line of text."""

    value: Any
    raised: str


Ask = Callable[[Sequence[Any]], Reply]


def reply(function: Callable[..., Any], arguments: Sequence[Any]) -> Reply:
    """Call an untrusted function; every exception but an interrupt becomes a reply."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's warnings name temporary files
            return {"value": plain(function(*arguments))}
    except NotImplementedError:
        return {"value": None}  # a stub
    except (KeyboardInterrupt, TooLong):
        raise
    except BaseException as error:
        return {"raised": in_words(error)}


class Timed:
    """An ask that calls a function in this process and stops a call that takes too long; later calls are refused.

    The system's alarm stops a call. Without an alarm (on Windows, or outside the main thread) calls are not stopped.
    """

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        self.function, self.seconds, self.late = function, seconds, False

    def __call__(self, arguments: Sequence[Any]) -> Reply:
        if self.late:
            return {"raised": f"TooLong: an earlier call gave no answer in {self.seconds:g} s; does a loop never end?"}
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            return reply(self.function, arguments)
        handler = signal.signal(signal.SIGALRM, self._end)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 1.0)  # repeated: the call may catch the first
        try:
            return reply(self.function, arguments)
        except TooLong:
            return {"raised": f"TooLong: no answer in {self.seconds:g} s; does a loop never end?"}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.late = True
        raise TooLong


class TooLong(BaseException):
    """A call was stopped. Not an Exception, so that the function's own `except Exception` does not catch it."""


def in_words(error: BaseException) -> str:
    """The last line of an exception's traceback, even if the exception cannot be converted to text."""
    return traceback.format_exception_only(error)[-1].strip()


def plain(value: object) -> object:
    """A value for JSON: numbers and arrays of numpy and torch as Python's, other objects as "<Type>"."""
    if value is None or value is ...:
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value) if abs(int(value)) < HUGE else math.inf
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return f"<{type(value).__name__}>"
