import dataclasses
import json

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.adaptive import adaptive_search
from ttclab.allocator import Allocation, Arm, ComputeOptimalPolicy, fitted_policy, uniform_policy
from ttclab.beam_search import beam_search
from ttclab.data import POLICIES
from ttclab.estimators import bootstrap, bootstrap_families, fifths
from ttclab.ledger import billed
from ttclab.models import ZOO, folder_of, load
from ttclab.problems import answers_equal
from ttclab.results.allocation import sure_scores
from ttclab.results.exchange import STEPS, allowance, samples_for
from ttclab.results.families import each_family
from ttclab.results.seeds import headline, verdict
from ttclab.results.training import own_training_flops
from ttclab.revision import hybrid_search
from ttclab.sampling import parallel_search
from ttclab.stopping import ClearLead
from ttclab.training.draws import problems_of
from ttclab.training.policy import RECIPES
from ttclab.verifiers import load_verifier


def test_the_flops_of_an_arm_equal_the_bill_of_the_live_strategy():
    samples = bank.load("small", "test")
    policy, prm = load("small", device="cpu"), load_verifier("prm", device="cpu")
    problems = samples.problems[:20]
    live = [r.cost.total_flops for r in parallel_search(policy, prm, problems, 256, choose="weighted")]
    assert results.sampling_arms().at(256).flops[:20] == pytest.approx(live, rel=1e-6)
    live = [r.cost.total_flops for r in beam_search(policy, prm, problems, 16, 4, seed=0)]
    assert results.beam_arms().at(16, M=4).flops[:20].mean() == pytest.approx(np.mean(live), rel=0.02)


def test_the_flops_of_a_chain_equal_the_bill_of_the_live_chain():
    chains = bank.load_chains(bank.SMALL, "test")
    model, verifier = load(bank.SMALL, device="cpu"), load_verifier("prm", device="cpu")
    problem = chains.problems[3]
    chain = [s for s, k, t in zip(chains.solutions(3), chains.chain_index[3], chains.place[3]) if k == 0 and t < 3]
    with billed() as bill:
        again = model.generate(problem, n=1)
        for _ in range(2):
            again = again + model.revise(problem, again)
    assert [s.text for s in again] == [s.text for s in chain]
    assert chains.flops[3, :3].sum() == bill.total.total_flops
    with billed() as bill:
        verifier.score([again[0]])
        verifier.score([again[1]])
    read = bill.total.tokens["verifier"] + bill.total.tokens["cached"]
    assert read == 2 * chains.prompt_tokens[3] + chains.tokens[3, :2].sum()


@pytest.mark.parametrize("verifier", ["prm", "prm-exact"])
@pytest.mark.parametrize(("M", "T"), [(5, 0), (8, 1), (4, 7), (1, 15)])
def test_the_flops_of_recorded_chains_equal_the_bill_of_hybrid_search(verifier, M, T):
    chains = bank.load_chains(bank.SMALL, "test")
    model, scorer = load(bank.SMALL, device="cpu"), load_verifier(verifier, device="cpu")
    taken = (chains.chain_index[0] < M) & (chains.place[0] <= T)
    live = hybrid_search(model, scorer, chains.problems[:6], M, T, seed=0)
    for i, result in enumerate(live):
        assert [s.text for s in result.solutions] == chains.texts[i, taken].tolist()
    expected = [result.cost.total_flops for result in live]
    assert results.chain_flops("test", verifier, taken)[:6].tolist() == expected


def test_revised_returns_the_attempts_before_and_after_a_revision():
    chains = bank.load_chains(bank.SMALL, "test")
    before, after = results.revised(chains, 5)
    long = [k for k, length in enumerate(chains.lengths) if length > 5]
    for i in (0, 77):
        chain = [chains.correct[i][chains.chain_index[i] == k] for k in long]
        assert before[i].tolist() == [rights[4] for rights in chain]
        assert after[i].tolist() == [rights[5] for rights in chain]


