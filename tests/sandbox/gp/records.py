"""What the tests of `sync.systems.gp.records` share: a customer of their own, looks and writes, other people's edits."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymssql
from pydantic import SecretStr

from sandbox.gp.econnect import custom
from sandbox.gp.procedures import addresses, customers, internet
from sandbox.tsql.procedures import Procedure
from sync.mapping import Mapping, load_all
from sync.system import Ask, Record, Verdict, Write
from sync.systems.gp.client import GpClient, GpSettings
from sync.systems.gp.records import GpRecords
from sync.value import Value
from tests.sandbox.gp import calls
from tests.sandbox.gp.conftest import Endpoint

NODES = {"customer": customers.CUSTOMER, "address": addresses.ADDRESS, "internet": internet.INTERNET}
_NUMBERS = itertools.count(1)


class World:
    """One company with one caller. `key` is a customer with a main, a bill-to, a ship-to and an internet address."""

    def __init__(self, gp: Endpoint, user: str = "gp365") -> None:
        self.gp = gp
        self.mapping: Mapping = load_all(Path("sync/mappings"))["customer"]
        self.settings = GpSettings(
            server="127.0.0.1",
            port=int(str(gp.announced["port"])),
            user=user,
            password=SecretStr(gp.server.passwords[user]),
            companies=("TWO",),
            lock_timeout_ms=200,
        )
        self.client = GpClient(self.settings)
        self.records = GpRecords(self.client)
        self.key = self.new_key()

    @staticmethod
    def new_key() -> str:
        return f"W{next(_NUMBERS):04}"

    @staticmethod
    def mark() -> str:
        return uuid.uuid4().hex

    async def look(self, key: str = "") -> Record:
        seen = await self.records.look("TWO", self.mapping, Ask(ids=[key or self.key]))
        return seen.by_id[key or self.key]

    async def update(self, values: dict[str, Value], key: str = "", **other: Any) -> Write:
        """A write decided on what GP holds now, that may end within a minute."""
        seen = await self.records.look("TWO", self.mapping, Ask(ids=[key or self.key]))
        record = seen.by_id[key or self.key]
        assert seen.at is not None
        write = Write(record.key, values, self.mark(), version=record.version, seen=record)
        return replace(write, not_after=seen.at + timedelta(minutes=1), **other)

    def create(self, key: str, values: dict[str, Value], **other: Any) -> Write:
        return Write(key, {"CUSTNAME": "New", **values}, self.mark(), create=True, **other)

    async def write(self, *writes: Write) -> list[Verdict]:
        return await self.records.write("TWO", self.mapping, writes)

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Run by `sa`; the rows of the last result, text without its padding."""
        with self.gp.server.connect("TWO") as admin:
            results = admin.run(text)
        rows = results[-1].rows if results else []
        return [tuple(each.rstrip() if isinstance(each, str) else each for each in row) for row in rows]

    def stored(self, columns: str, table: str = "RM00101", where: str = "", key: str = "") -> tuple[Any, ...]:
        owner = "Master_ID" if table == "SY01200" else "CUSTNMBR"
        [row] = self.sql(f"SELECT {columns} FROM {table} WHERE {owner} = '{key or self.key}' {where}")
        return row

    def make(self) -> None:
        """Make the customer, as a person in GP would."""
        with self.gp.connect("TWO", "sa") as sa:
            self._call(sa, "taUpdateCreateCustomerRcd", _CUSTOMER)
            for address in _ADDRESSES:
                self._call(sa, "taCreateCustomerAddress", address)
            self._call(sa, "taCreateInternetAddresses", {"Master_Type": "CUS", "Master_ID": self.key, **_INTERNET})
            sa.commit()

    def forget(self) -> None:
        """Take away all customers of these tests: others count those of the sample."""
        for table, column in (("SY01200", "Master_ID"), *((f"RM0010{n}", "CUSTNMBR") for n in (2, 3, 1))):
            self.sql(f"DELETE FROM {table} WHERE {column} LIKE 'W[0-9][0-9][0-9][0-9]'")

    def _call(self, sa: pymssql.Connection, procedure: str, values: dict[str, object]) -> None:
        key = {} if "Master_ID" in values else {"CUSTNMBR": self.key}
        assert calls.call(sa, procedure, **key, **values) == calls.Answer(0, 0, "")

    @contextmanager
    def customised(self, node: str, stage: str, body: str | Callable[[Any], int]) -> Iterator[None]:
        """A partner's Pre or Post procedure for a while."""
        two, procedure = self.gp.server.catalogs["TWO"], custom(NODES[node], stage, body)
        two.add_procedure(procedure)
        yield
        two.add_procedure(Procedure(procedure.name, procedure.parameters, lambda _: 0))

    @contextmanager
    def locked(self, table: str, where: str) -> Iterator[None]:
        """Somebody has rows open for change."""
        with self.gp.connect("TWO", "sa") as sa:
            calls.run(sa, f"SELECT * FROM {table} WITH (UPDLOCK) WHERE {where}")
            yield

    def wait_until_blocked(self) -> None:
        """Until somebody waits for a lock. Raises TimeoutError when nobody does."""
        patience = time.monotonic() + 20
        with self.gp.server.engine.connect() as postgres:
            while not postgres.execute(b"SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                if time.monotonic() > patience:
                    raise TimeoutError("nobody waits for a lock")

    def in_a_thread(self, work: Any) -> threading.Thread:
        thread = threading.Thread(target=work)
        thread.start()
        return thread


_CUSTOMER: dict[str, object] = {
    "CUSTNAME": "Café Zürich",
    "ADRSCODE": "PRIMARY",
    "PRBTADCD": "BILLING",
    "PRSTADCD": "WAREHOUSE",
    "ADDRESS1": "1 Main",
    "CITY": "Chicago",
    "PHNUMBR1": "31255501020000",
    "PHNUMBR2": "",
    "PYMTRMID": "Net 30",
    "CRLMTTYP": 2,
    "CRLMTAMT": 1500,
    "GPSFOINTEGRATIONID": "front office 7",
    "INTEGRATIONSOURCE": 3,
}
_ADDRESSES: tuple[dict[str, object], ...] = (
    {"ADRSCODE": "BILLING", "ADDRESS1": "2 Bill", "ADDRESS2": "Floor 2", "CITY": "Ames", "ZIPCODE": "50010"},
    {"ADRSCODE": "WAREHOUSE", "ADDRESS1": "3 Ship", "ADDRESS2": "", "CITY": "Gary", "ZIPCODE": "46401"},
)
_INTERNET: dict[str, object] = {
    "ADRSCODE": "PRIMARY",
    **{f"INET{number}": f"inet {number}" for number in range(1, 9)},
    "INETINFO": "line 1\r\nline 2 'quoted'",
    "Messenger_Address": "messenger",
    "EmailToAddress": "to@x.example",
    "EmailCcAddress": "cc@x.example",
    "EmailBccAddress": "bcc@x.example",
}
