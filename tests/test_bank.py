import json
import os
import subprocess
import sys
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ttclab
from ttclab import bank, data
from ttclab.bank import family, recording, searches
from ttclab.bank.draws import Draws
from ttclab.bank.files import open_table
from ttclab.cli import main
from ttclab.confidence import MEASURES, TOKENS
from ttclab.engine import Sampler
from ttclab.ledger import billed
from ttclab.policy import Policy
from ttclab.training import RECIPES
from ttclab.verifiers import NoisyOracle


@pytest.fixture(scope="module")
def recorded():
    return bank.load("small", "test")


def record(out, **options):
    return bank.record("small", "validation", Draws(samples=3, problems=120, device="cpu"), out=out, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an unbroken recording on one machine gives."""
    return record(tmp_path_factory.mktemp("whole") / "whole.parquet").read_bytes()


def test_the_recorded_runs_are_of_the_shipped_weights_and_whole(recorded):
    assert recorded.metadata.weights == bank.weights_hash(bank.ZOO / "small")
    assert recorded.correct.shape == (500, 256)
    assert recorded.problems == ttclab.load_problems("test")


def test_what_is_recorded_as_right_is_right(recorded):
    for i in range(0, 500, 50):
        assert [s.correct for s in recorded.solutions(i)] == recorded.correct[i].tolist()


def test_a_fresh_run_of_the_weights_agrees_with_a_slice_of_the_recorded_one(recorded):
    fresh = ttclab.load("small", device="cpu").generate(recorded.problems[:20], n=8, seed=0)
    same = [s.text == text for group, row in zip(fresh, recorded.texts[:20]) for s, text in zip(group, row[:8])]
    assert np.mean(same) >= 0.95  # exact on one machine; rounding on another may turn a rare draw


@pytest.mark.parametrize("at", RECIPES["large"].points)
def test_a_fresh_greedy_pass_of_the_large_model_agrees_with_the_recorded_one(at):
    run = bank.load("large", "test", at=at, greedy=True)
    fresh = ttclab.load("large", at=at, device="cpu").generate(run.problems[:20], temperature=0)
    assert np.mean([solution.text == row[0] for [solution], row in zip(fresh, run.texts)]) >= 0.95


BY_WRITER = (bank.ASKED, TOKENS, *MEASURES)  # scores of the policy that wrote the run
SCORES = sorted(file for file in bank.RUNS.glob("*-test*.*.parquet") if file.stem.split(".")[1] not in BY_WRITER)


@pytest.mark.parametrize("file", SCORES, ids=lambda file: file.stem)
def test_a_fresh_reading_of_the_verifiers_agrees_with_their_recorded_scores(file):
    run, name = file.stem.split(".")
    samples, recorded = bank.read(bank.RUNS / f"{run}.parquet"), bank.load_scores(name, run)
    written = [solution for i in range(4) for solution in samples.solutions(i)[:8]]
    fresh = ttclab.load_verifier(name, device="cpu").score(written)
    assert fresh == pytest.approx([steps[-1] for i in range(4) for steps in recorded[i][:8]], abs=1e-4)


def test_recorded_flops_are_what_the_ledger_charges(recorded):
    with billed() as bill:
        ttclab.load("small", device="cpu").generate(recorded.problems[3], n=4, seed=0)
    assert bill.total.flops["prefill"] == recorded.prefill_flops[3]
    assert bill.total.flops["decode"] == recorded.decode_flops[3, :4].sum()


def test_a_killed_recording_goes_on_and_gives_the_same_file(tmp_path, monkeypatch, whole):
    write, written = recording.write_table, []

    def dying(table, path):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(table, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recording, "write_table", dying)
        record(tmp_path / "killed.parquet")
    assert not (tmp_path / "killed.parquet").exists()
    with monkeypatch.context() as patch:
        patch.setattr(recording, "write_table", lambda table, path: (written.append(path), write(table, path)))
        assert record(tmp_path / "killed.parquet").read_bytes() == whole
    assert [path.name for path in written] == [
        "000000.parquet", "000050.parquet", "000100.parquet", "killed.parquet"
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["killed.parquet"]


BROKEN_OFF = """
import os, resource, signal, sys
from ttclab import bank
from ttclab.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process started in the background inherits deafness to it
write, (out, how) = bank.files.pq.write_table, sys.argv[1:]

def breaking(table, path, **options):
    third = path.name == "000100.parquet.partial"
    if third and how == "full disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    write(table, path, **options)
    if third:
        os.truncate(path, 1000)
        os.kill(os.getpid(), getattr(signal, how))

bank.files.pq.write_table = breaking
sys.exit(main("record small --split validation --samples 3 --problems 120 --device cpu --out".split() + [out]))
"""


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [("SIGKILL", -9, ""), ("SIGINT", 130, "ttclab: interrupted"), ("full disk", 2, "could not be written")],
)
def test_a_recording_broken_off_in_the_middle_of_a_write_goes_on_and_gives_the_same_file(
    tmp_path, whole, how, code, said
):
    out = tmp_path / "broken.parquet"
    environment = os.environ | {"PYTHONPATH": str(bank.RUNS.parent.parent)}
    command = [sys.executable, "-c", BROKEN_OFF, str(out), how]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, said in ended.stderr, "Traceback" in ended.stderr) == (code, True, False), ended.stderr
    assert not out.exists()
    there = sorted(path.name for path in (tmp_path / "broken.parquet.parts").glob("*.parquet"))
    assert there == ["000000.parquet", "000050.parquet"]
    assert record(out).read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["broken.parquet"]


@pytest.mark.parametrize("damage", ["cut", "empty", "changed"])
def test_a_part_that_did_not_reach_the_disk_whole_is_recorded_again(tmp_path, monkeypatch, whole, damage):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bank.recording.shutil, "rmtree", Mock(side_effect=KeyboardInterrupt))
        record(tmp_path / "a.parquet")
    part = tmp_path / "a.parquet.parts" / "000050.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 1
    part.write_bytes({"cut": content[:200], "empty": b"", "changed": content}[damage])
    (tmp_path / "a.parquet").unlink()
    assert record(tmp_path / "a.parquet").read_bytes() == whole


def test_the_size_of_a_chunk_does_not_matter_even_if_it_changes_on_the_way(tmp_path, monkeypatch, whole):
    write = recording.write_table
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(
            recording, "write_table", lambda table, path: write(table, path) or (_ for _ in ()).throw(KeyboardInterrupt)
        )
        record(tmp_path / "a.parquet", chunk=20)
    assert pq.read_table(record(tmp_path / "a.parquet", chunk=50)).equals(pq.read_table(pa.BufferReader(whole)))


# Several machines


def test_shards_merge_into_the_file_of_a_single_machine(tmp_path, whole):
    out = tmp_path / "small.parquet"
    shards = [record(out, shard=(i, 3)) for i in (1, 2, 3)]
    assert [shard.name for shard in shards] == [f"small.{i}-of-3.parquet" for i in (1, 2, 3)]
    assert [len(pq.read_table(shard)) for shard in shards] == [150, 150, 60]
    assert bank.merge(shards[::-1], out).read_bytes() == whole


def test_what_is_no_whole_set_of_shards_is_not_merged(tmp_path, whole):
    def one(name, shard, seed=0):
        draws = Draws(samples=2, problems=4, seed=seed, device="cpu")
        return bank.record("small", "validation", draws, chunk=1, out=tmp_path / name, shard=shard)

    first, second, other = one("a", shard=(1, 4)), one("a", shard=(2, 4)), one("b", shard=(2, 4), seed=1)
    (tmp_path / "whole").write_bytes(whole)
    for files, reason in {
        (first, second): "missing 3, 4",
        (first, first): r"a\.1-of-4 is a duplicate",
        (first, other): r"b\.2-of-4 is a shard of another recording",
        (first, one("a", shard=(2, 2))): r"a\.2-of-2 is a shard of another recording",
        (tmp_path / "whole",): "whole is not a shard",
    }.items():
        with pytest.raises(ValueError, match=reason):
            bank.merge(files, tmp_path / "merged")
    with pytest.raises(ValueError, match=r"is one of 4 shards of a recording: merge them"):
        bank.read(first)
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("shard", [(0, 2), (3, 2), (1, 4)])
def test_a_shard_that_can_not_be_is_refused(tmp_path, shard):
    with pytest.raises(ValueError, match=rf"at most 3, not {shard[0]} of {shard[1]}"):
        record(tmp_path / "a.parquet", shard=shard)


def test_machines_record_and_merge_from_the_command_line(tmp_path, capsys):
    out = str(tmp_path / "a.parquet")
    asked = ["record", "small", "--samples", "2", "--problems", "4", "--chunk", "2", "--device", "cpu", "--out"]
    assert main([*asked, out, "--shard", "1/2"]) == main([*asked, out, "--shard", "2/2"]) == 0
    assert main(["merge", *map(str, tmp_path.glob("*-of-2.parquet")), "--out", out]) == 0
    assert bank.read(tmp_path / "a.parquet").correct.shape == (4, 2)
    assert main([*asked, out, "--shard", "1:2"]) == 2
    assert "two whole numbers, like 2/8, not '1:2'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["small", "--family"], "one model's name, or --family"),
        (["--family", "--shard", "1/2"], "takes no --shard"),
        (["small", "--files", "small"], "--files is for the address of a server, not for small"),
        (["http://127.0.0.1:9/v1"], "name one as out"),
    ],
)
def test_a_wrong_call_of_record_is_one_line(capsys, wrong, said):
    assert main(["record", *wrong]) == 2
    assert said in capsys.readouterr().err


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


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """An empty folder of recorded runs."""
    monkeypatch.setattr(data, "RUNS", tmp_path)
    return tmp_path


def test_chains_know_what_each_attempt_was_shown_and_what_it_cost(runs):
    bank.record_chains("small", "validation", [1, 6, 2], Draws(problems=3, device="cpu"), feedback="oracle")
    chains = bank.load_chains("small", "validation", feedback="oracle")
    assert chains.chain_index[0].tolist() == [0] * 6 + [1, 1, 2]
    assert chains.place[0].tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 0]
    assert chains.at(0).tolist() == [0, 6, 8] and chains.at(1).tolist() == [1, 7] and chains.at(6).tolist() == []
    assert chains.first(2, 1).tolist() == [[0, 1], [6, 7]] and chains.first(None, 0).tolist() == [[0], [6], [8]]
    assert np.array_equal(chains.attempt(1), chains.correct[:, [1, 7]])
    with pytest.raises(ValueError, match="2 recorded chains have 1 revisions or more, not 3"):
        chains.first(3, 1)
    attempts = chains.solutions(1)
    texts, comment = [s.text for s in attempts[:6]], "!+" if attempts[4].correct else "!-"
    assert attempts[0].shown == attempts[6].shown == ""
    assert attempts[5].shown == f"{texts[1]}#{texts[2]}#{texts[3]}#{comment}{texts[4]}#"  # the last four
    policy = ttclab.load("small", device="cpu")
    [first] = policy.generate(chains.problems[1], n=1, seed=0)
    assert first.text == texts[0]
    feedback = ttclab.load_verifier("oracle").critique(first)
    with billed() as bill:
        revised = policy.revise(chains.problems[1], [first], feedback)[0]
    assert revised.text == texts[1] and revised.shown == attempts[1].shown
    assert bill.total.flops["revision"] == chains.flops[1, 1]


def test_scores_are_the_verifier_s_own_in_the_order_of_the_run(runs):
    bank.record("small", "validation", Draws(samples=5, problems=4, device="cpu"))
    recorded = bank.load("small", "validation")
    for name in ("prm", "orm"):
        bank.record_scores(name, "small-validation", device="cpu")
        verifier, scores = ttclab.load_verifier(name, device="cpu"), bank.load_scores(name, "small-validation")
        for i in range(4):
            assert [each[-1] for each in scores[i]] == pytest.approx(verifier.score(recorded.solutions(i)), abs=1e-5)
    steps = bank.load_scores("prm", "small-validation")
    assert [len(each) for each in steps[2]] == [len(s.steps) for s in recorded.solutions(2)]


def test_scores_of_a_run_that_was_recorded_anew_are_refused(runs):
    bank.record("small", "validation", Draws(samples=2, problems=2, device="cpu"))
    bank.record_scores("orm", "small-validation", device="cpu")
    bank.record("small", "validation", Draws(samples=2, problems=2, seed=1, device="cpu"))
    with pytest.raises(ValueError, match="'small-validation' has changed since 'orm' scored it"):
        bank.load_scores("orm", "small-validation")


def test_a_recorded_search_is_what_the_search_found_and_was_charged(runs):
    bank.record_search("small", "oracle", "validation", 8, 4, Draws(problems=6, device="cpu"))
    found = bank.load_searches("small", "oracle", "validation", 8, 4)
    policy, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    results = ttclab.beam_search.beam_search(policy, oracle, found.problems, 8, 4, seed=0)
    assert [[s.text for s in group] for group in found.found] == [[s.text for s in r.solutions] for r in results]
    assert found.correct().tolist() == [r.correct for r in results]
    for kind in ("prefill", "decode", "cached"):
        assert found.flops[kind].tolist() == [r.cost.flops[kind] for r in results]


@pytest.mark.parametrize("quality", [None, 0.8])
def test_a_recorded_step_revision_is_what_was_found_and_charged(runs, quality):
    noisy = None if quality is None else NoisyOracle(quality)
    bank.record_step_revision("small", "oracle", "validation", 5, 2, Draws(problems=6, device="cpu"), critic=noisy)
    found = bank.load_step_revision("small", "oracle", "validation", 5, 2, quality=quality)
    policy, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    verifier = oracle if quality is None else NoisyOracle(quality)
    results = ttclab.hybrid_search(policy, verifier, found.problems, 2, 5, feedback=verifier)
    assert [[s.text for s in group] for group in found.found] == [[s.text for s in r.solutions] for r in results]
    assert found.correct().tolist() == [r.correct for r in results]
    assert found.total_flops.tolist() == [r.cost.total_flops for r in results]


def test_every_recorded_file_opens_and_is_of_the_weights_that_ship():
    files = sorted(bank.RUNS.glob("*.parquet"))
    assert files
    for file in files:
        _, made = open_table(file)
        name = made.verifier if made.format == "ttclab scores 1" else made.model
        if name in BY_WRITER:
            assert made.weights == made.of.weights
            continue
        if not (bank.ZOO / name).is_dir():  # a model that does not ship: what its FLOPs are counted from is in the file
            assert made.config, file.name
            continue
        assert made.weights == bank.weights_hash(bank.ZOO / name), file.name
        if made.verifier and made.format != "ttclab scores 1":
            folder = bank.ZOO / made.verifier  # an oracle has none, and no weights
            assert made.verifier_weights == (bank.weights_hash(folder) if folder.is_dir() else None), file.name


def test_recorded_runs_and_weights_stay_small():
    assert sum(file.stat().st_size for file in bank.RUNS.iterdir()) <= 20e6
    assert sum(file.stat().st_size for file in bank.ZOO.rglob("*.safetensors")) <= 15e6


class Wordy(Policy):
    """Writes the same text to everything, and says that it took so many tokens."""

    model, max_new_tokens, config = "wordy", 1 << 20, None

    def __init__(self, text="+01=008\n", length=40_000):
        self.text, self.length = text, length

    def sampler(self, temperature=None):
        return Sampler()

    def _extend(self, asked, begun, temperature, limit, stop):
        return [replace(s, text=self.text, finished=True, logprob=-1.0, length=self.length) for _, s in begun]


@pytest.fixture
def wordy(monkeypatch):
    """What is recorded as the model of that address."""
    policy = Wordy()
    for module in (recording, searches):
        monkeypatch.setattr(module, "load_model", lambda *args, **options: policy)
    return policy


def test_solutions_of_more_tokens_than_16_bits_count_are_recorded(tmp_path, wordy, runs):
    out = tmp_path / "long.parquet"
    recorded = bank.read(bank.record("http://wordy/v1", "test", Draws(samples=2, problems=2), out=out))
    assert recorded.tokens.tolist() == [[40_000] * 2] * 2
    bank.record_chains(
        "http://wordy/v1", "test", [2], Draws(problems=1), out=runs / "http://wordy/v1-test-chains.parquet"
    )
    search = bank.record_search(
        "http://wordy/v1", "oracle", "test", 2, 1, Draws(problems=1), out=tmp_path / "search.parquet"
    )
    assert pq.read_table(search)["tokens"].to_pylist() == [[40_000] * 2]


@pytest.mark.parametrize(
    ("text", "stored"), [("\ud83d half", "\ufffd half"), ("\ude00\ud83d", "\ufffd\ufffd"), ("\ud83d\ude00", "😀")]
)
def test_half_a_surrogate_pair_costs_its_character_and_not_the_chunk(tmp_path, wordy, text, stored):
    wordy.text = text
    file = tmp_path / "mine.jsonl"
    asked = [{"id": f"{text}{i}", "question": f"{text} {i}?", "answer": text} for i in range(2)]
    file.write_text("".join(json.dumps(row) + "\n" for row in asked), encoding="utf-8")
    out = bank.record("http://wordy/v1", str(file), Draws(samples=2), out=tmp_path / "mine.parquet")
    recorded = bank.read(out)
    assert recorded.texts.tolist() == [[stored] * 2] * 2
    assert [problem.question for problem in recorded.problems] == [f"{stored} {i}?" for i in range(2)]


def rewritten(table, how):
    """A table as another tool leaves it."""
    if how == "shuffled":
        return table.take(np.random.default_rng(0).permutation(len(table)))
    if how == "types":
        changed = {pa.string(): pa.large_string(), pa.int16(): pa.int64(), pa.int32(): pa.int64()}
        fields = [field.with_type(changed.get(field.type, field.type)) for field in table.schema]
        return table.cast(pa.schema(fields, metadata=table.schema.metadata)).append_column("row", [range(len(table))])
    if how == "columns":
        return table.select(table.column_names[::-1])
    order = "descending" if how == "sorted down" else "ascending"
    places = [name for name in ("attempt", "chain", "sample", "place", "problem") if name in table.column_names]
    return table.sort_by([(name, order) for name in places])  # the first attempts of all problems, and so on


REWRITTEN = ("shuffled", "sorted", "sorted down", "types", "columns")


@pytest.mark.parametrize("how", REWRITTEN)
@pytest.mark.parametrize("stem", ["small-validation", "small-test-chains-oracle", "small-test-beam-prm-16x4"])
def test_a_file_that_another_tool_has_rewritten_is_read_in_its_own_order(tmp_path, stem, how):
    source = bank.RUNS / f"{stem}.parquet"
    pq.write_table(rewritten(pq.read_table(source), how), tmp_path / "rewritten.parquet")
    got, wanted = bank.read(tmp_path / "rewritten.parquet"), bank.read(source)
    assert got.problems == wanted.problems
    if stem.startswith("small-test-beam"):
        assert [[s.text for s in group] for group in got.found] == [[s.text for s in group] for group in wanted.found]
        return
    assert (got.texts == wanted.texts).all() and (got.correct == wanted.correct).all()
    assert got.solutions(7)[5].shown == wanted.solutions(7)[5].shown


@pytest.mark.parametrize("how", REWRITTEN)
def test_scores_that_another_tool_has_rewritten_stay_with_their_solutions(runs, how):
    bank.record("small", "validation", Draws(samples=4, problems=5, device="cpu"))
    bank.record_scores("orm", "small-validation", device="cpu")
    wanted = bank.load_scores("orm", "small-validation")
    for path in runs.glob("*.parquet"):
        pq.write_table(rewritten(pq.read_table(path), how), path)
    assert bank.load_scores("orm", "small-validation") == wanted


def test_a_file_of_which_another_tool_has_lost_rows_is_refused(tmp_path):
    table, path = pq.read_table(bank.RUNS / "small-validation.parquet"), tmp_path / "runs.parquet"
    twice = pa.concat_tables([table.slice(1), table.slice(1, 1)])
    empty = table.set_column(2, "text", [[None] + table["text"].to_pylist()[1:]])
    for broken, reason in (
        (twice, "once, but has not for"),
        (table.replace_schema_metadata(None), "another tool has dropped its metadata"),
        (empty, "empty cells in text"),
        (table.drop_columns(["tokens"]), "lacks tokens"),
    ):
        pq.write_table(broken, path)
        with pytest.raises(ValueError, match=rf"runs\.parquet .*{reason}"):
            bank.read(path)


def test_whatever_byte_is_flipped_the_file_is_named_or_reads_the_same(tmp_path):
    path = bank.record("small", "validation", Draws(samples=2, problems=3, device="cpu"), out=tmp_path / "runs.parquet")
    whole, wanted = path.read_bytes(), bank.read(path)
    rng, refused = np.random.default_rng(0), 0
    for place in rng.permutation(len(whole))[:500]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            got = bank.read(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert got.metadata == wanted.metadata and got.problems == wanted.problems
            assert (got.texts == wanted.texts).all() and (got.logprob == wanted.logprob).all()
    assert refused > 200


def test_a_part_that_makes_the_reader_raise_anything_is_recorded_again(tmp_path, monkeypatch, whole):
    """A damaged footer can ask for any amount of memory."""
    read, asked = bank.files.pq.read_table, []

    def failing(path, **options):
        asked.append(path)
        if len(asked) == 1:
            raise MemoryError
        return read(path, **options)

    monkeypatch.setattr(bank.files.pq, "read_table", failing)
    assert record(tmp_path / "a.parquet").read_bytes() == whole


@pytest.mark.parametrize("score", [float("nan"), -0.5, 1.5])
def test_scores_out_of_range_are_not_recorded(runs, monkeypatch, score):
    bank.record("small", "validation", Draws(samples=1, problems=2, device="cpu"))
    monkeypatch.setattr(
        recording, "load_verifier", lambda *args, **options: Mock(spec=["score"], score=lambda s: [score])
    )
    monkeypatch.setattr(recording, "CHUNK", 1)
    with pytest.raises(ValueError, match=rf"scores from 0 to 1, not \[{score}\]"):
        bank.record_scores("oracle", "small-validation")


def test_a_damaged_page_is_noticed(runs):
    path = runs / "small-test.parquet"
    whole = bytearray((bank.ZOO.parent / "runs" / "small-test.parquet").read_bytes())
    whole[len(whole) // 3] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="damaged"):
        bank.load("small", "test")


def test_one_command_records_every_run_that_ships_and_only_those_that_are_missing(monkeypatch):
    write_one, outs, said = recording.write_rows, [], []
    for module in (recording, searches):
        monkeypatch.setattr(module, "write_rows", lambda out, *rest: (outs.append(out), write_one(out, *rest))[1])
    monkeypatch.setattr(recording, "write_table", lambda table, path: pytest.fail(f"{path} was recorded again"))
    monkeypatch.setattr(family, "write_text", lambda path, text: pytest.fail(f"{path} was chosen again"))
    family.record_family(jobs=1, device="cpu", report=said.append)
    shipped = {path for path in bank.RUNS.glob("*.parquet") if not path.name.startswith("smollm2-")}
    assert set(outs) == shipped and len(outs) == len(shipped)  # SmolLM2 has to be fetched first
    chosen = {*family.ZOO.glob("*/threshold.json")}
    assert {run.path for run in family.runs("cpu")} == shipped | chosen and len(chosen) == 5
    assert said[0] == f"{len(shipped | chosen)} runs, 0 of them new: about 0 minutes on one core"


def test_a_recording_of_a_file_s_problems_can_be_read_when_the_file_is_gone(tmp_path):
    file = tmp_path / "mine.jsonl"
    asked = [{"question": f"{i} + {i}?", "answer": f"Twice {i}. #### {2 * i}"} for i in range(3)]
    file.write_text("".join(json.dumps(row) + "\n" for row in asked), encoding="utf-8")
    out = bank.record(
        "small", str(file), Draws(samples=2, max_new_tokens=4, device="cpu"), out=tmp_path / "mine.parquet"
    )
    file.unlink()
    run = bank.read(out)
    assert [problem.question for problem in run.problems] == [row["question"] for row in asked]
    assert [problem.answer for problem in run.problems] == ["0", "2", "4"]
    assert run.texts.shape == run.answers.shape == (3, 2)
