"""The network of the shipped verifiers: a language model that reads a solution, and blocks that judge what it read.

The first layers are a small language model: they predict every token. How far each token is from the prediction goes
into the layers after them, which judge the solution at every token. A judge of this size is slow to learn by itself
to compare the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, LlamaConfig, LlamaModel, LlamaPreTrainedModel, PreTrainedModel
from transformers.masking_utils import create_causal_mask

from . import flops
from .bar import bar
from .engine import Prefix

SURPRISES = 4  # numbers that say how far a token is from the prediction
FLOOR = -8.0  # log-probabilities below it count as it


@dataclass
class Reading:
    """What a reward model makes of some rows of tokens.

    right: the logit of "right so far" at each token, (rows, length); predicted: the logits of the token after it,
    (rows, length, vocabulary); surprises: as they went into the judging layers, (rows, length, 4); prefix: the keys and
    values of the rows up to here, if they were to be kept.
    """

    right: Tensor
    predicted: Tensor
    surprises: Tensor
    prefix: Prefix | None = None


class RewardModel(LlamaPreTrainedModel):
    """Scores every token of a solution. Loads and saves as all models of transformers do.

    config: a LlamaConfig with three more fields: reading_layers, how many of the layers predict; prompt_end,
    attempt_end: the tokens that end a problem and an earlier attempt. A solution begins after the last attempt (if it
    has any) and the first prompt_end from there.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = LlamaModel(config)
        self.surprise = nn.Linear(SURPRISES, config.hidden_size, bias=False)
        self.score = nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    @classmethod
    def grown(cls, policy: PreTrainedModel, judging_layers: int, **fields: Any) -> "RewardModel":
        """A reward model whose reading layers are a Llama policy's; the judging layers change nothing at first."""
        own = {**policy.config.to_dict(), **fields, "reading_layers": policy.config.num_hidden_layers}
        model = cls(LlamaConfig(**{**own, "num_hidden_layers": own["reading_layers"] + judging_layers}))
        continue_from(model.model, policy.model)
        return model

    @property
    def step_end(self) -> int:
        """The token that ends a step, as it ends a problem."""
        return self.config.prompt_end

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int:
        """FLOPs of one pass over new tokens, after those read before."""
        return reward_flops(self.config, new_tokens, cached_tokens)

    def forward(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """Read token ids padded on the right, (rows, length).

        before: the reading of what stands before them, of one length, the whole problem at least; of its tensors only
        the last place is looked at. keep: keep what it takes to read on from here.
        """
        trunk, split = self.model, self.config.reading_layers
        hidden = trunk.embed_tokens(input_ids)
        cache = before.prefix.cache() if before and before.prefix else DynamicCache() if keep else None
        start = cache.get_seq_length() if cache else 0
        positions = torch.arange(start, start + input_ids.shape[1], device=input_ids.device)[None]
        rotary = trunk.rotary_emb(hidden, positions)
        mask = create_causal_mask(self.config, hidden, attention_mask=None, past_key_values=cache)
        for layer in trunk.layers[:split]:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, past_key_values=cache)
        predicted = functional.linear(trunk.norm(hidden), trunk.embed_tokens.weight)
        surprises = self.surprises(input_ids, predicted, before)
        hidden = hidden + self.surprise(surprises)
        for layer in trunk.layers[split:]:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, past_key_values=cache)
        prefix = None
        if cache and keep:
            lengths = torch.full((len(input_ids),), cache.get_seq_length())
            prefix = Prefix([layer.keys for layer in cache.layers], [layer.values for layer in cache.layers], lengths)
        return Reading(self.score(trunk.norm(hidden)).squeeze(-1), predicted, surprises, prefix)

    @torch.no_grad()
    def surprises(self, input_ids: Tensor, predicted: Tensor, before: Reading | None = None) -> Tensor:
        """For each token of the solution its log-probability, its distance to the likeliest token's, the least such
        distance so far and the sum of log-probabilities so far, (rows, length, 4); zeros for what stands before it.
        """
        if before:
            first, carried = before.predicted[:, -1:], before.surprises[:, -1, 2:]
            written = torch.ones_like(input_ids)
        else:
            first, carried = torch.zeros_like(predicted[:, :1]), predicted.new_zeros(len(input_ids), 2)
            attempts = (input_ids == self.config.attempt_end).long()
            newest = attempts.flip(1).cumsum(1).flip(1) == 0  # no attempt ends here or later: problem and solution
            ends = ((input_ids == self.config.prompt_end) & newest).long()
            written = (ends.cumsum(1) > ends).long()  # after the end of the prompt
        expected = torch.cat([first, predicted[:, :-1]], 1).log_softmax(-1)
        logprob = expected.gather(2, input_ids[:, :, None]).squeeze(2)
        distance = (logprob - expected.amax(-1)).clamp(min=FLOOR) * written
        logprob = logprob.clamp(min=FLOOR) * written
        lowest = torch.minimum(distance.cummin(1).values, carried[:, :1])
        return torch.stack([logprob, distance, lowest, logprob.cumsum(1) / 4 + carried[:, 1:]], -1)


