"""The models that run in the page, against the same models in Python. The sources run in Chromium, without a book."""

import json
import threading
from copy import deepcopy
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

import ttclab
from ttclab.engine.sampler import random_stream

ROOT = Path(__file__).parents[2]
LOAD = """async () => {
    const source = name => import(`/ttclab/explorables/src/${name}.js`);
    const of = (name, file) => fetch(`/ttclab/zoo/${name}/${file}`);
    const [{ Llama, readSafetensors }, { RewardModel }, random] =
        await Promise.all(["llama", "reward_model", "random"].map(source));
    const load = async (name, Kind) => new Kind(
        await (await of(name, "config.json")).json(),
        readSafetensors(await (await of(name, "model.safetensors")).arrayBuffer()));
    Object.assign(window, random, { small: await load("small", Llama), prm: await load("prm", RewardModel) });
}"""
READ = """rows => rows.map(ids => {
    const cache = small.cache();
    let state = prm.blank();
    return ids.map(id => [[...small.feed(id, cache)], (state = prm.read(id, state)).right]);
})"""


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        pass


@pytest.fixture(scope="module")
def page(browser):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    page = context.new_page()
    page.route("**/empty.html", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto(f"http://127.0.0.1:{server.server_port}/empty.html")
    page.evaluate(LOAD)
    yield page
    context.close()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def model():
    return ttclab.load("small", device="cpu")


@pytest.fixture(scope="module")
def prm():
    return ttclab.load_verifier("prm", device="cpu")


@pytest.fixture(scope="module")
def rows(model):
    """Fifty problems, each with a solution that the model wrote, as tokens. The end-of-text token leads nowhere."""
    groups = model.generate(ttclab.load_problems("test", limit=50))
    return [[*model.engine.tokenizer.encode(s.problem.prompt), *s.tokens[:-1]] for [s] in groups]


@pytest.fixture(scope="module")
def in_page(page, rows):
    """Logits of the small model at each token of each row, and the PRM's probability that all is right so far."""
    read = page.evaluate(READ, rows)
    return [np.array([logits for logits, _ in row]) for row in read], [
        np.array([right for _, right in row]) for row in read
    ]


@torch.inference_mode()
def logits_of(network, rows):
    return [network(torch.tensor([ids])).logits[0].double().numpy() for ids in rows]


def farthest(ours, theirs):
    return max(float(abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


def test_logits_of_fifty_prompts_and_solutions_are_pythons_within_1e_4(model, rows, in_page):
    """Python in double precision: its single precision is farther from that than the page is."""
    exact = logits_of(deepcopy(model.engine.model).double(), rows)
    apart = farthest(in_page[0], exact)
    assert apart < 1e-4
    assert apart < farthest(logits_of(model.engine.model, rows), exact)


def test_the_page_predicts_the_token_that_python_predicts_at_every_place(model, rows, in_page):
    for ours, theirs in zip(in_page[0], logits_of(model.engine.model, rows), strict=True):
        assert (ours.argmax(-1) == theirs.argmax(-1)).all()


@torch.inference_mode()
def test_the_prm_scores_every_token_as_python_does_within_1e_5(prm, rows, in_page):
    theirs = [prm.model(torch.tensor([ids])).right[0].sigmoid().numpy() for ids in rows]
    assert farthest(in_page[1], theirs) < 1e-5


def test_a_fork_of_a_row_goes_on_as_the_row_would_and_leaves_it_alone(page, rows):
    same = page.evaluate(
        """ids => {
            const read = (cache, ids) => ids.map(id => [...small.feed(id, cache)]);
            const whole = small.cache();
            const expected = read(whole, ids);
            const fork = whole.fork(20).fork(12);
            const again = read(fork, ids.slice(12));
            const on = read(whole, [2]);
            const other = small.cache();
            read(other, ids);
            return JSON.stringify(expected.slice(12)) === JSON.stringify(again)
                && JSON.stringify(on) === JSON.stringify(read(other, [2])) && fork.length === ids.length;
        }""",
        rows[5],
    )
    assert same


@pytest.mark.parametrize("name", ["0/015+74+46*06/3", "", "x" * 127, "x" * 128, "ü/" * 100])
def test_a_random_stream_has_the_numbers_of_pythons_stream_of_that_name(page, name):
    ours = page.evaluate(
        "name => { const s = new RandomStream(name); return [...Array(64).keys()].map(i => s.at(i)); }", name
    )
    assert ours == random_stream(name, 64).tolist()


def test_a_model_of_another_kind_is_refused_with_what_it_lacks(page):
    config = json.loads((ROOT / "ttclab/zoo/small/config.json").read_text()) | {"hidden_act": "gelu"}
    refused = """async config => {
        const { Llama } = await import("/ttclab/explorables/src/llama.js");
        try { new Llama(config, {}); } catch (error) { return error.message; }
    }"""
    assert '"act":"gelu"' in page.evaluate(refused, config)


def test_the_live_models_weigh_at_most_400_kb():
    files = [ROOT / "ttclab" / "zoo" / name / "model.safetensors" for name in ("small", "prm")]
    assert sum(file.stat().st_size for file in files) <= 400_000
