"""Findings over several trainings: the headline numbers of every seed."""

import os
import subprocess
import sys
from functools import partial
from itertools import pairwise

import pytest

from ttclab.results import families, greedy, seeds, training_flops, winner_map
from ttclab.results.claims import HOLDS, NOT_SEEN, REVERSED, load_claims
from ttclab.results.exchange import (
    RATIOS,
    STEPS,
    cells_by_family,
    count_cells,
    inference_alone,
    matched,
    pooled_map,
    queries_at,
    unpaid,
    winner,
)
from ttclab.results.families import each_family
from ttclab.results.training import trained_steps

FAMILIES = seeds.load()


def numbers(name):
    """A headline number of every family that has it."""
    return [row[name] for row in FAMILIES.values() if name in row]


def courses(name):
    """A headline number along the large model's training, a list for each whole family, then one for all."""
    return [[FAMILIES[family][name.format(at)] for at in STEPS] for family in (*families.families(), seeds.ALL)]


def test_in_every_seed_the_large_model_improves_steadily_to_the_same_level():
    found = courses("large at step {}, one greedy pass")
    assert len(found) == 4
    for course in found:
        assert all(earlier.mean < later.mean for earlier, later in pairwise(course))
    for at in STEPS[1:]:
        levels = [float(course[STEPS.index(at)].mean) for course in found]
        assert max(levels) - min(levels) < 0.06


def where(course, sign):
    """The steps at which the sign of a course is clear."""
    return [at for at, gain in zip(STEPS, course, strict=True) if gain.sign == sign]


def test_in_every_seed_search_beats_the_large_model_up_to_step_1250_and_loses_at_step_2500():
    *alone, together = courses("PRM, beam search, N=16, minus large at step {}")
    for course in (*alone, together):
        assert {750, 1000, 1250} <= {*where(course, 1)} <= {750, 1000, 1250, 1500}
        assert {2500} <= {*where(course, -1)} <= {2000, 2500}
    assert all(1 < cost.mean < 1.3 for cost in numbers("PRM, beam search, N=16, FLOPs over a pass of large"))


def test_in_every_seed_small_at_equal_flops_beats_large_up_to_step_1250_and_loses_at_step_2500():
    for family in families.families():
        course = [inference_alone(at)[family] for at in STEPS]
        assert {750, 1000, 1250} <= {*where(course, 1)} <= {750, 1000, 1250, 1500}
        assert {2500} <= {*where(course, -1)} <= {2000, 2500}
    assert all(pooled_map(at)[5][-1].gain.sign == sign for at, sign in ((1250, 1), (2500, -1)))


def test_after_2000_steps_nobody_wins_because_seed_1_is_a_tie():
    alone, together = inference_alone(2000), pooled_map(2000)[5][-1]
    assert together.gain.high < 0 and {name: gain.sign for name, gain in alone.items()} == {
        "shipped": -1,
        "1": 0,
        "2": -1,
    }
    assert together.verdict == "no difference"


def test_seeds_disagree_whether_small_at_equal_flops_beats_large_after_1500_steps():
    assert seeds.verdict("small at best minus large, equal FLOPs") == "undecided"
    assert seeds.verdict("step-level revision, at most 15, minus large at step 1500") == "undecided"
    assert seeds.verdict("step-level revision, at most 15, minus large at step 1250") == "above 0"
    assert seeds.verdict("step-level revision, at most 15, minus large at step 2500") == "below 0"


def test_the_small_model_s_training_costs_about_as_much_as_1250_steps_of_the_large_one_s():
    costs = families.each_family(lambda: training_flops("small") / training_flops("large", at=1250))
    assert len(costs) == 3 and all(0.8 < cost < 1.25 for cost in costs.values())


def test_in_every_seed_small_with_one_pass_loses_to_a_large_model_of_equal_training():
    for gap in families.each_family(lambda: greedy("small").minus(greedy("large", 1250))).values():
        assert gap.high < 0


def test_with_few_questions_an_early_large_model_leaves_no_flops_to_train_the_small_one():
    for at in (750, 1000):
        few, many = (pooled_map(at)[5][RATIOS.index(R)] for R in (0.16, 22.0))
        assert few.verdict == "large" and not few.exchange.small.correct.any() and many.verdict == "small"


def test_thinking_wins_the_middle_of_the_map_early_and_the_large_model_wins_the_hardest_fifth_late():
    early, late = pooled_map(1250), pooled_map(2500)
    for row in (1, 2, 3):
        assert {cell.verdict for cell in early[row][1:]} == {"small"}
    assert {cell.verdict for cell in (*early[0], *early[4])} == {"no difference"}
    assert {cell.verdict for cell in late[4]} == {"large"}
    assert {cell.verdict for row in late[:4] for cell in row} == {"no difference"}


def test_the_easiest_fifth_has_no_winner_and_the_small_model_never_wins_the_hardest():
    for at in (1250, 1500, 2500):
        cells = pooled_map(at)
        assert {cell.verdict for cell in cells[0]} == {"no difference"}
        assert "small" not in {cell.verdict for cell in cells[4]}


