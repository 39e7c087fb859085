#!/usr/bin/python3
"""desk.py: one whole desk as child processes: responders, relay and nginx.

What systemd does for the package, this does for ./dev, the integration tests,
the storm and the benchmark: it owns the listening sockets (they outlive the
responders), starts each program with its socket as fd 3, starts again what
dies, and keeps the logs within bounds. Standard library only.
"""
import argparse
import collections
import contextlib
import fcntl
import glob
import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPERATIONS = (
    "create_order", "update_order", "delete_order", "get_orders",
    "get_order_by_id", "recognize_uploaded_image", "on_order_deleted",
    "archive_deleted_orders", "generate_pdf_report", "subscribe_email",
    "unsubscribe_email")
RESPONDERS = OPERATIONS + ("objects",)
SCOPES = ("orders:read", "orders:write", "orders:delete", "images:write",
          "reports:write", "archive:run")
LOG_BYTES = 8 << 20
BACKLOG = 1024
STOP_S = 10         # after this a program that was asked to stop is killed
BACKOFF_S = 2
STEADY_S = 5        # a program that ran this long starts again at once


class Trouble(Exception):
    """One clear sentence for a person."""


def say(text):
    print(text, flush=True)


# --- one program ---------------------------------------------------------------

# Nobody waits for these: they yield to those that answer people.
BACKGROUND = {"relay", "on_order_deleted", "archive_deleted_orders"}


class Program:
    def __init__(self, name, argv, log, listener=None):
        self.name, self.argv, self.log = name, argv, log
        self.listener = listener
        self.pid = self.pidfd = None
        self.wanted = True
        self.restarts = -1
        self.started = 0.0
        self.pause = 0.0
        self.start_at = 0.0
        self.kill_at = None
        self.stop_signal = signal.SIGTERM
        self.exits = 0
        self.counted = self.counted_to = 0

    def spawn(self, environment):
        argv = list(self.argv)
        # Nothing is left running when we are killed.
        if shutil.which("setpriv"):
            argv = ["setpriv", "--pdeathsig", "TERM", "--"] + argv
        if self.name in BACKGROUND:
            argv = ["nice", "-n", "10"] + argv
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        log = move_up(log)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        if self.listener is not None:
            actions.append(
                (os.POSIX_SPAWN_DUP2, self.listener.fileno(), 3))
            environment = dict(environment, LISTEN_FDS="1")
        try:
            self.pid = os.posix_spawnp(
                argv[0], argv, environment, file_actions=actions, setsid=True,
                setsigmask=[], setsigdef=[signal.SIGINT, signal.SIGTERM,
                                          signal.SIGPIPE])
        finally:
            os.close(log)
        self.pidfd = os.pidfd_open(self.pid)
        self.started = time.monotonic()
        self.restarts += 1

    def workers(self):
        return descendants(self.pid)

    def requests(self):
        """Request lines in the log so far; reads only what is new."""
        try:
            with open(self.log, "rb") as log:
                log.seek(self.counted_to)
                while True:
                    block = log.read(1 << 20)
                    end = block.rfind(b"\n") + 1
                    if not end:
                        break
                    self.counted += block.count(b" event=request ", 0, end)
                    self.counted_to += end
                    log.seek(self.counted_to)
        except FileNotFoundError:
            pass
        return self.counted

    def bound_log(self):
        with contextlib.suppress(OSError):
            if os.path.getsize(self.log) <= LOG_BYTES:
                return
            self.requests()
            with open(self.log, "rb") as log, \
                    open(self.log + ".1", "wb") as old:
                log.seek(-LOG_BYTES, os.SEEK_END)
                shutil.copyfileobj(log, old)
            os.truncate(self.log, 0)
            self.counted_to = 0


def move_up(fd):
    """Away from the low numbers that a child's fds are put on."""
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 32)
    os.close(fd)
    return high


