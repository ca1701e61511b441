"""The runs that ship with the package."""

from .. import data
from ..confidence import MEASURES, TOKENS
from ..data import ZOO
from .draws import Draws
from .recording import record, record_chains, record_scores, record_search, record_step_revision

REVISIONS = (0, 1, 3, 7, 15, 31)  # the most revisions of the recorded chains
STEP_HYBRIDS = ((4, 3), (4, 7))  # chains and their revisions
CRITICS = ("oracle", "prm-weak", "prm-rollouts", "prm-exact", "prm-large")  # beside the PRM, with T=15
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)  # of oracles with noise
BEAMS = ((4, 4), (16, 4), (64, 4))  # budgets N and widths M of the recorded searches
MORE_BEAMS = ((4, 2), (8, 4), (16, 2), (16, 8), (32, 4), (64, 8))  # with the PRM alone: what a policy may choose from
# Chains of every length up to 64 attempts, 256 attempts a problem: any hybrid M x T of as many attempts can be cut out.
CHAINS = (64, 32, *[16] * 2, *[8] * 4, *[4] * 8, *[2] * 16, *[1] * 32)
CHAINS_WITH_FEEDBACK = (8,) * 4
COOL = 0.5  # the low temperature that reinforcement learning is compared with


def record_all(device: str = "auto") -> None:
    """Record every run of a shipped model, where it is not there already from the weights as they are."""
    for split in ("test", "validation"):
        record("small", split, Draws(device=device))
    record("small", "test", Draws(greedy=True, device=device))
    for folder in ZOO.glob("large-*"):
        at = int(folder.name.removeprefix("large-"))
        record("large", "test", Draws(at=at, greedy=True, device=device))
        record("large", "test", Draws(at=at, samples=64, device=device))
    for split in ("test", "validation"):
        record_chains("revision", split, CHAINS, device=device)
        for verifier in ("prm-revision", "prm", "prm-large"):
            record_scores(verifier, f"revision-{split}-chains", device=device)
    for verifier in ("oracle", "prm-revision", "self"):
        record_chains("revision", "test", CHAINS_WITH_FEEDBACK, feedback=verifier, device=device)
    record("revision-control", "test", Draws(samples=64, device=device))
    for verifier in ("orm", "prm", "prm-large", "prm-weak", "prm-rollouts", "prm-exact", *MEASURES, TOKENS):
        record_scores(verifier, "small-test", device=device)
    for verifier in ("prm", "prm-large"):
        record_scores(verifier, "small-validation", device=device)
        for split in ("test", "validation"):
            for N, M in BEAMS:
                record_search("small", verifier, split, N, M, device=device)
    for split in ("test", "validation"):
        for N, M in MORE_BEAMS:
            record_search("small", "prm", split, N, M, device=device)
    for N, M in BEAMS:
        record_search("small", "prm-weak", "test", N, M, device=device)
    record_search("small", "prm-large", "test", 16, 4, lookahead=1, device=device)
    record_step_revisions(device)
    record_reinforced(device)


def record_step_revisions(device: str = "auto") -> None:
    """Record every step-level revision that ships."""
    for split in ("test", "validation"):
        for T in REVISIONS:
            record_step_revision("small", "prm", split, T, device=device)
        for M, T in STEP_HYBRIDS:
            record_step_revision("small", "prm", split, T, M, device=device)
    for verifier in CRITICS:
        record_step_revision("small", verifier, "test", 15, device=device)
    for quality in QUALITIES:
        for forgetful in (False, True):
            record_step_revision("small", "oracle", "test", 15, quality=quality, forgetful=forgetful, device=device)


def record_reinforced(device: str = "auto") -> None:
    """Record the model after reinforcement learning, and the model before at a low temperature."""
    record("small-rl", "test", Draws(device=device))
    record_scores("prm", "small-rl-test", device=device)
    for T in REVISIONS:
        record_step_revision("small-rl", "prm", "test", T, device=device)
    record(
        "small", "test", Draws(samples=64, temperature=COOL, device=device), out=data.RUNS / "small-test-cool.parquet"
    )
