"""Problems, solutions and feedback: what every task has."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..answers import answers_equal

if TYPE_CHECKING:
    from ..token_stats import TokenStats

T = TypeVar("T")
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
    """A question with a known answer. Every task has a subclass.

    Attributes
    ----------
    id : str
        Unique among problems.
    question : str
        As a person reads it.
    prompt : str
        The exact text that a policy is fed.
    answer : str
        The right answer.
    step_end, prompt_end : str
        The texts that end a step and a prompt; the same for all problems of a task.
    """

    id: str
    question: str
    prompt: str
    answer: str
    step_end: ClassVar[str] = "\n"
    prompt_end: ClassVar[str] = "\n"

    @property
    def solution_text(self) -> str:
        """A right solution as a policy writes it, without the end-of-text token; "" if none is known."""
        return ""

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
        """Earlier attempts, the newest last, and feedback on that one, as a policy without chats is fed them."""
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


@dataclass(frozen=True, eq=False)
class Solution:
    """One attempt at a problem.

    text: what the policy wrote, without the end-of-text token; tokens: ids of all that it wrote, with it;
    finished: whether it ended by itself; logprob: log-probability of the tokens under the policy at
    temperature 1 (natural logarithm), NaN if it was not the policy's own writing; key: the name of its random stream,
    which what is written next goes on with; shown: the earlier attempts that the policy saw, as it was fed them;
    length: how many tokens were written, where a server tells their number and not their ids; reasoning: what the model
    thought, where a server keeps it apart from the text. It is no part of the solution, and is not recorded;
    stats: statistics of its tokens, where they were asked for (`token_stats.token_stats_kept`).
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
    stats: "TokenStats | None" = field(default=None, repr=False)

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


def as_problems(problem: Problem | Sequence[Problem]) -> list[Problem]:
    """One problem or several as a list. Raises ValueError for an empty list."""
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    if not problems:
        raise ValueError("there must be at least one problem, but the list is empty")
    return problems


def one_or_all(problem: Problem | Sequence[Problem], results: list[T]) -> T | list[T]:
    """Results in the form of the request: the single result for one problem, all of them for a list."""
    return results[0] if isinstance(problem, Problem) else results


@dataclass(frozen=True)
class Prompt:
    """What a solution is written after: a problem, texts of earlier attempts, and feedback on the newest attempt."""

    problem: Problem
    attempts: Sequence[str] = ()
    feedback: Feedback | None = None

    @property
    def shown(self) -> str:
        """The earlier attempts as they are fed to a policy without a chat template."""
        return self.problem.show_attempts(self.attempts, self.feedback) if self.attempts else ""

    def text(self, template: Any = None) -> str:
        """The exact text that the policy continues.

        Parameters
        ----------
        template : tokenizer, optional
            Tokenizer whose chat template renders the problem and the attempts as turns of a chat. Without one the text
            is plain.
        """
        if template is None:
            return self.problem.feed(self.shown)
        turns = self.problem.turns(self.attempts, self.feedback)
        return str(template.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
