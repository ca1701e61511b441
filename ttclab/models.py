"""Policies: what writes solutions. `load` gives the shipped ones, any causal language model, or one on a server."""

import json
import os
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.utils import logging

from . import flops, hub, smollm2
from .engine import Engine, Row, Sampler, Written
from .policy import STEP_END, Asked, Bill, Policy, is_step
from .problems import Solution, well_formed

if TYPE_CHECKING:
    from .server import ServedModel

HOME = Path(os.environ.get("TTCLAB_HOME", Path(__file__).parent))  # another family, made from another seed, has its own
ZOO = HOME / "zoo"
# Fields of a generation_config that change what transformers writes and are not heeded here, with the values that
# change nothing; None changes nothing in any of them.
UNHEEDED: dict[str, tuple[Any, ...]] = {
    "repetition_penalty": (1.0,), "encoder_repetition_penalty": (1.0,), "presence_penalty": (0,),
    "frequency_penalty": (0,), "no_repeat_ngram_size": (0,), "encoder_no_repeat_ngram_size": (0,),
    "min_new_tokens": (0,), "min_length": (0,), "min_p": (0,), "top_h": (1.0,), "typical_p": (1.0,),
    "epsilon_cutoff": (0,), "eta_cutoff": (0,), "num_beams": (1,), "num_beam_groups": (1,), "penalty_alpha": (0,),
    "guidance_scale": (1.0,), "bad_words_ids": ([],), "suppress_tokens": ([],), "begin_suppress_tokens": ([],),
    "sequence_bias": ({}, []), "forced_bos_token_id": (), "forced_eos_token_id": (), "force_words_ids": ([],),
    "constraints": ([],), "exponential_decay_length_penalty": (), "stop_strings": ("", []), "max_time": (),
    "dola_layers": (), "watermarking_config": (),
}  # fmt: skip
_HOST = re.compile(r"[\w.-]+:[0-9]+(/|$)|localhost(/|$)")  # of an address that lacks its beginning
DEFAULT_STEP = {"large": 1500}  # where its single pass beats small's by .2, and room is left above


def load(
    name: str | Path,
    *,
    at: int | None = None,
    device: str = "auto",
    dtype: torch.dtype | str = "auto",
    chat: bool | None = None,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
    **server: Any,
) -> Any:
    """A policy, ready to write: a LanguageModel, or for a server's address a ServedModel.

    name: "small", "large" (14 times as many parameters), "revision", a directory in Hugging Face's format, a model on
    its Hub ("Qwen/Qwen2.5-0.5B-Instruct"), or the address of a server ("http://127.0.0.1:8000/v1"); at: the training
    step of a model shipped at several; device: "auto" takes CUDA, then MPS, then the CPU; dtype: "auto" is that of the
    weights where the device is fast in it, else fp16 on CUDA and fp32 on a CPU; chat: whether problems are put as turns
    of a chat, by default if the model has a chat template; allow_pickle: read weights that are not in safetensors;
    trust_remote_code: run code that comes with the weights. The last two can do anything that you can.

    The generation_config of a model sets its temperature, top_k, top_p, max_new_tokens (512 if it does not say) and
    end-of-text tokens; other fields that would change what it writes, such as repetition_penalty, are named in a
    warning and not heeded. In a chat the token that ends a turn in the chat template ends a solution too. Solutions are
    cut at the last of the model's positions, and a prompt that leaves none free is a ValueError.

    Of a server only: model: its name there, by default the only one; files: the same model as a shipped name, directory
    or on the Hub, whose chat template and configuration are used here: with them solutions go on step by step and FLOPs
    are counted; concurrency: requests in flight at once (32); timeout: seconds for a reply (600).

    Raises ValueError for a name that is none of these, a step that is not there, a model that can't be had, or one
    whose layers keep a recurrent state, as Mamba's do.
    """
    hub.refuse_page(name)
    if is_address(name):
        return _served(str(name), chat=chat, **server)
    if server:
        raise TypeError(f"{', '.join(server)}: only for the address of a server, which {str(name)!r} is not")
    directory = directory_of(name, at, allow_pickle=allow_pickle, trust_remote_code=trust_remote_code)
    hub.check_weights(directory, allow_pickle=allow_pickle)
    where = pick_device(device)
    options = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    config, tokenizer = described(directory, **options)
    _check_cache(config, getattr(MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None), "_is_stateful", False))
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(
            directory, config=config, dtype=pick_dtype(config, where) if dtype == "auto" else dtype, **options
        )
    return LanguageModel(model.to(where), tokenizer, chat=chat)


