"""Allocation: how hard is a problem, and how is a budget best spent on it?

An allocation rule, a `Rule`, maps a difficulty, from 0 (easy) to 1 (hard), and a budget in generations to an
`Allocation`. (A `Policy` is a model that writes solutions.)
`lesson_policy` is the popular lesson's rule, `uniform_policy` treats all problems alike, and a `ComputeOptimalPolicy`
is fitted to recorded runs, as in Snell et al. 2024, section 3. `spread_budget` divides a budget over a batch of
problems. The strategies that act on these rules are in `adaptive`; nothing here needs a model, torch or transformers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .data import POLICIES
from .estimators import Estimate, bootstrap_families, checked_scores
from .files import write_text
from .spreading import spread_budget as spread_budget

FORMAT = "ttclab policy 1"


@dataclass(frozen=True, order=True)
class Allocation:
    """How a budget is spent: N chains of T revisions each, with a verifier-weighted vote, or a beam search.

    Attributes
    ----------
    N : int
        Solutions drawn in parallel; in a beam search, its places.
    T : int
        Revisions of each solution.
    M : int
        Beam width of a beam search, which has T=0; 0 for chains.
    stepwise : bool
        The revisions are step by step: each keeps the steps that the verifier accepts, and a chain ends with the first
        solution that it accepts. Otherwise each is written anew after reading the attempts before it.
    """

    N: int
    T: int = 0
    M: int = 0
    stepwise: bool = False

    def __post_init__(self) -> None:
        if self.N < 1 or self.T < 0 or self.M < 0 or (self.M and (self.T or self.N % self.M)):
            raise ValueError(
                f"an allocation needs N >= 1 and T >= 0, or a width M that divides N and no T, not {self.__dict__}"
            )
        if self.stepwise and not self.T:
            raise ValueError(f"an allocation is stepwise only with revisions, T >= 1, not {self.__dict__}")

    @property
    def generations(self) -> int:
        """Generations at most: N (1 + T). Chains that are revised step by step may end earlier."""
        return self.N * (1 + self.T)

    def __str__(self) -> str:
        if self.M:
            return f"beam search, N={self.N}, M={self.M}"
        if self.stepwise:
            return f"{self.N} x {1 + self.T} step by step"
        return f"{self.N} x {1 + self.T}" if self.T else f"best of {self.N}"


Rule = Callable[[float, int], Allocation]


def uniform_policy(difficulty: float, budget: int) -> Allocation:
    """The whole budget on parallel samples, whatever the difficulty."""
    return Allocation(budget)


def lesson_policy(difficulty: float, budget: int) -> Allocation:
    """The popular lesson's rule: the harder a problem looks, the more of its budget goes into revisions.

    The rule is kept as published, although it does not always spend the whole budget: easy problems (difficulty below
    0.3) get N=budget and T=0, medium ones (below 0.7) N=int(sqrt(budget)) and T=budget//N-1, hard ones N=2 and
    T=budget//2-1.

    Parameters
    ----------
    difficulty : float
        From 0 (easy) to 1 (hard).
    budget : int
        Generations, at least 2: below, the rule has no answer for hard problems.

    Returns
    -------
    Allocation

    Raises
    ------
    ValueError
        If the difficulty is outside 0..1 or the budget below 2.
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
    families : int
        The families of models that it was measured with, as many problems of each, one family after the other.
    """

    allocation: Allocation
    correct: NDArray[np.float64]
    flops: NDArray[np.float64]
    fifths: NDArray[np.intp] | None = None
    families: int = 1

    @property
    def solved(self) -> Estimate:
        """Accuracy over the problems, with its 95% interval; over families too if there are several."""
        return bootstrap_families(np.split(self.correct, self.families))

    @property
    def cost(self) -> float:
        """Mean FLOPs per problem."""
        return float(self.flops.mean())

    def fifth(self, *which: int) -> "Arm":
        """Restrict the arm to the problems of one fifth of difficulty, 0 the easiest, or of several; of none to all.

        Raises
        ------
        ValueError
            If the arm does not know the fifths of its problems.
        """
        if not which:
            return self
        if self.fifths is None:
            raise ValueError(f"an arm needs the fifths of its problems to be restricted to one: {self.allocation}")
        members = np.isin(self.fifths, which)
        return Arm(self.allocation, self.correct[members], self.flops[members], self.fifths[members], self.families)

    def gap(self, other: "Arm", *fifth: int) -> "Arm":
        """This arm minus another on each of the same problems, or on those of some fifths by this arm."""
        gap = Arm(self.allocation, self.correct - other.correct, self.flops, self.fifths, self.families)
        return gap.fifth(*fifth)

    def minus(self, other: "Arm", *fifth: int) -> Estimate:
        """Accuracy of this arm minus that of another (`gap`), with its 95% interval."""
        return self.gap(other, *fifth).solved


@dataclass(frozen=True)
class ComputeOptimalPolicy:
    """The best allocation for each group of difficulties and each budget, as fitted to recorded runs.

    Attributes
    ----------
    edges : tuple of float
        Difficulties that separate the groups, ascending.
    table : dict
        For each budget one allocation a group, easiest group first.
    estimate : str
        How the difficulty was estimated, in words.
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
        """Choose the best affordable arm for each budget and each group of problems.

        Of equally good arms, the one with the fewest FLOPs is chosen.

        Parameters
        ----------
        arms : sequence of Arm
            Ways to spend, all measured on the same problems.
        difficulty : array of shape (problems,)
            Difficulty of these problems.
        budgets : sequence of int
            Budgets in generations.
        bins : int
            Groups of difficulty, of equal size up to one problem.
        slack : float
            Accuracy that may be given up for a cheaper arm.
        estimate : str
            How the difficulty was estimated, in words.

        Returns
        -------
        ComputeOptimalPolicy

        Raises
        ------
        ValueError
            If a budget pays for no arm, there are no arms, or the shapes differ.
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
        """The allocation that was fitted for the largest budget up to this one.

        Parameters
        ----------
        difficulty : float
            From 0 (easy) to 1 (hard).
        budget : int
            Generations.

        Returns
        -------
        Allocation

        Raises
        ------
        ValueError
            If the difficulty is outside 0..1, or the budget is below the smallest fitted one.
        """
        _check(difficulty, budget, least=min(self.table))
        group = int(np.searchsorted(self.edges, difficulty, side="right"))
        return self.table[max(known for known in self.table if known <= budget)][group]

    __call__ = allocate

    def save(self, path: Path) -> None:
        """Write the policy as JSON, atomically."""
        table = {str(budget): [_fields(each) for each in row] for budget, row in self.table.items()}
        text = json.dumps({"format": FORMAT, "estimate": self.estimate, "edges": self.edges, "table": table}, indent=1)
        write_text(path, text + "\n")

    @classmethod
    def load(cls, path: Path) -> "ComputeOptimalPolicy":
        """Read a saved policy. Raises ValueError, with the reason, for any other file."""
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


def _fields(allocation: Allocation) -> dict[str, int]:
    """The fields of an allocation, `stepwise` only where it says something."""
    return {name: value for name, value in asdict(allocation).items() if name != "stepwise" or value}


def fitted_policy(name: str = "search-predicted") -> ComputeOptimalPolicy:
    """Load a shipped rule, fitted to the recorded runs of the validation problems.

    Parameters
    ----------
    name : str
        The arms and the difficulty estimate, joined by a hyphen. Arms: "search" (samples and beams), "revision" (chains
        of rewrites), "steps" (samples and step-level revisions) or "whole" (all of them). Estimate: "oracle" (1 -
        pass@1) or "predicted" (1 - the score of one solution, as in `compute_optimal_inference`).

    Returns
    -------
    ComputeOptimalPolicy

    Raises
    ------
    ValueError
        For another name.
    """
    path = POLICIES / f"{name}.json"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in POLICIES.glob("*.json")))
        raise ValueError(f"no fitted policy is called {name!r}; there are: {names}")
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


# Estimates of difficulty from the first solutions of each problem; higher is harder.


def difficulty_by_score(scores: ArrayLike) -> NDArray[np.float64]:
    """1 minus the mean of a problem's verifier scores; with one solution a problem, the lesson's estimate.

    Parameters
    ----------
    scores : array of shape (problems, n)
        Finite and at least 0.

    Returns
    -------
    array of shape (problems,)

    Raises
    ------
    ValueError
        For a score that is not finite or below 0.
    """
    return 1 - checked_scores(scores).mean(axis=1)


def difficulty_by_disagreement(answers: ArrayLike) -> NDArray[np.float64]:
    """1 minus the share of a problem's most frequent answer.

    Parameters
    ----------
    answers : array of shape (problems, n)
        Answers as strings; None, a missing answer, agrees with no other.

    Returns
    -------
    array of shape (problems,)
    """
    rows = np.asarray(answers, dtype=object)
    most = [max([int((row == name).sum()) for name in set(row) - {None}], default=0) for row in rows]
    return 1 - np.array(most) / rows.shape[1]
