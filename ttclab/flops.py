"""FLOPs of a forward pass, and what they cost against the FLOPs of training.

A multiplication and an addition are two FLOPs. Matrix products and attention are counted, elementwise work is not.
Torch's `FlopCounterMode` counts the same way, and the tests require equality with it. It misses fused attention on CPUs
and grouped experts in mixtures, so it is run with the eager implementations.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig

# Three matrices in the feed-forward block, rotary positions.
_GATED = {"gemma", "gemma2", "gemma3_text", "llama", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3"}
_PLAIN = {"gpt2"}  # two matrices, learned positions


def forward_flops(
    config: "PreTrainedConfig", new_tokens: int, cached_tokens: int = 0, batch: int = 1, *, logits: int | None = None
) -> int:
    """FLOPs of one forward pass of a causal language model.

    A layer with a sliding window attends to all new tokens and to the window - 1 newest cached ones, which are all that
    transformers' cache keeps. In a mixture of experts each token goes through as many experts as the config says, so
    the count does not depend on which. Torch's counter sees experts with experts_implementation "eager" or
    "batched_mm", but misses them with "grouped_mm", the default.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        Configuration of the model.
    new_tokens : int
        Tokens fed in this pass, for each sequence.
    cached_tokens : int
        Tokens already in the KV cache, for each sequence.
    batch : int
        Sequences.
    logits : int, optional
        Positions that go through the output head, by default all; 1 while generating.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Unless new_tokens >= 1, batch >= 1 and cached_tokens >= 0.
    """
    if new_tokens < 1 or batch < 1 or cached_tokens < 0:
        raise ValueError(
            "a forward pass needs new_tokens >= 1, batch >= 1 and cached_tokens >= 0, "
            f"not {new_tokens}, {batch} and {cached_tokens}"
        )
    config = config.get_text_config()
    logits = new_tokens if logits is None else logits
    if config.model_type not in _GATED | _PLAIN:
        return _counted_flops(config.to_json_string(), new_tokens, cached_tokens, batch, logits)
    width, heads = config.hidden_size, config.num_attention_heads
    head = getattr(config, "head_dim", None) or width // heads
    key_value_heads = getattr(config, "num_key_value_heads", None) or heads
    inner = getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None) or 4 * width
    gated = config.model_type in _GATED
    matrices = 2 * width * head * (heads + key_value_heads) + (3 if gated else 2) * width * inner
    layers, sliding, window = config.num_hidden_layers, *_sliding_layers(config)
    seen = layers * (cached_tokens + new_tokens) - sliding * max(0, cached_tokens - (window - 1))  # over all layers
    attention = 2 * heads * head * seen  # scores, then the weighted sum of values
    output = logits * 2 * width * config.vocab_size
    return batch * (new_tokens * 2 * (layers * matrices + attention) + output)


def _sliding_layers(config: "PreTrainedConfig") -> tuple[int, int]:
    """Number of layers with a sliding window, and its length in tokens (1 without such a layer)."""
    window = getattr(config, "sliding_window", None)
    if window is None:
        return 0, 1
    types = getattr(config, "layer_types", None)
    return config.num_hidden_layers if types is None else types.count("sliding_attention"), window


def decode_flops(config: "PreTrainedConfig", new_tokens: int, cached_tokens: int) -> int:
    """FLOPs of feeding `new_tokens` one by one, each with its logits, after `cached_tokens` in the KV cache."""
    return _sum(lambda cached: forward_flops(config, 1, cached), cached_tokens, cached_tokens + new_tokens)


def _sum(f: Callable[[int], int], start: int, stop: int) -> int:
    """The sum of f over range(start, stop), for an f that is linear up to a few bends, all downward.

    The cost of a pass is such a function of the cached tokens: it grows by a constant per token until a window is full.
    If the middle lies on the line through the ends there is no bend between them, so few passes need to be counted.
    """
    first, middle, last = start, (start + stop) // 2, stop - 1
    if last - first < 2:
        return sum(f(x) for x in range(start, stop))
    low, mid, high = f(first), f(middle), f(last)
    if (mid - low) * (last - first) == (high - low) * (middle - first):
        return (stop - start) * (low + high) // 2
    return _sum(f, start, middle) + _sum(f, middle, stop)


@lru_cache(maxsize=4096)
def _counted_flops(config_json: str, new_tokens: int, cached_tokens: int, batch: int, logits: int) -> int:
    """Count an architecture without a formula: run it on the meta device under torch's counter."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = meta_model(config_json)

    def ids(length: int) -> torch.Tensor:
        return torch.zeros((batch, length), dtype=torch.long, device="meta")

    with torch.no_grad():
        cache = model(ids(cached_tokens), use_cache=True).past_key_values if cached_tokens else None
        with FlopCounterMode(display=False) as counter:
            model(ids(new_tokens), past_key_values=cache, use_cache=True, logits_to_keep=logits)
    return counter.get_total_flops()


@lru_cache(maxsize=4)
def meta_model(config_json: str) -> "torch.nn.Module":
    """The causal language model of a configuration, on the meta device: shapes without weights."""
    import json

    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    fields = json.loads(config_json)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(
            AutoConfig.for_model(fields.pop("model_type"), **fields),
            attn_implementation="eager",
            experts_implementation="batched_mm",
        ).eval()


def exchange_rate(M: float, R: float, convention: str = "arxiv") -> float:
    """k: how many times the large model's inference the small one may spend, for the same FLOPs in all.

    A model of N parameters costs X = 6 N D_pre to train and Y = 2 N D_inf to run (arXiv edition), or 4 N D_inf with a
    verifier of its size (ICLR edition). The large model costs M X + M Y. The small one, trained on as many tokens,
    costs X + k Y with k times the inference. Setting them equal, k = M + (M - 1) X / Y, where X / Y is 3 / R or
    1.5 / R.

    Parameters
    ----------
    M : float
        Size of the large model over that of the small one, at least 1.
    R : float
        Inference tokens over pretraining tokens, D_inf / D_pre, of the large model; above 0.
    convention : {"arxiv", "iclr"}
        Edition of Snell et al. 2024, section 7.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Unless M >= 1 and R > 0, both finite, and for another convention.
    """
    inference = {"arxiv": 2, "iclr": 4}
    if convention not in inference:
        raise ValueError(f"convention must be one of {', '.join(inference)}, not {convention!r}")
    if not 1 <= M < float("inf"):
        raise ValueError(f"M, the large model's size over the small one's, must be at least 1 and finite, not {M}")
    if not 0 < R < float("inf"):
        raise ValueError(f"R, inference tokens over pretraining tokens, must be above 0 and finite, not {R}")
    return M + (M - 1) * 6 / (inference[convention] * R)
