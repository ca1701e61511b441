import pytest
import torch
from tiny import CONFIGS, MORE_CONFIGS, UNKNOWN_CONFIGS, random_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AutoModelForCausalLM,
    Gemma3Config,
)

import ttclab
from ttclab.flops import decode_flops, exchange_rate, forward_flops
from ttclab.models import ZOO

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
