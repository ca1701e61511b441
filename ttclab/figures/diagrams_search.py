"""Diagrams of chapter 3: the trees of real searches, grown live from a fixed seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .. import results
from ..beam_search import beam_search
from ..models import load
from ..problems import Problem, Solution, load_problems
from ..verifiers import load_verifier
from .drawing import ONE_PROBLEM, Drawing, drawn
from .shapes import RIGHT, SMALL, WIDTH, WRONG, arrow, canvas, dot, words, yes
from .style import COLOURS, INK

CANDIDATES = 24  # test problems that are searched together, and of which one is shown
HARD = 0.25  # the pass rate of problems on which a search has right and wrong steps to choose from
END = "end of text"  # what a solution writes after its last step
COLUMNS = ["step", "written", "right so far", "score", "kept", "places"]


@dataclass
class Node:
    """A beginning of a solution in a search: where it grew, its score, and whether the search continued it."""

    solution: Solution
    parent: int | None
    depth: int
    score: float = 0.0
    kept: bool = False

    @property
    def right(self) -> bool:
        """Whether every step is right."""
        return all(self.solution.problem.check_steps(self.solution.steps))

    @property
    def alive(self) -> bool:
        """Whether it was not dropped."""
        return self.kept or self.solution.finished


@dataclass
class Watched:
    """A policy and a verifier in one: hands every call of a search on, and keeps the trees, by problem."""

    policy: Any
    verifier: Any
    trees: dict[str, list[Node]] = field(default_factory=dict)
    places: dict[int, tuple[Solution, int]] = field(default_factory=dict)

    def generate_step(self, problems: Any, partials: Any = None, **options: Any) -> list[list[Solution]]:
        groups: list[list[Solution]] = self.policy.generate_step(problems, partials, **options)
        begun = [[None] * len(group) for group in groups] if partials is None else partials
        for problem, solutions, before in zip(problems, groups, begun, strict=True):
            nodes = self.trees.setdefault(problem.id, [])
            for solution, partial in zip(solutions, before, strict=True):
                parent = None if partial is None else self.places[id(partial)][1]
                if parent is not None:
                    nodes[parent].kept = True
                self.places[id(solution)] = solution, len(nodes)
                nodes.append(Node(solution, parent, 0 if parent is None else nodes[parent].depth + 1))
        return groups

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        scores: list[list[float]] = self.verifier.score_steps(solutions)
        for solution, steps in zip(solutions, scores, strict=True):
            self.trees[solution.problem.id][self.places[id(solution)][1]].score = steps[-1]
        return scores

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        return [steps[-1] for steps in self.score_steps(solutions)]


@cache
def searched(steps: int, N: int, M: int, rate: float | None = None) -> list[tuple[Problem, list[Node], str | None]]:
    """Beam searches of test problems of so many steps: each with its tree and the answer that was picked.

    They are the first ones, or those whose recorded pass rates are nearest to `rate`.
    """
    problems = load_problems("test")
    if rate is not None:
        samples = results.small_samples()
        order = np.argsort(np.abs(samples.correct.mean(axis=1) - rate), kind="stable")
        problems = [samples.problems[i] for i in order]
    problems = [p for p in problems if len(p.solution_text.splitlines()) == steps][:CANDIDATES]
    watched: Any = Watched(load("small"), load_verifier("prm"))
    found = beam_search(watched, watched, problems, N, M, seed=0)
    return [(p, watched.trees[p.id], result.answer) for p, result in zip(problems, found, strict=True)]


def draw_tree(axes: Axes, nodes: list[Node], left: float, bottom: float, wide: float, high: float) -> None:
    """Draw a tree from left to right: dropped branches faded, sizes by score."""
    depths = max(node.depth for node in nodes) + 1
    levels = [[k for k, node in enumerate(nodes) if node.depth == depth] for depth in range(depths)]
    most = max(map(len, levels))
    rows: dict[int | None, float] = {None: 0.0}
    for level in levels:
        level.sort(key=lambda k: (-rows[nodes[k].parent], not nodes[k].kept, not nodes[k].right, k))
        for place, k in enumerate(level):
            rows[k] = bottom + high * (1 - (place + 0.5 + (most - len(level)) / 2) / most)
    at = {k: (left + wide * (node.depth + 0.5) / depths, rows[k]) for k, node in enumerate(nodes)}
    grown = [(k, node, node.parent) for k, node in enumerate(nodes) if node.parent is not None]
    for alive, alpha in ((False, 0.25), (True, 0.7)):
        for score in (0.0, 0.5, 1.0):  # one path for all branches of a look keeps the file small
            ends = [
                (at[parent], at[k])
                for k, node, parent in grown
                if (node.alive, round(2 * node.score) / 2) == (alive, score)
            ]
            if ends:
                x, y = np.array([[*pair, (np.nan, np.nan)] for pair in ends]).reshape(-1, 2).T
                axes.plot(x, y, color=INK, alpha=alpha, lw=0.5 + 1.5 * score)
    size = min(7.0, 33 * high / most)
    for right, colour in ((False, WRONG), (True, RIGHT)):
        for alive, alpha in ((False, 0.5), (True, 1.0)):
            shown = [k for k, node in enumerate(nodes) if (node.right, node.alive) == (right, alive)]
            areas = [(size * (0.8 + 0.35 * round(2 * nodes[k].score) / 2)) ** 2 for k in shown]
            x, y = np.array([at[k] for k in shown]).reshape(-1, 2).T
            axes.scatter(x, y, s=areas, c=colour, alpha=alpha, lw=0, zorder=3)


def _legend(axes: Axes, y: float = 0.15) -> None:
    """What the dots of a tree mean."""
    words(axes, 0.15, y, "● right so far", color=RIGHT, ha="left", weight="bold")
    words(axes, 1.6, y, "● wrong", color=WRONG, ha="left", weight="bold")
    words(axes, 2.65, y, "size: score", ha="left")
    words(axes, 3.95, y, "faded: dropped", ha="left", alpha=0.6)


def rows_of(nodes: list[Node]) -> list[tuple[object, ...]]:
    """The rows of a table: beginnings of equal text and fate together."""
    counted: dict[tuple[object, ...], int] = {}
    for node in nodes:
        step = (str(node.solution).splitlines() or [""])[-1]
        kind = END if node.solution.finished else str(node.depth + 1)
        row = (kind, step, yes(node.right), f"{node.score:.2f}", yes(node.alive))
        counted[row] = counted.get(row, 0) + 1
    return [(*row, count) for row, count in counted.items()]


@drawn(ONE_PROBLEM)
def how_a_beam_prunes(N: int = 8, M: int = 4, steps: int = 4) -> Drawing:
    """The tree of a real beam search of one problem.

    Of `CANDIDATES` hard test problems with so many steps, it is one on which the search keeps a wrong beginning beside
    a right one, drops it later, and ends with right solutions alone. Of these, it is the one that drops wrong
    beginnings after most steps, and most of them.
    """

    def dropped(nodes: list[Node], right: bool) -> int:
        return sum(not node.alive and node.right == right for node in nodes)

    def contested(nodes: list[Node], depth: int) -> bool:
        return len({node.right for node in nodes if node.depth == depth and node.kept}) == 2

    def telling(each: tuple[Problem, list[Node], str | None]) -> tuple[bool, bool, int, int]:
        _, nodes, _ = each
        decided = any(contested(nodes, depth) for depth in range(steps))
        steps_with = {node.depth for node in nodes if not node.alive and not node.right}
        return ends_right(nodes), decided, len(steps_with), dropped(nodes, False)

    def ends_right(nodes: list[Node]) -> bool:
        return all(node.right for node in nodes if node.solution.finished)

    problem, nodes, answer = max(searched(steps, N, M, HARD), key=telling)
    right_ones = {(node.depth, node.solution.text) for node in nodes if node.right}
    alike = len(right_ones) == len({depth for depth, _ in right_ones})
    figure, axes = canvas(4.05)
    draw_tree(axes, nodes, 0.0, 0.55, WIDTH, 2.4)
    words(axes, 0.15, 3.9, problem.question, ha="left", fontsize=8.5)
    words(axes, 0.15, 3.67, f"N = {N} places, M = {M}: {N // M} are kept after each step.", ha="left", fontsize=8.5)
    if alike:
        words(axes, 0.15, 3.44, "All green dots of a column are copies of one step.", ha="left", fontsize=8.5)
    depths = max(node.depth for node in nodes) + 1
    for depth in range(depths):
        name = END if all(n.solution.finished for n in nodes if n.depth == depth) else f"step {depth + 1}"
        words(axes, WIDTH * (depth + 0.5) / depths, 3.13, name, fontsize=SMALL)
    _legend(axes, 0.25)
    lost, begun = dropped(nodes, False), sum(node.right for node in nodes if node.depth == 0)
    finding = f"After each step, {N // M} of {N} beginnings are kept" + (
        ""
        if not ends_right(nodes)
        else ": here, the only right first step takes over all places"
        if begun == 1
        else ": here, right ones take over all places"
    )
    return Drawing(
        figure,
        finding,
        f"A beam search of {N} places keeps {N // M} beginnings per step and continues each {M} times. On "
        f"“{problem.question}” it drops {lost} wrong beginnings and {dropped(nodes, True)} right ones, and answers "
        f"{answer}.",
        pd.DataFrame(rows_of(nodes), columns=COLUMNS),
    )


@drawn
def how_lookahead_scores() -> Drawing:
    """A step scored where it stands, and a step scored where one greedy step from it leads."""
    figure, axes = canvas(1.9)
    for k, (name, steps) in enumerate((("beam search", 0), ("lookahead, k = 1", 1))):
        x, y = 0.35 + k * 2.75, 1.1
        words(axes, x - 0.15, 1.7, name, ha="left", weight="bold")
        dot(axes, x, y, INK, ms=9)
        words(axes, x, 1.38, "so far", fontsize=SMALL)
        arrow(axes, (x + 0.12, y), (x + 0.66, y))
        dot(axes, x + 0.8, y, COLOURS["beam"], ms=13)
        words(axes, x + 0.8, 1.38, "step", fontsize=SMALL)
        if steps:
            arrow(axes, (x + 0.95, y), (x + 1.46, y), ls=(0, (2, 1.5)))
            dot(axes, x + 1.6, y, COLOURS["beam"], ms=11, mfc="none", mec=COLOURS["beam"], mew=1.5)
            words(axes, x + 1.6, 1.38, "next step", fontsize=SMALL)
            words(axes, x + 1.2, y - 0.2, "greedy", fontsize=SMALL)
        seen = x + 0.8 + 0.8 * steps
        arrow(axes, (seen, 0.62), (seen, y - 0.14), COLOURS["prm"])
        words(axes, seen, 0.46, "PRM", color=COLOURS["prm"], weight="bold")
        words(axes, x - 0.15, 0.14, "N generations" if not steps else "2N generations", ha="left", fontsize=SMALL)
    return Drawing(
        figure,
        "Lookahead scores a step by where it leads, and pays for the way there",
        "Beam search scores a step as it stands, for N generations; lookahead of one step rolls one greedy step out "
        "and scores that, for 2N.",
    )
