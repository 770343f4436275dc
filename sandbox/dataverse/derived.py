"""Columns the server computes from others: money in the base currency, composite addresses, full names, owners."""

from decimal import Decimal

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row, Store, target_column
from sandbox.dataverse.values import as_text

# The precision of the base currency, US dollars.
_BASE_PLACES = 2


def derive(store: Store, table: Table, row: Row, changes: Row) -> None:
    """Put into `changes` what follows from them; `row` is the row as it will be.

    Raises DataverseError 0x80048cfb when money would be left without a currency.
    """
    _money(store, table, row, changes)
    _composites(table, row, changes)
    if "fullname" in table.columns and not changes.keys().isdisjoint({"firstname", "lastname"}):
        changes["fullname"] = " ".join(str(row[n]) for n in ("firstname", "lastname") if row.get(n)) or None
    if changes.get("ownerid") is not None and "owninguser" in table.columns:
        by_team = changes.get(target_column(table.columns["ownerid"])) == "team"
        changes["owninguser"] = None if by_team else changes["ownerid"]
        changes["owningteam"] = changes["ownerid"] if by_team else None


def _money(store: Store, table: Table, row: Row, changes: Row) -> None:
    if "transactioncurrencyid" not in table.columns or table.name == "transactioncurrency":
        return
    names = table.columns if "transactioncurrencyid" in changes else changes
    touched = [name for name in names if _is_money(table, name)]
    if not touched:
        return
    currency = row.get("transactioncurrencyid")
    if currency is None:
        if any(row.get(name) is not None for name in touched):
            text = "The currency cannot be null because the record has money fields with values."
            raise DataverseError(400, "0x80048cfb", text)
        return
    known = store.schema.table("transactioncurrency")
    found = store.get(known, str(currency)) if known else None
    rate = Decimal(str(found["exchangerate"])) if found else Decimal(1)
    if "exchangerate" in table.columns:
        changes["exchangerate"] = as_text(rate, 10)
    for name in touched:
        if f"{name}_base" in table.columns:
            value = row.get(name)
            changes[f"{name}_base"] = None if value is None else as_text(Decimal(str(value)) / rate, _BASE_PLACES)


def _is_money(table: Table, name: str) -> bool:
    column = table.columns.get(name)
    return column is not None and column.type == "Money" and not column.base


def _composites(table: Table, row: Row, changes: Row) -> None:
    for prefix in {name.partition("_")[0] for name in changes if "_" in name}:
        if f"{prefix}_composite" in table.columns:
            changes[f"{prefix}_composite"] = composite(row, f"{prefix}_")


def composite(row: Row, prefix: str) -> str | None:
    """An address in lines, from the columns that begin with `prefix`."""

    def text(name: str) -> str:
        return str(row.get(f"{prefix}{name}") or "")

    region = " ".join(filter(None, [text("stateorprovince"), text("postalcode")]))
    town = ", ".join(filter(None, [text("city"), region]))
    lines = [text("line1"), text("line2"), text("line3"), town, text("country")]
    return "\r\n".join(filter(None, lines)) or None
