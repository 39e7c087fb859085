"""/metrics: what all programs counted; the alert rules and the dashboard that
are made of it"""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from desk import OPERATIONS, RESPONDERS, ROOT, descendants
from support import Api, in_parallel, wait_until

RULES = os.path.join(ROOT, "packaging", "prometheus", "ordermill.rules.yml")
DASHBOARD = os.path.join(ROOT, "packaging", "grafana", "ordermill.json")


@pytest.fixture(scope="module")
def busy(make_desk):
    desk = make_desk()
    return Api(desk, desk.token())


def metrics(api):
    """(name, labels) → value"""
    found = {}
    for line in api.get("/metrics", token=None).text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = re.fullmatch(
                r"([a-z_]+)(?:\{(.*)\})? (\S+)", line).groups()
            found[name, labels or ""] = float(value)
    return found


def requests(found, operation, status="2xx"):
    return found["ordermill_requests_total",
                 f'operation="{operation}",status="{status}"']


def of(operation):
    return f'operation="{operation}"'


def test_every_worker_s_requests_are_in_the_sum(busy):
    before = metrics(busy)
    order = busy.order()
    in_parallel(200, lambda n: busy.get("/api/orders/" + order["id"]))
    busy.get("/api/orders/01934567-89ab-7def-8123-000000000001")
    busy.get("/api/orders/" + order["id"], token=None)
    after = metrics(busy)

    def more(*key):
        return after[key] - before.get(key, 0)
    one = "get_order_by_id"
    assert requests(after, one) - requests(before, one) == 200
    assert requests(after, one, "4xx") - requests(before, one, "4xx") == 2
    assert requests(after, "create_order") - \
        requests(before, "create_order") == 1
    for problem in "not-found", "unauthenticated":
        assert more("ordermill_problems_total",
                    f'{of(one)},problem="{problem}"') == 1
    assert more("ordermill_request_duration_seconds_count", of(one)) == 202
    assert more("ordermill_request_duration_seconds_bucket",
                f'{of(one)},le="+Inf"') == 202
    assert more("ordermill_request_duration_seconds_sum", of(one)) > 0


def test_probes_are_not_counted(busy):
    before = metrics(busy)
    busy.get("/readyz", token=None)
    after = metrics(busy)
    assert requests(after, "archive_deleted_orders") == \
        requests(before, "archive_deleted_orders")


def test_a_long_sweep_does_not_keep_probes_waiting(busy):
    worker = descendants(busy.desk.programs["archive_deleted_orders"].pid)[0]
    os.kill(worker, signal.SIGSTOP)
    try:
        assert busy.get("/readyz", token=None).status_code == 200
    finally:
        os.kill(worker, signal.SIGCONT)


def test_a_worker_that_dies_is_a_restart_and_counts_stay(busy):
    busy.order()
    before = metrics(busy)
    workers = before["ordermill_workers", of("create_order")]
    assert workers >= 1
    program = busy.desk.programs["create_order"]
    os.kill(descendants(program.pid)[0], signal.SIGKILL)
    wait_until(lambda: metrics(busy)["ordermill_worker_restarts_total",
                                     of("create_order")] == before[
        "ordermill_worker_restarts_total", of("create_order")] + 1)
    wait_until(lambda: metrics(busy)["ordermill_workers",
                                     of("create_order")] == workers)
    busy.desk.restart("create_order")
    after = wait_until(lambda: (found := metrics(busy))[
        "ordermill_up", of("create_order")] and found)
    assert requests(after, "create_order") >= requests(before, "create_order")
    assert after["ordermill_starts_total", of("create_order")] == \
        before["ordermill_starts_total", of("create_order")] + 1


def test_the_relay_and_every_operation_are_up_until_they_stop(busy):
    found = metrics(busy)
    for name in RESPONDERS + ("relay",):
        assert found["ordermill_up", of(name)] == 1
    assert found["ordermill_workers", of("relay")] == 4
    busy.desk.pause_program("get_orders")
    try:
        found = metrics(busy)
        assert found["ordermill_up", of("get_orders")] == 0
        assert found["ordermill_workers", of("get_orders")] == 0
    finally:
        busy.desk.resume_program("get_orders")


def served(api):
    api.get("/api/orders/01934567-89ab-7def-8123-000000000001")
    return {name for name, _ in metrics(api)}


def test_the_format_is_what_prometheus_reads(busy):
    text = busy.get("/metrics", token=None).text
    typed = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    assert len(typed) == len(set(typed))
    assert {name for name, _ in typed} == set(
        re.findall(r"^# HELP (\S+) \S", text, re.M))
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [RULES, DASHBOARD])
def test_what_alerts_and_panels_ask_for_is_served(busy, profile, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    asked = set(re.findall(r"\bordermill_[a-z_]+", text))
    assert len(asked) > 8
    # AWS's stores keep backups of their own: no alert is about ours
    elsewhere = {"ordermill_last_backup_timestamp_seconds"} \
        if profile == "aws" else set()
    assert asked - served(busy) == elsewhere


def test_the_names_of_operations_in_alerts_exist():
    with open(RULES, encoding="utf-8") as file:
        text = file.read()
    named = re.findall(r'operation!~"([^"]+)"', text)
    assert f"(ordermill_up) < {len(RESPONDERS + ('relay',))}\n" in text
    assert named
    for names in named:
        assert set(names.split("|")) <= set(OPERATIONS)


def test_the_dashboard_is_whole():
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 5
    taken = set()
    for panel in dashboard["panels"]:
        assert panel["title"] and panel["targets"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
@pytest.mark.parametrize("arguments", [
    ("check", "rules", "ordermill.rules.yml"),
    ("test", "rules", "ordermill.rules_test.yml")])
def test_the_alert_rules_pass_their_own_tests(arguments):
    done = subprocess.run(["promtool", *arguments], cwd=os.path.dirname(RULES),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
