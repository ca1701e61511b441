"""The models, recorded runs, fitted policies and tables that ship with the package, and where they lie."""

import os
from pathlib import Path

DATA = Path(__file__).parent
HOME = Path(os.environ.get("TTCLAB_HOME", DATA))  # set TTCLAB_HOME to use models trained from another seed
ZOO = HOME / "zoo"
RUNS = HOME / "runs"
POLICIES = HOME / "policies"  # fitted to the recorded runs: `ttclab fit`
DEFAULT_STEP = {"large": 1500}  # its greedy accuracy is 0.2 above "small" and well below 1


def folder_of(name: str | Path, at: int | None = None) -> Path:
    """Folder of a shipped model, at a step of its training; any other name is a path."""
    names = [path.name.rpartition("-") for path in ZOO.glob("*")]
    steps = sorted(int(step) for base, _, step in names if base == str(name) and step.isdecimal())
    if at is not None and at not in steps:
        shipped = f"at the steps {steps}" if steps else "at no more than one step"
        raise ValueError(f"{name!r} is shipped {shipped}, not at {at}")
    if steps:
        return ZOO / f"{name}-{at or DEFAULT_STEP[str(name)]}"
    return ZOO / name if (ZOO / name).is_dir() else Path(name)
