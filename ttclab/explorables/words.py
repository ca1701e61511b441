"""What the data of all simulators share: the groups of problems, and how a number is said."""

from typing import TYPE_CHECKING

from ..estimators import Estimate

if TYPE_CHECKING:
    from ..bank import Samples

SCHEMA = 1
GROUPS = {
    "all": "all problems",
    "1": "easiest fifth",
    "2": "second fifth",
    "3": "middle fifth",
    "4": "fourth fifth",
    "5": "hardest fifth",
}


def in_words(estimate: Estimate) -> str:
    mean, low, high = percents(*map(float, estimate))
    return f"{mean}% ({low} to {high})"


def percents(*fractions: float) -> list[str]:
    """Whole percents, with as many decimals for all as the one nearest to 0 or 100 needs: 80, but 1.3 and 99.97."""
    ends = [min(x, 1 - x) for x in fractions if 0 < x < 1]
    digits = sum(min(ends, default=1) < limit for limit in (0.05, 0.005))
    return [f"{100 * x:.{digits}f}" for x in fractions]


def points_in_words(difference: Estimate) -> str:
    """A difference of shares in percentage points, with its interval and signs: −20.4 (−24.1 to −16.5)."""
    mean, low, high = (f"{x:+.1f}".replace("-", "−") if x else "0.0" for x in in_points(difference))
    return f"{mean} ({low} to {high})"


def in_points(difference: Estimate) -> list[float]:
    """Percentage points as they are said, to a tenth: what is said to be 0 is 0."""
    return [round(100 * float(x), 1) for x in difference]


def flops_in_words(count: float) -> str:
    """Three digits and a prefix: 21.3 MFLOPs."""
    prefixes = ["", "k", "M", "G", "T", "P", "E"]
    while float(f"{count:.3g}") >= 1000 and len(prefixes) > 1:
        count, prefixes = count / 1000, prefixes[1:]
    return f"{float(f'{count:.3g}'):g} {prefixes[0]}FLOPs"


def source_of(samples: "Samples") -> str:
    """Where recorded samples come from, as it stands under a chart."""
    made = samples.made
    return f"the {made['model']} model's recorded runs on the test problems, temperature {made['temperature']:g}"
