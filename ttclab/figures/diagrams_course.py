"""Diagrams of chapters 7 and 8: a turn of the arena, what moves cost, and how the strategies hang together."""

import pandas as pd

from ..results import arena
from . import style
from .drawing import SEED_0, Drawing, drawn
from .shapes import PASSED, RIGHT, SMALL, WIDTH, arrow, box, canvas, dot, words
from .style import COLOURS, INK


@drawn(SEED_0)
def price_of_a_move(generations: int = 8) -> Drawing:
    """What moves of equally many generations cost in FLOPs, and what keeping the first attempt costs."""
    board = arena.load_arena()
    moves = [(N, T) for N, T in arena.OPTIONS if generations == N * (1 + T)]
    rows = [("keep the attempt", 0, float(board.look.mean()))]
    for N, T in moves:
        cost = float(arena.spent(board, [arena.OPTIONS.index((N, T))] * len(board)).flops.mean())
        rows.append((_move(N, T), generations, cost))
    look = rows[0][2]
    figure, axes = canvas(0.48 * len(rows) + 0.75)
    left, wide, most = 1.85, WIDTH - 2.6, max(cost for *_, cost in rows)
    for k, (name, _, cost) in enumerate(rows):
        y = 0.48 * (len(rows) - k - 1) + 0.5
        words(axes, left - 0.1, y + 0.16, name, ha="right")
        first = wide * min(look, cost) / most
        box(axes, left, y, first, 0.32, "", INK, fill=0.5, edge=0)
        if cost > look:
            box(axes, left + first, y, wide * cost / most - first, 0.32, "", COLOURS["revision"], fill=0.7, edge=0)
        words(axes, left + wide * cost / most + 0.07, y + 0.16, style.amount(cost), ha="left", fontsize=SMALL)
    words(axes, left, 0.2, "■ the look", ha="left", color=INK, weight="bold", alpha=0.6)
    words(axes, left + 1.3, 0.2, "■ the move", ha="left", color=COLOURS["revision"], weight="bold")
    cheap, dear = rows[1], max(rows[1:], key=lambda row: row[2])
    return Drawing(
        figure,
        f"With the look, {generations} generations cost {style.amount(cheap[2])} to {style.amount(dear[2])} FLOPs: "
        "longer chains read more",
        f"A look costs {style.amount(look)} FLOPs per problem; with the look, {cheap[0]} costs "
        f"{style.amount(cheap[2])} and {dear[0]} costs {style.amount(dear[2])}.",
        pd.DataFrame(rows, columns=["move", "generations", "FLOPs per problem"]),
    )


def _move(N: int, T: int) -> str:
    """A move in words, such as "4 chains, T=1"."""
    return f"{N} samples, T=0" if not T else f"{N} chain{'s' if N > 1 else ''}, T={T}"


@drawn
def one_turn_of_the_arena() -> Drawing:
    """One turn: a problem, its first attempt and score, and the choice between keeping and spending."""
    figure, axes = canvas(2.0)
    y = 0.95
    for x, wide, text in ((0.03, 0.95, "problem"), (1.25, 1.0, "first\nattempt"), (2.52, 0.85, "score")):
        box(axes, x, y, wide, 0.55, text, COLOURS["prm"] if text == "score" else INK, fill=0.12)
        if x:
            arrow(axes, (x - 0.26, y + 0.27), (x - 0.02, y + 0.27))
    for to, text, colour in (
        (1.35, "keep it:\npay nothing more", RIGHT),
        (0.5, "drop it, and draw\nnew samples", COLOURS["revision"]),
    ):
        arrow(axes, (3.4, y + 0.27), (3.75, to + 0.28), colour)
        box(axes, 3.78, to, 1.57, 0.56, text, colour, fill=0.15, fontsize=SMALL)
    words(axes, 0.03, 0.28, "What you do not spend\nis there for the next problem", ha="left", fontsize=SMALL)
    return Drawing(
        figure,
        "A turn of the arena: look at the first attempt, then keep it or spend",
        "A problem arrives with a first attempt and its score. Keep the attempt and pay nothing more, or drop it "
        "and draw new samples; the budget is one for all problems.",
    )


# Chapter 8


@drawn
def map_of_strategies() -> Drawing:
    """Where the strategies of the book stand: how solutions are written, and who decides."""
    figure, axes = canvas(3.75)
    left, bottom = 0.95, 0.85
    columns = ("side by side", "step by step", "one after another")
    rows = (("nobody", 0), ("a vote", 1), ("a verifier", 2))
    wide, high = (WIDTH - left) / 3, 0.85
    placed = (
        (0, 0, 1, "one sample", COLOURS["single"]),
        (0, 1, 1, "majority vote", COLOURS["majority"]),
        (0, 2, 1, "best-of-N", COLOURS["prm"]),
        (1, 2, 1, "beam search", COLOURS["beam"]),
        (2, 2, 1, "revision", COLOURS["revision"]),
        (2, 0, 1, "long chains\nof thought", COLOURS["optimal"]),
        (2, 1, 1, "adaptive\nsampling", COLOURS["optimal"]),
    )
    for k, name in enumerate(columns):
        words(axes, left + (k + 0.5) * wide, 0.58, name)
    for name, k in rows:
        words(axes, left - 0.1, bottom + (k + 0.5) * high, name, ha="right")
        axes.plot([left, WIDTH], [bottom + k * high] * 2, color=INK, alpha=0.25, lw=0.8)
    for column, row, across, name, colour in placed:
        x, y = left + column * wide + 0.05, bottom + row * high + 0.1
        box(axes, x, y, across * wide - 0.1, high - 0.2, name, colour, fill=0.15)
    words(axes, 0.05, 3.6, "Who decides?", ha="left", weight="bold")
    words(axes, WIDTH - 0.05, 0.2, "How are solutions written?", ha="right", weight="bold")
    return Drawing(
        figure,
        "Every strategy answers two questions: how are solutions written, and who decides?",
        "Sampling writes side by side, beam search step by step, revision one attempt after another; nobody, a vote or "
        "a verifier decides. In long chains of thought the model itself tries one way after another.",
    )


