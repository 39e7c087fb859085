"""Tokens, scopes, CORS, trace ids: what is the same for all operations"""
import re
import time

import pytest

from support import Api, UNKNOWN_ID, problem, wait_until

ROUTES = [
    ("POST", "/api/orders", "orders:write"),
    ("GET", "/api/orders", "orders:read"),
    ("GET", "/api/orders/" + UNKNOWN_ID, "orders:read"),
    ("PATCH", "/api/orders/" + UNKNOWN_ID, "orders:write"),
    ("PUT", "/api/orders/" + UNKNOWN_ID, "orders:write"),
    ("DELETE", "/api/orders/" + UNKNOWN_ID, "orders:delete"),
    ("GET", "/api/archive", "orders:read"),
    ("GET", "/api/archive/" + UNKNOWN_ID, "orders:read"),
    ("POST", "/api/archive", "archive:run"),
    ("POST", "/api/images", "images:write"),
    ("POST", "/api/reports", "reports:write"),
    ("GET", "/api/reports/" + UNKNOWN_ID, "reports:write")]
OPEN = ["/api/subscriptions", "/api/subscriptions/confirm",
        "/api/unsubscribe", "/events/order-deleted"]


def send(api, method, path, **more):
    body = {"json": {}} if method in ("POST", "PATCH", "PUT") else {}
    return api.send(method, path, **body, **more)


@pytest.mark.parametrize("method, path, scope", ROUTES)
def test_without_a_token_it_is_401(api, method, path, scope):
    answer = send(api, method, path, token=None)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", [
    "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer om_" + "A" * 43,
    "Bearer om_" + "A" * 43, "Bearer om_" + "A" * 42,
    "Bearer " + "x" * 5000, "om_" + "A" * 43])
def test_a_wrong_token_is_401(api, header):
    answer = api.get("/api/orders", token=None,
                     headers={"Authorization": header})
    problem(answer, 401, "unauthenticated")


@pytest.fixture(scope="module")
def narrow(desk):
    """One token per scope."""
    scopes = sorted({scope for _, _, scope in ROUTES})
    return {scope: desk.token([scope]) for scope in scopes}


@pytest.mark.parametrize("method, path, scope", ROUTES)
def test_another_scope_is_403_and_named(api, narrow, method, path, scope):
    for other, token in narrow.items():
        answer = send(api, method, path, token=token)
        if other == scope:
            assert answer.status_code not in (401, 403), answer.text
        else:
            assert scope in problem(answer, 403, "forbidden")["detail"]


@pytest.mark.parametrize("path", OPEN)
def test_the_open_routes_need_no_token(stranger, path):
    answer = send(stranger, "POST", path)
    assert answer.status_code in (400, 403, 415, 422)
    assert answer.json()["type"] != "/problems/forbidden"


def test_a_revoked_token_is_worth_nothing_within_five_seconds(desk, api):
    token = desk.token(name="short-lived")
    assert api.get("/api/orders", token=token).status_code == 200
    started = time.monotonic()
    desk.command("token", "revoke", "short-lived")
    wait_until(lambda: api.get("/api/orders",
                               token=token).status_code == 401, 5)
    assert time.monotonic() - started < 5


def test_tokens_are_stored_hashed(desk, api):
    token = desk.token(name="hashed")
    with open(desk.state + "/tokens", encoding="utf-8") as file:
        text = file.read()
    assert "hashed" in text and token not in text
    assert "hashed" in desk.command("token", "list").stdout


def test_no_token_is_in_a_log(desk, api):
    import glob
    api.get("/api/orders?q=x")
    api.get("/api/orders", token="om_" + "Z" * 43)
    time.sleep(1.2)
    for path in glob.glob(desk.log_dir + "/*"):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        assert api.token not in text, path
        assert "Z" * 43 not in text, path


# --- methods and paths ---------------------------------------------------------------

@pytest.mark.parametrize("path, allowed", [
    ("/api/orders", {"GET", "HEAD", "POST"}),
    ("/api/orders/" + UNKNOWN_ID,
     {"GET", "HEAD", "PATCH", "PUT", "DELETE"}),
    ("/api/images", {"POST"}), ("/api/reports", {"POST"}),
    ("/api/archive", {"GET", "HEAD", "POST"}),
    ("/api/archive/" + UNKNOWN_ID, {"GET", "HEAD"}),
    ("/api/subscriptions", {"POST"}),
    ("/api/subscriptions/confirm", {"POST"}),
    ("/api/unsubscribe", {"GET", "POST"}), ("/events/order-deleted", {"POST"}),
    ("/readyz", {"GET", "HEAD"}), ("/metrics", {"GET", "HEAD"})])
