"""The exercises of chapter 03."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from ttclab.estimators import auc
from ttclab.exercises.chapters.votes import (
    clear_votes,
    eighths,
    heavy_votes,
    majority_vote,
    shuffled,
    silent_votes,
    silent_weights,
    tied_votes,
    tied_weights,
    weighted_vote,
)
from ttclab.exercises.exercise import PROBABILITY, TEXT, Cases, Exercise, agreeing, is_clear, lists

AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda scores: scores[-1], "min": min, "prod": math.prod, "mean": fmean,
}  # fmt: skip


def _together(scores: Sequence[float], aggregate: str) -> float:
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate must be one of {', '.join(AGGREGATES)}, not {aggregate!r}")
    return AGGREGATES[aggregate](scores) if scores else 0.0


def _best_of_n(texts: Sequence[str], step_scores: Sequence[Sequence[float]], aggregate: str) -> str:
    together = [_together(scores, aggregate) for scores in step_scores]
    return min(zip(texts, together), key=lambda pair: (-pair[1], pair[0]))[0]


def _scored(texts: list[str], step_scores: list[list[float]], aggregate: str) -> tuple[Any, ...]:
    ranked = sorted(zip(texts, [_together(s, aggregate) for s in step_scores]), key=lambda pair: (-pair[1], pair[0]))
    why = f"by {aggregate!r} the scores are " + ", ".join(f"{text!r}: {score:.4g}" for text, score in ranked)
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        why += "; of equal scores the first text in alphabetical order is taken"
    return why, texts, step_scores, aggregate


def _names(rng: np.random.Generator, size: int) -> list[str]:
    return [f"+{n}" for n in rng.choice(np.arange(10, 100), size=size, replace=False)]


def _by_an_orm(rng: np.random.Generator) -> Cases:
    for aggregate in AGGREGATES:
        size = int(rng.integers(2, 6))
        order = rng.permutation(size)
        yield _scored(_names(rng, size), [[(int(i) + 1) / 8] for i in order], aggregate)


def _by_a_prm(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        # One is the best by its last step, one by its worst (and by the sum), one by its mean, one by the product.
        steps = [[0.25, 0.25, 0.25, 1.0], [0.625, 0.625, 0.625], [1.0, 0.5], [0.5625]]
        order = rng.permutation(4)
        texts = _names(rng, 4)
        for aggregate in AGGREGATES:
            yield _scored(texts, [steps[i] for i in order], aggregate)
            yield _scored(texts[:2], [[0.5], [0.4375] * 4], aggregate)  # a short one against a long one
    for aggregate in AGGREGATES:
        size, together = int(rng.integers(2, 5)), [0.0, 0.0]
        while not is_clear(together):
            steps = [eighths(rng, int(rng.choice([1, 2, 4]))) for _ in range(size)]
            together = [_together(scores, aggregate) for scores in steps]
        yield _scored(_names(rng, size), steps, aggregate)


def _ties_and_no_steps(rng: np.random.Generator) -> Cases:
    low, high = sorted(_names(rng, 2))
    for aggregate in AGGREGATES:
        for texts in ([low, high], [high, low]):
            yield _scored(texts, [[0.5], [0.5]], aggregate)
        yield _scored([low, high], [[], [0.125]], aggregate)
        yield _scored([low, high], [[], [0.0]], aggregate)  # no steps score exactly 0
        yield _scored([low, high], [[0.0], []], aggregate)
    yield "one solution was drawn, and it is taken even without a step", [low], [[]], "prod"
    for aggregate in ("max", "sum"):
        yield 'the aggregates are "last", "min", "prod" and "mean"', [low, high], [[0.5], [0.25]], aggregate


def _beam_step(texts: Sequence[str], scores: Sequence[float], finished: Sequence[bool], M: int) -> list[str]:
    ranked = sorted((-score, text) for text, score, ended in zip(texts, scores, finished) if not ended)
    kept = [text for _, text in ranked[: math.ceil(len(ranked) / M)]]
    return [text for text in kept for _ in range(M)][: len(ranked)]


def _settled(texts: list[str], scores: list[float], finished: list[bool], M: int) -> tuple[Any, ...]:
    places = finished.count(False)
    if not places:
        why = "all have ended and keep their places, so none is left to continue"
    else:
        kept = math.ceil(places / M)
        why = (
            f"{places} of {len(texts)} are unfinished, so there are {places} places: the best {kept} go on, {M} times "
            f"each as long as there are places"
        )
    ranked = [score for score, ended in zip(scores, finished) if not ended]
    if len(set(ranked)) < len(ranked):
        why += ", texts of equal scores in alphabetical order"
    return why, texts, scores, finished, M


def _distinct_scores(rng: np.random.Generator, size: int) -> list[float]:
    return (rng.choice(np.arange(1, 64), size=size, replace=False) / 64).tolist()


def _all_unfinished(rng: np.random.Generator) -> Cases:
    for kept in (1, 2, 3, 4):
        for M in (2, 3, 4):
            yield _settled(_names(rng, kept * M), _distinct_scores(rng, kept * M), [False] * (kept * M), M)


def _some_finished(rng: np.random.Generator) -> Cases:
    for ended in (2, 4):  # as many as fill whole beams
        finished = shuffled(rng, [True] * ended + [False] * (8 - ended))
        yield _settled(_names(rng, 8), _distinct_scores(rng, 8), finished, 2)
    yield _settled(_names(rng, 4), _distinct_scores(rng, 4), [True] * 4, 2)
    names, scores = _names(rng, 4), sorted(_distinct_scores(rng, 4))
    yield _settled(names, scores, [False, False, True, True], 2)  # what has ended scores best


def _uneven(rng: np.random.Generator) -> Cases:
    for unfinished, M in ((3, 2), (5, 2), (1, 4), (5, 4), (7, 3), (2, 3)):
        finished = shuffled(rng, [True] * int(rng.integers(1, 4)) + [False] * unfinished)
        yield _settled(_names(rng, len(finished)), _distinct_scores(rng, len(finished)), finished, M)


def _equal_beams(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        for texts in (sorted(_names(rng, 4)), sorted(_names(rng, 4), reverse=True)):
            yield _settled(texts, [0.5] * 4, [False] * 4, 2)
    yield _settled(_names(rng, 4), _distinct_scores(rng, 4), [False] * 4, 1)


def _within_problem_auc(scores: Sequence[Sequence[float]], correct: Sequence[Sequence[bool]]) -> float:
    each = [auc(s, c) for s, c in zip(scores, correct) if len(set(c)) == 2]
    if not each:
        raise ValueError("no problem has right solutions and wrong ones")
    return fmean(each)


def _ranked(scores: list[list[float]], correct: list[list[bool]]) -> tuple[Any, ...]:
    words = []
    for number, (row, right) in enumerate(zip(scores, correct), start=1):
        if len(set(right)) == 2:
            pairs = [(a, b) for a, yes in zip(row, right) if yes for b, no in zip(row, right) if not no]
            points = sum((a > b) + (a == b) / 2 for a, b in pairs)
            words.append(f"{points:g} of {len(pairs)} pairs in problem {number}")
    return f"the right solution is ahead in {', '.join(words)} (a tie is half)", scores, correct


def _some_of_each(rng: np.random.Generator, size: int) -> list[bool]:
    right = [True, False] + (rng.random(size - 2) < 0.4).tolist()
    return shuffled(rng, right)


def _one_problem(rng: np.random.Generator) -> Cases:
    yield "the one right solution is ahead of the one wrong one", [[0.75, 0.25]], [[True, False]]
    yield "the one right solution is behind the one wrong one", [[0.75, 0.25]], [[False, True]]
    yield _ranked([[0.25, 0.75, 0.5]], [[True, True, False]])
    for _ in range(5):
        size = int(rng.integers(3, 8))
        yield _ranked([_distinct_scores(rng, size)], [_some_of_each(rng, size)])


def _tied_scores(rng: np.random.Generator) -> Cases:
    yield "all scores are equal, so every pair is a tie, worth one half", [[0.5] * 4], [[True, False, False, True]]
    for last in (True, False, True, False):
        score = int(rng.integers(2, 7)) / 8
        yield _ranked([[score, score, score - 0.125, 1.0]], [[True, False, False, last]])


def _many_problems(rng: np.random.Generator) -> Cases:
    # Easy problems score high, hard ones low, and within each the verifier is wrong.
    yield _ranked([[0.75, 0.75, 0.875], [0.125, 0.25, 0.25]], [[True, True, False], [True, False, False]])
    for _ in range(5):
        sizes = [int(rng.integers(2, 4)), int(rng.integers(5, 8)), 4]
        scores = [_distinct_scores(rng, size) for size in sizes]
        yield _ranked(scores, [_some_of_each(rng, size) for size in sizes])


def _one_sided(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        order = rng.permutation(4)  # of a row that starts with its best score
        scores = [_distinct_scores(rng, 3), sorted(_distinct_scores(rng, 4))[::-1], _distinct_scores(rng, 3)]
        scores[1], mixed = [scores[1][i] for i in order], [bool(i != 1) for i in order]
        why, *case = _ranked(scores, [[True] * 3, mixed, [False] * 3])
        for rows in (case, [row[::-1] for row in case]):
            yield f"{why}; problems all right or all wrong have no pair and are left out", *rows
    yield "no problem has a right solution and a wrong one", [_distinct_scores(rng, 3)], [[True] * 3]
    yield "no problem has a right solution and a wrong one", [[0.5], [0.25]], [[False], [True]]


_WEIGHTED_VOTES = ("ttclab.sampling.weighted_vote", "ttclab.estimators.weighted_best_of_n")


EXERCISES = (
    Exercise(
        id="3.1",
        title="majority vote",
        points=10,
        goal=(
            "Return the most frequent answer. None is a missing answer, which has no vote. If there are no votes, the "
            "result is None. If answers tie, take the shorter one, then the first in alphabetical order. An empty list "
            "raises ValueError."
        ),
        hint=(
            "Count the votes in a dictionary, then take the minimum by a key of three parts: the votes with a minus "
            "sign, the length, the answer itself."
        ),
        returns=TEXT,
        example=(["12", "12", "7"],),
        checks=(
            agreeing("a clear majority", clear_votes),
            agreeing("missing answers", silent_votes),
            agreeing("ties", tied_votes),
        ),
        reference=majority_vote,
        withheld=("ttclab.sampling.majority_vote", "ttclab.estimators.majority", *_WEIGHTED_VOTES),
        payoff="verifiers.vote",
    ),
    Exercise(
        id="3.2",
        title="weighted vote",
        points=10,
        goal=(
            "Return the answer with the highest sum of scores. Treat missing answers (None) and ties as in exercise "
            "3.1. An empty list raises ValueError, and so do two lists of different lengths."
        ),
        hint=(
            "It is the majority vote, except that a vote counts as much as its score instead of 1. Add up the scores "
            "of each answer; do not average them."
        ),
        returns=TEXT,
        example=(["12", "12", "7"], [0.5, 0.5, 0.25]),
        checks=(
            agreeing("sums of scores", heavy_votes),
            agreeing("ties", tied_weights),
            agreeing("missing answers and wrong calls", silent_weights),
        ),
        reference=weighted_vote,
        withheld=_WEIGHTED_VOTES,
        payoff="verifiers.weighted",
    ),
    Exercise(
        id="3.3",
        title="best-of-N, by an ORM or a PRM",
        points=20,
        goal=(
            'Make one score of each solution\'s step scores by the aggregate "last", "min", "prod" or "mean". Return '
            "the text with the best score. An ORM's scores come as lists of length 1. A solution without steps scores "
            "0. If scores are equal, take the first text in alphabetical order. Any other aggregate raises ValueError."
        ),
        hint=(
            "Aggregate first, then choose. An empty list has no last item, no minimum and no mean, and its product "
            "is 1, so treat it before the others."
        ),
        returns=TEXT,
        example=(["+12", "+21"], [[0.5, 0.75], [0.25]], "last"),
        checks=(
            agreeing("an ORM's scores", _by_an_orm),
            agreeing("a PRM's scores", _by_a_prm),
            agreeing("ties, no steps, another aggregate", _ties_and_no_steps),
        ),
        reference=_best_of_n,
        withheld=("ttclab.verifiers.scoring.score_steps", "ttclab.sampling.Result.best"),
        payoff="verifiers.best",
    ),
    Exercise(
        id="3.4",
        title="one step of a beam search",
        points=20,
        goal=(
            "Choose which texts a beam search continues. Finished texts keep their places and are not continued. If U "
            "texts are unfinished, U places are left. The best U/M of them (rounded up) are continued M times each. "
            "The last of these fills the places that are left. Return a list of U texts, best first, texts of equal "
            "scores in alphabetical order."
        ),
        hint=(
            "Drop the finished texts and sort the others by (-score, text). Keep the first ceil(U / M), repeat each M "
            "times in a row, and cut the list to U."
        ),
        returns=lists("a list of strings", TEXT),
        example=(["+12", "+21"], [0.5, 0.25], [False, False], 2),
        checks=(
            agreeing("nothing has ended", _all_unfinished),
            agreeing("some have ended", _some_finished),
            agreeing("places that M does not divide", _uneven),
            agreeing("equal scores, and M = 1", _equal_beams),
        ),
        reference=_beam_step,
        withheld=("ttclab.beam_search._Tree.prune",),
        payoff="search.beam",
    ),
    Exercise(
        id="3.5",
        title="how well a verifier ranks within a problem",
        points=20,
        goal=(
            "Pair each right solution of a problem with each wrong one. The AUC of the problem is the share of pairs "
            "in which the right solution scores higher; a tie counts half. Return the mean over problems. Leave out "
            "problems without such a pair. If no problem has one, raise ValueError."
        ),
        hint=(
            "Two loops over the solutions of one problem give its pairs. Compute each problem's share first, then the "
            "mean of the shares. Every problem counts the same, however many pairs it has."
        ),
        returns=PROBABILITY,
        example=([[0.75, 0.25]], [[True, False]]),
        checks=(
            agreeing("one problem", _one_problem),
            agreeing("equal scores", _tied_scores),
            agreeing("several problems", _many_problems),
            agreeing("problems without a pair", _one_sided),
        ),
        reference=_within_problem_auc,
        withheld=("ttclab.estimators.within_problem_auc", "ttclab.estimators.auc"),
        payoff="verifiers.auc",
    ),
)
