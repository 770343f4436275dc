"""Loads generated customers straight into PostgreSQL: the way of a restored backup rather than of a client."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import batched

import psycopg

from sandbox.gp import generate
from sandbox.tsql.engine import SqlEngine

type Connection = psycopg.Connection[tuple[object, ...]]

_CHUNK = 5_000
# From this many on, building RM00101's secondary indexes anew is quicker than keeping them.
_MANY = 100_000


def add_customers(engine: SqlEngine, database: str, count: int, seed: int) -> None:
    """Add `count` generated customers after those that are there. Change Tracking sees them.

    A few thousand become visible at a time, each with its addresses; 100,000 or more all at once, and nobody reads
    RM00101 meanwhile.
    """
    with engine.connect() as connection:
        if count < _MANY:
            _add(connection, database, count, seed)
            return
        with connection.transaction(), _fewer_indexes(connection, database.lower()):
            _add(connection, database, count, seed)


def refresh_statistics(engine: SqlEngine) -> None:
    """Let the optimizer know what the tables hold, as SQL Server does by itself after a load.

    PostgreSQL's old row versions are swept out too: it counts those it passes as examined.
    """
    with engine.connect() as connection:
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")


def rows_examined(engine: SqlEngine) -> int:
    """Rows and index entries read so far from GP's tables and their change histories, by PostgreSQL's statistics.

    A connection tells what it read when it ends, or up to ten seconds later. The list of commits is left out:
    PostgreSQL reads it whole while it fits a page, where SQL Server seeks.
    """
    ours = "schemaname <> 'tsql'"
    with engine.connect() as connection:
        return _number(
            connection,
            f"SELECT (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE {ours}) "
            f"+ (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE {ours})",
        )


def _add(connection: Connection, database: str, count: int, seed: int) -> None:
    company = database.lower()
    first = _number(connection, f"SELECT coalesce(max(dex_row_id), 0) + 1 FROM {company}.rm00101")
    note = _number(
        connection,
        f"UPDATE dynamics.sy01500 SET noteindx = noteindx + {count} WHERE interid = '{database}' "
        f"RETURNING noteindx - {count}",
    )
    for chunk in batched(generate.customers(count, seed, first, note), _CHUNK, strict=False):
        with connection.transaction():
            # Children first: they stamp no customer then, and no reader sees a customer without address.
            _copy(connection, f"{company}.rm00102", [address for made in chunk for address in made.addresses])
            _copy(connection, f"{company}.sy01200", [made.internet for made in chunk if made.internet])
            _copy(connection, f"{company}.rm00103", [{"CUSTNMBR": made.customer["CUSTNMBR"]} for made in chunk])
            _copy(connection, f"{company}.rm00101", [made.customer for made in chunk])


def _copy(connection: Connection, relation: str, rows: Sequence[dict[str, object]]) -> None:
    if not rows:
        return
    columns = ", ".join(name.lower() for name in rows[0])
    with connection.cursor().copy(f"COPY {relation} ({columns}) FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row([value.rstrip(" ") if isinstance(value, str) else value for value in row.values()])


@contextmanager
def _fewer_indexes(connection: Connection, company: str) -> Iterator[None]:
    found = connection.execute(
        b"SELECT quote_ident(indexname), indexdef FROM pg_indexes "
        b"WHERE schemaname = $1 AND tablename = 'rm00101' AND indexname NOT LIKE 'PK%'",
        [company],
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {company}.{name}".encode())
    yield
    for _, definition in found:
        connection.execute(str(definition).encode())


def _number(connection: Connection, sql: str) -> int:
    row = connection.execute(sql.encode()).fetchone()
    assert row
    return int(str(row[0]).partition(".")[0])
