#!/usr/bin/python3
"""storm.py: kills things at random while orders are made, changed and deleted,
then checks the invariants of reliability (checker.py). Run by ./dev storm."""
import argparse
import http.client
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)),
                                "tools"))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
sys.path.insert(0, HERE)

import checker  # noqa: E402
from aws_proxy import Unsteady  # noqa: E402
from desk import RESPONDERS, Trouble, descendants, say  # noqa: E402
from mail_sink import MailSink  # noqa: E402
from peers import Missing, Peers  # noqa: E402
from profiles import aws_desk, local_desk  # noqa: E402

SUBSCRIBERS = ("one@example.org", "two@example.org", "three@example.org")
PATIENCE_S = 30     # a request is repeated this long until it is answered


class Client:
    """One kept connection; repeats what was not answered."""

    def __init__(self, desk, token, log):
        self.desk, self.token, self.log = desk, token, log
        self.connection = None

    def once(self, method, path, body=None, headers=()):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.desk.port, timeout=10)
        try:
            self.connection.request(method, path, body, dict(
                headers, Authorization="Bearer " + self.token,
                **({"Content-Type": "application/json"} if body else {})))
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            return 0, b""

    def send(self, method, path, body=None, key=None, etag=None):
        headers = {}
        if key:
            headers["Idempotency-Key"] = key
        if etag:
            headers["If-Match"] = f'"{etag}"'
        if body is not None:
            body = json.dumps(body).encode()
        end = time.monotonic() + PATIENCE_S
        while True:
            status, answer = self.once(method, path, body, headers)
            if status and status < 500 and status != 409:
                if key and 200 <= status < 300:
                    self.log.answered(key, status, answer)
                return status, answer
            self.log.repeated += 1
            if time.monotonic() > end:
                return status, answer
            time.sleep(0.02)


