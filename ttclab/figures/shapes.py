"""Shapes that diagrams are drawn with: a canvas, boxes, dots, arrows and brackets."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from . import style as house
from .style import COLOURS, INK

WIDTH = 5.4  # units of a canvas
INCHES = 4.6  # that a canvas is wide: text of 9.5 points is 10 px high where a phone shows it at 360
SMALL, NORMAL, LARGE = 9, 9.5, 11  # points
RIGHT, WRONG, PASSED = COLOURS["oracle"], COLOURS["wrong"], "#767676"


def canvas(height: float) -> tuple[Figure, Axes]:
    """Make a figure without axes: `WIDTH` units wide and `height` units high, from its lower left corner."""
    with house.house_style():
        figure = Figure(figsize=(INCHES, height * INCHES / WIDTH))
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def panels(widths: Sequence[float], height: float) -> tuple[Figure, list[Axes]]:
    """Make a figure with ordinary axes side by side, their widths in proportion; height in inches."""
    with house.house_style():
        figure = Figure(figsize=(INCHES, height), layout="constrained")
        axes = figure.subplots(1, len(widths), width_ratios=list(widths), squeeze=False)
    return figure, list(axes[0])


def words(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """Write text centred on a point; `style` is that of matplotlib's `text`."""
    axes.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": NORMAL, "color": INK, **style})


def box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str = "", colour: str = INK, **style: Any
) -> None:
    """Draw a rounded box with its lower left corner at a point.

    Parameters
    ----------
    axes : Axes
    x, y, width, height : float
        In units of the canvas.
    text : str
        What stands in its middle.
    colour : str
        Of the edge and, thinned, of the inside.
    **style
        fill, the opacity of the inside; edge, the width of the edge; others are for the text.
    """
    fill, edge = style.pop("fill", 0.15), style.pop("edge", 1.2)
    shape = f"round,pad=0,rounding_size={min(0.05, width / 2, height / 2):g}"
    for alpha, face, line in ((fill, colour, 0.0), (1.0, "none", edge)):
        axes.add_patch(
            FancyBboxPatch(
                (x, y), width, height, boxstyle=shape, fc=face, ec=colour if line else "none", lw=line, alpha=alpha
            )
        )
    if text:
        words(axes, x + width / 2, y + height / 2, text, **style)


def dot(axes: Axes, x: float, y: float, colour: str = INK, **style: Any) -> None:
    """Draw a round marker; `style` is that of matplotlib's `plot`."""
    axes.plot([x], [y], **{"marker": "o", "ms": 10, "color": colour, "mec": "none", "ls": "none", **style})


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, **style: Any) -> None:
    """Draw an arrow between two points; `style` is that of matplotlib's `FancyArrowPatch`."""
    settings = {"arrowstyle": "-|>", "mutation_scale": 10, "lw": 1.3, "shrinkA": 0, "shrinkB": 0, **style}
    axes.add_patch(FancyArrowPatch(start, end, color=colour, **settings))


def bracket(axes: Axes, x: float, y: float, width: float, text: str, **style: Any) -> None:
    """Draw a bracket below a row of things, with text under it."""
    axes.plot([x, x, x + width, x + width], [y + 0.06, y, y, y + 0.06], color=INK, lw=1)
    words(axes, x + width / 2, y - 0.04, text, **{"va": "top", **style})


def yes(true: object) -> str:
    """How a table says whether something is so."""
    return "yes" if true else "no"
