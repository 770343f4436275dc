"""What an observed flow would have done so far, from the ledger: how many records, which fields, what would be parked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sync.errors import CODES
from sync.flow import Flow
from sync.runtime import Runtime
from sync.stores.ledger import FieldChange, Line, Result
from sync.stores.modes import Mode
from sync.value import Value

EXAMPLES = 3
LOOK_BACK = timedelta(days=31)
"""How far the report goes back when the flow is not observed now."""


@dataclass
class FieldCount:
    """One field: in how many records it would be changed, and some of them as (record, old, new). Secrets are masked."""

    count: int = 0
    examples: list[tuple[str, Value, Value]] = field(default_factory=list)


@dataclass
class CauseCount:
    """One cause for parking: how many records, some of them, and what to do."""

    meaning: str
    next_step: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Observed:
    """The last word on each record since `since`. `observing` says whether the flow is observed now. `agreed` are the
    records that need nothing.
    """

    flow: str
    company: str
    since: str
    observing: bool
    created: int = 0
    updated: int = 0
    agreed: int = 0
    fields: dict[str, FieldCount] = field(default_factory=dict)
    causes: dict[str, CauseCount] = field(default_factory=dict)

    @property
    def parked(self) -> int:
        """How many records would be parked."""
        return sum(cause.count for cause in self.causes.values())

    @property
    def records(self) -> int:
        """How many records were looked at."""
        return self.created + self.updated + self.agreed + self.parked


async def observed(runtime: Runtime, flow: Flow, company: str) -> Observed:
    """The report on one flow of a company."""
    setting = await runtime.modes.of(company, flow.name)
    observing = setting.mode is Mode.OBSERVE
    since = setting.since if observing else (datetime.now(UTC) - LOOK_BACK).isoformat()
    report = Observed(flow.name, company, since, observing)
    last: dict[str, Line] = {}
    async for line in runtime.ledger.since(company, flow.pair, datetime.fromisoformat(since)):
        before = last.get(line.key)
        if line.flow == flow.name and (before is None or before.done_at <= line.done_at):
            last[line.key] = line
    for line in sorted(last.values(), key=lambda line: line.key):
        _add(report, line)
    return report


def _add(report: Observed, line: Line) -> None:
    if line.result is not Result.OBSERVED:
        report.agreed += line.result is Result.SKIPPED
    elif line.code:
        _add_cause(report, line)
    elif line.changes and line.text.startswith("would create"):
        report.created += 1
    elif line.changes:
        report.updated += 1
        for change in line.changes:
            _add_field(report, line.key, change)
    else:
        report.agreed += 1


def _add_field(report: Observed, key: str, change: FieldChange) -> None:
    counted = report.fields.setdefault(change.field, FieldCount())
    counted.count += 1
    if len(counted.examples) < EXAMPLES:
        counted.examples.append((key, change.old, change.new))


def _add_cause(report: Observed, line: Line) -> None:
    cause = CODES[line.code]
    counted = report.causes.setdefault(line.code, CauseCount(cause.meaning, cause.next_step))
    counted.count += 1
    if len(counted.examples) < EXAMPLES:
        counted.examples.append(line.key)
