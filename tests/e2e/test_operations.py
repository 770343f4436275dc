"""The operator's tools on real parts: a load that survives what ends it, and looks that change nothing."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from sandbox.child import ROOT, environment
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.load import clean_customers, differences, edit, listed
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import fault, overlay

CUSTOMERS = 600
BACKFILL = ("backfill", "--company", "TWO", "--json")


@pytest.fixture(scope="module")
async def loaded() -> AsyncIterator[tuple[Sandbox, list[str]]]:
    """A sandbox of its own whose GP holds many customers before the app looks at it for the first time."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), parts=["storage", "identity", "gp", "dataverse"], time_scale=0.02) as box:
            await clean_customers(box, CUSTOMERS)
            keys = [row[0].rstrip(" ").upper() for row in await edit(box, "SELECT CUSTNMBR FROM RM00101")]
            await box.start("host")
            yield box, keys


async def command(box: Sandbox, *arguments: str) -> asyncio.subprocess.Process:
    """An operator's command that runs on while the test goes on."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sync", *arguments),
        cwd=ROOT,
        env=environment(**box.settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int, list[dict[str, Any]]]:
    out, err = await process.communicate()
    assert process.returncode is not None
    print(err.decode())
    return process.returncode, [json.loads(line) for line in out.decode().splitlines()]


async def test_a_backfill_killed_in_the_middle_goes_on_and_makes_each_account_once(
    loaded: tuple[Sandbox, list[str]],
) -> None:
    box, keys = loaded
    process = await command(box, *BACKFILL)
    # The first page is on the lane, its place is not stored yet.
    kill = {"do": "kill", "process": process.pid, "text": "place"}
    await fault(box, "storage", at="storage.before", match=r"table\.replace [^\n]*runs", **kill)
    status, _ = await ended(process)
    assert status == -9
    [run] = await app(box, "runs", "list")
    assert (run["state"], run["sent"], run["total"]) == ("running", 0, len(keys))
    status, [done] = await ended(await command(box, *BACKFILL))
    assert status == 0
    assert (done["id"], done["state"]) == (run["id"], "done")
    assert (done["done"], done["created"] + done["updated"]) == (len(keys), len(keys))
    assert await differences(box, keys) == []


async def test_progress_reaches_all_though_the_host_is_killed(loaded: tuple[Sandbox, list[str]]) -> None:
    box, keys = loaded
    kill = {"do": "kill", "process": box.ready["host"]["pid"], "text": "host"}
    await fault(box, "dataverse", at="dataverse.after", match=r"\$batch", **kill)
    # Few enough that the brake lets them pass.
    await edit(box, f"UPDATE RM00101 SET CUSTNAME = 'Changed' WHERE CUSTNMBR IN ({listed(keys[:200])})")
    process = await command(box, *BACKFILL)
    await box.ended("host")
    await box.start("host")
    status, [done] = await ended(process)
    assert (status, done["done"], done["waiting"]) == (0, len(keys), 0)
    assert await differences(box, keys) == []


async def contents(box: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Everything in the app's tables, but for the gate's leases: whoever reads a system takes one."""
    connection = box.contract["storage"]["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as service:
        names = [table.name async for table in service.list_tables() if table.name != "gates"]
        return {name: [dict(row) async for row in service.get_table_client(name).list_entities()] for name in names}


async def described(box: Sandbox) -> list[str | None]:
    async with DataverseUser(box.contract["dataverse"]) as user:
        return [row["description"] for row in await user.all_rows("accounts", select="description")]


async def test_a_preview_tells_what_would_be_done_and_writes_nothing(loaded: tuple[Sandbox, list[str]]) -> None:
    box, keys = loaded
    await box.stop("host")
    try:
        await edit(box, f"UPDATE RM00101 SET CUSTNAME = 'Previewed' WHERE CUSTNMBR = '{keys[0]}'")
        await edit(box, f"UPDATE RM00101 SET PYMTRMID = 'Net 31' WHERE CUSTNMBR = '{keys[1]}'")
        before = await contents(box)
        shown = {each["key"]: each for each in await app(box, "preview", "--company", "TWO", "--count", "30")}
        assert await contents(box) == before
    finally:
        await edit(box, f"UPDATE RM00101 SET PYMTRMID = '' WHERE CUSTNMBR = '{keys[1]}'")
        await box.start("host")
    assert len(shown) == 30
    assert shown[keys[0]]["would"] == "update"
    [name] = [each for each in shown[keys[0]]["fields"] if each["does"] == "write"]
    assert (name["field"], name["wanted"], name["rule"]) == ("name", "Previewed", "source changed")
    assert (shown[keys[1]]["would"], shown[keys[1]]["code"]) == ("park", "lookup_missing")
    assert {each["would"] for key, each in shown.items() if key not in keys[:2]} == {"leave"}


async def test_a_newly_mapped_field_makes_no_traffic_until_a_backfill_names_it(
    loaded: tuple[Sandbox, list[str]],
) -> None:
    box, keys = loaded
    text = "pair: customer\nfields:\n  - {gp: COMMENT1, dataverse: description}\n"
    await until(lambda: differences(box, keys), lambda found: not found, "what was typed before, brought over")
    async with overlay(box, text):
        await edit(box, "UPDATE RM00101 SET COMMENT1 = 'Since 1987'")
        [done] = await app(box, *BACKFILL[:-1], "--restart")
        assert (done["done"], done["updated"]) == (len(keys), 0)
        assert set(await described(box)) == {None}
        [done] = await app(box, *BACKFILL[:-1], "--field", "description")
        assert (done["fields"], done["updated"]) == (["description"], len(keys))
        assert set(await described(box)) == {"Since 1987"}
