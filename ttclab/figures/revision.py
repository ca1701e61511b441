"""Figures of chapter 4: rewriting an attempt, and restarting at its first doubtful step."""

from itertools import pairwise

import pandas as pd

from ..estimators import Estimate
from ..results import accepted_wrong as accepted
from ..results import (
    attempt,
    beam,
    critic_gain,
    gain,
    greedy,
    hybrid,
    stepwise,
    weighted,
)
from ..results import rejected_right as rejected
from ..results.families import SHIPPED, each_family
from ..results.revision import (
    OUTCOMES,
    after_revision,
    before_revision,
    mended,
    one_of_control,
    revisions_with,
    rewritten_step,
    same_wrong_answer,
    turned_right,
    turned_wrong,
    turned_wrong_with,
)
from ..results.stepwise import restarted_step
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, Series, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .words import listed, times

PLACES = (1, 2, 5, 16)  # attempts of a chain, of which every training's pass rate is known
ATTEMPTS = (1, 2, 4, 8, 16, 32, 64)
REVISIONS = (0, 1, 3, 7, 15, 31)
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)


@drawn(ALL_SEEDS)
def along_the_chain() -> Drawing:
    """The pass rate along the chain in every training, beside one sample of the control."""
    rates = each_family(lambda: {n: attempt(n) for n in PLACES})
    falls = [rows[PLACES[-1]].minus(rows[1]) for rows in rates.values()]
    figure, axes = style.new_axes()
    colour = style.COLOURS["revision"]
    for family, rows in rates.items():
        means = [float(arm.solved.mean) for arm in rows.values()]
        shipped = family == SHIPPED
        axes.plot(PLACES, means, color=colour, marker="o", ms=4 if shipped else 3, lw=1.7 if shipped else 1, zorder=3)
        lows, highs = zip(*((float(arm.solved.low), float(arm.solved.high)) for arm in rows.values()))
        axes.fill_between(PLACES, lows, highs, color=colour, alpha=0.2 if shipped else 0.09, lw=0)
    control = one_of_control().solved
    axes.axhline(float(control.mean), color=style.COLOURS["single"], lw=1.2, ls=style.DASHED)
    style.budgets(axes, PLACES, "attempt in the chain")
    style.shares(axes, high=0.65, label="attempts that are right")
    ends = [float(control.mean), *(float(rows[PLACES[-1]].solved.mean) for rows in rates.values())]
    names = ["control,\n1 sample", *(seed_name(family) for family in rates)]
    style.name_ends(axes, ends, names, [style.COLOURS["single"], *[colour] * len(rates)])
    first, last = rates[SHIPPED][1].solved, rates[SHIPPED][PLACES[-1]].solved
    return Drawing(
        figure,
        "In every training, later attempts are right less often than first ones"
        if all(fall.sign < 0 for fall in falls)
        else "Whether later attempts are right more or less often than first ones depends on the training",
        f"In the models that ship {first:.0%} of first attempts are right, and {last:.0%} of sixteenth attempts; one "
        f"sample of the control is right on {control:.0%}.",
        pd.DataFrame(
            {
                "attempt": [*PLACES, "control, one sample"],
                **{
                    seed_name(family): [*(arm.solved for arm in rows.values()), alone]
                    for (family, rows), alone in zip(rates.items(), each_family(one_of_control_solved).values())
                },
            }
        ),
        ".1%",
    )


def one_of_control_solved() -> Estimate:
    """One sample of the control of the family in use."""
    return one_of_control().solved


def seed_name(family: str) -> str:
    """A training by its seed; that of the models that ship has seed 0."""
    return f"seed {0 if family == SHIPPED else family}"


