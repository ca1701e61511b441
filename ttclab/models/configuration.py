"""Settings from the files beside a model's weights: its sampler, its chat template, its end-of-turn token."""

from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from ..engine import Sampler
from ..policy import Prompt
from ..tasks.problem import well_formed

# Fields of a generation_config that change what transformers generates and are ignored here, with their neutral values;
# None is neutral for all of them.
IGNORED: dict[str, tuple[Any, ...]] = {
    "repetition_penalty": (1.0,), "encoder_repetition_penalty": (1.0,), "presence_penalty": (0,),
    "frequency_penalty": (0,), "no_repeat_ngram_size": (0,), "encoder_no_repeat_ngram_size": (0,),
    "min_new_tokens": (0,), "min_length": (0,), "min_p": (0,), "top_h": (1.0,), "typical_p": (1.0,),
    "epsilon_cutoff": (0,), "eta_cutoff": (0,), "num_beams": (1,), "num_beam_groups": (1,), "penalty_alpha": (0,),
    "guidance_scale": (1.0,), "bad_words_ids": ([],), "suppress_tokens": ([],), "begin_suppress_tokens": ([],),
    "sequence_bias": ({}, []), "forced_bos_token_id": (), "forced_eos_token_id": (), "force_words_ids": ([],),
    "constraints": ([],), "exponential_decay_length_penalty": (), "stop_strings": ("", []), "max_time": (),
    "dola_layers": (), "watermarking_config": (),
}  # fmt: skip


def generation_config_of(directory: Path) -> GenerationConfig:
    """The generation_config of a model's directory, or transformers' defaults without one."""
    if (directory / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(directory, local_files_only=True)
    return GenerationConfig()


def max_new_tokens_of(generation: GenerationConfig) -> int:
    """Default token limit of a solution."""
    return generation.max_new_tokens or 512


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


def ignored_fields(generation: GenerationConfig) -> dict[str, object]:
    """Fields of a generation_config that change what transformers generates and are ignored here."""
    fields = {name: getattr(generation, name, None) for name in IGNORED}
    return {name: value for name, value in fields.items() if value is not None and value not in IGNORED[name]}


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


def check_cache(config: PreTrainedConfig, stateful: bool) -> None:
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
