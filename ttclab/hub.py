"""Models of the Hugging Face Hub: fetched once, without anything in them that could run."""

import re
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]  # configuration, weights, tokenizers, templates


def is_name(name: str | Path) -> bool:
    """Whether it is the form of a model's name on the Hub: "owner/name"."""
    return isinstance(name, str) and bool(re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name))


def refuse_page(name: str | Path) -> None:
    """Raises ValueError, with the name to use, for the address of a page of the Hub, which is no server."""
    page = re.match(r"(https?:/+)?(?:www\.)?(?:huggingface\.co|hf\.co)(?=[/?#]|$)/*([^?#]*)", str(name), re.IGNORECASE)
    if not page or (not page[1] and Path(name).exists()):
        return
    parts = [part for part in page[2].split("/") if part]
    named = "/".join(parts[1:3] if parts[:1] in (["datasets"], ["spaces"], ["models"]) else parts[:2])
    what = f"by its name, {named!r}" if is_name(named) else "by their names, owner/name"
    raise ValueError(f"{name} is a page of the Hub, and no server: models and data sets are loaded {what}")


def fetch(name: str, *, allow_pickle: bool = False, trust_remote_code: bool = False, weights: bool = True) -> Path:
    """The folder of a model of the Hub on this machine, downloaded if it is not here yet.

    Only what is at the top of its repository, and neither pickled weights nor code unless they are asked for; weights:
    False leaves them out, where the configuration and the tokenizer will do. Raises ValueError, with what there is to
    do about it, for a model that is not there, not open to all, or out of reach.
    """
    files = _FILES if weights else [pattern for pattern in _FILES if pattern != "*.safetensors"]
    wanted = [*files, *(["*.bin"] if allow_pickle else []), *(["*.py"] if trust_remote_code else [])]
    return _snapshot(name, "model", allow_patterns=wanted, ignore_patterns=["*/*"])


def fetch_problems(name: str, split: str = "test") -> list[Path]:
    """The files of a data set's split on this machine, downloaded if they are not here yet.

    name: "owner/name", or "owner/name/folder" for one of several in it. Raises ValueError as `fetch` does, for a data
    set without such JSONL or Parquet files, and for one with several folders of them where none is named.
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
        raise ValueError(f"{name} has several sets of problems, {folders}: name one, as {repository}/{folders[0]}")
    return found


def _snapshot(name: str, kind: str, **which: Any) -> Path:
    """Files of a repository of the Hub. kind: "model" or "dataset"."""
    page = f"https://huggingface.co/{'datasets/' * (kind == 'dataset')}"
    try:
        return Path(snapshot_download(name, repo_type=kind, **which))
    except GatedRepoError:
        raise ValueError(
            f"{name} is open only to those who accept its terms: do so at {page}{name}, then run `hf auth login`"
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ValueError(
            f"there is no folder {name!r} here, and no {kind} of that name on the Hub that is open to you: look for it "
            f"at https://huggingface.co/{kind}s, and if it is private, run `hf auth login`"
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
