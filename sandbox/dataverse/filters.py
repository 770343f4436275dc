"""`$filter` and `$orderby` as SQL.

A comparison with null is written out as SQL Server's dialect has it in CRM: `ne` and `not` keep rows without a value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from sandbox.dataverse import errors
from sandbox.dataverse.grammar import Call, Compare, Logic, Node, Not, Path, Quantified
from sandbox.dataverse.literals import GUID, Literal
from sandbox.dataverse.odata import split_outside
from sandbox.dataverse.schema import Column, Navigation, Schema, Table
from sandbox.dataverse.store import Store, fold, quoted, target_column
from sandbox.dataverse.values import edm

_SQL = {"eq": "=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_MIRROR = {"eq": "eq", "ne": "ne", "gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
_LIKE = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}
_NUMBERS = {"Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double"}


@dataclass
class Scope:
    """The tables a filter may speak of: "" is the table asked for, others are lambda variables."""

    tables: Mapping[str, tuple[Table, str]]

    def start(self, parts: tuple[str, ...]) -> tuple[Table, str, tuple[str, ...]]:
        """The table and alias a path begins at, and the rest of the path."""
        if parts[0] in self.tables and parts[0]:
            return *self.tables[parts[0]], parts[1:]
        return *self.tables[""], parts


@dataclass
class FilterSql:
    """Turns a tree into an SQL condition; `values` gathers its parameters in order."""

    store: Store
    call: Callable[["FilterSql", Call, Scope], str]
    values: list[object] = field(default_factory=list)
    _aliases: count = field(default_factory=count)

    def condition(self, node: Node, scope: Scope) -> str:
        """The SQL condition of a tree. Raises DataverseError 0x80060888 for what the table does not have."""
        match node:
            case Logic():
                return balanced([self.condition(item, scope) for item in node.items], node.op.upper())
            case Not():
                return f"(NOT coalesce({self.condition(node.item, scope)}, 0))"
            case Compare():
                return self._compare(node, scope)
            case Quantified():
                return self._quantified(node, scope)
            case Call() if node.name in _LIKE:
                return self._like(node, scope)
            case Call():
                return self.call(self, node, scope)
            case Path():
                sql, column = self.path(node, scope)
                if column.type == "Boolean":
                    return f"({sql} = 1)"
        raise errors.bad_query("The $filter expression must evaluate to a single boolean value.")

    def path(self, path: Path, scope: Scope) -> tuple[str, Column]:
        """The SQL expression of a property path and the column at its end."""
        return self._step(*scope.start(path.parts))

    def _step(self, table: Table, alias: str, parts: tuple[str, ...]) -> tuple[str, Column]:
        if len(parts) == 1:
            column = property_of(table, parts[0])
            if column.write_only:
                raise errors.bad_query(f"The property '{column.name}' cannot be queried.")
            return self.store.comparable(column, alias), column
        end = table.navigation.get(parts[0]) if parts else None
        if end is None:
            raise errors.unknown_property(parts[0] if parts else "", table.name)
        target = self.store.schema.table(end.table)
        if target is None:
            raise errors.Unsupported("table", end.table, errors.unknown_property(parts[1], end.table))
        inner_alias = self._alias()
        inner, column = self._step(target, inner_alias, parts[1:])
        link = join(table, alias, end, target, inner_alias)
        return f"(SELECT {inner} FROM {quoted(target.name)} {inner_alias} WHERE {link})", column

    def _alias(self) -> str:
        return f"j{next(self._aliases)}"

    def _compare(self, node: Compare, scope: Scope) -> str:
        left, right, op = node.left, node.right, node.op
        if isinstance(left, Literal):
            left, right, op = right, left, _MIRROR[op]
        if not isinstance(left, Path):
            raise self._unsupported(left)
        sql, column = self.path(left, scope)
        if isinstance(right, Path):
            return self._columns(sql, column, op, right, scope)
        if not isinstance(right, Literal):
            raise self._unsupported(right)
        if right.edm == "null":
            return self._null(sql, op)
        self.values.append(comparable_value(column, right, op))
        return f"({sql} <> ? OR {sql} IS NULL)" if op == "ne" else f"({sql} {_SQL[op]} ?)"

    def _unsupported(self, node: Node) -> errors.DataverseError:
        if not isinstance(node, Call):
            return errors.bad_query("An operator with an incompatible operand was detected: it takes a property.")
        error = errors.bad_query(f"An unknown function with name '{node.name}' was found.")
        return errors.Unsupported("filter", node.name, error)

    def _columns(self, sql: str, column: Column, op: str, right: Path, scope: Scope) -> str:
        other_sql, other = self.path(right, scope)
        if edm(column) != edm(other):
            raise incompatible(edm(column), edm(other), op)
        return f"({sql} <> {other_sql})" if op == "ne" else f"({sql} {_SQL[op]} {other_sql})"

    def _null(self, sql: str, op: str) -> str:
        if op not in {"eq", "ne"}:
            raise incompatible("null", "null", op)
        return f"({sql} IS {'NOT ' if op == 'ne' else ''}NULL)"

    def _like(self, node: Call, scope: Scope) -> str:
        match node.args:
            case (Path() as path, Literal(value=str(text))):
                sql, column = self.path(path, scope)
            case _:
                raise errors.bad_query(f"No function signature for the function '{node.name}' matches.")
        if not column.is_text:
            raise errors.bad_query(f"The function '{node.name}' needs a text property.")
        # % and _ are left as they come: the real system passes them to SQL's LIKE as wildcards too.
        self.values.append(_LIKE[node.name].format(text.casefold().replace("\\", "\\\\")))
        return f"({sql} LIKE ? ESCAPE '\\')"

    def _quantified(self, node: Quantified, scope: Scope) -> str:
        table, alias, parts = scope.start(node.path.parts)
        end = table.collections.get(parts[0]) if len(parts) == 1 else None
        child = self.store.schema.table(end.table) if end else None
        if end is None or child is None:
            raise errors.unknown_property("/".join(parts), table.name)
        inner = self._alias()
        link = child_link(child, inner, end, table, f"{alias}.{quoted(table.primary_id)}")
        if node.body is None:
            return f"EXISTS (SELECT 1 FROM {quoted(child.name)} {inner} WHERE {link})"
        body = self.condition(node.body, Scope({**scope.tables, node.variable: (child, inner)}))
        body = f"NOT coalesce({body}, 0)" if node.every else body
        sql = f"EXISTS (SELECT 1 FROM {quoted(child.name)} {inner} WHERE {link} AND {body})"
        return f"NOT {sql}" if node.every else sql


def balanced(terms: list[str], op: str) -> str:
    """Conditions joined as a balanced tree: SQLite takes an expression only 1000 levels deep."""
    while len(terms) > 1:
        pairs = [terms[at : at + 2] for at in range(0, len(terms), 2)]
        terms = [f"({f' {op} '.join(pair)})" for pair in pairs]
    return terms[0]


def property_of(table: Table, name: str) -> Column:
    """The column a URL calls `name`. Raises DataverseError 0x80060888; the bare name of a lookup is none."""
    column = table.by_property(name)
    if column is None:
        raise errors.unknown_property(name, table.name)
    return column


def join(table: Table, alias: str, end: Navigation, target: Table, inner: str) -> str:
    """The SQL condition that joins a row to the row its lookup leads to."""
    column = table.columns[end.column]
    link = f"{inner}.{quoted(target.primary_id)} = {alias}.{quoted(column.name)}"
    if column.polymorphic:
        link += f" AND {alias}.{quoted(target_column(column))} = '{target.name}'"
    return link


def child_link(child: Table, alias: str, end: Navigation, parent: Table, parent_id: str) -> str:
    """The SQL condition that a child row's lookup leads to the row of `parent` with this id expression."""
    column = child.columns[end.column]
    link = f"{alias}.{quoted(column.name)} = {parent_id}"
    return f"{link} AND {alias}.{quoted(target_column(column))} = '{parent.name}'" if column.polymorphic else link


