"""What all policies have in common: whole solutions, single steps, rollouts and revisions, of one problem or many."""

import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import flops
from .problems import Feedback, Problem, Solution

STEP_END = "\n"


@dataclass(frozen=True)
class Asked:
    """What a solution is written after: a problem, and texts of earlier attempts with what is said of the newest."""

    problem: Problem
    attempts: Sequence[str] = ()
    feedback: Feedback | None = None

    @property
    def shown(self) -> str:
        """The earlier attempts as a policy without a chat template is fed them."""
        return self.problem.show_attempts(self.attempts, self.feedback) if self.attempts else ""

    def text(self, template: Any = None) -> str:
        """The exact text that is gone on from. template: a tokenizer whose chat template writes the turns, if any."""
        if template is None:
            return self.problem.feed(self.shown)
        turns = self.problem.turns(self.attempts, self.feedback)
        return str(template.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


class Policy(ABC):
    """Base class of models that write solutions. Subclasses implement `_extend`."""

    _warned_all_cut = False

    def generate(
        self,
        problem: Problem | Sequence[Problem],
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
        *,
        start: int = 0,
    ) -> Any:
        """n solutions of a problem; of a list of problems, a list of such lists.

        temperature: default the model's own, 0 is greedy; seed: default 0; start: the place of the first of them. A
        solution depends on the seed, the problem and its place, and on nothing else: n=8 begins with the solutions of
        n=4, and n=4, start=4 gives the others. Raises ValueError for n < 1, an empty list or a temperature below 0.
        """
        problems = as_problems(problem)
        begun = self._beginnings(problems, n, seed, start)
        groups = self._write([Asked(each) for each in problems], begun, temperature, max_new_tokens)
        return groups[0] if isinstance(problem, Problem) else groups

    def generate_step(
        self,
        problem: Problem | Sequence[Problem],
        partials: Any = None,
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """n ways to write the next step of each unfinished solution of a problem; without any, n first steps.

        partials: a list of unfinished solutions, for a list of problems a list of such lists; what is in it twice is
        forked. Returns solutions, unfinished or finished, each of `partials` with its n continuations in turn. The
        first fork of a solution goes on with its random stream: writing step by step gives the tokens of `generate`.
        max_new_tokens: of the whole solution. Raises ValueError for a finished solution, for one of another problem,
        and as `generate`.
        """
        problems = as_problems(problem)
        begun = self._beginnings(problems, n, seed) if partials is None else _continued(problem, problems, partials, n)
        steps = self._write([Asked(each) for each in problems], begun, temperature, max_new_tokens, stop=STEP_END)
        return steps[0] if isinstance(problem, Problem) else steps

    def rollout(
        self,
        problem: Problem | Sequence[Problem],
        partials: Any,
        n: int = 1,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """n ways to go on from each unfinished solution to its end. Arguments and errors as in `generate_step`."""
        problems = as_problems(problem)
        begun = _continued(problem, problems, partials, n)
        written = self._write([Asked(each) for each in problems], begun, temperature, max_new_tokens)
        return written[0] if isinstance(problem, Problem) else written

    def revise(
        self,
        problem: Problem | Sequence[Problem],
        solutions: Any,
        feedback: Any = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """One more solution, written after the earlier attempts of its chain; of a list of problems, one each.

        solutions: the chain so far, the newest last, for a list of problems a list of chains; the last four are shown.
        feedback: what a verifier's `critique` says of the newest, for a list of problems a list (None: nothing).
        Raises ValueError for an empty chain, a solution of another problem, or another number of chains or feedbacks
        than problems.
        """
        problems = as_problems(problem)
        chains = [solutions] if isinstance(problem, Problem) else solutions
        comments = feedback if isinstance(feedback, list) else [feedback] * len(problems)
        if len(chains) != len(problems) or not all(chains):
            lengths = [len(chain) for chain in chains]
            raise ValueError(
                f"a revision needs a chain of one solution or more for each problem, not chains of {lengths}"
            )
        _check_problems(problems, chains)
        if len(comments) != len(problems):
            raise ValueError(f"feedback must be one for each of {len(problems)} problems, not {len(comments)}")
        begun = [
            [Solution(each, "", finished=False, logprob=0.0, key=f"{chain[-1].key}/revised")]
            for each, chain in zip(problems, chains, strict=True)
        ]
        attempts = [[attempt.text for attempt in chain] for chain in chains]
        asked = [Asked(*each) for each in zip(problems, attempts, comments, strict=True)]
        with flops.billed_as("revision"):
            revised = self._write(asked, begun, temperature, max_new_tokens)
        for each in problems:
            flops.charge(each, "revision", revisions=1)
        return revised[0] if isinstance(problem, Problem) else [solution for [solution] in revised]

    def rewrite(
        self,
        problem: Problem | Sequence[Problem],
        solutions: Any,
        steps: Any,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """Each solution once more, from after its first `steps` steps, with a random stream of its own.

        Parameters
        ----------
        problem : Problem or sequence of Problem
        solutions : list of Solution
            Of the problem, finished or not; for a list of problems a list of such lists.
        steps : list of int
            How many steps of each are kept, fewer than it has; for a list of problems a list of such lists.

        Returns
        -------
        list of Solution
            One for each, charged as a generation and as a revision; for a list of problems a list of such lists. The
            log-probability is NaN where steps were kept.

        Raises
        ------
        ValueError
            For a number of steps that cannot be kept, a solution of another problem, lists of other lengths.
        """
        problems = as_problems(problem)
        groups, counts = ([solutions], [steps]) if isinstance(problem, Problem) else (solutions, steps)
        if not len(problems) == len(groups) == len(counts) or any(len(g) != len(c) for g, c in zip(groups, counts)):
            raise ValueError(
                f"a rewrite needs a number of steps for each solution, for each of {len(problems)} problems a list, "
                f"not {counts} for {[len(group) for group in groups]} solutions"
            )
        _check_problems(problems, groups)
        begun = [
            [replace(self._first_steps(each, n), key=f"{each.key}/rewritten") for each, n in zip(*pair, strict=True)]
            for pair in zip(groups, counts, strict=True)
        ]
        written = self._write([Asked(each) for each in problems], begun, temperature, max_new_tokens)
        for each, group in zip(problems, begun, strict=True):
            # What begins with nothing has been charged as a generation already.
            flops.charge(each, "decode", generations=sum(bool(s.text) for s in group), revisions=len(group))
        return written[0] if isinstance(problem, Problem) else written

    def _first_steps(self, solution: Solution, steps: int) -> Solution:
        """An unfinished solution of the first steps of another. A policy that knows its tokens keeps them too."""
        text = text_of_steps(solution, steps)
        length = -(-solution.length * len(text) // max(1, len(solution.text)))  # by a server, tokens are not told
        logprob = float("nan") if text else 0.0
        return Solution(solution.problem, text, finished=False, logprob=logprob, length=length)

    def _beginnings(self, problems: list[Problem], n: int, seed: int | None, start: int = 0) -> list[list[Solution]]:
        """n solutions of each problem with nothing written, each with a random stream of its own."""
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
        asked: list[Asked],
        begun: list[list[Solution]],
        temperature: float | None,
        max_new_tokens: int | None,
        *,
        stop: str | None = None,
    ) -> list[list[Solution]]:
        """Go on with what is begun of each that is asked, to the end or to `stop`."""
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        if limit < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {limit}")
        if finished := [solution for group in begun for solution in group if solution.finished]:
            raise ValueError(f"a finished solution can't be continued: {finished[0].text!r}")
        # What has as many tokens as it may have stays as it is.
        going = [(i, s) for i, group in enumerate(begun) for s in group if s.length < limit]
        written = iter(self._extend(asked, going, temperature, limit, stop))
        return [[next(written) if s.length < limit else s for s in group] for group in begun]

    def _warn_all_cut(self, count: int, tokens: int) -> None:
        """Say once that no solution of a call came to its end."""
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
        """Tokens a solution may have when the caller does not say."""

    @abstractmethod
    def _extend(
        self,
        asked: list[Asked],
        begun: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        """Go on with each solution, given with the place of what it answers in `asked`, and charge for it.

        limit: tokens that a whole solution may have; stop: a string to end after, if any.
        """


@dataclass
class Bill:
    """Accumulates the charges of one call for a problem, then posts them once to the open ledgers."""

    problem: Problem
    generations: int = 0
    verifier_calls: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    flops: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, tokens: int, flops: int) -> None:
        self.tokens[kind] += tokens
        self.flops[kind] += flops

    def charge(self) -> None:
        for kind in self.tokens:
            generations = self.generations if kind == "decode" else 0
            calls = self.verifier_calls if kind == "verifier" else 0
            flops.charge(
                self.problem, kind, tokens=self.tokens[kind], flops=self.flops[kind], generations=generations,
                verifier_calls=calls,
            )  # fmt: skip


def _continued(
    problem: Problem | Sequence[Problem], problems: list[Problem], partials: Any, n: int
) -> list[list[Solution]]:
    """Each of the unfinished solutions n times, forked, as one list a problem."""
    groups = [partials] if isinstance(problem, Problem) else partials
    if n < 1 or len(groups) != len(problems):
        raise ValueError(f"n must be at least 1 and partials one list a problem, not {n} and {len(groups)} lists")
    _check_problems(problems, groups)
    return [forks([solution for solution in group for _ in range(n)]) for group in groups]


def _check_problems(problems: list[Problem], groups: Sequence[Sequence[Solution]]) -> None:
    """Raises ValueError if one of the solutions is of another problem than its group."""
    for each, group in zip(problems, groups, strict=True):
        if strangers := [solution for solution in group if solution.problem.id != each.id]:
            raise ValueError(f"solutions must be of the problem {each.id!r}, not of {strangers[0].problem.id!r}")


def is_step(before: Solution, after: Solution) -> bool:
    """Whether what was written between the two is a step: a blank line is none where its problem counts none."""
    written = after.text[len(before.text) :]
    begins_line = not before.text or before.text.endswith(STEP_END)
    return bool(written.strip()) or not begins_line or len(after.steps) > len(before.steps)


def text_of_steps(solution: Solution, steps: int) -> str:
    """The text of a solution up to the end of the line of a step. Raises ValueError unless there are steps after it."""
    if steps and not 0 < steps < len(solution.steps):
        raise ValueError(
            f"of a solution of {len(solution.steps)} steps a rewrite keeps fewer than all, not {steps}: "
            f"{solution.text!r}"
        )
    end = 0
    while len(solution.problem.read(solution.text[:end])[0]) < steps:
        end = solution.text.index(STEP_END, end) + len(STEP_END)
    return solution.text[:end]


def whole_at(problem: Problem, text: str, start: int) -> int | None:
    """Where a text is a whole solution by what its problem says: after the first such line that ends after `start`."""
    end = text.find(STEP_END, start)
    while end >= 0:
        if problem.ended(text[: end + len(STEP_END)]):
            return end + len(STEP_END)
        end = text.find(STEP_END, end + 1)
    return None


def forks(solutions: Sequence[Solution]) -> list[Solution]:
    """The solutions, with a random stream of its own for each repetition."""
    seen: Counter[str] = Counter()
    forks = []
    for solution in solutions:
        copy = seen[solution.key]
        seen[solution.key] += 1
        forks.append(replace(solution, key=f"{solution.key}/{solution.length}.{copy}") if copy else solution)
    return forks


def as_problems(problem: Problem | Sequence[Problem]) -> list[Problem]:
    """One problem or several, as a list. Raises ValueError for none."""
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    if not problems:
        raise ValueError("there must be at least one problem, but the list is empty")
    return problems
