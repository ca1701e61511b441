"""Readings of a reward model in preallocated buffers, so that a GPU continues them with one CUDA graph.

Each row of tokens has a place in the buffers. It holds the row's keys and values, and for each token of the last pass
the inputs of the scoring layers. Inside the graph, a pass copies a row to a new place and appends the new tokens there.
Rows with a common prefix therefore stay separate, and one pass can continue rows of different lengths by different
numbers of tokens. Shorter rows are padded on the right, where no other token attends to the padding.

Without `capture` the same code runs kernel by kernel on any device.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from ..engine.attention import decoding
from ..engine.graphs import CaptureError, bucket, capture
from .reward_model import Reading, RewardModel

log = logging.getLogger(__name__)

MIN_COLUMNS, MIN_NEW_TOKENS = 64, 8


class Places:
    """Places of rows in the buffers, freed when the object is garbage-collected."""

    def __init__(self, readings: "StaticReadings", indices: list[int]) -> None:
        self._readings, self.indices = readings, indices

    def __del__(self) -> None:
        self._readings.free += self.indices


class _CopiedLayer(DynamicLayer):
    """Keys and values of one layer: read from the old places, extended, and written to the new places."""

    def __init__(self, buffers: tuple[Tensor, ...], old: Tensor, new: Tensor, positions: Tensor, columns: int) -> None:
        super().__init__()
        self.buffers = [buffer[:, :, :columns] for buffer in buffers]
        self.old, self.new, self.positions = old, new, positions
        self.dtype, self.device, self.is_initialized = buffers[0].dtype, buffers[0].device, True

    def get_seq_length(self) -> int:
        return int(self.buffers[0].shape[2])

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        extended = []
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            row = buffer.index_select(0, self.old)
            row.scatter_(2, self.positions[:, None, :, None].expand_as(states), states)
            buffer.index_copy_(0, self.new, row)
            extended.append(row)
        return extended[0], extended[1]


class StaticReadings:
    """Buffers for the readings of a reward model.

    Parameters
    ----------
    model : RewardModel
    capture : bool
        Capture each pass in a CUDA graph. If a pass cannot be captured, it runs without a graph, after a warning.
    """

    def __init__(self, model: RewardModel, *, capture: bool) -> None:
        self.model, self.capture = model, capture
        self.places = self.columns = self.new_tokens = 0
        self.layers: list[tuple[Tensor, ...]] = []
        self.predicted, self.surprises = torch.empty(0), torch.empty(0)  # (places, new tokens, ...), as in a Reading
        self.free: list[int] = []
        self._passes: dict[tuple[int, int, int], tuple[Callable[[], None], Tensor, Tensor]] = {}
        self._pool: Any = None

    def adopt(self, reading: Reading) -> Places:
        """Copy the rows of a reading, up to their last tokens, to new places."""
        assert reading.prefix
        keys, values = reading.prefix.keys, reading.prefix.values
        rows, _, columns, _ = keys[0].shape
        self._reserve(rows, columns, 1, like=(keys, values, reading))
        places = [self.free.pop() for _ in range(rows)]
        at = torch.tensor(places).to(keys[0].device)
        for buffers, states in zip(self.layers, zip(keys, values)):
            for buffer, state in zip(buffers, states):
                buffer[:, :, :columns].index_copy_(0, at, state)
        self.predicted[at, 0], self.surprises[at, 0] = reading.predicted[:, -1], reading.surprises[:, -1]
        return Places(self, places)

    def read(
        self, old: Sequence[int], at: Sequence[int], starts: Sequence[int], tokens: Sequence[tuple[int, ...]]
    ) -> tuple[NDArray[np.float32], Places]:
        """Continue rows with new tokens.

        Parameters
        ----------
        old : sequence of int
            Place of each row.
        at : sequence of int
            Index, among the tokens of the row's last pass, of the token after which to continue.
        starts : sequence of int
            Number of tokens of each row before the new tokens.
        tokens : sequence of tuple of int
            New tokens of each row.

        Returns
        -------
        array, Places
            The probability of "right so far" at each new token, (rows, at least as many columns as new tokens), and
            the new places.
        """
        rows, new = bucket(len(old)), bucket(max(map(len, tokens)), MIN_NEW_TOKENS)
        columns = bucket(max(starts) + new, MIN_COLUMNS)
        self._reserve(len(old), columns, new)
        places = [self.free.pop() for _ in old]
        numbers = np.zeros((4 + new, rows), dtype=np.int64)  # rows that fill the bucket read and write place 0
        numbers[:4, : len(old)] = old, at, starts, places
        for row, new_tokens in enumerate(tokens):
            numbers[4 : 4 + len(new_tokens), row] = new_tokens
        run, inputs, right = self._pass(rows, new, columns)
        inputs.copy_(torch.from_numpy(numbers))
        run()
        return right[: len(old)].cpu().numpy(), Places(self, places)

    def _pass(self, rows: int, new: int, columns: int) -> tuple[Callable[[], None], Tensor, Tensor]:
        """The pass for a number of rows, of new tokens and of columns, with its input tensor and its output tensor."""
        key = rows, new, columns
        if key not in self._passes:
            device = self.predicted.device
            inputs = torch.zeros(4 + new, rows, dtype=torch.long, device=device)
            right = torch.zeros(rows, new, device=device)
            run = self._eager_pass(inputs, right, columns)
            if self.capture:
                try:
                    graph = capture(run, self._pool)
                    self._pool, run = self._pool or graph.pool(), graph.replay
                except CaptureError as error:
                    log.warning("%s reads without a CUDA graph: %s", type(self.model).__name__, error)
                    self.capture = False
            self._passes[key] = run, inputs, right
        return self._passes[key]

    def _eager_pass(self, inputs: Tensor, right: Tensor, columns: int) -> Callable[[], None]:
        old, at, starts, new_places = inputs[:4]
        ids, new = inputs[4:].T, right.shape[1]
        trunk, config = self.model.model, self.model.config

        def run() -> None:
            positions = starts[:, None] + torch.arange(new, device=inputs.device)
            seen = torch.arange(columns, device=inputs.device) <= positions[:, :, None]
            before = Reading(right[:, :1], self.predicted[old, at][:, None], self.surprises[old, at][:, None])
            layers = [_CopiedLayer(buffers, old, new_places, positions, columns) for buffers in self.layers]
            with decoding(config):
                reading = self.model.read_tokens(
                    ids, trunk.embed_tokens(ids), positions, seen[:, None], Cache(layers=layers), before
                )
            self.predicted[:, :new].index_copy_(0, new_places, reading.predicted)
            self.surprises[:, :new].index_copy_(0, new_places, reading.surprises)
            right.copy_(reading.right.float().sigmoid())

        return run

    def _reserve(self, places: int, columns: int, new_tokens: int, like: Any = None) -> None:
        """Grow the buffers for more places, and for rows with a number of columns and of new tokens."""
        used = self.places - len(self.free)
        wanted = bucket(max(used, 1) + places)
        size = (
            max(self.places, wanted),
            max(self.columns, bucket(columns, MIN_COLUMNS)),
            max(self.new_tokens, bucket(new_tokens, MIN_NEW_TOKENS)),
        )
        if size == (self.places, self.columns, self.new_tokens):
            return
        self._passes.clear()  # they use the addresses of the old buffers
        self._pool = None  # freed with the last graph
        if like:
            keys, values, reading = like
            self._shapes = [tuple(state[:1, :, :1] for state in states) for states in zip(keys, values)]
            self._predicted, self._surprises = reading.predicted[:1, :1], reading.surprises[:1, :1]
        layers = [
            tuple(x.new_zeros(size[0], x.shape[1], size[1], x.shape[3]) for x in states) for states in self._shapes
        ]
        predicted, surprises = (x.new_zeros(size[0], size[2], x.shape[2]) for x in (self._predicted, self._surprises))
        if self.places:
            for old, grown in zip(self.layers, layers):
                for old_buffer, buffer in zip(old, grown):
                    buffer[: self.places, :, : self.columns] = old_buffer
            predicted[: self.places, : self.new_tokens] = self.predicted
            surprises[: self.places, : self.new_tokens] = self.surprises
        self.free += range(max(self.places, 1), size[0])  # place 0 is reserved for padding rows
        self.layers, self.predicted, self.surprises = layers, predicted, surprises
        self.places, self.columns, self.new_tokens = size
