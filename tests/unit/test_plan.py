"""A newly mapped field makes no traffic until a backfill names it."""

from dataclasses import replace

from sync.message import Message
from sync.stores.ledger import Result
from tests.unit.conftest import FLOW, Rig


async def newly_mapped(rig: Rig, *fields: str) -> None:
    """Customer A1 is coupled and agrees, but on these fields, which were not mapped then."""
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    couple = await rig.couple("A1")
    base = {name: agreed for name, agreed in couple.base.items() if name not in fields}
    await rig.crosswalk.save([(couple, replace(couple, base=base))])
    rig.gp.type_customer(
        "TWO", "A1", CUSTNAME="Ann", **{"internet.INET1": "a@b.example", "internet.INET2": "b.example"}
    )
    rig.dataverse.writes.clear()


def backfill(*fields: str) -> Message:
    return Message.new(FLOW, "TWO", ["A1"], "backfill", fields=fields)


async def test_a_change_of_a_newly_mapped_field_alone_is_a_skip(rig: Rig) -> None:
    await newly_mapped(rig, "emailaddress1", "websiteurl")
    await rig.send("A1")
    assert rig.dataverse.writes == []


async def test_a_backfill_writes_the_field_it_names_and_no_other_new_one(rig: Rig) -> None:
    await newly_mapped(rig, "emailaddress1", "websiteurl")
    await rig.send(message=backfill("websiteurl"))
    assert [write.values for write in rig.dataverse.writes] == [{"websiteurl": "b.example"}]
    assert (await rig.couple("A1")).base["websiteurl"].d365 == "b.example"
    await rig.send("A1")
    assert len(rig.dataverse.writes) == 1


async def test_a_field_that_agrees_already_gets_its_base_without_a_write(rig: Rig) -> None:
    await newly_mapped(rig, "websiteurl")
    [account] = rig.dataverse.rows
    rig.dataverse.edit(account, websiteurl="b.example", emailaddress1="a@b.example")
    await rig.send(message=backfill("websiteurl"))
    assert rig.dataverse.writes == []
    assert (await rig.couple("A1")).base["websiteurl"].d365 == "b.example"


async def test_a_backfill_of_fields_makes_no_new_account_and_leaves_what_is_parked(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PYMTRMID="no such term")
    await rig.send("A1")
    before = await rig.couple("A1")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send(message=backfill("websiteurl"))
    assert rig.dataverse.rows == {}
    assert (await rig.couple("A1")) == before
    assert [entry.code for entry in await rig.parked()] == ["lookup_missing"]
    assert (await rig.history("A1"))[0].result is Result.SKIPPED
