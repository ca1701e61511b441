"""Allocation: how hard is a problem, and how is a budget best spent on it?

A policy of allocation, a `Rule`, is a function of a difficulty, from 0 (easy) to 1, and a budget in generations; it
returns an `Allocation`. (A `Policy` is what writes solutions.)
`lesson_policy` is the popular lesson's rule, `uniform_policy` treats all problems alike, and a `ComputeOptimalPolicy`
is fitted to recorded runs, as in Snell et al. 2024, section 3. `spread_budget` divides a budget over a batch of
problems. The strategies that act on these rules are in `adaptive`; nothing here needs a model, torch or transformers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimators import Estimate, bootstrap, checked_scores
from .files import write_text

FORMAT = "ttclab policy 1"
POLICIES = Path(__file__).with_name("policies")  # fitted to the recorded runs: `ttclab fit`


@dataclass(frozen=True, order=True)
class Allocation:
    """What a budget is spent on: N solutions side by side, each with T revisions, and the verifier-weighted vote.

    With a beam width M it is a beam search with N places instead, and T is 0.
    """

    N: int
    T: int = 0
    M: int = 0

    def __post_init__(self) -> None:
        if self.N < 1 or self.T < 0 or self.M < 0 or (self.M and (self.T or self.N % self.M)):
            raise ValueError(
                f"an allocation needs N >= 1 and T >= 0, or a width M that divides N and no T, not {self.__dict__}"
            )

    @property
    def generations(self) -> int:
        """What it is charged: N (1 + T)."""
        return self.N * (1 + self.T)

    def __str__(self) -> str:
        if self.M:
            return f"beam search, N={self.N}, M={self.M}"
        return f"{self.N} x {1 + self.T}" if self.T else f"best of {self.N}"


Rule = Callable[[float, int], Allocation]


def uniform_policy(difficulty: float, budget: int) -> Allocation:
    """The whole budget on parallel samples, whatever the difficulty."""
    return Allocation(budget)


def lesson_policy(difficulty: float, budget: int) -> Allocation:
    """The popular lesson's rule: the harder a problem looks, the more of its budget goes into revisions.

    Its words are kept: easy (below 0.3) N=budget, T=0; middle (below 0.7) N=int(sqrt(budget)), T=budget//N-1; hard N=2,
    T=budget//2-1. It does not always spend the budget. Raises ValueError for a difficulty outside 0..1 and for a budget
    below 2, where the rule has no answer for hard problems.
    """
    _check(difficulty, budget, least=2)
    if difficulty < 0.3:
        return Allocation(budget)
    N = isqrt(budget) if difficulty < 0.7 else 2
    return Allocation(N, budget // N - 1)


@dataclass(frozen=True)
class Arm:
    """A way to spend, as measured on recorded runs.

    Parameters
    ----------
    allocation : Allocation
        What the budget is spent on.
    correct, flops : array of (problems,)
        The chance of a right answer and the FLOPs.
    fifths : array of (problems,), optional
        The fifth of difficulty of each problem, 0 the easiest.
    """

    allocation: Allocation
    correct: NDArray[np.float64]
    flops: NDArray[np.float64]
    fifths: NDArray[np.intp] | None = None

    @property
    def solved(self) -> Estimate:
        """Accuracy over the problems, with its 95% interval."""
        return bootstrap(self.correct)

    @property
    def cost(self) -> float:
        """Mean FLOPs a problem."""
        return float(self.flops.mean())

    def fifth(self, *which: int) -> "Arm":
        """Restrict the arm to the problems of one fifth of difficulty, 0 the easiest, or of several.

        Raises
        ------
        ValueError
            If the arm does not know the fifths of its problems.
        """
        if self.fifths is None:
            raise ValueError(f"an arm needs the fifths of its problems to be restricted to one: {self.allocation}")
        members = np.isin(self.fifths, which)
        return Arm(self.allocation, self.correct[members], self.flops[members], self.fifths[members])

    def minus(self, other: "Arm", *fifth: int) -> Estimate:
        """Accuracy of this arm minus that of another on the same problems, or on some fifths of them by this arm."""
        gap = self.correct - other.correct
        return Arm(self.allocation, gap, self.flops, self.fifths).fifth(*fifth).solved if fifth else bootstrap(gap)


@dataclass(frozen=True)
class ComputeOptimalPolicy:
    """For each group of difficulty and each budget the way to spend that did best on the problems it was fitted to.

    edges: difficulties at which one group ends and the next begins, ascending; table: for each budget an allocation for
    each group, easiest first; estimate: what the difficulty is, in words.
    """

    edges: tuple[float, ...]
    table: Mapping[int, tuple[Allocation, ...]]
    estimate: str = "1 - pass@1"

    @classmethod
    def fit(
        cls,
        arms: Sequence[Arm],
        difficulty: ArrayLike,
        budgets: Sequence[int],
        *,
        bins: int = 5,
        slack: float = 0.0,
        estimate: str = "1 - pass@1",
    ) -> "ComputeOptimalPolicy":
        """Choose, in each of `bins` groups as equal as can be, the best of the arms that a budget can pay.

        difficulty: (problems,), of the problems the arms were measured on; slack: accuracy that may be given up for a
        cheaper arm. Of equally good arms the cheapest in FLOPs is taken. Raises ValueError if a budget pays for no arm,
        or the shapes differ.
        """
        values = np.asarray(difficulty, dtype=float)
        if any(arm.correct.shape != values.shape or arm.flops.shape != values.shape for arm in arms) or not arms:
            raise ValueError(f"every arm must be measured on the {len(values)} problems whose difficulty is given")
        ranked = np.argsort(values, kind="stable")
        groups = np.array_split(ranked, bins)
        edges = tuple(float((values[a[-1]] + values[b[0]]) / 2) for a, b in pairwise(groups))
        table = {}
        for budget in budgets:
            payable = [arm for arm in arms if arm.allocation.generations <= budget]
            if not payable:
                raise ValueError(f"a budget of {budget} generations pays for none of the arms")
            table[budget] = tuple(_best(payable, group, slack) for group in groups)
        return cls(edges, table, estimate)

    def allocate(self, difficulty: float, budget: int) -> Allocation:
        """What to do with a budget: as fitted for the largest one not above it.

        Raises ValueError for a difficulty outside 0..1 or a budget below all that it was fitted for.
        """
        _check(difficulty, budget, least=min(self.table))
        group = int(np.searchsorted(self.edges, difficulty, side="right"))
        return self.table[max(known for known in self.table if known <= budget)][group]

    __call__ = allocate

    def save(self, path: Path) -> None:
        """Write it as JSON, all or nothing."""
        table = {str(budget): [asdict(each) for each in row] for budget, row in self.table.items()}
        text = json.dumps({"format": FORMAT, "estimate": self.estimate, "edges": self.edges, "table": table}, indent=1)
        write_text(path, text + "\n")

    @classmethod
    def load(cls, path: Path) -> "ComputeOptimalPolicy":
        """Read it back. Raises ValueError, with the reason, for a file that is not a saved policy."""
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            if read["format"] != FORMAT:
                raise ValueError(f"its format is {read['format']!r}, not {FORMAT!r}")
            rows = {int(b): tuple(Allocation(**each) for each in row) for b, row in read["table"].items()}
            edges = tuple(float(edge) for edge in read["edges"])
            if not rows or any(len(row) != len(edges) + 1 for row in rows.values()) or list(edges) != sorted(edges):
                raise ValueError("its table does not fit its edges")
            return cls(edges, rows, str(read["estimate"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a saved policy: {error}") from None


def fitted_policy(name: str = "search-predicted") -> ComputeOptimalPolicy:
    """A policy that ships, fitted to the recorded runs of the validation problems.

    name: what it chooses from, "search" (the small model's samples and beams), "revision" (the revision model's chains)
    or "whole" (both), and how it knows the difficulty, "oracle" (1 - pass@1) or "predicted" (1 - the score of one
    solution, as `compute_optimal_inference` asks for it). Raises ValueError for another name.
    """
    path = POLICIES / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in POLICIES.glob("*.json")))
        raise ValueError(f"no fitted policy is called {name!r}; there are: {there}")
    return ComputeOptimalPolicy.load(path)


def _best(arms: Sequence[Arm], group: NDArray[np.intp], slack: float) -> Allocation:
    means = [float(arm.correct[group].mean()) for arm in arms]
    good = [arm for arm, mean in zip(arms, means, strict=True) if mean >= max(means) - slack - 1e-12]
    return min(good, key=lambda arm: (float(arm.flops[group].mean()), arm.allocation)).allocation


def _check(difficulty: float, budget: int, least: int) -> None:
    if not 0 <= difficulty <= 1:
        raise ValueError(f"a difficulty is a number from 0 (easy) to 1 (hard), not {difficulty}")
    if budget < least:
        raise ValueError(f"this policy needs a budget of at least {least} generations, not {budget}")


# How hard is a problem? Estimates from the first solutions of each; higher is harder.


def difficulty_by_score(scores: ArrayLike) -> NDArray[np.float64]:
    """1 - the mean of the verifier's scores; of one solution a problem, the lesson's estimate. (problems, n).

    Raises ValueError for scores that are not finite or below 0.
    """
    return 1 - checked_scores(scores).mean(axis=1)


def difficulty_by_disagreement(answers: ArrayLike) -> NDArray[np.float64]:
    """1 - the share of the commonest answer; a missing answer agrees with none. (problems, n)."""
    rows = np.asarray(answers, dtype=object)
    most = [max([int((row == name).sum()) for name in set(row) - {None}], default=0) for row in rows]
    return 1 - np.array(most) / rows.shape[1]


def spread_budget(accuracy: ArrayLike, costs: ArrayLike, total: float) -> NDArray[np.intp]:
    """Divide a budget over a batch of problems by marginal gains (after Damani et al. 2024): the option for each.

    accuracy: (problems, options), what each option is expected to give; costs: (options,), ascending; total: to spend.
    Every problem gets the first option; then, again and again, the problem that gains most for the cost moves up, along
    the options that no mix of others beats. Raises ValueError if the first option for all costs more than the total.
    """
    expected, prices = np.asarray(accuracy, dtype=float), np.asarray(costs, dtype=float)
    if expected.ndim != 2 or prices.shape != expected.shape[1:] or (np.diff(prices) <= 0).any():
        raise ValueError(f"accuracy must be (problems, options) with ascending costs, not {expected.shape}, {prices}")
    left = total - len(expected) * prices[0]
    if left < 0:
        raise ValueError(f"{len(expected)} problems cost at least {len(expected) * prices[0]:g}, more than {total:g}")
    chosen = np.zeros(len(expected), dtype=np.intp)
    moves = [_next_move(row, prices, 0) + (i,) for i, row in enumerate(expected)]
    heapify(moves)
    while moves:
        rate, option, i = heappop(moves)
        price = prices[option] - prices[chosen[i]] if rate < 0 else np.inf
        if price > left:
            continue  # too dear, or no gain: this problem stays where it is
        left -= price
        chosen[i] = option
        heappush(moves, (*_next_move(expected[i], prices, option), i))
    return chosen


def _next_move(accuracy: NDArray[np.float64], costs: NDArray[np.float64], now: int) -> tuple[float, int]:
    """The dearer option with the largest gain for its cost, as (minus the gain, option); (0, now) if none gains."""
    rates = [(-(accuracy[o] - accuracy[now]) / (costs[o] - costs[now]), o) for o in range(now + 1, len(costs))]
    rate, option = min(rates, default=(0.0, now))
    return (float(rate), option) if rate < 0 else (0.0, now)
