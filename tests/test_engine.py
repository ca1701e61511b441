from contextlib import nullcontext

import numpy as np
import pytest
import torch
from tiny import CONFIGS, TOKENIZER, random_model
from torch._subclasses.fake_tensor import FakeTensorMode

from ttclab.engine import Engine, Prefix, Row, Sampler, random_stream, static_batch
from ttclab.engine.graphs import CaptureError
from ttclab.engine.scheduler import GenerationJob

GREEDY = Sampler(temperature=0)
PROMPTS = ["015+74+46*06\n", "007+01\n", "096-08+03*02-08\n", "5", "060*02\n", "072*05-01-47-18+26+02\n"]


def rows(prompts=PROMPTS, copies=1):
    return [Row(tuple(TOKENIZER.encode(text)), f"{text}/{i}") for text in prompts for i in range(copies)]


def written(model, rows, sampler, batch_size=512, decoder="eager", **limits):
    engine = Engine(model, TOKENIZER, batch_size=batch_size, decoder=decoder)
    return engine.write(rows, sampler, **{"max_new_tokens": 24} | limits)


# "static" is the code that a CUDA graph holds, run without the graph.
either_decoder = pytest.mark.parametrize("decoder", ["eager", "static"])


@either_decoder
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("batch_size", [1, 4, 512])
def test_greedy_tokens_are_those_of_transformers_whatever_the_batch(name, batch_size, decoder):
    model = random_model(name)
    ours = written(model, rows(), GREEDY, batch_size, decoder)
    for row, mine in zip(rows(), ours, strict=True):
        ids = torch.tensor([row.context])
        theirs = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24)
        assert list(mine.tokens) == theirs[0, len(row.context) :].tolist()


@either_decoder
@pytest.mark.parametrize("name", CONFIGS)
def test_a_seed_gives_the_same_tokens_whatever_the_batch_size_and_order(name, decoder):
    model, all_rows = random_model(name), rows(copies=5)
    together = written(model, all_rows, Sampler())
    shuffled = np.random.default_rng(0).permutation(len(all_rows))
    apart = written(model, [all_rows[i] for i in shuffled], Sampler(), batch_size=3, decoder=decoder)
    assert [together[i].tokens for i in shuffled] == [row.tokens for row in apart]
    assert len({row.tokens for row in together}) > len(together) // 2


@either_decoder
@pytest.mark.parametrize("prompts", [["5", "10+"], ["10+"]], ids=["ragged", "even"])
@pytest.mark.parametrize("name", CONFIGS)
def test_between_two_looks_at_the_done_rows_nothing_leaves_the_device(name, prompts, decoder):
    engine = Engine(random_model(name).to("meta"), TOKENIZER, decoder=decoder)
    assert engine.check_every > 1
    # Neither kind of tensor has values, so that to wait for one is an error. Fake ones refuse to be mixed with tensors
    # on the CPU in every operation, meta ones in some; transformers takes fake ones for tracing, and waits less.
    for values in (nullcontext(), FakeTensorMode(allow_non_fake_inputs=True)):
        job = GenerationJob(engine, rows(prompts, copies=2), Sampler(0.7, top_k=5, top_p=0.9), 24, "\n")
        with torch.inference_mode():
            batch = engine.new_batch(job.sampler, job.endings)
            batch.add(job.prefill(list(range(len(job.rows))), batch))
            with values:
                for _ in range(engine.check_every):
                    batch.step()


@either_decoder
def test_any_of_several_end_of_text_tokens_ends_a_row(decoder):
    model = random_model("llama", seed=1)
    ends = {TOKENIZER.eos_token_id, *TOKENIZER.encode("7")}
    model.generation_config.eos_token_id = sorted(ends)
    results = written(model, rows(copies=8), Sampler(), decoder=decoder, max_new_tokens=60)
    assert {row.tokens[-1] for row in results if row.finished} == ends
    for row in results:
        assert not ends & set(row.tokens[:-1])
        assert row.finished == (row.tokens[-1] in ends)


@either_decoder
def test_log_probabilities_are_those_of_one_uncached_pass(decoder):
    model = random_model("llama")
    for row, mine in zip(rows(), written(model, rows(), Sampler(temperature=0.7), decoder=decoder), strict=True):
        ids = torch.tensor([[*row.context, *mine.tokens]])
        logprobs = model(ids).logits[0, len(row.context) - 1 : -1].log_softmax(-1)
        total = logprobs.gather(1, torch.tensor(mine.tokens)[:, None]).sum()
        assert mine.logprob == pytest.approx(total.item(), abs=1e-3)


