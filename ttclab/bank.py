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
    comment   string   the feedback that was shown with the attempt before, as its code; empty for none
scores     of a verifier for the solutions of another file, in its order, a row each
    place     int32    of the solution among those of the problem
    steps     list of float32: a score for each step (PRM), or one for the whole (ORM)
searches   one search a problem, by beams or by step-level revision, a row each
    texts, finished, correct, tokens, scores: lists, one entry a solution that the search returned
    prefill, decode, cached, lookahead, verifier: int64, FLOPs charged by kind; verifier_calls: int32

The metadata of a file names what made it: the models with the hashes of their weights, the split, the seed.
Pages and metadata carry checksums, which are verified when a file is read. Files written before 2026-11-26 have int16
where int32 stands above, and no checksum of the metadata; they are read alike. Rows that another tool has put in
another order are put back in the order in which they were recorded, or the file is refused.
"""

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm
from transformers import AutoConfig, PreTrainedConfig

from . import flops, hub
from .beam_search import beam_search
from .files import atomic
from .models import HOME, ZOO, LanguageModel, described, directory_of, encode, folder_of, is_address, template_of
from .models import load as load_model
from .policy import Prompt
from .problems import (
    SPLITS,
    ArithmeticProblem,
    Problem,
    Solution,
    answer_key,
    load_problems,
    show_attempts,
    well_formed,
)
from .recording import Draws
from .revision import step_revise
from .sampling import Result
from .self_verifier import SelfVerifier
from .text_problems import TextProblem
from .verifiers import ForgetfulOracle, NoisyOracle, load_verifier
from .word_problems import word_problem

RUNS = HOME / "runs"
ASKED = "asked"  # a verifier: the policy that wrote the run
CHUNK = 50  # problems between two writes: what a kill can cost
_WRITTEN = {
    "text": pa.string(),
    "finished": pa.bool_(),
    "correct": pa.bool_(),
    "tokens": pa.int32(),
    "logprob": pa.float32(),
}
KINDS = ("prefill", "decode", "cached", "lookahead", "verifier")  # of FLOPs that a search is charged
SCHEMAS = {
    "ttclab samples 1": pa.schema({"problem": pa.string(), "sample": pa.int32(), **_WRITTEN}),
    "ttclab chains 1": pa.schema(
        {"problem": pa.string(), "chain": pa.int32(), "attempt": pa.int32(), "comment": pa.string(), **_WRITTEN}
    ),
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
    "ttclab scores 1": ("place",),
    "ttclab searches 1": (),
}


@dataclass(frozen=True)
class _Written:
    """Recorded solutions; arrays are (problems, solutions of each). made: the file's metadata."""

    problems: list[Problem]
    texts: NDArray[np.object_]
    finished: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    logprob: NDArray[np.float32]
    made: dict[str, Any]

    @cached_property
    def config(self) -> PreTrainedConfig:
        if "config" in self.made:
            return AutoConfig.for_model(**self.made["config"])
        return AutoConfig.from_pretrained(ZOO / self.made["model"], local_files_only=True)

    def shown(self, i: int, j: int) -> str:
        """What stood before problem i when solution j was written."""
        return ""

    def solutions(self, i: int) -> list[Solution]:
        """The recorded solutions of problem i."""
        rows = zip(self.texts[i], self.finished[i], self.logprob[i], strict=True)
        return [
            Solution(self.problems[i], text, finished=bool(finished), logprob=float(logprob), shown=self.shown(i, j))
            for j, (text, finished, logprob) in enumerate(rows)
        ]

    @cached_property
    def answers(self) -> NDArray[np.object_]:
        """The answer of each solution in a form that compares by value, or None, (problems, solutions)."""
        keys = []
        for problem, texts, finished in zip(self.problems, self.texts, self.finished, strict=True):
            found = {text: answer_key(problem.read(text)[1]) for text in {*texts}}  # most are sampled more than once
            keys.append([found[text] if done else None for text, done in zip(texts, finished, strict=True)])
        return np.array(keys, dtype=object)


