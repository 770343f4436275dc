"""The match report: what its tables hold, and which of a person's answers they give back."""

from collections.abc import Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Final

from sync.mapping import Mapping
from sync.matching.differences import POLICIES, differences, newer_of, shown
from sync.matching.scratch import Found, Kept, Scratch
from sync.system import Record
from sync.value import Value
from sync.way import Lookups

type Cell = str | int
type Row = dict[str, Cell]

COUPLES: Final = "couples"
DOUBTS: Final = "possible duplicates"
ONLY_GP: Final = "only GP"
ONLY_DATAVERSE: Final = "only Dataverse"
DIFFERENCES: Final = "differences"
DECIDED: Final = (COUPLES, DOUBTS, ONLY_GP)
"""The tables in which a person decides."""

DECISION, GP_ID, DATAVERSE_ID = "decision", "GP id", "Dataverse id"
SCORE, WHY, DIFFER = "score", "why", "differing fields"
GP_STATE, DATAVERSE_STATE, REPORT = "GP state", "Dataverse state", "report"

COUPLE, NOT, LATER = "couple", "not", "later"


@dataclass(frozen=True)
class Heading:
    """What a report is about. `environment` and `rules`: digests of which GP and Dataverse were read, and of what the mapping
    says that a couple depends on; `made`: when, as ISO text.
    """

    pair: str
    company: str
    environment: str
    rules: str
    made: str

    @property
    def text(self) -> str:
        """In one cell."""
        return "/".join((self.pair, self.company, self.environment, self.rules, self.made))

    @classmethod
    def parse(cls, text: str) -> "Heading | None":
        """The inverse of `text`; None when it is none."""
        parts = text.split("/")
        return cls(*parts) if len(parts) == 5 else None


@dataclass
class Counts:
    """How many rows each table has; `writes` by what would be written, `already` those that were coupled before."""

    gp: int = 0
    dataverse: int = 0
    already: int = 0
    couples: int = 0
    doubtful: int = 0
    only_gp: int = 0
    only_dataverse: int = 0


def columns(mapping: Mapping) -> tuple[str, ...]:
    """The columns of every table in which records stand."""
    told = (title for name in _told(mapping) for title in (f"GP {name}", f"Dataverse {name}"))
    return (DECISION, GP_ID, DATAVERSE_ID, SCORE, WHY, DIFFER, *told, GP_STATE, DATAVERSE_STATE, REPORT)


def difference_columns() -> tuple[str, ...]:
    """The columns of the table of differences."""
    return (GP_ID, DATAVERSE_ID, "field", "in GP", "in Dataverse", "will be", *POLICIES, "problem")


def tables(
    mapping: Mapping, lookups: Lookups, scratch: Scratch, heading: Heading, counts: Counts
) -> Iterator[tuple[str, Row]]:
    """Every row of every table with the table's name, and counts them."""
    report = Reporter(mapping, lookups, heading)
    for found in scratch.couples():
        counts.couples += 1
        yield from report.pair(COUPLES, found)
    before = ""
    for found in scratch.doubts():
        counts.doubtful += found.gp.key != before
        before = found.gp.key
        yield from report.pair(DOUBTS, found)
    for kept in scratch.alone("gp"):
        counts.only_gp += 1
        yield ONLY_GP, report.row(gp=kept)
    for kept in scratch.alone("dataverse"):
        counts.only_dataverse += 1
        yield ONLY_DATAVERSE, report.row(dataverse=kept)


@dataclass(frozen=True)
class Reporter:
    """Makes rows."""

    mapping: Mapping
    lookups: Lookups
    heading: Heading

    def pair(self, table: str, found: Found) -> Iterator[tuple[str, Row]]:
        """One row for two records, and one for each field in which they differ."""
        gp, dataverse = _record(found.gp), _record(found.dataverse)
        newer = newer_of(found.gp.stamp, found.dataverse.stamp)
        differing = differences(self.mapping, self.lookups, gp, dataverse, newer)
        row = self.row(gp=found.gp, dataverse=found.dataverse)
        row |= {SCORE: found.score, WHY: _why(found), DIFFER: len(differing)}
        yield table, row | ({DECISION: COUPLE} if table == COUPLES else {})
        for each in differing:
            values = {"in GP": _cell(each.gp), "in Dataverse": _cell(each.dataverse), "problem": each.problem}
            ids = {GP_ID: gp.key, DATAVERSE_ID: dataverse.key}
            yield DIFFERENCES, {**ids, "field": each.field, **values, "will be": each.will, **each.by}

    def row(self, *, gp: Kept | None = None, dataverse: Kept | None = None) -> Row:
        """What is told of a record of GP, of one of Dataverse, or of both."""
        row: Row = {REPORT: self.heading.text}
        if gp:
            converted = self.mapping.convert(gp.values, self.lookups).fields
            values = {name: halves.target for name, halves in converted.items()}
            row |= {GP_ID: gp.key, GP_STATE: gp.state} | self._told("GP", values)
        if dataverse:
            row |= {DATAVERSE_ID: dataverse.key, DATAVERSE_STATE: dataverse.state}
            row |= self._told("Dataverse", dataverse.values)
        return row

    def _told(self, system: str, values: Table[str, Value]) -> Row:
        told = ((name, shown(self.mapping.field(name), values.get(name))) for name in _told(self.mapping))
        return {f"{system} {name}": _cell(value) for name, value in told}


def _told(mapping: Mapping) -> tuple[str, ...]:
    return mapping.dataverse.shown_by or mapping.attributes[:1]


def _record(kept: Kept) -> Record:
    return Record(kept.key, kept.values)


def _why(found: Found) -> str:
    return f"{found.rule}: {found.words}" if found.rule and found.rule != found.words else found.words


def _cell(value: Value) -> Cell:
    return "" if value is None else str(value)
