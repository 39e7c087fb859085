"""More than an operation can do: who is turned away hears when to come back"""
import concurrent.futures
import contextlib
import os
import resource
import select
import signal
import socket
import time

import pytest

from desk import descendants
from support import Api, problem, wait_until

ASKERS = 60
NGINX_WORKERS = max(1, (os.cpu_count() or 2) // 2)      # as desk.py has it
MAX_CONNS = 300 + 2 * 16        # of each; nginx/http_ordermill.conf
NOTHING = "/api/orders/01934567-89ab-7def-8123-000000000001"


@contextlib.contextmanager
def asleep(desk, name):
    """The workers of an operation take nothing."""
    workers = descendants(desk.programs[name].pid)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def desk(make_desk):
    return make_desk()


@pytest.fixture(scope="module")
def token(desk):
    token = desk.token()
    time.sleep(1.1)     # every responder has seen it
    return token


@pytest.mark.parametrize("name, path, body, queue", [
    ("generate_pdf_report", "/api/reports", {}, 16),
    ("archive_deleted_orders", "/api/archive", None, 16)])
def test_a_full_queue_is_503_at_once_and_what_is_in_it_is_done(
        desk, token, addresses, name, path, body, queue):
    def ask(address):
        client = Api(desk, token, address)
        return client.post(path, body)
    with concurrent.futures.ThreadPoolExecutor(ASKERS) as pool:
        with asleep(desk, name):
            asked = [pool.submit(ask, next(addresses))
                     for _ in range(ASKERS)]
            turned_away, _ = concurrent.futures.wait(
                asked, 20, concurrent.futures.FIRST_COMPLETED)
            assert turned_away
            # the rest of the desk does not notice
            assert Api(desk, token).get("/api/orders").status_code == 200
            while True:
                away = sum(one.done() for one in asked)
                time.sleep(0.5)
                if sum(one.done() for one in asked) == away:
                    break
        answers = [one.result() for one in asked]
    refused = [answer for answer in answers if answer.status_code == 503]
    # Linux lets one more wait than listen(2) was told.
    assert ASKERS - queue - 1 <= len(refused) == away < ASKERS
    for answer in refused:
        problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert {answer.status_code for answer in answers} <= {200, 201, 202, 503}
    # and all is as before
    assert ask(next(addresses)).status_code in (200, 201, 202)


def ask_from(desk, token, address):
    client = socket.create_connection(("127.0.0.1", desk.port),
                                      source_address=(address, 0))
    client.sendall(f"GET {NOTHING} HTTP/1.1\r\nHost: desk\r\nConnection: close"
                   f"\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    client.settimeout(30)
    return client


def readable(clients):
    watched = select.poll()
    for client in clients:
        watched.register(client, select.POLLIN)
    return watched.poll(0)


@pytest.mark.skipif(NGINX_WORKERS > 2, reason="needs 300 connections for each "
                    "worker of nginx, and this machine has many")
def test_what_waits_for_a_quick_operation_leaves_room_for_the_others(
        desk, token, addresses):
    clients = []
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, min(most, 8192)),
                                                most))
    try:
        with asleep(desk, "get_order_by_id"):
            for n in range(MAX_CONNS * NGINX_WORKERS + 200):
                if n % 40 == 0:
                    address = next(addresses)
                clients.append(ask_from(desk, token, address))
            wait_until(lambda: len(readable(clients)) >= 150)
            away = len(readable(clients))
            assert Api(desk, token).get("/api/orders").status_code == 200
        answers = [client.recv(4096) for client in clients]
    finally:
        for client in clients:
            client.close()
    turned_away = [answer for answer in answers
                   if answer.startswith(b"HTTP/1.1 503 ")]
    assert len(turned_away) >= away
    assert all(b"\r\nRetry-After: 1\r\n" in one for one in turned_away)
    # who waited is answered
    done = [answer for answer in answers if answer.startswith(b"HTTP/1.1 404 ")]
    assert len(done) >= MAX_CONNS // 2
    assert len(done) + len(turned_away) == len(answers)
