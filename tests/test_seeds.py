"""Findings over several trainings: the headline numbers of every seed."""

import os
import subprocess
import sys
from itertools import pairwise

from ttclab.results import seeds
from ttclab.results.exchange import STEPS

FAMILIES = seeds.load()


def numbers(name):
    """A headline number of every family that has it."""
    return [row[name] for row in FAMILIES.values() if name in row]


def gains_over_large():
    """Beam search of the small model minus one pass of the large model, by training step, then family."""
    return [numbers(f"PRM, beam search, N=16, minus large at step {at}") for at in STEPS]


def test_the_level_of_a_small_model_depends_on_its_seed_and_on_the_machine():
    levels = sorted(numbers("small, one sample"))
    assert len(levels) == 4  # seed 0 twice
    assert all(lower.high + 0.1 < higher.low for lower, higher in pairwise(levels))


def test_in_every_seed_the_large_model_improves_steadily_to_the_same_level():
    courses = [numbers(f"large at step {at}, one greedy pass") for at in STEPS]
    for course in zip(*courses, strict=True):
        assert all(earlier.mean < later.mean for earlier, later in pairwise(course))
    ends = [end.mean for end in courses[-1]]
    assert len(ends) == 3 and max(ends) - min(ends) < 0.05


def test_in_every_seed_search_falls_further_behind_a_longer_trained_large_model():
    for course in zip(*gains_over_large(), strict=True):
        assert all(earlier.mean > later.mean for earlier, later in pairwise(course))


def test_the_step_at_which_the_large_model_overtakes_search_depends_on_the_seed():
    ahead = [
        [at for at, gain in zip(STEPS, course, strict=True) if gain.low > 0]
        for course in zip(*gains_over_large(), strict=True)
    ]
    assert ahead == [[750, 1000, 1250], [], [750, 1000]]
    at_1250 = gains_over_large()[STEPS.index(1250)]
    assert [gain.high < 0 for gain in at_1250] == [False, True, True]
    assert all(1 < cost.mean < 2.1 for cost in numbers("PRM, beam search, N=16, FLOPs over a pass of large"))


def test_in_every_seed_more_samples_lower_the_accuracy_with_the_weak_prm():
    falls = numbers("weak PRM, best-of-256 minus best-of-16")
    assert len(falls) == 4 and all(fall.high < 0 for fall in falls)  # one for all seeds together


def test_a_first_revision_is_never_better_than_a_sample_of_the_control():
    shipped, second = numbers("first revision minus first attempt")
    assert shipped.low > 0 and shipped.high < 0.05 and second.low > 0.25
    shipped, second = numbers("first revision minus an attempt of the control")
    assert shipped.low < 0 < shipped.high and second.high < 0


def test_ttclab_home_selects_the_models_and_runs_of_another_seed(tmp_path):
    code = "from ttclab import bank, models; print(models.ZOO, bank.RUNS); models.load('small')"
    environment = {**os.environ, "TTCLAB_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "zoo"), str(tmp_path / "runs")]
    assert "a model is one of" in done.stderr.splitlines()[-1]
