"""The catalogue views (sys.*, INFORMATION_SCHEMA.*): ordinary tables in a schema of their own, filled from the catalogue."""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sandbox.tds.contract import SqlType
from sandbox.tsql.catalog import Catalog, CatalogColumn, Table, sql_type
from sandbox.tsql.kinds import family, precision_scale

# system_type_id, which is also user_type_id, and the width in bytes of fixed types.
TYPES: dict[str, tuple[int, int]] = {
    "image": (34, 16), "text": (35, 16), "uniqueidentifier": (36, 16), "date": (40, 3), "time": (41, 5), "datetime2": (42, 8),
    "datetimeoffset": (43, 10), "tinyint": (48, 1), "smallint": (52, 2), "int": (56, 4), "smalldatetime": (58, 4), "real": (59, 4),
    "money": (60, 8), "datetime": (61, 8), "float": (62, 8), "sql_variant": (98, 8016), "ntext": (99, 16), "bit": (104, 1),
    "decimal": (106, 17), "numeric": (108, 17), "smallmoney": (122, 4), "bigint": (127, 8), "varbinary": (165, 8000),
    "varchar": (167, 8000), "binary": (173, 8000), "char": (175, 8000), "timestamp": (189, 8),
    "nvarchar": (231, 8000), "nchar": (239, 8000),
}  # fmt: skip
_EPOCH = datetime(2015, 1, 1)  # noqa: DTZ001


def object_id(database: str, name: str) -> int:
    """A stable id; the same in every run."""
    return zlib.crc32(f"{database}.{name}".lower().encode()) & 0x7FFFFFFF


def database_id(names: Iterable[str], name: str) -> int:
    return [known.lower() for known in names].index(name.lower()) + 5


def max_length(kind: SqlType) -> int:
    """A column's width in bytes; -1 for (max)."""
    if kind.name in {"char", "varchar", "binary", "varbinary", "nchar", "nvarchar"}:
        return -1 if kind.length is None else kind.length * (2 if kind.name[0] == "n" else 1)
    if kind.name in {"numeric", "decimal"}:
        return next(width for most, width in ((9, 5), (19, 9), (28, 13), (38, 17)) if kind.precision <= most)
    return TYPES[kind.name][1]


# View: its columns as "name type".
_VIEWS: dict[str, list[str]] = json.loads(Path(__file__).with_name("views.json").read_text(encoding="utf-8"))
_COLLATION = "SQL_Latin1_General_CP1_CI_AS"


def views(database: str) -> list[Table]:
    """The catalogue views of a database as tables; their rows are in the PostgreSQL schema "<database>.sys"."""
    found = []
    for written, parts in _VIEWS.items():
        schema, _, name = written.partition(".")
        columns = {}
        for part in parts:
            column, _, kind = part.partition(" ")
            columns[column] = CatalogColumn(sql_type(kind), nullable=True)
        table = Table(name, columns, schema=schema, database=database)
        table.relation = f'"{database.lower()}.sys"."{name if schema == "sys" else "info_" + name}"'
        found.append(table)
    return found


def _digits(kind: SqlType) -> tuple[int, int]:
    fixed = {
        "int": 10,
        "smallint": 5,
        "tinyint": 3,
        "bigint": 19,
        "datetime": 23,
        "float": 53,
        "bit": 1,
        "real": 24,
        "date": 10,
    }
    if family(kind) == "exact":
        return precision_scale(kind)
    if kind.name == "datetime2":
        return (20 + kind.scale if kind.scale else 19), kind.scale
    return fixed.get(kind.name, 0), 3 if kind.name == "datetime" else 0


def rows(catalog: Catalog, catalogs: Mapping[str, Catalog]) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    """The rows of every view that does not change while the server runs, by (schema, name)."""
    makers: dict[tuple[str, str], Callable[[], Iterable[tuple[object, ...]]]] = {
        ("sys", "databases"): lambda: (_database(found, catalogs) for found in catalogs.values()),
        ("sys", "schemas"): lambda: [("dbo", 1, 1), ("INFORMATION_SCHEMA", 3, 3), ("sys", 4, 4)],
        ("sys", "types"): lambda: [
            *((n, i, i, w, 0, 0, 1) for n, (i, w) in TYPES.items()),
            ("sysname", 231, 256, 256, 0, 0, 0),
        ],
        ("sys", "objects"): lambda: [*_tables(catalog), *_procedures(catalog)],
        ("sys", "tables"): lambda: _tables(catalog),
        ("sys", "procedures"): lambda: _procedures(catalog),
        ("sys", "triggers"): lambda: (
            (trigger.name, object_id(catalog.name, trigger.name), object_id(catalog.name, table.name), "TR", 0, 0)
            for table in catalog.tables
            for trigger in table.triggers
        ),
        ("sys", "columns"): lambda: (row for table in catalog.tables for row in _columns(catalog, table)),
        ("sys", "indexes"): lambda: (row for table in catalog.tables for row in _indexes(catalog, table)),
        ("sys", "index_columns"): lambda: (row for table in catalog.tables for row in _index_columns(catalog, table)),
        ("sys", "parameters"): lambda: (
            row for procedure in catalog.procedures for row in _parameters(catalog, procedure)
        ),
        ("information_schema", "tables"): lambda: (
            (catalog.name, "dbo", table.name, "BASE TABLE") for table in catalog.tables
        ),
        ("information_schema", "columns"): lambda: (
            row for table in catalog.tables for row in _information(catalog, table)
        ),
    }
    return {name: list(maker()) for name, maker in makers.items()}


