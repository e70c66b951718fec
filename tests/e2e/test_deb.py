"""`make deb`: packages that Debian's own tools take, hold what they should, and work from where they are unpacked."""

import gzip
import hashlib
import os
import re
import subprocess

import pytest

from conftest import ROOT

CONTROL = "Package Version Architecture Maintainer Section Depends Description".split()


def build():
    done = subprocess.run(["make", "-s", "deb"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "warning" not in done.stderr, done.stdout + done.stderr
    made = [ROOT / line for line in done.stdout.split() if line.endswith(".deb")]
    return {p.name.split("_")[0]: p for p in made}


@pytest.fixture(scope="module")
def packages():
    return build()


@pytest.fixture(scope="module")
def root(packages, tmp_path_factory):
    """All packages unpacked over each other, as dpkg would."""
    folder = tmp_path_factory.mktemp("root")
    for p in packages.values():
        subprocess.run(["dpkg-deb", "-x", p, folder], check=True, timeout=60)
    return folder


def ask(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True, timeout=60).stdout


def field(package, name):
    return ask("dpkg-deb", "-f", package, name).strip()


def files(package):
    """path → (mode, owner) of all that is in it"""
    lines = [line.split(None, 5) for line in ask("dpkg-deb", "-c", package).splitlines()]
    return {f[5].split(" -> ")[0].removeprefix("./"): (f[0], f[1]) for f in lines}


def test_each_package_says_what_it_is_and_what_it_needs(packages):
    assert set(packages) == {"cairn", "libcairn0", "libcairn-dev"}
    version = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    for name, p in packages.items():
        assert all(field(p, f) for f in CONTROL) and field(p, "Package") == name
        assert field(p, "Version") == f"{version}-1"
    needs = {name: set(re.findall(r"(?:^|, )([\w.+-]+)", field(p, "Depends"))) for name, p in packages.items()}
    assert {"libc6", "libsqlite3-0", "libmicrohttpd12", "libcurl4"} <= needs["cairn"]
    assert "libsqlite3-0" in needs["libcairn0"] and not needs["libcairn0"] & {"libmicrohttpd12", "libcurl4"}
    assert {"libcairn0", "libsqlite3-dev", "libsimdjson-dev"} <= needs["libcairn-dev"]
    assert ask("dpkg-deb", "-I", packages["libcairn0"], "shlibs") == f"libcairn 0 libcairn0 (>= {version})\n"
    assert "ldconfig" in ask("dpkg-deb", "-I", packages["libcairn0"], "triggers")


def test_what_is_in_them_is_roots_and_nothing_is_in_two(packages):
    held = {name: files(p) for name, p in packages.items()}
    for name, held_here in held.items():
        assert {owner for _, owner in held_here.values()} == {"root/root"}
        assert not [p for p, (mode, _) in held_here.items() if mode[0] == "-" and mode not in ("-rw-r--r--", "-rwxr-xr-x")]
        assert {f"usr/share/doc/{name}/{f}" for f in ("copyright", "changelog.gz", "changelog.Debian.gz")} <= set(held_here)
    every = [p for held_here in held.values() for p, (mode, _) in held_here.items() if mode[0] != "d"]
    assert len(every) == len(set(every))
    assert {"usr/bin/cairn", "usr/share/man/man1/cairn.1.gz", "usr/lib/systemd/system/cairn.service"} <= set(held["cairn"])
    assert "usr/include/cairn.h" in held["libcairn-dev"]


def test_the_sums_are_those_of_the_files(packages, tmp_path):
    for name, p in packages.items():
        subprocess.run(["dpkg-deb", "-R", p, tmp_path / name], check=True, timeout=60)
        sums = [line.split(None, 1) for line in (tmp_path / name / "DEBIAN/md5sums").read_text().splitlines()]
        assert len(sums) > 3
        assert not [f for s, f in sums if hashlib.md5((tmp_path / name / f).read_bytes()).hexdigest() != s]


def test_the_same_build_gives_the_same_bytes(packages):
    before = {name: p.read_bytes() for name, p in packages.items()}
    assert {name: p.read_bytes() for name, p in build().items()} == before


def test_dpkg_installs_and_removes_them(packages, tmp_path):
    """Into a root of its own; what they depend on is the host's, so dpkg is told not to look for it there."""
    root = tmp_path / "root"
    (root / "var/lib/dpkg/updates").mkdir(parents=True)
    (root / "var/lib/dpkg/info").mkdir()
    (root / "var/lib/dpkg/status").write_text("")
    as_root = [] if os.geteuid() == 0 else ["unshare", "-r"]
    dpkg = [*as_root, "dpkg", f"--root={root}", f"--log={tmp_path / 'log'}", "--force-not-root", "--force-depends",
            "--force-script-chrootless"]
    subprocess.run([*dpkg, "--unpack", *packages.values()], check=True, capture_output=True, timeout=120)
    assert (root / "usr/bin/cairn").exists() and (root / "usr/include/cairn.h").exists()
    subprocess.run([*dpkg, "--purge", *packages], check=True, capture_output=True, timeout=120)
    left = [p for p in root.rglob("*") if not p.is_dir() and root / "var/lib/dpkg" not in p.parents]
    assert not left


def test_program_and_library_work_from_there(root, tmp_path):
    lib = next((root / "usr/lib").glob("*/libcairn.so.0")).parent
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("CAIRN_")}, "LD_LIBRARY_PATH": str(lib)}

    def run(*command):
        done = subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    data = tmp_path / "data"
    run(root / "usr/bin/cairn", "remember", "the ferry leaves at nine", "--data", data)
    assert "ferry" in run(root / "usr/bin/cairn", "recall", "when does the ferry leave?", "--data", data)
    example = root / "usr/share/doc/libcairn-dev/examples/remember.c"
    run("gcc", example, f"-I{root / 'usr/include'}", f"-L{lib}", "-lcairn", "-o", tmp_path / "remember")
    assert "six" in run(tmp_path / "remember", data, "The bakery closes at six", "when does the bakery close?")
    page = gzip.decompress((root / "usr/share/man/man1/cairn.1.gz").read_bytes()).decode()
    assert ".TH" in page
