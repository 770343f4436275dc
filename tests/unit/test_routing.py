"""Routing: a changed record goes to the company that it is coupled in, else to the one its values name, else to a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected, RetryLater
from sync.event import Event
from sync.flow import Flow
from sync.mapping_model import Parent
from sync.parking import NOWHERE, Parking
from sync.routing import Became, Routing
from sync.sender import Sender
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.parked import Parked, ParkedStore
from sync.value import Value
from tests.fakes import FakeLanes, FakeTable

FLOW = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ONE, TWO, THREE, FOUR = (f"7c1d0000-1111-4222-8333-00000000000{n}" for n in (1, 2, 3, 4))


class FakeMapping:
    """Accounts that buy take part; `region` names the company, unless the key does."""

    pair = "customer"
    parent: Parent | None = None
    dataverse = SimpleNamespace(entity="account", key="gp365_key")
    routing = ("gp365_key", "buys", "region")

    def in_scope(self, values: Mapping[str, Value]) -> bool:
        assert values.keys() == set(self.routing)
        return values["buys"] is True

    def company_of(self, values: Mapping[str, Value], companies: Sequence[str]) -> str:
        named = str(values["gp365_key"] or values["region"] or "").partition("-")[0]
        if named not in companies:
            raise Rejected("No company is named.", code="company_unknown")
        return named


@dataclass
class FakeRows:
    """What Dataverse holds; `error` is raised while set."""

    held: dict[str, dict[str, Value]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    error: Exception | None = None

    async def hints(self, mapping: object, ids: Sequence[str]) -> dict[str, Mapping[str, Value]]:
        self.asked.append(list(ids))
        if self.error:
            raise self.error
        return {id_: self.held[id_] for id_ in ids if id_ in self.held}


@dataclass
class Rig:
    lanes: FakeLanes = field(default_factory=FakeLanes)
    rows: FakeRows = field(default_factory=FakeRows)
    crosswalk: Crosswalk = field(default_factory=lambda: Crosswalk(FakeTable()))  # type: ignore[arg-type]
    store: ParkedStore = field(default_factory=lambda: ParkedStore(FakeTable()))  # type: ignore[arg-type]

    @property
    def sender(self) -> Sender:
        return Sender(self.lanes, 100)  # type: ignore[arg-type]

    @property
    def parking(self) -> Parking:
        return Parking(self.store, self.crosswalk)

    @property
    def routing(self) -> Routing[Any]:
        return Routing(
            [FLOW, Flow("customer", "gp", "dataverse", "customer_gp_to_dataverse")],
            {"customer": FakeMapping()},
            ["A", "B"],
            self.crosswalk,
            self.rows,
            self.sender,
            self.parking,
        )

    async def couple(self, company: str, key: str, id_: str) -> None:
        couple = Couple(company, "customer", key, id=id_, coupled=True)
        assert all(await self.crosswalk.save([(Couple(company, "customer", key), couple)]))

    def sent(self) -> set[tuple[str, str, str]]:
        return {(m.company, key, m.reason) for _, m, _ in self.lanes.sent for key in m.keys}

    async def parked(self) -> list[Parked]:
        return [entry async for entry in self.store.list()]


def event(id_: str, change: Any = "updated", values: dict[str, Value] | None = None, **more: Any) -> Event:
    return Event(more.pop("entity", "account"), id_, change, "webhook", NOW, values, **more)


async def test_a_coupled_record_goes_to_its_company_unread_and_whatever_its_values_say() -> None:
    rig = Rig()
    await rig.couple("B", "NORDIC", ONE)
    assert await rig.routing.send([event(ONE, values={"buys": False, "region": "A"})]) == [Became.SENT]
    assert rig.sent() == {("B", ONE, "webhook")}
    assert [lane for lane, _, _ in rig.lanes.sent] == ["to-gp"]
    assert rig.rows.asked == []


async def test_a_record_coupled_in_two_companies_goes_to_both() -> None:
    rig = Rig()
    await rig.couple("A", "NORDIC", ONE)
    await rig.couple("B", "NORDIC", ONE)
    await rig.routing.send([event(ONE)])
    assert rig.sent() == {("A", ONE, "webhook"), ("B", ONE, "webhook")}


async def test_records_that_carry_the_key_of_their_couple_are_found_at_once_by_it() -> None:
    table = FakeTable()
    rig = Rig(crosswalk=Crosswalk(table))  # type: ignore[arg-type]
    ids = [f"7c1d0000-1111-4222-8333-{n:012}" for n in range(100)]
    for n, id_ in enumerate(ids):
        await rig.couple("B", f"C{n:03}", id_)
    before = table.calls
    await rig.routing.send([event(id_, values={"gp365_key": f"b-C{n:03}"}) for n, id_ in enumerate(ids)])
    assert table.calls - before == 1
    assert rig.sent() == {("B", id_, "webhook") for id_ in ids}


async def test_a_key_that_is_another_record_s_says_nothing_about_the_couple() -> None:
    rig = Rig()
    await rig.couple("A", "NORDIC", ONE)
    await rig.couple("B", "SUED", TWO)
    await rig.routing.send([event(TWO, values={"gp365_key": "A-NORDIC"})])
    assert rig.sent() == {("B", TWO, "webhook")}


@pytest.mark.parametrize("change", ["created", "updated", "merged"])
async def test_a_new_record_goes_where_its_values_say(change: str) -> None:
    rig = Rig()
    assert await rig.routing.send([event(ONE, change, {"buys": True, "region": "A"})]) == [Became.SENT]
    assert rig.sent() == {("A", ONE, "webhook")}
    assert rig.rows.asked == []


async def test_records_whose_values_did_not_come_are_read_at_once_and_those_gone_since_are_dropped() -> None:
    rig = Rig()
    rig.rows.held = {ONE: {"buys": True, "region": "A"}, TWO: {"buys": False, "region": "A"}}
    became = await rig.routing.send([event(ONE), event(TWO), event(THREE)])
    assert became == [Became.SENT, Became.DROPPED, Became.DROPPED]
    assert rig.rows.asked == [[ONE, TWO, THREE]]
    assert rig.sent() == {("A", ONE, "webhook")}


async def test_a_record_of_no_company_waits_for_a_person_and_no_longer_once_it_has_one() -> None:
    rig = Rig()
    assert await rig.routing.send([event(ONE, values={"buys": True})]) == [Became.PARKED]
    [entry] = await rig.parked()
    assert (entry.company, entry.key, entry.code, entry.flow) == (NOWHERE, ONE, "company_unknown", FLOW.name)
    assert rig.sent() == set()
    await rig.routing.send([event(ONE, values={"buys": True, "region": "B"})])
    assert (await rig.parked(), rig.sent()) == ([], {("B", ONE, "webhook")})


async def test_a_record_that_left_the_scope_waits_for_nobody() -> None:
    rig = Rig()
    await rig.routing.send([event(ONE, values={"buys": True}), event(TWO, values={"buys": True})])
    assert await rig.routing.send([event(ONE, values={"buys": False})]) == [Became.DROPPED]
    assert [entry.key for entry in await rig.parked()] == [TWO]


async def test_a_deleted_record_goes_where_it_was_coupled_or_its_key_says_and_is_never_read() -> None:
    rig = Rig()
    await rig.couple("B", "NORDIC", ONE)
    gone = [
        event(ONE, "deleted"),
        event(TWO, "deleted", {"gp365_key": "A-ACME"}),
        event(THREE, "deleted", {}),
        event(FOUR, "deleted"),
    ]
    assert await rig.routing.send(gone) == [Became.SENT, Became.SENT, Became.DROPPED, Became.DROPPED]
    assert rig.sent() == {("B", ONE, "webhook"), ("A", TWO, "webhook")}
    assert rig.rows.asked == []


async def test_an_entity_that_no_flow_starts_at_costs_nothing() -> None:
    rig = Rig()
    assert await rig.routing.send([event(ONE, entity="task"), event(TWO, entity="lead")]) == [Became.UNMAPPED] * 2
    assert (rig.lanes.sent, rig.rows.asked) == ([], [])


async def test_one_record_changed_often_is_one_key() -> None:
    rig = Rig()
    events = [event(ONE, "created", {"buys": True, "region": "A"}), event(ONE), event(ONE, "deleted")]
    assert await rig.routing.send(events) == [Became.SENT] * 3
    assert [message.keys for _, message, _ in rig.lanes.sent] == [(ONE,)]


async def test_while_dataverse_does_not_answer_coupled_records_are_sent_and_the_caller_is_told() -> None:
    rig = Rig()
    await rig.couple("B", "NORDIC", ONE)
    rig.rows.error = RetryLater("away", code="system_unreachable")
    with pytest.raises(RetryLater):
        await rig.routing.send([event(TWO), event(ONE)])
    assert rig.sent() == {("B", ONE, "webhook")}


async def test_each_way_of_seeing_keeps_its_reason() -> None:
    rig = Rig()
    values = {"buys": True, "region": "A"}
    await rig.routing.send([event(ONE, values=values), Event("account", TWO, "updated", "delta", NOW, values)])
    assert rig.sent() == {("A", ONE, "webhook"), ("A", TWO, "delta")}


class Child(FakeMapping):
    """What belongs to an account."""

    pair = "address"
    parent = Parent(pair="customer", gp=("CUSTNMBR",), dataverse="parentid_account")
    dataverse = SimpleNamespace(entity="customeraddress", key="gp365_key")
    routing = ("gp365_key", "buys", "parentid")

    def company_of(self, values: Mapping[str, Value], companies: Sequence[str]) -> str:
        assert values["gp365_key"], "whose it is its account says"
        return str(values["gp365_key"]).partition("-")[0]


CHILD = Flow("address", "dataverse", "gp", "address_dataverse_to_gp")


async def sorted_out(rig: Rig, **values: Value) -> list[Became]:
    """What becomes of a new address of the account ONE."""
    routing = Routing([CHILD], {"address": Child()}, ["A", "B"], rig.crosswalk, rig.rows, rig.sender, rig.parking)
    held = {"gp365_key": None, "buys": True, "parentid": ONE} | values
    return await routing.send([event(TWO, values=held, entity="customeraddress")])


async def test_what_belongs_to_another_record_is_of_the_company_where_that_one_is_coupled() -> None:
    rig = Rig()
    await rig.couple("B", "NORDIC", ONE)
    assert await sorted_out(rig) == [Became.SENT]
    assert rig.sent() == {("B", TWO, "webhook")}


@pytest.mark.parametrize("values", [{}, {"parentid": None}, {"buys": False}])
async def test_what_belongs_to_no_coupled_record_or_takes_no_part_is_dropped(values: dict[str, Value]) -> None:
    rig = Rig()
    await rig.couple("B", "NORDIC", THREE)
    assert await sorted_out(rig, **values) == [Became.DROPPED]
    assert (rig.sent(), await rig.parked()) == (set(), [])


async def test_a_key_of_ours_says_whose_it_is_before_the_account_does() -> None:
    rig = Rig()
    await rig.couple("B", "NORDIC", ONE)
    assert await sorted_out(rig, gp365_key="A-X_7EY") == [Became.SENT]
    assert rig.sent() == {("A", TWO, "webhook")}
