"""Words for a difference, so that a sentence says who is ahead by the data and not by heart."""

from ..estimators import Estimate


def by_sign(gain: Estimate, ahead: str = "beats", level: str = "ties with", behind: str = "loses to") -> str:
    """Words for a difference: `level` if its 95% interval holds zero."""
    return {1: ahead, 0: level, -1: behind}[gain.sign]


def lead(gain: Estimate, other: str = "") -> str:
    """A difference with its sign in words: "2.9 points ahead (1.2 to 4.5)", "level (−0.8 to +0.9 points)".

    With the name of the other it is "2.9 points ahead of the ORM (1.2 to 4.5)".
    """
    words = by_sign(gain, "ahead of", "level with", "behind") if other else by_sign(gain, "ahead", "level", "behind")
    place = f"{words} {other}".strip()
    if gain.sign == 0:
        _, low, high = gain.parts(".1p")
        return f"{place} ({low} to {high} points)"
    points, interval = size(gain).split(" (")
    return f"{points} {place} ({interval}"


def against(gain: Estimate, other: str) -> str:
    """The predicate of a sentence that compares with `other`: "ties with best-of-64 (−0.6 to +3.1 points)".

    Outside a tie the size follows: "beats best-of-64 by 3.1 points (1.2 to 5.0)", "loses to best-of-64 by 3.1 points
    (1.2 to 5.0)". The subject of the sentence is singular.
    """
    if gain.sign == 0:
        _, low, high = gain.parts(".1p")
        return f"ties with {other} ({low} to {high} points)"
    return f"{by_sign(gain)} {other} by {size(gain)}"


def size(gain: Estimate) -> str:
    """A difference without its sign, for a sentence whose verb has it: "2.9 points (1.2 to 4.5)"."""
    positive = gain if gain.mean >= 0 else Estimate(-gain.mean, -gain.high, -gain.low)
    mean, low, high = Estimate(*(100 * number for number in positive)).parts(".1f")
    return f"{mean} points ({low} to {high})"
