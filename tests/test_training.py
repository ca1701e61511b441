import json
from dataclasses import replace

import pytest

import ttclab
from ttclab import training
from ttclab.cli import main
from ttclab.estimators import fifths, pass_at_k
from ttclab.ledger import billed
from ttclab.problems import ArithmeticProblem, Solution, split_of
from ttclab.results.cards import card
from ttclab.training import loop, verifier
from ttclab.training.policy import RECIPES
from ttclab.training.tokens import ALPHABET, build_tokenizer
from ttclab.verifiers.reward_model import RewardModel, reward_flops


@pytest.fixture
def quick(monkeypatch):
    """A recipe of six steps, looked at after each second one."""
    recipe = replace(RECIPES["small"], steps=6, batch=4, warmup=2)
    monkeypatch.setitem(loop.RECIPES, "quick", recipe)
    monkeypatch.setattr(loop, "CHECK_EVERY", 2)
    return recipe


@pytest.fixture
def quick_verifier(monkeypatch):
    """A verifier's recipe of six steps that is not measured."""
    recipe = replace(verifier.RECIPES["prm"], steps=6, batch=3, true=2, warmup=2)
    monkeypatch.setitem(loop.RECIPES, "quick", recipe)
    monkeypatch.setattr(loop, "CHECK_EVERY", 2)
    monkeypatch.setattr(verifier.VerifierRecipe, "measure", lambda *_: "not measured")
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


@pytest.mark.parametrize("recipe", ["quick", "quick_verifier"])
def test_a_killed_training_goes_on_and_gives_the_same_files(recipe, request, tmp_path, monkeypatch):
    request.getfixturevalue(recipe)
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


PROBLEM = ArithmeticProblem.from_expression("015+74+46*06")
WRITTEN = {
    "right": "+74=089\n+46=135\n*06=810\n$",
    "wrong": "+74=089\n+46=136\n*06=816\n$",  # in its second step
    "long": "+74=089\n+46=135\n*06=810\n+01=811\n$",
    "short": "+74=089\n+46=135\n$",
}
# Of each token: 1 right, 0 wrong, . no label.
LABELS = {
    ("steps", "right"): 25 * "1",
    ("steps", "wrong"): 14 * "1" + 11 * "0",
    ("steps", "long"): 24 * "1" + 9 * "0",
    ("steps", "short"): 16 * "1" + "0",
    ("answer", "right"): 25 * "1",
    ("answer", "wrong"): 25 * "0",
    ("answer", "long"): 33 * "0",
    ("answer", "short"): 17 * "0",
    ("step-ends", "right"): ".......1.......1.......11",
    ("step-ends", "wrong"): ".......1.......0.......00",
    ("step-ends", "long"): ".......1.......1.......1.......00",
    ("step-ends", "short"): ".......1.......10",
}
FOLLOWING = {  # what it is taught to write, from the end of the prompt on
    "right": "+74=089\n+46=135\n*06=810\n$",
    "wrong": "+74=089\n+46=135",
    "long": "+74=089\n+46=135\n*06=810\n$",
    "short": "+74=089\n+46=135\n*",
}


def labelled(labels, written, values=None):
    """The row of a solution written by hand, with its labels and next tokens from the end of the prompt on."""
    tokenizer = build_tokenizer()
    solution = Solution(PROBLEM, written[:-1], tuple(tokenizer.encode(written)))
    row = replace(verifier.RECIPES["prm"], labels=labels).row(solution, values or {}, tokenizer)
    before = len(PROBLEM.prompt)
    assert tokenizer.decode(row.ids) == PROBLEM.prompt + written
    assert len(row.labels) == len(row.following) == len(row.ids)
    assert set(row.labels[:before] + row.following[: before - 1]) == {verifier.UNLABELLED}
    return row.labels[before:], row.following[before - 1 :]


@pytest.mark.parametrize(("labels", "which"), LABELS)
def test_each_token_of_a_solution_is_labelled_by_what_it_is_scored_by(labels, which):
    found, _ = labelled(labels, WRITTEN[which])
    assert "".join({1.0: "1", 0.0: "0", verifier.UNLABELLED: "."}[label] for label in found) == LABELS[labels, which]