@drawn(ALL_SEEDS)
def revision_against_fresh_sample() -> Drawing:
    """What a revision turns right and wrong, and what a fresh sample of the control would, in every training."""
    facts = {
        "of wrong attempts:\nmended": each_family(lambda: (turned_right(), turned_right(fresh=True))),
        "of right attempts:\nturned wrong": each_family(lambda: (turned_wrong(), turned_wrong(fresh=True))),
        "of wrong attempts:\nsame answer again": {SHIPPED: (same_wrong_answer(), same_wrong_answer(fresh=True))},
    }
    figure, axes = style.new_axes(height=2.7)
    for place, pairs in enumerate(facts.values()):
        for family, pair in pairs.items():
            for aside, (strategy, value) in zip((-0.14, 0.14), zip(("revision", "single"), pair)):
                colour = style.COLOURS[strategy]
                if family == SHIPPED:
                    errors = [[value.mean - value.low], [value.high - value.mean]]
                    axes.errorbar([value.mean], [place + aside], xerr=errors, color=colour, marker="o", ms=6, lw=1.6)
                else:
                    axes.plot([value.mean], [place + aside], "o", color=colour, ms=5, mfc="none")
    style.row_names(axes, list(facts))
    axes.set(ylim=(len(facts) - 0.5, -0.5), xlim=(0, None), xlabel="share")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    style.marks(
        figure, {"a rewrite": (style.COLOURS["revision"], "o"), "a fresh sample": (style.COLOURS["single"], "o")}
    )
    fewer = [gain.sign for gain in each_family(mended_beside_fresh).values()]
    rows = [
        (name.replace("\n", " "), seed_name(family), *pair)
        for name, pairs in facts.items()
        for family, pair in pairs.items()
    ]
    return Drawing(
        figure,
        "A rewrite mends fewer wrong attempts than a fresh sample would"
        if max(fewer) < 0
        else "A rewrite is no better than a new draw"
        if max(fewer) <= 0
        else "A rewrite mends more wrong attempts than a fresh sample would, at least in one training",
        f"The models that ship: a rewrite mends {turned_right():.0%} of wrong attempts, a fresh sample "
        f"{turned_right(fresh=True):.0%}.",
        pd.DataFrame(rows, columns=["first attempts", "training", "a rewrite", "a fresh sample of the control"]),
        ".1%",
    )


def mended_beside_fresh() -> Estimate:
    """Share of attempts that the first revision mends, minus what a sample of the control would mend."""
    return mended().minus(mended(fresh=True))


@drawn(SEED_0)
def what_becomes_of_a_step() -> Drawing:
    """Right steps and first wrong steps after a rewrite, and first wrong steps after a restart."""
    bars = {
        "a right step,\nrewritten": {of: rewritten_step(of, right=True) for of in OUTCOMES},
        "a wrong step,\nrewritten": {of: rewritten_step(of, right=False) for of in OUTCOMES},
        "a wrong step,\nrestarted": {of: restarted_step(of) for of in OUTCOMES},
    }
    looks = {
        "right": (style.COLOURS["oracle"], 0.85),
        "same error": (style.COLOURS["wrong"], 0.85),
        "another error": (style.COLOURS["wrong"], 0.4),
    }
    figure, axes = style.new_axes(height=2.4)
    for place, shares in enumerate(bars.values()):
        parts = {name: float(shares[of].mean) for name, of in zip(looks, ("right", "same", "wrong"))}
        if place == 0:  # the same result of a right step is a right one
            parts = {"right": parts["right"] + parts["same error"], "another error": parts["another error"]}
        left = 0.0
        for part, share in parts.items():
            colour, alpha = looks[part]
            axes.barh(place, share, 0.6, left=left, color=colour, alpha=alpha, lw=0)
            if share > 0.1:
                ink = style.INK if part == "another error" else "white"
                axes.annotate(f"{share:.0%}", (left + share / 2, place), ha="center", va="center", color=ink)
            left += share
    style.row_names(axes, list(bars))
    axes.set(ylim=(len(bars) - 0.5, -0.5), xlim=(0, 1), xlabel="share of steps")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    style.key(figure, looks)
    repeated, again = rewritten_step("same", right=False), restarted_step("same")
    right, better = rewritten_step("right", right=False), restarted_step("right")
    return Drawing(
        figure,
        "A rewrite repeats wrong steps more often than a restart, and corrects them less often"
        if repeated.low > again.high and right.high < better.low
        else "What becomes of a wrong step",
        f"Of first wrong steps a rewrite repeats {repeated:.0%} and corrects {right:.0%}; a restart repeats "
        f"{again:.0%} and corrects {better:.0%}.",
        pd.DataFrame(
            {
                "step": [name.replace("\n", " ") for name in bars],
                "same result": [shares["same"] for shares in bars.values()],
                "another result, right": [shares["right"] for shares in bars.values()],
                "another result, wrong": [shares["wrong"] for shares in bars.values()],
            }
        ),
    )


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
    critics = {"told by an oracle": "oracle", "told by the PRM": "prm", "told by itself": "self"}
    strategies = {"oracle": "oracle", "prm": "prm", "self": "single"}
    gains = {name: revisions_with(v).minus(revisions_with()) for name, v in critics.items()}
    rows = {name: Row(strategies[critics[name]], value) for name, value in gains.items()}
    most = max(abs(float(value.mean)) for value in gains.values())
    return Drawing(
        charts.dots(rows, xlabel="right, minus without a comment (points)", difference=True, decimals=1),
        "Being told what is wrong changes little: no comment moves a rewrite by more than a point"
        if most < 0.01
        else f"Comments move a rewrite by up to {100 * most:.0f} points",
        f"Right rewrites with an oracle's comment minus without: {gains['told by an oracle']:.1 points}; they "
        f"turn {turned_wrong_with('oracle'):.1%} of right answers wrong, without a comment {turned_wrong_with():.1%}.",
        pd.DataFrame(
            {
                "comment": ["nobody", *critics],
                "right": [revisions_with().solved, *(revisions_with(v).solved for v in critics.values())],
                "minus no comment (points)": ["", *gains.values()],
                "right turned wrong": [turned_wrong_with(), *(turned_wrong_with(v) for v in critics.values())],
            }
        ),
        {"right": ".1%", "minus no comment (points)": ".1p", "right turned wrong": ".1%"},
    )


