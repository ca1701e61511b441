"""Numbers of chapters 1 and 2: sampling, votes, coverage, and one pass of the large model."""

from collections.abc import Callable
from functools import cache

import numpy as np

from ttclab import bank, evidence
from ttclab.allocator import Arm
from ttclab.estimators import Estimate, bootstrap, fifths, majority, pass_at_k
from ttclab.evidence import small_fifths

from .words import HARDEST, flops_of_samples, made, percent, points, small, with_interval


def coverage(n: int, of: int | None = None) -> Estimate:
    right = small().correct
    values = pass_at_k(right.shape[1], right.sum(axis=1), n)
    return bootstrap(values if of is None else values[small_fifths() == of])


def one_rate(n: int, of: int | None = None) -> float:
    """1-(1-p)^N with the mean p of a group, as if all its problems were equally hard."""
    p = small().correct.mean(axis=1)
    return float(1 - (1 - (p if of is None else p[small_fifths() == of]).mean()) ** n)


@cache
def votes(n: int) -> np.ndarray:
    return majority(small().answers, small().correct, n)


def vote(n: int, of: int | None = None) -> Estimate:
    return bootstrap(votes(n) if of is None else votes(n)[small_fifths() == of])


def flops_of_greedy(model: str) -> float:
    run = bank.load(model, "test", greedy=True)
    return float((run.prefill_flops + run.decode_flops[:, 0]).mean())


def matched_samples() -> int:
    """Samples of the small model for the FLOPs of one greedy pass of the large one."""
    return int((flops_of_greedy("large") - small().prefill_flops.mean()) / small().decode_flops.mean())


def vote_minus_greedy() -> Estimate:
    return bootstrap(votes(matched_samples()) - bank.load("small", "test", greedy=True).correct[:, 0])


def greedy(model: str, of: int | None = None, at: int | None = None) -> Estimate:
    right = bank.load(model, "test", at=at, greedy=True).correct[:, 0]
    return bootstrap(right if of is None else right[small_fifths() == of])


def coverage_minus_large(at: int | None = None) -> Estimate:
    right = small().correct
    covered = pass_at_k(right.shape[1], right.sum(axis=1), matched_samples())
    return bootstrap(covered - bank.load("large", "test", at=at, greedy=True).correct[:, 0])


@cache
def judged() -> tuple[Arm, ...]:
    """The small model with the PRM and one sample, two, ...: as many as would be matched if its reading were free."""
    return evidence.sampling_arms(budgets=tuple(range(1, matched_samples() + 1)))


def matched_prm() -> Arm:
    """As many samples as the FLOPs of one large pass pay for, the PRM's reading included."""
    return [arm for arm in judged() if arm.flops.mean() <= flops_of_greedy("large")][-1]


def minus_large(arm: Arm) -> Estimate:
    return bootstrap(arm.correct - evidence.one_pass("test").correct)


def fifth_shift() -> float:
    """How far a fifth's coverage moves at most if half of the samples make the fifths and the others are measured."""
    right = small().correct
    half = right.shape[1] // 2
    apart, there = fifths(right[:, :half].mean(axis=1)), right[:, half:]
    shifts = []
    for n in (1, 4, 16, matched_samples(), 64):
        covered = pass_at_k(half, there.sum(axis=1), n)
        shifts += [abs(float(covered[apart == of].mean() - coverage(n, of).mean)) for of in range(5)]
    return max(shifts)


NUMBERS: dict[str, Callable[[], str]] = {
    "small pass@1": lambda: with_interval(coverage(1)),
    "small pass@4": lambda: with_interval(coverage(4)),
    "small pass@16": lambda: with_interval(coverage(16)),
    "small pass@64": lambda: with_interval(coverage(64)),
    "small one rate@4": lambda: percent(one_rate(4)),
    "small easiest pass@1": lambda: with_interval(coverage(1, of=0)),
    "small hardest pass@1": lambda: with_interval(coverage(1, of=4)),
    "small hardest pass@64": lambda: with_interval(coverage(64, of=4)),
    "small hardest one rate@64": lambda: percent(one_rate(64, of=4)),
    "small easiest pass@4": lambda: with_interval(coverage(4, of=0)),
    "small hardest pass@16": lambda: with_interval(coverage(16, of=4)),
    "small vote@2": lambda: with_interval(vote(2)),
    "small vote@16": lambda: with_interval(vote(16)),
    "small vote@64": lambda: with_interval(vote(64)),
    "small vote@256": lambda: with_interval(vote(256)),
    "small megaflops@1": lambda: f"{flops_of_samples(1) / 1e6:.1f} million",
    "small megaflops@16": lambda: f"{flops_of_samples(16) / 1e6:.1f} million",
    "small greedy": lambda: with_interval(greedy("small")),
    "large greedy": lambda: with_interval(greedy("large")),
    "large hardest greedy": lambda: with_interval(greedy("large", of=4)),
    "matched samples": lambda: str(matched_samples()),
    "matched vote": lambda: with_interval(vote(matched_samples())),
    "matched coverage": lambda: with_interval(coverage(matched_samples())),
    "matched hardest coverage": lambda: with_interval(coverage(matched_samples(), of=4)),
    "matched hardest vote": lambda: with_interval(vote(matched_samples(), of=4)),
    "matched prm samples": lambda: str(matched_prm().allocation.N),
    "matched prm": lambda: with_interval(bootstrap(matched_prm().correct)),
    "matched prm gain": lambda: points(minus_large(matched_prm())),
    "free prm gain": lambda: points(minus_large(judged()[-1])),
    "judged cost ratio": lambda: f"{judged()[-1].flops.mean() / flops_of_greedy('large'):.1f}",
    "vote minus greedy": lambda: points(vote_minus_greedy()),
    "vote cost ratio": lambda: f"{flops_of_samples(matched_samples()) / flops_of_greedy('small'):.0f}",
    "large step": lambda: str(made("large")["steps"]),
    "large last step": lambda: str(made("large", at=2500)["steps"]),
    "coverage minus large": lambda: points(coverage_minus_large()),
    "coverage minus large last": lambda: points(coverage_minus_large(at=2500)),
    "fifth shift": lambda: f"{np.ceil(100 * fifth_shift()):.0f} points",
    "parameter ratio": lambda: f"{made('large')['block_parameters'] / made('small')['block_parameters']:.1f}",
    "pass ratio": lambda: f"{flops_of_greedy('large') / flops_of_greedy('small'):.1f}",
    "large megaflops": lambda: f"{flops_of_greedy('large') / 1e6:.0f} million",
    "large first greedy": lambda: with_interval(greedy("large", at=750)),
    "large last greedy": lambda: with_interval(greedy("large", at=2500)),
    "small parameters": lambda: f"{made('small')['block_parameters']:,}",
    "small training flops": lambda: f"{made('small')['training_flops'] / 1e12:.1f} × 10¹²",
    "small hardest vote@1": lambda: with_interval(vote(1, of=HARDEST)),
    "small hardest vote@256": lambda: with_interval(vote(256, of=HARDEST)),
}
