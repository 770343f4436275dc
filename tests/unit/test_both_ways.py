"""A pair with two directions: both sides' edits survive, nothing comes twice, and nothing echoes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sync.braking import Braking
from sync.delivery import Deliveries
from sync.directions import in_use
from sync.errors import RetryLater
from sync.flow import find_flows
from sync.guard import Guard
from sync.mapping import Mapping, load_all
from sync.mapping_model import OnDelete, Side
from sync.message import Message
from sync.parking import Parking
from sync.pauses import Pauses
from sync.pipeline import Pipeline
from sync.runtime import MAPPINGS
from sync.sender import Sender
from sync.stores.brakes import Brakes
from sync.stores.couple import APPROVED, Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger
from sync.stores.modes import Modes
from sync.stores.parked import Parked, ParkedStore
from sync.stores.runs import Runs
from sync.system import Ask, Record
from tests.fakes import FakeGp, FakeLanes, FakeTable, FakeTarget, later

THERE = "customer_gp_to_dataverse"
BACK = "customer_dataverse_to_gp"
ACCOUNT = "0a000000-0000-4000-8000-000000000001"


class Accounts(FakeTarget):
    """Dataverse as a source too."""

    def type(self, id_: str, mapping: Mapping, **values: Any) -> None:
        """A person makes or edits an account."""
        if id_ in self.rows:
            self.edit(id_, **values)
        else:
            blank = dict.fromkeys((*mapping.attributes, mapping.dataverse.key, *mapping.routing))
            self.rows[id_] = Record(id_, blank | {"statecode": 0, "customertypecode": 3} | values, self._next())


class AsSource:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        return (await self._accounts.look(company, mapping, Ask(ids=keys))).by_id


@dataclass
class Both:
    """The line of both directions, with everything around it faked."""

    mapping: Mapping
    gp: FakeGp
    accounts: Accounts
    lanes: FakeLanes
    crosswalk: Crosswalk
    table: FakeTable
    parked_store: ParkedStore
    deliveries: Deliveries

    async def there(self, *keys: str, delivery: int = 1, message: Message | None = None) -> None:
        """A message of GP's is worked."""
        await self._send(message or Message.new(THERE, "TWO", keys, "timestamp"), "to-dataverse", delivery)

    async def back(self, *ids: str, delivery: int = 1, message: Message | None = None) -> None:
        """A message of Dataverse's is worked."""
        await self._send(message or Message.new(BACK, "TWO", ids or [ACCOUNT], "webhook"), "to-gp", delivery)

    async def _send(self, message: Message, lane: str, delivery: int) -> None:
        await self.deliveries.receive(message.to_json(), delivery, lane)

    async def rest(self) -> None:
        """Everything on the lanes is worked, and what comes of it, until nothing is left."""
        for _ in range(20):
            if not self.lanes.sent:
                return
            lane, message, _ = self.lanes.sent.pop(0)
            await self._send(message, lane, 1)
        raise AssertionError(f"no end: {self.lanes.sent}")

    async def coupled(self, key: str = "A1", **values: Any) -> str:
        """A customer with its account, both agreeing; the account's id."""
        self.gp.type_customer("TWO", key, CUSTNAME="Ann", CRLMTTYP=1, **values)
        await self.there(key)
        [id_] = [row.key for row in self.accounts.rows.values() if row.values["accountnumber"] == key]
        await self.back(id_)
        await self.rest()
        self.gp.writes.clear()
        self.accounts.writes.clear()
        return id_

    async def couple(self, key: str = "A1") -> Couple:
        return (await self.crosswalk.read("TWO", "customer", [key]))[key]

    async def answer(self, key: str, answer: str) -> None:
        """A person answers."""
        [before] = (await self.crosswalk.read_ids("TWO", "customer", [key])).values()
        said = {"take": answer} if answer in ("gp", "d365") else {"answer": answer}
        await self.crosswalk.save([(before, replace(before, **said))])

    async def parked(self) -> list[Parked]:
        return [entry async for entry in self.parked_store.list()]

    def customer(self, key: str = "A1") -> dict[str, Any]:
        return self.gp.records["TWO", key].values

    def account(self, id_: str) -> dict[str, Any]:
        return self.accounts.rows[id_].values


