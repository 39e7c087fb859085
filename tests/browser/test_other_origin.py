"""test_other_origin.py: the page served from another origin than the desk, as
Amplify does, with the configuration that packaging/amplify makes."""
import functools
import http.server
import os
import shutil
import subprocess
import threading

import pytest
import sample
from page import Page
from support import png

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Static(http.server.SimpleHTTPRequestHandler):
    """Files, index.html for every path without a dot (Amplify's rewrite rule),
    and the headers of customHttp.yml."""

    def __init__(self, *arguments, headers=(), **more):
        self.more_headers = headers
        super().__init__(*arguments, **more)

    def do_GET(self):  # noqa: N802
        path = self.path.split("?")[0]
        if "." not in path:
            self.path = "/index.html"
        super().do_GET()

    def end_headers(self):
        for name, value in self.more_headers:
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_):
        pass


def custom_headers():
    yaml = pytest.importorskip("yaml")
    with open(os.path.join(ROOT, "customHttp.yml"), encoding="utf-8") as file:
        rules = yaml.safe_load(file)["customHeaders"]
    # the desk of this test has no TLS
    return [(one["key"], one["value"].replace("https:", "http:"))
            for one in rules[0]["headers"]
            if one["key"] != "Strict-Transport-Security"]


@pytest.fixture(scope="module")
def elsewhere(make_desk, tmp_path_factory):
    """The desk, and the origin of its page. Another host as well as another
    port: localhost is not 127.0.0.1."""
    www = tmp_path_factory.mktemp("amplify") / "www"
    shutil.copytree(os.path.join(ROOT, "www"), www)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(
            Static, directory=str(www), headers=custom_headers()))
    # Chromium leaves when it has what it wants
    server.handle_error = lambda *_: None
    origin = f"http://localhost:{server.server_port}"
    desk = make_desk({"access.origins": origin})
    subprocess.run(
        [os.path.join(ROOT, "packaging/amplify/write-config"),
         str(www / "config.json")], check=True,
        env=dict(os.environ, ORDERMILL_API=desk.url + "/",
                 ORDERMILL_SITE_NAME='The "other" desk'))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield desk, origin
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(chromium, elsewhere):
    desk, origin = elsewhere
    page = Page(chromium, desk, desk.token())
    page.url = origin
    page.look()
    yield page
    try:
        complaints = page.complaints()
    finally:
        page.forget()
    assert not complaints


def test_an_order_with_a_photo_is_made_from_another_origin(
        page, elsewhere, tmp_path):
    _, origin = elsewhere
    photo = tmp_path / "shoe.png"
    photo.write_bytes(png(120, 90))
    page.open("/orders/new")
    assert page.run("return location.origin") == origin
    page.says("#site-name", 'The "other" desk')
    page.fill("[name=description]", "Shoes from elsewhere")
    page.all("[name=photo]")[0].send_keys(str(photo))
    page.wait(".verdict-words")
    page.fill('[name="customer.name"]', "Ada Lovelace")
    page.fill('[name="customer.email"]', "ada@example.org")
    page.fill("[name=price]", "12.50")
    page.click("#save")
    page.says(".panel", "Shoes from elsewhere", "12.50")
    page.until(lambda: page.run("return document.querySelector("
                                "'.photo img').naturalWidth") == 120,
               "the photo, from the desk")


def test_lists_and_a_deletion_work_from_another_origin(page, elsewhere):
    desk, _ = elsewhere
    sample.fill(desk.url, page.token, desk.mail_dir, lambda text: None)
    page.open("/")
    page.click("tr[data-id] a")
    page.click(".panel #delete")
    page.click("dialog[open] .danger")
    page.says("body", "deleted")
    page.section("archive")
    page.wait("tr[data-id]")


def test_an_origin_that_is_not_listed_gets_nothing(page, elsewhere):
    _, origin = elsewhere
    page.url = origin.replace("localhost", "127.0.0.1")
    page.open("/")
    page.wait("[role=alert]")
    assert not page.has("tr[data-id]")
    refusals = [entry["message"] for entry in page.driver.get_log("browser")]
    assert any("Access-Control-Allow-Origin" in one for one in refusals)
