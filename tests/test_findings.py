"""What the recorded runs show of the shipped verifiers, held to the data: a retrained model has to show it again."""

from functools import cache

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.estimators import (
    auc,
    best_of_n,
    bootstrap,
    bootstrap_share,
    majority,
    pass_at_k,
    weighted_best_of_n,
    within_problem_auc,
)
from ttclab.results.families import families
from ttclab.results.seeds import ALL, headline
from ttclab.verifiers import AGGREGATES

HARDEST = 4


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
    working = {name: within_problem_auc(last_scores(name), samples().worked) for name in verifiers}
    chosen = {name: weighted(name, 64).mean() for name in verifiers}
    assert max(everywhere, key=everywhere.__getitem__) == "orm"
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
        ("weak PRM, weighted best-of-256 minus weighted best-of-4", 0.02, 0.10),
        ("PRM, beam search, N=16, minus weighted for its FLOPs", 0.02, 0.12),
    ],
)
def test_in_all_trainings_a_difference_is_above_zero_and_of_the_size_that_the_page_says(name, low, high):
    assert all(gain.low > 0 and low < gain.mean < high for gain in by_training(name))


def test_in_all_trainings_the_weak_prm_gets_worse_from_16_samples_on_and_not_clearly_from_4():
    assert all(fall.high < 0 for fall in by_training("weak PRM, best-of-256 minus best-of-16"))
    assert sorted(fall.sign for fall in by_training("weak PRM, best-of-256 minus best-of-4")) == [-1, -1, 0]


def test_the_prm_beats_the_orm_in_one_training_and_ties_in_two():
    assert sorted(gain.sign for gain in by_training("PRM minus ORM, 64 samples")) == [0, 0, 1]


def test_the_prm_s_best_score_ties_with_its_weighted_vote_and_the_weak_prm_s_is_never_ahead():
    assert all(gain.sign == 0 for gain in by_training("PRM, best-of-256 minus weighted best-of-256"))
    weak = [gain.sign for gain in by_training("weak PRM, best-of-256 minus weighted best-of-256")]
    assert max(weak) == 0 and weak.count(-1) == 2


def test_on_the_hardest_fifth_the_gain_of_search_is_clear_in_one_training_only():
    gains = by_training("PRM, beam search minus weighted, N=16, hardest fifth")
    assert sorted(gain.sign for gain in gains) == [0, 0, 1]
    assert headline("PRM, beam search minus weighted, N=16, hardest fifth", ALL).low > 0


@pytest.mark.parametrize("verifier", ["PRM", "weak PRM"])
def test_beam_search_with_64_places_is_behind_in_no_training_and_ahead_by_little(verifier):
    gains = by_training(f"{verifier}, beam search minus weighted, N=64")
    assert all(gain.sign >= 0 and gain.mean < 0.06 for gain in gains)
    assert any(gain.sign == 0 for gain in gains)


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


def step_gain(T, other):
    return results.stepwise(T).minus(other)


def test_keeping_what_the_prm_accepts_adds_twenty_points_to_one_sample_for_three_times_its_cost():
    one, revised = (results.stepwise(T) for T in (0, 15))
    assert step_gain(15, one).low > 0.20
    assert revised.cost < 4 * one.cost


def test_step_level_revision_beats_weighted_best_of_16_for_half_its_flops():
    rival = results.weighted(16)
    gain = step_gain(15, rival)
    assert gain.mean >= 0.02 and gain.low > 0
    assert results.stepwise(15).cost <= 0.5 * rival.cost


def critic_errors(*critic):
    return results.accepted_wrong(*critic) + results.rejected_right(*critic)


def noisy_gains(forgetful):
    return [results.critic_gain("oracle", quality, forgetful=forgetful) for quality in bank.QUALITIES]


def test_any_critic_better_than_chance_helps_if_its_errors_are_drawn_anew():
    assert max(critic_errors("oracle", quality) for quality in bank.QUALITIES) < 0.9
    assert all(gain.low > 0 for gain in noisy_gains(forgetful=True))


def test_a_critic_that_repeats_its_errors_harms_before_they_sum_to_one():
    gains = noisy_gains(forgetful=False)
    assert critic_errors("oracle", bank.QUALITIES[0]) < 0.9 and gains[0].high < 0
    assert all(gain.low > 0 for gain, quality in zip(gains, bank.QUALITIES) if quality >= 0.9)
    means = [gain.mean for gain in gains]
    assert means == sorted(means)


def test_the_trained_prms_gain_by_their_errors():
    known = sorted((critic_errors(name), results.critic_gain(name).mean) for name in ("prm", *bank.CRITICS))
    gains = [gain for _, gain in known]
    assert gains == sorted(gains, reverse=True)


def first_two(**feedback):
    """Of each recorded chain of two attempts or more: whether its first is right, and its second."""
    chains = bank.load_chains(bank.SMALL, "test", **feedback)
    first, second = chains.first(4, 1).T
    return chains.correct[:, first], chains.correct[:, second]


def test_a_first_revision_is_better_than_its_own_first_attempt_and_rarely_turns_right_into_wrong():
    chains = bank.load_chains(bank.SMALL, "test")
    rates = [chains.attempt(t) for t in (0, 1)]
    gain = bootstrap(rates[1].mean(axis=1) - rates[0][:, : rates[1].shape[1]].mean(axis=1))
    assert gain.low > 0.01
    first, second = first_two()
    assert (first & ~second).sum() / first.sum() <= 0.05


