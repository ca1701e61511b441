"""The simulators: their data, and their widgets for notebooks.

One ES module (`explorables.js`, bundled from `src/` by `npm run build`) has an export for each simulator, and a default
export that draws the simulator named in the data. Pages of the book and notebooks use the same module. The data of a
simulator is a JSON file (`<name>.json`, written by `ttclab simulators`).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, overload

import anywidget
import traitlets

from ..files import write_text
from . import arena, big_or_many, breadth_or_depth, scaling_curves, split_budget, verifier, watch_revision, watch_search
from .arena import arena_data as arena_data
from .big_or_many import big_or_many_data as big_or_many_data
from .breadth_or_depth import breadth_or_depth_data as breadth_or_depth_data
from .scaling_curves import scaling_curves_data as scaling_curves_data
from .schemas import SimulatorData, WatchSearchData
from .split_budget import split_budget_data as split_budget_data
from .verifier import verifier_data as verifier_data
from .watch_revision import watch_revision_data as watch_revision_data
from .watch_search import weight_files

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "explorables.js"
RECORDED: dict[str, Callable[[], SimulatorData]] = {  # functions that compute the data from the recorded runs
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


LIVE = ("watch_search", "arena")  # the simulators that run models


class Explorable(anywidget.AnyWidget):
    """Widget of a simulator in a notebook, created by `show`.

    `state` is the reader's selection, {} until a guess is committed. `weights` has the models that run in the browser.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    weights = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, data: Mapping[str, object] | None = None, **traits: Any) -> None:
        if name not in NAMES:
            raise ValueError(f"no explorable is called {name!r}; there are: {', '.join(NAMES)}")
        data = shipped_data(name) if data is None else data
        if data.get("explorable") != name:
            raise ValueError(f"the data are for the explorable {data.get('explorable')!r}, not for {name!r}")
        self.name = name
        weights = {key: path.read_bytes() for key, path in weight_files().items()} if name in LIVE else {}
        super().__init__(_esm=BUNDLE.read_text(encoding="utf-8"), data=data, weights=weights, **traits)

    def __repr__(self) -> str:
        return f"Explorable({self.name!r})"


def show(name: str, data: Mapping[str, object] | None = None) -> Explorable:
    """Show a simulator as a widget, with the shipped recorded runs or with data from your own run.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    data : dict, optional
        Result of `<name>_data(...)`, by default for the recorded runs.

    Returns
    -------
    Explorable

    Raises
    ------
    ValueError
        If no simulator has this name, or the data belong to another simulator.
    """
    return Explorable(name, data)


@overload
def shipped_data(name: Literal["watch_search"]) -> WatchSearchData: ...
@overload
def shipped_data(name: str) -> SimulatorData: ...
def shipped_data(name: str) -> SimulatorData:
    """The shipped data of a simulator, as `<name>_data` returned them."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def as_json(data: Mapping[str, object]) -> str:
    """Format the data for a file: compact, on one line, in the original order."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"


def write_data() -> Iterator[tuple[Path, str]]:
    """Compute and write the data of every simulator; yield the path of each file and the source of its data."""
    for name, recorded in RECORDED.items():
        data = recorded()
        path = FOLDER / f"{name}.json"
        write_text(path, as_json(data))
        yield path, data["source"]
