"""Tasks: the registry, and a task of one file that goes the whole way from training to a strategy."""

import json
from dataclasses import replace
from itertools import count

import pytest
from toy_task import REVERSAL

import ttclab
from ttclab import bank, results
from ttclab.bank import Draws
from ttclab.tasks.registry import TASKS, find_set
from ttclab.training import loop, policy, train, verifier

BUDGETS = (1, 2, 4)


@pytest.fixture
def reversal(monkeypatch):
    """The toy task, in the registry: the one line that is touched."""
    monkeypatch.setitem(TASKS, "reversal", REVERSAL)


@pytest.fixture
def trained(reversal, tmp_path, monkeypatch):
    """A folder with a policy and a verifier that were trained on the toy task for a few steps."""
    monkeypatch.setattr(policy, "VALIDATION", 20)
    monkeypatch.setattr(verifier, "VALIDATION", (8, 2))
    few = {"steps": 30, "batch": 16, "warmup": 2}
    monkeypatch.setitem(loop.RECIPES, "small-plain", replace(loop.RECIPES["small-plain"], **few))
    short = {"problems": 8, "read": 6, "true": 2, "chained": 4, "revised": 3}
    monkeypatch.setitem(loop.RECIPES, "prm", replace(loop.RECIPES["prm"], **few | short | {"steps": 4}))
    train("small-plain", task="reversal", out=tmp_path / "small", device="cpu", say=lambda line: None)
    train("prm", task="reversal", out=tmp_path / "prm", device="cpu", say=lambda line: None)
    return tmp_path


def test_a_task_of_one_file_is_trained_recorded_measured_and_searched(trained):
    model = trained / "small"
    metadata = {name: json.loads((trained / name / "training.json").read_text()) for name in ("small", "prm")}
    assert {each["task"] for each in metadata.values()} == {"reversal"}
    assert "pass@1" in metadata["small"]["validation"]

    run = bank.read(bank.record(str(model), "reversal-test", Draws(samples=4, problems=9), out=trained / "run.parquet"))
    assert run.task is REVERSAL and run.metadata.task == "reversal"
    assert run.prompt_tokens == [7] * 9 and run.problems == ttclab.load_problems("reversal-test", limit=9)

    draws = Draws(problems=2, device="cpu")
    bank.record_chains(str(model), "reversal-test", [3], draws, out=trained / "chains.parquet")
    chains = bank.read(trained / "chains.parquet")
    assert chains.task is REVERSAL and (chains.read_tokens[:, 0] == 7).all()
    assert chains.read_tokens[1, 2] == len(chains.shown(1, 2)) + 7

    arms = results.run_arms(run, "best", BUDGETS, run.correct.astype(float))
    assert arms.at(4).correct.mean() == run.correct.any(axis=1).mean() and arms.at(2).cost > arms.at(1).cost

    writer, problem = ttclab.load(model, device="cpu"), run.problems[0]
    step = writer.generate_step(problem, n=2)[0]
    assert step.text.endswith(";") or step.finished or step.length == writer.max_new_tokens
    found = ttclab.beam_search_prm(writer, ttclab.load_verifier("oracle"), problem, beam_width=2, expansions=2)
    assert found.cost.generations == 4 and found.solution.problem is problem
    by_vote = ttclab.parallel_search(writer, ttclab.load_verifier("oracle"), run.problems, 4, choose="majority")
    assert len(by_vote) == 9 and all(result.cost.generations == 4 for result in by_vote)


def test_a_run_of_a_task_that_is_not_registered_is_refused(trained, monkeypatch):
    out = bank.record(
        str(trained / "small"), "reversal-test", Draws(samples=1, problems=1), out=trained / "run.parquet"
    )
    monkeypatch.delitem(TASKS, "reversal")
    with pytest.raises(ValueError, match="the run has the unknown task 'reversal'; known tasks: arithmetic, words"):
        bank.read(out)


@pytest.mark.parametrize("task", ["words", "sums"])
def test_no_model_is_trained_on_a_task_without_an_alphabet(task):
    with pytest.raises(ValueError, match=f"models are trained on the tasks arithmetic, not on '{task}'"):
        train("small", task=task)


def test_problem_sets_name_their_task():
    assert [find_set(name)[0].name for name in ("test", "words-train", "mine.jsonl")] == ["arithmetic", "words", "text"]
    assert find_set("words-train")[1] == "train" and find_set("mine.jsonl")[1] is None


@pytest.mark.parametrize("name", ["test", "words-test"])
def test_an_id_names_its_problem_within_its_task(name):
    for problem in ttclab.load_problems(name, limit=20):
        assert find_set(name)[0].parse(problem.id) == problem


def test_more_problems_than_a_task_has_are_refused(monkeypatch):
    def draw(split, rng):
        return (REVERSAL.parse(str(rng.randint(1, 5))) for _ in count())

    monkeypatch.setitem(TASKS, "few", replace(REVERSAL, name="few", draw=draw))
    assert len(ttclab.load_problems("few-test", limit=5)) == 5
    with pytest.raises(ValueError, match="the set few-test has about 5 problems, not 6"):
        ttclab.load_problems("few-test", limit=6)


def test_problems_whose_steps_end_differently_cannot_be_run_together(reversal):
    problems = [*ttclab.load_problems("test", limit=1), *ttclab.load_problems("reversal-test", limit=1)]
    with pytest.raises(ValueError, match="must end their steps alike, not with"):
        ttclab.load("small", device="cpu").generate_step(problems)


def test_runs_name_their_task():
    runs = bank.load("small", "test"), bank.load("smollm2", "words-test"), bank.load_chains("small", "test")
    assert [run.task.name for run in runs] == ["arithmetic", "words", "arithmetic"]
    assert runs[0].prompt_tokens == [len(problem.prompt) for problem in runs[0].problems]
