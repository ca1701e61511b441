"""Training rows as arrays of tokens, so that a training step only gathers a few rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..tasks.arithmetic import ARITHMETIC
from ..tasks.task import Task
from .tokens import PAD, UNKNOWN, alphabet_of

UNLABELLED = -1  # no target at this token

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Rows:
    """Rows of tokens, padded on the right, where causal attention ignores the padding.

    Attributes
    ----------
    ids : array of shape (rows, columns)
        Tokens, uint8.
    following : array of shape (rows, columns)
        The token that the model should write after each, int8; UNLABELLED where there is no target.
    lengths : array of shape (rows,)
        Tokens of each row.
    labels : array of shape (rows, columns), optional
        For verifiers, the target at each token, float16; UNLABELLED where there is none.
    """

    ids: Array
    following: Array
    lengths: NDArray[np.int64]
    labels: Array | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @staticmethod
    def join(parts: Sequence["Rows"]) -> "Rows":
        """Join sets of rows, padded to the widest."""
        labels = [part.labels for part in parts if part.labels is not None]
        return Rows(
            _stacked([part.ids for part in parts], 0),
            _stacked([part.following for part in parts], UNLABELLED),
            np.concatenate([part.lengths for part in parts]),
            _stacked(labels, UNLABELLED) if labels else None,
        )


def _stacked(arrays: Sequence[Array], fill: int) -> Array:
    columns = max(array.shape[1] for array in arrays)
    return np.concatenate([widened(array, columns, fill) for array in arrays])


def widened(array: Array, columns: int, fill: int) -> Array:
    """Pad an array on the right to a number of columns."""
    if columns <= array.shape[1]:
        return array
    return np.pad(array, ((0, 0), (0, columns - array.shape[1])), constant_values=fill)


@cache
def _ids(task: Task) -> NDArray[np.uint8]:
    """Tokens of the ASCII characters."""
    alphabet = alphabet_of(task)
    table = np.full(128, alphabet.index(UNKNOWN), dtype=np.uint8)
    table[ord("\0")] = alphabet.index(PAD)
    for i, token in enumerate(alphabet):
        if token != PAD:
            table[ord(token)] = i
    return table


def tokenize(texts: Sequence[str], task: Task = ARITHMETIC) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Tokens of ASCII texts, padded on the right, and the number of tokens of each. END is `$`."""
    lengths = np.array([len(text) for text in texts])
    columns = int(lengths.max())
    joined = "".join(text.ljust(columns, "\0") for text in texts).encode("ascii")
    return _ids(task)[np.frombuffer(joined, dtype=np.uint8)].reshape(-1, columns), lengths


def taught(texts: Sequence[tuple[str, str]], task: Task = ARITHMETIC) -> Rows:
    """Rows that teach a policy to write the second text of each pair after the first."""
    ids, lengths = tokenize([before + target for before, target in texts], task)
    begins = np.array([len(before) for before, _ in texts])
    return Rows(ids, following(ids, begins, lengths), lengths)


def following(ids: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int8]:
    """The next token at each position, where that token is in [begin, end) of its row."""
    after = np.zeros_like(ids, dtype=np.int8)
    after[:, :-1] = ids[:, 1:]
    column = np.arange(1, ids.shape[1] + 1)
    after[(column < begins[:, None]) | (column >= ends[:, None])] = UNLABELLED
    return after


@dataclass(frozen=True)
class Table:
    """Rows, and the indices of the rows that each training step reads.

    Attributes
    ----------
    rows : Rows
    order : array of shape (steps, rows a step)
        Indices of rows.
    pieces : int
        Number of pieces of a step on a CPU. The rows are sorted by length, and each piece is padded to its longest row.
    """

    rows: Rows
    order: NDArray[np.int64]
    pieces: int = 1

    def split(self, step: int) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Row indices of each piece of a step, and the columns that the piece needs."""
        index = self.order[step]
        if self.pieces > 1:
            index = index[np.argsort(self.rows.lengths[index], kind="stable")]
        for piece in np.array_split(index, self.pieces):
            if len(piece):
                yield piece, int(self.rows.lengths[piece].max())


def shuffled(rows: int, steps: int, batch: int, seed: int) -> NDArray[np.int64]:
    """Row indices of each step, (steps, batch): random permutations of all rows, one after another."""
    rng, count = np.random.default_rng(seed), steps * batch
    orders = [rng.permutation(rows) for _ in range(-(-count // rows))]
    return np.concatenate(orders)[:count].reshape(steps, batch)
