"""Diagrams of chapters 1 and 2: what one budget buys, and why more samples help."""

from collections import Counter
from itertools import combinations
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .. import results
from ..estimators import pass_at_k
from ..results.exchange import bill, matched_samples
from . import style
from .drawing import ONE_PROBLEM, SEED_0, Drawing, drawn
from .shapes import NORMAL, PASSED, RIGHT, SMALL, WIDTH, arrow, box, canvas, dot, panels, words, yes
from .style import COLOURS, INK, PAGE

LEAD = 1.5  # how many times as many votes an answer has as any other, so that it is no accident


@drawn(SEED_0)
def one_pass_or_many() -> Drawing:
    """FLOPs as areas: one greedy pass of the large model, and the samples of the small one that cost as much."""
    many = matched_samples()
    large, parts = results.greedy("large").cost, bill("small", many)
    high = 2.0  # of both areas, so that their widths compare the FLOPs
    figure, axes = canvas(high + 0.95)
    box(axes, 0.2, 0.75, high, high, "1 pass", COLOURS["large"], fill=0.3, edge=0)
    sides = ([0.2, 0.2 + high, 0.2 + high, 0.2, 0.2], [0.75, 0.75, 0.75 + high, 0.75 + high, 0.75])
    axes.plot(*sides, color=COLOURS["large"], lw=1.8, ls=style.DASHED)
    words(axes, 0.2 + high / 2, 0.5, "large model", weight="bold")
    left, wide = 0.2 + high + 0.8, high * sum(parts.values()) / large
    strip = high * parts["reading"] / sum(parts.values())
    axes.fill_between([left, left + wide], 0.75, 0.75 + strip, color=COLOURS["reading"], lw=0)
    rows = round(many**0.5)
    y = 0.75 + strip
    for row in range(rows):  # as many samples in each row as fit; every sample has the same area
        across = many // rows + (row < many % rows)
        tall = (high - strip) * across / many
        for column in range(across):
            x = left + column * wide / across
            axes.fill_between([x, x + wide / across], y, y + tall, fc=COLOURS["writing"], alpha=0.8, ec=PAGE, lw=1.6)
        y += tall
    words(axes, left + wide / 2, 0.5, f"small model: {many} samples", weight="bold")
    words(axes, left + wide / 2, 0.22, "thin bar: reading the problem, once", fontsize=SMALL)
    words(axes, (0.2 + high + left) / 2, 0.75 + high / 2, "≈", fontsize=24)
    data = pd.DataFrame(
        {
            "count": [1, 1, many],
            "FLOPs of each": [large, parts["reading"], parts["writing"] / many],
            "FLOPs": [large, parts["reading"], parts["writing"]],
        },
        index=pd.Index(["large, a greedy pass", "small, reading", "small, writing a sample"], name="what"),
    )
    return Drawing(
        figure,
        f"One pass of the large model costs as much as {many} samples of the small one",
        f"Two areas of almost equal size, in FLOPs: a pass of the large model is {large / 1e6:.0f} million, {many} "
        f"samples of the small model are {sum(parts.values()) / 1e6:.0f} million, the problem read once.",
        data,
    )


