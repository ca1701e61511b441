"""Figures 3, 7 and 9 of Snell et al. 2024, who is ahead where, each beside ours.

As in `paper`: the paper's side says what its text states, and nothing that would have to be read off a plot.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import results
from ..estimators import Estimate
from ..results.exchange import RATIOS, Cell, pooled_map, unpaid
from ..results.families import of_all
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .exchange import MAPS, WINNERS
from .paper import THEM, heads
from .shapes import PASSED, SMALL, WIDTH, box, canvas, words
from .style import COLOURS, SHORT_FIFTHS
from .winner_maps import WON

SPLITS = ((16, 0), (8, 1), (4, 3), (2, 7), (1, 15))  # chains and revisions of 16 generations

Side = tuple[str, str]  # what a cell of a map says, and its colour
COUNTS = ("none", "one", "two", "three", "four", "five")
UNSAID: Side = ("not said", "none")


def _maps(
    rows: Sequence[str],
    columns: Sequence[str],
    sides: Sequence[Sequence[Sequence[Side]]],
    key: Mapping[str, str],
    row: float = 0.46,
    theirs: float = 0.5,
) -> Figure:
    """Two maps of who is ahead, rows by columns, and what the colours mean.

    row: the height of a row in inches; theirs: the paper's share of the width.
    """
    left = 0.95
    figure, axes = canvas(row * len(rows) + 1.25)
    heads(axes, row * len(rows) + 1.1, left, theirs)
    for side, cells in enumerate(sides):
        wide = (1 - theirs if side else theirs) * (WIDTH - left)
        each = (wide - 0.12) / len(columns)
        for k, column in enumerate(columns):
            x = left + side * (WIDTH - left - wide) + 0.1 + k * each
            words(axes, x + each / 2, row * len(rows) + 0.78, column, fontsize=8.5)
            for n in range(len(rows)):
                text, colour = cells[n][k]
                y = row * (len(rows) - n - 1) + 0.6
                if colour == "none":
                    words(axes, x + each / 2, y + row / 2 - 0.03, text, fontsize=8.5, alpha=0.6)
                else:
                    box(axes, x + 0.02, y, each - 0.06, row - 0.07, text, colour, fill=0.35, edge=0, fontsize=SMALL)
    for n, name in enumerate(rows):
        words(axes, left, row * (len(rows) - n - 1) + 0.6 + row / 2 - 0.03, name, ha="right")
    x = 0.1
    for name, colour in key.items():
        words(axes, x, 0.22, f"■ {name}", ha="left", color=colour, weight="bold", fontsize=SMALL)
        x += 0.45 + 0.095 * len(name)
    return figure


def _cell(gain: Estimate, ahead: str, behind: str, *, within: bool = False) -> Side:
    """A gain as a cell: its points, in the colour of who is ahead, grey if its interval holds zero.

    within: whether the interval is written under the points.
    """
    colour = {1: ahead, 0: PASSED, -1: behind}[gain.sign]
    points, interval = f"{gain:.1p}".split(" ", 1)
    return f"{points}\n{interval}" if within else points, colour


def _agree(theirs: Sequence[Sequence[Side]], ours: Sequence[Sequence[Side]]) -> tuple[int, int]:
    """In how many of the cells that the paper speaks of the same side is ahead here, and of how many."""
    pairs = [(a[1], b[1]) for one, other in zip(theirs, ours, strict=True) for a, b in zip(one, other, strict=True)]
    said = [(a, b) for a, b in pairs if a != "none"]
    return sum(a == b for a, b in said), len(said)


@drawn(ALL_SEEDS)
def paper_figure_3() -> Drawing:
    """Beam search against a weighted vote by difficulty, with a small and a large N, over all seeds.

    The best-of-N of the paper is a weighted vote, too.

    A side is ahead if the interval over seeds and problems leaves out zero.
    """
    beam, samples = COLOURS["beam"], COLOURS["prm"]
    theirs: list[list[Side]] = [
        [UNSAID, ("vote", samples)],
        [UNSAID, ("vote", samples)],
        [("beam", beam), ("beam", beam)],
        [("beam", beam), ("beam", beam)],
        [("tie", PASSED), ("tie", PASSED)],
        [("beam", beam), ("vote", samples)],
    ]
    budgets = (4, 64)

    def measured() -> list[list[Estimate]]:
        return [
            [results.beam(N).minus(results.weighted(N), *([] if k is None else [k])) for N in budgets]
            for k in (*range(5), None)
        ]

    gains = of_all(measured)
    ours = [[_cell(gain, beam, samples, within=True) for gain in row] for row in gains]
    key = {"beam search ahead": beam, "weighted vote ahead": samples, "tie": PASSED}
    rows = (*SHORT_FIFTHS, "all")
    figure = _maps(rows, ("small N", "large N"), (theirs, ours), key, row=0.52, theirs=0.4)
    same, of = _agree(theirs[:5], ours[:5])  # the last row is of all problems
    behind = any(colour == samples for row in ours for _, colour in row)
    agreeing = f"{same} of the paper's {of} verdicts by difficulty hold up here"
    return Drawing(
        figure,
        f"Beam search against the weighted vote: {agreeing}"
        if behind
        else "In the paper, beam search at a large N falls behind the vote on all problems together; here it never "
        "does",
        f"{agreeing[0].upper()}{agreeing[1:]}. Beam search minus the weighted vote, all problems: "
        f"{gains[5][0]:.1 points} with N = {budgets[0]}, {gains[5][1]:.1 points} with N = {budgets[1]}.",
        pd.DataFrame(
            {
                "problems": rows,
                "paper, small N": [row[0][0] for row in theirs],
                "paper, large N": [row[1][0] for row in theirs],
                f"beam search minus weighted vote, N={budgets[0]}": [row[0] for row in gains],
                f"beam search minus weighted vote, N={budgets[1]}": [row[1] for row in gains],
            }
        ),
        ".1p",
    )


@drawn(SEED_0)
def paper_figure_7() -> Drawing:
    """The best split of a budget into chains, by difficulty."""
    arms = [results.hybrid(M, T) for M, T in SPLITS]
    solved = np.array([[arm.fifth(k).correct.mean() for arm in arms] for k in range(5)])
    best = solved.argmax(axis=1)
    level = [[arm.minus(arms[best[k]], k).sign >= 0 for arm in arms] for k in range(5)]
    figure, axes = canvas(3.3)
    left, wide, row = 0.95, (WIDTH - 0.95) / 2, 0.42
    heads(axes, 3.12, left)
    colour, last = COLOURS["revision"], len(SPLITS) - 1
    paper = [[last], [last], [], [1, 2, 3], [1, 2, 3]]
    for side in (0, 1):
        start, step = left + side * wide + 0.4, (wide - 0.6) / last
        for k, name in enumerate(SHORT_FIFTHS):
            y = 2.55 - row * k
            shown = [n for n in range(len(SPLITS)) if level[k][n]] if side else paper[k]
            for n in range(len(SPLITS)):
                x, taken = start + n * step, n in shown
                pale = 0.35 if len(shown) > 1 and not side else 0.75
                look = {"fill": pale if taken else 0.12, "edge": 0}
                box(axes, x - step / 2 + 0.02, y - 0.16, step - 0.04, 0.32, "", colour if taken else PASSED, **look)
            if not side and len(shown) != 1:  # the paper says that a mix is best, and not which
                words(axes, start + last / 2 * step, y, "some mix" if shown else "not said", fontsize=8.5)
            if not side:
                words(axes, left, y, name, ha="right")
        for n, (M, T) in enumerate(SPLITS):
            words(axes, start + n * step, 0.55, f"{M}×{T + 1}", fontsize=8.5)
    words(axes, 0.1, 0.18, "■ best, or tied with the best", ha="left", color=colour, weight="bold", fontsize=SMALL)
    words(axes, WIDTH, 0.18, "chains × attempts in each", ha="right", fontsize=8.5)
    names = [f"{M} × {T + 1}" for M, T in SPLITS]
    alone = sum(row[0] for row in level)
    return Drawing(
        figure,
        "The paper: one chain for easy problems, a mix for hard ones; "
        + (
            "here 16 samples are best or tied on every fifth"
            if alone == 5
            else f"here 16 samples are best or tied on {alone} of 5 fifths"
        ),
        f"16 generations. On the hardest fifth {names[0]} solves {solved[4, 0]:.0%} and {names[-1]} "
        f"{solved[4, -1]:.0%}; the best split there is {names[best[4]]}.",
        pd.DataFrame(
            {
                "fifth": SHORT_FIFTHS,
                **{name: [arm.fifth(k).solved for k in range(5)] for name, arm in zip(names, arms, strict=True)},
            }
        ),
        ".1%",
    )


@drawn(ALL_SEEDS)
def paper_figure_9() -> Drawing:
    """Who wins for the same FLOPs: what the paper says by difficulty and by R, beside two large models of ours.

    Fifths are at the middle R, where all seeds can pay for their models.
    """
    maps = [pooled_map(at) for at in MAPS]
    rows = {  # who wins in the paper; row and column of our map
        "easy": ("small", 0, 1),
        "medium": ("small", 2, 1),
        "hardest": ("large", 4, 1),
        f"few, R = {RATIOS[0]:g}": ("small", 5, 0),
        f"many, R = {RATIOS[2]:g}": ("large", 5, 2),
    }
    ours = [[cells[k][n] for cells in maps] for _, k, n in rows.values()]
    poor = [[bool(unpaid(at)[k][n]) for at in MAPS] for _, k, n in rows.values()]
    heads_ = (THEM, *(f"{at} steps" for at in MAPS))
    told = [[_verdict(cell, not short) for cell, short in zip(*each, strict=True)] for each in zip(ours, poor)]
    figure = _verdicts(heads_, {name: (theirs, *told[i]) for i, (name, (theirs, *_)) in enumerate(rows.items())})
    same = [sum(each[n].verdict == theirs for each, (theirs, *_) in zip(ours, rows.values())) for n in range(2)]
    return Drawing(
        figure,
        f"Of the paper's {COUNTS[len(rows)]} verdicts, {COUNTS[same[0]]} hold{'s' * (same[0] == 1)} against our "
        f"{MAPS[0]} steps and {COUNTS[same[1]]} against {MAPS[1]}",
        f"Small minus large, middle fifth at R = {RATIOS[1]:g}: {ours[1][0].gain:.1 points} against {MAPS[0]} steps; "
        f"hardest fifth: {ours[2][1].gain:.1 points} against {MAPS[1]}.",
        pd.DataFrame(
            {
                "problems": [
                    *(f"{name} fifth, R = {RATIOS[1]:g}" for name in ("easiest", "middle", "hardest")),
                    *(f"all, R = {RATIOS[n]:g}" for n in (0, 2)),
                ],
                "the paper": [f"{theirs} wins" for theirs, *_ in rows.values()],
                **{
                    f"small minus large, {at} steps": [
                        "a seed cannot pay" if short[n] else f"{each[n].gain:.1p}" for each, short in zip(ours, poor)
                    ]
                    for n, at in enumerate(MAPS)
                },
            }
        ),
        ".1p",
    )


def _verdict(cell: Cell, numbered: bool) -> Side:
    """Who wins in a cell, with its points unless a seed cannot pay, and the winner alone."""
    points = f" ({cell.gain.parts('.0p')[0]})" if numbered else ""
    return WON[cell.verdict] + points, WON[cell.verdict]


def _verdicts(columns: Sequence[str], rows: Mapping[str, Sequence[str | Side]]) -> Figure:
    """A map of who wins: what the paper says, then cells of ours with their points, ticked where they agree."""
    left, row = 1.25, 0.44
    figure, axes = canvas(row * len(rows) + 1.2)
    wide = (WIDTH - left) / len(columns)
    for n, column in enumerate(columns):
        words(axes, left + (n + 0.5) * wide, row * len(rows) + 0.97, column, weight="bold")
    for i, (name, cells) in enumerate(rows.items()):
        y = row * (len(rows) - i - 1) + 0.75
        words(axes, left, y + row / 2 - 0.03, name, ha="right")
        for n, cell in enumerate(cells):
            text, winner = (cell, cell) if isinstance(cell, str) else cell
            tick = "✓ " if n and winner == cells[0] else ""
            colour = WINNERS.get(winner, PASSED)
            x = left + n * wide + 0.08
            box(axes, x, y, wide - 0.08, row - 0.07, f"{tick}{text}", colour, fill=0.35, edge=0)
    under = (
        f"Last two rows: all problems, few or many questions; others: R = {RATIOS[1]:g}",
        "✓: as in the paper. Numbers: small minus large, points",
    )
    for y, line in zip((0.42, 0.18), under, strict=True):
        words(axes, 0.1, y, line, ha="left", fontsize=SMALL)
    return figure
