"""Loading policies: the shipped models, any causal language model, or a model behind a server."""

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
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

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
from .policy import STEP_END, Bill, Policy, Prompt, is_step
from .problems import Solution, well_formed
from .signatures import options_of

if TYPE_CHECKING:
    from .server import ServedModel

HOME = Path(
    os.environ.get("TTCLAB_HOME", Path(__file__).parent)
)  # set TTCLAB_HOME to use models trained from another seed
ZOO = HOME / "zoo"
# Fields of a generation_config that change what transformers generates and are ignored here, with their neutral values;
# None is neutral for all of them.
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
_HOST = re.compile(r"[\w.-]+:[0-9]+(/|$)|localhost(/|$)")  # an address without http://
DEFAULT_STEP = {"large": 1500}  # its greedy accuracy is 0.2 above "small" and well below 1


class ServerOptions(TypedDict, total=False):
    """Keyword options of `load` for the address of a server."""

    model: str | None
    files: str | Path | None
    concurrency: int
    timeout: float


def _served(
    url: str,
    *,
    chat: bool | None,
    model: str | None = None,
    files: str | Path | None = None,
    concurrency: int = 32,
    timeout: float = 600,
) -> "ServedModel":
    """A policy behind a server. Without its files it is prompted in turns of a chat, unless `chat` says otherwise."""
    from .server import ServedModel  # imports the client, which takes half a second

    limits: dict[str, Any] = {"concurrency": concurrency, "timeout": timeout}
    if files is None:
        return ServedModel(url, model, text=Prompt.text if chat is False else None, **limits)
    directory = directory_of(files)
    config, tokenizer = described(directory, local_files_only=True)
    generation = generation_config_of(directory)
    template = template_of(tokenizer, chat)
    begin = tokenizer.bos_token or ""
    added = bool(begin) and tokenizer.encode("") == [tokenizer.bos_token_id]

    def text(prompt: Prompt) -> str:
        exact = prompt.text(template)
        return exact.removeprefix(begin) if template and added else exact  # the server adds it to every text

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


@overload
def load(
    name: Literal["small", "large", "revision", "revision-control", "smollm2"] | Path,
    *,
    at: int | None = ...,
    device: str = ...,
    dtype: torch.dtype | str = ...,
    chat: bool | None = ...,
    allow_pickle: bool = ...,
    trust_remote_code: bool = ...,
) -> "LanguageModel": ...


@overload
def load(
    name: str | Path,
    *,
    at: int | None = ...,
    device: str = ...,
    dtype: torch.dtype | str = ...,
    chat: bool | None = ...,
    allow_pickle: bool = ...,
    trust_remote_code: bool = ...,
    **server: Unpack[ServerOptions],
) -> "LanguageModel | ServedModel": ...


@options_of(_served, ServerOptions.__annotations__)
def load(
    name: str | Path,
    *,
    at: int | None = None,
    device: str = "auto",
    dtype: torch.dtype | str = "auto",
    chat: bool | None = None,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
    **server: Unpack[ServerOptions],
) -> "LanguageModel | ServedModel":
    """Load a policy that is ready to write.

    The model's generation_config sets temperature, top_k, top_p, max_new_tokens (512 if it does not say) and the
    end-of-text tokens. Other fields that would change the samples, such as repetition_penalty, are ignored, with a
    warning that names them. In a chat, the token that ends a turn in the chat template also ends a solution. Solutions
    are cut at the model's last position.

    Parameters
    ----------
    name : str or Path
        "small", "large" (14 times as many parameters), "revision", a directory in Hugging Face's format, a model on the
        Hub ("Qwen/Qwen2.5-0.5B-Instruct"), or the address of a server (``"http://127.0.0.1:8000/v1"``).
    at : int, optional
        Training step, for a model that is shipped at several.
    device : str
        "auto" takes CUDA, then MPS, then the CPU.
    dtype : torch.dtype or str
        "auto" is the dtype of the weights if the device is fast in it, else fp16 on CUDA and fp32 on a CPU.
    chat : bool, optional
        Whether problems are posed as turns of a chat, by default if the model has a chat template.
    allow_pickle : bool
        Also read weights that are not in safetensors. Such weights can run any code.
    trust_remote_code : bool
        Run code that comes with the weights.
    model : str, optional
        Servers only: the model's name on the server, by default its only model.
    files : str or Path, optional
        Servers only: the same model as a shipped name, a directory or on the Hub. Its chat template and configuration
        are used here, so that solutions can be continued step by step and FLOPs are counted.
    concurrency : int
        Servers only: requests in flight at once.
    timeout : float
        Servers only: seconds to wait for a reply.

    Returns
    -------
    LanguageModel, or ServedModel for the address of a server

    Raises
    ------
    ValueError
        For any other name, a training step that is not shipped, a model that cannot be loaded or downloaded, and one
        whose layers keep a recurrent state, such as Mamba's.
    TypeError
        If an option for servers is given for another model.
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
    """Whether a model's name is the address of a server."""
    return str(name).lower().startswith(("http://", "https://"))


