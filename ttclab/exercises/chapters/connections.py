"""The exercises of chapter 08."""

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from statistics import fmean, stdev
from typing import Any

import numpy as np

from ttclab.exercises.exercise import PROBABILITY, TEXT, WHOLE, Cases, Exercise, agreeing, lists

_WRITTEN = re.compile(r"(-?)\$?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+)|/([0-9]+))?")


def _vote(answers: Sequence[str]) -> str:
    votes = Counter(answer for answer in answers if answer)
    return min(votes, key=lambda answer: (-votes[answer], len(answer), answer), default="")


def _found_share(samples: Sequence[Sequence[str]], truths: Sequence[str]) -> float:
    covered = [(answers, truth) for answers, truth in zip(samples, truths) if truth in answers]
    if not covered:
        raise ValueError("no problem has a right answer among its samples")
    return fmean(_vote(answers) == truth for answers, truth in covered)


def _found(samples: list[list[str]], truths: list[str]) -> tuple[Any, ...]:
    covered = [i for i, (answers, truth) in enumerate(zip(samples, truths)) if truth in answers]
    votes = ", ".join(f"{_vote(samples[i])!r} where {truths[i]!r} is right" for i in covered)
    return (
        f"problems {covered} have a right answer among their samples, and the votes there are {votes}",
        samples,
        truths,
    )


def _three(rng: np.random.Generator) -> list[str]:
    return rng.choice(np.arange(10, 100), size=3, replace=False).astype(str).tolist()


