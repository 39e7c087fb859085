"""A desk whose objects are in S3 (radosgw, which verifies signatures) and whose
events go through a topic of SNS (moto, which verifies ours and signs its own;
its certificate is fetched by TLS under SNS's name)."""
import secrets
import tempfile
import urllib.parse

import pytest
import requests

from desk import Desk
from profiles import NO_PHOTOS, bucket_on, stop_and_remove
from support import (Api, archived, photo_of_an_order, png, problem,
                     wait_until)


@pytest.fixture(scope="module")
def start(peers):
    """Desks on SQLite, with a bucket and a topic each."""
    desks = []

    def make():
        name = f"order-{secrets.token_hex(6)}"
        keys, environment = peers.desk_settings(name)
        keys = {key: value for key, value in keys.items()
                if not key.startswith("database.")}
        desk = Desk(tempfile.mkdtemp(prefix="desk-"), environment=environment,
                    overrides={**keys, **NO_PHOTOS,
                               "database.adapter": "sqlite"})
        desks.append(desk)
        desk.objects = bucket_on(peers, name)
        desk.topic = keys["event_bus.topic_arn"]
        desk.start()
        return desk
    yield make
    stop_and_remove(desks)


@pytest.fixture(scope="module")
def desk(start):
    return start()


@pytest.fixture(scope="module")
def api(desk):
    return Api(desk, desk.token())


# --- init ----------------------------------------------------------------------

def test_init_keeps_what_it_made(desk):
    said = desk.command("init").stdout
    assert "kept   bucket: " + desk.objects.name in said
    assert "kept   topic: " + desk.topic in said
    assert "skip   versioning" in said


def test_check_tries_the_bucket(desk):
    said = desk.command("check", check=False).stdout
    assert [line for line in said.splitlines()
            if line.startswith("ok") and "s3" in line], said


def test_init_adds_the_lifecycle_to_an_operators_and_says_so(desk):
    client, bucket = desk.objects.client, desk.objects.name

    def rules():
        found = client.get_bucket_lifecycle_configuration(Bucket=bucket)
        return {rule["ID"]: rule for rule in found["Rules"]}
    made = rules()
    assert set(made) == {"reports", "old-versions"}
    own = {"ID": "own", "Status": "Enabled", "Expiration": {"Days": 3650},
           "Filter": {"And": {"Prefix": "elsewhere/", "Tags": [
               {"Key": "a<b", "Value": "c&d"}]}}}
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={
            "Rules": [own, made["old-versions"]]})
    said = desk.command("check", check=False).stdout
    assert f"{bucket}: its lifecycle rule reports is missing" in said
    before = rules()
    assert set(before) == {"own", "old-versions"}
    said = desk.command("init").stdout
    assert "made   lifecycle rule reports: " + bucket in said
    assert "kept   lifecycle rule old-versions: " + bucket in said
    assert rules() == {**before, "reports": made["reports"]}
    said = desk.command("init").stdout
    assert "kept   lifecycle rule reports: " + bucket in said
    assert "made" not in said.replace("made   signature version", "")
    said = desk.command("check", check=False).stdout
    assert "its lifecycle" not in said


# --- a deletion ------------------------------------------------------------------

def test_a_deletion_rings_by_sns_and_is_archived_in_the_bucket(desk, api):
    order = api.order(description="through the topic")
    content = api.get("/api/orders/" + order["id"]).json()
    answer = api.delete("/api/orders/" + order["id"])
    assert answer.status_code == 200
    # long before the relay would sweep it up without any message
    entry = archived(api, order["id"], wait_s=20)
    key = entry["deletion"]["archive"]
    assert key in desk.objects.keys("archive")
    assert content["description"].encode() in desk.objects.read(key)


def test_a_deletion_whose_object_is_there_with_other_bytes_stays_open(
        desk, api):
    order = api.order(description="taken")
    desk.pause_program("relay")
    event_id = api.delete("/api/orders/" + order["id"]).json()["event_id"]
    entry = api.get(f"/api/archive/{order['id']}").json()
    day = entry["deletion"]["deleted_at"][:10].replace("-", "/")
    key = f"archive/{day}/{event_id}.json"
    desk.objects.write(key, b"somebody's")
    answer = api.post("/api/archive", headers={
        "Authorization": "Bearer " + desk.token(["archive:run"], "sweeper")})
    desk.resume_program("relay")
    assert answer.status_code == 200
    assert answer.json()["failed"] >= 1
    assert desk.objects.read(key) == b"somebody's"
    desk.objects.remove(key)
    archived(api, order["id"], wait_s=150)


