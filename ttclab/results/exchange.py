"""The small model with test-time compute against one pass of the large model, at equal FLOPs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from .. import bank
from ..allocator import Allocation, Arm
from ..estimators import Estimate, bootstrap_families
from ..models import ZOO
from .arms import Arms
from .families import cached, each_family, measured, of_all
from .revision import hybrid_arms
from .sampling import coverage, sampling_arms, small_fifths, verifying, vote
from .searching import beam_arms
from .stepwise import stepwise_arms
from .training import block_parameters, training_flops, training_tokens

# Training steps at which the large model is shipped.
STEPS = tuple(sorted(int(folder.name.removeprefix("large-")) for folder in ZOO.glob("large-*")))
NOBODY = "no difference"  # the verdict without a winner
RATIOS = (0.16, 0.79, 22.0, float("inf"))  # the paper's values of R, and the limit in which training is free


@measured
def one_pass(split: str = "test", at: int | None = None, model: str = "large") -> Arm:
    """One greedy pass of a model over each problem; the fifths of difficulty are those of the small model."""
    run = bank.load(model, split, at=at, greedy=True)
    right, flops = run.correct[:, 0].astype(float), (run.prefill_flops + run.decode_flops[:, 0]).astype(float)
    small = bank.path_of("small", split).exists()
    return Arm(Allocation(1), right, flops, small_fifths(split) if small else None)


def greedy(model: str, at: int | None = None) -> Arm:
    """One greedy pass of a model over each test problem."""
    return one_pass("test", at, model)


@cache
def matched_samples(verifier: str | None = None) -> int:
    """Number of samples of the small model for the FLOPs of one pass of the large model.

    With a verifier, the budget also pays for its scores.
    """
    price = greedy("large").cost
    if verifier is None:
        return samples_for(price)
    arms = sampling_arms(verifier=verifier, budgets=tuple(range(1, matched_samples() + 1)))
    return max(allocation.N for allocation in arms.within(price))


def samples_for(flops: float) -> int:
    """Samples of one problem that the small model draws for so many FLOPs; they share one reading of the problem."""
    parts = bill("small")
    return int((flops - parts["reading"]) / parts["writing"])


def bill(model: str, N: int = 1, verifier: str | None = None) -> dict[str, float]:
    """Mean FLOPs per problem of reading the problem once, of writing N solutions, and of the verifier if given.

    The large model decodes greedily; the small model samples.
    """
    if model == "small":
        written = vote(2).cost - vote(1).cost
        parts = {"reading": vote(1).cost - written, "writing": N * written}
    else:
        run = bank.load(model, "test", greedy=True)
        parts = {"reading": float(run.prefill_flops.mean()), "writing": float(N * run.decode_flops.mean())}
    return parts if verifier is None else {**parts, "verifier": verifying(N, verifier)}


def size_ratio() -> float:
    """Block parameters of the large model divided by those of the small model."""
    return block_parameters("large") / block_parameters("small")


@measured
def queries_at(R: float, at: int | None = None) -> float:
    """Number of queries at which the large model's inference tokens are R times its training tokens.

    Parameters
    ----------
    R : float
        Inference tokens divided by training tokens, above 0. With infinite R, training costs nothing.
    at : int, optional
        Training step of the large model, by default that of `ttclab.load("large")`.

    Raises
    ------
    ValueError
        Unless R > 0.
    """
    if not R > 0:
        raise ValueError(f"R, inference tokens over training tokens, must be above 0, not {R}")
    run = bank.load("large", "test", at=at, greedy=True)
    tokens_per_query = np.mean(run.prompt_tokens) + run.tokens.mean()
    return R * training_tokens("large", at) / float(tokens_per_query)


@dataclass(frozen=True)
class Exchange:
    """The small model with test-time compute against one pass of the large model, at equal total FLOPs.

    Parameters
    ----------
    queries : float
        Queries that each model answers over its lifetime. Their number spreads the cost of training.
    large, small : Arm
        The arm of each model.
    verifier : str or None
        Verifier of the small model; None for a majority vote.
    left : float
        FLOPs per query that the small model was allowed to spend.
    """

    queries: float
    large: Arm
    small: Arm
    verifier: str | None
    left: float

    def gain(self, *fifth: int, cells: int = 1) -> Estimate:
        """Accuracy of the small model minus accuracy of the large model.

        Parameters
        ----------
        *fifth : int
            Fifths of difficulty to compare on, by default all.
        cells : int
            Number of comparisons made together. With more than one, the interval is widened so that all intervals
            hold with a probability of 95% (Bonferroni).
        """
        gap = self.small.gap(self.large, *fifth)
        draws = 1000 if cells == 1 else 5000  # the ends of a wider interval need more draws
        return bootstrap_families(np.split(gap.correct, gap.families), draws=draws, level=1 - 0.05 / cells)


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

    The small model uses the affordable arm with the highest accuracy on the validation problems. Its accuracy is
    reported on `split`. Majority votes are among the arms; for them, no verifier's training is charged.

    If training the small model alone costs more than the large model does in all, there is no small model for these
    FLOPs: its arm solves nothing and costs nothing.

    Parameters
    ----------
    queries : float
        Queries that each model answers over its lifetime.
    at : int, optional
        Training step of the large model, by default that of `ttclab.load("large")`.
    verifier : str
        Verifier that the small model may use.
    verifier_given : bool
        If True, the verifier's training is free, as in the paper. If False, the small model pays for it, including the
        training of the verifier's base model.
    split : str
        Problem set on which accuracy is reported.
    fifth : int, optional
        Draw all queries from this fifth of difficulty, 0 the easiest; by default from all fifths.

    Raises
    ------
    ValueError
        Unless queries > 0.
    """
    if not queries > 0:
        raise ValueError(f"queries must be above 0, not {queries}")
    fifths = () if fifth is None else (fifth,)
    large = one_pass(split, at).fifth(*fifths)
    affordable: list[tuple[float, float, str | None, Arm]] = []  # validation accuracy, -cost, verifier, arm
    left = {}
    for scorer in (None, verifier):
        trained = training_flops(*["small"] if scorer is None or verifier_given else ["small", scorer])
        left[scorer] = large.cost + (training_flops("large", at=at) - trained) / queries
        ways = _validated(split, scorer, *fifths)
        affordable += [(right, -cost, scorer, arm) for right, cost, arm in ways if cost <= left[scorer]]
    if not affordable:  # the large model's total does not even pay for the small model's training
        nothing = np.zeros_like(large.correct)
        return Exchange(queries, large, Arm(Allocation(1), nothing, nothing, None, large.families), None, left[None])
    # Ties go to the cheapest arm: once all problems are solved, more compute buys nothing.
    _, _, scorer, small = max(affordable, key=lambda way: way[:2])
    return Exchange(queries, large, small, scorer, left[scorer])


