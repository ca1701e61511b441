"""The description of a task. A new task is one module of `tasks` and one line in the registry."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .problem import Problem

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A kind of problem.

    The class of its problems (`Problem`) defines how solutions are parsed, displayed and checked, and how a model
    is fed earlier attempts and feedback.

    Parameters
    ----------
    name : str
        Name in the registry, and in the metadata of models and recorded runs.
    problem : type
        Class of the problems.
    parse : callable
        Builds the problem with an id. Raises ValueError for an id in another format.
    draw : callable, optional
        Yields problems without end, given a split and a `random.Random`. None for a task whose problems come from
        files.
    prefix : str
        Prefix of a split in the name of a problem set, by default the task's name and a hyphen.
    alphabet : str
        Characters of problems and solutions, the tokens of models that are trained from scratch. Empty for a task of
        pretrained models.
    period : int
        Number of problems after which `draw` returns to the same kind of problem.
    """

    name: str
    problem: type[Problem]
    parse: Callable[[str], Problem]
    draw: Callable[[str, random.Random], Iterator[Problem]] | None = None
    prefix: str | None = None
    alphabet: str = ""
    period: int = 1

    def set_name(self, split: str) -> str:
        """Name of the problem set of a split, as for `load_problems`."""
        return (f"{self.name}-" if self.prefix is None else self.prefix) + split

    def count_tokens(self, text: str) -> int:
        """Number of tokens of a text for models that are trained on this task, one per character.

        Raises
        ------
        ValueError
            If the task is one of pretrained models, each of which has its own tokenizer.
        """
        if not self.alphabet:
            raise ValueError(f"models of the task {self.name!r} do not have one token per character")
        return len(text)


def split_of(id: str) -> str:
    """The split of a problem, by a hash of its id: a tenth for validation, a tenth for testing, otherwise training."""
    bucket = hashlib.blake2b(id.encode(), digest_size=2).digest()
    return {0: "test", 1: "validation"}.get(int.from_bytes(bucket) % 10, "train")
