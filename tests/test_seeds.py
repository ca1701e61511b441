"""Findings over several trainings: the headline numbers of every seed."""

import os
import subprocess
import sys
from itertools import pairwise

from ttclab.results import families, greedy, seeds, training_flops, winner_map
from ttclab.results.exchange import RATIOS, STEPS, cells_by_family, count_cells, inference_alone, pooled_map

FAMILIES = seeds.load()


def numbers(name):
    """A headline number of every family that has it."""
    return [row[name] for row in FAMILIES.values() if name in row]


def courses(name):
    """A headline number along the large model's training, a list for each whole family, then one for all."""
    return [[FAMILIES[family][name.format(at)] for at in STEPS] for family in (*families.families(), seeds.ALL)]


def test_the_level_of_a_small_model_depends_on_its_seed_and_on_the_machine():
    levels = sorted(numbers("small, one sample"))
    assert len(levels) == 4  # seed 0 twice
    assert all(lower.high + 0.1 < higher.low for lower, higher in pairwise(levels))


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


def test_a_family_whose_small_model_cannot_be_paid_leaves_a_cell_without_a_winner():
    alone = families.each_family(lambda: winner_map(RATIOS, 1250, verifier_given=True)[3][0])
    assert not alone["1"].exchange.small.correct.any() and alone["shipped"].verdict == alone["2"].verdict == "small"
    together = pooled_map(1250)[3][0]
    assert together.gain.low > 0 and together.verdict == "no difference"


def test_charging_the_verifier_s_training_costs_the_small_model_cells_in_every_seed():
    given, charged = (cells_by_family("small", verifier_given=given) for given in (True, False))
    assert all(charged[family] < given[family] for family in given)
    assert count_cells("small", verifier_given=False) < count_cells("small")
    assert count_cells("large", verifier_given=False) > count_cells("large")


def test_in_every_seed_more_samples_lower_the_accuracy_with_the_weak_prm():
    falls = numbers("weak PRM, best-of-256 minus best-of-4")
    assert len(falls) == 3 and all(fall.high < 0 for fall in falls)


def test_beam_search_with_the_weak_prm_loses_its_lead_in_two_of_three_seeds():
    early, late = (numbers(f"weak PRM, beam search minus weighted, N={n}") for n in (4, 64))
    crossed = [a.low > 0 > b.high for a, b in zip(early, late, strict=True)]
    unclear = [a.low < 0 < a.high and b.low < 0 < b.high for a, b in zip(early, late, strict=True)]
    assert (sum(crossed), sum(unclear)) == (2, 1)


def test_in_every_seed_the_prm_beats_the_vote_and_gains_from_more_samples():
    for name in ("PRM minus the vote, 16 samples", "PRM, best-of-256 minus best-of-4"):
        gains = numbers(name)
        assert len(gains) == 3 and all(gain.low > 0 for gain in gains), name


def test_beam_search_with_the_prm_wins_on_the_hardest_fifth_in_every_seed():
    hardest = numbers("PRM, beam search minus weighted, N=16, hardest fifth")
    assert len(hardest) == 3 and all(gain.low > 0 for gain in hardest)
    everywhere = numbers("PRM, beam search minus weighted, N=16")
    assert [gain.low > 0 for gain in everywhere] == [True, False, True] and all(gain.mean > 0 for gain in everywhere)


def test_a_first_revision_is_never_better_than_a_sample_of_the_control():
    shipped, second = numbers("first revision minus first attempt")
    assert shipped.low > 0 and shipped.high < 0.05 and second.low > 0.25
    shipped, second = numbers("first revision minus an attempt of the control")
    assert shipped.low < 0 < shipped.high and second.high < 0


def test_whether_the_prm_beats_the_orm_depends_on_the_training():
    shipped, first, second = numbers("PRM minus ORM, 64 samples")
    assert shipped.low > 0 > first.high and second.low < 0 < second.high


def test_ttclab_home_selects_the_models_and_runs_of_another_seed(tmp_path):
    code = "from ttclab import bank, models; print(models.ZOO, bank.RUNS); models.load('small')"
    environment = {**os.environ, "TTCLAB_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "zoo"), str(tmp_path / "runs")]
    assert "a model is one of" in done.stderr.splitlines()[-1]
