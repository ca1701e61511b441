import json
from dataclasses import replace

import pytest

import ttclab
from ttclab.estimators import fifths, pass_at_k
from ttclab.problems import split_of
from ttclab.training import loop
from ttclab.training.card import card
from ttclab.training.policy import RECIPES
from ttclab.training.tokens import ALPHABET, build_tokenizer


@pytest.fixture
def quick(monkeypatch):
    """A recipe of six steps, looked at after each second one."""
    recipe = replace(RECIPES["small"], steps=6, batch=4, warmup=2)
    monkeypatch.setitem(loop.RECIPES, "quick", recipe)
    monkeypatch.setattr(loop, "CHECK_EVERY", 2)
    return recipe


def train(out, **options):
    said = []
    loop.train("quick", out=out, device="cpu", say=said.append, **options)
    return {path.name: path.read_bytes() for path in out.iterdir()}, said


def test_the_same_seed_gives_the_same_files_and_another_seed_other_weights(quick, tmp_path):
    first, said = train(tmp_path / "first")
    assert train(tmp_path / "second")[0] == first
    assert train(tmp_path / "third", seed=1)[0]["model.safetensors"] != first["model.safetensors"]
    assert [line.split(":")[0] for line in said] == ["step 2", "step 4", "step 6"]


def test_a_killed_training_goes_on_and_gives_the_same_files(quick, tmp_path, monkeypatch):
    whole, _ = train(tmp_path / "whole")
    advance, steps = loop._Training.advance, []

    def dying(self):
        if len(steps) == 5:
            raise KeyboardInterrupt
        steps.append(self.step)
        return advance(self)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop._Training, "advance", dying)
        train(tmp_path / "killed")
    assert not (tmp_path / "killed").exists()
    resumed, said = train(tmp_path / "killed")
    assert said[0] == "resuming quick at step 4 of 6"
    assert resumed == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "whole"]


def test_a_checkpoint_of_another_seed_is_not_gone_on_from(quick, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "_ship", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        train(tmp_path / "model")
    with pytest.raises(ValueError, match="another recipe or seed"):
        train(tmp_path / "model", seed=1)


def test_training_flops_are_three_forward_passes_of_what_was_fed(quick, tmp_path):
    files, _ = train(tmp_path / "model")
    made = json.loads(files["training.json"])
    config = ttclab.load(tmp_path / "model", device="cpu").config
    shapes = [quick.draw(0, step, build_tokenizer())[0].shape for step in range(6)]
    assert made["training_flops"] == 3 * sum(ttclab.flops.forward_flops(config, n, batch=rows) for rows, n in shapes)
    assert made["steps"] == 6


def test_the_shipped_model_is_the_recipe_s():
    made = json.loads((ttclab.models.ZOO / "small" / "training.json").read_text())
    config = ttclab.load("small", device="cpu").config
    recipe = RECIPES["small"]
    assert made["steps"] == recipe.steps
    assert (config.hidden_size, config.num_hidden_layers) == (recipe.width, recipe.depth)


def test_a_batch_has_only_training_problems_and_the_loss_only_solutions(quick):
    tokenizer = build_tokenizer()
    ids, labels = replace(quick, batch=30).draw(0, 3, tokenizer)
    for row, label in zip(ids, labels):
        text = tokenizer.decode(row[row != tokenizer.pad_token_id])
        prompt, solution = text.split("\n", 1)
        assert split_of(prompt) == "train"
        assert tokenizer.decode(label[label != -100]) == solution
        assert solution.endswith("\n$")


def test_every_length_is_drawn_over_the_steps(quick):
    lengths = {quick.draw(0, step, build_tokenizer())[0].shape[1] for step in range(40)}
    assert max(lengths) == 22 + 49


def test_the_tokenizer_has_one_token_a_character_and_gives_the_text_back():
    tokenizer = build_tokenizer()
    assert tokenizer.encode("015+74\n") == [ALPHABET.index(c) for c in "015+74\n"]
    assert tokenizer.decode(tokenizer.encode("+74=089\n$")) == "+74=089\n$"
    assert tokenizer.decode(tokenizer.encode("é")) == "?"


def test_a_name_without_a_recipe_is_refused():
    with pytest.raises(ValueError, match=r"small.*not 'smal'"):
        loop.train("smal")


@pytest.mark.parametrize("folder", sorted(ttclab.models.ZOO.iterdir()), ids=lambda folder: folder.name)
def test_the_card_of_a_shipped_model_says_what_its_recorded_runs_give(folder):
    assert (folder / "README.md").read_text() == card(folder)


def test_the_small_model_leaves_room_at_both_ends():
    right = ttclab.bank.load("small", "test").correct
    fifth = fifths(right.mean(axis=1))
    rates = [right[fifth == i].mean() for i in range(5)]
    assert 0.35 <= right.mean() <= 0.50
    assert rates[0] >= 0.90 and rates[4] <= 0.06
    assert pass_at_k(256, right.sum(axis=1), 64).mean() >= 0.85


def test_the_large_model_is_fourteen_times_the_small_one_and_better_at_every_point_of_its_training():
    made = {path.name: json.loads((path / "training.json").read_text()) for path in ttclab.models.ZOO.iterdir()}
    assert 13.5 <= made["large-1500"]["block_parameters"] / made["small"]["block_parameters"] <= 14.5
    steps = sorted(m["steps"] for name, m in made.items() if name.startswith("large-"))
    solved = [ttclab.bank.load("large", "test", at=at, greedy=True).correct.mean() for at in steps]
    assert len(steps) >= 4 and solved == sorted(solved)
    gap = ttclab.bank.load("large", "test", greedy=True).correct.mean()
    assert 0.15 <= gap - ttclab.bank.load("small", "test", greedy=True).correct.mean() <= 0.30 and gap < 0.85