# --- links -----------------------------------------------------------------------

@pytest.fixture(scope="module")
def photo(api):
    return photo_of_an_order(api)


@pytest.fixture(scope="module")
def report(api):
    answer = api.post("/api/reports", {"title": "All"})
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


def fetch(url, method="GET"):
    return requests.request(method, url, timeout=10)


def test_a_link_to_a_photo_gives_it(photo):
    content, url = photo
    answer = fetch(url)
    assert answer.status_code == 200
    assert answer.content[:8] == content[:8]
    assert answer.headers["Content-Type"] == "image/png"


def test_a_link_to_a_report_gives_the_pdf(report):
    answer = fetch(report)
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_is_for_reading_alone(report, method):
    assert fetch(report, method).status_code in (403, 405, 412)
    assert fetch(report).status_code == 200


def changed(url, **parameters):
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    query.update(parameters)
    return urllib.parse.urlunsplit(parts._replace(
        query=urllib.parse.urlencode(query, quote_via=urllib.parse.quote)))


@pytest.mark.parametrize("change", [
    lambda url: changed(url, **{"X-Amz-Expires": "604800"}),
    lambda url: changed(url, **{"X-Amz-Date": "20200101T000000Z"}),
    lambda url: changed(url, **{
        "response-content-disposition": 'attachment; filename="x.exe"'}),
    lambda url: changed(url, **{"response-content-type": "text/html"}),
    lambda url: url.replace(".pdf?", ".json?"),
    lambda url: url.replace("/reports/", "/images/"),
    lambda url: url.partition("?")[0],
], ids=["expiry", "date", "disposition", "type", "key", "folder", "unsigned"])
def test_a_link_that_was_rewritten_is_refused(report, change):
    assert change(report) != report
    assert fetch(change(report)).status_code in (400, 403, 404)


def test_every_character_of_the_signature_counts(report):
    start = report.index("X-Amz-Signature=") + len("X-Amz-Signature=")
    for at in range(start, start + 64):
        other = report[:at] + ("0" if report[at] != "0" else "1") + \
            report[at + 1:]
        assert fetch(other).status_code == 403


# --- trouble -----------------------------------------------------------------------

def test_another_secret_stops_init_with_a_reason(desk, monkeypatch):
    monkeypatch.setitem(desk.environment, "AWS_SECRET_ACCESS_KEY", "wrong")
    done = desk.command("init", check=False)
    assert done.returncode == 1
    assert "credentials were refused" in done.stderr or \
        "signature was refused" in done.stderr, done.stderr
    assert "wrong" not in done.stderr


def test_another_secret_is_a_503_and_a_line_in_the_log(start):
    desk = start()
    api = Api(desk, desk.token())
    right = desk.environment["AWS_SECRET_ACCESS_KEY"]
    desk.environment["AWS_SECRET_ACCESS_KEY"] = "not-the-secret"
    desk.restart("generate_pdf_report")
    desk.restart("recognize_uploaded_image")
    wait_until(lambda: api.get("/livez").status_code == 200)
    problem(api.post("/api/reports", {}), 503, "unavailable")
    for name, ask in (
            ("generate_pdf_report", lambda: api.post("/api/reports", {})),
            ("recognize_uploaded_image", lambda: api.raw(
                "POST", "/api/images?description=a", png(), "image/png"))):
        def log():
            with open(f"{desk.log_dir}/{name}.log", encoding="utf-8") as file:
                return file.read()

        def said():
            problem(ask(), 503, "unavailable")
            return "credentials were refused" in log()
        wait_until(said)
        assert "request id" in log()
        assert "not-the-secret" not in log() and right not in log()
    desk.environment["AWS_SECRET_ACCESS_KEY"] = right
    desk.restart("generate_pdf_report")
    wait_until(lambda: api.post("/api/reports", {}).status_code == 201)
