"""POST /api/images with Rekognition: a double that gives the labels it is told
and takes only what botocore's signer signs alike. No public peer does either."""
import base64
import json
import os
import subprocess
import time

import pytest

import aws_proxy
from aws_proxy import AwsProxy
from support import Api, png
from test_aws_client import DRIVER

pytest.importorskip("botocore", reason="botocore is not installed")

KEY, SECRET = "AKIDREKOGNITION", "secret/of+rekognition"


class Double:
    """DetectLabels with chosen labels."""

    def __init__(self, key=KEY, secret=SECRET):
        self.labels, self.forged = [], 0
        self.key, self.secret = key, secret
        self.proxy = AwsProxy(own=self.detect)

    def detect(self, message):
        if not message.is_signed_by(self.key, self.secret):
            self.forged += 1
            return aws_proxy.json_error(400, "InvalidSignatureException")
        assert message.headers["X-Amz-Target"] == \
            "RekognitionService.DetectLabels"
        return aws_proxy.answer(200, {
            "LabelModelVersion": "3.0", "Labels": [
                {"Name": name, "Confidence": confidence, "Instances": [],
                 "Parents": [{"Name": parent} for parent in parents],
                 "Aliases": [], "Categories": [{"Name": "Any"}]}
                for name, confidence, parents in self.labels]})


@pytest.fixture(scope="module")
def double(profile, request):
    """With the credentials that the profile's desk has."""
    peers = request.getfixturevalue("peers") if profile == "aws" else None
    if peers:
        peers.need("moto")      # made the key
    double = Double(peers.key, peers.secret) if peers else Double()
    yield double
    double.proxy.close()


@pytest.fixture(scope="module")
def api(double, make_desk):
    before = dict(os.environ)
    os.environ.update({"AWS_ACCESS_KEY_ID": double.key,
                       "AWS_SECRET_ACCESS_KEY": double.secret})
    try:
        desk = make_desk({"image_recognizer.adapter": "rekognition",
                          "aws.region": "us-east-1",
                          "aws.endpoint.rekognition": double.proxy.url})
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Api(desk, desk.token())


def look(api, photo=None, description="a%20cup"):
    answer = api.raw("POST", "/api/images?description=" + description,
                     photo or png(100, 100), "image/png")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_labels_come_from_the_service(api, double):
    double.proxy.reset()
    double.labels = [("Cup", 99.94, ["Tableware"]), ("Pottery", 71.5, [])]
    got = look(api)
    assert got["model"] == "rekognition 3.0"
    assert [label["name"] for label in got["labels"]] == ["Cup", "Pottery"]
    assert got["verdict"] == ("not_checked" if got["reason"] == "no_wordnet"
                              else "match")
    assert double.forged == 0 and double.proxy.requests == 1


def test_throttling_that_passes_is_not_seen(api, double):
    double.proxy.reset(aws_proxy.throttled)
    double.labels = [("Cup", 90, [])]
    assert look(api)["labels"][0]["name"] == "Cup"
    assert double.proxy.requests == 2


def assert_logged(api, *words):
    """In the last line of the operation's log, which is written when idle."""
    path = os.path.join(api.desk.log_dir, "recognize_uploaded_image.log")
    end = time.monotonic() + 2
    while True:
        with open(path, encoding="utf-8") as file:
            last = file.read().splitlines()[-1]
        if all(word in last for word in words):
            return
        assert time.monotonic() < end, last
        time.sleep(0.02)


@pytest.mark.parametrize("fault, fault_words", [
    ("throttled", "ThrottlingException"), ("failed", "status 500"),
    ("slow_down", "SlowDown"), ("refused", "attempts 3"),
    ("half", "attempts 3"), ("redirect", "redirected"),
    ("huge", "over its limit"), ("expired", "ExpiredTokenException"),
    ("unauthorized_xml", "InvalidClientTokenId")])
def test_an_upload_never_fails_for_the_service(api, double, fault,
                                               fault_words):
    double.proxy.reset(steady=getattr(aws_proxy, fault))
    got = look(api)
    assert (got["verdict"], got["reason"]) == ("not_checked",
                                               "service_failed")
    assert got["receipt"] and got["evidence"].startswith("The photo was not")
    assert_logged(api, ' level=warn ', fault_words)
    # libcurl repeats what a kept connection dropped, on a new one
    assert double.proxy.requests <= 4


def test_what_the_service_does_not_take_is_not_sent(api, double):
    double.proxy.reset()
    got = look(api, png(60, 60))
    assert (got["verdict"], got["reason"]) == ("not_checked",
                                               "unsupported_format")
    assert double.proxy.requests == 0


def test_a_photo_over_5_mib_is_named_by_its_place_in_s3(peers, tmp_path):
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    s3 = boto3.client("s3", endpoint_url=peers.need("s3"),
                      region_name="us-east-1",
                      aws_access_key_id=peers.key,
                      aws_secret_access_key=peers.secret)
    s3.create_bucket(Bucket="test-rekognition")
    double = Double(peers.key, peers.secret)
    double.labels = [("Cup", 99, [])]
    config = tmp_path / "desk.conf"
    config.write_text(f"""\
profile = aws
aws.region = us-east-1
aws.endpoint.s3 = {peers.need("s3")}
aws.endpoint.rekognition = {double.proxy.url}
object_archive.bucket = test-rekognition
""")
    photo = png(1500, 1200, noise=True)
    assert 5 << 20 < len(photo) < 10 << 20
    try:
        done = subprocess.run(
            [DRIVER, "recognize", str(config)], capture_output=True,
            text=True, timeout=60, check=True, input=json.dumps(
                {"photo": base64.b64encode(photo).decode(),
                 "media_type": "image/png", "description": "a cup"}) + "\n",
            env={**os.environ, "AWS_ACCESS_KEY_ID": peers.key,
                 "AWS_SECRET_ACCESS_KEY": peers.secret})
        got = json.loads(done.stdout)
        assert got["labels"] == ["Cup"], got
        asked = json.loads(double.proxy.messages[0].body)["Image"]
        place = asked["S3Object"]
        kept = s3.get_object(Bucket=place["Bucket"], Key=place["Name"])
        assert place["Name"].startswith("images/")
        assert kept["ContentType"] == "image/png"
        assert kept["Body"].read()[:8] == photo[:8]
    finally:
        double.proxy.close()
