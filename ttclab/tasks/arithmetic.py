"""Problems, solutions, and the arithmetic task that the shipped models solve.

A *solution* is one attempt at a *problem*. It consists of *steps* and ends in an *answer*. A problem of the arithmetic
task is a chain of operations on a running total, evaluated left to right::

    question                Start at 15, add 74, add 46, times 6.
    prompt                  015+74+46*06\n
    right solution          +74=089\n+46=135\n*06=810\n

Numbers have a fixed width, because tiny models learn fixed widths far faster. Totals stay between 1 and 999. The output
of a model is matched against a pattern, never evaluated.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .problem import Problem
from .task import Task, split_of

LENGTHS = range(1, 7)  # operations in a problem
# Operand sizes: the largest start, the range of terms to add or subtract, the range of factors.
SIZES = {
    "small": (99, range(1, 20), range(2, 4)),
    "medium": (99, range(10, 100), range(2, 7)),
    "large": (99, range(10, 100), range(2, 30)),
}
_EXPRESSION = re.compile(r"[0-9]{3}(?:[-+*][0-9]{2}){1,6}")
_STEP = re.compile(r"([-+*])([0-9]{2})=([0-9]{3})")
_VERBS = {"+": "add", "-": "take away", "*": "times"}
_SIGNS = {"+": "+", "-": "−", "*": "×"}


@dataclass(frozen=True)
class ArithmeticProblem(Problem):
    """A chain of additions, subtractions and multiplications on a running total."""

    @classmethod
    def from_expression(cls, expression: str) -> "ArithmeticProblem":
        """Parse a problem like `015+74+46*06`. Raises ValueError for another form and for totals outside 1..999."""
        if not _EXPRESSION.fullmatch(expression):
            raise ValueError(f"an arithmetic problem is written like '015+74+46*06', not {expression!r}")
        start, operations = int(expression[:3]), re.findall(r"([-+*])(\d\d)", expression)
        totals = [start]
        for sign, operand in operations:
            totals.append(_apply(totals[-1], sign, int(operand)))
        if not all(1 <= total <= 999 for total in totals):
            raise ValueError(f"totals must stay between 1 and 999, but {expression!r} goes through {totals}")
        clauses = [f"{_VERBS[sign]} {int(operand)}" for sign, operand in operations]
        question = ", ".join([f"Start at {start}", *clauses]) + "."
        return cls(expression, question, expression + "\n", str(totals[-1]))

    @cached_property
    def solution_steps(self) -> tuple[str, ...]:
        """Steps of the only right solution."""
        total, steps = int(self.id[:3]), []
        for sign, operand in re.findall(r"([-+*])(\d\d)", self.id):
            total = _apply(total, sign, int(operand))
            steps.append(f"{sign}{operand}={total:03d}")
        return tuple(steps)

    @property
    def solution_text(self) -> str:
        return "".join(step + "\n" for step in self.solution_steps)

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """Split `text` into lines, one step per line. The answer is None unless every line is a well-formed step."""
        steps = tuple(text.removesuffix("\n").split("\n")) if text else ()
        matches = [_STEP.fullmatch(step) for step in steps]
        last = matches[-1] if matches and all(matches) and text.endswith("\n") else None
        return steps, str(int(last[3])) if last else None

    def check_steps(self, steps: tuple[str, ...]) -> list[bool]:
        """Exact check: a step is right if it and all steps before it equal those of the right solution."""
        right, truth, checks = True, self.solution_steps, []
        for i, step in enumerate(steps):
            right = right and i < len(truth) and step == truth[i]
            checks.append(right)
        return checks

    def show(self, text: str) -> str:
        total, lines = str(int(self.id[:3])), []
        for step in self.read(text)[0]:
            if match := _STEP.fullmatch(step):
                sign, operand, result = match.groups()
                lines.append(f"{total} {_SIGNS[sign]} {int(operand)} = {int(result)}")
                total = str(int(result))
            else:
                lines.append(f"{step!r} (not a step)")
                total = "?"
        return "\n".join(lines)


def generate_problems(split: str, rng: random.Random) -> Iterator[ArithmeticProblem]:
    """Yield problems of a split without end, cycling through lengths and operand sizes."""
    while True:
        for size in SIZES:
            for length in LENGTHS:
                while split_of(expression := _draw_expression(rng, length, size)) != split:
                    pass
                yield ArithmeticProblem.from_expression(expression)


def _draw_expression(rng: random.Random, length: int, size: str) -> str:
    largest_start, terms, factors = SIZES[size]
    total = rng.randint(1, largest_start)
    expression = f"{total:03d}"
    for _ in range(length):
        while True:
            sign = rng.choice("+-*")
            operand = rng.choice(factors if sign == "*" else terms)
            if 1 <= (result := _apply(total, sign, operand)) <= 999:
                break
        total = result
        expression += f"{sign}{operand:02d}"
    return expression


def _apply(total: int, sign: str, operand: int) -> int:
    return total + operand if sign == "+" else total - operand if sign == "-" else total * operand


ARITHMETIC = Task(
    name="arithmetic",
    problem=ArithmeticProblem,
    parse=ArithmeticProblem.from_expression,
    draw=generate_problems,
    prefix="",
    alphabet="\n+-*=0123456789",
    period=len(SIZES) * len(LENGTHS),
)
