"""The pages that are made while the book is built: the API reference, how the book was made, maths."""

import json
import sys
from copy import copy
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from conftest import HTML, lacking

import ttclab
from ttclab import bank
from ttclab.cli import app
from ttclab.models import ZOO
from ttclab.results import seeds

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "_ext"))

from maths import mathml

# What the labs, the exercises and outside checks call: promised, so described.
PROMISED = {
    "ttclab.problems.Problem", "ttclab.problems.Solution", "ttclab.problems.answers_equal",
    "ttclab.models.LanguageModel.generate", "ttclab.models.LanguageModel.generate_step",
    "ttclab.models.LanguageModel.revise", "ttclab.verifiers.Verifier.score",
    "ttclab.verifiers.StepVerifier.score_steps",
    "ttclab.verifiers.Critic.critique", "ttclab.verifiers.Feedback", "ttclab.sampling.Result", "ttclab.ledger.Cost",
    "ttclab.flops.forward_flops", "ttclab.flops.exchange_rate", "ttclab.estimators.pass_at_k",
    "ttclab.estimators.best_of_n", "ttclab.estimators.majority", "ttclab.estimators.weighted_best_of_n",
    "ttclab.allocator.lesson_policy", "ttclab.allocator.Allocation", "ttclab.allocator.ComputeOptimalPolicy.fit",
    "ttclab.allocator.ComputeOptimalPolicy.allocate",
    *(f"ttclab.{name}" for name in ttclab.__all__ if name[0].islower()),
}  # fmt: skip


def page(name: str) -> BeautifulSoup:
    path = HTML / "book" / f"{name}.html"
    if not path.is_file():
        lacking("no book in _build/html: make book")
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_every_promised_name_is_described_in_the_words_of_its_docstring():
    described = {each["id"]: each for each in page("api").select("dt.sig[id]")}
    assert described.keys() >= PROMISED
    for name in PROMISED:
        assert described[name].find_next_sibling("dd").get_text(strip=True), f"{name} has no docstring"


def test_docstrings_are_shown_as_they_were_meant():
    """What looks like markup is a formula, and would be lost or doubled; TeX is set as code, which keeps it."""
    text = page("api").get_text()
    assert "(problems, *k.shape)" in text
    assert "1-(1-p)^N" in text or "k = M + (M - 1) X / Y" in text
    article = copy(page("api").select_one("article"))
    assert r"\frac{1}{2}" in article.get_text()
    for code in article.find_all("code"):
        code.decompose()
    assert "\\" not in article.get_text()


def test_every_command_is_listed():
    text = page("api").get_text()
    assert all(f"ttclab {name}" in text for name in app.commands)


def test_every_shipped_model_is_of_seed_0_and_is_listed_with_its_steps_and_size():
    rows = [[cell.get_text(strip=True) for cell in row.find_all("td")] for row in page("made").select("table tr")]
    kept = sorted(int(folder.name.split("-")[1]) for folder in ZOO.glob("large-*"))  # one row for all of them
    for folder in ZOO.iterdir():
        made = json.loads((folder / "training.json").read_text())
        (row,) = (row for row in rows if row and row[0] == made["name"] and f"{made['block_parameters']:,}" in row)
        steps = f"{kept[0]:,} to {kept[-1]:,}" if made["name"] == "large" else f"{made['steps']:,}"
        assert made["seed"] == 0 and steps in row


def test_every_recorded_run_and_headline_number_is_listed():
    tables = [table for table in page("made").select("table") if not table.find_parent("figure")]
    rows = sum(len(table.select("tbody tr")) for table in tables)
    models = {
        folder.name.split("-")[0] if folder.name.startswith("large-") else folder.name for folder in ZOO.iterdir()
    }
    assert rows == len(models) + len(list(bank.RUNS.glob("*.parquet"))) + len(seeds.HEADLINES)


@pytest.mark.parametrize(
    "tex", [r"1-(1-p)^N", r"\binom{n}{k}", r"a \\ b", r"\begin{align*}a &= b \\ c &= d\end{align*}"]
)
def test_tex_becomes_mathml(tex):
    made = mathml(tex, "block")
    assert made.startswith("<math") and "\\" not in made


@pytest.mark.parametrize("tex", [r"\nosuchcommand x", r"\mathbf{1}", "a & b"])
def test_tex_that_browsers_would_not_set_is_refused(tex):
    with pytest.raises(ValueError, match="no MathML for the TeX"):
        mathml(tex, "inline")
