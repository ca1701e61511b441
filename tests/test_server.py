import asyncio
import json
import os
import re
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
from scripted import ScriptedVerifier
from tiny import TOKENIZER, random_model

import ttclab
from ttclab import bank
from ttclab.bank.draws import Draws
from ttclab.beam_search import beam_search
from ttclab.cli import main
from ttclab.ledger import billed
from ttclab.models import LanguageModel, client
from ttclab.models import server as served
from ttclab.models.connection import ServerError
from ttclab.problems import load_problems
from ttclab.tasks.text_problems import TextProblem
from ttclab.training.tokens import build_tokenizer
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
    noticed = pytest.warns(UserWarning, match="returns 3 solutions for a request of one")
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
    with serving(refuses=["stop"]) as server, pytest.warns(UserWarning, match="cannot stop at the end of a line"):
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
        policy, verifier = load(server), ScriptedVerifier()
        results = {
            "best": ttclab.parallel_search(policy, verifier, PROBLEMS[:4], 8),
            "majority": ttclab.parallel_search(policy, verifier, PROBLEMS[:4], 8, choose="majority"),
            "beam": beam_search(policy, verifier, PROBLEMS[:4], 8, 4),
            "lookahead": beam_search(policy, verifier, PROBLEMS[:4], 4, 2, lookahead=1),
            "dvts": ttclab.dvts(policy, verifier, PROBLEMS[:4], 8, 4),
            "chain": ttclab.hybrid_search(
                policy, verifier, PROBLEMS[:4], 2, 3, feedback=ttclab.load_verifier("oracle")
            ),
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
        with pytest.raises(ValueError, match=r"a partial solution cannot be continued in a chat.*files="):
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
            with pytest.raises(ValueError, match="a solution needs a log-probability"):
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


# Replies without a text of their own


THOUGHT = "Let me see.\n"
WITHOUT_TEXT = {
    "reasoning to the limit": {"finish_reason": "length", "message": {"content": None, "reasoning_content": THOUGHT}},
    "the same by another name": {"finish_reason": "length", "message": {"content": "", "reasoning": THOUGHT}},
    "reasoning to the end": {"finish_reason": "stop", "message": {"content": None, "reasoning_content": THOUGHT}},
    "a content filter": {"finish_reason": "content_filter", "message": {"content": None}},
    "a refusal": {"finish_reason": "stop", "message": {"content": None, "refusal": "No."}},
    "an abort": {"finish_reason": "abort", "message": {"content": ""}},
    "a call of a tool": {
        "finish_reason": "tool_calls",
        "message": {"content": None, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    },
    "no reason at all": {"finish_reason": None, "message": {"content": None}},
    "no message": {"finish_reason": "stop", "message": {"role": "assistant", "content": None, "audio": None}},
}  # fmt: skip


def to(problem, said):
    """What a server says to one problem, and the usual to others."""
    return lambda body: said if problem.prompt in (body.get("prompt") or body["messages"][-1]["content"]) else None


@pytest.mark.parametrize("said", WITHOUT_TEXT.values(), ids=WITHOUT_TEXT)
def test_a_reply_without_content_is_an_unfinished_solution_and_the_others_go_on(said, tmp_path, recwarn):
    with serving() as server:
        expected = load(server, chat=None).generate(PROBLEMS[:4], n=2)
    with serving(says=to(PROBLEMS[1], said)) as server:
        got = load(server, chat=None).generate(PROBLEMS[:4], n=2)
        assert len(server.requests) == 8
        out = record(server, tmp_path / "served.parquet", problems=4, samples=2, chat=None)
    assert texts([got[0], *got[2:]]) == texts([expected[0], *expected[2:]])
    for solution in got[1]:
        assert (solution.text, solution.finished, solution.answer) == ("", False, None)
        assert solution.problem is PROBLEMS[1]
    recorded = bank.read(out)
    assert recorded.finished.tolist() == [[True] * 2, [False] * 2, [True] * 2, [True] * 2]
    likely = [*got[0], *got[1]]
    chosen = ttclab.sampling.Result.best(likely, ttclab.load_verifier("self").score(likely))
    assert chosen.solution.text
    if said["finish_reason"] != "length":
        named = [str(w.message) for w in recwarn if repr(PROBLEMS[1].id) in str(w.message)]
        assert len(named) == 1 and "unfinished" in named[0]


@pytest.mark.parametrize("reason", ["length", "content_filter", "abort", "tool_calls", None, "unheard of"])
def test_the_same_behind_a_server_of_exact_text_keeps_what_was_written(reason):
    for written, text in ((None, ""), ("+01=0", "+01=0")):
        with serving(says=to(PROBLEMS[1], {"text": written, "finish_reason": reason})) as server:
            got = load(server).generate(PROBLEMS[:3])
            assert len(server.requests) == 3
        assert [s.finished for [s] in got] == [True, False, True]
        assert got[1][0].text == text


@pytest.mark.parametrize(
    "said",
    [{"choices": []}, {"text": None, "finish_reason": "stop"}, {"finish_reason": "error", "text": ""}],
    ids=["no choice", "no text", "an error"],
)
def test_what_may_be_an_accident_is_asked_again_a_few_times_and_then_taken_for_the_answer(said, recwarn):
    with serving(says=to(PROBLEMS[1], said)) as server:
        got = load(server).generate(PROBLEMS[:3])
        assert len(server.requests) == 2 + client.MAX_EMPTY_REPLIES < 2 + client.ATTEMPTS
    assert [s.finished for [s] in got] == [True, False, True]
    assert any(repr(PROBLEMS[1].id) in str(warning.message) for warning in recwarn)


@pytest.mark.parametrize(
    "message",
    [
        {"content": "+01=002\n", "reasoning_content": THOUGHT},
        {"content": "+01=002\n", "reasoning": THOUGHT},
        {"content": "+01=002\n", "reasoning": THOUGHT, "reasoning_content": THOUGHT},
        {"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
            {"type": "text", "text": "+01=002\n"}]},
    ],
)  # fmt: skip
def test_reasoning_is_kept_apart_from_the_solution(message):
    with serving(says=lambda body: {"message": message, "finish_reason": "stop"}) as server:
        [solution] = load(server, chat=None).generate(PROBLEMS[0])
    assert (solution.text, solution.reasoning, solution.finished) == ("+01=002\n", THOUGHT, True)
    assert solution.answer == "2"


ODD = {
    "choices of nothing": {"choices": [None]},
    "a choice that is no object": {"choices": ["+01=002\n"]},
}


@pytest.mark.parametrize("said", ODD.values(), ids=ODD)
def test_a_reply_of_another_form_is_a_server_error_and_no_crash(said):
    with serving(says=lambda body: said) as server, pytest.raises(ServerError, match="in a row at one request"):
        load(server).generate(PROBLEMS[0])


@pytest.mark.parametrize(
    "said",
    [
        {"logprobs": {"token_logprobs": [{}, "x"], "tokens": None}},
        {"logprobs": {"content": [3]}},
        {"logprobs": []},
        {"logprobs": {"token_logprobs": [None, -1.0]}},
    ],
)
def test_log_probabilities_of_another_form_are_none(said):
    with serving(says=lambda body: said) as server:
        [solution] = load(server).generate(PROBLEMS[0])
        assert solution.finished


def test_usage_without_numbers_is_counted_from_the_reply():
    usage = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}
    text = {"index": 0, "text": "+01=002\n", "finish_reason": "stop", "logprobs": None}
    cached = {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}}
    for each in (usage, cached):
        with serving(says=lambda body, each=each: {"choices": [text], "usage": each}) as server, billed() as bill:
            assert load(server, files="small", chat=None).generate(PROBLEMS[0])[0].text == "+01=002\n"
        assert bill.total.tokens["cached"] <= 5 and min(bill.total.flops.values(), default=0) >= 0


