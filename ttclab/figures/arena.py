"""Figures of chapter 7: policies that compete for one budget."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import MultipleLocator

from ..estimators import Estimate
from ..results.arena import load_arena, uniform_at
from ..results.families import families, of_all
from ..results.game import above_uniform, after_look, beyond, policy
from ..results.seeds import ALL, headline, verdict
from ..results.wording import by_sign
from . import charts, style
from .charts import Row
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .words import listed

SHARES = (2, 4, 8)
NAMES = {
    "worked": "Keep or draw 8",
    "adaptive": "Adaptive",
    "spread": "Spread",
    "lesson": "The lesson's rule",
    "fitted": "Fitted",
    "drawn again": "Always draw again",
}
COLOURS = {"uniform": "prm", "spread": "majority"}  # as in the game
SIGNS = {1: "oracle", 0: "single", -1: "wrong"}  # colors of policies ahead, level or undecided, and behind
KEPT_AT = -0.5  # place of the kept attempt, apart from the line of new samples
VERDICTS = {"above 0": 1, "below 0": -1}
UNSURE = "gray: not clear in every seed"


def by_score() -> list[str]:
    """The policies of the scoreboard, the best over all seeds first."""
    return sorted(NAMES, key=lambda name: -float(headline(f"arena, {name}", ALL).mean))


@drawn(f"{SEED_0}; the order is that over all seeds")
def how_a_game_is_scored() -> Drawing:
    """What each policy solves beside uniform sampling for the same FLOPs: the distance is the score."""
    board, names = load_arena(), by_score()
    arms = {name: policy(name) for name in names}
    scores = {name: above_uniform(name) for name in names}
    figure, axes = style.new_axes(height=3.5)
    for place, (name, arm) in enumerate(arms.items()):
        colour = style.COLOURS[SIGNS[scores[name].sign]]
        ends = float(uniform_at(board, arm.cost).mean()), float(arm.correct.mean())
        axes.plot(ends, [place] * 2, color=colour, lw=3, solid_capstyle="butt")
        axes.plot(ends[:1], [place], "|", color=style.INK, ms=15, mew=2)
        axes.plot(ends[1:], [place], "o", color=colour, ms=6)
        style.beside(axes, place, f"{scores[name].parts('.1p')[0]}", color=colour)
    style.row_names(axes, [_with_cost(name, arm.cost) for name, arm in arms.items()])
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="problems solved")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.set_xlim(axes.get_xlim()[0] - 0.01, axes.get_xlim()[1] + 0.005)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    style.beside(axes, -0.85, "score")
    style.marks(figure, {"policy": (style.INK, "o"), "uniform sampling for the same FLOPs": (style.INK, "|")})
    worst, *_, best = sorted(names, key=lambda name: float(scores[name].mean))
    ahead = sum(score.sign > 0 for score in scores.values())
    return Drawing(
        figure,
        f"{_number(ahead).capitalize()} of {_number(len(names))} policies are ahead of uniform sampling "
        "for the same FLOPs",
        f'With 4 generations per problem, the best policy, "{NAMES[best]}", scores {scores[best]:.1 points}; '
        f'the worst, "{NAMES[worst]}", scores {scores[worst]:.1 points}.',
        pd.DataFrame(
            {
                "policy": [NAMES[name] for name in names],
                "FLOPs per problem": [arms[name].cost for name in names],
                "solves": [arms[name].solved for name in names],
                "uniform solves": [f"{float(uniform_at(board, arms[name].cost).mean()):.1%}" for name in names],
                "score (points)": [scores[name] for name in names],
            }
        ),
        {"solves": ".1%", "score (points)": ".1p"},
    )


def _with_cost(name: str, cost: float) -> str:
    """The name of a policy, and under it what it costs per problem."""
    return f"{NAMES[name]}\n{style.amount(cost)} FLOPs"


@drawn(ALL_SEEDS)
def arena_scoreboard() -> Drawing:
    """What each policy solves beyond uniform sampling for the same FLOPs, with 4 generations per problem on average.

    Dots are over the problems of all seeds, rings are the single seeds.
    """
    order = by_score()
    scores = {name: headline(f"arena, {name}", ALL) for name in order}
    costs = {name: float(of_all(lambda name=name: beyond(name).cost)) for name in order}  # type: ignore[misc]
    signs = {name: VERDICTS.get(verdict(f"arena, {name}"), 0) for name in order}
    rows = {_with_cost(name, costs[name]): Row(SIGNS[signs[name]], scores[name]) for name in order}
    figure = charts.dots(rows, xlabel="points above uniform sampling, same FLOPs", difference=True, decimals=1)
    [axes] = figure.axes
    by_family = {name: [headline(f"arena, {name}", seed) for seed in families()] for name in order}
    for place, gains in enumerate(by_family.values()):
        _rings(axes, place + 0.3, gains)
    left, right = axes.get_xlim()
    ends = [float(gain.mean) for gains in by_family.values() for gain in gains]
    axes.set_xlim(min(left, *ends) - 0.004, max(right, *ends))
    style.marks(
        figure,
        {
            "all seeds": (style.INK, "o"),
            "one seed": (style.INK, MarkerStyle("o", fillstyle="none")),
            UNSURE: (style.COLOURS[SIGNS[0]], "o"),
        },
    )
    always = [f'"{NAMES[name]}"' for name in order if signs[name] > 0]
    return Drawing(
        figure,
        f"{listed(always)} {'beats' if len(always) == 1 else 'beat'} uniform sampling for the same FLOPs in all seeds"
        if always
        else "No policy beats uniform sampling for the same FLOPs in all seeds",
        f'Over all seeds the best, "{NAMES[order[0]]}", solves {scores[order[0]]:.1 points} beyond uniform sampling, '
        f'the last, "{NAMES[order[-1]]}", {scores[order[-1]]:.1 points}.',
        pd.DataFrame(
            {
                "policy": [NAMES[name] for name in order],
                "FLOPs per problem": [costs[name] for name in order],
                "all seeds, above uniform (points)": [scores[name] for name in order],
                **{
                    f"seed {i}": [f"{headline(f'arena, {name}', seed):.1p}" for name in order]
                    for i, seed in enumerate(families())
                },
            }
        ),
        ".1p",
    )


@drawn(SEED_0)
def arena_against_flops() -> Drawing:
    """Spread and uniform sampling against FLOPs, with the generations of each point."""
    shares = {"spread": SHARES, "uniform": (*SHARES, 2 * SHARES[-1])}
    arms = {name: {share: policy(name, share) for share in each} for name, each in shares.items()}
    lines = {f'"{name.capitalize()}"': charts.series(COLOURS[name], each, cost=True) for name, each in arms.items()}
    means = [float(mean) for line in lines.values() for mean in line.values.mean]
    figure = charts.against_flops(lines, scale=(min(means) - 0.03, max(means) + 0.01), bands=False)
    [axes] = figure.axes
    for name, down in (("spread", 6), ("uniform", -12)):
        for share, arm in arms[name].items():
            axes.annotate(
                str(share), (arm.cost, float(arm.correct.mean())), xytext=(0, down), textcoords="offset points",
                ha="center", color=style.COLOURS[COLOURS[name]],
            )  # fmt: skip
    by_count = [arms["spread"][share].minus(arms["uniform"][share]) for share in SHARES]
    by_flops = [above_uniform("spread", share) for share in SHARES]
    return Drawing(
        figure,
        *_spread_says(by_count, by_flops),
        pd.DataFrame(
            {
                "generations per problem": SHARES,
                '"Spread" solves': [arms["spread"][share].solved for share in SHARES],
                "its FLOPs per problem": [arms["spread"][share].cost for share in SHARES],
                "minus uniform, as many generations": by_count,
                "minus uniform, as many FLOPs": by_flops,
            }
        ),
        {
            '"Spread" solves': ".1%",
            **dict.fromkeys(("minus uniform, as many generations", "minus uniform, as many FLOPs"), ".1p"),
        },
    )


@drawn(ALL_SEEDS)
def spread_against_uniform() -> Drawing:
    """Spread minus uniform sampling, at equal generations and at equal FLOPs: over all seeds, and for each of them."""
    counted = {"equal\ngenerations": "arena, spread, same generations", "equal\nFLOPs": "arena, spread"}
    gains = {row: headline(name, ALL) for row, name in counted.items()}
    rows = {row: Row(SIGNS[VERDICTS.get(verdict(name), 0)], gains[row]) for row, name in counted.items()}
    figure = charts.dots(rows, xlabel='"Spread" minus uniform sampling, points', difference=True, decimals=1)
    [axes] = figure.axes
    by_family = [[headline(name, seed) for seed in families()] for name in counted.values()]
    for place, each in enumerate(by_family):
        _rings(axes, place + 0.2, each, step=0.15)
    axes.set_ylim(len(counted) - 0.35, -0.25)
    left, right = axes.get_xlim()
    axes.set_xlim(left, max(right, *(float(gain.high) + 0.002 for each in by_family for gain in each)))
    figure.set_figheight(2.1)
    style.marks(
        figure,
        {
            "all seeds": (style.INK, "o"),
            "one seed": (style.INK, MarkerStyle("o", fillstyle="none")),
            UNSURE: (style.COLOURS[SIGNS[0]], "o"),
        },
    )
    by_count, by_flops = gains.values()
    said = [_won_in(each) for each in by_family]
    return Drawing(
        figure,
        f'At equal generations, "Spread" wins in {said[0]}; at equal FLOPs, in {said[1]}',
        f'"Spread" minus uniform sampling is {by_count:.1 points} at equal generations, and {by_flops:.1 points} at '
        "equal FLOPs, over all seeds.",
        pd.DataFrame(
            {
                "compared at": [row.replace("\n", " ") for row in counted],
                "all seeds (points)": list(gains.values()),
                **{f"seed {i}": each for i, each in enumerate(zip(*by_family))},
            }
        ),
        ".1p",
    )


def _number(count: int) -> str:
    """A small number in words."""
    return ("none", "one", "two", "three", "four", "five", "six")[count]


def _rings(axes: Axes, y: float, gains: Sequence[Estimate], step: float = 0) -> None:
    """A ring for each seed, in the color of its sign; with a step, below one another and with their intervals."""
    for k, gain in enumerate(gains):
        colour, place = style.COLOURS[SIGNS[gain.sign]], y + k * step
        axes.plot(
            [gain.mean], [place], "o", color=colour, mfc=style.PAGE if step else "none", ms=4.5, mew=1.1, zorder=3
        )
        if step:
            axes.plot([gain.low, gain.high], [place] * 2, color=colour, lw=0.9, zorder=2)


def _won_in(gains: Sequence[Estimate]) -> str:
    """The seeds in which a difference is above 0."""
    won = sum(gain.sign > 0 for gain in gains)
    return "every seed" if won == len(gains) else f"{_number(won)} of {_number(len(gains))} seeds"


def _spread_says(by_count: Sequence[Estimate], by_flops: Sequence[Estimate]) -> tuple[str, str]:
    """The finding on spread minus uniform sampling, and the two numbers that show it."""
    return (
        f'At equal generations, "Spread" {_always(by_count)} uniform sampling; '
        f"at equal FLOPs it {_always(by_flops)} it",
        f'With {SHARES[1]} generations per problem, "Spread" minus uniform is {by_count[1]:.1 points} for as many '
        f"generations, and {by_flops[1]:.1 points} for as many FLOPs.",
    )


def _always(gains: Sequence[Estimate]) -> str:
    """Words for differences that may not all have one sign."""
    return by_sign(gains[0]) if len({gain.sign for gain in gains}) == 1 else "does not always beat"


@drawn(SEED_0)
def after_the_look() -> Drawing:
    """What new samples solve of the problems whose first attempt looks wrong, and of those where it looks right."""
    sizes = (0, 1, 2, 4, 8, 16, 32)
    wrong, right = ([after_look(hard=hard, N=N) for N in sizes] for hard in (True, False))
    figure, axes = style.new_axes()
    style.shares(axes)
    for values, tone in ((right, "oracle"), (wrong, "wrong")):
        axes.plot(range(1, len(sizes)), values[1:], color=style.COLOURS[tone], marker="o", ms=4)
        axes.plot([KEPT_AT], values[:1], "D", color=style.COLOURS[tone], ms=6)
    axes.axvline(0.25, color=style.INK, lw=0.8, ls=":")
    axes.set_xticks([KEPT_AT, *range(1, len(sizes))], ["keep", *map(str, sizes[1:])])
    axes.set_xlabel("new samples instead of the first attempt")
    style.name_ends(
        axes, [right[-1], wrong[-1]], ["attempt\nlooks right", "attempt\nlooks wrong"],
        [style.COLOURS["oracle"], style.COLOURS["wrong"]],
    )  # fmt: skip
    drop, rise = right[0] - right[1], wrong[4] - wrong[0]
    return Drawing(
        figure,
        "Draw again where the attempt looks wrong; keep it where it looks right"
        if drop > 0 < rise
        else "A new sample does no harm even where the attempt looks right",
        f"Where it looks wrong 8 new samples solve {wrong[4]:.0%} instead of {wrong[0]:.0%}; where it looks right "
        f"one new sample solves {right[1]:.1%} instead of {right[0]:.1%}.",
        pd.DataFrame(
            {
                "new samples": ["keep", *map(str, sizes[1:])],
                "attempt looks wrong": [f"{x:.1%}" for x in wrong],
                "attempt looks right": [f"{x:.1%}" for x in right],
            }
        ),
    )
