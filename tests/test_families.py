"""Families of models: values are computed from the runs, looked up in a family, or pooled over families."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclab.allocator import Allocation, Arm
from ttclab.bank import family
from ttclab.cli import main
from ttclab.data import ZOO
from ttclab.estimators import bootstrap, bootstrap_families
from ttclab.results import claims, families, seeds, winner_map
from ttclab.results.arms import Arms
from ttclab.results.exchange import RATIOS
from ttclab.results.families import Family, Pool, Recorder, cached, measured, using

RNG = np.random.default_rng(0)


def arm(correct, *allocation, fifths=True):
    right = np.asarray(correct, dtype=float)
    return Arm(Allocation(*(allocation or (1,))), right, 7.0 + np.arange(len(right)), np.arange(len(right)) % 5)


@measured
def solved(N, split="test"):
    """The value from the runs: no problem is solved."""
    return arm(np.zeros(50), N)


@measured
def rates(budget=4):
    return Arms([arm(np.full(50, budget / 10), N) for N in (1, 2)])


@measured
def price(*names, at=None):
    return float(len(names) + (at or 0))


@cached
def best_rate():
    return rates().best.correct.mean()


def test_values_come_from_the_family_in_use_or_else_from_the_runs():
    other = Family("1", {"solved(N=4)": arm(np.ones(50), 4)})
    assert solved(4).correct.mean() == 0
    with using(other):
        assert solved(4).correct.mean() == solved(N=4, split="test").correct.mean() == 1
        with using(None):
            assert solved(4).correct.mean() == 0
        with pytest.raises(ValueError, match=r"family 1 was recorded without solved\(N=8\): record it again"):
            solved(8)
    assert solved(4).correct.mean() == 0


def test_results_computed_from_values_are_cached_per_family():
    one, other = (Family(str(rate), {"rates()": Arms([arm(np.full(50, rate))])}) for rate in (0.25, 0.75))
    found = []
    for each in (None, one, other, one, None):
        with using(each):
            found.append(best_rate())
    assert found == pytest.approx([0.4, 0.25, 0.75, 0.25, 0.4])


def test_saving_and_loading_a_family_preserves_its_values(tmp_path):
    recorder = Recorder("5", {})
    uneven = arm(RNG.random(50), 4, 3)
    recorder.values["uneven()"] = uneven
    recorder.values["alone()"] = Arm(Allocation(2, 1, stepwise=True), np.ones(3), np.ones(3))
    with using(recorder):
        solved(4), solved(4, split="validation"), rates(), price("a", "b", at=1250)
    kept = families.load(families.save(recorder, tmp_path / "5.npz"))
    assert kept.name == "5" and kept.values.keys() == recorder.values.keys()
    assert kept.values["uneven()"].correct == pytest.approx(uneven.correct, abs=1e-7)
    assert np.array_equal(kept.values["uneven()"].fifths, uneven.fifths)
    assert kept.values["alone()"].fifths is None and kept.values["alone()"].allocation.stepwise
    with using(kept):
        assert price("a", "b", at=1250) == 1252
        assert [each.allocation.N for each in rates().values()] == [1, 2]
        assert solved(4, split="validation").allocation == Allocation(4)


def test_a_file_of_another_format_is_refused(tmp_path):
    (tmp_path / "1.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"1\.npz is not a recorded family"):
        families.load(tmp_path / "1.npz")


def test_a_pool_joins_the_problems_of_all_families_and_averages_numbers():
    each = [
        Family(
            str(i),
            {"solved(N=4)": arm(np.full(50, i)), "price(names=())": float(i), "rates()": Arms([arm(np.full(50, i))])},
        )
        for i in (0, 1)
    ]
    with using(Pool(each)):
        both = solved(4)
        assert both.families == 2 and both.correct.tolist() == [0.0] * 50 + [1.0] * 50
        assert both.fifth(0).correct.tolist() == [0.0] * 10 + [1.0] * 10
        assert price() == 0.5 and rates().at(1).families == 2
        assert both.solved.mean == 0.5 and both.solved.low == 0 and both.solved.high == 1


def test_the_pooled_interval_includes_zero_if_one_family_has_the_other_sign():
    gains = [RNG.normal(gain, 0.2, 500) for gain in (0.1, 0.1, -0.1)]
    assert bootstrap(gains[0]).low > 0 > bootstrap(gains[2]).high
    assert bootstrap_families(gains).low < 0
    assert bootstrap_families([gains[0], gains[1], gains[0]]).low > 0
    assert bootstrap_families(gains).mean == pytest.approx(np.mean(gains))


@given(st.integers(1, 4), st.integers(2, 30))
def test_equal_families_have_the_interval_of_one_family(count, problems):
    values = np.linspace(0, 1, problems)
    assert bootstrap_families([values] * count) == pytest.approx(bootstrap(values))


def test_families_without_problems_are_refused():
    for wrong in ([], [[]], [[1.0], []]):
        with pytest.raises(ValueError, match="one family or more, of one problem or more"):
            bootstrap_families(wrong)


@pytest.fixture
def two_more(monkeypatch):
    """Two further seeds with the values of the shipped family, which a test may change."""
    with using(recorder := Recorder("1", {})):
        for test in (claims.revision_rises_faster, claims.log_law):
            test()
    others = {"1": Family("1", recorder.values), "2": Family("2", recorder.values)}
    monkeypatch.setattr(families, "families", lambda: {"shipped": None, **others})
    families.pool.cache_clear()
    yield others
    families.pool.cache_clear()


def claim(test):
    return next(each for each in claims.load_claims() if each.test == test)


def test_a_claim_holds_if_it_holds_in_every_seed_and_in_the_pool(two_more):
    found = claim("revision_rises_faster").check()
    assert found.verdict == claims.HOLDS and found.seeds == dict.fromkeys(("shipped", "1", "2"), claims.HOLDS)


def test_a_claim_that_one_seed_reverses_is_undecided(two_more):
    values = two_more["2"].values
    other = values["stepwise(T=3)"]
    two_more["2"].values["stepwise(T=3)"] = Arm(other.allocation, np.zeros(500), other.flops, other.fifths)
    found = claim("revision_rises_faster").check()
    assert found.verdict == claims.UNDECIDED and found.seeds["2"] == claims.REVERSED


def test_a_claim_without_runs_in_one_seed_is_undecided(two_more):
    found = claim("lookahead_is_worst").check()
    assert found.verdict == claims.UNDECIDED and found.seeds["1"] == claims.MISSING


def test_claims_and_maps_computed_from_the_file_of_a_family_equal_the_originals(tmp_path):
    kept = families.load(families.save(seeds.collect("9")[0], tmp_path / "9.npz"))
    assert (tmp_path / "9.npz").stat().st_size < 1e6
    recorded = [each for each in claims.load_claims() if claims.MISSING not in each.check().seeds.values()]
    assert len(recorded) >= 20
    for each in recorded:
        here = claims.TESTS[each.test]()
        with using(kept):
            there = claims.TESTS[each.test]()
        assert there.verdict == here.verdict
        assert {part: pytest.approx(value, abs=1e-6) for part, value in there.parts.items()} == here.parts
    here = winner_map(RATIOS, 1500)
    with using(kept):
        there = winner_map(RATIOS, 1500)
        assert list(seeds.measure()) == list(seeds.load()["shipped"])
        for name, number in seeds.measure().items():
            assert number == pytest.approx(seeds.headline(name), abs=1e-6), name
    assert [[cell.verdict for cell in row] for row in here] == [[cell.verdict for cell in row] for row in there]


def test_storing_a_family_requires_ttclab_home(monkeypatch, capsys):
    monkeypatch.delenv("TTCLAB_HOME", raising=False)
    assert main(["seeds", "1"]) != 0
    assert "set TTCLAB_HOME" in capsys.readouterr().err


def test_the_small_model_writes_every_chain():
    names = {run.path.name for run in family.runs("cpu")}
    chains = {name for name in names if "chains" in name}
    assert {name.split("-")[0] for name in chains} == {family.SMALL.split("-")[0]}
    assert f"{family.SMALL}-test-chains.prm.parquet" in names


RECORDING = """
import sys
from ttclab.bank import family
if __name__ == "__main__":
    some = [run for run in family.runs("cpu", 2) if run.path.name in sys.argv[2:]]
    family.record_family(jobs=int(sys.argv[1]), only=some, report=print)
