"""The role {measured}`name`: a number in prose, computed from the recorded runs while the book is built.

What a page says can so never differ from what was measured. A name that `look_up` does not know fails the strict build.
"""

import inspect
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from ttclab import bank, evidence
from ttclab.allocator import Arm
from ttclab.estimators import (
    Estimate,
    auc,
    best_of_n,
    bootstrap,
    bootstrap_share,
    fifths,
    majority,
    pass_at_k,
    weighted_best_of_n,
    within_problem_auc,
)
from ttclab.explorables import noisy_scores
from ttclab.hardware import find_gpu
from ttclab.models import ZOO, folder_of
from ttclab.verifiers import AGGREGATES

logger = logging.getLogger(__name__)


@cache
def small() -> bank.Samples:
    return bank.load("small", "test")


@cache
def fifth() -> np.ndarray:
    """Each problem's fifth of difficulty for the small model."""
    return fifths(small().correct.mean(axis=1))


def percent(x: float) -> str:
    return f"{100 * x:.0f}%"


def with_interval(estimate: Estimate) -> str:
    return f"{percent(estimate.mean)} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"


def coverage(n: int, of: int | None = None) -> Estimate:
    right = small().correct
    values = pass_at_k(right.shape[1], right.sum(axis=1), n)
    return bootstrap(values if of is None else values[fifth() == of])


def one_rate(n: int, of: int | None = None) -> float:
    """1-(1-p)^N with the mean p of a group, as if all its problems were equally hard."""
    p = small().correct.mean(axis=1)
    return float(1 - (1 - (p if of is None else p[fifth() == of]).mean()) ** n)


@cache
def votes(n: int) -> np.ndarray:
    return majority(small().answers, small().correct, n)


def vote(n: int, of: int | None = None) -> Estimate:
    return bootstrap(votes(n) if of is None else votes(n)[fifth() == of])


def flops_of_greedy(model: str) -> float:
    run = bank.load(model, "test", greedy=True)
    return float((run.prefill_flops + run.decode_flops[:, 0]).mean())


def matched_samples() -> int:
    """Samples of the small model for the FLOPs of one greedy pass of the large one."""
    return int((flops_of_greedy("large") - small().prefill_flops.mean()) / small().decode_flops.mean())


def vote_minus_greedy() -> Estimate:
    return bootstrap(votes(matched_samples()) - bank.load("small", "test", greedy=True).correct[:, 0])


def flops_of_samples(n: int) -> float:
    return float(small().prefill_flops.mean() + n * small().decode_flops.mean())


def greedy(model: str, of: int | None = None, at: int | None = None) -> Estimate:
    right = bank.load(model, "test", at=at, greedy=True).correct[:, 0]
    return bootstrap(right if of is None else right[fifth() == of])


def coverage_minus_large(at: int | None = None) -> Estimate:
    right = small().correct
    covered = pass_at_k(right.shape[1], right.sum(axis=1), matched_samples())
    return bootstrap(covered - bank.load("large", "test", at=at, greedy=True).correct[:, 0])


def fifth_shift() -> float:
    """How far a fifth's coverage moves at most if half of the samples make the fifths and the others are measured."""
    right = small().correct
    half = right.shape[1] // 2
    apart, there = fifths(right[:, :half].mean(axis=1)), right[:, half:]
    shifts = []
    for n in (1, 4, 16, matched_samples(), 64):
        covered = pass_at_k(half, there.sum(axis=1), n)
        shifts += [abs(float(covered[apart == of].mean() - coverage(n, of).mean)) for of in range(5)]
    return max(shifts)


def points(difference: Estimate, digits: int = 0) -> str:
    mean, low, high = (100 * x for x in difference)
    return f"{mean:+.{digits}f} points ({low:+.{digits}f} to {high:+.{digits}f})".replace("-", "−")


