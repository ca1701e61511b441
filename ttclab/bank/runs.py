"""Recorded runs as arrays: samples, chains, scores and searches, read from their files."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import data, flops
from ..answers import answer_key
from ..data import ZOO, folder_of
from ..sampling import Result
from ..tasks.problem import Feedback, Problem, Solution
from ..tasks.registry import TASKS
from ..tasks.task import Task
from ..tasks.text_problems import TextProblem
from .files import KINDS, open_table
from .metadata import RunMetadata

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


@dataclass(frozen=True)
class _Solutions:
    """Recorded solutions with the metadata of their file. Arrays are (problems, solutions)."""

    problems: list[Problem]
    texts: NDArray[np.object_]
    finished: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    logprob: NDArray[np.float32]
    metadata: RunMetadata

    @property
    def task(self) -> Task:
        return task_of(self.metadata)

    @property
    def prompt_tokens(self) -> list[int]:
        """Tokens of each problem's prompt."""
        return self.metadata.prompt_tokens or [self.task.count_tokens(each.prompt) for each in self.problems]

    @cached_property
    def config(self) -> "PreTrainedConfig":
        """Configuration of the policy, from which FLOPs are counted."""
        from transformers import AutoConfig

        if self.metadata.config:
            return AutoConfig.for_model(**self.metadata.config)
        return AutoConfig.from_pretrained(ZOO / str(self.metadata.model), local_files_only=True)

    def shown(self, i: int, j: int) -> str:
        """Text shown before problem i for solution j."""
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
            found = {text: answer_key(problem.read(text)[1]) for text in {*texts}}  # most texts occur more than once
            keys.append([found[text] if done else None for text, done in zip(texts, finished, strict=True)])
        return np.array(keys, dtype=object)


@dataclass(frozen=True)
class Samples(_Solutions):
    """Recorded samples; arrays are (problems, samples)."""

    @cached_property
    def prefill_flops(self) -> NDArray[np.int64]:
        """FLOPs of reading each problem once for all its solutions, (problems,)."""
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
        """Whether the answer and every step of the solution are right, (problems, samples)."""
        checked = self.correct.copy()
        for i, problem in enumerate(self.problems):
            right = {text: all(problem.check_steps(problem.read(text)[0])) for text in set(self.texts[i])}
            checked[i] &= [right[text] for text in self.texts[i]]
        return checked


