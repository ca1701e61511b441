"""The data of the simulator "Split the budget", held to the estimators."""

import numpy as np
import pytest

from ttclab import results
from ttclab.allocator import Allocation, Arm, fitted_policy, lesson_policy
from ttclab.estimators import bootstrap, fifths
from ttclab.explorables import FOLDER, as_json, shipped_data, split_budget, split_budget_data
from ttclab.explorables.words import GROUPS, flops_in_words

SPLITS = [(1, 0), (2, 0), (1, 1), (4, 0), (2, 1), (1, 3)]


def arms(problems=20, seed=0):
    """Splits of 1, 2 and 4 attempts: chains do better on the hard problems, and cost twice as much."""
    noise = 0.05 * np.random.default_rng(seed).random((len(SPLITS), problems))
    ease = np.linspace(1, 0, problems)
    return ease, [
        Arm(Allocation(N, T), np.clip(ease + 0.1 * T + more, 0, 1), N * (1 + 2 * T) * 1e6 * (2 - ease))
        for (N, T), more in zip(SPLITS, noise)
    ]


def test_a_split_is_measured_on_the_problems_of_its_group():
    ease, found = arms()
    data = split_budget_data(found, ease)
    assert data["budgets"] == [1, 2, 4]
    assert [split["key"] for split in data["splits"]] == ["1x1", "2x1", "1x2", "4x1", "2x2", "1x4"]
    for group in data["groups"]:
        rows = np.full(20, True) if group["key"] == "all" else fifths(ease) == int(group["key"]) - 1
        assert group["problems"] == rows.sum()
        for arm, mean, (solved, interval, cost) in zip(found, group["mean"], group["said"], strict=True):
            assert mean == pytest.approx(arm.correct[rows].mean(), abs=5e-5)
            assert f"{solved} ({interval})" == f"{bootstrap(arm.correct[rows]):%}"
            assert cost == flops_in_words(arm.flops[rows].mean())


def test_the_best_is_the_best_that_the_budget_pays_for_and_of_equals_the_cheapest():
    even = np.full(10, 0.5)
    measured = {(1, 0): (even, 1.0), (2, 0): (even + 0.1, 4.0), (1, 1): (even + 0.1, 2.0)}
    found = [Arm(Allocation(*split), right, np.full(10, cost)) for split, (right, cost) in measured.items()]
    data = split_budget_data(found, np.arange(10.0))
    assert [group["best"] for group in data["groups"]] == [[0, 2]] * 6


def test_a_policy_is_marked_where_it_sends_a_tenth_of_a_group_and_pays_for_its_estimate():
    ease, found = arms()
    hard = 1 - ease
    rule = lambda difficulty, budget: Allocation(1, budget - 1) if difficulty > 0.9 else Allocation(budget)  # noqa: E731
    data = split_budget_data(found, ease, policies={"rule": (rule, hard, np.full(20, 5e6))})
    everything, hardest = data["groups"][0]["policies"][0][2], data["groups"][5]["policies"][0][2]
    assert everything["usual"] == "4 × 1 for 90% of them" and everything["marks"] == [3, 5]
    assert hardest["usual"] in ("4 × 1 for 50% of them", "1 × 4 for 50% of them")
    assert data["groups"][1]["policies"][0][2]["usual"] == "4 × 1"
    assert everything["said"][2] == flops_in_words(results.spend(rule, results.Arms(found), hard, 4).flops.mean() + 5e6)


def test_a_budget_that_a_rule_has_no_answer_for_is_said_to_have_none():
    ease, found = arms()
    data = split_budget_data(found, ease, policies={"lesson": (lesson_policy, 1 - ease, np.zeros(20))})
    assert data["groups"][0]["policies"][0][0] is None
    assert data["tables"][0]["rows"][0][-1] == "not recorded"


def test_a_rule_that_chooses_a_split_that_was_not_measured_has_no_result_for_that_budget():
    ease, found = arms()
    rule = lambda difficulty, budget: Allocation(1, budget - 1)  # noqa: E731
    data = split_budget_data(found[:-1], ease, policies={"chains": (rule, 1 - ease, np.zeros(20))})
    assert [told is None for told in data["groups"][0]["policies"][0]] == [False, False, True]


