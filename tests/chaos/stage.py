"""The sandbox of a campaign: it stays up, and each history finds both sides empty, in an environment that is new to the app."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import yaml

from sandbox.scenarios.load import edit
from sandbox.scenarios.scenario import NotSeen, at_door, door
from sandbox.up import Sandbox
from tests.chaos.books import Books
from tests.chaos.forks import ForkedChild
from tests.chaos.operator import run
from tests.chaos.people import TABLES
from tests.chaos.plan import COMPANIES, History, Setting
from tests.chaos.secrets import secrets_of, told
from tests.chaos.troubles import TIMEOUT
from tests.chaos.verdict import Found

SCALE = 0.01
TICK = 2
"""Seconds between two polls of either side."""

RESTING = "00:03:20"
"""Between two looks at a queue that has been empty for long, before it is scaled."""

ROOM = "32"
"""Calls that each system may have under way: a killed host leaves its slots taken until their leases end, for others to wait for."""

NEVER = "0 0 0 29 2 *"
EVERY = f"*/{TICK} * * * * *"
CLEAN = "clean"
PARTS = ("storage", "gp", "dataverse")
MOVED = ("app.queue.put", "host.queue.put", "host.queue.delete", "host.queue.update")
COUNTED = ("operations create", "operations update", "operations delete", "webhooks")


class Stage:
    """One sandbox, and the app on it."""

    def __init__(self, state: Path) -> None:
        self.box = Sandbox(state, time_scale=SCALE, webhooks=True, host=ForkedChild)
        self._overlays = state / "overlays"
        self.hosts: list[str] = []

    async def open(self) -> None:
        """Start every part, and keep the environment as it is with our columns and webhooks."""
        self._overlays.mkdir(parents=True, exist_ok=True)
        self.box.overrides |= {
            "GP365_OVERLAYS": str(self._overlays),
            "GP365_DATAVERSE_TIMEOUT": str(TIMEOUT),
            "GP365_GP_LIMIT": ROOM,
            "GP365_DATAVERSE_LIMIT": ROOM,
            "GP365_SWEEP_SCHEDULE": NEVER,
            "GP365_POLL_SCHEDULE": EVERY,
            "GP365_DELTA_SCHEDULE": EVERY,
            "GP365_ALERT_SCHEDULE": NEVER,
            "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": RESTING,
        }
        self._lay(None)
        await self.box.__aenter__()
        self.books = Books(str(self.box.contract["storage"]["connection_string"]))
        self.hosts = ["host"]
        await self.stop_hosts()
        await door(self.box, "dataverse", "POST", f"/copies/{CLEAN}")

    async def close(self) -> None:
        if hasattr(self, "books"):
            await self.books.close()
        await self.box.close()

    async def prepare(self, history: History) -> None:
        """Empty both sides and the app's storage, and set the pair as the history has it; no host runs."""
        await self.stop_hosts()
        for part in PARTS:
            await door(self.box, part, "DELETE", "/faults")
            await door(self.box, part, "DELETE", "/counts")
        await self.books.wipe()
        for company in COMPANIES:
            for table in TABLES:
                await edit(self.box, f"DELETE FROM {table}", company)
            await door(self.box, "gp", "POST", "/normalising-post", company=company, enabled=history.setting.post)
        await door(self.box, "gp", "POST", "/clock", ahead=0)
        await self._door("POST", f"/copies/{CLEAN}/restore?into=another")
        await self._door("PUT", "/plugins", [CAPITALS] if history.setting.capitals else [])
        self.box.overrides["GP365_DATAVERSE_BULK"] = history.setting.bulk
        self._lay(history.setting)

    async def start_hosts(self, count: int) -> None:
        for name in ["host", *(f"host-{number}" for number in range(2, count + 1))]:
            self.hosts.append(name)
            await self.box.start(name)

    async def stop_hosts(self) -> None:
        """At once: what they had in hand is of a history that is over."""
        for name in self.hosts:
            with contextlib.suppress(ProcessLookupError):
                await self.box.kill(name)
        self.hosts = []

    async def command(self, *arguments: str) -> list[dict[str, Any]]:
        """An operator's command; a system that is just away is waited for."""
        for _ in range(20):
            with contextlib.suppress(NotSeen):
                return await self.once(*arguments)
            await asyncio.sleep(0.5)
        return await self.once(*arguments)

    async def once(self, *arguments: str) -> list[dict[str, Any]]:
        """An operator's command. Raises NotSeen when it ends with anything but 0."""
        status, out, err = await run([*arguments, "--json"], self.box.settings)
        if status:
            raise NotSeen(f"`python -m sync {' '.join(arguments)}` ended with status {status}: {err.strip() or out}")
        return [json.loads(line) for line in out.splitlines() if line.strip()]

    async def accounts(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self._door("GET", "/rows/accounts")
        return rows

    async def customers(self, company: str) -> list[dict[str, Any]]:
        """The customers of a company, with the columns that people edit."""
        rows = await edit(self.box, CUSTOMERS, company)
        return [dict(zip(COLUMNS, map(_trimmed, row), strict=True)) for row in rows]

    async def found(self) -> Found:
        """Both sides, and the app's own books."""
        customers = {company: await self.customers(company) for company in COMPANIES}
        tables = [await self.books.rows(name) for name in ("crosswalk", "parked", "ledger", "modes")]
        return Found(customers, await self.accounts(), *tables)

    def log(self, host: str) -> list[str]:
        """The lines of a host's log, oldest first."""
        return (self.box.state / "logs" / f"{host}.log").read_text(encoding="utf-8", errors="replace").splitlines()

    async def secrets(self, messages: list[str]) -> list[str]:
        """Where something secret of the settings is found: in a table, a log of a host, or these messages."""
        logs = [
            file.read_text(encoding="utf-8", errors="replace") for file in (self.box.state / "logs").glob("host*.log")
        ]
        return list(told(secrets_of(self.box.settings), await self.books.everything(), messages, "\n".join(logs)))

    async def quiet(self, seconds: float) -> bool:
        """Wait until for some looks no message has moved and nothing was told, and the lanes are empty; whether that came."""
        still, before = 0, ""
        for _ in range(int(seconds / LOOK)):
            now = await self._stirred()
            still = still + 1 if now == before else 0
            if still >= STILL:
                if not await self.books.waiting():
                    return True
                still = 0
            before = now
            await asyncio.sleep(LOOK)
        return False

    async def _stirred(self) -> str:
        """What would be different if a message had moved: asked where it costs next to nothing."""
        storage = await door(self.box, "storage", "GET", "/counts")
        dataverse = await door(self.box, "dataverse", "GET", "/counts")
        return f"{[storage.get(name) for name in MOVED]}{[dataverse.get(name) for name in COUNTED]}"

    async def pulse(self) -> str:
        """What would be different if something had been written."""
        counts = await door(self.box, "dataverse", "GET", "/counts")
        stamps = [await edit(self.box, STAMP, company) for company in COMPANIES]
        return f"{[counts.get(name) for name in COUNTED]}{stamps}"

    async def _door(self, method: str, path: str, body: object = None) -> Any:
        async with at_door(self.box, "dataverse") as client:
            return (await client.request(method, path, json=body)).raise_for_status().json()

    def _lay(self, setting: Setting | None) -> None:
        (self._overlays / "customer.yaml").write_text(yaml.safe_dump(overlay(setting)), encoding="utf-8")


COLUMNS = ("CUSTNMBR", "NOTEINDX", "INACTIVE", "CUSTNAME", "PHONE1", "CITY", "ADDRESS1", "INET1")
CUSTOMERS = """
    SELECT c.CUSTNMBR, c.NOTEINDX, c.INACTIVE, c.CUSTNAME, c.PHONE1, a.CITY, a.ADDRESS1, i.INET1
    FROM RM00101 c
    LEFT JOIN RM00102 a ON a.CUSTNMBR = c.CUSTNMBR AND a.ADRSCODE = c.ADRSCODE
    LEFT JOIN SY01200 i ON i.Master_Type = 'CUS' AND i.Master_ID = c.CUSTNMBR AND i.ADRSCODE = c.ADRSCODE
"""
CAPITALS = {"table": "account", "column": "name", "do": "upper", "on": ["Create", "Update"]}
STAMP = "SELECT MAX(DEX_ROW_TS), COUNT(*) FROM RM00101 UNION ALL SELECT MAX(DEX_ROW_TS), COUNT(*) FROM RM00102"
LOOK, STILL = 0.5, 5
"""Seconds between two looks, and how many of them must find the same: longer than between two polls of either side."""


def overlay(setting: Setting | None) -> dict[str, Any]:
    """What a history lays over the shipped mapping."""
    laid: dict[str, Any] = {
        "company": "accountcategorycode = 1 ? 'TWO' : 'THREE'",
        "brake": {"changes": "100%", "deletes": "100%"},
    }
    if setting:
        laid |= {
            "approve": setting.approve,
            "first_sync": setting.first_sync,
            "on_delete": {"gp": setting.gone_in_gp, "d365": setting.gone_in_d365},
            "fields": [{"dataverse": "name", "owner": setting.owner, "first_sync": "gp"}],
        }
    return laid


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
