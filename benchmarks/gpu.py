"""What one GPU does with the course: `python -m benchmarks.gpu` checks it, times it and writes its card.

Nothing is downloaded: the models are the shipped ones, and Qwen2.5-0.5B and -1.5B in shape, with random weights. Checks
come first. Then tokens a second by rows, for the eager and the captured decode step, `generate` and `generate_batch` of
transformers, vLLM where it is installed, and a bare loop of forward passes; prefill apart from decode; the share of
memory bandwidth and of peak FLOP/s; memory; joules; beam search and revision with the PRM. At most eight minutes.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel, Qwen2Config

import ttclab
from tests.tiny import CONFIGS, TOKENIZER, random_model
from ttclab.beam_search import beam_search
from ttclab.engine import Engine, Row, Sampler
from ttclab.engine.graphs import bucket
from ttclab.engine.static_batch import StaticBuffers
from ttclab.flops import billed, decode_roofline
from ttclab.hardware import Meter, find_gpu
from ttclab.models import pick_dtype
from ttclab.problems import load_problems
from ttclab.reader import Reader

CARDS = Path(__file__).parent / "cards"
ROWS = (1, 16, 64, 256, 1024, 4096)
PROMPT, NEW = 64, 64  # tokens, of the models with random weights
GREEDY = Sampler(temperature=0)
QWEN = {"vocab_size": 151936, "num_key_value_heads": 2, "tie_word_embeddings": True, "max_position_embeddings": 32768}
SHAPES = {
    "Qwen2.5-0.5B": Qwen2Config(
        **QWEN, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14
    ),
    "Qwen2.5-1.5B": Qwen2Config(
        **QWEN, hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12
    ),
}


@dataclass
class Run:
    """What to measure, and how long there is for it."""

    device: torch.device
    rows: tuple[int, ...]
    shapes: tuple[str, ...]
    turns: int
    deadline: float

    @property
    def captured(self) -> str:
        return "captured" if self.device.type == "cuda" else "static"

    @property
    def late(self) -> bool:
        return time.monotonic() > self.deadline

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object], warm_up: int = 1) -> float:
        """The median of some runs, after some that do not count."""
        times = []
        for _ in range(self.turns + warm_up):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            times.append(time.perf_counter() - start)
        return statistics.median(times[warm_up:])


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


# ---------------------------------------------------------------- checks


def prompts(copies: int = 1) -> list[Row]:
    texts = ["015+74+46*06\n", "007+01\n", "096-08+03*02-08\n", "5", "060*02\n", "072*05-01-47-18+26+02\n"]
    return [Row(tuple(TOKENIZER.encode(text)), f"{text}/{i}") for text in texts for i in range(copies)]


def check_greedy(run: Run, name: str) -> None:
    """Greedy tokens are those of `generate` on the same device, and the step was captured."""
    model = random_model(name).to(run.device)
    engine = Engine(model, TOKENIZER, decoder=run.captured)
    ours = engine.write(prompts(), GREEDY, max_new_tokens=24)
    assert engine.decoder == run.captured, "the step could not be captured"
    for row, mine in zip(prompts(), ours, strict=True):
        ids = torch.tensor([row.context], device=run.device)
        theirs = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24)
        assert list(mine.tokens) == theirs[0, len(row.context) :].tolist(), f"after {row.context}"


def check_seeds(run: Run, name: str) -> None:
    """A seed gives the same tokens for the captured and the eager step, whatever the batch size."""
    model, rows = random_model(name).to(run.device), prompts(copies=20)
    expected = Engine(model, TOKENIZER, decoder="eager").write(rows, Sampler(), max_new_tokens=24)
    for size in (3, 64, 512):
        engine = Engine(model, TOKENIZER, batch_size=size, decoder=run.captured)
        found = engine.write(rows, Sampler(), max_new_tokens=24)
        same = sum(one.tokens == other.tokens for one, other in zip(expected, found, strict=True))
        assert same >= len(rows) - 1, (
            f"{same} of {len(rows)} rows agree at batch size {size}"
        )  # a draw in a rounding gap


def check_steps(run: Run) -> None:
    """Generation step by step gives the tokens of an unbroken run."""
    model, problems = ttclab.load("small", device=run.device.type), load_problems("test", limit=20)
    whole = model.generate(problems, n=4, seed=3)
    steps = model.generate_step(problems, n=4, seed=3)
    while any(not solution.finished for group in steps for solution in group):
        going = [[s for s in group if not s.finished] for group in steps]
        asked = [i for i, group in enumerate(going) if group]
        moved = iter(model.generate_step([problems[i] for i in asked], [going[i] for i in asked]))
        steps = [[s for s in group if s.finished] + (next(moved) if left else []) for group, left in zip(steps, going)]
    same = [{s.text for s in one} == {s.text for s in other} for one, other in zip(whole, steps, strict=True)]
    assert sum(same) >= len(same) - 1, f"{sum(same)} of {len(same)} problems agree"


def check_budget(run: Run) -> None:
    """Budgets are spent exactly, and the strategies solve about as much as on a CPU."""
    model, prm = (ttclab.load("small", device=run.device.type), ttclab.load_verifier("prm", device=run.device.type))
    problems = load_problems("test", limit=60)
    for M in (1, 4):
        results = beam_search(model, prm, problems, 16, M)
        assert all(len(result.solutions) == result.cost.generations == 16 for result in results)
    results = ttclab.sequential_revise(ttclab.load("revision", device=run.device.type), prm, problems, 3)
    assert all(len(result.solutions) <= 4 and result.cost.revisions <= 3 for result in results)
    sampled = ttclab.parallel_search(model, prm, problems, 16)
    share = statistics.fmean(result.correct for result in sampled)
    assert 0.6 < share < 0.95, f"best-of-16 solves {share:.2f}"


def check_prm(run: Run) -> None:
    """The PRM's step scores are those of the CPU, whole and step by step."""
    model, problems = ttclab.load("small", device="cpu"), load_problems("test", limit=40)
    solutions = [solution for group in model.generate(problems, n=4) for solution in group]
    cpu = ttclab.load_verifier("prm", device="cpu").score_steps(solutions)
    prm = ttclab.load_verifier("prm", device=run.device.type)
    prm._reader = Reader(prm.model, decoder=run.captured)
    begun = [replace(solution, text="".join(f"{step}\n" for step in solution.steps[:-1]), tokens=(), finished=False)
             for solution in solutions]  # fmt: skip
    with billed():
        first, whole = prm.score_steps(begun), prm.score_steps(solutions)
    assert prm._reader._static and prm._reader._static.capture == (run.captured == "captured"), "no pass was captured"
    for mine, early, theirs in zip(whole, first, cpu, strict=True):
        worst = max(abs(a - b) for a, b in zip(mine + early, theirs + theirs[: len(early)], strict=True))
        assert worst < 1e-3, f"a score differs by {worst:.1e}"