def made(model: str, at: int | None = None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((folder_of(model, at) / "training.json").read_text())
    return made


def zoo_training_flops() -> int:
    """All that every shipped model cost, each training run once, at its last step."""
    runs: dict[str, int] = {}
    for card in ZOO.glob("*/training.json"):
        made = json.loads(card.read_text())
        runs[made["name"]] = max(runs.get(made["name"], 0), made["training_flops"] + made.get("data_flops", 0))
    return sum(runs.values())


def default_of(function: Callable[..., Any], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


# ---- verifiers and search

JUDGES = ("orm", "prm", "prm-large", "prm-rollouts", "prm-exact")
BUDGETS = np.array(evidence.BUDGETS)
NAMED_FIFTHS = ("easiest", "second", "middle", "fourth", "hardest")
HARDEST = 4


@cache
def step_scores(judge: str, aggregate: str) -> np.ndarray:
    """A judge's recorded step scores as one score a solution."""
    scores = bank.load_scores(judge, "small-test")
    return np.array([[AGGREGATES[aggregate](steps) if steps else 0.0 for steps in group] for group in scores])


@cache
def scores_of(judge: str) -> np.ndarray:
    """A judge's scores of the recorded samples, by the last step; "noisy 0.8" is a noisy oracle."""
    name, _, quality = judge.partition(" ")
    return noisy_scores(small(), float(quality)) if name == "noisy" else step_scores(judge, "last")


@cache
def chosen(judge: str, way: str, aggregate: str = "last") -> np.ndarray:
    """Accuracy of a judge's choice at each of BUDGETS, (problems, budgets). way: "best" or "weighted"."""
    scores = scores_of(judge) if aggregate == "last" else step_scores(judge, aggregate)
    if way == "best":
        return best_of_n(scores, small().correct, BUDGETS)
    return weighted_best_of_n(small().answers, scores, small().correct, BUDGETS)


def choice(judge: str, way: str, n: int, of: int | None = None, aggregate: str = "last") -> Estimate:
    values = chosen(judge, way, aggregate)[:, list(BUDGETS).index(n)]
    return bootstrap(values if of is None else values[fifth() == of])


def choice_minus(one: tuple[str, str], other: tuple[str, str], n: int, of: int | None = None) -> Estimate:
    """One (judge, way) minus another, at the same budget."""
    gap = (chosen(*one) - chosen(*other))[:, list(BUDGETS).index(n)]
    return bootstrap(gap if of is None else gap[fifth() == of])


def fall(judge: str, way: str, of: int | None = None) -> tuple[int, Estimate]:
    """The budget at which a judge's choice is best, and 256 samples minus that one."""
    values = chosen(judge, way) if of is None else chosen(judge, way)[fifth() == of]
    peak = int(values.mean(axis=0).argmax())
    return int(BUDGETS[peak]), bootstrap(values[:, -1] - values[:, peak])


def judging_flops(judge: str, n: int) -> float:
    return float(evidence.judge_flops(small(), judge, np.array([n])).mean())


@cache
def search(judge: str, n: int, lookahead: int = 0) -> bank.Searches:
    return bank.load_searches("small", judge, "test", n, 4, lookahead=lookahead)


def texts_of_easiest(right: bool) -> str:
    """Different texts among the 256 samples of a problem of the easiest fifth, right ones or wrong ones."""
    texts, wanted = small().texts[fifth() == 0], small().correct[fifth() == 0] == right
    return f"{np.mean([len(set(row[those])) for row, those in zip(texts, wanted)]):.1f}"


def settled(judge: str) -> str:
    """Problems on which best-of-16 is right in more than 95% of the groups of samples, or in less than 5%."""
    right = chosen(judge, "best")[:, list(BUDGETS).index(16)]
    return percent(float(((right > 0.95) | (right < 0.05)).mean()))


def search_flops(judge: str, n: int, lookahead: int = 0) -> float:
    spent = search(judge, n, lookahead).flops
    return float(sum(spent[kind].mean() for kind in spent if kind != "cached"))


def beam(judge: str, n: int, of: int | None = None) -> Estimate:
    right = search(judge, n).correct()
    return bootstrap(right if of is None else right[fifth() == of])


def beam_minus(judge: str, n: int, way: str = "weighted", of: int | None = None) -> Estimate:
    gap = search(judge, n).correct() - chosen(judge, way)[:, list(BUDGETS).index(n)]
    return bootstrap(gap if of is None else gap[fifth() == of])


def beam_coverage(judge: str, n: int) -> Estimate:
    return bootstrap([any(solution.correct for solution in group) for group in search(judge, n).found])


def beam_texts(judge: str, n: int) -> float:
    return float(np.mean([len({solution.text for solution in group}) for group in search(judge, n).found]))


def lookahead_minus_beam() -> Estimate:
    return bootstrap(search("prm-large", 16, 1).correct().astype(float) - search("prm-large", 16).correct())


def millions(count: float) -> str:
    return f"{count / 1e6:.3g} million" if count < 999.5e6 else f"{count / 1e9:.3g} billion"


def trillions(count: float) -> str:
    return f"{count / 1e12:.3g} × 10¹²"


# Of a judge, as "prm hardest beam gain@16" names it: (judge, budget, group) -> words.
OF_A_BUDGET: dict[str, Callable[[str, int, int | None], str]] = {
    "best": lambda judge, n, of: with_interval(choice(judge, "best", n, of)),
    "weighted": lambda judge, n, of: with_interval(choice(judge, "weighted", n, of)),
    "best minus weighted": lambda judge, n, of: points(choice_minus((judge, "best"), (judge, "weighted"), n, of)),
    "megaflops": lambda judge, n, of: millions(judging_flops(judge, n)),
    "cost ratio": lambda judge, n, of: f"{judging_flops(judge, n) / flops_of_samples(n):.1f}",
    "weighted megaflops": lambda judge, n, of: millions(flops_of_samples(n) + judging_flops(judge, n)),
    "beam": lambda judge, n, of: with_interval(beam(judge, n, of)),
    "beam gain": lambda judge, n, of: points(beam_minus(judge, n, "weighted", of)),
    "beam minus best": lambda judge, n, of: points(beam_minus(judge, n, "best", of)),
    "beam megaflops": lambda judge, n, of: millions(search_flops(judge, n)),
    "beam coverage": lambda judge, n, of: with_interval(beam_coverage(judge, n)),
    "beam texts": lambda judge, n, of: f"{beam_texts(judge, n):.1f}",
    **{
        f"{aggregate} {way}": lambda judge, n, of, aggregate=aggregate, way=way: with_interval(  # type: ignore[misc]
            choice(judge, way, n, of, aggregate)
        )
        for aggregate in AGGREGATES
        for way in ("best", "weighted")
    },
}
OF_A_JUDGE: dict[str, Callable[[str], str]] = {
    "auc everywhere": lambda judge: f"{auc(scores_of(judge), small().correct):.3f}",
    "auc by answer": lambda judge: f"{within_problem_auc(scores_of(judge), small().correct):.3f}",
    "auc by working": lambda judge: f"{within_problem_auc(scores_of(judge), small().worked):.3f}",
    "parameters": lambda judge: f"{made(judge)['block_parameters'] / made('small')['block_parameters']:.1f}",
    "training": lambda judge: trillions(made(judge)["training_flops"] + made(judge)["data_flops"]),
    "all training": lambda judge: trillions(evidence.training_flops(judge)),
    "settled": settled,
    "peak": lambda judge: str(fall(judge, "best")[0]),
}
ASKED = re.compile(
    rf"(?P<judge>{'|'.join(JUDGES)}|noisy [.\d]+) (?:(?P<group>{'|'.join(NAMED_FIFTHS)}) )?"
    r"(?P<what>[^@]+)(?:@(?P<budget>\d+))?"
)


def look_up(name: str) -> Callable[[], str] | None:
    """What says the number of that name, None if nothing does."""
    if name in NUMBERS:
        return NUMBERS[name]
    asked = ASKED.fullmatch(name)
    if not asked:
        return None
    judge, what = asked["judge"], asked["what"]
    of = NAMED_FIFTHS.index(asked["group"]) if asked["group"] else None
    if asked["budget"] and what in OF_A_BUDGET:
        return lambda: OF_A_BUDGET[what](judge, int(asked["budget"]), of)
    if not asked["budget"] and what in OF_A_JUDGE:
        return lambda: OF_A_JUDGE[what](judge)
    return None


def worst_fall(way: str) -> str:
    """The largest fall after its best budget of any shipped judge, over all problems."""
    return points(min((fall(judge, way)[1] for judge in JUDGES), key=lambda gap: float(gap.mean)), 1)


NUMBERS: dict[str, Callable[[], str]] = {
    "small pass@1": lambda: with_interval(coverage(1)),
    "small pass@4": lambda: with_interval(coverage(4)),
    "small pass@16": lambda: with_interval(coverage(16)),
    "small pass@64": lambda: with_interval(coverage(64)),
    "small one rate@4": lambda: percent(one_rate(4)),
    "small easiest pass@1": lambda: with_interval(coverage(1, of=0)),
    "small hardest pass@1": lambda: with_interval(coverage(1, of=4)),
    "small hardest pass@64": lambda: with_interval(coverage(64, of=4)),
    "small hardest one rate@64": lambda: percent(one_rate(64, of=4)),
    "small easiest pass@4": lambda: with_interval(coverage(4, of=0)),
    "small hardest pass@16": lambda: with_interval(coverage(16, of=4)),
    "small vote@2": lambda: with_interval(vote(2)),
    "small vote@16": lambda: with_interval(vote(16)),
    "small vote@64": lambda: with_interval(vote(64)),
    "small vote@256": lambda: with_interval(vote(256)),
    "small megaflops@1": lambda: f"{flops_of_samples(1) / 1e6:.1f} million",
    "small megaflops@16": lambda: f"{flops_of_samples(16) / 1e6:.1f} million",
    "small greedy": lambda: with_interval(greedy("small")),
    "large greedy": lambda: with_interval(greedy("large")),
    "large hardest greedy": lambda: with_interval(greedy("large", of=4)),
    "matched samples": lambda: str(matched_samples()),
    "matched vote": lambda: with_interval(vote(matched_samples())),
    "matched coverage": lambda: with_interval(coverage(matched_samples())),
    "matched hardest coverage": lambda: with_interval(coverage(matched_samples(), of=4)),
    "matched hardest vote": lambda: with_interval(vote(matched_samples(), of=4)),
    "vote minus greedy": lambda: points(vote_minus_greedy()),
    "vote cost ratio": lambda: f"{flops_of_samples(matched_samples()) / flops_of_greedy('small'):.0f}",
    "large step": lambda: str(made("large")["steps"]),
    "large last step": lambda: str(made("large", at=2500)["steps"]),
    "coverage minus large": lambda: points(coverage_minus_large()),
    "coverage minus large last": lambda: points(coverage_minus_large(at=2500)),
    "fifth shift": lambda: f"{np.ceil(100 * fifth_shift()):.0f} points",
    "parameter ratio": lambda: f"{made('large')['block_parameters'] / made('small')['block_parameters']:.1f}",
    "pass ratio": lambda: f"{flops_of_greedy('large') / flops_of_greedy('small'):.1f}",
    "large megaflops": lambda: f"{flops_of_greedy('large') / 1e6:.0f} million",
    "large first greedy": lambda: with_interval(greedy("large", at=750)),
    "large last greedy": lambda: with_interval(greedy("large", at=2500)),
    "small parameters": lambda: f"{made('small')['block_parameters']:,}",
    "small training flops": lambda: f"{made('small')['training_flops'] / 1e12:.1f} × 10¹²",
    "small hardest vote@1": lambda: with_interval(vote(1, of=HARDEST)),
    "small hardest vote@256": lambda: with_interval(vote(256, of=HARDEST)),
    "constant judge auc": lambda: f"{auc(np.repeat(small().correct.mean(axis=1), 256), small().correct):.2f}",
    "easiest right texts": lambda: texts_of_easiest(right=True),
    "easiest wrong texts": lambda: texts_of_easiest(right=False),
    "worked auc": lambda: f"{within_problem_auc(small().worked, small().correct):.2f}",
    "lucky share": lambda: f"{100 * (small().correct & ~small().worked).sum() / small().correct.sum():.1f}%",
    "rollouts minus exact@16": lambda: points(
        choice_minus(("prm-rollouts", "weighted"), ("prm-exact", "weighted"), 16), 1
    ),
    "rollouts minus exact@64": lambda: points(
        choice_minus(("prm-rollouts", "weighted"), ("prm-exact", "weighted"), 64), 1
    ),
    "rollouts data ratio": lambda: f"{made('prm-rollouts')['data_flops'] / made('prm-exact')['data_flops']:.0f}",
    "worst fall best": lambda: worst_fall("best"),
    "worst fall weighted": lambda: worst_fall("weighted"),
    "exact hardest fall": lambda: points(fall("prm-exact", "weighted", HARDEST)[1], 1),
    "rollouts second fall": lambda: points(fall("prm-rollouts", "best", 1)[1], 1),
    "lookahead gain": lambda: points(lookahead_minus_beam(), 1),
    "lookahead megaflops": lambda: millions(search_flops("prm-large", 16, 1)),
    "test problems": lambda: str(len(small().problems)),
    "bootstrap draws": lambda: f"{default_of(bootstrap, 'draws'):,}",
    "vote draws": lambda: str(default_of(majority, "draws")),
    "zoo megabytes": lambda: f"{sum(path.stat().st_size for path in ZOO.glob('*/*.safetensors')) / 1e6:.0f} MB",
    "zoo training flops": lambda: trillions(zoo_training_flops()),
    "h100 peak": lambda: f"{find_gpu('H100 SXM').peak('bf16') / 1e12:.0f} × 10¹²",
    "beam saving": lambda: f"{(flops_of_samples(64) + judging_flops('prm', 64)) / search_flops('prm', 16):.0f}",
}


# ---- revision

BLOCKS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64))
SPLITS = ((16, 0), (8, 1), (4, 3), (2, 7), (1, 15))
FEEDBACK = {"none": None, "oracle": "oracle", "prm": "prm-revision", "self": "self"}


