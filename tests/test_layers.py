"""Imports run downward: a module imports from floors below its own, and no circle is left."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ttclab"
FLOORS = (  # from the ground up; a part of the package that is not named only has to be in no circle
    {
        "answers",
        "bar",
        "data",
        "estimate",
        "files",
        "flops",
        "hardware",
        "hub",
        "lazy",
        "scope",
        "signatures",
        "spreading",
        "stopping",
        "token_stats",
    },
    {"estimators", "tables", "tasks"},
    {"allocator", "ledger", "problems", "solutions"},
    {"policy"},
    {"engine"},
    {"models", "confidence"},
    {"verifiers"},
    {"sampling", "training"},
    {"beam_search", "revision", "live"},
    {"adaptive", "bank"},
    {"results"},
    {"explorables"},
    {"exercises"},
    {"cli"},
    {"__main__"},
)
FLOOR = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imports(module: str) -> set[str]:
    """The modules of the package that a module imports anywhere, except for type checkers alone."""

    def statements(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
                yield child
                yield from statements(child)

    path, found = MODULES[module], set()
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{name.name}" if f"{base}.{name.name}" in MODULES else base for name in node.names}
    return (found & {*MODULES}) - {module, "ttclab"}


GRAPH = {module: imports(module) for module in MODULES}


def part_of(module: str) -> str:
    """The part of the package that a module belongs to: a subpackage, or the module itself."""
    return module.split(".")[1] if "." in module else module


def test_no_circle_of_modules_is_left():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as circle:
        pytest.fail(f"imported in a circle: {' <- '.join(circle.args[1])}")


def test_no_circle_of_subpackages_is_left():
    parts: dict[str, set[str]] = {}
    for module, others in GRAPH.items():
        parts.setdefault(part_of(module), set()).update({part_of(other) for other in others} - {part_of(module)})
    try:
        TopologicalSorter(parts).prepare()
    except CycleError as circle:
        pytest.fail(f"imported in a circle: {' <- '.join(circle.args[1])}")


def test_every_part_imports_from_lower_floors_alone():
    upward = {
        (module, other)
        for module, others in GRAPH.items()
        for other in others
        if part_of(module) != part_of(other)
        and FLOOR.get(part_of(other), -1) >= FLOOR.get(part_of(module), len(FLOORS))
    }
    assert not upward


HEAVY = ("torch", "transformers", "ttclab.engine", "ttclab.models.language_model", "ttclab.models.server")
LIGHT = {
    "a rule": "from ttclab.allocator import lesson_policy; lesson_policy(0.5, 16)",
    "problems": "import ttclab; ttclab.load_problems('test', limit=2)",
    "an exercise": "import ttclab; ttclab.exercises.check",
    "an estimate": "import ttclab; ttclab.estimators.pass_at_k(4, 1, 2)",
    "samples": "from ttclab import bank; bank.load('small', 'test').answers",
    "samples of word problems": "from ttclab import bank; bank.load('smollm2', 'words-test').prompt_tokens",
    "scores": "from ttclab import bank; bank.load_scores('prm', 'small-test')",
    "searches": "from ttclab import bank; bank.load_searches('small', 'prm', 'test', 16, 4).correct()",
}


@pytest.mark.parametrize("use", LIGHT.values(), ids=LIGHT)
def test_rules_problems_and_recorded_runs_need_neither_torch_nor_transformers_nor_the_engine(use):
    code = f"import sys; {use}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


LONGEST = 400  # lines of a module, which a reader takes in from top to bottom


def test_no_module_is_longer_than_a_reader_takes_in():
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert not {name: count for name, count in lines.items() if count > LONGEST}
