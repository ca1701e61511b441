"""The process that runs one submission: its cells, then its functions on the arguments that are sent.

The keeper starts it as `python -m ttclab.exercises.grading.worker`, with the package of `withheld`. It knows no
exercises and no answers, and gives no points. It reads JSON lines from standard input and writes JSON lines to standard
output. Before the first cell runs, it moves both out of reach of the submission.
"""

import json
import os
from collections.abc import Callable
from typing import IO, Any

from ttclab.exercises.reply import in_words, reply

LONGEST_TROUBLE = 500


def main() -> None:
    requests, replies = _private_streams()

    def send(message: Any) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    shell, troubles = _shell(), []
    for number, source in enumerate(json.loads(requests.readline()), start=1):
        send({"cell": number})
        result = shell.run_cell(source, store_history=False, silent=True)
        if error := result.error_before_exec or result.error_in_exec:
            troubles.append(f"code cell {number} raised {in_words(error)}"[:LONGEST_TROUBLE])
    send({"troubles": troubles[:1]})
    for line in requests:
        name, arguments = json.loads(line)
        function = shell.user_ns.get(name)
        send(reply(function, arguments) if callable(function) else {"missing": True})


def _private_streams() -> tuple[IO[str], IO[str]]:
    """Duplicates of standard input and output; the original descriptors are redirected to the null device."""
    requests, replies = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return requests, replies


def _shell() -> Any:
    """IPython without a kernel: magics and `display` work as in a notebook, and no history is stored."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    make: Callable[..., Any] = InteractiveShell.instance
    return make(config=config)


if __name__ == "__main__":
    main()
