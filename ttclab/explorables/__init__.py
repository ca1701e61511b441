"""The simulators: the tables they look their numbers up in, and their face in notebooks.

One ES module each (`<name>.js`, bundled from `src/` by `npm run build`) draws the same view in a page of the book and
in a notebook, from one JSON file (`<name>.json`, made by `python -m ttclab.explorables`).
"""

import json
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from ..estimators import bootstrap, fifths, pass_at_k

FOLDER = Path(__file__).parent
NAMES = ("breadth_or_depth",)
SCHEMA = 1
GROUPS = {
    "all": "all problems",
    "1": "easiest fifth",
    "2": "second fifth",
    "3": "middle fifth",
    "4": "fourth fifth",
    "5": "hardest fifth",
}


class Explorable(anywidget.AnyWidget):
    """A simulator in a notebook; `show` makes one. `state` is the reader's selection, {} until a guess is committed."""

    _esm = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, data: dict[str, Any] | None = None, **traits: Any) -> None:
        if name not in NAMES:
            raise ValueError(f"no explorable is called {name!r}; there are: {', '.join(NAMES)}")
        self.name = name
        module = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
        super().__init__(_esm=module, data=shipped_data(name) if data is None else data, **traits)

    def __repr__(self) -> str:
        return f"Explorable({self.name!r})"


def show(name: str, data: dict[str, Any] | None = None) -> Explorable:
    """The simulator `name` as a widget, on the recorded runs that ship with the course or on `data` from your own run.

    data: what `<name>_data(...)` returns. Raises ValueError for an unknown name.
    """
    return Explorable(name, data)


def shipped_data(name: str) -> dict[str, Any]:
    """The data that ship with the course, as `<name>_data` made them."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def breadth_or_depth_data(
    correct: ArrayLike, flops_per_sample: ArrayLike, *, prefill_flops: ArrayLike = 0, source: str = "your own run"
) -> dict[str, Any]:
    """Coverage by budget, for all problems and by fifth of difficulty, as the simulator "Breadth or depth" looks it up.

    correct: (problems, samples), true where a sample is right; flops_per_sample: of writing one, a number, (problems,)
    or (problems, samples); prefill_flops: of reading a problem, paid once for all its samples, a number or (problems,);
    source: where the runs come from, shown under the chart. The fifths are of pass@1 on these same samples. Theory is
    1-(1-p)^N with p the group's pass@1. JSON-ready; fractions keep 4 decimals.
    Raises ValueError for other shapes, for fewer than five problems and for no samples.
    """
    right = np.asarray(correct, dtype=bool)
    if right.ndim != 2 or len(right) < 5 or not right.shape[1]:
        raise ValueError(f"correct must be (problems, samples), at least 5 by 1, not {right.shape}")
    problems, samples = right.shape
    budgets = [2**i for i in range(9) if 2**i <= samples]
    writing, reading = np.asarray(flops_per_sample, dtype=float), np.broadcast_to(prefill_flops, problems)
    writing = np.broadcast_to(writing.mean(axis=1) if writing.ndim == 2 else writing, problems)
    coverage = pass_at_k(samples, right.sum(axis=1, keepdims=True), budgets)  # (problems, budgets)
    fifth = fifths(right.mean(axis=1))
    groups = []
    for key, name in GROUPS.items():
        members = np.full(problems, True) if key == "all" else fifth == int(key) - 1
        p, once, each = (values[members].mean() for values in (right, reading, writing))
        estimate = bootstrap(coverage[members])
        groups.append(
            {
                "key": key,
                "name": name,
                "problems": int(members.sum()),
                "p": round(float(p), 4),
                "coverage": {part: np.round(values, 4).tolist() for part, values in estimate._asdict().items()},
                "theory": np.round(1 - (1 - p) ** np.array(budgets), 4).tolist(),
                "flops": [float(f"{once + n * each:.4g}") for n in budgets],
            }
        )
    return {
        "schema": SCHEMA,
        "explorable": "breadth_or_depth",
        "source": f"{source}; {problems} problems, {samples} samples each",
        "flops_per_sample": float(f"{writing.mean():.4g}"),
        "budgets": budgets,
        "groups": groups,
        "tables": [_coverage_table(budgets, group) for group in groups],
    }


def build_data() -> dict[str, dict[str, Any]]:
    """The data of every simulator, by name, made anew from the recorded runs."""
    from .. import bank

    small = bank.load("small", "test")
    return {
        "breadth_or_depth": breadth_or_depth_data(
            small.correct,
            small.decode_flops,
            prefill_flops=small.prefill_flops,
            source=f"the small model's recorded runs on the test problems, temperature {small.made['temperature']:g}",
        )
    }


def as_json(data: dict[str, Any]) -> str:
    """The one spelling of a data file: compact, in the order the data were made, one line."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"


def _coverage_table(budgets: list[int], group: dict[str, Any]) -> dict[str, Any]:
    """A group's numbers in words: what the page's sentence, its table and its table without scripts all say."""
    rows = []
    for i, budget in enumerate(budgets):
        mean, low, high = _percents(*(group["coverage"][part][i] for part in ("mean", "low", "high")))
        (theory,) = _percents(group["theory"][i])
        rows.append([str(budget), f"{mean}%", f"{low} to {high}", f"{theory}%", _flops(group["flops"][i])])
    return {
        "caption": f"{group['name'].capitalize()}: {group['problems']} problems",
        "columns": ["Samples", "At least one right", "95% interval", "Theory", "Cost a problem"],
        "rows": rows,
    }


def _percents(*fractions: float) -> list[str]:
    """Whole percents, with as many decimals for all as the one nearest to 0 or 100 needs: 80, but 1.3 and 99.97."""
    ends = [min(x, 1 - x) for x in fractions if 0 < x < 1]
    digits = sum(min(ends, default=1) < limit for limit in (0.05, 0.005))
    return [f"{100 * x:.{digits}f}" for x in fractions]


def _flops(count: float) -> str:
    """Three digits and a prefix: 21.3 MFLOPs."""
    prefixes = ["", "k", "M", "G", "T", "P", "E"]
    while float(f"{count:.3g}") >= 1000 and len(prefixes) > 1:
        count, prefixes = count / 1000, prefixes[1:]
    return f"{float(f'{count:.3g}'):g} {prefixes[0]}FLOPs"
