"""The small model, thinking, against one pass of the large one: for equal FLOPs of a question, and of a whole life."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .. import bank
from ..allocator import Allocation, Arm
from ..bank.shipped import REVISER, SMALL
from ..estimators import Estimate, bootstrap
from ..models import ZOO
from .arms import Arms
from .families import cached, measured
from .revision import hybrid_arms
from .sampling import coverage, sampling_arms, small_fifths, verifying, vote
from .searching import beam_arms
from .stepwise import stepwise_arms
from .training import block_parameters, training_flops, training_tokens

# Of the large model's training, where it ships.
STEPS = tuple(sorted(int(folder.name.removeprefix("large-")) for folder in ZOO.glob("large-*")))
RATIOS = (0.16, 0.79, 22.0, float("inf"))  # R of the paper, and a life so long that training does not count


@measured
def one_pass(split: str = "test", at: int | None = None, model: str = "large") -> Arm:
    """One greedy pass of a model over each problem; the fifths are the small model's."""
    run = bank.load(model, split, at=at, greedy=True)
    right, flops = run.correct[:, 0].astype(float), (run.prefill_flops + run.decode_flops[:, 0]).astype(float)
    small = bank.path_of("small", split).exists()
    return Arm(Allocation(1), right, flops, small_fifths(split) if small else None)


def greedy(model: str, at: int | None = None) -> Arm:
    """One greedy pass of a model over each test problem."""
    return one_pass("test", at, model)


@cache
def matched_samples(verifier: str | None = None) -> int:
    """Samples of the small model for the FLOPs of one pass of the large one, scored by a verifier or not."""
    price = greedy("large").cost
    if verifier is None:
        reading = 2 * vote(1).cost - vote(2).cost
        return int((price - reading) / (vote(2).cost - vote(1).cost))
    arms = sampling_arms(verifier=verifier, budgets=tuple(range(1, matched_samples() + 1)))
    return max(allocation.N for allocation in arms.within(price))


def bill(model: str, N: int = 1, verifier: str | None = None) -> dict[str, float]:
    """Mean FLOPs a problem by what they are for: reading the problem once, writing N solutions, and the verifier.

    The large model writes one greedy solution, the small one samples; without a verifier its part is left out.
    """
    if model == "small":
        written = vote(2).cost - vote(1).cost
        parts = {"reading": vote(1).cost - written, "writing": N * written}
    else:
        run = bank.load(model, "test", greedy=True)
        parts = {"reading": float(run.prefill_flops.mean()), "writing": float(N * run.decode_flops.mean())}
    return parts if verifier is None else {**parts, "verifier": verifying(N, verifier)}


def size_ratio() -> float:
    """How many times the parameters of the small model the large one has, in their blocks."""
    return block_parameters("large") / block_parameters("small")


@measured
def queries_at(R: float, at: int | None = None) -> float:
    """Problems that make R, the tokens that the large model reads and writes for them over those it was trained on.

    Parameters
    ----------
    R : float
        Above 0. It may be infinite: a life so long that training does not count.
    at : int, optional
        Where the large model's training stopped.

    Raises
    ------
    ValueError
        Unless R > 0.
    """
    if not R > 0:
        raise ValueError(f"R, inference tokens over training tokens, must be above 0, not {R}")
    run = bank.load("large", "test", at=at, greedy=True)
    a_problem = np.mean(run.prompt_tokens) + run.tokens.mean()
    return R * training_tokens("large", at) / float(a_problem)


@dataclass(frozen=True)
class Exchange:
    """The small model, thinking, against one pass of the large one, for the same FLOPs in all, training included.

    Parameters
    ----------
    queries : float
        Problems that the two are asked in their life.
    large, small : Arm
        Their arms.
    verifier : str or None
        The verifier that the small model uses, None where it votes.
    left : float
        FLOPs a problem that the small model could have spent.
    """

    queries: float
    large: Arm
    small: Arm
    verifier: str | None
    left: float

    def gain(self, members: NDArray[np.bool_] | None = None, *, cells: int = 1) -> Estimate:
        """Accuracy of the small model minus that of the large one, over some of the problems.

        cells: comparisons that are looked at together. With more than one the interval is wider, so that 95% is the
        chance that all of them hold their values (Bonferroni).
        """
        difference = self.small.correct - self.large.correct
        draws = 1000 if cells == 1 else 5000  # the ends of a wider interval are rarer
        return bootstrap(difference if members is None else difference[members], draws=draws, level=1 - 0.05 / cells)


