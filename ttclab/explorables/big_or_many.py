"""Big once or small many: one pass of the large model against samples of the small one, by difficulty and FLOPs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..estimators import bootstrap
from .schemas import BigOrManyData, Compared, Pass, SmallCurve, Table
from .words import GROUPS, SCHEMA, group_members, in_words, source_of, to_4_decimals

if TYPE_CHECKING:
    from ..allocator import Arm

PASSES = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16)  # budgets of the small model, in passes of the large model
STEPS = (750, 1000, 1250, 1500, 2000, 2500)  # training steps at which the large model is shipped
SAMPLES = tuple(range(1, 161))


def big_or_many_data(
    large: "Mapping[int, Arm]",
    small: "Mapping[str, Sequence[Arm]]",
    ease: ArrayLike,
    *,
    met: int | None = None,
    source: str = "your own run",
) -> BigOrManyData:
    """Data of the simulator "Big once or small many": accuracy of both models at equal FLOPs.

    The budget of the small model is a number of passes of the large model. It draws as many samples as this pays for on
    average over all problems. A number of passes is skipped if it pays for no sample, or for more than the recorded
    ones, with one of the verifiers.

    Parameters
    ----------
    large : mapping of int to Arm
        One pass of the large model over each problem, by training step.
    small : mapping of str to sequence of Arm
        N samples of the small model for consecutive N, by verifier, with the verifier's FLOPs.
    ease : array of shape (problems,)
        Defines the fifths of difficulty; higher for easier problems.
    met : int, optional
        Training step of the large model that is shown first, by default the last one.
    source : str
        Source of the runs, shown under the chart.

    Returns
    -------
    dict
        Data for JSON. Fractions are rounded to 4 decimals.

    Raises
    ------
    ValueError
        If there are fewer than five problems, if the arms have different problems, or if no number of passes remains.
    """
    problems = len(np.asarray(ease))
    every = [*large.values(), *(arm for arms in small.values() for arm in arms)]
    if problems < 5 or any(arm.correct.shape != (problems,) for arm in every):
        shapes = sorted({arm.correct.shape for arm in every})
        raise ValueError(f"ease and all arms must have the same problems, at least 5, not {(problems,)} and {shapes}")
    costs = {verifier: np.array([arm.flops.mean() for arm in arms]) for verifier, arms in small.items()}
    price = {steps: float(arm.flops.mean()) for steps, arm in large.items()}
    passes = [n for n in PASSES if all(c[0] <= n * p < c[-1] for p in price.values() for c in costs.values())]
    if not passes:
        raise ValueError(
            f"none of {PASSES} passes of the large model costs as much as recorded samples of the small model"
        )
    members = group_members(ease)
    curves: list[SmallCurve] = []
    for steps, once in large.items():
        for verifier, arms in small.items():
            paid = [arms[int(np.searchsorted(costs[verifier], n * price[steps], side="right")) - 1] for n in passes]
            groups = [_compared(paid, once, rows) for rows in members.values()]
            drawn = [arm.allocation.N for arm in paid]
            curves.append({"large": steps, "verifier": verifier.lower(), "samples": drawn, "groups": groups})
    return {
        "schema": SCHEMA,
        "explorable": "big_or_many",
        "source": f"{source}; {problems} problems",
        "passes": passes,
        "groups": [{"key": key, "name": GROUPS[key], "problems": int(rows.sum())} for key, rows in members.items()],
        "larges": [
            {"steps": steps, "groups": [_pass(arm, rows) for rows in members.values()]} for steps, arm in large.items()
        ],
        "verifiers": [{"key": verifier.lower(), "name": verifier} for verifier in small],
        "met": max(large) if met is None else met,
        "columns": [
            "Large passes",
            "Samples",
            "Solved",
            "95% interval",
            "Cost per problem",
            "Small minus large, points",
        ],
        "curves": curves,
        "tables": _tables(passes, curves, large, members, max(large) if met is None else met),
    }


def _pass(arm: "Arm", members: NDArray[np.bool_]) -> Pass:
    """One pass of the large model, in numbers and in words: accuracy, interval, cost."""
    solved = bootstrap(arm.correct[members])
    mean, low, high = (float(np.round(part, 4)) for part in solved)
    return {"mean": mean, "low": low, "high": high, "said": in_words(solved, arm.flops[members].mean())}


def _compared(arms: "Sequence[Arm]", once: "Arm", members: NDArray[np.bool_]) -> Compared:
    """The small model by budget, in numbers and words: accuracy, interval, cost, small minus large, and the winner."""
    right = np.stack([arm.correct[members] for arm in arms], axis=1)
    accuracy, gap = bootstrap(right), bootstrap(right - once.correct[members][:, None])
    said, wins = [], []
    for arm, solved, difference in zip(arms, accuracy.unstack(), gap.unstack(), strict=True):
        said.append([*in_words(solved, arm.flops[members].mean()), f"{difference:.1p}"])
        _, least, most = (round(100 * float(x), 1) for x in difference)  # the winner by the rounded numbers on the page
        wins.append("small" if least > 0 else "large" if most < 0 else "neither")
    return {**to_4_decimals(accuracy), "said": said, "wins": wins}


def _tables(
    passes: Sequence[float],
    curves: Sequence[SmallCurve],
    large: "Mapping[int, Arm]",
    members: Mapping[str, NDArray[np.bool_]],
    met: int,
) -> list[Table]:
    """All verifiers against the large model that is shown first, for readers without scripts."""
    tables: list[Table] = []
    for i, (key, rows) in enumerate(members.items()):
        tables.append(
            {
                "caption": f"{GROUPS[key].capitalize()}: one pass of the large model, trained for {met} steps, solves "
                f"{bootstrap(large[met].correct[rows]):%}",
                "columns": ["Large passes", "Verifier", "Samples", "Solved", "Small minus large, points"],
                "rows": [
                    [f"{n:g}", curve["verifier"], str(curve["samples"][j]), f"{solved} ({interval})", difference]
                    for curve in curves
                    if curve["large"] == met
                    for j, n in enumerate(passes)
                    for solved, interval, _, difference in [curve["groups"][i]["said"][j]]
                ],
            }
        )
    return tables


def recorded() -> BigOrManyData:
    """Compute the data from the recorded runs."""
    from .. import results

    small = results.small_samples()
    return big_or_many_data(
        {steps: results.one_pass("test", at=steps) for steps in STEPS},
        {
            "vote": [*results.sampling_arms(choose="majority", budgets=SAMPLES).values()],
            "PRM": [*results.sampling_arms(budgets=SAMPLES).values()],
            "oracle": [*results.sampling_arms(choose="oracle", budgets=SAMPLES).values()],
        },
        small.correct.mean(axis=1),
        met=1500,
        source=source_of(small).replace("runs", "runs, and one greedy pass of the large one,"),
    )
