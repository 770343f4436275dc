"""The GP stand-in as one thing: engine, TDS endpoint and admin door over one data folder."""

import asyncio
import json
import secrets
from pathlib import Path

from sandbox.door import Door
from sandbox.gp import routes, seed
from sandbox.gp.admin import Admin
from sandbox.gp.catalog import GpCatalog
from sandbox.gp.load import add_customers
from sandbox.gp.logins import COMPANIES, logins
from sandbox.gp.tables import SYSTEM
from sandbox.tds.server import TdsServer
from sandbox.tsql.engine import SqlEngine
from sandbox.tsql.postgres import copy_data

_TRACKED_COMPANY = "TWO"
_TRACKED = ("RM00101", "RM00102", "RM00103", "RM00106", "SY01200", "SY03300", "SY03900")


class GpServer:
    """Starts and stops everything; `data` keeps the databases and the passwords between runs."""

    def __init__(self, data: Path) -> None:
        self._databases, self._saved = data / "postgres", data / "restore-point"
        self.door = Door("gp", data / "gaps.jsonl")
        self.passwords = _passwords(data / "passwords.json")
        self.catalogs = {name: GpCatalog(name, self.door.gaps) for name in (SYSTEM, *COMPANIES)}
        self.engine = SqlEngine(self._databases, list(self.catalogs.values()), logins(self.passwords), self.door)
        self._wire = TdsServer(self.engine, self.door)
        routes.add(self.door.routes, self)

    async def start(self, port: int = 0, admin_port: int = 0, customers: int = 0) -> dict[str, object]:
        """Serve on 127.0.0.1; `customers` more are generated for TWO when it is new. Returns what to announce."""
        try:
            await asyncio.to_thread(self.engine.start)
            await asyncio.to_thread(self._seed, customers)
            return await self._serve(port, admin_port)
        except BaseException:
            await self.stop()
            raise

    async def _serve(self, port: int, admin_port: int) -> dict[str, object]:
        return {
            "host": "127.0.0.1",
            "port": await self._wire.start(port=port),
            "user": "gp365",
            "password": self.passwords["gp365"],
            "sa_password": self.passwords["sa"],
            "reader_password": self.passwords["reader"],
            "databases": list(COMPANIES),
            "admin": await self.door.start(admin_port),
        }

    async def stop(self) -> None:
        await self._wire.stop()
        await self.door.stop()
        await asyncio.to_thread(self.engine.stop)

    def connect(self, database: str) -> Admin:
        """A connection of `sa`, not counted by the wire."""
        return Admin(self.engine, self.passwords["sa"], database)

    def save_restore_point(self) -> None:
        """Keep a copy of all databases as they are now. Connections are cut, as by a restore."""
        self._copy_stopped(self._databases, self._saved)

    def restore(self) -> None:
        """Bring back the copy: rows, change versions and next numbers. FileNotFoundError when there is none."""
        if not self._saved.exists():
            raise FileNotFoundError(self._saved)
        self._copy_stopped(self._saved, self._databases)

    def _copy_stopped(self, source: Path, target: Path) -> None:
        self.engine.stop()
        copy_data(source, target)
        self.engine.start()
        self.engine.plans.clear()

    def _seed(self, customers: int) -> None:
        with self.connect(SYSTEM) as admin:
            if admin.run("SELECT CMPANYID FROM SY01500")[0].rows:
                return
            admin.run("BEGIN TRAN")
            seed.system(admin)
            for company in COMPANIES:
                admin.run(f"USE {company}")
                seed.company(admin, company)
            admin.run("COMMIT")
        for table in (None, *_TRACKED):
            self.engine.set_change_tracking(_TRACKED_COMPANY, table, True)
        if customers:
            add_customers(self.engine, _TRACKED_COMPANY, customers, seed=1)


def _passwords(file: Path) -> dict[str, str]:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps({user: secrets.token_urlsafe(16) for user in ("sa", "gp365", "reader")}))
    return json.loads(file.read_text())
