"""Words for a difference, so that a sentence of a page says who is ahead by the data and not by heart."""

from ..estimators import Estimate


def standing(gain: Estimate, ahead: str = "ahead of", level: str = "level with", behind: str = "behind") -> str:
    """The words and the size of a difference, as a sentence needs them: "2 points (1 to 4) ahead of".

    An end of the interval below one point is written with a decimal, so that it is not read as zero.

    Parameters
    ----------
    gain : Estimate
        Difference between two shares, the subject of the sentence minus its object.
    ahead, level, behind : str
        Words for a 95% interval above zero, one that holds zero, and one below zero.
    """
    if gain.sign == 0:
        return level
    size = gain if gain.sign > 0 else Estimate(-gain.mean, -gain.high, -gain.low)
    said = f"{size:.0 points}" if size.low >= 0.01 else f"{size:.1 points}"
    return f"{said.replace('+', '')} {ahead if gain.sign > 0 else behind}"
