"""One call of a learner's function, whatever it does, as plain JSON. It knows no exercise, so that a submission's own
process can hold it.
"""

import math
import traceback
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, TypedDict

HUGE = 10**300


class Reply(TypedDict, total=False):
    """What came of one call: `value`, plain enough for JSON, or `raised`, one line."""

    value: Any
    raised: str


Ask = Callable[[Sequence[Any]], Reply]


def reply(function: Callable[..., Any], arguments: Sequence[Any]) -> Reply:
    """Call a function that may do anything; every exception but the learner's own interrupt becomes a reply."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's name temporary files; what it warns of shows in the value
            return {"value": plain(function(*arguments))}
    except NotImplementedError:
        return {"value": None}  # a stub
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"raised": in_words(error)}


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
