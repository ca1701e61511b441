"""Loading verifiers by name."""

from pathlib import Path
from typing import Literal, overload

import torch
from transformers import AutoTokenizer

from .. import hub
from ..confidence import MEASURES, TokenConfidence
from ..data import ZOO
from ..models.devices import pick_device, quiet
from .likelihood import SelfEvaluation
from .oracle import Oracle
from .reward_model import RewardModel
from .scoring import StepCritic, threshold_of
from .trained import ORM, PRM, TRAINED

VERIFIERS = ("oracle", "self", *MEASURES, *TRAINED)


@overload
def load_verifier(name: Literal["oracle"], *, device: str = ...) -> Oracle: ...


@overload
def load_verifier(name: Literal["self"], *, device: str = ...) -> SelfEvaluation: ...


@overload
def load_verifier(
    name: Literal["self-certainty", "tail-entropy", "mean-logprob", "lowest-group-confidence"], *, device: str = ...
) -> TokenConfidence: ...


@overload
def load_verifier(name: Literal["orm"], *, device: str = ...) -> ORM: ...


@overload
def load_verifier(
    name: Literal["prm", "prm-large", "prm-weak", "prm-rollouts", "prm-exact"], *, device: str = ...
) -> PRM: ...


@overload
def load_verifier(
    name: str | Path,
    *,
    device: str = ...,
    family: str | None = ...,
    dtype: torch.dtype | str = ...,
    allow_pickle: bool = ...,
) -> Oracle | SelfEvaluation | TokenConfidence | ORM | PRM: ...


def load_verifier(
    name: str | Path,
    *,
    device: str = "auto",
    family: str | None = None,
    dtype: torch.dtype | str = "auto",
    allow_pickle: bool = False,
) -> Oracle | SelfEvaluation | TokenConfidence | ORM | PRM:
    """Load a verifier.

    Parameters
    ----------
    name : str or Path
        A shipped verifier, one of VERIFIERS, or an open PRM: a directory in Hugging Face's format, or owner/name on
        the Hub.
    device : str
        As in `ttclab.load`: "auto" takes CUDA, then MPS, then the CPU.
    family : str, optional
        Open PRMs only: one of `open_prms.FAMILIES`, by default read from the model's config.json or name.
    dtype : torch.dtype or str
        Open PRMs only: as in `ttclab.load`, by default "auto".
    allow_pickle : bool
        Open PRMs only: also load weights that are not in safetensors, by default False. Such files can run any code.

    Returns
    -------
    Verifier

    Raises
    ------
    ValueError
        If the name is unknown, or the PRM cannot be loaded or downloaded.
    TypeError
        If an option for open PRMs is given for a shipped verifier.
    """
    hub.refuse_page(name)
    if name not in VERIFIERS and (Path(name).is_dir() or hub.is_name(name)):
        from . import open_prms  # imports this module

        return open_prms.load(name, device=device, family=family, dtype=dtype, allow_pickle=allow_pickle)
    options = {"family": family is not None, "dtype": dtype != "auto", "allow_pickle": allow_pickle}
    if any(options.values()):
        named = ", ".join(option for option, is_given in options.items() if is_given)
        raise TypeError(f"{named}: only for an open PRM, which {str(name)!r} is not")
    if name == "oracle":
        return Oracle()
    if name == "self":
        return SelfEvaluation()
    if name in MEASURES:
        return TokenConfidence(str(name))
    if name not in TRAINED:
        raise ValueError(
            f"a verifier is one of {', '.join(VERIFIERS)}, the directory of an open PRM, or owner/name on the Hub, "
            f"not {str(name)!r}"
        )
    name = str(name)
    with quiet():
        model = RewardModel.from_pretrained(ZOO / name, local_files_only=True).to(pick_device(device))
    tokenizer = AutoTokenizer.from_pretrained(ZOO / name, local_files_only=True)
    verifier = TRAINED[name](name, model, tokenizer)
    if isinstance(verifier, StepCritic):
        verifier.threshold = threshold_of(name)
    return verifier
