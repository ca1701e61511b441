"""CUDA graphs: work that is recorded once and then launched as a whole, on tensors that never move."""

from collections.abc import Callable
from typing import Any

import torch


class CaptureError(RuntimeError):
    """The work cannot be captured in a CUDA graph."""


def bucket(size: int, smallest: int = 1) -> int:
    """The smallest power of two >= `size` and >= `smallest`. There is one graph for each."""
    return max(smallest, 1 << (size - 1).bit_length())


def capture(run: Callable[[], None], pool: Any = None) -> torch.cuda.CUDAGraph:
    """Record a function as a CUDA graph, after two warm-up runs that initialise libraries.

    Parameters
    ----------
    run : callable
        Works on tensors that never move, and reads no value on the host.
    pool : opaque
        `graph.pool()` of another graph with which memory is shared; the two must never run at once.

    Raises
    ------
    CaptureError
        If something in the function cannot be captured.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        run()
        run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            run()
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError as error:
        # The context manager raises a second error; the first one names the operation that cannot be captured.
        raise CaptureError(str(error.__context__ or error).splitlines()[0]) from error
    return graph
