import pytest
import torch
from tiny import _SHAPE, CONFIGS, random_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MixtralConfig,
    Olmo2Config,
    Phi3Config,
    PhiConfig,
    Qwen2Config,
    Qwen3MoeConfig,
    SmolLM3Config,
)

import ttclab
from ttclab.flops import Roofline, compute_bound_batch, decode_flops, decode_roofline, exchange_rate, forward_flops
from ttclab.hardware import GPUS, Gpu
from ttclab.models import ZOO

_LAYERS = ["sliding_attention", "full_attention"]
MORE_CONFIGS = {
    "qwen2-window": Qwen2Config(**_SHAPE, use_sliding_window=True, sliding_window=8, max_window_layers=1),
    "gemma2": Gemma2Config(**_SHAPE, head_dim=8, sliding_window=8),
    "gemma3": Gemma3TextConfig(**_SHAPE, head_dim=8, sliding_window=8, layer_types=_LAYERS),
    "phi3": Phi3Config(**_SHAPE),
    "olmo2": Olmo2Config(**_SHAPE),
    "smollm3": SmolLM3Config(**_SHAPE),
}
_EXPERTS = {"head_dim": 8, "num_experts_per_tok": 2}
UNKNOWN_CONFIGS = {  # to the formula
    "phi": PhiConfig(vocab_size=20, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4),
    "mixtral": MixtralConfig(**_SHAPE, **_EXPERTS, num_local_experts=4, sliding_window=8),
    "qwen3-moe": Qwen3MoeConfig(**_SHAPE, **_EXPERTS, num_experts=4, moe_intermediate_size=16),
}
SHIPPED = sorted(path.parent.name for path in ZOO.glob("*/generation_config.json"))  # the policies


def counted(model, new_tokens, cached_tokens, batch):
    ids = torch.randint(model.config.vocab_size, (batch, cached_tokens + new_tokens))
    model.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with torch.no_grad():
        cache = model(ids[:, :cached_tokens], use_cache=True).past_key_values if cached_tokens else None
        with FlopCounterMode(display=False) as counter:
            model(ids[:, cached_tokens:], past_key_values=cache, use_cache=True)
    return counter.get_total_flops()


