"""Training a revision model: it writes the right solution after reading up to four earlier attempts.

As in Snell et al. 2024, section 6.1, the attempts are the small policy's own, the newest is the wrong one that is
nearest to the right solution by edit distance, and the loss covers the solution alone. Three things differ. In half of
the rows with attempts the newest attempt is already right and must be kept; with fewer such rows, a model also changes
most right attempts. Half of the rows with attempts carry feedback on the newest one, in the form of `critique`, of
which 15% is false. And a third of all rows show no attempts, to keep practising plain solutions.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .. import flops, ledger
from ..models.language_model import LanguageModel
from ..tasks.arithmetic import LENGTHS, SIZES, ArithmeticProblem, generate_problems
from ..tasks.problem import ATTEMPTS_SHOWN, Solution, show_attempts
from ..tasks.registry import load_problems
from ..verifiers.likelihood import SelfEvaluation
from ..verifiers.reward_model import continue_from
from ..verifiers.scoring import RIGHT, WRONG
from .recipe import PARTS, UNLABELLED, Part, Recipe, load_base, pad
from .tokens import END


@dataclass(frozen=True, kw_only=True)
class RevisionRecipe(Recipe):
    """Recipe of a revision model.

    Attributes
    ----------
    layers : int
        New layers on top of the base's.
    plain : int
        Further problems of a step, without attempts.
    attempts : int
        Most attempts shown for a problem; 0 for the control, which sees none.
    kept : float
        Share of rows whose newest attempt is right, among problems with right and wrong attempts.
    commented : float
        Share of rows with feedback.
    made_up : float
        Share of feedback that is false.
    """

    base: str
    layers: int
    batch: int = 128
    plain: int = 64
    attempts: int = ATTEMPTS_SHOWN
    kept: float = 0.5
    commented: float = 0.5
    made_up: float = 0.15

    def build(self, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
        base = load_base(self.base).engine.model
        layers = base.config.num_hidden_layers + self.layers
        model = LlamaForCausalLM(LlamaConfig(**{**base.config.to_dict(), "num_hidden_layers": layers}))
        continue_from(model.model, base.model)
        return model

    def parts(
        self, model: LlamaForCausalLM, seed: int, step: int, tokenizer: PreTrainedTokenizerFast
    ) -> Iterator[Part]:
        policy = load_base(self.base, str(model.device))
        with ledger.billed() as bill:
            texts = sorted(self.draw(policy, seed, step), key=lambda pair: len(pair[0]) + len(pair[1]))
        rows = [(tokenizer.encode(before), tokenizer.encode(target)) for before, target in texts]
        targets = sum(len(target) for _, target in rows)
        for i in range(PARTS):
            part = rows[i * len(rows) // PARTS : (i + 1) * len(rows) // PARTS]
            ids = pad([before + target for before, target in part], tokenizer.pad_token_id).to(model.device)
            labels = pad([[UNLABELLED] * (len(before) - 1) + target for before, target in part], UNLABELLED)
            logits = model(input_ids=ids, use_cache=False).logits[:, : labels.shape[1]]
            loss = functional.cross_entropy(
                logits.flatten(0, 1), labels.to(model.device).flatten(), ignore_index=UNLABELLED, reduction="sum"
            )
            cost = 3 * flops.forward_flops(model.config, ids.shape[1], batch=len(ids))
            yield Part(loss / targets, cost, bill.total.total_flops if i == 0 else 0)

    def draw(self, policy: LanguageModel, seed: int, step: int) -> Iterator[tuple[str, str]]:
        """Input text and target text of each row of a step."""
        rng = random.Random(f"revision/{seed}/{step}")
        stream = generate_problems("train", rng)
        offset = rng.randrange(len(SIZES) * len(LENGTHS))
        problems = list(islice(stream, offset, offset + self.batch + self.plain))
        tried = problems[: self.batch] if self.attempts else []
        for problem in problems[len(tried) :]:
            yield problem.prompt, problem.solution_text + END
        if not tried:
            return
        for problem, group in zip(tried, policy.generate(tried, n=self.attempts, seed=rng.getrandbits(32))):
            chain = self.chain(problem, group, rng)
            comment = self.comment(chain[-1], rng) if rng.random() < self.commented else ""
            shown = show_attempts([attempt.text for attempt in chain], comment)
            yield shown + problem.prompt, problem.solution_text + END

    def chain(self, problem: ArithmeticProblem, group: list[Solution], rng: random.Random) -> list[Solution]:
        """A chain of attempts, newest last. The newest is right, or the wrong one nearest to the right solution."""
        right = [solution for solution in group if solution.correct]
        wrong = [solution for solution in group if not solution.correct]
        if right and (not wrong or rng.random() < self.kept):
            newest = rng.choice(right)
        else:
            newest = min(wrong, key=lambda s: edit_distance(s.text, problem.solution_text))
        others = [solution for solution in group if solution is not newest]
        return [*rng.sample(others, rng.randrange(len(group))), newest]

    def comment(self, attempt: Solution, rng: random.Random) -> str:
        """Code of a verifier's feedback on an attempt: on its steps, on its answer, or the policy's confidence."""
        kind, made_up = rng.choice(("steps", "answer", "self")), rng.random() < self.made_up
        if kind == "self":
            return SelfEvaluation().critique(attempt).code
        if kind == "answer":
            return (RIGHT if attempt.correct != made_up else WRONG).code
        checks = attempt.problem.check_steps(attempt.steps)
        wrong = next((i for i, right in enumerate(checks, start=1) if not right), 0)
        return f"!{min(rng.randint(0, len(checks)) if made_up else wrong, 9)}"

    def measure(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> str:
        policy = LanguageModel(model, tokenizer)
        problems = load_problems("validation", limit=180)
        first = [solution for [solution] in policy.generate(problems, temperature=1.0)]
        chains, rates = [[solution] for solution in first], []
        for _ in range(3 if self.attempts else 1):
            rates.append(f"{sum(chain[-1].correct for chain in chains) / len(chains):.3f}")
            for chain, solution in zip(chains, policy.revise(problems, chains, temperature=1.0), strict=True):
                chain.append(solution)
        return f"right at each attempt {' '.join(rates)}"


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


RECIPES = {
    "revision": RevisionRecipe(base="small", layers=2, steps=3000),
    "revision-control": RevisionRecipe(base="small", layers=2, steps=3000, attempts=0),
}
