"""Watch a revision: what revisions turn right and wrong, and chains to look at."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..estimators import bootstrap, bootstrap_share, fifths
from .words import GROUPS, SCHEMA, group_members, in_words

if TYPE_CHECKING:
    from ..tasks.problem import Solution

KINDS = {  # of revision chains, by what is right in them
    "right": "right all along",
    "mended": "wrong, then right",
    "spoilt": "right, then wrong",
    "wavering": "back and forth",
    "wrong": "wrong all along",
}
FEW = 30  # attempts


def watch_revision_data(
    chains: "Sequence[Sequence[Sequence[Solution]]]",
    scores: Sequence[Sequence[Sequence[Sequence[float]]]],
    *,
    ease: ArrayLike | None = None,
    flops: ArrayLike | None = None,
    shown: int = 8,
    source: str = "your own run",
) -> dict[str, Any]:
    """What revisions turn right and wrong, and chains to look at, as the simulator "Watch a revision" shows them.

    chains: for each problem its chains, as many each, of attempts, as many each and two at least; scores: for each
    attempt a verifier's scores of its steps; ease: (problems,), what the fifths of difficulty are made of, higher for
    easier problems (default: the share of first attempts that is right); flops: what a chain has cost a problem when
    attempt t is written and scored, (problems, attempts); shown: how many chains of each fifth can be looked at, one a
    problem, the kinds taking turns; source: where the runs come from, shown below. JSON-ready.
    Raises ValueError for other shapes and for fewer than five problems.
    """
    shapes = {(len(group), len(chain)) for group in chains for chain in group}
    if len(chains) < 5 or len(shapes) != 1 or min(shapes)[1] < 2 or not all(chains):
        raise ValueError(
            "chains must be (problems, chains, attempts), at least 5 by 1 by 2 and as many of each, "
            f"not {len(chains)} problems with (chains, attempts) {sorted(shapes)}"
        )
    right = np.array([[[solution.correct for solution in chain] for chain in group] for group in chains])
    problems, each, attempts = right.shape
    easy = right[:, :, 0].mean(axis=1) if ease is None else ease
    fifth = fifths(easy)
    spent = np.full((problems, attempts), np.nan) if flops is None else np.asarray(flops, dtype=float)
    members = group_members(easy)
    kinds = np.array([[_kind(chain) for chain in group] for group in right])
    picked = [i for of in range(5) for i in _turns(kinds[:, 0], np.flatnonzero(fifth == of), shown)]
    return {
        "schema": SCHEMA,
        "explorable": "watch_revision",
        "source": f"{source}; {problems} problems, {each} chains of {attempts} attempts each",
        "groups": [{"key": key, "name": name, "problems": int(members[key].sum())} for key, name in GROUPS.items()],
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
    """The first attempts of all recorded chains that are long enough, on the test problems: the solutions, the scores
    of their steps by the verifier that sees attempts, and what each chain has cost by then, (problems, attempts).
    """
    from .. import bank, results
    from ..bank.shipped import REVISER, REVISER_PRM

    run = results.chains()
    scored = bank.load_scores(REVISER_PRM, f"{REVISER}-test-chains")
    columns = run.first(None, attempts - 1)
    chains, scores = [], []
    for i, said in enumerate(scored):
        written = run.solutions(i)
        chains.append([[written[j] for j in column] for column in columns])
        scores.append([[said[j] for j in column] for column in columns])
    spent = [[results.chain_flops("test", REVISER_PRM, column[: t + 1]) for t in range(attempts)] for column in columns]
    return chains, scores, np.mean(spent, axis=0).T


def _kind(right: np.ndarray) -> str:
    """Which of KINDS a chain is, by what is right in it, (attempts,)."""
    if right.all() or not right.any():
        return "right" if right[0] else "wrong"
    return "wavering" if right[0] == right[-1] else "mended" if right[-1] else "spoilt"


def _turns(kinds: np.ndarray, problems: np.ndarray, shown: int) -> Iterator[int]:
    """Up to `shown` of the problems, one of each kind, then the next of each, so that a rare kind is not left out."""
    waiting = {kind: [int(i) for i in problems if kinds[i] == kind] for kind in KINDS}
    rounds = (row[n] for n in range(shown) for row in waiting.values() if n < len(row))
    yield from sorted(i for i, _ in zip(rounds, range(shown)))


def _attempt(solution: "Solution", scores: Sequence[float]) -> dict[str, Any]:
    """An attempt in words: its steps with the score of each, and up to which it is right."""
    lines, checks = str(solution).splitlines(), solution.problem.check_steps(solution.steps)
    if not len(lines) == len(checks) == len(scores):
        raise ValueError(f"each of {len(lines)} steps needs a check and a score, not {len(checks)} and {len(scores)}")
    steps = [[line, f"{score:.2f}", int(check)] for line, score, check in zip(lines, scores, checks)]
    return {"right": int(solution.correct), "answer": solution.answer or "none", "steps": steps}


def _revisions_table(key: str, right: np.ndarray, spent: np.ndarray) -> dict[str, Any]:
    """Attempt by attempt, for a group: how many are right, what the revision turned, what the chain has cost.

    right: (problems, chains, attempts).
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


def _turned(turned: np.ndarray, of: np.ndarray) -> str:
    """A share of attempts in words; of so few that an interval over problems would mislead, only their number."""
    if of.sum() < FEW:
        return f"{turned.sum()} of {of.sum()}"
    return f"{bootstrap_share(turned.sum(axis=1), of.sum(axis=1)):%}"


def recorded() -> dict[str, Any]:
    """The data of the recorded chains."""
    from .. import results

    chains, scores, spent = recorded_chains()
    return watch_revision_data(
        chains,
        scores,
        ease=-results.revision_fifths(),
        flops=spent,
        source="the revision model's recorded chains on the test problems, temperature 1",
    )
