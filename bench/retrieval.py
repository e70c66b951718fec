"""Retrieval on LoCoMo at turn level: what recall finds over REST (recall.py) with the model and by words alone, what
each part of the ranking adds (rank.c: the real engine with parts switched off), and questions that fail.

Bars are those that recall was built for. Published figures are of the same questions and turns, ten results."""

import json
import os
import subprocess
import sys

import harness
import locomo
import recall

TITLE = "Retrieval on LoCoMo, at turn level"
LONGEST = 900
BARS = [("R@10 on all ten", "all", 1, 80), ("R@10 on the last five, which the learner does not see", "last", 1, 78),
        ("R@5 on all ten", "all", 0, 71), ("all@10 on all ten", "all", 3, 74)]
PUBLISHED = [["plain MiniLM (published)", "43.8"], ["plain BM25 (published)", "61.6"],
             ["the best of 89 embedding models, 9 billion parameters (published)", "78.0"]]
GROUPS = {"all": "All ten conversations", "last": "The last five, which the learner does not see", "first": "The first five"}
NONE = {n: 0 for n in ("together", "beside", "neighbours", "conversation", "meaning_near[0]", "meaning_near[1]",
                       "meaning_near[2]", "meaning_conversation", "speaker", "date", "asking", "answer", "recency",
                       "repeated", "crowded", "corrected")}
# Each step takes what it names out of NONE, on top of those before it.
STEPS = [("own words (BM25)", None), ("meaning alone (cosine)", None), ("both, fused", []),
         ("+ words asked for at once", ["together"]),
         ("+ neighbours", ["beside", "neighbours", "meaning_near[0]", "meaning_near[1]", "meaning_near[2]"]),
         ("+ conversation", ["conversation", "meaning_conversation"]), ("+ speaker", ["speaker"]), ("+ date", ["date"]),
         ("+ asking counts less", ["asking"]), ("+ has what is asked for", ["answer"]),
         ("+ several things from several talks", ["crowded"]),
         ("all: + recency, repetition, corrections", ["recency", "repeated", "corrected"])]
# What would mend a failure, written after looking at it. Questions that are not here have come up since.
MEND = {
    "What kind of indoor activities has Andrew pursued with his girlfriend?":
        "Knowing that volunteering and gardening are activities: a larger model's sense of kinds of things.",
    "What outdoor activities has Andrew done other than hiking in nature?":
        "Taking \"other than hiking\" as what is not wanted, and asking once for each kind of activity.",
    "What are some problems that Andrew faces before he adopted Toby?":
        "A second search, with what the first one found: when Toby was adopted, and what came before.",
    "Did Andrew have a pet dog during March 2023?":
        "An inference from what he says he would like; the turn that came instead answers it as well.",
    "When is Andrew going to go hiking with Audrey?":
        "Telling plans from reports: \"let's do it next month\" is what \"going to\" asks for.",
    "Where did Andrew go during the first weekend of August 2023?":
        "Reading \"first weekend of August\" as two days, and a plan before them as what happened on them.",
    "What is an indoor activity that Andrew would enjoy doing while make his dog happy?":
        "A step of reasoning (cook dog treats) that no single turn holds.",
    "Which meat does Audrey prefer eating more than others?":
        "Knowing that chicken is meat: word knowledge that a small model has only in part.",
    "What can Andrew potentially do to improve his stress and accomodate his living situation with his dogs?":
        "Splitting the question into its two parts and searching for each.",
    "What challenge is Andrew facing in their search for a pet?":
        "Meaning that sees \"on the hunt, but tough\" in \"challenge in their search\"; \"challenge\" itself misleads.",
    "What was the reason Audrey couldn't walk her dogs for a period of time?":
        "Counting the long turn's one relevant sentence, not its average: vectors for single sentences.",
    "What did Jolene ask Deb to help with on 13 March, 2023?":
        "Ten turns of that day fit as well; only what was asked for (\"help\": \"can we talk about\") tells them apart.",
    "What challenge is Audrey facing in their search for a pet?":
        "Nothing should: the question names the wrong person, and the evidence is the other one's.",
    "What kind of vegetables does Audrey take care of?":
        "Nothing should: the question is wrong on purpose (flowers, Andrew's).",
    "What is a shared frustration regarding dog ownership for Audrey and Andrew?":
        "Searching for each of the two people, and keeping what both were found to say.",
    "What kind of flowers does Andrew have a tattoo of?":
        "Nothing should: the tattoo is Audrey's.",
    "What was the reason Andrew couldn't walk his dogs for a period of time?":
        "Nothing should: it was Audrey who could not.",
    "Where did Deborah get her dogs?":
        "Seeing cats in \"dogs\", which the question gets wrong on purpose; what came instead says so.",
}


def over_rest(bench, model):
    file = bench.tmp / f"retrieval-{'words' if model == 'off' else 'model'}.json"
    done = subprocess.run([sys.executable, str(harness.HERE / "recall.py"), "--binary", str(bench.binary), "--json",
                           str(file)], capture_output=True, text=True, timeout=LONGEST,
                          preexec_fn=harness.die_with_parent,
                          env={**harness.clean_environment(), "CAIRN_MODEL": model, "TMPDIR": str(bench.tmp)})
    if done.returncode:
        raise RuntimeError(f"recall.py failed ({done.returncode}):\n{(done.stderr or done.stdout)[-2000:]}")
    return json.loads(file.read_text())


