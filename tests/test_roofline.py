import pytest
import torch
from tiny import CONFIGS, MORE_CONFIGS, UNKNOWN_CONFIGS
from transformers import Gemma3Config, GPT2Config, LlamaConfig

from benchmarks.roofline import Roofline, decode_roofline
from ttclab.hardware import GPUS, Gpu

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


def test_of_a_model_that_also_sees_the_part_that_writes_has_the_limits():
    text = MORE_CONFIGS["gemma3"]
    assert decode_roofline(Gemma3Config(text_config=text.to_dict()), GPUS["L4"]) == decode_roofline(text, GPUS["L4"])


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
