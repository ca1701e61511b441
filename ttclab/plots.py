"""The figures of the book: one style sheet, one function a figure, one colour a strategy."""

import html
import io
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from .estimators import Estimate
from .files import write_text

INK = "#010203"  # stands for the page's own text colour until the SVG is written
# Okabe and Ito's colour-blind safe palette: one colour a strategy, in the whole book.
COLOURS = {
    "single": "#767676",
    "majority": "#E69F00",
    "orm": "#56B4E9",
    "prm": "#0072B2",
    "oracle": "#009E73",
    "beam": "#CC79A7",
    "revision": "#D55E00",
    "optimal": INK,  # black, and white on a dark page
    "large": "#767676",
}
STYLE: Any = {
    "figure.figsize": (7.0, 4.0),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.bbox": "tight",
    "svg.fonttype": "none",  # text stays text: small files, the page's own font, readable by a screen reader
    "svg.hashsalt": "ttclab",  # the same figure is the same file
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 2,
}
FIFTHS = ("easiest fifth", "second", "middle", "fourth", "hardest fifth")


def coverage_by_difficulty(
    budgets: Sequence[int], measured: Sequence[Estimate], theory: np.ndarray, *, title: str
) -> Figure:
    """Measured pass@k of each fifth with its 95% band, and the curve 1-(1-p)^N of the fifth's mean p, dashed.

    budgets: (budgets,); measured: five estimates of (budgets,) each; theory: (5, budgets).
    """
    figure, axes = new_figure(title, budgets, "samples N")
    shades = mpl.colormaps["viridis"](np.linspace(0.35, 0.78, 5)).tolist()
    for estimate, curve, shade in zip(measured, theory, shades, strict=True):
        axes.fill_between(budgets, estimate.low, estimate.high, color=shade, alpha=0.25, lw=0)
        axes.plot(budgets, estimate.mean, color=shade)
        axes.plot(budgets, curve, color=shade, lw=1.2, ls=(0, (4, 3)))
    label_ends(axes, [e.mean[-1] for e in measured], FIFTHS, shades)
    axes.set_ylabel("right answer among N")
    return figure


