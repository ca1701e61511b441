"""Scaling curves: accuracy of each strategy by FLOPs, compared with one pass of a large model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..estimators import bootstrap
from .schemas import Point, ScalingCurvesData, ScalingGroup, StrategyCurve, Table
from .words import GROUPS, SCHEMA, SEED, flops_in_words, group_members

if TYPE_CHECKING:
    from ..allocator import Arm

SHARES = {
    0.125: "⅛ of",
    0.25: "¼ of",
    0.5: "½ of",
    1: "as much as",
    2: "2 ×",
    4: "4 ×",
    8: "8 ×",
    16: "16 ×",
    32: "32 ×",
}
TABULATED = (0.25, 1, 4, 16)  # shares in the table for readers without scripts
PLACES, RESTARTS = (4, 8, 16, 64), (3, 7, 15)  # of the beam searches and the step-level revisions
OPPONENTS = (1000, 1250, 1500, 2000, 2500)  # training steps of the large model


def scaling_curves_data(
    strategies: "Mapping[str, Mapping[str, Arm]]",
    large: "Mapping[str, Arm]",
    ease: ArrayLike,
    *,
    opponent: str | None = None,
    source: str = "your own run",
) -> ScalingCurvesData:
    """Data of the simulator "Scaling curves": accuracy by FLOPs, strategy and fifth of difficulty.

    Parameters
    ----------
    strategies : mapping of str to mapping of str to Arm
        Arms of each strategy by name ("16 samples"), cheapest first.
    large : mapping of str to Arm
        One pass of the large model, by its training.
    ease : array of shape (problems,)
        Defines the fifths of difficulty; higher for easier problems.
    opponent : str, optional
        Large model that is shown first, by default the first one. The budgets are SHARES of its mean cost.
    source : str
        Source of the runs, shown under the chart.

    Returns
    -------
    dict
        Data for JSON. Fractions are rounded to 4 decimals.

    Raises
    ------
    ValueError
        If there are fewer than five problems, if the arms have different problems, or if there is no strategy or no
        large model.
    """
    values = np.asarray(ease, dtype=float)
    arms = [*(arm for ways in strategies.values() for arm in ways.values()), *large.values()]
    if not strategies or not large or not all(strategies.values()):
        raise ValueError("scaling curves need at least one strategy, one arm of each strategy and one large model")
    if values.ndim != 1 or len(values) < 5 or any({a.correct.shape, a.flops.shape} != {values.shape} for a in arms):
        raise ValueError(f"every arm must have the problems of ease, at least 5; ease has the shape {values.shape}")
    opponent = opponent or next(iter(large))
    groups: list[ScalingGroup] = []
    for key, members in group_members(values).items():
        budgets = [share * float(large[opponent].flops[members].mean()) for share in SHARES]
        curves = [_curve(ways, large, members, budgets) for ways in strategies.values()]
        groups.append(
            {
                "key": key,
                "name": GROUPS[key],
                "problems": int(members.sum()),
                "budgets": [_rounded(budget) for budget in budgets],
                "said": [flops_in_words(budget) for budget in budgets],
                "large": [_point(arm, members) for arm in large.values()],
                "curves": curves,
            }
        )
    keys = {name: name.rpartition(", ")[2].lower().replace(" ", "-") for name in strategies}
    return {
        "schema": SCHEMA,
        "explorable": "scaling_curves",
        "source": f"{source}; {len(values)} problems",
        "shares": list(SHARES.values()),
        "asked": list(SHARES).index(1),
        "strategies": [{"key": keys[name], "name": name, "ways": list(ways)} for name, ways in strategies.items()],
        "opponents": list(large),
        "opponent": list(large).index(opponent),
        "columns": ["Strategy", "What it does", "Solved", "Cost per problem", "Small minus large, points"],
        "groups": groups,
        "tables": [_table(group, list(strategies)) for group in groups],
    }


def _curve(
    ways: "Mapping[str, Arm]", large: "Mapping[str, Arm]", members: np.ndarray, budgets: list[float]
) -> StrategyCurve:
    """A strategy on a group: its points, gains over each large model, and the most expensive arm for each budget."""
    costs = np.array([arm.flops[members].mean() for arm in ways.values()])
    return {
        "points": [_point(arm, members) for arm in ways.values()],
        "minus": [
            [f"{bootstrap(arm.correct[members] - other.correct[members]):.0p}" for other in large.values()]
            for arm in ways.values()
        ],
        "payable": [int((costs <= budget).sum()) - 1 for budget in budgets],
    }


def _point(arm: "Arm", members: np.ndarray) -> Point:
    """Mean, low, high and FLOPs, then accuracy and FLOPs in words."""
    estimate, flops = bootstrap(arm.correct[members]), float(arm.flops[members].mean())
    numbers = [round(float(x), 4) for x in estimate]
    return [*numbers, _rounded(flops), f"{estimate:%}", flops_in_words(flops)]


def _rounded(flops: float) -> float:
    return float(f"{flops:.4g}")


def _table(group: ScalingGroup, names: list[str]) -> Table:
    """Accuracy of each strategy at a few budgets, for readers without scripts."""
    steps = [list(SHARES).index(share) for share in TABULATED]
    rows = []
    for name, curve in zip(names, group["curves"], strict=True):
        payable = [curve["payable"][step] for step in steps]
        rows.append([name, *(str(curve["points"][i][4]) if i >= 0 else "costs too much" for i in payable)])
    return {
        "caption": f"{group['name'].capitalize()}: solved for at most the FLOPs shown per problem",
        "columns": ["Strategy", *(group["said"][step] for step in steps)],
        "rows": rows,
    }


def recorded() -> ScalingCurvesData:
    """Compute the data from the recorded runs."""
    from .. import results

    def samples(choose: str, verifier: str = "prm") -> "dict[str, Arm]":
        arms = results.sampling_arms(choose=choose, verifier=verifier)
        return {_count(arm.allocation.N, "sample"): arm for arm in arms.values()}

    adaptive = {f"up to {N} samples": results.adaptive_arm(0.5, N) for N in (4, 8, 16, 32, 64)}
    return scaling_curves_data(
        {
            "Single": {"1 greedy pass": results.one_pass("test", model="small")},
            "Vote": samples("majority"),
            "Weighted, ORM": samples("weighted", "orm"),
            "Weighted, PRM": samples("weighted"),
            "Weighted, PRM 14x": samples("weighted", "prm-large"),
            "Beam": {f"{arm.allocation.N} places": arm for arm in map(results.beam, PLACES)},
            "Revision": {f"at most {_count(T, 'restart')}": results.stepwise(T) for T in RESTARTS},
            "Adaptive": adaptive,
            "Oracle": samples("oracle"),
        },
        {f"{step} steps": results.one_pass("test", at=step) for step in OPPONENTS},
        results.small_samples().correct.mean(axis=1),
        opponent="1500 steps",
        source=f"{SEED}, recorded runs of the small and the large model on the test problems",
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
