"""Diagrams of chapter 3: what verifiers see, what they choose, and where their labels come from."""

import operator
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .. import bank, results
from ..models import load
from ..problems import Solution
from ..sampling import majority_vote, weighted_vote
from .drawing import ONE_PROBLEM, Drawing, drawn
from .shapes import PASSED, RIGHT, SMALL, WRONG, arrow, box, canvas, dot, words, yes
from .style import COLOURS, INK, PAGE

OPERATIONS = {"+": operator.add, "−": operator.sub, "×": operator.mul}


def _said(solution: Solution) -> list[str]:
    """The steps as a person reads them, without the problem."""
    return str(solution).splitlines()


def _result(line: str) -> int:
    """The right result of a step, such as 81 of "66 + 15 = 71"."""
    first, operation, second, *_ = line.split()
    return int(OPERATIONS[operation](int(first), int(second)))


def _slips(solution: Solution) -> list[int]:
    """The steps, from 1, that do what the problem says and get a wrong result, if no step does anything else."""
    steps: tuple[str, ...] = getattr(solution.problem, "solution_steps")  # noqa: B009
    asked = [step.split("=")[0] for step in steps]
    if [step.split("=")[0] for step in solution.steps] != asked:
        return []
    return [k for k, line in enumerate(_said(solution), 1) if _result(line) != int(line.split()[-1])]


@cache
def _wrong_at(step: int, length: int, rate: float = 1.0) -> tuple[int, int]:
    """A recorded test sample, problem and place, with one slip, in this step of so many.

    The other steps calculate right, so that a reader sees what is wrong. Of the problems that have such a sample, it is
    of the problem whose pass rate is nearest to `rate`.
    """
    samples = results.small_samples()
    for i in np.argsort(np.abs(samples.correct.mean(axis=1) - rate), kind="stable"):
        problem = samples.problems[i]
        for j, solution in enumerate(samples.solutions(i) if len(problem.solution_steps) == length else ()):
            if solution.finished and _slips(solution) == [step]:
                return int(i), j
    raise ValueError(f"no recorded sample of {length} steps has its only slip in step {step}")


def _write_step(axes: Axes, y: float, text: str, right: bool, slip: bool) -> None:
    """A step of a solution in a figure; after a slip, the right result."""
    words(axes, 0.1, y, text, ha="left", color=INK if right else WRONG, weight="bold" if slip else "normal")
    if slip:
        words(axes, 0.1, y - 0.17, f"wrong: it is {_result(text)}", ha="left", color=WRONG, fontsize=8.5)


@cache
def _scores(verifier: str) -> list[list[list[float]]]:
    return bank.load_scores(verifier, "small-test")


@drawn(ONE_PROBLEM)
def what_prm_and_orm_see(step: int = 3, length: int = 5) -> Drawing:
    """A recorded solution with its first error in one step, and the scores of a PRM and of an ORM."""
    i, j = _wrong_at(step, length)
    solution = results.small_samples().solutions(i)[j]
    checks = solution.problem.check_steps(solution.steps)
    prm = list(_scores("prm")[i][j])
    orm = float(_scores("orm")[i][j][-1])
    figure, axes = canvas(0.42 * length + 0.95)
    words(axes, 0.1, 0.42 * length + 0.72, solution.problem.question, ha="left", fontsize=8.5)
    full = 1.35
    for k, (text, right, score) in enumerate(zip(_said(solution), checks, prm, strict=True)):
        y = 0.42 * (length - k - 1) + 0.12
        _write_step(axes, y + (0.22 if k + 1 == step else 0.15), text, right, k + 1 == step)
        box(axes, 2.05, y, full, 0.3, "", PASSED, fill=0.12, edge=0)
        box(axes, 2.05, y, max(full * score, 0.03), 0.3, "", COLOURS["prm"], fill=0.75, edge=0)
        words(axes, 2.12 + full, y + 0.15, f"{score:.2f}", ha="left", fontsize=SMALL)
        if k == length - 1:
            box(axes, 4.0, y, 1.0, 0.3, "", PASSED, fill=0.12, edge=0)
            box(axes, 4.0, y, max(orm, 0.03), 0.3, "", COLOURS["orm"], fill=0.75, edge=0)
            words(axes, 5.05, y + 0.15, f"{orm:.2f}", ha="left", fontsize=SMALL)
    head = 0.42 * length + 0.34
    words(axes, 0.1, head, "a solution", ha="left", fontsize=SMALL)
    words(axes, 2.05, head, "PRM: every step", ha="left", weight="bold", color=COLOURS["prm"])
    words(axes, 4.0, head, "ORM: the end", ha="left", weight="bold", color=COLOURS["orm"])
    data = pd.DataFrame(
        {
            "step": _said(solution),
            "right": [yes(x) for x in checks],
            "PRM": prm,
            "ORM": [""] * (length - 1) + [f"{orm:.3g}"],
        }
    )
    return Drawing(
        figure,
        "A PRM scores every step, an ORM only the end",
        f"A real solution of “{solution.problem.question}” with a slip in step {step}: the PRM's score "
        f"goes from {prm[step - 2]:.2f} to {prm[step - 1]:.2f} at that step; the ORM gives one score, {orm:.2f}.",
        data,
    )


