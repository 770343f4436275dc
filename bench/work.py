"""The work that all contestants do: clean customers in GP, and what each of them costs."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import simplejson

from sandbox.child import ROOT, environment
from sandbox.up import Sandbox
from sync.keys import company_key
from sync.runtime import Runtime

COMPANY = "TWO"
FLOW = "customer_gp_to_dataverse"


@dataclass(frozen=True)
class Cost:
    """What a stretch of work took: by the contestant's own account and by the stand-ins' doors."""

    records: int
    seconds: float
    cpu_seconds: float
    peak_kib: int
    requests: int
    operations: int
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


async def run(box: Sandbox, counters: Counters, records: int, module: str, *arguments: str, **settings: str) -> Cost:
    """Run a contestant to its end. Raises RuntimeError with its last words when it fails."""
    await counters.reset()
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
    said: dict[str, Any] = json.loads(out)
    storage, dataverse = await counters.read()
    return Cost(
        records=records,
        seconds=said["seconds"],
        cpu_seconds=said["cpu_seconds"],
        peak_kib=said.get("peak_kib", 0),
        requests=dataverse["requests"],
        operations=sum(count for name, count in dataverse.items() if name.startswith("operations ")),
        sql=said.get("sql_round_trips", 0),
        storage=storage["app"],
        polling=storage["host"],
    )


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
