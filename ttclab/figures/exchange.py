"""Figures of chapter 6: the small model, thinking, against one pass of the large one."""

import numpy as np
import pandas as pd

from ..data import DEFAULT_STEP
from ..estimators import Estimate
from ..results import adaptive, beam, coverage, greedy, hybrid, stepwise, training_flops, vote, weighted, winner_map
from ..results.exchange import RATIOS, STEPS, count_cells
from ..results.seeds import SHIPPED, headline, load
from ..results.wording import by_sign
from . import charts, style
from .charts import Series, series
from .drawing import Drawing, drawn
from .words import listed

QUESTIONS = 100_000
BEAMS = (4, 8, 16, 32, 64)
USUAL = DEFAULT_STEP["large"]  # where the large model of chapter 1 stops
MAPS = (STEPS[max(0, STEPS.index(USUAL) - 1)], USUAL, STEPS[-1])  # trainings whose maps are drawn


@drawn
def strategies_against_flops() -> Drawing:
    """Every strategy of the small model against FLOPs, beside the large model's single passes."""
    votes = {N: vote(N) for N in (1, 2, 4, 8, 16, 32, 64, 128)}
    samples = {N: weighted(N) for N in (1, 2, 4, 8, 16, 32, 64)}
    beams = {N: beam(N) for N in BEAMS}
    steps = {T: stepwise(T) for T in (0, 1, 3, 7, 15, 31)}
    oracle = {N: coverage(N) for N in (1, 2, 4, 8, 16, 32)}
    shown = (USUAL, STEPS[-1])
    lines = {
        "perfect verifier": series("oracle", oracle, cost=True),
        "beam search": series("beam", beams, cost=True),
        "step-level revision": series("revision", steps, cost=True),
        "weighted by PRM": series("prm", samples, cost=True),
        "vote": series("majority", votes, cost=True),
    }
    gains = [beam(16).minus(greedy("large", at)) for at in shown]
    figure = charts.against_flops(lines, scale=(0.4, 1.0), height=3.3, bands=False)
    [axes] = figure.axes
    axes.set_xlim(left=8e5)
    for at in shown:  # named on the left, where no curve is as high
        large = greedy("large", at)
        height = float(large.correct.mean())
        axes.axhline(height, color=style.COLOURS["large"], lw=1.2, ls=style.DASHED)
        axes.plot([large.cost], [height], "D", color=style.COLOURS["large"], ms=5)
        axes.annotate(
            f"14x, {at} steps", (0, height), xycoords=axes.get_yaxis_transform(), xytext=(3, 3),
            textcoords="offset points", color=style.COLOURS["large"], fontsize=9,
        )  # fmt: skip
    return Drawing(
        figure,
        f"With thinking, the small model {by_sign(gains[0])} a 14x model trained for {shown[0]} steps and "
        f"{by_sign(gains[1])} one trained for {shown[1]}",
        f"A beam search of 16 places solves {beam(16).solved:.0%}, one pass of the large model "
        f"{greedy('large', shown[0]).solved:.0%} after {shown[0]} steps and {greedy('large', shown[1]).solved:.0%} "
        f"after {shown[1]}.",
        pd.DataFrame(
            [
                {"": name, "solved": arm.solved, "FLOPs per problem": arm.cost, "FLOPs of all training": float(trained)}
                for name, arm, trained in (
                    ("small, one greedy pass", greedy("small"), training_flops("small")),
                    *((f"vote of {N}", votes[N], training_flops("small")) for N in (16, 64)),
                    *((f"weighted best-of-{N}", samples[N], training_flops("small", "prm")) for N in (4, 16, 64)),
                    *((f"beam search, N={N}", beams[N], training_flops("small", "prm")) for N in (4, 16, 64)),
                    *((f"at most {T} restarts", steps[T], training_flops("small", "prm")) for T in (3, 15)),
                    ("adaptive, up to 16 samples", adaptive(16), training_flops("small", "prm")),
                    ("beam search, N=64, PRM 14x", beam(64, "prm-large"), training_flops("small", "prm-large")),
                    ("rewriting, 4 chains of 4", hybrid(4, 3), training_flops("small", "prm")),
                    ("perfect verifier of 16", oracle[16], training_flops("small")),
                    *((f"14x, {at} steps", greedy("large", at), training_flops("large", at=at)) for at in STEPS),
                )
            ]
        ),
    )