def test_other_ways_to_spend_stand_beside_the_map_at_their_own_budget():
    ease, found = arms()
    other = Arm(Allocation(4, 0, 2), ease, ease * 1e6)
    data = split_budget_data(found, ease, beside={"beam": [other]})
    assert [[each["name"] for each in row] for row in data["groups"][2]["beside"]] == [[], [], ["beam"]]


@pytest.mark.parametrize("problems", [4, 0])
def test_fewer_than_five_problems_are_refused(problems):
    ease, found = arms(problems)
    with pytest.raises(ValueError, match="at least 5"):
        split_budget_data(found, ease)


def test_arms_of_other_problems_or_without_samples_are_refused():
    ease, found = arms()
    with pytest.raises(ValueError, match="not 6 arms and an ease of \\(19,\\)"):
        split_budget_data(found, ease[:-1])
    with pytest.raises(ValueError, match="an arm with T=0"):
        split_budget_data(found[-1:], ease)


SELECTIONS = [
    (1, "all", 1, 1), (2, "1", 2, 1), (2, "5", 1, 2), (4, "all", 2, 2), (4, "4", 1, 4), (8, "5", 8, 1),
    (16, "5", 2, 8), (16, "all", 1, 16), (32, "3", 4, 8), (64, "5", 64, 1),
]  # fmt: skip


@pytest.mark.parametrize(("budget", "problems", "chains", "attempts"), SELECTIONS)
def test_ten_selections_of_the_shipped_map_are_what_the_arms_say(budget, problems, chains, attempts):
    data = shipped_data("split_budget")
    rows = np.full(500, True) if problems == "all" else results.small_fifths() == int(problems) - 1
    group = data["groups"][list(GROUPS).index(problems)]
    place = [split["key"] for split in data["splits"]].index(f"{chains}x{attempts}")
    arms = results.sampling_arms() if attempts == 1 else results.stepwise_arms()
    arm = arms.at(chains, attempts - 1, stepwise=attempts > 1)
    solved, interval, cost = group["said"][place]
    assert f"{solved} ({interval})" == f"{bootstrap(arm.correct[rows]):%}"
    assert cost == flops_in_words(arm.flops[rows].mean())
    every = [*results.sampling_arms().values(), *(a for a in results.stepwise_arms().values() if a.allocation.T)]
    best = max(a.correct[rows].mean() for a in every if a.allocation.generations <= budget)
    assert group["mean"][group["best"][data["budgets"].index(budget)]] == pytest.approx(best, abs=5e-5)


def test_the_lesson_s_rule_is_on_the_map_where_all_of_its_splits_were_recorded():
    data = shipped_data("split_budget")
    row = data["groups"][0]["policies"][0]
    assert [budget for budget, told in zip(data["budgets"], row, strict=True) if told] == [2, 4, 16, 64]


@pytest.mark.parametrize("budget", [4, 16, 64])
def test_the_shipped_policies_get_what_spending_by_them_gets(budget):
    data = shipped_data("split_budget")
    lesson, fitted = (row[data["budgets"].index(budget)] for row in data["groups"][0]["policies"])
    for told, rule, estimate in (
        (lesson, results.lesson_by_steps, "predicted"),
        (fitted, fitted_policy("steps-oracle"), "oracle"),
    ):
        hard, asked = results.difficulty(estimate)
        arm = results.spend(rule, results.space("steps"), hard, budget)
        solved, interval, cost = told["said"]
        assert f"{solved} ({interval})" == f"{bootstrap(arm.correct):%}"
        assert cost == flops_in_words((arm.flops + asked).mean())


def test_the_shipped_map_is_what_the_recorded_runs_give_now_and_small():
    file = FOLDER / "split_budget.json"
    assert file.read_text(encoding="utf-8") == as_json(split_budget.recorded()), "ttclab simulators"
    assert file.stat().st_size < 60_000
