"""One SQL statement on a data folder's database, for tests that look into it or move its times: by Python's sqlite3 where it
is plain, through Cairn's own store (store_sql.c) where it is sealed."""

import json
import os
import pathlib
import shlex
import sqlite3
import subprocess

from conftest import ROOT, key_of_tests

PROGRAM = ROOT / "build" / "tests" / "store_sql"
SOURCE = ROOT / "tests" / "e2e" / "store_sql.c"
LIBRARY = ROOT / "build" / "libcairn.a"


def program():
    """Built when it is older than the library."""
    if not PROGRAM.exists() or PROGRAM.stat().st_mtime < max(SOURCE.stat().st_mtime, LIBRARY.stat().st_mtime):
        names = [line.split()[0] for line in (ROOT / "tools" / "libraries").read_text().splitlines()
                 if line and not line.startswith("#")]
        flags = [shlex.split(subprocess.run(["pkg-config", what, *names], capture_output=True, text=True,
                                            check=True).stdout) for what in ("--cflags", "--libs")]
        PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        made = PROGRAM.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", f"-I{ROOT / 'src'}", *flags[0], "-o", made, SOURCE, LIBRARY,
                        *flags[1], "-lstdc++", "-lm", "-pthread"], check=True)
        made.replace(PROGRAM)
    return str(PROGRAM)


def tagged(value):
    if value is None:
        return "n"
    return {int: "i:", bool: "i:", float: "r:"}.get(type(value), "t:") + str(value)


def untagged(value):
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def sealed(data, text, values, key):
    done = subprocess.run([program(), str(data), text, *map(tagged, values)], env={**os.environ, **key},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{text}: {done.stderr}"
    return [tuple(map(untagged, json.loads(line))) for line in done.stdout.splitlines()]


def sql(cairn, text, *values):
    """Its rows, as tuples. Columns that a sealed store seals come as bytes; SQL's opened(…) opens them."""
    data = pathlib.Path(cairn.data)
    key = {**key_of_tests(), **{k: v for k, v in cairn.env.items() if k == "CAIRN_KEY"}}
    if key and (data / "keys").exists():
        return sealed(data, text, values, key)
    with sqlite3.connect(data / "store.db", timeout=20) as db:
        rows = db.execute(text, values).fetchall()
    db.close()
    return rows
