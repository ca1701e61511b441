"""Test-time compute, measured: sampling, verifiers, search and allocation for language models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .allocator import adaptive_search as adaptive_search
    from .allocator import compute_optimal_inference as compute_optimal_inference
    from .beam_search import beam_search_prm as beam_search_prm
    from .beam_search import dvts as dvts
    from .models import load as load
    from .problems import Problem as Problem
    from .problems import Solution as Solution
    from .problems import load_problems as load_problems
    from .revision import hybrid_search as hybrid_search
    from .revision import sequential_revise as sequential_revise
    from .sampling import Result as Result
    from .sampling import majority_vote as majority_vote
    from .sampling import parallel_search as parallel_search
    from .sampling import weighted_vote as weighted_vote
    from .verifiers import load_verifier as load_verifier

__version__ = "0.1.0"

# Imported on first use: `import ttclab.exercises` must not wait for torch.
_HOME = {
    "load": "models",
    "load_problems": "problems",
    "load_verifier": "verifiers",
    "Problem": "problems",
    "Solution": "problems",
    "Result": "sampling",
    "parallel_search": "sampling",
    "majority_vote": "sampling",
    "weighted_vote": "sampling",
    "beam_search_prm": "beam_search",
    "dvts": "beam_search",
    "sequential_revise": "revision",
    "hybrid_search": "revision",
    "compute_optimal_inference": "allocator",
    "adaptive_search": "allocator",
}
_MODULES = ("allocator", "answers", "arena", "bank", "beam_search", "engine", "estimators", "exercises",
            "explorables", "flops", "hardware", "hub", "models", "open_prms", "plan", "plots", "policy", "problems",
            "reader", "results", "revision", "reward_model", "sampling", "self_verifier", "serve_check", "server",
            "smollm2", "text_problems", "training", "verifiers", "word_problems", "working")  # fmt: skip
__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'ttclab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
