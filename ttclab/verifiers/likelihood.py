"""The policy's own probability of a solution as its score."""

import math
from collections.abc import Sequence

from ..tasks.problem import Feedback, Solution
from .scoring import BaseCritic, charge_calls

LEAST_LIKELY = -300.0  # a log-probability: its exponential is far from the smallest float, which is about e^-745


def likelihood(logprob: float) -> float:
    """Probability of a solution, as a score that stays above 0 and strictly increasing for any log-probability.

    Probabilities of long solutions underflow to 0, where all would tie. Below LEAST_LIKELY the score is therefore not
    a probability; it only preserves the order, between e^-700 and e^-300. An impossible solution scores 0.
    """
    if -math.inf < logprob < LEAST_LIKELY:
        return math.exp(-700 + 400 * LEAST_LIKELY / logprob)
    return math.exp(min(logprob, 0.0))


class SelfEvaluation(BaseCritic):
    """The policy's own probability of its solution. It costs nothing, because the policy computes it while writing.

    The score is `likelihood` of the log-probability, so two solutions tie only if their log-probabilities do.
    """

    name = "self"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """The probability of each solution. Raises ValueError for a solution without a log-probability."""
        charge_calls(solutions)
        for solution in solutions:
            if math.isnan(solution.logprob):
                raise ValueError(
                    f"a solution needs a log-probability, as from `generate`, but this one has none: {solution.text!r}"
                )
        # An empty unfinished solution, as from a server that returned no text, would have probability 1.
        return [likelihood(s.logprob) if s.text or s.finished else 0.0 for s in solutions]

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """How sure the policy was of each solution."""
        scores = self.score(solutions)
        return [Feedback(f"I am {score:.0%} sure.", f"?{min(int(10 * score), 9)}") for score in scores]
