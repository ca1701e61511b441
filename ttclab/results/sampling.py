"""Samples of the small model: coverage, votes and choices by a verifier, at every budget.

The cost of an arm is reading the problem, writing the solutions, and the verifier. The policy reads the problem once
for all samples. The verifier reads the problem once, and scores duplicate texts once.
"""

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from .. import bank
from ..allocator import Allocation, Arm, difficulty_by_disagreement, difficulty_by_score
from ..confidence import MEASURES
from ..data import ZOO
from ..estimators import (
    auc,
    best_of_n,
    fifths,
    majority,
    pass_at_k,
    rank_correlation,
    sampled_until_clear,
    weighted_best_of_n,
)
from ..flops import forward_flops
from ..stopping import ClearLead, StoppingRule
from ..verifiers.oracle import NoisyOracle
from ..verifiers.reward_model import reward_flops
from ..verifiers.scoring import AGGREGATES
from .arms import Arms
from .families import measured

BUDGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FINE_BUDGETS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
ASKING_TOKENS = 20  # tokens added by the yes/no question
FIRST_UNSEEN = 64  # estimates of difficulty use earlier samples; the true difficulty uses this and later ones


@cache
def small_samples(split: str = "test") -> bank.Samples:
    """The small model's recorded samples of a split."""
    return bank.load("small", split)


@cache
def small_fifths(split: str = "test") -> NDArray[np.intp]:
    """Each problem's fifth of difficulty for the small model, 0 the easiest, by its recorded pass rate."""
    return fifths(small_samples(split).correct.mean(axis=1))


@cache
def last_scores(verifier: str, run: str) -> NDArray[np.float64]:
    """A verifier's score of each recorded solution, by its last step, (problems, solutions)."""
    return _aggregated(verifier, run, "last")


def _aggregated(verifier: str, run: str, by: str) -> NDArray[np.float64]:
    aggregate = AGGREGATES[by]
    scores = bank.load_scores(verifier, run)
    return np.array([[aggregate(steps) if steps else 0.0 for steps in group] for group in scores])


@cache
def small_scores(verifier: str, split: str = "test", by: str = "last") -> NDArray[np.float64]:
    """A verifier's scores of the small model's samples, (problems, samples).

    Parameters
    ----------
    verifier : str
        A verifier whose scores are recorded, or "noisy 0.8": a noisy oracle of that quality.
    split : str
        Problem set.
    by : str
        Aggregate of step scores: a name in `AGGREGATES`.
    """
    name, _, quality = verifier.partition(" ")
    if name == "noisy":
        return noisy_scores(small_samples(split), float(quality))
    run = f"small-{split}"
    return last_scores(verifier, run) if by == "last" else _aggregated(verifier, run, by)


def noisy_scores(samples: bank.Samples, quality: float) -> NDArray[np.float64]:
    """Scores of recorded samples by a `NoisyOracle`, (problems, samples); equal texts have equal scores."""
    oracle, scores = NoisyOracle(quality), np.empty(samples.correct.shape)
    for i, texts in enumerate(samples.texts):
        written = samples.solutions(i)
        _, first, place = np.unique(texts, return_index=True, return_inverse=True)
        scores[i] = np.array(oracle.score([written[j] for j in first]))[place]
    return scores


@measured
def sampling_arms(
    split: str = "test",
    verifier: str = "prm",
    choose: str = "weighted",
    budgets: tuple[int, ...] = BUDGETS,
    by: str = "last",
) -> Arms:
    """Best-of-N of the small model for each budget, averaged over groups of its recorded samples.

    Parameters
    ----------
    split : str
        Problem set.
    verifier : str
        As in `small_scores`. A noisy oracle costs nothing.
    choose : str
        "weighted", "best", "majority" (without a verifier) or "oracle" (coverage, with a free verifier).
    budgets : tuple of int
        The numbers of samples.
    by : str
        Aggregate of step scores.
    """
    samples, fifths = small_samples(split), small_fifths(split)
    if choose not in ("weighted", "best"):
        return run_arms(samples, choose, budgets, fifths=fifths)
    charged = None if verifier.startswith("noisy") else verifier
    return run_arms(samples, choose, budgets, small_scores(verifier, split, by), charged, fifths)


def run_arms(
    samples: bank.Samples,
    choose: str,
    budgets: tuple[int, ...],
    scores: NDArray[np.float64] | None = None,
    verifier: str | None = None,
    fifths: NDArray[np.intp] | None = None,
) -> Arms:
    """Best-of-N for each budget, from a recorded run of any model on any task.

    Parameters
    ----------
    samples : Samples
    choose, budgets
        As for `sampling_arms`.
    scores : array of (problems, samples), optional
        A verifier's scores, for the choices "weighted" and "best".
    verifier : str, optional
        The verifier whose FLOPs are charged for the scores.
    fifths : array of (problems,), optional
        Each problem's fifth of difficulty.
    """
    sizes = np.array(budgets)
    cost = writing_flops(samples, sizes)
    if verifier:
        cost = cost + verifier_flops(samples, verifier, sizes)
    correct = chosen(samples, np.zeros(samples.correct.shape) if scores is None else scores, choose, sizes)
    return arms_of(correct, cost, budgets, fifths)


