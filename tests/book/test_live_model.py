"""The models and strategies that run in the page, against the same in Python: sources in Chromium, without a book."""

import json
import threading
from copy import deepcopy
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
import torch

import ttclab
from ttclab import bank, estimators
from ttclab.data import ZOO
from ttclab.engine.sampler import random_stream
from ttclab.problems import ArithmeticProblem
from ttclab.verifiers import NoisyOracle
from ttclab.verifiers.scoring import threshold_of

ROOT = Path(__file__).parents[2]
LOAD = """async () => {
    const source = name => import(`/ttclab/explorables/src/${name}.js`);
    const of = (name, file) => fetch(`/ttclab/data/zoo/${name}/${file}`);
    const [{ Llama, readSafetensors }, { RewardModel }, random] =
        await Promise.all(["llama", "reward_model", "random"].map(source));
    const load = async (name, Kind) => new Kind(
        await (await of(name, "config.json")).json(),
        readSafetensors(await (await of(name, "model.safetensors")).arrayBuffer()));
    const [policy, verifiers, strategies, flops, arithmetic] = await Promise.all(
        ["policy", "verifiers", "strategies", "flops", "arithmetic"].map(source));
    const { model: { vocab } } = await (await of("small", "tokenizer.json")).json();
    const characters = Object.keys(vocab).sort((a, b) => vocab[a] - vocab[b]);
    Object.assign(window, random, policy, verifiers, strategies, flops, arithmetic);
    window.alphabet = new policy.Alphabet(characters);
    Object.assign(window, { small: await load("small", Llama), prm: await load("prm", RewardModel) });
}"""
RUN = """([strategy, ids, N, M, options]) => ids.map(id => {
    const bill = new Bill();
    const policy = new Policy(small, alphabet, bill, { temperature: 1, seed: 0, ...options });
    const verifier = new Prm(prm, alphabet, bill, strategy === "step_revise");
    const problem = parseProblem(id);
    const found = {
        generate: () => ({ solutions: policy.generate(problem, N), scores: [] }),
        parallel_search: () => parallelSearch(policy, verifier, problem, N),
        beam_search: () => beamSearch(policy, verifier, problem, N, M),
        dvts: () => dvts(policy, verifier, problem, N, M),
        step_revise: () => stepRevise(policy, verifier, problem, N / M - 1, M, options.threshold),
    }[strategy]();
    const texts = found.solutions.map(solution => solution.text);
    const chosen = found.scores.length && Object.values(picks(found)).map(i => found.solutions[i].answer);
    return { texts, tokens: found.solutions.map(solution => solution.tokens), scores: found.scores, chosen,
             bill: { ...bill, flops: bill.flops } };
})"""
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
    """Python in double precision, as for the logits."""
    exact = deepcopy(prm.model).double()
    theirs = [exact(torch.tensor([ids])).right[0].sigmoid().numpy() for ids in rows]
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
    config = json.loads((ZOO / "small" / "config.json").read_text()) | {"hidden_act": "gelu"}
    refused = """async config => {
        const { Llama } = await import("/ttclab/explorables/src/llama.js");
        try { new Llama(config, {}); } catch (error) { return error.message; }
    }"""
    assert '"act":"gelu"' in page.evaluate(refused, config)


def test_the_live_models_weigh_at_most_400_kb():
    files = [ZOO / name / "model.safetensors" for name in ("small", "prm")]
    assert sum(file.stat().st_size for file in files) <= 400_000


# ---- sampling and strategies


def run(page, strategy, problems, N=16, M=4, **options):
    """A strategy in the page: for each problem its texts, tokens, scores, what three rules choose, and its bill."""
    return page.evaluate(RUN, [strategy, [problem.id for problem in problems], N, M, options])


def test_greedy_tokens_are_those_of_pythons_engine_on_two_hundred_problems(page, model):
    problems = ttclab.load_problems("test", limit=200)
    expected = [[list(solution.tokens) for solution in group] for group in model.generate(problems, temperature=0)]
    assert [ours["tokens"] for ours in run(page, "generate", problems, N=1, temperature=0)] == expected


@pytest.mark.parametrize(("temperature", "seed"), [(0.5, 0), (1, 7), (1.5, 3)])
def test_samples_are_those_that_python_draws_with_the_same_seed_and_temperature(page, model, temperature, seed):
    problems = ttclab.load_problems("test", limit=10)
    groups = model.generate(problems, n=4, temperature=temperature, seed=seed)
    expected = [[list(solution.tokens) for solution in group] for group in groups]
    found = run(page, "generate", problems, N=4, temperature=temperature, seed=seed)
    assert [ours["tokens"] for ours in found] == expected


STRATEGIES = {
    "parallel_search": lambda task, N, M, **options: ttclab.parallel_search(*task, N, **options),
    "beam_search": lambda task, N, M, **options: ttclab.beam_search.beam_search(*task, N, M, **options),
    "dvts": lambda task, N, M, **options: ttclab.dvts(*task, N, M, **options),
    "step_revise": lambda task, N, M, **options: ttclab.hybrid_search(
        *task, M, N // M - 1, feedback=task[1], **options
    ),
}


@pytest.mark.parametrize(("N", "M", "temperature"), [(8, 4, 1), (12, 4, 2)])  # when hot, places end one by one
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_finds_scores_and_charges_what_it_does_in_python(page, model, prm, strategy, N, M, temperature):
    problems = ttclab.load_problems("test", limit=18)  # of every length and size
    ours = run(page, strategy, problems, N, M, temperature=temperature)
    results = STRATEGIES[strategy]((model, prm, problems), N, M, temperature=temperature)
    for mine, result in zip(ours, results, strict=True):
        assert mine["texts"] == [solution.text for solution in result.solutions]
        assert mine["scores"] == pytest.approx(result.scores, abs=1e-4)  # Python's are in single precision
        assert mine["chosen"][0] == result.answer
        bill, cost = mine["bill"], result.cost
        for kind in ("prefill", "decode", "verifier", "cached"):
            assert bill[kind] == cost.flops[kind], kind
        assert bill["flops"] == cost.total_flops
        counts = cost.generations, cost.revisions, cost.verifier_calls
        assert (bill["generations"], bill["revisions"], bill["calls"]) == counts


