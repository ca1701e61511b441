import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import fake_server
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_server import FAULTS, serving
from scripted import StepJudge

import ttclab
from ttclab import bank
from ttclab import server as client
from ttclab.beam_search import beam_search
from ttclab.flops import billed
from ttclab.problems import load_problems
from ttclab.server import ServerError
from ttclab.verifiers import RIGHT

PROBLEMS = load_problems("test", limit=100)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Attempts follow each other at once. Gives what would have been waited."""
    waited = []

    async def pause(seconds):
        waited.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(client, "pause", pause)
    return waited


def load(server, **options):
    return ttclab.load(server.url, **{"chat": False, "timeout": 30} | options)


def texts(groups):
    return [[solution.text for solution in group] for group in groups]


def test_a_thousand_requests_to_a_server_that_fails_in_every_way_are_all_accounted_for():
    with serving() as sound, billed() as wanted:
        expected = load(sound).generate(PROBLEMS, n=10)
    faults = dict.fromkeys(FAULTS, 0.03) | {"slow": 0.01}
    noticed = pytest.warns(UserWarning, match="writes 3 solutions where one is asked for")
    with serving(faults=faults) as server, billed() as bill, noticed:
        got = load(server, timeout=2).generate(PROBLEMS, n=10)
    assert all(server.failed[fault] for fault in FAULTS)
    assert texts(got) == texts(expected)
    assert [[s.key for s in group] for group in got] == [[s.key for s in group] for group in expected]
    assert all(s.finished and s.problem is p for p, group in zip(PROBLEMS, got, strict=True) for s in group)
    asked = Counter(json.dumps(request, sort_keys=True) for request in server.requests)
    assert len(asked) == 1000
    assert asked.total() >= 1000 + server.failed.total() - server.failed["many"]  # one at least for each that failed
    assert bill.total.generations == wanted.total.generations == 1000
    assert bill.total.tokens["prefill"] == wanted.total.tokens["prefill"]
    assert bill.total.tokens["decode"] > wanted.total.tokens["decode"]  # what came unasked was written all the same


def test_no_more_requests_are_in_flight_than_allowed():
    with serving() as server:
        load(server, concurrency=3).generate(PROBLEMS[:10], n=3)
        assert 1 <= server.most_in_flight <= 3


def test_solutions_depend_on_seed_problem_and_place_and_on_nothing_else():
    with serving() as server:
        policy = load(server)
        eight, four = (policy.generate(PROBLEMS[:3], n=n) for n in (8, 4))
        assert texts([group[:4] for group in eight]) == texts(four)
        assert texts([policy.generate(PROBLEMS[2], n=8)]) == texts([eight[2]])
        assert texts([policy.generate(PROBLEMS[0], n=4, start=4)]) == texts([eight[0][4:]])
        assert texts([policy.generate(PROBLEMS[0], n=4, seed=1)]) != texts([four[0]])
        assert len({s.text for s in eight[0]}) > 2


@pytest.mark.parametrize("tells", ["stop_reason", "matched_stop", "keeps", None])
@pytest.mark.parametrize("ignores", [[], ["stop"]])
def test_steps_add_up_to_the_greedy_text_however_a_server_says_where_it_stopped(tells, ignores):
    with serving(tells=tells, ignores=ignores) as server:
        policy = load(server)
        whole = policy.generate(PROBLEMS[:20], temperature=0)
        live, done = policy.generate_step(PROBLEMS[:20], temperature=0), {}
        while any(live):
            done.update({s.problem.id: s for group in live for s in group if s.finished})
            assert all(s.text.endswith("\n") and "\n" not in s.text[:-1].rpartition("\n")[2] for g in live for s in g)
            live = [[s for s in group if not s.finished] for group in live]
            live = policy.generate_step(PROBLEMS[:20], live, temperature=0)
        assert [done[p.id].text for p in PROBLEMS[:20]] == [s.text for [s] in whole]
        assert any(len(s.steps) > 1 for [s] in whole)


def test_a_server_that_fails_at_stop_strings_is_noticed_and_cut_here():
    with serving(refuses=["stop"]) as server, pytest.warns(UserWarning, match="can't stop at the end of a line"):
        policy = load(server)
        [first] = policy.generate_step(PROBLEMS[0], temperature=0)
        [whole] = policy.generate(PROBLEMS[0], temperature=0)
        assert first.text == whole.text[: whole.text.index("\n") + 1]
        assert not first.finished and first.length == len(first.text)


@pytest.mark.parametrize("tells", ["stop_reason", None])
def test_a_step_is_charged_for_what_the_server_wrote_and_the_end_of_the_text_ends_a_solution(tells):
    with serving(tells=tells) as server, billed() as bill:
        policy = load(server)
        [solution] = policy.generate_step(PROBLEMS[0], temperature=0)
        while not solution.finished:
            [solution] = policy.generate_step(PROBLEMS[0], [solution], temperature=0)
    assert bill.total.generations == 1
    assert bill.total.tokens["decode"] >= len(solution.text)
    assert solution.answer is not None


def test_the_limit_is_of_the_whole_solution_and_leaves_it_unfinished():
    with serving() as server:
        policy = load(server)
        [cut] = policy.generate(PROBLEMS[0], max_new_tokens=5)
        assert (cut.text, cut.finished, cut.length) == (cut.text[:5], False, 5)
        [step] = policy.generate_step(PROBLEMS[0], temperature=0, max_new_tokens=12)
        [more] = policy.rollout(PROBLEMS[0], [step], temperature=0, max_new_tokens=12)
        assert len(step.text) == 8 and len(more.text) <= 12
        assert texts([policy.rollout(PROBLEMS[0], [cut], max_new_tokens=5)]) == [[cut.text]]


def test_the_strategies_run_on_a_server():
    with serving() as server:
        policy, judge = load(server), StepJudge()
        results = {
            "best": ttclab.parallel_search(policy, judge, PROBLEMS[:4], 8),
            "majority": ttclab.parallel_search(policy, judge, PROBLEMS[:4], 8, choose="majority"),
            "beam": beam_search(policy, judge, PROBLEMS[:4], 8, 4),
            "lookahead": beam_search(policy, judge, PROBLEMS[:4], 4, 2, lookahead=1),
            "dvts": ttclab.dvts(policy, judge, PROBLEMS[:4], 8, 4),
            "chain": ttclab.hybrid_search(policy, judge, PROBLEMS[:4], 2, 3, feedback=ttclab.load_verifier("oracle")),
        }
        for name, found in results.items():
            for result in found:
                assert result.answer is not None and result.cost.tokens["decode"] > 0, name
                n = {"lookahead": 4}.get(name, 8)
                assert len(result.solutions) == n and result.cost.generations == n * (1 + (name == "lookahead")), name


def test_a_shared_prefix_is_sent_in_the_same_form_and_requests_with_it_together():
    with serving() as server:
        policy = load(server, concurrency=1)
        first = policy.generate_step(PROBLEMS[:2], n=3)
        policy.generate_step(PROBLEMS[:2], first)
        prompts = [request["prompt"] for request in server.requests if request["max_tokens"] > 4]  # not the trial
        assert prompts[:6] == [p.prompt for p in PROBLEMS[:2] for _ in range(3)]
        assert prompts[6:] == [s.problem.prompt + s.text for group in first for s in group if not s.finished]


def test_a_revision_is_fed_the_attempts_as_the_shipped_models_are():
    with serving() as server:
        policy = load(server)
        [attempt] = policy.generate(PROBLEMS[0])
        [revised] = policy.revise(PROBLEMS[0], [attempt], RIGHT)
        assert server.requests[-1]["prompt"] == f"!+{attempt.text}#{PROBLEMS[0].prompt}"
        assert revised.shown == f"!+{attempt.text}#"


def test_without_files_a_server_is_asked_in_turns_of_a_chat_and_steps_are_refused():
    with serving() as server:
        policy = load(server, chat=None)
        [solution] = policy.generate(PROBLEMS[0])
        assert server.requests[-1]["messages"] == [{"role": "user", "content": PROBLEMS[0].prompt}]
        assert solution.finished and solution.logprob == pytest.approx(-0.5 * (len(solution.text) + 1))
        with pytest.raises(ValueError, match=r"a chat can't go on with half a solution.*files="):
            policy.generate_step(PROBLEMS[0], policy.generate_step(PROBLEMS[0], n=2))


def test_files_price_the_tokens_and_give_the_temperature_and_the_limit():
    with serving() as server:
        policy = load(server, chat=None, files="small")
        with billed() as bill:
            [solution] = policy.generate(PROBLEMS[0])
        assert (server.requests[-1]["temperature"], server.requests[-1]["max_tokens"]) == (1.0, 64)
        prompt, config = len(PROBLEMS[0].prompt), policy.config
        assert bill.total.flops["prefill"] == ttclab.flops.forward_flops(config, prompt, logits=1)
        assert bill.total.flops["decode"] == ttclab.flops.decode_flops(config, len(solution.text), prompt)


@pytest.mark.parametrize("missing", ["logprobs", "usage"])
def test_what_a_server_leaves_out_is_said_once_and_missing_in_what_it_writes(missing, recwarn):
    with serving(ignores=[missing]) as server:
        with billed() as bill:
            solutions = load(server).generate(PROBLEMS[0], n=5)
        [said] = [str(warning.message) for warning in recwarn if warning.category is UserWarning]
        assert server.url in said
        if missing == "logprobs":
            with pytest.raises(ValueError, match="only the policy's own writing has a likelihood"):
                ttclab.load_verifier("self").score(solutions)
        else:
            assert bill.total.tokens == {"decode": sum(len(s.text) + 1 for s in solutions)}


@pytest.mark.parametrize("field", ["logprobs", "seed"])
def test_a_field_that_a_server_refuses_is_left_out_from_then_on(field):
    with serving(refuses=[field]) as server, pytest.warns(UserWarning, match=f"refuses {field}"):
        assert len(load(server, concurrency=1).generate(PROBLEMS[0], n=4)) == 4
        assert [field in request for request in server.requests] == [True] + [False] * 4


def test_a_request_that_is_refused_for_good_ends_in_one_clear_error_and_no_further_attempts():
    with serving(refuses=["prompt"]) as server:
        with pytest.raises(ServerError, match=r"127.0.0.1:\d+/v1 refuses a request: .*unexpected fields"):
            load(server, concurrency=1).generate(PROBLEMS[0], n=50)
        assert len(server.requests) <= 2


def test_a_server_that_never_recovers_is_given_up_after_pauses_that_grow(no_pauses):
    with serving(faults={"500": 1.0}) as server:
        with pytest.raises(ServerError, match=rf"failed {client.ATTEMPTS} times in a row .*try again"):
            load(server, concurrency=1).generate(PROBLEMS[0])
        assert len(server.requests) == client.ATTEMPTS == len(no_pauses) + 1
    assert no_pauses[0] == 1.0 and 15 <= no_pauses[-1] <= 30  # what the server asked for, then what we think right


def test_no_server_is_one_clear_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(ServerError, match=f"no server at {url} that lists its models"):
            ttclab.load(url)


@pytest.mark.parametrize(("models", "said"), [((), r"\(none\)"), (("a", "b"), "a, b")])
def test_a_server_with_another_number_of_models_than_one_wants_a_name(models, said):
    with serving(models=models) as server, pytest.raises(ValueError, match=f"has the models {said}: name one"):
        load(server)


@pytest.mark.parametrize("option", [{"concurrency": 0}, {"timeout": 0}])
def test_limits_that_allow_nothing_are_refused(option):
    with pytest.raises(ValueError, match="concurrency must be at least 1 and timeout above 0"):
        ttclab.load("http://127.0.0.1:1/v1", model="m", **option)


def test_options_of_servers_are_refused_for_models_that_run_here():
    with pytest.raises(TypeError, match="concurrency: only for the address of a server"):
        ttclab.load("small", concurrency=4)


def test_a_model_on_a_server_works_inside_a_running_event_loop():
    with serving() as server:

        async def notebook():
            return load(server).generate(PROBLEMS[0])

        with ThreadPoolExecutor(1) as thread:  # this thread may have a loop already: the browser's
            assert thread.submit(asyncio.run, notebook()).result()[0].finished


# Recording


def record(server, out, **options):
    asked = {"samples": 4, "problems": 30, "chunk": 10, "out": out, "server": {"chat": False, "timeout": 30} | options}
    return bank.record(server if isinstance(server, str) else server.url, "test", **asked)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What a sound server gives."""
    with serving() as server:
        return record(server, tmp_path_factory.mktemp("sound") / "served.parquet").read_bytes()


