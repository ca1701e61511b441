"""Exercises: their data, and checks that call a learner's function and explain its mistakes.

A check does not see the function itself. It uses an *ask*, which takes arguments and returns a reply in plain JSON. In
a notebook the ask calls the function; in the grader it sends the arguments to another process. So learners and teachers
run the same checks, with different seeds.
"""

import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ttclab.exercises.reply import HUGE, Ask, Reply, plain

VISIBLE_SEED = 0  # the seed of learners; the grader draws other cases
TOLERANCE = 1e-9  # well above the rounding of log-gamma at n = 1000, well below any mistake
LONGEST_ARGUMENT = 250  # characters of an argument in a message


class Wrong(Exception):
    """A mistake of the learner's function; the message explains it."""


class Kind(NamedTuple):
    """Return type of a function: a description, and a test of values in plain JSON."""

    words: str
    holds: Callable[[Any], bool]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -HUGE < value < HUGE


def lists(words: str, item: Kind, length: int | None = None) -> Kind:
    """Kind of a list of items of one kind, of a given length or any."""
    return Kind(words, lambda v: isinstance(v, list) and length in (None, len(v)) and all(map(item.holds, v)))


NUMBER = Kind("a number", is_number)
WHOLE = Kind("a whole number", lambda value: is_number(value) and value == int(value))
PROBABILITY = Kind("a number from 0 to 1", lambda v: is_number(v) and -TOLERANCE <= v <= 1 + TOLERANCE)
TEXT = Kind("a string", lambda value: isinstance(value, str))


class Attempt:
    """The learner's function as the checks see it. Its methods raise `Wrong`, which names the wrong call."""

    def __init__(self, ask: Ask, exercise: "Exercise") -> None:
        self.ask, self.exercise = ask, exercise

    def call(self, *arguments: Any) -> str:
        """The call as a learner would write it: pass_at_k(n=3, c=1, k=2). Very long arguments are shortened."""
        texts = (text if len(text := repr(value)) <= LONGEST_ARGUMENT else f"{text[:60]} ..." for value in arguments)
        named = (f"{name}={text}" for name, text in zip(self.exercise.parameters, texts))
        return f"{self.exercise.function}({', '.join(named)})"

    def number(self, *arguments: Any) -> float:
        """The function's number for these arguments. Raises `Wrong` for a value of another kind."""
        return float(self._read(self._answer(arguments), arguments))

    def numbers(self, *arguments: Any) -> list[float]:
        """The function's list of numbers for these arguments. Raises `Wrong` for a value of another kind."""
        return list(self._read(self._answer(arguments), arguments))

    def expect(self, truth: Any, why: str, *arguments: Any) -> None:
        """Require a value, up to rounding, or a ValueError; `why` explains it."""
        answer = self._answer(arguments)
        if truth is ValueError:
            if str(answer.get("raised")).split(":")[0] != "ValueError":
                did = f"raised {answer['raised']}" if "raised" in answer else f"returned {shown(answer.get('value'))}"
                raise Wrong(f"{self.call(*arguments)} {did}. Raising ValueError is right: {why}.")
        elif truth is not None or answer != {"value": None}:
            try:
                value = self._read(answer, arguments)
            except Wrong as wrong:
                raise Wrong(f"{wrong}. {shown(truth)} is right: {why}.") from None
            if not same(value, truth):
                found, right = apart(value, truth)
                raise Wrong(f"{self.call(*arguments)} returned {found}. {right} is right: {why}.")

    def agree(self, why: str, *arguments: Any) -> None:
        """Require the result of the reference for these arguments."""
        try:
            truth = plain(self.exercise.reference(*deepcopy(arguments)))
        except ValueError:
            truth = ValueError
        self.expect(truth, why, *arguments)

    def _answer(self, arguments: Sequence[Any]) -> Reply:
        return self.ask(deepcopy(arguments))  # a function may change its arguments

    def _read(self, answer: Reply, arguments: Sequence[Any]) -> Any:
        call, value = self.call(*arguments), answer.get("value")
        if "raised" in answer:
            raise Wrong(f"{call} raised {answer['raised']}")
        if value is None:
            raise Wrong(f"{call} returned nothing (does every way through it end in a return?)")
        if not self.exercise.returns.holds(value):
            raise Wrong(f"{call} returned {shown(value)[:60]}, not {self.exercise.returns.words}")
        return value


