"""Downloads of models and data sets from the Hugging Face Hub, without files that could run code."""

import re
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]  # configuration, weights, tokenizers, templates


def is_name(name: str | Path) -> bool:
    """Whether a name has the form of the Hub: "owner/name"."""
    return isinstance(name, str) and bool(re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name))


def refuse_page(name: str | Path) -> None:
    """Raise ValueError for the address of a page of the Hub. The message says which name to use instead."""
    page = re.match(r"(https?:/+)?(?:www\.)?(?:huggingface\.co|hf\.co)(?=[/?#]|$)/*([^?#]*)", str(name), re.IGNORECASE)
    if not page or (not page[1] and Path(name).exists()):
        return
    parts = [part for part in page[2].split("/") if part]
    named = "/".join(parts[1:3] if parts[:1] in (["datasets"], ["spaces"], ["models"]) else parts[:2])
    what = f"by its name, {named!r}" if is_name(named) else "by their names, owner/name"
    raise ValueError(f"{name} is a page of the Hub, not a server: load models and data sets {what}")


def fetch(name: str, *, allow_pickle: bool = False, trust_remote_code: bool = False, weights: bool = True) -> Path:
    """Download a model from the Hub, unless it has been downloaded before.

    Parameters
    ----------
    name : str
        "owner/name". Only files at the top of the repository are downloaded.
    allow_pickle, trust_remote_code : bool
        Whether to download pickled weights, and code.
    weights : bool
        False downloads the configuration and the tokenizer without the weights.

    Returns
    -------
    Path
        Folder of the model on this machine.

    Raises
    ------
    ValueError
        For a model that does not exist, needs a login, or cannot be reached; the message says what to do.
    """
    files = _FILES if weights else [pattern for pattern in _FILES if pattern != "*.safetensors"]
    wanted = [*files, *(["*.bin"] if allow_pickle else []), *(["*.py"] if trust_remote_code else [])]
    return _snapshot(name, "model", allow_patterns=wanted, ignore_patterns=["*/*"])


def fetch_problems(name: str, split: str = "test") -> list[Path]:
    """Download the files of a data set's split from the Hub, unless they have been downloaded before.

    Parameters
    ----------
    name : str
        "owner/name", or "owner/name/folder" for a data set with several folders of problems.
    split : str

    Returns
    -------
    list of Path
        JSONL and Parquet files on this machine.

    Raises
    ------
    ValueError
        As `fetch`, for a data set without such files, and for several folders if `name` has none.
    """
    refuse_page(name)
    repository, folder = "/".join(name.split("/")[:2]), "/".join(name.split("/")[2:])
    wanted = [f"{folder}/" * bool(folder) + f"*{split}*.{kind}" for kind in ("jsonl", "parquet")]
    here = _snapshot(repository, "dataset", allow_patterns=wanted)
    found = sorted(file for kind in ("jsonl", "parquet") for file in here.glob(f"{folder or '**'}/*{split}*.{kind}"))
    folders = sorted({str(file.parent.relative_to(here)) for file in found})
    if not found:
        raise ValueError(f"{name} has no JSONL or Parquet file of its split {split!r}")
    if len(folders) > 1:
        raise ValueError(f"{name} has several folders, {folders}: name one, as in {repository}/{folders[0]}")
    return found


def _snapshot(name: str, kind: str, **which: Any) -> Path:
    """Download a repository of the Hub. kind: "model" or "dataset"."""
    page = f"https://huggingface.co/{'datasets/' * (kind == 'dataset')}"
    try:
        return Path(snapshot_download(name, repo_type=kind, **which))
    except GatedRepoError:
        raise ValueError(
            f"{name} is open only to those who accept its terms: do so at {page}{name}, then run `hf auth login`"
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ValueError(
            f"there is no folder {name!r} here, and no {kind} of that name on the Hub that you may read: look for it "
            f"at https://huggingface.co/{kind}s, and if it is private, run `hf auth login`"
        ) from None
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise ValueError(
            f"{name} is not on this machine, and the Hub cannot be reached ({type(error).__name__}): connect once to "
            "download it, or give the folder of a copy"
        ) from None


def check_weights(folder: Path, *, allow_pickle: bool = False) -> None:
    """Raise ValueError unless a folder has weights in safetensors, or pickled weights and allow_pickle=True."""
    if any(folder.glob("*.safetensors")) or (allow_pickle and any(folder.glob("*.bin"))):
        return
    raise ValueError(
        f"{folder} has no weights in safetensors. Pickled weights can run code when they are read, and are refused: "
        "use a converted copy, or pass allow_pickle=True if you trust their author"
    )
