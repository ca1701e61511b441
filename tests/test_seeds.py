"""The findings by seed: the numbers of the shipped family are its recorded runs', and every seed's say the same."""

import os
import subprocess
import sys
from itertools import pairwise

from ttclab.results import seeds
from ttclab.results.exchange import STEPS

FAMILIES = seeds.load()


def said(name):
    """A headline number of every family that has it."""
    return [row[name] for row in FAMILIES.values() if name in row]


def gains_over_large():
    """A search of the small model against a pass of the large one of its family: by training point, then family."""
    return [said(f"PRM, beam search, N=16, minus large at step {at}") for at in STEPS]


def test_the_level_of_a_small_model_is_a_matter_of_its_seed_and_of_the_machine():
    levels = sorted(said("small, one sample"))
    assert len(levels) == 4  # seed 0 twice
    assert all(lower.high + 0.1 < higher.low for lower, higher in pairwise(levels))


def test_in_every_seed_the_large_model_gets_better_from_point_to_point_and_ends_where_the_others_do():
    courses = [said(f"large at step {at}, one greedy pass") for at in STEPS]
    for course in zip(*courses, strict=True):
        assert all(earlier.mean < later.mean for earlier, later in pairwise(course))
    ends = [end.mean for end in courses[-1]]
    assert len(ends) == 3 and max(ends) - min(ends) < 0.05


def test_in_every_seed_the_longer_the_large_model_was_trained_the_further_a_search_of_the_small_one_falls_behind():
    for course in zip(*gains_over_large(), strict=True):
        assert all(earlier.mean > later.mean for earlier, later in pairwise(course))


def test_where_the_search_and_the_large_model_change_places_is_a_matter_of_the_small_model_s_seed():
    ahead = [
        [at for at, gain in zip(STEPS, course, strict=True) if gain.low > 0]
        for course in zip(*gains_over_large(), strict=True)
    ]
    assert ahead == [[750, 1000, 1250], [], [750, 1000]]
    at_1250 = gains_over_large()[STEPS.index(1250)]
    assert [gain.high < 0 for gain in at_1250] == [False, True, True]
    assert all(1 < cost.mean < 2.1 for cost in said("PRM, beam search, N=16, FLOPs over a pass of large"))


def test_in_every_seed_more_samples_make_a_verifier_stopped_early_worse():
    falls = said("weak PRM, best-of-256 minus best-of-4")
    assert len(falls) == 3 and all(fall.high < 0 for fall in falls)


def test_beam_search_with_it_goes_from_ahead_to_behind_in_two_seeds_and_in_the_third_shows_nothing_clear():
    early, late = (said(f"weak PRM, beam search minus weighted, N={n}") for n in (4, 64))
    crossed = [a.low > 0 > b.high for a, b in zip(early, late, strict=True)]
    unclear = [a.low < 0 < a.high and b.low < 0 < b.high for a, b in zip(early, late, strict=True)]
    assert (sum(crossed), sum(unclear)) == (2, 1)


def test_in_every_seed_a_vote_weighted_by_the_prm_beats_the_vote_and_more_samples_help_it():
    for name in ("PRM minus the vote, 16 samples", "PRM, best-of-256 minus best-of-4"):
        gains = said(name)
        assert len(gains) == 3 and all(gain.low > 0 for gain in gains), name


def test_in_every_seed_beam_search_with_the_prm_is_ahead_on_the_hardest_fifth_and_in_two_of_three_over_all():
    hardest = said("PRM, beam search minus weighted, N=16, hardest fifth")
    assert len(hardest) == 3 and all(gain.low > 0 for gain in hardest)
    everywhere = said("PRM, beam search minus weighted, N=16")
    assert [gain.low > 0 for gain in everywhere] == [True, False, True] and all(gain.mean > 0 for gain in everywhere)


def test_a_first_revision_gains_any_amount_and_is_no_better_than_one_sample_of_its_control():
    shipped, second = said("first revision minus first attempt")
    assert shipped.low > 0 and shipped.high < 0.05 and second.low > 0.25
    shipped, second = said("first revision minus an attempt of the control")
    assert shipped.low < 0 < shipped.high and second.high < 0


def test_which_of_prm_and_orm_is_ahead_is_a_matter_of_the_training():
    shipped, first, second = said("PRM minus ORM, 64 samples")
    assert shipped.low > 0 > first.high and second.low < 0 < second.high


def test_a_family_of_another_seed_has_a_folder_of_its_own(tmp_path):
    code = "from ttclab import bank, models; print(models.ZOO, bank.RUNS); models.load('small')"
    environment = {**os.environ, "TTCLAB_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "zoo"), str(tmp_path / "runs")]
    assert "a model is one of" in done.stderr.splitlines()[-1]
