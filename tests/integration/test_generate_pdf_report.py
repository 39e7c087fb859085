"""POST /api/reports, GET /api/reports/{id}"""
import hashlib
import os
import re
import time

import pytest

from support import Api, archived, in_parallel, pdf_text, problem, wait_until


@pytest.fixture(scope="module")
def shop(make_desk):
    return make_desk()


@pytest.fixture(scope="module")
def api(shop):
    return Api(shop, shop.token())


TEXTS = {
    "latin": "Zoë's crème brûlée — Łódź", "greek": "Ελαιόλαδο",
    "cyrillic": "Красная книга", "markup": "<b>bold</b> & <img src=//x>",
    "lines": "x\nPrice: 0", "emoji": "shoes 👟"}


@pytest.fixture(scope="module")
def deleted(api):
    orders = {name: api.order(description=text, price="12.34")
              for name, text in TEXTS.items()}
    orders["yen"] = api.order(currency="JPY", price="5000",
                              description="yen order")
    for order in orders.values():
        api.delete("/api/orders/" + order["id"])
    for order in orders.values():
        archived(api, order["id"])
    return orders


def report(api, **body):
    """Makes a report; its answer, waited for when it is a long one."""
    answer = api.post("/api/reports", body)
    assert answer.status_code in (201, 202), answer.text
    if answer.status_code == 201:
        return answer.json()
    place = answer.headers["Location"]
    return wait_until(lambda: (lambda b: b["state"] == "done" and b)(
        api.get(place).json()), 60, "the report")


def fetch(api, made):
    answer = api.get(made["url"], token=None)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/pdf"
    assert hashlib.sha256(answer.content).hexdigest() == made["sha256"]
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")
    return answer.content


def test_nothing_to_report_is_a_report_that_says_so(api, tmp_path):  # D20
    made = report(api, **{"from": "2020-01-01", "to": "2020-01-31",
                          "tz": "Europe/Berlin"})
    assert (made["orders"], made["pages"]) == (0, 1)
    text = pdf_text(fetch(api, made), tmp_path)
    assert re.search(r"\bno\b", text, re.I), text


def test_draws_what_was_deleted(api, deleted, tmp_path):
    made = report(api, title="Gone — ünïcode")
    assert made["orders"] == len(deleted)
    assert made["pages"] >= 1
    text = pdf_text(fetch(api, made), tmp_path)
    assert "Gone — ünïcode" in text
    assert f"{12.34 * len(TEXTS):.2f}" in text
    assert "JPY" in text and re.search(r"5[ ,.\u2009\u202f]?000", text)
    assert re.search(r"[Pp]age 1 of \d", text)


@pytest.mark.parametrize("name, shown", [
    ("latin", "Łódź"), ("greek", "Ελαιόλαδο"), ("cyrillic", "Красная"),
    ("markup", "<b>bold</b>")])                                 # D13, D14
def test_text_is_text_in_any_script(api, deleted, tmp_path, name, shown):
    assert shown in pdf_text(fetch(api, report(api)), tmp_path)


def test_a_line_break_cannot_forge_a_price(api, deleted, tmp_path):  # D12
    text = pdf_text(fetch(api, report(api)), tmp_path)
    assert "12.34" in text
    assert not re.search(r"^\s*Price: 0", text, re.M)


def test_a_character_without_a_glyph_is_noted(api, deleted, tmp_path):
    text = pdf_text(fetch(api, report(api)), tmp_path)
    assert "👟" in text or "U+1F45F" in text.replace("\n", "")


def test_takes_local_days(api, deleted):
    today = time.strftime("%Y-%m-%d")
    made = report(api, **{"from": today, "to": today, "tz": "UTC"})
    assert made["orders"] == len(deleted)
    past = report(api, **{"to": "2021-01-01", "tz": "America/New_York"})
    assert past["orders"] == 0


