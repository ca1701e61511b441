"""The recorded runs of one family of models, and the command that records them.

`TTCLAB_HOME=FOLDER ttclab record --family` records the models of FOLDER/zoo into FOLDER/runs. A recording that was
killed resumes.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from ..confidence import MEASURES, TOKENS
from ..data import RUNS, ZOO, folder_of
from ..files import write_text
from ..models.loading import load as load_model
from ..revision import hybrid_search
from ..tasks.registry import load_problems
from ..verifiers.loading import load_verifier
from ..verifiers.oracle import ForgetfulOracle, NoisyOracle
from ..verifiers.scoring import THRESHOLD, critic_of
from .draws import Draws
from .recording import record, record_chains, record_scores, weights_hash
from .runs import chains_name, path_of, search_name, step_revision_name
from .searches import record_search, record_step_revision
from .shipped import (
    BEAMS,
    CHAINS,
    CHAINS_WITH_FEEDBACK,
    COOL,
    CRITICS,
    MORE_BEAMS,
    QUALITIES,
    REVISIONS,
    SMALL,
    STEP_HYBRIDS,
    TWIN,
)

CHAIN_VERIFIERS = ("prm", "prm-large")
VERIFIERS = ("orm", "prm", "prm-large", "prm-weak", "prm-rollouts", "prm-exact")
RL = "small-rl"

THRESHOLDS = tuple(i / 10 for i in range(1, 10))  # candidates of `choose_threshold`
THRESHOLD_PROBLEMS, THRESHOLD_REVISIONS = 200, 15

# Seconds of one core (a 2.5 GHz server, one thread) for 500 problems, measured with the shipped models.
SECONDS = {
    "sample": 0.17, "large sample": 0.6, "rewrite": 0.85, "score": 0.015, "large score": 0.07,
    "step": 0.5, "large step": 0.7, "beam": 0.3, "large beam": 0.4, "threshold": 36.0, "large threshold": 50.0,
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A recording.

    Attributes
    ----------
    path : Path
        File of the run.
    record : callable
        Writes the file, unless it exists.
    models : tuple of str
        Names of its policies and verifiers.
    seconds : float
        Approximate time on one core.
    stage : int
        Runs of a stage read files of earlier stages.
    """

    path: Path
    record: Callable[[], object]
    models: tuple[str, ...]
    seconds: float
    stage: int = 0

    @property
    def possible(self) -> bool:
        """Whether all models exist."""
        return all(map(_exists, self.models))


def runs(device: str = "auto", problems: int = 500) -> list[Run]:
    """All runs that the results need, in order of their stages, on the first problems of each split."""
    options: dict[str, Any] = {"device": device, "problems": problems}
    found = [
        *_policy_runs(**options),
        *_thresholds(**options),
        *_scored(device),
        *_searched(**options),
        *_revised(**options),
    ]
    return [replace(run, seconds=run.seconds * problems / 500) for run in found]


def _policy_runs(**options: Any) -> Iterator[Run]:
    """Runs of policies without a verifier: samples, greedy passes, rewriting chains."""

    def samples(model: str, split: str, name: str, seconds: float, **how: Any) -> Run:
        draws = Draws(**options, **how)
        path = path_of(model, split, at=draws.at, greedy=draws.greedy)
        return Run(path, partial(record, model, split, draws), (name,), seconds)

    for split in ("test", "validation"):
        yield samples(SMALL, split, SMALL, 256 * SECONDS["sample"])
    yield samples(SMALL, "test", SMALL, SECONDS["sample"], greedy=True)
    for folder in sorted(ZOO.glob("large-*")):
        at = int(folder.name.removeprefix("large-"))
        yield samples("large", "test", "large", SECONDS["large sample"], at=at, greedy=True)
    yield samples(RL, "test", RL, 256 * SECONDS["sample"])
    cool, path = Draws(**options, samples=64, temperature=COOL), RUNS / f"{SMALL}-test-cool.parquet"
    yield Run(path, partial(record, SMALL, "test", cool, out=path), (SMALL,), 64 * SECONDS["sample"])
    yield samples(TWIN, "test", TWIN, 64 * SECONDS["sample"], samples=64)

    def chains(split: str, lengths: Sequence[int], feedback: str | None = None) -> Run:
        return Run(
            RUNS / f"{chains_name(SMALL, split, feedback)}.parquet",
            partial(record_chains, SMALL, split, lengths, feedback=feedback, draws=Draws(**options)),
            (SMALL, feedback) if feedback else (SMALL,),
            sum(lengths) * SECONDS["rewrite"],
        )

    for split in ("test", "validation"):
        yield chains(split, CHAINS)
    for verifier in ("oracle", "prm", "self"):
        yield chains("test", CHAINS_WITH_FEEDBACK, verifier)


