"""Lists of solutions: grouped by problem, forked, and cut where a step ends."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .tasks.problem import Problem, Solution

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def step_end_of(problems: Sequence[Problem]) -> str:
    """The text that ends a step of these problems. Raises ValueError if their tasks differ in it."""
    if len(ends := {problem.step_end for problem in problems}) != 1:
        raise ValueError(f"problems that are run together must end their steps alike, not with {sorted(ends)}")
    return ends.pop()


def tokens_of(solution: Solution, tokenizer: "PreTrainedTokenizerBase") -> tuple[int, ...]:
    """Tokens of a solution; encoded from its text if they were not kept."""
    if solution.tokens:
        return solution.tokens
    end = [tokenizer.eos_token_id] if solution.finished else []
    return (*tokenizer.encode(solution.text, add_special_tokens=False), *end)


def is_step(before: Solution, after: Solution) -> bool:
    """Whether the text written between the two is a step. A blank line is one only if the problem counts it."""
    written = after.text[len(before.text) :]
    begins_line = not before.text or before.text.endswith(before.problem.step_end)
    return bool(written.strip()) or not begins_line or len(after.steps) > len(before.steps)


def restarted_key(solution: Solution) -> str:
    """The random stream of a restart of a solution.

    The recorded runs and the models in the pages use the same streams, so the name cannot change.
    """
    return f"{solution.key}/rewritten"


def text_of_steps(solution: Solution, steps: int) -> str:
    """The text of the first steps of a solution. Raises ValueError unless the solution has more steps."""
    if steps and not 0 < steps < len(solution.steps):
        raise ValueError(
            f"a restart of a solution of {len(solution.steps)} steps keeps fewer than all of them, not {steps}: "
            f"{solution.text!r}"
        )
    end, step_end = 0, solution.problem.step_end
    while len(solution.problem.read(solution.text[:end])[0]) < steps:
        end = solution.text.index(step_end, end) + len(step_end)
    return solution.text[:end]


def whole_at(problem: Problem, text: str, start: int) -> int | None:
    """End of the first line after index `start` at which the problem calls the solution complete; None without one."""
    step_end = problem.step_end
    end = text.find(step_end, start)
    while end >= 0:
        if problem.ended(text[: end + len(step_end)]):
            return end + len(step_end)
        end = text.find(step_end, end + 1)
    return None


def forks(solutions: Sequence[Solution]) -> list[Solution]:
    """The solutions, with a new random stream for every repetition of one."""
    seen: Counter[str] = Counter()
    forks = []
    for solution in solutions:
        copy = seen[solution.key]
        seen[solution.key] += 1
        forks.append(replace(solution, key=f"{solution.key}/{solution.length}.{copy}") if copy else solution)
    return forks


def grouped(
    problem: Problem | Sequence[Problem], solutions: Sequence[Solution] | Sequence[Sequence[Solution]]
) -> list[list[Solution]]:
    """The solutions as one list for each problem."""
    groups: Any = [solutions] if isinstance(problem, Problem) else solutions
    return [list(group) for group in groups]


def continued(problems: list[Problem], groups: list[list[Solution]], n: int) -> list[list[Solution]]:
    """n forks of every unfinished solution, as one list for each problem."""
    if n < 1 or len(groups) != len(problems):
        raise ValueError(f"n must be at least 1 and partials one list a problem, not {n} and {len(groups)} lists")
    check_problems(problems, groups)
    return [forks([solution for solution in group for _ in range(n)]) for group in groups]


def check_problems(problems: list[Problem], groups: Sequence[Sequence[Solution]]) -> None:
    """Raise ValueError if a solution belongs to another problem than its group."""
    for each, group in zip(problems, groups, strict=True):
        if strangers := [solution for solution in group if solution.problem.id != each.id]:
            raise ValueError(f"solutions must be of the problem {each.id!r}, not of {strangers[0].problem.id!r}")
