"""POST /api/subscriptions, POST /api/subscriptions/confirm"""
import time

import pytest

from support import (Api, confirm_token, mail_text, maildir, problem,
                     subscribe, wait_until)


def mail_to(desk, address, number=0):
    return wait_until(lambda: maildir(desk, address)[number:], 10,
                      f"the mail to {address}")[0]


def test_sends_a_link_that_only_a_post_confirms(desk, stranger):
    answer = stranger.post("/api/subscriptions",
                           {"email": "new@example.org"})
    assert answer.status_code == 202
    mail = mail_to(desk, "new@example.org")
    assert "new@example.org" in str(mail["To"])
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["Message-ID"] and mail["Date"]
    token = confirm_token(mail)
    page = stranger.get("/confirm?token=" + token)
    assert page.headers["Content-Type"].startswith("text/html")
    answer = stranger.post("/api/subscriptions/confirm", {"token": token})
    assert answer.status_code == 200
    again = stranger.post("/api/subscriptions/confirm", {"token": token})
    assert (again.status_code, again.content) == (200, answer.content)


def test_an_unconfirmed_address_gets_no_mail_of_deletions(desk, api,
                                                          stranger):
    stranger.post("/api/subscriptions", {"email": "waiting@example.org"})
    mail_to(desk, "waiting@example.org")
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    from support import archived
    archived(api, order["id"], ("done",))
    time.sleep(0.2)
    assert len(maildir(desk, "waiting@example.org")) == 1


def test_answers_the_same_whatever_is_known(desk, stranger):
    subscribe(stranger, "known@example.org")
    answers = [stranger.post("/api/subscriptions", {"email": address})
               for address in ("known@example.org", "fresh@example.org",
                               "known@example.org")]
    assert {(a.status_code, a.content) for a in answers} == {
        (202, answers[0].content)}
    names = [{name for name in a.headers} for a in answers]
    assert names[0] == names[1] == names[2]


def test_takes_the_same_time_whatever_is_known(make_desk, addresses):
    desk = make_desk()
    clients = [Api(desk, None, next(addresses)) for _ in range(11)]
    subscribe(clients[0], "known@example.org")
    times = {"known": [], "fresh": []}
    for n in range(40):
        # asked for the second time: no mail goes out for either
        clients[n % 6].post("/api/subscriptions",
                            {"email": f"fresh{n}@example.org"})
    for n in range(40):
        for kind in times:
            address = "known@example.org" if kind == "known" else \
                f"fresh{n}@example.org"
            client = clients[6 + n % 5]
            started = time.perf_counter()
            answer = client.post("/api/subscriptions", {"email": address})
            times[kind].append(time.perf_counter() - started)
            assert answer.status_code == 202
    # the least that each took: what a busy machine adds is not its own
    known, fresh = min(times["known"]), min(times["fresh"])
    assert abs(known - fresh) < 0.002, (known, fresh)


def test_repeated_asking_does_not_flood_the_address(desk, stranger):
    for _ in range(5):
        stranger.post("/api/subscriptions", {"email": "calm@example.org"})
    mail_to(desk, "calm@example.org")
    time.sleep(0.5)
    assert len(maildir(desk, "calm@example.org")) == 1


@pytest.mark.parametrize("email", [
    None, 5, "", "a", "a@b.c\n", "a@b..c", "a b@example.org",    # D19
    "a@example.org\r\nBcc: b@example.org", "a@example.org,b@example.org",
    "<a@example.org>", "a@-example.org", "@example.org", "a@",
    "x" * 65 + "@example.org", "a@" + "b." * 130 + "org", "a@ex\0ample.org"])
def test_refuses_what_is_no_address(desk, addresses, email):
    client = Api(desk, None, next(addresses))
    answer = client.post("/api/subscriptions", {"email": email})
    problem(answer, 400 if isinstance(email, str) and "\0" in email else 422)


def test_refuses_a_wrong_body(stranger):
    problem(stranger.post("/api/subscriptions", {}), 422, "invalid", "/email")
    problem(stranger.post("/api/subscriptions", {
        "email": "a@example.org", "nmae": "x"}), 422, "invalid", "/nmae")
    problem(stranger.raw("POST", "/api/subscriptions", b"[1]"), 400)


@pytest.mark.parametrize("token", ["", "x", "A" * 80, None, 5])
def test_refuses_a_made_up_token(stranger, token):
    problem(stranger.post("/api/subscriptions/confirm", {"token": token}), 422,
            "invalid", "/token")


def test_refuses_a_token_with_one_character_changed(desk, stranger):
    stranger.post("/api/subscriptions", {"email": "forge@example.org"})
    token = confirm_token(mail_to(desk, "forge@example.org"))
    for at in (0, len(token) // 2, len(token) - 2):
        other = "A" if token[at] != "A" else "B"
        problem(stranger.post("/api/subscriptions/confirm", {
            "token": token[:at] + other + token[at + 1:]}), 422)


def test_confirmation_and_unsubscription_tokens_are_not_the_same(
        desk, stranger):
    stranger.post("/api/subscriptions", {"email": "cross@example.org"})
    token = confirm_token(mail_to(desk, "cross@example.org"))
    answer = stranger.send("POST", "/api/unsubscribe", params={
        "token": token}, data={"List-Unsubscribe": "One-Click"})
    problem(answer, 422)


def test_the_mail_says_who_sends_it_and_why(desk, stranger):
    stranger.post("/api/subscriptions", {"email": "plain@example.org"})
    text = mail_text(mail_to(desk, "plain@example.org"))
    assert "Order desk" in text
    assert desk.url + "/" in text


def test_is_limited_by_address(desk, addresses):
    client = Api(desk, None, next(addresses))
    answers = [client.post("/api/subscriptions", {"email": "x"})
               for _ in range(30)]
    limited = [a for a in answers if a.status_code == 429]
    assert 5 <= len(limited) <= 12
    problem(limited[0], 429, "too-many-requests")
    assert int(limited[0].headers["Retry-After"]) > 0
    other = Api(desk, None, next(addresses))
    assert other.post("/api/subscriptions",
                      {"email": "x"}).status_code == 422


def test_a_get_is_405(stranger):
    answer = stranger.get("/api/subscriptions")
    problem(answer, 405)
    assert "POST" in answer.headers["Allow"]
