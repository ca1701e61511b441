"""Files and folders that are written whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give the block a path to write to, and put what it wrote at `path` when it succeeds.

    Parameters
    ----------
    path : Path
        The file or folder to write. It keeps its old content until the block ends, and for good if the block fails.

    Yields
    ------
    Path
        A path beside it, which does not exist yet.
    """
    partial = path.with_name(path.name + ".partial")
    _remove(partial)
    try:
        yield partial
        if partial.is_dir():
            _remove(path)
        else:
            with partial.open("rb") as file:
                os.fsync(file.fileno())  # the rename must not reach the disk before the content
        os.replace(partial, path)
    finally:
        _remove(partial)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, its line ends as they are, whole or not at all."""
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
