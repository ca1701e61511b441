"""Numbers of chapter 4: revision chains and their splits."""

from collections.abc import Callable
from functools import cache

import numpy as np

from ttclab import bank, evidence
from ttclab.allocator import Arm
from ttclab.estimators import Estimate, bootstrap, bootstrap_share, majority

from .words import (
    BUDGETS,
    HARDEST,
    NAMED_FIFTHS,
    bare_points,
    finely,
    made,
    millions,
    percent,
    points,
    trillions,
    with_interval,
)

BLOCKS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64))
SPLITS = ((16, 0), (8, 1), (4, 3), (2, 7), (1, 15))
FEEDBACK = {"none": None, "oracle": "oracle", "prm": "prm-revision", "self": "self"}


@cache
def chains(feedback: str | None = None) -> bank.Chains:
    return bank.load_chains("revision", "test", feedback=feedback)


def along(first: int, last: int, gain: bool = False) -> Estimate:
    """Attempts `first` to `last` of all chains that go so far; gain: minus the first attempts of the same chains."""
    run = chains()
    chain, place = run.chain[0], run.attempt[0]
    there = (place >= first - 1) & (place < last)
    begun = (place == 0) & np.isin(chain, chain[there])
    values = run.correct[:, there].mean(axis=1)
    return bootstrap(values - run.correct[:, begun].mean(axis=1) if gain else values)


@cache
def control() -> bank.Samples:
    return bank.load("revision-control", "test")


def turned(wrong: bool, of: int | None = None, fresh: bool = False) -> Estimate:
    """Of the right first attempts what a revision turns wrong, or of the wrong ones what it turns right.

    fresh: what a sample of the control, drawn instead of the revision, would turn.
    """
    before, after = evidence.revised(chains())
    then = control().correct.mean(axis=1, keepdims=True) if fresh else after
    begun = before if wrong else ~before
    changed = begun * (1 - then) if wrong else begun * then
    rows = slice(None) if of is None else evidence.revision_fifths() == of
    return bootstrap_share(changed.sum(axis=1)[rows], begun.sum(axis=1)[rows])


def same_wrong_answer(fresh: bool = False) -> Estimate:
    """Of the wrong first attempts, those whose revision gives the same answer; fresh: as in `turned`."""
    run = chains()
    place = run.attempt[0]
    revised = np.isin(run.chain[0], run.chain[0][place == 1])
    first, second = run.answers[:, (place == 0) & revised], run.answers[:, place == 1]
    wrong = ~run.correct[:, (place == 0) & revised]
    again = np.asarray(first == second, dtype=float)
    if fresh:
        again = np.array([[(row == a).mean() for a in said] for row, said in zip(control().answers, first)])
    return bootstrap_share((wrong * again).sum(axis=1), wrong.sum(axis=1))


def in_fifth(what: str, of: int) -> Estimate:
    """First attempts of the chains that are revised, their first revisions, their difference, or the control."""
    before, after = (x.mean(axis=1)[evidence.revision_fifths() == of] for x in evidence.revised(chains()))
    fresh = control().correct.mean(axis=1)[evidence.revision_fifths() == of]
    return bootstrap({"before": before, "after": after, "gain": after - before, "control": fresh}[what])


@cache
def told(feedback: str) -> np.ndarray:
    """Of four chains of 8 attempts from the same first ones, what is right, (problems, chains, attempts)."""
    run = chains(FEEDBACK[feedback])
    kept = [(run.chain[0] == k) & (run.attempt[0] < 8) for k in range(4)]
    return np.stack([run.correct[:, columns] for columns in kept], axis=1)


def told_right(feedback: str, minus: str | None = None) -> Estimate:
    right = told(feedback)[:, :, 1:].mean(axis=(1, 2))
    return bootstrap(right - told(minus)[:, :, 1:].mean(axis=(1, 2)) if minus else right)


def told_turned(feedback: str) -> Estimate:
    right = told(feedback)
    before, after = right[:, :, :-1], right[:, :, 1:]
    return bootstrap_share((before & ~after).sum(axis=(1, 2)), before.sum(axis=(1, 2)))


def hybrid(M: int, T: int, judge: str = "prm-revision") -> Arm:
    return evidence.find(evidence.hybrid_arms(verifier=judge), M, T)


