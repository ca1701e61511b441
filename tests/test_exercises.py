"""The checks of the exercises: every right solution passes, every known mistake fails and is told what is wrong."""

import ast
import html
import json
import math
import re
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from exercise_attempts import MISTAKES, RIGHT, exact, float_binomials, vote_by_sorting
from worked_solutions import worked_solution

from ttclab.allocator import Allocation, Arm, lesson_policy, spread_budget
from ttclab.beam_search import _Candidate, _Tree
from ttclab.estimators import fifths, mcnemar
from ttclab.exercises import EXERCISES, VISIBLE_SEED, check, progress
from ttclab.exercises.exercise import Report, apart, same
from ttclab.exercises.reply import plain, reply
from ttclab.flops import exchange_rate
from ttclab.problems import load_problems
from ttclab.results import at_equal_flops
from ttclab.sampling import majority_vote, weighted_vote

PROBLEM = load_problems("test", limit=1)[0]
ROOT = Path(__file__).parents[1]
SEEDS = range(VISIBLE_SEED, VISIBLE_SEED + 12)

STUBS = [lambda *_: None, lambda *_: ..., lambda *_: (_ for _ in ()).throw(NotImplementedError)]


def cases(table):
    return [pytest.param(i, row, id=f"{i}-{row.name}") for i, rows in table.items() for row in rows]


def assess(exercise: str, function: Callable[..., Any], seed: int = VISIBLE_SEED) -> Report:
    return EXERCISES[exercise].assess(partial(reply, function), seed)


def failed(report: Report) -> set[str]:
    return {finding.check for finding in report.findings if finding.wrong}


def test_every_exercise_is_tested_here():
    assert list(MISTAKES) == list(RIGHT) == list(EXERCISES)
    assert all(len(MISTAKES[i]) >= 4 and RIGHT[i] for i in EXERCISES)


def test_exercises_are_numbered_through_their_chapters():
    numbers = [tuple(map(int, i.split("."))) for i in EXERCISES]
    chapters = sorted({chapter for chapter, _ in numbers})
    assert numbers == [(c, n) for c in chapters for n in range(1, 1 + sum(c == chapter for chapter, _ in numbers))]
    assert all(3 <= sum(c == chapter for chapter, _ in numbers) <= 5 for c in chapters)
    assert {exercise.points for exercise in EXERCISES.values()} == {10, 20, 40}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_earns_full_points_on_every_seed(exercise):
    assert all(assess(exercise, EXERCISES[exercise].reference, seed).solved for seed in SEEDS)


@pytest.mark.parametrize(
    ("exercise", "function"), [pytest.param(i, f, id=f"{i}-{name}") for i in RIGHT for name, f in RIGHT[i].items()]
)
def test_a_right_solution_in_any_style_earns_full_points_on_every_seed(exercise, function):
    for seed in SEEDS:
        report = assess(exercise, function, seed)
        assert report.points == EXERCISES[exercise].points, report


def asked(exercise: str) -> list[list[Any]]:
    """The arguments of all the calls that the checks make, on every seed."""
    seen: list[list[Any]] = []

    def ask(arguments):
        seen.append(list(arguments))
        return reply(EXERCISES[exercise].reference, arguments)

    for seed in SEEDS:
        EXERCISES[exercise].assess(ask, seed)
    return seen


def solutions(answers):
    """Finished solutions with these answers, as the package's own votes take them."""
    return [SimpleNamespace(answer=answer) for answer in answers]


def beams_kept(texts, scores, finished, M):
    drawn = [SimpleNamespace(text=t, finished=end, key=()) for t, end in zip(texts, finished)]
    tree = _Tree(PROBLEM, [_Candidate(s, s, score) for s, score in zip(drawn, scores, strict=True)])
    tree.prune(M)
    return [candidate.solution.text for candidate in tree.live]


