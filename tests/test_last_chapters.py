"""Sentences of chapters 7 and 8 that name a winner, held to the recorded runs."""

from pathlib import Path

import numpy as np
import pytest

from ttclab import results
from ttclab.explorables import arena as played
from ttclab.results import arena, claims, families, game, seeds, training, words
from ttclab.results.families import each_family
from ttclab.results.reinforcement import coverage_changes

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
    assert [seeds.headline("arena, spread", seed).sign for seed in families.families()] == [0, 1, 1]


def test_one_new_sample_of_what_looks_right_costs_more_than_anything_else_in_every_seed():
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


def test_the_page_states_the_rules_by_which_the_game_is_played():
    page = (Path(__file__).parent.parent / "book/07-arena.md").read_text(encoding="utf-8")
    assert (
        f"of {played.SHARE * played.PROBLEMS} *generations* (written solutions) for {played.PROBLEMS} problems." in page
    )
    assert f"Each of your four rivals has {played.SHARE} generations" in page and len(played.POLICIES) == 4
    assert (played.POLICIES["uniform"][1]).startswith(f"{played.SHARE} samples of each problem")


def test_spread_spends_more_on_problems_that_look_wrong_and_these_cost_more_for_each_sample():
    spent = np.array([arena.price(option) for option in game.played("spread").chosen])
    wrong = arena.load_arena().difficulty > game.HARD
    assert spent[wrong].mean() > 3 * spent[~wrong].mean() and game.price_if_wrong(8) > 2


def test_spread_draws_again_in_a_fifth_that_mixes_attempts_until_its_budget_is_gone():
    test, chosen = arena.load_arena(), game.played("spread").chosen
    spent, wrong = np.array([arena.price(option) for option in chosen]), test.difficulty > game.HARD
    fifth = np.searchsorted(arena.fitted_policy().edges, test.difficulty, side="right")
    mixed = set(fifth[~wrong & (spent > 0)])
    assert len(mixed) == 1 and (~wrong & (spent == 0)).sum() > 200
    in_it = fifth == mixed.pop()
    assert min((in_it & wrong & (spent > 0)).sum(), (in_it & ~wrong & (spent > 0)).sum()) > 40
    assert (in_it & wrong & (spent == 0)).sum() > 10 and game.generations("spread") == 4 * len(test)
    assert game.policy("worked").minus(game.policy("spread")).sign > 0
    assert abs(game.policy("worked").cost / game.policy("spread").cost - 1) < 0.02


def test_keep_or_draw_8_is_mixed_from_6_and_8_samples_and_adaptive_spends_twice_as_much():
    prices = {arm.allocation.N: arm.cost for arm in arena.load_arena().arms if not arm.allocation.T}
    assert prices[6] < game.policy("worked").cost < prices[8] and 7 not in prices
    assert 1.8 < game.policy("adaptive").cost / game.policy("worked").cost < 2.2


def test_scores_are_larger_where_the_easiest_and_the_hardest_fifth_are_left_out():
    whole, rows = arena.load_arena(), played.drawn_rounds(arena.load_arena())
    games = [whole.of(row) for row in rows]
    players = [arena.play(game.PLAYERS["worked"], on, played.SHARE * len(on)) for on in games]
    scores = [arena.beyond_uniform(each, on).mean() for each, on in zip(players, games, strict=True)]
    assert np.mean(scores) > 2 * float(game.above_uniform("worked").mean)


def test_keep_or_draw_8_has_budget_left_with_4_generations_each_and_runs_dry_halfway_with_2():
    wrong = (arena.load_arena().difficulty > game.HARD).sum()
    assert game.generations("worked", 4) == 8 * wrong < 4 * len(arena.load_arena())
    drawn = np.flatnonzero(game.played("worked", 2).chosen > 0)
    assert game.generations("worked", 2) == 2 * len(arena.load_arena())
    assert 0.45 < drawn.max() / len(arena.load_arena()) < 0.6
    assert game.above_uniform("worked", 2).high < 0 < game.above_uniform("worked", 4).low


def test_most_of_a_look_is_the_reading_of_the_problem_which_is_not_charged_again():
    test = arena.load_arena()
    saved = test.saved[:, arena.OPTIONS.index((1, 0))].mean()
    assert 0.5 < saved / game.look_flops() < 1