def test_the_report_is_there_again(api, deleted):
    answer = api.post("/api/reports", {})
    assert answer.status_code in (201, 202)
    location = answer.headers.get("Location")
    assert location
    body = api.get(location).json()
    assert {"id", "state", "done", "total", "detail"} <= set(body)


@pytest.mark.parametrize("body, pointer", [
    ({"from": "x"}, "/from"), ({"to": "2026-02-30"}, "/to"),
    ({"tz": "Mars/Olympus"}, "/tz"), ({"tz": "../etc"}, "/tz"),
    ({"title": "x" * 1000}, "/title"), ({"nope": 1}, "/nope"),
    ({"title": 5}, "/title")])
def test_names_the_member_that_is_wrong(api, body, pointer):
    problem(api.post("/api/reports", body), 422, "invalid", pointer)


def test_from_after_to_is_wrong(api):
    body = problem(api.post("/api/reports", {
        "from": "2026-02-01", "to": "2026-01-01"}), 422, "invalid")
    assert body["errors"][0]["pointer"] in ("/from", "/to")


@pytest.mark.parametrize("body", [b"[1]", b"{", b"null"])
def test_refuses_what_is_not_an_object(api, body):
    problem(api.raw("POST", "/api/reports", body), 400)


def test_an_unknown_report_is_404(api):
    problem(api.get("/api/reports/01934567-89ab-7def-8123-456789abcdef"), 404,
            "not-found")


@pytest.mark.parametrize("part", ["path", "signature", "expires", "date",
                                  "credential"])
def test_a_link_with_one_character_changed_is_refused(api, deleted, part):
    url = report(api)["url"]
    pattern = {"path": r"/reports/(.)", "signature":
               r"X-Amz-Signature=(.)", "expires": r"X-Amz-Expires=(.)",
               "date": r"X-Amz-Date=...(.)", "credential":
               r"X-Amz-Credential=(.)"}[part]
    at = re.search(pattern, url).start(1)
    for other in "1ab2":
        if other != url[at]:
            break
    answer = api.get(url[:at] + other + url[at + 1:], token=None)
    assert answer.status_code in (400, 403), answer.status_code
    if api.desk.profile == "local":     # else it is S3 that answers
        problem(answer, answer.status_code)


def test_damaged_objects_are_named_and_never_fatal(make_desk, tmp_path):
    desk = make_desk()
    api = Api(desk, desk.token())
    orders = [api.order(description=f"victim {n}") for n in range(6)]
    for order in orders:
        api.delete("/api/orders/" + order["id"])
    for order in orders:
        archived(api, order["id"], ("done",))
    keys = desk.objects.keys("archive")
    assert len(keys) == 6
    for key, content in zip(keys, (b"", b"{", b"\0" * 100,
                                   b"[" * 100_000)):
        desk.objects.write(key, content)
    made = report(api)
    assert made["orders"] == 2
    text = pdf_text(fetch(api, made), tmp_path)
    for key in keys[:4]:
        name = os.path.basename(key)
        assert name[:8] in text, text


def test_many_orders_come_complete_and_in_order(make_desk, tmp_path):  # D15
    desk = make_desk()
    token = desk.token()
    clients = [Api(desk, token) for _ in range(4)]
    each = 300 if desk.profile == "local" else 40   # peers are slow

    def fill(number):
        for n in range(each):
            order = clients[number].order(description=f"n{number}x{n:04}")
            clients[number].delete("/api/orders/" + order["id"])
    in_parallel(4, fill)
    api = clients[0]
    wait_until(lambda: api.get("/readyz").json()["deletions"]["open"] == 0,
               60, "closing all deletions")
    made = report(api)                                          # D24
    assert made["orders"] == 4 * each
    text = pdf_text(fetch(api, made), tmp_path)
    found = re.findall(r"n(\d)x(\d{4})", text)
    assert len(found) == len(set(found)) == 4 * each
    for number in "0123":
        own = [n for who, n in found if who == number]
        assert own == sorted(own) or own == sorted(own, reverse=True)
    assert len(re.findall(r"[Pp]age \d+ of", text)) == made["pages"]
