"""The client of AWS's services when all goes wrong between it and them: each
call ends in time, with an answer for good or with ERROR_UNAVAILABLE that says
why, and nothing is asked for more often than it should be."""
import json
import os
import subprocess
import threading
import time

import pytest

import aws_proxy
from aws_proxy import AwsProxy

BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(
    os.path.dirname(__file__), "..", "..", ".build")
DRIVER = os.path.join(BUILD, "tests", "integration", "aws_driver")
GET_ITEM = {"method": "POST", "path": "/", "body": "{}", "headers": [
    ["Content-Type", "application/x-amz-json-1.0"],
    ["X-Amz-Target", "DynamoDB_20120810.GetItem"]]}
DEFAULT = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
           "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}


class Driver:
    """A client in a process of its own."""

    def __init__(self, folder, service, url, environment=None, **settings):
        path = os.path.join(folder, f"{time.monotonic_ns()}.conf")
        settings = {"aws.region": "us-east-1",
                    "aws.endpoint." + service: url, **settings}
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{name} = {value}\n"
                               for name, value in settings.items()))
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("AWS_")}
        clean.update({"AWS_EC2_METADATA_DISABLED": "true",
                      "ASAN_OPTIONS": "quarantine_size_mb=1",
                      "AWS_CONFIG_FILE": "/nonexistent",
                      "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
        self.process = subprocess.Popen(
            [DRIVER, "call", path, service], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
            env={**clean, **(DEFAULT if environment is None
                             else environment)})

    def call(self, request=None, **more):
        self.process.stdin.write(json.dumps(
            {**(request or GET_ITEM), **more}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the driver ended: {self.process.wait()}"
        return json.loads(line)

    def peak_kib(self):
        with open(f"/proc/{self.process.pid}/status",
                  encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file
                        if line.startswith("VmHWM"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def proxy():
    proxy = AwsProxy()
    yield proxy
    proxy.close()


@pytest.fixture
def start(tmp_path):
    drivers = []

    def make(*arguments, **more):
        drivers.append(Driver(str(tmp_path), *arguments, **more))
        return drivers[-1]
    yield make
    for driver in drivers:
        driver.close()


@pytest.fixture
def client(start, proxy):
    return start("dynamodb", proxy.url)


def assert_unavailable(got, *words):
    assert not got["ok"] and got["problem"] == "unavailable", got
    for word in words:
        assert word in got["cause"], got["cause"]


# --- what passes -----------------------------------------------------------------

@pytest.mark.parametrize("fault", [
    "throttled", "failed", "slow_down", "refused", "dropped", "half",
    "damaged"])
def test_one_fault_is_not_seen(proxy, client, fault):
    proxy.reset(getattr(aws_proxy, fault))
    got = client.call()
    assert got["ok"] and got["status"] == 200, got
    assert proxy.requests == 2


@pytest.mark.parametrize("fault, words", [
    ("throttled", ["throttled", "ThrottlingException"]),
    ("failed", ["status 500", "InternalServerError"]),
    ("slow_down", ["SlowDown", "request id PROXY"]),
    ("refused", ["attempts 3"]), ("dropped", ["attempts 3"]),
    ("half", ["attempts 3"]), ("damaged", ["checksum"])])
def test_three_faults_are_said(proxy, client, fault, words):
    proxy.reset(steady=getattr(aws_proxy, fault))
    assert_unavailable(client.call(), "dynamodb GetItem", *words)
    assert proxy.requests == 3


@pytest.mark.parametrize("fault, words", [
    ("redirect", ["redirected"]), ("gzipped", ["Content-Encoding"]),
    ("huge", ["over its limit"]), ("huge_in_chunks", ["over its limit"]),
    ("huge_headers", ["over their limit"]),
    ("unauthorized_xml", ["InvalidClientTokenId"]),
    ("expired", ["expired"])])
def test_what_another_try_does_not_mend_is_asked_once(proxy, client, fault,
                                                      words):
    proxy.reset(steady=getattr(aws_proxy, fault))
    got = client.call()
    assert_unavailable(got, *words)
    # chunks are left to libcurl, which asks for itself: once in its life
    assert proxy.requests == (2 if fault == "huge_in_chunks" else 1)
    assert got["ms"] < 5000


def test_a_flood_of_a_gib_is_not_kept(proxy, client):
    client.call()
    before = client.peak_kib()
    proxy.reset(steady=aws_proxy.huge_in_chunks)
    for _ in range(3):
        assert_unavailable(client.call(), "over its limit")
    assert client.peak_kib() < before + 16 * 1024


# --- time ------------------------------------------------------------------------

@pytest.mark.parametrize("fault", [
    aws_proxy.slow(30), aws_proxy.stuck, aws_proxy.throttled,
    aws_proxy.failed])
def test_the_deadline_is_kept(proxy, client, fault):
    proxy.reset(steady=fault)
    got = client.call(deadline_ms=700)
    assert_unavailable(got)
    assert got["ms"] <= 1500, got


def test_a_slow_answer_within_its_time_is_waited_for(proxy, client):
    proxy.reset(aws_proxy.slow(1))
    assert client.call(deadline_ms=4000)["ok"]
    assert proxy.requests == 1


def test_nobody_there_is_said_at_once(start):
    got = start("dynamodb", "http://127.0.0.1:1").call()
    assert_unavailable(got, "attempts 3")
    assert got["ms"] < 1000


# --- no storm --------------------------------------------------------------------

@pytest.mark.parametrize("fault", ["failed", "refused"])
def test_steady_failure_makes_at_most_a_fifth_more_calls(proxy, client, fault):
    calls = 1000
    proxy.reset(steady=getattr(aws_proxy, fault))
    for _ in range(calls):
        assert not client.call()["ok"]
    assert proxy.requests <= calls * 1.2


def test_a_thousand_calls_use_one_connection(proxy, client):
    for _ in range(1000):
        assert client.call()["ok"]
    assert proxy.connections == 1


# --- TLS -------------------------------------------------------------------------

def certificate_for(folder, name):
    paths = [str(folder / (name + end)) for end in (".pem", ".key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=peer", "-addext", "subjectAltName=" + name,
                    "-out", paths[0], "-keyout", paths[1]], check=True,
                   capture_output=True)
    return paths


def test_a_certificate_must_be_trusted_and_be_the_hosts(tmp_path, start):
    right = certificate_for(tmp_path, "IP:127.0.0.1")
    wrong = certificate_for(tmp_path, "DNS:example.org")
    proxy, other = (AwsProxy(certificate=pair) for pair in (right, wrong))
    try:
        trusting = {"aws.ca_file": right[0]}
        client = start("dynamodb", proxy.url, **trusting)
        for _ in range(20):
            assert client.call()["ok"]
        assert proxy.connections == 1
        assert_unavailable(start("dynamodb", proxy.url).call(),
                           "certificate")
        assert_unavailable(start("dynamodb", other.url, **{
            "aws.ca_file": wrong[0]}).call(), "certificate")
        assert other.requests == 0
    finally:
        proxy.close()
        other.close()


# --- clock and credentials -------------------------------------------------------

@pytest.mark.parametrize("seconds", [3600, -3600, 30 * 86400])
def test_a_skewed_clock_is_corrected_once_for_all(proxy, client, seconds):
    proxy.reset(steady=aws_proxy.clock_off_by(seconds))
    for _ in range(3):
        assert client.call()["ok"]
    assert proxy.requests == 4


class Agent:
    """Lends credentials, another pair each time."""

    def __init__(self, lasting_s):
        self.lent, self.lasting_s = 0, lasting_s
        self.lock = threading.Lock()
        self.proxy = AwsProxy(own=self.lend)

    def lend(self, message):
        with self.lock:
            self.lent += 1
            number = self.lent
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                            time.gmtime(time.time() + self.lasting_s))
        return aws_proxy.answer(200, {
            "AccessKeyId": f"LENT{number}", "SecretAccessKey": "secret",
            "Token": f"token{number}", "Expiration": end})


def test_credentials_that_expire_in_mid_flight_are_fetched_anew(proxy, start):
    agent = Agent(3600)
    client = start("dynamodb", proxy.url, {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.proxy.url + "/lend"})
    try:
        assert client.call()["ok"] and agent.lent == 1
        time.sleep(5.1)         # those of a moment ago are not fetched again
        proxy.reset(aws_proxy.expired)
        assert client.call()["ok"]
        assert agent.lent == 2 and proxy.requests == 2
        assert proxy.messages[1].headers["X-Amz-Security-Token"] == "token2"
        proxy.reset(steady=aws_proxy.expired)
        for _ in range(20):
            assert_unavailable(client.call(), "expired")
        assert agent.lent == 2 and proxy.requests == 20
    finally:
        agent.proxy.close()


# --- roles of a profile ----------------------------------------------------------

ROLE = "arn:aws:iam::123456789012:role/"    # moto's account


@pytest.fixture(scope="module")
def roles(peers):
    """Whom peers' user may assume, who may list tables, and in between one who
    may assume that one alone."""
    boto3 = pytest.importorskip("boto3", reason="pip's boto3 is not installed")
    iam = boto3.client("iam", endpoint_url=peers.need("moto"),
                       region_name="us-east-1",
                       aws_access_key_id=peers.key,
                       aws_secret_access_key=peers.secret)

    def statement(action, **more):
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, **more}]})
    names = {"lister": "dynamodb:ListTables", "between": "sts:AssumeRole"}
    for name, action in names.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=statement(
            "sts:AssumeRole", Principal={"AWS": "*"}))
        iam.put_role_policy(RoleName=name, PolicyName="its",
                            PolicyDocument=statement(action, Resource="*"))
    yield
    for name in names:
        iam.delete_role_policy(RoleName=name, PolicyName="its")
        iam.delete_role(RoleName=name)


