"""The findings by seed: the numbers of the shipped family are its recorded runs', and every seed's say the same."""

import os
import subprocess
import sys

import pytest

from ttclab.training import seeds

SEEDS = seeds.load()


def said(name):
    """A headline number of every seed that was measured on it."""
    return [row[name] for row in SEEDS.values() if name in row]


def test_the_shipped_seed_s_numbers_are_those_of_the_recorded_runs():
    measured = seeds.measure()
    assert list(measured) == list(seeds.HEADLINES) == list(SEEDS[0])
    for name, estimate in measured.items():
        assert estimate == pytest.approx(SEEDS[0][name], abs=2e-6), name


def test_every_seed_s_small_model_leaves_room_at_both_ends():
    for row in SEEDS.values():
        rates = [row[f"small, one sample, {which} fifth"].mean for which in ("easiest", "hardest")]
        assert 0.35 <= row["small, one sample"].mean <= 0.55
        assert rates[0] >= 0.85 and rates[1] <= 0.10
        assert row["small, a right one among 64"].mean >= 0.85


def test_a_family_of_another_seed_has_a_folder_of_its_own(tmp_path):
    code = "from ttclab import bank, models; print(models.ZOO, bank.RUNS); models.load('small')"
    environment = {**os.environ, "TTCLAB_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "zoo"), str(tmp_path / "runs")]
    assert "a model is one of" in done.stderr.splitlines()[-1]


def test_another_seed_is_not_made_where_the_shipped_models_lie(monkeypatch):
    monkeypatch.delenv("TTCLAB_HOME", raising=False)
    with pytest.raises(ValueError, match="set TTCLAB_HOME"):
        seeds.make(1)
