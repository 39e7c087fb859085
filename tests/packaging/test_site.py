"""`ordermill site`: nginx's site is written, tried and taken over, and what nginx
refuses is taken back. nginx itself is played by a script where what it says is
all that counts."""
import contextlib
import os
import shutil
import socket
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")


class Machine:
    template = os.path.join(ROOT, "nginx", "ordermill.conf")

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
             "--template", self.template,
             "--pid", str(self.folder / "nginx.pid")],
            env=dict(os.environ, PATH=path), capture_output=True, text=True)

    def calls(self):
        return self.called.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    for port in (80, 8080):     # those of the sites that are written
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            pytest.skip(f"something listens on port {port} of this machine")
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


def test_what_cannot_be_written_leaves_the_site_from_before(machine):
    machine.available.write_text("# mine\n")
    machine.enabled.symlink_to(machine.available)
    machine.available.with_suffix(".new").mkdir()
    done = machine.site("enable", "--server-name", "x.org")
    assert done.returncode == 1 and f"{machine.available}: " in done.stderr
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


# --- who listens -----------------------------------------------------------------

@contextlib.contextmanager
def listening(host="127.0.0.1", port=0, v6only=False):
    """A program that is not nginx, at a port of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY,
                                v6only)
        try:
            listener.bind((host, port))
        except OSError as failure:
            pytest.skip(f"{host}: {failure}")
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("host, address", [
    ("127.0.0.1", "127.0.0.1:{}"), ("127.0.0.1", "{}"), ("127.0.0.1", "*:{}"),
    ("0.0.0.0", "127.0.0.1:{}"), ("::", "127.0.0.1:{}"), ("::", "{}"),
    ("::ffff:127.0.0.1", "127.0.0.1:{}"), ("::1", "[::1]:{}"),
    ("::1", "[::]:{}"), ("::", "[::1]:{}")])
def test_who_listens_already_is_named_and_nothing_is_written(
        machine, host, address):
    with listening(host) as port:
        address = address.format(port)
        done = machine.site("enable", "--listen", address)
    assert done.returncode == 1
    assert f"ordermill: {address}: " in done.stderr
    assert f"(process {os.getpid()}) listens there" in done.stderr
    assert not machine.available.exists()
    assert not os.path.lexists(machine.enabled)
    assert not machine.called.exists()


@pytest.mark.parametrize("host, address", [
    ("127.0.0.1", "127.0.0.2:{}"), ("::1", "127.0.0.1:{}"),
    ("::", "127.0.0.1:{}"), ("127.0.0.1", "[::]:{}"),
    ("127.0.0.1", "unix:/{}.sock"), ("127.0.0.1", "localhost:{}")])
def test_who_listens_elsewhere_is_not_in_the_way(machine, host, address):
    with listening(host, v6only=True) as port:
        machine.available.write_text(
            f"server {{\n\tlisten {address.format(port)} default_server;\n}}")
        done = machine.site("enable")
    assert done.returncode == 0, done.stderr


def test_a_site_that_is_kept_is_asked_about_too(machine):
    with listening() as port:
        text = ("server {\n    listen 127.0.0.2:1; # a comment\n"
                f"    listen\t127.0.0.1:{port} ssl;\n}}\n")
        machine.available.write_text(text)
        done = machine.site("enable")
    assert done.returncode == 1 and f"127.0.0.1:{port}: " in done.stderr
    assert machine.available.read_text() == text
    assert not os.path.lexists(machine.enabled)


def test_an_old_file_from_long_ago_is_not_put_in_its_place(machine):
    old = machine.available.with_suffix(".old")
    old.write_text("# of last year\n")
    machine.nginx_says(1)
    assert machine.site("enable", "--listen", "127.0.0.2:1").returncode == 1
    assert not machine.available.exists()
    assert old.read_text() == "# of last year\n"


class RealNginx(Machine):
    """nginx itself, with this machine's folder as its configuration."""

    def __init__(self, folder):
        super().__init__(folder)
        program = self.folder / "bin/nginx"
        program.write_text(f"#!/bin/sh\necho \"$*\" >>{self.called}\n"
                           f"exec {shutil.which('nginx')} "
                           f"-c {folder}/nginx.conf \"$@\"\n")
        (folder / "nginx.conf").write_text(
            f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
            "worker_processes 1;\nevents {}\nhttp {\n\taccess_log off;\n"
            f"\tinclude {folder}/nginx/sites-enabled/*;\n}}\n")
        self.template = str(folder / "template")
        (folder / "template").write_text(
            "server {\n\tlisten @LISTEN@;\n\tserver_name @SERVER_NAME@;\n"
            "\treturn 200;\n}\n")

    def run(self, *arguments):
        subprocess.run([str(self.folder / "bin/nginx"), *arguments],
                       check=True, capture_output=True)


@pytest.fixture
def nginx(tmp_path):
    if not shutil.which("nginx"):
        pytest.skip("there is no nginx")
    machine = RealNginx(tmp_path)
    machine.run()
    yield machine
    machine.run("-s", "stop")


def free_port():
    with listening() as port:
        return port


def test_what_nginx_itself_listens_on_is_free_for_it(nginx):
    address = f"127.0.0.1:{free_port()}"
    for name in ("a.example.org", "b.example.org"):
        done = nginx.site("enable", "--listen", address, "--server-name", name)
        assert done.returncode == 0, done.stderr
        assert "nginx has taken it over" in done.stdout
        assert name in nginx.available.read_text()
    socket.create_connection(address.split(":"), timeout=5).close()


def test_what_nginx_does_not_take_over_is_told_and_taken_back(nginx):
    """-t is content with another site's address that somebody has."""
    with listening() as port:
        (nginx.folder / "nginx/sites-enabled/other").write_text(
            f"server {{\n\tlisten 127.0.0.1:{port};\n}}\n")
        done = nginx.site("enable", "--listen", f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "did not take it over" in done.stderr, done.stdout
    assert "has taken" not in done.stdout
    assert not nginx.available.exists()
    assert not os.path.lexists(nginx.enabled)
