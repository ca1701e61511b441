"""Problems, solutions and answers: the public names of the tasks."""

from .answers import answer_key as answer_key
from .answers import answers_equal as answers_equal
from .tasks.arithmetic import LENGTHS as LENGTHS
from .tasks.arithmetic import SIZES as SIZES
from .tasks.arithmetic import ArithmeticProblem as ArithmeticProblem
from .tasks.arithmetic import generate_problems as generate_problems
from .tasks.problem import ATTEMPT_END as ATTEMPT_END
from .tasks.problem import ATTEMPTS_SHOWN as ATTEMPTS_SHOWN
from .tasks.problem import Feedback as Feedback
from .tasks.problem import Problem as Problem
from .tasks.problem import Solution as Solution
from .tasks.problem import show_attempts as show_attempts
from .tasks.problem import well_formed as well_formed
from .tasks.registry import load_problems as load_problems
from .tasks.task import SPLITS as SPLITS
from .tasks.task import split_of as split_of