def test_a_policy_spends_the_flops_of_the_chosen_arms():
    arms, hard = results.sampling_arms(), 1 - bank.load("small", "test").correct.mean(axis=1)
    spent = results.spend(uniform_policy, arms, hard, 16)
    assert np.array_equal(spent.correct, arms.at(16).correct)
    split = results.spend(lambda d, b: Allocation(16 if d > 0.5 else 4), arms, hard, 16)
    assert np.array_equal(split.flops[hard > 0.5], arms.at(16).flops[hard > 0.5])
    assert np.array_equal(split.flops[hard <= 0.5], arms.at(4).flops[hard <= 0.5])


def test_cross_validation_evaluates_each_policy_on_the_held_out_half():
    hard = np.repeat([0.1, 0.9], 4)
    arms = [
        Arm(Allocation(1), np.tile([1.0, 0.0], 4), np.full(8, 1.0)),  # right on the even problems alone
        Arm(Allocation(2), np.tile([0.0, 1.0], 4), np.full(8, 2.0)),
    ]
    found = results.cross_validated(arms, hard, 2, bins=2)
    assert (found.correct == 0).all()  # what is best on one half is wrong on all of the other
    assert found.flops.tolist() == [2, 1] * 4


def test_at_equal_flops_mixes_the_two_neighbouring_budgets():
    arms = results.sampling_arms()
    third, fourth = arms.at(8), arms.at(16)
    assert np.array_equal(results.at_equal_flops(arms.values(), third.cost).correct, third.correct)
    middle = (third.cost + fourth.cost) / 2
    mix = results.at_equal_flops(arms.values(), middle)
    assert mix.flops.mean() == pytest.approx(middle)
    assert mix.correct == pytest.approx((third.correct + fourth.correct) / 2)
    with pytest.raises(ValueError, match=r"not 1$"):
        results.at_equal_flops(arms.values(), 1)


def test_adaptive_sampling_from_recorded_runs_agrees_with_the_live_search():
    samples = bank.load("small", "test")
    problems = samples.problems[:60]
    model, verifier = load("small", device="cpu"), load_verifier("prm", device="cpu")
    live = adaptive_search(model, verifier, problems, 16, rule=ClearLead(1.0, batch=2), seed=3)
    recorded = results.adaptive_arm(1.0, 16)
    assert np.mean([r.cost.total_flops for r in live]) == pytest.approx(recorded.flops[:60].mean(), rel=0.1)
    found = [answers_equal(r.answer, p.answer) for r, p in zip(live, problems, strict=True)]
    assert np.mean(found) == pytest.approx(recorded.correct[:60].mean(), abs=0.1)


# Findings


def space(split):
    return results.sampling_arms(split) | results.beam_arms(split)


def hardness(split):
    return 1 - bank.load("small", split).correct.mean(axis=1)


@pytest.mark.parametrize("space", ["search", "steps", "whole"])
def test_a_fitted_policy_matches_best_of_64_for_half_the_flops(space):
    best_of_64 = results.sampling_arms().at(64)
    found = results.allocated(space, "oracle", 64)
    assert bootstrap(found.flops - 0.5 * best_of_64.flops).high < 0
    assert bootstrap(found.correct - best_of_64.correct).low > -0.015


def test_the_gain_of_the_fitted_policy_comes_from_beam_search():
    found = results.allocated("search", "oracle", 16)
    beam = results.beam_arms().at(16, M=4)
    gain = bootstrap(found.correct - beam.correct)
    assert gain.low <= 0.01 and gain.high >= 0
    assert bootstrap(found.flops - beam.flops).high < 0


def test_fitting_again_gives_the_shipped_policies(tmp_path):
    for path in results.fit_all(tmp_path):
        assert path.read_bytes() == (POLICIES / path.name).read_bytes(), "ttclab fit"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in POLICIES.iterdir()}


