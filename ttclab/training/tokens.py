"""Character tokenizer of the models that are trained from scratch.

Its alphabet has the characters of the task, and the marks of earlier attempts and of feedback.
"""

from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ..tasks.arithmetic import ARITHMETIC
from ..tasks.problem import ATTEMPT_END
from ..tasks.task import Task

PAD, END = "<pad>", "$"
FEEDBACK, UNKNOWN = "!", "?"


@cache
def alphabet_of(task: Task) -> list[str]:
    """The tokens of models that are trained on a task, in the order of their ids."""
    return [PAD, END, *task.alphabet, ATTEMPT_END, FEEDBACK, UNKNOWN]


def build_tokenizer(task: Task = ARITHMETIC) -> PreTrainedTokenizerFast:
    """Character tokenizer in Hugging Face's format; a character outside the alphabet becomes `?`."""
    tokens = {token: i for i, token in enumerate(alphabet_of(task))}
    core = Tokenizer(models.WordLevel(tokens, unk_token=UNKNOWN))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
