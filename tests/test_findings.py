"""What the recorded runs show of the shipped verifiers, held to the data: a retrained model has to show it again."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from ttclab import bank, figures, results
from ttclab.estimators import (
    auc,
    best_of_n,
    bootstrap,
    majority,
    weighted_best_of_n,
    within_problem_auc,
)
from ttclab.problems import Solution, load_problems
from ttclab.results import revision
from ttclab.results.families import each_family, families, of_all
from ttclab.results.searching import beam_texts
from ttclab.results.seeds import ALL, headline
from ttclab.results.stepwise import restarted_step
from ttclab.results.training import trained_steps
from ttclab.results.verifiers import auc_of_pass_rates
from ttclab.verifiers import AGGREGATES

HARDEST = 4
SEEDS = ("shipped", "1", "2")


@cache
def samples():
    return bank.load("small", "test")


def last_scores(verifier):
    """(problems, samples), the score of each solution's last step."""
    return results.last_scores(verifier, "small-test")


@cache
def weighted(verifier, k):
    return weighted_best_of_n(samples().answers, last_scores(verifier), samples().correct, k)


def test_weighting_votes_by_the_prm_beats_counting_them():
    gain = bootstrap(weighted("prm", 16) - majority(samples().answers, samples().correct, 16))
    assert gain.mean >= 0.10 and gain.low > 0


def test_prm_14x_with_64_samples_beats_the_prm_with_256():
    assert bootstrap(weighted("prm-large", 64) - weighted("prm", 256)).low > 0


def test_the_oracle_is_above_every_verifier():
    oracle = best_of_n(samples().correct, samples().correct, 64).mean()
    assert all(weighted(name, 64).mean() < oracle for name in ("prm", "orm", "prm-large"))


@pytest.mark.parametrize(("verifier", "answer", "working"), [("prm", 0.90, 0.96), ("prm-large", 0.91, 0.98)])
def test_a_prm_tells_right_from_wrong_within_a_problem(verifier, answer, working):
    assert within_problem_auc(last_scores(verifier), samples().correct) >= answer
    assert within_problem_auc(last_scores(verifier), samples().worked) >= working


def test_a_higher_auc_from_the_policy_s_likelihood_chooses_hardly_better():
    weight = results.likelihood_weight("prm-large")
    scores = results.mean_and_likelihood("prm-large", "test", weight)
    assert weight > 0 and within_problem_auc(scores, samples().correct) >= 0.93
    gain = bootstrap(
        best_of_n(scores, samples().correct, 64) - best_of_n(last_scores("prm-large"), samples().correct, 64)
    )
    assert abs(gain.mean) < 0.01


def test_a_perfect_verifier_of_the_working_would_not_know_every_right_answer():
    assert 0.90 <= within_problem_auc(samples().worked, samples().correct) <= 0.97


def test_the_verifier_with_the_highest_auc_over_all_solutions_does_not_choose_best():
    verifiers = ("orm", "prm", "prm-large", "prm-rollouts", "prm-exact", "prm-weak")
    everywhere = {name: auc(last_scores(name), samples().correct) for name in verifiers}
    within = {name: within_problem_auc(last_scores(name), samples().correct) for name in verifiers}
    working = {name: within_problem_auc(last_scores(name), samples().worked) for name in verifiers}
    chosen = {name: weighted(name, 64).mean() for name in verifiers}
    assert max(everywhere, key=everywhere.__getitem__) == max(within, key=within.__getitem__) == "orm"
    assert bootstrap(weighted("prm-large", 64) - weighted("orm", 64)).low > 0
    assert max(working, key=working.__getitem__) == max(chosen, key=chosen.__getitem__) == "prm-large"
    assert min(everywhere, key=everywhere.__getitem__) == min(chosen, key=chosen.__getitem__) == "prm-weak"


