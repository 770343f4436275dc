"""A customer follows its account into the one that it was merged into, whatever is heard first and whoever dies in between."""

from dataclasses import replace
from typing import Any

import pytest

from sync.errors import Rejected
from sync.message import Message
from sync.parking import NOWHERE
from sync.stores.couple import APPROVED, NONE, UNCOUPLED, Couple
from sync.stores.couple_rows import operations_of
from sync.stores.ledger import Ledger
from tests.unit.both import ACCOUNT, THERE, Both

MASTER = "0a000000-0000-4000-8000-00000000000a"


async def merged(both: Both, *, known: bool = True, **values: Any) -> str:
    """Customer A1 with its account, which is merged into another one; the account's id."""
    id_ = await both.coupled(PHONE1="42525501010000", FAX="42525501020000")
    both.accounts.type(MASTER, both.mapping, name="Ann", customertypecode=3 if known else 1)
    both.accounts.merge(id_, MASTER, **values)
    return id_


async def told(both: Both, how: str, id_: str) -> None:
    """The merge is heard of, by messages in this order."""
    for name in how.split():
        await (both.there("A1") if name == "A1" else both.back(MASTER if name == "master" else id_))
    await both.rest()


async def assert_followed(both: Both, id_: str) -> None:
    couple = await both.couple()
    assert (couple.id, couple.coupled, couple.intent) == (MASTER, True, None)
    assert (both.account(MASTER)["gp365_key"], both.account(id_)["gp365_key"]) == ("TWO-A1", None)
    assert (both.account(MASTER)["accountnumber"], len(both.gp.records), len(both.accounts.rows)) == ("A1", 1, 2)
    assert (both.account(id_)["statecode"], both.customer()["INACTIVE"], await both.parked()) == (1, 0, [])


HEARD = ["account", "master", "A1", "account master", "master account", "A1 account master", "master A1 account"]


@pytest.mark.parametrize("how", HEARD)
async def test_the_customer_follows_its_account_in_whatever_order_the_merge_is_told(both: Both, how: str) -> None:
    id_ = await merged(both)
    await told(both, how, id_)
    await assert_followed(both, id_)
    both.gp.writes.clear()
    both.accounts.writes.clear()
    await told(both, "account master A1", id_)
    assert (both.gp.writes, both.accounts.writes) == ([], [])


async def test_what_the_master_holds_is_an_edit_and_what_it_lacks_comes_from_gp(both: Both) -> None:
    id_ = await merged(both, telephone1="+1 414-555-0145", creditonhold=True)
    await told(both, "account", id_)
    await told(both, "master", id_)
    assert both.customer()["PHONE1"].startswith("4145550145")
    assert (both.account(MASTER)["telephone1"], both.account(MASTER)["fax"]) == ("+1 414-555-0145", "+1 425-255-0102")
    assert (both.account(MASTER)["creditonhold"], both.customer()["HOLD"]) == (False, 0)
    await assert_followed(both, id_)


async def test_where_gp_and_the_master_differ_from_what_was_agreed_the_owner_decides(both: Both) -> None:
    id_ = await merged(both, name="By a rep", telephone1="+1 425-255-0101")
    both.gp.type_customer("TWO", "A1", CUSTNAME="By a clerk", PHONE1="41455501450000")
    await told(both, "account", id_)
    assert (both.customer()["CUSTNAME"], both.account(MASTER)["name"]) == ("By a clerk", "By a clerk")
    assert both.account(MASTER)["telephone1"] == "+1 414-555-0145"


async def test_a_merge_of_merges_is_followed_to_its_end(both: Both) -> None:
    id_ = await merged(both)
    between = both.accounts.rows[id_].successor
    both.accounts.type(ACCOUNT, both.mapping, name="Ann")
    both.accounts.merge(between, ACCOUNT)
    await told(both, "account", id_)
    assert (await both.couple()).id == ACCOUNT
    assert (both.account(ACCOUNT)["gp365_key"], await both.parked()) == ("TWO-A1", [])


@pytest.mark.parametrize("end", ["a circle", "nothing"])
async def test_a_chain_without_an_end_waits_for_a_person(both: Both, end: str) -> None:
    id_ = await merged(both)
    if end == "nothing":
        del both.accounts.rows[MASTER]
    else:
        both.accounts.merge(MASTER, id_)
    await told(both, "account", id_)
    [entry] = await both.parked()
    assert (entry.key, entry.code, (await both.couple()).id) == ("A1", "account_merged", id_)


async def both_coupled(both: Both) -> tuple[str, str]:
    """Two customers with their accounts, which are merged; the account that goes and the one that stays."""
    id_, master = await both.coupled("A1"), await both.coupled("B1")
    both.accounts.merge(id_, master)
    return id_, master


