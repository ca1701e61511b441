"""Problems in words, for real language models: few-shot examples, steps, and answers in many formats."""

import gzip
import json
import os
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..answers import answer_in
from .problem import ATTEMPTS_SHOWN, Feedback, Problem, well_formed
from .task import Task

INSTRUCTION = "Reason step by step, one step a line, and put the final answer in \\boxed{}."
FILES = (".jsonl", ".jsonl.gz", ".json", ".parquet")  # endings of file names
FAULTS_SHOWN = 3  # faulty rows that a warning describes
_CALCULATOR = re.compile(r"<<[^<>]*>>")  # calculator annotations of GSM8K
AGAIN = "Look for a mistake in that, and solve the problem again."


@dataclass(frozen=True)
class TextProblem(Problem):
    """A question in words. Only its answer is known: the steps of a solution cannot be checked.

    Attributes
    ----------
    worked : str
        Right solution from the data set, "" if there is none.
    examples : tuple of TextProblem
        Few-shot examples: problems with worked solutions.
    """

    worked: str = field(default="", repr=False)
    examples: tuple["TextProblem", ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, id: str, question: str, answer: str, worked: str = "") -> "TextProblem":
        """Build a problem with the prompt for a policy without a chat template."""
        return cls(id, question, f"Question: {question}\nAnswer:\n", answer, worked)

    @property
    def solution_text(self) -> str:
        return self.worked

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """Split `text` into its non-blank lines, one step per line. The answer is the last marked one."""
        return tuple(line for line in text.split("\n") if line.strip()), answer_in(text)

    def ended(self, text: str) -> bool | None:
        """True if the last line has the answer. A base model would continue with a question of its own."""
        last = text.removesuffix("\n").rpartition("\n")[2]
        return answer_in(last) is not None and answer_in(text) is not None

    def feed(self, shown: str = "") -> str:
        return "".join(f"{example.prompt}{example.worked}\n\n" for example in self.examples) + super().feed(shown)

    def turns(self, attempts: Sequence[str] = (), feedback: Feedback | None = None) -> list[dict[str, str]]:
        """The turns of a chat: examples and the newest earlier attempts are earlier questions and replies."""
        request = self.question if self.examples else f"{self.question}\n{INSTRUCTION}"
        turns = [
            {"role": role, "content": content}
            for example in self.examples
            for role, content in (("user", example.question), ("assistant", example.worked))
        ]
        turns.append({"role": "user", "content": request})
        shown = attempts[-ATTEMPTS_SHOWN:]
        for i, attempt in enumerate(shown):
            reply = f"{feedback} {AGAIN}" if feedback and i == len(shown) - 1 else AGAIN
            turns += [{"role": "assistant", "content": attempt}, {"role": "user", "content": reply}]
        return turns


def with_examples(problems: Sequence[TextProblem], examples: Sequence[TextProblem]) -> list[TextProblem]:
    """Prepend few-shot examples to each problem. Raises ValueError for an example without a worked solution."""
    if unworked := [example.id for example in examples if not example.worked]:
        raise ValueError(f"an example needs a worked solution, which {unworked[0]!r} does not have")
    return [replace(problem, examples=tuple(examples)) for problem in problems]


def is_file(name: str | Path) -> bool:
    """Whether a name is that of a file: by its ending, by its first character, or because the file exists."""
    return str(name).lower().endswith(FILES) or str(name)[:1] in ("/", ".", "~") or Path(name).is_file()


