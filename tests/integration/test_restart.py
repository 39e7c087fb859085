"""A restart of every responder under load fails no request."""
import hashlib
import threading
import time

from desk import RESPONDERS
from support import Api, in_parallel, png

ROUNDS = 50


def test_fifty_restarts_of_every_responder_fail_nothing(make_desk):
    desk = make_desk()
    token = desk.token()
    done = threading.Event()
    photos = [png(700, 715, noise=True) for _ in range(2)]
    assert all(len(photo) > 1_500_000 for photo in photos)
    first = Api(desk, token).order()
    tally = {"reads": 0, "uploads": 0, "writes": 0}
    failures = []
    rounds = 0

    def note(kind, answer, good):
        tally[kind] += 1
        if not good:
            failures.append((kind, answer.status_code, answer.text[:300]))

    def read(client, n):
        answer = client.get("/api/orders/" + first["id"] if n % 4
                            else "/api/orders?limit=5")
        note("reads", answer, answer.status_code == 200)

    def upload(client, n):
        photo = photos[n % 2]
        answer = client.raw("POST", "/api/images?description=noise", photo,
                            "image/png")
        note("uploads", answer, answer.status_code == 200 and
             answer.json()["image_id"] ==
             "sha256:" + hashlib.sha256(photo).hexdigest())

    def write(client, n):
        answer = client.post("/api/orders", {"description": "r", "price": 1})
        note("writes", answer, answer.status_code == 201)
        if answer.status_code != 201:
            return
        path = "/api/orders/" + answer.json()["id"]
        answer = client.patch(path, {"notes": str(n)},
                              headers={"If-Match": '"1"'})
        note("writes", answer, answer.status_code == 200 and
             answer.json()["version"] == 2)
        answer = client.delete(path, headers={"Idempotency-Key": path})
        note("writes", answer, answer.status_code == 200)

    def load(work):
        # uploads below nginx's rate limit
        pause_s = 0.07 if work is upload else 0.002
        client = Api(desk, token)
        n = 0
        while not done.is_set():
            try:
                work(client, n)
            except Exception as error:
                failures.append((work.__name__, type(error).__name__,
                                 str(error)))
            n += 1
            time.sleep(pause_s)
    threads = [threading.Thread(target=load, args=(work,))
               for work in (read, read, upload, upload, write, write)]
    for thread in threads:
        thread.start()
    try:
        while rounds < ROUNDS or \
                (min(tally.values()) < ROUNDS and rounds < 4 * ROUNDS):
            in_parallel(len(RESPONDERS),
                        lambda n: desk.restart(RESPONDERS[n]))
            rounds += 1
            time.sleep(0.05)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    restarts = {p["name"]: p["restarts"] for p in desk.status()["programs"]}
    print(tally, len(failures))
    assert not failures, (len(failures), tally, failures[:9])
    assert all(restarts[name] == rounds for name in RESPONDERS), restarts
    assert min(tally.values()) >= ROUNDS, tally
