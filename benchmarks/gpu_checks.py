"""What must hold on a GPU before its figures mean anything; run by `benchmarks.gpu`."""

import json
import os
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

import ttclab
from tests.tiny import TOKENIZER, random_model
from ttclab.beam_search import beam_search
from ttclab.engine import Engine, Row, Sampler
from ttclab.ledger import billed
from ttclab.problems import load_problems
from ttclab.verifiers.reader import Reader

GREEDY = Sampler(temperature=0)


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
    results = ttclab.sequential_revise(model, prm, problems, 3)
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
    """Every code cell of a lab runs, with the models on this machine's fastest device."""
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    code = "\n".join("".join(c["source"]) for c in cells if "raises-exception" not in c["metadata"].get("tags", []))
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, env=environment)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


def outcome(name: str, check: Callable[[], None]) -> tuple[str, str]:
    """The name of a check, and "passed" or what went wrong."""
    start = time.perf_counter()
    try:
        check()
        said = "passed"
    except Exception as error:  # the card says what failed, and the measurements still run
        said = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        traceback.print_exc(limit=-3)
    print(f"  {name}: {said} ({time.perf_counter() - start:.1f} s)", flush=True)
    return name, said


def checks(run: Run, architectures: Sequence[str], *, labs: bool) -> dict[str, str]:
    """Every check by name: "passed", or what went wrong."""
    todo: dict[str, Callable[[], None]] = {}
    for name in architectures:
        todo[f"greedy tokens are those of generate, {name}"] = partial(check_greedy, run, name)
        todo[f"a seed gives the same tokens in any batch, {name}"] = partial(check_seeds, run, name)
    todo["step by step gives the tokens of an unbroken run"] = partial(check_steps, run)
    todo["the PRM scores as on a CPU"] = partial(check_prm, run)
    todo["budgets are spent exactly"] = partial(check_budget, run)
    todo["a step that cannot be captured falls back"] = partial(check_fallback, run)
    found = [outcome(name, check) for name, check in todo.items()]
    if labs:  # processes of their own, several at a time
        paths = sorted(Path("notebooks").glob("*.ipynb"))
        with ThreadPoolExecutor(4) as pool:
            found += pool.map(lambda path: outcome(f"lab {path.stem} runs", partial(check_lab, path)), paths)
    return dict(found)
