"""Sentences of chapters 7 and 8 that name a winner, held to the recorded runs."""

import numpy as np
import pytest

from ttclab import results
from ttclab.results import arena, families, game, seeds, words

CHEAP = ("likelihood", "working", "asked")


def test_a_look_pays_where_attempts_are_kept_and_not_where_each_problem_has_a_share():
    verdicts = {name: seeds.verdict(f"arena, {name}") for name in game.SCORED}
    ahead = {"worked": "above 0", "adaptive": "above 0", "spread": "undecided"}
    assert verdicts == {**ahead, **dict.fromkeys(("lesson", "fitted", "drawn again"), "below 0")}


def test_spread_is_ahead_by_generations_and_by_flops_little_of_the_lead_is_left():
    assert seeds.verdict("arena, spread, same generations") == "above 0"
    for seed in families.families():
        by_flops, by_generations = (seeds.headline(f"arena, spread{by}", seed) for by in ("", ", same generations"))
        assert by_flops.mean < by_generations.mean / 2
    assert seeds.headline("arena, spread").sign == 0 < seeds.headline("arena, spread").mean


def test_one_new_sample_of_what_looks_right_costs_more_than_anything_else_in_every_training():
    for seed in families.families():
        worst, *others = (seeds.headline(f"arena, {name}", seed) for name in reversed(game.SCORED))
        assert game.SCORED[-1] == "drawn again" and worst.high < min(other.low for other in others)


def test_fitted_to_4_generations_each_is_uniform_sampling_with_a_look():
    assert (game.played("fitted").chosen == game.played("uniform").chosen).all()


def test_the_lessons_rule_revises_half_of_the_problems_for_less_than_samples_solve_with_fewer_flops():
    test, moves = arena.load_arena(), game.played("lesson").chosen
    revised = np.array([arena.OPTIONS[i][1] > 0 for i in moves])
    assert 0.4 < revised.mean() < 0.6
    chain, samples = (arena.OPTIONS.index(each) for each in ((2, 1), (4, 0)))
    assert set(moves[revised]) == {chain}
    assert game.after_look(hard=True, N=2, T=1) < game.after_look(hard=True, N=4) - 0.05
    assert test.flops[:, chain].mean() > 1.2 * test.flops[:, samples].mean()


def test_half_of_the_first_attempts_look_right_and_the_verifier_is_nearly_always_right_about_them():
    assert 0.4 < game.looks_right() < 0.6
    assert game.after_look(hard=False) > 0.98 and game.after_look(hard=True) < 0.06
    assert game.after_look(hard=False, N=1) < 0.9
    scores = game.first_looks()[0]
    assert (scores[scores < 1 - game.HARD] < 0.05).mean() > 0.9


def test_a_look_costs_about_half_of_what_four_samples_cost():
    assert 0.4 < game.look_flops() / game.policy("uniform").cost < 0.6


def test_a_vote_of_smollm2_misses_half_of_what_its_samples_cover_and_a_cheap_verifier_finds_no_more():
    vote, top = words.word_vote(16), words.word_coverage(16)
    assert words.share_found(vote, top) < 0.5
    assert [words.word_chosen(16, name).minus(vote).sign for name in CHEAP] == [0, 0, 0]


@pytest.mark.parametrize("name", CHEAP)
def test_a_cheap_verifier_of_smollm2_sees_which_problems_are_easy_and_little_within_one(name):
    assert words.word_auc_within(name) < 0.6 < words.word_auc(name)


def test_reinforcement_gains_with_one_sample_what_a_low_temperature_gains_and_covers_less_with_many():
    before, after = results.coverage, results.rl_coverage
    assert after(1).minus(before(1)).sign > 0 > after(64).minus(before(64)).sign
    assert results.cool_coverage(1).minus(before(1)).sign > 0
    assert abs(after(1).minus(results.cool_coverage(1)).mean) < 0.02


SEARCHES = {
    "weighted": (lambda: results.weighted(16), lambda: results.rl_weighted(16)),
    "vote": (lambda: results.vote(16), lambda: results.rl_vote(16)),
    "stepwise": (lambda: results.stepwise(7), lambda: results.rl_stepwise(7)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_search_adds_less_to_a_sample_after_reinforcement(name):
    before, after = (arm() for arm in SEARCHES[name])
    assert before.minus(results.coverage(1)).low > after.minus(results.rl_coverage(1)).high
