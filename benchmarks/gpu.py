"""What one GPU does with the course: `python -m benchmarks.gpu` checks it, times it and writes its card.

Nothing is downloaded: the models are the shipped ones, and Qwen2.5-0.5B and -1.5B in shape, with random weights. Checks
come first. Then tokens a second by rows, for the eager and the captured decode step, `generate` and `generate_batch` of
transformers, vLLM where it is installed, and a bare loop of forward passes; prefill apart from decode; the share of
memory bandwidth and of peak FLOP/s; memory; joules; beam search and revision with the PRM. At most eight minutes.
"""

import argparse
import importlib.util
import json
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel, Qwen2Config

import ttclab
from tests.tiny import CONFIGS, TOKENIZER
from ttclab.beam_search import beam_search
from ttclab.engine import Engine, Row, Sampler
from ttclab.engine.graphs import bucket
from ttclab.engine.static_batch import StaticBuffers
from ttclab.hardware import Meter, find_gpu
from ttclab.models import pick_dtype
from ttclab.problems import load_problems
from ttclab.verifiers.reader import Reader

from .gpu_checks import Run, checks
from .roofline import decode_roofline

CARDS = Path(__file__).parent / "cards"
ROWS = (1, 16, 64, 256, 1024, 4096)
PROMPT, NEW = 64, 64  # tokens, of the models with random weights
QWEN = {"vocab_size": 151936, "num_key_value_heads": 2, "tie_word_embeddings": True, "max_position_embeddings": 32768}
SHAPES = {
    "Qwen2.5-0.5B": Qwen2Config(
        **QWEN, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14
    ),
    "Qwen2.5-1.5B": Qwen2Config(
        **QWEN, hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12
    ),
}


@contextmanager
def out_of_memory_is_a_gap() -> Iterator[None]:
    """What does not fit is left out of the card, as a line that was not measured."""
    try:
        yield
    except torch.cuda.OutOfMemoryError:
        print("    does not fit", flush=True)
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def shaped(name: str, device: torch.device) -> PreTrainedModel:
    """A model of that shape with random weights, which never ends by itself."""
    config = SHAPES[name]
    config.dtype = torch.bfloat16  # as Qwen's own files have it
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=pick_dtype(config, device)).eval()
    model.generation_config = GenerationConfig(do_sample=True, pad_token_id=0, eos_token_id=None)
    return model


