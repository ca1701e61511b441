"""Figures 1, 4, 5, 6 and 8 of Snell et al. 2024 (arXiv 2408.03314), each beside ours.

What stands on the paper's side is what its text states: budgets that reach the same accuracy, shares, and which way of
spending is ahead where. No value is read off a plot, so an axis of accuracy has no numbers there.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .. import results
from ..allocator import Arm
from ..results.revision import turned_wrong
from . import style
from .drawing import SEED_0, Drawing, drawn
from .shapes import NORMAL, RIGHT, SMALL, WIDTH, WRONG, arrow, box, canvas, panels, words
from .style import COLOURS, INK

SAME_SEARCH = (16, 64)  # generations of compute-optimal search and of best-of-N for the same accuracy (figure 4)
SAME_REVISION = (64, 256)  # the same of compute-optimal revision and of parallel sampling (figure 8)
TURNED_WRONG = 0.38  # of right answers, by a revision (section 6.1)
TRAINED_ON = 4  # attempts in view when the small model was trained (section 6.1)
THEM, US = "Snell et al.", "here"


def heads(axes: Axes, height: float, left: float, theirs: float = 0.5) -> None:
    """Names of the two sides above a pair of maps. theirs: the paper's share of the width."""
    middle = left + theirs * (WIDTH - left)
    words(axes, (left + middle) / 2, height, THEM, weight="bold")
    words(axes, (middle + WIDTH) / 2, height, US, weight="bold")


def cheapest(arms: Sequence[Arm], reference: Arm) -> Arm:
    """The cheapest arm whose accuracy is not clearly behind a reference, or the last if there is none."""
    level = [arm for arm in arms if arm.minus(reference).sign >= 0]
    return min(level or arms[-1:], key=lambda arm: arm.cost)


def _pair(space: str) -> tuple[Arm, Arm]:
    """The cheapest samples and the cheapest budget of the fitted policy that are not clearly behind 64 samples."""
    samples = list(_samples().values())
    policy = [results.allocated(space, "oracle", n) for n in results.FITTED_BUDGETS]
    return cheapest(samples, samples[-1]), cheapest(policy, samples[-1])


def _samples() -> dict[int, Arm]:
    """Weighted votes of N samples, by N, up to 64."""
    return {n: results.weighted(n) for n in results.FITTED_BUDGETS}


@drawn(SEED_0)
def paper_figure_1() -> Drawing:
    """What compute-optimal spending saves for the same accuracy, in search and in revision."""
    figure, axes = canvas(2.6)
    left, wide, rows = 2.3, WIDTH - 3.0, []
    for k, (name, (few, many)) in enumerate({"search": SAME_SEARCH, "steps": SAME_REVISION}.items()):
        samples, policy = _pair(name)
        named = "chain" if name == "steps" else name
        shares = (few / many, policy.cost / samples.cost)
        y = 1.72 - 1.12 * k
        words(axes, 0.05, y + 0.21, f"{named} policy", ha="left", weight="bold")
        for side, (who, share, vote) in enumerate(zip((THEM, US), shares, (many, samples.allocation.N), strict=True)):
            at = y + 0.42 * (1 - side)
            words(axes, left - 0.1, at + 0.16, who, ha="right", fontsize=SMALL)
            box(axes, left, at, wide, 0.32, "", COLOURS["prm"], fill=0.12, edge=0)
            box(axes, left, at, min(share, 1.0) * wide, 0.32, "", INK, fill=0.75, edge=0)
            words(axes, left + min(share, 1.0) * wide + 0.06, at + 0.16, f"{share:.0%}", ha="left", weight="bold")
            words(
                axes, left + wide - 0.08, at + 0.16, f"vote of {vote}", ha="right", color=COLOURS["prm"], fontsize=SMALL
            )
        rows.append((named, f"{few} of {many}", f"{shares[0]:.0%}", policy.cost, samples.cost, f"{shares[1]:.0%}"))
    words(axes, left, 0.25, "0", fontsize=SMALL)
    words(axes, left + wide, 0.25, "price of the vote", ha="right", fontsize=SMALL)
    columns = ["policy", "paper, generations", "paper, share", "ours, FLOPs", "vote of 64, FLOPs", "ours, share"]
    return Drawing(
        figure,
        f"Compute-optimal policies match a vote at {rows[0][2]} of its price in the paper, here at {rows[0][5]} and "
        f"{rows[1][5]}",
        f"To be not clearly behind a weighted vote of 64, the search policy needs {rows[0][5]} of its FLOPs and the "
        f"chain policy {rows[1][5]}; in the paper {rows[0][2]} of the generations both times.",
        pd.DataFrame(rows, columns=columns),
    )


