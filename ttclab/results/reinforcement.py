"""Before and after reinforcement learning: the recorded runs of `small-rl` and of `small`, at the same budgets.

"Before" is `small`, "after" is `small-rl`. Fifths of difficulty are those of the model before. A third run samples the
model before at a low temperature, which sharpens its distribution without any training.
"""

from functools import cache

from .. import bank, data
from ..allocator import Allocation, Arm
from ..estimators import Estimate
from .arms import Arms
from .families import each_family, measured, of_all
from .sampling import BUDGETS, FINE_BUDGETS, coverage, last_scores, run_arms, sampling_arms, small_fifths, weighted
from .training import training_record

AFTER = "small-rl"
COOL = "small-test-cool"


@cache
def rl_samples() -> bank.Samples:
    """Recorded samples of the model after reinforcement learning, on the test problems."""
    return bank.load(AFTER, "test")


@cache
def cool_samples() -> bank.Samples:
    """Recorded samples of the model before, at a low temperature."""
    samples = bank.read(data.RUNS / f"{COOL}.parquet")
    assert isinstance(samples, bank.Samples)
    return samples


@measured
def rl_arms(choose: str = "weighted", budgets: tuple[int, ...] = BUDGETS) -> Arms:
    """Best-of-N of the model after, for each budget; parameters as in `sampling_arms`. The verifier is the PRM."""
    scored = choose in ("weighted", "best")
    scores = last_scores("prm", f"{AFTER}-test") if scored else None
    return run_arms(rl_samples(), choose, budgets, scores, "prm" if scored else None, small_fifths())


def rl_coverage(N: int) -> Arm:
    """Probability that at least one of N samples of the model after is right."""
    return rl_arms("oracle", _budgets_with(N)).at(N)


def rl_vote(N: int) -> Arm:
    """A majority vote of N samples of the model after."""
    return rl_arms("majority", _budgets_with(N)).at(N)


def rl_weighted(N: int) -> Arm:
    """A vote of N samples of the model after, weighted by the PRM's scores."""
    return rl_arms("weighted", _budgets_with(N)).at(N)


def _budgets_with(N: int) -> tuple[int, ...]:
    return BUDGETS if N in BUDGETS else (N,)


@measured
def rl_stepwise(T: int) -> Arm:
    """One chain of at most T step-level revisions of the model after; the PRM chooses the solution."""
    run = bank.load_step_revision(AFTER, "prm", "test", T)
    return Arm(Allocation(1, T, stepwise=T > 0), run.correct("best").astype(float), run.total_flops, small_fifths())


@measured
def cool_coverage(N: int) -> Arm:
    """Probability that at least one of N samples of the model before, at a low temperature, is right."""
    return run_arms(cool_samples(), "oracle", (N,)).at(N)


def cool_temperature() -> float:
    """The low temperature."""
    return cool_samples().metadata.temperature or 0.0


@measured
def crossing() -> float:
    """Smallest budget from which on the model before has the higher coverage.

    Infinity if the model after has the higher coverage at the largest budget.
    """
    budgets = tuple(sorted({*FINE_BUDGETS, *BUDGETS}))
    before, after = sampling_arms(choose="oracle", budgets=budgets), rl_arms("oracle", budgets)
    smallest = float("inf")
    for n in reversed(budgets):
        gain = before.at(n).minus(after.at(n))
        if gain.mean <= 0:
            break
        smallest = n
    return smallest


def crossings() -> str:
    """The crossing in each whole family, in words: "6, 8 and 12"."""
    *most, last = (f"{value:g}" for value in each_family(crossing).values())
    return f"{', '.join(most)} and {last}" if most else last


def coverage_changes(budgets: tuple[int, ...]) -> dict[str, Estimate]:
    """Coverage of the model after minus that of the model before, by budget, in each whole family."""
    return each_family(lambda: Estimate.stack(rl_coverage(N).minus(coverage(N)) for N in budgets))


def coverage_change(budgets: tuple[int, ...]) -> Estimate:
    """Coverage of the model after minus that of the model before, by budget, over all families together."""
    return of_all(lambda: Estimate.stack(rl_coverage(N).minus(coverage(N)) for N in budgets))


def rl_steps() -> int:
    """Number of policy updates between the two models."""
    return int(training_record(AFTER)["steps"] or 0)


def rl_price() -> float:
    """FLOPs of the reinforcement learning over those of a weighted vote of 16 of the model before."""
    record = training_record(AFTER)
    return float(record["training_flops"] + record["data_flops"]) / weighted(16).cost


def rl_group() -> int:
    """Number of solutions in a group of the training."""
    from ..training.reinforcement import RECIPES  # imports torch, which the other functions do not need

    return RECIPES[AFTER].samples


def rl_batch() -> int:
    """Number of problems of a policy update, each with a group of solutions."""
    from ..training.reinforcement import RECIPES

    return RECIPES[AFTER].batch