def recorded_samples(limit):
    samples, scores = bank.load("small", "test"), bank.load_scores("prm", "small-test")
    found = [samples.solutions(i)[:16] for i in range(limit)]
    last = [[steps[-1] if steps else 0.0 for steps in group[:16]] for group in scores[:limit]]
    return samples.problems[:limit], found, last


def recorded_searches(limit):
    searches = bank.load_searches("small", "prm", "test", 16, 4)
    return searches.problems[:limit], searches.found[:limit], searches.scores[:limit]


def recorded_revisions(limit):
    chains = bank.load_step_revision("small", "prm", "test", T=3, M=4)
    return chains.problems[:limit], chains.found[:limit], chains.scores[:limit]


RECORDED = {
    "parallel_search": recorded_samples,
    "beam_search": recorded_searches,
    "step_revise": recorded_revisions,
}


@pytest.mark.parametrize("strategy", RECORDED)
def test_on_150_problems_the_page_writes_and_solves_what_was_recorded(page, strategy):
    """The recorded runs may come from another machine: one solution in a hundred may differ by rounding."""
    problems, found, scores = RECORDED[strategy](150)
    ours = run(page, strategy, problems, threshold=threshold_of("prm"))
    pairs = [
        (text, solution)
        for mine, group in zip(ours, found, strict=True)
        for text, solution in zip_longest(mine["texts"], group, fillvalue=None)
    ]
    assert np.mean([text == (solution and solution.text) for text, solution in pairs]) >= 0.99
    for place, choose in enumerate(("best", "weighted", "majority")):
        right = [ttclab.Result.chosen(choose, *each).correct for each in zip(map(list, found), scores, strict=True)]
        solved = np.mean(
            [mine["chosen"][place] == problem.answer for mine, problem in zip(ours, problems, strict=True)]
        )
        interval = estimators.bootstrap(right)
        assert interval.low <= solved <= interval.high
        assert solved == pytest.approx(np.mean(right), abs=0.0101)


@pytest.mark.parametrize("quality", [0.6, 0.8])
def test_the_noise_of_an_oracle_is_pythons(page, model, quality):
    groups = model.generate(ttclab.load_problems("test", limit=6), n=4)
    solutions = [solution for group in groups for solution in group]
    ours = page.evaluate(
        """([quality, all]) => {
            const oracle = new NoisyOracle(new Bill(), quality);
            const solutions = all.map(([id, text]) => ({
                problem: parseProblem(id), text, steps: stepsOf(text), answer: answerOf(text), finished: true,
            }));
            return [oracle.score(solutions), oracle.scoreSteps(solutions)];
        }""",
        [quality, [[solution.problem.id, solution.text] for solution in solutions]],
    )
    assert ours[0] == pytest.approx(NoisyOracle(quality).score(solutions), abs=1e-9)
    for mine, theirs in zip(ours[1], NoisyOracle(quality).score_steps(solutions), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)


# ---- the reader's own problem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("015+74+46*06", "015+74+46*06"),
        ("15 + 74 + 46 × 6", "015+74+46*06"),
        ("5−3", "005-03"),
        ("100-99*9", "100-99*09"),
    ],
)
def test_a_problem_is_read_as_a_reader_writes_it(page, written, meant):
    problem = ArithmeticProblem.from_expression(meant)
    ours = page.evaluate("written => parseProblem(written)", written)
    assert ours == {
        "id": problem.id,
        "question": problem.question,
        "answer": problem.answer,
        "right": list(problem.solution_steps),
    }


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("15", "1 to 6 operations"),
        ("15+", "1 to 6 operations"),
        ("15/3", "1 to 6 operations"),
        ("1" + "+1" * 7, "1 to 6 operations"),
        ("1000+1", "up to 3 digits"),
        ("1+100", "up to 2 digits"),
        ("alert(1)", "not “alert(1)”"),
        ("15-20", "goes through 15, -5"),
        ("99*99", "totals must stay between 1 and 999, but “99*99” goes through 99, 9801"),
        ("0+0", "goes through 0, 0"),
    ],
)
def test_a_problem_that_cannot_be_is_refused_with_the_rule_and_the_value(page, written, why):
    refused = "written => { try { return parseProblem(written); } catch (error) { return error.message; } }"
    assert why in page.evaluate(refused, written)


def test_steps_are_read_checked_and_shown_as_in_python(page, model):
    solutions = [s for group in model.generate(ttclab.load_problems("test", limit=18), n=4) for s in group]
    ours = page.evaluate(
        """all => all.map(([id, text]) => {
            const [problem, steps] = [parseProblem(id), stepsOf(text)];
            const lines = steps.map((step, i) => showStep(step, i ? steps[i - 1] : id));
            return [checkSteps(problem, steps), answerOf(text), lines.join("\\n")];
        })""",
        [[solution.problem.id, solution.text] for solution in solutions],
    )
    assert not all(solution.correct for solution in solutions)
    for (checks, answer, shown), solution in zip(ours, solutions, strict=True):
        assert checks == solution.problem.check_steps(solution.steps)
        assert answer == solution.problem.read(solution.text)[1]
        if answer:
            assert shown == str(solution)
