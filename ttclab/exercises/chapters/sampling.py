"""The exercises of chapter 02."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, prod
from statistics import fmean

import numpy as np

from ttclab.estimators import pass_at_k
from ttclab.exercises.exercise import PROBABILITY, TOLERANCE, WHOLE, Attempt, Cases, Check, Exercise, Wrong, agreeing


def _cases(rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Every (n, c, k) for n up to 5 and for one larger n."""
    for n in (1, 2, 3, 4, 5, int(rng.integers(6, 9))):
        for c in range(n + 1):
            for k in range(1, n + 1):
                yield n, c, k


def _edge(n: int, c: int, k: int) -> str | None:
    """Why the value is plain to see, where it is."""
    if c == 0:
        return "no sample is right"
    if c == n:
        return "every sample is right"
    if k > n - c:
        return f"with n - c = {n - c} wrong, {k} samples always hold a right one"
    if k == 1:
        return f"one sample is drawn, and {c} of {n} are right"
    return None


def _count(n: int, c: int, k: int) -> tuple[int, int]:
    """How many of the ways to take k of n samples hold one of the first c, and how many ways there are."""
    ways = list(combinations(range(n), k))
    return sum(way[0] < c for way in ways), len(ways)


def _edges(attempt: Attempt, rng: np.random.Generator) -> None:
    for n, c, k in _cases(rng):
        if why := _edge(n, c, k):
            holding, ways = _count(n, c, k)
            attempt.expect(holding / ways, why, n, c, k)


def _by_hand(attempt: Attempt, rng: np.random.Generator) -> None:
    for n, c, k in _cases(rng):
        if not _edge(n, c, k):
            holding, ways = _count(n, c, k)
            why = f"of the {ways} ways to take {k} of the {n} samples, {holding} hold a right one"
            attempt.expect(holding / ways, why, n, c, k)


