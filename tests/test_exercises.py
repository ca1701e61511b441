"""The checks of the exercises: every right solution passes, every known mistake fails and is told what is wrong."""

import ast
import json
import math
import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from functools import partial, reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ttclab.exercises import EXERCISES, VISIBLE_SEED, check
from ttclab.exercises.exercise import Report, plain, reply

ROOT = Path(__file__).parents[1]
SEEDS = range(VISIBLE_SEED, VISIBLE_SEED + 12)
with np.errstate(over="ignore"):
    FACTORIALS = np.cumprod([1.0, *range(1, 1001)])  # inf from 171! on


class Mistake(NamedTuple):
    """A plausible wrong solution, the checks it must fail, and words that its message must contain."""

    name: str
    function: Callable[..., Any]
    fails: set[str]
    words: str


def by_product(n, c, k, factors):
    return 1 - math.prod((n - c - i) / (n - i) for i in range(factors))


def float_binomials(n, c, k):
    def choose(a, b):
        return FACTORIALS[a] / (FACTORIALS[b] * FACTORIALS[a - b]) if b <= a else 0.0

    return 1 - choose(n - c, k) / choose(n, k)


def integer_binomials(n, c, k):
    def choose(a, b):
        return np.prod(np.arange(a - b + 1, a + 1)) // np.prod(np.arange(1, b + 1)) if b <= a else 0

    return 1 - choose(n - c, k) / choose(n, k)


def factorials_without_the_edge(n, c, k):
    f = math.factorial
    return 1 - Fraction(f(n - c) * f(n - k), f(n - c - k) * f(n))


def no_return_at_the_edge(n, c, k):
    if n - c >= k:
        return 1 - math.comb(n - c, k) / math.comb(n, k)


ALL = {"edges", "small cases, counted by hand", "no bias", "n = 1000"}


def exact(n, c, k):
    return 1 - math.comb(n - c, k) / math.comb(n, k)


MISTAKES = {
    "2.1": [
        Mistake("puts samples back", lambda n, c, k: 1 - (1 - c / n) ** k, ALL, "too low by"),
        Mistake(
            "off by one: a factor too few", lambda n, c, k: by_product(n, c, k, k - 1), ALL, "every sample is right"
        ),
        Mistake(
            "off by one: a factor too many", lambda n, c, k: by_product(n, c, k, k + 1), ALL, "raised ZeroDivision"
        ),
        Mistake("off by one: k - 1 allowed", lambda n, c, k: exact(n, c, k - 1), ALL, "too low by"),
        Mistake("overflow: float factorials", float_binomials, {"n = 1000"}, "overflows"),
        Mistake("overflow: 64-bit binomials", integer_binomials, {"n = 1000"}, "overflows"),
        Mistake(
            "ignores n - c < k",
            factorials_without_the_edge,
            ALL - {"small cases, counted by hand"},
            "raised ValueError",
        ),
        Mistake(
            "no return if n - c < k", no_return_at_the_edge, ALL - {"small cases, counted by hand"}, "returned nothing"
        ),
        Mistake("k times pass@1", lambda n, c, k: c / n * k, ALL, "not a number from 0 to 1"),
        Mistake("k times pass@1, at most 1", lambda n, c, k: min(1.0, c / n * k), ALL - {"edges"}, "hold a right one"),
        Mistake("all k wrong", lambda n, c, k: math.comb(n - c, k) / math.comb(n, k), ALL, "no sample is right"),
        Mistake("all k right", lambda n, c, k: math.comb(c, k) / math.comb(n, k), ALL, "always hold a right one"),
        Mistake("pass@1 for every k", lambda n, c, k: c / n, ALL, "too low by"),
        Mistake("any right one is enough", lambda n, c, k: float(c > 0), ALL, "too high by"),
        Mistake("in percent", lambda n, c, k: 100 * exact(n, c, k), ALL, "returned 100, not a number from 0 to 1"),
        Mistake("rounded", lambda n, c, k: round(exact(n, c, k), 3), ALL, "returned 0.333. 0.3333 is right"),
        Mistake(
            "single precision",
            lambda n, c, k: np.float32(exact(n, c, k)),
            ALL,
            "returned 0.333333343. 0.333333333 is right",
        ),
        Mistake("as text", lambda n, c, k: f"{exact(n, c, k)}", ALL, "not a number"),
        Mistake("as a truth value", lambda n, c, k: n - c < k, ALL, "returned False, not a number"),
        Mistake("always nan", lambda n, c, k: math.nan, ALL, "returned nan, not a number from 0 to 1"),
    ]
}

