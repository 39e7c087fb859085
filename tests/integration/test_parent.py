"""The parent of a responder's workers: keeps their number, whatever happens."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from support import wait_until


@pytest.fixture
def start(desk, tmp_path):
    """Starts get_orders on a socket of its own; a listener, or what is given."""
    running = []

    def run(*before, on=None):
        if on is None:
            on = socket.socket(socket.AF_UNIX)
            on.bind(str(tmp_path / "sock"))
            on.listen(16)
        log = open(tmp_path / "log", "w")
        program = subprocess.Popen(
            [*before, desk.program_path("get_orders"), "-c", desk.config],
            stdin=on, stdout=log, stderr=log, env=desk.environment)
        program.log = tmp_path / "log"
        running.append(program)
        return program
    yield run
    for program in running:
        if program.poll() is None:
            program.terminate()
            program.wait(10)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def settled(program):
    """Its workers, once all are there."""
    before = children(program.pid)
    time.sleep(0.5)
    return before if before == children(program.pid) else None


def test_a_worker_that_is_killed_is_replaced(start):
    program = start()
    workers = wait_until(lambda: settled(program))
    for _ in range(3):
        dead, count = workers[0], len(workers)
        os.kill(dead, signal.SIGKILL)
        workers = wait_until(
            lambda: len(found := children(program.pid)) == count
            and dead not in found and found)


def traced(tracer):
    """strace tries itself on children of its own first."""
    for child in children(tracer.pid):
        with contextlib.suppress(OSError), open(f"/proc/{child}/comm") as comm:
            if comm.read().strip() == "get_orders":
                return child
    return None


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_a_fork_that_failed_is_tried_again(start):
    # LeakSanitizer, where there is one, cannot work under a tracer.
    tracer = start("strace", "-E", "ASAN_OPTIONS=detect_leaks=0",
                   "-o", "/dev/null", "-e",
                   "inject=clone,clone3:error=EAGAIN:when=1..2")
    program = wait_until(lambda: traced(tracer))
    wait_until(lambda: len(children(program)) >= 2, what="two workers")
    os.kill(program, signal.SIGTERM)
    assert tracer.wait(10) == 0
    assert "event=fork" in tracer.log.read_text()


def test_sigterm_ends_parent_and_workers(start):
    program = start()
    workers = wait_until(lambda: children(program.pid))
    began = time.monotonic()
    program.terminate()
    assert program.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not [w for w in workers if os.path.exists(f"/proc/{w}")]


def test_what_is_no_listener_is_refused(start):
    ours, theirs = socket.socketpair()
    program = start(on=theirs)
    assert program.wait(10) == 1
    assert "no listening unix socket" in program.log.read_text()
    ours.close()


def test_a_listener_of_a_network_is_refused(start):
    on = socket.socket()
    on.bind(("127.0.0.1", 0))
    on.listen(1)
    program = start(on=on)
    assert program.wait(10) == 1
