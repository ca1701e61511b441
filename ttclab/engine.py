"""Batched generation with a shared KV cache, for any causal language model of Hugging Face's.

The unit of work is a *row*: one sequence being written. Live rows form one batch. All rows end at the same column
of the cache (they are padded on the left), so one forward pass adds one token to each. Three things make it fast
without a server:

- a context is computed once, and every row that starts from it copies its keys and values;
- finished rows leave the batch and waiting rows take their place;
- rows of like length run together, so that there is next to no padding.

Each row draws from a random stream of its own, keyed by what it is and not by where it runs: the same seed gives the
same tokens whatever the batch. (Up to rounding: matrix products of different shapes can differ in the last bit, and
now and then a draw falls in that gap.)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import Cache, DynamicLayer

from .bar import bar

GROWTH = 64  # columns added when the cache is full
PREFILL_TOKENS = 16_384  # of contexts that go through the model together


@dataclass(frozen=True)
class Row:
    """A sequence to be written: the token ids it starts from, its random stream, and how much of that is used up."""

    context: tuple[int, ...]
    key: str = ""
    used: int = 0


@dataclass(frozen=True)
class Written:
    """What was written after a row's context, end-of-text token included.

    finished: ended by an end-of-text token (False: cut at a stop string or at the token limit); logprob: sum over the
    tokens, in nats, at temperature 1; shared: tokens of the context that were computed before or for another row.
    """

    tokens: tuple[int, ...]
    finished: bool
    logprob: float
    shared: int


@dataclass(frozen=True)
class Sampler:
    """How the next token is drawn. temperature 0 is greedy; top_k 0 and top_p 1 keep the whole distribution."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature >= 0 or self.temperature == float("inf"):
            raise ValueError(f"temperature must be a number >= 0, not {self.temperature}")
        if self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"top_k must be >= 0 and top_p in (0, 1], not {self.top_k} and {self.top_p}")

    def draw(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """The next token of each row, by inverting the cumulative distribution. logits: (rows, vocabulary)."""
        if self.temperature == 0:
            return logits.argmax(-1)
        logits = logits / self.temperature
        if self.top_k and self.top_k < logits.shape[-1]:
            kept = logits.topk(self.top_k).values[:, -1:]
            logits = logits.masked_fill(logits < kept, float("-inf"))
        probabilities = logits.softmax(-1)
        if self.top_p < 1:
            ordered = probabilities.sort(descending=True).values
            before = ordered.cumsum(-1) - ordered  # mass of the tokens likelier than this one
            kept = ordered.masked_fill(before >= self.top_p, 2.0).min(-1, keepdim=True).values
            probabilities = probabilities.masked_fill(probabilities < kept, 0.0)
        cumulative = probabilities.cumsum(-1)
        # Kept below the total, so that rounding can't pick a token of probability zero past the last real one.
        target = uniform.clamp(max=1 - 1e-6)[:, None] * cumulative[:, -1:]
        return torch.searchsorted(cumulative, target, right=True).squeeze(-1)


class _Layer(DynamicLayer):
    """Keys and values of one layer, (rows, heads, columns, size), written in place into a buffer with room to grow.

    All columns are kept, and those that a sliding window hides from every new token are not shown to the model.
    """

    window = 0  # tokens that a token sees, itself among them; 0: all

    @property
    def is_sliding(self) -> bool:
        return self.window > 0

    @property
    def hidden(self) -> int:
        """Columns, from the first, that new tokens don't see."""
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
        for name, states, old in (
            ("key_buffer", key_states, self.keys),
            ("value_buffer", value_states, self.values),
        ):
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
        rows_there = rows.to(self.keys[0].device)
        if bool((surplus == surplus[0]).all()):
            end = self.keys[0].shape[-2] - int(surplus[0])

            def pick(states: Tensor) -> Tensor:
                return states[:, :, end - columns : end].index_select(0, rows_there)
        else:
            end_of_row = self.keys[0].shape[-2] - surplus
            where = (end_of_row[:, None] - columns + torch.arange(columns)).clamp(min=0).to(rows_there.device)

            def pick(states: Tensor) -> Tensor:
                index = where[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
                return states.index_select(0, rows_there).gather(2, index)

        return Prefix([pick(k) for k in self.keys], [pick(v) for v in self.values], lengths)

    @staticmethod
    def join(parts: Sequence["Prefix"]) -> "Prefix":
        """Several sets of rows as one."""
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
        """The same as a cache that a model can go on from."""
        layers = []
        for keys, values in zip(self.keys, self.values, strict=True):
            layer = _Layer()
            layer.keys, layer.values = layer.key_buffer, layer.value_buffer = keys, values
            layer.is_initialized, layer.dtype, layer.device = True, keys.dtype, keys.device
            layers.append(layer)
        return Cache(layers=layers)


def windows_of(config: PreTrainedConfig) -> tuple[list[str], list[int]]:
    """The kind of attention of each layer, and the tokens that it sees, itself among them (0: all)."""
    window = getattr(config, "sliding_window", None) or 0
    every = "sliding_attention" if window else "full_attention"
    kinds = getattr(config, "layer_types", None) or [every] * config.num_hidden_layers
    return kinds, [window if kind == "sliding_attention" else 0 for kind in kinds]


class Engine:
    """Writes rows with one model. batch_size: the most rows alive at once."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, batch_size: int = 512) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self.device = model.device
        self.end_ids = _end_ids(model, tokenizer)
        # Looking at which rows are done makes the host wait for the device: on a GPU only now and then.
        self.check_every = 1 if self.device.type == "cpu" else 8
        config = model.config.get_text_config()
        kinds, self._windows = windows_of(config)
        self._window_of = dict(zip(kinds, self._windows, strict=True))
        # With masks of our own the host need not look at the padding, as transformers does to see if there is any.
        self._own_masks = config._attn_implementation == "sdpa" and {*kinds} <= {"full_attention", "sliding_attention"}
        self._prefixes: dict[tuple[int, ...], tuple[Prefix, int]] = {}
        self._stop_ids: dict[str, tuple[list[int], list[int]]] = {}

    def stop_ids(self, stop: str) -> tuple[list[int], list[int]]:
        """Tokens that contain the stop string, and tokens that may complete one begun in the token before."""
        if stop not in self._stop_ids:
            ids = range(self.model.config.get_text_config().vocab_size)
            texts = self.tokenizer.batch_decode([[i] for i in ids])
            ends = tuple(stop[i:] for i in range(1, len(stop)))
            holds = [i for i, text in zip(ids, texts, strict=True) if stop in text]
            may_end = [i for i, text in zip(ids, texts, strict=True) if text.startswith(ends) and stop not in text]
            self._stop_ids[stop] = holds, may_end
        return self._stop_ids[stop]

    def write(
        self, rows: Sequence[Row], sampler: Sampler, *, max_new_tokens: int, stop: str | None = None
    ) -> list[Written]:
        """Write every row to its end-of-text token, to the end of the first `stop` string, or to max_new_tokens.

        What a row has `used` counts towards its max_new_tokens.

        With `stop`, keys and values of the rows that it cut stay until the next such call but one, so that going on
        from them computes nothing twice. Raises ValueError for max_new_tokens < 1 or an empty context.
        """
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}")
        if any(not row.context or row.used >= max_new_tokens for row in rows):
            raise ValueError("a row needs at least one token to start from, and room for at least one more")
        job = _Job(self, rows, sampler, max_new_tokens, stop)
        batch_size = self.batch_size
        while True:
            try:
                job.run(batch_size)
                break
            except Exception as error:
                if batch_size == 1 or not should_reduce_batch_size(error):
                    raise
            batch_size //= 2  # out of memory: what is written stays, the rest starts again
            clear_device_cache(garbage_collection=True)
        if stop:
            self._prefixes = job.kept
        return [written for written in job.written if written is not None]

    def forward(self, ids: Tensor, cache: Cache, positions: Tensor, padding: Tensor | None) -> Tensor:
        """Logits after the last of the new tokens, (rows, vocabulary), in float32.

        ids, positions: (rows, new tokens); padding: (rows,) columns of the cache that are not the row's, or None.
        """
        for layer, window in zip(cache.layers, self._windows, strict=False):  # a new cache has no layers yet
            layer.window = window
        mask: Any = None
        if padding is not None:
            columns = cache.get_seq_length() + ids.shape[1]
            mask = torch.arange(columns, device=self.device) >= padding[:, None]
            if self._own_masks:
                masks = {kind: mask[:, None, None, -window:] for kind, window in self._window_of.items()}
                mask = masks if len(masks) > 1 else masks.popitem()[1]
            else:
                mask = mask.long()
        output = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        return output.logits[:, -1].float()


@dataclass
class _Live:
    """The rows being written; tensors of (rows, ...) on the device, but for `index` and `lengths`."""

    index: Tensor  # which row of the job
    cache: Cache
    lengths: Tensor  # tokens of the row in the cache
    shared: Tensor
    logits: Tensor
    uniform: Tensor  # (rows, max_new_tokens), the row's random stream
    tokens: Tensor  # (rows, max_new_tokens + 1): the last column takes what done rows still draw
    logprobs: Tensor  # likewise
    count: Tensor  # tokens written
    position: Tensor  # `lengths` on the device
    ended: Tensor  # wrote an end-of-text token
    stopped: Tensor  # wrote the stop string or the last token allowed
    suspect: Tensor  # wrote a token that may complete a stop string begun in the token before
    newest: Tensor  # the token drawn last
    limit: Tensor  # tokens that may be written

    def __post_init__(self) -> None:
        self.even = bool((self.lengths == self.lengths[0]).all())  # rows of one length need no padding

    @property
    def done(self) -> Tensor:
        return self.ended | self.stopped

    def prefix(self) -> Prefix:
        layers = self.cache.layers
        return Prefix([layer.keys for layer in layers], [layer.values for layer in layers], self.lengths)

    def take(self, keep: Tensor) -> "_Live":
        prefix = self.prefix().take(keep, self.lengths[keep])
        there = keep.to(self.logits.device)
        tensors = {name: getattr(self, name)[there] for name in _DEVICE_FIELDS}
        return _Live(self.index[keep], prefix.cache(), prefix.lengths, self.shared[keep], **tensors)

    @staticmethod
    def join(parts: Sequence["_Live"]) -> "_Live":
        if len(parts) == 1:
            return parts[0]
        prefix = Prefix.join([part.prefix() for part in parts])
        tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in _DEVICE_FIELDS}
        index, shared = (torch.cat([getattr(part, name) for part in parts]) for name in ("index", "shared"))
        return _Live(index, prefix.cache(), prefix.lengths, shared, **tensors)


_DEVICE_FIELDS = (
    "logits", "uniform", "tokens", "logprobs", "count", "position", "ended", "stopped", "suspect", "newest",
    "limit",
)  # fmt: skip


class _Job:
    """One call of `Engine.write`: rows wait, live, and leave."""

    def __init__(
        self, engine: Engine, rows: Sequence[Row], sampler: Sampler, max_new_tokens: int, stop: str | None
    ) -> None:
        self.engine, self.rows, self.sampler = engine, rows, sampler
        self.max_new_tokens, self.stop = max_new_tokens, stop
        self.written: list[Written | None] = [None] * len(rows)
        self.kept: dict[tuple[int, ...], tuple[Prefix, int]] = {}
        self.carried: dict[tuple[int, ...], tuple[Prefix, Tensor]] = {}  # the last context, if more of its rows wait
        stop_ids, suspect_ids = engine.stop_ids(stop) if stop else ([], [])
        self.end_ids, self.stop_ids, self.suspect_ids = (
            torch.tensor(ids, dtype=torch.long, device=engine.device) for ids in (engine.end_ids, stop_ids, suspect_ids)
        )

    @torch.inference_mode()
    def run(self, batch_size: int) -> None:
        """Write all rows that are not written yet, `batch_size` at most at a time."""
        waiting = [i for i, written in enumerate(self.written) if written is None]
        waiting.sort(key=lambda i: (len(self.rows[i].context), self.rows[i].context))
        waiting.reverse()
        self.carried.clear()
        live: _Live | None = None
        step = 0
        with bar(len(waiting), "solutions") as shown:
            while waiting or live:
                room = batch_size - (len(live.index) if live else 0)
                if waiting and room >= batch_size / 4:
                    admitted = self.admit([waiting.pop() for _ in range(min(room, len(waiting)))])
                    if not waiting or self.rows[waiting[-1]].context not in self.carried:
                        self.carried.clear()
                    live = _Live.join([live, *admitted] if live else admitted)
                assert live is not None
                self.draw(live)
                step += 1
                if step % self.engine.check_every == 0:
                    before, live = len(live.index), self.retire(live)
                    shown.update(before - (len(live.index) if live else 0))
                if live:
                    self.feed(live)

    def admit(self, indices: list[int]) -> list[_Live]:
        """Compute the contexts of these rows, each once, and start the rows from copies of them."""
        by_context = {context: list(group) for context, group in groupby(indices, lambda i: self.rows[i].context)}
        parts = []
        for context, (prefix, logits) in self.carried.items():
            waited = by_context.pop(context)
            parts.append(self.start(prefix, logits, [(0, row) for row in waited], [len(context)] * len(waited)))
        if by_context:
            self.carried.clear()
        found = {context: self.longest_known(context) for context in by_context}

        def shape(context: tuple[int, ...]) -> tuple[int, int]:  # contexts of one shape go through the model together
            return len(context), found[context]

        last = self.rows[indices[-1]].context
        for (length, known), group in groupby(sorted(by_context, key=shape), shape):
            contexts = list(group)
            at_once = max(1, PREFILL_TOKENS // (length - known))
            for start in range(0, len(contexts), at_once):
                chunk = contexts[start : start + at_once]
                prefix, logits = self.compute(chunk, known)
                owners = [(i, row) for i, context in enumerate(chunk) for row in by_context[context]]
                shared = [known if n == 0 else length for context in chunk for n in range(len(by_context[context]))]
                parts.append(self.start(prefix, logits, owners, shared))
                if last in chunk:
                    place = torch.tensor([chunk.index(last)])
                    self.carried[last] = prefix.take(place, torch.tensor([length])), logits[place.to(logits.device)]
        return parts

    def longest_known(self, context: tuple[int, ...]) -> int:
        """Tokens at the start of `context` whose keys and values are there; at least one is left to compute."""
        prefixes = self.engine._prefixes
        for length in sorted({len(key) for key in prefixes}, reverse=True):
            if length < len(context) and context[:length] in prefixes:
                return length
        return 0

    def compute(self, contexts: list[tuple[int, ...]], known: int) -> tuple[Prefix, Tensor]:
        """Keys, values and last logits of contexts of one length, whose first `known` tokens are there already."""
        if known:
            self.kept.update({c[:known]: self.engine._prefixes[c[:known]] for c in contexts})
            cache = Prefix.gather([self.engine._prefixes[c[:known]] for c in contexts], known).cache()
        else:
            cache = Cache(layer_class_to_replicate=_Layer)
        ids = torch.tensor([context[known:] for context in contexts], device=self.engine.device)
        positions = torch.arange(known, known + ids.shape[1], device=self.engine.device).expand(len(contexts), -1)
        logits = self.engine.forward(ids, cache, positions, None)
        lengths = torch.full((len(contexts),), known + ids.shape[1])
        return Prefix([layer.keys for layer in cache.layers], [layer.values for layer in cache.layers], lengths), logits

    def start(self, contexts: Prefix, logits: Tensor, owners: list[tuple[int, int]], shared: list[int]) -> _Live:
        """Rows at their first token. owners: for each, its context's place among `contexts`, and which row it is."""
        device, n = self.engine.device, len(owners)
        which = torch.tensor([i for i, _ in owners])
        prefix = contexts.take(which, contexts.lengths[which])
        uniform = torch.zeros(n, self.max_new_tokens)
        if self.sampler.temperature > 0:
            rows = [self.rows[i] for _, i in owners]
            for place, row in zip(uniform.numpy(), rows, strict=True):
                place[: self.max_new_tokens - row.used] = random_stream(row.key, self.max_new_tokens)[row.used :]
        return _Live(
            index=torch.tensor([row for _, row in owners]),
            cache=prefix.cache(),
            lengths=prefix.lengths,
            shared=torch.tensor(shared),
            logits=logits[which.to(device)],
            uniform=uniform.to(device),
            tokens=torch.zeros(n, self.max_new_tokens + 1, dtype=torch.long, device=device),
            count=torch.zeros(n, dtype=torch.long, device=device),
            logprobs=torch.zeros(n, self.max_new_tokens + 1, device=device),
            position=prefix.lengths.to(device),
            newest=torch.zeros(n, dtype=torch.long, device=device),
            limit=torch.tensor([self.max_new_tokens - self.rows[i].used for _, i in owners], device=device),
            **{name: torch.zeros(n, dtype=torch.bool, device=device) for name in ("ended", "stopped", "suspect")},
        )

    def draw(self, live: _Live) -> None:
        """Draw the next token of every row. Rows that are done draw too, to no effect."""
        place = live.count[:, None]
        uniform = live.uniform.gather(1, place.clamp(max=self.max_new_tokens - 1)).squeeze(1)
        token = self.sampler.draw(live.logits, uniform)
        logprob = live.logits.gather(1, token[:, None]).squeeze(1) - live.logits.logsumexp(-1)
        going = ~live.done
        live.tokens.scatter_(1, place, token[:, None])
        live.logprobs.scatter_(1, place, logprob[:, None])
        live.count += going
        live.ended |= going & torch.isin(token, self.end_ids)
        live.stopped |= going & ((live.count == live.limit) | torch.isin(token, self.stop_ids))
        if len(self.suspect_ids):
            live.suspect |= going & torch.isin(token, self.suspect_ids)
        live.newest = token

    def feed(self, live: _Live) -> None:
        """Run the newest token of every row through the model."""
        padding = None if live.even else live.cache.get_seq_length() - live.position
        live.logits = self.engine.forward(live.newest[:, None], live.cache, live.position[:, None], padding)
        live.lengths = live.lengths + 1
        live.position += 1

    def retire(self, live: _Live) -> _Live | None:
        """Take out the rows that are done, once they are an eighth of the batch: each time copies what stays."""
        self.cut_straddling_stops(live)
        done = live.done.cpu()
        leaving = done.nonzero().squeeze(1)
        if not len(leaving) or (len(leaving) < len(done) / 8 and len(leaving) < len(done)):
            return live
        counts, ended = live.count.cpu(), live.ended.tolist()
        tokens, logprobs = live.tokens.cpu(), live.logprobs.cpu()
        cut: list[int] = []
        for place in leaving.tolist():
            row, count = int(live.index[place]), int(counts[place])
            total = float(logprobs[place, :count].double().sum())
            new = tuple(tokens[place, :count].tolist())
            self.written[row] = Written(new, ended[place], total, int(live.shared[place]))
            if self.stop and not ended[place]:
                cut.append(place)
        if cut:  # the last token of each was drawn and never fed
            places = torch.tensor(cut)
            contexts = [self.rows[int(live.index[place])].context for place in cut]
            lengths = torch.tensor([len(context) for context in contexts]) + counts[places] - 1
            prefix = live.prefix().take(places, lengths)
            for j, (place, context) in enumerate(zip(cut, contexts, strict=True)):
                self.kept[context + tuple(tokens[place, : counts[place] - 1].tolist())] = prefix, j
        staying = (~done).nonzero().squeeze(1)
        return live.take(staying) if len(staying) else None

    def cut_straddling_stops(self, live: _Live) -> None:
        """End the rows whose text completes the stop string over more than one token, at the token that does."""
        if not len(self.suspect_ids) or not self.stop:
            return
        for place in (live.suspect & ~live.ended).nonzero().squeeze(1).tolist():
            tokens = live.tokens[place, : int(live.count[place])].tolist()
            for count in range(1, len(tokens) + 1):
                if self.stop in self.engine.tokenizer.decode(tokens[:count]):
                    live.count[place], live.stopped[place] = count, True
                    break
            live.suspect[place] = False


@lru_cache(maxsize=1 << 16)  # a search asks for the same streams at every step
def random_stream(key: str, length: int) -> np.ndarray:
    """Uniform numbers in [0, 1) that depend on `key` alone: a longer stream begins with the shorter one."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest))).random(length, dtype=np.float32)


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    ids = {tokenizer.eos_token_id}
    generation = getattr(model, "generation_config", None)
    configured = generation.eos_token_id if generation else model.config.eos_token_id
    ids.update(configured if isinstance(configured, list) else [configured])
    return sorted(i for i in ids if i is not None)
