"""Values that can't pass, on real parts: each is said in words, stops no other record, and passes once mended."""

import json
from typing import Any

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.message import Message
from tests.e2e.steps import door, new_id, overlay, parked, put_on_lane, seen, sql, type_customer

LONG = "A name of many more letters than ten"
COLUMN = "dataverse:\n  columns:\n    gp365_short: {{type: String, maxLength: {length}, label: Short}}\n"
FIELD = "fields:\n  - {{gp: CUSTNAME, dataverse: gp365_short, one_way: gp, too_long: {policy}}}\n"


async def test_a_name_longer_than_its_column_is_parked_and_stops_no_other(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    bad, good = new_id(), new_id()
    async with overlay(box, (COLUMN + FIELD).format(length=10, policy="refuse")):
        await type_customer(box, bad, CUSTNAME=LONG)
        await type_customer(box, good, CUSTNAME="Short")
        [entry] = await until(lambda: parked(box, bad), bool, f"{bad} parked")
        await seen(dataverse, good)
        assert entry["code"] == "value_too_long"
        assert f"CUSTNAME '{LONG}' has {len(LONG)} characters, Dataverse's gp365_short takes 10" in entry["message"]
        await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Shorter' WHERE CUSTNMBR = '{bad}'")
        await seen(dataverse, bad, name="Shorter")


async def test_a_name_that_only_dataverse_finds_too_long_is_parked_in_its_words(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    bad, good = new_id(), new_id()
    narrow, wide = COLUMN.format(length=10), (COLUMN + FIELD).format(length=65, policy="refuse")
    async with overlay(box, wide, provision=narrow):
        await type_customer(box, bad, CUSTNAME=LONG)
        await type_customer(box, good, CUSTNAME="Short")
        [entry] = await until(lambda: parked(box, bad), bool, f"{bad} parked")
        await seen(dataverse, good)
        assert entry["code"] == "value_too_long"
        assert "gp365_short" in entry["message"]
        await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Shorter' WHERE CUSTNMBR = '{bad}'")
        await seen(dataverse, bad, name="Shorter")


async def test_letters_outside_the_code_page_arrive_as_gp_keeps_them(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await type_customer(box, number, CUSTNAME="Жук 漢 Łódź")
    query = f"SELECT CUSTNAME FROM RM00101 WHERE CUSTNMBR = '{number}'"
    answer = await door(box, "gp", "POST", "/sql", database="TWO", sql=query)
    kept = answer["results"][0]["rows"][0][0].rstrip()
    assert "?" in kept
    await seen(dataverse, number, name=kept)
    assert await parked(box, number) == []


async def test_an_id_that_gp_can_not_hold_is_not_in_gp_and_stops_no_other(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    odd, good = f"ЖУК{new_id()[:8]}", new_id()
    await box.stop("host")
    await type_customer(box, good)
    await put_on_lane(box, Message.new("customer_gp_to_dataverse", "TWO", [odd, good], "timestamp").to_json())
    await box.start("host")
    await seen(dataverse, good)

    async def history() -> list[dict[str, Any]]:
        _, out, _ = await box.cli("show", f"customer/TWO/{odd}", "--json")
        return json.loads(out).get("history", [])

    [line] = await until(history, bool, f"the end of {odd}")
    assert (line["result"], line["text"]) == ("skipped", "not in GP")
    assert [entry for entry in await app(box, "parked", "list") if entry["key"] == odd] == []
