"""Batched generation for any causal language model in Hugging Face's format, without a server.

The unit of work is a *row*: one sequence that is being generated. Four things make generation fast:

- a context is computed once, and every row that starts from it copies its KV cache;
- finished rows leave the batch and waiting rows take their place;
- on a CPU, rows of similar length run together, so that there is almost no padding;
- on a GPU, a decode step is one CUDA graph: a single launch in place of hundreds.

Each row has its own random stream, which depends on the row's key and not on its place in a batch. So the same seed
gives the same tokens in any batch, up to rounding: matrix products of different shapes can differ in the last bit,
which occasionally changes a draw.

Read the modules in this order: `sampler`, `cache`, `rows`, `batch`, `graphs`, `attention`, `static_batch`,
`keeping`, `scheduler`, `engine`.
"""

from .cache import Prefix, positions_of, windows_of
from .engine import Engine
from .keeping import KeptPrefixes, kept_prefixes, prefixes_kept
from .rows import GeneratedTokens, Row
from .sampler import Sampler, random_stream

__all__ = [
    "Engine",
    "GeneratedTokens",
    "KeptPrefixes",
    "Prefix",
    "Row",
    "Sampler",
    "kept_prefixes",
    "positions_of",
    "prefixes_kept",
    "random_stream",
    "windows_of",
]
