"""Results of rules that allocate a budget by difficulty, with the cost of estimating the difficulty included."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..allocator import Allocation, Arm, ComputeOptimalPolicy, fitted_policy, lesson_policy, spread_budget
from ..estimators import Estimate, fifths
from .arms import Arms, at_equal_flops, pick, spend
from .families import cached, measured
from .revision import hybrid_arms
from .sampling import FINE_BUDGETS, adaptive_arm, estimated_difficulty, sampling_arms, small_samples
from .searching import BEAMS, beam_arms
from .stepwise import stepwise_arms

SPACES = ("search", "revision", "steps", "whole")
ESTIMATES = ("oracle", "predicted")
FITTED_BUDGETS = (1, 2, 4, 8, 16, 32, 64)
SLACK = 0.01
CLEAR_LEAD = 0.5  # lead in the sum of scores at which adaptive sampling stops


@cached
def space(name: str, split: str = "test") -> Arms:
    """All recorded arms from which a rule may choose.

    Parameters
    ----------
    name : str
        "search": samples, and beams of all widths; "revision": chains of T rewrites, where T=0 are samples; "steps":
        samples, and chains of step-level revisions; "whole": all of these. The PRM chooses the answer.
    split : str
        Problem set.
    """
    if name == "revision":
        return hybrid_arms(split)
    samples, searches = sampling_arms(split), beam_arms(split, beams=BEAMS)
    if name == "search":
        return samples | searches
    steps = samples | _revising(stepwise_arms(split))
    return steps if name == "steps" else steps | searches | _revising(hybrid_arms(split))


def _revising(arms: Arms) -> Arms:
    """Arms with revisions."""
    return Arms(arm for arm in arms.values() if arm.allocation.T)


@cache
def difficulty(estimate: str = "oracle", split: str = "test") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Difficulty of each problem for the small model, and the FLOPs of estimating it, (problems,) each.

    Parameters
    ----------
    estimate : str
        "oracle", 1 - pass@1, which is unknown in practice and free here, or "predicted", 1 - the verifier's score of
        one solution.
    split : str
        Problem set.
    """
    if estimate == "predicted":
        return estimated_difficulty(1, split)
    right = small_samples(split).correct
    return 1 - right.mean(axis=1), np.zeros(len(right))


def sure_scores(margin: float = 0.05) -> float:
    """Share of test problems whose first solution the verifier scores within `margin` of 0 or 1."""
    hard, _ = difficulty("predicted")
    return float(np.mean((hard < margin) | (hard > 1 - margin)))


@measured
def allocated(name: str, estimate: str, budget: int) -> Arm:
    """Accuracy and FLOPs of a shipped policy on the test problems, with its estimate of difficulty."""
    hard, estimate_flops = difficulty(estimate)
    got = spend(fitted_policy(f"{name}-{estimate}"), space(name), hard, budget)
    return Arm(got.allocation, got.correct, got.flops + estimate_flops, got.fifths)


@measured
def lesson(budget: int) -> Arm:
    """Accuracy and FLOPs of the lesson's rule, with its estimate of difficulty.

    The revisions are step by step, as in the lesson's pseudocode.
    """
    hard, estimate_flops = difficulty("predicted")
    got = spend(lesson_by_steps, space("steps"), hard, budget)
    return Arm(got.allocation, got.correct, got.flops + estimate_flops, got.fifths)


def lesson_by_steps(difficulty: float, budget: int) -> Allocation:
    """The lesson's rule, with step-level revisions."""
    plan = lesson_policy(difficulty, budget)
    return Allocation(plan.N, plan.T, stepwise=plan.T > 0)


def lesson_gain(budget: int) -> Estimate:
    """The lesson's rule minus the whole budget spent on samples."""
    return lesson(budget).minus(sampling_arms().at(budget))


def adaptive(N: int) -> Arm:
    """Adaptive sampling of the small model: at most N samples, fewer if the weighted vote is clear."""
    return adaptive_arm(CLEAR_LEAD, N)


