"""Grading a folder of submitted notebooks: the same checks that learners run, on cases they have not seen.

Each submission runs in a process of its own, in an empty folder, under a time limit. That process only evaluates the
learner's function on the arguments it is sent; the right answers, the comparison and the points stay here.

Protected against: whatever a submission prints, its standard input and output, its exceptions, endless loops, ending
or killing its own process, checks or package functions patched inside it, and calling the package's own function by
its name. None of these gives points, and none keeps the other submissions from being graded.

Not protected against: code that sets out to harm. A submission runs as you do: it can read and change your files, use
the network and fill the memory, and whoever reads this package's source can find the function that is withheld.
Grade the work of people you do not know in a container, and read what earns full points.
"""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from ttclab.exercises import EXERCISES
from ttclab.exercises.exercise import Ask, Exercise

LONGEST_LINE = 1 << 20  # of a reply, in bytes
LONGEST_REASON = 600


class Ungradable(Exception):
    """Why a submission earns nothing before the checks could find out."""


@dataclass(frozen=True)
class Grade:
    """One exercise of one submission; the columns of the CSV."""

    file: str
    exercise: str
    points: int
    max_points: int
    reason: str


def grade(file: str | Path, exercise: Exercise, *, seed: int, seconds: float) -> Grade:
    """Run one submission and judge one exercise in it, on cases drawn from the seed, within so many seconds of time.

    Always gives a grade, with its reason: nothing a submission does raises here.
    """
    points = 0
    try:
        with running(read_cells(file), exercise, seconds) as (ask, troubles):
            report = exercise.judge(ask, seed)
        points, reason = report.points, report.reason
        if troubles and not report.solved:
            reason += f"; {troubles[0]}"
    except Ungradable as error:
        reason = str(error)
    except Exception as error:  # a fault of ours must not cost the class its grades
        reason = f"the grader itself failed, please report it: {type(error).__name__}: {error}"
    return Grade(str(file), exercise.id, points, exercise.points, one_line(reason))


def read_cells(file: str | Path) -> list[str]:
    """The source of each code cell of a notebook file. Raises Ungradable, with the reason, for anything else."""
    try:
        notebook = json.loads(Path(file).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Ungradable(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Ungradable(f"not a notebook: byte {error.start} is not UTF-8; save it again in Jupyter") from None
    except (ValueError, RecursionError):
        raise Ungradable("not a notebook: not JSON; submit the .ipynb file itself") from None
    match notebook:
        case {"cells": [*cells]}:
            return [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
        case {"worksheets": _}:
            raise Ungradable("a notebook of an old format (before 4): open it in Jupyter and save it again")
    raise Ungradable("not a notebook: JSON without a list of cells")


def assigned(files: Sequence[str | Path]) -> list[str]:
    """The exercises of every chapter that one of the submissions calls `check` for; all there are, if none calls it.

    One list for all of them: who deletes an exercise, or hands in something else, is graded on it like everyone else.
    """
    chapters = set()
    for file in files:
        with suppress(Ungradable):
            chapters.update(re.findall(r"""\bcheck\(\s*["'](\d+)\.\d+["']""", "\n".join(read_cells(file))))
    return [each for each in EXERCISES if each.split(".")[0] in chapters] or [*EXERCISES]


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


@contextmanager
def running(cells: Sequence[str], exercise: Exercise, seconds: float) -> Iterator[tuple[Ask, list[str]]]:
    """A submission whose cells have run, in a process that lives as long as the block.

    Yields an ask, which calls its function over there, and what its cells raised. Raises Ungradable, here or from the
    ask, if the function is not there, the time is over or the process has ended.
    """
    with tempfile.TemporaryDirectory(prefix="ttclab-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "ttclab.exercises.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": _import_path(), "IPYTHONDIR": folder, "MPLBACKEND": "agg"},
            start_new_session=True,
        )
        try:
            talk = _Talk(process, seconds)
            talk.send({"exercise": exercise.id, "cells": cells})
            state, doing = talk.receive("starting"), "starting"
            while "cell" in state:
                doing = f"running code cell {state['cell']}"
                state = talk.receive(doing)
            troubles = [str(trouble) for trouble in state.get("troubles", [])]
            if state.get("found") is not True:
                raise Ungradable("; ".join([f"no function {exercise.function} in the notebook", *troubles]))

            def ask(arguments: Sequence[Any]) -> Any:
                talk.send(arguments)
                return talk.receive(f"calling {exercise.function}({', '.join(map(repr, arguments))})")

            yield ask, troubles
        finally:
            _end(process)


class _Talk:
    """Lines of JSON to and from a process that may answer anything, or not at all, or be gone."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.process, self.seconds, self.deadline = process, seconds, time.monotonic() + seconds
        self.lines: Queue[bytes] = Queue(maxsize=64)
        # A thread, because reading a pipe cannot be given a time limit on every system.
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as pipe:
            while line := pipe.readline(LONGEST_LINE):
                self.lines.put(line)
        self.lines.put(b"")

    def send(self, message: Any) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):  # the end of the process shows when its reply is due
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def receive(self, doing: str) -> dict[str, Any]:
        left = self.deadline - time.monotonic()
        try:
            line = self.lines.get(timeout=left) if left > 0 else None
        except Empty:
            line = None
        if line is None:
            raise Ungradable(f"over the time limit of {self.seconds:g} s while {doing}")
        if not line:
            raise Ungradable(f"ended its own process while {doing}")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            raise Ungradable(f"gave no readable reply while {doing}")
        return reply


def _import_path() -> str:
    """This package first, then the caller's own path, none of it relative: the process works in another folder."""
    entries = [str(Path(__file__).parents[2]), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.pathsep.join(os.path.abspath(entry) for entry in entries)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.close()


def one_line(text: str) -> str:
    """A submission's words made safe for a table: one line, printable, not too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


def write_csv(file: str | Path, grades: Sequence[Grade]) -> None:
    """Write the grades with a header, all or nothing: an interrupted run leaves the old file whole."""
    file = Path(file)
    part = file.with_name(file.name + ".part")
    try:
        with part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as out:
            writer = csv.writer(out)
            writer.writerow(field.name for field in fields(Grade))
            writer.writerows(map(astuple, grades))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
