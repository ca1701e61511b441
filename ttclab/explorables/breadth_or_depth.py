"""Breadth or depth: coverage by budget, measured and in theory."""

import numpy as np
from numpy.typing import ArrayLike

from ..estimators import Estimate, bootstrap, pass_at_k, percents
from .schemas import BreadthOrDepthData, CoverageGroup, Table
from .words import GROUPS, SCHEMA, group_members, in_words, source_of, to_4_decimals


def breadth_or_depth_data(
    correct: ArrayLike, flops_per_sample: ArrayLike, *, prefill_flops: ArrayLike = 0, source: str = "your own run"
) -> BreadthOrDepthData:
    """Data of the simulator "Breadth or depth": coverage by budget, for all problems and by fifth of difficulty.

    The fifths are those of pass@1 on the same samples. Theory is 1-(1-p)^N, where p is pass@1 of the group.

    Parameters
    ----------
    correct : bool array of shape (problems, samples)
        Whether each sample is right.
    flops_per_sample : float, or array of shape (problems,) or (problems, samples)
        FLOPs of writing a sample.
    prefill_flops : float, or array of shape (problems,)
        FLOPs of reading a problem, charged once for all its samples.
    source : str
        Source of the runs, shown under the chart.

    Returns
    -------
    dict
        Data for JSON. Fractions are rounded to 4 decimals.

    Raises
    ------
    ValueError
        If the shapes differ, if there are fewer than five problems, or if there are no samples.
    """
    right = np.asarray(correct, dtype=bool)
    if right.ndim != 2 or len(right) < 5 or not right.shape[1]:
        raise ValueError(f"correct must be (problems, samples), at least 5 by 1, not {right.shape}")
    problems, samples = right.shape
    budgets = [2**i for i in range(9) if 2**i <= samples]
    writing, reading = np.asarray(flops_per_sample, dtype=float), np.broadcast_to(prefill_flops, problems)
    writing = np.broadcast_to(writing.mean(axis=1) if writing.ndim == 2 else writing, problems)
    coverage = pass_at_k(samples, right.sum(axis=1, keepdims=True), budgets)  # (problems, budgets)
    groups: list[CoverageGroup] = []
    for key, members in group_members(right.mean(axis=1)).items():
        p, prefill, per_sample = (values[members].mean() for values in (right, reading, writing))
        estimate = bootstrap(coverage[members])
        groups.append(
            {
                "key": key,
                "name": GROUPS[key],
                "problems": int(members.sum()),
                "p": round(float(p), 4),
                "coverage": to_4_decimals(estimate),
                "theory": np.round(1 - (1 - p) ** np.array(budgets), 4).tolist(),
                "flops": [float(f"{prefill + n * per_sample:.4g}") for n in budgets],
            }
        )
    return {
        "schema": SCHEMA,
        "explorable": "breadth_or_depth",
        "source": f"{source}; {problems} problems, {samples} samples each",
        "flops_per_sample": float(f"{writing.mean():.4g}"),
        "budgets": budgets,
        "groups": groups,
        "tables": [_coverage_table(budgets, group) for group in groups],
    }


def _coverage_table(budgets: list[int], group: CoverageGroup) -> Table:
    """The numbers of a group in words, for the sentence and the table of the page, with and without scripts."""
    rows, coverage = [], group["coverage"]
    for i, budget in enumerate(budgets):
        covered = Estimate(*(np.array(part[i]) for part in (coverage["mean"], coverage["low"], coverage["high"])))
        solved, interval, cost = in_words(covered, group["flops"][i])
        (theory,) = percents(group["theory"][i])
        rows.append([str(budget), solved, interval, f"{theory}%", cost])
    return {
        "caption": f"{group['name'].capitalize()}: {group['problems']} problems",
        "columns": ["Samples", "At least one right", "95% interval", "Theory", "Cost per problem"],
        "rows": rows,
    }


def recorded() -> BreadthOrDepthData:
    """Compute the data from the recorded runs."""
    from .. import results

    small = results.small_samples()
    return breadth_or_depth_data(
        small.correct, small.decode_flops, prefill_flops=small.prefill_flops, source=source_of(small)
    )
