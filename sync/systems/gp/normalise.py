"""GP's way of storing values turned into plain ones, in this one place.

GP pads every text with blanks, has no NULL (a blank, a 0 or 1900-01-01 means "none"), keeps dates as datetime with a
zero time, and stamps rows in UTC while everything else is the server's local time.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sync.value import Value

STAMP = "DEX_ROW_TS"
_NO_DATE = datetime(1900, 1, 1)  # noqa: DTZ001 (GP's own times have no zone)
_HALF_A_MILLISECOND = timedelta(microseconds=500)


def normalise(raw: object, column: str = "") -> Value:
    """One column's value as pymssql delivers it -> a plain value. Raises TypeError for a type GP does not have.

    Text loses its trailing blanks (and only those), 1900-01-01 becomes None, a date without a time a `date`;
    `DEX_ROW_TS` an aware UTC datetime, kept to SQL Server's tick of 1/300 s. Binary becomes hexadecimal text.
    """
    match raw:
        case str():
            return raw.rstrip(" ")
        case datetime():
            return raw.replace(tzinfo=UTC) if column.upper() == STAMP else _date(raw)
        case bytes():
            return raw.hex().upper()
        case None | bool() | int() | Decimal() | date():
            return raw
        case _:
            raise TypeError(f"{column}: GP has no column of type {type(raw).__name__}")


def values(row: Mapping[str, object], paths: Mapping[str, str]) -> dict[str, Value]:
    """The values of a row by mapping path; `paths` gives the row's column for each path."""
    return {path: normalise(row[name], path.rpartition(".")[2]) for path, name in paths.items()}


def stamp_text(stamp: datetime) -> str:
    """A `datetime` of SQL Server as the text that reads back as the same tick, whatever the login's language."""
    return (stamp.replace(tzinfo=None) + _HALF_A_MILLISECOND).isoformat(timespec="milliseconds")


def _date(raw: datetime) -> Value:
    if raw == _NO_DATE:
        return None
    return raw.date() if raw.time() == time() else raw
