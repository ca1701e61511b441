"""Arms: ways to spend a budget, each with its accuracy and FLOPs problem by problem."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..allocator import Allocation, Arm, Rule
from ..estimators import Estimate

EASIEST, HARDEST = 0, 4


class Arms(Mapping[Allocation, Arm]):
    """The arms of a strategy by their allocation, in their original order.

    `arms.at(16)` is best-of-16, `arms.at(4, T=3)` is 4 chains of 3 revisions, `arms.at(4, T=3, stepwise=True)` the same
    with step-level revisions, `arms.at(16, M=4)` a beam search; `|` joins two strategies.
    """

    def __init__(self, arms: Iterable[Arm]) -> None:
        self._arms = {arm.allocation: arm for arm in arms}

    def __getitem__(self, allocation: Allocation) -> Arm:
        return self._arms[allocation]

    def __iter__(self) -> Iterator[Allocation]:
        return iter(self._arms)

    def __len__(self) -> int:
        return len(self._arms)

    def __or__(self, other: "Arms") -> "Arms":
        return Arms((*self.values(), *other.values()))

    def at(self, N: int, T: int = 0, M: int = 0, *, stepwise: bool = False) -> Arm:
        """Look up the arm with an allocation.

        Raises
        ------
        ValueError
            If there is none; the message lists the existing arms.
        """
        allocation = Allocation(N, T, M, stepwise)
        if allocation not in self._arms:
            raise ValueError(f"no arm is {allocation}; there are: {', '.join(map(str, self._arms))}")
        return self._arms[allocation]

    def fifth(self, *which: int) -> "Arms":
        """Restrict every arm to some fifths of difficulty, 0 the easiest."""
        return Arms(arm.fifth(*which) for arm in self.values())

    def minus(self, other: "Arms") -> dict[Allocation, Estimate]:
        """Accuracy minus that of another strategy, for each allocation that both have."""
        return {allocation: arm.minus(other[allocation]) for allocation, arm in self.items() if allocation in other}

    def within(self, flops: float) -> "Arms":
        """The arms that cost at most `flops` per problem."""
        return Arms(arm for arm in self.values() if arm.cost <= flops)

    def table(self) -> pd.DataFrame:
        """Accuracy of each arm with its 95% interval, and its FLOPs per problem; the index is the allocation."""
        rows = {str(arm.allocation): (*map(float, arm.solved), arm.cost) for arm in self.values()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["solved", "low", "high", "flops"])

    @property
    def best(self) -> Arm:
        """The arm with the highest accuracy."""
        return max(self.values(), key=lambda arm: float(arm.correct.mean()))


def at_equal_flops(arms: Iterable[Arm], flops: float) -> Arm:
    """Mix two neighbouring budgets of a strategy at random so that the mean cost is `flops`.

    Parameters
    ----------
    arms : iterable of Arm
        The arms of one strategy, by ascending cost.
    flops : float
        The mean cost of the mix, in FLOPs per problem.

    Raises
    ------
    ValueError
        If the cost lies outside the costs of the arms.
    """
    ordered = list(arms)
    costs = [arm.cost for arm in ordered]
    if not costs[0] <= flops <= costs[-1]:
        raise ValueError(
            f"FLOPs per problem must be between {costs[0]:g} and {costs[-1]:g}, the range of the arms, not {flops:g}"
        )
    i = min(int(np.searchsorted(costs, flops, side="right")), len(costs) - 1)
    share = (flops - costs[i - 1]) / (costs[i] - costs[i - 1])
    low, high = ordered[i - 1], ordered[i]
    correct, spent = ((1 - share) * a + share * b for a, b in ((low.correct, high.correct), (low.flops, high.flops)))
    return Arm(high.allocation, correct, spent, high.fifths)


def spend(rule: Rule, arms: Mapping[Allocation, Arm], difficulty: NDArray[np.float64], budget: int) -> Arm:
    """Accuracy and FLOPs of an allocation rule with a budget per problem.

    Each problem has the values of the arm that the rule allocates to it.
    """
    return pick([arms[rule(float(hard), budget)] for hard in difficulty], Allocation(budget))


def pick(chosen: list[Arm], allocation: Allocation) -> Arm:
    """Combine the arms chosen for the problems, one each, into one arm."""
    correct = np.array([arm.correct[i] for i, arm in enumerate(chosen)])
    flops = np.array([arm.flops[i] for i, arm in enumerate(chosen)])
    fifths = chosen[0].fifths if all(arm.fifths is chosen[0].fifths for arm in chosen) else None
    return Arm(allocation, correct, flops, fifths)
