"""Payoff of chapter 3: the learner's step of a beam search, at work on a problem of the live search."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

import ttclab
from ttclab.beam_search import beam_search
from ttclab.exercises.payoffs.yours import mark
from ttclab.explorables import shipped_data
from ttclab.explorables.watch_search import KINDS, M, N
from ttclab.figures import Drawing, style
from ttclab.figures.drawing import ONE_PROBLEM
from ttclab.problems import ArithmeticProblem, Solution

SEED = 0  # of the first search that the page shows
STEPS = 40
PROBLEM = next(
    each["id"] for each in shipped_data("watch_search")["problems"] if each["said"] == KINDS["found by search"]
)
# States of the live search, by payoff: it shows the search that the learner's function has run, from its first step on.
WATCH: dict[str, dict[str, Any]] = {"beam": {"problem": PROBLEM, "N": N, "M": M, "seed": SEED, "step": 0}}


class Beginning(NamedTuple):
    """A beginning that was scored, and how many places the learner's function gives it."""

    step: int
    solution: Solution
    score: float
    places: int


@cache
def _models() -> tuple[Any, Any]:
    return ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")


def beam(beam_step: Callable[..., Sequence[str]]) -> Drawing:
    """The beginnings that the learner's function keeps, at every step of a beam search."""
    problem = ArithmeticProblem.from_expression(PROBLEM)
    model, prm = _models()
    seen = _search(beam_step, problem)
    ended = [each for each in seen if each.solution.finished]
    best = min(ended, key=lambda each: (-each.score, each.solution.text)).solution
    page = beam_search(model, prm, problem, N, M, seed=SEED)
    samples = ttclab.parallel_search(model, prm, problem, N, seed=SEED)
    same = {_named(each.solution) for each in ended} == {_named(solution) for solution in page.solutions}
    figure, axes = style.new_axes()
    looks = {True: ("right so far", "o", "oracle"), False: ("wrong", "x", "revision")}
    at = {id(each): each.step + (i % N - N / 2) / (1.6 * N) for i, each in enumerate(seen)}
    for right, (label, marker, colour) in looks.items():
        dots = [each for each in seen if problem.check_steps(each.solution.steps)[-1] == right]
        axes.plot(
            [at[id(each)] for each in dots], [each.score for each in dots], marker, ls="", ms=4,
            color=style.COLOURS[colour], label=label,
        )  # fmt: skip
    kept = [each for each in seen if each.places]
    axes.set(
        xlabel="step of the search", ylabel="the PRM's score", ylim=(-0.05, 1.05), xticks=range(1, seen[-1].step + 1)
    )
    axes.legend()
    mark(figure, [at[id(each)] for each in kept], [each.score for each in kept], "your function continues")
    return Drawing(
        figure,
        f"Your function keeps {'the same beginnings as' if same else 'other beginnings than'} the live search",
        f"On “{problem.question}” your beam search answers {_said(best)}. The best of {N} whole samples is "
        f"{_said(samples)}.",
        pd.DataFrame(
            {
                "step": [str(each.step) for each in seen],
                "the beginning's last step": [str(each.solution).splitlines()[-1] for each in seen],
                "score": [f"{each.score:.2f}" for each in seen],
                "continued": ["ended" if each.solution.finished else f"{each.places} times" for each in seen],
            }
        )
        .value_counts(sort=False)
        .rename("beginnings")
        .reset_index(),
        source=ONE_PROBLEM,
        name="payoff_beam",
    )


def _named(solution: Solution) -> tuple[str, str]:
    """A solution and the random streams that have written it, which tell copies apart."""
    return solution.text, solution.key


def _said(solution: Solution | ttclab.Result) -> str:
    return f"{solution.answer or 'nothing'}, {'right' if solution.correct else 'wrong'}"


def _search(beam_step: Callable[..., Sequence[str]], problem: ArithmeticProblem) -> list[Beginning]:
    """Every beginning of a beam search that continues what the learner's function returns."""
    model, prm = _models()
    seen: list[Beginning] = []
    live = model.generate_step(problem, n=N, seed=SEED)
    for step in range(1, STEPS + 1):
        scores = [steps[-1] for steps in prm.score_steps(live)]
        texts = list(beam_step([each.text for each in live], scores, [each.finished for each in live], M))
        chosen = _chosen(texts, live)
        places = Counter(map(id, chosen))
        seen += [Beginning(step, each, score, places[id(each)]) for each, score in zip(live, scores, strict=True)]
        if not chosen:
            break
        live = model.generate_step(problem, chosen)
    return seen


def _chosen(texts: Sequence[str], live: Sequence[Solution]) -> list[Solution]:
    """The solutions with these texts. Of several with one text, each takes M places before the next one does."""
    with_text: dict[str, list[Solution]] = {}
    for solution in sorted(live, key=lambda each: each.key):
        if not solution.finished:
            with_text.setdefault(solution.text, []).append(solution)
    taken: Counter[str] = Counter()
    chosen = []
    for text in texts:
        chosen.append(with_text[text][taken[text] // M])
        taken[text] += 1
    return chosen
