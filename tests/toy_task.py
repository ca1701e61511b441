"""A whole task in one file, as somebody adds one: write the digits of a number in reverse order."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ttclab.tasks.problem import Problem
from ttclab.tasks.task import Task, split_of


@dataclass(frozen=True)
class Reversal(Problem):
    """123> is solved by 3;2;1; and the answer is 321."""

    step_end = ";"
    prompt_end = ">"

    @property
    def solution_text(self) -> str:
        return "".join(f"{digit};" for digit in reversed(self.id))

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        steps = tuple(text.removesuffix(";").split(";")) if text else ()
        whole = text.endswith(";") and all(step.isdecimal() and len(step) == 1 for step in steps)
        return steps, "".join(steps) if whole else None

    def check_steps(self, steps: tuple[str, ...]) -> list[bool]:
        return [self.solution_text.startswith("".join(f"{s};" for s in steps[: i + 1])) for i in range(len(steps))]


def parse(id: str) -> Reversal:
    if not id.isdecimal():
        raise ValueError(f"a number is reversed, not {id!r}")
    return Reversal(id, f"Reverse {id}.", f"{id}>", id[::-1])


def draw(split: str, rng: random.Random) -> Iterator[Reversal]:
    while True:
        id = "".join(rng.choices("123456789", k=6))
        if split_of(id) == split:
            yield parse(id)


REVERSAL = Task(name="reversal", problem=Reversal, parse=parse, draw=draw, alphabet="123456789>;")
