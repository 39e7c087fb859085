"""PATCH and PUT /api/orders/{id}"""
import pytest

from support import UNKNOWN_ID, in_parallel, problem


def path(order):
    return "/api/orders/" + order["id"]


def test_patch_merges(api):
    order = api.order(notes="a", metadata={"x": "1", "y": "2"},
                      customer={"name": "Ada", "email": "ada@example.org"})
    answer = api.patch(path(order), {
        "notes": "b", "metadata": {"x": None, "z": "3"},
        "customer": {"name": "Grace"}})
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"2"'
    changed = answer.json()
    assert changed["version"] == 2
    assert changed["notes"] == "b"
    assert changed["metadata"] == {"y": "2", "z": "3"}
    assert changed["customer"] == {"name": "Grace",
                                   "email": "ada@example.org"}
    assert changed["created_at"] == order["created_at"]
    assert changed["updated_at"] >= order["updated_at"]
    assert api.get(path(order)).json() == changed


@pytest.mark.parametrize("content_type", [
    "application/merge-patch+json", "application/json"])
def test_takes_both_media_types(api, content_type):
    order = api.order()
    assert api.raw("PATCH", path(order), b'{"notes":"x"}',
                   content_type).status_code == 200


def test_another_media_type_says_what_is_taken(api):
    answer = api.raw("PATCH", path(api.order()), b"[]",
                     "application/json-patch+json")
    problem(answer, 415)
    assert "application/merge-patch+json" in answer.headers["Accept-Patch"]


def test_price_follows_the_lines(api):
    order = api.order(lines=[{"name": "a", "quantity": 1,
                              "unit_price": "2.00"}])
    changed = api.patch(path(order), {"lines": [
        {"name": "a", "quantity": 3, "unit_price": "2.00"}]}).json()
    assert changed["price"] == "6.00"


def test_put_replaces(api):
    order = api.order(notes="old", metadata={"x": "1"})
    answer = api.put(path(order), {"description": "new", "price": "7"})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["description"], changed["price"]) == ("new", "7.00")
    assert (changed["notes"], changed["metadata"]) == ("", {})
    assert (changed["id"], changed["version"]) == (order["id"], 2)
    assert changed["created_at"] == order["created_at"]


@pytest.mark.parametrize("member, pointer", [
    ({"prize": 6}, "/prize"),                                   # D21
    ({"description": None}, "/description"),
    ({"price": "NaN"}, "/price"),
    ({"status": "gone"}, "/status"),
    ({"customer": {"email": "x"}}, "/customer/email"),
    ({"id": "x"}, "/id"), ({"version": 7}, "/version"),
    ({"created_at": "2020-01-01T00:00:00Z"}, "/created_at")])
def test_names_the_member_that_is_wrong(api, member, pointer):
    order = api.order()
    problem(api.patch(path(order), member), 422, "invalid", pointer)
    assert api.get(path(order)).json() == order


@pytest.mark.parametrize("body", [b"", b"[1]", b'"str"', b"null", b"{"])
def test_refuses_what_is_not_an_object(api, body):              # D4
    problem(api.raw("PATCH", path(api.order()), body), 400)


# --- status -----------------------------------------------------------------------

def test_status_goes_forward(api):
    order = api.order()
    for status in ("confirmed", "shipped", "delivered"):
        order = api.patch(path(order), {"status": status}).json()
        assert order["status"] == status
    assert order["version"] == 4


@pytest.mark.parametrize("before, after", [
    ([], "shipped"), ([], "delivered"), (["confirmed"], "pending"),
    (["confirmed", "shipped"], "cancelled"),
    (["confirmed", "shipped"], "confirmed"), (["cancelled"], "confirmed"),
    (["confirmed", "shipped", "delivered"], "pending")])
