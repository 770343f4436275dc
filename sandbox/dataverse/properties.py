"""What lies below a row in a URL: a single property, a navigation property, references."""

from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.filters import children
from sandbox.dataverse.odata import Segment
from sandbox.dataverse.payload import find_reference
from sandbox.dataverse.reader import Parent, Reader
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.store import Row
from sandbox.dataverse.values import sent
from sandbox.dataverse.wire import Call, Reply


@dataclass(frozen=True)
class Properties:
    """The operations of one call below a row."""

    env: Environment
    call: Call

    def route(self, table: Table, key: str, rest: list[Segment], options: dict[str, str]) -> Reply:
        """Answer for `set(key)/a/b`. Raises DataverseError: 404 for a property the table does not have."""
        row = Rows(self.env, self.call).existing(table, key)
        name, tail = rest[0].name, [segment.name for segment in rest[1:]]
        column = table.by_property(name)
        if column and not (name in table.navigation and tail == ["$ref"]):
            return self._property(table, row, column, tail)
        if name in table.navigation:
            return self._parent(table, row, name, tail, options)
        if name in table.collections:
            return self._children(table, row, rest, tail, options)
        raise errors.Unsupported("segment", name, errors.no_segment(name))

    def _writer(self):
        return Rows(self.env, self.call).writer({})

    def _property(self, table: Table, row: Row, column: Column, tail: list[str]) -> Reply:
        value = sent(column, row[column.name])
        row_id = row[table.primary_id]
        match self.call.method, tail:
            case "GET", []:
                self.call.user.need("Read", table)
                if value is None:
                    return Reply(204)
                what = f"{table.entity_set_name}({row_id})/{column.property_name}"
                return Reply(200, {}, {"@odata.context": f"{self.call.root}/$metadata#{what}", "value": value})
            case "GET", ["$value"]:
                self.call.user.need("Read", table)
                return Reply(204) if value is None else Reply(200, {}, str(value))
            case "PUT", []:
                self._writer().update(table, row, {column.name: self.call.json().get("value")})
                return Reply()
            case "DELETE", []:
                self._writer().update(table, row, {column.name: None})
                return Reply()
        raise errors.not_allowed(f"The requested resource does not support http method '{self.call.method}'.")

    def _parent(self, table: Table, row: Row, name: str, tail: list[str], options: dict[str, str]) -> Reply:
        reader = Reader(self.env, self.call)
        match self.call.method, tail:
            case "GET", []:
                found = reader.linked(table, row, name)
                return reader.one(*found, options) if found else Reply(204)
            case "GET", ["$ref"]:
                found = reader.linked(table, row, name)
                return self._ref(*found) if found else Reply(204)
            case "PUT", ["$ref"]:
                self._writer().update(table, row, {f"{name}@odata.bind": self._target()})
                return Reply()
            case "DELETE", ["$ref"]:
                self._writer().update(table, row, {f"{name}@odata.bind": None})
                return Reply()
        raise errors.not_allowed(f"The requested resource does not support http method '{self.call.method}'.")

    def _children(self, table: Table, row: Row, rest: list[Segment], tail: list[str], options: dict[str, str]) -> Reply:
        child, end = children(self.env.schema, table, rest[0].name)
        row_id = str(row[table.primary_id])
        back = child.navigation_of(end.column, table.name)
        match self.call.method, tail:
            case "GET", []:
                return Reader(self.env, self.call).many(child, options, Parent(end, table, row_id))
            case "POST", ["$ref"]:
                _, other = find_reference(self.env, self.call.root, self._target())
                bind = {f"{back}@odata.bind": f"/{table.entity_set_name}({row_id})"}
                self._writer().update(child, other, bind)
                return Reply()
            case "DELETE", ["$ref"]:
                other = self._child(child, rest[0], options)
                self._writer().update(child, other, {f"{back}@odata.bind": None})
                return Reply()
        raise errors.not_allowed(f"The requested resource does not support http method '{self.call.method}'.")

    def _child(self, child: Table, segment: Segment, options: dict[str, str]) -> Row:
        if segment.key is not None:
            return Rows(self.env, self.call).existing(child, segment.key)
        return find_reference(self.env, self.call.root, options.get("$id", ""))[1]

    def _target(self) -> str:
        return str(self.call.json().get("@odata.id", ""))

    def _ref(self, table: Table, row: Row) -> Reply:
        url = f"{self.call.root}/{table.entity_set_name}({row[table.primary_id]})"
        return Reply(200, {}, {"@odata.context": f"{self.call.root}/$metadata#$ref", "@odata.id": url})
