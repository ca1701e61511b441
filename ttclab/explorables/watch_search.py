"""Watch it search: the small model and its PRM run in the page, on our problems or on the reader's."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..data import ZOO
from .schemas import Models, Table, WatchSearchData
from .words import SCHEMA, SEED, in_words

if TYPE_CHECKING:
    from ..allocator import Arm
    from ..tasks.problem import Problem, Solution

MODELS = {"policy": "small", "prm": "prm"}  # models that run in the page
N, M = 16, 4  # budget and width of the recorded runs in the table and of the first view
OPENS = "fooled"  # kind of the problem that the simulator opens with: the strategies differ
LONG = 5  # smallest number of operations of a problem to watch
FOOLED = 0.5  # a wrong solution must score at least this to be a verifier's clear mistake
KINDS = {  # of problems to watch, by the results of N samples and of a beam search with N places
    "voted down": "the vote is wrong, the best score is right",
    "fooled": "a wrong solution has the best score, though a right one is there",
    "found by search": "every rule chooses a wrong sample, beam search is right",
    "trusting": "the best score is wrong, the vote is right",
    "unreached": "no sample is right, beam search is",
    "agreed": "all agree",
}

QUALITY = 0.8  # of the noisy oracle
VERIFIERS = {  # Python expressions, by the names on the page
    "prm": 'ttclab.load_verifier("prm")',
    "noisy": f"ttclab.verifiers.NoisyOracle({QUALITY})",
    "oracle": 'ttclab.load_verifier("oracle")',
}
# Code for the reader's notebook, with <placeholders>.
CELL = """\
import ttclab
from ttclab.beam_search import beam_search, dvts
from ttclab.problems import ArithmeticProblem

problem = ArithmeticProblem.from_expression("<problem>")
model = ttclab.load("small")
verifier = <verifier>
task = model, verifier, problem
options = {"temperature": <temperature>, "seed": <seed>}
results = {
    "N samples": ttclab.parallel_search(*task, <N>, **options),
    "beam search": beam_search(*task, <N>, <M>, **options),
    "DVTS": dvts(*task, <N>, <M>, **options),
    "step-level revision": ttclab.hybrid_search(
        *task, <M>, <T>, feedback=verifier, **options
    ),
}
for name, result in results.items():
    print(f"{name}: {result.answer}, {result.cost.total_flops:,} FLOPs")"""


def weight_files() -> dict[str, Path]:
    """Weight files of the models that run in the page, by their names on the page."""
    return {key: ZOO / name / "model.safetensors" for key, name in MODELS.items()}


def models() -> Models:
    """Configurations of the models that run in the page, and their vocabulary."""
    vocabulary = json.loads((ZOO / MODELS["policy"] / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return {
        "configs": {
            key: json.loads((ZOO / name / "config.json").read_text(encoding="utf-8")) for key, name in MODELS.items()
        },
        "characters": sorted(vocabulary, key=vocabulary.__getitem__),
    }


def recorded() -> WatchSearchData:
    """Compute the data: configurations of the models, problems to watch, and results of the recorded runs."""
    from .. import bank, results
    from ..problems import ArithmeticProblem
    from ..verifiers.scoring import threshold_of

    arms = {
        "Best-of-N, the best score": results.best(N),
        "Samples, weighted vote": results.weighted(N),
        "Samples, majority vote": results.vote(N),
        "Beam search": results.beam(N, M=M),
        f"Step-level revision, {M} chains": results.stepwise(N // M - 1, M),
    }
    metadata = bank.load("small", "test").metadata
    problems = dict(_worth_watching())
    return {
        "schema": SCHEMA,
        "explorable": "watch_search",
        "source": f"drawn in your browser by the small model of {SEED} and scored by its PRM; the table under “The "
        f"numbers” is of the recorded runs on {metadata.problems} test problems",
        **models(),
        "threshold": threshold_of("prm"),
        "quality": QUALITY,
        "verifiers": VERIFIERS,
        "cell": CELL,
        "problems": [
            {"id": name, "question": ArithmeticProblem.from_expression(name).question, "said": KINDS[kind]}
            for kind, name in problems.items()
        ],
        "opens": problems[OPENS],
        "tables": [_table(arms)],
    }


def _worth_watching() -> Iterator[tuple[str, str]]:
    """The first long problem of each kind, in the recorded runs."""
    from .. import bank, results
    from ..sampling import CHOICES, Result

    samples, scores = bank.load("small", "test"), results.last_scores("prm", "small-test")
    searched = results.searching.searches(N, M=M).correct()
    first: dict[str, str] = {}
    for i, problem in enumerate(samples.problems):
        solutions, row = samples.solutions(i)[:N], list(scores[i, :N])
        best, weighted, vote = (Result.chosen(choose, solutions, row).correct for choose in CHOICES)
        kind = (
            "fooled"
            if _is_fooled(problem, solutions, row)
            else _kind(best, weighted, vote, any(solution.correct for solution in solutions), bool(searched[i]))
        )
        if kind and sum(map(problem.id.count, "+-*")) >= LONG:
            first.setdefault(kind, problem.id)
    yield from ((kind, first[kind]) for kind in KINDS if kind in first)


def _is_fooled(problem: "Problem", solutions: "Sequence[Solution]", scores: Sequence[float]) -> bool:
    """Whether the best score is high and a wrong solution's, and another solution is right in all its steps."""
    top = int(np.argmax(scores))
    there = any(solution.correct and all(problem.check_steps(solution.steps)) for solution in solutions)
    return scores[top] > FOOLED and not solutions[top].correct and there


def _kind(best: bool, weighted: bool, vote: bool, covered: bool, searched: bool) -> str | None:
    """The kind of a problem that fools no verifier, a key of KINDS, or None."""
    if not covered:
        return "unreached" if searched else None
    if best and weighted:
        return "agreed" if vote and searched else "voted down" if not vote else None
    if not best:
        return "trusting" if vote else "found by search" if searched and not weighted else None
    return None


def _table(arms: "dict[str, Arm]") -> Table:
    """Accuracy and cost of each recorded strategy over all problems; DVTS runs only in the page."""
    rows = [[name, *in_words(arm.solved, float(np.mean(arm.flops)))] for name, arm in arms.items()]
    return {
        "caption": f"The recorded runs on all test problems, with N={N}, M={M} and the PRM",
        "columns": ["Strategy", "Solved", "95% interval", "Cost per problem"],
        "rows": [*rows, ["DVTS", "not recorded", "", ""]],
    }