async def test_a_master_that_belongs_to_another_customer_is_a_persons_and_nothing_is_written(both: Both) -> None:
    id_, master = await both_coupled(both)
    for key in (id_, master, id_):
        await both.back(key)
        await both.rest()
    [entry] = await both.parked()
    assert (entry.key, entry.code) == ("A1", "account_merged")
    assert f"id {id_}" in entry.message
    assert entry.message.endswith(f"id {master}, which belongs to B1.")
    assert (both.accounts.writes, both.gp.writes) == ([], [])
    assert [(await both.couple(key)).id for key in ("A1", "B1")] == [id_, master]


async def test_an_edit_in_gp_while_it_waits_is_not_written_to_the_merged_account(both: Both) -> None:
    id_, _ = await both_coupled(both)
    await told(both, "account", id_)
    both.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    await told(both, "A1", id_)
    assert both.accounts.writes == []


async def test_it_goes_over_by_itself_once_the_master_is_free(both: Both) -> None:
    id_, master = await both_coupled(both)
    await told(both, "account", id_)
    other = await both.couple("B1")
    blank = Couple("TWO", "customer", "B1", identity=other.identity, parked=UNCOUPLED, etag=other.etag)
    await both.crosswalk.save([(other, blank)])
    await both.crosswalk.save(
        [(Couple("TWO", "customer", id=master), Couple("TWO", "customer", id=master, parked_d365=UNCOUPLED))]
    )
    both.accounts.edit(master, gp365_key=None, customertypecode=3)
    await both.back(master)
    await both.rest()
    assert (await both.couple("A1")).id == master
    assert (both.account(master)["gp365_key"], await both.parked()) == ("TWO-A1", [])


@pytest.mark.parametrize("policy", ["park", "deactivate"])
async def test_a_customer_that_is_gone_takes_no_master_with_it(both: Both, policy: str) -> None:
    id_ = await merged(both)
    del both.gp.records["TWO", "A1"]
    await told(both, "A1 account", id_)
    assert (both.account(MASTER)["statecode"], both.account(MASTER)["gp365_key"]) == (0, None)


@pytest.mark.parametrize(
    ("values", "answer", "owner"),
    [({"gp365_key": "THREE-C9"}, "", "THREE-C9"), ({}, "C9", "C9"), ({}, NONE, ""), ({}, APPROVED, "")],
)
async def test_a_master_is_taken_by_its_key_and_by_what_a_person_said(
    both: Both, values: dict[str, Any], answer: str, owner: str
) -> None:
    id_ = await merged(both, **values)
    if answer:
        await both.answer(MASTER, answer)
    await told(both, "A1", id_)
    assert [entry.code for entry in await both.parked()] == (["account_merged"] if owner else [])
    assert (await both.couple()).id == (id_ if owner else MASTER)


