"""The operator's command line on a running desk"""
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

from support import Api, UNKNOWN_ID, archived, png, problem


@pytest.fixture(scope="module")
def desk(make_desk):
    return make_desk()


@pytest.fixture(scope="module")
def api(desk):
    return Api(desk, desk.token())


def deleted(api, **members):
    order = api.order(**members)
    content = api.get("/api/orders/" + order["id"]).content
    api.delete("/api/orders/" + order["id"])
    archived(api, order["id"], ("done",))
    return order, content


def test_restore_gives_the_same_id_and_bytes(desk, api):
    seen = api.raw("POST", "/api/images?description=ünï", png(),
                   "image/png").json()
    order, _ = deleted(
        api, description="ünï", notes="a\n\"b\"", metadata={"k": "v"},
        lines=[{"sku": "S", "name": "n", "quantity": 3,
                "unit_price": "0.10"}], image={"receipt": seen["receipt"]})
    desk.command("restore", order["id"])
    back = api.get("/api/orders/" + order["id"])
    assert back.status_code == 200
    restored = back.json()
    for one in (order, restored):
        one["image"].pop("url", None)
    assert restored == order
    # and it lives on
    assert api.patch("/api/orders/" + order["id"], {"status": "confirmed"},
                     headers={"If-Match": back.headers["ETag"]}).json()[
        "version"] == 2


def test_restore_gives_the_very_bytes(desk, api):
    order, content = deleted(api, description="bytes 日本", price=3)
    desk.command("restore", order["id"])
    assert api.get("/api/orders/" + order["id"]).content == content


def test_a_restored_order_is_found_and_can_be_deleted_again(desk, api):
    order, _ = deleted(api, description="phoenix", notes="feathers")
    desk.command("restore", order["id"])
    found = api.get("/api/orders?q=feathers").json()["data"]
    assert [one["id"] for one in found] == [order["id"]]
    again = api.delete("/api/orders/" + order["id"])
    assert again.status_code == 200
    entry = archived(api, order["id"], ("done",))
    assert entry["deletion"]["event_id"] == again.json()["event_id"]


def test_restore_twice_is_refused(desk, api):
    order, _ = deleted(api)
    desk.command("restore", order["id"])
    assert desk.command("restore", order["id"], check=False).returncode != 0
    assert api.get("/api/orders/" + order["id"]).json() == order


@pytest.mark.parametrize("order_id", [UNKNOWN_ID, "x", ""])
def test_restore_says_what_is_not_there(desk, order_id):
    done = desk.command("restore", order_id, check=False)
    assert done.returncode != 0
    assert done.stderr.strip()


def test_deletions_are_listed(desk, api):
    order, _ = deleted(api)
    assert order["id"] in desk.command("deletions", "list", "--all").stdout
    assert order["id"] not in desk.command("deletions", "list",
                                           "--open").stdout


def test_export_gives_every_order(desk, api):
    order = api.order(description="to export")
    lines = desk.command("export").stdout.splitlines()
    exported = [json.loads(line) for line in lines]
    assert order in exported
    listed = api.get("/api/orders?limit=200").json()["data"]
    for one in exported + listed:
        if one["image"]:
            one["image"].pop("url", None)
    assert sorted(exported, key=lambda o: o["id"]) == \
        sorted(listed, key=lambda o: o["id"])


