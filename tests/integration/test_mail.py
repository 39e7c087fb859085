"""The relay's mail over SMTP: what arrives, what is tried again."""
import email.utils
import re
import subprocess

import pytest

from support import (Api, Mailbox, archived, mail_text, subscribe,
                     unsubscribe_link, wait_until)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    paths = [str(folder / name) for name in ("cert.pem", "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                    "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


@pytest.fixture(scope="module")
def mailbox(certificate):
    """Speaks STARTTLS and takes nothing without it."""
    mailbox = Mailbox(tls=certificate).start()
    yield mailbox
    mailbox.stop()


@pytest.fixture(scope="module")
def desk(make_desk, mailbox):
    return make_desk({
        "mailer.adapter": "smtp", "site.name": "Wörkshop & Söhne",
        "mailer.url": f"smtp://127.0.0.1:{mailbox.port}",
        "mailer.tls": "try", "mailer.from": "Desk <desk@shop.example>"})


@pytest.fixture(scope="module")
def api(desk, mailbox):
    api = Api(desk, desk.token())
    subscribe(Api(desk, None, "127.0.0.7"), "reader@example.org", mailbox.of)
    return api


def deletion_mail(api, mailbox, trace=None, **members):
    order = api.order(**members)
    before = len(mailbox.of("reader@example.org"))
    headers = {"traceparent": trace} if trace else {}
    api.delete("/api/orders/" + order["id"], headers=headers)
    mails = wait_until(lambda: mailbox.of("reader@example.org")[before:], 10)
    return order, mails[0], mailbox.messages[-1]


def test_it_is_encrypted_when_the_server_can(api, mailbox):
    deletion_mail(api, mailbox)
    assert mailbox.encrypted == len(mailbox.messages)


def test_a_person_can_read_it(desk, api, mailbox):              # D18
    order, mail, (sender, recipients, raw) = deletion_mail(
        api, mailbox, description="Zoë's <b>mug</b> & 日本語",
        price="1234.50", customer={"name": "Ada \"A\" <x>"})
    assert sender == "desk@shop.example"
    assert recipients == ["reader@example.org"]
    assert "desk@shop.example" in str(mail["From"])
    assert email.utils.parsedate_to_datetime(str(mail["Date"]))
    assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", str(mail["Message-ID"]))
    assert str(mail["Auto-Submitted"]) == "auto-generated"
    assert mail["MIME-Version"] == "1.0"
    assert mail["List-Id"]
    assert str(mail["List-Unsubscribe-Post"]) == \
        "List-Unsubscribe=One-Click"
    assert unsubscribe_link(mail).startswith(desk.url + "/")
    assert not mail.defects
    text = mail_text(mail)
    html = mail.get_body(("html",)).get_content()
    assert "Zoë's <b>mug</b> & 日本語" in text
    assert "1234.50" in text.replace(",", "").replace("\u202f", "") \
        and "EUR" in text
    assert order["id"] in text
    assert "<b>mug</b>" not in html
    assert "&lt;b&gt;mug&lt;/b&gt;" in html
    assert "{" not in text


def test_it_is_canonical_on_the_wire(api, mailbox):
    _, _, (_, _, raw) = deletion_mail(api, mailbox, notes="x" * 3000,
                                      description="ü" * 400)
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", raw) is None
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    # a link cannot be folded
    assert [line for line in lines
            if len(line) > 78 and len(line.split()) > 2] == []
    assert raw.isascii()


def test_no_text_of_an_order_reaches_a_header(api, mailbox):
    _, mail, (_, recipients, raw) = deletion_mail(
        api, mailbox, description="x\r\nBcc: evil@example.org\r\n\r\nhi\r\n.\r\n")
    assert recipients == ["reader@example.org"]
    assert mail["Bcc"] is None
    assert mail.get_content_type() == "multipart/alternative"


def test_the_trace_is_in_the_mail(api, mailbox):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    _, mail, _ = deletion_mail(
        api, mailbox, f"00-{trace}-00f067aa0ba902b7-01")
    assert trace in str(mail["traceparent"])


def test_a_refusal_for_now_is_tried_again(api, mailbox):
    mailbox.refusals[:] = ["451 later", "421 not now"]
    order, mail, _ = deletion_mail(api, mailbox)
    entry = archived(api, order["id"], ("done",))
    assert entry["deletion"]["mails"] == {"total": 1, "sent": 1, "failed": 0}


def test_a_refusal_for_good_is_a_dead_letter_and_closes_the_record(
        desk, api, mailbox):
    mailbox.refusals[:] = ["550 never"]
    order = api.order()
    api.delete("/api/orders/" + order["id"])
    entry = archived(api, order["id"], ("done",))
    assert entry["deletion"]["mails"] == {"total": 1, "sent": 0, "failed": 1}
    assert api.get("/readyz").json()["mails"]["dead"] == 1
    before = len(mailbox.messages)
    assert desk.command("deletions", "redrive").returncode == 0
    wait_until(lambda: len(mailbox.messages) > before)
    wait_until(lambda: api.get("/readyz").json()["mails"]["dead"] == 0)


def test_a_password_is_sent_only_over_proven_tls(make_desk, certificate,
                                                 tmp_path):
    """Its certificate is nobody's: with a password, no mail is sent."""
    mailbox = Mailbox(tls=certificate, user="desk", password="s3cret").start()
    (tmp_path / "password").write_text("s3cret\n")
    try:
        desk = make_desk({
            "mailer.adapter": "smtp", "mailer.tls": "require",
            "mailer.url": f"smtp://127.0.0.1:{mailbox.port}",
            "mailer.user": "desk",
            "mailer.password_file": str(tmp_path / "password")})
        stranger = Api(desk, None)
        stranger.post("/api/subscriptions", {"email": "a@example.org"})

        def tried():
            with open(desk.log_dir + "/relay.log", encoding="utf-8") as file:
                return "smtp:" in file.read()
        wait_until(tried)
        assert (mailbox.messages, mailbox.authenticated) == ([], 0)
    finally:
        mailbox.stop()


def test_it_signs_in(make_desk, tmp_path):
    mailbox = Mailbox(user="desk", password="s3cret").start()
    (tmp_path / "password").write_text("s3cret\n")
    try:
        desk = make_desk({
            "mailer.adapter": "smtp", "mailer.tls": "never",
            "mailer.url": f"smtp://127.0.0.1:{mailbox.port}",
            "mailer.user": "desk",
            "mailer.password_file": str(tmp_path / "password")})
        subscribe(Api(desk, None), "a@example.org", mailbox.of)
        assert mailbox.authenticated >= 1
    finally:
        mailbox.stop()
