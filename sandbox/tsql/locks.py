"""Lock hints, as PostgreSQL locks taken before a statement runs. Row locks are in the statement itself."""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.tsql.expressions import Compilation


def lock_commands(locks: Sequence[object], node: exp.Expression | None, c: Compilation) -> list[str]:  # noqa: ARG001
    """Statements to run first: table locks for TABLOCK(X), key locks for UPDLOCK or XLOCK with HOLDLOCK."""
    commands = []
    for table, _, hints in locks:  # type: ignore[misc]
        if "TABLOCKX" in hints or ("TABLOCK" in hints and "XLOCK" in hints):
            commands.append(f"LOCK TABLE {table.relation} IN ACCESS EXCLUSIVE MODE")
        elif "TABLOCK" in hints:
            commands.append(f"LOCK TABLE {table.relation} IN SHARE MODE")
        elif hints & {"HOLDLOCK", "SERIALIZABLE"} and hints & {"UPDLOCK", "XLOCK"}:
            commands.append(f"SELECT pg_advisory_xact_lock(hashtextextended('{table.relation}', 0))")
    return commands
