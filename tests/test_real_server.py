"""Against servers that nobody here wrote, with the shipped small model: `transformers serve`, and llama.cpp's if there
is a llama-server on the PATH (it takes a C++ compiler, and long, to build).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ttclab
from ttclab import bank
from ttclab.bank import recording
from ttclab.bank.draws import Draws
from ttclab.beam_search import beam_search
from ttclab.models import ZOO, client
from ttclab.models.server_check import check

PROBLEMS = ttclab.load_problems("test", limit=20)
pytestmark = pytest.mark.filterwarnings("ignore:the server")  # what it lacks is asserted below


class Server:
    """A server's process. command: to start it with, and a port; model: as it calls the model."""

    def __init__(self, command, model):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.command, self.model = [*map(str, command), "--host", "127.0.0.1", "--port", str(self.port)], model

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, **quiet)
        for _ in range(600):
            assert self.process.poll() is None
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            threading.Event().wait(0.2)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def load(self):
        return ttclab.load(self.url, model=self.model, files="small")


def transformers_serve(folder):
    files = shutil.copytree(ZOO / "small", folder / "small")
    return Server([Path(sys.executable).with_name("transformers"), "serve"], str(files))


def llama_cpp(folder):
    if not shutil.which("llama-server"):
        pytest.skip("no llama-server on the PATH")
    pytest.importorskip("gguf", reason="the model is written for llama.cpp with the package gguf")
    from gguf_file import write_small

    slots = ["--parallel", "4", "--ctx-size", "2048", "--threads", "1"]
    return Server(["llama-server", "--model", write_small(folder / "small.gguf"), "--alias", "small", *slots], "small")


LACKS = {
    transformers_serve: {
        "answers in chats",
        "respects n",
        "returns logprobs",
        "stops at a string",
        "reports what stopped it",
    },
    llama_cpp: {"answers in chats", "reports what stopped it"},
}


@pytest.fixture(scope="module", params=LACKS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def running(kind, tmp_path_factory):
    server = kind(tmp_path_factory.mktemp("served"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def server(running):
    return running.load()


def greedy(solutions):
    return [[solution.text for solution in group] for group in solutions]


def test_a_real_server_writes_the_local_engine_s_greedy_tokens(server):
    local = ttclab.load("small", device="cpu")
    assert greedy(server.generate(PROBLEMS, temperature=0)) == greedy(local.generate(PROBLEMS, temperature=0))
    steps, wanted = (model.generate_step(PROBLEMS[:4], temperature=0) for model in (server, local))
    assert greedy(steps) == greedy(wanted)


def test_votes_and_searches_on_a_real_server_find_right_answers_within_the_budget(server):
    prm = ttclab.load_verifier("prm", device="cpu")
    sampled = ttclab.parallel_search(server, prm, PROBLEMS[:8], 8)
    voted = [ttclab.majority_vote(result.solutions) == result.solution.problem.answer for result in sampled]
    searched = beam_search(server, prm, PROBLEMS[:8], 4, 2)
    assert [result.cost.generations for result in (*sampled, *searched)] == [8] * 8 + [4] * 8
    for right in ([r.solution.correct for r in sampled], voted, [r.solution.correct for r in searched]):
        assert sum(right) >= 4


def test_a_greedy_search_on_a_real_server_finds_what_it_finds_on_the_local_engine(server):
    prm, local = ttclab.load_verifier("prm", device="cpu"), ttclab.load("small", device="cpu")
    found, wanted = (beam_search(model, prm, PROBLEMS[:6], 4, 2, temperature=0) for model in (server, local))
    assert greedy([r.solutions for r in found]) == greedy([r.solutions for r in wanted])


def test_what_a_real_server_lacks_is_found(server, kind):
    lacks = {finding.ability for finding in check(server) if not finding.holds}
    assert LACKS[kind] <= lacks <= LACKS[kind] | {"respects the seed", "counts cached tokens"}


def test_a_real_server_killed_and_started_again_in_the_middle_of_a_recording_loses_nothing(
    running, tmp_path, monkeypatch
):
    write, starts = recording.write_table, []

    def dying(table, path):
        write(table, path)
        if path.stem == "000005":  # the second chunk of four: the requests of the third find nobody
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()

    async def pause(seconds):
        if running.process.poll() is not None:
            starts.append(seconds)
            running.start()

    monkeypatch.setattr(recording, "write_table", dying)
    monkeypatch.setattr(client, "pause", pause)
    out = tmp_path / "served.parquet"
    settings = {"model": running.model, "files": "small"}
    bank.record(running.url, "test", Draws(greedy=True, problems=20, server=settings), chunk=5, out=out)
    local = ttclab.load("small", device="cpu").generate(PROBLEMS, temperature=0)
    assert bank.read(out).texts.tolist() == greedy(local)
    assert len(starts) == 1
