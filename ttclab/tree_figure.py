"""The figure of a search: the prefix tree of samples, as the simulator "Watch it search" draws it in a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .plots import COLOURS, INK, STYLE, Shown, show
from .sampling import CHOICES, Result
from .tasks.arithmetic import ArithmeticProblem
from .tasks.problem import Solution

SIGNS = {"+": "+", "-": "−", "*": "×"}


@dataclass
class _Node:
    """A step that was written, with all before it."""

    steps: tuple[str, ...] = ()
    right: bool = True
    score: float = 0.0
    count: int = 0
    row: float = 0.0
    children: dict[str, "_Node"] = field(default_factory=dict)

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


def sample_tree(solutions: Sequence[Solution], scores: Sequence[Sequence[float]], *, title: str) -> Figure:
    """Samples of one arithmetic problem as a prefix tree: a column a step, a row a solution.

    Parameters
    ----------
    solutions : sequence of Solution
        Finished solutions of one problem.
    scores : sequence of sequence of float
        A verifier's score of each of their steps; the thicker a line, the higher the score.
    title : str
        The finding.

    Raises
    ------
    ValueError
        If there are no solutions, or not one list of scores for each.
    """
    if not solutions or len(scores) != len(solutions):
        raise ValueError(f"a tree needs solutions with scores for each, not {len(solutions)} and {len(scores)}")
    problem = solutions[0].problem
    assert isinstance(problem, ArithmeticProblem), "the columns are its operations"
    root = _Node()
    for solution, steps in zip(solutions, scores, strict=True):
        node = root
        for i, right in enumerate(solution.problem.check_steps(solution.steps)):
            beginning = solution.steps[: i + 1]
            node = node.children.setdefault(beginning[-1], _Node(beginning, right))
            node.score, node.count = steps[i], node.count + 1
    rows = root.place()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 0.9 + 0.27 * rows))
        axes = figure.add_subplot(title=title)
    axes.set(xlim=(-0.1, max(len(s.steps) for s in solutions) + 0.75), ylim=(rows - 0.4, -1.1))
    axes.axis("off")
    for i, step in enumerate(problem.solution_steps):
        axes.text(i + 1, -0.75, f"{SIGNS[step[0]]}{int(step[1:3])}", ha="center", fontsize=10)
    axes.plot(0, root.row, "o", color=INK, ms=6)
    _draw(axes, root)
    return figure


def _draw(axes: Axes, node: _Node) -> None:
    """Draw what follows a node."""
    for child in node.children.values():
        colour = COLOURS["oracle" if child.right else "revision"]
        x, y = len(node.steps), node.row
        axes.plot([x, x + 0.5, x + 1], [y, child.row, child.row], color=colour, lw=0.7 + 5 * child.score, zorder=1)
        box = {"boxstyle": "round,pad=0.25", "fc": "white", "ec": colour, "ls": "-" if child.right else "--"}
        total = child.steps[-1].rpartition("=")[2].lstrip("0")
        axes.text(x + 1, child.row, total, ha="center", va="center", fontsize=9, color="#222", bbox=box, zorder=2)
        if not child.children:
            axes.text(x + 1.3, child.row, f"×{child.count}", va="center", fontsize=9)
        _draw(axes, child)


def search_picture() -> Shown:
    """The first view of "Watch it search": the recorded samples of its first problem, with what three rules choose."""
    from . import bank
    from .explorables import shipped_data
    from .explorables.watch_search import N

    name = shipped_data("watch_search")["problems"][0]["id"]
    samples = bank.load("small", "test")
    place = next(i for i, problem in enumerate(samples.problems) if problem.id == name)
    solutions, scores = samples.solutions(place)[:N], bank.load_scores("prm", "small-test")[place][:N]
    last = [steps[-1] if steps else 0.0 for steps in scores]
    best, _, vote = (Result.chosen(choose, solutions, last) for choose in CHOICES)
    answer = samples.problems[place].answer
    said = {
        rule: f"{result.answer}, {'right' if result.correct else 'wrong'}"
        for rule, result in (("vote", vote), ("PRM", best))
    }
    alt = (
        f"{N} samples of one problem as a tree, whose lines are as thick as the verifier's scores. "
        f"The answer is {answer}. A vote gives {said['vote']}; the best score of the PRM gives {said['PRM']}."
    )
    title = f"{N} samples, one problem: a vote says {vote.answer}, the verifier finds {best.answer}"
    return show(sample_tree(solutions, scores, title=title), alt)
