"""The sweep against the real parts: what no feed told is found, what agrees is left alone, full lanes stop the reading."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from azure.data.tables.aio import TableServiceClient

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.stores.couple import Couple, Intent, Planned
from sync.stores.crosswalk import Crosswalk
from sync.stores.tables import Table
from tests.e2e.steps import accounts, door, hurried, new_id, parked, put_on_lane, seen, sql, type_customer

FLOW = "customer_gp_to_dataverse"
BACK = "customer_dataverse_to_gp"


@pytest.fixture
async def crosswalk(box: Sandbox) -> AsyncIterator[Crosswalk]:
    connection = box.contract["storage"]["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as service:
        yield Crosswalk(Table(service, "crosswalk"))


async def sweep(box: Sandbox, company: str) -> int:
    """How many records a whole pass over GP sends."""
    [swept] = [one for one in await app(box, "sweep", "--company", company) if one["flow"] == FLOW]
    assert swept["ended"]
    return int(swept["keys"])


async def unseen_by_any_feed(box: Sandbox, number: str, name: str) -> None:
    """Change a customer of THREE without a new time stamp, as GP's trigger does when the key changes."""
    change = f"UPDATE RM00101 SET CUSTNMBR = 'MOVING', CUSTNAME = '{name}' WHERE CUSTNMBR = '{number}'"
    back = f"UPDATE RM00101 SET CUSTNMBR = '{number}' WHERE CUSTNMBR = 'MOVING'"
    await sql(box, f"BEGIN TRAN; {change}; {back}; COMMIT", "THREE")


async def test_a_change_that_no_feed_tells_is_found(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number, "THREE")
    await seen(dataverse, number)
    await at_rest(box, number)
    await unseen_by_any_feed(box, number, "Found by the sweep")
    polled = (await app(box, "poll", "--company", "THREE"))[0]
    assert polled["keys"] == {FLOW: 0}
    assert await sweep(box, "THREE") == 1
    await seen(dataverse, number, name="Found by the sweep")


async def test_a_delete_in_a_company_without_change_tracking_is_found(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number, "THREE")
    await seen(dataverse, number)
    await at_rest(box, number)
    await sql(box, f"DELETE FROM RM00102 WHERE CUSTNMBR = '{number}'", "THREE")
    await sql(box, f"DELETE FROM RM00101 WHERE CUSTNMBR = '{number}'", "THREE")
    async with hurried(box):
        assert await sweep(box, "THREE") == 1
        [entry] = await until(lambda: parked(box, number), bool, f"{number} parked")
    assert entry["code"] == "deleted_in_source"
    assert await sweep(box, "THREE") == 0
    await app(box, "parked", "discard", "--record", f"customer/THREE/{number}", "--why", "it left us")
    assert await sweep(box, "THREE") == 0


async def test_a_company_that_agrees_makes_no_traffic(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number, "THREE", PYMTRMID="Net 30", CRLMTTYP=2, CRLMTAMT=100, PHNUMBR1="42525501010000")
    await seen(dataverse, number)
    await at_rest(box, number)
    assert await sweep(box, "THREE") == 0


async def test_what_changed_while_change_tracking_was_off_is_found(box: Sandbox, dataverse: DataverseUser) -> None:
    changed, deleted = new_id(), new_id()
    for number in (changed, deleted):
        await type_customer(box, number)
        await seen(dataverse, number)
        await at_rest(box, number, "TWO")
    await box.stop("host")
    for enabled in (False, True):
        await door(box, "gp", "POST", "/change-tracking", database="TWO", table="RM00101", enabled=enabled)
        if not enabled:
            await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'While off' WHERE CUSTNMBR = '{changed}'")
            await sql(box, f"DELETE FROM RM00101 WHERE CUSTNMBR = '{deleted}'")
    await box.start("host")
    async with hurried(box):
        assert await sweep(box, "TWO") >= 2
        await seen(dataverse, changed, name="While off")
        [entry] = await until(lambda: parked(box, deleted), bool, f"{deleted} parked")
    assert entry["code"] == "deleted_in_source"


async def test_a_write_left_behind_is_settled(box: Sandbox, dataverse: DataverseUser, crosswalk: Crosswalk) -> None:
    number = new_id()
    await type_customer(box, number, "THREE")
    await seen(dataverse, number)
    async with hurried(box, 0.002):
        await leave_behind(crosswalk, number)

        async def settled() -> bool:
            await sweep(box, "THREE")
            return not (await couple(crosswalk, number)).intent

        await until(settled, bool, f"the write to {number} settled")
    await seen(dataverse, number, name=f"Customer {number}")
    assert len(await accounts(dataverse, number)) == 1


async def test_full_lanes_stop_the_reading_and_nothing_is_lost(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await box.stop("host")
    for _ in range(3):
        await put_on_lane(box, "not one of ours")
    await type_customer(box, number)
    status, out, err = await box.cli("poll", "--company", "TWO", "--json", GP365_LANE_DEPTH="3")
    assert status == 0, err
    assert '"full": true' in out
    assert f'"{FLOW}": 0' in out
    await box.start("host")
    await seen(dataverse, number)


async def couple(crosswalk: Crosswalk, number: str) -> Couple:
    return (await crosswalk.read("THREE", "customer", [number]))[number]


async def at_rest(box: Sandbox, number: str, company: str = "THREE") -> None:
    """Until the other direction has looked at a new account, too: what neither is told later is the sweep's."""

    async def flows() -> set[str]:
        status, out, _ = await box.cli("show", f"customer/{company}/{number}", "--json")
        return {line["flow"] for line in json.loads(out)["history"]} if status == 0 else set()

    await until(flows, lambda seen_by: seen_by == {FLOW, BACK}, f"{number} at rest")


async def leave_behind(crosswalk: Crosswalk, number: str) -> None:
    """Store the intent of a worker that died before it wrote, and whose message is gone."""
    row = await couple(crosswalk, number)
    fields = {"name": Planned("Never written", f"Customer {number}", "Never written")}
    intent = Intent(
        attempt="dead", message_id="gone", target="dataverse", create=False, version='W/"1"', fields=fields, flow=FLOW,
        reason="timestamp", seen_at=datetime.now(UTC).isoformat(),
    )  # fmt: skip
    [saved] = await crosswalk.save([(row, replace(row, intent=intent))])
    assert saved
