"""Verifiers: they score solutions or their steps, and some say where a solution goes wrong.

Names are imported on first use, by the list in `__init__.pyi`.
"""

from ..lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
