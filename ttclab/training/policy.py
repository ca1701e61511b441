"""Training a policy on the arithmetic task: next-token prediction on right solutions."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .. import flops
from ..models.language_model import LanguageModel
from ..tasks.arithmetic import LENGTHS, SIZES, generate_problems
from ..tasks.registry import load_problems
from .recipe import Part, Recipe
from .tokens import END


@dataclass(frozen=True, kw_only=True)
class PolicyRecipe(Recipe):
    """Recipe of a policy, with the shape of its transformer.

    Attributes
    ----------
    width, depth, heads, feedforward : int
        Hidden size, layers, attention heads, and size of the feed-forward blocks.
    """

    width: int
    depth: int
    heads: int
    feedforward: int

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

    def parts(
        self, model: LlamaForCausalLM, seed: int, step: int, tokenizer: PreTrainedTokenizerFast
    ) -> Iterator[Part]:
        ids, labels = (x.to(model.device) for x in self.draw(seed, step, tokenizer))
        loss = model(input_ids=ids, labels=labels, use_cache=False).loss
        # The backward pass costs twice the forward pass. Padding is computed, so it is counted.
        yield Part(loss, 3 * flops.forward_flops(model.config, ids.shape[1], batch=len(ids)))

    def draw(self, seed: int, step: int, tokenizer: PreTrainedTokenizerFast) -> tuple[Tensor, Tensor]:
        """Draw the data of one step, a function of the seed and the step alone.

        Returns
        -------
        ids, labels : Tensor of shape (batch, length)
            Padded on the right, where causal attention never looks. Labels cover the solutions only.
        """
        rng = random.Random(f"{seed}/{step}")
        stream = generate_problems("train", rng)
        offset = rng.randrange(
            len(SIZES) * len(LENGTHS)
        )  # a batch is not a whole number of rounds, so it starts anywhere in one
        problems = list(islice(stream, offset, offset + self.batch))
        rows = [tokenizer.encode(p.prompt + p.solution_text + END) for p in problems]
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), tokenizer.pad_token_id)
        labels = torch.full((len(rows), length), -100)
        for i, (problem, row) in enumerate(zip(problems, rows)):
            ids[i, : len(row)] = torch.tensor(row)
            labels[i, len(problem.prompt) : len(row)] = ids[i, len(problem.prompt) : len(row)]
        return ids, labels

    def measure(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> str:
        solutions = LanguageModel(model, tokenizer).generate(load_problems("validation", limit=180), temperature=0)
        return f"greedy answers right {sum(solution.correct for [solution] in solutions) / len(solutions):.3f}"


# "large" has 13.7 times the parameters of "small" in its blocks, and is shipped along the way of its training.
RECIPES = {
    "small": PolicyRecipe(width=32, depth=2, heads=2, feedforward=88, steps=3400),
    "large": PolicyRecipe(
        width=96, depth=3, heads=6, feedforward=272, steps=2500, points=(750, 1000, 1250, 1500, 2000, 2500)
    ),
}