@pytest.mark.parametrize("sampler", [Sampler(), Sampler(0.5), Sampler(top_k=3), Sampler(top_p=0.6)], ids=str)
def test_draws_follow_the_distribution_that_was_asked_for(sampler):
    logits = torch.randn(12, generator=torch.Generator().manual_seed(0)) * 2
    expected = torch.softmax(logits / sampler.temperature, -1).double().numpy()
    order = np.argsort(-expected)
    if sampler.top_k:
        expected[order[sampler.top_k :]] = 0
    if sampler.top_p < 1:
        cumulative = np.cumsum(expected[order])
        expected[order[int(np.searchsorted(cumulative, sampler.top_p)) + 1 :]] = 0
    expected /= expected.sum()
    uniform = torch.from_numpy(random_stream("draws", 40_000))
    counts = np.bincount(sampler.draw(logits.expand(40_000, -1), uniform).numpy(), minlength=12)
    assert (counts[expected == 0] == 0).all()
    assert np.abs(counts / 40_000 - expected).max() < 0.01


def test_the_largest_uniform_number_still_draws_a_token_that_is_possible():
    logits = torch.tensor([[0.0, 0.0, float("-inf"), float("-inf")]])
    assert Sampler().draw(logits, torch.tensor([1.0])).item() == 1


def test_a_longer_stream_begins_with_the_shorter_one():
    assert random_stream("a", 50)[:20].tolist() == random_stream("a", 20).tolist()
    assert random_stream("a", 20).tolist() != random_stream("b", 20).tolist()


@pytest.mark.parametrize("batch_size", [1, 5, 16, 512])
def test_a_context_is_computed_once_for_all_its_rows_however_many_batches_they_take(batch_size):
    model = random_model("llama")
    seen = count_fed_tokens(model)
    results = written(model, rows(PROMPTS[:2], copies=16), Sampler(), batch_size, max_new_tokens=1)
    assert sum(seen) == sum(len(TOKENIZER.encode(text)) for text in PROMPTS[:2])
    assert sorted(row.shared for row in results) == sorted([0, 0] + [13] * 15 + [7] * 15)


def test_finished_rows_leave_the_batch():
    model, all_rows = random_model("llama", seed=1), rows(copies=32)
    seen = count_fed_tokens(model)
    results = written(model, all_rows, Sampler(), batch_size=64, max_new_tokens=200)
    needed = sum(len(row.tokens) - 1 for row in results) + sum(len(TOKENIZER.encode(text)) for text in PROMPTS)
    assert len({len(row.tokens) for row in results}) > 5
    assert sum(seen) <= 1.25 * needed


@pytest.mark.parametrize("name", CONFIGS)
def test_going_on_from_a_step_gives_the_tokens_of_an_unbroken_run_and_computes_one_token(name):
    model = random_model(name)
    whole = written(model, rows(), GREEDY, max_new_tokens=12)
    engine = Engine(model, TOKENIZER)
    first = engine.write(rows(), GREEDY, max_new_tokens=5, stop="#")
    seen = count_fed_tokens(model)
    going = [i for i, row in enumerate(first) if not row.finished]
    contexts = [rows()[i].context + first[i].tokens for i in going for _ in range(3)]
    second = engine.write([Row(context) for context in contexts], GREEDY, max_new_tokens=1, stop="#")
    assert len(going) > 1
    assert sum(seen) == len(going)
    for i, row in zip(np.repeat(going, 3), second, strict=True):
        assert first[i].tokens + row.tokens == whole[i].tokens[: len(first[i].tokens) + 1]


@pytest.mark.parametrize("name", CONFIGS)
def test_going_on_from_a_step_by_several_tokens_at_once_computes_only_those(name):
    model = random_model(name)
    engine = Engine(model, TOKENIZER)
    first = engine.write(rows(), GREEDY, max_new_tokens=5, stop="#")
    begun = [row.context + new.tokens for row, new in zip(rows(), first, strict=True) if not new.finished]
    contexts = [(*context, *TOKENIZER.encode("+12=9")) for context in begun]
    seen = count_fed_tokens(model)
    second = engine.write([Row(context) for context in contexts], GREEDY, max_new_tokens=1)
    assert sum(seen) == len(begun) * 6  # the last token of the step was drawn and never fed
    for context, row in zip(contexts, second, strict=True):
        assert row.tokens == (model(torch.tensor([context])).logits[0, -1].argmax(),)


