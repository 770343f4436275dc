"""What an earlier try left is settled by the direction that left it, and nobody waits for it for ever."""

from datetime import timedelta

from sync.errors import Rejected
from sync.flow import find_flows
from sync.message import Message
from tests.fakes import later
from tests.unit.both import BACK, THERE, Both


async def left_behind(both: Both) -> str:
    """A write to GP whose record was parked in the end, as it killed each worker; the account's id."""
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    both.gp.cut_after = 1
    await both.back(id_)
    both.lanes.sent.clear()
    message, error = Message.new(BACK, "TWO", [id_], "webhook"), Rejected("It died.", code="worker_killed", key=id_)
    await both.deliveries._pipeline.park_alone(message, find_flows()[BACK], error)
    return id_


async def test_no_message_waits_for_a_write_that_waits_for_a_person(both: Both) -> None:
    await left_behind(both)
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    later(both.table, timedelta(minutes=20))
    await both.there("A1")
    assert both.lanes.sent == []
    assert sorted((entry.flow, entry.code) for entry in await both.parked()) == [
        (BACK, "worker_killed"),
        (THERE, "worker_killed"),
    ]
    assert (await both.couple()).intent


async def test_once_a_person_retries_both_go_on(both: Both) -> None:
    id_ = await left_behind(both)
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await both.there("A1")
    both.gp.now += timedelta(minutes=16)
    await both.back(message=Message.new(BACK, "TWO", [id_], "retry"))
    await both.there(message=Message.new(THERE, "TWO", ["A1"], "retry"))
    await both.rest()
    assert (both.account(id_)["name"], both.customer()["FAX"][:10]) == ("Anna", "4145550100")
    assert await both.parked() == []
