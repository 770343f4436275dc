"""Dataverse as a source: records in bulk by their ids, and all of a company's records page by page."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from typing import Any
from urllib.parse import quote

from sync.errors import Rejected
from sync.keys import company_of_key, company_prefix
from sync.mapping import Mapping
from sync.system import Page, Record
from sync.systems.dataverse.client import DataverseClient, local
from sync.systems.dataverse.environment import OwnUser
from sync.systems.dataverse.queries import ask, questions, same
from sync.systems.dataverse.rows import MASTER, MERGED, column, hints_from, record_from, select, select_hints
from sync.value import Value


class DataverseReader:
    """The rows of one environment. `companies` are all that it is shared by. Errors are those of the client."""

    def __init__(self, client: DataverseClient, companies: Sequence[str]) -> None:
        self._client = client
        self._companies = companies
        self._own_user = OwnUser(client)

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:  # noqa: ARG002
        """The records by id, in one request; an id that Dataverse does not hold is absent."""
        rows = await self._rows(mapping, keys, select(mapping))
        own_user = await self._own_user.id() if rows else ""
        records = [record_from(mapping, row, own_user) for row in rows]
        return {record.key: record for record in records}

    async def hints(self, mapping: Mapping, ids: Sequence[str]) -> dict[str, Table[str, Value]]:
        """What routing needs of the rows, by id, in one request; an id that Dataverse does not hold is absent."""
        rows = await self._rows(mapping, ids, select_hints([mapping]))
        found = {_id(mapping, row): hints_from(mapping, row) for row in rows}
        return {id_: hints for id_, hints in found.items() if hints is not None}

    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> set[str]:  # noqa: ARG002
        """Those of the ids that Dataverse holds."""
        rows = await self._rows(mapping, keys, f"$select={mapping.dataverse.id}")
        return {_id(mapping, row) for row in rows}

    async def children(self, mapping: Mapping, parents: Sequence[str]) -> list[str]:
        """The ids of the rows that belong to these records, take part and hold no key yet, in one request."""
        if mapping.parent is None:
            return []
        above = column(mapping, mapping.parent.attribute)
        found = (await ask(self._client, same(mapping, above, parents, select_hints([mapping]))))[above]
        return [_id(mapping, row) for row in found if _is_new(mapping, hints_from(mapping, row) or {})]

    async def merged_into(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, list[str]]:  # noqa: ARG002
        """The ids of the rows that were merged into these, by these, in one request; most are absent."""
        side = mapping.dataverse
        if side.entity not in MERGED:
            return {}
        found: dict[str, list[str]] = defaultdict(list)
        for row in (await ask(self._client, same(mapping, MASTER, keys, f"$select={side.id},{MASTER}")))[MASTER]:
            found[str(row[MASTER]).lower()].append(_id(mapping, row))
        return dict(found)

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> Page:
        """A page of the ids that are a company's: those that carry its key, and those without a key that are in scope.

        A record without a key whose company is in doubt is the first company's to look at. `after` is where the last
        page ended, blank for the first one; a place that Dataverse does not know any more begins anew.
        """
        headers = {"Prefer": f"odata.maxpagesize={limit}"}
        try:
            body = await self._client.get(after or _first(company, mapping), headers)
        except Rejected:
            if not after:
                raise
            return await self.keys(company, mapping, "", limit)
        rows = body["value"]
        keys = [_id(mapping, row) for row in rows if self._is_of(company, mapping, hints_from(mapping, row) or {})]
        return Page(keys, local(body.get("@odata.nextLink", "")))

    async def count(self, company: str, mapping: Mapping) -> int:  # noqa: ARG002
        """About how many rows the table has, all companies together: Dataverse counts once a day."""
        entity = mapping.dataverse.entity
        body = await self._client.get(f"/RetrieveTotalRecordCount(EntityNames=@p)?@p=['{entity}']")
        counts = body["EntityRecordCountCollection"]
        return sum(int(count) for count in counts["Values"])

    async def _rows(self, mapping: Mapping, ids: Iterable[str], columns: str) -> list[dict[str, Any]]:
        asked = questions(mapping, "id", [mapping.dataverse.id], [(id_,) for id_ in ids], columns)
        return (await ask(self._client, asked))["id"]

    def _is_of(self, company: str, mapping: Mapping, values: Table[str, Value]) -> bool:
        if key := values.get(mapping.dataverse.key):
            return company_of_key(str(key), [company]) is not None
        try:
            if mapping.parent:  # whose that is the crosswalk knows
                return mapping.in_scope(values)
            return mapping.in_scope(values) and mapping.company_of(values, self._companies) == company
        except Rejected:
            return company == self._companies[0]


def _is_new(mapping: Mapping, values: Table[str, Value]) -> bool:
    """Whether a row holds no key and takes part; one of which that can't be told is looked at by the line."""
    try:
        return not values.get(mapping.dataverse.key) and mapping.in_scope(values)
    except Rejected:
        return True


def _first(company: str, mapping: Mapping) -> str:
    side = mapping.dataverse
    filter_ = f"startswith({side.key},'{company_prefix(company)}') or {side.key} eq null"
    return f"/{side.set}?{select_hints([mapping])}&$filter={quote(filter_, safe="(),'")}&$orderby={side.key}"


def _id(mapping: Mapping, row: dict[str, Any]) -> str:
    return str(row[mapping.dataverse.id]).lower()