def hybrid_solved(M: int, T: int, of: int | None = None, judge: str = "prm-revision") -> Estimate:
    right = hybrid(M, T, judge).correct
    return bootstrap(right if of is None else right[evidence.revision_fifths() == of])


def hybrid_gain(one: tuple[int, int], other: tuple[int, int], of: int | None = None) -> Estimate:
    gap = hybrid(*one).correct - hybrid(*other).correct
    return bootstrap(gap if of is None else gap[evidence.revision_fifths() == of])


def voted(what: str, n: int) -> np.ndarray:
    """A vote over n parallel attempts, over a chain of n, or over n samples of the control, (problems,)."""
    run = chains()
    chain, place = run.chain[0], run.attempt[0]
    if what == "control":
        return majority(control().answers, control().correct, n)
    if what == "parallel":
        return majority(run.answers[:, place == 0], run.correct[:, place == 0], n)
    long = [(chain == k) & (place < n) for k, length in enumerate(run.made["lengths"]) if length >= n]
    return np.mean([majority(run.answers[:, x], run.correct[:, x], n, draws=1) for x in long], axis=0)


def held(chained: bool, n: int, what: str = "right") -> float:
    """How many problems n attempts hold a right answer to, in a chain or in parallel; or how many different answers."""
    run = chains()
    chain, place = run.chain[0], run.attempt[0]
    groups = [(chain == k) & (place < n) for k, length in enumerate(run.made["lengths"]) if length >= n]
    if not chained:
        starts = np.flatnonzero(place == 0)
        groups = [starts[i : i + n] for i in range(0, len(starts), n)]
    if what == "right":
        return float(np.mean([run.correct[:, group].any(axis=1) for group in groups]))
    return float(np.mean([[len(set(row)) for row in run.answers[:, group]] for group in groups]))


def attempt_flops(n: int) -> float:
    """What the policy computes for the n-th attempt of a chain, reading and writing."""
    return float(chains().flops[:, chains().attempt[0] == n - 1].mean())


def last_of(n: int) -> np.ndarray:
    run = chains()
    return run.correct[:, run.attempt[0] == n - 1].mean(axis=1)


