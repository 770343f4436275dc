"""In-memory stand-ins for unit tests: a table with ETags, lanes, a source and a target that keep the line's promises
as strictly as the real ones do."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.data.tables import TableEntity

from sync.errors import Rejected, RetryLater, SyncError
from sync.flow import Flow, find_flows
from sync.keys import company_key, split_key
from sync.mapping import Mapping
from sync.message import Message
from sync.stores.transactions import Operation
from sync.system import Ask, Identity, Outcome, Record, Reference, Seen, Verdict, Write

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
_CONDITION = re.compile(r"(\w+) (eq|ge|lt) '((?:[^']|'')*)'")


def customer_flows() -> dict[str, Flow]:
    """The flows of customers alone, where nothing else is mapped."""
    return {name: flow for name, flow in find_flows().items() if flow.pair == "customer"}


class FakeTable:
    """`sync.stores.tables.Table` in memory: ETags, insert-if-absent, all-or-nothing groups, one clock."""

    def __init__(self) -> None:
        self.now = START
        self.entities: dict[tuple[str, str], TableEntity] = {}
        self.calls = 0
        self.before_transaction: list[Any] = []
        """Functions run (once each) just before a transaction: another worker's moves."""
        self._version = 0

    async def get(self, partition: str, row: str) -> TableEntity | None:
        self.calls += 1
        return self.entities.get((partition, row))

    async def rows(self, partition: str, row_keys: Sequence[str], *, close: bool = False) -> list[TableEntity]:
        self.calls += bool(row_keys)
        return [self.entities[partition, key] for key in row_keys if (partition, key) in self.entities]

    async def page(
        self, partition: str, low: str, high: str, limit: int, columns: Sequence[str] | None = None
    ) -> list[TableEntity]:
        self.calls += 1
        keys = sorted(key for key in self.entities if key[0] == partition and low <= key[1] < high)
        return [self.entities[key] for key in keys[:limit]]

    async def query(
        self, filter_: str, page: int | None = None, columns: Sequence[str] | None = None
    ) -> AsyncIterator[TableEntity]:
        self.calls += 1
        conditions = _CONDITION.findall(filter_)
        for entity in list(self.entities.values()):
            if all(_holds(entity[name], operator, value.replace("''", "'")) for name, operator, value in conditions):
                yield entity

    async def put(self, entity: dict[str, Any]) -> None:
        self.calls += 1
        self._set(entity)

    async def insert(self, entity: dict[str, Any]) -> str | None:
        self.calls += 1
        return None if _key(entity) in self.entities else self._set(entity)

    async def replace(self, entity: dict[str, Any], etag: str) -> str | None:
        self.calls += 1
        return self._set(entity) if self._etag(entity) == etag else None

    async def delete(self, partition: str, row: str) -> None:
        self.calls += 1
        self.entities.pop((partition, row), None)

    async def transact(self, groups: Sequence[Sequence[Operation]]) -> list[list[str] | None]:
        self.calls += bool(groups)
        while self.before_transaction:
            self.before_transaction.pop(0)()
        names = [_key(operation[1]) for group in groups for operation in group]
        assert len(names) == len(set(names)), "a transaction may name a row only once"
        return [self._group(group) for group in groups]

    def _group(self, group: Iterable[Operation]) -> list[str] | None:
        if not all(self._allowed(operation) for operation in group):
            return None
        return [self._apply(operation) for operation in group]

    def _allowed(self, operation: Operation) -> bool:
        kind, entity = operation[0], operation[1]
        if kind == "create":
            return _key(entity) not in self.entities
        if len(operation) == 3:
            return self._etag(entity) == operation[2]["etag"]
        return True

    def _apply(self, operation: Operation) -> str:
        if operation[0] == "delete":
            self.entities.pop(_key(operation[1]), None)
            return ""
        return self._set(operation[1])

    def _set(self, entity: dict[str, Any]) -> str:
        self._version += 1
        stored = TableEntity(entity)
        stored._metadata = {"etag": f'W/"{self._version}"', "timestamp": self.now}
        self.entities[_key(entity)] = stored
        return f'W/"{self._version}"'

    def _etag(self, entity: dict[str, Any]) -> str | None:
        found = self.entities.get(_key(entity))
        return found.metadata["etag"] if found else None


class FakeClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeLanes:
    """Remembers what was sent, to which lane and with what delay."""

    sent: list[tuple[str, Message, float]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    depth: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def send(self, lane: str, message: Message, delay: float = 0) -> None:
        self.sent.append((lane, message, delay))

    async def send_text(self, lane: str, body: str, delay: float = 0) -> None:
        self.kept.append((lane, body))

    async def waiting(self, lane: str) -> int:
        return self.depth[lane]


@dataclass
class FakeBraking:
    """Lets everything pass, and remembers what intake foresaw: flow, company, deletes."""

    foreseen: list[tuple[str, str, int | None]] = field(default_factory=list)

    async def foresee(self, flow: Flow, company: str, *, gone: int = 0, held: int | None = None) -> None:
        self.foreseen.append((flow.name, company, gone or held))


class FakeSource:
    """GP in memory: rows by company and key. `error` is raised by every read while set."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.records: dict[tuple[str, str], Record] = {}
        self.error: SyncError | None = None

    def type_customer(self, company: str, key: str, **values: Any) -> None:
        """A customer as a clerk types it: everything not named stays empty."""
        defaults = {"CRLMTTYP": 0, "CRLMTAMT": 0, "HOLD": 0, "INACTIVE": 0, "CUSTNMBR": key}
        row = {path: defaults.get(path) for path in self._mapping.gp.paths} | values
        known = self.records.get((company, key))
        note = values.pop("NOTEINDX", known.identity if known else len(self.records) + 1)
        self.records[company, key] = Record(key, row, identity=str(note))

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        if self.error:
            raise self.error
        return {key: self.records[company, key] for key in keys if (company, key) in self.records}

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        return sorted(key for place, key in self.records if place == company and key > after)[:limit]

    async def living(self, company: str, mapping: Mapping, identities: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for (place, key), record in self.records.items():
            if place == company and record.identity in identities:
                found.setdefault(record.identity, []).append(key)
        return found

    def change_id(self, company: str, old: str, new: str, **values: Any) -> None:
        """A tool gives a customer another id; its note stays."""
        record = self.records.pop((company, old))
        values = record.values | {"CUSTNMBR": new} | values
        self.records[company, new] = replace(record, key=new, values=values)

    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> set[str]:
        return set(await self.read(company, mapping, keys))

    async def count(self, company: str, mapping: Mapping) -> int:
        return len(await self.keys(company, mapping, "", len(self.records)))


class FakeTarget:
    """Dataverse in memory: client-chosen ids, the alternate key, versions, the mark, and planned misbehaviour."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self.writes: list[Write] = []
        self.cut_before = 0
        self.cut_after = 0
        self.refuse: dict[str, SyncError] = {}
        self.before_write: list[Any] = []
        self.references: list[Reference] = []
        self.before_refer: list[Any] = []
        self.cut_after_refer = 0
        self.normalise = lambda name, value: value
        self.organization = "org-1"
        self.looks = 0
        self.hidden: SyncError | None = None
        self._version = 0

    async def identity(self) -> Identity:
        self.looks += 1
        if self.hidden:
            raise self.hidden
        return Identity("dataverse", {"organization": self.organization})

    async def read(self, mapping: Mapping, ids: Sequence[str]) -> dict[str, Record]:
        return {id_: self.rows[id_] for id_ in ids if id_ in self.rows}

    async def find(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        wanted = {company_key(company, key): key for key in keys}
        column = mapping.dataverse.key
        return {wanted[row.values[column]]: row for row in self.rows.values() if row.values.get(column) in wanted}

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen:
        by_id = await self.read(mapping, wanted.ids)
        by_key = await self.find(company, mapping, wanted.keys)
        return Seen(by_id, by_key, list(self._alike(wanted)))

    def _alike(self, wanted: Ask) -> Iterator[Record]:
        """What the asked groups of values find, in any case of letters, as Dataverse compares."""
        for row in self.rows.values():
            if any(_fits(row, names, values) for names, values in wanted.alike.items()):
                yield row

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        while self.before_write:
            self.before_write.pop(0)()
        if self.cut_before:
            self.cut_before -= 1
            raise RetryLater("cut before", code="system_unreachable")
        verdicts = [self._one(company, mapping, write) for write in writes]
        if self.cut_after:
            self.cut_after -= 1
            raise RetryLater("cut after", code="system_unreachable")
        return verdicts

    async def referred(self, parent: Mapping, column: str, ids: Sequence[str]) -> dict[str, Reference]:
        known = [self.rows[id_] for id_ in ids if id_ in self.rows]
        return {row.key: Reference(row.key, str(row.values.get(column) or ""), row.version) for row in known}

    async def refer(
        self, parent: Mapping, column: str, mapping: Mapping, references: Sequence[Reference]
    ) -> list[Verdict]:
        """The mark of what is linked stays as it is, but we are the last who modified it."""
        while self.before_refer:
            self.before_refer.pop(0)()
        verdicts = [self._refer(column, each) for each in references]
        if self.cut_after_refer:
            self.cut_after_refer -= 1
            raise RetryLater("cut after", code="system_unreachable")
        return verdicts

    def _refer(self, column: str, reference: Reference) -> Verdict:
        row = self.rows.get(reference.id)
        if row is None or reference.to not in self.rows:
            return Verdict(reference.id, Outcome.GONE)
        if row.version != reference.version:
            return Verdict(reference.id, Outcome.CHANGED)
        if error := self.refuse.get(reference.id):
            outcome = Outcome.FAILED if isinstance(error, Rejected) else Outcome.REFUSED
            return Verdict(reference.id, outcome, error=error)
        self.references.append(reference)
        values = row.values | {column: reference.to}
        self.rows[row.key] = replace(row, values=values, version=self._next(), written_by_us=True)
        return Verdict(reference.id, Outcome.WRITTEN)

    def edit(self, id_: str, **values: Any) -> None:
        """A user's edit in Dataverse."""
        row = self.rows[id_]
        self.rows[id_] = replace(row, values=row.values | values, version=self._next(), written_by_us=False)

    def merge(self, subordinate: str, master: str, **values: Any) -> None:
        """A user merges two accounts; `values` are what is chosen for the one that stays."""
        self.edit(master, **values)
        self.edit(subordinate, statecode=1)
        self.rows[subordinate] = replace(self.rows[subordinate], successor=master)

    def merged_into(self, masters: Sequence[str]) -> dict[str, list[str]]:
        """What was merged into each."""
        found = {master: [row.key for row in self.rows.values() if row.successor == master] for master in masters}
        return {master: ids for master, ids in found.items() if ids}

    def _one(self, company: str, mapping: Mapping, write: Write) -> Verdict:
        present = self.rows.get(write.id)
        if write.create and present:
            return Verdict(write.id, Outcome.EXISTS)
        if not write.create and present is None:
            return Verdict(write.id, Outcome.GONE)
        if present and present.version != write.version:
            return Verdict(write.id, Outcome.CHANGED)
        if (write.create or write.claim) and self._key_taken(company, mapping, write):
            return Verdict(write.id, Outcome.EXISTS)
        if write.create and mapping.rules.parent and write.parent not in self.rows:
            return Verdict(write.id, Outcome.FAILED, error=Rejected("no such parent", code="refused_by_target"))
        if error := self.refuse.get(write.key):
            outcome = Outcome.FAILED if isinstance(error, Rejected) else Outcome.REFUSED
            return Verdict(write.id, outcome, error=error)
        self.writes.append(write)
        return Verdict(write.id, Outcome.WRITTEN, self._store(company, mapping, write, present))

    def _store(self, company: str, mapping: Mapping, write: Write, present: Record | None) -> Record:
        values = dict(present.values) if present else dict.fromkeys(mapping.attributes) | {"statecode": 0}
        if write.create and mapping.parent:
            values |= {mapping.parent.attribute: write.parent, "addressnumber": 3}
        values |= {name: self.normalise(name, value) for name, value in write.values.items()}
        if write.create or write.claim:
            values[mapping.dataverse.key] = company_key(company, write.key)
        successor = present.successor if present else ""
        record = Record(write.id, values, self._next(), mark=write.mark, written_by_us=True, successor=successor)
        self.rows[write.id] = record
        return record

    def _key_taken(self, company: str, mapping: Mapping, write: Write) -> bool:
        key = company_key(company, write.key)
        return any(row.values.get(mapping.dataverse.key) == key for row in self.rows.values())

    def _next(self) -> str:
        self._version += 1
        return f'W/"{self._version}"'


def later(table: FakeTable, by: timedelta) -> None:
    """Let time pass on the table's clock."""
    table.now += by


def _key(entity: dict[str, Any]) -> tuple[str, str]:
    return entity["PartitionKey"], entity["RowKey"]


def _fits(row: Record, names: Sequence[str], values: Iterable[Sequence[str]]) -> bool:
    held = tuple(str(row.values.get(name) or "").rstrip().casefold() for name in names)
    return held in {tuple(text.casefold() for text in texts) for texts in values}


def _holds(value: str, operator: str, bound: str) -> bool:
    return {"eq": value == bound, "ge": value >= bound, "lt": value < bound}[operator]


class FakeGp(FakeSource):
    """GP in memory as a target too: keys, the mark, its own clock, and planned misbehaviour."""

    def __init__(self, mapping: Mapping) -> None:
        super().__init__(mapping)
        self.now = START
        self.writes: list[Write] = []
        self.cut_before = 0
        self.cut_after = 0
        self.refuse: dict[str, SyncError] = {}
        self.before_write: list[Any] = []
        self.normalise = lambda path, value: value
        self.stamps = 0
        self.notes = 0
        self.looks = 0

    def type_customer(self, company: str, key: str, **values: Any) -> None:
        """A new customer, or a clerk's edit of one, who leaves its mark and its note as they are."""
        known = self.records.get((company, key))
        if known is None:
            values.setdefault("NOTEINDX", self._note())
            super().type_customer(company, key, **values)
        else:
            self.records[company, key] = replace(known, values={**known.values, **values})
        self._stamp(company, key)

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen:
        self.looks += 1
        by_id = await self.read(company, mapping, wanted.ids)
        return Seen(by_id, {}, self.alike(company, wanted), self.now)

    def alike(self, company: str, wanted: Ask) -> list[Record]:
        """What the asked groups of values find."""
        here = [record for (where, _), record in self.records.items() if where == company]
        return [each for each in here if any(_fits(each, names, some) for names, some in wanted.alike.items())]

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        while self.before_write:
            self.before_write.pop(0)()
        if self.cut_before:
            self.cut_before -= 1
            raise RetryLater("cut before", code="system_unreachable")
        verdicts = [self._one(company, mapping, write) for write in writes]
        if self.cut_after:
            self.cut_after -= 1
            raise RetryLater("cut after", code="system_unreachable")
        return verdicts

    def type_address(self, company: str, mapping: Mapping, key: str, **values: Any) -> None:
        """A new address of a customer, whose own is PRIMARY, or a clerk's edit of one."""
        customer, code = split_key(key, 2)
        own = dict.fromkeys(("PRBTADCD", "PRSTADCD", "ADRSCODE"), "PRIMARY") | {"CUSTNMBR": customer}
        blank = dict.fromkeys(mapping.gp.paths, "") | {f"customer.{name}": value for name, value in own.items()}
        known = self.records.get((company, key)) or Record(key, blank | {"ADRSCODE": code})
        self.records[company, key] = replace(known, values=known.values | values)
        self._stamp(company, key)

    def _one(self, company: str, mapping: Mapping, write: Write) -> Verdict:
        present = self.records.get((company, write.id))
        if write.not_after and self.now > write.not_after:
            return Verdict(write.id, Outcome.CHANGED)
        if write.create and present:
            return Verdict(write.id, Outcome.EXISTS, present)
        if not write.create and present is None:
            return Verdict(write.id, Outcome.GONE)
        if not write.create and write.seen != present:
            return Verdict(write.id, Outcome.CHANGED)
        if error := self.refuse.get(write.key):
            return Verdict(write.id, Outcome.FAILED, error=error)
        self.writes.append(write)
        if present is None and mapping.parent:
            self.type_address(company, mapping, write.id)
        elif present is None:
            FakeSource.type_customer(self, company, write.id, NOTEINDX=self._note())
        known = self.records[company, write.id]
        kept = {path: self.normalise(path, value) for path, value in write.values.items()}
        self.records[company, write.id] = replace(known, values=known.values | kept, mark=write.mark)
        return Verdict(write.id, Outcome.WRITTEN, self._stamp(company, write.id))

    def _stamp(self, company: str, key: str) -> Record:
        """As GP stamps a row, in UTC without saying so; never twice the same."""
        self.stamps += 1
        stamp = self.now.replace(tzinfo=None) + timedelta(milliseconds=self.stamps)
        self.records[company, key] = replace(self.records[company, key], version=stamp.isoformat())
        return self.records[company, key]

    def _note(self) -> int:
        """The note of a new customer, which no other one gets again."""
        self.notes += 1
        return self.notes
