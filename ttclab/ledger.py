"""The bill: what each problem is charged in generations, tokens and FLOPs, and the ledgers that add it up."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType

from .hardware import Meter
from .scope import scope
from .tasks.problem import Problem


@dataclass
class Cost:
    """What one problem was charged. Costs can be compared and added.

    Attributes
    ----------
    generations, revisions, verifier_calls : int
        Counts.
    tokens, flops : Counter
        Tokens and FLOPs by kind: "prefill" and "decode", unless `billed_as` renames them, and "verifier". The kind
        "cached" is work that a shared prefix saved: it is shown, but is not part of `total_flops`.
    """

    generations: int = 0
    revisions: int = 0
    verifier_calls: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    flops: Counter[str] = field(default_factory=Counter)

    @property
    def total_flops(self) -> int:
        """FLOPs of all kinds except "cached"."""
        return sum(flops for kind, flops in self.flops.items() if kind != "cached")

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.generations + other.generations,
            self.revisions + other.revisions,
            self.verifier_calls + other.verifier_calls,
            self.tokens + other.tokens,
            self.flops + other.flops,
        )


class Ledger(Meter):
    """A bill: `ledger[problem]` is the Cost of a problem, `ledger.total` the sum over problems.

    It also measures the block as a whole: seconds, and on a GPU peak_bytes, joules and `mfu`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._costs: defaultdict[str, Cost] = defaultdict(Cost)

    def __getitem__(self, problem: Problem) -> Cost:
        return self._costs[problem.id]

    @property
    def total(self) -> Cost:
        """Sum of the costs of all problems."""
        return sum(self._costs.values(), Cost())

    def mfu(self, peak: float) -> float | None:
        """Model FLOPs utilisation (Chowdhery et al. 2022, appendix B): FLOPs charged per second, over `peak`.

        Parameters
        ----------
        peak : float
            Peak FLOP/s of the GPU, as `hardware.find_gpu(torch.cuda.get_device_name()).peak(dtype)`.

        Returns
        -------
        float or None
            None until the block has ended, and without a GPU.
        """
        return None if self.peak_bytes is None else self.total.total_flops / (self.seconds * peak)


_open_ledgers: ContextVar[tuple[Ledger, ...]] = ContextVar("open_ledgers", default=())
_kinds: ContextVar[Mapping[str, str]] = ContextVar("kinds", default=MappingProxyType({}))


@contextmanager
def billed() -> Iterator[Ledger]:
    """Context manager: charge everything generated or verified inside the block to the ledger it returns.

    Blocks can be nested; then every open ledger is charged. A block is also a scope: inside it, verifiers read a prefix
    that they have read before once.
    """
    ledger = Ledger()
    token = _open_ledgers.set((*_open_ledgers.get(), ledger))
    try:
        with ledger, scope():
            yield ledger
    finally:
        _open_ledgers.reset(token)


@contextmanager
def billed_as(kind: str, of: Collection[str] = ("prefill", "decode")) -> Iterator[None]:
    """Context manager: charge tokens and FLOPs inside the block as another kind.

    Counts are not changed: a generation is charged as one, whatever the kind of its tokens. In nested blocks the
    innermost decides.

    Parameters
    ----------
    kind : str
        The kind to charge, such as "lookahead".
    of : collection of {"prefill", "decode", "verifier"}
        The kinds that it replaces. All other kinds keep their names.

    Raises
    ------
    ValueError
        If `kind` is "cached", which is not part of the bill, or `of` names any other kind.
    """
    if kind == "cached" or not {"prefill", "decode", "verifier"}.issuperset(of):
        raise ValueError(
            'only "prefill", "decode" and "verifier" can be billed as another kind, never as "cached": '
            f"not {of} as {kind!r}"
        )
    token = _kinds.set({**_kinds.get(), **dict.fromkeys(of, kind)})
    try:
        yield
    finally:
        _kinds.reset(token)


def charge(
    problem: Problem,
    kind: str,
    *,
    tokens: int = 0,
    flops: int = 0,
    generations: int = 0,
    revisions: int = 0,
    verifier_calls: int = 0,
) -> None:
    """Charge work on a problem to every open ledger.

    Parameters
    ----------
    problem : Problem
        Problem to charge.
    kind : str
        Kind of the tokens and FLOPs: "prefill", "decode", "verifier", "cached" or another name.
    tokens, flops : int
        Amounts of this kind.
    generations, revisions, verifier_calls : int
        Counts to add.
    """
    kind = _kinds.get().get(kind, kind)
    for ledger in _open_ledgers.get():
        cost = ledger[problem]
        cost.tokens[kind] += tokens
        cost.flops[kind] += flops
        cost.generations += generations
        cost.revisions += revisions
        cost.verifier_calls += verifier_calls


@dataclass
class Bill:
    """Accumulates the charges of one call for a problem, then posts them once to the open ledgers."""

    problem: Problem
    generations: int = 0
    verifier_calls: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    flops: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, tokens: int, flops: int) -> None:
        self.tokens[kind] += tokens
        self.flops[kind] += flops

    def charge(self) -> None:
        for kind in self.tokens:
            generations = self.generations if kind == "decode" else 0
            calls = self.verifier_calls if kind == "verifier" else 0
            charge(
                self.problem,
                kind,
                tokens=self.tokens[kind],
                flops=self.flops[kind],
                generations=generations,
                verifier_calls=calls,
            )
