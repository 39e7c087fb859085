#!/usr/bin/python3
"""signing.py: nanoseconds that botocore and awscrt take to sign a PutItem of an
order, as JSON; who is not installed is left out."""
import datetime
import hashlib
import json
import time

COUNT = 3000
HOST = "dynamodb.eu-central-1.amazonaws.com"
HEADERS = {"Host": HOST, "Content-Type": "application/x-amz-json-1.0",
           "X-Amz-Target": "DynamoDB_20120810.PutItem"}
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE"
BODY = b"x" * 700


def per_call(sign):
    for _ in range(COUNT // 10):
        sign()
    started = time.perf_counter_ns()
    for _ in range(COUNT):
        sign()
    return (time.perf_counter_ns() - started) / COUNT


def botocore():
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    signer = SigV4Auth(Credentials(KEY, SECRET), "dynamodb", "eu-central-1")

    def sign():
        signer.add_auth(AWSRequest("POST", f"https://{HOST}/", dict(HEADERS),
                                   BODY))
    return per_call(sign)


def awscrt():
    from awscrt import auth, http
    provider = auth.AwsCredentialsProvider.new_static(KEY, SECRET)

    def sign():
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=provider, region="eu-central-1",
            service="dynamodb",
            date=datetime.datetime.now(datetime.timezone.utc),
            signed_body_value=hashlib.sha256(BODY).hexdigest(),
            signed_body_header_type=auth.AwsSignedBodyHeaderType
            .X_AMZ_CONTENT_SHA_256)
        auth.aws_sign_request(http.HttpRequest(
            "POST", "/", http.HttpHeaders(list(HEADERS.items()))),
            config).result(5)
    return per_call(sign)


found = {}
for name, measure in (("botocore", botocore), ("awscrt", awscrt)):
    try:
        found[name] = measure()
    except ImportError:
        pass
print(json.dumps(found))
