"""How each shipped model was made: one command a model, `python -m ttclab train NAME`."""

from .loop import train

__all__ = ["train"]
