"""Payoffs of chapter 5: the learner's groups, rules and intervals on recorded problems."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ttclab import results
from ttclab.estimators import Estimate, fifths, pass_at_k
from ttclab.exercises.payoffs.yours import over
from ttclab.figures import Drawing, charts, style
from ttclab.results import arena
from ttclab.results.sampling import estimate_hits, true_difficulty

LOOKS = (1, 2, 4, 8, 16)
SHARES = (2, 4, 8)  # generations a problem


def right_groups(difficulty_bins: Callable[..., Sequence[int]]) -> Drawing:
    """How often the learner's groups, by so many scores, are the true fifths."""
    scores, true = results.small_scores("prm"), fifths(-true_difficulty())
    hits = {n: float(np.mean(np.array(difficulty_bins(scores[:, :n].tolist(), 5)) == true)) for n in LOOKS}
    return over(
        "difficulty_estimates", "your groups", [estimate_hits(n).cost for n in LOOKS], [*hits.values()],
        f"Your groups put {hits[1]:.0%} of the problems into their right fifth after one score",
        f"After 16 scores it is {hits[16]:.0%}; by chance it would be 20%.",
    )  # fmt: skip


def rule_in_the_arena(lesson_policy: Callable[[float, int], Sequence[int]]) -> Drawing:
    """The learner's rule, on the recorded problems of the arena."""
    test = arena.load_arena()

    def play(share: int) -> arena.Played:
        return arena.play(lambda difficulty, left, todo: lesson_policy(difficulty, share), test, share * len(test))

    played = [play(share) for share in SHARES]
    solved = [float(each.correct.mean()) for each in played]
    gain = arena.advantage(played[1], test)
    return over(
        "arena_against_flops", "your rule", [float(each.flops.mean()) for each in played], solved,
        f"Your rule, played on {len(test)} recorded problems, "
        + ("is ahead of" if gain.sign > 0 else "loses to" if gain.sign < 0 else "ties with")
        + " uniform sampling at equal FLOPs",
        f"With 4 generations a problem it solves {solved[1]:.1%}, which is {gain:.1 points} beside uniform sampling.",
    )  # fmt: skip


def fitted_to_fifths(fit_policy: Callable[..., Sequence[int]]) -> Drawing:
    """The way that the learner's function takes for each fifth, among those of the chapter's figure."""
    arms = [results.beam(64), results.beam(4), results.weighted(64), results.weighted(4)]
    names = ["beam, N=64", "beam, N=4", "vote of 64", "vote of 4"]
    accuracy = [[float(arm.fifth(k).correct.mean()) for arm in arms] for k in range(5)]
    budget = 1.01 * arms[0].cost  # pays for all but the 64 samples, if these cost more
    taken = list(fit_policy(accuracy, [arm.cost for arm in arms], budget))
    return over(
        "ways_by_fifth", "your choice", range(5), [row[s] for row, s in zip(accuracy, taken)],
        f"For the price of a beam of 64, your policy takes {names[taken[0]]} on the easiest fifth and "
        f"{names[taken[4]]} on the hardest",
        f"It solves {accuracy[0][taken[0]]:.0%} of the easiest fifth and {accuracy[4][taken[4]]:.0%} of the hardest.",
    )  # fmt: skip


def interval_by_fifth(paired_interval: Callable[..., Sequence[float]]) -> Drawing:
    """What a beam of 64 gains over a beam of 4 in each fifth, with the learner's intervals."""
    wide, narrow, rng = results.beam(64), results.beam(4), np.random.default_rng(0)
    gains = []
    for k in range(5):
        a, b = wide.fifth(k).correct.tolist(), narrow.fifth(k).correct.tolist()
        mean, low, high = paired_interval(a, b, rng.integers(0, len(a), size=(401, len(a))).tolist())
        gains.append(Estimate(np.array(mean), np.array(low), np.array(high)))
    clear = [name for name, gain in zip(style.FIFTHS, gains) if gain.sign]
    lines = {"your\nintervals": charts.Series("beam", Estimate.stack(gains), range(5))}
    return Drawing(
        charts.gains(lines, xlabel="fifth of difficulty", ylabel="beam of 64 minus 4", ticks=style.SHORT_FIFTHS),
        f"By your intervals a beam of 64 differs from a beam of 4 on {len(clear)} of the five fifths",
        f"On the easiest fifth the gain is {gains[0]:.0 points}, on the hardest {gains[4]:.0 points}.",
        pd.DataFrame({"fifth": style.SHORT_FIFTHS, "gain": gains}),
        ".1p",
    )


def shared_samples(share_budget: Callable[..., Sequence[int]]) -> Drawing:
    """Coverage if the learner's function hands out the samples of a batch, over as many for everybody."""
    right, most = results.small_samples().correct, 33
    n = right.shape[1]
    chance = np.zeros((len(right), most))
    chance[:, 1:] = pass_at_k(n, right.sum(axis=1, keepdims=True), np.arange(1, most))
    rows, shares = chance.tolist(), (1, 2, 4)
    given = {share: share_budget(rows, share * len(rows)) for share in shares}
    covered = [float(np.mean([row[many] for row, many in zip(rows, given[share])])) for share in shares]
    return over(
        "coverage_against_vote", "your shares", shares, covered,
        f"Four samples a problem, handed out by gain, cover {covered[2]:.0%}; four for everybody cover "
        f"{results.coverage(4).correct.mean():.0%}",
        f"The rates were known, which no policy can do. Your function gives a problem up to {max(given[4])} samples.",
        line=True,
    )  # fmt: skip
