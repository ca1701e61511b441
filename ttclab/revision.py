"""Sequential revision, in two ways.

`sequential_revise` writes each solution anew after reading the ones before it (Snell et al. 2024, section 6): the
policy has to be trained for that. `step_revise` keeps what a verifier accepts, and writes on from the first doubtful
step: any policy can.
"""

from dataclasses import dataclass, field

from .engine import prefixes_kept
from .policy import Policy
from .sampling import Result, check_choice, strategy
from .solutions import STEP_END
from .tasks.problem import Problem, Solution
from .verifiers.scoring import Critic, Verifier, aggregated, first_doubt, score_groups, scores_of_steps


@strategy
def sequential_revise(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    T: int,
    *,
    feedback: Critic | None = None,
    choose: str = "best",
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """One solution and T revisions of it, 1+T generations; the verifier chooses among all of them.

    A revision can turn a right answer wrong, so the last one is not simply taken. This is `hybrid_search` with one
    chain; the parameters after T and the errors are the same.
    """
    return hybrid_search(
        model, verifier, problem, 1, T, feedback=feedback, choose=choose, temperature=temperature, seed=seed
    )


@strategy
def hybrid_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    M: int,
    T: int,
    *,
    feedback: Critic | None = None,
    choose: str = "best",
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """M chains of T revisions each, M(1+T) generations. T=0 is best-of-N with N=M; M=1 is `sequential_revise`.

    feedback: a verifier whose critique of the newest attempt each revision reads, its calls charged; choose: as in
    `parallel_search`, over all solutions of all chains. Raises ValueError for M < 1 or T < 0.
    """
    if M < 1 or T < 0:
        raise ValueError(f"a hybrid search needs M >= 1 chains of T >= 0 revisions, not M={M} and T={T}")
    check_choice(choose)
    first = model.generate(problem, n=M, temperature=temperature, seed=seed)
    chains = [[solution] for group in first for solution in group]
    for _ in range(T):
        said = feedback.critique([chain[-1] for chain in chains]) if feedback else None
        revised = model.revise([chain[0].problem for chain in chains], chains, said, temperature=temperature)
        for chain, solution in zip(chains, revised, strict=True):
            chain.append(solution)
    groups: list[list[Solution]] = [
        [solution for chain in chains[i : i + M] for solution in chain] for i in range(0, len(chains), M)
    ]
    return [Result.chosen(choose, *scored) for scored in zip(groups, score_groups(verifier, groups), strict=True)]


@strategy
def step_revise(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    T: int,
    *,
    M: int = 1,
    critic: Critic | None = None,
    threshold: float = 0.5,
    choose: str = "best",
    temperature: float | None = None,
    seed: int | None = None,
) -> list[Result]:
    """Keep the steps before the first doubtful one, and write on from there, until no step is doubted.

    The policy needs no training in revision: it reads the steps that are kept as its own beginning. A chain ends at the
    first solution without a doubtful step, and what it did not spend is not charged. T=0 is best-of-N with N=M.

    Parameters
    ----------
    model : Policy
    verifier : Verifier
        Scores the solutions by their last steps and, without a critic, doubts each step that it scores below
        `threshold`.
    problem : Problem or list of Problem
    T : int
        The most revisions of each chain: at most M(1+T) generations.
    M : int
        Chains of each problem.
    critic : Critic or None
        Says in its critique which step is the first doubtful one (`Feedback.step`); a chain whose critique names none
        ends, whatever else it says: an ORM names no step. Its calls are charged beside those of the verifier.
    threshold : float
        In 0..1; 0 doubts nothing. Choose it on validation problems.
    choose : str
        As in `parallel_search`, over all solutions of all chains.

    Returns
    -------
    Result, or list of Result
        Its solutions are the chains', one chain after the other, each in the order in which it was written.

    Raises
    ------
    ValueError
        For M < 1, T < 0, another threshold or choice, and a verifier that does not score steps where no critic is
        given.
    """
    if M < 1 or T < 0:
        raise ValueError(f"step-level revision needs M >= 1 chains of T >= 0 revisions, not M={M} and T={T}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"a threshold of step scores must be from 0 to 1, not {threshold}")
    check_choice(choose)
    with prefixes_kept(at=STEP_END) as kept:
        first = model.generate(problem, n=M, temperature=temperature, seed=seed)
        chains = [[_Chain([solution]) for solution in group] for group in first]
        newest = [chain for group in chains for chain in group]
        _criticize(newest, verifier, critic, threshold)
        for _ in range(T):
            growing = [(each, [c for c in group if not c.over]) for each, group in zip(problem, chains, strict=True)]
            growing = [(each, group) for each, group in growing if group]
            if not growing:
                break
            kept.next_round()
            revised = model.rewrite(
                [each for each, _ in growing],
                [[chain.solutions[-1] for chain in group] for _, group in growing],
                [[chain.kept for chain in group] for _, group in growing],
                temperature=temperature,
            )
            newest = [chain for _, group in growing for chain in group]
            for chain, solution in zip(newest, [s for group in revised for s in group], strict=True):
                chain.solutions.append(solution)
            _criticize(newest, verifier, critic, threshold)
    results = []
    for group in chains:
        solutions = [solution for chain in group for solution in chain.solutions]
        results.append(Result.chosen(choose, solutions, [score for chain in group for score in chain.scores]))
    return results


@dataclass
class _Chain:
    """A chain of step-level revisions. kept: steps of the newest solution that the next one keeps; over: it ended."""

    solutions: list[Solution]
    scores: list[float] = field(default_factory=list)
    kept: int = 0
    over: bool = False


def _criticize(chains: list[_Chain], verifier: Verifier, critic: Critic | None, threshold: float) -> None:
    """Score the newest solution of each chain, and find what to keep of it."""
    newest = [chain.solutions[-1] for chain in chains]
    if critic:
        doubted = [comment.step for comment in critic.critique(newest)]
        [scores] = score_groups(verifier, [newest])
    else:
        steps = scores_of_steps(verifier, newest)
        # A solution without any step is begun again.
        doubted = [first_doubt(each, threshold) if each else 1 for each in steps]
        scores = [aggregated(each, "last") for each in steps]
    for chain, step, score in zip(chains, doubted, scores, strict=True):
        chain.scores.append(score)
        chain.over, chain.kept = step is None, (step or 1) - 1
