"""The public names, each with its module: type checkers read this list, and `__init__.py` imports by it."""

from . import adaptive as adaptive
from . import allocator as allocator
from . import answers as answers
from . import ballots as ballots
from . import bank as bank
from . import beam_search as beam_search
from . import confidence as confidence
from . import data as data
from . import engine as engine
from . import estimate as estimate
from . import estimators as estimators
from . import exercises as exercises
from . import explorables as explorables
from . import figures as figures
from . import files as files
from . import flops as flops
from . import hardware as hardware
from . import hub as hub
from . import ledger as ledger
from . import live as live
from . import models as models
from . import policy as policy
from . import problems as problems
from . import results as results
from . import revision as revision
from . import sampling as sampling
from . import scope as scope
from . import signatures as signatures
from . import solutions as solutions
from . import spreading as spreading
from . import stopping as stopping
from . import tables as tables
from . import tasks as tasks
from . import token_stats as token_stats
from . import training as training
from . import verifiers as verifiers
from .adaptive import adaptive_search as adaptive_search
from .adaptive import compute_optimal_inference as compute_optimal_inference
from .adaptive import confident_search as confident_search
from .beam_search import beam_search_prm as beam_search_prm
from .beam_search import dvts as dvts
from .models.loading import load as load
from .problems import Problem as Problem
from .problems import Solution as Solution
from .problems import load_problems as load_problems
from .revision import hybrid_search as hybrid_search
from .revision import sequential_revise as sequential_revise
from .sampling import Result as Result
from .sampling import majority_vote as majority_vote
from .sampling import parallel_search as parallel_search
from .sampling import weighted_vote as weighted_vote
from .verifiers.loading import load_verifier as load_verifier

__version__: str
__all__: list[str]