def _saving(paper: tuple[int, int], space: str) -> tuple[Figure, pd.DataFrame, Arm, Arm]:
    """Our curves against FLOPs, and an arrow from best-of-N to the fitted policy that matches it.

    `paper` holds the generations of the paper's policy and of its best-of-N; their ratio is marked, too. Returned are
    the figure, its numbers, and the two arms that the arrow joins.
    """
    few, many = paper
    figure, axes = style.new_axes(height=2.9)
    curves: dict[str, tuple[str, Any, list[Arm]]] = {"weighted vote": (COLOURS["prm"], "-", list(_samples().values()))}
    for estimate, name, dashes in (("oracle", "known", "-"), ("predicted", "predicted", style.DASHED)):
        points = [results.allocated(space, estimate, n) for n in results.FITTED_BUDGETS[1:]]
        curves[f"policy, difficulty {name}"] = (INK, dashes, points)
    rows, handles, heights = [], [], []
    for name, (colour, dashes, points) in curves.items():
        means = [float(a.correct.mean()) for a in points]
        axes.plot([a.cost for a in points], means, color=colour, ls=dashes, marker="o", ms=3)
        handles.append(Line2D([], [], label=name, color=colour, ls=dashes))
        heights += means
        budget = str if name == "weighted vote" else lambda allocation: str(allocation.N)
        rows += [(name, budget(a.allocation), a.cost, a.solved) for a in points]
    samples, policy = _pair(space)
    start, end = ((arm.cost, float(arm.correct.mean())) for arm in (samples, policy))
    axes.plot(*start, "o", color=COLOURS["prm"], ms=8)
    axes.plot(*end, "o", color=INK, ms=8)
    axes.plot(start[0] * few / many, start[1], "D", color=INK, mfc="none", ms=7)
    handles.append(
        Line2D(
            [],
            [],
            label=f"1/{many / few:g}, as in the paper",
            color=INK,
            marker="D",
            mfc="none",
            ls="",
        )
    )
    for at, arm, aside in ((start, samples, (7, -13)), (end, policy, (-7, 9))):
        axes.annotate(
            f"N = {arm.allocation.N}", at, xytext=aside, textcoords="offset points", ha="right", va="center",
            fontsize=SMALL,
        )  # fmt: skip
    over = max(start[1], end[1]) + 0.022
    axes.annotate("", (end[0], over), (start[0], over), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2})
    axes.text(float(np.sqrt(start[0] * end[0])), over + 0.008, _saves(samples, policy).removeprefix("for "),
              ha="center", va="bottom", fontsize=SMALL)  # fmt: skip
    style.shares(axes, min(heights) - 0.02, min(1.0, max(heights) + 0.06))
    style.flops(axes, "FLOPs per problem")
    axes.legend(handles=handles, loc="lower right", frameon=False, fontsize=SMALL, labelcolor=INK)
    columns = ["strategy", "budget", "FLOPs per problem", "solved"]
    return figure, pd.DataFrame(rows, columns=columns), samples, policy


def _saves(samples: Arm, policy: Arm) -> str:
    """How many times fewer FLOPs a policy needs than samples, in words."""
    times = samples.cost / policy.cost
    return f"for {times:.1f} times fewer FLOPs" if times >= 1.05 else "for no fewer FLOPs"


@drawn(SEED_0)
def paper_figure_4() -> Drawing:
    """Compute-optimal search against a weighted vote."""
    figure, data, samples, policy = _saving(SAME_SEARCH, "search")
    vote = f"weighted vote of {samples.allocation.N}"
    return Drawing(
        figure,
        f"Compute-optimal search matches a {vote} {_saves(samples, policy)}; the paper says about 4 times fewer",
        f"A {vote} solves {samples.solved:.0%} for {style.amount(samples.cost)} FLOPs per problem, the fitted "
        f"policy {policy.solved:.0%} for {style.amount(policy.cost)}. "
        "Solid: difficulty known; dashed: predicted, and charged.",
        data,
    )


@drawn(SEED_0)
def paper_figure_8() -> Drawing:
    """Compute-optimal revision, here step by step, against a weighted vote."""
    figure, data, samples, policy = _saving(SAME_REVISION, "steps")
    vote = f"weighted vote of {samples.allocation.N}"
    return Drawing(
        figure,
        f"Compute-optimal revision matches a {vote} {_saves(samples, policy)}; the paper says about 4 times fewer",
        f"A {vote} solves {samples.solved:.1%} for {style.amount(samples.cost)} FLOPs per problem, the fitted policy "
        f"of step-level revision {policy.solved:.1%} for {style.amount(policy.cost)}. "
        "Solid: difficulty known; dashed: predicted, and charged.",
        data,
        ".1%",
    )


