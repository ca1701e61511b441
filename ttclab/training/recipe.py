"""Base class of training recipes: schedule, data, loss and evaluation of a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from ..models.language_model import LanguageModel
from ..models.loading import load
from ..tasks.arithmetic import ARITHMETIC
from .draws import Arrays, Draw, Problems, rows_of
from .network import Network, Weights
from .rows import UNLABELLED, Rows, Table

Measures = dict[str, list[float]]  # one value per seed, by name of the measure
GOAL = "pass@1"  # on validation problems


class Piece(NamedTuple):
    """Rows that go through the network together: tensors (seeds, rows, length). Labels are None for a policy."""

    ids: Tensor
    following: Tensor
    labels: Tensor | None


class Source(NamedTuple):
    """Folders, seed and device of a training.

    Attributes
    ----------
    seed : int
    zoo : Path
        Folder of the policies that write data.
    data : Path
        Folder of the draws.
    device : str
        Device of these policies.
    """

    seed: int
    zoo: Path
    data: Path
    device: str

    def load(self, draw: Draw) -> Arrays:
        """The arrays of a draw, which is made if it does not exist."""
        return draw.load(self.data, self.zoo, self.device)


class Data(NamedTuple):
    """Data of one seed: the tables that each step reads from, and the FLOPs of writing them."""

    tables: list[Table]
    flops: int


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines a trained model, except its seed.

    Attributes
    ----------
    steps, batch : int
        Optimizer steps (at most, with a goal), and problems in each.
    learning_rate, muon_learning_rate : float
        Peak learning rates of AdamW and of Muon.
    warmup : int
        Steps of linear warm-up; then the learning rate falls linearly to zero.
    points : tuple of int
        Steps at which the model is saved; empty to save it once, at the end.
    goal : float, optional
        Value of the measure `GOAL` at which training ends. Models of different seeds then reach the same level, which
        they do not after the same number of steps.
    averaging : float
        Decay of the running average of the weights. The averaged weights are saved.
    base : str, optional
        Shipped model from which this one is grown.
    task : str
        Name of the task that the model is trained on.
    """

    steps: int
    batch: int = 64
    learning_rate: float = 4e-3
    muon_learning_rate: float = 2e-2
    warmup: int = 100
    points: tuple[int, ...] = ()
    goal: float | None = None
    averaging: float = 0.985
    base: str | None = None
    task: str = ARITHMETIC.name

    def rate(self, step: int) -> float:
        """Fraction of the peak learning rate at a step."""
        return min(1.0, (step + 1) / self.warmup) * (1 - step / self.steps)

    @property
    def needs(self) -> set[str]:
        """Models that must be trained first: the base model, and the policies that generate the data."""
        bases = {self.base.rstrip("-0123456789")} if self.base else set()
        return bases | self.writers

    @property
    def writers(self) -> set[str]:
        """Policies that generate the data."""
        return {draw.writer for draw in self.draws(0) if draw.writer}

    def build(self, tokenizer: PreTrainedTokenizerFast, zoo: Path) -> PreTrainedModel:
        """Build the untrained model on the CPU. It depends only on torch's seed and on the base model in `zoo`."""
        raise NotImplementedError

    def draws(self, seed: int) -> list[Draw]:
        """All draws of a training."""
        parts = range(-(-self.steps // Problems.STEPS))
        return [Problems(seed=seed, part=part, task=self.task, batch=self.plain) for part in parts]

    @property
    def plain(self) -> int:
        """Number of plain rows per step: right solutions without earlier attempts."""
        return self.batch

    def data(self, source: Source) -> Data:
        """The data of a seed."""
        raise NotImplementedError

    def plain_table(self, source: Source) -> Table:
        """Table of the plain rows."""
        draws = [draw for draw in self.draws(source.seed) if isinstance(draw, Problems)]
        rows = Rows.join([rows_of(source.load(draw)) for draw in draws])
        return Table(rows, np.arange(self.steps * self.plain).reshape(self.steps, self.plain), pieces=3)

    def pass_flops(self, config: PreTrainedConfig, length: int, rows: int) -> int:
        """FLOPs of a forward pass."""
        raise NotImplementedError

    def loss(self, network: Network, weights: Weights, pieces: Sequence[Piece]) -> Tensor:
        """Loss of each seed, (seeds,): the mean over all tokens of a step, whatever the split into pieces."""
        written = []
        for piece in pieces:
            predicted, _ = network.read(weights, piece.ids)
            written.append(next_token_loss(predicted, piece.following))
        return mean_over_targets(written, [piece.following for piece in pieces])

    def measure(self, network: Network, weights: Weights, sources: Sequence[Source]) -> Measures:
        """Evaluate the models on validation problems; `sources` has one entry per seed."""
        raise NotImplementedError


def next_token_loss(predicted: Tensor, following: Tensor) -> Tensor:
    """Sum of the cross-entropy of each seed, (seeds,)."""
    losses = functional.cross_entropy(
        predicted.flatten(0, 2), following.flatten(), ignore_index=UNLABELLED, reduction="none"
    )
    return losses.view(len(predicted), -1).sum(1)


def mean_over_targets(sums: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Sums over pieces, divided by the number of targets, for each seed."""
    count = torch.stack([(target != UNLABELLED).flatten(1).sum(1) for target in targets]).sum(0)
    return torch.stack(list(sums)).sum(0) / count


def load_base(folder: Path) -> LanguageModel:
    """A trained policy, on the CPU."""
    policy = load(folder, device="cpu")
    assert isinstance(policy, LanguageModel)  # a server cannot be trained
    return policy


def teacher_forced(network: Network, weights: Weights, rows: Sequence[Rows]) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate models on right solutions with teacher forcing, each seed on its own rows.

    Returns
    -------
    greedy : array of shape (seeds, rows)
        Whether greedy decoding writes the right solution.
    probability : array of shape (seeds, rows)
        Probability that a sample at temperature 1 is the right solution. Samples with a right answer
        after wrong steps, which small models also write, are not counted.
    """
    device = network.flat.device
    greedy, probability = [], []
    for seed, own in enumerate(rows):
        alone = {name: weight[seed : seed + 1] for name, weight in weights.items()}
        ids, following = (torch.from_numpy(x).to(device).long()[None] for x in (own.ids, own.following))
        with torch.no_grad():
            predicted, _ = network.read(alone, ids)
        target = following != UNLABELLED
        agrees = (predicted.argmax(-1) == following) | ~target
        logprob = predicted.log_softmax(-1).gather(3, following.clamp(min=0)[..., None]).squeeze(-1)
        greedy.append(agrees.all(2)[0].cpu().numpy())
        probability.append((logprob * target).sum(2).exp()[0].double().cpu().numpy())
    return np.stack(greedy), np.stack(probability)
