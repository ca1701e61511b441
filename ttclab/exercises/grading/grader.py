"""Grading a class's notebooks: the same checks that learners run, on cases they have not seen.

Each submission runs in its own process, in an empty folder, within the limits of its keeper (`keeper`), with a package
without the answers (`withheld`). That process only calls the learner's functions; the right answers, the comparison and
the points stay in this process.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from threading import Event
from typing import Any

from ttclab.exercises import EXERCISES
from ttclab.exercises.exercise import Exercise, Report
from ttclab.exercises.grading import gradebook
from ttclab.exercises.grading.gradebook import Grade, name_of, one_line, printable
from ttclab.exercises.grading.session import LARGEST_NOTEBOOK, Limits, Session, Ungradable, running
from ttclab.exercises.grading.withheld import PACKAGE


def submissions(paths: Sequence[Path], out: Path) -> list[Path]:
    """The submissions in files and folders.

    Each entry of a folder is one learner's: a file is a submission, a subfolder contributes its notebooks. A subfolder
    without notebooks is a submission too, so that no work is lost silently. Hidden entries and `out` are skipped.
    """
    found: list[Path] = []
    for path in paths:
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
    """The exercises of every chapter for which a submission calls `check`; all exercises if none does.

    All submissions are graded on the same list, even if a learner has deleted an exercise.
    """
    chapters = set()
    for file in files:
        with suppress(Ungradable):
            chapters.update(re.findall(r"""\bcheck\(\s*["'](\d+)\.\d+["']""", "\n".join(read_cells(file))))
    return [each for each in EXERCISES if each.split(".")[0] in chapters] or [*EXERCISES]


def grade_all(
    files: Sequence[Path], exercises: Sequence[Exercise], out: Path, *, seed: int, limits: Limits, jobs: int
) -> Iterator[tuple[list[Grade], bool]]:
    """Grade submissions in parallel; yield the grades of each in order, and whether they were cached.

    The results of a submission are written atomically as soon as it is graded. Results for the same file, seed,
    exercises and limits are reused. Raises OSError if no submission can run on this machine.
    """
    # Read all cached results before any submission runs, so that no submission can forge one.
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
            if gradebook.load(out, file, key) != future.result()[0]:  # forged, on systems without Landlock
                gradebook.save(out, file, key, future.result()[0])
    finally:
        stopped.set()
        workers.shutdown(wait=False, cancel_futures=True)
        while wait(futures, timeout=0.1).not_done:
            for session in [*running]:
                session.process.terminate()


def _key(file: Path, exercises: Sequence[Exercise], seed: int, limits: Limits) -> str:
    """Digest of everything that a grade depends on."""
    read = ""
    with suppress(OSError):
        if file.is_file() and file.stat().st_size <= LARGEST_NOTEBOOK:
            read = hashlib.sha256(file.read_bytes()).hexdigest()
    return _digest(read, [exercise.id for exercise in exercises], seed, limits, _own_digest())


@cache
def _own_digest() -> str:
    return _digest([file.read_text(encoding="utf-8") for file in sorted((PACKAGE / "exercises").rglob("*.py"))])


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _rehearse(limits: Limits) -> None:
    """Run a trivial submission, so that a fault of this machine costs nobody a grade."""
    try:
        with Session(["def answer(): return 42"], limits) as session:
            if session.ask("answer", []) != {"value": 42}:
                raise Ungradable("gave another reply than it should")
    except Ungradable as error:
        raise OSError(f"no submission can run here: a process that does next to nothing {error}") from None


def grade(file: Path, exercises: Sequence[Exercise], *, seed: int, limits: Limits) -> list[Grade]:
    """Run one submission and grade its exercises on cases drawn from the seed.

    Every exercise gets a grade with a reason; nothing that a submission does raises here. All exercises run in one
    process; if an exercise ends it, the next one gets a new process.
    """
    grades: list[Grade] = []
    skipped: dict[int, str] = {}  # cells that do not end
    while left := exercises[len(grades) :]:
        try:
            with Session(read_cells(file), limits, skipped) as session:
                for exercise in left:
                    grades.append(_assessed(file, exercise, session, seed))
                    if session.over:
                        break
        except Ungradable as error:
            grades += [_graded(file, exercise, str(error)) for exercise in left]
        except Exception as error:  # a fault of the grader must not cost the class its grades
            grades += [_graded(file, exercise, _our_fault(error)) for exercise in left]
    return grades


def _assessed(file: Path, exercise: Exercise, session: "Session", seed: int) -> Grade:
    """One exercise of a submission whose cells have run."""
    try:
        session.start_clock()
        report = exercise.assess(partial(session.ask, exercise.function), seed)
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
