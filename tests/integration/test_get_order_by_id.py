"""GET /api/orders/{id}, GET /api/archive/{order_id}"""
import pytest

from support import UNKNOWN_ID, archived, problem


def test_gives_the_order_with_its_etag(api):
    order = api.order()
    answer = api.get("/api/orders/" + order["id"])
    assert (answer.status_code, answer.json()) == (200, order)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("value, status", [
    ('"1"', 304), ('W/"1"', 304), ("*", 304), ('"7", "1"', 304), ('"2"', 200)])
def test_if_none_match(api, value, status):
    order = api.order()
    answer = api.get("/api/orders/" + order["id"],
                     headers={"If-None-Match": value})
    assert answer.status_code == status
    assert answer.headers["ETag"] == '"1"'
    if status == 304:
        assert answer.content == b""


def test_head_has_no_body(api):
    order = api.order()
    answer = api.send("HEAD", "/api/orders/" + order["id"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize("order_id", [
    UNKNOWN_ID, "x", "1", "..x", "%00", "a" * 300,
    UNKNOWN_ID.upper(), UNKNOWN_ID + "x"])
def test_what_never_existed_is_404(api, order_id):
    answer = api.get("/api/orders/" + order_id)
    problem(answer, 400 if "%00" in order_id else 404)


def test_a_deleted_order_is_410_with_a_link_to_the_archive(api):
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    answer = api.get("/api/orders/" + order["id"])
    problem(answer, 410, "deleted")
    assert "/api/archive/" + order["id"] in \
        answer.headers.get("Link", "") + answer.text


def test_the_archive_entry(api):
    order = api.order(description="to be archived")
    deletion = api.delete("/api/orders/" + order["id"]).json()
    entry = archived(api, order["id"], ("done",))
    assert entry["order"] == order
    facts = entry["deletion"]
    assert facts["event_id"] == deletion["event_id"]
    assert facts["deleted_at"] == deletion["deleted_at"]
    assert facts["archived_at"] >= facts["deleted_at"]
    day = facts["deleted_at"][:10].replace("-", "/")
    assert facts["archive"] == f"archive/{day}/{facts['event_id']}.json"
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize("order_id", [UNKNOWN_ID, "x"])
def test_an_archive_entry_that_is_not_there_is_404(api, order_id):
    problem(api.get("/api/archive/" + order_id), 404, "not-found")


def test_a_live_order_is_not_in_the_archive(api):
    problem(api.get("/api/archive/" + api.order()["id"]), 404, "not-found")
