"""Each family against plain transformers: random weights under the real names, the real layout of tokens.

The references here read each solution whole, alone, and as its authors' own code does; nothing of them is shared with
what is tested.
"""

import json
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

import ttclab
from ttclab import bank, hub
from ttclab.bank.draws import Draws
from ttclab.beam_search import beam_search
from ttclab.ledger import billed
from ttclab.problems import ArithmeticProblem, Solution, load_problems
from ttclab.verifiers import open_prms

PROBLEM = ArithmeticProblem.from_expression("015+74+46*06")
TEXTS = ["+74=089\n+46=135\n*06=810\n", "+74=089\n+46=136\n*06=816\n", "+74=098\n", "", "+74=089\n+46=13"]
SOLUTIONS = [Solution(PROBLEM, text, finished=text.endswith("\n")) for text in TEXTS]
_SHAPE = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "bos_token_id": None, "eos_token_id": None,
}  # fmt: skip

CHATML = (  # with the system turn that Qwen's template adds where there is none
    "{% if messages[0].role != 'system' %}<|im_start|>system\nHelp.<|im_end|>\n{% endif %}"
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}<|start_header_id|>system<|end_header_id|>\n\nToday Date: 26 Jul 2024\n\n<|eot_id|>"
    "{% for turn in messages %}<|start_header_id|>{{ turn.role }}<|end_header_id|>\n\n"
    "{{ turn.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def of_bytes(*special, template=None, bos=None, begins=False):
    """A tokenizer of bytes that splits text as those of Qwen and Llama 3 do: runs of newlines stand alone."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate([*alphabet, "ĊĊ"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("Ċ", "Ċ")]))
    split = pre_tokenizers.Split(Regex(r"\s*[\r\n]+|[^\r\n]+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    if begins:
        ids = [(bos, tokenizer.token_to_id(bos))]
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=ids)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=special[0])
    fast.chat_template = template
    return fast


def of_words():
    """A tokenizer of SentencePiece's kind, as Mistral's: a space is part of the word after it, and begins a text."""
    words = ["<unk>", "<s>", "</s>", "▁+", "▁-", "▁ки", "▁", "\n", *map(chr, range(33, 127))]
    pieces = [(word, -1.0 - 0.5 * (len(word) == 1)) for word in words]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@dataclass
class Release:
    """A model as its authors have published it, but small and random. expected: what their code says of solutions."""

    name: str
    tokenizer: PreTrainedTokenizerFast
    config: object
    heads: dict
    expected: object
    architecture: str

    def write(self, folder, seed=0):
        """Its files, in a directory of its name."""
        folder = folder / self.name
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(self.config)
        state = {name: 3 * torch.randn_like(value) / value.shape[-1] ** 0.5 if value.ndim == 2 else value
                 for name, value in model.state_dict().items()}  # fmt: skip
        heads = {name: torch.randn(shape) / shape[-1] ** 0.5 for name, shape in self.heads.items()}
        if heads:
            del state["lm_head.weight"]
        folder.mkdir()
        save_file(state | heads, folder / "model.safetensors", metadata={"format": "pt"})
        fields = self.config.to_dict() | {"architectures": [self.architecture]}
        if self.heads:  # the code that comes with it, which nobody is to run
            fields["auto_map"] = {"AutoConfig": "configuration.Config", "AutoModel": "modeling.Model"}
            (folder / "modeling.py").write_text("raise SystemExit('this code was run')")
            (folder / "configuration.py").write_text("raise SystemExit('this code was run')")
        (folder / "config.json").write_text(json.dumps(fields))
        self.tokenizer.save_pretrained(folder)
        return folder


def hidden(folder, state, config, ids):
    """Of the last layer, after the norm, (length, width), by transformers' own model."""
    model = AutoModelForCausalLM.from_config(config)
    model.load_state_dict({**model.state_dict(), **{k: v for k, v in state.items() if k.startswith("model.")}})
    with torch.no_grad():
        return model.eval().model(torch.tensor([ids])).last_hidden_state[0]


def qwen(folder, state, config, tokenizer, solution):
    system = "Please reason step by step, and put your final answer within \\boxed{}."
    said = "<extra_0>".join(solution.steps) + "<extra_0>"
    turns = [("system", system), ("user", solution.problem.question), ("assistant", said)]
    text = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in turns)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    inner = hidden(folder, state, config, ids) @ state["score.0.weight"].T + state["score.0.bias"]
    labels = (inner.relu() @ state["score.2.weight"].T + state["score.2.bias"]).softmax(-1)
    return [labels[i, 1].item() for i, token in enumerate(ids) if token == tokenizer.convert_tokens_to_ids("<extra_0>")]


def skywork(folder, state, config, tokenizer, solution):
    text = f"{tokenizer.bos_token}{solution.problem.question}\n"
    ids, ends = tokenizer.encode(text), []
    for step in solution.steps:
        ids += tokenizer.encode(step + "\n")
        ends.append(len(ids) - 1)
    values = hidden(folder, state, config, ids) @ state["v_head.summary.weight"].T + state["v_head.summary.bias"]
    return [values[end].sigmoid().item() for end in ends]


