import pytest
from fake_server import serving

import ttclab
from ttclab.cli import main
from ttclab.models.connection import ServerError
from ttclab.models.server_check import check


def found(**options):
    with serving(**options) as server:
        return {finding.ability: finding.holds for finding in check(ttclab.load(server.url, chat=False))}


def test_a_server_that_does_everything_is_said_to():
    wanted = {"counts cached tokens": False}  # the scripted one has no cache
    assert {what: holds for what, holds in found().items() if not holds} == wanted
    assert len(found()) == 12


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"ignores": ["n"]}, {"respects n"}),
        ({"ignores": ["seed"]}, {"respects the seed"}),
        ({"ignores": ["logprobs"]}, {"returns logprobs"}),
        ({"ignores": ["stop"]}, {"stops at a string", "reports what stopped it"}),
        ({"refuses": ["stop"]}, {"stops at a string", "reports what stopped it"}),
        ({"tells": None}, {"reports what stopped it"}),
        ({"ignores": ["usage"]}, {"counts tokens"}),
        ({"ignores": ["chat"]}, {"answers in chats"}),
        ({"ignores": ["completions"]}, {"continues exact text"}),
        ({"temperature": False}, {"draws differ", "respects the seed"}),
    ],
)
def test_what_a_server_lacks_is_found_and_nothing_else(options, missing):
    assert {what for what, holds in found(**options).items() if not holds} == {*missing, "counts cached tokens"}


def test_a_model_that_thinks_before_it_answers_is_found_to_write():
    thinking = {"message": {"content": None, "reasoning_content": "749184 749185"}, "finish_reason": "length"}
    with serving(ignores=["completions"], says=lambda body: thinking if "messages" in body else None) as server:
        findings = {finding.ability: finding.holds for finding in check(ttclab.load(server.url))}
    assert findings["answers in chats"] and not findings["continues exact text"]


def test_a_server_that_knows_max_completion_tokens_alone_is_checked_with_it():
    assert found(refuses=["max_tokens"], ignores=["completions"])["answers in chats"]


def test_an_address_that_is_not_as_far_as_v1_gets_a_hint(capsys):
    with serving() as server:
        root = server.url.removesuffix("/v1")
        assert main(["serve-check", root]) == 2
        assert main(["serve-check", root, "--model", "scripted"]) == 2
        assert capsys.readouterr().err.count(f"try {server.url}\n") == 2


def test_a_server_that_never_writes_is_an_error():
    with (
        serving(ignores=["chat", "completions"]) as server,
        pytest.raises(ServerError, match="returns no text"),
    ):
        check(ttclab.load(server.url))


def test_the_command_says_what_a_server_can_do_and_what_follows(capsys):
    with serving(ignores=["seed"]) as server:
        assert main(["serve-check", server.url]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"scripted at {server.url}\n")
    assert "\nno   respects the seed " in said and "a run cannot be repeated" in said


def test_the_command_says_in_one_line_that_there_is_no_server(capsys):
    assert main(["serve-check", "http://127.0.0.1:9/v1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
