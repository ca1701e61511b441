import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedPolicy, ScriptedVerifier
from tiny import random_policy

import ttclab
from ttclab.adaptive import adaptive_search, compute_optimal_inference
from ttclab.allocator import (
    Allocation,
    Arm,
    ComputeOptimalPolicy,
    difficulty_by_disagreement,
    difficulty_by_score,
    fitted_policy,
    lesson_policy,
    spread_budget,
    uniform_policy,
)
from ttclab.data import POLICIES
from ttclab.problems import load_problems
from ttclab.revision import hybrid_search
from ttclab.sampling import parallel_search
from ttclab.stopping import ClearLead

PROBLEMS = load_problems("test", limit=4)


# Policies


@pytest.mark.parametrize(
    ("difficulty", "budget", "N", "T"),
    [
        (0.0, 16, 16, 0), (0.29, 7, 7, 0), (0.3, 16, 4, 3), (0.69, 16, 4, 3), (0.5, 20, 4, 4), (0.5, 2, 1, 1),
        (0.7, 16, 2, 7), (1.0, 2, 2, 0), (1.0, 7, 2, 2),
    ],
)  # fmt: skip
def test_the_lesson_s_rule_is_kept_to_the_letter(difficulty, budget, N, T):
    assert lesson_policy(difficulty, budget) == Allocation(N, T)


@given(st.floats(0, 1), st.integers(2, 256))
def test_no_policy_spends_more_than_its_budget(difficulty, budget):
    for policy in (lesson_policy, uniform_policy, fitted()):
        assert 1 <= policy(difficulty, budget).generations <= budget


@pytest.mark.parametrize(
    ("difficulty", "budget", "rule"),
    [(-0.1, 4, "from 0 .* to 1"), (1.1, 4, "from 0 .* to 1"), (float("nan"), 4, "not nan"), (0.5, 1, "at least 2")],
)
def test_the_lesson_s_rule_states_what_it_can_not_take(difficulty, budget, rule):
    with pytest.raises(ValueError, match=rule):
        lesson_policy(difficulty, budget)


@pytest.mark.parametrize("wrong", [{"N": 0}, {"N": 4, "T": -1}, {"N": 4, "M": 3}, {"N": 4, "T": 1, "M": 2}])
def test_an_impossible_allocation_is_refused(wrong):
    with pytest.raises(ValueError, match="an allocation needs N >= 1"):
        Allocation(**wrong)


def arm(allocation, correct, flops):
    return Arm(allocation, np.repeat(correct, 5), np.full(10, float(flops)))


def fitted(slack=0.0):
    """Ten problems in two groups: revising helps the hard ones, searching helps nobody."""
    arms = [
        arm(Allocation(1), [0.9, 0.1], 1),
        arm(Allocation(4), [1.0, 0.3], 4),
        arm(Allocation(1, 3), [0.8, 0.5], 5),
        arm(Allocation(4, 0, 2), [1.0, 0.3], 6),
        arm(Allocation(16), [1.0, 0.52], 16),
    ]
    return ComputeOptimalPolicy.fit(arms, np.arange(10) / 10, [1, 4, 16], bins=2, slack=slack)


def test_the_fitted_policy_takes_what_did_best_in_each_group_and_of_equals_the_cheapest():
    policy = fitted()
    assert [policy(0.1, b) for b in (1, 4, 16)] == [Allocation(1), Allocation(4), Allocation(4)]
    assert [policy(0.9, b) for b in (1, 4, 16)] == [Allocation(1), Allocation(1, 3), Allocation(16)]
    assert policy(0.44, 7) == Allocation(4) and policy(0.46, 7) == Allocation(1, 3)


def test_accuracy_given_up_buys_a_cheaper_arm():
    assert fitted(slack=0.05)(0.9, 16) == Allocation(1, 3)
    assert fitted(slack=0.1)(0.1, 16) == Allocation(1)


def test_what_was_not_measured_on_the_same_problems_or_can_not_be_paid_is_refused():
    with pytest.raises(ValueError, match="measured on the 9 problems"):
        ComputeOptimalPolicy.fit([arm(Allocation(1), [1, 0], 1)], np.zeros(9), [1])
    with pytest.raises(ValueError, match="a budget of 2 generations pays for none"):
        ComputeOptimalPolicy.fit([arm(Allocation(4), [1, 0], 1)], np.zeros(10), [2])
    with pytest.raises(ValueError, match="at least 1 generations, not 0"):
        fitted().allocate(0.5, 0)


