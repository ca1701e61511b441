"""What a task is: data and a few functions. One file of `tasks` and one line of the registry make a task."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .problem import Problem

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A kind of problem.

    How a solution is read, shown and checked, the right solution, the text that ends a step, and the way earlier
    attempts and feedback are fed to a model are methods and attributes of the class of its problems (`Problem`).

    Parameters
    ----------
    name : str
        Its name in the registry, and in the metadata of models and recorded runs.
    problem : type
        The class of its problems.
    parse : callable
        The problem with an id. Raises ValueError for an id of another form.
    draw : callable, optional
        An endless stream of problems of a split, from a split and a `random.Random`. None for a task whose problems
        come from files.
    prefix : str
        What stands before a split in the name of a problem set, by default the task's name and a hyphen.
    alphabet : str
        The characters of its problems and solutions, for models that are trained on it from scratch and read one token
        a character. Empty for a task of pretrained models.
    period : int
        Problems after which the stream comes back to the same kind of problem.
    """

    name: str
    problem: type[Problem]
    parse: Callable[[str], Problem]
    draw: Callable[[str, random.Random], Iterator[Problem]] | None = None
    prefix: str | None = None
    alphabet: str = ""
    period: int = 1

    def set_name(self, split: str) -> str:
        """Name of a split of this task's problems, as `load_problems` takes it."""
        return (f"{self.name}-" if self.prefix is None else self.prefix) + split

    def count_tokens(self, text: str) -> int:
        """Tokens of a text for the models that are trained on this task: one a character.

        Raises
        ------
        ValueError
            For a task of pretrained models, each of which has its own tokenizer.
        """
        if not self.alphabet:
            raise ValueError(f"the models of the task {self.name!r} do not read one token a character")
        return len(text)


def split_of(id: str) -> str:
    """The split that a problem belongs to, by a hash of its id: a tenth is for validation, a tenth for testing."""
    bucket = hashlib.blake2b(id.encode(), digest_size=2).digest()
    return {0: "test", 1: "validation"}.get(int.from_bytes(bucket) % 10, "train")
