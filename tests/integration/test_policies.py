"""test_policies.py: each policy of packaging/aws/template.yaml is enough for its
program and for no more, against moto in IAM mode.

moto looks at actions alone, not at resources, and knows a transaction by its
call's name, where IAM asks for the actions in it: so here each policy is granted
on "*", and who may write may transact. What IAM would say of each call's
resources is found here, from the calls as they went by.
"""
import fnmatch
import json
import os
import re
import secrets
import tempfile
import urllib.parse

import pytest
from aws_proxy import AwsProxy
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
    "ordermill": "sns:Publish",
    "desk": "dynamodb:Scan",
}
# What moto asks for beside: HEAD of a bucket has a name of its own, and it
# forgets a topic's signature version, so that init sets it again.
MOTO_ASKS = {"s3:ListBucket": "s3:HeadBucket",
             "s3:GetBucketPublicAccessBlock": "s3:GetPublicAccessBlock",
             "sns:GetTopicAttributes": "sns:SetTopicAttributes"}


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
# https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCE = {"rekognition:DetectLabels",
                    "sns:GetSubscriptionAttributes",
                    "sns:SetSubscriptionAttributes"}


def targets(statement):
    """As "Table.Arn/index/by_kind": without the tags."""
    found = statement["Resource"]
    return [re.sub(r"^!\w+ |[${}]", "", one)
            for one in ([found] if isinstance(found, str) else found)]


def test_every_program_has_a_policy_and_no_policy_has_a_wildcard():
    assert set(POLICIES) == set(OUTSIDE)
    for name, statements in POLICIES.items():
        for statement in statements:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in statement["Action"])
            if set(statement["Action"]) <= WITHOUT_RESOURCE:
                continue
            for target in targets(statement):
                assert re.match(r"(Table|Bucket)\.Arn(/|$)|Topic$", target), \
                    (name, target)


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
        actions |= {MOTO_ASKS[one] for one in actions & set(MOTO_ASKS)}
        user = f"policy-{name}"
        iam.create_user(UserName=user)
        iam.put_user_policy(
            UserName=user, PolicyName="its", PolicyDocument=json.dumps({
                "Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": sorted(actions),
                     "Resource": "*"}]}))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        found[name] = key["AccessKeyId"], key["SecretAccessKey"]
    return found


VERBS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
         "ConditionCheck": "ConditionCheckItem"}


def asked_of_dynamodb(message):
    action = message.headers["X-Amz-Target"].partition(".")[2]
    body = json.loads(message.body)
    if action == "TransactWriteItems":
        return {("dynamodb:" + VERBS[verb], "Table.Arn")
                for one in body["TransactItems"] for verb in one}
    index = body.get("IndexName")
    return {("dynamodb:" + action,
             "Table.Arn" + (f"/index/{index}" if index else ""))}


def asked_of_s3(message):
    path, _, query = message.target.partition("?")
    key = path.partition("/")[2].partition("/")[2]
    action = {"publicAccessBlock=": "GetBucketPublicAccessBlock",
              "versioning=": "GetBucketVersioning",
              "encryption=": "GetEncryptionConfiguration",
              "lifecycle=": "GetLifecycleConfiguration"}.get(
                  query, "ListBucket") if not key else {
        "HEAD": "GetObject", "GET": "GetObject", "PUT": "PutObject",
        "DELETE": "DeleteObject"}[message.method]
    return {("s3:" + action, "Bucket.Arn" + (f"/{key}" if key else ""))}


def asked_of_sns(message):
    form = urllib.parse.parse_qs(message.body.decode())
    action = "sns:" + form["Action"][0]
    return {(action, "*" if action in WITHOUT_RESOURCE else "Topic")}


def asked(message):
    """The key and the service, and what IAM would ask for."""
    key, service = re.search(r"Credential=([^/]+)/\d+/[^/]+/(\w+)/",
                             message.headers["Authorization"]).groups()
    if service == "rekognition":
        return key, {("rekognition:DetectLabels", "*")}
    return key, {"dynamodb": asked_of_dynamodb, "s3": asked_of_s3,
                 "sns": asked_of_sns}[service](message)


