"""The query functions of `$filter`: `Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['a'])` and kin."""

from datetime import UTC, datetime, timedelta

from sandbox.dataverse import errors
from sandbox.dataverse.filters import FilterSql, Scope, comparable_value
from sandbox.dataverse.grammar import Call, Literal, Path, parse_literal
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.values import edm

_DAYS = {"Today": (0, 1), "Yesterday": (-1, 0), "Tomorrow": (1, 2), "Last7Days": (-7, 1), "Next7Days": (0, 8)}
_COUNTED = {"LastXDays": "days", "NextXDays": "days", "LastXHours": "hours", "NextXHours": "hours"}


class QueryFunctions:
    """Turns a query function into an SQL condition, for the caller `user_id`."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id

    def __call__(self, sql: FilterSql, node: Call, scope: Scope) -> str:
        name = node.name.removeprefix(errors.TYPE)
        if name == node.name:
            raise _unknown(node.name)
        column, expression = self._property(sql, node, scope)
        if name in {"In", "NotIn"}:
            return self._in(sql, column, expression, _texts(node), negated=name == "NotIn")
        if name in {"Between", "NotBetween"}:
            return self._between(sql, column, expression, _texts(node), negated=name == "NotBetween")
        if name in {"EqualUserId", "NotEqualUserId"}:
            sql.values.append(self._user_id)
            return f"({expression} {'=' if name == 'EqualUserId' else '<>'} ?)"
        if column.type != "DateTime":
            raise _unknown(node.name)
        low, high = self._period(name, node, column)
        return _within(sql, column, expression, low, high)

    def _property(self, sql: FilterSql, node: Call, scope: Scope) -> tuple[Column, str]:
        literal = node.named.get("PropertyName")
        if not isinstance(literal, Literal) or not isinstance(literal.value, str):
            raise errors.bad_query(f"Unresolved parameters of '{node.name}': PropertyName.")
        table: Table = scope.tables[""][0]
        column = table.columns.get(literal.value) or table.by_property(literal.value)
        if column is None:
            raise errors.unknown_property(literal.value, table.name)
        return column, sql.path(Path((column.property_name,)), scope)[0]

    def _in(self, sql: FilterSql, column: Column, expression: str, texts: list[str], *, negated: bool) -> str:
        sql.values.extend(value_of(column, text) for text in texts)
        inside = f"{expression} IN ({', '.join('?' * len(texts))})"
        return f"(NOT coalesce({inside}, 0))" if negated else f"({inside})"

    def _between(self, sql: FilterSql, column: Column, expression: str, texts: list[str], *, negated: bool) -> str:
        if len(texts) != 2:
            raise errors.bad_query("Between needs exactly two values.")
        sql.values.extend(value_of(column, text) for text in texts)
        return f"({expression} {'NOT ' if negated else ''}BETWEEN ? AND ?)"

    def _period(self, name: str, node: Call, column: Column) -> tuple[datetime | None, datetime | None]:
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if name in _DAYS:
            low, high = _DAYS[name]
            return midnight + timedelta(low), midnight + timedelta(high)
        if name in _COUNTED:
            span = timedelta(**{_COUNTED[name]: int(_value(node))})
            base = midnight if _COUNTED[name] == "days" else now
            return (base - span, now) if name.startswith("Last") else (now, base + span + timedelta(days=1))
        if name in {"On", "OnOrAfter", "OnOrBefore"}:
            day = datetime.fromisoformat(value_of(column, _value(node))[:10]).replace(tzinfo=UTC)
            after = day + timedelta(days=1)
            return {"On": (day, after), "OnOrAfter": (day, None), "OnOrBefore": (None, after)}[name]
        raise _unknown(node.name)


def _within(sql: FilterSql, column: Column, expression: str, low: datetime | None, high: datetime | None) -> str:
    form = "%Y-%m-%d" if column.is_date_only else "%Y-%m-%dT%H:%M:%SZ"
    terms = []
    for limit, op in ((low, ">="), (high, "<")):
        if limit is not None:
            sql.values.append(limit.strftime(form))
            terms.append(f"{expression} {op} ?")
    return "(" + " AND ".join(terms) + ")"


def value_of(column: Column, text: str) -> object:
    """A value a query function was given as text, in the form its column is compared in."""
    if edm(column) == "Edm.String":
        return comparable_value(column, Literal(text, "Edm.String"))
    return comparable_value(column, parse_literal(text))


def _texts(node: Call) -> list[str]:
    literal = node.named.get("PropertyValues")
    if not isinstance(literal, Literal) or not isinstance(literal.value, tuple):
        raise errors.bad_query(f"Unresolved parameters of '{node.name}': PropertyValues.")
    return [str(item.value) for item in literal.value]


def _value(node: Call) -> str:
    literal = node.named.get("PropertyValue")
    if not isinstance(literal, Literal):
        raise errors.bad_query(f"Unresolved parameters of '{node.name}': PropertyValue.")
    return str(literal.value)


def _unknown(name: str) -> errors.DataverseError:
    error = errors.bad_query(f"An unknown function with name '{name}' was found.")
    return errors.Unsupported("query function", name, error)