class Role:
    """A client of DynamoDB by a profile, both it and STS seen through
    proxies. The profiles base and wrong have keys."""

    def __init__(self, peers, start, folder, profile, environment=None):
        self.sts, self.service = (AwsProxy(upstream=peers.need("moto"))
                                  for _ in range(2))
        path = folder / "config"
        path.write_text(f"""
[default]
{profile}
[profile between]
role_arn = {ROLE}between
source_profile = base
[profile base]
aws_access_key_id = {peers.key}
aws_secret_access_key = {peers.secret}
[profile wrong]
aws_access_key_id = {peers.key}
aws_secret_access_key = {"x" * 40}
""", encoding="utf-8")
        self.client = start("dynamodb", self.service.url,
                            {"AWS_CONFIG_FILE": str(path),
                             **(environment or {})},
                            **{"aws.endpoint.sts": self.sts.url})

    def call(self):
        return self.client.call(CALLS["dynamodb"])

    def tokens(self):
        return [message.headers["X-Amz-Security-Token"]
                for message in self.service.messages]


@pytest.fixture
def role(peers, roles, start, tmp_path):
    made = []

    def make(*arguments):
        made.append(Role(peers, start, tmp_path, *arguments))
        return made[-1]
    yield make
    for one in made:
        one.sts.close()
        one.service.close()


