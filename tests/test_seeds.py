"""Findings over several trainings: the headline numbers of every seed."""

import os
import subprocess
import sys
from itertools import pairwise

from ttclab.results import families, seeds
from ttclab.results.exchange import RATIOS, STEPS, inference_alone, pooled_map

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
    for at in (1, -1):
        levels = [float(course[at].mean) for course in found]
        assert max(levels) - min(levels) < 0.08


def test_in_every_seed_search_beats_the_large_model_up_to_step_1250_and_loses_from_step_2000():
    for course in courses("PRM, beam search, N=16, minus large at step {}"):
        assert all(earlier.mean > later.mean for earlier, later in pairwise(course))
        assert [at for at, gain in zip(STEPS, course, strict=True) if gain.low > 0] == [750, 1000, 1250]
        assert [at for at, gain in zip(STEPS, course, strict=True) if gain.high < 0] == [2000, 2500]
    assert all(1 < cost.mean < 1.3 for cost in numbers("PRM, beam search, N=16, FLOPs over a pass of large"))


def test_in_every_seed_small_at_equal_flops_beats_large_up_to_step_1250_and_loses_from_step_2000():
    for family in families.families():
        gains = [inference_alone(at)[family] for at in STEPS]
        assert [at for at, gain in zip(STEPS, gains, strict=True) if gain.low > 0] == [750, 1000, 1250]
        assert [at for at, gain in zip(STEPS, gains, strict=True) if gain.high < 0] == [2000, 2500]


def test_the_large_model_s_training_moves_the_difference_further_than_r_does():
    gains = {at: [cell.gain.mean for cell in pooled_map(at)[5]] for at in STEPS}
    by_rate = [row[RATIOS.index(0.16)] - row[RATIOS.index(22.0)] for row in gains.values()]
    assert 0.02 < max(by_rate) < 0.1 and min(by_rate) > 0
    assert all(first - last > 0.3 for first, last in zip(gains[STEPS[0]], gains[STEPS[-1]], strict=True))


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
