#!/usr/bin/python3
"""aws_bench.py: what an operation costs in profile aws, beside boto3 making the
very calls that the operation made, to the same DynamoDB Local; and how many
connections that took. Run by ./dev bench --profile aws-peers.

Ours is user and system CPU of the operation's workers for a whole request, from
nginx's record to the answer and the line in the log, while wrk asks; one worker,
as boto3 is one client. Its CPU is that of the thread that makes the calls, one
kept connection, parameters made ready beforehand, one call behind the other. Both
speak with the peer directly and take turns; which calls an operation makes is
heard by a recorder in a run of its own."""
import contextlib
import http.client
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tools"))

from bench import DRAFT, Bench, Table, reference  # noqa: E402
from desk import Desk, Trouble, descendants, say  # noqa: E402
from peers import Missing, Peers  # noqa: E402

OPERATIONS = ("create_order", "get_order_by_id", "delete_order")
TURNS = 6
MORE_THAN_A_SECOND = 1000   # deletes of one worker


class Recorder(http.server.ThreadingHTTPServer):
    """Stands before DynamoDB: notes each call, counts connections."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, peer):
        super().__init__(("127.0.0.1", 0), Passing)
        self.peer = urllib.parse.urlsplit(peer).netloc
        self.calls, self.connections = [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self):
        taken = self.calls, self.connections
        self.calls, self.connections = [], 0
        return taken


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.connections += 1
        self.there = http.client.HTTPConnection(self.server.peer)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.headers["X-Amz-Target"], body))
        self.there.request("POST", self.path, body, dict(self.headers))
        answer = self.there.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding",
                                    "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def cpu_ns(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


class Client:
    def __init__(self, desk):
        self.connection = http.client.HTTPConnection("127.0.0.1", desk.port)
        self.headers = {"Authorization": "Bearer " + desk.token(),
                        "Content-Type": "application/json"}

    def send(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            raise Trouble(f"{method} {path}: {answer.status} {content[:300]}")
        return content


def hear(desk, recorder, count):
    """By operation: its calls, the connections they took, its workers."""
    client = Client(desk)
    draft = json.dumps(DRAFT)
    ids, heard = [], {}
    requests = {
        "create_order": lambda n: ids.append(json.loads(client.send(
            "POST", "/api/orders", draft))["id"]),
        "get_order_by_id": lambda n: client.send(
            "GET", "/api/orders/" + ids[n]),
        "delete_order": lambda n: client.send(
            "DELETE", "/api/orders/" + ids[n])}
    for name, send in requests.items():
        recorder.take()
        for n in range(count):
            send(n)
        heard[name] = (*recorder.take(),
                       len(descendants(desk.programs[name].pid)))
    return heard


class Asker:
    """Asks for an operation for a second."""

    def __init__(self, desk, folder):
        self.bench = Bench(desk, folder, 1)
        self.folder = folder
        self.ids = []

    def create_order(self):
        self.bench.clean("POST", "/api/orders", json.dumps(DRAFT))

    def get_order_by_id(self):
        while len(self.ids) < TURNS * MORE_THAN_A_SECOND:
            if self.ids:
                self.create_order()
            with open(self.bench.write_ids(), encoding="utf-8") as file:
                self.ids = file.read().split()
        self.bench.clean("GET", "/api/orders/" + self.ids[0])

    def delete_order(self):
        path = os.path.join(self.folder, "some")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.ids[:MORE_THAN_A_SECOND]) + "\n")
        del self.ids[:MORE_THAN_A_SECOND]
        self.bench.clean("DELETE", "/api/orders/", "", path)


def compare(desk, folder, client, heard, count):
    """By operation: CPU of a request in ms, ours and boto3's, in turns."""
    asker = Asker(desk, folder)
    found = {}
    for name, (calls, *_) in heard.items():
        program = desk.programs[name]
        spent = made = theirs = 0
        for turn in range(TURNS):
            workers, answered = descendants(program.pid), program.requests()
            before = cpu_ns(workers)
            getattr(asker, name)()
            if turn:    # the first is to get warm
                spent += (cpu_ns(workers) - before) / 1e6
                made += program.requests() - answered
            share = slice(len(calls) * turn // TURNS,
                          len(calls) * (turn + 1) // TURNS)
            theirs += by_boto3(client, calls[share], "again")
        found[name] = spent / made, theirs / count
    return found


@contextlib.contextmanager
def running(state, environment, keys):
    desk = Desk(state, overrides=keys, environment=environment)
    try:
        desk.start()
        desk.pause_program("relay")     # its calls are not an operation's
        yield desk
    finally:
        desk.stop()


def by_boto3(client, calls, table):
    """CPU in ms of making the calls again, on another table."""
    words = {"GetItem": client.get_item, "PutItem": client.put_item,
             "UpdateItem": client.update_item, "Query": client.query,
             "DeleteItem": client.delete_item,
             "BatchGetItem": client.batch_get_item,
             "TransactGetItems": client.transact_get_items,
             "TransactWriteItems": client.transact_write_items}
    ready = []
    for target, body in calls:
        action = target.partition(".")[2]
        if action not in words:
            continue
        parameters = json.loads(body, object_hook=lambda value: {
            **value, **({"TableName": table} if "TableName" in value else {})})
        parameters.pop("ClientRequestToken", None)
        ready.append((words[action], parameters))
    started = time.thread_time()
    for call, parameters in ready:
        call(**parameters)
    return (time.thread_time() - started) * 1000


def bare_libcurl(desk, peer):
    """CPU in ms of one GetItem."""
    done = subprocess.run([reference(desk, "curl_floor"), peer, "again"],
                          capture_output=True, text=True)
    if done.returncode:
        raise Trouble(done.stderr.strip())
    return float(done.stdout) / 1000


def run(peers, state, count):
    import boto3
    peer = peers.need("dynamodb")
    client = boto3.client(
        "dynamodb", endpoint_url=peer, region_name="us-east-1",
        aws_access_key_id=peers.key, aws_secret_access_key=peers.secret)
    keys, environment = peers.desk_settings("bench")
    keys["image_recognizer.adapter"] = "none"
    keys.update({name + ".workers": "1" for name in OPERATIONS})
    other = Desk(os.path.join(state, "other"), environment=environment,
                 overrides={**keys, "database.table": "again"})
    other.prepare()     # makes the table
    recorder = Recorder(peer)
    try:
        with running(os.path.join(state, "heard"), environment, {
                **keys, "aws.endpoint.dynamodb": recorder.url,
                "database.table": "heard"}) as desk:
            heard = hear(desk, recorder, count)
        with running(os.path.join(state, "desk"), environment, keys) as desk:
            found = compare(desk, state, client, heard, count)
        table = Table()
        for name, (ours, theirs) in found.items():
            calls, connections, workers = heard[name]
            table.row(f"{name}, CPU, {len(calls) / count:.1f} calls",
                      ours, "ms", theirs, "ms boto3, those calls",
                      ours / theirs, "≤ 1/15", ours * 15 <= theirs)
            table.at_most(f"{name}, connections of {count} requests",
                          connections, "", workers)
        floor = bare_libcurl(other, peer)
        theirs = found["get_order_by_id"][1]
        table.row("GetItem by bare libcurl, CPU", floor, "ms", theirs,
                  "ms boto3, signed and read", floor / theirs, "", True)
        return table.good
    finally:
        other.close()
        recorder.shutdown()


def main(count=1000):
    state = tempfile.mkdtemp(prefix="bench-")
    peers = None
    try:
        say("Starting the peers")
        peers = Peers(os.path.join(state, "peers"),
                      ("moto", "s3", "dynamodb", "certificate")).start()
        return 0 if run(peers, state, count) else 1
    except (Missing, ImportError) as missing:
        say(f"skipped: {missing}")
        return 0
    finally:
        if peers:
            peers.stop()
        shutil.rmtree(state, ignore_errors=True)
