"""Tables of the pages as DataFrames of text: shipped models, recorded runs, and headline numbers by seed."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import bank
from ..data import ZOO
from ..estimators import Estimate
from . import seeds
from .families import families
from .headline_words import in_chapter
from .training import training_flops

SPECS = {"share": ".0%", "gain": ".1p", "auc": ".3f", "times": ".1f"}  # format of a headline number by its unit


def markdown(table: pd.DataFrame) -> list[str]:
    """The lines of a table in Markdown, without its index."""
    head = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    return [f"| {' | '.join(cells)} |" for cells in (*head, *table.itertuples(index=False, name=None))]


SEEDS = "Seeds 0, 1, 2"  # a column
UNCLEAR = "†"  # marks the difference of a seed that is not clear
VERDICTS = {"above 0": "holds: above 0", "below 0": "holds: below 0"}  # the others are called the same in the tables
_ROLES = {  # in the order of the table: the small models, the large one, the verifiers
    "small-plain": "twin of `small`: never saw an attempt",
    "small": "the small model: writes and rewrites",
    "small-rl": "after reinforcement learning",
    "large": "the 14x model, kept at six steps; costs are of the last",
    "orm": "scores whole solutions; labels: final answers",
    "prm": "scores steps; exact labels at every token",
    "prm-weak": "like `prm`, stopped early",
    "prm-exact": "scores steps; exact labels at the ends of steps",
    "prm-rollouts": "scores steps; labels from rollouts",
    "prm-large": "PRM 14x; exact labels at every token",
}


def models_table() -> pd.DataFrame:
    """The shipped models by family, from their `training.json`: what each is and grows from, its cost and its size.

    A model that was kept at several steps is one row, with its cost at the last of them.
    """
    rows = []
    kept: dict[str, list[tuple[int, Path]]] = {}
    for folder in ZOO.iterdir():
        record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        kept.setdefault(record["name"], []).append((int(record["steps"]), folder))
    for name in sorted(kept, key=[*_ROLES].index):
        steps, folders = zip(*sorted(kept[name]), strict=True)
        record = json.loads((folders[-1] / "training.json").read_text(encoding="utf-8"))
        flops = (record["training_flops"], record.get("data_flops"), training_flops(folders[-1].name))
        rows.append(
            {
                "Model": f"`{name}`",
                "What it is": f"{_ROLES[name]}; from `{record['base']}`" if record.get("base") else _ROLES[name],
                **{
                    column: f"{count / 1e12:.{1 if count >= 1e13 else 2}f}" if count else "–"
                    for column, count in zip(("Training", "Data", "In total"), flops, strict=True)
                },
                "Steps": " to ".join(f"{step:,}" for step in dict.fromkeys((steps[0], steps[-1]))),
                "Parameters": f"{record['block_parameters']:,}",
            }
        )
    return pd.DataFrame(rows)


def runs_table(kind: str) -> pd.DataFrame:
    """All recorded runs of a kind: "samples", "chains", "scores" or "searches", without constant columns."""
    rows = []
    for path in sorted(bank.RUNS.glob("*.parquet")):
        run = json.loads(pq.read_schema(path).metadata[b"ttclab"])
        if run["format"].split()[1] == kind:
            rows.append(_DESCRIBED[kind](run, path))
    table = pd.DataFrame(rows)
    return table.loc[:, table.nunique() > 1]


def _tokens(path: Path) -> str:
    return f"{pc.sum(pq.read_table(path, columns=['tokens'])['tokens']).as_py():,}"


def _samples(run: dict[str, Any], path: Path) -> dict[str, str]:
    return {
        "Model": f"`{run['model']}`",
        "Problems": run["split"],
        "Temperature": f"{run['temperature']:g}" if run["temperature"] else "0, greedy",
        "Samples per problem": str(run["samples"]),
        "Tokens written": _tokens(path),
        "Seed": str(run["seed"]),
    }


def _chains(run: dict[str, Any], path: Path) -> dict[str, str]:
    lengths = run["lengths"]
    return {
        "Model": f"`{run['model']}`",
        "Problems": run["split"],
        "Feedback": f"`{run['feedback']}`" if run["feedback"] else "none",
        "Chains per problem": str(len(lengths)),
        "Attempts in a chain": f"up to {max(lengths)}" if len({*lengths}) > 1 else str(lengths[0]),
        "Tokens written": _tokens(path),
        "Seed": str(run["seed"]),
    }


def _scores(run: dict[str, Any], path: Path) -> dict[str, str]:
    scored = run["of"]
    return {
        "Verifier": f"`{run['verifier']}`",
        "Scored run": f"{'chains' if 'chains' in scored['format'] else 'samples'} of `{scored['model']}`",
        "Problems": scored["split"],
        "Solutions scored": f"{pq.read_metadata(path).num_rows:,}",
    }


def _searches(run: dict[str, Any], path: Path) -> dict[str, str]:
    spent = pq.read_table(path, columns=[kind for kind in bank.KINDS if kind != "cached"])
    flops = sum(pc.mean(column).as_py() for column in spent.columns)
    noise = f", AUC {run['quality']:g}{', errors drawn anew' * ('forgetful' in run)}" if run.get("quality") else ""
    strategy = "beam search" if "lookahead" in run else "step-level revision"
    return {
        "Strategy": f"{strategy}, lookahead" if run.get("lookahead") else strategy,
        "Model": f"`{run['model']}`",
        "Verifier": f"`{run['verifier']}`{noise}",
        "Problems": run["split"],
        "N": str(run.get("N", run.get("M") if "T" in run else "–")),
        "Width": str(run["M"]) if "lookahead" in run else "–",
        "T": str(run.get("T", "–")),
        "Million FLOPs per problem": f"{flops / 1e6:.1f}",
        "Seed": str(run["seed"]),
    }


_DESCRIBED = {"samples": _samples, "chains": _chains, "scores": _scores, "searches": _searches}


def seeds_table(chapter: int) -> pd.DataFrame:
    """The headline numbers of a chapter: of every seed, and together; for differences, the verdict over all seeds."""
    by_family = seeds.load()
    recorded = [by_family[family] for family in families() if family in by_family]
    together = by_family.get(seeds.ALL)
    rows = []
    for name, words in in_chapter(chapter, list(seeds.HEADLINES)).items():
        unit = seeds.HEADLINES[name].unit
        row = {"What was measured": words, SEEDS: ", ".join(_short(values.get(name), unit) for values in recorded)}
        if together:
            row["Together"] = format(together[name], SPECS[unit]) if name in together else "–"
            verdict = seeds.verdict(name)
            row["Verdict"] = VERDICTS.get(verdict, verdict) if unit == "gain" else ""
        rows.append(row)
    return pd.DataFrame(rows)


def _short(value: Estimate | None, unit: str) -> str:
    """The number of a seed without its interval, and a mark if a difference may be zero or is written as zero."""
    if value is None:
        return "–"
    number = format(value, SPECS[unit]).split(" (")[0]
    return number + UNCLEAR * (unit == "gain" and (not value.sign or number == "0.0"))
