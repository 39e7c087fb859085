"""The package's scripts on machines that are not as they left them. /etc, /run
and /var are folders of the test's, and what the scripts call only says that it
was called: what a whole system does with them is packaging/test-install's."""
import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "packaging", "debian")
CALLED = ("ordermill", "systemd-sysusers", "systemd-tmpfiles", "userdel",
          "groupdel", "deb-systemd-invoke")
OF_OURS = 'for f in etc run var; do mount --bind "$0/$f" /$f; done; exec "$@"'


class Machine:
    def __init__(self, folder):
        self.folder = folder
        for name in ("bin", "run", "var/lib/ordermill", "var/log/nginx",
                     "etc/ordermill", "etc/nginx/snippets",
                     "etc/nginx/sites-available", "etc/nginx/sites-enabled"):
            (folder / name).mkdir(parents=True)
        for name in CALLED:
            self.says(name, 0)
        self.says("getent", 2)

    def says(self, name, status):
        program = self.folder / "bin" / name
        program.write_text(f"#!/bin/sh\necho \"{name} $*\" >>"
                           f"{self.folder}/called\nexit {status}\n")
        program.chmod(0o755)

    def run(self, script, *arguments, before="true"):
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c",
             f"{before}; {OF_OURS}", str(self.folder),
             "sh", os.path.join(SCRIPTS, script), *arguments],
            env=dict(os.environ, PATH=path), text=True, capture_output=True)

    def calls(self):
        return (self.folder / "called").read_text().splitlines()

    def site(self):
        available = self.folder / "etc/nginx/sites-available/ordermill"
        available.write_text("")
        (self.folder / "etc/nginx/sites-available/ordermill.old").touch()
        (self.folder / "etc/nginx/sites-enabled/ordermill").symlink_to(
            available)


@pytest.fixture
def machine(tmp_path):
    if not shutil.which("unshare") or subprocess.run(
            ["unshare", "--map-root-user", "--mount", "true"],
            capture_output=True).returncode:
        pytest.skip("there is no unshare, or it may not")
    return Machine(tmp_path)


def test_an_upgrade_sets_up_this_machine_alone(machine):
    done = machine.run("postinst", "configure", "0.1.0")
    assert done.returncode == 0, done.stderr
    calls = machine.calls()
    assert "ordermill init --local" in calls
    assert "ordermill site enable" not in calls


def test_a_set_up_that_fails_fails_the_upgrade_and_touches_no_site(machine):
    machine.says("ordermill", 1)
    assert machine.run("postinst", "configure", "0.1.0").returncode == 1
    assert not [call for call in machine.calls() if "site" in call]


def test_a_first_install_without_nginx_s_consent_succeeds(machine):
    program = machine.folder / "bin/ordermill"
    program.write_text("#!/bin/sh\n[ \"$1\" != site ]\n")
    done = machine.run("postinst", "configure", "")
    assert done.returncode == 0 and "nginx has no site yet" in done.stderr


def test_it_is_removed_where_the_state_is_gone(machine):
    machine.site()
    (machine.folder / "var/lib/ordermill").rmdir()
    done = machine.run("prerm", "remove")
    assert done.returncode == 0, done.stderr
    assert "ordermill site disable" in machine.calls()


def test_it_is_removed_where_the_site_cannot_be_taken_out(machine):
    machine.site()
    machine.says("ordermill", 1)
    assert machine.run("prerm", "remove").returncode == 0
    assert (machine.folder / "var/lib/ordermill/site_was_enabled").exists()


@pytest.mark.parametrize("name, script, arguments", [
    ("site_was_enabled", "prerm", ("remove",)),
    ("snippets.sha256", "postinst", ("configure", "")),
    ("snippets.sha256", "postinst", ("configure", "0.1.0"))])
def test_no_script_writes_where_a_link_leads(machine, name, script, arguments):
    """Root's scripts in a folder that is not root's."""
    machine.site()
    (machine.folder / "etc/nginx/snippets/http_ordermill.conf").touch()
    written = machine.folder / "var/lib/ordermill" / name
    written.symlink_to(machine.folder / "etc/of-root")
    done = machine.run(script, *arguments)
    assert done.returncode == 0, done.stderr
    assert not (machine.folder / "etc/of-root").exists()
    assert written.is_file() and not written.is_symlink()


def test_a_removal_keeps_everything(machine):
    machine.site()
    (machine.folder / "var/lib/ordermill/tokens").touch()
    assert machine.run("postrm", "remove").returncode == 0
    assert (machine.folder / "var/lib/ordermill/tokens").exists()
    assert (machine.folder / "etc/nginx/sites-available/ordermill").exists()


def left(folder):
    return sorted(os.path.relpath(os.path.join(where, name), folder)
                  for top in ("etc", "run", "var")
                  for where, folders, files in os.walk(folder / top)
                  for name in folders + files if "ordermill" in name)


def test_a_purge_leaves_nothing(machine):
    machine.site()
    (machine.folder / "var/lib/ordermill/tokens").touch()
    for name in ("ordermill.log", "ordermill.log.2.gz"):
        (machine.folder / "var/log/nginx" / name).touch()
    machine.says("getent", 0)
    done = machine.run("postrm", "purge")
    assert done.returncode == 0, done.stderr
    assert left(machine.folder) == []
    calls = machine.calls()
    for name in ("ordermill", "ordermill-database", "ordermill-mail"):
        assert f"userdel {name}" in calls and f"groupdel {name}" in calls


def test_a_state_on_a_disk_of_its_own_is_emptied(machine):
    state = machine.folder / "var/lib/ordermill"
    disk = machine.folder / "disk"
    disk.mkdir()
    (disk / "tokens").touch()
    done = machine.run("postrm", "purge",
                       before=f"mount --bind {disk} {state}; "
                       "mount() { command mount --rbind \"$2\" \"$3\"; }")
    assert done.returncode == 0, done.stderr
    assert not os.listdir(disk)
    assert "getent group ordermill" in machine.calls()
