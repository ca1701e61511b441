"""Payoffs of chapter 3: the learner's votes and choices among recorded samples, by recorded scores."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ttclab import bank, results
from ttclab.exercises.payoffs.yours import arm, over
from ttclab.figures import Drawing, charts

SIZES = (1, 4, 16, 64)
GROUPS = 4  # of samples, of each size: the groups are the first ones recorded
FEW = 32  # samples of a problem, whose pairs are soon counted


def _solved(choose: Callable[[int, slice], object]) -> list[float]:
    """What a choice among so many samples solves. choose: of problem and samples; returns an answer."""
    samples = results.small_samples()
    solved = []
    for N in SIZES:
        hits = []
        for i, (answers, correct) in enumerate(zip(samples.answers, samples.correct, strict=True)):
            right = {*answers[correct]}
            hits += [choose(i, slice(g * N, (g + 1) * N)) in right for g in range(GROUPS)]
        solved.append(float(np.mean(hits)))
    return solved


def vote(majority_vote: Callable[[Sequence[str | None]], str | None]) -> Drawing:
    """The learner's vote of recorded samples, over the curve of chapter 2."""
    answers = results.small_samples().answers.tolist()
    solved = _solved(lambda i, group: majority_vote(answers[i][group]))
    return over(
        "coverage_against_vote", "your vote", SIZES, solved,
        "Your vote, on the first recorded samples, lies on the book's curve, far below coverage",
        f"Your vote of 16 solves {solved[2]:.0%} and of 64 {solved[3]:.0%}.",
    )  # fmt: skip


def weighted(weighted_vote: Callable[..., str | None]) -> Drawing:
    """The learner's vote weighted by the PRM, over coverage and a plain vote."""
    answers, scores = results.small_samples().answers.tolist(), results.small_scores("prm").tolist()
    solved = _solved(lambda i, group: weighted_vote(answers[i][group], scores[i][group]))
    return over(
        "coverage_against_vote", "your vote, weighted by the PRM", SIZES, solved,
        "Your weighted vote closes part of the gap between a vote and coverage"
        if solved[2] > results.vote(16).correct.mean()
        else "Your weighted vote closes nothing of the gap between a vote and coverage",
        f"Weighted by the PRM, your vote of 16 solves {solved[2]:.0%} and of 64 {solved[3]:.0%}.",
        line=True,
    )  # fmt: skip


def best(best_of_n: Callable[..., str]) -> Drawing:
    """The text that the learner's function takes by the weak PRM, over coverage and a vote."""
    samples, scores = results.small_samples(), bank.load_scores("prm-weak", "small-test")
    texts = samples.texts.tolist()
    answer = [dict(zip(*row)) for row in zip(texts, samples.answers.tolist(), strict=True)]
    solved = _solved(lambda i, group: answer[i][best_of_n(texts[i][group], scores[i][group], "last")])
    return over(
        "coverage_against_vote", "your best-of-N, weak PRM", SIZES, solved,
        "By a weak verifier, your best of N falls behind a vote"
        if solved[3] < results.vote(64).correct.mean()
        else "Even by a weak verifier, your best of N keeps up with a vote",
        f"The best of 4 by the weak PRM solves {solved[1]:.0%}, the best of 64 {solved[3]:.0%}.",
        line=True,
    )  # fmt: skip


def auc(within_problem_auc: Callable[..., float]) -> Drawing:
    """The AUC within a problem of four verifiers, by the learner's function."""
    right = results.small_samples().correct[:, :FEW]
    mixed = np.flatnonzero(right.any(axis=1) & ~right.all(axis=1))
    names = {"PRM 14x": "prm-large", "PRM": "prm", "ORM": "orm", "PRM, weak": "prm-weak"}
    aucs = {}
    for label, name in names.items():
        scores = results.small_scores(name)[:, :FEW]
        aucs[label] = arm([within_problem_auc([scores[i].tolist()], [right[i].tolist()]) for i in mixed]).solved
    rows = {label: charts.Row("prm", value) for label, value in aucs.items()}
    top = max(aucs, key=lambda label: float(aucs[label].mean))
    return Drawing(
        charts.dots(rows, xlabel="AUC within a problem, by your function", low=0.5, high=1.0),
        f"By your function the {top} ranks best within a problem",
        f"On {len(mixed)} problems with right and wrong samples, its AUC is {aucs[top]:.2f}; the weak PRM's is "
        f"{aucs['PRM, weak']:.2f}.",
        pd.DataFrame({"verifier": list(aucs), "your AUC": list(aucs.values())}),
        ".3f",
    )
