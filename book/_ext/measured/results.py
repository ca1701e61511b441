"""Numbers of chapter 6: the strategies by their FLOPs, the exchange, and who wins where."""

import re
from collections.abc import Callable
from functools import cache

import numpy as np

from ttclab import bank, evidence
from ttclab.allocator import Arm
from ttclab.estimators import Estimate, bootstrap
from ttclab.evidence import find
from ttclab.flops import exchange_rate

from .words import NAMED_FIFTHS, made, millions, points, trillions, with_interval

INFINITE = float("inf")
SPLITS = ("validation", "test")
RATIOS = (0.16, 0.79, 22.0, INFINITE)  # the paper's three, and a life so long that training does not count
STEPS = (750, 1000, 1250, 1500, 2000, 2500)


@cache
def arm(name: str) -> Arm:
    """A line of the headline table."""
    kind, _, size = name.partition(" ")
    n = int(size) if size else 0
    if kind == "greedy":
        return evidence.one_pass("test", model="small")
    if kind == "large":
        return evidence.one_pass("test", at=n)
    if kind == "vote":
        return find(evidence.sampling_arms(choose="majority"), n)
    if kind == "oracle":
        return find(evidence.sampling_arms(choose="oracle"), n)
    if kind == "until-clear":
        return evidence.adaptive_arm(0.5, n)
    if kind == "chains":
        return find(evidence.hybrid_arms(), n, n - 1)
    if kind.endswith("-beam"):
        return find(evidence.beam_arms(verifier=kind.removesuffix("-beam")), n, 0, 4)
    return find(evidence.sampling_arms(verifier=kind), n)


TRAINED = {  # what was trained for a line of the table
    "greedy": ("small",), "vote": ("small",), "oracle": ("small",), "until-clear": ("small", "prm"),
    "orm": ("small", "orm"), "prm": ("small", "prm"), "prm-large": ("small", "prm-large"), "prm-beam": ("small", "prm"),
    "prm-large-beam": ("small", "prm-large"), "chains": ("revision", "prm-revision"),
}  # fmt: skip


def training(name: str) -> int:
    kind, _, size = name.partition(" ")
    if kind == "large":
        return evidence.training_flops("large", at=int(size))
    return evidence.training_flops(*TRAINED[kind])


@cache
def winners(at: int, given: bool, verifier: str = "prm") -> dict[tuple[str, float], evidence.Cell]:
    found = evidence.winner_map(RATIOS, at, verifier=verifier, judge_trained=given)
    return {
        (group, R): cell
        for group, row in zip((*NAMED_FIFTHS, "all"), found, strict=True)
        for R, cell in zip(RATIOS, row, strict=True)
    }


def in_a_cell(cell: evidence.Cell) -> str:
    """Short, for a table: points with their interval, and the winner where there is one."""
    winner = "" if cell.verdict == "no difference" else f" {cell.verdict}"
    return f"{cell.gain:.0p}{winner}"


def count(verdict: str, given: bool, over: tuple[int, ...] = STEPS) -> int:
    """Cells of single fifths with that verdict, in the maps of all training points."""
    cells = (cell for at in over for (group, _), cell in winners(at, given).items() if group != "all")
    return sum(cell.verdict == verdict for cell in cells)


def spendable(R: float, judge_trained: bool, at: int = 1500) -> float:
    """How many single samples of the small model a query may cost, by what was counted."""
    spent = evidence.training_flops(*["small"] if judge_trained else ["small", "prm"])
    left = evidence.one_pass("test", at=at).flops.mean()
    left += (evidence.training_flops("large", at=at) - spent) / evidence.queries_at(R, at)
    return float(left / find(evidence.sampling_arms(choose="oracle"), 1).flops.mean())


def judged_samples(R: float, at: int = 1500) -> int:
    """How many samples, each read by a judge that is there already, a query may cost."""
    left = spendable(R, True, at) * find(evidence.sampling_arms(choose="oracle"), 1).flops.mean()
    arms = evidence.sampling_arms()
    costs = [float(a.flops.mean()) for a in arms]
    if left > costs[-1]:  # each further sample is read and written like the last ones
        slope = (costs[-1] - costs[-2]) / (arms[-1].allocation.N - arms[-2].allocation.N)
        return int(arms[-1].allocation.N + (left - costs[-1]) / slope)
    return int(np.interp(left, costs, [a.allocation.N for a in arms]))


def said(k: float) -> str:
    return "less than nothing" if k < 0 else f"{k:.0f}"


def size_ratio() -> float:
    return float(made("large")["block_parameters"] / made("small")["block_parameters"])


def cheapest_match(at: int) -> str:
    """The cheapest arm of the small model whose accuracy on validation problems reaches one pass of the large one.

    The large model is not recorded on validation problems, so its accuracy is that of the test problems.
    """
    large = evidence.one_pass("test", at=at)
    pool = [
        (*arms, said)
        for judge, said in ((None, "by vote"), ("prm", "with the PRM"), ("prm-large", "with PRM 14x"))
        for arms in zip(*(evidence.small_arms(split, judge) for split in SPLITS), strict=True)
    ]
    enough = [each for each in pool if each[0].correct.mean() >= large.correct.mean()]
    _, found, judged = min(enough, key=lambda each: float(each[0].flops.mean()))
    ratio, gap = found.flops.mean() / large.flops.mean(), points(bootstrap(found.correct - large.correct))
    return f"{found.allocation}, {judged}, at {ratio:.2f} times its FLOPs ({gap})"


