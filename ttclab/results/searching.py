"""Recorded beam searches of the small model. Each budget is recorded: N=4 is not a subset of N=16."""

from functools import cache

import numpy as np

from .. import bank
from ..allocator import Allocation, Arm
from ..estimators import Estimate, bootstrap
from .arms import Arms
from .families import cached, measured
from .sampling import BUDGETS, small_fifths, small_samples, verifier_flops, writing_flops
from .verifiers import beginnings_flops

BEAMS = tuple(sorted((*bank.BEAMS, *bank.MORE_BEAMS)))  # all recorded beam searches with the PRM


@cache
def searches(N: int, verifier: str = "prm", M: int = 4, lookahead: int = 0, split: str = "test") -> bank.Searches:
    """The recorded beam searches with a budget and a width."""
    return bank.load_searches("small", verifier, split, N, M, lookahead=lookahead)


@measured
def beam(N: int, verifier: str = "prm", M: int = 4, lookahead: int = 0, split: str = "test") -> Arm:
    """The accuracy and the FLOPs of the recorded beam searches with a budget and a width."""
    run = searches(N, verifier, M, lookahead, split)
    return Arm(Allocation(N, 0, M), run.correct().astype(float), run.total_flops, small_fifths(split))


@cached
def beam_arms(split: str = "test", verifier: str = "prm", beams: tuple[tuple[int, int], ...] = bank.BEAMS) -> Arms:
    """The recorded beam searches of the small model, one for each (N, M) of `beams`."""
    return Arms(beam(N, verifier, M, split=split) for N, M in beams)


@measured
def searched(strategy: str, verifier: str = "prm", split: str = "test", choose: str = "best", **settings: int) -> Arm:
    """The accuracy and the FLOPs of any recorded strategy (`bank.record_strategy`) of the small model.

    Parameters
    ----------
    strategy, verifier, split, **settings
        As for `bank.load_strategy`.
    choose : str
        As for `parallel_search`.
    """
    run = bank.load_strategy(strategy, "small", verifier, split, **settings)
    spent = Allocation(settings.get("N", 1), settings.get("T", 0))
    return Arm(spent, run.correct(choose).astype(float), run.total_flops, small_fifths(split)[: len(run.problems)])


def beam_coverage(N: int, verifier: str = "prm") -> Estimate:
    """Share of problems for which the search returns a right solution."""
    return bootstrap([any(solution.correct for solution in group) for group in searches(N, verifier).found])


def beam_texts(N: int, verifier: str = "prm") -> float:
    """Mean number of distinct solutions that a search returns."""
    return float(np.mean([len({solution.text for solution in group}) for group in searches(N, verifier).found]))


def rival(N: int, verifier: str = "prm", *, beginnings_once: bool = False) -> int:
    """Samples of the largest recorded weighted vote that costs no more than a beam search.

    Parameters
    ----------
    N : int
        Places of the search.
    verifier : str
        The verifier of both.
    beginnings_once : bool
        Whether the vote, like the search, pays for a beginning that several solutions share only once.
    """
    sizes, samples = np.array(BUDGETS), small_samples()
    scoring = beginnings_flops(verifier, sizes) if beginnings_once else verifier_flops(samples, verifier, sizes)
    costs = (writing_flops(samples, sizes) + scoring).mean(axis=0)
    return int(sizes[costs <= beam(N, verifier).cost][-1])
