"""Headline numbers of every seed's family of models: do the findings hold over several trainings?

    ttclab train --family --seeds SEED --out FOLDER
    TTCLAB_HOME=FOLDER/SEED ttclab record --family
    TTCLAB_HOME=FOLDER/SEED ttclab seeds SEED

The last command writes one small file (`families`) with the values of each problem from which headline numbers, claims
and winner maps are computed. A killed command resumes when it is run again.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..allocator import Arm
from ..estimators import Estimate, bootstrap_families
from . import families
from .allocation import ESTIMATES, SPACES, allocated, lesson, space, uniform
from .arms import HARDEST, at_equal_flops
from .claims import TESTS
from .exchange import RATIOS, STEPS, greedy, matched, winner_map
from .families import SHIPPED, UNDECIDED, Recorder, each_family, of_all, using
from .fitting import fit_all
from .game import SCORED, beyond, more_generations
from .reinforcement import crossing, rl_coverage, rl_stepwise, rl_weighted
from .revision import after_revision, attempt, before_revision, hybrid, mended, one_of_control, spoilt
from .sampling import auc_within, best, coverage, sampling_arms, vote, weighted
from .searching import beam
from .stepwise import CRITICS, critic_change, stepwise, stepwise_arms
from .training import trained_steps, validation

ALL = "all"


class Headline(NamedTuple):
    """A number behind a finding.

    Attributes
    ----------
    unit : {"share", "gain", "auc", "times"}
        Share of problems, difference of shares, AUC, or ratio of costs.
    of : callable
        Returns an arm whose `correct` is the value for each problem, NaN without a value.
    """

    unit: str
    of: Callable[[], Arm]


share, gain, auc, times = (partial(Headline, unit) for unit in ("share", "gain", "auc", "times"))


_minus = Arm.gap


def _change(verifier: str, few: int = 4) -> Arm:
    return _minus(best(256, verifier), best(few, verifier))


def _one_sample(fifth: int) -> Arm:
    return coverage(1).fifth(fifth)


def _beam_gain(verifier: str, N: int, *fifth: int) -> Arm:
    return _minus(beam(N, verifier), weighted(N, verifier), *fifth)


def _score_gain(N: int, verifier: str) -> Arm:
    """Best-of-N by the best score minus the weighted vote."""
    return _minus(best(N, verifier), weighted(N, verifier))


def _gain_for_flops(N: int) -> Arm:
    """Beam search of N places minus the largest weighted vote that costs no more."""
    return _minus(beam(N), [*sampling_arms().within(beam(N).cost).values()][-1])


def _rl_change(after: Callable[[int], Arm], before: Callable[[int], Arm], budget: int = 16) -> Arm:
    """What a strategy adds to one sample, after reinforcement learning minus before."""
    return _minus(_minus(after(budget), rl_coverage(1)), _minus(before(budget), coverage(1)))


def _times(one: Arm, other: Arm) -> Arm:
    return Arm(one.allocation, one.flops / other.cost, one.flops, None, one.families)


HEADLINES = {
    "small, one sample": share(lambda: coverage(1)),
    **{
        f"small, one sample, {which} fifth": share(partial(_one_sample, fifth))
        for fifth, which in enumerate(("easiest", "second", "middle", "fourth", "hardest"))
    },
    "small, a right one among 64": share(lambda: coverage(64)),
    "small, one greedy pass": share(lambda: greedy("small")),
    **{f"large at step {at}, one greedy pass": share(partial(greedy, "large", at)) for at in STEPS},
    "a vote of 16": share(lambda: vote(16)),
    "PRM, weighted best-of-16": share(lambda: weighted(16)),
    "step-level revision, at most 15": share(lambda: stepwise(15)),
    "step-level revision, at most 15, minus one sample": gain(lambda: _minus(stepwise(15), coverage(1))),
    "step-level revision, at most 15, minus weighted best-of-16": gain(lambda: _minus(stepwise(15), weighted(16))),
    "step-level revision, FLOPs over weighted best-of-16": times(lambda: _times(stepwise(15), weighted(16))),
    "step-level revision, at most 15, FLOPs over a pass of large": times(lambda: _times(stepwise(15), greedy("large"))),
    **{
        f"step-level revision, at most 15, minus large at step {at}": gain(
            partial(lambda at: _minus(stepwise(15), greedy("large", at)), at)
        )
        for at in (1250, 1500, STEPS[-1])
    },
    "small at best minus large, equal FLOPs": gain(lambda: _minus(matched(), greedy("large"))),
    "large, one greedy pass, minus one sample of small": gain(lambda: _minus(greedy("large"), coverage(1))),
    "PRM minus the vote, 16 samples": gain(lambda: _minus(weighted(16), vote(16))),
    "PRM minus ORM, 64 samples": gain(lambda: _minus(weighted(64), weighted(64, "orm"))),
    "PRM, AUC within a problem, by answer": auc(lambda: auc_within("prm")),
    "PRM, AUC within a problem, by working": auc(lambda: auc_within("prm", "working")),
    "ORM, AUC within a problem, by answer": auc(lambda: auc_within("orm")),
    "ORM, AUC within a problem, by working": auc(lambda: auc_within("orm", "working")),
    "mean log-probability, AUC within a problem, by answer": auc(lambda: auc_within("mean-logprob")),
    "self-certainty, AUC within a problem, by answer": auc(lambda: auc_within("self-certainty")),
    "PRM, best-of-256 minus best-of-4": gain(partial(_change, "prm")),
    "weak PRM, best-of-256 minus best-of-4": gain(partial(_change, "prm-weak")),
    "weak PRM, best-of-256 minus best-of-16": gain(partial(_change, "prm-weak", 16)),
    "weak PRM, weighted best-of-256 minus weighted best-of-16": gain(
        lambda: _minus(weighted(256, "prm-weak"), weighted(16, "prm-weak"))
    ),
    "weak PRM, weighted best-of-256 minus weighted best-of-16, hardest fifth": gain(
        lambda: _minus(weighted(256, "prm-weak"), weighted(16, "prm-weak"), HARDEST)
    ),
    "PRM, best-of-256 minus weighted best-of-256": gain(partial(_score_gain, 256, "prm")),
    "weak PRM, best-of-256 minus weighted best-of-256": gain(partial(_score_gain, 256, "prm-weak")),
    "PRM, beam search minus weighted, N=4": gain(partial(_beam_gain, "prm", 4)),
    "PRM, beam search minus weighted, N=16": gain(partial(_beam_gain, "prm", 16)),
    "PRM, beam search minus weighted, N=64": gain(partial(_beam_gain, "prm", 64)),
    **{
        f"PRM, beam search, N={N}, minus weighted for its FLOPs": gain(partial(_gain_for_flops, N)) for N in (4, 16, 64)
    },
    "PRM, beam search, N=64": share(lambda: beam(64)),
    "weak PRM, beam search, N=64": share(lambda: beam(64, "prm-weak")),
    "weak PRM, beam search minus best-of-64": gain(lambda: _minus(beam(64, "prm-weak"), best(64, "prm-weak"))),
    "PRM, beam search minus weighted, N=16, hardest fifth": gain(partial(_beam_gain, "prm", 16, HARDEST)),
    "PRM, beam search, N=16, FLOPs over a pass of large": times(lambda: _times(beam(16), greedy("large", STEPS[-1]))),
    **{
        f"PRM, beam search, N=16, minus large at step {at}": gain(
            partial(lambda at: _minus(beam(16), greedy("large", at)), at)
        )
        for at in STEPS
    },
    "PRM 14x, beam search, lookahead minus none, N=16": gain(
        lambda: _minus(beam(16, "prm-large", lookahead=1), beam(16, "prm-large"))
    ),
    "weak PRM, beam search minus weighted, N=4": gain(partial(_beam_gain, "prm-weak", 4)),
    "weak PRM, beam search minus weighted, N=64": gain(partial(_beam_gain, "prm-weak", 64)),
    "first attempt of the model that rewrites, minus its twin's": gain(
        lambda: _minus(before_revision(), one_of_control())
    ),
    "small, first attempt of a chain": share(before_revision),
    "first revision minus first attempt": gain(lambda: _minus(after_revision(), before_revision())),
    "first revision minus an attempt of the control": gain(lambda: _minus(after_revision(), one_of_control())),
    "first revision, right": share(after_revision),
    "sixteenth attempt minus first attempt": gain(lambda: _minus(attempt(16), attempt(1))),
    "mended by the first revision, minus by a fresh sample": gain(lambda: _minus(mended(), mended(fresh=True))),
    "spoilt by the first revision, minus by a fresh sample": gain(lambda: _minus(spoilt(), spoilt(fresh=True))),
    "a chain of 16 rewrites minus 16 samples": gain(lambda: _minus(hybrid(1, 15), hybrid(16))),
    "restarting with the weak PRM, last solution minus first": gain(lambda: critic_change("prm-weak")),
    "restarting with the rollout PRM, last solution minus first": gain(lambda: critic_change("prm-rollouts")),
}


HEADLINES |= {
    "after reinforcement learning, one sample": share(lambda: rl_coverage(1)),
    "after minus before, one sample": gain(lambda: _minus(rl_coverage(1), coverage(1))),
    "after minus before, a right one among 64": gain(lambda: _minus(rl_coverage(64), coverage(64))),
    "after minus before, PRM, weighted best-of-16": gain(lambda: _minus(rl_weighted(16), weighted(16))),
    "after minus before, step-level revision, at most 15": gain(lambda: _minus(rl_stepwise(15), stepwise(15))),
    "PRM, weighted best-of-16, minus one sample": gain(lambda: _minus(weighted(16), coverage(1))),
    "after, PRM, weighted best-of-16, minus one sample": gain(lambda: _minus(rl_weighted(16), rl_coverage(1))),
    "after, step-level revision, at most 15, minus one sample": gain(lambda: _minus(rl_stepwise(15), rl_coverage(1))),
    "after minus before, gain of weighted best-of-16": gain(lambda: _rl_change(rl_weighted, weighted)),
    "after minus before, gain of step-level revision": gain(lambda: _rl_change(rl_stepwise, stepwise, 15)),
    "small, a right one among 64, hardest fifth": share(lambda: coverage(64).fifth(HARDEST)),
}


HEADLINES |= {  # chapters 1 and 2: 17 samples cost about as much as one pass of large
    "one sample of small minus its greedy pass": gain(lambda: _minus(coverage(1), greedy("small"))),
    "a vote of 17, minus small's greedy pass": gain(lambda: _minus(vote(17), greedy("small"))),
    "a vote of 17, minus large": gain(lambda: _minus(vote(17), greedy("large"))),
    "a vote of 17, minus large, hardest fifth": gain(lambda: _minus(vote(17), greedy("large"), HARDEST)),
    "a vote of 17, minus large at step 750": gain(lambda: _minus(vote(17), greedy("large", STEPS[0]))),
    "a right one among 17, minus large": gain(lambda: _minus(coverage(17), greedy("large"))),
    "a right one among 17, minus large, hardest fifth": gain(lambda: _minus(coverage(17), greedy("large"), HARDEST)),
    "a right one among 17, minus large at step 2500": gain(lambda: _minus(coverage(17), greedy("large", STEPS[-1]))),
    "PRM, weighted best-of-7, minus large": gain(lambda: _minus(weighted(7), greedy("large"))),
    "PRM, weighted best-of-17, minus large": gain(lambda: _minus(weighted(17), greedy("large"))),
    "a vote of 2 minus one sample": gain(lambda: _minus(vote(2), vote(1))),
    "a vote of 256 minus a vote of 64": gain(lambda: _minus(vote(256), vote(64))),
    "a vote of 256 minus small's greedy pass": gain(lambda: _minus(vote(256), greedy("small"))),
    "a vote of 256 minus one sample, hardest fifth": gain(lambda: _minus(vote(256), vote(1), HARDEST)),
    "a right one among 256 minus among 16": gain(lambda: _minus(coverage(256), coverage(16))),
}


def _policy_gain(estimate: str, budget: int, over: str) -> Arm:
    """The policy that may use every strategy, minus one strategy for all problems at equal FLOPs."""
    arm = allocated("whole", estimate, budget)
    return _minus(arm, at_equal_flops(uniform(over).values(), arm.cost))


HEADLINES |= {
    "policy, difficulty known, at most 64, minus weighted best-of-64": gain(
        lambda: _minus(allocated("whole", "oracle", 64), weighted(64))
    ),
    "policy, difficulty known, at most 64, FLOPs over weighted best-of-64": times(
        lambda: _times(allocated("whole", "oracle", 64), weighted(64))
    ),
    "step-level revision, at most 31, minus weighted best-of-64": gain(lambda: _minus(stepwise(31), weighted(64))),
    "step-level revision, at most 31, FLOPs over weighted best-of-64": times(
        lambda: _times(stepwise(31), weighted(64))
    ),
    "policy, difficulty known, at most 16, minus beam search, equal FLOPs": gain(
        partial(_policy_gain, "oracle", 16, "beam")
    ),
    "policy, difficulty known, at most 16, minus step-level revision, equal FLOPs": gain(
        partial(_policy_gain, "oracle", 16, "steps")
    ),
    "policy, difficulty predicted, at most 4, minus beam search, equal FLOPs": gain(
        partial(_policy_gain, "predicted", 4, "beam")
    ),
    "policy, difficulty predicted, at most 16, minus beam search, equal FLOPs": gain(
        partial(_policy_gain, "predicted", 16, "beam")
    ),
    **{
        f"policy, difficulty predicted, at most {budget}, FLOPs over difficulty known": times(
            partial(
                lambda budget: _times(*(allocated("whole", kind, budget) for kind in ("predicted", "oracle"))), budget
            )
        )
        for budget in (4, 64)
    },
    "policy, difficulty predicted minus known, at most 64": gain(
        lambda: _minus(allocated("whole", "predicted", 64), allocated("whole", "oracle", 64))
    ),
    "policy, difficulty predicted minus known, at most 16": gain(
        lambda: _minus(allocated("whole", "predicted", 16), allocated("whole", "oracle", 16))
    ),
    "lesson's rule, at most 16, minus weighted best-of-16": gain(lambda: _minus(lesson(16), weighted(16))),
    "lesson's rule, at most 16, minus weighted best-of-16, hardest fifth": gain(
        lambda: _minus(lesson(16), weighted(16), HARDEST)
    ),
    "lesson's rule, at most 16, minus step-level revision, at most 15": gain(lambda: _minus(lesson(16), stepwise(15))),
    "lesson's rule, at most 16, FLOPs over step-level revision, at most 15": times(
        lambda: _times(lesson(16), stepwise(15))
    ),
}


HEADLINES |= {  # the arena of chapter 7, with 4 generations per problem
    **{f"arena, {name}": gain(partial(beyond, name)) for name in SCORED},
    "arena, spread, same generations": gain(partial(more_generations, "spread")),
}


def measure() -> dict[str, Estimate]:
    """The headline numbers of the family in use, with 95% intervals. Numbers without recorded runs are skipped."""
    numbers = {}
    for name, headline in HEADLINES.items():
        try:
            arm = headline.of()
        except ValueError:
            continue
        values = np.split(arm.correct, arm.families)
        numbers[name] = bootstrap_families([family[~np.isnan(family)] for family in values])
    return numbers


@cache
def load() -> dict[str, dict[str, Estimate]]:
    """The headline numbers by family: the shipped models, each seed, and with several families all together.

    Families with only some of the models come last. They have only some of the numbers, and no part in "all".
    """
    rows = each_family(measure)
    if len(families.families()) > 1:
        rows[ALL] = of_all(measure)
    for path in sorted(families.PARTIAL.glob("*.npz")):
        with using(families.load(path)):
            rows[path.stem] = measure()
    return rows


def headline(name: str, family: str = SHIPPED) -> Estimate:
    """A headline number of the shipped models, of a seed, or of all families ("all")."""
    return load()[family][name]


def by_seed(name: str) -> str:
    """A headline difference in each whole family, in words: "+3.1, −4.0 and +0.3 points"."""
    rows = load()
    return f"{_listed(rows[family][name].parts('.1p')[0] for family in families.families())} points"


def steps_by_seed(name: str) -> str:
    """Steps of a model's training in each whole family, in words: "2,000, 2,800 and 2,700"."""
    return _listed(f"{steps:,.0f}" for steps in each_family(partial(trained_steps, name)).values())


