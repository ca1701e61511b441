"""Numbers of how the book was made."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from ttclab.estimators import bootstrap, majority
from ttclab.hardware import find_gpu
from ttclab.models import ZOO
from ttclab.training import seeds

from .words import small, trillions, with_interval

H100 = find_gpu("H100 SXM")


def default_of(function: Callable[..., Any], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


def zoo_training_flops() -> int:
    """All that every shipped model cost, each training run once, at its last step."""
    runs: dict[str, int] = {}
    for card in ZOO.glob("*/training.json"):
        made = json.loads(card.read_text())
        runs[made["name"]] = max(runs.get(made["name"], 0), made["training_flops"] + made.get("data_flops", 0))
    return sum(runs.values())


NUMBERS: dict[str, Callable[[], str]] = {
    "test problems": lambda: str(len(small().problems)),
    "bootstrap draws": lambda: f"{default_of(bootstrap, 'draws'):,}",
    "vote draws": lambda: str(default_of(majority, "draws")),
    "zoo megabytes": lambda: f"{sum(path.stat().st_size for path in ZOO.glob('*/*.safetensors')) / 1e6:.0f} MB",
    "zoo training flops": lambda: trillions(zoo_training_flops()),
    **{
        f"seed {seed} {model}": lambda row=row, headline=headline: with_interval(row[headline])
        for seed, row in seeds.load().items()
        for model, headline in (
            ("small", "small, one sample"),
            ("large", f"large at step {seeds.POINTS[-1]}, one greedy pass"),
        )
    },
    "h100 peak": lambda: trillions(H100.peak("bf16")),
    "h100 bandwidth": lambda: trillions(H100.bytes_per_second),
    # Reading a weight of 2 bytes pays for the 2 FLOPs of it in so many solutions.
    "h100 side by side": lambda: f"{H100.peak('bf16') / H100.bytes_per_second:.0f}",
}
