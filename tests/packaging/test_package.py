"""The Debian packages: built from the last commit, looked at by lintian, and how
tightly their units and programs are shut in. What a booted system does with them
is packaging/test-install's."""
import glob
import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")


def run(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def need(program):
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")


@pytest.fixture(scope="module")
def packages():
    need("dpkg-buildpackage")
    if not os.path.exists(os.path.join(ROOT, ".git")):
        pytest.skip("this is no clone")
    folder = os.path.join(BUILD, "package")
    done = run(os.path.join(ROOT, "packaging", "build-package"), folder)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def tree(packages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    for package in glob.glob(packages + "/*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return str(folder)


def test_lintian_finds_nothing(packages):
    need("lintian")
    done = run("lintian", "--allow-root", "--fail-on", "error,warning",
               "--tag-display-limit", "0",
               *glob.glob(packages + "/*.changes"))
    assert done.returncode == 0, done.stdout


def test_the_package_holds_every_program_and_what_it_needs(tree):
    operations = {os.path.basename(path)[:-2] for path in glob.glob(
        os.path.join(ROOT, "src", "operations", "*.c"))}
    programs = set(os.listdir(tree + "/usr/lib/ordermill"))
    assert programs >= operations | {"objects", "relay"}
    for path in ("usr/bin/ordermill", "etc/ordermill/ordermill.conf",
                 "usr/share/ordermill/www/index.html",
                 "usr/share/ordermill/nginx/ordermill.conf",
                 "usr/share/man/man1/ordermill.1.gz",
                 "usr/share/man/man5/ordermill.conf.5.gz",
                 "usr/lib/sysusers.d/ordermill.conf"):
        assert os.path.exists(os.path.join(tree, path)), path


def test_no_mark_is_left_in_what_is_installed(tree):
    for folder in ("etc/nginx/snippets", "lib/systemd/system"):
        for path in glob.glob(f"{tree}/{folder}/**/*.*", recursive=True):
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    assert not re.search(r"@[A-Z_]+@", file.read()), path


def test_the_target_starts_every_operation(tree):
    with open(tree + "/lib/systemd/system/ordermill.target",
              encoding="utf-8") as file:
        target = file.read()
    for name in set(os.listdir(tree + "/usr/lib/ordermill")) - {
            "relay", "recognizer"}:
        assert f"ordermill@{name}.socket ordermill@{name}.service" in target


def test_units_and_programs_are_shut_in(tree):
    need("systemd-analyze")
    need("hardening-check")
    done = run(os.path.join(ROOT, "packaging", "check-units"), "--root", tree)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ordermill-") >= 13, done.stdout


def test_a_unit_that_is_open_is_found(tree, tmp_path):
    need("systemd-analyze")
    units = tmp_path / "lib/systemd/system"
    shutil.copytree(tree + "/lib/systemd/system", units)
    (tmp_path / "usr/lib/ordermill").mkdir(parents=True)
    shutil.copy(tree + "/usr/lib/ordermill/relay",
                tmp_path / "usr/lib/ordermill")
    (tmp_path / "usr/bin").mkdir()
    shutil.copy(tree + "/usr/bin/ordermill", tmp_path / "usr/bin")
    service = units / "ordermill@.service"
    service.write_text(re.sub("(?m)^(SystemCallFilter|CapabilityBounding).*$",
                              "", service.read_text()))
    done = run(os.path.join(ROOT, "packaging", "check-units"), "--root",
               str(tmp_path))
    assert done.returncode == 1
    assert "TOO MUCH" in done.stdout