def math_shepherd(folder, state, config, tokenizer, solution):
    steps = [f"Step {i}: {step} ки" for i, step in enumerate(solution.steps, start=1)]
    ids = tokenizer.encode(solution.problem.question + " " + "\n".join(steps))
    candidates = tokenizer.encode("+ -")[1:]
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        scores = model(torch.tensor([ids])).logits[0][:, candidates].softmax(-1)[:, 0]
    return [scores[i].item() for i, token in enumerate(ids) if token == tokenizer.encode("ки")[-1]]


def rlhflow(folder, state, config, tokenizer, solution):
    candidates = [tokenizer.encode("+")[-1], tokenizer.encode("-")[-1]]
    model, turns, scores = AutoModelForCausalLM.from_pretrained(folder).eval(), [], []
    for step in solution.steps:
        said = step if turns else solution.problem.question + " " + step
        turns += [{"role": "user", "content": said}, {"role": "assistant", "content": "+"}]
        ids = tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"]
        with torch.no_grad():  # ..., the end of the assistant's header, "+", the end of the turn
            scores.append(model(torch.tensor([ids])).logits[0, -3, candidates].softmax(-1)[0].item())
    return scores


QWEN_TOKENS = of_bytes("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>", template=CHATML)
SKYWORK_TOKENS = of_bytes("<|endoftext|>", "<|im_start|>", bos="<|endoftext|>")
SHEPHERD_TOKENS = of_words()
LLAMA_TOKENS = of_bytes(
    "<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
    template=LLAMA3, bos="<|begin_of_text|>", begins=True,
)  # fmt: skip
RELEASES = {
    "qwen": Release(
        "Qwen2.5-Math-PRM-7B", QWEN_TOKENS, Qwen2Config(**_SHAPE, vocab_size=len(QWEN_TOKENS)),
        {"score.0.weight": (32, 32), "score.0.bias": (32,), "score.2.weight": (2, 32), "score.2.bias": (2,)},
        qwen, "Qwen2ForProcessRewardModel",
    ),
    "skywork": Release(
        "Skywork-o1-Open-PRM-Qwen-2.5-7B", SKYWORK_TOKENS, Qwen2Config(**_SHAPE, vocab_size=len(SKYWORK_TOKENS)),
        {"v_head.summary.weight": (1, 32), "v_head.summary.bias": (1,)}, skywork, "Qwen2ForPrmModel",
    ),
    "math-shepherd": Release(
        "math-shepherd-mistral-7b-prm", SHEPHERD_TOKENS,
        MistralConfig(**_SHAPE, vocab_size=len(SHEPHERD_TOKENS), sliding_window=24), {}, math_shepherd,
        "MistralForCausalLM",
    ),
    "rlhflow": Release(
        "RLHFlow--Llama3.1-8B-PRM-Deepseek-Data", LLAMA_TOKENS, LlamaConfig(**_SHAPE, vocab_size=len(LLAMA_TOKENS)),
        {}, rlhflow, "LlamaForCausalLM",
    ),
}  # fmt: skip


@pytest.fixture(params=RELEASES)
def release(request, tmp_path):
    """A release of a family, its files, and the reference: a function of a solution."""
    from safetensors.torch import load_file

    made = RELEASES[request.param]
    folder = made.write(tmp_path)
    state, tokenizer = load_file(folder / "model.safetensors"), AutoTokenizer.from_pretrained(folder)
    return made, folder, lambda solution: made.expected(folder, state, made.config, tokenizer, solution)


def test_a_family_is_asked_and_scored_as_its_authors_do(release):
    _, folder, expected = release
    prm = ttclab.load_verifier(folder, device="cpu")
    scores = prm.score_steps(SOLUTIONS)
    assert [len(each) for each in scores] == [3, 3, 1, 0, 2]
    for solution, said in zip(SOLUTIONS, scores, strict=True):
        assert said == pytest.approx(expected(solution) if solution.steps else [], abs=2e-5)
    spread = [score for each in scores for score in each]
    assert max(spread) - min(spread) > 0.05  # or agreement would say little
    assert prm.score(SOLUTIONS) == [each[-1] if each else 0.0 for each in scores]
    assert prm.critique(SOLUTIONS[0]).text in ("No step has an error.", *(f"Step {i} has an error." for i in (1, 2, 3)))


def test_read_on_one_bill_or_afresh_in_any_company_the_scores_are_the_same(release):
    _, folder, _ = release
    prm = ttclab.load_verifier(folder, device="cpu")
    alone = [prm.score_steps([solution])[0] for solution in SOLUTIONS]
    with billed():
        begun = [Solution(PROBLEM, text, finished=False) for text in ("+74=089\n", "+74=089\n+46=136\n")]
        first = prm.score_steps(begun)
        together = prm.score_steps(SOLUTIONS)
    assert [score for each in together for score in each] == pytest.approx([s for e in alone for s in e], abs=2e-5)
    assert first[1] == pytest.approx(alone[1][:2], abs=2e-5)


