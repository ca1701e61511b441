"""How fast a class is graded: `python -m benchmarks.grading`.

100 notebooks of chapter 3 as a class hands them in: most are solved, some in part, some not at all. Five are broken,
one of them by an endless loop that takes its whole minute. The grader is killed in the middle and started again.
"""

import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CHAPTER, EXERCISES, SIZE = "03", 5, 100
BROKEN = ["while True: pass", "import os\nos._exit(1)", "held = bytearray(10**11)", "import no_such_module", "def f(:"]


def solution(number: int) -> str:
    text = (ROOT / f"book/_solutions/{CHAPTER}-{number}.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.S))


def write_class(folder: Path) -> None:
    """The student notebook, SIZE times, with a worked solution in place of some of its stubs."""
    (student,) = (ROOT / "notebooks/exercises").glob(f"{CHAPTER}_*.ipynb")
    for learner in range(SIZE):
        notebook = json.loads(student.read_text(encoding="utf-8"))
        solved = EXERCISES if learner < 60 else learner % EXERCISES
        for cell in notebook["cells"]:
            for number in range(1, 1 + solved):
                if f"exercise-{int(CHAPTER)}.{number}" in cell["metadata"].get("tags", []):
                    cell["source"] = solution(number)
        if learner >= SIZE - len(BROKEN):
            cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
            notebook["cells"].insert(0, cell | {"source": BROKEN[learner - SIZE]})
        (folder / f"{learner:03}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def main() -> None:
    with TemporaryDirectory() as place:
        work, out = Path(place, "class"), Path(place, "results")
        work.mkdir()
        write_class(work)
        command = [
            sys.executable,
            "-m",
            "ttclab",
            "grade",
            str(work),
            "--seed",
            "4711",
            "--jobs",
            "2",
            "--out",
            str(out),
        ]
        start = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout
            while len([*out.glob("*/results.json")]) < SIZE // 2 and first.stdout.readline():
                pass
            first.kill()
        there = {file: file.stat().st_mtime_ns for file in out.glob("*/results.json")}
        said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        seconds = time.perf_counter() - start
        results = [*out.glob("*/results.json")]
        assert len(results) == SIZE and all(file.stat().st_mtime_ns == made for file, made in there.items())
        print(said.splitlines()[-1])
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        print(
            f"{SIZE} submissions, two at a time, in {seconds:.0f} s; {cpu:.0f} s of a CPU, an endless loop's included"
        )
        print(f"killed after {len(there)}, started again: {SIZE - len(there)} graded, none of them twice")


if __name__ == "__main__":
    main()