def test_new_samples_help_where_an_attempt_looks_wrong_and_gain_next_to_nothing_where_it_looks_right():
    wrong, right = ([game.after_look(hard=hard, N=N) for N in (0, 1, 2, 4, 8, 16, 32)] for hard in (True, False))
    assert wrong == sorted(wrong) and wrong[-1] > wrong[0] + 0.5
    assert max(right) < right[0] + 0.005 and right[1] < right[0] - 0.15


def test_half_of_the_first_attempts_look_right_and_the_verifier_is_nearly_always_right_about_them():
    scores = 1 - arena.load_arena().difficulty
    assert 0.4 < (scores >= 1 - game.HARD).mean() < 0.6
    assert game.after_look(hard=False) > 0.98 and game.after_look(hard=True) < 0.06
    assert game.after_look(hard=False, N=1) < 0.9
    assert (scores[scores < 1 - game.HARD] < 0.05).mean() > 0.9
    assert ((scores > 0.1) & (scores < 0.9)).mean() < 0.02  # hardly ever unsure


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
    assert abs(after(1).minus(results.cool_coverage(1)).mean) < 0.03
    assert results.cool_coverage(64).minus(before(64)).low > -0.02


SEARCHES = {
    "weighted": (lambda: results.weighted(16), lambda: results.rl_weighted(16)),
    "vote": (lambda: results.vote(16), lambda: results.rl_vote(16)),
    "stepwise": (lambda: results.stepwise(15), lambda: results.rl_stepwise(15)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_search_adds_less_to_a_sample_after_reinforcement(name):
    before, after = (arm() for arm in SEARCHES[name])
    assert before.minus(results.coverage(1)).low > after.minus(results.rl_coverage(1)).high > 0


def by_seed(name):
    """A headline number of every whole family."""
    return [seeds.headline(name, family) for family in families.families()]


def test_in_every_seed_reinforcement_makes_one_sample_better_and_covers_less():
    once, many = (by_seed(f"after minus before, {what}") for what in ("one sample", "a right one among 64"))
    assert len(once) == 3
    assert all(0.08 < gain.mean < 0.14 and gain.low > 0 for gain in once)
    assert all(-0.09 < gain.mean < 0 and gain.high < 0 for gain in many)


def test_in_every_seed_search_adds_less_to_a_sample_after_reinforcement_and_still_more_than_nothing():
    for name in ("weighted best-of-16", "step-level revision"):
        assert seeds.verdict(f"after minus before, gain of {name}") == "below 0"
    for name in ("PRM, weighted best-of-16", "step-level revision, at most 15"):
        assert seeds.verdict(f"after, {name}, minus one sample") == "above 0"


def test_in_every_seed_the_curves_cross_before_8_samples_and_from_32_on_the_model_before_covers_more():
    assert all(1 < value < 8 for value in each_family(results.crossing).values())
    for change in coverage_changes((32, 64)).values():
        assert all(gain.high < 0 for gain in change.unstack())


def test_a_greedy_pass_before_reinforcement_ties_with_a_sample_after_it_in_seed_0_and_is_ahead_in_the_others():
    gains = each_family(lambda: results.greedy("small").minus(results.rl_coverage(1)))
    assert [gain.sign for gain in gains.values()] == [0, 1, 1]


def test_a_low_temperature_gains_most_of_what_reinforcement_gains_and_costs_no_coverage():
    cool, trained = (arm(1).minus(results.coverage(1)) for arm in (results.cool_coverage, results.rl_coverage))
    assert 0.75 * trained.mean < cool.mean < trained.mean and cool.low > 0
    assert results.cool_coverage(64).minus(results.coverage(64)).sign == 0


def test_no_cheap_verifier_beats_the_vote_of_smollm2_and_a_trained_one_beats_a_cheap_one_on_the_sums():
    assert all(words.word_chosen(16, name).minus(words.word_vote(16)).sign <= 0 for name in CHEAP)
    assert results.weighted(16).minus(words.sums_likeliest(16)).sign > 0


def test_in_every_seed_a_trained_verifier_closes_most_of_the_gap_between_the_vote_and_coverage():
    gap, closed = (
        each_family(lambda: float((arm(16).correct - results.vote(16).correct).mean()))  # noqa: B023
        for arm in (results.coverage, results.weighted)
    )
    assert all(closed[seed] > 0.6 * gap[seed] for seed in gap)


@pytest.mark.parametrize("name", ["orm", "prm", "prm-weak", "prm-exact", "prm-rollouts", "prm-large"])
def test_a_verifier_has_twice_the_parameters_of_the_model_that_it_starts_from(name):
    base = training.training_record(name)["base"]
    smaller = training.block_parameters("large", 2500) if base == "large-2500" else training.block_parameters(base)
    assert training.block_parameters(name) == 2 * smaller


def test_against_samples_step_level_revisions_are_level_and_rewrites_behind_on_the_easiest_fifth():
    easy = lambda: results.hybrid(1, 15).minus(results.hybrid(16), 0)  # noqa: E731
    assert all(gain.sign < 0 for gain in (*each_family(easy).values(), families.of_all(easy)))
    assert {claim.id: claim.verdict for claim in claims.load_claims()}["lesson-2"] == claims.NOT_SEEN


def test_at_equal_flops_no_verdict_holds_between_steps_1250_and_2500_of_the_large_model():
    for step, verdict in ((1250, {1}), (1500, None), (2000, None), (2500, {-1})):
        gain = lambda: results.matched(at=step).minus(results.greedy("large", at=step))  # noqa: B023, E731
        signs = {gain.sign for gain in (*each_family(gain).values(), families.of_all(gain))}
        assert signs == verdict if verdict else len(signs) > 1


def test_three_claims_of_the_paper_are_reversed():
    reversed_ = {claim.id for claim in claims.load_claims() if claim.verdict == claims.REVERSED}
    assert reversed_ == {"paper-5", "paper-7", "paper-8"}


def test_in_no_seed_does_search_end_higher_after_reinforcement():
    for name in ("PRM, weighted best-of-16", "step-level revision, at most 15"):
        assert all(gain.mean < 0.005 and gain.sign <= 0 for gain in by_seed(f"after minus before, {name}"))


def test_a_majority_vote_ends_higher_after_reinforcement_and_one_sample_after_it_stays_below_a_weighted_vote_before():
    assert results.rl_vote(16).minus(results.vote(16)).sign > 0
    assert results.weighted(16).minus(results.rl_coverage(1)).sign > 0


def test_reinforcement_makes_the_gap_between_the_vote_and_coverage_smaller_and_does_not_close_it():
    before, after = (cover(16).minus(vote(16)) for cover, vote in (
        (results.coverage, results.vote), (results.rl_coverage, results.rl_vote),
    ))  # fmt: skip
    assert before.low > after.high > after.low > 0.1
    assert results.rl_coverage(16).minus(results.coverage(16)).sign < 0


def test_by_fifth_the_small_model_is_ahead_on_the_middle_one_and_level_at_both_ends():
    signs = []
    for fifth in range(5):
        gain = lambda: results.matched().minus(results.greedy("large"), fifth)  # noqa: B023, E731
        signs.append({gain.sign for gain in (*each_family(gain).values(), families.of_all(gain))})
    assert signs == [{0}, {0, 1}, {1}, {0, 1}, {0}]


def test_a_verifier_that_was_stopped_early_loses_by_its_best_score_and_beam_search_with_it_does_not_fall_behind():
    changes = by_seed("weak PRM, best-of-256 minus best-of-4")
    assert all(change.mean < 0 for change in changes) and sum(change.high < 0 for change in changes) >= 2
    assert all(gain.sign >= 0 for gain in by_seed("weak PRM, beam search minus weighted, N=64"))
    assert seeds.verdict("PRM, best-of-256 minus best-of-4") == "above 0"


def test_in_every_seed_a_rewrite_harms_and_step_level_revision_helps():
    assert seeds.verdict("first revision minus first attempt") == "below 0"
    assert seeds.verdict("step-level revision, at most 15, minus one sample") == "above 0"
    assert seeds.headline("small, a right one among 64, hardest fifth", seeds.ALL).low > 0.5