@pytest.fixture(scope="session")
def two_way() -> Mapping:
    """With rules that couple by themselves."""
    mapping = load_all(MAPPINGS)["customer"]
    return replace(mapping, rules=mapping.rules.model_copy(update={"first_sync": "owner"}))


def ruled(mapping: Mapping, name: str, **words: Any) -> Mapping:
    """The mapping with other rules for one field."""
    fields = [
        replace(field, rule=field.rule.model_copy(update=words)) if field.name == name else field
        for field in mapping.fields
    ]
    return replace(mapping, fields=tuple(fields))


def build(mapping: Mapping) -> Both:
    lanes, table, parked = FakeLanes(), FakeTable(), ParkedStore(FakeTable())
    gp, accounts, crosswalk = FakeGp(mapping), Accounts(), Crosswalk(table)
    flows = in_use(find_flows(), {"customer": mapping})
    modes = Modes(FakeTable())
    mappings = {"customer": mapping}
    sender = Sender(lanes, 2000)  # type: ignore[arg-type]
    parking = Parking(parked, crosswalk)
    pipeline = Pipeline(
        flows=flows,
        mappings=mappings,
        sources={"gp": gp, "dataverse": AsSource(accounts)},
        targets={"dataverse": accounts, "gp": gp},
        crosswalk=crosswalk,
        ledger=Ledger(FakeTable()),
        parking=parking,
        guard=Guard(modes, Identities(FakeTable()), {"dataverse": accounts.identity}, ["TWO", "THREE"]),
        braking=Braking(Brakes(FakeTable()), modes, crosswalk, mappings, 1.0),
        sender=sender,
        visibility=timedelta(minutes=10),
    )
    deliveries = Deliveries(flows, ["TWO", "THREE"], pipeline, parking, lanes, Pauses(), Runs(FakeTable()))  # type: ignore[arg-type]
    return Both(mapping, gp, accounts, lanes, crosswalk, table, parked, deliveries)


@pytest.fixture
def both(two_way: Mapping) -> Both:
    return build(two_way)


