"""Batched generation for any causal language model of Hugging Face's, without a server.

The unit of work is a *row*: one sequence that is being generated. Four things make generation fast:

- a context is computed once, and every row that starts from it copies its keys and values;
- finished rows leave the batch and waiting rows take their place;
- on a CPU, rows of similar length run together, so that there is next to no padding;
- on a GPU, a decode step is one CUDA graph: a single launch in place of hundreds.

Each row draws from a random stream of its own, keyed by what the row is and not by where it runs, so the same seed
gives the same tokens whatever the batch. (Up to rounding: matrix products of different shapes can differ in the last
bit, and now and then a draw falls into that gap.)

Read the modules in this order: `sampler`, `cache`, `rows`, `batch`, `graphs`, `attention`, `static_batch`,
`keeping`, `scheduler`, `engine`.
"""

from .cache import Prefix, positions_of, windows_of
from .engine import Engine
from .keeping import KeptPrefixes, kept_prefixes, prefixes_kept
from .rows import Row, Written
from .sampler import Sampler, random_stream

__all__ = [
    "Engine",
    "KeptPrefixes",
    "Prefix",
    "Row",
    "Sampler",
    "Written",
    "kept_prefixes",
    "positions_of",
    "prefixes_kept",
    "random_stream",
    "windows_of",
]