def is_allowed(statements, action, resource):
    return any(action in one["Action"] and
               any(fnmatch.fnmatchcase(resource, target)
                   for target in targets(one)) for one in statements)


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
    proxy = AwsProxy(peers.need("moto"))
    settings.update({f"aws.endpoint.{service}": proxy.url for service in
                     ("dynamodb", "s3", "sns", "rekognition")})
    desk = Divided(tempfile.mkdtemp(prefix="desk-"), overrides=settings,
                   environment=environment)
    # init makes what the stack would
    desk.keys = {one: keys[one] for one in keys if one != "ordermill"}
    desk.proxy = proxy
    desk.start()
    desk.keys = keys
    yield desk
    desk.stop()
    proxy.close()


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
    listed = api.get("/api/archive")
    assert len(listed.json()["data"]) == 1, listed.text
    for command in ("init", "check", "deletions list", "deletions redrive",
                    f"restore {order['id']}"):
        divided.command(*command.split())

    names = {key: name for name, (key, _) in divided.keys.items()}
    calls = {(names[key], *one)
             for key, all_of_it in map(asked, divided.proxy.messages)
             for one in all_of_it if key in names}
    assert {name for name, _, _ in calls} == set(POLICIES) - {"desk"}
    assert not sorted(
        (name, action, resource) for name, action, resource in calls
        if not is_allowed(POLICIES[name], action, resource)
        and action not in MOTO_ASKS.values())


def test_the_policy_of_a_whole_desk_allows_what_the_programs_are_allowed():
    ours, theirs = ({(action, target) for name in names
                     for one in POLICIES[name] for action in one["Action"]
                     for target in targets(one)}
                    for names in (["desk"],
                                  set(POLICIES) - {"desk", "ordermill"}))
    assert all(is_allowed(POLICIES["desk"], *one) for one in theirs)
    assert {action for action, _ in ours} == {action for action, _ in theirs}
    document = {"Version": "2012-10-17", "Statement": POLICIES["desk"]}
    assert len(json.dumps(document, separators=(",", ":"))) < 6144


def test_the_subscription_is_as_the_relay_makes_it():
    """And SNS accepts it: no policy may take more than an hour."""
    with open(os.path.join(ROOT, "src", "adapters", "event_bus_sns.c"),
              encoding="utf-8") as source:
        define = re.search(r"#define DELIVERY_POLICY((?:.*\\\n)+.*)",
                           source.read())[1]
    relays = json.loads("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', define))
                        .replace('\\"', '"'))
    ours = RESOURCES["Subscription"]["Properties"]["DeliveryPolicy"]
    assert ours == relays
    retry = ours["healthyRetryPolicy"]
    waits = retry["numRetries"] - retry["numNoDelayRetries"] - \
        retry["numMinDelayRetries"]
    assert waits * retry["maxDelayTarget"] + \
        retry["numMinDelayRetries"] * retry["minDelayTarget"] <= 3600


def index_facts(index):
    return (index["IndexName"], index["KeySchema"],
            index["Projection"]["ProjectionType"],
            sorted(index["Projection"]["NonKeyAttributes"]))


def made_rule(rule):
    """As the API has it: less than that is in none of ours."""
    return {**rule, "Filter": rule["Filter"]["Prefix"]}


def wanted_rule(rule):
    """As CloudFormation has it, in the API's words."""
    said = dict(rule)
    wanted = {"ID": said.pop("Id"), "Filter": said.pop("Prefix", "")}
    if "ExpirationInDays" in said:
        wanted["Expiration"] = {"Days": said.pop("ExpirationInDays")}
    return {**wanted, **said}


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
    made = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    wanted = RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]
    assert list(map(made_rule, made)) == list(map(wanted_rule, wanted["Rules"]))
    said = divided.command("check", check=False).stdout
    assert f"ok    database        dynamodb, {name}" in said
    again = divided.command("init").stdout.splitlines()
    assert f"kept   time to live: {name}" in again
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
