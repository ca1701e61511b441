import gc
from contextlib import nullcontext

import pytest
import torch
from test_reward_model import PROBLEM, SOLUTION, TOKENIZER, encode, look, random_reward_model
from torch._subclasses.fake_tensor import FakeTensorMode

import ttclab
from ttclab.beam_search import beam_search
from ttclab.engine import Engine
from ttclab.engine.graphs import CaptureError
from ttclab.ledger import billed
from ttclab.verifiers import static_reading
from ttclab.verifiers.reader import Reader
from ttclab.verifiers.static_reading import StaticReadings

# "static" is the code that a CUDA graph holds, run without the graph.
either_decoder = pytest.mark.parametrize("decoder", ["eager", "static"])


def contexts_and_solutions(*texts):
    return [tuple(TOKENIZER.encode(PROBLEM.prompt))] * len(texts), [tuple(TOKENIZER.encode(text)) for text in texts]


@either_decoder
def test_a_reader_reads_a_prompt_once_for_all_solutions_and_the_same_solution_once(decoder):
    verifier = random_reward_model()
    right, passes = Reader(verifier, decoder=decoder).read(*contexts_and_solutions(SOLUTION, "+74=089\n", SOLUTION))
    begun = len(PROBLEM.prompt)
    assert passes == [[(begun, 0), (len(SOLUTION), begun)], [(8, begun)], []]
    whole = look(verifier, encode(PROBLEM.prompt + SOLUTION)).right.sigmoid()[0, len(PROBLEM.prompt) :]
    assert torch.allclose(torch.tensor(right[0]), whole, atol=1e-5)
    assert [len(scores) for scores in right] == [len(SOLUTION), 8, len(SOLUTION)]


@either_decoder
def test_on_one_bill_a_reader_reads_on_from_the_ends_of_the_steps_that_it_has_read(decoder):
    verifier = random_reward_model()
    reader, afresh = Reader(verifier, decoder=decoder), Reader(verifier)
    begun, forks = ["+74=089\n", "+74=098\n+46=144\n"], ["+74=089\n+46=135\n", "+74=098\n+46=145\n", "+74=098\n"]
    with billed():
        reader.read(*contexts_and_solutions(*begun))
        right, passes = reader.read(*contexts_and_solutions(*forks))
    begun = len(PROBLEM.prompt)
    assert passes == [[(8, begun + 8)], [(8, begun + 8)], []]
    for own, other in zip(right, afresh.read(*contexts_and_solutions(*forks))[0], strict=True):
        assert own == pytest.approx(other, abs=1e-5)


@either_decoder
def test_a_new_bill_knows_nothing_of_the_last(decoder):
    reader, whole = (
        Reader(random_reward_model(), decoder=decoder),
        [[(len(PROBLEM.prompt), 0), (8, len(PROBLEM.prompt))]],
    )
    for _ in range(2):
        with billed():
            assert reader.read(*contexts_and_solutions("+74=089\n"))[1] == whole
    for _ in range(2):
        assert reader.read(*contexts_and_solutions("+74=089\n"))[1] == whole


@either_decoder
def test_on_one_bill_a_problem_is_read_once_for_all_calls(decoder):
    reader = Reader(random_reward_model(), decoder=decoder)
    with billed():
        passes = [reader.read(*contexts_and_solutions(text))[1] for text in ("+74=089\n", "+74=098\n", "+74=099\n")]
    begun = len(PROBLEM.prompt)
    assert passes == [[[(begun, 0), (8, begun)]], [[(8, begun)]], [[(8, begun)]]]


