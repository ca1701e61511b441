"""What grading leaves behind: a results.json in Gradescope's form for each submission, and tables and a page for all.

What comes from a submission (file names, messages, errors) is text here, never code: one line in a table, no formula
in a spreadsheet, escaped in HTML.
"""

import csv
import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ttclab.exercises import EXERCISES
from ttclab.files import write_text

LONGEST_REASON = 600


class Grade(NamedTuple):
    """One exercise of one submission: its points, why in one line, and all that the checks said."""

    file: str
    exercise: str
    points: int
    max_points: int
    reason: str
    report: str


def one_line(text: str) -> str:
    """A submission's words made safe for a table: one line, printable, not too long."""
    text = " ".join(printable(text).split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


def printable(text: str) -> str:
    """A text without the characters that steer a terminal or turn the direction of writing; lines stay."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def name_of(file: Path) -> str:
    """The name of a submission as its author wrote it, also where the system's encoding is not the UTF-8 of names."""
    with suppress(UnicodeError):
        return os.fsencode(file).decode("utf-8")
    return str(file)


def result_file(out: Path, file: Path) -> Path:
    """Where a submission's results are: in a folder named after it, with a hash in case two names come out the same."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(file.with_suffix(""))).strip("-.")[-60:]
    return out / f"{name}-{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}" / "results.json"


def save(out: Path, file: Path, key: str, grades: Sequence[Grade]) -> None:
    """Write a submission's results, as Gradescope reads them; `key` says what they depend on."""
    tests = [
        {
            "number": grade.exercise,
            "name": f"{grade.exercise} {EXERCISES[grade.exercise].title}",
            "score": grade.points,
            "max_score": grade.max_points,
            "status": "passed" if grade.points == grade.max_points else "failed",
            "output": f"{grade.reason}\n\n{grade.report}".strip(),
            "output_format": "text",
        }
        for grade in grades
    ]
    made: dict[str, Any] = {
        "score": sum(grade.points for grade in grades),
        "tests": tests,
        "extra_data": {"file": name_of(file), "key": key},
    }
    write(result_file(out, file), json.dumps(made, indent=1) + "\n")


def load(out: Path, file: Path, key: str) -> list[Grade] | None:
    """What `save` wrote for the same file and key, or None."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        made = json.loads(result_file(out, file).read_text(encoding="utf-8"))
        if made["extra_data"]["key"] == key:
            return [_loaded(file, test) for test in made["tests"]]
    return None


def _loaded(file: Path, test: dict[str, Any]) -> Grade:
    reason, _, report = test["output"].partition("\n\n")
    return Grade(name_of(file), test["number"], test["score"], test["max_score"], reason, report)


def write_tables(out: Path, grades: Sequence[Grade]) -> None:
    """Write grades.csv, a row for each exercise of each submission, and totals.csv, a row for each submission."""
    write_csv(out / "grades.csv", Grade._fields[:-1], (grade[:-1] for grade in grades))
    totals = ((file, sum(g.points for g in own), sum(g.max_points for g in own)) for file, own in _by_file(grades))
    write_csv(out / "totals.csv", ("file", "points", "max_points"), totals)


def _by_file(grades: Sequence[Grade]) -> list[tuple[str, list[Grade]]]:
    return [(file, list(own)) for file, own in groupby(grades, key=lambda grade: grade.file)]


def write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_no_formula(value) for value in row] for row in rows)
    write(file, "\ufeff" + text.getvalue())  # without this mark Excel takes UTF-8 for another encoding


def _no_formula(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all: an interrupted run leaves the old one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # The text of a submission may hold lone surrogates.
    write_text(file, text.encode("utf-8", "backslashreplace").decode("utf-8"))


STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ccc, #555); --good: light-dark(#00664a, #4fd1a5); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; min-width: 9rem; overflow-wrap: anywhere; }
.full { color: var(--good); font-weight: 600; }
details { margin: .5rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p, pre { margin: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
"""


def write_page(out: Path, grades: Sequence[Grade], seed: int) -> None:
    """Write report.html: who has how many points, then for each submission what was wrong, in the checks' words."""
    said = html.escape
    exercises = [*dict.fromkeys(grade.exercise for grade in grades)]
    head = "".join(f'<th scope="col">{said(exercise)}</th>' for exercise in exercises)
    rows, works = [], []
    for number, (file, own) in enumerate(_by_file(grades), start=1):
        total = f"{sum(grade.points for grade in own)}/{sum(grade.max_points for grade in own)}"
        cells = "".join(f"<td{_full(grade)}>{grade.points}</td>" for grade in own)
        name = said(one_line(file))
        rows.append(f'<tr><td><a href="#s{number}">{name}</a></td>{cells}<td>{total}</td></tr>')
        words = f'<div id="s{number}">{_words(own)}</div>'  # a link to it opens the details around it
        works.append(f"<details><summary>{name}: {total}</summary>{words}</details>")
    text = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Grades</title>
<style>{STYLE}</style>
<h1>Grades</h1>
<p>{len(works)} submissions, cases drawn from seed {seed}.</p>
<div class="wide" tabindex="0" role="region" aria-label="Points"><table>
<thead><tr><th scope="col">submission</th>{head}<th scope="col">points</th></tr></thead>
<tbody>
{chr(10).join(rows)}
</tbody>
</table></div>
<h2>What the checks said</h2>
{chr(10).join(works)}
</html>
"""
    write(out / "report.html", text)


def _full(grade: Grade) -> str:
    return ' class="full"' if grade.points == grade.max_points else ""


def _words(grades: Sequence[Grade]) -> str:
    """What was said of a submission: once, if it is the same of all exercises."""
    if len({grade[-2:] for grade in grades}) == 1 and not grades[0].report:
        return f"<p>{html.escape(grades[0].reason)}</p>"
    return "".join(map(_section, grades))


def _section(grade: Grade) -> str:
    title = f"{grade.exercise} {EXERCISES[grade.exercise].title}: {grade.points}/{grade.max_points}"
    said = html.escape(printable(grade.report.partition("\n")[2]))  # its first line is the title
    words = f"<pre>{said}</pre>" if said else f"<p>{html.escape(grade.reason)}</p>"
    return f"<h3>{html.escape(title)}</h3>{words}"
