"""The batch on a GPU: rows in fixed places of preallocated buffers, a decode step captured in a CUDA graph.

A decode step of a small model is hundreds of kernels of a few microseconds each; the host takes longer to launch them
than the GPU to run them. A CUDA graph launches all of them at once, if each works on the same addresses and shapes in
every step. So the KV cache and the state of the rows lie in buffers that never move. A step runs on the first 1, 2, 4,
8, ... places and the first 64, 128, 256, ... columns, and each pair of sizes has its own graph, captured when it is
first needed.

Without `capture` the same code runs kernel by kernel on any device. That is how it is tested without a GPU.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache

from .batch import Start
from .cache import FixedLayer, Prefix
from .graphs import bucket, capture
from .rows import Endings, RowState
from .sampler import Sampler

MIN_COLUMNS = 64

FixedForward = Callable[[Tensor, Cache, Tensor, int], Tensor]


class StaticBuffers:
    """Buffers that outlive a call: the KV cache, the state of the rows, and the graphs that work on them.

    Parameters
    ----------
    forward : callable
        (ids (rows, 1), cache, positions (rows,), columns) -> logits (rows, vocabulary).
    shapes : list of (Tensor, Tensor)
        For each layer, keys and values of one token of one row: (1, heads, 1, size).
    capture : bool
        Capture each step in a CUDA graph.
    """

    def __init__(self, forward: FixedForward, shapes: list[tuple[Tensor, Tensor]], *, capture: bool) -> None:
        self.forward, self.shapes, self.capture = forward, shapes, capture
        self.device = shapes[0][0].device
        self.rows = self.columns = self.new_tokens = 0
        self.stats = False  # True if the state has room for token statistics
        self.layers: list[tuple[Tensor, ...]] = []  # (keys, values) each
        self.state = RowState.new(0, 0, self.device)
        self._steps: dict[tuple[int, int, Sampler, Endings, int | None], Callable[[], None]] = {}
        self._pool: Any = None  # the memory that the graphs share

    def reserve(self, rows: int, columns: int, new_tokens: int, *, stats: bool = False) -> None:
        """Make room for at least so many rows, columns and new tokens. The contents of the buffers are kept.

        stats: also make room for token statistics; once made, it stays.
        """
        rows, columns = max(self.rows, bucket(rows)), max(self.columns, bucket(columns, MIN_COLUMNS))
        new_tokens, stats = max(self.new_tokens, bucket(new_tokens)), self.stats or stats
        if (rows, columns, new_tokens, stats) == (self.rows, self.columns, self.new_tokens, self.stats):
            return
        self._steps.clear()  # the captured steps use the old addresses
        self._pool = None  # freed with the last graph
        if (rows, columns) != (self.rows, self.columns):
            grown = [
                tuple(one.new_zeros(rows, one.shape[1], columns, one.shape[3]) for one in each) for each in self.shapes
            ]
            for old, new in zip(self.layers, grown):
                for old_buffer, buffer in zip(old, new):
                    buffer[: self.rows, :, : self.columns] = old_buffer
            self.layers = grown
        state = RowState.new(rows, new_tokens, self.device, stats=stats)
        state.first(self.rows).copy(self.state)
        self.state, self.stats = state, stats
        self.rows, self.columns, self.new_tokens = rows, columns, new_tokens

    def step(
        self, rows: int, columns: int, sampler: Sampler, endings: Endings, window: int | None = None
    ) -> Callable[[], None]:
        """The decode step of the first rows, on the first columns.

        Raises
        ------
        CaptureError
            If the step cannot be captured, for example because it reads a value on the host.
        """
        key = rows, columns, sampler, endings, window
        if key not in self._steps:
            run = self._eager_step(*key)
            self._steps[key] = self._captured(run, rows) if self.capture else run
        return self._steps[key]

    def _eager_step(
        self, rows: int, columns: int, sampler: Sampler, endings: Endings, window: int | None
    ) -> Callable[[], None]:
        state = self.state.first(rows)
        layers = [
            FixedLayer(keys[:rows, :, :columns], values[:rows, :, :columns], state.position)
            for keys, values in self.layers
        ]

        def run() -> None:
            logits = self.forward(state.newest[:, None], Cache(layers=layers), state.position, columns)
            active = state.draw(logits, sampler, endings, window)
            state.position.add_(active)

        return run

    def _captured(self, run: Callable[[], None], rows: int) -> Callable[[], None]:
        with self._all_finished(rows):
            graph = capture(run, self._pool)
        self._pool = self._pool or graph.pool()
        return graph.replay

    @contextmanager
    def _all_finished(self, rows: int) -> Iterator[None]:
        """Mark all rows as finished inside the block, because a step does not change finished rows."""
        stopped = self.state.stopped[:rows].clone()
        self.state.stopped[:rows] = True
        try:
            yield
        finally:
            self.state.stopped[:rows] = stopped


class StaticBatch:
    """Rows that are generated together, each in its own place.

    An entering row is copied into a free place; a leaving row frees its place. The other rows are not moved until a
    quarter of the places is enough for them; then they are compacted.
    """

    # A row enters without the last token of its context in the cache: its first step feeds that token.
    tokens_left_to_feed = 1
    # Finished rows leave once they are this share of the batch: then a step of a quarter of the size is enough. Leaving
    # earlier gains little: a step on half the rows takes nearly as long, and each size needs its own graph.
    share_to_evict = 3 / 4

    def __init__(self, buffers: StaticBuffers, sampler: Sampler, endings: Endings, window: int | None = None) -> None:
        self.buffers, self.sampler, self.endings, self.window = buffers, sampler, endings, window
        self.index: list[int] = []
        self.shared: list[int] = []
        self._places = np.empty(0, dtype=np.int64)  # place of each row, in the order of `index`
        self._cached, self._limits, self._entered = (np.empty(0, dtype=np.int64) for _ in range(3))
        self._steps = 0
        buffers.state.release()  # an earlier call that failed may have left rows behind

    def __len__(self) -> int:
        return len(self.index)

    def done(self) -> NDArray[np.bool_]:
        """(rows,) of booleans, True for finished rows."""
        return self.buffers.state.done.cpu().numpy()[self._places]

    def states(self, places: NDArray[np.int64]) -> RowState:
        """A copy of the state of some rows, on the CPU."""
        return self.buffers.state.take(self._on_device(self._places[places])).cpu()

    def cut(self, place: int, count: int) -> None:
        """End a row after the first `count` of its new tokens."""
        self.buffers.state.cut(int(self._places[place]), count)

    def clear_suspects(self) -> None:
        """Clear the suspect flag of all rows."""
        self.buffers.state.suspect.fill_(False)

    def add(self, starts: Sequence[Start]) -> None:
        """Add rows."""
        rows = [len(start.index) for start in starts]
        columns = 1 + max(start.cached for start in starts)  # the step reserves more, as the rows grow
        self.buffers.reserve(len(self) + sum(rows), columns, starts[0].uniform.shape[1], stats=self.window is not None)
        free = np.setdiff1d(np.arange(self.buffers.rows), self._places)[: sum(rows)]
        self._places = np.concatenate([self._places, free])
        self._entered = np.concatenate([self._entered, np.full(sum(rows), self._steps)])
        self._limits = np.concatenate([self._limits, *(start.limits for start in starts)])
        self._cached = np.concatenate([self._cached, *(np.full(n, start.cached) for n, start in zip(rows, starts))])
        state = self.buffers.state
        for start, places in zip(starts, np.split(free, np.cumsum(rows)[:-1])):
            self.index += start.index
            self.shared += start.shared
            at, limit, newest = self._on_device(np.stack([places, start.limits, start.newest]))
            state.limit[at], state.newest[at], state.position[at], state.count[at] = limit, newest, start.cached, 0
            state.ended[at] = state.stopped[at] = state.suspect[at] = False
            if self.window:
                state.floor[at] = self._on_device(np.array(start.floors, dtype=np.float32))
            state.uniform[:, : start.uniform.shape[1]].index_copy_(0, at, self._on_device(start.uniform))
            if start.prefix:
                owner, columns = self._on_device(start.owner.numpy()), start.cached
                for buffers, contexts in zip(self.buffers.layers, zip(start.prefix.keys, start.prefix.values)):
                    for buffer, context in zip(buffers, contexts):
                        buffer[:, :, :columns].index_copy_(0, at, context[:, :, -columns:].index_select(0, owner))

    def step(self) -> None:
        """Feed the newest token of every row to the model, and draw the next."""
        if 4 * bucket(len(self)) <= bucket(int(self._places.max()) + 1):
            self._compact()
        rows = bucket(int(self._places.max()) + 1)
        fed = np.minimum(self._steps - self._entered, self._limits)
        columns = bucket(int((self._cached + fed).max()) + 1, MIN_COLUMNS)
        self.buffers.reserve(rows, columns, 1)
        self.buffers.step(rows, columns, self.sampler, self.endings, self.window)()
        self._steps += 1

    def prefixes(self, places: NDArray[np.int64], lengths: Tensor) -> Prefix:
        """KV cache of the first `lengths` tokens of some rows, for later rows."""
        columns = int(lengths.max())
        at = self._on_device(self._places[places])
        # A prefix ends at its last column, a row here begins at its first.
        where = (torch.arange(columns) - columns + lengths[:, None]).clamp(min=0).to(at.device)

        def pick(buffer: Tensor) -> Tensor:
            index = where[:, None, :, None].expand(-1, buffer.shape[1], -1, buffer.shape[3])
            return buffer[:, :, :columns].index_select(0, at).gather(2, index)

        keys, values = zip(*self.buffers.layers)
        return Prefix([pick(each) for each in keys], [pick(each) for each in values], lengths)

    def drop(self, leaving: NDArray[np.int64]) -> None:
        """Remove rows. leaving: their places in `index`."""
        self.buffers.state.release(self._on_device(self._places[leaving]))
        keep = np.ones(len(self), dtype=bool)
        keep[leaving] = False
        self.index = [row for row, stays in zip(self.index, keep) if stays]
        self.shared = [shared for shared, stays in zip(self.shared, keep) if stays]
        for name in ("_places", "_entered", "_limits", "_cached"):
            setattr(self, name, getattr(self, name)[keep])

    def _compact(self) -> None:
        """Move rows to the lowest places."""
        rows = bucket(len(self))
        outside = self._places >= rows
        free = np.setdiff1d(np.arange(rows), self._places)[: int(outside.sum())]
        source, target = self._on_device(self._places[outside]), self._on_device(free)
        for buffers in self.buffers.layers:
            for buffer in buffers:
                buffer.index_copy_(0, target, buffer.index_select(0, source))
        self.buffers.state.put(target, self.buffers.state.take(source))
        self.buffers.state.release(source)
        self._places[outside] = free

    def _on_device(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.buffers.device)
