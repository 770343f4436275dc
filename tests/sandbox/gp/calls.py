"""Calls eConnect procedures the way the reference recommends: one batch, outputs selected at the end."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import pymssql


class Answer(NamedTuple):
    returned: int | None
    state: int | None
    errors: str | None

    @property
    def numbers(self) -> list[int]:
        return [int(number) for number in (self.errors or "").split()]


def call(connection: pymssql.Connection, procedure: str, /, **values: object) -> Answer:
    """RETURN value, @O_iErrorState, @oErrString of one call; `values` without the @I_v prefix, None sends NULL."""
    cursor = connection.cursor()
    cursor.execute(batch(procedure, values))
    return Answer(*cursor.fetchall()[0])


def batch(procedure: str, values: Mapping[str, object]) -> str:
    """The batch as text, arguments written in."""
    sent = "".join(f"@I_v{name}={_literal(value)}, " for name, value in values.items())
    return (
        "SET NOCOUNT ON; DECLARE @rc int, @es int, @em varchar(255); "
        f"EXEC @rc = dbo.{procedure} {sent}@O_iErrorState=@es OUTPUT, @oErrString=@em OUTPUT; SELECT @rc, @es, @em"
    )


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int | Decimal) else "N'" + str(value).replace("'", "''") + "'"


def customer(connection: pymssql.Connection, **values: object) -> Answer:
    return call(connection, "taUpdateCreateCustomerRcd", **values)


def address(connection: pymssql.Connection, **values: object) -> Answer:
    return call(connection, "taCreateCustomerAddress", **values)


def internet(connection: pymssql.Connection, **values: object) -> Answer:
    return call(connection, "taCreateInternetAddresses", **values)


def rows(connection: pymssql.Connection, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
    cursor = connection.cursor()
    cursor.execute(sql, tuple(values) or None)
    return cursor.fetchall()


def run(connection: pymssql.Connection, sql: str, values: Sequence[object] = ()) -> None:
    connection.cursor().execute(sql, tuple(values) or None)
