"""Are the findings those of one training? The headline numbers of every seed's family of models.

    ttclab train --family --seeds SEED --out FOLDER
    TTCLAB_HOME=FOLDER/SEED ttclab record --family
    TTCLAB_HOME=FOLDER/SEED ttclab seeds SEED

The last command keeps what the headline numbers, the claims and the winner maps are computed from, problem by problem,
in one small file (`families`). Killed and started again, each command goes on where it was.
"""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..allocator import Arm
from ..data import DATA
from ..estimators import Estimate, bootstrap, bootstrap_families
from . import families
from .allocation import ESTIMATES, ONE_MODEL_SPACE, SPACES, allocated, lesson, space
from .arms import HARDEST
from .claims import TESTS
from .exchange import RATIOS, STEPS, greedy, matched, winner_map
from .families import SHIPPED, UNDECIDED, Recorder, each_family, of_all, using
from .fitting import fit_all
from .reinforcement import rl_coverage, rl_stepwise, rl_weighted
from .revision import after_revision, before_revision, one_of_control
from .sampling import auc_within, best, coverage, vote, weighted
from .searching import beam
from .stepwise import CRITICS, critic_change, stepwise, stepwise_arms

OLD = DATA / "seeds.json"  # families of an earlier recipe, of which only these numbers are kept
ALL = "all"


class Headline(NamedTuple):
    """A number that a finding rests on.

    unit: "share" of problems, "gain" in it, "auc", or "times" as much; of: an arm whose `correct` is its value for each
    problem, NaN for a problem that has none.
    """

    unit: str
    of: Callable[[], Arm]


def _minus(one: Arm, other: Arm, *fifth: int) -> Arm:
    gap = Arm(one.allocation, one.correct - other.correct, one.flops, one.fifths, one.families)
    return gap.fifth(*fifth) if fifth else gap


def _change(verifier: str) -> Arm:
    return _minus(best(256, verifier), best(4, verifier))


def _one_sample(fifth: int) -> Arm:
    return coverage(1).fifth(fifth)


def _beam_gain(verifier: str, N: int, *fifth: int) -> Arm:
    return _minus(beam(N, verifier), weighted(N, verifier), *fifth)


def _times(one: Arm, other: Arm) -> Arm:
    return Arm(one.allocation, one.flops / other.cost, one.flops, None, one.families)


HEADLINES = {
    "small, one sample": Headline("share", lambda: coverage(1)),
    **{
        f"small, one sample, {which} fifth": Headline("share", partial(_one_sample, fifth))
        for fifth, which in enumerate(("easiest", "second", "middle", "fourth", "hardest"))
    },
    "small, a right one among 64": Headline("share", lambda: coverage(64)),
    "small, one greedy pass": Headline("share", lambda: greedy("small")),
    **{f"large at step {at}, one greedy pass": Headline("share", partial(greedy, "large", at)) for at in STEPS},
    "a vote of 16": Headline("share", lambda: vote(16)),
    "PRM, weighted best-of-16": Headline("share", lambda: weighted(16)),
    "step-level revision, at most 15": Headline("share", lambda: stepwise(15)),
    "step-level revision, at most 15, minus one sample": Headline("gain", lambda: _minus(stepwise(15), coverage(1))),
    "step-level revision, at most 15, minus weighted best-of-16": Headline(
        "gain", lambda: _minus(stepwise(15), weighted(16))
    ),
    "step-level revision, FLOPs over weighted best-of-16": Headline(
        "times", lambda: _times(stepwise(15), weighted(16))
    ),
    "small at best minus large, equal FLOPs": Headline("gain", lambda: _minus(matched(), greedy("large"))),
    "large, one greedy pass, minus one sample of small": Headline("gain", lambda: _minus(greedy("large"), coverage(1))),
    "PRM minus the vote, 16 samples": Headline("gain", lambda: _minus(weighted(16), vote(16))),
    "PRM minus ORM, 64 samples": Headline("gain", lambda: _minus(weighted(64), weighted(64, "orm"))),
    "PRM, AUC within a problem, by answer": Headline("auc", lambda: auc_within("prm")),
    "PRM, AUC within a problem, by working": Headline("auc", lambda: auc_within("prm", "working")),
    "ORM, AUC within a problem, by answer": Headline("auc", lambda: auc_within("orm")),
    "ORM, AUC within a problem, by working": Headline("auc", lambda: auc_within("orm", "working")),
    "mean log-probability, AUC within a problem, by answer": Headline("auc", lambda: auc_within("mean-logprob")),
    "self-certainty, AUC within a problem, by answer": Headline("auc", lambda: auc_within("self-certainty")),
    "PRM, best-of-256 minus best-of-4": Headline("gain", partial(_change, "prm")),
    "weak PRM, best-of-256 minus best-of-4": Headline("gain", partial(_change, "prm-weak")),
    "PRM, beam search minus weighted, N=16": Headline("gain", partial(_beam_gain, "prm", 16)),
    "PRM, beam search minus weighted, N=16, hardest fifth": Headline("gain", partial(_beam_gain, "prm", 16, HARDEST)),
    "PRM, beam search, N=16, FLOPs over a pass of large": Headline(
        "times", lambda: _times(beam(16), greedy("large", STEPS[-1]))
    ),
    **{
        f"PRM, beam search, N=16, minus large at step {at}": Headline(
            "gain", partial(lambda at: _minus(beam(16), greedy("large", at)), at)
        )
        for at in STEPS
    },
    "weak PRM, beam search minus weighted, N=4": Headline("gain", partial(_beam_gain, "prm-weak", 4)),
    "weak PRM, beam search minus weighted, N=64": Headline("gain", partial(_beam_gain, "prm-weak", 64)),
    "first attempt of the model that rewrites, minus its twin's": Headline(
        "gain", lambda: _minus(before_revision(), one_of_control())
    ),
    "revision model, first attempt": Headline("share", before_revision),
    "first revision minus first attempt": Headline("gain", lambda: _minus(after_revision(), before_revision())),
    "first revision minus an attempt of the control": Headline(
        "gain", lambda: _minus(after_revision(), one_of_control())
    ),
}


