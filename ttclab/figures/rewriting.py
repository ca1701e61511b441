"""Figures of chapter 4: rewriting attempts, beside fresh samples and by splits of a budget."""

from itertools import pairwise

import pandas as pd

from ..estimators import Estimate
from ..results import attempt, hybrid
from ..results.families import SHIPPED, each_family
from ..results.revision import (
    after_revision,
    before_revision,
    mended,
    revisions_with,
    spoilt,
    turned_right,
    turned_wrong,
    turned_wrong_with,
)
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, Series, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .words import listed, times

PLACES = (1, 2, 5, 16)  # attempts of a chain, of which the pass rate is known for every seed
ATTEMPTS = (1, 2, 4, 8, 16, 32, 64)
ASIDE = 0.17  # how far above and below their row the two dots of a pair stand


@drawn(ALL_SEEDS)
def along_the_chain() -> Drawing:
    """The pass rate along the chain, a line for each seed."""
    rates = each_family(lambda: {n: attempt(n) for n in PLACES})
    falls = [rows[PLACES[-1]].minus(rows[1]) for rows in rates.values()]
    figure, axes = style.new_axes()
    colour = style.COLOURS["revision"]
    for family, rows in rates.items():
        means = [float(arm.solved.mean) for arm in rows.values()]
        shipped = family == SHIPPED
        axes.plot(PLACES, means, color=colour, marker="o", ms=4 if shipped else 3, lw=1.7 if shipped else 1, zorder=3)
        style.band(axes, PLACES, Estimate.stack(arm.solved for arm in rows.values()), colour, 0.2 if shipped else 0.09)
    style.budgets(axes, PLACES, "attempt in the chain (the first is no rewrite)")
    style.shares(axes, high=0.65, label="attempts that are right")
    ends = [float(rows[PLACES[-1]].solved.mean) for rows in rates.values()]
    style.name_ends(axes, ends, [seed_name(family) for family in rates], [colour] * len(rates))
    first, last = rates[SHIPPED][1].solved, rates[SHIPPED][PLACES[-1]].solved
    return Drawing(
        figure,
        "In all three seeds, later attempts of a chain are right less often than first ones"
        if all(fall.sign < 0 for fall in falls)
        else "Whether later attempts are right more or less often than first ones depends on the seed",
        f"With seed 0, {first:.0%} of first attempts are right, and {last:.0%} of sixteenth attempts.",
        pd.DataFrame(
            {"attempt": PLACES}
            | {seed_name(family): [arm.solved for arm in rows.values()] for family, rows in rates.items()}
        ),
        ".1%",
    )


def seed_name(family: str) -> str:
    """A family of models by its seed; the one that ships has seed 0."""
    return f"seed {0 if family == SHIPPED else family}"


@drawn(ALL_SEEDS)
def revision_against_fresh_sample() -> Drawing:
    """What a revision turns right and wrong, and what a fresh sample of the twin model would, for each seed."""
    facts = {
        "wrong attempts mended": each_family(lambda: (turned_right(), turned_right(fresh=True))),
        "right attempts turned wrong": each_family(lambda: (turned_wrong(), turned_wrong(fresh=True))),
    }
    figure, axes = style.new_axes(height=3.1)
    names: list[str] = []
    rows: list[tuple[str, str, Estimate, Estimate]] = []
    for fact, pairs in facts.items():
        axes.annotate(
            fact, (0, len(names)), xycoords=axes.get_yaxis_transform(), xytext=(3, 0), textcoords="offset points",
            va="center", weight="bold",
        )  # fmt: skip
        names.append("")
        for family, pair in pairs.items():
            for aside, (strategy, value) in zip((-ASIDE, ASIDE), zip(("revision", "single"), pair)):
                errors = [[value.mean - value.low], [value.high - value.mean]]
                at, colour = len(names) + aside, style.COLOURS[strategy]
                axes.errorbar([value.mean], [at], xerr=errors, color=colour, marker="o", ms=5.5, lw=1.6)
            rows.append((fact, seed_name(family), *pair))
            names.append(seed_name(family))
    style.row_names(axes, names)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, None), xlabel="share of wrong or of right attempts")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    style.marks(
        figure, {"a rewrite": (style.COLOURS["revision"], "o"), "a fresh sample": (style.COLOURS["single"], "o")}
    )
    fewer = [gain.sign for gain in each_family(mended_beside_fresh).values()]
    more = [name for name, gain in each_family(spoilt_beside_fresh).items() if gain.sign > 0]
    seeds = (
        "no seed" if not more else "every seed" if len(more) == len(fewer) else listed([seed_name(at) for at in more])
    )
    return Drawing(
        figure,
        (
            "In all three seeds, a rewrite mends fewer wrong attempts than a fresh sample"
            if max(fewer) < 0
            else "A rewrite mends no more wrong attempts than a fresh sample"
            if max(fewer) <= 0
            else "With at least one seed, a rewrite mends more wrong attempts than a fresh sample"
        )
        + f"; in {seeds}, it spoils more right ones",
        f"With seed 0, a rewrite mends {turned_right():.0%} of wrong attempts, a fresh sample "
        f"{turned_right(fresh=True):.0%}.",
        pd.DataFrame(rows, columns=["share of", "seed", "a rewrite", "a fresh sample of the twin model"]),
        ".1%",
    )


