"""system.py: Debian packages, and a Debian system of their own to try them in: a
root booted by systemd-nspawn with systemd as PID 1 and a loopback of its own."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# What the tests need in it. The compiler is not among it: what they would make
# with one is not what is installed.
SUITE_PACKAGES = (
    "systemd systemd-sysv dbus python3 python3-pytest python3-requests "
    "python3-aiosmtpd python3-cryptography python3-jwt python3-yaml "
    "poppler-utils fonts-dejavu-core fonts-droid-fallback nginx-light procps "
    "strace libjpeg-turbo-progs webp wordnet-base chromium chromium-driver "
    "python3-selenium").split()


def run(*argv, **more):
    return subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          **more)


def must(*argv, **more):
    done = run(*argv, **more)
    if done.returncode:
        sys.exit(f"test-install: {' '.join(argv)} failed:\n"
                 + done.stdout[-3000:])
    return done.stdout


# --- packages and the root ---------------------------------------------------------

def build_packages(folder):
    """Built twice, at two places and moments, with another time zone, language,
    home and umask; the packages, and the names of those whose bytes differ."""
    again = folder + "-again"
    build = os.path.join(ROOT, "packaging", "build-package")
    must(build, folder)
    must(build, again, umask=0o077, env=dict(
        os.environ, TZ="Pacific/Auckland", LC_ALL="C", HOME="/nonexistent",
        MAKEFLAGS="-j1"))
    packages = sorted(glob.glob(os.path.join(folder, "*.deb")))
    differ = set()
    for path in packages:
        name = os.path.basename(path)
        with open(path, "rb") as one, \
                open(os.path.join(again, name), "rb") as other:
            if one.read() != other.read():
                differ.add(name)
    shutil.rmtree(again)
    return packages, differ


def with_version(package, version, folder, more=""):
    """The same files under a higher version: what an upgrade does, not what is
    new in it, is looked at. With more text for nginx there is something new."""
    tree = os.path.join(folder, "tree")
    shutil.rmtree(tree, ignore_errors=True)
    must("dpkg-deb", "-R", package, tree)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        text = re.sub(r"^Version: .*$", f"Version: {version}", file.read(),
                      flags=re.M)
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(tree, "etc", "nginx", "snippets",
                           "http_ordermill.conf"), "a") as file:
        file.write(more)
    name = re.search(r"^Package: (.*)$", text, re.M)[1]
    to = os.path.join(folder, f"{name}_{version}.deb")
    must("dpkg-deb", "--root-owner-group", "-b", tree, to)
    shutil.rmtree(tree)
    return to


def build_edited(folder, version, path, old, new):
    """The package of the last commit with one text of one file replaced."""
    text = must("git", "-C", ROOT, "show", "HEAD:" + path)
    if text.count(old) != 1:
        sys.exit(f"test-install: {path} has changed; so must the test")
    work = os.path.join(folder, "edited")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    edited = os.path.join(work, "file")
    with open(edited, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    must(os.path.join(ROOT, "packaging", "build-package"), work, "--version",
         version, "--with", edited, path)
    built, = glob.glob(os.path.join(work, "ordermill_*.deb"))
    to = os.path.join(folder, f"ordermill_{version}.deb")
    os.replace(built, to)
    shutil.rmtree(work)
    return to


def dependencies(packages):
    names = set()
    for package in packages:
        for one in must("dpkg-deb", "-f", package, "Depends").split(","):
            first = one.split("|")[0].split("(")[0].strip()
            if first and not first.startswith("ordermill"):
                names.add(first)
    return names


def make_base(folder, packages):
    """Debian 12 and what the packages and the tests need, from the mirror that
    this machine's apt uses."""
    wanted = sorted(set(SUITE_PACKAGES) | dependencies(packages))
    base = os.path.join(folder, "base")
    list_file = os.path.join(folder, "base.list")
    if os.path.isdir(base) and os.path.exists(list_file):
        with open(list_file, encoding="utf-8") as file:
            if file.read().split() == wanted:
                return base
    shutil.rmtree(base, ignore_errors=True)
    sources = [path for path in ["/etc/apt/sources.list"]
               + glob.glob("/etc/apt/sources.list.d/debian.*")
               if os.path.exists(path)]
    must("mmdebstrap", "--mode=root", "--variant=minbase",
         "--include=" + ",".join(wanted), "bookworm", base, *sources)
    with open(list_file, "w", encoding="utf-8") as file:
        file.write("\n".join(wanted))
    return base


# --- the running system ------------------------------------------------------------

class System:
    """A booted copy of the base root."""

    def __init__(self, base, folder):
        self.root = os.path.join(folder, "root")
        self.folder = folder
        self.process = self.leader = None
        shutil.rmtree(self.root, ignore_errors=True)
        must("cp", "-a", "--reflink=auto", base, self.root)
        with open(self.root + "/etc/hosts", "w", encoding="utf-8") as file:
            file.write("127.0.0.1 localhost\n::1 localhost\n")

    def boot(self):
        # Neither registered with a manager nor in need of one.
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
             "-D", self.root, "--private-network", "-b", "--console=pipe",
             f"--bind-ro={ROOT}:/src"],
            stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            stdout=open(os.path.join(self.folder, "console.log"), "w"))
        for _ in range(300):
            time.sleep(0.1)
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{self.process.pid}/task/"
                          f"{self.process.pid}/children") as file:
                    self.leader = file.read().split()[0]
                if self.ask("systemctl", "is-system-running").stdout.strip() \
                        in ("running", "degraded"):
                    self.look_connected()
                    return True
        return False

    def look_connected(self):
        """A browser with nothing but a loopback says that it is offline."""
        for words in ("link add outside type veth peer name beyond",
                      "addr add 192.0.2.1/24 dev outside",
                      "link set outside up", "link set beyond up"):
            run("nsenter", "-t", self.leader, "-n", "ip", *words.split())

    def argv(self, *argv):
        return ("nsenter", "-t", self.leader, "-m", "-p", "-u", "-i", "-n",
                "env", "-i", "-C", "/root",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *argv)

    def ask(self, *argv):
        return run(*self.argv(*argv))

    def must(self, *argv):
        return must(*self.argv(*argv))

    def put(self, path, to="/root"):
        shutil.copy(path, self.root + to)
        return f"{to}/{os.path.basename(path)}"

    def install(self, package):
        return self.ask("apt-get", "-y", "install", self.put(package))

    def power_off(self):
        if self.process and self.process.poll() is None:
            if self.leader:
                self.ask("systemctl", "poweroff", "--force")
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()



def unit(name):
    alone = name in ("relay", "recognizer")
    return f"ordermill{'-' if alone else '@'}{name}.service"


def wait_ready(system):
    code = ("import time,urllib.request as u\n"
            "for i in range(100):\n"
            "  try: print(u.urlopen('http://127.0.0.1:8080/readyz').read());"
            " break\n"
            "  except OSError: time.sleep(.1)\n")
    return '"ready"' in system.ask("python3", "-c", code).stdout
