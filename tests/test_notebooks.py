"""Notebooks are compared with their stored outputs (nbval). That proves nothing if none are stored: see to it here."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from ttclab import live

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
LABS = [path for path in NOTEBOOKS if path.parent == FOLDER]
COLUMNS = 77  # of code that a page shows without scrolling
SHOWS = {"print", "display", "show"}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(FOLDER).as_posix())


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def shows_something(cell: dict[str, Any]) -> bool:
    """Whether the cell calls print, display or show outside the functions it defines."""
    lines = [line for line in "".join(cell["source"]).splitlines() if not line.lstrip().startswith(("%", "!"))]
    waiting: list[ast.AST] = [ast.parse("\n".join(lines))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in SHOWS:
            return True
        waiting.extend(ast.iter_child_nodes(node))
    return False


def compared_text(cell: dict[str, Any]) -> str:
    """What nbval compares of a cell: printed text, and values in plain form. Not images, not ignored cells."""
    if tags(cell) & {"nbval-ignore-output", "nbval-skip"}:
        return ""
    texts = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            texts.append("".join(output["text"]))
        elif not any(kind.startswith("image/") for kind in output.get("data", {})):
            texts.append("".join(output.get("data", {}).get("text/plain", "")))
    return "".join(texts).strip()


def test_there_are_labs_and_exercises():
    assert LABS, "no lab in notebooks/"
    assert any(path.parent.name == "exercises" for path in NOTEBOOKS), "no exercise in notebooks/exercises/"


@every_notebook
def test_notebook_was_run_from_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts and counts == list(range(1, len(counts) + 1)), "restart the kernel, run all cells, save"


@every_notebook
def test_cells_that_show_something_have_stored_what_they_showed(path):
    empty = ["".join(cell["source"]) for cell in code_cells(path) if shows_something(cell) and not cell["outputs"]]
    assert not empty, f"no stored output for:\n{empty[0] if empty else ''}"


@every_notebook
def test_some_stored_text_is_compared(path):
    assert any(compared_text(cell) for cell in code_cells(path)), "every output is ignored, an image, or missing"


@every_notebook
def test_no_cell_is_kept_from_running(path):
    assert not any(tags(cell) & {"nbval-skip", "skip-execution"} for cell in code_cells(path))


@every_notebook
def test_no_stored_error_but_where_one_is_meant(path):
    for cell in code_cells(path):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == bool(tags(cell) & {"raises-exception", "nbval-raises-exception"}), "".join(cell["source"])


@every_notebook
def test_notebook_opens_on_the_python_that_is_installed(path):
    kernel = json.loads(path.read_text(encoding="utf-8"))["metadata"]["kernelspec"]
    assert (kernel["name"], kernel["language"]) == ("python3", "python"), (
        "kernels by other names exist on no other machine"
    )


@every_notebook
def test_notebook_stores_no_state_of_its_widgets(path):
    """It would hold a copy of each simulator's code and data, soon an old one; the page draws its own."""
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.name)
def test_lab_opens_on_a_gpu_in_colab(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert metadata.get("accelerator") == "GPU" and metadata.get("colab", {}).get("gpuType") == "T4"


KNOB = re.compile(r'^(MODEL(?:, (?:LARGER|VERIFIER))?) = ""(?:, "")?  #', re.MULTILINE)  # one line, nothing named
NAMED = {"MODEL": '"small"', "LARGER": '"large"', "VERIFIER": '"prm"'}


def real_model_cells(path: Path) -> list[str]:
    return [source for cell in code_cells(path) if "live.run(" in (source := "".join(cell["source"]))]


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.name)
def test_every_lab_runs_a_real_model_by_one_line(path, capsys, monkeypatch):
    """The shipped models stand in for real ones: the interface is the same."""
    [setup] = [cell for cell in code_cells(path) if "setup" in tags(cell)]
    [source] = real_model_cells(path)
    [knob] = KNOB.finditer(source)
    named = f"{knob[1]} = {', '.join(NAMED[name] for name in knob[1].split(', '))}  #"
    monkeypatch.setattr(live.run, "__kwdefaults__", live.run.__kwdefaults__ | {"problems": "validation", "limit": 3})
    names: dict[str, Any] = {}
    exec("".join(setup["source"]), names)
    *statements, last = ast.parse(source.replace(knob[0], named)).body
    exec("\n".join(map(ast.unparse, statements)), names)
    shown = eval(ast.unparse(last), names)
    first, *_, last_line = capsys.readouterr().out.splitlines()
    assert re.match(r"small on \w+: at most about .* Its weights are \d", first)
    assert isinstance(shown, pd.DataFrame) and len(shown) and "Out of memory" not in last_line


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.name)
def test_code_of_a_lab_is_read_without_scrolling_and_asserts_nothing(path):
    for cell in code_cells(path):
        if "remove-cell" not in tags(cell):
            source = "".join(cell["source"])
            assert max(map(len, source.splitlines())) <= COLUMNS, source
            assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source))), source


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.name)
def test_a_lab_has_one_place_to_change_with_a_knob_above_the_code(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    [place] = [i for i, cell in enumerate(cells) if "Change this and run again" in "".join(cell["source"])]
    assert cells[place + 1]["cell_type"] == "code"
    assert re.match(r"[A-Z_]+ = \S", "".join(cells[place + 1]["source"]))


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.name)
def test_a_lab_names_the_model_for_colab_and_stores_a_run_without_one(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    [place] = [i for i, cell in enumerate(cells) if "live.run(" in "".join(cell["source"])]
    assert live.COLAB in "".join(cells[place - 1]["source"])
    assert compared_text(cells[place]) == "No model is named: nothing is run."


def run(folder: Path, budget: int, together: int, *sources: str) -> str:
    """What pytest says of notebooks of one cell each, with other limits than the course's."""
    text = (FOLDER / "conftest.py").read_text(encoding="utf-8")
    for rule, limit in (("BUDGET = 60", f"BUDGET = {budget}"), ("TOGETHER = 360", f"TOGETHER = {together}")):
        assert text.count(rule) == 1
        text = text.replace(rule, limit)
    (folder / "conftest.py").write_text(text, encoding="utf-8")
    for i, source in enumerate(sources):
        cell = nbformat.v4.new_code_cell(source, execution_count=1)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / f"{i}.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "1", "--nbval", "--nbval-current-env", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return ("passed: " if done.returncode == 0 else "failed: ") + done.stdout


TAKES_2 = "import time\nwhile time.process_time() < 2:\n    pass"


def test_a_notebook_over_its_budget_fails_and_is_named(tmp_path):
    said = run(tmp_path, 1, 360, TAKES_2, "pass")
    assert said.startswith("failed") and "0.ipynb took 2 seconds of a CPU, of 1 that it may" in said
    assert "1.ipynb took" not in said


def test_labs_within_their_budgets_and_over_it_together_fail_and_are_listed(tmp_path):
    said = run(tmp_path, 60, 3, TAKES_2, TAKES_2)
    assert said.startswith("failed") and "together" in said and " 1 failed" not in said
    assert "2  0.ipynb" in said and "2  1.ipynb" in said


def as_cell(source: str) -> dict[str, Any]:
    return {"source": source, "metadata": {}, "outputs": []}


@pytest.mark.parametrize(
    "source", ["print(1)", "for x in y:\n    print(x)", "viewer.show(figure)", "%time x\ndisplay(x)"]
)
def test_the_guard_sees_what_shows(source):
    assert shows_something(as_cell(source))


@pytest.mark.parametrize("source", ["x = 1", "def f():\n    print(1)", "show_all = lambda: print(2)", "# print(1)"])
def test_the_guard_sees_what_shows_nothing(source):
    assert not shows_something(as_cell(source))


def test_the_guard_counts_only_text_that_is_compared():
    picture = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "<Figure>"}}
    printed = {"output_type": "stream", "text": ["0.48\n"]}
    assert not compared_text(as_cell("") | {"outputs": [picture]})
    assert compared_text(as_cell("") | {"outputs": [picture, printed]}) == "0.48"
    assert not compared_text({"metadata": {"tags": ["nbval-ignore-output"]}, "outputs": [printed]})