def test_illegal_status_changes_list_the_legal_ones(api, before, after):
    order = api.order()
    for status in before:
        order = api.patch(path(order), {"status": status}).json()
    body = problem(api.patch(path(order), {"status": after}), 409,
                   "illegal-status-change")
    legal = {"pending": ["confirmed", "cancelled"],
             "confirmed": ["shipped", "cancelled"], "shipped": ["delivered"],
             "delivered": [], "cancelled": []}[order["status"]]
    for status in legal:
        assert status in body["detail"]
    assert api.get(path(order)).json() == order


# --- conditions ---------------------------------------------------------------------

def test_if_match_fails_with_the_current_etag(api):
    order = api.order()
    api.patch(path(order), {"notes": "x"})
    answer = api.patch(path(order), {"notes": "y"},
                       headers={"If-Match": '"1"'})
    problem(answer, 412, "changed")
    assert answer.headers["ETag"] == '"2"'
    assert api.get(path(order)).json()["notes"] == "x"


@pytest.mark.parametrize("value", ['"1"', "*", '"7", "1"'])
def test_if_match_holds(api, value):
    answer = api.patch(path(api.order()), {"notes": "x"},
                       headers={"If-Match": value})
    assert answer.status_code in (200, 400 if "," in value else 200)


@pytest.mark.parametrize("value", ["1", '"', "", '"1', '""', '"a"'])
def test_malformed_if_match_is_400_or_never_matches(api, value):
    order = api.order()
    answer = api.patch(path(order), {"notes": "x"},
                       headers={"If-Match": value})
    assert answer.status_code in (400, 412), answer.text
    assert api.get(path(order)).json() == order


def test_a_weak_etag_never_matches(api):
    answer = api.patch(path(api.order()), {"notes": "x"},
                       headers={"If-Match": 'W/"1"'})
    assert answer.status_code in (400, 412)


def test_if_match_can_be_required(make_desk):
    from support import Api
    desk = make_desk({"orders.require_if_match": "yes"})
    api = Api(desk, desk.token())
    order = api.order()
    problem(api.patch(path(order), {"notes": "x"}), 428,
            "precondition-required")
    problem(api.delete(path(order)), 428, "precondition-required")
    answer = api.patch(path(order), {"notes": "x"},
                       headers={"If-Match": '"1"'})
    assert answer.status_code == 200


def test_a_hundred_parallel_patches_with_one_etag_let_one_through(api):
    order = api.order()
    clients = [api.again() for _ in range(100)]
    answers = in_parallel(100, lambda n: clients[n].patch(
        path(order), {"notes": str(n)}, headers={"If-Match": '"1"'}), 50)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [412] * 99
    for answer in answers:
        assert answer.headers["ETag"] == '"2"'
    winner = next(a for a in answers if a.status_code == 200)
    assert api.get(path(order)).json() == winner.json()


def test_parallel_patches_without_conditions_all_count(api):
    order = api.order()
    clients = [api.again() for _ in range(40)]
    answers = in_parallel(40, lambda n: clients[n].patch(
        path(order), {"metadata": {f"m{n}": str(n)}}), 20)
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(a.json()["version"] for a in answers) == \
        list(range(2, 42))
    assert len(api.get(path(order)).json()["metadata"]) == 40


def test_idempotency_key_replays_a_patch(api):
    order = api.order()
    headers = {"Idempotency-Key": "patch-" + order["id"]}
    first = api.patch(path(order), {"notes": "x"}, headers=headers)
    second = api.patch(path(order), {"notes": "x"}, headers=headers)
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert api.get(path(order)).json()["version"] == 2


# --- what is not there ---------------------------------------------------------------

def test_an_unknown_order_is_404(api):
    problem(api.patch("/api/orders/" + UNKNOWN_ID, {"notes": "x"}), 404,
            "not-found")


def test_a_deleted_order_is_410(api):
    order = api.order()
    api.delete(path(order))
    problem(api.patch(path(order), {"notes": "x"}), 410, "deleted")
    problem(api.put(path(order), {"description": "a", "price": 1}), 410,
            "deleted")