def _thresholds(*, device: str, problems: int) -> Iterator[Run]:
    for verifier in ("prm", *(name for name in CRITICS if name != "oracle")):
        yield Run(
            ZOO / verifier / THRESHOLD,
            partial(choose_threshold, verifier, problems=min(problems, THRESHOLD_PROBLEMS), device=device),
            (SMALL, verifier),
            SECONDS[_priced("threshold", verifier)],
        )


def _scored(device: str) -> Iterator[Run]:
    def scores(verifier: str, run: str, model: str, times: int = 1) -> Run:
        seconds = 256 * times * SECONDS[_priced("score", verifier)]
        make = partial(record_scores, verifier, run, device=device)
        return Run(RUNS / f"{run}.{verifier}.parquet", make, (model, verifier), seconds, stage=1)

    for verifier in VERIFIERS:
        yield scores(verifier, f"{SMALL}-test", SMALL)
    for measure in (*MEASURES, TOKENS):  # computed by the policy
        yield replace(scores(measure, f"{SMALL}-test", SMALL), models=(SMALL,))
    yield scores("prm", f"{RL}-test", RL)
    for verifier in ("prm", "prm-large"):
        yield scores(verifier, f"{SMALL}-validation", SMALL)
    for split in ("test", "validation"):
        for verifier in CHAIN_VERIFIERS:
            yield scores(verifier, f"{SMALL}-{split}-chains", SMALL, times=13)  # few attempts are alike


def _searched(**options: Any) -> Iterator[Run]:
    def beam(verifier: str, split: str, N: int, M: int, lookahead: int = 0) -> Run:
        name = search_name(SMALL, verifier, split, N, M, lookahead)
        make = partial(record_search, SMALL, verifier, split, N, M, Draws(**options), lookahead=lookahead)
        seconds = N * (1 + lookahead) * SECONDS[_priced("beam", verifier)]
        return Run(RUNS / f"{name}.parquet", make, (SMALL, verifier), seconds, stage=1)

    for split in ("test", "validation"):
        for N, M in BEAMS:
            yield beam("prm", split, N, M)
            yield beam("prm-large", split, N, M)
        for N, M in MORE_BEAMS:
            yield beam("prm", split, N, M)
    for N, M in BEAMS:
        yield beam("prm-weak", "test", N, M)
    yield beam("prm-large", "test", 16, 4, lookahead=1)


def _revised(**options: Any) -> Iterator[Run]:
    def steps(
        verifier: str,
        split: str,
        T: int,
        M: int = 1,
        quality: float | None = None,
        forgetful: bool = False,
        model: str = SMALL,
    ) -> Run:
        critic = None if quality is None else (ForgetfulOracle if forgetful else NoisyOracle)(quality)
        return Run(
            RUNS / f"{step_revision_name(model, verifier, split, T, M, quality, forgetful)}.parquet",
            partial(record_step_revision, model, verifier, split, T, M, Draws(**options), critic=critic),
            (model, verifier),
            (1 + T) * M**0.5 * SECONDS[_priced("step", verifier)],  # chains of a problem run as one batch
            stage=1,
        )

    for split in ("test", "validation"):
        for T in REVISIONS:
            yield steps("prm", split, T)
        for M, T in STEP_HYBRIDS:
            yield steps("prm", split, T, M)
    for verifier in CRITICS:
        yield steps(verifier, "test", 15)
    for T in REVISIONS:
        yield steps("prm", "test", T, model=RL)
    for quality in QUALITIES:
        for forgetful in (False, True):
            yield steps("oracle", "test", 15, 1, quality, forgetful)