@cache
def chains(feedback: str | None = None) -> bank.Chains:
    return bank.load_chains("revision", "test", feedback=feedback)


def finely(estimate: Estimate) -> str:
    """In percent with a decimal: what revisions change is small."""
    mean, low, high = (f"{100 * x:.1f}" for x in estimate)
    return f"{mean}% ({low} to {high})"


def along(first: int, last: int, gain: bool = False) -> Estimate:
    """Attempts `first` to `last` of all chains that go so far; gain: minus the first attempts of the same chains."""
    run = chains()
    chain, place = run.chain[0], run.attempt[0]
    there = (place >= first - 1) & (place < last)
    begun = (place == 0) & np.isin(chain, chain[there])
    values = run.correct[:, there].mean(axis=1)
    return bootstrap(values - run.correct[:, begun].mean(axis=1) if gain else values)


@cache
def control() -> bank.Samples:
    return bank.load("revision-control", "test")


def turned(wrong: bool, of: int | None = None, fresh: bool = False) -> Estimate:
    """Of the right first attempts what a revision turns wrong, or of the wrong ones what it turns right.

    fresh: what a sample of the control, drawn instead of the revision, would turn.
    """
    before, after = evidence.revised(chains())
    then = control().correct.mean(axis=1, keepdims=True) if fresh else after
    begun = before if wrong else ~before
    changed = begun * (1 - then) if wrong else begun * then
    rows = slice(None) if of is None else evidence.revision_fifths() == of
    return bootstrap_share(changed.sum(axis=1)[rows], begun.sum(axis=1)[rows])


