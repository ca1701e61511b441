"""The shipped small model in llama.cpp's format, for a server that reads no other."""

import json

import gguf
import numpy as np
from safetensors.numpy import load_file

from ttclab.models import ZOO
from ttclab.tasks.arithmetic import ARITHMETIC
from ttclab.training.tokens import END, PAD, alphabet_of


def pairs_apart(matrix, heads):
    """Query or key weights as llama.cpp wants them: it turns neighbours, where transformers turns the two halves."""
    rows, width = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2).reshape(rows, width)


def write_small(path):
    config, weights = (ZOO / "small" / name for name in ("config.json", "model.safetensors"))
    config = json.loads(config.read_text())
    file = gguf.GGUFWriter(path, "llama")
    file.add_context_length(config["max_position_embeddings"])
    file.add_embedding_length(config["hidden_size"])
    file.add_block_count(config["num_hidden_layers"])
    file.add_feed_forward_length(config["intermediate_size"])
    file.add_head_count(config["num_attention_heads"])
    file.add_head_count_kv(config["num_key_value_heads"])
    file.add_rope_dimension_count(config["head_dim"])
    file.add_layer_norm_rms_eps(config["rms_norm_eps"])
    file.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    file.add_vocab_size(config["vocab_size"])
    file.add_tokenizer_model("llama")  # one token a character: there is nothing to merge
    file.add_token_list(alphabet_of(ARITHMETIC))
    file.add_token_scores([0.0] * len(alphabet_of(ARITHMETIC)))
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    file.add_token_types([control if token in (PAD, END) else normal for token in alphabet_of(ARITHMETIC)])
    file.add_eos_token_id(alphabet_of(ARITHMETIC).index(END))
    file.add_pad_token_id(alphabet_of(ARITHMETIC).index(PAD))
    file.add_unk_token_id(alphabet_of(ARITHMETIC).index("?"))
    file.add_add_bos_token(False)
    file.add_add_eos_token(False)
    file.add_add_space_prefix(False)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, weight in load_file(weights).items():
        for of, heads in (("q_proj", "num_attention_heads"), ("k_proj", "num_key_value_heads")):
            weight = pairs_apart(weight, config[heads]) if of in name else weight
        file.add_tensor(names.get_name(name, try_suffixes=(".weight",)), np.ascontiguousarray(weight))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path