def exchange(
    queries: float,
    at: int | None = None,
    *,
    verifier: str = "prm",
    verifier_given: bool = False,
    split: str = "test",
    fifth: int | None = None,
) -> Exchange:
    """Compare the models at equal total FLOPs: training plus `queries` answers (Snell et al. 2024, section 7).

    Of the arms that it can pay, the small model takes the best on the validation problems; its accuracy is of `split`.
    It may vote instead of using the verifier, which then needs no training.

    Parameters
    ----------
    queries : float
        Questions that both models answer in their life.
    at : int, optional
        Where the large model's training stopped.
    verifier : str
        The verifier that the small model may use.
    verifier_given : bool
        The verifier exists already, and its training is charged to neither, as in the paper. Otherwise it is charged
        to the small model, with what it was grown from.
    split : str
        The problems.
    fifth : int, optional
        All the queries are of this fifth of difficulty, 0 the easiest (default: of all).

    Raises
    ------
    ValueError
        Unless queries > 0.
    """
    if not queries > 0:
        raise ValueError(f"an exchange needs a number of queries above 0, not {queries}")
    large = _within(one_pass(split, at), fifth)
    ways: list[tuple[float, str | None, Arm, Arm]] = []  # payable: validation accuracy, verifier, both arms
    left = {}
    for scorer in (None, verifier):
        trained = training_flops(*["small"] if scorer is None or verifier_given else ["small", scorer])
        left[scorer] = large.cost + (training_flops("large", at=at) - trained) / queries
        fitting = small_arms("validation", scorer)
        for allocation, arm in small_arms(split, scorer).items():
            known = _within(fitting[allocation], fifth)
            if known.cost <= left[scorer]:
                ways.append((float(known.correct.mean()), scorer, _within(arm, fifth), known))
    # Of equally good ones the cheapest: where all is solved, more thinking is only dearer.
    _, scorer, small, _ = max(ways, key=lambda way: (way[0], -way[3].cost))
    return Exchange(queries, large, small, scorer, left[scorer])


def small_arms(split: str, verifier: str | None) -> Arms:
    """What the small model can do with a verifier, or without one, which is to vote.

    With the PRM it can do most: samples, beams, step-level revisions, and rewrites if it was trained for them.
    """
    if verifier is None:
        return sampling_arms(split, choose="majority")
    arms = sampling_arms(split, verifier) | beam_arms(split, verifier)
    if verifier == "prm":
        arms |= Arms(arm for arm in stepwise_arms(split).values() if arm.allocation.T)
        if REVISER == SMALL:
            arms |= Arms(arm for arm in hybrid_arms(split).values() if arm.allocation.T)
    return arms


def _within(arm: Arm, fifth: int | None) -> Arm:
    return arm if fifth is None else arm.fifth(fifth)


@dataclass(frozen=True)
class Cell:
    """A place on the winner map: the exchange, its gain with its own 95% interval, and the verdict.

    The verdict is "small", "large" or "no difference".
    """

    exchange: Exchange
    gain: Estimate
    verdict: str

    def __str__(self) -> str:
        """The gain in points, and the winner where there is one."""
        winner = "" if self.verdict == "no difference" else f" {self.verdict}"
        return f"{self.gain:.0p}{winner}"


@cached
def _cells(ratios: tuple[float, ...], at: int | None, verifier: str, verifier_given: bool) -> list[list[Cell]]:
    rows = [
        [exchange(queries_at(R, at), at, verifier=verifier, verifier_given=verifier_given, fifth=fifth) for R in ratios]
        for fifth in (*range(5), None)
    ]
    return [[_cell(found, cells=6 * len(ratios)) for found in row] for row in rows]


def _cell(found: Exchange, cells: int) -> Cell:
    wide = found.gain(cells=cells)
    return Cell(found, found.gain(), {1: "small", -1: "large", 0: "no difference"}[wide.sign])


