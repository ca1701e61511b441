"""Rewriting chains: what each revision changes, and every split of a budget into parallel chains.

The small model rewrites whole attempts after reading earlier ones. A hybrid is charged for the tokens that the policy
reads and writes and for the verifier. The policy reads the context of an attempt once in each round of revisions. The
verifier reads each distinct attempt once, without the attempts before it.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from transformers import AutoConfig

from .. import bank
from ..allocator import Allocation, Arm
from ..ballots import elected, elected_of, numbered
from ..bank.shipped import SMALL, TWIN
from ..data import ZOO
from ..estimators import Estimate, bootstrap, bootstrap_share, majority
from ..flops import decode_flops, forward_flops
from ..tasks.problem import Solution
from ..verifiers.reward_model import reward_flops
from .arms import Arms
from .families import measured
from .sampling import last_scores, small_fifths

HYBRIDS = tuple((n // t, t - 1) for n in (1, 2, 4, 8, 16, 32, 64) for t in (1, 2, 4, 8, 16, 32, 64) if t <= n)
CUTS = 16  # random choices of chains over which a hybrid is averaged
FEEDBACK_CHAINS, FEEDBACK_ATTEMPTS = 4, 8  # recorded with every kind of feedback, from the same first attempts


@cache
def chains(split: str = "test", feedback: str | None = None) -> bank.Chains:
    """The recorded rewriting chains; `feedback` names the verifier that comments on each attempt."""
    return bank.load_chains(SMALL, split, feedback=feedback)


@cache
def control() -> bank.Samples:
    """Samples of the control, the small model's twin, which was never shown attempts."""
    return bank.load(TWIN, "test")


def _per_problem(correct: ArrayLike, flops: ArrayLike = np.nan) -> Arm:
    """Values of the test problems as an arm of one generation."""
    right = np.asarray(correct, dtype=float)
    return Arm(Allocation(1), right, np.broadcast_to(np.asarray(flops, dtype=float), right.shape), small_fifths())


# Attempt by attempt


