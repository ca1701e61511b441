import pandas as pd
import pytest
import torch
from tiny import CONFIGS, TOKENIZER, random_model
from transformers import Qwen2Config

import ttclab
from ttclab import live
from ttclab.estimate import Estimate
from ttclab.problems import load_problems

OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee documentation")


@pytest.fixture
def folder(tmp_path):
    """A model of the recommended one's architecture, as a directory."""
    random_model("qwen2").save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    return str(tmp_path)


def best_of(N):
    def experiment(problems, *models):
        oracle = ttclab.load_verifier("oracle")
        return {f"{N} samples": ttclab.parallel_search(models[0], oracle, problems, N, seed=1)}

    return experiment


def test_nothing_is_loaded_until_every_model_is_named(capsys):
    live.run(best_of(2), "small", "")
    assert capsys.readouterr().out == "No model is named: nothing is run.\n"


def test_needs_are_stated_before_the_experiment_and_its_table_after(folder, capsys):
    def experiment(problems, model):
        print("runs")
        return best_of(2)(problems, model)

    shown = live.run(experiment, folder, problems="test", limit=4, generations=2, device="cpu")
    memory, minutes, ran = capsys.readouterr().out.splitlines()
    assert memory.startswith(f"{folder} on cpu: at most about ") and minutes.startswith("At most about ")
    assert (ran, list(shown.index), list(shown["generations"])) == ("runs", ["2 samples"], ["2"])


def test_a_table_that_an_experiment_returns_is_returned_as_it_is(folder):
    made = pd.DataFrame({"right": [1]})
    assert live.run(lambda problems, model: made, folder, problems="test", limit=1, device="cpu") is made


@pytest.mark.parametrize("name", CONFIGS)
def test_needs_count_every_parameter_and_the_keys_and_values_of_every_token(name):
    model = random_model(name)
    need = live.needs(model.config, torch.float32, rows=3, tokens=5)
    assert need.weights == sum(parameter.numel() for parameter in model.parameters()) * 4
    with torch.inference_mode():
        cache = model(torch.ones(3, 5, dtype=torch.long), use_cache=True).past_key_values
    assert need.cache == sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)


def test_the_model_for_colab_fits_its_gpu():
    """Its published shape; a T4 has 16 GB, of which CUDA keeps some."""
    config = Qwen2Config(
        vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    need = live.needs(config, torch.float16, rows=512, tokens=300 + 512)
    assert need.weights == pytest.approx(0.99e9, rel=0.01) and need.total < 12e9


@pytest.mark.parametrize("error", [OUT_OF_MEMORY, MemoryError()], ids=["CUDA", "Python"])
def test_out_of_memory_ends_in_advice_and_not_in_an_exception(folder, capsys, error):
    def experiment(problems, model):
        raise error

    live.run(experiment, folder, problems="test", limit=40, generations=1, device="cpu")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Out of memory (") and "limit=10" in last and "documentation" not in last


def test_out_of_memory_while_loading_is_caught_too(folder, capsys, monkeypatch):
    def load(*_, **__):
        raise OUT_OF_MEMORY

    monkeypatch.setattr(live, "load", load)
    live.run(best_of(1), folder, problems="test", limit=2, device="cpu")
    first, last = capsys.readouterr().out.splitlines()
    assert "at most about" in first and last.startswith("Out of memory")


def test_other_errors_are_raised(folder):
    def experiment(problems, model):
        raise RuntimeError("no such thing")

    with pytest.raises(RuntimeError, match="no such thing"):
        live.run(experiment, folder, problems="test", limit=2, device="cpu")


@pytest.fixture(scope="module")
def best_of_4():
    model, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    return ttclab.parallel_search(model, oracle, load_problems("test", limit=6), 4, seed=0)


def test_the_table_has_each_strategy_with_its_interval_and_cost(best_of_4):
    shown = live.table({"best of 4": best_of_4})
    assert list(shown.columns) == ["solved", "generations", "FLOPs per problem"]
    solved, generations, flops = shown.loc["best of 4"]
    mean = sum(result.correct for result in best_of_4) / 6
    assert solved.startswith(f"{mean:.1%} (") and generations == "4" and flops.endswith(" million")


def test_recorded_numbers_stand_beside_the_live_ones(best_of_4):
    shown = live.table({"best of 4": best_of_4, "again": best_of_4}, {"best of 4": Estimate(0.5, 0.4, 0.6)})
    assert list(shown.columns[:2]) == ["live", "recorded"]
    assert list(shown["recorded"]) == ["50.0% (40.0 to 60.0)", ""]


def test_the_bill_adds_up_to_what_is_charged_without_what_is_cached(best_of_4):
    bill = live.bill({"best of 4": best_of_4})["best of 4"]
    charged, cached = bill.pop("charged"), bill.pop("cached, not charged")
    total = sum(result.cost.total_flops for result in best_of_4) / 6e6
    assert charged == pytest.approx(total, abs=0.05) and bill.sum() == pytest.approx(total, abs=0.1) and cached > 0
