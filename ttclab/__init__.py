"""Test-time compute, measured: sampling, verifiers, search and allocation for language models.

Public names are imported on first use: `import ttclab` waits for neither torch nor transformers. Their one list is
`__init__.pyi`, which type checkers and editors read too.
"""

from .lazy import importer, listed_names

__version__ = "0.1.0"

_MODULE_OF, _MODULES = listed_names(__file__)
__all__ = list(_MODULE_OF)
__getattr__ = importer(__name__, _MODULE_OF, _MODULES)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
