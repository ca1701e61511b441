"""Attention of one new token for each row over a cache of fixed size, as two batched matrix products.

The fused kernels of torch take a mask only on slower paths, and a cache with fewer key heads than query heads has to be
repeated for them. Here each key head meets its group of query heads in one product, so keys and values are read once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedConfig

NAME = "ttclab_decode"


def decode_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of (rows, heads, new tokens, size) queries over (rows, key heads, columns, size) keys and values.

    Parameters
    ----------
    attention_mask : Tensor
        (rows, 1, new tokens, columns) of booleans, True where a token attends to a column.
    scaling : float or None
        Factor of the scores; None for one over the square root of the size.
    softcap : float or None
        Bound of the scores, as in Gemma 2.

    Returns
    -------
    (Tensor, None)
        (rows, new tokens, heads, size), as transformers' own attention functions return it.
    """
    rows, heads, new, size = query.shape
    key_heads = key.shape[1]
    grouped = query.reshape(rows, key_heads, heads // key_heads * new, size)
    scores = grouped @ key.transpose(2, 3) * (size**-0.5 if scaling is None else scaling)
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    scores = scores.view(rows, heads, new, -1)
    scores = torch.where(attention_mask, scores, float("-inf"))
    weights = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
    mixed = weights.view(rows, key_heads, heads // key_heads * new, -1) @ value
    return mixed.view(rows, heads, new, size).transpose(1, 2), None


AttentionInterface.register(NAME, decode_attention)


@contextmanager
def decoding(config: PreTrainedConfig) -> Iterator[None]:
    """Models of this configuration use `decode_attention` inside the block."""
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