async def test_what_waited_of_either_account_is_off_the_list(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.edit(id_, creditonhold=True)
    both.accounts.type(MASTER, both.mapping, name="Ann")
    await told(both, "account master", id_)
    assert {entry.key for entry in await both.parked()} == {id_, MASTER}
    both.accounts.merge(id_, MASTER)
    await told(both, "A1", id_)
    await assert_followed(both, id_)


async def test_the_ledger_tells_that_the_account_was_merged(both: Both) -> None:
    id_ = await merged(both)
    ledger: Ledger = both.deliveries._pipeline._filing._ledger
    await told(both, "A1", id_)
    [line, _] = await ledger.history("TWO", "customer", "A1", 1)
    assert line.text == f"account {id_} was merged into {MASTER}"
    await told(both, "account", id_)
    assert (await ledger.history("TWO", "customer", id_, 1))[0].text == f"merged into {MASTER}"


async def test_the_merged_account_is_never_a_new_customer(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Ann")
    both.accounts.type(MASTER, both.mapping, name="Ann", customertypecode=1)
    both.accounts.merge(ACCOUNT, MASTER)
    await both.back(ACCOUNT)
    assert (await both.parked(), both.gp.records, both.lanes.sent) == ([], {}, [])


async def test_a_worker_killed_after_the_key_was_taken_is_followed_by_another(both: Both) -> None:
    """Whoever dies there has moved nothing; the message comes again."""
    id_ = await merged(both)
    both.accounts.edit(id_, gp365_key=None)
    await told(both, "A1", id_)
    await assert_followed(both, id_)


async def test_an_answer_that_was_lost_is_asked_again(both: Both) -> None:
    id_ = await merged(both)
    both.accounts.cut_after = 1
    await told(both, "A1", id_)
    await assert_followed(both, id_)


async def test_an_account_that_moves_meanwhile_is_read_anew(both: Both) -> None:
    id_ = await merged(both)
    both.accounts.before_write = [lambda: both.accounts.edit(id_, description="x")]
    await told(both, "A1", id_)
    await assert_followed(both, id_)


async def test_a_worker_killed_after_the_move_is_followed_by_another(both: Both) -> None:
    id_ = await merged(both)
    both.accounts.edit(id_, gp365_key=None)
    couple = await both.couple()
    await both.crosswalk.save([(couple, replace(couple, id=MASTER))])
    await told(both, "A1", id_)
    await assert_followed(both, id_)


async def test_the_move_is_one_transaction_that_another_worker_can_win(both: Both) -> None:
    id_ = await merged(both)
    row = both.table.entities["TWO.customer", "gp~A1"]
    both.accounts.edit(id_, gp365_key=None)
    both.table.before_transaction = [lambda: both.table._set(dict(row))]
    await told(both, "A1", id_)
    await assert_followed(both, id_)


async def test_an_account_that_takes_the_master_meanwhile_wins(both: Both) -> None:
    id_ = await merged(both)
    before, after = Couple("TWO", "customer", "C9"), Couple("TWO", "customer", "C9", MASTER, coupled=True)
    both.table.before_transaction = [lambda: both.table._group(operations_of(before, after))]
    await told(both, "A1", id_)
    assert [(await both.couple(key)).id for key in ("A1", "C9")] == [id_, MASTER]
    assert [entry.code for entry in await both.parked()] == ["account_merged"]


async def test_a_refused_write_parks_its_own_record_only(both: Both) -> None:
    id_ = await merged(both)
    both.gp.type_customer("TWO", "C1", CUSTNAME="Carl", CRLMTTYP=1)
    both.accounts.refuse["A1"] = Rejected("no", code="refused_by_target")
    await both.there("A1", "C1")
    await both.rest()
    [entry] = await both.parked()
    assert (entry.key, entry.code) == ("A1", "refused_by_target")
    assert {row.values["gp365_key"] for row in both.accounts.rows.values()} == {"TWO-A1", "TWO-C1", None}
    assert (await both.couple()).id == id_


async def test_an_id_changed_in_gp_at_the_same_time_is_stored_first(both: Both) -> None:
    id_ = await merged(both)
    both.gp.change_id("TWO", "A1", "NEW")
    await both.there(message=Message.new(THERE, "TWO", ["NEW"], "timestamp"))
    await both.rest()
    couple = await both.couple("NEW")
    assert (couple.id, both.account(MASTER)["gp365_key"], both.account(id_)["gp365_key"]) == (MASTER, "TWO-NEW", None)
    assert (await both.parked(), len(both.accounts.rows)) == ([], 2)


@pytest.mark.parametrize("answer", ["", NONE])
async def test_a_merged_account_that_holds_the_key_of_an_unknown_customer_gives_it_up(both: Both, answer: str) -> None:
    """The crosswalk was lost, or the create that made the account was given up before it landed."""
    id_ = await merged(both)
    for name in list(both.table.entities):
        del both.table.entities[name]
    if answer:
        blank = Couple("TWO", "customer", "A1")
        await both.crosswalk.save([(blank, replace(blank, answer=answer))])
    await told(both, "A1", id_)
    held = {key: row.values["gp365_key"] for key, row in both.accounts.rows.items()}
    assert (held[id_], held[MASTER], await both.parked()) == (None, None if answer else "TWO-A1", [])
    assert list(held.values()).count("TWO-A1") == 1


async def test_where_nothing_is_written_to_dataverse_a_person_says(both: Both) -> None:
    id_ = await merged(both)
    pipeline = both.deliveries._pipeline
    flow = replace(both.deliveries._flows["customer_dataverse_to_gp"], two_way=False)
    run = pipeline._begin(Message.new(flow.name, "TWO", [id_], "webhook"), flow, redelivered=False)
    [case] = await pipeline._cases.read(run, [id_])
    plan = run.planner.plan(case)
    assert plan.error
    assert (plan.error.code, plan.hand_over) == ("account_merged", False)


async def test_preview_tells_it_and_moves_nothing(both: Both) -> None:
    id_ = await merged(both)
    pipeline, flow = both.deliveries._pipeline, both.deliveries._flows[THERE]
    [plan] = await pipeline.preview(Message.new(THERE, "TWO", ["A1"], "retry"), flow)
    assert plan.text == f"account {id_} was merged into {MASTER}"
    assert ((await both.couple()).id, both.accounts.writes) == (id_, [])


async def test_a_master_that_no_company_had_belongs_to_one_now(both: Both) -> None:
    id_ = await merged(both)
    flow = both.deliveries._flows["customer_dataverse_to_gp"]
    await both.deliveries._parking.park(flow, NOWHERE, MASTER, Rejected("whose?", code="company_unknown"), "")
    await told(both, "A1", id_)
    await assert_followed(both, id_)
