"""Whose accounts stand in a match file."""

import pytest

from sync.mapping import Mapping
from sync.operations.match import may_be_of
from sync.system import Record
from tests.unit.both import with_rules


@pytest.mark.parametrize(
    ("values", "successor", "ours"),
    [
        ({}, "", True),
        ({"sic": "TWO"}, "", True),
        ({"sic": "THREE"}, "", False),
        ({"sic": "THREE", "gp365_key": "TWO-A1"}, "", True),
        ({"gp365_key": "THREE-A1"}, "", False),
        ({"sic": "TWO"}, "another", False),
    ],
)
def test_an_account_stands_in_the_file_unless_it_is_another_companys_or_was_merged(
    two_way: Mapping, values: dict[str, str], successor: str, ours: bool
) -> None:
    record = Record("a1", values, successor=successor)
    assert may_be_of("TWO", with_rules(two_way, company="sic"), record) is ours
