"""Asks math-verify whether two expressions are equal, in a process of its own with a time limit.

Symbolic algebra can run for hours or fill the memory on a short text, and cannot be interrupted from a thread. So one
worker process does it. It starts with the first question, answers each in a fork that ends at the limit, and ends with
the interpreter; without forks (on Windows) it is killed at the limit, and started again. Run as a script, this file is
the worker; it imports nothing of the package.
"""

import atexit
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec

LIMIT = 0.5  # seconds of processor time for a question
_WAIT = 5  # seconds, for a machine that is busy with something else
_START = 60  # seconds to import math-verify
_MEMORY = 2 << 30  # bytes of address space
_TRIES = 2  # starts in a row that may fail before no more are made

_lock = threading.Lock()
_worker: "subprocess.Popen[bytes] | None" = None
_ready = False
_failures = 0


def is_installed() -> bool:
    """Whether math-verify can be imported, without importing it."""
    try:
        return find_spec("math_verify") is not None
    except (ImportError, ValueError):
        return False


def equal(a: str, b: str) -> bool:
    """Whether math-verify finds two expressions equal; False where it takes more than LIMIT or is not installed.

    Safe in threads, after a fork and at the end of the interpreter. Never raises. Warns once if math-verify is needed
    and not there.
    """
    return _answer(*sorted((a, b))) if is_installed() else _missing()


@lru_cache(maxsize=1)
def _missing() -> bool:
    warnings.warn(
        "some answers are expressions whose equality only math-verify can tell, and it is not installed: they count as "
        'different. pip install "ttclab[math]"',
        stacklevel=2,
    )
    return False


@lru_cache(maxsize=1 << 12)
def _answer(a: str, b: str) -> bool:
    with _lock:
        if not _start() or not _wait_until_ready():
            return False
        reply = _exchange(json.dumps([a, b]), _WAIT if hasattr(os, "fork") else LIMIT)
        if not reply:
            _start()  # another, which gets ready for the next question meanwhile
        return reply == b"true\n"


def _exchange(question: str, limit: float) -> bytes:
    """The worker's next line, after it was sent a question if there is one; nothing, and no worker, if it has none."""
    worker = _worker
    assert worker and worker.stdin and worker.stdout
    timer = threading.Timer(limit, worker.kill)
    timer.daemon = True
    reply = b""
    try:
        timer.start()
        if question:
            worker.stdin.write(question.encode() + b"\n")
            worker.stdin.flush()
        reply = worker.stdout.readline()
    except (OSError, RuntimeError, ValueError):
        pass  # the worker is gone, or the interpreter is ending
    except BaseException:
        stop()  # an interrupt: the reply that is still to come would be taken for that to the next question
        raise
    finally:
        timer.cancel()
    if not reply.endswith(b"\n"):
        stop()
        return b""
    return reply


def _start() -> bool:
    """Start the worker if it is not running; False if that is not possible."""
    global _worker, _ready
    if _worker and _worker.poll() is not None:
        stop()
    if _worker or _failures >= _TRIES:
        return _worker is not None
    try:
        _worker = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",  # Ctrl-C in a notebook is not for the worker
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, RuntimeError, ValueError, TypeError):
        return False
    _ready = False
    return True


def _wait_until_ready() -> bool:
    global _ready, _failures
    if not _ready:
        _ready = bool(_exchange("", _START))
        _failures = 0 if _ready else _failures + 1
    return _ready


@atexit.register
def stop() -> None:
    """Kill the worker if there is one; the next question starts another."""
    global _worker, _ready
    worker, _worker, _ready = _worker, None, False
    if worker:
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            try:
                if pipe:
                    pipe.close()
            except OSError:
                pass  # what was not sent yet to a worker that is gone


def _forget() -> None:
    """In a forked child, leave the worker to the parent."""
    global _lock, _worker, _ready
    if _worker:
        _worker.returncode = 0  # it is not a child of this process, and nothing waits for it
    _lock, _worker, _ready = threading.Lock(), None, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _serve() -> None:
    """Answer questions, a JSON list of two expressions a line, until the input ends."""
    try:
        from math_verify import LatexExtractionConfig, parse, verify
    except ImportError:  # or a package that it needs: no worker
        return

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):
        pass  # not on this system; the time limit bounds the memory too
    logging.disable(logging.CRITICAL)
    config = [LatexExtractionConfig()]

    def same(*texts: str) -> bool:
        read = [parse(f"${text}$", config, "no_fallback", parsing_timeout=None) for text in texts]
        rules = {"float_rounding": 15, "numeric_precision": 30, "strict": True, "timeout_seconds": None}
        return all(read) and bool(verify(*read, **rules))

    same("\\sin(x)^{2}+\\cos(x)^{2}", "1")  # the first takes longer
    reply = os.fdopen(os.dup(1), "w")
    print("ready", file=reply, flush=True)
    for line in sys.stdin:
        if hasattr(os, "fork"):
            found = _in_a_child(same, json.loads(line))
        else:
            found = _caught(same, json.loads(line))
        print(json.dumps(found), file=reply, flush=True)


def _caught(same: Callable[..., bool], texts: list[str]) -> bool:
    try:
        return same(*texts)
    except (Exception, RecursionError, MemoryError):
        return False


def _in_a_child(same: Callable[..., bool], texts: list[str]) -> bool:
    """Ask in a fork of the worker, which the system ends at the limit: math-verify is imported only once."""
    import signal

    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, LIMIT)  # each ends the process
        signal.setitimer(signal.ITIMER_REAL, _WAIT)
        os._exit(0 if _caught(same, texts) else 1)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    _serve()
