"""Verifiers: what scores solutions."""

import math
from collections.abc import Sequence
from typing import Protocol

from . import flops
from .problems import Solution


class Verifier(Protocol):
    """Anything with a name that scores solutions from 0 (surely wrong) to 1 (surely right)."""

    name: str

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """One score a solution, (solutions,)."""

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """One score a step, each for the solution up to and including it."""


class Oracle:
    """Knows the right answer: no real system has it, but its line is the most that choosing can give (coverage)."""

    name = "oracle"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        for solution in solutions:
            flops.charge(solution.problem, "verifier", verifier_calls=1)
        return [float(solution.correct) for solution in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        for solution in solutions:
            flops.charge(solution.problem, "verifier", verifier_calls=1)
        return [[float(right) for right in s.problem.check_steps(s.steps)] for s in solutions]


_SHIPPED = {"oracle": Oracle}


def load_verifier(name: str) -> Verifier:
    """A shipped verifier: "oracle". Raises ValueError for any other name."""
    if name not in _SHIPPED:
        raise ValueError(f"a verifier is one of {', '.join(_SHIPPED)}, not {name!r}")
    return _SHIPPED[name]()


def score_groups(verifier: Verifier, groups: Sequence[Sequence[Solution]]) -> list[list[float]]:
    """The scores of several groups of solutions, asked for at once.

    Raises ValueError naming the verifier if it returns another number of scores, or one outside 0..1.
    """
    solutions = [solution for group in groups for solution in group]
    scores = list(verifier.score(solutions))
    if len(scores) != len(solutions):
        raise ValueError(f"verifier {verifier.name!r} must return {len(solutions)} scores, not {len(scores)}")
    for score in scores:
        if not (math.isfinite(score) and 0 <= score <= 1):
            raise ValueError(f"verifier {verifier.name!r} must return scores from 0 to 1, not {score}")
    rest = iter(scores)
    return [[next(rest) for _ in group] for group in groups]
