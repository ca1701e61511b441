"""Samples of a real language model, SmolLM2, on word problems."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .. import bank
from ..allocator import Arm
from ..estimators import auc, within_problem_auc
from ..tasks.text_problems import TextProblem
from ..verifiers.working import WorkingVerifier
from .arms import Arms
from .sampling import last_scores, run_arms, small_samples

WORD_BUDGETS = (1, 2, 4, 8, 16)


@cache
def word_samples(split: str = "test") -> bank.Samples:
    """SmolLM2's recorded samples of the word problems."""
    return bank.load("smollm2", f"words-{split}")


@cache
def word_scores(verifier: str) -> NDArray[np.float64]:
    """Scores of SmolLM2's samples, (problems, samples).

    verifier: "likelihood"; "working", which is trained on the validation problems; or "asked", SmolLM2's own
    probability of Yes against No.
    """
    samples = word_samples()
    if verifier == bank.ASKED:
        return last_scores(verifier, "smollm2-words-test")
    if verifier == "likelihood":
        return np.exp(samples.logprob.astype(np.float64))
    others = word_samples("validation")
    trained = WorkingVerifier([s for i in range(len(others.problems)) for s in others.solutions(i)])
    return np.array([trained.score(samples.solutions(i)) for i in range(len(samples.problems))])


@cache
def word_arms(choose: str, verifier: str = "working") -> Arms:
    """Best-of-N of SmolLM2 on the word problems for each of WORD_BUDGETS; `choose` as in `sampling_arms`.

    The cost is reading the problem and writing the solutions; "asked" also reads both again, the other verifiers run no
    model.
    """
    charged = verifier if verifier == bank.ASKED else None
    return run_arms(word_samples(), choose, WORD_BUDGETS, word_scores(verifier), charged)


def word_coverage(N: int) -> Arm:
    """Whether one of N samples is right."""
    return word_arms("oracle").at(N)


def word_vote(N: int) -> Arm:
    """A majority vote of N samples."""
    return word_arms("majority").at(N)


def word_chosen(N: int, verifier: str) -> Arm:
    """The answer that a verifier chooses from N samples: the likeliest, or a vote weighted by the scores."""
    return word_arms("best" if verifier == "likelihood" else "weighted", verifier).at(N)


@cache
def sums_likeliest(N: int) -> Arm:
    """The likeliest of N samples of the small model: the cheap verifier "likelihood" on the sums."""
    samples = small_samples()
    return run_arms(samples, "best", (N,), np.exp(samples.logprob.astype(np.float64))).at(N)


def word_auc(verifier: str) -> float:
    """AUC over all solutions, by their answers."""
    return auc(word_scores(verifier), word_samples().correct)


def word_auc_within(verifier: str) -> float:
    """AUC within a problem, by the answers."""
    return within_problem_auc(word_scores(verifier), word_samples().correct)


@cache
def operations() -> NDArray[np.int64]:
    """The number of operations in each word problem, (problems,)."""
    problems = [problem for problem in word_samples().problems if isinstance(problem, TextProblem)]
    return np.array([len(problem.worked.splitlines()) - 1 for problem in problems])


def of_operations(arm: Arm, count: int) -> Arm:
    """Restrict an arm of SmolLM2 to the word problems with `count` operations."""
    members = operations() == count
    return Arm(arm.allocation, arm.correct[members], arm.flops[members])


def share_found(found: Arm, top: Arm) -> float:
    """Problems solved by an arm, as a share of those that a perfect verifier solves."""
    return float(found.correct.mean() / top.correct.mean())


def word_count(split: str = "test", of: int | None = None) -> int:
    """Number of word problems in a split, or of test problems with `of` operations."""
    return len(word_samples(split).problems) if of is None else int((operations() == of).sum())


def word_temperature() -> float:
    """Sampling temperature of SmolLM2's samples."""
    return word_samples().metadata.temperature or 0.0


def word_prompt_tokens() -> float:
    """Mean number of tokens before a solution: the examples and the question."""
    return float(np.mean(word_samples().prompt_tokens))


def word_tokens() -> float:
    """Mean number of tokens of a solution."""
    return float(word_samples().tokens.mean())
