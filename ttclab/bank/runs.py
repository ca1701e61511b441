"""Recorded runs as arrays: samples, chains, scores and searches, read from their files."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


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

    @property
    def task(self) -> Task:
        return task_of(self.made)

    @property
    def prompt_tokens(self) -> list[int]:
        """Tokens of each problem's prompt, as the model that wrote is fed it."""
        return self.made.get("prompt_tokens") or [self.task.count_tokens(each.prompt) for each in self.problems]

    @cached_property
    def config(self) -> "PreTrainedConfig":
        """Configuration of the model that wrote, of which FLOPs are counted."""
        from transformers import AutoConfig

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
    recorded_read_tokens : array of (problems, attempts), optional
        Tokens that each attempt was written after; None in a file of an older version.
    """

    chain_index: NDArray[np.int64]
    place: NDArray[np.int64]
    comments: NDArray[np.object_]
    recorded_read_tokens: NDArray[np.int64] | None = None

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
        if first == j:
            return ""
        feedback = Feedback("", self.comments[i, j]) if self.comments[i, j] else None
        return self.problems[i].show_attempts(self.texts[i, first:j].tolist(), feedback)

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
        if self.recorded_read_tokens is not None:
            return self.recorded_read_tokens
        counts = np.zeros(self.texts.shape, dtype=np.int64)
        for i, j in np.ndindex(counts.shape):
            counts[i, j] = self.task.count_tokens(self.problems[i].feed(self.shown(i, j)))
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
    def task(self) -> Task:
        return task_of(self.made)

    @property
    def total_flops(self) -> NDArray[np.float64]:
        """All that each search is charged, (problems,): without what shared prefixes saved."""
        return np.sum([spent for kind, spent in self.flops.items() if kind != "cached"], axis=0, dtype=float)

    def correct(self, choose: str = "best") -> NDArray[np.bool_]:
        """Whether the answer chosen from what each search returned is right, (problems,)."""
        pairs = zip(self.found, self.scores, strict=True)
        return np.array([Result.chosen(choose, found, scores).correct for found, scores in pairs])


def step_revision_name(
    model: str, verifier: str, split: str, T: int, M: int, quality: float | None, forgetful: bool
) -> str:
    # In hundredths: a dot would make it a file of scores.
    noise = "" if quality is None else f"-{round(100 * quality)}{'-forgetful' if forgetful else ''}"
    return f"{model}-{split}-steps-{verifier}{noise}-{M}x{1 + T}"


def path_of(model: str, split: str, *, at: int | None = None, greedy: bool = False) -> Path:
    """Where the recorded solutions of a shipped model lie."""
    return data.RUNS / f"{folder_of(model, at).name}-{split}{'-greedy' if greedy else ''}.parquet"


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
    table, made = open_table(_there(file_of_scores(run, verifier)))
    scored = read(file_of_run(run))
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
    found = _load(step_revision_name(model, verifier, split, T, M, quality, forgetful))
    assert isinstance(found, Searches)
    return found


def read(path: Path) -> Any:
    """Recorded solutions from a file: Samples, Chains or Searches.

    Raises ValueError, with the reason, for one that was not recorded here.
    """
    table, made = open_table(path)
    if made["format"] == "ttclab scores 1":
        raise ValueError(f"{path} has scores and no solutions: bank.load_scores reads it")
    names = table["problem"].unique().to_pylist()
    told = {name: TextProblem.of(name, *said) for name, *said in made.get("asked", [])}
    task = task_of(made)
    problems = [told.get(name) or task.parse(name) for name in names]
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
    read = column("read").astype(np.int64) if "read" in table.column_names else None
    return Chains(
        problems, chain_index=chain, place=attempt, comments=column("comment"), recorded_read_tokens=read, **written
    )


def task_of(made: dict[str, Any]) -> Task:
    """The task of a recorded run, by its metadata. Raises ValueError for a task that is not in the registry."""
    if made["task"] not in TASKS:
        raise ValueError(f"the run is of the task {made['task']!r}; known are {', '.join(TASKS)}")
    return TASKS[made["task"]]


def file_of_run(run: str | Path) -> Path:
    """The file of a recorded run, which may be named by itself."""
    path = Path(run)
    return path if path.suffix == ".parquet" else data.RUNS / f"{run}.parquet"


def file_of_scores(run: str | Path, verifier: str | Path) -> Path:
    """The file of a verifier's scores for a run, beside it: "small-test.prm.parquet"."""
    file = file_of_run(run)
    named = str(verifier).strip("/").replace("/", "--")
    return file.with_name(f"{file.stem}.{named}.parquet")


def _there(path: Path) -> Path:
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.parquet"))) or "none"
        raise ValueError(f"no recorded runs {path.stem!r}; there are: {there}")
    return path


def _load(stem: str) -> Any:
    return read(_there(file_of_run(stem)))
