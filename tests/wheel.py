"""The labs on an installed wheel, in a clean environment, from a folder that is not the repository: `make wheel`.

As on Colab, and once with the pinned versions, once with the oldest that pyproject.toml allows.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
VERSIONS = ("pinned", "oldest")


def uv(*arguments: str | Path) -> None:
    index = os.environ.get("TORCH_INDEX")
    where = ["--extra-index-url", index] if index and arguments[0] == "pip" else []
    subprocess.run([sys.executable, "-m", "uv", *arguments, *where, "--quiet"], check=True)


def run(versions: str, folder: Path) -> None:
    """Make the environment and run every notebook in it. Raises CalledProcessError at the first that fails."""
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    pins = ROOT / "constraints.txt"
    if versions == "oldest":
        pins = folder / "oldest.txt"
        uv("pip", "compile", ROOT / "pyproject.toml", "--resolution", "lowest-direct", "--output-file", pins)
    venv, away = folder / "venv", folder / "away"
    uv("venv", venv, "--python", sys.executable)
    python = venv / "bin" / "python"
    uv("pip", "install", "--python", python, "--constraint", pins, wheel, "ipykernel", "nbclient")

    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    shutil.copytree(ROOT / "notebooks", away, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for notebook in sorted(away.rglob("*.ipynb")):
        print(f"{versions}: {notebook.relative_to(away)}", flush=True)
        subprocess.run([venv / "bin" / "jupyter-execute", notebook], cwd=notebook.parent, env=environment, check=True)


def main(which: Sequence[str]) -> None:
    for versions in which or VERSIONS:
        if versions not in VERSIONS:
            sys.exit(f"versions are {' or '.join(VERSIONS)}, not {versions!r}")
        with TemporaryDirectory() as folder:
            run(versions, Path(folder).resolve())


if __name__ == "__main__":
    main(sys.argv[1:])
