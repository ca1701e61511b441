"""A learner's progress: the best check of each exercise since the kernel started. Nothing is stored."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ttclab.exercises.exercise import Exercise, Report

SCOPE = "This counts the checks since the kernel started. A teacher runs them on other cases."


@dataclass(frozen=True)
class Progress:
    """Exercises of the checked chapters and their reports, shown as HTML in a notebook and as text elsewhere."""

    exercises: Sequence[Exercise]
    reports: Mapping[str, Report]

    @property
    def points(self) -> int:
        return sum(report.points for report in self.reports.values())

    @property
    def next(self) -> Exercise | None:
        """The first exercise that is not solved."""
        return next((exercise for exercise in self.exercises if not self._is_done(exercise)), None)

    def __repr__(self) -> str:
        if not self.exercises:
            return self._summary
        width = max(len(exercise.title) for exercise in self.exercises)
        rows = (f"  {state:<10} {name:<4} {title:<{width}}  {points:>8}" for state, name, title, points in self._rows())
        return "\n".join([self._summary, *rows, self._advice, SCOPE])

    def _repr_html_(self) -> str:
        if not self.exercises:
            return f"<p>{self._summary}</p>"
        head = "".join(f'<th scope="col">{name}</th>' for name in ("state", "number", "exercise", "points"))
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in self._rows())
        table = f"<table><caption>{self._summary}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"{table}<p>{html.escape(self._advice)}<br>{SCOPE}</p>"

    @property
    def _summary(self) -> str:
        if not self.exercises:
            return "No check has run since the kernel started. Run one, then this cell again."
        done, most = sum(map(self._is_done, self.exercises)), sum(exercise.points for exercise in self.exercises)
        return f"{done} of {len(self.exercises)} exercises done, {self.points} of {most} points."

    @property
    def _advice(self) -> str:
        return f"Next: {self.next.id} {self.next.title}." if self.next else "All done."

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (self._state(exercise), exercise.id, exercise.title, f"{self._points(exercise)} of {exercise.points}")
            for exercise in self.exercises
        ]

    def _state(self, exercise: Exercise) -> str:
        report = self.reports.get(exercise.id)
        if not report or not report.findings:
            return "to do"
        return "done" if report.solved else "not yet"

    def _is_done(self, exercise: Exercise) -> bool:
        return self._state(exercise) == "done"

    def _points(self, exercise: Exercise) -> int:
        return self.reports[exercise.id].points if exercise.id in self.reports else 0