def test_half_a_surrogate_pair_from_a_server_is_no_end_of_the_run(tmp_path):
    with serving(says=to(PROBLEMS[1], "+01=\ud83d\n")) as server:
        out = record(server, tmp_path / "served.parquet", problems=3, samples=1)
        policy = load(server)
        steps = policy.generate_step(PROBLEMS[1])
        policy.generate_step(PROBLEMS[1], steps)  # it is sent back
    assert bank.read(out).texts[1, 0] == "+01=\ufffd\n"


# Contexts that are too small


OVERFLOWS = {
    "vLLM": (400, "This model's maximum context length is 2048 tokens. However, you requested 2560 tokens (512 in the "
             "messages, 2048 in the completion). Please reduce the length of the messages or completion."),
    "newer vLLM": (400, "'max_tokens' or 'max_completion_tokens' is too large: 2048. This model's maximum context "
                   "length is 1024 tokens and your request has 10 input tokens (2048 > 1024 - 10)."),
    "vLLM's engine": (400, "The decoder prompt (length 5000) is longer than the maximum model length of 2048."),
    "SGLang": (400, "Input length (5000 tokens) exceeds the maximum allowed length (4096 tokens)."),
    "llama.cpp": (400, "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it"),
    "older llama.cpp": (500, "the request exceeds the available context size. try increasing the context size"),
    "TGI": (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 `inputs`"),
    "Gemini": (400, "The input token count (5000) exceeds the maximum number of tokens allowed (4096)."),
    "Anthropic": (400, "prompt is too long: 210000 tokens > 200000 maximum"),
    "Mistral": (400, "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"),
    "OpenAI": (400, "Input tokens exceed the configured limit of 272000 tokens. Your messages have 300000."),
    "tokens a minute": (429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 50000."),
    "a gateway": (413, "Payload Too Large"),
}  # fmt: skip


@pytest.mark.parametrize("said", OVERFLOWS.values(), ids=OVERFLOWS)
@pytest.mark.parametrize("chat", [None, False], ids=["chat", "text"])
def test_a_context_overflow_names_the_problem_and_the_others_go_on(said, chat, tmp_path, recwarn):
    with serving(says=to(PROBLEMS[1], said)) as server:
        policy = load(server, chat=chat)
        for _ in range(2):
            got = policy.generate(PROBLEMS[:4], n=2)
        assert len(server.requests) == 16
        out = record(server, tmp_path / "served.parquet", problems=4, samples=2, chunk=1, chat=chat)
    assert [[s.finished for s in group] for group in got] == [[True] * 2, [False] * 2, [True] * 2, [True] * 2]
    named = [str(w.message) for w in recwarn if "too small a context" in str(w.message)]
    assert len(named) == 1 and repr(PROBLEMS[1].id) in named[0] and said[1][:20] in named[0]
    assert bank.read(out).finished.sum() == 6


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "max_tokens is too large: 100000. This model supports at most 16384 completion tokens."),
        (401, "Incorrect API key provided: context limit"),
        (402, "You exceeded your credit limit"),
        (400, "Input should be a valid list: messages"),
    ],
)
def test_refusals_of_other_kinds_still_end_the_run_with_their_reason(status, message):
    with serving(says=lambda body: (status, message)) as server:
        with pytest.raises(ServerError, match=f"refuses a request: .*{message[:20]}"):
            load(server, chat=None).generate(PROBLEMS[:3])
        assert len(server.requests) <= 6


