"""The public names, each with its module: type checkers read this list, and `__init__.py` imports by it."""

from ..tasks.problem import Feedback as Feedback
from . import loading as loading
from . import open_prms as open_prms
from . import oracle as oracle
from . import reader as reader
from . import reward_model as reward_model
from . import scoring as scoring
from . import self_verifier as self_verifier
from . import static_reading as static_reading
from . import trained as trained
from . import working as working
from .likelihood import LEAST_LIKELY as LEAST_LIKELY
from .likelihood import SelfEvaluation as SelfEvaluation
from .loading import VERIFIERS as VERIFIERS
from .loading import load_verifier as load_verifier
from .oracle import ForgetfulOracle as ForgetfulOracle
from .oracle import NoisyOracle as NoisyOracle
from .oracle import Oracle as Oracle
from .reward_model import RewardModel as RewardModel
from .scoring import AGGREGATES as AGGREGATES
from .scoring import RIGHT as RIGHT
from .scoring import THRESHOLD as THRESHOLD
from .scoring import WRONG as WRONG
from .scoring import Critic as Critic
from .scoring import StepCritic as StepCritic
from .scoring import StepVerifier as StepVerifier
from .scoring import Verifier as Verifier
from .scoring import aggregated as aggregated
from .scoring import charge_calls as charge_calls
from .scoring import check_aggregate as check_aggregate
from .scoring import critic_of as critic_of
from .scoring import first_doubt as first_doubt
from .scoring import right_so_far as right_so_far
from .scoring import score_groups as score_groups
from .scoring import score_steps as score_steps
from .scoring import scores_of_steps as scores_of_steps
from .scoring import threshold_of as threshold_of
from .self_verifier import SelfVerifier as SelfVerifier
from .trained import ORM as ORM
from .trained import PRM as PRM
from .trained import TRAINED as TRAINED

__all__: list[str]
