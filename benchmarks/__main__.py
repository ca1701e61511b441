"""Speed, as ratios measured side by side in one run: `make bench`.

Both sides of a ratio run in turns, in one process, on the same weights, dtype and threads. The median of the ratios is
reported, so that a machine whose speed drifts does not decide. "Limit" is a bare loop of forward passes of the same
shapes: no engine that uses this model code can be faster.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

import ttclab
from ttclab.beam_search import beam_search
from ttclab.engine import _Layer
from ttclab.models import LanguageModel
from ttclab.problems import Problem, load_problems
from ttclab.training.tokens import build_tokenizer

from . import peers

SAMPLES = 64


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def median_ratio(slow: Callable[[], float], fast: Callable[[], float], turns: int) -> float:
    """How many times as large `slow` is, each a measure of one run; the first turn warms up."""
    ratios = [slow() / fast() for _ in range(turns + 1)]
    return statistics.median(ratios[1:])


def llama_50m() -> LanguageModel:
    """A Llama of 50M parameters with random weights, which never ends by itself."""
    tokenizer = build_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=640, intermediate_size=1792, num_hidden_layers=10,
        num_attention_heads=10, num_key_value_heads=5, pad_token_id=0, eos_token_id=None, bos_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    model.generation_config = GenerationConfig(do_sample=True, max_new_tokens=24, pad_token_id=0)
    return LanguageModel(model, tokenizer, batch_size=64)


def ours(policy: LanguageModel, problems: list[Problem], n: int = SAMPLES, **limits: int) -> float:
    """Seconds a token."""
    groups: list[list[ttclab.Solution]] = []
    taken = seconds(lambda: groups.extend(policy.generate(problems, n=n, **limits)))
    return taken / sum(len(solution.tokens) for group in groups for solution in group)


def transformers_generate(policy: LanguageModel, problems: list[Problem]) -> float:
    """Seconds a token of `generate`, a problem at a time, as its users do."""
    model, tokenizer, written = policy.engine.model, policy.tokenizer, 0

    def run() -> None:
        nonlocal written
        for problem in problems:
            ids = torch.tensor([policy.encode(problem.prompt)])
            with torch.inference_mode():
                out = model.generate(
                    ids, attention_mask=torch.ones_like(ids), do_sample=True, num_return_sequences=SAMPLES, top_k=0
                )
            new = out[:, ids.shape[1] :]
            written += int((new != tokenizer.pad_token_id).sum())

    return seconds(run) / written


def bare_loop(policy: LanguageModel, problems: list[Problem], batch: int) -> float:
    """Seconds a token of forward passes alone: `batch` rows, one token each, cache already filled with a prompt."""
    model = policy.engine.model
    length, new = max(len(problem.prompt) for problem in problems), policy.max_new_tokens
    new = min(new, 24)
    ids = torch.zeros(batch, length, dtype=torch.long)
    one = torch.zeros(batch, 1, dtype=torch.long)

    def run() -> None:
        with torch.inference_mode():
            cache = ttclab.engine.Cache(layer_class_to_replicate=_Layer)
            model(ids[:, :-1], past_key_values=cache, logits_to_keep=1)
            for _ in range(new):
                model(one, past_key_values=cache, logits_to_keep=1)

    return seconds(run) / (batch * new)


def search_flops(policy: LanguageModel, judge: str, problems: list[Problem], N: int, M: int) -> float:
    """FLOPs that beam search computes over what they are if no prefix is shared, the judge's among them."""
    verifier = ttclab.load_verifier(judge, device="cpu")
    costs = [result.cost for result in beam_search(policy, verifier, problems, N, M)]
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


def peak_bytes(rows: int) -> int:
    """The most memory that a fresh process with so many live rows ever held (Linux counts it in kB)."""
    out = subprocess.run([sys.executable, "-c", PEAK, str(rows)], capture_output=True, text=True, check=True)
    return 1024 * int(out.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios measured side by side")
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    problems = load_problems("test", limit=16)
    small, llama = ttclab.load("small", device="cpu"), llama_50m()
    print(f"{torch.get_num_threads()} torch thread(s), fp32, median of {turns} turns")
    print(f"{'what':72} ratio")
    for name, policy, asked in (("shipped small model", small, problems), ("50M Llama", llama, problems[:4])):
        theirs, mine = partial(transformers_generate, policy, asked), partial(ours, policy, asked)
        ratio = median_ratio(theirs, mine, turns if policy is small else min(turns, 3))
        print(f"{f'tokens a second against generate(num_return_sequences=64), {name}':72} {ratio:.2f}")
    same = [p for p in load_problems("test") if len(p.prompt) == 16][:16]
    share = median_ratio(lambda: bare_loop(small, same, small.engine.batch_size), lambda: ours(small, same), turns)
    print(f"{'share of the limit (a bare forward loop of the same shapes), small model':72} {share:.2f}")
    growth = median_ratio(lambda: ours(small, problems, n=256), lambda: ours(small, problems, n=32), turns)
    print(f"{'cost of a sample at N=256 against N=32':72} {growth:.2f}")
    few, some, many = (peak_bytes(rows) for rows in (8192, 16384, 24576))
    growth = (many - some) / (some - few)
    print(f"{'peak memory of live rows 16384 to 24576, against 8192 to 16384':72} {growth:.2f}")
    asked = load_problems("test", limit=32)
    for name, judge in (("judged by the PRM", "prm"), ("policy alone", "oracle")):
        ratio = search_flops(small, judge, asked, 16, 4)
        print(f"{f'FLOPs of beam search (N=16, M=4) against computing prefixes again, {name}':72} {ratio:.2f}")
    if peers.BeamSearch is None:
        print("not measured: beam search against its-hub, which is not installed (pip install its-hub==1.2.0)")
        return
    verifier = ttclab.load_verifier("prm", device="cpu")
    search = median_ratio(
        lambda: seconds(lambda: peers.its_hub_beam_search(small, verifier, asked, 16, 4)),
        lambda: seconds(lambda: beam_search(small, verifier, asked, 16, 4)),
        min(turns, 3),
    )
    print(f"{'beam search on 32 problems (N=16, M=4), wall time of its-hub 1.2.0 against ours':72} {search:.2f}")


if __name__ == "__main__":
    main()
