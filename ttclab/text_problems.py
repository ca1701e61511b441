"""Problems in words, for real language models: put with worked examples, read line by line, answered in many forms."""

import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .answers import answer_in
from .problems import ATTEMPTS_SHOWN, Feedback, Problem

INSTRUCTION = "Reason step by step, one step a line, and put the final answer in \\boxed{}."
FAULTS_SAID = 3  # rows whose fault is said in full
_CALCULATOR = re.compile(r"<<[^<>]*>>")  # of GSM8K: what a tool would have been asked
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

    def ended(self, text: str) -> bool | None:
        """Once the last line has the answer: a base model would go on with a question of its own."""
        lines = text.splitlines()
        return bool(lines) and answer_in(lines[-1]) is not None

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


def read_problems(*files: Path) -> list[TextProblem]:
    """The problems in JSONL or Parquet files, a row each, in the form of GSM8K or of MATH.

    A row has a "question" or "problem", and its "answer", or a worked "solution" that ends in one; an "answer" with a
    worked solution before it ("... #### 72") is taken apart. What is no problem is left out, and said in a warning.
    Raises ValueError, with the reason, for a file that is not there or has no problem.
    """
    problems, faults = [], []
    for file in files:
        for number, row in enumerate(_rows(file), start=1):
            try:
                problems.append(_problem(row, f"{file.stem}/{number}"))
            except ValueError as error:
                faults.append(f"row {number} of {file.name} {error}")
    if not problems:
        raise ValueError(f"there is no problem in {', '.join(map(str, files))}: {(faults or ['no row'])[0]}")
    if faults:
        more = f", and {len(faults) - FAULTS_SAID} more" if len(faults) > FAULTS_SAID else ""
        warnings.warn(f"left out: {'; '.join(faults[:FAULTS_SAID])}{more}", stacklevel=2)
    return problems


def _rows(file: Path) -> Iterator[Any]:
    """The rows of a file; of a line that is no JSON, the line itself."""
    if not file.is_file():
        raise ValueError(f"there is no file {file}")
    if file.suffix == ".parquet":
        try:
            yield from pq.read_table(file).to_pylist()
        except pa.ArrowInvalid as error:
            raise ValueError(f"{file} is damaged or no Parquet file: {error}") from None
        return
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield line


def _problem(row: Any, id: str) -> TextProblem:
    """The problem in a row. Raises ValueError with what is wrong with it, to follow the row's number."""
    if not isinstance(row, dict):
        raise ValueError(f"is no JSON object, but {str(row)[:40]!r}")
    question, answer, worked = (_text(row, *names) for names in (("question", "problem"), ("answer",), ("solution",)))
    if not question:
        raise ValueError('has neither a "question" nor a "problem"')
    if "####" in answer:
        worked = _CALCULATOR.sub("", answer)
        answer = answer_in(answer) or ""
    answer = answer or answer_in(worked) or ""
    if not answer:
        raise ValueError('has no "answer", and no "solution" that ends in one')
    return TextProblem.of(_text(row, "unique_id", "id") or id, question, answer, worked)


def _text(row: dict[str, Any], *names: str) -> str:
    """The first of these fields that is there, as text; a number is text too."""
    found = [row[name] for name in names if isinstance(row.get(name), str | int | float)]
    return str(found[0]).strip() if found else ""
