"""A small storm, and a checker that sees what it is there to see"""
import copy
import json
import os
import subprocess
import sys

import pytest

from desk import ROOT
from profiles import Directory

sys.path.insert(0, os.path.join(ROOT, "tests", "storm"))

import checker  # noqa: E402
from storm import Log, Order  # noqa: E402

ONE, TWO = ("01934567-89ab-7def-8123-00000000000%d" % n for n in (1, 2))


def test_a_small_storm_violates_nothing():
    done = subprocess.run(
        [sys.executable, os.path.join(ROOT, "tests", "storm", "storm.py"),
         "--deletes", "60", "--kills", "12", "--every", "0.2"],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for n in range(1, 10):
        assert f"I{n}  ok" in done.stdout, done.stdout


def body(order_id, version=1):
    return json.dumps({"id": order_id, "version": version},
                      separators=(",", ":")).encode()


@pytest.fixture
def log():
    """One deleted order and one live one, both as they should be."""
    log = Log()
    for order_id in (ONE, TWO):
        log.orders[order_id] = Order(body(order_id))
    log.orders[ONE].deletion = {"event_id": "e1"}
    log.orders[ONE].attempted = True
    return log


@pytest.fixture
def files(log):
    parsed = {"event_id": "e1", "order": json.loads(log.orders[ONE].last)}
    content = b'{"event_id":"e1","order":' + log.orders[ONE].last + b"}"
    return {ONE: [("path", content, parsed)]}


def deleted(log):
    return {order_id: order for order_id, order in log.orders.items()
            if order.deletion}


def test_i1_sees_a_missing_a_doubled_and_a_changed_object(log, files):
    assert checker.archived_exactly(deleted(log), files) == []
    assert checker.archived_exactly(deleted(log), {})
    assert checker.archived_exactly(deleted(log), {ONE: files[ONE] * 2})
    path, content, parsed = files[ONE][0]
    changed = content.replace(b'"version":1', b'"version":2')
    assert checker.archived_exactly(deleted(log),
                                    {ONE: [(path, changed, parsed)]})
    assert checker.archived_exactly(deleted(log), {ONE: [
        (path, content, {**parsed, "event_id": "other"})]})


def test_i2_sees_an_order_that_is_nowhere_or_lives_on(log):
    live, closed = {TWO: {}}, [{"order_id": ONE}]
    assert checker.absent(log, live, closed) == []
    assert checker.absent(log, {}, closed)
    assert checker.absent(log, live, [])
    assert checker.absent(log, {ONE: {}, TWO: {}}, closed)


def test_i4_sees_torn_and_temporary_files(tmp_path, log):
    class Desk:
        objects = Directory(str(tmp_path))
    day = tmp_path / "archive" / "2026"
    day.mkdir(parents=True)
    (day / "good.json").write_text(
        '{"event_id":"e1","order":{"id":"%s"}}' % ONE)
    files, stray = checker.archive_files(Desk)
    assert (list(files), stray) == ([ONE], [])
    (day / "torn.json").write_text('{"event_id":"e1","or')
    (day / ".temporary").write_text("")
    assert len(checker.archive_files(Desk)[1]) == 2


class Said(checker.Findings):
    def say(self, name, text, trials, violations):
        self.good &= not violations
        self.violations = violations


class Sink:
    def __init__(self, *mails):
        self.mails = mails

    def of(self, address):
        return self.mails


def mail(order_id, message_id):
    from email.message import EmailMessage
    message = EmailMessage()
    message["Message-ID"] = message_id
    message.set_content(f"The order {order_id} was deleted.")
    return message


@pytest.mark.parametrize("mails, kills, good", [
    ([(ONE, "<1@x>")], 0, True), ([], 0, False),
    ([(TWO, "<1@x>")], 0, False), ([(ONE, "<1@x>")] * 2, 0, False),
    ([(ONE, "<1@x>")] * 2, 1, True),
    ([(ONE, "<1@x>"), (ONE, "<2@x>")], 1, False)])
def test_i5_sees_mails_missing_doubled_and_renamed(log, mails, kills, good):
    findings = Said()
    log.killed = {"relay": kills}
    checker.check_mail(findings, Sink(*(mail(*one) for one in mails)), log,
                       [{"order_id": ONE}], ["a@example.org"])
    assert findings.good is good, findings.violations


def test_i6_sees_two_effects_and_two_answers(log):
    log.key_effects = {"k": "text"}
    log.answers = {"k": {(201, b"x")}}
    live = {ONE: {"description": "text"}}

    def good(live, answers):
        findings = Said()
        changed = copy.copy(log)
        changed.answers = answers
        checker.check_keys(findings, changed, live, [])
        return findings.good
    assert good(live, log.answers)
    assert not good({**live, TWO: {"description": "text"}}, log.answers)
    assert not good({}, log.answers)
    assert not good(live, {"k": {(201, b"x"), (201, b"y")}})


def test_i7_sees_a_skipped_version_and_a_lost_update(log):
    live = {TWO: {"id": TWO, "version": 1}}
    assert checker.versions(log, live) == []
    assert checker.versions(log, {TWO: {"id": TWO, "version": 2}})
    log.orders[TWO].versions = [1, 3]
    assert checker.versions(log, live)


def test_i8_sees_a_damaged_database(tmp_path):
    import sqlite3

    class Desk:
        profile, state = "local", str(tmp_path)
    path = tmp_path / "ordermill.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t(a TEXT)")
        database.executemany("INSERT INTO t VALUES(?)",
                             [("x" * 500,) for _ in range(100)])
    database.close()
    assert checker.integrity(Desk) == []
    with open(path, "r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    assert checker.integrity(Desk)
