"""Payoffs of chapter 4: the learner's loop and choices on the recorded chains of revisions."""

from collections.abc import Callable, Sequence

import pandas as pd

from ttclab import results
from ttclab.bank.shipped import SMALL
from ttclab.estimators import Estimate
from ttclab.exercises.payoffs.yours import arm, over
from ttclab.figures import Drawing, charts
from ttclab.figures.rewriting import ASIDE
from ttclab.results.revision import turned_wrong
from ttclab.results.sampling import last_scores
from ttclab.results.wording import by_sign

LENGTHS = (1, 2, 4, 8, 16, 32, 64)
SPLITS = ((16, 1), (8, 2), (4, 4), (2, 8), (1, 16))


def _scores() -> list[list[float]]:
    scores: list[list[float]] = last_scores("prm", f"{SMALL}-test-chains").tolist()
    return scores


def kept(revise_and_keep_best: Callable[..., int]) -> Drawing:
    """What the learner's loop keeps of a recorded chain, beside the newest attempt."""
    run, scores = results.chains(), _scores()
    (chain,) = run.first(1, LENGTHS[-1] - 1)
    onward = [*range(1, len(chain)), len(chain) - 1]  # the revision of an attempt is the next one
    along = [[row[column] for column in chain] for row in scores]
    right = run.correct[:, chain]
    best = {
        n: arm([right[i, revise_and_keep_best(0, onward, along[i], n - 1)] for i in range(len(right))]) for n in LENGTHS
    }
    lines = {
        "your loop": charts.series("prm", best),
        "the newest": charts.series("revision", {n: arm(right[:, n - 1].tolist()) for n in LENGTHS}),
    }
    alone = arm(right[:, 63].tolist()).minus(best[1])
    return Drawing(
        charts.curves(lines, xlabel="attempts in the chain", low=charts.zoom(lines)[0]),
        f"Keeping the best by the verifier pays; going on alone {by_sign(alone, 'helps', 'does not help', 'harms')}"
        if best[64].minus(arm(right[:, 63].tolist())).sign > 0
        else "Keeping the best by the verifier solves no more than the newest attempt",
        f"After 64 attempts your loop's choice is right on {best[64].solved:.0%}, the newest attempt on "
        f"{arm(right[:, 63].tolist()).solved:.0%}.",
        pd.DataFrame({"attempts": LENGTHS, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


def turned(flipped_share: Callable[[Sequence[Sequence[bool]]], float]) -> Drawing:
    """The share of right first attempts that the first recorded revision turns wrong."""
    before, after = results.revised(results.chains())
    share = flipped_share([[bool(a), bool(b)] for a, b in zip(before.ravel(), after.ravel(), strict=True)])
    return over(
        "revision_against_fresh_sample", "your share", [share], [5 - ASIDE],
        f"By your function the first revision turns {share:.1%} of right answers wrong",
        f"The book has {turned_wrong():.1%}.",
    )  # fmt: skip


def splits(choose_answer: Callable[..., str]) -> Drawing:
    """Sixteen recorded attempts, split into chains, with the learner's choice."""
    run, scores, fifths = results.chains(), _scores(), results.small_fifths()
    answers = [["" if answer is None else answer for answer in row] for row in run.answers.tolist()]
    right = [{*row[correct]} for row, correct in zip(run.answers, run.correct, strict=True)]
    arms = []
    for M, n in SPLITS:
        columns = run.first(M, n - 1).tolist()
        chosen = [
            choose_answer(
                [[row[c] for c in chain] for chain in columns], [[score[c] for c in chain] for chain in columns]
            )
            for row, score in zip(answers, scores, strict=True)
        ]
        arms.append(arm([answer in held for answer, held in zip(chosen, right, strict=True)], fifths))
    groups = {"four easier\nfifths": (0, 1, 2, 3), "hardest\nfifth": (4,)}
    lines = {
        name: charts.Series("prm", Estimate.stack(each.fifth(*which).solved for each in arms), range(len(arms)))
        for name, which in groups.items()
    }
    apart = arms[0].minus(arms[-1], 4)
    return Drawing(
        charts.shaded(lines, xlabel="chains × attempts in each", ticks=[f"{M}×{n}" for M, n in SPLITS]),
        "With your choice, how 16 attempts are split makes no clear difference where it is hard"
        if not apart.sign
        else "With your choice, the split of 16 attempts matters where it is hard",
        f"On the hardest fifth 16 × 1 solves {arms[0].fifth(4).solved:.0%} and 1 × 16 {arms[-1].fifth(4).solved:.0%}.",
        pd.DataFrame(
            {
                "chains × attempts": [f"{M} × {n}" for M, n in SPLITS],
                **{name.replace("\n", " "): line.values.unstack() for name, line in lines.items()},
            }
        ),
    )
