"""Messages: thin, versioned, never one of the shapes the Functions host mistreats."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.message import MAX_FIELDS, MAX_KEYS, Message

KEYS = st.lists(st.text(st.characters(codec="cp1252"), min_size=1, max_size=15), min_size=1, max_size=MAX_KEYS)


@given(KEYS)
def test_a_message_fits_a_queue_and_comes_back_the_same(keys: list[str]) -> None:
    message = Message.new("customer_gp_to_dataverse", "TWO", keys, "timestamp")
    assert Message.parse(message.to_json()) == message
    assert len(message.to_json().encode()) < 48 * 1024


@given(KEYS)
def test_a_backfill_of_many_fields_fits_a_queue_and_keeps_its_run_in_every_part(keys: list[str]) -> None:
    fields = [f"gp365_{number:044}" for number in range(MAX_FIELDS)]
    message = Message.new("customer_gp_to_dataverse", "TWO", keys, "backfill", run="r" * 40, fields=fields)
    assert len(message.to_json().encode()) < 48 * 1024
    parts = [*message.split(2), message.again(keys[:1])]
    assert {(part.run, part.fields) for part in parts} == {(message.run, message.fields)}


@given(KEYS, st.integers(2, 6))
def test_splitting_loses_and_doubles_no_key(keys: list[str], delivery: int) -> None:
    message = Message.new("f", "TWO", keys, "timestamp")
    parts = list(message.split(delivery))
    assert [key for part in parts for key in part.keys] == keys
    assert {part.message_id for part in parts} == {message.message_id}


def test_a_message_is_an_object_without_a_property_named_id() -> None:
    body = json.loads(Message.new("f", "TWO", ["A"], "timestamp").to_json())
    assert isinstance(body, dict)
    assert "id" not in {name.lower() for name in body}


@pytest.mark.parametrize("body", ["", "[]", "{}", '"text"', '{"version": 1}', '{"version": 1, "keys": []}'])
def test_what_is_not_ours_is_told_from_another_version(body: str) -> None:
    with pytest.raises(Rejected) as caught:
        Message.parse(body)
    assert caught.value.code == "message_unreadable"


def test_another_version_is_said_so() -> None:
    body = Message.new("f", "TWO", ["A"], "timestamp").to_json().replace('"version":1', '"version":2')
    with pytest.raises(Rejected) as caught:
        Message.parse(body)
    assert caught.value.code == "message_version"
