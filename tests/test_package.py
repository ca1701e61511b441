import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import ttclab

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ttclab.__all__)
def test_a_public_name_stays_what_it_is_when_its_module_is_imported(name):
    before = getattr(ttclab, name)
    for module in ttclab._MODULES:
        import_module(f"ttclab.{module}")
    assert getattr(ttclab, name) is before and callable(before)


def test_every_module_is_reached_from_the_package():
    for name in ttclab._MODULES:
        assert getattr(ttclab, name) is sys.modules[f"ttclab.{name}"]


def test_an_unknown_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="has no attribute 'beam'"):
        ttclab.beam  # noqa: B018


@pytest.mark.parametrize(
    "use", ["ttclab.exercises.check", "ttclab.allocator.lesson_policy", "ttclab.estimators.pass_at_k"]
)
def test_what_needs_no_model_waits_for_neither_torch_nor_transformers(use):
    code = f"import sys, ttclab; {use}; assert not {{'torch', 'transformers'}} & {{*sys.modules}}"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_function_has_more_than_eight_parameters():
    for path in (ROOT / "ttclab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                names = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
                assert len(names) <= 8, f"{path.relative_to(ROOT)}: {node.name}{tuple(names)}"


def test_no_public_function_returns_any():
    for path in [*(ROOT / "ttclab").rglob("*.py"), *(ROOT / "book" / "_ext").glob("*.py")]:
        module = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in module.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        for node in (node for owner in (module, *classes) for node in owner.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                assert node.returns is not None, f"{path.relative_to(ROOT)}: {node.name}"
                returned = {name.id for name in ast.walk(node.returns) if isinstance(name, ast.Name)}
                assert "Any" not in returned, f"{path.relative_to(ROOT)}: {node.name}"


def test_every_module_of_the_package_is_in_the_one_list():
    folder = Path(ttclab.__file__).parent
    there = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    internal = {"__init__", "__main__", "bar", "cli", "lazy"}
    assert {*ttclab._MODULES} == there - internal


TYPED = """
import ttclab
reveal_type(ttclab.load_problems)
reveal_type(ttclab.allocator.lesson_policy)
ttclab.lode
"""


def test_type_checkers_find_the_types(tmp_path):
    (tmp_path / "use.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", str(tmp_path / "use.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert "-> list[" in done.stdout.replace("builtins.", "") and "Allocation" in done.stdout, done.stdout
    assert 'Module has no attribute "lode"' in done.stdout
    assert (ROOT / "ttclab" / "py.typed").is_file()
