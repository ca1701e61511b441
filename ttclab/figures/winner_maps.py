"""Figures of chapter 6: winner maps by fifth of difficulty and R, over all families of models."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..estimators import Estimate
from ..results.exchange import NOBODY, RATIOS, Cell, pooled_map, unpaid
from . import charts, style
from .charts import Series
from .drawing import ALL_SEEDS, Drawing, drawn
from .exchange import MAPS, TILE, USUAL, WINNERS, equal_training, seed_name
from .words import listed

SHOWN = RATIOS[:-1]  # without training, a map is nearly that of the largest R
HATCH = "//"  # a cell in which a seed cannot pay
NOBODY_TILE = 0.16  # opacity of a cell without a winner
WON = {"small": "small", "large": "large", NOBODY: "nobody"}
Map = list[list[Cell]]
Unpaid = list[list[list[str]]]  # the seeds that cannot pay, for each cell


@drawn(ALL_SEEDS)
def winners_by_training() -> Drawing:
    """Who wins by fifth and R at equal FLOPs in all, the verifier given, against two opponents."""
    maps = {f"large after {at} steps": pooled_map(at) for at in MAPS}
    poor = [unpaid(at) for at in MAPS]
    first, last = maps.values()
    early, late = _rows_won(first, "small"), _rows_won(last, "large")
    turned = early and late and not _rows_won(first, "large") and not _rows_won(last, "small")
    few = "" if _rows_won([row[:1] for row in first], "small") else " unless questions are few"
    return Drawing(
        _draw_maps(maps, poor),
        f"Against {MAPS[0]} steps, thinking wins the {_fifths(early)}{few}; against {MAPS[-1]}, it loses the "
        f"{_fifths(late)}"
        if turned
        else "Who wins depends on how long the opponent was trained",
        f"Of {_tiles()} cells the small model wins {_count(first, 'small')} and the large one {_count(first, 'large')} "
        f"after {MAPS[0]} steps; after {MAPS[-1]} they win {_count(last, 'small')} and {_count(last, 'large')}.",
        _numbers(maps, poor),
        ".1p",
    )


@drawn(ALL_SEEDS)
def verifier_given_or_charged() -> Drawing:
    """Small minus large over all problems by R, against a large model of equal training, the verifier free or not."""
    at, places = equal_training(), np.arange(len(SHOWN))
    given, charged = (pooled_map(at, verifier_given=free)[5][: len(SHOWN)] for free in (True, False))
    short = [unpaid(at, verifier_given=free)[5][: len(SHOWN)] for free in (True, False)]
    figure, axes = style.new_axes(height=3.0)
    axes.grid(axis="x", visible=False)
    colours, wide = {"verifier free": "#999999", "verifier charged": style.COLOURS["prm"]}, 0.38
    bars = zip(colours.items(), (given, charged), short, (-0.21, 0.21), strict=True)
    for (name, colour), cells, seeds, aside in bars:
        for x, cell, unable in zip(places + aside, cells, seeds, strict=True):
            gain, won, up = cell.gain, f"{WON[cell.verdict]}\nwins", float(cell.gain.mean) > 0
            ends = (float(gain.low), float(gain.high))
            if unable:  # no bar: the seeds' mean bill is no bill of a seed that cannot pay
                x, up, ends = x - aside, cell.verdict != "large", (0.0, 0.0)
                won = f"{name.split()[1]}:\n{WON[cell.verdict]} wins"
            else:
                axes.bar(x, float(gain.mean), wide, color=colour, alpha=0.75, lw=0)
                axes.plot([x, x], ends, color=style.INK, lw=1.2)
            axes.annotate(
                won, (x, ends[up]), xytext=(0, 3 if up else -3), textcoords="offset points", ha="center",
                va="bottom" if up else "top", fontsize=9, color=style.INK, linespacing=1.1,
            )  # fmt: skip
    axes.axhline(0, color=style.INK, lw=1)
    absent = [sorted({*one, *other}) for one, other in zip(*short, strict=True)]
    axes.set_xticks(places, [_named(R, seeds) for R, seeds in zip(SHOWN, absent, strict=True)])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.55, len(SHOWN) - 0.45)
    axes.set_xlabel("few questions on the left, many on the right")
    style.points(axes, "small minus large, points")
    axes.margins(y=0.28)
    handles = [Patch(fc=colour, alpha=0.75, label=name) for name, colour in colours.items()]
    _key(figure, handles)
    return Drawing(
        figure,
        _charged([cell.verdict for cell in charged]),
        f"Against {at} steps, small minus large at R = {SHOWN[1]:g} is {given[1].gain:.1 points} with a free verifier "
        f"and {charged[1].gain:.1 points} with its training charged; at R = {SHOWN[-1]:g} it is "
        f"{given[-1].gain:.1 points} and {charged[-1].gain:.1 points}.",
        _numbers({"free": [given], "charged": [charged]}, [[row] for row in short]),
        ".1p",
    )


def _named(R: float, seeds: Sequence[str]) -> str:
    """R under its bars, and who cannot pay where there are none."""
    return f"R = {R:g}" + (f"\nno bars:\n{_cannot(seeds)}" if seeds else "")


def _cannot(seeds: Sequence[str]) -> str:
    return f"{listed([seed_name(name) for name in seeds])} cannot pay"


def _key(figure: Figure, handles: list[Patch]) -> None:
    """A key above the axes."""
    with style.house_style():
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, handlelength=0.9,
            handleheight=0.9, columnspacing=0.7, handletextpad=0.4, borderpad=0.1, fontsize=9,
        )  # fmt: skip


def _draw_maps(maps: Mapping[str, Map], poor: Sequence[Unpaid]) -> Figure:
    """Maps side by side: fifths and all problems by R, coloured where there is a winner.

    A cell in which a seed cannot pay is hatched and has no number: the seeds' mean bill is no bill of that seed.
    """
    rows = [*style.SHORT_FIFTHS, "all"]
    figure, axes = style.new_rows(1, len(maps), height=3.1, sharey=True)
    for panel, (name, cells), short in zip(axes[0], maps.items(), poor, strict=True):
        for i, j in np.ndindex(len(rows), len(SHOWN)):
            cell, ends = cells[i][j], [j - 0.46, j + 0.46]
            alpha = NOBODY_TILE if cell.verdict == NOBODY else TILE
            panel.fill_between(ends, i - 0.43, i + 0.43, color=WINNERS[cell.verdict], alpha=alpha, lw=0)
            if short[i][j]:
                panel.fill_between(ends, i - 0.43, i + 0.43, fc="none", ec=style.INK, alpha=0.35, lw=0, hatch=HATCH)
            else:
                panel.text(j, i, cell.gain.parts(".0p")[0], ha="center", va="center", fontsize=9)
        style.tiles(panel, [f"R={R:g}" for R in SHOWN], rows)
        panel.tick_params(labelsize=8.5)
        panel.set_title(name, fontsize=9.5, loc="center")
        panel.axhline(4.5, color=style.INK, lw=0.6)
    figure.supxlabel("few questions on the left, many on the right", fontsize=9.5, color=style.INK)
    looks = {"small wins": ("small", TILE), "large wins": ("large", TILE), "nobody": (NOBODY, NOBODY_TILE)}
    handles = [Patch(fc=WINNERS[won], alpha=alpha, label=name) for name, (won, alpha) in looks.items()]
    seeds = sorted({name for short in poor for row in short for each in row for name in each})
    if seeds:
        handles.append(Patch(fc="none", ec=style.INK, alpha=0.6, lw=0, hatch=2 * HATCH, label=_cannot(seeds)))
    _key(figure, handles)
    return figure


def _charged(verdicts: Sequence[str]) -> str:
    """Who wins, from few questions to many, where the small model pays for its verifier's training."""
    *few, many = (verdict == "small" for verdict in verdicts)
    if many and not any(few):
        return "Charged for its verifier's training, the small model wins only with very many questions"
    if not many and not any(few):
        return "Charged for its verifier's training, the small model wins at no number of questions"
    return "Who wins depends on who pays for the training of the verifier"