def test_a_family_whose_small_model_cannot_be_paid_leaves_a_cell_without_a_winner():
    alone = families.each_family(lambda: winner_map(RATIOS, 1250, verifier_given=True)[3][0])
    assert not alone["1"].exchange.small.correct.any() and alone["shipped"].verdict == alone["2"].verdict == "small"
    together = pooled_map(1250)[3][0]
    assert together.gain.low > 0 and together.verdict == "no difference"
    assert all(row[0] == ["1"] and not any(row[1:]) for row in unpaid(1250))
    assert not any(seeds for at in (1500, 2500) for row in unpaid(at) for seeds in row)


def test_with_few_questions_the_seeds_that_can_pay_lose_only_if_the_verifier_is_charged():
    free, charged = (
        families.each_family(lambda free=free: winner_map(RATIOS, 1250, verifier_given=free)) for free in (True, False)
    )
    assert all(row[0].gain.sign >= 0 for seed in ("shipped", "2") for row in free[seed])
    assert all(charged[seed][5][0].gain.sign == -1 for seed in ("shipped", "2"))


def test_the_verifier_s_training_decides_over_all_problems_against_1250_steps_and_nothing_against_2500():
    def winners(at, free):
        return [cell.verdict for cell in pooled_map(at, verifier_given=free)[5][:3]]

    assert winners(1250, True) == ["no difference", "small", "small"]
    assert winners(1250, False) == ["large", "large", "small"]
    assert winners(2500, True) == winners(2500, False) == ["large"] * 3


def test_a_winner_of_the_map_is_clear_in_every_seed_and_over_all_of_them():
    for at, free in ((1250, True), (1250, False), (1500, True), (2500, True)):
        alone = families.each_family(lambda at=at, free=free: winner_map(RATIOS, at, verifier_given=free)).values()
        for k, row in enumerate(pooled_map(at, verifier_given=free)):
            for n, cell in enumerate(row):
                sign = {"small": 1, "large": -1, "no difference": 0}[cell.verdict]
                assert not sign or {sign} == {cell.gain.sign, *(found[k][n].gain.sign for found in alone)}


def test_charging_the_verifier_s_training_costs_the_small_model_cells_in_every_seed():
    given, charged = (cells_by_family("small", verifier_given=given) for given in (True, False))
    assert all(charged[family] < given[family] for family in given)
    assert count_cells("small", verifier_given=False) < count_cells("small")
    assert count_cells("large", verifier_given=False) > count_cells("large")


def test_the_prm_s_training_costs_as_much_as_all_steps_of_the_large_model_s_in_every_seed():
    def ratio():
        return (training_flops("small", "prm") - training_flops("small")) / training_flops("large", at=STEPS[-1])

    assert all(0.95 < cost < 1.05 for cost in each_family(ratio).values())


def test_for_the_flops_of_a_large_pass_step_level_revision_is_the_choice_of_every_seed():
    assert all(arm.allocation.stepwise for at in STEPS for arm in each_family(lambda at=at: matched(at)).values())


def test_seed_1_alone_has_another_limit_of_restarts_than_chapter_4_and_so_another_number():
    chosen = {name: arm.allocation for name, arm in each_family(lambda: matched(1500)).items()}
    assert {name for name, found in chosen.items() if (found.N, found.T) != (1, 15)} == {"1"}
    name = "step-level revision, at most 15, minus large at step 1500"
    assert {family for family, gain in inference_alone(1500).items() if gain != seeds.headline(name, family)} == {"1"}
    assert inference_alone(1500)["1"].mean > seeds.headline(name, "1").mean


def test_who_wins_over_all_problems_depends_on_training_on_the_verifier_and_on_the_number_of_questions():
    winners = {
        (at, free): [winner(R, at, verifier_given=free) for R in RATIOS[:3]]
        for at in (1250, 2500)
        for free in (True, False)
    }
    assert winners[1250, True] == ["nobody", "small", "small"]
    assert winners[1250, False] == ["large", "large", "small"]
    assert winners[2500, True] == winners[2500, False] == ["large"] * 3
    assert 1e4 < queries_at(RATIOS[0], 1250) < queries_at(RATIOS[1], 1250) < 1e5 and queries_at(RATIOS[2], 1250) > 1e6


def test_the_number_of_questions_matters_on_the_hardest_fifth_alone():
    for at in (1250, 1500, 2500):
        gains = [[float(cell.gain.mean) for cell in row] for row in pooled_map(at)]
        assert all(max(row) - min(row) < 0.01 for row in gains[:4])
        assert gains[4][0] - gains[4][2] > 0.04


def test_one_strategy_for_all_problems_spends_on_hard_ones_what_easy_ones_save():
    for at in (1250, 2500):
        *fifths, together = pooled_map(at)
        for n in range(len(RATIOS)):
            assert together[n].gain.mean > sum(row[n].gain.mean for row in fifths) / 5
    chosen = pooled_map(1250)[5][RATIOS.index(0.79)].exchange
    easy, hard = (chosen.small.fifth(k).cost for k in (0, 4))
    assert easy < chosen.left / 3 and hard > 1.5 * chosen.left
    assert all(abs(queries_at(R, 2500) / queries_at(R, 1250) - 2) < 0.05 for R in RATIOS[:3])


