"""Figures of chapter 4: rewriting an attempt, and restarting at its first doubtful step."""

from itertools import pairwise

import pandas as pd

from ..estimators import Estimate
from ..results import accepted_wrong as accepted
from ..results import (
    attempt,
    attempt_gain,
    beam,
    critic_gain,
    gain,
    greedy,
    hybrid,
    stepwise,
    weighted,
)
from ..results import rejected_right as rejected
from ..results.revision import (
    after_revision,
    before_revision,
    one_of_control,
    revisions_with,
    same_wrong_answer,
    turned_right,
    turned_wrong,
    turned_wrong_with,
)
from ..results.wording import by_sign
from . import charts, style
from .charts import Row, Series, series
from .drawing import Drawing, drawn
from .words import listed, times

BLOCKS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64))
ATTEMPTS = (1, 2, 4, 8, 16, 32, 64)
REVISIONS = (0, 1, 3, 7, 15, 31)
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)


@drawn
def along_the_chain() -> Drawing:
    """Attempts of a chain minus its first attempt, and one sample of the control, which never rewrites, minus it."""
    gains = [attempt_gain(*block) for block in BLOCKS[1:]]
    control = one_of_control().minus(before_revision())
    names = [str(a) if a == b else f"{a} to {b}" for a, b in BLOCKS]
    lines = {
        "rewrites": Series("revision", Estimate.stack(gains), range(len(gains))),
        "control,\n1 sample": Series("single", Estimate.stack([control] * len(gains)), range(len(gains)), dashed=True),
    }
    figure, axes = style.new_axes()
    charts.draw(axes, {"": lines["control,\n1 sample"]})
    errors = [[float(gain.mean - gain.low) for gain in gains], [float(gain.high - gain.mean) for gain in gains]]
    means = [float(gain.mean) for gain in gains]
    axes.errorbar(range(len(gains)), means, errors, color=style.COLOURS["revision"], marker="o", ms=4, lw=1.5)
    axes.set_xticks(range(len(gains)), [name.replace(" to ", "–") for name in names[1:]])
    axes.set_xlabel("attempt")
    style.points(axes, "minus the first attempt")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) - 0.002)
    style.name_ends(
        axes, [means[-1], float(control.mean)], list(lines), [style.COLOURS[line.strategy] for line in lines.values()]
    )
    first, late = gains[0], attempt(33, 64).minus(attempt(2))
    beside = attempt(2).minus(one_of_control())
    return Drawing(
        figure,
        f"The first rewrite {by_sign(first, 'gains', 'changes little', 'loses')}, "
        f"{by_sign(late, 'later ones gain more', 'later ones add nothing', 'later ones lose')}; one sample of a model "
        f"that never rewrites {by_sign(beside, 'does worse', 'does as well', 'does better')}",
        f"The second attempt minus the first is {first:.1 points}, attempts 33 to 64 minus the first of their chains "
        f"{gains[-1]:.1 points}, one sample of the control minus the first {control:.1 points}.",
        pd.DataFrame(
            {
                "attempt": [*names, "control, one sample"],
                "right": [*(attempt(*block).solved for block in BLOCKS), one_of_control().solved],
                "minus the first of its chain (points)": ["", *gains, control],
            }
        ),
        {"right": ".1%", "minus the first of its chain (points)": ".1p"},
    )