@either_decoder
def test_a_row_ends_with_the_token_that_completes_the_stop_string(decoder):
    model = random_model("llama", seed=3)
    for row in written(model, rows(copies=8), Sampler(), decoder=decoder, stop="\n", max_new_tokens=60):
        text = TOKENIZER.decode(row.tokens)
        assert text.count("\n") <= 1
        assert row.finished or text.endswith("\n") or len(row.tokens) == 60


@either_decoder
def test_a_stop_string_over_two_tokens_is_found(decoder):
    model = random_model("llama", seed=3)
    free = written(model, rows(copies=40), Sampler(), max_new_tokens=60)
    texts = [TOKENIZER.decode(row.tokens) for row in free]
    stop = next(text[3:5] for text in texts if len(text) > 10 and "$" not in text[:5])
    cut = written(model, rows(copies=40), Sampler(), decoder=decoder, stop=stop, max_new_tokens=60)
    for text, row in zip(texts, cut, strict=True):
        end = text.find(stop)
        assert TOKENIZER.decode(row.tokens) == (text if end < 0 else text[: end + len(stop)])


def test_prefixes_of_unequal_lengths_are_cut_and_joined_to_the_right():
    states = torch.arange(2 * 5.0).reshape(2, 1, 5, 1)
    prefix = Prefix([states], [states], torch.tensor([5, 3]))  # rows 0..4 and (., ., 7, 8, 9)
    cut = prefix.take(torch.tensor([1, 0, 0]), torch.tensor([2, 4, 3]))
    assert cut.keys[0][0, 0, -2:, 0].tolist() == [7, 8]
    assert cut.keys[0][1, 0, -4:, 0].tolist() == [0, 1, 2, 3]
    assert cut.keys[0][2, 0, -3:, 0].tolist() == [0, 1, 2]
    joined = Prefix.join([cut, prefix])
    assert joined.keys[0].shape == (5, 1, 5, 1)
    assert joined.keys[0][0, 0, -2:, 0].tolist() == [7, 8]
    assert joined.lengths.tolist() == [2, 4, 3, 5, 3]


@either_decoder
def test_running_out_of_memory_halves_the_batch_and_loses_nothing(decoder):
    model = random_model("llama")
    expected = written(model, rows(copies=8), Sampler())
    forward = model.forward

    def crowded(input_ids, **rest):
        if len(input_ids) > 8:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return forward(input_ids=input_ids, **rest)

    model.forward = crowded
    crowded_out = written(model, rows(copies=8), Sampler(), batch_size=32, decoder=decoder)
    assert [row.tokens for row in crowded_out] == [row.tokens for row in expected]


def test_a_step_that_cannot_be_captured_falls_back_to_the_eager_one_and_says_why(monkeypatch, caplog):
    model = random_model("llama")
    expected = written(model, rows(copies=8), Sampler())
    engine = Engine(model, TOKENIZER, decoder="static")
    engine.decoder = "captured"  # what a GPU would be asked for

    def refuse(*_):
        raise CaptureError("operation not permitted when stream is capturing")

    monkeypatch.setattr(static_batch, "capture", refuse)
    found = engine.write(rows(copies=8), Sampler(), max_new_tokens=24)
    assert engine.decoder == "eager"
    assert [record.message for record in caplog.records] == [
        "LlamaForCausalLM decodes without a CUDA graph: operation not permitted when stream is capturing"
    ]
    assert [row.tokens for row in found] == [row.tokens for row in expected]


def test_attention_that_a_graph_cannot_hold_is_run_eagerly_with_a_warning(caplog):
    model = random_model("llama")
    model.set_attn_implementation("eager")
    assert Engine(model, TOKENIZER, decoder="static").decoder == "eager"
    assert "cannot be captured" in caplog.text


@pytest.mark.parametrize("decoder", ["graph", "captured"])
def test_a_decoder_that_does_not_exist_or_needs_a_gpu_is_refused(decoder):
    with pytest.raises(ValueError, match=rf"(not '{decoder}'|on CUDA only)"):
        Engine(random_model("llama"), TOKENIZER, decoder=decoder)


