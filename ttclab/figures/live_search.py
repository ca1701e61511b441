"""The figure of the live search: samples as a prefix tree, as the simulator "Watch it search" draws them in a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import bank, results
from ..explorables import shipped_data
from ..explorables.watch_search import N
from ..sampling import Result
from ..tasks.arithmetic import ArithmeticProblem
from ..tasks.problem import Solution
from .drawing import ONE_PROBLEM, Drawing, drawn
from .shapes import SMALL, WIDTH, WRONG, canvas, words, yes
from .style import COLOURS, DASHED, INK, PAGE

RIGHT = COLOURS["oracle"]
SIGNS = {"+": "+", "-": "−", "*": "×"}
ROW = 0.3
LEFT, BESIDE = 0.25, 2.6  # units left of the first step, and right of the last one
COUNT, SUM = WIDTH - 2.06, WIDTH - 1.38  # where the numbers of samples and the sums of their scores stand
RULES = {"majority": "vote", "prm": "verifier"}


@dataclass
class _Node:
    """A step that was written, with all before it."""

    steps: tuple[str, ...] = ()
    right: bool = True
    score: float = 0.0
    count: int = 0
    row: float = 0.0
    children: dict[str, "_Node"] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """The total after the last step."""
        return self.steps[-1].rpartition("=")[2].lstrip("0")

    def place(self, rows: int = 0) -> int:
        """Give every leaf below a row, from the most written branch down; returns how many rows are taken."""
        children = sorted(self.children.values(), key=lambda child: (-child.count, child.steps))
        if not children:
            self.row = rows
            return rows + 1
        for child in children:
            rows = child.place(rows)
        self.row = (children[0].row + children[-1].row) / 2
        return rows


def sample_tree(
    problem: ArithmeticProblem,
    solutions: Sequence[Solution],
    scores: Sequence[Sequence[float]],
    choices: Mapping[str, str | None] | None = None,
) -> Figure:
    """Draw samples of one problem as a prefix tree: one column per step, one row per different solution.

    Right of each row stand the number of samples that end there and the sum of the scores of their last steps.

    Parameters
    ----------
    problem : ArithmeticProblem
        Its operations head the columns.
    solutions : sequence of Solution
        Finished solutions of the problem.
    scores : sequence of sequence of float
        A verifier's score of each of their steps; the thicker a line, the higher the score.
    choices : mapping, optional
        The answer that a rule chooses, by the rule: "majority", "prm". Its solutions are marked.

    Raises
    ------
    ValueError
        If there are no solutions, or not one list of scores for each.
    """
    if not solutions or len(scores) != len(solutions):
        raise ValueError(f"a tree needs solutions with scores for each, not {len(solutions)} and {len(scores)}")
    root = _Node()
    for solution, steps in zip(solutions, scores, strict=True):
        node = root
        for i, right in enumerate(problem.check_steps(solution.steps)):
            beginning = solution.steps[: i + 1]
            node = node.children.setdefault(beginning[-1], _Node(beginning, right))
            node.score, node.count = steps[i], node.count + 1
    rows = root.place()
    figure, axes = canvas(ROW * (rows + 1.5) + 0.1)
    axes.set_ylim(rows - 0.4, -1.7)
    column = (WIDTH - LEFT - BESIDE) / len(problem.solution_steps)
    words(axes, LEFT, -1, "start")
    for i, step in enumerate(problem.solution_steps):
        words(axes, LEFT + column * (i + 1), -1, f"{SIGNS[step[0]]}{int(step[1:3])}")
    words(axes, COUNT, -1, "samples", fontsize=SMALL)
    words(axes, SUM, -1, "sum of\nscores", fontsize=SMALL)
    words(axes, LEFT, root.row, str(int(problem.id[:3])), fontsize=SMALL, bbox=_pill(INK, "-"), zorder=2)
    _draw(axes, root, column)
    chosen = {rule: [leaf for leaf in _leaves(root) if leaf.answer == a] for rule, a in (choices or {}).items()}
    chosen = {rule: leaves for rule, leaves in chosen.items() if leaves}
    for (rule, leaves), row in zip(
        chosen.items(), _apart([_middle(leaves) for leaves in chosen.values()]), strict=True
    ):
        _mark(axes, rule, leaves, row)
    return figure


def _pill(colour: str, line: Any) -> dict[str, Any]:
    return {"boxstyle": "round,pad=0.22", "fc": PAGE, "ec": colour, "ls": line}


def _leaves(node: _Node) -> list[_Node]:
    """The ends of the solutions below a node."""
    return [leaf for child in node.children.values() for leaf in _leaves(child)] if node.children else [node]


def _middle(leaves: Sequence[_Node]) -> float:
    """The row in the middle of the solutions."""
    return (leaves[0].row + leaves[-1].row) / 2


def _apart(rows: Sequence[float], least: float = 1.5) -> list[float]:
    """Rows of two labels of two lines, moved apart if they would overlap."""
    if len(rows) != 2 or abs(rows[1] - rows[0]) >= least:
        return list(rows)
    middle, half = sum(rows) / 2, least / 2
    return [middle - half, middle + half] if rows[0] <= rows[1] else [middle + half, middle - half]


def _mark(axes: Axes, rule: str, leaves: Sequence[_Node], label: float) -> None:
    """Mark the solutions whose answer a rule chooses, right of their counts, with a label at a row."""
    rows, x, colour = [leaf.row for leaf in leaves], WIDTH - 0.98, COLOURS[rule]
    for row in rows:
        axes.plot([x - 0.08, x], [row, row], color=colour, lw=2.4)
    axes.plot([x, x], [min(rows) - 0.25, max(rows) + 0.25], color=colour, lw=2.4)
    text = f"{RULES[rule]}:\n{leaves[0].answer}"
    words(axes, x + 0.08, label, text, ha="left", color=colour, weight="bold")


def _draw(axes: Axes, node: _Node, column: float) -> None:
    """Draw what follows a node, a step every so many units."""
    x = LEFT + column * len(node.steps)
    for child in node.children.values():
        colour, line = (RIGHT, "-") if child.right else (WRONG, DASHED)
        bend = np.linspace(0, 1, 20)
        rise = node.row + (child.row - node.row) * (3 * bend**2 - 2 * bend**3)
        axes.plot(x + column * bend, rise, color=colour, lw=0.8 + 5 * child.score, zorder=1)
        words(axes, x + column, child.row, child.answer, fontsize=SMALL, bbox=_pill(colour, line), zorder=2)
        if not child.children:
            words(axes, COUNT, child.row, f"{child.count} {'✓' if child.right else '✗'}", fontsize=SMALL)
            words(axes, SUM, child.row, f"{child.count * child.score:.2f}", fontsize=SMALL)
        _draw(axes, child, column)


@drawn(ONE_PROBLEM)
def samples_as_a_tree() -> Drawing:
    """The first view of "Watch it search": the recorded samples of its first problem, and what two rules choose."""
    name = shipped_data("watch_search")["problems"][0]["id"]
    samples = bank.load("small", "test")
    place = [problem.id for problem in samples.problems].index(name)
    problem = ArithmeticProblem.from_expression(name)
    solutions, scores = samples.solutions(place)[:N], bank.load_scores("prm", "small-test")[place][:N]
    last = results.small_scores("prm")[place, :N].tolist()
    vote, weighted = (Result.chosen(choose, solutions, last) for choose in ("majority", "weighted"))
    chosen = {"a vote": vote, "a vote weighted by the verifier's scores": weighted}
    said = [f"{rule} chooses {result.answer or 'none'}" for rule, result in chosen.items()]
    finding = (
        f"{N} samples of one problem: the vote is wrong, the verifier finds the answer"
        if weighted.correct and not vote.correct
        else f"{N} samples of one problem, as a vote and a verifier see them"
    )
    by_answer: dict[str, list[float]] = {}
    for solution, score in zip(solutions, last, strict=True):
        by_answer.setdefault(solution.answer or "none", []).append(score)
    data = pd.DataFrame(
        [(each, len(got), sum(got), yes(each == problem.answer)) for each, got in by_answer.items()],
        columns=["answer", "samples", "sum of scores", "right"],
    )
    shown_by = f"{problem.question} The answer is {problem.answer}: {', '.join(said)}."
    tree = sample_tree(problem, solutions, scores, {"majority": vote.answer, "prm": weighted.answer})
    axes, height = tree.axes[0], tree.get_figheight()
    words(axes, LEFT - 0.2, -2.05, problem.question, ha="left", fontsize=SMALL)
    taller = (axes.get_ylim()[0] + 2.5) / (axes.get_ylim()[0] + 1.7)  # than the tree: a row for the problem
    axes.set_ylim(axes.get_ylim()[0], -2.5)
    tree.set_figheight(height * taller)
    return Drawing(tree, finding, shown_by, data)
