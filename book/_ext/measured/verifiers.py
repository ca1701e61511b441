"""Numbers of chapter 3: judges and searches."""

import re
from collections.abc import Callable
from functools import cache

import numpy as np

from ttclab import bank, evidence
from ttclab.estimators import (
    Estimate,
    auc,
    best_of_n,
    bootstrap,
    reliability,
    weighted_best_of_n,
    within_problem_auc,
)
from ttclab.evidence import small_fifths
from ttclab.explorables import noisy_scores
from ttclab.verifiers import AGGREGATES

from .words import (
    BUDGETS,
    HARDEST,
    NAMED_FIFTHS,
    flops_of_samples,
    made,
    millions,
    percent,
    points,
    small,
    trillions,
    with_interval,
)

SOUND = ("orm", "prm", "prm-large", "prm-rollouts", "prm-exact")
JUDGES = (*SOUND, "prm-weak")


@cache
def step_scores(judge: str, aggregate: str) -> np.ndarray:
    """A judge's recorded step scores as one score a solution."""
    scores = bank.load_scores(judge, "small-test")
    return np.array([[AGGREGATES[aggregate](steps) if steps else 0.0 for steps in group] for group in scores])


@cache
def scores_of(judge: str) -> np.ndarray:
    """A judge's scores of the recorded samples, by the last step; "noisy 0.8" is a noisy oracle."""
    name, _, quality = judge.partition(" ")
    return noisy_scores(small(), float(quality)) if name == "noisy" else step_scores(judge, "last")


@cache
def chosen(judge: str, way: str, aggregate: str = "last") -> np.ndarray:
    """Accuracy of a judge's choice at each of BUDGETS, (problems, budgets). way: "best" or "weighted"."""
    scores = scores_of(judge) if aggregate == "last" else step_scores(judge, aggregate)
    if way == "best":
        return best_of_n(scores, small().correct, BUDGETS)
    return weighted_best_of_n(small().answers, scores, small().correct, BUDGETS)


def choice(judge: str, way: str, n: int, of: int | None = None, aggregate: str = "last") -> Estimate:
    values = chosen(judge, way, aggregate)[:, list(BUDGETS).index(n)]
    return bootstrap(values if of is None else values[small_fifths() == of])


def choice_minus(one: tuple[str, str], other: tuple[str, str], n: int, of: int | None = None) -> Estimate:
    """One (judge, way) minus another, at the same budget."""
    gap = (chosen(*one) - chosen(*other))[:, list(BUDGETS).index(n)]
    return bootstrap(gap if of is None else gap[small_fifths() == of])


def fall(judge: str, way: str, of: int | None = None) -> tuple[int, Estimate]:
    """The budget at which a judge's choice is best, and 256 samples minus that one."""
    values = chosen(judge, way) if of is None else chosen(judge, way)[small_fifths() == of]
    peak = int(values.mean(axis=0).argmax())
    return int(BUDGETS[peak]), bootstrap(values[:, -1] - values[:, peak])


def change_after(judge: str, n: int, of: int | None = None) -> Estimate:
    """Best-of-256 minus best-of-n."""
    values = chosen(judge, "best") if of is None else chosen(judge, "best")[small_fifths() == of]
    return bootstrap(values[:, -1] - values[:, list(BUDGETS).index(n)])


def right_of_scored(judge: str, tenth: int) -> str:
    """Of the solutions whose score is in a tenth of the range, the share that is right."""
    return percent(reliability(scores_of(judge), small().correct)[1][tenth])


def with_likelihood() -> np.ndarray:
    """PRM 14x's step scores and the policy's likelihood as one score, with the weight that validation gives."""
    return evidence.mean_and_likelihood("prm-large", "test", evidence.likelihood_weight("prm-large"))


def likelihood_gain(n: int) -> Estimate:
    """Best-of-n by it minus best-of-n by the last step alone."""
    by_both = best_of_n(with_likelihood(), small().correct, n)
    return bootstrap(by_both - chosen("prm-large", "best")[:, list(BUDGETS).index(n)])