@dataclass(frozen=True)
class Samples(_Written):
    """Recorded samples; arrays are (problems, samples)."""

    @cached_property
    def prefill_flops(self) -> NDArray[np.int64]:
        """FLOPs of reading each problem, (problems,): paid once, however many solutions follow."""
        return np.array([flops.forward_flops(self.config, length, logits=1) for length in self.prompt_tokens])

    @cached_property
    def decode_flops(self) -> NDArray[np.int64]:
        """FLOPs of writing each solution, (problems, samples)."""
        counted = {
            (length, tokens): flops.decode_flops(self.config, tokens - 1, length)
            for length, row in zip(self.prompt_tokens, self.tokens, strict=True)
            for tokens in set(row.tolist())
        }
        rows = zip(self.prompt_tokens, self.tokens, strict=True)
        return np.array([[counted[length, tokens] for tokens in row] for length, row in rows])

    @cached_property
    def worked(self) -> NDArray[np.bool_]:
        """Whether the working is right as well as the answer: every step of the solution, (problems, samples)."""
        checked = self.correct.copy()
        for i, problem in enumerate(self.problems):
            right = {text: all(problem.check_steps(problem.read(text)[0])) for text in set(self.texts[i])}
            checked[i] &= [right[text] for text in self.texts[i]]
        return checked

    @property
    def prompt_tokens(self) -> list[int]:
        """Tokens that each problem's solutions are written after."""
        # The tiny models read one token a character.
        return self.made.get("prompt_tokens") or [len(problem.prompt) for problem in self.problems]


@dataclass(frozen=True)
class Chains(_Written):
    """Recorded revision chains; arrays are (problems, attempts), all attempts of all chains of a problem in a row.

    Chains are laid out alike for every problem, so `at` and `first` name the columns of any of these arrays.

    Parameters
    ----------
    chain_index, place : array of (problems, attempts)
        The chain that an attempt is of, and its place in that chain, 0 for the first attempt.
    comments : array of (problems, attempts)
        The feedback shown with the attempt before.
    """

    chain_index: NDArray[np.int64]
    place: NDArray[np.int64]
    comments: NDArray[np.object_]

    @property
    def lengths(self) -> list[int]:
        """The number of attempts in each chain."""
        return list(self.made["lengths"])

    def at(self, place: int) -> NDArray[np.intp]:
        """Columns of the attempts at a place in their chain, 0 the first, of the chains that are long enough."""
        return np.flatnonzero(self.place[0] == place)

    def attempt(self, place: int) -> NDArray[np.bool_]:
        """Whether the attempts at a place in their chain are right, (problems, chains), as `at` has them."""
        return self.correct[:, self.at(place)]

    def first(self, M: int | None, T: int) -> NDArray[np.intp]:
        """Columns of the first T revisions of the first M chains that have as many, (chains, 1 + T).

        Parameters
        ----------
        M : int or None
            How many chains; None takes all that are long enough.
        T : int
            Revisions after the first attempt.

        Raises
        ------
        ValueError
            If fewer than M chains have T revisions.
        """
        long = [chain for chain, length in enumerate(self.lengths) if length > T]
        if M is not None and len(long) < M:
            raise ValueError(f"{len(long)} recorded chains have {T} revisions or more, not {M}")
        starts = np.flatnonzero(self.place[0] == 0)[long[:M]]  # a chain is recorded attempt by attempt
        return starts[:, None] + np.arange(T + 1)

    @cached_property
    def firsts(self) -> Samples:
        """The first attempts of all chains, which are samples."""
        begun = self.at(0)
        return Samples(
            self.problems,
            self.texts[:, begun],
            self.finished[:, begun],
            self.correct[:, begun],
            self.tokens[:, begun],
            self.logprob[:, begun],
            self.made,
        )

    def shown(self, i: int, j: int) -> str:
        first = j - self.place[i, j]  # a chain is recorded attempt by attempt
        return show_attempts(self.texts[i, first:j].tolist(), self.comments[i, j]) if first < j else ""

    @cached_property
    def flops(self) -> NDArray[np.int64]:
        """FLOPs of each attempt, reading what it was shown and writing, (problems, attempts)."""

        @cache
        def cost(read: int, tokens: int) -> int:
            return flops.forward_flops(self.config, read, logits=1) + flops.decode_flops(self.config, tokens - 1, read)

        rows = zip(self.read_tokens, self.tokens, strict=True)
        return np.array([[cost(int(read), int(n)) for read, n in zip(*row, strict=True)] for row in rows])

    @cached_property
    def read_tokens(self) -> NDArray[np.int64]:
        """Tokens that each attempt was written after, earlier attempts and problem, (problems, attempts)."""
        counts = np.zeros(self.texts.shape, dtype=np.int64)
        for i, j in np.ndindex(counts.shape):
            counts[i, j] = len(self.shown(i, j)) + len(self.problems[i].prompt)  # one token a character
        return counts


