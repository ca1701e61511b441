"""Policies: the shipped models, any causal language model, or a model behind a server.

Names are imported on first use, by the list in `__init__.pyi`.
"""

from ..lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
