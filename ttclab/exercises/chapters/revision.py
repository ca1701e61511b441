"""The exercises of chapter 04."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ttclab.exercises.exercise import PROBABILITY, TEXT, WHOLE, Cases, Exercise, agreeing, is_clear, lists


def _revise_and_keep_best(first: int, revisions: Sequence[int], scores: Sequence[float], T: int) -> int:
    chain = _chain(first, revisions, T)
    return max(chain, key=lambda attempt: scores[attempt])  # of equal ones, max takes the first


def _chain(first: int, revisions: Sequence[int], T: int) -> list[int]:
    chain = [first]
    for _ in range(T):
        chain.append(revisions[chain[-1]])
    return chain


def _followed(first: int, revisions: list[int], scores: list[float], T: int) -> tuple[Any, ...]:
    chain = _chain(first, revisions, T)
    why = f"the chain is {chain} with scores {[scores[attempt] for attempt in chain]}"
    if [scores[attempt] for attempt in set(chain)].count(max(scores[attempt] for attempt in chain)) > 1:
        why += ", and of equal scores the earliest is kept"
    return why, first, revisions, scores, T


def _random_walk(rng: np.random.Generator, size: int) -> tuple[int, list[int]]:
    """A first attempt, and revisions that lead from it through all others and back."""
    order = rng.permutation(size).tolist()
    revisions = [0] * size
    for here, there in zip(order, order[1:] + order[:1]):
        revisions[here] = there
    return order[0], revisions


def _placed(first: int, revisions: list[int], along: Sequence[float]) -> list[float]:
    """Scores for each attempt from the scores along the chain."""
    scores = [0.0] * len(revisions)
    for attempt, score in zip(_chain(first, revisions, len(along) - 1), along):
        scores[attempt] = score
    return scores


def _no_revision(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        first, revisions = _random_walk(rng, 4)
        scores = _placed(first, revisions, [0.25, 0.5, 0.75, 1.0])
        yield "no revision is made, so there is only the first", first, revisions, scores, 0


def _ups_and_downs(rng: np.random.Generator) -> Cases:
    for along, T in (
        ([0.875, 0.5, 0.25, 0.125, 0.75], 3),  # the first is the best
        ([0.25, 0.5, 0.75, 0.875, 1.0], 3),  # the last is the best, and a better one would come next
        ([0.5, 0.75, 0.625, 0.25, 1.0], 3),  # the best is in the middle
        ([0.5, 0.25, 0.125, 0.875, 0.75], 4),  # worse before it is better: stopping or going back misses it
    ):
        for _ in range(2):
            first, revisions = _random_walk(rng, 5)
            yield _followed(first, revisions, _placed(first, revisions, along), T)
    for _ in range(8):
        size = int(rng.integers(3, 9))
        first, revisions = _random_walk(rng, size)
        scores = (rng.permutation(size) / 8).tolist()
        yield _followed(first, revisions, scores, int(rng.integers(1, size)))


def _equal_attempts(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        first, revisions = _random_walk(rng, 5)
        yield _followed(first, revisions, _placed(first, revisions, [0.25, 0.75, 0.5, 0.75, 0.75]), 4)
        yield _followed(first, revisions, [0.5] * 5, 4)


def _going_round(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        size = int(rng.integers(2, 5))
        first, revisions = _random_walk(rng, size)
        yield _followed(first, revisions, (rng.permutation(size) / 8).tolist(), size + int(rng.integers(1, 4)))
    yield _followed(2, [1, 1, 0], [0.25, 0.75, 0.5], 3)  # the revision gives the attempt back
    yield _followed(0, [1, 0], [0.75, 0.25], 3)


def _contexts(attempts: Sequence[str], limit: int) -> list[list[str]]:
    if limit < 0:
        raise ValueError(f"a revision reads 0 attempts or more, not {limit}")
    return [list(attempts[max(0, t - limit) : t]) for t in range(1, len(attempts))]


def _attempts(rng: np.random.Generator, size: int) -> list[str]:
    return [f"={n}" for n in rng.integers(10, 1000, size=size)]


def _read(attempts: list[str], limit: int) -> tuple[Any, ...]:
    last = len(attempts) - 1
    why = f"each revision reads the {limit} attempts before it, or as many as there are, oldest first; the last reads "
    return f"{why}{attempts[max(0, last - limit) : last]}", attempts, limit


def _short_chains(rng: np.random.Generator) -> Cases:
    yield "a chain of one attempt has no revision", _attempts(rng, 1), 4
    for size in (2, 3, 4, 5):
        yield _read(_attempts(rng, size), 4)


def _long_chains(rng: np.random.Generator) -> Cases:
    for limit in (4, 4, 1, 2, 3):
        yield _read(_attempts(rng, limit + int(rng.integers(2, 4))), limit)
    one, other = _attempts(rng, 2)
    yield _read([one, other, other, one, other, other], 3)  # a revision may give an attempt back


def _odd_limits(rng: np.random.Generator) -> Cases:
    for size in (2, int(rng.integers(4, 7))):
        yield "with a limit of 0 no revision reads any attempt", _attempts(rng, size), 0
    for limit in (-1, -int(rng.integers(2, 4))):
        yield "a limit is 0 or more", _attempts(rng, 3), limit


def _flipped_share(chains: Sequence[Sequence[bool]]) -> float:
    after_right = [then for chain in chains for now, then in pairwise(chain) if now]
    if not after_right:
        raise ValueError("no right attempt was revised")
    return after_right.count(False) / len(after_right)


def _turned(chains: list[list[bool]]) -> tuple[Any, ...]:
    after_right = [then for chain in chains for now, then in pairwise(chain) if now]
    why = f"{len(after_right)} right attempts were revised, and {after_right.count(False)} of the revisions are wrong"
    return why, chains


def _single_revisions(rng: np.random.Generator) -> Cases:
    yield "the right attempt was turned wrong", [[True, False]]
    yield "the right attempt stayed right", [[True, True]]
    for _ in range(5):
        chains = [[True, False], [True, True], [True, True]] + [
            [False, then] for then in (rng.random(int(rng.integers(2, 5))) < 0.6).tolist()
        ]
        yield _turned([chains[i] for i in rng.permutation(len(chains))])


def _long_flips(rng: np.random.Generator) -> Cases:
    yield _turned([[True, False, True]])
    yield _turned([[True, True, True, False]])
    for _ in range(7):
        # Chains of different lengths: a mean of the chains' own shares is another number.
        short = [[True, False], [False, True]]
        long = [[True, True, True, False] + (rng.random(int(rng.integers(1, 4))) < 0.5).tolist()]
        yield _turned(short + long + [[False, False, True]])


def _nothing_to_turn(rng: np.random.Generator) -> Cases:
    yield "no attempt before a revision is right", [[False, True], [False] * int(rng.integers(1, 4))]
    yield "no attempt is revised", [[True], [False]]
    yield "there is no chain", []
    yield _turned([[True], [True, True], [False, True], [True, True, False]])


def _choose_answer(answers: Sequence[Sequence[str]], scores: Sequence[Sequence[float]]) -> str:
    sums = _sums(_nominees(answers, scores))
    return min(sums, key=lambda answer: (-sums[answer], len(answer), answer))


def _nominees(answers: Sequence[Sequence[str]], scores: Sequence[Sequence[float]]) -> list[tuple[str, float]]:
    """Each chain's answer and its score; of equal scores, max takes the first."""
    return [max(zip(said, given), key=lambda attempt: attempt[1]) for said, given in zip(answers, scores)]


