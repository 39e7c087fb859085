"""POST /api/unsubscribe (RFC 8058)"""
import time
from urllib.parse import urlsplit

import pytest

from support import (archived, maildir, problem, subscribe, unsubscribe_link,
                     wait_until)

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(desk, api, stranger, request):
    """A confirmed subscriber's link, from the mail of a deletion."""
    address = request.node.name.replace("[", "-").replace("]", "")[:50] \
        + "@example.org"
    subscribe(stranger, address)
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    mails = wait_until(lambda: [mail for mail in maildir(desk, address)
                                if mail["List-Unsubscribe"]], 10)
    return address, unsubscribe_link(mails[-1])


def count(desk, api, address):
    """Deletion mails the address has after one more deletion."""
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    archived(api, order["id"], ("done",))
    time.sleep(0.1)
    return len([mail for mail in maildir(desk, address)
                if mail["List-Unsubscribe"]])


def test_one_click(desk, api, stranger, link):
    address, url = link
    before = count(desk, api, address)
    answer = stranger.post(url, data=ONE_CLICK)
    assert answer.status_code == 200, answer.text
    assert count(desk, api, address) == before
    again = stranger.post(url, data=ONE_CLICK)
    assert (again.status_code, again.content) == (200, answer.content)


def test_one_click_as_a_form(desk, api, stranger, link):
    address, url = link
    before = count(desk, api, address)
    answer = stranger.post(url, files={
        "List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200, answer.text
    assert count(desk, api, address) == before


def test_the_page_posts_the_token_in_the_body(desk, api, stranger, link):
    address, url = link
    before = count(desk, api, address)
    token = urlsplit(url).query.partition("token=")[2]
    answer = stranger.post("/api/unsubscribe", data={"token": token})
    assert answer.status_code == 200, answer.text
    assert count(desk, api, address) == before


def test_a_get_changes_nothing(desk, api, stranger, link):
    address, url = link
    before = count(desk, api, address)
    answer = stranger.get(url)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(
        "/unsubscribe?" + urlsplit(url).query)
    page = stranger.get(desk.url + "/unsubscribe?" + urlsplit(url).query)
    assert page.headers["Content-Type"].startswith("text/html")
    assert count(desk, api, address) == before + 1


def test_a_link_with_one_character_changed_does_nothing(desk, api, stranger,
                                                        link):  # D22
    address, url = link
    before = count(desk, api, address)
    start = url.index("token=") + 6
    for at in (start, (start + len(url)) // 2, len(url) - 2):
        other = "A" if url[at] != "A" else "B"
        problem(stranger.post(url[:at] + other + url[at + 1:],
                              data=ONE_CLICK), 422)
    assert count(desk, api, address) == before + 1


@pytest.mark.parametrize("token", ["", "x", "A" * 80,
                                   "someone@example.org"])
def test_a_made_up_token_tells_nothing(stranger, token):        # D22
    answer = stranger.post("/api/unsubscribe", params={"token": token},
                           data=ONE_CLICK)
    problem(answer, 422)
    assert token == "" or token not in answer.text


def test_json_is_not_the_form(stranger, link):
    _, url = link
    answer = stranger.post(url, ONE_CLICK)
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in \
        answer.headers["Accept-Post"]
