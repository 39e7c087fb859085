#!/usr/bin/python3
"""bench.py: what the desk does per second, each line beside a reference that
is measured in the same run on the same machine, behind the same nginx.
Run by ./dev bench."""
import argparse
import gzip
import json
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tools"))

from desk import Desk, Trouble, descendants, free_port, say  # noqa: E402
from photos import photo  # noqa: E402

CONNECTIONS = 32
ORDER_BYTES = 700
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
DRAFT = {
    "description": "Six blue mugs for the office kitchen",
    "customer": {"name": "Jonas Lindqvist", "email": "jonas@example.org"},
    "lines": [{"sku": "MUG-B", "name": "Mug, blue", "quantity": 6,
               "unit_price": "11.50"}],
    "notes": "Please deliver before nine, at the back door.",
    "metadata": {"channel": "shop"}}

REFERENCE_SITE = """
	upstream reference {{
		server unix:{run}/reference.sock;
		keepalive 32;
	}}
	server {{
		listen 127.0.0.1:{port};
		access_log off;
		location = /file {{
			root {folder};
		}}
		location = /empty {{
			fastcgi_keep_conn on;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param REQUEST_URI $request_uri;
			fastcgi_pass reference;
		}}
	}}
"""

SCRIPT = """
local headers = {{["Authorization"] = "Bearer {token}",
	["Content-Type"] = "application/json"}}
local body = [==[{body}]==]
local ids, at, count, failed = {{}}, 0, 0, 0
local threads = {{}}
function setup(thread)
	thread:set("number", #threads)
	table.insert(threads, thread)
end
function init()
	bad = 0
	if "{ids}" ~= "" then
		local n = 0
		for line in io.lines("{ids}") do
			if n % {threads} == number then
				ids[#ids + 1] = line
			end
			n = n + 1
		end
	end
end
function request()
	local path = "{path}"
	if #ids > 0 then
		at = at % #ids + 1
		path = path .. ids[at]
	end
	return wrk.format("{method}", path, headers,
		body ~= "" and body or nil)
end
function response(status)
	if status < 200 or status > 299 then
		bad = bad + 1
	end
end
function done(summary, latency)
	local sum = 0
	for _, thread in ipairs(threads) do
		sum = sum + thread:get("bad")
	end
	io.write(string.format("RESULT %d %d %d %f\\n", summary.requests,
		sum + summary.errors.connect + summary.errors.read
		+ summary.errors.write + summary.errors.timeout,
		latency:percentile(99), summary.duration / 1e6))
end
"""


