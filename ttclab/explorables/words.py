"""Groups of problems and formats of numbers that all simulators share."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..estimators import Estimate, fifths
from .schemas import Estimates

if TYPE_CHECKING:
    from ..bank.runs import Samples

SCHEMA = 1
SEED = "seed 0"  # of the models that ship, in the source of recorded data
GROUPS = {
    "all": "all problems",
    "1": "easiest fifth",
    "2": "second fifth",
    "3": "middle fifth",
    "4": "fourth fifth",
    "5": "hardest fifth",
}


def group_members(ease: ArrayLike) -> dict[str, NDArray[np.bool_]]:
    """Masks of the problems in each of GROUPS, (problems,) each; `ease` is higher for easier problems."""
    fifth = fifths(ease)
    return {key: np.full(len(fifth), True) if key == "all" else fifth == int(key) - 1 for key in GROUPS}


def to_4_decimals(estimate: Estimate) -> Estimates:
    """The parts of an array of estimates by name, rounded to 4 decimals."""
    mean, low, high = (np.round(part, 4).tolist() for part in estimate)
    return {"mean": mean, "low": low, "high": high}


def in_words(solved: Estimate, flops: float) -> list[str]:
    """Accuracy, its interval and the cost per problem in words; NaN FLOPs are "not counted"."""
    mean, low, high = solved.parts("%")
    return [f"{mean}%", f"{low} to {high}", "not counted" if np.isnan(flops) else flops_in_words(float(flops))]


def flops_in_words(count: float) -> str:
    """Format FLOPs with three digits and a prefix: 21.3 M FLOPs."""
    prefixes = ["", "k", "M", "G", "T", "P", "E"]
    while float(f"{count:.3g}") >= 1000 and len(prefixes) > 1:
        count, prefixes = count / 1000, prefixes[1:]
    return " ".join([f"{float(f'{count:.3g}'):g}", *prefixes[0], "FLOPs"])


def source_of(samples: "Samples") -> str:
    """Source of recorded samples, for the line under a chart."""
    metadata = samples.metadata
    model, temperature = metadata.model, metadata.temperature
    return f"{SEED}, the {model} model's recorded runs on the test problems, temperature {temperature:g}"
