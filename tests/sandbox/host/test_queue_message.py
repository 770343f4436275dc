import base64
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host import protos
from sandbox.host.queue_message import decode, metadata, payload

types = protos.load()
MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
MESSAGE = SimpleNamespace(
    id="abc", dequeue_count=2, pop_receipt="p", inserted_on=MOMENT, expires_on=MOMENT, next_visible_on=MOMENT
)


@given(st.binary())
def test_base64_is_decoded(body):
    assert decode(base64.b64encode(body).decode(), "base64") == body


@pytest.mark.parametrize("content", ["hello!", "aGVsbG8", "aGVs-G8="])
def test_what_is_no_base64_is_an_error(content):
    with pytest.raises(ValueError):
        decode(content, "base64")


def test_a_binary_binding_gets_bytes_and_others_valid_text():
    assert payload(b"\xff", "BINARY", types).bytes == b"\xff"
    assert payload(b"x", None, types).string == "x"
    with pytest.raises(ValueError):
        payload(b"\xff", None, types)


def test_metadata_is_json_by_name():
    found = metadata(MESSAGE, b"text", types)
    assert {name: json.loads(data.json) for name, data in found.items() if data.json} == {
        "Id": "abc",
        "DequeueCount": 2,
        "PopReceipt": "p",
        "InsertionTime": "2026-11-24T00:00:00+00:00",
        "ExpirationTime": "2026-11-24T00:00:00+00:00",
        "NextVisibleTime": "2026-11-24T00:00:00+00:00",
    }
    assert found["QueueTrigger"].string == "text"


def test_properties_of_the_body_overwrite_metadata_in_any_case():
    body = {"iD": "x", "POPRECEIPT": {"a": 1}, "dequeueCount": None, "insertionTime": [1], "more": True}
    found = metadata(MESSAGE, json.dumps(body).encode(), types)
    assert (found["Id"].string, found["PopReceipt"].json, found["more"].string) == ("x", '{"a": 1}', "True")
    assert found["DequeueCount"].json == "2"
    assert found["InsertionTime"].json == '"2026-11-24T00:00:00+00:00"'


@given(st.one_of(st.text(), st.lists(st.integers()).map(json.dumps), st.integers().map(str)))
def test_other_bodies_leave_the_metadata_alone(text):
    assert json.loads(metadata(MESSAGE, text.encode(errors="replace"), types)["Id"].json) == "abc"
