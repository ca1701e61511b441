"""The trained verifiers: outcome and process reward models."""

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from ..ledger import Bill
from ..solutions import tokens_of
from ..tasks.problem import Feedback, Solution
from .reader import Reader, ReadingModel
from .scoring import RIGHT, WRONG, BaseCritic, StepCritic


class _Trained(BaseCritic):
    """Base class of verifiers with a trained network, which is a RewardModel for the shipped verifiers."""

    def __init__(self, name: str, model: ReadingModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.name, self.model, self.tokenizer = name, model, tokenizer
        self._reader = Reader(model)
        # Called once per solution, with few distinct arguments.
        self._flops = cache(model.pass_flops)
        self._encode = lru_cache(maxsize=1 << 12)(self._encode_text)

    def read(self, solutions: Sequence[Solution]) -> list[NDArray[np.float32]]:
        """Probability of "right so far" at each token of each solution, including the end-of-text token.

        A revision is read alone, without the attempts before it.
        """
        contexts = [self._encode(s.problem.prompt) for s in solutions]
        return self._read_rows(solutions, contexts, [tokens_of(s, self.tokenizer) for s in solutions])

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _read_rows(
        self, solutions: Sequence[Solution], contexts: Sequence[tuple[int, ...]], written: Sequence[tuple[int, ...]]
    ) -> list[NDArray[np.float32]]:
        """Read tokens of contexts and solutions as `read` does, and charge the FLOPs."""
        right, passes = self._reader.read(contexts, written)
        bills: dict[str, Bill] = {}
        for solution, context, tokens, reads in zip(solutions, contexts, written, passes, strict=True):
            if not (bill := bills.get(solution.problem.id)):
                bill = bills[solution.problem.id] = Bill(solution.problem)
            new = sum(tokens for tokens, _ in reads)
            bill.add("verifier", new, sum(self._flops(*read) for read in reads))
            bill.verifier_calls += 1
            if cached := len(context) + len(tokens) - new:
                bill.add("cached", cached, self._flops(cached))
        for bill in bills.values():
            bill.charge()
        return right


class ORM(_Trained):
    """Outcome reward model: is the answer right? (Cobbe et al. 2021)."""

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """Probability that each solution is right."""
        return [float(right[-1]) if len(right) else 0.0 for right in self.read(solutions)]

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """Whether each answer looks right."""
        return [RIGHT if score >= 0.5 else WRONG for score in self.score(solutions)]


class PRM(_Trained, StepCritic):
    """Process reward model: is the solution right up to each step? (Lightman et al. 2023)."""

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """Score of the last step (Snell et al. 2024, section 5.1); 0 for a solution without steps."""
        return [steps[-1] if steps else 0.0 for steps in self.score_steps(solutions)]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """Score of each step, read at its end; for the last step of a finished solution, at the end-of-text token."""
        scores = []
        for solution, right in zip(solutions, self.read(solutions), strict=True):
            step_end = self.tokenizer.convert_tokens_to_ids(solution.problem.step_end)
            ends = _step_ends(solution, tokens_of(solution, self.tokenizer), step_end)
            scores.append([float(right[end]) for end in ends])
        return scores


def _step_ends(solution: Solution, tokens: tuple[int, ...], step_end: int) -> list[int]:
    """Index of the last token of each step."""
    ends = [i for i, token in enumerate(tokens) if token == step_end]
    steps = len(solution.steps)
    if len(ends) < steps:
        ends.append(len(tokens) - 1)
    elif solution.finished and ends:
        ends[-1] = len(tokens) - 1
    return ends[:steps]


TRAINED: dict[str, type[ORM] | type[PRM]] = {
    "orm": ORM,
    "prm": PRM,
    "prm-large": PRM,
    "prm-weak": PRM,
    "prm-rollouts": PRM,
    "prm-exact": PRM,
}