def generation_config_of(directory: Path) -> GenerationConfig:
    """The generation_config of a model's directory, or transformers' defaults without one."""
    if (directory / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(directory, local_files_only=True)
    return GenerationConfig()


def max_new_tokens_of(generation: GenerationConfig) -> int:
    """Default token limit of a solution."""
    return generation.max_new_tokens or 512


def directory_of(name: str | Path, at: int | None = None, **options: bool) -> Path:
    """Directory of a policy: shipped, on this machine, or on the Hub, from which it is downloaded once.

    Raises ValueError for a name that is none of these.
    """
    hub.refuse_page(name)
    directory = folder_of(name, at)
    if str(name) == smollm2.NAME and not directory.is_dir():
        raise ValueError(f"{name} is not on this machine: get it once by `ttclab fetch {name}` (93 MB)")
    if not directory.is_dir() and hub.is_name(name):
        directory = hub.fetch(str(name), **options)
    if not (directory / "config.json").is_file() or _writes_nothing(directory):
        hint = f"; a server's address begins with http://, as in http://{name}" if _HOST.match(str(name)) else ""
        shipped = {path.parent.name.rstrip("-0123456789") for path in ZOO.glob("*/generation_config.json")}
        raise ValueError(
            f"a model is one of {', '.join(sorted(shipped))}, a directory with a config.json, owner/name on the Hub, "
            f"or a server's address, not {str(name)!r}{hint}"
        )
    return directory


def described(directory: Path, **options: Any) -> tuple[PreTrainedConfig, PreTrainedTokenizerBase]:
    """Configuration and tokenizer of a policy. Raises ValueError if they need code that is not trusted."""
    options = {"trust_remote_code": False, **options}  # explicit: otherwise transformers prompts on the terminal
    try:
        return AutoConfig.from_pretrained(directory, **options), AutoTokenizer.from_pretrained(directory, **options)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        raise ValueError(
            f"{directory} can only be loaded by code that comes with it: read that code, and if you trust it pass "
            "trust_remote_code=True"
        ) from None


def template_of(tokenizer: PreTrainedTokenizerBase, chat: bool | None) -> PreTrainedTokenizerBase | None:
    """The tokenizer if its chat template is used, else None. Raises ValueError for chat=True without a template."""
    if chat and not tokenizer.chat_template:
        raise ValueError("a model without a chat template cannot be used in a chat: leave out chat=True")
    return tokenizer if tokenizer.chat_template and chat is not False else None


def encode(
    prompt: Prompt, tokenizer: PreTrainedTokenizerBase, template: PreTrainedTokenizerBase | None
) -> tuple[int, ...]:
    """Tokens of a prompt: turns of a chat, or plain text without a chat template."""
    if not template:
        return tuple(tokenizer.encode(well_formed(prompt.text())))
    return tuple(
        tokenizer.encode(well_formed(prompt.text(template)), add_special_tokens=False)
    )  # the template contains them


def sampler_of(generation: GenerationConfig, temperature: float | None = None) -> Sampler:
    """The sampler that a generation_config describes.

    Parameters
    ----------
    generation : GenerationConfig
        A top_k of -1 keeps all tokens, as in vLLM.
    temperature : float, optional
        Replaces the temperature of the generation_config.

    Raises
    ------
    ValueError
        For impossible settings.
    """
    if temperature is None:
        temperature = 1.0 if generation.temperature is None else generation.temperature
    top_k, top_p = (generation.top_k or 0, generation.top_p or 1.0) if generation.do_sample else (0, 1.0)
    return Sampler(temperature, top_k=0 if top_k == -1 else top_k, top_p=top_p)


def unheeded(generation: GenerationConfig) -> dict[str, Any]:
    """Fields of a generation_config that change what transformers generates and are ignored here."""
    fields = {name: getattr(generation, name, None) for name in UNHEEDED}
    return {name: value for name, value in fields.items() if value is not None and value not in UNHEEDED[name]}


def turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The token that ends the model's turn in a chat template; None if there is none or it cannot be found.

    Some models name only another end-of-text token in their generation_config. Without this one they would continue
    with the user's next turn.
    """
    content = "Sesquipedalian"
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": content}]
    try:
        text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    except Exception:  # templates are programs, and some raise on turns they do not expect
        return None
    if content not in text:
        return None
    rest = text.rpartition(content)[2].lstrip()
    special = {**tokenizer.get_added_vocab(), **dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids))}
    found = max((token for token in special if token and rest.startswith(token)), key=len, default=None)
    return special[found] if found else None


def _check_cache(config: PreTrainedConfig, stateful: bool) -> None:
    """Raise ValueError for a model with more state than keys and values, which the engine cannot copy row by row."""
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
    """Silence transformers' progress bars, which are made for models larger than the shipped ones."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _writes_nothing(directory: Path) -> bool:
    """Whether a directory holds a RewardModel, whose weights transformers would load as a policy's."""
    return "RewardModel" in (json.loads((directory / "config.json").read_text()).get("architectures") or ())


def folder_of(name: str | Path, at: int | None = None) -> Path:
    """Folder of a shipped model, at a step of its training; any other name is a path."""
    names = [path.name.rpartition("-") for path in ZOO.glob("*")]
    steps = sorted(int(step) for base, _, step in names if base == str(name) and step.isdecimal())
    if at is not None and at not in steps:
        shipped = f"at the steps {steps}" if steps else "at no more than one step"
        raise ValueError(f"{name!r} is shipped {shipped}, not at {at}")
    if steps:
        return ZOO / f"{name}-{at or DEFAULT_STEP[str(name)]}"
    if str(name) == smollm2.NAME:
        return smollm2.folder()
    return ZOO / name if (ZOO / name).is_dir() else Path(name)


def pick_device(device: str = "auto") -> torch.device:
    """The device of a name; "auto" takes CUDA, then MPS, then the CPU."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(config: PreTrainedConfig, device: torch.device) -> torch.dtype:
    """The dtype of the weights if the device is fast in it, else fp32 on a CPU and fp16 on a GPU without bf16."""
    own = getattr(config, "dtype", None) or torch.float32
    if device.type == "cpu":
        return torch.float32
    if own == torch.bfloat16 and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return own


class LanguageModel(Policy):
    """A causal language model and its tokenizer, run in this process.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model. Its generation_config sets the sampling defaults.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    chat : bool, optional
        Whether problems are posed as turns of a chat, by default if the tokenizer has a chat template.
    batch_size : int
        Rows that are decoded together.

    Raises
    ------
    ValueError
        For a model with a recurrent state, impossible sampling settings, and chat=True without a chat template.
    """

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
        self.sampler()  # raises for impossible settings now instead of at the first solution
        if fields := unheeded(model.generation_config):
            named = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            warnings.warn(
                f"the generation_config of {model.name_or_path or 'the model'} sets {named}: ignored here, where "
                "solutions are drawn from the model's own distribution",
                stacklevel=2,
            )
        # Searches decode and encode the same few texts at every step.
        self._encode = lru_cache(maxsize=1 << 12)(partial(tokenizer.encode, add_special_tokens=not self.template))
        self._decode = lru_cache(maxsize=1 << 12)(tokenizer.decode)
        # Called once a solution, always with the same few lengths.
        self._read_flops = cache(partial(flops.forward_flops, model.config, logits=1))
        self._write_flops = cache(partial(flops.decode_flops, model.config))

    def _extend(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        if stop:
            return self._extend_by_line(prompts, partials, temperature, limit, steps=True)
        if self.template or all(each.problem.ended("") is None for each in prompts):
            written = self._decode_rows(prompts, partials, temperature, limit, None)
        else:
            written = self._extend_by_line(prompts, partials, temperature, limit, steps=False)
        if written and not any(solution.finished for solution in written):
            self._warn_all_cut(len(written), max(solution.length for solution in written))
        return written

    def _extend_by_line(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        *,
        steps: bool,
    ) -> list[Solution]:
        """Continue solutions line by line to their ends, or to the end of a step.

        Outside a chat a model may have no end-of-text token of its own: after each line the problem decides whether the
        solution is complete. With `steps`, blank lines that the problem does not count as steps are skipped.
        """
        written, growing = [solution for _, solution in partials], list(range(len(partials)))
        prefixes: dict[Any, Any] = {}
        while growing:
            before = [written[k] for k in growing]
            lines = self._decode_rows(
                prompts, [(partials[k][0], written[k]) for k in growing], temperature, limit, STEP_END
            )
            for k, solution in zip(growing, lines, strict=True):
                written[k] = solution
            if steps:
                prefixes |= self.engine.prefix_cache  # the next call continues all rows, not only the last ones
            growing = [
                k
                for k, old in zip(growing, before, strict=True)
                if not written[k].finished
                and old.length < written[k].length < limit
                and not (steps and is_step(old, written[k]))
            ]
        if steps:
            self.engine.prefix_cache = prefixes
        return written

    def _decode_rows(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        """Continue solutions in one engine call. Those that fill the model's positions are returned unchanged."""
        contexts = self.encode_prompts(prompts)
        full = {k for k, (i, s) in enumerate(partials) if len(contexts[i]) + len(s.tokens) >= self.engine.positions}
        everything, partials = partials, [row for k, row in enumerate(partials) if k not in full]
        if not partials:
            return [solution for _, solution in everything]
        shown, bills = [each.shown for each in prompts], [Bill(each.problem) for each in prompts]
        rows = [Row(contexts[i] + s.tokens, s.key, used=len(s.tokens)) for i, s in partials]
        written = self.engine.write(rows, self.sampler(temperature), max_new_tokens=limit, stop=stop)
        solutions = []
        for (i, solution), row, new in zip(partials, rows, written, strict=True):
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
        extended = iter(solutions)
        return [solution if k in full else next(extended) for k, (_, solution) in enumerate(everything)]

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
        """Default token limit of a solution."""
        return max_new_tokens_of(self.engine.model.generation_config)

    def sampler(self, temperature: float | None = None) -> Sampler:
        """This model's sampler: the one of its generation_config, with another temperature if one is given."""
        return sampler_of(self.engine.model.generation_config, temperature)

    def encode_prompts(self, prompts: Sequence[Prompt]) -> list[tuple[int, ...]]:
        """Tokens of prompts. Raises ValueError, naming the problem, for one that leaves no position free."""
        contexts = [self.encode(prompt) for prompt in prompts]
        for prompt, context in zip(prompts, contexts, strict=True):
            if len(context) >= self.engine.positions:
                raise ValueError(
                    f"the problem {prompt.problem.id!r} is {len(context)} tokens long as the model is fed it, and the "
                    f"model has {self.engine.positions} positions, for the problem and its solution together"
                )
        return contexts

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Tokens of a prompt: turns of a chat, or plain text without a chat template."""
        return tuple(self._encode(well_formed(prompt.text(self.template))))

    def _add(self, bill: Bill, row: Row, written: Written, *, generations: int) -> None:
        new, cached, tokens = len(row.context) - written.shared, written.shared, len(written.tokens)
        if new:
            bill.add("prefill", new, self._read_flops(new, cached))
        if cached:
            bill.add("cached", cached, self._read_flops(cached, 0))
        bill.add("decode", tokens, self._write_flops(tokens - 1, len(row.context)))
        bill.generations += generations