def validation_by_seed(name: str, measure: str) -> str:
    """A validation measure of a model in each whole family, in words: "25%, 47% and 51%"."""
    return _listed(f"{share:.0%}" for share in each_family(partial(validation, name, measure)).values())


def shares_by_seed(share: Callable[..., Estimate], **options: bool) -> str:
    """A share in each whole family, in words: "44%, 28% and 23%"."""
    return _listed(f"{float(value.mean):.0%}" for value in each_family(partial(share, **options)).values())


def _listed(values: Iterable[str]) -> str:
    *most, last = values
    return f"{', '.join(most)} and {last}" if most else last


def spread(name: str) -> float:
    """Standard deviation over seeds of a headline number, families with only some of the models included."""
    return float(np.std([float(row[name].mean) for family, row in load().items() if family != ALL], ddof=1))


def verdict(name: str) -> str:
    """Sign of a headline number in every seed: "above 0", "below 0" or "no clear difference".

    "undecided" if the seeds disagree, with each other or with the interval over seeds and problems.
    """
    words = {1: "above 0", -1: "below 0", 0: "no clear difference"}
    rows = load()
    signs = {rows[family][name].sign for family in (*families.families(), ALL) if name in rows.get(family, {})}
    return words[signs.pop()] if len(signs) == 1 else UNDECIDED


