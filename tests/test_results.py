import json

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.adaptive import adaptive_search
from ttclab.allocator import Allocation, Arm, ComputeOptimalPolicy, fitted_policy, lesson_policy, uniform_policy
from ttclab.beam_search import beam_search
from ttclab.data import POLICIES
from ttclab.estimators import bootstrap, fifths
from ttclab.ledger import billed
from ttclab.models import ZOO, folder_of, load
from ttclab.problems import answers_equal
from ttclab.results.exchange import allowance, samples_for
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
    long = [k for k, length in enumerate(chains.metadata["lengths"]) if length > 5]
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


@pytest.mark.parametrize("name", ["search-oracle", "whole-oracle"])
def test_a_fitted_policy_matches_best_of_64_for_half_the_flops(name):
    best_of_64 = results.sampling_arms().at(64)
    space, estimate = name.split("-")
    found = results.allocated(space, estimate, 16)
    assert bootstrap(found.flops - 0.5 * best_of_64.flops).high < 0
    assert bootstrap(found.correct - best_of_64.correct).low > -0.01


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
        hard, asked = results.difficulty(name, "predicted")
        plain = results.spend(fitted_policy(f"{name}-predicted"), results.space(name), hard, 16)
        assert np.array_equal(results.allocated(name, "predicted", 16).flops, plain.flops + asked) and (asked > 0).all()
        assert not results.difficulty(name, "oracle")[1].any()


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


def test_the_lesson_s_rule_loses_to_samples_at_equal_flops():
    hard, asked = results.difficulty("predicted")
    found = results.spend(lesson_policy, results.space("revision"), hard, 16)
    assert results.gain(Arm(found.allocation, found.correct, found.flops + asked)).high < 0
    hardest = results.small_fifths() == 4
    for budget in (16, 64):
        found = results.spend(lesson_policy, results.space("revision"), hard, budget)
        assert bootstrap((found.correct - results.hybrid_arms().at(budget).correct)[hardest]).high < 0


def test_a_policy_over_rewriting_chains_gains_little_over_samples_at_equal_flops():
    gain = results.gain(results.allocated("revision", "oracle", 16))
    assert gain.low < 0.01 and gain.high < 0.03


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


@pytest.mark.parametrize("budget", [4, 8, 16, 32, 64])
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
    assert found.small.allocation == max(left, key=lambda arm: arm.correct.mean()).allocation


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
    hardest = fifths(1 - hardness("test")) == 4
    assert results.exchange(1e5, at=1250, verifier_given=True).gain().low > 0
    assert results.exchange(1e5, at=2500, verifier_given=True).gain().high < 0
    assert results.exchange(1e5, at=2500, verifier_given=True).gain(hardest).high < 0
    assert abs(results.exchange(1e5, at=2500, verifier_given=True).gain(~hardest).mean) < 0.05


def test_both_models_win_cells_and_more_queries_favour_the_large_model():
    early, late = (results.winner_map([0.16, np.inf], at, verifier_given=True) for at in (1250, 2500))
    assert early[3][0].verdict == early[5][0].verdict == "small"
    assert {cell.verdict for cell in late[4]} == {"large"} and late[0][0].verdict == "no difference"
    assert not any(cell.verdict == "small" for row in late for cell in row)
    for row in (*early, *late):
        assert row[0].gain.mean >= row[1].gain.mean - 0.015


def test_with_a_charged_verifier_small_wins_only_against_an_early_large_model():
    gains = [results.exchange(q, at=a).gain() for q in (1e5, 1e6) for a in (1000, 1250, 1500, 2000, 2500)]
    assert all(gain.low <= 0 for gain in gains)
    assert results.exchange(1e6, at=750).gain().low > 0
    assert results.exchange(np.inf, at=1250).gain().low > 0 > results.exchange(np.inf, at=2000).gain().high


def test_one_sample_of_the_control_beats_a_large_model_that_cost_more():
    control, large = bank.load(bank.TWIN, "test"), results.one_pass("test", at=1500)
    assert bootstrap(control.correct.mean(axis=1) - large.correct).low > 0
    assert results.training_flops(bank.TWIN) < results.training_flops("large", at=1500)
    assert (control.prefill_flops + control.decode_flops.mean(axis=1)).mean() < large.flops.mean() / 5
