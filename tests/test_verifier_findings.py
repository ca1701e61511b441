"""What the recorded runs show of verifiers and beam search: a retrained model has to show it again."""

from functools import cache

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.estimators import (
    auc,
    best_of_n,
    bootstrap,
    majority,
    weighted_best_of_n,
    within_problem_auc,
)
from ttclab.results.families import each_family, families, of_all
from ttclab.results.searching import beam_texts
from ttclab.results.seeds import ALL, headline
from ttclab.results.verifiers import auc_of_pass_rates
from ttclab.verifiers import AGGREGATES


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
