"""Recorded runs: many solutions of a model to every problem of a set, in one Parquet file.

A row is one solution. Columns:

    problem   string   the problem's id, in the order of the set
    sample    int16    0, 1, 2, ...: the place among the solutions of the problem
    text      string   what the model wrote
    finished  bool     it ended by itself
    correct   bool     its answer is right
    tokens    int16    written, end-of-text token included
    logprob   float32  of all tokens at temperature 1, in nats

The file's metadata names the model, the hash of its weights, the split, the seed and the temperature.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm
from transformers import AutoConfig, PreTrainedConfig

from . import flops
from .models import ZOO, folder_of
from .models import load as load_model
from .problems import ArithmeticProblem, Problem, Solution, answer_key, load_problems

RUNS = Path(__file__).parent / "runs"
FORMAT = "ttclab samples 1"
CHUNK = 50  # problems between two writes: what a kill can cost
SCHEMA = pa.schema(
    {
        "problem": pa.string(),
        "sample": pa.int16(),
        "text": pa.string(),
        "finished": pa.bool_(),
        "correct": pa.bool_(),
        "tokens": pa.int16(),
        "logprob": pa.float32(),
    }
)


@dataclass(frozen=True)
class Samples:
    """Recorded solutions; arrays are (problems, samples)."""

    problems: list[Problem]
    texts: NDArray[np.object_]
    finished: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    logprob: NDArray[np.float32]
    made: dict[str, Any]  # model, weights (sha256), split, seed, temperature, samples, problems

    @cached_property
    def config(self) -> PreTrainedConfig:
        return AutoConfig.from_pretrained(ZOO / self.made["model"], local_files_only=True)

    @cached_property
    def prefill_flops(self) -> NDArray[np.int64]:
        """FLOPs of reading each problem, (problems,): paid once, however many solutions follow."""
        return np.array([flops.forward_flops(self.config, len(p.prompt), logits=1) for p in self.problems])

    @cached_property
    def decode_flops(self) -> NDArray[np.int64]:
        """FLOPs of writing each solution, (problems, samples)."""
        counted = {
            (length, tokens): flops.decode_flops(self.config, tokens - 1, length)
            for length, row in zip(self._prompt_lengths, self.tokens, strict=True)
            for tokens in set(row.tolist())
        }
        rows = zip(self._prompt_lengths, self.tokens, strict=True)
        return np.array([[counted[length, tokens] for tokens in row] for length, row in rows])

    @cached_property
    def answers(self) -> NDArray[np.object_]:
        """The answer of each solution in a form that compares by value, or None, (problems, samples)."""
        keys = [[answer_key(solution.answer) for solution in self.solutions(i)] for i in range(len(self.problems))]
        return np.array(keys, dtype=object)

    @property
    def _prompt_lengths(self) -> list[int]:
        return [len(problem.prompt) for problem in self.problems]  # one token a character

    def solutions(self, i: int) -> list[Solution]:
        """The recorded solutions of problem i."""
        return [
            Solution(self.problems[i], text, finished=bool(finished), logprob=float(logprob))
            for text, finished, logprob in zip(self.texts[i], self.finished[i], self.logprob[i], strict=True)
        ]


def record(
    model: str,
    split: str,
    *,
    at: int | None = None,
    greedy: bool = False,
    samples: int = 256,
    problems: int = 500,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
) -> Path:
    """Draw `samples` solutions of a shipped model to each problem of a set, and write them to `ttclab/runs`.

    at: the training step of a model shipped at several; greedy: one greedy solution a problem instead of samples.
    Killed and started again, it goes on where it was: at most CHUNK problems are drawn twice, with the same result.
    """
    out = out or path_of(model, split, at=at, greedy=greedy)
    policy, asked = load_model(model, at=at, device=device), load_problems(split, limit=problems)
    samples, temperature = (1, 0.0) if greedy else (samples, policy.sampler().temperature)
    folder = folder_of(model, at)
    made = {
        "format": FORMAT, "model": folder.name, "weights": weights_hash(folder), "split": split, "seed": seed,
        "temperature": temperature, "samples": samples, "problems": problems,
    }  # fmt: skip
    schema = SCHEMA.with_metadata({"ttclab": json.dumps(made, sort_keys=True)})
    parts = out.with_name(out.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    files = []
    for start in tqdm(range(0, problems, CHUNK), desc=out.stem, unit="chunk"):
        files.append(part := parts / f"{start:06d}.parquet")
        if part.exists() and pq.read_schema(part).metadata == schema.metadata:
            continue
        groups = policy.generate(asked[start : start + CHUNK], n=samples, temperature=temperature, seed=seed)
        _write(pa.Table.from_pylist([_row(i, s) for group in groups for i, s in enumerate(group)], schema), part)
    _write(pa.concat_tables(pq.read_table(file) for file in files), out)
    shutil.rmtree(parts)
    return out


def path_of(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Path:
    """Where the recorded solutions of a shipped model lie."""
    return RUNS / f"{folder_of(model, at).name}-{split}{'-greedy' if greedy else ''}.parquet"


def load(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Samples:
    """The recorded solutions of a shipped model. Raises ValueError if there are none, or the file is not ours."""
    path = path_of(model, split, at=at, greedy=greedy)
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in RUNS.glob("*.parquet"))) or "none"
        raise ValueError(f"no recorded runs {path.stem!r}; there are: {there}")
    return read(path)


def read(path: Path) -> Samples:
    """Recorded solutions from a file. Raises ValueError, with the reason, for one that `record` did not write."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ValueError(f"{path} is damaged or no Parquet file: {error}") from None
    made = json.loads((table.schema.metadata or {}).get(b"ttclab", b"{}"))
    if made.get("format") != FORMAT or not table.schema.equals(SCHEMA):
        raise ValueError(f"{path} is not a file of {FORMAT!r}, but {made.get('format')!r}")
    shape = made["problems"], made["samples"]
    if len(table) != shape[0] * shape[1]:
        raise ValueError(f"{path} should have {shape[0]} x {shape[1]} rows, not {len(table)}")

    def column(name: str) -> NDArray[Any]:
        return table[name].to_numpy().reshape(shape)

    return Samples(
        problems=[ArithmeticProblem.from_expression(expression) for expression in column("problem")[:, 0]],
        texts=column("text"),
        finished=column("finished"),
        correct=column("correct"),
        tokens=column("tokens").astype(np.int64),
        logprob=column("logprob"),
        made=made,
    )


def weights_hash(folder: Path) -> str:
    """SHA-256 of a model's weights."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def _row(sample: int, solution: Solution) -> dict[str, Any]:
    return {
        "problem": solution.problem.id, "sample": sample, "text": solution.text, "finished": solution.finished,
        "correct": solution.correct, "tokens": len(solution.tokens), "logprob": solution.logprob,
    }  # fmt: skip


def _write(table: pa.Table, path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    pq.write_table(table, partial, compression="zstd", compression_level=19)
    os.replace(partial, path)
