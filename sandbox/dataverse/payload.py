"""A JSON body made into column values, links and nested rows."""

from dataclasses import dataclass, field

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.keys import reference, row_key
from sandbox.dataverse.schema import Column, Navigation, Table
from sandbox.dataverse.store import Row, target_column
from sandbox.dataverse.values import stored

Body = dict[str, object]
_PRINCIPALS = {"systemuser", "team"}
_SELLING = {"opportunity", "quote", "salesorder", "invoice"}


@dataclass
class Payload:
    """`values` by SQL column; `parents` are rows to create first and link to, `children` rows to create after."""

    values: Row = field(default_factory=dict)
    parents: list[tuple[Navigation, Body]] = field(default_factory=list)
    children: list[tuple[Navigation, Body]] = field(default_factory=list)

    def sent(self) -> frozenset[str]:
        """The columns the request named."""
        linked = {end.column for end, _ in self.parents}
        return frozenset(name for name in self.values if "$" not in name) | linked


def parse(env: Environment, table: Table, body: Body, root: str) -> Payload:
    """The payload in a body for a row of `table`; `root` is the service root links may start with.

    Columns that only the server sets are ignored. Raises DataverseError: unknown property or wrong type
    0x80048d19, and what `values.stored` raises; a link's target that is not there 404.
    """
    reader = _Reader(env, table, body, root)
    for name, value in body.items():
        reader.take(name, value)
    return reader.payload


class _Reader:
    def __init__(self, env: Environment, table: Table, body: Body, root: str) -> None:
        self.env, self.table, self.body, self.root = env, table, body, root
        self.payload = Payload()

    def take(self, name: str, value: object) -> None:
        base, _, annotation = name.partition("@")
        column = self.table.columns.get(name)
        if annotation:
            self._annotation(base, annotation, value)
        elif column and not column.is_lookup:
            if column.settable:
                self.payload.values[name] = stored(self.table, column, value)
        elif name in self.table.navigation:
            self._nested_parent(self.table.navigation[name], value)
        elif name in self.table.collections and isinstance(value, list):
            self._nested_children(self.table.collections[name], value)
        else:
            raise errors.invalid_property(self.table.entity_set_name, name, self.table.name)

    def _annotation(self, base: str, annotation: str, value: object) -> None:
        if not base:
            if annotation == "odata.type" and str(value).lstrip("#") != errors.TYPE + self.table.name:
                text = f"A type named '{value}' could not be resolved by the model."
                raise errors.bad_payload(self.table.entity_set_name, text)
            return
        if annotation == "odata.bind":
            self._bind(base, value)
        elif base not in self.body:
            raise errors.annotation_only(self.table.entity_set_name, base)

    def _bind(self, name: str, value: object) -> None:
        end = self.table.navigation.get(name)
        if name in self.table.collections:
            error = errors.bad_payload(self.table.entity_set_name, f"'{name}' cannot be bound here.")
            raise errors.Unsupported("payload", "binding a collection", error)
        if end is None:
            raise errors.annotation_only(self.table.entity_set_name, name)
        if value is None:
            self._link(end, None, None)
            return
        if not isinstance(value, str):
            raise errors.wrong_type(self.table.entity_set_name, value, "Edm.String")
        target, row = find_reference(self.env, self.root, value)
        if target.name != end.table and not (end.table == "principal" and target.name in _PRINCIPALS):
            text = f"The navigation property '{name}' leads to '{end.table}', not to '{target.name}'."
            raise errors.bad_payload(self.table.entity_set_name, text)
        column = self.table.columns[end.column]
        if column.type == "Customer" and self.table.name in _SELLING and row["statecode"] == 1:
            raise errors.customer_inactive(target.name)
        self._link(end, target, str(row[target.primary_id]))

    def _link(self, end: Navigation, target: Table | None, row_id: str | None) -> None:
        if self.table.columns[end.column].read_only:
            return
        link(self.payload.values, self.table.columns[end.column], target, row_id)

    def _nested_parent(self, end: Navigation, value: object) -> None:
        if value is None:
            self._link(end, None, None)
        elif isinstance(value, dict):
            self.payload.parents.append((end, value))
        else:
            text = "Entity reference properties cannot be set directly: use the navigation property."
            raise errors.bad_payload(self.table.entity_set_name, text)

    def _nested_children(self, end: Navigation, value: list[object]) -> None:
        for item in value:
            if not isinstance(item, dict):
                raise errors.wrong_type(self.table.entity_set_name, item, errors.TYPE + end.table)
            self.payload.children.append((end, item))


def link(values: Row, column: Column, target: Table | None, row_id: str | None) -> None:
    """Set a lookup, or clear it with None."""
    values[column.name] = row_id
    if column.polymorphic:
        values[target_column(column)] = target.name if target else None


def find_reference(env: Environment, root: str, text: str) -> tuple[Table, Row]:
    """The row an `@odata.bind` or `@odata.id` names. Raises DataverseError: 404 when it is not there."""
    segments = reference(root, text)
    table = env.schema.entity_set(segments[0].name) if len(segments) == 1 else None
    if table is None:
        name = segments[0].name if segments else text
        raise errors.Unsupported("table", name, errors.no_segment(name))
    if segments[0].key is None:
        raise errors.bad_key(table.name)
    key = row_key(table, segments[0].key)
    row = key.find(env.store, table)
    if row is None:
        raise key.missing(table)
    return table, row
