"""`make test-clients`: events are readable with the JavaScript library of Standard Webhooks."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.client.said import call
from tests.ports import free_port
from tests.receivers import (
    program,
    require_a_good_receiver,
    require_events_of_the_service,
    running,
)
from tests.signing import OTHER_SECRET, SECRET, event, signed
from verify_service.client.webhooks import read

from .conftest import GENERATORS, Generators

PROGRAM = Path(__file__).parent / "programs/standard_webhooks.mjs"


@pytest.fixture
def javascript(generators: Generators) -> Generators:
    """A folder in which a program finds the library, as after `npm install`."""
    (generators.folder / "node_modules").symlink_to(GENERATORS / "node_modules")
    return generators


@pytest.mark.parametrize("reference", ["order 7", "заказ №7 🙂", '"\\ \u2028'])
def test_each_library_reads_what_the_other_one_signs(
    javascript: Generators, reference: str
) -> None:
    """The service signs with the Python library; the client reads what JavaScript signs."""
    told = event(call=call(state="delivered", providerStatus="ANSWERED"), reference=reference)
    body = json.dumps(told, ensure_ascii=False)
    headers, raw = signed(body.encode())
    sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    ours = Webhook(SECRET).sign(headers["webhook-id"], sent_at, body)
    request = {"secret": SECRET, "headers": headers | {"webhook-signature": ours}, "body": body}
    copied = shutil.copy(PROGRAM, javascript.folder)
    said = json.loads(javascript.run("node", copied, json.dumps(request)))
    assert said["verified"] == told
    theirs = headers | {"webhook-signature": said["signature"]}
    assert read(theirs, raw, [SECRET]).verification.reference == reference


def test_the_receiver_in_node(javascript: Generators) -> None:
    program("receiver.mjs", javascript.folder)
    command = [str(GENERATORS / "bin/node"), "receiver.mjs"]
    with running(command, free_port(), javascript.folder, SECRET, OTHER_SECRET) as receiver:
        require_a_good_receiver(receiver)
        require_events_of_the_service(receiver, javascript.folder)
