"""POST /events/order-deleted: SNS's envelope, true and forged"""
import base64
import json
import subprocess
import time

import pytest

from support import Api, UNKNOWN_ID, archive_object, archived, problem, \
    wait_until

ROUTE = "/events/order-deleted"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp",
                     "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL",
                                 "Timestamp", "Token", "TopicArn", "Type")}


@pytest.fixture(scope="module")
def quiet(make_desk):
    """Its relay has subscribed and then stopped: only these tests ring."""
    desk = make_desk()
    api = Api(desk, desk.token())
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    archived(api, order["id"], ("done",))
    desk.pause_program("relay")
    return desk


@pytest.fixture(scope="module")
def api(quiet):
    return Api(quiet, quiet.token())


@pytest.fixture
def deletion(api):
    order = api.order(description="to be rung")
    return order, api.delete("/api/orders/" + order["id"]).json()


def string_to_sign(message):
    return "".join(f"{name}\n{message[name]}\n"
                   for name in SIGNED[message["Type"]] if name in message)


def sign(desk, message, version="2", key=None):
    digest = "-sha256" if version == "2" else "-sha1"
    key = key or desk.bus.key
    made = subprocess.run(["openssl", "dgst", digest, "-sign", key],
                          input=string_to_sign(message).encode(),
                          capture_output=True, check=True)
    return {**message, "SignatureVersion": version,
            "Signature": base64.b64encode(made.stdout).decode()}


def notification(desk, deletion, **changes):
    message = {
        "Type": "Notification", "MessageId":
        "0a1b2c3d-0000-4000-8000-" + f"{time.time_ns() & (1 << 48) - 1:012x}",
        "TopicArn": desk.bus.topic, "Subject": "Order deleted",
        "Message": json.dumps({"event_id": deletion["event_id"],
                               "order": {"id": deletion["id"]}}),
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "UnsubscribeURL": "https://sns.local.amazonaws.com/?x=y"}
    message.update(changes)
    message = sign(desk, {k: v for k, v in message.items() if v is not None})
    message["SigningCertURL"] = desk.bus.certificate_url
    return message


def ring(api, message, **headers):
    body = message if isinstance(message, bytes) else \
        json.dumps(message).encode()
    return api.raw("POST", ROUTE, body, "text/plain; charset=UTF-8",
                   token=None, headers=headers)


def state(api, order):
    return api.get("/api/archive/" + order["id"]).json()["deletion"]["state"]


def test_a_true_message_is_archived_before_it_is_answered(quiet, api,
                                                          deletion):
    order, facts = deletion
    assert state(api, order) == "pending"
    answer = ring(api, notification(quiet, facts))
    assert answer.status_code == 200, answer.text
    entry = api.get("/api/archive/" + order["id"]).json()
    assert entry["deletion"]["state"] == "archived"
    assert json.loads(archive_object(quiet, entry))["order"] == order


def test_the_same_message_again_is_success_and_changes_nothing(
        quiet, api, deletion):
    order, facts = deletion
    message = notification(quiet, facts)
    assert ring(api, message).status_code == 200
    before = archive_object(quiet, api.get(
        "/api/archive/" + order["id"]).json())
    assert ring(api, message).status_code == 200
    assert archive_object(quiet, api.get(
        "/api/archive/" + order["id"]).json()) == before


def test_it_believes_its_own_log_and_not_the_message(quiet, api, deletion):
    order, facts = deletion
    message = notification(quiet, facts, Message=json.dumps({
        "event_id": facts["event_id"],
        "order": {**order, "price": "0.01", "description": "forged"}}))
    assert ring(api, message).status_code == 200
    entry = api.get("/api/archive/" + order["id"]).json()
    assert json.loads(archive_object(quiet, entry))["order"] == order


def test_an_event_nobody_recorded_is_no_trouble(quiet, api):
    answer = ring(api, notification(quiet, {"event_id": UNKNOWN_ID,
                                            "id": UNKNOWN_ID}))
    assert answer.status_code < 500
    problem(api.get("/api/archive/" + UNKNOWN_ID), 404)


