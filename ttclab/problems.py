"""Problems, solutions, and the arithmetic task that the shipped models solve.

A *problem* is asked, a *solution* is one attempt at it, made of *steps* and ending in an *answer*. The
arithmetic task is a chain of operations on a running total, evaluated left to right::

    what a person reads     Start at 15, add 74, add 46, times 6.
    what a model is fed     015+74+46*06\n
    a right solution        +74=089\n+46=135\n*06=810\n

Numbers have a fixed width, because tiny models learn it far faster. Totals stay between 1 and 999.
What a model writes is matched against a pattern, never evaluated.
"""

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .answers import answer_key as answer_key
from .answers import answers_equal as answers_equal

LENGTHS = range(1, 7)  # operations in a problem
# Operand classes: the largest start, the range of what is added or taken away, the range of factors.
SIZES = {
    "small": (99, range(1, 20), range(2, 4)),
    "medium": (99, range(10, 100), range(2, 7)),
    "large": (99, range(10, 100), range(2, 30)),
}
SPLITS = ("train", "validation", "test")

_EXPRESSION = re.compile(r"[0-9]{3}(?:[-+*][0-9]{2}){1,6}")
_STEP = re.compile(r"([-+*])([0-9]{2})=([0-9]{3})")
_VERBS = {"+": "add", "-": "take away", "*": "times"}
_SIGNS = {"+": "+", "-": "−", "*": "×"}


ATTEMPT_END = "#"
ATTEMPTS_SHOWN = 4  # as in Snell et al. 2024, section 6.1


@dataclass(frozen=True)
class Feedback:
    """What a verifier says about a solution.

    Attributes
    ----------
    text : str
        For people and chats.
    code : str
        The same for the shipped revision model.
    step : int or None
        The first step that is doubted, from 1; None if the verifier names none.
    """

    text: str
    code: str
    step: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Problem:
    """A question with a known answer.

    id: unique among problems; question: as a person reads it; prompt: the exact text a policy is fed;
    answer: the right one.
    """

    id: str
    question: str
    prompt: str
    answer: str

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """The steps of a written solution, and its answer or None. Never raises."""
        raise NotImplementedError

    def check_steps(self, steps: tuple[str, ...]) -> list[bool]:
        """For each step, whether the solution is right up to and including it."""
        raise NotImplementedError

    def show(self, text: str) -> str:
        """A written solution as a person reads it, one step a line."""
        return text

    def show_attempts(self, attempts: Sequence[str], feedback: Feedback | None = None) -> str:
        """Earlier attempts, the newest last, and what is said of that one, as a policy without chats is fed them."""
        return show_attempts(attempts, feedback.code if feedback else "")

    def ended(self, text: str) -> bool | None:
        """Whether whole lines are a whole solution, for policies that don't know where to stop; None: they know."""
        return None

    def feed(self, shown: str = "") -> str:
        """The text that a policy without chats goes on from: the prompt, with earlier attempts if any are shown."""
        return shown + self.prompt

    def turns(self, attempts: Sequence[str] = (), feedback: Feedback | None = None) -> list[dict[str, str]]:
        """The same as turns of a chat, each with its role and content."""
        return [{"role": "user", "content": self.feed(self.show_attempts(attempts, feedback) if attempts else "")}]


