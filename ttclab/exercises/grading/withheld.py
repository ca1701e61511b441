"""The package for submissions, without the solutions of the exercises.

The bodies of withheld functions are removed from the source, so that they cannot be found by an alias, another import,
or inspection of source and memory. The exercises, with their checks and references, are replaced by a stub. Data
(models, recorded runs) are links to the files of this package.
"""

import ast
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

from ttclab.exercises import EXERCISES

PACKAGE = Path(__file__).parents[2]
EXERCISES_THERE = {
    "grading/stand_in.py": "__init__.py",
    "grading/__init__.py": "grading/__init__.py",
    "grading/worker.py": "grading/worker.py",
    "reply.py": "reply.py",
}


def write_package(folder: Path) -> None:
    """Write the package into a folder from which it can be imported."""
    for place, source in _sources().items():
        file = folder / PACKAGE.name / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    for data in data_files():
        (folder / PACKAGE.name / data.relative_to(PACKAGE)).symlink_to(data)


@cache
def withheld_names() -> frozenset[str]:
    """Full names of the functions that are removed: withheld by exercises, or references in the package."""
    references = (exercise.reference for exercise in EXERCISES.values())
    own = {f"{reference.__module__}.{reference.__qualname__}" for reference in references}
    named = {name for exercise in EXERCISES.values() for name in exercise.withheld}
    return frozenset(named | {name for name in own if not name.startswith(f"{PACKAGE.name}.exercises.")})


@cache
def _sources() -> dict[str, str]:
    """The source of each module by its path in the package. Raises LookupError if a withheld name does not exist."""
    left, sources = set(withheld_names()), {}
    for file in _walk(PACKAGE):
        if file.suffix != ".py":
            continue
        module = ".".join([PACKAGE.name, *file.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        source = file.read_text(encoding="utf-8")
        if any(name.startswith(f"{module}.") for name in left):
            source, found = without(source, module, left)
            left -= found
        sources[file.relative_to(PACKAGE).as_posix()] = source
    if left:
        raise LookupError(f"exercises withhold what the package does not have: {', '.join(sorted(left))}")
    for name, place in EXERCISES_THERE.items():
        sources[f"exercises/{place}"] = (PACKAGE / "exercises" / name).read_text(encoding="utf-8")
    return sources


@cache
def data_files() -> tuple[Path, ...]:
    """Files of the package other than modules; folders without modules as a whole."""
    return tuple(path for path in _walk(PACKAGE) if path.suffix != ".py")


def _walk(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in ("__pycache__", "exercises"):
            continue
        if (path / "__init__.py").exists():
            yield from _walk(path)
        else:
            yield path


def without(source: str, module: str, names: Collection[str]) -> tuple[str, set[str]]:
    """A module's source in which the named functions ("module.f", "module.Class.f") only raise, and the names found."""
    tree, found = ast.parse(source), set()

    def visit(body: Iterable[ast.stmt], within: str) -> None:
        for node in body:
            name = f"{within}.{getattr(node, 'name', '')}"
            if isinstance(node, ast.ClassDef):
                visit(node.body, name)
            elif isinstance(node, ast.FunctionDef) and name in names:
                found.add(name)
                node.body = ast.parse(f"raise RuntimeError({f'{name} is what an exercise asks you to write'!r})").body
                node.decorator_list = [each for each in node.decorator_list if _changes_kind(each)]

    visit(tree.body, module)
    return ast.unparse(tree) if found else source, found


def _changes_kind(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id in ("classmethod", "staticmethod", "property")
