"""How good is your verifier: accuracy of each verifier on the same samples, by budget and selection rule."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..estimators import Estimate, best_of_n, bootstrap, majority, pass_at_k, weighted_best_of_n
from .schemas import Scored, Table, VerifierCurve, VerifierData
from .words import GROUPS, SCHEMA, group_members, in_words, source_of, to_4_decimals

QUALITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # AUCs of the noisy oracle that the reader can select


class _Which(TypedDict):
    """A verifier, with its rule of choice and its quality where it has one."""

    verifier: str
    choose: NotRequired[str]
    quality: NotRequired[float]


def verifier_data(
    answers: ArrayLike,
    correct: ArrayLike,
    verifiers: Mapping[str, ArrayLike],
    *,
    noisy: Mapping[float, ArrayLike] | None = None,
    flops: Mapping[str, ArrayLike] | None = None,
    source: str = "your own run",
) -> VerifierData:
    """Data of the simulator "How good is your verifier": accuracy by budget, verifier and selection rule.

    A majority vote and the oracle are added to the verifiers.

    Parameters
    ----------
    answers, correct : array of shape (problems, samples)
        As in `majority`.
    verifiers : mapping of str to array of shape (problems, samples)
        Scores of each verifier.
    noisy : mapping of float to array of shape (problems, samples), optional
        Scores of noisy oracles, by quality.
    flops : mapping of str to array of shape (problems, budgets), optional
        FLOPs of samples and verifier, by verifier; the entry "vote" is used for verifiers without an entry.
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
    answers, right = np.asarray(answers, dtype=object), np.asarray(correct, dtype=bool)
    if right.ndim != 2 or len(right) < 5 or not right.shape[1] or answers.shape != right.shape:
        raise ValueError(
            f"answers and correct must be (problems, samples), at least 5 by 1, not {answers.shape} and {right.shape}"
        )
    problems, samples = right.shape
    budgets = np.array([2**i for i in range(9) if 2**i <= samples])
    costs = {"vote": np.full((problems, len(budgets)), np.nan), **(flops or {})}
    covered = pass_at_k(samples, right.sum(axis=1, keepdims=True), budgets)
    selections: list[tuple[_Which, NDArray[np.float64], str]] = [
        ({"verifier": "none"}, majority(answers, right, budgets), "vote"),
        ({"verifier": "oracle"}, covered, "vote"),
    ]
    keys = {name: name.lower().replace(" ", "-") for name in verifiers}
    scored: list[tuple[_Which, ArrayLike, str]] = [({"verifier": keys[who]}, verifiers[who], who) for who in verifiers]
    scored += [({"verifier": "noisy", "quality": quality}, scores, "vote") for quality, scores in (noisy or {}).items()]
    for which, scores, who in scored:
        selections.append(({**which, "choose": "weighted"}, weighted_best_of_n(answers, scores, right, budgets), who))
        selections.append(({**which, "choose": "best"}, best_of_n(scores, right, budgets), who))
    members = group_members(right.mean(axis=1))
    curves: list[VerifierCurve] = []
    for which, values, who in selections:
        spent = np.asarray(costs.get(who, costs["vote"]))
        groups = [_scored(values[i], covered[i], spent[i].mean(axis=0)) for i in members.values()]
        curves.append({**which, "groups": groups})
    return {
        "schema": SCHEMA,
        "explorable": "verifier",
        "source": f"{source}; {problems} problems, {samples} samples each",
        "budgets": budgets.tolist(),
        "groups": [{"key": key, "name": GROUPS[key], "problems": int(rows.sum())} for key, rows in members.items()],
        "verifiers": [
            {"key": key, "name": name, "label": label}
            for key, name, label in [
                ("none", "none: majority vote", "vote"),
                *((key, name, name) for name, key in keys.items()),
                *([("noisy", "noisy oracle", "noisy")] if noisy else []),
                ("oracle", "oracle", "perfect"),
            ]
        ],
        "columns": ["Samples", "Solved", "95% interval", "Cost per problem", "Majority vote", "Perfect verifier"],
        "curves": curves,
        "tables": [_verifiers_table(i, key, budgets, curves, list(verifiers)) for i, key in enumerate(GROUPS)],
    }


def _scored(values: np.ndarray, covered: np.ndarray, costs: np.ndarray) -> Scored:
    """A curve in numbers, and in words for the sentence and the table of the page: accuracy, interval, cost.

    Votes are estimated from random subsets, coverage is exact. Since no rule solves more than the covered problems, the
    error of the estimate must not lift a vote above them.
    """
    parts = to_4_decimals(Estimate(*np.minimum(bootstrap(values), bootstrap(covered))))
    shown = Estimate(*(np.array(part) for part in (parts["mean"], parts["low"], parts["high"]))).unstack()
    return {**parts, "said": [in_words(solved, cost) for solved, cost in zip(shown, costs, strict=True)]}


def _verifiers_table(group: int, key: str, budgets: np.ndarray, curves: list[VerifierCurve], names: list[str]) -> Table:
    """All verifiers side by side, for readers without scripts."""
    vote, oracle, *scored = (
        curve["groups"][group]["said"]
        for curve in curves
        if "quality" not in curve and curve.get("choose", "weighted") == "weighted"
    )
    rows = [
        [str(n), *(f"{said[i][0]} ({said[i][1]})" for said in (vote, *scored, oracle))] for i, n in enumerate(budgets)
    ]
    return {
        "caption": f"{GROUPS[key].capitalize()}: solved by a vote weighted by the verifier's scores",
        "columns": ["Samples", "Majority vote", *names, "Perfect verifier"],
        "rows": rows,
    }


def recorded() -> VerifierData:
    """Compute the data from the recorded runs."""
    from .. import results

    def flops(**how: Any) -> np.ndarray:
        return np.stack([arm.flops for arm in results.sampling_arms(**how).values()], axis=1)

    small = results.small_samples()
    verifiers = {"ORM": "orm", "weak PRM": "prm-weak", "PRM": "prm", "PRM 14x": "prm-large"}
    return verifier_data(
        small.answers,
        small.correct,
        {name: results.small_scores(verifier) for name, verifier in verifiers.items()},
        noisy={quality: results.noisy_scores(small, quality) for quality in QUALITIES},
        flops={
            "vote": flops(choose="oracle"),
            **{name: flops(verifier=verifier, choose="best") for name, verifier in verifiers.items()},
        },
        source=source_of(small),
    )
