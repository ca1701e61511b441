"""What the numbers of all chapters share: the runs that most are of, and how a number is said."""

import json
from functools import cache
from typing import Any

import numpy as np

from ttclab import bank, evidence
from ttclab.estimators import Estimate
from ttclab.models import folder_of

BUDGETS = np.array(evidence.BUDGETS)
NAMED_FIFTHS = ("easiest", "second", "middle", "fourth", "hardest")
HARDEST = 4


@cache
def small() -> bank.Samples:
    return bank.load("small", "test")


def percent(x: float) -> str:
    return f"{100 * x:.0f}%"


def with_interval(estimate: Estimate) -> str:
    return f"{estimate:.0%}"


def finely(estimate: Estimate) -> str:
    return f"{estimate:.1%}"


def points(difference: Estimate, digits: int = 0) -> str:
    return format(difference, f".{digits} points")


def bare_points(difference: Estimate, digits: int = 0) -> str:
    return format(difference, f".{digits}p")


def made(model: str, at: int | None = None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((folder_of(model, at) / "training.json").read_text())
    return made


def millions(count: float) -> str:
    return f"{count / 1e6:.3g} million" if count < 999.5e6 else f"{count / 1e9:.3g} billion"


def trillions(count: float) -> str:
    return f"{count / 1e12:.3g} × 10¹²"


def flops_of_samples(n: int) -> float:
    return float(small().prefill_flops.mean() + n * small().decode_flops.mean())
