"""A row: what it starts from, what the decode step knows of it, and what it became."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from ..token_stats import LEAST_LOGPROB, TOP, TokenStats
from .sampler import Sampler

STATS = 3  # of a token, beside its log-probability


@dataclass(frozen=True)
class Row:
    """A sequence to be generated.

    Attributes
    ----------
    context : tuple of int
        The token ids that it starts from.
    key : str
        Names its random stream.
    used : int
        How many numbers of the stream were used before. They count towards the row's token limit.
    floor : float
        The row is stopped once the mean confidence of its last tokens falls below this, if a window is watched.
    """

    context: tuple[int, ...]
    key: str = ""
    used: int = 0
    floor: float = -math.inf


@dataclass(frozen=True)
class Written:
    """What was generated after a row's context.

    Attributes
    ----------
    tokens : tuple of int
        The new tokens, end-of-text token included.
    finished : bool
        True if an end-of-text token ended the row, False if a stop string or the token limit did.
    logprob : float
        Sum over the new tokens, in nats, at temperature 1.
    shared : int
        Tokens of the context that were computed before, or for another row.
    stats : TokenStats or None
        Of the new tokens; None unless they were asked for.
    """

    tokens: tuple[int, ...]
    finished: bool
    logprob: float
    shared: int
    stats: TokenStats | None = None


@dataclass(frozen=True, eq=False)  # equal if identical: the engine makes one for each stop string
class Endings:
    """Which tokens end a row: tables of (vocabulary,) booleans on the device.

    Attributes
    ----------
    end : Tensor
        End-of-text tokens.
    stop : Tensor
        Tokens that contain the stop string.
    suspect : Tensor or None
        Tokens that may complete a stop string that the token before began; None if there are none.
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
    """What the decode step knows of the rows of a batch: tensors of (rows, ...) on the device.

    Attributes
    ----------
    uniform : Tensor
        (rows, new tokens), each row's random stream.
    tokens, logprobs : Tensor
        (rows, new tokens + 1). The last column takes what rows that are done still draw.
    count : Tensor
        Tokens generated.
    position : Tensor
        Tokens of the row that are in the cache.
    limit : Tensor
        Tokens that may be generated.
    newest : Tensor
        The token drawn last; it is not in the cache yet.
    ended, stopped : Tensor
        True once the row has an end-of-text token; once it has the stop string or its last token.
    suspect : Tensor
        True if the row has a token that may complete a stop string begun in the token before.
    floor : Tensor
        The confidence below which the row is stopped, if a window is watched.
    stats : Tensor
        (rows, new tokens + 1, STATS): see `distribution_stats`. Without a last dimension, 0, unless they are asked for.
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
        """Rows that are done: nothing happens to them until they are given something to do."""

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

    def leave(self, rows: Tensor | None = None) -> None:
        """These rows, or all, are nobody's: they are done, at the first column, which every step has."""
        for values, value in ((self.stopped, True), (self.position, 0)):
            if rows is None:
                values.fill_(value)
            else:
                values.index_fill_(0, rows, value)

    def copy(self, other: "RowState") -> None:
        """Overwrite this state with one of as many rows and at most as many new tokens."""
        for field in fields(self):
            old = getattr(other, field.name)
            if old.ndim < 3 or old.shape[2]:  # statistics that nobody has asked for so far
                getattr(self, field.name)[(slice(None), slice(old.shape[1])) if old.ndim > 1 else ...] = old

    def cut(self, row: int, count: int) -> None:
        """End a row after the first `count` of its tokens."""
        self.count[row], self.stopped[row] = count, True

    @staticmethod
    def join(parts: Sequence["RowState"]) -> "RowState":
        return RowState(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(RowState)))

    def draw(self, logits: Tensor, sampler: Sampler, endings: Endings, window: int | None = None) -> Tensor:
        """Draw the next token of every row, in place. Rows that are done draw too, to no effect.

        Nothing in here reads a value on the host, so that a CUDA graph can hold it.

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
            (rows,) of booleans: the rows that were not done before.
        """
        going, place = ~self.done, self.count[:, None]
        uniform = self.uniform.gather(1, place.clamp(max=self.uniform.shape[1] - 1)).squeeze(1)
        token = sampler.draw(logits, uniform)
        logprob = logits.gather(1, token[:, None]).squeeze(1) - logits.logsumexp(-1)
        self.tokens.scatter_(1, place, token[:, None])
        self.logprobs.scatter_(1, place, logprob[:, None])
        if window is not None:
            stats = distribution_stats(logits)
            self.stats.scatter_(1, place[:, :, None].expand(-1, -1, STATS), stats[:, None])
        self.count += going
        self.ended |= going & endings.end[token]
        # A NaN ends the row. The host finds it when the row leaves: looking for it here would make the host wait.
        self.stopped |= going & ((self.count == self.limit) | endings.stop[token] | logprob.isnan())
        if endings.suspect is not None:
            self.suspect |= going & endings.suspect[token]
        if window:
            last = self.count[:, None] + torch.arange(-window, 0, device=logits.device)
            group = self.stats[:, :, -1].gather(1, last.clamp(min=0)).mean(-1)
            self.stopped |= going & (self.count >= window) & (group < self.floor)
        self.newest.copy_(torch.where(going, token, self.newest))
        return going


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