def test_a_step_changes_nothing_of_a_row_that_is_done():
    engine = Engine(random_model("llama"), TOKENIZER, decoder="static")
    job = GenerationJob(engine, rows(copies=4), Sampler(), 24, None)
    with torch.inference_mode():
        batch = engine.new_batch(job.sampler, job.endings)
        batch.add(job.prefill(list(range(len(job.rows))), batch))
        for _ in range(24):
            batch.step()
        assert batch.done().all()
        before = batch.states(np.arange(len(batch)))
        batch.step()
        after = batch.states(np.arange(len(batch)))
    for name in ("count", "position", "newest", "ended", "stopped"):
        assert torch.equal(getattr(before, name), getattr(after, name))
    for tokens, again, count in zip(before.tokens, after.tokens, before.count, strict=True):
        assert torch.equal(tokens[:count], again[:count])


def test_buffers_that_grow_between_calls_lose_nothing():
    model = random_model("llama")
    engine = Engine(model, TOKENIZER, decoder="static")
    for copies, limit in ((1, 4), (9, 24), (2, 100), (40, 10)):
        found = engine.write(rows(copies=copies), Sampler(), max_new_tokens=limit)
        expected = written(model, rows(copies=copies), Sampler(), max_new_tokens=limit)
        assert [row.tokens for row in found] == [row.tokens for row in expected]


def test_buffers_grow_as_the_rows_do_and_not_to_their_limit():
    engine = Engine(random_model("llama", seed=1), TOKENIZER, decoder="static")
    found = engine.write(rows(), Sampler(), max_new_tokens=220)
    longest = max(len(row.context) + len(new.tokens) for row, new in zip(rows(), found, strict=True))
    assert engine._buffers.columns == max(64, 1 << (longest - 1).bit_length()) < 246


def test_rows_that_have_left_do_not_hinder_shorter_ones_after_them():
    model = random_model("llama")
    model.generation_config.eos_token_id = None
    engine = Engine(model, TOKENIZER, decoder="static")
    engine.end_ids, short = [], [Row((3, 4, 5), f"short {i}") for i in range(3)]
    engine.write(rows(copies=2), Sampler(), max_new_tokens=100)  # in more columns than the next steps look at
    assert [len(row.tokens) for row in engine.write(short, Sampler(), max_new_tokens=5)] == [5] * 3
    # In one call: the long context's row leaves first, and its place stays among those of the others.
    long = Row(tuple(range(3, 19)) * 6, "long", used=38)
    found = engine.write([long, *short], Sampler(), max_new_tokens=40)
    assert [len(row.tokens) for row in found] == [2, 40, 40, 40]


def test_rows_that_move_together_go_on_as_they_were():
    engine = Engine(random_model("llama", seed=1), TOKENIZER, decoder="static")
    engine.check_every = 8  # as on a GPU
    sizes, forward = [], engine.fixed_forward

    def noting(ids, *rest):
        sizes.append(len(ids))
        return forward(ids, *rest)

    engine.fixed_forward = noting
    found = engine.write(rows(copies=40), Sampler(), max_new_tokens=200)
    expected = written(random_model("llama", seed=1), rows(copies=40), Sampler(), max_new_tokens=200)
    assert [row.tokens for row in found] == [row.tokens for row in expected]
    assert len(set(sizes)) > 2


@pytest.mark.parametrize(("limits", "rule"), [({"max_new_tokens": 0}, "at least 1, not 0")])
def test_a_limit_below_one_token_is_refused(limits, rule):
    with pytest.raises(ValueError, match=rule):
        written(random_model("llama"), rows(), GREEDY, **limits)


def test_an_empty_context_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        written(random_model("llama"), [Row(())], GREEDY)


@pytest.mark.parametrize("settings", [{"temperature": -1}, {"temperature": float("nan")}, {"top_k": -1}, {"top_p": 0}])
def test_impossible_sampling_settings_are_refused(settings):
    with pytest.raises(ValueError, match=r"must be"):
        Sampler(**settings)


def count_fed_tokens(model):
    seen, forward = [], model.forward

    def counting(input_ids, **rest):
        seen.append(input_ids.numel())
        return forward(input_ids=input_ids, **rest)

    model.forward = counting
    return seen
