"""Training a verifier: is the text so far a prefix of a right solution (PRM), or is the solution right (ORM)?

The verifier reads solutions that a policy writes for training problems, right and wrong in their natural frequency.
It also learns language modelling on the right part of each solution, because its scores use its own next-token
prediction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from ..estimators import within_problem_auc
from ..tasks.arithmetic import ARITHMETIC
from ..tasks.problem import ATTEMPT_END
from ..tasks.registry import TASKS
from ..tasks.task import Task
from ..verifiers.reward_model import RewardModel, reward_flops
from .draws import Arrays, Draw, Solutions, Validation
from .network import Network, Weights
from .recipe import Data, Measures, Piece, Recipe, Source, load_base, mean_over_targets, next_token_loss
from .rows import UNLABELLED, Rows, Table, shuffled
from .tokens import END, alphabet_of

VALIDATION = (180, 16)  # problems, and solutions of each
PARTS = 4  # files of solutions, which can be drawn in parallel


@dataclass(frozen=True, kw_only=True)
class VerifierRecipe(Recipe):
    """Recipe of a verifier.

    Attributes
    ----------
    scoring_layers : int
        New layers on top of the base's.
    labels : {"steps", "answer", "rollouts", "step-ends"}
        Target at each token. "steps": is the solution right so far (Lightman et al. 2023; here known exactly)?
        "answer": is the final answer right (Cobbe et al. 2021)? "rollouts": at the end of a step, the share of right
        answers among rollouts from it (Wang et al. 2023). "step-ends": as "steps", at the ends of steps only.
    writer : str
        Policy that writes the solutions.
    problems, samples : int
        Number of problems, and of solutions to each. Training passes over the solutions several times, in new orders.
    chained, revisions : int
        Number of problems whose first solution is revised, and number of revisions in a row. The verifier reads a
        revision after the attempts that the policy was shown.
    read : int
        Solutions per training step.
    revised : int
        Revisions per training step, in addition to `read`.
    true : int
        Right solutions per training step.
    rollouts : int
        Rollouts from the end of each step of a solution.
    """

    base: str
    scoring_layers: int
    labels: str = "steps"
    writer: str = "small"
    problems: int = 65_536
    samples: int = 2
    chained: int = 16_384
    revisions: int = 2
    read: int = 128
    revised: int = 32
    true: int = 64
    rollouts: int = 0

    def build(self, tokenizer: PreTrainedTokenizerFast, zoo: Path) -> RewardModel:
        policy = load_base(zoo / self.base)
        problem = TASKS[self.task].problem
        marks = {"prompt_end": problem.prompt_end, "step_end": problem.step_end, "attempt_end": ATTEMPT_END}
        ends = {name: tokenizer.convert_tokens_to_ids(text) for name, text in marks.items()}
        return RewardModel.grown(policy.engine.model, self.scoring_layers, **ends)

    @property
    def plain(self) -> int:
        return self.true

    def draws(self, seed: int) -> list[Draw]:
        return [*super().draws(seed), *self._solutions(seed), self._validation(seed)]

    def _solutions(self, seed: int) -> list[Solutions]:
        parts = min(PARTS, self.problems)
        return [
            Solutions(
                seed=seed, part=part, task=self.task, policy=self.writer, problems=self.problems // parts,
                samples=self.samples, chained=self.chained // parts, revisions=self.revisions, rollouts=self.rollouts,
            )
            for part in range(parts)
        ]  # fmt: skip

    def _validation(self, seed: int) -> Validation:
        problems, samples = VALIDATION
        return Validation(seed=seed, task=self.task, policy=self.writer, problems=problems, samples=samples)

    def data(self, source: Source) -> Data:
        task, drawn = TASKS[self.task], [source.load(draw) for draw in self._solutions(source.seed)]
        sampled = Rows.join([labelled(arrays, self.labels, task=task) for arrays in drawn])
        plain = self.plain_table(source)
        unlabelled = np.full(plain.rows.ids.shape, UNLABELLED, dtype=np.float16)
        order = [shuffled(len(sampled), self.steps, self.read, source.seed), plain.order + len(sampled)]
        rows = Rows.join([sampled, replace(plain.rows, labels=unlabelled)])
        tables = [Table(rows, np.concatenate(order, axis=1), pieces=3)]
        if self.revised:
            again = Rows.join([labelled(arrays, self.labels, "revised_", task) for arrays in drawn])
            tables.append(Table(again, shuffled(len(again), self.steps, self.revised, source.seed), pieces=3))
        spent = sum(int(arrays["flops"]) for arrays in drawn)
        if self.labels != "rollouts":  # "prm-exact" shares its draws with "prm-rollouts", but reads no rollouts
            spent -= sum(int(arrays.get("rollout_flops", 0)) for arrays in drawn)
        return Data(tables, spent)

    def pass_flops(self, config: PreTrainedConfig, length: int, rows: int) -> int:
        return reward_flops(config, length, batch=rows)

    def loss(self, network: Network, weights: Weights, pieces: Sequence[Piece]) -> Tensor:
        written, scored, labels = [], [], []
        for piece in pieces:
            predicted, right = network.read(weights, piece.ids)
            assert right is not None and piece.labels is not None
            written.append(next_token_loss(predicted, piece.following))
            target = piece.labels != UNLABELLED
            losses = functional.binary_cross_entropy_with_logits(right, piece.labels.clamp(min=0), reduction="none")
            scored.append((losses * target).flatten(1).sum(1))
            labels.append(piece.labels)
        return mean_over_targets(written, [piece.following for piece in pieces]) + mean_over_targets(scored, labels)

    def measure(self, network: Network, weights: Weights, sources: Sequence[Source]) -> Measures:
        aucs, accuracies = [], []
        for place, source in enumerate(sources):
            draw = self._validation(source.seed)
            arrays = source.load(draw)
            scores = last_scores(network, weights, place, arrays)
            shape = draw.problems, draw.samples
            aucs.append(within_problem_auc(scores.reshape(shape), arrays["correct"].reshape(shape)))
            best = scores.reshape(shape).argmax(1)
            accuracies.append(float(arrays["correct"].reshape(shape)[np.arange(draw.problems), best].mean()))
        return {"AUC within a problem": aucs, f"best of {VALIDATION[1]}": accuracies}


def labelled(arrays: Arrays, labels: str, prefix: str = "", task: Task = ARITHMETIC) -> Rows:
    """Rows of solutions with their labels, which are described in VerifierRecipe."""
    ids, lengths, begins, right, correct = (
        arrays[prefix + name] for name in ("ids", "lengths", "begins", "right", "correct")
    )
    column = np.arange(ids.shape[1])
    written = (column >= begins[:, None]) & (column < lengths[:, None])
    if labels == "answer":
        targets = np.broadcast_to(correct[:, None], ids.shape).astype(np.float16)
    else:
        targets = (column < (begins + right)[:, None]).astype(np.float16)
    if labels in ("rollouts", "step-ends"):
        written &= np.isin(ids, [alphabet_of(task).index(end) for end in (task.problem.step_end, END)])
    if labels == "rollouts":
        known = arrays["values"] != UNLABELLED
        targets[known] = arrays["values"][known]
    targets[~written] = UNLABELLED
    return Rows(ids, arrays[f"{prefix}following"], lengths, targets)


def last_scores(network: Network, weights: Weights, place: int, arrays: Arrays) -> NDArray[np.float64]:
    """Logit of "right" at the last token of each solution, by the verifier of one seed."""
    alone = {name: weight[place : place + 1] for name, weight in weights.items()}
    logits = []
    for rows in np.array_split(np.arange(len(arrays["ids"])), 8):
        ids = torch.from_numpy(arrays["ids"][rows]).to(network.flat.device).long()[None]
        last = torch.from_numpy(arrays["lengths"][rows] - 1).to(ids.device)
        with torch.no_grad():
            right = network.read(alone, ids)[1]
        assert right is not None
        logits.append(right[0].gather(1, last[:, None]).squeeze(1).double().cpu().numpy())
    return np.concatenate(logits)


# Each verifier has twice the layers of its base: "prm" has 41 thousand block parameters, "prm-large" 14 times as many.
# "prm-rollouts" and "prm-exact" read the same solutions and differ only in their labels.
_PRM = VerifierRecipe(base="small", scoring_layers=3, steps=3000)
_ROLLOUTS = replace(_PRM, steps=1200, problems=12_800, chained=0, revised=0, rollouts=8)
RECIPES = {
    "prm": _PRM,
    "orm": replace(_PRM, labels="answer"),
    "prm-large": replace(
        _PRM, base="large-2500", scoring_layers=3, steps=1000, learning_rate=2e-3, muon_learning_rate=1e-2
    ),
    "prm-rollouts": replace(_ROLLOUTS, labels="rollouts"),
    "prm-exact": replace(_ROLLOUTS, labels="step-ends"),
    "prm-weak": replace(_PRM, steps=300),  # as "prm", but stopped early
}
