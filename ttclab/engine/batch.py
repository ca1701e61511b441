"""The batch on a CPU, and the reference everywhere: a cache that grows, rows padded on the left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache

from .cache import Prefix
from .rows import Endings, RowState
from .sampler import Sampler

Forward = Callable[[Tensor, Cache, Tensor, Tensor | None], Tensor]


@dataclass
class Start:
    """Rows that are ready to enter a batch, with contexts of one length.

    Attributes
    ----------
    index : list of int
        Indices of the rows in the job.
    shared : list of int
        For each row, the tokens of its context whose KV cache an earlier call or another row had computed.
    limits : list of int
        For each row, the most tokens to generate.
    newest : list of int
        For each row, the last token of its context.
    floors : list of float
        For each row, with a window, the confidence below which the row is stopped.
    uniform : array
        (rows, new tokens), the rows' random streams.
    owner : Tensor
        (rows,), the index of each row's context among the distinct contexts; on the CPU.
    cached : int
        Tokens of each context in the cache.
    prefix : Prefix or None
        KV cache of the distinct contexts; None for `cached` = 0.
    logits : Tensor or None
        (contexts, vocabulary), after the last token of each context; None if that token has not been fed yet.
    """

    index: list[int]
    shared: list[int]
    limits: list[int]
    newest: list[int]
    floors: list[float]
    uniform: NDArray[np.float32]
    owner: Tensor
    cached: int
    prefix: Prefix | None
    logits: Tensor | None


class RunningBatch:
    """Rows that are generated together, with one forward pass for each decode step.

    All rows end at the same column of the cache. Entering rows are padded on the left; when rows leave, the other rows
    are copied.
    """

    # A row enters with its whole context in the cache.
    tokens_left_to_feed = 0
    # Finished rows leave once they are this share of the batch, because the other rows are copied.
    share_to_evict = 1 / 8

    def __init__(self, forward: Forward, sampler: Sampler, endings: Endings, window: int | None = None) -> None:
        self.forward, self.sampler, self.endings, self.window = forward, sampler, endings, window
        self.index: list[int] = []
        self.shared: list[int] = []
        self.prefix: Prefix | None = None
        self._cache: Cache | None = None
        self._fed = True  # whether the logits follow the newest token

    def __len__(self) -> int:
        return len(self.index)

    def add(self, starts: Sequence[Start]) -> None:
        """Add rows."""
        prefixes, logits, states = [], [], []
        if len(self):
            self._feed()
            prefixes, logits, states = [self._keys_and_values()], [self.logits], [self.state]
        for start in starts:
            assert start.prefix and start.logits is not None
            device = start.logits.device
            prefixes.append(start.prefix.take(start.owner, start.prefix.lengths[start.owner]))
            logits.append(start.logits[start.owner.to(device)])
            state = RowState.new(len(start.index), start.uniform.shape[1], device, stats=self.window is not None)
            state.uniform = torch.from_numpy(start.uniform).to(device)
            state.limit, state.newest = torch.tensor([start.limits, start.newest]).to(device)
            if self.window:
                state.floor = torch.tensor(start.floors).to(device)
            state.position.fill_(start.cached)
            state.stopped.fill_(False)
            states.append(state)
            self.index += start.index
            self.shared += start.shared
        self._set(Prefix.join(prefixes), torch.cat(logits), RowState.join(states))

    def step(self) -> None:
        """Feed the newest token of every row to the model, and draw the next."""
        self._feed()
        self.state.draw(self.logits, self.sampler, self.endings, self.window)
        self._fed = False

    def done(self) -> NDArray[np.bool_]:
        """(rows,) of booleans, True for finished rows."""
        return self.state.done.cpu().numpy()

    def states(self, places: NDArray[np.int64]) -> RowState:
        """A copy of the state of some rows, on the CPU."""
        return self.state.take(torch.from_numpy(places).to(self.logits.device)).cpu()

    def cut(self, place: int, count: int) -> None:
        """End a row after the first `count` of its new tokens."""
        self.state.cut(place, count)

    def clear_suspects(self) -> None:
        """Clear the suspect flag of all rows."""
        self.state.suspect.fill_(False)

    def _keys_and_values(self) -> Prefix:
        assert self._cache
        layers = self._cache.layers
        return Prefix([layer.keys for layer in layers], [layer.values for layer in layers], self.lengths)

    def prefixes(self, places: NDArray[np.int64], lengths: Tensor) -> Prefix:
        """KV cache of the first `lengths` tokens of some rows, for later rows."""
        return self._keys_and_values().take(torch.from_numpy(places), lengths)

    def drop(self, leaving: NDArray[np.int64]) -> None:
        """Remove rows. leaving: their places in `index`."""
        staying = torch.from_numpy(np.setdiff1d(np.arange(len(self)), leaving))
        self.index = [self.index[i] for i in staying.tolist()]
        self.shared = [self.shared[i] for i in staying.tolist()]
        if len(self):
            on_device = staying.to(self.logits.device)
            prefix = self._keys_and_values().take(staying, self.lengths[staying])
            self._set(prefix, self.logits[on_device], self.state.take(on_device))
            self._fed = False

    def _set(self, prefix: Prefix, logits: Tensor, state: RowState) -> None:
        self._cache, self.lengths = prefix.cache(), prefix.lengths
        self.logits, self.state, self._fed = logits, state, True
        self._even = bool((self.lengths == self.lengths[0]).all())  # rows of one length need no padding

    def _feed(self) -> None:
        """Feed the newest token of every row to the model, unless it has been fed."""
        if self._fed:
            return
        assert self._cache
        padding = None if self._even else self._cache.get_seq_length() - self.state.position
        self.logits = self.forward(self.state.newest[:, None], self._cache, self.state.position[:, None], padding)
        self.lengths = self.lengths + 1
        self.state.position += 1
        self._fed = True
