"""Raw FastCGI on a responder's socket: whatever comes, it goes on."""
import contextlib
import os
import socket
import struct
import time

import pytest

from support import Api

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, VALUES = 1, 2, 3, 4, 5, 6, 9


@pytest.fixture(scope="module")
def desk(make_desk):
    return make_desk()


@pytest.fixture(scope="module")
def api(desk):
    return Api(desk, desk.token())


def record(kind, body=b"", request=1, version=1, length=None):
    return struct.pack(">BBHHBB", version, kind, request,
                       len(body) if length is None else length, 0, 0) + body


def begin(role=1, keep=0):
    return record(BEGIN, struct.pack(">HB5x", role, keep))


def pair(name, value):
    return struct.pack(">BI", len(name), len(value) | 1 << 31) + name + value


def params(**values):
    return record(PARAMS, b"".join(
        pair(name.encode(), value.encode())
        for name, value in values.items())) + record(PARAMS)


def request(body=b"", length=None, end=True, keep=0, **more):
    values = {"REQUEST_METHOD": "POST", "REQUEST_URI": "/api/orders",
              "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
              "CONTENT_LENGTH": str(len(body) if length is None else length),
              "REMOTE_ADDR": "127.0.0.1", **more}
    text = begin(keep=keep) + params(**values)
    if body:
        text += record(STDIN, body)
    return text + (record(STDIN) if end else b"")


@contextlib.contextmanager
def connected(desk, name):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(os.path.join(desk.run_dir, name + ".sock"))
        yield peer


def speak(desk, name, text, wait=True):
    """What the responder says to these bytes until it closes."""
    answer = b""
    with connected(desk, name) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(text)
            if wait:
                peer.shutdown(socket.SHUT_WR)
                while block := peer.recv(65536):
                    answer += block
    return answer


def stdout(answer):
    text = b""
    while len(answer) >= 8:
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", answer[:8])
        if kind == STDOUT:
            text += answer[8:8 + length]
        answer = answer[8 + length + padding:]
    return text


DRAFT = b'{"description":"raw","price":"1"}'


def still_works(desk, api, started=None):
    order = api.order()
    assert api.get("/api/orders/" + order["id"]).status_code == 200
    if started is not None:
        assert [p["restarts"] for p in desk.status()["programs"]] == started


def restarts(desk):
    return [p["restarts"] for p in desk.status()["programs"]]


def test_a_whole_request_is_answered(desk, api):
    answer = stdout(speak(desk, "create_order", request(
        DRAFT, HTTP_AUTHORIZATION="Bearer " + api.token)))
    assert answer.startswith(b"Status: 201"), answer


@pytest.mark.parametrize("name", ["create_order", "get_orders",
                                  "recognize_uploaded_image", "objects"])
@pytest.mark.parametrize("text", [
    b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\xff" * 70000,
    record(BEGIN), record(BEGIN, b"\0\1"), begin()[:9], begin(role=3),
    begin() + record(PARAMS, b"\x7f"), begin() + record(PARAMS, b"\xff" * 8),
    begin() + record(PARAMS, pair(b"A", b"B")[:-1]) + record(PARAMS),
    record(VALUES, pair(b"FCGI_MAX_CONNS", b""), request=0),
    record(STDIN, b"x"), record(ABORT), record(99, b"x" * 100, request=0),
    begin() + record(PARAMS, b"x" * 10, length=60000),
    request(version="x")[:30]],
    ids=range(18))
def test_garbage_does_not_stop_it(desk, api, name, text):
    before = restarts(desk)
    speak(desk, name, text)
    speak(desk, name, text, wait=False)
    still_works(desk, api, before)


@pytest.mark.parametrize("values", [
    dict(length=10), dict(length=-1), dict(length=10 ** 30),
    dict(CONTENT_LENGTH="x"), dict(CONTENT_LENGTH=""),
    dict(CONTENT_LENGTH="+33"), dict(CONTENT_LENGTH=" 33"),
    dict(length=len(DRAFT) + 1), dict(length=len(DRAFT) - 1)])
def test_a_length_that_does_not_fit_is_never_taken(desk, api, values):
    before = len(api.get("/api/orders?q=raw&limit=200").json()["data"])
    answer = stdout(speak(desk, "create_order", request(
        DRAFT, HTTP_AUTHORIZATION="Bearer " + api.token, **values)))
    assert not answer.startswith(b"Status: 2"), answer
    assert answer == b"" or answer.startswith(b"Status: 4"), answer
    assert len(api.get("/api/orders?q=raw&limit=200").json()["data"]) == before


@pytest.mark.parametrize("missing", ["REQUEST_METHOD", "REQUEST_URI",
                                     "CONTENT_LENGTH", "CONTENT_TYPE",
                                     "QUERY_STRING"])
def test_a_missing_parameter_does_not_stop_it(desk, api, missing):
    before = restarts(desk)
    values = {"REQUEST_METHOD": "POST", "REQUEST_URI": "/api/orders",
              "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
              "CONTENT_LENGTH": "2"}
    del values[missing]
    answer = stdout(speak(desk, "create_order", begin() + params(**values)
                          + record(STDIN, b"{}") + record(STDIN)))
    assert answer == b"" or answer.startswith(b"Status: 4"), answer
    still_works(desk, api, before)


def test_half_a_request_holds_up_nobody_for_long(desk, api):
    order = api.order()
    with connected(desk, "create_order") as one, \
            connected(desk, "get_order_by_id") as two:
        one.sendall(request(DRAFT[:9], length=len(DRAFT), end=False))
        two.sendall(begin() + record(PARAMS, b"\x04"))
        started = time.monotonic()
        assert api.get("/api/orders/" + order["id"],
                       timeout=60).status_code == 200
        api.order()
        waited = time.monotonic() - started
    print(f"waited {waited:.2f} s behind a half request")
    assert waited < 12
    started = time.monotonic()
    still_works(desk, api)
    assert time.monotonic() - started < 5


def test_kept_connections_that_idle_leave_room(desk, api):
    """More idle connections than a worker holds."""
    with contextlib.ExitStack() as stack:
        for _ in range(400):
            try:
                stack.enter_context(connected(desk, "get_order_by_id"))
            except OSError:
                break       # it may refuse some; it must not stop
        order = api.order()
        answer = api.get("/api/orders/" + order["id"], timeout=60)
        assert answer.status_code in (200, 503)
    still_works(desk, api)


def test_file_descriptors_come_back(desk, api):
    def count():
        return [len(os.listdir(f"/proc/{pid}/fd"))
                for pid in desk.programs["create_order"].workers()]
    still_works(desk, api)
    time.sleep(1.5)
    before = count()
    for _ in range(50):
        speak(desk, "create_order", request(DRAFT)[:40], wait=False)
        speak(desk, "create_order", os.urandom(100))
    still_works(desk, api)
    time.sleep(2.5)
    assert sum(count()) <= sum(before) + 4