def check_fallback(run: Run) -> None:
    """A model whose step reads a value on the host falls back to the eager step, and gives the same tokens."""
    model = random_model("llama").to(run.device)
    expected = Engine(model, TOKENIZER, decoder="eager").write(prompts(), GREEDY, max_new_tokens=24)
    forward = model.forward

    def reading(input_ids: torch.Tensor, **rest: Any) -> Any:
        assert input_ids.sum().item() >= 0
        return forward(input_ids=input_ids, **rest)

    model.forward = reading
    engine = Engine(model, TOKENIZER, decoder=run.captured)
    found = engine.write(prompts(), GREEDY, max_new_tokens=24)
    assert run.captured == "static" or engine.decoder == "eager"
    assert [row.tokens for row in found] == [row.tokens for row in expected]


def check_lab(path: Path) -> None:
    """Every code cell of a lab runs, with the models on this machine's device."""
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    code = "\n".join(
        "".join(cell["source"]) for cell in cells if "raises-exception" not in cell["metadata"].get("tags", [])
    )
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


def checks(run: Run, labs: bool) -> dict[str, str]:
    """Every check by name: "passed", or what went wrong."""
    todo: dict[str, Callable[[], None]] = {}
    for name in CONFIGS:
        todo[f"greedy tokens are those of generate, {name}"] = lambda name=name: check_greedy(run, name)
        todo[f"a seed gives the same tokens in any batch, {name}"] = lambda name=name: check_seeds(run, name)
    todo["step by step gives the tokens of an unbroken run"] = lambda: check_steps(run)
    todo["the PRM scores as on a CPU"] = lambda: check_prm(run)
    todo["budgets are spent exactly"] = lambda: check_budget(run)
    todo["a step that cannot be captured falls back"] = lambda: check_fallback(run)
    for path in sorted(Path("notebooks").glob("*.ipynb")) if labs else ():
        todo[f"lab {path.stem} runs"] = lambda path=path: check_lab(path)
    outcome = {}
    for name, check in todo.items():
        start = time.perf_counter()
        try:
            check()
            outcome[name] = "passed"
        except Exception as error:  # the card says what failed, and the measurements still run
            outcome[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            traceback.print_exc(limit=-3)
        print(f"  {name}: {outcome[name]} ({time.perf_counter() - start:.1f} s)", flush=True)
    return outcome


# ---------------------------------------------------------------- measurements


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
    policies = {name: ttclab.load(name, device=device) for name in ("small", "revision")}
    prm = ttclab.load_verifier("prm", device=device)
    strategies: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
        "best-of-16": ("small", lambda model: ttclab.parallel_search(model, prm, asked, 16)),
        "beam search, N=16, M=4": ("small", lambda model: beam_search(model, prm, asked, 16, 4)),
        "1 attempt, 3 revisions": ("revision", lambda model: ttclab.sequential_revise(model, prm, asked, 3)),
    }
    for name, (policy, strategy) in strategies.items():
        line: dict[str, Any] = {"strategy": name, "problems": problems}
        for decoder in ("eager", run.captured):
            model = policies[policy]
            model.engine = Engine(model.engine.model, model.tokenizer, batch_size=4096, decoder=decoder)
            prm._reader = Reader(prm.model, decoder=decoder)
            line[f"{decoder}_seconds"] = run.seconds(partial(strategy, model))
        line["mflops"] = sum(result.cost.total_flops for result in strategy(model)) / 1e6
        table.append(line)
        print("  " + json.dumps(line), flush=True)
    return table


