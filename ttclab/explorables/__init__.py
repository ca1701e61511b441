"""The simulators: the tables they look their numbers up in, and their face in notebooks.

One ES module each (`<name>.js`, bundled from `src/` by `npm run build`) draws the same view in a page of the book and
in a notebook, from one JSON file (`<name>.json`, made by `python -m ttclab.explorables`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from ..estimators import (
    Estimate,
    best_of_n,
    bootstrap,
    bootstrap_share,
    fifths,
    majority,
    pass_at_k,
    weighted_best_of_n,
)

if TYPE_CHECKING:
    from ..bank import Samples
    from ..problems import Solution

FOLDER = Path(__file__).parent
NAMES = ("breadth_or_depth", "judge", "watch_revision")
SCHEMA = 1
GROUPS = {
    "all": "all problems",
    "1": "easiest fifth",
    "2": "second fifth",
    "3": "middle fifth",
    "4": "fourth fifth",
    "5": "hardest fifth",
}

KINDS = {  # of revision chains, by what is right in them
    "right": "right all along",
    "mended": "wrong, then right",
    "spoilt": "right, then wrong",
    "wavering": "back and forth",
    "wrong": "wrong all along",
}
FEW = 30  # attempts
QUALITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # the dial of the noisy oracle: its AUC


class Explorable(anywidget.AnyWidget):
    """A simulator in a notebook; `show` makes one. `state` is the reader's selection, {} until a guess is committed."""

    _esm = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, data: dict[str, Any] | None = None, **traits: Any) -> None:
        if name not in NAMES:
            raise ValueError(f"no explorable is called {name!r}; there are: {', '.join(NAMES)}")
        self.name = name
        module = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
        super().__init__(_esm=module, data=shipped_data(name) if data is None else data, **traits)

    def __repr__(self) -> str:
        return f"Explorable({self.name!r})"


def show(name: str, data: dict[str, Any] | None = None) -> Explorable:
    """The simulator `name` as a widget, on the recorded runs that ship with the course or on `data` from your own run.

    data: what `<name>_data(...)` returns. Raises ValueError for an unknown name.
    """
    return Explorable(name, data)


