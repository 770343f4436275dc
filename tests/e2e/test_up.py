"""What a stranger runs, run as a stranger does: `up` and `demo` as processes, known by their lines alone."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gp365-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )


@pytest.fixture
async def up(state: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await start("up", "--json", "--state", str(state))
    yield process
    process.stdin.close()
    await process.wait()


async def test_an_app_killed_by_its_pid_comes_back_where_it_was(up, state):
    line = json.loads(await up.stdout.readline())["functions"]
    os.kill(line["pid"], signal.SIGKILL)
    again = json.loads(await up.stdout.readline())
    assert again["restarted"] == "functions"
    assert (again["url"], again["key"]) == (line["url"], line["key"])
    assert again["pid"] != line["pid"]
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{again['url']}/api/health")).text == "ok"

    doctor = await start("sync", "--state", str(state), "doctor", "--json")
    out, _ = await doctor.communicate()
    checks = [json.loads(text) for text in out.splitlines()]
    assert doctor.returncode == 0, [check for check in checks if not check["ok"]]
    assert len(checks) > 10


@pytest.mark.parametrize(("scenario", "played"), [("customers", 5), ("two-way", 10)])
async def test_the_demo_sees_every_step_and_says_so(state, scenario, played):
    demo = await start("demo", "--scenario", scenario, "--json", "--state", str(state))
    out, _ = await demo.communicate()
    *steps, last = [json.loads(text) for text in out.splitlines()]
    assert last == {"demo": "ok"}, steps
    assert demo.returncode == 0
    assert len(steps) == 1 + played
    assert all(step["ok"] and step["detail"] for step in steps)
