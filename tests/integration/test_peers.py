"""The peers are what the tests of the profile aws rest on: each verifies what
it is taken for. A peer that took any signature would prove nothing."""
import pytest

boto3 = pytest.importorskip("boto3", reason="pip's boto3 is not installed")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402


def client(peers, peer, service, **more):
    keys = {"aws_access_key_id": peers.key,
            "aws_secret_access_key": peers.secret, **more}
    return boto3.client(
        service, endpoint_url=peers.need(peer), region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"},
                      retries={"max_attempts": 1}), **keys)


@pytest.mark.parametrize("peer, service, call, refusal", [
    ("s3", "s3", "list_buckets", "AccessDenied"),
    ("moto", "sns", "list_topics", "SignatureDoesNotMatch"),
    ("moto", "sts", "get_caller_identity", "SignatureDoesNotMatch"),
    # as XML, which a client of this service cannot read
    ("moto", "dynamodb", "list_tables", "403"),
])
def test_a_call_signed_with_another_secret_is_refused(peers, peer, service,
                                                      call, refusal):
    getattr(client(peers, peer, service), call)()
    with pytest.raises(ClientError) as refused:
        getattr(client(peers, peer, service,
                       aws_secret_access_key="x" * 40), call)()
    assert refused.value.response["Error"]["Code"] == refusal


def test_s3_creates_an_object_once(peers):
    s3 = client(peers, "s3", "s3")
    s3.create_bucket(Bucket="test-peers")
    s3.put_object(Bucket="test-peers", Key="once", Body=b"1",
                  IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="test-peers", Key="once", Body=b"2",
                      IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_dynamodb_listens_on_loopback_alone(peers):
    port = int(peers.need("dynamodb").rpartition(":")[2])
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                address, _, number = local.partition(":")
                if state == "0A" and int(number, 16) == port:
                    found.append(address)
    assert found == ["0100007F"]