def curves(
    budgets: Sequence[int],
    series: dict[str, tuple[str, Estimate]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    ylim: tuple[float, float] = (0, 1.02),
) -> Figure:
    """Accuracy against a budget, a curve with its 95% band for each entry of `series`: label -> (strategy, estimate).

    ylim: a part of the scale, for differences that can't be seen on the whole of it; say so beside the figure.
    """
    figure, axes = new_figure(title, budgets, xlabel)
    axes.set_ylim(*ylim)
    for name, estimate in series.values():
        axes.fill_between(budgets, estimate.low, estimate.high, color=COLOURS[name], alpha=0.2, lw=0)
        axes.plot(budgets, estimate.mean, color=COLOURS[name])
    ends = [float(estimate.mean[-1]) for _, estimate in series.values()]
    label_ends(axes, ends, list(series), [COLOURS[name] for name, _ in series.values()])
    axes.set_ylabel(ylabel)
    return figure


def by_difficulty(series: dict[str, tuple[str, Estimate]], *, title: str) -> Figure:
    """Accuracy in each fifth of difficulty, with its 95% interval: label -> (strategy, estimate of (5,))."""
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot(title=title)
    places = np.arange(5.0)
    for name, estimate in series.values():
        errors = [estimate.mean - estimate.low, estimate.high - estimate.mean]
        style = (0, (4, 3)) if name == "large" else "-"
        axes.errorbar(places, estimate.mean, errors, color=COLOURS[name], marker="o", ms=5, lw=1.6, ls=style)
    axes.set_xticks(places, FIFTHS)
    axes.set(ylim=(0, 1.02), ylabel="problems solved")
    ends = [float(estimate.mean[-1]) for _, estimate in series.values()]
    label_ends(axes, ends, list(series), [COLOURS[name] for name, _ in series.values()])
    return figure


def revision_chain(
    blocks: Sequence[tuple[int, int]], chain: Estimate, levels: dict[str, tuple[str, float]], *, title: str
) -> Figure:
    """Accuracy along a chain of revisions with its 95% interval, and levels to compare with: label -> (strategy, y).

    blocks: the first and the last attempt that each value is the mean of. The scale is cut: the steps are small.
    """
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot(title=title)
    places = np.arange(len(blocks))
    errors = [chain.mean - chain.low, chain.high - chain.mean]
    axes.errorbar(places, chain.mean, errors, color=COLOURS["revision"], marker="o", ms=6, lw=1.6)
    for name, level in levels.values():
        axes.axhline(level, color=COLOURS[name], lw=1.4, ls=(0, (4, 3)))
    axes.set_xticks(places, [str(a) if a == b else f"{a} to {b}" for a, b in blocks])
    axes.set(xlabel="attempt", ylabel="problems solved", ylim=(0.75, 0.95), yticks=[0.75, 0.8, 0.85, 0.9, 0.95])
    ends = {"chain": ("revision", float(chain.mean[-1])), **levels}
    label_ends(axes, [y for _, y in ends.values()], list(ends), [COLOURS[name] for name, _ in ends.values()])
    return figure


def against_flops(
    series: dict[str, tuple[str, Sequence[float], Estimate]],
    marks: Sequence[object] = (),
    *,
    title: str,
    xlabel: str = "FLOPs a problem",
    ylim: tuple[float, float] = (0, 1.02),
    dashed: Collection[str] = (),
) -> Figure:
    """Accuracy against what it costs, with 95% intervals: label -> (strategy, FLOPs, estimate); the large model dashed.

    marks: what each point of a curve is called, the same for all curves, such as its number of generations; dashed:
    labels of curves that share their colour with another.
    """
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot(title=title, xscale="log")
    for i, (label, (name, flops, estimate)) in enumerate(series.items()):
        axes.fill_between(flops, estimate.low, estimate.high, color=COLOURS[name], alpha=0.15, lw=0)
        style = (0, (4, 3)) if name == "large" or label in dashed else "-"
        axes.plot(flops, estimate.mean, color=COLOURS[name], marker="o", ms=5, ls=style)
        offset = (0, -12 if i % 2 else 9)  # below every other curve, so that two that meet keep their marks apart
        for x, y, mark in zip(flops, estimate.mean, marks):
            axes.annotate(
                str(mark), (x, y), xytext=offset, textcoords="offset points", ha="center", va="center", fontsize=9
            )
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # what is labelled where there is no power of ten
    axes.set(xlabel=xlabel, ylabel="problems solved", ylim=ylim)
    ends = [float(estimate.mean[-1]) for _, _, estimate in series.values()]
    label_ends(axes, ends, list(series), [COLOURS[name] for name, *_ in series.values()])
    return figure


def winner_map(
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Sequence[Sequence[tuple[Estimate, str]]],
    *,
    title: str,
    xlabel: str,
) -> Figure:
    """Who wins, a cell for each row and column, by colour and in words, with the gain in points and its 95% interval.

    cells: for each row and column what the small model gains over the large one, and who wins: "small", "large" or
    "no difference".
    """
    colours = {"small": COLOURS["prm"], "large": COLOURS["majority"], "no difference": "none"}
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(7.0, 0.62 * len(rows) + 1.3))
        axes = figure.add_subplot(title=title)
    for i, j in np.ndindex(len(rows), len(columns)):
        gain, verdict = cells[i][j]
        axes.fill_between([j - 0.47, j + 0.47], i - 0.45, i + 0.45, color=colours[verdict], alpha=0.38, lw=0)
        words = verdict if verdict == "no difference" else f"{verdict} wins"
        axes.text(j, i - 0.15, words, ha="center", va="center", fontsize=10, weight="bold", color=INK)
        axes.text(j, i + 0.19, f"{gain:.0p}", ha="center", va="center", fontsize=9.5, color=INK)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel=xlabel, xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    return figure


def matched_gains(groups: dict[str, Estimate], *, title: str, legend: str) -> Figure:
    """What thinking gains over the large model at equal FLOPs, bars by fifth of difficulty, one colour a group.

    groups: label -> estimate of (5,), small minus large; legend: what the groups are.
    """
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot(title=title)
    width, shades = 0.8 / len(groups), mpl.colormaps["viridis"](np.linspace(0.3, 0.78, len(groups))).tolist()
    for i, ((label, gain), shade) in enumerate(zip(groups.items(), shades, strict=True)):
        places = np.arange(5) + (i - (len(groups) - 1) / 2) * width
        errors = [gain.mean - gain.low, gain.high - gain.mean]
        axes.bar(places, gain.mean, 0.92 * width, color=shade, alpha=0.85, label=label)
        axes.errorbar(places, gain.mean, errors, fmt="none", ecolor=INK, lw=1.2, capsize=2)
    axes.axhline(0, color=INK, lw=1)
    axes.set_xticks(range(5), FIFTHS)
    axes.grid(axis="x", visible=False)
    axes.set(ylabel="small minus large, problems solved")
    axes.legend(title=legend, frameon=False, loc="lower left", labelcolor=INK).get_title().set_color(INK)
    return figure


