import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import ttclab
from ttclab.cli import main
from ttclab.engine import graphs
from ttclab.estimators import fifths, pass_at_k
from ttclab.ledger import billed
from ttclab.problems import ArithmeticProblem, Solution, split_of
from ttclab.results.cards import card
from ttclab.tasks.arithmetic import ARITHMETIC
from ttclab.training import draws, family, loop, policy, reinforcement, verifier
from ttclab.training.policy import RECIPES
from ttclab.training.recipe import Source
from ttclab.training.rows import UNLABELLED, tokenize
from ttclab.training.tokens import alphabet_of, build_tokenizer
from ttclab.verifiers.reward_model import RewardModel, reward_flops

SHIPPED = ttclab.models.ZOO
SHORT = {"steps": 6, "batch": 4, "warmup": 2}
FEW = {"problems": 8, "read": 6, "true": 2}


@pytest.fixture(autouse=True)
def little_data(monkeypatch):
    """Small draws and small evaluations."""
    monkeypatch.setattr(draws.Problems, "STEPS", 4)
    monkeypatch.setattr(policy, "VALIDATION", 36)
    monkeypatch.setattr(verifier, "VALIDATION", (18, 2))
    monkeypatch.setattr(loop, "CHECKS", 3)


def tiny(name):
    """A recipe with the real architecture, but few steps and little data."""
    recipe = (policy.RECIPES | verifier.RECIPES)[name]
    if isinstance(recipe, policy.PolicyRecipe):
        points = (4, 6) if recipe.points else ()
        return replace(recipe, **SHORT, points=points, goal=None, revising=3 if recipe.twin else 0, problems=8)
    few = {"chained": min(4, recipe.chained), "revised": min(3, recipe.revised), "rollouts": min(2, recipe.rollouts)}
    base = "large-6" if recipe.base.startswith("large") else recipe.base
    return replace(recipe, **SHORT, **FEW, **few, base=base)


@pytest.fixture
def quick(monkeypatch):
    """Recipe of a policy with six steps, evaluated after every second one."""
    monkeypatch.setitem(loop.RECIPES, "quick", tiny("small-plain"))
    return loop.RECIPES["quick"]


@pytest.fixture
def quick_reviser(monkeypatch):
    """Like `quick`, for a policy that reads attempts of the shipped small model."""
    monkeypatch.setitem(loop.RECIPES, "quick", replace(tiny("small"), twin="small"))
    return loop.RECIPES["quick"]


@pytest.fixture
def quick_verifier(monkeypatch):
    """Like `quick`, for a verifier that grows from the shipped small model."""
    monkeypatch.setitem(loop.RECIPES, "quick", tiny("prm"))
    return loop.RECIPES["quick"]


@pytest.fixture
def beside_shipped(tmp_path):
    """Folder for trained models that has the shipped small model."""
    (tmp_path / "small").symlink_to(SHIPPED / "small")
    return tmp_path


def train(out, **options):
    messages = []
    loop.train("quick", out=out, device="cpu", say=messages.append, **options)
    return {path.name: path.read_bytes() for path in out.iterdir()}, messages


def source(seed, folder):
    return Source(seed, SHIPPED, folder / str(seed), "cpu")


def test_equal_seeds_give_equal_files_and_different_seeds_different_weights(quick, tmp_path):
    first, messages = train(tmp_path / "first")
    assert train(tmp_path / "second")[0] == first
    assert train(tmp_path / "third", seed=1)[0]["model.safetensors"] != first["model.safetensors"]
    assert [line.split(":")[0] for line in messages] == ["quick step 2", "quick step 4", "quick step 6"]


