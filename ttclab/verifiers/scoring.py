"""Protocols of verifiers, and functions that check and aggregate their scores."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Protocol, overload

from .. import ledger
from ..data import ZOO
from ..tasks.problem import Feedback, Solution

THRESHOLD = "threshold.json"  # in the folder of a shipped verifier: `bank.family.choose_threshold` writes it
RIGHT, WRONG = Feedback("The answer is right.", "!+"), Feedback("The answer is wrong.", "!-")


class Verifier(Protocol):
    """Anything with a name that scores solutions from 0 (surely wrong) to 1 (surely right)."""

    name: str

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """Score solutions.

        Parameters
        ----------
        solutions : sequence of Solution
            Solutions to one problem or to several.

        Returns
        -------
        list of float
            One score in [0, 1] per solution.
        """


class StepVerifier(Verifier, Protocol):
    """A verifier that also scores steps, as required by searches over steps."""

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """Score every step of solutions.

        Parameters
        ----------
        solutions : sequence of Solution
            Solutions to one problem or to several, finished or not.

        Returns
        -------
        list of list of float
            For each solution, one score in [0, 1] per step: is the solution right up to and including this step?
        """


class Critic(Protocol):
    """A verifier that says in words what is wrong with a solution."""

    @overload
    def critique(self, solution: Solution) -> Feedback: ...

    @overload
    def critique(self, solution: Sequence[Solution]) -> list[Feedback]: ...

    def critique(self, solution: Solution | Sequence[Solution]) -> Feedback | list[Feedback]:
        """Comment on solutions.

        Parameters
        ----------
        solution : Solution or list of Solution
            One solution, or several.

        Returns
        -------
        Feedback, or list of Feedback for a list of solutions
        """


class BaseCritic(ABC):
    """Implements `critique` for one solution and for a list; subclasses implement `_feedback`."""

    @overload
    def critique(self, solution: Solution) -> Feedback: ...

    @overload
    def critique(self, solution: Sequence[Solution]) -> list[Feedback]: ...

    def critique(self, solution: Solution | Sequence[Solution]) -> Feedback | list[Feedback]:
        """Comment on a solution, or on each in a list."""
        if isinstance(solution, Solution):
            return self._feedback([solution])[0]
        return self._feedback(list(solution))

    @abstractmethod
    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """One comment for each solution."""


class StepCritic(BaseCritic):
    """Base class of critics that score steps and name the first step with a score below the threshold."""

    name: str
    _threshold = 0.5

    @property
    def threshold(self) -> float:
        """Score below which a step is rejected, from 0 (no step is rejected) to 1."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"threshold must be from 0 to 1, not {value}")
        self._threshold = value

    @abstractmethod
    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """As in `StepVerifier`."""

    @abstractmethod
    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """As in `Verifier`."""

    def comment(self, solution: Solution, scores: Sequence[float]) -> Feedback:
        """Comment on a solution, given the scores of its steps."""
        if not scores:
            return Feedback("There is no step.", "!1", 1)
        wrong = first_doubt(scores, self.threshold)
        if wrong is None:
            return Feedback("No step has an error.", "!0")
        return Feedback(f"Step {wrong} has an error.", f"!{min(wrong, 9)}", wrong)

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """The first step of each solution that looks wrong."""
        pairs = zip(solutions, self.score_steps(solutions), strict=True)
        return [self.comment(solution, scores) for solution, scores in pairs]


def right_so_far(solution: Solution) -> list[bool]:
    """Whether a solution is right up to and including each step; the last step is wrong if it ends too early."""
    checks = solution.problem.check_steps(solution.steps)
    if solution.finished and checks:
        checks[-1] = checks[-1] and solution.correct
    return checks


def charge_calls(solutions: Sequence[Solution]) -> None:
    """Charge one verifier call for each solution."""
    for solution in solutions:
        ledger.charge(solution.problem, "verifier", verifier_calls=1)


AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda steps: steps[-1],
    "min": min,
    "prod": math.prod,
    "mean": lambda steps: fmean(steps),
}


