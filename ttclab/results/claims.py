"""Claims about test-time compute, each with the test that recorded runs put it to.

`claims.json` lists them: who says what, which test below decides, and the verdict that it gives today. A test returns a
verdict and the numbers in words. "holds": we see it too; "reversed": we see the opposite; "not seen": we looked and the
runs don't show it. A verdict is about our models and task, not about the claim's own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ..allocator import Arm, difficulty_by_score, lesson_policy
from ..data import DATA
from ..estimators import Estimate, rank_correlation
from .allocation import allocated
from .arms import spend
from .exchange import greedy
from .reinforcement import crossing, rl_coverage
from .revision import attempt, chains, hybrid, hybrid_arms, revised
from .sampling import coverage, estimated_difficulty, last_scores, sampling_arms, true_difficulty, vote, weighted
from .searching import beam, beam_arms

FILE = DATA / "claims.json"
HOLDS, REVERSED, NOT_SEEN = "holds", "reversed", "not seen"


class Finding(NamedTuple):
    """What a test says: one of the three verdicts, and the numbers it rests on, in words."""

    verdict: str
    numbers: str


@dataclass(frozen=True)
class Claim:
    """source: "lesson", "paper" or "later"; says: in our words; test: a name in TESTS; verdict: what it returned."""

    id: str
    source: str
    says: str
    test: str
    verdict: str

    def check(self) -> Finding:
        """Put the claim to its test on the recorded runs."""
        return TESTS[self.test]()


def load_claims() -> list[Claim]:
    """All claims, in the order of the file."""
    return [Claim(**each) for each in json.loads(FILE.read_text(encoding="utf-8"))]


def _accuracy(arm: Arm) -> float:
    return float(arm.correct.mean())


def _rate(arm: Arm) -> str:
    return f"{_accuracy(arm):.3f}"


def large_for_easy_small_for_hard() -> Finding:
    easy, hard = (beam(16).minus(greedy("large"), fifth) for fifth in (1, 4))
    verdict = REVERSED if easy.sign >= 0 > hard.sign else HOLDS if easy.sign < 0 < hard.sign else NOT_SEEN
    return Finding(
        verdict,
        "Small model with beam search (PRM, N=16) minus one pass of the 14x model, for about the same FLOPs: "
        f"{easy:+.3f} on the second easiest fifth, {hard:+.3f} on the hardest.",
    )


def test_time_compute_for_all_but_the_hardest() -> Finding:
    large, trained = greedy("large"), greedy("large", at=2500)
    rest, hard = beam(16).minus(large, 0, 1, 2, 3), beam(16).minus(large, 4)
    verdict = HOLDS if rest.sign > 0 > hard.sign else REVERSED if rest.sign < 0 < hard.sign else NOT_SEEN
    return Finding(
        verdict,
        f"The same two, on the four easier fifths {rest:+.3f}, on the hardest {hard:+.3f}. "
        f"Trained to its end the 14x model solves {_rate(trained)} in one pass: {beam(16).minus(trained):+.3f} on all "
        "problems.",
    )


def sampling_for_easy_revision_for_hard() -> Finding:
    easy, hard = (hybrid(1, 15).minus(hybrid(16), fifth) for fifth in (0, 4))
    verdict = HOLDS if easy.sign < 0 < hard.sign else REVERSED if easy.sign > 0 > hard.sign else NOT_SEEN
    return Finding(
        verdict,
        f"One chain of 16 minus 16 samples: {easy:+.3f} on the revision model's easiest fifth, {hard:+.3f} on its "
        "hardest.",
    )


def matches_14x_for_fewer_flops() -> Finding:
    large = greedy("large")
    payable = (sampling_arms() | beam_arms()).within(0.8 * large.cost).best
    gap = payable.minus(large)
    return Finding(
        NOT_SEEN if gap.sign < 0 else HOLDS,
        f"For at most 0.8 of the FLOPs of one pass of the 14x model the best we have ({payable.allocation}) solves "
        f"{_rate(payable)} against {_rate(large)}. A search with {beam(16).cost / large.cost:.2f} times its "
        f"FLOPs solves {_rate(beam(16))}.",
    )


def log_law() -> Finding:
    gains = [more.minus(fewer) for fewer, more in pairwise(sampling_arms().values())]
    verdict = HOLDS if gains[-1].high > gains[0].low / 2 else NOT_SEEN
    return Finding(
        verdict,
        f"Weighted best-of-N with the PRM gains {gains[0]:+.3f} from N=1 to 2 and {gains[-1]:+.3f} from 128 to 256.",
    )


def both_win_at_every_budget() -> Finding:
    gains = {}
    for budget in (4, 16, 64):
        splits = [arm for arm in hybrid_arms().values() if arm.allocation.generations == budget]
        mixed = max((arm for arm in splits if arm.allocation.N > 1 and arm.allocation.T), key=_accuracy)
        pure = max((hybrid(budget), hybrid(1, budget - 1)), key=_accuracy)
        gains[budget] = mixed.minus(pure)
    verdict = HOLDS if all(gain.sign > 0 for gain in gains.values()) else NOT_SEEN
    listed = ", ".join(f"{gain:+.3f} at {budget}" for budget, gain in gains.items())
    return Finding(verdict, f"The best mixed split minus the better of the pure ones, picked afterwards: {listed}.")


def revision_rises_faster() -> Finding:
    gain, late = hybrid(1, 3).minus(hybrid(4)), hybrid(1, 63).minus(hybrid(1, 3))
    return Finding(
        HOLDS if gain.sign > 0 >= late.sign else NOT_SEEN if gain.sign == 0 else REVERSED,
        f"A chain of 4 minus 4 samples of the same model: {gain:+.3f}. From 4 attempts to 64: {late:+.3f}.",
    )


def oracle_prm_majority() -> Finding:
    above, between = coverage(64).minus(weighted(64)), weighted(64).minus(vote(64))
    flat = vote(256).minus(vote(64))
    return Finding(
        HOLDS if above.sign > 0 and between.sign > 0 and flat.high < 0.02 else NOT_SEEN,
        f"At N=64: oracle {_rate(coverage(64))}, PRM {_rate(weighted(64))}, majority {_rate(vote(64))}. "
        f"Four times as many samples give the vote {flat:+.3f}.",
    )


def lesson_policy_helps() -> Finding:
    scores = last_scores("prm-revision", "revision-test-chains")[:, chains().at(0)]
    hard, gains = difficulty_by_score(scores[:, :1]), {}
    for budget in (4, 16, 64):
        gains[budget] = spend(lesson_policy, hybrid_arms(), hard, budget).minus(hybrid(budget))
    signs = [gain.sign for gain in gains.values()]
    listed = ", ".join(f"{gain:+.3f} at {budget}" for budget, gain in gains.items())
    verdict = HOLDS if max(signs) > 0 and min(signs) >= 0 else REVERSED if min(signs) < 0 else NOT_SEEN
    return Finding(verdict, f"The lesson's rule minus spending all on samples: {listed}.")


def cheap_difficulty_is_open() -> Finding:
    one, four, many = (rank_correlation(estimated_difficulty(n)[0], true_difficulty()) for n in (1, 4, 64))
    return Finding(
        HOLDS if one < 0.7 else NOT_SEEN,
        f"Rank correlation of the PRM's mean score with the pass rate: {one:.2f} from one solution, {four:.2f} from "
        f"four, {many:.2f} from 64.",
    )


def beam_beats_best_of_n_at_small_budgets() -> Finding:
    gain = beam(4).minus(weighted(4))
    return Finding(_verdict(gain), f"Beam search minus weighted best-of-N at N=4: {gain:+.3f}.")


def beam_falls_below_at_large_budgets() -> Finding:
    by_good, by_weak = (weighted(64, prm).minus(beam(64, prm)) for prm in ("prm", "prm-weak"))
    return Finding(
        _verdict(by_good),
        f"Weighted best-of-N minus beam search at N=64: {by_good:+.3f}; with the weak PRM {by_weak:+.3f}.",
    )


def beam_degrades_on_easy() -> Finding:
    loss = beam(4).minus(beam(64), 0, 1)
    return Finding(HOLDS if loss.sign > 0 else NOT_SEEN, f"N=4 minus N=64 on the two easiest fifths: {loss:+.3f}.")


def beam_wins_on_medium() -> Finding:
    gain = beam(16).minus(weighted(16), 2, 3)
    return Finding(
        _verdict(gain), f"Beam search minus weighted best-of-16 on the third and fourth fifths: {gain:+.3f}."
    )


def nothing_helps_on_the_hardest() -> Finding:
    gain = beam(64).minus(weighted(1), 4)
    return Finding(
        REVERSED if gain.low > 0.1 else HOLDS, f"Beam search with N=64 minus one sample, hardest fifth: {gain:+.3f}."
    )


def lookahead_is_worst() -> Finding:
    gain = beam(16, "prm-large", lookahead=1).minus(beam(16, "prm-large"))
    return Finding(
        HOLDS if gain.sign <= 0 else NOT_SEEN,
        f"One step of lookahead, charged twice the generations, minus none at N=16 (large PRM): {gain:+.3f}.",
    )


def sequential_beats_parallel() -> Finding:
    gain = hybrid(1, 15).minus(hybrid(16))
    return Finding(_verdict(gain), f"One chain of 16 minus 16 samples: {gain:+.3f}.")


def pass_rate_rises_along_the_chain() -> Finding:
    first, later = attempt(2).minus(attempt(1)), attempt(16).minus(attempt(5))
    return Finding(
        HOLDS if later.sign > 0 else NOT_SEEN,
        f"The first revision gains {first:+.3f}; from the fifth attempt to the sixteenth it is {later:+.3f}.",
    )


def right_turned_wrong() -> Finding:
    first, second = revised(chains())
    share = float((first & ~second).sum() / first.sum())
    return Finding(HOLDS if share > 0.2 else NOT_SEEN, f"The first revision turns {share:.3f} of right answers wrong.")


def compute_optimal_saves() -> Finding:
    fitted, uniform = allocated("search", "oracle", 16), weighted(64)
    gain, saving = fitted.minus(uniform), uniform.cost / fitted.cost
    return Finding(
        HOLDS if gain.low > -0.01 and saving >= 2 else NOT_SEEN,
        f"Fitted with oracle difficulty, against weighted best-of-64: {gain:+.3f} for {saving:.1f} times fewer FLOPs. "
        f"Nearly all of it is the beam's; without difficulty it is {uniform.cost / beam(16).cost:.1f} times.",
    )


def reinforcement_narrows() -> Finding:
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    below = once.sign < 0 or many.sign > 0
    return Finding(
        HOLDS if once.sign > 0 > many.sign else REVERSED if below else NOT_SEEN,
        f"After reinforcement learning minus before: {once:+.3f} for one sample, {many:+.3f} for the coverage of 64. "
        f"The model before covers more from {crossing():g} samples on.",
    )


def _verdict(gain: Estimate) -> str:
    return {1: HOLDS, 0: NOT_SEEN, -1: REVERSED}[gain.sign]


TESTS: dict[str, Callable[[], Finding]] = {
    test.__name__: test
    for test in (
        large_for_easy_small_for_hard, sampling_for_easy_revision_for_hard, matches_14x_for_fewer_flops, log_law,
        revision_rises_faster, both_win_at_every_budget, oracle_prm_majority, lesson_policy_helps,
        cheap_difficulty_is_open, beam_beats_best_of_n_at_small_budgets, beam_falls_below_at_large_budgets,
        beam_degrades_on_easy, beam_wins_on_medium, nothing_helps_on_the_hardest, lookahead_is_worst,
        sequential_beats_parallel, pass_rate_rises_along_the_chain, right_turned_wrong, compute_optimal_saves,
        test_time_compute_for_all_but_the_hardest, reinforcement_narrows,
    )
}  # fmt: skip