def test_more_samples_make_a_noisy_oracle_worse_by_its_best_score_and_better_by_a_weighted_vote():
    scores, right = results.noisy_scores(samples(), 0.8), samples().correct
    assert bootstrap(best_of_n(scores, right, 256) - best_of_n(scores, right, 8)).high < -0.05
    votes = weighted_best_of_n(samples().answers, scores, right, np.array([8, 256]))
    assert bootstrap(votes[:, 1] - votes[:, 0]).low > 0


@pytest.mark.parametrize("verifier", ["orm", "prm", "prm-large", "prm-rollouts", "prm-exact"])
def test_more_samples_make_no_trained_verifier_worse_over_all_problems(verifier):
    budgets = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])
    by_score = best_of_n(last_scores(verifier), samples().correct, budgets)
    by_vote = weighted_best_of_n(samples().answers, last_scores(verifier), samples().correct, budgets)
    for solved in (by_score, by_vote):
        assert bootstrap(solved[:, -1:] - solved).high.min() >= 0


def test_more_samples_make_the_weak_prm_worse_by_its_best_score_and_the_good_ones_better():
    change = {
        name: np.diff(best_of_n(last_scores(name), samples().correct, np.array([16, 256])), axis=1)[:, 0]
        for name in ("prm-weak", "prm", "prm-large")
    }
    assert bootstrap(change["prm-weak"]).high < 0
    assert all(bootstrap(change[name]).low > 0.01 for name in ("prm", "prm-large"))


def by_training(name):
    """A headline number in each of the three trainings."""
    numbers = [headline(name, training) for training in families()]
    assert len(numbers) == 3
    return numbers


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("PRM minus the vote, 16 samples", 0.10, 0.25),
        ("PRM, best-of-256 minus best-of-4", 0.07, 0.20),
        ("PRM, beam search, N=4, minus weighted for its FLOPs", 0.09, 0.12),
        ("PRM, beam search, N=16, minus weighted for its FLOPs", 0.02, 0.12),
        ("PRM, beam search, N=64, minus weighted for its FLOPs", 0.01, 0.03),
        ("weak PRM, beam search minus best-of-64", 0.03, 0.18),
    ],
)
def test_in_all_trainings_a_difference_is_above_zero_and_of_the_size_that_the_page_says(name, low, high):
    assert all(gain.low > 0 and low < gain.mean < high for gain in by_training(name))


def test_in_all_trainings_the_weak_prm_gets_worse_from_16_samples_on_and_not_clearly_from_4():
    assert all(fall.high < 0 for fall in by_training("weak PRM, best-of-256 minus best-of-16"))
    assert sorted(fall.sign for fall in by_training("weak PRM, best-of-256 minus best-of-4")) == [-1, -1, 0]


def test_in_no_seed_the_vote_weighted_by_the_weak_prm_falls_but_on_the_hardest_fifth():
    name = "weak PRM, weighted best-of-256 minus weighted best-of-16"
    assert all(gain.sign >= 0 for gain in by_training(name)) and headline(name, ALL).low > 0
    hardest = f"{name}, hardest fifth"
    assert [gain.sign for gain in by_training(hardest)] == [0, -1, -1] and headline(hardest, ALL).high < 0
    assert all(gain.mean < 0 for gain in by_training(hardest))
    name = "prm-weak"
    changes = each_family(lambda: [results.weighted(256, name).minus(results.weighted(16, name), k) for k in range(4)])
    assert all(change.mean >= 0 for seed in changes.values() for change in seed)


def test_the_prm_beats_the_orm_in_one_seed_and_ties_in_two():
    assert sorted(gain.sign for gain in by_training("PRM minus ORM, 64 samples")) == [0, 0, 1]


def test_auc_does_not_tell_which_verifier_chooses_best():
    assert results.weighted(64, "prm-large").minus(results.weighted(64, "orm")).low > 0
    assert results.weighted(16, "prm-large").minus(results.weighted(16)).low > 0
    assert all(0 < auc("orm") - auc("prm-large") < 0.01 for auc in (results.auc_everywhere, results.auc_by_answer))
    assert auc_of_pass_rates() > results.auc_everywhere("prm-weak")


