"""Against `transformers serve` with the shipped small model: a server that nobody here wrote."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ttclab
from ttclab.beam_search import beam_search
from ttclab.models import ZOO
from ttclab.serve_check import check

PROBLEMS = ttclab.load_problems("test", limit=20)
pytestmark = pytest.mark.filterwarnings("ignore:the server")  # what it lacks is asserted below


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The model on it, and the solutions that it has to write."""
    files = tmp_path_factory.mktemp("served") / "small"
    shutil.copytree(ZOO / "small", files)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("transformers"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, **quiet) as process:
        try:
            for _ in range(600):
                assert process.poll() is None
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                threading.Event().wait(0.2)
            yield ttclab.load(f"http://127.0.0.1:{port}/v1", model=str(files), files="small")
        finally:
            process.kill()


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


def test_what_a_real_server_lacks_is_found(server):
    lacks = {finding.what for finding in check(server) if not finding.holds}
    assert {"answers in chats", "heeds n", "gives logprobs", "stops at a string"} <= lacks
    assert not {"continues exact text", "greedy text is the same twice", "answers 32 requests at once"} & lacks