@drawn
def before_and_after_rl() -> Drawing:
    """A schematic: many samples and a verifier that picks, and one sample of a policy that the verifier trained."""
    figure, axes = canvas(2.6)
    words(axes, 0.05, 2.42, "before: the verifier picks", ha="left", weight="bold")
    box(axes, 0.05, 1.65, 0.8, 0.45, "policy", INK, fill=0.1)
    for k in range(4):
        y = 1.62 + 0.17 * k
        arrow(axes, (0.88, 1.87), (1.55, y), alpha=0.6, lw=0.9, mutation_scale=7)
        dot(axes, 1.66, y, RIGHT if k == 2 else PASSED, ms=7)
    arrow(axes, (1.85, 1.87), (2.25, 1.87))
    box(axes, 2.28, 1.65, 0.9, 0.45, "verifier", COLOURS["prm"])
    arrow(axes, (3.21, 1.87), (3.6, 1.87))
    dot(axes, 3.75, 1.87, RIGHT, ms=10)
    words(axes, 3.95, 1.87, "for every answer", ha="left", fontsize=SMALL)
    words(axes, 0.05, 1.12, "after: the verifier has taught", ha="left", weight="bold")
    box(axes, 0.05, 0.35, 0.8, 0.45, "policy", RIGHT, fill=0.25)
    box(axes, 2.28, 0.35, 0.9, 0.45, "verifier", COLOURS["prm"], fill=0.06, edge=0.8)
    arrow(axes, (2.25, 0.44), (0.88, 0.44), COLOURS["prm"], ls=(0, (3, 2)))
    words(axes, 1.57, 0.27, "reward", fontsize=SMALL, color=COLOURS["prm"])
    arrow(axes, (0.88, 0.68), (3.6, 0.88), connectionstyle="arc3,rad=-0.12")
    dot(axes, 3.75, 0.85, RIGHT, ms=10)
    words(axes, 3.95, 0.85, "one sample", ha="left", fontsize=SMALL)
    words(axes, 2.73, 0.15, "in training only", fontsize=SMALL)
    return Drawing(
        figure,
        "Reinforcement learning moves the verifier from every answer into training",
        "Before: the policy draws many samples and the verifier picks one, for every answer. After: the verifier's "
        "reward has trained the policy, which answers with one sample.",
    )


@drawn("Years in which the papers appeared")
def timeline_of_the_neighbours() -> Drawing:
    """The papers that the chapter names by year, in four lines of work."""
    lanes: dict[str, tuple[str, dict[int, str]]] = {
        "choose": (COLOURS["majority"], {2021: "verifiers\nCobbe", 2022: "vote\nWang", 2024: "coverage\nBrown"}),
        "search": (COLOURS["prm"], {2023: "steps\nLightman"}),
        "allocate": (
            COLOURS["optimal"],
            {2023: "stop early\nAggarwal", 2024: "optimal\nSnell", 2025: "1B/405B\nRunze Liu"},
        ),
        "train": (COLOURS["revision"], {2024: "o1\nOpenAI", 2025: "R1\nDeepSeek"}),
    }
    years = range(2021, 2026)
    left, high = 0.85, 0.62
    wide = (WIDTH - left) / len(years)
    figure, axes = canvas(high * len(lanes) + 0.5)
    for k, year in enumerate(years):
        words(axes, left + (k + 0.5) * wide, 0.18, str(year))
    for row, (lane, (colour, papers)) in enumerate(lanes.items()):
        y = high * (len(lanes) - row - 1) + 0.38
        words(axes, left - 0.08, y + high / 2 - 0.04, lane, ha="right", weight="bold", color=colour)
        axes.plot([left, WIDTH], [y - 0.04] * 2, color=INK, alpha=0.2, lw=0.8)
        for year, name in papers.items():
            x = left + (year - years[0]) * wide
            box(axes, x + 0.02, y + 0.02, wide - 0.04, high - 0.1, name, colour, linespacing=1.05)
    rows = [
        (lane, year, name.replace("\n", ", ")) for lane, (_, papers) in lanes.items() for year, name in papers.items()
    ]
    return Drawing(
        figure,
        "From choosing among samples to a search that is trained into the model",
        f"{len(rows)} papers from {years[0]} to {years[-1]}: verifiers and votes first, then search by steps, rules "
        "for how much to spend, and models trained to think long.",
        pd.DataFrame([(lane, str(year), name) for lane, year, name in rows], columns=["line of work", "year", "paper"]),
    )
