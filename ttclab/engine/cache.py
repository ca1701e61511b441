"""The KV cache: layers that grow, layers of fixed size, and sets of rows that are copied between them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedConfig
from transformers.cache_utils import Cache, DynamicLayer

GROWTH = 64  # columns added when the cache is full


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer, (rows, heads, columns, size), written in place into a buffer with room to grow.

    All columns are kept, but the model is not given the columns outside the sliding window of every new token.
    """

    window = 0  # tokens that a token attends to, itself included; 0 means all

    @property
    def is_sliding(self) -> bool:
        return self.window > 0

    @property
    def hidden(self) -> int:
        """Leading columns outside the window of new tokens."""
        return max(0, self.get_seq_length() - self.window + 1) if self.window else 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        columns, first = super().get_mask_sizes(query_length)
        return columns - self.hidden, first + self.hidden

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        start, new, hidden = self.get_seq_length(), key_states.shape[-2], self.hidden
        if not self.is_initialized or start + new > self.key_buffer.shape[-2]:
            self._grow(key_states, value_states, start, start + new + GROWTH)
        self.key_buffer[:, :, start : start + new] = key_states
        self.value_buffer[:, :, start : start + new] = value_states
        self.keys = self.key_buffer[:, :, : start + new]
        self.values = self.value_buffer[:, :, : start + new]
        return self.keys[:, :, hidden:], self.values[:, :, hidden:]

    def _grow(self, key_states: Tensor, value_states: Tensor, used: int, columns: int) -> None:
        self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
        for name, states, old in (("key_buffer", key_states, self.keys), ("value_buffer", value_states, self.values)):
            buffer = states.new_empty((*states.shape[:2], columns, states.shape[3]))
            if used:
                buffer[:, :, :used] = old
            setattr(self, name, buffer)


@dataclass
class Prefix:
    """Computed keys and values of a set of rows, each using the last `lengths[row]` columns."""

    keys: list[Tensor]
    values: list[Tensor]
    lengths: Tensor  # (rows,), on the CPU

    def take(self, rows: Tensor, lengths: Tensor) -> "Prefix":
        """These rows (repeats allowed), cut to their first `lengths` tokens, in the fewest columns."""
        columns = int(lengths.max())
        surplus = self.lengths[rows] - lengths
        on_device = rows.to(self.keys[0].device)
        if bool((surplus == surplus[0]).all()):
            end = self.keys[0].shape[-2] - int(surplus[0])

            def pick(states: Tensor) -> Tensor:
                return states[:, :, end - columns : end].index_select(0, on_device)
        else:
            end_of_row = self.keys[0].shape[-2] - surplus
            where = (end_of_row[:, None] - columns + torch.arange(columns)).clamp(min=0).to(on_device.device)

            def pick(states: Tensor) -> Tensor:
                index = where[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
                return states.index_select(0, on_device).gather(2, index)

        return Prefix([pick(k) for k in self.keys], [pick(v) for v in self.values], lengths)

    @staticmethod
    def join(parts: Sequence["Prefix"]) -> "Prefix":
        """Join several sets of rows."""
        if len(parts) == 1:
            return parts[0]
        columns = max(part.keys[0].shape[-2] for part in parts)

        def pad(states: Tensor) -> Tensor:
            return torch.nn.functional.pad(states, (0, 0, columns - states.shape[-2], 0))

        layers = range(len(parts[0].keys))
        return Prefix(
            [torch.cat([pad(part.keys[i]) for part in parts]) for i in layers],
            [torch.cat([pad(part.values[i]) for part in parts]) for i in layers],
            torch.cat([part.lengths for part in parts]),
        )

    @staticmethod
    def gather(places: Sequence[tuple["Prefix", int]], length: int) -> "Prefix":
        """Rows of several sets, (set, row) each, cut to their first `length` tokens."""
        sources: dict[int, list[int]] = {}
        for i, (prefix, _) in enumerate(places):
            sources.setdefault(id(prefix), []).append(i)
        parts = []
        for indices in sources.values():
            rows = torch.tensor([places[i][1] for i in indices])
            parts.append(places[indices[0]][0].take(rows, torch.full_like(rows, length)))
        joined = Prefix.join(parts)
        if len(parts) == 1:
            return joined
        order = torch.tensor([i for indices in sources.values() for i in indices]).argsort()
        return joined.take(order, joined.lengths[order])

    def cache(self) -> Cache:
        """Convert to a cache that a model can continue."""
        layers = []
        for keys, values in zip(self.keys, self.values, strict=True):
            layer = GrowingLayer()
            layer.keys, layer.values = layer.key_buffer, layer.value_buffer = keys, values
            layer.is_initialized, layer.dtype, layer.device = True, keys.dtype, keys.device
            layers.append(layer)
        return Cache(layers=layers)


def windows_of(config: PreTrainedConfig) -> tuple[list[str], list[int]]:
    """The kind of attention of each layer, and its window in tokens (0 means all)."""
    window = getattr(config, "sliding_window", None) or 0
    every = "sliding_attention" if window else "full_attention"
    kinds = getattr(config, "layer_types", None) or [every] * config.num_hidden_layers
    return kinds, [window if kind == "sliding_attention" else 0 for kind in kinds]


class FixedLayer(DynamicLayer):
    """Keys and values of one layer in a buffer whose address and shape never change, as a CUDA graph needs.

    A row's tokens lie in the columns 0, 1, 2, ... of its place. The row's position is the column of its new token. The
    mask, not the layer, hides later columns.

    Parameters
    ----------
    keys, values : Tensor
        (rows, heads, columns, size), views of a larger buffer or whole buffers.
    positions : Tensor
        (rows,), the column of each row's new token.
    """

    def __init__(self, keys: Tensor, values: Tensor, positions: Tensor) -> None:
        super().__init__()
        self.keys, self.values, self.positions = keys, values, positions
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True

    def get_seq_length(self) -> int:
        return int(self.keys.shape[-2]) - 1

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        for buffer, states in ((self.keys, key_states), (self.values, value_states)):
            buffer.scatter_(2, self.positions[:, None, None, None].expand_as(states), states)
        return self.keys, self.values


def positions_of(config: PreTrainedConfig) -> int:
    """Length of a model's context window in tokens; sys.maxsize if its configuration sets no limit."""
    config = config.get_text_config()
    limit = getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None) or 0
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "yarn" and rope.get("original_max_position_embeddings"):
        limit = max(limit, int(rope["original_max_position_embeddings"] * (rope.get("factor") or 1)))
    elif rope.get("rope_type") in ("linear", "dynamic"):
        limit = int(limit * (rope.get("factor") or 1))
    return limit if limit > 0 else sys.maxsize
