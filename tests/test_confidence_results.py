"""What recorded runs say of token confidence and stopping: the same as live runs, and as brute force."""

from itertools import product

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.adaptive import adaptive_search, confident_search
from ttclab.confidence import GRID, MEASURES, MOST, TOKENS, TokenConfidence, group_confidences
from ttclab.models import load
from ttclab.results import confidence as found
from ttclab.results.verifiers import auc_everywhere
from ttclab.verifiers import load_verifier

FREE = [name for name, rule in found.RULES.items() if not rule.weighted]


@pytest.fixture(scope="module")
def small():
    return load("small", device="cpu")


@pytest.mark.parametrize("measure", MEASURES)
def test_recorded_confidence_is_what_reading_the_samples_again_gives(measure, small):
    samples, verifier = results.small_samples(), TokenConfidence(measure, policy=small)
    solutions = [s for i in range(3) for s in samples.solutions(i)[:32]]
    recorded = results.small_scores(measure)[:3, :32].ravel()
    assert verifier.score(solutions) == pytest.approx(recorded.tolist(), rel=1e-3)


def test_recorded_token_confidence_has_one_number_a_token_and_gives_the_lowest_group():
    samples, recorded = results.small_samples(), bank.load_scores(TOKENS, "small-test")
    lowest = results.small_scores("lowest-group-confidence")
    for i, j in product(range(0, 500, 50), range(0, 256, 16)):
        assert len(recorded[i][j]) == samples.tokens[i, j]
        groups = group_confidences(np.array(recorded[i][j]))
        assert MOST * groups.min() == pytest.approx(MOST * lowest[i, j], abs=1 / GRID)


def test_the_mean_log_probability_is_that_of_the_recorded_sum():
    samples = results.small_samples()
    expected = np.exp(samples.logprob / samples.tokens)
    assert results.small_scores("mean-logprob") == pytest.approx(expected, abs=1e-3)


def test_recording_confidence_again_writes_the_same_file(tmp_path):
    run = tmp_path / "few.parquet"
    bank.record("small", "test", bank.Draws(samples=4, problems=6, device="cpu"), out=run)
    for name in (*MEASURES, TOKENS):
        path = bank.record_scores(name, run, device="cpu", out=tmp_path / f"few.{name}.parquet")
        first = path.read_bytes()
        path.unlink()
        assert bank.record_scores(name, run, device="cpu", out=path).read_bytes() == first
        assert [len(group) for group in bank.load_scores(name, run)] == [4] * 6


@pytest.mark.parametrize("measure", MEASURES)
def test_auc_within_problems_is_the_share_of_pairs_in_order(measure):
    samples, scores = results.small_samples(), results.small_scores(measure)
    shares = []
    for right, score in zip(samples.correct, scores, strict=True):
        if right.any() and not right.all():
            gap = score[right][:, None] - score[~right]
            shares.append(((gap > 0) + (gap == 0) / 2).mean())
    assert found.confidence_auc(measure).mean == pytest.approx(np.mean(shares))


@pytest.mark.parametrize("measure", MEASURES)
def test_a_vote_weighted_by_confidence_costs_what_a_plain_vote_does(measure):
    assert results.weighted(16, measure).cost == results.vote(16).cost
    assert np.array_equal(results.best(16, measure).flops, results.vote(16).flops)


@pytest.mark.parametrize("rule", FREE)
def test_a_recorded_stopping_rule_costs_and_finds_what_the_live_search_does(rule, small):
    problems = results.small_samples().problems[:60]
    live = [  # one run of 60 problems is 13% off by chance
        result
        for seed in (5, 6, 7)
        for result in adaptive_search(small, load_verifier("oracle"), problems, 16, rule=found.RULES[rule], seed=seed)
    ]
    recorded = found.rule_arms(rule).at(16)
    assert np.mean([r.cost.total_flops for r in live]) == pytest.approx(recorded.flops[:60].mean(), rel=0.1)
    assert np.mean([r.correct for r in live]) == pytest.approx(recorded.correct[:60].mean(), abs=0.1)