@pytest.mark.parametrize("recipe", ["quick", "quick_reviser", "quick_verifier"])
def test_a_killed_training_resumes_and_gives_the_same_files(recipe, request, beside_shipped, monkeypatch):
    request.getfixturevalue(recipe)
    whole, _ = train(beside_shipped / "whole")
    advance = loop.Training.advance

    def dying(self, steps):
        if self.step == 4:
            raise KeyboardInterrupt
        return advance(self, steps)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop.Training, "advance", dying)
        train(beside_shipped / "killed")
    assert not (beside_shipped / "killed").exists()
    resumed, messages = train(beside_shipped / "killed")
    assert messages[0] == "resuming quick at step 4 of 6"
    assert resumed == whole
    assert sorted(path.name for path in beside_shipped.iterdir()) == ["killed", "small", "whole"]


def reaching(monkeypatch, *levels):
    """Evaluate every second step, with these results for each seed."""
    results = iter(levels)
    monkeypatch.setattr(loop, "GOAL_CHECK", 2)
    monkeypatch.setattr(policy.PolicyRecipe, "measure", lambda *_: {"pass@1": list(next(results))})


@pytest.mark.parametrize("levels, steps", [([0.6], 2), ([0.4, 0.5], 4), ([0.1, 0.2, 0.3], 6)])
def test_training_ends_at_the_goal_or_after_the_last_step(levels, steps, quick, tmp_path, monkeypatch):
    reaching(monkeypatch, *([level] for level in levels))
    monkeypatch.setitem(loop.RECIPES, "quick", replace(quick, goal=0.5))
    train(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "training.json").read_text())["steps"] == steps


def test_each_seed_is_saved_at_the_step_where_it_reached_the_goal(quick, tmp_path, monkeypatch):
    recipe, sources = replace(quick, goal=0.5), [source(seed, tmp_path) for seed in (0, 1)]
    folders = [tmp_path / "a", tmp_path / "b"]
    reaching(monkeypatch, (0.1, 0.5), (0.6, 0.4))
    loop.train_seeds("quick", recipe, sources, folders, say=lambda _: None)
    assert [json.loads((each / "training.json").read_text())["steps"] for each in folders] == [4, 2]
    for place, folder in enumerate(folders):
        alone = loop.Training(recipe, sources[place : place + 1])
        alone.advance(4 - 2 * place)
        for name, weight in alone.averaged(0).named_parameters():
            torch.testing.assert_close(weight, ttclab.load(folder).engine.model.get_parameter(name), atol=1e-4, rtol=0)


def test_a_resumed_training_does_not_save_finished_seeds_again(quick, tmp_path, monkeypatch):
    recipe, sources = replace(quick, goal=0.5), [source(seed, tmp_path) for seed in (0, 1)]
    folders = [tmp_path / "a", tmp_path / "b"]
    reaching(monkeypatch, (0.1, 0.5))
    with pytest.raises(StopIteration):  # no second evaluation
        loop.train_seeds("quick", recipe, sources, folders, say=lambda _: None)
    reaching(monkeypatch, (0.6, 0.7))
    loop.train_seeds("quick", recipe, sources, folders, say=lambda _: None)
    assert [json.loads((each / "training.json").read_text())["steps"] for each in folders] == [4, 2]


