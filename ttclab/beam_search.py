"""Search over steps: beam search, lookahead and DVTS, guided by a verifier that scores steps.

The budget N is a number of places. Each place ends in one solution: N first steps are drawn, the best N/M of them are
kept and continued M times each, and so on. A solution that ends keeps its place and is never copied; the places that
are left are shared by the best of the unfinished ones. So N places cost N generations and return N solutions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import flops
from .policy import Policy
from .problems import Problem, Solution
from .sampling import Result, check_choice, strategy
from .verifiers import Verifier, check_aggregate, score_steps


@dataclass
class _Tree:
    """One search: the places of one problem, or of one subtree of it. done: what has ended, with its scores."""

    problem: Problem
    live: list[Solution]
    done: list[tuple[Solution, float]] = field(default_factory=list)

    def settle(self, scores: Sequence[float], M: int, over: bool) -> None:
        """Let what has ended keep its place for good; share the other places among the best of the rest.

        Each of those is kept M times, the last of them as often as places are left. Ties: by text, then by stream.
        over: there is no further step, so everything has ended.
        """
        scored = list(zip(self.live, scores, strict=True))
        self.done += [(solution, score) for solution, score in scored if over or solution.finished]
        rest = [] if over else [(solution, score) for solution, score in scored if not solution.finished]
        if M > 1:
            rest.sort(key=lambda pair: (-pair[1], pair[0].text, pair[0].key))
        kept = [solution for solution, _ in rest[: -(-len(rest) // M)]]
        self.live = [solution for solution in kept for _ in range(M)][: len(rest)]


def _search(
    model: Policy, verifier: Verifier, problems: list[Problem], N: int, M: int, *, tree: int, max_steps: int,
    lookahead: int, aggregate: str, choose: str, temperature: float | None, seed: int | None,
) -> list[Result]:  # fmt: skip
    """All trees of all problems, a step at a time. tree: places in each."""
    check_aggregate(aggregate)
    check_choice(choose)
    if max_steps < 1 or lookahead < 0:
        raise ValueError(f"a search needs max_steps >= 1 and lookahead >= 0, not {max_steps} and {lookahead}")
    first = model.generate_step(problems, n=N, temperature=temperature, seed=seed)
    trees = [
        _Tree(problem, group[start : start + tree])
        for problem, group in zip(problems, first, strict=True)
        for start in range(0, N, tree)
    ]
    for each in problems if lookahead else ():
        flops.charge(each, "lookahead", generations=N * lookahead)
    for step in range(1, max_steps + 1):
        growing, over = [search for search in trees if search.live], step == max_steps
        _score_and_settle(model, verifier, growing, M, 0 if over else lookahead, aggregate, over)
        growing = [search for search in growing if search.live]
        if not growing:
            break
        asked = [search.problem for search in growing], [search.live for search in growing]
        for search, live in zip(growing, model.generate_step(*asked, temperature=temperature), strict=True):
            search.live = live
    found = [[pair for each in trees if each.problem == p for pair in each.done] for p in problems]
    return [Result.chosen(choose, [s for s, _ in group], [score for _, score in group]) for group in found]


def _score_and_settle(
    model: Policy, verifier: Verifier, trees: list[_Tree], M: int, lookahead: int, aggregate: str, over: bool
) -> None:
    """Score what has ended, and, where it is to be pruned, the rest by where `lookahead` greedy steps take it."""
    groups = [each.live for each in trees]
    with flops.billed_as("lookahead"):
        for _ in range(lookahead):
            going = [[s for s in group if not s.finished] for group in groups]
            steps = model.generate_step([each.problem for each in trees], going, temperature=0)
            moved = [iter(group) for group in steps]
            groups = [[s if s.finished else next(m) for s in group] for group, m in zip(groups, moved, strict=True)]
    needed = [[M > 1 or over or solution.finished for solution in group] for group in groups]
    asked = [s for group, wanted in zip(groups, needed) for s, want in zip(group, wanted) if want]
    scores = iter(score_steps(verifier, asked, aggregate))
    for search, wanted in zip(trees, needed):
        search.settle([next(scores) if want else 0.0 for want in wanted], M, over)


@strategy
def beam_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    N: int,
    M: int = 4,
    *,
    max_steps: int = 40,
    lookahead: int = 0,
    aggregate: str = "last",
    choose: str = "best",
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Beam search against a PRM with a budget of N (Snell et al. 2024, section 5.2).

    N: places, each charged as a generation; M: beam width, the continuations of each step kept (M=1 prunes nothing and
    is best-of-N); lookahead: greedy steps rolled out to score a step, charged as N(k+1) generations; aggregate: of the
    step scores into one; choose: how the answer is taken from the N solutions, as in `parallel_search`.
    Raises ValueError unless M >= 1 divides N >= 1.
    """
    _check_budget(N, M)
    return _search(
        model, verifier, problem, N, M, tree=N, max_steps=max_steps, lookahead=lookahead, aggregate=aggregate,
        choose=choose, temperature=temperature, seed=seed,
    )  # fmt: skip


@strategy
def dvts(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    N: int,
    M: int = 4,
    *,
    max_steps: int = 40,
    aggregate: str = "last",
    choose: str = "best",
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Diverse verifier tree search (Beeching et al. 2024): N/M beam searches of M places each that share no beam.

    Arguments and errors as in `beam_search`.
    """
    _check_budget(N, M)
    return _search(
        model, verifier, problem, N, M, tree=M, max_steps=max_steps, lookahead=0, aggregate=aggregate, choose=choose,
        temperature=temperature, seed=seed,
    )  # fmt: skip


def beam_search_prm(
    model: Policy,
    prm: Verifier,
    problem: Problem | list[Problem],
    beam_width: int = 5,
    expansions: int = 3,
    max_steps: int = 10,
) -> Result | list[Result]:
    """The lesson's beam search: `beam_width` beams of `expansions` steps each, ranked by the product of step scores.

    In the paper's terms N = beam_width x expansions and M = expansions. Raises ValueError for values below 1.
    """
    if beam_width < 1 or expansions < 1:
        raise ValueError(f"beam search needs beam_width >= 1 and expansions >= 1, not {beam_width} and {expansions}")
    found: Result | list[Result] = beam_search(
        model, prm, problem, beam_width * expansions, expansions, max_steps=max_steps, aggregate="prod"
    )
    return found


def _check_budget(N: int, M: int) -> None:
    if N < 1 or M < 1 or N % M:
        raise ValueError(f"a beam search needs a budget N >= 1 that its width M >= 1 divides, not N={N} and M={M}")
