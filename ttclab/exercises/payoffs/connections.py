"""Payoffs of chapter 8: the learner's functions on the recorded samples of SmolLM2."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ttclab import results
from ttclab.exercises.payoffs.yours import over
from ttclab.figures import Drawing, charts
from ttclab.results.words import word_chosen, word_coverage, word_vote


def found(found_share: Callable[[Sequence[Sequence[str]], Sequence[str]], float]) -> Drawing:
    """The share of covered problems that a vote finds, times coverage: that is the vote's curve."""
    samples = results.word_samples()
    answers = [["" if answer is None else answer for answer in row] for row in samples.answers.tolist()]
    truths = [row[correct][0] if correct.any() else "?" for row, correct in zip(samples.answers, samples.correct)]
    shares, votes = [], []
    for N in results.WORD_BUDGETS:
        groups = [slice(start, start + N) for start in range(0, len(answers[0]), N)]
        found = [found_share([row[group] for row in answers], truths) for group in groups]
        covered = [float(samples.correct[:, group].any(axis=1).mean()) for group in groups]
        shares.append(float(np.mean(found)))
        votes.append(float(np.mean(np.multiply(found, covered))))
    return over(
        "words_coverage_and_vote", "your share × coverage", results.WORD_BUDGETS, votes,
        f"By your function a vote finds {shares[0]:.0%} of what one sample covers and {shares[-1]:.0%} of what "
        f"{results.WORD_BUDGETS[-1]} cover",
        f"Your share times coverage is the vote: {votes[-1]:.0%} of the problems with 16 samples.",
    )  # fmt: skip


def verdicts(assess_claim: Callable[[Sequence[float]], str]) -> Drawing:
    """What the learner's function says of five claims about SmolLM2."""
    claims = {
        "coverage of 16\nbeats one sample": ("oracle", word_coverage(16), word_coverage(1)),
        "a vote of 16\nbeats one sample": ("majority", word_vote(16), word_vote(1)),
        "weighting by the working\nbeats the vote": ("orm", word_chosen(16, "working"), word_vote(16)),
        "the likeliest\nbeats the vote": ("prm", word_chosen(16, "likelihood"), word_vote(16)),
    }
    said = {name: str(assess_claim((a.correct - b.correct).tolist())) for name, (_, a, b) in claims.items()}
    rows = {f"{name}:\n{said[name]}": charts.Row(strategy, a.minus(b)) for name, (strategy, a, b) in claims.items()}
    held = sum(verdict == "holds" for verdict in said.values())
    return Drawing(
        charts.dots(rows, xlabel="difference, 16 samples of SmolLM2", difference=True),
        f"By your verdict {held} of these {len(claims)} claims about a real model hold",
        f"A vote of 16 minus one sample is {word_vote(16).minus(word_vote(1)):.1 points}: {[*said.values()][1]}.",
        pd.DataFrame(
            {
                "claim": [name.replace("\n", " ") for name in claims],
                "difference": [a.minus(b) for _, a, b in claims.values()],
                "your verdict": [*said.values()],
            }
        ),
        {"difference": ".1p"},
    )
