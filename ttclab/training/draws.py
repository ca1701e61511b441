"""Training data, drawn in pieces before training: problems, and solutions of trained policies.

A draw depends only on its fields and on the weights of its policy. Its arrays are stored in a file, so that models of
one family can share them and a resumed training does not draw them again.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ledger
from ..files import atomic
from ..models.language_model import LanguageModel
from ..models.loading import load
from ..tasks.arithmetic import ARITHMETIC
from ..tasks.problem import Feedback, Problem, Solution
from ..tasks.registry import TASKS, load_problems
from ..tasks.task import Task
from ..verifiers.likelihood import SelfEvaluation
from ..verifiers.scoring import RIGHT, WRONG
from .rows import UNLABELLED, Rows, taught, tokenize, widened
from .tokens import END, PAD, UNKNOWN, alphabet_of

Arrays = dict[str, NDArray[Any]]
ON_GPU = 4096  # rows that a policy decodes together on a GPU


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Base class of draws, each a piece of training data. Subclasses implement `make`.

    Attributes
    ----------
    seed : int
        Seed of the training.
    part : int
        Index of the piece.
    task : str
        Name of the task whose problems are drawn.
    """

    seed: int
    part: int = 0
    task: str = ARITHMETIC.name

    def rows(self, texts: Sequence[tuple[str, str]]) -> Arrays:
        """Rows that teach a policy to write the second text of each pair after the first."""
        rows = taught(texts, TASKS[self.task])
        return {"ids": rows.ids, "following": rows.following, "lengths": rows.lengths}

    def problems_of(self, stream: str, count: int) -> tuple[list[Problem], random.Random]:
        """Training problems of the task, drawn by the function `problems_of`."""
        return problems_of(stream, count, TASKS[self.task])

    @property
    def name(self) -> str:
        """File name, composed of all fields."""
        values = "-".join(str(getattr(self, field.name)) for field in fields(self))
        return f"{type(self).__name__.lower()}-{values}.npz"

    @property
    def writer(self) -> str | None:
        """Name of the policy that writes the data, or None."""
        return None

    def make(self, policy: LanguageModel | None) -> Arrays:
        """Draw the arrays."""
        raise NotImplementedError

    def load(self, data: Path, zoo: Path, device: str) -> Arrays:
        """Read the arrays from their file in `data`. If it is missing, draw them with the policy in `zoo` and write it.

        Returns
        -------
        dict
            The arrays. "flops" is the number of FLOPs that the policy spent.
        """
        path = data / self.name
        if not path.is_file():
            policy = load(zoo / self.writer, device=device) if self.writer else None
            if policy and policy.engine.device.type == "cuda":
                policy.engine.batch_size = ON_GPU
            with ledger.billed() as bill:
                arrays = self.make(policy)
            arrays["flops"] = np.array(bill.total.total_flops)
            data.mkdir(parents=True, exist_ok=True)
            with atomic(path) as partial, partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)


def rows_of(arrays: Arrays, prefix: str = "") -> Rows:
    """The rows among a draw's arrays."""
    labels = arrays.get(f"{prefix}labels")
    return Rows(arrays[f"{prefix}ids"], arrays[f"{prefix}following"], arrays[f"{prefix}lengths"], labels)


def problems_of(stream: str, count: int, task: Task = ARITHMETIC) -> tuple[list[Problem], random.Random]:
    """Training problems drawn from a named random stream, and the stream itself for further draws.

    A batch need not be a whole number of the task's periods, so it starts at a random place in a period.

    Raises
    ------
    ValueError
        For a task whose problems come from files.
    """
    if task.draw is None:
        raise ValueError(f"no model is trained on the task {task.name!r}: its problems come from files")
    rng = random.Random(stream)
    problems = task.draw("train", rng)
    offset = rng.randrange(task.period)
    return list(islice(problems, offset, offset + count)), rng


@dataclass(frozen=True, kw_only=True)
class Problems(Draw):
    """Problems with their right solutions, in the order of the training steps that read them.

    Attributes
    ----------
    batch : int
        Problems per training step.
    STEPS : int
        Training steps per piece.
    """

    batch: int
    STEPS = 1000

    def make(self, policy: LanguageModel | None = None) -> Arrays:
        steps = range(self.part * self.STEPS, (self.part + 1) * self.STEPS)
        texts = [
            (problem.prompt, problem.solution_text + END)
            for step in steps
            for problem in self.problems_of(f"{self.seed}/{step}", self.batch)[0]
        ]
        return self.rows(texts)


