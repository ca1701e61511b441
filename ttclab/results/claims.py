"""Claims about test-time compute, each with a test on recorded runs.

`claims.json` stores the source, the wording, the test and the current verdict of each claim. A test returns a verdict
and its numbers in words. The verdict is "holds" if our runs show the effect, "reversed" if they show the opposite, "not
seen" if they show neither, and "undecided" if our trainings differ. A claim of several parts holds if every part is
seen, and is reversed if the opposite of a part is seen. A verdict applies to our models and our task, not to those of
the claim's source.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ..allocator import Arm
from ..data import DATA
from ..estimators import Estimate
from .allocation import allocated, lesson_gain
from .arms import at_equal_flops
from .exchange import STEPS, greedy, matched, small_arms
from .families import UNDECIDED, each_family, of_all
from .reinforcement import crossing, rl_coverage
from .revision import attempt, before_revision, hybrid, right_then_wrong
from .sampling import coverage, estimate_rank, sampling_arms, vote, weighted
from .searching import beam
from .stepwise import stepwise, stepwise_arms

FILE = DATA / "claims.json"
HOLDS, REVERSED, NOT_SEEN, MISSING = "holds", "reversed", "not seen", "not recorded"


class Finding(NamedTuple):
    """Result of a test: the verdict, and the numbers behind it in words."""

    verdict: str
    numbers: str


class Assessed(NamedTuple):
    """Result of a test over all families.

    Attributes
    ----------
    verdict : str
        Verdict that all families share, or "undecided".
    numbers : str
        Numbers over the problems of all families, in words.
    seeds : dict
        Verdict of each family.
    """

    verdict: str
    numbers: str
    seeds: dict[str, str]

    @property
    def by_seed(self) -> str:
        """The verdict of each family in words, such as "holds, not seen, holds"; empty if they are as the verdict."""
        return "" if {*self.seeds.values()} == {self.verdict} else ", ".join(self.seeds.values())


@dataclass(frozen=True)
class Claim:
    """A claim and its test.

    Attributes
    ----------
    id : str
    source : {"lesson", "paper", "later"}
        Who makes the claim.
    says : str
        The claim in our words.
    test : str
        A name in TESTS.
    verdict : str
        Verdict of the test on the recorded runs.
    """

    id: str
    source: str
    says: str
    test: str
    verdict: str

    def check(self) -> Assessed:
        """Run the test on every recorded family, and on the problems of all families together.

        The verdict is "undecided" unless all these verdicts agree.
        """
        test = TESTS[self.test]

        def finding() -> Finding | None:
            try:
                return test()
            except ValueError:  # a family may lack some of the runs
                return None

        seeds = {name: result.verdict if result else MISSING for name, result in each_family(finding).items()}
        together = of_all(finding) or Finding(MISSING, "Its runs are not recorded in every family.")
        agreed = {*seeds.values()} == {together.verdict}
        return Assessed(together.verdict if agreed else UNDECIDED, together.numbers, seeds)


def load_claims() -> list[Claim]:
    """All claims, in the order of the file."""
    return [Claim(**record) for record in json.loads(FILE.read_text(encoding="utf-8"))]


def _accuracy(arm: Arm) -> float:
    return float(arm.correct.mean())


def _rate(arm: Arm) -> str:
    return f"{_accuracy(arm):.3f}"


def large_for_easy_small_for_hard() -> Finding:
    small = matched()
    easy, hard = (small.minus(greedy("large"), fifth) for fifth in (1, 4))
    return Finding(
        _verdict(-easy.sign, hard.sign),
        f"The small model's best strategy for the FLOPs of one pass of the 14x model ({small.allocation}) minus that "
        f"pass: {easy:+.3f} on the second easiest fifth, {hard:+.3f} on the hardest.",
    )


def test_time_compute_for_all_but_the_hardest() -> Finding:
    large, trained, small = greedy("large"), greedy("large", at=STEPS[-1]), matched()
    rest, hard = small.minus(large, 0, 1, 2, 3), small.minus(large, 4)
    return Finding(
        _verdict(rest.sign, -hard.sign),
        f"Small minus large at equal FLOPs: {rest:+.3f} on the four easier fifths, {hard:+.3f} on the hardest. At the end of its "
        f"training the 14x model solves {_rate(trained)} in one pass, and the difference on all problems is "
        f"{small.minus(trained):+.3f}.",
    )


def sampling_for_easy_revision_for_hard() -> Finding:
    easy, hard = (stepwise(15).minus(weighted(16), fifth) for fifth in (0, 4))
    others = [hybrid(1, 15).minus(hybrid(16), fifth) for fifth in (0, 4)]
    return Finding(
        _verdict(-easy.sign, hard.sign),
        f"One chain of at most 15 step-level revisions minus 16 samples: {easy:+.3f} on the easiest fifth, "
        f"{hard:+.3f} on the hardest. With rewrites {others[0]:+.3f} and {others[1]:+.3f}.",
    )


def matches_14x_for_fewer_flops() -> Finding:
    large = greedy("large")
    payable = small_arms("test", "prm").within(0.8 * large.cost).best
    gap = payable.minus(large)
    return Finding(
        REVERSED if gap.sign < 0 else HOLDS,
        f"The small model's best strategy for at most 0.8 of the FLOPs of one pass of the 14x model "
        f"({payable.allocation}) solves {_rate(payable)} against {_rate(large)}: {gap:+.3f}.",
    )


def log_law() -> Finding:
    first, *_, last = (more.minus(fewer) for fewer, more in pairwise(sampling_arms().values()))
    steady = last.sign > 0 and last.high > first.low / 2
    return Finding(
        HOLDS if steady else REVERSED if last.sign < 0 else NOT_SEEN,
        f"Weighted best-of-N with the PRM gains {first:+.3f} from N=1 to 2 and {last:+.3f} from 128 to 256.",
    )


def both_win_at_every_budget() -> Finding:
    gains = {}
    for budget in (4, 16, 32):
        splits = [arm for arm in stepwise_arms().values() if arm.allocation.generations == budget]
        mixed = max((arm for arm in splits if arm.allocation.N > 1), key=_accuracy)
        pure = max((weighted(budget), stepwise(budget - 1)), key=_accuracy)
        gains[budget] = mixed.minus(pure)
    listed = ", ".join(f"{gain:+.3f} at {budget}" for budget, gain in gains.items())
    return Finding(
        _verdict(*(gain.sign for gain in gains.values())),
        "The best mix of samples and step-level revisions minus the better pure strategy, both picked on the test "
        f"problems: {listed}.",
    )


def revision_rises_faster() -> Finding:
    gain, early, late = (
        stepwise(3).minus(weighted(4)), stepwise(1).minus(stepwise(0)), stepwise(31).minus(stepwise(15)),
    )  # fmt: skip
    flattens = late.high < early.low / 2
    verdict = REVERSED if gain.sign < 0 else HOLDS if gain.sign > 0 and flattens else NOT_SEEN
    return Finding(
        verdict,
        f"At most 3 step-level revisions minus 4 samples: {gain:+.3f}. The first revision gains {early:+.3f}, the last "
        f"16 of 31 {late:+.3f}. A chain of 4 rewrites minus 4 samples: {hybrid(1, 3).minus(hybrid(4)):+.3f}.",
    )


def oracle_prm_majority() -> Finding:
    above, between = coverage(64).minus(weighted(64)), weighted(64).minus(vote(64))
    grows, flat = coverage(256).minus(coverage(64)), vote(256).minus(vote(64))
    flattens = 1 if flat.high < 0.02 else 0
    return Finding(
        _verdict(above.sign, between.sign, grows.sign, flattens),
        f"At N=64: oracle {_rate(coverage(64))}, PRM {_rate(weighted(64))}, majority {_rate(vote(64))}. "
        f"Four times as many samples give the oracle {grows:+.3f} and the vote {flat:+.3f}.",
    )


def lesson_policy_helps() -> Finding:
    gains = {budget: lesson_gain(budget) for budget in (4, 16, 64)}
    signs = [gain.sign for gain in gains.values()]
    listed = ", ".join(f"{gain:+.3f} at {budget}" for budget, gain in gains.items())
    better, worse = max(signs) > 0, min(signs) < 0
    verdict = HOLDS if better and not worse else REVERSED if worse and not better else NOT_SEEN
    return Finding(verdict, f"The lesson's rule minus the whole budget in samples: {listed}.")


def cheap_difficulty_is_open() -> Finding:
    one, four, many = (estimate_rank(n) for n in (1, 4, 64))
    return Finding(
        HOLDS if one < 0.7 else NOT_SEEN,
        f"Rank correlation of the PRM's mean score with the pass rate: {one:.2f} from one solution, {four:.2f} from "
        f"four, {many:.2f} from 64.",
    )


def beam_beats_best_of_n_at_small_budgets() -> Finding:
    gain = beam(4).minus(weighted(4))
    return Finding(_verdict(gain.sign), f"Beam search minus weighted best-of-N at N=4: {gain:+.3f}.")


def beam_falls_below_at_large_budgets() -> Finding:
    by_good, by_weak = (weighted(64, prm).minus(beam(64, prm)) for prm in ("prm", "prm-weak"))
    return Finding(
        _verdict(by_good.sign),
        f"Weighted best-of-N minus beam search at N=64: {by_good:+.3f}; with the weak PRM {by_weak:+.3f}.",
    )


def beam_degrades_on_easy() -> Finding:
    loss = beam(4).minus(beam(64), 0, 1)
    return Finding(_verdict(loss.sign), f"N=4 minus N=64 on the two easiest fifths: {loss:+.3f}.")


def beam_wins_on_medium() -> Finding:
    gain = beam(16).minus(weighted(16), 2, 3)
    return Finding(
        _verdict(gain.sign), f"Beam search minus weighted best-of-16 on the third and fourth fifths: {gain:+.3f}."
    )


def nothing_helps_on_the_hardest() -> Finding:
    gain = beam(64).minus(weighted(1), 4)
    verdict = REVERSED if gain.low > 0.1 else HOLDS if gain.high < 0.1 else NOT_SEEN
    return Finding(verdict, f"Beam search with N=64 minus one sample, hardest fifth: {gain:+.3f}.")


def lookahead_is_worst() -> Finding:
    ahead, plain = beam(16, "prm-large", lookahead=1), beam(16, "prm-large")
    gain = ahead.minus(plain)
    return Finding(
        HOLDS if gain.sign < 0 else NOT_SEEN,  # not reversed: the search with lookahead costs more
        f"One step of lookahead minus none, at N=16 with the large PRM: {gain:+.3f} for {ahead.cost / plain.cost:.1f} "
        "times the FLOPs.",
    )


def sequential_beats_parallel() -> Finding:
    gain, by_steps = hybrid(1, 15).minus(hybrid(16)), stepwise(15).minus(weighted(16))
    return Finding(
        _verdict(gain.sign),
        f"One chain of 16 rewrites minus 16 samples: {gain:+.3f}. Revised step by step: {by_steps:+.3f}.",
    )


def pass_rate_rises_along_the_chain() -> Finding:
    first, later = attempt(2).minus(attempt(1)), attempt(16).minus(attempt(5))
    return Finding(
        _verdict(first.sign, later.sign),
        f"The first revision gains {first:+.3f}; from the fifth attempt to the sixteenth the gain is {later:+.3f}.",
    )


def right_turned_wrong() -> Finding:
    share = float(right_then_wrong().correct.sum() / before_revision().correct.sum())
    return Finding(HOLDS if share > 0.2 else NOT_SEEN, f"The first revision turns {share:.3f} of right answers wrong.")


def compute_optimal_saves() -> Finding:
    def over_samples(arm: Arm, times: int) -> Estimate:
        """An arm minus best-of-N for `times` its FLOPs."""
        return arm.minus(at_equal_flops(sampling_arms().values(), times * arm.cost))

    fitted = allocated("whole", "oracle", 16)
    equal, half, quarter = (over_samples(fitted, times) for times in (1, 2, 4))
    return Finding(
        HOLDS if half.low > -0.01 else REVERSED if equal.sign < 0 else NOT_SEEN,
        f"Fitted with oracle difficulty for 16 generations, minus weighted best-of-N: {equal:+.3f} at equal FLOPs, "
        f"{half:+.3f} if best-of-N may spend twice as many, {quarter:+.3f} if four times as many. A beam search of 16 "
        f"for every problem, if best-of-N may spend twice as many: {over_samples(beam(16), 2):+.3f}.",
    )


def reinforcement_narrows() -> Finding:
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    return Finding(
        _verdict(once.sign, -many.sign),
        f"After reinforcement learning minus before: {once:+.3f} for one sample, {many:+.3f} for the coverage of 64. "
        f"The model before covers more from about {crossing():.0f} samples on.",
    )


def _verdict(*signs: int) -> str:
    """Verdict on a claim of several parts; the sign of a part is 1 if it is seen and -1 if its opposite is seen."""
    return {1: HOLDS, 0: NOT_SEEN, -1: REVERSED}[min(signs)]


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
