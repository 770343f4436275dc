"""SET options."""

from typing import TYPE_CHECKING

from sandbox.tsql.errors import Unsupported, error

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession

_KEPT = {
    "NOCOUNT": "nocount",
    "XACT_ABORT": "xact_abort",
    "IMPLICIT_TRANSACTIONS": "implicit_transactions",
    "NOEXEC": "no_execute",
}
# Options whose other value would change what statements mean: only the value drivers send is taken.
_FIXED = {
    "ANSI_NULLS": "ON", "ANSI_PADDING": "ON", "ANSI_WARNINGS": "ON", "QUOTED_IDENTIFIER": "ON", "CONCAT_NULL_YIELDS_NULL": "ON",
    "ANSI_DEFAULTS": "ON", "NUMERIC_ROUNDABORT": "OFF", "FMTONLY": "OFF", "ARITHIGNORE": "OFF", "REMOTE_PROC_TRANSACTIONS": "OFF",
    "DATEFORMAT": "MDY", "DATEFIRST": "7", "LANGUAGE": "US_ENGLISH",
}  # fmt: skip
_IGNORED = {"ARITHABORT", "ANSI_NULL_DFLT_ON", "CURSOR_CLOSE_ON_COMMIT", "TEXTSIZE"}
_LEVELS = {"READ COMMITTED", "READ UNCOMMITTED", "SNAPSHOT"}


def set_option(session: "SqlSession", name: str, value: str) -> None:
    """Do one SET; Unsupported for a value that would need another engine."""
    settings = session.settings
    if name in _KEPT:
        setattr(settings, _KEPT[name], value == "ON")
    elif name == "LOCK_TIMEOUT":
        session.set_lock_timeout(int(value))
    elif name == "DEADLOCK_PRIORITY":
        settings.deadlock_priority = value.upper()
    elif name == "ROWCOUNT":
        settings.rowcount = int(value)
    elif name == "ISOLATION":
        if value not in _LEVELS:
            raise Unsupported(f"SET TRANSACTION ISOLATION LEVEL {value}")
        settings.isolation = value
    elif name == "IDENTITY_INSERT":
        table, _, switch = value.rpartition(" ")
        session.world.table(table.rpartition(".")[2])
        settings.identity_insert = table.rpartition(".")[2] if switch == "ON" else ""
    elif name in _FIXED:
        if value.strip("'").upper() != _FIXED[name]:
            raise Unsupported(f"SET {name} {value}")
    elif name not in _IGNORED:
        raise error(195, name)
