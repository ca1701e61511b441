"""Reinforcement learning of a policy: group-relative policy gradients with the exact checker's reward.

The policy draws a group of solutions to each problem. The reward of a solution is 1 if its answer is right, else 0, and
its advantage is its reward minus the mean reward of the others in its group. This is GRPO (Shao et al. 2024) without
its two biased divisions, by the standard deviation of the group and by the length of the solution (Dr. GRPO, Liu et
al. 2025b), and with the leave-one-out mean of RLOO (Ahmadian et al. 2024). A batch is used for one update, so training
is on-policy: there is no ratio to clip, and the gradient is unbiased.

Only the gains of the RMSNorms are trained. The gradient of a batch is mostly noise, and an optimizer with steps of a
fixed size in every direction carries the noise into all weights: if the matrices are trained too, the policy first gets
worse. Few parameters suffice (Morris et al. 2026 train 13), because the policy mainly learns a sharper distribution.
"""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .. import flops, ledger
from ..estimators import pass_at_k
from ..files import atomic
from ..models.language_model import LanguageModel
from ..models.loading import load
from ..tasks.problem import Solution
from ..tasks.registry import TASKS, load_problems
from .draws import problems_of
from .recipe import Recipe

CHECK_EVERY = 50  # steps between two evaluations on validation problems, each with a checkpoint
PARTS = 3  # a step's rows are split into parts of similar length, which saves padding
PROBLEMS, SAMPLES = 180, 16  # of an evaluation: validation problems, and samples of each


@dataclass(frozen=True, kw_only=True)
class ReinforcementRecipe(Recipe):
    """Recipe for training a policy further by reinforcement learning.

    Attributes
    ----------
    base : str
        Policy to start from.
    samples : int
        Solutions in a group, one group for each of `batch` problems.
    learning_rate, last_learning_rate : float
        Peak learning rates of AdamW for the gains in the layers, and for those of the norm before the logits. The
        second rate is larger, because these gains set how sharp the distribution is.
    """

    base: str
    samples: int = 16
    batch: int = 36
    warmup: int = 5
    averaging: float = 0.97
    learning_rate: float = 0.015
    last_learning_rate: float = 0.15


class Row(NamedTuple):
    """Token ids of a prompt and a solution, the index where the solution begins, and its weight."""

    ids: tuple[int, ...]
    begin: int
    weight: float


def advantages(rewards: Sequence[float]) -> list[float]:
    """Reward of each solution in a group, minus the mean reward of the others.

    Raises
    ------
    ValueError
        If the group has fewer than two solutions.
    """
    n, total = len(rewards), sum(rewards)
    if n < 2:
        raise ValueError(f"a group needs at least 2 solutions to compare, not {n}")
    return [reward - (total - reward) / (n - 1) for reward in rewards]


def weighted_rows(groups: Sequence[Sequence[Solution]], tokenizer: PreTrainedTokenizerBase) -> list[Row]:
    """Rows whose weighted log-probabilities have the policy gradient as their gradient, shortest first.

    A solution drawn several times is one row. A group with equal rewards has no rows, because its advantages are 0.

    Parameters
    ----------
    groups : sequence of sequence of Solution
        Solutions, grouped by problem.
    tokenizer : PreTrainedTokenizerBase
    """
    drawn = sum(map(len, groups))
    weights: dict[tuple[tuple[int, ...], int], float] = {}
    for group in groups:
        prompt = tuple(tokenizer.encode(group[0].problem.prompt))
        for solution, advantage in zip(group, advantages([float(s.correct) for s in group]), strict=True):
            key = (prompt + solution.tokens, len(prompt))
            weights[key] = weights.get(key, 0.0) + advantage / drawn
    rows = [Row(ids, begin, weight) for (ids, begin), weight in weights.items() if weight]
    return sorted(rows, key=lambda row: (len(row.ids), row.ids))


def weighted_logprob(model: PreTrainedModel, rows: Sequence[Row], pad_id: int) -> Tensor:
    """Sum over rows of the weight times the log-probability of the solution."""
    ids = torch.full((len(rows), max(len(row.ids) for row in rows)), pad_id)
    weights = torch.zeros(ids.shape)  # 0 for the prompt and the padding
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        weights[i, row.begin : len(row.ids)] = row.weight
    ids, weights = ids.to(model.device), weights.to(model.device)
    logprob = model(input_ids=ids, use_cache=False).logits[:, :-1].float().log_softmax(-1)
    return (logprob.gather(2, ids[:, 1:, None]).squeeze(2) * weights[:, 1:]).sum()


