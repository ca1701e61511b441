"""Problems in words, for real language models: put with worked examples, read line by line, answered in many forms."""

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
FILES = (".jsonl", ".jsonl.gz", ".json", ".parquet")  # what the names of files with problems end in
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

    @property
    def solution_text(self) -> str:
        return self.worked

    def read(self, text: str) -> tuple[tuple[str, ...], str | None]:
        """Steps are the lines that are not blank; the answer is the last that is marked as one."""
        return tuple(line for line in text.split("\n") if line.strip()), answer_in(text)

    def ended(self, text: str) -> bool | None:
        """Once the last line has the answer: a base model would go on with a question of its own."""
        last = text.removesuffix("\n").rpartition("\n")[2]
        return answer_in(last) is not None and answer_in(text) is not None

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


def is_file(name: str | Path) -> bool:
    """Whether problems of this name are in a file: by how it ends, how it begins, or because it is there."""
    return str(name).lower().endswith(FILES) or str(name)[:1] in ("/", ".", "~") or Path(name).is_file()


def read_problems(*files: Path) -> list[TextProblem]:
    """The problems in JSON Lines, JSON or Parquet files, a row each, in the form of GSM8K or of MATH.

    A row has a "question" or "problem", and its "answer", or a worked "solution" that ends in one; an "answer" with a
    worked solution before it ("... #### 72") is taken apart. What is no problem is left out, and said in a warning.

    Parameters
    ----------
    *files : Path
        Files whose names end in .jsonl, .jsonl.gz, .json (one list of rows, or a row a line) or .parquet, in UTF-8.
        "~" is the home directory.

    Raises
    ------
    ValueError
        If a file is not there, damaged, not in UTF-8 or of another kind, if none has a problem, or if two rows have
        one id.
    """
    problems, faults, places = [], [], dict[str, str]()
    for file in (Path(os.path.expanduser(each)) for each in files):  # Path's own raises for an unknown ~user
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
        raise ValueError(f"there is no problem in {', '.join(map(str, files))}: {(faults or ['no row'])[0]}")
    if faults:
        more = f", and {len(faults) - FAULTS_SAID} more" if len(faults) > FAULTS_SAID else ""
        warnings.warn(f"left out: {'; '.join(faults[:FAULTS_SAID])}{more}", stacklevel=2)
    return problems


def _stem(file: Path) -> str:
    return re.sub(r"(?i)\.(?:jsonl|jsonl\.gz|json|parquet)\Z", "", file.name)


def _rows(file: Path) -> Iterator[Any]:
    """The rows of a file; of a line that is no JSON, the line itself."""
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
    """The lines of a text file in UTF-8, which end in a newline and nothing else: U+2028 may stand in a question."""
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
    return well_formed(str(found[0])).strip() if found else ""


def _not_by_id(id: str) -> TextProblem:
    raise ValueError(f"a problem from a file is not known by its id alone, not even {id!r}")


TEXT = Task(name="text", problem=TextProblem, parse=_not_by_id)