def test_a_busy_server_is_not_taken_for_one_with_too_small_a_context():
    answers = iter([(429, "Rate limit exceeded: limit 60 requests a minute")] * 3)
    with serving(says=lambda body: next(answers, None)) as server:
        assert load(server).generate(PROBLEMS[0])[0].finished


# Base models


WORDS = [TextProblem.of(f"word {i}", f"{i} and {i}?", str(2 * i)) for i in range(1, 4)]
BASE = "Twice it is.\n\nThat makes 4.\n#### 4\nQuestion: 3 and 3?\nAnswer:\nIt is 6.\n#### 6\n"
WHOLE = BASE[: BASE.index("Question")]


def goes_on(body):
    """A base model: what it writes is a text that does not end with the solution."""
    begun = body["prompt"].rpartition("Answer:\n")[2]
    return BASE.removeprefix(begun) if BASE.startswith(begun) else "\n"


@pytest.mark.parametrize("tells", ["stop_reason", None])
def test_a_base_model_behind_a_server_is_cut_where_the_local_one_is(tells):
    with serving(says=goes_on, tells=tells) as server, billed() as bill:
        policy = load(server)
        [solution] = policy.generate(WORDS[1])
        assert (solution.text, solution.finished, solution.answer) == (WHOLE, True, "4")
        assert solution.length == len(WHOLE) and solution.logprob == pytest.approx(-0.5 * len(WHOLE))
        assert bill.total.tokens["decode"] == len(BASE) + 1  # all that it wrote
        [step] = policy.generate_step(WORDS[1])
        [whole] = policy.rollout(WORDS[1], [step])
        assert (whole.text, whole.finished) == (WHOLE, True)
        steps = [step]
        while not steps[-1].finished:
            steps += policy.generate_step(WORDS[1], [steps[-1]])
        assert steps[-1].text == WHOLE