def writing_flops(samples: bank.Samples, budgets: NDArray[np.int64]) -> NDArray[np.float64]:
    """FLOPs of reading each problem once and writing a number of solutions, (problems, budgets)."""
    per_solution = samples.decode_flops.mean(axis=1)
    return np.asarray(samples.prefill_flops[:, None] + per_solution[:, None] * budgets)


def arms_of(
    correct: NDArray[np.float64],
    flops: NDArray[np.float64],
    budgets: tuple[int, ...],
    fifths: NDArray[np.intp] | None = None,
) -> Arms:
    """The arms of best-of-N, one for each budget, from arrays of (problems, budgets)."""
    return Arms(Arm(Allocation(n), correct[:, i], flops[:, i], fifths) for i, n in enumerate(budgets))


def chosen(
    samples: bank.Samples, scores: NDArray[np.float64], choose: str, budgets: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability that the answer chosen from a number of samples is right, (problems, budgets)."""
    if choose == "weighted":
        return weighted_best_of_n(samples.answers, scores, samples.correct, budgets)
    if choose == "best":
        return best_of_n(scores, samples.correct, budgets)
    if choose == "majority":
        return majority(samples.answers, samples.correct, budgets)
    return pass_at_k(samples.correct.shape[1], samples.correct.sum(axis=1, keepdims=True), budgets)


def verifier_flops(samples: bank.Samples, verifier: str, budgets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean FLOPs of a verifier that scores a number of samples, (problems, budgets).

    Token confidence costs nothing, because the policy computes it while writing.
    """
    if verifier in MEASURES:
        return np.zeros((len(samples.problems), len(budgets)))
    if verifier == bank.ASKED:
        score = cache(partial(forward_flops, samples.config, logits=1))
        prompts, more = samples.prompt_tokens, ASKING_TOKENS
    else:
        score = cache(partial(reward_flops, AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)))
        prompts, more = samples.prompt_tokens, 0
    n = samples.correct.shape[1]
    drawn = pass_at_k(n, np.arange(n + 1)[:, None], budgets)  # P(a text is drawn), by its count
    total = np.zeros((len(samples.problems), len(budgets)))
    for row, after, texts, tokens in zip(total, prompts, samples.texts, samples.tokens, strict=True):
        _, first, count = np.unique(texts, return_index=True, return_counts=True)
        reading = np.array([score(int(n) + more, after) for n in tokens[first]])
        row[:] = score(after, 0) + reading @ drawn[count]
    return total


def verifying(N: int, verifier: str = "prm") -> float:
    """Mean FLOPs per problem of a verifier that scores N samples of the small model."""
    return float(verifier_flops(small_samples(), verifier, np.array([N])).mean())


# One budget, on the test problems


def vote(N: int) -> Arm:
    """A majority vote of N samples."""
    return _at(N, choose="majority")


def coverage(N: int) -> Arm:
    """Probability that one of N samples is right: the choice of a perfect verifier that costs nothing."""
    return _at(N, choose="oracle")


def weighted(N: int, verifier: str = "prm", by: str = "last") -> Arm:
    """A vote of N samples weighted by a verifier's scores."""
    return _at(N, choose="weighted", verifier=verifier, by=by)


def best(N: int, verifier: str = "prm", by: str = "last") -> Arm:
    """The one of N samples with the highest score."""
    return _at(N, choose="best", verifier=verifier, by=by)


def _at(N: int, **how: str) -> Arm:
    return sampling_arms(budgets=BUDGETS if N in BUDGETS else (N,), **how).at(N)


def share_of_gap(N: int, verifier: str = "prm") -> float:
    """How much of the gap from a vote of N samples to a perfect choice a verifier's weighted vote closes."""
    start = vote(N).correct.mean()
    return float((weighted(N, verifier).correct.mean() - start) / (coverage(N).correct.mean() - start))


def one_rate(N: int, *fifth: int) -> float:
    """Coverage of N samples if all problems (of some fifths) had their mean pass rate p: 1 - (1-p)^N."""
    return float(1 - (1 - coverage(1).fifth(*fifth).correct.mean()) ** N)


