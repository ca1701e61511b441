"""Recorded runs: what models wrote to every problem of a set, and what verifiers said of it, in Parquet files.

`runs/` holds four kinds, each row with the problem's id. Their columns:

samples    many solutions of a policy to each problem, a row each
    sample    int32    0, 1, 2, ...: the place among the solutions of the problem
    text      string   what the model wrote
    finished  bool     it ended by itself
    correct   bool     its answer is right
    tokens    int32    written, end-of-text token included
    logprob   float32  of all tokens at temperature 1, in nats
chains     revision chains, a row an attempt: as samples, and
    chain     int32    which chain of the problem
    attempt   int32    0 for the first attempt, then its revisions
    read      int32    tokens that the attempt was written after: earlier attempts, feedback and problem
    comment   string   the feedback that was shown with the attempt before, as its code; empty for none
scores     of a verifier for the solutions of another file, in its order, a row each
    place     int32    of the solution among those of the problem
    steps     list of float32: a score for each step (PRM), for each token (token-confidence), or for the whole (ORM)
searches   one search a problem, by beams or by step-level revision, a row each
    texts, finished, correct, tokens, scores: lists, one entry a solution that the search returned
    prefill, decode, cached, lookahead, verifier: int64, FLOPs charged by kind; verifier_calls: int32

The metadata of a file names what made it: the task, the models with the hashes of their weights, the split, the seed;
and the tokens of each problem's prompt, where they are known. Pages and metadata carry checksums, which are verified
when a file is read. Older files are read alike: they may have int16 where int32 stands above, no checksum of the
metadata, no task, no tokens of prompts, and no column `read`. Rows that another tool has put in another order are put
back in the order in which they were recorded, or the file is refused.
"""

import json
import zlib
from collections.abc import Sequence
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

_WRITTEN = {
    "text": pa.string(),
    "finished": pa.bool_(),
    "correct": pa.bool_(),
    "tokens": pa.int32(),
    "logprob": pa.float32(),
}
KINDS = ("prefill", "decode", "cached", "lookahead", "verifier")  # of FLOPs that a search is charged
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
PLACES = {  # columns that say which of a problem's rows a row is
    "ttclab samples 1": ("sample",),
    "ttclab chains 1": ("chain", "attempt"),
    "ttclab chains 2": ("chain", "attempt"),
    "ttclab scores 1": ("place",),
    "ttclab searches 1": (),
}


def is_done(path: Path, schema: pa.Schema, chunks: Sequence[range], *, older: bool = False) -> bool:
    """Whether a file is there, whole, of this recording, and of as many problems.

    With `older`, a file that an older version wrote counts too, although it lacks some of the metadata.
    """
    try:
        table = whole_table(path)
        made, wanted = _made(table, path), json.loads(schema.metadata[b"ttclab"])
        if older and made:
            wanted["format"] = f"{wanted['format'][:-1]}{made['format'][-1]}"
            wanted = {key: value for key, value in wanted.items() if key in made or key not in _NEW}
        return made == wanted and len(as_recorded(table, path)["problem"].unique()) == sum(map(len, chunks))
    except ValueError:
        return False


_NEW = {"prompt_tokens"}  # metadata that older files of shipped models lack


def merge(files: Sequence[Path], out: Path) -> Path:
    """Join the shards of one recording, in any order: the file is the one that a single machine would have written.

    Raises ValueError unless they are all shards of the same recording, each there once, and whole.
    """
    shards: dict[int, pa.Table] = {}
    found: set[str] = set()
    for file in files:
        table = whole_table(file)
        made = _made(table, file)
        i, n = made.pop("shard", (0, 0))
        found.add(json.dumps({**made, "shards": n}, sort_keys=True))
        if not n or len(found) > 1 or i in shards:
            rule = "no shard" if not n else "there twice" if i in shards else "of another recording than those before"
            raise ValueError(f"shards of one recording are merged, each once: {file} is {rule}")
        shards[i] = as_recorded(table, file).replace_schema_metadata(metadata_of(made))
    if missing := sorted({*range(1, n + 1)} - {*shards}) if files else [1]:
        raise ValueError(f"a recording is merged from all its shards: missing {', '.join(map(str, missing))}")
    write_table(pa.concat_tables(shards[i] for i in sorted(shards)), out)
    return out