@dataclass(frozen=True)
class Searches:
    """Recorded beam searches or step-level revisions, one a problem. flops: by kind, (problems,) each."""

    problems: list[Problem]
    found: list[list[Solution]]
    scores: list[list[float]]
    flops: dict[str, NDArray[np.int64]]
    made: dict[str, Any]

    @property
    def total_flops(self) -> NDArray[np.float64]:
        """All that each search is charged, (problems,): without what shared prefixes saved."""
        return np.sum([spent for kind, spent in self.flops.items() if kind != "cached"], axis=0, dtype=float)

    def correct(self, choose: str = "best") -> NDArray[np.bool_]:
        """Whether the answer chosen from what each search returned is right, (problems,)."""
        pairs = zip(self.found, self.scores, strict=True)
        return np.array([Result.chosen(choose, found, scores).correct for found, scores in pairs])


def record(
    model: str,
    split: str,
    draws: Draws | None = None,
    *,
    out: Path | None = None,
    chunk: int | None = None,
    shard: tuple[int, int] | None = None,
) -> Path:
    """Draw solutions of a model to each problem of a set, and write them to a file.

    Killed and started again, recording resumes: at most `chunk` problems are drawn twice, with the same result.

    Parameters
    ----------
    model : str
        A shipped model, a directory, a model on the Hub, or the address of a server.
    split : str
        As for `ttclab.load_problems`.
    draws : Draws, optional
        What is drawn.
    out : Path, optional
        The file, by default one in `ttclab/runs`. A server needs one.
    chunk : int, optional
        Problems between two writes (CHUNK).
    shard : tuple of int, optional
        (i, n) for the i-th of n machines, from 1: its part of the problems, in a file of its own, for `merge`.

    Raises
    ------
    OSError
        If the disk is full or the server is unreachable.
    ValueError
        For an invalid shard.
    """
    draws = draws or Draws()
    hub.refuse_page(model)
    served = is_address(model)
    if served and out is None:
        raise ValueError("what a server writes is recorded where you say: name a file as out")
    out = out or path_of(model, split, at=draws.at, greedy=draws.greedy)
    policy = load_model(model, at=draws.at, device=draws.device, **draws.server)
    asked = load_problems(split, limit=draws.problems)
    temperature = policy.sampler(draws.temperature).temperature
    served_name = None if isinstance(policy, LanguageModel) else policy.model
    if isinstance(policy, LanguageModel):
        # A prompt that is too long is refused now, and not after hours.
        policy.encode_prompts([Prompt(problem) for problem in asked])
    files = draws.server.get("files") if served else model
    folder = directory_of(files, draws.at) if files else None
    made: dict[str, Any] = {
        "format": "ttclab samples 1", "model": folder.name if folder else served_name,
        "weights": weights_hash(folder) if folder else None, "split": split, "seed": draws.seed,
        "temperature": temperature, "samples": draws.samples, "problems": len(asked),
    }  # fmt: skip
    if served:  # by its name there, for a server may come back at another address
        made["served"] = served_name
    if folder and folder.parent != ZOO:  # a reader may not have the model: what FLOPs are counted from goes with it
        _, tokenizer = described(folder, local_files_only=True)
        template = template_of(tokenizer, None)
        assert policy.config is not None
        made["config"] = {key: value for key, value in policy.config.to_diff_dict().items() if not key.startswith("_")}
        made["prompt_tokens"] = [len(encode(Prompt(each), tokenizer, template)) for each in asked]
    if draws.max_new_tokens:
        made["max_new_tokens"] = draws.max_new_tokens
    if split.removeprefix("words-") not in SPLITS:  # of a file or the Hub, which may be gone when the run is read
        made["asked"] = [[well_formed(text) for text in (each.id, each.question, each.answer)] for each in asked]

    def rows(chunk: range) -> Iterator[dict[str, Any]]:
        chosen = [asked[i] for i in chunk]
        for group in policy.generate(chosen, draws.samples, temperature, draws.seed, draws.max_new_tokens):
            for i, solution in enumerate(group):
                yield {"sample": i, **_row(solution)}

    return _record(out, made, rows, chunk, shard)


