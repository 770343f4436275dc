"""CreateMultiple, UpdateMultiple and UpsertMultiple on standard tables: all of it or nothing of it."""

from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.keys import RowKey, row_key
from sandbox.dataverse.literals import GUID
from sandbox.dataverse.odata import parse_path
from sandbox.dataverse.reader import Reader
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import Table
from sandbox.dataverse.wire import Call, Reply

BULK = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple", "DeleteMultiple")


@dataclass(frozen=True)
class Bulk:
    """The bulk actions of one call, inside the transaction of its request."""

    env: Environment
    call: Call

    def run(self, table: Table, message: str, options: dict[str, str]) -> Reply:
        """Carry out one bulk action. Raises DataverseError for the first row that fails."""
        Reader(self.env, self.call).check(options, {"tag"})
        if message == "DeleteMultiple":
            raise errors.DataverseError(400, "0x80040203", "DeleteMultiple has not yet been implemented.")
        if not table.bulk or table.name in self.env.switches.no_bulk:
            text = f"The '{message}' method does not support entities of type '{table.name}'."
            raise errors.DataverseError(400, "0x80040800", text)
        targets = self._targets(table)
        if message == "CreateMultiple":
            writer = Rows(self.env, self.call).writer(options)
            ids = [writer.create(table, target) for target in targets]
            what = f"{self.call.root}/$metadata#{errors.TYPE}CreateMultipleResponse"
            return Reply(200, {}, {"@odata.context": what, "Ids": ids})
        for target in targets:
            self._write(table, target, options, create=message == "UpsertMultiple")
        return Reply()

    def _targets(self, table: Table) -> list[dict[str, object]]:
        body = self.call.json()
        targets = body.get("Targets")
        for name in body.keys() - {"Targets"}:
            raise errors.bad_payload(table.entity_set_name, f"The parameter '{name}' is not declared.")
        if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
            raise errors.bad_payload(table.entity_set_name, "A collection 'Targets' is expected.")
        if not targets:
            raise errors.invalid_argument("The parameter 'Targets' must hold at least one row.")
        for target in targets:
            if "@odata.type" not in target:
                text = "Each of 'Targets' needs an '@odata.type'."
                raise errors.bad_payload(table.entity_set_name, text)
        return targets

    def _write(self, table: Table, target: dict[str, object], options: dict[str, str], *, create: bool) -> None:
        body = dict(target)
        key = self._key(table, body)
        row = key.find(self.env.store, table)
        rows = Rows(self.env, self.call)
        if row is not None:
            rows.update(table, key, row, body, options)
            return
        if not create:
            if key.id is None:
                raise key.missing(table)
            raise errors.DataverseError(404, "0x80040217", f"{table.name} With Ids = {key.id} Do Not Exist")
        if any(name in body for name, _ in key.values):
            # Seen by the authors of Microsoft's SDK: the key both in the body and in @odata.id.
            raise errors.DataverseError(400, "0x80040216", "An unexpected error occurred.")
        rows.writer(options).create(table, body, key.id, dict(key.values))

    def _key(self, table: Table, body: dict[str, object]) -> RowKey:
        reference = body.pop("@odata.id", None)
        if reference is None:
            row_id = body.pop(table.primary_id, None)
            if not isinstance(row_id, str) or not GUID.fullmatch(row_id):
                raise errors.bad_payload(table.entity_set_name, "Each of 'Targets' needs an id.")
            return RowKey(row_id.lower())
        segments = parse_path(str(reference)) if "://" not in str(reference) else []
        if len(segments) != 1 or segments[0].name != table.entity_set_name or segments[0].key is None:
            text = f"The value '{reference}' of '@odata.id' cannot be parsed."
            raise errors.bad_payload(table.entity_set_name, text)
        return row_key(table, segments[0].key)
