"""Are the findings those of one training? The headline numbers, with the family trained and recorded again.

`TTCLAB_HOME=FOLDER ttclab seeds SEED` trains what the numbers need into FOLDER, records its runs
there and writes the seed's row into `seeds.json`; killed and started again, it goes on where it was. Without a seed,
the command measures the models that ship anew. They were trained from seed 0, but seed 0 has a row of its own: on
another machine it gave another model.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import bank
from ..allocator import Arm
from ..bank.draws import Draws
from ..data import DATA, ZOO
from ..estimators import Estimate, auc, bootstrap
from ..files import write_text
from ..training.loop import RECIPES, train
from .arms import HARDEST
from .exchange import greedy
from .revision import after_revision, before_revision, one_of_control
from .sampling import best, coverage, small_samples, small_scores, vote, weighted
from .searching import beam

FILE = DATA / "seeds.json"
SHIPPED = "shipped"
POINTS = RECIPES["large"].points
JUDGES = ("prm-weak", "prm", "orm")
CONFIDENCES = ("mean-logprob", "self-certainty")


class Headline(NamedTuple):
    """A number that a finding rests on.

    unit: "share" of problems, "gain" in it, "auc", or "times" as much; runs: the recorded ones it is of; of: its
    (problems,) values, NaN for a problem that has none.
    """

    unit: str
    runs: tuple[str, ...]
    of: Callable[[], NDArray[np.float64]]


def _minus(one: Arm, other: Arm, *fifth: int) -> NDArray[np.float64]:
    if fifth:
        one, other = one.fifth(*fifth), other.fifth(*fifth)
    return one.correct - other.correct


def _aucs(verifier: str, right: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([auc(*each) for each in zip(small_scores(verifier), right, strict=True)])


def _change(verifier: str) -> NDArray[np.float64]:
    """Best-of-256 minus best-of-4, where the shipped weak PRM is at its best on the validation problems."""
    return _minus(best(256, verifier), best(4, verifier))


def _one_sample(fifth: int) -> NDArray[np.float64]:
    return coverage(1).fifth(fifth).correct


def _pass(at: int) -> NDArray[np.float64]:
    return greedy("large", at).correct


def _minus_pass(at: int) -> NDArray[np.float64]:
    """A search of the small model minus one pass of the large one."""
    return _minus(beam(16), greedy("large", at))


def _beam_gain(verifier: str, N: int, *fifth: int) -> NDArray[np.float64]:
    return _minus(beam(N, verifier), weighted(N, verifier), *fifth)


SAMPLES = "small-test"
WEAK, PRM, ORM = (f"small-test.{judge}" for judge in JUDGES)
LIKELY, CERTAIN = (f"small-test.{measure}" for measure in CONFIDENCES)
CHAINS, CONTROL = "revision-test-chains", "revision-control-test"
SEARCHES = (("prm-weak", 4), ("prm-weak", 64), ("prm", 16))  # judge and N, with M=4
WEAK_4, WEAK_64, PRM_16 = (f"small-test-beam-{judge}-{n}x4" for judge, n in SEARCHES)
HEADLINES = {
    "small, one sample": Headline("share", (SAMPLES,), lambda: coverage(1).correct),
    **{
        f"small, one sample, {which} fifth": Headline("share", (SAMPLES,), partial(_one_sample, fifth))
        for fifth, which in enumerate(("easiest", "second", "middle", "fourth", "hardest"))
    },
    "small, a right one among 64": Headline("share", (SAMPLES,), lambda: coverage(64).correct),
    "small, one greedy pass": Headline("share", ("small-test-greedy",), lambda: greedy("small").correct),
    **{
        f"large at step {at}, one greedy pass": Headline("share", (f"large-{at}-test-greedy",), partial(_pass, at))
        for at in POINTS
    },
    "a vote of 16": Headline("share", (SAMPLES,), lambda: vote(16).correct),
    "PRM, weighted best-of-16": Headline("share", (PRM,), lambda: weighted(16).correct),
    "PRM minus the vote, 16 samples": Headline("gain", (PRM,), lambda: _minus(weighted(16), vote(16))),
    "PRM minus ORM, 64 samples": Headline("gain", (PRM, ORM), lambda: _minus(weighted(64), weighted(64, "orm"))),
    "PRM, AUC within a problem, by answer": Headline("auc", (PRM,), lambda: _aucs("prm", small_samples().correct)),
    "PRM, AUC within a problem, by working": Headline("auc", (PRM,), lambda: _aucs("prm", small_samples().worked)),
    "ORM, AUC within a problem, by answer": Headline("auc", (ORM,), lambda: _aucs("orm", small_samples().correct)),
    "ORM, AUC within a problem, by working": Headline("auc", (ORM,), lambda: _aucs("orm", small_samples().worked)),
    "mean log-probability, AUC within a problem, by answer": Headline(
        "auc", (LIKELY,), lambda: _aucs("mean-logprob", small_samples().correct)
    ),
    "self-certainty, AUC within a problem, by answer": Headline(
        "auc", (CERTAIN,), lambda: _aucs("self-certainty", small_samples().correct)
    ),
    "PRM, best-of-256 minus best-of-4": Headline("gain", (PRM,), partial(_change, "prm")),
    "weak PRM, best-of-256 minus best-of-4": Headline("gain", (WEAK,), partial(_change, "prm-weak")),
    "PRM, beam search minus weighted, N=16": Headline("gain", (PRM, PRM_16), partial(_beam_gain, "prm", 16)),
    "PRM, beam search minus weighted, N=16, hardest fifth": Headline(
        "gain", (PRM, PRM_16), partial(_beam_gain, "prm", 16, HARDEST)
    ),
    "PRM, beam search, N=16, FLOPs over a pass of large": Headline(
        "times", (PRM_16, f"large-{POINTS[-1]}-test-greedy"), lambda: beam(16).flops / greedy("large", POINTS[-1]).cost
    ),
    **{
        f"PRM, beam search, N=16, minus large at step {at}": Headline(
            "gain", (PRM_16, f"large-{at}-test-greedy"), partial(_minus_pass, at)
        )
        for at in POINTS
    },
    "weak PRM, beam search minus weighted, N=4": Headline("gain", (WEAK, WEAK_4), partial(_beam_gain, "prm-weak", 4)),
    "weak PRM, beam search minus weighted, N=64": Headline(
        "gain", (WEAK, WEAK_64), partial(_beam_gain, "prm-weak", 64)
    ),
    "revision model, first attempt": Headline("share", (CHAINS,), lambda: before_revision().correct),
    "first revision minus first attempt": Headline(
        "gain", (CHAINS,), lambda: _minus(after_revision(), before_revision())
    ),
    "first revision minus an attempt of the control": Headline(
        "gain", (CHAINS, CONTROL), lambda: _minus(after_revision(), one_of_control())
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


def headline(name: str, family: str = SHIPPED) -> Estimate:
    """A headline number as it was measured, of the models that ship or of a seed."""
    return load()[family][name]


def make(seed: int, device: str = "auto") -> None:
    """Train what the headline numbers are of, each after the one it is grown from, and record its runs.

    Raises ValueError if that would write over the models that ship.
    """
    if "TTCLAB_HOME" not in os.environ:
        raise ValueError("a family of another seed needs a folder of its own: set TTCLAB_HOME")
    for name in ("small-plain", "small", "large", *JUDGES):
        if not (ZOO / (f"large-{POINTS[-1]}" if name == "large" else name)).is_dir():
            train(name, seed=seed, device=device)
    bank.record("small", "test", Draws(device=device))
    bank.record("small", "test", Draws(greedy=True, device=device))
    for at in POINTS:
        bank.record("large", "test", Draws(at=at, greedy=True, device=device))
    for judge in (*JUDGES, *CONFIDENCES):
        bank.record_scores(judge, "small-test", device=device)
    for judge, n in SEARCHES:
        bank.record_search("small", judge, "test", n, 4, device=device)


def write(family: str) -> Path:
    """Write a row into `seeds.json`, keep the others, and return the file. family: SHIPPED, or a seed."""
    rows = {**load(), family: measure()}
    said = {
        key: {name: [round(float(x), 6) for x in rows[key][name]] for name in rows[key]}
        for key in sorted(rows, key=lambda key: (key != SHIPPED, key))
    }
    write_text(FILE, json.dumps(said, indent=1) + "\n")
    return FILE
