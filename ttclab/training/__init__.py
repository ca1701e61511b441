"""How each shipped model was made: one command a model, `ttclab train NAME`."""

from .loop import RECIPES, train

__all__ = ["RECIPES", "train"]
