"""Reading and writing Dataverse rows: by id, by alternate key, and in batches with one verdict per row."""

from collections.abc import AsyncIterator, Iterator, Sequence
from collections.abc import Mapping as Table
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from sync.errors import RetryLater, SyncError
from sync.keys import company_key
from sync.mapping import Mapping
from sync.system import Outcome, Record, Verdict, Write
from sync.systems.dataverse.batch import Answer, Part, compose, parse
from sync.systems.dataverse.client import API, DataverseClient, error_from, read_json, write_json
from sync.value import Value

# A direct URL may be 32 KB; 200 values of up to 100 characters stay below it.
_IDS_A_REQUEST = 200
_REPRESENTATION = {"Prefer": "return=representation"}
# 412 says either "your version is old" or "it exists already"; the code tells which.
_VERSION_MISMATCH = "0x80060882"


class DataverseRecords:
    """The rows of one environment, as the line reads and writes them."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client
        self._own_user = ""

    async def read(self, mapping: Mapping, ids: Sequence[str]) -> dict[str, Record]:
        """The rows with these ids, by id; missing ones are absent."""
        rows = await self._where_in(mapping, mapping.dataverse.id, ids)
        return {record.key: record for record in rows}

    async def find(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        """The rows whose key column names one of these GP keys, by GP key."""
        wanted = {company_key(company, key): key for key in keys}
        rows = await self._where_in(mapping, mapping.dataverse.key, list(wanted))
        return {wanted[str(record.values[mapping.dataverse.key])]: record for record in rows}

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        """Write rows in one `$batch`, each under its own precondition; one verdict per write, in order.

        Raises RetryLater when the whole request failed and nobody knows what landed.
        """
        if not writes:
            return []
        own_user = await self._who()
        kind, body = compose([_part(company, mapping, write) for write in writes])
        headers = {"Content-Type": kind, "Prefer": "odata.continue-on-error"}
        response = await self._client.send_raw("POST", "/$batch", body, headers)
        if response.is_error:
            raise error_from(response.status_code, response.content, response.headers)
        answers = parse(response.headers["Content-Type"], response.content)
        if len(answers) != len(writes):
            raise RetryLater(
                "Dataverse answered a part of a batch only.", code="system_unreachable", system="dataverse"
            )
        return [_verdict(mapping, write, answer, own_user) for write, answer in zip(writes, answers, strict=True)]

    async def _where_in(self, mapping: Mapping, column: str, values: Sequence[str]) -> list[Record]:
        own_user = await self._who() if values else ""
        rows: list[Record] = []
        for some in _chunks(values):
            listed = ",".join(f"'{value}'" for value in some)
            filter_ = f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{listed}])"
            path = f"/{mapping.dataverse.set}?{_select(mapping)}&$filter={quote(filter_, safe='=(),.')}"
            async for row in self._pages(path):
                rows.append(record_from(mapping, row, own_user))
        return rows

    async def _pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        while path:
            page = await self._client.get(path)
            for row in page["value"]:
                yield row
            path = page.get("@odata.nextLink", "")

    async def _who(self) -> str:
        if not self._own_user:
            self._own_user = str((await self._client.get("/WhoAmI"))["UserId"])
        return self._own_user


def record_from(mapping: Mapping, row: Table[str, Any], own_user: str) -> Record:
    """One row as a `Record`, every value in the type that the mapping compares."""
    side = mapping.dataverse
    values = {name: _read(mapping, name, row.get(name)) for name in (*mapping.attributes, side.key)}
    return Record(
        key=str(row[side.id]).lower(),
        values=values,
        version=str(row["@odata.etag"]),
        mark=str(row.get(side.mark) or ""),
        written_by_us=str(row.get("_modifiedby_value", "")).lower() == own_user.lower(),
    )


def _select(mapping: Mapping) -> str:
    side = mapping.dataverse
    return "$select=" + ",".join(dict.fromkeys((*mapping.attributes, side.key, side.mark, "_modifiedby_value")))


def _part(company: str, mapping: Mapping, write: Write) -> Part:
    side = mapping.dataverse
    body: dict[str, object] = {name: _sent(value) for name, value in write.values.items()}
    body[side.mark] = write.mark
    if write.create:
        body |= {side.id: write.id, side.key: company_key(company, write.key)}
        return Part("POST", f"{API}/{side.set}?{_select(mapping)}", write_json(body), _REPRESENTATION)
    headers = {**_REPRESENTATION, "If-Match": write.version}
    return Part("PATCH", f"{API}/{side.set}({write.id})?{_select(mapping)}", write_json(body), headers)


def _verdict(mapping: Mapping, write: Write, answer: Answer, own_user: str) -> Verdict:
    if answer.status < 400:
        kept = record_from(mapping, read_json(answer.body), own_user) if answer.body else None
        # The representation is a second read: it counts only if nobody wrote in between.
        sure = kept is not None and kept.mark == write.mark and kept.written_by_us
        return Verdict(write.id, Outcome.WRITTEN, kept if sure else None)
    if answer.status == 404:
        return Verdict(write.id, Outcome.GONE)
    error = error_from(answer.status, answer.body, answer.headers)
    if answer.status == 412 and write.create:
        return Verdict(write.id, Outcome.EXISTS)
    if answer.status == 412 and _VERSION_MISMATCH in error.details:
        return Verdict(write.id, Outcome.CHANGED)
    return Verdict(write.id, Outcome.FAILED, error=_discreet(mapping, write, error))


def _discreet(mapping: Mapping, write: Write, error: SyncError) -> SyncError:
    """The error, without Dataverse's words where they tell of a secret field or quote its value."""
    secrets = {name: str(value) for name, value in write.values.items() if _is_secret(mapping, name)}
    told = [name for name, value in secrets.items() if name in error.message or (value and value in error.message)]
    if not told:
        return error
    text = f"Dataverse refused the record in words that are hidden, as they tell of the secret {', '.join(told)}."
    return type(error)(text, code=error.code, system=error.system, details=error.details, retry_after=error.retry_after)


def _is_secret(mapping: Mapping, name: str) -> bool:
    return name in mapping.fields_by_name and mapping.field(name).secret


def _read(mapping: Mapping, name: str, raw: object) -> Value:
    kind = mapping.attribute(name).type
    if raw is None or isinstance(raw, bool):
        return raw
    if kind in {"Money", "Decimal", "Double"}:
        return Decimal(str(raw))
    if kind == "DateTime":
        moment = datetime.fromisoformat(str(raw))
        return date(moment.year, moment.month, moment.day) if mapping.attribute(name).date_only else moment
    return raw if isinstance(raw, int) else str(raw)


def _sent(value: Value) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _IDS_A_REQUEST):
        yield values[start : start + _IDS_A_REQUEST]
