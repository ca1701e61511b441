"""Are the findings those of one training? The headline numbers, with the family trained and recorded again.

`TTCLAB_HOME=FOLDER ttclab seeds SEED` trains what the numbers need into FOLDER, records its runs
there and writes the seed's row into `seeds.json`; killed and started again, it goes on where it was. Without a seed,
the command measures the models that ship anew. They were trained from seed 0, but seed 0 has a row of its own: on
another machine it gave another model.
"""

import json
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import bank, evidence
from ..estimators import Estimate, auc, best_of_n, bootstrap, fifths, majority, pass_at_k, weighted_best_of_n
from ..files import write_text
from ..models import ZOO
from ..recording import Draws
from .loop import RECIPES, train

FILE = Path(__file__).with_name("seeds.json")
SHIPPED = "shipped"
HARDEST = 4
POINTS = RECIPES["large"].points
JUDGES = ("prm-weak", "prm", "orm")


class Headline(NamedTuple):
    """A number that a finding rests on.

    unit: "share" of problems, "gain" in it, "auc", or "times" as much; runs: the recorded ones it is of; of: its
    (problems,) values, NaN for a problem that has none.
    """

    unit: str
    runs: tuple[str, ...]
    of: Callable[[], NDArray[np.float64]]


@cache
def _samples() -> bank.Samples:
    return bank.load("small", "test")


@cache
def _fifth() -> NDArray[np.intp]:
    return fifths(_samples().correct.mean(axis=1))


def _passes(k: int) -> NDArray[np.float64]:
    right = _samples().correct
    return np.asarray(pass_at_k(right.shape[1], right.sum(axis=1), k))


def _greedy(model: str, at: int | None = None) -> NDArray[np.float64]:
    return bank.load(model, "test", at=at, greedy=True).correct[:, 0].astype(float)


def _weighted(judge: str, n: int) -> NDArray[np.float64]:
    return weighted_best_of_n(_samples().answers, evidence.last_scores(judge, "small-test"), _samples().correct, n)


def _vote(n: int) -> NDArray[np.float64]:
    return majority(_samples().answers, _samples().correct, n)


