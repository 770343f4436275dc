"""What the brake counts, how much may pass, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.brake import Excess, Kind, allowed, text, weigh, weighed, window
from sync.flow import find_flows
from sync.mapping import Mapping
from sync.mapping_model import Brake, OnDelete
from sync.message import Message
from sync.plan import Case, Planner
from sync.stores.brakes import Tally
from sync.stores.couple import Agreed, Couple, Intent, Planned
from sync.system import Record
from tests.fakes import FakeSource
from tests.unit.conftest import FLOW

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def case(
    mapping: Mapping, *, there: bool = True, looks: int = 2, parked: str = "", base: Any = None, **values: Any
) -> Case:
    """A coupled customer A1 as an active account with the base `base`; `there`: GP still holds it; else it is missing at so
    many looks.
    """
    source = FakeSource(mapping)
    source.type_customer("TWO", "A1", CUSTNAME="Ann", **values)
    account = Record("g1", dict.fromkeys(mapping.attributes) | {"statecode": 0, "name": "Ann"}, 'W/"1"')
    converted = mapping.convert(source.records["TWO", "A1"].values, mapping.lookups)
    agreed = {name: Agreed(pair.source, pair.target) for name, pair in converted.fields.items()}
    couple = Couple("TWO", "customer", "A1", "g1", coupled=True, base=agreed | (base or {}), parked=parked, etag="1")
    if not there and looks == 2:
        couple = replace(couple, missing="gp", age=timedelta(minutes=10))
    return Case("A1", couple, source.records["TWO", "A1"] if there else None, account)


def kinds(mapping: Mapping, some: Case) -> set[Kind]:
    plan = Planner(find_flows()[FLOW], mapping, mapping.lookups, Message.new(FLOW, "TWO", ["A1"], "timestamp")).plan(
        some
    )
    return {kind for kind, _ in weigh([plan], "gp")}


def with_policy(mapping: Mapping, policy: str) -> Mapping:
    return Mapping(mapping.rules.model_copy(update={"on_delete": OnDelete(gp=policy)}), mapping.fields)


@pytest.mark.parametrize(("policy", "counts"), [("deactivate", True), ("park", True), ("ignore", False)])
def test_a_record_gone_from_the_source_counts_unless_it_is_ignored(mapping: Mapping, policy: str, counts: bool) -> None:
    assert kinds(with_policy(mapping, policy), case(mapping, there=False)) == ({Kind.DELETES} if counts else set())


def test_a_record_that_is_missing_for_the_first_time_counts_as_nothing(mapping: Mapping) -> None:
    assert kinds(mapping, case(mapping, there=False, looks=1)) == set()


def test_a_delete_that_waits_for_a_person_already_does_not_count_again(mapping: Mapping) -> None:
    assert kinds(mapping, case(mapping, there=False, parked="deleted_in_source")) == set()


def test_a_customer_made_inactive_counts_as_a_delete(mapping: Mapping) -> None:
    active = {"statecode": Agreed(0, 0)}
    assert kinds(mapping, case(mapping, INACTIVE=1, base=active)) == {Kind.DELETES}


def test_a_customer_that_was_inactive_when_it_was_created_does_not(mapping: Mapping) -> None:
    born = {"statecode": Agreed(1, 0, unsure="d365")}
    assert kinds(mapping, case(mapping, INACTIVE=1, base=born)) == set()


def test_an_update_is_a_change_and_a_create_is_nothing(mapping: Mapping) -> None:
    changed = case(mapping, base={"name": Agreed("Anna", "Ann")})
    assert kinds(mapping, changed) == {Kind.CHANGES}
    fresh = Case("A1", Couple("TWO", "customer", "A1"), changed.source, None)
    assert kinds(mapping, fresh) == set()


def test_what_an_earlier_try_was_about_to_write_is_known_to_be_counted(mapping: Mapping) -> None:
    def left(key: str, create: bool = False, **fields: Planned) -> Case:
        intent = Intent("a", "m", "dataverse", create, "1", fields, FLOW, "timestamp", NOW.isoformat())
        return Case(key, Couple("TWO", "customer", key, intent=intent), None, None)

    cases = [
        left("gone", statecode=Planned(None, 0, 1)),
        left("changed", name=Planned("b", "a", "b")),
        left("new", create=True, name=Planned("b", None, "b")),
        Case("quiet", Couple("TWO", "customer", "quiet"), None, None),
    ]
    assert weighed(cases) == {(Kind.DELETES, "gone"), (Kind.CHANGES, "changed")}


@pytest.mark.parametrize(
    ("known", "may"), [(0, 19), (10, 19), (399, 19), (400, 20), (1_000, 50), (1_019, 50), (10_000, 500)]
)
def test_a_share_may_pass_and_always_fewer_than_a_few(known: int, may: int) -> None:
    assert allowed(Brake(), Kind.DELETES, known) == may


@given(known=st.integers(0, 10**7), share=st.decimals(0, Decimal("0.9999"), places=4), few=st.integers(1, 10**4))
def test_what_may_pass_is_never_above_the_share_but_for_a_few(known: int, share: Decimal, few: int) -> None:
    may = allowed(Brake.model_construct(deletes=share, at_least=few), Kind.DELETES, known)
    assert may == few - 1 or may <= share * known < may + 1


def test_the_whole_is_no_brake() -> None:
    assert allowed(Brake.model_construct(changes=Decimal(1)), Kind.CHANGES, 10) >= 10**9


def test_an_hour_begins_with_the_first_event_after_the_last_one() -> None:
    young = Tally("TWO", FLOW, began=(NOW - timedelta(minutes=59)).isoformat(), deletes=3, changes=4, known=9)
    assert window(young, NOW, timedelta(hours=1)) == young
    old = Tally("TWO", FLOW, began=(NOW - timedelta(hours=1)).isoformat(), deletes=3, changes=4, known=9)
    assert window(old, NOW, timedelta(hours=1)) == Tally("TWO", FLOW, began=NOW.isoformat(), known=9)


def test_the_words_name_the_numbers_and_the_way_on() -> None:
    said = text(Excess(Kind.DELETES, 480, 12, 500, 25), Brake(), find_flows()[FLOW], "TWO")
    assert "In the last hour 480 of 500 known customer records were deleted or made inactive in GP" in said
    assert "25 may be without a question (5%, or fewer than 20)" in said
    assert "12 of them passed before" in said
    assert f"python -m sync resume --company TWO --flow {FLOW}" in said
