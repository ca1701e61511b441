"""What a recording will cost, said before it is made: `ttclab plan`."""

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

TRIED = 36  # problems: of the arithmetic task, every length and operand size twice
DRAWN = 4  # solutions to each of them


@dataclass(frozen=True)
class Plan:
    """What a recording is expected to take.

    generations: exactly; read, written: tokens; flops: of both; error: half of a 95% interval around `flops`, 0 where
    the length of solutions was given; tried: problems that were run to find out.
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
    """Estimate what `bank.record` takes with the same arguments, from DRAWN solutions to TRIED of the problems.

    Parameters
    ----------
    model, split, draws
        As for `bank.record`.
    tokens : int, optional
        How many a solution has, if that is known. Then nothing is run, and of the model only the configuration and the
        tokenizer are read.

    Raises
    ------
    ValueError
        As `ttclab.load`, and for fewer than one token.
    """
    draws = draws or Draws()
    asked = load_problems(split, limit=draws.problems)
    problems, samples = len(asked), draws.samples
    if tokens is not None:
        costs = _written_down(model, draws.at, [Prompt(problem) for problem in asked], tokens)
    else:
        policy = load_model(model, at=draws.at, device=draws.device, **draws.server)
        asked = asked[:TRIED]
        with billed() as bill:
            policy.generate(asked, min(samples, DRAWN), draws.temperature, draws.seed, draws.max_new_tokens)
        costs = [bill[problem] for problem in asked]
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


def _written_down(model: str, at: int | None, asked: list[Prompt], tokens: int) -> list[Cost]:
    """What one solution of so many tokens costs to each problem, by the formula alone."""
    if tokens < 1:
        raise ValueError(f"a solution has at least 1 token, not {tokens}")
    config, tokenizer = described(directory_of(model, at, weights=False), local_files_only=True)
    template = template_of(tokenizer, None)
    costs = []
    for each in asked:
        cost, length = Cost(generations=1), len(encode(each, tokenizer, template))
        cost.tokens.update(prefill=length, decode=tokens)
        cost.flops.update(
            prefill=flops.forward_flops(config, length, logits=1),
            decode=flops.decode_flops(config, tokens - 1, length),
        )
        costs.append(cost)
    return costs
