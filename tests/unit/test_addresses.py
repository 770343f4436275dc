"""A further address belongs to its customer: it comes after it, and goes with it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sync.directions import check_directions, in_use
from sync.errors import BadSettings
from sync.flow import find_flows, paired
from sync.mapping import load_all
from sync.message import Message
from sync.operations.describe import describe
from sync.stores.couple import Couple
from sync.system import Record, Write
from sync.systems.dataverse.rows import body_of
from tests.fakes import later
from tests.unit.conftest import MAPPINGS, Rig
from tests.unit.further import Pairs, line_of, switched_on

FLOW = "address_gp_to_dataverse"
KEY = "A1~WAREHOUSE"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return switched_on(tmp_path_factory.mktemp("overlays"), "address", "{enabled: true, one_way: gp}")


@pytest.fixture
def line(rig: Rig, pairs: Pairs) -> Rig:
    """The line with addresses switched on."""
    return line_of(rig, pairs)


def type_address(rig: Rig, pairs: Pairs, code: str = "WAREHOUSE", **values: str | None) -> None:
    """A clerk types an address of customer A1."""
    defaults = {"customer.CUSTNMBR": "A1", "customer.PRBTADCD": "PRIMARY", "customer.PRSTADCD": "PRIMARY"}
    row = dict.fromkeys(pairs["address"].gp.paths, "") | defaults | {"ADRSCODE": code} | values
    rig.gp.records["TWO", f"A1~{code}"] = Record(f"A1~{code}", dict(row))


async def send(rig: Rig, *keys: str, message: Message | None = None) -> Message:
    message = message or Message.new(FLOW, "TWO", keys or [KEY], "timestamp")
    await rig.deliveries.receive(message.to_json(), 1, "to-dataverse")
    return message


async def twice(rig: Rig) -> None:
    """A look, and the one after a message's visibility, which believes that a record is gone."""
    message = await send(rig)
    later(rig.crosswalk_table, timedelta(minutes=11))
    await send(rig, message=message.again(message.keys))


async def couple_of(rig: Rig) -> Couple:
    return (await rig.crosswalk.read("TWO", "address", [KEY]))[KEY]


def rows(rig: Rig) -> list[Record]:
    """The address rows in Dataverse."""
    return [row for row in rig.dataverse.rows.values() if "line1" in row.values]


async def codes(rig: Rig) -> list[tuple[str, str]]:
    return [(entry.key, entry.code) for entry in await rig.parked()]


async def with_account(rig: Rig) -> str:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    [account] = rig.dataverse.rows
    return account