def mended_beside_fresh() -> Estimate:
    """Share of attempts that the first revision mends, minus what a sample of the twin model would mend."""
    return mended().minus(mended(fresh=True))


def spoilt_beside_fresh() -> Estimate:
    """Share of attempts that the first revision turns wrong, minus what a sample of the twin model would turn wrong."""
    return spoilt().minus(spoilt(fresh=True))


@drawn(SEED_0)
def revision_by_fifth() -> Drawing:
    """The first attempt and the first revision in each fifth of difficulty."""
    lines = {
        "rewrite": charts.fifths_of("revision", after_revision()),
        "first\nattempt": charts.fifths_of("single", before_revision()),
    }
    easy, *_, hard = gaps = [after_revision().minus(before_revision(), k) for k in range(5)]
    return Drawing(
        charts.by_fifth(lines),
        "The first rewrite loses on every fifth"
        + (", most on the easiest" if min(gaps, key=lambda gap: gap.mean) is easy else "")
        if all(gap.sign < 0 for gap in gaps)
        else f"On the hardest fifth the first rewrite {by_sign(hard, 'gains', 'makes no clear difference', 'loses')}",
        f"Rewrite minus first attempt is {easy:.1 points} on the easiest fifth and {hard:.1 points} on the hardest.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                "first attempt": lines["first\nattempt"].values.unstack(),
                "revision, minus it (points)": gaps,
                "right turned wrong": [turned_wrong(k) for k in range(5)],
                "wrong turned right": [turned_right(k) for k in range(5)],
            }
        ),
        {
            "first attempt": ".0%",
            "revision, minus it (points)": ".1p",
            "right turned wrong": ".1%",
            "wrong turned right": ".0%",
        },
    )


@drawn(SEED_0)
def feedback_on_attempts() -> Drawing:
    """What comments on the newest attempt change: rewrites 1 to 7 with each critic, minus those without."""
    critics = {
        "an oracle says\nright or wrong": "oracle",
        "the PRM names\na doubtful step": "prm",
        "the model says\nhow sure it is": "self",
    }
    strategies = {"oracle": "oracle", "prm": "prm", "self": "single"}
    gains = {name: revisions_with(v).minus(revisions_with()) for name, v in critics.items()}
    kinds = (None, *critics.values())
    rows = {name: Row(strategies[critics[name]], value) for name, value in gains.items()}
    best = max(float(value.mean) for value in gains.values())
    most = max(abs(float(value.mean)) for value in gains.values())
    return Drawing(
        charts.dots(rows, xlabel="right rewrites, with minus without (points)", difference=True, decimals=1),
        f"Comments change little: the best one adds {100 * best:.1f} points of right rewrites"
        if 0 < best < 0.01 and most < 0.01
        else f"Comments move a rewrite by up to {100 * most:.0f} points",
        f"Of rewrites 1 to 7, {revisions_with('oracle').solved:.1%} are right with an oracle's comment and "
        f"{revisions_with().solved:.1%} without.",
        pd.DataFrame(
            {
                "comment": ["none", *(name.replace("\n", " ") for name in critics)],
                "rewrites 1 to 7, right": [revisions_with(kind).solved for kind in kinds],
                "minus no comment (points)": ["", *gains.values()],
                "rewrites 1 to 7, right turned wrong": [turned_wrong_with(kind) for kind in kinds],
            }
        ),
        {
            "rewrites 1 to 7, right": ".1%",
            "minus no comment (points)": ".1p",
            "rewrites 1 to 7, right turned wrong": ".1%",
        },
    )


