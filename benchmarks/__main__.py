"""Speed, as ratios measured side by side in one run: `make bench`.

Both sides of a ratio take turns in one process, on the same weights, dtype and threads. The median of the ratios is
reported, so a drift of the machine's speed does not decide. The "limit" is a bare loop of forward passes of the same
shapes: no engine that uses this model code can be faster. `--quick` runs every measurement once on the smallest inputs:
it shows that the benchmarks work, and its ratios mean nothing.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.cache_utils import Cache

import ttclab
from ttclab.beam_search import beam_search
from ttclab.engine.cache import GrowingLayer
from ttclab.models import LanguageModel
from ttclab.policy import Prompt
from ttclab.problems import Problem, load_problems
from ttclab.training.tokens import build_tokenizer

from . import peers


@dataclass(frozen=True)
class Size:
    """How much to measure.

    Parameters
    ----------
    turns : int
        Ratios per line, after one turn to warm up.
    samples : int
        Solutions per problem.
    problems : int
        Problems of a line about sampling; beam search takes twice as many.
    few, many : int
        Samples per problem whose costs are compared.
    rows : tuple of int
        Live rows at which peak memory is measured.
    """

    turns: int = 5
    samples: int = 64
    problems: int = 16
    few: int = 32
    many: int = 256
    rows: tuple[int, int, int] = (8192, 16384, 24576)


QUICK = Size(turns=1, samples=2, problems=2, few=1, many=2, rows=(1, 1, 64))


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def median_ratio(slow: Callable[[], float], fast: Callable[[], float], turns: int) -> float:
    """Median of `slow() / fast()` over the turns after the first, which warms up."""
    ratios = [slow() / fast() for _ in range(turns + 1)]
    return statistics.median(ratios[1:])


def llama_50m() -> LanguageModel:
    """A Llama of 50M parameters with random weights, which never writes an end-of-text token."""
    tokenizer = build_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=640, intermediate_size=1792, num_hidden_layers=10,
        num_attention_heads=10, num_key_value_heads=5, pad_token_id=0, eos_token_id=None, bos_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    model.generation_config = GenerationConfig(do_sample=True, max_new_tokens=24, pad_token_id=0)
    return LanguageModel(model, tokenizer, batch_size=64)


def ours(policy: LanguageModel, problems: list[Problem], n: int) -> float:
    """Seconds per token of the engine."""
    groups: list[list[ttclab.Solution]] = []
    elapsed = seconds(lambda: groups.extend(policy.generate(problems, n=n)))
    return elapsed / sum(len(solution.tokens) for group in groups for solution in group)


def transformers_generate(policy: LanguageModel, problems: list[Problem], n: int) -> float:
    """Seconds per token of `generate`, one problem at a time, as its users call it."""
    model, tokenizer, tokens = policy.engine.model, policy.tokenizer, 0

    def run() -> None:
        nonlocal tokens
        for problem in problems:
            ids = torch.tensor([policy.encode(Prompt(problem))])
            with torch.inference_mode():
                out = model.generate(
                    ids, attention_mask=torch.ones_like(ids), do_sample=True, num_return_sequences=n, top_k=0
                )
            new = out[:, ids.shape[1] :]
            tokens += int((new != tokenizer.pad_token_id).sum())

    return seconds(run) / tokens


def bare_loop(policy: LanguageModel, problems: list[Problem], batch: int) -> float:
    """Seconds per token of forward passes alone: `batch` rows of one token, the cache already filled with a prompt."""
    model = policy.engine.model
    length, new = max(len(problem.prompt) for problem in problems), min(policy.max_new_tokens, 24)
    ids = torch.zeros(batch, length, dtype=torch.long)
    one = torch.zeros(batch, 1, dtype=torch.long)

    def run() -> None:
        with torch.inference_mode():
            cache = Cache(layer_class_to_replicate=GrowingLayer)
            model(ids[:, :-1], past_key_values=cache, logits_to_keep=1)
            for _ in range(new):
                model(one, past_key_values=cache, logits_to_keep=1)

    return seconds(run) / (batch * new)


def search_flops(policy: LanguageModel, verifier: str, problems: list[Problem], N: int, M: int) -> float:
    """FLOPs of beam search, verifier included, over what they would be if no prefix were shared."""
    results = beam_search(policy, ttclab.load_verifier(verifier, device="cpu"), problems, N, M)
    costs = [result.cost for result in results]
    computed = sum(cost.total_flops for cost in costs)
    return computed / (computed + sum(cost.flops["cached"] for cost in costs))


PEAK = """
import resource, sys
import ttclab
policy = ttclab.load("small", device="cpu")
policy.engine.batch_size = int(sys.argv[1])
policy.generate(ttclab.load_problems("test", limit=1), n=int(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@cache
def peak_bytes(rows: int) -> int:
    """Peak memory of a fresh process with this many live rows (Linux counts it in kB)."""
    out = subprocess.run([sys.executable, "-c", PEAK, str(rows)], capture_output=True, text=True, check=True)
    return 1024 * int(out.stdout)


def peak_growth(rows: tuple[int, int, int]) -> float:
    """Memory of the rows from the second count to the third, over that of the rows from the first to the second."""
    few, some, many = map(peak_bytes, rows)
    return (many - some) / max(some - few, 1)


def measurements(size: Size) -> dict[str, Callable[[], float]]:
    """Each line of the table: its label, and what measures its ratio."""
    problems = load_problems("test", limit=size.problems)
    same_length = [each for each in load_problems("test") if len(each.prompt) == 16][: size.problems]
    searched = load_problems("test", limit=2 * size.problems)
    small, llama, n = ttclab.load("small", device="cpu"), llama_50m(), size.samples
    some = problems[: max(1, size.problems // 4)]
    rows = min(small.engine.batch_size, n * len(same_length))

    def against_generate(policy: LanguageModel, of: list[Problem], turns: int) -> float:
        theirs = partial(transformers_generate, policy, of, n)
        return median_ratio(theirs, partial(ours, policy, of, n), turns)

    return {
        f"tokens a second against generate(num_return_sequences={n}), shipped small model": lambda: against_generate(
            small, problems, size.turns
        ),
        f"tokens a second against generate(num_return_sequences={n}), 50M Llama": lambda: against_generate(
            llama, some, min(size.turns, 3)
        ),
        "share of the limit (a bare forward loop of the same shapes), small model": lambda: median_ratio(
            lambda: bare_loop(small, same_length, rows), lambda: ours(small, same_length, n), size.turns
        ),
        f"cost of a sample at N={size.many} against N={size.few}": lambda: median_ratio(
            lambda: ours(small, problems, size.many), lambda: ours(small, problems, size.few), size.turns
        ),
        "peak memory of live rows {1} to {2}, against {0} to {1}".format(*size.rows): lambda: peak_growth(size.rows),
        "FLOPs of beam search (N=16, M=4) over those without shared prefixes, with the PRM": lambda: search_flops(
            small, "prm", searched, 16, 4
        ),
        "FLOPs of beam search (N=16, M=4) over those without shared prefixes, policy alone": lambda: search_flops(
            small, "oracle", searched, 16, 4
        ),
        f"beam search on {len(searched)} problems (N=16, M=4), wall time of {peers.PEER} over ours": lambda: (
            peers.measure(len(searched), min(size.turns, 3))
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios measured side by side")
    parser.add_argument("--turns", type=int, default=Size.turns, help="ratios per line")
    parser.add_argument("--quick", action="store_true", help="run everything once on the smallest inputs")
    options = parser.parse_args()
    size = QUICK if options.quick else Size(turns=options.turns)
    print(f"{torch.get_num_threads()} torch thread(s), fp32, median of {size.turns} turn(s)")
    for label, measure in measurements(size).items():
        try:
            print(f"{label:84} {measure():.2f}", flush=True)
        except peers.Unavailable as reason:
            print(f"{label:84} not measured: {reason}", flush=True)


if __name__ == "__main__":
    main()