def test_check_finds_nothing_wrong(desk):
    done = desk.command("check", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_check_says_where_objects_are(desk, profile):
    where = f"s3, {desk.overrides['object_archive.bucket']}" \
        if profile == "aws" else f"directory, {desk.objects_dir}"
    said = desk.command("check").stdout
    assert re.search(rf"(?m)^ok +archive +{re.escape(where)}$", said), said


def test_check_says_what_is_not_set_up(desk):
    hints = {line.split()[1] for line in
             desk.command("check").stdout.splitlines()
             if line.startswith("note")}
    assert {"recognizer", "tls", "backup"} <= hints


def test_check_tells_of_a_site_without_tls(desk, tmp_path):
    path = tmp_path / "x.conf"
    with open(desk.config, encoding="utf-8") as file:
        text = re.sub("(?m)^site.url.*$", "site.url = http://desk.example",
                      file.read())
    path.write_text(text)
    said = desk.command("-c", str(path), "check", check=False).stdout
    assert "in the clear" in said
    path.write_text(text.replace("http://desk", "https://desk"))
    said = desk.command("-c", str(path), "check", check=False).stdout
    assert re.search("(?m)^ok +tls", said)


@pytest.mark.local("AWS keeps backups of its own")
def test_check_tells_of_a_backup_that_is_old(desk):
    path = os.path.join(desk.state, "last_backup")
    with open(path, "w", encoding="utf-8") as file:
        file.write("x")
    for hours, word in ((1, "ok"), (37, "note")):
        seconds = time.time() - hours * 3600 - 1
        os.utime(path, (seconds, seconds))
        said = desk.command("check").stdout
        assert re.search(f"(?m)^{word} +backup .* {hours} hour", said), said
    os.unlink(path)


def test_a_database_of_a_newer_program_is_refused_and_left_alone(desk,
                                                                tmp_path):
    config = tmp_path / "x.conf"
    config.write_text(f"state.directory = {tmp_path}/state\n")
    desk.command("-c", str(config), "init")
    path = tmp_path / "state" / "ordermill.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    for command in ("init", "check", "export"):
        done = desk.command("-c", str(config), command, check=False)
        assert done.returncode == 1
        assert "schema 999, newer than this program" in \
            done.stdout + done.stderr
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (999,)
    database.close()


def test_a_wrong_key_is_named_with_its_line(desk, tmp_path):
    path = tmp_path / "x.conf"
    path.write_text("profile = local\nmailer.adaptor = smtp\n")
    done = desk.command("-c", str(path), "check", check=False)
    assert done.returncode != 0
    assert ":2: mailer.adaptor:" in done.stderr


@pytest.mark.local("SNS keeps its dead letters itself")
def test_dead_letters_can_be_redriven(make_desk):
    from test_delete_order import break_archive, mend_archive
    desk = make_desk({"event_bus.attempts": "1",
                      "relay.sweep_after_s": "3600"})
    api = Api(desk, desk.token())
    break_archive(desk)
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    from support import wait_until
    wait_until(lambda: api.get("/readyz").json()["deletions"]["dead"] == 1)
    assert order["id"] in desk.command("deletions", "list", "--dead").stdout
    mend_archive(desk)
    answer = api.post("/api/archive", {"redrive": True})
    assert answer.status_code == 200
    archived(api, order["id"], ("done",))
    assert api.get("/readyz").json()["deletions"]["dead"] == 0


def test_secrets_are_closed(desk):
    for folder, _, files in os.walk(os.path.join(desk.state, "secrets")):
        for name in files:
            mode = os.stat(os.path.join(folder, name)).st_mode
            assert mode & 0o077 == 0, name
    problem(Api(desk, None).get("/secrets/site.key"), 404)


def on_a_machine_of_its_own(tmp_path, more=""):
    """Runs commands where nothing is yet."""
    build = os.environ.get("ORDERMILL_BUILD") or os.path.join(
        os.path.dirname(__file__), "..", "..", ".build")
    config = tmp_path / "ordermill.conf"
    config.write_text(f"state.directory = {tmp_path}/state\n{more}")

    def run(*command):
        return subprocess.run(
            [os.path.join(build, "src", "ordermill", "ordermill"), "-c",
             str(config), *command], capture_output=True, text=True)
    return run


def test_an_upgrade_on_aws_needs_neither_network_nor_the_rights_of_init(
        tmp_path):
    nowhere = "".join(f"aws.endpoint.{name} = http://127.0.0.1:1\n"
                      for name in ("dynamodb", "s3", "sns"))
    run = on_a_machine_of_its_own(
        tmp_path, "profile = aws\naws.region = eu-central-1\n"
        "object_archive.bucket = example-orders\n" + nowhere + "event_bus.topic_arn = "
        "arn:aws:sns:eu-central-1:123456789012:order-deleted\n")
    done = run("init", "--local")
    assert done.returncode == 0, done.stderr
    # what the units hand over (LoadCredential=), without which none starts
    assert {"site.key", "objects.key", "relay.token"} <= set(
        os.listdir(tmp_path / "state/secrets"))
    assert run("init", "--else").returncode == 2


def test_what_init_makes_is_what_check_wants(tmp_path):
    run = on_a_machine_of_its_own(tmp_path)
    first, second = run("init"), run("init", "--local")
    assert first.returncode == second.returncode == 0, first.stderr
    assert "made   event bus key" in first.stdout
    assert "made " not in second.stdout
    checked = run("check")
    assert "FAIL" not in checked.stdout, checked.stdout
    assert checked.returncode == 0
