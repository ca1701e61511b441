"""Numbers of chapter 5: difficulty, and policies that split a budget by it."""

from collections.abc import Callable
from functools import cache

import numpy as np

from ttclab import evidence
from ttclab.allocator import Arm, fitted_policy, lesson_policy
from ttclab.estimators import Estimate, bootstrap, fifths, rank_correlation
from ttclab.evidence import small_fifths

from .words import HARDEST, NAMED_FIFTHS, bare_points, finely, millions, points, small, with_interval

BUDGETS = evidence.FITTED_BUDGETS
POLICIES = tuple(f"{name}-{estimate}" for name in evidence.SPACES for estimate in evidence.ESTIMATES)
ASKED = (1, 2, 4, 8, 16, 64)  # solutions that a difficulty is estimated from
REST = 64  # the samples from here on say how hard a problem is


@cache
def got(policy: str, budget: int) -> Arm:
    """What a shipped policy gets, "beam", "samples" or "parallel" of a budget, or "adaptive" sampling up to it."""
    if policy in POLICIES:
        name, estimate = policy.split("-")
        return evidence.allocated(name, estimate, budget)
    if policy == "adaptive":
        return evidence.adaptive_arm(0.5, budget)
    if policy == "lesson":
        hard, asked = evidence.difficulty("revision", "predicted")
        arms = (*evidence.space("revision"), *evidence.hybrid_arms(hybrids=((5, 5),)))
        arm = evidence.spend(lesson_policy, arms, hard, budget)
        return Arm(arm.allocation, arm.correct, arm.flops + asked)
    return next(arm for arm in evidence.uniform(policy) if arm.allocation.generations == budget)


def against(policy: str) -> str:
    """The uniform way to spend that a policy is compared with."""
    return "parallel" if policy.startswith(("revision", "lesson")) else "samples"


def gain(arm: Arm, over: str) -> str:
    """Over a uniform way to spend, for the same FLOPs."""
    try:
        return points(evidence.gain(arm, over), 1)
    except ValueError:
        return "dearer than any"


def ahead(arm: Arm, over: str) -> str:
    """As `gain`, for a column of points."""
    return gain(arm, over).replace(" points", "")


def minus_64(policy: str, budget: int) -> Estimate:
    return bootstrap(got(policy, budget).correct - got("samples", 64).correct)


def hardest_gain(policy: str, budget: int) -> str:
    """Over as many samples, on the revision model's hardest fifth, for a column of points."""
    gap = got(policy, budget).correct - got("parallel", budget).correct
    return bare_points(bootstrap(gap[evidence.revision_fifths() == HARDEST]), 1)


def saving(policy: str, budget: int) -> str:
    return f"{got('samples', 64).flops.mean() / got(policy, budget).flops.mean():.1f}"


@cache
def spread(estimate: str, n: int) -> Arm:
    """A budget of the FLOPs of best-of-n, spread over the batch."""
    return evidence.spread(estimate, float(got("samples", n).flops.mean()))