NUMBERS: dict[str, Callable[[], str]] = {
    **{f"attempts {a}-{b}": lambda a=a, b=b: finely(along(a, b)) for a, b in BLOCKS},
    **{f"attempts {a}-{b} gain": lambda a=a, b=b: points(along(a, b, True), 1) for a, b in BLOCKS},
    "control": lambda: finely(bootstrap(control().correct.mean(axis=1))),
    "first revision minus control": lambda: points(bootstrap(last_of(2) - control().correct.mean(axis=1)), 1),
    "control minus first attempt": lambda: points(bootstrap(control().correct.mean(axis=1) - last_of(1)), 1),
    **{
        f"{'fresh ' if fresh else ''}turned {'wrong' if wrong else 'right'}": lambda wrong=wrong, fresh=fresh: finely(
            turned(wrong, fresh=fresh)
        )
        for wrong in (True, False)
        for fresh in (True, False)
    },
    "same wrong answer": lambda: finely(same_wrong_answer()),
    "fresh same wrong answer": lambda: finely(same_wrong_answer(fresh=True)),
    **{
        f"revision {name} {what}": lambda of=of, what=what: with_interval(in_fifth(what, of))
        for of, name in enumerate(NAMED_FIFTHS)
        for what in ("before", "after", "control")
    },
    **{
        f"revision {name} gain": lambda of=of: bare_points(in_fifth("gain", of), 1)
        for of, name in enumerate(NAMED_FIFTHS)
    },
    **{
        f"revision {name} turned wrong": lambda of=of: (finely if of < HARDEST else with_interval)(turned(True, of))
        for of, name in enumerate(NAMED_FIFTHS)
    },
    **{
        f"revision {name} turned right": lambda of=of: with_interval(turned(False, of))
        for of, name in enumerate(NAMED_FIFTHS)
    },
    **{f"feedback {kind}": lambda kind=kind: finely(told_right(kind)) for kind in FEEDBACK},
    **{f"feedback {kind} gain": lambda kind=kind: points(told_right(kind, "none"), 1) for kind in FEEDBACK},
    **{f"feedback {kind} turned wrong": lambda kind=kind: finely(told_turned(kind)) for kind in FEEDBACK},
    **{f"parallel {n}": lambda n=n: finely(hybrid_solved(n, 0)) for n in BUDGETS[:7]},
    **{f"parallel {n} megaflops": lambda n=n: millions(hybrid(n, 0).flops.mean()) for n in BUDGETS[:7]},
    **{f"sequential {n}": lambda n=n: finely(hybrid_solved(1, n - 1)) for n in BUDGETS[:7]},
    **{f"sequential {n} megaflops": lambda n=n: millions(hybrid(1, n - 1).flops.mean()) for n in BUDGETS[:7]},
    **{f"sequential {n} gain": lambda n=n: points(hybrid_gain((1, n - 1), (n, 0)), 1) for n in BUDGETS[:7]},
    "chain of 4 minus 32 parallel": lambda: points(hybrid_gain((1, 3), (32, 0)), 1),
    **{
        f"sequential {n} cost ratio": lambda n=n: f"{hybrid(1, n - 1).flops.mean() / hybrid(n, 0).flops.mean():.1f}"
        for n in BUDGETS[:7]
    },
    **{f"split {M}x{T + 1}": lambda M=M, T=T: finely(hybrid_solved(M, T)) for M, T in SPLITS},
    **{f"split {M}x{T + 1} hardest": lambda M=M, T=T: finely(hybrid_solved(M, T, HARDEST)) for M, T in SPLITS},
    **{f"split {M}x{T + 1} megaflops": lambda M=M, T=T: millions(hybrid(M, T).flops.mean()) for M, T in SPLITS},
    **{f"split {M}x{T + 1} gain": lambda M=M, T=T: points(hybrid_gain((M, T), (16, 0)), 1) for M, T in SPLITS},
    **{
        f"split {M}x{T + 1} hardest gain": lambda M=M, T=T: points(hybrid_gain((M, T), (16, 0), HARDEST), 1)
        for M, T in SPLITS
    },
    "easier fifths of any split": lambda: percent(
        min(float(hybrid(M, T).correct[evidence.revision_fifths() < HARDEST].mean()) for M, T in SPLITS)
    ),
    **{
        f"split 16x1 by {judge}": lambda judge=judge: finely(hybrid_solved(16, 0, judge=judge))
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"split 8x2 by {judge}": lambda judge=judge: finely(hybrid_solved(8, 1, judge=judge))
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"split 1x16 by {judge}": lambda judge=judge: finely(hybrid_solved(1, 15, judge=judge))
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"split 16x1 megaflops by {judge}": lambda judge=judge: millions(hybrid(16, 0, judge).flops.mean())
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"vote of 4, {what}": lambda what=what: finely(bootstrap(voted(what, 4)))
        for what in ("parallel", "chain", "control")
    },
    "held by 16": lambda: percent(held(False, 16)),
    "held by a chain of 16": lambda: percent(held(True, 16)),
    "answers among 16": lambda: f"{held(False, 16, 'answers'):.1f}",
    "answers in a chain of 16": lambda: f"{held(True, 16, 'answers'):.1f}",
    "held by a chain of 8": lambda: percent(held(True, 8)),
    "last of 8": lambda: finely(bootstrap(last_of(8))),
    "sequential 8 minus its last": lambda: points(bootstrap(hybrid(1, 7).correct - last_of(8)), 1),
    **{f"attempt {n} megaflops": lambda n=n: f"{attempt_flops(n) / 1e6:.1f} million" for n in (1, 2, 5)},
    "attempt 5 cost ratio": lambda: f"{attempt_flops(5) / attempt_flops(1):.0f}",
    **{
        f"{name} training": lambda name=name: trillions(evidence.training_flops(name))
        for name in ("revision", "revision-control", "prm-revision", "small")
    },
    "revision parameters": lambda: f"{made('revision')['block_parameters'] / made('small')['block_parameters']:.1f}",
    "revision training ratio": lambda: (
        f"{evidence.training_flops('revision') / evidence.training_flops('revision-control'):.0f}"
    ),
}