def test_a_checkpoint_of_another_seed_is_refused(quick, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "ship", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        train(tmp_path / "model")
    with pytest.raises(ValueError, match="another recipe or seed"):
        train(tmp_path / "model", seed=1)


@pytest.mark.parametrize("recipe", ["quick_reviser", "quick_verifier"])
def test_training_seeds_together_equals_training_them_one_by_one(recipe, request, tmp_path):
    short = request.getfixturevalue(recipe)
    sources = [source(seed, tmp_path) for seed in (0, 1)]
    together, padded = loop.Training(short, sources), loop.Training(short, sources, fixed=True)
    alone = [loop.Training(short, [each]) for each in sources]
    losses = together.advance(6)
    assert padded.advance(6) == pytest.approx(losses, rel=1e-5)
    for place, run in enumerate(alone):
        assert run.advance(6) == pytest.approx(losses[place : place + 1], rel=1e-5)
        for other in (together, padded):
            torch.testing.assert_close(other.optimizer.average[place], run.optimizer.average[0], atol=1e-4, rtol=0)
            assert other.flops(place) == run.flops(0)


def test_a_failed_capture_leaves_the_weights_unchanged(quick, tmp_path, monkeypatch):
    def failing(run):
        run()
        run()
        raise graphs.CaptureError("not permitted")

    monkeypatch.setattr(loop, "capture", failing)
    run, plain = (loop.Training(quick, [source(0, tmp_path)], fixed=True) for _ in range(2))
    step = run._captured(run._gathered_step)
    for _ in range(3):
        step()
    plain.advance(3)
    assert torch.equal(run.optimizer.average, plain.optimizer.average)
    assert int(run.optimizer.done) == 3


@pytest.mark.parametrize("name", ["small-plain", "prm", "prm-large"])
def test_the_training_network_equals_the_shipped_network(name, tmp_path):
    zoo = Path(SHIPPED)
    recipe = (policy.RECIPES | verifier.RECIPES)[name]
    torch.manual_seed(0)
    model = recipe.build(build_tokenizer(), zoo)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    network = loop.Network([model], torch.device("cpu"))
    ids, _ = tokenize([PROBLEM.prompt + WRITTEN["wrong"], "+74=089\n#" + PROBLEM.prompt + WRITTEN["long"]])
    tokens = torch.from_numpy(ids).long()
    predicted, right = network.read(network.weights, tokens[None])
    if name == "small-plain":
        torch.testing.assert_close(predicted[0], model(input_ids=tokens).logits, atol=1e-4, rtol=1e-4)
    else:
        reading = model(tokens)
        torch.testing.assert_close(predicted[0], reading.predicted, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(right[0], reading.right, atol=1e-4, rtol=1e-4)


def test_the_optimizer_agrees_with_torch(quick, tmp_path):
    run = loop.Training(quick, [source(0, tmp_path)])
    torch.manual_seed(0)
    model = quick.build(build_tokenizer(), tmp_path)
    matrices = [p for name, p in model.named_parameters() if ".layers." in name and p.ndim == 2]
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    optimizers = [
        torch.optim.Muon(matrices, weight_decay=0.0),
        torch.optim.AdamW(others, weight_decay=0.0, betas=(0.9, 0.95)),
    ]
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(quick.averaging))
    table = run.tables[0][0]
    for step in range(6):
        rows = table.order[step]
        ids, following = (torch.from_numpy(x[rows]).long() for x in (table.rows.ids, table.rows.following))
        logits = model(input_ids=ids).logits.flatten(0, 1)
        torch.nn.functional.cross_entropy(logits, following.flatten(), ignore_index=UNLABELLED).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, rate in zip(optimizers, (quick.muon_learning_rate, quick.learning_rate)):
            optimizer.param_groups[0]["lr"] = rate * quick.rate(step)
            optimizer.step()
            optimizer.zero_grad()
        average.update_parameters(model)
        run.advance(1)
    found = run.network.views(run.optimizer.average)
    for name, parameter in average.module.named_parameters():
        # torch's Muon computes in bfloat16
        torch.testing.assert_close(found[name][0], parameter.data, atol=5e-3 if "proj" in name else 5e-4, rtol=0)


def test_a_head_of_an_odd_size_is_refused():
    with pytest.raises(ValueError, match=r"multiple of 2 \* heads = 8, not 28"):
        replace(RECIPES["small"], width=28, heads=4)


def test_training_flops_are_three_forward_passes_of_the_padded_rows(quick, tmp_path):
    files, _ = train(tmp_path / "model")
    made = json.loads(files["training.json"])
    config = ttclab.load(tmp_path / "model", device="cpu").config
    expected = 0
    for step in range(6):
        problems, _ = draws.problems_of(f"0/{step}", 4)
        lengths = sorted(len(p.prompt) + len(p.solution_text) + 1 for p in problems)
        for third in (lengths[:2], lengths[2:3], lengths[3:]):
            expected += 3 * ttclab.flops.forward_flops(config, third[-1], batch=len(third))
    assert made["training_flops"] == expected
    assert made["steps"] == 6 and made["data_flops"] == 0


def test_measures_agree_with_the_share_of_right_generations(tmp_path):
    policy_ = ttclab.load("small", device="cpu")
    network = loop.Network([policy_.engine.model], torch.device("cpu"))
    problems = ttclab.load_problems("validation", limit=36)
    measures = RECIPES["small-plain"].measure(network, network.weights, [source(0, tmp_path)])
    greedy = np.mean([s.text == s.problem.solution_text for [s] in policy_.generate(problems, temperature=0)])
    sampled = np.mean([s.text == s.problem.solution_text for group in policy_.generate(problems, n=64) for s in group])
    assert measures["greedy"] == [pytest.approx(greedy)]
    assert measures["pass@1"] == [pytest.approx(sampled, abs=0.03)]


def test_a_step_reads_only_training_problems_and_learns_their_solutions(tmp_path):
    tokenizer = build_tokenizer()
    run = loop.Training(replace(tiny("small-plain"), batch=30), [source(0, tmp_path)])
    [table] = run.tables[0]
    for row in table.order[3]:
        following = table.rows.following[row]
        text = tokenizer.decode(table.rows.ids[row][: table.rows.lengths[row]])
        prompt, solution = text.split("\n", 1)
        assert split_of(prompt) == "train"
        assert tokenizer.decode(following[following != UNLABELLED]) == solution
        assert solution.endswith("\n$")


def test_the_problems_of_a_step_depend_only_on_seed_and_step():
    pieces = [draws.Problems(seed=0, part=part, batch=4).make() for part in (0, 1)]
    ids, lengths = pieces[1]["ids"], pieces[1]["lengths"]
    problems, _ = draws.problems_of("0/4", 4)  # the first step of the second file
    texts = [build_tokenizer().decode(row[:length]) for row, length in zip(ids[:4], lengths)]
    assert texts == [p.prompt + p.solution_text + "$" for p in problems]
    assert max(piece["lengths"].max() for piece in pieces) == 22 + 49


def test_attempts_come_before_the_problem_and_some_have_feedback():
    policy_ = ttclab.load("small", device="cpu")
    draw = draws.Attempts(
        seed=0, policy="small", problems=36, attempts=4, chains=4, kept=0.5, commented=0.5, made_up=0.15
    )
    arrays = draw.make(policy_)
    tokenizer = build_tokenizer()
    right = commented = 0
    for ids, following, length in zip(arrays["ids"], arrays["following"], arrays["lengths"]):
        text, target = tokenizer.decode(ids[:length]), tokenizer.decode(following[following != UNLABELLED])
        *attempts, rest = text.split("#")
        prompt, solution = rest.split("\n", 1)
        assert 1 <= len(attempts) <= 4 and solution == target
        assert target == ArithmeticProblem.from_expression(prompt).solution_text + "$"
        commented += attempts[-1][0] in "!?"
        right += attempts[-1].lstrip("!?").endswith(solution[:-1])
    assert 0.35 <= commented / (36 * 4) <= 0.65
    assert 0.4 <= right / (36 * 4) <= 0.85


def test_the_wrong_attempt_nearest_to_the_solution_is_shown_last():
    near, far = "+74=089\n+46=136\n*06=816\n", "+74=098\n+46=144\n*06=864\n"
    group = [Solution(PROBLEM, text, key=text) for text in (far, near, far)]
    draw = draws.Attempts(
        seed=0, policy="small", problems=1, attempts=3, chains=30, kept=0.5, commented=0.0, made_up=0.0
    )
    shown = {before for before, _ in draw.pairs(PROBLEM, group, draws.random.Random(0))}
    assert all(text.endswith(near + "#" + PROBLEM.prompt) for text in shown) and len(shown) == 3


def test_the_tokenizer_has_one_token_per_character_and_restores_the_text():
    tokenizer = build_tokenizer()
    assert tokenizer.encode("015+74\n") == [alphabet_of(ARITHMETIC).index(c) for c in "015+74\n"]
    assert tokenizer.decode(tokenizer.encode("+74=089\n$")) == "+74=089\n$"
    assert tokenizer.decode(tokenizer.encode("é")) == "?"


PROBLEM = ArithmeticProblem.from_expression("015+74+46*06")
WRITTEN = {
    "right": "+74=089\n+46=135\n*06=810\n$",
    "wrong": "+74=089\n+46=136\n*06=816\n$",  # in its second step
    "long": "+74=089\n+46=135\n*06=810\n+01=811\n$",
    "short": "+74=089\n+46=135\n$",
}
# For each token: 1 right, 0 wrong, . no label.
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
FOLLOWING = {  # next-token targets from the end of the prompt on
    "right": "+74=089\n+46=135\n*06=810\n$",
    "wrong": "+74=089\n+46=135",
    "long": "+74=089\n+46=135\n*06=810\n$",
    "short": "+74=089\n+46=135\n*",
}


def row_of(solution, labels="steps", values=None):
    """Token ids, labels and next-token targets of a solution."""
    arrays = draws.read([solution])
    if values is not None:
        arrays["values"] = np.full(arrays["ids"].shape, UNLABELLED, dtype=np.float16)
        arrays["values"][0, list(values)] = list(values.values())
    rows = verifier.labelled(arrays, labels)
    return [x[0].tolist() for x in (rows.ids, rows.labels, rows.following)]


def labelled(labels, written, values=None):
    """Labels and next-token targets of a text, from the end of the prompt on."""
    tokenizer = build_tokenizer()
    before = len(PROBLEM.prompt)
    solution = Solution(PROBLEM, written[:-1], tuple(tokenizer.encode(written)))
    at = {before + i: value for i, value in values.items()} if values else None
    ids, targets, following = row_of(solution, labels, at)
    assert tokenizer.decode(ids) == PROBLEM.prompt + written
    assert len(targets) == len(following) == len(ids)
    assert set(targets[:before] + following[: before - 1]) == {UNLABELLED}
    return targets[before:], following[before - 1 :]


@pytest.mark.parametrize(("labels", "which"), LABELS)
def test_each_token_of_a_solution_has_the_label_of_its_scheme(labels, which):
    found, _ = labelled(labels, WRITTEN[which])
    assert "".join({1.0: "1", 0.0: "0", UNLABELLED: "."}[label] for label in found) == LABELS[labels, which]


@pytest.mark.parametrize("which", WRITTEN)
def test_a_step_with_rollouts_is_labelled_by_their_share_of_right_answers(which):
    ends = [i for i, character in enumerate(WRITTEN[which]) if character == "\n"]
    found, _ = labelled("rollouts", WRITTEN[which], {i: i / 64 for i in ends})
    assert {i: label for i, label in enumerate(found[:-1]) if label != UNLABELLED} == {i: i / 64 for i in ends}
    assert found[-1] == (which == "right")


@pytest.mark.parametrize("which", WRITTEN)
def test_next_token_targets_end_with_the_correction_of_the_first_wrong_token(which):
    _, following = labelled("steps", WRITTEN[which])
    taught = len(FOLLOWING[which])
    assert build_tokenizer().decode(following[:taught]) == FOLLOWING[which]
    assert set(following[taught:]) <= {UNLABELLED}


def test_the_attempts_before_a_revision_have_no_labels():
    tokenizer = build_tokenizer()
    alone = Solution(PROBLEM, WRITTEN["wrong"][:-1], tuple(tokenizer.encode(WRITTEN["wrong"])))
    revised = replace(alone, shown="+74=098\n+46=135\n*06=810\n!1#")
    (_, labels, following), (ids, more_labels, more_following) = row_of(alone), row_of(revised)
    before, shown = len(PROBLEM.prompt), len(revised.shown)
    assert tokenizer.decode(ids) == revised.shown + PROBLEM.prompt + WRITTEN["wrong"]
    assert more_labels == [UNLABELLED] * (before + shown) + labels[before:]
    assert more_following == [UNLABELLED] * (before + shown - 1) + following[before - 1 :]


def test_each_partial_solution_has_one_value_the_share_of_right_rollouts():
    policy_, tokenizer = ttclab.load("small", device="cpu"), build_tokenizer()
    solutions = [
        Solution(PROBLEM, text[:-1], tuple(tokenizer.encode(text)), key=which) for which, text in WRITTEN.items()
    ]
    columns = max(map(len, WRITTEN.values())) + len(PROBLEM.prompt)
    with billed() as bill:
        values = draws.rollout_values(policy_, solutions, 4, columns)
    found = {}
    for row, text in zip(values, WRITTEN.values()):
        known = {i - len(PROBLEM.prompt): value for i, value in enumerate(row) if value != UNLABELLED}
        assert set(known) == {i for i, character in enumerate(text) if character == "\n"}
        for i, value in known.items():
            assert found.setdefault(text[: i + 1], value) == value
    assert set(found.values()) <= {0, 0.25, 0.5, 0.75, 1}
    assert found[WRITTEN["right"][:-1]] == 1
    assert found[WRITTEN["wrong"][:-1]] == found[WRITTEN["long"][:-1]] == 0
    assert bill.total.total_flops > 0


@pytest.mark.parametrize("name", ["prm", "orm", "prm-exact", "prm-rollouts"])
def test_a_verifier_reads_samples_and_right_solutions_of_training_problems(name, tmp_path):
    tokenizer, recipe = build_tokenizer(), tiny(name)
    sampled, *revised = recipe.data(source(0, tmp_path)).tables
    assert sampled.order.shape == (6, 6 + 2) and len(revised) == (recipe.revised > 0)
    for table in (sampled, *revised):
        for row in table.order.flatten():
            length = table.rows.lengths[row]
            text = tokenizer.decode(table.rows.ids[row][:length])
            prompt = text.rpartition("#")[2].split("\n", 1)[0]
            labels = table.rows.labels[row]
            true = table is sampled and row >= 2 * recipe.problems
            assert split_of(prompt) == "train" and ("#" in text) == (table is not sampled)
            assert (labels == UNLABELLED).all() == true
            assert ((labels == UNLABELLED) | ((labels >= 0) & (labels <= 1))).all()
            if true:
                truth = ArithmeticProblem.from_expression(prompt).solution_text + "$"
                assert text == prompt + "\n" + truth


def test_a_trained_verifier_records_the_flops_of_training_and_of_its_data(quick_verifier, beside_shipped, tmp_path):
    made = json.loads(train(beside_shipped / "model")[0]["training.json"])
    model = RewardModel.from_pretrained(beside_shipped / "model", local_files_only=True)
    policy_ = ttclab.load("small", device="cpu")
    with billed() as bill:
        for draw in quick_verifier.draws(0):
            if isinstance(draw, draws.Solutions):
                draw.make(policy_)
    tables = quick_verifier.data(source(0, tmp_path / "data")).tables
    lengths = [n for table in tables for n in table.rows.lengths[table.order].flatten()]
    unpadded = sum(3 * reward_flops(model.config, int(n)) for n in lengths)
    assert made["data_flops"] == bill.total.total_flops > 0
    assert unpadded <= made["training_flops"] < 1.5 * unpadded
    assert (made["base"], made["steps"]) == ("small", 6)


def test_a_verifier_pays_for_rollouts_only_if_it_learns_from_them(tmp_path):
    exact, rolled = tiny("prm-exact"), tiny("prm-rollouts")
    paid, of_rollouts, of_samples = (
        recipe.data(source(0, tmp_path)).flops for recipe in (exact, rolled, replace(exact, rollouts=0))
    )
    assert paid == of_samples < of_rollouts
    shipped = [json.loads((SHIPPED / name / "training.json").read_text()) for name in ("prm-exact", "prm-rollouts")]
    assert shipped[0]["data_flops"] < shipped[1]["data_flops"] / 10


def test_large_models_have_fourteen_times_the_parameters_of_small_ones(tmp_path):
    def in_blocks(name):
        recipe = loop.RECIPES[name]
        model = recipe.build(build_tokenizer(), tmp_path)
        model.save_pretrained(tmp_path / name)
        build_tokenizer().save_pretrained(tmp_path / name)
        return sum(p.numel() for p in model.model.layers.parameters())

    sizes = {name: in_blocks(name) for name in ("small", "large", "prm")}
    shutil.copytree(tmp_path / "large", tmp_path / "large-2500")
    assert 13.5 <= sizes["large"] / sizes["small"] <= 14.5
    assert 13.5 <= in_blocks("prm-large") / sizes["prm"] <= 14.5


def test_a_name_without_a_recipe_is_refused():
    with pytest.raises(ValueError, match=r"small.*not 'smal'"):
        loop.train("smal")


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in ttclab.models.ZOO.glob("*/training.json")), ids=lambda folder: folder.name
)
def test_the_card_of_a_shipped_model_agrees_with_its_recorded_runs(folder):
    assert (folder / "README.md").read_text() == card(folder)


