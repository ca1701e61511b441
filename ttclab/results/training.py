"""Size and training cost of the shipped models, from their `training.json` files."""

import json
from functools import cache

import numpy as np
from transformers import AutoConfig

from ..data import ZOO, folder_of
from ..flops import forward_flops
from .families import measured

Record = dict[str, int | str | None]  # contents of a training.json


@cache
def training_record(name: str, at: int | None = None) -> Record:
    """The `training.json` of a shipped model, at the training step `at` if several ship."""
    record: Record = json.loads((folder_of(name, at) / "training.json").read_text(encoding="utf-8"))
    return record


def _number(name: str, key: str, at: int | None = None) -> int:
    return int(training_record(name, at).get(key) or 0)


def steps(name: str, at: int | None = None) -> int:
    """The steps of a shipped model's training."""
    return _number(name, "steps", at)


def block_parameters(name: str, at: int | None = None) -> int:
    """The parameters in a shipped model's blocks."""
    return _number(name, "block_parameters", at)


def data_flops(name: str) -> int:
    """FLOPs of generating the training texts of a shipped model."""
    return _number(name, "data_flops")


def own_training_flops(name: str, at: int | None = None) -> int:
    """Training FLOPs of a shipped model and its data, without its base model."""
    return _number(name, "training_flops", at) + _number(name, "data_flops", at)


@measured
def training_flops(*names: str, at: int | None = None) -> int:
    """Total training FLOPs of shipped models, with their data and their base models.

    Parameters
    ----------
    *names : str
        Shipped models. A shared base model is counted once.
    at : int, optional
        Training step, for a single model that ships at several.
    """
    spent: dict[str, int] = {}
    for name in names:
        grown: str | None = name
        while grown and grown not in spent:
            spent[grown] = own_training_flops(grown, at)
            base = training_record(grown, at).get("base")
            grown, at = str(base) if base else None, None
    return sum(spent.values())


def training_tokens(name: str, at: int | None = None) -> float:
    """Tokens that a policy was trained on, padding included, computed from its training FLOPs.

    `training.json` has only the FLOPs. The mean FLOPs of a step give the length of its texts, by `forward_flops`.
    """
    from ..training.policy import RECIPES  # here, because it imports torch

    batch, total = RECIPES[name].batch, steps(name, at)
    config = AutoConfig.from_pretrained(folder_of(name, at), local_files_only=True)
    a_step = [3 * forward_flops(config, length, batch=batch) for length in range(1, config.max_position_embeddings)]
    length = float(np.interp(_number(name, "training_flops", at) / total, a_step, np.arange(1, len(a_step) + 1)))
    return total * batch * length


def zoo_training_flops() -> int:
    """Total training FLOPs of all shipped models; each training run is counted once, at its last step."""
    runs: dict[str, int] = {}
    for file in ZOO.glob("*/training.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        flops = int(record["training_flops"]) + int(record.get("data_flops", 0))
        runs[record["name"]] = max(runs.get(record["name"], 0), flops)
    return sum(runs.values())


def zoo_bytes() -> int:
    """Bytes of all shipped weights."""
    return sum(path.stat().st_size for path in ZOO.glob("*/*.safetensors"))
