"""A row: its context, its state during decoding, and its result."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from ..token_stats import LEAST_LOGPROB, TOP, TokenStats
from .sampler import Sampler

STATS = 3  # statistics of a token beside its log-probability


@dataclass(frozen=True)
class Row:
    """A sequence to be generated.

    Attributes
    ----------
    context : tuple of int
        Token ids at the start of the row.
    key : str
        Name of the row's random stream.
    used : int
        Numbers of the stream that earlier calls used. They count towards the row's token limit.
    floor : float
        With a window, the row is stopped once the mean confidence of its last tokens falls below this.
    """

    context: tuple[int, ...]
    key: str = ""
    used: int = 0
    floor: float = -math.inf


@dataclass(frozen=True)
class GeneratedTokens:
    """The tokens generated after a row's context.

    Attributes
    ----------
    tokens : tuple of int
        The new tokens, end-of-text token included.
    finished : bool
        True if an end-of-text token ended the row, False if a stop string or the token limit did.
    logprob : float
        Sum over the new tokens, in nats, at temperature 1.
    shared : int
        Tokens of the context whose KV cache an earlier call or another row had computed.
    stats : TokenStats or None
        Statistics of the new tokens; None unless requested.
    """

    tokens: tuple[int, ...]
    finished: bool
    logprob: float
    shared: int
    stats: TokenStats | None = None


@dataclass(frozen=True, eq=False)  # compared by identity: the engine makes one object for each stop string
class Endings:
    """The tokens that end a row, as boolean tables of (vocabulary,) on the device.

    Attributes
    ----------
    end : Tensor
        End-of-text tokens.
    stop : Tensor
        Tokens that contain the stop string.
    suspect : Tensor or None
        Tokens that may complete a stop string begun by the previous token; None if there are none.
    """

    end: Tensor
    stop: Tensor
    suspect: Tensor | None

    @classmethod
    def of(
        cls, end: Sequence[int], stop: Sequence[int], suspect: Sequence[int], size: int, device: torch.device
    ) -> Self:
        def table(ids: Sequence[int]) -> Tensor:
            flags = torch.zeros(size, dtype=torch.bool)
            flags[[i for i in ids if i < size]] = True
            return flags.to(device)

        return cls(table(end), table(stop), table(suspect) if suspect else None)


@dataclass
class RowState:
    """State of the rows of a batch during decoding, as tensors of (rows, ...) on the device.

    Attributes
    ----------
    uniform : Tensor
        (rows, new tokens), each row's random stream.
    tokens, logprobs : Tensor
        (rows, new tokens + 1). The last column absorbs the draws of finished rows.
    count : Tensor
        Tokens generated.
    position : Tensor
        Tokens of the row in the cache.
    limit : Tensor
        Most tokens to generate.
    newest : Tensor
        The token drawn last; it is not in the cache yet.
    ended, stopped : Tensor
        True once an end-of-text token ended the row; True once the stop string or the token limit did.
    suspect : Tensor
        True if a token of the row may complete a stop string begun by the previous token.
    floor : Tensor
        With a window, the confidence below which the row is stopped.
    stats : Tensor
        (rows, new tokens + 1, STATS), see `distribution_stats`; the last dimension is 0 unless they are requested.
    """

    uniform: Tensor
    tokens: Tensor
    logprobs: Tensor
    count: Tensor
    position: Tensor
    limit: Tensor
    newest: Tensor
    ended: Tensor
    stopped: Tensor
    suspect: Tensor
    floor: Tensor
    stats: Tensor

    @classmethod
    def new(cls, rows: int, new_tokens: int, device: torch.device, *, stats: bool = False) -> Self:
        """Finished rows: decode steps leave them unchanged until their state is set."""

        def zeros(*shape: int, dtype: torch.dtype = torch.long) -> Tensor:
            return torch.zeros(rows, *shape, dtype=dtype, device=device)

        return cls(
            uniform=zeros(new_tokens, dtype=torch.float32),
            tokens=zeros(new_tokens + 1),
            logprobs=zeros(new_tokens + 1, dtype=torch.float32),
            count=zeros(),
            position=zeros(),
            limit=zeros(),
            newest=zeros(),
            ended=zeros(dtype=torch.bool),
            stopped=~zeros(dtype=torch.bool),
            suspect=zeros(dtype=torch.bool),
            floor=zeros(dtype=torch.float32),
            stats=zeros(new_tokens + 1, STATS if stats else 0, dtype=torch.float32),
        )

    @property
    def done(self) -> Tensor:
        return self.ended | self.stopped

    def first(self, rows: int) -> "RowState":
        """The first rows, sharing this state's memory."""
        return RowState(*(getattr(self, field.name)[:rows] for field in fields(self)))

    def take(self, rows: Tensor) -> "RowState":
        """A copy of these rows."""
        return RowState(*(getattr(self, field.name)[rows] for field in fields(self)))

    def cpu(self) -> "RowState":
        """A copy on the CPU."""
        return RowState(*(getattr(self, field.name).cpu() for field in fields(self)))

    def put(self, rows: Tensor, other: "RowState") -> None:
        """Overwrite these rows with those of another state."""
        for field in fields(self):
            getattr(self, field.name).index_copy_(0, rows, getattr(other, field.name))

    def release(self, rows: Tensor | None = None) -> None:
        """Mark these rows, or all, as free: finished, and at the first column, which every step includes."""
        for values, value in ((self.stopped, True), (self.position, 0)):
            if rows is None:
                values.fill_(value)
            else:
                values.index_fill_(0, rows, value)

    def copy(self, other: "RowState") -> None:
        """Overwrite this state with one of as many rows and at most as many new tokens."""
        for field in fields(self):
            old = getattr(other, field.name)
            if old.ndim < 3 or old.shape[2]:  # skips statistics that were not requested so far
                getattr(self, field.name)[(slice(None), slice(old.shape[1])) if old.ndim > 1 else ...] = old

    def cut(self, row: int, count: int) -> None:
        """End a row after the first `count` of its tokens."""
        self.count[row], self.stopped[row] = count, True

    @staticmethod
    def join(parts: Sequence["RowState"]) -> "RowState":
        return RowState(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(RowState)))

    def draw(self, logits: Tensor, sampler: Sampler, endings: Endings, window: int | None = None) -> Tensor:
        """Draw the next token of every row, in place. Finished rows draw too, without effect.

        No value is read on the host, so that a CUDA graph can capture the step.

        Parameters
        ----------
        logits : Tensor
            (rows, vocabulary), float32.
        sampler : Sampler
        endings : Endings
        window : int or None
            As for `Engine.write`.

        Returns
        -------
        Tensor
            (rows,) of booleans: the rows that were unfinished before the draw.
        """
        active, place = ~self.done, self.count[:, None]
        uniform = self.uniform.gather(1, place.clamp(max=self.uniform.shape[1] - 1)).squeeze(1)
        token = sampler.draw(logits, uniform)
        logprob = logits.gather(1, token[:, None]).squeeze(1) - logits.logsumexp(-1)
        self.tokens.scatter_(1, place, token[:, None])
        self.logprobs.scatter_(1, place, logprob[:, None])
        if window is not None:
            stats = distribution_stats(logits)
            self.stats.scatter_(1, place[:, :, None].expand(-1, -1, STATS), stats[:, None])
        self.count += active
        self.ended |= active & endings.end[token]
        # A NaN ends the row. The host reports it when the row leaves: checking here would synchronise with the device.
        self.stopped |= active & ((self.count == self.limit) | endings.stop[token] | logprob.isnan())
        if endings.suspect is not None:
            self.suspect |= active & endings.suspect[token]
        if window:
            last = self.count[:, None] + torch.arange(-window, 0, device=logits.device)
            group = self.stats[:, :, -1].gather(1, last.clamp(min=0)).mean(-1)
            self.stopped |= active & (self.count >= window) & (group < self.floor)
        self.newest.copy_(torch.where(active, token, self.newest))
        return active


def distribution_stats(logits: Tensor) -> Tensor:
    """Entropy, self-certainty and confidence of next-token distributions, as `TokenStats` defines them.

    Parameters
    ----------
    logits : Tensor
        (..., vocabulary), float32.

    Returns
    -------
    Tensor
        (..., STATS).
    """
    logprobs, vocabulary = logits.log_softmax(-1).clamp(min=LEAST_LOGPROB), logits.shape[-1]
    entropy = -(logprobs.exp() * logprobs).sum(-1)
    self_certainty = -logprobs.mean(-1) - math.log(vocabulary)
    confidence = -logprobs.topk(min(TOP, vocabulary)).values.mean(-1)
    return torch.stack([entropy, self_certainty, confidence], -1)