@dataclass(frozen=True, kw_only=True)
class Attempts(Draw):
    """Problems with earlier attempts by a policy, and their right solutions.

    As in Snell et al. 2024, section 6.1, the newest attempt is the wrong one that is nearest to the right solution by
    edit distance. There are two differences. In a share of the rows the newest attempt is right and must be kept:
    without such rows, a model changes most right attempts. Some rows of both kinds have feedback on the newest
    attempt, as `critique` writes it, some of it false.

    Attributes
    ----------
    policy : str
        Policy that writes the attempts.
    problems : int
    attempts : int
        Attempts written for each problem, and largest number shown.
    chains : int
        Rows for each problem, with different attempts in different orders.
    kept : float
        Share of rows whose newest attempt is right, among problems with right and wrong attempts.
    commented : float
        Share of rows with feedback.
    made_up : float
        Share of feedback that is false.
    """

    policy: str
    problems: int
    attempts: int
    chains: int
    kept: float
    commented: float
    made_up: float

    @property
    def writer(self) -> str:
        return self.policy

    def make(self, policy: LanguageModel | None) -> Arrays:
        assert policy
        problems, rng = self.problems_of(f"attempts/{self.seed}/{self.part}", self.problems)
        groups = policy.generate(problems, n=self.attempts, seed=rng.getrandbits(32))
        return self.rows([row for problem, group in zip(problems, groups) for row in self.pairs(problem, group, rng)])

    def pairs(self, problem: Problem, group: list[Solution], rng: random.Random) -> Iterator[tuple[str, str]]:
        """Text that the model reads and text that it should write, for each chain."""
        right = [solution for solution in group if solution.correct]
        wrong = [solution for solution in group if not solution.correct]
        nearest = min(wrong, key=lambda s: edit_distance(s.text, problem.solution_text), default=None)
        for _ in range(self.chains):
            newest = nearest if nearest and (not right or rng.random() >= self.kept) else rng.choice(right)
            others = [solution for solution in group if solution is not newest]
            chain = [*rng.sample(others, rng.randrange(len(group))), newest]
            comment = feedback_code(newest, rng, self.made_up) if rng.random() < self.commented else ""
            feedback = Feedback("", comment) if comment else None
            shown = problem.show_attempts([attempt.text for attempt in chain], feedback)
            yield problem.feed(shown), problem.solution_text + END


def feedback_code(attempt: Solution, rng: random.Random, made_up_share: float) -> str:
    """Code of a verifier's feedback on an attempt: on its steps, on its answer, or the policy's confidence."""
    kind, made_up = rng.choice(("steps", "answer", "self")), rng.random() < made_up_share
    if kind == "self":
        return SelfEvaluation().critique(attempt).code
    if kind == "answer":
        return (RIGHT if attempt.correct != made_up else WRONG).code
    checks = attempt.problem.check_steps(attempt.steps)
    wrong = next((i for i, right in enumerate(checks, start=1) if not right), 0)
    return f"!{min(rng.randint(0, len(checks)) if made_up else wrong, 9)}"


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


@dataclass(frozen=True, kw_only=True)
class Solutions(Draw):
    """Solutions that a policy writes for training problems, right and wrong in their natural frequency.

    Attributes
    ----------
    policy : str
    problems, samples : int
        Number of problems, and of solutions to each.
    chained : int
        Number of problems whose first solution is revised.
    revisions : int
        Number of revisions in a row, half of them after feedback.
    rollouts : int
        Rollouts from the end of each step, to estimate the share of right answers; 0 for none.
    made_up : float
        Share of feedback that is false.
    """

    policy: str
    problems: int
    samples: int
    chained: int = 0
    revisions: int = 0
    rollouts: int = 0
    made_up: float = 0.15

    @property
    def writer(self) -> str:
        return self.policy

    def make(self, policy: LanguageModel | None) -> Arrays:
        assert policy
        problems, rng = self.problems_of(f"solutions/{self.seed}/{self.part}", self.problems)
        groups = policy.generate(problems, n=self.samples, seed=rng.getrandbits(32))
        solutions = [solution for group in groups for solution in group]
        arrays = read(solutions, TASKS[self.task])
        if self.rollouts:
            with ledger.billed() as bill:
                arrays["values"] = rollout_values(policy, solutions, self.rollouts, arrays["ids"].shape[1])
            arrays["rollout_flops"] = np.array(bill.total.total_flops)
        if self.chained and self.revisions:
            chains = [[group[0]] for group in groups[: self.chained]]
            revised = read(self.revised(policy, chains, rng), TASKS[self.task])
            arrays |= {f"revised_{key}": value for key, value in revised.items()}
        return arrays

    def revised(self, policy: LanguageModel, chains: list[list[Solution]], rng: random.Random) -> list[Solution]:
        """Revisions of each chain's solution, one after another."""
        problems = [chain[0].problem for chain in chains]
        for _ in range(self.revisions):
            comments = [
                Feedback("", feedback_code(chain[-1], rng, self.made_up)) if rng.random() < 0.5 else None
                for chain in chains
            ]
            for chain, solution in zip(chains, policy.revise(problems, chains, comments), strict=True):
                chain.append(solution)
        return [solution for chain in chains for solution in chain[1:]]


