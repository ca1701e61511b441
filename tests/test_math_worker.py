"""The process that asks math-verify: right, in time, and gone when it is not needed any more."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from ttclab.answers import answers_equal, math_worker

needs_math_verify = pytest.mark.skipif(not math_worker.is_installed(), reason="math-verify is not installed")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
SLOW = ("x^{2}*x^{2^{3^{1/7}}}", "\\ln((\\pi)^{1234*x^{-2}})")


@pytest.fixture
def fresh():
    math_worker.stop()
    math_worker._answer.cache_clear()
    yield
    math_worker.stop()
    math_worker._answer.cache_clear()


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@needs_math_verify
@pytest.mark.parametrize(
    ("said", "truth", "equal"),
    [
        ("\\sin^2 x + \\cos^2 x", "1", True), ("\\sin 2x", "2\\sin x\\cos x", True), ("\\ln 4", "2\\ln 2", True),
        ("\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt{2}", True), ("\\log_4 8", "1.5", True), ("\\sin x", "\\cos x", False),
        ("\\ln 2", "0.693147180559945", False), ("\\sin 1", "0.8414709848078965", False), ("\\log 3", "2", False),
    ],
)  # fmt: skip
def test_what_the_algebra_leaves_open_is_asked_both_ways(said, truth, equal):
    assert answers_equal(said, truth) is answers_equal(truth, said) is equal


@needs_math_verify
def test_what_differs_at_a_point_is_not_asked(monkeypatch):
    monkeypatch.setattr(math_worker, "equal", lambda a, b: pytest.fail(f"asked of {a} and {b}"))
    assert not answers_equal("\\sin x + 1", "\\cos x") and not answers_equal("\\ln 5", "2")
    assert answers_equal("\\sqrt{8}", "2\\sqrt{2}") and not answers_equal("x^2+1", "x^2+2")


@needs_math_verify
def test_a_question_without_end_is_given_up_and_the_next_is_answered(fresh, monkeypatch):
    assert math_worker.equal("\\ln(4)", "2*\\ln(2)")
    start = time.monotonic()
    assert not math_worker.equal(*SLOW)
    # It ran, and was ended. (A busy machine's clock of processor time is coarse: not exactly at LIMIT.)
    assert math_worker.LIMIT / 4 < time.monotonic() - start < 2 * math_worker._WAIT
    assert math_worker.equal("\\ln(9)", "2*\\ln(3)")


@needs_math_verify
def test_a_worker_that_hangs_or_dies_is_replaced_and_leaves_no_zombie(fresh, monkeypatch):
    assert math_worker.equal("\\ln(4)", "2*\\ln(2)")
    monkeypatch.setattr(math_worker, "_WAIT", 0.2)
    os.kill(math_worker._worker.pid, signal.SIGSTOP)
    assert not math_worker.equal("\\ln(9)", "2*\\ln(3)")
    monkeypatch.undo()
    assert math_worker.equal("\\ln(16)", "4*\\ln(2)")
    math_worker._worker.kill()
    time.sleep(0.1)
    assert math_worker.equal("\\ln(25)", "2*\\ln(5)")
    math_worker.stop()
    assert not [child for child in children() if child.status() == psutil.STATUS_ZOMBIE]


@needs_math_verify
def test_many_threads_ask_at_once_and_each_gets_its_own_answer(fresh):
    found = {}

    def ask(n: int) -> None:
        found[n] = math_worker.equal(f"\\ln({n * n})", f"2*\\ln({n + n % 2})")

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(2, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: n % 2 == 0 for n in range(2, 10)}
    assert len([child for child in children() if "math_worker" in " ".join(child.cmdline())]) == 1


@needs_math_verify
@needs_fork
def test_a_forked_process_has_a_worker_of_its_own(fresh):
    assert math_worker.equal("\\ln(4)", "2*\\ln(2)")
    mine = math_worker._worker.pid
    child = os.fork()
    if not child:
        alone = math_worker._worker is None and math_worker.equal("\\ln(9)", "2*\\ln(3)")
        alone = alone and math_worker._worker.pid != mine
        math_worker.stop()
        os._exit(0 if alone else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert math_worker.equal("\\ln(16)", "4*\\ln(2)") and math_worker._worker.pid == mine


@needs_math_verify
def test_the_worker_ends_with_the_interpreter_also_when_that_is_killed():
    script = (
        "import sys, time\nfrom ttclab.answers import math_worker\n"
        "assert math_worker.equal('\\\\ln(4)', '2*\\\\ln(2)')\n"
        "print(math_worker._worker.pid, flush=True)\nif len(sys.argv) > 1: time.sleep(60)\n"
    )
    for argument in ([], ["killed"]):
        process = subprocess.Popen([sys.executable, "-c", script, *argument], stdout=subprocess.PIPE, text=True)
        worker = int(process.stdout.readline())
        if argument:
            process.kill()
        process.wait(timeout=30)
        process.stdout.close()
        for _ in range(100):
            if not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE:
                break  # a zombie whose parent is gone is the system's to reap
            time.sleep(0.1)
        else:
            pytest.fail(f"the worker is still there ({argument})")


@needs_math_verify
@needs_fork
def test_a_worker_that_cannot_start_is_tried_twice_and_answers_are_still_compared(fresh, monkeypatch):
    monkeypatch.setattr(math_worker, "_failures", 0)
    monkeypatch.setattr(math_worker.sys, "executable", "/bin/false")
    for n in range(2, 6):
        assert not math_worker.equal(f"\\ln({n * n})", f"2*\\ln({n})")
    assert math_worker._worker is None and math_worker._failures == 2
    assert answers_equal("\\sqrt{8}", "2\\sqrt{2}")


def test_without_math_verify_no_process_is_started(fresh, monkeypatch):
    monkeypatch.setitem(sys.modules, "math_verify", None)
    monkeypatch.setattr(math_worker.subprocess, "Popen", lambda *a, **k: pytest.fail("started"))
    math_worker._missing.cache_clear()
    with pytest.warns(UserWarning, match=r"ttclab\[math\]"):
        assert not math_worker.equal("\\ln(4)", "2*\\ln(2)")
    math_worker._missing.cache_clear()