@pytest.mark.parametrize("keep", [0.9, 0.3])
def test_recorded_stopping_inside_samples_costs_and_finds_what_the_live_search_does(keep, small):
    problems = results.small_samples().problems[:60]
    verifier = load_verifier("self-certainty")
    live = confident_search(small, verifier, problems, 48, keep=keep, seed=3)
    recorded = found.stopped_inside(48, keep, "self-certainty")
    assert np.mean([r.cost.total_flops for r in live]) == pytest.approx(recorded.flops[:60].mean(), rel=0.05)
    assert np.mean([r.correct for r in live]) == pytest.approx(recorded.correct[:60].mean(), abs=0.1)


def test_the_more_of_the_warm_up_is_kept_the_more_is_written():
    kept = [found.stopped_inside(32, keep).flops for keep in (0.1, 0.5, 0.9)]
    assert (kept[0] <= kept[1]).all() and (kept[1] <= kept[2]).all()
    assert (kept[2] <= found.stopped_inside(32, 1.0).flops).all()


def test_a_warm_up_of_the_whole_budget_is_a_vote_of_recorded_samples():
    arm, vote = found.stopped_inside(found.WARMUP, 0.1, draws=64), results.vote(found.WARMUP)
    assert arm.correct.mean() == pytest.approx(vote.correct.mean(), abs=0.01)
    assert arm.cost == pytest.approx(vote.cost, rel=0.005)


def test_a_rule_never_costs_more_than_all_its_samples_and_its_gain_is_at_its_own_cost():
    for rule in FREE:
        arms = found.rule_arms(rule)
        assert all(arms.at(N).cost <= arms.at(2 * N).cost for N in (4, 8, 16, 32))
        assert found.rule_saving(rule, 64) < 1
    arm = found.rule_arms("posterior").at(16)
    fixed = results.sampling_arms(choose="majority", budgets=results.FINE_BUDGETS)
    mixed = results.at_equal_flops(fixed.values(), arm.cost)
    assert mixed.cost == pytest.approx(arm.cost)
    assert found.rule_gain("posterior", 16).mean == pytest.approx((arm.correct - mixed.correct).mean())


def test_the_data_of_the_figure_names_every_strategy_with_its_cost():
    table = found.confidence()
    assert {"vote", *(f"vote weighted by {m}" for m in MEASURES), *(f"stopping by {r}" for r in found.RULES)} <= {
        *table["strategy"]
    }
    assert not table.isna().any().any()
    assert (table["low"] <= table["solved"]).all() and (table["solved"] <= table["high"]).all()
    assert (table["flops"] > 0).all()


# Findings, as chapter 2 tells them


def test_a_measure_of_distributions_tells_problems_apart_and_not_their_samples():
    for measure in ("self-certainty", "tail-entropy", "lowest-group-confidence"):
        assert auc_everywhere(measure) > 0.6
        within = found.confidence_auc(measure)
        assert within.low < 0.53 and within.high > 0.48
        weighted = results.sampling_arms(choose="weighted", verifier=measure).at(16)
        assert abs(weighted.minus(results.vote(16)).mean) < 0.01
        one = results.coverage(1)
        assert results.best(16, measure).minus(one).high < 0


def test_the_probability_of_what_was_drawn_tells_samples_apart():
    assert found.confidence_auc("mean-logprob").low > 0.7
    assert found.most_confident_gain(16, "mean-logprob").low > 0


def test_doubling_until_agreement_loses_and_the_posterior_does_not():
    assert found.rule_loss("agreement", 64).high < 0 and found.rule_gain("agreement", 64).high < 0
    assert found.rule_saving("posterior", 64) > 0.1
    loss = found.rule_loss("posterior", 64)
    assert loss.low < 0 < loss.high


def test_stopping_inside_samples_by_a_signal_at_chance_gains_nothing_and_loses_where_it_stops_most():
    assert 0 < found.inside_saving(64, 0.9) < found.inside_saving(64, 0.1)
    assert all(found.inside_gain(64, keep).low < 0 for keep in found.KEPT)
    assert found.inside_gain(64, 0.1).high < 0
