"""The grader: right work earns its points whatever surrounds it, anything else earns a reason, and nothing stops it."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from worked_solutions import worked_solution

from ttclab.cli import main
from ttclab.exercises import EXERCISES
from ttclab.exercises.grading.gradebook import load, one_line, result_file, save, write_page, write_tables
from ttclab.exercises.grading.grader import Grade, Limits, assigned, grade, grade_all, read_cells, submissions
from ttclab.exercises.grading.keeper import _landlock, confines

ROOT = Path(__file__).parents[1]
EXERCISE = EXERCISES["2.1"]
LIMITS = Limits(seconds=60, memory=1)
SETUP = "from ttclab.exercises import check"
RIGHT = "from math import comb\ndef pass_at_k(n, c, k):\n    return 1 - comb(n - c, k) / comb(n, k)"
BIASED = "def pass_at_k(n, c, k):\n    return 1 - (1 - c / n) ** k"
STUB = "def pass_at_k(n, c, k):\n    ..."
CHECK = 'check("2.1", pass_at_k)'
OTHERS = {
    "2.2": "from itertools import product\nfrom math import prod\ndef vote_chance(shares, k):\n    total = 0\n"
    "    for ways in product(range(len(shares)), repeat=k):\n        v = [ways.count(i) for i in range(len(shares))]\n"
    "        if v[0] == max(v): total += prod(shares[i] for i in ways) / v.count(v[0])\n"
    "    return total",
    "2.3": "def decided_after(answers):\n    if not answers: raise ValueError\n    n = len(answers)\n"
    "    for t in range(1, n):\n        seen = [a for a in answers[:t] if a is not None]\n"
    "        first, second = sorted([0, 0, *(seen.count(a) for a in {*seen})])[-1:-3:-1]\n"
    "        if first - second > n - t: return t\n    return n",
}


def body(*lines: str) -> str:
    return "\n    ".join(["def pass_at_k(n, c, k):", *lines])


def notebook(file: Path, *cells: str) -> Path:
    written = [{"cell_type": "markdown", "metadata": {}, "source": ["# Work"]}]
    for cell in cells:
        code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        written.append(code | {"source": cell.splitlines(keepends=True)})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
    )
    return file


def graded(file: Path, limits: Limits = LIMITS) -> Grade:
    (row,) = grade(file, [EXERCISE], seed=7, limits=limits)
    assert row.reason and row.reason == one_line(row.reason)
    assert (row.file, row.exercise, row.max_points) == (str(file), "2.1", 10)
    return row


FULL = {
    "as in the course": [SETUP, RIGHT, CHECK],
    "source as one string": [RIGHT],
    "defined twice, the last one counts": [BIASED, RIGHT],
    "every cell twice": [SETUP, RIGHT, CHECK] * 2,
    "cells in another order": [CHECK, RIGHT, SETUP],
    "another cell fails": [RIGHT, "1 / 0"],
    "another cell is no Python": ["this is not Python", RIGHT],
    "an import that fails": ["import no_such_module", RIGHT],
    "magics and display": ["%matplotlib inline", f"%%time\n{RIGHT}", "display(pass_at_k(4, 2, 2))\n!true"],
    "prints 100 MB": [RIGHT, "for _ in range(1000):\n    print('x' * 100_000)"],
    "writes 100 MB past Python": [RIGHT, "import os\nfor _ in range(1000):\n    os.write(1, b'x' * 100_000)"],
    "asks for input": [RIGHT, "input('your name?')"],
    "leaves politely": [RIGHT, "import sys\nsys.exit(0)"],
    "a callable object": [f"{RIGHT}\nimport functools\npass_at_k = functools.partial(pass_at_k)"],
    "writes beside itself": ["open('mine.txt', 'w').write('x')\nassert open('mine.txt').read() == 'x'", RIGHT],
    "memory that it may have": ["held = bytearray(200_000_000)", RIGHT],
    "names of the exercises that graders do not have": [
        "from ttclab.exercises import check, progress, anything",
        RIGHT,
    ],
    "loads a model": ["import ttclab\nttclab.load('small').generate(ttclab.load_problems('test', limit=1)[0])", RIGHT],
}
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
    "a cell raises 100 MB": (["raise ValueError('x' * 100_000_000)"], "code cell 1 raised ValueError: xxx"),
    "leaves in the function": ([body("import sys", "sys.exit(0)")], "raised SystemExit"),
    "returns what is no number": ([body("return print")], "not a number"),
    "returns too much": ([body("return 'x' * 9_000_000")], "gave no readable reply while calling pass_at_k(4, 2, 2)"),
    "ends the process in a cell": (["import os", "os._exit(0)"], "ended its own process while running code cell 2"),
    "ends the process in the function": (
        [body("import os", "os._exit(0)")],
        "ended its own process while calling pass_at_k(4, 2, 2)",
    ),
    "kills the process": (["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"], "was ended by signal 9"),
    "crashes the process": (["import ctypes\nctypes.string_at(0)"], "was ended by signal 11"),
    "a memory bomb in a cell": (["held = bytearray(10**11)"], "code cell 1 raised MemoryError"),
    "a memory bomb in the function": ([body("held = []", "while True: held.append(bytearray(10**7))")], "MemoryError"),
    "a memory bomb past Python's own": (
        ["import mmap\nheld = mmap.mmap(-1, 4 * 10**9)\nwhile held.write(b'x' * 10**7): pass"],
        "used more than the 1 GB of memory it may have",
    ),
    "a memory bomb of many processes": (
        [
            "import os, signal\nfor _ in range(20):\n  if not os.fork():\n"
            "    held = bytearray(b'x') * 100_000_000\n    signal.pause()\nsignal.pause()"
        ],
        "used more than the 1 GB of memory it may have",
    ),
    "a memory bomb after raising the limit": (
        ["import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))", "held = bytearray(10**11)"],
        "code cell 1 raised ValueError: not allowed to raise maximum limit",
    ),
    "a fork bomb": (["import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"], "processes"),
    "a file without end": (["file = open('big', 'wb')\nwhile file.write(b'x' * 10**7): pass"], "File too large"),
    "files without end": (
        ["for i in range(10**6):\n  with open(str(i), 'wb') as file: file.write(b'x' * 10**7)"],
        "wrote more than the 0.25 GB of files it may have",
    ),
    "a forged score printed": (
        [BIASED, "print('10/10 all 4 checks pass')\nimport os\nos.write(1, b'{\"value\": 1.0}\\n' * 9)"],
        "4 of 4 checks fail",
    ),
    "forged replies in every pipe": (
        [
            f"import contextlib, os\n{BIASED}\nfor pipe in range(3, 20):\n  with contextlib.suppress(OSError):"
            " os.write(pipe, b'{\"troubles\": []}\\n' + b'{\"value\": 1.0}\\n' * 99)"
        ],
        "4 of 4 checks fail",
    ),
    "forged replies that are no replies": (
        [
            "import contextlib, os\nfor pipe in range(3, 20):\n"
            "  with contextlib.suppress(OSError): os.write(pipe, b'[' * 90_000 + b'\\n')"
        ],
        "gave no readable reply while running code cell 1",
    ),
    "a patched checker": (
        [
            f"{SETUP}\nimport ttclab.exercises as e\ne.check = e.points = lambda *_: 10\n"
            f"e.Report.points = e.Report.solved = 10",
            f"{BIASED}\n{CHECK}",
        ],
        "4 of 4 checks fail",
    ),
    "a patched worker": (
        [f"import ttclab.exercises.reply as r\nr.plain = lambda value: 1.0\n{BIASED}"],
        "4 of 4 checks fail",
    ),
    "the package's own function, imported": (["from ttclab.estimators import pass_at_k"], "asks you to write"),
    "the package's own function, called": (
        [body("import ttclab.estimators as e", "return e.pass_at_k(n, c, k)")],
        "raised RuntimeError: ttclab.estimators.pass_at_k is what an exercise asks you to write",
    ),
    "the package's own function, by another name": (
        ["import importlib\npass_at_k = vars(importlib.import_module('ttclab.' + 'estimators'))['pass_at' + '_k']"],
        "asks you to write",
    ),
    "the package's own function, reloaded": (
        ["import importlib, ttclab.estimators as e\npass_at_k = importlib.reload(e).pass_at_k"],
        "asks you to write",
    ),
    "the package's own function, its file loaded again": (
        [
            "import importlib.util as u, ttclab.estimators as e\nspec = u.spec_from_file_location('mine', e.__file__)\n"
            "m = u.module_from_spec(spec)\nspec.loader.exec_module(m)\npass_at_k = m.pass_at_k"
        ],
        "asks you to write",
    ),
    "the package's own function, its source run": (
        [
            "import inspect, ttclab.estimators as e\nmine = {}\n"
            "exec(inspect.getsource(e), mine)\npass_at_k = mine['pass_at_k']"
        ],
        "asks you to write",
    ),
    "the package's own function, unwrapped": (
        ["import inspect, ttclab.estimators as e\npass_at_k = inspect.unwrap(e.pass_at_k)"],
        "asks you to write",
    ),
    "the package's own function, looked for in memory": (
        [
            "import gc, types, ttclab.estimators, ttclab.exercises\ndef pass_at_k(n, c, k):\n"
            "  for found in gc.get_objects():\n"
            "    if isinstance(found, types.FunctionType) and found.__name__ in ('pass_at_k', 'best_of_n'):\n"
            "      if found is not pass_at_k: return found(n, c, k)"
        ],
        "asks you to write",
    ),
    "the package's own function, one that does the same": (
        [
            "from ttclab.estimators import best_of_n\ndef pass_at_k(n, c, k):\n"
            "    right = [True] * c + [False] * (n - c)\n    return best_of_n([right], [right], k)[0]"
        ],
        "ttclab.estimators.best_of_n is what an exercise asks you to write",
    ),
    "the reference of the checks": (
        ["from ttclab.exercises import EXERCISES\npass_at_k = EXERCISES['2.1'].reference"],
        "no function pass_at_k in the notebook; code cell 1 raised TypeError",
    ),
    "the chapter's module of the checks": (
        ["from ttclab.exercises.chapters.sampling import pass_at_k"],
        "code cell 1 raised ModuleNotFoundError: No module named 'ttclab.exercises.chapters'",
    ),
}
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
# Attempts on what is not the submission's own. {place} stands for a folder of the teacher's.
ASSAULTS = {
    "forges its grades": [
        "import pathlib\nout = pathlib.Path('{place}/results')\n"
        "for file in [out / 'grades.csv', *out.glob('*/*.json')]:\n"
        "    file.write_text(file.read_text().replace('0', '10'))"
    ],
    "changes a file": ["open('{place}/precious.txt', 'w').write('gone')"],
    "appends to a file": ["open('{place}/precious.txt', 'a').write('more')"],
    "removes a file": ["import os\nos.remove('{place}/precious.txt')"],
    "removes by the shell": ["import os\nassert os.system('rm {place}/precious.txt') == 0"],
    "makes a file": ["open('{place}/mine.txt', 'w')"],
    "makes a link": ["import os\nos.symlink('{place}/precious.txt', '{place}/link')"],
    "makes a file readable for all": ["import os\nos.chmod('{place}/precious.txt', 0o777)"],
    "patches the grader's files": ["import pathlib\nopen('{package}/exercises/chapters/sampling.py', 'a').write('#')"],
    "reads another's work": [
        "import glob, json\nfor file in glob.glob('{place}/class/full-*.ipynb'):\n"
        "    for cell in json.load(open(file))['cells']: exec(''.join(cell['source']), globals())"
    ],
    "reads a secret": ["raise ValueError(open('{place}/precious.txt').read())"],
    "reads a secret of the environment": ["import os\nraise ValueError(os.environ['TTCLAB_TEST_SECRET'])"],
    "runs the package's source, wherever it is": ["exec(open('{package}/estimators.py').read())"],
    "calls home": ["import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=5)"],
    "looks into its ancestors": [
        "import os\ndef parent(pid): return int(open(f'/proc/{{pid}}/stat').read().rsplit(')', 1)[1].split()[1])\n"
        "pid = parent(os.getpid())\nopen(f'/proc/{{pid}}/mem', 'rb').read(1)"
    ],
}
if os.getuid():
    del ASSAULTS["makes a file readable for all"]  # what Landlock does not keep an owner from
if _landlock() < 4:
    del ASSAULTS["calls home"]

confined = pytest.mark.skipif(not confines(), reason="the kernel has no Landlock")
signals_scoped = pytest.mark.skipif(
    os.getuid() != 0 and tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < (6, 12),
    reason="a kernel before 6.12 lets processes of one user send each other signals",
)


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    files = (file for file in sorted(folder.rglob("*")) if "__pycache__" not in file.parts)
    return {str(f): (f.lstat().st_mode, f.lstat().st_mtime_ns, f.is_file() and hash(f.read_bytes())) for f in files}


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """All of the submissions above, graded by one command: the table's rows, and what was there before and after."""
    import socket

    place = tmp_path_factory.mktemp("teacher")
    (place / "precious.txt").write_text("years of work")
    work, out = place / "class", place / "results"
    port = socket.create_server(("127.0.0.1", 0))
    names = {"place": place, "package": ROOT / "ttclab", "port": port.getsockname()[1]}
    for name, cells in FULL.items():
        notebook(work / f"full-{name}.ipynb", *cells)
    for name, (cells, _) in NOTHING.items():
        notebook(work / f"nothing-{name}.ipynb", *cells)
    for name, (content, _) in NOT_NOTEBOOKS.items():
        (work / f"none-{name}.ipynb").write_bytes(content)
    for name, cells in ASSAULTS.items():
        notebook(work / f"assault-{name}.ipynb", *(cell.format(**names) for cell in cells))
    temporary = set(Path("/tmp").glob("ttclab-*"))
    os.environ["TTCLAB_TEST_SECRET"] = "years of work"
    before = state(place), state(ROOT / "ttclab/exercises")
    options = ["--seed", "7", "--exercise", "2.1", "--memory", "1", "--jobs", "2", "--seconds", "120"]
    assert main(["grade", str(work), "--out", str(out), *options]) == 0
    del os.environ["TTCLAB_TEST_SECRET"]
    port.close()
    after = state(place), state(ROOT / "ttclab/exercises")
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {Path(row["file"]).stem: row for row in csv.DictReader(file)}
    return rows, before, after, out, set(Path("/tmp").glob("ttclab-*")) - temporary