@drawn(ONE_PROBLEM)
def samples_by_answer(n: int = 16) -> Drawing:
    """Scored samples of one problem by their answer: what a majority vote, a weighted vote and best-of-N pick.

    It is the first problem on which one of the three is right, with as many different picks as there are, and with at
    most seven answers, if there is one.
    """
    samples, scores = results.small_samples(), results.small_scores("prm")[:, :n]

    def picks(i: int) -> tuple[str | None, str | None, str | None]:
        group, its_scores = samples.solutions(i)[:n], scores[i].tolist()
        return majority_vote(group), weighted_vote(group, its_scores), group[int(np.argmax(its_scores))].answer

    def telling(i: int) -> tuple[bool, int, bool]:
        answers, picked = set(samples.answers[i, :n]), set(picks(i))
        return samples.problems[i].answer in picked, len(picked), len(answers) <= 7 and None not in answers

    i = max(np.flatnonzero(samples.correct[:, :n].any(axis=1)).tolist(), key=telling)
    vote, weighted, best = picks(i)
    group = samples.solutions(i)[:n]
    by_answer: dict[str, list[tuple[float, bool]]] = {}
    for solution, score in zip(group, scores[i], strict=True):
        by_answer.setdefault(solution.answer or "none", []).append((float(score), solution.correct))
    rows = sorted(by_answer.items(), key=lambda item: (-len(item[1]), item[0]))
    figure, axes = canvas(0.46 * len(rows) + 0.85)
    left, wide = 0.85, 2.9
    full = min(1.0, float(np.ceil(10 * scores[i].max()) / 10))  # the end of the axis
    for k, (answer, scored) in enumerate(rows):
        y = 0.46 * (len(rows) - k - 1) + 0.62
        right = scored[0][1]
        words(
            axes,
            left - 0.2,
            y,
            answer,
            ha="right",
            color=RIGHT if right else INK,
            weight="bold" if right else "normal",
        )
        axes.plot([left, left + wide], [y, y], color=INK, alpha=0.2, lw=0.8)
        for score, many in Counter(round(score, 2) for score, _ in scored).items():
            x = left + wide * score / full
            dot(axes, x, y, RIGHT if right else PASSED, ms=5 + 4 * many**0.5, alpha=0.75)
            if many > 1:
                words(axes, x, y, str(many), fontsize=8.5, color=PAGE, weight="bold")
        chosen = [
            (name, colour)
            for name, pick, colour in (
                ("majority vote", vote, COLOURS["majority"]),
                ("weighted vote", weighted, COLOURS["prm"]),
                (f"best-of-{n}", best, INK),
            )
            if pick == answer
        ]
        for m, (name, colour) in enumerate(chosen):
            words(
                axes,
                left + wide + 0.2,
                y + 0.17 * ((len(chosen) - 1) / 2 - m),
                name,
                ha="left",
                color=colour,
                weight="bold",
                fontsize=SMALL,
            )
    for score in (0, 0.5 * full, full):
        words(axes, left + wide * score / full, 0.33, f"{score:g}", fontsize=SMALL)
    words(axes, left + wide / 2, 0.12, "score by the PRM", fontsize=SMALL)
    words(axes, left - 0.2, 0.46 * len(rows) + 0.64, "answer", ha="right", fontsize=SMALL)
    words(axes, left + wide + 0.2, 0.46 * len(rows) + 0.64, "picked by", ha="left", fontsize=SMALL)
    data = pd.DataFrame(
        [(a, len(s), sum(x for x, _ in s), max(x for x, _ in s), yes(s[0][1])) for a, s in rows],
        columns=["answer", "samples", "sum of scores", "best score", "right"],
    )
    truth, apart = samples.problems[i].answer, len({vote, weighted, best})
    found = [
        name
        for name, pick in (("the majority vote", vote), ("the weighted vote", weighted), (f"best-of-{n}", best))
        if pick == truth
    ]
    return Drawing(
        figure,
        f"The same {n} scored samples, three ways to choose, "
        + ("three answers" if apart == 3 else "two answers" if apart == 2 else "one answer"),
        f"{n} samples of one problem, whose answer is {truth}. The majority vote picks {vote}, the weighted vote "
        f"{weighted}, best-of-{n} {best}: right is {' and '.join(found) or 'none'}.",
        data,
    )


