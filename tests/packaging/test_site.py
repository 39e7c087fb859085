"""`ordermill site`: nginx's site is written, tried and taken over, and what nginx
refuses is taken back. nginx itself is played by a script."""
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")


class Machine:
    def __init__(self, folder):
        self.folder = folder
        self.available = folder / "nginx/sites-available/ordermill"
        self.enabled = folder / "nginx/sites-enabled/ordermill"
        self.called = folder / "called"
        for name in ("bin", "nginx/sites-available", "nginx/sites-enabled"):
            (folder / name).mkdir(parents=True)
        self.nginx_says(0)

    def nginx_says(self, status, of_reload=0):
        program = self.folder / "bin/nginx"
        program.write_text(f"#!/bin/sh\necho \"$*\" >>{self.called}\n"
                           f"[ \"$1\" = -t ] && exit {status}\n"
                           f"exit {of_reload}\n")
        program.chmod(0o755)

    def site(self, *arguments):
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return subprocess.run(
            [os.path.join(BUILD, "src", "ordermill", "ordermill"), "site",
             *arguments, "--nginx", str(self.folder / "nginx"),
             "--template", os.path.join(ROOT, "nginx", "ordermill.conf")],
            env=dict(os.environ, PATH=path), capture_output=True, text=True)

    def calls(self):
        return self.called.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_new_site_listens_on_this_machine_alone(machine):
    done = machine.site("enable")
    assert done.returncode == 0, done.stderr
    text = machine.available.read_text()
    assert "listen 127.0.0.1:8080;" in text and "server_name _;" in text
    assert "@LISTEN@" not in text and "@SERVER_NAME@" not in text
    assert os.readlink(machine.enabled) == str(machine.available)
    assert machine.calls() == ["-t -q", "-s reload"]


def test_a_name_makes_it_the_site_of_that_name(machine):
    assert machine.site("enable", "--server-name",
                        "desk.example.org").returncode == 0
    text = machine.available.read_text()
    assert "server_name desk.example.org;" in text
    assert "listen 80;\n\tlisten [::]:80;\n" in text
    # where /metrics is asked for, and the relay asks as long as site.url says so
    assert "\tlisten 127.0.0.1:8080;" in text
    assert "default_server" not in text
    assert "certbot --nginx -d desk.example.org" in text


def test_a_site_that_is_there_is_kept_unless_it_is_asked_for(machine):
    machine.available.write_text("# mine\n")
    assert machine.site("enable").returncode == 0
    assert machine.available.read_text() == "# mine\n"
    assert machine.site("enable", "--listen", "8443").returncode == 0
    assert "listen 8443;" in machine.available.read_text()
    old = machine.available.with_suffix(".old")
    assert old.read_text() == "# mine\n"


def test_what_nginx_refuses_is_taken_back(machine):
    machine.nginx_says(1)
    done = machine.site("enable")
    assert done.returncode == 1 and "nginx refuses" in done.stderr
    assert not machine.available.exists()
    assert not os.path.lexists(machine.enabled)
    assert machine.calls() == ["-t -q"]


def test_what_nginx_refuses_leaves_the_site_from_before(machine):
    machine.available.write_text("# mine\n")
    machine.enabled.symlink_to(machine.available)
    machine.nginx_says(1)
    assert machine.site("enable", "--server-name", "x.org").returncode == 1
    assert machine.available.read_text() == "# mine\n"
    assert machine.enabled.is_symlink()


def test_an_nginx_that_does_not_run_is_no_failure(machine):
    machine.nginx_says(0, of_reload=1)
    done = machine.site("enable")
    assert done.returncode == 0 and "does not run" in done.stdout


def test_disable_keeps_the_file(machine):
    machine.site("enable")
    assert machine.site("disable").returncode == 0
    assert machine.available.exists()
    assert not os.path.lexists(machine.enabled)
    assert machine.site("disable").returncode == 0


@pytest.mark.parametrize("arguments", [
    ("enable", "--server-name", "a;b"), ("enable", "--server-name", ""),
    ("enable", "--listen", "80; root /"), ("enable", "more"), (), ("other",)])
def test_what_makes_no_site_is_refused(machine, arguments):
    done = machine.site(*arguments)
    assert done.returncode == 2 and "usage: ordermill site" in done.stderr
    assert not machine.available.exists()
