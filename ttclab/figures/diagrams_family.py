"""The family tree of the shipped models: who starts from whom, who wrote whose training data, and what each cost."""

import pandas as pd

from ..results.training import data_flops, own_training_flops, training_flops, training_record, zoo_training_flops
from . import style
from .drawing import SEED_0, Drawing, drawn
from .shapes import RIGHT, SMALL, WIDTH, arrow, box, canvas, words
from .style import COLOURS, INK

LAST = 2500  # the step of the large model from which PRM 14x starts
# Each model: what it is, the colour of its box, its column, and its row from the top.
MODELS = {
    "small-plain": ("twin of small", INK, 0, 2.5),
    "small": ("small model", INK, 1, 2.5),
    "small-rl": ("after RL", RIGHT, 2, 0),
    "orm": ("scores solutions", COLOURS["orm"], 2, 1),
    "prm": ("exact labels", COLOURS["prm"], 2, 2),
    "prm-weak": ("stopped early", COLOURS["prm"], 2, 3),
    "prm-exact": ("at step ends", COLOURS["prm"], 2, 4),
    "prm-rollouts": ("rollouts' labels", COLOURS["prm"], 2, 5),
    "large": (f"14x, step {LAST}", COLOURS["large"], 0, 6),
    "prm-large": ("PRM 14x", COLOURS["prm"], 2, 6),
}
LEFT, WIDE, HIGH, ROW = (0.05, 1.75, 3.25), (1.3, 1.15, 1.45), 0.46, 0.57


def relations(name: str) -> tuple[str | None, list[str]]:
    """The model that a model starts from, if any, and the models that wrote its training data."""
    record = training_record(name)
    base = record.get("base")
    return base and base.removesuffix(f"-{LAST}"), list(record.get("writers") or ())


def _own(name: str) -> str:
    """FLOPs of a model's training and of its data, in trillions."""
    return _trillions(own_training_flops(name, LAST if name == "large" else None))


def _trillions(flops: float) -> str:
    return f"{flops / 1e12:.{1 if flops >= 1e13 else 2}f} T"


@drawn(SEED_0)
def family_of_the_models() -> Drawing:
    """Boxes of all models with their training FLOPs; arrows to who starts from them and whose data they wrote."""
    rows = 1 + max(row for *_, row in MODELS.values())
    figure, axes = canvas(ROW * rows + 0.62)

    def corner(name: str) -> tuple[float, float, float]:
        *_, column, row = MODELS[name]
        return LEFT[column], 0.6 + ROW * (rows - 1 - row), WIDE[column]

    for name in MODELS:
        base, writers = relations(name)
        x, y, _ = corner(name)
        for source in dict.fromkeys([base, *writers]):
            if source:
                left, low, wide = corner(source)
                look = "-" if source == base else style.DASHED
                start, bend = (left + wide + 0.02, low + HIGH / 2), {}
                if source != base and low - y > ROW:  # outside the fan of arrows to the models above
                    start, bend = (left + wide / 2, low - 0.02), {"connectionstyle": "angle3,angleA=-90,angleB=0"}
                end = (x - 0.03, y + HIGH * (0.5 if source == base else 0.7))
                arrow(axes, start, end, alpha=0.7, lw=1.1, ls=look, **bend)
    for name, (role, colour, *_) in MODELS.items():
        x, y, wide = corner(name)
        box(axes, x, y, wide, HIGH, "", colour)
        words(axes, x + 0.07, y + 0.32, name, ha="left", weight="bold")
        words(axes, x + 0.07, y + 0.13, role, ha="left", fontsize=SMALL)
        if MODELS[name][2] == 2:
            words(axes, WIDTH - 0.03, y + HIGH / 2, _own(name), ha="right")
        else:
            words(axes, x + wide / 2, y + HIGH + 0.13, _own(name))
    for x, look, text in ((0.05, "-", "grows into"), (1.75, style.DASHED, "writes training data of")):
        arrow(axes, (x, 0.32), (x + 0.42, 0.32), lw=1.1, ls=look)
        words(axes, x + 0.5, 0.32, text, ha="left", fontsize=SMALL)
    words(axes, 0.05, 0.1, "FLOPs of training and of its data; T: trillion (10¹²)", ha="left", fontsize=SMALL)
    grown = [name for name in MODELS if relations(name)[0] == "small"]
    share = own_training_flops("prm-large") / zoo_training_flops()
    return Drawing(
        figure,
        f"One small model is the parent of {len(grown)} others; PRM 14x took {share:.0%} of all training FLOPs",
        f"The small model took {_own('small')} FLOPs and PRM 14x {_own('prm-large')}; all models together took "
        f"{_trillions(zoo_training_flops())}.",
        pd.DataFrame(
            [
                {
                    "model": name,
                    "starts from": relations(name)[0] or "random weights",
                    "data by": ", ".join(relations(name)[1]) or ("itself" if data_flops(name) else "a program"),
                    "its own FLOPs": _own(name),
                    "with those of its ancestors": _trillions(
                        training_flops(name, at=LAST if name == "large" else None)
                    ),
                }
                for name in MODELS
            ]
        ),
    )
