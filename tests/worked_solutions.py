"""The worked solutions of the book."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "book" / "_solutions"


def worked_solution(exercise: str) -> list[str]:
    """The cells of the worked solution of an exercise."""
    text = (FOLDER / f"{int(exercise.split('.')[0]):02}.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text.split(f"Exercise {exercise}:")[1].split("\n````\n")[0], flags=re.S)