def machine(device: torch.device) -> dict[str, Any]:
    """What was measured on."""
    card: dict[str, Any] = {"date": date.today().isoformat(), "python": platform.python_version()}
    card |= {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "gpu": "none (a CPU, to try the script)",
    }
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        driver = subprocess.run(query, capture_output=True, text=True).stdout.strip().splitlines()
        card |= {"gpu": found.name, "memory_bytes": found.total_memory, "cuda": torch.version.cuda}
        card["driver"] = driver[0] if driver else "unknown"
    return card


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="a minute, on any device: to try the script")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--no-labs", action="store_true", help="leave the labs out of the checks")
    parser.add_argument("--out", type=Path, default=CARDS)
    options = parser.parse_args()
    run = Run(
        torch.device(options.device), ROWS[:2] if options.quick else ROWS, () if options.quick else tuple(SHAPES),
        1 if options.quick else 3, time.monotonic() + 60 * options.minutes,
    )  # fmt: skip
    card = machine(run.device)
    print(json.dumps(card), "\nchecks", flush=True)
    card["checks"] = checks(run, labs=not (options.no_labs or options.quick))
    print("decode", flush=True)
    policies = {name: ttclab.load(name, device=options.device) for name in ("small", "large")}
    card["decode"], card["prefill"] = [], []
    for name, policy in policies.items():
        card["decode"] += measure_decode(run, name, policy.engine.model, policy.tokenizer)
    print("strategies", flush=True)
    card["strategies"] = measure_strategies(run, 4 if options.quick else 64)
    for name in run.shapes:
        if not run.late:
            model = shaped(name, run.device)
            card["prefill"].append(measure_prefill(run, name, model))
            card["decode"] += measure_decode(run, name, model, TOKENIZER)
            if not run.late:
                card["generate_batch"] = card.get("generate_batch", []) + [measure_generate_batch(run, name, model)]
            del model
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{card['gpu'].replace(' ', '-')}.json"
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