def test_a_recording_is_of_what_the_server_writes(tmp_path, unbroken):
    (tmp_path / "served.parquet").write_bytes(unbroken)
    recorded = bank.read(tmp_path / "served.parquet")
    with serving() as server:
        policy = load(server)
        assert recorded.texts.tolist() == texts(policy.generate(PROBLEMS[:30], n=4))
    assert (recorded.made["model"], recorded.made["served"]) == ("scripted", "scripted")
    with serving() as server, pytest.raises(ValueError, match="name a file as out"):
        bank.record(server.url, "test")


def test_flops_of_what_a_server_wrote_are_counted_by_whoever_reads_it_without_the_model(tmp_path):
    files = shutil.copytree(bank.ZOO / "small", tmp_path / "small")
    with serving() as server:
        got = record(server, tmp_path / "served.parquet", files=files)
        with billed() as bill:
            load(server, files=files).generate(PROBLEMS[3], n=4)
    shutil.rmtree(files)
    recorded = bank.read(got)
    assert recorded.prefill_flops[3] == bill.total.flops["prefill"] / 4  # the fake server keeps no prefix
    assert recorded.decode_flops[3].sum() == bill.total.flops["decode"]


def test_a_recording_from_a_server_that_fails_in_every_way_has_the_same_rows(tmp_path, unbroken):
    faults = dict.fromkeys(FAULTS, 0.03)
    with serving(faults=faults) as server, pytest.warns(UserWarning, match="writes 3 solutions where one is asked for"):
        got = record(server, tmp_path / "served.parquet", timeout=1)
    rows, wanted = pq.read_table(got), pq.read_table(pa.BufferReader(unbroken))
    assert {"slow", "truncated", "short", "closed"} <= server.failed.keys()
    same = [name for name in rows.column_names if name != "tokens"]  # those that came unasked were written all the same
    assert rows.select(same).equals(wanted.select(same))