def test_predicted_difficulty_is_charged_and_oracle_difficulty_is_free():
    for name in results.SPACES:
        hard, asked = results.difficulty("predicted")
        plain = results.spend(fitted_policy(f"{name}-predicted"), results.space(name), hard, 16)
        assert np.array_equal(results.allocated(name, "predicted", 16).flops, plain.flops + asked) and (asked > 0).all()
    assert not results.difficulty("oracle")[1].any()


def test_difficulty_by_disagreement_costs_no_verifier_flops():
    samples = bank.load("small", "test")
    hard, cost = results.estimated_difficulty(4, by="disagreement")
    assert np.array_equal(cost, samples.prefill_flops + 4 * samples.decode_flops.mean(axis=1))
    assert set(hard) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert (cost < results.estimated_difficulty(4)[1]).all()


def test_more_solutions_put_more_problems_into_the_right_fifth():
    rest = fifths(bank.load("small", "test").correct[:, 64:].mean(axis=1))
    for by in ("score", "disagreement"):
        hits = [(fifths(-results.estimated_difficulty(n, by=by)[0]) == rest).astype(float) for n in (2, 8, 64)]
        assert bootstrap(hits[1] - hits[0]).low > 0 and bootstrap(hits[2] - hits[1]).low > 0


@pytest.mark.parametrize("estimate", results.ESTIMATES)
def test_spreading_a_budget_over_the_batch_beats_best_of_n_at_equal_flops(estimate):
    flops = float(results.sampling_arms().at(16).flops.mean())
    found = results.spread(estimate, flops)
    assert found.flops.mean() < 1.2 * flops  # a way is priced at its mean, and hard problems cost more
    assert results.gain(found).low > 0


SEEDS = ["shipped", "1", "2"]


def test_a_policy_that_knows_the_difficulty_matches_best_of_64_in_every_seed_for_a_quarter_of_the_flops():
    assert verdict("policy, difficulty known, at most 64, minus weighted best-of-64") == "no clear difference"
    for seed in SEEDS:
        assert headline("policy, difficulty known, at most 64, FLOPs over weighted best-of-64", seed).high < 0.25


def test_one_chain_for_all_comes_near_best_of_64_for_as_few_flops():
    for seed in SEEDS:
        assert abs(headline("step-level revision, at most 31, minus weighted best-of-64", seed).mean) < 0.03
        assert headline("step-level revision, at most 31, FLOPs over weighted best-of-64", seed).high < 0.25


def test_knowing_the_difficulty_beats_a_beam_for_all_in_every_seed_and_not_one_chain_for_all():
    assert verdict("policy, difficulty known, at most 16, minus beam search, equal FLOPs") == "above 0"
    over_chain = "policy, difficulty known, at most 16, minus step-level revision, equal FLOPs"
    assert verdict(over_chain) in ("no clear difference", "undecided")
    assert sum(headline(over_chain, seed).mean > 0.01 for seed in SEEDS) < 3


def test_predicting_the_difficulty_loses_to_a_beam_at_a_budget_of_4_and_ties_at_16_in_every_seed():
    assert verdict("policy, difficulty predicted, at most 4, minus beam search, equal FLOPs") == "below 0"
    assert verdict("policy, difficulty predicted, at most 16, minus beam search, equal FLOPs") == "no clear difference"


def test_the_lesson_s_rule_costs_twice_one_chain_for_all_and_no_seed_shows_a_clear_gain():
    assert verdict("lesson's rule, at most 16, minus weighted best-of-16") == "no clear difference"
    assert verdict("lesson's rule, at most 16, minus weighted best-of-16, hardest fifth") == "no clear difference"
    for seed in SEEDS:
        assert headline("lesson's rule, at most 16, minus step-level revision, at most 15", seed).sign <= 0
        assert headline("lesson's rule, at most 16, FLOPs over step-level revision, at most 15", seed).low > 1.8


