"""Figures of chapter 3: what verifiers tell apart, what they cost, and what searches do with them."""

import pandas as pd

from ..allocator import Arm
from ..estimators import Estimate
from ..results import BUDGETS, beam, best, coverage, vote, weighted
from ..results.exchange import bill
from ..results.families import SHIPPED, each_family, families, of_all
from ..results.seeds import ALL, headline
from ..results.verifiers import auc_by_answer, auc_by_working, auc_everywhere
from ..results.wording import by_sign
from . import charts, style
from .charts import Series, series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .question import PARTS
from .words import listed, times

VERIFIERS = {"prm-large": "PRM 14x", "prm": "PRM", "orm": "ORM", "prm-weak": "weak PRM"}
# All PRMs have the colour of one; their lines differ.
LOOKS: dict[str, dict[str, bool]] = {"prm": {}, "prm-weak": {"dotted": True}}


def seeds_named() -> list[str]:
    """Names of all seeds, that of the shipped models first."""
    return ["seed 0" if name == SHIPPED else f"seed {name}" for name in families()]


def over_seeds(name: str) -> Estimate:
    """A headline number over the problems of all seeds."""
    return headline(name, ALL if len(families()) > 1 else SHIPPED)


def as_much(ratio: float) -> str:
    """A ratio of costs in a sentence: about as much, 11 times as much."""
    return "about as much" if 0.95 <= ratio < 1.05 else f"{times(ratio)} as much"


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
    """Two AUCs of each verifier, in the order of what a vote of 64 samples solves with it."""
    solved = {name: weighted(64, name).solved for name in VERIFIERS}
    order = sorted(VERIFIERS, key=lambda name: -float(solved[name].mean))
    aucs = {
        "over all solutions": ("s", {name: auc_everywhere(name) for name in order}),
        "within a problem": ("o", {name: auc_by_answer(name) for name in order}),
    }
    figure, axes = style.new_axes(height=2.8)
    for aside, (marker, values) in zip((-0.13, 0.13), aucs.values()):  # a marker never hides the other
        places = [place + aside for place in range(len(order))]
        axes.plot([values[name] for name in order], places, marker, color=style.INK, ms=6)
    axes.set_yticks(range(len(order)), [VERIFIERS[name] for name in order])
    axes.set(ylim=(len(order) - 0.5, -0.6), xlabel="AUC")
    axes.grid(axis="y", visible=True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    style.beside(axes, 1, "64 samples\nsolve", axes.transAxes, va="bottom", size=9)
    for place, name in enumerate(order):
        style.beside(axes, place, f"{solved[name].parts('.0%')[0]}%")
    style.marks(figure, {name: (style.INK, marker) for name, (marker, _) in aucs.items()})
    first = order[0]
    highest = {max(order, key=values.__getitem__) for _, values in aucs.values()}
    if highest == {first}:
        finding = f"The {VERIFIERS[first]} has the highest AUC, and chooses best"
    elif first not in highest and len(highest) == 1:
        finding = f"The {VERIFIERS[min(highest)]} has the highest AUC, and yet {VERIFIERS[first]} chooses best"
    else:
        finding = f"The two AUCs do not agree on the best verifier; {VERIFIERS[first]} chooses best"
    return Drawing(
        figure,
        finding,
        "; ".join(
            f"{VERIFIERS[name]}: AUC {auc_everywhere(name):.3f} over all solutions, {auc_by_answer(name):.3f} within a "
            f"problem, and 64 samples solve {solved[name]:.0%}"
            for name in sorted({first, *highest})
        )
        + ".",
        pd.DataFrame(
            {
                "verifier": [VERIFIERS[name] for name in order],
                **{f"AUC {kind}": [f"{values[name]:.3f}" for name in order] for kind, (_, values) in aucs.items()},
                "by working": [f"{auc_by_working(name):.3f}" for name in order],
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
        f"Scoring 16 samples with the PRM costs {as_much(over['PRM'])} as writing them; with PRM 14x, "
        f"{as_much(over['PRM 14x'])}",
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


@drawn(ALL_SEEDS)
def over_optimisation() -> Drawing:
    """The sample with the best score, from 1 to 256, by three verifiers, over all seeds."""
    names = {"perfect verifier": None, "PRM": "prm", "weak PRM": "prm-weak"}

    def arms() -> dict[str, dict[int, Arm]]:
        return {
            label: {N: coverage(N) if name is None else best(N, name) for N in BUDGETS} for label, name in names.items()
        }

    together, apart = of_all(arms), each_family(arms).values()
    lines = {
        label: series("prm" if name else "oracle", together[label], **LOOKS.get(name or "", {}))
        for label, name in names.items()
    }

    def moves(label: str) -> set[int]:
        """Signs of the change from 16 to 256 samples, over all seeds and in each."""
        return {of[label][256].minus(of[label][16]).sign for of in (together, *apart)}

    falling = [label for label in names if moves(label) == {-1}]
    rising = [label for label in names if moves(label) == {1}]
    worst = min(names, key=lambda label: float(together[label][256].minus(together[label][16]).mean))
    figure = charts.curves(lines, xlabel="samples, the best score is taken", low=0.4)
    return Drawing(
        figure,
        (
            f"From 16 to 256 samples, the best score gets worse with the {listed(falling)}"
            + (
                f", and better with the {listed([x for x in rising if names[x]])}"
                if {*rising} - {"perfect verifier"}
                else ""
            )
        )
        if falling
        else "From 16 to 256 samples, no verifier's best score gets worse in all seeds",
        f"With the {worst}, the best of 16 scores solves {together[worst][16].solved:.0%}, the best of 256 "
        f"{together[worst][256].solved:.0%}.",
        pd.DataFrame({"samples": BUDGETS, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


@drawn(ALL_SEEDS)
def best_against_weighted() -> Drawing:
    """The best score minus the weighted vote of 256 samples, with a good verifier and a weak one, for each seed."""
    gains = {
        label: [headline(f"{label}, best-of-256 minus weighted best-of-256", name) for name in families()]
        for label in ("PRM", "weak PRM")
    }
    rows = {
        f"{label}, {seed}": charts.Row("prm", gain, hollow=label != "PRM")
        for label, line in gains.items()
        for seed, gain in zip(seeds_named(), line, strict=True)
    }
    good, poor = gains.values()
    lost, level = sum(gain.sign < 0 for gain in poor), all(gain.sign == 0 for gain in good)
    worst = min(range(len(poor)), key=lambda k: float(poor[k].mean))
    return Drawing(
        charts.dots(rows, xlabel="best score minus weighted vote, in points", difference=True),
        f"With the weak PRM, the best score loses to the weighted vote for {lost} of {len(poor)} seeds"
        + ("; with the PRM, they tie" if level else ""),
        f"For {seeds_named()[worst]}, the best of 256 scores minus the weighted vote is {poor[worst]:.0 points} "
        f"with the weak PRM, and {good[worst]:.0 points} with the PRM.",
        pd.DataFrame({"": seeds_named(), **{f"{label}: best score minus weighted": gains[label] for label in gains}}),
        ".1p",
    )


@drawn(ALL_SEEDS)
def beam_against_samples() -> Drawing:
    """Accuracy against FLOPs of beam search and of weighted best-of-N, with the PRM, over all seeds."""
    samples, beams = of_all(lambda: ({N: weighted(N) for N in BUDGETS}, {N: beam(N) for N in (4, 8, 16, 32, 64)}))
    lines = {
        "beam search": series("beam", beams, cost=True),
        "weighted\nbest-of-N": series("prm", samples, cost=True),
    }
    name = "PRM, beam search, N=16, minus weighted for its FLOPs"
    rival = max(N for N, arm in samples.items() if arm.cost <= beams[16].cost)
    signs = {headline(name, seed).sign for seed in families()} | {over_seeds(name).sign}
    figure = charts.against_flops(lines, scale=(0.4, 1.0))
    for N, arm, strategy, up in ((16, beams[16], "beam", 9), (rival, samples[rival], "prm", -16)):
        place, colour = (arm.cost, float(arm.correct.mean())), style.COLOURS[strategy]
        figure.axes[0].plot(*place, "o", color=colour, ms=9, mfc="none", mew=1.6)
        figure.axes[0].annotate(f"N={N}", place, xytext=(0, up), textcoords="offset points", ha="center", color=colour)
    return Drawing(
        figure,
        "For the same FLOPs, beam search "
        + (
            f"{by_sign(headline(name))} the weighted vote"
            if len(signs) == 1
            else "beats the weighted vote for some seeds, not for all"
        ),
        f"A beam search of 16 places solves {beams[16].solved:.0%} for {beams[16].cost / 1e6:.0f} million FLOPs per "
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
    """Beam search, the weighted vote and a vote with a budget of 16, by fifth of difficulty, over all seeds."""
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
        f"Over all seeds together, search gains most on the {style.SHORT_FIFTHS[most]} fifth"
        if gains[most].sign > 0
        else "In no fifth is search clearly ahead of a weighted vote",
        f"Over all seeds, beam search solves {searched.fifth(4).solved:.0%} of the hardest fifth, "
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
    """Beam search minus weighted best-of-N, by budget and by the verifier that both use, over all seeds."""
    budgets = {"PRM": (4, 16, 64), "weak PRM": (4, 64)}
    names = {label: [f"{label}, beam search minus weighted, N={N}" for N in at] for label, at in budgets.items()}
    lines = {
        label: Series(
            "prm",
            Estimate.stack(over_seeds(name) for name in names[label]),
            at,
            **LOOKS["prm" if label == "PRM" else "prm-weak"],
        )
        for label, at in budgets.items()
    }
    numbers = {label: line.values.unstack() for label, line in lines.items()}
    every = [name for of in names.values() for name in of]
    behind = [name for name in every for seed in families() if headline(name, seed).sign < 0]
    if behind or any(over_seeds(name).sign < 0 for name in every):
        finding = f"With the same N, beam search loses to the weighted vote in {len(behind)} of our comparisons"
    else:
        finding = "With the same N, beam search never loses to the weighted vote, not even with the weak PRM"
    return Drawing(
        charts.gains(lines, xlabel="N of both", ylabel="beam search minus\nweighted vote, points"),
        finding,
        f"Beam search minus weighted best-of-64 over all seeds: {numbers['PRM'][-1]:.0 points} with the PRM, "
        f"{numbers['weak PRM'][-1]:.0 points} with the weak PRM.",
        pd.DataFrame(
            [
                {"verifier": label, "N": N, "beam search minus weighted": gain}
                for label, at in budgets.items()
                for N, gain in zip(at, numbers[label], strict=True)
            ]
        ),
        ".1p",
    )
