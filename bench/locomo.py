"""LoCoMo in a store, asked through `rank` (rank.c): the real engine, with weights that may be others than ours. For
learn.py and retrieval.py. Nothing here is measured by itself."""

import concurrent.futures
import json
import os
import subprocess

import recall
from harness import ROOT, die_with_parent

MODEL = ROOT / "build" / "model" / "all-MiniLM-L6-v2"


def model():
    """The model's folder as the caller or the build has it; "off" without one."""
    named = os.environ.get("CAIRN_MODEL")
    return named or (str(MODEL) if (MODEL / "config.json").exists() else "off")


def samples():
    with open(recall.DATA, encoding="utf-8") as f:
        return json.load(f)


class Store:
    """All conversations in one data folder, with their vectors when there is a model."""

    def __init__(self, binary, folder):
        self.folder, self.model, self.questions, self.turns = str(folder), model(), [], {}
        env = os.environ.copy()
        os.environ["CAIRN_MODEL"] = self.model
        server, url = recall.serve(str(binary), self.folder)
        os.environ.clear()
        os.environ.update(env)
        try:
            client = recall.Client(url)
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                for number, sample in enumerate(samples()):
                    self._take(client, number, sample, pool)
            self.model_id = recall.wait_for_vectors(client)
        finally:
            recall.stop(server)

    def _take(self, client, number, sample, pool):
        session, refs = recall.store(client, sample, pool)
        ids = {ref: turn for turn, ref in refs.items()}
        for _, turns in recall.sittings(sample):
            for t in turns:
                self.turns[ids[t["ref"]]] = t
        for q in recall.questions(sample, set(ids)):
            self.questions.append({**q, "sample": number, "session": session,
                                   "gold": {ids[ref] for ref in q["gold"]}})

    def rank(self, program, only=None, words_alone=False):
        chosen = [q for q in self.questions if only is None or q["sample"] in only]
        return Rank(program, os.path.join(self.folder, "data"), "off" if words_alone else self.model, chosen)


class Rank:
    """The program, with the questions' candidates gathered; each call ranks them anew."""

    def __init__(self, program, data, model_folder, questions):
        self.questions = questions
        asked = os.path.join(os.path.dirname(data), f"questions-{len(questions)}.jsonl")
        with open(asked, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"session": q["session"], "text": q["text"]}) + "\n" for q in questions)
        self.process = subprocess.Popen([str(program), data, model_folder, asked], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def __call__(self, weights=None, **settings):
        """For each question [[turn id, score, …], …], best first."""
        line = " ".join(f"{k}={v}" for k, v in {**(weights or {}), **settings}.items())
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("rank ended; run it by hand to see why")
        return json.loads(answer)

    def figures(self, weights=None, of=None):
        """recall.MEASURES of all questions, or of those that `of` takes."""
        rows = [recall.measure([h[0] for h in hits], q["gold"])
                for hits, q in zip(self(weights), self.questions) if of is None or of(q)]
        return recall.mean(rows)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