@drawn(SEED_0)
def paper_figure_5() -> Drawing:
    """Parallel samples and a chain of rewrites: the first four real ones of a problem.

    Of the first test problem whose recorded samples and chain both hold right and wrong answers.
    """
    run = results.chains()
    chain = run.first(1, 3)[0]
    alone = [int(j) for j in run.at(0) if run.lengths[run.chain_index[0, j]] == 1][:4]
    mixed = [(len(set(run.correct[i, chain])) + len(set(run.correct[i, alone])), -i) for i in range(len(run.problems))]
    i = -max(mixed)[1]
    figure, axes = canvas(2.5)
    start, each = 1.25, 1.05
    rows = []
    for name, columns, y in (("samples", alone, 1.35), ("chain", list(chain), 0.4)):
        words(axes, start - 0.15, y + 0.31, name, ha="right", weight="bold")
        for k, j in enumerate(columns):
            x = start + k * each
            good, answer = bool(run.correct[i, j]), run.answers[i, j]
            text = "none" if answer is None else str(answer)
            box(axes, x, y + 0.1, each - 0.35, 0.42, text, RIGHT if good else WRONG, fill=0.3)
            if name == "chain" and k:
                arrow(axes, (x - 0.33, y + 0.31), (x - 0.02, y + 0.31))
            if name == "samples":
                middle = start + 1.5 * each
                arrow(axes, (middle + 0.35, y + 0.86), (x + 0.35, y + 0.55), lw=1, mutation_scale=7, alpha=0.7)
            rows.append((name, k + 1, text, "yes" if good else "no"))
    words(axes, start + 1.5 * each + 0.35, 2.36, "the problem", weight="bold")
    words(axes, start, 0.16, "■ right answer", ha="left", color=RIGHT, weight="bold", fontsize=SMALL)
    words(axes, start + 1.6, 0.16, "■ wrong answer", ha="left", color=WRONG, weight="bold", fontsize=SMALL)
    right = {name: sum(row[3] == "yes" for row in rows if row[0] == name) for name in ("samples", "chain")}
    return Drawing(
        figure,
        "Samples know only the problem; a rewrite also reads the attempts before it",
        f"Four recorded samples and a chain of four attempts at one problem: {right['samples']} and {right['chain']} "
        "of them are right.",
        pd.DataFrame(rows, columns=["way", "attempt", "answer", "right"]),
    )


@drawn(SEED_0)
def paper_figure_6() -> Drawing:
    """Accuracy along a chain of revisions."""
    blocks = [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64)]
    along = [results.attempt(a, b).solved for a, b in blocks]
    late = results.attempt_gain(33, 64)
    past = results.attempt(33, 64).minus(results.attempt(2))
    figure, (theirs, ours) = panels((1, 1.3), 2.8)
    places = [float(np.sqrt(a * b)) for a, b in blocks]
    longest = TRAINED_ON + 1  # the attempts in view and the one that is written
    for axes, name in ((theirs, THEM), (ours, US)):
        style.budgets(axes, (1, 4, 16, 64), "attempt")
        axes.text(5.6, 0.86, "longer than\nin training", transform=axes.get_xaxis_transform(), fontsize=8.5)
        axes.set_title(name, weight="bold", fontsize=NORMAL)
        axes.set_xlim(0.8, 80)
        axes.axvline(longest, color=INK, lw=0.9, ls=style.DASHED)
    broad = {"arrowstyle": "simple,head_width=1.6,head_length=1.4,tail_width=0.8", "color": COLOURS["revision"]}
    theirs.annotate("", (60, 0.72), (1.1, 0.3), arrowprops={**broad, "alpha": 0.45, "lw": 0})
    theirs.annotate("rises", (1.3, 0.62), weight="bold", color=COLOURS["revision"])
    theirs.set(ylim=(0, 1), yticks=[], ylabel="accuracy, not given")
    errors = np.abs(np.array([[e.mean - e.low, e.high - e.mean] for e in along], dtype=float)).T
    ours.errorbar(places, [float(e.mean) for e in along], errors, color=COLOURS["revision"], marker="o", ms=4, lw=1.5)
    low = min(float(e.low) for e in along)
    style.shares(ours, max(0.0, low - 0.03), min(1.0, max(float(e.high) for e in along) + 0.03))
    ours.yaxis.set_major_locator(MaxNLocator(6))
    lost = turned_wrong()
    words_ = {1: "goes on rising", 0: "rises once and stays" if late.sign > 0 else "stays level", -1: "falls"}[
        past.sign
    ]
    return Drawing(
        figure,
        f"In the paper, accuracy goes on rising in chains longer than in training; ours {words_}",
        f"Attempts 33 to 64 minus the first of their chains: {late:.1 points}; minus the second attempts: "
        f"{past:.1 points}. The paper's revisions turn {TURNED_WRONG:.0%} of right answers wrong, ours "
        f"{float(lost.mean):.0%}.",
        pd.DataFrame({"attempts": [str(a) if a == b else f"{a} to {b}" for a, b in blocks], "right": along}),
        ".1%",
    )