class Table:
    def __init__(self):
        self.good = True
        say(f"{'what':<38}{'measured':>14}  {'reference':<34}{'ratio':>7}"
            f"{'wanted':>10}")

    def row(self, what, value, unit, reference, name, ratio, wanted, good):
        self.good &= good
        beside = f"{number(reference)} {name}" if reference is not None else ""
        shown = f"{ratio:.2f}" if ratio is not None else ""
        say(f"{what:<38}{number(value) + ' ' + unit:>14}  {beside:<34}"
            f"{shown:>7}{wanted:>10}  {'ok' if good else 'MISSED'}")

    def at_least(self, what, value, unit, reference, name, wanted):
        ratio = value / reference
        self.row(what, value, unit, reference, name, ratio, f"≥ {wanted}",
                 ratio >= wanted)

    def at_most(self, what, value, unit, limit):
        self.row(what, value, unit, None, "", None,
                 f"≤ {number(limit)}", value <= limit)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Bench:
    def __init__(self, desk, folder, seconds):
        self.desk, self.folder, self.seconds = desk, folder, seconds
        self.token = desk.token()
        time.sleep(1.1)     # every responder has seen the token

    def wrk(self, url, method="GET", path="", body="", ids="", seconds=None):
        """Requests per second and the number of those that failed."""
        script = os.path.join(self.folder, "wrk.lua")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT.format(
                token=self.token, body=body, ids=ids, threads=2, path=path,
                method=method))
        done = subprocess.run(
            ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds or self.seconds}",
             "-s", script, url], capture_output=True, text=True)
        found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+)",
                          done.stdout)
        if not found:
            raise Trouble(f"wrk failed: {done.stdout} {done.stderr}")
        requests, bad, p99, duration = map(float, found.groups())
        return requests / duration, int(bad), p99 / 1000

    def clean(self, *arguments, **more):
        rate, bad, _ = self.wrk(self.desk.url, *arguments, **more)
        if bad:
            raise Trouble(f"{bad} requests of {arguments} failed.")
        return rate

    def send(self, method, path, body=None):
        request = urllib.request.Request(
            self.desk.url + path, method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": "Bearer " + self.token,
                     "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read())

    def write_ids(self):
        """The ids of all live orders, one a line."""
        path = os.path.join(self.folder, "ids")
        with open(path, "w", encoding="utf-8") as file:
            for line in self.desk.command("export").stdout.splitlines():
                file.write(json.loads(line)["id"] + "\n")
        return path


def reference(desk, name):
    path = os.path.join(desk.build, "bench", name)
    if not os.access(path, os.X_OK):
        raise Trouble(f"{path} is not there; `make bench-programs` makes it.")
    return path


def measure_reads(bench, table, reference_port):
    _, order = bench.send("POST", "/api/orders", DRAFT)
    for _ in range(60):
        bench.send("POST", "/api/orders", DRAFT)
    beside = f"http://127.0.0.1:{reference_port}"
    empty = bench.wrk(beside, path="/empty")[0]
    static = bench.wrk(beside, path="/file")[0]
    one = bench.clean("GET", "/api/orders/" + order["id"])
    table.at_least("GET one order", one, "/s", empty,
                   "/s empty libfcgi responder", 1.0)
    table.at_least("GET one order", one, "/s", static,
                   "/s static file of that size", 0.6)
    listed = bench.clean("GET", "/api/orders?limit=50")
    table.at_least("list of 50", listed, "/s", one, "/s GET one order", 0.3)


def measure_writes(bench, table, commits):
    inserts, updates, deletes = commits
    # enough of them to delete each once
    created = bench.clean("POST", "/api/orders", json.dumps(DRAFT),
                          seconds=max(bench.seconds, 4))
    table.at_least("create, durable", created, "/s", inserts,
                   "/s single-row commits", 2)
    ids = bench.write_ids()
    changed = bench.clean("PATCH", "/api/orders/", '{"notes":"x"}', ids)
    table.at_least("update, durable", changed, "/s", updates,
                   "/s single-row commits", 1.5)
    rate, bad, _ = bench.wrk(bench.desk.url, "DELETE", "/api/orders/", "",
                             ids, seconds=2)
    if bad:
        say(f"      ({bad} deletes came twice, which is quicker: there were "
            "too few orders)")
    table.at_least("delete, durable", rate, "/s", deletes,
                   "/s single-row commits", 1.5)


def wait_closed(bench, wait_s):
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        _, facts = bench.send("GET", "/readyz")
        if facts["deletions"]["open"] == 0:
            return
        time.sleep(0.2)
    raise Trouble("The deletions were not archived in time.")


def measure_report(folder, table, bare):
    """Ten thousand archived orders, on a desk of their own."""
    state = tempfile.mkdtemp(prefix="bench-")
    desk = Desk(state, overrides={"image_recognizer.adapter": "none"})
    try:
        desk.start()
        bench = Bench(desk, folder, 1)
        while True:
            bench.clean("POST", "/api/orders", json.dumps(DRAFT))
            ids = bench.write_ids()
            with open(ids, encoding="utf-8") as file:
                lines = file.read().split()
            if len(lines) >= 10_000:
                break
        with open(ids, "w", encoding="utf-8") as file:
            file.write("\n".join(lines[:10_000]) + "\n")
        while True:
            bench.wrk(desk.url, "DELETE", "/api/orders/", "", ids, seconds=2)
            _, page = bench.send("GET", "/api/orders?limit=1")
            left = len(lines) - 10_000
            live = desk.command("export").stdout.count("\n")
            if live == left:
                break
        wait_closed(bench, 300)
        started = time.monotonic()
        status, made = bench.send("POST", "/api/reports", {})
        place = None if status == 201 else made
        while place and made["state"] != "done":
            time.sleep(0.01)
            _, made = bench.send("GET", "/api/reports/" + made["id"])
        seconds = time.monotonic() - started
        if made["orders"] != 10_000:
            raise Trouble(f"The report has {made['orders']} orders.")
        program = desk.programs["generate_pdf_report"]
        peak = max(high_water_kib(pid)
                   for pid in [program.pid, *descendants(program.pid)])
        table.row("10,000 archived orders to PDF", seconds * 1000, "ms",
                  bare * 1000, "ms bare libharu", seconds / bare, "≤ 5",
                  seconds <= 5 * bare)
        table.at_most("memory of that, at its peak", peak / 1024, "MiB", 64)
    finally:
        desk.stop()
        shutil.rmtree(state, ignore_errors=True)


def measure_signing(table):
    """A PutItem of an order, signed; botocore and awscrt beside it."""
    build = os.environ["ORDERMILL_BUILD"]
    driver = os.path.join(build, "tests", "integration", "aws_driver")
    python = os.path.join(build, "venv", "bin", "python")
    if not os.path.exists(python):
        python = sys.executable
    ours, theirs = [], []
    for _ in range(3):
        ours.append(float(subprocess.run(
            [driver, "time", "50000"], capture_output=True, text=True,
            check=True).stdout))
        theirs.append(json.loads(subprocess.run(
            [python, os.path.join(HERE, "signing.py")], capture_output=True,
            text=True, check=True).stdout))
    for name, wanted in (("botocore", 5), ("awscrt", None)):
        found = [one[name] for one in theirs if name in one]
        if not found:
            say(f"signing beside {name}: it is not installed")
            continue
        ratio = min(found) / min(ours)
        table.row("signing a request", min(ours) / 1000, "µs",
                  min(found) / 1000, f"µs by {name}", ratio,
                  f"≥ {wanted}" if wanted else "",
                  not wanted or ratio >= wanted)


def large_photo(folder):
    """A JPEG of 12 megapixels, as phones make them."""
    path = os.path.join(folder, "large.ppm")
    with open(path, "wb") as file:
        file.write(b"P6 4000 3000 255\n")
        for y in range(3000):
            row = bytearray(12000)
            for c, part in enumerate((7, 11, 13)):
                row[c::3] = bytes((x * part // 16 + y * part // 8) & 255
                                  for x in range(4000))
            file.write(row)
    return subprocess.run(["cjpeg", "-quality", "90", path], check=True,
                          capture_output=True).stdout


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return int(re.search(r"Pss:\s+(\d+)", file.read())[1])


def measure_matcher(desk, table):
    done = subprocess.run([reference(desk, "match_bench")],
                          capture_output=True, text=True)
    if done.returncode:
        say("      (the matcher is not measured: " + done.stderr.strip() + ")")
        return
    figures = {name: float(value) for name, value in
               re.findall(r"(\w+)=([\d.]+)", done.stdout)}
    table.at_most("a description matched, median", figures["median_us"], "µs",
                  500)
    table.at_most("the slowest of 16 descriptions", figures["slowest_us"],
                  "µs", 1000)


def measure_recognizer(folder, table):
    """Photos, on a desk that looks at them."""
    state = tempfile.mkdtemp(prefix="bench-")
    desk = Desk(state, overrides={"image_recognizer.adapter": "local"})
    model = os.path.join(desk.build, "coco-ssd.model")
    small = photo("dog")
    if not os.path.exists(model) or not small:
        say("      (photos are not measured: the model or a photo could not "
            "be fetched)")
        return
    path = os.path.join(folder, "dog.jpg")
    with open(path, "wb") as file:
        file.write(small)
    figures = dict(re.findall(r"(\w+)=([\d.]+)", subprocess.run(
        [reference(desk, "recognizer_bench"), model, path],
        capture_output=True, text=True, check=True).stdout))
    bare, labels, load = (float(figures[name])
                          for name in ("bare", "labels", "load"))
    table.row("photo of 768 x 576 to labels", labels, "ms", bare,
              "ms bare XNNPACK", labels / bare, "≤ 2.5",
              labels <= 2.5 * bare)
    table.row("the model, opened and checked", load, "ms", None, "", None, "",
              True)
    try:
        desk.start()
        token = desk.token()
        time.sleep(1.1)

        def upload_ms(body):
            request = urllib.request.Request(
                desk.url + "/api/images?description=a%20dog", data=body,
                headers={"Authorization": "Bearer " + token,
                         "Content-Type": "application/octet-stream"})
            started = time.perf_counter()
            with urllib.request.urlopen(request, timeout=30) as answer:
                verdict = json.loads(answer.read())
            if not verdict["model"]:
                raise Trouble(f"A photo was not checked: {verdict}")
            return (time.perf_counter() - started) * 1000
        for name, body in (("768 x 576", small),
                           ("12 megapixels", large_photo(folder))):
            times = [upload_ms(body) for _ in range(15)]
            table.row(f"upload of {name} to verdict",
                      statistics.median(times), "ms", bare,
                      "ms bare XNNPACK", statistics.median(times) / bare, "",
                      True)
        recognizer = desk.programs["recognizer"]
        table.at_most("memory of the recognizer (PSS)",
                      pss_kib(recognizer.pid) / 1024, "MiB", 70)
        second = os.path.join(desk.build, "open-images.model")
        if os.path.exists(second):
            path = os.path.join(desk.state, "models", "open-images.model")
            shutil.copyfile(second, path + ".new")
            os.rename(path + ".new", path)
            upload_ms(small)    # it loads the second model
            times = [upload_ms(small) for _ in range(15)]
            table.row("upload of 768 x 576, two models",
                      statistics.median(times), "ms", bare,
                      "ms bare XNNPACK", statistics.median(times) / bare, "",
                      True)
            upload_ms(large_photo(folder))
            table.at_most("recognizer with two models (PSS)",
                          pss_kib(recognizer.pid) / 1024, "MiB", 70)
        table.at_most("a child's peak at 12 megapixels",
                      child_peak_kib(recognizer) / 1024, "MiB", 256)
    finally:
        desk.stop()
        shutil.rmtree(state, ignore_errors=True)


def child_peak_kib(recognizer):
    """The most that one of its children took, what it shared included."""
    with open(recognizer.log, encoding="utf-8") as log:
        return max(map(int, re.findall(r" peak_kib=(\d+)", log.read())))


def high_water_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])


