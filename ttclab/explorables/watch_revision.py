"""Watch a rewrite: how often revisions turn attempts right or wrong, and chains to read."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..estimators import bootstrap, bootstrap_share, fifths
from .schemas import Attempt, Table, WatchRevisionData
from .words import GROUPS, SCHEMA, SEED, group_members, in_words

if TYPE_CHECKING:
    from ..tasks.problem import Solution

KINDS = {  # of revision chains, by the correctness of their attempts
    "right": "right all along",
    "mended": "wrong at first, right at the end",
    "spoiled": "right at first, wrong at the end",
    "wavering": "back and forth",
    "wrong": "wrong all along",
}
FEW = 30  # attempts; shares of fewer are shown as counts


def watch_revision_data(
    chains: "Sequence[Sequence[Sequence[Solution]]]",
    scores: Sequence[Sequence[Sequence[Sequence[float]]]],
    *,
    ease: ArrayLike | None = None,
    flops: ArrayLike | None = None,
    shown: int = 8,
    verifier: str = "the verifier",
    source: str = "your own run",
) -> WatchRevisionData:
    """Data of the simulator "Watch a rewrite": rates at which revisions turn attempts right or wrong, and chains.

    Parameters
    ----------
    chains : sequence of shape (problems, chains, attempts)
        Solutions of each chain, at least two per chain.
    scores : sequence of shape (problems, chains, attempts, steps)
        A verifier's scores of the steps of each attempt.
    ease : array of shape (problems,), optional
        Defines the fifths of difficulty; higher for easier problems. By default the share of right first attempts.
    flops : array of shape (problems, attempts), optional
        FLOPs of a chain up to and including each attempt, with the verifier.
    shown : int
        Chains of each fifth that can be read, one per problem, with the kinds in turn.
    verifier : str
        Name of the verifier, shown above the scores.
    source : str
        Source of the runs, shown below.

    Returns
    -------
    dict
        Data for JSON.

    Raises
    ------
    ValueError
        If the chains do not form an array, or if there are fewer than five problems.
    """
    shapes = {(len(group), len(chain)) for group in chains for chain in group}
    if len(chains) < 5 or len(shapes) != 1 or min(shapes)[1] < 2 or not all(chains):
        raise ValueError(
            "chains must be (problems, chains, attempts), at least 5 by 1 by 2, with equal numbers for all problems, "
            f"not {len(chains)} problems with (chains, attempts) {sorted(shapes)}"
        )
    right = np.array([[[solution.correct for solution in chain] for chain in group] for group in chains])
    problems, each, attempts = right.shape
    easy = right[:, :, 0].mean(axis=1) if ease is None else ease
    fifth = fifths(easy)
    spent = np.full((problems, attempts), np.nan) if flops is None else np.asarray(flops, dtype=float)
    members = group_members(easy)
    kinds = np.array([[_kind(chain) for chain in group] for group in right])
    picked = [i for group in range(5) for i in _turns(kinds[:, 0], np.flatnonzero(fifth == group), shown)]
    return {
        "schema": SCHEMA,
        "explorable": "watch_revision",
        "source": f"{source}; {problems} problems, {each} chains of {attempts} attempts each",
        "scored": f"{verifier}'s score, 0 to 1",
        "groups": [
            {
                "key": key,
                "name": name,
                "problems": int(members[key].sum()),
                "turned": _turned_wrong(right[members[key]]),
            }
            for key, name in GROUPS.items()
        ],
        "kinds": [
            {
                "key": key,
                "name": name,
                "said": [f"{bootstrap((kinds == key)[i].mean(axis=1)):%}" for i in members.values()],
            }
            for key, name in KINDS.items()
        ],
        "tables": [_revisions_table(key, right[i], spent[i]) for key, i in members.items()],
        "chains": [
            {
                "id": chains[i][0][0].problem.id,
                "question": chains[i][0][0].problem.question,
                "group": str(fifth[i] + 1),
                "kind": str(kinds[i, 0]),
                "attempts": [_attempt(*pair) for pair in zip(chains[i][0], scores[i][0], strict=True)],
            }
            for i in picked
        ],
    }


def recorded_chains(
    attempts: int = 8,
) -> tuple[list[list[list["Solution"]]], list[list[list[list[float]]]], np.ndarray]:
    """The first attempts of all recorded chains that are long enough, on the test problems.

    Returns
    -------
    solutions : list of shape (problems, chains, attempts)
    scores : list of shape (problems, chains, attempts, steps)
        Step scores of the PRM.
    flops : array of shape (problems, attempts)
        Mean FLOPs of a chain up to and including each attempt.
    """
    from .. import bank, results
    from ..bank.shipped import SMALL

    run = results.chains()
    scored = bank.load_scores("prm", f"{SMALL}-test-chains")
    columns = run.first(None, attempts - 1)
    chains, scores = [], []
    for i, step_scores in enumerate(scored):
        written = run.solutions(i)
        chains.append([[written[j] for j in column] for column in columns])
        scores.append([[step_scores[j] for j in column] for column in columns])
    spent = [[results.chain_flops("test", "prm", column[: t + 1]) for t in range(attempts)] for column in columns]
    return chains, scores, np.mean(spent, axis=0).T


def _kind(right: np.ndarray) -> str:
    """The kind of a chain, a key of KINDS, by the correctness of its attempts, (attempts,)."""
    if right.all() or not right.any():
        return "right" if right[0] else "wrong"
    return "wavering" if right[0] == right[-1] else "mended" if right[-1] else "spoiled"


def _turns(kinds: np.ndarray, problems: np.ndarray, shown: int) -> Iterator[int]:
    """Select up to `shown` problems by taking the kinds in turn, so that rare kinds are included."""
    waiting = {kind: [int(i) for i in problems if kinds[i] == kind] for kind in KINDS}
    rounds = (row[n] for n in range(shown) for row in waiting.values() if n < len(row))
    yield from sorted(i for i, _ in zip(rounds, range(shown)))


def _attempt(solution: "Solution", scores: Sequence[float]) -> Attempt:
    """An attempt in words: its steps, each with its score and whether the attempt is right so far."""
    lines, checks = str(solution).splitlines(), solution.problem.check_steps(solution.steps)
    if not len(lines) == len(checks) == len(scores):
        raise ValueError(f"each of {len(lines)} steps needs a check and a score, not {len(checks)} and {len(scores)}")
    steps: list[list[str | int]] = [
        [line, f"{score:.2f}", int(check)] for line, score, check in zip(lines, scores, checks)
    ]
    return {"right": int(solution.correct), "answer": solution.answer or "none", "steps": steps}


def _revisions_table(key: str, right: np.ndarray, spent: np.ndarray) -> Table:
    """Table of a group, one row per attempt: accuracy, attempts turned right or wrong, and cost of the chain.

    `right` has the shape (problems, chains, attempts).
    """
    rows = []
    for t in range(right.shape[2]):
        solved, interval, cost = in_words(bootstrap(right[:, :, t].mean(axis=1)), spent[:, t].mean())
        turned = ["", ""]
        if t:
            before, after = right[:, :, t - 1], right[:, :, t]
            turned = [_turned(before & ~after, before), _turned(~before & after, ~before)]
        rows.append([str(t + 1), solved, interval, *turned, cost])
    return {
        "caption": f"{GROUPS[key].capitalize()}: {len(right)} problems, {right.shape[1]} chains each",
        "columns": [
            "Attempt",
            "Right",
            "95% interval",
            "Right turned wrong",
            "Wrong turned right",
            "Cost of the chain",
        ],
        "rows": rows,
    }


def _turned_wrong(right: np.ndarray) -> list[float | None]:
    """Share of the right attempts that the next attempt turns wrong, by rewrite; None where no attempt is right."""
    before, after = right[:, :, :-1], right[:, :, 1:]
    counts, turned = before.sum(axis=(0, 1)), (before & ~after).sum(axis=(0, 1))
    return [round(float(t / n), 4) if n else None for t, n in zip(turned, counts, strict=True)]


def _turned(turned: np.ndarray, attempts: np.ndarray) -> str:
    """A share of attempts in words. For few attempts only the counts, because the interval would mislead."""
    if attempts.sum() < FEW:
        return f"{turned.sum()} of {attempts.sum()}"
    return f"{bootstrap_share(turned.sum(axis=1), attempts.sum(axis=1)):%}"


def recorded() -> WatchRevisionData:
    """Compute the data from the recorded chains."""
    from .. import results

    chains, scores, spent = recorded_chains()
    return watch_revision_data(
        chains,
        scores,
        ease=-results.small_fifths(),
        flops=spent,
        verifier="the PRM",
        source=f"{SEED}, the small model's recorded chains on the test problems, temperature 1",
    )
