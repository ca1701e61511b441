"""Diagrams of chapters 5 and 6: who gets the next sample, where FLOPs go, and what an answer may cost."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from .. import results
from ..bank import load_step_revision
from ..flops import exchange_rate
from ..results.exchange import bill, queries_at, size_ratio
from ..results.searching import searches as searches_of
from . import charts, style
from .drawing import CALCULATED, SEED_0, Drawing, drawn
from .exchange import MAPS
from .shapes import SMALL, WIDTH, arrow, box, canvas, words
from .style import COLOURS, INK, SHORT_FIFTHS

KINDS = ("prefill", "decode", "verifier")
PAPER_RATIOS = (0.16, 0.79, 22)  # R in the arXiv edition of Snell et al. 2024
FAIR, LAST = MAPS  # steps of the large model: trained for about as many FLOPs as the small one, and to the end


@drawn(SEED_0)
def next_sample_where_it_gains(share: int = 4) -> Drawing:
    """Coverage by samples in each fifth, and where a budget ends that always goes where the next sample gains most."""
    budgets = np.arange(1, 65)
    curves = _coverage(budgets)
    drawn_of = [1] * 5
    for _ in range(5 * (share - 1)):
        gains = [curves[k, n] - curves[k, n - 1] if n < len(budgets) else 0.0 for k, n in enumerate(drawn_of)]
        drawn_of[int(np.argmax(gains))] += 1
    figure, axes = style.new_axes(height=3.0)
    style.shares(axes, label="at least one of N is right")
    shown = max(12, int(1.25 * max(drawn_of)))
    for k, colour in enumerate(charts.shades(5)):
        axes.plot(budgets[:shown], curves[k, :shown], color=colour)
        axes.plot([share], [curves[k, share - 1]], "o", color=colour, mfc="none", ms=10, mew=1.4)
        axes.plot([drawn_of[k]], [curves[k, drawn_of[k] - 1]], "o", color=colour, ms=6)
        axes.text(0.5, curves[k, 0], SHORT_FIFTHS[k], color=colour, ha="right", va="center")  # the curves end together
    axes.axvline(share, color=INK, lw=1, ls=style.DASHED)
    axes.set(xlabel="samples N of each problem", xlim=(-2.4, shown), ylim=(0, 1.12), yticks=np.linspace(0, 1, 6))
    axes.set_xticks(range(2, shown + 1, 2))
    most = int(np.argmax(drawn_of))
    alike = float(curves[:, share - 1].mean())
    spread = float(np.mean([curves[k, n - 1] for k, n in enumerate(drawn_of)]))
    axes.text(share + 0.25, 1.05, f"○ {share} each: {alike:.0%}   ● by gain: {spread:.0%}", fontsize=SMALL)
    data = pd.DataFrame(
        {
            "fifth": SHORT_FIFTHS,
            "samples if all get the same": [share] * 5,
            "solved": curves[:, share - 1],
            "samples if spread": drawn_of,
            "solved then": [curves[k, n - 1] for k, n in enumerate(drawn_of)],
        }
    )
    return Drawing(
        figure,
        f"Give the next sample where it gains most: the {SHORT_FIFTHS[most]} fifth gets {drawn_of[most]}, the hardest "
        f"{drawn_of[4]}"
        if most != 4
        else "Give the next sample where it gains most: to the hardest problems",
        f"With {share} samples for every problem a perfect verifier solves {alike:.0%}; with as many in all, spread "
        f"by fifth from {min(drawn_of)} to {max(drawn_of)}, it solves {spread:.0%}.",
        data,
    )


def _coverage(budgets: np.ndarray) -> np.ndarray:
    """Coverage of so many samples in each fifth, (5, budgets)."""
    arms = results.sampling_arms(choose="oracle", budgets=tuple(int(n) for n in budgets))
    return np.array([[arm.fifth(k).correct.mean() for arm in arms.values()] for k in range(5)])


@drawn
def predict_adapt_spread() -> Drawing:
    """Three ways to spend by difficulty without knowing it: ask first, stop early, divide a batch."""
    figure, axes = canvas(2.95)
    colour, left, gap, end = COLOURS["optimal"], 1.1, 0.28, WIDTH - 1.0
    for k, (name, parts, out, note) in enumerate(_WAYS):
        y, x, middles = 2.42 - 0.98 * k, left, []
        words(axes, 0.05, y + 0.21, name, ha="left", weight="bold", color=colour)
        for text, wide in parts:
            box(axes, x, y, wide, 0.42, text, colour, fill=0.15, fontsize=SMALL)
            middles.append(x + wide / 2)
            x += wide + gap
            if len(middles) < len(parts):
                arrow(axes, (x - gap + 0.02, y + 0.21), (x - 0.02, y + 0.21), colour)
        arrow(axes, (x - gap + 0.02, y + 0.21), (end - 0.02, y + 0.21), colour)
        box(axes, end, y, 0.95, 0.42, out, colour, fill=0.4, fontsize=SMALL)
        if name == "predict":
            words(axes, left, y - 0.16, note, ha="left", fontsize=SMALL, alpha=0.75)
            continue
        start, to = (middles[1], middles[0]) if name == "adapt" else (middles[1] + 0.3, middles[1] - 0.3)
        axes.plot([start, start, to], [y, y - 0.16, y - 0.16], color=colour, lw=1.3)
        arrow(axes, (to, y - 0.165), (to, y - 0.01), colour)
        words(axes, (start + to) / 2, y - 0.31, note, fontsize=SMALL, alpha=0.75)
        if name == "adapt":
            words(axes, (x + end) / 2 - 0.1, y + 0.34, "yes", fontsize=SMALL, alpha=0.75)
    return Drawing(
        figure,
        "Three ways to spend by difficulty without knowing it",
        "Predict: one try and its score choose a plan. Adapt: two samples at a time until the vote is clear. Spread: "
        "one try of each problem, then the next where it gains most, until the shared budget is spent.",
    )


_WAYS = (  # name, boxes with their widths, the way out, and the note below
    ("predict", (("1 try", 0.7), ("score", 0.7), ("plan", 0.7)), "answer", "one score chooses the plan"),
    ("adapt", (("2 tries", 0.85), ("vote clear?", 1.1)), "answer", "no: 2 more"),
    ("spread", (("1 try of each", 1.25), ("next by gain", 1.2)), "answers", "until the budget is spent"),
)


# Chapter 6


def _bills() -> pd.DataFrame:
    """FLOPs per problem by kind for every strategy, of the recorded runs on the test problems."""
    samples = bill("small", 16, "prm")
    searches = {"beam, N = 16": searches_of(16), "step-level revision": load_step_revision("small", "prm", "test", 15)}
    rows = {
        "large, one pass": [*bill("large").values(), 0.0],
        "vote of 16": [samples["reading"], samples["writing"], 0.0],
        "best of 16": list(samples.values()),
        **{name: [float(run.flops[kind].mean()) for kind in KINDS] for name, run in searches.items()},
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=[f"FLOPs, {kind}" for kind in KINDS])


@drawn(SEED_0)
def where_flops_go() -> Drawing:
    """FLOPs per problem of five strategies, stacked: reading, writing, and the verifier."""
    bills = _bills()
    figure, axes = canvas(0.44 * len(bills) + 0.72)
    left, wide = 1.75, WIDTH - 2.5
    most = float(bills.sum(axis=1).max())
    colours = (COLOURS["reading"], COLOURS["writing"], COLOURS["prm"])
    for k, (name, parts) in enumerate(bills.iterrows()):
        y, x = 0.44 * (len(bills) - k - 1) + 0.5, left
        words(axes, left - 0.1, y + 0.16, str(name), ha="right")
        for value, colour in zip(parts, colours, strict=True):
            width = wide * float(value) / most
            if value:
                box(axes, x, y, width, 0.32, "", colour, fill=0.75, edge=0)
            x += width
        words(axes, x + 0.07, y + 0.16, style.amount(float(parts.sum())), ha="left", fontsize=SMALL)
    for x, name, colour in (
        (left, "read", COLOURS["reading"]),
        (left + 0.9, "write", COLOURS["writing"]),
        (left + 1.85, "verify", COLOURS["prm"]),
    ):
        words(axes, x, 0.2, f"■ {name}", ha="left", color=colour, weight="bold")
    shares = bills.iloc[:, 2] / bills.sum(axis=1)
    few, many = (str(name) for name in (shares[shares > 0].idxmin(), shares.idxmax()))
    named = {"best of 16": "best-of-16", "beam, N = 16": "a beam search", "step-level revision": "step-level revision"}
    return Drawing(
        figure,
        f"The verifier takes from {shares[few]:.0%} of the FLOPs, in {named[few]}, to {shares[many]:.0%}, in "
        f"{named[many]}",
        f"Of best-of-16 with the PRM, {shares['best of 16']:.0%} of the FLOPs are the verifier's. Best-of-16 costs "
        f"{style.amount(float(bills.loc['best of 16'].sum()))} FLOPs per problem, one large pass "
        f"{style.amount(float(bills.loc['large, one pass'].sum()))}; step-level revision restarts at most 15 times.",
        bills.rename_axis("strategy"),
    )


@drawn(CALCULATED)
def exchange_rate_by_life() -> Drawing:
    """How many passes of its own a small model may spend by R, by the formula of both editions of the paper."""
    M = size_ratio()
    ratios = np.geomspace(0.05, 100, 100)
    figure, axes = style.new_axes(height=2.9)
    editions = {"arxiv": ("arXiv", COLOURS["prm"], "-"), "iclr": ("ICLR", COLOURS["beam"], style.DASHED)}
    for edition, (_, colour, dashes) in editions.items():
        axes.plot(ratios, [exchange_rate(M, R, edition) for R in ratios], color=colour, ls=dashes)
    axes.axhline(M, color=COLOURS["large"], lw=1.2, ls=style.DASHED)
    spent = [exchange_rate(M, R, "arxiv") for R in PAPER_RATIOS]
    axes.plot(PAPER_RATIOS, spent, "o", color=COLOURS["prm"], ms=6)
    for R, k in zip(PAPER_RATIOS, spent, strict=True):
        axes.annotate(f"R = {R:g}: {k:.0f}", (R, k), xytext=(6, 5), textcoords="offset points", fontsize=SMALL)
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(0.75 * M, 1000),
        xlabel="R, tokens in use for each token of training",
        ylabel="small passes per answer",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_locator(NullLocator())
    handles = [Line2D([], [], color=colour, ls=dashes, label=name) for name, colour, dashes in editions.values()]
    axes.legend(handles=handles, frameon=False, fontsize=SMALL, labelcolor=INK)
    axes.text(0.05, M * 0.95, f"{M:.1f}: inference alone", va="top", fontsize=SMALL, color=INK)
    table = {name: [exchange_rate(M, R, edition) for R in PAPER_RATIOS] for edition, (name, *_) in editions.items()}
    return Drawing(
        figure,
        "The longer a model's life, the fewer extra passes its small rival can afford",
        f"With a model {M:.1f} times larger, the small one may spend {spent[0]:.0f} passes per answer at R = "
        f"{PAPER_RATIOS[0]:g}, and {spent[-1]:.0f} at R = {PAPER_RATIOS[-1]:g} (arXiv edition).",
        pd.DataFrame(table, index=pd.Index([f"{R:g}" for R in PAPER_RATIOS], name="R")),
    )


@drawn(SEED_0)
def allowance_by_questions() -> Drawing:
    """What an answer of the small model may cost, in large passes, so that both models cost the same in all."""
    large, questions = results.greedy("large").cost, np.geomspace(1e4, 1e7, 200)
    fair, charged = _spared(FAIR) / large, _spared(FAIR, "prm") / large
    dearer = "more" if charged < 0 else "less"
    lines = {  # what the large model cost more to train, in large passes
        f"against {LAST} steps": (_spared(LAST) / large, COLOURS["writing"], "-"),
        f"against\n{FAIR} steps": (fair, COLOURS["noise"], "-"),
        f"against {FAIR} steps,\nPRM's training charged:\nsmall costs {dearer} to train": (
            charged,
            COLOURS["prm"],
            style.DASHED,
        ),
    }
    figure, axes = style.new_axes(height=2.9)
    axes.axhline(1, color=INK, lw=0.8, ls=style.DOTTED)
    for spared, colour, dashes in lines.values():
        axes.plot(questions, 1 + spared / questions, color=colour, lw=2.2, ls=dashes)
    axes.set(xscale="log", xlim=(questions[0], questions[-1]), ylim=(0, 4.2), xlabel="questions")
    axes.set_ylabel("allowance, in large passes")
    axes.grid(visible=False)
    at_ratios = {R: queries_at(R, FAIR) for R in PAPER_RATIOS}
    for R, n in at_ratios.items():
        lowest = min(paid for spared in (fair, charged) if (paid := 1 + spared / n) > 0)
        axes.plot([n, n], [lowest, axes.get_ylim()[1]], color=COLOURS["noise"], lw=0.9)
        axes.plot([n], [1 + fair / n], "o", color=COLOURS["noise"], ms=5)
        axes.annotate(
            f"R = {R:g}", (n, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 3), textcoords="offset points",
            ha="center", fontsize=SMALL, color=COLOURS["noise"],
        )  # fmt: skip
    middle = float(np.sqrt(at_ratios[PAPER_RATIOS[1]] * at_ratios[PAPER_RATIOS[2]]))
    axes.annotate(
        f"R against\n{FAIR} steps", (middle, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 3),
        textcoords="offset points", ha="center", fontsize=SMALL, color=COLOURS["noise"], linespacing=1.1,
    )  # fmt: skip
    axes.xaxis.set_major_formatter(lambda value, _: style.amount(value))
    axes.xaxis.set_minor_locator(NullLocator())
    for (name, (_, colour, _)), place, ha in zip(
        lines.items(), ((2.1e5, 3.0), (8.6e4, 1.78), (4.8e5, 0.46)), ("left", "left", "right"), strict=True
    ):
        axes.annotate(name, place, ha=ha, va="center", fontsize=SMALL, color=colour, linespacing=1.1)
    few = {at: 1 + _spared(at) / large / 1e5 for at in (FAIR, LAST)}
    near = max(abs(spared) for spared, *_ in lines.values()) / questions[-1]
    return Drawing(
        figure,
        f"With ten million questions, an answer may cost one large pass, give or take {near:.0%}; with few, training "
        "decides",
        f"With 100,000 questions, an answer may cost {few[LAST]:.1f} large passes against {LAST} steps of training, "
        f"and {few[FAIR]:.1f} against {FAIR}.",
        pd.DataFrame(
            [
                {
                    "": name.replace("\n", " "),
                    **{f"{n:,.0f} questions": _paid(1 + spared / n) for n in (1e4, 1e5, 1e6, 1e7)},
                }
                for name, (spared, *_) in lines.items()
            ]
        ),
    )


def _spared(at: int, *verifiers: str) -> float:
    """FLOPs of training that the small model, with its verifiers, cost less than the large one."""
    return results.training_flops("large", at=at) - results.training_flops("small", *verifiers)


def _paid(passes: float) -> str:
    return f"{passes:.1f}" if passes > 0 else "less than nothing"
