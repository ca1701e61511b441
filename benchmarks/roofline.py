"""The limits of a decode step on a GPU: what it computes, and what it moves between the GPU and its memory."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from transformers import PreTrainedConfig

from ttclab.flops import forward_flops, meta_model
from ttclab.hardware import BYTES, Gpu, dtype_name


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


@lru_cache(maxsize=256)
def _decode_reads(config_json: str, cached_tokens: int) -> tuple[int, int, int]:
    """Numbers that a decode step moves: weights once, and for each sequence rows of embedding tables and cache."""
    model = meta_model(config_json)
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
