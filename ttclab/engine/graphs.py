"""CUDA graphs: work recorded once and launched as a whole, on tensors that stay where they are."""

from collections.abc import Callable
from typing import Any

import torch


class CaptureError(RuntimeError):
    """The work cannot be captured in a CUDA graph."""


def bucket(size: int, smallest: int = 1) -> int:
    """The smallest power of two that is at least `size` and at least `smallest`: each such size has a graph."""
    return max(smallest, 1 << (size - 1).bit_length())


def capture(run: Callable[[], None], pool: Any = None) -> torch.cuda.CUDAGraph:
    """Record a function as a CUDA graph. It runs twice before, so that libraries set themselves up outside the graph.

    Parameters
    ----------
    run : callable
        Works on tensors that stay where they are, and reads no value on the host.
    pool : opaque
        `graph.pool()` of another graph, whose memory is used too: the two never run at once.

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
        # The error of the context manager hides the first one, which says what could not be captured.
        raise CaptureError(str(error.__context__ or error).splitlines()[0]) from error
    return graph
