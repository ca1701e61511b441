"""No mutant of a right solution earns points, and nothing trivial does.

A mutant that earns points must be the same function: it has to do as the reference does on many arguments that the
checks did not draw (`exercise_inputs`). Some mutants of each exercise are tried here; all of them, and how many there
are of each kind, take some minutes:

    ALL_MUTANTS=1 pytest -rP tests/test_mutants.py
"""

import ast
import inspect
import os
import sys
from copy import deepcopy
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from exercise_inputs import INPUTS
from mutants import TRIVIAL, compiled, mutants, without_words
from worked_solutions import worked_solution

from ttclab.exercises import EXERCISES
from ttclab.exercises.chapters.arena import LEAD, best_baseline
from ttclab.exercises.exercise import Attempt, Exercise, Wrong, same
from ttclab.exercises.reply import reply
from ttclab.results.arena import OPTIONS

ALL = bool(os.environ.get("ALL_MUTANTS"))
TRIED = 40  # mutants of each program, unless all are
SEEDS = (0, 1, 2, 3) if ALL else (0, 7)
COMPARED = 1000  # calls, before a mutant counts as the same function

FUNCTIONS = [each for each in EXERCISES if each != "7.3"]  # all but the capstone, which is scored


def earns_points(exercise: Exercise, function: Any, seed: int) -> bool:
    """As `Exercise.assess` says, but only as far as the first mistake."""
    ask = partial(reply, function)
    if ask(deepcopy(exercise.example)) == {"value": None}:
        return False
    try:
        for check in exercise.checks:
            check.run(Attempt(ask, exercise), np.random.default_rng(seed))
    except Wrong:
        return False
    return True


@cache
def compared(exercise: str) -> list[tuple[tuple[Any, ...], Any]]:
    """Arguments, and what the reference replies."""
    rng = np.random.default_rng(99)
    arguments = [INPUTS[exercise](rng) for _ in range(COMPARED)]
    return [(each, reply(EXERCISES[exercise].reference, deepcopy(each))) for each in arguments]


def difference(exercise: str, function: Any) -> str | None:
    """A call that a function answers otherwise than the reference, or None."""
    for arguments, right in compared(exercise):
        answer = reply(function, deepcopy(arguments))
        if "raised" in right:
            agrees = answer.get("raised", "").split(":")[0] == right["raised"].split(":")[0]
        else:
            agrees = "value" in answer and same(answer["value"], right["value"])
        if not agrees:
            return f"{arguments}: {answer} for {right}"
    return None


