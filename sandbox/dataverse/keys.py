"""Which row a key in a URL means: by primary key or by an active alternate key."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.dataverse import errors
from sandbox.dataverse.filters import comparable_value
from sandbox.dataverse.literals import Literal
from sandbox.dataverse.odata import Segment, parse_key, parse_path
from sandbox.dataverse.schema import Column, Key, Table
from sandbox.dataverse.store import Row, Store
from sandbox.dataverse.values import stored

# Documented: these break requests by alternate key even when percent-encoded.
_RESERVED = set("/<>*%&:\\?+")


@dataclass(frozen=True)
class RowKey:
    """A key predicate made sense of: a primary key `id`, or an alternate `key` with stored `values`."""

    id: str | None
    key: Key | None = None
    values: tuple[tuple[str, object], ...] = ()

    def find(self, store: Store, table: Table) -> Row | None:
        """The row meant, None when there is none."""
        if self.id is not None:
            return store.get(table, self.id)
        return next(iter(store.find(table, dict(self.values))), None)

    def missing(self, table: Table) -> errors.DataverseError:
        """The 404 for this key."""
        return errors.no_such_row(table.name, self.id) if self.id else errors.no_such_key_value(table.name)


def row_key(table: Table, text: str) -> RowKey:
    """The meaning of the text between the parentheses. Raises DataverseError: 400 for a key that is none."""
    named = parse_key(text)
    if named.keys() <= {"", _named_primary(table)} and len(named) == 1:
        (literal,) = named.values()
        if literal.edm != "Edm.Guid":
            raise errors.bad_key(table.name)
        return RowKey(str(literal.value))
    for key in table.keys.values():
        columns = {table.columns[name].property_name: table.columns[name] for name in key.columns}
        if columns.keys() == named.keys() and key.status == "Active":
            return RowKey(None, key, tuple((c.name, _part(table, c, named[p])) for p, c in columns.items()))
    raise errors.bad_key(table.name)


def _named_primary(table: Table) -> str:
    return "ownerid" if table.name in {"systemuser", "team"} else table.primary_id


def _part(table: Table, column: Column, literal: Literal) -> object:
    value = literal.value
    if value is None or value == "":
        raise errors.invalid_argument(f"The key attribute '{column.name}' must have a value.")
    if isinstance(value, str) and literal.edm == "Edm.String" and _RESERVED & set(value):
        raise errors.bad_query("Bad Request - Error in query syntax.")
    comparable_value(column, literal)
    if column.is_lookup:
        if literal.edm != "Edm.Guid":
            raise errors.bad_key(table.name)
        return value
    kept = stored(table, column, value)
    return float(kept) if column.type in {"Decimal", "Money"} and isinstance(kept, str | Decimal) else kept


def reference(root: str, text: str) -> list[Segment]:
    """The path in an `@odata.id` or `@odata.bind`: absolute, from the root, or relative to the service root."""
    below = text.removeprefix(root)
    if below == text and below.lower().startswith(("http:", "https:")):
        raise errors.bad_query(f"Resource not found for the segment '{text}'.")
    path = root.split("/", 3)[-1]
    return parse_path(below.lstrip("/").removeprefix(path).lstrip("/"))
