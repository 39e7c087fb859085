#!/usr/bin/python3
"""load.py SECONDS|forever RATE TOKEN: asks the installed desk like a busy team,
uploads of 1.5 MB among it, until it is told to stop (SIGTERM). Prints one JSON
line: requests, what failed, the latencies. Standard library only."""
import http.client
import json
import os
import random
import select
import signal
import struct
import sys
import threading
import time
import uuid
import zlib

HOST, PORT = "127.0.0.1", 8080
UPLOADS_EVERY_S = 0.1       # nginx allows one address 30 a second
THREADS = 12


def png(width=700, height=715):
    """A picture of noise: nothing in it can be compressed."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + \
            struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + os.urandom(width * 3) for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


class Load:
    def __init__(self, rate, token):
        self.rate, self.token = rate, token
        self.done = threading.Event()
        self.lock = threading.Lock()
        self.latencies = {"read": [], "write": [], "upload": []}
        self.failures = []
        self.turn = self.reopened = 0
        self.repeated = {"read": 0, "write": 0, "upload": 0}
        self.begun = time.monotonic()
        self.ids = []

    def next_moment(self):
        """Requests are due at fixed times, however slow the desk is."""
        with self.lock:
            self.turn += 1
            return self.begun + self.turn / self.rate

    def ask(self, client, kind, method, path, body=None, content_type=None,
            good=(200,)):
        headers = {"Authorization": "Bearer " + self.token}
        if content_type:
            headers["Content-Type"] = content_type
            headers["Idempotency-Key"] = str(uuid.uuid4())
        begun = time.monotonic()
        kept = self.is_kept(client)
        try:
            status, text = self.once(client, method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            client.close()
            status, text = repr(error), b""
            # The server may close a kept connection at any moment, after this
            # request was sent, too. What can be sent again without harm goes
            # once more (RFC 9110, 9.2.2): a GET, a photo, whose name is its
            # digest, a POST with its Idempotency-Key. Each is counted.
            if kept:
                with self.lock:
                    self.repeated[kind] += 1
                try:
                    status, text = self.once(client, method, path, body,
                                             headers)
                except (OSError, http.client.HTTPException) as error:
                    client.close()
                    status = repr(error)
        took = time.monotonic() - begun
        with self.lock:
            self.latencies[kind].append(took)
            if status not in good:
                self.failures.append([kind, method, path, str(status),
                                      text[:200].decode(errors="replace"),
                                      round(time.time(), 3)])
        return text if status in good else None

    def is_kept(self, client):
        """Whether the connection from before can be used: one that the server
        closed meanwhile is readable (RFC 9112, 9.5)."""
        if client.sock and select.select([client.sock], [], [], 0)[0]:
            client.close()
            self.reopened += 1
        return client.sock is not None

    @staticmethod
    def once(client, method, path, body, headers):
        client.request(method, path, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read()

    def write(self, client, n):
        text = self.ask(client, "write", "POST", "/api/orders", json.dumps(
            {"description": f"order {n}", "price": "5.00"}),
            "application/json", good=(201,))
        if text:
            order = json.loads(text)
            with self.lock:
                self.ids = (self.ids + [order["id"]])[-50:]

    def worker(self, n):
        client = http.client.HTTPConnection(HOST, PORT, timeout=30)
        while not self.done.is_set():
            due = self.next_moment()
            time.sleep(max(0, due - time.monotonic()))
            chance = random.random()
            if chance < 0.1:
                self.write(client, n)
            elif chance < 0.3 or not self.ids:
                self.ask(client, "read", "GET", "/api/orders?limit=5")
            else:
                self.ask(client, "read", "GET",
                         "/api/orders/" + random.choice(self.ids))

    def uploader(self):
        client = http.client.HTTPConnection(HOST, PORT, timeout=30)
        photos = [png() for _ in range(3)]
        assert all(len(photo) > 1_450_000 for photo in photos)
        while not self.done.wait(UPLOADS_EVERY_S):
            self.ask(client, "upload", "POST",
                     "/api/images?description=noise", random.choice(photos),
                     "image/png")

    def run(self, seconds):
        threads = [threading.Thread(target=self.worker, args=(n,))
                   for n in range(THREADS)]
        threads.append(threading.Thread(target=self.uploader))
        for thread in threads:
            thread.start()
        self.done.wait(seconds)
        self.done.set()
        for thread in threads:
            thread.join()

    def report(self):
        took = time.monotonic() - self.begun
        every = sorted(sum(self.latencies.values(), []))

        def at(share, of):
            of = sorted(of)
            return round(of[min(len(of) - 1, int(share * len(of)))], 4) \
                if of else None
        return {"n": len(every), "seconds": round(took, 1),
                "rate": round(len(every) / took, 1),
                "failed": len(self.failures),
                "repeated": sum(self.repeated.values()),
                "repeated_by_kind": self.repeated,
                "reopened": self.reopened, "failures": self.failures[:10],
                "p50_s": at(0.5, every), "p99_s": at(0.99, every),
                "max_s": every[-1] if every else None,
                "uploads": len(self.latencies["upload"]),
                "upload_p99_s": at(0.99, self.latencies["upload"])}


def main():
    seconds = None if sys.argv[1] == "forever" else float(sys.argv[1])
    load = Load(float(sys.argv[2]), sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: load.done.set())
    load.run(seconds)
    print(json.dumps(load.report()))


if __name__ == "__main__":
    main()
