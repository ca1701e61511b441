import json

import numpy as np
import pytest

from ttclab import bank, evidence
from ttclab.allocator import (
    POLICIES,
    Allocation,
    Arm,
    ComputeOptimalPolicy,
    adaptive_search,
    fitted_policy,
    lesson_policy,
    uniform_policy,
)
from ttclab.beam_search import beam_search
from ttclab.estimators import bootstrap, fifths
from ttclab.evidence import find
from ttclab.flops import billed
from ttclab.models import ZOO, load
from ttclab.problems import answers_equal
from ttclab.revision import hybrid_search
from ttclab.sampling import parallel_search
from ttclab.verifiers import load_verifier


def test_an_arm_costs_what_the_strategy_is_charged():
    samples = bank.load("small", "test")
    policy, prm = load("small", device="cpu"), load_verifier("prm", device="cpu")
    problems = samples.problems[:20]
    live = [r.cost.total_flops for r in parallel_search(policy, prm, problems, 256, choose="weighted")]
    assert find(evidence.sampling_arms(), 256).flops[:20] == pytest.approx(live, rel=1e-6)
    live = [r.cost.total_flops for r in beam_search(policy, prm, problems, 16, 4, seed=0)]
    assert find(evidence.beam_arms(), 16, 0, 4).flops[:20].mean() == pytest.approx(np.mean(live), rel=0.02)


def test_a_hybrid_costs_what_its_chains_are_charged():
    chains = bank.load_chains("revision", "test")
    model, judge = load("revision", device="cpu"), load_verifier("prm-revision", device="cpu")
    problem = chains.problems[3]
    chain = [s for s, k, t in zip(chains.solutions(3), chains.chain[3], chains.attempt[3]) if k == 0 and t < 3]
    with billed() as bill:
        again = model.generate(problem, n=1)
        for _ in range(2):
            again = again + model.revise(problem, again)
    assert [s.text for s in again] == [s.text for s in chain]
    assert chains.flops[3, :3].sum() == bill.total.total_flops
    with billed() as bill:
        judge.score([again[0]])
        judge.score([again[1]])
    read = chains.read_tokens[3, :2] + chains.tokens[3, :2]
    assert bill.total.tokens["verifier"] == read.sum()


@pytest.mark.parametrize("verifier", ["prm-revision", "prm"])
@pytest.mark.parametrize(("M", "T"), [(5, 0), (8, 1), (4, 7), (1, 15)])
def test_recorded_chains_cost_what_a_hybrid_search_of_them_is_charged(verifier, M, T):
    chains = bank.load_chains("revision", "test")
    model, judge = load("revision", device="cpu"), load_verifier(verifier, device="cpu")
    taken = (chains.chain[0] < M) & (chains.attempt[0] <= T)
    live = hybrid_search(model, judge, chains.problems[:6], M, T, seed=0)
    for i, result in enumerate(live):
        assert [s.text for s in result.solutions] == chains.texts[i, taken].tolist()
    expected = [result.cost.total_flops for result in live]
    assert evidence.chain_flops("test", verifier, taken)[:6].tolist() == expected


def test_a_revision_is_told_from_what_it_revises():
    chains = bank.load_chains("revision", "test")
    before, after = evidence.revised(chains, 5)
    long = [k for k, length in enumerate(chains.made["lengths"]) if length > 5]
    for i in (0, 77):
        chain = [chains.correct[i][chains.chain[i] == k] for k in long]
        assert before[i].tolist() == [rights[4] for rights in chain]
        assert after[i].tolist() == [rights[5] for rights in chain]


def test_the_fifths_of_the_revision_model_are_made_of_attempts_that_no_revision_is_measured_on():
    chains = bank.load_chains("revision", "test")
    alone = chains.correct[:, -32:]
    assert np.array_equal(evidence.revision_fifths(), fifths(alone.mean(axis=1)))
    assert (chains.attempt[:, -32:] == 0).all() and len(set(chains.chain[0, -32:])) == 32
    assert not set(chains.chain[0, -32:]) & set(chains.chain[0, chains.attempt[0] > 0])


def test_a_policy_spends_what_the_arms_of_its_choice_cost():
    arms, hard = evidence.sampling_arms(), 1 - bank.load("small", "test").correct.mean(axis=1)
    spent = evidence.spend(uniform_policy, arms, hard, 16)
    assert np.array_equal(spent.correct, find(arms, 16).correct)
    split = evidence.spend(lambda d, b: Allocation(16 if d > 0.5 else 4), arms, hard, 16)
    assert np.array_equal(split.flops[hard > 0.5], find(arms, 16).flops[hard > 0.5])
    assert np.array_equal(split.flops[hard <= 0.5], find(arms, 4).flops[hard <= 0.5])


def test_a_policy_is_tried_on_the_half_that_it_was_not_fitted_to():
    hard = np.repeat([0.1, 0.9], 4)
    arms = [
        Arm(Allocation(1), np.tile([1.0, 0.0], 4), np.full(8, 1.0)),  # right on the even problems alone
        Arm(Allocation(2), np.tile([0.0, 1.0], 4), np.full(8, 2.0)),
    ]
    found = evidence.cross_validated(arms, hard, 2, bins=2)
    assert (found.correct == 0).all()  # what is best on one half is wrong on all of the other
    assert found.flops.tolist() == [2, 1] * 4