def test_the_prm_s_best_score_ties_with_its_weighted_vote_and_the_weak_prm_s_is_never_ahead():
    assert all(gain.sign == 0 for gain in by_training("PRM, best-of-256 minus weighted best-of-256"))
    weak = [gain.sign for gain in by_training("weak PRM, best-of-256 minus weighted best-of-256")]
    assert max(weak) == 0 and weak.count(-1) == 2


def test_on_the_hardest_fifth_the_gain_of_search_is_clear_in_one_seed_only():
    gains = by_training("PRM, beam search minus weighted, N=16, hardest fifth")
    assert sorted(gain.sign for gain in gains) == [0, 0, 1]
    assert headline("PRM, beam search minus weighted, N=16, hardest fifth", ALL).low > 0
    assert all(gain.mean > 0 for gain in gains)


def test_the_small_leads_of_beam_search_are_clear_in_some_trainings_and_in_all_together():
    for N in (4, 64):
        name = f"PRM, beam search minus weighted, N={N}"
        assert {gain.sign for gain in by_training(name)} == {0, 1} and headline(name, ALL).low > 0


@pytest.mark.parametrize("N", [4, 16, 64])
def test_the_lead_of_beam_search_is_largest_on_a_hard_fifth(N):
    gains = of_all(lambda: [results.beam(N).minus(results.weighted(N), k) for k in range(5)])
    assert max(range(5), key=lambda k: gains[k].mean) >= 3


@pytest.mark.parametrize("verifier", ["PRM", "weak PRM"])
def test_beam_search_with_64_places_is_behind_in_no_seed_and_ahead_by_little(verifier):
    gains = by_training(f"{verifier}, beam search minus weighted, N=64")
    assert all(gain.sign >= 0 and gain.mean < 0.06 for gain in gains)
    assert any(gain.sign == 0 for gain in gains)


def test_for_the_same_flops_beam_search_beats_the_weighted_vote_at_every_n_and_every_seed():
    def leads():
        votes = results.sampling_arms()
        searches = (results.beam(N) for N in (4, 8, 16, 32, 64))
        return [search.minus([*votes.within(search.cost).values()][-1]) for search in searches]

    assert all(lead.low > 0 for seed in (*each_family(leads).values(), of_all(leads)) for lead in seed)


def test_a_beam_search_with_the_weak_prm_ends_in_nearly_one_solution_and_solves_less_than_with_the_prm():
    assert beam_texts(64, "prm-weak") < 2
    assert headline("PRM, beam search, N=64", ALL).low > headline("weak PRM, beam search, N=64", ALL).high
    poor, good = (of_all(lambda v=v: results.weighted(64, v).solved) for v in ("prm-weak", "prm"))
    assert poor.high < good.low


def test_the_mean_of_the_steps_is_no_score_to_vote_with():
    steps = bank.load_scores("prm", "small-test")
    mean = np.array([[AGGREGATES["mean"](each) if each else 0.0 for each in group] for group in steps])
    summed = weighted_best_of_n(samples().answers, mean, samples().correct, 64)
    assert bootstrap(summed - weighted("prm", 64)).high < -0.03


@pytest.mark.parametrize("verifier", ["prm", "prm-large"])
def test_beam_search_is_not_behind_and_cheaper_at_every_budget_and_ends_in_hardly_more_than_one_solution(verifier):
    for N, M in bank.BEAMS:
        run = bank.load_searches("small", verifier, "test", N, M)
        assert bootstrap(run.correct() - weighted(verifier, N)).high > 0
        assert results.beam(N, verifier).cost < 0.9 * results.weighted(N, verifier).cost
        assert np.mean([len({solution.text for solution in group}) for group in run.found]) < 2


