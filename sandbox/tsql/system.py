"""The values T-SQL asks the session for: @@ROWCOUNT, ERROR_NUMBER(), OBJECT_ID() and their like."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.tds.contract import SqlError
from sandbox.tsql.identity import current_identity
from sandbox.tsql.metadata import database_id, max_length, object_id

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession

VERSION = "Microsoft SQL Server 2016 (SP3) - 13.0.6300.2 (X64) (stand-in, not SQL Server)"


class SystemValues:
    def __init__(self, session: "SqlSession") -> None:
        self._s = session

    def __call__(self, name: str, *arguments: object) -> object:
        makers: dict[str, Callable[..., object]] = _VALUES
        return makers[name](self, *arguments)

    def _error(self) -> SqlError | None:
        return next((frame.caught[-1] for frame in reversed(self._s.frames) if frame.caught), None)

    def _error_number(self) -> object:
        raised = self._error()
        return raised.number if raised else None

    def _error_text(self) -> object:
        raised = self._error()
        return raised.text if raised else None

    def _error_severity(self) -> object:
        raised = self._error()
        return raised.severity if raised else None

    def _error_state(self) -> object:
        raised = self._error()
        return raised.state if raised else None

    def _error_line(self) -> object:
        raised = self._error()
        return raised.line if raised else None

    def _error_procedure(self) -> object:
        raised = self._error()
        return (raised.procedure or None) if raised else None

    def _xact_state(self) -> int:
        if self._s.transactions.count == 0:
            return 0
        return -1 if self._s.transactions.doomed else 1

    def _database_name(self, number: object = None) -> object:
        names = self._s.engine.database_names
        if number is None:
            return self._s.frame.database
        return names[int(number) - 5] if 0 <= int(number) - 5 < len(names) else None  # type: ignore[call-overload]

    def _database_id(self, name: object = None) -> object:
        names = self._s.engine.database_names
        wanted = str(name) if name is not None else self._s.frame.database
        return database_id(names, wanted) if wanted.lower() in (known.lower() for known in names) else None

    def _parts(self, name: object) -> tuple[str, str]:
        pieces = [piece.strip('[]"') for piece in str(name).rstrip(" ").split(".")]
        database = pieces[-3] if len(pieces) > 2 and pieces[-3] else self._s.frame.database
        return database, pieces[-1]

    def _object_id(self, name: object, kind: object = None) -> object:
        if name is None:
            return None
        database, object_name = self._parts(name)
        if object_name.startswith("#"):
            return object_id("tempdb", object_name) if object_name.lower() in self._s.temporary else None
        catalog = self._s.engine.catalogs.get(database.lower())
        if catalog is None:
            return None
        wanted = str(kind).strip().upper() if kind else ""
        table = catalog.table(object_name) if wanted in {"", "U"} else None
        found = table or (catalog.procedure(object_name) if wanted in {"", "P"} else None)
        return object_id(catalog.name, found.name) if found else None

    def _server_property(self, name: object) -> object:
        return {
            "servername": self._s.engine.server_name, "machinename": self._s.engine.server_name, "productversion": "13.0.6300.2",
            "productlevel": "SP3", "edition": "Standard Edition (64-bit)", "engineedition": 2, "collation": "SQL_Latin1_General_CP1_CI_AS",
            "instancename": None, "productmajorversion": "13", "isintegratedsecurityonly": 0,
        }.get(str(name).lower())  # fmt: skip

    def _database_property(self, database: object, name: object) -> object:
        if str(database).lower() not in self._s.engine.catalogs:
            return None
        catalog = self._s.engine.catalogs[str(database).lower()]
        return {
            "collation": "SQL_Latin1_General_CP1_CI_AS", "status": "ONLINE", "updateability": "READ_WRITE", "useraccess": "MULTI_USER",
            "recovery": "SIMPLE", "snapshotisolationstate": int(catalog.snapshot_isolation),
        }.get(str(name).lower())  # fmt: skip

    def _has_permission(self, securable: object, kind: object, permission: object, *_: object) -> object:
        wanted, group = str(permission).upper(), str(kind).upper() if kind is not None else None
        if group == "DATABASE" or (securable is None and group is None):
            database = str(securable).strip("[]") if securable else self._s.frame.database
            return (
                int(self._s.login_rights.enters(database))
                if wanted in {"ANY", "CONNECT"}
                else int(self._s.login_rights.admin)
            )
        if group not in {"OBJECT", None}:
            return int(self._s.login_rights.admin)
        database, name = self._parts(securable)
        catalog = self._s.engine.catalogs.get(database.lower())
        if catalog is None or not (catalog.table(name) or catalog.procedure(name)):
            return 0
        return int(self._s.login_rights.allows(database, name, wanted))

    def _tracked_in_sight(self) -> str:
        """The ids of the tables whose changes the login may see, as a PostgreSQL array."""
        name, session = self._s.frame.database, self._s
        tables = [table for table in session.engine.catalogs[name.lower()].tables if table.tracked]
        allowed = session.frame.privileged or session.login_rights.admin
        seen = [t for t in tables if allowed or session.login_rights.allows(name, t.name, "VIEW CHANGE TRACKING")]
        return "{" + ",".join(str(object_id(name, table.name)) for table in seen) + "}"

    def _column_length(self, table: object, column: object) -> object:
        database, name = self._parts(table)
        catalog = self._s.engine.catalogs.get(database.lower())
        found = catalog.table(name) if catalog else None
        spelled = found.column(str(column).rstrip(" ")) if found else None
        return max_length(spelled[1].type) if spelled else None


def _setting(name: str) -> Callable[[SystemValues], object]:
    return lambda values: getattr(values._s.settings, name)


_V = SystemValues
_VALUES: dict[str, Callable[..., object]] = {
    "@@rowcount": lambda v: v._s.rowcount, "@@error": lambda v: v._s.error_number, "@@trancount": lambda v: v._s.transactions.count,
    "@@identity": lambda v: v._s.identity, "@@spid": lambda v: v._s.spid, "@@servername": lambda v: v._s.engine.server_name,
    "@@version": lambda _: VERSION, "@@lock_timeout": _setting("lock_timeout"), "@@nestlevel": lambda v: len(v._s.frames) - 1,
    "@@options": lambda v: 512 * v._s.settings.nocount + 16384 * v._s.settings.xact_abort + 5432, "@@language": lambda _: "us_english",
    "@@max_precision": lambda _: 38, "@@servicename": lambda _: "MSSQLSERVER", "@@microsoftversion": lambda _: 0x0D00189C,
    "@@textsize": lambda _: 2147483647, "@@datefirst": lambda _: 7,
    "XACT_STATE": _V._xact_state, "SCOPE_IDENTITY": lambda v: v._s.frame.identity, "ERROR_NUMBER": _V._error_number,
    "ERROR_MESSAGE": _V._error_text, "ERROR_SEVERITY": _V._error_severity, "ERROR_STATE": _V._error_state, "ERROR_LINE": _V._error_line,
    "ERROR_PROCEDURE": _V._error_procedure, "DB_NAME": _V._database_name, "DB_ID": _V._database_id, "OBJECT_ID": _V._object_id,
    "SERVERPROPERTY": _V._server_property, "DATABASEPROPERTYEX": _V._database_property, "HAS_PERMS_BY_NAME": _V._has_permission,
    "HAS_DBACCESS": lambda v, name: int(v._s.login_rights.enters(str(name))) if str(name).lower() in v._s.engine.catalogs else None,
    "SUSER_SNAME": lambda v: v._s.login.user, "USER_NAME": lambda v: "dbo" if v._s.login_rights.admin else v._s.login.user,
    "APP_NAME": lambda v: v._s.login.app, "HOST_NAME": lambda v: v._s.login.host,
    "IS_SRVROLEMEMBER": lambda v, *_: int(v._s.login_rights.admin), "IS_MEMBER": lambda v, *_: int(v._s.login_rights.admin),
    "COL_LENGTH": _V._column_length, "IDENT_CURRENT": lambda v, name: current_identity(v._s, str(name)),
    "TRACKED_IN_SIGHT": _V._tracked_in_sight,
    "APPLOCK_MODE": lambda v, *a: v._s.lock_mode(str(a[1])),
}  # fmt: skip
