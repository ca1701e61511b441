"""Recording of runs: solutions of models and scores of verifiers, written chunk by chunk."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from .. import data, hub
from ..confidence import MEASURES, TOKENS, TokenConfidence, TokenReader
from ..data import ZOO, folder_of
from ..models.configuration import described, encode, template_of
from ..models.language_model import LanguageModel
from ..models.loading import load as load_model
from ..models.server import ServedModel
from ..models.zoo import directory_of, is_address
from ..policy import Prompt
from ..tasks.problem import Solution, well_formed
from ..tasks.registry import find_set, load_problems
from ..verifiers.loading import load_verifier
from ..verifiers.self_verifier import SelfVerifier
from .draws import Draws
from .files import SCHEMAS, Row, as_recorded, is_done, storable, whole_table, write_table
from .metadata import RunMetadata
from .runs import Searches, chains_name, file_of_run, file_of_scores, path_of, read

ASKED = "asked"  # the policy of the run as its own verifier
CHUNK = 50  # problems per checkpoint
CHAINED = 250  # problems per checkpoint of chains and searches, whose batches are small: twice as fast as 50


def record(
    model: str,
    split: str,
    draws: Draws | None = None,
    *,
    out: Path | None = None,
    chunk: int | None = None,
    shard: tuple[int, int] | None = None,
) -> Path:
    """Draw solutions of each problem of a set, and write them to a file.

    A recording that was killed resumes: at most `chunk` problems are drawn twice, with the same result.

    Parameters
    ----------
    model : str
        A shipped model, a directory, a model on the Hub, or the address of a server.
    split : str
        As for `ttclab.load_problems`.
    draws : Draws, optional
        Settings of the samples.
    out : Path, optional
        The file, by default one in `ttclab/data/runs`. A server needs one.
    chunk : int, optional
        Problems per checkpoint (CHUNK).
    shard : tuple of int, optional
        (i, n) records part i of n, from 1, in a separate file for `merge`.

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
        raise ValueError("a recording from a server has no default file: name one as out")
    out = out or path_of(model, split, at=draws.at, greedy=draws.greedy)
    policy = load_model(model, at=draws.at, device=draws.device, **draws.server)
    task, asked = find_set(split)[0], load_problems(split, limit=draws.problems)
    temperature = policy.sampler(draws.temperature).temperature
    served_name = None if isinstance(policy, LanguageModel) else policy.model
    if isinstance(policy, LanguageModel):
        # Refuse a prompt that is too long now, not after hours.
        policy.encode_prompts([Prompt(problem) for problem in asked])
    files = draws.server.get("files") if served else model
    folder = directory_of(files, draws.at) if files else None
    metadata = RunMetadata(
        format="ttclab samples 1", model=folder.name if folder else served_name,
        weights=weights_hash(folder) if folder else None, split=split, seed=draws.seed, temperature=temperature,
        samples=draws.samples, problems=len(asked), max_new_tokens=draws.max_new_tokens or None,
        served=served_name if served else None,  # without the address, which may change
    )  # fmt: skip
    if folder:
        _, tokenizer = described(folder, local_files_only=True)
        template = template_of(tokenizer, None)
        metadata = replace(
            metadata,
            prompt_tokens=[len(encode(Prompt(each), tokenizer, template)) for each in asked],
            config=_config(policy, folder),
        )
    if task.draw is None:  # problems from a file or the Hub, which may no longer exist when the run is read
        texts = [[well_formed(text) for text in (each.id, each.question, each.answer)] for each in asked]
        metadata = replace(metadata, asked=texts)

    def rows(chunk: range) -> Iterator[Row]:
        chosen = [asked[i] for i in chunk]
        for group in policy.generate(chosen, draws.samples, temperature, draws.seed, draws.max_new_tokens):
            for i, solution in enumerate(group):
                yield {"sample": i, **_row(solution)}

    return write_rows(out, metadata, rows, chunk, shard)