def random_rows(rows: int, vocabulary: int) -> list[Row]:
    """Rows in groups of 64 that share a context, as samples of one problem do."""
    generator = torch.Generator().manual_seed(0)
    contexts = torch.randint(2, vocabulary, (-(-rows // 64), PROMPT), generator=generator).tolist()
    return [Row(tuple(contexts[i // 64]), f"row {i}") for i in range(rows)]


def timed_engine(run: Run, engine: Engine, rows: list[Row], new: int) -> dict[str, float]:
    """Of one engine: tokens a second; where the GPU tells, peak memory in bytes and joules a token."""
    turns, written = count(), 0

    def work() -> None:
        nonlocal written
        turn = next(turns)  # random streams of its own, for the engine remembers the last ones
        fresh = [Row(row.context, f"{row.key}, {turn}") for row in rows]
        written = sum(len(row.tokens) for row in engine.write(fresh, Sampler(), max_new_tokens=new))

    start = time.perf_counter()
    work()
    run.wait()
    first = time.perf_counter() - start
    seconds = run.seconds(work, warm_up=2)  # by then every size of step that it takes is captured
    with Meter() as meter:
        work()
    found = {"tokens_per_second": written / seconds, "first_call_seconds": first}
    if meter.peak_bytes:
        found["peak_bytes"] = meter.peak_bytes
    if meter.joules:
        found["joules_per_token"] = meter.joules / written
    return found


def bare_step(run: Run, engine: Engine, rows: int, *, captured: bool) -> float:
    """Seconds of a decode step alone, without the engine's work on the host."""
    steps = 20
    with torch.inference_mode():
        buffers = StaticBuffers(engine.fixed_forward, engine._cache_shapes(), capture=captured)
        buffers.reserve(rows, PROMPT + NEW, NEW)
        buffers.state.position.fill_(PROMPT + NEW // 2)
        step = buffers.step(bucket(rows), buffers.columns, Sampler(), engine.endings(None))
        return run.seconds(lambda: [step() for _ in range(steps)]) / steps


def generate_tokens_per_second(run: Run, model: PreTrainedModel, rows: list[Row], new: int) -> float:
    """Of transformers' `generate`, with 64 samples of a context at a time."""
    written = 0

    def work() -> None:
        nonlocal written
        written = 0
        for first in range(0, len(rows), 64):
            group = rows[first : first + 64]
            ids = torch.tensor([group[0].context], device=run.device)
            with torch.inference_mode():
                out = model.generate(
                    ids, attention_mask=torch.ones_like(ids), do_sample=True, top_k=0, max_new_tokens=new,
                    num_return_sequences=len(group),
                )  # fmt: skip
            written += int((out[:, ids.shape[1] :] != model.generation_config.pad_token_id).sum())

    seconds = run.seconds(work)
    return written / seconds


def generate_batch_tokens_per_second(run: Run, model: PreTrainedModel, rows: list[Row], new: int) -> float:
    """Of transformers' continuous batching."""
    options = GenerationConfig(do_sample=True, top_k=0, max_new_tokens=new, eos_token_id=-1, pad_token_id=0)
    inputs = [list(row.context) for row in rows]
    written = 0

    def work() -> None:
        nonlocal written
        found = model.generate_batch(inputs=inputs, generation_config=options, progress_bar=False)
        written = sum(len(each.generated_tokens) for each in found.values())

    seconds = run.seconds(work, warm_up=2)
    return written / seconds


def measure_decode(run: Run, name: str, model: PreTrainedModel, tokenizer: Any) -> list[dict[str, Any]]:
    """Tokens a second by rows, with what the GPU could do beside it."""
    table, shipped = [], name not in SHAPES
    problems = [tuple(tokenizer.encode(p.prompt)) for p in load_problems("test")] if shipped else []
    for rows in run.rows:
        if run.late:
            break
        line: dict[str, Any] = {"model": name, "dtype": str(model.dtype).removeprefix("torch."), "rows": rows}
        asked = random_rows(rows, model.config.vocab_size)
        if shipped:
            asked = [Row(problems[i // 64 % len(problems)], row.key) for i, row in enumerate(asked)]
        new = model.generation_config.max_new_tokens or NEW
        for decoder in ("eager", run.captured):
            with out_of_memory_is_a_gap():
                engine = Engine(model, tokenizer, batch_size=rows, decoder=decoder)
                engine.end_ids = engine.end_ids if shipped else []
                line[decoder] = timed_engine(run, engine, asked, new)
        with out_of_memory_is_a_gap():
            line["step_seconds"] = bare_step(run, engine, rows, captured=run.captured == "captured")
        if rows <= 64:
            line["step_seconds_without_graph"] = bare_step(run, engine, rows, captured=False)
            line["generate"] = {"tokens_per_second": generate_tokens_per_second(run, model, asked, new)}
        if run.device.type == "cuda" and "step_seconds" in line:
            gpu = find_gpu(torch.cuda.get_device_name())
            limits = decode_roofline(model.config, gpu, model.dtype, bucket(rows), PROMPT + NEW // 2)
            line["bandwidth_share"] = limits.memory_seconds / line["step_seconds"]
            line["mfu"] = limits.compute_seconds / line["step_seconds"]
        table.append(line)
        print("  " + json.dumps(line), flush=True)
    return table


def measure_prefill(run: Run, name: str, model: PreTrainedModel) -> dict[str, Any]:
    """Tokens a second of reading 16 prompts of 512 tokens."""
    ids = torch.randint(2, model.config.vocab_size, (16, 512), device=run.device)
    with torch.inference_mode():
        seconds = run.seconds(lambda: model(ids, logits_to_keep=1))
    return {"model": name, "prefill_tokens_per_second": ids.numel() / seconds}


def measure_generate_batch(run: Run, name: str, model: PreTrainedModel) -> dict[str, Any]:
    """Continuous batching of transformers at 64 rows; the reason, where it does not run."""
    line: dict[str, Any] = {"model": name, "rows": 64}
    try:
        rows = random_rows(64, model.config.vocab_size)
        line["tokens_per_second"] = generate_batch_tokens_per_second(run, model, rows, NEW)
    except Exception as error:  # its interface is young, and the card is worth more than this line
        line["reason"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    print("  " + json.dumps(line), flush=True)
    return line


def measure_strategies(run: Run, problems: int) -> list[dict[str, Any]]:
    """Wall time of strategies with the PRM, eager and captured, and the FLOPs that they are charged."""
    asked, table, device = load_problems("test", limit=problems), [], run.device.type
    model, prm = ttclab.load("small", device=device), ttclab.load_verifier("prm", device=device)
    strategies: dict[str, Callable[[], list[Any]]] = {
        "best-of-16": lambda: ttclab.parallel_search(model, prm, asked, 16),
        "beam search, N=16, M=4": lambda: beam_search(model, prm, asked, 16, 4),
        "1 attempt, 3 revisions": lambda: ttclab.sequential_revise(model, prm, asked, 3),
    }
    for name, strategy in strategies.items():
        line: dict[str, Any] = {"strategy": name, "problems": problems}
        for decoder in ("eager", run.captured):
            model.engine = Engine(model.engine.model, model.tokenizer, batch_size=4096, decoder=decoder)
            prm._reader = Reader(prm.model, decoder=decoder)
            line[f"{decoder}_seconds"] = run.seconds(strategy)
        line["mflops"] = sum(result.cost.total_flops for result in strategy()) / 1e6
        table.append(line)
        print("  " + json.dumps(line), flush=True)
    return table


def measure_vllm(run: Run, name: str) -> dict[str, Any]:
    """Of vLLM, on the same weights and 64 samples of a context. It has never been run here: its own error is kept."""
    line: dict[str, Any] = {"model": name, "rows": 64}
    try:
        from vllm import LLM, SamplingParams

        with TemporaryDirectory() as folder:
            shaped(name, run.device).save_pretrained(folder)
            engine = LLM(model=folder, skip_tokenizer_init=True, gpu_memory_utilization=0.5)
            options = SamplingParams(n=64, max_tokens=NEW, ignore_eos=True, detokenize=False)
            prompts = [{"prompt_token_ids": list(random_rows(1, SHAPES[name].vocab_size)[0].context)}]
            seconds = run.seconds(lambda: engine.generate(prompts, options, use_tqdm=False))
        line["tokens_per_second"] = 64 * NEW / seconds
    except Exception as error:
        line["reason"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    print("  " + json.dumps(line), flush=True)
    return line


def machine(device: torch.device) -> dict[str, Any]:
    """What was measured on."""
    card: dict[str, Any] = {"date": date.today().isoformat(), "python": platform.python_version()}
    card |= {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "gpu": "none",
    }
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        driver = subprocess.run(query, capture_output=True, text=True).stdout.strip().splitlines()
        card |= {"gpu": found.name, "memory_bytes": found.total_memory, "cuda": torch.version.cuda}
        card["driver"] = driver[0] if driver else "unknown"
    return card


def rounded(value: Any) -> Any:
    """The same with five digits: more say nothing of a measured time."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="some seconds, on any device: to try the script")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--no-labs", action="store_true", help="leave the labs out of the checks")
    parser.add_argument("--out", type=Path, default=CARDS)
    options = parser.parse_args()
    run = Run(
        torch.device(options.device), (1, 4) if options.quick else ROWS, () if options.quick else tuple(SHAPES),
        1 if options.quick else 3, time.monotonic() + 60 * options.minutes,
    )  # fmt: skip
    card = machine(run.device)
    path = options.out / f"{card['gpu'].replace(' ', '-')}.json"

    def measured(name: str, value: Any) -> None:
        """Write the card after each part, for a rented GPU may be taken away."""
        card[name] = card[name] + value if isinstance(value, list) and name in card else value
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rounded(card), indent=1) + "\n", encoding="utf-8")

    print(json.dumps(card), "\nchecks", flush=True)
    names = ("llama", "gemma3") if options.quick else tuple(CONFIGS)
    measured("checks", checks(run, names, labs=not (options.no_labs or options.quick)))
    print("decode", flush=True)
    for name in ("small",) if options.quick else ("small", "large"):
        policy = ttclab.load(name, device=options.device)
        measured("decode", measure_decode(run, name, policy.engine.model, policy.tokenizer))
    print("strategies", flush=True)
    measured("strategies", measure_strategies(run, 2 if options.quick else 64))
    for name in run.shapes:
        if not run.late:
            model = shaped(name, run.device)
            measured("prefill", [measure_prefill(run, name, model)])
            measured("decode", measure_decode(run, name, model, TOKENIZER))
            del model
    for name in run.shapes[:1] if not run.late else ():
        measured("generate_batch", [measure_generate_batch(run, name, shaped(name, run.device))])
    measured("vllm", measure_vllm(run, "Qwen2.5-0.5B") if importlib.util.find_spec("vllm") else None)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