@dataclass(frozen=True)
class ArithmeticProblem(Problem):
    """A chain of additions, subtractions and multiplications on a running total."""

    @classmethod
    def from_expression(cls, expression: str) -> "ArithmeticProblem":
        """The problem written as `015+74+46*06`. Raises ValueError unless it has that form and stays in 1..999."""
        if not _EXPRESSION.fullmatch(expression):
            raise ValueError(f"an arithmetic problem is written like '015+74+46*06', not {expression!r}")
        start, operations = int(expression[:3]), re.findall(r"([-+*])(\d\d)", expression)
        totals = [start]
        for sign, operand in operations:
            totals.append(_apply(totals[-1], sign, int(operand)))
        if not all(1 <= total <= 999 for total in totals):
            raise ValueError(f"totals must stay between 1 and 999, but {expression!r} goes through {totals}")
        spoken = [f"{_VERBS[sign]} {int(operand)}" for sign, operand in operations]
        question = ", ".join([f"Start at {start}", *spoken]) + "."
        return cls(expression, question, expression + "\n", str(totals[-1]))

    @cached_property
    def solution_steps(self) -> tuple[str, ...]:
        """The steps of the one right solution."""
        total, steps = int(self.id[:3]), []
        for sign, operand in re.findall(r"([-+*])(\d\d)", self.id):
            total = _apply(total, sign, int(operand))
            steps.append(f"{sign}{operand}={total:03d}")
        return tuple(steps)

    @property
    def solution_text(self) -> str:
        """The one right solution as the shipped models write it, without the end-of-text token."""
        return "".join(step + "\n" for step in self.solution_steps)

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """Steps are the lines of `text`; there is an answer only if every line is a well-formed step."""
        steps = tuple(text.removesuffix("\n").split("\n")) if text else ()
        matches = [_STEP.fullmatch(step) for step in steps]
        last = matches[-1] if matches and all(matches) and text.endswith("\n") else None
        return steps, str(int(last[3])) if last else None

    def check_steps(self, steps: tuple[str, ...]) -> list[bool]:
        """Exact: a step is right if it and all before it are those of the one right solution."""
        right, truth, checks = True, self.solution_steps, []
        for i, step in enumerate(steps):
            right = right and i < len(truth) and step == truth[i]
            checks.append(right)
        return checks

    def show(self, text: str) -> str:
        total, lines = str(int(self.id[:3])), []
        for step in self.read(text)[0]:
            if match := _STEP.fullmatch(step):
                sign, operand, result = match.groups()
                lines.append(f"{total} {_SIGNS[sign]} {int(operand)} = {int(result)}")
                total = str(int(result))
            else:
                lines.append(f"{step!r} (not a step)")
                total = "?"
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Solution:
    """One attempt at a problem.

    text: what the policy wrote, without the end-of-text token; tokens: ids of all that it wrote, with it;
    finished: whether it ended by itself; logprob: log-probability of the tokens under the policy at
    temperature 1 (natural logarithm), NaN if it was not the policy's own writing; key: the name of its random stream,
    which what is written next goes on with; shown: the earlier attempts that the policy saw, as it was fed them;
    length: how many tokens were written, where a server tells their number and not their ids; reasoning: what the model
    thought, where a server keeps it apart from the text. It is no part of the solution, and is not recorded.
    """

    problem: Problem
    text: str
    tokens: tuple[int, ...] = ()
    finished: bool = True
    logprob: float = float("nan")
    key: str = field(default="", repr=False)
    shown: str = field(default="", repr=False)
    length: int = field(default=0, repr=False)
    reasoning: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.tokens:
            object.__setattr__(self, "length", len(self.tokens))

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The steps written so far, as the policy wrote them."""
        return self.problem.read(self.text)[0]

    @cached_property
    def answer(self) -> str | None:
        """The answer it ends in; None if it is unfinished or ends in none."""
        return self.problem.read(self.text)[1] if self.finished else None

    @property
    def correct(self) -> bool:
        """Whether the final answer is right."""
        return answers_equal(self.answer, self.problem.answer)

    def __str__(self) -> str:
        return self.problem.show(self.text)


def well_formed(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair that stands alone.

    Two halves in a row become the character. Python reads halves from JSON ("\\ud83d"), and can neither encode nor
    store them.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def show_attempts(texts: Sequence[str], comment: str = "") -> str:
    """Earlier attempts as a policy is fed them, the newest last, with what a verifier says of that one before it.

    They stand before the problem: a solution is as far from its problem as without them, and as far from the newest
    attempt with a comment as without.
    """
    newest = len(texts) - 1
    attempts = [(comment if i == newest else "") + text + ATTEMPT_END for i, text in enumerate(texts)]
    return "".join(attempts[-ATTEMPTS_SHOWN:])


def load_problems(name: str | Path, *, limit: int = 500, seed: int = 0, examples: Sequence[Any] = ()) -> list[Any]:
    """Problems of the arithmetic task, word problems, or problems from a file or a data set.

    The first k problems of a longer list are the list of k. Of the arithmetic task, every length and operand size gets
    its equal share.

    Parameters
    ----------
    name : str or Path
        "train", "validation" or "test", three sets of the arithmetic task with no problem in common; "words-train",
        "words-validation" or "words-test", three of word problems; a file like GSM8K's or MATH's that ends in .jsonl,
        .jsonl.gz, .json or .parquet; or a data set of the Hugging Face Hub, "HuggingFaceH4/MATH-500" or
        "openai/gsm8k/main", and then its test set.
    limit : int
        Problems at most.
    seed : int
        Another seed draws others of the same set, and puts those of a file in another order.
    examples : sequence of TextProblem
        Problems with worked solutions, from a file or data set, that are shown before each.

    Raises
    ------
    ValueError
        For an unknown name, for limit < 1, and for a file that is not there, cannot be read, has no problem, or has two
        with one id.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    split = str(name).removeprefix("words-")
    if split not in SPLITS:
        return _told(name, limit, seed, examples)
    draw: Callable[[str, random.Random], Iterator[Problem]] = generate_problems
    if split != name:
        from .word_problems import generate_word_problems as draw  # it is built on this module, as text_problems is
    drawn: dict[str, Problem] = {}
    problems = draw(split, random.Random(f"{name}/{seed}"))
    while len(drawn) < limit:
        problem = next(problems)
        drawn[problem.id] = problem
    return list(drawn.values())