def collect(seed: str) -> tuple[Recorder, bool]:
    """Compute every value that pages compare across seeds from the runs in `TTCLAB_HOME`; skip values without runs.

    Returns
    -------
    recorder : Recorder
        The values.
    whole : bool
        Whether none was skipped.
    """
    recorder, whole = Recorder(seed, {}), True
    with using(recorder):
        for compute in _computations():
            try:
                compute()
            except (ValueError, OSError):
                whole = False
    return recorder, whole


def _computations() -> Iterator[Callable[[], object]]:
    yield from TESTS.values()
    yield from (headline.of for headline in HEADLINES.values())
    for split in ("test", "validation"):
        yield from (partial(space, name, split) for name in SPACES)
    for at in STEPS:
        yield from (partial(winner_map, RATIOS, at, verifier_given=trained) for trained in (False, True))
    for estimate in ESTIMATES:
        yield from (partial(allocated, "whole", estimate, budget) for budget in (4, 16, 64))
    yield from (partial(lesson, budget) for budget in (4, 16, 64))
    yield from (partial(critic_change, name) for name in CRITICS)
    yield from (partial(weighted, N, name) for N in (16, 64) for name in ("prm-rollouts", "prm-exact"))
    yield from (lambda: vote(64), stepwise_arms, crossing, partial(attempt, 2))
    yield from (partial(trained_steps, name) for name in ("small", "small-plain"))
    yield partial(validation, "small", "pass@1 after an attempt")


def write(seed: int) -> Path:
    """Fit the policies of the family in `TTCLAB_HOME`, and store its values in the package under its seed.

    A family that lacks models or runs is stored among the partial ones.

    Raises ValueError for the shipped family.
    """
    if "TTCLAB_HOME" not in os.environ:
        raise ValueError("set TTCLAB_HOME to the folder of another seed's family")
    with suppress(ValueError, OSError):  # values that need a policy are skipped
        fit_all()
    recorder, whole = collect(str(seed))
    return families.save(recorder, (families.FOLDER if whole else families.PARTIAL) / f"{seed}.npz")
