"""Changes to the schema: tables, columns, keys, relationships, options; each put into the solution asked for."""

import uuid
from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.attributes import Json, column_from
from sandbox.dataverse.definitions import check_relationship, key_from, labels_of, lookup_from, table_from
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.labels import label_text
from sandbox.dataverse.schema import Column, Key, Navigation, Option, Relationship, Table
from sandbox.dataverse.seed import sync_messages
from sandbox.dataverse.solutions import Solution
from sandbox.dataverse.wire import Call

_TABLE, _COLUMN, _RELATIONSHIP, _KEY = 1, 2, 10, 14
_FIRST_CUSTOM_CODE = 10_000


@dataclass(frozen=True)
class Customizing:
    """The schema changes of one call."""

    env: Environment
    call: Call

    def __post_init__(self) -> None:
        self.env.customizing = True

    @property
    def _solution(self) -> Solution:
        return Solution(self.env, self.call.headers.get("MSCRM.SolutionUniqueName", ""))

    def create_table(self, body: Json) -> Table:
        """Add a table. Raises DataverseError for a name taken or without a publisher's prefix."""
        self.call.user.need_named("prvCreateEntity", "entity")
        code = _FIRST_CUSTOM_CODE + sum(table.custom for table in self.env.schema)
        table = table_from(body, code, self._solution.first_option)
        self._solution.check_name(table.schema_name)
        if self.env.schema.table(table.name):
            text = f"An entity with the specified name {table.schema_name} already exists."
            raise errors.DataverseError(400, "0x80048403", text)
        self.env.schema.add(table)
        self.env.store.keep(table)
        self._solution.add(_TABLE, table.metadata_id)
        sync_messages(self.env)
        return table

    def update_table(self, table: Table, body: Json) -> None:
        """Replace a table's definition by a full one; only labels and change tracking can change."""
        self.call.user.need_named("prvWriteEntity", "entity")
        _check_full(body, table.schema_name, "DisplayName", "DisplayCollectionName")
        wanted = bool(body.get("ChangeTrackingEnabled", False))
        if table.change_tracking and not wanted:
            raise errors.invalid_argument("Change tracking cannot be disabled once it is enabled.")
        table.change_tracking = wanted
        table.definition = labels_of(body)
        self.env.store.keep(table)

    def delete_table(self, table: Table) -> None:
        """Remove a custom table that no lookup of another one leads to."""
        self.call.user.need_named("prvDeleteEntity", "entity")
        others = (other for other in self.env.schema if other is not table)
        used = any(table.name in c.targets for other in others for c in other.columns.values())
        if not table.custom or used:
            raise errors.DataverseError(400, "0x8004f01f", f"The entity {table.name} cannot be deleted.")
        for column in table.columns.values():
            self._unlink(table, column)
        self.env.schema.remove(table)
        self.env.store.drop(table)

    def create_column(self, table: Table, body: Json) -> Column:
        """Add a column; a Money column brings the currency columns and its base value."""
        self.call.user.need_named("prvCreateAttribute", "attribute")
        column = column_from(body, self._solution.first_option)
        self._solution.check_name(column.schema_name)
        self._add(table, column)
        if column.type == "Money":
            self._add_money_companions(table, column)
        self.env.store.keep(table)
        self._solution.add(_COLUMN, column.metadata_id)
        return column

    def _add(self, table: Table, column: Column) -> None:
        if column.name in table.columns:
            text = f"An attribute with the specified name {column.name} already exists."
            raise errors.DataverseError(400, "0x80047013", text)
        column.metadata_id = str(uuid.uuid4())
        table.add_column(column)

    def _add_money_companions(self, table: Table, column: Column) -> None:
        base = Column(name=f"{column.name}_base", schema_name=f"{column.schema_name}_Base", type="Money")
        base.base, base.custom, base.precision = True, True, 4
        self._add(table, base)
        if "transactioncurrencyid" not in table.columns:
            currency = Column(name="transactioncurrencyid", type="Lookup", targets=["transactioncurrency"])
            self._add(table, currency)
            table.navigation[currency.name] = Navigation(table="transactioncurrency", column=currency.name)
            self._add(table, Column(name="exchangerate", type="Decimal", precision=10))

    def update_column(self, table: Table, column: Column, body: Json) -> None:
        """Replace a column's definition by a full one; its name and type stay."""
        self.call.user.need_named("prvWriteAttribute", "attribute")
        _check_full(body, column.schema_name, "DisplayName")
        fresh = column_from(body, self._solution.first_option)
        if fresh.type != column.type:
            raise errors.invalid_argument("The type of a column cannot be changed.")
        if not fresh.options:
            fresh.options = column.options
        fresh.metadata_id, fresh.custom, fresh.targets = column.metadata_id, column.custom, column.targets
        table.add_column(fresh)
        self.env.store.keep(table)

    def delete_column(self, table: Table, column: Column) -> None:
        """Remove a custom column that no key uses."""
        self.call.user.need_named("prvDeleteAttribute", "attribute")
        used = any(column.name in key.columns for key in table.keys.values())
        if not column.custom or used or column.name == table.primary_name:
            raise errors.DataverseError(400, "0x8004f01f", f"The attribute {column.name} cannot be deleted.")
        self._unlink(table, column)
        table.remove_column(column)
        self.env.store.drop_column(table, column)
        self.env.store.keep(table)

    def _unlink(self, child: Table, column: Column) -> None:
        """Forget the navigation along a lookup, on both ends."""
        child.navigation = {name: end for name, end in child.navigation.items() if end.column != column.name}
        for parent in [table for table in self.env.schema if table.name in column.targets]:
            gone = [n for n, end in parent.collections.items() if (end.table, end.column) == (child.name, column.name)]
            for name in gone:
                del parent.collections[name]
            parent.relationships = [r for r in parent.relationships if r.definition["SchemaName"] not in gone]
            if gone:
                self.env.store.keep(parent)

    def create_key(self, table: Table, body: Json) -> Key:
        """Add an alternate key, whose index is built after some reads of its status."""
        self.call.user.need_named("prvWriteEntity", "entity")
        key = key_from(table, body, self.env.switches.key_reads)
        self._solution.check_name(key.schema_name)
        table.keys[key.logical_name] = key
        if key.reads_left == 0:
            self._build(table, key)
        self.env.store.keep(table)
        self._solution.add(_KEY, key.metadata_id)
        return key

    def look_at(self, table: Table, key: Key) -> None:
        """Let a pending key's index job make progress, as its status is being read."""
        if key.status != "Pending":
            return
        if key.reads_left > 0:
            key.reads_left -= 1
        else:
            self._build(table, key)
        self.env.store.keep(table)

    def _build(self, table: Table, key: Key) -> None:
        key.status = "Active" if self.env.store.build_index(table, key) else "Failed"

    def reactivate_key(self, table: Table, name: str) -> None:
        """Start the index job of a failed key again."""
        key = table.keys.get(name)
        if key is None:
            raise errors.invalid_argument(f"The entity key '{name}' does not exist.")
        key.status, key.reads_left = "Pending", self.env.switches.key_reads
        self.env.store.keep(table)

    def delete_key(self, table: Table, key: Key) -> None:
        self.call.user.need_named("prvWriteEntity", "entity")
        self.env.store.drop_index(table, key)
        del table.keys[key.logical_name]
        self.env.store.keep(table)

    def create_relationship(self, body: Json) -> Relationship:
        """Add a one-to-many relationship and the lookup it needs."""
        self.call.user.need_named("prvCreateRelationship", "relationship")
        check_relationship(body)
        parent, child = self._end(body, "ReferencedEntity"), self._end(body, "ReferencingEntity")
        name, column = str(body["SchemaName"]), lookup_from(body["Lookup"], parent)
        for schema_name in (name, column.schema_name):
            self._solution.check_name(schema_name)
        if name in parent.collections:
            raise errors.invalid_argument(f"A relationship named {name} already exists.")
        self._add(child, column)
        child.navigation[column.schema_name] = Navigation(table=parent.name, column=column.name)
        parent.collections[name] = Navigation(table=child.name, column=column.name)
        made = Relationship(metadata_id=str(uuid.uuid4()), definition=body)
        parent.relationships.append(made)
        for table in (child, parent):
            self.env.store.keep(table)
        self._solution.add(_RELATIONSHIP, made.metadata_id)
        return made

    def _end(self, body: Json, name: str) -> Table:
        table = self.env.schema.table(str(body.get(name, "")))
        if table is None:
            raise errors.invalid_argument(f"The entity with a name = '{body.get(name)}' was not found.")
        return table

    def insert_option(self, body: Json) -> int:
        """Add a choice to a column; returns its value."""
        self.call.user.need_named("prvWriteAttribute", "attribute")
        table = self._end(body, "EntityLogicalName")
        column = table.columns.get(str(body.get("AttributeLogicalName", "")))
        if column is None or column.type != "Picklist":
            raise errors.invalid_argument(f"'{body.get('AttributeLogicalName')}' is no choice column.")
        solution = Solution(self.env, str(body.get("SolutionUniqueName") or self._solution.name))
        value = body.get("Value")
        number = max([*column.options, solution.first_option - 1]) + 1 if value is None else value
        if not isinstance(number, int) or number in column.options:
            raise errors.invalid_argument(f"The option value {number} already exists or is no number.")
        column.options[number] = Option(label=label_text(body.get("Label")))
        self.env.store.keep(table)
        return number


def _check_full(body: Json, schema_name: str, *needed: str) -> None:
    """Raises DataverseError unless a definition to replace another is complete: PUT takes no part of one."""
    missing = [name for name in ("SchemaName", *needed) if body.get(name) is None]
    if missing:
        raise errors.invalid_argument(f"A full definition is needed; {', '.join(missing)} is missing.")
    if str(body["SchemaName"]).lower() != schema_name.lower():
        raise errors.invalid_argument("The name of a definition cannot be changed.")
