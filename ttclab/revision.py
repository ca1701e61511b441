"""Sequential revision: chains of attempts, each of which starts from the one before.

Without feedback a policy writes each solution anew after reading the attempts before it (Snell et al. 2024, section 6);
it must be trained for that. With feedback the newest attempt is restarted: the steps before the one that the critique
names are kept, and the policy continues from there. Any policy can do that.
"""

from dataclasses import dataclass, field
from typing import Unpack

from .engine import KeptPrefixes, prefixes_kept
from .policy import Policy
from .sampling import Result, SamplingOptions, check_choice, strategy
from .signatures import options_of
from .solutions import step_end_of
from .tasks.problem import Problem, Solution
from .verifiers.scoring import Critic, StepCritic, Verifier, aggregated, score_groups, scores_of_steps


@strategy
@options_of(Policy.generate, SamplingOptions.__annotations__)
def sequential_revise(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    T: int,
    *,
    feedback: Critic | None = None,
    choose: str = "best",
    **sampling: Unpack[SamplingOptions],
) -> list[Result]:
    """One chain: a solution and at most T revisions of it, at most 1+T generations.

    A revision can turn a right answer wrong, so the verifier chooses among all attempts. This is `hybrid_search` with
    one chain; the parameters after T and the errors are the same.
    """
    return hybrid_search(model, verifier, problem, 1, T, feedback=feedback, choose=choose, **sampling)


@strategy
@options_of(Policy.generate, SamplingOptions.__annotations__)
def hybrid_search(
    model: Policy,
    verifier: Verifier,
    problem: list[Problem],
    M: int,
    T: int,
    *,
    feedback: Critic | None = None,
    choose: str = "best",
    **sampling: Unpack[SamplingOptions],
) -> list[Result]:
    """M chains of at most T revisions each. T=0 is best-of-N with N=M; M=1 is `sequential_revise`.

    Parameters
    ----------
    model : Policy
        Model that writes the solutions. Without feedback it must be able to revise, as the shipped small model is.
    verifier : Verifier
        Verifier that scores the solutions.
    problem : Problem or list of Problem
        One problem, or several that are run as one batch.
    M, T : int
        Budget: chains, and revisions of each, at most M(1+T) generations.
    feedback : Critic, optional
        Critic of the newest attempt. If a critique names a step (`Feedback.step`), the policy restarts from the steps
        before it. If it names none, the chain ends, and the unused generations are not charged; an ORM never names a
        step. Calls of the critic are charged; a critic that is the verifier reads each attempt once. Without feedback
        the policy reads the last four attempts and writes the solution anew.
    choose : {"best", "weighted", "majority"}
        As in `parallel_search`, over all solutions of all chains.
    temperature, seed
        As in `parallel_search`.

    Returns
    -------
    Result, or list of Result for a list of problems
        Its solutions are those of the chains, one chain after the other, each in the order of writing.

    Raises
    ------
    ValueError
        For M < 1 or T < 0, an unknown `choose`, and as the verifier and the policy raise it.
    TypeError
        For feedback without a method `critique`.
    """
    if M < 1 or T < 0:
        raise ValueError(f"a hybrid search needs M >= 1 chains of T >= 0 revisions, not M={M} and T={T}")
    if feedback is not None and not callable(getattr(feedback, "critique", None)):
        raise TypeError(f"feedback is a verifier with a method critique, which {feedback!r} is not")
    check_choice(choose)
    temperature = sampling.get("temperature")
    if feedback is None:
        chains = _begin(model, problem, M, sampling)
        _rewrite(model, chains, T, temperature)
    else:
        with prefixes_kept(at=step_end_of(problem)) as kept:
            chains = _begin(model, problem, M, sampling)
            _restart(model, verifier, feedback, chains, T, temperature, kept)
    groups = [[solution for chain in group for solution in chain.solutions] for group in chains]
    if feedback is None:
        scores = score_groups(verifier, groups)
    else:
        scores = [[score for chain in group for score in chain.scores] for group in chains]
    return [Result.chosen(choose, *scored) for scored in zip(groups, scores, strict=True)]


@dataclass
class _Chain:
    """A chain of attempts. kept: steps of the newest attempt that a restart keeps; over: the chain has ended."""

    solutions: list[Solution]
    scores: list[float] = field(default_factory=list)
    kept: int = 0
    over: bool = False

    @property
    def newest(self) -> Solution:
        return self.solutions[-1]


def _begin(model: Policy, problem: list[Problem], M: int, sampling: SamplingOptions) -> list[list[_Chain]]:
    groups = model.generate(problem, n=M, **sampling)
    return [[_Chain([solution]) for solution in group] for group in groups]


def _rewrite(model: Policy, chains: list[list[_Chain]], T: int, temperature: float | None) -> None:
    """Extend every chain by T attempts, each written after reading the ones before it."""
    every = [chain for group in chains for chain in group]
    for _ in range(T):
        problems = [chain.newest.problem for chain in every]
        revised = model.revise(problems, [chain.solutions for chain in every], temperature=temperature)
        for chain, solution in zip(every, revised, strict=True):
            chain.solutions.append(solution)


def _restart(
    model: Policy,
    verifier: Verifier,
    critic: Critic,
    chains: list[list[_Chain]],
    T: int,
    temperature: float | None,
    kept: KeptPrefixes,
) -> None:
    """Restart each chain from the step that the critic names, T times or until it names none."""
    _criticize([chain for group in chains for chain in group], verifier, critic)
    for _ in range(T):
        growing = [unfinished for group in chains if (unfinished := [chain for chain in group if not chain.over])]
        if not growing:
            return
        kept.next_round()
        revised = model.restart(
            [group[0].newest.problem for group in growing],
            [[chain.newest for chain in group] for group in growing],
            [[chain.kept for chain in group] for group in growing],
            temperature=temperature,
        )
        newest = [chain for group in growing for chain in group]
        for chain, solution in zip(newest, [s for group in revised for s in group], strict=True):
            chain.solutions.append(solution)
        _criticize(newest, verifier, critic)


def _criticize(chains: list[_Chain], verifier: Verifier, critic: Critic) -> None:
    """Score the newest attempt of each chain, and find the steps that a restart keeps."""
    newest = [chain.newest for chain in chains]
    if critic is verifier and isinstance(critic, StepCritic):
        steps = scores_of_steps(critic, newest)
        comments = [critic.comment(*each) for each in zip(newest, steps, strict=True)]
        scores = [aggregated(each, "last") for each in steps]
    else:
        comments = critic.critique(newest)
        [scores] = score_groups(verifier, [newest])
    for chain, comment, score in zip(chains, comments, scores, strict=True):
        chain.scores.append(score)
        chain.over, chain.kept = comment.step is None, (comment.step or 1) - 1
