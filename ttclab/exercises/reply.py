"""One call of a learner's function, whatever it does, as plain JSON. It knows no exercise, so that a submission's own
process can hold it.
"""

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
    """What came of one call: `value`, plain enough for JSON, or `raised`, one line."""

    value: Any
    raised: str


Ask = Callable[[Sequence[Any]], Reply]


def reply(function: Callable[..., Any], arguments: Sequence[Any]) -> Reply:
    """Call a function that may do anything; every exception but an interrupt becomes a reply."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's name temporary files; what it warns of shows in the value
            return {"value": plain(function(*arguments))}
    except NotImplementedError:
        return {"value": None}  # a stub
    except (KeyboardInterrupt, TooLong):
        raise
    except BaseException as error:
        return {"raised": in_words(error)}


class Timed:
    """An ask that calls a function here and ends a call that takes too long. After that it calls it no more.

    The system's alarm ends a call; where there is none (on Windows, in another thread than the main one), nothing does.
    """

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        self.function, self.seconds, self.late = function, seconds, False

    def __call__(self, arguments: Sequence[Any]) -> Reply:
        if self.late:
            return {"raised": f"TooLong: an earlier call gave no answer in {self.seconds:g} s; does a loop never end?"}
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            return reply(self.function, arguments)
        handler = signal.signal(signal.SIGALRM, self._end)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 1.0)  # again each second, as the call may catch the first
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
    """A call that was ended: no Exception, so that the function's own `except Exception` does not catch it."""


def in_words(error: BaseException) -> str:
    """An exception as the last line of its traceback shows it, even one that cannot be turned into text."""
    return traceback.format_exception_only(error)[-1].strip()


def plain(value: Any) -> Any:
    """A value as JSON can carry it: numpy's and torch's numbers and arrays as Python's, else "<Type>"."""
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
