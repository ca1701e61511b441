"""Figures of chapter 3: what verifiers tell apart, what they cost, and what searches do with them."""

from collections.abc import Mapping

import pandas as pd

from ..allocator import Arm
from ..estimators import Estimate
from ..results import BUDGETS, beam, best, coverage, vote, weighted
from ..results.exchange import bill
from ..results.families import SHIPPED, each_family, families, of_all
from ..results.seeds import ALL, headline
from ..results.verifiers import auc_by_answer, auc_everywhere
from ..results.wording import by_sign
from . import charts, style
from .charts import series
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
        "weighted\nvote, PRM": series("prm", {N: weighted(N) for N in BUDGETS}),
        "majority\nvote": series("majority", {N: vote(N) for N in BUDGETS}),
    }
    return Drawing(
        charts.curves(lines, xlabel="samples"),
        f"A weighted vote of 16 samples {by_sign(weighted(16).minus(vote(256)))} a majority vote of 256",
        f"The weighted vote of 16 samples solves {weighted(16).solved:.0%}, the majority vote of 256 "
        f"{vote(256).solved:.0%}.",
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
    figure, axes = style.new_axes(height=3.0)
    for aside, (marker, values) in zip((-0.2, 0.2), aucs.values()):  # a marker never hides the other
        places = [place + aside for place in range(len(order))]
        axes.plot([values[name] for name in order], places, marker, color=style.INK, ms=6)
        for name, place in zip(order, places, strict=True):
            axes.annotate(
                f"{values[name]:.3f}", (values[name], place), xytext=(-6, 0), textcoords="offset points",
                ha="right", va="center_baseline", fontsize=8.5,
            )  # fmt: skip
    axes.set_yticks(range(len(order)), [VERIFIERS[name] for name in order])
    axes.set(xlim=(0.80, 1.0), ylim=(len(order) - 0.5, -0.6), xlabel="AUC")
    axes.set_yticks([place + 0.5 for place in range(len(order) - 1)], minor=True)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="y", which="minor", visible=True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", which="both", length=0)
    style.beside(axes, 1, "weighted vote\nof 64 solves", axes.transAxes, va="bottom", size=9)
    for place, name in enumerate(order):
        style.beside(axes, place, f"{solved[name].parts('.0%')[0]}%")
    style.marks(figure, {name: (style.INK, marker) for name, (marker, _) in aucs.items()})
    first, *others = order
    clear = all(weighted(64, first).minus(weighted(64, name)).sign > 0 for name in others)
    no_lower = [name for name in others if all(values[name] >= values[first] for _, values in aucs.values())]
    finding = f"{VERIFIERS[first]} chooses best" if clear else "No verifier clearly chooses best"
    if clear and no_lower:
        finding += f", but the {listed([VERIFIERS[name] for name in no_lower])} has AUCs at least as high"
    return Drawing(
        figure,
        finding,
        "; ".join(
            f"{VERIFIERS[name]}: AUC {auc_everywhere(name):.3f} over all solutions, {auc_by_answer(name):.3f} within a "
            f"problem, and a weighted vote of 64 samples solves {solved[name]:.0%}"
            for name in (first, *no_lower)
        )
        + ".",
        pd.DataFrame(
            {
                "verifier": [VERIFIERS[name] for name in order],
                **{f"AUC {kind}": [f"{values[name]:.3f}" for name in order] for kind, (_, values) in aucs.items()},
                "weighted vote of 16": [weighted(16, name).solved for name in order],
                "weighted vote of 64": [solved[name] for name in order],
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
    """Best-of-N from 1 to 256 samples, by three verifiers, over all seeds."""
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
    figure = charts.curves(lines, xlabel="N of best-of-N", low=0.4)
    return Drawing(
        figure,
        (
            f"From 16 to 256 samples, best-of-N gets worse with the {listed(falling)}"
            + (
                f", and better with the {listed([x for x in rising if names[x]])}"
                if {*rising} - {"perfect verifier"}
                else ""
            )
        )
        if falling
        else "From 16 to 256 samples, best-of-N gets worse with no verifier in all seeds",
        f"With the {worst}, best-of-16 solves {together[worst][16].solved:.0%}, best-of-256 "
        f"{together[worst][256].solved:.0%}.",
        pd.DataFrame({"samples": BUDGETS, **{name: line.values.unstack() for name, line in lines.items()}}),
    )


@drawn(ALL_SEEDS)
def best_against_weighted() -> Drawing:
    """Best-of-256 minus the weighted vote of 256 samples, with a good verifier and a weak one, for each seed."""
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
        charts.dots(rows, xlabel="best-of-256 minus weighted vote, in points", difference=True),
        f"With the weak PRM, best-of-256 loses to the weighted vote for {lost} of {len(poor)} seeds"
        + ("; with the PRM, they tie" if level else ""),
        f"For {seeds_named()[worst]}, best-of-256 minus the weighted vote of 256 is {poor[worst]:.0 points} "
        f"with the weak PRM, and {good[worst]:.0 points} with the PRM.",
        pd.DataFrame(
            {"": seeds_named(), **{f"{label}: best-of-256 minus weighted vote": gains[label] for label in gains}}
        ),
        ".1p",
    )


@drawn(ALL_SEEDS)
def beam_against_samples() -> Drawing:
    """Accuracy against FLOPs of beam search and of weighted votes, with the PRM, over all seeds."""
    places = (4, 8, 16, 32, 64)

    def measured() -> tuple[dict[int, Arm], dict[int, Arm]]:
        return {N: weighted(N) for N in BUDGETS}, {N: beam(N) for N in places}

    def rival_of(search: Arm, votes: Mapping[int, Arm]) -> int:
        """Samples of the largest vote that costs no more than a search."""
        return max(N for N, arm in votes.items() if arm.cost <= search.cost)

    def leads(votes: Mapping[int, Arm], searches: Mapping[int, Arm]) -> dict[int, Estimate]:
        return {N: arm.minus(votes[rival_of(arm, votes)]) for N, arm in searches.items()}

    together = samples, beams = of_all(measured)
    lines = {
        "beam search": series("beam", beams, cost=True),
        "weighted\nvote": series("prm", samples, cost=True),
    }
    rival, gains = rival_of(beams[16], samples), leads(*together)
    signs = {gain.sign for of in (together, *each_family(measured).values()) for gain in leads(*of).values()}
    figure = charts.against_flops(lines, scale=(0.4, 1.0))
    for N, arm, strategy, up in ((16, beams[16], "beam", 9), (rival, samples[rival], "prm", -16)):
        place, colour = (arm.cost, float(arm.correct.mean())), style.COLOURS[strategy]
        figure.axes[0].plot(*place, "o", color=colour, ms=9, mfc="none", mew=1.6)
        figure.axes[0].annotate(f"N={N}", place, xytext=(0, up), textcoords="offset points", ha="center", color=colour)
    return Drawing(
        figure,
        "For the same FLOPs, beam search "
        + (
            f"{by_sign(gains[16])} the weighted vote at every N"
            if len(signs) == 1
            else "beats the weighted vote for some seeds and some N, not for all"
        ),
        f"A beam search of 16 places solves {beams[16].solved:.0%} for {beams[16].cost / 1e6:.0f} million FLOPs per "
        f"problem, a weighted vote of {rival} samples {samples[rival].solved:.0%} for "
        f"{samples[rival].cost / 1e6:.0f} million.",
        pd.DataFrame(
            [
                {
                    "": f"{kind}, N={N}",
                    "solved": arm.solved,
                    "FLOPs per problem": arm.cost,
                    "minus the vote of no more FLOPs": f"{gains[N]:.1 points}" if arms is beams else "",
                }
                for kind, arms in (("beam search", beams), ("weighted vote", samples))
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
        "weighted\nvote": charts.fifths_of("prm", chosen),
        "majority\nvote": charts.fifths_of("majority", voted),
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
                "beam search minus weighted vote": [f"{gain:.1 points}" for gain in gains],
            }
        ),
    )


@drawn(ALL_SEEDS)
def beam_by_verifier() -> Drawing:
    """Beam search minus the weighted vote, by N and by the verifier that both use, over all seeds."""
    compared = [("PRM", 4), ("PRM", 16), ("PRM", 64), ("weak PRM", 4), ("weak PRM", 64)]
    names = [f"{label}, beam search minus weighted, N={N}" for label, N in compared]
    gains = [over_seeds(name) for name in names]
    signs = [headline(name, seed).sign for name in names for seed in families()] + [gain.sign for gain in gains]
    behind = sum(sign < 0 for sign in signs)
    return Drawing(
        charts.dots(
            {
                f"{label}, N={N}": charts.Row("prm", gain, hollow=label != "PRM")
                for (label, N), gain in zip(compared, gains, strict=True)
            },
            xlabel="beam search minus weighted vote, in points",
            difference=True,
            decimals=1,
        ),
        f"With the same N, beam search loses to the weighted vote in {behind} comparisons"
        if behind
        else "With the same N, beam search is a little ahead of the weighted vote, or level with it",
        f"Beam search minus the weighted vote with N=64, over all seeds: {gains[2]:.1 points} with the PRM, "
        f"{gains[4]:.1 points} with the weak PRM.",
        pd.DataFrame(
            [
                {"verifier": label, "N": N, "beam search minus weighted vote": gain}
                for (label, N), gain in zip(compared, gains, strict=True)
            ]
        ),
        ".1p",
    )