def test_lookahead_does_not_pay():
    ahead, plain = (results.beam(16, "prm-large", lookahead=k) for k in (1, 0))
    assert ahead.minus(plain).high < 0 and ahead.cost > 1.5 * plain.cost
    name = "PRM 14x, beam search, lookahead minus none, N=16"
    assert all(change.sign <= 0 for change in by_training(name)) and headline(name, ALL).high < 0


def test_restarting_at_the_first_doubt_adds_twenty_points_to_one_sample_for_at_most_four_times_its_cost():
    one, revised = (results.stepwise(T) for T in (0, 15))
    assert revised.minus(one).low > 0.18
    assert revised.cost < 4 * one.cost and one.cost > 3 * results.coverage(1).cost  # only `one` is scored
    name = "step-level revision, at most 15, minus one sample"
    assert all(headline(name, seed).low > 0.2 for seed in SEEDS)


def test_restarting_is_not_behind_weighted_best_of_16_for_half_its_flops_in_any_training():
    for seed in SEEDS:
        assert headline("step-level revision, at most 15, minus weighted best-of-16", seed).low > -0.03
        assert headline("step-level revision, FLOPs over weighted best-of-16", seed).high < 0.55


def test_restarting_is_level_with_beam_search_and_one_pass_of_the_large_model():
    for gain in (results.gain(results.stepwise(15), "beam"), results.stepwise(15).minus(results.one_pass("test"))):
        assert gain.low > -0.05 and gain.high < 0.05


def test_restarts_tie_with_the_large_model_with_seed_0_and_beat_it_with_the_others_and_no_lead_holds():
    name = "step-level revision, at most 15, minus large at step 1500"
    assert [headline(name, seed).sign for seed in SEEDS] == [0, 1, 1] and headline(name, ALL).sign == 0
    assert headline("step-level revision, at most 15, FLOPs over a pass of large", ALL).high < 1


def test_in_no_seed_restarts_are_behind_a_weighted_vote_of_16():
    name = "step-level revision, at most 15, minus weighted best-of-16"
    assert all(headline(name, seed).sign >= 0 for seed in (*SEEDS, ALL))


def test_the_hardest_fifth_takes_half_of_the_flops_of_restarts_and_stays_mostly_unsolved():
    arm = results.stepwise(15)
    assert arm.fifth(HARDEST).cost / arm.cost / 5 > 0.5 and arm.fifth(HARDEST).solved.high < 0.3


def critic_errors(*critic):
    return results.accepted_wrong(*critic) + results.rejected_right(*critic)


def noisy_gains(forgetful):
    return [results.critic_gain("oracle", quality, forgetful=forgetful) for quality in bank.QUALITIES]


def test_no_noisy_critic_harms_if_its_errors_are_drawn_anew():
    assert max(critic_errors("oracle", quality) for quality in bank.QUALITIES) < 0.9
    gains = noisy_gains(forgetful=True)
    assert all(gain.high > 0 for gain in gains)
    assert all(gain.low > 0 for gain, quality in zip(gains, bank.QUALITIES) if quality >= 0.8)


def test_a_critic_that_repeats_its_errors_harms_before_they_sum_to_one():
    gains = noisy_gains(forgetful=False)
    assert critic_errors("oracle", bank.QUALITIES[0]) < 0.9 and gains[0].high < 0
    assert all(gain.low > 0 for gain, quality in zip(gains, bank.QUALITIES) if quality >= 0.9)
    means = [gain.mean for gain in gains]
    assert means == sorted(means)


def test_every_trained_critic_is_better_than_a_coin_and_the_weak_one_does_not_help_in_any_training():
    assert max(critic_errors(name) for name in bank.CRITICS) < 0.95
    assert results.rejected_right("prm-weak") > 0.7
    assert all(critic_errors(name) < 0.05 and results.critic_gain(name).low > 0.15 for name in ("prm", "prm-large"))
    noisiest = critic_errors("oracle", bank.QUALITIES[0])
    assert 0 < noisiest - critic_errors("prm-weak") < 0.05 and results.accepted_wrong("prm-weak") < 0.05
    chains = bank.load_step_revision("small", "prm-weak", "test", 15).found
    assert np.mean([len(chain) == 16 for chain in chains]) > 0.5
    weak = "restarting with the weak PRM, last solution minus first"
    assert all(headline(weak, seed).low <= 0 for seed in SEEDS)