def same_wrong_answer(fresh: bool = False) -> Estimate:
    """Of the wrong first attempts, those whose revision gives the same answer; fresh: as in `turned`."""
    run = chains()
    place = run.attempt[0]
    revised = np.isin(run.chain[0], run.chain[0][place == 1])
    first, second = run.answers[:, (place == 0) & revised], run.answers[:, place == 1]
    wrong = ~run.correct[:, (place == 0) & revised]
    again = np.asarray(first == second, dtype=float)
    if fresh:
        again = np.array([[(row == a).mean() for a in said] for row, said in zip(control().answers, first)])
    return bootstrap_share((wrong * again).sum(axis=1), wrong.sum(axis=1))


def in_fifth(what: str, of: int) -> Estimate:
    """First attempts of the chains that are revised, their first revisions, their difference, or the control."""
    before, after = (x.mean(axis=1)[evidence.revision_fifths() == of] for x in evidence.revised(chains()))
    fresh = control().correct.mean(axis=1)[evidence.revision_fifths() == of]
    return bootstrap({"before": before, "after": after, "gain": after - before, "control": fresh}[what])


@cache
def told(feedback: str) -> np.ndarray:
    """Of four chains of 8 attempts from the same first ones, what is right, (problems, chains, attempts)."""
    run = chains(FEEDBACK[feedback])
    kept = [(run.chain[0] == k) & (run.attempt[0] < 8) for k in range(4)]
    return np.stack([run.correct[:, columns] for columns in kept], axis=1)


