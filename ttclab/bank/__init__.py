"""Recorded runs: what models wrote to every problem of a set, and what verifiers said of it, in Parquet files.

Names are imported on first use, by the list in `__init__.pyi`.
"""

from ..lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
