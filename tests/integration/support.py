"""support.py: what the integration tests share: a client, an SMTP server that
really takes mail, photos, and the shape of a problem."""
import concurrent.futures
import email
import email.policy
import glob
import http.client
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import time
import zlib

import requests
import requests.adapters
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

JSON = "application/json"
UNKNOWN_ID = "01934567-89ab-7def-8123-456789abcdef"


class SourceAdapter(requests.adapters.HTTPAdapter):
    """Comes from another loopback address: rate limits go by address."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0),
                                 **kwargs)


class Api:
    def __init__(self, desk, token, address=None):
        self.desk, self.url, self.token = desk, desk.url, token
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept"] = "*/*"
        if address:
            self.session.mount("http://", SourceAdapter(address))

    def send(self, method, path, token=..., headers=None, **more):
        headers = dict(headers or {})
        token = self.token if token is ... else token
        if token:
            headers.setdefault("Authorization", "Bearer " + token)
        more.setdefault("timeout", 30)
        more.setdefault("allow_redirects", False)
        url = path if path.startswith("http") else self.url + path
        return self.session.request(method, url, headers=headers, **more)

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, json=None, **more):
        return self.send("POST", path, json=json, **more)

    def patch(self, path, json=None, **more):
        return self.send("PATCH", path, json=json, **more)

    def put(self, path, json=None, **more):
        return self.send("PUT", path, json=json, **more)

    def delete(self, path, **more):
        return self.send("DELETE", path, **more)

    def raw(self, method, path, body, content_type=JSON, **more):
        headers = {"Content-Type": content_type, **more.pop("headers", {})}
        return self.send(method, path, data=body, headers=headers, **more)

    def order(self, **members):
        """Makes an order and returns it."""
        draft = {"description": "red running shoes", "price": "59.90"}
        draft.update(members)
        if "lines" in members and "price" not in members:
            del draft["price"]
        answer = self.post("/api/orders", draft)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def again(self):
        """Another client of the same desk and token, for another thread."""
        return Api(self.desk, self.token)


def problem(answer, status, slug=None, pointer=None):
    """The answer is a complete problem (RFC 9457); returns it."""
    assert answer.status_code == status, \
        f"{answer.status_code} instead of {status}: {answer.text[:600]}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers.get("X-Request-Id")
    body = answer.json()
    assert body["status"] == status
    assert body["type"].startswith("/problems/"), body
    assert body["title"] and isinstance(body["detail"], str)
    assert "instance" in body
    assert re.fullmatch("[0-9a-f]{32}", body["trace_id"]), body
    if slug:
        assert body["type"] == "/problems/" + slug, body
    if pointer is not None:
        assert pointer in [item["pointer"] for item in body["errors"]], body
        for item in body["errors"]:
            assert item["code"] and item["detail"], body
    return body


def wait_until(condition, wait_s=15, what="it"):
    """Polls until the condition holds; returns what it returned."""
    end = time.monotonic() + wait_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen in {wait_s} s"
        time.sleep(0.02)


def in_parallel(count, work, workers=None):
    with concurrent.futures.ThreadPoolExecutor(workers or count) as pool:
        return list(pool.map(work, range(count)))


def archived(api, order_id, state=("archived", "mailed", "done"), wait_s=15):
    """Waits until the deletion of the order got this far; its archive entry."""
    def look():
        answer = api.get(f"/api/archive/{order_id}")
        if answer.status_code == 200 and \
                answer.json()["deletion"]["state"] in state:
            return answer.json()
    return wait_until(look, wait_s, f"the archiving of {order_id}")


def archive_object(desk, entry):
    """The bytes of an archive entry as they are kept."""
    return desk.objects.read(entry["deletion"]["archive"])


def as_written(desk, line, *headers, body=b"", token=None, wait_s=10):
    """Sends a request as it stands, however wrong; the http.client answer."""
    lines = [line + " HTTP/1.1", "Connection: close", *headers]
    if not any(header.lower().startswith("host:") for header in headers):
        lines.append("Host: desk")
    if token:
        lines.append("Authorization: Bearer " + token)
    with socket.create_connection(("127.0.0.1", desk.port), wait_s) as peer:
        peer.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        answer.body = answer.read()
        return answer


# --- photos -----------------------------------------------------------------------

def png(width=64, height=48, noise=False):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    rows = [os.urandom(3 * width) if noise else bytes((200, y % 256, 60))
            * width for y in range(height)]
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2,
                                         0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row
                                                    for row in rows),
                                           0 if noise else 6))
            + chunk(b"IEND", b""))


# --- mail -------------------------------------------------------------------------

class Mailbox:
    """An SMTP server on loopback; `messages` are (sender, recipients, bytes)."""

    def __init__(self, port=0, tls=None, user=None, password=None):
        self.messages = []
        self.refusals = []      # answers to give to the next DATA, in turn
        self.tls, self.user, self.password = tls, user, password
        self.encrypted = self.authenticated = 0
        self.port = port
        self.controller = None

    def start(self):
        import desk as desk_module
        self.port = self.port or desk_module.free_port()
        context = None
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
        box = self

        class TheController(Controller):
            def factory(self):
                return SMTP(box, hostname="mailbox.example",
                            tls_context=context,
                            require_starttls=context is not None,
                            auth_required=box.user is not None,
                            auth_require_tls=context is not None,
                            authenticator=box.authenticate)
        self.controller = TheController(self, hostname="127.0.0.1",
                                        port=self.port)
        self.controller.start()
        return self

    def stop(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    def authenticate(self, server, session, envelope, mechanism, data):
        good = (data.login == self.user.encode()
                and data.password == self.password.encode())
        self.authenticated += good
        return AuthResult(success=good)

    async def handle_DATA(self, server, session, envelope):
        if self.refusals:
            return self.refusals.pop(0)
        if session.ssl:
            self.encrypted += 1
        self.messages.append((envelope.mail_from, list(envelope.rcpt_tos),
                              envelope.original_content))
        return "250 taken"

    def of(self, address):
        return [parse_mail(content) for _, recipients, content in self.messages
                if address in recipients]


def photo_of_an_order(api):
    """its bytes, and the link to it"""
    content = png(60, 60)
    seen = api.raw("POST", "/api/images?description=a", content,
                   "image/png").json()
    order = api.order(description="a", image={"receipt": seen["receipt"]})
    return content, api.get("/api/orders/" + order["id"]).json()[
        "image"]["url"]


def parse_mail(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def maildir(desk, address=None):
    mails = []
    for path in sorted(glob.glob(os.path.join(desk.mail_dir, "new", "*"))):
        with open(path, "rb") as file:
            mail = parse_mail(file.read())
        if address is None or address in str(mail["To"]):
            mails.append(mail)
    return mails


def mail_text(mail):
    return mail.get_body(("plain",)).get_content()


def confirm_token(mail):
    return re.search(r"/confirm\S*[?&#]token=([A-Za-z0-9_.~-]+)",
                     mail_text(mail))[1]


def unsubscribe_link(mail):
    return re.search(r"<(http[^>]+)>", str(mail["List-Unsubscribe"]))[1]


def subscribe(api, address, read=None):
    """Opts in twice; `read` finds the mails of an address."""
    read = read or (lambda address: maildir(api.desk, address))
    before = len(read(address))
    answer = api.post("/api/subscriptions", {"email": address}, token=None)
    assert answer.status_code == 202, answer.text
    mail = wait_until(lambda: read(address)[before:], 10,
                      f"the mail to {address}")[0]
    answer = api.post("/api/subscriptions/confirm",
                      {"token": confirm_token(mail)}, token=None)
    assert answer.status_code == 200, answer.text


# --- others -------------------------------------------------------------------------

def pdf_text(content, tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(content)
    return subprocess.run(["pdftotext", "-layout", str(path), "-"],
                          capture_output=True, check=True).stdout.decode()


def run_json(desk, *arguments):
    return json.loads(desk.command(*arguments).stdout)
