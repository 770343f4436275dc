"""What a report tells of a pair: the fields that differ, and what each policy would write; nothing secret."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.mapping import Mapping, load_mapping
from sync.mapping_model import Side
from sync.matching.differences import ASK, NOTHING, TO_DATAVERSE, TO_GP, Difference, differences, fingerprint, newer_of
from sync.runtime import MAPPINGS
from sync.system import Record

MAPPING = load_mapping(MAPPINGS / "customer.yaml")
TWO_WAY = load_mapping(MAPPINGS / "customer.yaml", Path(__file__).parents[1] / "two_way" / "customer.yaml")


def ruled(**words: Any) -> Mapping:
    """The mapping with other words for the field `name`; `side` as the field holds it."""
    side = words.pop("side", "gp")
    name = MAPPING.field("name")
    ruled = replace(name, side=side, writes=TWO_WAY.field("name").writes, rule=name.rule.model_copy(update=words))
    return replace(MAPPING, fields=tuple(ruled if field.name == "name" else field for field in MAPPING.fields))


def found(mapping: Mapping, gp: str, dataverse: str | None, newer: Side | None = None) -> dict[str, Difference]:
    empty = dict.fromkeys(mapping.gp.paths) | {"CRLMTTYP": 0, "CRLMTAMT": 0, "HOLD": 0, "INACTIVE": 0}
    source = Record("A", empty | {"CUSTNMBR": "A", "CUSTNAME": gp, "internet.INET2": gp})
    target = Record("a", dict.fromkeys(mapping.attributes) | {"name": dataverse, "websiteurl": dataverse})
    return {each.field: each for each in differences(mapping, {}, source, target, newer)}


@pytest.mark.parametrize(
    ("side", "owner", "newer", "dataverse", "by"),
    [
        ("gp", "gp", "d365", "There", {"owner": TO_DATAVERSE, "newest": TO_DATAVERSE, "fill": NOTHING, "review": ASK}),
        (None, "gp", "d365", "There", {"owner": TO_DATAVERSE, "newest": TO_GP, "fill": NOTHING, "review": ASK}),
        (None, "d365", "gp", "There", {"owner": TO_GP, "newest": TO_DATAVERSE}),
        (None, "latest", None, "There", {"owner": ASK, "newest": ASK}),
        (None, "review", "gp", "There", {"owner": ASK}),
        ("gp", "gp", None, None, {"owner": TO_DATAVERSE, "newest": TO_DATAVERSE, "fill": TO_DATAVERSE, "review": TO_DATAVERSE}),
    ],
)  # fmt: skip
def test_each_policy_says_what_it_would_write(
    side: Any, owner: str, newer: Side | None, dataverse: str | None, by: dict[str, str]
) -> None:
    told = found(ruled(side=side, owner=owner), "Here", dataverse, newer)["name"].by
    assert {policy: told[policy] for policy in by} == by


@pytest.mark.parametrize(("side", "goes"), [(None, TO_GP), ("gp", NOTHING)])
@pytest.mark.parametrize("owner", ["gp", "d365", "latest", "review"])
def test_by_no_policy_a_blank_replaces_a_value(side: Any, goes: str, owner: str) -> None:
    mapping = ruled(side=side, owner=owner, required=False)
    for newer in ("gp", "d365", None):
        told = found(mapping, "", "There", newer)["name"]
        assert {told.will, *told.by.values()} == {goes}
        told = found(mapping, "Here", None, newer)["name"]
        assert {told.will, *told.by.values()} == {TO_DATAVERSE}


def test_the_newest_of_what_another_table_holds_is_not_known() -> None:
    told = found(TWO_WAY, "Here", "There", "d365")
    assert (told["name"].by["newest"], told["websiteurl"].by["newest"]) == (TO_GP, ASK)


def test_what_agrees_is_not_told_and_both_values_of_the_rest_are() -> None:
    assert "name" not in found(MAPPING, "Same", "Same")
    told = found(MAPPING, "Here", "There")["name"]
    assert (told.gp, told.dataverse, told.will) == ("Here", "There", TO_DATAVERSE)


def test_a_value_that_cannot_pass_is_told_with_its_problem() -> None:
    told = found(MAPPING, "bell \x07", "There")["name"]
    assert "CUSTNAME" in told.problem


def test_secrets_are_masked_and_have_no_part_in_what_may_be_told() -> None:
    mapping = ruled(secret=True)
    told = found(mapping, "Here", "There")["name"]
    assert (told.gp, told.dataverse) == ("***", "***")
    assert fingerprint(mapping, {"name": "one"}) == fingerprint(mapping, {"name": "two"})
    assert fingerprint(MAPPING, {"name": "one"}) != fingerprint(MAPPING, {"name": "two"})


def test_the_newer_side_is_known_only_when_both_tell_a_moment_and_their_clocks_can_tell() -> None:
    assert newer_of("2026-11-27T10:03:00.003", "2026-11-27T10:00:00Z") == "gp"
    assert newer_of("2026-11-27T10:00:00.003", "2026-11-27T10:03:00Z") == "d365"
    assert newer_of("2026-11-27T10:00:00.003", "2026-11-27T10:00:01Z") is None
    assert newer_of("", "2026-11-27T10:00:01Z") is None
    assert newer_of("2026-11-27T10:00:00.003", "") is None
