"""Following docs/howto/add-a-flow.md adds a flow: two added files, no edit, and a vendor arrives."""

import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.child import environment
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import until

ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto" / "add-a-flow.md"
CODE = re.compile(r"^`(sync/[^`]+)`:\n\n```\w+\n(.*?)```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def project() -> Iterator[Path]:
    """A copy of the project with the two files of the how-to added."""
    with tempfile.TemporaryDirectory(prefix="gp365-flow-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder)
        for name in ("sync", "sandbox"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("function_app.py", "host.json"):
            shutil.copy(ROOT / name, copy / name)
        (copy / ".sandbox").mkdir()
        (copy / ".sandbox" / "node").symlink_to(ROOT / ".sandbox" / "node")
        files = CODE.findall(HOWTO.read_text(encoding="utf-8"))
        assert len(files) == 2
        for path, text in files:
            assert not (copy / path).exists()
            (copy / path).write_text(text, encoding="utf-8")
        yield copy


@asynccontextmanager
async def up(project: Path) -> AsyncIterator[dict[str, Any]]:
    """`up` in that project; yields its ready line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "up", "--json", "--state", str(project / "state")),
        cwd=project,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def test_two_files_from_the_how_to_make_a_vendor_arrive(project: Path) -> None:
    async with up(project) as contract, DataverseUser(contract["dataverse"]) as dataverse:
        insert = (
            "INSERT INTO PM00200 (VENDORID, VENDNAME, CITY, PHNUMBR1, NOTEINDX) "
            "VALUES ('NORDIC0001', 'Nordic Steel', 'Oslo', '41455501450000', 900001)"
        )
        async with httpx.AsyncClient(base_url=contract["admin"]["gp"], timeout=30) as door:
            (await door.post("/sql", json={"database": "TWO", "sql": insert})).raise_for_status()

        async def rows() -> list[dict[str, Any]]:
            return await dataverse.rows("accounts", select="name,address1_city", filter="accountnumber eq 'NORDIC0001'")

        [account] = await until(rows, bool, "the vendor in Dataverse")
        assert (account["name"], account["address1_city"]) == ("Nordic Steel", "Oslo")
