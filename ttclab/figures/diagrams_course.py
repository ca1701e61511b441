"""Diagrams of chapters 7 and 8: a turn of the arena, what moves cost, and how the strategies hang together."""

from itertools import pairwise, product

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
    figure, axes = canvas(2.35)
    y = 0.7
    places = ((0.03, 0.95, "problem"), (1.25, 0.9, "first\nattempt"), (2.42, 0.7, "score"))
    for x, wide, text in places:
        box(axes, x, y, wide, 0.55, text, COLOURS["prm"] if text == "score" else INK, fill=0.12)
    for (x, wide, _), (to, *_) in pairwise(places):
        arrow(axes, (x + wide + 0.02, y + 0.27), (to - 0.02, y + 0.27))
    for to, text, colour, seems, above in (
        (1.1, "keep it:\npay nothing more", RIGHT, "looks\nright", 1.4),
        (0.25, "drop it, and draw\nnew samples", COLOURS["revision"], "looks\nwrong", 0.46),
    ):
        arrow(axes, (3.14, y + 0.27), (3.8, to + 0.28), colour)
        words(axes, 3.29, above, seems, fontsize=SMALL, color=colour)
        box(axes, 3.83, to, 1.54, 0.56, text, colour, fill=0.15, fontsize=SMALL)
    axes.plot([4.56, 4.56, 0.5], [1.69, 1.95, 1.95], color=RIGHT, lw=1.2)
    arrow(axes, (0.5, 1.95), (0.5, y + 0.57), RIGHT)
    words(axes, 2.53, 2.12, "the budget saved is there for the next problem", fontsize=SMALL)
    axes.plot([4.56, 4.56, 0.5], [0.23, 0.06, 0.06], color=COLOURS["revision"], lw=1.2)
    arrow(axes, (0.5, 0.06), (0.5, y - 0.02), COLOURS["revision"])
    words(axes, 2.0, 0.2, "next problem", fontsize=SMALL)
    return Drawing(
        figure,
        "A turn of the arena: look at the first attempt, then keep it or spend",
        "A problem arrives with a first attempt and its score. If the attempt looks right, keep it and pay nothing "
        "more; if it looks wrong, drop it and draw new samples. The budget is one for all problems.",
    )


# Chapter 8


@drawn
def map_of_strategies() -> Drawing:
    """Where strategies stand: how solutions are written, and who decides. The colour says who measured them."""
    figure, axes = canvas(4.3)
    left, bottom = 1.0, 0.85
    columns = ("independently", "step by step", "one after another")
    rows = (("the model", 0), ("a verifier", 1), ("a vote", 2))  # from below; from above as the chapter's list
    wide, high = (WIDTH - left) / 3, 0.9
    here, elsewhere = COLOURS["prm"], COLOURS["revision"]
    placed = {
        (0, 2): ("majority vote,\nadaptive votes", "chapters 2, 5, 7", here),
        (0, 1): ("best-of-N", "chapter 3", here),
        (1, 1): ("beam search", "chapter 3", here),
        (2, 1): ("revision", "chapter 4", here),
        (0, 0): ("one sample,\nalso after RL", "chapters 1, 8", here),
        (2, 0): ("long chains\nof thought", "o1, R1", elsewhere),
    }
    for k, name in enumerate(columns):
        words(axes, left + (k + 0.5) * wide, 0.58, name)
    for name, k in rows:
        words(axes, left - 0.1, bottom + (k + 0.5) * high, name, ha="right")
        axes.plot([left, WIDTH], [bottom + k * high] * 2, color=INK, alpha=0.25, lw=0.8)
    for column, row in product(range(len(columns)), range(len(rows))):
        x, y = left + column * wide + 0.05, bottom + row * high + 0.06
        middle = x + wide / 2 - 0.05
        if (column, row) not in placed:
            words(axes, middle, y + high / 2 - 0.06, "–")
            continue
        name, source, colour = placed[column, row]
        box(axes, x, y, wide - 0.1, high - 0.12, "", colour, fill=0.15)
        words(axes, middle, y + 0.5, name)
        words(axes, middle, y + 0.14, source, fontsize=SMALL)
    words(axes, left + 0.05, 4.14, "■ in this course", ha="left", color=here, weight="bold")
    words(axes, left + 1.75, 4.14, "■ only in other work", ha="left", color=elsewhere, weight="bold")
    words(axes, 0.05, 3.76, "Who decides?", ha="left", weight="bold")
    words(axes, WIDTH, 3.76, "–: not on these pages", ha="right", fontsize=SMALL)
    words(axes, left + 1.5 * wide, 0.25, "How are solutions written?", weight="bold")
    return Drawing(
        figure,
        "A vote, a verifier or the model itself decides which solution counts",
        "Sampling writes solutions independently, beam search step by step, revision one attempt after another. In "
        "this course a vote or a verifier chooses among several solutions; of one sample, also after RL, the model "
        "has decided. In the long chains of thought of other work, the model itself tries one way after another.",
    )


