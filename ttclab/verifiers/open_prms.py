"""Open process reward models, each with the input format that it was trained on.

    ttclab.load_verifier("Qwen/Qwen2.5-Math-PRM-7B")

There are four families. Each gives every step a probability that the solution is right so far, read from a head with
two labels, from a head with one number, or from the next token's logits. All reduce to one number per token, the
log-odds of "right so far". The families differ in the tokens where this number is read and in the text around steps.

The formats follow the model cards and the authors' inference code. They are tested against plain transformers on small
models of the same architectures with random weights; the real weights have not been run.
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

from .. import flops, hub
from ..engine import Prefix, windows_of
from ..models.devices import pick_device, pick_dtype, quiet
from ..tasks.problem import Solution
from .reader import Reader
from .reward_model import Reading
from .scoring import charge_calls
from .trained import PRM

ROWS_AT_ONCE = 16  # for models with billions of parameters and rows of hundreds of tokens
KEPT_TOKENS = 1 << 15  # in the KV cache between calls: 2 to 4 GB in half precision for 7B and 8B models


class TokenScorer(nn.Module):
    """The layers of a language model, with a head that scores every token.

    Parameters
    ----------
    trunk : PreTrainedModel
        The layers.
    head : nn.Module
        Head with two outputs, the logits of wrong and right, or with one, the log-odds of right.
    step_end : int
        Token that ends most steps. A later call can continue reading after it.
    """

    def __init__(self, trunk: PreTrainedModel, head: nn.Module, step_end: int) -> None:
        super().__init__()
        self.trunk, self.head, self.step_end = trunk, head, step_end
        self._head_flops = sum(2 * layer.weight.numel() for layer in head.modules() if isinstance(layer, nn.Linear))

    @property
    def device(self) -> torch.device:
        return self.trunk.device

    def forward(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """Read token ids.

        Parameters
        ----------
        input_ids : Tensor of shape (rows, length)
            Tokens to read.
        before : Reading, optional
            Reading of the tokens before them.
        keep : bool
            Whether to keep the KV cache, so that a later call can continue.
        """
        cache = before.prefix.cache() if before and before.prefix else DynamicCache() if keep else None
        for layer, window in zip(cache.layers if cache else (), windows_of(self.trunk.config)[1]):
            layer.window = window
        read = self.trunk(input_ids=input_ids, past_key_values=cache, use_cache=cache is not None)
        logits = self.head(read.last_hidden_state).float()
        right = logits[..., -1] - (logits[..., 0] if logits.shape[-1] == 2 else 0)
        prefix = None
        if cache and keep:
            lengths = torch.full((len(input_ids),), cache.get_seq_length())
            prefix = Prefix([layer.keys for layer in cache.layers], [layer.values for layer in cache.layers], lengths)
        nothing = right.new_zeros((*right.shape, 0))
        return Reading(right, nothing, nothing, prefix)

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int:
        """FLOPs of one pass over new tokens after cached ones; the head scores every new token."""
        trunk = flops.forward_flops(self.trunk.config, new_tokens, cached_tokens, logits=0)
        return trunk + new_tokens * self._head_flops


class OpenPRM(PRM):
    """Base class of the families. Subclasses implement `tokenize_steps` and `load_scorer`."""

    architecture: ClassVar[str | None] = None  # in config.json, if only this family has it

    def __init__(self, name: str, model: TokenScorer, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(name, model, tokenizer)
        self._reader = Reader(model, rows_at_once=ROWS_AT_ONCE, kept_tokens=KEPT_TOKENS)

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """Probability that each solution is right up to and including each of its steps."""
        with_steps = [solution for solution in solutions if solution.steps]
        charge_calls([solution for solution in solutions if not solution.steps])
        # The context is everything before the first step: the common prefix of two rows with different steps.
        others = {s.problem.question: self.tokenize_steps(s.problem.question, ["?"])[0] for s in with_steps}
        contexts, written, scored = [], [], []
        for solution in with_steps:
            tokens, ends = self.tokenize_steps(solution.problem.question, solution.steps)
            pairs = zip(tokens[: ends[0]], others[solution.problem.question])
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            contexts.append(tuple(tokens[:shared]))
            written.append(tuple(tokens[shared : ends[-1] + 1]))  # later tokens do not affect the scores
            scored.append([end - shared for end in ends])
        right = self._read_rows(with_steps, contexts, written) if with_steps else []
        scores = iter([[float(row[end]) for end in ends] for row, ends in zip(right, scored, strict=True)])
        return [next(scores) if solution.steps else [] for solution in solutions]

    @abstractmethod
    def tokenize_steps(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        """Tokenize a question with at least one step, and return the index of the token where each step is scored."""

    @classmethod
    @abstractmethod
    def load_scorer(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> TokenScorer:
        """Load the network; `options` are passed to `from_pretrained`."""

    def encode(self, text: str) -> list[int]:
        """Tokenize a text that spells out its special tokens."""
        return self.tokenizer.encode(text, add_special_tokens=False)


class _Qwen2WithHead(Qwen2PreTrainedModel):
    """A Qwen2 model with a scoring head in place of its output head; attributes have the names of the saved weights."""

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
    """Qwen2.5-Math-PRM (Zhang et al. 2025): a head with two labels at <extra_0>, which follows each step."""

    architecture = "Qwen2ForProcessRewardModel"
    STEP_END = "<extra_0>"
    SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."

    def tokenize_steps(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        written = "".join(step.replace(self.STEP_END, "").strip() + self.STEP_END for step in steps)
        turns = [
            {"role": "system", "content": self.SYSTEM},
            {"role": "user", "content": question.replace(self.STEP_END, "")},
            {"role": "assistant", "content": written},
        ]
        tokens = self.encode(str(self.tokenizer.apply_chat_template(turns, tokenize=False)))
        return tokens, [i for i, token in enumerate(tokens) if token == self.model.step_end]

    @classmethod
    def load_scorer(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> TokenScorer:
        model = _load_all_weights(_Qwen2WithLabels, folder, **options)
        return TokenScorer(model.model, model.score, tokenizer.convert_tokens_to_ids(cls.STEP_END))


class _Qwen2WithValue(_Qwen2WithHead):
    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config, v_head=nn.ModuleDict({"summary": nn.Linear(config.hidden_size, 1)}))


class SkyworkPRM(OpenPRM):
    """Skywork-o1-Open-PRM (2024): a value head gives the log-odds at the newline that ends each step."""

    architecture = "Qwen2ForPrmModel"

    def tokenize_steps(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        tokens, ends = self.encode(f"{self.tokenizer.bos_token or ''}{question}\n"), []
        for step in steps:
            tokens += [*self.encode(step), self.model.step_end]
            ends.append(len(tokens) - 1)
        return tokens, ends

    @classmethod
    def load_scorer(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> TokenScorer:
        model = _load_all_weights(_Qwen2WithValue, folder, **options)
        return TokenScorer(model.model, model.v_head["summary"], tokenizer.encode("\n", add_special_tokens=False)[-1])


class MathShepherd(OpenPRM):
    """Math-Shepherd (Wang et al. 2023): each step is followed by a tag, after which the model predicts + or -."""

    TAG = "ки"

    def tokenize_steps(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        text = question.replace(self.TAG, "")
        for i, step in enumerate(steps, start=1):
            line = step.replace(self.TAG, "").strip()
            line = line if line.startswith("Step ") else f"Step {i}: {line}"  # as in its training data
            before = " " if i == 1 else "\n"
            text += f"{before}{line} {self.TAG}"
        tokens = self.tokenizer.encode(text)
        return tokens, [i for i, token in enumerate(tokens) if token == self.model.step_end]

    @classmethod
    def load_scorer(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> TokenScorer:
        good, bad = tokenizer.encode("+ -")[-2:]
        return _next_token_scorer(folder, good, bad, tokenizer.encode(cls.TAG)[-1], **options)


class RLHFlow(OpenPRM):
    """RLHFlow's Llama3.1-8B-PRM (Xiong et al. 2024): a chat with one step per turn, each answered by + or -."""

    def tokenize_steps(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        turns: list[dict[str, str]] = []
        tokens, ends = [], []
        for step in steps:
            content = step.strip() if turns else f"{question} {step.strip()}"
            turns.append({"role": "user", "content": content})
            tokens = self.encode(
                str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
            )
            ends.append(len(tokens) - 1)
            turns.append({"role": "assistant", "content": "+"})
        return tokens, ends

    @classmethod
    def load_scorer(cls, tokenizer: PreTrainedTokenizerBase, folder: Path, **options: Any) -> TokenScorer:
        good, bad = (tokenizer.encode(sign, add_special_tokens=False)[-1] for sign in "+-")
        turn_end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
        return _next_token_scorer(folder, good, bad, turn_end, **options)


FAMILIES: dict[str, type[OpenPRM]] = {
    "qwen": QwenPRM,
    "skywork": SkyworkPRM,
    "math-shepherd": MathShepherd,
    "rlhflow": RLHFlow,
}


def load(
    name: str | Path,
    *,
    family: str | None = None,
    device: str = "auto",
    dtype: torch.dtype | str = "auto",
    allow_pickle: bool = False,
) -> OpenPRM:
    """Load an open PRM from a directory or the Hub. Code in the repository is never run.

    Parameters
    ----------
    name : str or Path
        A directory in Hugging Face's format, or owner/name on the Hub.
    family : {"qwen", "skywork", "math-shepherd", "rlhflow"}, optional
        By default read from the model's config.json or name.
    device, dtype, allow_pickle
        As in `ttclab.load`.

    Returns
    -------
    OpenPRM

    Raises
    ------
    ValueError
        If the PRM cannot be loaded or downloaded, belongs to no family, or lacks weights. The message says what to do.
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
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    target = pick_device(device)
    dtype = pick_dtype(config, target) if dtype == "auto" else dtype
    kind = FAMILIES[family]
    scorer = kind.load_scorer(tokenizer, folder, config=config, dtype=dtype, local_files_only=True)
    return kind(str(name), scorer.to(target).eval(), tokenizer)


def _family(folder: Path, name: str) -> str:
    architectures = json.loads((folder / "config.json").read_text()).get("architectures") or ()
    for family, kind in FAMILIES.items():
        if kind.architecture in architectures or (kind.architecture is None and family in name.lower()):
            return family
    raise ValueError(
        f"{name} does not name its family of PRMs, being a {', '.join(architectures) or 'nameless model'}: "
        f"pass family=, one of {', '.join(FAMILIES)}"
    )


def _load_all_weights(kind: Any, folder: Path, **options: Any) -> Any:
    """Load a model. Raises ValueError for missing weights, which transformers would initialise at random."""
    with quiet():
        model, report = kind.from_pretrained(folder, output_loading_info=True, **options)
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{folder} lacks weights of a PRM of its family: {', '.join(missing[:3])}")
    return model


def _next_token_scorer(folder: Path, good: int, bad: int, step_end: int, **options: Any) -> TokenScorer:
    """Build a scorer from a language model, whose head is the output head's rows for the tokens good and bad."""
    model = _load_all_weights(AutoModelForCausalLM, folder, **options)
    rows = model.get_output_embeddings().weight.detach()[[bad, good]].clone()
    head = nn.Linear(rows.shape[1], 2, bias=False, dtype=rows.dtype)
    head.weight = nn.Parameter(rows, requires_grad=False)
    return TokenScorer(model.base_model, head, step_end)
