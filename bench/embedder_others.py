"""The same model by sentence-transformers and ONNX Runtime, as a program that measures when told: embedder.py runs it with
the Python of build/venv-bench. For each line "NAME TOKENS BATCH THREADS SECONDS" on stdin it answers texts/s, on one thread by the processor time that it
took, on more by the clock.

ONNX Runtime gets the best form that we know: its own fused operators for attention, bias with GELU and skip with
normalisation, int8 by its dynamic quantisation with a scale for each column, no padding and no mask, token ids ready made.
sentence-transformers gets texts, as its users give them."""

import pathlib
import sys
import threading
import time

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

MODEL, WORK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
LAYERS, HEADS, EPSILON = 6, 12, 1e-12
WORDS = "the river people house music water winter small city about before green work night story table".split()
TEXTS = 64


def text_of(tokens, seed):
    """As bench/embed.c makes them."""
    return "".join(WORDS[(seed * 7 + i * i + i // 3) % 16] + " " for i in range(tokens - 2))


class Graph:
    def __init__(self, weights):
        self.w, self.nodes, self.constants = weights, [], {}

    def constant(self, name, value):
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name)
        return name

    def named(self, name):
        return self.constant(name, self.w[name])

    def node(self, op, inputs, domain="", **attributes):
        out = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, domain=domain, **attributes))
        return out

    def matmul(self, x, name):
        return self.node("MatMul", [x, self.constant(name + ".weight", self.w[name + ".weight"].T)])

    def layer(self, x, p):
        parts = [p + f"attention.self.{part}" for part in ("query", "key", "value")]
        qkv = np.concatenate([self.w[n + ".weight"].T for n in parts], axis=1)
        bias = np.concatenate([self.w[n + ".bias"] for n in parts])
        a = self.node("Attention", [x, self.constant(p + "qkv", qkv), self.constant(p + "qkv.bias", bias)],
                      "com.microsoft", num_heads=HEADS)
        x = self.skip_norm(self.matmul(a, p + "attention.output.dense"), x, p + "attention.output")
        h = self.node("BiasGelu", [self.matmul(x, p + "intermediate.dense"), self.named(p + "intermediate.dense.bias")],
                      "com.microsoft")
        return self.skip_norm(self.matmul(h, p + "output.dense"), x, p + "output")

    def skip_norm(self, x, skip, p):
        return self.node("SkipLayerNormalization", [x, skip, self.named(p + ".LayerNorm.weight"),
                                                    self.named(p + ".LayerNorm.bias"), self.named(p + ".dense.bias")],
                         "com.microsoft", epsilon=EPSILON)

    def build(self, path):
        positions = self.constant("positions", self.w["embeddings.position_embeddings.weight"]
                                  + self.w["embeddings.token_type_embeddings.weight"][0])
        x = self.node("Add", [self.node("Gather", [self.named("embeddings.word_embeddings.weight"), "ids"]),
                              self.node("Gather", [positions, "places"])])
        x = self.node("LayerNormalization", [x, self.named("embeddings.LayerNorm.weight"),
                                             self.named("embeddings.LayerNorm.bias")], axis=-1, epsilon=EPSILON)
        for i in range(LAYERS):
            x = self.layer(x, f"encoder.layer.{i}.")
        mean = self.node("ReduceMean", [x], axes=[1], keepdims=0)
        out = self.node("LpNormalization", [mean], axis=-1, p=2)
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])
        places = helper.make_tensor_value_info("places", TensorProto.INT64, ["tokens"])
        result = helper.make_tensor_value_info(out, TensorProto.FLOAT, ["texts", 384])
        graph = helper.make_graph(self.nodes, "minilm", [ids, places], [result], list(self.constants.values()))
        onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]), path)


def session(path, threads):
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


def timed(call, batch, seconds, clock=time.perf_counter):
    call(0)  # what is made at the first call
    start, until, done = clock(), time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        call(done % TEXTS)
        done += batch
    return done / (clock() - start)


def clock_for(threads):
    return time.process_time if threads == 1 else time.perf_counter


class Others:
    def __init__(self):
        self.st = SentenceTransformer(str(MODEL), device="cpu")
        Graph(load_file(MODEL / "model.safetensors")).build(WORK / "float.onnx")
        quantize_dynamic(WORK / "float.onnx", WORK / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True,
                         extra_options={"DefaultTensorType": TensorProto.FLOAT, "MatMulConstBOnly": True})
        self.paths = {"ort_float": WORK / "float.onnx", "ort_int8": WORK / "int8.onnx"}
        self.sessions = {}

    def ids(self, tokens):
        texts = [text_of(tokens, i) for i in range(TEXTS)]
        ids = np.array(self.st.tokenizer(texts)["input_ids"], dtype=np.int64)
        assert ids.shape == (TEXTS, tokens), ids.shape
        return texts, ids

    def get(self, key):
        if key not in self.sessions:
            name, threads, _ = key
            self.sessions[key] = session(self.paths[name], threads)
        return self.sessions[key]

    def check(self):
        """The least cosine between each way and sentence-transformers' vectors."""
        texts, ids = self.ids(32)
        wanted = self.st.encode(texts, normalize_embeddings=True)
        return {name: float((self.run(self.get((name, 1, 0)), ids) * wanted).sum(1).min()) for name in self.paths}

    @staticmethod
    def run(s, ids):
        return s.run(None, {"ids": ids, "places": np.arange(ids.shape[1])})[0]

    def transformers(self, tokens, batch, threads, seconds):
        torch.set_num_threads(threads)
        texts, _ = self.ids(tokens)
        return timed(lambda at: self.st.encode(texts[at:at + batch], batch_size=batch, show_progress_bar=False),
                     batch, seconds, clock_for(threads))

    def onnx(self, name, tokens, batch, threads, seconds):
        """On two threads: one session that has both, and two that have one each; the faster counts."""
        _, ids = self.ids(tokens)
        one = self.get((name, threads, 0))
        rates = [timed(lambda at: self.run(one, ids[at:at + batch]), batch, seconds, clock_for(threads))]
        if threads > 1:
            got = [0.0] * threads
            def work(i):
                s = self.get((name, 1, i))
                got[i] = timed(lambda at: self.run(s, ids[at:at + batch]), batch, seconds)
            all_of_them = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
            for t in all_of_them:
                t.start()
            for t in all_of_them:
                t.join()
            rates.append(sum(got))
        return max(rates)

    def answer(self, name, *how):
        return self.transformers(*how) if name == "sentence_transformers" else self.onnx(name, *how)


def main():
    others = Others()
    print(others.check(), flush=True)
    for line in sys.stdin:
        name, tokens, batch, threads, seconds = line.split()
        print(others.answer(name, int(tokens), int(batch), int(threads), float(seconds)), flush=True)


if __name__ == "__main__":
    main()