HEADLINES |= {
    "after reinforcement learning, one sample": Headline("share", lambda: rl_coverage(1)),
    "after minus before, one sample": Headline("gain", lambda: _minus(rl_coverage(1), coverage(1))),
    "after minus before, a right one among 64": Headline("gain", lambda: _minus(rl_coverage(64), coverage(64))),
    "after minus before, PRM, weighted best-of-16": Headline("gain", lambda: _minus(rl_weighted(16), weighted(16))),
    "after minus before, step-level revision, at most 15": Headline(
        "gain", lambda: _minus(rl_stepwise(15), stepwise(15))
    ),
}


def measure() -> dict[str, Estimate]:
    """The headline numbers of the family in use, with 95% intervals; those whose runs are not there are left out."""
    found = {}
    for name, headline in HEADLINES.items():
        try:
            arm = headline.of()
        except ValueError:
            continue
        values = [family[~np.isnan(family)] for family in np.split(arm.correct, arm.families)]
        found[name] = bootstrap_families(values) if arm.families > 1 else bootstrap(values[0])
    return found


@cache
def load() -> dict[str, dict[str, Estimate]]:
    """The headline numbers by family: of the models that ship, by seed, and where there are several of all together."""
    old = json.loads(OLD.read_text(encoding="utf-8")) if OLD.is_file() else {}
    rows = {family: {name: Estimate(*numbers) for name, numbers in row.items()} for family, row in old.items()}
    rows |= each_family(measure)
    if len(families.families()) > 1:
        rows[ALL] = of_all(measure)
    return rows


def headline(name: str, family: str = SHIPPED) -> Estimate:
    """A headline number of the models that ship, of a seed, or of all ("all")."""
    return load()[family][name]


def verdict(name: str) -> str:
    """What the sign of a headline number is in every seed, in words: "above 0", "below 0", "no difference".

    It is "undecided" if seeds differ, or if the interval over seeds and problems says otherwise.
    """
    words = {1: "above 0", -1: "below 0", 0: "no difference"}
    rows = load()
    signs = {rows[family][name].sign for family in (*families.families(), ALL) if name in rows.get(family, {})}
    return words[signs.pop()] if len(signs) == 1 else UNDECIDED


def collect(seed: str) -> Recorder:
    """Everything that pages compare seeds by, computed from the runs in `TTCLAB_HOME`. What has no runs is left out."""
    recorder = Recorder(seed, {})
    with using(recorder):
        for work in _work():
            try:
                work()
            except ValueError:
                continue
    return recorder


def _work() -> Iterator[Callable[[], object]]:
    yield from TESTS.values()
    yield from (headline.of for headline in HEADLINES.values())
    for split in ("test", "validation"):
        yield from (partial(space, name, split) for name in SPACES)
    for at in STEPS:
        yield from (partial(winner_map, RATIOS, at, verifier_given=trained) for trained in (False, True))
    for estimate in ESTIMATES:
        yield from (partial(allocated, ONE_MODEL_SPACE, estimate, budget) for budget in (4, 16, 64))
    yield from (partial(lesson, budget) for budget in (4, 16, 64))
    yield from (partial(critic_change, name) for name in CRITICS)
    yield from (lambda: vote(64), stepwise_arms)


def write(seed: int) -> Path:
    """Fit the policies of the family in `TTCLAB_HOME`, and keep its values in the package as those of a seed.

    Raises ValueError if the family is the one that ships.
    """
    if "TTCLAB_HOME" not in os.environ:
        raise ValueError("a family of another seed has a folder of its own: set TTCLAB_HOME")
    fit_all()
    return families.save(collect(str(seed)), families.FOLDER / f"{seed}.npz")