@pytest.mark.parametrize("kind", ["oracle", "prm", "self"])
def test_feedback_of_no_kind_helps_this_revision_model(kind):
    _, told = first_two(feedback=kind)
    _, untold = first_two()
    difference = bootstrap(told.mean(axis=1) - untold.mean(axis=1))
    assert difference.low > -0.02 and difference.high < 0.02


def test_one_attempt_of_the_control_is_as_good_as_the_first_revision():
    control = bank.load(bank.TWIN, "test").correct.mean(axis=1)
    chains = bank.load_chains(bank.SMALL, "test")
    revised = chains.attempt(1).mean(axis=1)
    difference = bootstrap(revised - control)
    assert difference.low <= 0 <= difference.high


def attempts(first, last):
    """Of all chains that go so far, what is right at these attempts, by problem."""
    chains = bank.load_chains(bank.SMALL, "test")
    there = (chains.place[0] >= first - 1) & (chains.place[0] < last)
    return chains.correct[:, there].mean(axis=1)


def test_after_the_first_revision_a_chain_neither_rises_nor_falls():
    for first, last in ((3, 4), (5, 8), (9, 16), (17, 32), (33, 64)):
        change = bootstrap(attempts(first, last) - attempts(2, 2))
        assert change.low <= 0 <= change.high


def shares(of=None):
    """What a first revision turns wrong of right and right of wrong, and what a fresh sample of the control would."""
    before, after = results.revised(bank.load_chains(bank.SMALL, "test"))
    control = bank.load(bank.TWIN, "test").correct.mean(axis=1, keepdims=True)
    rows = slice(None) if of is None else results.small_fifths() == of

    def share(part, whole):
        return bootstrap_share(part.sum(axis=1)[rows], whole.sum(axis=1)[rows])

    return (
        (share(before & ~after, before), share(before * (1 - control), before)),
        (share(~before & after, ~before), share(~before * control, ~before)),
    )


def test_a_revision_turns_as_much_as_a_fresh_sample_of_the_control_would():
    for revision, fresh in shares():
        assert revision.low < fresh.mean < revision.high
        assert fresh.low < revision.mean < fresh.high


def test_right_answers_are_turned_wrong_where_problems_are_hard():
    assert all(shares(of)[0][0].high < 0.05 for of in range(4))
    assert shares(HARDEST)[0][0].low > 0.2


def test_attempt_for_attempt_a_chain_leads_early_and_flop_for_flop_not_at_all():
    arms = results.hybrid_arms()

    def gain(n, m):
        return bootstrap(arms.at(1, n - 1).correct - arms.at(m).correct)

    assert all(gain(n, n).low > 0 for n in (2, 4))
    assert all(gain(n, n).low <= 0 for n in (8, 16, 32, 64))
    for n, m in ((2, 8), (4, 32)):
        assert arms.at(m).flops.mean() < 1.2 * arms.at(1, n - 1).flops.mean()
        assert gain(n, m).low <= 0


def test_the_lead_of_a_chain_is_the_control_s_as_well():
    chains, control = bank.load_chains(bank.SMALL, "test"), bank.load(bank.TWIN, "test")
    fours = chains.first(None, 3)
    chained = np.mean([majority(chains.answers[:, x], chains.correct[:, x], 4, draws=1) for x in fours], axis=0)
    parallel = majority(chains.answers[:, chains.at(0)], chains.attempt(0), 4)
    assert bootstrap(chained - parallel).low > 0
    difference = bootstrap(chained - majority(control.answers, control.correct, 4))
    assert difference.low <= 0 <= difference.high


def test_a_chain_holds_a_right_answer_as_often_as_samples_do():
    chains = bank.load_chains(bank.SMALL, "test")
    sixteens = chains.first(None, 15)
    held = np.mean([chains.correct[:, x].any(axis=1) for x in sixteens], axis=0)
    difference = bootstrap(held - pass_at_k(64, chains.attempt(0).sum(axis=1), 16))
    assert difference.low <= 0 <= difference.high


def test_a_better_verifier_of_the_same_attempts_is_worth_more_than_any_split_of_them():
    own, large = (results.hybrid_arms(verifier=verifier) for verifier in ("prm", "prm-large"))
    parallel = own.at(16).correct
    by_verifier = bootstrap(large.at(16).correct - parallel)
    by_split = [bootstrap(own.at(M, T).correct - parallel) for M, T in ((8, 1), (4, 3), (2, 7), (1, 15))]
    assert by_verifier.low > max(gain.high for gain in by_split)
    assert large.at(16).flops.mean() < 0.5 * own.at(1, 15).flops.mean()


def test_the_four_easier_fifths_are_solved_by_any_split():
    easier = results.small_fifths() < HARDEST
    for M, T in ((16, 0), (8, 1), (4, 3), (2, 7), (1, 15)):
        assert results.hybrid_arms().at(M, T).correct[easier].mean() > 0.999


def test_choosing_from_the_whole_chain_beats_taking_its_last_attempt():
    chosen = results.hybrid_arms().at(1, 7).correct
    assert bootstrap(chosen - attempts(8, 8)).low > 0
