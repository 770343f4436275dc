"""What is known of one record, what may be planned for it, and how each such plan is put together. Pure."""

import uuid
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync.errors import CODES, Rejected, RetryLater
from sync.flow import Flow
from sync.mapping import Mapping
from sync.match import INACTIVE, NEW, Match, told
from sync.message import Message
from sync.stores.couple import KILLER, Agreed, Couple, Intent, Planned, opposite
from sync.stores.ledger import FieldChange
from sync.system import Record, Write
from sync.value import Value
from sync.way import Turned, way_of

MASK = "***"
STATE = "statecode"


@dataclass(frozen=True)
class Heir:
    """What a record of the target was merged into, at the end of the chain. `record`: None where it is not there, or the
    chain has no end; `row`: what the crosswalk knows of it.
    """

    record: Record | None = None
    row: Couple | None = None


@dataclass(frozen=True)
class Case:
    """Everything known of one record in this round: read in this order and never another."""

    key: str
    couple: Couple
    source: Record | None
    target: Record | None = None
    claimed_by: str = ""
    """The key of another record that the target is coupled with already."""
    beside: Couple | None = None
    """The row of its own that the target has, being coupled with nothing yet."""
    match: Match = NEW
    """How the target was found, when it was not this record's before."""
    turned: Turned | None = None
    """What the source's values become, where that is known already."""
    free: str = ""
    """An id of the target that nobody has, for a record that may have to be created."""
    at: datetime | None = None
    """The target's own time when it was read, where it tells."""
    rests: bool = False
    """Whether the source holds just what it held when both agreed, so that the target need not be read."""
    renamed: Couple | None = None
    """The row that the couple has still, under the id that the record had in GP before."""
    unclear: str = ""
    """Why it can't be said whether it is a known record whose id was changed."""
    lives_as: str = ""
    """Of a record that is gone from GP: the id under which GP has it by now, coupled with nothing yet."""

    heir: Heir | None = None
    """Of a target that was merged into another record: that one."""
    inherits: Couple | None = None
    """Of a source into which another record was merged: the couple of that one, which is to come over."""
    parent: Couple | None = None
    """The couple of the record that one belongs to which may have to be created."""
    orphaned: bool = False
    """Of a record that is gone from GP: whether the one that it belonged to is gone too."""

    @property
    def stored(self) -> Couple:
        """The row as it is stored."""
        return self.renamed or self.couple


@dataclass(frozen=True)
class Plan:
    """What to do with one record. `couple` is the crosswalk row to store before anything is written.

    With `write` set, `couple` carries the intent; `deferred` says that some fields can be written only afterwards. With
    `error` set the record is parked. With neither it ends as a skip, for the reason in `text`; the row is stored only
    when it differs. `hand_over`: some of it is the other direction's, which is told before the message ends. `hand_on`: the
    key under which it is to be looked at instead. `again`: nothing but the row is stored, and the record goes round again;
    before that the key is taken from `former`, the record that was merged into another. `carried`: the key of GP under which it
    is handed over, where the crosswalk does not know the two. `later`: why it does not end yet, but is looked at once more.
    `awaits`: the key of its parent, which goes first.
    """

    case: Case
    couple: Couple
    text: str
    write: Write | None = None
    changes: tuple[FieldChange, ...] = ()
    deferred: bool = False
    error: Rejected | None = None
    hand_over: bool = False
    hand_on: str = ""
    again: bool = False
    former: Record | None = None
    later: RetryLater | None = None
    awaits: str = ""
    carried: str = ""

    @property
    def key(self) -> str:
        """The source's key."""
        return self.case.key

    @property
    def stores(self) -> bool:
        return self.couple != self.case.stored

    @property
    def handed(self) -> Couple:
        """The couple that is handed over with `hand_over`."""
        return replace(self.couple, key=self.carried) if self.carried else self.case.inherits or self.couple


