"""A pair with two directions: both sides' edits survive, nothing comes twice, and nothing echoes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sync.errors import RetryLater
from sync.mapping import Mapping
from sync.mapping_model import OnDelete
from sync.message import Message
from sync.stores.couple import APPROVED, Couple
from tests.fakes import later
from tests.unit.both import ACCOUNT, BACK, Both, build


async def test_edits_of_different_fields_on_both_sides_both_survive(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    await both.there("A1")
    await both.back(id_)
    await both.rest()
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == ("Anna", "Anna")
    assert both.customer()["FAX"].startswith("4145550100")
    assert both.account(id_)["fax"] == "+1 414-555-0100"


async def test_a_write_comes_back_as_an_event_and_ends_there(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await both.there("A1")
    await both.back(id_)
    await both.there("A1")
    assert (len(both.accounts.writes), len(both.gp.writes), both.lanes.sent) == (1, 0, [])


async def test_an_edit_that_only_the_other_direction_may_carry_is_handed_over(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, name="Anna")
    await both.there("A1")
    [(lane, message, _)] = both.lanes.sent
    assert (lane, message.flow, message.keys, message.reason) == ("to-gp", BACK, (id_,), "handed_over")
    await both.rest()
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == ("Anna", "Anna")


async def test_when_both_changed_one_field_its_owner_decides(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep")
    await both.back(id_)
    await both.rest()
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == ("By GP", "By GP")


async def test_a_write_whose_mark_was_emptied_is_known_by_what_it_wrote(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    both.gp.cut_after = 1
    await both.back(id_)
    both.gp.records["TWO", "A1"] = replace(both.gp.records["TWO", "A1"], mark="", version="later")
    both.accounts.type(id_, both.mapping, fax=None)
    both.gp.now += timedelta(minutes=16)
    await both.rest()
    assert not both.customer()["FAX"]
    assert both.account(id_)["fax"] is None


async def test_a_write_that_was_given_up_waits_until_gps_clock_may_have_been_put_back(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    both.gp.cut_before = 1
    await both.back(id_)
    both.gp.now += timedelta(minutes=11)
    await both.back(id_)
    assert (await both.couple()).intent
    both.gp.now += timedelta(minutes=5)
    await both.back(id_)
    assert both.customer()["FAX"].startswith("4145550100")


async def test_an_edit_in_gp_between_read_and_write_survives(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    both.gp.before_write.append(lambda: both.gp.type_customer("TWO", "A1", CUSTNAME="Typed meanwhile"))
    await both.back(id_)
    assert both.customer()["CUSTNAME"] == "Typed meanwhile"
    assert both.customer()["FAX"].startswith("4145550100")


async def test_what_gp_made_of_a_value_is_its_half_and_makes_no_traffic(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.normalise = lambda _, value: value.upper() if isinstance(value, str) else value
    both.accounts.type(id_, both.mapping, name="Anna")
    await both.back(id_)
    await both.there("A1")
    await both.back(id_)
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == ("ANNA", "Anna")
    assert (len(both.gp.writes), both.accounts.writes) == (1, [])


async def test_what_a_first_coupling_could_not_write_at_once_comes_over_later(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.back()
    both.accounts.cut_before = 1
    both.lanes.sent.clear()
    await both.there("A1")
    both.accounts.edit(ACCOUNT, description="A note")
    later(both.table, timedelta(minutes=11))
    await both.rest()
    assert both.account(ACCOUNT)["name"] == "Ann"


async def test_a_customer_that_got_the_id_of_a_deleted_one_is_left_alone_when_the_account_goes(
    two_way: Mapping,
) -> None:
    rules = two_way.rules.model_copy(update={"on_delete": OnDelete(d365="deactivate")})
    both = build(replace(two_way, rules=rules))
    id_ = await both.coupled()
    del both.gp.records["TWO", "A1"]
    both.gp.type_customer("TWO", "A1", CUSTNAME="Somebody else")
    del both.accounts.rows[id_]
    await both.back(id_)
    [entry] = await both.parked()
    assert (entry.code, both.customer()["INACTIVE"]) == ("key_reused", 0)


async def test_an_account_whose_reused_customer_is_deleted_too_waits_for_that_no_more(both: Both) -> None:
    id_ = await both.coupled()
    del both.gp.records["TWO", "A1"]
    both.gp.type_customer("TWO", "A1", CUSTNAME="Somebody else")
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    await both.back(id_)
    assert [entry.code for entry in await both.parked()] == ["key_reused"]
    del both.gp.records["TWO", "A1"]
    await both.back(id_)
    assert await both.parked() == []


async def test_a_couple_whose_row_moves_while_it_is_read_is_read_again(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    [alone] = (await both.crosswalk.read_ids("TWO", "customer", [ACCOUNT])).values()
    [reserved] = await both.crosswalk.save([(alone, alone.named("gp", "AARON0001"))])
    assert reserved
    read, rows = both.crosswalk.read, iter([True])

    async def moving(*arguments: Any, **named: Any) -> dict[str, Couple]:
        if next(rows, False):
            await both.crosswalk.save([(reserved, reserved.named("gp", ""))])
        return await read(*arguments, **named)

    both.crosswalk.read = moving  # type: ignore[method-assign]
    [couple] = (await both.crosswalk.read_ids("TWO", "customer", [ACCOUNT])).values()
    assert (couple.id, couple.key, couple.answer) == (ACCOUNT, "", APPROVED)


async def test_an_account_deleted_in_dataverse_waits_for_a_person_whoever_notices(both: Both) -> None:
    id_ = await both.coupled()
    del both.accounts.rows[id_]
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await both.there("A1")
    await both.rest()
    [entry] = await both.parked()
    assert (entry.flow, entry.code) == (BACK, "deleted_in_source")
    assert both.accounts.rows == {}


async def test_a_write_that_the_other_direction_left_behind_is_not_touched(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.cut_before = 1
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    await both.back(id_)
    both.lanes.sent.clear()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await both.there("A1")
    assert both.accounts.writes == []
    [(lane, message, _)] = both.lanes.sent
    assert (lane, message.delays) == ("to-dataverse", 1)


async def test_trouble_in_gp_parks_nothing_and_comes_again(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    both.gp.error = RetryLater("locked", code="busy")
    await both.back(id_)
    [(lane, message, _)] = both.lanes.sent
    assert (lane, message.keys, await both.parked()) == ("to-gp", (id_,), [])


async def test_an_account_deleted_in_dataverse_makes_its_customer_inactive_where_the_mapping_says_so(
    two_way: Mapping,
) -> None:
    rules = two_way.rules.model_copy(update={"on_delete": OnDelete(d365="deactivate")})
    both = build(replace(two_way, rules=rules))
    id_ = await both.coupled()
    del both.accounts.rows[id_]
    await both.back(id_)
    await both.rest()
    assert both.customer()["INACTIVE"] == 1
    await both.there("A1")
    await both.rest()
    assert (both.accounts.rows, await both.parked()) == ({}, [])


async def test_an_echo_is_known_without_a_look_at_gp(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await both.there("A1")
    both.gp.error = RetryLater("nobody asks", code="busy")
    await both.back(id_)
    assert both.lanes.sent == []


async def test_what_is_handed_over_is_looked_at_on_both_sides_though_the_account_did_not_change(both: Both) -> None:
    id_ = await both.coupled()
    both.gp.error = RetryLater("somebody asks", code="busy")
    await both.back(message=Message.new(BACK, "TWO", [id_], "handed_over"))
    assert [message.keys for _, message, _ in both.lanes.sent] == [(id_,)]
