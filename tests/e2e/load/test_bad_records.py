"""A bad record among 500 stops only itself: one that kills the worker, five that can't pass."""

import asyncio
from collections import Counter

from sandbox.scenarios.load import differences, edit
from sandbox.up import Sandbox
from sync.delivery import DEATHS
from sync.message import Message
from tests.e2e.load.steps import BULK, FLOW, at_rest, outcomes, parked, restart_killed
from tests.e2e.steps import door, fault, put_on_lane

RECORDS = 500
TO_SINGLE = 3
"""Deaths until 500 keys are single records: eighths of 63, of 8, of 1."""
ROW = "UPDATE RM00101 SET {change} WHERE CUSTNMBR = '{key}'"
MAIL = "INSERT INTO SY01200 (Master_Type, Master_ID, ADRSCODE, INET1) VALUES ('CUS', '{key}', 'PRIMARY', 'see notes')"
BAD = {
    "lookup_missing": ROW.replace("{change}", "PYMTRMID = 'Net 31'"),
    "value_required": ROW.replace("{change}", "CUSTNAME = ''"),
    "control_character": ROW.replace("{change}", "CUSTNAME = 'One' + char(11) + 'two'"),
    "value_invalid": ROW.replace("{change}", "CRLMTTYP = 2, CRLMTAMT = 0.00001"),
    "email_invalid": MAIL,
}


async def test_a_record_that_kills_the_worker_is_parked_alone_and_499_neighbours_are_done(
    load_box: Sandbox, customers: list[str]
) -> None:
    keys = customers[-RECORDS:]
    killer = keys[RECORDS // 2]
    message_id = await send(load_box, keys)
    deaths = await deaths_by(load_box, killer)
    await load_box.stop("host")

    [entry] = await parked(load_box, keys)
    assert (entry["key"], entry["code"]) == (killer, "worker_killed")
    assert killer in entry["message"]
    assert deaths == TO_SINGLE + DEATHS
    neighbours = [key for key in keys if key != killer]
    assert await differences(load_box, neighbours) == []
    assert await differences(load_box, [killer]) == [f"{killer} has 0 accounts"]
    ends = await outcomes(load_box, [message_id])
    assert {key for _, key in ends} - {killer} == set(neighbours)
    assert {tuple(ends[message_id, key]) for key in neighbours} <= {("created",), ("updated",)}


async def test_five_bad_rows_in_500_are_parked_with_their_causes_and_495_are_done(
    load_box: Sandbox, customers: list[str]
) -> None:
    keys = customers[-2 * RECORDS : -RECORDS]
    bad = dict(zip(keys[50::100], BAD, strict=True))
    for key, cause in bad.items():
        await edit(load_box, BAD[cause].format(key=key))
    await load_box.start("host")
    message_id = await send(load_box, keys)
    await at_rest(load_box)
    await load_box.stop("host")

    assert {entry["key"]: entry["code"] for entry in await parked(load_box, keys)} == bad
    assert await differences(load_box, [key for key in keys if key not in bad]) == []
    ends = await outcomes(load_box, [message_id])
    assert Counter(tuple(results) for results in ends.values()) == {("created",): 495, ("parked",): 5}


async def send(box: Sandbox, keys: list[str]) -> str:
    """One message with all of the keys; its id."""
    message = Message.new(FLOW, "TWO", keys, "reread")
    await put_on_lane(box, message.to_json(), lane=BULK)
    return message.message_id


async def deaths_by(box: Sandbox, killer: str) -> int:
    """Run hosts, each of which dies when it writes the killer's account, until all is at rest; how many died."""
    rest = asyncio.create_task(at_rest(box, 300))
    deaths = 0
    while not rest.done():
        # The first look at the lane waits until the trap is laid.
        await fault(box, "storage", at="storage.before", match=rf"^queue\.get [^\n]*/{BULK}/", do="delay", seconds=1)
        await restart_killed(box)
        await fault(
            box,
            "dataverse",
            at="dataverse.before",
            match=f'"accountnumber": ?"{killer}"',
            do="kill",
            process=box.ready["host"]["pid"],
        )
        ended = asyncio.create_task(box.ended("host"))
        await asyncio.wait({rest, ended}, return_when=asyncio.FIRST_COMPLETED)
        deaths += ended.done()
        ended.cancel()
    for part in ("storage", "dataverse"):
        await door(box, part, "DELETE", "/faults")
    await rest
    return deaths
