"""Figures of chapter 8: a real language model, and the claims."""

import numpy as np
import pandas as pd

from ..estimators import Estimate
from ..results import WORD_BUDGETS, coverage, vote, weighted
from ..results.claims import HOLDS, NOT_SEEN, REVERSED, UNDECIDED, load_claims
from ..results.wording import by_sign
from ..results.words import (
    of_operations,
    share_found,
    sums_likeliest,
    word_auc,
    word_auc_within,
    word_chosen,
    word_count,
    word_coverage,
    word_prompt_tokens,
    word_tokens,
    word_vote,
)
from . import charts, style
from .charts import Row, Series, series
from .drawing import ALL_SEEDS, Drawing, drawn
from .words import listed

SMOLLM2 = "SmolLM2-135M-Instruct on 100 word problems"
BOTH = "Sums: seed 0. Word problems: SmolLM2-135M-Instruct, 100 problems"
CHOICES = {"working": "working", "likelihood": "likelihood", "asked": "asked"}  # as the chapter's list names them


@drawn(SMOLLM2)
def words_coverage_and_vote() -> Drawing:
    """Coverage and a vote of SmolLM2 on word problems."""
    lines = {
        "at least one\nis right": series("oracle", {N: word_coverage(N) for N in WORD_BUDGETS}),
        "vote": series("majority", {N: word_vote(N) for N in WORD_BUDGETS}),
    }
    rises, gap = word_coverage(16).minus(word_coverage(1)), word_coverage(16).minus(word_vote(16))
    figure = charts.curves(lines, xlabel="samples of SmolLM2", high=0.8)
    figure.axes[0].set_ylabel("share of problems")
    return Drawing(
        figure,
        f"On a real language model coverage {by_sign(rises, 'rises', 'does not rise', 'falls')} with samples; at 16 "
        f"the vote is {by_sign(gap, 'far below' if gap.low > 0.1 else 'below', 'level', 'above')}",
        f"With 16 samples at least one is right on {word_coverage(16).solved:.0%}, the vote solves "
        f"{word_vote(16).solved:.0%}.",
        pd.DataFrame(
            {
                "samples": WORD_BUDGETS,
                **{name.replace("\n", " "): line.values.unstack() for name, line in lines.items()},
            }
        ),
    )


@drawn(BOTH)
def two_models_one_gap() -> Drawing:
    """One sample, a vote of 16 and coverage of 16, for the tiny model and for SmolLM2."""
    models = {
        "small model,\nsums": (coverage(1), vote(16), coverage(16)),
        "SmolLM2,\nword problems": (word_coverage(1), word_vote(16), word_coverage(16)),
    }
    kinds = (("one sample", "single"), ("vote of 16", "majority"), ("at least one of 16 is right", "oracle"))
    figure, axes = style.new_axes(height=2.0)
    for place, arms in enumerate(models.values()):
        means = [float(arm.correct.mean()) for arm in arms]
        axes.plot([means[1], means[2]], [place, place], color=style.INK, alpha=0.3, lw=5, solid_capstyle="butt")
        axes.annotate("the gap", (means[2], place), xytext=(0, 4), textcoords="offset points", ha="right", va="bottom")
        for aside, arm, (_, strategy) in zip((-0.16, 0, 0.16), arms, kinds):
            value = arm.solved
            errors = [[value.mean - value.low], [value.high - value.mean]]
            colour = style.COLOURS[strategy]
            axes.errorbar([value.mean], [place + aside], xerr=errors, color=colour, marker="o", ms=5.5, lw=1.6)
    style.row_names(axes, list(models))
    axes.set(ylim=(1.5, -0.5), xlim=(0, 1.02), xlabel="share of problems")
    axes.xaxis.set_major_formatter(style.PERCENT)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    style.marks(figure, {name: (style.COLOURS[strategy], "o") for name, strategy in kinds})
    found = [share_found(arms[1], arms[2]) for arms in models.values()]
    gaps = [arms[2].minus(arms[1]) for arms in models.values()]
    return Drawing(
        figure,
        "Both models write right answers that a vote does not find"
        if all(gap.sign > 0 for gap in gaps)
        else "The gap between coverage and the vote is not there in both models",
        f"Of what 16 samples cover, a vote finds {found[0]:.0%} on the sums and {found[1]:.0%} on the word problems.",
        pd.DataFrame(
            {
                "": [name.replace("\n", " ") for name in models],
                **{name: [arms[i].solved for arms in models.values()] for i, (name, _) in enumerate(kinds)},
                "of what is covered, the vote finds": [f"{share:.0%}" for share in found],
            }
        ),
    )


