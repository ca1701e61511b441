"""The public names, each with its module: type checkers read this list, and `__init__.py` imports by it."""

from ..data import DEFAULT_STEP as DEFAULT_STEP
from ..data import HOME as HOME
from ..data import ZOO as ZOO
from ..data import folder_of as folder_of
from . import configuration as configuration
from . import devices as devices
from . import language_model as language_model
from . import loading as loading
from . import server as server
from . import server_check as server_check
from . import smollm2 as smollm2
from . import zoo as zoo
from .configuration import IGNORED as IGNORED
from .configuration import described as described
from .configuration import encode as encode
from .configuration import generation_config_of as generation_config_of
from .configuration import ignored_fields as ignored_fields
from .configuration import max_new_tokens_of as max_new_tokens_of
from .configuration import sampler_of as sampler_of
from .configuration import template_of as template_of
from .configuration import turn_end as turn_end
from .devices import pick_device as pick_device
from .devices import pick_dtype as pick_dtype
from .devices import quiet as quiet
from .language_model import LanguageModel as LanguageModel
from .loading import ServerOptions as ServerOptions
from .loading import load as load
from .server import ServedModel as ServedModel
from .zoo import directory_of as directory_of
from .zoo import is_address as is_address

__all__: list[str]
