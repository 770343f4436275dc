"""The operator's tools on real parts: a load that survives what ends it, and looks that change nothing."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.child import ROOT, environment
from sandbox.scenarios.load import clean_customers, differences
from sandbox.scenarios.scenario import app
from sandbox.up import Sandbox
from tests.e2e.steps import door, fault

CUSTOMERS = 600
BACKFILL = ("backfill", "--company", "TWO", "--json")


@pytest.fixture(scope="module")
async def loaded() -> AsyncIterator[tuple[Sandbox, list[str]]]:
    """A sandbox of its own whose GP holds many customers before the app looks at it for the first time."""
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), parts=["storage", "identity", "gp", "dataverse"], time_scale=0.02) as box:
            await clean_customers(box, CUSTOMERS)
            rows = await door(box, "gp", "POST", "/sql", database="TWO", sql="SELECT CUSTNMBR FROM RM00101")
            keys = [row[0].rstrip(" ").upper() for row in rows["results"][0]["rows"]]
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
    await door(box, "gp", "POST", "/sql", database="TWO", sql="UPDATE RM00101 SET CUSTNAME = 'Changed'")
    process = await command(box, *BACKFILL)
    await box.ended("host")
    await box.start("host")
    status, [done] = await ended(process)
    assert (status, done["done"], done["waiting"]) == (0, len(keys), 0)
    assert await differences(box, keys) == []
