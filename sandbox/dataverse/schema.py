"""Tables, columns, relationships and keys: read from `data/*.json`, extended by the metadata API, kept in the store."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic.alias_generators import to_camel

_DATA = Path(__file__).parent / "data"
_NAMESPACE = uuid.UUID("5d1a0a52-6f0b-4b8e-9d43-6e5c1e4f7a10")


def stable_id(*parts: str) -> str:
    """The id of something that ships with the stand-in: the same in every environment."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


class _Definition(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Option(_Definition):
    """A choice; `state` is the state a status belongs to."""

    label: str
    state: int | None = None


class Column(_Definition):
    """One column. `definition` is what the metadata API was given, echoed back on reads."""

    name: str = ""
    type: str
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    behavior: str | None = None
    precision: int | None = None
    minimum_value: float | None = None
    maximum_value: float | None = None
    required: str | None = None
    server_filled: bool = False
    targets: list[str] = Field(default_factory=list)
    options: dict[int, Option] = Field(default_factory=dict)
    default: Any = None
    base: bool = False
    read_only: bool = False
    computed: bool = False
    write_only: bool = False
    schema_name: str = ""
    metadata_id: str = ""
    custom: bool = False
    definition: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_lookup(self) -> bool:
        return self.type in {"Lookup", "Customer", "Owner"}

    @property
    def is_text(self) -> bool:
        return self.type in {"String", "Memo"}

    @property
    def is_date_only(self) -> bool:
        return self.type == "DateTime" and self.behavior == "DateOnly"

    @property
    def polymorphic(self) -> bool:
        return len(self.targets) > 1

    @property
    def property_name(self) -> str:
        """The name in JSON and in `$select`: a lookup appears as `_x_value`."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    @property
    def settable(self) -> bool:
        return not (self.read_only or self.base or self.computed or self.name == "versionnumber")


class Navigation(_Definition):
    """A relationship end: single-valued, the lookup `column` of this table and the `table` it leads to;
    collection-valued, the child `table`, its lookup `column`, what becomes of the children with their parent, and
    whether they follow it in a merge."""

    table: str
    column: str
    on_delete: Literal["RemoveLink", "Cascade", "Restrict"] = "RemoveLink"
    merges: bool = False


class Key(_Definition):
    """An alternate key. `reads_left` counts the reads of its status until the index is built."""

    logical_name: str
    schema_name: str
    columns: list[str]
    metadata_id: str
    status: Literal["Pending", "InProgress", "Active", "Failed"] = "Pending"
    reads_left: int = 0
    definition: dict[str, Any] = Field(default_factory=dict)


class Relationship(_Definition):
    """A one-to-many relationship made through the metadata API."""

    metadata_id: str
    definition: dict[str, Any]


class Table(_Definition):
    """One table. `unique` lists built-in unique indexes, `closed` the states whose rows are read-only."""

    name: str = ""
    schema_name: str
    entity_set_name: str
    primary_id: str
    primary_name: str
    object_type_code: int | None = None
    ownership: str
    columns: dict[str, Column] = Field(alias="attributes")
    navigation: dict[str, Navigation] = Field(default_factory=dict)
    collections: dict[str, Navigation] = Field(default_factory=dict)
    unique: list[list[str]] = Field(default_factory=list)
    closed: list[int] = Field(default_factory=list)
    keys: dict[str, Key] = Field(default_factory=dict)
    relationships: list[Relationship] = Field(default_factory=list)
    change_tracking: bool = False
    bulk: bool = True
    custom: bool = False
    metadata_id: str = ""
    definition: dict[str, Any] = Field(default_factory=dict)
    _by_property: dict[str, Column] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _: object) -> None:
        self.metadata_id = self.metadata_id or stable_id(self.name, "table")
        for name, column in self.columns.items():
            column.name = name
            column.schema_name = column.schema_name or name
            column.metadata_id = column.metadata_id or stable_id(self.name, name)
            if name == "exchangerate" and self.name != "transactioncurrency":
                column.computed = True
        self._by_property = {column.property_name: column for column in self.columns.values()}

    def by_property(self, name: str) -> Column | None:
        """The column that JSON calls `name`."""
        return self._by_property.get(name)

    def add_column(self, column: Column) -> None:
        self.columns[column.name] = column
        self._by_property[column.property_name] = column

    def remove_column(self, column: Column) -> None:
        del self.columns[column.name], self._by_property[column.property_name]

    def navigation_of(self, column: str, target: str) -> str:
        """The single-valued navigation property by which `column` leads to a row of `target`."""
        ends = [(name, end.table) for name, end in self.navigation.items() if end.column == column]
        exact = (name for name, table in ends if table == target)
        return next(exact, ends[0][0] if ends else column)


class Schema:
    """All tables, found by logical name or entity set name."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self._tables = tables
        self._sets = {table.entity_set_name: table for table in tables.values()}

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def table(self, name: str) -> Table | None:
        return self._tables.get(name)

    def entity_set(self, name: str) -> Table | None:
        """The table behind an entity set name, which is case-sensitive."""
        return self._sets.get(name)

    def by_id(self, metadata_id: str) -> Table | None:
        return next((table for table in self if table.metadata_id == metadata_id), None)

    def add(self, table: Table) -> None:
        self._tables[table.name] = table
        self._sets[table.entity_set_name] = table

    def remove(self, table: Table) -> None:
        del self._tables[table.name], self._sets[table.entity_set_name]


_CLOSED = {"opportunity": [1, 2], "quote": [1, 2, 3], "salesorder": [3, 4]}


def shipped() -> dict[str, Table]:
    """The tables a new environment has.

    Change tracking is on for all of them; which real environments do so is unconfirmed table by table.
    """
    tables = {}
    for file in ("tables.json", "platform-tables.json"):
        for name, raw in json.loads((_DATA / file).read_text(encoding="utf-8")).items():
            tracked = file == "tables.json"
            more = {"name": name, "changeTracking": tracked, "closed": _CLOSED.get(name, [])}
            tables[name] = Table.model_validate({**raw, **more})
    return tables
