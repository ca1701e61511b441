"""A submission in its own process, which runs the cells and then calls the functions."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

from ttclab.exercises.grading.keeper import ENDED, PROCESSES, Bounds
from ttclab.exercises.grading.withheld import PACKAGE, data_files, write_package
from ttclab.exercises.reply import Reply

GB = 10**9


LARGEST_NOTEBOOK = 200_000_000  # bytes, outputs included


LONGEST_LINE = 1 << 20  # bytes of a reply


MOST_SKIPPED = 5  # endless cells that are skipped; a chapter has at most as many exercises


DISK = GB // 4  # bytes of files that a submission may write


SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/nix", "/gnu", "/proc", "/sys", "/dev")


PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "TZ",
)  # environment variables; others may hold secrets


class Ungradable(Exception):
    """A submission cannot be checked; the message is the reason."""


class OutOfTime(Ungradable):
    """A submission exceeded the time limit."""


class CellTooLong(OutOfTime):
    """A code cell exceeded the time limit. number: index of the code cell, from 1."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Limits(NamedTuple):
    """Limits of a submission: seconds for its cells and for each exercise, and GB of memory.

    A cell that exceeds the time limit is skipped, and the others start again, at most MOST_SKIPPED times.
    """

    seconds: float = 60.0
    memory: float = 2.0


def _holds_libraries(path: Path) -> bool:
    """Whether submissions may import from a path; not from the course itself or the teacher's folder."""
    installed = path.name in ("site-packages", "dist-packages")
    return installed or not (path == Path.cwd() or (path / PACKAGE.name).is_dir())


running: set["Session"] = set()


class Session:
    """A submission whose cells have run, in a process that lives as long as the block.

    Methods that wait for the process raise Ungradable if it ends, or does not answer properly in time.

    Attributes
    ----------
    skipped : dict
        Reasons by number of the cells that are skipped because they do not end. New ones are added.
    troubles : list of str
        The first error of the other cells.
    over : bool
        Whether the process has ended or must end.
    """

    def __init__(self, cells: Sequence[str], limits: Limits, skipped: dict[int, str] | None = None) -> None:
        self.cells, self.limits, self.over = cells, limits, False
        self.skipped = {} if skipped is None else skipped
        self.troubles: list[str] = []

    def __enter__(self) -> Self:
        while True:
            try:
                return self._started()
            except CellTooLong as late:
                if len(self.skipped) == MOST_SKIPPED:
                    raise
                self.skipped[late.number] = str(late)
                self.over = False

    def _started(self) -> Self:
        folder = Path(tempfile.mkdtemp(prefix="ttclab-"))  # the keeper removes it
        write_package(folder)
        folder.chmod(0o755)
        paths = [path for path in sys.path if os.path.isdir(path) and _holds_libraries(Path(path))]
        prefixes = [os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)] + [sys.prefix, sys.base_prefix]
        readable = [*SYSTEM, *prefixes, *paths, str(folder), *map(str, data_files())]
        bounds = Bounds(int(self.limits.memory * GB), DISK, readable)
        work = str(folder / "work")
        own = {
            "PYTHONPATH": os.pathsep.join([str(folder), *paths]),
            **dict.fromkeys(("HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR"), work),
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        keeper = [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py")), json.dumps(bounds._asdict())]
        self.process = subprocess.Popen(
            [*keeper, sys.executable, "-m", "ttclab.exercises.grading.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | own,
            start_new_session=True,
        )
        running.add(self)
        assert self.process.stdin and self.process.stdout
        self.requests, self.replies, self.read = self.process.stdin.fileno(), self.process.stdout.fileno(), b""
        os.set_blocking(self.requests, False)
        os.set_blocking(self.replies, False)
        try:
            self.deadline = time.monotonic() + self.limits.seconds
            state = self._run()
        except BaseException:
            self.__exit__()
            raise
        self.troubles = [str(trouble) for trouble in state.get("troubles", [])]
        self.start_clock()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        running.discard(self)
        assert self.process.stdout
        self.process.stdout.close()

    def _run(self) -> dict[str, Any]:
        """Run the cells; return the final message of the process."""
        cells = ["" if number in self.skipped else cell for number, cell in enumerate(self.cells, start=1)]
        self._send(cells, "starting")
        state = self._receive("starting")
        while "cell" in state:
            number, doing = state["cell"], f"running code cell {state['cell']}"
            try:
                state = self._receive(doing)
            except OutOfTime as late:
                if number in range(1, 1 + len(self.cells)) and number not in self.skipped:  # not a forged one
                    raise CellTooLong(str(late), number) from None
                raise
        return state

    def start_clock(self) -> None:
        """Start the time limit for all further calls together; time between the calls does not count."""
        self.left = self.limits.seconds

    def ask(self, function: str, arguments: Sequence[Any]) -> Reply:
        """The reply of a function of the notebook. Raises Ungradable if it does not exist."""
        doing = f"calling {function}({', '.join(map(repr, arguments))})"
        self.deadline = time.monotonic() + self.left
        self._send([function, arguments], doing)
        reply = self._receive(doing)
        self.left = self.deadline - time.monotonic()
        if reply == {"missing": True}:
            raise Ungradable(f"no function {function} in the notebook")
        return cast(Reply, reply)

    def _send(self, message: Any, doing: str) -> None:
        left = json.dumps(message).encode() + b"\n"
        while left:
            self._wait(self.requests, select.POLLOUT, doing)
            try:
                left = left[os.write(self.requests, left[: select.PIPE_BUF]) :]
            except OSError:  # its end of the pipe is closed
                raise self._ended(doing) from None

    def _receive(self, doing: str) -> dict[str, Any]:
        while b"\n" not in self.read:
            self._wait(self.replies, select.POLLIN, doing)
            some = os.read(self.replies, 1 << 16)
            if not some:
                raise self._ended(doing)
            self.read += some
            if len(self.read) > LONGEST_LINE:
                break
        line, _, self.read = self.read.partition(b"\n")
        try:
            reply = json.loads(line) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            self.over = True
            raise Ungradable(f"gave no readable reply while {doing}")
        return reply

    def _wait(self, pipe: int, event: int, doing: str) -> None:
        poll, left = select.poll(), self.deadline - time.monotonic()
        poll.register(pipe, event)
        if left <= 0 or not poll.poll(left * 1000):
            self.over = True
            raise OutOfTime(f"over the time limit of {self.limits.seconds:g} s while {doing}")

    def _ended(self, doing: str) -> Ungradable:
        self.over = True
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)  # if the process has ended, its keeper knows how
        status = self.end()
        bounds = {"memory": self.limits.memory, "disk": DISK / GB, "processes": PROCESSES}
        how = ENDED.get(status, f"was ended by signal {abs(status) % 128}").format(**bounds)
        return Ungradable(f"{how} while {doing}")

    def end(self) -> int:
        """End the process and its children; return the exit status of its keeper."""
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        if status < 0:  # the keeper itself was killed
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return status
