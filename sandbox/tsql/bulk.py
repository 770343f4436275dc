"""Rows that come as values: bulk insert and INSERT ... EXEC."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sandbox.tds.contract import Column
from sandbox.tsql.catalog import CatalogColumn, Table
from sandbox.tsql.errors import error
from sandbox.tsql.kinds import FIXED, TEXT, UNICODE
from sandbox.tsql.naming import quote
from sandbox.tsql.plan import Need, Plan, command
from sandbox.tsql.rights import check_rights
from sandbox.tsql.values import code_page, convert, text_value

if TYPE_CHECKING:
    from sandbox.tsql.interpreter import Interpreter
    from sandbox.tsql.session import SqlSession


def _find(session: "SqlSession", written: str) -> Table:
    parts = [part.strip("[]") for part in written.split(".")]
    return session.world.table(parts[-1], parts[-2] if len(parts) > 1 else "", parts[-3] if len(parts) > 2 else "")


def stored_value(value: object, column: CatalogColumn, source: Column | None) -> object:
    """A value for a column, in the form PostgreSQL keeps; SqlError 8152 when it is too long."""
    kind = column.type
    if value is None or kind.name not in TEXT:
        return convert(value, kind, source.type if source else None)
    text = text_value(value, source.type if source else None)
    text = text if kind.name in UNICODE else code_page(text)
    if kind.length is not None and len(text) > kind.length:
        if len(text.rstrip(" ")) > kind.length:
            raise error(8152)
        text = text[: kind.length]
    return text.rstrip(" ") if kind.name in FIXED else text


def _copy(session: "SqlSession", table: Table, names: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    count = 0
    plan = Plan(
        "INSERT", command("", []), writes=table, needs={Need(table.database, table.schema, table.name, "INSERT")}
    )
    check_rights(session, plan)
    if session.transactions.doomed and table.schema != "@":
        raise error(3930)
    sql = f"COPY {table.relation} ({', '.join(quote(name) for name in names)}) FROM STDIN"
    with (
        session.translated("INSERT"),
        session.transactions.statement(writes=True),
        session.connection.cursor().copy(sql.encode()) as copy,
    ):
        for row in rows:
            session.check_cancelled()
            copy.write_row(row)
            count += 1
    return count


def _columns(table: Table, names: Sequence[str]) -> list[tuple[str, CatalogColumn]]:
    found = [table.column(name) for name in names]
    for name, column in zip(names, found, strict=True):
        if column is None:
            raise error(207, name)
    return [column for column in found if column is not None]


def insert_rows(
    session: "SqlSession",
    target: str,
    names: Sequence[str],
    sets: Sequence[tuple[Sequence[Column], Sequence[Sequence[object]]]],
) -> int:
    """Rows of result sets into a table; the number stored."""
    table = _find(session, target)
    columns = _columns(table, names or [name for name, column in table.columns.items() if not column.identity])
    rows = []
    for sources, found in sets:
        if len(sources) != len(columns):
            raise error(213)
        rows += [[stored_value(v, c, s) for v, (_, c), s in zip(row, columns, sources, strict=True)] for row in found]
    return _copy(session, table, [name for name, _ in columns], rows)


def bulk_insert(
    interpreter: "Interpreter", target: str, sources: Sequence[Column], rows: Iterable[Sequence[object]]
) -> None:
    """The rows of an `insert bulk`."""
    session = interpreter.session
    table = _find(session, target)
    columns = _columns(table, [source.name for source in sources])
    kept = [(n, name, column) for n, (name, column) in enumerate(columns) if not column.identity]
    values = ([stored_value(row[n], column, sources[n]) for n, _, column in kept] for row in rows)
    count = _copy(session, table, [name for _, name, _ in kept], values)
    session.rowcount = count
    interpreter.done(count)


def shape_only(interpreter: "Interpreter", name: Sequence[str]) -> None:
    """A result set without rows: what SET FMTONLY ON shows of a table."""
    table = _find(interpreter.session, ".".join(name))
    shape = [Column(column, c.type, c.nullable, c.identity) for column, c in table.columns.items()]
    interpreter.output.columns(shape)
    interpreter.output.rows([])
    interpreter.done(0)
