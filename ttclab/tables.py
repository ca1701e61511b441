"""Tables as DataFrames whose cells are written as the book writes them."""

from collections.abc import Iterable, Mapping
from math import floor, log10

import pandas as pd

from .estimate import Estimate


def table(rows: Mapping[str, Mapping[str, object]] | Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Write rows of results as a table: what is solved in percent, with its 95% interval.

    Parameters
    ----------
    rows : dict of dict, or iterable of dict
        The cells of each row by their column: estimates, numbers or text. Rows without a name are headed by their first
        cell.
        In a column with "minus" in its name estimates are differences in percentage points. In a column with "FLOPs"
        in its name numbers are written with "million", "billion" or "trillion".
    """
    if isinstance(rows, Mapping):
        frame = pd.DataFrame.from_dict(rows, orient="index", dtype=object)
    else:
        frame = pd.DataFrame(rows, dtype=object)
        heads = frame.columns[0]
        frame = frame.set_index(frame[heads].map(lambda head: _written(head, "", heads))).drop(columns=heads)
        frame = frame.rename_axis(index=None, columns=heads)  # in the corner: a name of the index has a row of its own
    return written(frame, {column: ".1p" for column in frame.columns if "minus" in column}, ".1%")


def written(frame: pd.DataFrame, specs: Mapping[str, str], default: str) -> pd.DataFrame:
    """Write every cell of a DataFrame; `specs` says by column how estimates are written (see `Estimate`)."""
    cells = {key: [_written(value, specs.get(key, default), key) for value in frame[key]] for key in frame}
    return pd.DataFrame(cells, index=frame.index).rename_axis(columns=frame.columns.name)


def _written(value: object, spec: str, column: str) -> str:
    if isinstance(value, Estimate):
        return format(value, spec)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value != value:
        return ""
    if "FLOPs" in column:
        return written_flops(value)
    return (f"{value:,}" if isinstance(value, int) else _three_digits(value)).replace("-", "−")


def _three_digits(number: float) -> str:
    """Write a number with three digits and never an exponent: 1,340, 23.6, 0.053, 0.0000321."""
    size = abs(number)
    if size >= 999.5:
        return f"{float(f'{number:.3g}'):,.0f}"
    if 0.01 <= size < 1:
        return f"{number:.3f}"
    if 0 < size < 0.01:
        return f"{number:.{2 - floor(log10(size))}f}"
    return f"{number:.3g}"


def written_flops(count: float) -> str:
    """Write FLOPs with three digits: 21.3 million."""
    for unit, name in ((1e6, "million"), (1e9, "billion")):
        if count < 999.5 * unit:
            return f"{count / unit:.3g} {name}" if count else "0"
    return f"{count / 1e12:.3g} trillion"
