"""The arena: problems arrive one by one, and policies of allocation compete on them with the same budget.

A budget is a number of generations for all problems together. For each problem a player sees its estimated difficulty
(1 - the verifier's score of a first attempt), and decides what to spend: N chains of T revisions, or nothing, which
keeps the first attempt. Results are looked up in the recorded chains of the small model, with the 14x verifier.
Looking at first attempts is charged. The verifier reads a problem once, for the look and for the choice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from transformers import AutoConfig

from .. import bank
from ..allocator import (
    Allocation,
    Arm,
    ComputeOptimalPolicy,
    Rule,
    difficulty_by_score,
    lesson_policy,
    spread_budget,
    uniform_policy,
)
from ..bank.shipped import SMALL
from ..data import HOME, ZOO
from ..estimators import Estimate, bootstrap, pass_at_k
from ..files import atomic
from ..verifiers.reward_model import reward_flops
from . import hybrid_arms, last_scores

TABLE = HOME / "arena.parquet"
VERIFIER = "prm-large"
SPLITS = ("test", "validation")
_WIDTHS = {0: (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), 1: (1, 2, 3, 4, 6, 8, 12, 16), 3: (1, 2, 3, 4, 6, 8), 7: (1, 2, 3, 4)}
MENU = tuple((N, T) for T, widths in _WIDTHS.items() for N in widths)
OPTIONS = ((0, 0), *MENU)  # (0, 0) keeps the first attempt
FIRST = -1  # index of the first attempt that is shown: a chain of one attempt, recorded last
FITTED_BUDGETS = (1, 2, 4, 8, 16, 32)
SLACK = 0.01  # accuracy that the fitted policy gives up for a cheaper allocation
LUCK = 0.25  # problems by which the first attempts of a fair row may differ from one sample

Player = Callable[[float, int, int], Sequence[int]]


class Foul(ValueError):
    """A move that breaks a rule; the message states the rule."""


@dataclass(frozen=True)
class Arena:
    """Recorded problems to play on, in the order of their arrival.

    Attributes
    ----------
    problems : tuple of str
        Ids of the problems.
    difficulty : array of (problems,)
        1 - the verifier's score of the first attempt.
    look : array of (problems,)
        FLOPs of the first attempt and its score.
    correct, flops : array of (problems, options)
        Probability of a right answer, and FLOPs without a look, for each of OPTIONS.
    saved : array of (problems, options)
        FLOPs saved after a look, because the verifier has already read part of the text.
    """

    problems: tuple[str, ...]
    difficulty: NDArray[np.float64]
    look: NDArray[np.float64]
    correct: NDArray[np.float64]
    flops: NDArray[np.float64]
    saved: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.problems)

    def of(self, rows: Sequence[int] | NDArray[np.intp]) -> "Arena":
        """Some of the problems, in this order."""
        problems = tuple(self.problems[i] for i in rows)
        return Arena(problems, *(getattr(self, each.name)[np.asarray(rows)] for each in fields(Arena)[1:]))

    @property
    def arms(self) -> list[Arm]:
        """The allocations of MENU as arms."""
        return [Arm(Allocation(N, T), self.correct[:, i], self.flops[:, i]) for i, (N, T) in enumerate(MENU, start=1)]


class Played(NamedTuple):
    """Results of moves: the chosen options, the probabilities of a right answer, and the FLOPs, (problems,) each."""

    chosen: NDArray[np.intp]
    correct: NDArray[np.float64]
    flops: NDArray[np.float64]

    @property
    def generations(self) -> int:
        return int(sum(N * (1 + T) for N, T in (OPTIONS[i] for i in self.chosen)))


@cache
def load_arena(split: str = "test") -> Arena:
    """The arena of the "test" or the "validation" problems. Raises ValueError for another split.

    For models in another `TTCLAB_HOME` it is computed from their recorded runs, unless the home holds a table.
    """
    if not TABLE.exists() and split in SPLITS:
        return recorded(split)
    table = pq.read_table(TABLE, filters=[("split", "=", split)], page_checksum_verification=True)
    if not len(table):
        raise ValueError(f"the arena has the splits test and validation, not {split!r}")
    columns = {name: np.array(table[name].to_pylist(), dtype=float) for name in table.column_names[2:]}
    return Arena(tuple(table["problem"].to_pylist()), **columns)


def recorded(split: str, menu: tuple[tuple[int, int], ...] = MENU) -> Arena:
    """Compute the arena from the recorded runs. It takes seconds.

    The first attempt belongs to a chain without revisions, so that no chain of revisions begins with it.
    """
    chains = bank.load_chains(SMALL, split)
    arms = list(hybrid_arms(split, VERIFIER, menu).values())
    difficulty = difficulty_by_score(last_scores(VERIFIER, f"{SMALL}-{split}-chains")[:, FIRST:])
    nothing = np.zeros(len(chains.problems))
    return Arena(
        tuple(problem.id for problem in chains.problems),
        difficulty,
        arms[0].flops,
        np.stack([chains.correct[:, FIRST].astype(float), *(arm.correct for arm in arms)], axis=1),
        np.stack([nothing, *(arm.flops for arm in arms)], axis=1),
        np.column_stack([nothing, _read_before(chains.firsts, [N for N, _ in menu])]),
    )


def fair_row(arena: Arena, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw a row of problems whose first attempts are right as often as one sample is on average.

    So the luck of the recorded first attempts favours no policy: never to spend is worth as much as one sample of each
    problem. The easiest and the hardest fifth by the accuracy of one sample are left out, because more samples change
    little there.

    Parameters
    ----------
    arena : Arena
        Problems to draw from.
    size : int
        Number of problems to draw.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array of (size,)
        Indices of problems, in order of arrival.
    """
    one = arena.correct[:, OPTIONS.index((1, 0))]
    luck, fifth = arena.correct[:, 0] - one, len(arena) // 5
    middle = np.argsort(-one, kind="stable")[fifth : len(arena) - fifth]
    while True:
        row = rng.choice(middle, size, replace=False)
        if abs(luck[row].sum()) <= LUCK:
            return row