def test_at_equal_flops_a_strategy_is_the_mix_of_two_budgets_that_costs_as_much():
    arms = evidence.sampling_arms()
    assert np.array_equal(evidence.at_equal_flops(arms, arms[3].flops.mean()).correct, arms[3].correct)
    middle = (arms[3].flops.mean() + arms[4].flops.mean()) / 2
    mix = evidence.at_equal_flops(arms, middle)
    assert mix.flops.mean() == pytest.approx(middle)
    assert mix.correct == pytest.approx((arms[3].correct + arms[4].correct) / 2)
    with pytest.raises(ValueError, match=r"none 1$"):
        evidence.at_equal_flops(arms, 1)


def test_sampling_until_clear_costs_and_finds_what_the_live_search_does():
    samples = bank.load("small", "test")
    problems = samples.problems[:60]
    model, judge = load("small", device="cpu"), load_verifier("prm", device="cpu")
    live = adaptive_search(model, judge, problems, 16, lead=1.0, batch=2, seed=3)
    recorded = evidence.adaptive_arm(1.0, 16)
    assert np.mean([r.cost.total_flops for r in live]) == pytest.approx(recorded.flops[:60].mean(), rel=0.1)
    found = [answers_equal(r.answer, p.answer) for r, p in zip(live, problems, strict=True)]
    assert np.mean(found) == pytest.approx(recorded.correct[:60].mean(), abs=0.1)


# Findings


def space(split):
    return evidence.sampling_arms(split) + evidence.beam_arms(split)


def hardness(split):
    return 1 - bank.load("small", split).correct.mean(axis=1)


@pytest.mark.parametrize("name", ["search-oracle", "whole-oracle"])
def test_fitted_on_validation_a_policy_has_the_accuracy_of_best_of_64_for_half_the_flops(name):
    best_of_64 = find(evidence.sampling_arms(), 64)
    space, estimate = name.split("-")
    found = evidence.allocated(space, estimate, 16)
    assert bootstrap(found.flops - 0.5 * best_of_64.flops).high < 0
    assert bootstrap(found.correct - best_of_64.correct).low > -0.01


def test_what_it_wins_is_the_beam_s_not_the_difficulty_s():
    found = evidence.allocated("search", "oracle", 16)
    beam = find(evidence.beam_arms(), 16, 0, 4)
    gain = bootstrap(found.correct - beam.correct)
    assert gain.low <= 0.01 and gain.high >= 0
    assert bootstrap(found.flops - beam.flops).high < 0


def test_fitting_again_gives_the_policies_that_ship(tmp_path):
    for path in evidence.fit_all(tmp_path):
        assert path.read_bytes() == (POLICIES / path.name).read_bytes(), "python -m ttclab fit"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in POLICIES.iterdir()}


def test_a_predicted_difficulty_is_on_the_bill_and_an_oracle_s_is_not():
    for name in evidence.SPACES:
        hard, asked = evidence.difficulty(name, "predicted")
        plain = evidence.spend(fitted_policy(f"{name}-predicted"), evidence.space(name), hard, 16)
        assert (
            np.array_equal(evidence.allocated(name, "predicted", 16).flops, plain.flops + asked) and (asked > 0).all()
        )
        assert not evidence.difficulty(name, "oracle")[1].any()


def test_counting_answers_asks_no_verifier():
    samples = bank.load("small", "test")
    hard, cost = evidence.estimated_difficulty(4, by="disagreement")
    assert np.array_equal(cost, samples.prefill_flops + 4 * samples.decode_flops.mean(axis=1))
    assert set(hard) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert (cost < evidence.estimated_difficulty(4)[1]).all()


def test_more_solutions_put_more_problems_into_their_fifth():
    rest = fifths(bank.load("small", "test").correct[:, 64:].mean(axis=1))
    for by in ("score", "disagreement"):
        hits = [(fifths(-evidence.estimated_difficulty(n, by=by)[0]) == rest).astype(float) for n in (2, 8, 64)]
        assert bootstrap(hits[1] - hits[0]).low > 0 and bootstrap(hits[2] - hits[1]).low > 0


@pytest.mark.parametrize("estimate", evidence.ESTIMATES)
def test_a_budget_spread_over_the_batch_is_nearly_kept_and_beats_best_of_n_for_the_same_flops(estimate):
    flops = float(find(evidence.sampling_arms(), 16).flops.mean())
    found = evidence.spread(estimate, flops)
    assert found.flops.mean() < 1.2 * flops  # a way is priced at its mean, and hard problems cost more
    assert evidence.gain(found).low > 0


