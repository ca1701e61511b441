"""Sandbox: runs one command within limits.

A script that needs only the standard library: `python keeper.py SETTINGS COMMAND...`, SETTINGS in JSON (`Bounds`). The
command runs in the keeper's folder. The command and all its child processes are ended when the command ends, when it
exceeds a limit, or when the other end of standard input is closed, because the grader is done or was killed. Then the
folder is removed. The exit status gives the reason (`ENDED`), or is 128 plus the signal that ended the command.

On Linux, Landlock lets the command read only the given paths and write only in its folder. It forbids TCP, and since
Linux 6.12 signals to other processes. Under root the command runs as a user that owns nothing. Other systems have none
of these, and no limit on memory.
"""

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import struct
import sys
import time
from contextlib import suppress
from typing import NamedTuple

ENDED = {
    0: "ended its own process",
    3: "used more than the {memory:g} GB of memory it may have",
    4: "wrote more than the {disk:g} GB of files it may have",
    5: "started more than {processes} processes",
}
PROCESSES = 64
FILES = 20_000
LINUX = sys.platform == "linux"


class Bounds(NamedTuple):
    """Limits of the command: bytes of memory, bytes of files in its folder, and paths that it may read."""

    memory: int
    disk: int
    readable: list[str]


def main() -> int:
    bounds, command = Bounds(**json.loads(sys.argv[1])), sys.argv[2:]
    signal.signal(signal.SIGTERM, lambda *_: _terminated.append(True))
    if LINUX:
        _system("prctl", 36, 1, 0, 0, 0)  # the keeper adopts orphans of the command, and ends them
    child = os.fork()
    if not child:
        try:
            _enter(bounds)
            os.execv(command[0], command)
        finally:
            os._exit(1)
    os.close(1)  # otherwise the grader does not see that the command has closed its end
    status = _watch(child, bounds)
    while _reaped(child) is None or _descendants(os.getpid()):
        for pid in _descendants(os.getpid()) or [child]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    return status


_terminated: list[bool] = []  # not empty after SIGTERM
_exits: dict[int, int] = {}


def _reaped(child: int) -> int | None:
    """Exit status of the command, 0 or 128 plus a signal; None while it runs. Reaps ended orphans too."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _exits[ended[0]] = max(0, -os.waitstatus_to_exitcode(ended[1]))
    return None if child not in _exits else _exits[child] and 128 + _exits[child]


def _watch(child: int, bounds: Bounds) -> int:
    """Wait until the command ends, exceeds a limit, or the grader closes its end; return the exit status."""
    starter, rounds = select.poll(), 0
    starter.register(0, 0)  # reports only that the other end was closed
    while not starter.poll(50) and not _terminated:
        if (status := _reaped(child)) is not None:
            return status
        pids = _descendants(os.getpid())
        if len(pids) > PROCESSES:
            return 5
        if sum(map(_resident, pids)) > bounds.memory and sum(map(_proportional, pids)) > bounds.memory:
            return 3
        rounds += 1
        if not rounds % 10 and _holds_more(os.getcwd(), bounds.disk):
            return 4
    return 0


def _enter(bounds: Bounds) -> None:
    """Drop all rights that the command does not need, irrevocably."""
    folder = os.path.join(os.getcwd(), "work")
    os.mkdir(folder, 0o700)
    # Below the limits of the keeper, so that a single process or file gets an error with its place first.
    limits = {resource.RLIMIT_DATA: bounds.memory * 9 // 10, resource.RLIMIT_FSIZE: bounds.disk // 2}
    for limit, value in (limits | {resource.RLIMIT_CORE: 0}).items():
        _limit(limit, value)
    os.nice(5)  # so that the keeper runs before the processes of the command
    if os.getuid() == 0:
        _become_nobody(folder)
    if LINUX:
        _limit(resource.RLIMIT_NPROC, _threads_of(os.getuid()) + 2 * PROCESSES)  # the keeper's count is slower
    os.chdir(folder)
    if LINUX:
        _system("prctl", 1, signal.SIGKILL, 0, 0, 0)  # the command is killed when its keeper ends
        _confine(bounds.readable, folder)


def _limit(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _become_nobody(folder: str) -> None:
    """Become a user that owns only this folder, a different one for each command.

    On Linux the user may still read what root may, within Landlock, because Python may be installed in root's folders.
    """
    user = 61_184 + os.getpid() % 4_336  # systemd's range for dynamic users
    try:
        os.chown(folder, user, user)
        if LINUX:
            _system("prctl", 8, 1, 0, 0, 0)  # keep capabilities over the change of user
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    except OSError:
        return  # in some containers root may not change users; outside it has no rights
    if LINUX:
        read_search = 1 << 2
        _system("capset", struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", *[read_search] * 3, 0, 0, 0))
        _system("prctl", 47, 2, 2, 0, 0)  # and over the start of the command


# Landlock as in Linux's include/uapi/linux/landlock.h: the C library has no functions for it.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ, WRITE, OF_FILES = 0b1101, 0b0111_1111_1111_0010, 0b1100_0000_0000_0111
DEVICES = ("null", "zero", "tty", "ptmx", "pts")


def confines() -> bool:
    """Whether the kernel can restrict which files a command reads and writes."""
    return LINUX and _landlock() > 0


def _landlock() -> int:
    """The version of Landlock that the kernel has, 0 if none."""
    return max(0, ctypes.CDLL(None).syscall(*map(ctypes.c_long, (CREATE_RULESET, 0, 0, 1))))


def _confine(readable: list[str], writable: str) -> None:
    version = _landlock()
    if not version:
        return
    known = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = struct.pack("=QQQ", known, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _system("syscall", CREATE_RULESET, rules, len(rules), 0)
    devices = {f"/dev/{name}": READ | WRITE | 1 << 15 for name in DEVICES}
    for path, rights in (dict.fromkeys(readable, READ) | devices | {writable: READ | WRITE}).items():
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # missing, or not readable
        rights &= known if os.path.isdir(path) else known & OF_FILES
        _system("syscall", ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0)
        os.close(place)
    _system("prctl", 38, 1, 0, 0, 0)  # no new privileges
    _system("syscall", RESTRICT_SELF, ruleset, 0)


def _system(function: str, *arguments: object) -> int:
    """Call the C library. Raises OSError."""
    converted = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    result: int = getattr(ctypes.CDLL(None, use_errno=True), function)(*converted)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{function}{arguments[:1]}: {os.strerror(ctypes.get_errno())}")
    return result


def _descendants(pid: int) -> list[int]:
    """Ids of all descendants of a process; empty without /proc."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children") as children:
                    waiting += (new := [int(child) for child in children.read().split()])
                    found += new
    return found


def _threads_of(user: int) -> int:
    """Number of threads of a user, which the kernel counts when it limits processes."""
    count = 0
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdecimal() and entry.stat().st_uid == user:
                count += len(os.listdir(f"/proc/{entry.name}/task"))
    return count


def _resident(pid: int) -> int:
    """Resident memory of a process in bytes, shared memory included; 0 if it has just ended."""
    with suppress(OSError, IndexError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
    return 0


def _proportional(pid: int) -> int:
    """Memory of a process with shared memory divided among its users; slower to read than `_resident`."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    return _resident(pid)


def _holds_more(folder: str, limit: int) -> bool:
    """Whether the files in a folder exceed a limit in bytes, or FILES in number."""
    size = count = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_blocks * 512
            count += 1
            if size > limit or count > FILES:
                return True
    return False


if __name__ == "__main__":
    sys.exit(main())