OWN = {
    "1.3": exchange_rate,
    "3.1": lambda answers: majority_vote(solutions(answers)),
    "3.2": lambda answers, scores: weighted_vote(solutions(answers), scores),
    "3.4": lambda *step: beams_kept(*step) if step[-1] > 1 else sorted(beams_kept(*step)),
    "5.1": lambda scores, bins: fifths([fmean(row) for row in scores]),
    "5.2": lambda difficulty, budget: astuple(lesson_policy(difficulty, budget))[:2],
    "5.5": lambda accuracy, budget: spread_budget(*padded(accuracy), budget),
    "6.1": lambda costs, accuracy, flops: at_equal_flops(arms(costs, accuracy), flops).correct.item(),
    "6.4": lambda small, large, cells: winner(mcnemar(small, large) <= 0.05 / cells, sum(small) - sum(large)),
}


def arms(costs, accuracy):
    return [Arm(Allocation(1), np.array([a]), np.array([float(c)])) for c, a in zip(costs, accuracy)]


def winner(differ, lead):
    return "no difference" if not differ else "small" if lead > 0 else "large"


def padded(accuracy):
    """Curves of one length, and a price of 1 for each generation."""
    longest = max(map(len, accuracy))
    return [row + row[-1:] * (longest - len(row)) for row in accuracy], range(longest)


@pytest.mark.parametrize("exercise", OWN)
def test_an_exercise_has_the_rule_that_the_package_has(exercise):
    reference, compared = EXERCISES[exercise].reference, 0
    for arguments in asked(exercise):
        if exercise == "5.1" and arguments[-1] != 5:
            continue
        mine, own = (reply(function, arguments) for function in (reference, OWN[exercise]))
        if exercise == "3.4" and arguments[-1] == 1:
            mine["value"].sort()  # the package does not rank what it does not prune
        assert mine.keys() == own.keys() and ("raised" in mine or same(mine["value"], own["value"])), arguments
        compared += 1
    assert compared >= len(SEEDS)


@pytest.mark.parametrize(("exercise", "mistake"), cases(MISTAKES))
def test_a_known_mistake_earns_nothing_and_is_told_what_is_wrong(exercise, mistake):
    report = assess(exercise, mistake.function)
    assert report.points < EXERCISES[exercise].points and failed(report) >= mistake.fails
    assert report.points == 0 or exercise == "7.3"  # which has levels
    assert mistake.words in " ".join(str(report).split())
    assert EXERCISES[exercise].hint not in " ".join(str(report).split())
    assert EXERCISES[exercise].hint in " ".join(str(replace(report, hinted=True)).split())


@pytest.mark.parametrize(("exercise", "mistake"), cases(MISTAKES))
def test_hidden_seeds_agree_with_the_visible_one(exercise, mistake):
    expected = mistake.fails or failed(assess(exercise, mistake.function))
    for seed in SEEDS:
        assert failed(assess(exercise, mistake.function, seed)) == expected


