"""Findings over several trainings: the headline numbers of every seed."""

import os
import subprocess
import sys
from functools import partial
from itertools import pairwise

import pytest

from ttclab.results import families, seeds
from ttclab.results.claims import HOLDS, NOT_SEEN, REVERSED, load_claims
from ttclab.results.exchange import STEPS
from ttclab.results.families import each_family
from ttclab.results.training import trained_steps

FAMILIES = seeds.load()


def numbers(name):
    """A headline number of every family that has it."""
    return [row[name] for row in FAMILIES.values() if name in row]


def gains_over_large():
    """Beam search of the small model minus one pass of the large model, by training step, then family."""
    return [numbers(f"PRM, beam search, N=16, minus large at step {at}") for at in STEPS]


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
