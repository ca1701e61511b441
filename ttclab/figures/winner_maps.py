"""Figures of chapter 6: winner maps by fifth of difficulty and R, over all families of models."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..estimators import Estimate
from ..results.exchange import RATIOS, Cell, pooled_map
from . import charts, style
from .charts import Series
from .drawing import ALL_SEEDS, Drawing, drawn
from .exchange import MAPS, TILE, USUAL, WINNERS, equal_training
from .words import listed

SHOWN = RATIOS[:-1]  # without training, a map is nearly that of the largest R
Map = list[list[Cell]]


@drawn(ALL_SEEDS)
def winners_by_training() -> Drawing:
    """Who wins by fifth and R at equal FLOPs in all, the verifier given, against three opponents."""
    maps = {f"{at} steps": pooled_map(at) for at in MAPS}
    first, *_, last = maps.values()
    early, late = _rows_won(first, "small"), _rows_won(last, "large")
    turned = early and late and not _rows_won(first, "large") and not _rows_won(last, "small")
    return Drawing(
        _draw_maps(maps),
        f"Against {MAPS[0]} steps, thinking wins the {_fifths(early)}; against {MAPS[-1]}, the large model wins the "
        f"{_fifths(late)}"
        if turned
        else "Who wins depends on how long the opponent was trained",
        f"Of {_tiles()} cells the small model wins {_count(first, 'small')} and the large one {_count(first, 'large')} "
        f"after {MAPS[0]} steps; after {MAPS[-1]} they win {_count(last, 'small')} and {_count(last, 'large')}.",
        _numbers(maps),
    )


@drawn(ALL_SEEDS)
def verifier_given_or_charged() -> Drawing:
    """Who wins by fifth and R against a large model of equal training, the verifier given or its training charged."""
    at = equal_training()
    given, charged = (pooled_map(at, verifier_given=free) for free in (True, False))
    maps = {"verifier given": given, "its training charged": charged}
    few = [row[:-2] for row in charged]  # all R but the largest, and inference alone
    taken = _rows_won(few, "large")
    same = all(one[-2].verdict == other[-2].verdict for one, other in zip(given, charged))
    return Drawing(
        _draw_maps(maps),
        f"Charged for its verifier's training, the small model loses the {_fifths(taken)}, unless questions are many"
        if taken and same and not _rows_won(given, "large")
        else "Who wins depends on who pays for the training of the verifier",
        f"Against {at} steps, the small model wins {_count(given, 'small')} of {_tiles()} cells and the large one "
        f"{_count(given, 'large')}; with the verifier's training charged they win {_count(charged, 'small')} and "
        f"{_count(charged, 'large')}.",
        _numbers(maps),
    )


def _draw_maps(maps: Mapping[str, Map]) -> Figure:
    """Maps side by side: fifths and all problems by R, coloured where there is a winner."""
    rows = [*style.SHORT_FIFTHS, "all"]
    figure, axes = style.new_rows(1, len(maps), height=3.1, sharey=True)
    for panel, (name, cells) in zip(axes[0], maps.items()):
        for i, j in np.ndindex(len(rows), len(SHOWN)):
            cell = cells[i][j]
            if cell.verdict != "no difference":
                ends = [j - 0.46, j + 0.46]
                panel.fill_between(ends, i - 0.43, i + 0.43, color=WINNERS[cell.verdict], alpha=TILE, lw=0)
            panel.text(j, i, cell.gain.parts(".0p")[0], ha="center", va="center", fontsize=8.5)
        style.tiles(panel, [f"{R:g}" for R in SHOWN], rows)
        panel.tick_params(labelsize=8.5)
        panel.set_title(name, fontsize=9.5, loc="center")
        panel.axhline(4.5, color=style.INK, lw=0.6)
    figure.supxlabel("R: few questions on the left, many on the right", fontsize=9.5, color=style.INK)
    style.key(figure, {f"{name} wins": (WINNERS[name], TILE) for name in ("small", "large")})
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
    return f"{listed([style.SHORT_FIFTHS[k] for k in rows])} fifth{'s' * (len(rows) > 1)}"


def _numbers(maps: Mapping[str, Map]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"": f"{kind}, {name}", **{_rate(R): str(cell) for R, cell in zip(RATIOS, row)}}
            for kind, cells in maps.items()
            for name, row in zip((*style.FIFTHS, "all problems"), cells)
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
        f"At equal FLOPs in all a long life favours the large model, most on the {style.SHORT_FIFTHS[most]} fifth"
        if falls[most] > 0
        else "At equal FLOPs in all a long life does not favour the large model",
        f"Small minus large on the {style.SHORT_FIFTHS[most]} fifth is {ends[0]:.0 points} at R = {RATIOS[0]:g} and "
        f"{ends[1]:.0 points} at R = {RATIOS[-2]:g}.",
        pd.DataFrame({"fifth": style.SHORT_FIFTHS, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".0p",
    )