def _priced(kind: str, verifier: str) -> str:
    return f"large {kind}" if verifier == "prm-large" else kind


def choose_threshold(verifier: str, *, problems: int = THRESHOLD_PROBLEMS, device: str = "auto") -> Path:
    """Choose a verifier's threshold for step-level revision on validation problems, and write it beside its weights.

    The chosen threshold is the one of THRESHOLDS with which the small model's chains of at most THRESHOLD_REVISIONS
    revisions solve most of the first `problems` validation problems; ties go to the cheaper threshold. The file also
    lists what every threshold solved and cost. It is reused for the same weights.

    Parameters
    ----------
    verifier : str
        A verifier that scores steps.
    problems : int
    device : str
        As for `ttclab.load`.
    """
    path = ZOO / verifier / THRESHOLD
    weights = {"policy": weights_hash(folder_of(SMALL)), "verifier": weights_hash(ZOO / verifier)}
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("weights") == weights:
        return path
    policy, critic = load_model(SMALL, device=device), critic_of(load_verifier(verifier, device=device))
    asked = load_problems("validation", limit=problems)
    tried = {}
    for threshold in THRESHOLDS:
        critic.threshold = threshold
        found = hybrid_search(policy, critic, asked, 1, THRESHOLD_REVISIONS, feedback=critic)
        tried[threshold] = sum(r.correct for r in found), sum(r.cost.total_flops for r in found) // len(found)
    best = max(tried, key=lambda threshold: (tried[threshold][0], -tried[threshold][1]))
    choice = {
        "threshold": best, "weights": weights, "problems": len(asked), "revisions": THRESHOLD_REVISIONS,
        "tried": {f"{t:g}": {"solved": right, "flops": flops} for t, (right, flops) in tried.items()},
    }  # fmt: skip
    write_text(path, json.dumps(choice, indent=1) + "\n")
    return path


def record_family(
    *,
    jobs: int = 2,
    problems: int = 500,
    device: str = "auto",
    report: Callable[[str], object] | None = None,
    only: Sequence[Run] | None = None,
) -> None:
    """Record every missing run of a family of models.

    Parameters
    ----------
    jobs : int
        Number of processes, with one thread each.
    problems : int
        Problems of each split. The results need all 500; use fewer to try it out.
    device : str
        As for `ttclab.load`.
    report : callable, optional
        Called with lines of text: first the plan and its time, then the name of each finished file. By default the
        lines are printed.
    only : sequence of Run, optional
        Record only these runs.

    Raises
    ------
    ValueError
        For fewer than one process.
    """
    if jobs < 1:
        raise ValueError(f"a recording needs at least 1 process, not {jobs}")
    report = report or partial(print, flush=True)
    every = list(runs(device, problems) if only is None else only)
    todo = [run for run in every if run.possible]
    for name in sorted({name for run in every for name in run.models if not run.possible and not _exists(name)}):
        report(f"{name} is not in {ZOO}: its runs are skipped")
    missing = [run for run in todo if not run.path.is_file()]
    minutes = sum(run.seconds for run in missing) / 60
    shared = f", {minutes / jobs:.0f} in {jobs} processes" if jobs > 1 else ""
    report(f"{len(todo)} runs, {len(missing)} of them new: about {minutes:.0f} minutes on one core{shared}")
    spawn = get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn, _one_thread) if jobs > 1 else nullcontext() as pool:
        for stage in sorted({run.stage for run in todo}):
            ready = sorted((run for run in todo if run.stage == stage), key=lambda run: -run.seconds)
            for run in _recorded(ready, pool):
                report(run.path.name)


def _recorded(ready: Sequence[Run], pool: ProcessPoolExecutor | None) -> Iterator[Run]:
    """Record runs, in the processes of a pool if there is one; each is yielded when it is finished."""
    if pool is None:
        for run in ready:
            _run(run)
            yield run
        return
    waiting = {pool.submit(_run, run): run for run in ready}
    for done in as_completed(waiting):
        done.result()
        yield waiting[done]


def _exists(name: str) -> bool:
    return name in ("oracle", "self") or folder_of(name).is_dir()


def _run(run: Run) -> None:
    run.record()


def _one_thread() -> None:
    torch.set_num_threads(1)
