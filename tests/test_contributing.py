"""CONTRIBUTING.md on adding things: its table of files, and a strategy, a task and a verifier that are added here."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from exercise_attempts import RIGHT
from scripted import ScriptedPolicy, ScriptedVerifier

import ttclab
from ttclab import bank, data, results
from ttclab.beam_search import beam_search
from ttclab.exercises import EXERCISES
from ttclab.problems import Problem, load_problems
from ttclab.sampling import Result, strategy

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("[0-9][0-9]-*.md"))


def rows() -> dict[str, list[str]]:
    """The files that each row of the table names."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| to add |") :].split("\n\n")[0].splitlines()[2:]
    cells = [line.strip("|").split(" | ") for line in table]
    return {name.strip(): re.findall(r"`([^`]+)`", files) for name, files in cells}


def places(row: str, **names: str) -> Iterator[Path]:
    for file in rows()[row]:
        for placeholder, value in names.items():
            file = file.replace(placeholder, value)
        yield ROOT / file


def test_every_file_of_the_table_is_there():
    assert len(rows()) == 9
    for row, files in rows().items():
        assert files, row
        for file in files:
            pattern = re.sub(r"NAME|TOPIC", "*", file).replace("NN", "[0-9][0-9]")
            assert [*ROOT.glob(pattern)], f"{row}: {file}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_has_the_files_of_its_row(chapter):
    number, topic = chapter.split("-", maxsplit=1)
    assert all(path.is_file() for path in places("a chapter", NN=number, TOPIC=topic)), chapter
    assert f"file: book/{chapter}" in yaml.safe_dump(yaml.safe_load((ROOT / "_toc.yml").read_text()))


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_has_the_files_of_its_row(name):
    number = f"{int(name.split('.')[0]):02}"
    (chapter,) = (each for each in CHAPTERS if each.startswith(number))
    files = list(places("an exercise", NN=number, TOPIC=chapter.removeprefix(f"{number}-")))
    assert all(path.is_file() for path in files) and name in RIGHT
    assert f"Exercise {name}: a worked solution" in (ROOT / f"book/_solutions/{number}.md").read_text()
    (notebook,) = (path for path in files if path.suffix == ".ipynb")
    assert any(
        f"exercise-{name}" in cell["metadata"].get("tags", []) for cell in json.loads(notebook.read_text())["cells"]
    )


def test_every_public_strategy_has_the_files_of_its_row():
    for name in ("parallel_search", "beam_search_prm", "dvts", "sequential_revise", "hybrid_search", "adaptive_search"):
        module = ttclab._MODULE_OF[name].strip(".")
        assert (ROOT / f"ttclab/{module}.py").is_file() and f"ttclab.{name}" in (ROOT / "book/api.md").read_text()
        assert any(name in path.read_text() for path in places("a strategy", NAME=module) if path.suffix == ".pyi")


# One of each, as somebody would write it outside the package.


@dataclass(frozen=True)
class CountDown(Problem):
    """Write the numbers from n down to 1, one a line."""

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        steps = tuple(text.split())
        return steps, steps[-1] if steps else None

    def check_steps(self, steps: tuple[str, ...]) -> list[bool]:
        return [step == str(int(self.id) - i) for i, step in enumerate(steps)]


class Shortest:
    """Prefers short solutions."""

    name = "shortest"

    def score(self, solutions):
        return [1 / (1 + len(solution.steps)) for solution in solutions]

    def score_steps(self, solutions):
        return [[1 / (1 + i) for i in range(len(solution.steps))] for solution in solutions]


@strategy
def best_of_two_halves(model, verifier, problem, N, seed=0):
    """The best of N samples at each of two temperatures."""
    halves = [
        model.generate(problem, n=N // 2, temperature=temperature, seed=seed + i)
        for i, temperature in enumerate((0.5, 1.0))
    ]
    groups = [[*cold, *warm] for cold, warm in zip(*halves, strict=True)]
    return [Result.best(group, verifier.score(group)) for group in groups]


def test_a_task_of_one_class_is_searched_voted_on_and_verified_exactly():
    problem = CountDown("3", "Count down from 3.", "3:", "1")
    steps = ("3", "2", "1")
    right = ttclab.Solution(problem, "3\n2\n1\n")
    assert right.correct and right.steps == steps
    oracle = ttclab.load_verifier("oracle")
    assert oracle.score_steps([right, ttclab.Solution(problem, "3\n1\n")]) == [[1.0] * 3, [1.0, 0.0]]
    policy = ScriptedPolicy("soon")
    for result in (
        ttclab.parallel_search(policy, oracle, problem, 4, choose="majority"),
        ttclab.sequential_revise(policy, oracle, problem, 2),
        beam_search(policy, ScriptedVerifier(), problem, 4, 2),
    ):
        assert isinstance(result, Result) and result.cost.generations >= 1


def test_a_verifier_of_one_class_chooses_in_every_strategy():
    problems = load_problems("test", limit=2)
    for found in (
        ttclab.parallel_search(ScriptedPolicy("mixed"), Shortest(), problems, 4),
        beam_search(ScriptedPolicy("soon"), Shortest(), problems, 4, 2),
        ttclab.hybrid_search(ScriptedPolicy("soon"), Shortest(), problems, 2, 1),
    ):
        for result in found:
            assert result.scores == Shortest().score(result.solutions) or len(result.scores) == 4


def test_a_strategy_of_one_function_takes_one_problem_or_many_and_is_charged():
    problems = load_problems("test", limit=3)
    results = best_of_two_halves(ScriptedPolicy(), ScriptedVerifier(), problems, 4)
    assert [result.cost.generations for result in results] == [4, 4, 4]
    assert (
        best_of_two_halves(ScriptedPolicy(), ScriptedVerifier(), problems[0], 4).solution.text
        == results[0].solution.text
    )


def test_a_strategy_is_recorded_and_shown_without_a_change_of_recording_or_results(tmp_path, monkeypatch):
    results.small_fifths("test")  # from the shipped runs
    monkeypatch.setattr(data, "RUNS", tmp_path)
    draws = bank.Draws(problems=6, device="cpu")
    bank.record_strategy(best_of_two_halves, "small", "prm", "test", draws, N=8)
    run = bank.load_strategy("best_of_two_halves", "small", "prm", "test", N=8)
    policy, prm = ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")
    found = best_of_two_halves(policy, prm, run.problems, 8)
    assert [[s.text for s in group] for group in run.found] == [[s.text for s in result.solutions] for result in found]
    arm = results.searched("best_of_two_halves", N=8)
    assert arm.correct.tolist() == [result.correct for result in found]
    assert arm.flops.tolist() == [result.cost.total_flops for result in found]
    with pytest.raises(ValueError, match="best_of_two_halves"):
        bank.load_strategy("best_of_two_halves", "small", "prm", "test", N=16)
