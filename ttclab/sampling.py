"""Parallel search: draw N solutions and choose one (Snell et al. 2024, section 5; Cobbe et al. 2021)."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

from .flops import Cost, billed
from .policy import Policy, as_problems
from .problems import Problem, Solution, answer_key, answers_equal
from .verifiers import Verifier, score_groups


@dataclass(frozen=True)
class Result:
    """What a strategy found for one problem.

    solution: the chosen one; answer: its answer; solutions, scores: all that were considered, in one order;
    cost: what was charged.
    """

    solution: Solution
    answer: str | None
    solutions: list[Solution]
    scores: list[float]
    cost: Cost = field(default_factory=Cost)

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return answers_equal(self.answer, self.solution.problem.answer)

    @classmethod
    def best(cls, solutions: list[Solution], scores: list[float]) -> "Result":
        """The solution with the highest score. Equal scores: the first in the order of their texts."""
        chosen = solutions[min(range(len(solutions)), key=lambda i: (-scores[i], solutions[i].text))]
        return cls(chosen, chosen.answer, solutions, scores)

    @classmethod
    def chosen(cls, choose: str, solutions: list[Solution], scores: list[float]) -> "Result":
        """By one of CHOICES: the best score, or the vote with or without the scores as weights."""
        if choose == "best":
            return cls.best(solutions, scores)
        weights = scores if choose == "weighted" else [1.0] * len(scores)
        return cls.elected(weighted_vote(solutions, weights), solutions, scores)

    @classmethod
    def elected(cls, answer: str | None, solutions: list[Solution], scores: list[float]) -> "Result":
        """The highest-scoring solution among those with the answer that a vote chose."""
        chosen = [i for i, solution in enumerate(solutions) if answer_key(solution.answer) == answer_key(answer)]
        best = cls.best([solutions[i] for i in chosen], [scores[i] for i in chosen])
        return cls(best.solution, best.answer, solutions, scores)


def strategy(search: Callable[..., list[Result]]) -> Callable[..., Any]:
    """Let a strategy for a list of problems also take one, and put its cost on each result.

    A problem that is in the list twice is worked on once: the same seed gives the same result.
    """

    @wraps(search)
    def run(
        model: Policy, verifier: Verifier, problem: Problem | Sequence[Problem], *args: Any, **options: Any
    ) -> Result | list[Result]:
        problems = as_problems(problem)
        distinct = list({each.id: each for each in problems}.values())
        with billed() as bill:
            results = search(model, verifier, distinct, *args, **options)
        priced = {each.id: replace(r, cost=bill[each]) for each, r in zip(distinct, results, strict=True)}
        return priced[problem.id] if isinstance(problem, Problem) else [priced[each.id] for each in problems]

    return run


CHOICES = ("best", "weighted", "majority")


def check_choice(choose: str) -> None:
    """Raises ValueError unless `choose` is one of CHOICES."""
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
    """Best-of-N: draw N solutions, let the verifier choose (Cobbe et al. 2021).

    problem: one or a list; N: solutions drawn for each, all charged; choose: "best" takes the highest score, "weighted"
    the answer whose scores sum highest (Li et al. 2023), "majority" the commonest answer, without asking the verifier.
    Returns a Result, or a list of them. Raises ValueError for N < 1, an empty list or an unknown choice.
    """
    if N < 1:
        raise ValueError(f"best-of-N needs N >= 1, not {N}")
    check_choice(choose)
    groups = model.generate(problem, n=N, temperature=temperature, seed=seed)
    if choose == "majority":
        return [Result.elected(majority_vote(group), group, [1.0] * N) for group in groups]
    return [Result.chosen(choose, *scored) for scored in zip(groups, score_groups(verifier, groups), strict=True)]


def majority_vote(solutions: Sequence[Solution]) -> str | None:
    """The commonest answer (Wang et al. 2022). Unfinished solutions have no vote; None if nobody votes.

    Ties: the shorter answer, then the first in the order of their texts. Raises ValueError for no solutions.
    """
    return weighted_vote(solutions, [1.0] * len(solutions))


def weighted_vote(solutions: Sequence[Solution], scores: Sequence[float]) -> str | None:
    """The answer with the highest sum of scores (Li et al. 2023); ties and missing answers as in `majority_vote`.

    Raises ValueError for no solutions, or another number of scores.
    """
    if not solutions:
        raise ValueError("a vote needs at least one solution")
    if len(scores) != len(solutions):
        raise ValueError(f"a vote needs a score for each solution, not {len(scores)} for {len(solutions)}")
    if wrong := [score for score in scores if not 0 <= score < float("inf")]:
        raise ValueError(f"a vote needs finite scores of 0 or more, not {wrong[0]}")
    votes: dict[str, float] = defaultdict(float)
    # Summed in the order of the scores, so that rounding does not depend on the order of the solutions.
    for score, solution in sorted(zip(scores, solutions, strict=True), key=lambda pair: pair[0]):
        if (answer := answer_key(solution.answer)) is not None:
            votes[answer] += score
    return min(votes, key=lambda answer: (-votes[answer], len(answer), answer), default=None)
