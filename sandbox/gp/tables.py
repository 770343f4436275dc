"""The databases' tables, from `data/gp-tables.json`: types, keys, GP's defaults, DEX_ROW_TS triggers.

Columns are those of GP 2013 R2 / 2015. A table marked "trimmed" there has only the columns that a procedure
looks at.
"""

import json
from functools import cache
from pathlib import Path

from sandbox.tsql.catalog import CatalogColumn, Check, Index, Table, Trigger, sql_type

SYSTEM = "DYNAMICS"
STAMP = "DEX_ROW_TS"

_FILE = Path(__file__).parent / "data" / "gp-tables.json"
_UNIQUE = {
    "RM00101": [
        *(("CPRCSTNM", "CUSTNMBR"), ("CUSTCLAS", "CUSTNMBR"), ("SALSTERR", "CUSTNMBR"), ("SLPRSNID", "CUSTNMBR")),
        *(("TXRGNNUM", "CUSTNMBR"), ("CUSTNAME", "DEX_ROW_ID")),
    ],
}
_CHECKS = {"RM00101": [Check("CK_RM00101_CPRCSTNM", "CPRCSTNM = '' OR BALNCTYP = 0")]}
# Writing to a child table stamps the parent: table -> (parent, shared key, events).
_BUMPS = {
    "RM00102": ("RM00101", "CUSTNMBR", ("INSERT", "UPDATE", "DELETE")),
    "IV00102": ("IV00101", "ITEMNMBR", ("INSERT", "UPDATE", "DELETE")),
    "IV00104": ("IV00101", "ITEMNMBR", ("INSERT", "UPDATE", "DELETE")),
    "IV40202": ("IV40201", "UOMSCHDL", ("INSERT", "UPDATE", "DELETE")),
    "IV00108": ("IV40800", "PRCLEVEL", ("INSERT", "DELETE")),
}
_TIMES = {"TIME1", "NXTCNTTM", "LSTCNTTM"}
_TRIGGER_LETTER = {"INSERT": "C", "UPDATE": "U", "DELETE": "D"}


@cache
def _document() -> dict[str, dict]:
    return json.loads(_FILE.read_text())


def system_table(name: str) -> bool:
    """Whether the table lives in DYNAMICS rather than in a company database."""
    return name in _document() and _document()[name]["database"] == SYSTEM


def column_names(table: str) -> list[str]:
    return list(_document()[table]["columns"])


def tables(database: str) -> list[Table]:
    """Fresh declarations of every table of DYNAMICS, or of a company database of any other name."""
    return [_table(name, x) for name, x in _document().items() if system_table(name) == (database == SYSTEM)]


def _table(name: str, declared: dict) -> Table:
    columns = {column: _column(column, kind) for column, kind in declared["columns"].items()}
    return Table(
        name=name,
        columns=columns,
        key=declared["key"],
        indexes=[Index(f"AK{n}{name}", key, unique=True) for n, key in enumerate(_UNIQUE.get(name, []), 2)],
        checks=_CHECKS.get(name, []) + _date_checks(name, declared["columns"]),
        triggers=_triggers(name, declared),
    )


def _column(name: str, kind: str) -> CatalogColumn:
    if kind == "int identity":
        return CatalogColumn(sql_type("int"), identity=True)
    return CatalogColumn(sql_type(kind), default="GETUTCDATE()" if name == STAMP else _default(kind))


def _default(kind: str) -> str:
    """GP's bound default objects, by type: blank, 0, 0.00 and 1 January 1900."""
    family = kind.partition("(")[0]
    return {"datetime": "'19000101'", "numeric": "0.00", "binary": "0x00"}.get(
        family, "''" if family in {"char", "varchar", "text"} else "0"
    )


def _date_checks(table: str, columns: dict[str, str]) -> list[Check]:
    """GP's dates carry no time; its times (TIME1 and the like) carry the date 1 January 1900."""
    if table == "eConnect_Out":
        return []
    dates = [name for name, kind in columns.items() if kind == "datetime" and name != STAMP]
    return [Check(f"CK_{table}_{name}", _date_rule(name)) for name in dates]


def _date_rule(name: str) -> str:
    if name in _TIMES:
        return f"{name} >= '19000101' AND {name} < '19000102'"
    return f"{name} = CAST({name} AS date)"


def _triggers(name: str, declared: dict) -> list[Trigger]:
    texts: dict[str, list[str]] = {event: [] for event in _TRIGGER_LETTER}
    if STAMP in declared["columns"]:
        texts["UPDATE"].append(_stamp(name, declared["key"], "deleted"))
    if name in _BUMPS:
        parent, key, events = _BUMPS[name]
        for event in events:
            texts[event].append(_stamp(parent, [key], "deleted" if event == "DELETE" else "inserted"))
    return [
        Trigger(f"zDT_{name}{_TRIGGER_LETTER[event]}", event, "; ".join(text)) for event, text in texts.items() if text
    ]


def _stamp(table: str, key: list[str], changed: str) -> str:
    joined = " AND ".join(f"{table}.{column} = changed.{column}" for column in key)
    return f"UPDATE {table} SET {STAMP} = GETUTCDATE() FROM {table} JOIN {changed} AS changed ON {joined}"
