"""aws_proxy.py: stands between a client and a service of AWS (or an engine that
speaks its protocol) and does to the traffic what networks and services do: it
throttles, fails, drops, cuts, delays, redirects, floods. Without an upstream it
answers itself, and can verify signatures by botocore's signer."""
import contextlib
import datetime
import email.utils
import hmac
import http.client
import http.server
import json
import random
import re
import socket
import ssl
import threading
import time
import urllib.parse

GIB = 1 << 30
SKEW_LIMIT_S = 300


def answer(status, body=b"", content_type="application/x-amz-json-1.0",
           **headers):
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    return status, {"Content-Type": content_type, **{
        name.replace("_", "-"): value for name, value in headers.items()}}, \
        body


def json_error(status, code, **headers):
    return answer(status, {"__type": "com.amazonaws#" + code,
                           "message": code + " by the proxy"}, **headers)


def xml_error(status, code):
    return answer(status, f"<Error><Code>{code}</Code><Message>by the proxy"
                  "</Message><RequestId>PROXY</RequestId></Error>",
                  "application/xml")


class Drop(Exception):
    """Ends the connection without a word."""


class Message:
    """A request as it came."""

    def __init__(self, handler, body):
        self.method, self.target = handler.command, handler.path
        self.headers, self.body = handler.headers, body

    def signed_at(self):
        return datetime.datetime.strptime(
            self.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(
                tzinfo=datetime.timezone.utc).timestamp()

    def is_signed_by(self, key, secret):
        """Whether botocore's signer gives the same signature."""
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d+/([^/]+)/([^/]+)/"
            r"aws4_request, SignedHeaders=([^,]+), Signature=(\w+)",
            self.headers.get("Authorization", ""))
        if not found or found[1] != key:
            return False
        path, _, query = self.target.partition("?")
        request = AWSRequest(
            self.method, "http://" + self.headers["Host"] + path,
            {name: self.headers[name] for name in found[4].split(";")},
            self.body, params=dict(urllib.parse.parse_qsl(
                query, keep_blank_values=True)))
        signer = (S3SigV4Auth if found[3] == "s3" else SigV4Auth)(
            Credentials(key, secret), found[3], found[2])
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        text = signer.string_to_sign(request,
                                     signer.canonical_request(request))
        return hmac.compare_digest(signer.signature(text, request), found[5])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.proxy = self.server.proxy
        with self.proxy.lock:
            self.proxy.connections += 1

    def log_message(self, *arguments):
        pass

    def send(self, status, headers, body, length=None):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Date" not in headers:
            self.send_header("Date", email.utils.formatdate(usegmt=True))
        if "Content-Length" not in headers:     # a HEAD's is the object's
            self.send_header("Content-Length",
                             str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle(self):
        with contextlib.suppress(ConnectionError):  # of a client that is gone
            super().handle()

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        message = Message(self, body)
        fault = self.proxy.next_fault(message)
        try:
            if fault is None:
                self.send(*self.proxy.forward(message))
            else:
                fault(self, message)
        except (Drop, OSError):
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = any


class AwsProxy:
    """`faults` are for one request each, in turn; then `steady`, if set."""

    def __init__(self, upstream=None, own=None, certificate=None):
        self.lock = threading.Lock()
        self.upstream, self.own = upstream, own
        self.faults, self.steady = [], None
        self.messages, self.connections = [], 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.server.proxy = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket,
                                                     server_side=True)
        self.url = "%s://127.0.0.1:%d" % ("https" if certificate else "http",
                                          self.server.server_port)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def reset(self, *faults, steady=None):
        with self.lock:
            self.faults, self.steady = list(faults), steady
            self.messages, self.connections = [], 0

    @property
    def requests(self):
        with self.lock:
            return len(self.messages)

    def next_fault(self, message):
        with self.lock:
            self.messages.append(message)
            return self.faults.pop(0) if self.faults else self.steady

    def forward(self, message):
        if not self.upstream:
            return self.own(message) if self.own else answer(200, {})
        where = urllib.parse.urlsplit(self.upstream)
        peer = http.client.HTTPConnection(where.hostname, where.port,
                                          timeout=30)
        # Host and all that is signed stay as they came.
        peer.putrequest(message.method, message.target, skip_host=True,
                        skip_accept_encoding=True)
        for name, value in message.headers.items():
            peer.putheader(name, value)
        peer.endheaders(message.body)
        got = peer.getresponse()
        body = got.read()
        hop = ["connection", "transfer-encoding"]
        if message.method != "HEAD":
            hop.append("content-length")
        headers = {name: value for name, value in got.getheaders()
                   if name.lower() not in hop}
        peer.close()
        return got.status, headers, body


