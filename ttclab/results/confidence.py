"""The small model's token confidence as a verifier and as a stopping rule, on recorded runs.

Confidence costs nothing, because the policy computes it while writing. A right and a wrong sample of a problem diverge
at a token that both drew from the same distribution. A measure of the distribution alone, such as its entropy, cannot
tell the two draws apart at this token; the log-probability of the drawn token can.
"""

from functools import cache, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import bank
from ..allocator import Allocation, Arm
from ..confidence import MEASURES, MOST, TOKENS, WINDOW, group_confidences
from ..estimators import Estimate, best_of_n, bootstrap, elected
from ..flops import decode_flops
from ..stopping import Agreement, ClearLead, Posterior, StoppingRule
from .arms import Arms, at_equal_flops
from .sampling import (
    BUDGETS,
    FINE_BUDGETS,
    auc_within,
    best,
    sampling_arms,
    small_fifths,
    small_samples,
    small_scores,
    stopping_arm,
    vote,
)

RULES: dict[str, StoppingRule] = {  # checked after every second sample, or after each doubling
    "clear lead": ClearLead(0.5, batch=2),
    "agreement": Agreement(0.75),
    "posterior": Posterior(0.95, batch=2),
}
MOST_SAMPLES = (4, 8, 16, 32, 64)
WARMUP = 16
KEPT = (0.9, 0.5, 0.1)  # shares of warm-up samples above the floor: DeepConf-high, the middle, DeepConf-low


def confidence_auc(measure: str, *, working: bool = False) -> Estimate:
    """AUC within a problem of a measure of confidence, or of a recorded verifier.

    A solution counts as right if its answer is right or, with `working`, if every step is right.
    """
    aucs = auc_within(measure, "working" if working else "answer").correct
    return bootstrap(aucs[~np.isnan(aucs)])


def most_confident_gain(N: int, measure: str) -> Estimate:
    """The most confident of N samples minus their majority vote."""
    return best(N, measure).minus(vote(N))


@cache
def random_by_text(N: int, *, seed: int = 0) -> Arm:
    """Best-of-N with a random score for each distinct text, the control for verifiers that score texts."""
    samples, rng = small_samples(), np.random.default_rng(seed)
    places = [np.unique(texts, return_inverse=True)[1] for texts in samples.texts]
    scores = np.array([rng.random(place.max() + 1)[place] for place in places])
    return Arm(Allocation(N), best_of_n(scores, samples.correct, N), vote(N).flops, small_fifths())


@cache
def rule_arms(rule: str) -> Arms:
    """Arms of a stopping rule, one for each largest number of samples in MOST_SAMPLES."""
    return Arms(stopping_arm(RULES[rule], N) for N in MOST_SAMPLES)


def rule_gain(rule: str, N: int) -> Estimate:
    """A stopping rule with at most N samples minus the same kind of vote without stopping, at equal FLOPs."""
    arm = rule_arms(rule).at(N)
    return arm.minus(at_equal_flops(_unstopped(rule, FINE_BUDGETS).values(), arm.cost))


def rule_saving(rule: str, N: int) -> float:
    """Share of FLOPs that a stopping rule saves, compared with the same kind of vote of all N samples."""
    return 1 - rule_arms(rule).at(N).cost / _unstopped(rule).at(N).cost


def rule_loss(rule: str, N: int) -> Estimate:
    """A stopping rule with at most N samples minus the same kind of vote of all N samples."""
    return rule_arms(rule).at(N).minus(_unstopped(rule).at(N))


def _unstopped(rule: str, budgets: tuple[int, ...] = BUDGETS) -> Arms:
    return sampling_arms(choose="weighted" if RULES[rule].weighted else "majority", budgets=budgets)


@lru_cache(maxsize=1)
def _lowest_so_far() -> NDArray[np.float32]:
    """Running minimum of the group confidences of each sample, (problems, samples, groups), in nats.

    The last value of a sample is repeated after its end.
    """
    samples, recorded = small_samples(), bank.load_scores(TOKENS, "small-test")
    groups = max(1, int(samples.tokens.max()) - WINDOW + 1)
    lowest = np.empty((*samples.tokens.shape, groups), dtype=np.float32)
    for i, texts in enumerate(samples.texts):
        _, first, place = np.unique(texts, return_index=True, return_inverse=True)
        for text, j in enumerate(first):
            minima = np.minimum.accumulate(group_confidences(MOST * np.array(recorded[i][j]), WINDOW))
            lowest[i, place == text] = np.pad(minima, (0, groups - len(minima)), mode="edge")
    return lowest


