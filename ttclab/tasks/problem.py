"""Base classes of all tasks: problems, solutions and feedback."""

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
    """Comment of a verifier on a solution.

    Attributes
    ----------
    text : str
        The comment in words, for people and chat models.
    code : str
        The comment as the small model reads it.
    step : int or None
        Number of the first wrong step, from 1; None if the verifier names no step.
    """

    text: str
    code: str
    step: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Problem:
    """A question with a known answer; base class of the problems of each task.

    Attributes
    ----------
    id : str
        Unique among problems.
    question : str
        Text for people.
    prompt : str
        Exact text that a policy is fed.
    answer : str
        Right answer.
    step_end, prompt_end : str
        Texts that end a step and a prompt, the same for all problems of a task.
    """

    id: str
    question: str
    prompt: str
    answer: str
    step_end: ClassVar[str] = "\n"
    prompt_end: ClassVar[str] = "\n"

    @property
    def solution_text(self) -> str:
        """A right solution in the format of the policy, without the end-of-text token; "" if none is known."""
        return ""

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """Split the text of a solution into steps, and return them with its answer or None. Never raises."""
        raise NotImplementedError

    def check_steps(self, steps: tuple[str, ...]) -> list[bool]:
        """For each step, whether the solution is right up to and including it."""
        raise NotImplementedError

    def show(self, text: str) -> str:
        """Format the text of a solution for people, one step per line."""
        return text

    def show_attempts(self, attempts: Sequence[str], feedback: Feedback | None = None) -> str:
        """Format earlier attempts, newest last, with feedback on the newest, for a policy without a chat template."""
        return show_attempts(attempts, feedback.code if feedback else "")

    def ended(self, text: str) -> bool | None:
        """True if the text, made of whole lines, is a complete solution; None if policies emit an end-of-text token."""
        return None

    def feed(self, shown: str = "") -> str:
        """The text that a policy without a chat template continues: earlier attempts if any, then the prompt."""
        return shown + self.prompt

    def turns(self, attempts: Sequence[str] = (), feedback: Feedback | None = None) -> list[dict[str, str]]:
        """The turns of a chat that a chat model continues, each with its role and content."""
        return [{"role": "user", "content": self.feed(self.show_attempts(attempts, feedback) if attempts else "")}]


@dataclass(frozen=True, eq=False)
class Solution:
    """One attempt at a problem.

    Attributes
    ----------
    problem : Problem
    text : str
        Text written by the policy, without the end-of-text token.
    tokens : tuple of int
        Token ids written by the policy, including the end-of-text token.
    finished : bool
        Whether the policy ended the solution itself.
    logprob : float
        Log-probability of the tokens under the policy at temperature 1 (natural logarithm); NaN if it is unknown.
    key : str
        Name of the random stream, with which a continuation of the solution is drawn.
    shown : str
        Earlier attempts in the context of the policy, in the form in which it read them.
    length : int
        Number of tokens, for servers that report the number but not the ids.
    reasoning : str
        The model's reasoning, for servers that return it separately. It is not part of the solution and not recorded.
    stats : TokenStats
        Statistics of the tokens, if `token_stats.token_stats_kept` requested them.
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
        """The steps written so far."""
        return self.problem.read(self.text)[0]

    @cached_property
    def answer(self) -> str | None:
        """The final answer; None if the solution is unfinished or has no answer."""
        return self.problem.read(self.text)[1] if self.finished else None

    @property
    def correct(self) -> bool:
        """Whether the final answer is right."""
        return answers_equal(self.answer, self.problem.answer)

    def __str__(self) -> str:
        return self.problem.show(self.text)


def well_formed(text: str) -> str:
    """Replace each lone surrogate of a text by U+FFFD, and each surrogate pair by its character.

    Python reads surrogates from JSON ("\\ud83d"), but can neither encode nor store them.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def show_attempts(texts: Sequence[str], comment: str = "") -> str:
    """Format earlier attempts for a policy, newest last, with a verifier's comment in front of the newest.

    The attempts come before the problem, so that the distance from the problem to the solution does not depend on them.
    The comment comes before the newest attempt, so that the distance from there does not depend on the comment.
    """
    newest = len(texts) - 1
    attempts = [(comment if i == newest else "") + text + ATTEMPT_END for i, text in enumerate(texts)]
    return "".join(attempts[-ATTEMPTS_SHOWN:])


def as_problems(problem: Problem | Sequence[Problem]) -> list[Problem]:
    """Convert one problem or several to a list. Raises ValueError for an empty list."""
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    if not problems:
        raise ValueError("there must be at least one problem, but the list is empty")
    return problems


def one_or_all(problem: Problem | Sequence[Problem], results: list[T]) -> T | list[T]:
    """Return the single result for one problem, or all results for a list of problems."""
    return results[0] if isinstance(problem, Problem) else results


@dataclass(frozen=True)
class Prompt:
    """Context of a solution: a problem, texts of earlier attempts, and feedback on the newest attempt."""

    problem: Problem
    attempts: Sequence[str] = ()
    feedback: Feedback | None = None

    @property
    def shown(self) -> str:
        """The earlier attempts, formatted for a policy without a chat template."""
        return self.problem.show_attempts(self.attempts, self.feedback) if self.attempts else ""

    def text(self, template: Any = None) -> str:
        """The exact text that the policy continues.

        Parameters
        ----------
        template : tokenizer, optional
            Tokenizer whose chat template renders the problem and the attempts as turns of a chat; by default plain
            text.
        """
        if template is None:
            return self.problem.feed(self.shown)
        turns = self.problem.turns(self.attempts, self.feedback)
        return str(template.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
