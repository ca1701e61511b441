"""What holds the repository together: one set of versions, a whole wheel, a Makefile that says what it does."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import colab
import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What a person who sets up the course by hand is promised to find in environment.yml.
PROMISED = {"jupyter-book", "jupyterlab", "ipywidgets", "torch", "transformers", "matplotlib", "nbval"}

# What Colab ships, as published on 2026-08-19. Installing the course there must replace none of it.
COLAB = {
    "accelerate": "1.14.0", "anywidget": "0.9.21", "ipython": "7.34.0", "ipywidgets": "7.7.1", "matplotlib": "3.10.0",
    "numpy": "2.1.3", "pyarrow": "18.1.0", "safetensors": "0.8.0", "tokenizers": "0.22.2", "torch": "2.11.0",
    "tqdm": "4.67.3", "transformers": "5.15.0",
}  # fmt: skip


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(each.name): each for each in map(Requirement, lines)}


def declared() -> dict[str, Requirement]:
    return requirements([*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())])


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return requirements([line for line in lines if line and not line.startswith("#")])


def conda_lines() -> list[str]:
    parts = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return next(part["pip"] for part in parts if isinstance(part, dict))


def version(pin: Requirement) -> str:
    """The version of `name==version`; anything looser fails."""
    (specifier,) = pin.specifier
    assert specifier.operator == "==" and "*" not in specifier.version, f"{pin} is not one version"
    return specifier.version


def test_every_declared_package_is_pinned_within_its_bounds():
    pinned = pins()
    for name, requirement in declared().items():
        assert name in pinned, f"{name} has no pin in constraints.txt"
        assert requirement.specifier.contains(version(pinned[name])), f"{pinned[name]} is outside {requirement}"


def test_every_pin_is_one_version():
    assert all(version(pin) for pin in pins().values())


def test_package_dependencies_state_lower_bounds_only():
    for line in PROJECT["dependencies"]:
        assert [each.operator for each in Requirement(line).specifier] == [">="], line


def test_the_package_is_content_with_what_colab_ships():
    for name, requirement in requirements(PROJECT["dependencies"]).items():
        assert name not in COLAB or requirement.specifier.contains(COLAB[name]), f"Colab has {name} {COLAB[name]}"


def workflows() -> dict[str, Any]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def texts_of_workflows() -> list[str]:
    return [path.read_text() for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]


def steps(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """What a job asks of one of GitHub's actions, one `with` a use."""
    used = [step for step in job["steps"] if step.get("uses", "").startswith(f"actions/{action}@")]
    return [step.get("with", {}) for step in used]


def test_workflows_use_actions_of_github_alone_each_at_one_commit():
    for name, workflow in workflows().items():
        used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
        assert used and all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", each) for each in used), name


def test_an_action_is_at_one_commit_in_all_workflows():
    named = re.findall(r"actions/([a-z-]+)@(\S+ # v\S+)", "".join(texts_of_workflows()))
    assert len({name for name, _ in named}) == len(set(named)) > 3


def test_workflows_run_targets_that_there_are():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    run = set(re.findall(r"run: make ([a-z]+)", "".join(texts_of_workflows())))
    assert run >= {"book", "test", "wheel"} and run <= targets


def test_workflows_may_write_only_what_they_publish():
    for workflow in workflows().values():
        assert workflow["permissions"] == {"contents": "read"}
    may = {
        name: job["permissions"]
        for workflow in workflows().values()
        for name, job in workflow["jobs"].items()
        if "permissions" in job
    }
    assert may == {"colab": {"contents": "write"}, "publish": {"pages": "write", "id-token": "write"}}


