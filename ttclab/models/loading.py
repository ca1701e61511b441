"""Loading policies: the shipped models, any causal language model, or a model behind a server."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoModelForCausalLM

from .. import hub
from ..policy import Prompt
from ..signatures import options_of
from .configuration import check_cache, described, generation_config_of, max_new_tokens_of, sampler_of, template_of
from .devices import pick_device, pick_dtype, quiet
from .language_model import LanguageModel
from .zoo import directory_of, is_address

if TYPE_CHECKING:
    from .server import ServedModel


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
    from .server import ServedFormat, ServedModel  # imports the client, which takes half a second

    limits: dict[str, Any] = {"concurrency": concurrency, "timeout": timeout}
    if files is None:
        plain = ServedFormat(text=Prompt.text, cut=True) if chat is False else None
        return ServedModel(url, model, format=plain, **limits)
    directory = directory_of(files)
    config, tokenizer = described(directory, local_files_only=True)
    generation = generation_config_of(directory)
    template = template_of(tokenizer, chat)
    begin = tokenizer.bos_token or ""
    added = bool(begin) and tokenizer.encode("") == [tokenizer.bos_token_id]

    def text(prompt: Prompt) -> str:
        exact = prompt.text(template)
        return exact.removeprefix(begin) if template and added else exact  # the server adds it to every text

    known = ServedFormat(
        text=text,
        cut=not template,
        config=config,
        sampler=sampler_of(generation),
        max_new_tokens=max_new_tokens_of(generation),
    )
    return ServedModel(url, model, format=known, **limits)


@overload
def load(
    name: Literal["small", "small-plain", "small-rl", "large", "smollm2"] | Path,
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
        "small", "small-plain" (its twin, which was never shown attempts), "small-rl" (after reinforcement learning),
        "large" (14 times as many parameters), a directory in Hugging Face's format, a model on the Hub
        ("Qwen/Qwen2.5-0.5B-Instruct"), or the address of a server (``"http://127.0.0.1:8000/v1"``).
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
    check_cache(config, getattr(MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None), "_is_stateful", False))
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(
            directory, config=config, dtype=pick_dtype(config, where) if dtype == "auto" else dtype, **options
        )
    return LanguageModel(model.to(where), tokenizer, chat=chat)
