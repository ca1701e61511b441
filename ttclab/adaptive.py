"""Adaptive strategies, which decide by the first solutions of a problem how much to spend on it.

`compute_optimal_inference` estimates the difficulty and applies an allocation rule. `adaptive_search` needs no
estimate: it samples until a stopping rule finds the vote clear. `confident_search` stops inside a sample when the
model's confidence falls.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .allocator import Allocation, Rule, lesson_policy
from .answers import answer_key
from .beam_search import beam_search
from .confidence import WINDOW, lowest_group_confidence
from .ledger import billed_as
from .policy import Policy
from .revision import hybrid_search
from .sampling import Result, strategy
from .stopping import ClearLead, StoppingRule
from .tasks.problem import Problem, Solution
from .token_stats import token_stats_kept
from .verifiers.scoring import Verifier, critic_of, score_groups

DEFAULT_RULE = ClearLead()
ROUNDING = 1e-3  # nats; a text that is sampled again has the same confidence up to the order of additions


@strategy
def compute_optimal_inference(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    budget: int,
    *,
    policy: Rule = lesson_policy,
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Estimate the difficulty of a problem and spend the budget as an allocation rule says (the lesson's procedure).

    The difficulty is 1 - the score of one solution, which is charged on top of the budget, its FLOPs as "difficulty".
    The answer is the verifier-weighted vote, or the best beam of a beam search. Problems that get the same allocation
    run as one batch.

    Parameters
    ----------
    model : Policy
        Model that writes the solutions.
    verifier : Verifier
        Verifier that scores them.
    problem : Problem or list of Problem
        One problem, or several.
    budget : int
        Generations for each problem, without the solution that estimates the difficulty.
    policy : Rule
        Allocation rule: from a difficulty and a budget to an `Allocation`.
    temperature, seed
        As in `parallel_search`.

    Returns
    -------
    Result, or list of Result for a list of problems

    Raises
    ------
    ValueError
        For a budget that the allocation rule refuses, and for a verifier that cannot say which step is wrong where the
        rule revises step by step.
    """
    policy(0.5, budget)  # refuse an impossible budget before anything is spent
    with billed_as("difficulty", of=("prefill", "decode", "verifier")):
        first = model.generate(problem, temperature=temperature, seed=seed)
        scores = score_groups(verifier, first)
    plans = {each.id: policy(1 - score, budget) for each, [score] in zip(problem, scores, strict=True)}
    seed = (seed or 0) + 1  # the solution of the estimate is not drawn again
    results: dict[str, Result] = {}
    for plan in sorted(set(plans.values())):
        group = [each for each in problem if plans[each.id] == plan]
        spent = _spend(model, verifier, group, plan, temperature, seed)
        results.update({each.id: result for each, result in zip(group, spent, strict=True)})
    return [results[each.id] for each in problem]


def _spend(
    model: Policy, verifier: Verifier, problems: list[Problem], plan: Allocation, temperature: float | None, seed: int
) -> list[Result]:
    """Run the strategy that an allocation stands for."""
    if plan.M:
        return beam_search(model, verifier, problems, plan.N, plan.M, temperature=temperature, seed=seed)
    feedback = critic_of(verifier) if plan.stepwise else None
    return hybrid_search(
        model,
        verifier,
        problems,
        plan.N,
        plan.T,
        feedback=feedback,
        choose="weighted",
        temperature=temperature,
        seed=seed,
    )


