"""Parallel search: draw N solutions and choose one (Snell et al. 2024, section 5; Cobbe et al. 2021)."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypedDict, cast, overload

from .answers import answer_key, answers_equal
from .ledger import Cost, billed
from .policy import Policy
from .tasks.problem import Problem, Solution, as_problems
from .token_stats import token_stats_kept
from .verifiers.scoring import Verifier, score_groups


@dataclass(frozen=True)
class Result:
    """What a strategy returns for one problem.

    Attributes
    ----------
    solution : Solution
        The chosen solution.
    answer : str or None
        Its answer; None if it has none.
    solutions : list of Solution
        All solutions the strategy chose from.
    scores : list of float
        Their scores, in the same order.
    cost : Cost
        Generations, revisions, verifier calls, tokens and FLOPs charged for this problem.
    """

    solution: Solution
    answer: str | None
    solutions: list[Solution]
    scores: list[float]
    cost: Cost = field(default_factory=Cost)

    @property
    def correct(self) -> bool:
        """Whether the answer equals the problem's."""
        return answers_equal(self.answer, self.solution.problem.answer)

    @classmethod
    def best(cls, solutions: list[Solution], scores: list[float]) -> "Result":
        """Choose the solution with the highest score; ties go to the text that sorts first."""
        chosen = solutions[min(range(len(solutions)), key=lambda i: (-scores[i], solutions[i].text))]
        return cls(chosen, chosen.answer, solutions, scores)

    @classmethod
    def chosen(cls, choose: str, solutions: list[Solution], scores: list[float]) -> "Result":
        """Choose by one of CHOICES: the best score, or a vote with the scores as weights or with equal weights."""
        if choose == "best":
            return cls.best(solutions, scores)
        weights = scores if choose == "weighted" else [1.0] * len(scores)
        return cls.elected(weighted_vote(solutions, weights), solutions, scores)

    @classmethod
    def elected(cls, answer: str | None, solutions: list[Solution], scores: list[float]) -> "Result":
        """Choose the solution with the highest score among those with the answer that won a vote."""
        voters = [i for i, solution in enumerate(solutions) if answer_key(solution.answer) == answer_key(answer)]
        best = cls.best([solutions[i] for i in voters], [scores[i] for i in voters])
        return cls(best.solution, best.answer, solutions, scores)


class SamplingOptions(TypedDict, total=False):
    """Keyword options of drawing solutions, with the defaults of `Policy.generate`."""

    temperature: float | None
    seed: int | None


P = ParamSpec("P")


class Strategy(Protocol[P]):
    """A strategy as it is called: for one problem it returns a Result, for a list of problems a list of them."""

    @overload
    def __call__(
        self, model: Policy, verifier: Verifier, problem: Problem, *args: P.args, **options: P.kwargs
    ) -> Result: ...

    @overload
    def __call__(
        self, model: Policy, verifier: Verifier, problem: Sequence[Problem], *args: P.args, **options: P.kwargs
    ) -> list[Result]: ...

    @overload
    def __call__(
        self,
        model: Policy,
        verifier: Verifier,
        problem: Problem | Sequence[Problem],
        *args: P.args,
        **options: P.kwargs,
    ) -> Result | list[Result]: ...


def strategy(search: Callable[Concatenate[Policy, Verifier, list[Problem], P], list[Result]]) -> Strategy[P]:
    """Decorator: let a strategy written for a list of problems also take one, and put the cost on each result.

    A problem that occurs twice in the list is run once, because the same seed gives the same result.
    """

    @wraps(search)
    def run(
        model: Policy, verifier: Verifier, problem: Problem | Sequence[Problem], *args: P.args, **options: P.kwargs
    ) -> Result | list[Result]:
        problems = as_problems(problem)
        distinct = list({each.id: each for each in problems}.values())
        # Kept only for a verifier that reads them.
        keeping = token_stats_kept() if getattr(verifier, "reads_token_stats", False) else nullcontext()
        with billed() as bill, keeping:
            results = search(model, verifier, distinct, *args, **options)
        priced = {each.id: replace(r, cost=bill[each]) for each, r in zip(distinct, results, strict=True)}
        return priced[problem.id] if isinstance(problem, Problem) else [priced[each.id] for each in problems]

    # `help` and the API page show the types that a caller may pass and gets.
    public = {"problem": Problem | Sequence[Problem], "return": Result | list[Result]}
    signature = inspect.signature(search)
    parameters = [p.replace(annotation=public.get(p.name, p.annotation)) for p in signature.parameters.values()]
    run.__annotations__ = {**search.__annotations__, **public}
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=public["return"]
    )
    return cast(Strategy[P], run)