def shipped_data(name: str) -> dict[str, Any]:
    """The data that ship with the course, as `<name>_data` made them."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def breadth_or_depth_data(
    correct: ArrayLike, flops_per_sample: ArrayLike, *, prefill_flops: ArrayLike = 0, source: str = "your own run"
) -> dict[str, Any]:
    """Coverage by budget, for all problems and by fifth of difficulty, as the simulator "Breadth or depth" looks it up.

    correct: (problems, samples), true where a sample is right; flops_per_sample: of writing one, a number, (problems,)
    or (problems, samples); prefill_flops: of reading a problem, paid once for all its samples, a number or (problems,);
    source: where the runs come from, shown under the chart. The fifths are of pass@1 on these same samples. Theory is
    1-(1-p)^N with p the group's pass@1. JSON-ready; fractions keep 4 decimals.
    Raises ValueError for other shapes, for fewer than five problems and for no samples.
    """
    right = np.asarray(correct, dtype=bool)
    if right.ndim != 2 or len(right) < 5 or not right.shape[1]:
        raise ValueError(f"correct must be (problems, samples), at least 5 by 1, not {right.shape}")
    problems, samples = right.shape
    budgets = [2**i for i in range(9) if 2**i <= samples]
    writing, reading = np.asarray(flops_per_sample, dtype=float), np.broadcast_to(prefill_flops, problems)
    writing = np.broadcast_to(writing.mean(axis=1) if writing.ndim == 2 else writing, problems)
    coverage = pass_at_k(samples, right.sum(axis=1, keepdims=True), budgets)  # (problems, budgets)
    fifth = fifths(right.mean(axis=1))
    groups = []
    for key, name in GROUPS.items():
        members = np.full(problems, True) if key == "all" else fifth == int(key) - 1
        p, once, each = (values[members].mean() for values in (right, reading, writing))
        estimate = bootstrap(coverage[members])
        groups.append(
            {
                "key": key,
                "name": name,
                "problems": int(members.sum()),
                "p": round(float(p), 4),
                "coverage": {part: np.round(values, 4).tolist() for part, values in estimate._asdict().items()},
                "theory": np.round(1 - (1 - p) ** np.array(budgets), 4).tolist(),
                "flops": [float(f"{once + n * each:.4g}") for n in budgets],
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


def judge_data(
    answers: ArrayLike,
    correct: ArrayLike,
    judges: Mapping[str, ArrayLike],
    *,
    noisy: Mapping[float, ArrayLike] | None = None,
    flops: Mapping[str, ArrayLike] | None = None,
    source: str = "your own run",
) -> dict[str, Any]:
    """Problems solved by budget, judge and way of choosing, as the simulator "How good is your judge" looks it up.

    answers, correct: (problems, samples), as in `majority`; judges: the scores of each, (problems, samples), by name;
    noisy: the scores of noisy oracles by their quality; flops: what a choice costs a problem, samples included,
    (problems, budgets) by the judge's name, and by "vote" for judges that it does not name; source: where the runs come
    from, shown under the chart. A vote and the oracle are added. JSON-ready; fractions keep 4 decimals.
    Raises ValueError for other shapes, for fewer than five problems and for no samples.
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
    found: list[tuple[dict[str, Any], Any, str]] = [
        ({"judge": "none"}, majority(answers, right, budgets), "vote"),
        ({"judge": "oracle"}, covered, "vote"),
    ]
    keys = {name: name.lower().replace(" ", "-") for name in judges}
    scored: list[tuple[dict[str, Any], ArrayLike, str]] = [({"judge": keys[who]}, judges[who], who) for who in judges]
    scored += [({"judge": "noisy", "quality": quality}, scores, "vote") for quality, scores in (noisy or {}).items()]
    for which, scores, who in scored:
        found.append(({**which, "choose": "weighted"}, weighted_best_of_n(answers, scores, right, budgets), who))
        found.append(({**which, "choose": "best"}, best_of_n(scores, right, budgets), who))
    fifth = fifths(right.mean(axis=1))
    members = {key: np.full(problems, True) if key == "all" else fifth == int(key) - 1 for key in GROUPS}
    curves = []
    for which, values, who in found:
        spent = np.asarray(costs.get(who, costs["vote"]))
        curves.append({**which, "groups": [_judged(values[i], spent[i].mean(axis=0)) for i in members.values()]})
    return {
        "schema": SCHEMA,
        "explorable": "judge",
        "source": f"{source}; {problems} problems, {samples} samples each",
        "budgets": budgets.tolist(),
        "groups": [{"key": key, "name": GROUPS[key], "problems": int(rows.sum())} for key, rows in members.items()],
        "judges": [
            {"key": "none", "name": "none: a vote", "label": "vote"},
            *({"key": key, "name": name, "label": name} for name, key in keys.items()),
            *([{"key": "noisy", "name": "noisy oracle", "label": "noisy"}] if noisy else []),
            {"key": "oracle", "name": "oracle", "label": "coverage"},
        ],
        "columns": ["Samples", "Solved", "95% interval", "Cost a problem", "A vote", "Perfect judge"],
        "curves": curves,
        "tables": [_judges_table(i, key, budgets, curves, list(judges)) for i, key in enumerate(GROUPS)],
    }


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
    fifth = fifths(right[:, :, 0].mean(axis=1) if ease is None else ease)
    spent = np.full((problems, attempts), np.nan) if flops is None else np.asarray(flops, dtype=float)
    members = {key: np.full(problems, True) if key == "all" else fifth == int(key) - 1 for key in GROUPS}
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
                "said": [_in_words(bootstrap((kinds == key)[i].mean(axis=1))) for i in members.values()],
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


def noisy_scores(samples: "Samples", quality: float) -> np.ndarray:
    """What a `NoisyOracle` says of recorded samples, (problems, samples); the same text has the same score."""
    from ..verifiers import NoisyOracle

    oracle, scores = NoisyOracle(quality), np.empty(samples.correct.shape)
    for i, texts in enumerate(samples.texts):
        written = samples.solutions(i)
        _, first, place = np.unique(texts, return_index=True, return_inverse=True)
        scores[i] = np.array(oracle.score([written[j] for j in first]))[place]
    return scores


def recorded_chains(
    attempts: int = 8,
) -> tuple[list[list[list["Solution"]]], list[list[list[list[float]]]], np.ndarray]:
    """The first attempts of all recorded chains that are long enough, on the test problems: the solutions, the scores
    of their steps by the verifier that sees attempts, and what each chain has cost by then, (problems, attempts).
    """
    from .. import bank, evidence

    run = bank.load_chains("revision", "test")
    scored = bank.load_scores("prm-revision", "revision-test-chains")
    chain, attempt = run.chain[0], run.attempt[0]  # laid out alike for every problem
    long = [k for k, length in enumerate(run.made["lengths"]) if length >= attempts]
    columns = [np.flatnonzero((chain == k) & (attempt < attempts)) for k in long]
    chains, scores = [], []
    for i, said in enumerate(scored):
        written = run.solutions(i)
        chains.append([[written[j] for j in column] for column in columns])
        scores.append([[said[j] for j in column] for column in columns])
    spent = [
        [evidence.chain_flops("test", "prm-revision", (chain == k) & (attempt <= t)) for t in range(attempts)]
        for k in long
    ]
    return chains, scores, np.mean(spent, axis=0).T


