"""Messages that SNS did not sign, sent to a desk whose topic is of SNS: none is
taken, and none makes the desk ask for a name or connect to anything. Counted
from outside: by a resolver double in every program and by a listener where the
desk would fetch a certificate and where the forgeries point."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid

import pytest

from desk import ROOT, Desk
from profiles import NO_PHOTOS
from support import Api

HOST = "sns.us-east-1.amazonaws.com"
FILE = "/SimpleNotificationService-7f.pem"
TYPES = {"Notification": "Message",
         "SubscriptionConfirmation": "SubscribeURL",
         "UnsubscribeConfirmation": "SubscribeURL"}


class Listener:
    """Takes connections and counts them."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.taken = 0
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.taken += 1


def urls(port):
    """The table of the unit tests, for this topic's region, and some that
    point to the listener."""
    with open(os.path.join(ROOT, "tests", "vectors", "sns_table.h")) as file:
        rows = file.read().partition("sns_foreign_urls[] = {")[2]
    rows = rows.partition("};")[0].replace("us-east-1", "us-west-1")
    rows = rows.replace("us-west-2", "us-east-1").replace(
        "SNS_FILE", json.dumps(FILE))
    found = [json.loads('"' + "".join(re.findall('"(.*?)"', row)) + '"')
             for row in re.split(r",\s", rows.strip().rstrip(",") + ",\n")
             if row]
    assert len(found) > 40
    here = f"127.0.0.1:{port}"
    return found + [
        f"https://{here}{FILE}", f"http://{here}{FILE}",
        f"https://{HOST}@{here}{FILE}", f"https://{here}#{HOST}{FILE}",
        f"https://{here}/{HOST}{FILE}", f"https://{here}\\{HOST}{FILE}"]


def forgeries(port, topic):
    def message(kind, url, **members):
        one = {"Type": kind, "MessageId": str(uuid.uuid4()), "TopicArn": topic,
               "Message": "{}", "Timestamp": time.strftime(
                   "%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
               "SignatureVersion": "2", "Signature": "A" * 342 + "==",
               "SigningCertURL": url, **members}
        if kind != "Notification":
            one.update(Token="1", SubscribeURL=f"https://127.0.0.1:{port}/")
        return {name: value for name, value in one.items()
                if value is not None}

    for kind in TYPES:
        for url in urls(port):
            yield message(kind, url)
        genuine = f"https://{HOST}{FILE}"
        for members in ({"TopicArn": topic + "x"}, {"TopicArn": None},
                        {"SignatureVersion": "3"}, {"SignatureVersion": "1"},
                        {"Signature": ""}, {"Signature": "?"},
                        {"Signature": None}, {"Timestamp": "2020-01-01"},
                        {"Timestamp": None}, {"MessageId": None},
                        {"SigningCertURL": None}, {"Type": "Other"}):
            yield message(kind, genuine, **members)


@pytest.fixture(scope="module")
def double():
    if not shutil.which("cc"):
        pytest.skip("there is no compiler")
    folder = tempfile.mkdtemp(prefix="double-")
    library = os.path.join(folder, "resolver_double.so")
    subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1",
         "-I", os.path.join(ROOT, "src"), "-o", library,
         os.path.join(ROOT, "tests", "fakes", "resolver_double.c"), "-ldl"],
        check=True)
    yield library, os.path.join(folder, "asked")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def listener():
    one = Listener()
    yield one
    one.socket.close()


@pytest.fixture(scope="module")
def desk(peers, double, listener):
    library, asked = double
    keys, environment = peers.desk_settings("forged")
    keys = {key: value for key, value in keys.items()
            if not key.startswith(("database.", "object_archive."))}
    desk = Desk(
        tempfile.mkdtemp(prefix="desk-"),
        overrides={**keys, **NO_PHOTOS, "database.adapter": "sqlite",
                   "object_archive.adapter": "directory",
                   "event_bus.certificate_door": f"127.0.0.1:{listener.port}"},
        environment={**environment, "LD_PRELOAD": library,
                     "RESOLVER_DOUBLE": asked,
                     "ASAN_OPTIONS": "verify_asan_link_order=0"})
    desk.topic = keys["event_bus.topic_arn"]
    desk.start()
    yield desk
    desk.stop()
    shutil.rmtree(desk.state, ignore_errors=True)


def of_responder(path):
    with open(path) as file:
        return [line for line in file if line.startswith("on_order_deleted ")]


def send(desk, message):
    return Api(desk, None).raw("POST", "/events/order-deleted",
                               json.dumps(message).encode(), "text/plain")


def test_no_forgery_is_taken_or_makes_the_desk_reach_out(
        desk, double, listener):
    asked = double[1]
    before = of_responder(asked)
    tried = 0
    for message in forgeries(listener.port, desk.topic):
        answer = send(desk, message)
        assert 400 <= answer.status_code < 500, (answer.text, message)
        tried += 1
    assert tried >= 60
    assert listener.taken == 0
    assert of_responder(asked) == before


def test_the_counters_see_the_fetch_that_is_allowed(desk, double, listener):
    """A certificate of SNS's own name, for a message that could be genuine."""
    message = next(forgeries(listener.port, desk.topic))
    message["SigningCertURL"] = f"https://{HOST}{FILE}"
    assert send(desk, message).status_code >= 400
    assert listener.taken > 0
    assert of_responder(double[1])
