"""Claims about test-time compute, each with a test on recorded runs.

`claims.json` stores the source, the wording and the test of each claim, its current verdict, and the reason for the
verdict in a sentence. A test returns a verdict and what it measured. The verdict is "holds" if our runs show the
effect, "reversed" if they show the opposite, "not seen" if they show neither, and "undecided" if the three seeds
differ. A claim of several parts holds if every part is seen, and is reversed if the opposite of a part is seen. A
verdict applies to our models and our task, not to those of the claim's source.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from ..allocator import Arm
from ..data import DATA
from ..estimators import Estimate
from .allocation import allocated, lesson_gain
from .arms import at_equal_flops
from .assessed import Assessed as Assessed
from .assessed import Finding as Finding
from .assessed import in_words
from .exchange import STEPS, greedy, matched, small_arms
from .families import UNDECIDED, each_family, of_all
from .reinforcement import rl_coverage
from .revision import after_revision, attempt, before_revision, hybrid, right_then_wrong, spoilt
from .sampling import coverage, estimate_rank, sampling_arms, vote, weighted
from .searching import beam
from .stepwise import stepwise, stepwise_arms

FILE = DATA / "claims.json"
HOLDS, REVERSED, NOT_SEEN, MISSING = "holds", "reversed", "not seen", "not recorded"


@dataclass(frozen=True)
class Claim:
    """A claim and its test.

    Attributes
    ----------
    id : str
    source : {"lesson", "paper", "later"}
        Who makes the claim.
    short : str
        The claim in a few words, for the index.
    says : str
        The claim in our words.
    test : str
        A name in TESTS.
    verdict : str
        Verdict of the test on the recorded runs.
    why : str
        The reason for the verdict, in a sentence.
    """

    id: str
    source: str
    short: str
    says: str
    test: str
    verdict: str
    why: str

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

        found = each_family(finding)
        seeds = {name: result.verdict if result else MISSING for name, result in found.items()}
        together = of_all(finding)
        if not together:
            return Assessed(UNDECIDED, "Its runs are not recorded in every family.", {}, seeds)
        agreed = {*seeds.values()} == {together.verdict}
        whole = [result for result in found.values() if result]
        measured = in_words(whole, together)
        return Assessed(together.verdict if agreed else UNDECIDED, together.compares, measured, seeds)


def load_claims() -> list[Claim]:
    """All claims, in the order of the file."""
    return [Claim(**record) for record in json.loads(FILE.read_text(encoding="utf-8"))]


def _accuracy(arm: Arm) -> float:
    return float(arm.correct.mean())


def large_for_easy_small_for_hard() -> Finding:
    small = matched()
    easy, hard = (small.minus(greedy("large"), fifth) for fifth in (1, 4))
    return Finding(
        _verdict(-easy.sign, hard.sign),
        "The small model's best strategy minus one pass of the 14x model, for the same FLOPs",
        {"second easiest fifth": easy, "hardest fifth": hard},
    )


def test_time_compute_for_all_but_the_hardest() -> Finding:
    large, trained, small = greedy("large"), greedy("large", at=STEPS[-1]), matched()
    rest, hard = small.minus(large, 0, 1, 2, 3), small.minus(large, 4)
    return Finding(
        _verdict(rest.sign, -hard.sign),
        "The small model's best strategy minus one pass of the 14x model, for the same FLOPs",
        {
            "the four easier fifths, pooled": rest,
            "hardest fifth": hard,
            "all problems, the 14x model at the end of its training": small.minus(trained),
        },
        shown=2,
    )


def sampling_for_easy_revision_for_hard() -> Finding:
    easy, hard = (stepwise(15).minus(weighted(16), fifth) for fifth in (0, 4))
    others = [hybrid(1, 15).minus(hybrid(16), fifth) for fifth in (0, 4)]
    return Finding(
        _verdict(-easy.sign, hard.sign),
        "A chain of up to 15 step-level revisions minus 16 samples",
        {
            "easiest fifth": easy,
            "hardest fifth": hard,
            "with rewrites of whole solutions, easiest fifth": others[0],
            "with rewrites of whole solutions, hardest fifth": others[1],
        },
        shown=2,
    )


def matches_14x_for_fewer_flops() -> Finding:
    large = greedy("large")
    payable = small_arms("test", "prm").within(0.8 * large.cost).best
    gap = payable.minus(large)
    return Finding(
        REVERSED if gap.sign < 0 else HOLDS,
        "The small model's best strategy for at most 0.8 of the FLOPs of one pass of the 14x model, minus that pass. "
        "The strategy was picked on the test problems",
        {"all problems": gap},
    )


def log_law() -> Finding:
    first, *_, last = (more.minus(fewer) for fewer, more in pairwise(sampling_arms().values()))
    steady = last.sign > 0 and last.high > first.low / 2
    return Finding(
        HOLDS if steady else REVERSED if last.sign < 0 else NOT_SEEN,
        "Gain of a weighted vote with the PRM when its samples are doubled",
        {"from 1 to 2": first, "from 128 to 256": last},
    )


def both_win_at_every_budget() -> Finding:
    gains = {}
    for budget in (4, 16, 32):
        splits = [arm for arm in stepwise_arms().values() if arm.allocation.generations == budget]
        mixed = max((arm for arm in splits if arm.allocation.N > 1), key=_accuracy)
        pure = max((weighted(budget), stepwise(budget - 1)), key=_accuracy)
        gains[budget] = mixed.minus(pure)
    return Finding(
        _verdict(*(gain.sign for gain in gains.values())),
        "The best mix of samples and step-level revisions minus the better of samples alone and revisions alone. "
        "Mix and rival were each picked on the test problems",
        {f"{budget} generations": gain for budget, gain in gains.items()},
    )


def revision_rises_faster() -> Finding:
    gain, early, late = (
        stepwise(3).minus(weighted(4)), stepwise(1).minus(stepwise(0)), stepwise(31).minus(stepwise(15)),
    )  # fmt: skip
    flattens = late.high < early.low / 2
    verdict = REVERSED if gain.sign < 0 else HOLDS if gain.sign > 0 and flattens else NOT_SEEN
    return Finding(
        verdict,
        "Step-level revisions of one solution",
        {
            "up to 3 revisions minus 4 samples": gain,
            "gain of the first revision": early,
            "gain of revisions 16 to 31": late,
            "3 rewrites of a whole solution minus 4 samples": hybrid(1, 3).minus(hybrid(4)),
        },
        shown=3,
    )


def oracle_prm_majority() -> Finding:
    above, between = coverage(64).minus(weighted(64)), weighted(64).minus(vote(64))
    grows, flat = coverage(256).minus(coverage(64)), vote(256).minus(vote(64))
    flattens = 1 if flat.high < 0.02 else 0
    return Finding(
        _verdict(above.sign, between.sign, grows.sign, flattens),
        "Choosing among samples",
        {
            "oracle minus PRM, 64 samples": above,
            "PRM minus majority vote, 64 samples": between,
            "oracle, 256 samples minus 64": grows,
            "majority vote, 256 samples minus 64": flat,
        },
    )


def lesson_policy_helps() -> Finding:
    gains = {budget: lesson_gain(budget) for budget in (4, 16, 64)}
    signs = [gain.sign for gain in gains.values()]
    better, worse = max(signs) > 0, min(signs) < 0
    verdict = HOLDS if better and not worse else REVERSED if worse and not better else NOT_SEEN
    return Finding(
        verdict,
        "The lesson's rule, with step-level revisions, minus the whole budget spent on samples",
        {f"{budget} generations": gain for budget, gain in gains.items()},
    )


def cheap_estimates_of_difficulty_are_poor() -> Finding:
    one, four, many = (estimate_rank(n) for n in (1, 4, 64))
    return Finding(
        HOLDS if one < 0.7 and many > 0.9 else NOT_SEEN,
        "Rank correlation between the PRM's mean score and the share of right samples (1 is the true order)",
        {"score of 1 solution": one, "of 4": four, "of 64": many},
    )


def beam_beats_best_of_n_at_small_budgets() -> Finding:
    gain = beam(4).minus(weighted(4))
    return Finding(_verdict(gain.sign), "Beam search minus a weighted vote, both with the PRM", {"N=4": gain})


def beam_falls_below_at_large_budgets() -> Finding:
    by_good, by_weak = (beam(64, prm).minus(weighted(64, prm)) for prm in ("prm", "prm-weak"))
    return Finding(
        _verdict(-by_good.sign),
        "Beam search minus a weighted vote, both with the PRM",
        {"N=64": by_good, "N=64, with the PRM that was stopped early": by_weak},
        shown=1,
    )


def beam_degrades_on_easy() -> Finding:
    gain = beam(64).minus(beam(4), 0, 1)
    return Finding(
        _verdict(-gain.sign), "Beam search with N=64 minus beam search with N=4", {"two easiest fifths": gain}
    )


def beam_wins_on_medium() -> Finding:
    gain = beam(16).minus(weighted(16), 2, 3)
    return Finding(
        _verdict(gain.sign),
        "Beam search minus a weighted vote, both with the PRM and N=16",
        {"third and fourth easiest fifth": gain},
    )


def nothing_helps_on_the_hardest() -> Finding:
    gain = beam(64).minus(weighted(1), 4)
    verdict = REVERSED if gain.low > 0.1 else HOLDS if gain.high < 0.1 else NOT_SEEN
    return Finding(verdict, "Beam search with the PRM and N=64 minus one sample", {"hardest fifth": gain})


def lookahead_is_worst() -> Finding:
    ahead, plain = beam(16, "prm-large", lookahead=1), beam(16, "prm-large")
    gain = ahead.minus(plain)
    return Finding(
        HOLDS if gain.sign < 0 else NOT_SEEN,  # not reversed: the search with lookahead costs more
        "Beam search that looks one step ahead, with PRM 14x and N=16, compared with one that does not",
        {"minus the search that does not look ahead": gain, "times its FLOPs": ahead.cost / plain.cost},
        ".1f",
    )


def sequential_beats_parallel() -> Finding:
    gain, by_steps = hybrid(1, 15).minus(hybrid(16)), stepwise(15).minus(weighted(16))
    return Finding(
        _verdict(gain.sign),
        "One chain of 16 attempts minus 16 samples",
        {"whole solutions rewritten": gain, "revised step by step": by_steps},
        shown=1,
    )


def pass_rate_rises_along_the_chain() -> Finding:
    first, later = after_revision().minus(before_revision()), attempt(16).minus(attempt(5))
    return Finding(
        _verdict(first.sign, later.sign),
        "Attempts in a chain of rewrites",
        {"second attempt minus first": first, "sixteenth minus fifth": later},
    )


def right_turned_wrong() -> Finding:
    right = before_revision().correct.sum()
    share, fresh = (float(arm.correct.sum() / right) for arm in (right_then_wrong(), spoilt(fresh=True)))
    return Finding(
        HOLDS if share > 0.2 else NOT_SEEN,
        "Of the problems whose first attempt is right, the share on which the next solution is wrong",
        {"a rewrite": share, "a fresh sample instead": fresh},
        ".0%",
    )


def compute_optimal_saves() -> Finding:
    def over_samples(arm: Arm, times: int) -> Estimate:
        """An arm minus best-of-N for `times` its FLOPs."""
        return arm.minus(at_equal_flops(sampling_arms().values(), times * arm.cost))

    fitted = allocated("whole", "oracle", 16)
    equal, half, quarter = (over_samples(fitted, times) for times in (1, 2, 4))
    return Finding(
        HOLDS if half.low > -0.01 else REVERSED if equal.sign < 0 else NOT_SEEN,
        "The fitted policy with known difficulty and at most 16 generations, minus a weighted vote",
        {
            "the vote spends as many FLOPs": equal,
            "twice as many": half,
            "four times as many": quarter,
            "a beam search with N=16 for every problem instead, the vote spends twice its FLOPs": over_samples(
                beam(16), 2
            ),
        },
        shown=3,
    )


def reinforcement_narrows() -> Finding:
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    return Finding(
        _verdict(once.sign, -many.sign),
        "The small model after reinforcement learning minus before",
        {"one sample": once, "coverage of 64 samples": many},
    )


def _verdict(*signs: int) -> str:
    """Verdict on a claim of several parts; the sign of a part is 1 if it is seen and -1 if its opposite is seen."""
    return {1: HOLDS, 0: NOT_SEEN, -1: REVERSED}[min(signs)]


TESTS: dict[str, Callable[[], Finding]] = {
    test.__name__: test
    for test in (
        large_for_easy_small_for_hard, sampling_for_easy_revision_for_hard, matches_14x_for_fewer_flops, log_law,
        revision_rises_faster, both_win_at_every_budget, oracle_prm_majority, lesson_policy_helps,
        cheap_estimates_of_difficulty_are_poor, beam_beats_best_of_n_at_small_budgets,
        beam_falls_below_at_large_budgets,
        beam_degrades_on_easy, beam_wins_on_medium, nothing_helps_on_the_hardest, lookahead_is_worst,
        sequential_beats_parallel, pass_rate_rises_along_the_chain, right_turned_wrong, compute_optimal_saves,
        test_time_compute_for_all_but_the_hardest, reinforcement_narrows,
    )
}  # fmt: skip
