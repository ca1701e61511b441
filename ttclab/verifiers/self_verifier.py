"""A language model as a verifier: it is asked whether a solution is correct (Kadavath et al. 2022).

The question follows the solution, and the model reads both in one pass. The score is the probability of Yes against No
as the next token. `Probe` is the logistic regression that `working` trains on features of solutions.
"""

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from .. import flops, ledger
from ..models.language_model import LanguageModel
from ..policy import Prompt
from ..tasks.problem import Solution

QUESTION = "Is this answer correct? Say Yes or No."
ROWS_AT_ONCE = 64


class Probe:
    """Logistic regression on features of solutions.

    Parameters
    ----------
    weight : array of shape (width,)
    bias : float
    """

    def __init__(self, weight: NDArray[np.float32], bias: float) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, states: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability that each solution is right, (solutions,), from its features, (solutions, width)."""
        return 1 / (1 + np.exp(-(states.astype(np.float64) @ self.weight + self.bias)))

    @classmethod
    def fit(cls, states: NDArray[np.float32], right: NDArray[np.bool_], penalty: float = 1.0) -> "Probe":
        """Fit by Newton's method, to convergence.

        Parameters
        ----------
        states : array of shape (solutions, width)
            Features.
        right : bool array of shape (solutions,)
            Whether each solution is right.
        penalty : float
            L2 penalty on the weights of the standardised features.

        Raises
        ------
        ValueError
            If all solutions are right, or all are wrong.
        """
        if right.all() or not right.any():
            raise ValueError(f"a probe needs right and wrong solutions, but {right.sum()} of {right.size} are right")
        mean, scale = states.mean(axis=0, dtype=np.float64), states.std(axis=0, dtype=np.float64) + 1e-6
        x = np.hstack([(states - mean) / scale, np.ones((len(states), 1))])
        shrink = np.full(x.shape[1], penalty)
        shrink[-1] = 0.0
        w = np.zeros(x.shape[1])
        for _ in range(25):
            p = 1 / (1 + np.exp(-x @ w))
            slope, curve = x.T @ (p - right) + shrink * w, (x.T * (p * (1 - p))) @ x + np.diag(shrink)
            w -= (step := np.linalg.solve(curve, slope))
            if np.abs(step).max() < 1e-8:
                break
        weight = w[:-1] / scale
        return cls(weight.astype(np.float32), float(w[-1] - weight @ mean))


class SelfVerifier:
    """Verifier that asks a language model whether solutions are right.

    Parameters
    ----------
    name : str
        Name of the verifier.
    policy : LanguageModel
        The model to ask.
    """

    def __init__(self, name: str, policy: LanguageModel) -> None:
        self.name, self.policy = name, policy
        self._words = [policy.tokenizer.encode(word, add_special_tokens=False)[0] for word in ("Yes", "No")]

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """Probability of Yes against No for each solution."""
        yes, _ = self.read(solutions)
        return [float(probability) for probability in yes]

    @torch.inference_mode()
    def read(self, solutions: Sequence[Solution]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Read solutions, each followed by the question.

        Each problem and each distinct solution is read and charged once.

        Parameters
        ----------
        solutions : sequence of Solution
            Solutions to one problem or to several.

        Returns
        -------
        yes : array of shape (solutions,)
            Probability of Yes against No.
        states : array of shape (solutions, width)
            Last hidden state at the end of the question.

        Raises
        ------
        ValueError
            If a solution is longer than the model's positions.
        """
        read: dict[tuple[str, str], tuple[float, NDArray[np.float32]]] = {}
        for problem, group in groupby(sorted(solutions, key=lambda s: s.problem.id), lambda s: s.problem):
            distinct = {solution.text: self._encode(solution) for solution in group}
            context = self.policy.encode(Prompt(problem))
            longest, positions = max(map(len, distinct.values())), self.policy.engine.positions
            if longest > positions:
                raise ValueError(
                    f"a solution to the problem {problem.id!r} is {longest} tokens long with problem and question, and "
                    f"the model has {positions} positions"
                )
            known = min(_common_prefix(context, row) for row in distinct.values())
            answers = self._answers(context[:known], [row[known:] for row in distinct.values()])
            read |= {(problem.id, text): answer for text, answer in zip(distinct, answers, strict=True)}
            cost = partial(flops.forward_flops, self.policy.config, logits=1)
            spent = cost(known) + sum(cost(len(row) - known, known) for row in distinct.values())
            tokens = known + sum(len(row) - known for row in distinct.values())
            ledger.charge(problem, "verifier", tokens=tokens, flops=spent)
        for solution in solutions:
            ledger.charge(solution.problem, "verifier", verifier_calls=1)
        answers = [read[solution.problem.id, solution.text] for solution in solutions]
        return np.array([yes for yes, _ in answers]), np.array([state for _, state in answers])

    def _encode(self, solution: Solution) -> tuple[int, ...]:
        """Tokens of problem, solution and question."""
        tokenizer, problem = self.policy.tokenizer, solution.problem
        if not self.policy.template:
            return tuple(tokenizer.encode(f"{problem.feed()}{solution.text}\n{QUESTION}\n"))
        turns = [
            *problem.turns(),
            {"role": "assistant", "content": solution.text},
            {"role": "user", "content": QUESTION},
        ]
        text = str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
        return tuple(tokenizer.encode(text, add_special_tokens=False))

    def _answers(
        self, context: tuple[int, ...], rows: list[tuple[int, ...]]
    ) -> list[tuple[float, NDArray[np.float32]]]:
        model = self.policy.engine.model
        before = model.base_model(torch.tensor([context], device=model.device), use_cache=True).past_key_values
        answers: list[tuple[float, NDArray[np.float32]]] = []
        for start in range(0, len(rows), ROWS_AT_ONCE):
            chunk = rows[start : start + ROWS_AT_ONCE]
            cache = deepcopy(before)
            cache.batch_repeat_interleave(len(chunk))
            # Padded on the right, where causal attention ignores the padding.
            ids = pad_sequence([torch.tensor(row, device=model.device) for row in chunk], batch_first=True)
            states = model.base_model(ids, past_key_values=cache, use_cache=True).last_hidden_state
            ends = torch.tensor([len(row) - 1 for row in chunk], device=model.device)
            last = states[torch.arange(len(chunk), device=model.device), ends]
            words = model.get_output_embeddings()(last)[:, self._words].float().cpu()
            yes = words.double().softmax(-1)[:, 0]  # in single precision, any probability above 1 - 1e-7 rounds to 1
            answers += zip(yes.tolist(), last.float().cpu().numpy())
        return answers


def _common_prefix(context: tuple[int, ...], row: tuple[int, ...]) -> int:
    """Length of the common prefix of a context and a row."""
    return next((i for i, (a, b) in enumerate(zip(context, row)) if a != b), min(len(context), len(row)))