@pytest.mark.parametrize("shape", [(7, 0, 1), (1, 6, 1), (3, 4, 1), (5, 0, 4), (1, 7, 4)], ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_the_formula_is_exactly_what_torch_counts(name, shape):
    assert forward_flops(CONFIGS[name], *shape) == counted(random_model(name), *shape)


@pytest.mark.parametrize("name", CONFIGS | MORE_CONFIGS)
def test_the_formula_knows_how_far_a_sliding_window_sees(name, monkeypatch):
    monkeypatch.setattr(ttclab.flops, "_counted_flops", None)  # the formula, and not torch's counter asked twice
    config = (CONFIGS | MORE_CONFIGS)[name]
    model = AutoModelForCausalLM.from_config(config).eval()
    for shape in [(1, 6, 1), (1, 7, 1), (1, 8, 2), (3, 20, 1), (12, 0, 1), (12, 5, 1)]:
        assert forward_flops(config, *shape) == counted(model, *shape), shape


def test_of_a_model_that_also_sees_the_part_that_writes_is_counted(monkeypatch):
    monkeypatch.setattr(ttclab.flops, "_counted_flops", None)
    text = MORE_CONFIGS["gemma3"]
    both = Gemma3Config(text_config=text.to_dict())
    assert forward_flops(both, 3, 4) == forward_flops(text, 3, 4)
    assert decode_roofline(both, GPUS["L4"]) == decode_roofline(text, GPUS["L4"])


@pytest.mark.parametrize("shape", [(16, 0, 1), (1, 30, 8)], ids=str)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_formula_is_exactly_what_torch_counts_on_the_shipped_models(name, shape):
    model = ttclab.load(name, device="cpu").engine.model
    assert forward_flops(model.config, *shape) == counted(model, *shape)


@pytest.mark.parametrize("name", UNKNOWN_CONFIGS)
def test_an_architecture_without_a_formula_is_counted_and_not_guessed(name):
    config = UNKNOWN_CONFIGS[name]
    model = AutoModelForCausalLM.from_config(config).eval()
    if name != "phi":
        model.set_experts_implementation("eager")  # the counter does not see grouped experts
    for shape in [(5, 0, 2), (1, 6, 1), (1, 20, 1)]:
        assert forward_flops(config, *shape) == counted(model, *shape)


def test_only_the_positions_that_need_logits_go_through_the_output_head():
    config = CONFIGS["llama"]
    assert forward_flops(config, 9) - forward_flops(config, 9, logits=1) == 8 * 2 * 32 * config.vocab_size


@pytest.mark.parametrize("name", ["qwen2", "mistral", "gemma2", "mixtral"])
@pytest.mark.parametrize(("new", "cached"), [(0, 5), (1, 5), (2, 6), (3, 6), (7, 0), (40, 13), (41, 0)])
def test_decoding_costs_the_sum_of_its_passes(name, new, cached):
    config = (CONFIGS | MORE_CONFIGS | UNKNOWN_CONFIGS)[name]
    assert decode_flops(config, new, cached) == sum(forward_flops(config, 1, cached + i) for i in range(new))


def test_long_decoding_is_summed_without_counting_every_pass(monkeypatch):
    passes = []
    monkeypatch.setattr(ttclab.flops, "forward_flops", lambda *shape: passes.append(shape) or forward_flops(*shape))
    assert decode_flops(CONFIGS["mistral"], 100_000, 0) > 0
    assert len(passes) < 200


@pytest.mark.parametrize("shape", [(0, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_an_impossible_pass_is_refused(shape):
    with pytest.raises(ValueError, match="needs new_tokens >= 1"):
        forward_flops(CONFIGS["llama"], *shape)


@pytest.mark.parametrize(
    ("convention", "R", "k"),
    [
        ("arxiv", 0.16, 258), ("arxiv", 0.79, 63), ("arxiv", 22, 16),
        ("iclr", 0.08, 258), ("iclr", 0.40, 63), ("iclr", 11, 16),
    ],
)  # fmt: skip
def test_the_exchange_rates_of_both_editions_of_the_paper(convention, R, k):
    assert round(exchange_rate(14, R, convention)) == k


@pytest.mark.parametrize(("convention", "per_token"), [("arxiv", 2), ("iclr", 4)])
def test_at_the_exchange_rate_both_models_have_cost_the_same(convention, per_token):
    small, M, trained, served = 3.0e9, 14, 1e12, 2e11

    def total(parameters, inference):
        return parameters * (6 * trained + per_token * inference)

    k = exchange_rate(M, served / trained, convention)
    assert total(small, k * served) == pytest.approx(total(M * small, served))
    assert exchange_rate(1, 0.3, convention) == 1


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((0.5, 1), "at least 1 and finite, not 0.5"),
        ((float("nan"), 1), "at least 1 and finite, not nan"),
        ((14, 0), "above 0 and finite, not 0"),
        ((14, -1), "above 0 and finite, not -1"),
        ((14, 1, "neurips"), "one of arxiv, iclr, not 'neurips'"),
    ],
)
def test_an_exchange_that_makes_no_sense_is_refused(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        exchange_rate(*arguments)


# 10 FLOP/s and 1 byte/s in bf16, 5 FLOP/s in fp32, times 10^9
SLOW = Gpu("slow", {"fp32": 0.005, "bf16": 0.01}, 1, 1, (), "made up")
_LLAMA = {
    "vocab_size": 10, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2,
}  # fmt: skip


def test_the_roofline_of_a_decode_step_by_hand():
    step = decode_roofline(LlamaConfig(**_LLAMA), SLOW, "bf16", batch=4, cached_tokens=5)
    attention, feed_forward, norms = 8 * 8 + 2 * 8 * 4 + 8 * 8, 3 * 8 * 12, 2 * 8
    weights = 3 * (attention + feed_forward + norms) + 8 + 8 * 10  # the last norm and the output head
    assert step.weight_bytes == 2 * (weights + 4 * 8)  # and a row of the embedding table for each sequence
    assert step.cache_bytes == 2 * 4 * 3 * 2 * 2 * 2 * (5 + 1)  # rows, layers, keys and values, their heads, head size
    assert step.flops == 2 * 4 * (3 * (attention + feed_forward + 2 * 8 * 6) + 8 * 10)
    assert step.intensity == step.flops / (step.weight_bytes + step.cache_bytes)
    assert step.compute_seconds == step.flops / 10e9
    assert step.memory_seconds == (step.weight_bytes + step.cache_bytes) / 1e9
    assert step.bound == "memory" and step.tokens_per_second == 4 / step.memory_seconds
    assert decode_roofline(LlamaConfig(**_LLAMA), SLOW, torch.float32, 4, 5).cache_bytes == 2 * step.cache_bytes


def test_a_tied_embedding_is_read_whole_and_once():
    tied = decode_roofline(LlamaConfig(**_LLAMA, tie_word_embeddings=True), SLOW)
    untied = decode_roofline(LlamaConfig(**_LLAMA), SLOW)
    assert untied.weight_bytes - tied.weight_bytes == 2 * 8
    learned = GPT2Config(vocab_size=10, n_embd=8, n_layer=1, n_head=2, n_positions=64)
    assert (
        decode_roofline(learned, SLOW, batch=3).weight_bytes - decode_roofline(learned, SLOW).weight_bytes == 2 * 2 * 8
    )


def test_a_sliding_window_bounds_the_cache_that_a_step_reads():
    def cache(name, tokens):
        return decode_roofline((CONFIGS | MORE_CONFIGS)[name], SLOW, cached_tokens=tokens).cache_bytes

    a_token = 2 * 2 * 2 * 8  # in bf16: keys and values of 2 heads of 8, in one layer
    assert [cache("llama", n) for n in (0, 7, 30)] == [2 * a_token * n for n in (1, 8, 31)]
    assert [cache("mistral", n) for n in (0, 7, 30)] == [2 * a_token * n for n in (1, 8, 8)]
    assert [cache("gemma2", n) for n in (0, 7, 30)] == [a_token * n for n in (2, 16, 8 + 31)]


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "phi"])
@pytest.mark.parametrize("cached_tokens", [0, 3])
def test_the_batch_where_arithmetic_takes_over_from_memory(name, cached_tokens):
    config = (CONFIGS | MORE_CONFIGS | UNKNOWN_CONFIGS)[name]
    batch = compute_bound_batch(config, SLOW, "bf16", cached_tokens)
    assert batch is not None and batch > 1
    assert decode_roofline(config, SLOW, "bf16", batch, cached_tokens).bound == "compute"
    assert decode_roofline(config, SLOW, "bf16", batch - 1, cached_tokens).bound == "memory"


def test_with_long_contexts_no_batch_is_large_enough():
    config, fast = CONFIGS["llama-tied"], GPUS["H100 SXM"]
    assert compute_bound_batch(config, fast, cached_tokens=200) is None
    assert decode_roofline(config, fast, batch=10**6, cached_tokens=200).bound == "memory"


def test_a_step_that_waits_for_arithmetic_is_as_long_as_the_arithmetic():
    step = Roofline(batch=2, flops=600, weight_bytes=10, cache_bytes=10, peak=10, bandwidth=1)
    assert (step.bound, step.seconds, step.tokens_per_second) == ("compute", 60, 2 / 60)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: decode_roofline(UNKNOWN_CONFIGS["mixtral"], SLOW), "mixture of experts .* no roofline for mixtral"),
        (lambda: decode_roofline(UNKNOWN_CONFIGS["qwen3-moe"], SLOW), "no roofline for qwen3_moe"),
        (lambda: decode_roofline(CONFIGS["llama"], SLOW, "fp16"), "has a peak for fp32, bf16, not for fp16"),
        (lambda: decode_roofline(CONFIGS["llama"], SLOW, "int3"), "a dtype is one of"),
        (lambda: decode_roofline(CONFIGS["llama"], SLOW, batch=0), "batch >= 1"),
        (lambda: decode_roofline(CONFIGS["llama"], SLOW, cached_tokens=-1), "cached_tokens >= 0"),
    ],
)
def test_a_roofline_that_cannot_be_known_is_refused(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
