"""The work that all contestants do: clean customers in GP, and what each of them costs."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import simplejson

from sandbox.child import ROOT, environment
from sandbox.up import Sandbox
from sync.keys import company_key
from sync.runtime import Runtime, build
from sync.settings import read_settings

COMPANY = "TWO"
FLOW = "customer_gp_to_dataverse"


@dataclass(frozen=True)
class Cost:
    """What a stretch of work took: by the contestant's own account and by the stand-ins' doors.

    `refused` are answers 429, `execution` the seconds that the service protection limits count.
    """

    records: int
    seconds: float
    cpu_seconds: float
    requests: int
    operations: int
    refused: int
    execution: float
    sql: int
    storage: int
    polling: int

    def per_record(self, count: float) -> float:
        return round(count / self.records, 4)


class Counters:
    """The doors' counts since `reset`."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    async def reset(self) -> None:
        for part in ("storage", "dataverse"):
            await door(self._box, part, "DELETE", "/counts")

    async def read(self) -> tuple[Counter[str], Counter[str]]:
        """Storage calls by caller, and Dataverse's requests and operations."""
        storage: Counter[str] = Counter()
        for name, count in (await door(self._box, "storage", "GET", "/counts")).items():
            storage[name.partition(".")[0]] += count
        return storage, Counter(await door(self._box, "dataverse", "GET", "/counts"))


@asynccontextmanager
async def app(box: Sandbox) -> AsyncIterator[Runtime]:
    """The app's parts in this process, against the running sandbox."""
    with mock.patch.dict(os.environ, box.settings):
        runtime = build(read_settings())
    try:
        yield runtime
    finally:
        await runtime.close()


async def run(box: Sandbox, counters: Counters, records: int, module: str, *arguments: str, **settings: str) -> Cost:
    """Run a contestant to its end and count. Raises RuntimeError as `said_by`."""
    await counters.reset()
    said = await said_by(box, module, *arguments, **settings)
    storage, dataverse = await counters.read()
    return Cost(
        records=records,
        seconds=said["seconds"],
        cpu_seconds=said["cpu_seconds"],
        requests=dataverse["requests"],
        operations=sum(count for name, count in dataverse.items() if name.startswith("operations ")),
        refused=dataverse["429"],
        execution=dataverse["execution milliseconds"] / 1000,
        sql=said.get("sql_round_trips", 0),
        storage=storage["app"],
        polling=storage["host"],
    )


async def said_by(box: Sandbox, module: str, *arguments: str, **settings: str) -> dict[str, Any]:
    """What a module prints, run with the app's settings. Raises RuntimeError with its last words when it fails."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env=environment(**(box.settings | settings)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{module} ended with status {child.returncode}: {err.decode()[-2000:]}")
    return dict(json.loads(out))


async def write_rows(runtime: Runtime, keys: Sequence[str], file: Path) -> None:
    """What the rivals send of these customers: the same attributes as our line, less the state they can't create."""
    mapping = runtime.mappings["customer"]
    with file.open("w", encoding="utf-8") as lines:
        for key, record in (await runtime.gp.read(COMPANY, mapping, keys)).items():
            converted = mapping.convert(record.values, mapping.lookups)
            body = {name: halves.target for name, halves in converted.fields.items() if name != "statecode"}
            lines.write(simplejson.dumps({"key": company_key(COMPANY, key), "body": body}, use_decimal=True) + "\n")


async def door(box: Sandbox, part: str, method: str, path: str, **body: Any) -> Any:
    async with httpx.AsyncClient(base_url=box.ready[part]["admin"], timeout=600) as client:
        response = await client.request(method, path, json=body or None)
        response.raise_for_status()
        return response.json()