def test_the_local_model_and_the_server_cut_the_same_text_at_the_same_place():
    tokenizer = TOKENIZER  # it has no word, but the marks of an answer
    model = random_model("llama", seed=2)
    problem, text = TextProblem.of("one", "1+1", "2"), "+01=002\n#### 2\n+01=002\n#### 3\n"
    ids = tokenizer.encode(text)
    forward = model.forward

    def scripted(**inputs):
        output = forward(**inputs)
        for row, place in enumerate(inputs["position_ids"][:, -1].tolist()):
            output.logits[row, -1, ids[(place + 1 - len(tokenizer.encode(problem.feed()))) % len(ids)]] = 1e4
        return output

    model.forward = scripted
    [local] = LanguageModel(model, tokenizer).generate(problem, max_new_tokens=60)
    with serving(says=lambda body: tokenizer.decode(ids).removeprefix(body["prompt"])) as server:
        [served] = load(server).generate(problem, max_new_tokens=60)
    assert (served.text, served.finished, served.length) == (local.text, local.finished, local.length)


def test_a_model_with_a_chat_template_ends_by_itself(tmp_path):
    tokenizer = build_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}{{ '\nAnswer:\n' }}"
    random_model("llama").save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with serving(says=goes_on) as server:
        assert load(server, chat=None, files=tmp_path).generate(WORDS[1], max_new_tokens=200)[0].text == BASE
        assert load(server, chat=False, files=tmp_path).generate(WORDS[1], max_new_tokens=200)[0].text == WHOLE


def test_blank_lines_between_steps_are_not_steps():
    text = "First.\n\n \n\nSecond.\n\nThird.\n#### 4\n"

    def says(body):
        begun = body["prompt"].rpartition("Answer:\n")[2]
        return text.removeprefix(begun)

    for tells in ("stop_reason", "matched_stop", "keeps", None):
        with serving(says=says, tells=tells) as server:
            policy, seen = load(server), []
            live = policy.generate_step(WORDS[1])
            while not live[0].finished:
                seen.append(live[0].steps)
                live = policy.generate_step(WORDS[1], live)
            assert [len(steps) for steps in (*seen, live[0].steps)] == [1, 2, 3, 4]
            assert live[0].text == text


def test_a_server_that_writes_nothing_but_blank_lines_is_left_after_a_few():
    with serving(says=lambda body: "\n" * 5, ignores=["usage"]) as server:
        [solution] = load(server).generate_step(WORDS[1])
        assert not solution.text.strip()
        assert len(server.requests) <= served.MAX_BLANK_LINES + 2


def test_a_first_step_in_a_chat_is_given_whatever_it_is():
    for tells in ("stop_reason", None):
        with serving(says=lambda body: "\nFirst.\n", tells=tells) as server:
            [solution] = load(server, chat=None).generate_step(WORDS[1])
            assert solution.text == "\n"


# Limits


def test_a_server_that_knows_max_completion_tokens_alone_is_asked_with_it():
    with serving(refuses=["max_tokens"]) as server:
        got = load(server, chat=None).generate(PROBLEMS[:20], n=3, max_new_tokens=7)
        assert {s.length for group in got for s in group} == {7}
        assert all(request.get("max_completion_tokens", 7) == 7 for request in server.requests)
        assert sum("max_tokens" in request for request in server.requests) <= 32
        before = len(server.requests)
        load(server, chat=None, model="scripted").send(
            [{"messages": [{"role": "user", "content": "1"}], "max_tokens": 3}]
        )
        assert [*server.requests[before:]][-1]["max_completion_tokens"] == 3
    with serving(refuses=["max_tokens", "max_completion_tokens"]) as server:
        with pytest.raises(ServerError, match="refuses a request"):
            load(server, chat=None).generate(PROBLEMS[0])
        assert len(server.requests) <= 3


def test_a_temperature_of_one_is_left_out_where_a_server_refuses_any_other():
    with serving(refuses=["temperature"]) as server:
        with pytest.warns(UserWarning, match="refuses temperature"):
            assert load(server, chat=None).generate(PROBLEMS[0])[0].finished
        with pytest.raises(ServerError, match=r"refuses a request: .*temperature"):
            load(server, chat=None).generate(PROBLEMS[0], temperature=0.5)


def test_that_all_solutions_were_cut_at_the_limit_is_said_once_and_loudly(recwarn):
    with serving() as server:
        policy = load(server)
        policy.generate(PROBLEMS[:3], n=2)
        for _ in range(2):
            policy.generate(PROBLEMS[:3], n=2, max_new_tokens=5)
    [said] = [str(warning.message) for warning in recwarn if "CUT" in str(warning.message)]
    assert said.startswith("ALL 6 SOLUTIONS WERE CUT, at 5 tokens") and "max_new_tokens" in said


# Addresses


