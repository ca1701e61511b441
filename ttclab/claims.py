"""Claims about test-time compute, each with the test that recorded runs put it to.

`claims.json` lists them: who says what, which test below decides, and the verdict that it gives today. A test returns a
verdict and the numbers in words. "holds": we see it too; "reversed": we see the opposite; "not seen": we looked and the
runs don't show it. A verdict is about our models and task, not about the claim's own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from . import bank
from .allocator import Arm, difficulty_by_score, lesson_policy
from .estimators import Estimate, bootstrap, rank_correlation
from .evidence import (
    allocated,
    beam_arms,
    find,
    hybrid_arms,
    last_scores,
    one_pass,
    revised,
    revision_fifths,
    sampling_arms,
    small_fifths,
    spend,
)

FILE = Path(__file__).with_name("claims.json")
HOLDS, REVERSED, NOT_SEEN = "holds", "reversed", "not seen"


class Finding(NamedTuple):
    """What a test says: one of the three verdicts, and the numbers it rests on, in words."""

    verdict: str
    numbers: str


@dataclass(frozen=True)
class Claim:
    """source: "lesson" or "paper"; says: in our words; test: a name in TESTS; verdict: what it returned."""

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


def _rate(arm: Arm) -> str:
    return f"{arm.correct.mean():.3f}"


def large_for_easy_small_for_hard() -> Finding:
    gain = find(beam_arms(), 16, M=4).correct - one_pass("test").correct
    easy, hard = (bootstrap(gain[small_fifths() == group]) for group in (1, 4))
    verdict = REVERSED if easy.sign >= 0 > hard.sign else HOLDS if easy.sign < 0 < hard.sign else NOT_SEEN
    return Finding(
        verdict,
        "Small model with beam search (PRM, N=16) minus one pass of the 14x model, for about the same FLOPs: "
        f"{easy:+.3f} on the second easiest fifth, {hard:+.3f} on the hardest.",
    )


def test_time_compute_for_all_but_the_hardest() -> Finding:
    gain = find(beam_arms(), 16, M=4).correct - one_pass("test").correct
    rest, hard = bootstrap(gain[small_fifths() < 4]), bootstrap(gain[small_fifths() == 4])
    trained = one_pass("test", at=2500)
    behind = bootstrap(find(beam_arms(), 16, M=4).correct - trained.correct)
    verdict = HOLDS if rest.sign > 0 > hard.sign else REVERSED if rest.sign < 0 < hard.sign else NOT_SEEN
    return Finding(
        verdict,
        f"The same two, on the four easier fifths {rest:+.3f}, on the hardest {hard:+.3f}. "
        f"Trained to its end the 14x model solves {_rate(trained)} in one pass: {behind:+.3f} on all problems.",
    )


def sampling_for_easy_revision_for_hard() -> Finding:
    own = revision_fifths()
    gain = find(hybrid_arms(), 1, T=15).correct - find(hybrid_arms(), 16).correct
    easy, hard = bootstrap(gain[own == 0]), bootstrap(gain[own == 4])
    verdict = HOLDS if easy.sign < 0 < hard.sign else REVERSED if easy.sign > 0 > hard.sign else NOT_SEEN
    return Finding(
        verdict,
        f"One chain of 16 minus 16 samples: {easy:+.3f} on the revision model's easiest fifth, {hard:+.3f} on its "
        "hardest.",
    )


def matches_14x_for_fewer_flops() -> Finding:
    large = one_pass("test")
    payable = [a for a in (*sampling_arms(), *beam_arms()) if a.flops.mean() <= 0.8 * large.flops.mean()]
    best = max(payable, key=lambda arm: arm.correct.mean())
    gap = bootstrap(best.correct - large.correct)
    beam = find(beam_arms(), 16, M=4)
    return Finding(
        NOT_SEEN if gap.sign < 0 else HOLDS,
        f"For at most 0.8 of the FLOPs of one pass of the 14x model the best we have ({best.allocation}) solves "
        f"{_rate(best)} against {_rate(large)}. A search with {beam.flops.mean() / large.flops.mean():.2f} times its "
        f"FLOPs solves {_rate(beam)}.",
    )


def log_law() -> Finding:
    arms = sampling_arms()
    gains = [bootstrap(b.correct - a.correct) for a, b in pairwise(arms)]
    verdict = HOLDS if gains[-1].high > gains[0].low / 2 else NOT_SEEN
    return Finding(
        verdict,
        f"Weighted best-of-N with the PRM gains {gains[0]:+.3f} from N=1 to 2 and {gains[-1]:+.3f} from 128 to 256.",
    )


def both_win_at_every_budget() -> Finding:
    arms = hybrid_arms()
    gains = {}
    for budget in (4, 16, 64):
        mixed = max((a for a in arms if a.allocation.N > 1 and a.allocation.T and a.allocation.generations == budget),
                    key=lambda arm: arm.correct.mean())  # fmt: skip
        pure = max((find(arms, budget), find(arms, 1, T=budget - 1)), key=lambda arm: arm.correct.mean())
        gains[budget] = bootstrap(mixed.correct - pure.correct)
    verdict = HOLDS if all(gain.sign > 0 for gain in gains.values()) else NOT_SEEN
    said = ", ".join(f"{gain:+.3f} at {budget}" for budget, gain in gains.items())
    return Finding(verdict, f"The best mixed split minus the better of the pure ones, picked afterwards: {said}.")


def revision_rises_faster() -> Finding:
    gain = bootstrap(find(hybrid_arms(), 1, T=3).correct - find(hybrid_arms(), 4).correct)
    late = bootstrap(find(hybrid_arms(), 1, T=63).correct - find(hybrid_arms(), 1, T=3).correct)
    return Finding(
        HOLDS if gain.sign > 0 >= late.sign else NOT_SEEN if gain.sign == 0 else REVERSED,
        f"A chain of 4 minus 4 samples of the same model: {gain:+.3f}. From 4 attempts to 64: {late:+.3f}.",
    )


def oracle_prm_majority() -> Finding:
    oracle, prm, vote = (sampling_arms(choose=choose) for choose in ("oracle", "weighted", "majority"))
    above, between = (bootstrap(find(a, 64).correct - find(b, 64).correct) for a, b in ((oracle, prm), (prm, vote)))
    flat = bootstrap(find(vote, 256).correct - find(vote, 64).correct)
    return Finding(
        HOLDS if above.sign > 0 and between.sign > 0 and flat.high < 0.02 else NOT_SEEN,
        f"At N=64: oracle {_rate(find(oracle, 64))}, PRM {_rate(find(prm, 64))}, majority {_rate(find(vote, 64))}. "
        f"Four times as many samples give the vote {flat:+.3f}.",
    )


def lesson_policy_helps() -> Finding:
    scores = last_scores("prm-revision", "revision-test-chains")
    first = bank.load_chains("revision", "test").attempt[0] == 0
    hard, gains = difficulty_by_score(scores[:, first][:, :1]), {}
    for budget in (4, 16, 64):
        allocated = spend(lesson_policy, hybrid_arms(), hard, budget)
        gains[budget] = bootstrap(allocated.correct - find(hybrid_arms(), budget).correct)
    signs = [gain.sign for gain in gains.values()]
    said = ", ".join(f"{gain:+.3f} at {budget}" for budget, gain in gains.items())
    verdict = HOLDS if max(signs) > 0 and min(signs) >= 0 else REVERSED if min(signs) < 0 else NOT_SEEN
    return Finding(verdict, f"The lesson's rule minus spending all on samples: {said}.")


def cheap_difficulty_is_open() -> Finding:
    samples, scores = bank.load("small", "test"), last_scores("prm", "small-test")
    rest = 1 - samples.correct[:, 64:].mean(axis=1)
    one, four, many = (rank_correlation(difficulty_by_score(scores[:, :n]), rest) for n in (1, 4, 64))
    return Finding(
        HOLDS if one < 0.7 else NOT_SEEN,
        f"Rank correlation of the PRM's mean score with the pass rate: {one:.2f} from one solution, {four:.2f} from "
        f"four, {many:.2f} from 64.",
    )


def beam_beats_best_of_n_at_small_budgets() -> Finding:
    gain = bootstrap(find(beam_arms(), 4, M=4).correct - find(sampling_arms(), 4).correct)
    return Finding(_verdict(gain), f"Beam search minus weighted best-of-N at N=4: {gain:+.3f}.")


def beam_falls_below_at_large_budgets() -> Finding:
    def gain(verifier: str) -> Estimate:
        samples = find(sampling_arms(verifier=verifier, budgets=(64,)), 64)
        return bootstrap(samples.correct - find(beam_arms(verifier=verifier), 64, M=4).correct)

    by_good, by_weak = gain("prm"), gain("prm-weak")
    return Finding(
        _verdict(by_good),
        f"Weighted best-of-N minus beam search at N=64: {by_good:+.3f}; with the weak PRM {by_weak:+.3f}.",
    )


def beam_degrades_on_easy() -> Finding:
    easy = small_fifths() < 2
    loss = bootstrap((find(beam_arms(), 4, M=4).correct - find(beam_arms(), 64, M=4).correct)[easy])
    return Finding(HOLDS if loss.sign > 0 else NOT_SEEN, f"N=4 minus N=64 on the two easiest fifths: {loss:+.3f}.")


def beam_wins_on_medium() -> Finding:
    middle = (small_fifths() == 2) | (small_fifths() == 3)
    gain = bootstrap((find(beam_arms(), 16, M=4).correct - find(sampling_arms(), 16).correct)[middle])
    return Finding(
        _verdict(gain), f"Beam search minus weighted best-of-16 on the third and fourth fifths: {gain:+.3f}."
    )


def nothing_helps_on_the_hardest() -> Finding:
    gain = bootstrap((find(beam_arms(), 64, M=4).correct - find(sampling_arms(), 1).correct)[small_fifths() == 4])
    return Finding(
        REVERSED if gain.low > 0.1 else HOLDS, f"Beam search with N=64 minus one sample, hardest fifth: {gain:+.3f}."
    )


def lookahead_is_worst() -> Finding:
    ahead = bank.load_searches("small", "prm-large", "test", 16, 4, lookahead=1).correct().astype(float)
    gain = bootstrap(ahead - find(beam_arms(verifier="prm-large"), 16, M=4).correct)
    return Finding(
        HOLDS if gain.sign <= 0 else NOT_SEEN,
        f"One step of lookahead, charged twice the generations, minus none at N=16 (large PRM): {gain:+.3f}.",
    )


def sequential_beats_parallel() -> Finding:
    gain = bootstrap(find(hybrid_arms(), 1, T=15).correct - find(hybrid_arms(), 16).correct)
    return Finding(_verdict(gain), f"One chain of 16 minus 16 samples: {gain:+.3f}.")


def pass_rate_rises_along_the_chain() -> Finding:
    chains = bank.load_chains("revision", "test")
    at = {t: chains.correct[:, chains.attempt[0] == t].mean(axis=1) for t in (0, 1, 4, 15)}
    first, later = bootstrap(at[1] - at[0]), bootstrap(at[15] - at[4])
    return Finding(
        HOLDS if later.sign > 0 else NOT_SEEN,
        f"The first revision gains {first:+.3f}; from the fifth attempt to the sixteenth it is {later:+.3f}.",
    )


def right_turned_wrong() -> Finding:
    first, second = revised(bank.load_chains("revision", "test"))
    share = float((first & ~second).sum() / first.sum())
    return Finding(HOLDS if share > 0.2 else NOT_SEEN, f"The first revision turns {share:.3f} of right answers wrong.")


def compute_optimal_saves() -> Finding:
    found, uniform = allocated("search", "oracle", 16), find(sampling_arms(), 64)
    gain, saving = bootstrap(found.correct - uniform.correct), uniform.flops.mean() / found.flops.mean()
    return Finding(
        HOLDS if gain.low > -0.01 and saving >= 2 else NOT_SEEN,
        f"Fitted with oracle difficulty, against weighted best-of-64: {gain:+.3f} for {saving:.1f} times fewer FLOPs. "
        "Nearly all of it is the beam's; without difficulty it is "
        f"{uniform.flops.mean() / find(beam_arms(), 16, M=4).flops.mean():.1f} times.",
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
        test_time_compute_for_all_but_the_hardest,
    )
}  # fmt: skip
