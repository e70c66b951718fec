"""What masking adds to a durable turn: the store's writer without a gate and with it, turn about in one run, from one and
sixteen clients, and 200 turns a write as an import does; by rate and by the process's own processor time."""

import json

from harness import median

TITLE = "What masking adds to a write"
BAR = 0.05


def run(bench):
    seconds, rounds = (0.3, 2) if bench.quick else (2, 9)
    found = json.loads(bench.tool("masks", bench.tmp, seconds, rounds, timeout=600))
    rows, bars, ratios = [], [], {}
    for name, pairs in found.items():
        rate = median([p["masked"]["rate"] / p["plain"]["rate"] for p in pairs]) - 1
        cpu = [median([p[k]["cpu_us"] for p in pairs]) for k in ("plain", "masked")]
        rates = [median([p[k]["rate"] for p in pairs]) for k in ("plain", "masked")]
        ratios[name] = 1 / (1 + rate) - 1
        rows.append([name, f"{rates[0]:,.0f}", f"{rates[1]:,.0f}", f"{rate:+.1%}", f"{cpu[0]:.1f}", f"{cpu[1]:.1f}",
                     f"{cpu[1] - cpu[0]:+.1f}"])
    for name in ("1 client", "16 clients"):
        bars.append({"what": f"masking adds less than {BAR:.0%} to a durable turn write, {name}", "got": f"{ratios[name]:+.1%}",
                     "met": ratios[name] < BAR})
    return {
        "tables": [{"columns": ["writes", "turns/s, plain", "masked", "rate", "CPU µs a turn, plain", "masked", "added"],
                    "rows": rows}],
        "bars": bars,
        "notes": [f"Medians of {rounds} rounds of {seconds} s, plain and masked turn about, each on a new store. Turns of about "
                  "500 bytes with metadata; one in fifty holds an address, a telephone number or a key. The rate's change is the "
                  "median of the rounds' ratios. For the import, which waits for no disk, the added processor time is what counts."],
        "raw": found,
    }