def plan(name: str, estimate: str, budget: int, fifth: int) -> str:
    """Allocation of a shipped policy for a fifth of the problems, in words; revisions are chains × attempts."""
    chosen = fitted_policy(f"{name}-{estimate}").table[budget][fifth]
    if chosen.M:
        return f"beam {chosen.N}, M={chosen.M}"
    if chosen.stepwise:
        return f"{chosen.N} × {1 + chosen.T} by steps"
    return f"{chosen.N} × {1 + chosen.T}" if chosen.T or name == "revision" else f"best of {chosen.N}"


def in_attempts(name: str, estimate: str, budget: int, fifth: int) -> str:
    """What a shipped policy that may revise does with a fifth of the problems, in a sentence: "one chain of 16"."""
    chosen = fitted_policy(f"{name}-{estimate}").table[budget][fifth]
    if not chosen.T:
        return "one attempt" if chosen.N == 1 else f"{chosen.N} parallel attempts"
    return f"{'one chain' if chosen.N == 1 else f'{chosen.N} chains'} of {1 + chosen.T} attempts"


@cache
def spread(estimate: str, flops: float) -> Arm:
    """Spread a budget of `flops` per problem over all test problems, including the cost of estimating difficulty.

    The expected accuracy of an arm on a problem is its accuracy on validation problems of the same fifth.
    """
    arms = sorted(space("search", "validation").values(), key=lambda arm: arm.cost)
    hard, estimate_flops = difficulty(estimate)
    known, _ = difficulty(estimate, "validation")
    groups = fifths(-known)
    edges = [float(known[groups == group].max()) for group in range(4)]
    gains = np.array([[arm.correct[groups == group].mean() for arm in arms] for group in range(5)])
    costs = np.array([arm.flops.mean() for arm in arms])
    fifth = np.searchsorted(edges, hard)
    moves = spread_budget(gains[fifth], costs, len(hard) * flops - float(estimate_flops.sum()))
    got = pick([space("search")[arms[move].allocation] for move in moves], Allocation(1))
    return Arm(got.allocation, got.correct, got.flops + estimate_flops, got.fifths)


def cross_validated(
    arms: Sequence[Arm], difficulty: NDArray[np.float64], budget: int, *, bins: int = 5, slack: float = 0.0
) -> Arm:
    """Two-fold cross-validation: each half of the problems is allocated by a policy fitted to the other half."""
    halves = [np.arange(len(difficulty)) % 2 == half for half in (0, 1)]
    right, cost = np.zeros(len(difficulty)), np.zeros(len(difficulty))
    for fitted, unseen in (halves, halves[::-1]):
        known, new = ([Arm(a.allocation, a.correct[half], a.flops[half]) for a in arms] for half in (fitted, unseen))
        policy = ComputeOptimalPolicy.fit(known, difficulty[fitted], [budget], bins=bins, slack=slack)
        got = spend(policy, Arms(new), difficulty[unseen], budget)
        right[unseen], cost[unseen] = got.correct, got.flops
    return Arm(Allocation(budget), right, cost)


@cached
def uniform(name: str) -> Arms:
    """Arms of a strategy that spends the same budget on every problem, cheapest first, on the test problems.

    "samples": best-of-N of the small model; "beam": its beam search of width 4, and one sample; "steps": one chain of
    step-level revisions, and one sample.
    """
    if name == "samples":
        return sampling_arms(budgets=(*FINE_BUDGETS, 160, 192, 256))
    if name == "beam":
        wide = (arm for arm in beam_arms(beams=BEAMS).values() if arm.allocation.M == 4)
        return Arms((sampling_arms().at(1), *wide))
    chains = (arm for arm in stepwise_arms().values() if arm.allocation.N == 1 and arm.allocation.T)
    return Arms((sampling_arms().at(1), *chains))


def gain(arm: Arm, over: str = "samples") -> Estimate:
    """Accuracy of an arm minus that of a `uniform` strategy at equal FLOPs, on the test problems."""
    return arm.minus(at_equal_flops(uniform(over).values(), arm.cost))
