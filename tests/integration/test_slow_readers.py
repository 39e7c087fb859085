"""A client that asks for much and reads nothing keeps nobody else waiting."""
import socket
import time
import urllib.parse

import pytest

from support import Api, in_parallel

LINES = [{"name": "n" * 200, "quantity": 1, "unit_price": "1.00"}] * 190


@pytest.fixture(scope="module")
def large(make_desk):
    """120 orders of 45 KB: 5 MB as a list, 4 MB as CSV."""
    desk = make_desk()
    api = Api(desk, desk.token())
    clients = [api.again() for _ in range(4)]
    in_parallel(4, lambda n: [clients[n].order(lines=LINES)
                              for _ in range(30)])
    return api


def ask_and_do_not_read(api, accept):
    url = urllib.parse.urlsplit(api.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((url.hostname, url.port))
    client.sendall((f"GET /api/orders?limit=200 HTTP/1.1\r\nHost: desk\r\n"
                    f"Authorization: Bearer {api.token}\r\n"
                    f"Accept: {accept}\r\n\r\n").encode())
    return client


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_slow_readers_stop_nobody(large, accept):
    slow = [ask_and_do_not_read(large, accept) for _ in range(6)]
    try:
        time.sleep(0.5)
        for _ in range(5):
            assert large.get("/api/orders?limit=1",
                             timeout=15).status_code == 200
        # and who was slow gets all of it in the end
        slow[0].settimeout(10)
        got = b""
        while len(got) < 4_000_000:
            part = slow[0].recv(65536)
            assert part, len(got)
            got += part
        assert got.startswith(b"HTTP/1.1 200 ")
    finally:
        for client in slow:
            client.close()
