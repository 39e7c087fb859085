"""More than an operation can do: who is turned away hears when to come back"""
import concurrent.futures
import contextlib
import os
import signal
import time

import pytest

from desk import descendants
from support import Api, problem

ASKERS = 60


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
