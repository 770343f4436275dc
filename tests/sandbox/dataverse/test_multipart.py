"""MIME framing by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse import multipart
from sandbox.dataverse.errors import DataverseError


@given(st.lists(st.binary(max_size=50).filter(lambda body: b"--mark" not in body), min_size=1, max_size=4))
def test_parts_come_apart_as_they_were_put_together(bodies):
    whole = multipart.joined([b"A: b\r\n\r\n" + body for body in bodies], "mark")
    assert [part.body for part in multipart.split(whole, "mark")] == bodies


@pytest.mark.parametrize(
    "text", ["multipart/mixed; boundary=a_b", 'multipart/mixed;boundary="a_b"', "Multipart/Mixed; boundary=a_b; x=y"]
)
def test_a_boundary_is_quoted_or_not(text):
    assert multipart.boundary(text) == "a_b"


@pytest.mark.parametrize("text", ["multipart/mixed", "application/json; boundary=a", ""])
def test_another_content_type_has_no_boundary(text):
    with pytest.raises(DataverseError):
        multipart.boundary(text)
