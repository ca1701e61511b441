"""Figures of chapter 3: what verifiers tell apart, what they cost, and what searches do with them."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ..allocator import Arm
from ..estimators import Estimate
from ..results import BUDGETS, beam, best, coverage, vote, weighted
from ..results.exchange import bill
from ..results.families import SHIPPED, each_family, families, of_all
from ..results.seeds import ALL, headline
from ..results.verifiers import auc_by_answer, auc_everywhere, auc_of_pass_rates
from ..results.wording import by_sign
from . import charts, style
from .charts import series
from .drawing import ALL_SEEDS, SEED_0, Drawing, drawn
from .words import listed, times

VERIFIERS = {"prm-large": "PRM 14x", "prm": "PRM", "orm": "ORM", "prm-weak": "weak PRM"}
ONE_SCORE = "one score per problem"
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
    figure = charts.curves(lines, xlabel="samples")
    (axes,) = figure.axes
    places = {
        name: (N, float(arm.correct.mean()))
        for name, N, arm in (("prm", 16, weighted(16)), ("majority", 256, vote(256)))
    }
    axes.plot(*zip(*places.values()), color=style.INK, ls=(0, (2, 2)), lw=1)
    for name, (N, solved) in places.items():
        axes.plot(N, solved, "o", color=style.COLOURS[name], ms=9, mfc="none", mew=1.6)
        axes.annotate(
            f"{solved:.0%}", (N, solved), xytext=(0, -16), textcoords="offset points",
            ha="center" if N < 256 else "right", color=style.COLOURS[name], weight="bold",
        )  # fmt: skip
    return Drawing(
        figure,
        f"A weighted vote of 16 samples {by_sign(weighted(16).minus(vote(256)))} a majority vote of 256",
        f"The weighted vote of 16 samples solves {weighted(16).solved:.0%}, the majority vote of 256 "
        f"{vote(256).solved:.0%}.",
        pd.DataFrame(
            {"samples": BUDGETS, **{name.replace("\n", " "): line.values.unstack() for name, line in lines.items()}}
        ),
    )


@drawn(SEED_0)
def auc_by_verifier() -> Drawing:
    """What a weighted vote of 64 samples solves with each verifier, beside two AUCs of the verifier.

    The last row has scores that cannot choose: all samples of a problem have the share of them that is right.
    """
    solved = {label: weighted(64, name).solved for name, label in VERIFIERS.items()}
    aucs = {
        "over all solutions": ("s", {label: auc_everywhere(name) for name, label in VERIFIERS.items()}),
        "within a problem": ("o", {label: auc_by_answer(name) for name, label in VERIFIERS.items()}),
    }
    first, *others = order = sorted(solved, key=lambda label: -float(solved[label].mean))
    names = {label: name for name, label in VERIFIERS.items()}
    apart = len(order)  # the row of a heading between the verifiers and the thought experiment
    rows = [*order, "", ONE_SCORE]
    clear = all(weighted(64, names[first]).minus(weighted(64, names[label])).sign > 0 for label in others)
    higher = [label for label in others if all(values[label] > values[first] for _, values in aucs.values())]
    compared = (first, *higher) if clear and higher else ()  # their rows have a band
    solved = {label: solved[label] for label in order}
    solved[ONE_SCORE] = vote(64).solved  # samples of equal scores
    for (_, values), same in zip(aucs.values(), (auc_of_pass_rates(), 0.5)):  # a tie counts half
        values[ONE_SCORE] = same
    figure, ((bars, axes),) = style.new_rows(1, 2, height=3.6, sharey=True, width_ratios=(1, 1.9))
    colours = {"ORM": style.COLOURS["orm"], ONE_SCORE: style.COLOURS["majority"]}
    for place, label in enumerate(rows):
        if place == apart:
            continue
        if label in compared:
            for each in (bars, axes):
                each.axhspan(place - 0.5, place + 0.5, color=style.INK, alpha=0.1, lw=0)
        mean = float(solved[label].mean)
        bars.barh(place, mean, 0.5, color=colours.get(label, style.COLOURS["prm"]), alpha=0.85, lw=0)
        bars.annotate(
            f"{mean:.0%}", (mean, place), xytext=(3, 0), textcoords="offset points", va="center_baseline",
            annotation_clip=False,
        )  # fmt: skip
        for aside, (marker, values) in zip((-0.2, 0.2), aucs.values()):  # a marker never hides the other
            x, y = values[label], place + aside
            axes.plot([x], [y], marker, color=style.INK, ms=6)
            side = 1 if x < 0.6 else -1
            axes.annotate(
                f"{x:.3f}", (x, y), xytext=(6 * side, 0), textcoords="offset points",
                ha="left" if side > 0 else "right", va="center_baseline", fontsize=8.5,
            )  # fmt: skip
    style.row_names(bars, [label.replace("one score ", "one score\n") for label in rows])
    bars.set(xlim=(0, 1.35), ylim=(len(rows) - 0.5, -0.5), xticks=[])
    axes.set(xlim=(0.47, 1.02), xlabel="AUC (0.5: chance, 1: perfect)")
    bars.set_xlabel("vote of 64\nsolves")
    axes.set_yticks([place + 0.5 for place in range(apart - 1)], minor=True)
    bars.annotate(
        "Thought experiment, no verifier:", (0, apart), xytext=(-70, -3), textcoords="offset points",
        va="center_baseline", style="italic", annotation_clip=False,
    ).set_in_layout(False)  # fmt: skip
    axes.tick_params(axis="y", which="both", length=0)
    for each in (bars, axes):
        each.grid(axis="y", visible=False)
        each.grid(axis="y", which="minor", visible=True)
        each.spines["left"].set_visible(False)
        each.axhline(apart - 0.5, color=style.INK, lw=1)
    bars.tick_params(axis="y", which="both", length=0)
    style.marks(figure, {f"AUC {name}": (style.INK, marker) for name, (marker, _) in aucs.items()})
    finding = f"{first} chooses best" if clear else "No verifier clearly chooses best"
    if compared:
        finding = f"{first} chooses better than the {listed(higher)}, although neither of its AUCs is higher"
    return Drawing(
        figure,
        finding,
        "; ".join(
            f"{label}: AUC {aucs['over all solutions'][1][label]:.3f} over all solutions, "
            f"{aucs['within a problem'][1][label]:.3f} within a problem, and a weighted vote of 64 samples solves "
            f"{solved[label]:.0%}"
            for label in (first, *higher)
        )
        + ".",
        pd.DataFrame(
            {
                "verifier": list(solved),
                "weighted vote of 64": list(solved.values()),
                **{f"AUC {kind}": [f"{values[label]:.3f}" for label in solved] for kind, (_, values) in aucs.items()},
            }
        ),
    )


@drawn(SEED_0)
def cost_of_verifying() -> Drawing:
    """FLOPs of 16 samples and of scoring them."""
    parts = {"writing 16 samples": style.COLOURS["writing"], "scoring them": style.COLOURS["prm"]}
    bills = {
        "majority vote": bill("small", 16),
        "weighted by\nthe PRM": bill("small", 16, "prm"),
        "weighted by\nPRM 14x": bill("small", 16, "prm-large"),
    }
    bars = {
        name: dict(zip(parts, (paid["reading"] + paid["writing"], paid.get("verifier", 0.0)), strict=True))
        for name, paid in bills.items()
    }
    (writes, _), (_, small), (_, large) = (tuple(bar.values()) for bar in bars.values())
    return Drawing(
        charts.stacked(bars, parts, xlabel="FLOPs per problem"),
        f"The PRM's scores cost {as_much(small / writes)} as the samples; "
        f"with PRM 14x, scores cost {as_much(large / writes)}",
        f"Writing 16 samples takes {writes / 1e6:.0f} million FLOPs, scoring by the PRM {small / 1e6:.0f} million.",
        pd.DataFrame(
            [
                {"": name.replace("\n", " "), **{f"FLOPs, {part}": bar[part] for part in parts}, "solved": solved}
                for (name, bar), solved in zip(
                    bars.items(),
                    (vote(16).solved, weighted(16).solved, weighted(16, "prm-large").solved),
                    strict=True,
                )
            ]
        ),
    )


@drawn(ALL_SEEDS)
def over_optimisation() -> Drawing:
    """Best-of-N and a weighted vote from 1 to 256 samples, by the PRM and by the weak PRM, a line for each seed."""
    rules: dict[str, Callable[[int, str], Arm]] = {"best-of-N": best, "weighted vote": weighted}
    labels = {"PRM": "prm", "weak PRM": "prm-weak"}

    def arms() -> dict[tuple[str, str], dict[int, Arm]]:
        return {
            (rule, label): {N: choose(N, name) for N in BUDGETS}
            for rule, choose in rules.items()
            for label, name in labels.items()
        }

    apart = dict(zip(seeds_named(), each_family(arms).values(), strict=True))
    changes = {
        (rule, label): [of[rule, label][256].minus(of[rule, label][16]) for of in apart.values()]
        for rule in rules
        for label in labels
    }
    figure, (panels,) = style.new_rows(1, 2, height=3.0, sharey=True)
    for axes, rule in zip(panels, rules, strict=True):
        style.budgets(axes, BUDGETS, "samples, N")
        style.shares(axes, 0.4, 0.9, label="problems solved" if axes is panels[0] else "")
        axes.set_title(rule, weight="bold", fontsize=10)
        for label, name in labels.items():
            for of in apart.values():
                line = series("prm", of[rule, label], **LOOKS[name])
                axes.plot(line.at, line.values.mean, color=style.COLOURS["prm"], ls=line.look, lw=1.3)
    ends = [float(np.mean([of["weighted vote", label][256].solved.mean for of in apart.values()])) for label in labels]
    style.name_ends(panels[1], ends, [label.replace(" ", "\n") for label in labels], [style.COLOURS["prm"]] * 2)
    worse = [rule for rule in rules if all(change.sign < 0 for change in changes[rule, "weak PRM"])]
    safe = [rule for rule in rules if all(change.sign >= 0 for change in changes[rule, "weak PRM"])]
    finding = "With the weak PRM, samples beyond 16 make neither choice worse in every seed"
    if worse == ["best-of-N"]:
        weak = [[float(arm.correct.mean()) for arm in of["best-of-N", "weak PRM"].values()] for of in apart.values()]
        peaks = sorted({BUDGETS[int(np.argmax(means))] for means in weak})
        peak = f"{peaks[0]} to {peaks[-1]}" if len(peaks) > 1 else peaks[0]
        finding = f"With the weak PRM, best-of-N is best at {peak} samples and then falls"
        finding += "; the weighted vote does not" if safe else ""
    elif worse:
        finding = f"With the weak PRM, samples beyond 16 make {listed(worse)} worse"
    lost = {rule: min(changes[rule, "weak PRM"], key=lambda change: float(change.mean)) for rule in rules}
    return Drawing(
        figure,
        finding,
        f"With the weak PRM, from 16 to 256 samples, best-of-N changes by {lost['best-of-N']:.0 points} and the "
        f"weighted vote by {lost['weighted vote']:.0 points}, each for the seed where it does worst.",
        pd.DataFrame(
            [
                {
                    "": f"{rule}, {label}, {seed}",
                    **{f"N={N}": f"{arm.solved.mean:.0%}" for N, arm in of[rule, label].items()},
                    "from 16 to 256": f"{change:.1 points}",
                }
                for (rule, label), line in changes.items()
                for (seed, of), change in zip(apart.items(), line, strict=True)
            ]
        ),
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
    figure = charts.against_flops(lines, scale=(0.4, 1.0), bands=False)  # the finding is about differences
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
    """Beam search minus the weighted vote with a budget of 16, by fifth of difficulty, over all seeds."""
    arms = dict(
        zip(("beam search", "weighted vote", "majority vote"), of_all(lambda: (beam(16), weighted(16), vote(16))))
    )
    searched, chosen = arms["beam search"], arms["weighted vote"]
    gains = [searched.minus(chosen, k) for k in range(5)]
    most = max(range(5), key=lambda k: float(gains[k].mean))
    rows = {name: charts.Row("beam", gain) for name, gain in zip(style.SHORT_FIFTHS, gains, strict=True)}
    return Drawing(
        charts.dots(rows, xlabel="beam search minus weighted vote, in points", difference=True, decimals=1),
        f"With 16 places, beam search gains most on the {style.SHORT_FIFTHS[most]} fifth of the problems"
        if gains[most].sign > 0
        else "In no fifth is search clearly ahead of a weighted vote",
        f"Over all seeds, beam search solves {searched.fifth(4).solved:.0%} of the hardest fifth, "
        f"the weighted vote {chosen.fifth(4).solved:.0%}: a difference of {gains[4]:.1 points}.",
        pd.DataFrame(
            {
                "fifth": style.SHORT_FIFTHS,
                **{name: [arm.fifth(k).solved for k in range(5)] for name, arm in arms.items()},
                "beam search minus weighted vote": [f"{gain:.1 points}" for gain in gains],
            }
        ),
    )


@drawn(f"{ALL_SEEDS}. With the weak PRM, N=16 was not measured in all of them")
def beam_by_verifier() -> Drawing:
    """Beam search minus the weighted vote, by N and by the verifier that both use, over all seeds."""
    compared = [("PRM", 4), ("PRM", 16), ("PRM", 64), ("weak PRM", 4), ("weak PRM", 64)]
    names = [f"{label}, beam search minus weighted, N={N}" for label, N in compared]
    gains = [over_seeds(name) for name in names]
    signs = [headline(name, seed).sign for name in names for seed in families()] + [gain.sign for gain in gains]
    behind = sum(sign < 0 for sign in signs)
    return Drawing(
        charts.dots(
            {f"{label}, N={N}": charts.Row("prm", gain) for (label, N), gain in zip(compared, gains, strict=True)},
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
