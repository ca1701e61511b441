"""Figures of chapter 3: what verifiers tell apart, what they cost, and what searches do with them."""

import pandas as pd

from ..estimators import Estimate
from ..results import BUDGETS, beam, best, coverage, vote, weighted
from ..results.exchange import bill
from ..results.families import SHIPPED, families, of_all
from ..results.seeds import ALL, headline
from ..results.verifiers import auc_by_answer, auc_by_working, auc_everywhere
from ..results.wording import by_sign
from . import charts, style
from .charts import Series, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .question import PARTS
from .words import listed, times

VERIFIERS = {
    "prm-large": "PRM 14x",
    "prm": "PRM",
    "orm": "ORM",
    "prm-rollouts": "PRM, rollouts",
    "prm-exact": "PRM, its control",
    "prm-weak": "PRM, weak",
}
# All PRMs have the colour of one; their lines differ.
LOOKS: dict[str, dict[str, bool]] = {"prm-large": {"dashed": True}, "prm": {}, "prm-weak": {"dotted": True}}


def trainings_named() -> list[str]:
    """Names of the trainings of the whole family: that of the shipped models, and the other seeds."""
    return ["seed 0" if name == SHIPPED else f"seed {name}" for name in families()]


def over_trainings(name: str) -> Estimate:
    """A headline number over the problems of all trainings."""
    return headline(name, ALL if len(families()) > 1 else SHIPPED)


@drawn(SEED_0)
def weighted_against_vote() -> Drawing:
    """A vote weighted by the PRM, a plain vote and a perfect verifier, from 1 to 256 samples."""
    lines = {
        "perfect\nverifier": series("oracle", {N: coverage(N) for N in BUDGETS}),
        "weighted\nby the PRM": series("prm", {N: weighted(N) for N in BUDGETS}),
        "vote": series("majority", {N: vote(N) for N in BUDGETS}),
    }
    gain, later = weighted(16).minus(vote(16)), vote(256).minus(vote(64))
    return Drawing(
        charts.curves(lines, xlabel="samples"),
        f"A vote weighted by the PRM {by_sign(gain)} a plain vote"
        + (", which has stopped rising" if later.sign <= 0 else ""),
        f"With 16 samples the weighted vote solves {weighted(16).solved:.0%}, the plain vote {vote(16).solved:.0%}.",
        pd.DataFrame(
            {"samples": BUDGETS, **{name.replace("\n", " "): line.values.unstack() for name, line in lines.items()}}
        ),
    )