class Planning:
    """The ends that a plan may have: a write, a skip, a person. `span`: how long after it was read a target without fences
    may be written.
    """

    def __init__(
        self,
        flow: Flow,
        mapping: Mapping,
        lookups: Table[str, Table[str, Value]],
        message: Message,
        span: timedelta = timedelta(minutes=10),
    ) -> None:
        self.way = way_of(mapping, flow.side, lookups)
        self._flow = flow
        self._mapping = mapping
        self._message = message
        self._span = span
        self._from, self._to = ("GP", "Dataverse") if flow.side == "gp" else ("Dataverse", "GP")

    def turn(self, source: Record, target: Record | None = None) -> Turned:
        """What a record of the source would write, and all its problems."""
        return self.way.turn(source, target)

    def waits_for_a_person(self, couple: Couple) -> bool:
        """Whether the other direction left a write behind that its record is parked with, since it killed each worker: nobody
        settles that before a person has said so, and no message may wait for it.
        """
        theirs = couple.intent is not None and couple.intent.target != self._flow.target
        return theirs and couple.parked_by(opposite(self._flow.side)) == KILLER

    @property
    def entity(self) -> str:
        """What the target calls such a record."""
        side = self._mapping.dataverse if self._flow.side == "gp" else self._mapping.gp
        return side.entity

    def _write(
        self,
        case: Case,
        couple: Couple,
        planned: dict[str, Planned],
        rules: dict[str, str],
        columns: dict[str, Value],
        *,
        create: bool = False,
        claim: bool = False,
    ) -> Plan:
        attempt = uuid.uuid4().hex
        version = case.target.version if case.target else ""
        not_after = case.at + self._span if case.at else None
        message = self._message
        intent = Intent(
            attempt=attempt,
            message_id=message.message_id,
            target=self._flow.target,
            create=create,
            version=version,
            fields=planned,
            flow=message.flow,
            reason=message.reason,
            seen_at=message.at.isoformat(),
            not_after=not_after.isoformat() if not_after else "",
            reserved=bool(case.couple.on(opposite(self._flow.side))),
        )
        write = Write(
            couple.on(opposite(self._flow.side)),
            columns,
            attempt,
            create=create,
            claim=claim,
            version=version,
            key=case.key,
            seen=case.target,
            not_after=not_after,
            parent=case.parent.on(opposite(self._flow.side)) if create and case.parent else "",
        )
        changes = tuple(field_change(self._mapping, name, plan, rules[name]) for name, plan in planned.items())
        stored = replace(couple, intent=intent, identity=self._identity(case), discarded="")
        return Plan(case, stored, "", write=write, changes=changes)

    def _skip(self, case: Case, couple: Couple, text: str) -> Plan:
        if couple.etag or couple.coupled:
            couple = replace(couple, identity=self._identity(case)).with_parked(self._flow.side, "")
            couple = replace(couple, discarded=couple.discarded if case.source is None else "")
        return Plan(case, couple, text)

    def _park(self, case: Case, code: str, text: str) -> Plan:
        sides = {"gp": self._mapping.gp.entity, "d365": self._mapping.dataverse.entity}
        error = Rejected(
            text,
            code=code,
            system=self._flow.source,
            entity=sides[self._flow.side],
            key=case.key,
            details=CODES[code].meaning,
        )
        couple = replace(case.couple.with_parked(self._flow.side, code), discarded="")
        return Plan(case, couple, text, error=error)

    def _perhaps_another(self, case: Case) -> Plan | None:
        """A customer that is not the couple's, or of which nobody knows, or may know yet."""
        couple = case.couple
        if couple.doubt:
            return self._perhaps_made(case)
        if self.waits_for_a_person(couple):
            text = f"{case.key}: a write of the other direction was left behind, and waits for a person."
            return self._park(case, KILLER, text)
        identity = self.way.identity(case.source, case.target)
        if couple.identity and identity and couple.identity != identity:
            return self._park(case, "key_reused", f"GP gave the id {couple.key} to another record.")
        return None

    def _perhaps_made(self, case: Case) -> Plan:
        """A customer under the id that was reserved for an account: nobody knows who made it."""
        couple, account = case.couple, case.target if self._flow.side == "gp" else case.source
        shown = told(self._mapping, account) if account else f"id {couple.id}, which is gone"
        text = (
            f"{couple.key} may be what was made in GP of an account ({shown}): nobody heard how that ended, and "
            f"{couple.key} holds other values by now. It is: couple {couple.key} --with {couple.id}. It is not: --none."
        )
        return self._park(case, "possible_duplicate", text)

    def _settled(self, couple: Couple) -> Couple:
        """The base says that the source is gone and the counterpart with it: see `Couple.settled_delete`."""
        return replace(couple, base=couple.base | {STATE: Agreed.of(self._flow.side, None, INACTIVE)})

    def _identity(self, case: Case) -> str:
        return self.way.identity(case.source, case.target) or case.couple.identity


def field_change(mapping: Mapping, name: str, plan: Planned, rule: str) -> FieldChange:
    """What the ledger may tell of one value: secret fields are masked."""
    mapped = mapping.fields_by_name.get(name)
    if mapped and mapped.secret:
        return FieldChange(name, MASK, MASK, rule)
    return FieldChange(name, plan.old, plan.new, rule)
