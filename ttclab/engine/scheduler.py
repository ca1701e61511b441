"""Scheduler of one call of `Engine.write`: rows wait, enter the batch, and leave it."""

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import Cache

from ..bar import bar
from ..token_stats import TokenStats
from .batch import RunningBatch, Start
from .cache import GrowingLayer, Prefix
from .keeping import PrefixCache, kept_prefixes
from .rows import Endings, GeneratedTokens, Row
from .sampler import Sampler, random_stream
from .static_batch import StaticBatch

PREFILL_TOKENS = 16_384  # in one forward pass
ROOM = 1 / 4  # share of the batch that must be free before waiting rows enter


class Runner(Protocol):
    """The part of an `Engine` that a job uses."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    positions: int
    check_every: int
    prefix_cache: PrefixCache

    def stop_ids(self, stop: str) -> tuple[list[int], list[int]]: ...

    def endings(self, stop: str | None) -> Endings: ...

    def new_batch(
        self, sampler: Sampler, endings: Endings, window: int | None = None
    ) -> RunningBatch | StaticBatch: ...

    def forward(self, ids: Tensor, cache: Cache, positions: Tensor, padding: Tensor | None) -> Tensor: ...


class GenerationJob:
    """The rows of one call and their results."""

    def __init__(
        self,
        engine: Runner,
        rows: Sequence[Row],
        sampler: Sampler,
        max_new_tokens: int,
        stop: str | None,
        window: int | None = None,
    ) -> None:
        self.engine, self.rows, self.sampler = engine, rows, sampler
        self.max_new_tokens, self.stop, self.window = max_new_tokens, stop, window
        self.endings = engine.endings(stop)
        self.written: list[GeneratedTokens | None] = [None] * len(rows)
        self.kept: PrefixCache = {}
        self.open = kept_prefixes()
        self.known = {**engine.prefix_cache, **(self.open.of(engine) if self.open else {})}
        self._known_lengths = sorted({len(key) for key in self.known}, reverse=True)
        self._carried: dict[tuple[int, ...], tuple[Prefix | None, Tensor | None]] = {}

    @torch.inference_mode()
    def run(self, batch_size: int) -> None:
        """Generate all unfinished rows, at most `batch_size` at a time."""
        waiting = [i for i, written in enumerate(self.written) if written is None]
        waiting.sort(key=lambda i: (len(self.rows[i].context), self.rows[i].context), reverse=True)
        self._carried.clear()
        batch, steps = self.engine.new_batch(self.sampler, self.endings, self.window), 0
        with bar(len(waiting), "solutions") as progress:
            while waiting or len(batch):
                room = batch_size - len(batch)
                if waiting and room >= ROOM * batch_size:
                    batch.add(self.prefill([waiting.pop() for _ in range(min(room, len(waiting)))], batch))
                    if not waiting or self.rows[waiting[-1]].context not in self._carried:
                        self._carried.clear()
                batch.step()
                steps += 1
                if steps % self.engine.check_every == 0:
                    before = len(batch)
                    self.evict_finished(batch, min(batch.share_to_evict, ROOM) if waiting else batch.share_to_evict)
                    progress.update(before - len(batch))

    def prefill(self, indices: list[int], batch: RunningBatch | StaticBatch) -> list[Start]:
        """Compute the contexts of these rows, each distinct context once."""
        last = self.rows[indices[-1]].context  # other rows with this context may still wait
        left = batch.tokens_left_to_feed
        by_context = {context: list(group) for context, group in groupby(indices, lambda i: self.rows[i].context)}
        starts = []
        for context, (prefix, logits) in self._carried.items():
            owners = [(0, row) for row in by_context.pop(context)]
            starts.append(self._start(prefix, logits, owners, [len(context)] * len(owners), len(context) - left))
        if by_context:
            self._carried.clear()
        known = {context: self._longest_known(context) for context in by_context}

        def shape(context: tuple[int, ...]) -> tuple[int, int]:  # contexts of one shape share a forward pass
            return len(context), known[context]

        for (length, cached), group in groupby(sorted(by_context, key=shape), shape):
            contexts = list(group)
            at_once = max(1, PREFILL_TOKENS // (length - cached))
            for first in range(0, len(contexts), at_once):
                chunk = contexts[first : first + at_once]
                prefix, logits = self._compute(chunk, cached, length - left)
                owners = [(i, row) for i, context in enumerate(chunk) for row in by_context[context]]
                shared = [cached if n == 0 else length for context in chunk for n in range(len(by_context[context]))]
                starts.append(self._start(prefix, logits, owners, shared, length - left))
                if last in chunk:
                    place = torch.tensor([chunk.index(last)])
                    self._carried[last] = (
                        prefix and prefix.take(place, prefix.lengths[place]),
                        None if logits is None else logits[place.to(logits.device)],
                    )
        return starts

    def _longest_known(self, context: tuple[int, ...]) -> int:
        """Length of the longest known prefix of a context, shorter than the context."""
        lengths = self._known_lengths
        return next((n for n in lengths if n < len(context) and context[:n] in self.known), 0)

    def _compute(self, contexts: list[tuple[int, ...]], known: int, end: int) -> tuple[Prefix | None, Tensor | None]:
        """KV cache and last logits of the first `end` tokens of contexts of one length; `known` tokens are cached."""
        cache = Cache(layer_class_to_replicate=GrowingLayer)
        prefix = None
        if known:
            places = [self.known[context[:known]] for context in contexts]
            self.kept.update(zip([context[:known] for context in contexts], places))
            prefix = Prefix.gather(places, known)
            cache = prefix.cache()
        if known == end:
            return prefix, None
        ids = torch.tensor([context[known:end] for context in contexts]).to(self.engine.device)
        positions = torch.arange(known, end, device=self.engine.device).expand(len(contexts), -1)
        logits = self.engine.forward(ids, cache, positions, None)
        keys, values = [layer.keys for layer in cache.layers], [layer.values for layer in cache.layers]
        return Prefix(keys, values, torch.full((len(contexts),), end)), logits

    def _start(
        self,
        prefix: Prefix | None,
        logits: Tensor | None,
        owners: list[tuple[int, int]],
        shared: list[int],
        cached: int,
    ) -> Start:
        """Rows that are ready to enter the batch. owners: (place of the context, index of the row in the job) each."""
        index = [row for _, row in owners]
        rows = [self.rows[i] for i in index]
        uniform = np.zeros((len(rows), self.max_new_tokens), dtype=np.float32)
        if self.sampler.temperature > 0:
            for place, row in zip(uniform, rows, strict=True):
                place[: self.max_new_tokens - row.used] = random_stream(row.key, self.max_new_tokens)[row.used :]
        return Start(
            index=index,
            shared=shared,
            limits=[min(self.max_new_tokens - row.used, self.engine.positions - len(row.context)) for row in rows],
            newest=[row.context[-1] for row in rows],
            floors=[row.floor for row in rows],
            uniform=uniform,
            owner=torch.tensor([place for place, _ in owners]),
            cached=cached,
            prefix=prefix,
            logits=logits,
        )

    def evict_finished(self, batch: RunningBatch | StaticBatch, share: float) -> None:
        """Remove the finished rows, once they are at least this share of the batch."""
        if self.endings.suspect is not None:
            self._cut_straddling_stops(batch)
        done = batch.done()
        leaving = done.nonzero()[0]
        if not len(leaving) or (len(leaving) < share * len(done) and len(leaving) < len(done)):
            return
        state = batch.states(leaving)
        counts, ended = state.count.numpy(), state.ended.tolist()
        longest = int(counts.max())
        tokens, generated = state.tokens[:, :longest].tolist(), np.arange(longest) < counts[:, None]
        logprobs = np.where(generated, state.logprobs.numpy()[:, :longest], 0).sum(1, dtype=np.float64).tolist()
        if np.isnan(logprobs).any():
            i = int(np.isnan(logprobs).argmax())
            length = len(self.rows[batch.index[leaving[i]]].context) + int(counts[i]) - 1
            raise ValueError(
                f"the model's logits are NaN after {length} tokens: its weights are damaged, or activations overflow "
                f"in {self.engine.model.dtype}; load it with another dtype"
            )
        cut = [i for i in range(len(leaving)) if self.stop and not ended[i]]
        for i, place in enumerate(leaving.tolist()):
            new = tuple(tokens[i][: counts[i]])
            stats = None
            if self.window is not None:
                columns = (state.logprobs[i, : counts[i], None], state.stats[i, : counts[i]])
                stats = TokenStats(torch.cat(columns, 1).numpy())
            self.written[batch.index[place]] = GeneratedTokens(new, ended[i], logprobs[i], batch.shared[place], stats)
        staying = list(range(len(leaving))) if self.open else cut
        if staying:  # the last token of each was drawn but not fed to the model
            rows = [self.rows[batch.index[leaving[i]]] for i in staying]
            full = [row.context + tuple(tokens[i][: counts[i]]) for i, row in zip(staying, rows, strict=True)]
            prefix = batch.prefixes(leaving[staying], torch.tensor([len(each) - 1 for each in full]))
            places = dict(zip(staying, enumerate(full), strict=True))
            self.kept.update((full_row[:-1], (prefix, place)) for place, full_row in (places[i] for i in cut))
            if self.open:
                ends = frozenset(self.engine.stop_ids(self.open.at)[0])
                for place, (i, row, full_row) in enumerate(zip(staying, rows, full, strict=True)):
                    keys = self._beginnings(full_row, len(row.context) - row.used)
                    self.open.add(self.engine, dict.fromkeys(keys, (prefix, place)))
                    self.open.add_logprobs(self.engine, row, full_row, state.logprobs[i].tolist(), ends)
        batch.drop(leaving)

    def _beginnings(self, tokens: tuple[int, ...], prompt: int) -> list[tuple[int, ...]]:
        """Prefixes from which a later row may restart: the prompt, and the tokens up to each `at`.

        Without their last token, which is fed again because the logits after it are not kept.
        """
        assert self.open
        ends = {*self.engine.stop_ids(self.open.at)[0]}
        last = [i for i, token in enumerate(tokens) if i and (i == prompt - 1 or (i >= prompt and token in ends))]
        return [tokens[:i] for i in last]

    def _cut_straddling_stops(self, batch: RunningBatch | StaticBatch) -> None:
        """End rows whose text contains the stop string across tokens, at the token that completes it."""
        assert self.stop
        state = batch.states(np.arange(len(batch)))
        for place in (state.suspect & ~state.ended).nonzero().squeeze(1).tolist():
            tokens = state.tokens[place, : int(state.count[place])].tolist()
            for count in range(1, len(tokens) + 1):
                if self.stop in self.engine.tokenizer.decode(tokens[:count]):
                    batch.cut(place, count)
                    break
        batch.clear_suspects()
