"""conftest.py: a real desk (nginx, responders, relay) in a temporary folder,
for the integration and the browser tests."""
import itertools
import json
import os
import shutil
import sys
import tempfile

import pytest

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(TESTS), "tools"))
sys.path.insert(0, os.path.join(TESTS, "integration"))

from peers import Missing, Peers  # noqa: E402
from profiles import aws_desk, local_desk, stop_and_remove  # noqa: E402
from support import Api  # noqa: E402

PROFILES = os.environ.get("ORDERMILL_PROFILES", "local,aws").split(",")


@pytest.fixture(scope="session", params=PROFILES)
def profile(request):
    return request.param


def skipped_when_missing():
    """A peer that is not there is a reason to skip, not a failure."""
    outcome = yield
    if outcome.excinfo and outcome.excinfo[0] is Missing:
        pytest.skip(str(outcome.excinfo[1]))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield from skipped_when_missing()


on_installed = set()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    given = getattr(item, "funcargs", {}).values()
    if any(type(getattr(one, "desk", one)).__name__ == "InstalledDesk"
           for one in given):
        on_installed.add(item.nodeid)
    yield from skipped_when_missing()


@pytest.fixture(scope="session")
def peers():
    """Others' servers that speak AWS's protocols; started once."""
    folder = tempfile.mkdtemp(prefix="peers-")
    peers = Peers(folder)
    peers.start()
    yield peers
    peers.stop()
    if not os.environ.get("ORDERMILL_KEEP_STATE"):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "local(reason): is about what the profile local stands on")


def pytest_collection_modifyitems(config, items):
    """What is about SQLite's file or a directory runs in one profile."""
    kept, away = [], []
    for item in items:
        params = getattr(item, "callspec", None) and item.callspec.params
        foreign = params and params.get("profile", "local") != "local" and \
            item.get_closest_marker("local")
        (away if foreign else kept).append(item)
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = kept


@pytest.fixture(scope="session")
def make_desk(profile, request):
    """Starts further desks; all are stopped and removed at the end."""
    desks = []

    def make(overrides=None, **more):
        # short: a unix socket's path has 107 bytes
        state = tempfile.mkdtemp(prefix="desk-")
        if profile == "local":
            desk = local_desk(state, overrides or {}, more)
        else:
            desk = aws_desk(request.getfixturevalue("peers"), state,
                            overrides or {}, more)
        desks.append(desk)
        desk.start()
        return desk
    yield make
    stop_and_remove(desks)


@pytest.fixture(scope="session")
def installed():
    """The desk of the system that packaging/test-install made, or None."""
    if not os.environ.get("ORDERMILL_INSTALLED"):
        return None
    sys.path.insert(0, os.path.join(os.path.dirname(TESTS), "packaging",
                                    "container"))
    from installed_desk import InstalledDesk
    desk = InstalledDesk()
    desk.start()
    return desk


@pytest.fixture(scope="session")
def desk(installed, make_desk):
    """The desk most tests share; who disturbs one makes its own."""
    return installed or make_desk()


@pytest.fixture(scope="session")
def recognizing_desk(installed, make_desk):
    """A desk whose recognizer looks at photos."""
    return installed or make_desk({"image_recognizer.adapter": "local"})


@pytest.fixture(scope="session")
def token(desk):
    return desk.token()


@pytest.fixture(scope="session")
def api(desk, token):
    return Api(desk, token)


@pytest.fixture(scope="session")
def addresses():
    """Loopback addresses nobody used yet: rate limits go by address."""
    return (f"127.0.{third}.{fourth}" for third, fourth in
            itertools.product(range(1, 250), range(1, 250)))


@pytest.fixture
def stranger(desk, addresses):
    """A client without a token, from an address of its own."""
    return Api(desk, None, next(addresses))


# --- the counts for ./dev test -----------------------------------------------------

def pytest_terminal_summary(terminalreporter):
    path = os.environ.get("ORDERMILL_COUNTS")
    if not path:
        return
    stats = terminalreporter.stats
    counts = {
        "on_installed": len(on_installed),
        "passed": len(stats.get("passed", [])) + len(stats.get("xfailed", [])),
        "failed": [report.nodeid for kind in ("failed", "error", "xpassed")
                   for report in stats.get(kind, [])],
        "skipped": [[report.nodeid, report.longrepr[2]
                     if isinstance(report.longrepr, tuple) else "skipped"]
                    for report in stats.get("skipped", [])]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(counts, file)