@drawn(BOTH)
def words_verifiers() -> Drawing:
    """What verifiers gain over a vote of 16: on the sums the PRM and likelihood, on SmolLM2 three cheap ones."""
    trained, cheap = weighted(16).minus(vote(16)), sums_likeliest(16).minus(vote(16))
    real = {name: word_chosen(16, name).minus(word_vote(16)) for name in CHOICES}
    rows = {
        "sums: PRM, trained": Row("prm", trained),
        "sums: likelihood": Row("orm", cheap),
        **{f"SmolLM2: {CHOICES[name]}": Row("orm", gain) for name, gain in real.items()},
    }
    helpful = sum(gain.sign > 0 for gain in real.values())
    apart = weighted(16).minus(sums_likeliest(16))
    ahead = {0: "no cheap verifier is", 1: "one cheap verifier is"}.get(helpful, f"{helpful} cheap verifiers are")
    return Drawing(
        charts.dots(rows, xlabel="points above a vote of 16", difference=True),
        f"On the sums a trained verifier {by_sign(apart, 'beats', 'ties with', 'loses to')} a cheap one; on SmolLM2 "
        f"{ahead} ahead of the vote",
        f"Minus the vote on the sums: {trained:.0 points} for the PRM, {cheap:.0 points} for likelihood; on SmolLM2, "
        f"weighting by the working: {real['working']:.0 points}.",
        pd.DataFrame(
            {
                "SmolLM2's verifier": list(CHOICES.values()),
                "AUC, all solutions": [f"{word_auc(v):.2f}" for v in CHOICES],
                "AUC within a problem": [f"{word_auc_within(v):.2f}" for v in CHOICES],
                "16 samples solve": [word_chosen(16, v).solved for v in CHOICES],
                "minus the vote (points)": list(real.values()),
            }
        ),
        {"16 samples solve": ".0%", "minus the vote (points)": ".0p"},
    )


@drawn(SMOLLM2)
def words_by_operations() -> Drawing:
    """One sample, a vote of 16 and coverage of 16 of SmolLM2, by the steps a problem takes."""
    counts = (1, 2, 3)
    lines = {
        "at least one of\n16 is right": ("oracle", word_coverage(16)),
        "vote of 16": ("majority", word_vote(16)),
        "one sample": ("single", word_coverage(1)),
    }
    figure, axes = style.new_axes()
    style.shares(axes)
    drawings = {
        name: Series(strategy, Estimate.stack(of_operations(arm, k).solved for k in counts), range(3))
        for name, (strategy, arm) in lines.items()
    }
    for i, line in enumerate(drawings.values()):
        errors = [line.values.mean - line.values.low, line.values.high - line.values.mean]
        at = [place + 0.05 * (i - 1) for place in range(3)]
        axes.errorbar(at, line.values.mean, errors, color=style.COLOURS[line.strategy], marker="o", ms=4, lw=1.5)
    style.name_ends(
        axes, [float(line.values.mean[-1]) for line in drawings.values()], list(drawings),
        [style.COLOURS[line.strategy] for line in drawings.values()],
    )  # fmt: skip
    axes.set_xticks(
        range(3), [f"{name}\n{word_count(of=k)} problems" for name, k in zip(("one", "two", "three"), counts)]
    )
    axes.set_xlabel("steps that a problem takes")
    found = [share_found(of_operations(word_vote(16), k), of_operations(word_coverage(16), k)) for k in counts]
    top = [f"{of_operations(word_coverage(16), k).correct.mean():.0%}" for k in counts]
    rarer = np.all(np.diff(drawings["at least one of\n16 is right"].values.mean) < 0)
    return Drawing(
        figure,
        f"Right answers get rarer with more steps: at least one of 16 is right on {listed(top)} of the problems"
        if rarer
        else f"At least one of 16 is right on {listed(top)} of the problems of one, two and three steps",
        f"On problems of two steps at least one of 16 is right on {of_operations(word_coverage(16), 2).solved:.0%}, "
        f"the vote on {of_operations(word_vote(16), 2).solved:.0%}.",
        pd.DataFrame(
            {
                "steps": ["one", "two", "three"],
                "problems": [word_count(of=k) for k in counts],
                **{name.replace("\n", " "): line.values.unstack() for name, line in drawings.items()},
                "of what is covered, the vote finds": [f"{share:.0%}" for share in found],
            }
        ),
    )


