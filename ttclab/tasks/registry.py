"""The tasks by name, and their problems."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .arithmetic import ARITHMETIC
from .problem import Problem
from .task import SPLITS, Task
from .text_problems import FILES, TEXT, is_file, read_problems, with_examples
from .word_problems import WORDS

REPEATS = 10_000  # problems in a row that were drawn before: a set that has no more
TASKS = {task.name: task for task in (ARITHMETIC, WORDS, TEXT)}


def find_set(name: str | Path) -> tuple[Task, str | None]:
    """The task and the split of a named problem set; for any other name the task of text files, and None."""
    for task in TASKS.values():
        for split in SPLITS if task.draw else ():
            if str(name) == task.set_name(split):
                return task, split
    return TEXT, None


def load_problems(name: str | Path, *, limit: int = 500, seed: int = 0, examples: Sequence[Any] = ()) -> list[Any]:
    """Load problems of a task, from a file or from a data set.

    The first k problems of a longer list are the list of k. Every length and operand size of the arithmetic task gets
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
    task, split = find_set(name)
    if task.draw is None or split is None:
        return _from_files(name, limit, seed, examples)
    drawn: dict[str, Problem] = {}
    again = 0
    for problem in task.draw(split, random.Random(f"{name}/{seed}")):
        again = again + 1 if problem.id in drawn else 0
        if again > REPEATS:
            raise ValueError(f"the set {name} has about {len(drawn)} problems, not {limit}")
        drawn[problem.id] = problem
        if len(drawn) == limit:
            break
    return list(drawn.values())


def _from_files(name: str | Path, limit: int, seed: int, examples: Sequence[Any]) -> list[Any]:
    """Problems in words, from a file or a data set of the Hub."""
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
    return problems[:limit]
