"""Base class of training recipes: the schedule, and the methods that the training loop calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..models.language_model import LanguageModel
from ..models.loading import load

PARTS = 3  # a step's rows are split into parts of similar length, which saves padding
UNLABELLED = -100  # no target at this token


class Part(NamedTuple):
    """Part of an optimizer step: its loss, the FLOPs of its passes, and the FLOPs of generating its data."""

    loss: Tensor
    flops: int
    data_flops: int = 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines a trained model, except its seed.

    Attributes
    ----------
    steps, batch : int
        Optimizer steps, and problems in each.
    learning_rate, muon_learning_rate : float
        Peak learning rates of AdamW and of Muon.
    warmup : int
        Steps of linear warm-up; then the learning rate falls linearly to zero.
    points : tuple of int
        Steps at which the model is saved; empty to save it once, at the end.
    averaging : float
        Decay of the running average of the weights, which are the weights that are saved.
    base : str, optional
        Shipped model from which this one is grown.
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
        """Fraction of the peak learning rate at a step."""
        return min(1.0, (step + 1) / self.warmup) * (1 - step / self.steps)

    def build(self, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
        """The untrained model, on the CPU: a function of torch's seed alone."""
        raise NotImplementedError

    def parts(self, model: PreTrainedModel, seed: int, step: int, tokenizer: PreTrainedTokenizerFast) -> Iterator[Part]:
        """Parts of one step, whose losses sum to the step's. The data depends only on the seed and the step."""
        raise NotImplementedError

    def measure(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> str:
        """Quality on validation problems, in words."""
        raise NotImplementedError


def pad(rows: list[list[int]], value: int | float) -> Tensor:
    """Rows as one tensor, padded on the right, where causal attention never looks."""
    length = max(map(len, rows))
    return torch.tensor([row + [value] * (length - len(row)) for row in rows])


@cache
def load_base(name: str, device: str = "cpu") -> LanguageModel:
    """A shipped policy, loaded once."""
    policy = load(name, device=device)
    assert isinstance(policy, LanguageModel)  # a server cannot be trained
    return policy