@pytest.mark.parametrize("source, hops", [("base", 1), ("between", 2)])
def test_a_role_of_a_profile_is_assumed_once_for_all(peers, role, source,
                                                     hops):
    client = role(f"role_arn = {ROLE}lister\nsource_profile = {source}\n"
                  "role_session_name = desk\nexternal_id = a+b/c\n"
                  "duration_seconds = 900")
    for _ in range(3):
        got = client.call()
        assert got["ok"] and got["status"] == 200, got
    assert client.sts.requests == hops
    assert client.sts.messages[0].is_signed_by(peers.key, peers.secret)
    assert client.sts.messages[-1].body == (
        b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
        b"123456789012%3Arole%2Flister&RoleSessionName=desk"
        b"&DurationSeconds=900&ExternalId=a%2Bb%2Fc")
    assert len(set(client.tokens())) == 1


def test_a_role_is_assumed_with_the_keys_of_the_environment(peers, role):
    client = role(f"role_arn = {ROLE}lister\ncredential_source = Environment",
                  {"AWS_ACCESS_KEY_ID": peers.key,
                   "AWS_SECRET_ACCESS_KEY": peers.secret})
    assert client.call()["ok"]
    assert client.sts.requests == 1 and all(client.tokens())


def test_a_role_whose_credentials_have_expired_is_assumed_anew(role):
    client = role(f"role_arn = {ROLE}lister\nsource_profile = between")
    assert client.call()["ok"]
    time.sleep(5.1)         # those of a moment ago are not fetched again
    client.service.reset(aws_proxy.expired)
    got = client.call()
    assert got["ok"] and got["status"] == 200, got
    assert client.sts.requests == 4     # both roles, twice
    assert len(set(client.tokens())) == 2


