"""BERT's forward pass in double precision with numpy, from the same safetensors file, and a driver for build/bench/embed.
Plain on purpose: it is what the C code is measured against."""

import json
import math
import os
import pathlib
import struct
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "build/model/all-MiniLM-L6-v2"
PROGRAM = os.environ.get("CAIRN_EMBED") or ROOT / "build/bench/embed"


def run(what, precision, texts, model=MODEL, program=PROGRAM, prefixes=()):
    """stdout of `embed MODEL PRECISION WHAT [PREFIXES]` for these texts."""
    given = b"".join(struct.pack("<I", len(t)) + t for t in (x.encode() for x in texts))
    return subprocess.run([program, model, precision, what, *prefixes], input=given, capture_output=True, check=True).stdout


def token_ids(texts, **kw):
    raw = np.frombuffer(run("ids", "int8", texts, **kw), dtype="<i4")
    out, at = [], 0
    while at < len(raw):
        out.append(raw[at + 1:at + 1 + raw[at]].tolist())
        at += 1 + raw[at]
    return out


def vectors(texts, precision, what="vectors", dimensions=384, **kw):
    return np.frombuffer(run(what, precision, texts, **kw), dtype="<f4").reshape(len(texts), dimensions).astype(np.float64)


def load(folder=MODEL):
    raw = (folder / "model.safetensors").read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    types = {"F32": "<f4", "F16": "<f2"}
    return {name: np.frombuffer(raw[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]], dtype=types[t["dtype"]])
            .reshape(t["shape"]).astype(np.float64)
            for name, t in header.items() if name != "__metadata__" and t["dtype"] in types}


def norm(x, w, name, eps):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w[name + ".weight"] + w[name + ".bias"]


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


STEP, FAR = 1e-3, 6.0
GRID = np.arange(-FAR, FAR + STEP, STEP)
ERF = np.array([math.erf(v) for v in GRID])
SLOPE = 2 / math.sqrt(math.pi) * np.exp(-GRID * GRID) * STEP


def erf(x):
    """In double precision, by cubic Hermite interpolation of math.erf with its exact slopes: off by less than 1e-14."""
    x = np.clip(x, -FAR, FAR - STEP)
    i = ((x + FAR) / STEP).astype(int)
    t = (x - GRID[i]) / STEP
    a, b, c, d = ERF[i], ERF[i + 1], SLOPE[i], SLOPE[i + 1]
    return a + t * (c + t * (3 * (b - a) - 2 * c - d + t * (2 * (a - b) + c + d)))


def embed(w, ids, config, pooling="mean", normalise=True):
    """The pooled vector of one sequence of ids; `w` may name its tensors with "bert." before."""
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    p = "bert." if "bert.embeddings.LayerNorm.weight" in w else ""
    e = p + "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][:len(ids)]
    x = norm(x + w[e + "token_type_embeddings.weight"][0], w, e + "LayerNorm", eps)
    for i in range(config["num_hidden_layers"]):
        x = layer(x, w, f"{p}encoder.layer.{i}.", heads, eps)
    v = x[0] if pooling == "cls" else x.mean(0)
    return v / np.linalg.norm(v) if normalise else v


def layer(x, w, p, heads, eps):
    q, k, v = (linear(x, w, p + "attention.self." + part).reshape(len(x), heads, -1).transpose(1, 0, 2)
               for part in ("query", "key", "value"))
    s = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
    s = np.exp(s - s.max(-1, keepdims=True))
    c = (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(x), -1)
    x = norm(x + linear(c, w, p + "attention.output.dense"), w, p + "attention.output.LayerNorm", eps)
    h = linear(x, w, p + "intermediate.dense")
    h = 0.5 * h * (1 + erf(h / math.sqrt(2)))
    return norm(x + linear(h, w, p + "output.dense"), w, p + "output.LayerNorm", eps)


def windows(ids, prefix, max_tokens):
    """How embed.h cuts a text of more than a window: a quarter of overlap, the last one full, the prefix before each."""
    body = max_tokens - 2 - len(prefix)
    step, starts = body - body // 4, []
    while not starts or starts[-1] + body < len(ids):
        starts.append(min(len(starts) * step, len(ids) - body))
    return [prefix + ids[s:s + body] for s in starts]