@pytest.mark.parametrize("change", [
    {"Message": '{"event_id":"x"}'}, {"MessageId": "other"},
    {"Subject": "Other"}, {"Subject": None},
    {"Timestamp": "2020-01-01T00:00:00.000Z"},
    {"TopicArn": lambda topic: topic + "x"}, {"Type": "notification"},
    {"Type": "Notification\n"}, {"Type": "SubscriptionConfirmation"},
    {"Signature": "AAAA"}, {"Signature": ""}, {"Signature": None},
    {"SignatureVersion": "1"}, {"SignatureVersion": "3"},
    {"SignatureVersion": None}])
def test_a_message_with_one_field_changed_is_forged(quiet, api, deletion,
                                                    change):
    order, facts = deletion
    message = notification(quiet, facts)
    for name, value in change.items():
        if value is None:
            del message[name]
        else:
            message[name] = value(message[name]) if callable(value) else value
    answer = ring(api, message)
    assert answer.status_code in (400, 403), answer.text
    problem(answer, answer.status_code)
    assert state(api, order) == "pending"


@pytest.mark.parametrize("url", [
    "https://sns.s3-us-west-2.amazonaws.com/cert.pem",
    "http://127.0.0.1:1/certificate.pem", "https://evil.example/x.pem",
    "file:///etc/passwd", "https://sns.local.amazonaws.com@evil.example/x.pem",
    "https://sns.local.amazonaws.com/x.pem?y", ""])
def test_a_certificate_from_elsewhere_is_never_fetched(quiet, api, deletion,
                                                       url, tmp_path):
    order, facts = deletion
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"],
                   check=True, capture_output=True)
    message = notification(quiet, facts)
    message = {k: v for k, v in message.items()
               if not k.startswith("Sign")}
    message = sign(quiet, message, key=str(key))
    message["SigningCertURL"] = url
    answer = ring(api, message)
    problem(answer, 403 if url else 400)
    assert state(api, order) == "pending"


def test_a_message_cut_anew_over_a_true_signature_is_forged(quiet, api,
                                                            deletion):
    """The signed string does not say where a field ends."""
    order, facts = deletion
    true = notification(quiet, facts, Subject=None)
    recut = dict(true)
    recut["Message"], _, rest = true["Message"].partition(",")
    recut["MessageId"] = rest + "\nMessageId\n" + true["MessageId"]
    problem(ring(api, recut), 400)
    topic = quiet.bus.topic
    other = notification(quiet, facts, TopicArn=topic + "-other",
                         Subject=f"x\nTimestamp\ny\nTopicArn\n{topic}")
    problem(ring(api, other), 403)
    assert state(api, order) == "pending"


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'"x"', b"{}", b'{"Type":"Notification"}',
    b'{"Type":"Notification","Type":"Notification"}', b"\0" * 100,
    b'{"Type":5}', b"x" * 300_000])
def test_garbage_is_refused(api, body):
    answer = ring(api, body)
    assert answer.status_code in (400, 403, 422), answer.text
    problem(answer, answer.status_code)


def test_raw_delivery_has_no_signature_and_is_refused(api, deletion):
    order, facts = deletion
    answer = ring(api, {"event_id": facts["event_id"]},
                  **{"x-amz-sns-rawdelivery": "true",
                     "x-amz-sns-message-type": "Notification"})
    assert answer.status_code in (400, 403)
    assert state(api, order) == "pending"


def test_trouble_of_ours_is_503(quiet, api, deletion):
    from test_delete_order import break_archive, mend_archive
    order, facts = deletion
    message = notification(quiet, facts)
    break_archive(quiet)
    try:
        answer = ring(api, message)
        problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"]
    finally:
        mend_archive(quiet)
    assert ring(api, message).status_code == 200
    assert state(api, order) == "archived"


def test_every_record_of_many_events_is_archived(quiet, api):   # D9
    pairs = []
    for n in range(12):
        order = api.order(description=f"many {n}")
        pairs.append((order,
                      api.delete("/api/orders/" + order["id"]).json()))
    for order, facts in pairs:
        assert ring(api, notification(quiet, facts)).status_code == 200
    assert all(state(api, order) == "archived" for order, _ in pairs)
    quiet.resume_program("relay")
    try:
        wait_until(lambda: all(state(api, order) == "done"
                               for order, _ in pairs))
    finally:
        quiet.pause_program("relay")
