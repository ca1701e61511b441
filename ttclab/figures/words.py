"""Words that a finding is made of, chosen by the data."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def times(ratio: float) -> str:
    """A ratio of costs in a sentence: 5 times, 1.4 times."""
    return f"{ratio:.0f} times" if ratio >= 9.5 else f"{ratio:.1f} times"


def part(share: float) -> str:
    """A smaller cost in a sentence, as a fraction of a larger one: a fifth, half, 75%."""
    names = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 8: "an eighth", 10: "a tenth"}
    nearest = min(names, key=lambda n: abs(share - 1 / n))
    return names[nearest] if abs(share * nearest - 1) < 0.08 else f"{share:.0%}"
