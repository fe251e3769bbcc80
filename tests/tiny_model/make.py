"""Makes a tiny language model of random weights, for a real llama.cpp to run.

Its tokens are the 256 bytes, so any text can be read; it writes printable
noise, and exact JSON where a schema constrains it. Seeded: every file made is
the same. Under half a megabyte, made in well under a second.

    python -m tiny_model.make OUT.gguf
"""

import sys
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]

WINDOW = 2048
WIDTH = 64
LAYERS = 2
HEADS = 4
HIDDEN = 128
SPECIALS = ("<unk>", "<s>", "</s>")
WORDS = ("▁", "▁yes", "▁no")
SEED = 20261121

# Messages as role and text; tools are listed first, as real templates do.
TEMPLATE = (
    "{%- if tools %}[tools]{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}{% endif -%}"
    "{%- for message in messages %}[{{ message.role }}]{{ message.content or '' }}"
    "{% for call in message.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}\n"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)


def make(path: Path, window: int = WINDOW) -> None:
    """Write the model to a file."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, window)
    _write_tokenizer(writer)
    _write_weights(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, window: int) -> None:
    writer.add_name("tiny")
    writer.add_context_length(window)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _write_tokenizer(writer: gguf.GGUFWriter) -> None:
    octets = [f"<0x{octet:02X}>" for octet in range(256)]
    tokens = [*SPECIALS, *octets, *WORDS]
    kinds = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(WORDS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_scores([0.0] * (len(SPECIALS) + 256) + [-1.0] * len(WORDS))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _write_weights(writer: gguf.GGUFWriter) -> None:
    rng = np.random.default_rng(SEED)
    size = len(SPECIALS) + 256 + len(WORDS)

    def random(*shape: int) -> Weights:
        return (rng.standard_normal(shape) * 0.08).astype(np.float32)

    def ones() -> Weights:
        return np.ones(WIDTH, np.float32)

    output = random(size, WIDTH)
    # Control bytes and halves of characters would make the noise unreadable.
    first = len(SPECIALS)
    output[: first + 32] = 0.0
    output[first + 127 : first + 256] = 0.0
    writer.add_tensor("token_embd.weight", random(size, WIDTH))
    writer.add_tensor("output_norm.weight", ones())
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        prefix = f"blk.{layer}"
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{prefix}.{name}.weight", ones())
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{prefix}.{name}.weight", random(WIDTH, WIDTH))
        for name in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{prefix}.{name}.weight", random(HIDDEN, WIDTH))
        writer.add_tensor(f"{prefix}.ffn_down.weight", random(WIDTH, HIDDEN))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
