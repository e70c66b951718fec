"""`make install`: what it puts where, that it works from there, and that `make uninstall` takes exactly that away."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from conftest import ROOT

SMALL = 3_000_000  # bytes that the program may have


def make(target, **places):
    done = subprocess.run(["make", "-s", target, *(f"{k}={v}" for k, v in places.items())], cwd=ROOT,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tree(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installation of its own, used from where it is."""
    folder = tmp_path_factory.mktemp("installed")
    make("install", prefix=folder)
    yield folder
    make("uninstall", prefix=folder)
    assert tree(folder) == set()


def installed(prefix, *command, **env):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_")}
    environment.update(LD_LIBRARY_PATH=str(prefix / "lib"), PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig"), **env)
    done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_everything_is_where_gnu_and_debian_look_for_it(prefix):
    assert tree(prefix) >= {
        "bin/cairn", "include/cairn.h", "lib/libcairn.a", "lib/libcairn.so", "lib/libcairn.so.0",
        "lib/pkgconfig/cairn.pc", "lib/systemd/system/cairn.service", "lib/systemd/user/cairn.service",
        "lib/systemd/user/cairn-watch.service", "lib/systemd/user/cairn-import.timer", "lib/systemd/user/cairn-verify.timer",
        "share/man/man1/cairn.1", "share/bash-completion/completions/cairn", "share/zsh/site-functions/_cairn",
        "share/fish/vendor_completions.d/cairn.fish", "share/doc/cairn/LICENSE", "share/doc/cairn/configuration.md",
        "share/doc/cairn/examples/cairn.toml", "share/doc/cairn/examples/remember.c"}
    filled = [*prefix.rglob("*.service"), *prefix.rglob("*.pc")]
    assert len(filled) == 6 and not [p for p in filled if re.search(r"@\w+@", p.read_text())]


def test_destdir_goes_before_every_place_and_nothing_stays_behind(tmp_path):
    stage, wide = tmp_path / "stage", {"prefix": "/usr", "libdir": "/usr/lib/somewhere"}
    make("install", DESTDIR=stage, **wide)
    assert {p.split("/")[0] for p in tree(stage)} == {"usr"}
    assert str(stage) not in (stage / "usr/lib/somewhere/pkgconfig/cairn.pc").read_text()
    assert "XDG_CONFIG_HOME=/etc\n" in (stage / "usr/lib/systemd/system/cairn.service").read_text()
    (stage / "usr/share/doc/mine").write_text("not Cairn's")
    make("uninstall", DESTDIR=stage, **wide)
    assert [p for p in stage.rglob("*") if not p.is_dir()] == [stage / "usr/share/doc/mine"]
    (stage / "usr/share/doc/mine").unlink()
    make("install", DESTDIR=stage, **wide)
    make("uninstall", DESTDIR=stage, **wide)
    assert not list(stage.rglob("*"))


def test_the_installed_program_is_small_and_runs(prefix, tmp_path):
    program = prefix / "bin/cairn"
    assert program.stat().st_size < SMALL and (ROOT / "build/cairn").stat().st_size < SMALL
    assert (prefix / "lib/libcairn.so").resolve().stat().st_size < SMALL
    data = tmp_path / "data"
    installed(prefix, program, "remember", "the ferry leaves at nine", "--data", data)
    assert "ferry" in installed(prefix, program, "recall", "when does the ferry leave?", "--data", data)


# ---- programs against the library ----

def flags(prefix, *which):
    return installed(prefix, "pkg-config", *which, "cairn").split()


@pytest.mark.parametrize("how", ["shared", "static"])
def test_the_example_builds_and_runs_against_what_is_installed(prefix, tmp_path, how):
    program, data = tmp_path / "remember", tmp_path / "notes"
    link = flags(prefix, "--libs")
    if how == "static":  # libcairn itself inside; the libraries it needs as the system has them
        link = ["-l:libcairn.a" if f == "-lcairn" else f for f in flags(prefix, "--static", "--libs")]
    installed(prefix, "gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", prefix / "share/doc/cairn/examples/remember.c",
              *flags(prefix, "--cflags"), *link, "-o", program)
    needed = installed(prefix, "readelf", "-d", program)
    assert ("[libcairn.so.0]" in needed) == (how == "shared")
    said = installed(prefix, program, data, "The bakery closes at six on Fridays", "when does the bakery close?")
    recalled, exported = said.split("\n\n", 1)
    assert json.loads(recalled)["results"][0]["content"] == "The bakery closes at six on Fridays"
    assert exported.startswith("#") and "bakery closes at six" in exported
    wrong = subprocess.run([program, "/dev/null/no", "a", "b"], capture_output=True, text=True, timeout=60,
                           env={**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")})
    assert wrong.returncode == 1 and wrong.stderr.startswith("remember: ")


def test_the_python_example_runs_against_what_is_installed(prefix, tmp_path):
    said = installed(prefix, sys.executable, prefix / "share/doc/cairn/examples/remember.py", tmp_path / "notes",
                     "The bakery closes at six on Fridays", "when does the bakery close?")
    assert said.endswith("  The bakery closes at six on Fridays\n") and said.startswith("0.")


def test_pkg_config_knows_the_version_and_only_what_the_library_needs(prefix):
    assert flags(prefix, "--modversion") == installed(prefix, prefix / "bin/cairn", "version").split()[-1:]
    wanted = set(re.findall(r"\[lib([\w-]+)\.so", installed(prefix, "readelf", "-d", prefix / "lib/libcairn.so")))
    named = {f[2:] for f in installed(prefix, "pkg-config", "--libs",
                                      *flags(prefix, "--print-requires-private")).split() if f.startswith("-l")}
    assert named == wanted - {"stdc++", "m", "gcc_s", "c", "cairn", "ld"}


# ---- what comes with it ----

def test_the_example_configuration_holds_every_setting_at_its_default(prefix, tmp_path):
    text = (prefix / "share/doc/cairn/examples/cairn.toml").read_text()
    every = {s["name"]: s for s in json.loads(installed(prefix, prefix / "bin/cairn", "config", "--json"))}
    assert all(type(v) is dict and not v for v in tomllib.loads(text).values())  # nothing set until a # is taken away
    whole = tomllib.loads(re.sub(r"^#(?! )", "", text, flags=re.M))
    named = {f"{section}.{key}": value for section, members in whole.items() for key, value in members.items()}
    of_ones_own = {n for n in named if isinstance(named[n], dict)}  # [privacy.custom.NAME]: any number of them
    assert of_ones_own == {"privacy.custom"} and set(named) - of_ones_own == set(every)
    example = tmp_path / "cairn.toml"
    example.write_text(re.sub(r"^#(?! )(?!.* = \"\"$)", "", text, flags=re.M))
    installed(prefix, prefix / "bin/cairn", "config", "--check", example)
    kept = tomllib.loads(example.read_text())
    assert kept["server"]["listen"] == "127.0.0.1:5111" and kept["auth"]["enabled"] is False


@pytest.mark.parametrize("unit", ["system", "user"])
def test_systemd_finds_nothing_wrong_with_the_unit(prefix, unit):
    path = prefix / f"lib/systemd/{unit}/cairn.service"
    text = path.read_text()
    assert f"ExecStart={prefix}/bin/cairn serve" in text and "Restart=on-failure" in text
    for line in ("DynamicUser=yes", "StateDirectory=cairn", "ProtectSystem=strict", "SystemCallFilter=@system-service"):
        assert unit == "user" or line in text.splitlines()
    assert "NoNewPrivileges=yes" in text.splitlines()
    done = subprocess.run(["systemd-analyze", "verify", f"--{unit}", "--man=no", path], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "XDG_RUNTIME_DIR": str(prefix)})
    wrong = [line for line in done.stderr.splitlines() if str(path) in line or line.startswith("cairn.service")]
    assert done.returncode == 0 and not wrong, done.stderr


@pytest.mark.parametrize("unit,command", [("cairn-watch.service", "watch"), ("cairn-import.timer", ""), ("cairn-verify.timer", ""),
                                          ("cairn-import.service", "import --yes"), ("cairn-verify.service", "import verify")])
def test_one_person_s_units(prefix, tmp_path, unit, command):
    """systemd finds nothing wrong with them, and what they run does well on a machine where there is nothing yet."""
    path = prefix / "lib/systemd/user" / unit
    done = subprocess.run(["systemd-analyze", "verify", "--user", "--man=no", path], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    assert done.returncode == 0 and not [x for x in done.stderr.splitlines() if x.startswith("cairn-")], done.stderr
    started = re.findall(r"^ExecStart=(.*)$", path.read_text(), re.M)
    assert started == ([f"{prefix}/bin/cairn {command}"] if command else [])
    if command.startswith("import"):
        ran = subprocess.run(started[0].split(), capture_output=True, text=True, timeout=60, env={"HOME": str(tmp_path)})
        assert ran.returncode == 0, ran.stderr


def test_the_system_unit_is_well_locked_in(prefix):
    """systemd's own rating: 0 is locked in, 10 is open; 2 is what it calls OK."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
                           prefix / "lib/systemd/system/cairn.service"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def allowed_calls(text):
    """System calls that the unit's SystemCallFilter lines leave, with systemd's own lists of them."""
    groups, name = {}, None
    for line in subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True,
                               timeout=60, check=True).stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif line.strip() and not line.strip().startswith("#") and name and line.startswith(" "):
            groups[name].append(line.strip())

    def members(group):
        return {c for m in groups[group] for c in (members(m) if m.startswith("@") else {m})}

    left = set()
    for value in re.findall(r"^SystemCallFilter=(\S+)$", text, re.M):
        left = left - members(value[1:]) if value.startswith("~") else left | members(value)
    return left | members("@default")


def test_the_units_filter_leaves_every_call_that_a_server_makes(prefix, make_cairn, tmp_path):
    allowed = allowed_calls((prefix / "lib/systemd/system/cairn.service").read_text())
    assert 100 < len(allowed) < 400
    cairn, trace = make_cairn(), tmp_path / "calls"
    cairn.stop()
    command = [prefix / "bin/cairn", "serve", "--listen", f"127.0.0.1:{cairn.port}", "--data", cairn.data]
    cairn.process = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, *command], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
    cairn.wait_ready()
    cairn.post("/api/v2/remember", {"text": "a heron on the weir", "session": "river"})
    assert "heron" in json.dumps(cairn.post("/api/v2/recall", {"query": "heron"}))
    subprocess.run(["pkill", "-TERM", "-P", str(cairn.process.pid)], check=True)  # strace's one child: the server
    assert cairn.process.wait(30) == 0
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
    made.discard("execve")  # before the filter counts
    if os.geteuid() == 0:
        made -= {"fchown", "fchown32"}  # SQLite gives its files away only as root, which the unit's user is not
    assert len(made) > 30 and made <= allowed, made - allowed