def _tiles() -> int:
    return 5 * len(SHOWN)


def _count(cells: Map, verdict: str) -> int:
    """Cells of single fifths in a map as drawn that have a verdict."""
    return sum(cell.verdict == verdict for row in cells[:5] for cell in row[: len(SHOWN)])


def _rows_won(cells: Map, verdict: str) -> list[int]:
    """The fifths in which at least one cell has a verdict."""
    return [k for k, row in enumerate(cells[:5]) if any(cell.verdict == verdict for cell in row)]


def _fifths(rows: Sequence[int]) -> str:
    if len(rows) > 2 and [*rows] == [*range(rows[0], rows[-1] + 1)]:
        return f"{style.SHORT_FIFTHS[rows[0]]} to {style.SHORT_FIFTHS[rows[-1]]} fifths"
    return f"{listed([style.SHORT_FIFTHS[k] for k in rows])} fifth{'s' * (len(rows) > 1)}"


def _numbers(maps: Mapping[str, Map], poor: Sequence[Unpaid]) -> pd.DataFrame:
    def told(cell: Cell, seeds: list[str]) -> str:
        winner = "" if cell.verdict == NOBODY else f" {cell.verdict}"
        return f"{_cannot(seeds)}{winner}" if seeds else f"{cell.gain:.1p}{winner}"

    names = (*style.FIFTHS, "all problems")
    return pd.DataFrame(
        [
            {"": f"{kind}, {name}", **{_rate(R): told(cell, seeds) for R, cell, seeds in zip(RATIOS, row, each)}}
            for (kind, cells), short in zip(maps.items(), poor, strict=True)
            for name, row, each in zip(names[-len(cells) :], cells, short, strict=True)
        ]
    )


def _rate(R: float) -> str:
    return f"R = {R:g}" if R < 1e9 else "inference alone"


@drawn(ALL_SEEDS)
def gains_by_fifth_and_rate() -> Drawing:
    """Small minus large at equal FLOPs in all, by fifth and R, the verifier given, for the large model of chapter 1."""
    cells = pooled_map(USUAL)
    looks = ("noise", "reading", "writing")
    lines = {
        f"R = {R:g}": Series(looks[i], Estimate.stack(cells[k][i].gain for k in range(5)), range(5))
        for i, R in enumerate(RATIOS[:-1])
    }
    falls = {k: cells[k][0].gain.mean - cells[k][len(RATIOS) - 2].gain.mean for k in range(5)}
    most = max(falls, key=lambda k: float(falls[k]))
    ends = [cells[most][i].gain for i in (0, len(RATIOS) - 2)]
    return Drawing(
        charts.gains(lines, xlabel="fifth of difficulty", ylabel="small minus large", ticks=style.SHORT_FIFTHS),
        f"At equal FLOPs in all, many questions favor the large model, most on the {style.SHORT_FIFTHS[most]} fifth"
        if falls[most] > 0
        else "At equal FLOPs in all, many questions do not favor the large model",
        f"Small minus large on the {style.SHORT_FIFTHS[most]} fifth is {ends[0]:.0 points} at R = {RATIOS[0]:g} and "
        f"{ends[1]:.0 points} at R = {RATIOS[-2]:g}.",
        pd.DataFrame({"fifth": style.SHORT_FIFTHS, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".0p",
        intervals="intervals, wider than 95%, as many are compared",
    )
