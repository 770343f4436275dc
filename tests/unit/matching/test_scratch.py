"""What of all records is coupled, parked for a person, or left alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.matching.compare import compare_all
from sync.matching.scratch import MOST_DOUBTS, Entry, Scratch, Side
from tests.unit.matching.test_score import FULL, traits


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    with Scratch(tmp_path / "match.db") as found:
        yield found


def put(scratch: Scratch, side: Side, **records: dict[str, Any]) -> None:
    scratch.add(side, [Entry(key, traits(**values), values, "state") for key, values in records.items()])


def decided(scratch: Scratch) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    for _ in compare_all(scratch):
        pass
    couples = [(found.gp.key, found.dataverse.key) for found in scratch.couples()]
    return couples, [(found.gp.key, found.dataverse.key) for found in scratch.doubts()]


def test_a_sure_pair_without_a_rival_is_coupled_and_the_rest_stays_alone(scratch: Scratch) -> None:
    put(scratch, "gp", A=FULL, X={"name": "Only here"})
    put(scratch, "dataverse", a=FULL, y={"name": "Only there"})
    assert decided(scratch) == ([("A", "a")], [])
    assert [one.key for one in scratch.alone("gp")] == ["X"]
    assert [one.key for one in scratch.alone("dataverse")] == ["y"]


def test_an_account_typed_twice_is_a_doubt_however_sure_each_of_them_is(scratch: Scratch) -> None:
    put(scratch, "gp", A=FULL)
    put(scratch, "dataverse", a=FULL, b=FULL | {"telephone1": None})
    assert decided(scratch) == ([], [("A", "a"), ("A", "b")])


def test_two_customers_for_one_account_are_a_doubt(scratch: Scratch) -> None:
    put(scratch, "gp", A=FULL, B=FULL | {"emailaddress1": None, "telephone1": None})
    put(scratch, "dataverse", a=FULL)
    assert decided(scratch) == ([], [("A", "a"), ("B", "a")])


def test_the_number_decides_between_an_account_and_its_double(scratch: Scratch) -> None:
    put(scratch, "gp", A=FULL | {"accountnumber": "A1"})
    put(scratch, "dataverse", a=FULL | {"accountnumber": "A1"}, b=FULL)
    assert decided(scratch) == ([("A", "a")], [])


def test_what_holds_the_key_is_coupled_and_a_candidate_of_nothing_else(scratch: Scratch) -> None:
    put(scratch, "gp", A={"name": "Renamed"}, B=FULL)
    put(scratch, "dataverse", a=FULL | {"accountnumber": "Z"})
    assert scratch.couple_by_key("A", "a")
    assert not scratch.couple_by_key("missing", "a")
    assert decided(scratch) == ([("A", "a")], [])


def test_a_person_sees_the_best_candidates_first_and_not_more_than_can_be_read(scratch: Scratch) -> None:
    put(scratch, "gp", A={"name": "Alpine Ski House", "address1_city": "Milwaukee"})
    others = {f"d{n}": {"name": "Alpine Ski House"} for n in range(MOST_DOUBTS + 2)}
    put(scratch, "dataverse", **others, near={"name": "Alpine Ski House", "address1_city": "Milwaukee"})
    couples, doubts = decided(scratch)
    assert couples == []
    assert len(doubts) == MOST_DOUBTS
    assert doubts[0] == ("A", "near")


def test_values_come_back_as_they_were_put_in(scratch: Scratch) -> None:
    put(scratch, "gp", A={"name": "Alpine", "telephone1": None})
    scratch.seal()
    scratch.decide()
    [one] = scratch.alone("gp")
    assert (one.values, one.state) == ({"name": "Alpine", "telephone1": None}, "state")
