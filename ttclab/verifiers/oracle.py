"""Oracles: verifiers that know the right answer, with or without noise."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

from ..engine import random_stream
from ..solutions import restarted_key
from ..tasks.problem import Feedback, Problem, Solution
from .scoring import RIGHT, WRONG, StepCritic, charge_calls, first_doubt, right_so_far


class Oracle(StepCritic):
    """Verifier that knows the right answers. It gives the upper bound of any selection rule (coverage)."""

    name = "oracle"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """1 for a right solution, 0 for a wrong one."""
        charge_calls(solutions)
        return [float(solution.correct) for solution in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """1 for each step up to which the solution is right, else 0."""
        charge_calls(solutions)
        return [[float(right) for right in right_so_far(s)] for s in solutions]

    def comment(self, solution: Solution, scores: Sequence[float]) -> Feedback:
        """Whether the answer is right, and if not, the first wrong step."""
        if solution.correct:
            return RIGHT
        return replace(WRONG, step=first_doubt(scores, self.threshold) if scores else 1)


class NoisyOracle(StepCritic):
    """An oracle with Gaussian noise (Green and Swets 1966).

    The oracle observes a normal deviate whose mean is higher by d' for a right solution. The score is the probability
    of "right" given this deviate, with equal priors for right and wrong. The noise depends only on the text: the same
    text always gets the same score.

    Parameters
    ----------
    quality : float
        AUC of the scores, from 0.5 (chance) to 1 (the oracle).
    seed : int
        Seed of the noise.

    Raises
    ------
    ValueError
        If the quality is outside 0.5..1.
    """

    def __init__(self, quality: float, *, seed: int = 0) -> None:
        if not 0.5 <= quality <= 1:
            raise ValueError(f"quality must be from 0.5 (chance) to 1 (the oracle), not {quality}")
        self.name = f"noisy oracle, quality {quality:g}"
        self.quality, self.seed = quality, seed
        self._distance = math.sqrt(2) * NormalDist().inv_cdf(quality) if quality < 1 else math.inf

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        charge_calls(solutions)
        return [self._noisy_score(s.correct, s.problem, s.text, "whole") for s in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        charge_calls(solutions)
        return [
            [
                self._noisy_score(right, s.problem, s.problem.step_end.join(s.steps[: i + 1]))
                for i, right in enumerate(right_so_far(s))
            ]
            for s in solutions
        ]

    def _noisy_score(self, right: bool, problem: Problem, *text: str) -> float:
        if self.quality == 1:
            return float(right)
        uniform = float(random_stream("/".join((str(self.seed), problem.id, *text)), 1)[0])
        noise = NormalDist().inv_cdf(min(max(uniform, 1e-6), 1 - 1e-6))
        observed = noise + self._distance * (right - 0.5)
        return 1 / (1 + math.exp(-self._distance * observed))


class ForgetfulOracle(NoisyOracle):
    """A noisy oracle that draws new noise for each written step, even if it has scored the same text before.

    It rejects a step whose score is below 0.5. Steps that a restart keeps were accepted before and stay accepted.
    """

    def __init__(self, quality: float, *, seed: int = 0) -> None:
        super().__init__(quality, seed=seed)
        self.name = f"forgetful oracle, quality {quality:g}"
        self._accepted: dict[str, int] = {}  # kept steps of each restart

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        charge_calls(solutions)
        scored = []
        for solution in solutions:
            kept = self._accepted.get(solution.key, 0)
            new = enumerate(right_so_far(solution)[kept:], start=kept)
            scores = [1.0] * kept + [
                self._noisy_score(right, solution.problem, solution.key, str(i)) for i, right in new
            ]
            self._accepted[restarted_key(solution)] = (first_doubt(scores, 0.5) or 1) - 1
            scored.append(scores)
        return scored
