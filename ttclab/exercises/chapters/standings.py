"""The arena's baselines, and the scoreboard of a class."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ttclab.results.arena import Arena, Played


PROBLEMS, SHARE = 200, 2  # of the capstone: problems, and generations for each


@cache
def drawn_arena(seed: int) -> "Arena":
    """The problems to play on, a `fair_row`. Learners', of the visible seed, are of the validation problems."""
    from ttclab.exercises.exercise import VISIBLE_SEED
    from ttclab.results.arena import fair_row, load_arena

    known = load_arena("validation" if seed == VISIBLE_SEED else "test")
    return known.of(fair_row(known, PROBLEMS, np.random.default_rng(seed)))


def _never_spend(difficulty: float, budget_left: int, problems_left: int) -> list[int]:
    return [0, 0]


def _chapters_player(difficulty: float, budget_left: int, problems_left: int) -> list[int]:
    return [8, 0] if difficulty > 0.7 and budget_left >= 8 else [0, 0]


@cache
def played_rivals(seed: int) -> "dict[str, Played]":
    """Uniform sampling, and the baselines: what anyone can submit without an idea of their own."""
    from ttclab.results.arena import play, rivals

    arena = drawn_arena(seed)
    simple = {"never spend": _never_spend, "the chapter's player": _chapters_player}
    told = {
        name: lambda difficulty, left, problems, player=player: player(round(difficulty, 2), left, problems)
        for name, player in simple.items()
    }
    played = {name: play(player, arena, PROBLEMS * SHARE) for name, player in told.items()}
    return rivals(arena, SHARE) | played


def above_uniform(played: "Played", seed: int) -> float:
    from ttclab.results.arena import uniform_at

    return float((played.correct - uniform_at(drawn_arena(seed), float(played.flops.mean()))).mean())


def best_baseline(seed: int) -> float:
    """The best score of never spending, the chapter's player, the lesson's rule and the fitted policy.

    Spread is no baseline: it sees all problems before it spends, and it was planned on the learners' problems.
    """
    others = ("uniform", "spread")
    return max(above_uniform(played, seed) for name, played in played_rivals(seed).items() if name not in others)


class Standing(NamedTuple):
    """A row of the scoreboard. above: points above uniform sampling at equal FLOPs, None for what was not scored."""

    name: str
    points: int | None
    above: float | None
    solved: float | None
    mflops: float | None
    generations: int | None
    reason: str


def absent(name: str, reason: str) -> Standing:
    """A submission that was not scored, and why."""
    return Standing(name, 0, None, None, None, None, reason)


def row_of(name: str, points: int | None, played: "Played", seed: int, reason: str) -> Standing:
    above, solved, mflops = above_uniform(played, seed), played.correct.mean(), played.flops.mean() / 1e6
    return Standing(name, points, above, float(solved), float(mflops), played.generations, reason)


def scoreboard(standings: Iterable[Standing], seed: int) -> list[Standing]:
    """All rows and those of the course's policies, best first; what was not scored comes last, in the order given."""
    course = [
        row_of(f"({name})", None, played, seed, "a policy of the course")
        for name, played in played_rivals(seed).items()
    ]
    rows = [*standings, *course]
    return sorted(rows, key=lambda row: (row.above is None, -(row.above or 0.0)))


def as_text(rows: Sequence[Standing], start: str = "") -> str:
    """The scoreboard for a terminal, each line behind the same start."""
    width = max(len(row.name) for row in rows)
    lines = [f"{start}    {'name':{width}}  points  above uniform  solved  M FLOPs  generations"]
    for place, row in enumerate(rows, start=1):
        if row.above is None:
            lines.append(f"{start}    {row.name:{width}}  {row.points:>6}  {row.reason}")
        else:
            numbers = (
                f"{100 * row.above:+13.2f}  {100 * (row.solved or 0):5.1f}%  {row.mflops:7.0f}  {row.generations:11}"
            )
            lines.append(
                f"{start}{place:>2}  {row.name:{width}}  {'' if row.points is None else row.points:>6}  {numbers}"
            )
    return "\n".join(lines)
