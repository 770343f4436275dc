"""The catalogue views (sys.*, INFORMATION_SCHEMA.*): ordinary tables in a schema of their own, filled from the catalogue."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sandbox.tds.contract import SqlType
from sandbox.tsql.catalog import Catalog, CatalogColumn, Table, sql_type
from sandbox.tsql.values import family, precision_scale

# system_type_id, which is also user_type_id, and the width in bytes of fixed types.
TYPES: dict[str, tuple[int, int]] = {
    "image": (34, 16), "text": (35, 16), "uniqueidentifier": (36, 16), "date": (40, 3), "time": (41, 5), "datetime2": (42, 8),
    "datetimeoffset": (43, 10), "tinyint": (48, 1), "smallint": (52, 2), "int": (56, 4), "smalldatetime": (58, 4), "real": (59, 4),
    "money": (60, 8), "datetime": (61, 8), "float": (62, 8), "sql_variant": (98, 8016), "ntext": (99, 16), "bit": (104, 1),
    "decimal": (106, 17), "numeric": (108, 17), "smallmoney": (122, 4), "bigint": (127, 8), "varbinary": (165, 8000),
    "varchar": (167, 8000), "binary": (173, 8000), "char": (175, 8000), "timestamp": (189, 8), "nvarchar": (231, 8000), "nchar": (239, 8000),
}  # fmt: skip
_EPOCH = datetime(2015, 1, 1)


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


_VIEWS: dict[tuple[str, str], str] = {
    ("sys", "databases"): "name sysname, database_id int, compatibility_level tinyint, collation_name sysname, create_date datetime, is_read_committed_snapshot_on bit, snapshot_isolation_state tinyint, state tinyint, state_desc nvarchar(60), recovery_model tinyint",
    ("sys", "schemas"): "name sysname, schema_id int, principal_id int",
    ("sys", "types"): "name sysname, system_type_id tinyint, user_type_id int, max_length smallint, precision tinyint, scale tinyint, is_nullable bit",
    ("sys", "objects"): "name sysname, object_id int, schema_id int, parent_object_id int, type char(2), type_desc nvarchar(60), create_date datetime, modify_date datetime, is_ms_shipped bit",
    ("sys", "tables"): "name sysname, object_id int, schema_id int, parent_object_id int, type char(2), type_desc nvarchar(60), create_date datetime, modify_date datetime, is_ms_shipped bit",
    ("sys", "procedures"): "name sysname, object_id int, schema_id int, parent_object_id int, type char(2), type_desc nvarchar(60), create_date datetime, modify_date datetime, is_ms_shipped bit",
    ("sys", "triggers"): "name sysname, object_id int, parent_id int, type char(2), is_disabled bit, is_instead_of_trigger bit",
    ("sys", "columns"): "object_id int, name sysname, column_id int, system_type_id tinyint, user_type_id int, max_length smallint, precision tinyint, scale tinyint, collation_name sysname, is_nullable bit, is_identity bit, is_computed bit, default_object_id int",
    ("sys", "indexes"): "object_id int, name sysname, index_id int, type tinyint, type_desc nvarchar(60), is_unique bit, is_primary_key bit, is_unique_constraint bit, is_disabled bit",
    ("sys", "index_columns"): "object_id int, index_id int, index_column_id int, column_id int, key_ordinal tinyint, is_descending_key bit, is_included_column bit",
    ("sys", "parameters"): "object_id int, name sysname, parameter_id int, system_type_id tinyint, user_type_id int, max_length smallint, precision tinyint, scale tinyint, is_output bit, has_default_value bit",
    ("sys", "change_tracking_databases"): "database_id int, is_auto_cleanup_on tinyint, retention_period int, retention_period_units tinyint, retention_period_units_desc nvarchar(60), max_cleanup_version bigint",
    ("sys", "change_tracking_tables"): "object_id int, is_track_columns_updated_on tinyint, min_valid_version bigint, begin_version bigint, cleanup_version bigint",
    ("sys", "dm_exec_sessions"): "session_id smallint, login_time datetime, host_name nvarchar(128), program_name nvarchar(128), login_name nvarchar(128), status nvarchar(30), database_id smallint, open_transaction_count int, is_user_process bit",
    ("information_schema", "tables"): "TABLE_CATALOG sysname, TABLE_SCHEMA sysname, TABLE_NAME sysname, TABLE_TYPE varchar(10)",
    ("information_schema", "columns"): "TABLE_CATALOG sysname, TABLE_SCHEMA sysname, TABLE_NAME sysname, COLUMN_NAME sysname, ORDINAL_POSITION int, COLUMN_DEFAULT nvarchar(4000), IS_NULLABLE varchar(3), DATA_TYPE sysname, CHARACTER_MAXIMUM_LENGTH int, NUMERIC_PRECISION tinyint, NUMERIC_SCALE int, DATETIME_PRECISION smallint, COLLATION_NAME sysname",
}  # fmt: skip
_COLLATION = "SQL_Latin1_General_CP1_CI_AS"


def views(database: str) -> list[Table]:
    """The catalogue views of a database as tables; their rows are in the PostgreSQL schema "<database>.sys"."""
    found = []
    for (schema, name), text in _VIEWS.items():
        columns = {}
        for part in text.split(", "):
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
