"""./dev: what a newcomer meets"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

import pytest

from desk import RESPONDERS, ROOT, free_port
from support import Api

PROGRAM = [sys.executable, os.path.join(ROOT, "tools", "desk.py")]


def dev(*arguments, **more):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True,
                          text=True, timeout=90, stdin=subprocess.DEVNULL,
                          **more)


@pytest.fixture(scope="module")
def opened():
    """A desk with its sample, opened as a newcomer does."""
    with tempfile.TemporaryDirectory(prefix="dev-") as state:
        port = str(free_port())
        done = dev("up", "--state", state, "--port", port, "--sample")
        try:
            assert done.returncode == 0, done.stdout + done.stderr
            yield state, port, done.stdout
        finally:
            assert dev("down", "--state", state).returncode == 0


def test_up_says_where_it_is_and_how_to_stop(opened):
    state, port, text = opened
    assert re.search(rf"http://127\.0\.0\.1:{port}/#token=om_[\w-]{{43}}$",
                     text, re.M)
    assert os.path.join(state, "mail") in text
    assert "./dev down" in text


def test_the_sample_is_there(opened):
    state, _, text = opened
    facts = json.loads(dev("status", "--json", "--state", state).stdout)
    token = re.search(r"om_[\w-]{43}", text)[0]

    class Running:
        url = facts["url"]
    api = Api(Running, token)
    live = api.get("/api/orders?limit=200").json()["data"]
    gone = api.get("/api/archive?limit=200").json()["data"]
    # two more where the recognizer and real photos could be had
    assert len(live) in (24, 25, 26) and len(gone) == 6
    assert len({order["currency"] for order in live}) >= 6
    assert {order["status"] for order in live} == {
        "pending", "confirmed", "shipped", "delivered", "cancelled"}
    photos = [order["image"] for order in live if order["image"]]
    assert len(photos) >= 15
    assert api.get(photos[0]["url"], token=None).status_code == 200
    by_text = {order["description"]: order["image"] for order in live}
    for text, verdict, by_hand in (
            ("Two cups of coffee for the meeting room", "match", False),
            ("Mountain bike, 27 gears", "mismatch", True)):
        if text in by_text:
            assert (by_text[text]["verdict"],
                    by_text[text]["accepted_by_user"]) == (verdict, by_hand)
    assert {entry["mails"]["total"] for entry in gone
            if entry["state"] != "pending"} <= {2}


def test_a_second_up_says_that_it_runs(opened):
    state, port, _ = opened
    done = dev("up", "--state", state)
    assert done.returncode == 0
    assert f"already runs at http://127.0.0.1:{port}" in done.stdout


def test_status_names_everything(opened):
    state, port, _ = opened
    facts = json.loads(dev("status", "--json", "--state", state).stdout)
    assert facts["url"] == "http://127.0.0.1:" + port
    for key in ("state_dir", "mail_dir", "config", "ordermill"):
        assert os.path.exists(facts[key]), key
    names = {p["name"] for p in facts["programs"]}
    # the recognizer is built where its libraries are
    assert names - {"recognizer"} == {*RESPONDERS, "relay"}
    for program in facts["programs"] + [facts["nginx"]]:
        assert program["pid"] and program["memory_kib"] > 0
        assert program["restarts"] == 0
    requests = {p["name"]: p["requests"] for p in facts["programs"]}
    # thirty, and two more where their photos can be had
    assert requests["create_order"] in (30, 31, 32)
    assert requests["delete_order"] == 6
    text = dev("status", "--state", state).stdout
    assert "create_order" in text and "MiB" in text


def test_token_gives_one_with_the_scopes_asked_for(opened):
    state, port, _ = opened
    done = dev("token", "--scopes", "orders:read", "--state", state)
    token = done.stdout.strip()
    assert re.fullmatch(r"om_[\w-]{43}", token)

    class Running:
        url = "http://127.0.0.1:" + port
    assert Api(Running, token).get("/api/orders").status_code == 200
    assert Api(Running, token).post("/api/orders", {}).status_code == 403


def test_logs_show_requests(opened):
    done = dev("logs", "create_order", "--state", opened[0])
    assert "op=create_order" in done.stdout
    assert "event=request" in done.stdout


@pytest.mark.parametrize("arguments, words", [
    (["token", "--scopes", "orders:raed"], "orders:raed is no scope"),
    (["logs", "nothing"], "no log of nothing"),
    (["up", "--port", "0"], "1 to 65535"), (["up", "--port", "x"], "1 to 65535"),
    (["token", "--state", "/nonexistent"], "no desk in /nonexistent")])
def test_mistakes_get_one_sentence(arguments, words):
    done = dev(*arguments)
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said_in_a_sentence():
    with tempfile.TemporaryDirectory(prefix="dev-") as state, \
            socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = dev("up", "--state", state, "--port", port)
        assert done.returncode == 1
        assert f"Port {port}" in done.stderr and "--port" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert dev("status", "--state", state).returncode == 1


def test_an_unwritable_state_is_said_in_a_sentence():
    done = dev("up", "--state", "/proc/nothing", "--port", str(free_port()))
    assert done.returncode == 1
    assert "/proc/nothing" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_full_disk_is_said_in_a_sentence(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    small = tempfile.mkdtemp(prefix="small-")
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "x",
                            small], capture_output=True)
    if mount.returncode:
        os.rmdir(small)
        pytest.skip("mounting is not allowed here")
    try:
        done = dev("up", "--state", small, "--port", str(free_port()))
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert "Traceback" not in done.stderr
        left = subprocess.run(["fuser", "-m", small], capture_output=True) \
            if os.path.exists("/bin/fuser") else None
        assert left is None or not left.stdout
    finally:
        subprocess.run(["umount", small], check=True)
        os.rmdir(small)


def test_down_without_a_desk_is_no_mistake():
    with tempfile.TemporaryDirectory(prefix="dev-") as state:
        done = dev("down", "--state", state)
        assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_left_after_a_stop_or_a_kill():
    with tempfile.TemporaryDirectory(prefix="dev-") as state:
        port = free_port()
        assert dev("up", "--state", state, "--port",
                   str(port)).returncode == 0
        facts = json.loads(dev("status", "--json", "--state", state).stdout)
        pids = [p["pid"] for p in facts["programs"] + [facts["nginx"]]]
        assert dev("down", "--state", state).returncode == 0
        assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
