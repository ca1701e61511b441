"""Output of the grader: a results.json in Gradescope's form for each submission, and tables and a page for all.

Text from submissions (file names, messages, errors) is never code: one line in a table, no formula in a spreadsheet,
escaped in HTML.
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
    """Grade of one exercise of one submission: points, a reason in one line, and the report of the checks."""

    file: str
    exercise: str
    points: int
    max_points: int
    reason: str
    report: str


def one_line(text: str) -> str:
    """Text of a submission made safe for a table: one line, printable, not too long."""
    text = " ".join(printable(text).split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


def printable(text: str) -> str:
    """A text without control characters and changes of writing direction; line breaks are kept."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def name_of(file: Path) -> str:
    """The name of a submission, decoded from UTF-8 whatever the system's encoding."""
    with suppress(UnicodeError):
        return os.fsencode(file).decode("utf-8")
    return str(file)


def result_file(out: Path, file: Path) -> Path:
    """Path of a submission's results, in a folder named after it; a hash keeps similar names apart."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(file.with_suffix(""))).strip("-.")[-60:]
    return out / f"{name}-{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}" / "results.json"


def save(out: Path, file: Path, key: str, grades: Sequence[Grade]) -> None:
    """Write a submission's results, as Gradescope reads them; `key` is the digest of their dependencies."""
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
    results: dict[str, Any] = {
        "score": sum(grade.points for grade in grades),
        "tests": tests,
        "extra_data": {"file": name_of(file), "key": key},
    }
    write(result_file(out, file), json.dumps(results, indent=1) + "\n")


def load(out: Path, file: Path, key: str) -> list[Grade] | None:
    """The grades that `save` wrote for the same file and key, or None."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        results = json.loads(result_file(out, file).read_text(encoding="utf-8"))
        if results["extra_data"]["key"] == key:
            return [_loaded(file, test) for test in results["tests"]]
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
    write(file, "\ufeff" + text.getvalue())  # Excel recognises UTF-8 by this mark


def _no_formula(value: Any) -> Any:
    """Escape a cell that a spreadsheet would read as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def write(file: Path, text: str) -> None:
    """Write a file atomically."""
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
    """Write report.html: a table of all points, then the reports of each submission."""
    escape = html.escape
    exercises = [*dict.fromkeys(grade.exercise for grade in grades)]
    head = "".join(f'<th scope="col">{escape(exercise)}</th>' for exercise in exercises)
    rows, works = [], []
    for number, (file, own) in enumerate(_by_file(grades), start=1):
        total = f"{sum(grade.points for grade in own)}/{sum(grade.max_points for grade in own)}"
        cells = "".join(f"<td{_full(grade)}>{grade.points}</td>" for grade in own)
        name = escape(one_line(file))
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
    """Reports of a submission, or one reason if it is the same for all exercises."""
    if len({grade[-2:] for grade in grades}) == 1 and not grades[0].report:
        return f"<p>{html.escape(grades[0].reason)}</p>"
    return "".join(map(_section, grades))


def _section(grade: Grade) -> str:
    title = f"{grade.exercise} {EXERCISES[grade.exercise].title}: {grade.points}/{grade.max_points}"
    report = html.escape(printable(grade.report.partition("\n")[2]))  # without the first line, the title
    words = f"<pre>{report}</pre>" if report else f"<p>{html.escape(grade.reason)}</p>"
    return f"<h3>{html.escape(title)}</h3>{words}"