def is_clear(values: Sequence[float]) -> bool:
    """Whether the maximum is unique."""
    return list(values).count(max(values)) == 1


def same(value: Any, truth: Any) -> bool:
    """Whether two plain values are equal, floats up to rounding."""
    if isinstance(value, list) and isinstance(truth, list):
        return len(value) == len(truth) and all(map(same, value, truth))
    if is_number(value) and is_number(truth) and not (isinstance(value, int) and isinstance(truth, int)):
        return math.isclose(value, truth, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(value) is type(truth) and value == truth


def shown(value: Any, digits: int = 4) -> str:
    """A plain value as text, with floats to `digits` digits."""
    if isinstance(value, list):
        return f"[{', '.join(shown(item, digits) for item in value)}]"
    if isinstance(value, float):
        return f"{value:.{digits if abs(value) < 1e4 else max(digits, 9)}g}"
    return repr(value)


def apart(one: Any, other: Any) -> tuple[str, str]:
    """Two values as texts with the fewest digits, at least four, that differ."""
    for digits in (4, 6, 9, 12):
        texts = shown(one, digits), shown(other, digits)
        if texts[0] != texts[1]:
            return texts
    return repr(one), repr(other)


class Check(NamedTuple):
    """A named property, and a function that raises `Wrong` if the attempt violates it."""

    name: str
    run: Callable[[Attempt, np.random.Generator], None]


Cases = Iterator[tuple[Any, ...]]  # of a check: why, and the arguments


def agreeing(name: str, draw: Callable[[np.random.Generator], Cases]) -> Check:
    """A check that the attempt agrees with the reference. draw: yields cases of (why, *arguments)."""

    def run(attempt: Attempt, rng: np.random.Generator) -> None:
        for why, *arguments in draw(rng):
            attempt.agree(why, *arguments)

    return Check(name, run)


class Finding(NamedTuple):
    """Result of a check: the mistake, or None."""

    check: str
    wrong: str | None


@dataclass(frozen=True)
class Exercise:
    """An exercise. It earns its points if all checks pass; learners can run the checks as often as they like."""

    id: str
    title: str
    points: int
    goal: str
    hint: str
    returns: Kind
    example: tuple[Any, ...]  # arguments for which a stub returns None
    checks: tuple[Check, ...]
    reference: Callable[..., Any]  # withheld from submissions; the learner's function has its name and parameters
    withheld: tuple[str, ...] = ()  # full names of other solutions in the package
    payoff: str = ""  # "module.function" of `payoffs` that draws what the learner's function finds on recorded runs

    @property
    def function(self) -> str:
        """Name of the learner's function."""
        return self.reference.__name__.removeprefix("_")

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return tuple(inspect.signature(self.reference).parameters)

    def assess(self, ask: Ask, seed: int) -> "Report":
        """Check a function on cases drawn from the seed. The report depends only on the seed and the function."""
        if ask(deepcopy(self.example)) == {"value": None}:
            return Report(self, ())
        attempt, findings = Attempt(ask, self), []
        for check in self.checks:
            try:
                check.run(attempt, np.random.default_rng(seed))
                findings.append(Finding(check.name, None))
            except Wrong as wrong:
                findings.append(Finding(check.name, str(wrong)))
        return Report(self, tuple(findings))


@dataclass(frozen=True)
class Report:
    """Results of the checks, empty without an attempt. Its text is shown to the learner."""

    exercise: Exercise
    findings: tuple[Finding, ...]
    hinted: bool = False  # whether to show the hint of an unsolved exercise

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
        if self.hinted and self.findings and not self.solved:
            lines.append(_wrap("Hint:", exercise.hint))
        return "\n".join(lines)


def _wrap(mark: str, text: str) -> str:
    return textwrap.fill(text, 79, initial_indent=f"  {mark:<6}", subsequent_indent=" " * 8, break_on_hyphens=False)