def test_a_chain_is_cheaper_than_a_beam_on_easy_problems_and_dearer_on_hard_ones_in_every_seed():
    def prices():
        chain, beam = results.stepwise(15), results.beam(16)
        return [chain.fifth(k).cost / beam.fifth(k).cost for k in (0, 4)]

    for easy, hard in each_family(prices).values():
        assert easy < 0.4 and hard > 1


def test_one_chain_for_all_beats_samples_at_equal_flops():
    for T in (3, 7, 15, 31):
        assert results.gain(results.stepwise(T)).low > 0


@pytest.mark.parametrize("estimate", results.ESTIMATES)
@pytest.mark.parametrize("space", ["revision", "whole"])
def test_no_fitted_policy_rewrites(space, estimate):
    plans = [plan for row in fitted_policy(f"{space}-{estimate}").table.values() for plan in row]
    assert not any(plan.T and not plan.stepwise for plan in plans)


def test_the_fitted_policy_takes_a_short_chain_on_the_easiest_fifth_and_mostly_beams_on_the_hardest():
    rows = [fitted_policy("whole-oracle").table[budget] for budget in (4, 8, 16, 32, 64)]
    assert {row[0] for row in rows} == {Allocation(1, 1, stepwise=True)}
    assert sum(row[4].M > 0 for row in rows) >= 4


def test_a_policy_over_chains_by_difficulty_does_what_one_chain_for_all_does():
    gain = results.allocated("steps", "oracle", 16).minus(results.stepwise(15))
    assert gain.sign == 0 and abs(gain.mean) < 0.01


def test_one_score_is_nearly_always_almost_0_or_almost_1():
    assert sure_scores() > 0.9


@pytest.mark.parametrize("N", [4, 8, 16, 32, 64])
def test_adaptive_sampling_beats_best_of_n_at_equal_flops(N):
    adaptive, uniform = results.adaptive_arm(0.5, N), results.sampling_arms(budgets=results.FINE_BUDGETS)
    same = results.at_equal_flops(uniform.values(), adaptive.flops.mean())
    assert bootstrap(adaptive.correct - same.correct).low > 0
    assert bootstrap(adaptive.correct - uniform.at(N).correct).low > -0.015


def test_allocating_samples_by_predicted_difficulty_loses_at_small_budgets():
    known, _ = results.estimated_difficulty(4, "validation")
    hard, asked = results.estimated_difficulty(4)
    for budget in (4, 8, 16):
        policy = ComputeOptimalPolicy.fit([*results.sampling_arms("validation").values()], known, [budget])
        found = results.spend(policy, results.sampling_arms(), hard, budget)
        assert results.gain(Arm(found.allocation, found.correct, found.flops + asked)).high < 0


@pytest.mark.parametrize("budget", [8, 16, 32, 64])
def test_a_policy_with_beams_and_predicted_difficulty_beats_best_of_n(budget):
    assert results.gain(results.allocated("search", "predicted", budget)).low > 0


def test_predicting_difficulty_does_not_pay_at_a_budget_of_two():
    assert results.gain(results.allocated("search", "predicted", 2)).high < 0


def test_beam_search_beats_an_early_large_model_and_loses_to_a_late_one():
    beam = results.beam_arms().at(16, M=4)
    early, late = (results.one_pass("test", at=step) for step in (1250, 2500))
    assert bootstrap(beam.correct - early.correct).low > 0 > bootstrap(beam.correct - late.correct).high
    assert bootstrap(beam.flops / early.flops).high < 1.25  # about as many FLOPs


def test_chains_of_rewrites_lose_to_as_many_samples():
    arms = results.hybrid_arms()
    parallel = arms.at(16)
    for M, T in ((8, 1), (4, 3), (2, 7), (1, 15)):
        assert bootstrap(arms.at(M, T).correct - parallel.correct).high < 0