@pytest.mark.parametrize("stub", STUBS, ids=["None", "...", "NotImplementedError"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_empty_stub_is_told_what_to_do_next(exercise, stub):
    report = assess(exercise, stub)
    assert (report.points, report.solved, report.findings) == (0, False, ())
    assert "Next:" in str(report) and "Write its body" in str(report)
    assert "not attempted" in report.reason


@pytest.mark.parametrize("exercise", EXERCISES)
def test_another_seed_asks_about_other_cases(exercise):
    def cases(seed):
        seen = []
        EXERCISES[exercise].assess(lambda a: seen.append(a) or reply(EXERCISES[exercise].reference, a), seed)
        return str(seen)

    assert cases(0) == cases(0)
    assert len({cases(seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_small_cases_hold_every_edge_and_the_limit_of_n(seed):
    """c = 0, c = n, k = n, n - c < k and n = 1000, whatever the seed draws."""
    seen = set()

    def ask(arguments):
        seen.add(tuple(arguments))
        return {"value": exact(*arguments)}

    assert EXERCISES["2.1"].assess(ask, seed).solved
    assert {(1, 0, 1), (1, 1, 1), (5, 0, 5), (5, 5, 2), (5, 2, 5), (5, 3, 3), (5, 2, 3)} <= seen
    assert any(n == 1000 and 300 <= k <= n - c for n, c, k in seen)


def test_the_no_bias_check_stands_on_its_own():
    """It tells the biased estimate from the unbiased one by their means, not by single values."""
    (no_bias,) = (c for c in EXERCISES["2.1"].checks if c.name == "no bias")
    fair_but_noisy = assess("2.1", lambda n, c, k: min(1.0, exact(n, c, k) + 1e-6 * (n == 5)))
    assert no_bias.name not in failed(fair_but_noisy) and failed(fair_but_noisy)


def test_a_function_may_empty_the_lists_it_is_given():
    def wasteful(answers):
        elected = vote_by_sorting(answers)
        answers.clear()
        return elected

    assert assess("3.1", wasteful).solved
    wrong = assess("3.1", lambda answers: answers.clear() or "0").findings[0].wrong
    assert wrong.startswith("majority_vote(answers=['89']) returned '0'. '89' is right")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda *_: 1 / 0,
            "majority_vote(answers=[]) raised ZeroDivisionError: division by zero. Raising ValueError is",
        ),
        (lambda *_: "7", "majority_vote(answers=[]) returned '7'. Raising ValueError is right: a vote needs at least"),
        (lambda *_: None, "majority_vote(answers=[]) returned None. Raising ValueError is right"),
    ],
)
def test_a_call_that_must_be_refused(function, words):
    report = assess("3.1", lambda answers: vote_by_sorting(answers) if answers else function())
    (wrong,) = (finding.wrong for finding in report.findings if finding.wrong)
    assert wrong.startswith(words)


def test_a_message_shows_long_lists_by_their_beginning():
    wrong = assess("5.4", lambda a, b, resamples: [9, 9, 9]).findings[-1].wrong
    assert " ...) returned [9, 9, 9]." in wrong and len(wrong) < 600


@pytest.mark.parametrize(
    ("one", "other", "texts"),
    [
        (0.5, 0.25, ("0.5", "0.25")),
        (1 / 3, 0.33333, ("0.333333", "0.33333")),
        (2 * 10**12, 2 * 10**12 + 1, ("2000000000000", "2000000000001")),
        (123456.5, 7, ("123456.5", "7")),
        ([0.1, [0.5]], [0.1, [0.25]], ("[0.1, [0.5]]", "[0.1, [0.25]]")),
        ("12", None, ("'12'", "None")),
    ],
)
def test_two_values_are_shown_apart(one, other, texts):
    assert apart(one, other) == texts
    assert not same(one, other) and same(one, one)


@pytest.mark.parametrize(("one", "other"), [(True, 1), ("1", 1), ([1], 1), ([1], [1, 1]), (math.nan, math.nan)])
def test_values_of_another_kind_are_not_the_same(one, other):
    assert not same(one, other)


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


def test_a_call_that_never_ends_is_ended_and_the_notebook_goes_on(monkeypatch, capsys):
    def endless(n, c, k):
        while True:
            with suppress(Exception):
                time.sleep(0.01)

    monkeypatch.setattr("ttclab.exercises.SECONDS", 0.2)
    before = signal.getsignal(signal.SIGALRM), time.monotonic()
    check("2.1", endless)
    said = " ".join(capsys.readouterr().out.split())
    assert "0 of 10 points" in said and "no answer in 0.2 s; does a loop never end?" in said
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == (before[0], (0.0, 0.0))
    assert time.monotonic() - before[1] < 5


def test_the_hint_is_shown_from_the_second_failure_on(fresh, capsys):
    def hinted(function, exercise="2.1"):
        check(exercise, function)
        return EXERCISES[exercise].hint in " ".join(capsys.readouterr().out.split())

    stub, wrong = lambda *_: None, lambda *_: 0
    assert [hinted(f) for f in (stub, stub, wrong, stub, exact, wrong, wrong, stub, exact)] == [
        *[False] * 5, *[True, True], *[False, False]
    ]  # fmt: skip
    assert not hinted(wrong, "2.2")  # each exercise has its own


def test_check_says_which_exercises_there_are(capsys):
    check("9.9", exact)
    assert capsys.readouterr().out == f"There is no exercise 9.9. There are: {', '.join(EXERCISES)}.\n"


@pytest.mark.parametrize("function", [exact, float_binomials, lambda n, c, k: 1 - (1 - c / n) ** k])
def test_what_check_prints_is_the_same_every_time(function, fresh, monkeypatch, capfd):
    monkeypatch.setattr("ttclab.exercises.HINT_AFTER", 1)
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
    namespace: dict[str, Any] = {}
    exec("\n".join(worked_solution(exercise)), namespace)
    return namespace[EXERCISES[exercise].function]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_worked_solution_in_the_book_earns_full_points(exercise):
    assert all(assess(exercise, solution(exercise), seed).solved for seed in SEEDS)


@pytest.fixture
def fresh(monkeypatch):
    """As in a kernel that has just started."""
    monkeypatch.setattr("ttclab.exercises._checked", {})
    monkeypatch.setattr("ttclab.exercises._failures", Counter())


def test_progress_says_what_is_done_what_it_earned_and_what_is_next(fresh, capsys):
    assert "No check has run" in repr(progress()) and "No check has run" in progress()._repr_html_()
    check("2.2", lambda *_: 0)
    check("2.1", exact)
    check("2.3", lambda *_: None)
    shown = progress()
    assert (shown.points, shown.next.id) == (10, "2.2")
    text = repr(shown)
    assert text.startswith("1 of 4 exercises done, 10 of 60 points.\n")
    assert "Next: 2.2 the chance that a vote is right." in text
    assert [line.split()[:3] for line in text.splitlines()[1:5]] == [
        *[["done", "2.1", "pass@k"], ["not", "yet", "2.2"], ["to", "do", "2.3"], ["to", "do", "2.4"]]
    ]
    assert text.splitlines()[1].endswith("10 of 10") and text.splitlines()[2].endswith(" 0 of 20")


def test_progress_keeps_a_pass_whatever_is_tried_later_and_shows_a_new_chapter(fresh, capsys):
    check("2.1", exact)
    before = progress()
    check("2.1", lambda *_: 0)
    assert "An earlier try earned 10 points, and they stay" in capsys.readouterr().out
    check("2.1", lambda *_: None)
    assert (before.points, progress().points, progress().next.id) == (10, 10, "2.2")
    assert "1 of 4 exercises done" in repr(progress())
    check("2.2", lambda *_: 0)
    check("2.2", EXERCISES["2.2"].reference)
    assert progress().points == 30
    capsys.readouterr()
    check("2.1", exact)
    assert "earlier" not in capsys.readouterr().out
    check("1.2", lambda *_: 0)
    assert [exercise.id[0] for exercise in progress().exercises] == ["1"] * 4 + ["2"] * 4


def test_progress_ends_when_all_is_done(fresh, capsys):
    for name in ("2.1", "2.2", "2.3", "2.4"):
        check(name, EXERCISES[name].reference)
    assert progress().next is None and "4 of 4 exercises done, 60 of 60 points" in repr(progress())
    assert "Next" not in repr(progress())


def test_progress_as_html_says_the_same_as_its_text(fresh, capsys):
    check("5.2", EXERCISES["5.2"].reference)
    page = progress()._repr_html_()
    assert "the lesson&#x27;s policy" in page and page.count("<tr>") == 6
    words = re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", page)))
    for row in repr(progress()).splitlines():
        assert re.sub(r"\s+", " ", row).strip() in words


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


def test_a_student_notebook_stores_what_an_unsolved_run_prints(student, fresh, capsys):
    exercise, notebook = student
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    heading = f"Exercise {exercise.id}, {exercise.title}:"
    (output,) = ("".join(o["text"]) for c in code_cells(notebook) for o in c["outputs"] if heading in str(o))
    check(exercise.id, lambda *_: None)
    assert output == capsys.readouterr().out


def test_a_student_notebook_only_imports_first_and_holds_no_solution(student):
    exercise, notebook = student
    (first,) = (cell for cell in code_cells(notebook) if "setup" in cell["metadata"].get("tags", []))
    assert all(isinstance(s, ast.Import | ast.ImportFrom) for s in ast.parse("".join(first["source"])).body)
    namespace: dict[str, Any] = {}
    for cell in code_cells(notebook):
        if f"check-{exercise.id}" not in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), namespace)
    assert assess(exercise.id, namespace[exercise.function]).findings == ()
