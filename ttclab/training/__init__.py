"""How each shipped model was made: one command a model, `ttclab train NAME`, or a family, `ttclab train --family`."""

from .family import train_family
from .loop import RECIPES, train

__all__ = ["RECIPES", "train", "train_family"]