RIGHT = {
    "2.1": {
        "reference": EXERCISES["2.1"].reference,
        "whole numbers": exact,
        "product": lambda n, c, k: 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)),
        "product the other way": lambda n, c, k: by_product(n, c, k, k),
        "log-gamma": lambda n, c, k: (
            1.0
            if n - c < k
            else 1
            - math.exp(sum(s * math.lgamma(x + 1) for s, x in ((1, n - c), (1, n - k), (-1, n - c - k), (-1, n))))
        ),
        "fractions": lambda n, c, k: (
            1 - reduce(lambda m, i: m * Fraction(max(n - c - i, 0), n - i), range(k), Fraction(1))
        ),
        "numpy scalar": lambda n, c, k: np.float64(exact(n, c, k)),
        "numpy array of no dimensions": lambda n, c, k: np.array(exact(n, c, k)),
    }
}

STUBS = {
    "2.1": [lambda n, c, k: None, lambda n, c, k: ..., lambda n, c, k: (_ for _ in ()).throw(NotImplementedError)],
}


def cases(table):
    return [pytest.param(i, row, id=f"{i}-{row.name}") for i, rows in table.items() for row in rows]


def judge(exercise: str, function: Callable[..., Any], seed: int = VISIBLE_SEED) -> Report:
    return EXERCISES[exercise].judge(partial(reply, function), seed)


def failed(report: Report) -> set[str]:
    return {finding.check for finding in report.findings if finding.wrong}


def test_every_exercise_is_tested_here():
    assert set(MISTAKES) == set(RIGHT) == set(STUBS) == set(EXERCISES)
    assert all(len(MISTAKES[i]) >= 5 and len(RIGHT[i]) >= 2 and STUBS[i] for i in EXERCISES)


@pytest.mark.parametrize(
    ("exercise", "function"), [pytest.param(i, f, id=f"{i}-{name}") for i in RIGHT for name, f in RIGHT[i].items()]
)
def test_a_right_solution_in_any_style_earns_full_points_on_every_seed(exercise, function):
    for seed in SEEDS:
        report = judge(exercise, function, seed)
        assert report.points == EXERCISES[exercise].points, report


@pytest.mark.parametrize(("exercise", "mistake"), cases(MISTAKES))
def test_a_known_mistake_earns_nothing_and_is_told_what_is_wrong(exercise, mistake):
    report = judge(exercise, mistake.function)
    assert (report.points, failed(report)) == (0, mistake.fails)
    assert mistake.words in " ".join(str(report).split())
    assert EXERCISES[exercise].hint in " ".join(str(report).split())


@pytest.mark.parametrize(("exercise", "mistake"), cases(MISTAKES))
def test_hidden_seeds_agree_with_the_visible_one(exercise, mistake):
    for seed in SEEDS:
        assert failed(judge(exercise, mistake.function, seed)) == mistake.fails


@pytest.mark.parametrize(("exercise", "stub"), [(i, stub) for i in STUBS for stub in STUBS[i]])
def test_an_empty_stub_is_told_what_to_do_next(exercise, stub):
    report = judge(exercise, stub)
    assert (report.points, report.solved, report.findings) == (0, False, ())
    assert "Next:" in str(report) and "Write its body" in str(report)
    assert "not attempted" in report.reason


@pytest.mark.parametrize("exercise", EXERCISES)
def test_another_seed_asks_about_other_cases(exercise):
    def asked(seed):
        seen = []
        EXERCISES[exercise].judge(lambda arguments: seen.append(arguments) or {"value": 0.5}, seed)
        return seen

    assert asked(0) == asked(0)
    assert len({str(asked(seed)) for seed in SEEDS}) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_small_cases_hold_every_edge_and_the_limit_of_n(seed):
    """c = 0, c = n, k = n, n - c < k and n = 1000, whatever the seed draws."""
    seen = set()

    def ask(arguments):
        seen.add(arguments)
        return {"value": exact(*arguments)}

    assert EXERCISES["2.1"].judge(ask, seed).solved
    assert {(1, 0, 1), (1, 1, 1), (5, 0, 5), (5, 5, 2), (5, 2, 5), (5, 3, 3), (5, 2, 3)} <= seen
    assert any(n == 1000 and 300 <= k <= n - c for n, c, k in seen)


