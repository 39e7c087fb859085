"""`ordermill event verify` on messages that SNS itself signed: what it says of
each change, and its exit status."""
import json
import os
import re
import subprocess

import pytest

from desk import ROOT

BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")
NOW = "2022-07-29T00:00:00Z"
TOPIC = "arn:aws:sns:us-east-2:295079676684:publish-and-verify-"


def table():
    path = os.path.join(ROOT, "tests", "vectors", "sns_aws_table.h")
    with open(path) as file:
        text = file.read()
    text = re.sub(r"/\*(?:.|\n)*?\*/", "", text)
    rows, _, certificate = text.partition("sns_aws_certificate[]")
    url = "".join(re.findall('"(.*?)"', re.search(
        r"AWS_CERTIFICATE_URL((?:.|\n)*?)\n\n", rows)[1]))
    rows = rows.partition("sns_aws_messages[] = {")[2]
    messages = []
    for row in re.findall(r"\{((?:.|\n)*?)\}", rows):
        parts = re.findall(r'"([^"]*)"|\b(NULL)\b', row)
        version, number, topic, subject, body, time = (
            text if not null else None for text, null in parts[:6])
        message = {"Type": "Notification", "MessageId": number,
                   "TopicArn": TOPIC + topic, "Message": body,
                   "Timestamp": time, "SignatureVersion": version,
                   "Signature": "".join(text for text, _ in parts[6:]),
                   "SigningCertURL": url}
        if subject is not None:
            message["Subject"] = subject
        messages.append(message)
    pem = "".join(re.findall('"(.*?)"', certificate)).replace("\\n", "\n")
    return messages, pem


MESSAGES, CERTIFICATE = table()


@pytest.fixture
def verify(tmp_path):
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(CERTIFICATE)

    def run(message, *more, now=NOW, topic=None):
        file = tmp_path / "message.json"
        file.write_text(message if isinstance(message, str)
                        else json.dumps(message))
        return subprocess.run(
            [os.path.join(BUILD, "src", "ordermill", "ordermill"), "event",
             "verify", str(file), "--certificate", str(certificate),
             "--now", now, "--topic", topic or MESSAGES[2]["TopicArn"],
             *more],
            env={"ORDERMILL_CONFIG": "/nonexistent"}, capture_output=True,
            text=True, timeout=30)
    return run


def test_the_table_has_two_of_each_version():
    assert [one["SignatureVersion"] for one in MESSAGES] == list("1122")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m["MessageId"][:8])
def test_what_sns_signed_is_genuine(verify, message):
    result = verify(message, topic=message["TopicArn"])
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("The message is genuine.\n")


@pytest.mark.parametrize("change, step", [
    ({"Message": "Hello World"}, "signature"),
    ({"Subject": ""}, "signature"),
    ({"MessageId": MESSAGES[3]["MessageId"]}, "signature"),
    ({"Timestamp": "2022-07-28T22:53:55.087Z"}, "signature"),
    ({"SignatureVersion": "1"}, "signature"),
    ({"Signature": MESSAGES[3]["Signature"]}, "signature"),
    ({"Signature": "AAAA"}, "claims"),
    ({"TopicArn": MESSAGES[3]["TopicArn"]}, "claims"),
    ({"SigningCertURL": "https://sns.s3-us-east-2.amazonaws.com/"
      "SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"},
     "address"),
    ({"SigningCertURL": "http://127.0.0.1/x.pem"}, "address"),
    ({"Type": "notification"}, "envelope"),
    ({"Type": "Notification\n"}, "envelope"),
    ({"Signature": None}, "envelope"),
])
def test_a_refusal_names_its_step(verify, change, step):
    result = verify({**MESSAGES[2], **change})
    assert result.returncode == 1
    last = result.stdout.splitlines()[-1].split()
    assert last[:2] == ["REFUSED", step]


@pytest.mark.parametrize("now", ["2021-09-06T00:00:00Z",
                                 "2022-08-19T00:00:00Z"])
def test_a_certificate_has_its_days(verify, now):
    result = verify(MESSAGES[2], now=now)
    assert result.returncode == 1
    assert "not valid today" in result.stdout


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{'a':1}",
                                  '{"event_id":"1"}'])
def test_what_is_no_envelope_is_refused(verify, text):
    result = verify(text)
    assert result.returncode == 1
    assert "REFUSED  envelope" in result.stdout


@pytest.mark.parametrize("more", [["--now", "yesterday"], ["--what"],
                                  ["another.json"]])
def test_wrong_calls_exit_with_2(verify, more):
    result = verify(MESSAGES[2], *more)
    assert result.returncode == 2
    assert "usage: ordermill event verify" in result.stderr


def test_what_the_desk_sent_itself_is_genuine_by_its_own_configuration(desk):
    refused = desk.command("event", "verify", "/dev/null", check=False)
    assert refused.returncode == 1
    assert "REFUSED  envelope" in refused.stdout
