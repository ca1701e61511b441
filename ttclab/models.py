"""Policies: what writes solutions. `load` gives the shipped ones, or any causal language model on disk."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from . import flops
from .engine import Engine, Row, Sampler, Written
from .problems import Problem, Solution

ZOO = Path(__file__).parent / "zoo"
STEP_END, ATTEMPT_END = "\n", "#"
ATTEMPTS_SHOWN = 4  # as in Snell et al. 2024, section 6.1
DEFAULT_STEP = {"large": 1500}  # where its single pass beats small's by .2, and room is left above


def load(
    name: str | Path, *, at: int | None = None, device: str = "auto", dtype: torch.dtype | str = "auto"
) -> "LanguageModel":
    """A policy, ready to write.

    name: "small", "large" (14 times as many parameters), "revision", or a directory in Hugging Face's format; at: the
    training step of a model shipped at several; device: "auto" takes CUDA, then MPS, then the CPU. Raises ValueError
    for a name that is neither, or a step that is not there.
    """
    directory = folder_of(name, at)
    if not (directory / "config.json").is_file() or _writes_nothing(directory):
        shipped = {path.parent.name.rstrip("-0123456789") for path in ZOO.glob("*/generation_config.json")}
        raise ValueError(
            f"a model is one of {', '.join(sorted(shipped))}, or a directory with a config.json, not {str(name)!r}"
        )
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    return LanguageModel(model.to(pick_device(device)), tokenizer)


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bars: the models that they are for are larger than ours."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _writes_nothing(directory: Path) -> bool:
    """Whether it is a reward model of ours: transformers would load its weights as a policy's."""
    return "RewardModel" in (json.loads((directory / "config.json").read_text()).get("architectures") or ())


