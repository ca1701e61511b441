"""Training a verifier: is the text so far a prefix of a right solution (PRM), or is the solution right (ORM)?

The verifier reads solutions that a policy writes for new training problems, right and wrong in their natural frequency.
At the same time it learns language modelling on the right part of each, because it scores tokens by its own prediction.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from .. import ledger
from ..estimators import within_problem_auc
from ..models.language_model import LanguageModel
from ..solutions import STEP_END
from ..tasks.arithmetic import LENGTHS, SIZES, ArithmeticProblem, generate_problems
from ..tasks.problem import Problem, Solution
from ..tasks.registry import load_problems
from ..verifiers.reward_model import RewardModel, reward_flops
from ..verifiers.trained import PRM
from .recipe import PARTS, UNLABELLED, Part, Recipe, load_base, pad
from .tokens import END

Tokens = tuple[int, ...]


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
    samples : int
        Solutions drawn for each problem.
    revisions : int
        Revisions of each solution.
    true : int
        Further problems, of which the verifier reads the right solution.
    rollouts : int
        Rollouts from the end of each step.
    """

    base: str
    scoring_layers: int
    labels: str = "steps"
    writer: str = "small"
    samples: int = 2
    revisions: int = 0
    true: int = 64
    rollouts: int = 16

    def build(self, tokenizer: PreTrainedTokenizerFast) -> RewardModel:
        policy = load_base(self.base)
        ends = {
            name: tokenizer.convert_tokens_to_ids(text) for name, text in (("prompt_end", "\n"), ("attempt_end", "#"))
        }
        return RewardModel.grown(policy.engine.model, self.scoring_layers, **ends)

    def parts(self, model: RewardModel, seed: int, step: int, tokenizer: PreTrainedTokenizerFast) -> Iterator[Part]:
        policy = load_base(self.writer, str(model.device))
        with ledger.billed() as bill:
            rows = sorted(self.draw(policy, seed, step, tokenizer), key=lambda row: len(row.ids))
        labelled = sum(label != UNLABELLED for row in rows for label in row.labels)
        predicted = sum(token != UNLABELLED for row in rows for token in row.following)
        for i in range(PARTS):
            part = rows[i * len(rows) // PARTS : (i + 1) * len(rows) // PARTS]
            ids, labels, following = (
                pad(list(numbers), fill).to(model.device)
                for numbers, fill in zip(zip(*part, strict=True), (tokenizer.pad_token_id, UNLABELLED, UNLABELLED))
            )
            reading = model(ids)
            at = labels != UNLABELLED
            scoring = functional.binary_cross_entropy_with_logits(
                reading.right[at], labels[at].float(), reduction="sum"
            )
            predicting = functional.cross_entropy(
                reading.predicted.flatten(0, 1), following.flatten(), ignore_index=UNLABELLED, reduction="sum"
            )
            cost = 3 * reward_flops(model.config, ids.shape[1], batch=len(ids))
            yield Part(scoring / labelled + predicting / predicted, cost, bill.total.total_flops if i == 0 else 0)

    def draw(self, policy: LanguageModel, seed: int, step: int, tokenizer: PreTrainedTokenizerFast) -> Iterator["Row"]:
        """Rows of one step."""
        rng = random.Random(f"verifier/{seed}/{step}")
        stream = generate_problems("train", rng)
        offset = rng.randrange(len(SIZES) * len(LENGTHS))
        problems = list(islice(stream, offset, offset + self.batch + self.true))
        sampled, shown = problems[: self.batch], problems[self.batch :]
        solutions = self.write(policy, sampled, seed=rng.getrandbits(32))
        values = self.rollout_values(policy, solutions) if self.labels == "rollouts" else {}
        for solution in solutions:
            yield self.row(solution, values, tokenizer)
        for problem in shown:
            prompt, truth = tokenizer.encode(problem.prompt), tokenizer.encode(problem.solution_text + END)
            following = [UNLABELLED] * (len(prompt) - 1) + truth + [UNLABELLED]
            yield Row(prompt + truth, [UNLABELLED] * len(following), following)

    def write(self, policy: LanguageModel, problems: Sequence[Problem], seed: int) -> list[Solution]:
        """Draw `samples` solutions of each problem, each followed by its revisions."""
        groups = policy.generate(problems, n=self.samples, seed=seed)
        chains = [[solution] for group in groups for solution in group]
        for _ in range(self.revisions):
            revised = policy.revise([chain[0].problem for chain in chains], chains)
            for chain, solution in zip(chains, revised, strict=True):
                chain.append(solution)
        return [solution for chain in chains for solution in chain]

    def row(
        self, solution: Solution, values: dict[tuple[str, Tokens], float], tokenizer: PreTrainedTokenizerFast
    ) -> "Row":
        """Row of a sampled solution. The next token is known as long as the solution is right."""
        problem, written = solution.problem, list(solution.tokens)
        assert isinstance(problem, ArithmeticProblem)
        prompt, truth = (tokenizer.encode(x) for x in (solution.shown + problem.prompt, problem.solution_text + END))
        right = next((i for i, (a, b) in enumerate(zip(written, truth)) if a != b), min(len(written), len(truth)))
        if self.labels == "answer":
            labels = [float(solution.correct)] * len(written)
        else:
            labels = [float(i < right) for i in range(len(written))]
        if self.labels in ("rollouts", "step-ends"):
            ends = {tokenizer.convert_tokens_to_ids("\n"), tokenizer.eos_token_id}
            labels = [label if token in ends else UNLABELLED for token, label in zip(written, labels)]
            for i in range(len(written)):
                labels[i] = values.get((problem.id, tuple(written[: i + 1])), labels[i])
        following = [UNLABELLED] * (len(prompt) - 1) + truth[: right + 1]
        length = len(prompt) + len(written)
        return Row(
            prompt + written,
            [UNLABELLED] * len(prompt) + labels,
            following[:length] + [UNLABELLED] * (length - len(following)),
        )

    def rollout_values(self, policy: LanguageModel, solutions: list[Solution]) -> dict[tuple[str, Tokens], float]:
        """Share of rollouts that end right, for each prefix of a solution that ends a step."""
        partials: dict[tuple[str, Tokens], Solution] = {}
        for solution in solutions:
            text = ""
            for i, token in enumerate(solution.tokens):
                text += policy.tokenizer.decode(token)
                tokens = solution.tokens[: i + 1]
                if text.endswith(STEP_END) and (solution.problem.id, tokens) not in partials:
                    key = f"{solution.key}/rollout{i}"
                    partials[solution.problem.id, tokens] = Solution(solution.problem, text, tokens, False, 0.0, key)
        prefixes = list(partials.values())
        rolled = policy.rollout([each.problem for each in prefixes], [[each] for each in prefixes], n=self.rollouts)
        return {key: sum(s.correct for s in group) / len(group) for key, group in zip(partials, rolled, strict=True)}

    def measure(self, model: RewardModel, tokenizer: PreTrainedTokenizerFast) -> str:
        problems = load_problems("validation", limit=180)
        solutions = replace(self, samples=32).write(load_base(self.writer, str(model.device)), problems, seed=0)
        scores = PRM("in training", model, tokenizer, sees_attempts=bool(self.revisions)).score(solutions)
        within = within_problem_auc(
            np.reshape(scores, (len(problems), -1)), np.reshape([s.correct for s in solutions], (len(problems), -1))
        )
        return f"AUC within a problem {within:.3f}"


class Row(NamedTuple):
    """Token ids, the label of each, and the token that should follow each; UNLABELLED where there is none."""

    ids: list[int]
    labels: list[float]
    following: list[int]


# Each has twice the layers of its base: "prm" has 50 thousand parameters in its blocks, "prm-large" 14 times as many.
RECIPES = {
    "prm": VerifierRecipe(base="small", scoring_layers=2, steps=5000),
    "orm": VerifierRecipe(base="small", scoring_layers=2, steps=5000, labels="answer"),
    "prm-large": VerifierRecipe(
        base="large-2500", scoring_layers=3, steps=1600, learning_rate=2e-3, muon_learning_rate=1e-2
    ),
    "prm-revision": VerifierRecipe(
        base="revision", scoring_layers=2, steps=1200, writer="revision", batch=48, samples=1, revisions=3
    ),
    "prm-rollouts": VerifierRecipe(base="small", scoring_layers=2, steps=1200, labels="rollouts"),
    "prm-exact": VerifierRecipe(base="small", scoring_layers=2, steps=1200, labels="step-ends"),
    "prm-weak": VerifierRecipe(base="small", scoring_layers=2, steps=300),  # as "prm", but stopped early
}