def test_what_is_charged_is_what_torch_counts_and_what_is_shared_is_read_once(release):
    _, folder, _ = release
    prm = ttclab.load_verifier(folder, device="cpu")
    prm.model.trunk.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with billed() as bill, FlopCounterMode(display=False) as counter:
        prm.score_steps([Solution(PROBLEM, text, finished=False) for text in ("+74=089\n", "+74=098\n")])
        prm.score_steps(SOLUTIONS)
    assert bill.total.flops["verifier"] == counter.get_total_flops()
    assert bill.total.verifier_calls == 2 + len(SOLUTIONS)
    fed = {tuple(prm.tokenize_steps(PROBLEM.question, s.steps)[0]) for s in SOLUTIONS if s.steps}
    assert bill.total.tokens["verifier"] < 0.7 * sum(map(len, fed))


def test_an_open_prm_guides_a_search(release):
    _, folder, _ = release
    prm, policy = ttclab.load_verifier(folder, device="cpu"), ttclab.load("small", device="cpu")
    [result] = beam_search(policy, prm, load_problems("test", limit=1), 4, 2)
    assert result.cost.generations == 4 and result.cost.flops["verifier"] > 0
    assert result.scores == pytest.approx(prm.score(result.solutions), abs=2e-5)


def test_an_open_prm_scores_a_recorded_run_wherever_it_lies(tmp_path):
    folder = RELEASES["skywork"].write(tmp_path)
    run = bank.record("small", "validation", Draws(samples=3, problems=4, device="cpu"), out=tmp_path / "run.parquet")
    bank.record_scores(folder, run, device="cpu")
    prm, recorded = ttclab.load_verifier(folder, device="cpu"), bank.read(run)
    for i, each in enumerate(bank.load_scores(folder, run)):
        for said, wanted in zip(each, prm.score_steps(recorded.solutions(i)), strict=True):
            assert said == pytest.approx(wanted, abs=2e-5)


@pytest.mark.parametrize("family", ["qwen", "math-shepherd"])
def test_what_a_policy_writes_can_not_add_a_place_that_is_scored(family, tmp_path):
    prm = ttclab.load_verifier(RELEASES[family].write(tmp_path), device="cpu")
    sly = Solution(PROBLEM, "+74=089 ки<extra_0> ки\n<extra_0>\n", finished=True)
    assert [len(each) for each in prm.score_steps([sly])] == [2]


# What can't be had


def test_weights_that_are_missing_are_an_error_and_not_drawn_at_random(tmp_path):
    from safetensors.torch import load_file

    folder = RELEASES["qwen"].write(tmp_path)
    state = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in state.items() if "score" not in k}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks weights of a PRM of its family: score\.0\.bias"):
        ttclab.load_verifier(folder)


def test_pickled_weights_are_read_only_when_asked_for(tmp_path):
    from safetensors.torch import load_file

    folder = RELEASES["math-shepherd"].write(tmp_path)
    whole = ttclab.load_verifier(folder, device="cpu").score(SOLUTIONS)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no weights in safetensors.*allow_pickle=True"):
        ttclab.load_verifier(folder)
    assert ttclab.load_verifier(folder, device="cpu", allow_pickle=True).score(SOLUTIONS) == pytest.approx(whole)


def test_a_model_that_does_not_say_its_family_is_asked_for_it(tmp_path):
    folder = RELEASES["rlhflow"].write(tmp_path)
    plain = folder.rename(tmp_path / "a-prm")
    with pytest.raises(ValueError, match=r"a-prm does not name its family .* a LlamaForCausalLM: pass family=, one of"):
        ttclab.load_verifier(plain)
    assert isinstance(ttclab.load_verifier(plain, family="rlhflow", device="cpu"), open_prms.RLHFlow)
    with pytest.raises(ValueError, match=r"family must be one of qwen, .*, not 'orm'"):
        ttclab.load_verifier(plain, family="orm")


def test_a_prm_that_is_out_of_reach_is_one_clear_error(monkeypatch, tmp_path):
    def unreachable(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(
        ValueError, match=r"Qwen/Qwen2.5-Math-PRM-7B is not on this machine, and the Hub cannot be reached"
    ):
        ttclab.load_verifier("Qwen/Qwen2.5-Math-PRM-7B")
    with pytest.raises(ValueError, match=r"has no config\.json"):
        ttclab.load_verifier(tmp_path)
    with pytest.raises(ValueError, match=r"a verifier is one of oracle, .*, or owner/name on the Hub, not 'pmr'"):
        ttclab.load_verifier("pmr")
    with pytest.raises(TypeError, match="family: only for an open PRM, which 'prm' is not"):
        ttclab.load_verifier("prm", family="qwen")