def test_the_small_model_solves_some_problems_always_and_some_hardly_ever():
    right = ttclab.bank.load("small", "test").correct
    fifth = fifths(right.mean(axis=1))
    rates = [right[fifth == i].mean() for i in range(5)]
    assert 0.45 <= right.mean() <= 0.60
    assert rates[0] >= 0.90 and rates[4] <= 0.10
    assert pass_at_k(256, right.sum(axis=1), 64).mean() >= 0.85


def test_the_large_model_is_14_times_larger_and_improves_at_every_saved_step():
    made = {file.parent.name: json.loads(file.read_text()) for file in ttclab.models.ZOO.glob("*/training.json")}
    assert 13.5 <= made["large-1500"]["block_parameters"] / made["small"]["block_parameters"] <= 14.5
    steps = sorted(m["steps"] for name, m in made.items() if name.startswith("large-"))
    solved = [ttclab.bank.load("large", "test", at=at, greedy=True).correct.mean() for at in steps]
    assert len(steps) >= 4 and solved == sorted(solved)
    gap = ttclab.bank.load("large", "test", greedy=True).correct.mean()
    assert 0.15 <= gap - ttclab.bank.load("small", "test", greedy=True).correct.mean() <= 0.30 and gap < 0.85


@pytest.mark.parametrize("folder", sorted(SHIPPED.iterdir()), ids=lambda folder: folder.name)
def test_a_shipped_model_was_trained_by_its_recipe(folder):
    record = json.loads((folder / "training.json").read_text())
    recipe = (loop.RECIPES | reinforcement.RECIPES)[record["name"]]
    assert (record["base"], record["seed"], record["task"]) == (recipe.base, 0, recipe.task)
    assert record.get("writers", []) == sorted(recipe.writers)
    if recipe.points:
        assert record["steps"] == int(folder.name.rpartition("-")[2]) in recipe.points
    elif recipe.goal:
        assert record["steps"] < recipe.steps and record["validation"]["pass@1"] >= recipe.goal
    else:
        assert record["steps"] == recipe.steps
    if isinstance(recipe, policy.PolicyRecipe):
        config = ttclab.load(folder, device="cpu").config
        shape = (config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size)
        assert shape == (recipe.width, recipe.depth, recipe.heads, recipe.feedforward)