CHOICES = ("best", "weighted", "majority")


def check_choice(choose: str) -> None:
    """Raise ValueError unless `choose` is one of CHOICES."""
    if choose not in CHOICES:
        raise ValueError(f"choose must be one of {', '.join(CHOICES)}, not {choose!r}")


@strategy
def parallel_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    N: int,
    *,
    choose: str = "best",
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Best-of-N: draw N solutions and let the verifier choose (Cobbe et al. 2021).

    Parameters
    ----------
    model : Policy
        Model that writes the solutions.
    verifier : Verifier
        Verifier that scores them; not called for a majority vote.
    problem : Problem or list of Problem
        One problem, or several that are run as one batch.
    N : int
        Budget: solutions drawn for each problem, each charged as one generation.
    choose : {"best", "weighted", "majority"}
        Take the solution with the highest score, the answer whose scores have the highest sum (Li et al. 2023), or the
        most frequent answer.
    temperature : float, optional
        Sampling temperature, by default the model's own; 0 is greedy.
    seed : int, optional
        Seed of the samples, by default 0.

    Returns
    -------
    Result, or list of Result for a list of problems

    Raises
    ------
    ValueError
        If N < 1, for an unknown `choose`, an empty list of problems, and scores that are missing or outside 0..1.
    """
    if N < 1:
        raise ValueError(f"best-of-N needs N >= 1, not {N}")
    check_choice(choose)
    groups = model.generate(problem, n=N, temperature=temperature, seed=seed)
    if choose == "majority":
        return [Result.elected(majority_vote(group), group, [1.0] * N) for group in groups]
    scores = score_groups(verifier, groups)
    return [Result.chosen(choose, group, its_scores) for group, its_scores in zip(groups, scores, strict=True)]


def majority_vote(solutions: Sequence[Solution]) -> str | None:
    """The most frequent answer (Wang et al. 2022).

    Parameters
    ----------
    solutions : sequence of Solution
        Solutions to one problem. Those without an answer have no vote.

    Returns
    -------
    str or None
        The answer, None if no solution has one. Ties go to the shorter answer, then to the one that sorts first.

    Raises
    ------
    ValueError
        If there are no solutions.
    """
    return weighted_vote(solutions, [1.0] * len(solutions))


def weighted_vote(solutions: Sequence[Solution], scores: Sequence[float]) -> str | None:
    """The answer with the highest sum of scores (Li et al. 2023).

    Parameters
    ----------
    solutions : sequence of Solution
        Solutions to one problem. Those without an answer have no vote.
    scores : sequence of float
        Weight of each solution, finite and at least 0.

    Returns
    -------
    str or None
        The answer, None if no solution has one. Ties go to the shorter answer, then to the one that sorts first.

    Raises
    ------
    ValueError
        If there are no solutions, or not one valid score for each.
    """
    if not solutions:
        raise ValueError("a vote needs at least one solution")
    if len(scores) != len(solutions):
        raise ValueError(f"a vote needs a score for each solution, not {len(scores)} for {len(solutions)}")
    if invalid := [score for score in scores if not 0 <= score < float("inf")]:
        raise ValueError(f"a vote needs finite scores of 0 or more, not {invalid[0]}")
    votes: dict[str, float] = defaultdict(float)
    # Summed in the order of the scores, so that rounding does not depend on the order of the solutions.
    for score, solution in sorted(zip(scores, solutions, strict=True), key=lambda pair: pair[0]):
        if (answer := answer_key(solution.answer)) is not None:
            votes[answer] += score
    return min(votes, key=lambda answer: (-votes[answer], len(answer), answer), default=None)
