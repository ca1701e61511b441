import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ttclab
from ttclab import bank
from ttclab.flops import billed


@pytest.fixture(scope="module")
def recorded():
    return bank.load("small", "test")


def record(out):
    return bank.record("small", "validation", samples=3, problems=120, device="cpu", out=out)


def test_the_recorded_runs_are_of_the_shipped_weights_and_whole(recorded):
    assert recorded.made["weights"] == bank.weights_hash(bank.ZOO / "small")
    assert recorded.correct.shape == (500, 256)
    assert recorded.problems == ttclab.load_problems("test")


def test_what_is_recorded_as_right_is_right(recorded):
    for i in range(0, 500, 50):
        assert [s.correct for s in recorded.solutions(i)] == recorded.correct[i].tolist()


def test_a_fresh_run_of_the_weights_agrees_with_a_slice_of_the_recorded_one(recorded):
    fresh = ttclab.load("small", device="cpu").generate(recorded.problems[:20], n=8, seed=0)
    same = [s.text == text for group, row in zip(fresh, recorded.texts[:20]) for s, text in zip(group, row[:8])]
    assert np.mean(same) >= 0.95  # exact on one machine; rounding on another may turn a rare draw


def test_recorded_flops_are_what_the_ledger_charges(recorded):
    with billed() as bill:
        ttclab.load("small", device="cpu").generate(recorded.problems[3], n=4, seed=0)
    assert bill.total.flops["prefill"] == recorded.prefill_flops[3]
    assert bill.total.flops["decode"] == recorded.decode_flops[3, :4].sum()


def test_a_killed_recording_goes_on_and_gives_the_same_file(tmp_path, monkeypatch):
    whole = record(tmp_path / "whole.parquet").read_bytes()
    write, written = bank._write, []

    def dying(table, path):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(table, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bank, "_write", dying)
        record(tmp_path / "killed.parquet")
    assert not (tmp_path / "killed.parquet").exists()
    with monkeypatch.context() as patch:
        patch.setattr(bank, "_write", lambda table, path: (written.append(path), write(table, path)))
        assert record(tmp_path / "killed.parquet").read_bytes() == whole
    assert [path.name for path in written] == [
        "000000.parquet", "000050.parquet", "000100.parquet", "killed.parquet"
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.parquet", "whole.parquet"]


@pytest.mark.parametrize("damage", ["cut", "foreign", "short", "text"])
def test_a_damaged_or_foreign_file_is_refused_with_its_reason(tmp_path, damage):
    path = tmp_path / "runs.parquet"
    table = pq.read_table(bank.RUNS / "small-test.parquet")
    reason = {"cut": "damaged", "foreign": "not a file of", "short": "not 10 in all", "text": "damaged"}[damage]
    if damage == "foreign":
        pq.write_table(pa.table({"a": [1]}), path)
    elif damage == "text":
        path.write_text("problem,sample\n")
    else:
        pq.write_table(table.slice(0, 10), path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=reason):
        bank.read(path)


def test_runs_that_were_never_recorded_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"'small-moon'; there are: .*small-test"):
        bank.load("small", "moon")
