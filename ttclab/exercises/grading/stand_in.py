"""Stands for `ttclab.exercises` while a notebook is graded: its names are there, its checks and answers are not."""

from typing import Any


def check(*_: Any, **__: Any) -> None:
    print("The checks run after the notebook, elsewhere.")


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return check