def control() -> bank.Samples:
    """Chapter 4's control: the small model grown and trained on, never revising."""
    return bank.load("revision-control", "test")


def control_flops() -> float:
    """Of one sample."""
    return float(control().prefill_flops.mean() + control().decode_flops.mean())


def control_minus(at: int) -> Estimate:
    return bootstrap(control().correct.mean(axis=1) - evidence.one_pass("test", at=at).correct)


def ratio_name(R: float) -> str:
    return "infinite" if R == INFINITE else f"{R:g}"


NUMBERS: dict[str, Callable[[], str]] = {
    **{f"k arxiv {R}": lambda R=R: said(exchange_rate(size_ratio(), R, "arxiv")) for R in RATIOS[:3]},
    **{f"k iclr {R}": lambda R=R: said(exchange_rate(size_ratio(), R, "iclr")) for R in RATIOS[:3]},
    **{f"k counted {R}": lambda R=R: said(spendable(R, True)) for R in RATIOS[:3]},
    **{f"k counted judge charged {R}": lambda R=R: said(spendable(R, False)) for R in RATIOS[:3]},
    **{f"judged samples {R}": lambda R=R: str(judged_samples(R)) for R in RATIOS[:3]},
    **{f"queries {R}": lambda R=R: f"{evidence.queries_at(R, 1500):,.0f}" for R in RATIOS[:3]},
    **{f"cheapest match {at}": lambda at=at: cheapest_match(at) for at in STEPS},
    "small training tokens": lambda: f"{evidence.training_tokens('small') / 1e6:.1f} million",
    "large training tokens": lambda: f"{evidence.training_tokens('large', 1500) / 1e6:.1f} million",
    "cells small given": lambda: str(count("small", True)),
    "cells large given": lambda: str(count("large", True)),
    "cells none given": lambda: str(count("no difference", True)),
    "cells small charged": lambda: str(count("small", False)),
    "cells small charged but 750": lambda: str(count("small", False, STEPS[1:])),
    "cells large charged": lambda: str(count("large", False)),
    "cells in all": lambda: str(5 * len(RATIOS) * len(STEPS)),
    "cells of a map": lambda: str(6 * len(RATIOS)),
    "beam 16 over large": lambda: f"{arm('prm-beam 16').flops.mean() / arm('large 1500').flops.mean():.2f}",
    "beam 16 minus large 1500": lambda: points(bootstrap(arm("prm-beam 16").correct - arm("large 1500").correct)),
    "beam 16 minus large 2500": lambda: points(bootstrap(arm("prm-beam 16").correct - arm("large 2500").correct)),
    "orders saved": lambda: f"{np.log10(training('large 1500') / training('greedy')):.1f}",
    "orders spent": lambda: f"{np.log10(arm('prm-beam 16').flops.mean() / arm('greedy').flops.mean()):.1f}",
    "control solves": lambda: with_interval(bootstrap(control().correct.mean(axis=1))),
    "control costs": lambda: millions(control_flops()),
    "control trained": lambda: trillions(evidence.training_flops("revision-control")),
    "large over control": lambda: f"{arm('large 1500').flops.mean() / control_flops():.0f}",
    **{f"control minus large {at}": lambda at=at: points(control_minus(at)) for at in STEPS},
    "prm over large 1500 training": lambda: f"{training('prm 1') / training('large 1500'):.1f}",
}
OF_AN_ARM: dict[str, Callable[[str], str]] = {
    "solves": lambda name: with_interval(bootstrap(arm(name).correct)),
    "costs": lambda name: millions(float(arm(name).flops.mean())),
    "trained for": lambda name: trillions(training(name)),
}
ARM = re.compile(rf"(?P<arm>({'|'.join(TRAINED)}|large)( \d+)?) (?P<what>{'|'.join(OF_AN_ARM)})")
CELL = re.compile(
    rf"(?P<at>\d+) (?P<charged>given|charged) (?P<group>{'|'.join(NAMED_FIFTHS)}|all) "
    rf"(?P<R>{'|'.join(map(ratio_name, RATIOS))})(?P<part> gain)?"
)


def of_a_cell(name: str) -> Callable[[], str] | None:
    """What says a number of a strategy, "prm-beam 16 costs", or of the winner map, "1500 given hardest 0.16"."""
    if asked := ARM.fullmatch(name):
        return lambda: OF_AN_ARM[asked["what"]](asked["arm"])
    if asked := CELL.fullmatch(name):
        R = next(R for R in RATIOS if ratio_name(R) == asked["R"])
        say = (lambda cell: points(cell.gain)) if asked["part"] else in_a_cell
        return lambda: say(winners(int(asked["at"]), asked["charged"] == "given")[asked["group"], R])
    return None