class Reinforcement:
    """State of a training: policy, running average of the trained parameters, optimizer, step and FLOPs.

    Parameters
    ----------
    recipe : ReinforcementRecipe
    seed : int
    policy : LanguageModel
        Policy to start from. It is modified in place.
    """

    def __init__(self, recipe: ReinforcementRecipe, seed: int, policy: LanguageModel) -> None:
        self.recipe, self.seed, self.policy = recipe, seed, policy
        self.step, self.flops, self.data_flops = 0, 0, 0
        network = self.network = policy.engine.model
        for parameter in network.parameters():
            parameter.requires_grad_(parameter.ndim == 1)
        self.trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self.average = {name: p.detach().clone() for name, p in self.trained.items()}
        last = network.model.norm.weight
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in self.trained.values() if p is not last]}, {"params": [last]}],
            weight_decay=0.0,
            betas=(0.9, 0.99),
        )

    def advance(self) -> float:
        """Take one step and return the mean reward. The data depends only on the seed, the step and the weights."""
        recipe = self.recipe
        problems, rng = problems_of(f"reinforcement/{self.seed}/{self.step}", recipe.batch, TASKS[recipe.task])
        with ledger.billed() as bill:
            groups = self.policy.generate(problems, recipe.samples, temperature=1.0, seed=rng.getrandbits(32))
        self.data_flops += bill.total.total_flops
        rows = weighted_rows(groups, self.policy.tokenizer)
        for i in range(PARTS):
            if part := rows[i * len(rows) // PARTS : (i + 1) * len(rows) // PARTS]:
                (-weighted_logprob(self.network, part, self.policy.tokenizer.pad_token_id)).backward()
                length = len(part[-1].ids)
                # The backward pass is charged in full, though the gradients of the matrices are not needed.
                self.flops += 3 * flops.forward_flops(self.network.config, length, batch=len(part))
        rates = (recipe.learning_rate, recipe.last_learning_rate)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * recipe.rate(self.step)
        self.optimizer.step()
        self.optimizer.zero_grad()
        for name, parameter in self.trained.items():
            self.average[name].lerp_(parameter.detach(), 1 - recipe.averaging)
        self.step += 1
        return float(np.mean([solution.correct for group in groups for solution in group]))

    def averaged(self) -> PreTrainedModel:
        """A copy of the model with the averaged gains, ready to be saved."""
        model = copy.deepcopy(self.network)
        model.load_state_dict(self.average, strict=False)
        return model.eval()

    def measure(self) -> dict[str, float]:
        """Evaluate the averaged model on validation problems."""
        policy = LanguageModel(self.averaged(), self.policy.tokenizer)
        problems = load_problems(TASKS[self.recipe.task].set_name("validation"), limit=PROBLEMS)
        groups = policy.generate(problems, SAMPLES, temperature=1.0)
        right = np.array([sum(solution.correct for solution in group) for group in groups])
        return {f"pass@{k}": float(pass_at_k(SAMPLES, right, k).mean()) for k in (1, SAMPLES)}

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        state = {
            "recipe": repr(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "flops": self.flops,
            "data_flops": self.data_flops,
            "model": {name: p.detach() for name, p in self.trained.items()},
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic(path) as partial:
            torch.save(state, partial)

    def load(self, path: Path) -> None:
        """Resume from a checkpoint. Raises ValueError for a checkpoint of another recipe or seed."""
        state = torch.load(path, map_location=self.network.device, weights_only=True)
        if (state["recipe"], state["seed"]) != (repr(self.recipe), self.seed):
            raise ValueError(f"{path} belongs to another recipe or seed: delete it to start again")
        self.step, self.flops, self.data_flops = state["step"], state["flops"], state["data_flops"]
        self.network.load_state_dict(state["model"], strict=False)
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])


def reinforce(
    name: str, recipe: ReinforcementRecipe, base: Path, out: Path, *, seed: int, device: str, say: Callable[[str], None]
) -> dict[str, float]:
    """Train a policy further by reinforcement learning, or resume a training that was killed.

    Parameters
    ----------
    name : str
        Name of the model.
    recipe : ReinforcementRecipe
    base : Path
        Folder of the policy to start from.
    out : Path
        Folder to write. During training, the checkpoint `OUT.checkpoint` is kept beside it.
    seed : int
        Seed of the problems and of the samples.
    device : str
        As for `ttclab.load`.
    say : callable
        Receives the progress messages.

    Returns
    -------
    dict
        The measures of the finished model on validation problems.

    Raises
    ------
    ValueError
        If the checkpoint belongs to another recipe or seed.
    """
    checkpoint = out.with_name(out.name + ".checkpoint")
    policy = load(base, device=device)
    assert isinstance(policy, LanguageModel)  # a server cannot be trained
    run = Reinforcement(recipe, seed, policy)
    out.parent.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists():
        run.load(checkpoint)
        say(f"resuming {name} at step {run.step} of {recipe.steps}")
    measures = run.measure()
    say(f"{name} step {run.step}: {_formatted(measures)}")
    rewards: list[float] = []
    with tqdm(total=recipe.steps, initial=run.step, desc=name, unit="step") as bar:
        while run.step < recipe.steps:
            rewards.append(run.advance())
            bar.update()
            if run.step % CHECK_EVERY == 0 or run.step == recipe.steps:
                measures = run.measure()
                say(f"{name} step {run.step}: mean reward {np.mean(rewards):.3f}, {_formatted(measures)}")
                rewards.clear()
                run.save(checkpoint)
    _ship(run, out, name)
    checkpoint.unlink(missing_ok=True)
    return measures


def _formatted(measures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in measures.items())


def _ship(run: Reinforcement, folder: Path, name: str) -> None:
    """Write the model with averaged gains, the tokenizer and training.json, atomically."""
    model = run.averaged()
    metadata = {
        "name": name,
        "task": run.recipe.task,
        "seed": run.seed,
        "steps": run.step,
        "base": run.recipe.base,
        "training_flops": run.flops,
        "data_flops": run.data_flops,
        "parameters": sum(p.numel() for p in model.parameters()),
        "block_parameters": sum(p.numel() for p in model.model.layers.parameters()),
    }
    with atomic(folder) as partial:
        model.save_pretrained(partial)
        run.policy.tokenizer.save_pretrained(partial)
        (partial / "training.json").write_text(json.dumps(metadata, indent=2) + "\n")


RECIPES = {"small-rl": ReinforcementRecipe(base="small", steps=300)}
