"""Numbers of chapter 7: policies in the arena."""

from collections.abc import Callable
from functools import cache

import numpy as np

from ttclab import arena, evidence
from ttclab.arena import Played
from ttclab.estimators import Estimate, bootstrap
from ttclab.explorables import shipped_data
from ttclab.explorables.arena import SURE

from .words import bare_points, finely, millions, percent, points

SHARES = (2, 4, 8)
POLICIES = ("uniform", "lesson", "fitted", "spread", "adaptive")
HARD = 0.7  # from this difficulty on a first attempt looks wrong
LEAD, MOST = 1.5, 32  # of adaptive sampling: as `adaptive_search` has it, and as many samples as the arena's largest


def on_hard(N: int, T: int = 0, else_: tuple[int, int] = (0, 0)) -> arena.Player:
    def player(difficulty: float, left: int, problems: int) -> tuple[int, int]:
        return (N, T) if difficulty > HARD and left >= N * (1 + T) else else_

    return player


OWN = {"worked": on_hard(8), "worked with 4 × 2": on_hard(4, 1), "drawn again": on_hard(8, else_=(1, 0))}


@cache
def played(name: str, share: int = 4) -> Played:
    test = arena.load_arena()
    if name == "adaptive":
        arm = evidence.adaptive_arm(LEAD, MOST, 2, "test", arena.JUDGE, "revision")
        return Played(np.zeros(len(test), dtype=np.intp), arm.correct, arm.flops)
    if name == "kept":
        return arena.spent(test, np.zeros(len(test), dtype=np.intp))
    if name in OWN:
        return arena.play(OWN[name], test, share * len(test))
    return arena.rivals(test, share)[name]


def minus(one: str, other: str, share: int = 4) -> Estimate:
    return bootstrap(played(one, share).correct - played(other, share).correct)


def above(name: str, share: int) -> str:
    """Points above uniform sampling for the same FLOPs, without the word."""
    return bare_points(arena.advantage(played(name, share), arena.load_arena()), 1)


def of_look(hard: bool, option: tuple[int, int]) -> float:
    test = arena.load_arena()
    return float(test.correct[(test.difficulty > HARD) == hard, arena.OPTIONS.index(option)].mean())


def firsts(name: str) -> int:
    """In how many rounds of the game a policy has the best score."""
    game = shipped_data("arena")
    names = [policy["key"] for policy in game["policies"]]
    best = [max(range(len(names)), key=lambda i: each["rivals"][i]["score"][-1]) for each in game["rounds"]]
    return sum(names[i] == name for i in best)


def unsure() -> int:
    """Of how many test problems the verifier is not sure whether the first attempt is right."""
    difficulty = arena.load_arena().difficulty
    return int(((difficulty >= SURE) & (difficulty <= 1 - SURE)).sum())


def dearer(name: str, share: int = 4) -> str:
    return f"{played(name, share).flops.mean() / played('uniform', share).flops.mean():.1f}"


def words(name: str, share: int = 4) -> dict[str, Callable[[], str]]:
    """What is said of a policy."""
    start = f"arena {name}"
    return {
        f"{start}@{share}": lambda: finely(bootstrap(played(name, share).correct)),
        f"{start} megaflops@{share}": lambda: millions(played(name, share).flops.mean()),
        f"{start} generations@{share}": lambda: f"{played(name, share).generations:,}",
        f"{start} above@{share}": lambda: above(name, share),
    }


NUMBERS: dict[str, Callable[[], str]] = {
    **{key: word for name in POLICIES[:-1] for share in SHARES for key, word in words(name, share).items()},
    **{key: word for name in ("adaptive", "kept", *OWN) for key, word in words(name).items()},
    "arena look megaflops": lambda: millions(arena.load_arena().look.mean()),
    "arena look ratio": lambda: f"{arena.load_arena().look.mean() / played('uniform').flops.mean():.1f}",
    "arena looks right": lambda: percent(float((arena.load_arena().difficulty <= HARD).mean())),
    "arena looks right first": lambda: f"{100 * of_look(False, (0, 0)):.1f}%",
    "arena looks wrong first": lambda: percent(of_look(True, (0, 0))),
    "arena looks wrong again": lambda: percent(of_look(True, (1, 0))),
    "arena looks wrong 8": lambda: percent(of_look(True, (8, 0))),
    "arena looks wrong 32": lambda: percent(of_look(True, (32, 0))),
    "arena spread minus uniform": lambda: points(minus("spread", "uniform"), 1),
    "arena spread cost ratio": lambda: dearer("spread"),
    "arena uniform firsts": lambda: str(firsts("uniform")),
    "arena unsure": lambda: str(unsure()),
    "arena lead": lambda: f"{LEAD:g}",
    "arena most": lambda: str(MOST),
    "arena rounds": lambda: str(len(shipped_data("arena")["rounds"])),
    "arena fitted left": lambda: percent(1 - played("fitted").generations / played("uniform").generations),
}