def critic_of(verifier: Verifier) -> StepCritic:
    """Return the verifier if it names wrong steps. Otherwise raise ValueError with its name."""
    if not isinstance(verifier, StepCritic):
        raise ValueError(f"step-level revision needs a verifier that names steps, which {verifier.name!r} does not")
    return verifier


def threshold_of(name: str | Path) -> float:
    """Threshold of a shipped verifier, chosen on validation problems; 0.5 if none was chosen."""
    file = ZOO / name / THRESHOLD
    return float(json.loads(file.read_text(encoding="utf-8"))["threshold"]) if file.is_file() else 0.5


def first_doubt(scores: Sequence[float], threshold: float) -> int | None:
    """Number of the first step whose score is below the threshold, from 1; None if there is no such step."""
    return next((i for i, score in enumerate(scores, start=1) if score < threshold), None)


def score_steps(verifier: Verifier, solutions: Sequence[Solution], aggregate: str) -> list[float]:
    """Score solutions by the scores of their steps.

    Parameters
    ----------
    verifier : Verifier
        Must have `score_steps`.
    solutions : sequence of Solution
        Solutions to one problem or to several.
    aggregate : {"last", "min", "prod", "mean"}
        Function that reduces the scores of a solution's steps to one score.

    Returns
    -------
    list of float
        One score per solution; 0 for a solution without steps.

    Raises
    ------
    ValueError
        As in `scores_of_steps`.
    """
    return [aggregated(scores, aggregate) for scores in scores_of_steps(verifier, solutions)]


def aggregated(scores: Sequence[float], aggregate: str) -> float:
    """Reduce the scores of a solution's steps to one score by one of AGGREGATES; 0 for a solution without steps."""
    return float(AGGREGATES[aggregate](scores)) if scores else 0.0


def scores_of_steps(verifier: Verifier, solutions: Sequence[Solution]) -> list[list[float]]:
    """Score every step of every solution, and check the scores.

    Raises
    ------
    ValueError
        If the verifier does not score steps, or returns a wrong number of scores or one outside 0..1. The message
        names the verifier.
    """
    score = getattr(verifier, "score_steps", None)
    if not callable(score):
        raise ValueError(f"a search over steps needs a verifier that scores steps, which {verifier.name!r} does not")
    scored = list(score(solutions)) if solutions else []
    _check_count(verifier, scored, len(solutions), "lists of step scores")
    for scores, solution in zip(scored, solutions, strict=True):
        _check_count(verifier, scores, len(solution.steps), f"scores for the steps of {solution.text!r}")
        _check_range(verifier, scores)
    return scored


def check_aggregate(aggregate: str) -> None:
    """Raise ValueError unless `aggregate` is one of AGGREGATES."""
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate must be one of {', '.join(AGGREGATES)}, not {aggregate!r}")


def score_groups(verifier: Verifier, groups: Sequence[Sequence[Solution]]) -> list[list[float]]:
    """Score several groups of solutions in one call.

    Parameters
    ----------
    verifier : Verifier
        Verifier to call.
    groups : sequence of sequence of Solution
        Groups of solutions.

    Returns
    -------
    list of list of float
        The scores, in the same groups.

    Raises
    ------
    ValueError
        If the verifier returns a wrong number of scores or one outside 0..1. The message names the verifier.
    """
    solutions = [solution for group in groups for solution in group]
    scores = list(verifier.score(solutions))
    _check_count(verifier, scores, len(solutions), "scores")
    _check_range(verifier, scores)
    ends = list(accumulate(len(group) for group in groups))
    return [scores[end - len(group) : end] for group, end in zip(groups, ends, strict=True)]


def _check_count(verifier: Verifier, returned: Sequence[object], expected: int, noun: str) -> None:
    if len(returned) != expected:
        raise ValueError(f"verifier {verifier.name!r} must return {expected} {noun}, not {len(returned)}")


def _check_range(verifier: Verifier, scores: Sequence[float]) -> None:
    for score in scores:
        if not (math.isfinite(score) and 0 <= score <= 1):
            raise ValueError(f"verifier {verifier.name!r} must return scores from 0 to 1, not {score}")