def record_chains(
    model: str,
    split: str,
    lengths: Sequence[int],
    draws: Draws | None = None,
    *,
    feedback: str | None = None,
    out: Path | None = None,
) -> Path:
    """Record revision chains of each problem of a set, one of each length, longest first.

    Parameters
    ----------
    model, split : str
        As for `record`.
    lengths : sequence of int
        Attempts in each chain.
    draws : Draws, optional
        Problems, seed and device; the other settings are ignored.
    feedback : str, optional
        The verifier whose critique each revision reads.
    out : Path, optional
        The file, by default one in `ttclab/data/runs`.
    """
    draws = draws or Draws()
    lengths = sorted(lengths, reverse=True)
    out = out or data.RUNS / f"{chains_name(model, split, feedback)}.parquet"
    folder = folder_of(model)
    policy, asked = load_model(model, device=draws.device), load_problems(split, limit=draws.problems)
    critic: Any = load_verifier(feedback, device=draws.device) if feedback else None
    known = isinstance(policy, LanguageModel)  # a server does not report the tokens of prompts

    def read(*prompt: Any) -> dict[str, int]:
        return {"read": len(policy.encode(Prompt(*prompt)))} if isinstance(policy, LanguageModel) else {}

    metadata = RunMetadata(
        format=f"ttclab chains {1 + known}", model=folder.name, weights=weights_hash(folder), split=split,
        seed=draws.seed, lengths=lengths, feedback=feedback, problems=len(asked),
        prompt_tokens=[read(each)["read"] for each in asked] if known else None,
        config=_config(policy, folder) if known else None,
    )  # fmt: skip

    def rows(chunk: range) -> Iterator[Row]:
        groups = policy.generate([asked[i] for i in chunk], n=len(lengths), seed=draws.seed)
        chains = [[(first, "", read(first.problem))] for group in groups for first in group]
        for attempt in range(1, lengths[0]):
            growing = [chain for i, chain in enumerate(chains) if lengths[i % len(lengths)] > attempt]
            texts = [[solution for solution, _, _ in chain] for chain in growing]
            comments = critic.critique([chain[-1] for chain in texts]) if critic else [None] * len(texts)
            revised = policy.revise([chain[0].problem for chain in texts], texts, comments)
            for chain, solution, comment in zip(growing, revised, comments, strict=True):
                tokens = read(solution.problem, [earlier.text for earlier, _, _ in chain], comment)
                chain.append((solution, comment.code if comment else "", tokens))
        for i, chain in enumerate(chains):
            for attempt, (solution, code, tokens) in enumerate(chain):
                yield {"chain": i % len(lengths), "attempt": attempt, "comment": code, **tokens, **_row(solution)}

    return write_rows(out, metadata, rows, CHAINED)


def record_scores(
    verifier: str | Path, run: str | Path, *, device: str = "auto", out: Path | None = None, **options: Any
) -> Path:
    """Score the solutions of a recorded run with a verifier. Duplicate solutions are read once.

    Parameters
    ----------
    verifier : str or Path
        As for `ttclab.load_verifier`, or computed by the policy of the run: "asked" (`self_verifier.SelfVerifier`), one
        of `confidence.MEASURES`, or "token-confidence" (the confidence in each token).
    run : str or Path
        Name of a run in `ttclab/data/runs` ("small-test"), or a file.
    device : str
        As for `ttclab.load`.
    out : Path, optional
        The file, by default beside the run.
    **options
        Options of `load_verifier` for an open PRM.
    """
    scored = read(file_of_run(run))
    if isinstance(scored, Searches):
        raise ValueError(f"{run} has searches, whose solutions were scored when they were found")
    by_writer = verifier in (ASKED, TOKENS, *MEASURES)
    policy: Any = load_model(str(scored.metadata.model), device=device) if by_writer else None
    scorer: Any
    if verifier == ASKED:
        scorer = SelfVerifier(ASKED, policy)
    elif verifier == TOKENS:
        scorer = TokenReader(policy)
    elif verifier in MEASURES:
        scorer = TokenConfidence(str(verifier), policy=policy)
    else:
        scorer = load_verifier(verifier, device=device, **options)
    out = out or file_of_scores(run, verifier)
    weights = scored.metadata.weights if by_writer else verifier_hash(verifier)
    metadata = RunMetadata(
        format="ttclab scores 1", verifier=str(verifier), weights=weights, run=str(run), of=scored.metadata,
        problems=len(scored.problems),
    )  # fmt: skip

    def rows(chunk: range) -> Iterator[Row]:
        groups = [scored.solutions(i) for i in chunk]
        named = [[(s.problem.id, s.text, s.finished) for s in group] for group in groups]
        distinct = {name: s for names, group in zip(named, groups) for name, s in zip(names, group)}
        solutions = list(distinct.values())
        scores = (
            scorer.score_steps(solutions)
            if hasattr(scorer, "score_steps")
            else [[score] for score in scorer.score(solutions)]
        )
        for solution, steps in zip(solutions, scores, strict=True):
            if not all(0 <= score <= 1 for score in steps):  # False for NaN
                raise ValueError(
                    f"verifier {verifier} must return scores from 0 to 1, not {steps} for a solution of the problem "
                    f"{solution.problem.id!r}"
                )
        scores_of = dict(zip(distinct, scores, strict=True))
        for names in named:
            for place, name in enumerate(names):
                yield {"problem": name[0], "place": place, "steps": scores_of[name]}

    return write_rows(out, metadata, rows)