def revised(run: bank.Chains, attempt: int = 1) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Correctness of the attempts before and after a revision, (problems, chains) each.

    Parameters
    ----------
    run : Chains
        Recorded chains.
    attempt : int
        Place of the revision in its chain, 1 for the first revision; shorter chains are left out.
    """
    pairs = run.first(None, attempt)
    return run.correct[:, pairs[:, -2]], run.correct[:, pairs[:, -1]]


@measured
def attempt(number: int, last: int | None = None) -> Arm:
    """Mean accuracy of attempt `number` (from 1), or of attempts `number` to `last`, over all chains that reach it.

    The FLOPs are those of the policy for one attempt.
    """
    columns = _between(number, last or number)
    return _per_problem(chains().correct[:, columns].mean(axis=1), chains().flops[:, columns].mean(axis=1))


def attempt_gain(number: int, last: int | None = None) -> Estimate:
    """`attempt` minus the first attempts of the same chains."""
    run = chains()
    reached = np.isin(run.chain_index[0], run.chain_index[0, _between(number, last or number)])
    starts = (run.place[0] == 0) & reached
    return bootstrap(attempt(number, last).correct - run.correct[:, starts].mean(axis=1))


def _between(first: int, last: int) -> NDArray[np.intp]:
    place = chains().place[0]
    return np.flatnonzero((place >= first - 1) & (place < last))


@measured
def before_revision() -> Arm:
    """First attempts of the chains that have a revision."""
    return _per_problem(revised(chains())[0].mean(axis=1))


@measured
def after_revision() -> Arm:
    """First revisions."""
    return _per_problem(revised(chains())[1].mean(axis=1))


@measured
def right_then_wrong() -> Arm:
    """Share of first attempts that are right and whose revision is wrong."""
    before, after = revised(chains())
    return _per_problem((before & ~after).mean(axis=1))


@measured
def one_of_control() -> Arm:
    """One sample of the control."""
    run = control()
    return _per_problem(run.correct.mean(axis=1), run.prefill_flops + run.decode_flops.mean(axis=1))


def turned_wrong(*fifth: int, fresh: bool = False) -> Estimate:
    """Share of right first attempts whose revision is wrong.

    With `fresh`, a sample of the control takes the place of the revision.
    """
    return _share_of(spoilt(fresh), before_revision().correct, fifth)


def turned_right(*fifth: int, fresh: bool = False) -> Estimate:
    """Share of wrong first attempts whose revision is right; `fresh` as in `turned_wrong`."""
    return _share_of(mended(fresh), 1 - before_revision().correct, fifth)


def spoilt(fresh: bool = False) -> Arm:
    """Share of first attempts that are right and whose revision, or a sample of the control, is wrong."""
    if not fresh:
        return right_then_wrong()
    before = before_revision()
    return replace(before, correct=before.correct * (1 - one_of_control().correct))


def mended(fresh: bool = False) -> Arm:
    """Share of first attempts that are wrong and whose revision, or a sample of the control, is right."""
    before = before_revision()
    after = (1 - before.correct) * one_of_control().correct
    if not fresh:
        after = after_revision().correct - before.correct + right_then_wrong().correct
    return replace(before, correct=after)


def _share_of(part: Arm, whole: NDArray[np.float64], fifth: tuple[int, ...]) -> Estimate:
    members = slice(None) if part.fifths is None or not fifth else np.isin(part.fifths, fifth)
    return bootstrap_share(part.correct[members], whole[members])


def same_wrong_answer(*, fresh: bool = False) -> Estimate:
    """Share of wrong first attempts whose revision gives the same answer; `fresh` as in `turned_wrong`."""
    run = chains()
    first, second = run.first(None, 1).T
    wrong = ~run.correct[:, first]
    again = np.asarray(run.answers[:, first] == run.answers[:, second], dtype=float)
    if fresh:
        rows = zip(control().answers, run.answers[:, first], strict=True)
        again = np.array([[(fresh_answers == answer).mean() for answer in answers] for fresh_answers, answers in rows])
    return bootstrap_share((wrong * again).sum(axis=1), wrong.sum(axis=1))


OUTCOMES = ("same", "right", "wrong")  # of a step: its result is written again, or a right one, or another wrong one


def step_outcome(attempt: Solution, rewrite: Solution, step: int) -> str:
    """What the next attempt makes of a step (from 0): one of `OUTCOMES`, or "" if an earlier step was already changed.

    A step counts up to the first wrong one: after it, the total that both should work with is no longer known.
    """
    old, new = attempt.steps, rewrite.steps
    if len(new) <= step or old[:step] != new[:step]:
        return ""
    return "same" if old[step] == new[step] else "right" if rewrite.problem.check_steps(new)[step] else "wrong"


@cache
def _outcomes() -> dict[bool, NDArray[np.float64]]:
    """Counts of the outcomes of right and of first wrong steps in first revisions, (problems, outcomes) each."""
    run = chains()
    counts = {right: np.zeros((len(run.problems), len(OUTCOMES))) for right in (True, False)}
    for i, problem in enumerate(run.problems):
        solutions = run.solutions(i)
        for first, second in run.first(None, 1):
            for step, right in enumerate(problem.check_steps(solutions[first].steps)):
                if became := step_outcome(solutions[first], solutions[second], step):
                    counts[right][i, OUTCOMES.index(became)] += 1
                if not right:
                    break
    return counts


def rewritten_step(became: str, *, right: bool) -> Estimate:
    """Share of right steps, or of first wrong steps, that the first revision leaves or changes, by `OUTCOMES`.

    Only steps before which the revision repeats the attempt are counted: both work with the same total there.
    """
    counts = _outcomes()[right]
    return bootstrap_share(counts[:, OUTCOMES.index(became)], counts.sum(axis=1))


# Feedback


@cache
def with_feedback(feedback: str | None = None) -> NDArray[np.bool_]:
    """Correctness of the attempts with a kind of feedback, (problems, chains, attempts)."""
    run = chains(feedback=feedback)
    return run.correct[:, run.first(FEEDBACK_CHAINS, FEEDBACK_ATTEMPTS - 1)]


def revisions_with(feedback: str | None = None) -> Arm:
    """Mean accuracy of all revisions with a kind of feedback."""
    return _per_problem(with_feedback(feedback)[:, :, 1:].mean(axis=(1, 2)))


def turned_wrong_with(feedback: str | None = None) -> Estimate:
    """Share of right attempts whose revision is wrong, with a kind of feedback."""
    right = with_feedback(feedback)
    before, after = right[:, :, :-1], right[:, :, 1:]
    return bootstrap_share((before & ~after).sum(axis=(1, 2)), before.sum(axis=(1, 2)))


# Chains against samples


def chain_flops(split: str, verifier: str, taken: NDArray[np.bool_] | NDArray[np.intp]) -> NDArray[np.float64]:
    """FLOPs that `hybrid_search` is charged for some of the recorded attempts, (problems,).

    Parameters
    ----------
    split, verifier : str
        Problem set, and the verifier that scores the attempts.
    taken : array
        Columns of the attempts, or a mask over all of them. Each chain must be taken from its first attempt on.
    """
    writing, readings = _chain_costs(split, verifier)
    total = writing[:, taken].sum(axis=1)
    for text, cost in readings:
        order = np.argsort(text[:, taken], axis=1)
        text, cost = (np.take_along_axis(x[:, taken], order, axis=1) for x in (text, cost))
        first = np.diff(text, axis=1, prepend=-1) > 0
        total += (first * cost).sum(axis=1)
    return np.asarray(total)


@cache
def _chain_costs(split: str, verifier: str) -> tuple[NDArray[np.int64], list[tuple[NDArray[np.int64], ...]]]:
    """FLOPs of writing each recorded attempt, and the id and FLOPs of each of the three texts read for it.

    The policy reads the context of the attempt, again in each round. The verifier reads the problem and the attempt.
    Texts with the same id are charged once.
    """
    run = chains(split)
    config = AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)
    write = cache(lambda tokens, after: decode_flops(run.config, tokens - 1, after))
    read = cache(lambda tokens: forward_flops(run.config, tokens, logits=1))
    score = cache(lambda tokens, after: reward_flops(config, tokens, after))
    writing = np.zeros(run.texts.shape, dtype=np.int64)
    texts, costs = np.zeros((2, 3, *run.texts.shape), dtype=np.int64)
    prompts = run.prompt_tokens
    for i in range(len(run.problems)):
        known: dict[object, int] = {}
        for j, solution in enumerate(run.solutions(i)):
            before, tokens = int(run.read_tokens[i, j]), int(run.tokens[i, j])
            writing[i, j] = write(tokens, before)
            read_texts = (run.place[i, j], solution.shown), "problem", (solution.text, tokens)
            costs[:, i, j] = read(before), score(prompts[i], 0), score(tokens, prompts[i])
            texts[:, i, j] = [known.setdefault(text, len(known)) for text in read_texts]
    return writing, list(zip(texts, costs, strict=True))


@measured
def hybrid_arms(split: str = "test", verifier: str = "prm", hybrids: tuple[tuple[int, int], ...] = HYBRIDS) -> Arms:
    """M chains of T revisions for each (M, T), averaged over random choices of recorded chains."""
    run = chains(split)
    scores, (names, wins) = last_scores(verifier, f"{SMALL}-{split}-chains"), numbered(run.answers, run.correct)
    rng = np.random.default_rng(0)
    arms = []
    for M, T in hybrids:
        long = run.first(None, T)
        right, cost = np.zeros(len(names)), np.zeros(len(names))
        for _ in range(CUTS):
            taken = np.sort(long[rng.choice(len(long), M, replace=False)], axis=None)
            right += elected_of(names[:, taken], wins, scores[:, taken])
            cost += chain_flops(split, verifier, taken)
        arms.append(Arm(Allocation(M, T), right / CUTS, cost / CUTS, small_fifths(split)))
    return Arms(arms)


def hybrid(M: int, T: int = 0, verifier: str = "prm") -> Arm:
    """M chains of T revisions, on the test problems."""
    return hybrid_arms(verifier=verifier).at(M, T)


def vote_of_attempts(n: int) -> Arm:
    """A majority vote of n parallel attempts."""
    run = chains()
    return _per_problem(majority(run.answers[:, run.at(0)], run.attempt(0), n))


def vote_of_chain(n: int) -> Arm:
    """A majority vote of the first n attempts of a chain."""
    run = chains()
    votes = [
        elected(run.answers[:, chain], np.ones(run.correct[:, chain].shape), run.correct[:, chain])
        for chain in run.first(None, n - 1)
    ]
    return _per_problem(np.mean(votes, axis=0))


def held_by_attempts(n: int) -> float:
    """Share of problems that at least one of n parallel attempts solves."""
    return _held(_parallel(n))


def held_by_chain(n: int) -> float:
    """Share of problems that at least one of the first n attempts of a chain solves."""
    return _held(chains().first(None, n - 1))


def answers_of_attempts(n: int) -> float:
    """Mean number of different answers among n parallel attempts."""
    return _answers(_parallel(n))


def answers_of_chain(n: int) -> float:
    """Mean number of different answers among the first n attempts of a chain."""
    return _answers(chains().first(None, n - 1))


def _parallel(n: int) -> NDArray[np.intp]:
    """First attempts in groups of n, (groups, n)."""
    return chains().at(0).reshape(-1, n)


def _held(groups: NDArray[np.intp]) -> float:
    return float(np.mean([chains().correct[:, group].any(axis=1) for group in groups]))


def _answers(groups: NDArray[np.intp]) -> float:
    return float(np.mean([[len(set(row)) for row in chains().answers[:, group]] for group in groups]))