@drawn(ONE_PROBLEM)
def how_rollouts_label(rollouts: int = 16, shown: int = 4) -> Drawing:
    """Labels of the steps of a wrong solution by rollouts: the share of continuations of each that end right.

    It is a solution of a problem that the model solves about half of the time.
    """
    i, j = _wrong_at(3, 5, rate=0.5)
    solution = results.small_samples().solutions(i)[j]
    policy, begun = load("small"), []
    for k in range(1, shown + 1):
        text = "".join(step + "\n" for step in solution.steps[:k])
        begun.append(
            [Solution(solution.problem, text, tuple(policy.tokenizer.encode(text)), finished=False, key=str(k))]
        )
    rolled = policy.rollout([solution.problem] * shown, begun, n=rollouts)
    ends = [sorted((s.correct for s in group), reverse=True) for group in rolled]
    labels = [float(np.mean(group)) for group in ends]
    figure, axes = canvas(0.45 * shown + 0.75)
    words(axes, 0.05, 0.45 * shown + 0.55, solution.problem.question, ha="left", fontsize=8.5)
    checks = solution.problem.check_steps(solution.steps)[:shown]
    for k, (text, right) in enumerate(zip(_said(solution)[:shown], checks, strict=True)):
        y = 0.45 * (shown - k - 1) + 0.22
        _write_step(axes, y + (0.07 if k == 2 else 0), text, right, k == 2)
        arrow(axes, (1.6, y), (1.9, y))
        for r, ok in enumerate(ends[k]):
            dot(axes, 2.1 + r * 0.165, y, RIGHT if ok else PASSED, ms=6, alpha=1 if ok else 0.45)
        words(axes, 4.78, y, f"{labels[k]:.0%}", ha="left", weight="bold")
    words(axes, 2.05, 0.45 * shown + 0.22, f"{rollouts} rollouts from here", ha="left", fontsize=SMALL)
    words(axes, 4.78, 0.45 * shown + 0.22, "label", ha="left", fontsize=SMALL)
    return Drawing(
        figure,
        "A rollout label is the share of continuations that end right",
        f"From the right step 2 of a real solution {labels[1]:.0%} of {rollouts} rollouts end right, from the wrong "
        f"step 3 on {labels[2]:.0%}.",
        pd.DataFrame({"step": _said(solution)[:shown], "right": [yes(x) for x in checks], "label": labels}),
    )