def told_right(feedback: str, minus: str | None = None) -> Estimate:
    right = told(feedback)[:, :, 1:].mean(axis=(1, 2))
    return bootstrap(right - told(minus)[:, :, 1:].mean(axis=(1, 2)) if minus else right)


def told_turned(feedback: str) -> Estimate:
    right = told(feedback)
    before, after = right[:, :, :-1], right[:, :, 1:]
    return bootstrap_share((before & ~after).sum(axis=(1, 2)), before.sum(axis=(1, 2)))


def hybrid(M: int, T: int, judge: str = "prm-revision") -> Arm:
    return evidence.find(evidence.hybrid_arms(verifier=judge), M, T)


def hybrid_solved(M: int, T: int, of: int | None = None, judge: str = "prm-revision") -> Estimate:
    right = hybrid(M, T, judge).correct
    return bootstrap(right if of is None else right[evidence.revision_fifths() == of])


def hybrid_gain(one: tuple[int, int], other: tuple[int, int], of: int | None = None) -> Estimate:
    gap = hybrid(*one).correct - hybrid(*other).correct
    return bootstrap(gap if of is None else gap[evidence.revision_fifths() == of])


def voted(what: str, n: int) -> np.ndarray:
    """A vote over n parallel attempts, over a chain of n, or over n samples of the control, (problems,)."""
    run = chains()
    chain, place = run.chain[0], run.attempt[0]
    if what == "control":
        return majority(control().answers, control().correct, n)
    if what == "parallel":
        return majority(run.answers[:, place == 0], run.correct[:, place == 0], n)
    long = [(chain == k) & (place < n) for k, length in enumerate(run.made["lengths"]) if length >= n]
    return np.mean([majority(run.answers[:, x], run.correct[:, x], n, draws=1) for x in long], axis=0)


