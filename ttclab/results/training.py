"""Size and training cost of the shipped models, from their `training.json` files."""

import json
from functools import cache
from typing import Any

import numpy as np
from transformers import AutoConfig

from ..data import ZOO, folder_of
from ..flops import forward_flops
from .families import measured

Record = dict[str, Any]  # contents of a training.json


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
    """Total training FLOPs of shipped models, with their data, their base models and the models that wrote their data.

    Parameters
    ----------
    *names : str
        Shipped models. A model on which several of them depend is counted once.
    at : int, optional
        Training step, for a single model that ships at several.
    """
    spent: dict[str, int] = {}
    waiting = [(name, at) for name in names]
    while waiting:
        name, step = waiting.pop()
        if name not in spent:
            spent[name] = own_training_flops(name, step)
            record = training_record(name, step)
            waiting += [(needed, None) for needed in (record.get("base"), *record.get("writers", ())) if needed]
    return sum(spent.values())


@measured
def trained_steps(name: str) -> float:
    """Steps of a model's training, in each family."""
    return float(steps(name))


@measured
def validation(name: str, measure: str) -> float:
    """A measure of a model on validation problems at the end of its training, in each family."""
    return float(training_record(name)["validation"][measure])


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
