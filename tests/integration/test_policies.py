"""test_policies.py: each policy of packaging/aws/template.yaml is enough for its
program and for no more, against moto in IAM mode.

moto looks at actions alone, not at resources, and knows a transaction by its
call's name, where IAM asks for the actions in it: so here each policy is granted
on "*", and who may write may transact. That the resources are the stack's own
is read from the template.
"""
import json
import os
import secrets
import tempfile

import pytest
from desk import Desk
from support import (Api, archived, maildir, png, subscribe, unsubscribe_link,
                     wait_until)

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TEMPLATE = os.path.join(ROOT, "packaging", "aws", "template.yaml")
# What is closest to each program's work and yet not its own.
OUTSIDE = {
    "create_order": "dynamodb:DeleteItem",
    "update_order": "dynamodb:DeleteItem",
    "delete_order": "dynamodb:Scan",
    "get_orders": "dynamodb:PutItem",
    "get_order_by_id": "dynamodb:PutItem",
    "recognize_uploaded_image": "dynamodb:GetItem",
    "on_order_deleted": "sns:Publish",
    "archive_deleted_orders": "sns:Publish",
    "generate_pdf_report": "dynamodb:GetItem",
    "subscribe_email": "dynamodb:DeleteItem",
    "unsubscribe_email": "dynamodb:PutItem",
    "relay": "sns:DeleteTopic",
}


class Loader(yaml.SafeLoader):
    """Of CloudFormation's tags only the value is kept, as "!Tag value"."""


Loader.add_multi_constructor("!", lambda loader, tag, node:
                             f"!{tag} {loader.construct_scalar(node)}"
                             if isinstance(node, yaml.ScalarNode)
                             else loader.construct_sequence(node))


with open(TEMPLATE, encoding="utf-8") as file:
    RESOURCES = yaml.load(file, Loader)["Resources"]


def policies():
    found = {}
    for resource in RESOURCES.values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            name = resource["Properties"]["Description"].split()[0]
            found[name] = resource["Properties"]["PolicyDocument"]["Statement"]
    return found


POLICIES = policies()


def test_every_program_has_a_policy_and_no_policy_has_a_wildcard():
    assert set(POLICIES) == set(OUTSIDE)
    for name, statements in POLICIES.items():
        for statement in statements:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in statement["Action"])
            # Rekognition has no resources
            if statement["Action"] == ["rekognition:DetectLabels"]:
                continue
            targets = statement["Resource"]
            for target in [targets] if isinstance(targets, str) else targets:
                assert target.startswith(
                    ("!GetAtt Table.Arn", "!Sub ${Table.Arn}/index/",
                     "!GetAtt Bucket.Arn", "!Sub ${Bucket.Arn}/",
                     "!Ref Topic")), (name, target)


def client(peers, service, key=None, secret=None):
    boto3 = pytest.importorskip("boto3", reason="pip's boto3 is not installed")
    from botocore.config import Config
    return boto3.client(
        service, endpoint_url=peers.need("moto"), region_name="us-east-1",
        aws_access_key_id=key or peers.key,
        aws_secret_access_key=secret or peers.secret,
        config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="module")
def keys(peers):
    """An access key for each program, with its policy and nothing else."""
    iam = client(peers, "iam")
    found = {}
    for name, statements in POLICIES.items():
        actions = {action for one in statements for action in one["Action"]}
        if actions & {"dynamodb:PutItem", "dynamodb:UpdateItem",
                      "dynamodb:DeleteItem"}:
            actions.add("dynamodb:TransactWriteItems")
        # HEAD of a bucket has a name of its own in moto
        if "s3:ListBucket" in actions:
            actions.add("s3:HeadBucket")
        iam.create_user(UserName=name)
        iam.put_user_policy(
            UserName=name, PolicyName="its", PolicyDocument=json.dumps({
                "Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": sorted(actions),
                     "Resource": "*"}]}))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        found[name] = key["AccessKeyId"], key["SecretAccessKey"]
    return found


