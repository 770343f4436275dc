"""What lies below a row in a URL: a single property, a navigation property, references."""

from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.filters import children
from sandbox.dataverse.odata import Segment
from sandbox.dataverse.payload import Body, find_reference
from sandbox.dataverse.reader import Parent, Reader
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import Column, Table
from sandbox.dataverse.store import Row
from sandbox.dataverse.values import sent
from sandbox.dataverse.wire import Call, Reply
from sandbox.dataverse.writer import Writer


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
        if column:
            self._check(options, {"tag"})
            return self._property(table, row, column, tail, options)
        if name in table.navigation:
            return self._parent(table, row, name, tail, options)
        if name in table.collections:
            return self._children(table, row, rest, tail, options)
        raise errors.Unsupported("segment", name, errors.no_segment(name))

    def _writer(self, options: dict[str, str]) -> Writer:
        self._check(options, {"tag", "$id"})
        return Rows(self.env, self.call).writer(options)

    def _check(self, options: dict[str, str], known: set[str]) -> None:
        Reader(self.env, self.call).check(options, known)

    def _refuse(self, tail: list[str]) -> errors.DataverseError:
        if tail in ([], ["$ref"], ["$value"]):
            return errors.not_allowed(f"The requested resource does not support http method '{self.call.method}'.")
        return errors.Unsupported("segment", tail[0], errors.no_segment(tail[0]))

    def _property(self, table: Table, row: Row, column: Column, tail: list[str], options: dict[str, str]) -> Reply:
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
            case "PUT", [] if column.settable and not column.is_lookup:
                self._writer(options).update(table, row, {column.name: self._body(table, "value")})
                return Reply()
            case "DELETE", [] if column.settable and not column.is_lookup:
                self._writer(options).update(table, row, {column.name: None})
                return Reply()
        raise self._refuse(tail)

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
                bind = {f"{name}@odata.bind": self._body(table, "@odata.id")}
                self._writer(options).update(table, row, bind)
                return Reply()
            case "DELETE", ["$ref"]:
                self._writer(options).update(table, row, {f"{name}@odata.bind": None})
                return Reply()
        raise self._refuse(tail)

    def _children(self, table: Table, row: Row, rest: list[Segment], tail: list[str], options: dict[str, str]) -> Reply:
        child, end = children(self.env.schema, table, rest[0].name)
        row_id = str(row[table.primary_id])
        back = child.navigation_of(end.column, table.name)
        match self.call.method, tail:
            case "GET", [] if rest[0].key is None:
                return Reader(self.env, self.call).many(child, options, Parent(end, table, row_id))
            case "POST", ["$ref"] if rest[0].key is None:
                other = self._referred(child, str(self._body(table, "@odata.id")))
                bind = {f"{back}@odata.bind": f"/{table.entity_set_name}({row_id})"}
                self._relate("Associate", (table, row), (child, other), bind, rest[0].name, options)
                return Reply()
            case "DELETE", ["$ref"]:
                other = self._child(child, rest[0], options)
                if other[end.column] != row_id:
                    raise errors.no_such_row(child.name, str(other[child.primary_id]))
                unbind = {f"{back}@odata.bind": None}
                self._relate("Disassociate", (table, row), (child, other), unbind, rest[0].name, options)
                return Reply()
        raise self._refuse(tail if rest[0].key is None else [rest[0].name, *tail])

    def _relate(
        self,
        message: str,
        parent: tuple[Table, Row],
        child: tuple[Table, Row],
        link: Body,
        relationship: str,
        options: dict[str, str],
    ) -> None:
        """Change the link of a child; the parent's message encloses the child's Update."""
        writer, parent_id = self._writer(options), str(parent[1][parent[0].primary_id])
        extra = {"Relationship": relationship, "RelatedEntities": (child[0], str(child[1][child[0].primary_id]))}
        with writer.telling(message, parent[0], parent_id, extra=extra):
            writer.nested.update(*child, link)

    def _child(self, child: Table, segment: Segment, options: dict[str, str]) -> Row:
        if segment.key is not None:
            return Rows(self.env, self.call).existing(child, segment.key)
        if "$id" not in options:
            raise errors.bad_query("The reference to remove is missing: name it by a key or by $id.")
        return self._referred(child, options["$id"])

    def _referred(self, child: Table, reference: str) -> Row:
        found, row = find_reference(self.env, self.call.root, reference)
        if found is not child:
            text = f"A reference to '{child.name}' is expected, not to '{found.name}'."
            raise errors.bad_payload(child.entity_set_name, text)
        return row

    def _body(self, table: Table, name: str) -> object:
        body = self.call.json()
        if name not in body:
            raise errors.bad_payload(table.entity_set_name, f"The property '{name}' is missing.")
        return body[name]

    def _ref(self, table: Table, row: Row) -> Reply:
        url = f"{self.call.root}/{table.entity_set_name}({row[table.primary_id]})"
        return Reply(200, {}, {"@odata.context": f"{self.call.root}/$metadata#$ref", "@odata.id": url})
