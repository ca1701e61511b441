"""Training a policy on a task: next-token prediction on right solutions.

Some rows may show earlier attempts before the problem, so that the same model writes solutions and revises them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedConfig, PreTrainedTokenizerFast

from .. import flops
from ..estimators import fifths
from ..tasks.problem import ATTEMPTS_SHOWN
from ..tasks.registry import TASKS, load_problems
from .draws import Attempts, Draw, Validation, rows_of
from .network import Network, Weights
from .recipe import Data, Measures, Recipe, Source, teacher_forced
from .rows import Rows, Table, shuffled, taught
from .tokens import END

VALIDATION = 500  # problems


@dataclass(frozen=True, kw_only=True)
class PolicyRecipe(Recipe):
    """Recipe of a policy, with the shape of its transformer.

    Attributes
    ----------
    width, depth, heads, feedforward : int
        Hidden size, layers, attention heads, and size of the feed-forward blocks.
    revising : int
        Rows per step that show earlier attempts, in addition to `batch`.
    twin : str, optional
        Policy that writes these attempts. It has the same shape and is trained on the same rows without attempts.
    problems : int
        Number of problems for which the twin writes attempts.

    Raises
    ------
    ValueError
        If width / heads is not an even integer, as rotary positions require.
    """

    width: int
    depth: int
    heads: int
    feedforward: int
    revising: int = 0
    twin: str | None = None
    problems: int = 32_768

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValueError(f"width must be a multiple of 2 * heads = {2 * self.heads}, not {self.width}")

    def build(self, tokenizer: PreTrainedTokenizerFast, zoo: Path) -> LlamaForCausalLM:
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

    def draws(self, seed: int) -> list[Draw]:
        return [*super().draws(seed), *self._attempts(seed), *self._validation(seed)]

    def _attempts(self, seed: int) -> list[Attempts]:
        if not self.twin:
            return []
        parts = min(4, self.problems)
        return [
            Attempts(
                seed=seed, part=part, task=self.task, policy=self.twin, problems=self.problems // parts,
                attempts=ATTEMPTS_SHOWN, chains=4, kept=0.5, commented=0.5, made_up=0.15,
            )
            for part in range(parts)
        ]  # fmt: skip

    def _validation(self, seed: int) -> list[Validation]:
        if not self.twin:
            return []
        return [Validation(seed=seed, task=self.task, policy=self.twin, problems=VALIDATION, samples=1)]

    def data(self, source: Source) -> Data:
        tables, cost = [self.plain_table(source)], 0
        if self.twin:
            arrays = [source.load(draw) for draw in self._attempts(source.seed)]
            rows = Rows.join([rows_of(each) for each in arrays])
            tables.append(Table(rows, shuffled(len(rows), self.steps, self.revising, source.seed), pieces=3))
            cost = sum(int(each["flops"]) for each in arrays)
        return Data(tables, cost)

    def pass_flops(self, config: PreTrainedConfig, length: int, rows: int) -> int:
        return flops.forward_flops(config, length, batch=rows)

    def measure(self, network: Network, weights: Weights, sources: Sequence[Source]) -> Measures:
        task = TASKS[self.task]
        problems = load_problems(task.set_name("validation"), limit=VALIDATION)
        rows = taught([(problem.prompt, problem.solution_text + END) for problem in problems], task)
        greedy, right = teacher_forced(network, weights, [rows] * len(sources))
        by_fifth = [[own[fifths(own) == i].mean() for i in range(5)] for own in right]
        measures = {
            "greedy": greedy.mean(1),
            "pass@1": right.mean(1),
            "pass@64": (1 - (1 - right) ** 64).mean(1),
            "pass@1, easiest fifth": np.array(by_fifth)[:, 0],
            "pass@1, middle fifth": np.array(by_fifth)[:, 2],
            "pass@1, hardest fifth": np.array(by_fifth)[:, 4],
        }
        if self.twin:
            shown = [
                rows_of(source.load(draw), "shown_") for source in sources for draw in self._validation(source.seed)
            ]
            measures["pass@1 after an attempt"] = teacher_forced(network, weights, shown)[1].mean(1)
        return {name: [float(x) for x in values] for name, values in measures.items()}


# "large" has 14 times the block parameters of "small", and is shipped at several steps of its training. Small models of
# different seeds differ a lot after the same number of steps, so each is trained until it solves half of the problems.
_SMALL = PolicyRecipe(width=24, depth=3, heads=4, feedforward=64, steps=8_000, goal=0.5, averaging=0.99)
RECIPES = {
    "small-plain": _SMALL,
    "small": replace(_SMALL, revising=32, twin="small-plain"),
    "large": PolicyRecipe(
        width=88, depth=3, heads=4, feedforward=248, steps=2500, points=(750, 1000, 1250, 1500, 2000, 2500)
    ),
}
