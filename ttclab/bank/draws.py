"""Options that recording and planning share: the model and the samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Settings of the samples of a recorded run.

    Parameters
    ----------
    samples, problems : int
        Solutions per problem, and the largest number of problems.
    greedy : bool
        Draw one greedy solution per problem; `samples` and `temperature` are ignored.
    seed : int
        Seed of the samples.
    temperature, max_new_tokens : optional
        Sampling temperature, and token limit of a solution; by default the model's own.
    at : int, optional
        Training step, for a model that ships at several.
    device : str
        As for `ttclab.load`.
    server : mapping
        Options of `ttclab.load` for a server, such as its model's name and files.

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
