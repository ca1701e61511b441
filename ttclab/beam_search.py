"""Search over steps: beam search, lookahead search and DVTS, guided by a verifier that scores steps.

The budget N is a number of places, and each place ends in one solution. A search draws N first steps, keeps the best
N/M of them, continues each kept solution M times, and repeats. A finished solution keeps its place and is never copied;
the best unfinished solutions share the other places. So N places cost N generations and return N solutions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Unpack, overload

from . import ledger
from .policy import Policy
from .sampling import Result, SamplingOptions, check_choice, strategy
from .signatures import options_of
from .tasks.problem import Problem, Solution
from .verifiers.scoring import Verifier, check_aggregate, score_steps


class TreeSearchOptions(SamplingOptions, total=False):
    """Keyword options of every search over steps."""

    max_steps: int
    aggregate: str
    choose: str


class BeamSearchOptions(TreeSearchOptions, total=False):
    """Keyword options of `beam_search`."""

    lookahead: int


@dataclass(frozen=True)
class _Search:
    """Settings of one search: N places in trees of `tree_places` each, and the options with their defaults."""

    N: int
    M: int
    tree_places: int
    max_steps: int = 40
    lookahead: int = 0
    aggregate: str = "last"
    choose: str = "best"
    temperature: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.N < 1 or self.M < 1 or self.N % self.M:
            raise ValueError(
                f"a beam search needs a budget N >= 1 that its width M >= 1 divides, not N={self.N} and M={self.M}"
            )
        check_aggregate(self.aggregate)
        check_choice(self.choose)
        if self.max_steps < 1 or self.lookahead < 0:
            raise ValueError(
                f"a search needs max_steps >= 1 and lookahead >= 0, not {self.max_steps} and {self.lookahead}"
            )


@dataclass
class _Candidate:
    """One place of a search: a solution, its continuation by lookahead, and the score of the continuation."""

    solution: Solution
    ahead: Solution
    score: float = 0.0


@dataclass
class _Tree:
    """Places that share beams: all places of a problem (beam search), or M of them (DVTS)."""

    problem: Problem
    live: list[_Candidate]
    finished: list[_Candidate] = field(default_factory=list)

    @property
    def unfinished(self) -> list[_Candidate]:
        """The live candidates that the policy can continue."""
        return [candidate for candidate in self.live if not candidate.solution.finished]

    def prune(self, M: int) -> None:
        """Set finished solutions aside and divide the remaining places among the best unfinished ones, M each.

        The last solution kept gets the remaining places. Ties are broken by text, then by random stream.
        """
        self.finished += [candidate for candidate in self.live if candidate.solution.finished]
        ranked = self.unfinished
        places = len(ranked)
        if M > 1:
            ranked.sort(key=lambda candidate: (-candidate.score, candidate.solution.text, candidate.solution.key))
        kept = ranked[: ceil(places / M)]
        self.live = [candidate for candidate in kept for _ in range(M)][:places]


def _run(model: Policy, verifier: Verifier, problems: list[Problem], search: _Search) -> list[Result]:
    """Run the trees of all problems together, one step at a time."""
    trees = growing = _first_steps(model, problems, search)
    for _ in range(search.max_steps - 1):
        _look_ahead(model, growing, search.lookahead)
        _score(verifier, [candidate for tree in growing for candidate in _to_score(tree, search.M)], search.aggregate)
        for tree in growing:
            tree.prune(search.M)
        growing = [tree for tree in growing if tree.live]
        if not growing:
            break
        _next_steps(model, growing, search)
    _score(verifier, [candidate for tree in growing for candidate in tree.live], search.aggregate)
    return [_result(problem, trees, search.choose) for problem in problems]


def _first_steps(model: Policy, problems: list[Problem], search: _Search) -> list[_Tree]:
    """Draw N first steps of every problem and divide them among the problem's trees."""
    groups = model.generate_step(problems, n=search.N, temperature=search.temperature, seed=search.seed)
    if search.lookahead:
        for problem in problems:
            ledger.charge(problem, "lookahead", generations=search.N * search.lookahead)
    return [
        _Tree(problem, _candidates(group[first : first + search.tree_places]))
        for problem, group in zip(problems, groups, strict=True)
        for first in range(0, search.N, search.tree_places)
    ]


def _look_ahead(model: Policy, trees: list[_Tree], steps: int) -> None:
    """Advance every unfinished candidate by greedy steps; the result is scored in its place."""
    with ledger.billed_as("lookahead"):
        for _ in range(steps):
            moving = [[candidate for candidate in tree.live if not candidate.ahead.finished] for tree in trees]
            partials = [[candidate.ahead for candidate in group] for group in moving]
            stepped = model.generate_step([tree.problem for tree in trees], partials, temperature=0)
            for group, solutions in zip(moving, stepped, strict=True):
                for candidate, solution in zip(group, solutions, strict=True):
                    candidate.ahead = solution


def _to_score(tree: _Tree, M: int) -> list[_Candidate]:
    """Candidates that need a score: with M=1, where nothing is pruned, only the finished ones."""
    return tree.live if M > 1 else [candidate for candidate in tree.live if candidate.solution.finished]