@pytest.mark.parametrize("profile, words", [
    ("role_arn = {ROLE}lister\nsource_profile = wrong",
     ["role/lister", "status 403", "SignatureDoesNotMatch"]),
    ("role_arn = {ROLE}lister\nsource_profile = default",
     ["profile default", "in a circle"]),
    ("role_arn = {ROLE}lister\nsource_profile = base\nmfa_serial = m",
     ["profile default", "mfa_serial"]),
    ("credential_process = /bin/true", ["credential_process"]),
    ("sso_session = s", ["sso_session", "use role_arn"])])
def test_a_role_that_cannot_be_assumed_is_said(role, profile, words):
    client = role(profile.format(ROLE=ROLE))
    assert_unavailable(client.call(), *words)
    assert client.service.requests == 0


# --- signatures on the wire ------------------------------------------------------

CALLS = {
    "dynamodb": {"method": "POST", "path": "/", "body": "{}", "headers": [
        ["Content-Type", "application/x-amz-json-1.0"],
        ["X-Amz-Target", "DynamoDB_20120810.ListTables"]]},
    "sns": {"method": "POST", "path": "/",
            "body": "Action=ListTopics&Version=2010-03-31", "headers": [
                ["Content-Type", "application/x-www-form-urlencoded"]]},
    "rekognition": {
        "method": "POST", "path": "/",
        "body": '{"Image":{"Bytes":"aGVsbG8="}}', "headers": [
            ["Content-Type", "application/x-amz-json-1.1"],
            ["X-Amz-Target", "RekognitionService.DetectLabels"]]},
    "s3": {"method": "GET", "path": "/", "headers": []},
}


@pytest.mark.parametrize("service", sorted(CALLS))
def test_a_good_signature_is_taken_and_a_wrong_secret_is_said(
        peers, start, service):
    url = peers.need("s3" if service == "s3" else "moto")
    good = {"AWS_ACCESS_KEY_ID": peers.key,
            "AWS_SECRET_ACCESS_KEY": peers.secret}
    got = start(service, url, good).call(CALLS[service])
    assert got["ok"] and got["status"] == 200, got
    bad = {**good, "AWS_SECRET_ACCESS_KEY": "x" * 40}
    got = start(service, url, bad).call(CALLS[service])
    assert_unavailable(got, service, "refused", "status 403")
    assert "xxxx" not in got["cause"]


@pytest.mark.parametrize("service", sorted(CALLS))
def test_botocores_signer_agrees_on_the_wire(start, proxy, service):
    pytest.importorskip("botocore", reason="botocore is not installed")
    assert start(service, proxy.url).call(CALLS[service])["ok"]
    message, = proxy.messages
    assert message.is_signed_by("AKIDEXAMPLE", "wJalrXUtnFEMI")
    assert not message.is_signed_by("AKIDEXAMPLE", "another")