def is_address(name: str | Path) -> bool:
    """Whether it is the address of a server."""
    return str(name).lower().startswith(("http://", "https://"))


def _served(
    url: str,
    *,
    chat: bool | None,
    model: str | None = None,
    files: str | Path | None = None,
    concurrency: int = 32,
    timeout: float = 600,
) -> "ServedModel":
    """A policy on a server. Without its files it is asked in turns of a chat, unless `chat` says otherwise."""
    from .server import ServedModel  # it brings the client, which takes half a second

    limits: dict[str, Any] = {"concurrency": concurrency, "timeout": timeout}
    if files is None:
        return ServedModel(url, model, text=Asked.text if chat is False else None, **limits)
    directory = directory_of(files)
    config, tokenizer = described(directory, local_files_only=True)
    generation = generation_config_of(directory)
    template = template_of(tokenizer, chat)
    begin = tokenizer.bos_token or ""
    added = bool(begin) and tokenizer.encode("") == [tokenizer.bos_token_id]

    def text(asked: Asked) -> str:
        exact = asked.text(template)
        return exact.removeprefix(begin) if template and added else exact  # the server adds it, as to any text

    return ServedModel(
        url,
        model,
        text=text,
        cut=not template,
        config=config,
        sampler=sampler_of(generation),
        max_new_tokens=max_new_tokens_of(generation),
        **limits,
    )


