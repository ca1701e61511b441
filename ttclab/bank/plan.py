"""Estimates of the cost of a recording before it is made: `ttclab plan`."""

from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from .. import flops
from ..hardware import Gpu
from ..ledger import Cost, billed
from ..models.configuration import described, encode, template_of
from ..models.loading import load as load_model
from ..models.zoo import directory_of
from ..policy import Prompt
from ..tasks.registry import load_problems
from .draws import Draws

TRIED = 36  # problems; in the arithmetic task every length and operand size twice
DRAWN = 4  # solutions of each


@dataclass(frozen=True)
class Plan:
    """Expected cost of a recording.

    Attributes
    ----------
    generations : int
        Exact number of generations.
    read, written : float
        Tokens read, and tokens generated.
    flops : float
        FLOPs of both.
    error : float
        Half-width of a 95% interval around `flops`; 0 if the length of solutions was given.
    tried : int
        Problems that were run for the estimate.
    """

    generations: int
    read: float
    written: float
    flops: float
    error: float
    tried: int

    def gpu_hours(self, gpu: Gpu, dtype: str, mfu: float) -> float:
        """Hours of one GPU at a model FLOPs utilisation of `mfu`. Raises ValueError unless 0 < mfu <= 1."""
        if not 0 < mfu <= 1:
            raise ValueError(f"mfu is a share of the GPU's peak, above 0 and at most 1, not {mfu}")
        return self.flops / (mfu * gpu.peak(dtype)) / 3600


def plan(model: str, split: str, draws: Draws | None = None, *, tokens: int | None = None) -> Plan:
    """Estimate the cost of `bank.record` with the same arguments, from DRAWN solutions of TRIED problems.

    Parameters
    ----------
    model, split, draws
        As for `bank.record`.
    tokens : int, optional
        Tokens per solution, if known. Then nothing is run, and only the model's configuration and tokenizer are read.

    Raises
    ------
    ValueError
        As `ttclab.load`, and for fewer than one token.
    """
    draws = draws or Draws()
    tried = load_problems(split, limit=draws.problems)
    problems, samples = len(tried), draws.samples
    if tokens is not None:
        costs = _costs_by_formula(model, draws.at, [Prompt(problem) for problem in tried], tokens)
    else:
        policy = load_model(model, at=draws.at, device=draws.device, **draws.server)
        tried = tried[:TRIED]
        with billed() as bill:
            policy.generate(tried, min(samples, DRAWN), draws.temperature, draws.seed, draws.max_new_tokens)
        costs = [bill[problem] for problem in tried]
    each = [cost.flops["prefill"] + samples * cost.flops["decode"] / cost.generations for cost in costs]
    error = 0.0 if tokens or len(each) < 2 else 1.96 * stdev(each) / sqrt(len(each))
    return Plan(
        generations=problems * samples,
        read=problems * fmean(cost.tokens["prefill"] for cost in costs),
        written=problems * samples * fmean(cost.tokens["decode"] / cost.generations for cost in costs),
        flops=problems * fmean(each),
        error=problems * error,
        tried=0 if tokens else len(costs),
    )


def _costs_by_formula(model: str, at: int | None, prompts: list[Prompt], tokens: int) -> list[Cost]:
    """Cost of one solution of `tokens` tokens for each prompt, from the formula for FLOPs."""
    if tokens < 1:
        raise ValueError(f"a solution has at least 1 token, not {tokens}")
    config, tokenizer = described(directory_of(model, at, weights=False), local_files_only=True)
    template = template_of(tokenizer, None)
    costs = []
    for prompt in prompts:
        cost, length = Cost(generations=1), len(encode(prompt, tokenizer, template))
        cost.tokens.update(prefill=length, decode=tokens)
        cost.flops.update(
            prefill=flops.forward_flops(config, length, logits=1), decode=flops.decode_flops(config, tokens - 1, length)
        )
        costs.append(cost)
    return costs
