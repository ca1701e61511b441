"""The device and the dtype that a model is loaded with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedConfig
from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bars, which are made for models larger than the shipped ones."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def pick_device(device: str = "auto") -> torch.device:
    """The device of a name; "auto" takes CUDA, then MPS, then the CPU."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(config: PreTrainedConfig, device: torch.device) -> torch.dtype:
    """The dtype of the weights if the device is fast in it, else fp32 on a CPU and fp16 on a GPU without bf16."""
    own = getattr(config, "dtype", None) or torch.float32
    if device.type == "cpu":
        return torch.float32
    if own == torch.bfloat16 and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return own
