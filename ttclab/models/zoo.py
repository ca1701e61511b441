"""Where models lie: shipped with the package, in a directory, on the Hub, or behind an address."""

import json
import re
from pathlib import Path

from .. import hub
from ..data import ZOO, folder_of
from ..tasks.registry import TASKS
from ..tasks.task import Task
from . import smollm2

_HOST = re.compile(r"[\w.-]+:[0-9]+(/|$)|localhost(/|$)")  # an address without http://


def is_address(name: str | Path) -> bool:
    """Whether a model's name is the address of a server."""
    return str(name).lower().startswith(("http://", "https://"))


def directory_of(name: str | Path, at: int | None = None, **options: bool) -> Path:
    """Directory of a policy: shipped, on this machine, or on the Hub, from which it is downloaded once.

    Raises ValueError for a name that is none of these.
    """
    hub.refuse_page(name)
    directory = smollm2.folder() if str(name) == smollm2.NAME else folder_of(name, at)
    if str(name) == smollm2.NAME and not directory.is_dir():
        raise ValueError(f"{name} is not on this machine: get it once by `ttclab fetch {name}` (93 MB)")
    if not directory.is_dir() and hub.is_name(name):
        directory = hub.fetch(str(name), **options)
    if not (directory / "config.json").is_file() or _writes_nothing(directory):
        hint = f"; a server's address begins with http://, as in http://{name}" if _HOST.match(str(name)) else ""
        shipped = {path.parent.name.rstrip("-0123456789") for path in ZOO.glob("*/generation_config.json")}
        raise ValueError(
            f"a model is one of {', '.join(sorted(shipped))}, a directory with a config.json, owner/name on the Hub, "
            f"or a server's address, not {str(name)!r}{hint}"
        )
    return directory


def task_of(name: str | Path, at: int | None = None) -> Task:
    """The task that a model was trained on from scratch, which its training.json names; arithmetic if none is named."""
    record = folder_of(name, at) / "training.json"
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return TASKS[known.get("task", "arithmetic")]


def _writes_nothing(directory: Path) -> bool:
    """Whether a directory holds a RewardModel, whose weights transformers would load as a policy's."""
    return "RewardModel" in (json.loads((directory / "config.json").read_text()).get("architectures") or ())
