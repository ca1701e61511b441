"""What a reward model has read, in fixed places of preallocated buffers: on a GPU, reading on is one CUDA graph.

A place holds the keys and values of one row of tokens, and what the scoring layers need to go on after each of the
tokens that were read last. Reading on copies a row's place to a new one and appends to it, inside the graph, so rows
that share a beginning stay apart, and the rows of a call may go on from different lengths by different numbers of
tokens: shorter ones are padded on the right, where no other token sees the padding.

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
    """Rows' places in the buffers, given back when nobody refers to them any more."""

    def __init__(self, readings: "StaticReadings", indices: list[int]) -> None:
        self._readings, self.indices = readings, indices

    def __del__(self) -> None:
        self._readings.free += self.indices


class _CopiedLayer(DynamicLayer):
    """Keys and values of one layer: read from the rows' old places, completed, and written to their new ones."""

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
        completed = []
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            row = buffer.index_select(0, self.old)
            row.scatter_(2, self.positions[:, None, :, None].expand_as(states), states)
            buffer.index_copy_(0, self.new, row)
            completed.append(row)
        return completed[0], completed[1]


class StaticReadings:
    """Places for what a reward model has read.

    Parameters
    ----------
    model : RewardModel
    capture : bool
        Capture each pass in a CUDA graph. A pass that cannot be captured runs without, after a warning.
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
        """Give the rows of a reading places, each at its last token."""
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
        """Read on.

        Parameters
        ----------
        old : sequence of int
            The places to go on from.
        at : sequence of int
            For each, after which of the tokens that were read last.
        starts : sequence of int
            For each, how many tokens stand before the new ones.
        tokens : sequence of tuple of int
            The new tokens of each row.

        Returns
        -------
        array, Places
            The probability of "right so far" at each new token, (rows, new tokens or more), and the new places.
        """
        rows, new = bucket(len(old)), bucket(max(map(len, tokens)), MIN_NEW_TOKENS)
        columns = bucket(max(starts) + new, MIN_COLUMNS)
        self._reserve(len(old), columns, new)
        places = [self.free.pop() for _ in old]
        numbers = np.zeros((4 + new, rows), dtype=np.int64)  # rows that fill up the bucket go from place 0 to place 0
        numbers[:4, : len(old)] = old, at, starts, places
        for row, each in enumerate(tokens):
            numbers[4 : 4 + len(each), row] = each
        run, given, right = self._pass(rows, new, columns)
        given.copy_(torch.from_numpy(numbers))
        run()
        return right[: len(old)].cpu().numpy(), Places(self, places)

    def _pass(self, rows: int, new: int, columns: int) -> tuple[Callable[[], None], Tensor, Tensor]:
        """The pass for so many rows, new tokens and columns, the tensor it reads from and the one it writes to."""
        key = rows, new, columns
        if key not in self._passes:
            device = self.predicted.device
            given = torch.zeros(4 + new, rows, dtype=torch.long, device=device)
            right = torch.zeros(rows, new, device=device)
            run = self._eager_pass(given, right, columns)
            if self.capture:
                try:
                    graph = capture(run, self._pool)
                    self._pool, run = self._pool or graph.pool(), graph.replay
                except CaptureError as error:
                    log.warning("%s reads without a CUDA graph: %s", type(self.model).__name__, error)
                    self.capture = False
            self._passes[key] = run, given, right
        return self._passes[key]

    def _eager_pass(self, given: Tensor, right: Tensor, columns: int) -> Callable[[], None]:
        old, at, starts, new_places = given[:4]
        ids, new = given[4:].T, right.shape[1]
        trunk, config = self.model.model, self.model.config

        def run() -> None:
            positions = starts[:, None] + torch.arange(new, device=given.device)
            seen = torch.arange(columns, device=given.device) <= positions[:, :, None]
            before = Reading(right[:, :1], self.predicted[old, at][:, None], self.surprises[old, at][:, None])
            layers = [_CopiedLayer(each, old, new_places, positions, columns) for each in self.layers]
            with decoding(config):
                reading = self.model.read_tokens(
                    ids, trunk.embed_tokens(ids), positions, seen[:, None], Cache(layers=layers), before
                )
            self.predicted[:, :new].index_copy_(0, new_places, reading.predicted)
            self.surprises[:, :new].index_copy_(0, new_places, reading.surprises)
            right.copy_(reading.right.float().sigmoid())

        return run

    def _reserve(self, places: int, columns: int, new_tokens: int, like: Any = None) -> None:
        """Make room for so many more places, and for rows of so many columns and new tokens."""
        used = self.places - len(self.free)
        wanted = bucket(max(used, 1) + places)
        size = (
            max(self.places, wanted),
            max(self.columns, bucket(columns, MIN_COLUMNS)),
            max(self.new_tokens, bucket(new_tokens, MIN_NEW_TOKENS)),
        )
        if size == (self.places, self.columns, self.new_tokens):
            return
        self._passes.clear()  # they work on the old addresses
        self._pool = None  # it went with the last graph
        if like:
            keys, values, reading = like
            self._shapes = [tuple(state[:1, :, :1] for state in states) for states in zip(keys, values)]
            self._predicted, self._surprises = reading.predicted[:1, :1], reading.surprises[:1, :1]
        layers = [
            tuple(one.new_zeros(size[0], one.shape[1], size[1], one.shape[3]) for one in each) for each in self._shapes
        ]
        predicted, surprises = (
            one.new_zeros(size[0], size[2], one.shape[2]) for one in (self._predicted, self._surprises)
        )
        if self.places:
            for old, grown in zip(self.layers, layers):
                for old_buffer, buffer in zip(old, grown):
                    buffer[: self.places, :, : self.columns] = old_buffer
            predicted[: self.places, : self.new_tokens] = self.predicted
            surprises[: self.places, : self.new_tokens] = self.surprises
        self.free += range(max(self.places, 1), size[0])  # place 0 is nobody's
        self.layers, self.predicted, self.surprises = layers, predicted, surprises
        self.places, self.columns, self.new_tokens = size