def ratio_sweep(splits: Sequence[str], groups: dict[str, Estimate], *, title: str) -> Figure:
    """Accuracy of one budget split in several ways, with its 95% band, a curve for each group of problems.

    splits: from parallel to sequential; groups: label -> estimate of (splits,), from the easiest to the hardest.
    """
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot(title=title)
    places = np.arange(len(splits))
    shades = mpl.colormaps["viridis"](np.linspace(0.35, 0.78, len(groups))).tolist()
    for estimate, shade in zip(groups.values(), shades, strict=True):
        axes.fill_between(places, estimate.low, estimate.high, color=shade, alpha=0.25, lw=0)
        axes.plot(places, estimate.mean, color=shade, marker="o", ms=5)
    axes.set_xticks(places, splits)
    axes.set(xlabel="chains × attempts in each", ylabel="problems solved", ylim=(0, 1.02))
    label_ends(axes, [float(estimate.mean[-1]) for estimate in groups.values()], list(groups), shades)
    return figure


def training_curve(
    training_flops: Sequence[float], one_pass: Estimate, levels: dict[str, tuple[str, float]], *, title: str
) -> Figure:
    """One pass of the large model at points of its training, and levels of the small one: label -> (strategy, y)."""
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot(title=title)
    axes.fill_between(training_flops, one_pass.low, one_pass.high, color=COLOURS["large"], alpha=0.2, lw=0)
    axes.plot(training_flops, one_pass.mean, color=COLOURS["large"], marker="o", ms=5, ls=(0, (4, 3)))
    for name, level in levels.values():
        axes.axhline(level, color=COLOURS[name], lw=1.4)
    axes.set(ylim=(0, 1.02), ylabel="problems solved", xlabel="FLOPs spent on training the large model")
    ends = {"large, one pass": ("large", float(one_pass.mean[-1])), **levels}
    colours = [COLOURS[name] for name, _ in ends.values()]
    label_ends(axes, [level for _, level in ends.values()], list(ends), colours)
    return figure


def new_figure(title: str, budgets: Sequence[float], xlabel: str) -> tuple[Figure, Axes]:
    """A figure in the house style: budgets on a log2 axis, accuracy from 0 to 1, the finding as its title."""
    with mpl.rc_context(STYLE):
        figure = Figure()
        axes = figure.add_subplot()
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(list(budgets)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set(xlabel=xlabel, ylim=(0, 1.02), title=title)
    return figure, axes


def label_ends(axes: Axes, heights: Sequence[float], labels: Sequence[str], colours: Sequence[Any]) -> None:
    """Names right of the axes, where no grid line crosses them, at the heights of their curves' ends or near them."""
    bottom, top = axes.get_ylim()
    gap, highest = 0.064 * (top - bottom), top - 0.02 * (top - bottom)
    placed: list[tuple[float, int]] = []
    for i in sorted(range(len(heights)), key=lambda i: (heights[i], -i)):  # of equals, the first on top
        placed.append((max(heights[i], placed[-1][0] + gap) if placed else heights[i], i))
    limit = highest
    for height, i in reversed(placed):  # down again from the top, those alone that would stand above it
        height = min(height, limit)
        limit = height - gap
        axes.annotate(
            labels[i], (1, height), xycoords=axes.get_yaxis_transform(), xytext=(4, 0),
            textcoords="offset points", va="center", color=colours[i], annotation_clip=False,
        )  # fmt: skip


class Shown:
    """A figure in a notebook or page: SVG in the page itself, so that it takes the page's own text colour."""

    def __init__(self, figure: Figure, alt: str) -> None:
        self.svg, self.alt = to_svg(figure, alt), alt

    def _repr_html_(self) -> str:
        return f'<div class="ttclab-figure">{self.svg}</div>'

    def __repr__(self) -> str:
        return self.alt


def show(figure: Figure, alt: str) -> Shown:
    """The figure, to be the last line of a cell. alt: the finding and the numbers that show it."""
    return Shown(figure, alt)


def to_svg(figure: Figure, alt: str) -> str:
    """The figure as SVG, legible on light and dark pages, described by `alt`."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    size = re.search(r'width="([\d.]+)pt" height="[\d.]+pt"', svg)
    assert size, "matplotlib writes the size first"
    label = html.escape(alt, quote=True)
    attributes = f'role="img" aria-label="{label}" style="width:100%;max-width:{float(size[1]):.0f}pt;height:auto"'
    return svg.replace(size[0], attributes, 1).strip()


def save(figure: Figure, path: Path, alt: str) -> None:
    """The figure as a file of its own, dark where the reader's system is."""
    dark = "<style>svg{color:#222}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
    opening, rest = to_svg(figure, alt).split(">", 1)
    write_text(path, f"{opening}>{dark}{rest}\n")