async def test_an_address_arrives_at_its_account_and_a_change_follows(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    type_address(line, pairs, ADDRESS1="Quay 1")
    await send(line)
    assert [write.parent for write in line.dataverse.writes[1:]] == [account]
    type_address(line, pairs, ADDRESS1="Quay 2")
    await send(line)
    [row] = rows(line)
    assert (row.values["line1"], row.values["gp365_key"]) == ("Quay 2", "TWO-A1_7EWAREHOUSE")
    await send(line)
    assert len(line.dataverse.writes) == 3, "an echo writes nothing"


async def test_an_address_whose_account_is_not_there_sends_its_customer_first_and_waits(
    line: Rig, pairs: Pairs
) -> None:
    line.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    type_address(line, pairs)
    type_address(line, pairs, "PLANT")
    await send(line, KEY, "A1~PLANT")
    (_, parent, _), (_, again, pause) = line.lanes.sent
    assert (parent.flow, parent.keys, parent.reason) == ("customer_gp_to_dataverse", ("A1",), "awaited")
    assert (again.keys, again.delays, line.dataverse.rows) == ((KEY, "A1~PLANT"), 1, {})
    assert pause > 0
    await send(line, message=again)
    assert [message.flow for _, message, _ in line.lanes.sent[2:]] == [FLOW], "the customer is sent once"
    await send(line, message=parent)
    await send(line, message=again)
    assert [row.values["name"] for row in rows(line)] == ["WAREHOUSE", "PLANT"]
    assert await line.parked() == []


async def test_a_parked_customer_is_not_sent_again_for_its_addresses(line: Rig, pairs: Pairs) -> None:
    line.gp.type_customer("TWO", "A1", CUSTNAME="")
    await line.send("A1")
    type_address(line, pairs)
    await send(line)
    assert [message.flow for _, message, _ in line.lanes.sent] == [FLOW]
    assert await codes(line) == [("A1", "value_required")]


async def test_the_accounts_own_addresses_are_not_coupled_a_second_time(line: Rig, pairs: Pairs) -> None:
    await with_account(line)
    type_address(line, pairs, **{"customer.PRSTADCD": "Warehouse"})
    type_address(line, pairs, "MAIN", **{"customer.PRBTADCD": "", "customer.ADRSCODE": "main"})
    nobody = {path: None for path in pairs["address"].gp.paths if path.startswith("customer.")}
    type_address(line, pairs, "ORPHAN", **nobody)
    await send(line, KEY, "A1~MAIN", "A1~ORPHAN")
    assert (rows(line), line.lanes.sent, await line.parked()) == ([], [], [])


async def test_an_address_deleted_in_gp_is_parked(line: Rig, pairs: Pairs) -> None:
    await with_account(line)
    type_address(line, pairs)
    await send(line)
    del line.gp.records["TWO", KEY]
    await twice(line)
    assert await codes(line) == [(KEY, "deleted_in_source")]


async def test_an_address_gone_with_its_customer_is_told_once_and_may_come_back(line: Rig, pairs: Pairs) -> None:
    await with_account(line)
    type_address(line, pairs)
    await send(line)
    customer = line.gp.records.pop(("TWO", "A1"))
    del line.gp.records["TWO", KEY]
    await twice(line)
    assert (await line.parked(), (await couple_of(line)).settled_delete) == ([], True)
    line.gp.records["TWO", "A1"] = customer
    type_address(line, pairs, ADDRESS1="Quay 9")
    await send(line)
    assert not (await couple_of(line)).settled_delete
    del line.gp.records["TWO", KEY]
    await twice(line)
    assert await codes(line) == [(KEY, "deleted_in_source")]


async def test_an_address_of_a_customer_whose_id_was_changed_is_parked_and_has_a_new_row(
    line: Rig, pairs: Pairs
) -> None:
    await with_account(line)
    type_address(line, pairs)
    await send(line)
    line.gp.change_id("TWO", "A1", "A2")
    record = line.gp.records.pop(("TWO", KEY))
    line.gp.records["TWO", "A2~WAREHOUSE"] = replace(record, key="A2~WAREHOUSE")
    await line.send("A2")
    await send(line, "A2~WAREHOUSE")
    await twice(line)
    assert (len(rows(line)), await codes(line)) == (2, [(KEY, "deleted_in_source")])


@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
async def test_an_interrupted_create_makes_no_second_address(line: Rig, pairs: Pairs, cut: str) -> None:
    await with_account(line)
    type_address(line, pairs)
    setattr(line.dataverse, cut, 1)
    first = await send(line)
    later(line.crosswalk_table, timedelta(minutes=11))
    await send(line, message=first.again(first.keys))
    await send(line)
    assert len(rows(line)) == 1
    assert (await couple_of(line)).coupled


def test_the_reference_is_written_with_a_new_row_only(pairs: Pairs) -> None:
    write = Write("id", {}, "mark", create=True, key=KEY, parent="42")
    assert body_of("TWO", pairs["address"], write)["parentid_account@odata.bind"] == "/accounts(42)"
    assert "parentid_account@odata.bind" not in body_of("TWO", pairs["address"], replace(write, create=False))
    assert not [name for name in body_of("TWO", pairs["customer"], write) if "@" in name]


def test_an_address_knows_its_customer_by_its_key(pairs: Pairs) -> None:
    assert pairs["address"].parent_key("A^~1~WAREHOUSE") == "A~1"
    assert pairs["customer"].parent_key("A1") == ""


def test_it_is_switched_off_as_shipped() -> None:
    mappings = load_all(MAPPINGS)
    assert not mappings["address"].rules.enabled
    assert FLOW not in in_use(find_flows(), mappings)
    assert "- Switched off" in describe(find_flows()[FLOW], mappings["address"])


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ("parent: {gp: ADDRESS1}", "ADDRESS1 is no part of the key"),
        ("parent: {dataverse: parentid_lead}", "parentid_lead is no reference of customeraddress"),
        ("parent: {dataverse: objecttypecode_account}", "is no reference of customeraddress"),
        ("parent: {pair: custommer}", "there is no pair custommer; did you mean customer?"),
        ("parent: {pair: address}", "address waits for address"),
        ("parent: {dataverse: parentid_contact}", "leads to contact, but customer is kept as account"),
        ("parent: {gp: [CUSTNMBR, ADRSCODE]}", "the key of customer is CUSTNMBR, not CUSTNMBR, ADRSCODE"),
        ("match: [{by: [name], then: couple}]", "can't be matched yet"),
        ("on_delete: deactivate", "customeraddress has no statecode to deactivate it by"),
    ],
)
def test_a_parent_that_can_not_be_kept_is_told_at_start(tmp_path: Path, over: str, said: str) -> None:
    (tmp_path / "address.yaml").write_text(over, "utf-8")
    with pytest.raises(BadSettings) as caught:
        load_all(MAPPINGS, tmp_path)
    assert caught.value.code == "mapping_invalid"
    assert said in caught.value.message


def test_pairs_that_wait_for_each_other_are_told_at_start(tmp_path: Path) -> None:
    text = (MAPPINGS / "address.yaml").read_text("utf-8")
    for own, other in (("address", "depot"), ("depot", "address")):
        changed = text.replace("pair: address", f"pair: {own}").replace("{pair: customer", f"{{pair: {other}")
        (tmp_path / f"{own}.yaml").write_text(changed, "utf-8")
    with pytest.raises(BadSettings, match="address waits for depot waits for address"):
        load_all(tmp_path)


def test_a_child_needs_a_flow_that_brings_its_parent(pairs: Pairs) -> None:
    flows = paired({name: flow for name, flow in find_flows().items() if name == FLOW})
    with pytest.raises(BadSettings, match="no flow brings customer from GP to Dataverse"):
        check_directions(flows.values(), pairs)
