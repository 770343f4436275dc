"""Create, update and delete one row by the platform's rules: defaults, state, money, ownership, plug-ins, events."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.dataverse import errors
from sandbox.dataverse.access import User
from sandbox.dataverse.derived import derive
from sandbox.dataverse.environment import Change, Environment, Origin, Rule
from sandbox.dataverse.guards import guard
from sandbox.dataverse.payload import Body, Payload, link, parse
from sandbox.dataverse.schema import Column, Navigation, Table
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
        self._run_rules("Create", table, row, payload.sent())
        _require(table, row)
        self._fill(table, row)
        derive(self.env.store, table, row, row)
        guard(self.env, table, row, row)
        created = str(row[table.primary_id])
        sent = payload.sent() | (preset or {}).keys()
        with self._told(self._change("Create", table, created, sent=sent, after=row, asked=asked)):
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
        self._run_rules("Update", table, changes, sent)
        _check_closed(table, row, changes)
        _check_cleared(table, changes)
        _move_state(table, row, changes, row_id)
        self._stamp(table, changes)
        derive(self.env.store, table, {**row, **changes}, changes)
        guard(self.env, table, {**row, **changes}, changes)
        after = {**row, **changes}
        with self._told(self._change("Update", table, row_id, sent=sent, before=row, after=after, asked=asked)):
            self.env.store.update(table, row_id, changes)
            after["versionnumber"] = changes["versionnumber"]

    def delete(self, table: Table, row: Row) -> None:
        """Delete a row; lookups to it from known relationships are cleared."""
        self.user.need("Delete", table)
        row_id = str(row[table.primary_id])
        with self._told(self._change("Delete", table, row_id, before=row)):
            for end in table.collections.values():
                child = self.env.schema.table(end.table)
                if child is not None:
                    self._let_go(table, child, end, row_id)
            self.env.store.delete(table, row_id)

    def _change(self, message: str, table: Table, row_id: str, **what: Any) -> Change:
        known = {"sent": frozenset(), "before": None, "after": None, **what}
        return Change(
            message, table, row_id, user=self.user, tag=self.tag, origin=self.origin, depth=self.depth, **known
        )

    @contextmanager
    def _told(self, change: Change) -> Iterator[None]:
        """Tell subscribers of a write before it and after it."""
        self.env.changing(change)
        yield
        self.env.changed(change)

    @property
    def nested(self) -> "Writer":
        """For the writes that one of this writer's brings about."""
        return replace(self, depth=self.depth + 1)

    def _let_go(self, table: Table, child: Table, end: Navigation, row_id: str) -> None:
        column = child.columns[end.column]
        for row in self.env.store.find(child, {column.name: row_id}):
            if column.polymorphic and row[target_column(column)] != table.name:
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

    def _run_rules(self, message: str, table: Table, values: Row, sent: frozenset[str]) -> None:
        for rule in self.env.rules:
            if rule.table == table.name and rule.column in sent and message in rule.on:
                _apply(rule, values)

    def _fill(self, table: Table, row: Row) -> None:
        for name, column in table.columns.items():
            if name not in row and (default := _default(column)) is not None:
                row[name] = default
        _start_state(self.env, table, row)
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


def _apply(rule: Rule, values: Row) -> None:
    if rule.do == "refuse":
        raise errors.plugin_threw(rule.text)
    value = values.get(rule.column)
    if not isinstance(value, str):
        return
    ways = {"upper": str.upper, "trim": str.strip, "collapse": _collapsed, "phone": _phone}
    values[rule.column] = ways[rule.do](value) or None


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _phone(text: str) -> str:
    """A North American number in one form, `+1 425-555-0100 x12`; other text as it is."""
    match = re.fullmatch(r"1?(\d{3})(\d{3})(\d{4})(\d*)", re.sub(r"\D", "", text))
    if match is None:
        return text
    return f"+1 {match[1]}-{match[2]}-{match[3]}" + (f" x{match[4]}" if match[4].strip("0") else "")


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


def _check_closed(table: Table, row: Row, changes: Row) -> None:
    if row.get("statecode") in table.closed and changes.keys() - {"statecode", "statuscode"}:
        text = f"This {table.name} cannot be edited because it is closed."
        raise errors.invalid_argument(text)


def _first_status(table: Table, state: int) -> int | None:
    options = table.columns["statuscode"].options
    return min((value for value, option in options.items() if option.state == state), default=None)


def _start_state(env: Environment, table: Table, row: Row) -> None:
    if "statecode" not in table.columns:
        return
    initial = table.columns["statecode"].default or 0
    keeps = env.switches.create_keeps_state and row.get("statecode") is not None
    state = int(str(row["statecode"])) if keeps else initial
    row["statecode"] = state
    _set_status(table, row, state, str(row[table.primary_id]))


def _move_state(table: Table, row: Row, changes: Row, row_id: str) -> None:
    if "statecode" not in changes and "statuscode" not in changes:
        return
    before = row["statecode"]
    state = int(str(before if changes.get("statecode") is None else changes["statecode"]))
    changes["statecode"] = state
    if state == before and changes.get("statuscode") is None:
        changes["statuscode"] = row["statuscode"]
    _set_status(table, changes, state, row_id)


def _set_status(table: Table, row: Row, state: int, row_id: str) -> None:
    if "statuscode" not in table.columns:
        return
    status = row.get("statuscode")
    if status is None:
        row["statuscode"] = _first_status(table, state)
        return
    option = table.columns["statuscode"].options.get(int(str(status)))
    if option is None or option.state != state:
        raise errors.bad_status(int(str(status)), state, table.name, row_id)