def incompatible(left: str, right: str, op: str) -> errors.DataverseError:
    text = "A binary operator with incompatible types was detected. Found operand types"
    return errors.bad_query(f"{text} '{left}' and '{right}' for operator kind '{op}'.")


def comparable_value(column: Column, literal: Literal, op: str = "eq") -> object:
    """A constant in the form the column is compared in. Raises DataverseError 0x80060888 for another type."""
    kind, value = edm(column), literal.value
    if kind == literal.edm and kind in {"Edm.String", "Edm.Boolean", "Edm.Guid", "Edm.Date"}:
        return fold(value)
    if kind in _NUMBERS and literal.edm in {"Edm.Int32", "Edm.Decimal"}:
        return float(value) if isinstance(value, Decimal) else value
    # Quoted ids are tolerated for `_x_value`, and only there.
    if column.is_lookup and isinstance(value, str) and GUID.fullmatch(value):
        return value.lower()
    if kind == "Edm.DateTimeOffset" and literal.edm in {"Edm.DateTimeOffset", "Edm.Date"}:
        return value if literal.edm == kind else f"{value}T00:00:00Z"
    if kind == "Edm.Date" and literal.edm == "Edm.DateTimeOffset":
        return str(value)[:10]
    raise incompatible(kind, literal.edm, op)


def order_sql(sql: FilterSql, scope: Scope, text: str) -> str:
    """The terms of `$orderby` as SQL."""
    terms = []
    for item in split_outside(text, ","):
        name, _, direction = item.partition(" ")
        if direction.strip() not in {"", "asc", "desc"}:
            raise errors.bad_query(f"Syntax error at position {len(name)} in '{text}'.")
        parts = tuple(name.split("/"))
        if len(parts) > 2:
            raise errors.bad_query("Only a single level of navigation is supported in $orderby.")
        terms.append(f"{sql.path(Path(parts), scope)[0]} {direction.strip() or 'asc'}")
    return ", ".join(terms)


def base_scope(table: Table) -> Scope:
    """The scope of a query on one table, whose alias is `t`."""
    return Scope({"": (table, "t")})


def children(schema: Schema, table: Table, name: str) -> tuple[Table, Navigation]:
    """The child table and lookup of a collection-valued navigation property. Raises DataverseError 0x80060888."""
    end = table.collections.get(name)
    child = schema.table(end.table) if end else None
    if end is None or child is None:
        raise errors.unknown_property(name, table.name)
    return child, end