def reference(exercise: Exercise) -> tuple[ast.Module, str, dict[str, Any]]:
    """The reference with the functions and constants of its module that it needs, its name, the module's names."""
    module = sys.modules[exercise.reference.__module__]
    tree, defined, needed = ast.parse(inspect.getsource(module)), {}, []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            stored = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            defined |= dict.fromkeys(stored, node)
    waiting = [exercise.reference.__name__]
    while waiting:
        node = defined.get(waiting.pop())
        if node and node not in needed:
            needed.append(node)
            waiting += [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    program = ast.Module([node for node in tree.body if node in needed], [])
    return without_words(program), exercise.reference.__name__, dict(vars(module))


def worked(exercise: Exercise) -> tuple[ast.Module, str, dict[str, Any]]:
    return without_words(ast.parse("\n".join(worked_solution(exercise.id)))), exercise.function, {}


@pytest.mark.parametrize("program", [reference, worked])
@pytest.mark.parametrize("exercise", FUNCTIONS)
def test_no_mutant_of_a_right_solution_earns_points(exercise, program):
    tree, name, names = program(EXERCISES[exercise])
    every = list(mutants(tree))
    tried = every if ALL else every[:: max(1, len(every) // TRIED)]
    unreadable, wrong, equivalent = 0, [], 0
    for mutant in tried:
        try:
            function = compiled(mutant.tree, name, names)
        except Exception:
            unreadable += 1
            continue
        if any(earns_points(EXERCISES[exercise], function, seed) for seed in SEEDS):
            differs = difference(exercise, function)
            equivalent += differs is None
            wrong += [f"{mutant.name}\n    {differs}"] if differs else []
    print(f"{exercise}: {len(tried)} of {len(every)} mutants, {equivalent} of them equivalent, {unreadable} no program")
    assert not wrong, "\n".join(wrong)
    assert len(every) > 30
    assert equivalent < 0.4 * len(tried)  # or the arguments that are compared tell too little


@pytest.mark.parametrize("exercise", FUNCTIONS)
def test_nothing_trivial_earns_points(exercise):
    assert [name for name, each in TRIVIAL.items() if earns_points(EXERCISES[exercise], each, 0)] == []


@pytest.mark.parametrize("exercise", FUNCTIONS)
def test_no_other_exercises_solution_earns_points(exercise):
    def others(of):
        return [each for each in FUNCTIONS if each != exercise and len(EXERCISES[each].parameters) == of]

    asked = EXERCISES[exercise]
    assert not any(earns_points(asked, EXERCISES[each].reference, 0) for each in others(len(asked.parameters)))


@pytest.mark.parametrize("exercise", FUNCTIONS)
def test_the_compared_arguments_bring_many_answers(exercise):
    """Else a mutant could pass for the same function."""
    answers = [str(answer.get("value", "raised")) for _, answer in compared(exercise)]
    assert len(set(answers)) > 2
    assert max(answers.count(each) for each in set(answers)) < 0.8 * COMPARED


SOURCE = """
def share(values, limit):
    if limit < 1:
        raise ValueError(f"a limit of 1 or more, not {limit}")
    kept = [value for value in values[:limit] if value > 0]
    while len(kept) > 3:
        kept.pop()
    return sum(kept) / len(values)
"""


def test_the_mutants_of_a_program_hold_the_mistakes_that_learners_make():
    programs = [ast.unparse(mutant.tree) for mutant in mutants(without_words(ast.parse(SOURCE)))]
    for line in (
        *("if limit <= 1:", "if limit < 2:", "if False:", "return sum(kept) / (len(values) - 1)", "values[:limit + 1]"),
        *("return sum(kept) / len(kept)", "return sum(values) / len(values)", "return len(kept) / len(values)"),
        *("[value for value in values[:limit]]", "[value for value in values if value > 0]", "return None"),
        *("if value >= 0]", "while True:", "return sum(kept)\n", "return sum(kept) / (len(values) + 1)"),
    ):
        assert any(line in program + "\n" for program in programs), line
    assert len({*programs}) > 60 and ast.unparse(ast.parse(SOURCE)) not in programs


def test_a_mutant_that_never_ends_is_ended():
    endless = compiled(ast.parse("def f(n):\n    while True: n += 1"), "f", {})
    walk = compiled(
        ast.parse("from itertools import count\ndef f(n):\n    return next(i for i in count() if i < 0)"), "f", {}
    )
    assert reply(endless, [1]) == reply(walk, [1]) == {"raised": "RuntimeError: an endless loop"}


# The capstone has no right answers, only a score: a mutant that earns points must be ahead of the baselines elsewhere.


def lead(policy, seed):
    """How far ahead of the best baseline a policy is; −1 if it breaks the rules."""
    report = EXERCISES["7.3"].assess(partial(reply, policy), seed)
    return report.score.above - best_baseline(seed) if report.findings and report.score else -1.0


@pytest.mark.parametrize("program", [reference, worked])
def test_a_mutant_of_a_policy_earns_points_only_if_it_is_ahead_on_other_problems_too(program):
    tree, name, names = program(EXERCISES["7.3"])
    every = list(mutants(tree))
    tried, paid, wrong = every if ALL else every[:: max(1, len(every) // TRIED)], 0, []
    for mutant in tried:
        function = compiled(mutant.tree, name, names)
        if any(EXERCISES["7.3"].assess(partial(reply, function), seed).points for seed in SEEDS):
            ahead = np.mean([lead(function, seed) for seed in (100, 101, 102)])
            paid += 1
            wrong += [f"{mutant.name}: {100 * ahead:.2f} points ahead"] if ahead < LEAD / 2 else []
    print(f"7.3: {len(tried)} of {len(every)} mutants, {paid} of them are ahead of the baselines and earn points")
    assert not wrong, "\n".join(wrong)
    assert paid < 0.7 * len(tried)


MOVES = {f"always {option}": lambda *_, option=option: list(option) for option in OPTIONS}
AFFORDABLE = {f"{N} x {1 + T} while they last": lambda d, left, n, N=N, T=T: [N, T] if left >= N * (1 + T) else [0, 0]
              for N, T in OPTIONS}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_no_trivial_policy_earns_points(seed):
    policies = TRIVIAL | MOVES | AFFORDABLE
    earned = {name: EXERCISES["7.3"].assess(partial(reply, each), seed).points for name, each in policies.items()}
    assert not any(earned.values()), earned
