"""POST /api/orders"""
import json
import re
import time

import pytest

from support import in_parallel, png, problem

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                   r"[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_answers_with_the_whole_order(api):
    answer = api.post("/api/orders", {
        "description": "  red running shoes ",
        "customer": {"name": "Ada", "email": "ada@example.org"},
        "lines": [{"sku": "SHOE-42", "name": "Running shoe", "quantity": 2,
                   "unit_price": "59.90"}],
        "notes": "gift", "metadata": {"channel": "shop"}})
    assert answer.status_code == 201
    order = answer.json()
    assert list(order) == [
        "id", "version", "status", "description", "customer", "lines",
        "currency", "price", "notes", "metadata", "image", "created_at",
        "updated_at"]
    assert UUID7.fullmatch(order["id"])
    assert abs(int(order["id"].replace("-", "")[:12], 16) / 1000
               - time.time()) < 60
    assert (order["version"], order["status"]) == (1, "pending")
    assert order["description"] == "red running shoes"
    assert (order["price"], order["currency"]) == ("119.80", "EUR")
    assert order["lines"][0]["unit_price"] == "59.90"
    assert order["metadata"] == {"channel": "shop"}
    assert order["image"] is None
    assert TIME.fullmatch(order["created_at"])
    assert order["created_at"] == order["updated_at"]
    assert answer.headers["Location"] == "/api/orders/" + order["id"]
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["X-Request-Id"]
    assert api.get(answer.headers["Location"]).json() == order


@pytest.mark.parametrize("price, shown", [
    ("5", "5.00"), (5, "5.00"), (59.90, "59.90"), ("0.01", "0.01")])
def test_takes_an_exact_price(api, price, shown):
    assert api.order(price=price)["price"] == shown


@pytest.mark.parametrize("currency, price, shown", [
    ("JPY", "1980", "1980"), ("KWD", "18.750", "18.750"),
    ("USD", "6.95", "6.95")])
def test_knows_the_scale_of_a_currency(api, currency, price, shown):
    order = api.order(currency=currency, price=price)
    assert (order["currency"], order["price"]) == (currency, shown)


@pytest.mark.parametrize("members, pointer", [
    ({"description": None}, "/description"),                    # D1
    ({"description": ""}, "/description"),
    ({"description": "   "}, "/description"),
    ({"description": 5}, "/description"),
    ({"description": "x" * 501}, "/description"),
    ({"price": "NaN"}, "/price"),                               # D2
    ({"price": "Infinity"}, "/price"),                          # D3
    ({"price": "1e400"}, "/price"),                             # D3
    ({"price": "0"}, "/price"),
    ({"price": "-1.00"}, "/price"),
    ({"price": "1.001"}, "/price"),
    ({"price": 1.001}, "/price"),
    ({"price": True}, "/price"),
    ({"price": ""}, "/price"),
    ({"price": "1,50"}, "/price"),
    ({"price": "99999999999999999999"}, "/price"),
    ({"price": "5.5", "currency": "JPY"}, "/price"),
    ({"currency": "XXQ"}, "/currency"),
    ({"currency": "eur"}, "/currency"),
    ({"customer": {"email": "a@b.c\n"}}, "/customer/email"),    # D19
    ({"customer": {"email": "a@b..c"}}, "/customer/email"),     # D19
    ({"customer": {"email": "nobody"}}, "/customer/email"),
    ({"customer": "Ada"}, "/customer"),
    ({"customer": {"phone": "1"}}, "/customer/phone"),
    ({"prize": 6}, "/prize"),                                   # D21
    ({"notes": "x" * 5001}, "/notes"),
    ({"metadata": {"a": 1}}, "/metadata/a"),
    ({"metadata": {str(n): "" for n in range(51)}}, "/metadata"),
    ({"lines": [{"name": "a", "quantity": 0, "unit_price": "1"}]},
     "/lines/0/quantity"),
    ({"lines": [{"name": "a", "quantity": 1.5, "unit_price": "1"}]},
     "/lines/0/quantity"),
    ({"lines": [{"quantity": 1, "unit_price": "59.90"}]}, "/lines/0/name"),
    ({"lines": [{"name": "a", "quantity": 2, "unit_price": "1"}]}, "/price"),
    ({"image": {"receipt": "made.up"}}, "/image/receipt"),
    ({"status": "shipped"}, "/status"),
    ({"id": "x"}, "/id"),
])
def test_names_the_member_that_is_wrong(api, members, pointer):
    draft = {"description": "a", "price": "59.90", **members}
    problem(api.post("/api/orders", draft), 422, "invalid", pointer)


def test_names_every_member_that_is_wrong(api):
    body = problem(api.post("/api/orders", {
        "price": "x", "customer": {"email": "y"}}), 422, "invalid")
    assert {item["pointer"] for item in body["errors"]} == {
        "/description", "/price", "/customer/email"}


def test_needs_a_price_or_lines(api):
    for more in ({}, {"lines": []}):
        problem(api.post("/api/orders", {"description": "a", **more}), 422,
                "invalid", "/price")


