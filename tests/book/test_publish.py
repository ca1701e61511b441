"""The address of the repository: found in one place, stamped where it is needed, and nowhere made up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from publish import SETUP, repository, stamped  # noqa: E402

NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
CONF = f"""
import sys
sys.path[:0] = [{str(ROOT / "book" / "_ext")!r}]
extensions = ["myst_nb", "publish"]
html_theme = "sphinx_book_theme"
nb_execution_mode = "off"
"""


def checkout(folder: Path, remote: str | None) -> Path:
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    if remote:
        subprocess.run(["git", "remote", "add", "origin", remote], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/owner/course.git", "owner/course"),
        ("https://github.com/owner/course", "owner/course"),
        ("https://name:secret@github.com/owner/course.git", "owner/course"),
        ("git@github.com:owner/the.course.git", "owner/the.course"),
        ("ssh://git@github.com/owner/course.git", "owner/course"),
        ("https://git.elsewhere.org/owner/course.git", ""),
        ("https://notgithub.com/owner/course.git", ""),
        ("https://github.com.elsewhere.org/owner/course.git", ""),
        ("https://elsewhere.org/github.com/owner/course", ""),
        ("/some/folder/course.git", ""),
        (None, ""),
    ],
)
def test_the_repository_is_that_of_the_checkouts_remote(tmp_path, monkeypatch, remote, name):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert repository(checkout(tmp_path, remote)) == name


def test_the_repository_is_that_of_the_workflow_where_one_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "fork/course")
    assert repository(checkout(tmp_path, "https://github.com/owner/course.git")) == "fork/course"


def test_a_folder_that_is_no_checkout_has_no_repository(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert repository(tmp_path) == ""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT / "notebooks").as_posix())
def test_the_stamp_changes_the_address_in_the_setup_cell_and_nothing_else(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    made = stamped(notebook, "owner/course", "abc123")
    (i,) = (i for i, (old, new) in enumerate(zip(notebook["cells"], made["cells"], strict=True)) if old != new)
    source = "".join(made["cells"][i]["source"])
    assert source == SETUP.replace('COURSE = ""', 'COURSE = "git+https://github.com/owner/course@abc123"')
    made["cells"][i] = notebook["cells"][i]
    assert made == notebook


def run_setup_cell(notebook: dict, folder: Path, *modules: str) -> list[str]:
    """What the setup cell installs, in a Python that has these modules: the pip that it asks takes notes."""
    (folder / "pip").write_text(f'#!/bin/sh\necho "$@" >> {folder / "asked"}\n')
    (folder / "pip").chmod(0o755)
    cell = next("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    code = f"import sys, types\nfor name in {modules!r}: sys.modules[name] = types.ModuleType(name)\n{cell}"
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (folder / "asked").read_text().splitlines() if (folder / "asked").is_file() else []


def test_the_setup_cell_installs_the_course_on_colab_and_nothing_at_home(tmp_path):
    notebook = stamped(json.loads(NOTEBOOKS[0].read_text(encoding="utf-8")), "owner/course")
    assert run_setup_cell(notebook, tmp_path) == []
    asked = run_setup_cell(notebook, tmp_path, "google.colab")
    assert asked == ["install --quiet git+https://github.com/owner/course"]


def build(folder: Path, **environment: str) -> None:
    """A small book of one page and one notebook."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text("# Book\n\n```{toctree}\nnotebooks/lab\n```\n")
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Lab\n\nÜber N ≥ 1"}
    notebook["cells"] = [title, *[cell for cell in notebook["cells"] if "".join(cell["source"]) == SETUP]]
    (folder / "notebooks" / "lab.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(folder), str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, env={**kept, **environment})
    assert done.returncode == 0, done.stderr


def buttons(page: Path) -> set[str]:
    header = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find(class_="bd-header-article")
    return {each["href"] for each in header.find_all("a", href=True) if not each["href"].startswith("#")}


def test_a_book_with_an_address_has_its_buttons_and_stamped_notebooks(tmp_path):
    build(tmp_path / "book", GITHUB_REPOSITORY="owner/course", GITHUB_SHA="abc123")
    html = tmp_path / "book" / "html"
    colab = "https://colab.research.google.com/github/owner/course/blob/colab/notebooks/lab.ipynb"
    source = "https://github.com/owner/course/blob/main/notebooks/lab.ipynb?plain=1"
    found = buttons(html / "notebooks" / "lab.html")
    assert found == {colab, source, "https://github.com/owner/course", "../_sources/notebooks/lab.ipynb"}
    assert not any("colab" in link for link in buttons(html / "index.html"))
    offered = (html / "_sources" / "notebooks" / "lab.ipynb").read_text(encoding="utf-8")
    assert 'COURSE = \\"git+https://github.com/owner/course@abc123\\"' in offered
    assert "Über N ≥ 1" in offered


def test_a_book_without_an_address_has_no_button_that_needs_one(tmp_path):
    build(checkout(tmp_path / "book", "/some/folder/course.git"))
    html = tmp_path / "book" / "html"
    assert buttons(html / "notebooks" / "lab.html") == {"../_sources/notebooks/lab.ipynb"}
    assert 'COURSE = \\"\\"' in (html / "_sources" / "notebooks" / "lab.ipynb").read_text(encoding="utf-8")
    assert "github.com" not in (html / "notebooks" / "lab.html").read_text(encoding="utf-8")


def test_no_address_of_a_repository_stands_in_the_repository():
    """But for those of other projects, in the text and the licences of what is bundled."""
    own = [ROOT / name for name in ("_config.yml", "README.md", "pyproject.toml", "CITATION.cff", "CONTRIBUTING.md")]
    for path in [*own, *NOTEBOOKS, *(ROOT / "book").glob("*.md"), *(ROOT / ".github").rglob("*.yml")]:
        text = path.read_text(encoding="utf-8")
        assert "colab.research.google.com" not in text and "git+https" not in text, path
