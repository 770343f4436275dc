"""Reading and writing Dataverse rows: all reads of a round at once, all writes with a verdict per row."""

from collections.abc import Awaitable, Sequence
from itertools import batched
from typing import Literal

from sync.errors import BadSettings, Rejected, RetryLater, SyncError
from sync.keys import company_key
from sync.mapping import Mapping
from sync.system import Ask, Outcome, Reference, Seen, Verdict, Write
from sync.systems.dataverse.batch import Answer, Part, send
from sync.systems.dataverse.bulk import CreateMultiple
from sync.systems.dataverse.client import API, DataverseClient, error_from, read_json, write_json
from sync.systems.dataverse.environment import OwnUser
from sync.systems.dataverse.queries import ask, questions
from sync.systems.dataverse.rows import body_of, record_from, select

_REPRESENTATION = {"Prefer": "return=representation"}
# 412 says either "your version is old" or "it exists already"; the code tells which.
_VERSION_MISMATCH = "0x80060882"


WRITES = 500
"""Writes of one request: it may hold 1,000, but must end within two minutes."""

# Nothing was done: Dataverse counts before it works, and the gate did not let the request out.
_UNTOUCHED = {"throttled", "gate_closed"}

type Form = Literal["batch", "multiple"]
"""How new rows are created: in a `$batch`, or by CreateMultiple where the table has it."""


class DataverseRecords:
    """The rows of one environment, as the line reads and writes them."""

    def __init__(self, client: DataverseClient, form: Form = "batch") -> None:
        self._client = client
        self._form = form
        self._multiple = CreateMultiple(client)
        self._own_user = OwnUser(client)

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen:
        """All rows asked for, in one request; missing ones are absent."""
        side = mapping.dataverse
        keys = {company_key(company, key): key for key in wanted.keys}
        asked = questions(mapping, "id", [side.id], [(id_,) for id_ in wanted.ids])
        asked += questions(mapping, "key", [side.key], [(key,) for key in keys])
        for attributes, values in wanted.alike.items():
            asked += questions(mapping, "alike", attributes, values)
        own_user = await self._own_user.id() if asked else ""
        rows = await ask(self._client, asked)
        records = {about: [record_from(mapping, row, own_user) for row in found] for about, found in rows.items()}
        return Seen(
            by_id={record.key: record for record in records.get("id", [])},
            by_key={keys[str(record.values[side.key]).upper()]: record for record in records.get("key", [])},
            alike=list({record.key: record for record in records.get("alike", [])}.values()),
        )

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        """Write rows, each under its own precondition; one verdict per write, in order.

        A verdict with RetryLater is REFUSED when it is known that nothing landed, else FAILED. Raises Rejected or
        BadSettings when a whole request was refused.
        """
        new = await self._for_bulk(mapping, writes)
        rest = [write for write in writes if write.id not in new]
        verdicts: list[Verdict] = []
        for send_all, writes_ in ((self._create, list(new.values())), (self._batch, rest)):
            for some in batched(writes_, WRITES, strict=False):
                verdicts += await _tried(send_all(company, mapping, some), some)
        by_id = {verdict.id: verdict for verdict in verdicts}
        return [by_id[write.id] for write in writes]

    async def referred(self, parent: Mapping, column: str, ids: Sequence[str]) -> dict[str, Reference]:
        """What the rows of a table refer to by a look-up column, by id; missing ones are absent."""
        side, held = parent.dataverse, f"_{column}_value"
        asked = questions(parent, "id", [side.id], [(id_,) for id_ in ids], f"$select={side.id},{held}")
        rows = (await ask(self._client, asked))["id"]
        found = [(str(row[side.id]).lower(), str(row.get(held) or "").lower(), row) for row in rows]
        return {id_: Reference(id_, to, str(row["@odata.etag"])) for id_, to, row in found}

    async def refer(
        self, parent: Mapping, column: str, mapping: Mapping, references: Sequence[Reference]
    ) -> list[Verdict]:
        """Have rows of `parent` refer to rows of `mapping` by that column and nothing else, each if it is as it was read; one
        verdict per reference. The mark stays that of the write whose values it tells of.
        """
        parts = [_reference(parent, column, mapping, each) for each in references]
        writes = [Write(each.id, {}, "", version=each.version) for each in references]
        answers = await send(self._client, parts)
        return [_verdict(parent, write, answer, "") for write, answer in zip(writes, answers, strict=True)]

    async def _for_bulk(self, mapping: Mapping, writes: Sequence[Write]) -> dict[str, Write]:
        """The writes that go as CreateMultiple, by id."""
        new = {write.id: write for write in writes if write.create}
        wanted = self._form == "multiple" and len(new) > 1
        return new if wanted and await self._multiple.has(mapping.dataverse.entity) else {}

    async def _create(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        """Create all rows at once; when that is refused, once more each for itself, for a verdict per row."""
        try:
            return await self._multiple.create(company, mapping, writes, await self._own_user.id())
        except (Rejected, BadSettings):
            return await self._batch(company, mapping, writes)

    async def _batch(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        own_user = await self._own_user.id()
        answers = await send(self._client, [_part(company, mapping, write) for write in writes])
        return [_verdict(mapping, write, answer, own_user) for write, answer in zip(writes, answers, strict=True)]


async def _tried(sending: Awaitable[list[Verdict]], writes: Sequence[Write]) -> list[Verdict]:
    try:
        return await sending
    except RetryLater as error:
        outcome = Outcome.REFUSED if error.code in _UNTOUCHED else Outcome.FAILED
        return [Verdict(write.id, outcome, error=error) for write in writes]


def _part(company: str, mapping: Mapping, write: Write) -> Part:
    path = f"{API}/{mapping.dataverse.set}"
    body = write_json(body_of(company, mapping, write))
    if write.create:
        return Part("POST", f"{path}?{select(mapping)}", body, _REPRESENTATION)
    headers = {**_REPRESENTATION, "If-Match": write.version}
    return Part("PATCH", f"{path}({write.id})?{select(mapping)}", body, headers)


def _reference(parent: Mapping, column: str, mapping: Mapping, reference: Reference) -> Part:
    body = write_json({f"{column}@odata.bind": f"/{mapping.dataverse.set}({reference.to})"})
    path = f"{API}/{parent.dataverse.set}({reference.id})"
    return Part("PATCH", path, body, {"If-Match": reference.version})


def _verdict(mapping: Mapping, write: Write, answer: Answer, own_user: str) -> Verdict:
    if answer.status < 400:
        kept = record_from(mapping, read_json(answer.body), own_user) if answer.body else None
        # The representation is a second read: it counts only if nobody wrote in between.
        sure = kept is not None and kept.mark == write.mark and kept.written_by_us
        return Verdict(write.id, Outcome.WRITTEN, kept if sure else None)
    if answer.status == 404 and not write.create:
        return Verdict(write.id, Outcome.GONE)
    error = error_from(answer.status, answer.body, answer.headers)
    if answer.status == 412 and _VERSION_MISMATCH in error.details:
        return Verdict(write.id, Outcome.CHANGED)
    if answer.status == 412 and (write.create or write.claim):
        return Verdict(write.id, Outcome.EXISTS)
    if answer.status < 500 and not isinstance(error, Rejected):
        return Verdict(write.id, Outcome.REFUSED, error=error)
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
