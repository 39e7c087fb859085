#!/usr/bin/python3
"""overload.py: asks one operation for several times what it can do, and sees
that whoever is turned away is told when to come back, that as much is done as
before, that the other operations do not notice, and that all is over soon after.
A report is slow by itself; operations that are quick are made slow (slow.c).
Run by ./dev overload."""
import argparse
import asyncio
import collections
import gc
import itertools
import json
import os
import re
import resource
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)),
                                "tools"))

from crash_loop import build_preload  # noqa: E402
from desk import Desk, Trouble, say  # noqa: E402

GIVE_UP_S = 60
CALM_S = 5
ORDER = json.dumps({"description": "to report", "price": 1}).encode()
# what to ask for: the operation, method, path and body
ASKED = {"report": ("generate_pdf_report", "POST", "/api/reports", b"{}"),
         "create": ("create_order", "POST", "/api/orders", ORDER),
         "get": ("get_order_by_id", "GET", "{order}", None)}


class Answer:
    def __init__(self, status, headers, seconds):
        self.status, self.headers, self.seconds = status, headers, seconds

    @property
    def good(self):
        return 200 <= self.status < 300

    @property
    def turned_away(self):
        return self.status == 503 and re.search(
            rb"\r\nRetry-After: [1-9]", self.headers)


class Asker:
    """Asks the same thing from many addresses (limits go by address)."""

    def __init__(self, desk, token, method, path, body, media_type):
        self.port = desk.port
        self.failures = collections.Counter()
        self.request = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\n"
            f"Authorization: Bearer {token}\r\nConnection: close\r\n"
            + (f"Content-Type: {media_type}\r\nContent-Length: {len(body)}"
               "\r\n" if body is not None else "") + "\r\n").encode() \
            + (body or b"")
        self.addresses = (f"127.{a}.{b}.1" for a, b in itertools.cycle(
            itertools.product(range(2, 200), range(1, 250))))

    async def ask(self):
        """Status 0: no answer."""
        began = time.monotonic()
        try:
            return await asyncio.wait_for(self.once(began), GIVE_UP_S)
        except (OSError, asyncio.TimeoutError, ValueError,
                IndexError) as failure:
            self.failures[repr(failure)] += 1
            return Answer(0, b"", time.monotonic() - began)

    async def once(self, began):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(next(self.addresses), 0))
        try:
            writer.write(self.request)
            text = await reader.read(-1)
            headers = text.partition(b"\r\n\r\n")[0]
            return Answer(int(headers.split(b" ")[1]), headers,
                          time.monotonic() - began)
        finally:
            writer.close()


async def closed_loop(asker, seconds, count):
    """Answers of `count` clients that each wait for theirs."""
    end = time.monotonic() + seconds
    answers = []

    async def client():
        while time.monotonic() < end:
            answers.append(await asker.ask())
    await asyncio.gather(*(client() for _ in range(count)))
    return answers


async def open_loop(asker, seconds, rate):
    """Asks at that rate, whatever is answered."""
    began, tasks, n = time.monotonic(), [], 0
    answers, before, late_s = [], began, 0

    async def one():
        answers.append(await asker.ask())
    while (now := time.monotonic()) < began + seconds:
        before, late_s = now, max(late_s, now - before)
        while n < (now - began) * rate:
            tasks.append(asyncio.create_task(one()))
            n += 1
        tasks = [task for task in tasks if not task.done()]
        await asyncio.sleep(0.005)
    in_time = sum(answer.good for answer in answers)
    return n, in_time, answers, tasks, late_s


def quantile(answers, part):
    seconds = sorted(answer.seconds for answer in answers)
    return seconds[min(len(seconds) - 1, int(part * len(seconds)))]


async def back_to_normal(asker, usual_s):
    """Seconds until three in a row are answered as quickly as before."""
    began, row = time.monotonic(), 0
    while row < 3:
        answer = await asker.ask()
        row = row + 1 if answer.good and answer.seconds < usual_s else 0
        if time.monotonic() - began > 120:
            break
        await asyncio.sleep(0.05)
    return time.monotonic() - began


class Findings:
    def __init__(self):
        self.good = True

    def say(self, what, text, good):
        self.good &= good
        say(f"{what:<26}{text}  {'ok' if good else 'MISSED'}")


