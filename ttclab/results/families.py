"""Families of models: the same values from the runs at hand, from the stored values of another seed, or from all seeds.

A function decorated with `measured` computes its value from the recorded runs in `TTCLAB_HOME`. Inside `using(family)`
it looks the value up instead. So claims, headline numbers and winner maps, which are built on such functions, can be
computed for another seed or for all seeds without the models and runs of that seed. A `Recorder` collects the values
that are computed, and `save` writes them to one small file.
"""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ..allocator import Allocation, Arm
from ..data import DATA
from ..files import atomic
from .arms import Arms

FOLDER = DATA / "families"  # one file for each seed except the shipped one
PARTIAL = FOLDER / "partial"  # families with only some of the models, such as the small one
SHIPPED = "shipped"  # the family of seed 0, whose runs ship
UNDECIDED = "undecided"
FORMAT = "ttclab family 1"

Value = float | Arm | Arms
P = ParamSpec("P")
R = TypeVar("R")


class Family:
    """Values of one family by the call that computes them, such as "beam(16)"."""

    def __init__(self, name: str, values: Mapping[str, Value]) -> None:
        self.name, self.values = name, dict(values)

    def value(self, call: str, compute: Callable[[], Value]) -> Value:
        """The value of a call. Raises ValueError if the family lacks it."""
        if call not in self.values:
            raise ValueError(f"family {self.name} was recorded without {call}: record it again")
        return self.values[call]


class Recorder(Family):
    """A family that computes and stores every requested value."""

    def value(self, call: str, compute: Callable[[], Value]) -> Value:
        if call not in self.values:
            token = _current.set(None)  # do not store intermediate values
            try:
                self.values[call] = compute()
            finally:
                _current.reset(token)
        return self.values[call]


class Pool(Family):
    """Several families as one: arms are joined over the problems of all families, numbers are averaged."""

    def __init__(self, families: Sequence[Family]) -> None:
        super().__init__("all", {})
        self.families = families

    def value(self, call: str, compute: Callable[[], Value]) -> Value:
        return _pooled([family.value(call, compute) for family in self.families])


def _pooled(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, Arm):
        fifths = None if first.fifths is None else np.concatenate([arm.fifths for arm in values])
        correct, flops = (np.concatenate([getattr(arm, name) for arm in values]) for name in ("correct", "flops"))
        return Arm(first.allocation, correct, flops, fifths, len(values))
    if isinstance(first, Arms):
        shared = [key for key in first if all(key in other for other in values)]
        return Arms(_pooled([arms[key] for arms in values]) for key in shared)
    return float(np.mean(values))


_current: ContextVar[Family | None] = ContextVar("family", default=None)


@contextmanager
def using(family: Family | None) -> Iterator[None]:
    """Inside the block, take values from a family; None computes them from the runs at hand."""
    token = _current.set(family)
    try:
        yield
    finally:
        _current.reset(token)


def measured(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: compute the value from the runs at hand once, or look it up in the family in use."""
    signature, computed = inspect.signature(function), cache(function)

    @wraps(function)
    def value(*args: P.args, **kwargs: P.kwargs) -> R:
        family = _current.get()
        if family is None:
            return computed(*args, **kwargs)  # type: ignore[arg-type]
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options = [
            f"{name}={_plain(value)!r}"
            for name, value in bound.arguments.items()
            if value != signature.parameters[name].default
        ]
        return cast(R, family.value(f"{function.__name__}({', '.join(options)})", lambda: computed(*args, **kwargs)))  # type: ignore

    return value


def _plain(value: object) -> object:
    return float(value) if isinstance(value, np.floating) else value


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: `functools.cache` with a separate cache for each family, for functions of measured values."""
    kept: dict[Any, Any] = {}

    @wraps(function)
    def value(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (_current.get(), args, tuple(kwargs.items()))
        if key not in kept:
            kept[key] = function(*args, **kwargs)
        return cast(R, kept[key])

    return value


# Files: all arrays of a family in one compressed file, with an index in JSON.


def save(family: Family, path: Path) -> Path:
    """Write the values of a family atomically."""
    rows: list[NDArray[np.float64]] = []
    groups: list[NDArray[np.intp]] = []

    def encode(arm: Arm) -> dict[str, object]:
        group = None
        if arm.fifths is not None:
            group = next((i for i, fifths in enumerate(groups) if np.array_equal(fifths, arm.fifths)), len(groups))
            if group == len(groups):
                groups.append(arm.fifths)
        rows.extend((arm.correct, arm.flops))
        return {"allocation": list(vars(arm.allocation).values()), "row": len(rows) - 2, "fifths": group}

    index: dict[str, Any] = {}
    for call, value in sorted(family.values.items()):
        if isinstance(value, Arms):
            index[call] = {"arms": [encode(arm) for arm in value.values()]}
        else:
            index[call] = {"arm": encode(value)} if isinstance(value, Arm) else {"number": float(value)}
    text = json.dumps({"format": FORMAT, "name": family.name, "values": index})
    arrays = {f"row {i}": _small(row) for i, row in enumerate(rows)} | {
        f"fifths {i}": fifths.astype(np.int8) for i, fifths in enumerate(groups)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, index=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    return path


def _small(row: NDArray[np.float64]) -> NDArray[Any]:
    """Convert a row to booleans if possible, else to single precision."""
    whole = np.array_equal(row, row.astype(bool))
    return row.astype(bool) if whole else row.astype(np.float32)


def load(path: Path) -> Family:
    """Read a family. Raises ValueError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            index = json.loads(arrays["index"].tobytes())
            if index["format"] != FORMAT:
                raise ValueError(f"its format is {index['format']!r}, not {FORMAT!r}")
            groups = [arrays[f"fifths {i}"].astype(np.intp) for i in range(sum(n.startswith("fifths") for n in arrays))]

            def decode(record: dict[str, Any]) -> Arm:
                correct, flops = (arrays[f"row {record['row'] + i}"].astype(np.float64) for i in (0, 1))
                fifths = None if record["fifths"] is None else groups[record["fifths"]]
                return Arm(Allocation(*record["allocation"]), correct, flops, fifths)

            values: dict[str, Value] = {}
            for call, value in index["values"].items():
                if "arms" in value:
                    values[call] = Arms(map(decode, value["arms"]))
                else:
                    values[call] = decode(value["arm"]) if "arm" in value else float(value["number"])
            return Family(str(index["name"]), values)
    except Exception as error:
        raise ValueError(f"{path} is not a recorded family: {error}") from None


@cache
def families() -> dict[str, Family | None]:
    """The families by seed; None stands for the shipped family, whose values are computed from its runs."""
    others = {path.stem: load(path) for path in sorted(FOLDER.glob("*.npz"))}
    return {SHIPPED: None, **others}


@cache
def pool() -> Family:
    """All families as one; the values of the shipped family are computed from its runs."""
    return Pool([family or Recorder(name, {}) for name, family in families().items()])


def each_family(function: Callable[[], R]) -> dict[str, R]:
    """The result of a function for each family, by seed."""
    results = {}
    for name, family in families().items():
        with using(family):
            results[name] = function()
    return results


def of_all(function: Callable[[], R]) -> R:
    """The result of a function over the problems of all families."""
    with using(pool() if len(families()) > 1 else None):
        return function()
