import pytest
import torch
from tiny import CONFIGS, random_model, random_policy
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, PhiConfig

import ttclab
from ttclab.flops import Cost, billed, charge, decode_flops, forward_flops
from ttclab.models import ZOO
from ttclab.problems import load_problems

SHIPPED = sorted(path.name for path in ZOO.iterdir() if path.is_dir())


def counted(model, new_tokens, cached_tokens, batch):
    ids = torch.zeros(batch, cached_tokens + new_tokens, dtype=torch.long)
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


@pytest.mark.parametrize("shape", [(16, 0, 1), (1, 30, 8)], ids=str)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_formula_is_exactly_what_torch_counts_on_the_shipped_models(name, shape):
    model = ttclab.load(name, device="cpu").engine.model
    assert forward_flops(model.config, *shape) == counted(model, *shape)


def test_an_architecture_without_a_formula_is_counted_and_not_guessed():
    config = PhiConfig(vocab_size=20, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
    model = AutoModelForCausalLM.from_config(config).eval()
    for shape in [(5, 0, 2), (1, 6, 1)]:
        assert forward_flops(config, *shape) == counted(model, *shape)


def test_only_the_positions_that_need_logits_go_through_the_output_head():
    config = CONFIGS["llama"]
    assert forward_flops(config, 9) - forward_flops(config, 9, logits=1) == 8 * 2 * 32 * config.vocab_size


@pytest.mark.parametrize(("new", "cached"), [(0, 5), (1, 5), (7, 0), (40, 13)])
def test_decoding_costs_the_sum_of_its_passes(new, cached):
    config = CONFIGS["qwen2"]
    assert decode_flops(config, new, cached) == sum(forward_flops(config, 1, cached + i) for i in range(new))


@pytest.mark.parametrize("shape", [(0, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_an_impossible_pass_is_refused(shape):
    with pytest.raises(ValueError, match="needs new_tokens >= 1"):
        forward_flops(CONFIGS["llama"], *shape)


def test_a_ledger_takes_what_is_charged_while_it_is_open_and_nothing_else():
    one, two = load_problems("test", limit=2)
    with billed() as outer:
        charge(one, "decode", tokens=3, flops=30, generations=1)
        with billed() as inner:
            charge(two, "decode", tokens=5, flops=50)
        charge(one, "cached", flops=7)
    charge(one, "decode", flops=1000)
    assert inner.total == Cost(tokens={"decode": 5}, flops={"decode": 50})
    assert outer[one].generations == 1
    assert outer.total.flops == {"decode": 80, "cached": 7}


def test_work_saved_by_a_shared_prefix_is_shown_and_not_charged():
    cost = Cost()
    cost.flops.update(prefill=10, cached=90)
    assert cost.total_flops == 10


def test_the_bill_of_n_samples_is_one_prefill_and_what_was_decoded():
    policy, problem = random_policy(), load_problems("test", limit=1)[0]
    with billed() as bill:
        solutions = policy.generate(problem, n=8)
    prompt = len(problem.prompt)
    assert bill.total.generations == 8
    assert bill.total.flops["prefill"] == forward_flops(policy.config, prompt, logits=1)
    assert bill.total.flops["cached"] == 7 * forward_flops(policy.config, prompt, logits=1)
    assert bill.total.flops["decode"] == sum(decode_flops(policy.config, len(s.tokens) - 1, prompt) for s in solutions)
    assert bill.total.tokens["decode"] == sum(len(s.tokens) for s in solutions)
