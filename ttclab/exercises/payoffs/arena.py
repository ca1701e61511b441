"""Payoffs of chapter 7: the learner's score and policy in the arena."""

from collections.abc import Callable, Sequence

from ttclab.exercises.payoffs.yours import over
from ttclab.figures import Drawing
from ttclab.figures.arena import NAMES, SHARES, by_score
from ttclab.results import arena, game


def scoreboard(advantage: Callable[..., float]) -> Drawing:
    """The scores of the chapter's policies by the learner's function."""
    samples = [arm for arm in arena.load_arena().arms if not arm.allocation.T]
    uniform = [[arm.cost, float(arm.correct.mean())] for arm in samples]
    scores = {}
    for name in NAMES:
        played = game.policy(name)
        scores[NAMES[name]] = advantage(played.correct.tolist(), played.flops.tolist(), uniform)
    order = by_score()  # of the figure's rows
    best = max(scores, key=lambda name: scores[name])
    return over(
        "arena_scoreboard", "your score", [scores[NAMES[name]] for name in order], range(len(order)),
        f"By your score, {best} wins, {100 * scores[best]:+.1f} points beside uniform sampling",
        f"{sum(score > 0 for score in scores.values())} of {len(scores)} policies are ahead of uniform sampling.",
    )  # fmt: skip


def policy(arena_policy: Callable[[float, int, int], Sequence[int]]) -> Drawing:
    """The learner's policy in the chapter's arena, where most first attempts are right, with 2, 4 and 8 each."""
    test = arena.load_arena()

    def told(difficulty: float, left: int, todo: int) -> Sequence[int]:
        return arena_policy(round(difficulty, 2), left, todo)

    played = [arena.play(told, test, share * len(test)) for share in SHARES]
    gain = arena.advantage(played[0], test)
    return over(
        "arena_against_flops", "your policy", [float(each.flops.mean()) for each in played],
        [float(each.correct.mean()) for each in played],
        f"In the chapter's arena, with {SHARES[0]} generations a problem, your policy is {gain:.1 points} beside "
        "uniform sampling",
        f"It solves {played[0].correct.mean():.1%} of {len(test)} problems for {played[0].flops.mean() / 1e6:.0f} "
        "million FLOPs each.",
    )  # fmt: skip
