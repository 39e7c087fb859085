"""test_contracts.py: the ports' contract tests once more, on the peers: in
`make check` their rows of other engines skip, as no peer is there."""
import os
import subprocess

import pytest

TESTS = {
    "contract/order_store_test": ("dynamodb",),
    "contract/deletion_log_test": ("dynamodb",),
    "contract/subscriber_list_test": ("dynamodb",),
    "contract/object_archive_test": ("s3",),
    "contract/event_bus_test": ("moto", "ministack", "certificate"),
    "contract/mailer_topic_test": ("moto", "ministack"),
    "contract/dynamodb_faults_test": ("dynamodb",),
}


@pytest.mark.parametrize("name", TESTS)
def test_the_contract_holds_on_the_peers(peers, name):
    for peer in TESTS[name]:
        peers.need(peer)
    build = os.environ["ORDERMILL_BUILD"]
    done = subprocess.run(
        [os.path.join(build, "tests", name)], text=True, timeout=600,
        env={**os.environ, **peers.environment()}, capture_output=True,
        check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
