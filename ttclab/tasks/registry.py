"""The tasks by name, and their problems."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .arithmetic import SPLITS, generate_problems
from .problem import Problem


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
    from .. import hub
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