def judging_flops(judge: str, n: int) -> float:
    return float(evidence.judge_flops(small(), judge, np.array([n])).mean())


@cache
def search(judge: str, n: int, lookahead: int = 0) -> bank.Searches:
    return bank.load_searches("small", judge, "test", n, 4, lookahead=lookahead)


def texts_of_easiest(right: bool) -> str:
    """Different texts among the 256 samples of a problem of the easiest fifth, right ones or wrong ones."""
    texts, wanted = small().texts[small_fifths() == 0], small().correct[small_fifths() == 0] == right
    return f"{np.mean([len(set(row[those])) for row, those in zip(texts, wanted)]):.1f}"


def settled(judge: str) -> str:
    """Problems on which best-of-16 is right in more than 95% of the groups of samples, or in less than 5%."""
    right = chosen(judge, "best")[:, list(BUDGETS).index(16)]
    return percent(float(((right > 0.95) | (right < 0.05)).mean()))


def search_flops(judge: str, n: int, lookahead: int = 0) -> float:
    return float(search(judge, n, lookahead).total_flops.mean())


def beam(judge: str, n: int, of: int | None = None) -> Estimate:
    right = search(judge, n).correct()
    return bootstrap(right if of is None else right[small_fifths() == of])


def beam_minus(judge: str, n: int, way: str = "weighted", of: int | None = None) -> Estimate:
    gap = search(judge, n).correct() - chosen(judge, way)[:, list(BUDGETS).index(n)]
    return bootstrap(gap if of is None else gap[small_fifths() == of])


def beam_coverage(judge: str, n: int) -> Estimate:
    return bootstrap([any(solution.correct for solution in group) for group in search(judge, n).found])


def beam_texts(judge: str, n: int) -> float:
    return float(np.mean([len({solution.text for solution in group}) for group in search(judge, n).found]))


def lookahead_minus_beam() -> Estimate:
    return bootstrap(search("prm-large", 16, 1).correct().astype(float) - search("prm-large", 16).correct())


# (judge, budget, group) -> words
OF_A_BUDGET: dict[str, Callable[[str, int, int | None], str]] = {
    "best": lambda judge, n, of: with_interval(choice(judge, "best", n, of)),
    "weighted": lambda judge, n, of: with_interval(choice(judge, "weighted", n, of)),
    "change after": lambda judge, n, of: points(change_after(judge, n, of), 1),
    "best minus weighted": lambda judge, n, of: points(choice_minus((judge, "best"), (judge, "weighted"), n, of)),
    "megaflops": lambda judge, n, of: millions(judging_flops(judge, n)),
    "cost ratio": lambda judge, n, of: f"{judging_flops(judge, n) / flops_of_samples(n):.1f}",
    "weighted megaflops": lambda judge, n, of: millions(flops_of_samples(n) + judging_flops(judge, n)),
    "beam": lambda judge, n, of: with_interval(beam(judge, n, of)),
    "beam gain": lambda judge, n, of: points(beam_minus(judge, n, "weighted", of)),
    "beam minus best": lambda judge, n, of: points(beam_minus(judge, n, "best", of)),
    "beam megaflops": lambda judge, n, of: millions(search_flops(judge, n)),
    "beam coverage": lambda judge, n, of: with_interval(beam_coverage(judge, n)),
    "beam texts": lambda judge, n, of: f"{beam_texts(judge, n):.1f}",
    **{
        f"{aggregate} {way}": lambda judge, n, of, aggregate=aggregate, way=way: with_interval(
            choice(judge, way, n, of, aggregate)
        )
        for aggregate in AGGREGATES
        for way in ("best", "weighted")
    },
}
OF_A_JUDGE: dict[str, Callable[[str], str]] = {
    "auc everywhere": lambda judge: f"{auc(scores_of(judge), small().correct):.3f}",
    "auc by answer": lambda judge: f"{within_problem_auc(scores_of(judge), small().correct):.3f}",
    "auc by working": lambda judge: f"{within_problem_auc(scores_of(judge), small().worked):.3f}",
    **{
        f"{aggregate} auc by answer": lambda judge, aggregate=aggregate: (
            f"{within_problem_auc(step_scores(judge, aggregate), small().correct):.3f}"
        )
        for aggregate in AGGREGATES
    },
    "parameters": lambda judge: f"{made(judge)['block_parameters'] / made('small')['block_parameters']:.1f}",
    "training": lambda judge: trillions(made(judge)["training_flops"] + made(judge)["data_flops"]),
    "all training": lambda judge: trillions(evidence.training_flops(judge)),
    "settled": settled,
    "peak": lambda judge: str(fall(judge, "best")[0]),
}
ASKED = re.compile(
    rf"(?P<judge>{'|'.join(JUDGES)}|noisy [.\d]+) (?:(?P<group>{'|'.join(NAMED_FIFTHS)}) )?"
    r"(?P<what>[^@]+)(?:@(?P<budget>\d+))?"
)