def step_weights():
    """[(name, weights that differ from ours)]."""
    out, off = [], dict(NONE)
    for name, more in STEPS:
        if more is None:
            out.append((name, {**NONE, **({"words": 0, "meaning_level": 0} if "meaning" in name else {"meaning": 0})}))
            continue
        off = {n: v for n, v in off.items() if n not in more}
        out.append((name, dict(off)))
    return out


def ablation(rank):
    rows = []
    for name, weights in step_weights():
        found = rank(weights)
        measured = [(q, recall.measure([h[0] for h in hits], q["gold"])) for hits, q in zip(found, rank.questions)]

        def mean(take, measured=measured):
            return recall.mean([m for q, m in measured if take(q)])

        everything, last = mean(lambda q: True), mean(lambda q: q["sample"] >= 5)
        categories = [mean(lambda q, c=c: q["category"] == c)[1] for c in recall.CATEGORIES]
        rows.append([name, *(f"{v:.1f}" for v in (everything[0], everything[1], everything[3], last[0], last[1],
                                                  last[3], *categories))])
    return rows


def failures(store, rank):
    """Three questions of each category, of the last five, with nothing of their evidence among ten."""
    rows, count = [], {}
    for hits, q in zip(rank(results=10), rank.questions):
        got = [h[0] for h in hits]
        if q["sample"] < 5 or q["gold"] & set(got) or count.get(q["category"], 0) == 3:
            continue
        count[q["category"]] = count.get(q["category"], 0) + 1
        evidence = store.turns[min(q["gold"])]
        instead = store.turns[got[0]]["content"] if got else "nothing"
        rows.append([recall.CATEGORIES[q["category"]], q["text"], short(f"{evidence['agent']}: {evidence['content']}"),
                     short(instead), MEND.get(q["text"], "(not looked at)")])
    order = list(recall.CATEGORIES.values())
    return sorted(rows, key=lambda r: order.index(r[0]))


def short(text):
    text = " ".join(text.split()).replace("|", "/")
    return text if len(text) <= 160 else text[:157] + "…"


def group_tables(raw):
    return [{"caption": caption,
             "columns": ["questions about", "n", *raw["measures"]],
             "rows": [[name, g["questions"], *(f"{v:.1f}" for v in g["figures"])] for name, g in raw["groups"][key].items()]}
            for key, caption in GROUPS.items()]


def run(bench):
    if not os.path.exists(recall.DATA):
        return {"skipped": "locomo10.json is not there"}
    raw = {"words": over_rest(bench, "off")}
    model = locomo.model()
    if model != "off":
        raw["model"] = over_rest(bench, model)
    best = raw.get("model", raw["words"])
    folder = bench.folder("retrieval")
    folder.mkdir()
    store = locomo.Store(bench.binary, folder)
    rank = store.rank(bench.out / "rank")
    steps, failed = ablation(rank), failures(store, rank)
    rank.close()
    bench.drop(folder)
    columns = ["", "R@5", "R@10", "all@10", "R@5, last five", "R@10, last five", "all@10, last five",
               *(f"R@10, {c}" for c in recall.CATEGORIES.values())]
    words = raw["words"]["groups"]
    alone = [[group, *(f"{v:.1f}" for v in words[group]["all"]["figures"])] for group in GROUPS]
    bars = [{"what": f"{what} ≥ {least}", "got": f"{best['groups'][group]['all']['figures'][i]:.1f}; by words alone "
             f"{words[group]['all']['figures'][i]:.1f}", "met": best["groups"][group]["all"]["figures"][i] >= least}
            for what, group, i, least in BARS]
    speed = best["speed"]
    return {
        "tables": [{"caption": "What each part adds: one engine, parts switched off",
                    "columns": columns, "rows": steps + [[n, "", f, *[""] * (len(columns) - 3)] for n, f in PUBLISHED]},
                   *group_tables(best),
                   {"caption": "By words alone (CAIRN_MODEL=off)", "columns": ["conversations", *best["measures"]],
                    "rows": alone},
                   {"caption": "Three failures of each kind, from the last five: nothing of the evidence among ten",
                    "columns": ["kind", "question", "evidence", "what came first instead", "what would mend it"],
                    "rows": failed}],
        "bars": bars,
        "notes": [f"Model: {speed['model'] or 'none, by words alone'}. {speed['turns']:,} turns stored one after another, "
                  f"{speed['turns_per_second']:.0f} a second; a search takes {speed['search_mean_ms']:.2f} ms on average, "
                  f"p99 {speed['search_p99_ms']:.2f} ms, seen from a Python client.",
                  "Weights were learnt on the first five conversations (learning.md); which parts there are, and two weights that "
                  "the learner does not set, were tried with the figures of all ten in view.",
                  "Adversarial questions name the wrong person or thing on purpose; the evidence is the right one's."],
        "raw": {**raw, "ablation": [columns, *steps]},
    }
