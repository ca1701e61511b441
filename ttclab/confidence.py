"""Confidence of a policy in what it wrote, from the distributions of its tokens: a verifier that costs nothing.

Self-certainty, from Kang, Zhao and Song 2025 (arXiv 2502.18581), is the mean distance of the distributions from the
uniform one. Lowest group confidence, from Fu et al. 2025 (DeepConf, arXiv 2508.15260), is that of the least confident
stretch of the solution. Tail entropy is the mean entropy of the last tokens, where the answer stands. The mean
log-probability is the logarithm of one over the perplexity.

`TokenConfidence` turns each into a `Verifier`, so that every strategy and vote takes it:
``parallel_search(model, load_verifier("self-certainty"), problem, 16, choose="weighted")`` is the confidence-weighted
vote of DeepConf. `ttclab.adaptive.confident_search` stops inside a sample.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import ledger
from .tasks.problem import Solution
from .token_stats import LEAST_LOGPROB, TokenStats

if TYPE_CHECKING:
    from .models.language_model import LanguageModel

WINDOW = 8  # tokens of a group and of a tail: a step of the arithmetic task
MOST = -LEAST_LOGPROB  # no confidence is larger
ROWS_AT_ONCE = 256
TOKENS = "token-confidence"  # the confidence in each token, as it is recorded
GRID = 64  # such confidences are recorded in steps of 1/64 nat


def self_certainty(stats: TokenStats) -> float:
    """Mean KL divergence of the uniform distribution from those of the tokens, in nats (Kang et al. 2025)."""
    return float(stats.self_certainty.mean(dtype=np.float64))


def tail_entropy(stats: TokenStats, window: int = WINDOW) -> float:
    """Mean entropy of the distributions of the last `window` tokens, or of all tokens if there are fewer, in nats."""
    return float(stats.entropy[-window:].mean(dtype=np.float64))


def mean_logprob(stats: TokenStats) -> float:
    """Mean log-probability of the tokens, in nats."""
    return float(stats.logprob.mean(dtype=np.float64))


def group_confidences(confidence: NDArray[np.floating], window: int = WINDOW) -> NDArray[np.float64]:
    """Mean confidence of every `window` tokens in a row (Fu et al. 2025).

    Parameters
    ----------
    confidence : array of shape (tokens,)
        `TokenStats.confidence`.
    window : int
        Tokens of a group. Fewer tokens than that are one group.

    Returns
    -------
    array of shape (groups,)
        In the order of the groups' last tokens; empty if there are no tokens.
    """
    if not len(confidence):
        return np.zeros(0)
    size = min(window, len(confidence))
    return np.lib.stride_tricks.sliding_window_view(confidence, size).mean(axis=-1, dtype=np.float64)


def lowest_group_confidence(stats: TokenStats, window: int = WINDOW) -> float:
    """Confidence of the least confident group of tokens, in nats (Fu et al. 2025)."""
    return float(group_confidences(stats.confidence, window).min())


# As scores, from 0 to 1, higher for more confidence. Those in nats keep their ratios, so that they weigh votes alike.
MEASURES: dict[str, Callable[[TokenStats, int], float]] = {
    "self-certainty": lambda stats, window: self_certainty(stats) / MOST,
    "tail-entropy": lambda stats, window: math.exp(-tail_entropy(stats, window)),
    "mean-logprob": lambda stats, window: math.exp(mean_logprob(stats)),
    "lowest-group-confidence": lambda stats, window: lowest_group_confidence(stats, window) / MOST,
}


class TokenConfidence:
    """A verifier whose score is a measure of the policy's confidence, from 0 to 1. It costs nothing.

    The score is no probability of being right. "tail-entropy" and "mean-logprob" are exponentials of what they are
    named after, with the sign that makes more confidence more; "self-certainty" and "lowest-group-confidence" are
    divided by their largest value, so that they weigh votes as they do in nats.

    Parameters
    ----------
    measure : str
        One of MEASURES.
    window : int
        Tokens of a tail or of a group.
    policy : LanguageModel, optional
        Reads the solutions that have no statistics of their tokens, such as recorded ones, in one more pass each. By
        default such solutions are refused.

    Raises
    ------
    ValueError
        For another measure, and for window < 1.
    """

    reads_token_stats = True  # strategies keep them

    def __init__(self, measure: str, *, window: int = WINDOW, policy: "LanguageModel | None" = None) -> None:
        if measure not in MEASURES:
            raise ValueError(f"a measure of confidence is one of {', '.join(MEASURES)}, not {measure!r}")
        if window < 1:
            raise ValueError(f"a group of tokens has at least 1 token, not {window}")
        self.name, self.window, self.policy = measure, window, policy

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """Confidence in each solution; 0 for one without tokens.

        Raises
        ------
        ValueError
            For a solution without statistics of its tokens, if there is no `policy` to read it.
        """
        for solution in solutions:
            ledger.charge(solution.problem, "verifier", verifier_calls=1)
        if self.policy:
            unread = [s for s in solutions if s.stats is None]
            read = iter(read_token_stats(self.policy, unread))
            found = [s.stats or next(read) for s in solutions]
            return [self._score(stats) for stats in found]
        return [self._score_of(solution) for solution in solutions]

    def _score_of(self, solution: Solution) -> float:
        if solution.stats is not None:
            return self._score(solution.stats)
        if not solution.length and not solution.text:
            return 0.0
        if self.name == "mean-logprob" and solution.length and not math.isnan(solution.logprob):
            return math.exp(min(solution.logprob / solution.length, 0.0))
        raise ValueError(
            f"{self.name} is measured on statistics of tokens, which a strategy keeps, and a model inside "
            f"`with ttclab.token_stats.token_stats_kept()`: there are none of {solution.text!r}"
        )

    def _score(self, stats: TokenStats) -> float:
        if not len(stats):
            return 0.0
        return min(max(MEASURES[self.name](stats, self.window), 0.0), 1.0)  # rounding can leave 0..1


def read_token_stats(policy: "LanguageModel", solutions: Sequence[Solution]) -> list[TokenStats]:
    """The statistics of solutions' tokens from one forward pass over each, as if the policy had written them.

    A solution without tokens is encoded from its text. Each distinct solution to a problem is read once, and charged
    as a verifier's reading.

    Parameters
    ----------
    policy : LanguageModel
    solutions : sequence of Solution
        Solutions to one problem or to several.

    Returns
    -------
    list of TokenStats

    Raises
    ------
    ValueError
        For a solution that was written after others, or that exceeds the model's positions.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    from . import flops
    from .engine.rows import distribution_stats
    from .policy import Prompt
    from .solutions import tokens_of

    if shown := [s for s in solutions if s.shown]:
        raise ValueError(f"token statistics are read of solutions that saw no other, not of {shown[0].text!r}")
    written = [tokens_of(solution, policy.tokenizer) for solution in solutions]
    wanted = {(s.problem.id, tokens): s.problem for s, tokens in zip(solutions, written, strict=True) if tokens}
    rows = [(key, policy.encode(Prompt(problem)), key[1]) for key, problem in wanted.items()]
    rows.sort(key=lambda row: len(row[1]) + len(row[2]))  # little padding
    cost = partial(flops.forward_flops, policy.config)
    found: dict[tuple[str, tuple[int, ...]], TokenStats] = {}
    for start in range(0, len(rows), ROWS_AT_ONCE):
        chunk = rows[start : start + ROWS_AT_ONCE]
        for (id, _), context, tokens in chunk:
            length = len(context) + len(tokens) - 1
            if length > policy.engine.positions:
                raise ValueError(
                    f"a solution to the problem {id!r} is {length} tokens long with the problem, and the model has "
                    f"{policy.engine.positions} positions"
                )
        with torch.inference_mode():
            # Padded on the right, where causal attention never looks.
            ids = pad_sequence([torch.tensor(context + tokens) for _, context, tokens in chunk], batch_first=True)
            ids = ids.to(policy.engine.device)
            logits = policy.engine.model(ids[:, :-1], use_cache=False).logits.float()
            logprobs = logits.log_softmax(-1).gather(2, ids[:, 1:, None])
            values = torch.cat([logprobs, distribution_stats(logits)], -1).cpu().numpy()
        for row, (key, context, tokens) in zip(values, chunk, strict=True):
            begin = len(context) - 1
            found[key] = TokenStats(row[begin : begin + len(tokens)])
            read = begin + len(tokens)
            ledger.charge(wanted[key], "verifier", tokens=read, flops=cost(read, logits=len(tokens)))
    nothing = TokenStats(np.zeros((0, 4), np.float32))
    return [found.get((s.problem.id, tokens), nothing) for s, tokens in zip(solutions, written, strict=True)]


class TokenReader:
    """The confidence of a policy in each token of a solution, from 0 to 1, as a verifier whose steps are tokens.

    It is rounded to steps of 1/GRID nat, which compress well.
    """

    name = TOKENS

    def __init__(self, policy: "LanguageModel") -> None:
        self.policy = policy

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """The confidence in each token of each solution."""
        read = read_token_stats(self.policy, solutions)
        return [((stats.confidence * GRID).round() / (GRID * MOST)).tolist() for stats in read]