def _read_before(firsts: bank.Samples, widths: Sequence[int]) -> NDArray[np.float64]:
    """FLOPs that a look saves the verifier when N chains begin, (problems, widths).

    It has read the problem, and the first attempt if one of the chains begins with the same text.
    """
    verifier = AutoConfig.from_pretrained(ZOO / VERIFIER, local_files_only=True)
    prompts = firsts.prompt_tokens
    text = [reward_flops(verifier, int(tokens), n) for tokens, n in zip(firsts.tokens[:, FIRST], prompts)]
    alike = (firsts.texts == firsts.texts[:, [FIRST]]).sum(axis=1, keepdims=True)
    again = pass_at_k(firsts.texts.shape[1], alike, widths)
    return np.array([[reward_flops(verifier, n)] for n in prompts]) + again * np.array(text)[:, None]


def write_table() -> Path:
    """Write the arena of both splits into the package atomically (`ttclab arena-table`)."""
    parts = []
    for split in SPLITS:
        arena = recorded(split)
        arrays = {each.name: getattr(arena, each.name) for each in fields(Arena)[1:]}
        numbers = {name: values.round(6 if values.max() <= 1 else 0).tolist() for name, values in arrays.items()}
        parts.append(pa.table({"split": [split] * len(arena), "problem": arena.problems, **numbers}))
    with atomic(TABLE) as partial:
        pq.write_table(pa.concat_tables(parts), partial, compression="zstd", write_page_checksum=True)
    return TABLE


# Playing


def play(player: Player, arena: Arena, budget: int, *, looks: bool = True) -> Played:
    """Let a player spend a budget of generations on all problems of an arena, one after the other.

    Parameters
    ----------
    player : callable
        (difficulty, generations left, problems left with this one) -> (N, T).
    arena : Arena
    budget : int
    looks : bool
        Whether the first attempts are charged.

    Raises
    ------
    Foul
        For a move that is not in OPTIONS, or exceeds the budget.
    """
    left, chosen = budget, []
    for i, difficulty in enumerate(arena.difficulty):
        move = player(float(difficulty), left, len(arena) - i)
        option = legal(move, left)
        left -= price(option)
        chosen.append(option)
    return spent(arena, chosen, looks=looks)


def legal(move: Sequence[int], left: int) -> int:
    """Index of the option of a move. Raises Foul if there is none, or if it exceeds the budget."""
    N, T = move
    if (N, T) not in OPTIONS:
        if T not in _WIDTHS:
            raise Foul(f"T={T} is not recorded: T is one of {', '.join(map(str, _WIDTHS))}")
        raise Foul(f"N={N} with T={T} is not recorded: N is one of {', '.join(map(str, _WIDTHS[T]))}")
    option = OPTIONS.index((N, T))
    if price(option) > left:
        raise Foul(f"N={N} and T={T} are {N} x {1 + T} = {price(option)} generations, and {left} are left")
    return option


def price(option: int) -> int:
    """Generations of an option."""
    N, T = OPTIONS[option]
    return N * (1 + T)