@dataclass(frozen=True)
class Chains(_Solutions):
    """Recorded revision chains. Arrays are (problems, attempts), with the chains of a problem one after the other.

    Every problem has the same layout, so `at` and `first` return columns of any of these arrays.

    Parameters
    ----------
    chain_index, place : array of (problems, attempts)
        Chain of each attempt, and its place in the chain, 0 for the first attempt.
    comments : array of (problems, attempts)
        Feedback on the previous attempt.
    recorded_read_tokens : array of (problems, attempts), optional
        Tokens of the prompt of each attempt; None in a file of an older version.
    """

    chain_index: NDArray[np.int64]
    place: NDArray[np.int64]
    comments: NDArray[np.object_]
    recorded_read_tokens: NDArray[np.int64] | None = None

    @property
    def lengths(self) -> list[int]:
        """The number of attempts in each chain."""
        return list(self.metadata.lengths or [])

    def at(self, place: int) -> NDArray[np.intp]:
        """Columns of the attempts at a place in their chain, for the chains that are long enough."""
        return np.flatnonzero(self.place[0] == place)

    def attempt(self, place: int) -> NDArray[np.bool_]:
        """Whether the attempts at a place in their chain are right, (problems, chains)."""
        return self.correct[:, self.at(place)]

    def first(self, M: int | None, T: int) -> NDArray[np.intp]:
        """Columns of the first attempt and T revisions of M chains that are long enough, (chains, 1 + T).

        Parameters
        ----------
        M : int or None
            Number of chains; None takes all.
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
        """The first attempts of all chains, as samples."""
        columns = self.at(0)
        return Samples(
            self.problems,
            self.texts[:, columns],
            self.finished[:, columns],
            self.correct[:, columns],
            self.tokens[:, columns],
            self.logprob[:, columns],
            self.metadata,
        )

    def shown(self, i: int, j: int) -> str:
        first = j - self.place[i, j]  # a chain is recorded attempt by attempt
        if first == j:
            return ""
        feedback = Feedback("", self.comments[i, j]) if self.comments[i, j] else None
        return self.problems[i].show_attempts(self.texts[i, first:j].tolist(), feedback)

    @cached_property
    def flops(self) -> NDArray[np.int64]:
        """FLOPs of reading the prompt and writing, for each attempt, (problems, attempts)."""

        @cache
        def cost(read: int, tokens: int) -> int:
            return flops.forward_flops(self.config, read, logits=1) + flops.decode_flops(self.config, tokens - 1, read)

        rows = zip(self.read_tokens, self.tokens, strict=True)
        return np.array([[cost(int(read), int(n)) for read, n in zip(*row, strict=True)] for row in rows])

    @cached_property
    def read_tokens(self) -> NDArray[np.int64]:
        """Tokens of the prompt of each attempt, (problems, attempts): earlier attempts, feedback and problem."""
        if self.recorded_read_tokens is not None:
            return self.recorded_read_tokens
        counts = np.zeros(self.texts.shape, dtype=np.int64)
        for i, j in np.ndindex(counts.shape):
            counts[i, j] = self.task.count_tokens(self.problems[i].feed(self.shown(i, j)))
        return counts


@dataclass(frozen=True)
class Searches:
    """Recorded beam searches or step-level revisions, one per problem. flops: arrays of (problems,) by kind."""

    problems: list[Problem]
    found: list[list[Solution]]
    scores: list[list[float]]
    flops: dict[str, NDArray[np.int64]]
    metadata: RunMetadata

    @property
    def task(self) -> Task:
        return task_of(self.metadata)

    @property
    def total_flops(self) -> NDArray[np.float64]:
        """FLOPs charged for each search, (problems,), without cached prefixes."""
        return np.sum([spent for kind, spent in self.flops.items() if kind != "cached"], axis=0, dtype=float)

    def correct(self, choose: str = "best") -> NDArray[np.bool_]:
        """Whether the answer chosen from the solutions of each search is right, (problems,)."""
        pairs = zip(self.found, self.scores, strict=True)
        return np.array([Result.chosen(choose, found, scores).correct for found, scores in pairs])


R = TypeVar("R", bound=Samples | Chains | Searches)


def chains_name(model: str, split: str, feedback: str | None = None) -> str:
    return f"{model}-{split}-chains{f'-{feedback}' if feedback else ''}"


def search_name(model: str, verifier: str, split: str, N: int, M: int, lookahead: int = 0) -> str:
    return f"{model}-{split}-beam-{verifier}-{N}x{M}{f'-ahead{lookahead}' if lookahead else ''}"


def step_revision_name(
    model: str, verifier: str, split: str, T: int, M: int, quality: float | None, forgetful: bool
) -> str:
    # In hundredths, because a dot marks files of scores.
    noise = "" if quality is None else f"-{round(100 * quality)}{'-forgetful' if forgetful else ''}"
    return f"{model}-{split}-steps-{verifier}{noise}-{M}x{1 + T}"


def strategy_name(strategy: str, model: str, verifier: str, split: str, **settings: Any) -> str:
    """Name of a recorded strategy: small-test-dvts-prm-M4-N16."""
    return "-".join([model, split, strategy, verifier, *(f"{name}{value}" for name, value in sorted(settings.items()))])


def path_of(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Path:
    """File of the recorded solutions of a shipped model."""
    return data.RUNS / f"{folder_of(model, at).name}-{split}{'-greedy' if greedy else ''}.parquet"


def load(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Samples:
    """The recorded solutions of a shipped model. Raises ValueError if there are none, or for another kind of file."""
    return _load(path_of(model, split, at=at, greedy=greedy).stem, Samples)


def load_chains(model: str, split: str, *, feedback: str | None = None) -> Chains:
    """The recorded revision chains of a shipped model. Errors as in `load`."""
    return _load(chains_name(model, split, feedback), Chains)


def load_scores(verifier: str | Path, run: str | Path) -> list[list[list[float]]]:
    """The recorded scores of a verifier for a run: a list for each solution of each problem.

    Parameters
    ----------
    verifier, run
        As for `record_scores`.

    Raises
    ------
    ValueError
        As `load`, and if the run has changed since it was scored.
    """
    table, metadata = open_table(_existing(file_of_scores(run, verifier)))
    scored = read(file_of_run(run))
    assert not isinstance(scored, Searches)
    each = len(table) // metadata.problems
    names = table["problem"].to_numpy()[::each].tolist()
    if metadata.of != scored.metadata or names != [p.id for p in scored.problems] or each != scored.texts.shape[1]:
        raise ValueError(f"the run {str(run)!r} has changed since {str(verifier)!r} scored it: record the scores again")
    steps = table["steps"].to_pylist()
    return [steps[i : i + each] for i in range(0, len(steps), each)]


def load_searches(model: str, verifier: str, split: str, N: int, M: int, *, lookahead: int = 0) -> Searches:
    """The recorded beam searches with a budget. Errors as in `load`."""
    return _load(search_name(model, verifier, split, N, M, lookahead), Searches)


def load_step_revision(
    model: str, verifier: str, split: str, T: int, M: int = 1, *, quality: float | None = None, forgetful: bool = False
) -> Searches:
    """The recorded step-level revisions with these settings of `record_step_revision`. Errors as in `load`."""
    return _load(step_revision_name(model, verifier, split, T, M, quality, forgetful), Searches)


def load_strategy(strategy: str, model: str, verifier: str, split: str, **settings: Any) -> Searches:
    """The recorded searches of a strategy with these settings of `record_strategy`. Errors as in `load`."""
    return _load(strategy_name(strategy, model, verifier, split, **settings), Searches)


def read(path: Path) -> Samples | Chains | Searches:
    """Read Samples, Chains or Searches from a file. Raises ValueError for a file without recorded solutions."""
    table, metadata = open_table(path)
    if metadata.format == "ttclab scores 1":
        raise ValueError(f"{path} has scores and no solutions: bank.load_scores reads it")
    names = table["problem"].unique().to_pylist()
    stored = {name: TextProblem.of(name, *texts) for name, *texts in metadata.asked or []}
    task = task_of(metadata)
    problems = [stored.get(name) or task.parse(name) for name in names]
    if metadata.format == "ttclab searches 1":
        rows = table.to_pylist()
        found = [
            [Solution(problem, text, finished=finished) for text, finished in zip(row["texts"], row["finished"])]
            for problem, row in zip(problems, rows, strict=True)
        ]
        costs = {kind: table[kind].to_numpy() for kind in KINDS}
        return Searches(problems, found, [row["scores"] for row in rows], costs, metadata)

    def column(name: str) -> Any:
        return table[name].to_numpy().reshape(len(problems), -1)

    written: dict[str, Any] = {
        "texts": column("text"),
        "finished": column("finished"),
        "correct": column("correct"),
        "tokens": column("tokens").astype(np.int64),
        "logprob": column("logprob"),
        "metadata": metadata,
    }
    if metadata.format == "ttclab samples 1":
        return Samples(problems, **written)
    chain, attempt = (column(name).astype(np.int64) for name in ("chain", "attempt"))
    read = column("read").astype(np.int64) if "read" in table.column_names else None
    return Chains(
        problems, chain_index=chain, place=attempt, comments=column("comment"), recorded_read_tokens=read, **written
    )


def task_of(metadata: RunMetadata) -> Task:
    """The task of a recorded run. Raises ValueError for a task that is not in the registry."""
    if metadata.task not in TASKS:
        raise ValueError(f"the run has the unknown task {metadata.task!r}; known tasks: {', '.join(TASKS)}")
    return TASKS[metadata.task]


def file_of_run(run: str | Path) -> Path:
    """The file of a recorded run. The name of a file is returned as it is."""
    path = Path(run)
    return path if path.suffix == ".parquet" else data.RUNS / f"{run}.parquet"


def file_of_scores(run: str | Path, verifier: str | Path) -> Path:
    """The file of a verifier's scores for a run, beside it: "small-test.prm.parquet"."""
    file = file_of_run(run)
    named = str(verifier).strip("/").replace("/", "--")
    return file.with_name(f"{file.stem}.{named}.parquet")


def _existing(path: Path) -> Path:
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in path.parent.glob("*.parquet"))) or "none"
        raise ValueError(f"no recorded run {path.stem!r}; there are: {names}")
    return path


def _load(stem: str, kind: type[R]) -> R:
    found = read(_existing(file_of_run(stem)))
    assert isinstance(found, kind)
    return found
