"""Registry of tasks, and loading of their problems."""

import random
from collections.abc import Sequence
from pathlib import Path

from .arithmetic import ARITHMETIC
from .problem import Problem
from .task import SPLITS, Task
from .text_problems import FILES, TEXT, TextProblem, is_file, read_problems, with_examples
from .word_problems import WORDS

REPEATS = 10_000  # consecutive repeated problems after which a set counts as exhausted
TASKS = {task.name: task for task in (ARITHMETIC, WORDS, TEXT)}


def find_set(name: str | Path) -> tuple[Task, str | None]:
    """The task and the split of a named problem set; for any other name, the task of text files and None."""
    for task in TASKS.values():
        for split in SPLITS if task.draw else ():
            if str(name) == task.set_name(split):
                return task, split
    return TEXT, None


def load_problems(
    name: str | Path, *, limit: int = 500, seed: int = 0, examples: Sequence[TextProblem] = ()
) -> list[Problem]:
    """Load problems of a task, from a file or from a data set.

    A list of k problems is a prefix of every longer list. In the arithmetic task, all lengths and operand sizes are
    equally frequent.

    Parameters
    ----------
    name : str or Path
        "train", "validation" or "test" for the disjoint sets of the arithmetic task; "words-train", "words-validation"
        or "words-test" for those of word problems; a file in the format of GSM8K or MATH that ends in .jsonl,
        .jsonl.gz, .json or .parquet; or a data set on the Hugging Face Hub, such as "HuggingFaceH4/MATH-500" or
        "openai/gsm8k/main", of which the test split is loaded.
    limit : int
        Largest number of problems.
    seed : int
        Seed of the draw from a set, or of the order of a file's problems.
    examples : sequence of TextProblem
        Few-shot examples for problems from a file or data set: problems with worked solutions.

    Raises
    ------
    ValueError
        If the name is unknown, if limit < 1, or if a file is missing, cannot be read, has no problem, or repeats an id.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    task, split = find_set(name)
    if task.draw is None or split is None:
        return _from_files(name, limit, seed, examples)
    drawn: dict[str, Problem] = {}
    repeats = 0
    for problem in task.draw(split, random.Random(f"{name}/{seed}")):
        repeats = repeats + 1 if problem.id in drawn else 0
        if repeats > REPEATS:
            raise ValueError(f"the set {name} has about {len(drawn)} problems, not {limit}")
        drawn[problem.id] = problem
        if len(drawn) == limit:
            break
    return list(drawn.values())


def _from_files(name: str | Path, limit: int, seed: int, examples: Sequence[TextProblem]) -> list[Problem]:
    """Load problems in words from a file or from a data set on the Hub."""
    if is_file(name):
        files = [Path(name)]
    elif "/" in str(name):
        from .. import hub

        files = hub.fetch_problems(str(name))
    else:
        prefixes = [task.set_name("...") for task in TASKS.values() if task.draw and task.set_name("")]
        raise ValueError(
            f"problems come in the sets {', '.join(SPLITS)}, each also as {', '.join(prefixes)}, from a file that ends "
            f"in {', '.join(FILES)}, or from owner/name on the Hub, not {str(name)!r}"
        )
    problems = with_examples(read_problems(*files), examples)
    if seed:
        random.Random(seed).shuffle(problems)
    return [*problems[:limit]]
