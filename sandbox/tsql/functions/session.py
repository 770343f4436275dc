"""What the session, the catalogue and change tracking know."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.expressions import Expressions
from sandbox.tsql.functions.common import NUMERIC38, SYSNAME, Maker, count, integer
from sandbox.tsql.kinds import BIGINT, INT, VARIANT
from sandbox.tsql.scope import Expr


def _session(name: str, kind: SqlType, least: int = 0, most: int | None = None) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        count(name, nodes, least, most)
        return e.c.system(name, kind, *e.values(nodes))

    return make


def _from_metadata(template: str, kind: SqlType) -> Maker:
    def make(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
        count("object_name", nodes, 1, 2)
        return Expr(template.format(integer(e, nodes[0]), e.c.world.database.lower()), kind)

    return make


def _change_tracking_version(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("change_tracking_current_version", nodes, 0)
    return Expr(f"tsql.current_version('{e.c.world.database.lower()}')", BIGINT)


def _change_tracking_least(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:
    count("change_tracking_min_valid_version", nodes, 1)
    seen = e.c.system("TRACKED_IN_SIGHT", SqlType("varchar"))
    return Expr(
        f"tsql.least_valid('{e.c.world.database.lower()}', {integer(e, nodes[0])}, ({seen.sql})::int[])", BIGINT
    )


def _newid(e: Expressions, nodes: Sequence[exp.Expression]) -> Expr:  # noqa: ARG001
    return Expr("gen_random_uuid()", SqlType("uniqueidentifier"), nullable=False)


GLOBALS: dict[str, SqlType] = {
    "@@rowcount": INT, "@@error": INT, "@@trancount": INT, "@@identity": NUMERIC38, "@@spid": SqlType("smallint"),
    "@@servername": SYSNAME, "@@version": SqlType("nvarchar", 300), "@@lock_timeout": INT, "@@nestlevel": INT, "@@options": INT,
    "@@language": SYSNAME, "@@max_precision": SqlType("tinyint"), "@@servicename": SYSNAME, "@@microsoftversion": INT,
    "@@textsize": INT, "@@datefirst": SqlType("tinyint"),
}  # fmt: skip


FUNCTIONS: dict[str, Maker] = {
    "NEWID": _newid,
    "XACT_STATE": _session("XACT_STATE", SqlType("smallint")),
    "SCOPE_IDENTITY": _session("SCOPE_IDENTITY", NUMERIC38),
    "ERROR_NUMBER": _session("ERROR_NUMBER", INT),
    "ERROR_MESSAGE": _session("ERROR_MESSAGE", SqlType("nvarchar", 4000)),
    "ERROR_SEVERITY": _session("ERROR_SEVERITY", INT),
    "ERROR_STATE": _session("ERROR_STATE", INT),
    "ERROR_LINE": _session("ERROR_LINE", INT),
    "ERROR_PROCEDURE": _session("ERROR_PROCEDURE", SYSNAME),
    "DB_NAME": _session("DB_NAME", SYSNAME, 0, 1),
    "DB_ID": _session("DB_ID", SqlType("smallint"), 0, 1),
    "OBJECT_ID": _session("OBJECT_ID", INT, 1, 2),
    "SERVERPROPERTY": _session("SERVERPROPERTY", VARIANT, 1),
    "DATABASEPROPERTYEX": _session("DATABASEPROPERTYEX", VARIANT, 2),
    "HAS_PERMS_BY_NAME": _session("HAS_PERMS_BY_NAME", INT, 3, 5),
    "HAS_DBACCESS": _session("HAS_DBACCESS", INT, 1),
    "SUSER_SNAME": _session("SUSER_SNAME", SYSNAME),
    "SUSER_NAME": _session("SUSER_SNAME", SYSNAME),
    "ORIGINAL_LOGIN": _session("SUSER_SNAME", SYSNAME),
    "USER_NAME": _session("USER_NAME", SYSNAME),
    "APP_NAME": _session("APP_NAME", SYSNAME),
    "HOST_NAME": _session("HOST_NAME", SYSNAME),
    "IS_SRVROLEMEMBER": _session("IS_SRVROLEMEMBER", INT, 1, 2),
    "IS_MEMBER": _session("IS_MEMBER", INT, 1),
    "COL_LENGTH": _session("COL_LENGTH", SqlType("smallint"), 2),
    "IDENT_CURRENT": _session("IDENT_CURRENT", NUMERIC38, 1),
    "APPLOCK_MODE": _session("APPLOCK_MODE", SqlType("nvarchar", 32), 3),
    "OBJECT_NAME": _from_metadata('(SELECT name FROM "{1}.sys".objects WHERE object_id = {0})', SYSNAME),
    "TYPE_NAME": _from_metadata('(SELECT name FROM "{1}.sys".types WHERE user_type_id = {0})', SYSNAME),
    "SCHEMA_NAME": _from_metadata('(SELECT name FROM "{1}.sys".schemas WHERE schema_id = {0})', SYSNAME),
    "CHANGE_TRACKING_CURRENT_VERSION": _change_tracking_version,
    "CHANGE_TRACKING_MIN_VALID_VERSION": _change_tracking_least,
}