def test_without_training_a_winner_over_all_problems_is_one_up_to_step_1250_and_at_step_2500():
    assert [pooled_map(at)[5][-1].verdict for at in STEPS] == [*["small"] * 3, *["no difference"] * 2, "large"]


def test_the_small_model_that_pays_for_its_verifier_needs_many_questions_and_an_early_opponent():
    given, early, late = (
        pooled_map(at, verifier_given=free) for at, free in ((1250, True), (1250, False), (2500, False))
    )
    for row in early[3:5]:
        assert all(cell.verdict == "large" and cell.exchange.verifier is None for cell in row[:2])
    assert [row[2].verdict for row in given] == ["no difference", *["small"] * 3, "no difference", "small"]
    assert [row[2].verdict for row in early] == ["no difference", *["small"] * 2, *["no difference"] * 2, "small"]
    assert "small" not in {cell.verdict for row in early for cell in row[:2]}
    assert winner_map(RATIOS, 1250)[3][2].gain.sign == 0 < early[3][2].gain.sign  # of seed 0, and of all
    assert {cell.verdict for cell in late[5]} == {cell.verdict for cell in pooled_map(2500)[5]} == {"large"}
    assert "small" not in {cell.verdict for row in late for cell in row}
    free = pooled_map(2500)[5]
    assert all(paid.gain.mean <= given.gain.mean for paid, given in zip(late[5], free, strict=True))


def each(name):
    """A headline number of every whole family, and of all together."""
    return [FAMILIES[family][name] for family in (*families.families(), seeds.ALL)]


ABOVE = (
    "step-level revision, at most 15, minus one sample",
    "PRM minus the vote, 16 samples",
    "PRM, best-of-256 minus best-of-4",
    "weak PRM, beam search minus weighted, N=4",
    "large, one greedy pass, minus one sample of small",
    "after minus before, one sample",
)
BELOW = (
    "weak PRM, best-of-256 minus best-of-16",
    "first revision minus first attempt",
    "first revision minus an attempt of the control",
    "after minus before, a right one among 64",
)
DIFFERS = (
    "PRM minus ORM, 64 samples",
    "step-level revision, at most 15, minus weighted best-of-16",
    "PRM, beam search minus weighted, N=16, hardest fifth",
    "weak PRM, best-of-256 minus best-of-4",
    "small at best minus large, equal FLOPs",
)


def test_the_level_of_five_small_models_is_the_same():
    levels = [float(row["small, one sample"].mean) for family, row in FAMILIES.items() if family != seeds.ALL]
    assert len(levels) == 5 and seeds.spread("small, one sample") < 0.03
    assert max(levels) - min(levels) < 0.05


def test_every_small_model_solves_the_easiest_fifth_and_hardly_any_of_the_hardest():
    assert min(number.mean for number in numbers("small, one sample, easiest fifth")) >= 0.90
    assert max(number.mean for number in numbers("small, one sample, hardest fifth")) <= 0.10
    assert min(number.mean for number in numbers("small, a right one among 64")) >= 0.85


@pytest.mark.parametrize("name", ABOVE)
def test_a_gain_of_every_seed(name):
    assert all(gain.low > 0 for gain in each(name)) and seeds.verdict(name) == "above 0"


@pytest.mark.parametrize("name", BELOW)
def test_a_loss_of_every_seed(name):
    assert all(gain.high < 0 for gain in each(name)) and seeds.verdict(name) == "below 0"


@pytest.mark.parametrize("name", DIFFERS)
def test_a_difference_that_does_not_come_back_is_undecided(name):
    assert len({gain.sign for gain in each(name)}) > 1 and seeds.verdict(name) == "undecided"


def test_step_level_revision_gains_twenty_points_in_every_seed_for_less_than_half_of_best_of_16():
    assert min(gain.low for gain in each("step-level revision, at most 15, minus one sample")) > 0.20
    assert max(cost.high for cost in each("step-level revision, FLOPs over weighted best-of-16")) < 0.5


def test_showing_attempts_in_training_costs_the_first_attempt_at_most_two_points():
    assert all(gain.mean > -0.02 for gain in each("first attempt of the model that rewrites, minus its twin's"))
    steps = [each_family(partial(trained_steps, name)).values() for name in ("small", "small-plain")]
    assert all(small < plain for small, plain in zip(*steps, strict=True))


def test_reinforcement_gains_ten_points_in_every_seed():
    assert min(gain.mean for gain in each("after minus before, one sample")) >= 0.10


def test_twelve_claims_or_more_are_decided_alike_in_every_seed():
    decided = [claim for claim in load_claims() if claim.verdict in (HOLDS, REVERSED, NOT_SEEN)]
    assert len(decided) >= 12


def test_ttclab_home_selects_the_models_and_runs_of_another_seed(tmp_path):
    code = "from ttclab import bank, models; print(models.ZOO, bank.RUNS); models.load('small')"
    environment = {**os.environ, "TTCLAB_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "zoo"), str(tmp_path / "runs")]
    assert "a model is one of" in done.stderr.splitlines()[-1]