@drawn(ONE_PROBLEM)
def answers_to_one_problem() -> Drawing:
    """The answers of the matched samples to one real problem: the first where the vote is wrong and a sample right."""
    many, samples = matched_samples(), results.small_samples()

    def outvoted(i: int) -> bool:
        answers, right = samples.answers[i, :many], samples.correct[i, :many]
        votes = Counter(answer for answer in answers if answer is not None)
        first, second = (*(n for _, n in votes.most_common(2)), 0, 0)[:2]
        return bool(right.sum() >= 2) and first > second and right[answers == votes.most_common(1)[0][0]].sum() == 0

    i = next(i for i in range(len(samples.problems)) if outvoted(i))
    answers, right = samples.answers[i, :many], samples.correct[i, :many]
    chosen = Counter(answer for answer in answers if answer is not None).most_common(1)[0][0]
    order = sorted(range(many), key=lambda j: (answers[j] != chosen, not right[j], str(answers[j])))
    across, each = 7, 0.66
    rows = -(-many // across)
    figure, axes = canvas(rows * 0.52 + 0.95)
    question = samples.problems[i].question
    words(axes, WIDTH / 2, rows * 0.52 + 0.72, _in_two(question), fontsize=SMALL, va="center")
    for place, j in enumerate(order):
        row, column = divmod(place, across)
        x, y = 0.38 + column * each, (rows - row - 1) * 0.52 + 0.42
        colour = RIGHT if right[j] else COLOURS["majority"] if answers[j] == chosen else PASSED
        strong = colour != PASSED
        text = "none" if answers[j] is None else str(int(float(answers[j])))
        box(axes, x, y, each - 0.1, 0.4, text, colour, fill=0.4 if strong else 0.08, edge=1.6 if strong else 0.8)
    found = int(right.sum())
    backed = int((answers == chosen).sum())
    words(axes, 0.38, 0.2, f"■ chosen by the vote: {backed}", color=COLOURS["majority"], ha="left", weight="bold")
    words(axes, 2.73, 0.2, f"■ right: {found}", color=RIGHT, ha="left", weight="bold")
    words(axes, 3.83, 0.2, "■ other answers", color=PASSED, ha="left", weight="bold")
    data = pd.DataFrame(
        [
            (a, int((answers == a).sum()), yes(right[answers == a].all()), yes(a == chosen))
            for a in dict.fromkeys(answers)
        ],
        columns=["answer", "samples", "right", "chosen"],
    )
    return Drawing(
        figure,
        "The right answer is there, and the vote misses it",
        f"{many} answers of the small model to “{question}”: {backed} samples agree on a wrong answer, which the vote "
        f"chooses; {found} samples are right.",
        data,
    )


def _in_two(question: str) -> str:
    """A question on two lines if it is long."""
    if len(question) < 50:
        return question
    cut = question.rfind(", ", 0, len(question) // 2 + 8) + 1
    return f"{question[:cut]}\n{question[cut + 1 :]}"


@drawn
def shapes_of_a_budget(budget: int = 8) -> Drawing:
    """One budget spent in parallel, in one chain, and as a hybrid."""
    shapes = [(budget, 1), (budget // 2, 2), (1, budget)]
    figure, axes = canvas(3.1)
    names = ("sampling", "hybrid", "revision")
    texts = (
        f"{budget} samples",
        f"{budget // 2} chains of\n2 generations",
        f"1 chain of\n{budget} generations",
    )
    fresh, revised = COLOURS["writing"], COLOURS["revision"]
    step = 0.235
    for k, ((chains, attempts), name, text) in enumerate(zip(shapes, names, texts, strict=True)):
        middle = WIDTH * (k + 0.5) / 3
        across = 0.21 if chains == budget else 0.32
        for chain in range(chains):
            x = middle + (chain - (chains - 1) / 2) * across
            for attempt in range(attempts):
                y = 2.85 - attempt * step
                dot(axes, x, y, revised if attempt else fresh, ms=9)
                if attempt:
                    arrow(axes, (x, y + step - 0.07), (x, y + 0.06), revised, lw=1, mutation_scale=6)
        words(axes, middle, 0.9, name, weight="bold")
        words(axes, middle, 0.75, text, fontsize=SMALL, va="top")
    for x, colour, text in ((1.0, fresh, "a fresh sample"), (3.0, revised, "a revision")):
        dot(axes, x, 0.15, colour, ms=9)
        words(axes, x + 0.15, 0.15, text, ha="left", fontsize=SMALL)
    return Drawing(
        figure,
        f"Three ways to spend {budget} generations",
        f"{budget} dots, one for each generation: side by side in sampling, one after the other in a chain of "
        f"revisions, {shapes[1][0]} chains of {shapes[1][1]} in a hybrid.",
    )


@drawn("Two problems, seed 0")
def votes_as_histograms(n: int = 64) -> Drawing:
    """What n samples answer to two real problems.

    Of the problems that a vote solves, the one with the fewest right samples; of those that it does not, the one with
    the most. In both, the most common answer of the n samples has `LEAD` times as many votes as any other also among
    all recorded samples.
    """
    samples = results.small_samples()
    right = samples.correct[:, :n]
    shares = right.mean(axis=1)
    votes, recorded = (
        [Counter(a for a in row[:many] if a is not None).most_common(2) for row in samples.answers]
        for many in (n, samples.answers.shape[1])
    )
    clear = np.array([_leads(few, all_) for few, all_ in zip(votes, recorded, strict=True)])
    won = np.array([right[i][samples.answers[i, :n] == votes[i][0][0]].all() for i in range(len(votes))])
    shown = {
        True: int(np.where(clear & won, shares, 2).argmin()),
        False: int(np.where(clear & ~won, shares, -1).argmax()),
    }
    figure, axes = panels((1, 1), 3.0)
    rows = []
    for ax, wins, head in zip(axes, (True, False), ("the vote is right", "the vote is wrong"), strict=True):
        i = shown[wins]
        answers = samples.answers[i, :n]
        counts = Counter(a for a in answers if a is not None).most_common()
        whole = Counter(samples.answers[i])
        good = {a for a, ok in zip(answers, right[i], strict=True) if ok}
        for place, (answer, count) in enumerate(counts):
            chosen = place == 0
            ax.bar(place, count, 0.8, color=RIGHT if answer in good else PASSED, alpha=0.9 if answer in good else 0.5)
            if chosen:
                ax.annotate(
                    f"chosen: {answer}, {count} votes",
                    (place - 0.4, count),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="left",
                )
            rows.append((samples.problems[i].question, answer, count, whole[answer], yes(answer in good), yes(chosen)))
        ax.set_xticks([])
        ax.set_xlabel(f"{len(counts)} different answers", fontsize=SMALL)
        question = "\n".join(wrap(samples.problems[i].question, 30))
        ax.set_title(f"{question}\n→ {head}", fontsize=SMALL, weight="normal", loc="left")
        ax.grid(axis="x", visible=False)
    most = max(count for _, _, count, *_ in rows)
    for ax in axes:  # one scale for both
        ax.set_ylim(0, most * 1.12)
    axes[0].set_ylabel(f"samples, of {n}", fontsize=SMALL)
    style.key(figure, {"right answer": (RIGHT, 0.9), "wrong answers": (PASSED, 0.5)})
    everything = f"of all {samples.answers.shape[1]}"
    data = pd.DataFrame(rows, columns=["problem", "answer", f"of {n} samples", everything, "right", "chosen"])
    rates = [shares[shown[wins]] for wins in (True, False)]
    return Drawing(
        figure,
        "For a vote, the right answer must be the most common one; being common is not enough",
        f"Two real problems, {n} samples each. Left {rates[0]:.0%} of the samples are right, and no wrong answer has "
        f"as many votes; right {rates[1]:.0%} are, and one wrong answer has more.",
        data,
    )


def _leads(votes: list[tuple[str, int]], recorded: list[tuple[str, int]]) -> bool:
    """Whether the winner of a vote wins it with all recorded samples, too, and then by far."""
    if len(votes) < 2 or votes[0][1] == votes[1][1]:
        return False
    return votes[0][0] == recorded[0][0] and recorded[0][1] >= LEAD * recorded[1][1]


@drawn(SEED_0)
def chord_below_the_curve(n: int = 4) -> Drawing:
    """Coverage of n samples against the pass rate, and the chord between the easiest fifth and the hardest."""
    rates = [float(results.coverage(1).fifth(k).correct.mean()) for k in (0, 4)]
    covered = [1 - (1 - p) ** n for p in rates]
    middle, below = float(np.mean(rates)), float(np.mean(covered))
    above = 1 - (1 - middle) ** n
    figure, (axes,) = panels((1,), 3.0)
    p = np.linspace(0, 1, 200)
    axes.plot(p, 1 - (1 - p) ** n, color=COLOURS["oracle"])
    axes.plot(rates, covered, color=INK, lw=1.2, ls=(0, (4, 3)))
    axes.plot(rates, covered, "o", color=COLOURS["oracle"], ms=8)
    axes.plot([middle, middle], [below, above], color=INK, lw=2.5)
    axes.plot([middle], [above], "o", color=INK, ms=7, mfc="none", mew=1.8)
    axes.plot([middle], [below], "o", color=INK, ms=8)
    notes = (
        ("an easy problem", rates[0], covered[0], (-2, 7), "right"),
        ("a hard problem", rates[1], covered[1], (9, -5), "left"),
        ("one average\nproblem", middle, above, (9, -24), "left"),
        ("average of both", middle, below, (9, -6), "left"),
    )
    for text, x, y, offset, side in notes:
        axes.annotate(text, (x, y), xytext=offset, textcoords="offset points", ha=side, color=INK, fontsize=NORMAL)
    style.shares(axes, label=f"at least one of {n} is right")
    axes.set(xlabel="a single sample is right", xlim=(0, 1.02), ylim=(0, 1.12), yticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(axes.yaxis.get_major_formatter())
    data = pd.DataFrame(
        {"a single sample is right": [*rates, middle, middle], f"at least one of {n} is": [*covered, below, above]},
        index=pd.Index(["an easy problem", "a hard problem", "average of both", "one average problem"], name="of"),
    )
    return Drawing(
        figure,
        f"One average problem would reach {above:.0%}; an easy and a hard one together reach only {below:.0%}",
        f"Coverage of {n} samples bends down as the pass rate grows. Two problems, with the pass rates of the easiest "
        f"and the hardest fifth, average {below:.0%}; one problem with their average rate would reach {above:.0%}.",
        data,
    )


@drawn(ONE_PROBLEM)
def marbles(k: int = 4, shown: int = 16) -> Drawing:
    """pass@k as marbles: some of all groups of k numbered samples of one problem, and the share with a right one."""
    samples = results.small_samples()
    counts = samples.correct[:, :shown].sum(axis=1)
    i = int(np.abs(counts - 3).argmin())
    right = samples.correct[i, :shown]
    groups = list(combinations(range(shown), k))
    hits = [any(right[j] for j in group) for group in groups]
    listed = sorted({0, 1, hits.index(False), len(groups) - 1})  # one sample is in several groups
    figure, axes = canvas(3.1)
    for j in range(shown):
        row, column = divmod(j, 4)
        _marble(axes, 0.35 + column * 0.4, 2.8 - row * 0.4, j, bool(right[j]))
    words(axes, 0.95, 0.35, f"{shown} samples,\n{counts[i]} of them right")
    y, before = 2.8, -1
    for place in listed:
        if place > before + 1:
            words(axes, 3.25, y, "⋮", weight="bold")
            y -= 0.3
        for column, j in enumerate(groups[place]):
            _marble(axes, 2.65 + column * 0.4, y, j, bool(right[j]))
        words(axes, 4.2, y, "a right one" if hits[place] else "none right", ha="left")
        y, before = y - 0.4, place
    chance = float(pass_at_k(shown, counts[i], k))
    words(axes, 3.6, 0.35, f"{len(groups):,} groups of {k};\n{chance:.0%} have a right one", weight="bold")
    data = pd.DataFrame(
        {"samples": [shown], "right": [counts[i]], f"groups of {k}": [len(groups)], "with a right one": [chance]}
    )
    return Drawing(
        figure,
        f"pass@{k} is the share of all groups of {k} samples that have a right one",
        f"{counts[i]} of {shown} recorded samples of one problem are right; {sum(hits):,} of all {len(groups):,} "
        f"groups of {k} have a right one.",
        data,
    )


def _marble(axes: Axes, x: float, y: float, number: int, right: bool) -> None:
    """A sample as a numbered dot."""
    dot(axes, x, y, RIGHT if right else PASSED, ms=19, alpha=0.75 if right else 0.25)
    words(axes, x, y, str(number + 1), fontsize=SMALL)
