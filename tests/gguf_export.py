"""A shipped model as llama.cpp reads it: the same numbers in 32 bits, in the order that its rotary positions want."""

from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file
from transformers import AutoConfig

from ttclab.models import ZOO
from ttclab.training.tokens import ALPHABET, END, PAD

_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def export(name: str, path: Path) -> None:
    config = AutoConfig.from_pretrained(ZOO / name, local_files_only=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    # A byte-level vocabulary without merges: each character is its own token. "Ċ" is its newline.
    special = {PAD, END, "?"}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(["Ċ" if token == "\n" else token for token in ALPHABET])
    writer.add_token_types([gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in ALPHABET])
    writer.add_token_merges(["0 1"])  # the field must not be empty; no token "01" exists
    writer.add_eos_token_id(ALPHABET.index(END))
    writer.add_pad_token_id(ALPHABET.index(PAD))
    writer.add_add_bos_token(False)
    for tensor, values in load_file(ZOO / name / "model.safetensors").items():
        writer.add_tensor(_named(tensor), np.ascontiguousarray(_ordered(tensor, values.astype(np.float32), config)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _named(tensor: str) -> str:
    whole = {"model.embed_tokens.weight": "token_embd", "model.norm.weight": "output_norm", "lm_head.weight": "output"}
    if tensor in whole:
        return whole[tensor] + ".weight"
    _, _, layer, rest = tensor.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{_NAMES[rest]}.weight"


def _ordered(tensor: str, values: np.ndarray, config) -> np.ndarray:
    """Hugging Face rotates the first half of a head against the second, llama.cpp each number against its neighbour."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, count in heads.items():
        if name in tensor:
            halves = values.reshape(count, 2, config.head_dim // 2, values.shape[1])
            return halves.swapaxes(1, 2).reshape(values.shape)
    return values
