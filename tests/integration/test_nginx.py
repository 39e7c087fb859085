"""What nginx itself answers: limits, its own errors, the page's files"""
import json
import os
import re

import pytest
import requests

from support import Api, as_written, in_parallel, problem, wait_until


def is_problem(answer, status):
    assert answer.status == status, answer.body[:400]
    assert answer.headers["Content-Type"] == "application/problem+json"
    parsed = json.loads(answer.body)
    assert parsed["status"] == status
    assert parsed["type"].startswith("/problems/")
    assert re.fullmatch("[0-9a-f]{32}", parsed["trace_id"])
    return parsed


@pytest.mark.parametrize("line, headers, status", [
    ("GET /", ["Host: a b"], 400), ("GET /" + "a" * 9000, [], 414),
    ("GET /", ["X: " + "a" * 9000], 431), ("GET /api/orders/%00", [], 400),
    ("POST /api/orders", ["Content-Length: 99999999"], 413),
    ("POST /api/orders", ["Content-Length: 5", "Content-Length: 6"], 400)])
def test_its_own_errors_are_problems(desk, line, headers, status):
    is_problem(as_written(desk, line, *headers), status)


def test_a_post_without_a_length_is_411(desk, api):
    is_problem(as_written(desk, "POST /api/orders",
                          "Content-Type: application/json",
                          token=api.token), 411)


def test_a_chunked_body_is_taken(desk, api):
    def chunks():
        yield b'{"description":"in '
        yield b'chunks","price":"1"}'
    answer = api.send("POST", "/api/orders", data=chunks(),
                      headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


def test_a_responder_that_is_away_is_503(make_desk):
    desk = make_desk()
    api = Api(desk, desk.token())
    desk.programs["get_orders"].listener.listen(0)
    desk.pause_program("get_orders")
    try:
        # the backlog of one fills, then connecting fails at once
        def ask(_):
            try:
                return api.again().get("/api/orders", timeout=2)
            except requests.Timeout:
                return None
        busy = [answer for answer in in_parallel(6, ask) if answer is not None]
        assert busy
        body = problem(busy[0], 503, "unavailable")
        assert busy[0].headers["Retry-After"]
        assert body["instance"] == "/api/orders"
    finally:
        desk.resume_program("get_orders")


def give_connections(desk, count):
    path = os.path.join(desk.state, "nginx", "nginx.conf")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub("worker_connections [0-9]+",
                          f"worker_connections {count}", text))
    nginx = desk.programs["nginx"]
    before = nginx.workers()
    desk.reload_nginx()
    wait_until(lambda: nginx.workers() and not set(before)
               & set(nginx.workers()), what="the end of the workers before")


def test_what_nginx_has_no_connection_left_for_is_503(make_desk):
    desk = make_desk()
    api = Api(desk, desk.token())
    desk.pause_program("get_orders")
    try:
        def ask(_):
            try:
                return api.again().get("/api/orders", timeout=2)
            except (requests.Timeout, requests.ConnectionError):
                return None     # it waits, or was not let in at all
        answers = []
        # each request takes two: with one of the numbers, one is left
        for count in (24, 25):
            give_connections(desk, count)
            answers += in_parallel(30, ask)
        answers = [answer for answer in answers if answer is not None]
        assert answers
        for answer in answers:
            problem(answer, 503, "unavailable")
            assert answer.headers["Retry-After"]
    finally:
        desk.resume_program("get_orders")


def test_security_headers_are_everywhere(desk, api):
    for path in ("/", "/app.js", "/api/orders", "/api/nope", "/livez",
                 "/orders/x", "/nope.js"):
        headers = api.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["Permissions-Policy"], path
        assert headers["Server"] == "nginx", path
        assert headers["X-Request-Id"], path
        assert headers["Cache-Control"], path


def test_no_header_comes_twice(desk, api):
    order = api.order()
    for path in ("/", "/api/orders/" + order["id"], "/api/orders", "/nope.js",
                 "/api/nope", "/readyz"):
        answer = as_written(desk, "GET " + path, token=api.token)
        names = [name.lower() for name in answer.headers.keys()]
        twice = {name for name in names if names.count(name) > 1}
        assert not twice - {"vary", "link"}, (path, twice)


@pytest.mark.parametrize("path", [
    "/", "/orders/new", "/archive", "/reports", "/status", "/subscribers",
    "/confirm", "/unsubscribe"])
def test_page_paths_give_the_page(api, path):
    answer = api.get(path, token=None)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<!doctype html>" in answer.text.lower()


def test_files_are_revalidated(desk, api):
    for name in ("/app.js", "/config.json", "/"):
        answer = api.get(name, token=None)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        again = api.get(name, token=None, headers={
            "If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


def test_text_is_compressed(api):
    answer = api.get("/app.js", token=None,
                     headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    # a compressed order would lose its strong ETag
    order = api.order(notes="x" * 4000)
    answer = api.get("/api/orders/" + order["id"],
                     headers={"Accept-Encoding": "gzip"})
    assert answer.headers["ETag"] == '"1"'


def test_a_problem_type_is_a_page(api):
    body = problem(api.get("/api/nope"), 404)
    answer = api.get(body["type"], token=None)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_openapi_is_served(api):
    answer = api.get("/openapi.json", token=None)
    assert answer.json()["openapi"].startswith("3.1")


def test_an_nginx_reload_fails_no_request(make_desk):
    desk = make_desk()
    token = desk.token()
    clients = [Api(desk, token) for _ in range(4)]
    order = clients[0].order()

    def work(number):
        statuses = []
        for n in range(150):
            if number == 0 and n % 10 == 0:
                desk.reload_nginx()
            # one connection each: nginx closes idle ones when it reloads
            once = {"Connection": "close"}
            answer = clients[number].get("/api/orders/" + order["id"],
                                         headers=once) \
                if n % 3 else clients[number].post(
                    "/api/orders", {"description": "r", "price": 1},
                    headers=once)
            statuses.append(answer.status_code)
        return statuses
    statuses = sum(in_parallel(4, work), [])
    assert set(statuses) == {200, 201} and len(statuses) == 600


def test_the_site_names_every_operation():
    from desk import RESPONDERS, ROOT
    site = ""
    for part in ("http", "server"):
        with open(os.path.join(ROOT, "nginx", f"{part}_ordermill.conf"),
                  encoding="utf-8") as file:
            site += file.read()
    for name in RESPONDERS:
        assert f"upstream ordermill_{name} {{" in site
        assert re.search(rf"(fastcgi_pass|default|POST|PATCH|PUT|DELETE) +"
                         rf"ordermill_{name};", site), name
    # nginx has no way to say it once: with kept connections, and without
    ways = {body.replace(name, "") for name, body in re.findall(
        r"^upstream ordermill_(\w+) (.*?^})", site, re.M | re.S)}
    assert len(ways) == 2