def test_the_no_bias_check_stands_on_its_own():
    """It tells the biased estimate from the unbiased one by their means, not by single values."""
    (no_bias,) = (c for c in EXERCISES["2.1"].checks if c.name == "no bias")
    fair_but_noisy = judge("2.1", lambda n, c, k: min(1.0, exact(n, c, k) + 1e-6 * (n == 5)))
    assert no_bias.name not in failed(fair_but_noisy) and failed(fair_but_noisy)


def test_check_prints_the_points(capsys):
    check("2.1", exact)
    assert capsys.readouterr().out.startswith("Exercise 2.1, pass@k without bias: 10 of 10 points.\n  ok    edges\n")


def leaves(n, c, k):
    raise SystemExit(1)


def unprintable(n, c, k):
    class Odd(Exception):
        def __str__(self):
            raise ValueError

    raise Odd


def loops(n, c, k):
    ring = []
    ring.append(ring)
    return ring


ODD: list[Any] = [
    *[None, ..., 0.7, "pass_at_k", leaves, unprintable, loops, lambda: 1, lambda n, c: 1, lambda *a: 10**5000],
    *[lambda *a: object(), lambda *a: [0.5], lambda *a: 1j, lambda *a: print, lambda n, c, k: n / 0, str, dict],
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_check_never_raises_and_always_says_something(odd, capsys):
    check("2.1", odd)
    assert len(capsys.readouterr().out) > 60


def test_check_leaves_the_learners_interrupt_alone():
    def interrupted(n, c, k):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("2.1", interrupted)


def test_check_says_which_exercises_there_are(capsys):
    check("9.9", exact)
    assert capsys.readouterr().out == "There is no exercise 9.9. There are: 2.1.\n"


@pytest.mark.parametrize("function", [exact, float_binomials, lambda n, c, k: 1 - (1 - c / n) ** k])
def test_what_check_prints_is_the_same_every_time(function, capfd):
    with warnings.catch_warnings(record=True, action="always") as warned:
        check("2.1", function)
        first = capfd.readouterr()
        check("2.1", function)
    assert capfd.readouterr() == first
    assert (first.err, warned) == ("", [])  # numpy's warnings would name a temporary file


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (Fraction(1, 4), 0.25),
        (np.array([[1, 2]]), [[1, 2]]),
        ((True, None, ...), [True, None, None]),
        (np.True_, True),
        (10**400, math.inf),
        ({1}, "<set>"),
    ],
)
def test_values_become_plain_json(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value))


def solution(exercise: str) -> Callable[..., Any]:
    chapter, number = exercise.split(".")
    text = (ROOT / f"book/_solutions/{int(chapter):02}-{number}.md").read_text(encoding="utf-8")
    namespace: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.S)), namespace)
    return namespace[EXERCISES[exercise].function]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_worked_solution_in_the_book_earns_full_points(exercise):
    assert all(judge(exercise, solution(exercise), seed).solved for seed in SEEDS)


@pytest.fixture(params=EXERCISES)
def student(request):
    """The exercise and the notebook that holds it."""
    chapter = int(request.param.split(".")[0])
    (file,) = (ROOT / "notebooks/exercises").glob(f"{chapter:02}_*.ipynb")
    return EXERCISES[request.param], json.loads(file.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_a_student_notebook_has_a_stub_and_its_check(student):
    exercise, notebook = student
    (stub,) = (c for c in code_cells(notebook) if f"exercise-{exercise.id}" in c["metadata"].get("tags", []))
    (function,) = ast.parse("".join(stub["source"])).body
    assert isinstance(function, ast.FunctionDef)
    assert (function.name, tuple(a.arg for a in function.args.args)) == (exercise.function, exercise.parameters)
    call = f'check("{exercise.id}", {exercise.function})'
    assert any("".join(cell["source"]) == call for cell in code_cells(notebook))


def test_a_student_notebook_stores_what_an_unsolved_run_prints(student, capsys):
    exercise, notebook = student
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    (output,) = ("".join(o["text"]) for c in code_cells(notebook) for o in c["outputs"] if exercise.title in str(o))
    check(exercise.id, lambda *_: None)
    assert output == capsys.readouterr().out


def test_a_student_notebook_only_imports_first_and_holds_no_solution(student):
    exercise, notebook = student
    assert all(
        isinstance(s, ast.Import | ast.ImportFrom) for s in ast.parse("".join(code_cells(notebook)[0]["source"])).body
    )
    namespace: dict[str, Any] = {}
    for cell in code_cells(notebook):
        if f"check-{exercise.id}" not in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), namespace)
    assert judge(exercise.id, namespace[exercise.function]).findings == ()