def test_what_is_published_is_the_book_that_was_tested_and_its_pictures_are_kept():
    jobs = workflows()["test"]["jobs"]
    kept = {each["name"]: each["path"] for each in steps(jobs["test"], "upload-artifact")}
    assert kept == {"book": "_build/html", "screenshots": "_build/screenshots"}
    assert (jobs["colab"]["needs"], jobs["publish"]["needs"]) == ("test", "colab")
    assert jobs["colab"]["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    for name in ("colab", "publish"):
        assert steps(jobs[name], "download-artifact") == [{"name": "book", "path": kept["book"]}]
    assert steps(jobs["publish"], "upload-pages-artifact") == [{"path": kept["book"]}]
    assert jobs["publish"]["steps"][-1]["uses"].startswith("actions/deploy-pages@")


def test_notebooks_are_run_weekly_with_the_versions_that_there_are():
    weekly = workflows()["weekly"]
    assert weekly[True].keys() == {"schedule", "workflow_dispatch"}  # YAML takes the key `on` for a truth value
    assert weekly["jobs"]["notebooks"]["strategy"]["matrix"]["versions"] == ["pinned", "oldest"]


def test_notebooks_are_run_weekly_in_colab_s_own_image_of_a_given_day():
    job = workflows()["weekly"]["jobs"]["colab"]
    image = r"us-docker\.pkg\.dev/colab-images/public/cpu-runtime:release-colab-external-images_20\d{6}-\d{6}_RC\d\d"
    assert re.fullmatch(image, job["env"]["IMAGE"])
    (command,) = [step["run"] for step in job["steps"] if "docker run" in step.get("run", "")]
    mounted, script = re.search(r'"\$PWD:(/\w+)".* "\$IMAGE" (\S+)$', command).groups()
    assert (ROOT / Path(script).relative_to(mounted)).is_file()


def test_the_gpu_job_waits_for_a_runner_that_somebody_names():
    job = workflows()["weekly"]["jobs"]["gpu"]
    assert (job["if"], job["runs-on"]) == ("vars.GPU_RUNNER != ''", "${{ vars.GPU_RUNNER }}")
    assert ".venv/bin/python -m benchmarks.gpu" in [step.get("run") for step in job["steps"]]
    assert "TORCH_INDEX" not in str(job), "the index of CPU builds would leave the GPU unused"


def test_what_colab_ships_must_stay_as_it_is():
    before = {"torch": "2.11.0", "numpy": "2.1.3", "tqdm": "4.67.3"}
    assert not colab.replaced(before, before | {"ttclab": "0.1.0", "anywidget": "0.9.21"})
    assert colab.replaced(before, {"torch": "2.11.0", "numpy": "2.4.6"}) == [
        "numpy 2.1.3 became 2.4.6",
        "tqdm 4.67.3 became nothing",
    ]


def test_notebooks_for_colab_s_image_install_the_checkout(tmp_path):
    copies = colab.copy_notebooks(ROOT, tmp_path / "away")
    assert len(copies) == len([*(ROOT / "notebooks").rglob("*.ipynb")])
    for copy in copies:
        setup = next(cell for cell in json.loads(copy.read_text())["cells"] if cell["cell_type"] == "code")
        assert f'COURSE = "{ROOT}"' in "".join(setup["source"])


def test_the_book_is_built_strictly():
    assert "jupyter-book build . -W -n --keep-going" in (ROOT / "Makefile").read_text()


def test_conda_environment_has_the_declared_packages_at_their_pins():
    lines = conda_lines()
    assert lines[:2] == ["-c constraints.txt", "-e .[book,test]"]
    listed, pinned = requirements(lines[2:]), pins()
    assert listed.keys() == declared().keys()
    assert {name: version(pin) for name, pin in listed.items()} == {name: version(pinned[name]) for name in listed}
    assert listed.keys() >= PROMISED


def test_installed_packages_are_at_their_pins():
    """Numbers and warnings are those of the pinned set: other versions would test something else."""
    from importlib.metadata import version as installed

    pinned = pins()
    for name in declared():
        assert installed(name).split("+")[0] == version(pinned[name]), f"run make to renew .venv: {name}"


def caught(handler: ast.ExceptHandler) -> str:
    return ast.unparse(handler.type) if handler.type else ""


def needed_imports(code: str) -> set[str]:
    """Top-level names that the code imports, but for those it can do without (try: import x, except ImportError)."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(code)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Try) and any("ImportError" in caught(each) for each in node.handlers):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
        else:
            waiting += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import a.b, c\nfrom d.e import f\nfrom .g import h", {"a", "c", "d"}),
        ("def f():\n    import a", {"a"}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"b"}),
        ("try:\n    import a\nexcept:\n    import b", {"a", "b"}),
        ("try:\n    import a\nexcept ValueError:\n    pass", {"a"}),
    ],
)
def test_the_imports_that_code_needs_are_seen(code, names):
    assert needed_imports(code) == names


def test_package_imports_only_what_it_declares():
    allowed = {*requirements(PROJECT["dependencies"]), "ttclab"}
    for file in (ROOT / "ttclab").rglob("*.py"):
        needed = {canonicalize_name(name) for name in needed_imports(file.read_text()) - sys.stdlib_module_names}
        assert needed <= allowed, f"{file.relative_to(ROOT)} imports what pyproject.toml does not name"


def tracked() -> list[Path]:
    """Files of the repository, those not committed yet included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_wheel_carries_every_file_of_the_package(tmp_path):
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("ttclab/")}
    sources = ROOT / "ttclab" / "explorables" / "src"  # only those who change a simulator need them
    package = {
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if path.is_relative_to(ROOT / "ttclab") and not path.is_relative_to(sources)
    }
    assert carried == package
    assert {Path(name).suffix for name in carried} >= {".py", ".js", ".json", ".safetensors", ".parquet"}
    assert Path(wheel).stat().st_size <= 35e6


def test_no_file_is_too_large_for_a_repository():
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked() if path.stat().st_size > 5_000_000}
    assert not large


def test_the_hooks_before_a_commit_are_the_checks_of_make_lint():
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    checks = {" ".join(words.split()[:2]).removesuffix(" .") for words in re.findall(r"@\$\(BIN\)/(.*)", lint)}
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [
        hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in repository["hooks"]
    ]
    assert repository["repo"] == "local" and {*entries} == checks == {"codespell", "ruff check", "ruff format", "mypy"}


def test_the_container_makes_the_environment_of_make():
    lines = (ROOT / ".devcontainer" / "devcontainer.json").read_text().splitlines()
    container = json.loads("".join(line for line in lines if not line.strip().startswith("//")))
    assert container["postCreateCommand"] == "make .venv/.installed" and "chromium" in container["onCreateCommand"]


@pytest.mark.parametrize("tool", ["pip install", "uv pip install"])
def test_readme_installs_the_pinned_set_by_hand_too(tool):
    (extras,) = set(re.findall(rf"{tool} -c constraints\.txt -e \"\.\[([a-z,]+)\]\"", (ROOT / "README.md").read_text()))
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def test_make_without_a_target_lists_every_target():
    listing = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"book", "serve", "lab", "test", "bench", "explorables", "clean", "help"}
    assert targets == set(re.findall(r"make ([a-z]+) {2,}", listing))


def test_make_says_in_one_line_that_python_is_missing_or_too_old(tmp_path):
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    (tmp_path / "ttclab").mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")  # what the test for a new enough version comes to
    old.chmod(0o755)
    for python in (str(old), str(tmp_path / "no-such-python")):
        ran = subprocess.run(["make", "lint", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True)
        said = [line for line in ran.stderr.splitlines() if not line.startswith("make")]
        assert ran.returncode and len(said) == 1 and "Python 3.11 or newer" in said[0], ran.stderr
