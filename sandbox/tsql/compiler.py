"""From a statement's fragment to a plan."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.casts import cast
from sandbox.tsql.catalog import CatalogColumn, Table
from sandbox.tsql.compilation import Compilation, parameter_name
from sandbox.tsql.dialect import parse_condition, parse_query, parse_value
from sandbox.tsql.errors import error
from sandbox.tsql.kinds import postgres_type
from sandbox.tsql.lexer import Fragment
from sandbox.tsql.locks import Lock, insert_guard, lock_commands
from sandbox.tsql.plan import Command, Plan, command
from sandbox.tsql.queries import Queries
from sandbox.tsql.relations import plain_type, result_columns
from sandbox.tsql.scope import Expr, Scope
from sandbox.tsql.world import World
from sandbox.tsql.writes import Writes

Variables = Mapping[str, SqlType]


def compile_statement(
    world: World,
    verb: str,
    fragment: Fragment,
    variables: Variables,
    *,
    identity_insert: str = "",
    guarded: bool = False,
) -> Plan:
    """The plan of a SELECT, INSERT, UPDATE or DELETE. SqlError 207, 208 and their like; Unsupported for the rest.

    `guarded`: another connection holds keys under HOLDLOCK, so an INSERT must ask for its own first.
    """
    c = Compilation(world, fragment.literals, variables)
    if verb == "SELECT":
        return _select(c, parse_query(fragment.text))
    write = Writes(c, identity_insert).compile(fragment.text)
    sql = write.sql
    if write.fills_identity:
        sql = sql.replace(" VALUES ", " OVERRIDING SYSTEM VALUE VALUES ", 1)
    plan = Plan(
        verb, _command(sql, c), columns=result_columns(write.items), assigns=write.assigns, needs=c.needs, pinned=c.pinned,
        identity_of=write.table if verb == "INSERT" and write.table.identity else None, returns_rows=bool(write.items), writes=write.table,
    )  # fmt: skip
    _locked(plan, c, [Lock(write.table, "", frozenset(write.hints))] if write.hints else [])
    plan.before += [_command(text, c) for text in (insert_guard(write.table, write.keys) if guarded else [])]
    plan.fills_identity = write.fills_identity
    return plan


def _locked(plan: Plan, c: Compilation, more: Sequence[Lock] = ()) -> None:
    locks = [*c.locks, *more]
    plan.before = [_command(text, c) for text in lock_commands(locks)]
    plan.guards = any(lock.guards for lock in locks)


def _command(sql: str, c: Compilation) -> Command:
    return command(sql.replace("\x01", ""), c.binders)


def _select(c: Compilation, node: exp.Expression) -> Plan:
    queries = Queries(c)
    if isinstance(node, exp.Select):
        targets = [_assigned(item) for item in node.expressions]
        if any(targets):
            return _assignment(c, queries, node, targets)
        if node.args.get("into"):
            return _into(c, queries, node)
    compiled = queries.query(node, top=True)
    plan = Plan(
        "SELECT",
        _command(compiled.sql, c),
        columns=result_columns(compiled.items),
        needs=c.needs,
        pinned=c.pinned,
        returns_rows=True,
    )
    _locked(plan, c)
    return plan


def _assigned(item: exp.Expression) -> str:
    if isinstance(item, exp.EQ):
        name = parameter_name(item.this)
        return name if name[:1] == "@" and name[:2] != "@@" and not name.startswith("@__p") else ""
    return ""


def _assignment(c: Compilation, queries: Queries, node: exp.Select, targets: Sequence[str]) -> Plan:
    if not all(targets):
        raise error(141)
    names = [target for target in targets if target]
    plain = node.copy()
    plain.set("expressions", [item.expression.copy() for item in node.expressions])
    unknown = next((name for name in names if name not in c.variables), None)
    if unknown:
        raise error(137, unknown)
    compiled = queries.query(plain, top=True)
    accumulates = any(parameter_name(p) in names for item in plain.expressions for p in item.find_all(exp.Parameter))
    plan = Plan("SELECT", _command(compiled.sql, c), needs=c.needs, pinned=c.pinned, accumulates=accumulates)
    plan.assigns = [(name, expr.type) for name, (_, expr) in zip(names, compiled.items, strict=True)]
    _locked(plan, c)
    return plan


def _into(c: Compilation, queries: Queries, node: exp.Select) -> Plan:
    target = node.args["into"].this
    name = ("#" if target.this.args.get("temporary") else "") + target.name
    if not name.startswith("#"):
        raise error(262, "CREATE TABLE", c.world.database)
    plain = node.copy()
    plain.set("into", None)
    compiled = queries.query(plain, stored=True)
    names = ", ".join(f'"{item.lower()}"' for item, _ in compiled.items)
    table = Table(
        name,
        {item: CatalogColumn(plain_type(expr.type), nullable=expr.nullable) for item, expr in compiled.items},
        schema="#",
    )
    table.relation = f'pg_temp."{name.lower()}"'
    sql = f'CREATE TEMP TABLE "{name.lower()}" ({names}) AS {compiled.sql}'
    plan = Plan("SELECT INTO", _command(sql, c), needs=c.needs, pinned=c.pinned, into=name)
    plan.writes = table
    return plan


def compile_value(world: World, fragment: Fragment, variables: Variables, kind: SqlType | None) -> Plan:
    """One expression as one row of one column, converted to `kind`."""
    c = Compilation(world, fragment.literals, variables)
    expr = Queries(c).expressions(Scope()).value(parse_value(fragment.text))
    if expr.null:
        expr = Expr(f"NULL::{postgres_type(kind or expr.type)}", kind or expr.type)
    elif kind is not None:
        expr = cast(expr, kind)
    plan = Plan("SELECT", _command(f"SELECT {expr.sql}", c), needs=c.needs, pinned=c.pinned)
    plan.assigns = [("", expr.type)]
    return plan


def compile_condition(world: World, fragment: Fragment, variables: Variables) -> Plan:
    """A condition as one row: true, false or NULL."""
    c = Compilation(world, fragment.literals, variables)
    test = Queries(c).expressions(Scope()).condition(parse_condition(fragment.text))
    plan = Plan("SELECT", _command(f"SELECT ({test})", c), needs=c.needs, pinned=c.pinned)
    _locked(plan, c)
    return plan