def worst_fall(way: str) -> str:
    """The largest fall after its best budget of any judge but the weak one, over all problems."""
    return points(min((fall(judge, way)[1] for judge in SOUND), key=lambda gap: float(gap.mean)), 1)


NUMBERS: dict[str, Callable[[], str]] = {
    "constant judge auc": lambda: f"{auc(np.repeat(small().correct.mean(axis=1), 256), small().correct):.2f}",
    "easiest right texts": lambda: texts_of_easiest(right=True),
    "easiest wrong texts": lambda: texts_of_easiest(right=False),
    "worked auc": lambda: f"{within_problem_auc(small().worked, small().correct):.2f}",
    "lucky share": lambda: f"{100 * (small().correct & ~small().worked).sum() / small().correct.sum():.1f}%",
    "rollouts minus exact@16": lambda: points(
        choice_minus(("prm-rollouts", "weighted"), ("prm-exact", "weighted"), 16), 1
    ),
    "rollouts minus exact@64": lambda: points(
        choice_minus(("prm-rollouts", "weighted"), ("prm-exact", "weighted"), 64), 1
    ),
    "rollouts data ratio": lambda: f"{made('prm-rollouts')['data_flops'] / made('prm-exact')['data_flops']:.0f}",
    "worst fall best": lambda: worst_fall("best"),
    "worst fall weighted": lambda: worst_fall("weighted"),
    "exact hardest fall": lambda: points(fall("prm-exact", "weighted", HARDEST)[1], 1),
    "rollouts second fall": lambda: points(fall("prm-rollouts", "best", 1)[1], 1),
    "weak steps": lambda: f"{made('prm-weak')['steps']:,}",
    "prm steps": lambda: f"{made('prm')['steps']:,}",
    "weak reliability": lambda: right_of_scored("prm-weak", 8),
    "likelihood auc": lambda: f"{within_problem_auc(with_likelihood(), small().correct):.3f}",
    "likelihood best@64 gain": lambda: points(likelihood_gain(64), 1),
    "lookahead gain": lambda: points(lookahead_minus_beam(), 1),
    "lookahead megaflops": lambda: millions(search_flops("prm-large", 16, 1)),
    "beam saving": lambda: f"{(flops_of_samples(64) + judging_flops('prm', 64)) / search_flops('prm', 16):.0f}",
}


def of_a_judge(name: str) -> Callable[[], str] | None:
    """What says a number of a judge, as "prm hardest beam gain@16" names it; None if nothing does."""
    asked = ASKED.fullmatch(name)
    if not asked:
        return None
    judge, what = asked["judge"], asked["what"]
    of = NAMED_FIFTHS.index(asked["group"]) if asked["group"] else None
    if asked["budget"] and what in OF_A_BUDGET:
        return lambda: OF_A_BUDGET[what](judge, int(asked["budget"]), of)
    if not asked["budget"] and what in OF_A_JUDGE:
        return lambda: OF_A_JUDGE[what](judge)
    return None