@pytest.mark.parametrize("back", ["soon", "too late"])
def test_a_server_that_is_killed_and_started_again_in_the_middle_of_a_recording_loses_nothing(
    tmp_path, monkeypatch, unbroken, back
):
    with ExitStack() as running:

        def start(port, dies_after):
            command = [sys.executable, fake_server.__file__, str(port), str(dies_after)]
            process = running.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            running.callback(process.kill)
            return process, int(process.stdout.readline())

        first, port = start(0, dies_after=70)  # in the second chunk, with 32 requests in flight
        again = []

        async def pause(seconds):
            if not again:
                assert first.wait() == -signal.SIGKILL
                again.append(start(port, dies_after=0))

        out, url = tmp_path / "served.parquet", f"http://127.0.0.1:{port}/v1"
        if back == "soon":
            monkeypatch.setattr(client, "pause", pause)
        else:
            with pytest.raises(ServerError, match=f"failed {client.ATTEMPTS} times in a row"):
                record(url, out)
            assert [part.name for part in out.with_name("served.parquet.parts").iterdir()] == ["000000.parquet"]
            start(port, dies_after=0)
        assert record(url, out).read_bytes() == unbroken


INTERRUPTED = """
import signal, sys, ttclab
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process started in the background inherits deafness to it
policy = ttclab.load(sys.argv[1], chat=False)
print("ready", flush=True)
policy.generate(ttclab.load_problems("test", limit=4), n=8)
"""


def test_an_interrupt_breaks_off_what_is_in_flight():
    with serving(faults={"slow": 1.0}) as server:
        command = [sys.executable, "-c", INTERRUPTED, server.url]
        environment = os.environ | {"PYTHONPATH": str(Path(ttclab.__file__).parent.parent)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stdout.readline() == b"ready\n"
            while len(server.requests) < 32:
                assert process.poll() is None
                threading.Event().wait(0.01)
            process.send_signal(signal.SIGINT)
            try:
                _, said = process.communicate(timeout=30)
            finally:
                process.kill()  # or leaving the block would wait for it
        assert b"KeyboardInterrupt" in said.splitlines()[-1]
        assert len(server.requests) == 32