@strategy
def adaptive_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    N: int,
    *,
    rule: StoppingRule = DEFAULT_RULE,
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Sample until a stopping rule finds the vote clear, at most N solutions (after Aggarwal et al. 2023).

    Easy problems stop after the first check and hard problems use the whole budget, without an estimate of difficulty.

    Parameters
    ----------
    model : Policy
        Model that writes the solutions.
    verifier : Verifier
        Verifier that scores them; not called for a rule that counts votes.
    problem : Problem or list of Problem
        One problem, or several that are run as one batch.
    N : int
        Budget: largest number of solutions of each problem.
    rule : StoppingRule
        Stopping rule: `ClearLead`, `Agreement` or `Posterior`.
    temperature, seed
        As in `parallel_search`.

    Returns
    -------
    Result, or list of Result for a list of problems
        The answer is that of the vote; a rule that is `weighted` weights it by the scores.

    Raises
    ------
    ValueError
        If N is smaller than the rule's first look, and for impossible settings of the rule.
    """
    drawn_of: dict[str, tuple[list[Solution], list[float]]] = {each.id: ([], []) for each in problem}
    unclear = list(problem)
    for drawn, look in pairwise([0, *rule.looks(N)]):
        more = model.generate(unclear, n=look - drawn, start=drawn, temperature=temperature, seed=seed)
        scored = score_groups(verifier, more) if rule.weighted else [[1.0] * len(group) for group in more]
        for each, solutions, scores in zip(unclear, more, scored, strict=True):
            drawn_of[each.id][0].extend(solutions)
            drawn_of[each.id][1].extend(scores)
        unclear = [each for each in unclear if not rule.is_clear(_votes(*drawn_of[each.id]), look)]
        if not unclear:
            break
    return [Result.chosen("weighted", *drawn_of[each.id]) for each in problem]


def _votes(solutions: Sequence[Solution], scores: Sequence[float]) -> NDArray[np.float64]:
    """The sum of the scores of each answer."""
    votes: dict[str, float] = {}
    for solution, score in zip(solutions, scores, strict=True):
        if (answer := answer_key(solution.answer)) is not None:
            votes[answer] = votes.get(answer, 0.0) + score
    return np.array(list(votes.values()))


@strategy
def confident_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    N: int,
    *,
    warmup: int = 16,
    keep: float = 0.9,
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Stop inside a sample once the model's confidence falls (DeepConf online, Fu et al. 2025).

    The first `warmup` solutions are written to their ends, and set a floor: a share `keep` of them never had a lower
    confidence, averaged over the last 8 tokens. Each later solution is stopped at the token at which it falls below
    the floor. Its tokens are charged; it has no answer, and no vote.

    Parameters
    ----------
    model : Policy
        Model that writes the solutions, run in this process.
    verifier : Verifier
        Verifier that weights the votes of finished solutions; `load_verifier("self-certainty")` gives the
        confidence-weighted vote.
    problem : Problem or list of Problem
        One problem, or several that are run as one batch.
    N : int
        Budget: solutions started for each problem, warm-up included.
    warmup : int
        Number of warm-up solutions of a problem.
    keep : float
        Share of the warm-up that stays above the floor: 0.9 is DeepConf-high, 0.1 DeepConf-low.
    temperature, seed
        As in `parallel_search`.

    Returns
    -------
    Result, or list of Result for a list of problems
        Stopped solutions are unfinished and have the score 0.

    Raises
    ------
    ValueError
        Unless 1 <= warmup <= N and 0 < keep <= 1, for a model without token statistics, and for a model that does not
        end its solutions by itself.
    """
    if not 1 <= warmup <= N or not 0 < keep <= 1:
        raise ValueError(
            f"stopping inside a sample needs 1 <= warmup <= N and 0 < keep <= 1, not {warmup}, {N} and {keep}"
        )
    with token_stats_kept():
        groups = model.generate(problem, n=warmup, temperature=temperature, seed=seed)
    if any(solution.stats is None for group in groups for solution in group):
        raise ValueError("stopping inside a sample needs a model that keeps statistics of tokens, not a server")
    lowest = [[lowest_group_confidence(s.stats) for s in group if s.stats] for group in groups]
    floors = {each.id: float(np.quantile(low, 1 - keep)) - ROUNDING for each, low in zip(problem, lowest, strict=True)}
    if warmup < N:
        with token_stats_kept(WINDOW, floors):
            more = model.generate(problem, n=N - warmup, start=warmup, temperature=temperature, seed=seed)
        groups = [first + others for first, others in zip(groups, more, strict=True)]
    scored = score_groups(verifier, [[s for s in group if s.finished] for group in groups])
    results = []
    for group, scores in zip(groups, scored, strict=True):
        of_finished = iter(scores)
        results.append(Result.chosen("weighted", group, [next(of_finished) if s.finished else 0.0 for s in group]))
    return results
