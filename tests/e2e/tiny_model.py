"""Embedding models of a few kilobytes, written to a folder: BERT in sentence-transformers' layout with random weights.
Two seeds are two models, whose vectors have nothing to do with each other. As tests/unit/embed/tiny.h."""

import json
import pathlib
import random
import struct

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 24, 2, 2, 36, 64
WORDS = ("[PAD] [UNK] [CLS] [SEP] [MASK] the river is cold and blue in winter ##s . , ! ? : query run red warm summer "
         "where what user ana").split() + [chr(c) for c in range(ord("a"), ord("z") + 1)] + \
    ["##" + chr(c) for c in range(ord("a"), ord("z") + 1)]


def tensors(rng):
    def values(n, base, spread):
        return [base + spread * (2 * rng.random() - 1) for _ in range(n)]

    def linear(name, n, k):
        yield name + ".weight", [n, k], values(n * k, 0, 0.35)
        yield name + ".bias", [n], values(n, 0, 0.1)

    def norm(name):
        yield name + ".weight", [HIDDEN], values(HIDDEN, 1, 0.2)
        yield name + ".bias", [HIDDEN], values(HIDDEN, 0, 0.2)

    for name, rows in (("word", len(WORDS)), ("position", POSITIONS), ("token_type", 2)):
        spread = {"word": 1, "position": 0.3, "token_type": 0.1}[name]
        yield f"embeddings.{name}_embeddings.weight", [rows, HIDDEN], values(rows * HIDDEN, 0, spread)
    yield from norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            yield from linear(layer + "attention." + part, HIDDEN, HIDDEN)
        yield from norm(layer + "attention.output.LayerNorm")
        yield from linear(layer + "intermediate.dense", INNER, HIDDEN)
        yield from linear(layer + "output.dense", HIDDEN, INNER)
        yield from norm(layer + "output.LayerNorm")


def make(folder, seed=1):
    """The folder, with a model in it."""
    folder = pathlib.Path(folder)
    (folder / "1_Pooling").mkdir(parents=True)
    header, data = {}, b""
    for name, shape, values in tensors(random.Random(seed)):
        piece = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "intermediate_size": INNER, "vocab_size": len(WORDS),
        "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "layer_norm_eps": 1e-12}))
    (folder / "modules.json").write_text(json.dumps([
        {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(
        {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}))
    return folder
