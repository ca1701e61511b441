from functools import cache

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import ttclab
from ttclab.problems import ArithmeticProblem
from ttclab.training.tokens import build_tokenizer
from ttclab.verifiers.reward_model import FLOOR, RewardModel, reward_flops

TOKENIZER = build_tokenizer()
PROMPT_END, ATTEMPT_END = TOKENIZER.convert_tokens_to_ids(["\n", "#"])
PROBLEM = ArithmeticProblem.from_expression("015+74+46*06")
ATTEMPTS = "+74=098\n+46=135\n*06=810\n#+74=089\n+46=153\n#"
SOLUTION = "+74=089\n+46=136\n??*06=810\n"


@cache
def small():
    return ttclab.load("small", device="cpu").engine.model


def grown(scoring_layers=2):
    return RewardModel.grown(small(), scoring_layers, prompt_end=PROMPT_END, attempt_end=ATTEMPT_END).eval()


def random_reward_model(seed=0):
    """Reads like the small policy; scores at random, by all that it has read and been shown."""
    torch.manual_seed(seed)
    verifier = grown()
    with torch.no_grad():
        for layer in verifier.model.layers[verifier.config.reading_layers :]:
            for matrix in (p for p in layer.parameters() if p.ndim == 2):
                matrix.normal_(std=0.2)
        verifier.surprise.weight.normal_(std=0.2)
        verifier.score.weight.normal_(std=0.2)
    return verifier


def encode(*texts):
    return torch.tensor([TOKENIZER.encode(text) for text in texts])


def look(verifier, ids):
    with torch.no_grad():
        return verifier(ids)


def surprises(verifier, text):
    """What the scoring layers are shown of each token of a text, (length, 4)."""
    return verifier.surprises(encode(text), look(verifier, encode(text)).predicted)[0]


def test_the_reading_layers_predict_exactly_as_the_policy_they_come_from():
    ids = encode(PROBLEM.prompt + SOLUTION)
    with torch.no_grad():
        assert torch.equal(look(random_reward_model(), ids).predicted, small()(ids).logits)


def test_fresh_scoring_layers_pass_on_what_was_read():
    verifier, reader = grown(2), grown(0)
    reader.load_state_dict(verifier.state_dict(), strict=False)
    ids = encode(PROBLEM.prompt + SOLUTION)
    assert look(verifier, ids).right.abs().max() > 0
    assert torch.equal(look(verifier, ids).right, look(reader, ids).right)


@pytest.mark.parametrize("attempts", ["", ATTEMPTS])
def test_what_is_shown_of_a_solution_is_how_far_each_token_is_from_the_policy_s_prediction(attempts):
    before = attempts + PROBLEM.prompt
    ids = encode(before + SOLUTION)
    with torch.no_grad():
        predicted = small()(ids).logits[0].log_softmax(-1)
    expected, closest, total = [], 0.0, 0.0
    for place in range(len(before), ids.shape[1]):
        each = predicted[place - 1]
        logprob, distance = each[ids[0, place]].item(), (each[ids[0, place]] - each.max()).item()
        logprob, distance = max(logprob, FLOOR), max(distance, FLOOR)
        closest, total = min(closest, distance), total + logprob
        expected.append([logprob, distance, closest, total / 4])
    shown = surprises(random_reward_model(), before + SOLUTION)[len(before) :]
    assert torch.allclose(shown, torch.tensor(expected), atol=1e-4)
    assert FLOOR in shown[:, 0] and shown[:, 0].max() > -0.1  # what no one writes, and what everyone does


@pytest.mark.parametrize("attempts", ["", ATTEMPTS])
def test_nothing_is_shown_of_the_prompt_and_of_earlier_attempts(attempts):
    before = attempts + PROBLEM.prompt
    shown = surprises(random_reward_model(), before + SOLUTION)
    assert not shown[: len(before)].any()
    assert shown[len(before) :, 0].all()