@drawn
def revision_against_fresh_sample() -> Drawing:
    """What a revision turns right and wrong, and what a fresh sample of the control would."""
    facts = {
        "of wrong attempts:\nturned right": (turned_right(), turned_right(fresh=True)),
        "of right attempts:\nturned wrong": (turned_wrong(), turned_wrong(fresh=True)),
        "of wrong attempts:\nsame answer again": (same_wrong_answer(), same_wrong_answer(fresh=True)),
    }
    figure, axes = style.new_axes(height=2.5)
    for place, pair in enumerate(facts.values()):
        for aside, (strategy, value) in zip((-0.14, 0.14), zip(("revision", "single"), pair)):
            errors = [[value.mean - value.low], [value.high - value.mean]]
            colour = style.COLOURS[strategy]
            axes.errorbar([value.mean], [place + aside], xerr=errors, color=colour, marker="o", ms=5.5, lw=1.6)
    style.row_names(axes, list(facts))
    axes.set(ylim=(len(facts) - 0.5, -0.5), xlim=(0, None), xlabel="share")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    style.marks(
        figure, {"a rewrite": (style.COLOURS["revision"], "o"), "a fresh sample": (style.COLOURS["single"], "o")}
    )
    apart = [
        name.replace("\n", " ") for name, (one, other) in facts.items() if one.low > other.high or one.high < other.low
    ]
    return Drawing(
        figure,
        "A rewrite is no better than a new draw"
        if not apart
        else f"A rewrite is not a new draw: they differ in “{apart[0]}”",
        f"A rewrite turns {turned_wrong():.1%} of right answers wrong, a fresh sample would turn "
        f"{turned_wrong(fresh=True):.1%}.",
        pd.DataFrame(
            {
                "first attempts": [name.replace("\n", " ") for name in facts],
                "a rewrite": [pair[0] for pair in facts.values()],
                "a fresh sample of the control": [pair[1] for pair in facts.values()],
            }
        ),
        ".1%",
    )


@drawn
def revision_by_fifth() -> Drawing:
    """The first attempt and the first revision in each fifth of difficulty."""
    lines = {
        "rewrite": charts.fifths_of("revision", after_revision()),
        "first\nattempt": charts.fifths_of("single", before_revision()),
    }
    hard = after_revision().minus(before_revision(), 4)
    return Drawing(
        charts.by_fifth(lines, low=max(0.0, float(lines["first\nattempt"].values.low.min()) // 0.1 * 0.1)),
        f"On the hardest fifth the first rewrite {by_sign(hard, 'gains', 'makes no clear difference', 'loses')}"
        + (
            "; elsewhere there is little left to gain"
            if float(before_revision().fifth(0, 1, 2, 3).correct.mean()) > 0.9
            else ""
        ),
        f"On the hardest fifth rewrite minus first attempt is {hard:.1 points}; {turned_wrong(4):.0%} of right "
        "answers are turned wrong there.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                "first attempt": lines["first\nattempt"].values.unstack(),
                "revision, minus it (points)": [after_revision().minus(before_revision(), k) for k in range(5)],
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


@drawn
def feedback_on_attempts() -> Drawing:
    """What comments on the newest attempt change: rewrites 1 to 7 with each critic, minus those without."""
    critics = {"told by an oracle": "oracle", "told by the PRM": "prm", "told by itself": "self"}
    strategies = {"oracle": "oracle", "prm": "prm", "self": "single"}
    gains = {name: revisions_with(v).minus(revisions_with()) for name, v in critics.items()}
    rows = {name: Row(strategies[critics[name]], value) for name, value in gains.items()}
    helpful = [name for name, value in gains.items() if value.sign > 0]
    return Drawing(
        charts.dots(rows, xlabel="right, minus without a comment (points)", difference=True, decimals=1),
        "Being told what is wrong does not help"
        if not helpful
        else f"Feedback helps when the model is {' or '.join(helpful)}",
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


@drawn
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


@drawn
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
    clear = [f"{m} × {n}" for (m, n), gap in zip(ways[1:], gaps) if gap.sign]
    return Drawing(
        charts.shaded(lines, xlabel="chains × attempts in each", ticks=[f"{m}×{n}" for m, n in ways]),
        f"How {attempts} attempts are split makes no clear difference, not even where it is hard"
        if not clear
        else f"On the hardest fifth the split of {attempts} attempts matters: {clear[0]} differs from {attempts} × 1",
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


@drawn
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


@drawn
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


@drawn
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
    harms, helps = [q for q, x in zip(QUALITIES, repeat) if x.sign < 0], all(x.sign > 0 for x in anew)
    return Drawing(
        charts.gains(
            lines, xlabel="AUC of the critic", ylabel="gain of restarting", ticks=[f"{q:g}" for q in QUALITIES]
        ),
        "A poor critic whose errors repeat does harm"
        + ("; one whose errors are drawn anew still helps" if helps else "")
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


@drawn
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
