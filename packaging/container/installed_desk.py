"""installed_desk.py: the installed desk, in the words of tools/desk.py: what the
integration tests ask of a desk is asked of systemd and the package."""
import os
import shutil
import subprocess
import tempfile

from desk import Desk, RESPONDERS, descendants
from profiles import Directory


def unit(name):
    plain = {"relay": "ordermill-relay", "recognizer": "ordermill-recognizer",
             "nginx": "nginx"}
    return plain.get(name, f"ordermill@{name}") + ".service"


def systemctl(*words):
    return subprocess.run(["systemctl", *words], check=True,
                          capture_output=True, text=True).stdout.strip()


class InstalledProgram:
    def __init__(self, name):
        self.name = name

    @property
    def pid(self):
        return int(systemctl("show", "-P", "MainPID", unit(self.name))) or None

    def workers(self):
        return descendants(self.pid)


class InstalledDesk(Desk):
    def __init__(self):
        super().__init__("/var/lib/ordermill", port=8080)
        self.config = "/etc/ordermill/ordermill.conf"
        self.environment["ORDERMILL_CONFIG"] = self.config
        self.run_dir = "/run/ordermill"
        self.ordermill = "/usr/bin/ordermill"
        self.profile = "local"
        self.objects = Directory(self.objects_dir)
        self.programs = {name: InstalledProgram(name) for name in
                         RESPONDERS + ("relay", "recognizer", "nginx")}
        self._log_dir = tempfile.mkdtemp(prefix="journal-")

    @property
    def log_dir(self):
        """The journal, as files."""
        if not hasattr(self, "_log_dir"):
            return None
        for name in RESPONDERS + ("relay",):
            with open(os.path.join(self._log_dir, name + ".log"), "w",
                      encoding="utf-8") as log:
                subprocess.run(["journalctl", "-q", "-o", "cat", "-u",
                                unit(name)], stdout=log, check=True)
        shutil.copyfile("/var/log/nginx/ordermill.log",
                        os.path.join(self._log_dir, "access.log"))
        return self._log_dir

    @log_dir.setter
    def log_dir(self, _):
        pass

    def start(self, wait_s=15):
        self.programs, known = {}, self.programs    # systemd keeps them up
        self.wait_ready(wait_s)
        self.programs = known

    def stop(self):
        pass

    def restart(self, name):
        systemctl("restart", unit(name))

    def reload_nginx(self):
        systemctl("reload", "nginx")