@cache
def stopped_inside(N: int, keep: float, weight: str | None = None, *, draws: int = 16, seed: int = 0) -> Arm:
    """`adaptive.confident_search` of the small model on recorded samples.

    Parameters
    ----------
    N : int
        Samples started for each problem. The first WARMUP of them are never stopped.
    keep : float
        Share of warm-up samples whose confidence is above the floor.
    weight : str, optional
        Measure of confidence that weights the votes of the samples that were not stopped; by default equal weights.
    draws, seed : int
        Number and seed of the random orders of the recorded samples over which the result is averaged.
    """
    samples, running = small_samples(), _lowest_so_far()
    ends = np.maximum(samples.tokens - WINDOW, 0)[..., None]  # the last group of each sample
    lowest = np.take_along_axis(running, ends, axis=-1)[..., 0]
    weights = small_scores(weight) if weight else np.ones(samples.correct.shape)
    costs = _writing_costs()
    rng, correct, flops = np.random.default_rng(seed), np.zeros(len(lowest)), np.zeros(len(lowest))
    for _ in range(draws):
        order = rng.permuted(np.broadcast_to(np.arange(lowest.shape[1]), lowest.shape), axis=1)[:, :N]
        floors = np.quantile(np.take_along_axis(lowest, order[:, :WARMUP], axis=1), 1 - keep, axis=1)
        groups = np.take_along_axis(running, order[..., None], axis=1)
        above = groups >= floors[:, None, None].astype(np.float32)
        written = WINDOW + above.sum(axis=-1)  # up to the first group below
        whole = np.take_along_axis(samples.tokens, order, axis=1)
        finished = np.take_along_axis(samples.finished, order, axis=1)
        stopped = (written < whole) | ((written == whole) & ~finished)
        stopped[:, :WARMUP] = False
        votes = np.where(stopped, 0.0, np.take_along_axis(weights, order, axis=1))
        answers = np.take_along_axis(samples.answers, order, axis=1)
        answers[stopped] = None
        correct += elected(answers, votes, np.take_along_axis(samples.correct, order, axis=1) & ~stopped) / draws
        tokens = np.where(stopped, written, whole)
        flops += np.take_along_axis(costs, tokens, axis=1).sum(axis=1) / draws
    reads = 1 + (N > WARMUP)  # the policy reads the problem again after the warm-up
    return Arm(Allocation(N), correct, flops + reads * samples.prefill_flops, small_fifths())


@cache
def _writing_costs() -> NDArray[np.float64]:
    """FLOPs of writing 0, 1, 2, ... tokens after each problem, (problems, tokens)."""
    samples = small_samples()
    longest = int(samples.tokens.max())
    rows = {
        length: [0.0, *(float(decode_flops(samples.config, tokens - 1, length)) for tokens in range(1, longest + 1))]
        for length in set(samples.prompt_tokens)
    }
    return np.array([rows[length] for length in samples.prompt_tokens])


def inside_gain(N: int, keep: float, weight: str | None = None) -> Estimate:
    """Stopping inside samples minus a majority vote, at equal FLOPs."""
    arm, fixed = stopped_inside(N, keep, weight), sampling_arms(choose="majority", budgets=FINE_BUDGETS)
    return arm.minus(at_equal_flops(fixed.values(), arm.cost))


def inside_saving(N: int, keep: float) -> float:
    """Share of FLOPs that stopping inside samples saves, compared with a majority vote of N samples."""
    return 1 - stopped_inside(N, keep).cost / vote(N).cost


def confidence() -> pd.DataFrame:
    """Data of the figure: strategies without a trained verifier, compared with stopping by the PRM's clear lead.

    Returns
    -------
    DataFrame
        A row for each strategy and largest number of samples N: accuracy with its 95% interval, and FLOPs per problem.
    """
    strategies = {
        "vote": sampling_arms(choose="majority"),
        **{f"vote weighted by {measure}": sampling_arms(verifier=measure) for measure in MEASURES},
        **{f"stopping by {rule}": rule_arms(rule) for rule in RULES},
        **{
            f"stopping inside, {keep:.0%} kept": Arms(stopped_inside(N, keep) for N in MOST_SAMPLES if N > WARMUP)
            for keep in KEPT
        },
    }
    rows = [
        {"strategy": name, "N": arm.allocation.N, **dict(zip(("solved", "low", "high"), map(float, arm.solved)))}
        | {"flops": arm.cost}
        for name, arms in strategies.items()
        for arm in arms.values()
    ]
    return pd.DataFrame(rows)