class Divided(Desk):
    """Each program with the credentials of its own policy."""
    keys = {}

    def environment_of(self, name):
        key, secret = self.keys.get(name, (None, None))
        return {**self.environment, "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret} if key else self.environment


@pytest.fixture(scope="module")
def divided(peers, keys):
    name = f"policy-{secrets.token_hex(4)}"
    settings, environment = peers.desk_settings(name)
    moto = peers.need("moto")
    settings.update({"aws.endpoint.dynamodb": moto, "aws.endpoint.s3": moto})
    desk = Divided(tempfile.mkdtemp(prefix="desk-"), overrides=settings,
                   environment=environment)
    desk.keys = keys
    desk.start()
    yield desk
    desk.stop()


def test_every_operation_works_with_its_own_policy(divided):
    api = Api(divided, divided.token())
    seen = api.post("/api/images", files={"image": ("a.png", png())},
                    data={"description": "a mobile phone"})
    assert seen.status_code == 200, seen.text
    receipt = seen.json()["receipt"]
    order = api.order(description="a mobile phone", image={"receipt": receipt})
    where = f"/api/orders/{order['id']}"
    changed = api.patch(where, json={"notes": "changed"})
    assert changed.status_code == 200, changed.text
    assert api.get(where).json()["notes"] == "changed"
    for query in ("", "?q=phone", "?status=pending", "?sort=price",
                  "?sort=-updated_at", "?customer_email=a@example.org"):
        listed = api.get("/api/orders" + query)
        assert listed.status_code == 200, (query, listed.text)

    address = "policy@example.org"
    subscribe(api, address)
    assert api.delete(where, headers={"Idempotency-Key": "a"}).ok
    archived(api, order["id"], ("done",))
    mail = wait_until(lambda: [one for one in maildir(divided, address)
                               if one["List-Unsubscribe"]], 10)[-1]
    left = api.post(unsubscribe_link(mail).replace(divided.url, ""),
                    data={"List-Unsubscribe": "One-Click"}, token=None)
    assert left.ok, left.text
    swept = api.post("/api/archive", json={})
    assert swept.status_code == 200, swept.text
    made = api.post("/api/reports", {})
    assert made.ok, made.text
    report = wait_until(lambda: (lambda it: it["state"] != "running" and it)(
        api.get(f"/api/reports/{made.json()['id']}").json()), 15)
    assert (report["state"], report["orders"]) == ("done", 1), report


def index_facts(index):
    return (index["IndexName"], index["KeySchema"],
            index["Projection"]["ProjectionType"],
            sorted(index["Projection"]["NonKeyAttributes"]))


def test_init_makes_the_table_and_the_bucket_of_the_template(peers, divided):
    name = divided.overrides["database.table"]
    dynamodb = client(peers, "dynamodb")
    made = dynamodb.describe_table(TableName=name)["Table"]
    wanted = RESOURCES["Table"]["Properties"]
    assert made["KeySchema"] == wanted["KeySchema"]
    by_name = lambda one: one["AttributeName"]      # noqa: E731
    assert sorted(made["AttributeDefinitions"], key=by_name) == \
        sorted(wanted["AttributeDefinitions"], key=by_name)
    assert sorted(map(index_facts, made["GlobalSecondaryIndexes"])) == \
        sorted(map(index_facts, wanted["GlobalSecondaryIndexes"]))
    live = dynamodb.describe_time_to_live(TableName=name)
    assert live["TimeToLiveDescription"]["AttributeName"] == \
        wanted["TimeToLiveSpecification"]["AttributeName"]
    s3 = client(peers, "s3")
    block = s3.get_public_access_block(Bucket=name)
    block = block["PublicAccessBlockConfiguration"]
    # init ignores public ACLs, as Ceph takes every PUT for one (s3_bucket.c)
    assert not block.pop("BlockPublicAcls") and all(block.values())
    again = divided.command("init").stdout.splitlines()
    # moto forgets a topic's signature version
    assert not [line for line in again if line.startswith("made")
                and "signature version" not in line]


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_what_is_outside_a_policy_is_refused(peers, keys, name):
    from botocore.exceptions import ClientError
    service, action = OUTSIDE[name].split(":")
    table, key = "any", {"pk": {"S": "x"}, "sk": {"S": "x"}}
    calls = {
        "DeleteItem": lambda it: it.delete_item(TableName=table, Key=key),
        "GetItem": lambda it: it.get_item(TableName=table, Key=key),
        "PutItem": lambda it: it.put_item(TableName=table, Item=key),
        "Scan": lambda it: it.scan(TableName=table),
        "Publish": lambda it: it.publish(
            TopicArn="arn:aws:sns:us-east-1:123456789012:any", Message="x"),
        "DeleteTopic": lambda it: it.delete_topic(
            TopicArn="arn:aws:sns:us-east-1:123456789012:any"),
    }
    with pytest.raises(ClientError) as refused:
        calls[action](client(peers, service, *keys[name]))
    # moto says it in XML, which is not DynamoDB's tongue: the status then
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "403")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
