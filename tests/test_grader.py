"""The grader: right work earns its points whatever surrounds it, anything else earns a reason, and nothing stops it."""

import csv
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ttclab.__main__ import main
from ttclab.exercises import EXERCISES
from ttclab.exercises.grader import Grade, assigned, grade, one_line, read_cells, write_csv

ROOT = Path(__file__).parents[1]
EXERCISE = EXERCISES["2.1"]
SETUP = "from ttclab.exercises import check"
RIGHT = "from math import comb\ndef pass_at_k(n, c, k):\n    return 1 - comb(n - c, k) / comb(n, k)"
BIASED = "def pass_at_k(n, c, k):\n    return 1 - (1 - c / n) ** k"
STUB = "def pass_at_k(n, c, k):\n    ..."
CHECK = 'check("2.1", pass_at_k)'


def body(*lines: str) -> str:
    return "\n    ".join(["def pass_at_k(n, c, k):", *lines])


def notebook(file: Path, *cells: str) -> Path:
    written = [{"cell_type": "markdown", "metadata": {}, "source": ["# Work"]}]
    for cell in cells:
        code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        written.append(code | {"source": cell.splitlines(keepends=True)})
    file.write_text(
        json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
    )
    return file


def graded(file: Path, seconds: float = 60.0) -> Grade:
    row = grade(file, EXERCISE, seed=7, seconds=seconds)
    assert row.reason and row.reason == one_line(row.reason)
    assert (row.file, row.exercise, row.max_points) == (str(file), "2.1", 10)
    return row


FULL = {
    "as in the course": [SETUP, RIGHT, CHECK],
    "source as one string": [RIGHT],
    "defined twice, the last one counts": [BIASED, RIGHT],
    "another cell fails": [RIGHT, "1 / 0"],
    "another cell is no Python": ["this is not Python", RIGHT],
    "magics and display": ["%matplotlib inline", f"%%time\n{RIGHT}", "display(pass_at_k(4, 2, 2))\n!true"],
    "prints much": [RIGHT, "for _ in range(100):\n    print('x' * 100_000)"],
    "asks for input": [RIGHT, "input('your name?')"],
    "leaves politely": [RIGHT, "import sys\nsys.exit(0)"],
    "a callable object": [f"{RIGHT}\nimport functools\npass_at_k = functools.partial(pass_at_k)"],
}


@pytest.mark.parametrize("cells", FULL.values(), ids=FULL)
def test_a_right_function_earns_full_points_whatever_surrounds_it(tmp_path, cells):
    row = graded(notebook(tmp_path / "work.ipynb", *cells))
    assert (row.points, row.reason) == (10, "all 4 checks pass")


NOTHING = {
    "the unsolved stub": ([SETUP, STUB, CHECK], "not attempted"),
    "biased": ([BIASED], "4 of 4 checks fail; edges: pass_at_k(n=2, c=1, k=2) returned 0.75"),
    "a mistake in the function's own cell": (
        ["def pass_at_k(n, c, k)\n    return 1"],
        "code cell 1 raised SyntaxError",
    ),
    "renamed": (["def passatk(n, c, k):\n    return 1"], "no function pass_at_k in the notebook"),
    "no cells": ([], "no function pass_at_k in the notebook"),
    "not a function": (["pass_at_k = 0.5"], "no function pass_at_k in the notebook"),
    "a missing module": (["import no_such_module", BIASED], "code cell 1 raised ModuleNotFoundError"),
    "raises": ([body("return n / 0")], "raised ZeroDivisionError"),
    "raises what no text can hold": ([body(r"raise ValueError('\ud800\x1b[2J' * 999)")], "raised ValueError"),
    "leaves in the function": ([body("import sys", "sys.exit(0)")], "raised SystemExit"),
    "returns what is no number": ([body("return print")], "not a number"),
    "returns too much": ([body("return 'x' * 9_000_000")], "gave no readable reply while calling pass_at_k(4, 2, 2)"),
    "ends the process in a cell": (["import os", "os._exit(0)"], "ended its own process while running code cell 2"),
    "ends the process in the function": (
        [body("import os", "os._exit(0)")],
        "ended its own process while calling pass_at_k(4, 2, 2)",
    ),
    "kills the process": (["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"], "ended its own process"),
    "a forged score printed": (
        [BIASED, "print('10/10 all 4 checks pass')\nimport os\nos.write(1, b'{\"value\": 1.0}\\n' * 9)"],
        "4 of 4 checks fail",
    ),
    "forged replies in every pipe": (
        [
            f"import contextlib, os\n{BIASED}\nfor pipe in range(3, 20):\n"
            "  with contextlib.suppress(OSError): os.write(pipe, b'{\"found\": true}\\n' + b'{\"value\": 1.0}\\n' * 99)"
        ],
        "4 of 4 checks fail",
    ),
    "a patched checker": (
        [
            "import ttclab.exercises.exercise as e\ne.Report.points = e.Report.solved = 10\ne.TOLERANCE = 9",
            f"{SETUP}\n{BIASED}\n{CHECK}",
        ],
        "4 of 4 checks fail",
    ),
    "the package's own function, imported": (["from ttclab.estimators import pass_at_k"], "asks you to write"),
    "the package's own function, called": (
        [body("import ttclab.estimators as e", "return e.pass_at_k(n, c, k)")],
        "raised RuntimeError: ttclab.estimators.pass_at_k is what an exercise asks you to write",
    ),
    "the package's own function, found in the checks": (
        ["from ttclab.exercises.sampling import pass_at_k"],
        "raised RuntimeError: ttclab.estimators.pass_at_k is what an exercise asks you to write",
    ),
}


