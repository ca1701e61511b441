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
HATCH = "/////"  # a cell in which a seed cannot pay
Map = list[list[Cell]]
Unpaid = list[list[list[str]]]  # the seeds that cannot pay, for each cell


@drawn(ALL_SEEDS)
def winners_by_training() -> Drawing:
    """Who wins by fifth and R at equal FLOPs in all, the verifier given, against three opponents."""
    maps = {f"{at} steps": pooled_map(at) for at in MAPS}
    poor = [unpaid(at) for at in MAPS]
    first, *_, last = maps.values()
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
    )


@drawn(ALL_SEEDS)
def verifier_given_or_charged() -> Drawing:
    """Who wins by fifth and R against a large model of equal training, the verifier given or its training charged."""
    at = equal_training()
    given, charged = (pooled_map(at, verifier_given=free) for free in (True, False))
    poor = [unpaid(at, verifier_given=free) for free in (True, False)]
    maps = {"verifier given": given, "its training charged": charged}
    few = [row[:-2] for row in charged]  # all R but the largest, and inference alone
    taken = _rows_won(few, "large")
    many = _rows_won([row[-2:-1] for row in charged], "large")
    return Drawing(
        _draw_maps(maps, poor),
        f"Charged for its verifier's training, the small model loses the {_fifths(taken)}, unless questions are many"
        if taken and not many and not _rows_won(given, "large")
        else "Who wins depends on who pays for the training of the verifier",
        f"Against {at} steps, the small model wins {_count(given, 'small')} of {_tiles()} cells and the large one "
        f"{_count(given, 'large')}; with the verifier's training charged they win {_count(charged, 'small')} and "
        f"{_count(charged, 'large')}.",
        _numbers(maps, poor),
    )


def _draw_maps(maps: Mapping[str, Map], poor: Sequence[Unpaid]) -> Figure:
    """Maps side by side: fifths and all problems by R, coloured where there is a winner.

    Where a seed cannot pay and nobody wins, a cell is hatched, without the number over all seeds: their mean bill.
    """
    rows = [*style.SHORT_FIFTHS, "all"]
    figure, axes = style.new_rows(1, len(maps), height=3.1, sharey=True)
    for panel, (name, cells), short in zip(axes[0], maps.items(), poor, strict=True):
        for i, j in np.ndindex(len(rows), len(SHOWN)):
            cell, ends, won = cells[i][j], [j - 0.46, j + 0.46], cells[i][j].verdict != NOBODY
            if won:
                panel.fill_between(ends, i - 0.43, i + 0.43, color=WINNERS[cell.verdict], alpha=TILE, lw=0)
            elif short[i][j]:
                panel.fill_between(ends, i - 0.43, i + 0.43, fc="none", ec=style.INK, alpha=0.3, lw=0, hatch=HATCH)
                continue
            panel.text(
                j, i, cell.gain.parts(".0p")[0], ha="center", va="center", fontsize=8.5, alpha=1 if won else 0.65
            )
        style.tiles(panel, [f"{R:g}" for R in SHOWN], rows)
        panel.tick_params(labelsize=8.5)
        panel.set_title(name, fontsize=9.5, loc="center")
        panel.set_xlabel("R", fontsize=8.5, labelpad=1)
        panel.axhline(4.5, color=style.INK, lw=0.6)
    figure.supxlabel("few questions on the left, many on the right", fontsize=9.5, color=style.INK)
    handles = [Patch(fc=WINNERS[name], alpha=TILE, label=f"{name} wins") for name in ("small", "large")]
    seeds = sorted({seed_name(name) for short in poor for row in short for each in row for name in each})
    if seeds:
        name = f"{listed(seeds)} cannot pay"
        handles.append(Patch(fc="none", ec=style.INK, alpha=0.4, lw=0, hatch=HATCH, label=name))
    with style.house_style():
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, handlelength=1.1,
            handleheight=0.9, columnspacing=1.2, handletextpad=0.4, borderpad=0.1, fontsize=9,
        )  # fmt: skip
    return figure


def _tiles() -> int:
    return 5 * len(SHOWN)


def _count(cells: Map, verdict: str) -> int:
    """Cells of single fifths in a map as drawn that have a verdict."""
    return sum(cell.verdict == verdict for row in cells[:5] for cell in row[: len(SHOWN)])


def _rows_won(cells: Map, verdict: str) -> list[int]:
    """The fifths in which at least one cell has a verdict."""
    return [k for k, row in enumerate(cells[:5]) if any(cell.verdict == verdict for cell in row)]


def _fifths(rows: Sequence[int]) -> str:
    if rows == [1, 2, 3]:
        return "three middle fifths"
    return f"{listed([style.SHORT_FIFTHS[k] for k in rows])} fifth{'s' * (len(rows) > 1)}"


def _numbers(maps: Mapping[str, Map], poor: Sequence[Unpaid]) -> pd.DataFrame:
    def told(cell: Cell, seeds: list[str]) -> str:
        return f"{cell}, {listed([seed_name(name) for name in seeds])} cannot pay" if seeds else str(cell)

    return pd.DataFrame(
        [
            {"": f"{kind}, {name}", **{_rate(R): told(cell, seeds) for R, cell, seeds in zip(RATIOS, row, each)}}
            for (kind, cells), short in zip(maps.items(), poor, strict=True)
            for name, row, each in zip((*style.FIFTHS, "all problems"), cells, short)
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
        f"At equal FLOPs in all, many questions favour the large model, most on the {style.SHORT_FIFTHS[most]} fifth"
        if falls[most] > 0
        else "At equal FLOPs in all, many questions do not favour the large model",
        f"Small minus large on the {style.SHORT_FIFTHS[most]} fifth is {ends[0]:.0 points} at R = {RATIOS[0]:g} and "
        f"{ends[1]:.0 points} at R = {RATIOS[-2]:g}.",
        pd.DataFrame({"fifth": style.SHORT_FIFTHS, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".0p",
    )