def test_another_method_is_405_with_allow(api, path, allowed):
    answer = api.send("BREW", path)
    problem(answer, 405, "method-not-allowed")
    names = set(re.split(r",\s*", answer.headers["Allow"])) - {"OPTIONS"}
    assert names >= allowed
    assert names <= allowed | {"HEAD"}


@pytest.mark.parametrize("path", [
    "/api/", "/api/nope", "/api/orders/", "/api/orders/x/y", "/api/orderss",
    "/api/archive/x/y", "/api/subscriptions/nope", "/events/", "/api/reports/",
    "/API/orders"])
def test_another_path_is_404(api, path):
    answer = api.get(path)
    if path == "/API/orders":
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        problem(answer, 404, "not-found")


# --- CORS ----------------------------------------------------------------------------

@pytest.fixture(scope="module")
def foreign(make_desk):
    desk = make_desk({"access.origins":
                      "https://desk.example https://other.example:8443"})
    return Api(desk, desk.token())


def test_cors_lets_listed_origins_in(foreign):
    order = foreign.order()
    for origin in ("https://desk.example", "https://other.example:8443"):
        answer = foreign.get("/api/orders/" + order["id"],
                             headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
        exposed = answer.headers["Access-Control-Expose-Headers"].lower()
        assert "etag" in exposed and "location" in exposed
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", [
    "https://desk.example.evil", "https://evil.example", "null",
    "http://desk.example", "https://DESK.example", "https://desk.example:444",
    "https://desk.example https://other.example:8443"])
def test_cors_lets_nobody_else_in(foreign, origin):
    answer = foreign.get("/api/orders", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method, path", [
    ("POST", "/api/orders"), ("PATCH", "/api/orders/" + UNKNOWN_ID),
    ("DELETE", "/api/orders/" + UNKNOWN_ID), ("POST", "/api/images"),
    ("POST", "/api/reports"), ("POST", "/api/subscriptions"),
    ("POST", "/api/archive")])
def test_cors_preflight(foreign, method, path):
    answer = foreign.send("OPTIONS", path, token=None, headers={
        "Origin": "https://desk.example",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers":
            "authorization, content-type, if-match, idempotency-key"})
    assert answer.status_code == 204, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == \
        "https://desk.example"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    for name in ("authorization", "content-type", "if-match",
                 "idempotency-key", "traceparent"):
        assert name in allowed


def test_errors_carry_cors_too(foreign):
    answer = foreign.get("/api/orders", token=None,
                         headers={"Origin": "https://desk.example"})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == \
        "https://desk.example"


# --- traces ---------------------------------------------------------------------------

def test_a_trace_goes_on(api):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = problem(api.get("/api/orders/" + UNKNOWN_ID, headers={
        "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}), 404)
    assert body["trace_id"] == trace


@pytest.mark.parametrize("header", [
    "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "x",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
def test_a_malformed_trace_starts_a_new_one(api, header):
    body = problem(api.get("/api/orders/" + UNKNOWN_ID,
                           headers={"traceparent": header}), 404)
    assert body["trace_id"] not in header.lower()


def test_request_ids_differ_and_are_in_the_log(desk, api):
    answers = [api.get("/api/orders/" + UNKNOWN_ID) for _ in range(3)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 3
    own = api.get("/api/nope").headers["X-Request-Id"]
    time.sleep(1.2)     # nginx writes its log once a second
    with open(f"{desk.log_dir}/get_order_by_id.log", encoding="utf-8") as file:
        lines = file.read().splitlines()
    with open(f"{desk.log_dir}/access.log", encoding="utf-8") as file:
        nginx = file.read()
    for request_id in ids:
        line, = [line for line in lines if "request_id=" + request_id in line]
        assert "client=127.0.0.1" in line
        assert request_id not in nginx      # each answer is logged once
    assert "request_id=" + own in nginx


def test_a_clients_request_id_is_taken_only_when_harmless(api):
    for sent, taken in (("its-own.1", True), ("x" * 200, False),
                        ('a"b', False), ("a b", False), ("ä", False)):
        answer = api.get("/api/orders/" + UNKNOWN_ID,
                         headers={"X-Request-Id": sent.encode()})
        assert (answer.headers["X-Request-Id"] == sent) is taken, sent
