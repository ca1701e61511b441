import subprocess
import sys
from importlib import import_module

import pytest

import ttclab


@pytest.mark.parametrize("name", ttclab.__all__)
def test_a_public_name_stays_what_it_is_when_its_module_is_imported(name):
    before = getattr(ttclab, name)
    for module in ttclab._MODULES:
        import_module(f"ttclab.{module}")
    assert getattr(ttclab, name) is before and callable(before)


def test_every_module_is_reached_from_the_package():
    for name in ttclab._MODULES:
        assert getattr(ttclab, name) is sys.modules[f"ttclab.{name}"]


def test_an_unknown_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="has no attribute 'beam'"):
        ttclab.beam  # noqa: B018


def test_the_exercises_do_not_wait_for_torch():
    code = "import sys, ttclab; ttclab.exercises.check; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
