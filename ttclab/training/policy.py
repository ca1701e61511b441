"""Training a policy on the arithmetic task: plain next-token prediction on right solutions."""

import random
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ..problems import LENGTHS, SIZES, generate_problems
from .tokens import END


@dataclass(frozen=True)
class PolicyRecipe:
    """Everything that decides what a trained policy is, besides its seed.

    width, depth, heads, feedforward: of the transformer; steps, batch: optimizer steps, problems in each.
    """

    width: int
    depth: int
    heads: int
    feedforward: int
    steps: int
    batch: int = 64
    learning_rate: float = 4e-3
    muon_learning_rate: float = 2e-2
    warmup: int = 100
    points: tuple[int, ...] = ()  # steps at which it is shipped; none: once, at the end
    averaging: float = 0.985  # decay of the running average of the weights, which is what gets saved

    def build(self, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=self.width,
                intermediate_size=self.feedforward,
                num_hidden_layers=self.depth,
                num_attention_heads=self.heads,
                max_position_embeddings=512,
                tie_word_embeddings=True,
                rope_theta=10_000.0,
                rms_norm_eps=1e-5,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
                bos_token_id=None,
            )
        )

    def rate(self, step: int) -> float:
        """The learning rate's share at a step: a short warm-up, then a straight line to zero."""
        return min(1.0, (step + 1) / self.warmup) * (1 - step / self.steps)

    def draw(self, seed: int, step: int, tokenizer: PreTrainedTokenizerFast) -> tuple[Tensor, Tensor]:
        """Input ids and labels of one step, (batch, length) each: a function of the seed and the step alone.

        Padded on the right, where causal attention never looks; the loss is on the solution only.
        """
        rng = random.Random(f"{seed}/{step}")
        stream = generate_problems("train", rng)
        offset = rng.randrange(len(SIZES) * len(LENGTHS))  # a batch is no whole number of rounds: begin anywhere
        problems = list(islice(stream, offset, offset + self.batch))
        rows = [tokenizer.encode(p.prompt + p.solution_text + END) for p in problems]
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), tokenizer.pad_token_id)
        labels = torch.full((len(rows), length), -100)
        for i, (problem, row) in enumerate(zip(problems, rows)):
            ids[i, : len(row)] = torch.tensor(row)
            labels[i, len(problem.prompt) : len(row)] = ids[i, len(problem.prompt) : len(row)]
        return ids, labels


# "large" has 13.7 times the parameters of "small" in its blocks, and is shipped along the way of its training.
RECIPES = {
    "small": PolicyRecipe(width=32, depth=2, heads=2, feedforward=88, steps=3400),
    "large": PolicyRecipe(
        width=96, depth=3, heads=6, feedforward=272, steps=2500, points=(750, 1000, 1250, 1500, 2000, 2500)
    ),
}
