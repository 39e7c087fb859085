"""installed_desk.py: the installed desk, in the words of tools/desk.py: what the
integration tests ask of a desk is asked of systemd and the package."""
import os
import shutil
import subprocess
import tempfile

from desk import Desk, RESPONDERS
from profiles import Directory


def unit(name):
    return ("ordermill-relay" if name == "relay" else f"ordermill@{name}") \
        + ".service"


class InstalledDesk(Desk):
    def __init__(self):
        super().__init__("/var/lib/ordermill", port=8080)
        self.config = "/etc/ordermill/ordermill.conf"
        self.environment["ORDERMILL_CONFIG"] = self.config
        self.run_dir = "/run/ordermill"
        self.ordermill = "/usr/bin/ordermill"
        self.profile = "local"
        self.objects = Directory(self.objects_dir)
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
        self.wait_ready(wait_s)

    def stop(self):
        pass

    def restart(self, name):
        subprocess.run(["systemctl", "restart", unit(name)], check=True)

    def reload_nginx(self):
        subprocess.run(["systemctl", "reload", "nginx"], check=True)