def _score(verifier: Verifier, candidates: list[_Candidate], aggregate: str) -> None:
    """Score candidates in one call of the verifier."""
    scores = score_steps(verifier, [candidate.ahead for candidate in candidates], aggregate)
    for candidate, score in zip(candidates, scores, strict=True):
        candidate.score = score


def _next_steps(model: Policy, trees: list[_Tree], search: _Search) -> None:
    """Continue every live candidate by one step."""
    partials = [[candidate.solution for candidate in tree.live] for tree in trees]
    steps = model.generate_step([tree.problem for tree in trees], partials, temperature=search.temperature)
    for tree, solutions in zip(trees, steps, strict=True):
        tree.live = _candidates(solutions)


def _candidates(solutions: Sequence[Solution]) -> list[_Candidate]:
    return [_Candidate(solution, ahead=solution) for solution in solutions]


def _result(problem: Problem, trees: list[_Tree], choose: str) -> Result:
    """The result of a problem, from the solutions of its trees: the finished ones, then those cut at max_steps."""
    own = [candidate for tree in trees if tree.problem == problem for candidate in (*tree.finished, *tree.live)]
    return Result.chosen(choose, [candidate.solution for candidate in own], [candidate.score for candidate in own])


@strategy
@options_of(_Search, BeamSearchOptions.__annotations__)
def beam_search(
    model: Policy, verifier: Verifier, problem: list[Problem], N: int, M: int = 4, **options: Unpack[BeamSearchOptions]
) -> list[Result]:
    """Beam search guided by a verifier that scores steps (Snell et al. 2024, section 5.2).

    Parameters
    ----------
    model : Policy
        Model that writes the steps.
    verifier : Verifier
        Verifier with `score_steps`, such as a PRM.
    problem : Problem or list of Problem
        One problem, or several that are searched as one batch.
    N : int
        Budget: places, each charged as one generation.
    M : int
        Beam width: continuations of every solution kept. N/M are kept in each round. M=1 prunes nothing and is
        best-of-N.
    max_steps : int
        Steps after which a search ends; unfinished solutions are returned as they are.
    lookahead : int
        Greedy steps rolled out to score a step. A search with lookahead k is charged N (k+1) generations.
    aggregate : {"last", "min", "prod", "mean"}
        Aggregate of the step scores of a solution.
    choose : {"best", "weighted", "majority"}
        Selection of the answer from the N solutions, as in `parallel_search`.
    temperature, seed
        As in `parallel_search`.

    Returns
    -------
    Result, or list of Result for a list of problems

    Raises
    ------
    ValueError
        Unless M >= 1 divides N >= 1, max_steps >= 1 and lookahead >= 0; for an unknown `aggregate` or `choose`, an
        empty list of problems, and a verifier without step scores or with invalid ones.
    """
    return _run(model, verifier, problem, _Search(N, M, tree_places=N, **options))


@strategy
@options_of(_Search, TreeSearchOptions.__annotations__)
def dvts(
    model: Policy, verifier: Verifier, problem: list[Problem], N: int, M: int = 4, **options: Unpack[TreeSearchOptions]
) -> list[Result]:
    """Diverse verifier tree search: N/M beam searches of M places each that share no beam (Beeching et al. 2024).

    Parameters, return value and errors are those of `beam_search`, without `lookahead`.
    """
    return _run(model, verifier, problem, _Search(N, M, tree_places=M, **options))


@overload
def beam_search_prm(
    model: Policy, prm: Verifier, problem: Problem, beam_width: int = ..., expansions: int = ..., max_steps: int = ...
) -> Result: ...


@overload
def beam_search_prm(
    model: Policy,
    prm: Verifier,
    problem: Sequence[Problem],
    beam_width: int = ...,
    expansions: int = ...,
    max_steps: int = ...,
) -> list[Result]: ...


def beam_search_prm(
    model: Policy,
    prm: Verifier,
    problem: Problem | Sequence[Problem],
    beam_width: int = 5,
    expansions: int = 3,
    max_steps: int = 10,
) -> Result | list[Result]:
    """The lesson's beam search: `beam_width` beams of `expansions` steps each, ranked by the product of step scores.

    In the paper's terms N = beam_width x expansions and M = expansions.

    Parameters
    ----------
    model : Policy
        Model that writes the steps.
    prm : Verifier
        Verifier with `score_steps`, such as a PRM.
    problem : Problem or list of Problem
        One problem, or several that are searched as one batch.
    beam_width : int
        Solutions kept in each round.
    expansions : int
        Next steps drawn for each of them.
    max_steps : int
        Steps after which a search ends.

    Returns
    -------
    Result, or list of Result for a list of problems

    Raises
    ------
    ValueError
        If beam_width, expansions or max_steps is below 1, and as `beam_search`.
    """
    if beam_width < 1 or expansions < 1:
        raise ValueError(f"beam search needs beam_width >= 1 and expansions >= 1, not {beam_width} and {expansions}")
    return beam_search(model, prm, problem, beam_width * expansions, expansions, max_steps=max_steps, aggregate="prod")
