"""Models other than the default load unchanged: folders laid out as those of bge-small, e5-small and gte-small (and a
cased one with nothing but vocab.txt), with random weights of a small size, against the plain double-precision forward pass
and the tokenizers library. Needs `tools/setup embed` and `make`; skipped without."""

import json
import os
import pathlib
import random
import string
import struct
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="the embedder is compared with numpy: run tools/setup embed")
tokenizers = pytest.importorskip("tokenizers", reason="the embedder is compared with tokenizers: run tools/setup embed")
import embed_reference as reference  # noqa: E402

pytestmark = pytest.mark.slow
HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 48, 3, 4, 96, 64
WORDS = "the river is cold in winter and music plays at night query passage what where".split()
PIECES = (["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list(string.ascii_letters + string.digits + ".,:?!-'é川")
          + ["##" + c for c in string.ascii_letters + string.digits] + WORDS + [w.capitalize() for w in WORDS] + ["##ing", "##s"])
TEXTS = ["The river is cold in winter.", "what is music?", "", "Éclair, 川 and [MASK] [SEP]!", "A", "Where plays the Night music",
         "x" * 101, "the river " * 20]


@pytest.fixture(scope="module", autouse=True)
def program():
    if "CAIRN_EMBED" not in os.environ:
        subprocess.run(["make", "-s", "-f", "bench/Makefile", "build/bench/embed"], cwd=reference.ROOT, check=True)


class Layout:
    """What differs between the models' folders."""

    def __init__(self, name, pooling="mean", normalise=True, dtype="F32", tensors="", cased=False, lower_first=None, tokenizer=True,
                 prefixes=(), prompts=None, extra=(), window=512, subfolder=""):
        self.__dict__.update(locals())


LAYOUTS = [
    Layout("bge-small-en-v1.5", pooling="cls", lower_first=True, extra=["embeddings.position_ids", "pooler.dense"]),
    Layout("e5-small-v2", prefixes=["query: ", "passage: "], lower_first=False, extra=["embeddings.position_ids"]),
    Layout("gte-small", dtype="F16", lower_first=False, extra=["pooler.dense"]),
    Layout("cased-vocab-only", cased=True, tokenizer=False, tensors="bert.", lower_first=False, window=32),
    Layout("prompts-no-normalise", normalise=False, prompts={"query": "query: ", "document": "passage: "}, window=40),
    Layout("transformer-in-a-folder", subfolder="0_Transformer", dtype="BF16", extra=["pooler.dense"]),
]


def shapes(layout):
    yield "embeddings.word_embeddings.weight", (len(PIECES), HIDDEN)
    yield "embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield "embeddings.token_type_embeddings.weight", (2, HIDDEN)
    norms = ["embeddings.LayerNorm"]
    linears = [("pooler.dense", HIDDEN, HIDDEN)] if "pooler.dense" in layout.extra else []
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        linears += [(p + n, HIDDEN, HIDDEN) for n in ("attention.self.query", "attention.self.key", "attention.self.value",
                                                      "attention.output.dense")]
        linears += [(p + "intermediate.dense", INNER, HIDDEN), (p + "output.dense", HIDDEN, INNER)]
        norms += [p + "attention.output.LayerNorm", p + "output.LayerNorm"]
    for name, n, k in linears:
        yield name + ".weight", (n, k)
        yield name + ".bias", (n,)
    for name in norms:
        yield name + ".weight", (HIDDEN,)
        yield name + ".bias", (HIDDEN,)


def number_bytes(values, dtype):
    if dtype == "BF16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def write_weights(path, layout):
    rng = np.random.default_rng(sum(map(ord, layout.name)))
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in shapes(layout):
        values = rng.normal(0, 0.15, shape) if len(shape) == 2 else rng.normal(0, 0.1, shape)
        if name.endswith("LayerNorm.weight"):
            values += 1
        raw = number_bytes(values, layout.dtype)
        header[layout.tensors + name] = {"dtype": layout.dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    if "embeddings.position_ids" in layout.extra:
        raw = np.arange(POSITIONS, dtype="<i8").tobytes()
        header["embeddings.position_ids"] = {"dtype": "I64", "shape": [1, POSITIONS], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


CONFIG = {"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "classifier_dropout": None, "hidden_act": "gelu",
          "hidden_dropout_prob": 0.1, "hidden_size": HIDDEN, "initializer_range": 0.02, "intermediate_size": INNER,
          "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS, "model_type": "bert", "num_attention_heads": HEADS,
          "num_hidden_layers": LAYERS, "pad_token_id": 0, "position_embedding_type": "absolute", "transformers_version": "4.30.2",
          "type_vocab_size": 2, "use_cache": True, "vocab_size": len(PIECES)}
MODULES = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]


def library_tokenizer(layout):
    t = tokenizers.BertWordPieceTokenizer({p: i for i, p in enumerate(PIECES)}, lowercase=not layout.cased)
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return t


def make_folder(root, layout):
    folder = root / layout.name
    inner = folder / layout.subfolder
    (folder / "1_Pooling").mkdir(parents=True)
    inner.mkdir(exist_ok=True)
    def put(where, name, value):
        (where / name).write_text(json.dumps(value, indent=2), encoding="utf-8")
    put(inner, "config.json", CONFIG)
    modules = [m for m in MODULES if layout.normalise or m[0] != "Normalize"]
    put(folder, "modules.json", [{"idx": i, "name": str(i), "path": path or layout.subfolder,
                                  "type": f"sentence_transformers.models.{kind}"} for i, (kind, path) in enumerate(modules)])
    put(folder / "1_Pooling", "config.json", {
        "word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": layout.pooling == "cls",
        "pooling_mode_mean_tokens": layout.pooling == "mean", "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False})
    put(inner, "sentence_bert_config.json", {"max_seq_length": layout.window}
        | ({} if layout.lower_first is None else {"do_lower_case": layout.lower_first}))
    put(inner, "tokenizer_config.json", {"cls_token": "[CLS]", "do_lower_case": not layout.cased, "mask_token": "[MASK]",
                                         "model_max_length": layout.window, "strip_accents": None, "tokenize_chinese_chars": True,
                                         "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"})
    put(folder, "config_sentence_transformers.json", {"__version__": {"pytorch": "1.13.1"}}
        | ({"prompts": layout.prompts} if layout.prompts else {}))
    (inner / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    if layout.tokenizer:
        library_tokenizer(layout).save(str(inner / "tokenizer.json"))
    write_weights(inner / "model.safetensors", layout)
    return folder


def wanted_ids(layout, text):
    """Without [CLS] and [SEP]. What lowers the text first leaves no special token in it."""
    if layout.lower_first:
        t = tokenizers.BertWordPieceTokenizer({p: i for i, p in enumerate(PIECES)}, lowercase=True)
        t._tokenizer.post_processor = tokenizers.processors.TemplateProcessing(single="$A", special_tokens=[])
        return t.encode(text.lower(), add_special_tokens=False).ids
    return library_tokenizer(layout).encode(text, add_special_tokens=False).ids


def wanted_vector(weights, layout, text, use):
    prefix = (layout.prefixes or [layout.prompts[k] for k in ("query", "document")] if layout.prefixes or layout.prompts
              else ["", ""])[use]
    ids, lead = wanted_ids(layout, prefix + text), wanted_ids(layout, prefix)
    window = min(layout.window, POSITIONS)
    cls, sep = PIECES.index("[CLS]"), PIECES.index("[SEP]")
    parts = [ids] if len(ids) <= window - 2 else reference.windows(ids[len(lead):], lead, window)
    v = np.mean([reference.embed(weights, [cls, *p, sep], CONFIG, layout.pooling, layout.normalise) for p in parts], axis=0)
    return v / np.linalg.norm(v) if layout.normalise else v


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def load(folder, layout):
    """As stored: BF16, which numpy lacks, by hand."""
    path = folder / layout.subfolder
    if layout.dtype != "BF16":
        return reference.load(path)
    raw = (path / "model.safetensors").read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    return {name: (np.frombuffer(raw[8 + n:][slice(*t["data_offsets"])], "<u2").astype("<u4") << 16).view("<f4")
            .reshape(t["shape"]).astype(float) for name, t in json.loads(raw[8:8 + n]).items() if name != "__metadata__"}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda x: x.name)
def test_model_loads_unchanged(layout, tmp_path):
    folder = make_folder(tmp_path, layout)
    prefixes = layout.prefixes
    got = reference.token_ids(TEXTS, model=folder, prefixes=["", ""])
    for text, ids in zip(TEXTS, got):
        assert ids == [PIECES.index("[CLS]"), *wanted_ids(layout, text), PIECES.index("[SEP]")], text
    weights = load(folder, layout)
    for use, what in enumerate(("queries", "vectors")):
        wanted = np.array([wanted_vector(weights, layout, t, use) for t in TEXTS])
        exact = reference.vectors(TEXTS, "float", what, HIDDEN, model=folder, prefixes=prefixes)
        assert cosines(exact, wanted).min() > 0.999999
        assert np.abs(np.linalg.norm(exact, axis=1) / np.linalg.norm(wanted, axis=1) - 1).max() < 1e-4
        fast = reference.vectors(TEXTS, "int8", what, HIDDEN, model=folder, prefixes=prefixes)
        assert cosines(fast, wanted).min() > 0.99
    if layout.pooling == "cls":  # the two poolings are not the same, or this would show nothing
        mean = np.array([reference.embed(weights, ids, CONFIG) for ids in got])
        assert cosines(mean, wanted).min() < 0.99


def test_packed_is_the_folder(tmp_path):
    """Packed, each gives the folder's very bytes."""
    rng = random.Random(5)
    texts = TEXTS + ["".join(rng.choice(string.printable) for _ in range(rng.randrange(200))) for _ in range(50)]
    for layout in LAYOUTS:
        folder, packed = make_folder(tmp_path, layout), tmp_path / "packed"
        subprocess.run([reference.PROGRAM, folder, "int8", "pack", packed], check=True, capture_output=True)
        for what in ("vectors", "queries", "ids"):
            assert reference.run(what, "int8", texts, model=folder) == reference.run(what, "int8", texts, model=pathlib.Path(packed))
