"""What is drawn for a recorded run, and from which model: the options that recording and planning share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How many solutions are drawn to which problems, and how.

    Parameters
    ----------
    samples, problems : int
        Solutions per problem, and problems of the set at most.
    greedy : bool
        One greedy solution per problem; `samples` and `temperature` do not count then.
    seed : int
        Of the draws.
    temperature, max_new_tokens : optional
        Of the draws, and of a solution; the model's own by default.
    at : int, optional
        The training step of a model that ships at several.
    device : str
        As for `ttclab.load`.
    server : mapping
        What `ttclab.load` takes for a server, such as its model's name and files.

    Raises
    ------
    ValueError
        For fewer than one sample or one problem.
    """

    samples: int = 256
    problems: int = 500
    greedy: bool = False
    seed: int = 0
    temperature: float | None = None
    max_new_tokens: int | None = None
    at: int | None = None
    device: str = "auto"
    server: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.samples < 1 or self.problems < 1:
            raise ValueError(
                f"a recording needs samples >= 1 and problems >= 1, not {self.samples} and {self.problems}"
            )
        if self.greedy:
            object.__setattr__(self, "samples", 1)
            object.__setattr__(self, "temperature", 0.0)
