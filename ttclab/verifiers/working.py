"""A verifier that checks the working of a word problem by a program: are the sums right, and are its numbers used?

It is a logistic regression on five features of a solution, trained on solutions to other problems. It needs no forward
pass.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import ledger
from ..tasks.problem import Solution
from .self_verifier import Probe

FEATURES = ("log-probability", "sums right", "sums wrong", "numbers of the question used", "answer is the last result")
_SUM = re.compile(r"([0-9]+) ?([-+*x/]) ?([0-9]+) ?= ?([0-9]+)")


def features(solution: Solution) -> list[float]:
    """Values of FEATURES for a solution."""
    sums = _SUM.findall(solution.text)
    right = [_holds(int(a), sign, int(b), int(c)) for a, sign, b, c in sums]
    given = re.findall("[0-9]+", solution.problem.question)
    used = {number for a, _, b, _ in sums for number in (a, b)}
    share = sum(number in used for number in given) / max(len(given), 1)
    last = bool(sums) and sums[-1][3] == solution.answer
    return [solution.logprob, float(sum(right)), float(len(right) - sum(right)), share, float(last)]


def _holds(a: int, sign: str, b: int, c: int) -> bool:
    return {"+": a + b == c, "-": a - b == c, "/": b * c == a}.get(sign, a * b == c)


class WorkingVerifier:
    """Scores a solution from 0 to 1 by the features of its working."""

    name = "working"

    def __init__(self, solutions: Sequence[Solution]) -> None:
        """Train on solutions with known answers. Raises ValueError unless some are right and some are wrong."""
        self._probe = Probe.fit(_table(solutions), np.array([solution.correct for solution in solutions]))

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each of FEATURES in the log-odds of "right"."""
        return dict(zip(FEATURES, self._probe.weight.tolist(), strict=True))

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        for solution in solutions:
            ledger.charge(solution.problem, "verifier", verifier_calls=1)
        return [float(score) for score in self._probe(_table(solutions))]


def _table(solutions: Sequence[Solution]) -> NDArray[np.float32]:
    return np.array([features(solution) for solution in solutions], dtype=np.float32)
