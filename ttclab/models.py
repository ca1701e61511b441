"""Policies: what writes solutions. `load` gives the shipped ones, or any causal language model on disk."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from . import flops
from .engine import Engine, Row, Sampler, Written
from .problems import Problem, Solution

ZOO = Path(__file__).parent / "zoo"
DEFAULT_STEP = {"large": 1500}  # where its single pass beats small's by .2, and room is left above


def load(
    name: str | Path, *, at: int | None = None, device: str = "auto", dtype: torch.dtype | str = "auto"
) -> "LanguageModel":
    """A policy, ready to write.

    name: "small", "large" (14 times as many parameters), or a directory in Hugging Face's format; at: the training step
    of a model that is shipped at several; device: "auto" takes CUDA, then MPS, then the CPU. Raises ValueError for
    a name that is neither, or a step that is not there.
    """
    directory = folder_of(name, at)
    if not (directory / "config.json").is_file():
        shipped = ", ".join(sorted(path.name for path in ZOO.iterdir() if path.is_dir()))
        raise ValueError(f"a model is one of {shipped}, or a directory with a config.json, not {str(name)!r}")
    with _quiet():
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    return LanguageModel(model.to(pick_device(device)), tokenizer)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars: the models that they are for are larger than ours."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def folder_of(name: str | Path, at: int | None = None) -> Path:
    """Where a shipped model lies, at a step of its training; any other name is a path."""
    names = [path.name.rpartition("-") for path in ZOO.iterdir()]
    steps = sorted(int(step) for base, _, step in names if base == str(name) and step.isdecimal())
    if at is not None and at not in steps:
        raise ValueError(f"{name!r} is shipped at the steps {steps}, not {at}")
    if steps:
        return ZOO / f"{name}-{at or DEFAULT_STEP[str(name)]}"
    return ZOO / name if (ZOO / name).is_dir() else Path(name)


def pick_device(device: str = "auto") -> torch.device:
    """The device asked for; "auto" is the fastest there is."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class LanguageModel:
    """A policy: a causal language model with its tokenizer."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, batch_size: int = 512) -> None:
        self.engine = Engine(model, tokenizer, batch_size=batch_size)
        self.config = model.config
        self.tokenizer = tokenizer

    def generate(
        self,
        problem: Problem | Sequence[Problem],
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """n solutions of a problem; of a list of problems, a list of such lists.

        temperature: default the model's own, 0 is greedy; seed: default 0. A solution depends on the seed, the problem
        and its place among the n, and on nothing else: n=8 begins with the solutions of n=4.
        Raises ValueError for n < 1, an empty list or a temperature below 0.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}")
        problems = as_problems(problem)
        sampler = self.sampler(temperature)
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        rows = [Row(self.encode(each.prompt), f"{seed or 0}/{each.id}/{i}") for each in problems for i in range(n)]
        written = self.engine.write(rows, sampler, max_new_tokens=limit)
        solutions = [
            self.solution(problems[i // n], row, new) for i, (row, new) in enumerate(zip(rows, written, strict=True))
        ]
        grouped = [solutions[i : i + n] for i in range(0, len(solutions), n)]
        return grouped[0] if isinstance(problem, Problem) else grouped

    @property
    def max_new_tokens(self) -> int:
        """Tokens a solution may have when the caller does not say."""
        return self.engine.model.generation_config.max_new_tokens or 512

    def sampler(self, temperature: float | None = None) -> Sampler:
        """How this model draws tokens: as its generation_config says, unless `temperature` is given."""
        own = self.engine.model.generation_config
        if temperature is None:
            temperature = 1.0 if own.temperature is None else own.temperature
        top_k, top_p = (own.top_k or 0, own.top_p or 1.0) if own.do_sample else (0, 1.0)
        return Sampler(temperature, top_k=top_k, top_p=top_p)

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def solution(self, problem: Problem, row: Row, written: Written) -> Solution:
        """What was written, as a solution; its cost is charged to the open ledgers."""
        new, cached = len(row.context) - written.shared, written.shared
        if new:
            cost = flops.forward_flops(self.config, new, cached, logits=1)
            flops.charge(problem, "prefill", tokens=new, flops=cost)
        if cached:
            flops.charge(problem, "cached", tokens=cached, flops=flops.forward_flops(self.config, cached, logits=1))
        decoded = flops.decode_flops(self.config, len(written.tokens) - 1, len(row.context))
        flops.charge(problem, "decode", tokens=len(written.tokens), flops=decoded, generations=1)
        body = written.tokens[:-1] if written.finished else written.tokens
        return Solution(problem, self.tokenizer.decode(body), written.tokens, written.finished, written.logprob)


def as_problems(problem: Problem | Sequence[Problem]) -> list[Problem]:
    """One problem or several, as a list. Raises ValueError for none."""
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    if not problems:
        raise ValueError("there must be at least one problem, but the list is empty")
    return problems
