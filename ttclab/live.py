"""A lab's experiment on real language models: state what they need, load them, run it, report when memory runs out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from transformers import AutoModelForCausalLM, PreTrainedConfig

from . import tables
from .estimators import Estimate, bootstrap
from .ledger import Cost
from .models.configuration import described, encode, generation_config_of, max_new_tokens_of, template_of
from .models.devices import pick_device, pick_dtype
from .models.language_model import LanguageModel
from .models.loading import load
from .models.zoo import directory_of, is_address
from .policy import Prompt
from .sampling import Result
from .tasks.problem import Problem
from .tasks.registry import load_problems

COLAB = "Qwen/Qwen2.5-0.5B-Instruct"  # the labs name it for Colab's GPU
ROWS = 512  # solutions that are written at once, as LanguageModel does
TOTALS = ("charged", "cached, not charged")  # the last rows of a bill
COPIES = 4  # of the logits: in float32, as probabilities, cumulative, and what softmax needs

Experiment = Callable[..., Mapping[str, Sequence[Result]] | pd.DataFrame]


@dataclass(frozen=True)
class Needs:
    """Memory that a model takes while it writes.

    Parameters
    ----------
    weights, cache, logits : int
        Bytes of the parameters, of the keys and values of all rows, and of the newest logits with their copies.
    """

    weights: int
    cache: int
    logits: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.logits


def needs(config: PreTrainedConfig, dtype: torch.dtype, rows: int, tokens: int) -> Needs:
    """Memory for a model that writes `rows` solutions at once, each of `tokens` tokens with its prompt.

    Parameters
    ----------
    config : PreTrainedConfig
        The model's configuration; no weights are read.
    dtype : torch.dtype
        Of weights, keys and values.
    """
    with torch.device("meta"):
        parameters = AutoModelForCausalLM.from_config(config).num_parameters()
    text = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    per_token = 2 * text.num_hidden_layers * heads * width * dtype.itemsize
    return Needs(parameters * dtype.itemsize, rows * tokens * per_token, COPIES * rows * text.vocab_size * 4)


def run(
    experiment: Experiment,
    *names: str,
    problems: str = "words-test",
    limit: int = 40,
    generations: int = 16,
    device: str = "auto",
) -> pd.DataFrame | None:
    """Run an experiment on real models, if they are named.

    Parameters
    ----------
    experiment : callable
        Called with the problems and each loaded model. It returns a table, or the results of each strategy by its
        name, of which `table` makes one.
    *names : str
        Models, as for `ttclab.load`. If one is empty, nothing is run.
    problems, limit
        As for `ttclab.load_problems`.
    generations : int
        Solutions per problem that the first model writes. Every other model is expected to write one.
    device : str
        As for `ttclab.load`.

    Returns
    -------
    DataFrame or None
        The table; None if nothing was run or memory ran out.

    Notes
    -----
    Memory is stated before a model is loaded, time before the experiment runs. When memory runs out even though the
    engine has shrunk its batch, the run ends with a line that says what to change, and no exception.
    """
    if not all(names):
        print("No model is named: nothing is run.")
        return None
    asked = load_problems(problems, limit=limit)
    try:
        models = [_load(name, asked, n, device) for name, n in zip(names, [generations] + [1] * len(names))]
        expected = [_seconds(model, asked, n) for model, n in zip(models, [generations] + [1] * len(names))]
        if known := [each for each in expected if each is not None]:
            print(f"At most about {_minutes(sum(known))} of writing on this machine; a verifier's reading adds to it.")
        results = experiment(asked, *models)
    except Exception as error:
        if not (isinstance(error, MemoryError) or should_reduce_batch_size(error)):
            raise
        out_of_memory = str(error).splitlines()[0] if str(error) else "MemoryError"
    else:
        return results if isinstance(results, pd.DataFrame) else table(results)
    clear_device_cache(garbage_collection=True)
    print(
        f"Out of memory ({out_of_memory}). Restart the kernel, which frees what is held, and take fewer problems "
        f"(limit={max(1, limit // 4)}), fewer samples or a smaller model."
    )
    return None


def table(results: Mapping[str, Sequence[Result]], recorded: Mapping[str, Estimate] | None = None) -> pd.DataFrame:
    """What each strategy solves, with its 95% interval, and its generations and FLOPs per problem.

    Parameters
    ----------
    results : dict
        The results of each strategy, one a problem, by its name.
    recorded : dict, optional
        What recorded runs of a strategy solve; shown beside the live ones.
    """
    rows = {}
    for name, of in results.items():
        solved = bootstrap([result.correct for result in of])
        beside = {"recorded": recorded.get(name, "")} if recorded else {}
        rows[name] = {
            "solved" if recorded is None else "live": solved,
            **beside,
            "generations": float(np.mean([result.cost.generations for result in of])),
            "FLOPs per problem": float(np.mean([result.cost.total_flops for result in of])),
        }
    return tables.table(rows)


def bill(results: Mapping[str, Sequence[Result]]) -> pd.DataFrame:
    """Million FLOPs per problem by their kind, a column for each strategy; cached FLOPs are shown and not charged."""
    columns = {}
    for name, of in results.items():
        total = sum((result.cost for result in of), Cost())
        spent = {kind: flops for kind, flops in total.flops.items() if kind != "cached"}
        spent |= dict(zip(TOTALS, (total.total_flops, total.flops["cached"]), strict=True))
        columns[name] = {kind: flops / len(of) / 1e6 for kind, flops in spent.items()}
    kinds = list(dict.fromkeys(kind for spent in columns.values() for kind in spent if kind not in TOTALS))
    frame = pd.DataFrame(columns, index=[*kinds, *TOTALS]).fillna(0.0).round(1)
    return frame.rename_axis(columns="million FLOPs per problem")


def _load(name: str, problems: Sequence[Problem], generations: int, device: str) -> Any:
    """Load a model after stating the memory that it needs."""
    if is_address(name):
        print(f"{name} runs on its server.")
        return load(name)
    where = pick_device(device)
    directory = directory_of(name, weights=False)
    config, tokenizer = described(directory)
    template = template_of(tokenizer, None)
    dtype = pick_dtype(config, where)
    longest = max(len(encode(Prompt(problem), tokenizer, template)) for problem in problems)
    tokens = longest + max_new_tokens_of(generation_config_of(directory))
    need = needs(config, dtype, min(ROWS, generations * len(problems)), tokens)
    there = f" of {_gigabytes(torch.cuda.get_device_properties(where).total_memory)}" if where.type == "cuda" else ""
    print(
        f"{name} on {where}: at most about {_gigabytes(need.total)}{there}. "
        f"Its weights are {_gigabytes(need.weights)} of that, downloaded if they are not here."
    )
    return load(name, device=device)


def _seconds(model: Any, problems: Sequence[Problem], generations: int) -> float | None:
    """Seconds that writing takes if every solution is as long as it may be, from a few tokens written here.

    A CPU needs twice as long for twice as many rows, so one problem tells. A GPU does not, so it writes for all.
    """
    if not isinstance(model, LanguageModel):
        return None
    tried = problems if model.engine.device.type == "cuda" else problems[:1]

    def elapsed(tokens: int) -> float:
        start = perf_counter()
        model.generate(tried, n=generations, max_new_tokens=tokens)
        return perf_counter() - start

    elapsed(1)
    first, five = elapsed(1), elapsed(5)
    return (first + max(five - first, 0) / 4 * (model.max_new_tokens - 1)) * len(problems) / len(tried)


def _gigabytes(n: int) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e8 else f"{max(n / 1e6, 1):.0f} MB"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{max(seconds, 1):.0f} s"