def _unbiased(attempt: Attempt, rng: np.random.Generator) -> None:
    for _ in range(3):
        n, k, p = int(rng.integers(8, 13)), int(rng.integers(3, 6)), float(rng.integers(2, 7)) / 10
        chances = [comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
        mean = sum(chance * attempt.number(n, c, k) for c, chance in enumerate(chances))
        truth = 1 - (1 - p) ** k
        if abs(mean - truth) > TOLERANCE:
            side = "low" if mean < truth else "high"
            raise Wrong(
                f"a model that is right with probability {p:g} solves the problem within {k} samples with probability "
                f"{truth:.4g}. Your estimate from {n} samples, averaged over every c that can come, is {mean:.4g}: "
                f"too {side} by {abs(mean - truth):.2g}, however many problems you average over."
            )


def _large(attempt: Attempt, rng: np.random.Generator) -> None:
    few, some, many = (int(rng.integers(*ends)) for ends in ((2, 6), (10, 40), (300, 700)))
    for c, k in ((few, many), (some, 100), (many, few), (many, many), (1, many), (999, few)):
        try:
            attempt.agree("the exact value", 1000, c, k)
        except Wrong as wrong:
            raise Wrong(f"{wrong} {_overflow(attempt, rng)}") from None


def _overflow(attempt: Attempt, rng: np.random.Generator) -> str:
    try:
        _by_hand(attempt, rng)
    except Wrong:
        return "Get the small cases right first."
    return (
        "The small cases are right, so a number on the way overflows: the ways to choose 500 of 1000 have 300 digits. "
        "A 64-bit integer wraps round in silence, a float turns into inf at 309 digits."
    )


def _vote_chance(shares: Sequence[float], k: int) -> float:
    return sum(_vote_chances(shares, k))


def _vote_chances(shares: Sequence[float], k: int) -> tuple[float, float]:
    """The chance that the right answer, the first, is alone in front, and that it wins a tie for the front by lot."""
    ahead = tied = 0.0
    for drawn in product(range(len(shares)), repeat=k):
        votes = [drawn.count(answer) for answer in range(len(shares))]
        if votes[0] == max(votes):
            chance, level = prod(shares[answer] for answer in drawn), votes.count(votes[0])
            if level == 1:
                ahead += chance
            else:
                tied += chance / level
    return ahead, tied


def _drawn_votes(shares: list[float], k: int) -> tuple[str, list[float], int]:
    ahead, tied = _vote_chances(shares, k)
    why = f"the right answer is alone in front with a chance of {ahead:.4g}, and wins ties by lot with {tied:.4g}"
    return why, shares, k


def _parts(rng: np.random.Generator, right: int, wrong: int) -> list[float]:
    """Shares in twentieths: so many for the right answer, the others dealt out unevenly over so many wrong ones."""
    cuts = np.sort(rng.choice(np.arange(1, 20 - right), size=wrong - 1, replace=False))
    return [right / 20, *(np.diff([0, *cuts, 20 - right]) / 20).round(2).tolist()]


def _sure_votes(rng: np.random.Generator) -> Cases:
    for wrong in (1, 2, 3):
        shares = _parts(rng, int(rng.integers(5, 15)), wrong)
        yield "a vote of one sample is right when the sample is", shares, 1
    yield "every sample is right", [1.0], int(rng.integers(2, 6))
    yield "no sample is right", [0.0, 0.75, 0.25], int(rng.integers(2, 6))


def _two_answers(rng: np.random.Generator) -> Cases:
    for k in (3, 5, 2, 4):
        yield _drawn_votes(_parts(rng, int(rng.integers(11, 18)), 1), k)
        yield _drawn_votes(_parts(rng, int(rng.integers(3, 10)), 1), k)


def _more_answers(rng: np.random.Generator) -> Cases:
    for wrong, k in ((2, 3), (2, 5), (3, 4), (3, 5), (2, 6)):
        yield _drawn_votes(_parts(rng, int(rng.integers(4, 12)), wrong), k)
    for k in (2, 3, 4):  # two, three and four answers that tie
        yield _drawn_votes(_parts(rng, int(rng.integers(4, 12)), 3), k)


def _decided_after(answers: Sequence[str | None]) -> int:
    if not answers:
        raise ValueError("a vote needs at least one sample")
    return next((t for t in range(1, len(answers)) if _lead(answers, t) > len(answers) - t), len(answers))


def _lead(answers: Sequence[str | None], t: int) -> int:
    """How far the leader of the first t votes is ahead of the next answer, or of one that nobody has given yet."""
    first, second, *_ = *sorted(Counter(a for a in answers[:t] if a is not None).values(), reverse=True), 0, 0
    return first - second


def _stopped(answers: Sequence[str | None]) -> tuple[str, Sequence[str | None]]:
    t, n = _decided_after(answers), len(answers)

    def state(t: int) -> str:
        return f"after {t} of {n} the lead is {_lead(answers, t)} and {n - t} can come"

    return "; ".join(state(each) for each in (t - 1, t) if each), answers


def _names(rng: np.random.Generator, size: int) -> list[str]:
    return rng.choice(np.arange(10, 100), size=size, replace=False).astype(str).tolist()


def _dealt(rng: np.random.Generator, *counts: int, silent: int = 0) -> list[str | None]:
    """Answers with so many votes each, in any order."""
    votes = [name for name, count in zip(_names(rng, len(counts)), counts) for _ in range(count)]
    return [[*votes, *[None] * silent][i] for i in rng.permutation(len(votes) + silent)]


def _one_answer(rng: np.random.Generator) -> Cases:
    for n in (1, 2, 3, 4, int(rng.integers(5, 12))):
        yield _stopped(_dealt(rng, n))


def _rivals(rng: np.random.Generator) -> Cases:
    a, b, c, d = _names(rng, 4)
    yield _stopped([a, a, b, c, a, d, b])  # decided without more than half of all
    yield _stopped([a, b, b, a, b])
    yield _stopped([a, a, a, b, b, b, b])  # the leader of most of the way loses
    for _ in range(6):
        yield _stopped(_dealt(rng, *rng.integers(1, 7, size=int(rng.integers(2, 5))).tolist()))


def _silent_samples(rng: np.random.Generator) -> Cases:
    a, b, _, _ = _names(rng, 4)
    yield _stopped([None, a, None, a, b, None])
    yield _stopped([None, None, None, a, a])
    yield _stopped([a, None, a, None, None])  # decided by two votes of five samples
    yield _stopped([None] * int(rng.integers(2, 5)))
    for _ in range(5):
        yield _stopped(_dealt(rng, *rng.integers(1, 5, size=3).tolist(), silent=int(rng.integers(1, 5))))


def _open_to_the_end(rng: np.random.Generator) -> Cases:
    a, b, _, _ = _names(rng, 4)
    even = int(rng.integers(1, 4))
    yield _stopped([a, a, b, b])
    yield _stopped([a, b] * even)
    yield _stopped([a, b] * even + [b])
    yield _stopped([a] * even + [b] * even)
    yield "a vote needs at least one sample", []


def _mean_coverage(rates: Sequence[float], N: int) -> float:
    return fmean(1 - (1 - p) ** N for p in rates)


def _smallest_n(rates: Sequence[float], target: float) -> int | None:
    reachable = fmean(p > 0 for p in rates)
    if target > reachable or (target == reachable and any(0 < p < 1 for p in rates)):
        return None
    N = 1
    while _mean_coverage(rates, N) < target:
        N += 1
    return N


def _reached(rates: list[float], target: float) -> tuple[str, list[float], float]:
    N = _smallest_n(rates, target)
    if N is None:
        return f"only {sum(p > 0 for p in rates)} of {len(rates)} problems can be solved at all", rates, target
    before = f", and N = {N - 1} gives {_mean_coverage(rates, N - 1):.4g}" if N > 1 else ""
    return f"N = {N} gives a mean coverage of {_mean_coverage(rates, N):.4g}{before}", rates, target


def _one_problem(rng: np.random.Generator) -> Cases:
    for _ in range(6):
        p, N = int(rng.integers(2, 9)) / 20, int(rng.integers(2, 10))
        yield _reached([p], round(_mean_coverage([p], N) - 0.004, 3))  # less than the N-th sample adds
    for N in (1, 2, 3):
        yield f"N = {N} at a rate of 0.5 gives a coverage of exactly {1 - 0.5**N:g}", [0.5], 1 - 0.5**N
    yield _reached([int(rng.integers(5, 9)) / 10], 0.3)


def _many_problems(rng: np.random.Generator) -> Cases:
    for _ in range(6):
        easy, hard = int(rng.integers(6, 10)) / 10, int(rng.integers(1, 5)) / 50
        rates = [easy, easy, int(rng.integers(2, 6)) / 10, hard]
        yield _reached(rates, int(rng.integers(85, 98)) / 100)
    yield _reached([int(rng.integers(5, 10)) / 10, 0.02], 0.8)


def _never(rng: np.random.Generator) -> Cases:
    p = int(rng.integers(2, 7)) / 10
    yield _reached([p, p, 0.0, 0.0], 0.7)
    yield _reached([0.0], 0.1)
    yield "no number of samples makes a coverage of 1 certain, unless every one is right", [p, 1.0], 1.0
    yield "a single sample is always right", [1.0, 1.0], 1.0
    yield _reached([p, 0.0], 0.45)
    yield _reached([p, p, p, 0.0], 0.8)
    yield "a rate below one half makes no coverage of 1 certain either", [0.3, 1.0], 1.0
    yield "a single sample solves the one problem that can be solved", [1.0, 0.0], 0.5
    yield "N is at least 1, however low the target", [p], 0.0


EXERCISES = (
    Exercise(
        id="2.1",
        title="pass@k without bias",
        points=10,
        goal=(
            "From n samples of which c are right, estimate the probability that k samples hold at least one right "
            "one: without bias, to 9 decimals, for every 0 <= c <= n and 1 <= k <= n, up to n = 1000."
        ),
        hint=(
            "Count the ways to take k of the n samples without putting any back. In what share are all k wrong? For "
            "large n, divide as you go, or keep to Python's own whole numbers, which never overflow."
        ),
        returns=PROBABILITY,
        example=(4, 2, 2),
        checks=(
            Check("edges", _edges),
            Check("small cases, counted by hand", _by_hand),
            Check("no bias", _unbiased),
            Check("n = 1000", _large),
        ),
        reference=pass_at_k,
        withheld=("ttclab.estimators.best_of_n",),
        payoff="sampling.coverage",
    ),
    Exercise(
        id="2.2",
        title="the chance that a vote is right",
        points=20,
        goal=(
            "shares[0] is the chance that a sample gives the right answer, and the others are the chances of the wrong "
            "answers, one each; together they are 1. Return the chance that a vote of k samples is right. The most "
            "common answer is elected; of answers that are tied, one is drawn at random, each with the same chance."
        ),
        hint=(
            "itertools.product(range(len(shares)), repeat=k) goes through all ways that k samples can come out. The "
            "chance of one of them is the product of its shares. If the right answer is in front together with others, "
            "only its part of that chance counts."
        ),
        returns=PROBABILITY,
        example=([0.5, 0.25, 0.25], 3),
        checks=(
            agreeing("plain to see", _sure_votes),
            agreeing("one wrong answer", _two_answers),
            agreeing("several wrong answers", _more_answers),
        ),
        reference=_vote_chance,
        payoff="sampling.three_votes",
    ),
    Exercise(
        id="2.3",
        title="when a vote is decided",
        points=10,
        goal=(
            "answers are all samples of a vote in the order they are drawn, None for one without an answer, which has "
            "no vote. After how many of them is the vote decided: the leader stays alone in front, whatever the "
            "samples to come say? If it is decided only by the last one, return the number of all. No samples raise "
            "ValueError."
        ),
        hint=(
            "After t of n samples n - t are to come, and all of them may go to one answer: the second so far, or one "
            "that nobody has given yet, which has 0 votes. Compare the lead with n - t."
        ),
        returns=WHOLE,
        example=(["12", "12", "7"],),
        checks=(
            agreeing("one answer", _one_answer),
            agreeing("several answers", _rivals),
            agreeing("samples without an answer", _silent_samples),
            agreeing("open to the end", _open_to_the_end),
        ),
        reference=_decided_after,
        payoff="sampling.decided_votes",
    ),
    Exercise(
        id="2.4",
        title="how many samples for a target",
        points=20,
        goal=(
            "Find the smallest N >= 1 whose coverage, averaged over problems with the given rates, is at least the "
            "target; None if no N reaches it."
        ),
        hint=(
            "Raise N until the average coverage is there. Before you start, make sure it ever is: a problem with rate "
            "0 is never solved, and one with a rate between 0 and 1 never for certain."
        ),
        returns=WHOLE,
        example=([0.5], 0.7),
        checks=(
            agreeing("one problem", _one_problem),
            agreeing("problems that differ", _many_problems),
            agreeing("out of reach", _never),
        ),
        reference=_smallest_n,
        payoff="sampling.samples_for_a_target",
    ),
)
