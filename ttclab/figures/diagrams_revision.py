"""Diagrams of chapter 4: what a revision reads, where a chain begins again, and how wrong a critic may be."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .. import results
from ..estimators import Estimate, bootstrap
from ..models import load
from ..problems import ATTEMPT_END, Problem, Solution, load_problems
from ..results.stepwise import CRITICS, accepted_wrong, critic_gain, rejected_right, step_threshold
from ..revision import sequential_revise
from ..sampling import Result
from ..verifiers import load_verifier
from . import style
from .drawing import ONE_PROBLEM, SEED_0, Drawing, drawn
from .shapes import PASSED, RIGHT, SMALL, WIDTH, WRONG, arrow, box, canvas, words, yes
from .style import COLOURS, INK

EXPERIMENT = 120  # first test problems, which the five-inputs experiment runs on
CHAINED = 48  # test problems that are revised together, and of which one chain is shown


@drawn(ONE_PROBLEM)
def what_a_revision_reads() -> Drawing:
    """The text before a recorded second revision: two attempts, the comment on the newest, the problem.

    It is of the first test problem of four steps whose first two attempts are wrong, or as wrong as there are.
    """
    run = results.chains(feedback="prm")
    attempt = int(run.at(2)[0])
    of_four = [i for i, problem in enumerate(run.problems) if problem.question.count(",") == 4]
    i = min(of_four, key=lambda i: int(run.correct[i, attempt - 2 : attempt].sum()))
    first, newest = run.texts[i, attempt - 2], run.texts[i, attempt - 1]
    parts = [
        ("first attempt", first + ATTEMPT_END, PASSED),
        ("comment", run.comments[i, attempt], COLOURS["prm"]),
        ("newest attempt", newest + ATTEMPT_END, COLOURS["revision"]),
        ("problem", run.problems[i].prompt, COLOURS["reading"]),
    ]
    read = "".join(text for _, text, _ in parts)
    if read != run.shown(i, attempt) + run.problems[i].prompt:
        raise ValueError(f"the parts of what a revision reads must be all that it read, not {read!r}")
    across = 22
    rows = -(-len(read) // across)
    cell = WIDTH / across
    figure, axes = canvas(rows * 0.4 + 0.75)
    place = 0
    for _, text, colour in parts:
        start, end = place, place + len(text)
        for row in range(start // across, (end - 1) // across + 1):
            left, right = max(start, row * across) % across, (min(end, (row + 1) * across) - 1) % across + 1
            y = (rows - row - 1) * 0.4 + 0.68
            box(axes, left * cell + 0.01, y, (right - left) * cell - 0.02, 0.34, "", colour, fill=0.3, edge=0)
        for character in text:
            row, column = divmod(place, across)
            said = "↵" if character == "\n" else character
            words(axes, (column + 0.5) * cell, (rows - row - 1) * 0.4 + 0.85, said, fontsize=SMALL)
            place += 1
    for k, (name, _, colour) in enumerate(parts):
        words(axes, 0.05 + 2.4 * (k % 2), 0.45 - 0.27 * (k // 2), f"■ {name}", ha="left", color=colour, weight="bold")
    data = pd.DataFrame([(name, text.replace("\n", "↵"), len(text)) for name, text, _ in parts])
    data.columns = pd.Index(["part", "text", "tokens"])
    alone = len(run.problems[i].prompt)
    return Drawing(
        figure,
        "A rewrite reads the attempts, the comment and the problem before it writes a token",
        f"The {len(read)} tokens before a recorded second rewrite, in four parts; a sample of the same problem reads "
        f"{alone}.",
        data,
    )


@cache
def _chain() -> tuple[Problem, Result]:
    """A live chain of the small model with its PRM: of the first problems, one that ends right and keeps most steps."""
    problems = [p for p in load_problems("test") if len(p.solution_steps) >= 4][:CHAINED]
    prm = load_verifier("prm")
    found = sequential_revise(load("small"), prm, problems, 3, feedback=prm, seed=0)

    def telling(pair: tuple[Problem, Result]) -> tuple[bool, int, int]:
        attempts = pair[1].solutions
        kept = sum(_kept(a, b) for a, b in pairwise(attempts))
        return attempts[-1].correct and not attempts[0].correct, min(len(attempts), 3), kept

    return max(zip(problems, found, strict=True), key=telling)


def _kept(before: Solution, after: Solution) -> int:
    """How many steps two attempts share at their beginnings."""
    same = [a == b for a, b in zip(before.steps, after.steps)]
    return same.index(False) if False in same else len(same)


@drawn(ONE_PROBLEM)
def restart_at_the_first_doubt() -> Drawing:
    """A live chain of step-level revision: each attempt keeps the steps before the first one that the PRM doubts."""
    problem, result = _chain()
    attempts, threshold = result.solutions, step_threshold()
    scores = load_verifier("prm").score_steps(attempts)
    steps = max(len(a.steps) for a in attempts)
    figure, axes = canvas(0.85 * len(attempts) + 0.2)
    cell, rows = (WIDTH - 0.1) / steps, []
    doubted = [next((k for k, score in enumerate(row) if score < threshold), len(row)) for row in scores]
    for n, (attempt, row) in enumerate(zip(attempts, scores, strict=True)):
        y = 0.85 * (len(attempts) - n - 1) + 0.45
        kept = doubted[n - 1] if n else 0
        for k, (text, score) in enumerate(zip(str(attempt).splitlines(), row, strict=True)):
            x, gone = 0.05 + k * cell, k > doubted[n]
            accepted = PASSED if k < kept else RIGHT
            colour = INK if gone else WRONG if k == doubted[n] else accepted
            box(axes, x, y, cell - 0.07, 0.55, "", colour, fill=0.06 if gone else 0.25, edge=0.4 if gone else 1.2)
            operation, _, total = (text if k == 0 else text[text.find(" ") + 1 :]).partition(" = ")
            for up, said in ((0.39, operation), (0.16, f"= {total}")):
                words(axes, x + cell / 2 - 0.03, y + up, said, fontsize=SMALL, alpha=0.5 if gone else 1)
            rows.append((n + 1, text, score, yes(k < kept), yes(problem.check_steps(attempt.steps)[k])))
        if doubted[n] < len(row) and n + 1 < len(attempts):
            x = 0.05 + (doubted[n] + 0.5) * cell - 0.03
            arrow(axes, (x, y - 0.02), (x, y - 0.28), WRONG)
    for x, name, colour in (
        (0.05, "doubted", WRONG),
        (1.35, "kept", PASSED),
        (2.3, "accepted", RIGHT),
        (3.7, "thrown away", INK),
    ):
        words(
            axes,
            x,
            0.17,
            f"■ {name}",
            ha="left",
            color=colour,
            weight="bold",
            fontsize=SMALL,
            alpha=0.55 if colour == INK else 1,
        )
    data = pd.DataFrame(rows, columns=["attempt", "step", "PRM's score", "kept", "right"])
    first = min(doubted[0], len(scores[0]) - 1)
    end = "right" if attempts[-1].correct else "wrong"
    return Drawing(
        figure,
        "Keep the steps before the first doubtful one, and write on from there",
        f"A real chain of {len(attempts)} attempts: in the first, the PRM scores step {first + 1} with "
        f"{scores[0][first]:.2f}; the last attempt is {end}.",
        data,
    )


@drawn(SEED_0)
def how_wrong_a_critic_may_be() -> Drawing:
    """False acceptances against false rejections of critics, the line where they sum to one, and who gains."""
    names = {
        "prm": "PRM",
        "prm-large": "PRM 14x",
        "prm-rollouts": "rollout PRM",
        "prm-exact": "control of rollout PRM",
        "prm-weak": "weak PRM",
    }
    rows: list[tuple[str, float, float, Estimate]] = []
    for critic in CRITICS:
        if critic != "oracle":
            rows.append((names[critic], accepted_wrong(critic), rejected_right(critic), critic_gain(critic)))
    for quality in (0.9, 0.8, 0.6):
        point = accepted_wrong("oracle", quality), rejected_right("oracle", quality)
        rows.append((f"AUC {quality:g}", *point, critic_gain("oracle", quality)))
    figure, axes = style.new_axes(height=3.9)
    axes.fill_between([0, 1], [1, 0], 0, color=RIGHT, alpha=0.1, lw=0)
    axes.plot([0, 1], [1, 0], color=INK, lw=1, ls=style.DASHED)
    axes.annotate("a coin", (0.8, 0.2), xytext=(4, 4), textcoords="offset points")
    signs = {1: RIGHT, 0: PASSED, -1: WRONG}
    for name, accepted, rejected, gain in rows:
        trained = not name.startswith("AUC")
        axes.plot(
            [accepted], [rejected], "o" if trained else "D", color=signs[gain.sign], ms=8 if trained else 6, mec="none"
        )
    _name_points(axes, rows)
    for k, (word, sign) in enumerate((("helps", 1), ("can't tell", 0), ("harms", -1))):
        axes.text(
            0.97, 0.95 - 0.075 * k, f"● {word}", color=signs[sign], ha="right", weight="bold", transform=axes.transAxes
        )
    axes.set(xlim=(-0.02, 1), ylim=(-0.03, 1), xlabel="wrong steps accepted", ylabel="right steps rejected")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    harmed = [name for name, a, r, gain in rows if gain.sign < 0 and a + r < 1]
    best = min(rows, key=lambda row: row[1] + row[2])
    worst = max(rows, key=lambda row: row[1] + row[2])
    data = pd.DataFrame(rows, columns=["critic", "accepts wrong", "rejects right", "gain"]).set_index("critic")
    return Drawing(
        figure,
        "Better than a coin is not enough: a critic below the line can harm, because its errors repeat"
        if harmed
        else "Every critic below the line, better than a coin, helps or does no harm",
        f"The critic with the fewest errors, {best[0]}, has rates that sum to {best[1] + best[2]:.2f} and gains "
        f"{best[3]:.1 points}; the one with the most, {worst[0]}, {worst[1] + worst[2]:.2f} and {worst[3]:.1 points}.",
        data,
        {"accepts wrong": ".0%", "rejects right": ".0%", "gain": ".1p"},
    )


def _name_points(axes: Axes, rows: Sequence[tuple[str, float, float, Estimate]]) -> None:
    """Write the names of the points beside them, clear of the line, those of points that lie together in one place."""
    groups: list[list[tuple[str, float, float, Estimate]]] = []
    for row in sorted(rows, key=lambda row: row[1] + row[2]):
        near = [group for group in groups if abs(group[0][1] - row[1]) < 0.08 and abs(group[0][2] - row[2]) < 0.05]
        if near:
            near[0].append(row)
        else:
            groups.append([row])
    for group in groups:
        x, y = max(row[1] for row in group), float(np.mean([row[2] for row in group]))
        text = ", ".join(row[0] for row in group)
        wide = 0.02 * len(text)  # of a character in this size
        if x + 0.03 + wide < 1 - y:
            place, side = x + 0.03, "left"
        elif x - 0.03 - wide > 0:
            place, side = x - 0.03, "right"
        else:
            place, side = 1 - y + 0.03, "left"  # past the line, which strikes no name
        axes.annotate(text, (place, y), va="center", ha=side, fontsize=SMALL, color=INK)


@cache
def _five_inputs() -> dict[str, np.ndarray]:
    """Whether one revision is right after five things to read, (problems,) each: live, from the same random streams."""
    model, problems = load("small"), load_problems("test", limit=EXPERIMENT)
    first = [solution for [solution] in model.generate(problems, seed=1)]
    rng = np.random.default_rng(0)

    def scrambled(solution: Solution) -> str:
        steps = [step.split("=")[0] for step in solution.steps]
        return "".join(f"{step}={rng.integers(1, 1000):03d}\n" for step in steps)

    alike: dict[int, list[int]] = {}
    for i, problem in enumerate(problems):
        alike.setdefault(len(problem.prompt), []).append(i)
    stranger = {
        i: places[(k + len(places) // 2) % len(places)] for places in alike.values() for k, i in enumerate(places)
    }
    inputs = {
        "nothing": None,
        "its own attempt": [s.text for s in first],
        "the right solution": [p.solution_text for p in problems],
        "random results": [scrambled(s) for s in first],
        "another problem's": [first[stranger[i]].text for i in range(len(first))],
    }
    right = {}
    for name, texts in inputs.items():
        if texts is None:
            right[name] = np.array([s.correct for s in first])
            continue
        seen = [[replace(s, text=text, tokens=())] for s, text in zip(first, texts, strict=True)]
        right[name] = np.array([s.correct for s in model.revise(problems, seen)])
    return right


@drawn(SEED_0)
def five_inputs() -> Drawing:
    """What one revision solves by what it was shown: the experiment that tells correcting from copying."""
    solved = {name: bootstrap(right.astype(float)) for name, right in _five_inputs().items()}
    figure, axes = canvas(0.5 * len(solved) + 0.35)
    left, wide = 1.75, 3.0
    for k, (name, share) in enumerate(solved.items()):
        y = 0.5 * (len(solved) - k - 1) + 0.2
        mean, low, high = (float(x) for x in share)
        words(axes, left - 0.1, y + 0.16, name, ha="right")
        box(axes, left, y, wide, 0.32, "", PASSED, fill=0.12, edge=0)
        box(axes, left, y, max(wide * mean, 0.03), 0.32, "", COLOURS["revision"], fill=0.7, edge=0)
        axes.plot([left + wide * low, left + wide * high], [y + 0.16] * 2, color=INK, lw=1)
        words(axes, left + wide + 0.08, y + 0.16, f"{mean:.0%}", ha="left", weight="bold")
    top = 0.5 * len(solved) + 0.2
    words(axes, left - 0.1, top, "shown", ha="right", fontsize=SMALL)
    words(axes, left, top, f"right afterwards, of {EXPERIMENT} problems", ha="left", fontsize=SMALL)
    own, given, strange = (solved[name] for name in ("its own attempt", "the right solution", "another problem's"))
    runs = _five_inputs()
    helped, ruined = (
        bootstrap(runs[name].astype(float) - runs["its own attempt"])
        for name in ("the right solution", "random results")
    )
    finding = (
        "Seeing the right solution helps no more than seeing its own attempt"
        if helped.sign <= 0
        else "The right solution in view beats its own attempt, and random results ruin the rewrite: it copies"
        if ruined.sign < 0
        else "Seeing the right solution helps more than seeing its own attempt"
    )
    return Drawing(
        figure,
        finding,
        f"One rewrite on {EXPERIMENT} test problems is right on {float(own.mean):.0%} after the model's own attempt, "
        f"on {float(given.mean):.0%} after the right solution, and on {float(strange.mean):.0%} after another "
        "problem's.",
        pd.DataFrame(
            {
                "shown": list(solved),
                "right": list(solved.values()),
                "minus its own attempt (points)": [
                    "" if name == "its own attempt" else bootstrap(right.astype(float) - runs["its own attempt"])
                    for name, right in runs.items()
                ],
            }
        ),
        {"right": ".0%", "minus its own attempt (points)": ".1p"},
    )
