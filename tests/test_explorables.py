"""The simulators' tables, their bundles and their face in notebooks."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import ttclab
from ttclab import bank, estimators, explorables, results
from ttclab.beam_search import beam_search
from ttclab.explorables import (
    BUNDLE,
    FOLDER,
    NAMES,
    Explorable,
    as_json,
    breadth_or_depth_data,
    shipped_data,
    show,
    verifier_data,
    watch_revision,
    watch_revision_data,
    watch_search,
)
from ttclab.explorables.verifier import QUALITIES
from ttclab.explorables.words import GROUPS, flops_in_words
from ttclab.problems import LENGTHS, SIZES, ArithmeticProblem, Solution, load_problems
from ttclab.sampling import CHOICES
from ttclab.verifiers import NoisyOracle

SOURCES = FOLDER / "src"
every_explorable = pytest.mark.parametrize("name", NAMES)


def runs(problems=40, samples=32, seed=0):
    """Right and wrong samples of problems from easy to hopeless."""
    rng = np.random.default_rng(seed)
    return rng.random((problems, samples)) < np.linspace(1, 0, problems)[:, None]


# ---- the data of "Breadth or depth"


def test_coverage_is_the_share_of_all_subsets_with_a_right_sample():
    correct = runs(problems=10, samples=8)
    data = breadth_or_depth_data(correct, 1)
    assert data["budgets"] == [1, 2, 4, 8]
    for i, k in enumerate(data["budgets"]):
        subsets = [correct[:, chosen].any(axis=1).mean() for chosen in combinations(range(8), k)]
        assert data["groups"][0]["coverage"]["mean"][i] == pytest.approx(np.mean(subsets), abs=5e-5)


def test_every_group_has_the_estimators_coverage_and_band():
    correct = runs()
    data = breadth_or_depth_data(correct, 1)
    fifth = estimators.fifths(correct.mean(axis=1))
    right = correct.sum(axis=1, keepdims=True)
    for key, group in enumerate(data["groups"]):
        members = (fifth == key - 1) | (key == 0)
        expected = estimators.bootstrap(estimators.pass_at_k(32, right[members], data["budgets"]))
        for part in ("mean", "low", "high"):
            assert group["coverage"][part] == pytest.approx(getattr(expected, part), abs=5e-5)


def test_fifths_share_the_problems_and_run_from_easiest_to_hardest():
    everything, *fifths = breadth_or_depth_data(runs(problems=43), 1)["groups"]
    assert everything["problems"] == 43 == sum(group["problems"] for group in fifths)
    assert [group["key"] for group in fifths] == ["1", "2", "3", "4", "5"]
    assert [group["p"] for group in fifths] == sorted((group["p"] for group in fifths), reverse=True)


def test_theory_is_that_of_problems_all_alike_and_starts_at_one_sample():
    correct = runs()
    for group in breadth_or_depth_data(correct, 1)["groups"]:
        assert group["theory"][0] == group["coverage"]["mean"][0] == group["p"]
    p = correct.mean()
    assert breadth_or_depth_data(correct, 1)["groups"][0]["theory"][4] == pytest.approx(1 - (1 - p) ** 16, abs=5e-5)


@pytest.mark.parametrize(("samples", "largest"), [(1, 1), (3, 2), (255, 128), (256, 256), (300, 256)])
def test_budgets_are_the_powers_of_two_that_the_samples_allow_up_to_256(samples, largest):
    assert breadth_or_depth_data(runs(samples=samples), 1)["budgets"][-1] == largest


def test_cost_is_one_reading_of_the_problem_and_n_samples_written_averaged_within_the_group():
    correct = runs(problems=10, samples=4)
    writing = np.arange(1, 41, dtype=float).reshape(10, 4)
    hard = breadth_or_depth_data(correct, writing, prefill_flops=np.arange(10) * 100)["groups"][-1]
    members = estimators.fifths(correct.mean(axis=1)) == 4
    expected = [(np.arange(10) * 100)[members].mean() + n * writing[members].mean() for n in (1, 2, 4)]
    assert hard["flops"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("flops", [7, np.full(40, 7.0), np.full((40, 32), 7)])
def test_flops_may_be_one_number_one_a_problem_or_one_a_sample(flops):
    assert breadth_or_depth_data(runs(), flops)["groups"][0]["flops"] == [7, 14, 28, 56, 112, 224]


@pytest.mark.parametrize("shape", [(40,), (4, 8), (0, 8), (10, 0), (2, 3, 4)])
def test_runs_of_another_shape_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"correct must be \(problems, samples\)"):
        breadth_or_depth_data(np.zeros(shape, bool), 1)


def test_data_of_a_thousand_problems_are_json_under_150_kb_with_four_decimals():
    data = breadth_or_depth_data(runs(1000, 256), 1.23456e6)
    text = as_json(data)
    assert json.loads(text) == data
    assert len(text) < 150_000
    parts = [part for group in data["groups"] for part in (group["theory"], *group["coverage"].values())]
    fractions = [x for part in parts for x in part]
    assert fractions == [round(x, 4) for x in fractions]


def test_words_of_the_tables_say_the_numbers():
    data = breadth_or_depth_data(runs(), 1.5e6)
    for group, table in zip(data["groups"], data["tables"], strict=True):
        assert [len(row) for row in table["rows"]] == [len(table["columns"])] * len(data["budgets"])
        for i, (samples, mean, interval, theory, cost) in enumerate(table["rows"]):
            assert int(samples) == data["budgets"][i]
            said = [mean.removesuffix("%"), *interval.split(" to "), theory.removesuffix("%")]
            numbers = [*(group["coverage"][part][i] for part in ("mean", "low", "high")), group["theory"][i]]
            for word, number in zip(said, numbers, strict=True):
                decimals = len(word.partition(".")[2])
                assert float(word) == pytest.approx(100 * number, abs=0.5001 * 10**-decimals)
            assert float(cost.removesuffix(" M FLOPs")) == pytest.approx(group["flops"][i] / 1e6, rel=5e-3)


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 FLOPs"), (999, "999 FLOPs"), (999.6, "1 k FLOPs"), (21.31e6, "21.3 M FLOPs"), (999.9e9, "1 T FLOPs")],
)
def test_flops_are_said_with_three_digits_and_a_prefix(count, said):
    assert flops_in_words(count) == said


# ---- the data of "How good is your verifier"


def scored_runs(problems=40, samples=32, seed=0):
    """Answers, which of them are right, and scores of a verifier that is better than chance."""
    right = runs(problems, samples, seed)
    rng = np.random.default_rng(seed + 1)
    answers = np.where(right, "7", rng.choice(["1", "2", "3"], right.shape)).astype(object)
    return answers, right, np.clip(rng.normal(0.4 + 0.2 * right, 0.2), 0, 1)


def curve_of(data, verifier, choose=None, quality=None):
    (found,) = [
        curve
        for curve in data["curves"]
        if (curve["verifier"], curve.get("choose"), curve.get("quality")) == (verifier, choose, quality)
    ]
    return found["groups"]


def test_a_verifier_is_measured_by_both_ways_of_choosing_in_every_group():
    answers, right, scores = scored_runs()
    data = verifier_data(answers, right, {"My verifier": scores})
    fifth = estimators.fifths(right.mean(axis=1))
    covered = estimators.pass_at_k(32, right.sum(axis=1, keepdims=True), data["budgets"])
    ways = {
        "weighted": estimators.weighted_best_of_n(answers, scores, right, np.array(data["budgets"])),
        "best": estimators.best_of_n(scores, right, np.array(data["budgets"])),
    }
    for choose, values in ways.items():
        for key, group in enumerate(curve_of(data, "my-verifier", choose)):
            members = (fifth == key - 1) | (key == 0)
            expected = np.minimum(estimators.bootstrap(values[members]), estimators.bootstrap(covered[members]))
            for part, value in zip(("mean", "low", "high"), expected, strict=True):
                assert group[part] == pytest.approx(value, abs=5e-5)


def test_a_vote_and_the_oracle_need_no_scores():
    answers, right, _ = scored_runs()
    data = verifier_data(answers, right, {})
    assert [verifier["key"] for verifier in data["verifiers"]] == ["none", "oracle"]
    budgets = np.array(data["budgets"])
    vote = estimators.majority(answers, right, budgets).mean(axis=0)
    covered = estimators.pass_at_k(32, right.sum(axis=1, keepdims=True), budgets).mean(axis=0)
    assert curve_of(data, "none")[0]["mean"] == pytest.approx(vote, abs=5e-5)
    assert curve_of(data, "oracle")[0]["mean"] == pytest.approx(covered, abs=5e-5)


def test_costs_are_the_means_of_a_group_and_not_counted_where_none_are_given():
    answers, right, scores = scored_runs(problems=10, samples=2)
    spent = np.arange(20, dtype=float).reshape(10, 2) * 1e6
    data = verifier_data(answers, right, {"A": scores, "B": scores}, flops={"A": spent})
    hardest = estimators.fifths(right.mean(axis=1)) == 4
    said = [words[2] for words in curve_of(data, "a", "best")[5]["said"]]
    assert said == [flops_in_words(cost) for cost in spent[hardest].mean(axis=0)]
    assert {words[2] for words in curve_of(data, "b", "best")[5]["said"]} == {"not counted"}


def test_the_words_of_a_verifier_say_its_numbers():
    answers, right, scores = scored_runs()
    for curve in verifier_data(answers, right, {"A": scores}, noisy={0.7: scores})["curves"]:
        for group in curve["groups"]:
            for i, (mean, interval, _) in enumerate(group["said"]):
                words = [mean.removesuffix("%"), *interval.split(" to ")]
                for word, part in zip(words, ("mean", "low", "high"), strict=True):
                    decimals = len(word.partition(".")[2])
                    assert float(word) == pytest.approx(100 * group[part][i], abs=0.5001 * 10**-decimals)


@pytest.mark.parametrize("shape", [(40,), (4, 8), (0, 8), (10, 0)])
def test_a_verifier_of_runs_of_another_shape_is_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"answers and correct must be \(problems, samples\)"):
        verifier_data(np.full(shape, "1"), np.zeros(shape, bool), {})
    with pytest.raises(ValueError, match=r"answers and correct must be"):
        verifier_data(np.full((9, 3), "1"), np.zeros((9, 4), bool), {})


@cache
def small():
    return bank.load("small", "test")


SELECTIONS = [
    (1, "all", "prm", "best"),
    (2, "1", "orm", "weighted"),
    (4, "5", "prm-14x", "weighted"),
    (8, "3", "orm", "best"),
    (16, "all", "prm", "weighted"),
    (16, "4", "noisy 0.8", "best"),
    (32, "2", "noisy 0.6", "weighted"),
    (64, "5", "prm-14x", "best"),
    (64, "2", "weak-prm", "best"),
    (128, "all", "noisy 0.95", "best"),
    (256, "5", "prm", "weighted"),
]


@pytest.mark.parametrize(("samples", "problems", "verifier", "choose"), SELECTIONS)
def test_selections_of_the_shipped_verifiers_are_what_the_estimators_say(samples, problems, verifier, choose):
    name, _, quality = verifier.partition(" ")
    shipped = curve_of(shipped_data("verifier"), name, choose, float(quality) if quality else None)
    scores = (
        results.noisy_scores(small(), float(quality))
        if quality
        else results.last_scores({"prm-14x": "prm-large", "weak-prm": "prm-weak"}.get(name, name), "small-test")
    )
    if choose == "best":
        values = estimators.best_of_n(scores, small().correct, samples)
    else:
        values = estimators.weighted_best_of_n(small().answers, scores, small().correct, samples)
    fifth = estimators.fifths(small().correct.mean(axis=1))
    covered = estimators.pass_at_k(256, small().correct.sum(axis=1), samples)
    members = fifth == int(problems) - 1 if problems != "all" else fifth >= 0
    expected = np.minimum(estimators.bootstrap(values[members]), estimators.bootstrap(covered[members]))
    group = shipped[list(GROUPS).index(problems)]
    place = shipped_data("verifier")["budgets"].index(samples)
    assert [group[part][place] for part in ("mean", "low", "high")] == pytest.approx(expected, abs=5.1e-5)


def test_no_verifier_passes_the_oracle():
    data = shipped_data("verifier")
    for curve in data["curves"]:
        for group, perfect in zip(curve["groups"], curve_of(data, "oracle"), strict=True):
            for part in ("mean", "low", "high"):
                assert np.all(np.array(group[part]) <= perfect[part]), (curve["verifier"], curve.get("choose"))


def test_the_shipped_verifiers_are_there_with_the_whole_dial_and_their_price():
    data = shipped_data("verifier")
    verifiers = [verifier["key"] for verifier in data["verifiers"]]
    assert verifiers == ["none", "orm", "weak-prm", "prm", "prm-14x", "noisy", "oracle"]
    dial = [curve["quality"] for curve in data["curves"] if curve["verifier"] == "noisy" and curve["choose"] == "best"]
    assert dial == list(QUALITIES)
    arm = results.sampling_arms().at(16)
    assert curve_of(data, "prm", "weighted")[0]["said"][4][2] == flops_in_words(float(arm.flops.mean()))


def test_scores_of_a_noisy_oracle_belong_to_the_text():
    scores = results.noisy_scores(small(), 0.8)
    written = small().solutions(3)
    assert scores[3] == pytest.approx(NoisyOracle(0.8).score(written))


# ---- the data of "Watch a revision"


def written_chains(patterns):
    """Chains of the test problems, one problem a row of `patterns`: right where the row has a 1, wrong in the last step
    where it has a 0; and scores for their steps."""
    chains, scores = [], []
    for problem, row in zip(load_problems("test", limit=len(patterns)), patterns):
        right = problem.solution_text
        wrong = f"{right[:-4]}{(int(right[-4:]) + 7) % 1000:03d}\n"
        chain = [Solution(problem, right if x == "1" else wrong) for x in row]
        chains.append([chain])
        scores.append([[[0.126] * len(solution.steps) for solution in chain]])
    return chains, scores


def watched(patterns, **options):
    return watch_revision_data(*written_chains(patterns), **options)


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("111", "right"),
        ("000", "wrong"),
        ("011", "mended"),
        ("101", "wavering"),
        ("010", "wavering"),
        ("110", "spoiled"),
        ("10", "spoiled"),
    ],
)
def test_a_chain_is_of_the_kind_that_its_rights_and_wrongs_make_it(pattern, kind):
    data = watched([pattern] * 5)
    assert {chain["kind"] for chain in data["chains"]} == {kind}
    assert next(each["said"][0] for each in data["kinds"] if each["key"] == kind) == "100% (100 to 100)"


def test_a_revision_is_measured_by_what_it_turns_of_what_it_could_turn():
    rows = watched(["10"] * 10 + ["11"] * 30 + ["01"] * 15 + ["00"] * 45)["tables"][0]["rows"]
    assert [row[:2] for row in rows] == [["1", "40%"], ["2", "45%"]]
    assert rows[0][3:5] == ["", ""]
    part, whole = np.repeat([1, 0, 0, 0], [10, 30, 15, 45]), np.repeat([1, 1, 0, 0], [10, 30, 15, 45])
    mean, low, high = (f"{100 * x:.0f}" for x in estimators.bootstrap_share(part, whole))
    assert rows[1][3] == f"{mean}% ({low} to {high})" and mean == "25"
    assert rows[1][4].startswith("25% (")


def test_shares_of_few_attempts_are_said_as_counts():
    rows = watched(["10", "11", "11", "00", "01"])["tables"][0]["rows"]
    assert rows[1][3:5] == ["1 of 3", "1 of 2"]


def test_the_chains_to_look_at_are_of_all_fifths_and_kinds_take_turns():
    kinds = ["11"] * 7 + ["10"] * 2 + ["01"]
    data = watched(kinds * 5, ease=-np.repeat(range(5), 10), shown=4)
    assert [chain["group"] for chain in data["chains"]] == sorted("12345" * 4)
    for of in "12345":
        found = sorted(chain["kind"] for chain in data["chains"] if chain["group"] == of)
        assert found == ["mended", "right", "right", "spoiled"]


def test_an_attempt_is_shown_as_it_was_written_with_a_check_and_a_score_a_step():
    chains, scores = written_chains(["10"] * 5)
    data = watch_revision_data(chains, scores)
    for shown in data["chains"]:
        (chain,) = next(group for group in chains if group[0][0].problem.id == shown["id"])
        for attempt, solution in zip(shown["attempts"], chain, strict=True):
            lines, said, checks = zip(*attempt["steps"])
            assert list(lines) == str(solution).splitlines()
            assert set(said) == {"0.13"}
            assert list(checks) == solution.problem.check_steps(solution.steps)
            assert (attempt["right"], attempt["answer"]) == (solution.correct, solution.answer)


def test_cost_is_the_groups_mean_and_not_counted_where_none_is_given():
    spent = np.arange(20, dtype=float).reshape(10, 2) * 1e6
    data = watched(["10"] * 10, ease=-np.arange(10), flops=spent)
    assert [row[5] for row in data["tables"][5]["rows"]] == ["17 M FLOPs", "18 M FLOPs"]
    assert [row[5] for row in watched(["10"] * 5)["tables"][0]["rows"]] == ["not counted"] * 2


@pytest.mark.parametrize("patterns", [["10"] * 4, ["1"] * 5, ["10", "10", "10", "10", "101"]])
def test_chains_of_another_shape_are_refused_by_name(patterns):
    with pytest.raises(ValueError, match=r"chains must be \(problems, chains, attempts\)"):
        watched(patterns)


def test_steps_without_a_score_each_are_refused():
    chains, scores = written_chains(["10"] * 5)
    scores[0][0][0] = []
    with pytest.raises(ValueError, match="needs a check and a score"):
        watch_revision_data(chains, scores)


REVISIONS = [
    (1, "all"),
    (2, "all"),
    (3, "all"),
    (5, "all"),
    (8, "all"),
    (2, "1"),
    (4, "3"),
    (2, "4"),
    (2, "5"),
    (8, "5"),
]


@cache
def recorded():
    """What is right in the first 8 attempts of the chains that have as many, (problems, chains, attempts)."""
    run = bank.load_chains(bank.SMALL, "test")
    long = [k for k, length in enumerate(run.lengths) if length >= 8]
    return np.stack([run.correct[:, (run.chain_index[0] == k) & (run.place[0] < 8)] for k in long], axis=1)


@pytest.mark.parametrize(("attempt", "problems"), REVISIONS)
def test_ten_selections_of_the_shipped_revisions_are_what_the_estimators_say(attempt, problems):
    said = shipped_data("watch_revision")["tables"][list(GROUPS).index(problems)]["rows"][attempt - 1]
    fifth = results.small_fifths()
    right = recorded() if problems == "all" else recorded()[fifth == int(problems) - 1]
    now = right[:, :, attempt - 1]

    def numbers(words):
        return [float(x) for x in re.findall(r"[\d.]+", words)]

    expected = 100 * np.array(estimators.bootstrap(now.mean(axis=1)))
    assert numbers(said[1] + said[2]) == pytest.approx(expected, abs=0.501)
    if attempt > 1:
        before = right[:, :, attempt - 2]
        for words, part, whole in ((said[3], before & ~now, before), (said[4], ~before & now, ~before)):
            if whole.sum() < watch_revision.FEW:
                assert words == f"{part.sum()} of {whole.sum()}"
                continue
            share = estimators.bootstrap_share(part.sum(axis=1), whole.sum(axis=1))
            assert numbers(words) == pytest.approx(100 * np.array(share), abs=0.501)


def test_the_shipped_chains_are_recorded_ones_of_every_fifth_and_most_kinds():
    data, run = shipped_data("watch_revision"), bank.load_chains(bank.SMALL, "test")
    scores = bank.load_scores("prm", f"{bank.SMALL}-test-chains")
    places = {problem.id: i for i, problem in enumerate(run.problems)}
    assert [chain["group"] for chain in data["chains"]] == sorted("12345" * 8)
    assert {chain["kind"] for chain in data["chains"]} == set(watch_revision.KINDS)
    for shown in data["chains"]:
        i = places[shown["id"]]
        assert int(shown["group"]) == results.small_fifths()[i] + 1
        for j, attempt in enumerate(shown["attempts"]):  # the longest chain is recorded first
            written = run.solutions(i)[j]
            assert [step[0] for step in attempt["steps"]] == str(written).splitlines()
            assert [float(step[1]) for step in attempt["steps"]] == pytest.approx(scores[i][j], abs=0.00501)
            assert attempt["right"] == run.correct[i, j]


def test_the_shipped_cost_of_a_chain_is_that_of_the_arms():
    rows = shipped_data("watch_revision")["tables"][0]["rows"]
    chains = bank.load_chains(bank.SMALL, "test")
    costs = [
        results.chain_flops("test", "prm", (chains.chain_index[0] == k) & (chains.place[0] < 4)).mean()
        for k in range(8)
    ]
    assert rows[3][5] == flops_in_words(float(np.mean(costs)))


# ---- the data of "Watch it search"


def test_problems_worth_watching_are_long_and_of_different_kinds():
    shown = shipped_data("watch_search")["problems"]
    assert len(shown) >= 4
    assert len({problem["said"] for problem in shown}) == len(shown)
    for problem in shown:
        assert sum(map(problem["id"].count, "+-*")) >= 5
        assert problem["question"] == ArithmeticProblem.from_expression(problem["id"]).question


@cache
def _live_models():
    return ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")


@pytest.mark.parametrize("shown", shipped_data("watch_search")["problems"], ids=lambda shown: shown["id"])
def test_what_the_menu_announces_is_what_the_page_will_draw(shown):
    """The page's first search of a problem: the same tokens as the package's with seed 0."""
    problem = ArithmeticProblem.from_expression(shown["id"])
    samples = ttclab.parallel_search(*_live_models(), problem, watch_search.N, seed=0)
    solutions, scores = samples.solutions, samples.scores
    best, weighted, vote = (ttclab.Result.chosen(choose, solutions, scores).correct for choose in CHOICES)
    searched = beam_search(*_live_models(), problem, watch_search.N, watch_search.M, seed=0)
    top = max(scores)
    right = [
        score
        for solution, score in zip(solutions, scores, strict=True)
        if solution.correct and all(problem.check_steps(solution.steps))
    ]
    any_right = any(solution.correct for solution in solutions)
    holds = {
        "voted down": best and not vote,
        "fooled": not best and right and top > 0.5 and max(right) < top - 0.2,
        "found by search": any_right and not best and not weighted and searched.correct,
        "trusting": vote and not best,
        "unreached": not any_right and searched.correct,
        "agreed": best and weighted and vote and searched.correct,
    }
    assert holds[next(kind for kind, said in watch_search.KINDS.items() if said == shown["said"])]


def test_the_table_of_recorded_runs_names_every_strategy_of_the_page_and_says_which_was_not_recorded():
    (table,) = shipped_data("watch_search")["tables"]
    rows = {name.split(",")[0]: rest for name, *rest in table["rows"]}
    assert {"Best-of-N", "Beam search", "DVTS", "Step-level revision"} <= set(rows)
    assert rows.pop("DVTS") == ["not recorded", "", ""]
    assert all(solved.endswith("%") for solved, *_ in rows.values())


def test_one_problem_to_watch_fools_the_prm():
    assert watch_search.KINDS["fooled"] in [problem["said"] for problem in shipped_data("watch_search")["problems"]]


def test_the_shipped_shapes_of_the_live_models_are_those_of_the_zoo():
    data = shipped_data("watch_search")
    for key, path in explorables.weight_files().items():
        assert data["configs"][key] == json.loads(path.with_name("config.json").read_text(encoding="utf-8"))
    vocabulary = json.loads(explorables.weight_files()["policy"].with_name("tokenizer.json").read_text())["model"][
        "vocab"
    ]
    assert {character: i for i, character in enumerate(data["characters"])} == vocabulary


# ---- the data as shipped


@cache
def built():
    return {name: recorded() for name, recorded in explorables.RECORDED.items()}


@every_explorable
def test_shipped_data_are_small(name):
    assert (FOLDER / f"{name}.json").stat().st_size < 150_000


def test_shipped_data_are_what_the_recorded_runs_give_now():
    for name, data in built().items():
        assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == as_json(data), "ttclab simulators"


def test_every_explorable_has_data_from_the_recorded_runs():
    assert tuple(built()) == NAMES


def test_live_rounds_of_the_arena_draw_problems_of_the_tasks_own_lengths_and_sizes():
    live = shipped_data("arena")["live"]
    ranges = [(start, terms, factors) for start, terms, factors in SIZES.values()]
    assert live["rule"]["lengths"] == list(LENGTHS) and live["rule"]["split"] == "test"
    assert live["rule"]["sizes"] == [[a, [b[0], b[-1]], [c[0], c[-1]]] for a, b, c in ranges]
    assert live["models"] == {key: shipped_data("watch_search")[key] for key in ("configs", "characters")}
    assert live["share"] in live["budgets"] and live["keep"]["N"] in live["budgets"]


@every_explorable
def test_a_simulator_says_once_that_its_numbers_are_of_seed_0(name):
    assert shipped_data(name)["source"].count("seed 0") == 1


# ---- the bundle

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and (SOURCES / "node_modules").is_dir()),
    reason="needs Node and npm ci in ttclab/explorables/src; the recorded hashes are tested without",
)


def banner():
    """The code of the bundle, and what its banner says of it."""
    head, code = BUNDLE.read_bytes().split(b"\n*/\n", 1)
    return code, head.decode()


def test_one_bundle_serves_all_simulators_and_is_small():
    """The worker that runs the live models is in it, as text: a page must not look for a second file."""
    assert [path.name for path in FOLDER.glob("*.js")] == ["explorables.js"]
    assert BUNDLE.stat().st_size < 165_000


def test_the_bundle_exports_every_simulator_and_a_default():
    (exports,) = re.findall(r"export\{([^}]*)\};?\s*$", banner()[0].decode())
    assert {each.split(" as ")[-1] for each in exports.split(",")} == {*NAMES, "default"}


def test_bundle_was_made_of_the_sources_as_they_are():
    files = sorted(path for path in SOURCES.iterdir() if path.suffix in {".js", ".mjs", ".ts", ".css", ".json"})
    recorded = hashlib.sha256(b"".join(b"%s\0%s\0" % (path.name.encode(), path.read_bytes()) for path in files))
    assert f"sources sha256:{recorded.hexdigest()}\n" in banner()[1], "the bundle is stale: make explorables"


def test_bundle_was_not_changed_by_hand():
    code, head = banner()
    assert f"code sha256:{hashlib.sha256(code).hexdigest()}\n" in head


@needs_node
def test_bundle_is_built_again_byte_for_byte(tmp_path):
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=SOURCES, check=True, capture_output=True)
    assert (tmp_path / BUNDLE.name).read_bytes() == BUNDLE.read_bytes()


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node")
def test_a_smooth_curve_runs_through_its_points_and_never_beyond_them():
    rng = np.random.default_rng(0)
    lines = [
        np.stack([np.cumsum(rng.uniform(1, 30, n)), rng.choice(50, n)], axis=1).round(2).tolist()
        for n in (1, 2, 3, 5, 9) * 20
    ]
    show_all = f"console.log(JSON.stringify({json.dumps(lines)}.map(smooth)));"
    code = "import { smooth } from './curves.js';" + show_all
    command = ["node", "--input-type=module", "--eval", code]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=True)
    for points, path in zip(lines, json.loads(done.stdout), strict=True):
        first, *pieces = [[float(x) for x in piece.split(",")] for piece in path.removeprefix("M").split("C")]
        assert [first, *(piece[4:] for piece in pieces)] == points
        for (x, y), (a, b, c, d, to_x, to_y) in zip(points, pieces):
            assert x < a < c < to_x
            t = np.linspace(0, 1, 50)
            height = (1 - t) ** 3 * y + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * d + t**3 * to_y
            assert height.min() >= min(y, to_y) - 1e-9 and height.max() <= max(y, to_y) + 1e-9


@needs_node
def test_types_of_the_sources_are_checked_and_right():
    done = subprocess.run(["npm", "run", "check"], cwd=SOURCES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    options = json.loads((SOURCES / "tsconfig.json").read_text())["compilerOptions"]
    assert options["checkJs"] and options["strict"]
    assert "npm run check" in json.loads((SOURCES / "package.json").read_text())["scripts"]["build"]


@needs_node
def test_a_wrong_type_in_a_source_fails_the_check(tmp_path):
    folder = tmp_path / "src"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(SOURCES / "node_modules")
    source = folder / "breadth_or_depth.js"
    source.write_text(
        source.read_text().replace("budget.step = selected.budget;", "budget.step = String(selected.budget);")
    )
    done = subprocess.run(["npm", "run", "check"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0 and "breadth_or_depth.js" in done.stdout


def test_bundle_stands_alone_and_names_no_address():
    code = banner()[0].decode()
    assert not re.search(r"\bimport\b|\bfetch\(|\beval\(|XMLHttpRequest", code)
    assert {url for url in re.findall(r"https?://[^\s\"'`]+", code) if "//www.w3.org/" not in url} == set()


def test_sources_put_words_into_the_page_as_text_only():
    for path in (path for path in SOURCES.iterdir() if path.suffix == ".js"):
        assert not re.search(r"(inner|outer|Adjacent)HTML|\.html\(|document\.write", path.read_text()), path.name


def test_bundle_keeps_the_licences_of_what_it_contains():
    wanted = json.loads((SOURCES / "package.json").read_text())["devDependencies"]
    head = banner()[1]
    bundled = {name: version for name, version in wanted.items() if name.startswith("d3-")}
    assert set(wanted) - set(bundled) == {"esbuild", "typescript", *(f"@types/{name}" for name in bundled)}, (
        "tools alone"
    )
    for package, version in bundled.items():
        assert f"{package} {version}" in head
    assert "Mike Bostock" in head
    assert "Permission to use, copy, modify, and/or distribute this software" in head


def test_sources_pin_exact_versions_and_the_lock_names_no_registry():
    package, lock = (json.loads((SOURCES / f"{name}.json").read_text()) for name in ("package", "package-lock"))
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    locked = [entry for path, entry in lock["packages"].items() if path]
    assert all("resolved" not in entry and entry["integrity"].startswith("sha512-") for entry in locked)


# ---- in notebooks


@every_explorable
def test_show_gives_a_widget_with_the_module_and_the_shipped_data(name):
    state = show(name).get_state()
    assert state["_esm"] == BUNDLE.read_text(encoding="utf-8")
    assert state["data"] == shipped_data(name)
    assert state["state"] == {}
    json.dumps(state["data"])
    files = explorables.weight_files() if name in ("watch_search", "arena") else {}
    assert {key: bytes(file) for key, file in state["weights"].items()} == {
        key: path.read_bytes() for key, path in files.items()
    }


def test_show_takes_data_of_the_readers_own_run():
    data = breadth_or_depth_data(runs(), 1)
    assert show("breadth_or_depth", data=data).data == data
    assert data["source"].startswith("your own run")


def test_data_of_another_explorable_are_refused_by_name():
    with pytest.raises(ValueError, match="the data are for the explorable 'breadth_or_depth', not for 'verifier'"):
        show("verifier", data=shipped_data("breadth_or_depth"))


def test_unknown_explorable_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=f"no explorable is called 'depth'; there are: {', '.join(NAMES)}"):
        show("depth")


def test_a_widget_in_words_is_short_and_the_same_in_every_run():
    assert repr(show("breadth_or_depth")) == "Explorable('breadth_or_depth')"
    assert isinstance(show("breadth_or_depth"), Explorable)


def test_explorables_need_neither_book_nor_torch():
    code = "import sys, ttclab.explorables; print({'sphinx', 'torch', 'matplotlib'} & set(sys.modules))"
    root = Path(explorables.__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "set()"
