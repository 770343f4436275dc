"""SQL Server Change Tracking: versions are given at COMMIT, in the order of commits.

Statement triggers note the keys a statement touched under the transaction's id; a deferred trigger gives the
transaction its version when it commits, under a lock that outlasts the commit.
"""

from sandbox.tsql.catalog import Table
from sandbox.tsql.errors import error


def history(table: Table) -> str:
    """The PostgreSQL table that holds a tracked table's changes."""
    return f'"{table.database.lower()}.changes"."{table.name.lower()}"'


def _keys(table: Table, prefix: str = "") -> list[str]:
    return [f'{prefix}"{key.lower()}"' for key in table.key]


def changes_sql(table: Table, version: str) -> str:
    """CHANGETABLE(CHANGES ...): one row a key, the net change after `version`. SqlError 22105 when not tracked."""
    if not table.tracked:
        raise error(22105, table.name)
    keys = ", ".join(_keys(table, "h."))
    return f"""(SELECT version AS sys_change_version, CASE WHEN operation <> 'D' THEN created END AS sys_change_creation_version,
        (CASE WHEN operation = 'D' THEN 'D' WHEN created IS NOT NULL THEN 'I' ELSE 'U' END)::citext AS sys_change_operation,
        NULL::bytea AS sys_change_columns, NULL::bytea AS sys_change_context, {", ".join(_keys(table))}
      FROM (SELECT DISTINCT ON ({keys}) {keys}, c.version, h.operation,
              max(CASE WHEN h.operation = 'I' THEN c.version END) OVER (PARTITION BY {keys}) AS created
            FROM {history(table)} h JOIN tsql.tracked_commit c ON c.xid = h.xid AND c.database = '{table.database.lower()}'
            WHERE c.version > coalesce({version}, 0)
            ORDER BY {keys}, c.version DESC, h.seq DESC) AS net)"""


def enable_sql(table: Table, columns: list[str]) -> list[str]:
    """Statements that begin tracking; `columns` are the key columns' PostgreSQL definitions."""
    name, database = history(table), table.database.lower()
    keys, fresh, old = (
        ", ".join(_keys(table)),
        ", ".join(_keys(table, "inserted.")),
        ", ".join(_keys(table, "deleted.")),
    )
    same = " AND ".join(f"inserted.{key} = deleted.{key}" for key in _keys(table))
    into = f"INSERT INTO {name}(operation, {keys}) SELECT"
    bodies = {
        "INSERT": f"{into} 'I', {fresh} FROM inserted;",
        "DELETE": f"{into} 'D', {old} FROM deleted;",
        # A changed key is a delete and an insert.
        "UPDATE": f"{into} 'D', {old} FROM deleted WHERE NOT EXISTS (SELECT 1 FROM inserted WHERE {same});"
        f"{into} CASE WHEN EXISTS (SELECT 1 FROM deleted WHERE {same}) THEN 'U' ELSE 'I' END, {fresh} FROM inserted;",
    }
    statements = [
        f'CREATE SCHEMA IF NOT EXISTS "{database}.changes"',
        f"CREATE TABLE IF NOT EXISTS {name}(seq bigint GENERATED ALWAYS AS IDENTITY, "
        f"xid xid8 NOT NULL DEFAULT pg_current_xact_id(), operation text NOT NULL, {', '.join(columns)})",
        f'CREATE INDEX IF NOT EXISTS "ix_{table.name.lower()}" ON {name}(xid)',
    ]
    for event, body in bodies.items():
        statements += _trigger(table, event, body)
    return statements


def _trigger(table: Table, event: str, body: str) -> list[str]:
    function = f'"{table.database.lower()}.changes"."{table.name.lower()}_{event.lower()}"'
    source = "deleted" if event == "DELETE" else "inserted"
    transition = {
        "INSERT": "NEW TABLE AS inserted",
        "DELETE": "OLD TABLE AS deleted",
        "UPDATE": "NEW TABLE AS inserted OLD TABLE AS deleted",
    }
    return [
        f"""CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF EXISTS (SELECT 1 FROM {source}) THEN
            {body}
            INSERT INTO tsql.tracked_commit(xid, database) VALUES (pg_current_xact_id(), '{table.database.lower()}') ON CONFLICT DO NOTHING;
          END IF;
          RETURN NULL;
        END $$""",
        f"CREATE OR REPLACE TRIGGER zz_tracking_{event.lower()} AFTER {event} ON {table.relation} "
        f"REFERENCING {transition[event]} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    ]


def disable_sql(table: Table) -> list[str]:
    """Statements that end tracking and forget its history."""
    drops = [
        f"DROP TRIGGER IF EXISTS zz_tracking_{event} ON {table.relation}" for event in ("insert", "update", "delete")
    ]
    return [*drops, f"DROP TABLE IF EXISTS {history(table)}"]