def test_training_flops_include_those_of_the_base_model_and_of_the_writers_of_the_data():
    own = {name: own_training_flops(name) for name in ("small-plain", "small", "prm")}
    made = json.loads((ZOO / "prm" / "training.json").read_text())
    assert own["prm"] == made["training_flops"] + made["data_flops"]
    assert results.training_flops("small") == own["small"] + own["small-plain"]
    assert results.training_flops("prm") == sum(own.values())
    writers = own["small"] + own["small-plain"]
    assert results.training_flops("prm-large") > results.training_flops("large", at=2500) + writers
    assert results.training_flops("large", at=1000) < results.training_flops("large", at=2500)


def test_a_shared_base_model_is_charged_once():
    both = results.training_flops("small", "prm")
    assert both == results.training_flops("prm")
    apart = results.training_flops("prm") + results.training_flops("orm") - results.training_flops("small")
    assert results.training_flops("prm", "orm") == apart
    large = results.training_flops("large", at=2500)
    assert results.training_flops("small", "prm-large") > results.training_flops("small") + large


def test_training_tokens_count_the_padded_rows_of_every_step():
    batch, fed = RECIPES["large"].batch, []
    for step in range(0, 750, 75):
        problems, _ = problems_of(f"0/{step}", batch)
        lengths = np.sort([len(problem.prompt + problem.solution_text + "$") - 1 for problem in problems])
        fed.append(sum(len(piece) * piece.max() for piece in np.array_split(lengths, 3)))
    steps = json.loads((folder_of("large") / "training.json").read_text())["steps"]
    assert results.training_tokens("large") == pytest.approx(steps * np.mean(fed), rel=0.02)


def test_queries_at_r_use_r_times_the_training_tokens():
    run = bank.load("large", "test", at=2500, greedy=True)
    tokens = sum(len(p.prompt) for p in run.problems) / len(run.problems) + run.tokens.mean()
    assert results.queries_at(0.5, 2500) * tokens == pytest.approx(0.5 * results.training_tokens("large", 2500))
    with pytest.raises(ValueError, match="above 0, not 0"):
        results.queries_at(0, 2500)


@pytest.mark.parametrize("queries", [1e4, 1e6, np.inf])
@pytest.mark.parametrize("verifier_given", [False, True])
def test_the_small_model_never_exceeds_the_total_flops_of_the_large_model(queries, verifier_given):
    for fifth in (None, 4):
        found = results.exchange(queries, at=2500, verifier_given=verifier_given, fifth=fifth)
        verifiers = [] if verifier_given or found.verifier is None else [found.verifier]
        plan = found.small.allocation
        fitted = results.small_arms("validation", found.verifier).at(plan.N, plan.T, plan.M, stepwise=plan.stepwise)
        among = slice(None) if fifth is None else results.small_fifths("validation") == fifth
        dearer = results.training_flops("small", *verifiers) - results.training_flops("large", at=2500)
        assert dearer / queries + fitted.flops[among].mean() <= found.large.flops.mean() + 1e-6


def test_a_small_model_that_costs_more_to_train_than_the_large_one_in_all_solves_nothing():
    assert results.training_flops("small") > results.training_flops("large", at=750) + results.greedy("large", 750).cost
    found = results.exchange(1, at=750, verifier_given=True)
    assert found.left < 0 and not found.small.correct.any() and found.small.cost == 0
    assert found.gain().mean == -results.greedy("large", 750).correct.mean()


def test_an_exchange_without_queries_is_refused():
    with pytest.raises(ValueError, match="queries must be above 0, not 0"):
        results.exchange(0)


def test_samples_of_one_problem_share_its_reading_and_passes_do_not():
    assert [samples_for(results.vote(N).cost * 1.0001) for N in (1, 16, 64)] == [1, 16, 64]
    left = allowance(22.0)
    assert results.spendable(22.0) == pytest.approx(left / results.coverage(1).cost)
    assert samples_for(left) > results.spendable(22.0)