@drawn(SEED_0)
def auc_by_verifier() -> Drawing:
    """Three AUCs of each verifier, in the order of what a vote of 64 samples solves with it."""
    solved = {name: weighted(64, name).solved for name in VERIFIERS}
    order = sorted(VERIFIERS, key=lambda name: -float(solved[name].mean))
    aucs = {
        "over all solutions": ("s", [auc_everywhere(name) for name in order]),
        "within a problem,\nby answer": ("o", [auc_by_answer(name) for name in order]),
        "within a problem,\nby working": ("x", [auc_by_working(name) for name in order]),
    }
    figure, axes = style.new_axes(height=3.4)
    for aside, (marker, values) in zip((-0.22, 0, 0.22), aucs.values()):  # a marker never hides another
        axes.plot(values, [place + aside for place in range(len(order))], marker, color=style.INK, ms=6, mew=1.6)
    axes.set_yticks(range(len(order)), [VERIFIERS[name] for name in order])
    axes.set(ylim=(len(order) - 0.5, -0.75), xlabel="AUC")
    axes.grid(axis="y", visible=True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    style.beside(axes, 1, "64 samples\nsolve", axes.transAxes, va="bottom", size=9)
    for place, name in enumerate(order):
        style.beside(axes, place, f"{solved[name].parts('.0%')[0]}%")
    style.marks(figure, {name: (style.INK, marker) for name, (marker, _) in aucs.items()})
    first, highest = order[0], max(order, key=auc_everywhere)
    return Drawing(
        figure,
        "AUC over all solutions does not tell you which verifier chooses best"
        if first != highest
        else "The verifier with the highest AUC over all solutions also chooses best",
        f"With the {VERIFIERS[highest]} the AUC over all solutions is {auc_everywhere(highest):.3f}, and 64 samples "
        f"solve {solved[highest]:.0%}; with the {VERIFIERS[first]} they solve {solved[first]:.0%}, and the AUC is "
        f"{auc_everywhere(first):.3f}.",
        pd.DataFrame(
            {
                "verifier": [VERIFIERS[name] for name in order],
                **{
                    f"AUC {name.replace(chr(10), ' ')}": [f"{value:.3f}" for value in values]
                    for name, (_, values) in aucs.items()
                },
                "16 samples solve": [weighted(16, name).solved for name in order],
                "64 samples solve": [solved[name] for name in order],
            }
        ),
    )


@drawn(SEED_0)
def cost_of_verifying() -> Drawing:
    """FLOPs of 16 samples: reading, writing, and the verifier."""
    bars = {
        "vote": bill("small", 16),
        "PRM": bill("small", 16, "prm"),
        "PRM 14x": bill("small", 16, "prm-large"),
    }
    writes = bars["vote"]["reading"] + bars["vote"]["writing"]
    over = {name: parts["verifier"] / writes for name, parts in bars.items() if "verifier" in parts}
    return Drawing(
        charts.stacked(bars, PARTS, xlabel="FLOPs per problem, 16 samples"),
        f"Scoring 16 samples with the PRM costs {times(over['PRM'])} as much as writing them; with PRM 14x, "
        f"{times(over['PRM 14x'])}",
        f"Writing 16 samples takes {writes / 1e6:.0f} million FLOPs; the PRM reads them for "
        f"{bars['PRM']['verifier'] / 1e6:.0f} million.",
        pd.DataFrame(
            [
                {"": name, **{f"FLOPs, {part}": parts.get(part, 0.0) for part in PARTS}, "solved": solved}
                for (name, parts), solved in zip(
                    bars.items(), (vote(16).solved, weighted(16).solved, weighted(16, "prm-large").solved)
                )
            ]
        ),
    )


@drawn(SEED_0)
def over_optimisation() -> Drawing:
    """The sample with the best score, from 1 to 256, by four verifiers."""
    names = {
        "perfect verifier": ("oracle", None),
        "PRM 14x": ("prm", "prm-large"),
        "PRM": ("prm", "prm"),
        "weak PRM": ("prm", "prm-weak"),
        "noisy oracle": ("noise", "noisy 0.8"),
    }
    lines, falls, rises = {}, {}, []
    for label, (strategy, name) in names.items():
        arms = {N: coverage(N) if name is None else best(N, name) for N in BUDGETS}
        lines[label] = series(strategy, arms, **LOOKS.get(name or "", {"dashed": label == "noisy oracle"}))
        peak = max(BUDGETS, key=lambda N: float(arms[N].correct.mean()))
        falls[label] = (peak, arms[256].minus(arms[peak]))
        rises += [label] if arms[256].minus(arms[4]).sign > 0 else []
    falling = [label for label, (peak, change) in falls.items() if change.sign < 0 and peak < 256]
    worst = min(falls, key=lambda label: float(falls[label][1].mean))
    found = {label: best(256, name).solved for label, (_, name) in names.items() if name}
    figure = charts.curves(lines, xlabel="samples, the best score is taken", low=0.4)
    for label in falling:  # where its fall begins
        peak = falls[label][0]
        height = lines[label].values.mean[BUDGETS.index(peak)]
        figure.axes[0].plot([peak], [height], "o", color=style.COLOURS[lines[label].strategy], ms=5)
    return Drawing(
        figure,
        (
            f"With more samples, the best score gets worse for the {listed(falling)}"
            + (", and better for the others" if rises and len(falling) + len(rises) == len(names) else "")
        )
        if falling
        else "More samples make no verifier's choice clearly worse",
        f"The {worst} is at its best with {falls[worst][0]} samples; with 256 it solves "
        f"{found.get(worst, coverage(256).solved):.0%}, a change of {falls[worst][1]:.0 points}.",
        pd.DataFrame({"samples": BUDGETS, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


@drawn(ALL_SEEDS)
def best_against_weighted() -> Drawing:
    """The best score minus the weighted vote of 256 samples, with a good verifier and a weak one, in each training."""
    gains = {
        label: [headline(f"{label}, best-of-256 minus weighted best-of-256", name) for name in families()]
        for label in ("PRM", "weak PRM")
    }
    rows = {
        f"{label}, {training}": charts.Row("prm", gain, hollow=label != "PRM")
        for label, line in gains.items()
        for training, gain in zip(trainings_named(), line, strict=True)
    }
    good, poor = gains.values()
    lost, level = sum(gain.sign < 0 for gain in poor), all(gain.sign == 0 for gain in good)
    worst = min(range(len(poor)), key=lambda k: float(poor[k].mean))
    return Drawing(
        charts.dots(rows, xlabel="best score minus weighted vote", difference=True),
        f"The weak PRM's best score loses to its weighted vote in {lost} of {len(poor)} trainings"
        + ("; the PRM's ties with it" if level else ""),
        f"With {trainings_named()[worst]}, the best of 256 scores minus the weighted vote is {poor[worst]:.0 points} "
        f"for the weak PRM, and {good[worst]:.0 points} for the PRM.",
        pd.DataFrame(
            {"training": trainings_named(), **{f"{label}: best score minus weighted": gains[label] for label in gains}}
        ),
        ".1p",
    )


@drawn(ALL_SEEDS)
def beam_against_samples() -> Drawing:
    """Accuracy against FLOPs of beam search and of weighted best-of-N, with the PRM."""
    samples = {N: weighted(N) for N in (1, 2, 4, 8, 16, 32, 64, 128, 256)}
    beams = {N: beam(N) for N in (4, 8, 16, 32, 64)}
    lines = {
        "beam search": series("beam", beams, cost=True),
        "weighted\nbest-of-N": series("prm", samples, cost=True),
    }
    name = "PRM, beam search, N=16, minus weighted for its FLOPs"
    rival = max(N for N, arm in samples.items() if arm.cost <= beam(16).cost)
    signs = {headline(name, training).sign for training in families()}
    figure = charts.against_flops(lines, scale=(0.4, 1.0))
    for N, arm, strategy, up in ((16, beam(16), "beam", 9), (rival, samples[rival], "prm", -16)):
        place, colour = (arm.cost, float(arm.correct.mean())), style.COLOURS[strategy]
        figure.axes[0].plot(*place, "o", color=colour, ms=9, mfc="none", mew=1.6)
        figure.axes[0].annotate(f"N={N}", place, xytext=(0, up), textcoords="offset points", ha="center", color=colour)
    return Drawing(
        figure,
        "For the same FLOPs, beam search "
        + (
            f"{by_sign(headline(name))} the weighted vote"
            if len(signs) == 1
            else "beats the weighted vote in some trainings, not in all"
        ),
        f"A beam search of 16 places solves {beam(16).solved:.0%} for {beam(16).cost / 1e6:.0f} million FLOPs per "
        f"problem, a weighted vote of {rival} samples {samples[rival].solved:.0%} for "
        f"{samples[rival].cost / 1e6:.0f} million.",
        pd.DataFrame(
            [
                {"": f"{kind}, N={N}", "solved": arm.solved, "FLOPs per problem": arm.cost}
                for kind, arms in (("beam search", beams), ("weighted", samples))
                for N, arm in arms.items()
            ]
        ),
    )


@drawn(ALL_SEEDS)
def beam_by_fifth() -> Drawing:
    """Beam search, the weighted vote and a vote with a budget of 16, by fifth of difficulty, over all trainings."""
    searched, chosen, voted = of_all(lambda: (beam(16), weighted(16), vote(16)))
    lines = {
        "beam\nsearch": charts.fifths_of("beam", searched),
        "weighted": charts.fifths_of("prm", chosen),
        "vote": charts.fifths_of("majority", voted),
    }
    gains = [searched.minus(chosen, k) for k in range(5)]
    most = max(range(5), key=lambda k: float(gains[k].mean))
    return Drawing(
        charts.by_fifth(lines),
        f"Over all trainings together, search gains most on the {style.SHORT_FIFTHS[most]} fifth"
        if gains[most].sign > 0
        else "In no fifth is search clearly ahead of a weighted vote",
        f"Over {len(families())} trainings, beam search solves {searched.fifth(4).solved:.0%} of the hardest fifth, "
        f"the weighted vote {chosen.fifth(4).solved:.0%}: a difference of {gains[4]:.0 points}.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                **{name.replace("\n", " "): line.values.unstack() for name, line in lines.items()},
                "beam search minus weighted": [f"{gain:.1 points}" for gain in gains],
            }
        ),
    )


@drawn(ALL_SEEDS)
def beam_by_verifier() -> Drawing:
    """Beam search minus weighted best-of-N, by budget and by the verifier that both use, over all trainings."""
    budgets = {"PRM": (4, 16, 64), "weak PRM": (4, 64)}
    names = {label: [f"{label}, beam search minus weighted, N={N}" for N in at] for label, at in budgets.items()}
    lines = {
        label: Series(
            "prm",
            Estimate.stack(over_trainings(name) for name in names[label]),
            at,
            **LOOKS["prm" if label == "PRM" else "prm-weak"],
        )
        for label, at in budgets.items()
    }
    end = {label: line.values.unstack()[-1] for label, line in lines.items()}
    behind = [
        (label, training) for label in names for training in families() if headline(names[label][-1], training).sign < 0
    ]
    numbers = {label: line.values.unstack() for label, line in lines.items()}
    return Drawing(
        charts.gains(lines, xlabel="budget N of both", ylabel="beam minus weighted"),
        "With 64 places, beam search is behind the weighted vote "
        + ("in no training" if not behind else f"in {len(behind)} of {len(names) * len(families())} cases"),
        f"Beam search minus weighted best-of-64 over all trainings: {end['PRM']:.0 points} with the PRM, "
        f"{end['weak PRM']:.0 points} with the weak PRM.",
        pd.DataFrame(
            [
                {"verifier": label, "N": N, "beam search minus weighted": gain}
                for label, at in budgets.items()
                for N, gain in zip(at, numbers[label], strict=True)
            ]
        ),
        ".1p",
    )
