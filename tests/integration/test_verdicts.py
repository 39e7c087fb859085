"""What an order keeps of a verdict, and what a mismatch needs. The receipts say
what the test wants: signed anew with the desk's own secret."""
import base64
import hashlib
import hmac
import json
import os

import pytest

from support import archived, pdf_text, png, problem

SEEN = {"labels": [{"name": "dining table", "confidence": 0.71},
                   {"name": "cat", "confidence": 0.93}],
        "confidence": 0.93, "model": "coco-ssd 1.0.6"}


def encode(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture
def receipt(desk, api):
    def make(description, **said):
        given = api.raw("POST", "/api/images?description=" + description,
                        png(), "image/png").json()["receipt"]
        payload = given.partition(".")[0]
        content = json.loads(base64.urlsafe_b64decode(
            payload + "=" * (-len(payload) % 4)))
        content["image"].update(said)
        signed = json.dumps(content, separators=(",", ":")).encode()
        with open(os.path.join(desk.state, "secrets", "site.key")) as file:
            secret = bytes.fromhex(file.readline().strip())
        mac = hmac.new(secret, b"receipt " + hashlib.sha256(signed).digest(),
                       hashlib.sha256).digest()
        return {"receipt": encode(signed) + "." + encode(mac)}
    return make


def test_a_mismatch_is_refused_until_it_is_accepted(api, receipt):
    order = {"description": "mug", "price": "5",
             "image": receipt("mug", verdict="mismatch", **SEEN)}
    body = problem(api.post("/api/orders", order), 409, "image-mismatch")
    assert "cat (93 %)" in body["detail"]
    assert '"accept_mismatch": true' in body["detail"]
    problem(api.post("/api/orders", {**order, "accept_mismatch": False}), 409,
            "image-mismatch")
    answer = api.post("/api/orders", {**order, "accept_mismatch": True})
    assert answer.status_code == 201, answer.text
    image = answer.json()["image"]
    assert image["accepted_by_user"] is True
    assert {name: image[name] for name in SEEN} == SEEN
    assert image["verdict"] == "mismatch"


@pytest.mark.parametrize("verdict", ["match", "unsure", "not_checked"])
def test_nothing_else_needs_a_word(api, receipt, verdict):
    answer = api.post("/api/orders", {
        "description": "mug", "price": "5",
        "image": receipt("mug", verdict=verdict, **SEEN)})
    assert answer.status_code == 201, answer.text
    image = answer.json()["image"]
    assert (image["verdict"], image["accepted_by_user"]) == (verdict, False)


def test_a_photo_put_on_later_needs_it_too(api, receipt):
    order = api.order(description="mug")
    change = {"image": receipt("mug", verdict="mismatch", **SEEN)}
    headers = {"If-Match": f'"{order["version"]}"'}
    place = "/api/orders/" + order["id"]
    problem(api.patch(place, change, headers=headers), 409, "image-mismatch")
    changed = api.patch(place, {**change, "accept_mismatch": True},
                        headers=headers)
    assert changed.status_code == 200, changed.text
    assert changed.json()["image"]["accepted_by_user"] is True


def test_archive_and_report_say_it_too(api, receipt, tmp_path):
    title = "verdicts of this test"
    wanted = {"mismatch": "Photo: cat 93 %, does not fit, accepted by hand",
              "match": "Photo: cat 93 %, fits",
              "unsure": "Photo: cat 93 %, unclear"}
    for verdict in wanted:
        order = api.order(description="mug", accept_mismatch=True,
                          image=receipt("mug", verdict=verdict, **SEEN))
        api.delete("/api/orders/" + order["id"])
        image = archived(api, order["id"])["order"]["image"]
        assert {name: image[name] for name in SEEN} == SEEN
        assert image["verdict"] == verdict
        assert image["accepted_by_user"] is (verdict == "mismatch")
    made = api.post("/api/reports", {"title": title}).json()
    text = " ".join(pdf_text(api.get(made["url"], token=None).content,
                             tmp_path).split())
    for words in wanted.values():
        assert words in text
