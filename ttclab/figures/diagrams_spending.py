"""Diagrams of chapters 1 and 2: what one budget buys, and why more samples help."""

from collections import Counter

import numpy as np
import pandas as pd

from .. import results
from ..estimators import pass_at_k
from ..results.exchange import matched_samples
from . import style
from .drawing import Drawing, drawn
from .shapes import NORMAL, PASSED, RIGHT, SMALL, WIDTH, arrow, box, bracket, canvas, dot, panels, words, yes
from .style import COLOURS, INK

PARTS = [(who, what) for who in ("large", "small") for what in ("training", "answers")] + [("small", "each answer")]
RATIOS = (0.16, 0.79, 22)  # of the paper, arXiv edition


@drawn
def one_pass_or_many() -> Drawing:
    """FLOPs as areas: one greedy pass of the large model, and the samples of the small one that cost as much."""
    many = matched_samples()
    large, small = results.greedy("large").cost, results.coverage(1).cost
    writing = results.coverage(2).cost - small
    reading = small - writing
    side = 2.0  # inches of the large model's square
    figure, axes = canvas(side + 0.75)
    box(axes, 0.1, 0.5, side, side, "1 pass", COLOURS["large"], fill=0.45)
    words(axes, 0.1 + side / 2, 0.22, "large")
    each, left = side * np.sqrt(writing / large), side + 0.75
    across = int(np.ceil(np.sqrt(many)))
    gap = 0.05
    wide = across * (each + gap) - gap
    box(axes, left, 0.5, wide, side**2 * reading / large / wide, "", INK, fill=0.5, edge=0)
    start = 0.5 + side**2 * reading / large / wide + gap
    for i in range(many):
        row, column = divmod(i, across)
        box(axes, left + column * (each + gap), start + row * (each + gap), each, each, "", COLOURS["prm"], fill=0.45)
    words(axes, left + wide / 2, 0.22, f"small: 1 reading, {many} samples")
    words(axes, left - 0.37, 0.5 + side / 2, "=", fontsize=24)
    data = pd.DataFrame(
        {
            "count": [1, 1, many],
            "FLOPs of each": [large, reading, writing],
            "FLOPs": [large, reading, many * writing],
        },
        index=pd.Index(["large, a greedy pass", "small, reading", "small, writing a sample"], name="what"),
    )
    return Drawing(
        figure,
        f"One pass of the large model costs as much as {many} samples of the small one",
        f"Two areas of equal size, in FLOPs: a pass of the large model is {large / 1e6:.0f} million, {many} samples "
        f"of the small model are {(reading + many * writing) / 1e6:.0f} million, the problem read once.",
        data,
    )