def held(chained: bool, n: int, what: str = "right") -> float:
    """How many problems n attempts hold a right answer to, in a chain or in parallel; or how many different answers."""
    run = chains()
    chain, place = run.chain[0], run.attempt[0]
    groups = [(chain == k) & (place < n) for k, length in enumerate(run.made["lengths"]) if length >= n]
    if not chained:
        starts = np.flatnonzero(place == 0)
        groups = [starts[i : i + n] for i in range(0, len(starts), n)]
    if what == "right":
        return float(np.mean([run.correct[:, group].any(axis=1) for group in groups]))
    return float(np.mean([[len(set(row)) for row in run.answers[:, group]] for group in groups]))


def attempt_flops(n: int) -> float:
    """What the policy computes for the n-th attempt of a chain, reading and writing."""
    return float(chains().flops[:, chains().attempt[0] == n - 1].mean())


def last_of(n: int) -> np.ndarray:
    run = chains()
    return run.correct[:, run.attempt[0] == n - 1].mean(axis=1)


NUMBERS |= {
    **{f"attempts {a}-{b}": lambda a=a, b=b: finely(along(a, b)) for a, b in BLOCKS},  # type: ignore[misc]
    **{f"attempts {a}-{b} gain": lambda a=a, b=b: points(along(a, b, True), 1) for a, b in BLOCKS},  # type: ignore[misc]
    "control": lambda: finely(bootstrap(control().correct.mean(axis=1))),
    "first revision minus control": lambda: points(bootstrap(last_of(2) - control().correct.mean(axis=1)), 1),
    "control minus first attempt": lambda: points(bootstrap(control().correct.mean(axis=1) - last_of(1)), 1),
    **{
        f"{'fresh ' if fresh else ''}turned {'wrong' if wrong else 'right'}": lambda wrong=wrong, fresh=fresh: finely(  # type: ignore[misc]
            turned(wrong, fresh=fresh)
        )
        for wrong in (True, False)
        for fresh in (True, False)
    },
    "same wrong answer": lambda: finely(same_wrong_answer()),
    "fresh same wrong answer": lambda: finely(same_wrong_answer(fresh=True)),
    **{
        f"revision {name} {what}": lambda of=of, what=what: with_interval(in_fifth(what, of))  # type: ignore[misc]
        for of, name in enumerate(NAMED_FIFTHS)
        for what in ("before", "after", "control")
    },
    **{
        f"revision {name} gain": lambda of=of: points(in_fifth("gain", of), 1).replace(" points", "")  # type: ignore[misc]
        for of, name in enumerate(NAMED_FIFTHS)
    },
    **{
        f"revision {name} turned wrong": lambda of=of: (finely if of < HARDEST else with_interval)(turned(True, of))  # type: ignore[misc]
        for of, name in enumerate(NAMED_FIFTHS)
    },
    **{
        f"revision {name} turned right": lambda of=of: with_interval(turned(False, of))  # type: ignore[misc]
        for of, name in enumerate(NAMED_FIFTHS)
    },
    **{f"feedback {kind}": lambda kind=kind: finely(told_right(kind)) for kind in FEEDBACK},  # type: ignore[misc]
    **{f"feedback {kind} gain": lambda kind=kind: points(told_right(kind, "none"), 1) for kind in FEEDBACK},  # type: ignore[misc]
    **{f"feedback {kind} turned wrong": lambda kind=kind: finely(told_turned(kind)) for kind in FEEDBACK},  # type: ignore[misc]
    **{f"parallel {n}": lambda n=n: finely(hybrid_solved(n, 0)) for n in BUDGETS[:7]},  # type: ignore[misc]
    **{f"parallel {n} megaflops": lambda n=n: millions(hybrid(n, 0).flops.mean()) for n in BUDGETS[:7]},  # type: ignore[misc]
    **{f"sequential {n}": lambda n=n: finely(hybrid_solved(1, n - 1)) for n in BUDGETS[:7]},  # type: ignore[misc]
    **{f"sequential {n} megaflops": lambda n=n: millions(hybrid(1, n - 1).flops.mean()) for n in BUDGETS[:7]},  # type: ignore[misc]
    **{f"sequential {n} gain": lambda n=n: points(hybrid_gain((1, n - 1), (n, 0)), 1) for n in BUDGETS[:7]},  # type: ignore[misc]
    "chain of 4 minus 32 parallel": lambda: points(hybrid_gain((1, 3), (32, 0)), 1),
    **{
        f"sequential {n} cost ratio": lambda n=n: f"{hybrid(1, n - 1).flops.mean() / hybrid(n, 0).flops.mean():.1f}"  # type: ignore[misc]
        for n in BUDGETS[:7]
    },
    **{f"split {M}x{T + 1}": lambda M=M, T=T: finely(hybrid_solved(M, T)) for M, T in SPLITS},  # type: ignore[misc]
    **{f"split {M}x{T + 1} hardest": lambda M=M, T=T: finely(hybrid_solved(M, T, HARDEST)) for M, T in SPLITS},  # type: ignore[misc]
    **{f"split {M}x{T + 1} megaflops": lambda M=M, T=T: millions(hybrid(M, T).flops.mean()) for M, T in SPLITS},  # type: ignore[misc]
    **{f"split {M}x{T + 1} gain": lambda M=M, T=T: points(hybrid_gain((M, T), (16, 0)), 1) for M, T in SPLITS},  # type: ignore[misc]
    **{
        f"split {M}x{T + 1} hardest gain": lambda M=M, T=T: points(hybrid_gain((M, T), (16, 0), HARDEST), 1)  # type: ignore[misc]
        for M, T in SPLITS
    },
    "easier fifths of any split": lambda: percent(
        min(float(hybrid(M, T).correct[evidence.revision_fifths() < HARDEST].mean()) for M, T in SPLITS)
    ),
    **{
        f"split 16x1 by {judge}": lambda judge=judge: finely(hybrid_solved(16, 0, judge=judge))  # type: ignore[misc]
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"split 8x2 by {judge}": lambda judge=judge: finely(hybrid_solved(8, 1, judge=judge))  # type: ignore[misc]
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"split 1x16 by {judge}": lambda judge=judge: finely(hybrid_solved(1, 15, judge=judge))  # type: ignore[misc]
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"split 16x1 megaflops by {judge}": lambda judge=judge: millions(hybrid(16, 0, judge).flops.mean())  # type: ignore[misc]
        for judge in ("prm-revision", "prm", "prm-large")
    },
    **{
        f"vote of 4, {what}": lambda what=what: finely(bootstrap(voted(what, 4)))
        for what in ("parallel", "chain", "control")
    },  # type: ignore[misc]
    "held by 16": lambda: percent(held(False, 16)),
    "held by a chain of 16": lambda: percent(held(True, 16)),
    "answers among 16": lambda: f"{held(False, 16, 'answers'):.1f}",
    "answers in a chain of 16": lambda: f"{held(True, 16, 'answers'):.1f}",
    "held by a chain of 8": lambda: percent(held(True, 8)),
    "last of 8": lambda: finely(bootstrap(last_of(8))),
    "sequential 8 minus its last": lambda: points(bootstrap(hybrid(1, 7).correct - last_of(8)), 1),
    **{f"attempt {n} megaflops": lambda n=n: f"{attempt_flops(n) / 1e6:.1f} million" for n in (1, 2, 5)},  # type: ignore[misc]
    "attempt 5 cost ratio": lambda: f"{attempt_flops(5) / attempt_flops(1):.0f}",
    **{
        f"{name} training": lambda name=name: trillions(evidence.training_flops(name))
        for name in ("revision", "revision-control", "prm-revision", "small")
    },  # type: ignore[misc]
    "revision parameters": lambda: f"{made('revision')['block_parameters'] / made('small')['block_parameters']:.1f}",
    "revision training ratio": lambda: (
        f"{evidence.training_flops('revision') / evidence.training_flops('revision-control'):.0f}"
    ),
}


class Measured(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        self.env.note_dependency(__file__)
        for file in bank.RUNS.glob("*.parquet"):
            self.env.note_dependency(str(file))
        number = look_up(self.text)
        if number is None:
            logger.warning("no measured number is called %r", self.text, location=self.get_location())
            return [], []
        return [nodes.inline("", number(), classes=["measured"])], []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("measured", Measured())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