@pytest.mark.parametrize("name", FULL)
def test_a_right_function_earns_full_points_whatever_surrounds_it(classroom, name):
    row = classroom[0][f"full-{name}"]
    assert (row["points"], row["reason"]) == ("10", "all 4 checks pass")


@pytest.mark.parametrize("name", NOTHING)
def test_anything_else_earns_nothing_and_a_reason(classroom, name):
    row = classroom[0][f"nothing-{name}"]
    assert row["points"] == "0"
    assert NOTHING[name][1] in row["reason"]


@pytest.mark.parametrize("name", NOT_NOTEBOOKS)
def test_what_is_no_notebook_earns_a_reason(classroom, name):
    row = classroom[0][f"none-{name}"]
    assert row["points"] == "0"
    assert NOT_NOTEBOOKS[name][1] in row["reason"]


@confined
@pytest.mark.parametrize("name", ASSAULTS)
def test_a_submission_gets_at_nothing_that_is_not_its_own(classroom, name):
    row = classroom[0][f"assault-{name}"]
    assert row["points"] == "0"
    assert (
        "no function pass_at_k in the notebook; code cell 1 raised" in row["reason"] or name == "reads another's work"
    )
    assert "years of work" not in row["reason"]


@confined
def test_grading_changes_nothing_outside_the_results(classroom):
    _, before, after, out, temporary = classroom
    inside = {path: found for path, found in after[0].items() if not path.startswith(str(out))}
    assert (inside, after[1]) == before
    assert not temporary