def read(solutions: Sequence[Solution], task: Task = ARITHMETIC) -> Arrays:
    """Token ids and labels of solutions for training a verifier.

    Returns
    -------
    dict
        "ids", "following" and "lengths" are as in Rows; the targets in "following" end at the first wrong token. For
        each row, "begins" is the column where the solution begins, "right" the number of tokens before the first
        wrong one, and "correct" whether the answer is right.
    """
    contexts = [solution.shown + solution.problem.prompt for solution in solutions]
    alphabet = alphabet_of(task)
    writings = ["".join(alphabet[token] for token in solution.tokens) for solution in solutions]
    # An unknown character is one token; <pad>, if a policy writes it, is not a character.
    writings = [writing.replace(PAD, UNKNOWN) for writing in writings]
    truths = [solution.problem.solution_text + END for solution in solutions]
    ids, lengths = tokenize([context + writing for context, writing in zip(contexts, writings)], task)
    right = np.array([_agreement(*pair) for pair in zip(writings, truths)])
    begins = np.array([len(context) for context in contexts])
    after = np.full(ids.shape, UNLABELLED, dtype=np.int8)
    column = np.arange(1, ids.shape[1] + 1)
    true_ids, true_lengths = tokenize([context + truth for context, truth in zip(contexts, truths)], task)
    true_next = widened(true_ids, max(true_ids.shape[1], ids.shape[1]) + 1, 0)[:, 1 : ids.shape[1] + 1]
    # At the first wrong token, the target is the right one.
    taught = (column >= begins[:, None]) & (column <= (begins + right)[:, None])
    taught &= (column < true_lengths[:, None]) & (column <= lengths[:, None])
    after[taught] = true_next[taught]
    correct = np.array([solution.correct for solution in solutions])
    return {
        "ids": ids, "following": after, "lengths": lengths, "begins": begins, "right": right, "correct": correct,
    }  # fmt: skip


def _agreement(a: str, b: str) -> int:
    """Length of the common prefix of two texts."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def rollout_values(
    policy: LanguageModel, solutions: Sequence[Solution], rollouts: int, columns: int
) -> NDArray[np.float16]:
    """Share of rollouts that end right, at each token that ends a step; UNLABELLED elsewhere. (solutions, columns)."""
    partials: dict[tuple[str, tuple[int, ...]], Solution] = {}
    for solution in solutions:
        for i in _step_ends(solution, policy):
            tokens = solution.tokens[: i + 1]
            if (solution.problem.id, tokens) not in partials:
                text, key = policy.tokenizer.decode(list(tokens)), f"{solution.key}/rollout{i}"
                partials[solution.problem.id, tokens] = Solution(solution.problem, text, tokens, False, 0.0, key)
    prefixes = list(partials.values())
    rolled = policy.rollout([prefix.problem for prefix in prefixes], [[prefix] for prefix in prefixes], n=rollouts)
    share = {key: sum(s.correct for s in group) / len(group) for key, group in zip(partials, rolled, strict=True)}
    values = np.full((len(solutions), columns), UNLABELLED, dtype=np.float16)
    for row, solution in enumerate(solutions):
        begin = len(solution.shown + solution.problem.prompt)
        for i in _step_ends(solution, policy):
            values[row, begin + i] = share[solution.problem.id, solution.tokens[: i + 1]]
    return values


def _step_ends(solution: Solution, policy: LanguageModel) -> list[int]:
    end = policy.tokenizer.convert_tokens_to_ids(solution.problem.step_end)
    return [i for i, token in enumerate(solution.tokens) if token == end]


@dataclass(frozen=True, kw_only=True)
class Validation(Draw):
    """A policy's solutions of validation problems, on which models in training are measured.

    Attributes
    ----------
    policy : str
    problems, samples : int
    """

    policy: str
    problems: int
    samples: int

    @property
    def writer(self) -> str:
        return self.policy

    def make(self, policy: LanguageModel | None) -> Arrays:
        assert policy
        task = TASKS[self.task]
        problems = load_problems(task.set_name("validation"), limit=self.problems)
        groups = policy.generate(problems, n=self.samples, seed=self.seed)
        firsts = [
            (problem.feed(problem.show_attempts([group[0].text])), problem.solution_text + END)
            for problem, group in zip(problems, groups)
        ]
        shown = {f"shown_{key}": value for key, value in self.rows(firsts).items()}
        return {**read([solution for group in groups for solution in group], task), **shown}
