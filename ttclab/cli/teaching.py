"""The commands for teachers: grade and scoreboard."""

import os
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from ttclab.cli.options import COUNT, PATH, POSITIVE, WHOLE

submissions_argument = click.argument("submissions", nargs=-1, required=True, type=PATH, metavar="SUBMISSION...")
seconds_option = click.option(
    "--seconds", type=POSITIVE, default=60.0, help="time limit for the cells, and for each function"
)
memory_option = click.option("--memory", type=POSITIVE, default=2.0, metavar="GB", help="memory limit of a notebook")


def _submitted(submissions: Sequence[Path], out: Path) -> list[Path]:
    """The notebooks among the submissions, without those in `out`."""
    from ttclab.exercises.grading.grader import submissions as files_of

    for path in submissions:
        if not path.exists():
            raise click.ClickException(f"no such file: {path}")
    files: list[Path] = files_of(list(submissions), out)
    if not files:
        raise click.ClickException(f"nothing in {' '.join(map(str, submissions))}")
    return files


@click.command()
@submissions_argument
@click.option("--out", required=True, type=PATH, metavar="FOLDER", help="folder for the results")
@click.option(
    "--seed", type=WHOLE, default=1, help="random seed of the test cases; choose your own, since learners see 0"
)
@click.option("--exercise", "names", multiple=True, metavar="ID", help="grade only this exercise; may be repeated")
@seconds_option
@memory_option
@click.option("--jobs", type=COUNT, default=os.cpu_count() or 1, help="notebooks graded at once")
def grade(
    submissions: tuple[Path, ...],
    out: Path,
    seed: int,
    names: tuple[str, ...],
    seconds: float,
    memory: float,
    jobs: int,
) -> None:
    """Grade notebooks, or a folder of them.

    A folder contains one notebook or one folder for each learner.
    """
    if os.name != "posix":
        raise click.ClickException("grading needs Linux or macOS; on Windows use WSL or a container")
    from ttclab.exercises import EXERCISES
    from ttclab.exercises.grading.gradebook import name_of, one_line, write_page, write_tables
    from ttclab.exercises.grading.grader import Limits, assigned, grade_all
    from ttclab.exercises.grading.keeper import confines

    if out.exists() and not out.is_dir():
        raise click.ClickException(f"--out {out} is a file: name a folder")
    for name in names:
        if name not in EXERCISES:
            raise click.ClickException(f"no exercise {name}; there are: {', '.join(EXERCISES)}")
    files = _submitted(submissions, out)
    if not confines():
        print("note: this system cannot keep submissions from your files; grade in a container", file=sys.stderr)

    exercises = [EXERCISES[name] for name in dict.fromkeys(names or assigned(files))]
    width = max(map(len, [*(one_line(name_of(file)) for file in files), "file"]))
    print(f"{'file':{width}}  exercise  points  reason")
    grades, known = [], 0
    for own, is_cached in grade_all(files, exercises, out, seed=seed, limits=Limits(seconds, memory), jobs=jobs):
        for row in own:
            start = f"{one_line(row.file):{width}}  {row.exercise:<8}  {f'{row.points}/{row.max_points}':>6}  "
            print(textwrap.fill(row.reason, len(start) + 72, initial_indent=start, subsequent_indent=" " * len(start)))
        sys.stdout.flush()
        grades += own
        known += is_cached
    write_tables(out, grades)
    write_page(out, grades, seed)
    full = sum(row.points == row.max_points for row in grades)
    before = f"; {known} of {len(files)} submissions were graded before" if known else ""
    print(f"{full} of {len(grades)} with full points{before}; grades: {out}/grades.csv; report: {out}/report.html")


@click.command()
@submissions_argument
@click.option("--csv", type=PATH, metavar="FILE", help="also write the table to this file")
@click.option("--seed", type=WHOLE, default=1, help="random seed of the problems; choose your own")
@seconds_option
@memory_option
def scoreboard(submissions: tuple[Path, ...], csv: Path | None, seed: int, seconds: float, memory: float) -> None:
    """Rank the arena policies of notebooks."""
    from ttclab.exercises.chapters.arena import CAPSTONE, Standing, absent, as_text, scoreboard, standing
    from ttclab.exercises.grading.gradebook import name_of, one_line, write_csv
    from ttclab.exercises.grading.grader import Limits, Session, Ungradable, read_cells

    rows = []
    for file in _submitted(submissions, csv or Path("scoreboard.csv")):
        name = one_line(name_of(file))
        try:
            with Session(read_cells(file), Limits(seconds, memory)) as session:
                session.start_clock()
                rows.append(standing(name, partial(session.ask, CAPSTONE.function), seed))
        except Ungradable as error:
            rows.append(absent(name, one_line(str(error))))
    board = scoreboard(rows, seed)
    print(as_text(board))
    if csv:
        write_csv(csv, Standing._fields, board)
        print(f"the table is in {csv}")