@drawn
def before_and_after_rl() -> Drawing:
    """A schematic: a verifier that picks for every answer, or a checker whose reward trains the model once."""
    figure, axes = canvas(3.55)
    model, wide, high = 0.05, 0.85, 0.45

    def sampled(y: float, right: tuple[int, ...]) -> None:
        for k in range(4):
            to = y + 0.17 * (k - 1.5)
            arrow(axes, (0.95, y), (1.5, to), alpha=0.6, lw=0.9, mutation_scale=7)
            dot(axes, 1.61, to, RIGHT if k in right else PASSED, ms=7)

    words(axes, 0.05, 3.37, "search: for every answer", ha="left", weight="bold")
    box(axes, model, 2.6, wide, high, "model", INK, fill=0.1)
    sampled(2.82, (2,))
    arrow(axes, (1.8, 2.82), (2.2, 2.82))
    box(axes, 2.23, 2.6, 0.95, high, "verifier", COLOURS["prm"])
    arrow(axes, (3.21, 2.82), (3.6, 2.82))
    dot(axes, 3.75, 2.82, RIGHT)
    words(axes, 3.93, 2.82, "the one it picks", ha="left", fontsize=SMALL)

    words(axes, 0.05, 2.18, "RL: once, in training", ha="left", weight="bold")
    box(axes, model, 1.4, wide, high, "model", INK, fill=0.1)
    sampled(1.62, (0, 2))
    arrow(axes, (1.8, 1.62), (2.2, 1.62))
    box(axes, 2.23, 1.4, 0.95, high, "checker", COLOURS["prm"])
    arrow(
        axes, (2.7, 1.38), (0.48, 1.38), COLOURS["prm"], ls=(0, (3, 2)), connectionstyle="arc3,rad=-0.16",
    )  # fmt: skip
    words(axes, 3.3, 1.62, "rewards the right ones,\nand the reward changes\nthe model", ha="left", fontsize=SMALL)
    words(axes, 2.3, 1.1, "reward", ha="left", fontsize=SMALL, color=COLOURS["prm"])

    words(axes, 0.05, 0.72, "after RL: for every answer", ha="left", weight="bold")
    box(axes, model, 0.1, wide, high, "model", RIGHT, fill=0.25)
    arrow(axes, (0.95, 0.32), (1.45, 0.32))
    dot(axes, 1.61, 0.32, INK)
    words(axes, 1.79, 0.32, "one sample, and nothing to pick from", ha="left", fontsize=SMALL)
    return Drawing(
        figure,
        "Search checks samples for every answer; RL checks them once, in training",
        "Search: the model draws many samples and the verifier picks one, for every answer. RL: in training, a checker "
        "reads many samples and its reward changes the model, which then answers with one sample.",
    )