def folder_of(name: str | Path, at: int | None = None) -> Path:
    """Where a shipped model lies, at a step of its training; any other name is a path."""
    names = [path.name.rpartition("-") for path in ZOO.iterdir()]
    steps = sorted(int(step) for base, _, step in names if base == str(name) and step.isdecimal())
    if at is not None and at not in steps:
        there = f"at the steps {steps}" if steps else "at no more than one step"
        raise ValueError(f"{name!r} is shipped {there}, not at {at}")
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
        # Asked for once a solution, and always for the same few lengths.
        self._read_flops = cache(partial(flops.forward_flops, model.config, logits=1))
        self._write_flops = cache(partial(flops.decode_flops, model.config))

    def generate(
        self,
        problem: Problem | Sequence[Problem],
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
        *,
        start: int = 0,
    ) -> Any:
        """n solutions of a problem; of a list of problems, a list of such lists.

        temperature: default the model's own, 0 is greedy; seed: default 0; start: the place of the first of them. A
        solution depends on the seed, the problem and its place, and on nothing else: n=8 begins with the solutions of
        n=4, and n=4, start=4 gives the others. Raises ValueError for n < 1, an empty list or a temperature below 0.
        """
        problems = as_problems(problem)
        groups = self._write(problems, self._beginnings(problems, n, seed, start), temperature, max_new_tokens)
        return groups[0] if isinstance(problem, Problem) else groups

    def generate_step(
        self,
        problem: Problem | Sequence[Problem],
        partials: Any = None,
        n: int = 1,
        temperature: float | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """n ways to write the next step of each unfinished solution of a problem; without any, n first steps.

        partials: a list of unfinished solutions, for a list of problems a list of such lists; what is in it twice is
        forked. Returns solutions, unfinished or finished, each of `partials` with its n continuations in turn. The
        first fork of a solution goes on with its random stream: writing step by step gives the tokens of `generate`.
        max_new_tokens: of the whole solution. Raises ValueError for a finished solution, for one of another problem,
        and as `generate`.
        """
        problems = as_problems(problem)
        begun = self._beginnings(problems, n, seed) if partials is None else _continued(problem, problems, partials, n)
        steps = self._write(problems, begun, temperature, max_new_tokens, stop=STEP_END)
        return steps[0] if isinstance(problem, Problem) else steps

    def rollout(
        self,
        problem: Problem | Sequence[Problem],
        partials: Any,
        n: int = 1,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """n ways to go on from each unfinished solution to its end. Arguments and errors as in `generate_step`."""
        problems = as_problems(problem)
        written = self._write(problems, _continued(problem, problems, partials, n), temperature, max_new_tokens)
        return written[0] if isinstance(problem, Problem) else written

    def revise(
        self,
        problem: Problem | Sequence[Problem],
        solutions: Any,
        feedback: Any = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> Any:
        """One more solution, written after the earlier attempts of its chain; of a list of problems, one each.

        solutions: the chain so far, the newest last, for a list of problems a list of chains; the last four are shown.
        feedback: what a verifier's `critique` says of the newest, for a list of problems a list (None: nothing).
        Raises ValueError for an empty chain, a solution of another problem, or another number of chains or feedbacks
        than problems.
        """
        problems = as_problems(problem)
        chains = [solutions] if isinstance(problem, Problem) else solutions
        comments = feedback if isinstance(feedback, list) else [feedback] * len(problems)
        if len(chains) != len(problems) or not all(chains):
            lengths = [len(chain) for chain in chains]
            raise ValueError(
                f"a revision needs a chain of one solution or more for each problem, not chains of {lengths}"
            )
        _check_problems(problems, chains)
        if len(comments) != len(problems):
            raise ValueError(f"feedback must be one for each of {len(problems)} problems, not {len(comments)}")
        begun = [
            [Solution(each, "", finished=False, logprob=0.0, key=f"{chain[-1].key}/revised")]
            for each, chain in zip(problems, chains, strict=True)
        ]
        shown = [
            show_attempts([attempt.text for attempt in chain], comment.code if comment else "")
            for chain, comment in zip(chains, comments, strict=True)
        ]
        with flops.billed_as("revision"):
            revised = self._write(problems, begun, temperature, max_new_tokens, shown=shown)
        for each in problems:
            flops.charge(each, "revision", revisions=1)
        return revised[0] if isinstance(problem, Problem) else [solution for [solution] in revised]

    def _beginnings(self, problems: list[Problem], n: int, seed: int | None, start: int = 0) -> list[list[Solution]]:
        """n solutions of each problem with nothing written, each with a random stream of its own."""
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}")
        return [
            [
                Solution(each, "", finished=False, logprob=0.0, key=f"{seed or 0}/{each.id}/{start + i}")
                for i in range(n)
            ]
            for each in problems
        ]

    def _write(
        self,
        problems: list[Problem],
        begun: list[list[Solution]],
        temperature: float | None,
        max_new_tokens: int | None,
        *,
        stop: str | None = None,
        shown: list[str] | None = None,
    ) -> list[list[Solution]]:
        """Go on with what is begun, to the end or to `stop`. shown: text before the prompt."""
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        if finished := [solution for group in begun for solution in group if solution.finished]:
            raise ValueError(f"a finished solution can't be continued: {finished[0].text!r}")
        prompts = [self.encode((shown[i] if shown else "") + p.prompt) for i, p in enumerate(problems)]
        flat = [(i, solution) for i, group in enumerate(begun) for solution in group]
        going = [(i, s) for i, s in flat if len(s.tokens) < max(limit, 1)]  # the others are as long as they may be
        rows = [Row(prompts[i] + s.tokens, s.key, used=len(s.tokens)) for i, s in going]
        written = iter(self.engine.write(rows, self.sampler(temperature), max_new_tokens=limit, stop=stop))
        waiting = iter(rows)
        bills = [_Bill(each) for each in problems]
        groups: list[list[Solution]] = [[] for _ in problems]
        for i, solution in flat:
            if len(solution.tokens) >= max(limit, 1):
                groups[i].append(solution)
                continue
            row, new = next(waiting), next(written)
            self._add(bills[i], row, new, generations=not solution.tokens)
            tokens = solution.tokens + new.tokens
            text = self.tokenizer.decode(tokens[:-1] if new.finished else tokens)
            logprob = solution.logprob + new.logprob
            before = shown[i] if shown else ""
            groups[i].append(Solution(solution.problem, text, tokens, new.finished, logprob, solution.key, before))
        for bill in bills:
            bill.charge()
        return groups

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
        """What a solution is written after: the text as a user's turn, or just as it is without a chat template."""
        if not self.tokenizer.chat_template:
            return tuple(self.tokenizer.encode(text))
        turns = [{"role": "user", "content": text}]
        chat = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        return tuple(self.tokenizer.encode(chat, add_special_tokens=False))  # the template has written them

    def _add(self, bill: "_Bill", row: Row, written: Written, *, generations: int) -> None:
        new, cached, tokens = len(row.context) - written.shared, written.shared, len(written.tokens)
        if new:
            bill.add("prefill", new, self._read_flops(new, cached))
        if cached:
            bill.add("cached", cached, self._read_flops(cached, 0))
        bill.add("decode", tokens, self._write_flops(tokens - 1, len(row.context)))
        bill.generations += generations


@dataclass
class _Bill:
    """What one call charges a problem, summed over its rows before any ledger hears of it."""

    problem: Problem
    generations: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    flops: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, tokens: int, flops: int) -> None:
        self.tokens[kind] += tokens
        self.flops[kind] += flops

    def charge(self) -> None:
        for kind in self.tokens:
            generations = self.generations if kind == "decode" else 0
            flops.charge(self.problem, kind, tokens=self.tokens[kind], flops=self.flops[kind], generations=generations)


def _continued(
    problem: Problem | Sequence[Problem], problems: list[Problem], partials: Any, n: int
) -> list[list[Solution]]:
    """Each of the unfinished solutions n times, forked, as one list a problem."""
    groups = [partials] if isinstance(problem, Problem) else partials
    if n < 1 or len(groups) != len(problems):
        raise ValueError(f"n must be at least 1 and partials one list a problem, not {n} and {len(groups)} lists")
    _check_problems(problems, groups)
    return [_forks([solution for solution in group for _ in range(n)]) for group in groups]


def _check_problems(problems: list[Problem], groups: Sequence[Sequence[Solution]]) -> None:
    """Raises ValueError if one of the solutions is of another problem than its group."""
    for each, group in zip(problems, groups, strict=True):
        if strangers := [solution for solution in group if solution.problem.id != each.id]:
            raise ValueError(f"solutions must be of the problem {each.id!r}, not of {strangers[0].problem.id!r}")


def _forks(solutions: Sequence[Solution]) -> list[Solution]:
    """The solutions, with a random stream of its own for each repetition."""
    seen: Counter[str] = Counter()
    forks = []
    for solution in solutions:
        copy = seen[solution.key]
        seen[solution.key] += 1
        key = f"{solution.key}/{len(solution.tokens)}.{copy}" if copy else solution.key
        forks.append(replace(solution, key=key))
    return forks


def show_attempts(texts: Sequence[str], comment: str = "") -> str:
    """Earlier attempts as a policy is fed them, the newest last, with what a verifier says of that one before it.

    They stand before the problem: a solution is as far from its problem as without them, and as far from the newest
    attempt with a comment as without.
    """
    newest = len(texts) - 1
    attempts = [(comment if i == newest else "") + text + ATTEMPT_END for i, text in enumerate(texts)]
    return "".join(attempts[-ATTEMPTS_SHOWN:])


def as_problems(problem: Problem | Sequence[Problem]) -> list[Problem]:
    """One problem or several, as a list. Raises ValueError for none."""
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    if not problems:
        raise ValueError("there must be at least one problem, but the list is empty")
    return problems
