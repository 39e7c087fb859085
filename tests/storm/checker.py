"""checker.py: the invariants I1 to I9 over client log, API, database, archive
and mail sink, each printed with the number of trials."""
import collections
import hashlib
import json
import os
import re
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request

from desk import descendants, say

CLOSED_WITHIN_S = 60
# With AWS a worker may have come to more services than before, and a connection
# of libcurl's is three descriptors.
FD_SLACK = {"local": 4, "aws": 16}
MEMORY_SLACK_KIB = 4096
# AddressSanitizer keeps what was freed, to catch its use.
ASAN_QUARANTINE_KIB = 256 * 1024
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def get(desk, path, token=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    request = urllib.request.Request(desk.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def everything(desk, path, token):
    """All pages of a list."""
    found, cursor = [], None
    while True:
        query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        status, body = get(desk, path + "?" + urllib.parse.urlencode(query),
                           token)
        page = json.loads(body)
        assert status == 200, page
        found += page["data"]
        cursor = page["page"]["next"]
        if not page["page"]["has_more"]:
            return found


def still_open(desk):
    status, body = get(desk, "/readyz")
    facts = json.loads(body)
    if "deletions" not in facts:
        return 1, 1
    return facts["deletions"]["open"], facts["mails"]["waiting"]


def wait_closed(desk, wait_s):
    """Seconds until no record was open, or None."""
    started = time.monotonic()
    while time.monotonic() - started < wait_s:
        try:
            if still_open(desk) == (0, 0):
                return time.monotonic() - started
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    return None


def resources(desk):
    """File descriptors and memory by program, parent and workers together."""
    facts = {}
    for program in desk.status()["programs"]:
        fds = 0
        for pid in [program["pid"], *descendants(program["pid"])]:
            fds += len(os.listdir(f"/proc/{pid}/fd"))
        facts[program["name"]] = (fds, program["memory_kib"])
    return facts


class Findings:
    def __init__(self):
        self.good = True

    def say(self, name, text, trials, violations):
        """`violations` are sentences; none is what we want."""
        bound = f", so at most {3 / trials:.2%} at 95 %" \
            if not violations and trials >= 30 else ""
        say(f"{name}  {'ok' if not violations else 'VIOLATED':<9}"
            f"{len(violations)} of {trials} {text}{bound}")
        for sentence in violations[:10]:
            say(f"      {sentence}")
        self.good &= not violations


def check(desk, sink, token, log, before, last_fault, subscribers):
    findings = Findings()
    closed = wait_closed(desk, CLOSED_WITHIN_S)
    waited = time.monotonic() - last_fault
    live = {order["id"]: order
            for order in everything(desk, "/api/orders", token)}
    closed_orders = everything(desk, "/api/archive", token)
    files, stray = archive_files(desk)
    deleted = {order_id: order for order_id, order in log.orders.items()
               if order.deletion}
    killed = " ".join(f"{name}:{count}"
                      for name, count in sorted(log.killed.items()))
    say(f"Killed {log.kills} ({killed}); {len(log.orders)} orders, "
        f"{len(deleted)} deletions answered, {log.repeated} requests "
        "repeated")
    findings.say("I1", "deletions without exactly one archive object of the "
                 "same bytes", len(deleted), archived_exactly(deleted, files))
    findings.say("I2", "looks found an order neither live nor in the deletion "
                 "log", log.watched + len(log.orders),
                 log.strange + absent(log, live, closed_orders))
    findings.say("I3", "orders live and closed at once", len(log.orders), [
        f"{entry['order_id']} is both" for entry in closed_orders
        if entry["order_id"] in live and entry["state"] != "restored"])
    findings.say("I4", "archive objects torn, stray or not asked for",
                 len(files) + len(stray),
                 torn(desk, token, log, files) + stray)
    check_mail(findings, sink, log, closed_orders, subscribers)
    check_keys(findings, log, live, closed_orders)
    findings.say("I7", "orders with a version skipped or an update missing",
                 len(log.orders), versions(log, live))
    findings.say("I8", "integrity checks failed", 1, integrity(desk))
    check_rest(findings, desk, before, closed, waited)
    return findings.good


def archive_files(desk):
    """Parsed archive objects by order id, and what does not belong there."""
    files, stray = collections.defaultdict(list), []
    for key in desk.objects.keys("archive"):
        content = desk.objects.read(key)
        try:
            parsed = json.loads(content)
            files[parsed["order"]["id"]].append((key, content, parsed))
        except (ValueError, KeyError, TypeError):
            stray.append(f"{key} is torn or a temporary file")
    return files, stray


def archived_exactly(deleted, files):
    wrong = []
    for order_id, order in deleted.items():
        found = files.get(order_id, [])
        if len(found) != 1:
            wrong.append(f"{order_id} has {len(found)} archive objects")
        elif order.last.strip() not in found[0][1]:
            wrong.append(f"{order_id} was archived with other bytes")
        elif found[0][2]["event_id"] != order.deletion["event_id"]:
            wrong.append(f"{order_id} was archived under another event")
    return wrong


def absent(log, live, closed_orders):
    there = set(live) | {entry["order_id"] for entry in closed_orders}
    return [f"{order_id} is nowhere" for order_id in log.orders
            if order_id not in there] + [
        f"{order_id} was deleted and is live"
        for order_id, order in log.orders.items()
        if order.deletion and order_id in live]


def torn(desk, token, log, files):
    wrong = []
    for order_id, found in files.items():
        order = log.orders.get(order_id)
        if order is None or not order.attempted:
            wrong.append(f"{order_id} was archived and nobody deleted it")
            continue
        status, body = get(desk, "/api/archive/" + order_id, token)
        digest = hashlib.sha256(found[0][1]).hexdigest()
        if status != 200 or \
                json.loads(body)["deletion"]["sha256"] != digest:
            wrong.append(f"{order_id} has another digest than noted")
    return wrong


def check_mail(findings, sink, log, closed_orders, subscribers):
    wrong = []
    extras = 0
    for address in subscribers:
        mails = collections.defaultdict(list)
        for mail in sink.of(address):
            text = mail.get_body(("plain",)).get_content()
            for order_id in set(UUID.findall(text)):
                mails[order_id].append(str(mail["Message-ID"]))
        for entry in closed_orders:
            ids = mails[entry["order_id"]]
            if not ids:
                wrong.append(f"{address} was not told of "
                             f"{entry['order_id']}")
            if len(set(ids)) > 1:
                wrong.append(f"{address} was told of {entry['order_id']} "
                             "under different Message-IDs")
            extras += max(0, len(ids) - 1)
    senders = log.killed.get("relay", 0)
    if extras > senders:
        wrong.append(f"{extras} mails came twice, the sender was killed "
                     f"{senders} times")
    findings.say("I5", f"mails missing or doubled without a kill ({extras} "
                 f"doubled by {senders} kills of the relay)",
                 len(closed_orders) * len(subscribers), wrong)


def check_keys(findings, log, live, closed_orders):
    made = collections.Counter(
        order["description"] for order in live.values())
    made.update(entry["description"] for entry in closed_orders)
    wrong = [f"the key {key} made {made[text]} orders"
             for key, text in log.key_effects.items()
             if made[text] > 1 or (made[text] == 0 and key in log.answers)]
    wrong += [f"the key {key} got {len(answers)} different answers"
              for key, answers in log.answers.items() if len(answers) != 1]
    findings.say("I6", "keys with more than one effect or answer",
                 len(log.answers), wrong)


def versions(log, live):
    wrong = []
    for order_id, order in log.orders.items():
        if order.versions != list(range(1, len(order.versions) + 1)):
            wrong.append(f"{order_id} went {order.versions}")
        if order_id in live and live[order_id] != json.loads(order.last):
            wrong.append(f"{order_id} is not what was acknowledged last")
    return wrong


def integrity(desk):
    if desk.profile == "aws":
        done = desk.command("check", check=False)
        return [done.stdout + done.stderr] if done.returncode else []
    path = os.path.join(desk.state, "ordermill.db")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            answer = [row[0] for row in
                      database.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if answer == ["ok"] else answer


def check_rest(findings, desk, before, closed, waited):
    wrong = []
    if closed is None:
        records, mails = still_open(desk)
        wrong.append(f"{records} records and {mails} mails are open "
                     f"{waited:.0f} s after the last fault")
    time.sleep(1.5)     # nginx gives idle connections up after a second
    after = resources(desk)
    slack = MEMORY_SLACK_KIB
    with open(desk.program_path("get_order_by_id"), "rb") as program:
        if b"__asan_init" in program.read():
            slack = ASAN_QUARANTINE_KIB
    for name, (fds, memory) in after.items():
        fds_before, memory_before = before[name]
        if fds > fds_before + FD_SLACK[desk.profile]:
            wrong.append(f"{name} had {fds_before} file descriptors open and "
                         f"has {fds}")
        if memory > memory_before * 3 / 2 + slack:
            wrong.append(f"{name} had {memory_before} KiB and has {memory}")
    findings.say("I9", f"things not back to rest (all closed {waited:.1f} s "
                 "after the last fault)", 2 * len(after) + 1, wrong)