def first_answer_ms(desk):
    """From exec to the first answer, over a socket of its own."""
    path = os.path.join(desk.run_dir, "first.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    os.set_inheritable(listener.fileno(), True)

    def pair(name, value):
        return struct.pack("BB", len(name), len(value)) + name + value

    def record(kind, body):
        return struct.pack(">BBHHBB", 1, kind, 1, len(body), 0, 0) + body
    request = (record(1, b"\0\1\0\0\0\0\0\0")
               + record(4, pair(b"REQUEST_METHOD", b"GET")
                        + pair(b"REQUEST_URI", b"/api/orders/x")
                        + pair(b"QUERY_STRING", b"")) + record(4, b"")
               + record(5, b""))
    times = []
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            peer.sendall(request)
            started = time.perf_counter()
            pid = os.posix_spawn(
                desk.program_path("get_order_by_id"), ["get_order_by_id"],
                dict(desk.environment, LISTEN_FDS="1"), file_actions=[
                    (os.POSIX_SPAWN_DUP2, listener.fileno(), 3),
                    (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
            if not peer.recv(100):
                raise Trouble("A responder closed without an answer.")
            times.append((time.perf_counter() - started) * 1000)
        os.kill(pid, 15)
        os.waitpid(pid, 0)
    listener.close()
    return statistics.median(times)


def page_bytes(url):
    """All that a cold load of the page fetches, as it goes over the wire."""
    seen, total = ["/"], 0
    for path in seen:
        request = urllib.request.Request(
            url + path, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
            total += len(body) + len(str(answer.headers))
            if answer.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
        text = body.decode(errors="replace")
        if path == "/":
            found = re.findall(r'(?:src|href)="(/[^"#]+\.[a-z]+)"', text)
        elif path.endswith(".js"):
            found = re.findall(
                r'(?:from|import|fetch\()\s*\(?["\']([^"\']+\.[a-z]+)["\']',
                text)
        else:
            found = []
        for one in found:
            one = urllib.parse.urljoin(path, one)
            if one not in seen and one.startswith("/"):
                seen.append(one)
    return total


def run(arguments, folder):
    table = None
    port = free_port()
    with open(os.path.join(folder, "file"), "w", encoding="utf-8") as file:
        file.write("x" * ORDER_BYTES)
    os.chmod(folder, 0o755)
    state = tempfile.mkdtemp(prefix="bench-")
    desk = Desk(state, overrides={"image_recognizer.adapter": "none"},
                nginx_more=REFERENCE_SITE.format(
        run=os.path.join(state, "run"), port=port, folder=folder))
    try:
        commits = reference(desk, "single_commits")
        bare = reference(desk, "bare_pdf")
        desk.beside["reference"] = [reference(desk, "empty_responder"), "34"]
        desk.start()
        memory = sum(p["memory_kib"] for p in [
            *desk.status()["programs"], desk.status()["nginx"]]
            if p["name"] != "reference")
        bench = Bench(desk, folder, arguments.seconds)
        say(f"wrk with {CONNECTIONS} connections on this machine of "
            f"{os.cpu_count()} cores, {arguments.seconds} s a line")
        table = Table()
        measure_reads(bench, table, port)
        rates = subprocess.run(
            [commits, os.path.join(state, "reference.db"), "2"],
            capture_output=True, text=True, check=True).stdout
        measure_writes(bench, table, [float(rate) for rate in rates.split()])
        table.at_most("memory of all processes, idle", memory / 1024, "MiB",
                      80)
        table.at_most("start of a responder to answer", first_answer_ms(desk),
                      "ms", 20)
        table.at_most("the page, all files, cold",
                      page_bytes(desk.url) / 1024, "KiB", 150)
        seconds = min(float(subprocess.run(
            [bare, FONT, "10000"], capture_output=True, text=True,
            check=True).stdout) for _ in range(3))
    finally:
        desk.stop()
        shutil.rmtree(state, ignore_errors=True)
    measure_report(folder, table, seconds)
    measure_matcher(desk, table)
    measure_recognizer(folder, table)
    measure_signing(table)
    return table.good


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--seconds", type=int, default=4,
                        help="how long each line is measured")
    parser.add_argument("--profile", choices=("local", "aws-peers"),
                        default="local", help="aws-peers: what an operation "
                        "costs beside boto3 (aws_bench.py)")
    arguments = parser.parse_args()
    if arguments.profile == "aws-peers":
        sys.modules["bench"] = sys.modules[__name__]
        import aws_bench
        return aws_bench.main()
    folder = tempfile.mkdtemp(prefix="bench-")
    try:
        return 0 if run(arguments, folder) else 1
    except Trouble as trouble:
        print(f"./dev bench: {trouble}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