def test_every_recipe_has_a_shipped_model():
    records = [json.loads(file.read_text())["name"] for file in SHIPPED.glob("*/training.json")]
    assert {*records} == {*loop.RECIPES, *reinforcement.RECIPES}


def test_every_recipe_comes_after_its_dependencies():
    names = list(loop.RECIPES)
    for name, recipe in loop.RECIPES.items():
        assert all(names.index(needed) < names.index(name) for needed in recipe.needs)
    assert loop.RECIPES["prm-large"].needs == {"large", "small"}


def test_the_control_differs_from_small_only_in_the_rows_with_attempts():
    assert replace(RECIPES["small"], revising=0, twin=None) == RECIPES["small-plain"]
    assert RECIPES["small"].revising and RECIPES["small"].twin == "small-plain"


@pytest.fixture
def tiny_family(monkeypatch):
    """Every recipe, with few steps."""
    monkeypatch.setattr(loop, "CHECKS", 1)
    for name in loop.RECIPES:
        monkeypatch.setitem(loop.RECIPES, name, replace(tiny(name), **({} if name == "large" else {"steps": 3})))


def test_one_command_trains_a_family_and_resumes(tiny_family, tmp_path, capsys):
    command = ["train", "--family", "--seeds", "3", "--device", "cpu", "--out", str(tmp_path)]
    assert main(command) == 0
    zoo = tmp_path / "3" / "zoo"
    made = {file.parent.name: file.read_bytes() for file in zoo.glob("*/model.safetensors")}
    assert set(made) == {*loop.RECIPES} - {"large"} | {"large-4", "large-6"}
    measures = json.loads((tmp_path / family.SUMMARY).read_text())["3"]
    assert set(measures) == set(made) and "pass@1" in measures["small"]
    assert [path.name for path in (tmp_path / "3").iterdir()] == ["zoo"]
    (zoo / "prm" / "training.json").unlink()
    kept = {path: path.stat().st_mtime_ns for path in zoo.glob("*/model.safetensors")}
    assert main(command) == 0
    assert [path.parent.name for path, time in kept.items() if path.stat().st_mtime_ns != time] == ["prm"]
    assert (zoo / "prm" / "model.safetensors").read_bytes() == made["prm"]