def record_chains(
    model: str,
    split: str,
    lengths: Sequence[int],
    *,
    feedback: str | None = None,
    problems: int = 500,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
) -> Path:
    """Write revision chains to each problem of a set, one of each length, the longest first.

    lengths: attempts in each chain; feedback: the verifier whose critique each revision reads, if any.
    """
    lengths = sorted(lengths, reverse=True)
    out = out or RUNS / f"{model}-{split}-chains{f'-{feedback}' if feedback else ''}.parquet"
    policy, asked = load_model(model, device=device), load_problems(split, limit=problems)
    critic = load_verifier(feedback, device=device) if feedback else None
    made = {
        "format": "ttclab chains 1", "model": model, "weights": weights_hash(folder_of(model)), "split": split,
        "seed": seed, "lengths": lengths, "feedback": feedback, "problems": problems,
    }  # fmt: skip

    def rows(chunk: range) -> Iterator[dict[str, Any]]:
        groups = policy.generate([asked[i] for i in chunk], n=len(lengths), seed=seed)
        chains = [[(first, "")] for group in groups for first in group]
        for attempt in range(1, lengths[0]):
            growing = [chain for i, chain in enumerate(chains) if lengths[i % len(lengths)] > attempt]
            texts = [[solution for solution, _ in chain] for chain in growing]
            said = critic.critique([chain[-1] for chain in texts]) if critic else [None] * len(texts)
            revised = policy.revise([chain[0].problem for chain in texts], texts, said)
            for chain, solution, comment in zip(growing, revised, said, strict=True):
                chain.append((solution, comment.code if comment else ""))
        for i, chain in enumerate(chains):
            for attempt, (solution, code) in enumerate(chain):
                yield {"chain": i % len(lengths), "attempt": attempt, "comment": code, **_row(solution)}

    return _record(out, made, rows)


def record_scores(
    verifier: str | Path, run: str | Path, *, device: str = "auto", out: Path | None = None, **options: Any
) -> Path:
    """Have a verifier score the solutions of a recorded run; what is there twice is read once.

    verifier: also "asked", the policy that wrote the run, asked of each solution whether it is right
    (`self_verifier.SelfVerifier`); run: its name in `ttclab/runs` ("small-test"), or its file; out: by default beside
    it; options: of `load_verifier`, for an open PRM.
    """
    scored = read(_file_of(run))
    if verifier == ASKED:
        judge: Any = SelfVerifier(ASKED, load_model(scored.made["model"], device=device))
    else:
        judge = load_verifier(verifier, device=device, **options)
    out, sees = out or _scores_of(run, verifier), getattr(judge, "sees_attempts", False)
    weights = scored.made["weights"] if verifier == ASKED else _verifier_hash(verifier)
    made = {
        "format": "ttclab scores 1", "verifier": str(verifier), "weights": weights, "run": str(run),
        "of": scored.made, "problems": len(scored.problems),
    }  # fmt: skip

    def rows(chunk: range) -> Iterator[dict[str, Any]]:
        groups = [scored.solutions(i) for i in chunk]
        named = [[(s.problem.id, s.shown if sees else "", s.text, s.finished) for s in group] for group in groups]
        distinct = {name: s for names, group in zip(named, groups) for name, s in zip(names, group)}
        asked = list(distinct.values())
        said = judge.score_steps(asked) if hasattr(judge, "score_steps") else [[score] for score in judge.score(asked)]
        for solution, steps in zip(asked, said, strict=True):
            if not all(0 <= score <= 1 for score in steps):  # NaN is not
                raise ValueError(
                    f"verifier {verifier} must return scores from 0 to 1, not {steps} for a solution of the problem "
                    f"{solution.problem.id!r}"
                )
        of = dict(zip(distinct, said, strict=True))
        for names in named:
            for place, name in enumerate(names):
                yield {"problem": name[0], "place": place, "steps": of[name]}

    return _record(out, made, rows)


def record_search(
    model: str,
    verifier: str,
    split: str,
    N: int,
    M: int,
    *,
    lookahead: int = 0,
    problems: int = 500,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
) -> Path:
    """Run beam search on each problem of a set. A budget has to be run to be known: it is no subset of a larger one."""
    name = f"{model}-{split}-beam-{verifier}-{N}x{M}{f'-ahead{lookahead}' if lookahead else ''}"
    policy, asked = load_model(model, device=device), load_problems(split, limit=problems)
    judge = load_verifier(verifier, device=device)
    made = {
        "format": "ttclab searches 1", "model": model, "weights": weights_hash(folder_of(model)),
        "verifier": verifier, "verifier_weights": _verifier_hash(verifier), "split": split, "seed": seed,
        "N": N, "M": M, "lookahead": lookahead, "problems": problems,
    }  # fmt: skip

    def rows(chunk: range) -> Iterator[dict[str, Any]]:
        found = beam_search(policy, judge, [asked[i] for i in chunk], N, M, lookahead=lookahead, seed=seed)
        return map(_search_row, found)

    return _record(out or RUNS / f"{name}.parquet", made, rows)


