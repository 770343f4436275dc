"""The stand-in as a process: ready line, end of standard input, restart with everything kept."""

import asyncio
import json
import ssl
import sys

import httpx

from sandbox.identity import tokens
from sandbox.identity.registry import Registry


async def start(state, port=0):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.dataverse", "--state", str(state), "--port", str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    return process, json.loads(await process.stdout.readline())


async def stop(process):
    process.stdin.close()
    assert await process.wait() == 0


async def test_a_restart_on_the_same_port_keeps_rows_and_tokens(tmp_path):
    registry = Registry(tmp_path / "identity")
    process, ready = await start(tmp_path)
    token = tokens.issue(registry, registry.tenant().applications[0], ready["url"], 600)
    client = httpx.AsyncClient(
        base_url=f"{ready['url']}/api/data/v9.2/",
        headers={"Authorization": f"Bearer {token}"},
        verify=ssl.create_default_context(cafile=ready["ca_file"]),
    )
    made = await client.post("accounts", json={"name": "A"})
    etag = (await client.get(made.headers["Location"])).headers["ETag"]
    await stop(process)
    process, again = await start(tmp_path, port=ready["url"].rsplit(":", 1)[1])
    assert again["organization_id"] == ready["organization_id"]
    assert (await client.get(made.headers["Location"])).headers["ETag"] == etag
    await client.aclose()
    await stop(process)
