"""Sampling of the next token, and the random streams that it uses."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampler:
    """Sampling settings.

    Parameters
    ----------
    temperature : float
        Divides the logits; 0 is greedy decoding.
    top_k : int
        Keep the k likeliest tokens; 0 keeps all.
    top_p : float
        Keep the likeliest tokens that together hold this probability (Holtzman et al. 2020); 1 keeps all.

    Raises
    ------
    ValueError
        Unless temperature >= 0 and finite, top_k >= 0 and 0 < top_p <= 1.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature >= 0 or self.temperature == float("inf"):
            raise ValueError(f"temperature must be a number >= 0, not {self.temperature}")
        if self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"top_k must be >= 0 and top_p in (0, 1], not {self.top_k} and {self.top_p}")

    def draw(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """The next token of each row, by inverting the cumulative distribution.

        No value is read on the host, so that a CUDA graph can capture the draw.

        Parameters
        ----------
        logits : Tensor
            (rows, vocabulary), float32.
        uniform : Tensor
            (rows,), one number in [0, 1) for each row.

        Returns
        -------
        Tensor
            (rows,) of token ids.
        """
        if self.temperature == 0:
            return logits.argmax(-1)
        logits = logits / self.temperature
        if self.top_k and self.top_k < logits.shape[-1]:
            kept = logits.topk(self.top_k).values[:, -1:]
            logits = logits.masked_fill(logits < kept, float("-inf"))
        probabilities = logits.softmax(-1)
        if self.top_p < 1:
            ordered = probabilities.sort(descending=True).values
            before = ordered.cumsum(-1) - ordered  # mass of the likelier tokens
            kept = ordered.masked_fill(before >= self.top_p, 2.0).min(-1, keepdim=True).values
            probabilities = probabilities.masked_fill(probabilities < kept, 0.0)
        cumulative = probabilities.cumsum(-1)
        # Kept below the total, so that rounding cannot pick a token of probability zero past the last real one.
        target = uniform.clamp(max=1 - 1e-6)[:, None] * cumulative[:, -1:]
        token = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
        return token.clamp(max=logits.shape[-1] - 1)  # NaN logits give the end of the vocabulary, which would crash


@lru_cache(maxsize=1 << 16)  # a search asks for the same streams at every step
def random_stream(key: str, length: int) -> np.ndarray:
    """Uniform numbers in [0, 1) that depend only on `key`. A longer stream begins with the shorter one."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest))).random(length, dtype=np.float32)