def record_step_revision(
    model: str,
    verifier: str,
    split: str,
    T: int,
    M: int = 1,
    *,
    quality: float | None = None,
    forgetful: bool = False,
    problems: int = 500,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
) -> Path:
    """Run step-level revision on each problem of a set, M chains of at most T revisions.

    Parameters
    ----------
    model, verifier, split : str
        The verifier doubts the steps that it scores below its threshold (THRESHOLDS).
    T, M : int
    quality : float or None
        Of the oracle alone: put noise before it, so that its AUC is this.
    forgetful : bool
        The noise is drawn anew for each step that is written (`ForgetfulOracle`), and not once for each text.
    problems, seed, device, out
        As in `record_search`.
    """
    policy, asked = load_model(model, device=device), load_problems(split, limit=problems)
    if quality is None:
        judge: Any = load_verifier(verifier, device=device)
    else:
        judge = ForgetfulOracle(quality) if forgetful else NoisyOracle(quality)
    threshold = THRESHOLDS[verifier]
    made = {
        "format": "ttclab searches 1", "model": model, "weights": weights_hash(folder_of(model)),
        "verifier": verifier, "verifier_weights": _verifier_hash(verifier), "quality": quality, "split": split,
        "seed": seed, "M": M, "T": T, "threshold": threshold, "problems": problems,
    }  # fmt: skip
    if forgetful:
        made["forgetful"] = True

    def rows(chunk: range) -> Iterator[dict[str, Any]]:
        found = step_revise(policy, judge, [asked[i] for i in chunk], T, M=M, threshold=threshold, seed=seed)
        return map(_search_row, found)

    name = _step_revision_name(model, verifier, split, T, M, quality, forgetful)
    return _record(out or RUNS / f"{name}.parquet", made, rows)


def _step_revision_name(
    model: str, verifier: str, split: str, T: int, M: int, quality: float | None, forgetful: bool
) -> str:
    # In hundredths: a dot would make it a file of scores.
    noise = "" if quality is None else f"-{round(100 * quality)}{'-forgetful' if forgetful else ''}"
    return f"{model}-{split}-steps-{verifier}{noise}-{M}x{1 + T}"


def _search_row(result: Result) -> dict[str, Any]:
    return {
        "problem": result.solution.problem.id,
        "texts": [s.text for s in result.solutions],
        "finished": [s.finished for s in result.solutions],
        "correct": [s.correct for s in result.solutions],
        "tokens": [s.length for s in result.solutions],
        "scores": result.scores,
        **{kind: result.cost.flops[kind] for kind in KINDS},
        "verifier_calls": result.cost.verifier_calls,
    }


def best_threshold(verifier: str, model: str = "small", T: int = 15, *, device: str = "auto") -> float:
    """Of 0.1, 0.2 ... 0.9 the threshold with which step-level revision solves most validation problems.

    Of equally good ones the cheapest. So THRESHOLDS were chosen.
    """
    policy, judge = load_model(model, device=device), load_verifier(verifier, device=device)
    asked = load_problems("validation")

    def worth(threshold: float) -> tuple[int, int]:
        found = step_revise(policy, judge, asked, T, threshold=threshold)
        return sum(result.correct for result in found), -sum(result.cost.total_flops for result in found)

    return max((i / 10 for i in range(1, 10)), key=worth)


# Below which score a step is doubted, by `best_threshold`; the oracle's scores are 0 and 1.
THRESHOLDS = {"oracle": 0.5, "prm": 0.4, "prm-weak": 0.9, "prm-rollouts": 0.8, "prm-exact": 0.5, "prm-large": 0.5}
REVISIONS = (0, 1, 3, 7, 15, 31)  # the most revisions of the recorded chains
STEP_HYBRIDS = ((4, 3), (4, 7))  # chains and their revisions
CRITICS = ("oracle", "prm-weak", "prm-rollouts", "prm-exact", "prm-large")  # beside the PRM, with T=15
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)  # of oracles with noise


