"""conftest.py: one Chromium for all browser tests, and a desk with the sample."""
import os
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import sample  # noqa: E402
from support import Api  # noqa: E402

webdriver = pytest.importorskip(
    "selenium.webdriver", reason="python3-selenium is not installed")
from page import Page  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--lang=en-GB",
         "--window-size=1280,900")
# Far from UTC, so that a local day is not a day of UTC.
ZONE = "Pacific/Auckland"


# These tests count rows and mails: a desk of their own, with the sample's orders
# (the installed one before anything else has used it).
@pytest.fixture(scope="session")
def desk(installed, make_desk):
    return installed or make_desk()


@pytest.fixture(scope="session")
def token(desk):
    token = desk.token()
    sample.fill(desk.url, token, desk.mail_dir, lambda text: None)
    return token


@pytest.fixture(scope="session")
def api(desk, token):
    return Api(desk, token)


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def chromium(downloads):
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    for name, path in paths.items():
        if not path:
            pytest.skip(f"{name} is not installed")
    profile = tempfile.mkdtemp(prefix="desk-browser-")
    options = webdriver.ChromeOptions()
    options.page_load_strategy = "eager"
    options.binary_location = paths["chromium"]
    for flag in FLAGS + ("--user-data-dir=" + profile,):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(paths["chromedriver"],
                      env=dict(os.environ, TZ=ZONE, no_proxy="*"))
    driver = webdriver.Chrome(service=service, options=options)
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(downloads)})
    browser_pid = driver.capabilities.get("goog:processID")
    yield driver
    try:
        driver.quit()
    finally:
        for pid in (service.process and service.process.pid, browser_pid):
            end(pid)
        shutil.rmtree(profile, ignore_errors=True)


def end(pid):
    """What quit() left running; mostly there is nothing."""
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.fixture
def page(chromium, desk, token):
    """A new visitor. Afterwards the console must hold no complaint."""
    page = Page(chromium, desk, token)
    page.look()
    yield page
    try:
        complaints = page.complaints()
    finally:
        page.forget()
    assert not complaints
