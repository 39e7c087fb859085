"""Our signatures against those of AWS's own C signer, for random requests:
every request must get the same one, in the header and in the query form."""
import datetime
import hashlib
import json
import os
import random
import subprocess
import urllib.parse

import pytest

awscrt = pytest.importorskip("awscrt", reason="awscrt is not installed")
from awscrt import auth, http  # noqa: E402

BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(
    os.path.dirname(__file__), "..", "..", ".build")
DRIVER = os.path.join(BUILD, "tests", "integration", "aws_driver")
REQUESTS = 10000
SEED = 20261124

PIECES = ["a", "B", "0", "-", "_", ".", "~", " ", "+", "%", "&", "=", "é",
          "漢", "😀", "/", "?", "#", ":", ",", "'", "(", ")", "*", "!", "$",
          "@", ";", "[", "]", "{", "}", "|", "\\", "^", "`", "<", ">", '"']
SEGMENTS = ["", ".", "..", "a", "b c", "ä", "x.y", "...", "%41", "a+b"]
FOLDS = [" ", "  ", "\t", "\r\n ", "\n\t ", "   \t"]


def text(rng, least=0, most=8, without=""):
    return "".join(piece for piece in
                   rng.choices(PIECES, k=rng.randint(least, most))
                   if piece not in without)


def path(rng):
    if rng.random() < 0.3:
        return "/"
    if rng.random() < 0.5:
        return "/" + "/".join(rng.choices(SEGMENTS, k=rng.randint(1, 6)))
    return "/" + text(rng, 0, 12)


def query(rng):
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 6])):
        name = rng.choice(["a", "A", "b", "a-b", "", text(rng, 1)])
        name = urllib.parse.quote(name, safe="")
        form = rng.random()
        if form < 0.2:
            pairs.append(name)
        elif form < 0.4:
            pairs.append(name + "=")
        else:
            pairs.append(name + "=" + urllib.parse.quote(text(rng), safe=""))
    return "&".join(pairs)


def header_value(rng):
    value = text(rng, 0, 4, without="\r\n")
    for _ in range(rng.randint(0, 3)):
        value += rng.choice(FOLDS) + text(rng, 0, 3)
    return rng.choice(["", " ", "\t "]) + value + rng.choice(["", "  "])


def headers(rng):
    found = [["Host", rng.choice(["example.amazonaws.com", "127.0.0.1:8000",
                                  "bucket.s3.amazonaws.com"])]]
    for _ in range(rng.randint(0, 5)):
        name = rng.choice(["My-Header", "my-header", "X-Amz-Target",
                           "content-type", "If-None-Match", "X-A", "x-a-b"])
        found.append([name, header_value(rng)])
    return found


def make(rng):
    body = text(rng, 0, 20).encode()
    in_query = rng.random() < 0.4
    s3 = rng.random() < 0.5
    when = rng.randrange(1_000_000_000, 2_000_000_000)
    return {
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"]),
        "path": path(rng), "query": query(rng), "headers": headers(rng),
        "payload_hash": rng.choice(
            ["UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()]),
        "time_ms": when * 1000,
        "key": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/" + str(rng.random()),
        "token": rng.choice([None, "AQoDYXdzEPT//" + "=" * 2 + text(
            rng, 0, 0) + "token+/"]),
        "region": rng.choice(["us-east-1", "eu-central-1", "cn-north-1"]),
        "service": "s3" if s3 else rng.choice(["dynamodb", "sns"]),
        "normalize": not s3, "double": not s3,
        "expires_s": rng.randint(1, 604800) if in_query else 0,
    }


def reference(request):
    """As awscrt signs it: the Authorization header, or the query."""
    wire = urllib.parse.quote(request["path"], safe="/-_.~")
    if request["query"]:
        wire += "?" + request["query"]
    in_query = request["expires_s"] > 0
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS
        if in_query else auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=auth.AwsCredentialsProvider.new_static(
            request["key"], request["secret"], request["token"]),
        region=request["region"], service=request["service"],
        date=datetime.datetime.fromtimestamp(
            request["time_ms"] // 1000, datetime.timezone.utc),
        use_double_uri_encode=request["double"],
        should_normalize_uri_path=request["normalize"],
        signed_body_value=request["payload_hash"],
        signed_body_header_type=auth.AwsSignedBodyHeaderType.NONE
        if in_query else
        auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        expiration_in_seconds=request["expires_s"] or None)
    message = http.HttpRequest(
        request["method"], wire,
        http.HttpHeaders([tuple(pair) for pair in request["headers"]]))
    return auth.aws_sign_request(message, config), in_query


def ours(requests):
    """The driver sends what the client would: date, digest and token too."""
    lines = []
    for request in requests:
        line = dict(request, headers=list(request["headers"]))
        if not line["expires_s"]:
            when = datetime.datetime.fromtimestamp(
                line["time_ms"] // 1000, datetime.timezone.utc)
            line["headers"] += [
                ["X-Amz-Date", when.strftime("%Y%m%dT%H%M%SZ")],
                ["X-Amz-Content-Sha256", line["payload_hash"]]]
            if line["token"]:
                line["headers"].append(["X-Amz-Security-Token",
                                        line["token"]])
        lines.append(json.dumps(
            {name: value for name, value in line.items()
             if value is not None}, ensure_ascii=False))
    done = subprocess.run([DRIVER, "sign"], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, timeout=60,
                          check=True)
    return done.stdout.splitlines()


def query_of(target):
    return dict(urllib.parse.parse_qsl(target.partition("?")[2],
                                       keep_blank_values=True))


def test_random_requests_get_the_signature_that_awscrt_gives():
    rng = random.Random(SEED)
    requests = [make(rng) for _ in range(REQUESTS)]
    mine = ours(requests)
    assert len(mine) == REQUESTS
    different = []
    futures = [reference(request) for request in requests]
    for request, line, (future, in_query) in zip(requests, mine, futures):
        signed = future.result(20)
        if in_query:
            theirs, got = query_of(signed.path), query_of("?" + line)
            same = all(theirs[name] == got.get(name) for name in theirs
                       if name.startswith("X-Amz-"))
        else:
            theirs, got = signed.headers.get("Authorization"), line
            same = theirs == got
        if not same:
            different.append((request, got, theirs))
    assert not different, f"{len(different)} of {REQUESTS}: {different[:3]}"
