"""What every recipe has: the schedule, and the shapes that the training loop asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..models import LanguageModel, load

PARTS = 3  # a step's rows in parts of like length, so that little is padding
UNLABELLED = -100  # no target here


class Part(NamedTuple):
    """A share of one optimizer step: its loss, and the FLOPs of its passes and of making its data."""

    loss: Tensor
    flops: int
    data_flops: int = 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a trained model is, besides its seed.

    steps, batch: optimizer steps, problems in each; points: steps at which it is shipped (none: once, at the end);
    averaging: decay of the running average of the weights, which is what gets saved; base: the shipped model it is
    grown from, if any.
    """

    steps: int
    batch: int = 64
    learning_rate: float = 4e-3
    muon_learning_rate: float = 2e-2
    warmup: int = 100
    points: tuple[int, ...] = ()
    averaging: float = 0.985
    base: str | None = None

    def rate(self, step: int) -> float:
        """The learning rate's share at a step: a short warm-up, then a straight line to zero."""
        return min(1.0, (step + 1) / self.warmup) * (1 - step / self.steps)

    def build(self, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
        """The model before its first step, on the CPU: a function of torch's seed alone."""
        raise NotImplementedError

    def parts(self, model: PreTrainedModel, seed: int, step: int, tokenizer: PreTrainedTokenizerFast) -> Iterator[Part]:
        """The losses of one step, their sum the step's loss. The data is a function of the seed and the step alone."""
        raise NotImplementedError

    def measure(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> str:
        """How good it is by now, on validation problems."""
        raise NotImplementedError


def pad(rows: list[list[int]], value: int | float) -> Tensor:
    """Rows of numbers as one tensor, filled up on the right, where causal attention never looks."""
    length = max(map(len, rows))
    return torch.tensor([row + [value] * (length - len(row)) for row in rows])


@cache
def load_base(name: str, device: str = "cpu") -> LanguageModel:
    """A shipped policy, loaded once."""
    policy = load(name, device=device)
    assert isinstance(policy, LanguageModel)  # a server cannot be trained
    return policy
