"""Process reward models that others have trained and given away, each asked in the form that it was trained on.

    ttclab.load_verifier("Qwen/Qwen2.5-Math-PRM-7B")

Four families. Each says of every step how likely the solution is right so far, and each in its own way: by a head of
two labels, by a head of one number, by the word that it would write next. All come down to one number a token, the
log-odds of "right so far"; what sets a family apart is where it is read, and what stands around the steps.

Their layouts were taken from the model cards and the authors' own inference code, and are tested against plain
transformers on small models with random weights of the same architecture. Nobody here has run the real weights.
"""

import json
from abc import abstractmethod
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2Config,
    Qwen2Model,
    Qwen2PreTrainedModel,
)

from . import flops, hub
from .engine import Prefix, windows_of
from .models import pick_device, pick_dtype, quiet
from .problems import Solution
from .reader import Reader
from .reward_model import Reading
from .verifiers import PRM, charge_calls

ROWS_AT_ONCE = 16  # of billions of parameters, and hundreds of tokens
KEPT_TOKENS = 1 << 15  # whose keys and values stay: 2 to 4 GB in half precision for the models of 7 and 8 billion


class Judge(nn.Module):
    """A language model's layers, and a head at each token.

    head: gives two numbers, the logits of wrong and right, or one, the log-odds of right; step_end: the token that most
    steps end in, where reading can go on from.
    """

    def __init__(self, trunk: PreTrainedModel, head: nn.Module, step_end: int) -> None:
        super().__init__()
        self.trunk, self.head, self.step_end = trunk, head, step_end
        self._head_flops = sum(2 * layer.weight.numel() for layer in head.modules() if isinstance(layer, nn.Linear))

    @property
    def device(self) -> torch.device:
        return self.trunk.device

    def forward(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """Read token ids, (rows, length), after what stands before them. keep: what it takes to read on from here."""
        cache = before.prefix.cache() if before and before.prefix else DynamicCache() if keep else None
        for layer, window in zip(cache.layers if cache else (), windows_of(self.trunk.config)[1]):
            layer.window = window
        read = self.trunk(input_ids=input_ids, past_key_values=cache, use_cache=cache is not None)
        said = self.head(read.last_hidden_state).float()
        right = said[..., -1] - (said[..., 0] if said.shape[-1] == 2 else 0)
        prefix = None
        if cache and keep:
            lengths = torch.full((len(input_ids),), cache.get_seq_length())
            prefix = Prefix([layer.keys for layer in cache.layers], [layer.values for layer in cache.layers], lengths)
        nothing = right.new_zeros((*right.shape, 0))
        return Reading(right, nothing, nothing, prefix)

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int:
        """FLOPs of one pass over new tokens, after those read before; the head looks at every one."""
        trunk = flops.forward_flops(self.trunk.config, new_tokens, cached_tokens, logits=0)
        return trunk + new_tokens * self._head_flops


class OpenPRM(PRM):
    """A PRM of one of the families. What is written here is what they share."""

    architecture: ClassVar[str | None] = None  # in config.json, where it is the family's own

    def __init__(self, name: str, model: Judge, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(name, model, tokenizer)
        self._reader = Reader(model, rows_at_once=ROWS_AT_ONCE, kept_tokens=KEPT_TOKENS)

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """The probability that each solution is right up to and including each of its steps."""
        asked = [solution for solution in solutions if solution.steps]
        charge_calls([solution for solution in solutions if not solution.steps])
        # What stands before the first step is what a row has in common with one of another step.
        others = {s.problem.question: self.lay_out(s.problem.question, ["?"])[0] for s in asked}
        contexts, written, places = [], [], []
        for solution in asked:
            tokens, ends = self.lay_out(solution.problem.question, solution.steps)
            pairs = zip(tokens[: ends[0]], others[solution.problem.question])
            begun = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            contexts.append(tuple(tokens[:begun]))
            written.append(tuple(tokens[begun : ends[-1] + 1]))  # no later token bears on a score
            places.append([end - begun for end in ends])
        right = self._read_rows(asked, contexts, written) if asked else []
        scores = iter([[float(row[end]) for end in ends] for row, ends in zip(right, places, strict=True)])
        return [next(scores) if solution.steps else [] for solution in solutions]

    @abstractmethod
    def lay_out(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        """The tokens that the model is fed of a solution of one step or more, and for each step where it is scored."""

    @classmethod
    @abstractmethod
    def judge(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> Judge:
        """The network with its weights. options: of `from_pretrained`."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a text that has its special tokens written out."""
        return self.tokenizer.encode(text, add_special_tokens=False)


class _Qwen2WithHead(Qwen2PreTrainedModel):
    """A Qwen2 model with a head in the place of the vocabulary's; names are those of the weights."""

    _keys_to_ignore_on_load_unexpected: ClassVar[list[str]] = [r"lm_head\.weight"]

    def __init__(self, config: Qwen2Config, **head: nn.Module) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        for name, module in head.items():
            self.add_module(name, module)
        self.post_init()


class _Qwen2WithLabels(_Qwen2WithHead):
    def __init__(self, config: Qwen2Config) -> None:
        width = config.hidden_size
        super().__init__(config, score=nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)))


class QwenPRM(OpenPRM):
    """Qwen2.5-Math-PRM (Zhang et al. 2025): each step is followed by <extra_0>, where a head says wrong or right."""

    architecture = "Qwen2ForProcessRewardModel"
    STEP_END = "<extra_0>"
    SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."

    def lay_out(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        written = "".join(step.replace(self.STEP_END, "").strip() + self.STEP_END for step in steps)
        turns = [
            {"role": "system", "content": self.SYSTEM},
            {"role": "user", "content": question.replace(self.STEP_END, "")},
            {"role": "assistant", "content": written},
        ]
        tokens = self.encode(str(self.tokenizer.apply_chat_template(turns, tokenize=False)))
        return tokens, [i for i, token in enumerate(tokens) if token == self.model.step_end]

    @classmethod
    def judge(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> Judge:
        model = _whole(_Qwen2WithLabels, folder, **options)
        return Judge(model.model, model.score, tokenizer.convert_tokens_to_ids(cls.STEP_END))


class _Qwen2WithValue(_Qwen2WithHead):
    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config, v_head=nn.ModuleDict({"summary": nn.Linear(config.hidden_size, 1)}))


class SkyworkPRM(OpenPRM):
    """Skywork-o1-Open-PRM (2024): each step ends in a newline, where a value head gives the log-odds."""

    architecture = "Qwen2ForPrmModel"

    def lay_out(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        tokens, ends = self.encode(f"{self.tokenizer.bos_token or ''}{question}\n"), []
        for step in steps:
            tokens += [*self.encode(step), self.model.step_end]
            ends.append(len(tokens) - 1)
        return tokens, ends

    @classmethod
    def judge(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> Judge:
        model = _whole(_Qwen2WithValue, folder, **options)
        return Judge(model.model, model.v_head["summary"], tokenizer.encode("\n", add_special_tokens=False)[-1])


class MathShepherd(OpenPRM):
    """Math-Shepherd (Wang et al. 2023): each step is followed by a tag, after which + or - would be written."""

    TAG = "ки"

    def lay_out(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        text = question.replace(self.TAG, "")
        for i, step in enumerate(steps, start=1):
            said = step.replace(self.TAG, "").strip()
            said = said if said.startswith("Step ") else f"Step {i}: {said}"  # as in its training data
            before = " " if i == 1 else "\n"
            text += f"{before}{said} {self.TAG}"
        tokens = self.tokenizer.encode(text)
        return tokens, [i for i, token in enumerate(tokens) if token == self.model.step_end]

    @classmethod
    def judge(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> Judge:
        good, bad = tokenizer.encode("+ -")[-2:]
        return _next_word(folder, good, bad, tokenizer.encode(cls.TAG)[-1], **options)


class RLHFlow(OpenPRM):
    """RLHFlow's Llama3.1-8B-PRM (Xiong et al. 2024): a chat that says a step a turn, and answers each with + or -."""

    def lay_out(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        turns: list[dict[str, str]] = []
        tokens, ends = [], []
        for step in steps:
            said = step.strip() if turns else f"{question} {step.strip()}"
            turns.append({"role": "user", "content": said})
            tokens = self.encode(
                str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
            )
            ends.append(len(tokens) - 1)
            turns.append({"role": "assistant", "content": "+"})
        return tokens, ends

    @classmethod
    def judge(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> Judge:
        good, bad = (tokenizer.encode(sign, add_special_tokens=False)[-1] for sign in "+-")
        turn_end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
        return _next_word(folder, good, bad, turn_end, **options)


FAMILIES: dict[str, type[OpenPRM]] = {
    "qwen": QwenPRM, "skywork": SkyworkPRM, "math-shepherd": MathShepherd, "rlhflow": RLHFlow,
}  # fmt: skip


def load(
    name: str | Path,
    *,
    family: str | None = None,
    device: str = "auto",
    dtype: torch.dtype | str = "auto",
    allow_pickle: bool = False,
) -> OpenPRM:
    """An open PRM from a directory or the Hub. No code that comes with it is run.

    family: one of FAMILIES, by default what its config.json or its name says; the others as of `ttclab.load`.
    Raises ValueError, with what there is to do about it, if it can't be had, is of no family, or lacks weights.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = hub.fetch(str(name), allow_pickle=allow_pickle)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} has no config.json: name the directory of a model")
    family = family or _family(folder, str(name))
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}")
    hub.check_weights(folder, allow_pickle=allow_pickle)
    here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **here)
    tokenizer = AutoTokenizer.from_pretrained(folder, **here)
    where = pick_device(device)
    dtype = pick_dtype(config, where) if dtype == "auto" else dtype
    kind = FAMILIES[family]
    judge = kind.judge(tokenizer, folder, config=config, dtype=dtype, local_files_only=True)
    return kind(str(name), judge.to(where).eval(), tokenizer)


def _family(folder: Path, name: str) -> str:
    architectures = json.loads((folder / "config.json").read_text()).get("architectures") or ()
    for family, kind in FAMILIES.items():
        if kind.architecture in architectures or (kind.architecture is None and family in name.lower()):
            return family
    raise ValueError(
        f"{name} does not say which family of PRMs it is of, being a {', '.join(architectures) or 'nameless model'}: "
        f"say family=, one of {', '.join(FAMILIES)}"
    )


def _whole(kind: Any, folder: Path, **options: Any) -> Any:
    """A model with its weights. Raises ValueError if some are missing, which transformers would draw at random."""
    with quiet():
        model, report = kind.from_pretrained(folder, output_loading_info=True, **options)
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{folder} lacks weights of a PRM of its family: {', '.join(missing[:3])}")
    return model


def _next_word(folder: Path, good: int, bad: int, step_end: int, **options: Any) -> Judge:
    """A language model whose judgement is the next word: of its output head, the rows of the two words are kept."""
    model = _whole(AutoModelForCausalLM, folder, **options)
    rows = model.get_output_embeddings().weight.detach()[[bad, good]].clone()
    head = nn.Linear(rows.shape[1], 2, bias=False, dtype=rows.dtype)
    head.weight = nn.Parameter(rows, requires_grad=False)
    return Judge(model.base_model, head, step_end)
