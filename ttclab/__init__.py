"""Test-time compute, measured: sampling, verifiers, search and allocation for language models.

Public names are imported on first use: `import ttclab` waits for neither torch nor transformers. Their one list is
`__init__.pyi`, which type checkers and editors read too.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_LINES = re.findall(
    r"^from \.(\w*) import (\w+) as \2$",
    Path(__file__).with_name("__init__.pyi").read_text(encoding="utf-8"),
    re.MULTILINE,
)
_MODULES = [name for module, name in _LINES if not module]
_MODULE_OF = {name: module for module, name in _LINES if module}
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'ttclab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