BEAMS = ((4, 4), (16, 4), (64, 4))  # budgets N and widths M of the recorded searches
MORE_BEAMS = ((4, 2), (8, 4), (16, 2), (16, 8), (32, 4), (64, 8))  # with the PRM alone: what a policy may choose from


# Chains of every length up to 64 attempts, 256 attempts a problem: any hybrid M x T of as many attempts can be cut out.
CHAINS = (64, 32, *[16] * 2, *[8] * 4, *[4] * 8, *[2] * 16, *[1] * 32)
CHAINS_WITH_FEEDBACK = (8,) * 4


def record_all(device: str = "auto") -> None:
    """Record every run of a shipped model, where it is not there already from the weights as they are."""
    for split in ("test", "validation"):
        record("small", split, Draws(device=device))
    record("small", "test", Draws(greedy=True, device=device))
    for folder in ZOO.glob("large-*"):
        at = int(folder.name.removeprefix("large-"))
        record("large", "test", Draws(at=at, greedy=True, device=device))
        record("large", "test", Draws(at=at, samples=64, device=device))
    for split in ("test", "validation"):
        record_chains("revision", split, CHAINS, device=device)
        for verifier in ("prm-revision", "prm", "prm-large"):
            record_scores(verifier, f"revision-{split}-chains", device=device)
    for verifier in ("oracle", "prm-revision", "self"):
        record_chains("revision", "test", CHAINS_WITH_FEEDBACK, feedback=verifier, device=device)
    record("revision-control", "test", Draws(samples=64, device=device))
    for verifier in ("orm", "prm", "prm-large", "prm-weak", "prm-rollouts", "prm-exact"):
        record_scores(verifier, "small-test", device=device)
    for verifier in ("prm", "prm-large"):
        record_scores(verifier, "small-validation", device=device)
        for split in ("test", "validation"):
            for N, M in BEAMS:
                record_search("small", verifier, split, N, M, device=device)
    for split in ("test", "validation"):
        for N, M in MORE_BEAMS:
            record_search("small", "prm", split, N, M, device=device)
    for N, M in BEAMS:
        record_search("small", "prm-weak", "test", N, M, device=device)
    record_search("small", "prm-large", "test", 16, 4, lookahead=1, device=device)
    record_step_revisions(device)


def record_step_revisions(device: str = "auto") -> None:
    """Record every step-level revision that ships."""
    for split in ("test", "validation"):
        for T in REVISIONS:
            record_step_revision("small", "prm", split, T, device=device)
        for M, T in STEP_HYBRIDS:
            record_step_revision("small", "prm", split, T, M, device=device)
    for verifier in CRITICS:
        record_step_revision("small", verifier, "test", 15, device=device)
    for quality in QUALITIES:
        for forgetful in (False, True):
            record_step_revision("small", "oracle", "test", 15, quality=quality, forgetful=forgetful, device=device)