def build_data() -> dict[str, dict[str, Any]]:
    """The data of every simulator, by name, made anew from the recorded runs."""
    from .. import bank, evidence

    def flops(**how: str) -> np.ndarray:
        return np.stack([arm.flops for arm in evidence.sampling_arms(**how)], axis=1)

    small = bank.load("small", "test")
    runs = f"the small model's recorded runs on the test problems, temperature {small.made['temperature']:g}"
    judges = {"ORM": "orm", "PRM": "prm", "PRM 14x": "prm-large"}
    chains, scores, spent = recorded_chains()
    return {
        "breadth_or_depth": breadth_or_depth_data(
            small.correct, small.decode_flops, prefill_flops=small.prefill_flops, source=runs
        ),
        "judge": judge_data(
            small.answers,
            small.correct,
            {name: evidence.last_scores(verifier, "small-test") for name, verifier in judges.items()},
            noisy={quality: noisy_scores(small, quality) for quality in QUALITIES},
            flops={
                "vote": flops(choose="oracle"),
                **{name: flops(verifier=verifier, choose="best") for name, verifier in judges.items()},
            },
            source=runs,
        ),
        "watch_revision": watch_revision_data(
            chains,
            scores,
            ease=-evidence.revision_fifths(),
            flops=spent,
            source="the revision model's recorded chains on the test problems, temperature 1",
        ),
    }


def as_json(data: dict[str, Any]) -> str:
    """The one spelling of a data file: compact, in the order the data were made, one line."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"


def _coverage_table(budgets: list[int], group: dict[str, Any]) -> dict[str, Any]:
    """A group's numbers in words: what the page's sentence, its table and its table without scripts all say."""
    rows = []
    for i, budget in enumerate(budgets):
        mean, low, high = _percents(*(group["coverage"][part][i] for part in ("mean", "low", "high")))
        (theory,) = _percents(group["theory"][i])
        rows.append([str(budget), f"{mean}%", f"{low} to {high}", f"{theory}%", _flops(group["flops"][i])])
    return {
        "caption": f"{group['name'].capitalize()}: {group['problems']} problems",
        "columns": ["Samples", "At least one right", "95% interval", "Theory", "Cost a problem"],
        "rows": rows,
    }


def _judged(values: np.ndarray, costs: np.ndarray) -> dict[str, Any]:
    """A curve in numbers, and in the words of the page's sentence and table: solved, interval, cost."""
    estimate: dict[str, Any] = {part: np.round(x, 4).tolist() for part, x in bootstrap(values)._asdict().items()}
    said = []
    for i, cost in enumerate(costs):
        mean, low, high = _percents(*(estimate[part][i] for part in ("mean", "low", "high")))
        said.append([f"{mean}%", f"{low} to {high}", "not counted" if np.isnan(cost) else _flops(cost)])
    return {**estimate, "said": said}


def _judges_table(
    group: int, key: str, budgets: np.ndarray, curves: list[dict[str, Any]], names: list[str]
) -> dict[str, Any]:
    """All judges side by side, where scripts are off."""
    vote, oracle, *judged = (
        curve["groups"][group]["said"]
        for curve in curves
        if "quality" not in curve and curve.get("choose", "weighted") == "weighted"
    )
    rows = [
        [str(n), *(f"{said[i][0]} ({said[i][1]})" for said in (vote, *judged, oracle))] for i, n in enumerate(budgets)
    ]
    return {
        "caption": f"{GROUPS[key].capitalize()}: solved by a vote weighted by the judge's scores",
        "columns": ["Samples", "A vote", *names, "Perfect judge"],
        "rows": rows,
    }


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
        mean, low, high = _percents(*map(float, bootstrap(right[:, :, t].mean(axis=1))))
        turned = ["", ""]
        if t:
            before, after = right[:, :, t - 1], right[:, :, t]
            turned = [_turned(before & ~after, before), _turned(~before & after, ~before)]
        cost = float(spent[:, t].mean())
        rows.append(
            [str(t + 1), f"{mean}%", f"{low} to {high}", *turned, "not counted" if np.isnan(cost) else _flops(cost)]
        )
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
    return _in_words(bootstrap_share(turned.sum(axis=1), of.sum(axis=1)))


def _in_words(estimate: Estimate) -> str:
    mean, low, high = _percents(*map(float, estimate))
    return f"{mean}% ({low} to {high})"


def _percents(*fractions: float) -> list[str]:
    """Whole percents, with as many decimals for all as the one nearest to 0 or 100 needs: 80, but 1.3 and 99.97."""
    ends = [min(x, 1 - x) for x in fractions if 0 < x < 1]
    digits = sum(min(ends, default=1) < limit for limit in (0.05, 0.005))
    return [f"{100 * x:.{digits}f}" for x in fractions]


def _flops(count: float) -> str:
    """Three digits and a prefix: 21.3 MFLOPs."""
    prefixes = ["", "k", "M", "G", "T", "P", "E"]
    while float(f"{count:.3g}") >= 1000 and len(prefixes) > 1:
        count, prefixes = count / 1000, prefixes[1:]
    return f"{float(f'{count:.3g}'):g} {prefixes[0]}FLOPs"
