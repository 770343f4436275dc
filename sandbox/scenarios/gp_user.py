"""A person at Dynamics GP, as far as the company database can tell: real pymssql and eConnect procedures."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pymssql


class Refused(Exception):
    """eConnect refused a document; the text holds its error numbers."""


class GpUser:
    """Types documents into the company database named in `gp` (the "gp" of the sandbox's contract)."""

    def __init__(self, gp: Mapping[str, Any]) -> None:
        self._gp = gp

    async def type_in(self, procedure: str, **values: object) -> None:
        """Run one eConnect procedure (parameters without their `@I_v`) in its own transaction; raises Refused."""
        async with self.typing(procedure, **values):
            pass

    @asynccontextmanager
    async def typing(self, procedure: str, **values: object) -> AsyncIterator[None]:
        """As `type_in`, saved when the block ends: until then nobody else sees it."""
        with await asyncio.to_thread(self._connect) as connection:
            await asyncio.to_thread(_execute, connection, procedure, values)
            yield
            await asyncio.to_thread(connection.commit)

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query finds, by column; texts without the blanks that GP pads them with."""
        return await asyncio.to_thread(self._rows, query)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with self._connect() as connection, connection.cursor(as_dict=True) as cursor:
            cursor.execute(query)
            return [{name: _trimmed(value) for name, value in row.items()} for row in cursor]

    def _connect(self) -> pymssql.Connection:
        return pymssql.connect(
            server=self._gp["host"],
            port=str(self._gp["port"]),
            user=self._gp["user"],
            password=self._gp["password"],
            database=self._gp["database"],
            login_timeout=15,
            timeout=30,
        )


def _execute(connection: pymssql.Connection, procedure: str, values: Mapping[str, object]) -> None:
    given = ", ".join(f"@I_v{name} = %s" for name in values)
    batch = f"""
        DECLARE @rc int, @state int, @numbers varchar(255)
        EXEC @rc = dbo.{procedure} {given}, @O_iErrorState = @state OUTPUT, @oErrString = @numbers OUTPUT
        SELECT @rc, @state, @numbers
    """
    with connection.cursor() as cursor:
        cursor.execute(batch, tuple(values.values()))
        status, state, numbers = cursor.fetchone()
    if status or state:
        connection.rollback()
        raise Refused(f"{procedure} refused: {str(numbers).strip() or status}")


def _trimmed(value: Any) -> Any:
    return value.rstrip(" ") if isinstance(value, str) else value