@drawn
def winners_by_training() -> Drawing:
    """Who wins by fifth and R at equal FLOPs in all, the verifier given, for three trainings of the large model."""
    maps = {at: winner_map(RATIOS, at, verifier_given=True) for at in MAPS}
    colours = {"small": style.COLOURS["prm"], "large": style.COLOURS["majority"], "no difference": "none"}
    shown = [i for i, R in enumerate(RATIOS) if R < 1e9]  # without training the map is nearly that of the largest R
    columns = [f"{RATIOS[i]:g}" for i in shown]
    rows = [*style.SHORT_FIFTHS, "all"]
    figure, axes = style.new_rows(1, len(MAPS), height=3.1, sharey=True)
    for place, (at, cells) in enumerate(maps.items()):
        panel = axes[0, place]
        for i, j in np.ndindex(len(rows), len(columns)):
            cell = cells[i][shown[j]]
            panel.fill_between([j - 0.46, j + 0.46], i - 0.43, i + 0.43, color=colours[cell.verdict], alpha=0.4, lw=0)
            text = cell.gain.parts(".0p")[0]
            panel.text(j, i, text, ha="center", va="center", fontsize=8.5)
        style.tiles(panel, columns, rows)
        panel.tick_params(labelsize=8.5)
        panel.set_title(f"{at} steps", fontsize=9.5, loc="center")
        panel.axhline(4.5, color=style.INK, lw=0.6)
    figure.supxlabel("R: tokens in use over tokens of training", fontsize=9.5, color=style.INK)
    style.key(figure, {"small wins": (colours["small"], 0.4), "large wins": (colours["large"], 0.4)})
    won = {at: sum(cell.verdict == "small" for row in cells[:5] for cell in row) for at, cells in maps.items()}
    lost = {at: sum(cell.verdict == "large" for row in cells[:5] for cell in row) for at, cells in maps.items()}
    first, last = MAPS[0], MAPS[-1]
    turned = won[first] > lost[first] and won[last] < lost[last]
    return Drawing(
        figure,
        "Who wins changes with how long the opponent was trained"
        if turned
        else "The longer the opponent was trained, the fewer places are left for the small model"
        if won[first] >= won[last]
        else "The small model's places do not become fewer with the opponent's training",
        f"Of {5 * len(RATIOS)} cells the small model wins {won[first]} and the large one {lost[first]} after "
        f"{first} steps; after {last} they win {won[last]} and {lost[last]}.",
        pd.DataFrame(
            [
                {"": f"{at} steps, {name}", **{_rate(R): str(cell) for R, cell in zip(RATIOS, row)}}
                for at, cells in maps.items()
                for name, row in zip((*style.FIFTHS, "all problems"), cells)
            ]
        ),
    )


def _rate(R: float) -> str:
    return f"R = {R:g}" if R < 1e9 else "inference alone"


