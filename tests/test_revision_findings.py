"""What the recorded runs show of restarts, critics and rewriting: a retrained model has to show it again."""

from itertools import pairwise

import numpy as np
import pytest

from ttclab import bank, figures, results
from ttclab.problems import Solution, load_problems
from ttclab.results import revision
from ttclab.results.families import each_family
from ttclab.results.seeds import ALL, headline
from ttclab.results.stepwise import restarted_step
from ttclab.results.training import trained_steps

HARDEST = 4
SEEDS = ("shipped", "1", "2")


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
