"""Diagrams of chapter 4: what a rewrite reads and takes from it, and where a chain restarts."""

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd

from .. import results
from ..estimators import bootstrap
from ..models import load
from ..problems import ATTEMPT_END, Problem, Solution, load_problems
from ..results.stepwise import step_threshold
from ..results.wording import by_sign
from ..revision import sequential_revise
from ..sampling import Result
from ..verifiers import load_verifier
from .drawing import ONE_PROBLEM, SEED_0, Drawing, drawn
from .shapes import LARGE, NORMAL, PASSED, RIGHT, SMALL, WIDTH, WRONG, arrow, box, canvas, words, yes
from .style import COLOURS, INK

EXPERIMENT = 120  # first test problems, which the five-inputs experiment runs on
CHAINED = 48  # test problems that are revised together, and of which one chain is shown


@drawn(ONE_PROBLEM)
def what_a_revision_reads() -> Drawing:
    """What a recorded second rewrite reads, part by part and a line a step, and what it writes."""
    run = results.chains()
    attempt = int(run.at(2)[0])
    i, repeated = _copied(attempt)
    first, newest, written = (run.texts[i, attempt + k] for k in (-2, -1, 0))
    problem = run.problems[i]
    parts = [
        ("first\nattempt", first + ATTEMPT_END),
        ("newest\nattempt", newest + ATTEMPT_END),
        ("problem", problem.prompt),
    ]
    read = "".join(text for _, text in parts)
    if read != run.shown(i, attempt) + problem.prompt:
        raise ValueError(f"the parts of what a revision reads must be all that it read, not {read!r}")
    figure, axes = canvas(2.62)
    x, gap, line, low = 0.05, 0.12, 0.32, 0.38
    for (name, text), width in zip([*parts, ("rewrite", written)], (1.16, 1.16, 1.0, 1.16)):
        if name == "rewrite":
            arrow(axes, (x - gap + 0.02, low + 0.87), (x + 0.24, low + 0.87))
            x += 0.27
        rows = [row for row in re.split(r"\n|(?=[-+*])" if text == problem.prompt else r"\n", text) if row]
        colour = COLOURS["writing" if name == "rewrite" else "reading"]
        box(axes, x, low, width, 1.74, "", colour, fill=0.32, edge=0)
        words(axes, x + width / 2, low + 1.8, name, va="bottom", weight="bold", fontsize=SMALL)
        checks = [] if text == problem.prompt else problem.check_steps(tuple(row for row in rows if row != ATTEMPT_END))
        for k, row in enumerate(rows):
            y, mark = low + 1.52 - line * k, x + width - 0.13
            if name in ("newest\nattempt", "rewrite") and k == repeated:
                box(axes, x + 0.03, y - 0.145, width - 0.06, 0.29, "", WRONG, fill=0, edge=1.6)
            words(axes, x + width / 2 - (0.08 if checks else 0), y, row, fontsize=NORMAL)
            if k < len(checks):
                look = {"color": RIGHT if checks[k] else WRONG, "weight": "bold", "fontsize": LARGE}
                words(axes, mark, y, "✓" if checks[k] else "×", **look)
        x += width + gap
    for x, name in ((0.05, "reading"), (0.98, "writing")):
        box(axes, x, 0.06, 0.16, 0.16, "", COLOURS[name], fill=0.32, edge=0)
        words(axes, x + 0.22, 0.14, "it reads" if name == "reading" else "it writes", ha="left", fontsize=SMALL)
    for x, name, colour in ((2.02, "✓ right", RIGHT), (2.88, "× wrong", WRONG)):
        words(axes, x, 0.14, name, ha="left", color=colour, weight="bold", fontsize=SMALL)
    box(axes, 3.92, 0.06, 0.26, 0.16, "", WRONG, fill=0, edge=1.6)
    words(axes, 4.25, 0.14, "repeated", ha="left", color=WRONG, weight="bold", fontsize=SMALL)
    data = pd.DataFrame([(name.replace("\n", " "), text.replace("\n", "↵"), len(text)) for name, text in parts])
    data.columns = pd.Index(["part", "text", "tokens"])
    data.loc[len(data)] = ["written", written.replace("\n", "↵"), len(written)]
    return Drawing(
        figure,
        "A rewrite reads earlier attempts and then the problem; here it repeats the newest attempt's wrong result, "
        f"{newest.splitlines()[repeated].split('=')[1]}",
        f"The {len(read)} tokens before a recorded second rewrite, in three parts; a sample of the same problem reads "
        f"{len(problem.prompt)}.",
        data,
    )