@pytest.mark.parametrize("which", WRITTEN)
def test_where_rollouts_are_known_a_step_has_their_share_as_its_label(which):
    values, written = {}, build_tokenizer().encode(WRITTEN[which])
    ends = [i for i, character in enumerate(WRITTEN[which]) if character == "\n"]
    for i in ends:
        values[PROBLEM.id, tuple(written[: i + 1])] = i / 100
    found, _ = labelled("rollouts", WRITTEN[which], values)
    assert {i: label for i, label in enumerate(found[:-1]) if label != verifier.UNLABELLED} == {
        i: i / 100 for i in ends
    }
    assert found[-1] == (which == "right")


@pytest.mark.parametrize("which", WRITTEN)
def test_what_should_follow_is_taught_up_to_the_first_wrong_token_and_the_right_one_in_its_place(which):
    _, following = labelled("steps", WRITTEN[which])
    taught = len(FOLLOWING[which])
    assert build_tokenizer().decode(following[:taught]) == FOLLOWING[which]
    assert set(following[taught:]) <= {verifier.UNLABELLED}


def test_of_what_a_revision_was_shown_nothing_is_labelled():
    tokenizer, recipe = build_tokenizer(), verifier.RECIPES["prm"]
    alone = Solution(PROBLEM, WRITTEN["wrong"][:-1], tuple(tokenizer.encode(WRITTEN["wrong"])))
    revised = replace(alone, shown="+74=098\n+46=135\n*06=810\n!1#")
    row, longer = (recipe.row(solution, {}, tokenizer) for solution in (alone, revised))
    before, shown = len(PROBLEM.prompt), len(revised.shown)
    assert tokenizer.decode(longer.ids) == revised.shown + PROBLEM.prompt + WRITTEN["wrong"]
    assert longer.labels == [verifier.UNLABELLED] * (before + shown) + row.labels[before:]
    assert longer.following == [verifier.UNLABELLED] * (before + shown - 1) + row.following[before - 1 :]


def test_rollouts_give_each_beginning_of_a_solution_one_value_the_share_that_ends_right():
    policy, tokenizer = ttclab.load("small", device="cpu"), build_tokenizer()
    recipe = replace(verifier.RECIPES["prm-rollouts"], rollouts=4)
    solutions = [
        Solution(PROBLEM, text[:-1], tuple(tokenizer.encode(text)), key=which) for which, text in WRITTEN.items()
    ]
    with billed() as bill:
        values = recipe.rollout_values(policy, solutions)
    beginnings = {text[: i + 1] for text in WRITTEN.values() for i, character in enumerate(text) if character == "\n"}
    found = {tokenizer.decode(list(tokens)): value for (_, tokens), value in values.items()}
    assert found.keys() == beginnings and {problem for problem, _ in values} == {PROBLEM.id}
    assert set(found.values()) <= {0, 0.25, 0.5, 0.75, 1}
    assert found[WRITTEN["right"][:-1]] == 1
    assert found[WRITTEN["wrong"][:-1]] == found[WRITTEN["long"][:-1]] == 0
    assert bill.total.total_flops > 0


@pytest.mark.parametrize("labels", ["steps", "answer", "step-ends", "rollouts"])
def test_a_verifier_reads_what_the_policy_wrote_and_right_solutions_of_further_training_problems(labels):
    policy, tokenizer = ttclab.load("small", device="cpu"), build_tokenizer()
    recipe = replace(verifier.RECIPES["prm"], labels=labels, batch=4, true=3, samples=2, rollouts=2)
    rows = list(recipe.draw(policy, 0, 5, tokenizer))
    assert rows == list(recipe.draw(policy, 0, 5, tokenizer)) != list(recipe.draw(policy, 0, 6, tokenizer))
    prompts = [tokenizer.decode(row.ids).split("\n", 1)[0] for row in rows]
    assert len(rows) == 4 * 2 + 3 and prompts[0:8:2] == prompts[1:8:2] and len(set(prompts)) == 7
    assert {split_of(prompt) for prompt in prompts} == {"train"}
    for prompt, row in list(zip(prompts, rows))[8:]:
        truth = ArithmeticProblem.from_expression(prompt).solution_text + "$"
        assert tokenizer.decode(row.ids) == prompt + "\n" + truth
        assert row.following[len(prompt) : -1] == tokenizer.encode(truth)
    for i, row in enumerate(rows):
        known = [label for label in row.labels if label != verifier.UNLABELLED]
        assert all(0 <= label <= 1 for label in known) and bool(known) == (i < 8)


