"""The PostgreSQL dialect of the schema loads into a real PostgreSQL, and every table takes a row.

A private cluster under a temporary folder, reached by a Unix socket only, run by an unprivileged user (PostgreSQL
refuses root)."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from conftest import binary

SHARED = {"seq", "created_at", "updated_at", "version", "deleted_at"}


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    return found[-1].parent if found else None


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.bin = programs()
        self.user = None
        if os.geteuid() == 0:
            self.user = next(u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()})
            shutil.chown(folder, self.user)

    def run(self, program, *args, stdin=None):
        command = [str(self.bin / program), *args]
        if self.user:
            command = ["runuser", "-u", self.user, "--", *command]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, cwd=self.folder)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self):
        data = f"{self.folder}/data"
        self.run("initdb", "-D", data, "-A", "trust", "-U", "cairn", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", data, "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")

    def sql(self, text):
        return self.run("psql", "-h", self.folder, "-U", "cairn", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt",
                        "-f", "-", stdin=text)


@pytest.fixture
def cluster():
    if programs() is None:
        pytest.fail("PostgreSQL is not installed; run tools/setup test")
    folder = tempfile.mkdtemp(prefix="cairn-pg-")  # short: a socket's path has at most 107 bytes
    c = Cluster(folder)
    started = False
    try:
        c.start()
        started = True
        yield c
    finally:
        if started:
            c.stop()
        shutil.rmtree(folder, ignore_errors=True)


def ddl(dialect):
    return subprocess.run([binary(), "schema", "--dialect", dialect], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def columns(cluster):
    out = {}
    rows = cluster.sql("SELECT table_name, column_name, data_type FROM information_schema.columns"
                       " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position;")
    for line in rows.splitlines():
        table, column, kind = line.split("|")
        out.setdefault(table, {})[column] = kind
    return out


def insert(table, types):
    """A row with a value in every column but seq."""
    values = {"text": "'it''s'", "bigint": "1700000000000", "integer": "1", "double precision": "0.5"}
    named = [c for c in types if c != "seq"]
    chosen = ["NULL" if c == "deleted_at" else values[types[c]] for c in named]
    quoted = ", ".join(f'"{c}"' for c in named)
    return f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join(chosen)}) RETURNING seq;\n'


def test_the_postgres_schema_loads_and_every_table_takes_a_row(cluster):
    schema = ddl("postgres")
    cluster.sql(schema)
    cluster.sql(schema)  # again: everything is IF NOT EXISTS
    tables = columns(cluster)
    assert len(tables) >= 17
    for table, types in tables.items():
        assert SHARED <= set(types), table
        assert cluster.sql(insert(table, types)).strip() == "1", table
        assert cluster.sql(f'SELECT count(*) FROM "{table}";').strip() == "1", table


def test_both_dialects_have_the_same_tables_and_columns(cluster):
    import sqlite3

    cluster.sql(ddl("postgres"))
    db = sqlite3.connect(":memory:")
    db.executescript(ddl("sqlite"))
    lite = {}
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        lite[table] = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
    assert lite == {t: list(c) for t, c in columns(cluster).items()}


def test_names_are_unique_among_the_living_only(cluster):
    cluster.sql(ddl("postgres"))
    row = "INSERT INTO agent (id, project, created_at, updated_at) VALUES ('codey', '', 1, 1);"
    cluster.sql(row)
    with pytest.raises(AssertionError, match="duplicate key"):
        cluster.sql(row)
    cluster.sql("UPDATE agent SET deleted_at = 2;" + row)
