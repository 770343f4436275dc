"""The metadata part of the Web API: `EntityDefinitions`, their `Attributes` and `Keys`, `RelationshipDefinitions`."""

from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.attributes import BASE_PROPERTIES, Json, attribute_json, metadata_type, option_set_json
from sandbox.dataverse.customizing import Customizing
from sandbox.dataverse.definitions import expanded_attributes, key_json, table_json
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.metaquery import matches, only
from sandbox.dataverse.odata import Segment, parse_expand, parse_key
from sandbox.dataverse.schema import Column, Key, Table
from sandbox.dataverse.wire import Call, Reply

METADATA = {"EntityDefinitions", "RelationshipDefinitions"}
_OPTIONS = {"$select", "$filter", "$expand", "LabelLanguages"}


def not_found(what: str) -> errors.DataverseError:
    return errors.DataverseError(404, "0x80040217", f"Could not find {what}.")


@dataclass(frozen=True)
class Metadata:
    """The metadata operations of one call."""

    env: Environment
    call: Call

    def route(self, segments: list[Segment], options: dict[str, str]) -> Reply:
        """Answer for a path that starts at one of METADATA."""
        for name in options.keys() - _OPTIONS:
            error = errors.bad_query(f"The query parameter {name} is not supported.")
            raise errors.Unsupported("metadata query option", name, error)
        if segments[0].name == "RelationshipDefinitions":
            return self._relationships(segments)
        if segments[0].key is None:
            return self._tables(options)
        table = self._table(segments[0].key)
        match segments[1:]:
            case []:
                return self._one_table(table, options)
            case [Segment(name="Attributes"), *rest]:
                return self._attributes(table, segments[1].key, [s.name for s in rest], options)
            case [Segment(name="Keys")]:
                return self._keys(table, segments[1].key, options)
        raise errors.Unsupported("metadata", segments[1].name, errors.no_segment(segments[1].name))

    def _customizing(self) -> Customizing:
        return Customizing(self.env, self.call)

    def _table(self, key: str) -> Table:
        literals = parse_key(key)
        name, literal = next(iter(literals.items()))
        value = str(literal.value)
        table = self.env.schema.table(value) if name == "LogicalName" else self.env.schema.by_id(value)
        if table is None:
            raise not_found(f"an entity with {name or 'MetadataId'} = {value}")
        return table

    def _list(self, name: str, items: list[Json], options: dict[str, str]) -> Reply:
        found = [item for item in items if matches(item, options.get("$filter"))]
        return Reply(200, {}, {"@odata.context": f"{self.call.root}/$metadata#{name}", "value": found})

    def _tables(self, options: dict[str, str]) -> Reply:
        if self.call.method == "POST":
            table = self._customizing().create_table(self.call.json())
            return self._created(f"EntityDefinitions({table.metadata_id})")
        self._need("GET")
        kept = [table for table in self.env.schema if matches(table_json(table), options.get("$filter"))]
        value = [self._table_json(table, options) for table in kept]
        return self._list("EntityDefinitions", value, {})

    def _table_json(self, table: Table, options: dict[str, str]) -> Json:
        body = only(table_json(table), options.get("$select"), "EntityMetadata")
        body["MetadataId"] = table.metadata_id
        for item in parse_expand(options.get("$expand", "")):
            select = item.options.get("$select")
            if item.name == "Attributes":
                items = expanded_attributes(table)
                kept = [one for one in items if matches(one, item.options.get("$filter"))]
                body["Attributes"] = [_select_attribute(one, select) for one in kept]
            elif item.name == "Keys":
                body["Keys"] = [only(one, select, "EntityKeyMetadata") for one in self._key_list(table)]
            else:
                raise errors.Unsupported("metadata", f"$expand={item.name}", errors.no_segment(item.name))
        return body

    def _one_table(self, table: Table, options: dict[str, str]) -> Reply:
        match self.call.method:
            case "GET":
                self._need("GET")
                what = f"{self.call.root}/$metadata#EntityDefinitions/$entity"
                return Reply(200, {}, {"@odata.context": what, **self._table_json(table, options)})
            case "PUT":
                self._customizing().update_table(table, self.call.json())
                return Reply()
            case "DELETE":
                self._customizing().delete_table(table)
                return Reply()
        raise errors.not_allowed(f"Metadata does not support http method '{self.call.method}'.")

    def _attributes(self, table: Table, key: str | None, rest: list[str], options: dict[str, str]) -> Reply:
        cast = rest[0] if rest and rest[0].startswith(errors.TYPE) else None
        if rest and (len(rest) > 1 or cast is None):
            raise errors.Unsupported("metadata", rest[-1], errors.no_segment(rest[-1]))
        if key is not None:
            return self._one_attribute(table, self._column(table, key), cast, options)
        if self.call.method == "POST":
            column = self._customizing().create_column(table, self.call.json())
            return self._created(f"EntityDefinitions({table.metadata_id})/Attributes({column.metadata_id})")
        self._need("GET")
        columns = [c for c in table.columns.values() if cast in {None, metadata_type(c)}]
        kept = [c for c in columns if matches(attribute_json(table, c), options.get("$filter"))]
        name = f"EntityDefinitions('{table.name}')/Attributes" + (f"/{cast}" if cast else "")
        return self._list(name, [_attribute(table, c, cast, options) for c in kept], {})

    def _one_attribute(self, table: Table, column: Column, cast: str | None, options: dict[str, str]) -> Reply:
        if cast is not None and cast != metadata_type(column):
            raise not_found(f"an attribute {column.name} of type {cast}")
        match self.call.method:
            case "GET":
                self._need("GET")
                what = f"{self.call.root}/$metadata#EntityDefinitions('{table.name}')/Attributes/$entity"
                return Reply(200, {}, {"@odata.context": what, **_attribute(table, column, cast, options)})
            case "PUT":
                self._customizing().update_column(table, column, self.call.json())
                return Reply()
            case "DELETE":
                self._customizing().delete_column(table, column)
                return Reply()
        raise errors.not_allowed(f"Metadata does not support http method '{self.call.method}'.")

    def _column(self, table: Table, key: str) -> Column:
        name, literal = next(iter(parse_key(key).items()))
        value = str(literal.value)
        found = (c for c in table.columns.values() if value == (c.name if name == "LogicalName" else c.metadata_id))
        column = next(found, None)
        if column is None:
            raise not_found(f"an attribute with {name or 'MetadataId'} = {value} of entity {table.name}")
        return column

    def _keys(self, table: Table, key: str | None, options: dict[str, str]) -> Reply:
        if key is not None:
            return self._one_key(table, key, options)
        if self.call.method == "POST":
            made = self._customizing().create_key(table, self.call.json())
            return self._created(f"EntityDefinitions({table.metadata_id})/Keys({made.metadata_id})")
        self._need("GET")
        items = [only(item, options.get("$select"), "EntityKeyMetadata") for item in self._key_list(table)]
        return self._list(f"EntityDefinitions('{table.name}')/Keys", items, {})

    def _key_list(self, table: Table) -> list[Json]:
        keys = list(table.keys.values())
        for key in keys:
            self._customizing().look_at(table, key)
        return [key_json(table, key) for key in keys]

    def _one_key(self, table: Table, text: str, options: dict[str, str]) -> Reply:
        name, literal = next(iter(parse_key(text).items()))
        value = str(literal.value)
        key = next((k for k in table.keys.values() if value == _key_name(k, name)), None)
        if key is None:
            raise not_found(f"an entity key with {name or 'MetadataId'} = {value}")
        if self.call.method == "DELETE":
            self._customizing().delete_key(table, key)
            return Reply()
        self._need("GET")
        self._customizing().look_at(table, key)
        what = f"{self.call.root}/$metadata#EntityDefinitions('{table.name}')/Keys/$entity"
        body = only(key_json(table, key), options.get("$select"), "EntityKeyMetadata")
        return Reply(200, {}, {"@odata.context": what, **body})

    def _relationships(self, segments: list[Segment]) -> Reply:
        if self.call.method == "POST" and segments[0].key is None:
            made = self._customizing().create_relationship(self.call.json())
            return self._created(f"RelationshipDefinitions({made.metadata_id})")
        if self.call.method == "GET" and segments[0].key is not None:
            name, literal = next(iter(parse_key(segments[0].key).items()))
            for table in self.env.schema:
                for one in table.relationships:
                    if literal.value in {one.metadata_id, one.definition["SchemaName"]}:
                        return Reply(200, {}, {**one.definition, "MetadataId": one.metadata_id})
            raise not_found(f"a relationship with {name or 'MetadataId'} = {literal.value}")
        error = errors.not_allowed("Relationships are created and read one by one here.")
        raise errors.Unsupported("metadata", f"{self.call.method} RelationshipDefinitions", error)

    def _created(self, path: str) -> Reply:
        url = f"{self.call.root}/{path}"
        return Reply(204, {"OData-EntityId": url, "Location": url})

    def _need(self, method: str) -> None:
        if self.call.method != method:
            raise errors.not_allowed(f"Metadata does not support http method '{self.call.method}' here.")
        self.call.user.need_named("prvReadEntity", "entity")


def _key_name(key: Key, name: str) -> str:
    return key.logical_name if name == "LogicalName" else key.metadata_id


def _select_attribute(item: Json, select: str | None) -> Json:
    if select is None:
        return item
    for name in select.split(","):
        if name.strip() not in BASE_PROPERTIES:
            raise errors.unknown_property(name.strip(), "AttributeMetadata")
    return {"@odata.type": item["@odata.type"], **only(item, select, "AttributeMetadata")}


def _attribute(table: Table, column: Column, cast: str | None, options: dict[str, str]) -> Json:
    body, select = attribute_json(table, column), options.get("$select")
    if cast is None:
        body = _select_attribute(body, select)
    elif select is not None:
        body = only(body, select, cast.removeprefix(errors.TYPE))
    body["MetadataId"] = column.metadata_id
    for item in parse_expand(options.get("$expand", "")):
        if item.name != "OptionSet" or not cast:
            raise errors.Unsupported("metadata", f"$expand={item.name}", errors.no_segment(item.name))
        body["OptionSet"] = only(option_set_json(column), item.options.get("$select"), "OptionSetMetadata")
    return body
