"""test_screens.py: archive, reports, mails and status; and what holds for every
screen: no barrier, no complaint in the console, little on the wire."""
import glob
import os
import re
import shutil
import subprocess
import urllib.parse

import pytest
import requests
from selenium.webdriver.common.keys import Keys
from support import (UNKNOWN_ID, archived, confirm_token, in_parallel, maildir, png,
                     unsubscribe_link, wait_until)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")


@pytest.fixture(scope="module")
def order(api):
    """An order with all an order can have."""
    receipt = api.raw("POST", "/api/images?description=Everything%20at%20once",
                      png(120, 90), "image/png").json()["receipt"]
    return api.order(
        description="Everything at once", notes="Two lines\nof notes",
        customer={"name": "Ada", "email": "ada@example.org"},
        lines=[{"sku": "SHOE-1", "name": "Running shoe", "quantity": 2,
                "unit_price": "59.90"}],
        metadata={"channel": "shop"}, image={"receipt": receipt})


@pytest.fixture(scope="module")
def gone(api):
    """An order that was deleted, archived and mailed."""
    order = api.order(description="Archived for a screen", notes="kept",
                      customer={"name": "Grace", "email": "grace@example.org"})
    api.delete("/api/orders/" + order["id"])
    archived(api, order["id"], ("mailed", "done"))
    return order


# --- archive -------------------------------------------------------------------

def test_the_archive_keeps_what_an_order_said_and_how_to_restore_it(
        page, desk, gone):
    page.open("/archive")
    page.click(f'tr[data-id="{gone["id"]}"] a.open-order')
    page.at("/archive/" + gone["id"])
    page.says(".panel", "Archived for a screen", "Grace", "Archived",
              "Mailed 2 of 2", "ordermill restore " + gone["id"])
    page.click(".panel .proof summary")
    page.says(".panel .proof", "archive/", "SHA-256")
    desk.command("restore", gone["id"])
    page.driver.refresh()
    page.says(".panel", "The order is in the list again")
    page.click('.panel a[href^="/orders/"]')
    page.says(".panel", "Archived for a screen", "pending")


def test_the_archive_is_read_page_by_page(page, api):
    def delete(number):
        mine = api.again()
        mine.delete("/api/orders/" + mine.order(
            description=f"Deleted {number}")["id"])
    in_parallel(50, delete, 4)
    page.open("/archive")
    page.says("#shown", "50 shown")
    page.click("#load-more")
    page.says("#shown", "That is all")
    ids = page.ids()
    assert len(ids) == len(set(ids)) > 50
    page.driver.refresh()
    page.says("#shown", f"That is all: {len(ids)}")


def test_an_archive_entry_that_never_was_says_so(page):
    page.may_answer = {404}
    page.open("/archive/" + UNKNOWN_ID)
    page.says(".panel", "Trace id")


# --- reports -------------------------------------------------------------------

