"""Numbers of how the book was made."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from ttclab.estimators import Estimate, bootstrap, majority
from ttclab.hardware import find_gpu
from ttclab.models import ZOO
from ttclab.training import seeds

from .words import bare_points, points, small, trillions, with_interval

H100 = find_gpu("H100 SXM")


def default_of(function: Callable[..., Any], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


def mean_times(ratio: Estimate) -> str:
    return f"{ratio.mean:.1f}"


def zoo_training_flops() -> int:
    """All that every shipped model cost, each training run once, at its last step."""
    runs: dict[str, int] = {}
    for card in ZOO.glob("*/training.json"):
        made = json.loads(card.read_text())
        runs[made["name"]] = max(runs.get(made["name"], 0), made["training_flops"] + made.get("data_flops", 0))
    return sum(runs.values())


BY_SEED: list[tuple[str, str, Callable[[Estimate], str]]] = [
    ("small", "small, one sample", with_interval),
    ("large", f"large at step {seeds.POINTS[-1]}, one greedy pass", with_interval),
    ("search over large", "PRM, beam search, N=16, FLOPs over a pass of large", mean_times),
    ("prm minus orm", "PRM minus ORM, 64 samples", lambda gain: points(gain, 1)),
    ("first attempt", "revision model, first attempt", with_interval),
    ("first revision gain", "first revision minus first attempt", points),
    ("first revision minus control", "first revision minus an attempt of the control", points),
    *((f"against {at}", f"PRM, beam search, N=16, minus large at step {at}", bare_points) for at in seeds.POINTS),
]
FAMILIES = {name if name == seeds.SHIPPED else f"seed {name}": row for name, row in seeds.load().items()}
NUMBERS: dict[str, Callable[[], str]] = {
    "test problems": lambda: str(len(small().problems)),
    "bootstrap draws": lambda: f"{default_of(bootstrap, 'draws'):,}",
    "vote draws": lambda: str(default_of(majority, "draws")),
    "zoo megabytes": lambda: f"{sum(path.stat().st_size for path in ZOO.glob('*/*.safetensors')) / 1e6:.0f} MB",
    "zoo training flops": lambda: trillions(zoo_training_flops()),
    **{
        f"{family} {name}": lambda row=row, headline=headline, said=said: said(row[headline])
        for family, row in FAMILIES.items()
        for name, headline, said in BY_SEED
        if headline in row
    },
    "h100 peak": lambda: trillions(H100.peak("bf16")),
    "h100 bandwidth": lambda: trillions(H100.bytes_per_second),
    # Reading a weight of 2 bytes pays for the 2 FLOPs of it in so many solutions.
    "h100 side by side": lambda: f"{H100.peak('bf16') / H100.bytes_per_second:.0f}",
}
