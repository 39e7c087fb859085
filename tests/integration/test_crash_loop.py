"""A request that kills its responder takes no other one along"""
import os
import shutil
import sys
import tempfile
import time

import pytest

from desk import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "storm"))

import crash_loop  # noqa: E402


pytestmark = [
    pytest.mark.local("workers, whatever they stand on"),
    pytest.mark.skipif(not shutil.which(os.environ.get("CC", "cc")),
                       reason="no C compiler")]


@pytest.mark.parametrize("run, count", [(crash_loop.run, 40),
                                        (crash_loop.run_first, 3)])
def test_crashes_of_one_url_fail_no_other(profile, run, count):
    state = tempfile.mkdtemp(prefix="crash-")
    desk = None
    try:
        desk = crash_loop.start(state, overrides={"profile": profile})
        token = desk.token()
        time.sleep(1.1)     # every responder has seen the token
        assert run(desk, token, count)
    finally:
        if desk:
            desk.stop()
        shutil.rmtree(state, ignore_errors=True)
