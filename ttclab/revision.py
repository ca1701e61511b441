"""Sequential revision: each solution is written after reading the ones before it (Snell et al. 2024, section 6)."""

from .policy import Policy
from .problems import Problem, Solution
from .sampling import Result, check_choice, strategy
from .verifiers import Critic, Verifier, score_groups


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
