"""The bytes of a webhook, apart from the server that sends it."""

import json
import re
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse.context import LIMIT, serialised
from sandbox.dataverse.entities import date


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_as_it_was_and_no_slash_is_bare(text):
    body, stripped = serialised({"InputParameters": text})
    assert json.loads(body.decode()) == {"InputParameters": text}
    assert not re.search(r"(?<!\\)/", body.decode())
    assert not stripped


@given(st.integers(-20, 20))
def test_a_body_is_stripped_above_the_limit_alone(more):
    overhead = len(serialised({"InputParameters": ""})[0])
    body, stripped = serialised({"InputParameters": "x" * (LIMIT - overhead + more)})
    assert stripped == (more > 0)
    assert body == b"{}" if stripped else len(body) == LIMIT + more


@given(st.datetimes())
def test_a_moment_is_its_milliseconds(moment):
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    milliseconds = int(re.fullmatch(r"/Date\((-?\d+)\)/", date(moment))[1])
    assert milliseconds == moment.timestamp() * 1000
