#!/usr/bin/python3
"""crash_loop.py: a request kills the worker that reads it, again and again; all
other requests, to the same operation and to others, are to be answered as ever.
Run by ./dev storm --crash-loop N."""
import argparse
import collections
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)),
                                "tools"))

from desk import Desk, ROOT, Trouble, say  # noqa: E402

UNKNOWN = "01934567-89ab-7def-8123-000000000001"


def build_preload(folder, name):
    """What LD_PRELOAD puts into the responders."""
    path = os.path.join(folder, name + ".so")
    done = subprocess.run(
        [os.environ.get("CC", "cc"), "-D_GNU_SOURCE",
         "-I" + os.path.join(ROOT, "src"), "-shared", "-fPIC", "-o",
         path, os.path.join(HERE, name + ".c")], capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"{name}.c cannot be built: " + done.stderr.strip())
    return path


class Client:
    """One kept connection, as a browser has it: repeats nothing by itself but
    a GET on a connection that was closed while it slept."""

    def __init__(self, desk, token):
        self.desk, self.token = desk, token
        self.connection = None

    def send(self, method, path, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.desk.port, timeout=30)
        try:
            self.connection.request(method, path, json.dumps(body) if body
                                    else None, {
                "Authorization": "Bearer " + self.token,
                "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            return type(error).__name__, {}, b""


class Others:
    """Who has nothing to do with it, and what they were answered."""

    def __init__(self, desk, token):
        self.desk, self.token = desk, token
        self.done = threading.Event()
        self.statuses = collections.defaultdict(collections.Counter)
        self.seconds = []
        self.lock = threading.Lock()
        _, _, body = Client(desk, token).send(
            "POST", "/api/orders", {"description": "other", "price": 1})
        path = "/api/orders/" + json.loads(body)["id"]
        order = {"description": "other", "price": 1}
        self.threads = [
            threading.Thread(target=self.work, args=arguments)
            for arguments in (
                ("same operation", "GET", path),
                ("same operation", "GET", path),
                ("get_orders", "GET", "/api/orders?limit=5"),
                ("create_order", "POST", "/api/orders", order),
                ("objects", "GET", "/readyz"))]

    def work(self, name, method, path, body=None):
        client = Client(self.desk, self.token)
        while not self.done.is_set():
            began = time.monotonic()
            status = client.send(method, path, body)[0]
            with self.lock:
                self.statuses[name][status] += 1
                self.seconds.append(time.monotonic() - began)
            time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def failed(self):
        return {name: dict(statuses) for name, statuses
                in self.statuses.items() if set(statuses) - {200, 201}}


def run(desk, token, crashes):
    """Whether all was well; says what it saw."""
    client = Client(desk, token)
    poisoned, strange = collections.Counter(), []
    began = time.monotonic()
    with Others(desk, token) as others:
        for _ in range(crashes):
            status, headers, body = client.send(
                "GET", f"/api/orders/{UNKNOWN}?poison")
            poisoned[status] += 1
            if status != 503 or not headers.get("Retry-After") or \
                    b"application/problem" not in \
                    headers.get("Content-Type", "").encode():
                strange.append((status, body[:200]))
        took_s = time.monotonic() - began
        back = time.monotonic()
        while client.send("GET", f"/api/orders/{UNKNOWN}")[0] != 404:
            time.sleep(0.01)
        back_s = time.monotonic() - back
    _, _, metrics = client.send("GET", "/metrics")
    restarts = [line.rpartition(" ")[2] for line in metrics.decode()
                .splitlines() if line.startswith(
                    'ordermill_worker_restarts_total{operation='
                    '"get_order_by_id"')][0]
    asked = sum(sum(s.values()) for s in others.statuses.values())
    waits = sorted(others.seconds)
    say(f"poisoned requests      {dict(poisoned)} in {took_s:.0f} s; "
        f"{restarts} workers died")
    say(f"all others             n = {asked}, failed: "
        f"{others.failed() or 0}; p99 "
        f"{waits[int(0.99 * len(waits))] * 1000:.0f} ms, longest "
        f"{waits[-1] * 1000:.0f} ms")
    say(f"back to normal after   {back_s * 1000:.0f} ms")
    for one in strange[:5]:
        say(f"strange                {one}")
    return not strange and not others.failed() and int(restarts) >= crashes


def run_first(desk, token, rounds):
    """The first crash is the worst: nobody is careful yet, and connections are
    kept. Whether 16 busy clients of the operation saw nothing of any of them."""
    answer = Client(desk, token).send("POST", "/api/orders",
                                      {"description": "other", "price": 1})
    path = "/api/orders/" + json.loads(answer[2])["id"]
    done = threading.Event()
    statuses = collections.Counter()

    def work():
        client = Client(desk, token)
        while not done.is_set():
            statuses[client.send("GET", path)[0]] += 1
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    client = Client(desk, token)
    poisoned = set()
    for _ in range(rounds):
        desk.restart("get_order_by_id")
        time.sleep(0.6)
        poisoned.add(client.send("GET", f"/api/orders/{UNKNOWN}?poison")[0])
        time.sleep(0.2)
    done.set()
    for thread in threads:
        thread.join()
    say(f"{rounds} first crashes      poisoned {poisoned}, others "
        f"{dict(statuses)}")
    return poisoned == {503} and set(statuses) == {200}


def start(state, **more):
    """A desk whose responders die of poison."""
    desk = Desk(state, environment={
        "LD_PRELOAD": build_preload(state, "poison"),
        # where the build has it, it wants to be the first of all
        "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}, **more)
    desk.start()
    return desk


def main():
    parser = argparse.ArgumentParser(prog="./dev storm")
    parser.add_argument("--crash-loop", type=int, default=1000, metavar="N")
    arguments = parser.parse_args()
    state = tempfile.mkdtemp(prefix="crash-")
    desk, good = None, False
    try:
        desk = start(state)
        token = desk.token()
        time.sleep(1.1)     # every responder has seen the token
        good = run(desk, token, arguments.crash_loop)
    except Trouble as trouble:
        print(f"./dev storm: {trouble}", file=sys.stderr)
    finally:
        if desk:
            desk.stop()
        shutil.rmtree(state, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