@pytest.mark.parametrize("body", [
    b"", b"{", b"[1]", b'"str"', b"null", b"{}x", b"{'a':1}", b'{"a":1,}',
    b'{"description":"a","description":"b","price":1}',
    b'{"description":"a","price":NaN}', b'{"description":"a","price":1.}',
    b'{"description":"a","price":01}', b'{"description":"\xc0\xaf","price":1}',
    b'{"description":"\xed\xa0\x80","price":1}',
    b'{"description":"\\ud800","price":1}',
    b'{"description":"a\nb","price":1}', b'{"description":"a\\u0000","price":1}',
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b'\xef\xbb\xbf{"description":"a","price":1}',
    b'{"description":"a" /* b */,"price":1}'])
def test_refuses_what_is_not_json(api, body):                   # D4
    problem(api.raw("POST", "/api/orders", body), 400)


@pytest.mark.parametrize("content_type", [
    "text/plain", "application/xml", "application/x-www-form-urlencoded",
    "application/jsonx", ""])
def test_refuses_another_media_type(api, content_type):
    answer = api.raw("POST", "/api/orders", b'{"description":"a","price":1}',
                     content_type)
    problem(answer, 415)
    assert "application/json" in answer.headers["Accept-Post"]


def test_takes_json_with_a_charset(api):
    answer = api.raw("POST", "/api/orders", b'{"description":"a","price":1}',
                     "application/json; charset=utf-8")
    assert answer.status_code == 201


def test_refuses_a_body_over_64_kib(api):
    problem(api.raw("POST", "/api/orders",
                    b'{"description":"' + b"a" * (64 << 10) + b'"}'),
            413, "too-large")


def test_keeps_text_as_it_came(api):
    text = "x\nPrice: 0 <b>&amp;</b> ﷽ 👟 עברית\t\"\\/"
    assert api.order(notes=text)["notes"] == text
    assert api.order(description=text)["description"].startswith("x\nPrice")


def test_takes_the_clients_price_with_a_photo(api):             # D23
    seen = api.raw("POST", "/api/images?description=a%20mug", png(),
                   "image/png").json()
    order = api.order(description="a mug", price="12.34",
                      image={"receipt": seen["receipt"]})
    assert order["price"] == "12.34"
    assert order["image"]["id"] == seen["image_id"]
    assert order["image"]["verdict"] == "not_checked"
    photo = api.get(order["image"]["url"], token=None)
    assert photo.status_code == 200
    assert photo.headers["Content-Type"] == "image/png"


def test_binds_the_receipt_to_the_description(api):
    seen = api.raw("POST", "/api/images?description=a%20mug", png(),
                   "image/png").json()
    problem(api.post("/api/orders", {
        "description": "a car", "price": 1,
        "image": {"receipt": seen["receipt"]}}), 422, "invalid",
        "/image/receipt")


def test_refuses_a_receipt_with_one_byte_changed(api):
    receipt = api.raw("POST", "/api/images?description=a", png(),
                      "image/png").json()["receipt"]
    middle = len(receipt) // 2
    changed = "A" if receipt[middle] != "A" else "B"
    problem(api.post("/api/orders", {
        "description": "a", "price": 1, "image": {
            "receipt": receipt[:middle] + changed + receipt[middle + 1:]}}),
        422, "invalid", "/image/receipt")


# --- Idempotency-Key --------------------------------------------------------------

def keyed(api, key, body, **more):
    return api.post("/api/orders", body, headers={"Idempotency-Key": key},
                    **more)


def test_replays_the_same_answer_for_the_same_key(api):
    draft = {"description": "once", "price": "1.00"}
    first = keyed(api, "replay-1", draft)
    second = keyed(api, '"replay-1"', draft)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    for name in ("Location", "ETag", "Content-Type"):
        assert second.headers[name] == first.headers[name]


def test_refuses_a_key_with_another_body(api):
    keyed(api, "reused", {"description": "a", "price": "1.00"})
    problem(keyed(api, "reused", {"description": "b", "price": "1.00"}), 422,
            "idempotency-key-reused")


def test_forgets_a_key_whose_request_was_invalid(api):
    problem(keyed(api, "mended", {"description": ""}), 422)
    answer = keyed(api, "mended", {"description": "a", "price": "1.00"})
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers


def test_keeps_keys_of_callers_apart(desk, api):
    draft = {"description": "a", "price": "1.00"}
    mine = keyed(api, "whose", draft).json()
    theirs = keyed(api, "whose", draft, token=desk.token()).json()
    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize("key", ["", '""', "x" * 256, '"open', 'a"b', "ä"])
def test_refuses_a_malformed_key(api, key):
    problem(keyed(api, key.encode(), {"description": "a", "price": 1}), 400)


def test_fifty_parallel_posts_with_one_key_make_one_order(api):
    marker = f"parallel{time.time_ns()}"
    clients = [api.again() for _ in range(50)]

    def post(number):
        while True:
            answer = keyed(clients[number], marker,
                           {"description": marker, "price": "1.00"})
            if answer.status_code != 409:
                return answer
            problem(answer, 409, "in-progress")
            time.sleep(0.01)
    answers = in_parallel(50, post)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    fresh = [answer for answer in answers
             if "Idempotent-Replayed" not in answer.headers]
    assert len(fresh) == 1
    listed = api.get("/api/orders", params={"q": marker}).json()["data"]
    assert [order["id"] for order in listed] == [answers[0].json()["id"]]


def test_the_answer_is_canonical_json(api):
    answer = api.post("/api/orders", {"description": "ü", "price": 1})
    assert answer.content.decode().strip() == json.dumps(
        answer.json(), separators=(",", ":"), ensure_ascii=False)