def write_rows(
    out: Path,
    metadata: RunMetadata,
    rows: Callable[[range], Iterable[Row]],
    chunk: int | None = None,
    shard: tuple[int, int] | None = None,
) -> Path:
    """Write the rows of `metadata.problems` problems chunk by chunk, and join the chunks at the end."""
    problems, chunk = metadata.problems, chunk or CHUNK
    if metadata.split is not None:  # scores have the metadata of their run
        metadata = replace(metadata, task=find_set(metadata.split)[0].name)
    chunks = [range(start, min(start + chunk, problems)) for start in range(0, problems, chunk)]
    if shard:
        i, n = shard
        if not 1 <= i <= n <= len(chunks):
            raise ValueError(
                f"a shard is i of n, 1 <= i <= n, and {problems} problems in chunks of {chunk} make at most "
                f"{len(chunks)}, not {i} of {n}"
            )
        chunks = chunks[(i - 1) * len(chunks) // n : i * len(chunks) // n]
        metadata, out = replace(metadata, shard=[i, n]), out.with_name(f"{out.stem}.{i}-of-{n}{out.suffix}")
    schema = SCHEMAS[metadata.format].with_metadata(metadata.to_parquet())
    if is_done(out, schema, chunks, older=True):
        return out
    parts = out.with_name(out.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    files = []
    for each in tqdm(chunks, desc=out.stem, unit="chunk"):
        files.append(part := parts / f"{each.start:06d}.parquet")
        if not is_done(part, schema, [each]):
            write_table(pa.Table.from_pylist([storable(row) for row in rows(each)], schema), part)
    write_table(pa.concat_tables(as_recorded(whole_table(file), file) for file in files), out)
    shutil.rmtree(parts)
    return out


def _config(policy: LanguageModel | ServedModel, folder: Path) -> dict[str, Any] | None:
    """The configuration of a model that does not ship: without it, a reader of the run cannot count FLOPs."""
    if folder.parent == ZOO:
        return None
    assert policy.config is not None
    return {key: value for key, value in policy.config.to_diff_dict().items() if not key.startswith("_")}


def weights_hash(folder: Path) -> str:
    """SHA-256 of a model's weights, over all files in order."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as content:
            while part := content.read(1 << 24):
                digest.update(part)
    return digest.hexdigest()


def verifier_hash(name: str | Path) -> str | None:
    """Hash of a verifier's weights; None if it has none, like the oracle."""
    return next((weights_hash(folder) for folder in (ZOO / name, Path(name)) if folder.is_dir()), None)


def _row(solution: Solution) -> Row:
    return {
        "problem": solution.problem.id, "text": solution.text, "finished": solution.finished,
        "correct": solution.correct, "tokens": solution.length, "logprob": solution.logprob,
    }  # fmt: skip
