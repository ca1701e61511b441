"""How the book was made, in tables computed while it is built.

{models}, {runs} of a kind, {seeds}, {commands}, {version}`name`.

```{models}
```
```{runs} samples
```
"""

import json
import platform
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from ttclab import bank
from ttclab.__main__ import COMMANDS
from ttclab.models import ZOO
from ttclab.results import seeds
from ttclab.results.training import training_flops


def model_rows() -> Iterable[list[str]]:
    """Every shipped model, as its card says: what it was grown from, its size, its training, all that it cost."""
    for folder in sorted(ZOO.iterdir(), key=lambda folder: training_flops(folder.name)):
        made = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        yield [
            f"`{folder.name}`",
            f"`{made['base']}`" if made.get("base") else "nothing",
            f"{made['block_parameters']:,}",
            f"{made['steps']:,}",
            str(made["seed"]),
            *(
                f"{flops / 1e12:.3g}" if flops else "none"
                for flops in (made["training_flops"], made.get("data_flops"), training_flops(folder.name))
            ),
        ]


def _samples(made: dict[str, Any], table: Callable[..., Any]) -> list[str]:
    temperature = f"{made['temperature']:g}" if made["temperature"] else "0, greedy"
    written = pc.sum(table(["tokens"])["tokens"]).as_py()
    return [f"`{made['model']}`", made["split"], temperature, f"{made['samples']}", f"{written:,}", str(made["seed"])]


def _chains(made: dict[str, Any], table: Callable[..., Any]) -> list[str]:
    written = pc.sum(table(["tokens"])["tokens"]).as_py()
    heard = f"`{made['feedback']}`" if made["feedback"] else "none"
    lengths = made["lengths"]
    longest = f"up to {max(lengths)}" if len({*lengths}) > 1 else str(lengths[0])
    return [f"`{made['model']}`", made["split"], heard, f"{len(lengths)}", longest, f"{written:,}", str(made["seed"])]


def _scores(made: dict[str, Any], table: Callable[..., Any]) -> list[str]:
    of = made["of"]
    what = "chains" if "chains" in of["format"] else "samples"
    return [f"`{made['verifier']}`", f"{what} of `{of['model']}`", of["split"], f"{table(['place']).num_rows:,}"]


def _searches(made: dict[str, Any], table: Callable[..., Any]) -> list[str]:
    spent = table([kind for kind in bank.KINDS if kind != "cached"])
    each = sum(pc.mean(spent[kind]).as_py() for kind in spent.column_names)
    shape = [str(made[key]) for key in ("N", "M", "lookahead")]
    return [
        f"`{made['model']}`",
        f"`{made['verifier']}`",
        made["split"],
        *shape,
        f"{each / 1e6:.1f}",
        str(made["seed"]),
    ]


KINDS: dict[str, tuple[list[str], Callable[..., list[str]]]] = {
    "samples": (["Model", "Problems", "Temperature", "Samples of each", "Tokens written", "Seed"], _samples),
    "chains": (
        ["Model", "Problems", "Feedback", "Chains of each", "Attempts in a chain", "Tokens written", "Seed"],
        _chains,
    ),
    "scores": (["Judge", "Of the recorded", "Problems", "Solutions scored"], _scores),
    "searches": (["Model", "Judge", "Problems", "N", "M", "Lookahead", "Million FLOPs a problem", "Seed"], _searches),
}


def run_rows(kind: str) -> Iterable[list[str]]:
    """Every recorded run of a kind, as its file says."""
    for path in sorted(bank.RUNS.glob("*.parquet")):
        made = json.loads(pq.read_schema(path).metadata[b"ttclab"])
        if made["format"].split()[1] == kind:
            yield KINDS[kind][1](made, lambda columns, path=path: pq.read_table(path, columns=columns))


SPECS = {"share": ".0%", "gain": ".1p", "auc": ".3f", "times": ".1f"}


def seed_rows() -> Iterable[list[str]]:
    """The headline numbers, a column a family."""
    families = seeds.load().values()
    for name, headline in seeds.HEADLINES.items():
        yield [name, *(format(row[name], SPECS[headline.unit]) if name in row else "–" for row in families)]


class _Table(SphinxDirective):
    def table(self, columns: list[str], rows: Iterable[list[str]]) -> list[nodes.Node]:
        lines = [columns, ["---"] * len(columns), *rows]
        made = self.parse_text_to_nodes("\n".join(f"| {' | '.join(line)} |" for line in lines))
        for table in made:
            table["classes"].append("dense")
        return made


class Models(_Table):
    def run(self) -> list[nodes.Node]:
        for card in ZOO.glob("*/training.json"):
            self.env.note_dependency(str(card))
        columns = ["Model", "Grown from", "Parameters", "Steps", "Seed", "Training", "Data", "All in all"]
        return self.table(columns, model_rows())


class Runs(_Table):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in bank.RUNS.glob("*.parquet"):
            self.env.note_dependency(str(path))
        kind = self.arguments[0]
        return self.table(KINDS[kind][0], run_rows(kind))


class Seeds(_Table):
    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(seeds.FILE))
        named = {seeds.SHIPPED: "These models", "0": "Seed 0 again"}
        families = (named.get(family, f"Seed {family}") for family in seeds.load())
        return self.table(["", *families], seed_rows())


class Commands(_Table):
    def run(self) -> list[nodes.Node]:
        rows = [[f"`python -m ttclab {name}`", command.help] for name, command in COMMANDS.items()]
        return self.table(["Command", "What it does"], rows)


class Version(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        found = platform.python_version() if self.text == "python" else version(self.text)
        return [nodes.Text(found)], []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("models", Models)
    app.add_directive("runs", Runs)
    app.add_directive("seeds", Seeds)
    app.add_directive("commands", Commands)
    app.add_role("version", Version())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