@pytest.mark.parametrize(
    "name",
    [
        "first revision minus first attempt",
        "first revision minus an attempt of the control",
        "sixteenth attempt minus first attempt",
        "mended by the first revision, minus by a fresh sample",
        "a chain of 16 rewrites minus 16 samples",
    ],
)
def test_rewriting_does_harm_in_every_seed(name):
    assert all(headline(name, seed).high < 0 for seed in (*SEEDS, "all"))


def test_how_much_a_rewrite_harms_depends_on_the_training():
    first = [headline("first revision minus first attempt", seed) for seed in SEEDS]
    last = [headline("sixteenth attempt minus first attempt", seed) for seed in SEEDS]
    assert first[0].mean < 2 * max(gain.mean for gain in first)
    assert all(late.high < early.low for early, late in zip(first, last, strict=True))
    rights = [headline("first revision, right", seed).mean for seed in SEEDS]
    assert min(rights[1:]) - rights[0] > 0.1
    assert np.ptp([headline("small, first attempt of a chain", seed).mean for seed in SEEDS]) < 0.03


def test_the_model_that_rewrites_and_its_control_have_equal_first_attempts():
    name = "first attempt of the model that rewrites, minus its twin's"
    assert all(headline(name, seed).sign == 0 for seed in SEEDS)
    steps = {name: each_family(lambda name=name: trained_steps(name)) for name in (bank.SMALL, bank.TWIN)}
    assert all(steps[bank.TWIN][seed] > steps[bank.SMALL][seed] for seed in SEEDS)


def test_other_trainings_turn_fewer_right_answers_wrong_and_agree_on_no_more_than_that():
    shipped, *others = each_family(revision.turned_wrong).values()
    assert all(other.high < shipped.low for other in others)
    spoilt = [headline("spoilt by the first revision, minus by a fresh sample", seed).sign for seed in SEEDS]
    assert spoilt[0] > 0 and max(spoilt[1:]) <= 0


def test_a_rewrite_repeats_wrong_answers_that_a_fresh_sample_seldom_gives():
    assert revision.same_wrong_answer().low > 0.3
    assert revision.same_wrong_answer(fresh=True).high < 0.1


def test_a_rewrite_mostly_repeats_a_wrong_step_and_a_restart_seldom_does():
    repeated, corrected, other = (revision.rewritten_step(of, right=False) for of in revision.OUTCOMES)
    assert repeated.low > max(corrected.high, other.high) and repeated.low > 0.5 and corrected.high < 0.05
    assert restarted_step("same").high < 0.3 and restarted_step("right").low > 0.15
    assert restarted_step("same", right=True).low > 0.95
    assert results.accepted_wrong("prm") < 0.02 < restarted_step("same").low  # repeated: mostly drawn again
    assert revision.same_wrong_answer().low > revision.turned_right().high


def test_the_prm_rejects_right_steps_on_hard_problems_and_later_rewrites_still_spoil_more_than_they_mend():
    assert results.rejected_right("prm", fifth=HARDEST) > 5 * results.rejected_right("prm")
    assert all(results.rejected_right("prm", fifth=k) == 0 for k in range(3))
    pairs = [revision.revised(revision.chains(), k) for k in range(1, 8)]
    assert all((old & ~new).sum() > (~old & new).sum() for old, new in pairs)
    spoilt = [(old & ~new).sum() / old.sum() for old, new in pairs]
    assert all(later < spoilt[0] for later in spoilt[1:])


def test_the_rollout_prm_is_the_better_voter_and_the_worse_critic_with_seed_0():
    rollouts, exact = (results.critic_change(name) for name in ("prm-rollouts", "prm-exact"))
    assert rollouts.minus(exact).high < 0
    assert results.rejected_right("prm-rollouts") > results.rejected_right("prm-exact")
    assert results.weighted(16, "prm-rollouts").minus(results.weighted(16, "prm-exact")).sign > 0