def read_problems(*files: Path) -> list[TextProblem]:
    """Read problems from JSON Lines, JSON or Parquet files with the fields of GSM8K or MATH.

    A row has a "question" or "problem", and an "answer" or a worked "solution" that ends in the answer. If the "answer"
    includes the worked solution ("... #### 72"), the two are separated. Rows without a problem are skipped with a
    warning.

    Parameters
    ----------
    *files : Path
        Files in UTF-8 whose names end in .jsonl, .jsonl.gz, .json (a list of rows, or one row per line) or .parquet.
        "~" is the home directory.

    Raises
    ------
    ValueError
        If a file is missing, damaged, not in UTF-8 or of another type, if no file has a problem, or if an id is
        repeated.
    """
    problems, faults, places = [], [], dict[str, str]()
    for file in (Path(os.path.expanduser(each)) for each in files):  # Path.expanduser raises for an unknown ~user
        for number, row in enumerate(_rows(file), start=1):
            place = f"row {number} of {file.name}"
            try:
                problem = _problem(row, f"{_stem(file)}/{number}")
            except ValueError as error:
                faults.append(f"{place} {error}")
                continue
            if problem.id in places:
                raise ValueError(
                    f"two problems have the id {problem.id!r}, {places[problem.id]} and {place}: each needs its own"
                )
            places[problem.id] = place
            problems.append(problem)
    if not problems:
        raise ValueError(f"no problem found in {', '.join(map(str, files))}: {(faults or ['no row'])[0]}")
    if faults:
        more = f", and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        warnings.warn(f"skipped: {'; '.join(faults[:FAULTS_SHOWN])}{more}", stacklevel=2)
    return problems


def _stem(file: Path) -> str:
    return re.sub(r"(?i)\.(?:jsonl|jsonl\.gz|json|parquet)\Z", "", file.name)


def _rows(file: Path) -> Iterator[Any]:
    """Yield the rows of a file; a line that is not JSON is yielded as text."""
    if not file.name.lower().endswith(FILES):
        raise ValueError(f"problems are read from files that end in {', '.join(FILES)}, not from {file}")
    if not file.is_file():
        raise ValueError(f"there is no file {file}")
    if file.suffix.lower() == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            yield from pq.read_table(file).to_pylist()
        except pa.ArrowInvalid as error:
            raise ValueError(f"{file} is damaged or no Parquet file: {error}") from None
        return
    lines = _lines(file)
    if file.suffix.lower() == ".json":
        text = "".join(lines)
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError):
            rows = None
        if isinstance(rows, list):
            yield from rows
            return
        lines = iter(text.split("\n"))
    for line in lines:
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield line


def _lines(file: Path) -> Iterator[str]:
    """Yield the lines of a text file in UTF-8. Only a newline ends a line, because questions may contain U+2028."""
    opened = gzip.open if file.suffix.lower() == ".gz" else open
    try:
        with opened(file, "rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise ValueError(
                        f"{file} is not in UTF-8: line {number} has the byte 0x{line[error.start]:02x}. "
                        "Save it in UTF-8"
                    ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{file} is damaged or not compressed by gzip: {error}") from None


def _problem(row: Any, id: str) -> TextProblem:
    """Build the problem in a row. The message of a ValueError is meant to follow the number of the row."""
    if not isinstance(row, dict):
        raise ValueError(f"is not a JSON object: {str(row)[:40]!r}")
    question, answer, worked = (_text(row, *names) for names in (("question", "problem"), ("answer",), ("solution",)))
    if not question:
        raise ValueError('has neither a "question" nor a "problem"')
    if "####" in answer:
        worked = _CALCULATOR.sub("", answer)
        answer = answer_in(answer) or ""
    answer = answer or answer_in(worked) or ""
    if not answer:
        raise ValueError('has no "answer" and no "solution" that ends in an answer')
    return TextProblem.of(_text(row, "unique_id", "id") or id, question, answer, worked)


def _text(row: dict[str, Any], *names: str) -> str:
    """The first existing field as text; numbers are converted."""
    values = [row[name] for name in names if isinstance(row.get(name), str | int | float)]
    return well_formed(str(values[0])).strip() if values else ""


def _not_by_id(id: str) -> TextProblem:
    raise ValueError(f"a problem from a file cannot be rebuilt from its id {id!r}: it needs the file")


TEXT = Task(name="text", problem=TextProblem, parse=_not_by_id)