def open_table(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """A file's table, its rows in the order in which they were recorded, and its metadata, if it is whole and ours."""
    table = whole_table(path)
    made = _made(table, path)
    table = as_recorded(table, path)
    if "shard" in made:
        raise ValueError(f"{path} is one of {made['shard'][1]} shards of a recording: merge them")
    problems = made["problems"]
    if not len(table) or len(table) % problems or len(table["problem"].unique()) != problems:
        raise ValueError(f"{path} should have as many rows for each of {problems} problems, not {len(table)} in all")
    return _in_order(table, made, path), made


def whole_table(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        assert all(table.column_names)  # decodes them
        return table
    except Exception as error:  # a damaged file can make the reader raise anything, MemoryError included
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{path} is damaged or no Parquet file: {reason}") from None


def metadata_of(made: dict[str, Any]) -> dict[str, str]:
    """A file's metadata, with the checksum that Parquet has for pages alone."""
    text = json.dumps(made, sort_keys=True)
    return {"ttclab": text, "ttclab crc32": f"{zlib.crc32(text.encode()):08x}"}


def _made(table: pa.Table, path: Path) -> dict[str, Any]:
    """The metadata of a table that was read from a file. Raises ValueError if they are damaged."""
    metadata = table.schema.metadata or {}
    text = metadata.get(b"ttclab", b"{}")
    checksum = metadata.get(b"ttclab crc32", f"{zlib.crc32(text):08x}".encode())  # older files have none
    try:
        made = json.loads(text)
    except (ValueError, RecursionError):
        made = None
    if not _is_complete(made) or checksum != f"{zlib.crc32(text):08x}".encode():
        raise ValueError(f"{path} is damaged: its metadata are not as they were written")
    for run in (made, made.get("of")):
        if run and "split" in run and "task" not in run:  # an older file
            run["task"] = find_set(run["split"])[0].name
    return made


def _is_complete(made: Any) -> bool:
    """Whether metadata, where they name a format, have what reading a file of that format takes."""
    if not isinstance(made, dict) or "format" not in made:
        return made == {}
    asked, lengths = made.get("asked", []), made.get("lengths", [1])
    return (
        isinstance(made.get("problems"), int)
        and made["problems"] > 0
        and isinstance(asked, list)
        and all(isinstance(row, list) and [*map(type, row)] == [str] * 3 for row in asked)
        and isinstance(lengths, list)
        and all(isinstance(length, int) and length > 0 for length in lengths)
        and (not str(made["format"]).startswith("ttclab chains") or "lengths" in made)
        and (made["format"] != "ttclab scores 1" or _is_complete(made.get("of")))
    )


def as_recorded(table: pa.Table, path: Path) -> pa.Table:
    """The columns of the file's format in their types, which another tool, or an older version, may have changed.

    Raises ValueError for a file that is not of recorded runs, lacks a column, or has empty cells.
    """
    form = _made(table, path).get("format")
    if not isinstance(form, str) or form not in SCHEMAS:
        known = any({*schema.names} <= {*table.column_names} for schema in SCHEMAS.values())
        reason = ": its columns are there, but another tool has dropped its metadata" if known else f", but {form!r}"
        raise ValueError(f"{path} is not a file of recorded runs{reason}")
    schema = SCHEMAS[form].with_metadata(table.schema.metadata)
    if missing := [name for name in schema.names if table.column_names.count(name) != 1]:
        raise ValueError(f"{path} is not a file of recorded runs: it lacks {', '.join(missing)}")
    try:
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)  # text that is no text, among others
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


def _in_order(table: pa.Table, made: dict[str, Any], path: Path) -> pa.Table:
    """The rows in the order in which they were recorded, whatever another tool has sorted them by.

    Problem by problem, in the order of their set, and within a problem by PLACES. Raises ValueError if a problem lacks
    a row or has one twice.
    """
    names = table["problem"].combine_chunks().dictionary_encode()
    found, problems = names.dictionary.to_pylist(), made["problems"]
    order = _order_of(made.get("of", made))
    if {*order} != {*found}:  # the set has changed since: the file is all that is known of the order
        order = tuple(found)
    rank = {name: i for i, name in enumerate(order)}
    problem = np.array([rank[name] for name in found])[names.indices.to_numpy()]
    places = [table[name].to_numpy() for name in PLACES[made["format"]]]
    each = len(table) // problems
    wanted = [np.arange(each) for _ in places]
    if len(places) == 2:  # chains: those of one problem are laid out as those of any other
        lengths = made["lengths"]
        if sum(lengths) != each:
            raise ValueError(f"{path} should have {sum(lengths)} attempts at each problem, not {each}")
        wanted = [np.repeat(np.arange(len(lengths)), lengths), np.concatenate([np.arange(n) for n in lengths])]

    def misplaced(rows: Any) -> NDArray[np.bool_]:
        """Whether any of a problem's rows, taken in this order, is not where it belongs, (problems,)."""
        columns = [problem[rows].reshape(problems, each) != np.arange(problems)[:, None]]
        columns += [place[rows].reshape(problems, each) != where for place, where in zip(places, wanted, strict=True)]
        return np.any(columns, axis=(0, 2))

    if not misplaced(slice(None)).any():
        return table
    rows = np.lexsort((*places[::-1], problem))
    if (wrong := misplaced(rows)).any():
        raise ValueError(
            f"{path} should have each of {each} rows of a problem once, which is not so for "
            f"{order[int(wrong.argmax())]!r}: another tool has changed it"
        )
    return table.take(rows)


@cache
def _ids(split: str, limit: int) -> tuple[str, ...]:
    return tuple(problem.id for problem in load_problems(split, limit=limit))


def _order_of(made: dict[str, Any]) -> tuple[str, ...]:
    """The ids of a recording's problems in their order, as far as it can be known without the file they came from."""
    if "asked" in made:
        return tuple(name for name, *_ in made["asked"])
    split = str(made.get("split"))
    return _ids(split, made["problems"]) if find_set(split)[1] else ()


def storable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose texts Parquet takes: a half of a surrogate pair, which a server may send, is no text."""

    def cell(value: Any) -> Any:
        if isinstance(value, str):
            return well_formed(value)
        return [cell(each) for each in value] if isinstance(value, list) else value

    return {name: cell(value) for name, value in row.items()}


def write_table(table: pa.Table, path: Path) -> None:
    """Write a file whole or not at all, even if the process is killed."""
    try:
        with atomic(path) as partial:
            pq.write_table(table, partial, compression="zstd", compression_level=19, write_page_checksum=True)
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error}): make room, and the same command goes on from what is there"
        ) from None
