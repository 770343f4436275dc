"""The match report of two populated sides: reads both whole, compares, and writes a file; nothing anywhere else."""

import hashlib
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sync.differs import is_outside
from sync.errors import Rejected
from sync.keys import company_of_key, decode
from sync.mapping import Mapping
from sync.matching.compare import compare_all
from sync.matching.differences import fingerprint
from sync.matching.files import read, writer
from sync.matching.report import (
    DATAVERSE_ID,
    DECIDED,
    DECISION,
    GP_ID,
    Counts,
    Heading,
    columns,
    difference_columns,
    tables,
)
from sync.matching.scratch import Entry, Scratch
from sync.matching.traits import Traits, traits_of
from sync.operations.modes import environments
from sync.runtime import Runtime
from sync.stores.crosswalk import MOST_ROWS
from sync.system import Record
from sync.systems.dataverse.pages import pages
from sync.value import Value

KIND = "match"
"""What a run is called that carries a report out."""

PAGE = 1_000


@dataclass(frozen=True)
class Step:
    """How far a report is: `what` is done now, `done` records of it, of `total` where that is known."""

    what: str
    done: int = 0
    total: int | None = None


@dataclass
class Match:
    """One report. `decisions`: what was decided before, by GP id and Dataverse id. `counts` is complete when `run` has ended."""

    runtime: Runtime
    mapping: Mapping
    company: str
    path: Path
    decisions: Table[tuple[str, str], str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._lookups = self.mapping.lookups

    async def run(self) -> AsyncIterator[Step]:
        """Make the report, step by step. Raises as the systems do, and Rejected when nothing tells records apart."""
        if not self.mapping.rules.evidence.name:
            text = f"{self.mapping.pair}.yaml names no evidence by which records could be matched."
            raise Rejected(text, code="no_evidence")
        heading = await heading_of(self.runtime, self.mapping, self.company)
        with tempfile.TemporaryDirectory(prefix="gp365-") as folder, Scratch(Path(folder) / "match.db") as scratch:
            taken = await _taken(self.runtime, self.company, self.mapping.pair)
            async for step in self._read_gp(scratch, taken):
                yield step
            async for step in self._read_dataverse(scratch, taken):
                yield step
            for done in compare_all(scratch):
                yield Step("comparing", done, scratch.count("gp"))
            for step in self._write(scratch, heading):
                yield step

    async def _read_gp(self, scratch: Scratch, taken: "_Taken") -> AsyncIterator[Step]:
        total = await self.runtime.gp.count(self.company, self.mapping)
        after = ""
        while keys := await self.runtime.gp.keys(self.company, self.mapping, after, PAGE):
            free = [key for key in keys if key not in taken.keys]
            records = await self.runtime.gp.read(self.company, self.mapping, free) if free else {}
            scratch.add(
                "gp", (self._of_gp(record) for record in records.values() if not is_outside(self.mapping, record))
            )
            scratch.add_customers(taken.keys.intersection(keys))
            self.counts.gp += len(keys)
            self.counts.already += len(keys) - len(free)
            after = keys[-1]
            yield Step("reading GP", self.counts.gp, total)

    async def _read_dataverse(self, scratch: Scratch, taken: "_Taken") -> AsyncIterator[Step]:
        async for page in pages(self.runtime.dataverse, self.mapping):
            free = [
                pair for pair in page if pair[0].key not in taken.ids and may_be_of(self.company, self.mapping, pair[0])
            ]
            scratch.add("dataverse", (self._of_dataverse(*pair) for pair in free))
            for record, _ in free:
                if key := self._key(record):
                    scratch.couple_by_key(_gp_id(key), record.key)
            self.counts.dataverse += len(page)
            yield Step("reading Dataverse", self.counts.dataverse)

    def _of_gp(self, record: Record) -> Entry:
        converted = self.mapping.convert(record.values, self._lookups).fields
        values = {name: halves.target for name, halves in converted.items()}
        return Entry(record.key, self._traits(values), record.values, gp_state(self.mapping, record), record.version)

    def _of_dataverse(self, record: Record, stamp: str) -> Entry:
        """One that holds a key is compared with nothing else."""
        traits = self._traits({} if self._key(record) else record.values)
        return Entry(record.key, traits, record.values, fingerprint(self.mapping, record.values), stamp)

    def _traits(self, values: Table[str, Value]) -> Traits:
        return traits_of(self.mapping.rules.evidence, values, self.mapping.rules.region)

    def _key(self, record: Record) -> str:
        return str(record.values.get(self.mapping.dataverse.key) or "").strip()

    def _write(self, scratch: Scratch, heading: Heading) -> list[Step]:
        lines = explanation(self.mapping, heading)
        with writer(self.path, columns(self.mapping), difference_columns(), lines) as file:
            for table, row in tables(self.mapping, self._lookups, scratch, heading, self.counts):
                before = self.decisions.get((str(row.get(GP_ID, "")), str(row.get(DATAVERSE_ID, ""))))
                file.add(table, row | ({DECISION: before} if before and table in DECIDED else {}))
        return [Step("writing the report", self.counts.couples, self.counts.couples)]


def may_be_of(company: str, mapping: Mapping, record: Record) -> bool:
    """Whether an account may be one of this company's. What belongs to another one, by its key or by what the pair says, is that
    one's; what was merged into another account is nobody's.
    """
    if record.successor:
        return False
    if key := str(record.values.get(mapping.dataverse.key) or "").strip():
        return company_of_key(key, [company]) is not None
    return mapping.may_be_of(record.values, company)


@dataclass(frozen=True)
class _Taken:
    """What is coupled, being coupled or answered already, from either side."""

    keys: set[str]
    ids: set[str]


def decisions_of(path: Path) -> dict[tuple[str, str], str]:
    """What was decided in an earlier report, by GP id and Dataverse id. Raises Rejected for a file that is none."""
    return {
        (row[GP_ID], row[DATAVERSE_ID]): row[DECISION]
        for table, _, row in read(path)
        if table in DECIDED and row[DECISION].strip()
    }


async def heading_of(runtime: Runtime, mapping: Mapping, company: str) -> Heading:
    """What a report made now would be about."""
    facts = [[each.system, each.facts] for each in await environments(runtime, company)]
    rules = [
        [each.name, each.side, each.owner, each.first_sync, each.rule.gp or each.rule.expr] for each in mapping.fields
    ]
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return Heading(mapping.pair, company, _digest(facts), _digest(rules), made)


def gp_state(mapping: Mapping, record: Record) -> str:
    """A digest of a record of GP, of all that the mapping reads and may be told, and of whether it is the same record."""
    return f"{fingerprint(mapping, mapping.gp_halves(record.values))}{record.identity}"


def explanation(mapping: Mapping, heading: Heading) -> Sequence[str]:
    """What the first sheet tells."""
    target = mapping.dataverse.set
    return (
        f"Match report: {mapping.pair}, company {heading.company}",
        f"Made {heading.made}. Nothing was written to GP or Dataverse, and nothing will be before you apply this file.",
        "You edit one column: decision. Write couple, not or later; in 'possible duplicates' and 'only GP' you may also "
        f"write the id of one of the {target}, also one from 'only Dataverse', to couple the record with that one.",
        "couples: sure by several independent signs. They are coupled unless you write not or later.",
        "possible duplicates: one row for each candidate, the best first. Write couple in the row of the right one. "
        "A record whose candidates are all not is a new one. A blank decision is later: nothing is done.",
        "only GP, only Dataverse: no counterpart was found. Nothing is done about them.",
        "differences: for each of these pairs the fields that differ, both values, what will be written when they are "
        "coupled, and what each policy (first_sync in the mapping) would write.",
        "Change no other column. A row whose record changed since is refused when you apply the file; make a new report for those.",
        f"Then: python -m sync match --pair {mapping.pair} --company {heading.company} --apply FILE",
    )


async def _taken(runtime: Runtime, company: str, pair: str) -> _Taken:
    keys: set[str] = set()
    ids: set[str] = set()
    after = ""
    while page := await runtime.crosswalk.page(company, pair, after, MOST_ROWS):
        for couple in page:
            if couple.coupled or couple.intent or couple.answer:
                keys.add(couple.key)
                ids |= {couple.id, couple.chosen} - {""}
        after = page[-1].key
        if len(page) < MOST_ROWS:
            break
    return _Taken(keys, ids)


def _gp_id(key: str) -> str:
    """The GP id in a value of the key column; blank when that is not of our making."""
    try:
        return decode(key.upper().partition("-")[2])
    except ValueError:
        return ""


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:12]