def test_the_loss_of_a_step_is_a_mean_over_its_tokens_however_it_is_split(quick_verifier, monkeypatch):
    tokenizer = build_tokenizer()
    model = quick_verifier.build(tokenizer)
    split = list(quick_verifier.parts(model, 0, 1, tokenizer))
    monkeypatch.setattr(verifier, "PARTS", 1)
    [whole] = quick_verifier.parts(model, 0, 1, tokenizer)
    assert sum(part.loss.item() for part in split) == pytest.approx(whole.loss.item(), rel=1e-5)
    lengths = [len(row.ids) for row in quick_verifier.draw(ttclab.load("small", device="cpu"), 0, 1, tokenizer)]
    assert whole.flops == 3 * reward_flops(model.config, max(lengths), batch=len(lengths))
    assert 3 * sum(reward_flops(model.config, n) for n in lengths) <= sum(part.flops for part in split) < whole.flops
    assert sum(part.data_flops for part in split) == whole.data_flops > 0


def test_a_trained_verifier_has_its_own_flops_and_those_of_its_data_on_record(quick_verifier, tmp_path):
    made = json.loads(train(tmp_path / "model")[0]["training.json"])
    model = RewardModel.from_pretrained(tmp_path / "model", local_files_only=True)
    policy, tokenizer = ttclab.load("small", device="cpu"), build_tokenizer()
    with billed() as bill:
        rows = [list(quick_verifier.draw(policy, 0, step, tokenizer)) for step in range(6)]
    unpadded = sum(3 * reward_flops(model.config, len(row.ids)) for step in rows for row in step)
    assert made["data_flops"] == bill.total.total_flops
    assert unpadded <= made["training_flops"] < 1.5 * unpadded
    assert (made["base"], made["steps"]) == ("small", 6)


def test_a_large_verifier_has_fourteen_times_the_parameters_of_a_small_one():
    def in_blocks(name):
        return sum(p.numel() for p in verifier.RECIPES[name].build(build_tokenizer()).model.layers.parameters())

    assert 13.5 <= in_blocks("prm-large") / in_blocks("prm") <= 14.5


def test_a_name_without_a_recipe_is_refused():
    with pytest.raises(ValueError, match=r"small.*not 'smal'"):
        loop.train("smal")


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in ttclab.models.ZOO.glob("*/training.json")), ids=lambda folder: folder.name
)
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
    made = {file.parent.name: json.loads(file.read_text()) for file in ttclab.models.ZOO.glob("*/training.json")}
    assert 13.5 <= made["large-1500"]["block_parameters"] / made["small"]["block_parameters"] <= 14.5
    steps = sorted(m["steps"] for name, m in made.items() if name.startswith("large-"))
    solved = [ttclab.bank.load("large", "test", at=at, greedy=True).correct.mean() for at in steps]
    assert len(steps) >= 4 and solved == sorted(solved)
    gap = ttclab.bank.load("large", "test", greedy=True).correct.mean()
    assert 0.15 <= gap - ttclab.bank.load("small", "test", greedy=True).correct.mean() <= 0.30 and gap < 0.85


def test_one_command_trains_every_model_each_after_the_one_it_is_grown_from(monkeypatch):
    asked = []
    monkeypatch.setattr(training, "train", lambda name, **options: asked.append((name, options["seed"])))
    assert main(["train", "--all", "--seed", "3"]) == 0
    assert asked == [(name, 3) for name in loop.RECIPES]


def test_every_recipe_comes_after_the_one_it_is_grown_from_and_every_shipped_model_has_one():
    names = list(loop.RECIPES)
    for name, recipe in loop.RECIPES.items():
        assert recipe.base is None or names.index(recipe.base.rstrip("-0123456789")) < names.index(name)
    made = [json.loads(file.read_text())["name"] for file in ttclab.models.ZOO.glob("*/training.json")]
    assert {*made} <= {*names}