def test_everyone_has_a_row_and_a_file_of_results(classroom):
    rows, _, _, out, _ = classroom
    assert len(rows) == len(FULL) + len(NOTHING) + len(NOT_NOTEBOOKS) + len(ASSAULTS)
    found = [json.loads(file.read_text()) for file in out.glob("*/results.json")]
    assert {Path(each["extra_data"]["file"]).stem: each["score"] for each in found} == {
        name: int(row["points"]) for name, row in rows.items()
    }


ENDLESS = {
    "in a cell": (["while True: pass", BIASED], "running code cell 1"),
    "in the function": ([body("while True: pass")], "calling pass_at_k(4, 2, 2)"),
    "asleep": (["import signal\nsignal.pause()"], "running code cell 1"),
    "stopped": (["import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"], "running code cell 1"),
    "deaf to signals": (
        ["import signal\nfor s in {*signal.Signals} - {9, 19}: signal.signal(s, signal.SIG_IGN)\nwhile True: pass"],
        "running code cell 1",
    ),
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
    row = graded(notebook(tmp_path / "work.ipynb", *cells), Limits(seconds=2, memory=1))
    assert row.points == 0
    # On a machine with much else to do the limit may pass before the loop is reached.
    assert row.reason.startswith("over the time limit of 2 s while") and (
        any(each in row.reason for each in (words, "starting", "running code cell"))
    )


def test_an_endless_loop_in_a_cell_costs_that_exercise_and_no_other(tmp_path):
    """Nor does a check of one's own that never ends, in a cell of its own, cost anything."""
    endless = "def vote_chance(*_): return 1\nwhile True:\n  try:\n    while True: pass\n  except BaseException: pass"
    cells = SETUP, RIGHT, "while True: pass", endless, OTHERS["2.3"]
    file = notebook(tmp_path / "work.ipynb", *cells)
    rows = grade(file, [EXERCISES[i] for i in ("2.1", "2.2", "2.3")], seed=7, limits=Limits(seconds=6, memory=1))
    assert [row.points for row in rows] == [10, 0, 10]
    assert "over the time limit of 6 s while running code cell 4; no function vote_chance" in rows[1].reason


def test_not_more_cells_are_left_out_than_a_chapter_has_exercises(tmp_path, monkeypatch):
    monkeypatch.setattr("ttclab.exercises.grading.session.MOST_SKIPPED", 1)
    row = graded(notebook(tmp_path / "work.ipynb", *["while True: pass"] * 3, RIGHT), Limits(seconds=3, memory=1))
    assert (row.points, row.reason) == (0, "over the time limit of 3 s while running code cell 2")


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


LINGER = {
    "a child": "pid = os.fork()\nif not pid: signal.pause()",
    "a daemon": "read, write = os.pipe()\nif not os.fork():\n  os.setsid()\n  if os.fork(): os._exit(0)\n"
    "  os.write(write, str(os.getpid()).encode())\n  signal.pause()\npid = int(os.read(read, 20))",
    "a session of its own": "pid = subprocess.Popen(['sleep', '3600'], env={}, start_new_session=True).pid",
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a keeper find what a submission has started")
@pytest.mark.parametrize("start", LINGER.values(), ids=LINGER)
def test_processes_that_a_submission_starts_end_with_it(tmp_path, start):
    cells = f"import os, signal, subprocess\n{start}", body("raise ValueError(f'process {pid}')")
    pid = re.search(r"process (\d+)", graded(notebook(tmp_path / "work.ipynb", *cells)).reason)
    assert pid and not is_running(int(pid[1]))


@signals_scoped
def test_a_submission_cannot_kill_the_grader(tmp_path):
    file = notebook(
        tmp_path / "work.ipynb",
        "import os, signal\n"
        "def parent(pid): return int(open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[1])\n"
        "pid = parent(os.getpid())\nwhile pid > 1:\n"
        "    try: os.kill(pid, signal.SIGKILL)\n    except PermissionError: pass\n    pid = parent(pid)",
        RIGHT,
    )
    assert graded(file).points == 10


def test_one_exercise_that_ends_the_process_costs_no_other(tmp_path):
    ends = "import os\ndef vote_chance(*_): os._exit(0)"
    file = notebook(tmp_path / "work.ipynb", RIGHT, ends, OTHERS["2.3"])
    rows = grade(file, [EXERCISES[i] for i in ("2.1", "2.2", "2.3", "2.4")], seed=7, limits=LIMITS)
    assert [row.points for row in rows] == [10, 0, 10, 0]
    assert "ended its own process while calling vote_chance([0.5, 0.25, 0.25], 3)" in rows[1].reason
    assert rows[3].reason == "no function smallest_n in the notebook"


SOLVERS = {
    "1.3": "from ttclab.flops import exchange_rate",
    "3.1": "def majority_vote(answers):\n    return ttclab.majority_vote([NS(answer=a) for a in answers])",
    "3.2": "def weighted_vote(answers, scores):\n"
    "    return ttclab.weighted_vote([NS(answer=a) for a in answers], scores)",
    "3.3": "from ttclab.sampling import Result\ndef best_of_n(texts, steps, how):\n"
    "    how = {'last': lambda s: s[-1], 'min': min, 'prod': prod, 'mean': fmean}[how]\n"
    "    together = [how(s or [0]) for s in steps]\n"
    "    return Result.best([NS(text=t, answer=t) for t in texts], together).solution.text",
    "3.4": "from ttclab.beam_search import _Candidate, _Tree\ndef beam_step(texts, scores, finished, M):\n"
    "    drawn = [NS(text=t, finished=f, key=()) for t, f in zip(texts, finished)]\n"
    "    tree = _Tree(None, [_Candidate(d, d, s) for d, s in zip(drawn, scores)])\n"
    "    tree.prune(M)\n    return [c.solution.text for c in tree.live]",
    "3.5": "from ttclab.estimators import auc\ndef within_problem_auc(scores, correct):\n"
    "    return fmean(auc(s, c) for s, c in zip(scores, correct) if len(set(c)) == 2)",
    "4.4": "def choose_answer(answers, scores):\n"
    "    best = [max(zip(a, s), key=lambda x: x[1]) for a, s in zip(answers, scores)]\n"
    "    return ttclab.weighted_vote([NS(answer=a) for a, _ in best], [s for _, s in best])",
    "5.1": "from ttclab.estimators import fifths\ndef difficulty_bins(scores, bins):\n"
    "    return fifths([fmean(row) for row in scores]).tolist()",
    "5.2": "def lesson_policy(difficulty, budget):\n"
    "    plan = ttclab.allocator.lesson_policy(difficulty, budget)\n    return [plan.N, plan.T]",
    "5.5": "def share_budget(accuracy, budget):\n    longest = max(map(len, accuracy))\n"
    "    rows = [row + row[-1:] * (longest - len(row)) for row in accuracy]\n"
    "    return ttclab.allocator.spread_budget(rows, range(longest), budget).tolist()",
}


def test_calling_the_packages_own_functions_earns_nothing(tmp_path):
    setup = (
        "import ttclab\nfrom math import prod\nfrom statistics import fmean\nfrom types import SimpleNamespace as NS"
    )
    file = notebook(tmp_path / "work.ipynb", setup, *SOLVERS.values())
    for row in grade(file, [EXERCISES[i] for i in SOLVERS], seed=7, limits=Limits(300, 2)):
        assert row.points == 0
        assert "is what an exercise asks you to write" in row.reason


@pytest.mark.parametrize("chapter", sorted({i.split(".")[0] for i in EXERCISES}))
def test_every_exercise_can_be_graded(tmp_path, chapter):
    """The worked solutions of a chapter, each with its check, and the chapter's stubs."""
    exercises = [exercise for i, exercise in EXERCISES.items() if i.startswith(f"{chapter}.")]
    cells, stubs = [SETUP], []
    for exercise in exercises:
        cells += [*worked_solution(exercise.id), f'check("{exercise.id}", {exercise.function})']
        stubs.append(f"def {exercise.function}(*_): ...")
    rows = grade(notebook(tmp_path / "work.ipynb", *cells), exercises, seed=7, limits=LIMITS)
    assert [(row.points, row.reason[:4]) for row in rows] == [(exercise.points, "all ") for exercise in exercises]
    rows = grade(notebook(tmp_path / "stubs.ipynb", *stubs), exercises, seed=7, limits=LIMITS)
    assert all(row.reason.startswith("not attempted") for row in rows)


def test_cells_are_read_in_either_form_with_or_without_a_byte_order_mark(tmp_path):
    cells = [{"cell_type": "code", "source": s} for s in ("a\nb", ["a\n", "b"])]
    file = tmp_path / "work.ipynb"
    file.write_text(json.dumps({"cells": [*cells, {"cell_type": "markdown", "source": "c"}]}), encoding="utf-8-sig")
    assert read_cells(file) == ["a\nb", "a\nb"]


def test_what_would_never_be_read_to_its_end_is_not_read(tmp_path, capsys):
    work = tmp_path / "class"
    notebook(work / "none" / "notes.txt")
    os.mkfifo(work / "pipe.ipynb")
    with (work / "sparse.ipynb").open("wb") as file:
        file.truncate(10**12)  # of holes
    assert main(command(work, tmp_path / "out")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "a folder without a notebook" in said and "0/10 not a file" in said
    assert "larger than 200,000,000 bytes: clear its outputs" in said


def test_a_fault_of_the_grader_itself_is_a_reason_too(tmp_path, monkeypatch):
    monkeypatch.setattr("ttclab.exercises.grading.grader.read_cells", lambda file: 1 / 0)
    assert "please report it: ZeroDivisionError" in graded(tmp_path / "work.ipynb").reason


def test_the_same_seed_gives_the_same_reason(tmp_path):
    file = notebook(tmp_path / "work.ipynb", body("return 0.5 if n == 1000 else 1.0"))
    assert graded(file) == graded(file)


def test_each_entry_of_a_folder_is_a_submission_and_nobody_is_left_out(tmp_path):
    for file in ("a/work.ipynb", "a/data.csv", "a/.ipynb_checkpoints/work.ipynb", "b/deep/er/x.ipynb", "b/y.ipynb"):
        notebook(tmp_path / file)
    for file in ("c/essay.docx", "d.ipynb", "e.py", ".DS_Store", "results/grades.csv", "__MACOSX/d.ipynb"):
        notebook(tmp_path / file)
    found = submissions([tmp_path, tmp_path / "d.ipynb"], tmp_path / "results")
    assert [file.relative_to(tmp_path).as_posix() for file in found] == [
        *["a/work.ipynb", "b/deep/er/x.ipynb", "b/y.ipynb", "c", "d.ipynb", "e.py"]
    ]
    assert graded(tmp_path / "c").reason == "a folder without a notebook"


def test_everyone_is_graded_on_all_exercises_of_the_chapters_that_anyone_checks(tmp_path):
    two = notebook(tmp_path / "two.ipynb", SETUP, RIGHT, CHECK)
    five = notebook(tmp_path / "five.ipynb", "check( '5.4' , f)", "recheck('3.1', f); check('9.9', f)")
    none = notebook(tmp_path / "none.ipynb", "nothing = 1")
    broken = tmp_path / "broken.ipynb"
    broken.write_bytes(b"\xff")
    assert assigned([two, none, broken]) == ["2.1", "2.2", "2.3", "2.4"]
    assert {name[0] for name in assigned([five, two])} == {"2", "5"}
    assert assigned([none, broken]) == list(EXERCISES)


# Results


def some_class(folder: Path, size: int = 6) -> Path:
    for i in range(size):
        notebook(folder / f"{i}.ipynb", SETUP, [RIGHT, BIASED, STUB][i % 3], CHECK)
    return folder


def command(work: Path, out: Path, *options: str) -> list[str]:
    return ["grade", str(work), "--out", str(out), "--exercise", "2.1", "--seed", "7", *options]


def contents(out: Path) -> dict[str, bytes]:
    return {str(f.relative_to(out)): f.read_bytes() for f in sorted(out.rglob("*")) if f.is_file()}


def test_killed_in_the_middle_and_started_again_nothing_is_graded_twice_or_lost(tmp_path, capsys):
    work, out = some_class(tmp_path / "class"), tmp_path / "out"
    start = [sys.executable, "-m", "ttclab", *command(work, out, "--jobs", "1")]
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        for _ in range(3):  # the header and two rows
            first.stdout.readline()
        first.kill()
    there = {file: file.stat().st_mtime_ns for file in out.glob("*/results.json")}
    assert 2 <= len(there) < 6

    assert main(command(work, out)) == 0
    assert f"; {len(there)} of 6 submissions were graded before" in capsys.readouterr().out
    assert all(file.stat().st_mtime_ns == made for file, made in there.items())
    assert main(command(work, tmp_path / "whole", "--jobs", "1")) == 0
    assert contents(out) == contents(tmp_path / "whole")


def test_only_what_has_changed_is_graded_anew(tmp_path, capsys):
    work, out = some_class(tmp_path / "class", 2), tmp_path / "out"

    def graded_before(*options: str) -> str:
        assert main(command(work, out, *options)) == 0
        return capsys.readouterr().out.splitlines()[-1]

    assert "before" not in graded_before()
    assert "2 of 2 submissions were graded before" in graded_before()
    notebook(work / "1.ipynb", RIGHT)
    assert graded_before().startswith("2 of 2 with full points; 1 of 2 submissions were graded before")
    notebook(work / "2.ipynb", RIGHT)
    assert "2 of 3 submissions were graded before" in graded_before()
    next(out.glob("*/results.json")).write_text("{}")
    assert "2 of 3 submissions were graded before" in graded_before()
    assert "before" not in graded_before("--seed", "8")
    assert "before" not in graded_before("--memory", "1")


def test_an_interrupt_ends_what_runs_and_keeps_what_is_graded(tmp_path):
    first, second = notebook(tmp_path / "a.ipynb", RIGHT), notebook(tmp_path / "b.ipynb", "while True: pass")
    work = grade_all([first, second], [EXERCISE], tmp_path / "out", seed=7, limits=LIMITS, jobs=1)
    next(work)
    work.close()
    assert result_file(tmp_path / "out", first).exists() and not result_file(tmp_path / "out", second).exists()


def test_where_no_submission_can_run_nobody_is_graded(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ttclab.exercises.grading.session.sys.executable", "/bin/false")
    assert main(command(some_class(tmp_path / "class", 1), tmp_path / "out")) == 2
    assert "no submission can run here: a process that does next to nothing" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))


NASTY = Grade("=a,\udcff<b>.ipynb", "2.1", 0, 10, "1 of 4 checks fail; <script>alert(1)</script>", "<b>&\x1b[2J\u202e")


def test_results_have_the_form_that_gradescope_reads(tmp_path):
    file = Path(NASTY.file)
    save(tmp_path, file, "key", [NASTY, NASTY._replace(exercise="2.2", points=10, reason="all 3 checks pass")])
    made = json.loads(result_file(tmp_path, file).read_text(encoding="utf-8"))
    assert made["score"] == sum(test["score"] for test in made["tests"]) == 10
    assert [test["status"] for test in made["tests"]] == ["failed", "passed"]
    for test in made["tests"]:
        assert 0 <= test["score"] <= test["max_score"] == 10 and test["output_format"] == "text"
        assert test["name"].startswith(test["number"] + " ") and test["output"]
    assert [row.points for row in load(tmp_path, file, "key") or ()] == [0, 10]
    assert load(tmp_path, file, "another key") is None


def test_names_that_differ_in_signs_only_have_results_of_their_own(tmp_path):
    files = [Path(name) for name in ("a b.ipynb", "a-b.ipynb", "a/b.ipynb", "../b.ipynb", "ä.ipynb", "x" * 300)]
    places = [result_file(tmp_path, file) for file in files]
    assert len(set(places)) == len(files)
    assert all(place.parents[1] == tmp_path and len(place.parent.name) < 100 for place in places)


def test_a_page_and_tables_take_a_submissions_words_for_words(tmp_path):
    write_tables(tmp_path, [NASTY])
    write_page(tmp_path, [NASTY._replace(report=f"title\n{NASTY.report}"), NASTY._replace(report="")], 7)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<b>" not in page and "\x1b" not in page and "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "&lt;b&gt;&amp;" in page
    with (tmp_path / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        header, row = csv.reader(file)
    assert header == ["file", "exercise", "points", "max_points", "reason"]
    assert row == ["'=a,\\udcff<b>.ipynb", "2.1", "0", "10", NASTY.reason]  # no formula


def test_one_line_takes_the_sting_out_of_a_text():
    assert one_line("a\r\n\x1b[2J\ud800  b") == "a [2J b"
    assert len(one_line("x" * 10_000)) == 600


def test_tables_are_written_whole_or_not_at_all(tmp_path):
    write_tables(tmp_path, [NASTY])
    (tmp_path / "old").hardlink_to(tmp_path / "grades.csv")
    before = (tmp_path / "old").read_bytes()
    write_tables(tmp_path, [NASTY, NASTY])
    assert (tmp_path / "old").read_bytes() == before != (tmp_path / "grades.csv").read_bytes()  # a new file
    assert (tmp_path / "totals.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "file,points,max_points",
        '"\'=a,\\udcff<b>.ipynb",0,20',
    ]
    assert {file.name for file in tmp_path.iterdir()} == {"grades.csv", "totals.csv", "old"}


def test_the_command_runs_from_the_checkout(tmp_path):
    file = notebook(tmp_path / "work.ipynb", RIGHT)
    done = subprocess.run(
        [sys.executable, "-m", "ttclab", *command(file, tmp_path / "results")],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "" if confines() else done.stderr)
    assert "10/10  all 4 checks pass" in done.stdout


def test_tables_begin_with_the_mark_by_which_excel_knows_utf_8(tmp_path):
    write_tables(tmp_path, [NASTY._replace(file="Zoë Łuczak.ipynb", reason="é is no number")])
    for name in ("grades.csv", "totals.csv"):
        raw = (tmp_path / name).read_bytes()
        assert raw.startswith(b"\xef\xbb\xbffile,") and raw.count(b"\xef\xbb\xbf") == 1
        assert "Zoë Łuczak.ipynb" in raw.decode("utf-8-sig")


def started(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ttclab", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


ENCODINGS = {
    "UTF-8": ({"PYTHONIOENCODING": "utf-8"}, "Zoë"),
    "Latin-1": ({"PYTHONIOENCODING": "latin-1"}, "Zoë"),
    "ASCII": ({"PYTHONIOENCODING": "ascii"}, "Zo\\xeb"),
    "a locale of ASCII": ({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "Zo\\xeb"),
}


@pytest.mark.parametrize(("environment", "shown"), ENCODINGS.values(), ids=ENCODINGS)
def test_output_is_right_whatever_the_terminals_encoding(tmp_path, environment, shown):
    file, out = notebook(tmp_path / "Zoë.ipynb", body("raise ValueError('ł − × é')")), tmp_path / "out"
    with started(*command(file, out), **environment) as run:
        said, complaint = run.communicate()
    encoding = {"latin-1": "latin-1", "utf-8": "utf-8"}.get(environment.get("PYTHONIOENCODING", ""), "ascii")
    assert run.returncode == 0 and b"Traceback" not in complaint
    assert f"{shown}.ipynb" in said.decode(encoding) and "raised ValueError:" in " ".join(said.decode(encoding).split())
    with (out / "totals.csv").open(newline="", encoding="utf-8-sig") as table:
        assert [row["file"] for row in csv.DictReader(table)] == [str(file)]


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize(
    ("call", "lines"),
    [
        ("grade {work} --out {out} --exercise 2.1", 0),
        ("grade {work} --out {out} --exercise 2.1", 1),
        ("grade --help", 0),
    ],
)
def test_a_reader_that_goes_away_is_no_error(tmp_path, call, lines, buffered):
    work = some_class(tmp_path / "class", 2)
    call = call.format(work=work, out=tmp_path / "out")
    with started(*call.split(), PYTHONUNBUFFERED=buffered) as run:
        for _ in range(lines):
            run.stdout.readline()
        run.stdout.close()
        complaint = run.stderr.read()
    assert complaint == b"" or b"cannot keep submissions" in complaint
    assert run.returncode in (0, 141)  # 0 where all was written before


def guide(language: str) -> list[str]:
    text = re.sub(r"\\\n *", "", (ROOT / "book/teaching.md").read_text(encoding="utf-8"))
    return [
        line.strip() for block in re.findall(rf"```{language}\n(.*?)```", text, re.S) for line in block.splitlines()
    ]


def test_the_commands_of_the_instructors_guide_work(tmp_path, monkeypatch, capsys):
    """As they stand there, on a class: those for a shell at home, then what the others say after `ttclab`."""
    monkeypatch.chdir(tmp_path)
    notebook(tmp_path / "class/ada/work.ipynb", SETUP, RIGHT, CHECK)
    own, foreign = [line for line in guide("bash") if line], " ".join(guide("sh"))
    assert len(own) == 2
    for line in own:
        start, arguments = line.split("ttclab ", maxsplit=1)
        assert start == ".venv/bin/" and main(arguments.split()) == 0
    (folder,) = (path for path in (tmp_path / "results").iterdir() if path.is_dir())
    assert {path.name for path in (tmp_path / "results").iterdir()} - {folder.name} == {
        *["grades.csv", "totals.csv", "report.html"]
    }
    for submission in ("/autograder/submission", "/class"):
        (arguments,) = re.findall(rf"ttclab (grade {submission} .*?)(?: cp |$)", foreign)
        out = re.search(r"--out (\S+)", arguments)[1]
        here = arguments.replace(submission, str(tmp_path / "class")).replace(out, str(tmp_path / "results"))
        assert main(here.split()) == 0


MISTAKES = {
    "no command": ("", "COMMAND"),
    "an unknown command": ("grad", "grade"),
    "no submissions": ("grade --out {out}", "SUBMISSION"),
    "no --out": ("grade {work}", "--out"),
    "no such file": ("grade {work} {work}x --out {out}", "no such file: {work}x"),
    "an empty folder": ("grade {empty} --out {out}", "nothing in {empty}"),
    "out is a file": ("grade {work} --out {work}", "--out {work} is a file"),
    "a seed below 0": ("grade {work} --out {out} --seed -1", "--seed"),
    "no time": ("grade {work} --out {out} --seconds 0", "--seconds"),
    "no memory": ("grade {work} --out {out} --memory 0", "--memory"),
    "no jobs": ("grade {work} --out {out} --jobs 0", "--jobs"),
    "an unknown exercise": (
        "grade {work} --out {out} --exercise 9.9",
        f"no exercise 9.9; there are: {', '.join(EXERCISES)}",
    ),
}


@pytest.mark.parametrize(("call", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_call_is_one_clear_line_and_exit_code_2(tmp_path, capsys, call, words):
    work, out, empty = notebook(tmp_path / "work.ipynb", RIGHT), tmp_path / "results", tmp_path / "empty"
    empty.mkdir()
    before = work.read_bytes()
    names = {"work": work, "out": out, "empty": empty}
    try:
        code = main([word.format(**names) for word in call.split()])
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.startswith("ttclab") and said.err.count("\n") == 1
    assert words.format(**names) in said.err
    assert work.read_bytes() == before and not out.exists()
