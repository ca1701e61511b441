"""Recorded runs: solutions of models and scores of verifiers for every problem of a set, in Parquet files.

Names are imported on first use, by the list in `__init__.pyi`.
"""

from ..lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