def winner_map(
    ratios: Sequence[float], at: int | None = None, *, verifier: str = "prm", verifier_given: bool = False
) -> list[list[Cell]]:
    """Who wins for the same FLOPs in all: a row for each fifth of difficulty and one for all problems, by R.

    The arguments and the choice of the small model's arm are those of `exchange`. A verdict is for the map as a whole:
    it names a winner only where the interval widened for all cells (Bonferroni) leaves zero out.
    """
    return _cells(tuple(ratios), at, verifier, verifier_given)


def matched(at: int | None = None) -> Arm:
    """What the small model does best for the FLOPs of one pass of the large one, with the PRM's reading charged.

    The arm is chosen on the validation problems. Training is charged to neither.
    """
    return exchange(float("inf"), at, verifier_given=True).small


def cell(R: float, at: int, fifth: int | None = None, *, verifier_given: bool = True) -> Cell:
    """A cell of the winner map of `RATIOS`; without a fifth, of all problems."""
    row = 5 if fifth is None else fifth
    return winner_map(RATIOS, at, verifier_given=verifier_given)[row][RATIOS.index(R)]


def map_cells() -> int:
    """Cells of a winner map: `RATIOS` by five fifths and all problems."""
    return 6 * len(RATIOS)


def all_cells() -> int:
    """Cells of single fifths in the maps of all points of the large model's training."""
    return 5 * len(RATIOS) * len(STEPS)


def count_cells(verdict: str, *, verifier_given: bool = True, after: int = 0) -> int:
    """Cells of single fifths with a verdict, in the maps of all points of the large model's training after a step."""
    maps = [winner_map(RATIOS, at, verifier_given=verifier_given) for at in STEPS if at > after]
    return sum(cell.verdict == verdict for rows in maps for row in rows[:5] for cell in row)


def spendable(R: float, at: int = 1500, *, verifier_given: bool = True) -> float:
    """How many single samples of the small model a query may cost, by what was counted."""
    spent = training_flops(*["small"] if verifier_given else ["small", "prm"])
    left = greedy("large", at).cost + (training_flops("large", at=at) - spent) / queries_at(R, at)
    return left / coverage(1).cost


def in_samples(count: float) -> str:
    """A number of samples in words, which may be below zero."""
    return "less than nothing" if count < 0 else f"{count:.0f}"


def spendable_scored(R: float, at: int = 1500) -> int:
    """How many samples, each scored by a PRM that is there already, a query may cost."""
    left = spendable(R, at) * coverage(1).cost
    arms = sampling_arms()
    budgets, costs = [allocation.N for allocation in arms], [arm.cost for arm in arms.values()]
    if left > costs[-1]:  # each further sample is read and written like the last ones
        slope = (costs[-1] - costs[-2]) / (budgets[-1] - budgets[-2])
        return int(budgets[-1] + (left - costs[-1]) / slope)
    return int(np.interp(left, costs, budgets))


@dataclass(frozen=True)
class Match:
    """An arm of the small model that matches one pass of the large one.

    Parameters
    ----------
    arm : Arm
        The arm, on the test problems.
    verifier : str or None
        The verifier that it uses, None for a vote.
    over : float
        Its FLOPs over those of the pass.
    gain : Estimate
        Its accuracy minus that of the pass.
    """

    arm: Arm
    verifier: str | None
    over: float
    gain: Estimate

    def __str__(self) -> str:
        how = {None: "by vote", "prm": "with the PRM", "prm-large": "with PRM 14x"}[self.verifier]
        return f"{self.arm.allocation}, {how}"


@cache
def cheapest_match(at: int) -> Match:
    """The cheapest arm of the small model whose accuracy on validation problems reaches one pass of the large one.

    The large model is not recorded on validation problems, so its accuracy is that of the test problems.
    """
    large = greedy("large", at)
    pool = [
        (known, small_arms("test", verifier)[allocation], verifier)
        for verifier in (None, "prm", "prm-large")
        for allocation, known in small_arms("validation", verifier).items()
    ]
    enough = [each for each in pool if each[0].correct.mean() >= large.correct.mean()]
    _, arm, verifier = min(enough, key=lambda each: each[0].cost)
    return Match(arm, verifier, arm.cost / large.cost, arm.minus(large))
