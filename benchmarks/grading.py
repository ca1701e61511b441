"""How fast a class is graded: `python -m benchmarks.grading`.

100 notebooks of chapter 3 as a class hands them in: most are solved, some in part, some not at all. Five are broken,
one of them by an endless loop that takes its whole minute. The grader is killed in the middle and started again.
`--quick` grades four notebooks, none of them with an endless loop.
"""

import argparse
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
QUICK, QUICKLY_BROKEN = 4, BROKEN[-2:]


def solution(number: int) -> str:
    chapter = (ROOT / f"book/_solutions/{CHAPTER}.md").read_text(encoding="utf-8")
    text = chapter.split(f"Exercise {int(CHAPTER)}.{number}:")[1].split("\n````\n")[0]
    return "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.S))


def write_class(folder: Path, size: int, broken: list[str]) -> None:
    """Write the student notebook `size` times, with worked solutions in place of some of its stubs."""
    (student,) = (ROOT / "notebooks/exercises").glob(f"{CHAPTER}_*.ipynb")
    for learner in range(size):
        notebook = json.loads(student.read_text(encoding="utf-8"))
        solved = EXERCISES if learner < 0.6 * size else learner % EXERCISES
        for cell in notebook["cells"]:
            for number in range(1, 1 + solved):
                if f"exercise-{int(CHAPTER)}.{number}" in cell["metadata"].get("tags", []):
                    cell["source"] = solution(number)
        if learner >= size - len(broken):
            cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
            notebook["cells"].insert(0, cell | {"source": broken[learner - size]})
        (folder / f"{learner:03}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description="How fast a class is graded")
    parser.add_argument("--quick", action="store_true", help="four notebooks, to see that it works")
    quick = parser.parse_args().quick
    size, broken = (QUICK, QUICKLY_BROKEN) if quick else (SIZE, BROKEN)
    with TemporaryDirectory() as place:
        work, out = Path(place, "class"), Path(place, "results")
        work.mkdir()
        write_class(work, size, broken)
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
            while len([*out.glob("*/results.json")]) < size // 2 and first.stdout.readline():
                pass
            first.kill()
        there = {file: file.stat().st_mtime_ns for file in out.glob("*/results.json")}
        said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        seconds = time.perf_counter() - start
        results = [*out.glob("*/results.json")]
        assert len(results) == size and all(file.stat().st_mtime_ns == made for file, made in there.items())
        print(said.splitlines()[-1])
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        print(f"{size} submissions, two at a time, in {seconds:.0f} s; {cpu:.0f} s of a CPU, the broken ones included")
        print(f"killed after {len(there)}, started again: {size - len(there)} graded, none of them twice")


if __name__ == "__main__":
    main()