@cache
def looks(by: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    return evidence.estimated_difficulty(n, by=by)


@cache
def rest() -> np.ndarray:
    """How hard each problem is by samples that no estimate reads."""
    return np.asarray(1 - small().correct[:, REST:].mean(axis=1))


def right_fifth(by: str, n: int) -> Estimate:
    return bootstrap((fifths(-looks(by, n)[0]) == fifths(-rest())).astype(float))


def in_words(policy: str, budget: int, of: int) -> str:
    """What a fitted policy does with a fifth."""
    plan = fitted_policy(policy).table[budget][of]
    if plan.M:
        return f"beam {plan.N}, M={plan.M}"
    return f"{plan.N} × {1 + plan.T}" if plan.T or policy.startswith("revision") else f"best of {plan.N}"


@cache
def validated(slack: float, budget: int) -> Arm:
    """Two-fold cross-validation of the search policy, oracle difficulty, on the validation problems."""
    hard, _ = evidence.difficulty("search", "oracle", "validation")
    return evidence.cross_validated(evidence.space("search", "validation"), hard, budget, slack=slack)


def arm_in_fifth(arm: Arm, of: int) -> str:
    return with_interval(bootstrap(arm.correct[small_fifths() == of]))


def beam(N: int, M: int) -> Arm:
    return evidence.find(evidence.space("search"), N, 0, M)


WAYS: dict[str, Callable[[], Arm]] = {
    **{f"best of {n}": lambda n=n: got("samples", n) for n in (1, 4, 16, 64)},
    **{f"beam {N}x{M}": lambda N=N, M=M: beam(N, M) for N, M in evidence.BEAMS},
}
NUMBERS: dict[str, Callable[[], str]] = {
    **{f"{by} of {n} share": lambda by=by, n=n: with_interval(right_fifth(by, n))
       for by in ("score", "disagreement") for n in ASKED},
    **{f"{by} of {n} rank": lambda by=by, n=n: f"{rank_correlation(looks(by, n)[0], rest()):.2f}"
       for by in ("score", "disagreement") for n in ASKED},
    **{f"{by} of {n} megaflops": lambda by=by, n=n: millions(float(looks(by, n)[1].mean()))
       for by in ("score", "disagreement") for n in ASKED},
    **{f"{name} solves": lambda way=way: finely(bootstrap(way().correct)) for name, way in WAYS.items()},
    **{f"{name} costs": lambda way=way: millions(float(way().flops.mean())) for name, way in WAYS.items()},
    **{f"{name} {word}": lambda way=way, of=of: arm_in_fifth(way(), of)
       for name, way in WAYS.items() for of, word in enumerate(NAMED_FIFTHS)},
    **{f"{policy} {n} {word} plan": lambda policy=policy, n=n, of=of: in_words(policy, n, of)
       for policy in POLICIES for n in BUDGETS for of, word in enumerate(NAMED_FIFTHS)},
    **{f"{policy} {n} solves": lambda policy=policy, n=n: finely(bootstrap(got(policy, n).correct))
       for policy in (*POLICIES, "adaptive", "lesson") for n in BUDGETS},
    **{f"{policy} {n} costs": lambda policy=policy, n=n: millions(float(got(policy, n).flops.mean()))
       for policy in (*POLICIES, "adaptive", "lesson") for n in BUDGETS},
    **{f"{policy} {n} gain": lambda policy=policy, n=n: gain(got(policy, n), against(policy))
       for policy in (*POLICIES, "adaptive", "lesson") for n in BUDGETS},
    **{f"{policy} {n} ahead": lambda policy=policy, n=n: ahead(got(policy, n), against(policy))
       for policy in (*POLICIES, "adaptive", "lesson") for n in BUDGETS},
    **{f"{policy} {n} minus beam": lambda policy=policy, n=n: ahead(got(policy, n), "beam")
       for policy in (*POLICIES, "adaptive") for n in BUDGETS},
    **{f"{policy} {n} minus best of 64": lambda policy=policy, n=n: points(minus_64(policy, n), 1)
       for policy in POLICIES for n in BUDGETS},
    **{f"{policy} {n} saving": lambda policy=policy, n=n: saving(policy, n) for policy in POLICIES for n in BUDGETS},
    **{f"beam {N}x{M} saving": lambda N=N, M=M: f"{got('samples', 64).flops.mean() / beam(N, M).flops.mean():.1f}"
       for N, M in evidence.BEAMS},
    **{f"{policy} {n} hardest gain": lambda policy=policy, n=n: hardest_gain(policy, n)
       for policy in ("lesson", "revision-oracle") for n in BUDGETS},
    **{f"spread {estimate} {n} {what}": lambda estimate=estimate, n=n, say=say: say(spread(estimate, n))
       for estimate in evidence.ESTIMATES for n in BUDGETS[2:]
       for what, say in {
           "solves": lambda arm: finely(bootstrap(arm.correct)),
           "costs": lambda arm: millions(float(arm.flops.mean())),
           "gain": lambda arm: ahead(arm, "samples"),
           "minus beam": lambda arm: ahead(arm, "beam"),
       }.items()},
    **{f"validated {slack} 16 {what}": lambda slack=slack, say=say: say(validated(slack, 16))
       for slack in (0.0, 0.01)
       for what, say in {
           "solves": lambda arm: finely(bootstrap(arm.correct)),
           "costs": lambda arm: millions(float(arm.flops.mean())),
       }.items()},
    "parallel 1 costs": lambda: millions(float(got("parallel", 1).flops.mean())),
    "one of the revision model": lambda: finely(bootstrap(got("parallel", 1).correct)),
    "slack": lambda: f"{100 * evidence.SLACK:.0f} point",
}  # fmt: skip
