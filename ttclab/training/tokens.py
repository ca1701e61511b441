"""The alphabet of the arithmetic task: one token per character."""

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

PAD, END = "<pad>", "$"
ALPHABET = [PAD, END, "\n", *"+-*=", *"0123456789", "#", "!", "?"]  # the last three: attempts, feedback, the unknown


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Character tokenizer in Hugging Face's format; a character outside the alphabet becomes `?`."""
    core = Tokenizer(models.WordLevel({token: i for i, token in enumerate(ALPHABET)}, unk_token="?"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        unk_token="?",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