def _record(
    out: Path,
    made: dict[str, Any],
    rows: Callable[[range], Iterable[dict[str, Any]]],
    chunk: int | None = None,
    shard: tuple[int, int] | None = None,
) -> Path:
    """Write the rows of `made["problems"]` problems, a chunk at a time, and join them when all are there."""
    problems, chunk = made["problems"], chunk or CHUNK
    chunks = [range(start, min(start + chunk, problems)) for start in range(0, problems, chunk)]
    if shard:
        i, n = shard
        if not 1 <= i <= n <= len(chunks):
            raise ValueError(
                f"a shard is i of n, 1 <= i <= n, and {problems} problems in chunks of {chunk} make at most "
                f"{len(chunks)}, not {i} of {n}"
            )
        chunks = chunks[(i - 1) * len(chunks) // n : i * len(chunks) // n]
        made, out = {**made, "shard": [i, n]}, out.with_name(f"{out.stem}.{i}-of-{n}{out.suffix}")
    schema = SCHEMAS[made["format"]].with_metadata(_metadata(made))
    if _is_done(out, schema, chunks):
        return out
    parts = out.with_name(out.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    files = []
    for each in tqdm(chunks, desc=out.stem, unit="chunk"):
        files.append(part := parts / f"{each.start:06d}.parquet")
        if not _is_done(part, schema, [each]):
            _write(pa.Table.from_pylist([_storable(row) for row in rows(each)], schema), part)
    _write(pa.concat_tables(_as_recorded(_whole_table(file), file) for file in files), out)
    shutil.rmtree(parts)
    return out


def _is_done(path: Path, schema: pa.Schema, chunks: Sequence[range]) -> bool:
    """Whether a file is there, whole, of this recording, and of as many problems."""
    try:
        table = _whole_table(path)
        same = _made(table, path) == json.loads(schema.metadata[b"ttclab"])
        return same and len(_as_recorded(table, path)["problem"].unique()) == sum(map(len, chunks))
    except ValueError:
        return False


def merge(files: Sequence[Path], out: Path) -> Path:
    """Join the shards of one recording, in any order: the file is the one that a single machine would have written.

    Raises ValueError unless they are all shards of the same recording, each there once, and whole.
    """
    shards: dict[int, pa.Table] = {}
    found: set[str] = set()
    for file in files:
        table = _whole_table(file)
        made = _made(table, file)
        i, n = made.pop("shard", (0, 0))
        found.add(json.dumps({**made, "shards": n}, sort_keys=True))
        if not n or len(found) > 1 or i in shards:
            rule = "no shard" if not n else "there twice" if i in shards else "of another recording than those before"
            raise ValueError(f"shards of one recording are merged, each once: {file} is {rule}")
        shards[i] = _as_recorded(table, file).replace_schema_metadata(_metadata(made))
    if missing := sorted({*range(1, n + 1)} - {*shards}) if files else [1]:
        raise ValueError(f"a recording is merged from all its shards: missing {', '.join(map(str, missing))}")
    _write(pa.concat_tables(shards[i] for i in sorted(shards)), out)
    return out


def path_of(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Path:
    """Where the recorded solutions of a shipped model lie."""
    return RUNS / f"{folder_of(model, at).name}-{split}{'-greedy' if greedy else ''}.parquet"


def load(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Samples:
    """The recorded solutions of a shipped model. Raises ValueError if there are none, or the file is not ours."""
    found = _load(path_of(model, split, at=at, greedy=greedy).stem)
    assert isinstance(found, Samples)
    return found


def load_chains(model: str, split: str, *, feedback: str | None = None) -> Chains:
    """The recorded revision chains of a shipped model. Errors as in `load`."""
    found = _load(f"{model}-{split}-chains{f'-{feedback}' if feedback else ''}")
    assert isinstance(found, Chains)
    return found


def load_scores(verifier: str | Path, run: str | Path) -> list[list[list[float]]]:
    """What a verifier said of a recorded run: for each problem, for each solution, a list of scores.

    verifier, run: as `record_scores` was told.

    Raises ValueError as `load` does, and if the scores are not of the run as it is now.
    """
    table, made = _open(_there(_scores_of(run, verifier)))
    scored = read(_file_of(run))
    each = len(table) // made["problems"]
    names = table["problem"].to_numpy()[::each].tolist()
    if made["of"] != scored.made or names != [p.id for p in scored.problems] or each != scored.texts.shape[1]:
        raise ValueError(
            f"the recorded scores of {str(verifier)!r} are of another run than {str(run)!r} is now: record them again"
        )
    steps = table["steps"].to_pylist()
    return [steps[i : i + each] for i in range(0, len(steps), each)]


def load_searches(model: str, verifier: str, split: str, N: int, M: int, *, lookahead: int = 0) -> Searches:
    """The recorded beam searches with a budget. Errors as in `load`."""
    found = _load(f"{model}-{split}-beam-{verifier}-{N}x{M}{f'-ahead{lookahead}' if lookahead else ''}")
    assert isinstance(found, Searches)
    return found


def load_step_revision(
    model: str,
    verifier: str,
    split: str,
    T: int,
    M: int = 1,
    *,
    quality: float | None = None,
    forgetful: bool = False,
) -> Searches:
    """The recorded step-level revisions, as `record_step_revision` was told. Errors as in `load`."""
    found = _load(_step_revision_name(model, verifier, split, T, M, quality, forgetful))
    assert isinstance(found, Searches)
    return found


def read(path: Path) -> Any:
    """Recorded solutions from a file: Samples, Chains or Searches.

    Raises ValueError, with the reason, for one that was not recorded here.
    """
    table, made = _open(path)
    if made["format"] == "ttclab scores 1":
        raise ValueError(f"{path} has scores and no solutions: bank.load_scores reads it")
    names = table["problem"].unique().to_pylist()
    told = {name: TextProblem.of(name, *said) for name, *said in made.get("asked", [])}
    problems = [told.get(name) or problem_of(name) for name in names]
    if made["format"] == "ttclab searches 1":
        rows = table.to_pylist()
        found = [
            [Solution(problem, text, finished=finished) for text, finished in zip(row["texts"], row["finished"])]
            for problem, row in zip(problems, rows, strict=True)
        ]
        costs = {kind: table[kind].to_numpy() for kind in KINDS}
        return Searches(problems, found, [row["scores"] for row in rows], costs, made)

    def column(name: str) -> NDArray[Any]:
        return table[name].to_numpy().reshape(len(problems), -1)

    written: dict[str, Any] = {
        "texts": column("text"),
        "finished": column("finished"),
        "correct": column("correct"),
        "tokens": column("tokens").astype(np.int64),
        "logprob": column("logprob"),
        "made": made,
    }
    if made["format"] == "ttclab samples 1":
        return Samples(problems, **written)
    chain, attempt = (column(name).astype(np.int64) for name in ("chain", "attempt"))
    return Chains(problems, chain_index=chain, place=attempt, comments=column("comment"), **written)


def problem_of(id: str) -> Problem:
    """The problem that a recorded row names. Raises ValueError for an id that is of no known task."""
    return word_problem(id) if ": " in id else ArithmeticProblem.from_expression(id)


def _file_of(run: str | Path) -> Path:
    """The file of a recorded run, which may be named by itself."""
    path = Path(run)
    return path if path.suffix == ".parquet" else RUNS / f"{run}.parquet"


def _scores_of(run: str | Path, verifier: str | Path) -> Path:
    """The file of a verifier's scores for a run, beside it: "small-test.prm.parquet"."""
    file = _file_of(run)
    named = str(verifier).strip("/").replace("/", "--")
    return file.with_name(f"{file.stem}.{named}.parquet")


def _there(path: Path) -> Path:
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.parquet"))) or "none"
        raise ValueError(f"no recorded runs {path.stem!r}; there are: {there}")
    return path


def _load(stem: str) -> Any:
    return read(_there(_file_of(stem)))


def _open(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """A file's table, its rows in the order in which they were recorded, and its metadata, if it is whole and ours."""
    table = _whole_table(path)
    made = _made(table, path)
    table = _as_recorded(table, path)
    if "shard" in made:
        raise ValueError(f"{path} is one of {made['shard'][1]} shards of a recording: merge them")
    problems = made["problems"]
    if not len(table) or len(table) % problems or len(table["problem"].unique()) != problems:
        raise ValueError(f"{path} should have as many rows for each of {problems} problems, not {len(table)} in all")
    return _in_order(table, made, path), made


def _whole_table(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        assert all(table.column_names)  # decodes them
        return table
    except Exception as error:  # a damaged file can make the reader raise anything, MemoryError included
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{path} is damaged or no Parquet file: {reason}") from None


def _metadata(made: dict[str, Any]) -> dict[str, str]:
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
        and (made["format"] != "ttclab chains 1" or "lengths" in made)
        and (made["format"] != "ttclab scores 1" or _is_complete(made.get("of")))
    )


def _as_recorded(table: pa.Table, path: Path) -> pa.Table:
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
    return _ids(split, made["problems"]) if split.removeprefix("words-") in SPLITS else ()


def weights_hash(folder: Path) -> str:
    """SHA-256 of a model's weights, of all files that they are in, one after the other."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as content:
            while part := content.read(1 << 24):
                digest.update(part)
    return digest.hexdigest()


def _verifier_hash(name: str | Path) -> str | None:
    """Of its weights, where they are in a folder that is known: the oracle has none."""
    return next((weights_hash(folder) for folder in (ZOO / name, Path(name)) if folder.is_dir()), None)


def _row(solution: Solution) -> dict[str, Any]:
    return {
        "problem": solution.problem.id, "text": solution.text, "finished": solution.finished,
        "correct": solution.correct, "tokens": solution.length, "logprob": solution.logprob,
    }  # fmt: skip


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose texts Parquet takes: a half of a surrogate pair, which a server may send, is no text."""

    def cell(value: Any) -> Any:
        if isinstance(value, str):
            return well_formed(value)
        return [cell(each) for each in value] if isinstance(value, list) else value

    return {name: cell(value) for name, value in row.items()}


def _write(table: pa.Table, path: Path) -> None:
    """Write a file whole or not at all, even if the process is killed."""
    try:
        with atomic(path) as partial:
            pq.write_table(table, partial, compression="zstd", compression_level=19, write_page_checksum=True)
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error}): make room, and the same command goes on from what is there"
        ) from None
