"""What a person does with parked entries: nothing is dropped on the way."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected
from sync.event import Event
from sync.flow import Flow
from sync.message import Message
from sync.operations import parked as operation
from sync.parking import NOWHERE, WEBHOOKS, Parking
from sync.routing import Became
from sync.stores.parked import Parked
from tests.unit.conftest import FLOW, LANE, Rig, last_life


@dataclass
class Desk:
    """The parts of a runtime that the operations use, and the rig they belong to."""

    rig: Rig
    runtime: Any

    async def retry(self) -> tuple[list[str], list[Rejected]]:
        sent, refused = await operation.retry(self.runtime, await operation.select(self.runtime))
        return [entry.key for entry in sent], refused


def desk(rig: Rig) -> Desk:
    settings = SimpleNamespace(companies=("TWO", "THREE"))
    stores = {"lanes": rig.lanes, "parked": rig.parked_store, "crosswalk": rig.crosswalk, "ledger": rig.ledger}
    return Desk(rig, SimpleNamespace(flows=rig.flows, mappings={"customer": rig.mapping}, settings=settings, **stores))


async def test_a_message_that_nobody_can_read_does_not_keep_the_others_from_being_sent(rig: Rig) -> None:
    await rig.deliveries.receive("not json", 1, LANE)
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PYMTRMID="no such term")
    await rig.send("A1")
    sent, [refused] = await desk(rig).retry()
    assert sent == ["A1"]
    assert refused.code == "message_unreadable"
    assert [message.keys for _, message, _ in rig.lanes.sent] == [("A1",)]
    assert {entry.code for entry in await rig.parked()} == {"message_unreadable", "lookup_missing"}


async def test_a_message_of_a_flow_that_was_installed_again_is_worked(rig: Rig) -> None:
    message = Message.new(FLOW, "FOUR", ["A1", "B1"], "timestamp")
    await rig.deliveries.receive(message.to_json(), 1, LANE)
    there = desk(rig)
    sent, [refused] = await there.retry()
    assert (sent, refused.code) == ([], "unknown_flow")
    assert "FOUR" in refused.message
    there.runtime.settings.companies = ("TWO", "FOUR")
    [_], none = await there.retry()
    assert none == []
    assert [(lane, sent) for lane, sent, _ in rig.lanes.sent] == [(LANE, message)]
    assert await rig.parked() == []


async def test_a_record_that_is_parked_again_tells_since_when_it_waits(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PYMTRMID="no such term")
    await rig.send("A1")
    [first] = await rig.parked()
    rig.gp.type_customer("TWO", "A1", CUSTNAME="", PYMTRMID="Net 30")
    await rig.send("A1")
    [again] = await rig.parked()
    assert (first.code, again.code) == ("lookup_missing", "value_required")
    assert again.since == first.since


async def test_a_record_parked_alone_while_another_worker_writes_it_leaves_the_list_when_it_passes(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    row = next(row for (_, key), row in rig.crosswalk_table.entities.items() if key.startswith("gp~"))
    rig.crosswalk_table.before_transaction.append(lambda: rig.crosswalk_table._set(dict(row)))
    await rig.deliveries.drain(last_life(Message.new(FLOW, "TWO", ["A1"], "timestamp")).to_json(), LANE)
    assert [entry.code for entry in await rig.parked()] == ["worker_killed"]
    await rig.send("A1")
    assert await rig.parked() == []


async def test_what_is_discarded_leaves_its_reason_in_the_ledger(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PYMTRMID="no such term")
    await rig.send("A1")
    runtime = desk(rig).runtime
    entries = await operation.select(runtime)
    assert [entry.key async for entry in operation.discard(runtime, entries, "a test")] == ["A1"]
    assert await rig.parked() == []
    couple = await rig.couple("A1")
    assert (couple.parked, couple.discarded) == ("", "lookup_missing")
    assert (await rig.history("A1"))[0].text == "a test"


class Routing:
    """Gives every record the same end."""

    def __init__(self, became: Became) -> None:
        self.became = became
        self.events: list[Event] = []

    async def send(self, events: list[Any]) -> list[Became]:
        self.events += events
        return [self.became for _ in events]


@pytest.mark.parametrize("became", [Became.SENT, Became.DROPPED, Became.PARKED])
async def test_a_record_that_belonged_to_no_company_is_routed_again(rig: Rig, became: Became) -> None:
    flow = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
    error = Rejected("It names no company.", code="value_required")
    await Parking(rig.parked_store, rig.crosswalk).park(flow, NOWHERE, "7c1d", error, "")
    there, routing = desk(rig), Routing(became)
    there.runtime.routing, there.runtime.mappings = routing, {"customer": rig.mapping}
    sent, refused = await there.retry()
    assert [(event.entity, event.id, event.seen_by) for event in routing.events] == [("account", "7c1d", "retry")]
    if became is Became.PARKED:
        assert (sent, [error.code for error in refused], len(await rig.parked())) == ([], ["value_required"], 1)
    else:
        assert (sent, refused, await rig.parked()) == (["7c1d"], [], [])


async def test_a_refused_webhook_can_be_let_go_and_not_tried_again(rig: Rig) -> None:
    entry = Parked(
        company=NOWHERE, pair=WEBHOOKS, key="WEBHOOK_FOREIGN", flow=WEBHOOKS, code="webhook_foreign", message="m",
        next_step="n", since="2026-11-27T12:00:00+00:00", message_id="",
    )  # fmt: skip
    await rig.parked_store.put([entry])
    there = desk(rig)
    assert [error.code for error in (await there.retry())[1]] == ["webhook_foreign"]
    assert [each.key async for each in operation.discard(there.runtime, [entry], "seen")] == ["WEBHOOK_FOREIGN"]
    assert await rig.parked() == []
