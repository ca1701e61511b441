"""The public names, each with its module: type checkers read this list, and `__init__.py` imports by it."""

from ..data import RUNS as RUNS
from ..data import ZOO as ZOO
from . import draws as draws
from . import family as family
from . import files as files
from . import plan as plan
from . import recording as recording
from . import runs as runs
from . import shipped as shipped
from .draws import Draws as Draws
from .files import KINDS as KINDS
from .files import PLACES as PLACES
from .files import SCHEMAS as SCHEMAS
from .files import merge as merge
from .metadata import RunMetadata as RunMetadata
from .recording import ASKED as ASKED
from .recording import CHUNK as CHUNK
from .recording import record as record
from .recording import record_chains as record_chains
from .recording import record_scores as record_scores
from .recording import record_search as record_search
from .recording import record_step_revision as record_step_revision
from .recording import weights_hash as weights_hash
from .runs import Chains as Chains
from .runs import Samples as Samples
from .runs import Searches as Searches
from .runs import load as load
from .runs import load_chains as load_chains
from .runs import load_scores as load_scores
from .runs import load_searches as load_searches
from .runs import load_step_revision as load_step_revision
from .runs import path_of as path_of
from .runs import read as read
from .runs import task_of as task_of
from .shipped import BEAMS as BEAMS
from .shipped import CHAINS as CHAINS
from .shipped import CHAINS_WITH_FEEDBACK as CHAINS_WITH_FEEDBACK
from .shipped import CRITICS as CRITICS
from .shipped import MORE_BEAMS as MORE_BEAMS
from .shipped import QUALITIES as QUALITIES
from .shipped import REVISIONS as REVISIONS
from .shipped import SMALL as SMALL
from .shipped import STEP_HYBRIDS as STEP_HYBRIDS
from .shipped import TWIN as TWIN

__all__: list[str]
