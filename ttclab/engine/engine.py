"""The engine: generates rows with one model, on the device of the model."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import Cache, DynamicCache

from .attention import decoding
from .batch import RunningBatch
from .cache import positions_of, windows_of
from .graphs import CaptureError
from .keeping import PrefixCache
from .rows import Endings, GeneratedTokens, Row
from .sampler import Sampler
from .scheduler import GenerationJob
from .static_batch import StaticBatch, StaticBuffers

log = logging.getLogger(__name__)

DECODERS = ("eager", "static", "captured")


class Engine:
    """Generates rows with one model.

    Parameters
    ----------
    model, tokenizer : PreTrainedModel, PreTrainedTokenizerBase
        A model of transformers and its tokenizer.
    batch_size : int
        Largest number of rows generated at once.
    decoder : str or None
        "eager" runs the decode step kernel by kernel on a cache that grows; it is the reference. "captured" runs it as
        a CUDA graph on preallocated buffers, "static" the same code without the graph. By default "captured" on CUDA
        and "eager" elsewhere. A model whose step cannot be captured falls back to "eager", with a warning that gives
        the reason.

    Raises
    ------
    ValueError
        If batch_size < 1, for another decoder, and for "captured" without CUDA.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        batch_size: int = 512,
        decoder: str | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self.device = model.device
        self.end_ids = _end_ids(model, tokenizer)
        self.positions = positions_of(model.config)
        # Reading which rows are finished synchronises host and device, so on a GPU it is done every few steps.
        self.check_every = 1 if self.device.type == "cpu" else 8
        config = self._text_config = model.config.get_text_config()
        self.vocabulary = config.vocab_size
        kinds, self._windows = windows_of(config)
        self._window_of = dict(zip(kinds, self._windows, strict=True))
        # With our own masks, transformers does not inspect the padding, which would synchronise host and device.
        self._own_masks = config._attn_implementation == "sdpa" and {*kinds} <= {"full_attention", "sliding_attention"}
        self.prefix_cache: PrefixCache = {}
        self._stop_ids: dict[str, tuple[list[int], list[int]]] = {}
        self._endings: dict[str | None, Endings] = {}
        self._buffers: StaticBuffers | None = None
        self.decoder = self._pick_decoder(decoder)

    def _pick_decoder(self, decoder: str | None) -> str:
        picked = decoder or ("captured" if self.device.type == "cuda" else "eager")
        if picked not in DECODERS:
            raise ValueError(f"decoder must be one of {', '.join(DECODERS)}, not {picked!r}")
        if picked == "captured" and self.device.type != "cuda":
            raise ValueError(f"a step can be captured on CUDA only, and the model is on {self.device}")
        if picked != "eager" and not self._own_masks:
            log.warning(
                "%s decodes without a CUDA graph: its attention (%s, %s) cannot be captured",
                type(self.model).__name__, self._text_config._attn_implementation, ", ".join(self._window_of),
            )  # fmt: skip
            return "eager"
        return picked

    def stop_ids(self, stop: str) -> tuple[list[int], list[int]]:
        """Tokens that contain the stop string, and tokens that may complete one begun by the previous token."""
        if stop not in self._stop_ids:
            ids = range(self.vocabulary)
            texts = self.tokenizer.batch_decode([[i] for i in ids])
            ends = tuple(stop[i:] for i in range(1, len(stop)))
            holds = [i for i, text in zip(ids, texts, strict=True) if stop in text]
            may_end = [i for i, text in zip(ids, texts, strict=True) if text.startswith(ends) and stop not in text]
            self._stop_ids[stop] = holds, may_end
        return self._stop_ids[stop]

    def endings(self, stop: str | None) -> Endings:
        """The tokens that end a row, as tables on the device."""
        if stop not in self._endings:
            stop_ids, suspect_ids = self.stop_ids(stop) if stop else ([], [])
            self._endings[stop] = Endings.of(self.end_ids, stop_ids, suspect_ids, self.vocabulary, self.device)
        return self._endings[stop]

    def write(
        self,
        rows: Sequence[Row],
        sampler: Sampler,
        *,
        max_new_tokens: int,
        stop: str | None = None,
        window: int | None = None,
    ) -> list[GeneratedTokens]:
        """Generate every row to its end-of-text token, to the end of the first stop string, or to max_new_tokens.

        Parameters
        ----------
        rows : sequence of Row
        sampler : Sampler
        max_new_tokens : int
            Token limit of each row, which counts the tokens the row has `used`. A row is cut at the model's last
            position.
        stop : str or None
            Text that stops a row. The KV cache of stopped rows is kept for the next two calls with a stop string, so
            that continuing them computes nothing twice.
        window : int or None
            Keep statistics of the new tokens; None keeps none. A row is stopped once the mean confidence of its last
            `window` new tokens is below its floor; 0 stops none.

        Returns
        -------
        list of GeneratedTokens
            One for each row, in the same order.

        Raises
        ------
        ValueError
            For max_new_tokens < 1, an empty context, a row that has used all its tokens, a context that fills the
            model's positions, and a model whose logits are NaN.
        """
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}")
        if any(not row.context or row.used >= max_new_tokens for row in rows):
            raise ValueError("a row needs at least one token to start from, and room for at least one more")
        if (longest := max((len(row.context) for row in rows), default=0)) >= self.positions:
            raise ValueError(
                f"a context of {longest} tokens leaves none of the model's {self.positions} positions free"
            )
        job = GenerationJob(self, rows, sampler, max_new_tokens, stop, window)
        batch_size = self.batch_size
        while True:
            try:
                job.run(batch_size)
                break
            except CaptureError as error:
                log.warning("%s decodes without a CUDA graph: %s", type(self.model).__name__, error)
                self.decoder = "eager"
            except Exception as error:
                if batch_size == 1 or not should_reduce_batch_size(error):
                    self._buffers = None  # a NaN left in them would spread to later rows
                    raise
                batch_size //= 2  # out of memory: finished rows are kept, the others start again
            self._buffers = None
            clear_device_cache(garbage_collection=True)
        if stop:
            self.prefix_cache = job.kept
        return [written for written in job.written if written is not None]

    def new_batch(self, sampler: Sampler, endings: Endings, window: int | None = None) -> RunningBatch | StaticBatch:
        """An empty batch for rows with one sampler and one set of endings."""
        if self.decoder == "eager":
            return RunningBatch(self.forward, sampler, endings, window)
        if self._buffers is None:
            capture = self.decoder == "captured"
            self._buffers = StaticBuffers(self.fixed_forward, self._cache_shapes(), capture=capture)
        return StaticBatch(self._buffers, sampler, endings, window)

    def _cache_shapes(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of one token, for each layer."""
        cache = DynamicCache()
        ids = torch.zeros(1, 1, dtype=torch.long, device=self.device)
        self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return [(layer.keys, layer.values) for layer in cache.layers]

    def forward(self, ids: Tensor, cache: Cache, positions: Tensor, padding: Tensor | None) -> Tensor:
        """Logits after the last of the new tokens, (rows, vocabulary), in float32.

        Parameters
        ----------
        ids, positions : Tensor
            (rows, new tokens).
        cache : Cache
            Cache with layers of `GrowingLayer`.
        padding : Tensor or None
            (rows,), padding columns at the start of the cache; None if there are none.
        """
        for layer, window in zip(cache.layers, self._windows, strict=False):  # a new cache has no layers yet
            layer.window = window
        mask: Any = None
        if padding is not None:
            columns = cache.get_seq_length() + ids.shape[1]
            mask = torch.arange(columns, device=self.device) >= padding[:, None]
            if self._own_masks:
                mask = self._by_kind({window: mask[:, None, None, -window:] for window in self._window_of.values()})
            else:
                mask = mask.long()
        return self._logits(ids, mask, positions, cache)

    def fixed_forward(self, ids: Tensor, cache: Cache, positions: Tensor, columns: int) -> Tensor:
        """Logits after one new token of each row, (rows, vocabulary), in float32, with a cache of fixed size.

        Parameters
        ----------
        ids : Tensor
            (rows, 1).
        cache : Cache
            Cache with layers of `FixedLayer`.
        positions : Tensor
            (rows,), the column of each row's new token. Later columns are masked.
        columns : int
            Columns of the cache.
        """
        column, last = torch.arange(columns, device=self.device), positions[:, None]
        masks = {}
        for window in self._window_of.values():
            seen = column <= last
            if window:
                seen = seen & (column > last - window)
            masks[window] = seen[:, None, None]
        with decoding(self._text_config):
            return self._logits(ids, self._by_kind(masks), positions[:, None], cache)

    def _by_kind(self, masks: dict[int, Tensor]) -> Any:
        """Masks in the form of transformers: a dict by kind of layer, or one mask if there is only one kind."""
        by_kind = {kind: masks[window] for kind, window in self._window_of.items()}
        return by_kind if len(by_kind) > 1 else masks.popitem()[1]

    def _logits(self, ids: Tensor, mask: Any, positions: Tensor, cache: Cache) -> Tensor:
        positions = positions.clamp(max=self.positions - 1)  # finished rows still in the batch run past the end
        output = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        return output.logits[:, -1].float()


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    ids = {tokenizer.eos_token_id}
    generation = getattr(model, "generation_config", None)
    configured = generation.eos_token_id if generation else model.config.eos_token_id
    ids.update(configured if isinstance(configured, list) else [configured])
    return sorted(i for i in ids if i is not None)