def fifth_shift(*budgets: int) -> int:
    """Largest change of the coverage of a fifth if half of the samples defines the fifths.

    The other half measures the coverage. In percentage points, rounded up.
    """
    right = small_samples().correct
    half = right.shape[1] // 2
    groups, held_out = fifths(right[:, :half].mean(axis=1)), right[:, half:]
    shifts = []
    for n in budgets:
        covered = pass_at_k(half, held_out.sum(axis=1), n)
        shifts += [abs(covered[groups == k].mean() - coverage(n).fifth(k).correct.mean()) for k in range(5)]
    return int(np.ceil(100 * max(shifts)))


@cache
def stopping_arm(rule: StoppingRule, N: int = 64, split: str = "test", verifier: str = "prm") -> Arm:
    """`adaptive_search` of the small model on recorded samples, with at most N samples.

    Parameters
    ----------
    rule : StoppingRule
        When sampling stops.
    N : int
        Largest number of samples.
    split, verifier : str
        Problem set, and the verifier that weights the votes if the rule is weighted.
    """
    samples, looks = small_samples(split), np.array(rule.looks(N))
    scores: NDArray[np.float64] = np.ones(samples.correct.shape)
    cost: NDArray[np.float64] | float = 0.0
    if rule.weighted:
        scores, cost = small_scores(verifier, split), verifier_flops(samples, verifier, looks)
    return _stopped(rule, samples, scores, cost, looks, small_fifths(split))


def _stopped(
    rule: StoppingRule,
    samples: bank.Samples,
    scores: NDArray[np.float64],
    verifying: NDArray[np.float64] | float,
    looks: NDArray[np.int64],
    groups: NDArray[np.intp] | None,
) -> Arm:
    right, stops = sampled_until_clear(samples.answers, scores, samples.correct, rule.is_clear, looks)
    batches = np.arange(1, len(looks) + 1)  # the policy reads the problem again for each batch
    writing = samples.prefill_flops[:, None] * batches + samples.decode_flops.mean(axis=1)[:, None] * looks
    return Arm(Allocation(int(looks[-1])), right, (stops * (writing + verifying)).sum(axis=1), groups)


@measured
def adaptive_arm(lead: float, N: int = 64, batch: int = 2, split: str = "test", verifier: str = "prm") -> Arm:
    """`adaptive_search` on recorded samples: at most N, until the weighted vote leads by `lead`.

    Parameters
    ----------
    lead : float
        The lead in the sum of scores at which sampling stops.
    N, batch : int
        Largest number of samples, and samples between two checks of the vote.
    split, verifier : str
        Problem set, and the verifier that weights the votes.
    """
    return stopping_arm(ClearLead(lead, batch), N, split, verifier)


@cache
def estimated_difficulty(
    n: int, split: str = "test", verifier: str = "prm", by: str = "score"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Difficulty estimated from the first n recorded solutions, and the FLOPs of the estimate, (problems,) each.

    Parameters
    ----------
    n : int
        Number of solutions.
    split, verifier : str
        Problem set, and the verifier that scores the solutions.
    by : str
        "score", 1 - the verifier's mean score, or "disagreement" of the answers, which needs no verifier.
    """
    samples = small_samples(split)
    cost = samples.prefill_flops + n * samples.decode_flops.mean(axis=1)
    if by == "disagreement":
        return difficulty_by_disagreement(samples.answers[:, :n]), cost
    cost = cost + verifier_flops(samples, verifier, np.array([n]))[:, 0]
    return difficulty_by_score(small_scores(verifier, split)[:, :n]), cost


@cache
def true_difficulty() -> NDArray[np.float64]:
    """Difficulty of each test problem, from samples that no estimate uses."""
    return np.asarray(1 - small_samples().correct[:, FIRST_UNSEEN:].mean(axis=1))


@measured
def auc_within(verifier: str, by: str = "answer") -> Arm:
    """AUC of a verifier within each test problem, NaN where all samples are right or all are wrong.

    A sample is right if its answer is right or, with by="working", if every step is right.
    """
    samples = small_samples()
    right = samples.correct if by == "answer" else samples.worked
    values = np.array([auc(*problem) for problem in zip(small_scores(verifier), right, strict=True)])
    return Arm(Allocation(samples.correct.shape[1]), values, np.zeros(len(values)), small_fifths())


@measured
def estimate_hits(n: int, by: str = "score") -> Arm:
    """Whether an estimate from n solutions puts each problem into the right fifth, with the cost of the estimate."""
    difficulty, flops = estimated_difficulty(n, by=by)
    return Arm(Allocation(n), (fifths(-difficulty) == fifths(-true_difficulty())).astype(float), flops)


@measured
def estimate_rank(n: int, by: str = "score") -> float:
    """Rank correlation of an estimate from n solutions with the true difficulty."""
    return rank_correlation(estimated_difficulty(n, by=by)[0], true_difficulty())