def _told(name: str | Path, limit: int, seed: int, examples: Sequence[Any]) -> list[Any]:
    """Problems in words, from a file or a data set of the Hub."""
    from . import hub
    from .text_problems import FILES, is_file, read_problems, with_examples

    if is_file(name):
        files = [Path(name)]
    elif "/" in str(name):
        files = hub.fetch_problems(str(name))
    else:
        raise ValueError(
            f"problems come in the sets {', '.join(SPLITS)}, each also as words-..., from a file that ends in "
            f"{', '.join(FILES)}, or from owner/name on the Hub, not {str(name)!r}"
        )
    problems = with_examples(read_problems(*files), examples)
    if seed:
        random.Random(seed).shuffle(problems)
    return problems[:limit]


def generate_problems(split: str, rng: random.Random) -> Iterator[ArithmeticProblem]:
    """An endless stream of problems of one set, lengths and operand sizes taking turns."""
    while True:
        for size in SIZES:
            for length in LENGTHS:
                while split_of(expression := _draw_expression(rng, length, size)) != split:
                    pass
                yield ArithmeticProblem.from_expression(expression)


def split_of(expression: str) -> str:
    """The set a problem belongs to, by a hash of its text: a tenth is for validation, a tenth for testing."""
    bucket = hashlib.blake2b(expression.encode(), digest_size=2).digest()
    return {0: "test", 1: "validation"}.get(int.from_bytes(bucket) % 10, "train")


def _draw_expression(rng: random.Random, length: int, size: str) -> str:
    largest_start, terms, factors = SIZES[size]
    total = rng.randint(1, largest_start)
    expression = f"{total:03d}"
    for _ in range(length):
        while True:
            sign = rng.choice("+-*")
            operand = rng.choice(factors if sign == "*" else terms)
            if 1 <= (result := _apply(total, sign, operand)) <= 999:
                break
        total = result
        expression += f"{sign}{operand:02d}"
    return expression


def _apply(total: int, sign: str, operand: int) -> int:
    return total + operand if sign == "+" else total - operand if sign == "-" else total * operand