def _copied(attempt: int) -> tuple[int, int]:
    """The example that is shown of what rewriting does most often, as a problem and a step.

    It is the first test problem of four steps on which both attempts before `attempt` are wrong, and `attempt` keeps
    the right steps of the newest one, at least one, and repeats its first wrong step.
    """
    run = results.chains()
    for i, problem in enumerate(run.problems):
        if problem.question.count(",") != 4 or run.correct[i, attempt - 2 : attempt].any():
            continue
        newest, written = (run.texts[i, attempt + k].splitlines() for k in (-1, 0))
        checks = list(problem.check_steps(tuple(newest)))
        wrong = checks.index(False) if False in checks else 0
        if wrong and written[: wrong + 1] == newest[: wrong + 1]:
            return i, wrong
    raise ValueError("no second rewrite of a problem of four steps repeats the first wrong step that it read")


@cache
def _chain() -> tuple[Problem, Result]:
    """A live chain of the small model with its PRM: of the first problems, one that ends right and keeps most steps."""
    problems = [p for p in load_problems("test") if len(p.solution_text.splitlines()) >= 4][:CHAINED]
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
            for up, said in ((0.4, operation), (0.15, f"= {total}")):
                words(axes, x + cell / 2 - 0.03, y + up, said, fontsize=LARGE, alpha=0.5 if gone else 1)
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


@cache
def _five_inputs() -> dict[str, np.ndarray]:
    """Whether one rewrite is right with five things in view, (problems,) each: live, from the same random streams."""
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
        "another problem's attempt": [first[stranger[i]].text for i in range(len(first))],
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
    """What one rewrite solves by what it has in view: the experiment that tells correcting from copying."""
    solved = {name: bootstrap(right.astype(float)) for name, right in _five_inputs().items()}
    figure, axes = canvas(0.5 * len(solved) + 0.35)
    left, wide = 2.4, 2.35
    for k, (name, share) in enumerate(solved.items()):
        y = 0.5 * (len(solved) - k - 1) + 0.2
        mean, low, high = (float(x) for x in share)
        words(axes, left - 0.1, y + 0.16, "nothing: a first attempt" if name == "nothing" else name, ha="right")
        box(axes, left, y, wide, 0.32, "", PASSED, fill=0.12, edge=0)
        box(axes, left, y, max(wide * mean, 0.03), 0.32, "", COLOURS["revision"], fill=0.7, edge=0)
        axes.plot([left + wide * low, left + wide * high], [y + 0.16] * 2, color=INK, lw=1)
        words(axes, left + wide + 0.08, y + 0.16, f"{mean:.0%}", ha="left", weight="bold")
    top = 0.5 * len(solved) + 0.2
    words(axes, left - 0.1, top, "in view", ha="right", fontsize=SMALL)
    words(axes, left, top, f"share right, on {EXPERIMENT} problems", ha="left", fontsize=SMALL)
    nothing, own, given, _, strange = solved.values()
    runs = _five_inputs()
    harm = bootstrap(runs["its own attempt"].astype(float) - runs["nothing"])
    verb = by_sign(harm, "more often than", "as often as", "less often than")
    finding = (
        f"With its own attempt in view, the model is right {verb} with nothing in view: "
        f"{float(own.mean):.0%} against {float(nothing.mean):.0%}"
    )
    return Drawing(
        figure,
        finding,
        f"One rewrite on {EXPERIMENT} test problems is right on {float(own.mean):.0%} after the model's own attempt, "
        f"on {float(given.mean):.0%} after the right solution, and on {float(strange.mean):.0%} after another "
        "problem's.",
        pd.DataFrame(
            {
                "in view": list(solved),
                "right": list(solved.values()),
                "minus its own attempt (points)": [
                    "" if name == "its own attempt" else bootstrap(right.astype(float) - runs["its own attempt"])
                    for name, right in runs.items()
                ],
            }
        ),
        {"right": ".0%", "minus its own attempt (points)": ".1p"},
    )
