"""Identity values: SCOPE_IDENTITY(), @@IDENTITY and IDENT_CURRENT."""

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.tsql.plan import Plan

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession


def note_identity(session: "SqlSession", plan: Plan, count: int) -> None:
    """Remember the identity value an INSERT gave: SCOPE_IDENTITY() and @@IDENTITY."""
    table = plan.identity_of
    if count < 1 or table is None or not table.identity:
        return
    sequence = f"pg_get_serial_sequence('{table.relation}', '{table.identity.lower()}')"
    sql = f"SELECT currval({sequence})"
    if plan.fills_identity:
        # An explicit value moves the next one beyond it.
        sql = f"SELECT setval({sequence}, max({table.identity.lower()})) FROM {table.relation}"
    row = session.connection.execute(sql.encode()).fetchone()
    session.identity = session.frame.identity = Decimal(str(row[0])) if row else None  # type: ignore[index]


def current_identity(session: "SqlSession", name: str) -> object:
    table = session.engine.catalogs[session.frame.database.lower()].table(name.rpartition(".")[2])
    if table is None or not table.identity:
        return None
    row = session.connection.execute(f"SELECT max({table.identity.lower()}) FROM {table.relation}".encode()).fetchone()
    return Decimal(str(row[0])) if row and row[0] is not None else Decimal(1)  # type: ignore[index]