def test_a_rewrite_changes_right_steps_into_wrong_ones():
    assert revision.rewritten_step("wrong", right=True).low > 0.2
    assert revision.rewritten_step("right", right=True).high == 0  # a right step has one right result


def test_an_outcome_counts_only_steps_before_which_nothing_changed():
    problem = load_problems("test")[0]
    right = Solution(problem, problem.solution_text)
    steps = list(right.steps)
    assert revision.step_outcome(right, right, 0) == "same"
    wrong = Solution(problem, right.text.replace(steps[0], steps[0][:-1] + ("1" if steps[0][-1] != "1" else "2")))
    assert revision.step_outcome(right, wrong, 0) == "wrong" and revision.step_outcome(wrong, right, 0) == "right"
    assert revision.step_outcome(right, Solution(problem, ""), 0) == ""


def test_the_right_solution_in_view_helps_no_more_than_nothing_and_random_results_ruin_a_rewrite():
    right = {row["in view"]: row["right"] for _, row in figures.draw("five_inputs").numbers.iterrows()}
    assert abs(right["the right solution"].mean - right["nothing"].mean) < 0.1
    assert right["its own attempt"].high < min(right["the right solution"].low, right["nothing"].low)
    assert max(right[name].high for name in ("random results", "another problem's attempt")) < 0.05


@pytest.mark.parametrize("kind", ["oracle", "prm", "self"])
def test_a_comment_moves_a_rewrite_by_little_more_than_a_point(kind):
    difference = revision.revisions_with(kind).minus(revision.revisions_with())
    assert difference.low > -0.02 and difference.high < 0.02


def test_rewriting_loses_on_every_fifth_and_most_on_the_easiest():
    gaps = [revision.after_revision().minus(revision.before_revision(), k) for k in range(5)]
    assert all(gap.high < 0 for gap in gaps) and gaps[0].high < min(gap.low for gap in gaps[3:])
    assert revision.before_revision().fifth(0).solved.low > 0.9


def test_the_more_of_16_attempts_are_rewrites_the_fewer_problems_are_solved():
    arms = [results.hybrid(M, T) for M, T in ((16, 0), (8, 1), (4, 3), (2, 7), (1, 15))]
    assert all(one.minus(other).low > 0 for one, other in pairwise(arms))
    assert all(one.minus(other, 0, 1, 2, 3).low > 0 for one, other in pairwise(arms))
    hardest = [arm.minus(arms[0], HARDEST) for arm in arms[1:]]
    assert hardest[0].sign == 0 and all(gap.high < 0 for gap in hardest[1:])
    assert results.hybrid(1, 15, "prm-large").minus(results.hybrid(16, 0, "prm-large")).high < -0.1
    tied = arms[:4]
    assert all(arm.fifth(0).solved.low > 0.95 for arm in tied) and arms[4].minus(arms[0], 0).high < 0
    assert all(results.hybrid(1, n - 1).minus(results.hybrid(n)).high < 0 for n in (2, 4, 8, 16, 32, 64))


def test_a_chain_has_more_different_answers_than_samples_and_holds_fewer_right_ones():
    assert revision.answers_of_chain(16) > revision.answers_of_attempts(16) + 0.5
    assert revision.held_by_chain(16) < revision.held_by_attempts(16) - 0.1
    assert revision.vote_of_chain(4).minus(revision.vote_of_attempts(4)).high < -0.1


def test_a_chain_chosen_from_by_the_verifier_is_worth_hardly_more_than_its_first_attempt():
    assert abs(results.hybrid(1, 7).minus(results.hybrid(1)).mean) < 0.03


def test_choosing_from_the_whole_chain_beats_taking_its_last_attempt():
    assert results.hybrid(1, 7).minus(results.attempt(8)).low > 0
