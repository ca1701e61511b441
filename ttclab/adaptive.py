"""Adaptive strategies: how much to spend on a problem is decided by what its first solutions look like.

`compute_optimal_inference` estimates the difficulty first and asks a rule of `allocator`. `adaptive_search` needs no
estimate: it samples until the vote is clear.
"""

from collections.abc import Sequence
from statistics import fmean

from .allocator import Rule, lesson_policy
from .answers import answer_key
from .beam_search import beam_search
from .ledger import billed_as
from .policy import Policy
from .revision import hybrid_search
from .sampling import Result, strategy
from .tasks.problem import Problem, Solution
from .verifiers.scoring import Verifier, score_groups


@strategy
def compute_optimal_inference(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    budget: int,
    *,
    policy: Rule = lesson_policy,
    reviser: tuple[Policy, Verifier] | None = None,
    estimate: int = 1,
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Estimate the difficulty of a problem and spend the budget as an allocation rule says (the lesson's procedure).

    The answer is the verifier-weighted vote, or the best beam of a beam search. Problems of a list that get the same
    allocation run as one batch.

    Parameters
    ----------
    model : Policy
        Model that writes the solutions.
    verifier : Verifier
        Verifier that scores them.
    problem : Problem or list of Problem
        One problem, or several.
    budget : int
        Generations for each problem, without those of the difficulty estimate.
    policy : Rule
        Allocation rule: from a difficulty and a budget to an `Allocation`.
    reviser : (Policy, Verifier), optional
        Model and verifier for allocations with revisions, by default `model` and `verifier`.
    estimate : int
        Solutions from which the difficulty, 1 - their mean score, is estimated. They are charged on top of the budget,
        their FLOPs as "difficulty".
    temperature : float, optional
        Sampling temperature, by default the model's own.
    seed : int, optional
        Seed of the samples, by default 0.

    Returns
    -------
    Result, or list of Result for a list of problems

    Raises
    ------
    ValueError
        If estimate < 1, and as the allocation rule raises it.
    """
    if estimate < 1:
        raise ValueError(f"a difficulty is estimated from at least 1 solution, not {estimate}")
    policy(0.5, budget)  # refuse an impossible budget before anything is spent
    with billed_as("difficulty", of=("prefill", "decode", "verifier")):
        first = model.generate(problem, n=estimate, temperature=temperature, seed=seed)
        difficulty = [1 - fmean(scores) for scores in score_groups(verifier, first)]
    plans = {each.id: policy(hard, budget) for each, hard in zip(problem, difficulty, strict=True)}
    seed = (seed or 0) + 1  # other solutions than those of the estimate
    found: dict[str, Result] = {}
    for plan in sorted(set(plans.values())):
        asked = [each for each in problem if plans[each.id] == plan]
        if plan.M:
            results = beam_search(model, verifier, asked, plan.N, plan.M, temperature=temperature, seed=seed)
        else:
            who = reviser if reviser and plan.T else (model, verifier)
            results = hybrid_search(*who, asked, plan.N, plan.T, choose="weighted", temperature=temperature, seed=seed)
        found.update({each.id: result for each, result in zip(asked, results, strict=True)})
    return [found[each.id] for each in problem]


@strategy
def adaptive_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    N: int,
    *,
    lead: float = 1.5,
    batch: int = 4,
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Sample until the verifier-weighted vote is clear, at most N solutions (after Aggarwal et al. 2023).

    Easy problems stop after one batch and hard ones use the whole budget, without an estimate of difficulty.

    Parameters
    ----------
    model : Policy
        Model that writes the solutions.
    verifier : Verifier
        Verifier that scores them.
    problem : Problem or list of Problem
        One problem, or several that are run as one batch.
    N : int
        Budget: most solutions drawn for each problem.
    lead : float
        The vote is clear once the first answer's sum of scores is ahead of the second's by this much.
    batch : int
        Solutions drawn between two checks of the vote.
    temperature : float, optional
        Sampling temperature, by default the model's own.
    seed : int, optional
        Seed of the samples, by default 0.

    Returns
    -------
    Result, or list of Result for a list of problems

    Raises
    ------
    ValueError
        Unless 1 <= batch <= N and lead > 0.
    """
    if not 1 <= batch <= N or not lead > 0:
        raise ValueError(
            f"sampling until the vote is clear needs 1 <= batch <= N and lead > 0, not {batch}, {N} and {lead}"
        )
    found: dict[str, tuple[list[Solution], list[float]]] = {each.id: ([], []) for each in problem}
    unclear = list(problem)
    for drawn in range(0, N, batch):
        more = model.generate(unclear, n=min(batch, N - drawn), start=drawn, temperature=temperature, seed=seed)
        for each, solutions, scores in zip(unclear, more, score_groups(verifier, more), strict=True):
            found[each.id][0].extend(solutions)
            found[each.id][1].extend(scores)
        unclear = [each for each in unclear if _lead(*found[each.id]) < lead]
        if not unclear:
            break
    return [Result.chosen("weighted", *found[each.id]) for each in problem]


def _lead(solutions: Sequence[Solution], scores: Sequence[float]) -> float:
    """Lead of the first answer over the second in the sum of scores."""
    votes: dict[str, float] = {}
    for solution, score in zip(solutions, scores, strict=True):
        if (answer := answer_key(solution.answer)) is not None:
            votes[answer] = votes.get(answer, 0.0) + score
    first, second, *_ = [*sorted(votes.values(), reverse=True), 0.0, 0.0]
    return first - second
