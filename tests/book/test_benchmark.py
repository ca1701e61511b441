"""The benchmark of the simulators' answers runs in its quick mode."""

import re
import subprocess
import sys
from pathlib import Path


def test_the_slowest_answer_of_a_simulator_is_measured(browser, book_address):
    command = [sys.executable, "-m", "benchmarks.explorables", "--quick"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\w+: slowest answer \d+ ms, .* median \d+ ms$", done.stdout, re.MULTILINE)