def _all_covered(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        a, b, c = _three(rng)
        yield _found([[a, b, a], [c, b, b]], [a, c])
        yield _found([[a, a, b], [b, c, b], [c, a, a], [c, c, b]], [b, b, a, c])


def _some_not_covered(rng: np.random.Generator) -> Cases:
    for _ in range(6):
        a, b, c = _three(rng)
        yield _found([[a, b, a], [b, b, c], [c, a, a]], [a, a, c])
        yield _found([[b, b, b], [a, c, c], [a, a, b]], [a, a, a])


def _unanswered(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        a, b, c = _three(rng)
        yield _found([["", "", "", a], [b, "", "", ""], [c, c, "", ""]], [a, c, c])
        yield _found([["", "", b, b, a], ["", c, "", ""]], [a, c])


def _equal_votes(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        a, b, _ = _three(rng)
        for one, other in ((a, b), (b, a), (a, "1" + b), ("1" + b, a), ("9", "1" + a)):
            yield _found([[one, other]], [one])
            yield _found([[other, one], [a, a]], [one, a])
    yield "no problem is covered, so there is nothing to take a share of", [["12", "13"]], ["14"]
    yield "no problem is covered: nobody answered", [["", ""]], ["14"]


def _value(answer: str) -> list[int]:
    match = _WRITTEN.fullmatch(answer)
    if not match or (match[4] and not int(match[4])):
        raise ValueError(f"{answer!r} is no number")
    sign, whole, decimals, under = match.groups()
    number = Fraction(whole.replace(",", "") + (f".{decimals}" if decimals else "")) / int(under or 1)
    return list((-number if sign else number).as_integer_ratio())


def _as_ratio(answer: str, why: str) -> tuple[Any, ...]:
    over, under = _value(answer)
    return f"{answer!r} is {over}/{under} in lowest terms{why}", answer


def _whole_numbers(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        n = int(rng.integers(1001, 999_999))
        yield _as_ratio(f"{n}", "")
        yield _as_ratio(f"{n:,}", ": commas that part thousands mean nothing")
        yield _as_ratio(f"{n * 1000:,}", ": commas that part thousands mean nothing")
        yield _as_ratio(f"-{n}", "")
        yield _as_ratio(f"00{n}", ": leading zeros mean nothing")


def _decimals_and_fractions(rng: np.random.Generator) -> Cases:
    for _ in range(5):
        a, b = int(rng.integers(2, 60)), int(rng.integers(2, 60))
        yield _as_ratio(f"{a}/{b}", "")
        yield _as_ratio(f"-{2 * a}/{2 * b}", "")
        yield _as_ratio(f"{a}.{int(rng.integers(1, 10))}0", ": a zero at the end of decimals means nothing")
        yield _as_ratio(f"-0.{b:02d}", "")
    yield _as_ratio("0.1", ", and a float is not quite that")
    yield _as_ratio("0.3333333333", ": that is not a third")


def _with_dollars(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        n = int(rng.integers(1001, 9999))
        yield _as_ratio(f"${n:,}", ": the sign of a currency means nothing")
        yield _as_ratio(f"-${n}.50", ": the sign of a currency means nothing")


def _no_numbers(rng: np.random.Generator) -> Cases:
    a, b = int(rng.integers(10, 99)), int(rng.integers(10, 99))
    for text, why in (
        (f"{a},{b}", "a comma parts groups of three digits"), (f"{a},{b}00,1", "a comma parts groups of three digits"),
        ("", "there is nothing"), (f"{a}/0", "nothing can be divided by 0"), (f"{a}+{b}", "a sum is not evaluated"),
        (f"{a}.", "a point needs decimals after it"), (f"{a} {b}", "a gap does not join digits"),
        (f"{a}-{b}", "a difference is not evaluated"), (f"about {a}", "words are no part of a number"),
        (f"{a}e2", "letters are no part of a number"), (f"{a}_{b}", "an underscore is no part of a number"),
        (f"--{a}", "one sign is enough"),
    ):  # fmt: skip
        yield f"{text!r} is no number: {why}", text


def _interval(differences: Sequence[float]) -> tuple[float, float]:
    middle, half = fmean(differences), 1.96 * stdev(differences) / sqrt(len(differences))
    return middle - half, middle + half


def _assess_claim(differences: Sequence[float]) -> str:
    if len(differences) < 2:
        raise ValueError(f"an interval needs 2 problems or more, not {len(differences)}")
    low, high = _interval(differences)
    return "holds" if low > 0 else "reversed" if high < 0 else "not seen"


def _evidence(differences: list[int]) -> tuple[Any, ...]:
    low, high = _interval(differences)
    middle = fmean(differences)
    why = f"{len(differences)} differences with the mean {middle:.3f} have the interval {low:.4g} to {high:.4g}"
    return why, differences


# The most problems of which a claim still holds, and how many of them the one strategy solves alone, and the other.
_CLOSE = ((10, 3, 0), (6, 5, 1), (37, 6, 1), (42, 8, 2), (16, 11, 4))


def _spread(rng: np.random.Generator, n: int, up: int, down: int) -> list[int]:
    """Differences of n problems: so many solved by one alone, so many by the other."""
    differences = [1] * up + [-1] * down + [0] * (n - up - down)
    rng.shuffle(differences)
    return differences


def _clear_claims(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        n = int(rng.integers(80, 200))
        up, down = int(rng.integers(25, 40)), int(rng.integers(2, 6))
        yield _evidence(_spread(rng, n, up, down))
        yield _evidence(_spread(rng, n, down, up))


def _unclear_claims(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        n = int(rng.integers(20, 200))
        yield _evidence(_spread(rng, n, 5, 4))  # a mean above zero
        yield _evidence(_spread(rng, n, 3, 6))  # a mean below it
    yield _evidence(_spread(rng, 50, 0, 0))


def _narrow_claims(rng: np.random.Generator) -> Cases:
    """Where 1.96, the square root and the n problems each decide."""
    for n in (60, 100, 400):
        edge = next(up for up in range(3, n) if _assess_claim(_spread(rng, n, up, 2)) == "holds")
        for up in (edge, edge - 1):
            yield _evidence(_spread(rng, n, up, 2))
            yield _evidence(_spread(rng, n, 2, up))
    # Where n instead of n - 1, one problem more or less, or 2 for 1.96 decides otherwise.
    for most, up, down in _CLOSE:
        for n in (most, most + 1):
            yield _evidence(_spread(rng, n, up, down))
            yield _evidence(_spread(rng, n, down, up))
    yield _evidence(_spread(rng, 9, 7, 2))  # which n instead of n - 1 takes to hold


def _too_few(rng: np.random.Generator) -> Cases:
    yield "one problem has no spread, and no interval", [1]
    yield "no problems, no interval", []
    for both in (1, -1):
        why, differences = _evidence([both, both])
        yield f"two are enough, and here they have no spread: {why}", differences
    yield _evidence([1, 0])
    yield _evidence([0, -1])
    yield _evidence([-1, -1, -1])


EXERCISES = (
    Exercise(
        id="8.1",
        title="what a vote finds of what is there",
        points=10,
        goal=(
            'samples[i] are the answers of all samples to problem i, "" for one that gave none; truths[i] is the right '
            "answer. Of the problems that have it among their samples, return the share where the vote is right: the "
            "commonest answer, of equally common ones the shorter, then the first in the order of texts. A sample "
            "without an answer has no vote. If no problem has it, raise ValueError."
        ),
        hint=(
            "First keep the problems whose right answer is among their samples, then vote on each. The share is of "
            "those alone."
        ),
        returns=PROBABILITY,
        example=([["12", "7", "12"]], ["12"]),
        checks=(
            agreeing("all problems are covered", _all_covered),
            agreeing("some are not", _some_not_covered),
            agreeing("samples without an answer", _unanswered),
            agreeing("equal votes, and nothing covered", _equal_votes),
        ),
        reference=_found_share,
        payoff="connections.found",
    ),
    Exercise(
        id="8.2",
        title="the value of a written number",
        points=20,
        goal=(
            "Return the value of an answer as [numerator, denominator] in lowest terms, the denominator above 0. A "
            "number is an optional -, an optional $, and digits, in which commas may part groups of three; "
            "then, if at all, a "
            "point and decimals, or / and a whole number above 0. For all else raise ValueError. Never evaluate it."
        ),
        hint=(
            "Match the whole text with one pattern (re.fullmatch), take the commas out, and let fractions.Fraction do "
            'the rest: it reads "0.50" exactly, and reduces.'
        ),
        returns=lists("a list of 2 whole numbers", WHOLE, 2),
        example=("1,234",),
        checks=(
            agreeing("whole numbers", _whole_numbers),
            agreeing("decimals and fractions", _decimals_and_fractions),
            agreeing("amounts of money", _with_dollars),
            agreeing("what is no number", _no_numbers),
        ),
        reference=_value,
    ),
    Exercise(
        id="8.3",
        title="claim or evidence",
        points=10,
        goal=(
            "Somebody claims that one strategy beats another. differences[i] is 1, 0 or -1: what the one solved of "
            "problem i minus what the other did. The interval is the mean, give or take 1.96 s / sqrt(n), s being the "
            'standard deviation with n - 1. Return "holds" if all of it is above 0, "reversed" if all of it is below, '
            'else "not seen". For fewer than 2 problems raise ValueError.'
        ),
        hint=(
            "statistics.stdev divides by n - 1, numpy's std by n unless you say ddof=1. The interval is of the mean: "
            "the spread is divided by the square root of the number of problems."
        ),
        returns=TEXT,
        example=([1, 0, 1],),
        checks=(
            agreeing("clear evidence", _clear_claims),
            agreeing("no evidence", _unclear_claims),
            agreeing("at the edge", _narrow_claims),
            agreeing("too few problems", _too_few),
        ),
        reference=_assess_claim,
        payoff="connections.verdicts",
    ),
)