class Log:
    """What clients were told; the checker holds the desk to it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.orders = {}        # id → Order
        self.answers = {}       # key → {(status, bytes)}
        self.key_effects = {}   # key of a create → description
        self.strange = []
        self.repeated = self.kills = 0
        self.killed = {}
        self.watched = 0
        self.s3_is_away = False

    def answered(self, key, status, body):
        with self.lock:
            self.answers.setdefault(key, set()).add((status, body))

    def note_strange(self, what, status, body):
        with self.lock:
            self.strange.append(f"{what}: {status} {body[:200]!r}")


class Order:
    def __init__(self, body):
        self.last = body            # bytes of the last acknowledged state
        self.versions = [json.loads(body)["version"]]
        self.deletion = None        # the answer to a DELETE
        self.attempted = False      # a DELETE was sent


def life(client, log, pick, name, delete):
    """One order from its making to, maybe, its deletion."""
    key = f"create-{name}"
    draft = {"description": f"storm {name}", "price": "10.00",
             "metadata": {"key": key}}
    with log.lock:
        log.key_effects[key] = draft["description"]
    if pick.random() < 0.1:     # the same request from two at once
        twin = threading.Thread(target=lambda: Client(
            client.desk, client.token, log).send(
                "POST", "/api/orders", draft, key))
        twin.start()
    else:
        twin = None
    status, body = client.send("POST", "/api/orders", draft, key)
    if twin:
        twin.join()
    if status != 201:
        log.note_strange("create", status, body)
        return
    order_id = json.loads(body)["id"]
    order = Order(body)
    with log.lock:
        log.orders[order_id] = order
    path = "/api/orders/" + order_id
    for n in range(pick.randrange(4)):
        status, body = client.send(
            "PATCH", path, {"notes": f"change {n}"}, f"patch-{name}-{n}",
            order.versions[-1])
        if status != 200:
            log.note_strange("update", status, body)
            return
        order.versions.append(json.loads(body)["version"])
        order.last = body
    if not delete:
        return
    order.attempted = True
    status, body = client.send("DELETE", path, None, f"delete-{name}",
                               order.versions[-1])
    if status == 200:
        order.deletion = json.loads(body)
    else:
        log.note_strange("delete", status, body)


def work(number, desk, token, log, plan, seed, ends):
    pick = random.Random(f"{seed}-{number}")
    client = Client(desk, token, log)
    while True:
        with log.lock:
            if plan["made"] >= plan["total"] and log.kills >= plan["kills"]:
                return
            n = plan["made"] = plan["made"] + 1
            delete = n % 5 != 0     # every fifth stays
        life(client, log, pick, str(n), delete)
        # spread over the storm
        behind = ends["start"] + ends["seconds"] * n / plan["total"] \
            - time.monotonic()
        if behind > 0:
            time.sleep(behind)


def watch(desk, token, log, done, seed):
    """An order is live or in the deletion log, at every moment."""
    pick = random.Random(f"{seed}-watch")
    client = Client(desk, token, log)
    while not done.wait(0.005):
        with log.lock:
            known = list(log.orders)
        if not known:
            continue
        order_id = pick.choice(known[-60:])
        status, body = client.send("GET", "/api/orders/" + order_id)
        if status == 200:
            log.watched += 1
            continue
        if status == 410:
            status, body = client.send("GET", "/api/archive/" + order_id)
            if status == 200:
                log.watched += 1
                continue
        if status == 503 and log.s3_is_away:
            continue        # closed, and its object cannot be read now
        log.note_strange(f"watch {order_id}", status, body)


def kill_one(desk, log, pick):
    """Someone dies: a responder or a worker of it, the relay, an nginx worker."""
    name = pick.choice(RESPONDERS + ("relay", "relay", "nginx", "nginx"))
    program = desk.programs[name]
    pid = program.pid
    if pid and (name == "nginx" or pick.random() < 0.5):
        pid = next(iter(descendants(pid)), None if name == "nginx" else pid)
    if not pid:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    log.kills += 1
    log.killed[name] = log.killed.get(name, 0) + 1
    return True


def subscribe(client, sink):
    for address in SUBSCRIBERS:
        client.send("POST", "/api/subscriptions", {"email": address})
        end = time.monotonic() + 10
        while not sink.of(address):
            if time.monotonic() > end:
                raise Trouble(f"No confirmation mail came to {address}.")
            time.sleep(0.02)
        text = sink.of(address)[0].get_body(("plain",)).get_content()
        token = re.search(r"/confirm\S*[?&#]token=([A-Za-z0-9_.~-]+)",
                          text)[1]
        status, body = client.send("POST", "/api/subscriptions/confirm",
                                   {"token": token})
        if status != 200:
            raise Trouble(f"{address} could not be confirmed: {status}")


def close_s3(peers, log, seconds):
    """The store is away for a while in the middle of it all."""
    time.sleep(2)
    log.s3_is_away = True
    peers.peer("s3").close_door()
    say(f"S3 is away for {seconds} s")
    time.sleep(seconds)
    peers.peer("s3").gateway()
    # a request that began before is repeated for so long
    threading.Timer(PATIENCE_S, setattr, (log, "s3_is_away", False)).start()


def unsteady_peers(peers, arguments, overrides):
    """Proxies before DynamoDB, S3 and SNS that do what services and networks
    do to some of the requests."""
    proxies = []
    for service, peer in (("dynamodb", "dynamodb"), ("s3", "s3"),
                          ("sns", "moto")):
        proxies.append(Unsteady(service, peers.need(peer), arguments.seed))
        overrides["aws.endpoint." + service] = proxies[-1].url
    return proxies


def set_faults(proxies, percent):
    for proxy in proxies:
        proxy.percent = percent


def run(desk, sink, arguments, peers=None, proxies=()):
    token = desk.token()
    log = Log()
    client = Client(desk, token, log)
    subscribe(client, sink)
    # warm, so that memory and descriptors have something to come back to
    for n in range(50):
        life(client, log, random.Random(n), f"warm{n}", True)
    client.connection.close()
    checker.wait_closed(desk, 30)
    time.sleep(1.5)
    before = checker.resources(desk)
    set_faults(proxies, arguments.faults)
    seconds = max(2.0, arguments.kills * arguments.every, arguments.s3_down)
    total = arguments.deletes * 5 // 4 + 1
    plan = {"made": 0, "total": total, "kills": arguments.kills}
    ends = {"start": time.monotonic(), "seconds": seconds}
    done = threading.Event()
    threads = [threading.Thread(target=work, args=(
        n, desk, token, log, plan, arguments.seed, ends)) for n in range(8)]
    watcher = threading.Thread(target=watch, args=(
        desk, token, log, done, arguments.seed))
    say(f"Deleting {arguments.deletes} orders and killing "
        f"{arguments.kills} processes over {seconds:.0f} s "
        f"(seed {arguments.seed})")
    for thread in threads + [watcher]:
        thread.start()
    pick = random.Random(arguments.seed)
    while log.kills < arguments.kills:
        time.sleep(pick.uniform(0.4, 1.6) * arguments.every)
        kill_one(desk, log, pick)
    if arguments.s3_down:
        close_s3(peers, log, arguments.s3_down)
    last_fault = time.monotonic()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()
    if proxies:
        set_faults(proxies, 0)
        last_fault = time.monotonic()
    for proxy in proxies:
        say(str(proxy))
    return checker.check(desk, sink, token, log, before, last_fault,
                         SUBSCRIBERS)


def main():
    parser = argparse.ArgumentParser(prog="./dev storm")
    parser.add_argument("--deletes", type=int, default=500)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--every", type=float, default=0.3,
                        help="seconds from kill to kill, on average")
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("--profile", choices=("local", "aws-peers"),
                        default="local")
    parser.add_argument("--s3-down", type=float, default=0, metavar="SECONDS",
                        help="with aws-peers: S3 is away for so long")
    parser.add_argument("--faults", type=float, default=0, metavar="PERCENT",
                        help="with aws-peers: so many of the requests to "
                        "DynamoDB, S3 and SNS meet a fault")
    arguments = parser.parse_args()
    if arguments.faults and arguments.profile != "aws-peers":
        parser.error("--faults needs --profile aws-peers")
    if arguments.s3_down and arguments.profile != "aws-peers":
        parser.error("--s3-down needs --profile aws-peers")
    state = tempfile.mkdtemp(prefix="storm-")
    sink = MailSink()
    overrides = {
        "mailer.adapter": "smtp", "mailer.tls": "never",
        "mailer.url": f"smtp://127.0.0.1:{sink.port}",
        "relay.sweep_after_s": "10"}
    desk = peers = None
    proxies = []
    good = False
    try:
        if arguments.profile == "local":
            desk = local_desk(state, overrides, {})
        else:
            say("Starting the peers")
            peers = Peers(os.path.join(state, "peers")).start()
            if arguments.faults:
                proxies = unsteady_peers(peers, arguments, overrides)
            desk = aws_desk(peers, state, overrides, {})
        desk.start()
        good = run(desk, sink, arguments, peers, proxies)
    except (Trouble, Missing) as trouble:
        print(f"./dev storm: {trouble}", file=sys.stderr)
    finally:
        if desk:
            desk.stop()
        if peers:
            peers.stop()
        sink.shutdown()
        if good:
            shutil.rmtree(state, ignore_errors=True)
        else:
            say(f"The state is kept in {state}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
