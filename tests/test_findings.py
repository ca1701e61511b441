"""What the recorded runs show of the shipped verifiers, held to the data: a retrained model has to show it again."""

from functools import cache

import numpy as np
import pytest

from ttclab import bank
from ttclab.estimators import best_of_n, bootstrap, fifths, majority, weighted_best_of_n, within_problem_auc


@cache
def samples():
    return bank.load("small", "test")


@cache
def last_scores(verifier):
    """(problems, samples), the score of each solution's last step."""
    scores = bank.load_scores(verifier, "small-test")
    return np.array([[each[-1] if each else 0.0 for each in group] for group in scores])


@cache
def weighted(verifier, k):
    return weighted_best_of_n(samples().answers, last_scores(verifier), samples().correct, k)


def test_weighting_votes_by_the_prm_beats_counting_them():
    gain = bootstrap(weighted("prm", 16) - majority(samples().answers, samples().correct, 16))
    assert gain.mean >= 0.10 and gain.low > 0


def test_the_prm_chooses_better_than_the_orm_at_64():
    assert bootstrap(weighted("prm", 64) - weighted("orm", 64)).low > 0


def test_the_oracle_is_above_every_verifier():
    oracle = best_of_n(samples().correct, samples().correct, 64).mean()
    assert all(weighted(name, 64).mean() < oracle for name in ("prm", "orm", "prm-large"))


@pytest.mark.parametrize(("verifier", "answer", "working"), [("prm", 0.88, 0.96), ("prm-large", 0.90, 0.99)])
def test_a_prm_tells_right_from_wrong_within_a_problem(verifier, answer, working):
    assert within_problem_auc(last_scores(verifier), samples().correct) >= answer
    assert within_problem_auc(last_scores(verifier), samples().worked) >= working


def test_a_perfect_judge_of_the_working_would_not_know_every_right_answer():
    assert 0.90 <= within_problem_auc(samples().worked, samples().correct) <= 0.97


def test_beam_search_with_the_large_prm_beats_weighted_best_of_n_most_on_the_hardest_problems():
    beam = bank.load_searches("small", "prm-large", "test", 16, 4).correct()
    gain = beam - weighted("prm-large", 16)
    hardest = fifths(samples().correct.mean(axis=1)) == 4
    assert bootstrap(gain).low > 0
    assert bootstrap(gain[hardest]).low > bootstrap(gain[~hardest]).high


def first_two(**feedback):
    """Of each recorded chain of two attempts or more: whether its first is right, and its second."""
    chains = bank.load_chains("revision", "test", **feedback)
    long = [k for k in set(chains.chain[0]) if (chains.chain[0] == k).sum() > 1][:4]
    column = [[int(np.flatnonzero((chains.chain[0] == k) & (chains.attempt[0] == t))[0]) for k in long] for t in (0, 1)]
    return chains.correct[:, column[0]], chains.correct[:, column[1]]


def test_a_first_revision_is_better_than_its_own_first_attempt_and_rarely_turns_right_into_wrong():
    chains = bank.load_chains("revision", "test")
    rates = [chains.correct[chains.attempt == t].reshape(500, -1) for t in (0, 1)]
    gain = bootstrap(rates[1].mean(axis=1) - rates[0][:, : rates[1].shape[1]].mean(axis=1))
    assert gain.low > 0.01
    first, second = first_two()
    assert (first & ~second).sum() / first.sum() <= 0.05


@pytest.mark.parametrize("kind", ["oracle", "prm-revision", "self"])
def test_feedback_of_no_kind_helps_this_revision_model(kind):
    _, told = first_two(feedback=kind)
    _, untold = first_two()
    difference = bootstrap(told.mean(axis=1) - untold.mean(axis=1))
    assert difference.low > -0.02 and difference.high < 0.02


def test_one_attempt_of_the_control_is_as_good_as_the_first_revision():
    control = bank.load("revision-control", "test").correct.mean(axis=1)
    chains = bank.load_chains("revision", "test")
    revised = chains.correct[chains.attempt == 1].reshape(500, -1).mean(axis=1)
    difference = bootstrap(revised - control)
    assert difference.low <= 0 <= difference.high
