"""What an exercise is: data, and checks that question a learner's function and say what is wrong with it.

A check never holds the function itself. It holds an *ask*: arguments go in, a reply in plain JSON comes out. In a
notebook the ask calls the function on the spot; the grader's sends the arguments to another process. So learner and
teacher run the same checks, and only the seed differs.
"""

import math
import textwrap
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple, TypedDict

import numpy as np

TOLERANCE = 1e-9  # well above the rounding of log-gamma at n = 1000, well below any mistake
HUGE = 10**300


class Reply(TypedDict, total=False):
    """What came of one call: `value`, plain enough for JSON, or `raised`, one line."""

    value: Any
    raised: str


Ask = Callable[[Sequence[Any]], Reply]


class Wrong(Exception):
    """What is wrong with the learner's function, in words that help."""


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


class Attempt:
    """The learner's function as the checks see it. Its methods raise `Wrong`, which names the call that went wrong."""

    def __init__(self, ask: Ask, function: str, parameters: Sequence[str]) -> None:
        self.ask, self.function, self.parameters = ask, function, parameters

    def call(self, *arguments: Any) -> str:
        """The call as a learner would write it: pass_at_k(n=3, c=1, k=2)."""
        return f"{self.function}({', '.join(f'{p}={a!r}' for p, a in zip(self.parameters, arguments))})"

    def probability(self, *arguments: Any) -> float:
        """What the function returns for these arguments, if it is a number in [0, 1] (up to rounding)."""
        answer = self.ask(arguments)
        call = self.call(*arguments)
        if "raised" in answer:
            raise Wrong(f"{call} raised {answer['raised']}")
        value = answer.get("value")
        if value is None:
            raise Wrong(f"{call} returned nothing (does every way through it end in a return?)")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong(f"{call} returned {str(value)[:60]}, not a number")
        if not -TOLERANCE <= value <= 1 + TOLERANCE:
            raise Wrong(f"{call} returned {value:.4g}, not a number from 0 to 1")
        return float(value)

    def expect(self, truth: float, why: str, *arguments: Any) -> None:
        """Insist on one value, up to rounding; `why` says where it comes from."""
        try:
            value = self.probability(*arguments)
        except Wrong as wrong:
            raise Wrong(f"{wrong}. {truth:.4g} is right: {why}.") from None
        if abs(value - truth) > TOLERANCE:
            said, right = apart(value, truth)
            raise Wrong(f"{self.call(*arguments)} returned {said}. {right} is right: {why}.")


def apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as few digits as tell them apart, from four up."""
    for digits in (4, 6, 9, 12):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            return texts
    return repr(one), repr(other)


class Check(NamedTuple):
    """One thing to hold: its name, and a function that raises `Wrong` where the attempt breaks it."""

    name: str
    run: Callable[[Attempt, np.random.Generator], None]


class Finding(NamedTuple):
    """What a check found: nothing wrong (None), or what."""

    check: str
    wrong: str | None


@dataclass(frozen=True)
class Exercise:
    """A task, and how it is judged. All checks pass, or it earns nothing: learners can run them until they do."""

    id: str
    title: str
    points: int
    goal: str
    hint: str
    function: str  # the name of the learner's
    parameters: tuple[str, ...]
    example: tuple[Any, ...]  # arguments to see whether there is an attempt at all
    checks: tuple[Check, ...]
    reference: Callable[..., Any]  # the package's own, withheld from submissions

    def judge(self, ask: Ask, seed: int) -> "Report":
        """Question a function on cases drawn from the seed. The same seed and function give the same report."""
        if ask(self.example) == {"value": None}:
            return Report(self, ())
        attempt, findings = Attempt(ask, self.function, self.parameters), []
        for check in self.checks:
            try:
                check.run(attempt, np.random.default_rng(seed))
                findings.append(Finding(check.name, None))
            except Wrong as wrong:
                findings.append(Finding(check.name, str(wrong)))
        return Report(self, tuple(findings))


@dataclass(frozen=True)
class Report:
    """What the checks found; no findings at all where there is no attempt yet. Its text is what the learner reads."""

    exercise: Exercise
    findings: tuple[Finding, ...]

    @property
    def solved(self) -> bool:
        return bool(self.findings) and not any(finding.wrong for finding in self.findings)

    @property
    def points(self) -> int:
        return self.exercise.points if self.solved else 0

    @property
    def reason(self) -> str:
        """The points in one sentence, for a table of grades."""
        wrong = [finding for finding in self.findings if finding.wrong]
        if not self.findings:
            return f"not attempted: {self.exercise.function} returns nothing"
        if not wrong:
            return f"all {len(self.findings)} checks pass"
        return f"{len(wrong)} of {len(self.findings)} checks fail; {wrong[0].check}: {wrong[0].wrong}"

    def __str__(self) -> str:
        exercise = self.exercise
        lines = [f"Exercise {exercise.id}, {exercise.title}: {self.points} of {exercise.points} points."]
        if not self.findings:
            todo = f"{exercise.function} returns nothing yet. Write its body, run that cell, then run this one again."
            lines += [_wrap("Goal:", exercise.goal), _wrap("Next:", todo)]
        for check, wrong in self.findings:
            lines.append(_wrap("no" if wrong else "ok", f"{check}: {wrong}" if wrong else check))
        if not self.solved:
            lines.append(_wrap("Hint:", exercise.hint))
        return "\n".join(lines)


def _wrap(mark: str, text: str) -> str:
    return textwrap.fill(text, 96, initial_indent=f"  {mark:<6}", subsequent_indent=" " * 8, break_on_hyphens=False)