@drawn(SEED_0)
def chain_against_samples() -> Drawing:
    """One chain of revisions against as many parallel samples of the same model, by FLOPs."""
    deep, wide = {n: hybrid(1, n - 1) for n in ATTEMPTS}, {n: hybrid(n) for n in ATTEMPTS}
    lines = {"one chain": series("revision", deep, cost=True), "samples": series("prm", wide, cost=True)}
    ratio = deep[16].cost / wide[16].cost
    level = deep[16].minus(wide[16])
    figure = charts.against_flops(lines, scale=charts.zoom(lines))
    for line, aside in zip(lines.values(), ((0, 11), (9, -9)), strict=True):
        at = line.at[ATTEMPTS.index(16)], float(line.values.mean[ATTEMPTS.index(16)])
        figure.axes[0].plot(*at, "o", color=style.COLOURS[line.strategy], ms=8)
        figure.axes[0].annotate(
            "16", at, xytext=aside, textcoords="offset points", ha="center", va="center", weight="bold",
            color=style.COLOURS[line.strategy],
        )  # fmt: skip
    return Drawing(
        figure,
        f"A chain of 16 attempts {by_sign(level)} 16 samples and costs {times(ratio)} as much",
        f"For {deep[16].cost / 1e6:.0f} million FLOPs per problem the chain solves {deep[16].solved:.1%}, for "
        f"{wide[16].cost / 1e6:.0f} million the samples solve {wide[16].solved:.1%}.",
        pd.DataFrame(
            {
                "attempts": ATTEMPTS,
                "samples solve": [arm.solved for arm in wide.values()],
                "samples, FLOPs": [arm.cost for arm in wide.values()],
                "a chain solves": [arm.solved for arm in deep.values()],
                "a chain, FLOPs": [arm.cost for arm in deep.values()],
                "chain minus samples (points)": [deep[n].minus(wide[n]) for n in ATTEMPTS],
            }
        ),
        {"samples solve": ".1%", "a chain solves": ".1%", "chain minus samples (points)": ".1p"},
    )


@drawn(SEED_0)
def splits_of_sixteen() -> Drawing:
    """Sixteen attempts split into chains, from all parallel to one chain."""
    attempts = 16
    ways = [(attempts // n, n) for n in (1, 2, 4, 8, 16)]
    arms = [hybrid(m, n - 1) for m, n in ways]
    lines = {
        name: Series("prm", Estimate.stack(arm.fifth(*which).solved for arm in arms), range(len(arms)))
        for name, which in {"four easier\nfifths": (0, 1, 2, 3), "hardest\nfifth": (4,)}.items()
    }
    gaps = [arm.minus(arms[0], 4) for arm in arms[1:]]
    falling = all(one.minus(other).sign > 0 for one, other in pairwise(arms))
    return Drawing(
        charts.shaded(lines, xlabel="chains × attempts in each", ticks=[f"{m}×{n}" for m, n in ways]),
        f"The longer the chains, the fewer problems {attempts} attempts solve"
        if falling
        else f"On the hardest fifth one chain of {attempts} attempts {by_sign(gaps[-1])} {attempts} samples",
        f"On the hardest fifth {attempts} × 1 solves {arms[0].fifth(4).solved:.1%} and 1 × {attempts} "
        f"{arms[-1].fifth(4).solved:.1%}.",
        pd.DataFrame(
            {
                "chains × attempts": [f"{m} × {n}" for m, n in ways],
                "solved": [arm.solved for arm in arms],
                "hardest fifth": [arm.fifth(4).solved for arm in arms],
                f"hardest, minus {attempts} × 1 (points)": ["", *gaps],
                "FLOPs per problem": [arm.cost for arm in arms],
            }
        ),
        {"solved": ".1%", "hardest fifth": ".1%", f"hardest, minus {attempts} × 1 (points)": ".1p"},
    )