@pytest.mark.parametrize("path", ["", "/", "/v1/chat/completions", "/v1/models", "/api", "/models"])
def test_an_address_that_is_not_as_far_as_v1_gets_a_hint(path):
    with serving() as server:
        root = server.url.removesuffix("/v1")
        wanted = re.escape(f"{root}/api/v1" if path == "/api" else server.url)
        with pytest.raises(ServerError, match=f"no server at .* an address ends with /v1: try {wanted}$"):
            ttclab.load(root + path)
        with pytest.raises(ServerError, match=f"refuses a request: .*: try {wanted}$"):
            ttclab.load(root + path, model="scripted").generate(PROBLEMS[0])
        assert ttclab.load(f"{server.url}/").generate(PROBLEMS[0])[0].finished


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct/tree/main?x=1#y", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("http://www.huggingface.co/Qwen/Qwen2.5-0.5B-Instruct/", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("HTTPS://HF.co/Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("huggingface.co/Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("https://huggingface.co/datasets/openai/gsm8k", "openai/gsm8k"),
        ("https://huggingface.co", "owner/name"),
    ],
)
def test_a_page_of_the_hub_is_no_server_and_is_asked_nothing(page, name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(client, "run_in_loop", lambda work: pytest.fail("it was asked"))
    message = f"is a page of the Hub, not a server: .*{re.escape(name)}"
    for call in (
        lambda: ttclab.load(page),
        lambda: ttclab.load(page, model="m"),
        lambda: ttclab.load("http://127.0.0.1:9/v1", model="m", files=page),
        lambda: ttclab.load_verifier(page),
        lambda: bank.record(page, "test"),
        lambda: ttclab.load_problems(page),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert main(["serve-check", page]) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("name", ["localhost:8000/v1", "127.0.0.1:8000", "my-host.net:8000/v1"])
def test_an_address_without_its_beginning_gets_a_hint(name):
    with pytest.raises(ValueError, match=f"begins with http://, as in http://{name}"):
        ttclab.load(name)


def test_the_key_is_sent_to_what_is_asked_for_as_a_server_and_to_no_other_page(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with serving() as server:
        with pytest.raises(ServerError):
            ttclab.load(server.url.removesuffix("/v1") + "/Qwen/Qwen2.5-0.5B")
        assert server.keys and not any("secret" in key for key in server.keys)
        ttclab.load(server.url)
        assert server.keys[-1] == "Bearer secret"
    with serving(root=True) as server:  # it lists its models, and so is one
        policy = ttclab.load(server.url.removesuffix("/v1"))
        assert "secret" not in server.keys[-1]
        policy.generate(PROBLEMS[0])
        assert server.keys[-1] == "Bearer secret"
    with serving() as server:  # its model is named, and so it is asked for as one
        with pytest.raises(ServerError):
            ttclab.load(server.url.removesuffix("/v1"), model="m").generate(PROBLEMS[0])
        assert server.keys == ["Bearer secret"]


def test_the_key_does_not_follow_to_another_address(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with serving() as other, serving(redirects_to=other.url) as server:
        policy = ttclab.load(server.url)
        policy.generate(PROBLEMS[0])
        assert {*server.keys} == {"Bearer secret"}
        assert other.requests and not any("secret" in (key or "") for key in other.keys)


PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy")


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense://127.0.0.1:9"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_this_machine_is_reached_without_a_proxy(monkeypatch, proxy, host):
    for name in PROXIES:
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        url = server.url.replace("127.0.0.1", host)
        assert ttclab.load(url, chat=False).generate(PROBLEMS[0])[0].finished


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "nonsense://127.0.0.1:9"])
def test_a_proxy_that_does_not_work_is_mentioned(monkeypatch, proxy):
    for name in PROXIES:
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises((ServerError, ValueError), match=r"served\.example.*go through a proxy.*NO_PROXY"):
        ttclab.load("http://served.example/v1")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/v1", "http://[::1/v1", "http://", "http://:80:80/v1"])
def test_what_is_no_address_is_one_clear_error(url):
    with pytest.raises((ValueError, ServerError), match=re.escape(url)):
        ttclab.load(url)


# Recording


def record(server, out, **options):
    chunk = options.pop("chunk", 10)
    limits = {"samples": 4, "problems": 30} | {
        name: options.pop(name) for name in ("samples", "problems") if name in options
    }
    draws = Draws(**limits, server={"chat": False, "timeout": 30} | options)
    return bank.record(server if isinstance(server, str) else server.url, "test", draws, chunk=chunk, out=out)


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
    assert (recorded.metadata.model, recorded.metadata.served) == ("scripted", "scripted")
    with serving() as server, pytest.raises(ValueError, match="name one as out"):
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
    with serving(faults=faults) as server, pytest.warns(UserWarning, match="returns 3 solutions for a request of one"):
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
