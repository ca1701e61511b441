"""Verifiers: what scores solutions."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean
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


AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda steps: steps[-1],
    "min": min,
    "prod": math.prod,
    "mean": lambda steps: fmean(steps),
}


def score_steps(verifier: Verifier, solutions: Sequence[Solution], aggregate: str) -> list[float]:
    """One score a solution from the scores of its steps: "last", "min", "prod" or "mean"; 0 for one without steps.

    Raises ValueError naming the verifier if it has no scores for steps, or not one in 0..1 for each.
    """
    if not callable(getattr(verifier, "score_steps", None)):
        raise ValueError(f"a search over steps needs a verifier that scores steps, which {verifier.name!r} does not")
    scored = list(verifier.score_steps(solutions)) if solutions else []
    _check_count(verifier, scored, len(solutions), "lists of step scores")
    for scores, solution in zip(scored, solutions, strict=True):
        _check_count(verifier, scores, len(solution.steps), f"scores for the steps of {solution.text!r}")
        _check_range(verifier, scores)
    return [float(AGGREGATES[aggregate](scores)) if scores else 0.0 for scores in scored]


def check_aggregate(aggregate: str) -> None:
    """Raises ValueError unless `aggregate` is one of AGGREGATES."""
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate must be one of {', '.join(AGGREGATES)}, not {aggregate!r}")


def score_groups(verifier: Verifier, groups: Sequence[Sequence[Solution]]) -> list[list[float]]:
    """The scores of several groups of solutions, asked for at once.

    Raises ValueError naming the verifier if it returns another number of scores, or one outside 0..1.
    """
    solutions = [solution for group in groups for solution in group]
    scores = list(verifier.score(solutions))
    _check_count(verifier, scores, len(solutions), "scores")
    _check_range(verifier, scores)
    rest = iter(scores)
    return [[next(rest) for _ in group] for group in groups]


def _check_count(verifier: Verifier, given: Sequence[object], wanted: int, what: str) -> None:
    if len(given) != wanted:
        raise ValueError(f"verifier {verifier.name!r} must return {wanted} {what}, not {len(given)}")


def _check_range(verifier: Verifier, scores: Sequence[float]) -> None:
    for score in scores:
        if not (math.isfinite(score) and 0 <= score <= 1):
            raise ValueError(f"verifier {verifier.name!r} must return scores from 0 to 1, not {score}")