@pytest.mark.parametrize(("cells", "words"), NOTHING.values(), ids=NOTHING)
def test_anything_else_earns_nothing_and_a_reason(tmp_path, cells, words):
    row = graded(notebook(tmp_path / "work.ipynb", *cells))
    assert row.points == 0
    assert words in row.reason


CALLS = {
    "1.3": "from ttclab.flops import exchange_rate",
    "3.1": "from ttclab.exercises.verifiers import _majority_vote as majority_vote",
    "3.5": "from ttclab.estimators import within_problem_auc",
    "5.2": "import ttclab\ndef lesson_policy(difficulty, budget):\n"
    "    plan = ttclab.allocator.lesson_policy(difficulty, budget)\n    return [plan.N, plan.T]",
}


@pytest.mark.parametrize(("exercise", "cell"), CALLS.items(), ids=CALLS)
def test_calling_the_packages_own_function_earns_nothing(tmp_path, exercise, cell):
    row = grade(notebook(tmp_path / "work.ipynb", cell), EXERCISES[exercise], seed=7, seconds=120)
    assert row.points == 0
    assert "is what an exercise asks you to write" in row.reason


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_exercise_can_be_graded(tmp_path, exercise):
    """The worked solution, with its check and all other checks of the chapter around it, in a process of its own."""
    chapter, number = map(int, exercise.split("."))
    text = (ROOT / f"book/_solutions/{chapter:02}-{number}.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.S))
    calls = [f'check("{i}", {EXERCISES[exercise].function})' for i in EXERCISES if i.startswith(f"{chapter}.")]
    row = grade(notebook(tmp_path / "work.ipynb", SETUP, code, *calls), EXERCISES[exercise], seed=7, seconds=60)
    assert (row.points, row.reason[:4]) == (EXERCISES[exercise].points, "all ")
    stub = notebook(tmp_path / "stub.ipynb", f"def {EXERCISES[exercise].function}(*_): ...")
    assert grade(stub, EXERCISES[exercise], seed=7, seconds=60).reason.startswith("not attempted")


ENDLESS = {
    "in a cell": ([RIGHT, "while True: pass"], "running code cell 2"),
    "in the function": ([body("while True: pass")], "calling pass_at_k(4, 2, 2)"),
    "flooding the grader": (
        [
            "import contextlib, os\nwhile True:\n  for pipe in range(3, 20):\n"
            "    with contextlib.suppress(OSError): os.write(pipe, b'{\"cell\": 1}\\n')"
        ],
        "running code cell 1",
    ),
    "deaf to exceptions": (
        [body("while True:", "    try:", "        while True: pass", "    except: pass")],
        "calling",
    ),
}


@pytest.mark.parametrize(("cells", "words"), ENDLESS.values(), ids=ENDLESS)
def test_an_endless_loop_ends_at_the_time_limit(tmp_path, cells, words):
    row = graded(notebook(tmp_path / "work.ipynb", *cells), seconds=2)
    assert row.points == 0
    # On a machine with much else to do the limit may pass before the loop is reached.
    assert row.reason.startswith("over the time limit of 2 s while") and (
        words in row.reason or "starting" in row.reason
    )


NOT_NOTEBOOKS = {
    "empty": (b"", "not JSON"),
    "a script": (RIGHT.encode(), "not JSON"),
    "utf-16": (json.dumps({"cells": []}).encode("utf-16"), "byte 0 is not UTF-8"),
    "latin-1": ('{"cells": ["é"]}'.encode("latin-1"), "byte 12 is not UTF-8"),
    "binary": (bytes(range(256)), "not UTF-8"),
    "nested without end": (b"[" * 100_000, "not JSON"),
    "a list": (b"[]", "without a list of cells"),
    "cells that are none": (b'{"cells": 3}', "without a list of cells"),
    "an old format": (b'{"worksheets": []}', "open it in Jupyter and save it again"),
    "cells of any kind": (b'{"cells": [1, null, {}, {"cell_type": "code", "source": 5}]}', "no function pass_at_k"),
}


@pytest.mark.parametrize(("content", "words"), NOT_NOTEBOOKS.values(), ids=NOT_NOTEBOOKS)
def test_what_is_no_notebook_earns_a_reason(tmp_path, content, words):
    file = tmp_path / "work.ipynb"
    file.write_bytes(content)
    row = graded(file)
    assert row.points == 0
    assert words in row.reason


def test_a_file_that_cannot_be_read_earns_a_reason(tmp_path):
    assert graded(tmp_path).reason == "cannot be read: Is a directory"


def test_cells_are_read_in_either_form_with_or_without_a_byte_order_mark(tmp_path):
    cells = [{"cell_type": "code", "source": s} for s in ("a\nb", ["a\n", "b"])]
    file = tmp_path / "work.ipynb"
    file.write_text(json.dumps({"cells": [*cells, {"cell_type": "markdown", "source": "c"}]}), encoding="utf-8-sig")
    assert read_cells(file) == ["a\nb", "a\nb"]


def test_a_submission_works_in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = graded(notebook(tmp_path / "work.ipynb", "open('mine.txt', 'w').write('x')", RIGHT))
    assert row.points == 10
    assert [file.name for file in tmp_path.iterdir()] == ["work.ipynb"]


def test_processes_that_a_submission_starts_end_with_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        # The child holds a connection for as long as it lives, and would live for ever.
        child = (
            "import socket, threading\n"
            f"line = socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))\n"
            "print('ready', flush=True)\n"
            "threading.Event().wait()"
        )
        start = (
            "import subprocess, sys\n"
            f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
            "child.stdout.readline()"
        )
        assert graded(notebook(tmp_path / "work.ipynb", start, RIGHT)).points == 10
        line, _ = server.accept()
        with line:
            line.settimeout(20)
            assert line.recv(1) == b""  # closed


def test_a_fault_of_the_grader_itself_is_a_reason_too(tmp_path, monkeypatch):
    monkeypatch.setattr("ttclab.exercises.grader.read_cells", lambda file: 1 / 0)
    assert "please report it: ZeroDivisionError" in graded(tmp_path / "work.ipynb").reason


def test_the_same_seed_gives_the_same_reason(tmp_path):
    file = notebook(tmp_path / "work.ipynb", body("return 0.5 if n == 1000 else 1.0"))
    assert graded(file) == graded(file)


def test_one_line_takes_the_sting_out_of_a_text():
    assert one_line("a\r\n\x1b[2J\ud800  b") == "a [2J b"
    assert len(one_line("x" * 10_000)) == 600


def test_a_csv_is_written_whole_or_not_at_all(tmp_path):
    out = tmp_path / "grades.csv"
    row = Grade("ä,\udcff.ipynb", "2.1", 10, 10, 'all "4" checks pass')
    write_csv(out, [row])
    with out.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["file", "exercise", "points", "max_points", "reason"],
            ["ä,\\udcff.ipynb", "2.1", "10", "10", 'all "4" checks pass'],
        ]
    before = out.read_bytes()
    (tmp_path / "old").hardlink_to(out)
    write_csv(out, [row, row])
    assert (tmp_path / "old").read_bytes() == before  # a new file took its place
    (tmp_path / "old").replace(out)
    with pytest.raises(TypeError):
        write_csv(out, [row, None])
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_one_bad_submission_never_stops_the_rest(tmp_path, capsys):
    bad = ["import os\nos._exit(1)", "while True: pass", "def pass_at_k(", BIASED]
    files = [notebook(tmp_path / f"bad{i}.ipynb", cell) for i, cell in enumerate(bad)]
    files.append(tmp_path / "bad4.ipynb")
    files[-1].write_bytes(b"\xff")
    files.append(notebook(tmp_path / "good.ipynb", SETUP, RIGHT, CHECK))
    out = tmp_path / "grades.csv"
    options = ["--csv", str(out), "--seed", "3", "--seconds", "5", "--exercise", "2.1"]
    assert main(["grade", *map(str, files), *options]) == 0

    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(file) for file in files]
    assert [row["points"] for row in rows] == ["0"] * 5 + ["10"]
    assert all(row["reason"] and row["max_points"] == "10" and row["exercise"] == "2.1" for row in rows)
    table = capsys.readouterr().out
    assert table.splitlines()[0].split() == ["file", "exercise", "points", "reason"]
    assert table.splitlines()[-1] == f"1 of 6 with full points; grades in {out}"
    assert all(f"{file}  2.1" in table for file in files)


