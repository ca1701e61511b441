"""Numbers of the arena: results of policies and of simple players, and the value of a first look."""

from functools import cache

import numpy as np

from ..allocator import Allocation, Arm
from ..estimators import Estimate
from . import arena
from .arena import Played
from .families import measured
from .sampling import adaptive_arm

HARD = 0.7  # a first attempt of at least this difficulty looks wrong
LEAD, MOST = 1.5, 32  # lead and largest number of samples of adaptive sampling


def _on_hard(N: int, T: int = 0, otherwise: tuple[int, int] = (0, 0)) -> arena.Player:
    def player(difficulty: float, left: int, problems: int) -> tuple[int, int]:
        move = (N, T) if difficulty > HARD else otherwise
        return move if move[0] * (1 + move[1]) <= left else (0, 0)

    return player


PLAYERS = {"worked": _on_hard(8), "worked in chains": _on_hard(4, 1), "drawn again": _on_hard(8, otherwise=(1, 0))}


SCORED = ("worked", "adaptive", "spread", "lesson", "fitted", "drawn again")  # policies of the scoreboard


@cache
def played(name: str, share: int = 4) -> Played:
    """Play the test problems with `share` generations per problem, as a rival of the game, "adaptive" or in PLAYERS."""
    test = arena.load_arena()
    if name == "adaptive":
        arm = adaptive_arm(LEAD, MOST, 2, "test", arena.VERIFIER)
        return Played(np.zeros(len(test), dtype=np.intp), arm.correct, arm.flops)
    if name in PLAYERS:
        return arena.play(PLAYERS[name], test, share * len(test))
    return arena.rivals(test, share)[name]


def policy(name: str, share: int = 4) -> Arm:
    """A policy of `played` as an arm."""
    got = played(name, share)
    return Arm(Allocation(1), got.correct, got.flops)


@measured
def beyond(name: str, share: int = 4) -> Arm:
    """What a policy of `played` solves of each problem beyond uniform sampling for the same FLOPs."""
    got = played(name, share)
    return Arm(Allocation(1), arena.beyond_uniform(got, arena.load_arena()), got.flops)


@measured
def more_generations(name: str, share: int = 4) -> Arm:
    """What a policy of `played` solves of each problem beyond uniform sampling with as many generations."""
    got, uniform = played(name, share), played("uniform", share)
    return Arm(Allocation(1), got.correct - uniform.correct, got.flops)


def generations(name: str, share: int = 4) -> int:
    """Generations spent by a policy of `played`."""
    return played(name, share).generations


def above_uniform(name: str, share: int = 4) -> Estimate:
    """A policy's accuracy minus that of uniform sampling for the same FLOPs."""
    return arena.advantage(played(name, share), arena.load_arena())


def look_flops() -> float:
    """Mean FLOPs of a first attempt and its score."""
    return float(arena.load_arena().look.mean())


def after_look(hard: bool, N: int = 0, T: int = 0) -> float:
    """Accuracy of an option on the problems whose first attempt looks wrong, or right; N=0 keeps the attempt."""
    test = arena.load_arena()
    return float(test.correct[(test.difficulty > HARD) == hard, arena.OPTIONS.index((N, T))].mean())


def price_if_wrong(N: int) -> float:
    """Mean FLOPs of N samples where the first attempt looks wrong, over those where it looks right."""
    test = arena.load_arena()
    flops, hard = test.flops[:, arena.OPTIONS.index((N, 0))], test.difficulty > HARD
    return float(flops[hard].mean() / flops[~hard].mean())
