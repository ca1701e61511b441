"""The figure of the page on confidence."""

import pandas as pd

from ..results.confidence import confidence_auc
from . import style
from .drawing import SEED_0, Drawing, drawn
from .words import listed

CONFIDENCE = {  # measures of confidence by their names on the page
    "self-certainty": "self-certainty",
    "tail entropy": "tail-entropy",
    "lowest group confidence": "lowest-group-confidence",
    "mean log-probability": "mean-logprob",
}


@drawn(SEED_0)
def confidence_within_a_problem() -> Drawing:
    """How well measures of confidence, and the PRM, rank right samples above wrong ones of the same problem."""
    aucs = {name: confidence_auc(measure) for name, measure in CONFIDENCE.items()}
    rows = {**aucs, "PRM, for comparison": confidence_auc("prm")}
    figure, axes = style.new_axes(height=2.4)
    for place, (name, value) in enumerate(rows.items()):
        colour = style.INK if name in aucs else style.COLOURS["prm"]
        errors = [[value.mean - value.low], [value.high - value.mean]]
        axes.errorbar([value.mean], [place], xerr=errors, color=colour, marker="o", ms=5.5, lw=1.6)
        axes.annotate(
            f"{float(value.mean):.2f}", (1, place), xycoords=axes.get_yaxis_transform(), xytext=(4, 0),
            textcoords="offset points", va="center", color=colour, annotation_clip=False,
        )  # fmt: skip
    style.row_names(axes, [name.replace(" confidence", "\nconfidence").replace(", ", ",\n") for name in rows])
    axes.axvline(0.5, color=style.INK, lw=1, ls=style.DASHED)
    axes.set(xlim=(0.45, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="AUC within a problem (0.5 is chance)")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    useful = [name for name, auc in aucs.items() if auc.low > 0.6]
    return Drawing(
        figure,
        (
            f"Of four measures of confidence, only the {useful[0]} is much better than chance"
            if len(useful) == 1
            else f"Much better than chance within a problem: {listed(useful)}"
            if useful
            else "No measure of confidence is much better than chance within a problem"
        ),
        f"The AUC within a problem of self-certainty is {aucs['self-certainty']:.2f}, of the mean log-probability "
        f"{aucs['mean log-probability']:.2f}, and of the PRM {rows['PRM, for comparison']:.2f}.",
        pd.DataFrame({"": list(rows), "AUC within a problem": list(rows.values())}),
        ".2f",
    )
