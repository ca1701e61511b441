import re
import subprocess
import sys

import pytest
import torch
from tiny import CONFIGS, TOKENIZER, random_model, random_policy
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, LlamaConfig, PreTrainedTokenizerFast

import ttclab
from ttclab.engine import Row, Sampler, positions_of
from ttclab.ledger import billed
from ttclab.models import IGNORED, LanguageModel, sampler_of, turn_end
from ttclab.policy import Prompt
from ttclab.problems import load_problems
from ttclab.tasks.text_problems import TextProblem
from ttclab.training.tokens import build_tokenizer

PROBLEMS = load_problems("test", limit=12)

PLAIN_TRANSFORMERS = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
assert not any(name.startswith("ttclab") for name in sys.modules)
model, tokenizer = AutoModelForCausalLM.from_pretrained(sys.argv[1]), AutoTokenizer.from_pretrained(sys.argv[1])
for prompt in sys.stdin.read().split():
    ids = tokenizer(prompt + "\\n", return_tensors="pt")
    print(*model.generate(**ids, do_sample=False)[0, ids.input_ids.shape[1]:].tolist())
"""


def test_plain_transformers_reads_the_shipped_weights_and_answers_the_same_token_by_token():
    problems = load_problems("test", limit=50)
    prompts = "\n".join(problem.id for problem in problems)
    command = [sys.executable, "-c", PLAIN_TRANSFORMERS, str(ttclab.models.ZOO / "small")]
    answers = subprocess.run(command, input=prompts, capture_output=True, text=True, check=True, cwd="/").stdout
    ours = ttclab.load("small", device="cpu").generate(problems, temperature=0)
    assert [list(map(int, line.split())) for line in answers.splitlines()] == [list(s.tokens) for [s] in ours]


def test_a_list_of_problems_gives_what_each_gives_alone():
    policy = random_policy()
    together = policy.generate(PROBLEMS, n=3, seed=5)
    alone = [policy.generate(problem, n=3, seed=5) for problem in reversed(PROBLEMS)][::-1]
    assert [[s.tokens for s in group] for group in together] == [[s.tokens for s in group] for group in alone]
    assert [group[0].problem for group in together] == PROBLEMS


def test_more_samples_begin_with_the_fewer_and_another_seed_draws_others():
    policy = random_policy()
    four, eight = (policy.generate(PROBLEMS[0], n=n) for n in (4, 8))
    assert [s.tokens for s in eight[:4]] == [s.tokens for s in four]
    assert [s.tokens for s in policy.generate(PROBLEMS[0], n=4, seed=1)] != [s.tokens for s in four]


def test_a_solution_cut_at_the_limit_is_unfinished_and_one_that_ends_hides_its_end_token():
    policy = random_policy(seed=1)
    solutions = [s for group in policy.generate(PROBLEMS, n=8, max_new_tokens=6) for s in group]
    assert {s.finished for s in solutions} == {True, False}
    for solution in solutions:
        assert solution.finished == (TOKENIZER.eos_token_id in solution.tokens)
        assert "$" not in solution.text
        assert len(solution.tokens) <= 6


def test_an_unknown_model_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"one of .*small.*not 'smal'"):
        ttclab.load("smal")


def test_a_model_saved_by_transformers_is_loaded_from_its_directory(tmp_path):
    random_model("llama").save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    loaded = ttclab.load(tmp_path, device="cpu")
    expected = random_policy("llama").generate(PROBLEMS[0], temperature=0)
    assert loaded.generate(PROBLEMS[0], temperature=0)[0].tokens == expected[0].tokens
    assert loaded.engine.device == torch.device("cpu")


CHAT = "!{% for turn in messages %}#{{ turn['content'] }}{% endfor %}{% if add_generation_prompt %}?{% endif %}"


@pytest.mark.parametrize(
    ("template", "begin", "around"), [(None, "", ("", "")), (None, "!", ("!", "")), (CHAT, "!", ("!#", "?"))]
)
def test_a_prompt_is_fed_as_the_tokenizer_on_disk_says(template, begin, around, tmp_path):
    tokenizer = build_tokenizer()
    tokenizer.chat_template = template
    if begin:
        ids = [(begin, tokenizer.convert_tokens_to_ids(begin))]
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{begin} $A", special_tokens=ids)
    model = random_model("llama")
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    policy = ttclab.load(tmp_path, device="cpu")
    context = TOKENIZER.encode(PROBLEMS[0].prompt.join(around))
    assert list(policy.encode(Prompt(PROBLEMS[0]))) == context
    theirs = model.generate(torch.tensor([context]), do_sample=False)[0, len(context) :]
    assert list(policy.generate(PROBLEMS[0], temperature=0)[0].tokens) == theirs.tolist()


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_charged_is_what_torch_counts_while_a_solution_is_written(name):
    policy = random_policy(name)
    policy.engine.model.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with billed() as bill, FlopCounterMode(display=False) as counter:
        steps = policy.generate_step(PROBLEMS[0], temperature=0, max_new_tokens=12)
        (solution,) = policy.rollout(PROBLEMS[0], steps, temperature=0, max_new_tokens=40)
    assert len(solution.tokens) > 12
    assert bill.total.total_flops == counter.get_total_flops()


# Models that are not like the shipped ones


@pytest.mark.parametrize(
    "field",
    [
        {"repetition_penalty": 1.1}, {"no_repeat_ngram_size": 3}, {"min_new_tokens": 5}, {"min_p": 0.05},
        {"typical_p": 0.9}, {"num_beams": 4}, {"bad_words_ids": [[3]]}, {"stop_strings": ["7"]},
        {"repetition_penalty": 1.05, "min_p": 0.1},
    ],
    ids=str,
)  # fmt: skip
def test_a_generation_field_that_is_not_heeded_is_named_in_one_warning(field):
    model = random_model("llama")
    model.generation_config.update(**field)
    with pytest.warns(UserWarning) as said:
        LanguageModel(model, TOKENIZER)
    assert len(said) == 1
    for name, value in field.items():
        assert f"{name}={value!r}" in str(said[0].message)


def test_generation_fields_that_change_nothing_are_not_mentioned(recwarn):
    model = random_model("llama")
    neutral = {name: values[0] for name, values in IGNORED.items() if values}
    model.generation_config = GenerationConfig(do_sample=True, temperature=0.7, top_k=20, top_p=0.8, max_new_tokens=24)
    for name, value in neutral.items():
        setattr(model.generation_config, name, value)
    LanguageModel(model, TOKENIZER)
    assert not [warning for warning in recwarn if warning.category is UserWarning]


def test_a_top_k_of_minus_one_keeps_all_tokens_and_other_impossible_settings_fail_at_load():
    assert sampler_of(GenerationConfig(do_sample=True, top_k=-1, top_p=0.9)) == Sampler(1.0, top_k=0, top_p=0.9)
    model = random_model("llama")
    for setting, said in (
        ({"top_k": -7}, "top_k must be >= 0"),
        ({"top_p": 1.5}, "top_p"),
        ({"temperature": -1.0}, "temp"),
    ):
        model.generation_config = GenerationConfig(do_sample=True)
        model.generation_config.__dict__.update(setting)
        with pytest.raises(ValueError, match=said):
            LanguageModel(model, TOKENIZER)


_HYBRID = {
    "vocab_size": len(TOKENIZER), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None,
}  # fmt: skip
_LINEAR = {
    "head_dim": 8, "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8, "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip
_MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
_STATES = {
    "vocab_size": len(TOKENIZER),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "eos_token_id": 1,
}
HYBRIDS = {
    "lfm2": _HYBRID | {"layer_types": ["conv", "full_attention"], "block_multiple_of": 8},
    "qwen3_next": _HYBRID | _LINEAR | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "qwen3_5_text": _HYBRID | _LINEAR,
    "jamba": _HYBRID | {
        "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
        "num_experts": 2, "mamba_d_state": 8, "mamba_dt_rank": 4,
    },
    "mamba": _STATES | {"state_size": 8},
    "mamba2": _STATES | {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1},
    "bamba": _HYBRID | _MAMBA | {"attn_layer_indices": [1]},
    "falcon_h1": _HYBRID | _MAMBA | {"mamba_d_ssm": 64},
    "recurrent_gemma": _HYBRID | {"num_hidden_layers": 3, "lru_width": 32, "attention_window_size": 16},
    "minimax": _HYBRID | {"layer_types": ["linear_attention", "full_attention"], "num_local_experts": 2, "head_dim": 8},
    "rwkv": _STATES | {"context_length": 64},
    "xlstm": _STATES | {"num_heads": 4},
}  # fmt: skip


@pytest.mark.parametrize("kind", HYBRIDS)
def test_a_model_with_a_recurrent_state_is_one_clear_error_before_its_weights_are_read(kind, tmp_path):
    config = AutoConfig.for_model(kind, **HYBRIDS[kind])
    with pytest.raises(ValueError, match=rf"a {kind} model keeps a recurrent state .*behind a server"):
        LanguageModel(AutoModelForCausalLM.from_config(config), TOKENIZER)
    config.save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    with pytest.raises(ValueError, match="keeps a recurrent state"):
        ttclab.load(tmp_path, device="cpu")


def short(name):
    """A random model of 24 positions."""
    config = CONFIGS[name].__class__(**{**CONFIGS[name].to_dict(), "max_position_embeddings": 24, "n_positions": 24})
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.generation_config = GenerationConfig(do_sample=True, max_new_tokens=64, eos_token_id=1, pad_token_id=0)
    return LanguageModel(model, TOKENIZER)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize("decoder", ["eager", "static"])
def test_solutions_are_cut_at_the_last_position_and_stay_as_they_are_then(name, decoder):
    policy = short(name)
    policy.engine.decoder = decoder
    policy.engine.end_ids = []
    for solution in policy.generate(PROBLEMS[0], n=3):
        assert len(policy.encode(Prompt(PROBLEMS[0]))) + len(solution.tokens) == 24
        assert not solution.finished
        [again] = policy.rollout(PROBLEMS[0], [solution])
        assert again.tokens == solution.tokens
    contexts = [
        policy.encode(Prompt(problem)) for problem in (PROBLEMS[5], *[PROBLEMS[0]] * 12)
    ]  # one is done long before
    written = policy.engine.write([Row(each, str(i)) for i, each in enumerate(contexts)], Sampler(), max_new_tokens=64)
    assert {len(each) + len(new.tokens) for each, new in zip(contexts, written, strict=True)} == {24}
    live = policy.generate_step(PROBLEMS[:4], n=2)
    for _ in range(30):
        live = policy.generate_step(PROBLEMS[:4], live)
    assert all(len(policy.encode(Prompt(s.problem))) + len(s.tokens) == 24 for group in live for s in group)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_problem_that_leaves_no_position_is_named_before_anything_is_written(name, tmp_path, monkeypatch):
    policy = short(name)
    monkeypatch.setattr(policy.engine, "write", lambda *args, **options: pytest.fail("something was written"))
    long = next(p for p in PROBLEMS if len(p.prompt) >= 20)
    crowd = [*PROBLEMS[:2], TextProblem.of("long one", "1" * 40, "1")]
    with pytest.raises(ValueError, match=r"the problem 'long one' is \d+ tokens long.* has 24 positions"):
        policy.generate(crowd)
    with pytest.raises(ValueError, match=rf"the problem {re.escape(repr(long.id))} is .* has 24 positions"):
        policy.revise(long, [ttclab.problems.Solution(long, "+01=002\n")])
    monkeypatch.setattr(ttclab.bank.recording, "load_model", lambda *args, **options: policy)
    monkeypatch.setattr(ttclab.bank.recording, "load_problems", lambda *args, **options: crowd)
    with pytest.raises(ValueError, match="the problem 'long one'"):
        ttclab.bank.record("small", "test", out=tmp_path / "a.parquet", chunk=1)


@pytest.mark.parametrize(
    ("rope", "positions"),
    [
        (None, 1000),
        ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1000, "rope_theta": 1e4}, 4000),
        ({"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}, 2000),
        ({"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}, 2000),
        (
            {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
             "original_max_position_embeddings": 125, "rope_theta": 1e4},
            1000,
        ),
    ],
)  # fmt: skip
def test_positions_are_those_that_the_scaling_of_rotations_leaves(rope, positions):
    shape = {"hidden_size": 32, "num_attention_heads": 4, "max_position_embeddings": 1000}
    assert positions_of(LlamaConfig(**shape, rope_parameters=rope)) == positions


@pytest.mark.parametrize("temperature", [0, 1.0])
@pytest.mark.parametrize("where", ["weights", "late"])
@pytest.mark.parametrize("decoder", ["eager", "static"])
@pytest.mark.parametrize("check_every", [1, 8], ids=["on a CPU", "on a GPU"])
def test_logits_that_are_nan_are_one_clear_error(where, temperature, check_every, decoder):
    policy = random_policy(seed=3)
    policy.engine.check_every, policy.engine.decoder = check_every, decoder
    wanted = [s.tokens for s in policy.generate(PROBLEMS[0], n=4, seed=9, max_new_tokens=9)]
    model = policy.engine.model
    if where == "weights":
        with torch.no_grad():
            model.lm_head.weight[3] = float("nan")
    else:  # from some length on, and in some rows, as where half precision overflows
        forward = model.forward

        def overflowing(**inputs):
            output = forward(**inputs)
            output.logits[(inputs["position_ids"][:, -1] > 20) & (inputs["input_ids"][:, -1] % 2 == 0)] = float("nan")
            return output

        model.forward = overflowing
    with pytest.raises(ValueError, match=r"logits are NaN after \d+ tokens.*another dtype"):
        policy.generate(PROBLEMS, n=4, temperature=temperature)
    if where == "late":  # nothing of it is left in the buffers
        model.forward = forward
        assert [s.tokens for s in policy.generate(PROBLEMS[0], n=4, seed=9, max_new_tokens=9)] == wanted


CHATML = (
    "{% for m in messages %}<|im_start|> {{ m['role'] }} {{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|> assistant {% endif %}"
)
LLAMA2 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}<s>[INST] {{ m['content'] }} [/INST]{% else %}"
    " {{ m['content'] }} </s>{% endif %}{% endfor %}"
)


def chat_tokenizer(template, special=True):
    words = [
        "<unk>",
        "<s>",
        "</s>",
        "<|im_start|>",
        "<|im_end|>",
        "<|endoftext|>",
        "assistant",
        "user",
        "7",
        "8",
        "[INST]",
    ]
    words += ["Yes", "No"]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<|endoftext|>")
    tokenizer.add_tokens(["<|im_start|>", "<|im_end|>", "</s>"], special_tokens=special)
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize(
    ("template", "end"),
    [
        (CHATML, "<|im_end|>"),
        (LLAMA2, "</s>"),
        (CHATML.replace("<|im_end|>", "<|endoftext|>"), "<|endoftext|>"),
        (CHATML.replace("<|im_end|>", ""), None),
        (CHATML.replace("{{ m['content'] }}", ""), None),
        ("{{ raise_exception('system first') }}", None),
    ],
)
def test_the_token_that_ends_a_turn_is_read_from_the_template(template, end, special):
    tokenizer = chat_tokenizer(template, special)
    assert turn_end(tokenizer) == (end and tokenizer.convert_tokens_to_ids(end))


def test_a_turn_end_that_the_eos_list_lacks_ends_a_solution_in_a_chat():
    tokenizer = chat_tokenizer(CHATML)
    end, text_end = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**_HYBRID | {"vocab_size": len(tokenizer)}))
    model.generation_config = GenerationConfig(do_sample=True, max_new_tokens=40, eos_token_id=text_end)
    problem = TextProblem.of("one", "7 ?", "7")
    solutions = LanguageModel(model, tokenizer).generate(problem, n=30)
    ends = {solution.tokens[-1] for solution in solutions if solution.finished}
    assert ends == {end, text_end}
    assert not any({end, text_end} & {*solution.tokens[:-1]} for solution in solutions)
    assert LanguageModel(model, tokenizer, chat=False).engine.end_ids == [text_end]


def test_that_all_solutions_were_cut_is_said_once_and_loudly(recwarn):
    policy = random_policy(seed=1)
    policy.engine.end_ids = []
    for _ in range(2):
        policy.generate(PROBLEMS[:3], n=2, max_new_tokens=6)
    [said] = [str(warning.message) for warning in recwarn if warning.category is UserWarning]
    assert said.startswith("ALL 6 SOLUTIONS WERE CUT, at 6 tokens")
    assert "max_new_tokens" in said


def test_a_blank_line_is_no_step_where_a_problem_counts_none_and_every_row_goes_on_from_its_prefix():
    problem = TextProblem.of("one", "1+1?", "2")
    policy = random_policy(seed=1)
    forward, newline = policy.engine.model.forward, TOKENIZER.encode("\n")[0]

    def blank(**inputs):  # after a newline comes another one, twice in three
        output = forward(**inputs)
        again = (inputs["input_ids"][:, -1] == newline) & (inputs["position_ids"][:, -1] % 3 > 0)
        output.logits[again, -1, newline] = 1e4
        return output

    policy.engine.model.forward = blank
    policy.engine.end_ids = []
    live = policy.generate_step(problem, n=12, max_new_tokens=120)
    with billed() as bill:
        more = policy.generate_step(problem, live, max_new_tokens=120)
    assert any("\n\n" in s.text for s in more)
    for steps, group in ((1, live), (2, more)):
        assert all(len(s.steps) == steps or s.length == 120 for s in group)
    going = [s for s in live if s.length < 120]
    assert bill.total.tokens["prefill"] <= sum(len(m.tokens) - len(s.tokens) for s, m in zip(live, more)) + len(going)
    assert bill.total.tokens["cached"] >= sum(len(s.tokens) - 1 for s in going)
    blank_line = policy.generate_step(PROBLEMS[0], [ttclab.problems.Solution(PROBLEMS[0], "", finished=False)])[0]
    assert len(blank_line.steps) == 1  # of the arithmetic task every line is one
