"""Whole tables as DataFrames: what ships, what is recorded, and the headline numbers by seed.

Cells are text, written as a page shows it.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import bank
from ..data import ZOO
from . import seeds
from .claims import load_claims
from .exchange import RATIOS, agreed_map
from .training import training_flops

SPECS = {"share": ".0%", "gain": ".1p", "auc": ".3f", "times": ".1f"}  # by the unit of a headline number


def markdown(table: pd.DataFrame) -> list[str]:
    """The lines of a table in Markdown, without its index."""
    head = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    return [f"| {' | '.join(cells)} |" for cells in (*head, *table.itertuples(index=False, name=None))]


def models_table() -> pd.DataFrame:
    """Every shipped model, as its `training.json` says: what it was grown from, its size and what it cost."""
    rows = []
    for folder in sorted(ZOO.iterdir(), key=lambda folder: training_flops(folder.name)):
        record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        flops = (record["training_flops"], record.get("data_flops"), training_flops(folder.name))
        rows.append(
            {
                "Model": f"`{folder.name}`",
                "Grown from": f"`{record['base']}`" if record.get("base") else "nothing",
                "Parameters": f"{record['block_parameters']:,}",
                "Steps": f"{record['steps']:,}",
                "Seed": str(record["seed"]),
                **{
                    name: f"{count / 1e12:.3g}" if count else "none"
                    for name, count in zip(("Training", "Data", "All in all"), flops, strict=True)
                },
            }
        )
    return pd.DataFrame(rows)


def runs_table(kind: str) -> pd.DataFrame:
    """Every recorded run of a kind, "samples", "chains", "scores" or "searches", as its file says."""
    rows = []
    for path in sorted(bank.RUNS.glob("*.parquet")):
        run = json.loads(pq.read_schema(path).metadata[b"ttclab"])
        if run["format"].split()[1] == kind:
            rows.append(_DESCRIBED[kind](run, path))
    return pd.DataFrame(rows)


def _tokens(path: Path) -> str:
    return f"{pc.sum(pq.read_table(path, columns=['tokens'])['tokens']).as_py():,}"


def _samples(run: dict[str, Any], path: Path) -> dict[str, str]:
    return {
        "Model": f"`{run['model']}`",
        "Problems": run["split"],
        "Temperature": f"{run['temperature']:g}" if run["temperature"] else "0, greedy",
        "Samples of each": str(run["samples"]),
        "Tokens written": _tokens(path),
        "Seed": str(run["seed"]),
    }


def _chains(run: dict[str, Any], path: Path) -> dict[str, str]:
    lengths = run["lengths"]
    return {
        "Model": f"`{run['model']}`",
        "Problems": run["split"],
        "Feedback": f"`{run['feedback']}`" if run["feedback"] else "none",
        "Chains of each": str(len(lengths)),
        "Attempts in a chain": f"up to {max(lengths)}" if len({*lengths}) > 1 else str(lengths[0]),
        "Tokens written": _tokens(path),
        "Seed": str(run["seed"]),
    }


def _scores(run: dict[str, Any], path: Path) -> dict[str, str]:
    scored = run["of"]
    return {
        "Verifier": f"`{run['verifier']}`",
        "Of the recorded": f"{'chains' if 'chains' in scored['format'] else 'samples'} of `{scored['model']}`",
        "Problems": scored["split"],
        "Solutions scored": f"{pq.read_metadata(path).num_rows:,}",
    }


def _searches(run: dict[str, Any], path: Path) -> dict[str, str]:
    spent = pq.read_table(path, columns=[kind for kind in bank.KINDS if kind != "cached"])
    flops = sum(pc.mean(column).as_py() for column in spent.columns)
    noise = f", AUC {run['quality']:g}{', forgetful' * ('forgetful' in run)}" if run.get("quality") else ""
    return {
        "Model": f"`{run['model']}`",
        "Verifier": f"`{run['verifier']}`{noise}",
        "Problems": run["split"],
        **{key: str(run.get(key, "–")) for key in ("N", "M", "T")},
        "Lookahead": str(run.get("lookahead", "–")),
        "Million FLOPs a problem": f"{flops / 1e6:.1f}",
        "Seed": str(run["seed"]),
    }


_DESCRIBED = {"samples": _samples, "chains": _chains, "scores": _scores, "searches": _searches}


def seeds_table() -> pd.DataFrame:
    """The headline numbers, a column for each family of models, and of gains what all seeds say."""
    named = {seeds.SHIPPED: "These models", "0": "Seed 0 again", seeds.ALL: "All"}
    families = {named.get(family, f"Seed {family}"): row for family, row in seeds.load().items()}
    rows = []
    for name, headline in seeds.HEADLINES.items():
        values = {
            family: format(row[name], SPECS[headline.unit]) if name in row else "–" for family, row in families.items()
        }
        if "All" in families:
            values["In every seed"] = seeds.verdict(name) if headline.unit == "gain" else ""
        rows.append({"": name, **values})
    return pd.DataFrame(rows)


def claims_by_seed() -> pd.DataFrame:
    """Every claim with its verdict in each seed, and the one that all of them come to."""
    rows = []
    for claim in load_claims():
        found = claim.check()
        each = {"These models" if name == seeds.SHIPPED else f"Seed {name}": said for name, said in found.seeds.items()}
        rows.append({"The claim": claim.says, **each, "All": found.verdict})
    return pd.DataFrame(rows)


def agreed_table(at: int, verifier_given: bool = True) -> pd.DataFrame:
    """The winner map that all seeds agree on: rows are the fifths of difficulty and all problems, columns R."""
    rows = agreed_map(RATIOS, at, verifier_given=verifier_given)
    names = ("easiest", "second", "middle", "fourth", "hardest", "all")
    heads = [f"R = {R:g}" for R in RATIOS]
    return pd.DataFrame(
        [{"": name, **dict(zip(heads, row, strict=True))} for name, row in zip(names, rows, strict=True)]
    )
