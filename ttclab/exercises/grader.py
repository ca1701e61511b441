"""Grading a class's notebooks: the same checks that learners run, on cases they have not seen.

Each submission runs in a process of its own, in an empty folder, within the bounds that its keeper holds (`keeper`),
and with a package that lacks the answers (`withheld`). That process only evaluates the learner's functions on the
arguments it is sent; the right answers, the comparison and the points stay here.
"""

import hashlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple, Self

from ttclab.exercises import EXERCISES, gradebook
from ttclab.exercises.exercise import Exercise, Report
from ttclab.exercises.gradebook import Grade, name_of, one_line, printable
from ttclab.exercises.keeper import ENDED, PROCESSES, Bounds
from ttclab.exercises.withheld import PACKAGE, data_files, write_package

GB = 10**9
LARGEST_NOTEBOOK = 200_000_000  # bytes, outputs included
LONGEST_LINE = 1 << 20  # of a reply, in bytes
MOST_SKIPPED = 5  # cells without end that cost no more than themselves: a chapter has no more exercises
DISK = GB // 4  # of files that a submission may write
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/nix", "/gnu", "/proc", "/sys", "/dev")
PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "TZ",
)  # of the environment, which may hold secrets


class Ungradable(Exception):
    """Why a submission earns nothing before the checks could find out."""


class OutOfTime(Ungradable):
    """A submission was over the time limit."""


