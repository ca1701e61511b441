"""Payoffs of chapter 2: coverage and votes of the recorded samples by the learner's functions."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ttclab import results
from ttclab.estimators import Estimate
from ttclab.exercises.payoffs.yours import arm, over
from ttclab.figures import Drawing, charts, style

SIZES = (1, 2, 4, 8, 16, 32, 64)


def coverage(pass_at_k: Callable[[int, int, int], float]) -> Drawing:
    """Coverage by the learner's estimate, over the chapter's curve."""
    right = results.small_samples().correct
    n = right.shape[1]
    counts = Counter(right.sum(axis=1).tolist())
    covered = [
        sum(many * pass_at_k(n, c, k) for c, many in counts.items()) / len(right) for k in results.BUDGETS
    ]  # fmt: skip
    return over(
        "coverage_against_vote", "your pass@k", results.BUDGETS, covered,
        f"Your pass@k, on the {len(right)} recorded problems, is the chapter's coverage",
        f"By your estimate one sample covers {covered[0]:.0%} and {n} cover {covered[-1]:.0%}.",
    )  # fmt: skip


def three_votes(vote_chance: Callable[[Sequence[float], int], float]) -> Drawing:
    """The chance of a right vote on three recorded problems, among their three commonest answers."""
    sizes = range(1, 8)
    shares = [_shares(near) for near in (0.6, 0.46, 0.27)]
    lines = {f"right {row[0]:.0%},\nrival {row[1]:.0%}": [float(vote_chance(row, k)) for k in sizes] for row in shares}
    stacked = {
        name: charts.Series("majority", Estimate(*[np.array(values)] * 3), range(len(sizes)))
        for name, values in lines.items()
    }
    rises = [values[-1] - values[0] for values in lines.values()]
    first, *_, last = lines.values()
    return Drawing(
        charts.shaded(stacked, xlabel="samples in the vote", ylabel="chance of a right vote", ticks=[*map(str, sizes)]),
        f"By your function a larger vote helps {sum(r > 0 for r in rises)} of these three problems and harms "
        f"{sum(r < 0 for r in rises)}",
        f"From one sample to {sizes[-1]} the chance goes from {first[0]:.0%} to {first[-1]:.0%} on the first problem "
        f"and from {last[0]:.0%} to {last[-1]:.0%} on the last.",
        pd.DataFrame({"samples": sizes, **{n.replace("\n", " "): [f"{x:.1%}" for x in v] for n, v in lines.items()}}),
    )


def _shares(near: float) -> list[float]:
    """Shares of the right answer and of its two commonest rivals, of the recorded problem whose first is nearest."""
    samples, found = results.small_samples(), []
    for answers, correct in zip(samples.answers, samples.correct, strict=True):
        rivals = Counter(answer for answer in answers[~correct] if answer is not None).most_common(2)
        counts = [int(correct.sum()), *(many for _, many in rivals)]
        if len(counts) == 3:
            found.append([many / sum(counts) for many in counts])
    return min(found, key=lambda shares: abs(shares[0] - near))


def decided_votes(decided_after: Callable[[Sequence[str | None]], int]) -> Drawing:
    """After how many samples the recorded votes were decided, in each fifth of difficulty."""
    answers, fifths = results.small_samples().answers, results.small_fifths()
    read = {N: arm([decided_after(row) / N for row in answers[:, :N].tolist()], fifths) for N in SIZES}
    lines = {
        name: charts.series("majority", {N: read[N].fifth(k) for N in SIZES})
        for k, name in enumerate(style.SHORT_FIFTHS)
    }
    saved = 1 - read[64].correct.mean()
    return Drawing(
        charts.shaded(lines, xlabel="samples in the vote", ylabel="share of them that decides"),
        f"Stop when a vote of 64 is decided, and {saved:.0%} of the samples need not be drawn",
        f"A vote of 64 is decided after {read[64].fifth(0).solved:.0%} of its samples on the easiest fifth and after "
        f"{read[64].fifth(4).solved:.0%} on the hardest. No answer changes.",
        pd.DataFrame({"samples": SIZES, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


def samples_for_a_target(smallest_n: Callable[[Sequence[float], float], int | None]) -> Drawing:
    """The samples that the learner's function asks for, for targets of coverage, over the chapter's curve."""
    rates = results.small_samples().correct.mean(axis=1).tolist()
    needs = {target: smallest_n(rates, target) for target in (0.6, 0.7, 0.8, 0.85, 0.9, 0.95)}
    reached = {target: N for target, N in needs.items() if N is not None}
    return over(
        "coverage_against_vote", "your N for a target", [*reached.values()], [*reached],
        f"By your function {max(reached):.0%} of the problems take {reached[max(reached)]} samples",
        f"From the recorded pass rates, coverage of {min(reached):.0%} takes {reached[min(reached)]} samples and "
        f"{max(reached):.0%} takes {reached[max(reached)]}.",
    )  # fmt: skip
