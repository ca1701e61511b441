"""Words that a finding is made of, chosen by the data."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def times(ratio: float) -> str:
    """A ratio of costs in a sentence: 5 times, 1.4 times."""
    return f"{ratio:.0f} times" if ratio >= 9.5 else f"{ratio:.1f} times"