def test_a_report_is_made_and_its_link_gives_a_pdf(page):
    page.open("/reports")
    page.wait("#make-report")
    page.fill("[name=title]", "Deleted, größer")
    page.click("#make-report")
    link = page.wait("#report-open").get_attribute("href")
    page.says(".report", "The report is ready", "orders on")
    answer = requests.get(link, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    page.click('main a[href="/reports"]')
    page.says(".rows", "Deleted, größer")


def test_a_report_says_what_is_wrong_with_its_period(page):
    page.may_answer = {422}
    page.open("/reports")
    page.wait("#make-report")
    page.date("[name=from]", "2026-11-30")
    page.date("[name=to]", "2026-11-01")
    page.fill("[name=tz]", "Europe/Atlantis")
    page.click("#make-report")
    page.until(lambda: page.text(".error-text"), "what is wrong")
    assert page.has("[aria-invalid]")
    page.fill("[name=tz]", "Europe/Berlin")
    page.date("[name=from]", "2020-01-01")
    page.date("[name=to]", "2020-01-31")
    page.click("#make-report")
    page.says(".report", "No order was deleted in this period")


# --- mails ---------------------------------------------------------------------

def test_an_address_subscribes_confirms_and_unsubscribes(page, desk, api):
    address = "reader-browser@example.org"
    page.open("/subscribers")
    page.fill("[name=email]", "no address")
    page.may_answer = {422}
    page.click("#subscribe")
    page.wait("[name=email][aria-invalid]")
    page.fill("[name=email]", address)
    page.click("#subscribe")
    page.says(".notice", "Look into the mailbox", address)
    mail = wait_until(lambda: maildir(desk, address), what="the mail")[0]
    token = urllib.parse.quote(confirm_token(mail))
    page.open("/confirm?token=" + token, token=None)
    page.click("#confirm")
    page.says(".card", "You are subscribed")
    order = api.order(description="Mailed to the reader")
    api.delete("/api/orders/" + order["id"])
    mail = wait_until(lambda: maildir(desk, address)[1:], what="its mail")[0]
    # A reader's click is a GET: it shows the page and changes nothing.
    page.driver.get(unsubscribe_link(mail))
    page.until(lambda: page.path().startswith("/unsubscribe?token="),
               "the page")
    page.click("#unsubscribe")
    page.says(".card", "You are unsubscribed")
    page.driver.get(unsubscribe_link(mail))
    page.click("#unsubscribe")
    page.says(".card", "You are unsubscribed")


def test_a_wrong_link_of_a_mail_says_so(page):
    page.may_answer = {400, 422}
    for path, button in (("/confirm", "#confirm"),
                         ("/unsubscribe", "#unsubscribe")):
        page.open(path + "?token=nonsense", token=None)
        page.click(button)
        page.says(".error-text", "wrong or has ended")
        page.open(path, token=None)
        page.says(".card", "not complete")


def test_too_many_subscriptions_are_told_to_wait(page, desk):
    # from the browser's own address: nothing subscribes after this
    page.may_answer = {429}
    page.open("/subscribers")
    page.wait("#subscribe")
    wait_until(lambda: requests.post(
        desk.url + "/api/subscriptions", json={"email": "again@example.org"},
        timeout=10).status_code == 429)
    page.fill("[name=email]", "one-more@example.org")
    page.click("#subscribe")
    page.says(".form-problem", "Too many requests", "Wait a moment")
    assert page.value("[name=email]") == "one-more@example.org"


# --- status --------------------------------------------------------------------

def test_the_status_names_each_dependency_and_tries_again(page):
    page.open("/status")
    database, archive = ("sqlite", "directory") \
        if page.desk.profile == "local" else ("dynamodb", "s3")
    page.says(".status-body", "All is well", f"database {database} ok",
              f"object archive {archive} ok")
    page.click("#redrive")
    page.says(".toast", "looked at", "0 failed")
    page.click("#refresh")
    page.says(".overall", "All is well")


# --- every screen ----------------------------------------------------------------

def walk(page, order, gone):
    """Goes to each screen in turn; yields its name there."""
    page.open("/orders/" + order["id"], token=None)
    page.wait("#sign-in")
    yield "sign in"
    page.open("/")
    page.wait("tr[data-id]")
    page.ids()
    yield "orders"
    # few rows: axe looks at each
    page.open("/?q=blue")
    page.wait("tr[data-id]")
    page.ids()
    for name in ("status", "period", "price"):
        page.click(f"#filter-{name} > summary")
        page.wait(".drop")
        yield f"filter {name}"
    page.keys(Keys.ESCAPE)
    page.click("tr[data-id] .pick input")
    page.wait("#bulk-delete")
    yield "selection"
    page.click("#bulk-delete")
    page.wait("dialog[open]")
    yield "question"
    page.keys(Keys.ESCAPE)
    page.keys("?")
    page.wait(".keys")
    yield "keys"
    page.open("/?q=nothing+has+this+name")
    page.wait(".state.empty")
    yield "nothing found"
    page.open(f"/orders/{order['id']}?q=everything")
    page.wait(".photo img")
    page.ids()
    yield "order"
    page.click("#edit")
    page.wait(".line-row")
    yield "edit"
    page.click("#discard")
    page.open("/orders/new")
    page.click("#add-line")
    page.click("#save")
    page.wait("[aria-invalid]")
    yield "new order with errors"
    page.open("/archive/" + gone["id"])
    page.wait(".timeline")
    page.ids()
    yield "archive entry"
    page.keys(Keys.ESCAPE)
    page.gone(".panel")
    yield "archive"
    page.open("/reports")
    page.wait("#make-report")
    yield "reports"
    page.click("#make-report")
    page.wait("#report-open")
    yield "report"
    page.open("/subscribers")
    page.wait("#subscribe")
    yield "subscribers"
    page.open("/status")
    page.wait(".dependencies")
    yield "status"
    for path in ("/confirm", "/unsubscribe"):
        page.open(path + "?token=x", token=None)
        page.wait(".card button")
        yield path[1:]
    page.open("/nowhere")
    page.wait("main .state")
    yield "not found"
    page.driver.get(page.url + "/problems/not-found")
    page.wait("h1")
    yield "problems"


@pytest.fixture(scope="session")
def axe():
    """axe-core's source, fetched once into the build folder."""
    folder = os.path.join(BUILD, "axe-core")
    path = os.path.join(folder, "package", "axe.min.js")
    if not os.path.exists(path):
        npm = shutil.which("npm")
        if not npm:
            pytest.skip("npm is not installed, so there is no axe-core")
        os.makedirs(folder, exist_ok=True)
        packed = subprocess.run(
            [npm, "pack", "axe-core", "--silent"], cwd=folder,
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if packed.returncode:
            pytest.skip("npm could not fetch axe-core")
        for archive in glob.glob(os.path.join(folder, "*.tgz")):
            subprocess.run(["tar", "-xzf", archive, "-C", folder,
                            "package/axe.min.js"], check=True)
    with open(path, encoding="utf-8") as file:
        return file.read()


LOOKS = [(width, dark) for width in (1280, 360) for dark in (False, True)]


def barriers(page, axe, only_colours):
    if not page.run("return Boolean(window.axe)"):
        page.run(axe)
    options = {"resultTypes": ["violations"], "runOnly": [
        "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
        "best-practice"]}
    if only_colours:
        options["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
    return page.driver.execute_async_script("""
        const [options, done] = arguments;
        axe.run(options).then(({violations}) => done(violations.flatMap(
            ({id, nodes}) => nodes.map(node => [id, node.target.join(' '),
                                                node.failureSummary]))),
                              error => done([['axe', String(error), '']]))
        """, options)


def test_axe_finds_no_barrier_on_any_screen(page, axe, order, gone):
    page.may_answer = {404}     # problems.html names no icon
    found = []
    for screen in walk(page, order, gone):
        for width, dark in LOOKS:
            page.look(width, dark)
            # only colours differ between light and dark
            found += [(screen, width, "dark" if dark else "light", *barrier)
                      for barrier in barriers(page, axe, dark)]
            sideways = page.run("return document.documentElement.scrollWidth"
                                " - document.documentElement.clientWidth")
            if sideways > 0:
                found.append((screen, width, "scrolls sideways", sideways))
        page.look()
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("width", [1280, 360])
def test_what_has_the_focus_is_never_hidden_under_a_bar(page, order, width):
    page.look(width)
    page.open(f"/orders/{order['id']}?edit=1")
    page.wait("#save")
    page.ids()
    hidden = []
    for key in (Keys.TAB,) * 24:
        page.keys(key)
        hidden += page.run("""
            const at = document.activeElement;
            if (at === document.body) return [];
            const {x, y, width, height} = at.getBoundingClientRect();
            const top = document.elementFromPoint(x + width / 2, y + height / 2);
            return at.contains(top) || top?.contains(at) && top.localName !== 'body'
                ? [] : [at.name || at.id || at.outerHTML.slice(0, 80)]""")
    assert not hidden


# --- on the wire -----------------------------------------------------------------

def test_the_first_view_is_six_requests_at_most(page):
    page.open("/")
    page.wait("tr[data-id]")
    page.ids()
    asked = [path for path, _ in page.requests()
             if not path.startswith("/objects/") and "/images/" not in path]
    assert len(asked) <= 6, asked


def test_the_first_press_fetches_every_other_part(page):
    page.open("/")
    page.wait("tr[data-id]")
    page.click("h1")
    modules = {"/" + os.path.basename(path) for path in
               glob.glob(os.path.join(ROOT, "www", "*.js"))} - {"/problems.js"}
    page.until(lambda: modules <= dict(page.requests()).keys(), "all modules")


def test_all_files_of_the_page_are_150_kib_at_most(page):
    names = [os.path.basename(path) for path in
             glob.glob(os.path.join(ROOT, "www", "*"))]
    names = [name for name in names if re.search(r"\.(js|css)$|^config", name)]
    assert len(names) > 25
    page.driver.get(page.url + "/problems/not-found")
    page.run("performance.clearResourceTimings();"
             "return Promise.all(arguments[0].map(name => fetch('/' + name, "
             "{cache: 'no-store'}).then(answer => answer.blob())))",
             ["", *names])
    sizes = dict(page.requests())
    assert all(sizes["/" + name] for name in ["", *names]), sizes
    assert sum(sizes.values()) <= 150 << 10, sizes