@cached
def _validated(split: str, verifier: str | None, *fifth: int) -> list[tuple[float, float, Arm]]:
    """The small model's arms, or a fifth of each, after their accuracy and cost on the validation problems."""
    known = {key: arm.fifth(*fifth) for key, arm in small_arms("validation", verifier).items()}
    tested = small_arms(split, verifier).items()
    return [(float(known[key].correct.mean()), known[key].cost, arm.fifth(*fifth)) for key, arm in tested]


def small_arms(split: str, verifier: str | None) -> Arms:
    """All arms of the small model with a verifier; without a verifier, majority votes.

    Every verifier has best-of-N and beam search. The PRM adds step-level revision and rewriting chains.
    """
    if verifier is None:
        return sampling_arms(split, choose="majority")
    arms = sampling_arms(split, verifier) | beam_arms(split, verifier)
    if verifier == "prm":
        revising = (*stepwise_arms(split).values(), *hybrid_arms(split).values())
        arms |= Arms(arm for arm in revising if arm.allocation.T)
    return arms


@dataclass(frozen=True)
class Cell:
    """A cell of the winner map: the exchange, its gain with a 95% interval for this cell alone, and the verdict.

    The verdict is "small", "large" or "no difference".
    """

    exchange: Exchange
    gain: Estimate
    verdict: str

    def __str__(self) -> str:
        """The gain in points, and the winner if there is one."""
        winner = "" if self.verdict == NOBODY else f" {self.verdict}"
        return f"{self.gain:.0p}{winner}"


@cached
def _cells(ratios: tuple[float, ...], at: int | None, verifier: str, verifier_given: bool) -> list[list[Cell]]:
    rows = [
        [exchange(queries_at(R, at), at, verifier=verifier, verifier_given=verifier_given, fifth=fifth) for R in ratios]
        for fifth in (*range(5), None)
    ]
    return [[_cell(each, cells=6 * len(ratios)) for each in row] for row in rows]


def _cell(comparison: Exchange, cells: int) -> Cell:
    wide = comparison.gain(cells=cells)
    return Cell(comparison, comparison.gain(), {1: "small", -1: "large", 0: NOBODY}[wide.sign])