def _database(catalog: Catalog, catalogs: Mapping[str, Catalog]) -> tuple[object, ...]:
    names = [found.name for found in catalogs.values()]
    return (
        catalog.name,
        database_id(names, catalog.name),
        130,
        _COLLATION,
        _EPOCH,
        1,
        int(catalog.snapshot_isolation),
        0,
        "ONLINE",
        3,
    )


def _tables(catalog: Catalog) -> list[tuple[object, ...]]:
    return [
        (t.name, object_id(catalog.name, t.name), 1, 0, "U", "USER_TABLE", _EPOCH, _EPOCH, 0) for t in catalog.tables
    ]


def _procedures(catalog: Catalog) -> list[tuple[object, ...]]:
    return [
        (p.name, object_id(catalog.name, p.name), 1, 0, "P", "SQL_STORED_PROCEDURE", _EPOCH, _EPOCH, 0)
        for p in catalog.procedures
    ]


def _columns(catalog: Catalog, table: Table) -> Iterable[tuple[object, ...]]:
    for number, (name, column) in enumerate(table.columns.items(), 1):
        precision, scale = _digits(column.type)
        kind = TYPES[column.type.name][0]
        collation = _COLLATION if family(column.type) == "text" else None
        yield (
            object_id(catalog.name, table.name), name, number, kind, kind, max_length(column.type), precision, scale, collation,
            int(column.nullable), int(column.identity), int(column.computed is not None), 0,
        )  # fmt: skip


def _indexes(catalog: Catalog, table: Table) -> Iterable[tuple[object, ...]]:
    number = 2
    if table.key:
        yield (object_id(catalog.name, table.name), table.key_name, number, 2, "NONCLUSTERED", 1, 1, 0, 0)
    for index in table.indexes:
        number += 1
        yield (object_id(catalog.name, table.name), index.name, number, 2, "NONCLUSTERED", int(index.unique), 0, 0, 0)


def _index_columns(catalog: Catalog, table: Table) -> Iterable[tuple[object, ...]]:
    names = [name.lower() for name in table.columns]
    every = ([(2, table.key)] if table.key else []) + [
        (n, list(index.columns)) for n, index in enumerate(table.indexes, 3)
    ]
    for number, columns in every:
        for place, column in enumerate(columns, 1):
            yield (object_id(catalog.name, table.name), number, place, names.index(column.lower()) + 1, place, 0, 0)


def _parameters(catalog: Catalog, procedure: object) -> Iterable[tuple[object, ...]]:
    for number, parameter in enumerate(procedure.parameters, 1):  # type: ignore[attr-defined]
        precision, scale = _digits(parameter.type)
        kind = TYPES[parameter.type.name][0]
        yield (
            object_id(catalog.name, procedure.name), f"@{parameter.name}", number, kind, kind, max_length(parameter.type),  # type: ignore[attr-defined]
            precision, scale, int(parameter.output), 0,
        )  # fmt: skip


def _information(catalog: Catalog, table: Table) -> Iterable[tuple[object, ...]]:
    for number, (name, column) in enumerate(table.columns.items(), 1):
        kind = column.type
        precision, scale = _digits(kind) if family(kind) in {"exact", "integer", "float"} else (None, None)
        text = family(kind) in {"text", "binary"}
        default = None if column.default is None else f"({column.default})"
        yield (
            catalog.name, "dbo", table.name, name, number, default, "YES" if column.nullable else "NO", kind.name,
            (kind.length if kind.length is not None else -1) if text else None, precision, scale,
            {"datetime": 3, "date": 0}.get(kind.name), _COLLATION if family(kind) == "text" else None,
        )  # fmt: skip