@drawn(SEED_0)
def chain_against_samples() -> Drawing:
    """One chain of revisions against as many parallel samples of the same model, by FLOPs."""
    deep, wide = {n: hybrid(1, n - 1) for n in ATTEMPTS}, {n: hybrid(n) for n in ATTEMPTS}
    lines = {"one chain": series("revision", deep, cost=True), "samples": series("prm", wide, cost=True)}
    ratio = deep[16].cost / wide[16].cost
    level = deep[16].minus(wide[16])
    return Drawing(
        charts.against_flops(lines, scale=charts.zoom(lines)),
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
        f"The longer the chains that {attempts} attempts are split into, the fewer problems they solve"
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


@drawn(SEED_0)
def restarting_at_the_doubtful_step() -> Drawing:
    """Step-level revision against FLOPs, beside samples, beam search and one pass of the large model."""
    steps = {T: stepwise(T) for T in REVISIONS}
    samples = {N: weighted(N) for N in (1, 2, 4, 8, 16, 32, 64)}
    beams = {N: beam(N) for N in (4, 8, 16, 32, 64)}
    most = max(beams[64].cost, samples[64].cost)
    lines = {
        "beam search": series("beam", beams, cost=True),
        "restarts": series("revision", steps, cost=True),
        "weighted\nbest-of-N": series("prm", samples, cost=True),
        "14x, one pass": charts.level("large", greedy("large"), most),
    }
    by_samples = stepwise(15).minus(weighted(16))
    by_beam = gain(stepwise(15), "beam")
    cheaper = stepwise(15).cost / weighted(16).cost
    return Drawing(
        charts.against_flops(lines, scale=(0.4, 1.0)),
        f"Restarting at the doubtful step {by_sign(by_samples)} 16 weighted samples"
        + (" at less than half the cost" if cheaper < 0.5 else " at a lower cost" if cheaper < 1 else "")
        + f" and {by_sign(by_beam)} beam search of equal cost",
        f"With at most 15 restarts the small model solves {stepwise(15).solved:.1%} for "
        f"{stepwise(15).cost / 1e6:.0f} million "
        f"FLOPs per problem, weighted best-of-16 {weighted(16).solved:.1%} for {weighted(16).cost / 1e6:.0f} million.",
        pd.DataFrame(
            [
                {"": name, "solved": arm.solved, "FLOPs per problem": arm.cost}
                for name, arm in (
                    ("one sample", steps[0]),
                    *((f"at most {T} restart{'s' * (T > 1)}", steps[T]) for T in REVISIONS[1:]),
                    *((f"weighted best-of-{N}", samples[N]) for N in (4, 16, 64)),
                    *((f"beam search, N={N}", beams[N]) for N in (4, 16, 64)),
                    ("14x model, one greedy pass", greedy("large")),
                )
            ]
        ),
        ".1%",
    )


@drawn(SEED_0)
def restarts_by_fifth() -> Drawing:
    """What at most 15 step-level revisions solve, and cost, in each fifth of difficulty."""
    before, after = stepwise(0), stepwise(15)
    costs = [after.fifth(k).cost for k in range(5)]
    figure, (top, bottom) = _two_rows()
    for strategy, arm in (("revision", after), ("single", before)):
        line = charts.fifths_of(strategy, arm)
        errors = [line.values.mean - line.values.low, line.values.high - line.values.mean]
        top.errorbar(range(5), line.values.mean, errors, color=style.COLOURS[strategy], marker="o", ms=4, lw=1.5)
    style.shares(top)
    style.key(figure, {"at most 15 restarts": style.COLOURS["revision"], "one sample": style.COLOURS["single"]})
    bottom.bar(range(5), costs, 0.55, color=style.COLOURS["revision"], alpha=0.85, lw=0)
    bottom.yaxis.set_major_formatter(style.AMOUNT)
    bottom.set(ylabel="FLOPs", xlabel="fifth of difficulty")
    bottom.set_xticks(range(5), style.SHORT_FIFTHS)
    bottom.grid(axis="x", visible=False)
    rising = all(one <= other for one, other in pairwise(costs))
    return Drawing(
        figure,
        f"Restarting finds the hard problems by itself: it spends {times(costs[4] / costs[0])} as much on the "
        "hardest fifth as on the easiest"
        if rising
        else f"Restarting spends {times(costs[4] / costs[0])} as much on the hardest fifth as on the easiest",
        f"On the hardest fifth it solves {after.fifth(4).solved:.0%} for {costs[4] / 1e6:.0f} million FLOPs per "
        f"problem, on the easiest {after.fifth(0).solved:.0%} for {costs[0] / 1e6:.1f} million.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                "one sample (one draw per problem)": [before.fifth(k).solved for k in range(5)],
                "at most 15 restarts": [after.fifth(k).solved for k in range(5)],
                "FLOPs per problem": costs,
            }
        ),
    )


