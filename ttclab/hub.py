"""Models of the Hugging Face Hub: fetched once, without anything in them that could run."""

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]  # configuration, weights, tokenizers, templates


def is_name(name: str | Path) -> bool:
    """Whether it is the form of a model's name on the Hub: "owner/name"."""
    return isinstance(name, str) and bool(re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name))


def fetch(name: str, *, allow_pickle: bool = False, trust_remote_code: bool = False, weights: bool = True) -> Path:
    """The folder of a model of the Hub on this machine, downloaded if it is not here yet.

    Only what is at the top of its repository, and neither pickled weights nor code unless they are asked for; weights:
    False leaves them out, where the configuration and the tokenizer will do. Raises ValueError, with what there is to
    do about it, for a model that is not there, not open to all, or out of reach.
    """
    files = _FILES if weights else [pattern for pattern in _FILES if pattern != "*.safetensors"]
    wanted = [*files, *(["*.bin"] if allow_pickle else []), *(["*.py"] if trust_remote_code else [])]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=["*/*"]))
    except GatedRepoError:
        raise ValueError(
            f"{name} is open only to those who accept its terms: do so at https://huggingface.co/{name}, then run "
            "`hf auth login`"
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ValueError(
            f"there is no folder {name!r} here, and no model of that name on the Hub that is open to you: look for it "
            "at https://huggingface.co/models, and if it is private, run `hf auth login`"
        ) from None
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise ValueError(
            f"{name} is not on this machine, and the Hub can't be reached ({type(error).__name__}): connect once to "
            "download it, or name the folder of a copy"
        ) from None


def check_weights(folder: Path, *, allow_pickle: bool = False) -> None:
    """Raises ValueError unless the folder has weights that can be read: pickled ones only where they are asked for."""
    if any(folder.glob("*.safetensors")) or (allow_pickle and any(folder.glob("*.bin"))):
        return
    raise ValueError(
        f"{folder} has no weights in safetensors. Pickled ones can run code when they are read, and are refused: "
        "take a converted copy, or say allow_pickle=True if you trust whoever made them"
    )