def generation_config_of(directory: Path) -> GenerationConfig:
    """How a model in a directory generates by default."""
    if (directory / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(directory, local_files_only=True)
    return GenerationConfig()


def max_new_tokens_of(generation: GenerationConfig) -> int:
    """Tokens that a solution may have when the caller does not say."""
    return generation.max_new_tokens or 512


def directory_of(name: str | Path, at: int | None = None, **asked_for: bool) -> Path:
    """The directory of a policy: of a shipped one, of one on this machine, or of one on the Hub, once it is here."""
    hub.refuse_page(name)
    directory = folder_of(name, at)
    if str(name) == smollm2.NAME and not directory.is_dir():
        raise ValueError(f"{name} is not on this machine: get it once by `ttclab fetch {name}` (93 MB)")
    if not directory.is_dir() and hub.is_name(name):
        directory = hub.fetch(str(name), **asked_for)
    if not (directory / "config.json").is_file() or _writes_nothing(directory):
        hint = f"; a server's address begins with http://, as in http://{name}" if _HOST.match(str(name)) else ""
        shipped = {path.parent.name.rstrip("-0123456789") for path in ZOO.glob("*/generation_config.json")}
        raise ValueError(
            f"a model is one of {', '.join(sorted(shipped))}, a directory with a config.json, owner/name on the Hub, "
            f"or a server's address, not {str(name)!r}{hint}"
        )
    return directory


def described(directory: Path, **options: Any) -> tuple[PreTrainedConfig, PreTrainedTokenizerBase]:
    """A policy's configuration and tokenizer. Raises ValueError if they need code of their own that is not trusted."""
    options = {"trust_remote_code": False, **options}  # said, or transformers would ask on the terminal
    try:
        return AutoConfig.from_pretrained(directory, **options), AutoTokenizer.from_pretrained(directory, **options)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        raise ValueError(
            f"{directory} can only be read by code that comes with it: read that code, and if you trust it say "
            "trust_remote_code=True"
        ) from None


def template_of(tokenizer: PreTrainedTokenizerBase, chat: bool | None) -> PreTrainedTokenizerBase | None:
    """The tokenizer if its chat template is to be used. Raises ValueError if it is to be and there is none."""
    if chat and not tokenizer.chat_template:
        raise ValueError("a model without a chat template can't be asked in a chat: leave out chat=True")
    return tokenizer if tokenizer.chat_template and chat is not False else None


def encode(
    asked: Asked, tokenizer: PreTrainedTokenizerBase, template: PreTrainedTokenizerBase | None
) -> tuple[int, ...]:
    """What a solution is written after, token by token: turns of a chat, or bare text where there is no template."""
    if not template:
        return tuple(tokenizer.encode(well_formed(asked.text())))
    return tuple(tokenizer.encode(well_formed(asked.text(template)), add_special_tokens=False))  # they are in it


def sampler_of(generation: GenerationConfig, temperature: float | None = None) -> Sampler:
    """How a model draws tokens: as its generation_config says, unless `temperature` is given.

    A top_k of -1 keeps all tokens, as in vLLM. Raises ValueError for settings that are impossible.
    """
    if temperature is None:
        temperature = 1.0 if generation.temperature is None else generation.temperature
    top_k, top_p = (generation.top_k or 0, generation.top_p or 1.0) if generation.do_sample else (0, 1.0)
    return Sampler(temperature, top_k=0 if top_k == -1 else top_k, top_p=top_p)


def unheeded(generation: GenerationConfig) -> dict[str, Any]:
    """The fields of a generation_config that change what transformers writes and change nothing here."""
    fields = {name: getattr(generation, name, None) for name in UNHEEDED}
    return {name: value for name, value in fields.items() if value is not None and value not in UNHEEDED[name]}


def turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The token that ends the model's turn in a chat template; None if none does, or it can't be told.

    Some models' generation_config names another end-of-text token alone: without this one they would write on, the
    user's next turn included.
    """
    content = "Sesquipedalian"
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": content}]
    try:
        text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    except Exception:  # templates are programs, and some refuse what they don't expect
        return None
    if content not in text:
        return None
    rest = text.rpartition(content)[2].lstrip()
    special = {**tokenizer.get_added_vocab(), **dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids))}
    found = max((token for token in special if token and rest.startswith(token)), key=len, default=None)
    return special[found] if found else None


def _check_cache(config: PreTrainedConfig, stateful: bool) -> None:
    """Raises ValueError for a model that keeps more than keys and values, which the engine can't copy row by row."""
    layers = DynamicCache(config=config.get_text_config()).layers
    others = sorted(
        {type(layer).__name__ for layer in layers} - {DynamicLayer.__name__, DynamicSlidingWindowLayer.__name__}
    )
    if others or stateful:
        raise ValueError(
            f"a {config.model_type} model keeps a recurrent state beside keys and values, which is not supported here: "
            "run it behind a server, such as vLLM, and load the server's address"
        )


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
    names = [path.name.rpartition("-") for path in ZOO.glob("*")]
    steps = sorted(int(step) for base, _, step in names if base == str(name) and step.isdecimal())
    if at is not None and at not in steps:
        there = f"at the steps {steps}" if steps else "at no more than one step"
        raise ValueError(f"{name!r} is shipped {there}, not at {at}")
    if steps:
        return ZOO / f"{name}-{at or DEFAULT_STEP[str(name)]}"
    if str(name) == smollm2.NAME:
        return smollm2.folder()
    return ZOO / name if (ZOO / name).is_dir() else Path(name)


def pick_device(device: str = "auto") -> torch.device:
    """The device asked for; "auto" is the fastest there is."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(config: PreTrainedConfig, device: torch.device) -> torch.dtype:
    """That of the weights, or one that the device is fast in: fp32 on a CPU, fp16 where a GPU has no bf16."""
    own = getattr(config, "dtype", None) or torch.float32
    if device.type == "cpu":
        return torch.float32
    if own == torch.bfloat16 and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return own


class LanguageModel(Policy):
    """A causal language model with its tokenizer, run here."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        chat: bool | None = None,
        batch_size: int = 512,
    ) -> None:
        _check_cache(model.config, getattr(model, "_is_stateful", False))
        self.engine = Engine(model, tokenizer, batch_size=batch_size)
        self.config = model.config
        self.tokenizer, self.template = tokenizer, template_of(tokenizer, chat)
        if self.template and (end := turn_end(tokenizer)) is not None:
            self.engine.end_ids = sorted({*self.engine.end_ids, end})
        self.sampler()  # raises for impossible settings now, and not at the first solution
        if fields := unheeded(model.generation_config):
            named = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            warnings.warn(
                f"the generation_config of {model.name_or_path or 'the model'} sets {named}: not heeded here, where "
                "solutions are drawn from the model's own distribution",
                stacklevel=2,
            )
        # Searches decode and encode the same few texts at every step.
        self._encode = lru_cache(maxsize=1 << 12)(partial(tokenizer.encode, add_special_tokens=not self.template))
        self._decode = lru_cache(maxsize=1 << 12)(tokenizer.decode)
        # Asked for once a solution, and always for the same few lengths.
        self._read_flops = cache(partial(flops.forward_flops, model.config, logits=1))
        self._write_flops = cache(partial(flops.decode_flops, model.config))

    def _extend(
        self,
        asked: list[Asked],
        begun: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        if stop:
            return self._go_on_by_line(asked, begun, temperature, limit, steps=True)
        if self.template or all(each.problem.ended("") is None for each in asked):
            written = self._go_on(asked, begun, temperature, limit, None)
        else:
            written = self._go_on_by_line(asked, begun, temperature, limit, steps=False)
        if written and not any(solution.finished for solution in written):
            self._warn_all_cut(len(written), max(solution.length for solution in written))
        return written

    def _go_on_by_line(
        self,
        asked: list[Asked],
        begun: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        *,
        steps: bool,
    ) -> list[Solution]:
        """Go on line by line to the end, or to the end of a step.

        A model without chats does not end by itself: at the end of each line the problem says whether it is done. And
        a blank line may be no step.
        """
        written, going = [solution for _, solution in begun], list(range(len(begun)))
        prefixes: dict[Any, Any] = {}
        while going:
            before = [written[k] for k in going]
            lines = self._go_on(asked, [(begun[k][0], written[k]) for k in going], temperature, limit, STEP_END)
            for k, solution in zip(going, lines, strict=True):
                written[k] = solution
            if steps:
                prefixes |= self.engine.prefix_cache  # the next call goes on from all rows, not only from the last ones
            going = [
                k
                for k, old in zip(going, before, strict=True)
                if not written[k].finished
                and old.length < written[k].length < limit
                and not (steps and is_step(old, written[k]))
            ]
        if steps:
            self.engine.prefix_cache = prefixes
        return written

    def _go_on(
        self,
        asked: list[Asked],
        begun: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        prompts = self.prompts(asked)
        full = {k for k, (i, s) in enumerate(begun) if len(prompts[i]) + len(s.tokens) >= self.engine.positions}
        everything, begun = begun, [each for k, each in enumerate(begun) if k not in full]
        if not begun:
            return [solution for _, solution in everything]
        shown, bills = [each.shown for each in asked], [Bill(each.problem) for each in asked]
        rows = [Row(prompts[i] + s.tokens, s.key, used=len(s.tokens)) for i, s in begun]
        written = self.engine.write(rows, self.sampler(temperature), max_new_tokens=limit, stop=stop)
        solutions = []
        for (i, solution), row, new in zip(begun, rows, written, strict=True):
            self._add(bills[i], row, new, generations=not solution.tokens)
            tokens = solution.tokens + new.tokens
            text = self._decode(tokens[:-1] if new.finished else tokens)
            ended = not self.template and text.endswith(STEP_END) and bool(solution.problem.ended(text))
            logprob = solution.logprob + new.logprob
            solutions.append(
                Solution(solution.problem, text, tokens, new.finished or ended, logprob, solution.key, shown[i])
            )
        for bill in bills:
            bill.charge()
        rest = iter(solutions)
        return [solution if k in full else next(rest) for k, (_, solution) in enumerate(everything)]

    def _first_steps(self, solution: Solution, steps: int) -> Solution:
        kept = super()._first_steps(solution, steps)
        if not kept.text:
            return kept
        # Cut after the token that ends the step, as `generate_step` would have.
        tokens = solution.tokens
        written = range(len(tokens) + 1)
        count = bisect_left(written, len(kept.text), key=lambda n: len(self.tokenizer.decode(tokens[:n])))
        return replace(kept, text=self.tokenizer.decode(tokens[:count]), tokens=tokens[:count])

    @property
    def max_new_tokens(self) -> int:
        """Tokens a solution may have when the caller does not say."""
        return max_new_tokens_of(self.engine.model.generation_config)

    def sampler(self, temperature: float | None = None) -> Sampler:
        """How this model draws tokens: as its generation_config says, unless `temperature` is given."""
        return sampler_of(self.engine.model.generation_config, temperature)

    def prompts(self, asked: Sequence[Asked]) -> list[tuple[int, ...]]:
        """What solutions are written after. Raises ValueError, naming the problem, where no position is left."""
        prompts = [self.encode(each) for each in asked]
        for each, prompt in zip(asked, prompts, strict=True):
            if len(prompt) >= self.engine.positions:
                raise ValueError(
                    f"the problem {each.problem.id!r} is {len(prompt)} tokens long as the model is fed it, and the "
                    f"model has {self.engine.positions} positions, for the problem and its solution together"
                )
        return prompts

    def encode(self, asked: Asked) -> tuple[int, ...]:
        """What a solution is written after: turns of a chat, or bare text where there is no chat template."""
        return tuple(self._encode(well_formed(asked.text(self.template))))

    def _add(self, bill: Bill, row: Row, written: Written, *, generations: int) -> None:
        new, cached, tokens = len(row.context) - written.shared, written.shared, len(written.tokens)
        if new:
            bill.add("prefill", new, self._read_flops(new, cached))
        if cached:
            bill.add("cached", cached, self._read_flops(cached, 0))
        bill.add("decode", tokens, self._write_flops(tokens - 1, len(row.context)))
        bill.generations += generations
