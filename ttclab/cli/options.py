"""Types and options shared by the commands."""

import math
from pathlib import Path
from typing import Any

import click


class PositiveNumber(click.ParamType):
    """A finite number above 0."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            self.fail(f"a number above 0, not {value!r}", param, ctx)
        return number


class Share(click.ParamType):
    """One of several parts, such as 2/8."""

    name = "i/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split("/")
        if len(parts) != 2 or not all(part.isdecimal() for part in parts):
            self.fail(f"two whole numbers, like 2/8, not {value!r}", param, ctx)
        return int(parts[0]), int(parts[1])


WHOLE, COUNT, POSITIVE = click.IntRange(min=0), click.IntRange(min=1), PositiveNumber()
PATH = click.Path(path_type=Path)
device_option = click.option("--device", default="auto", help="cuda, mps or cpu (the fastest available)")
