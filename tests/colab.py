"""Every notebook as Colab runs it: `python3 tests/colab.py`, inside the image of Colab's runtime.

The course is installed by pip into what Colab ships, as the setup cell does, and must replace none of it. Only Python's
standard library is used here: nothing but the image's own packages is installed when this script starts.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "JUPYTER_PREFER_ENV_PATH": "1"}


def installed() -> dict[str, str]:
    """Version of each installed package."""
    return {each.metadata["Name"].lower(): each.version for each in metadata.distributions() if each.metadata["Name"]}


def replaced(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Packages that an installation removed or gave another version, in words."""
    return [
        f"{name} {version} became {after.get(name, 'nothing')}"
        for name, version in sorted(before.items())
        if after.get(name) != version and name != "ttclab"
    ]


def copy_notebooks(course: Path, to: Path) -> list[Path]:
    """Copy the notebooks, each with the course's address in its setup cell, and return the copies."""
    shutil.copytree(course / "notebooks", to, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "*.py"))
    copies = sorted(to.rglob("*.ipynb"))
    for path in copies:
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            cell["source"] = source.replace('COURSE = ""', f'COURSE = "{course}"').splitlines(keepends=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return copies


def main() -> None:
    print(f"Python {sys.version.split()[0]}, {os.environ.get('COLAB_RELEASE_TAG', 'not in an image of Colab')}")
    before = installed()
    with TemporaryDirectory() as place:
        # A copy: building a wheel must not write into the checkout.
        course = Path(place, "course")
        ignored = shutil.ignore_patterns(".git", ".venv", "_build", "node_modules", "__pycache__", "*.checkpoint")
        shutil.copytree(ROOT, course, ignore=ignored)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(course)], check=True)
        if changes := replaced(before, installed()):
            sys.exit("installing the course replaced what Colab ships: " + "; ".join(changes))
        failed = []
        for notebook in copy_notebooks(course, Path(place, "away")):
            print(notebook.relative_to(place), flush=True)
            command = [sys.executable, "-c", "from nbclient.cli import main; main()", str(notebook)]
            if subprocess.run(command, cwd=notebook.parent, env=os.environ | ENVIRONMENT).returncode:
                failed.append(notebook.name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
