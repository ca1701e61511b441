"""Compute, counted: FLOPs of every forward pass, and the ledger that bills them.

A multiplication and an addition are two FLOPs; matrix products and attention are counted, elementwise work is
not. Torch's own `FlopCounterMode` counts the same way, and the tests hold us to it exactly; it misses the fused
attention of CPUs, so it is run with the plain one.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, PreTrainedConfig

from .problems import Problem

_GATED = {"llama", "mistral", "qwen2", "qwen3"}  # three matrices in the feed-forward block, rotary positions
_PLAIN = {"gpt2"}  # two matrices, learned positions


def forward_flops(
    config: PreTrainedConfig, new_tokens: int, cached_tokens: int = 0, batch: int = 1, *, logits: int | None = None
) -> int:
    """FLOPs of one forward pass of a causal language model.

    config: transformers' own; new_tokens: fed in this pass, for each of `batch` sequences; cached_tokens: already in
    the KV cache; logits: positions that go through the output head (default all, 1 while generating).
    Raises ValueError unless new_tokens and batch are at least 1 and cached_tokens at least 0.
    """
    if new_tokens < 1 or batch < 1 or cached_tokens < 0:
        raise ValueError(
            "a forward pass needs new_tokens >= 1, batch >= 1 and cached_tokens >= 0, "
            f"not {new_tokens}, {batch} and {cached_tokens}"
        )
    logits = new_tokens if logits is None else logits
    if config.model_type not in _GATED | _PLAIN:
        return _counted_flops(config.to_json_string(), new_tokens, cached_tokens, batch, logits)
    width, heads = config.hidden_size, config.num_attention_heads
    head = getattr(config, "head_dim", None) or width // heads
    key_value_heads = getattr(config, "num_key_value_heads", None) or heads
    inner = getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None) or 4 * width
    gated = config.model_type in _GATED
    matrices = 2 * width * head * (heads + key_value_heads) + (3 if gated else 2) * width * inner
    attention = 2 * heads * head * (cached_tokens + new_tokens)  # scores, then the weighted sum of values
    layers = config.num_hidden_layers * new_tokens * 2 * (matrices + attention)
    output = logits * 2 * width * config.vocab_size
    return batch * (layers + output)


def decode_flops(config: PreTrainedConfig, new_tokens: int, cached_tokens: int) -> int:
    """FLOPs of feeding `new_tokens` one after the other, each with its logits, after `cached_tokens`."""
    if new_tokens == 0:
        return 0
    first = forward_flops(config, 1, cached_tokens)
    last = forward_flops(config, 1, cached_tokens + new_tokens - 1)
    return new_tokens * (first + last) // 2  # each pass costs a constant more than the one before


@lru_cache(maxsize=4096)
def _counted_flops(config_json: str, new_tokens: int, cached_tokens: int, batch: int, logits: int) -> int:
    """An architecture the formula does not know: run it on the meta device under torch's own counter."""
    model = _meta_model(config_json)

    def ids(length: int) -> torch.Tensor:
        return torch.zeros((batch, length), dtype=torch.long, device="meta")

    with torch.no_grad():
        cache = model(ids(cached_tokens), use_cache=True).past_key_values if cached_tokens else None
        with FlopCounterMode(display=False) as counter:
            model(ids(new_tokens), past_key_values=cache, use_cache=True, logits_to_keep=logits)
    return counter.get_total_flops()


@lru_cache(maxsize=4)
def _meta_model(config_json: str) -> torch.nn.Module:
    import json

    from transformers import AutoConfig

    fields = json.loads(config_json)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(
            AutoConfig.for_model(fields.pop("model_type"), **fields), attn_implementation="eager"
        ).eval()


@dataclass
class Cost:
    """What one problem was charged.

    generations, revisions, verifier_calls: counts; tokens and flops: by kind ("prefill", "decode", "verifier", ...).
    The kind "cached" is work that a shared prefix saved: shown, and not part of `total_flops`.
    """

    generations: int = 0
    revisions: int = 0
    verifier_calls: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    flops: Counter[str] = field(default_factory=Counter)

    @property
    def total_flops(self) -> int:
        return sum(flops for kind, flops in self.flops.items() if kind != "cached")

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.generations + other.generations,
            self.revisions + other.revisions,
            self.verifier_calls + other.verifier_calls,
            self.tokens + other.tokens,
            self.flops + other.flops,
        )


class Ledger:
    """The bill, problem by problem: `ledger[problem]` is its Cost, `ledger.total` the sum."""

    def __init__(self) -> None:
        self._costs: dict[str, Cost] = {}

    def __getitem__(self, problem: Problem) -> Cost:
        return self._costs.setdefault(problem.id, Cost())

    @property
    def total(self) -> Cost:
        return sum(self._costs.values(), Cost())


_open_ledgers: ContextVar[tuple[Ledger, ...]] = ContextVar("open_ledgers", default=())


@contextmanager
def billed() -> Iterator[Ledger]:
    """Everything generated or verified inside the `with` block is charged to the ledger it returns."""
    ledger = Ledger()
    token = _open_ledgers.set((*_open_ledgers.get(), ledger))
    try:
        yield ledger
    finally:
        _open_ledgers.reset(token)


def charge(problem: Problem, kind: str, *, tokens: int = 0, flops: int = 0, **counts: int) -> None:
    """Charge work on a problem to every open ledger; counts: generations, revisions or verifier_calls."""
    for ledger in _open_ledgers.get():
        cost = ledger[problem]
        cost.tokens[kind] += tokens
        cost.flops[kind] += flops
        for name, n in counts.items():
            setattr(cost, name, getattr(cost, name) + n)