def _sums(nominees: Sequence[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for answer, score in nominees:
        sums[answer] = sums.get(answer, 0.0) + score
    return sums


def _nominated(answers: list[list[str]], scores: list[list[float]]) -> tuple[Any, ...]:
    sums = _sums(_nominees(answers, scores))
    each = ", ".join(f"{answer!r} with {score:g}" for answer, score in _nominees(answers, scores))
    why = f"the chains give {each}, and the sums are " + ", ".join(f"{a!r}: {s:g}" for a, s in sums.items())
    if not is_clear([*sums.values()]):
        why += "; of equal sums the shorter answer wins, then the first in the order of texts"
    return why, answers, scores


def _three(rng: np.random.Generator) -> list[str]:
    return rng.choice(np.arange(10, 100), size=3, replace=False).astype(str).tolist()


def _one_chain(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        a, b, c = _three(rng)
        yield _nominated([[a, b, c]], [[0.25, 0.875, 0.5]])
        yield _nominated([[a, b, b]], [[0.75, 0.5, 0.5]])


def _across(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        a, b, c = _three(rng)
        # a has the single best score, b wins the vote of the chains, c has the most weight over all attempts.
        yield _nominated([[c, a, c], [c, c, b], [b, c, c]], [[0.5, 1.0, 0.5], [0.5, 0.5, 0.625], [0.75, 0.625, 0.625]])
        # b has more chains, a more weight.
        yield _nominated([[b, c], [c, b], [a, a]], [[0.25, 0.125], [0.125, 0.25], [0.875, 0.75]])
        # One good attempt against many poor ones.
        yield _nominated([[a], [b, c, c, b]], [[0.75], [0.5, 0.25, 0.25, 0.375]])
        # The score that counts is the best attempt's own, not its neighbour's.
        yield _nominated([[a], [b, c]], [[0.75], [0.25, 1.0]])
        yield _nominated([[a], [c, b]], [[0.75], [1.0, 0.25]])
    for _ in range(6):
        lengths = rng.integers(1, 5, size=int(rng.integers(2, 5))).tolist()
        names, sums = _three(rng), [0.0, 0.0]
        while not is_clear(sums):
            answers = [rng.choice(names, size=length).tolist() for length in lengths]
            scores = [(rng.choice(64, size=length, replace=False) / 64).tolist() for length in lengths]
            sums = [*_sums(_nominees(answers, scores)).values()]
        yield _nominated(answers, scores)


def _tied_chains(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        a, b, _ = _three(rng)
        why = "both attempts of the chain score the same, and the earlier is taken"
        yield why, [[a, b]], [[0.5, 0.5]]
        yield why, [[b, a]], [[0.5, 0.5]]
        for one, other in ((a, b), (b, a), (a, a + "0"), (b + "0", b), (a, f"1{b}"), (f"1{a}", b)):
            yield _nominated([[one], [other]], [[0.5], [0.5]])


EXERCISES = (
    Exercise(
        id="4.1",
        title="a revision loop that keeps the best",
        points=10,
        goal=(
            "Follow a chain of T revisions and return the attempt that the verifier scores highest, the first one "
            "included. Attempts are numbers: revising attempt i gives revisions[i], and its score is scores[i]. Each "
            "revision is made of the newest attempt. Of equal scores the earliest in the chain is kept."
        ),
        hint=(
            "Keep two things apart: the newest attempt, which is revised next, and the best one seen so far, which is "
            "returned. A score must be higher, not as high, to replace the best."
        ),
        returns=WHOLE,
        example=(0, [1, 2, 0], [0.25, 0.75, 0.5], 2),
        checks=(
            agreeing("no revision", _no_revision),
            agreeing("chains that rise and fall", _ups_and_downs),
            agreeing("equal scores", _equal_attempts),
            agreeing("chains that come back", _going_round),
        ),
        reference=_revise_and_keep_best,
        withheld=("ttclab.sampling.Result.best",),
        payoff="revision.kept",
    ),
    Exercise(
        id="4.2",
        title="what a revision reads",
        points=10,
        goal=(
            "A chain is a first attempt and its revisions. Return, for each revision in turn, the list of the "
            "attempts it reads: the `limit` newest before it, oldest first (the paper's limit is 4). A limit of 0 is "
            "allowed, one below 0 raises ValueError."
        ),
        hint=(
            "Revision t reads attempts[t - limit : t], but the start of a slice must not fall below 0: there Python "
            "counts from the end. And attempts[-0:] is the whole list."
        ),
        returns=lists("a list of lists of strings", lists("a list of strings", TEXT)),
        example=(["=12", "=21"], 4),
        checks=(
            agreeing("chains within the limit", _short_chains),
            agreeing("longer chains", _long_chains),
            agreeing("limits of 0 and less", _odd_limits),
        ),
        reference=_contexts,
    ),
    Exercise(
        id="4.3",
        title="right answers turned wrong",
        points=10,
        goal=(
            "Each chain says of each of its attempts whether it is right. Of all right attempts that were revised, in "
            "all chains together, return the share whose revision is wrong. If no right attempt was revised, raise "
            "ValueError."
        ),
        hint=(
            "Look at neighbours: zip(chain, chain[1:]) gives each attempt with its revision. Only pairs that begin "
            "right count, and the last attempt of a chain was not revised."
        ),
        returns=PROBABILITY,
        example=([[True, False]],),
        checks=(
            agreeing("one revision each", _single_revisions),
            agreeing("longer chains", _long_flips),
            agreeing("attempts that were not revised", _nothing_to_turn),
        ),
        reference=_flipped_share,
        payoff="revision.turned",
    ),
    Exercise(
        id="4.4",
        title="choosing within a chain, then across chains",
        points=20,
        goal=(
            "Each chain gives the answer of its best-scoring attempt (of equal scores, the earliest), with that "
            "score. Sum these scores over the chains that give the same answer, and return the answer with the "
            "highest sum; of equal sums the shorter answer, then the first in the order of texts."
        ),
        hint=(
            "Two steps. First reduce each chain to one pair of answer and score; then hold the weighted vote of "
            "exercise 3.2 over those pairs. The other attempts have no say in the second step."
        ),
        returns=TEXT,
        example=([["12", "7"], ["7"]], [[0.5, 0.25], [0.125]]),
        checks=(
            agreeing("one chain", _one_chain),
            agreeing("several chains", _across),
            agreeing("equal scores and sums", _tied_chains),
        ),
        reference=_choose_answer,
        withheld=("ttclab.sampling.weighted_vote",),
        payoff="revision.splits",
    ),
)
