"""FLOPs of a forward pass, and what they cost: in time on a GPU, and against the FLOPs of training.

A multiplication and an addition are two FLOPs. Matrix products and attention are counted, elementwise work is not.
Torch's `FlopCounterMode` counts the same way, and the tests require equality with it. It misses fused attention on CPUs
and grouped experts in mixtures, so it is run with the eager implementations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from .hardware import BYTES, Gpu, dtype_name

# Three matrices in the feed-forward block, rotary positions.
_GATED = {"gemma", "gemma2", "gemma3_text", "llama", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3"}
_PLAIN = {"gpt2"}  # two matrices, learned positions


def forward_flops(
    config: PreTrainedConfig, new_tokens: int, cached_tokens: int = 0, batch: int = 1, *, logits: int | None = None
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


def _sliding_layers(config: PreTrainedConfig) -> tuple[int, int]:
    """Number of layers with a sliding window, and its length in tokens (1 without such a layer)."""
    window = getattr(config, "sliding_window", None)
    if window is None:
        return 0, 1
    types = getattr(config, "layer_types", None)
    return config.num_hidden_layers if types is None else types.count("sliding_attention"), window


def decode_flops(config: PreTrainedConfig, new_tokens: int, cached_tokens: int) -> int:
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
    model = _meta_model(config_json)

    def ids(length: int) -> torch.Tensor:
        return torch.zeros((batch, length), dtype=torch.long, device="meta")

    with torch.no_grad():
        cache = model(ids(cached_tokens), use_cache=True).past_key_values if cached_tokens else None
        with FlopCounterMode(display=False) as counter:
            model(ids(new_tokens), past_key_values=cache, use_cache=True, logits_to_keep=logits)
    return counter.get_total_flops()


@lru_cache(maxsize=4)
def _meta_model(config_json: str) -> PreTrainedModel:
    import json

    from transformers import AutoConfig

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


@dataclass(frozen=True)
class Roofline:
    """One decode step on a GPU at its limits: a token for each of `batch` sequences (Williams et al. 2009).

    flops: of the step; weight_bytes, cache_bytes: moved between the GPU and its memory; peak: FLOP/s; bandwidth:
    bytes/s. A real step takes `seconds` or longer: it computes and reads no faster, and at best does both at once.
    """

    batch: int
    flops: int
    weight_bytes: int
    cache_bytes: int
    peak: int
    bandwidth: int

    @property
    def intensity(self) -> float:
        """FLOPs for each byte moved; what the GPU can keep up with is peak / bandwidth."""
        return self.flops / (self.weight_bytes + self.cache_bytes)

    @property
    def compute_seconds(self) -> float:
        return self.flops / self.peak

    @property
    def memory_seconds(self) -> float:
        return (self.weight_bytes + self.cache_bytes) / self.bandwidth

    @property
    def seconds(self) -> float:
        return max(self.compute_seconds, self.memory_seconds)

    @property
    def bound(self) -> str:
        """What the step waits for: "memory" or "compute"."""
        return "compute" if self.compute_seconds >= self.memory_seconds else "memory"

    @property
    def tokens_per_second(self) -> float:
        """Upper bound, over all sequences together."""
        return self.batch / self.seconds


def decode_roofline(
    config: PreTrainedConfig, gpu: Gpu, dtype: str | torch.dtype = "bf16", batch: int = 1, cached_tokens: int = 0
) -> Roofline:
    """The limits of one decode step: `batch` sequences, each with `cached_tokens` in its KV cache, get a token.

    config: transformers' own, of any model that `forward_flops` counts but a mixture of experts; dtype: of weights,
    cache and arithmetic. The weights are read once for the whole batch (of an embedding table that is not the output
    head too, one row a sequence); each sequence's keys and values are read, and one token's are written. Activations
    are not counted. Raises ValueError for a mixture of experts (what it reads depends on the routing), for a dtype that
    the GPU has no peak for, and unless batch >= 1 and cached_tokens >= 0.
    """
    config = config.get_text_config()
    flops = forward_flops(config, 1, cached_tokens, batch)
    weights, row_weights, row_cache = _decode_reads(config.to_json_string(), cached_tokens)
    size = BYTES[dtype_name(dtype)]
    return Roofline(
        batch=batch,
        flops=flops,
        weight_bytes=size * (weights + batch * row_weights),
        cache_bytes=size * batch * row_cache,
        peak=gpu.peak(dtype),
        bandwidth=gpu.bytes_per_second,
    )


def compute_bound_batch(
    config: PreTrainedConfig, gpu: Gpu, dtype: str | torch.dtype = "bf16", cached_tokens: int = 0
) -> int | None:
    """The smallest batch whose decode step waits for arithmetic and no longer for memory.

    Arguments and errors are those of `decode_roofline`. None if there is no such batch: every sequence brings a cache
    of its own to read, and past some length reading it takes longer than computing on it.
    """
    one = decode_roofline(config, gpu, dtype, 1, cached_tokens)
    two = decode_roofline(config, gpu, dtype, 2, cached_tokens)
    a_row = two.weight_bytes + two.cache_bytes - one.weight_bytes - one.cache_bytes
    shared = one.weight_bytes + one.cache_bytes - a_row
    gain = one.flops * gpu.bytes_per_second - a_row * one.peak  # of a further row: work for each byte, cross-multiplied
    return -(-shared * one.peak // gain) if gain > 0 else None


@lru_cache(maxsize=256)
def _decode_reads(config_json: str, cached_tokens: int) -> tuple[int, int, int]:
    """Numbers that a decode step moves: weights once, and for each sequence rows of embedding tables and cache."""
    model = _meta_model(config_json)
    if any(".experts." in name for name, _ in model.named_parameters()):
        raise ValueError(
            f"what a mixture of experts reads hangs on its routing: no roofline for {model.config.model_type}"
        )
    head = model.get_output_embeddings().weight
    tables = [m for m in model.modules() if isinstance(m, torch.nn.Embedding) and m.weight is not head]

    def kept(tokens: int) -> int:
        """Numbers in the KV cache of one sequence after so many tokens."""
        if not tokens:
            return 0
        with torch.no_grad():
            ids = torch.zeros((1, tokens), dtype=torch.long, device="meta")
            cache = model(ids, use_cache=True, logits_to_keep=1).past_key_values
        return sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)

    weights = sum(p.numel() for p in model.parameters()) - sum(table.weight.numel() for table in tables)
    return weights, sum(table.embedding_dim for table in tables), kept(cached_tokens) + kept(1)
