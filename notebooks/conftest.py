"""nbval compares what the notebooks show with what they have stored. Here it also counts what they take of a CPU.

The clock on the wall would measure the machine's other work.
"""

import psutil
import pytest

# Seconds of a CPU that a notebook may take, as CONTRIBUTING.md says, and all labs.
BUDGET = 60
TOGETHER = 360
TAKEN = "seconds of a CPU"


def taken_by(kernel):
    """Seconds of a CPU that a kernel has taken, what it started and waited for included."""
    times = psutil.Process(kernel.km.provisioner.pid).cpu_times()
    return (
        times.user
        + times.system
        + times.children_user
        + times.children_system
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    notebook, over = item.parent, 0.0
    if (
        nextitem is None or nextitem.parent is not notebook
    ) and notebook.kernel.is_alive():
        seconds = taken_by(notebook.kernel)
        item.user_properties.append((TAKEN, seconds))
        over = seconds - BUDGET
    result = yield
    assert over <= 0, (
        f"{notebook.path.name} took {BUDGET + over:.0f} seconds of a CPU, of {BUDGET} that it may"
    )
    return result


class Together:
    """The labs' seconds, added up where the reports of all workers arrive."""

    def __init__(self):
        self.labs = {}

    def pytest_runtest_logreport(self, report):
        path = report.nodeid.split("::")[0]
        if report.when == "teardown" and "exercises" not in path:
            for name, seconds in report.user_properties:
                if name == TAKEN:
                    self.labs[path] = seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        if sum(self.labs.values()) > TOGETHER:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if not self.labs:
            return
        terminalreporter.section(
            f"seconds of a CPU, of {BUDGET} a lab and {TOGETHER} together"
        )
        for path, seconds in sorted(self.labs.items()):
            terminalreporter.write_line(f"{seconds:5.0f}  {path}")
        terminalreporter.write_line(
            f"{sum(self.labs.values()):5.0f}  together"
        )


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # where the reports are shown
        config.pluginmanager.register(Together())