def test_a_failed_training_stops_only_the_models_that_depend_on_it(tiny_family, tmp_path, monkeypatch, capsys):
    def failing(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(verifier.VerifierRecipe, "loss", failing)
    command = ["train", "--family", "--device", "cpu", "--out", str(tmp_path), "--only", "small-plain,small,prm,orm"]
    assert main(command) == 2
    assert "failed or skipped: prm of seed 0, orm of seed 0" in capsys.readouterr().err
    assert set(json.loads((tmp_path / family.SUMMARY).read_text())["0"]) == {"small-plain", "small"}
    assert "out of luck" in (tmp_path / "log.txt").read_text()


def test_parallel_tasks_wait_for_their_dependencies(tmp_path):
    where = family.Family(tmp_path, (0,), "cpu", {})

    def task(name, *needs, run=Path.touch):
        path = tmp_path / name
        return family.Task(name, frozenset(needs), family.partial(run, path), path.exists)

    tasks = [task("a"), task("b", "a"), task("c", "no"), task("no", run=Path.read_text), task("d", "b")]
    assert sorted(family.run_in_parallel(where, tasks)) == ["c", "no"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "d", "log.txt"}
    log = (tmp_path / "log.txt").read_text()
    assert log.index("a took") < log.index("b took") < log.index("d took") and "no FAILED" in log


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "one model's name, or --family"),
        (["small", "--family"], "one model's name, or --family"),
        (["small", "--seeds", "0,1"], "need --family"),
        (["--family"], "needs a folder"),
        (["--family", "--out", "x", "--seeds", "0,one"], "whole numbers"),
        (["--family", "--out", "x", "--seeds", "1,1", "--device", "cpu"], "each once"),
        (["--family", "--out", "x", "--only", "smal", "--device", "cpu"], "not smal"),
    ],
)
def test_a_wrong_call_of_train_explains_the_error(words, reason, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *words]) == 2
    assert reason in capsys.readouterr().err and not list(tmp_path.iterdir())
