"""A mean with its interval, and the one way to write it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over problems with its 95% interval; floats, or arrays of one shape.

    An estimate formats itself: `f"{estimate:.1%}"` is "74.3% (70.2 to 78.1)". The specification is an optional number
    of decimals and a unit, and zero never has a sign:

    - `.3f`: the number itself, "0.743 (0.702 to 0.781)"; `+.3f` writes the signs of a difference
    - `.0%`: a share in percent, "74% (70 to 78)"; `%` takes as many decimals as the end nearest to 0 or 100 needs
    - `.1p`: a difference in percentage points, "+8.1 (+5.0 to +11.2)", for a column of points
    - `.1 points`: the same in a sentence, "+8.1 points (+5.0 to +11.2)"
    """

    mean: Floats
    low: Floats
    high: Floats

    @classmethod
    def stack(cls, estimates: Iterable["Estimate"]) -> "Estimate":
        """Join estimates into one of arrays, with the estimates along the first axis."""
        means, lows, highs = zip(*estimates, strict=True)
        return cls(np.array(means), np.array(lows), np.array(highs))

    def unstack(self) -> list["Estimate"]:
        """Split an estimate of arrays into one estimate for each entry of their first axis."""
        return [Estimate(*parts) for parts in zip(*self, strict=True)]

    @property
    def sign(self) -> int:
        """1 or -1 if the interval lies on one side of zero, else 0."""
        return int(self.low > 0) - int(self.high < 0)

    def parts(self, spec: str) -> list[str]:
        """Format the mean and the two ends, without a unit.

        Raises
        ------
        ValueError
            If the specification is not one of those that the class lists.
        """
        asked = _SPEC.fullmatch(spec)
        if not asked:
            raise ValueError(f"an estimate is formatted as .3f, +.3f, .0%, %, .1p or .1 points, not {spec!r}")
        numbers, unit = [float(number) for number in self], asked["unit"]
        if unit == "%" and asked["decimals"] is None:
            return percents(*numbers)
        scale = 1 if unit == "f" else 100
        signed = bool(asked["sign"]) or unit.endswith(("p", "points"))
        return [_number(scale * number, int(asked["decimals"] or 0), signed) for number in numbers]

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        mean, low, high = self.parts(spec)
        unit = "%" if spec.endswith("%") else " points" if spec.endswith("points") else ""
        return f"{mean}{unit} ({low} to {high})"


_SPEC = re.compile(r"(?P<sign>\+)?(?:\.(?P<decimals>\d))?(?P<unit>f|%|p| ?points)")


def _number(value: float, decimals: int, signed: bool) -> str:
    """Format a number with a typographic minus; zero has no sign."""
    text = f"{value:{'+' if signed else ''}.{decimals}f}"
    return text.lstrip("+-") if not float(text) else text.replace("-", "−")


def percents(*fractions: float) -> list[str]:
    """Format fractions in whole percents, or with the decimals that the one nearest to 0 or 1 needs: 80, 1.3, 99.97."""
    ends = [min(x, 1 - x) for x in fractions if 0 < x < 1]
    decimals = sum(min(ends, default=1) < limit for limit in (0.05, 0.005))
    return [f"{100 * x:.{decimals}f}" for x in fractions]


def finite(estimator: str, values: ArrayLike) -> Floats:
    """The values as floats. Raises ValueError for NaN, which orders and means would pass on in silence, or infinity."""
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f"{estimator} needs finite values, not {array[~np.isfinite(array)].flat[0]}")
    return array


def checked_scores(values: ArrayLike) -> Floats:
    """A verifier's scores as floats. Raises ValueError unless they are finite and 0 or more, as votes sum them."""
    array = finite("an estimate from scores", values)
    if (array < 0).any():
        raise ValueError(f"an estimate from scores needs scores of 0 or more, not {array[array < 0].flat[0]}")
    return array