@drawn
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
    elected = Counter(answer for answer in answers if answer is not None).most_common(1)[0][0]
    order = sorted(range(many), key=lambda j: (answers[j] != elected, not right[j], str(answers[j])))
    across, each = 7, 0.66
    rows = -(-many // across)
    figure, axes = canvas(rows * 0.52 + 0.95)
    question = samples.problems[i].question
    words(axes, WIDTH / 2, rows * 0.52 + 0.72, _in_two(question), fontsize=SMALL, va="center")
    for place, j in enumerate(order):
        row, column = divmod(place, across)
        x, y = 0.38 + column * each, (rows - row - 1) * 0.52 + 0.42
        colour = RIGHT if right[j] else COLOURS["majority"] if answers[j] == elected else PASSED
        strong = colour != PASSED
        text = "none" if answers[j] is None else str(int(float(answers[j])))
        box(axes, x, y, each - 0.1, 0.4, text, colour, fill=0.4 if strong else 0.08, edge=1.6 if strong else 0.8)
    words(axes, 0.38, 0.2, "■ the vote elects", color=COLOURS["majority"], ha="left", weight="bold")
    words(axes, 2.6, 0.2, "■ right", color=RIGHT, ha="left", weight="bold")
    found = int(right.sum())
    backed = int((answers == elected).sum())
    data = pd.DataFrame(
        [
            (a, int((answers == a).sum()), yes(right[answers == a].all()), yes(a == elected))
            for a in dict.fromkeys(answers)
        ],
        columns=["answer", "samples", "right", "elected"],
    )
    return Drawing(
        figure,
        "The right answer is there, and the vote misses it",
        f"{many} answers of the small model to “{question}”: {backed} samples agree on a wrong answer, which the vote "
        f"elects; {found} samples are right.",
        data,
    )


def _in_two(question: str) -> str:
    """A question on two lines if it is long."""
    if len(question) < 50:
        return question
    cut = question.rfind(", ", 0, len(question) // 2 + 8) + 1
    return f"{question[:cut]}\n{question[cut + 1 :]}"


@drawn
def training_or_thinking() -> Drawing:
    """The FLOPs of two lives of equal cost, short and long: training, and what is left for each answer."""
    rows = []
    for R in RATIOS:
        queries = results.queries_at(R)
        large = (results.training_flops("large"), queries * results.greedy("large").cost)
        trained = results.training_flops("small")
        rows.append((R, *large, trained, sum(large) - trained, (sum(large) - trained) / queries))
    columns = ["R", *(f"{who}, FLOPs of {what}" for who, what in PARTS)]
    data = pd.DataFrame(rows, columns=columns).set_index("R")
    figure, axes = canvas(1.2 * len(rows) + 0.5)
    left, wide = 0.6, WIDTH - 0.65
    each = data["small, FLOPs of each answer"] / results.coverage(1).cost
    for k, (R, *_) in enumerate(rows):
        y = 1.2 * (len(rows) - k - 1) + 0.5
        whole = data.loc[R, "large, FLOPs of training"] + data.loc[R, "large, FLOPs of answers"]
        words(axes, left, y + 0.92, f"R = {R:g}", ha="left", weight="bold")
        for name, up, colour in (("large", 0.42, COLOURS["large"]), ("small", 0.04, COLOURS["prm"])):
            cut = wide * data.loc[R, f"{name}, FLOPs of training"] / whole
            words(axes, left - 0.06, y + up + 0.17, name, ha="right", fontsize=SMALL)
            box(axes, left, y + up, cut, 0.34, "", colour, fill=0.75, edge=0)
            box(axes, left + cut, y + up, wide - cut, 0.34, "", colour, fill=0.22, edge=0)
        words(axes, left + wide - 0.1, y + 0.21, f"{each[R]:.0f} samples an answer", ha="right")
    words(axes, left, 0.2, "dark: training     light: answers", ha="left", fontsize=SMALL)
    return Drawing(
        figure,
        "What training saves is shared by all answers: a long life leaves little for each",
        f"Bars of equal total FLOPs. At R = {RATIOS[0]:g} the small model may spend {each.iloc[0]:.0f} of its own "
        f"samples on each answer, at R = {RATIOS[-1]:g} it may spend {each.iloc[-1]:.0f}.",
        data,
    )


@drawn
def shapes_of_a_budget(budget: int = 8) -> Drawing:
    """One budget spent in parallel, in one chain, and as a hybrid."""
    shapes = [(budget, 1), (budget // 2, 2), (1, budget)]
    figure, axes = canvas(2.75)
    names = ("parallel", "hybrid", "sequential")
    colours = (COLOURS["prm"], COLOURS["optimal"], COLOURS["revision"])
    step = 0.235
    for k, ((chains, attempts), name, colour) in enumerate(zip(shapes, names, colours, strict=True)):
        middle = WIDTH * (k + 0.5) / 3
        across = 0.21 if chains == budget else 0.32
        for chain in range(chains):
            x = middle + (chain - (chains - 1) / 2) * across
            for attempt in range(attempts):
                y = 2.5 - attempt * step
                dot(axes, x, y, colour, ms=9)
                if attempt:
                    arrow(axes, (x, y + step - 0.07), (x, y + 0.06), colour, lw=1, mutation_scale=6)
        words(axes, middle, 0.42, name, weight="bold", color=colour)
        words(axes, middle, 0.18, f"{chains} × {attempts}", fontsize=SMALL)
    data = pd.DataFrame(shapes, columns=["chains", "attempts in each"], index=pd.Index(names, name="shape"))
    data["generations"] = data.prod(axis=1)
    return Drawing(
        figure,
        f"{budget} generations, three shapes",
        f"{budget} dots, one a generation: side by side in parallel sampling, one after the other in a chain of "
        f"revisions, {shapes[1][0]} chains of {shapes[1][1]} in a hybrid.",
        data,
    )


@drawn
def votes_as_histograms(n: int = 64) -> Drawing:
    """What n samples answer to two real problems.

    Of the problems that a vote solves, the one with the fewest right samples; of those that it does not, the one with
    the most.
    """
    samples = results.small_samples()
    right = samples.correct[:, :n]
    shares = right.mean(axis=1)
    votes = [Counter(a for a in row[:n] if a is not None).most_common(2) for row in samples.answers]
    clear = np.array([len(vote) > 1 and vote[0][1] > vote[1][1] for vote in votes])
    won = np.array([right[i][samples.answers[i, :n] == votes[i][0][0]].all() for i in range(len(votes))])
    shown = {
        True: int(np.where(clear & won, shares, 2).argmin()),
        False: int(np.where(clear & ~won, shares, -1).argmax()),
    }
    figure, axes = panels((1, 1), 2.6)
    rows = []
    for ax, wins, head in zip(axes, (True, False), ("the vote is right", "the vote is wrong"), strict=True):
        i = shown[wins]
        answers = samples.answers[i, :n]
        counts = Counter(a for a in answers if a is not None).most_common(12)
        good = {a for a, ok in zip(answers, right[i], strict=True) if ok}
        for place, (answer, count) in enumerate(counts):
            elected = place == 0
            ax.bar(place, count, 0.8, color=RIGHT if answer in good else PASSED, alpha=0.9 if answer in good else 0.5)
            if elected:
                ax.annotate(
                    "vote", (place - 0.4, count), xytext=(0, 3), textcoords="offset points", ha="left", color=INK
                )
            rows.append((samples.problems[i].question, answer, count, yes(answer in good), yes(elected)))
        ax.set_xticks([])
        ax.set_xlabel("different answers", fontsize=SMALL)
        ax.set_title(head, fontsize=NORMAL, weight="normal", loc="left")
        ax.grid(axis="x", visible=False)
        ax.set_ylim(0, counts[0][1] * 1.18)
    axes[0].set_ylabel(f"of {n} samples", fontsize=SMALL)
    data = pd.DataFrame(rows, columns=["problem", "answer", "samples", "right", "elected"])
    rates = [shares[shown[wins]] for wins in (True, False)]
    return Drawing(
        figure,
        "A vote needs the right answer to be the commonest, not to be common",
        f"Two real problems, {n} samples each. Left {rates[0]:.0%} of the samples are right, and no wrong answer has "
        f"as many votes; right {rates[1]:.0%} are, and one wrong answer has more.",
        data,
    )


@drawn
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
    axes.plot([middle, middle], [below, above], color=COLOURS["revision"], lw=2.5)
    axes.plot([middle], [above], "o", color=COLOURS["revision"], ms=7, mfc="none", mew=1.8)
    axes.plot([middle], [below], "o", color=COLOURS["revision"], ms=8)
    notes = (
        ("easiest fifth", rates[0], covered[0], (-2, 7), "right"),
        ("hardest fifth", rates[1], covered[1], (9, -5), "left"),
        ("one average problem", middle, above, (-8, 6), "right"),
        ("average of both", middle, below, (9, -6), "left"),
    )
    for text, x, y, offset, side in notes:
        axes.annotate(text, (x, y), xytext=offset, textcoords="offset points", ha=side, color=INK, fontsize=NORMAL)
    style.shares(axes, label=f"right among {n}")
    axes.set(xlabel="right in one sample", xlim=(0, 1.02), ylim=(0, 1.12), yticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(axes.yaxis.get_major_formatter())
    data = pd.DataFrame(
        {"in one sample": [*rates, middle, middle], f"among {n}": [*covered, below, above]},
        index=pd.Index(["easiest fifth", "hardest fifth", "average of both", "one average problem"], name="of"),
    )
    return Drawing(
        figure,
        "The average of the curves lies below the curve of the average",
        f"Coverage of {n} samples bends down as the pass rate grows. The easiest and the hardest fifth average "
        f"{below:.0%}; a single problem with their average pass rate would reach {above:.0%}.",
        data,
    )


@drawn
def marbles(k: int = 4, shown: int = 16) -> Drawing:
    """pass@k as marbles: every draw of k from the recorded samples of one problem."""
    samples = results.small_samples()
    counts = samples.correct[:, :shown].sum(axis=1)
    i = int(np.abs(counts - 3).argmin())
    right = samples.correct[i, :shown]
    figure, axes = canvas(1.95)
    for j, ok in enumerate(right):
        row, column = divmod(j, 8)
        dot(axes, 0.3 + column * 0.33, 1.55 - row * 0.35, RIGHT if ok else PASSED, ms=17, alpha=1 if ok else 0.45)
    words(axes, 1.45, 0.7, f"{shown} recorded samples,\n{counts[i]} of them right", fontsize=NORMAL)
    arrow(axes, (2.95, 1.38), (3.45, 1.38))
    chance = float(pass_at_k(shown, counts[i], k))
    draws = np.random.default_rng(0).permuted(np.tile(right, (3, 1)), axis=1)[:, :k]
    for row, draw in enumerate(draws):
        for column, ok in enumerate(draw):
            x, y = 3.75 + column * 0.33, 1.75 - row * 0.35
            dot(axes, x, y, RIGHT if ok else PASSED, ms=17, alpha=1 if ok else 0.45)
    bracket(axes, 3.6, 0.75, 4 * 0.33, f"draw {k}: a right one\nin {chance:.0%} of all draws")
    data = pd.DataFrame({"samples": [shown], "right": [counts[i]], "drawn": [k], "a right one among them": [chance]})
    return Drawing(
        figure,
        f"pass@{k} counts every draw of {k}, not one lucky one",
        f"{counts[i]} of {shown} recorded samples of one problem are right; {chance:.0%} of all draws of {k} hold a "
        "right one.",
        data,
    )