def continue_from(trunk: LlamaModel, shallower: LlamaModel) -> None:
    """Give a model the weights of one with fewer layers; the layers on top pass on what they get, to begin with."""
    trunk.load_state_dict(shallower.state_dict(), strict=False)
    for layer in trunk.layers[len(shallower.layers) :]:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)


def reward_flops(config: LlamaConfig, new_tokens: int, cached_tokens: int = 0, batch: int = 1) -> int:
    """FLOPs of one pass of a RewardModel over new tokens, after those read before; its two heads look at every one."""
    heads = 2 * config.hidden_size * (1 + SURPRISES)
    return flops.forward_flops(config, new_tokens, cached_tokens, batch) + batch * new_tokens * heads


@dataclass(frozen=True)
class _Known:
    """A row that was read: "right so far" at each of its tokens, and where its last token is in a reading."""

    right: NDArray[np.float32]
    reading: Reading | None = None
    row: int = 0
    column: int = 0


_Rows = dict[tuple[int, ...], _Known]


class ReadingModel(Protocol):
    """What a Reader can read with: a RewardModel, or another network that can go on from a reading of its own."""

    @property
    def device(self) -> torch.device: ...

    @property
    def step_end(self) -> int:
        """A token after which reading may go on in another call."""

    def eval(self) -> Self: ...

    def __call__(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """As RewardModel.forward."""

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int: ...


ROWS_AT_ONCE = 1024  # rows that go through a reward model together
KEPT_TOKENS = 1 << 18  # in what is kept for the next call: what stands before the solutions, then rows


class Reader:
    """Reads rows of tokens with a reward model, and on one bill no prefix twice.

    rows_at_once: rows that go through it together; kept_tokens: in what is kept for the next call.


    Within a call, what stands before the solutions is read once for all that share it. While a bill is open (every
    strategy opens one), what a call has read is kept for the next one on that bill, and goes when the bill goes.
    """

    def __init__(self, model: ReadingModel, *, rows_at_once: int | None = None, kept_tokens: int | None = None) -> None:
        self.model = model.eval()
        self._rows_at_once, self._kept_tokens = rows_at_once, kept_tokens
        self._kept: WeakKeyDictionary[flops.Ledger, _Rows] = WeakKeyDictionary()

    def read(
        self, contexts: Sequence[tuple[int, ...]], written: Sequence[tuple[int, ...]]
    ) -> tuple[list[NDArray[np.float32]], list[list[tuple[int, int]]]]:
        """The probability of "right so far" at each token that was written, and the passes that each row needed.

        contexts: the tokens before each solution; written: its own. A pass is its new tokens and those known before.
        What several rows share is a pass of the first of them.
        """
        bill = flops.open_bill()
        known = self._kept.get(bill, {}) if bill else {}
        rows = [context + tokens for context, tokens in zip(contexts, written, strict=True)]
        begun = _longest_known(rows, known)
        first = {context: len(context) for context, row in zip(contexts, rows) if not begun[row]}
        known = {**known, **self._extend(dict.fromkeys(first, 0), {}, keep=sum(first.values()))}
        begun = _longest_known(rows, known)
        shared = {context: known[context] for context in contexts if context in known}
        room = (self._kept_tokens or KEPT_TOKENS) - sum(map(len, shared))
        found = self._extend(begun, known, keep=room if bill else 0)
        if bill:
            self._kept[bill] = (shared if room >= 0 else {}) | self._steps_of(found)
        passes: list[list[tuple[int, int]]] = []
        for context, row in zip(contexts, rows):
            reads = (first.pop(context, 0), 0), (len(row) - begun[row], begun[row])
            begun[row] = len(row)
            passes.append([(new, cached) for new, cached in reads if new])
        return [found[row].right[len(context) :] for context, row in zip(contexts, rows)], passes

    @torch.inference_mode()
    def _extend(self, begun: dict[tuple[int, ...], int], known: _Rows, keep: int) -> _Rows:
        """Read rows from where they are known, those of one shape together; keep: tokens of them that may stay."""
        found: _Rows = {}

        def shape(row: tuple[int, ...]) -> tuple[int, int]:
            return begun[row], len(row)

        shown = bar(len(begun), "solutions read")
        for (start, end), group in groupby(sorted(begun, key=shape), shape):
            alike = list(group)
            if start == end:
                found.update((row, known[row]) for row in alike)
                continue
            at_once = self._rows_at_once or ROWS_AT_ONCE
            for first in range(0, len(alike), at_once):
                chunk = alike[first : first + at_once]
                places = [known[row[:start]] for row in chunk] if start else []
                ids = torch.tensor([row[start:] for row in chunk], device=self.model.device)
                kept = (keep := keep - end * len(chunk)) >= 0
                reading = self.model(ids, _gather(places, start) if start else None, keep=kept)
                right = reading.right.float().sigmoid().cpu().numpy()
                for i, row in enumerate(chunk):
                    so_far = np.concatenate([places[i].right, right[i]]) if start else right[i]
                    found[row] = _Known(so_far, reading if kept else None, i, end - start - 1)
                shown.update(len(chunk))
        shown.close()
        return found

    def _steps_of(self, found: _Rows) -> _Rows:
        """What can be read on from: the rows, each at the ends of the steps that its reading has."""
        step_end, kept = self.model.step_end, {}
        for row, place in found.items():
            for back in range(place.column + 1) if place.reading else ():
                if row[-1 - back] == step_end:
                    length = len(row) - back
                    kept[row[:length]] = _Known(place.right[:length], place.reading, place.row, place.column - back)
        return kept


def _longest_known(rows: Sequence[tuple[int, ...]], known: _Rows) -> dict[tuple[int, ...], int]:
    """For each row, the tokens at its start that are known already."""
    lengths = sorted({len(row) for row in known}, reverse=True)
    return {
        row: next((length for length in lengths if length <= len(row) and row[:length] in known), 0) for row in rows
    }


def _gather(places: list[_Known], length: int) -> Reading:
    """The state of rows at `length` tokens, as a reading of one place: the last."""
    state = [(place.reading, place.row, place.column) for place in places if place.reading]
    right, predicted, surprises = (
        torch.stack([getattr(reading, name)[row, column] for reading, row, column in state])[:, None]
        for name in ("right", "predicted", "surprises")
    )
    prefix = Prefix.gather([(reading.prefix, row) for reading, row, _ in state if reading.prefix], length)
    return Reading(right, predicted, surprises, prefix)