async def measure(desk, token, arguments):
    found = Findings()
    _, method, path, body = ASKED[arguments.operation]
    if "{order}" in path:
        path = await make_order(desk, token)
    asker = Asker(desk, token, method, path, body, "application/json")
    other = Asker(desk, token, "GET", "/api/orders?limit=5", None, None)
    await closed_loop(asker, 1, 2)
    usual = await closed_loop(asker, 2, 1)
    peak = await closed_loop(asker, arguments.peak_seconds, 4)
    rate = sum(answer.good for answer in peak) / arguments.peak_seconds
    say(f"{method} {path}: at most {rate:.0f}/s (n = {len(peak)}); asking "
        f"{arguments.times} times as often for {arguments.seconds} s")
    watch = asyncio.create_task(open_loop(other, arguments.seconds, 20))
    count, in_time, answers, waiting, late_s = await open_loop(
        asker, arguments.seconds, arguments.times * rate)
    recovered = asyncio.create_task(back_to_normal(
        asker, 2 * quantile(usual, 0.9) + 0.1))
    calm_s = await recovered
    await asyncio.gather(*waiting)
    asked, _, others, late, _ = await watch
    await asyncio.gather(*late)
    statuses = collections.Counter(answer.status for answer in answers)
    away = [answer for answer in answers if answer.status == 503]
    found.say("answers", f"{dict(statuses)} (n = {count})",
              len(answers) == count and
              all(answer.good or answer.turned_away for answer in answers))
    for failure, times in (asker.failures + other.failures).items():
        say(f"{'':<26}{failure} {times} times")
    say(f"{'the client itself':<26}asked {late_s:.2f} s late at most")
    goodput = in_time / arguments.seconds
    found.say("done meanwhile", f"{goodput:.0f}/s, {goodput / rate:.2f} of the "
              "peak (wanted ≥ 0.8)", goodput >= 0.8 * rate)
    done = [answer for answer in answers if answer.good]
    found.say("waited", f"p50 {quantile(done, 0.5):.2f} s, p99 "
              f"{quantile(done, 0.99):.2f} s when done"
              + (f", p99 {quantile(away, 0.99):.2f} s when turned away"
                 if away else ""), quantile(done, 0.99) <= CALM_S)
    found.say("the other operations",
              f"{dict(collections.Counter(a.status for a in others))} "
              f"(n = {asked}), p99 {quantile(others, 0.99) * 1000:.0f} ms",
              all(answer.good for answer in others))
    found.say("back to normal after", f"{calm_s:.1f} s (wanted ≤ {CALM_S})",
              calm_s <= CALM_S)
    return found.good


async def make_order(desk, token):
    """Its path."""
    answer = await Asker(desk, token, "POST", "/api/orders", ORDER,
                         "application/json").ask()
    return re.search(rb"Location: (\S+)", answer.headers)[1].decode()


async def fill(desk, token, count):
    """Deleted orders for the reports to tell of."""
    paths = []
    for _ in range(count // 50):
        paths += await asyncio.gather(*(make_order(desk, token)
                                        for _ in range(50)))
    for at in range(0, len(paths), 50):
        await asyncio.gather(*(
            Asker(desk, token, "DELETE", path, None, None).ask()
            for path in paths[at:at + 50]))


def main():
    parser = argparse.ArgumentParser(prog="./dev overload")
    parser.add_argument("--operation", choices=ASKED, default="report")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--times", type=float, default=5,
                        help="of what it can do (default 5)")
    parser.add_argument("--peak-seconds", type=float, default=10)
    parser.add_argument("--orders", type=int, default=1000,
                        help="in each report (default 1000)")
    arguments = parser.parse_args()
    state = tempfile.mkdtemp(prefix="overload-")
    # To look through hundreds of thousands of answers takes it seconds, after
    # which it would ask for thousands at once.
    gc.disable()
    # A connection for each that waits.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    report = arguments.operation == "report"
    desk = None
    try:
        desk = Desk(state, environment={} if report else {
            "LD_PRELOAD": build_preload(state, "slow"),
            "ORDERMILL_SLOW": ASKED[arguments.operation][0]})
        desk.start()
        token = desk.token()
        time.sleep(1.1)     # every responder has seen the token
        if report:
            asyncio.run(fill(desk, token, arguments.orders))
        good = asyncio.run(measure(desk, token, arguments))
    except Trouble as trouble:
        print(f"./dev overload: {trouble}", file=sys.stderr)
        good = False
    finally:
        if desk:
            desk.stop()
        shutil.rmtree(state, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