def test_everyone_is_graded_on_all_exercises_of_the_chapters_that_anyone_checks(tmp_path):
    two = notebook(tmp_path / "two.ipynb", SETUP, RIGHT, CHECK)
    five = notebook(tmp_path / "five.ipynb", "check( '5.4' , f)", "recheck('3.1', f); check('9.9', f)")
    none = notebook(tmp_path / "none.ipynb", "nothing = 1")
    broken = tmp_path / "broken.ipynb"
    broken.write_bytes(b"\xff")
    assert assigned([two, none, broken]) == ["2.1", "2.2", "2.3", "2.4"]
    assert {name[0] for name in assigned([five, two])} == {"2", "5"}
    assert assigned([none, broken]) == list(EXERCISES)


def test_the_command_runs_from_the_checkout(tmp_path):
    file = notebook(tmp_path / "work.ipynb", RIGHT)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ttclab",
            "grade",
            str(file),
            "--exercise",
            "2.1",
            "--csv",
            str(tmp_path / "grades.csv"),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "10/10  all 4 checks pass" in done.stdout


MISTAKES = {
    "no command": ("", "COMMAND"),
    "an unknown command": ("grad", "grade"),
    "no files": ("grade --csv {out}", "FILE"),
    "no --csv": ("grade {work}", "--csv"),
    "no such file": ("grade {work} {work}x --csv {out}", "no such file: {work}x"),
    "a folder": ("grade {folder} --csv {out}", "{folder} is a folder: name its notebooks"),
    "csv in no folder": ("grade {work} --csv {folder}/no/grades.csv", "cannot write {folder}/no/grades.csv"),
    "csv over a submission": ("grade {work} --csv {work}", "{work} is one of the submissions"),
    "a seed below 0": ("grade {work} --csv {out} --seed -1", "--seed"),
    "no time": ("grade {work} --csv {out} --seconds 0", "--seconds"),
    "an unknown exercise": (
        "grade {work} --csv {out} --exercise 9.9",
        f"no exercise 9.9; there are: {', '.join(EXERCISES)}",
    ),
}


@pytest.mark.parametrize(("call", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_call_is_one_clear_line_and_exit_code_2(tmp_path, capsys, call, words):
    work, out = notebook(tmp_path / "work.ipynb", RIGHT), tmp_path / "grades.csv"
    before = work.read_bytes()
    names = {"work": work, "out": out, "folder": tmp_path}
    try:
        code = main([word.format(**names) for word in call.split()])
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.startswith("ttclab") and said.err.count("\n") == 1
    assert words.format(**names) in said.err
    assert work.read_bytes() == before and not out.exists()
