"""Adaptive strategies: how much to spend on a problem is decided by what its first solutions look like.

`compute_optimal_inference` estimates the difficulty first and asks a rule of `allocator`. `adaptive_search` needs no
estimate: it samples until the vote is clear.
"""

from collections.abc import Sequence
from statistics import fmean

from .allocator import Rule, lesson_policy
from .beam_search import beam_search
from .ledger import billed_as
from .policy import Policy
from .problems import Problem, Solution, answer_key
from .revision import hybrid_search
from .sampling import Result, strategy
from .verifiers import Verifier, score_groups


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
    """Estimate how hard a problem is, ask a policy how to spend the budget on it, and do so (the lesson's procedure).

    The difficulty is 1 - the mean score of `estimate` solutions, which are charged on top of the budget, their FLOPs as
    "difficulty". The answer is the verifier-weighted vote, or the best beam. reviser: the model and the verifier of
    allocations with revisions, if others than those that do the rest. Problems of a list that get the same allocation
    run together. Returns a Result, or a list of them. Raises ValueError as the policy does, and for estimate < 1.
    """
    if estimate < 1:
        raise ValueError(f"a difficulty is estimated from at least 1 solution, not {estimate}")
    policy(0.5, budget)  # a budget that it can't use is refused before anything is spent
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
    """Sample until the verifier-weighted vote is clear, N solutions at most (after Aggarwal et al. 2023).

    lead: how far the sum of scores of the first answer must be ahead of the second's; batch: solutions between two
    looks. Easy problems stop after one batch, hard ones use the whole budget, and nobody had to say which is which.
    Raises ValueError unless 1 <= batch <= N and lead > 0.
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
    """How far the first answer is ahead of the second in the sum of scores."""
    votes: dict[str, float] = {}
    for solution, score in zip(solutions, scores, strict=True):
        if (answer := answer_key(solution.answer)) is not None:
            votes[answer] = votes.get(answer, 0.0) + score
    first, second, *_ = [*sorted(votes.values(), reverse=True), 0.0, 0.0]
    return first - second