@drawn
def gains_by_fifth_and_rate() -> Drawing:
    """Small minus large at equal FLOPs in all, by fifth and R, the verifier given, for the large model of chapter 1."""
    at = MAPS[1]
    cells = winner_map(RATIOS, at, verifier_given=True)
    looks = ("oracle", "prm", "revision")
    lines = {
        f"R = {R:g}": Series(looks[i], Estimate.stack(cells[k][i].gain for k in range(5)), range(5))
        for i, R in enumerate(RATIOS[:-1])
    }
    falls = {k: cells[k][0].gain.mean - cells[k][len(RATIOS) - 2].gain.mean for k in range(5)}
    most = max(falls, key=lambda k: float(falls[k]))
    ends = [cells[most][i].gain for i in (0, len(RATIOS) - 2)]
    return Drawing(
        charts.gains(lines, xlabel="fifth of difficulty", ylabel="small minus large", ticks=style.SHORT_FIFTHS),
        f"At equal FLOPs in all a long life favours the large model, most on the {style.SHORT_FIFTHS[most]} fifth"
        if falls[most] > 0
        else "At equal FLOPs in all a long life does not favour the large model",
        f"Small minus large on the {style.SHORT_FIFTHS[most]} fifth is {ends[0]:.0 points} at R = {RATIOS[0]:g} and "
        f"{ends[1]:.0 points} at R = {RATIOS[-2]:g}.",
        pd.DataFrame({"fifth": style.SHORT_FIFTHS, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".0p",
    )


@drawn
def who_pays_for_the_verifier() -> Drawing:
    """Accuracy against all FLOPs, training included, with the verifier's training charged to the small model or not."""
    arms = [weighted(1), weighted(2), *(beam(N) for N in BEAMS)]
    solved = Estimate.stack(arm.solved for arm in arms)
    votes = [vote(N) for N in (1, 2, 4, 8, 16, 32)]

    def total(spent: float, made: int) -> float:
        return made + QUESTIONS * spent

    given, charged = training_flops("small"), training_flops("small", "prm")
    passes = {at: greedy("large", at) for at in STEPS}
    large = [total(arm.cost, training_flops("large", at=at)) for at, arm in passes.items()]
    lines = {
        "verifier given": Series("beam", solved, [total(arm.cost, given) for arm in arms]),
        "verifier trained": Series("prm", solved, [total(arm.cost, charged) for arm in arms]),
        "14x, along\nits training": Series("large", Estimate.stack(arm.solved for arm in passes.values()), large),
        "vote": Series(
            "majority", Estimate.stack(arm.solved for arm in votes), [total(arm.cost, given) for arm in votes]
        ),
    }
    saved = [lines[name].at[4] / large[STEPS.index(USUAL)] for name in ("verifier given", "verifier trained")]
    return Drawing(
        charts.against_flops(lines, scale=(0.4, 1.0), xlabel=f"FLOPs in all, {QUESTIONS:,} questions"),
        "Charged for its verifier's training, the small model costs more in all than the large one"
        if saved[0] < 1 < saved[1]
        else "Even charged for its verifier's training, the small model costs less in all than the large one"
        if saved[1] < 1
        else "Even with its verifier given the small model costs more in all",
        f"A beam of 16 places and {QUESTIONS:,} questions cost {style.amount(lines['verifier given'].at[4])}FLOPs "
        "with the "
        f"verifier given and {style.amount(lines['verifier trained'].at[4])}FLOPs with its training; the large "
        f"model after {USUAL} steps {style.amount(large[STEPS.index(USUAL)])}FLOPs.",
        pd.DataFrame(
            [
                {"": name, "solved": arm.solved, "FLOPs in all": cost}
                for name, arm, cost in (
                    *(
                        (f"beam, N={N}, verifier {kind}", beam(N), total(beam(N).cost, made))
                        for N in (4, 16, 64)
                        for kind, made in (("given", given), ("trained", charged))
                    ),
                    *((f"vote of {N}", vote(N), total(vote(N).cost, given)) for N in (4, 16)),
                    *((f"14x, {at} steps", arm, cost) for (at, arm), cost in zip(passes.items(), large)),
                )
            ]
        ),
    )


@drawn
def cells_won() -> Drawing:
    """Cells of single fifths that the small model and the large one win, the verifier given or its training charged."""
    kinds = {"verifier\ngiven": True, "verifier's\ntraining charged": False}
    counts = {
        name: {verdict: count_cells(verdict, verifier_given=given) for verdict in ("small", "no difference", "large")}
        for name, given in kinds.items()
    }
    colours = {"small": style.COLOURS["prm"], "no difference": "#999999", "large": style.COLOURS["majority"]}
    figure, axes = style.new_axes(height=1.9)
    for place, parts in enumerate(counts.values()):
        left = 0
        for part, size in parts.items():
            axes.barh(place, size, 0.62, left=left, color=colours[part], alpha=0.6, lw=0)
            if size:
                axes.text(left + size / 2, place, str(size), ha="center", va="center")
            left += size
    style.row_names(axes, list(counts))
    axes.set(ylim=(1.5, -0.5), xlabel=f"cells: 5 fifths × {len(RATIOS)} R × {len(STEPS)} checkpoints")
    axes.tick_params(axis="y", length=0)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    style.key(figure, {f"{name} wins" if name != "no difference" else name: (c, 0.6) for name, c in colours.items()})
    given, charged = (parts["small"] for parts in counts.values())
    return Drawing(
        figure,
        "Charge the training of its verifier, and the small model wins "
        + ("next to nothing" if charged <= 0.25 * given else "fewer places" if charged < given else "no fewer places"),
        f"With the verifier given it wins {given} cells, with its training charged {charged}.",
        pd.DataFrame([{"": name.replace("\n", " "), **parts} for name, parts in counts.items()]),
    )


@drawn
def crossing_by_seed() -> Drawing:
    """The small model's beam search minus one pass of the large one along its training, for each trained family."""
    families = [family for family in load() if family != "0"]
    names = {family: "these models" if family == SHIPPED else f"seed {family}" for family in families}
    looks = dict(zip(families, ("beam", "prm", "revision", "oracle", "majority")))
    lines = {
        names[family]: Series(
            looks[family],
            Estimate.stack(headline(f"PRM, beam search, N=16, minus large at step {at}", family) for at in STEPS),
            range(len(STEPS)),
        )
        for family in families
    }
    falling = all(line.values.mean[0] > line.values.mean[-1] for line in lines.values())
    starts, ends = ({name: line.values.unstack()[i] for name, line in lines.items()} for i in (0, -1))
    crossing = [name for name in lines if starts[name].sign > 0 > ends[name].sign]
    return Drawing(
        charts.gains(
            lines,
            xlabel="steps of training the large model",
            ylabel="small minus large",
            ticks=[str(at) for at in STEPS],
        ),
        ("Longer training helps the large model in every family" if falling else "The families disagree")
        + ("; the crossing point differs" if 0 < len(crossing) < len(lines) or len(crossing) > 1 else ""),
        f"Small minus large goes from {starts['these models']:.0 points} to {ends['these models']:.0 points} for "
        "these models, "
        + listed([f"to {ends[name]:.0 points} for {name}" for name in lines if name != "these models"])
        + ".",
        pd.DataFrame({"steps": STEPS, **{name: line.values.unstack() for name, line in lines.items()}}),
        ".0p",
    )
