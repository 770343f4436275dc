import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host import protos
from sandbox.host.outputs import messages

types = protos.load()


@pytest.mark.parametrize(
    ("data", "bodies"),
    [
        ({"string": "plain"}, ["plain"]),
        ({"string": " [1, null, true] "}, ["1", "", "True"]),
        ({"string": '{"a":1}'}, ['{\n  "a": 1\n}']),
        ({"string": ""}, [""]),
        ({"bytes": b"[1]"}, [b"[1]"]),
        ({"json": '["[1]", {"a": 1}]'}, ["[1]", '{\n  "a": 1\n}']),
        ({"json": '{"id": null, "body": "x"}'}, ['{\n  "id": null,\n  "body": "x"\n}']),
        ({"int": 5}, ["5"]),
        ({"collection_string": {"string": ["[1]", "b"]}}, ["[1]", "b"]),
    ],
)
def test_bodies_are_those_the_real_host_writes(data, bodies):
    assert messages(types.TypedData(**data)) == bodies


@pytest.mark.parametrize("text", ["{no json}", "[no json]"])
def test_braces_around_something_else_are_an_error(text):
    with pytest.raises(ValueError):
        messages(types.TypedData(string=text))


@given(st.lists(st.text(), max_size=5))
def test_an_array_of_texts_becomes_those_texts(texts):
    assert messages(types.TypedData(string=json.dumps(texts))) == texts