def winner_map(
    ratios: Sequence[float], at: int | None = None, *, verifier: str = "prm", verifier_given: bool = False
) -> list[list[Cell]]:
    """The winner at equal total FLOPs by R: a row for each fifth of difficulty, then one for all problems.

    Arguments are those of `exchange`, which also chooses the small model's arm. A verdict names a winner only if the
    interval, widened for the number of cells in the map (Bonferroni), excludes zero.
    """
    return _cells(tuple(ratios), at, verifier, verifier_given)


def matched(at: int | None = None) -> Arm:
    """The small model's best arm for the FLOPs of one pass of the large model, including those of the PRM.

    The arm is chosen on the validation problems. No training is charged.
    """
    return exchange(float("inf"), at, verifier_given=True).small


def pooled_map(at: int, *, verifier_given: bool = True) -> list[list[Cell]]:
    """The winner map of `RATIOS` over all families of models. Its intervals are over families and problems.

    For each cell one strategy is chosen for all families together, and training costs their mean. A winner is named
    only if the 95% interval of every family alone, which has a strategy and a bill of its own, lies on the same side
    of zero as the interval over all of them, which is widened for the number of cells.
    """

    def found() -> list[list[Cell]]:
        return winner_map(RATIOS, at, verifier_given=verifier_given)

    apart = list(each_family(found).values())

    def agreed(cell: Cell, alone: Sequence[Cell]) -> Cell:
        same = all(each.gain.sign == cell.gain.sign for each in alone)
        return cell if same else replace(cell, verdict=NOBODY)

    return [
        [agreed(cell, alone) for cell, *alone in zip(*rows, strict=True)]
        for rows in zip(of_all(found), *apart, strict=True)
    ]


def unpaid(at: int, *, verifier_given: bool = True) -> list[list[list[str]]]:
    """For each cell of `pooled_map`, the families that cannot train their small model for the large model's total."""
    apart = each_family(lambda: winner_map(RATIOS, at, verifier_given=verifier_given))
    return [
        [[name for name, found in apart.items() if not found[k][n].exchange.small.cost] for n in range(len(RATIOS))]
        for k in range(6)
    ]


def cell(R: float, at: int, fifth: int | None = None, *, verifier_given: bool = True) -> Cell:
    """A cell of `pooled_map`, for one fifth of difficulty or for all problems."""
    row = 5 if fifth is None else fifth
    return pooled_map(at, verifier_given=verifier_given)[row][RATIOS.index(R)]


def winner(R: float, at: int, *, verifier_given: bool = True) -> str:
    """Who wins over all problems in `pooled_map`: "small", "large" or "nobody"."""
    verdict = cell(R, at, verifier_given=verifier_given).verdict
    return "nobody" if verdict == NOBODY else verdict


def inference_alone(at: int) -> dict[str, Estimate]:
    """Gain of the small model at its best over one pass of the large one for the same FLOPs, by family.

    Training is not charged. The strategy is chosen on the validation problems of the family.
    """
    return each_family(lambda: winner_map(RATIOS, at, verifier_given=True)[5][RATIOS.index(float("inf"))].gain)


def map_cells() -> int:
    """Number of cells of a winner map: `RATIOS` by five fifths and all problems."""
    return 6 * len(RATIOS)


def count_cells(verdict: str, *, verifier_given: bool = True, after: int = 0) -> int:
    """Number of single-fifth cells with a verdict, in the pooled maps of all training steps above `after`."""
    return _count([pooled_map(at, verifier_given=verifier_given) for at in STEPS if at > after], verdict)


def cells_by_family(verdict: str, *, verifier_given: bool = True) -> dict[str, int]:
    """The same number in the winner maps of each family alone."""
    return each_family(lambda: _count([winner_map(RATIOS, at, verifier_given=verifier_given) for at in STEPS], verdict))


def _count(maps: Sequence[list[list[Cell]]], verdict: str) -> int:
    return sum(cell.verdict == verdict for rows in maps for row in rows[:5] for cell in row)


def allowance(R: float, at: int = 1500, *, verifier_given: bool = True) -> float:
    """FLOPs that the small model may spend on a query, for the same total FLOPs as the large model."""
    spent = training_flops(*["small"] if verifier_given else ["small", "prm"])
    return greedy("large", at).cost + (training_flops("large", at=at) - spent) / queries_at(R, at)


def spendable(R: float, at: int = 1500, *, verifier_given: bool = True) -> float:
    """The allowance in passes of the small model, each of which reads the problem and writes one sample.

    The formula of the paper counts in passes. Samples of one problem share its reading: of those there are
    `samples_for` the allowance, which is more.
    """
    return allowance(R, at, verifier_given=verifier_given) / coverage(1).cost


def in_samples(count: float) -> str:
    """A number of samples in words; below zero it is "less than nothing"."""
    return "less than nothing" if count < 0 else f"{count:.0f}"