def test_a_later_token_changes_nothing_that_was_said_or_shown_before_it():
    verifier = random_reward_model()
    ids = encode(PROBLEM.prompt + SOLUTION)
    scores, shown = look(verifier, ids).right, look(verifier, ids).surprises
    for place in range(len(PROBLEM.prompt), ids.shape[1]):
        other = ids.clone()
        other[0, place:] = (other[0, place:] + 3) % ATTEMPT_END
        changed = look(verifier, other)
        assert torch.allclose(changed.right[:, :place], scores[:, :place], atol=1e-5)
        assert torch.allclose(changed.surprises[:, :place], shown[:, :place], atol=1e-5)
        assert (changed.right[0, place] - scores[0, place]).abs() > 1e-3


def test_both_what_was_read_and_what_is_shown_move_the_scores():
    verifier, blind = random_reward_model(), random_reward_model()
    torch.nn.init.zeros_(blind.surprise.weight)
    seen, unseen = (look(model, encode(PROBLEM.prompt + SOLUTION)).right for model in (verifier, blind))
    begun = len(PROBLEM.prompt)
    assert torch.equal(seen[:, :begun], unseen[:, :begun])
    assert (seen - unseen)[:, begun:].abs().max() > 0.1
    assert unseen.std() > 0.1


def test_the_scores_are_the_same_whatever_computes_the_attention():
    ids = encode(PROBLEM.prompt + SOLUTION, "001+01-01*01\n" + SOLUTION)
    eager = random_reward_model()
    eager.set_attn_implementation("eager")
    own, other = look(random_reward_model(), ids), look(eager, ids)
    assert torch.allclose(own.right, other.right, atol=1e-4)
    assert torch.allclose(own.predicted, other.predicted, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 13)], ids=str)
@pytest.mark.parametrize("scoring_layers", [0, 2, 3])
def test_the_flops_are_exactly_what_torch_counts(shape, scoring_layers):
    verifier = grown(scoring_layers)
    verifier.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with FlopCounterMode(display=False) as counter:
        look(verifier, torch.randint(20, shape))
    assert reward_flops(verifier.config, shape[1], batch=shape[0]) == counter.get_total_flops()


@pytest.mark.parametrize("cached", [1, 13])
def test_the_flops_of_reading_on_are_exactly_what_torch_counts(cached):
    verifier = grown()
    verifier.set_attn_implementation("eager")
    ids = torch.randint(20, (3, cached + 9))
    with torch.no_grad():
        before = verifier(ids[:, :cached], keep=True)
        with FlopCounterMode(display=False) as counter:
            verifier(ids[:, cached:], before)
    assert reward_flops(verifier.config, 9, cached, batch=3) == counter.get_total_flops()


@pytest.mark.parametrize("attempts", ["", ATTEMPTS])
def test_read_in_pieces_a_solution_is_scored_as_in_one_go(attempts):
    verifier = random_reward_model()
    begun, whole = attempts + PROBLEM.prompt, look(verifier, encode(attempts + PROBLEM.prompt + SOLUTION))
    with torch.no_grad():
        reading, place = verifier(encode(begun), keep=True), len(begun)
        for piece in ("+74=089\n", "+", "46=136\n??*06=810\n"):
            reading = verifier(encode(piece), reading, keep=True)
            now = slice(place, place := place + len(piece))
            assert torch.allclose(reading.right, whole.right[:, now], atol=1e-4)
            assert torch.allclose(reading.surprises, whole.surprises[:, now], atol=1e-4)


def test_a_saved_verifier_scores_as_before(tmp_path):
    verifier = random_reward_model()
    verifier.save_pretrained(tmp_path)
    loaded = RewardModel.from_pretrained(tmp_path, local_files_only=True)
    ids = encode(ATTEMPTS + PROBLEM.prompt + SOLUTION)
    assert (tmp_path / "model.safetensors").is_file()
    assert torch.equal(look(verifier, ids).right, look(loaded, ids).right)
    assert loaded.config.architectures == ["RewardModel"]