def spent(arena: Arena, chosen: Sequence[int] | NDArray[np.intp], *, looks: bool = True) -> Played:
    """Results of a chosen option for each problem."""
    rows, chosen = np.arange(len(arena)), np.asarray(chosen, dtype=np.intp)
    looked = looks * (arena.look - arena.saved[rows, chosen])
    return Played(chosen, arena.correct[rows, chosen], arena.flops[rows, chosen] + looked)


def by_rule(rule: Rule, share: int) -> Player:
    """A player that gives each problem the same share and spends it by an allocation rule."""

    def player(difficulty: float, left: int, problems: int) -> tuple[int, int]:
        allocation = rule(difficulty, share)
        return allocation.N, allocation.T

    return player


@cache
def fitted_policy() -> ComputeOptimalPolicy:
    """The compute-optimal policy of the arena, fitted to its validation problems (Snell et al. 2024, section 3.2)."""
    known = load_arena("validation")
    return ComputeOptimalPolicy.fit(
        known.arms, known.difficulty, FITTED_BUDGETS, slack=SLACK, estimate="1 - the score of one solution"
    )


def spread(arena: Arena, budget: int) -> Played:
    """Look at all problems first, then divide the budget among them (`spread_budget`, after Damani et al. 2024).

    The expected accuracy of an option is its accuracy on the fifth of the validation problems that looks as hard.
    """
    known, edges = load_arena("validation"), fitted_policy().edges
    then, now = (np.searchsorted(edges, each.difficulty, side="right") for each in (known, arena))
    expected = np.array([known.correct[then == group].mean(axis=0) for group in range(len(edges) + 1)])
    asked = [known.flops[then == group].mean(axis=0) for group in range(len(edges) + 1)]
    prices = np.array([price(option) for option in range(len(OPTIONS))])
    costs = np.unique(prices)
    best = np.array([[_best(row, flops, prices == cost) for cost in costs] for row, flops in zip(expected, asked)])
    gains = np.take_along_axis(expected, best, axis=1)
    moves = spread_budget(gains[now], costs, budget)
    return spent(arena, best[now, moves])


def _best(expected: NDArray[np.float64], flops: NDArray[np.float64], of: NDArray[np.bool_]) -> int:
    """The cheapest in FLOPs of the options that are as good as the best of them, up to SLACK."""
    good = of & (expected >= expected[of].max() - SLACK)
    return int(np.where(good, flops, np.inf).argmin())


def rivals(arena: Arena, share: int) -> dict[str, Played]:
    """How the policies of the course do with `share` generations a problem: each by its name."""
    budget = share * len(arena)
    return {
        "uniform": play(by_rule(uniform_policy, share), arena, budget, looks=False),
        "lesson": play(by_rule(lesson_policy, share), arena, budget),
        "fitted": play(by_rule(fitted_policy(), share), arena, budget),
        "spread": spread(arena, budget),
    }


# Scoring


def uniform_at(arena: Arena, flops: float) -> NDArray[np.float64]:
    """Accuracy of uniform sampling at a mean cost in FLOPs, (problems,), as a mix of its two nearest budgets.

    Its budgets go from no sample, which solves nothing, to 32 samples; more FLOPs add nothing.
    """
    arms = [arm for arm in arena.arms if not arm.allocation.T]
    costs = uniform_costs(np.array([arm.cost for arm in arms]))
    correct = np.array([np.zeros(len(arena)), *(arm.correct for arm in arms)])
    above = int(np.searchsorted(costs, flops, side="right"))
    if above == len(costs):
        return correct[-1]
    share = (flops - costs[above - 1]) / (costs[above] - costs[above - 1])
    return (1 - share) * correct[above - 1] + share * correct[above]


def uniform_costs(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Costs of the budgets of uniform sampling, from none on, made to never fall.

    Each budget is counted on other draws. So on a few easy problems, where many samples are duplicates, a larger budget
    can cost slightly less.
    """
    return np.maximum.accumulate(np.concatenate([[0.0], costs]))


def beyond_uniform(played: Played, arena: Arena) -> NDArray[np.float64]:
    """Score of each problem: its accuracy minus that of uniform sampling for the same mean FLOPs.

    Parameters
    ----------
    played : Played
        The moves on all problems of `arena`, in its order.
    arena : Arena
        The problems that were played on.

    Returns
    -------
    array of shape (problems,)
        The sum is the score of a game, in problems; the mean is `advantage`.
    """
    return played.correct - uniform_at(arena, float(played.flops.mean()))


def advantage(played: Played, arena: Arena) -> Estimate:
    """Accuracy above that of uniform sampling for the same FLOPs on the same problems, with its 95% interval."""
    return bootstrap(beyond_uniform(played, arena))
