"""Dataverse rows and the line's records: every value in the type that the mapping compares, both ways."""

from collections.abc import Iterable
from collections.abc import Mapping as Table
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sync.keys import company_key
from sync.mapping import Mapping
from sync.schema import dataverse_entity
from sync.system import Record, Write
from sync.value import Value

MERGED = frozenset({"account", "contact"})
"""The tables of ours whose rows can be merged: one that was stays, inactive, and names its master."""

MASTER = "_masterid_value"


def record_from(mapping: Mapping, row: Table[str, Any], own_user: str) -> Record:
    """One row as a `Record`, every value in the type that the mapping compares; what routing needs is among them."""
    side = mapping.dataverse
    return Record(
        key=str(row[side.id]).lower(),
        values={name: _read(mapping, name, row.get(column(mapping, name))) for name in side.values},
        version=str(row["@odata.etag"]),
        mark=str(row.get(side.mark) or ""),
        written_by_us=str(row.get("_modifiedby_value", "")).lower() == own_user.lower(),
        changed=datetime.fromisoformat(str(row["modifiedon"])) if row.get("modifiedon") else None,
        successor=str(row.get(MASTER) or "").lower() if row.get("merged") else "",
    )


def select(mapping: Mapping) -> str:
    """The `$select` that `record_from` needs."""
    side = mapping.dataverse
    merged = ("merged", MASTER) if side.entity in MERGED else ()
    values = (column(mapping, name) for name in side.values)
    return "$select=" + ",".join((*values, side.mark, "_modifiedby_value", "modifiedon", *merged))


def hints_from(mapping: Mapping, row: Table[str, Any]) -> dict[str, Value] | None:
    """What routing needs of a row, None when a part of it was not read."""
    columns = {name: column(mapping, name) for name in mapping.routing}
    if any(name not in row for name in columns.values()):
        return None
    return {name: _read(mapping, name, row[columns[name]]) for name in columns}


def select_hints(mappings: Iterable[Mapping]) -> str:
    """The `$select` that `hints_from` needs for mappings of one table."""
    names = [column(mapping, name) for mapping in mappings for name in (mapping.dataverse.id, *mapping.routing)]
    return "$select=" + ",".join(dict.fromkeys(names))


def column(mapping: Mapping, name: str) -> str:
    """Under which name the Web API gives an attribute: a reference, as the one to the parent is, by the id that it leads to."""
    return f"_{name}_value" if _leads_to_parent(mapping, name) else name


def _leads_to_parent(mapping: Mapping, name: str) -> bool:
    return mapping.parent is not None and mapping.parent.attribute == name


def body_of(company: str, mapping: Mapping, write: Write) -> dict[str, object]:
    """What is sent for one write: the values, the mark, a new row's id, the key where there is none yet."""
    side = mapping.dataverse
    body: dict[str, object] = {name: sent(value) for name, value in write.values.items()}
    body[side.mark] = write.mark
    if write.create:
        body[side.id] = write.id
    if write.create or write.claim:
        body[side.key] = company_key(company, write.key)
    if write.create and (parent := mapping.parent):
        body[f"{parent.dataverse}@odata.bind"] = f"/{dataverse_entity(parent.entity).set}({write.parent})"
    return body


def sent(value: Value) -> object:
    """A value as Dataverse reads it in JSON."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _read(mapping: Mapping, name: str, raw: object) -> Value:
    kind = mapping.attribute(name).type
    if raw is None or isinstance(raw, bool):
        return raw
    if _leads_to_parent(mapping, name):
        return str(raw).lower()
    if kind in {"Money", "Decimal", "Double"}:
        return Decimal(str(raw))
    if kind == "DateTime":
        moment = datetime.fromisoformat(str(raw))
        return date(moment.year, moment.month, moment.day) if mapping.attribute(name).date_only else moment
    return raw if isinstance(raw, int) else str(raw)
