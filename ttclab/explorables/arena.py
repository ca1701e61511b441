"""The arena, a game: the player spends a budget on a round of problems, against four recorded policies.

In a live round the problems are new, and the small model and its PRM run in the page.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .schemas import ArenaData, ArenaPolicy, Live, Progress, Shown, Table
from .watch_search import models
from .words import SCHEMA, SEED, flops_in_words

if TYPE_CHECKING:
    from ..bank.runs import Chains
    from ..results.arena import Arena, Played

ROUNDS, PROBLEMS, SHARE = 12, 12, 4  # rounds, problems in each, generations for each problem
SOON = 3  # problems, among which the attempt that looks right has to come for a round to be among the first
DRAWS = 16  # recorded draws from which the chance of a right answer is counted
POLICIES = {  # names as in chapter 7, and what the policies do
    "uniform": ("Uniform", "4 samples of each problem, without a look"),
    "lesson": (
        "The lesson's rule",
        "4 generations for each problem: samples if it looks easy, revisions if it looks hard",
    ),
    "fitted": (
        "Fitted",
        "up to 4 generations for each problem, in the way that solved most validation problems of that difficulty",
    ),
    "spread": (
        "Spread",
        "looks at all problems first, then keeps some attempts, and samples where more samples help most",
    ),
}

LIVE_DRAWS = 8  # draws of each move in a live round
LIVE_BUDGETS = (1, 2, 4, 8, 16)  # of uniform sampling in a live round
KEEP = 8  # samples that the other policy of a live round draws of an attempt that looks wrong


def arena_data(
    arena: "Arena", shown: Mapping[int, Shown], rounds: Sequence[Sequence[int]], *, source: str = "your own run"
) -> ArenaData:
    """Data of the simulator "The arena": the problems, and how every policy played them.

    Parameters
    ----------
    arena : Arena
        Recorded problems.
    shown : mapping of int to Shown
        What the player sees of each problem of the rounds, by its index in the arena.
    rounds : list of lists of int
        Problems of each round, in order of arrival.
    source : str
        Source of the runs, shown in the simulator.

    Returns
    -------
    dict
        Data for JSON. Chances of a right answer are in sixteenths, FLOPs in thousands. Running totals (problems solved,
        generations, FLOPs, score, the curve of uniform sampling) have a value after each problem.
    """
    from ..results import arena as game

    used = sorted({i for row in rounds for i in row})
    place = {i: n for n, i in enumerate(used)}
    played = [game.rivals(arena.of(row), SHARE) for row in rounds]
    return {
        "schema": SCHEMA,
        "explorable": "arena",
        "source": source,
        "budget": SHARE * PROBLEMS,
        "draws": DRAWS,
        "options": [list(option) for option in game.OPTIONS],
        "policies": _described(POLICIES),
        "problems": [
            {
                **shown[i],
                "score": f"{1 - arena.difficulty[i]:.2f}",
                "look": _thousands(arena.look[i]),
                "wins": _wins(arena.correct[i]),
                "flops": [_thousands(x) for x in arena.flops[i] - arena.saved[i]],
            }
            for i in used
        ],
        "rounds": [
            {
                "problems": [place[i] for i in row],
                "rivals": [_progress(rival, arena.of(row)) for rival in rivals.values()],
                "uniform": _uniform_curves(arena.of(row)),
            }
            for row, rivals in zip(rounds, played)
        ],
        "live": _live(),
        "tables": [
            _standings(number, rivals, arena.of(row))
            for number, (row, rivals) in enumerate(zip(rounds, played), start=1)
        ],
    }


def _described(policies: Mapping[str, tuple[str, str]]) -> list[ArenaPolicy]:
    return [{"key": key, "name": name, "does": does} for key, (name, does) in policies.items()]


def _live() -> Live:
    """How new problems are drawn and played, and the models that play them."""
    from ..results.game import HARD
    from ..tasks.arithmetic import LENGTHS, SIZES

    policies = {
        "uniform": POLICIES["uniform"],
        "keep": (
            f"Keep or draw {KEEP}",
            f"keeps a first attempt with a score of {1 - HARD:.1f} or more, and otherwise draws {KEEP} samples",
        ),
    }
    return {
        "rule": {
            "lengths": list(LENGTHS),
            "sizes": [[start, *([each[0], each[-1]] for each in ranges)] for start, *ranges in SIZES.values()],
            "split": "test",
        },
        "draws": LIVE_DRAWS,
        "budgets": list(LIVE_BUDGETS),
        "share": SHARE,
        "keep": {"above": HARD, "N": KEEP},
        "policies": _described(policies),
        "models": models(),
    }


def _progress(played: "Played", arena: "Arena") -> Progress:
    """The moves of a policy, the wins of each move, and running totals after each problem."""
    from ..results.arena import price

    return {
        "moves": played.chosen.tolist(),
        "wins": _wins(played.correct),
        "solved": _wins(played.correct.cumsum()),
        "generations": np.cumsum([price(option) for option in played.chosen]).tolist(),
        "flops": [_thousands(x) for x in played.flops.cumsum()],
        "score": [_score(played, arena, until) for until in range(1, len(arena) + 1)],
    }


def _score(played: "Played", arena: "Arena", until: int) -> float:
    """Problems solved beyond uniform sampling for the same FLOPs, counted over the first `until` problems."""
    from ..results.arena import Played, beyond_uniform

    first = Played(played.chosen[:until], played.correct[:until], played.flops[:until])
    return round(float(beyond_uniform(first, arena.of(range(until))).sum()), 2) + 0.0  # turns -0.0 into 0.0


def _uniform_curves(arena: "Arena") -> list[list[list[int]]]:
    """Total FLOPs and wins of each budget of uniform sampling, from none to the largest, after each problem."""
    from ..results.arena import uniform_costs

    arms = [arm for arm in arena.arms if not arm.allocation.T]
    flops, correct = (np.stack(each).cumsum(axis=1).T for each in zip(*((arm.flops, arm.correct) for arm in arms)))
    return [
        [[_thousands(cost), wins] for cost, wins in zip(uniform_costs(costs), [0, *_wins(right)])]
        for costs, right in zip(flops, correct)
    ]


def _wins(chances: NDArray[np.float64]) -> list[int]:
    return (DRAWS * chances).round().astype(int).tolist()


def _thousands(flops: float) -> int:
    return round(float(flops) / 1000)


def _standings(number: int, rivals: "dict[str, Played]", arena: "Arena") -> Table:
    rows = [
        [
            POLICIES[key][0],
            _signed(_score(played, arena, len(arena))),
            f"{played.correct.sum():.1f} of {len(arena)}",
            str(played.generations),
            flops_in_words(played.flops.sum()),
        ]
        for key, played in rivals.items()
    ]
    columns = ["Player", "Score", "Solved", "Generations", "FLOPs"]
    return {"caption": f"Round {number}", "columns": columns, "rows": rows}


def _signed(score: float) -> str:
    return f"{score:+.2f}".replace("-", "−") if score else "0.00"


def drawn_rounds(arena: "Arena") -> list[list[int]]:
    """Draw the problems of each round as `fair_row`s, with numbers from 1 on as seeds.

    Rounds that soon show an attempt worth keeping come first, and among these the ones in which a needless look costs
    most. In a few, more samples happen to solve less, and whoever pays for a look and then samples uniformly is ahead.

    Parameters
    ----------
    arena : Arena
        Recorded problems.

    Returns
    -------
    list of lists of int
        Indices of the problems of each round, in order of arrival.
    """
    from ..results.arena import OPTIONS, beyond_uniform, fair_row, spent
    from ..results.game import HARD

    def order(row: list[int]) -> tuple[bool, float]:
        looks_wrong_at_first = bool((arena.difficulty[row[:SOON]] > HARD).all())
        needless = spent(arena.of(row), [OPTIONS.index((SHARE, 0))] * PROBLEMS)
        return looks_wrong_at_first, float(beyond_uniform(needless, arena.of(row)).sum())

    rounds = [fair_row(arena, PROBLEMS, np.random.default_rng(seed)).tolist() for seed in range(1, ROUNDS + 1)]
    return sorted(rounds, key=order)


def recorded() -> ArenaData:
    """Compute the data from the recorded runs on the test problems."""
    from .. import bank
    from ..bank.shipped import SMALL
    from ..results import arena

    chains = bank.load_chains(SMALL, "test")
    rounds = drawn_rounds(arena.load_arena())
    shown: dict[int, Shown] = {}
    for i in {i for row in rounds for i in row}:
        problem, written = chains.problems[i], chains.solutions(i)
        shown[i] = {
            "id": problem.id,
            "question": problem.question,
            "answer": problem.answer,
            "first": written[arena.FIRST].answer or "no answer",
            "came": [written[arena.FIRST].answer or "no answer", *_one_draw(chains, i)],
        }
    source = f"models of {SEED}; recorded problems: the small model's chains on the test problems, scored by PRM 14x"
    return arena_data(arena.load_arena(), shown, rounds, source=source)


def _one_draw(chains: "Chains", i: int) -> list[str]:
    """The answer of each option, computed from the first recorded chains of problem i that are long enough."""
    from .. import results
    from ..bank.shipped import SMALL
    from ..results import arena
    from ..sampling import Result

    scores = results.last_scores(arena.VERIFIER, f"{SMALL}-test-chains")[i]
    written, answers = chains.solutions(i), []
    for N, T in arena.MENU:
        taken = chains.first(N, T).ravel()
        chosen = Result.chosen("weighted", [written[j] for j in taken], [float(scores[j]) for j in taken])
        answers.append(chosen.answer or "no answer")
    return answers
