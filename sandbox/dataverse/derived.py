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
    money = [name for name, column in table.columns.items() if column.type == "Money" and not column.base]
    touched = money if "transactioncurrencyid" in changes else [name for name in money if name in changes]
    if not touched:
        return
    currency = row.get("transactioncurrencyid")
    if currency is None:
        if any(row.get(name) is not None for name in money):
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


def _composites(table: Table, row: Row, changes: Row) -> None:
    for name in table.columns:
        if not name.endswith("_composite"):
            continue
        prefix = name.removesuffix("composite")
        if any(changed.startswith(prefix) for changed in changes):
            changes[name] = _composite({k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)})


def _composite(parts: Row) -> str | None:
    def text(name: str) -> str:
        return str(parts.get(name) or "")

    region = " ".join(filter(None, [text("stateorprovince"), text("postalcode")]))
    town = ", ".join(filter(None, [text("city"), region]))
    lines = [text("line1"), text("line2"), text("line3"), town, text("country")]
    return "\r\n".join(filter(None, lines)) or None