def _two_rows() -> tuple[style.Figure, tuple[style.Axes, style.Axes]]:
    figure, axes = style.new_rows(2, 1, height=3.4, sharex=True, height_ratios=(2, 1))
    return figure, (axes[0, 0], axes[1, 0])


@drawn(SEED_0)
def how_good_a_critic_must_be() -> Drawing:
    """What step-level revisions gain by the quality of a noisy oracle whose errors repeat or are drawn anew."""
    lines = {
        "errors drawn\nanew": Series(
            "revision",
            Estimate.stack(critic_gain("oracle", q, forgetful=True) for q in QUALITIES),
            range(5),
            dashed=True,
        ),
        "errors that\nrepeat": Series(
            "revision", Estimate.stack(critic_gain("oracle", q) for q in QUALITIES), range(5)
        ),
    }
    repeat, anew = (lines[name].values.unstack() for name in ("errors that\nrepeat", "errors drawn\nanew"))
    harms = [q for q, x in zip(QUALITIES, repeat) if x.sign < 0]
    return Drawing(
        charts.gains(
            lines, xlabel="AUC of the critic", ylabel="gain of restarting", ticks=[f"{q:g}" for q in QUALITIES]
        ),
        "A poor critic whose errors repeat does harm"
        + ("" if min(x.sign for x in anew) < 0 else "; one whose errors are drawn anew does not")
        if harms
        else "Even a poor critic does no clear harm",
        f"At an AUC of {QUALITIES[0]:g} restarting changes {repeat[0]:.0 points} if errors repeat and "
        f"{anew[0]:.0 points} if they are drawn anew.",
        pd.DataFrame(
            {
                "AUC of the critic": [f"{q:.2f}" for q in QUALITIES],
                "both rates, summed": [f"{accepted('oracle', q) + rejected('oracle', q):.2f}" for q in QUALITIES],
                "errors that repeat (points)": repeat,
                "errors drawn anew (points)": anew,
            }
        ),
        ".1p",
    )


@drawn(SEED_0)
def trained_critics() -> Drawing:
    """What step-level revisions gain with each trained critic, and with the oracle."""
    critics = {
        "oracle": ("oracle", "oracle"),
        "PRM 14x": ("prm", "prm-large"),
        "PRM": ("prm", "prm"),
        "rollout PRM": ("prm", "prm-rollouts"),
        "its control": ("prm", "prm-exact"),
        "weak PRM": ("prm", "prm-weak"),
    }
    gains = {name: critic_gain(of) for name, (_, of) in critics.items()}
    rows = {name: Row(critics[name][0], value) for name, value in gains.items()}
    failing = [name for name, value in gains.items() if value.sign <= 0]
    return Drawing(
        charts.dots(rows, xlabel="last solution minus first, 15 restarts", difference=True),
        "Every trained critic helps; how much depends on the critic"
        if not failing
        else f"Not every trained critic helps: with the {listed(failing)} there is no clear gain",
        f"With the PRM restarting gains {gains['PRM']:.0 points}, with the weak PRM {gains['weak PRM']:.0 points}.",
        pd.DataFrame(
            {
                "critic": list(critics),
                "accepts wrong steps": [f"{accepted(of):.2f}" for _, of in critics.values()],
                "rejects right steps": [f"{rejected(of):.2f}" for _, of in critics.values()],
                "gain (points)": list(gains.values()),
            }
        ),
        ".1p",
    )
