"""Lock hints: row locks go into the statement, table and key locks are taken before it.

A key lock (UPDLOCK or XLOCK with HOLDLOCK) is an advisory lock on the key's value, so that it also guards a key
that is not there yet. Such a reader of one key shares the table's guard, a reader of a range has it alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.tsql.casts import cast
from sandbox.tsql.catalog import Table
from sandbox.tsql.kinds import family
from sandbox.tsql.naming import quote
from sandbox.tsql.scope import Expr

if TYPE_CHECKING:
    from sandbox.tsql.expressions import Expressions

_WRITE = {"UPDLOCK", "XLOCK"}
_HOLD = {"HOLDLOCK", "SERIALIZABLE"}
_SHARE = {*_HOLD, "REPEATABLEREAD", "READPAST"}
LOCKING = {*_WRITE, *_SHARE, "TABLOCK", "TABLOCKX"}
HINTS = {*LOCKING, "NOLOCK", "READUNCOMMITTED", "ROWLOCK", "PAGLOCK", "READCOMMITTED", "NOEXPAND"}


@dataclass
class Lock:
    """A table read with hints; `key` is the key's value as PostgreSQL text when the query names one key.

    `first` locks the rows in a statement of its own, where the query itself can't: it yields groups, not rows.
    """

    table: Table
    alias: str
    hints: frozenset[str]
    key: str | None = None
    first: str = ""

    @property
    def guards(self) -> bool:
        """Whether it also guards keys that are not there."""
        return bool(self.hints & _WRITE and self.hints & _HOLD)


def key_text(values: Sequence[Expr]) -> str:
    """A key's value in one form for every spelling of it."""
    parts = [f"lower(rtrim(({v.sql})::text, ' '))" if family(v.type) == "text" else f"({v.sql})::text" for v in values]
    return " || '|' || ".join(parts)


def _conjuncts(node: exp.Expression | None) -> Iterator[exp.Expression]:
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    elif isinstance(node, exp.Paren):
        yield from _conjuncts(node.this)
    elif node is not None:
        yield node


def key_of(table: Table, alias: str, condition: exp.Expression | None, e: "Expressions") -> str | None:
    """The one key a condition asks for, or None."""
    given: dict[str, exp.Expression] = {}
    for node in _conjuncts(condition):
        if not isinstance(node, exp.EQ):
            continue
        for column, value in ((node.this, node.expression), (node.expression, node.this)):
            named = isinstance(column, exp.Column) and column.table.lower() in {"", alias.lower()}
            if named and not any(isinstance(part, exp.Column) for part in value.find_all(exp.Column)):
                given[column.name.lower()] = value
    if not table.key or not all(key.lower() in given for key in table.key):
        return None
    columns = [table.column(key) for key in table.key]
    return key_text([cast(e.value(given[name.lower()]), column.type) for name, column in filter(None, columns)])


def row_lock(lock: Lock) -> str:
    """The FOR UPDATE clause of a SELECT, or ''."""
    hints = lock.hints
    if hints & {"TABLOCK", "TABLOCKX"} or not hints & (_WRITE | _SHARE) or lock.table.schema == "sys":
        return ""
    mode = "FOR UPDATE" if hints & _WRITE else "FOR SHARE"
    return f" {mode} OF {quote(lock.alias)}{' SKIP LOCKED' if 'READPAST' in hints else ''}"


def lock_commands(locks: Sequence[Lock]) -> list[str]:
    """Statements to run first, in the same transaction."""
    commands = []
    for lock in locks:
        name = lock.table.relation.replace("'", "''")
        if "TABLOCKX" in lock.hints or {"TABLOCK", "XLOCK"} <= lock.hints:
            commands.append(f"LOCK TABLE {lock.table.relation} IN ACCESS EXCLUSIVE MODE")
        elif "TABLOCK" in lock.hints:
            commands.append(f"LOCK TABLE {lock.table.relation} IN SHARE MODE")
        elif lock.guards:
            commands.append(f"SELECT tsql.guard('{name}', {lock.key or 'NULL'})")
        if lock.first:
            commands.append(lock.first)
    return commands


def insert_guard(table: Table, rows: Sequence[Sequence[Expr]]) -> list[str]:
    """What an INSERT of these keys does first while another connection guards keys."""
    name = table.relation.replace("'", "''")
    return [f"SELECT tsql.guard('{name}', {key_text(row)})" for row in rows]