async def test_an_account_waits_for_a_persons_yes_and_then_becomes_one_customer(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron Fitz Electrical", telephone1="+1 414-555-0145")
    await both.back()
    [entry] = await both.parked()
    assert (entry.code, both.gp.writes) == ("approval_needed", [])
    assert "AARONFIT0001" in entry.message
    await both.answer(ACCOUNT, APPROVED)
    await both.back()
    assert both.customer("AARONFIT0001")["CUSTNAME"] == "Aaron Fitz Electrical"
    assert both.customer("AARONFIT0001")["PHONE1"].startswith("4145550145")
    assert await both.parked() == []


async def test_a_new_customers_number_and_key_come_back_to_its_account(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron Fitz Electrical")
    await both.answer(ACCOUNT, APPROVED)
    await both.back()
    await both.there("AARONFIT0001")
    await both.rest()
    assert both.account(ACCOUNT)["accountnumber"] == "AARONFIT0001"
    assert both.account(ACCOUNT)["gp365_key"] == "TWO-AARONFIT0001"
    assert len(both.gp.records) == 1
    assert len(both.accounts.rows) == 1


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


@pytest.mark.parametrize(("take", "name"), [("gp", "By GP"), ("d365", "By a rep")])
async def test_a_difference_under_review_waits_with_all_values_and_a_persons_choice_holds(
    two_way: Mapping, take: str, name: str
) -> None:
    both = build(ruled(two_way, "name", owner="review"))
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep")
    await both.back(id_)
    await both.rest()
    [entry] = await both.parked()
    assert entry.code == "values_differ"
    assert all(value in entry.message for value in ("'By GP'", "'By a rep'", "'Ann'"))
    await both.answer(id_, take)
    await both.there("A1")
    await both.rest()
    await both.there("A1")
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == (name, name)
    assert await both.parked() == []


async def test_a_difference_that_went_away_in_dataverse_is_taken_off_the_list(two_way: Mapping) -> None:
    both = build(ruled(two_way, "name", owner="review"))
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep")
    await both.there("A1")
    both.accounts.type(id_, both.mapping, name="By GP")
    await both.back(id_)
    await both.rest()
    assert await both.parked() == []


async def test_an_edit_of_gps_own_field_waits_for_approval_and_is_not_put_back_meanwhile(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, creditonhold=True, fax="+1 414-555-0100")
    await both.back(id_)
    await both.there("A1")
    await both.rest()
    [entry] = await both.parked()
    assert (entry.code, entry.flow) == ("approval_needed", BACK)
    assert (both.customer()["HOLD"], both.account(id_)["creditonhold"]) == (0, True)
    assert both.customer()["FAX"].startswith("4145550100")


@pytest.mark.parametrize(("take", "held"), [("d365", 1), ("gp", 0)])
async def test_a_request_is_carried_out_or_put_back_as_a_person_says(both: Both, take: str, held: int) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, creditonhold=True)
    await both.back(id_)
    await both.answer(id_, take)
    await both.back(id_)
    await both.rest()
    await both.back(id_)
    assert (both.customer()["HOLD"], both.account(id_)["creditonhold"]) == (held, bool(held))
    assert await both.parked() == []


async def test_a_create_cut_after_it_landed_is_found_by_its_mark_and_not_repeated(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.cut_after = 1
    message = Message.new(BACK, "TWO", [ACCOUNT], "webhook")
    await both.back(message=message)
    both.gp.now += timedelta(minutes=11)
    await both.back(message=message)
    await both.rest()
    assert [key for _, key in both.gp.records] == ["AARON0001"]
    assert (await both.couple("AARON0001")).coupled


async def test_a_create_cut_before_it_landed_is_done_again_once_it_can_not_land_any_more(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.cut_before = 1
    await both.back()
    both.lanes.sent.clear()
    await both.back()
    assert both.gp.records == {}
    both.gp.now += timedelta(minutes=16)
    await both.back()
    assert [key for _, key in both.gp.records] == ["AARON0001"]


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


async def test_an_id_that_a_clerk_took_that_very_second_is_left_to_the_clerk(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    both.gp.before_write.append(lambda: both.gp.type_customer("TWO", "AARON0001", CUSTNAME="Somebody else"))
    await both.back()
    assert both.customer("AARON0001")["CUSTNAME"] == "Somebody else"
    assert both.customer("AARON0002")["CUSTNAME"] == "Aaron"
    assert (await both.couple("AARON0002")).id == ACCOUNT
    assert not (await both.couple("AARON0001")).etag


async def test_two_accounts_of_one_name_get_two_ids(both: Both) -> None:
    other = ACCOUNT[:-1] + "2"
    for id_ in (ACCOUNT, other):
        both.accounts.type(id_, both.mapping, name="Aaron")
        await both.answer(id_, APPROVED)
    await both.back(ACCOUNT, other)
    assert sorted(key for _, key in both.gp.records) == ["AARON0001", "AARON0002"]


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


async def test_an_account_with_a_customers_number_is_coupled_with_it(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    both.accounts.type(ACCOUNT, both.mapping, name="Ann", accountnumber="A1")
    await both.back()
    await both.rest()
    assert (await both.couple("A1")).id == ACCOUNT
    assert len(both.gp.records) == 1


async def test_whoever_couples_them_gps_values_hold_at_a_first_coupling(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PHONE1="41455501450000", FAX="41455501000000")
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1", fax="+1 414-555-0199")
    await both.back()
    await both.rest()
    account = both.account(ACCOUNT)
    assert (account["name"], account["telephone1"], account["fax"]) == ("Ann", "+1 414-555-0145", "+1 414-555-0100")


async def test_a_side_that_a_person_took_holds_also_where_a_first_coupling_is_not_over(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1)
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.back()
    both.lanes.sent.clear()
    both.accounts.type(ACCOUNT, both.mapping, fax="+1 414-555-0100")
    await both.answer(ACCOUNT, "d365")
    await both.there("A1")
    await both.rest()
    await both.there("A1")
    assert (both.customer()["CUSTNAME"], both.account(ACCOUNT)["name"]) == ("Anna", "Anna")
    assert both.customer()["FAX"].startswith("4145550100")


async def test_where_every_edit_is_asked_for_a_refused_one_is_put_back(two_way: Mapping) -> None:
    both = build(replace(two_way, rules=two_way.rules.model_copy(update={"approve": "always"})))
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, name="Anna")
    await both.back(id_)
    assert [entry.code for entry in await both.parked()] == ["approval_needed"]
    await both.answer(id_, "gp")
    await both.back(id_)
    await both.rest()
    await both.back(id_)
    assert (both.customer()["CUSTNAME"], both.account(id_)["name"]) == ("Ann", "Ann")
    assert await both.parked() == []


async def test_a_choice_that_has_nothing_left_to_decide_decides_nothing_later(both: Both) -> None:
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, creditonhold=True)
    await both.back(id_)
    both.accounts.type(id_, both.mapping, creditonhold=False)
    await both.answer(id_, "gp")
    await both.back(id_)
    both.accounts.type(id_, both.mapping, creditonhold=True)
    await both.back(id_)
    await both.rest()
    assert [entry.code for entry in await both.parked()] == ["approval_needed"]


async def test_a_difference_under_review_at_a_first_coupling_still_waits_after_the_second_look(
    two_way: Mapping,
) -> None:
    reviewed = ruled(two_way, "name", first_sync="review")
    both = build(replace(reviewed, rules=reviewed.rules.model_copy(update={"first_sync": "owner"})))
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", PHONE1="41455501450000")
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.back()
    await both.rest()
    await both.there("A1")
    await both.rest()
    assert [entry.code for entry in await both.parked()] == ["values_differ"]


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


async def test_an_account_that_waits_for_approval_and_turns_out_to_be_a_customer_waits_no_more(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Ann", accountnumber="A1")
    await both.back()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await both.there("A1")
    await both.back()
    assert (await both.couple("A1")).id == ACCOUNT
    assert (await both.parked(), len(both.gp.records), len(both.accounts.rows)) == ([], 1, 1)
    assert len(both.table.entities) == 2


async def test_a_customer_that_waits_and_turns_out_to_be_an_account_waits_no_more(both: Both) -> None:
    other = ACCOUNT[:-1] + "2"
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    for id_ in (ACCOUNT, other):
        both.accounts.type(id_, both.mapping, name="Ann", accountnumber="A1")
    await both.there("A1")
    del both.accounts.rows[other]
    await both.back()
    assert (await both.couple("A1")).id == ACCOUNT
    await both.there("A1")
    assert await both.parked() == []


async def test_a_request_beside_a_difference_under_review_is_not_handed_to_and_fro(two_way: Mapping) -> None:
    both = build(ruled(two_way, "name", owner="review"))
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="By GP")
    both.accounts.type(id_, both.mapping, name="By a rep", creditonhold=True)
    await both.back(id_)
    await both.rest()
    assert sorted(entry.code for entry in await both.parked()) == ["approval_needed", "values_differ"]


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


async def test_a_field_that_was_empty_when_the_customer_was_made_can_be_filled_in_on_either_side(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron")
    await both.answer(ACCOUNT, APPROVED)
    await both.back()
    both.gp.type_customer("TWO", "AARON0001", PHONE1="41455501450000")
    both.accounts.type(ACCOUNT, both.mapping, fax="+1 414-555-0100")
    await both.there("AARON0001")
    await both.back()
    await both.rest()
    assert both.account(ACCOUNT)["telephone1"] == "+1 414-555-0145"
    assert both.account(ACCOUNT)["fax"] == "+1 414-555-0100"
    assert both.customer("AARON0001")["FAX"].startswith("4145550100")


async def test_an_account_that_may_be_a_customer_waits_for_a_person(both: Both) -> None:
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", **{"bill_to.CUSTNMBR": "A1", "bill_to.ZIP": "60603"})
    both.accounts.type(ACCOUNT, both.mapping, name="ANN", address1_postalcode="60603")
    await both.back()
    [entry] = await both.parked()
    assert (entry.code, entry.key) == ("possible_duplicate", ACCOUNT)


async def test_an_account_out_of_scope_is_left_alone(both: Both) -> None:
    both.accounts.type(ACCOUNT, both.mapping, name="A prospect", customertypecode=1)
    await both.back()
    assert (both.gp.writes, await both.parked()) == ([], [])


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


async def test_a_customer_deleted_while_a_rep_worked_on_its_account_waits_for_a_person(two_way: Mapping) -> None:
    rules = two_way.rules.model_copy(update={"on_delete": OnDelete(gp="deactivate")})
    both = build(replace(two_way, rules=rules))
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, fax="+1 414-555-0100")
    del both.gp.records["TWO", "A1"]
    await both.there("A1")
    [entry] = await both.parked()
    assert (entry.code, "fax" in entry.message, both.accounts.writes) == ("deleted_in_source", True, [])


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


def with_rules(mapping: Mapping, **rules: Any) -> Mapping:
    return replace(mapping, rules=mapping.rules.model_copy(update=rules))


async def test_where_nobody_approves_a_new_customer_it_takes_nothing_that_gp_decides_about(two_way: Mapping) -> None:
    both = build(with_rules(two_way, approve="never"))
    both.accounts.type(ACCOUNT, both.mapping, name="Aaron", creditonhold=True, creditlimit=Decimal(9_999_999))
    await both.back()
    await both.there("AARON0001")
    await both.rest()
    assert (both.customer("AARON0001")["CRLMTAMT"], both.customer("AARON0001")["HOLD"]) == (0, 0)
    assert (both.account(ACCOUNT)["creditonhold"], await both.parked()) == (False, [])


async def test_where_everything_is_approved_an_edit_waits_and_is_carried_out_once_a_person_said_yes(
    two_way: Mapping,
) -> None:
    both = build(with_rules(two_way, approve="always"))
    id_ = await both.coupled()
    both.accounts.type(id_, both.mapping, name="Anna")
    await both.back(id_)
    [entry] = await both.parked()
    assert (entry.code, "from 'Ann' to 'Anna'" in entry.message) == ("approval_needed", True)
    assert both.customer()["CUSTNAME"] == "Ann"
    await both.answer(id_, "d365")
    await both.back(id_)
    assert (both.customer()["CUSTNAME"], await both.parked()) == ("Anna", [])


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


@pytest.mark.parametrize(("take", "name"), [("gp", "Ann"), ("d365", "Anna")])
async def test_a_side_taken_of_two_records_that_meet_for_the_first_time_makes_no_second_account(
    two_way: Mapping, take: Side, name: str
) -> None:
    both = build(ruled(with_rules(two_way, first_sync="owner"), "name", first_sync="review"))
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", CRLMTTYP=1)
    both.accounts.type(ACCOUNT, both.mapping, name="Anna", accountnumber="A1")
    await both.there("A1")
    assert [entry.code for entry in await both.parked()] == ["values_differ"]
    before = await both.couple()
    assert not before.coupled
    await both.crosswalk.save([(before, replace(before, take=take))])
    await both.there("A1")
    await both.rest()
    await both.there("A1")
    await both.rest()
    assert list(both.accounts.rows) == [ACCOUNT]
    assert (both.customer()["CUSTNAME"], both.account(ACCOUNT)["name"]) == (name, name)
    assert await both.parked() == []


async def test_many_accounts_of_one_name_in_one_message_get_an_id_each(both: Both) -> None:
    ids = [f"{ACCOUNT[:-2]}{n:02}" for n in range(25)]
    for id_ in ids:
        both.accounts.type(id_, both.mapping, name="Aaron")
        await both.answer(id_, APPROVED)
    await both.back(*ids)
    assert await both.parked() == []
    assert sorted(key for _, key in both.gp.records) == [f"AARON{n:04}" for n in range(1, 26)]


async def test_the_ids_of_many_new_customers_are_looked_up_together(both: Both) -> None:
    ids = [f"{ACCOUNT[:-2]}{n:02}" for n in range(25)]
    for id_ in ids:
        both.accounts.type(id_, both.mapping, name=f"{id_[-2:]} Aaron")
        await both.answer(id_, APPROVED)
    await both.back(*ids)
    assert (len(both.gp.records), both.gp.looks) == (25, 2)
