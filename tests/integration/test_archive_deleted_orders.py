"""POST /api/archive, /readyz, /metrics"""
import re

import pytest

from support import archived, problem


@pytest.fixture
def lone(make_desk):
    """Without a relay: only the reconciler archives."""
    from support import Api
    desk = make_desk()
    desk.pause_program("relay")
    return Api(desk, desk.token())


def test_archives_what_the_event_path_missed(lone):             # D9
    orders = [lone.order(description=f"missed {n}") for n in range(7)]
    for order in orders:
        lone.delete("/api/orders/" + order["id"])
    assert {entry["state"] for entry in
            lone.get("/api/archive").json()["data"]} == {"pending"}
    answer = lone.post("/api/archive")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"examined": 7, "archived": 7,
                             "already_archived": 0, "failed": 0}
    for order in orders:
        entry = archived(lone, order["id"])
        assert entry["order"] == order
    assert lone.post("/api/archive").json()["archived"] == 0
    lone.desk.resume_program("relay")
    for order in orders:
        archived(lone, order["id"], ("done",))


def test_counts_what_fails_and_goes_on(lone):                   # D8
    from test_delete_order import break_archive, mend_archive
    order = lone.order()
    lone.delete("/api/orders/" + order["id"])
    break_archive(lone.desk)
    try:
        answer = lone.post("/api/archive")
        if answer.status_code == 503:
            problem(answer, 503, "unavailable")
            assert answer.headers["Retry-After"]
        else:
            assert answer.json()["failed"] == 1
    finally:
        mend_archive(lone.desk)
    assert lone.post("/api/archive").json()["archived"] == 1


def test_needs_its_scope(desk, api):
    other = desk.token(["orders:read"])
    body = problem(api.post("/api/archive", token=other), 403, "forbidden")
    assert "archive:run" in body["detail"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"redrive":1}',
                                  b'{"nope":true}'])
def test_refuses_a_wrong_body(api, body):
    answer = api.raw("POST", "/api/archive", body)
    assert answer.status_code in (400, 422), answer.text
    problem(answer, answer.status_code)


def test_readyz_names_each_dependency(api):
    answer = api.get("/readyz", token=None)
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ready"
    assert {"database", "object_archive"} <= {
        entry["name"] for entry in body["dependencies"]}
    for entry in body["dependencies"]:
        assert set(entry) == {"name", "adapter", "status", "detail"}
    assert set(body["deletions"]) == {"open", "oldest_at", "dead"}
    assert set(body["mails"]) == {"waiting", "dead"}


def test_livez_answers_without_a_responder(api):
    assert api.get("/livez", token=None).status_code == 200


def test_metrics_are_prometheus_text(api):
    answer = api.get("/metrics", token=None)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines()
             if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r'[a-z_:]+(\{[^}]*\})? -?[0-9.e+-]+', line), line