# --- faults ----------------------------------------------------------------------

def say(*spoken):
    return lambda handler, message: handler.send(*spoken)


throttled = say(*json_error(400, "ThrottlingException"))
failed = say(*json_error(500, "InternalServerError"))
slow_down = say(*xml_error(503, "SlowDown"))
expired = say(*json_error(400, "ExpiredTokenException"))
unauthorized_xml = say(*xml_error(403, "InvalidClientTokenId"))
redirect = say(*answer(307, "", Location="http://127.0.0.1:1/"))
gzipped = say(*answer(200, b"\x1f\x8b\x08", Content_Encoding="gzip"))
damaged = say(*answer(200, {"a": 1}, x_amz_crc32="1"))


def refused(handler, message):
    raise Drop


def dropped(handler, message):
    """It took effect, and nobody hears of it."""
    handler.proxy.forward(message)
    raise Drop


def half(handler, message):
    status, headers, body = handler.proxy.forward(message)
    handler.send(status, headers, body[:len(body) // 2], len(body) or 9)
    raise Drop


def slow(seconds):
    def fault(handler, message):
        time.sleep(seconds)
        handler.send(*handler.proxy.forward(message))
    return fault


def stuck(handler, message):
    """Half an answer, and then nothing for a while."""
    handler.send(200, {}, b"{", 100)
    time.sleep(30)


def huge(handler, message):
    handler.send(200, {}, b"", GIB)
    for _ in range(GIB >> 16):
        handler.wfile.write(bytes(1 << 16))


def huge_in_chunks(handler, message):
    handler.send_response_only(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    for _ in range(GIB >> 16):
        handler.wfile.write(chunk)


def huge_headers(handler, message):
    handler.send_response_only(200)
    for number in range(2000):
        handler.send_header(f"X-{number}", "x" * 100)
    handler.end_headers()


def clock_off_by(seconds):
    """A service whose clock is not ours."""
    def fault(handler, message):
        now = time.time() + seconds
        date = {"Date": email.utils.formatdate(now, usegmt=True)}
        if abs(message.signed_at() - now) > SKEW_LIMIT_S:
            status, headers, body = json_error(400,
                                               "InvalidSignatureException")
        else:
            status, headers, body = handler.proxy.forward(message)
        handler.send(status, {**headers, **date}, body)
    return fault


class Unsteady(AwsProxy):
    """So many percent of the requests meet some fault, whichever."""
    common = (throttled, failed, slow_down, expired, redirect, refused,
              dropped, dropped, half, slow(0.3), damaged)
    rare = (stuck, huge, huge_headers, clock_off_by(3600))

    percent = 0

    def __init__(self, service, upstream, seed):
        self.service = service
        self.pick = random.Random(f"{seed}-{service}")
        self.met = {"common": 0, "rare": 0}
        super().__init__(upstream)

    def __str__(self):
        return (f"{self.service}: {sum(self.met.values())} faulty answers, "
                f"{self.met['rare']} of them of the rare kinds")

    def next_fault(self, message):
        with self.lock:
            if self.pick.random() * 100 >= self.percent:
                return None
            kind = self.rare if self.pick.random() < 0.05 else self.common
            self.met["rare" if kind is self.rare else "common"] += 1
            return self.pick.choice(kind)
