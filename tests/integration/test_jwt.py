"""test_jwt.py: tokens that another library (PyJWT) signed for an issuer of our
own, which publishes its keys on loopback."""
import http.server
import json
import threading
import time

import pytest
from support import Api, wait_until

jwt = pytest.importorskip("jwt", reason="python3-jwt is not installed")
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402

RSA = jwt.algorithms.RSAAlgorithm
EC = jwt.algorithms.ECAlgorithm


class Issuer:
    """GET /pool/.well-known/jwks.json answers `keys`."""

    def __init__(self):
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.keys = [dict(json.loads(RSA.to_jwk(self.rsa.public_key())),
                          kid="r1", use="sig", alg="RS256"),
                     dict(self.ec_jwk(), kid="e1", use="sig")]
        self.asked = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                issuer.asked += 1
                found = self.path == "/pool/.well-known/jwks.json"
                body = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/pool"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ec_jwk(self):
        import base64
        numbers = self.ec.public_key().public_numbers()

        def text(number):
            return base64.urlsafe_b64encode(
                number.to_bytes(32, "big")).decode().rstrip("=")
        return {"kty": "EC", "crv": "P-256", "x": text(numbers.x),
                "y": text(numbers.y)}

    def token(self, key=None, kid="r1", algorithm="RS256", **claims):
        claims = {"iss": self.url, "client_id": "page", "sub": "8f6b-ada",
                  "token_use": "access", "scope": "desk/all",
                  "exp": int(time.time()) + 600, **claims}
        return jwt.encode({name: value for name, value in claims.items()
                           if value is not None}, key or self.rsa,
                          algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


@pytest.fixture(scope="module")
def guarded(make_desk, issuer):
    desk = make_desk({
        "access.jwt_issuer": issuer.url,
        "access.jwt_audience": "other page",
        "access.jwt_scopes": "desk/all=orders:read,orders:write "
                             "bosses=orders:delete"})
    wait_until(lambda: Api(desk, issuer.token()).get("/api/orders")
               .status_code == 200, what="the issuer's keys in force")
    return desk


def status(desk, token, method="GET", path="/api/orders", **more):
    return Api(desk, token).send(method, path, **more).status_code


def test_tokens_of_both_algorithms_open_what_the_rules_say(guarded, issuer):
    for key, kid, algorithm in ((issuer.rsa, "r1", "RS256"),
                                (issuer.ec, "e1", "ES256")):
        token = issuer.token(key, kid, algorithm)
        assert status(guarded, token) == 200
        answer = Api(guarded, token).get("/api/archive")
        assert answer.status_code == 200
    refused = Api(guarded, token).delete(
        "/api/orders/0193a5c0-0000-7000-8000-0000000000cc")
    assert refused.status_code == 403
    assert "orders:delete" in refused.json()["detail"]
    boss = issuer.token(**{"cognito:groups": ["bosses"]})
    assert status(guarded, boss, "DELETE",
                  "/api/orders/0193a5c0-0000-7000-8000-0000000000cc") == 404


@pytest.mark.parametrize("why, changes", [
    ("expired", {"exp": 1795536400}),
    ("issuer", {"iss": "https://elsewhere.example"}),
    ("meant for", {"client_id": "stranger"}),
    ("access token", {"token_use": "id"}),
    ("subject", {"sub": None}),
])
def test_what_the_claims_do_not_allow_is_refused_with_the_reason(
        guarded, issuer, why, changes):
    answer = Api(guarded, issuer.token(**changes)).get("/api/orders")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert why in answer.json()["detail"]


def test_forged_tokens_are_refused(guarded, issuer):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = issuer.token()
    head, claims, signature = good.split(".")
    for token in (issuer.token(stranger), issuer.token(kid="r2"),
                  jwt.encode({"sub": "x"}, "secret", algorithm="HS256"),
                  jwt.encode({"sub": "x"}, None, algorithm="none"),
                  f"{head}.{claims}.", f"{head}..{signature}",
                  "..", "a.b.c", f"{head}.{claims}x.{signature}"):
        assert status(guarded, token) == 401, token
    assert status(guarded, good) == 200


@pytest.mark.parametrize("keys", [[], [{"kty": "oct", "k": "AAAA"}]])
def test_a_set_without_a_key_leaves_the_old_one_in_force(guarded, issuer, keys,
                                                         monkeypatch):
    monkeypatch.setattr(issuer, "keys", keys)
    asked = issuer.asked
    guarded.restart("relay")
    wait_until(lambda: issuer.asked > asked, what="the relay to ask")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert status(guarded, issuer.token()) == 200
        time.sleep(0.1)


def test_an_api_token_still_works(guarded):
    assert status(guarded, guarded.token()) == 200


def test_without_an_issuer_no_such_token_is_taken(desk, issuer):
    answer = Api(desk, issuer.token()).get("/api/orders")
    assert answer.status_code == 401
    assert "issuer" in answer.json()["detail"]
