"""The process that runs one submission: its cells, then its function on the arguments that are sent.

Started by the grader as `python -m ttclab.exercises.worker`. It knows no right answers and gives no points: it reads
JSON lines on standard input and writes JSON lines on standard output, and before the first cell runs it moves both
out of reach of what the submission prints and reads.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

from ttclab.exercises import EXERCISES, reply
from ttclab.exercises.exercise import Exercise, in_words


def main() -> None:
    requests, replies = _private_streams()

    def send(message: Any) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    task = json.loads(requests.readline())
    exercise = EXERCISES[task["exercise"]]
    _withhold(exercise)
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


def _withhold(exercise: Exercise) -> None:
    """Put the package's own answer out of plain reach, so that calling it is no solution."""
    name = f"{exercise.reference.__module__}.{exercise.reference.__name__}"

    def withheld(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"{name} is what this exercise asks you to write")

    setattr(sys.modules[exercise.reference.__module__], exercise.reference.__name__, withheld)


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
