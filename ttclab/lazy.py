"""Packages whose names are imported on first use.

A package lists its public names once, in `__init__.pyi`, which type checkers and editors read too. `__init__.py`
imports by that list, so that nobody waits for torch who asks for a name that does not need it.
"""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

_LINE = re.compile(r"^from (\.+[\w.]*) import (\w+) as \2$", re.MULTILINE)


def listed_names(init: str) -> tuple[dict[str, str], list[str]]:
    """The names in the list beside a package's `__init__.py`: functions and classes with their modules, and modules."""
    lines = _LINE.findall(Path(init).with_name("__init__.pyi").read_text(encoding="utf-8"))
    return {name: module for module, name in lines if module != "."}, [name for module, name in lines if module == "."]


def importer(package: str, module_of: dict[str, str], modules: list[str]) -> Callable[[str], object]:
    """The `__getattr__` of a package."""

    def get(name: str) -> object:
        if name in module_of:
            return getattr(import_module(module_of[name], package), name)
        if name in modules:
            return import_module(f".{name}", package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get


def lazy_names(package: str, init: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package with a list."""
    module_of, modules = listed_names(init)
    return importer(package, module_of, modules), lambda: sorted([*module_of, *modules]), list(module_of)
