"""What became of each key of one delivery, as ledger lines."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sync.brake import Counted
from sync.errors import BadSettings, Rejected, RetryLater
from sync.flow import Flow
from sync.mapping import Mapping
from sync.message import Message
from sync.plan import Planner
from sync.planning import Plan, field_change
from sync.settle import committed, lineage
from sync.stores.couple import Couple, Intent, Lineage, opposite
from sync.stores.ledger import FieldChange, Line, Result
from sync.system import Outcome, Record, Verdict


@dataclass
class Run:
    """One delivery of one message: what it is about and what became of each key so far. Of an `observed` one nothing is written."""

    message: Message
    flow: Flow
    mapping: Mapping
    planner: Planner
    redelivered: bool
    observed: bool = False
    lines: dict[str, Line] = field(default_factory=dict)
    told: dict[str, Line] = field(default_factory=dict)
    stands: dict[str, Result] = field(default_factory=dict)
    """What the ledger says of each key by now: a skip replaces nothing that an earlier delivery wrote."""
    parked: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    later: dict[str, RetryLater | BadSettings] = field(default_factory=dict)
    counted: Counted = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    """The ids that records had in GP before, by their key."""
    owing: dict[str, Record] = field(default_factory=dict)
    """The records as they were read to which their parents may have to refer yet, by their key."""
    merged: dict[str, str] = field(default_factory=dict)
    """Of records whose counterpart was merged into the one that they have now: that, in words."""

    @property
    def company(self) -> str:
        return self.message.company

    def end(self, key: str, outcome: Line) -> None:
        """The key is done with. What it wrote in an earlier round stays told."""
        earlier = self.lines.get(key)
        if earlier and not outcome.changes:
            outcome = replace(outcome, changes=earlier.changes)
        self.lines[key] = outcome
        self.ended.add(key)

    def written(self, key: str) -> Line | None:
        """What an earlier round wrote of a key."""
        earlier = self.lines.get(key)
        return earlier if earlier and earlier.result in {Result.CREATED, Result.UPDATED} else None

    def postpone(self, keys: Iterable[str], error: RetryLater | BadSettings) -> None:
        """These keys are tried again later, for a reason that is not theirs."""
        self.later |= {key: error for key in keys if key not in self.ended}


def line(run: Run, key: str, result: Result, text: str, *, attempt: str = "", code: str = "") -> Line:
    message, old = run.message, run.renamed.get(key)
    renamed = f"id changed from {old} to {key}" if old else ""
    text = "; ".join(each for each in (renamed, run.merged.get(key), text) if each)
    return Line(
        key=key,
        flow=run.flow.name,
        result=result,
        text=text,
        reason=message.reason,
        seen_at=message.at.isoformat(),
        done_at=datetime.now(UTC).isoformat(),
        message_id=message.message_id,
        attempt=attempt,
        code=code,
    )


def written_line(run: Run, plan: Plan, earlier: Line | None) -> Line:
    """A record that went round twice (created, then made inactive) has one line with both."""
    create = bool(plan.write and plan.write.create) or (earlier is not None and earlier.result is Result.CREATED)
    written = line(
        run,
        plan.key,
        Result.CREATED if create else Result.UPDATED,
        plan.text,
        attempt=plan.write.mark if plan.write else "",
    )
    return replace(written, changes=(*(earlier.changes if earlier else ()), *plan.changes))


def linked_line(run: Run, key: str, change: FieldChange) -> Line:
    """Of a record to which its parent refers by now, together with what else this message wrote of it."""
    text = f"{change.field} refers to it now"
    own = run.written(key) or line(run, key, Result.UPDATED, text)
    return replace(own, attempt=uuid.uuid4().hex, changes=(*own.changes, change))


def met(plan: Plan, verdict: Verdict) -> Verdict:
    """A verdict as it is to be taken: a create that met itself has landed before; a couple whose key another record of the
    target has is a person's.
    """
    if verdict.outcome is not Outcome.EXISTS or plan.write is None:
        return verdict
    if verdict.kept is not None and verdict.kept.mark == plan.write.mark:
        return replace(verdict, outcome=Outcome.WRITTEN)
    if plan.write.claim and plan.couple.coupled:
        text = f"Another record of the target has the key of {plan.key} already."
        return replace(verdict, outcome=Outcome.FAILED, error=Rejected(text, code="duplicate_in_target", key=plan.key))
    return verdict


def after(run: Run, plan: Plan, verdict: Verdict) -> Couple:
    """The row after a write, by what became of it."""
    side = run.flow.side
    if verdict.outcome is Outcome.WRITTEN:
        kept = run.planner.way.halves(verdict.kept) if verdict.kept else None
        return committed(plan.couple, side, kept)
    parked = verdict.error.code if isinstance(verdict.error, Rejected) else plan.couple.parked_by(side)
    # An id stays reserved only while a create with it may be there already; in GP it tells at once.
    fenced = plan.write is not None and plan.write.not_after is None
    may_be_there = verdict.outcome is Outcome.EXISTS and fenced and plan.write is not None and plan.write.create
    other = opposite(side)
    id_ = plan.couple.on(other) if may_be_there else plan.case.couple.on(other)
    return replace(plan.couple.named(other, id_), intent=None).with_parked(side, parked)


def landed_line(mapping: Mapping, key: str, intent: Intent) -> Line:
    """Of a write that an earlier try left behind."""
    changes = tuple(field_change(mapping, name, plan, "settled: it had landed") for name, plan in intent.fields.items())
    result = Result.CREATED if intent.create else Result.UPDATED
    return _late(key, result, lineage(intent), "found landed after an interruption", changes)


def created_line(key: str, made: Lineage) -> Line:
    """Of a create that landed when nobody waited for it any more."""
    return _late(key, Result.CREATED, made, "found landed after it had been given up")


def _late(key: str, result: Result, write: Lineage, text: str, changes: tuple[FieldChange, ...] = ()) -> Line:
    done_at = datetime.now(UTC).isoformat()
    return Line(key=key, result=result, text=text, done_at=done_at, changes=changes, **vars(write))