@either_decoder
@pytest.mark.parametrize(
    ("rows", "again"),
    [
        (1, [[(8, "known + 8")], [(16, "known")]]),  # room for one row, after the problem
        (0, [[(16, "known")], [(16, "known")]]),
        (-1, [[("known", 0), (16, "known")], [(16, "known")]]),
    ],
)
def test_what_is_too_long_to_keep_is_read_again(monkeypatch, rows, again, decoder):
    begun = len(PROBLEM.prompt)
    monkeypatch.setattr(ttclab.verifiers.reader, "KEPT_TOKENS", begun + rows * (begun + 8))
    reader = Reader(random_reward_model(), decoder=decoder)
    with billed():
        reader.read(*contexts_and_solutions("+74=089\n", "+74=098\n+46=144\n"))
        _, passes = reader.read(*contexts_and_solutions("+74=089\n+46=135\n", "+74=098\n+46=145\n"))
    lengths = {"known": begun, "known + 8": begun + 8}
    assert passes == [[tuple(lengths.get(n, n) for n in each) for each in row] for row in again]


@either_decoder
def test_scores_do_not_depend_on_what_a_solution_is_read_beside(decoder):
    verifier, problems = random_reward_model(), ttclab.load_problems("test", limit=12)
    contexts = [tuple(TOKENIZER.encode(problem.prompt)) for problem in problems]
    steps = [[tuple(TOKENIZER.encode(step + "\n")) for step in p.solution_steps] for p in problems]
    reader = Reader(verifier, decoder=decoder)
    with billed():
        for length in range(1, 1 + max(map(len, steps))):
            right, _ = reader.read(contexts, [sum(each[:length], ()) for each in steps])
    for context, each, scores in zip(contexts, steps, right, strict=True):
        whole = look(verifier, torch.tensor([context + sum(each, ())])).right.sigmoid()[0, len(context) :]
        assert scores == pytest.approx(whole.numpy(), abs=1e-5)


def test_places_of_what_is_no_longer_kept_are_free_again():
    reader = Reader(random_reward_model(), decoder="static")
    for _ in range(3):
        with billed():
            reader.read(*contexts_and_solutions(SOLUTION, "+74=089\n"))
    gc.collect()
    assert sorted(reader._static.free) == list(range(1, reader._static.places))


@pytest.mark.parametrize("name", ["prm", "prm-large"])
def test_search_with_static_buffers_finds_what_the_eager_search_finds_at_the_same_cost(name):
    model, problems = ttclab.load("small", device="cpu"), ttclab.load_problems("test", limit=12)
    results = []
    for decoder in ("eager", "static"):
        verifier = ttclab.load_verifier(name, device="cpu")
        verifier._reader = Reader(verifier.model, decoder=decoder)
        model.engine = Engine(model.engine.model, model.tokenizer, decoder=decoder)
        results.append(beam_search(model, verifier, problems, 8, 2))
    for eager, static in zip(*results, strict=True):
        assert static.solution.text == eager.solution.text
        assert static.cost == eager.cost
        assert static.scores == pytest.approx(eager.scores, abs=1e-4)


def test_a_static_pass_reads_nothing_on_the_host():
    verifier = random_reward_model().to("meta")
    readings = StaticReadings(verifier, capture=False)
    with torch.inference_mode():
        context = verifier(torch.zeros(2, 16, dtype=torch.long, device="meta"), keep=True)
        readings.adopt(context)
        readings._reserve(4, 64, 8)
        given = torch.zeros(4 + 8, 4, dtype=torch.long, device="meta")
        run = readings._eager_pass(given, torch.zeros(4, 8, device="meta"), 64)
        # A tensor without values can't be waited for; a fake one can't be mixed with tensors on the CPU either.
        for values in (nullcontext(), FakeTensorMode(allow_non_fake_inputs=True)):
            with values:
                run()


def test_a_pass_that_cannot_be_captured_is_read_without_a_graph_and_says_why(monkeypatch, caplog):
    def refuse(*_):
        raise CaptureError("operation not permitted when stream is capturing")

    monkeypatch.setattr(static_reading, "capture", refuse)
    verifier = random_reward_model()
    reader = Reader(verifier, decoder="captured")
    right, _ = reader.read(*contexts_and_solutions(SOLUTION))
    assert "RewardModel reads without a CUDA graph: operation not permitted" in caplog.text
    assert right[0] == pytest.approx(Reader(verifier).read(*contexts_and_solutions(SOLUTION))[0][0], abs=1e-5)
