"""The relay: one for a state, woken at once, idle when idle, killed without harm,
closing a record only over good bytes"""
import fcntl
import glob
import os
import signal
import subprocess
import time

import pytest

from desk import ROOT, descendants, free_port
from support import Api, archive_object, archived, wait_until

BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")


class Bare:
    """A state and a relay, and nothing else of a desk."""

    def __init__(self, folder):
        self.state = os.path.join(folder, "state")
        config = os.path.join(folder, "conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"state.directory = {self.state}\n"
                       f"site.url = http://127.0.0.1:{free_port()}\n")
        self.environment = dict(os.environ, ORDERMILL_CONFIG=config)
        self.started = []

    def run(self, *arguments):
        return subprocess.run(
            [os.path.join(BUILD, "src", "ordermill", "ordermill"), *arguments],
            env=self.environment, capture_output=True, text=True, check=False)

    def relay(self):
        log = open(os.path.join(self.state, f"log{len(self.started)}"), "a+",
                   encoding="utf-8")
        process = subprocess.Popen(
            [os.path.join(BUILD, "src", "relay", "relay")],
            env=self.environment, stderr=log)
        process.log = log
        self.started.append(process)
        return process

    def running_relay(self):
        process = self.relay()
        wait_until(lambda: said(process).count("event=started") == 5)
        return process

    def stop(self):
        for process in self.started:
            if process.poll() is None:
                process.terminate()
            process.wait(10)
            process.log.close()


def said(process):
    process.log.seek(0)
    return process.log.read()


@pytest.fixture
def bare(tmp_path):
    bare = Bare(str(tmp_path))
    assert bare.run("init").returncode == 0
    yield bare
    bare.stop()


def test_a_second_relay_says_so_and_ends(bare):
    bare.running_relay()
    second = bare.relay()
    assert second.wait(10) == 1
    assert "another relay works on this state" in said(second)


def test_sigterm_ends_it_quickly_and_well(bare):
    relay = bare.running_relay()
    children = descendants(relay.pid)
    assert len(children) == 4
    started = time.monotonic()
    relay.terminate()
    assert relay.wait(5) == 0
    assert time.monotonic() - started < 4      # its tick is five
    assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]
    assert not os.path.exists(os.path.join(bare.state, "run", "relay.sock"))


def test_a_child_that_dies_is_replaced(bare):
    relay = bare.running_relay()
    for child in descendants(relay.pid):
        os.kill(child, signal.SIGKILL)
    try:
        wait_until(lambda: said(relay).count("event=started") == 9)
    except AssertionError:
        raise AssertionError(said(relay)) from None
    assert said(relay).count("event=child_ended") == 4
    assert len(descendants(relay.pid)) == 4


def test_children_do_not_outlive_their_parent(bare):
    relay = bare.running_relay()
    children = descendants(relay.pid)
    relay.kill()
    relay.wait(5)
    wait_until(lambda: not [pid for pid in children
                            if os.path.exists(f"/proc/{pid}")])
    bare.running_relay()    # the lock is free, the old socket is no hindrance


def test_it_waits_for_a_database_that_is_not_there_yet(bare):
    for name in glob.glob(os.path.join(bare.state, "ordermill.db*")):
        os.remove(name)
    relay = bare.relay()
    wait_until(lambda: "event=child_ended" in said(relay))
    assert bare.run("init").returncode == 0
    wait_until(lambda: len([line for line in said(relay).splitlines() if
                            "op=relay." in line and "event=started" in line])
               >= 4)


def test_a_wrong_configuration_stops_the_start(bare):
    with open(bare.environment["ORDERMILL_CONFIG"], "a",
              encoding="utf-8") as file:
        file.write("relay.sokcet = x\n")
    relay = bare.relay()
    assert relay.wait(5) == 1
    assert ":3: relay.sokcet:" in said(relay)


def test_check_says_whether_it_runs(bare):
    assert "relay           does not run" in bare.run("check").stdout
    relay = bare.running_relay()
    assert "relay           runs" in bare.run("check").stdout
    relay.terminate()
    relay.wait(5)


def cpu_ticks(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks


def test_idle_it_costs_next_to_nothing(desk):
    if desk.profile == "local":
        wait_until(lambda: os.path.exists(
            os.path.join(desk.state, "event_bus", "subscription")))
    wait_until(lambda: desk.command("deletions", "list").stdout == "")
    time.sleep(3)       # the database is kept once more, then nothing is left
    pids = descendants(desk.programs["relay"].pid)
    before = cpu_ticks(pids)
    time.sleep(4)
    assert cpu_ticks(pids) - before <= 4     # 1 % of a core


# --- records and bytes

@pytest.fixture(scope="module")
def guarded(make_desk):
    """A desk whose relay is stopped while its archive is tampered with."""
    return make_desk({"relay.sweep_after_s": "2"})


@pytest.fixture(scope="module")
def guarded_api(guarded):
    return Api(guarded, guarded.token())


def archived_without_relay(desk, api):
    """An archived deletion that no relay has closed yet, and its object."""
    order = api.order()
    desk.pause_program("relay")
    assert api.delete("/api/orders/" + order["id"]).status_code == 200
    assert api.post("/api/archive").status_code == 200
    entry = archived(api, order["id"], ("archived",))
    return order, entry, entry["deletion"]["archive"]


def test_an_object_that_vanished_is_put_back(guarded, guarded_api):
    order, entry, key = archived_without_relay(guarded, guarded_api)
    before = archive_object(guarded, entry)
    guarded.objects.remove(key)
    guarded.resume_program("relay")
    archived(guarded_api, order["id"], ("done",))
    assert archive_object(guarded, entry) == before


def test_a_damaged_object_keeps_its_record_open(guarded, guarded_api):
    order, entry, key = archived_without_relay(guarded, guarded_api)
    guarded.objects.write(key, archive_object(guarded, entry)[:-10])
    guarded.resume_program("relay")
    archived(guarded_api, order["id"], ("mailed",))
    log = os.path.join(guarded.log_dir, "relay.log")
    event_id = entry["deletion"]["event_id"]

    def reported():
        with open(log, encoding="utf-8") as file:
            return [line for line in file
                    if "archive_damaged" in line and event_id in line]
    wait_until(reported)
    time.sleep(2.5)
    assert len(reported()) == 1              # loud, not endless
    state = guarded_api.get("/api/archive/" + order["id"]).json()["deletion"]
    assert state["state"] == "mailed"
    # the record still has the order: it can be put back from there
    guarded.command("restore", order["id"])
    assert guarded_api.get("/api/orders/" + order["id"]).status_code == 200


def test_what_the_event_path_missed_is_swept(make_desk):
    desk = make_desk({"relay.sweep_after_s": "1",
                      "event_bus.endpoint":
                      f"http://127.0.0.1:{free_port()}/nobody"})
    api = Api(desk, desk.token())
    order = api.order()
    assert api.delete("/api/orders/" + order["id"]).status_code == 200
    archived(api, order["id"], ("done",))


def test_the_lock_is_the_state_s(bare):
    relay = bare.running_relay()
    with open(os.path.join(bare.state, "run", "relay.lock"),
              encoding="utf-8") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        relay.terminate()
        relay.wait(5)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
