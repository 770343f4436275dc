"""Questions: all in one request, every page of them, no URL too long, every text as it is."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import RetryLater
from sync.mapping import Mapping
from sync.systems.dataverse.queries import ask, questions
from tests.unit.systems.dataverse.scripted import URL, FarEnd, answered, refused

LONGEST = 64 * 1024


@given(st.lists(st.tuples(st.text("aÅ日'%&,[ ", min_size=1, max_size=160), st.text("0 '", max_size=20)), max_size=900))
def test_every_value_is_asked_once_and_no_url_is_too_long(mapping: Mapping, wanted: list[tuple[str, str]]) -> None:
    asked = questions(mapping, "alike", ["name", "address1_postalcode"], wanted)
    assert all(len(url) < LONGEST - 500 for _, url in asked)
    said = unquote("".join(url for _, url in asked))
    assert all(f"'{name.replace("'", "''")}'" in said for name, _ in wanted)
    assert len(asked) <= 1 + len(wanted) // 200 + sum(len(name) for name, _ in wanted) * 9 // 40_000


def test_long_names_are_asked_for_in_more_questions(mapping: Mapping) -> None:
    asked = questions(mapping, "alike", ["name"], [("日" * 160,) for _ in range(200)])
    assert all(len(url) < LONGEST - 500 for _, url in asked)
    assert len(asked) > 3


async def test_all_questions_go_in_one_request_and_further_pages_in_the_next() -> None:
    link = f"{URL}/api/data/v9.2/accounts?$skiptoken=2"
    first = [answered(200, {"value": [1], "@odata.nextLink": link}), answered(200, {"value": [2]})]
    far = FarEnd([first, [answered(200, {"value": [3]})]])
    found = await ask(far.client(), [("id", "/api/data/v9.2/a"), ("key", "/api/data/v9.2/b")])
    assert found == {"id": [1, 3], "key": [2]}
    assert [len(request) for request in far.parts] == [2, 1]
    assert f"GET {link} HTTP/1.1" in far.parts[1][0]


async def test_a_question_that_is_refused_is_told_as_the_error_it_is() -> None:
    far = FarEnd([[answered(200, {"value": []}), refused(429, "0x80072322", Retry_After="7")]])
    with pytest.raises(RetryLater) as told:
        await ask(far.client(), [("id", "/api/data/v9.2/a"), ("key", "/api/data/v9.2/b")])
    assert (told.value.code, told.value.retry_after) == ("throttled", 7)


async def test_nothing_is_asked_when_there_is_no_question() -> None:
    far = FarEnd()
    assert await ask(far.client(), []) == {}
    assert far.parts == []
