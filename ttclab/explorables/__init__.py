"""The simulators: the tables they look their numbers up in, and their face in notebooks.

One ES module (`explorables.js`, bundled from `src/` by `npm run build`) has an export for each simulator, and a default
that draws the one that its data belong to: the same view in a page of the book and in a notebook. The data of each are
one JSON file (`<name>.json`, made by `ttclab simulators`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..files import write_text
from . import arena, big_or_many, breadth_or_depth, scaling_curves, split_budget, verifier, watch_revision, watch_search
from .arena import arena_data as arena_data
from .big_or_many import big_or_many_data as big_or_many_data
from .breadth_or_depth import breadth_or_depth_data as breadth_or_depth_data
from .scaling_curves import scaling_curves_data as scaling_curves_data
from .split_budget import split_budget_data as split_budget_data
from .verifier import verifier_data as verifier_data
from .watch_revision import watch_revision_data as watch_revision_data
from .watch_search import weight_files

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "explorables.js"
RECORDED = {  # what makes the data of each anew from the recorded runs
    "big_or_many": big_or_many.recorded,
    "breadth_or_depth": breadth_or_depth.recorded,
    "verifier": verifier.recorded,
    "scaling_curves": scaling_curves.recorded,
    "watch_revision": watch_revision.recorded,
    "split_budget": split_budget.recorded,
    "arena": arena.recorded,
    "watch_search": watch_search.recorded,
}
NAMES = tuple(RECORDED)


LIVE = "watch_search"  # the simulator that runs models


class Explorable(anywidget.AnyWidget):
    """A simulator in a notebook; `show` makes one.

    `state` is the reader's selection, {} until a guess is committed; `weights` are the models that it runs.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    weights = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, data: dict[str, Any] | None = None, **traits: Any) -> None:
        if name not in NAMES:
            raise ValueError(f"no explorable is called {name!r}; there are: {', '.join(NAMES)}")
        data = shipped_data(name) if data is None else data
        if data.get("explorable") != name:
            raise ValueError(f"the data are for the explorable {data.get('explorable')!r}, not for {name!r}")
        self.name = name
        weights = {key: path.read_bytes() for key, path in weight_files().items()} if name == LIVE else {}
        super().__init__(_esm=BUNDLE.read_text(encoding="utf-8"), data=data, weights=weights, **traits)

    def __repr__(self) -> str:
        return f"Explorable({self.name!r})"


def show(name: str, data: dict[str, Any] | None = None) -> Explorable:
    """The simulator `name` as a widget, on the recorded runs that ship with the course or on `data` from your own run.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    data : dict, optional
        What `<name>_data(...)` returns; the recorded runs by default.

    Returns
    -------
    Explorable

    Raises
    ------
    ValueError
        If no simulator has that name, or the data are those of another one.
    """
    return Explorable(name, data)


def shipped_data(name: str) -> dict[str, Any]:
    """The data that ship with the course, as `<name>_data` made them."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def as_json(data: dict[str, Any]) -> str:
    """The one spelling of a data file: compact, in the order the data were made, one line."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"


def write_data() -> Iterator[tuple[Path, str]]:
    """Write the data of every simulator again; yields each file with its source, in words."""
    for name, recorded in RECORDED.items():
        data = recorded()
        path = FOLDER / f"{name}.json"
        write_text(path, as_json(data))
        yield path, data["source"]
