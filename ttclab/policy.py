"""Base class of policies, the models that write solutions: whole solutions, steps, rollouts and revisions."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

from . import ledger
from .solutions import check_problems, continued, grouped, restarted_key, step_end_of, text_of_steps
from .tasks.problem import Feedback, Problem, Prompt, Solution, as_problems, one_or_all


class Policy(ABC):
    """Base class of models that write solutions. Subclasses implement `_extend`."""

    _warned_all_cut = False

    @overload
    def generate(
        self,
        problem: Problem,
        n: int = ...,
        temperature: float | None = ...,
        seed: int | None = ...,
        max_new_tokens: int | None = ...,
        *,
        start: int = ...,
    ) -> list[Solution]: ...

    @overload
    def generate(
        self,
        problem: Sequence[Problem],
        n: int = ...,
        temperature: float | None = ...,
        seed: int | None = ...,
        max_new_tokens: int | None = ...,
        *,
        start: int = ...,
    ) -> list[list[Solution]]: ...

    def generate(
        self,
        problem: Problem | Sequence[Problem],
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
        *,
        start: int = 0,
    ) -> list[Solution] | list[list[Solution]]:
        """Draw n solutions of a problem.

        A solution depends only on the seed, its problem and its index: n=8 begins with the solutions of n=4, and n=4
        with start=4 draws the others.

        Parameters
        ----------
        problem : Problem or list of Problem
            One problem, or several that are run as one batch.
        n : int
            Solutions of each problem.
        temperature : float, optional
            Sampling temperature, by default the model's own; 0 is greedy.
        seed : int, optional
            Seed of the samples, by default 0.
        max_new_tokens : int, optional
            Token limit of a solution, by default the model's own.
        start : int
            Index of the first solution drawn.

        Returns
        -------
        list of Solution, or for a list of problems one such list each

        Raises
        ------
        ValueError
            If n < 1, temperature < 0 or max_new_tokens < 1, or the list of problems is empty.
        """
        problems = as_problems(problem)
        blank = self._beginnings(problems, n, seed, start)
        groups = self._write([Prompt(each) for each in problems], blank, temperature, max_new_tokens)
        return one_or_all(problem, groups)

    @overload
    def generate_step(
        self,
        problem: Problem,
        partials: Sequence[Solution] | None = ...,
        n: int = ...,
        temperature: float | None = ...,
        seed: int | None = ...,
        max_new_tokens: int | None = ...,
    ) -> list[Solution]: ...

    @overload
    def generate_step(
        self,
        problem: Sequence[Problem],
        partials: Sequence[Sequence[Solution]] | None = ...,
        n: int = ...,
        temperature: float | None = ...,
        seed: int | None = ...,
        max_new_tokens: int | None = ...,
    ) -> list[list[Solution]]: ...

    def generate_step(
        self,
        problem: Problem | Sequence[Problem],
        partials: Sequence[Solution] | Sequence[Sequence[Solution]] | None = None,
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
    ) -> list[Solution] | list[list[Solution]]:
        """Continue every unfinished solution of a problem by one step, n times each.

        The first continuation of a solution uses the solution's own random stream, so writing step by step gives the
        same tokens as `generate`. Further ones, and duplicates in `partials`, get streams of their own.

        Parameters
        ----------
        problem : Problem or list of Problem
            One problem, or several that are run as one batch.
        partials : list of Solution, optional
            Unfinished solutions; for a list of problems one such list each. Without them, n first steps are drawn.
        n : int
            Continuations of each.
        seed : int, optional
            Seed of first steps, by default 0.
        temperature, max_new_tokens
            As in `generate`.

        Returns
        -------
        list of Solution, or for a list of problems one such list each
            The n continuations of the first partial solution, then those of the second, and so on, finished or not.

        Raises
        ------
        ValueError
            For a finished solution, for a solution of another problem, and as `generate`.
        """
        problems = as_problems(problem)
        if partials is None:
            groups = self._beginnings(problems, n, seed)
        else:
            groups = continued(problems, grouped(problem, partials), n)
        prompts, stop = [Prompt(each) for each in problems], step_end_of(problems)
        steps = self._write(prompts, groups, temperature, max_new_tokens, stop=stop)
        return one_or_all(problem, steps)

    @overload
    def rollout(
        self,
        problem: Problem,
        partials: Sequence[Solution],
        n: int = ...,
        temperature: float | None = ...,
        max_new_tokens: int | None = ...,
    ) -> list[Solution]: ...

    @overload
    def rollout(
        self,
        problem: Sequence[Problem],
        partials: Sequence[Sequence[Solution]],
        n: int = ...,
        temperature: float | None = ...,
        max_new_tokens: int | None = ...,
    ) -> list[list[Solution]]: ...

    def rollout(
        self,
        problem: Problem | Sequence[Problem],
        partials: Sequence[Solution] | Sequence[Sequence[Solution]],
        n: int = 1,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> list[Solution] | list[list[Solution]]:
        """Continue every unfinished solution of a problem to its end, n times each.

        Parameters, return value and errors are those of `generate_step`.
        """
        problems = as_problems(problem)
        groups = continued(problems, grouped(problem, partials), n)
        written = self._write([Prompt(each) for each in problems], groups, temperature, max_new_tokens)
        return one_or_all(problem, written)

    def revise(
        self,
        problem: Problem | Sequence[Problem],
        solutions: Sequence[Solution] | Sequence[Sequence[Solution]],
        feedback: Feedback | Sequence[Feedback | None] | None = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> list[Solution]:
        """Write one more solution after reading the earlier attempts of its chain.

        Parameters
        ----------
        problem : Problem or list of Problem
            One problem, or several that are run as one batch.
        solutions : list of Solution
            The chain so far, newest last; for a list of problems one chain each. The policy reads the last four.
        feedback : Feedback, optional
            A verifier's critique of the newest attempt; for a list of problems a list with one each.
        temperature, max_new_tokens
            As in `generate`.

        Returns
        -------
        list of Solution
            One for each problem; for one problem, a list of one.

        Raises
        ------
        ValueError
            For an empty chain, a solution of another problem, or a number of chains or feedbacks that differs from the
            number of problems.
        """
        problems = as_problems(problem)
        chains = grouped(problem, solutions)
        comments = feedback if isinstance(feedback, list) else [feedback] * len(problems)
        if len(chains) != len(problems) or not all(chains):
            lengths = [len(chain) for chain in chains]
            raise ValueError(
                f"a revision needs a chain of one solution or more for each problem, not chains of {lengths}"
            )
        check_problems(problems, chains)
        if len(comments) != len(problems):
            raise ValueError(f"feedback must be one for each of {len(problems)} problems, not {len(comments)}")
        blank = [
            [Solution(each, "", finished=False, logprob=0.0, key=f"{chain[-1].key}/revised")]
            for each, chain in zip(problems, chains, strict=True)
        ]
        attempts = [[attempt.text for attempt in chain] for chain in chains]
        prompts = [Prompt(*each) for each in zip(problems, attempts, comments, strict=True)]
        with ledger.billed_as("revision"):
            revised = self._write(prompts, blank, temperature, max_new_tokens)
        for each in problems:
            ledger.charge(each, "revision", revisions=1)
        return [solution for [solution] in revised]

    @overload
    def restart(
        self,
        problem: Problem,
        solutions: Sequence[Solution],
        steps: Sequence[int],
        temperature: float | None = ...,
        max_new_tokens: int | None = ...,
    ) -> list[Solution]: ...

    @overload
    def restart(
        self,
        problem: Sequence[Problem],
        solutions: Sequence[Sequence[Solution]],
        steps: Sequence[Sequence[int]],
        temperature: float | None = ...,
        max_new_tokens: int | None = ...,
    ) -> list[list[Solution]]: ...

    def restart(
        self,
        problem: Problem | Sequence[Problem],
        solutions: Any,
        steps: Any,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> list[Solution] | list[list[Solution]]:
        """Keep the first steps of every solution and write a new end to it, with a random stream of its own.

        Parameters
        ----------
        problem : Problem or list of Problem
            One problem, or several that are run as one batch.
        solutions : list of Solution
            Solutions to the problem, finished or not; for a list of problems one such list each.
        steps : list of int
            Steps kept of each solution, fewer than it has; for a list of problems one such list each.
        temperature, max_new_tokens
            As in `generate`.

        Returns
        -------
        list of Solution
            One for each solution, charged as a generation and as a revision; for a list of problems one such list each.
            The log-probability covers the kept steps and the new tokens. It is NaN where the policy does not know the
            log-probability of the kept steps.

        Raises
        ------
        ValueError
            For a number of steps that cannot be kept, a solution of another problem, and lists of different lengths.
        """
        problems = as_problems(problem)
        groups, counts = ([solutions], [steps]) if isinstance(problem, Problem) else (solutions, steps)
        if not len(problems) == len(groups) == len(counts) or any(len(g) != len(c) for g, c in zip(groups, counts)):
            raise ValueError(
                f"a restart needs a number of kept steps for each solution, one list for each of {len(problems)} "
                f"problems, not {counts} for {[len(group) for group in groups]} solutions"
            )
        check_problems(problems, groups)
        beginnings = [
            [
                replace(self._first_steps(solution, n), key=restarted_key(solution))
                for solution, n in zip(group, kept, strict=True)
            ]
            for group, kept in zip(groups, counts, strict=True)
        ]
        written = self._write([Prompt(each) for each in problems], beginnings, temperature, max_new_tokens)
        for each, group in zip(problems, beginnings, strict=True):
            # A solution without kept steps has already been charged as a generation.
            ledger.charge(each, "decode", generations=sum(bool(s.text) for s in group), revisions=len(group))
        return one_or_all(problem, written)

    def _first_steps(self, solution: Solution, steps: int) -> Solution:
        """An unfinished solution that holds the first steps of another, and their tokens if the policy knows them."""
        text = text_of_steps(solution, steps)
        # A server does not return tokens: the length is estimated from the share of the text.
        length = -(-solution.length * len(text) // max(1, len(solution.text)))
        logprob = float("nan") if text else 0.0
        return Solution(solution.problem, text, finished=False, logprob=logprob, length=length)

    def _beginnings(self, problems: list[Problem], n: int, seed: int | None, start: int = 0) -> list[list[Solution]]:
        """n empty solutions of each problem, each with its own random stream."""
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}")
        return [
            [
                Solution(each, "", finished=False, logprob=0.0, key=f"{seed or 0}/{each.id}/{start + i}")
                for i in range(n)
            ]
            for each in problems
        ]

    def _write(
        self,
        prompts: list[Prompt],
        partials: list[list[Solution]],
        temperature: float | None,
        max_new_tokens: int | None,
        *,
        stop: str | None = None,
    ) -> list[list[Solution]]:
        """Continue the partial solutions of each prompt to their ends, or to the first `stop`."""
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        if limit < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {limit}")
        if finished := [solution for group in partials for solution in group if solution.finished]:
            raise ValueError(f"a finished solution cannot be continued: {finished[0].text!r}")
        # Solutions already at the token limit are returned unchanged.
        short = [(i, s) for i, group in enumerate(partials) for s in group if s.length < limit]
        written = iter(self._extend(prompts, short, temperature, limit, stop))
        return [[next(written) if s.length < limit else s for s in group] for group in partials]

    def _warn_all_cut(self, count: int, tokens: int) -> None:
        """Warn, once per policy, that every solution of a call was cut at the token limit."""
        if not self._warned_all_cut:
            self._warned_all_cut = True
            which = f"ALL {count} SOLUTIONS WERE" if count > 1 else "THE ONLY SOLUTION WAS"
            warnings.warn(
                f"{which} CUT, at {tokens} tokens, before its end, and so without an answer: raise max_new_tokens, "
                "unless this is what you want",
                stacklevel=2,
            )

    @property
    @abstractmethod
    def max_new_tokens(self) -> int:
        """Default token limit of a solution."""

    @abstractmethod
    def _extend(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        """Continue solutions, and charge for the work.

        Parameters
        ----------
        prompts : list of Prompt
            Prompts of the solutions.
        partials : list of (int, Solution)
            Solutions to continue, each with the index of its prompt.
        temperature : float or None
            Sampling temperature, None for the model's own.
        limit : int
            Token limit of a whole solution.
        stop : str or None
            Text after which a solution is returned unfinished.
        """
