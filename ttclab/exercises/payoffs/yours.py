"""The learner's values in a figure: over one of the book's, or as a figure of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ttclab import figures
from ttclab.allocator import Allocation, Arm
from ttclab.figures import Drawing, style


def mark(figure: Figure, x: Sequence[float], y: Sequence[float], label: str, *, line: bool = False) -> None:
    """Mark the learner's values in a figure, and say so in its key."""
    axes = figure.axes[0]
    with style.house_style():
        old = axes.get_legend()
        named = old.legend_handles if old else []
        (mine,) = axes.plot(
            x, y, "D", color=style.INK, mfc="none", ms=7, mew=1.5, ls=":" if line else "", lw=1.2, label=label, zorder=5
        )
        axes.legend(handles=[*named, mine], frameon=False, fontsize=9, labelcolor=style.INK, loc="best")


def over(
    book: str, label: str, x: Sequence[float], y: Sequence[float], finding: str, shown_by: str, *, line: bool = False
) -> Drawing:
    """A figure of the book by its name, with the learner's values over its curves and in its table."""
    drawing = figures.draw(book)
    mark(drawing.figure, x, y, label, line=line)
    numbers = pd.DataFrame({"place": [f"{place:.5g}" for place in x], label: [f"{value:.4g}" for value in y]})
    return replace(drawing, finding=finding, shown_by=shown_by, numbers=numbers, name=f"payoff_{book}")


def arm(values: Sequence[float], fifths: np.ndarray | None = None) -> Arm:
    """The learner's value of each problem as an arm, for its mean and its interval."""
    correct = np.array(values, dtype=float)
    return Arm(Allocation(1), correct, np.zeros(len(correct)), fifths)
