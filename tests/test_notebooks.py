"""Notebooks are compared with their stored outputs (nbval). That proves nothing if none are stored: see to it here."""

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
LABS = [path for path in NOTEBOOKS if path.parent == FOLDER]
SHOWS = {"print", "display", "show"}
BUDGET = 60  # seconds of a CPU that a notebook may take: what CONTRIBUTING.md asks for
TOGETHER = 360  # seconds of a CPU that all labs may take
taken: dict[Path, float] = {}  # by the notebooks that have run here

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


LIMIT = """
import resource, signal

def stop(*_):
    raise TimeoutError("the notebook has used more than {0} seconds of the CPU")

signal.signal(signal.SIGXCPU, stop)
resource.setrlimit(resource.RLIMIT_CPU, ({0}, {0} + 5))
"""


def run(notebook: nbformat.NotebookNode, folder: Path, budget: int = BUDGET) -> float:
    """Run a notebook in a folder until it has used its budget; the seconds of a CPU that it took.

    The clock on the wall only ends what hangs.
    """
    first, last = (
        nbformat.v4.new_code_cell(code) for code in (LIMIT.format(budget), "import time\nprint(time.process_time())")
    )
    notebook.cells = [first, *notebook.cells, last]
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, kernel_name="python3", resources=where, timeout=10 * BUDGET).execute()
    return float(last["outputs"][0]["text"])


@every_notebook
def test_notebook_runs_from_another_folder_and_is_stopped_at_its_budget(path, tmp_path):
    """As on Colab, where the repository is not: what a notebook needs is in the package. The limit measures nothing."""
    taken[path] = run(nbformat.read(path, as_version=4), tmp_path)


def test_all_labs_together_stay_within_their_budget():
    if not taken.keys() >= set(LABS):
        pytest.skip("needs a run of all labs before it: pytest tests/test_notebooks.py")
    assert sum(taken[path] for path in LABS) <= TOGETHER, {path.name: round(taken[path]) for path in LABS}


def test_a_notebook_that_goes_on_and_on_is_stopped(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("while True:\n    pass")])
    with pytest.raises(CellExecutionError, match="the notebook has used more than 3 seconds of the CPU"):
        run(notebook, tmp_path, budget=3)


def as_cell(source: str) -> dict[str, Any]:
    return {"source": source, "metadata": {}, "outputs": []}


@pytest.mark.parametrize(
    "source", ["print(1)", "for x in y:\n    print(x)", "plots.show(figure)", "%time x\ndisplay(x)"]
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