def test_a_saved_policy_allocates_as_before(tmp_path):
    fitted().save(tmp_path / "policy.json")
    assert ComputeOptimalPolicy.load(tmp_path / "policy.json") == fitted()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "ttclab policy 2"}, "its format is 'ttclab policy 2'"),
        ({"edges": [0.2, 0.4]}, "does not fit its edges"),
        ({"table": {}}, "does not fit its edges"),
        ({"table": {"4": [{"N": 0}, {"N": 1}]}}, "an allocation needs N >= 1"),
        ({"table": {"4": [{"K": 1}, {"N": 1}]}}, "K"),
        ({"edges": None}, "not a saved policy"),
    ],
)
def test_a_foreign_policy_is_refused_with_its_reason(tmp_path, change, reason):
    fitted().save(path := tmp_path / "policy.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=reason):
        ComputeOptimalPolicy.load(path)
    path.write_text("no JSON")
    with pytest.raises(ValueError, match="is not a saved policy"):
        ComputeOptimalPolicy.load(path)


# Difficulty


def test_difficulty_is_what_scores_or_agreement_lack():
    assert difficulty_by_score([[1.0, 0.5], [0.0, 0.2]]).tolist() == pytest.approx([0.25, 0.9])
    answers = [["7", "7", "8", None], [None, None, None, None], ["1", "1", "1", "1"]]
    assert difficulty_by_disagreement(answers).tolist() == [0.5, 1.0, 0.0]


# Spending


def test_what_a_policy_allocates_is_what_is_run_and_the_estimate_is_charged_apart():
    policy, verifier = random_policy(seed=3), ScriptedVerifier()
    for plan in (Allocation(8), Allocation(2, 3), Allocation(8, 0, 2)):
        results = compute_optimal_inference(policy, verifier, PROBLEMS, 8, policy=lambda d, b, plan=plan: plan)
        for result in results:
            assert result.cost.generations == 1 + 8
            assert len(result.solutions) == 8 and result.cost.flops["difficulty"] > 0


def test_an_allocation_is_run_as_the_hybrid_search_that_it_names():
    policy, verifier = random_policy(seed=3), ScriptedVerifier()
    for plan in (Allocation(4), Allocation(2, 1)):
        rule = lambda difficulty, budget, plan=plan: plan  # noqa: E731
        results = compute_optimal_inference(policy, verifier, PROBLEMS, 4, policy=rule, seed=5)
        alone = hybrid_search(policy, verifier, PROBLEMS, plan.N, plan.T, choose="weighted", seed=6)
        assert [[s.text for s in r.solutions] for r in results] == [[s.text for s in r.solutions] for r in alone]


def test_a_policy_that_ships_is_found_by_its_name_and_others_are_refused():
    assert fitted_policy() == ComputeOptimalPolicy.load(POLICIES / "search-predicted.json")
    with pytest.raises(ValueError, match="no fitted policy is called 'best'; there are: revision-oracle, "):
        fitted_policy("best")


def test_each_problem_gets_what_its_own_difficulty_asks_for():
    asked = {}

    def policy(difficulty, budget):
        asked[difficulty] = Allocation(budget) if difficulty < 0.5 else Allocation(budget // 2)
        return asked[difficulty]

    model, verifier = random_policy(seed=3), ScriptedVerifier()
    results = compute_optimal_inference(model, verifier, PROBLEMS, 8, policy=policy, seed=5)
    first = [verifier.score(group)[0] for group in model.generate(PROBLEMS, n=1, seed=5)]
    assert [len(result.solutions) for result in results] == [asked[1 - score].generations for score in first]
    assert [r.solution.tokens for r in results] == [
        compute_optimal_inference(model, verifier, each, 8, policy=policy, seed=5).solution.tokens for each in PROBLEMS
    ]


def test_a_budget_that_the_policy_can_not_use_is_refused_before_anything_is_spent():
    policy = ScriptedPolicy("soon")
    with pytest.raises(ValueError, match="a budget of at least 2 generations, not 1"), ttclab.ledger.billed() as bill:
        compute_optimal_inference(policy, ScriptedVerifier(), PROBLEMS, 1)
    assert bill.total.generations == 0


def test_sampling_until_the_vote_is_clear_takes_the_first_samples_of_best_of_n_and_stops():
    small, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    problems = load_problems("test", limit=40)
    found = adaptive_search(small, oracle, problems, 16, rule=ClearLead(2, batch=2))
    whole = parallel_search(small, oracle, problems, 16)
    used = [len(result.solutions) for result in found]
    assert min(used) == 2 and max(used) == 16
    for result, other in zip(found, whole, strict=True):
        assert [s.tokens for s in result.solutions] == [s.tokens for s in other.solutions[: len(result.solutions)]]
        assert result.cost.generations == len(result.solutions)
        right = [s.correct for s in result.solutions]
        assert len(right) == 16 or (sum(right) >= 2 and sum(right[:-2]) < 2)


@pytest.mark.parametrize("wrong", [{"batch": 5}, {"batch": 0}, {"lead": 0}])
def test_adaptive_sampling_states_its_rule(wrong):
    with pytest.raises(ValueError, match="1 <= batch <= N and lead > 0"):
        adaptive_search(ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS, 4, rule=ClearLead(**wrong))


def test_a_budget_over_a_batch_goes_where_it_gains_most():
    accuracy = [[0.9, 1.0, 1.0], [0.2, 0.5, 0.9], [0.0, 0.0, 0.01]]
    assert spread_budget(accuracy, [1, 2, 4], 3).tolist() == [0, 0, 0]
    assert spread_budget(accuracy, [1, 2, 4], 6).tolist() == [0, 2, 0]
    assert spread_budget(accuracy, [1, 2, 4], 7).tolist() == [1, 2, 0]
    assert spread_budget(accuracy, [1, 2, 4], 99).tolist() == [1, 2, 2]


def test_a_budget_over_a_batch_never_costs_more_than_its_total():
    rng = np.random.default_rng(0)
    costs = np.array([1, 2, 4, 8])
    for total in range(20, 161, 7):
        chosen = spread_budget(np.sort(rng.random((20, 4)), axis=1), costs, total)
        assert costs[chosen].sum() <= total
    with pytest.raises(ValueError, match="20 problems cost at least 20, more than 19"):
        spread_budget(rng.random((20, 4)), costs, 19)
    with pytest.raises(ValueError, match="ascending costs"):
        spread_budget(rng.random((20, 4)), costs[::-1], 99)
