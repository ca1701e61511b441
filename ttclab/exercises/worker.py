"""The process that runs one submission: its cells, then its function on the arguments that are sent.

Started by the grader as `python -m ttclab.exercises.worker`. It knows no right answers and gives no points: it reads
JSON lines on standard input and writes JSON lines on standard output, and before the first cell runs it moves both
out of reach of what the submission prints and reads.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from types import ModuleType
from typing import IO, Any

from ttclab.exercises import EXERCISES, reply
from ttclab.exercises.exercise import in_words


def main() -> None:
    requests, replies = _private_streams()

    def send(message: Any) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    task = json.loads(requests.readline())
    exercise = EXERCISES[task["exercise"]]
    _withhold()
    shell, troubles = _shell(), []
    for number, source in enumerate(task["cells"], start=1):
        send({"cell": number})
        result = shell.run_cell(source, store_history=False, silent=True)
        if error := result.error_before_exec or result.error_in_exec:
            troubles.append(f"code cell {number} raised {in_words(error)}")
    function = shell.user_ns.get(exercise.function)
    send({"found": callable(function), "troubles": troubles})
    for line in requests:
        send(reply(function, json.loads(line)))


def _private_streams() -> tuple[IO[str], IO[str]]:
    """Standard input and output under new numbers; the old ones lead nowhere."""
    requests, replies = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return requests, replies


def _withhold() -> None:
    """Put the package's own answers to all exercises out of plain reach, so that calling one is no solution."""
    answers = {id(exercise.reference): _full_name(exercise.reference) for exercise in EXERCISES.values()}
    for module in [module for name, module in sys.modules.items() if name.startswith("ttclab.")]:
        for attribute, value in list(vars(module).items()):
            if id(value) in answers:
                setattr(module, attribute, _withheld(answers[id(value)]))
    others: dict[str, list[str]] = {}
    for name in {name for exercise in EXERCISES.values() for name in exercise.withheld}:
        module_name, _, attribute = name.rpartition(".")
        others.setdefault(module_name, []).append(attribute)
    for loaded in set(others).intersection(sys.modules):
        _replace(sys.modules[loaded], others[loaded])
    sys.meta_path.insert(0, _Withholding(others))


class _Withholding(MetaPathFinder):
    """Imports some modules without some of their functions: those that need torch are imported only if asked for."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in self.names else None
        if spec and (loader := spec.loader):
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _replace(module, self.names[fullname])

            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _replace(module: ModuleType, attributes: Sequence[str]) -> None:
    for attribute in attributes:
        setattr(module, attribute, _withheld(f"{module.__name__}.{attribute}"))


def _full_name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__name__}"


def _withheld(name: str) -> Callable[..., None]:
    def withheld(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"{name} is what an exercise asks you to write")

    return withheld


def _shell() -> Any:
    """IPython without a kernel: magics and `display` work as they do in a notebook, and nothing is kept."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    make: Callable[..., Any] = InteractiveShell.instance
    return make(config=config)


if __name__ == "__main__":
    main()
