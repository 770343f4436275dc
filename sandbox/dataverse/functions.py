"""The query functions of `$filter`: `Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['a'])` and kin."""

from datetime import UTC, datetime, timedelta

from sandbox.dataverse import errors
from sandbox.dataverse.filters import FilterSql, Scope, comparable_value
from sandbox.dataverse.grammar import Call, Path, parse_literal
from sandbox.dataverse.literals import Literal
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.values import edm

_DAYS = {"Today": (0, 1), "Yesterday": (-1, 0), "Tomorrow": (1, 2), "Last7Days": (-7, 1), "Next7Days": (0, 8)}
_COUNTED = {"LastXDays": "days", "NextXDays": "days", "LastXHours": "hours", "NextXHours": "hours"}
_OF_ONE = {*_COUNTED, "On", "OnOrAfter", "OnOrBefore"}
_OF_SEVERAL = {"In", "NotIn", "Between", "NotBetween"}
_USER = {"EqualUserId": "=", "NotEqualUserId": "<>"}


class QueryFunctions:
    """Turns a query function into an SQL condition, for the caller `user_id`."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id

    def __call__(self, sql: FilterSql, node: Call, scope: Scope) -> str:
        name = node.name.removeprefix(errors.TYPE)
        if name == node.name or name not in {*_DAYS, *_OF_ONE, *_OF_SEVERAL, *_USER}:
            raise _unknown(node.name)
        _check_parameters(name, node)
        column, expression = self._property(sql, node, scope)
        if name in {"In", "NotIn"}:
            return self._in(sql, column, expression, _texts(node), negated=name == "NotIn")
        if name in {"Between", "NotBetween"}:
            return self._between(sql, column, expression, _texts(node), negated=name == "NotBetween")
        if edm(column) not in ({"Edm.Guid"} if name in _USER else {"Edm.DateTimeOffset", "Edm.Date"}):
            raise errors.bad_query(f"The function '{node.name}' cannot be used with '{column.name}'.")
        if name in _USER:
            sql.values.append(self._user_id)
            return f"({expression} {_USER[name]} ?)"
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
        try:
            if name in _COUNTED:
                return _counted(name, now, midnight, int(_value(node)))
            day = datetime.fromisoformat(str(value_of(column, _value(node)))[:10]).replace(tzinfo=UTC)
            after = day + timedelta(days=1)
        except (ValueError, OverflowError):
            raise errors.bad_query(f"The value '{_value(node)}' of '{node.name}' is out of range.") from None
        return {"On": (day, after), "OnOrAfter": (day, None), "OnOrBefore": (None, after)}[name]


def _check_parameters(name: str, node: Call) -> None:
    wanted = {"PropertyName"}
    if name in _OF_ONE | _OF_SEVERAL:
        wanted.add("PropertyValue" if name in _OF_ONE else "PropertyValues")
    if node.args or node.named.keys() != wanted:
        raise errors.bad_query(f"Unresolved parameters of '{node.name}': {', '.join(sorted(wanted))} are expected.")


def _counted(name: str, now: datetime, midnight: datetime, count: int) -> tuple[datetime, datetime]:
    """The last or next so many whole days, today included, or hours from this moment. Raises ValueError for none."""
    if count < 1:
        raise ValueError(count)
    if _COUNTED[name] == "hours":
        span = timedelta(hours=count)
        return (now - span, now) if name.startswith("Last") else (now, now + span)
    return (midnight - timedelta(count), now) if name.startswith("Last") else (now, midnight + timedelta(count + 1))


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
