"""What a check of a claim returns: on one family of models (`Finding`) and over all of them (`Assessed`)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..estimators import Estimate


class Finding(NamedTuple):
    """Result of a test.

    Attributes
    ----------
    verdict : str
    compares : str
        What was measured, in words.
    parts : dict
        Differences (`Estimate`) and other numbers by what they are over, such as "hardest fifth". Those on which the
        verdict rests come first.
    spec : str
        Format of the numbers that are not differences.
    shown : int, optional
        How many of the parts stand beside the verdict. By default all of them.
    """

    verdict: str
    compares: str
    parts: Mapping[str, Estimate | float]
    spec: str = ".2f"
    shown: int | None = None


class Measured(NamedTuple):
    """A number of a claim in words: of each family and over all of them, such as "+2.7 points (0.0 to +6.3)"."""

    seeds: tuple[str, ...]
    together: str
    shown: bool = True

    def __str__(self) -> str:
        *most, last = self.seeds
        return f"{', '.join(most)} and {last} in seeds 0, 1 and 2; together {self.together}"


class Assessed(NamedTuple):
    """Result of a test over all families.

    Attributes
    ----------
    verdict : str
        Verdict that all families share, or "undecided".
    compares : str
        What was measured, in words.
    measured : dict
        Each part in words.
    seeds : dict
        Verdict of each family.
    """

    verdict: str
    compares: str
    measured: dict[str, Measured]
    seeds: dict[str, str]

    @property
    def by_seed(self) -> list[str]:
        """The verdict of each family, in the order of the seeds; empty if they are as the verdict."""
        verdicts = [*self.seeds.values()]
        return [] if {*verdicts} == {self.verdict} else verdicts


def in_words(findings: Iterable[Finding], together: Finding) -> dict[str, Measured]:
    """The parts of a test's results in words, those of each family and those over all families."""
    findings = [*findings]
    shown = len(together.parts) if together.shown is None else together.shown
    return {
        part: Measured(
            tuple(_short(result.parts[part], together.spec) for result in findings),
            f"{value:{'.1 points' if isinstance(value, Estimate) else together.spec}}",
            place < shown,
        )
        for place, (part, value) in enumerate(together.parts.items())
    }


def _short(value: Estimate | float, spec: str) -> str:
    """A number without its interval."""
    return value.parts(".1p")[0] if isinstance(value, Estimate) else format(value, spec)