def descendants(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found + [deeper for child in found for deeper in descendants(child)]


def memory_kib(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(r"^Pss: +(\d+)", file.read(), re.M)[1])
    return total


# --- the desk --------------------------------------------------------------------

class Desk:
    """A desk in one folder. `overrides` are config keys; None removes one.

    For the benchmark, `beside` are further programs with sockets of their own
    and `nginx_more` is further text for nginx's http block.
    """

    def __init__(self, state, port=None, overrides=None, build=None,
                 environment=None, beside=None, nginx_more=""):
        self.state = os.path.abspath(state)
        self.build = os.path.abspath(
            build or os.environ.get("ORDERMILL_BUILD")
            or os.path.join(ROOT, ".build"))
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.run_dir = os.path.join(self.state, "run")
        self.log_dir = os.path.join(self.state, "log")
        self.mail_dir = os.path.join(self.state, "mail")
        self.objects_dir = os.path.join(self.state, "objects")
        self.config = os.path.join(self.state, "ordermill.conf")
        self.ordermill = self.program_path("ordermill")
        self.overrides = overrides or {}
        self.beside, self.nginx_more = beside or {}, nginx_more
        self.environment = dict(os.environ, ORDERMILL_CONFIG=self.config)
        self.environment.update(environment or {})
        for name in ("LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"):
            self.environment.pop(name, None)
        self.programs = {}
        self.lock = threading.Condition()
        self.thread = None
        self.stopping = False
        self.failure = None
        self.lock_file = None

    def environment_of(self, _):
        return self.environment

    def program_path(self, name):
        folder = name if name in ("objects", "relay", "recognizer",
                                  "ordermill") else "operations"
        return os.path.join(self.build, "src", folder, name)

    # - preparing

    def unwritable(self, error):
        return Trouble(f"Cannot write to the state folder {self.state}: "
                       f"{error.strerror}.")

    def make_folders(self):
        try:
            for folder in (self.state, self.run_dir, self.log_dir,
                           self.objects_dir,
                           os.path.join(self.state, "nginx", "snippets"),
                           os.path.join(self.state, "nginx", "temp")):
                os.makedirs(folder, mode=0o750, exist_ok=True)
        except OSError as error:
            raise self.unwritable(error)

    def prepare(self):
        if len(os.path.join(self.run_dir, "recognize_uploaded_image.sock")) \
                > 107:
            raise Trouble(f"The path of the state folder {self.state} is too "
                          "long for unix sockets; choose a shorter one with "
                          "--state.")
        self.make_folders()
        try:
            self.lock_file = open(os.path.join(self.run_dir, "desk.lock"), "a")
            try:
                fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Trouble(f"A desk already runs in {self.state}.")
            self.write_config()
            self.write_nginx()
        except OSError as error:
            raise self.unwritable(error)
        for name in RESPONDERS + ("relay", "ordermill"):
            if not os.access(self.program_path(name), os.X_OK):
                raise Trouble(f"{self.program_path(name)} is not there; "
                              "build it first (./dev up does).")
        self.command("init")
        self.take_model()

    def take_model(self):
        """The network that ./dev fetched, unless the desk has one."""
        fetched = os.path.join(self.build, "coco-ssd.model")
        path = os.path.join(self.state, "models", "coco-ssd.model")
        if os.path.exists(fetched) and not os.path.exists(path) and \
                self.overrides.get("image_recognizer.adapter") != "none":
            os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
            shutil.copyfile(fetched, path + ".new")
            os.rename(path + ".new", path)

    def write_config(self):
        """Keeps what a person wrote; sets only what this desk must have."""
        keys = {"profile": "local", "state.directory": self.state,
                "site.url": self.url}
        keys.update(self.overrides)
        lines = []
        if os.path.exists(self.config):
            with open(self.config, encoding="utf-8") as file:
                lines = file.read().splitlines()
        else:
            lines = ["# Made by ./dev up, which sets profile, state.directory "
                     "and site.url anew", "# at each start; all other keys are "
                     "yours (see ordermill.conf(5))."]
        kept = [line for line in lines
                if line.partition("=")[0].strip() not in keys]
        kept += [f"{key} = {value}" for key, value in keys.items()
                 if value is not None]
        write_file(self.config, "\n".join(kept) + "\n")

    def write_nginx(self):
        folder = os.path.join(self.state, "nginx")
        marks = {"@LISTEN@": f"127.0.0.1:{self.port}", "@SERVER_NAME@": "_",
                 "@RUN_DIR@": self.run_dir,
                 "@WWW_DIR@": os.path.join(ROOT, "www"),
                 "@OBJECTS_DIR@": self.objects_dir,
                 "@LOG@": os.path.join(self.log_dir, "access.log")}
        if "aws.endpoint.s3" in self.overrides:
            photos = 'map "" $om_photos {\n\tdefault "'
            marks[photos] = photos + " " + self.overrides["aws.endpoint.s3"]
        for path in glob.glob(os.path.join(ROOT, "nginx", "*.conf")):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for mark, value in marks.items():
                text = text.replace(mark, value)
            name = os.path.basename(path)
            write_file(os.path.join(
                folder, name if name == "ordermill.conf" else
                os.path.join("snippets", name)), text)
        temporary = os.path.join(folder, "temp")
        # As root, workers must reach the 0660 sockets, which are root's.
        user = "user root;\n" if os.geteuid() == 0 else ""
        write_file(os.path.join(folder, "nginx.conf"), f"""\
{user}# On a small machine one is as fast as two, beside the responders.
worker_processes {max(1, (os.cpu_count() or 2) // 2)};
pid {self.run_dir}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 8192;
worker_shutdown_timeout 10s;
events {{
	worker_connections 2048;
}}
http {{
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	sendfile on;
	tcp_nopush on;
	client_body_temp_path {temporary}/body;
	fastcgi_temp_path {temporary}/fastcgi;
	proxy_temp_path {temporary}/proxy;
	scgi_temp_path {temporary}/scgi;
	uwsgi_temp_path {temporary}/uwsgi;
	include ordermill.conf;
{self.nginx_more}}}
""")

    def nginx_argv(self, *more):
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        return [nginx, "-p", os.path.join(self.state, "nginx"),
                "-c", os.path.join(self.state, "nginx", "nginx.conf"),
                "-e", "stderr", *more]

    def command(self, *arguments, check=True):
        """Runs the operator's command line on this desk."""
        done = subprocess.run([self.ordermill, *arguments],
                              env=self.environment_of("ordermill"),
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        if check and done.returncode:
            raise Trouble(f"`ordermill {' '.join(arguments)}` failed: "
                          + (done.stderr.strip() or done.stdout.strip()
                             or f"status {done.returncode}"))
        return done

    def token(self, scopes=SCOPES, name=None):
        name = name or f"dev-{time.time_ns():x}"
        done = self.command("token", "add", name,
                            "--scopes=" + ",".join(scopes))
        return re.search(r"om_[A-Za-z0-9_-]{43}", done.stdout)[0]

    # - running

    def check_port(self):
        with contextlib.closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise Trouble(f"Port {self.port} of 127.0.0.1 cannot be used "
                              f"({error.strerror}); choose another one with "
                              "--port.")

    def start(self, wait_s=15):
        self.check_port()
        self.prepare()
        test = subprocess.run(self.nginx_argv("-t", "-q"),
                              capture_output=True, text=True)
        if test.returncode:
            self.close()
            raise Trouble("nginx refuses its configuration: "
                          + test.stderr.strip().replace("\n", " "))
        for name in RESPONDERS:
            self.add(name, [self.program_path(name)], self.listen(name))
        for name, argv in self.beside.items():
            self.add(name, argv, self.listen(name))
        if os.access(self.program_path("recognizer"), os.X_OK) and \
                self.overrides.get("image_recognizer.adapter") != "none":
            self.add("recognizer", [self.program_path("recognizer")],
                     self.listen("recognizer", socket.SOCK_SEQPACKET))
        self.add("relay", [self.program_path("relay")])
        self.add("nginx", self.nginx_argv("-g", "daemon off;"))
        self.programs["nginx"].stop_signal = signal.SIGQUIT
        self.wake_read, self.wake_write = os.pipe2(os.O_CLOEXEC
                                                   | os.O_NONBLOCK)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        try:
            self.wait_ready(wait_s)
        except BaseException:
            self.stop()
            raise

    def add(self, name, argv, listener=None):
        log = os.path.join(self.log_dir, name + ".log")
        self.programs[name] = Program(name, argv, log, listener)
        self.programs[name].requests()
        self.programs[name].counted = 0     # of earlier runs

    def listen(self, name, kind=socket.SOCK_STREAM):
        path = os.path.join(self.run_dir, name + ".sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raw = socket.socket(socket.AF_UNIX, kind)
        listener = socket.socket(fileno=move_up(raw.detach()))
        before = os.umask(0o117)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        return listener

    def wait_ready(self, wait_s):
        end = time.monotonic() + wait_s
        answer = "nothing answered"
        while time.monotonic() < end:
            weak = [p for p in self.programs.values() if p.exits >= 5]
            if weak:
                raise Trouble(f"{weak[0].name} does not stay up: "
                              + last_line(weak[0].log))
            try:
                with urllib.request.urlopen(self.url + "/readyz",
                                            timeout=5) as reply:
                    if json.load(reply)["status"] != "unavailable":
                        return
            except urllib.error.HTTPError as error:
                answer = error.read(400).decode(errors="replace")
            except (OSError, ValueError) as error:
                answer = str(error)
            time.sleep(0.02)
        raise Trouble(f"The desk was not ready within {wait_s} s: {answer}")

    def run(self):
        """The supervisor's loop; every fork and wait happens here."""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.wake_read, selectors.EVENT_READ)
        tidy_at = time.monotonic() + 2
        while True:
            with self.lock:
                wait = self.turn()
                if wait is None:
                    break
                self.lock.notify_all()
            events = self.selector.select(
                max(0, min(wait, tidy_at - time.monotonic())))
            with self.lock:
                for key, _ in events:
                    if key.data is None:
                        os.read(self.wake_read, 4096)
                    else:
                        self.reap(key.data)
                self.lock.notify_all()
            if time.monotonic() >= tidy_at:
                self.tidy()
                tidy_at = time.monotonic() + 2
        self.selector.close()

    def turn(self):
        """Starts and kills what is due; seconds to the next turn, or None."""
        now = time.monotonic()
        wait = 60
        alive = [p for p in self.programs.values() if p.pid]
        if self.stopping:
            if not alive:
                return None
            # nginx first: what it has in hand still finds its responder
            if self.programs["nginx"].pid:
                alive = [self.programs["nginx"]]
            for program in alive:
                program.wanted = False
                if program.kill_at is None:
                    self.ask_to_stop(program)
        for program in self.programs.values():
            if program.pid and program.kill_at is not None:
                if now >= program.kill_at:
                    self.signal_group(program, signal.SIGKILL)
                    program.kill_at = now + 1
                wait = min(wait, program.kill_at - now)
            elif not program.pid and program.wanted and not self.stopping:
                if now >= program.start_at:
                    program.spawn(self.environment_of(program.name))
                    self.selector.register(program.pidfd,
                                           selectors.EVENT_READ, program)
                else:
                    wait = min(wait, program.start_at - now)
        return wait

    def ask_to_stop(self, program):
        with contextlib.suppress(ProcessLookupError):
            os.kill(program.pid, program.stop_signal)
        program.kill_at = time.monotonic() + STOP_S

    def signal_group(self, program, number):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, number)

    def reap(self, program):
        done, status = os.waitpid(program.pid, os.WNOHANG)
        if not done:
            return
        self.selector.unregister(program.pidfd)
        os.close(program.pidfd)
        # Workers that lost their parent: the group is still theirs.
        self.signal_group(program, signal.SIGTERM)
        now = time.monotonic()
        asked = program.kill_at is not None
        if asked or now - program.started >= STEADY_S:
            program.pause = 0.0
        program.start_at = now + program.pause
        program.pause = min(BACKOFF_S, max(0.1, program.pause * 2))
        program.pid = program.pidfd = program.kill_at = None
        if not asked:
            program.exits += 1
            code = os.waitstatus_to_exitcode(status)
            how = f"exit status {code}" if code >= 0 else \
                f"signal {signal.Signals(-code).name}"
            with contextlib.suppress(OSError):
                with open(program.log, "a") as log:
                    log.write(f"op=desk level=warn event=died "
                              f"program={program.name} how=\"{how}\"\n")

    def tidy(self):
        for program in self.programs.values():
            program.bound_log()
        access = os.path.join(self.log_dir, "access.log")
        nginx = self.programs["nginx"]
        with contextlib.suppress(OSError):
            if os.path.getsize(access) > LOG_BYTES and nginx.pid:
                os.rename(access, access + ".1")
                os.kill(nginx.pid, signal.SIGUSR1)

    def wake(self):
        with contextlib.suppress(BlockingIOError):
            os.write(self.wake_write, b"!")

    def wait_for(self, condition, wait_s):
        with self.lock:
            return self.lock.wait_for(condition, wait_s)

    def stop(self):
        if self.thread:
            with self.lock:
                self.stopping = True
            self.wake()
            self.thread.join(STOP_S * 2 + 5)
            os.close(self.wake_read)
            os.close(self.wake_write)
            self.thread = None
        self.close()

    def close(self):
        for program in self.programs.values():
            if program.listener:
                program.listener.close()
        self.programs = {}
        if self.lock_file:
            self.lock_file.close()
            self.lock_file = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # - disturbing it, for tests

    def pause_program(self, name):
        """Stops one program in good order and leaves it stopped."""
        program = self.programs[name]
        with self.lock:
            program.wanted = False
            if program.pid and program.kill_at is None:
                self.ask_to_stop(program)
        self.wake()
        self.wait_for(lambda: program.pid is None, STOP_S + 2)

    def resume_program(self, name):
        program = self.programs[name]
        with self.lock:
            program.wanted, program.start_at = True, 0
        self.wake()
        self.wait_for(lambda: program.pid is not None, 5)

    def restart(self, name):
        """As systemd does: SIGTERM, wait until it is gone, start."""
        self.pause_program(name)
        self.resume_program(name)

    def kill(self, name, worker=False, number=signal.SIGKILL):
        """Kills the program, or one of its workers; the pid, or None."""
        pid = self.programs[name].pid
        if pid and worker:
            pid = next(iter(descendants(pid)), None)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid

    def reload_nginx(self):
        os.kill(self.programs["nginx"].pid, signal.SIGHUP)

    # - telling

    def status(self):
        programs = []
        with self.lock:
            for program in self.programs.values():
                pids = [program.pid] + program.workers() if program.pid else []
                fact = {"name": program.name, "pid": program.pid,
                        "restarts": max(0, program.restarts)}
                if program.name != "nginx":
                    fact["requests"] = program.requests()
                fact["memory_kib"] = memory_kib(pids)
                programs.append(fact)
        return {"url": self.url, "state_dir": self.state,
                "mail_dir": self.mail_dir, "config": self.config,
                "ordermill": self.ordermill,
                "programs": [p for p in programs if p["name"] != "nginx"],
                "nginx": next((p for p in programs if p["name"] == "nginx"),
                              None)}


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_file(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def last_line(path):
    with contextlib.suppress(OSError):
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line for line in collections.deque(file, 8)
                     if not line.startswith("op=desk ")]
            if lines:
                return lines[-1].strip()
    return "it said nothing."


# --- the supervisor in the background, and how to talk to it -----------------------

def control_path(state):
    return os.path.join(state, "run", "desk.sock")


def ask(state, what):
    """Asks the desk that runs in `state`; None when none does."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as peer:
        try:
            peer.connect(control_path(state))
        except OSError:
            return None
        peer.sendall(what.encode() + b"\n")
        with peer.makefile("r") as file:
            line = file.readline()
        return json.loads(line) if line else None


def serve_control(desk, control):
    """Answers ./dev until it is told to stop."""
    stop_read, stop_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(stop_write, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    selector.register(stop_read, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj == stop_read:
                desk.stop()
                return
            peer = control.accept()[0]
            with contextlib.suppress(OSError), peer:
                peer.settimeout(2)
                what = peer.recv(64).decode().strip()
                if what == "stop":
                    desk.stop()
                    peer.sendall(b"{}\n")
                    return
                peer.sendall(json.dumps(desk.status()).encode() + b"\n")


def supervise(arguments, report):
    """Starts the desk, tells `report` how it went, and minds it."""
    desk = Desk(arguments.state, arguments.port)
    path = control_path(desk.state)
    with contextlib.ExitStack() as stack:
        try:
            if arguments.profile == "aws-peers":
                stack.callback(start_peers(desk).stop)
            desk.start()
            control = open_control(path)
            report("")
        except Trouble as trouble:
            report(str(trouble))
            return 1
        except OSError as error:
            desk.stop()
            report(f"The desk cannot start: {error}.")
            return 1
        serve_control(desk, control)
        os.unlink(path)
    return 0


def open_control(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    control = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    control.bind(path)
    os.umask(before)
    control.listen(16)
    return control


def start_peers(desk):
    """Gives the desk servers that stand in for AWS (peers.py)."""
    import peers as peers_module
    peers = peers_module.Peers(os.path.join(desk.state, "peers")).start()
    try:
        desk.overrides, environment = peers.desk_settings("ordermill")
    except peers_module.Missing as missing:
        peers.stop()
        raise Trouble(f"For --profile aws-peers {missing}.")
    desk.environment.update(environment)
    write_file(os.path.join(peers.folder, "environment"), "".join(
        f"{name}={value}\n" for name, value in environment.items()))
    return peers


def go_to_background(arguments):
    """Forks the supervisor; returns what it reported."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)

        def report(text):
            os.write(write, text.encode())
            os.close(write)
        status = 1
        try:
            status = supervise(arguments, report)
        finally:
            os._exit(status)
    os.close(write)
    os.waitpid(pid, 0)
    with open(read, encoding="utf-8") as file:
        return file.read()


def describe(state, url, token):
    say("")
    say(f"The desk is open:  {url}/#token={token}")
    say(f"Mail lands in:     {os.path.join(state, 'mail')}")
    say(f"Its state is in:   {state}")
    say("To stop it:        ./dev down" + state_option(state))


def state_option(state):
    usual = os.path.join(ROOT, ".state")
    return "" if state == usual else f" --state {state}"


def command_up(arguments):
    running = ask(arguments.state, "status")
    if running:
        say(f"The desk already runs at {running['url']} "
            f"(state in {running['state_dir']}). "
            f"./dev token prints a fresh token, ./dev down stops it.")
        return 0
    desk = Desk(arguments.state, arguments.port)
    if arguments.first_look:
        desk.check_port()
        desk.make_folders()
        return 3
    if arguments.profile == "aws-peers":
        say("Starting DynamoDB Local, radosgw, moto and ministack; what they "
            "keep is gone after ./dev down. moto's Rekognition sees a mobile "
            "phone in every photo")
    say(f"Starting eleven operations, objects, relay and nginx "
        f"(state in {arguments.state})")
    if arguments.foreground:
        return in_foreground(arguments, desk)
    trouble = go_to_background(arguments)
    if trouble:
        raise Trouble(trouble)
    after_start(arguments, desk)
    return 0


def after_start(arguments, desk):
    token = desk.token()
    if arguments.sample:
        import sample
        import photos
        seeing = os.path.exists(os.path.join(desk.state, "models",
                                             "coco-ssd.model"))
        sample.fill(desk.url, token, desk.mail_dir, say,
                    photos.photo if seeing else None)
    describe(desk.state, desk.url, token)


def in_foreground(arguments, desk):
    trouble = []

    def report(text):
        if text:
            trouble.append(text)
        else:
            after_start(arguments, desk)
            say("Press Ctrl-C to stop it.")
    # Python's own Ctrl-C would interrupt the start; from here on it is a stop.
    status = supervise(arguments, report)
    if trouble:
        raise Trouble(trouble[0])
    say("The desk is closed.")
    return status


def command_down(arguments):
    if ask(arguments.state, "stop") is None:
        say(f"No desk runs in {arguments.state}.")
    else:
        say("The desk is closed.")
    return 0


def command_status(arguments):
    facts = ask(arguments.state, "status")
    if facts is None:
        if arguments.json:
            print("null")
        else:
            say(f"No desk runs in {arguments.state}; ./dev up starts one.")
        return 1
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return 0
    say(f"The desk runs at {facts['url']}")
    say(f"{'program':<26}{'pid':>8}{'requests':>10}{'restarts':>10}"
        f"{'memory':>12}")
    for program in facts["programs"] + [facts["nginx"]]:
        say(f"{program['name']:<26}{program['pid'] or '-':>8}"
            f"{program.get('requests', ''):>10}{program['restarts']:>10}"
            f"{program['memory_kib'] / 1024:>8.1f} MiB")
    return 0


def command_logs(arguments):
    folder = os.path.join(arguments.state, "log")
    names = [arguments.name] if arguments.name else sorted(
        os.path.basename(path)[:-4]
        for path in glob.glob(os.path.join(folder, "*.log")))
    files = [os.path.join(folder, name + ".log") for name in names]
    files = [path for path in files if os.path.exists(path)]
    if not files:
        raise Trouble(f"There is no log of {arguments.name or 'anything'} in "
                      f"{folder}.")
    follow = ["-F"] if arguments.follow else []
    os.execvp("tail", ["tail", "-n", "100" if arguments.name else "10",
                       *follow, *files])


def command_token(arguments):
    scopes = [scope for scope in re.split(r"[,\s]+", arguments.scopes)
              if scope]
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise Trouble(f"{' '.join(wrong) or 'Nothing'} is no scope; there are "
                      f"{', '.join(SCOPES)}.")
    desk = Desk(arguments.state, 1)
    if not os.path.exists(desk.config):
        raise Trouble(f"There is no desk in {arguments.state}; ./dev up makes "
                      "one.")
    print(desk.token(scopes))
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev", add_help=False)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, run):
        one = commands.add_parser(name, prog=f"./dev {name}")
        one.add_argument("--state", default=os.path.join(ROOT, ".state"),
                         help="folder of the desk (default .state)")
        one.set_defaults(run=run)
        return one
    up = command("up", command_up)
    up.add_argument("--port", type=port_number, default=8080)
    up.add_argument("--profile", choices=("local", "aws-peers"),
                    default="local", help="aws-peers: the profile aws on "
                    "servers that stand in for AWS (needs pip and npm)")
    up.add_argument("--sample", action="store_true",
                    help="put in 30 orders, some of them deleted")
    up.add_argument("--foreground", action="store_true",
                    help="stay, and stop on Ctrl-C")
    up.add_argument("--first-look", action="store_true",
                    help=argparse.SUPPRESS)
    command("down", command_down)
    status = command("status", command_status)
    status.add_argument("--json", action="store_true")
    logs = command("logs", command_logs)
    logs.add_argument("name", nargs="?",
                      help="create_order, relay, nginx, access …")
    logs.add_argument("-f", "--follow", action="store_true")
    token = command("token", command_token)
    token.add_argument("--scopes", default=",".join(SCOPES),
                       help="comma separated (default: all)")
    arguments = parser.parse_args()
    arguments.state = os.path.abspath(arguments.state)
    try:
        return arguments.run(arguments)
    except Trouble as trouble:
        print(f"./dev {arguments.command}: {trouble}", file=sys.stderr)
        return 1
    except BrokenPipeError:     # whoever read us has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        print(f"./dev {arguments.command}: {error.strerror or error}"
              + (f" ({error.filename})." if error.filename else "."),
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


def port_number(text):
    if not text.isascii() or not text.isdigit() or \
            not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("must be a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
