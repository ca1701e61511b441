"""Recorded runs: solutions of models and scores of verifiers for every problem of a set, in Parquet files.

`runs/` holds four kinds of files. Every row has the id of its problem. The other columns are:

samples    many solutions of each problem by a policy, one row per solution
    sample    int32    0, 1, 2, ...: index of the solution
    text      string   text of the solution
    finished  bool     True if the solution ended by itself
    correct   bool     True if its answer is right
    tokens    int32    tokens generated, end-of-text token included
    logprob   float32  log-probability of all tokens at temperature 1, in nats
chains     revision chains, one row per attempt, with the columns of samples and
    chain     int32    index of the chain
    attempt   int32    0 for the first attempt, then its revisions
    read      int32    tokens of the prompt: earlier attempts, feedback and problem
    comment   string   code of the feedback on the previous attempt; empty for none
scores     scores of a verifier for the solutions of another file, one row per solution in the same order
    place     int32    index of the solution
    steps     list of float32: one score per step (PRM), per token (token-confidence), or for the solution (ORM)
searches   one beam search or step-level revision of each problem, one row per search
    texts, finished, correct, tokens, scores: lists with one entry per returned solution
    prefill, decode, cached, lookahead, verifier: int64, FLOPs charged by kind; verifier_calls: int32

The metadata of a file holds the task, the models with the hashes of their weights, the split, the seed, and the tokens
of each problem's prompt if they are known. Pages and metadata carry checksums, which are verified when a file is read.
Older files can be read too: they may have int16 instead of int32, and lack the checksum of the metadata, the task, the
prompt tokens and the column `read`. If another tool has reordered the rows, they are sorted back, or the file is
refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..files import atomic
from ..tasks.problem import well_formed
from ..tasks.registry import find_set, load_problems
from .metadata import RunMetadata

_WRITTEN = {
    "text": pa.string(),
    "finished": pa.bool_(),
    "correct": pa.bool_(),
    "tokens": pa.int32(),
    "logprob": pa.float32(),
}
KINDS = ("prefill", "decode", "cached", "lookahead", "verifier")  # kinds of FLOPs of a search
_PLACED = {"problem": pa.string(), "chain": pa.int32(), "attempt": pa.int32(), "comment": pa.string()}
SCHEMAS = {
    "ttclab samples 1": pa.schema({"problem": pa.string(), "sample": pa.int32(), **_WRITTEN}),
    "ttclab chains 1": pa.schema({**_PLACED, **_WRITTEN}),
    "ttclab chains 2": pa.schema({**_PLACED, "read": pa.int32(), **_WRITTEN}),
    "ttclab scores 1": pa.schema({"problem": pa.string(), "place": pa.int32(), "steps": pa.list_(pa.float32())}),
    "ttclab searches 1": pa.schema(
        {
            "problem": pa.string(),
            "texts": pa.list_(pa.string()),
            "finished": pa.list_(pa.bool_()),
            "correct": pa.list_(pa.bool_()),
            "tokens": pa.list_(pa.int32()),
            "scores": pa.list_(pa.float32()),
            **{kind: pa.int64() for kind in KINDS},
            "verifier_calls": pa.int32(),
        }
    ),
}
PLACES = {  # columns that identify a row among the rows of its problem
    "ttclab samples 1": ("sample",),
    "ttclab chains 1": ("chain", "attempt"),
    "ttclab chains 2": ("chain", "attempt"),
    "ttclab scores 1": ("place",),
    "ttclab searches 1": (),
}


def is_done(path: Path, schema: pa.Schema, chunks: Sequence[range], *, older: bool = False) -> bool:
    """Whether a file exists, is undamaged, and holds this recording with all its problems.

    With `older`, a file of an older version counts too, although it lacks some metadata.
    """
    try:
        table = whole_table(path)
        metadata, wanted = _metadata(table, path), RunMetadata.from_parquet(schema)
        if older and metadata and wanted:
            wanted = replace(wanted, format=wanted.format[:-1] + metadata.format[-1])
            if metadata.prompt_tokens is None:
                wanted = replace(wanted, prompt_tokens=None)
        return metadata == wanted and len(as_recorded(table, path)["problem"].unique()) == sum(map(len, chunks))
    except ValueError:
        return False


def merge(files: Sequence[Path], out: Path) -> Path:
    """Join the shards of one recording. The result equals the file that a single machine would have written.

    Raises ValueError unless the files are all shards of one recording, each once and undamaged.
    """
    shards: dict[int, pa.Table] = {}
    found: list[RunMetadata] = []
    for file in files:
        table = whole_table(file)
        metadata = _metadata(table, file)
        if not metadata or not metadata.shard:
            raise ValueError(f"merge needs the shards of one recording, each once: {file} is not a shard")
        i, n = metadata.shard
        found.append(replace(metadata, shard=[0, n]))
        if found[-1] != found[0] or i in shards:
            fault = "a duplicate" if i in shards else "a shard of another recording"
            raise ValueError(f"merge needs the shards of one recording, each once: {file} is {fault}")
        whole = replace(metadata, shard=None)
        shards[i] = as_recorded(table, file).replace_schema_metadata(whole.to_parquet())
    if missing := sorted({*range(1, n + 1)} - {*shards}) if files else [1]:
        raise ValueError(f"merge needs all shards of a recording: missing {', '.join(map(str, missing))}")
    write_table(pa.concat_tables(shards[i] for i in sorted(shards)), out)
    return out


def open_table(path: Path) -> tuple[pa.Table, RunMetadata]:
    """Read a file: its table, with the rows in recorded order, and its metadata. Raises ValueError if it is damaged."""
    table = as_recorded(whole_table(path), path)
    metadata = _metadata(table, path)
    assert metadata is not None
    if metadata.shard:
        raise ValueError(f"{path} is one of {metadata.shard[1]} shards of a recording: merge them")
    problems = metadata.problems
    if not len(table) or len(table) % problems or len(table["problem"].unique()) != problems:
        raise ValueError(f"{path} should have as many rows for each of {problems} problems, not {len(table)} in all")
    return _in_order(table, metadata, path), metadata


def whole_table(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        assert all(table.column_names)  # decodes the names
        return table
    except Exception as error:  # a damaged file can make the reader raise anything, MemoryError included
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{path} is damaged or not a Parquet file: {reason}") from None


def _metadata(table: pa.Table, path: Path) -> RunMetadata | None:
    """The metadata of a table read from a file; None if it has none. Raises ValueError if it is damaged."""
    try:
        return RunMetadata.from_parquet(table.schema)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def as_recorded(table: pa.Table, path: Path) -> pa.Table:
    """Select the columns of the file's format and cast them to its types.

    Raises ValueError for a file without recorded runs, a missing column, or empty cells.
    """
    metadata = _metadata(table, path)
    if metadata is None or metadata.format not in SCHEMAS:
        known = any({*schema.names} <= {*table.column_names} for schema in SCHEMAS.values())
        other = f", but {metadata.format if metadata else None!r}"
        reason = ": its columns are there, but another tool has dropped its metadata" if known else other
        raise ValueError(f"{path} is not a file of recorded runs{reason}")
    schema = SCHEMAS[metadata.format].with_metadata(table.schema.metadata)
    if missing := [name for name in schema.names if table.column_names.count(name) != 1]:
        raise ValueError(f"{path} is not a file of recorded runs: it lacks {', '.join(missing)}")
    try:
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)  # finds invalid UTF-8, among others
        cells = [column.combine_chunks() for column in table.columns]
        empty = [
            name
            for name, cell in zip(schema.names, cells, strict=True)
            if cell.null_count or (pa.types.is_list(cell.type) and cell.flatten().null_count)
        ]
    except pa.ArrowException as error:
        raise ValueError(f"{path} is not a file of recorded runs: {error}") from None
    if empty:
        raise ValueError(f"{path} has empty cells in {', '.join(empty)}: another tool has changed it")
    return table


def _in_order(table: pa.Table, metadata: RunMetadata, path: Path) -> pa.Table:
    """Sort the rows as they were recorded: by problem in the order of the set, then by the columns in PLACES.

    Raises ValueError if a problem lacks a row or has a duplicate.
    """
    names = table["problem"].combine_chunks().dictionary_encode()
    found, problems = names.dictionary.to_pylist(), metadata.problems
    order = _order_of(metadata.of or metadata)
    if {*order} != {*found}:  # the set has changed since: only the file knows the order
        order = tuple(found)
    rank = {name: i for i, name in enumerate(order)}
    problem = np.array([rank[name] for name in found])[names.indices.to_numpy()]
    places = [table[name].to_numpy() for name in PLACES[metadata.format]]
    each = len(table) // problems
    wanted = [np.arange(each) for _ in places]
    if len(places) == 2:  # chains: every problem has the same layout
        lengths = metadata.lengths or []
        if sum(lengths) != each:
            raise ValueError(f"{path} should have {sum(lengths)} attempts at each problem, not {each}")
        wanted = [np.repeat(np.arange(len(lengths)), lengths), np.concatenate([np.arange(n) for n in lengths])]

    def misplaced(rows: Any) -> NDArray[np.bool_]:
        """Whether a problem has a misplaced row if rows are taken in this order, (problems,)."""
        columns = [problem[rows].reshape(problems, each) != np.arange(problems)[:, None]]
        columns += [place[rows].reshape(problems, each) != where for place, where in zip(places, wanted, strict=True)]
        return np.any(columns, axis=(0, 2))

    if not misplaced(slice(None)).any():
        return table
    rows = np.lexsort((*places[::-1], problem))
    if (wrong := misplaced(rows)).any():
        raise ValueError(
            f"{path} should have each of {each} rows of a problem once, but has not for "
            f"{order[int(wrong.argmax())]!r}: another tool has changed it"
        )
    return table.take(rows)


@cache
def _ids(split: str, limit: int) -> tuple[str, ...]:
    return tuple(problem.id for problem in load_problems(split, limit=limit))


def _order_of(metadata: RunMetadata) -> tuple[str, ...]:
    """The ids of a recording's problems in order; empty if they came from a file and are not in the metadata."""
    if metadata.asked is not None:
        return tuple(name for name, *_ in metadata.asked)
    split = str(metadata.split)
    return _ids(split, metadata.problems) if find_set(split)[1] else ()


Row = Mapping[str, object]  # a row of a file, by column


def storable(row: Row) -> dict[str, object]:
    """A row with valid Unicode: a server may send lone surrogates, which Parquet refuses."""

    def cell(value: object) -> object:
        if isinstance(value, str):
            return well_formed(value)
        return [cell(each) for each in value] if isinstance(value, list) else value

    return {name: cell(value) for name, value in row.items()}


def write_table(table: pa.Table, path: Path) -> None:
    """Write a file atomically, even if the process is killed."""
    try:
        with atomic(path) as partial:
            pq.write_table(table, partial, compression="zstd", compression_level=19, write_page_checksum=True)
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error}): free some space, and run the same command again to resume"
        ) from None
