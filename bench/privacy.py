"""Finding and masking what must not leak: MB/s on 50 MB of chats, against Hyperscan alone over the same patterns and PCRE2's machine
code pattern by pattern, turn about in one program; how it goes with the size of texts and with how much is found; what it adds to a
durable write.

The chats are LoCoMo's turns, into some of which addresses, numbers and secrets are put."""

import json
import os
import random
import struct

import packing
import recall
import writes
from harness import median

TITLE = "Privacy"
BAR_BARE, BAR_ONE, BAR_WRITE, AIM = 1.0, 5.0, 0.05, 250
RATE = 0.03  # of the turns hold something
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def secret(r, n):
    return "".join(r.choices(LETTERS, k=n))


FINDS = [
    lambda r: f"my mail is {r.choice(['anna', 'li.wei', 'tom', 'j.doe'])}{r.randrange(99)}@{r.choice(['example.com', 'mail.example.org'])}",
    lambda r: f"call me at {r.randrange(201, 989)}-{r.randrange(201, 989)}-{r.randrange(1000, 9999)}",
    lambda r: f"the server at 84.{r.randrange(255)}.{r.randrange(255)}.{r.randrange(1, 255)} is down",
    lambda r: "take the card 4111 1111 1111 1111",
    lambda r: f"SSN {r.randrange(100, 600)}-{r.randrange(10, 99)}-{r.randrange(1000, 9999)}",
    lambda r: f"password: {secret(r, 10)}!{r.randrange(10, 99)}",
    lambda r: "export GITHUB_TOKEN=" + "gh" + "p_" + secret(r, 36),
    lambda r: f"postgres://app:{secret(r, 14)}@db.example.com/app",
]


def chats(turns, size, rate, whole):
    """About `size` bytes of turns; `whole`: in texts of at least so many bytes, 0: each by itself."""
    r, made, text, length, n = random.Random(5), [], [], 0, 0
    while n < size:
        turn = r.choice(turns)
        if r.random() < rate:
            turn += " " + r.choice(FINDS)(r)
        text.append(turn)
        length += len(turn) + 1
        n += len(turn) + 1
        if length >= whole:
            made.append("\n".join(text))
            text, length = [], 0
    return made


def write_texts(file, texts):
    with open(file, "wb") as f:
        for t in texts:
            data = t.encode("utf-8", "replace")
            f.write(struct.pack("<I", len(data)) + data)


def measure(bench, sets, rounds):
    """One run of the program over all sets: compiling Hyperscan's database of whole patterns alone takes a while."""
    files = [bench.tmp / f"privacy-{i}.bin" for i in range(len(sets))]
    for file, texts in zip(files, sets):
        write_texts(file, texts)
    try:
        lines = bench.tool("privacy", rounds, *files, timeout=900).splitlines()
    finally:
        for file in files:
            file.unlink()
    return [told(json.loads(line)) for line in lines]


def told(m):
    ways = ("scan", "mask", "bare", "one_by_one")
    m["speed"] = {k: median([m["bytes"] / 1e6 / s for s in m[k]]) for k in ways}
    m["against"] = {k: median([b / a for a, b in zip(m["scan"], m[k])]) for k in ("bare", "one_by_one")}
    m["mask_us"] = median([s / m["texts"] * 1e6 for s in m["mask"]])
    return m


def row(name, m):
    s = m["speed"]
    return [name, f"{m['bytes'] / m['texts']:,.0f}", f"{m['finds'] / m['bytes'] * 1e5:.1f}", f"{s['scan']:.0f}", f"{s['mask']:.0f}",
            f"{s['bare']:.0f}", f"{s['one_by_one']:.1f}", f"{m['against']['bare']:.1f}", f"{m['against']['one_by_one']:.0f}"]


def write_cpu(bench):
    """The server's processor time for one durable turn, µs, from 8 clients."""
    runs = [writes.short_run(bench, 8, 1 if bench.quick else 4)["cpu_us"] for _ in range(1 if bench.quick else 3)]
    return median(runs)


def run(bench):
    if not os.path.exists(recall.DATA):
        return {"skipped": "without ../shared/data there are no chats"}
    turns = packing.chats()
    mb, rounds, small = (0.3, 1, 0.3) if bench.quick else (50, 3, 4)
    rates, sizes = (0, 0.2, 1), (1 << 10, 16 << 10, 256 << 10)
    sets = [chats(turns, mb * 1e6, RATE, 0), *[chats(turns, small * 1e6, rate, 0) for rate in rates],
            *[chats(turns, small * 1e6, RATE, size) for size in sizes]]
    main, *rest = measure(bench, sets, rounds)
    bench.say(f"{main['speed']['scan']:.0f} MB/s")
    names = [f"{rate:.0%} of the turns hold something" for rate in rates] + [f"texts of {size >> 10} KiB" for size in sizes]
    others = dict(zip(names, rest))
    cpu = write_cpu(bench)
    share = main["mask_us"] / (cpu - main["mask_us"])
    return {
        "tables": [
            {"caption": "MB/s on one core", "columns": ["texts", "bytes a text", "finds in 100 KB", "found", "masked", "Hyperscan alone",
                                                        "PCRE2 one by one", "× Hyperscan", "× PCRE2"],
             "rows": [row(f"chats, {RATE:.0%} hold something", main), *[row(k, m) for k, m in others.items()]]},
            {"caption": "The compiled set", "columns": ["", ""],
             "rows": [["patterns", main["patterns"]], ["opened in (interpreted)", f"{main['open_ms']:.1f} ms"],
                      ["machine code and prefilter, made behind", f"{main['prefilter_ms']:.0f} ms"],
                      ["PCRE2's code", f"{main['code_bytes'] / 1e6:.2f} MB"],
                      ["the prefilter's databases", f"{main['prefilter_bytes'] / 1e6:.2f} MB"],
                      ["of these patterns Hyperscan takes whole, as its prefilter form, not at all",
                       f"{main['bare_whole']}, {main['bare_prefilter']}, {main['bare_refused']}"]]},
            {"caption": "A durable write", "columns": ["", ""],
             "rows": [["masking a turn", f"{main['mask_us']:.2f} µs"], ["the server's processor time for one, 8 clients", f"{cpu:.1f} µs"],
                      ["what masking adds", f"{share:.1%}"]]},
        ],
        "bars": [
            {"what": f"at least {BAR_BARE:.1f}× Hyperscan alone over the same patterns", "got": f"{main['against']['bare']:.2f}×",
             "met": main["against"]["bare"] >= BAR_BARE},
            {"what": f"at least {BAR_ONE:.0f}× PCRE2 pattern by pattern", "got": f"{main['against']['one_by_one']:.1f}×",
             "met": main["against"]["one_by_one"] >= BAR_ONE},
            {"what": f"aim: {AIM} MB/s a core", "got": f"{main['speed']['scan']:.0f} MB/s", "met": main["speed"]["scan"] >= AIM},
            {"what": f"masking adds less than {BAR_WRITE:.0%} to a durable turn", "got": f"{share:.1%}", "met": share < BAR_WRITE},
        ],
        "notes": [f"Processor time, medians of {rounds} rounds, {main['bytes'] / 1e6:.0f} MB. All ways see the same texts; found is the same "
                  "number by the prefilter and pattern by pattern, which the program checks. Hyperscan alone only tells that and where "
                  "something ends: where it begins, whether the number's sum is right and what stands around is not part of its time."],
        "raw": {"chats": main, "others": others, "write_cpu_us": cpu},
    }
