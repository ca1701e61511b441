"""Split the budget: a map of the splits into chains of revisions, with the splits that allocation policies choose."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..estimators import bootstrap, percents
from .schemas import Followed, SplitBudgetData, SplitGroup, Table
from .words import GROUPS, SCHEMA, SEED, group_members, in_words

if TYPE_CHECKING:
    from ..allocator import Allocation, Arm, Rule

BUDGETS = (1, 2, 4, 8, 16, 32, 64)
SEEN = 0.1  # smallest share of a group's problems at which a policy's split is marked


class _Followed(NamedTuple):
    """A policy at a budget: the split of each problem in words, correctness and FLOPs, (problems,) each."""

    splits: list[str]
    correct: np.ndarray
    flops: np.ndarray


def split_budget_data(
    arms: "Sequence[Arm]",
    ease: ArrayLike,
    *,
    policies: "Mapping[str, tuple[Rule, ArrayLike, ArrayLike]] | None" = None,
    beside: "Mapping[str, Sequence[Arm]] | None" = None,
    model: str = "your model",
    source: str = "your own run",
) -> SplitBudgetData:
    """Data of the simulator "Split the budget": the splits of every budget, and the splits that policies choose.

    Parameters
    ----------
    arms : sequence of Arm
        Arms of one model with N chains of T revisions. The numbers of samples of the arms with T=0 are the budgets.
    ease : array of shape (problems,)
        Defines the fifths of difficulty; higher for easier problems.
    policies : mapping, optional
        For each name a rule, the difficulty of each problem, and the FLOPs of estimating it, (problems,) each. A rule
        has no result for a budget at which it chooses a split that is not among the arms.
    beside : mapping, optional
        Arms of other strategies or models by name, for comparison.
    model : str
        The model of the arms, for the question.
    source : str
        Source of the runs, shown below the map.

    Returns
    -------
    dict
        Data for JSON.

    Raises
    ------
    ValueError
        If the arms have different problems, if none has T=0, or if there are fewer than five problems.
    """
    easy = np.asarray(ease, dtype=float)
    budgets = sorted({arm.allocation.N for arm in arms if not arm.allocation.T and not arm.allocation.M})
    if easy.ndim != 1 or len(easy) < 5 or not budgets or any(arm.correct.shape != easy.shape for arm in arms):
        raise ValueError(
            "a map of splits needs arms on the same problems, at least 5, and an arm with T=0, "
            f"not {len(arms)} arms and an ease of {easy.shape}"
        )
    splits = [arm for arm in arms if arm.allocation.generations in budgets and not arm.allocation.M]
    members = group_members(easy)
    rules = policies or {}
    followed = [
        [_allocated(rule, np.asarray(hard, dtype=float), np.asarray(flops), arms, budget) for budget in budgets]
        for rule, hard, flops in rules.values()
    ]
    groups = [_group(key, rows, splits, budgets, followed, beside or {}) for key, rows in members.items()]
    return {
        "schema": SCHEMA,
        "explorable": "split_budget",
        "source": f"{source}; {len(easy)} problems",
        "model": model,
        "budgets": budgets,
        "splits": [
            {"key": f"{a.N}x{1 + a.T}", "name": _named(a), "chains": a.N, "attempts": 1 + a.T, "budget": a.generations}
            for a in (arm.allocation for arm in splits)
        ],
        "policies": list(rules),
        "columns": ["Chains × attempts", "Solved", "95% interval", "Cost per problem"],
        "groups": groups,
        "tables": [_best_table(group, budgets, list(rules)) for group in groups],
    }


def _group(
    key: str, rows: np.ndarray, splits: "Sequence[Arm]", budgets: Sequence[int], followed: list[list[_Followed | None]],
    beside: "Mapping[str, Sequence[Arm]]",
) -> SplitGroup:  # fmt: skip
    """Data of a group of problems: each split, the best split of each budget, and the policies."""
    best = []
    for budget in budgets:
        payable = [i for i, arm in enumerate(splits) if arm.allocation.generations <= budget]
        best.append(max(payable, key=lambda i: (splits[i].correct[rows].mean(), -splits[i].flops[rows].mean())))
    names = [_named(arm.allocation) for arm in splits]
    return {
        "key": key,
        "name": GROUPS[key],
        "problems": int(rows.sum()),
        "mean": [round(float(arm.correct[rows].mean()), 4) for arm in splits],
        "said": [_said(arm.correct[rows], arm.flops[rows]) for arm in splits],
        "best": best,
        "policies": [[policy and _in_group(policy, rows, names) for policy in row] for row in followed],
        "beside": [
            [
                {"name": name, "said": _said(arm.correct[rows], arm.flops[rows])}
                for name, others in beside.items()
                for arm in others
                if arm.allocation.generations == budget
            ]
            for budget in budgets
        ],
    }


def _allocated(
    rule: "Rule", hard: np.ndarray, flops: np.ndarray, arms: "Sequence[Arm]", budget: int
) -> _Followed | None:
    """The split of each problem and its result; None if the rule has no split for the budget, or an unmeasured one."""
    from ..results import Arms, spend

    try:
        splits = [_named(rule(float(difficulty), budget)) for difficulty in hard]
        got = spend(rule, Arms(arms), hard, budget)
    except (ValueError, KeyError):
        return None  # for a budget of 1 the lesson's rule has no answer: ValueError
    return _Followed(splits, got.correct, got.flops + flops)


def _in_group(followed: _Followed, rows: np.ndarray, names: list[str]) -> Followed:
    """A policy on a group: the most frequent split, the marked splits, and the result."""
    counts = Counter(np.array(followed.splits)[rows].tolist())
    [(usual, count)] = counts.most_common(1)
    return {
        "usual": usual if count == rows.sum() else f"{usual} for {percents(count / rows.sum())[0]}% of them",
        "marks": [i for i, name in enumerate(names) if counts[name] >= SEEN * rows.sum()],
        "said": _said(followed.correct[rows], followed.flops[rows]),
    }


def _named(allocation: "Allocation") -> str:
    return f"{allocation.N} × {1 + allocation.T}"


def _said(correct: np.ndarray, flops: np.ndarray) -> list[str]:
    """Accuracy, interval and cost per problem, in words."""
    return in_words(bootstrap(correct), flops.mean())


def _best_table(group: SplitGroup, budgets: Sequence[int], names: list[str]) -> Table:
    """The best split and the policies by budget, for readers without scripts."""
    rows = []
    for i, budget in enumerate(budgets):
        policies = [row[i] for row in group["policies"]]
        solved, interval, _ = group["said"][group["best"][i]]
        rows.append([
            str(budget),
            f"{solved} ({interval})",
            *(f"{each['said'][0]} ({each['said'][1]})" if each else "not recorded" for each in policies),
        ])  # fmt: skip
    return {
        "caption": f"{group['name'].capitalize()}: solved by the best split, chosen in hindsight, and by policies",
        "columns": ["Attempts", "Best split", *names],
        "rows": rows,
    }


def recorded() -> SplitBudgetData:
    """Compute the data from the small model's recorded samples, step-level revisions and beam searches."""
    from .. import results
    from ..allocator import fitted_policy

    samples = results.sampling_arms(budgets=BUDGETS)
    chains = [arm for arm in results.stepwise_arms().values() if arm.allocation.T]
    return split_budget_data(
        sorted([*samples.values(), *chains], key=lambda arm: (arm.allocation.generations, arm.allocation.T)),
        results.small_samples().correct.mean(axis=1),
        policies={
            "The lesson's rule": (results.lesson_by_steps, *results.difficulty("predicted")),
            "The policy fitted to choose among chains": (fitted_policy("steps-oracle"), *results.difficulty("oracle")),
        },
        beside={"Beam search": [*results.uniform("beam").values()][1:]},
        model="the small model",
        source=f"{SEED}, the small model's recorded samples and step-level revisions of the test problems, scored by "
        "the PRM",
    )
