"""Fit the shipped allocation policies to the recorded runs on the validation problems."""

from collections.abc import Sequence
from pathlib import Path

from ..allocator import ComputeOptimalPolicy
from ..data import POLICIES
from .allocation import ESTIMATES, FITTED_BUDGETS, SLACK, SPACES, difficulty, space


def fit(name: str, estimate: str = "oracle", *, budgets: Sequence[int] = FITTED_BUDGETS) -> ComputeOptimalPolicy:
    """The compute-optimal policy of a space, fitted to the validation problems (Snell et al. 2024, section 3.2)."""
    estimates = {"oracle": "1 - pass@1", "predicted": "1 - the verifier's score of one solution"}
    hard, _ = difficulty(estimate, "validation")
    arms = tuple(space(name, "validation").values())
    return ComputeOptimalPolicy.fit(arms, hard, budgets, slack=SLACK, estimate=estimates[estimate])


def fit_all(folder: Path = POLICIES) -> list[Path]:
    """Fit every shipped policy, and write it (`ttclab fit`)."""
    paths = [(fit(name, estimate), folder / f"{name}-{estimate}.json") for name in SPACES for estimate in ESTIMATES]
    folder.mkdir(parents=True, exist_ok=True)  # missing in a new TTCLAB_HOME
    for policy, path in paths:
        policy.save(path)
    return [path for _, path in paths]
