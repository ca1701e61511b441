"""Problems in words, for real language models: put with worked examples, read line by line, answered in many forms."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .answers import answer_in
from .problems import ATTEMPTS_SHOWN, Feedback, Problem

INSTRUCTION = "Reason step by step, one step a line, and put the final answer in \\boxed{}."
AGAIN = "Look for a mistake in that, and solve the problem again."


@dataclass(frozen=True)
class TextProblem(Problem):
    """A question in words. Only its answer is known: the steps of a solution can't be checked.

    worked: a right solution as its data set writes it, "" if there is none; examples: problems with worked solutions
    that a policy is shown first.
    """

    worked: str = field(default="", repr=False)
    examples: tuple["TextProblem", ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, id: str, question: str, answer: str, worked: str = "") -> "TextProblem":
        """The problem as a policy without a chat template is fed it: question, blank line, and room for the steps."""
        return cls(id, question, f"Question: {question}\nAnswer:\n", answer, worked)

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """Steps are the lines that are not blank; the answer is the last that is marked as one."""
        return tuple(line for line in text.split("\n") if line.strip()), answer_in(text)

    def feed(self, shown: str = "") -> str:
        return "".join(f"{each.prompt}{each.worked}\n\n" for each in self.examples) + super().feed(shown)

    def turns(self, attempts: Sequence[str] = (), feedback: Feedback | None = None) -> list[dict[str, str]]:
        """Examples and earlier attempts as what was asked and answered before; the last four attempts are shown."""
        asked = self.question if self.examples else f"{self.question}\n{INSTRUCTION}"
        turns = [
            {"role": role, "content": content}
            for each in self.examples
            for role, content in (("user", each.question), ("assistant", each.worked))
        ]
        turns.append({"role": "user", "content": asked})
        shown = attempts[-ATTEMPTS_SHOWN:]
        for i, attempt in enumerate(shown):
            said = f"{feedback} {AGAIN}" if feedback and i == len(shown) - 1 else AGAIN
            turns += [{"role": "assistant", "content": attempt}, {"role": "user", "content": said}]
        return turns


def with_examples(problems: Sequence[TextProblem], examples: Sequence[TextProblem]) -> list[TextProblem]:
    """The problems, each put after the worked examples. Raises ValueError for an example without its solution."""
    if unworked := [each.id for each in examples if not each.worked]:
        raise ValueError(f"an example needs a worked solution, which {unworked[0]!r} does not have")
    return [replace(problem, examples=tuple(examples)) for problem in problems]