def test_the_lesson_s_rule_is_behind_samples_for_the_same_flops_and_most_so_where_it_is_hard():
    hard, asked = evidence.difficulty("revision", "predicted")
    found = evidence.spend(lesson_policy, evidence.space("revision"), hard, 16)
    assert evidence.gain(Arm(found.allocation, found.correct, found.flops + asked), "parallel").high < 0
    hardest = evidence.revision_fifths() == 4
    for budget in (16, 64):
        found = evidence.spend(lesson_policy, evidence.space("revision"), hard, budget)
        assert bootstrap((found.correct - find(evidence.hybrid_arms(), budget).correct)[hardest]).high < 0


def test_a_policy_over_revisions_is_not_clearly_ahead_of_samples_for_the_same_flops():
    gain = evidence.gain(evidence.allocated("revision", "oracle", 16), "parallel")
    assert gain.low < 0 < gain.high < 0.03


@pytest.mark.parametrize("N", [4, 8, 16, 32, 64])
def test_sampling_until_the_vote_is_clear_beats_best_of_n_at_equal_flops_at_every_budget(N):
    adaptive, uniform = evidence.adaptive_arm(0.5, N), evidence.sampling_arms(budgets=evidence.FINE_BUDGETS)
    same = evidence.at_equal_flops(uniform, adaptive.flops.mean())
    assert bootstrap(adaptive.correct - same.correct).low > 0
    assert bootstrap(adaptive.correct - find(uniform, N).correct).low > -0.015


def test_dividing_samples_by_a_predicted_difficulty_does_not_pay_for_the_estimate_at_small_budgets():
    known, _ = evidence.estimated_difficulty(4, "validation")
    hard, asked = evidence.estimated_difficulty(4)
    for budget in (4, 8, 16):
        policy = ComputeOptimalPolicy.fit(evidence.sampling_arms("validation"), known, [budget])
        found = evidence.spend(policy, evidence.sampling_arms(), hard, budget)
        assert evidence.gain(Arm(found.allocation, found.correct, found.flops + asked)).high < 0


@pytest.mark.parametrize("budget", [4, 8, 16, 32, 64])
def test_with_beams_in_its_space_a_policy_by_one_solution_s_score_is_ahead_of_best_of_n_at_equal_flops(budget):
    assert evidence.gain(evidence.allocated("search", "predicted", budget)).low > 0


def test_with_a_budget_of_two_the_estimate_costs_more_than_it_saves():
    assert evidence.gain(evidence.allocated("search", "predicted", 2)).high < 0


def test_a_search_with_the_small_judge_beats_the_larger_model_early_in_its_training_and_loses_to_it_late():
    beam = find(evidence.beam_arms(), 16, 0, 4)
    early, late = (evidence.one_pass("test", at=step) for step in (1250, 2500))
    assert bootstrap(beam.correct - early.correct).low > 0 > bootstrap(beam.correct - late.correct).high
    assert bootstrap(beam.flops / early.flops).high < 1.25  # about as many FLOPs


def test_sequential_and_parallel_revision_are_worth_the_same():
    arms = evidence.hybrid_arms()
    parallel = find(arms, 16)
    for M, T in ((8, 1), (4, 3), (2, 7), (1, 15)):
        gain = bootstrap(find(arms, M, T).correct - parallel.correct)
        assert gain.low > -0.02 and gain.high < 0.03


def test_training_is_charged_down_to_the_model_that_another_was_grown_from():
    made = {n: json.loads((ZOO / n / "training.json").read_text()) for n in ("small", "prm")}
    own = made["prm"]["training_flops"] + made["prm"]["data_flops"]
    assert evidence.training_flops("prm") == own + made["small"]["training_flops"]
    assert evidence.training_flops("large", at=1000) < evidence.training_flops("large", at=2500)


@pytest.mark.parametrize("queries", [1e4, 1e6, 1e9])
def test_an_exchange_spends_no_more_in_all_than_the_large_model(queries):
    for judge_trained in (False, True):
        found = evidence.exchange(queries, at=2500, judge_trained=judge_trained)
        trained = evidence.training_flops("small" if judge_trained else "prm")
        validation = next(a for a in space("validation") if a.allocation == found.small.allocation)
        total = evidence.training_flops("large", at=2500) + queries * found.large.flops.mean()
        assert trained + queries * validation.flops.mean() <= total
    with pytest.raises(ValueError, match="queries above 0, not 0"):
        evidence.exchange(0)


def test_with_the_judge_given_small_wins_against_an_early_large_model_and_loses_to_a_late_one():
    hardest = fifths(1 - hardness("test")) == 4
    assert evidence.exchange(1e5, at=1250, judge_trained=True).gain().low > 0
    assert evidence.exchange(1e5, at=2500, judge_trained=True).gain().high < 0
    assert evidence.exchange(1e5, at=2500, judge_trained=True).gain(hardest).high < 0
    assert abs(evidence.exchange(1e5, at=2500, judge_trained=True).gain(~hardest).mean) < 0.05


def test_with_the_judge_s_training_charged_small_wins_nowhere():
    gains = [evidence.exchange(q, at=a).gain() for q in (1e5, 1e6, 1e9) for a in (1000, 1250, 1500, 2000, 2500)]
    assert all(gain is None or gain.low <= 0 for gain in gains)
    assert sum(gain is None for gain in gains) > 0