"""
SOME = ("small-test-greedy.parquet", "threshold.json", "small-test-steps-prm-1x4.parquet")


def test_recording_a_family_in_another_folder_runs_in_parallel_and_resumes(tmp_path):
    home = tmp_path / "home"
    for name in ("small", "prm", "prm-weak"):
        shutil.copytree(ZOO / name, home / "zoo" / name, ignore=shutil.ignore_patterns("threshold.json"))
    (tmp_path / "record.py").write_text(RECORDING)

    def record(jobs):
        command = [sys.executable, str(tmp_path / "record.py"), str(jobs), *SOME]
        environment = {**os.environ, "TTCLAB_HOME": str(home)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    said = record(2)
    assert (
        "prm-large is not in" in said and "4 runs, 4 of them new: about 0 minutes on one core, 0 in 2 processes" in said
    )
    for name in ("prm", "prm-weak"):
        chosen = json.loads((home / "zoo" / name / "threshold.json").read_text())
        assert chosen["problems"] == 2 and chosen["tried"][f"{chosen['threshold']:g}"]["solved"] <= 2
        best = max(tried["solved"] for tried in chosen["tried"].values())
        assert chosen["tried"][f"{chosen['threshold']:g}"]["solved"] == best
    files = {path.name: path.read_bytes() for path in (home / "runs").iterdir()}
    assert files.keys() == {*SOME} - {"threshold.json"}
    (home / "runs" / SOME[0]).unlink()
    assert "4 runs, 1 of them new" in record(1)
    assert files == {path.name: path.read_bytes() for path in (home / "runs").iterdir()}


def test_recording_a_family_needs_at_least_one_process():
    with pytest.raises(ValueError, match="at least 1 process, not 0"):
        family.record_family(jobs=0, only=[])
