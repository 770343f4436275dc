"""POST, GET, PATCH and DELETE of one row, with preconditions and the representation asked for."""

from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.keys import RowKey, row_key
from sandbox.dataverse.payload import Body
from sandbox.dataverse.reader import Reader
from sandbox.dataverse.schema import Table
from sandbox.dataverse.solutions import Solution
from sandbox.dataverse.store import Row
from sandbox.dataverse.wire import Call, Reply
from sandbox.dataverse.writer import Writer

_COMPONENTS = {"sdkmessageprocessingstep": 92, "serviceendpoint": 95}
"""The tables whose rows are components of a solution, with their kind."""


@dataclass(frozen=True)
class Rows:
    """The row operations of one call."""

    env: Environment
    call: Call

    def writer(self, options: dict[str, str]) -> Writer:
        call = self.call
        return Writer(self.env, call.user, call.root, options.get("tag", ""), call.origin)

    def create(self, table: Table, options: dict[str, str]) -> Reply:
        """POST to a set: 204 with the new URL, 201 with the row when that is preferred."""
        self._check(options, {"tag", "$select", "$expand"})
        row_id = self._create(table, self.call.json(), options)
        url = f"{self.call.root}/{table.entity_set_name}({row_id})"
        return self._written(table, row_id, options, 201, {"Location": url, "OData-EntityId": url})

    def read(self, table: Table, key: str, options: dict[str, str]) -> Reply:
        """GET of a row."""
        self.call.user.need("Read", table)
        return Reader(self.env, self.call).one(table, self.existing(table, key), options)

    def patch(self, table: Table, key: str, options: dict[str, str]) -> Reply:
        """PATCH: updates or creates, as the row and the conditions allow."""
        self._check(options, {"tag", "$select", "$expand"})
        wanted = row_key(table, key)
        row = wanted.find(self.env.store, table)
        match, none_match = self.call.headers.get("If-Match"), self.call.headers.get("If-None-Match")
        if row is not None and none_match == "*":
            raise errors.already_there()
        if row is None and match is not None:
            raise wanted.missing(table)
        body = self.call.json()
        # As it was sent: after an upsert by alternate key this does not tell the id.
        url = f"{self.call.root}/{self.call.path}"
        if row is None:
            row_id = self._create_at(table, wanted, body, options)
            return self._written(table, row_id, options, 201, {"Location": url, "OData-EntityId": url})
        check_version(row, match)
        self.update(table, wanted, row, body, options)
        return self._written(table, str(row[table.primary_id]), options, 200, {"OData-EntityId": url})

    def update(self, table: Table, wanted: RowKey, row: Row, body: dict, options: dict[str, str]) -> None:
        """Update a found row; key columns that are in the URL are dropped from the body."""
        named = dict(wanted.values)
        named |= {name: None for name, end in table.navigation.items() if end.column in named}
        kept = {name: value for name, value in body.items() if name.removesuffix("@odata.bind") not in named}
        self.writer(options).update(table, row, kept)

    def _create_at(self, table: Table, wanted: RowKey, body: dict, options: dict[str, str]) -> str:
        return self._create(table, body, options, wanted.id, dict(wanted.values))

    def _create(
        self,
        table: Table,
        body: Body,
        options: dict[str, str],
        row_id: str | None = None,
        preset: Row | None = None,
    ) -> str:
        made = self.writer(options).create(table, body, row_id, preset)
        if table.name in _COMPONENTS:
            Solution(self.env, self.call.headers.get("MSCRM.SolutionUniqueName", "")).add(_COMPONENTS[table.name], made)
        return made

    def delete(self, table: Table, key: str, options: dict[str, str]) -> Reply:
        """DELETE of a row."""
        self._check(options, {"tag"})
        row = self.existing(table, key)
        check_version(row, self.call.headers.get("If-Match"))
        self.writer(options).delete(table, row)
        return Reply()

    def existing(self, table: Table, key: str) -> Row:
        """The row a key means. Raises DataverseError: 404 when there is none."""
        wanted = row_key(table, key)
        row = wanted.find(self.env.store, table)
        if row is None:
            raise wanted.missing(table)
        return row

    def _check(self, options: dict[str, str], known: set[str]) -> None:
        Reader(self.env, self.call).check(options, known)

    def _written(
        self, table: Table, row_id: str, options: dict[str, str], status: int, headers: dict[str, str]
    ) -> Reply:
        if not self.call.prefer.representation:
            return Reply(204, headers)
        row = self.env.store.get(table, row_id)
        assert row is not None
        reply = Reader(self.env, self.call).one(table, row, options)
        reply.status = status
        reply.headers = {**headers, **reply.headers, **self.call.prefer.applied(representation=True)}
        return reply


def check_version(row: Row, match: str | None) -> None:
    """Raises DataverseError: 412 when `If-Match` names another version than the row's, 400 for no ETag."""
    if match is None or match == "*":
        return
    version = match.removeprefix('W/"').removesuffix('"')
    if match != f'W/"{version}"' or not version.isdigit():
        raise errors.bad_query(f"The value '{match}' of the If-Match header is no ETag.")
    if int(version) != row["versionnumber"]:
        raise errors.stale()
