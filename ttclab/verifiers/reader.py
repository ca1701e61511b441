"""Reads rows of tokens with a reward model; each shared prefix is read once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..bar import bar
from ..engine import Prefix, kept_prefixes
from ..scope import Scope, open_scope
from .reward_model import Reading, RewardModel
from .static_reading import Places, StaticReadings


@dataclass(frozen=True)
class _Known:
    """A row that was read: "right so far" at each token, and the position of its last token in the reading."""

    right: NDArray[np.float32]
    reading: Reading | Places | None = None
    row: int = 0
    column: int = 0


_Rows = dict[tuple[int, ...], _Known]


class ReadingModel(Protocol):
    """Network that a Reader can use: a RewardModel, or any network that can continue its own readings."""

    @property
    def device(self) -> torch.device: ...

    @property
    def step_end(self) -> int:
        """A token after which a later call can continue reading."""

    def eval(self) -> Self: ...

    def __call__(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """See `RewardModel.forward`."""

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int: ...


ROWS_AT_ONCE = 1024  # rows in one forward pass
KEPT_TOKENS = 1 << 18  # tokens kept for the next call: first those of contexts, then those of rows


class Reader:
    """Reads rows of tokens with a reward model. Within a scope, each shared prefix is read once.

    Within a call, a context is read once for all rows that share it. While a scope is open (every strategy and every
    bill opens one), readings are kept for the next call, and are dropped when the scope closes. Inside
    `prefixes_kept`, prefixes that were read in earlier calls are kept as well.

    Parameters
    ----------
    model : ReadingModel
        The reward model.
    rows_at_once : int, optional
        Rows in one forward pass, by default ROWS_AT_ONCE.
    kept_tokens : int, optional
        Tokens kept for the next call, by default KEPT_TOKENS.
    decoder : {"eager", "static", "captured"}, optional
        As for the engine; by default a RewardModel on CUDA continues its readings in CUDA graphs.
    """

    def __init__(
        self,
        model: ReadingModel,
        *,
        rows_at_once: int | None = None,
        kept_tokens: int | None = None,
        decoder: str | None = None,
    ) -> None:
        self.model = model.eval()
        decoder = decoder or ("captured" if model.device.type == "cuda" else "eager")
        self._static: StaticReadings | None = None
        if isinstance(model, RewardModel) and decoder != "eager":
            self._static = StaticReadings(model, capture=decoder == "captured")
        self._rows_at_once, self._kept_tokens = rows_at_once, kept_tokens
        self._kept: WeakKeyDictionary[Scope, _Rows] = WeakKeyDictionary()

    def read(
        self, contexts: Sequence[tuple[int, ...]], written: Sequence[tuple[int, ...]]
    ) -> tuple[list[NDArray[np.float32]], list[list[tuple[int, int]]]]:
        """Read solutions.

        Parameters
        ----------
        contexts : sequence of tuple of int
            Tokens before each solution.
        written : sequence of tuple of int
            Tokens of each solution.

        Returns
        -------
        right : list of array of shape (tokens,)
            Probability of "right so far" at each token of each solution.
        passes : list of list of (int, int)
            Forward passes of each row, as numbers of new and of cached tokens. A pass shared by several rows is listed
            with the first of them.
        """
        scope = open_scope()
        known = self._kept.get(scope, {}) if scope else {}
        rows = [context + tokens for context, tokens in zip(contexts, written, strict=True)]
        begun = _longest_known(rows, known)
        first = {context: len(context) for context, row in zip(contexts, rows) if not begun[row]}
        if first:
            known = {**known, **self._read_contexts(first)}
            begun = _longest_known(rows, known)
        shared = {context: known[context] for context in contexts if context in known}
        room = (self._kept_tokens or KEPT_TOKENS) - sum(map(len, shared))
        extend = self._extend_static if self._static else self._extend
        read = extend(begun, known, keep=room if scope else 0)
        if scope:
            prefixes = _known_prefixes(rows, known) if kept_prefixes() and room >= 0 else {}
            self._kept[scope] = (shared if room >= 0 else {}) | prefixes | self._at_step_ends(read)
        passes: list[list[tuple[int, int]]] = []
        for context, row in zip(contexts, rows):
            reads = (first.pop(context, 0), 0), (len(row) - begun[row], begun[row])
            begun[row] = len(row)
            passes.append([(new, cached) for new, cached in reads if new])
        return [read[row].right[len(context) :] for context, row in zip(contexts, rows)], passes

    def _read_contexts(self, contexts: dict[tuple[int, ...], int]) -> _Rows:
        """Read the contexts of solutions; `contexts` maps their tokens to their lengths."""
        read = self._extend(dict.fromkeys(contexts, 0), {}, keep=sum(contexts.values()))
        if not self._static:
            return read
        places: dict[int, Places] = {}
        adopted = {}
        with torch.inference_mode():
            for context, known in read.items():
                assert isinstance(known.reading, Reading)
                if id(known.reading) not in places:
                    places[id(known.reading)] = self._static.adopt(known.reading)
                adopted[context] = _Known(known.right, places[id(known.reading)], known.row)
        return adopted

    @torch.inference_mode()
    def _extend_static(self, begun: dict[tuple[int, ...], int], known: _Rows, keep: int) -> _Rows:
        """As `_extend`, but in a static cache and with rows of different shapes in one pass."""
        assert self._static
        read = {row: known[row] for row, start in begun.items() if start == len(row)}
        rows, stays, at_once = [], {}, self._rows_at_once or ROWS_AT_ONCE
        for alike in self._alike({row: start for row, start in begun.items() if row not in read}):
            keep -= sum(map(len, alike))
            stays.update(dict.fromkeys(alike, keep >= 0))
            rows += alike
        shown = bar(len(rows), "solutions read")
        for first in range(0, len(rows), at_once):
            chunk = rows[first : first + at_once]
            starts = [begun[row] for row in chunk]
            before = [known[row[:start]] for row, start in zip(chunk, starts)]
            old = [each.reading.indices[each.row] for each in before if isinstance(each.reading, Places)]
            new = [row[start:] for row, start in zip(chunk, starts)]
            right, places = self._static.read(old, [each.column for each in before], starts, new)
            for i, (row, tokens) in enumerate(zip(chunk, new)):
                so_far = np.concatenate([before[i].right, right[i, : len(tokens)]])
                read[row] = _Known(so_far, places if stays[row] else None, i, len(tokens) - 1)
            shown.update(len(chunk))
        shown.close()
        return read

    @torch.inference_mode()
    def _extend(self, begun: dict[tuple[int, ...], int], known: _Rows, keep: int) -> _Rows:
        """Read the unknown ends of rows, those of one shape together, and keep up to `keep` tokens."""
        read = {row: known[row] for row, start in begun.items() if start == len(row)}
        shown = bar(len(begun) - len(read), "solutions read")
        for chunk in self._alike({row: start for row, start in begun.items() if row not in read}):
            start, end = begun[chunk[0]], len(chunk[0])
            places = [known[row[:start]] for row in chunk] if start else []
            ids = torch.tensor([row[start:] for row in chunk], device=self.model.device)
            kept = (keep := keep - end * len(chunk)) >= 0
            reading = self.model(ids, _gather(places, start) if start else None, keep=kept)
            right = reading.right.float().sigmoid().cpu().numpy()
            for i, row in enumerate(chunk):
                so_far = np.concatenate([places[i].right, right[i]]) if start else right[i]
                read[row] = _Known(so_far, reading if kept else None, i, end - start - 1)
            shown.update(len(chunk))
        shown.close()
        return read

    def _alike(self, begun: dict[tuple[int, ...], int]) -> Iterator[list[tuple[int, ...]]]:
        """Group rows with equal numbers of known tokens and equal lengths."""

        def shape(row: tuple[int, ...]) -> tuple[int, int]:
            return begun[row], len(row)

        at_once = self._rows_at_once or ROWS_AT_ONCE
        for _, group in groupby(sorted(begun, key=shape), shape):
            alike = list(group)
            yield from (alike[first : first + at_once] for first in range(0, len(alike), at_once))

    def _at_step_ends(self, read: _Rows) -> _Rows:
        """Prefixes of the rows that end with a step, after which a later call can continue reading."""
        step_end, kept = self.model.step_end, {}
        for row, place in read.items():
            for back in range(place.column + 1) if place.reading else ():
                if row[-1 - back] == step_end:
                    length = len(row) - back
                    kept[row[:length]] = _Known(place.right[:length], place.reading, place.row, place.column - back)
        return kept


def _longest_known(rows: Sequence[tuple[int, ...]], known: _Rows) -> dict[tuple[int, ...], int]:
    """Number of known tokens at the start of each row."""
    lengths = sorted({len(row) for row in known}, reverse=True)
    return {
        row: next((length for length in lengths if length <= len(row) and row[:length] in known), 0) for row in rows
    }


def _known_prefixes(rows: Sequence[tuple[int, ...]], known: _Rows) -> _Rows:
    """Known readings of prefixes of the rows."""
    lengths = {len(row) for row in known}
    return {row[:n]: known[row[:n]] for row in rows for n in lengths if n <= len(row) and row[:n] in known}


def _gather(places: list[_Known], length: int) -> Reading:
    """State of rows after `length` tokens, as a reading of their last token."""
    readings = {id(place.reading): place.reading for place in places if isinstance(place.reading, Reading)}
    parts, order, kept = [], [], []
    for key, reading in readings.items():
        members = [i for i, place in enumerate(places) if id(place.reading) == key]
        where = torch.tensor([places[i].row for i in members]), torch.tensor([places[i].column for i in members])
        parts.append((reading.right[where], reading.predicted[where], reading.surprises[where]))
        order += members
    for place in places:
        if isinstance(place.reading, Reading) and place.reading.prefix:
            kept.append((place.reading.prefix, place.row))
    back = torch.tensor(order).argsort()
    right, predicted, surprises = (torch.cat(part)[back][:, None] for part in zip(*parts, strict=True))
    return Reading(right, predicted, surprises, Prefix.gather(kept, length))
