"""Recorded step-level revisions of the small model, and the errors of its critics."""

from functools import cache
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from .. import bank
from ..allocator import Allocation, Arm
from ..bank.shipped import STEP_HYBRIDS
from ..estimators import Estimate, bootstrap_share
from ..tasks.problem import Solution
from ..verifiers.oracle import NoisyOracle
from ..verifiers.scoring import right_so_far, threshold_of
from .arms import Arms
from .families import cached, measured
from .revision import OUTCOMES, step_outcome
from .sampling import small_fifths, small_samples

CRITICS = ("prm", *bank.CRITICS)
CRITICIZED = 16  # samples of each problem in which a critic's errors are counted


@measured
def stepwise(T: int, M: int = 1, split: str = "test", verifier: str = "prm") -> Arm:
    """M chains of at most T step-level revisions.

    With one chain the solution with the best score is chosen, with several chains the weighted vote.
    """
    run = bank.load_step_revision("small", verifier, split, T, M)
    right = run.correct("best" if M == 1 else "weighted").astype(float)
    return Arm(Allocation(M, T, stepwise=T > 0), right, run.total_flops, small_fifths(split))


@cached
def stepwise_arms(split: str = "test", verifier: str = "prm") -> Arms:
    """All recorded arms: one chain for every limit of revisions, then several chains."""
    chains = [(1, T) for T in bank.REVISIONS] + list(STEP_HYBRIDS)
    return Arms(stepwise(T, M, split, verifier) for M, T in chains)


@cache
def _restarted() -> dict[bool, NDArray[np.float64]]:
    """Counts of what a first restart makes of right and of first wrong steps, (problems, outcomes) each."""
    run = bank.load_step_revision("small", "prm", "test", 15)
    counts = {right: np.zeros((len(run.found), len(OUTCOMES))) for right in (True, False)}
    for i, solutions in enumerate(run.found):
        if len(solutions) == 1:  # nothing was doubted
            continue
        for step, right in enumerate(solutions[0].problem.check_steps(solutions[0].steps)):
            if became := step_outcome(solutions[0], solutions[1], step):
                counts[right][i, OUTCOMES.index(became)] += 1
            if not right:
                break
    return counts


def restarted_step(became: str, *, right: bool = False) -> Estimate:
    """Share of first wrong steps, or of right ones before, that the first restart keeps or changes, by `OUTCOMES`."""
    counts = _restarted()[right]
    return bootstrap_share(counts[:, OUTCOMES.index(became)], counts.sum(axis=1))


def step_threshold(verifier: str = "prm") -> float:
    """Score below which a verifier rejects a step."""
    return threshold_of(verifier)


@cache
def _criticized() -> tuple[list[Solution], list[list[bool]]]:
    """The samples in which a critic's errors are counted, and whether each is right up to each of its steps."""
    samples = small_samples()
    solutions = [s for i in range(len(samples.problems)) for s in samples.solutions(i)[:CRITICIZED]]
    return solutions, [right_so_far(solution) for solution in solutions]


@cache
def _errors(verifier: str, quality: float | None, fifth: int | None = None) -> tuple[float, float]:
    """Share of wrong steps that a critic accepts, and share of right steps that it rejects.

    Steps are counted up to the first wrong step of each sample, because a chain revises from there.
    """
    solutions, checked = _criticized()
    if verifier == "oracle":
        scores = NoisyOracle(1.0 if quality is None else quality).score_steps(solutions)
    else:
        scores = [list(x) for group in bank.load_scores(verifier, "small-test") for x in group[:CRITICIZED]]
    accepted: dict[bool, list[bool]] = {True: [], False: []}
    threshold = step_threshold(verifier)
    fifths = np.repeat(small_fifths(), CRITICIZED)
    for checks, steps, k in zip(checked, scores, fifths, strict=True):
        if fifth not in (None, k):
            continue
        for right, score in zip(checks, steps, strict=True):
            accepted[right].append(score >= threshold)
            if not right:
                break
    return fmean(accepted[False]), 1 - fmean(accepted[True])


def accepted_wrong(verifier: str, quality: float | None = None) -> float:
    """Share of wrong steps that a critic accepts; `quality` is the AUC of a noisy oracle."""
    return _errors(verifier, quality)[0]


def rejected_right(verifier: str, quality: float | None = None, fifth: int | None = None) -> float:
    """Share of right steps that a critic rejects, on all problems or one fifth; `quality` as for `accepted_wrong`."""
    return _errors(verifier, quality, fifth)[1]


@measured
def critic_change(verifier: str, quality: float | None = None, *, forgetful: bool = False) -> Arm:
    """Last solution minus first solution of a chain of at most 15 step-level revisions: -1, 0 or 1 for each problem.

    The last solution is the one that the critic accepted, not the one with the best score.
    """
    run = bank.load_step_revision("small", verifier, "test", 15, quality=quality, forgetful=forgetful)
    change = np.array([float(solutions[-1].correct) - solutions[0].correct for solutions in run.found])
    return Arm(Allocation(1, 15, stepwise=True), change, run.total_flops, small_fifths())


def critic_gain(verifier: str, quality: float | None = None, *, forgetful: bool = False) -> Estimate:
    """Gain of at most 15 step-level revisions with a critic (`critic_change`)."""
    return critic_change(verifier, quality, forgetful=forgetful).solved