@drawn(SMOLLM2)
def price_of_a_long_prompt() -> Drawing:
    """What 1 and 16 samples of SmolLM2 cost: reading a long prompt, writing short answers."""
    writing = word_vote(2).cost - word_vote(1).cost
    reading = word_vote(1).cost - writing
    bars = {f"{n} sample{'s' if n > 1 else ''}": {"reading": reading, "writing": n * writing} for n in (1, 4, 16)}
    colours = {part: style.COLOURS[part] for part in ("reading", "writing")}
    ratio = word_vote(16).cost / word_vote(1).cost
    return Drawing(
        charts.stacked(bars, colours, xlabel="FLOPs per problem"),
        f"After a long prompt the next sample is cheap: 16 of SmolLM2 cost {ratio:.1f} times as much as one"
        if ratio < 8
        else f"Sixteen samples cost {ratio:.1f} times as much as one",
        f"The prompt has {word_prompt_tokens():.0f} tokens, an answer {word_tokens():.0f}.",
        pd.DataFrame(
            [{"": name, **{f"FLOPs, {part}": x for part, x in parts.items()}} for name, parts in bars.items()]
        ),
    )


@drawn(ALL_SEEDS)
def claims_and_evidence() -> Drawing:
    """Every claim of the lesson, the paper and later papers, by what our runs say of it."""
    looks = {
        HOLDS: ("oracle", "o"), REVERSED: ("revision", "X"), NOT_SEEN: ("single", "s"), UNDECIDED: ("orm", "D"),
    }  # fmt: skip
    claims = [(claim, claim.check().verdict) for claim in load_claims()]
    sources = {"lesson": "the lesson", "paper": "the paper", "later": "a later paper"}
    totals = {source: sum(c.source == source for c, _ in claims) for source in sources}
    counts = {
        (source, v): sum(c.source == source and found == v for c, found in claims) for source in sources for v in looks
    }
    figure, axes = style.new_axes(height=2.1)
    for row, source in enumerate(sources):
        place = 0.0
        for verdict, (strategy, marker) in looks.items():
            many = counts[source, verdict]
            at = [place + i for i in range(many)]
            axes.plot(at, [row] * many, marker, color=style.COLOURS[strategy], ms=9, alpha=0.9, ls="")
            place += many + (0.7 if many else 0)
    style.marks(figure, {verdict: (style.COLOURS[strategy], marker) for verdict, (strategy, marker) in looks.items()})
    style.row_names(
        axes, [f"{name}\n{totals[source]} claim{'s' * (totals[source] != 1)}" for source, name in sources.items()]
    )
    axes.set(ylim=(len(sources) - 0.5, -0.5), xlim=(-0.6, max(totals.values()) + 0.7 * (len(looks) - 1)))
    axes.set_xticks([])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    held = {source: counts[source, HOLDS] for source in sources}
    return Drawing(
        figure,
        f"{held['lesson']} of the lesson's {totals['lesson']} claims and {held['paper']} of the paper's "
        f"{totals['paper']} hold in our runs",
        f"Of these {totals['lesson'] + totals['paper']} claims "
        + listed([f"{counts['lesson', v] + counts['paper', v]} are {v}" for v in (REVERSED, NOT_SEEN, UNDECIDED)])
        + ".",
        pd.DataFrame(
            [{"claim": claim.says, "made by": sources[claim.source], "our runs": found} for claim, found in claims]
        ),
    )
