"""The directive {drawn} in a small book of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def build(folder, text):
    (folder / "index.md").write_text(f"# A page\n\n{text}\n", encoding="utf-8")
    (folder / "conf.py").write_text(
        f'import sys\nsys.path.insert(0, r"{ROOT / "book/_ext"}")\nextensions = ["myst_parser", "drawn"]\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(folder), str(folder / "_build/html")]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_a_figure_stands_in_the_page_with_its_numbers_and_its_note(tmp_path):
    done = build(tmp_path, "```{drawn} weighted_against_vote\nA *note*.\n```")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "_build/html/index.html").read_text(encoding="utf-8")
    assert '<figure class="ttclab-figure" id="figure-weighted-against-vote">' in page
    assert page.index("</svg>") < page.index("A <em>note</em>.") < page.index("<summary>The numbers</summary>")
    [kept] = (tmp_path / "_build/.figures").rglob("*.html")
    kept.write_text(kept.read_text(encoding="utf-8").replace("<svg", "<svg data-kept", 1), encoding="utf-8")
    (tmp_path / "_build/html/.doctrees/index.doctree").unlink()
    assert build(tmp_path, "```{drawn} weighted_against_vote\n```").returncode == 0
    assert "data-kept" in (tmp_path / "_build/html/index.html").read_text(encoding="utf-8")


def test_an_unknown_figure_fails_the_strict_build(tmp_path):
    done = build(tmp_path, "```{drawn} no_such_figure\n```")
    assert done.returncode != 0
    assert "no figure is 'no_such_figure'" in done.stderr