class CellTooLong(OutOfTime):
    """A code cell was over the time limit. number: its place among the code cells, from 1."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Limits(NamedTuple):
    """What a submission may use: seconds for its cells and again for each exercise, and GB of memory in all.

    A cell that is over the time limit is left out, and the others get the seconds anew, at most MOST_SKIPPED times.
    """

    seconds: float = 60.0
    memory: float = 2.0


def submissions(given: Sequence[Path], out: Path) -> list[Path]:
    """What is to be graded: the files given, and for a folder what each of its entries hands in.

    An entry that is a file is a submission, whatever it holds; of one that is a folder, its notebooks are, or the
    folder itself if it has none. So nobody's work is lost without a word. Hidden entries are skipped, and so is the
    folder of the results.
    """
    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            found.append(path)
            continue
        for entry in sorted(path.iterdir()):
            if _is_hidden(entry) or entry.resolve() == out.resolve():
                continue
            notebooks = sorted(entry.rglob("*.ipynb")) if entry.is_dir() else []
            found += [n for n in notebooks if not any(map(_is_hidden, n.relative_to(path).parents))] or [entry]
    return [*dict.fromkeys(found)]


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "__MACOSX"))


def read_cells(file: Path) -> list[str]:
    """The source of each code cell of a notebook file. Raises Ungradable, with the reason, for anything else."""
    try:
        if file.is_dir():
            raise Ungradable("a folder without a notebook")
        if not file.is_file():
            raise Ungradable("not a file")
        if file.stat().st_size > LARGEST_NOTEBOOK:
            raise Ungradable(f"larger than {LARGEST_NOTEBOOK:,} bytes: clear its outputs and hand it in again")
        notebook = json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Ungradable(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Ungradable(f"not a notebook: byte {error.start} is not UTF-8; hand in what Jupyter saves") from None
    except (ValueError, RecursionError):
        raise Ungradable("not a notebook: not JSON; hand in the .ipynb file itself") from None
    match notebook:
        case {"cells": [*cells]}:
            return [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
        case {"worksheets": _}:
            raise Ungradable("a notebook of an old format (before 4): open it in Jupyter and save it again")
    raise Ungradable("not a notebook: JSON without a list of cells")


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def assigned(files: Sequence[Path]) -> list[str]:
    """The exercises of every chapter that one of the submissions calls `check` for; all there are, if none calls it.

    One list for all of them: who deletes an exercise, or hands in something else, is graded on it like everyone else.
    """
    chapters = set()
    for file in files:
        with suppress(Ungradable):
            chapters.update(re.findall(r"""\bcheck\(\s*["'](\d+)\.\d+["']""", "\n".join(read_cells(file))))
    return [each for each in EXERCISES if each.split(".")[0] in chapters] or [*EXERCISES]


def grade_all(
    files: Sequence[Path], exercises: Sequence[Exercise], out: Path, *, seed: int, limits: Limits, jobs: int
) -> Iterator[tuple[list[Grade], bool]]:
    """Grade submissions, some at a time, and yield each one's grades in turn, and whether they were there already.

    Each one's results are written as soon as it is graded, whole or not at all; what is there for the same file, seed,
    exercises and limits is not graded again. Raises OSError if no submission can run here at all.
    """
    # All are read before anything runs, so that nothing which runs can pass a forgery off as an earlier result.
    keys = [_key(file, exercises, seed, limits) for file in files]
    known = [gradebook.load(out, file, key) for file, key in zip(files, keys)]
    if None in known:
        _rehearse(limits)
    stopped = Event()

    def one(file: Path, key: str, known: list[Grade] | None) -> tuple[list[Grade], bool]:
        if known is not None:
            return known, True
        grades = [] if stopped.is_set() else grade(file, exercises, seed=seed, limits=limits)
        if not stopped.is_set():
            gradebook.save(out, file, key, grades)
        return grades, False

    workers = ThreadPoolExecutor(jobs)
    futures = [workers.submit(one, *each) for each in zip(files, keys, known)]
    try:
        for future in futures:
            yield future.result()
        for file, key, future in zip(files, keys, futures):
            if gradebook.load(out, file, key) != future.result()[0]:  # forged, where nothing forbids it
                gradebook.save(out, file, key, future.result()[0])
    finally:
        stopped.set()
        workers.shutdown(wait=False, cancel_futures=True)
        while wait(futures, timeout=0.1).not_done:
            for session in [*_running]:
                session.process.terminate()


def _key(file: Path, exercises: Sequence[Exercise], seed: int, limits: Limits) -> str:
    """Changes with anything that a grade depends on."""
    read = ""
    with suppress(OSError):
        if file.is_file() and file.stat().st_size <= LARGEST_NOTEBOOK:
            read = hashlib.sha256(file.read_bytes()).hexdigest()
    return _digest(read, [exercise.id for exercise in exercises], seed, limits, _own_digest())


@cache
def _own_digest() -> str:
    return _digest([file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py"))])


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _rehearse(limits: Limits) -> None:
    """Run a submission of ours, so that a fault of this machine costs nobody a grade."""
    try:
        with Session(["def answer(): return 42"], limits) as session:
            if session.ask("answer", []) != {"value": 42}:
                raise Ungradable("gave another reply than it should")
    except Ungradable as error:
        raise OSError(f"no submission can run here: a process that does next to nothing {error}") from None


def grade(file: Path, exercises: Sequence[Exercise], *, seed: int, limits: Limits) -> list[Grade]:
    """Run one submission and judge each of the exercises in it, on cases drawn from the seed.

    Always gives a grade for each, with its reason: nothing a submission does raises here. All exercises are judged in
    one process; if one of them ends it, the next gets a new one.
    """
    grades: list[Grade] = []
    skipped: dict[int, str] = {}  # cells that do not end
    while left := exercises[len(grades) :]:
        try:
            with Session(read_cells(file), limits, skipped) as session:
                for exercise in left:
                    grades.append(_judged(file, exercise, session, seed))
                    if session.over:
                        break
        except Ungradable as error:
            grades += [_graded(file, exercise, str(error)) for exercise in left]
        except Exception as error:  # a fault of ours must not cost the class its grades
            grades += [_graded(file, exercise, _our_fault(error)) for exercise in left]
    return grades


def _judged(file: Path, exercise: Exercise, session: "Session", seed: int) -> Grade:
    """One exercise of a submission whose cells have run."""
    try:
        session.start_clock()
        report = exercise.judge(partial(session.ask, exercise.function), seed)
    except Ungradable as error:
        return _graded(file, exercise, "; ".join([*session.skipped.values(), str(error), *session.troubles]))
    except Exception as error:
        return _graded(file, exercise, _our_fault(error))
    before, after = ([], []) if report.solved else ([*session.skipped.values()], session.troubles)
    return _graded(file, exercise, "; ".join([*before, report.reason, *after]), report)


def _graded(file: Path, exercise: Exercise, reason: str, report: Report | None = None) -> Grade:
    points, words = (report.points, printable(str(report)).strip()) if report else (0, "")
    return Grade(name_of(file), exercise.id, points, exercise.points, one_line(reason), words)


def _our_fault(error: Exception) -> str:
    return f"the grader itself failed, please report it: {type(error).__name__}: {error}"


def _holds_libraries(path: Path) -> bool:
    """Whether submissions may see a place to import from: not the course itself, nor where the teacher works."""
    installed = path.name in ("site-packages", "dist-packages")
    return installed or not (path == Path.cwd() or (path / PACKAGE.name).is_dir())


_running: set["Session"] = set()


class Session:
    """A submission whose cells have run, in a process that lives as long as the block.

    skipped: its cells that do not end and are left out, by number, with the reason; those found are added. troubles:
    what its other cells raised, the first of it. over: whether the process has ended, or must. Raises Ungradable
    from anything that waits for a process that answers anything, or not at all, or is gone.
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
            [*keeper, sys.executable, "-m", "ttclab.exercises.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | own,
            start_new_session=True,
        )
        _running.add(self)
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
        _running.discard(self)
        assert self.process.stdout
        self.process.stdout.close()

    def _run(self) -> dict[str, Any]:
        """Run the cells. Returns what the process says of them."""
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
        """From now on all calls together have the time limit; what the checks do between them takes none of it."""
        self.left = self.limits.seconds

    def ask(self, function: str, arguments: Sequence[Any]) -> Any:
        """What a function of the notebook replies to these arguments. Raises Ungradable if it is not there."""
        doing = f"calling {function}({', '.join(map(repr, arguments))})"
        self.deadline = time.monotonic() + self.left
        self._send([function, arguments], doing)
        reply = self._receive(doing)
        self.left = self.deadline - time.monotonic()
        if reply == {"missing": True}:
            raise Ungradable(f"no function {function} in the notebook")
        return reply

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
        """End the process, with all that it started. Returns its keeper's exit status."""
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        if status < 0:  # something has befallen the keeper
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return status
