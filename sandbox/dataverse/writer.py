"""Create, update and delete one row by the platform's rules: defaults, state, money, ownership, plug-ins, events."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.dataverse import errors
from sandbox.dataverse.access import User
from sandbox.dataverse.addresses import follow, is_twin
from sandbox.dataverse.derived import derive
from sandbox.dataverse.environment import Change, Environment, Origin
from sandbox.dataverse.guards import guard
from sandbox.dataverse.payload import Body, Payload, link, parse
from sandbox.dataverse.plugins import run_plugins
from sandbox.dataverse.schema import Column, Navigation, Table
from sandbox.dataverse.states import check_closed, move_state, start_state
from sandbox.dataverse.store import Row, target_column


@dataclass(frozen=True)
class Writer:
    """Writes for one caller; `root` is the service root its links may start with, `tag` the `tag` option.

    `depth` counts the operations that a write is nested in: 1 for what a request asks for itself.
    """

    env: Environment
    user: User
    root: str = ""
    tag: str = ""
    origin: Origin = field(default_factory=Origin)
    depth: int = 1

    def create(self, table: Table, body: Body, row_id: str | None = None, preset: Row | None = None) -> str:
        """Create a row and the rows nested in it; returns its id.

        `row_id` comes from the URL, `preset` holds key values from the URL, which the body overrides.
        """
        self.user.need("Create", table)
        payload = parse(self.env, table, body, self.root)
        self._create_parents(payload, table)
        row = {**(preset or {}), **payload.values}
        row[table.primary_id] = row_id or row.get(table.primary_id) or self.env.ids.new()
        asked = dict(row)
        run_plugins(self.env.rules, "Create", table, row, payload.sent())
        _require(table, row)
        self._fill(table, row)
        derive(self.env.store, table, row, row)
        guard(self.env, table, row, row, creating=True)
        created = str(row[table.primary_id])
        sent = payload.sent() | (preset or {}).keys()
        with self.telling("Create", table, created, sent=sent, after=row, asked=asked):
            self.env.store.insert(table, row)
        for end, child in payload.children:
            owner = {end.column: created}
            target = self.env.schema.table(end.table)
            assert target is not None
            link(owner, target.columns[end.column], table, created)
            self.create(target, child, preset=owner)
        return created

    def update(self, table: Table, row: Row, body: Body) -> None:
        """Change a row as read from the store."""
        self.user.need("Write", table)
        payload = parse(self.env, table, body, self.root)
        if payload.children or payload.parents:
            raise errors.bad_payload(table.entity_set_name, "Rows can be nested in a create only, not in an update.")
        sent = payload.sent()
        changes = payload.values
        row_id = str(row[table.primary_id])
        if str(changes.pop(table.primary_id, None) or row_id) != row_id:
            raise errors.invalid_argument("The primary key of a row cannot be changed.")
        asked = dict(changes)
        run_plugins(self.env.rules, "Update", table, changes, sent)
        check_closed(table, row, changes)
        _check_cleared(table, changes)
        move_state(table, row, changes, row_id)
        self._stamp(table, changes)
        derive(self.env.store, table, {**row, **changes}, changes)
        self._store(table, row, changes, sent, asked)

    def set(self, table: Table, row: Row, changes: Row) -> None:
        """Change columns as the platform does, past what a request may send."""
        sent = frozenset(name for name in changes if "$" not in name)
        self._stamp(table, changes)
        self._store(table, row, changes, sent, dict(changes))

    def values(self, table: Table, body: Body) -> Row:
        """The column values in a body."""
        return parse(self.env, table, body, self.root).values

    def _store(self, table: Table, row: Row, changes: Row, sent: frozenset[str], asked: Row) -> None:
        guard(self.env, table, {**row, **changes}, changes, creating=False)
        row_id, after = str(row[table.primary_id]), {**row, **changes}
        with self.telling("Update", table, row_id, sent=sent, before=row, after=after, asked=asked):
            self.env.store.update(table, row_id, changes)
            after["versionnumber"] = changes["versionnumber"]

    def delete(self, table: Table, row: Row) -> None:
        """Delete a row; along known relationships, its children go with it, lose their link, or keep it from going."""
        self.user.need("Delete", table)
        if is_twin(table, row):
            error = errors.invalid_argument("An address that its account or contact holds itself cannot be deleted.")
            raise errors.Unsupported("address", "deleting address 1 or 2", error)
        row_id = str(row[table.primary_id])
        with self.telling("Delete", table, row_id, before=row):
            for end in table.collections.values():
                child = self.env.schema.table(end.table)
                if child is not None:
                    self._let_go(table, child, end, row_id)
            self.env.store.delete(table, row_id)

    @contextmanager
    def telling(self, message: str, table: Table, row_id: str, **what: Any) -> Iterator[Change]:
        """Tell subscribers of a write before it and after it; `what` are further parts of the Change.

        Raises DataverseError 0x80044182 for a write that is nested too deeply.
        """
        if self.depth > self.env.switches.max_depth:
            raise errors.infinite_loop()
        known = {"sent": frozenset(), "before": None, "after": None, **what}
        who = {"user": self.user, "tag": self.tag, "origin": self.origin, "depth": self.depth}
        change = Change(message, table, row_id, **who, **known)
        self.env.changing(change)
        yield change
        self.env.changed(change)
        follow(self.env, change)

    @property
    def nested(self) -> "Writer":
        """For the writes that one of this writer's brings about."""
        return replace(self, depth=self.depth + 1)

    def _let_go(self, table: Table, child: Table, end: Navigation, row_id: str) -> None:
        column = child.columns[end.column]
        for row in self.env.store.find(child, {column.name: row_id}):
            if column.polymorphic and row[target_column(column)] != table.name:
                continue
            if is_twin(child, row):
                self.env.store.delete(child, str(row[child.primary_id]))
                continue
            if end.on_delete == "Cascade":
                self.nested.delete(child, row)
                continue
            if column.required == "SystemRequired" or end.on_delete == "Restrict":
                text = "The object cannot be deleted because it is associated with another object."
                raise errors.DataverseError(400, "0x8004f01f", text)
            values: Row = {}
            link(values, column, None, None)
            self.env.store.update(child, str(row[child.primary_id]), values)

    def _create_parents(self, payload: Payload, table: Table) -> None:
        for end, body in payload.parents:
            target = self.env.schema.table(end.table)
            if target is None:
                raise errors.Unsupported("table", end.table, errors.no_segment(end.table))
            link(payload.values, table.columns[end.column], target, self.create(target, body))

    def _fill(self, table: Table, row: Row) -> None:
        for name, column in table.columns.items():
            if name not in row and (default := _default(column)) is not None:
                row[name] = default
        start_state(self.env, table, row)
        self._own(table, row)
        now, created = self.env.now(), row.get("overriddencreatedon")
        stamps = {"createdon": created or now, "createdby": self.user.id, "organizationid": None}
        for name, value in stamps.items():
            if name in table.columns:
                row[name] = value if value is not None else self.env.organization_id
        if "transactioncurrencyid" in table.columns and row.get("transactioncurrencyid") is None:
            row["transactioncurrencyid"] = self.env.currency
        self._stamp(table, row)

    def _own(self, table: Table, row: Row) -> None:
        if "ownerid" not in table.columns:
            return
        if row.get("ownerid") is None:
            link(row, table.columns["ownerid"], self.env.schema.table("systemuser"), self.user.id)
        if "owningbusinessunit" in table.columns:
            row["owningbusinessunit"] = self.user.business_unit

    def _stamp(self, table: Table, row: Row) -> None:
        if "modifiedon" in table.columns:
            row["modifiedon"] = self.env.now()
        if "modifiedby" in table.columns:
            row["modifiedby"] = self.user.id


def _default(column: Column) -> object:
    if column.default is not None:
        return column.default
    if column.type == "Boolean":
        return 0
    if column.type == "Picklist" and column.options:
        first = min(column.options)
        # A choice nobody customised has this single option, and new rows get it.
        if column.options[first].label == "Default Value" or column.server_filled:
            return first
    return 0 if column.server_filled and column.type in {"Integer", "Picklist"} else None


def _require(table: Table, row: Row) -> None:
    for name, column in table.columns.items():
        supplied = column.is_text or column.type in {"Lookup", "Customer", "Integer", "Decimal"}
        needed = column.required == "SystemRequired" and not column.server_filled and supplied
        if needed and row.get(name) is None:
            raise errors.invalid_argument(f"Attribute '{name}' of entity '{table.name}' cannot be NULL.")


def _check_cleared(table: Table, changes: Row) -> None:
    for name, value in changes.items():
        column = table.columns.get(name)
        if value is None and column and column.required == "SystemRequired":
            raise errors.invalid_argument(f"Attribute '{name}' of entity '{table.name}' cannot be NULL.")