def test_an_exchange_within_a_fifth_uses_only_its_problems():
    found, members = results.exchange(1e5, at=1250, verifier_given=True, fifth=3), results.small_fifths() == 3
    assert np.array_equal(found.large.correct, results.one_pass("test", at=1250).correct[members])
    assert found.small.correct.shape == (100,)


def test_the_arm_of_an_exchange_is_chosen_on_validation_problems():
    found = results.exchange(1e5, at=1250, verifier_given=True)
    left = results.small_arms("validation", "prm").within(found.left).values()
    assert found.small.allocation == max(left, key=lambda arm: (arm.correct.mean(), -arm.cost)).allocation


def test_an_interval_for_many_cells_is_wider_and_has_the_same_mean():
    found = results.exchange(1e5, at=1250, verifier_given=True)
    one, many = found.gain(), found.gain(cells=24)
    assert many.mean == one.mean and many.low < one.low and many.high > one.high


def test_the_map_names_a_winner_only_if_the_wide_interval_excludes_zero():
    [*fifths_, everything] = results.winner_map([0.16, np.inf], 1250, verifier_given=True)
    assert len(fifths_) == 5 and everything[0].exchange.small.correct.shape == (500,)
    for cell in [cell for row in (*fifths_, everything) for cell in row]:
        wide = cell.exchange.gain(cells=12)
        expected = "small" if wide.low > 0 else "large" if wide.high < 0 else "no difference"
        assert cell.verdict == expected


def test_with_a_free_verifier_small_beats_an_early_large_model_and_loses_to_a_late():
    assert results.exchange(1e5, at=1250, verifier_given=True).gain().low > 0
    assert results.exchange(1e5, at=2500, verifier_given=True).gain().high < 0
    assert results.exchange(1e5, at=2500, verifier_given=True).gain(4).high < 0
    assert abs(results.exchange(1e5, at=2500, verifier_given=True).gain(0, 1, 2, 3).mean) < 0.05


def test_both_models_win_cells_and_more_queries_favour_the_large_model():
    early, late = (results.winner_map([0.16, np.inf], at, verifier_given=True) for at in (1250, 2500))
    assert early[3][0].verdict == early[5][0].verdict == "small"
    assert {cell.verdict for cell in late[4]} == {"large"} and late[0][0].verdict == "no difference"
    assert not any(cell.verdict == "small" for row in late for cell in row)
    for row in (*early, *late):
        assert row[0].gain.mean >= row[1].gain.mean - 0.015


def test_a_winner_over_families_has_an_interval_over_families_and_problems():
    found = results.exchange(np.inf, at=2500, verifier_given=True)
    small, large = (
        Arm(arm.allocation, *(np.tile(each, 3) for each in (arm.correct, arm.flops, arm.fifths)), families=3)
        for arm in (found.small, found.large)
    )
    thrice = dataclasses.replace(found, small=small, large=large)
    assert thrice.gain() == bootstrap_families([found.small.correct - found.large.correct] * 3)
    assert thrice.gain(4).mean == pytest.approx(found.gain(4).mean)


def test_with_a_charged_verifier_small_wins_only_with_many_questions_and_an_early_large_model():
    few = [results.exchange(1e5, at=at).gain() for at in STEPS]
    assert all(gain.low <= 0 for gain in few) and few[-1].high < 0
    many = [results.exchange(1e6, at=at).gain() for at in STEPS]
    assert many[0].low > 0 and all(gain.low <= 0 for gain in many[3:]) and many[-1].high < 0
    assert results.exchange(np.inf, at=1250).gain().low > 0 > results.exchange(np.inf, at=2000).gain().high


def test_the_large_model_s_training_costs_more_than_the_small_one_s_and_the_verifier_s_more_than_either():
    small, large = results.training_flops("small"), results.training_flops("large", at=1500)
    assert 1.1 < large / small < 2
    assert results.training_flops("prm") - small > large
