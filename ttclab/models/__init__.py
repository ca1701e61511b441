"""Policies: the shipped models, any causal language model, or a model behind a server.

Names are imported on first use, by the list in `__init__.pyi`.
"""

from ..lazy import importer, listed_names

_MODULE_OF, _MODULES = listed_names(__file__)
__all__ = list(_MODULE_OF)
__getattr__ = importer(__name__, _MODULE_OF, _MODULES)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