def _auc(judge: str, right: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([auc(*each) for each in zip(evidence.last_scores(judge, "small-test"), right, strict=True)])


@cache
def _searches(judge: str, n: int) -> bank.Searches:
    return bank.load_searches("small", judge, "test", n, 4)


def _beam_cost(judge: str, n: int) -> NDArray[np.float64]:
    """FLOPs of each search over those of a mean greedy pass of the large model."""
    return _searches(judge, n).total_flops / evidence.one_pass("test", POINTS[-1]).flops.mean()


def _beam_gain(judge: str, n: int) -> NDArray[np.float64]:
    return _searches(judge, n).correct() - _weighted(judge, n)


def _revised() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy of the first revisions' first attempts, and theirs, by problem."""
    before, after = evidence.revised(bank.load_chains("revision", "test"))
    return before.mean(axis=1), after.mean(axis=1)


def _control() -> NDArray[np.float64]:
    return bank.load("revision-control", "test").correct.mean(axis=1)


def _change(judge: str) -> NDArray[np.float64]:
    """Best-of-256 minus best-of-4, where the shipped weak PRM is at its best on the validation problems."""
    right = best_of_n(evidence.last_scores(judge, "small-test"), _samples().correct, np.array([4, 256]))
    return right[:, 1] - right[:, 0]


SAMPLES = "small-test"
WEAK, PRM, ORM = (f"small-test.{judge}" for judge in JUDGES)
CHAINS, CONTROL = "revision-test-chains", "revision-control-test"
SEARCHES = (("prm-weak", 4), ("prm-weak", 64), ("prm", 16))  # judge and N, with M=4
WEAK_4, WEAK_64, PRM_16 = (f"small-test-beam-{judge}-{n}x4" for judge, n in SEARCHES)
HEADLINES = {
    "small, one sample": Headline("share", (SAMPLES,), partial(_passes, 1)),
    **{
        f"small, one sample, {which} fifth": Headline("share", (SAMPLES,), lambda i=i: _passes(1)[_fifth() == i])  # type: ignore[misc]
        for i, which in enumerate(("easiest", "second", "middle", "fourth", "hardest"))
    },
    "small, a right one among 64": Headline("share", (SAMPLES,), partial(_passes, 64)),
    "small, one greedy pass": Headline("share", ("small-test-greedy",), partial(_greedy, "small")),
    **{
        f"large at step {at}, one greedy pass": Headline(
            "share", (f"large-{at}-test-greedy",), partial(_greedy, "large", at)
        )
        for at in POINTS
    },
    "a vote of 16": Headline("share", (SAMPLES,), partial(_vote, 16)),
    "PRM, weighted best-of-16": Headline("share", (PRM,), partial(_weighted, "prm", 16)),
    "PRM minus the vote, 16 samples": Headline("gain", (PRM,), lambda: _weighted("prm", 16) - _vote(16)),
    "PRM minus ORM, 64 samples": Headline("gain", (PRM, ORM), lambda: _weighted("prm", 64) - _weighted("orm", 64)),
    "PRM, AUC within a problem, by answer": Headline("auc", (PRM,), lambda: _auc("prm", _samples().correct)),
    "PRM, AUC within a problem, by working": Headline("auc", (PRM,), lambda: _auc("prm", _samples().worked)),
    "ORM, AUC within a problem, by answer": Headline("auc", (ORM,), lambda: _auc("orm", _samples().correct)),
    "ORM, AUC within a problem, by working": Headline("auc", (ORM,), lambda: _auc("orm", _samples().worked)),
    "PRM, best-of-256 minus best-of-4": Headline("gain", (PRM,), partial(_change, "prm")),
    "weak PRM, best-of-256 minus best-of-4": Headline("gain", (WEAK,), partial(_change, "prm-weak")),
    "PRM, beam search minus weighted, N=16": Headline("gain", (PRM, PRM_16), partial(_beam_gain, "prm", 16)),
    "PRM, beam search minus weighted, N=16, hardest fifth": Headline(
        "gain", (PRM, PRM_16), lambda: _beam_gain("prm", 16)[_fifth() == HARDEST]
    ),
    "PRM, beam search, N=16, FLOPs over a pass of large": Headline(
        "times", (PRM_16, f"large-{POINTS[-1]}-test-greedy"), partial(_beam_cost, "prm", 16)
    ),
    **{
        f"PRM, beam search, N=16, minus large at step {at}": Headline(
            "gain",
            (PRM_16, f"large-{at}-test-greedy"),
            lambda at=at: _searches("prm", 16).correct() - _greedy("large", at),  # type: ignore[misc]
        )
        for at in POINTS
    },
    "weak PRM, beam search minus weighted, N=4": Headline("gain", (WEAK, WEAK_4), partial(_beam_gain, "prm-weak", 4)),
    "weak PRM, beam search minus weighted, N=64": Headline(
        "gain", (WEAK, WEAK_64), partial(_beam_gain, "prm-weak", 64)
    ),
    "revision model, first attempt": Headline("share", (CHAINS,), lambda: _revised()[0]),
    "first revision minus first attempt": Headline("gain", (CHAINS,), lambda: _revised()[1] - _revised()[0]),
    "first revision minus an attempt of the control": Headline(
        "gain", (CHAINS, CONTROL), lambda: _revised()[1] - _control()
    ),
}


def measure() -> dict[str, Estimate]:
    """The headline numbers of the runs that are recorded in `TTCLAB_HOME`, with 95% intervals over problems."""
    found = {}
    for name, headline in HEADLINES.items():
        if all((bank.RUNS / f"{run}.parquet").is_file() for run in headline.runs):
            values = headline.of()
            found[name] = bootstrap(values[~np.isnan(values)])
    return found


def load() -> dict[str, dict[str, Estimate]]:
    """The headline numbers as they were measured: of the models that ship, then by seed."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return {family: {name: Estimate(*numbers) for name, numbers in row.items()} for family, row in rows.items()}


def make(seed: int, device: str = "auto") -> None:
    """Train what the headline numbers are of, each after the one it is grown from, and record its runs.

    Raises ValueError if that would write over the models that ship.
    """
    if "TTCLAB_HOME" not in os.environ:
        raise ValueError("a family of another seed needs a folder of its own: set TTCLAB_HOME")
    for name in ("small", "large", *JUDGES, "revision", "revision-control"):
        if not (ZOO / (f"large-{POINTS[-1]}" if name == "large" else name)).is_dir():
            train(name, seed=seed, device=device)
    bank.record("small", "test", Draws(device=device))
    bank.record("small", "test", Draws(greedy=True, device=device))
    for at in POINTS:
        bank.record("large", "test", Draws(at=at, greedy=True, device=device))
    for judge in JUDGES:
        bank.record_scores(judge, "small-test", device=device)
    for judge, n in SEARCHES:
        bank.record_search("small", judge, "test", n, 4, device=device)
    bank.record_chains("revision", "test", bank.CHAINS, device=device)
    bank.record("revision-control", "test", Draws(samples=64, device=device))


def write(family: str) -> Path:
    """Write a row into `seeds.json`, keep the others, and return the file. family: SHIPPED, or a seed."""
    rows = {**load(), family: measure()}
    said = {
        key: {name: [round(float(x), 6) for x in rows[key][name]] for name in rows[key]}
        for key in sorted(rows, key=lambda key: (key != SHIPPED, key))
    }
    write_text(FILE, json.dumps(said, indent=1) + "\n")
    return FILE
