"""Numbers of chapter 08: the recorded run of a real language model, beside the tiny ones."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from ttclab import evidence
from ttclab.allocator import Arm
from ttclab.estimators import Estimate, auc, bootstrap, within_problem_auc

from .words import finely, percent, points, trillions, with_interval

BUDGETS = evidence.WORD_BUDGETS
KINDS = {
    "pass": ("oracle", "working"),
    "vote": ("majority", "working"),
    "likelihood": ("best", "likelihood"),
    "working": ("weighted", "working"),
    "asked": ("weighted", "asked"),
}


JUDGES = ("likelihood", "working", "asked")


def arm(kind: str, n: int) -> Arm:
    """What SmolLM2 gets from n samples of each word problem."""
    return evidence.find(evidence.word_arms(*KINDS[kind]), n)


def tiny(kind: str, n: int) -> Arm:
    """What the tiny model gets from n samples of each arithmetic problem. "judge": weighted by the PRM."""
    choose = {"pass": "oracle", "vote": "majority", "judge": "weighted"}[kind]
    return evidence.find(evidence.sampling_arms(choose=choose), n)


@cache
def steps() -> np.ndarray:
    """The operations that each word problem takes."""
    return np.array([len(problem.worked.splitlines()) - 1 for problem in evidence.word_samples().problems])


def solved(kind: str, n: int, of: int | None = None) -> str:
    correct = arm(kind, n).correct
    return with_interval(bootstrap(correct if of is None else correct[steps() == of]))


def gain(one: Arm, other: Arm) -> Estimate:
    return bootstrap(one.correct - other.correct)


def share_found(top: Arm, vote: Arm) -> float:
    """Of what a perfect judge would find, the share that a vote does."""
    return float(vote.correct.mean() / top.correct.mean())


def judge_auc(judge: str, *, within: bool) -> str:
    scores, right = evidence.word_scores(judge), evidence.word_samples().correct
    return f"{within_problem_auc(scores, right) if within else auc(scores, right):.2f}"


NUMBERS: dict[str, Callable[[], str]] = {
    "words problems": lambda: str(len(evidence.word_samples().problems)),
    "words validation problems": lambda: str(len(evidence.word_samples("validation").problems)),
    "words temperature": lambda: f"{evidence.word_samples().made['temperature']:g}",
    "words prompt tokens": lambda: f"{np.mean(evidence.word_samples().prompt_tokens):.0f}",
    "words tokens": lambda: f"{evidence.word_samples().tokens.mean():.0f}",
    "words unfinished": lambda: percent(1 - evidence.word_samples().finished.mean()),
    "words vote gain": lambda: points(gain(arm("vote", 16), arm("vote", 1))),
    "words coverage gain": lambda: points(gain(arm("pass", 16), arm("pass", 1))),
    "words gap": lambda: points(gain(arm("pass", 16), arm("vote", 16))),
    "words likelihood minus vote": lambda: points(gain(arm("likelihood", 16), arm("vote", 16))),
    "words working minus vote": lambda: points(gain(arm("working", 16), arm("vote", 16))),
    "words asked minus vote": lambda: points(gain(arm("asked", 16), arm("vote", 16))),
    "words asking times": lambda: f"{arm('asked', 16).flops.mean() / arm('vote', 16).flops.mean():.1f}",
    "words vote finds": lambda: percent(share_found(arm("pass", 16), arm("vote", 16))),
    "tiny vote finds": lambda: percent(share_found(tiny("pass", 16), tiny("vote", 16))),
    "tiny pass@1": lambda: finely(bootstrap(tiny("pass", 1).correct)),
    "tiny vote gain": lambda: points(gain(tiny("vote", 16), tiny("vote", 1))),
    "tiny gap": lambda: points(gain(tiny("pass", 16), tiny("vote", 16))),
    "tiny judge minus vote": lambda: points(gain(tiny("judge", 16), tiny("vote", 16))),
    **{f"words {kind}@{n}": partial(solved, kind, n) for kind in KINDS for n in BUDGETS},
    **{f"words {kind}@{n} of {k}": partial(solved, kind, n, k) for kind in KINDS for n in (1, 16) for k in (1, 2, 3)},
    **{f"words problems of {k}": lambda k=k: str(int((steps() == k).sum())) for k in (1, 2, 3)},
    **{f"words flops@{n}": lambda n=n: trillions(float(arm("vote", n).flops.mean())) for n in BUDGETS},
    **{
        f"tiny {kind}@16": lambda kind=kind: with_interval(bootstrap(tiny(kind, 16).correct))
        for kind in ("pass", "vote", "judge")
    },
    **{f"words {judge} auc": partial(judge_auc, judge, within=False) for judge in JUDGES},
    **{f"words {judge} auc within": partial(judge_auc, judge, within=True) for judge in JUDGES},
}
