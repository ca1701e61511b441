"""Metadata of a recorded run: what was recorded, by which model, with which settings."""

import json
import zlib
from dataclasses import dataclass, fields, replace
from typing import Any

import pyarrow as pa

from ..tasks.registry import find_set

TEXT, CHECKSUM = "ttclab", "ttclab crc32"  # keys in the metadata of a Parquet file


@dataclass(frozen=True, kw_only=True)
class RunMetadata:
    """Metadata of a file of recorded runs. Fields that its kind of file does not have are None.

    Attributes
    ----------
    format : str
        Kind and version of the file, a key of `SCHEMAS`.
    problems : int
        Number of problems.
    model : str, optional
        Name of the policy; weights: SHA-256 of its weights; served: its name on the server that ran it.
    split, task : str, optional
        The problems, as for `ttclab.load_problems`, and the name of their task.
    prompt_tokens : list of int, optional
        Tokens of each problem's prompt.
    config : dict, optional
        Configuration of a policy that does not ship, from which FLOPs are counted.
    asked : list of [id, question, answer], optional
        Problems that came from a file or the Hub.
    lengths : list of int, optional
        Attempts in each chain; feedback: the verifier whose critique each revision read.
    verifier : str, optional
        Name of the verifier; verifier_weights: SHA-256 of its weights.
    N, M, T, lookahead, threshold, quality, forgetful
        Settings of a beam search or step-level revision.
    strategy : str, optional
        Name of any other strategy; settings: its arguments.
    run : str, optional
        The run that was scored; of: its metadata.
    shard : [i, n], optional
        Part i of n of a recording, from 1.
    """

    format: str
    problems: int
    model: str | None = None
    weights: str | None = None
    served: str | None = None
    split: str | None = None
    task: str | None = None
    seed: int | None = None
    temperature: float | None = None
    samples: int | None = None
    max_new_tokens: int | None = None
    prompt_tokens: list[int] | None = None
    config: dict[str, Any] | None = None
    asked: list[list[str]] | None = None
    lengths: list[int] | None = None
    feedback: str | None = None
    verifier: str | None = None
    verifier_weights: str | None = None
    N: int | None = None
    M: int | None = None
    T: int | None = None
    lookahead: int | None = None
    threshold: float | None = None
    quality: float | None = None
    forgetful: bool | None = None
    strategy: str | None = None
    settings: dict[str, Any] | None = None
    run: str | None = None
    of: "RunMetadata | None" = None
    shard: list[int] | None = None

    def to_parquet(self) -> dict[str, str]:
        """As metadata of a Parquet file, with a checksum, because Parquet has checksums only for pages."""
        text = json.dumps(self._given(), sort_keys=True)
        return {TEXT: text, CHECKSUM: f"{zlib.crc32(text.encode()):08x}"}

    def _given(self) -> dict[str, Any]:
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        given["of"] = self.of._given() if self.of else None
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_parquet(cls, schema: pa.Schema) -> "RunMetadata | None":
        """Read the metadata of a Parquet file; None if it has none of ours. Raises ValueError if it is damaged."""
        stored = schema.metadata or {}
        text = stored.get(TEXT.encode(), b"{}")
        checksum = stored.get(CHECKSUM.encode(), f"{zlib.crc32(text):08x}".encode())  # older files have none
        if checksum != f"{zlib.crc32(text):08x}".encode():
            raise ValueError("its metadata has changed since it was written")
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        return None if given == {} else cls._of(given)

    @classmethod
    def _of(cls, given: Any) -> "RunMetadata":
        if not _is_complete(given):
            raise ValueError("its metadata has changed since it was written")
        known = {each.name for each in fields(cls)}
        if isinstance(given.get("split"), str):
            given = {"task": find_set(given["split"])[0].name} | given  # an older file has no task
        run = cls(**{name: value for name, value in given.items() if name in known})
        return replace(run, of=cls._of(given["of"])) if given.get("of") else run


def _is_complete(given: Any) -> bool:
    """Whether metadata has all fields that reading a file of its format needs."""
    if not isinstance(given, dict) or not isinstance(given.get("format"), str):
        return False
    asked, lengths = given.get("asked", []), given.get("lengths", [1])
    return (
        isinstance(given.get("problems"), int)
        and given["problems"] > 0
        and isinstance(asked, list)
        and all(isinstance(row, list) and [*map(type, row)] == [str] * 3 for row in asked)
        and isinstance(lengths, list)
        and all(isinstance(length, int) and length > 0 for length in lengths)
        and (not given["format"].startswith("ttclab chains") or "lengths" in given)
        and (given["format"] != "ttclab scores 1" or bool(given.get("of")))
    )
