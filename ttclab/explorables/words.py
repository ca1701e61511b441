"""What the data of all simulators share: the groups of problems, and how a number is said."""

from typing import TYPE_CHECKING

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
